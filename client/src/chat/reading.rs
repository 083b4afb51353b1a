//! How far one has read: told to the server for one's other devices, and heard from them. Marks never go back within an epoch; one that
//! was not accepted is told again.

use std::collections::BTreeMap;

use recado_proto::{Code, Epoch, ReadMark, ReadOf};

use crate::limits;
use crate::session::RequestError;

use super::item::{Item, Place};
use super::{Ask, Chat, Effect};

/// What counts as read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reads {
    /// Nothing: nobody may be looking, and nobody is told.
    Nothing,
    /// Whatever is shown: it goes by in front of whoever looks.
    WhatIsShown,
    /// What the face says, which knows what one looks at.
    WhatIsSeen,
}

/// A place in what is read: up to here, inclusive.
pub type ReadTo = (Epoch, u64);

/// How far each conversation was read, here or elsewhere.
#[derive(Debug)]
pub(super) struct Reading {
    reads: Reads,
    known: BTreeMap<Place, ReadTo>,
    /// Not told to the server yet, or not accepted.
    untold: BTreeMap<Place, ReadTo>,
    /// One is on its way, and others wait for it.
    is_telling: bool,
}

impl Reading {
    pub(super) fn new(reads: Reads) -> Self {
        Self { reads, known: BTreeMap::new(), untold: BTreeMap::new(), is_telling: false }
    }

    /// Whether this is news. A mark of another epoch is: whoever sets it knows the store as it is now.
    fn learn(&mut self, place: &Place, (epoch, seq): ReadTo) -> bool {
        let is_news = self.known.get(place).is_none_or(|(known, at)| *known != epoch || *at < seq);
        let has_room = self.known.contains_key(place) || self.known.len() < limits::READ_PLACES_MAX;
        if is_news && has_room {
            self.known.insert(place.clone(), (epoch, seq));
        }
        is_news && has_room
    }
}

impl Chat {
    /// What counts as read.
    pub fn reads(&self) -> Reads {
        self.reading.reads
    }

    /// Everything of this conversation up to there was seen.
    pub fn on_seen(&mut self, place: Place, to: ReadTo) {
        if self.reading.reads != Reads::Nothing && self.reading.learn(&place, to) {
            self.note_read(&place, to);
            self.reading.untold.insert(place, to);
        }
    }

    /// Up to where the conversation was read, as far as that is known.
    pub(super) fn read_mark(&self, place: &Place) -> Option<ReadTo> {
        self.reading.known.get(place).copied()
    }

    /// Tells the next of what was read since, unless something is on its way.
    pub fn tell_marks(&mut self) {
        if self.reading.is_telling || self.server_away {
            return;
        }
        if let Some((place, (epoch, seq))) = self.reading.untold.pop_first() {
            self.reading.is_telling = true;
            self.effects.push_back(Effect::Ask(Ask::Mark(ReadMark { of: read_of(place), seq, epoch })));
        }
    }

    /// What is still to be told when the chat ends.
    pub fn take_untold_marks(&mut self) -> Vec<ReadMark> {
        let untold = std::mem::take(&mut self.reading.untold).into_iter();
        untold.map(|(place, (epoch, seq))| ReadMark { of: read_of(place), seq, epoch }).collect()
    }

    /// Asks how far was read elsewhere: nobody is promised to hear of it.
    pub(super) fn ask_marks(&mut self) {
        if self.reading.reads != Reads::Nothing {
            self.effects.push_back(Effect::Ask(Ask::Marks));
        }
    }

    pub(super) fn on_told(&mut self, mark: ReadMark, result: Result<(), RequestError>) {
        self.reading.is_telling = false;
        match result {
            Ok(()) => self.tell_marks(),
            // The store was restored meanwhile, or the server knows no marks: there is nothing to be told again.
            Err(RequestError::Refused { code, .. }) if !matches!(code, Code::Busy | Code::Unavailable) => {
                tracing::debug!(%code, "a read mark was refused");
                self.tell_marks();
            }
            Err(error) => {
                tracing::debug!(%error, "a read mark is told again");
                let place = place_of(mark.of);
                self.reading.untold.entry(place).or_insert((mark.epoch, mark.seq));
            }
        }
    }

    /// All marks, as the server has them. An error is as good as none: they are asked for again when the server is back.
    pub(super) fn on_marks(&mut self, result: Result<Vec<ReadMark>, RequestError>) {
        let marks = result.unwrap_or_else(|error| {
            tracing::debug!(%error, "how far was read elsewhere is not known");
            Vec::new()
        });
        // A mark of an epoch that is no more is listed still.
        let is_stale = |mark: &ReadMark| {
            self.reading.known.get(&place_of(mark.of.clone())).is_some_and(|(epoch, _)| *epoch != mark.epoch)
        };
        let marks: Vec<ReadMark> = marks.into_iter().filter(|mark| !is_stale(mark)).collect();
        let marks = marks.into_iter().filter_map(|mark| self.learn_mark(mark)).collect();
        self.show(Item::Read { marks, is_all: true });
    }

    /// A mark moved, on this device or another one.
    pub(super) fn on_marked(&mut self, mark: ReadMark) {
        if let Some(mark) = self.learn_mark(mark) {
            self.show(Item::Read { marks: vec![mark], is_all: false });
        }
    }

    fn learn_mark(&mut self, mark: ReadMark) -> Option<(Place, ReadTo)> {
        let (place, to) = (place_of(mark.of), (mark.epoch, mark.seq));
        let is_news = self.reading.learn(&place, to);
        if is_news {
            self.note_read(&place, to);
        }
        if is_news
            && self.reading.untold.get(&place).is_some_and(|(epoch, seq)| *epoch != to.0 || *seq <= to.1)
        {
            self.reading.untold.remove(&place);
        }
        is_news.then_some((place, to))
    }

    /// A message of another was shown.
    pub(super) fn note_shown(&mut self, place: &Place, to: Option<ReadTo>) {
        if let (Reads::WhatIsShown, Some(to)) = (self.reading.reads, to) {
            self.on_seen(place.clone(), to);
        }
    }
}

fn read_of(place: Place) -> ReadOf {
    match place {
        Place::Channel(channel) => ReadOf::Channel(channel),
        Place::Direct(user) => ReadOf::With(user),
    }
}

fn place_of(of: ReadOf) -> Place {
    match of {
        ReadOf::Channel(channel) => Place::Channel(channel),
        ReadOf::With(user) => Place::Direct(user),
    }
}
