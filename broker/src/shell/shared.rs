//! What all tasks of the broker's thread share.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::io::{self, IoSlice};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use recado_zmtp::codec::Heartbeat;
use recado_zmtp::transport::Stream;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::chunk::ChunkPool;
use crate::counters::Counters;
use crate::delivery::Written;
use crate::hub::{Hub, PublisherId};
use crate::limits::Limits;
use crate::shell::complaints::Complaints;
use crate::slab::Slab;
use crate::trie::SubscriberId;

/// The state behind every task. Cells are borrowed between two awaits at most.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) limits: Limits,
    pub(super) counters: Arc<Counters>,
    pub(super) hub: RefCell<Hub>,
    pub(super) chunks: RefCell<ChunkPool>,
    /// Notified when a subscriber has caught up or left: publishers may be waiting for that.
    pub(super) relief: Notify,
    /// Cancelled when the broker is to end: nothing more is accepted or read.
    pub(super) stop: CancellationToken,
    pub(super) tasks: TaskTracker,
    pub(super) refused: Complaints,
    pub(super) faults: Complaints,
    pub(super) connections: Cell<usize>,
    pub(super) inbound_bytes: Cell<usize>,
    /// Every connection past its handshake, for the heartbeats.
    pub(super) peers: RefCell<Slab<Rc<Peer>>>,
    subscribers: RefCell<Vec<Option<Rc<SubscriberConnection>>>>,
    publishers: RefCell<BTreeMap<PublisherId, Rc<Peer>>>,
}

/// A connection as others see it: they can wake its task, and leave word why.
#[derive(Debug)]
pub(super) struct Peer {
    pub(super) heartbeat: RefCell<Heartbeat>,
    pub(super) wake: Notify,
    pub(super) word: Cell<Word>,
}

/// What a connection's task is to do when it is woken, besides looking what there is to write.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Word {
    /// Nothing else.
    #[default]
    Nothing,
    /// Send a PING that promises this.
    Ping(std::time::Duration),
    /// Close: it fell silent.
    Silent,
    /// Close: it cannot be written to.
    Broken,
    /// Close: it did not keep up.
    Slow,
}

/// A subscriber's connection: its own task reads, and whoever has something for it writes.
#[derive(Debug)]
pub(super) struct SubscriberConnection {
    pub(super) stream: Stream,
    pub(super) peer: Rc<Peer>,
}

impl Shared {
    pub(super) fn new(limits: Limits, counters: Arc<Counters>, stop: CancellationToken) -> Shared {
        Shared {
            hub: RefCell::new(Hub::new(limits.clone(), Arc::clone(&counters))),
            limits,
            counters,
            chunks: RefCell::new(ChunkPool::new()),
            relief: Notify::new(),
            stop,
            tasks: TaskTracker::new(),
            refused: Complaints::default(),
            faults: Complaints::default(),
            connections: Cell::new(0),
            inbound_bytes: Cell::new(0),
            peers: RefCell::new(Slab::new()),
            subscribers: RefCell::new(Vec::new()),
            publishers: RefCell::new(BTreeMap::new()),
        }
    }

    /// Accounts for an unfinished message that grew or shrank; false when all together are too much.
    pub(super) fn holds_inbound(&self, before: usize, after: usize) -> bool {
        let held = self.inbound_bytes.get() + after - before;
        self.inbound_bytes.set(held);
        self.counters.inbound_bytes.set(held as u64);
        held <= self.limits.inbound_bytes_max
    }

    pub(super) fn add_subscriber(&self, connection: Rc<SubscriberConnection>) -> SubscriberId {
        let id = self.hub.borrow_mut().add_subscriber();
        let mut subscribers = self.subscribers.borrow_mut();
        let place = id.0 as usize;
        if subscribers.len() <= place {
            subscribers.resize(place + 1, None);
        }
        subscribers[place] = Some(connection);
        id
    }

    /// Its connection is closed; its subscriptions are still to be forgotten.
    pub(super) fn subscriber_left(&self, id: SubscriberId) {
        self.hub.borrow_mut().subscriber_left(id);
        self.subscribers.borrow_mut()[id.0 as usize] = None;
        self.relief.notify_waiters();
    }

    pub(super) fn add_publisher(&self, peer: Rc<Peer>) -> PublisherId {
        let id = self.hub.borrow_mut().add_publisher();
        self.publishers.borrow_mut().insert(id, peer);
        id
    }

    pub(super) fn publisher_left(&self, id: PublisherId) {
        self.hub.borrow_mut().publisher_left(id);
        self.publishers.borrow_mut().remove(&id);
    }

    /// Wakes the publishers that have something to be told.
    pub(super) fn wake_publishers(&self) {
        let publishers = self.publishers.borrow();
        for id in self.hub.borrow_mut().take_publishers_to_tell() {
            if let Some(peer) = publishers.get(&id) {
                peer.wake.notify_one();
            }
        }
    }

    /// Wakes a subscriber's task, leaving word if there is any.
    pub(super) fn wake_subscriber(&self, id: SubscriberId, word: Option<Word>) {
        let subscribers = self.subscribers.borrow();
        if let Some(Some(connection)) = subscribers.get(id.0 as usize) {
            if let Some(word) = word {
                connection.peer.word.set(word);
            }
            connection.peer.wake.notify_one();
        }
    }

    /// Writes to a subscriber what there is room for.
    pub(super) fn write(&self, id: SubscriberId, slices: &[IoSlice<'_>]) -> Written {
        match self.subscribers.borrow().get(id.0 as usize) {
            Some(Some(connection)) => write(&connection.stream, slices),
            Some(None) | None => Written::Broken,
        }
    }

    /// No more tasks; those that there are end as soon as they have nothing left to write.
    pub(super) fn close(&self) {
        self.stop.cancel();
        self.tasks.close();
        for (_, peer) in self.peers.borrow().iter() {
            peer.wake.notify_one();
        }
    }

    pub(super) fn is_closing(&self) -> bool {
        self.stop.is_cancelled()
    }
}

impl Peer {
    pub(super) fn new(heartbeat: Heartbeat) -> Peer {
        Peer { heartbeat: RefCell::new(heartbeat), wake: Notify::new(), word: Cell::default() }
    }

    pub(super) fn heard(&self) {
        self.heartbeat.borrow_mut().heard();
    }

    pub(super) fn pinged(&self, ttl: std::time::Duration) {
        self.heartbeat.borrow_mut().ping_received(ttl, Instant::now());
    }
}

pub(super) fn write(stream: &Stream, slices: &[IoSlice<'_>]) -> Written {
    let written = match slices {
        [slice] => stream.try_write(slice),
        slices => stream.try_write_vectored(slices),
    };
    match written {
        Ok(count) => Written::Bytes(count),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Written::Blocked,
        Err(_) => Written::Broken,
    }
}
