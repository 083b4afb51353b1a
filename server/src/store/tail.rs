//! The end of the log that is not in the index yet, held in memory so that history and repeated `id`s find it.
//! Bounded by whoever writes: it indexes and clears. Knows nothing of disks.

use std::sync::Arc;

use foldhash::HashMap;
use recado_proto::{ChannelName, MessageId};

use super::directory::{Name, NameId, Record};
use super::types::{Position, Route, StoredMessage};

/// Both users of a conversation, the smaller number first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Pair {
    pub(super) low: NameId,
    pub(super) high: NameId,
}

impl Pair {
    pub(super) fn of(one: NameId, other: NameId) -> Self {
        Self { low: one.min(other), high: one.max(other) }
    }
}

/// Where a topic's last place up to some position is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TailHead {
    /// It is this one.
    Here(u64),
    /// It comes before this one, with which the tail begins.
    Before(u64),
}

type Messages = Vec<Arc<StoredMessage>>;

/// Records behind the index's mark, and the ways to find messages among them.
#[derive(Debug, Default)]
pub(super) struct Tail {
    records: Vec<Record>,
    by_topic: HashMap<NameId, Messages>,
    by_pair: HashMap<Pair, Messages>,
    acts: HashMap<MessageId, Messages>,
    channel_topics: HashMap<NameId, Arc<StoredMessage>>,
    by_id: HashMap<MessageId, Arc<StoredMessage>>,
    created_by_id: HashMap<MessageId, ChannelName>,
    bytes: usize,
}

impl Tail {
    pub(super) fn push(&mut self, record: Record) {
        if let Record::Named { name: Name::Channel(channel), given: Some(given), .. } = &record {
            self.created_by_id.insert(*given, channel.clone());
        }
        if let Record::Message { topic, sender, message } = &record {
            self.bytes += message.text.len();
            self.by_topic.entry(*topic).or_default().push(Arc::clone(message));
            if matches!(message.route, Route::Direct { .. }) {
                self.by_pair.entry(Pair::of(*topic, *sender)).or_default().push(Arc::clone(message));
            }
            match (message.act, message.manner.target) {
                (None, _) => {}
                (Some(_), Some(target)) => self.acts.entry(target).or_default().push(Arc::clone(message)),
                (Some(_), None) => drop(self.channel_topics.insert(*topic, Arc::clone(message))),
            }
            self.by_id.insert(message.id, Arc::clone(message));
        }
        self.records.push(record);
    }

    /// Gives the memory back, too.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// In their order.
    pub(super) fn records(&self) -> &[Record] {
        &self.records
    }

    /// Bytes of text.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn find(&self, id: &MessageId) -> Option<&Arc<StoredMessage>> {
        self.by_id.get(id)
    }

    /// The acts on this message, in the order of commits.
    pub(super) fn acts_on(&self, target: &MessageId) -> &[Arc<StoredMessage>] {
        self.acts.get(target).map_or(&[], Vec::as_slice)
    }

    /// The last act that gave a channel its topic.
    pub(super) fn channel_topic(&self, channel: NameId) -> Option<&Arc<StoredMessage>> {
        self.channel_topics.get(&channel)
    }

    /// The channel that was created under this `id`.
    pub(super) fn find_channel(&self, id: &MessageId) -> Option<&ChannelName> {
        self.created_by_id.get(id)
    }

    /// The topic's messages with places from `first` to `last`, and the place from which on the tail has them all.
    pub(super) fn of_topic(
        &self,
        topic: NameId,
        first: u64,
        last: u64,
    ) -> (Option<u64>, &[Arc<StoredMessage>]) {
        let messages = self.by_topic.get(&topic).map_or(&[][..], Vec::as_slice);
        let start = messages.partition_point(|message| message.seq < first);
        let end = messages.partition_point(|message| message.seq <= last);
        (messages.first().map(|message| message.seq), &messages[start..end.max(start)])
    }

    /// The topic's last place up to `at` among those that the tail has; else the place before them, if it has any.
    pub(super) fn head_at(&self, topic: NameId, at: Position) -> Option<TailHead> {
        let messages = self.by_topic.get(&topic)?;
        let count = messages.partition_point(|message| message.position <= at);
        match count.checked_sub(1) {
            Some(last) => Some(TailHead::Here(messages[last].seq)),
            None => Some(TailHead::Before(messages.first()?.seq)),
        }
    }

    /// The conversation's messages strictly between two positions.
    pub(super) fn of_pair(&self, pair: Pair, after: Position, before: Position) -> &[Arc<StoredMessage>] {
        let messages = self.by_pair.get(&pair).map_or(&[][..], Vec::as_slice);
        let start = messages.partition_point(|message| message.position <= after);
        let end = messages.partition_point(|message| message.position < before);
        &messages[start..end.max(start)]
    }

    /// The first record's position, if there is one.
    pub(super) fn first_position(&self) -> Option<Position> {
        self.records.first().map(Record::position)
    }
}
