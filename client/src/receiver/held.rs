//! Publications of one topic that wait until those before them have come.

use std::collections::BTreeMap;

use recado_proto::{Epoch, Publication};

use crate::limits;

use super::outlet::Outlet;

/// By place, all of one epoch. At most [`limits::HELD_MAX`], and in all topics of a session [`limits::HELD_BYTES_MAX`]; what has
/// no room is dropped, the furthest place first, and comes from history.
#[derive(Debug, Default)]
pub(super) struct Held {
    publications: BTreeMap<u64, Publication>,
    epoch: Option<Epoch>,
    bytes: usize,
}

impl Held {
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn is_empty(&self) -> bool {
        self.publications.is_empty()
    }

    /// The lowest place.
    pub(super) fn first(&self) -> Option<u64> {
        self.publications.first_key_value().map(|(seq, _)| *seq)
    }

    /// Whether a publication of this epoch may be held.
    pub(super) fn is_of(&self, epoch: Epoch) -> bool {
        self.is_empty() || self.epoch == Some(epoch)
    }

    /// Drops everything of another epoch. False if there was something.
    pub(super) fn keep_epoch(&mut self, epoch: Epoch) -> bool {
        self.is_of(epoch) || self.clear() == 0
    }

    /// Holds the publication if there is room. Two different ones of the same place are both dropped: history knows which it is.
    pub(super) fn insert(&mut self, seq: u64, epoch: Epoch, publication: Publication, out: &mut Outlet<'_>) {
        if let Some(held) = self.publications.get(&seq) {
            if held.id != publication.id {
                self.remove(seq);
            }
            return out.repeat();
        }
        let cost = cost(&publication);
        while self.publications.len() >= limits::HELD_MAX || self.bytes + cost > out.held_bytes_max {
            let furthest = self.publications.last_key_value().map(|(furthest, _)| *furthest);
            let Some(furthest) = furthest.filter(|furthest| seq < *furthest) else {
                return out.overflowed();
            };
            self.remove(furthest);
            out.overflowed();
        }
        self.epoch = Some(epoch);
        self.bytes += cost;
        self.publications.insert(seq, publication);
    }

    pub(super) fn remove(&mut self, seq: u64) -> Option<Publication> {
        let publication = self.publications.remove(&seq)?;
        self.bytes -= cost(&publication);
        Some(publication)
    }

    /// Drops what lies before this place.
    pub(super) fn discard_before(&mut self, seq: u64) {
        while self.first().is_some_and(|first| first < seq) {
            self.publications.pop_first().inspect(|(_, publication)| self.bytes -= cost(publication));
        }
    }

    /// Drops everything; how much it was.
    pub(super) fn clear(&mut self) -> usize {
        self.take_all().count()
    }

    /// Gives everything back in order.
    pub(super) fn take_all(&mut self) -> impl Iterator<Item = Publication> + use<> {
        self.bytes = 0;
        std::mem::take(&mut self.publications).into_values()
    }
}

/// Bytes of memory, near enough.
fn cost(publication: &Publication) -> usize {
    size_of::<Publication>()
        + publication.topic.len()
        + publication.message.len()
        + publication.sender().as_str().len()
}
