//! The latest publications, encoded once for all feeds. Bounded: a feed that is further behind reads from the store.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use recado_proto::{ACTS_PREFIX, Epoch, UserName};
use recado_zmtp::Message;
use tokio::sync::watch;

use crate::limits::{RECENT_PUBLICATIONS_BYTES_MAX, RECENT_PUBLICATIONS_MAX};
use crate::store::{Committed, Position, Route, StoredMessage};

/// The publications of one turn.
#[derive(Debug)]
pub(super) struct Batch {
    /// The last position before the turn.
    pub(super) after: Position,
    /// The turn's last position.
    pub(super) through: Position,
    pub(super) publications: Vec<Outgoing>,
    bytes: usize,
}

/// A message as it goes to the broker.
#[derive(Clone, Debug)]
pub(super) struct Outgoing {
    pub(super) position: Position,
    /// Its place in its topic.
    pub(super) seq: u64,
    /// A topic and a map.
    pub(super) message: Message,
    /// Its sender, if it goes to a user.
    pub(super) direct_from: Option<UserName>,
}

impl Batch {
    /// The publications of a turn that is durable.
    pub(super) fn new(committed: &Committed, epoch: Epoch) -> Self {
        let publications = encode(&committed.messages, epoch);
        let bytes = publications.iter().map(|outgoing| outgoing.message.byte_len()).sum();
        Self { after: committed.after, through: committed.through, publications, bytes }
    }
}

/// What comes next for a feed.
#[derive(Debug)]
pub(super) enum Next {
    /// A batch with something after its cursor.
    Batch(Arc<Batch>),
    /// What comes next is no longer here, only in the store.
    InStore,
    /// Nothing yet.
    Nothing,
}

/// Shared by the desk, which adds, and the feeds.
#[derive(Debug)]
pub(super) struct Recent {
    ring: Mutex<Ring>,
    committed: watch::Sender<Position>,
}

#[derive(Debug, Default)]
struct Ring {
    batches: VecDeque<Arc<Batch>>,
    count: usize,
    bytes: usize,
}

impl Outgoing {
    /// The topic whose place it takes: of an act the one beside which it is published.
    pub(super) fn topic(&self) -> Option<&str> {
        let topic = str::from_utf8(self.message.first()).ok()?;
        Some(topic.strip_prefix(ACTS_PREFIX).unwrap_or(topic))
    }
}

impl Recent {
    /// Nothing is recent yet; the store ends at `committed`.
    pub(super) fn new(committed: Position) -> Self {
        Self { ring: Mutex::default(), committed: watch::Sender::new(committed) }
    }

    /// Tells whenever something is committed.
    pub(super) fn watch(&self) -> watch::Receiver<Position> {
        self.committed.subscribe()
    }

    /// All that there is to publish ends here.
    pub(super) fn committed(&self) -> Position {
        *self.committed.borrow()
    }

    /// Adds a turn that is durable, and wakes the feeds.
    pub(super) fn push(&self, batch: Batch) {
        let through = batch.through;
        let mut ring = self.lock();
        ring.count += batch.publications.len();
        ring.bytes += batch.bytes;
        ring.batches.push_back(Arc::new(batch));
        while ring.count > RECENT_PUBLICATIONS_MAX || ring.bytes > RECENT_PUBLICATIONS_BYTES_MAX {
            let Some(oldest) = ring.batches.pop_front() else { break };
            ring.count -= oldest.publications.len();
            ring.bytes -= oldest.bytes;
        }
        drop(ring);
        self.committed.send_replace(through);
    }

    /// What a feed whose cursor is `cursor` sends next.
    pub(super) fn next(&self, cursor: Position) -> Next {
        if self.committed() <= cursor {
            return Next::Nothing;
        }
        let ring = self.lock();
        let index = ring.batches.partition_point(|batch| batch.through <= cursor);
        match ring.batches.get(index) {
            Some(batch) if batch.after <= cursor => Next::Batch(Arc::clone(batch)),
            Some(_) | None => Next::InStore,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Ring> {
        // Nothing can panic while the ring is locked.
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Messages as they go to the broker. All of them share one piece of memory.
pub(super) fn encode(messages: &[Arc<StoredMessage>], epoch: Epoch) -> Vec<Outgoing> {
    let estimate = messages.iter().map(|message| 256 + message.text.len()).sum();
    let mut encoded = Vec::with_capacity(estimate);
    let ends: Vec<_> = messages
        .iter()
        .map(|message| {
            if message.act.is_some() {
                encoded.extend_from_slice(ACTS_PREFIX.as_bytes());
            }
            encoded.extend_from_slice(message.route.topic().as_bytes());
            let topic_end = encoded.len();
            message.as_outgoing(epoch).encode_payload(&mut encoded);
            let direct_from = match &message.route {
                Route::Direct { from, .. } => Some(from.clone()),
                Route::Channel { .. } => None,
            };
            (message.position, message.seq, direct_from, topic_end, encoded.len())
        })
        .collect();
    let encoded = Bytes::from(encoded);
    let mut start = 0;
    ends.into_iter()
        .map(|(position, seq, direct_from, topic_end, end)| {
            let message = Message::pair(encoded.slice(start..topic_end), encoded.slice(topic_end..end));
            start = end;
            Outgoing { position, seq, message, direct_from }
        })
        .collect()
}
