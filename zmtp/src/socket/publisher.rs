//! PUB: each message to every peer whose subscriptions match (RFC 29).

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::Context;

use bytes::{Bytes, BytesMut};
use tokio::sync::broadcast;

use super::hub::{Handle, Hub};
use super::link::Role;
use super::progress::Progress;
use super::read_buffer::Wire;
use super::receive_queue::Room;
use super::send_queue::{Outbound, PushError, SendQueue};
use super::stats::SocketStats;
use crate::codec::{Frames, Peer, SocketType, Subscription, TopicSet, TopicsFull, subscription_of};
use crate::endpoint::Endpoint;
use crate::error::Closed;
use crate::event::SocketEvent;
use crate::limits;
use crate::lock::lock;
use crate::message::Message;
use crate::options::SocketOptions;
use crate::peer::PeerId;
use crate::transport::{BindError, PeerAddress};

/// Is told what a publisher's peers subscribe to and no longer, in the order in which it comes from each. Connections' tasks call it
/// and wait meanwhile, so it must be quick; and what it keeps is its own to bound.
pub trait SubscriptionListener: Send + Sync {
    /// The peer subscribes to this topic, and all that begin with it.
    fn subscribed(&self, peer: PeerId, topic: &[u8]);

    /// The peer no longer does.
    fn cancelled(&self, peer: PeerId, topic: &[u8]);

    /// The peer is gone with all of its subscriptions.
    fn left(&self, peer: PeerId);
}

/// A PUB socket, listening or connecting.
pub struct Publisher {
    handle: Handle<PublisherHub>,
}

impl fmt::Debug for Publisher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.handle.fmt(f)
    }
}

impl Publisher {
    /// Listens on `endpoint` for subscribers. Must be called in a tokio runtime.
    pub async fn bind(endpoint: &Endpoint, options: SocketOptions) -> Result<Self, BindError> {
        let hub = PublisherHub::new(&options, None);
        Ok(Self { handle: Handle::bind(endpoint, hub, options, Arc::new(Progress::default())).await? })
    }

    /// Connects to subscribers at all `endpoints` (brokers, mostly), in the background and again whenever a
    /// connection ends. Must be called in a tokio runtime.
    pub fn connect(endpoints: &[Endpoint], options: SocketOptions) -> Self {
        let hub = PublisherHub::new(&options, None);
        Self { handle: Handle::connect(endpoints, hub, options, Arc::new(Progress::default())) }
    }

    /// As [`connect`](Self::connect), with somebody who is told of subscriptions, whether or not they filter what is sent.
    pub fn connect_with_listener(
        endpoints: &[Endpoint],
        options: SocketOptions,
        listener: Arc<dyn SubscriptionListener>,
    ) -> Self {
        let hub = PublisherHub::new(&options, Some(listener));
        Self { handle: Handle::connect(endpoints, hub, options, Arc::new(Progress::default())) }
    }

    /// Where it listens, with the port that the system chose if it was to choose; `None` if it connects.
    pub fn local_endpoint(&self) -> Option<&Endpoint> {
        self.handle.local_endpoint()
    }

    /// Queues the message for each peer that wants it, and drops it (and counts that) for each whose queue is full.
    /// Returns how many took it.
    pub fn try_send(&self, message: &Message) -> usize {
        let shared = &self.handle.shared;
        let mut peers = shared.hub.peers();
        peers.choose(message.first(), shared.options.publish_filter);
        if peers.chosen.is_empty() {
            return 0;
        }
        let mut copies = Copies::new(message.clone(), peers.chosen.len());
        let (mut taken, mut dropped) = (0, 0);
        for peer in peers.chosen() {
            match peer.queue.push(copies.next()) {
                Ok(()) => taken += 1,
                Err((PushError::Full, _)) => dropped += 1,
                Err((PushError::Closed, _)) => {}
            }
        }
        shared.counters.dropped.add(dropped);
        taken
    }

    /// Waits until at least one peer is connected and every connected one that wants the message has room, and queues
    /// it for them. Nothing is dropped; one slow peer makes all wait.
    ///
    /// With the filter on, a message that no connected peer wants is gone, as PUB's are. Cancel safe in that the
    /// message is queued for all or dropped with the future.
    pub async fn send(&self, message: Message) -> Result<(), Closed> {
        let shared = &self.handle.shared;
        let mut unsent = Some(message);
        let attempt = || {
            if shared.closing.is_cancelled() {
                return Some(Err(Closed));
            }
            let mut peers = shared.hub.peers();
            if peers.all.is_empty() {
                return None;
            }
            peers.choose(unsent.as_ref()?.first(), shared.options.publish_filter);
            if peers.chosen().any(|peer| peer.queue.has_room() == Err(PushError::Full)) {
                return None;
            }
            let mut copies = Copies::new(unsent.take()?, peers.chosen.len());
            for peer in peers.chosen() {
                // Room was seen under the lock that every sender takes; closed queues take nothing, as gone peers.
                let _ = peer.queue.push(copies.next());
            }
            Some(Ok(()))
        };
        shared.progress.until(attempt).await
    }

    /// Returns when all that was queued has been given to the kernel, or was lost with its connection (see
    /// [`SocketStats::lost`]). With messages queued all the time it may never return.
    pub async fn flush(&self) {
        let shared = &self.handle.shared;
        let attempt = || shared.hub.peers().all.iter().all(|peer| peer.queue.is_idle()).then_some(());
        shared.progress.until(attempt).await;
    }

    /// What happens to its connections from now on. A listener that is more than 256 events behind loses the oldest.
    pub fn events(&self) -> broadcast::Receiver<SocketEvent> {
        self.handle.events()
    }

    /// What it has counted so far.
    pub fn stats(&self) -> SocketStats {
        self.handle.stats()
    }

    /// Stops listening and connecting, writes what is queued for up to `linger`, and ends all connections.
    pub async fn close(self) {
        self.handle.close().await;
    }
}

/// A message for several peers: the last gets the message itself; before it, small ones are encoded once for all.
struct Copies {
    message: Option<Message>,
    encoded: Option<Bytes>,
    left: usize,
}

impl Copies {
    fn new(message: Message, peers: usize) -> Self {
        Self { message: Some(message), encoded: None, left: peers }
    }

    fn next(&mut self) -> Outbound {
        self.left = self.left.saturating_sub(1);
        if let Some(encoded) = &self.encoded {
            return Outbound::Encoded(encoded.clone());
        }
        let message = self.message.as_ref().expect("taken only by the last peer, or when encoded");
        if message.weight() > limits::COALESCE_BYTES_MAX {
            return Outbound::Message(message.clone());
        }
        if self.left == 0 {
            return Outbound::Message(self.message.take().expect("checked just above"));
        }
        let mut bytes = BytesMut::new();
        message.encode(&mut bytes);
        Outbound::Encoded(self.encoded.insert(bytes.freeze()).clone())
    }
}

struct PublisherHub {
    peers: Mutex<Peers>,
    filter: bool,
    subscriptions_max: usize,
    subscriptions_bytes_max: usize,
    listener: Option<Arc<dyn SubscriptionListener>>,
}

#[derive(Default)]
struct Peers {
    all: Vec<Arc<Subscriber>>,
    /// Which of them want the message at hand.
    chosen: Vec<usize>,
}

struct Subscriber {
    id: PeerId,
    queue: Arc<SendQueue>,
    topics: Mutex<TopicSet>,
}

impl Peers {
    fn choose(&mut self, topic: &[u8], filter: bool) {
        let wants = |peer: &Subscriber| !filter || peer.topics().matches(topic);
        self.chosen.clear();
        self.chosen
            .extend(self.all.iter().enumerate().filter(|(_, peer)| wants(peer)).map(|(index, _)| index));
    }

    fn chosen(&self) -> impl Iterator<Item = &Subscriber> {
        self.chosen.iter().map(|index| &*self.all[*index])
    }
}

impl Subscriber {
    fn topics(&self) -> MutexGuard<'_, TopicSet> {
        lock(&self.topics)
    }
}

impl PublisherHub {
    fn new(options: &SocketOptions, listener: Option<Arc<dyn SubscriptionListener>>) -> Self {
        Self {
            peers: Mutex::default(),
            filter: options.publish_filter,
            subscriptions_max: options.subscriptions_max,
            subscriptions_bytes_max: options.subscriptions_bytes_max,
            listener,
        }
    }

    fn peers(&self) -> MutexGuard<'_, Peers> {
        lock(&self.peers)
    }
}

impl Hub for PublisherHub {
    type Role = PublisherRole;

    const SOCKET_TYPE: SocketType = SocketType::Pub;

    fn join(&self, id: PeerId, _: &Peer, _: PeerAddress, queue: &Arc<SendQueue>) -> PublisherRole {
        let topics = TopicSet::new(self.subscriptions_max, self.subscriptions_bytes_max);
        let peer = Arc::new(Subscriber { id, queue: Arc::clone(queue), topics: Mutex::new(topics) });
        self.peers().all.push(Arc::clone(&peer));
        PublisherRole { peer, filter: self.filter, listener: self.listener.clone() }
    }

    fn leave(&self, id: PeerId, queue: &SendQueue) -> usize {
        self.peers().all.retain(|peer| peer.id != id);
        if let Some(listener) = &self.listener {
            listener.left(id);
        }
        let (waiting, cut_off) = queue.close();
        waiting.len() + cut_off
    }

    fn queues(&self) -> Vec<Arc<SendQueue>> {
        self.peers().all.iter().map(|peer| Arc::clone(&peer.queue)).collect()
    }
}

struct PublisherRole {
    peer: Arc<Subscriber>,
    /// Without the filter nothing is kept of what the peer subscribes to, and so there is nothing to bound.
    filter: bool,
    listener: Option<Arc<dyn SubscriptionListener>>,
}

impl Role for PublisherRole {
    /// Subscriptions are taken in at once: there is no queue that could be full.
    fn room(&mut self, _: &mut Context<'_>) -> Room {
        Room::Messages(usize::MAX)
    }

    /// Subscriptions of 3.0; other messages mean nothing to a PUB.
    fn message(&mut self, wire: &Wire<'_>) -> Result<(), TopicsFull> {
        let subscriptions = Frames::new(wire.bytes()).filter(|frame| !frame.command);
        subscriptions.filter_map(|frame| subscription_of(&frame)).try_for_each(|one| self.subscription(one))
    }

    fn subscription(&mut self, subscription: Subscription<'_>) -> Result<(), TopicsFull> {
        if let Some(listener) = &self.listener {
            match subscription {
                Subscription::Subscribe(topic) => listener.subscribed(self.peer.id, topic),
                Subscription::Cancel(topic) => listener.cancelled(self.peer.id, topic),
            }
        }
        match subscription {
            _ if !self.filter => Ok(()),
            Subscription::Subscribe(topic) => self.peer.topics().insert(topic).map(drop),
            Subscription::Cancel(topic) => {
                self.peer.topics().remove(topic);
                Ok(())
            }
        }
    }

    fn turn_over(&mut self) {}
}
