//! How far one has read: seen here, or read on another device.

use std::cmp::Reverse;
use std::collections::VecDeque;

use crate::chat::ReadTo;
use crate::chat::item::{Message, Place};
use crate::limits;

use super::{Model, Request, is_topic};

impl Model {
    /// Up to where a conversation that one looks at, or looked at, was read just now; none if nothing came since the last time.
    pub(crate) fn seen(&mut self) -> Option<(Place, ReadTo)> {
        self.passed.pop_first().or_else(|| self.seen_here())
    }

    pub(super) fn seen_here(&mut self) -> Option<(Place, ReadTo)> {
        let place = self.current.as_ref().filter(|_| self.has_focus)?;
        let log = self.conversations.get(place).filter(|log| log.anchor().is_none() && !log.is_cut())?;
        let newest = log.newest().filter(|newest| is_beyond(self.read.get(place), *newest))?;
        let place = place.clone();
        self.learn(&place, newest);
        Some((place, newest))
    }

    /// What another device of this user has read is not unread here, and nobody is told of it any more.
    pub(super) fn on_read(&mut self, marks: &[(Place, ReadTo)], is_all: bool, now_ms: i64) {
        for (place, to) in marks {
            self.learn(place, *to);
            if let Some(log) = self.conversations.get_mut(place) {
                log.read_to(*to);
            }
        }
        if is_all {
            self.list_people(marks);
            self.release_alerts(now_ms);
        }
    }

    /// Whether this device or another one has read it; none if nothing is known of its conversation.
    pub(super) fn was_read(&self, message: &Message) -> Option<bool> {
        let (epoch, seq) = self.read.get(&message.place)?;
        (message.epoch? == *epoch).then_some(message.seq? <= *seq)
    }

    /// While it is not known what was read elsewhere, a return is silent.
    pub(super) fn hold_alerts(&mut self) {
        self.held_alerts.get_or_insert_default();
    }

    pub(super) fn alert(&mut self, message: &Message, is_mentioned: bool, now_ms: i64) {
        if let Some(held) = &mut self.held_alerts {
            if held.len() >= limits::HELD_ALERTS_MAX {
                held.pop_front();
            }
            return held.push_back((message.clone(), is_mentioned));
        }
        if let Some(alert) = self.attention.decide(message, is_mentioned, self.language, now_ms) {
            self.requests.push_back(Request::Alert(alert));
        }
    }

    /// One is told of the newest that was not read meanwhile.
    fn release_alerts(&mut self, now_ms: i64) {
        let held: VecDeque<(Message, bool)> = self.held_alerts.take().unwrap_or_default();
        for (message, is_mentioned) in held.into_iter().rev() {
            let is_looked_at = self.has_focus && self.current.as_ref() == Some(&message.place);
            if !is_looked_at && self.was_read(&message) != Some(true) {
                self.alert(&message, is_mentioned, now_ms);
            }
        }
    }

    /// Whom one talked with last is in the list, also if nothing came since: the places are all of one topic.
    fn list_people(&mut self, marks: &[(Place, ReadTo)]) {
        let mut people: Vec<_> = marks.iter().filter(|(place, _)| !is_topic(place)).collect();
        people.sort_by_key(|(_, to)| Reverse(to.1));
        for (place, _) in people.into_iter().take(limits::DIRECT_LISTED) {
            self.conversations.entry(place.clone()).or_default();
        }
    }

    fn learn(&mut self, place: &Place, to: ReadTo) {
        let has_room = self.read.contains_key(place) || self.read.len() < limits::READ_PLACES_MAX;
        if has_room && is_beyond(self.read.get(place), to) {
            self.read.insert(place.clone(), to);
        }
    }
}

fn is_beyond(known: Option<&ReadTo>, (epoch, seq): ReadTo) -> bool {
    known.is_none_or(|(of, at)| *of != epoch || *at < seq)
}
