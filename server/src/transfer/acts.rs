//! An import's acts, kept aside until the messages are stored that were there before them: so they get the places that they
//! had, though the file has them in a list of their own.

use std::ops::Range;

use serde_json::json;

use super::check::{self, DELETED_MESSAGE, Entry};
use super::json::{List, RawMessage, read_entry};
use super::scratch::{KeptAct, Scratch};
use crate::store::Destination;

/// The lists of messages, each with its acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Channels = 0,
    Users = 1,
}

impl Side {
    pub(super) fn of(to: &Destination) -> Self {
        match to {
            Destination::Channel(_) => Side::Channels,
            Destination::User(_) => Side::Users,
        }
    }

    fn list(self) -> List {
        match self {
            Side::Channels => List::ChannelActs,
            Side::Users => List::UserActs,
        }
    }
}

/// How many acts are kept of each list, and how many of them were taken.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Acts {
    kept: [u64; 2],
    taken: [u64; 2],
}

impl Acts {
    /// Keeps an entry, if it is of acts.
    pub(super) fn keep(&mut self, scratch: &Scratch, entry: &Entry) -> rusqlite::Result<()> {
        let (from, to, kind, edited, message) = match entry {
            Entry::Act { from, to, act, message } => {
                let is_edit = act.kind() == recado_proto::ActKind::Edit;
                (from, to, act.kind().as_str(), act.target().filter(|_| is_edit), message)
            }
            Entry::Deleted { from, to, message } => (from, to, DELETED_MESSAGE, None, message),
            Entry::Login { .. } | Entry::Channel { .. } | Entry::Message { .. } => return Ok(()),
        };
        let RawMessage { text, timestamp, id, time_ms, seq, target, style } = message;
        let (sender, receiver, topic) = match to {
            Destination::Channel(channel) => ("user", "channel", channel.as_str()),
            Destination::User(user) => ("src", "dst", user.as_str()),
        };
        let text = json!({
            sender: from.as_str(),
            receiver: topic,
            "kind": kind,
            "message": text,
            "timestamp": timestamp.map(|timestamp| timestamp.as_seconds()),
            "id": id.map(|id| id.to_string()),
            "time_ms": time_ms,
            "seq": seq,
            "target": target.map(|target| target.to_string()),
            "style": style,
        });
        let side = Side::of(to);
        let number = self.kept[side as usize];
        self.kept[side as usize] += 1;
        let entry = text.to_string();
        scratch.keep(&KeptAct { list: side as u8, number, topic, seq: *seq, edited, entry: &entry })
    }

    /// Whether the message has another text by now than the one that was sent.
    pub(super) fn is_edited(&self, scratch: &Scratch, message: &RawMessage) -> rusqlite::Result<bool> {
        match message.id {
            Some(id) if self.kept != [0, 0] => scratch.is_edited(&id),
            Some(_) | None => Ok(false),
        }
    }

    /// Takes those that were there before a message: all up to the last one with a place before it in its topic. What is
    /// before that one was committed before it, so that its message is stored by now, too.
    pub(super) fn take_before(
        &mut self,
        scratch: &Scratch,
        to: &Destination,
        message: &RawMessage,
    ) -> rusqlite::Result<Range<u64>> {
        let side = Side::of(to);
        let taken = self.taken[side as usize];
        let Some(seq) = message.seq.filter(|_| taken < self.kept[side as usize]) else {
            return Ok(taken..taken);
        };
        let topic = match to {
            Destination::Channel(channel) => channel.as_str(),
            Destination::User(user) => user.as_str(),
        };
        let last = scratch.last_before(side as u8, topic, seq)?;
        let end = last.map_or(taken, |last| last + 1).max(taken);
        self.taken[side as usize] = end;
        Ok(taken..end)
    }

    /// Takes all that are left of a list.
    pub(super) fn take_rest(&mut self, side: Side) -> Range<u64> {
        let from = self.taken[side as usize];
        self.taken[side as usize] = self.kept[side as usize];
        from..self.kept[side as usize]
    }
}

/// One that was kept.
pub(super) fn read(scratch: &Scratch, side: Side, number: u64) -> rusqlite::Result<Option<Entry>> {
    let kept = scratch.act(side as u8, number)?;
    Ok(kept.and_then(|text| check::entry(read_entry(side.list(), &text).ok()?).ok()))
}
