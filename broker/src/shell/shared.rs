//! What all tasks of the broker's thread share.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap};
use std::io::{self, IoSlice};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use recado_zmtp::codec::{Heartbeat, MessageLimits};
use recado_zmtp::curve::{KeyPair, PublicKey};
use recado_zmtp::transport::Stream;
use tokio::sync::{Notify, oneshot};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::chunk::ChunkPool;
use crate::config::Config;
use crate::counters::Counters;
use crate::delivery::{Leftovers, Written};
use crate::gate::WaiterId;
use crate::hub::{Hub, PublisherId, SubscriptionError};
use crate::inbound::Inbound;
use crate::limits::{GateLimits, Limits};
use crate::neighbours::WorkerId;
use crate::shell::end::End;
use crate::shell::workers::Workers;
use crate::slab::Slab;
use crate::trie::SubscriberId;

/// The state behind every task. Cells are borrowed between two awaits at most.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) worker: WorkerId,
    pub(super) workers: Arc<Workers>,
    /// This worker's share of the bounds.
    pub(super) limits: Limits,
    pub(super) counters: Arc<Counters>,
    pub(super) hub: RefCell<Hub>,
    /// The installation's keys, where connections are secured.
    pub(super) security: Option<KeyPair>,
    /// Who waits for the gate's answers.
    pub(super) waiters: RefCell<HashMap<WaiterId, oneshot::Sender<bool>>>,
    pub(super) chunks: RefCell<ChunkPool>,
    /// Notified when a subscriber has caught up or left: publishers may be waiting for that.
    pub(super) relief: Notify,
    /// Cancelled when the broker is to end: nothing more is accepted or read.
    pub(super) stop: CancellationToken,
    pub(super) tasks: TaskTracker,
    inbound: RefCell<Inbound>,
    /// Subscribers are read from then on: last values were looked for long enough.
    pub(super) greetings_from: Cell<Instant>,
    /// Every connection past its handshake, for the heartbeats.
    pub(super) peers: RefCell<Slab<Rc<Peer>>>,
    subscribers: RefCell<Vec<Option<Rc<SubscriberConnection>>>>,
    publishers: RefCell<BTreeMap<PublisherId, Rc<Peer>>>,
}

/// A connection as others see it: they can wake its task, and leave word why.
#[derive(Debug)]
pub(super) struct Peer {
    /// Its number among all connections of both sides.
    number: Cell<u32>,
    /// There is no room to write to it, so it cannot answer what stands behind that.
    pub(super) blocked: Cell<bool>,
    pub(super) heartbeat: RefCell<Heartbeat>,
    pub(super) wake: Notify,
    pub(super) word: RefCell<Word>,
}

/// What a connection's task is to do when it is woken, besides looking what there is to write.
#[derive(Debug, Default)]
pub(super) enum Word {
    /// Nothing else.
    #[default]
    Nothing,
    /// Send a PING that promises this.
    Ping(Duration),
    /// Close.
    Close(End),
}

/// A subscriber's connection: its own task reads, and whoever has something for it writes.
#[derive(Debug)]
pub(super) struct SubscriberConnection {
    pub(super) stream: Stream,
    pub(super) peer: Rc<Peer>,
}

impl Shared {
    pub(super) fn new(
        config: &Config,
        worker: WorkerId,
        counters: Arc<Counters>,
        workers: Arc<Workers>,
        stop: CancellationToken,
    ) -> Shared {
        let limits = config.limits().of_worker();
        let inbound = Inbound::new(limits.inbound_bytes_max);
        let hub = Hub::new(limits.clone(), Arc::clone(&counters)).with_welcome(config.welcome().clone());
        let mut hub = hub.with_neighbours(worker, Arc::clone(&workers.boards));
        if config.keys().is_some() {
            hub = hub.with_gate(GateLimits::of_worker(&limits), Instant::now());
        }
        Shared {
            worker,
            workers,
            chunks: RefCell::new(ChunkPool::new(hub.loans().clone())),
            hub: RefCell::new(hub),
            security: config.keys().cloned(),
            waiters: RefCell::default(),
            limits,
            counters,
            relief: Notify::new(),
            stop,
            tasks: TaskTracker::new(),
            inbound: RefCell::new(inbound),
            greetings_from: Cell::new(Instant::now()),
            peers: RefCell::new(Slab::new()),
            subscribers: RefCell::new(Vec::new()),
            publishers: RefCell::new(BTreeMap::new()),
        }
    }

    /// A connection is past its handshake.
    pub(super) fn add_peer(&self, heartbeat: Heartbeat) -> Rc<Peer> {
        let peer = Rc::new(Peer::new(heartbeat));
        peer.number.set(self.peers.borrow_mut().insert(Rc::clone(&peer)));
        peer
    }

    /// A connection has ended: it holds nothing any more.
    pub(super) fn peer_left(&self, peer: &Peer) {
        let held = self.holds_inbound(peer, 0, false, Instant::now());
        debug_assert!(held.is_ok(), "less is never too much");
        self.peers.borrow_mut().remove(peer.number.get());
    }

    /// Accounts for a connection's unfinished message, of which there are `bytes` now. When all together are too much, closes
    /// who has to go; an error if that is this one.
    pub(super) fn holds_inbound(
        &self,
        peer: &Peer,
        bytes: usize,
        anew: bool,
        now: Instant,
    ) -> Result<(), End> {
        let mut inbound = self.inbound.borrow_mut();
        let number = peer.number.get();
        let to_close = inbound.hold(number, bytes, anew, now);
        self.counters.inbound_bytes.set(inbound.held_bytes() as u64);
        let full = || End::InboundFull(self.limits.inbound_bytes_max);
        match to_close {
            None => {}
            Some(other) if other == number => return Err(full()),
            Some(other) => {
                if let Some(other) = self.peers.borrow().find(other) {
                    other.close(full());
                }
            }
        }
        Ok(())
    }

    pub(super) fn add_subscriber(
        &self,
        connection: Rc<SubscriberConnection>,
        key: Option<PublicKey>,
    ) -> SubscriberId {
        let id = self.hub.borrow_mut().add_subscriber();
        let mut subscribers = self.subscribers.borrow_mut();
        let place = id.0 as usize;
        if subscribers.len() <= place {
            subscribers.resize(place + 1, None);
        }
        subscribers[place] = Some(connection);
        drop(subscribers);
        if let Some(key) = key {
            self.hub.borrow_mut().has_key(id, &key);
            self.subscriptions_changed();
        }
        id
    }

    /// Its connection is closed; its subscriptions are still to be forgotten.
    pub(super) fn subscriber_left(&self, id: SubscriberId) {
        self.hub.borrow_mut().subscriber_left(id);
        self.subscribers.borrow_mut()[id.0 as usize] = None;
        self.relief.notify_waiters();
    }

    pub(super) fn add_publisher(&self, peer: Rc<Peer>) -> PublisherId {
        // What others have subscribed to before is no change to be told behind the rest.
        self.catch_up();
        let id = self.hub.borrow_mut().add_publisher();
        self.publishers.borrow_mut().insert(id, peer);
        id
    }

    pub(super) fn publisher_left(&self, id: PublisherId) {
        self.hub.borrow_mut().publisher_left(id);
        self.publishers.borrow_mut().remove(&id);
    }

    /// Subscriptions have changed: tells the other workers, wakes the publishers that have something to be told, and closes who has
    /// too many.
    pub(super) fn subscriptions_changed(&self) {
        let mut hub = self.hub.borrow_mut();
        let changes = hub.take_topic_changes();
        if !changes.is_empty() {
            self.workers.tell_others(self.worker, &changes);
        }
        let publishers = self.publishers.borrow();
        for id in hub.take_publishers_to_tell() {
            if let Some(peer) = publishers.get(&id) {
                peer.wake.notify_one();
            }
        }
        for id in hub.take_evicted() {
            let full = SubscriptionError::MemoryFull(self.limits.subscription_bytes_total_max);
            self.close_subscriber(id, full.into());
        }
        for (id, closing) in hub.take_closings() {
            self.close_subscriber(id, closing.into());
        }
        for (waiter, granted) in hub.take_answers() {
            if let Some(waiting) = self.waiters.borrow_mut().remove(&waiter) {
                // Whoever waited may have given up.
                let _ = waiting.send(granted);
            }
        }
    }

    /// Learns what subscribers of other workers want. What those were answered before now holds after this.
    #[inline]
    pub(super) fn catch_up(&self) {
        if self.workers.has_changes(self.worker) {
            self.learn();
        }
    }

    fn learn(&self) {
        for (worker, change) in self.workers.take_changes(self.worker) {
            self.hub.borrow_mut().neighbour_changed(worker, &change);
        }
        self.subscriptions_changed();
    }

    /// Waits until the other workers have learnt enough of the changed subscriptions that more may follow.
    pub(super) async fn room_for_changes(&self) {
        self.workers.room_for_changes(self.worker, &self.stop).await;
    }

    /// What a publisher may send.
    pub(super) fn message_limits(&self) -> MessageLimits {
        MessageLimits {
            message_bytes_max: self.limits.message_bytes_max,
            message_frames_max: self.limits.message_frames_max,
            ..MessageLimits::default()
        }
    }

    /// Does what forwarding left to do, but for waiting. How many bytes were queued.
    pub(super) fn settle(&self, left: &mut Leftovers) -> usize {
        for id in left.to_write.drain(..) {
            self.wake_subscriber(id);
        }
        for id in left.to_disconnect.drain(..) {
            self.close_subscriber(id, End::Slow);
        }
        for id in left.broken.drain(..) {
            self.close_subscriber(id, End::Left);
        }
        if self.security.is_some() {
            // Answers may have come among the messages.
            self.subscriptions_changed();
        }
        std::mem::take(&mut left.queued_bytes)
    }

    /// Wakes a subscriber's task.
    fn wake_subscriber(&self, id: SubscriberId) {
        if let Some(Some(connection)) = self.subscribers.borrow().get(id.0 as usize) {
            connection.peer.wake.notify_one();
        }
    }

    /// Has a subscriber's task close its connection.
    pub(super) fn close_subscriber(&self, id: SubscriberId, end: End) {
        if let Some(Some(connection)) = self.subscribers.borrow().get(id.0 as usize) {
            connection.peer.close(end);
        }
    }

    /// Writes to a subscriber what there is room for.
    pub(super) fn write(&self, id: SubscriberId, slices: &[IoSlice<'_>]) -> Written {
        match self.subscribers.borrow().get(id.0 as usize) {
            Some(Some(connection)) => {
                let written = write(&connection.stream, slices);
                if connection.stream.has_unsent() {
                    // What is sealed and not sent is its own task's to write, in front of all else.
                    connection.peer.wake.notify_one();
                }
                written
            }
            Some(None) | None => Written::Broken,
        }
    }

    /// The broker ends: no more tasks; publishers are read no more.
    pub(super) fn close(&self) {
        self.stop.cancel();
        self.tasks.close();
        self.wake_all();
        self.workers.stopped();
    }

    /// Has every connection's task look what has changed.
    pub(super) fn wake_all(&self) {
        for (_, peer) in self.peers.borrow().iter() {
            peer.wake.notify_one();
        }
    }

    pub(super) fn is_closing(&self) -> bool {
        self.stop.is_cancelled()
    }

    /// Nothing more comes for subscribers: each ends as soon as nothing is left to write.
    pub(super) fn is_fed_out(&self) -> bool {
        self.workers.fed_out.is_cancelled()
    }
}

impl Peer {
    fn new(heartbeat: Heartbeat) -> Peer {
        Peer {
            number: Cell::new(u32::MAX),
            blocked: Cell::new(false),
            heartbeat: RefCell::new(heartbeat),
            wake: Notify::new(),
            word: RefCell::default(),
        }
    }

    /// Has its task close the connection.
    pub(super) fn close(&self, end: End) {
        self.word.replace(Word::Close(end));
        self.wake.notify_one();
    }

    /// Has its task send a PING.
    pub(super) fn ping(&self, ttl: Duration) {
        let mut word = self.word.borrow_mut();
        // A connection that is to be closed stays so.
        if !matches!(*word, Word::Close(_)) {
            *word = Word::Ping(ttl);
        }
        self.wake.notify_one();
    }

    pub(super) fn heard(&self) {
        self.heartbeat.borrow_mut().heard();
    }

    pub(super) fn pinged(&self, ttl: Duration) {
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
