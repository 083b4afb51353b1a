//! ROUTER: requests of many peers in, each answer to the peer it is for (RFC 28).

use std::fmt;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::Context;

use foldhash::HashMap;
use tokio::sync::broadcast;

use super::delivery::Delivery;
use super::gatekeeper::Gatekeeper;
use super::hub::{Handle, Hub};
use super::link::Role;
use super::progress::Progress;
use super::read_buffer::Wire;
use super::receive_queue::{ReceiveQueue, Room};
use super::send_queue::{Outbound, PushError, SendQueue};
use super::stats::SocketStats;
use crate::codec::{Peer, SocketType, TopicsFull};
use crate::curve::{PublicKey, Security};
use crate::endpoint::Endpoint;
use crate::error::SendError;
use crate::event::SocketEvent;
use crate::lock::lock;
use crate::message::Message;
use crate::options::SocketOptions;
use crate::peer::PeerId;
use crate::transport::{BindError, PeerAddress};

/// A listening ROUTER socket.
///
/// Messages have exactly the frames that go over the wire: those of a REQ peer begin with its empty delimiter, and so
/// must the answers to it.
pub struct Router {
    handle: Handle<RouterHub>,
    received: Arc<ReceiveQueue>,
}

impl fmt::Debug for Router {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.handle.fmt(f)
    }
}

impl Router {
    /// Listens on `endpoint`. Must be called in a tokio runtime.
    pub async fn bind(endpoint: &Endpoint, options: SocketOptions) -> Result<Self, BindError> {
        Self::bind_guarded(endpoint, options, None).await
    }

    /// As [`bind`](Self::bind), with somebody who says which connections are taken.
    pub async fn bind_with_gatekeeper(
        endpoint: &Endpoint,
        options: SocketOptions,
        gatekeeper: Arc<dyn Gatekeeper>,
    ) -> Result<Self, BindError> {
        Self::bind_guarded(endpoint, options, Some(gatekeeper)).await
    }

    async fn bind_guarded(
        endpoint: &Endpoint,
        options: SocketOptions,
        gatekeeper: Option<Arc<dyn Gatekeeper>>,
    ) -> Result<Self, BindError> {
        let received = Arc::new(ReceiveQueue::new(&options));
        let hub = RouterHub { joined: Mutex::default(), received: Arc::clone(&received), gatekeeper };
        let handle = Handle::bind(endpoint, hub, options, Arc::new(Progress::default())).await?;
        Ok(Self { handle, received })
    }

    /// Listens on a further endpoint, where connections are secured in another way and are at most so many; says where, with the port
    /// that the system chose. An `ipc` endpoint's file is its owner's alone.
    pub async fn listen_too(
        &mut self,
        endpoint: &Endpoint,
        security: Security,
        connections_max: usize,
    ) -> Result<Endpoint, BindError> {
        self.handle.listen_too(endpoint, security, connections_max).await
    }

    /// Where it listens, with the port that the system chose if it was to choose.
    pub fn local_endpoint(&self) -> &Endpoint {
        self.handle.local_endpoint().expect("a bound socket has an endpoint")
    }

    /// The next message and who sent it; `None` after [`stop_receiving`](Self::stop_receiving), when all that came
    /// before has been taken. Cancel safe.
    pub async fn recv(&mut self) -> Option<(PeerId, Message)> {
        poll_fn(|cx| self.received.poll_next(cx)).await
    }

    /// Waits for one message at least, then appends all that are there, at most `max`, and returns how many; 0 after
    /// [`stop_receiving`](Self::stop_receiving), when all has been taken, or if `max` is 0. Cancel safe.
    pub async fn recv_many(&mut self, into: &mut Vec<(PeerId, Message)>, max: usize) -> usize {
        poll_fn(|cx| self.received.poll_take(cx, into, max)).await
    }

    /// Queues a message for a peer; never waits. It is written as soon as the peer's connection has its turn, together
    /// with what else is queued for it by then.
    pub fn send(&self, peer: PeerId, message: Message) -> Result<(), SendError> {
        let joined = self.handle.shared.hub.joined();
        let joined = joined.get(&peer).ok_or(SendError::Unreachable)?;
        joined.queue.push(Outbound::Message(message)).map_err(|(error, _)| match error {
            PushError::Full => SendError::QueueFull,
            PushError::Closed => SendError::Unreachable,
        })
    }

    /// Who is at the other end of a connection; none once it has ended.
    pub fn peer(&self, peer: PeerId) -> Option<PeerInfo> {
        self.handle.shared.hub.joined().get(&peer).map(|joined| joined.info)
    }

    /// Ends a connection at once, whatever waits to be written to it; from here on [`peer`](Self::peer) knows it no longer. What it has
    /// sent and was not taken yet may still be taken.
    pub fn disconnect(&self, peer: PeerId) {
        if let Some(joined) = self.handle.shared.hub.joined().remove(&peer) {
            joined.queue.cut();
        }
    }

    /// No new connections and no more reading; what was received may still be taken, and sending goes on.
    pub fn stop_receiving(&mut self) {
        self.handle.shared.deaf.cancel();
        self.received.stop();
    }

    /// What happens to its connections from now on. A listener that is more than 256 events behind loses the oldest.
    pub fn events(&self) -> broadcast::Receiver<SocketEvent> {
        self.handle.events()
    }

    /// What it has counted so far.
    pub fn stats(&self) -> SocketStats {
        self.handle.stats()
    }

    /// Stops listening, writes what is queued for up to `linger`, and ends all connections.
    pub async fn close(self) {
        self.handle.close().await;
    }
}

/// Who is at the other end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerInfo {
    /// The long-term key that it has proved to have, or counts as having ([`Security::NullAs`]); none without security.
    pub key: Option<PublicKey>,
    /// Where it is.
    pub address: PeerAddress,
}

struct RouterHub {
    joined: Mutex<HashMap<PeerId, Joined>>,
    gatekeeper: Option<Arc<dyn Gatekeeper>>,
    received: Arc<ReceiveQueue>,
}

struct Joined {
    queue: Arc<SendQueue>,
    info: PeerInfo,
}

impl RouterHub {
    fn joined(&self) -> MutexGuard<'_, HashMap<PeerId, Joined>> {
        lock(&self.joined)
    }
}

impl Hub for RouterHub {
    type Role = RouterRole;

    const SOCKET_TYPE: SocketType = SocketType::Router;

    fn gatekeeper(&self) -> Option<&dyn Gatekeeper> {
        self.gatekeeper.as_deref()
    }

    fn join(&self, id: PeerId, peer: &Peer, address: PeerAddress, queue: &Arc<SendQueue>) -> RouterRole {
        let info = PeerInfo { key: peer.key, address };
        self.joined().insert(id, Joined { queue: Arc::clone(queue), info });
        RouterRole(Delivery::new(id, Arc::clone(&self.received)))
    }

    fn leave(&self, id: PeerId, queue: &SendQueue) -> usize {
        self.joined().remove(&id);
        let (waiting, cut_off) = queue.close();
        waiting.len() + cut_off
    }

    fn queues(&self) -> Vec<Arc<SendQueue>> {
        self.joined().values().map(|joined| Arc::clone(&joined.queue)).collect()
    }
}

struct RouterRole(Delivery);

impl Role for RouterRole {
    fn room(&mut self, cx: &mut Context<'_>) -> Room {
        self.0.room(cx)
    }

    fn message(&mut self, wire: &Wire<'_>) -> Result<(), TopicsFull> {
        self.0.add(wire.to_message());
        Ok(())
    }

    fn turn_over(&mut self) {
        self.0.hand_on();
    }
}
