//! What came and was not read. Where the face says what one sees, the place that is kept of a topic for the next start stands before it, so
//! that it comes again then, however the program ends.

use std::collections::BTreeMap;

use recado_proto::{Epoch, Publication, UserName};

use crate::limits;
use crate::receiver::{Topic, Via};

use super::item::Place;
use super::{Chat, ReadTo, Reads};

/// What others said in a conversation and was not read, in places of its topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Span {
    epoch: Epoch,
    first: u64,
    last: u64,
}

/// What was not read of each conversation, and how far each topic has come.
#[derive(Debug, Default)]
pub(super) struct Unread {
    spans: BTreeMap<Place, Span>,
    come: BTreeMap<Topic, ReadTo>,
}

impl Unread {
    fn add(&mut self, place: Place, (epoch, seq): ReadTo) {
        let has_room = self.spans.contains_key(&place) || self.spans.len() < limits::READ_PLACES_MAX;
        match self.spans.get_mut(&place).filter(|span| span.epoch == epoch) {
            Some(span) => (span.first, span.last) = (span.first.min(seq), span.last.max(seq)),
            None if has_room => {
                self.spans.insert(place, Span { epoch, first: seq, last: seq });
            }
            None => {}
        }
    }

    fn read(&mut self, place: &Place, (epoch, seq): ReadTo) {
        let Some(span) = self.spans.get_mut(place) else { return };
        if span.epoch != epoch || span.last <= seq {
            self.spans.remove(place);
        } else {
            span.first = span.first.max(seq + 1);
        }
    }

    /// Up to where everything of the topic was read.
    fn read_to(&self, topic: &Topic) -> Option<ReadTo> {
        let (epoch, come) = *self.come.get(topic)?;
        let is_of = |place: &Place| match (place, topic) {
            (Place::Channel(channel), Topic::Channel(of)) => channel == of,
            (Place::Direct(_), Topic::Direct(_)) => true,
            (Place::Channel(_), Topic::Direct(_)) | (Place::Direct(_), Topic::Channel(_)) => false,
        };
        let unread = self.spans.iter().filter(|(place, span)| is_of(place) && span.epoch == epoch);
        let first = unread.map(|(_, span)| span.first).min();
        Some((epoch, first.map_or(come, |first| first - 1)))
    }
}

impl Chat {
    /// Something of the topic came: it is not to come again next time, unless it is to be read still.
    pub(super) fn note_place(&mut self, topic: &Topic, publication: &Publication, via: Via) {
        let (true, Some(epoch), Some(seq)) = (self.keeps, publication.epoch, publication.seq) else { return };
        if self.reads() != Reads::WhatIsSeen {
            self.places.insert(topic.clone(), (epoch, seq));
            self.unsaved.insert(topic.clone());
            return;
        }
        if let Some(place) = self.unread_in(topic, publication, (epoch, seq), via) {
            self.unread.add(place, (epoch, seq));
        }
        self.unread.come.insert(topic.clone(), (epoch, seq));
        self.place_anew(topic);
    }

    /// From here on nothing of the channel was read, although not all of it comes.
    pub(super) fn leave_unread(&mut self, topic: Topic, (epoch, read): ReadTo) {
        if let (Reads::WhatIsSeen, Topic::Channel(channel)) = (self.reads(), &topic) {
            self.unread.add(Place::Channel(channel.clone()), (epoch, read + 1));
        }
    }

    /// This was read, here or elsewhere.
    pub(super) fn note_read(&mut self, place: &Place, to: ReadTo) {
        self.unread.read(place, to);
        let topic = match place {
            Place::Channel(channel) => Topic::Channel(channel.clone()),
            Place::Direct(_) => Topic::Direct(self.user.clone()),
        };
        self.place_anew(&topic);
    }

    /// The channel is left: nothing of it is to be read.
    pub(super) fn forget_unread(&mut self, topic: &Topic) {
        self.places.remove(topic);
        self.unread.come.remove(topic);
        if let Topic::Channel(channel) = topic {
            self.unread.spans.remove(&Place::Channel(channel.clone()));
        }
    }

    /// Whether a direct message that came while one was away was read on another device.
    pub fn was_read(&self, sender: &UserName, publication: &Publication) -> bool {
        let Some((epoch, read)) = self.read_mark(&Place::Direct(sender.clone())) else { return false };
        publication.epoch == Some(epoch) && publication.seq.is_some_and(|seq| seq <= read)
    }

    /// The conversation in which this is to be read; none if there is nothing to be read, or it was.
    fn unread_in(&self, topic: &Topic, publication: &Publication, to: ReadTo, via: Via) -> Option<Place> {
        let sender = publication.sender();
        if publication.kind.is_some() || publication.deleted || *sender == self.user {
            return None;
        }
        let place = match topic {
            Topic::Channel(channel) => Place::Channel(channel.clone()),
            Topic::Direct(_) => Place::Direct(sender.clone()),
        };
        let mark = self.read_mark(&place).filter(|(epoch, _)| *epoch == to.0);
        let is_of_before = match topic {
            // Who joins a channel has not to read what was said before.
            Topic::Channel(channel) => {
                via == Via::Backlog && self.joining.get(channel).is_some_and(|joining| !joining.returning)
            }
            Topic::Direct(_) => false,
        };
        match mark {
            Some((_, read)) => to.1 > read,
            None => !is_of_before,
        }
        .then_some(place)
    }

    fn place_anew(&mut self, topic: &Topic) {
        if let (true, Some(to)) = (self.keeps, self.unread.read_to(topic))
            && self.places.get(topic) != Some(&to)
        {
            self.places.insert(topic.clone(), to);
            self.unsaved.insert(topic.clone());
        }
    }
}
