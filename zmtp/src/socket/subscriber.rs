//! SUB: the messages of all publishers that begin with a subscribed topic (RFC 29).

use std::fmt;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::Context;

use bytes::{Bytes, BytesMut};
use tokio::sync::broadcast;

use super::delivery::Delivery;
use super::hub::{Handle, Hub};
use super::link::Role;
use super::progress::Progress;
use super::read_buffer::Wire;
use super::receive_queue::{ReceiveQueue, Room};
use super::send_queue::{Outbound, PushError, SendQueue};
use super::stats::SocketStats;
use crate::codec::{Peer, SocketType, Subscription, TopicSet, TopicsFull, Version};
use crate::endpoint::Endpoint;
use crate::event::SocketEvent;
use crate::lock::lock;
use crate::message::Message;
use crate::options::SocketOptions;
use crate::peer::PeerId;
use crate::transport::{BindError, PeerAddress};

/// A SUB socket, listening or connecting. It never drops: when its queue is full it stops reading.
pub struct Subscriber {
    handle: Handle<SubscriberHub>,
    received: Arc<ReceiveQueue>,
}

impl fmt::Debug for Subscriber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.handle.fmt(f)
    }
}

impl Subscriber {
    /// Listens on `endpoint` for publishers. Must be called in a tokio runtime.
    pub async fn bind(endpoint: &Endpoint, options: SocketOptions) -> Result<Self, BindError> {
        let (hub, received) = SubscriberHub::new(&options);
        let handle = Handle::bind(endpoint, hub, options, Arc::new(Progress::default())).await?;
        Ok(Self { handle, received })
    }

    /// Connects to publishers at all `endpoints`, in the background and again whenever a connection ends. Must be
    /// called in a tokio runtime.
    pub fn connect(endpoints: &[Endpoint], options: SocketOptions) -> Self {
        let (hub, received) = SubscriberHub::new(&options);
        Self { handle: Handle::connect(endpoints, hub, options, Arc::new(Progress::default())), received }
    }

    /// Where it listens, with the port that the system chose if it was to choose; `None` if it connects.
    pub fn local_endpoint(&self) -> Option<&Endpoint> {
        self.handle.local_endpoint()
    }

    /// Asks every publisher, now and at each new connection, for the messages whose first frame begins with `topic`;
    /// all of them if it is empty. A set: subscribing again changes nothing.
    pub fn subscribe(&self, topic: impl Into<Bytes>) {
        let topic = topic.into();
        let mut interest = self.handle.shared.hub.interest();
        // Our own set has no bound: its topics are the program's.
        if interest.topics.insert(&topic).unwrap_or(false) {
            interest.tell_all(Subscription::Subscribe(&topic));
        }
    }

    /// The end of such a subscription; one that is not there changes nothing. Messages that were received before may
    /// still be taken.
    pub fn unsubscribe(&self, topic: &[u8]) {
        let mut interest = self.handle.shared.hub.interest();
        if interest.topics.remove(topic) {
            interest.tell_all(Subscription::Cancel(topic));
        }
    }

    /// The next message that a subscription matches. Cancel safe. `None` never comes while the socket is there.
    pub async fn recv(&mut self) -> Option<Message> {
        poll_fn(|cx| self.received.poll_next(cx)).await.map(|(_, message)| message)
    }

    /// What happens to its connections from now on. A listener that is more than 256 events behind loses the oldest.
    pub fn events(&self) -> broadcast::Receiver<SocketEvent> {
        self.handle.events()
    }

    /// What it has counted so far.
    pub fn stats(&self) -> SocketStats {
        self.handle.stats()
    }

    /// Stops listening and connecting, writes what is queued (subscriptions) for up to `linger`, and ends all
    /// connections.
    pub async fn close(self) {
        self.handle.close().await;
    }
}

struct SubscriberHub {
    interest: Arc<Mutex<Interest>>,
    received: Arc<ReceiveQueue>,
}

/// The topics and who has been told of them: changed together, so that no publisher misses a change.
struct Interest {
    topics: TopicSet,
    publishers: Vec<Publisher>,
}

struct Publisher {
    id: PeerId,
    version: Version,
    queue: Arc<SendQueue>,
}

impl Interest {
    fn tell_all(&self, subscription: Subscription<'_>) {
        for publisher in &self.publishers {
            let mut frame = BytesMut::new();
            subscription.encode(publisher.version, &mut frame);
            // A publisher that reads no subscriptions must not fill our memory with them: its connection ends, and the
            // next begins with them all.
            if let Err((PushError::Full, _)) = publisher.queue.push(Outbound::Encoded(frame.freeze())) {
                publisher.queue.close();
            }
        }
    }

    /// Everything subscribed to, as one item: a queue's bound does not cut it.
    fn tell_everything(&self, publisher: &Publisher) {
        let mut frames = BytesMut::new();
        for topic in self.topics.iter() {
            Subscription::Subscribe(topic).encode(publisher.version, &mut frames);
        }
        if !frames.is_empty() {
            publisher.queue.push_over(Outbound::Encoded(frames.freeze()));
        }
    }
}

impl SubscriberHub {
    fn new(options: &SocketOptions) -> (Self, Arc<ReceiveQueue>) {
        let received = Arc::new(ReceiveQueue::new(options));
        let interest = Interest { topics: TopicSet::new(usize::MAX, usize::MAX), publishers: Vec::new() };
        let hub = Self { interest: Arc::new(Mutex::new(interest)), received: Arc::clone(&received) };
        (hub, received)
    }

    fn interest(&self) -> MutexGuard<'_, Interest> {
        lock(&self.interest)
    }
}

impl Hub for SubscriberHub {
    type Role = SubscriberRole;

    const SOCKET_TYPE: SocketType = SocketType::Sub;

    fn join(&self, id: PeerId, peer: &Peer, _: PeerAddress, queue: &Arc<SendQueue>) -> SubscriberRole {
        let mut interest = self.interest();
        let publisher = Publisher { id, version: peer.version, queue: Arc::clone(queue) };
        interest.tell_everything(&publisher);
        interest.publishers.push(publisher);
        SubscriberRole {
            delivery: Delivery::new(id, Arc::clone(&self.received)),
            interest: Arc::clone(&self.interest),
        }
    }

    fn leave(&self, id: PeerId, queue: &SendQueue) -> usize {
        self.interest().publishers.retain(|publisher| publisher.id != id);
        queue.close();
        // Subscriptions, which the next connection is told of anyway.
        0
    }

    fn queues(&self) -> Vec<Arc<SendQueue>> {
        self.interest().publishers.iter().map(|publisher| Arc::clone(&publisher.queue)).collect()
    }
}

struct SubscriberRole {
    delivery: Delivery,
    interest: Arc<Mutex<Interest>>,
}

impl Role for SubscriberRole {
    fn room(&mut self, cx: &mut Context<'_>) -> Room {
        self.delivery.room(cx)
    }

    /// What no subscription matches is dropped: it was under way when the subscription ended, or the publisher does
    /// not filter.
    fn message(&mut self, wire: &Wire<'_>) -> Result<(), TopicsFull> {
        if lock(&self.interest).topics.matches(wire.first()) {
            self.delivery.add(wire.to_message());
        }
        Ok(())
    }

    fn turn_over(&mut self) {
        self.delivery.hand_on();
    }
}
