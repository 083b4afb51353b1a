//! DEALER: requests out, to each connected peer in turn, and answers in (RFC 28).

use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll};

use tokio::sync::broadcast;

use super::delivery::Delivery;
use super::hub::{Handle, Hub};
use super::link::Role;
use super::progress::Progress;
use super::read_buffer::Wire;
use super::receive_queue::{ReceiveQueue, Room};
use super::send_queue::{Outbound, SendQueue};
use super::stats::SocketStats;
use crate::codec::{Peer, SocketType, TopicsFull};
use crate::endpoint::Endpoint;
use crate::error::Closed;
use crate::event::SocketEvent;
use crate::lock::lock;
use crate::message::Message;
use crate::options::SocketOptions;
use crate::peer::PeerId;
use crate::transport::PeerAddress;

/// What a Dealer's messages look like on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// Exactly the frames given.
    Raw,
    /// With REQ's empty delimiter before them, put when sending and taken when receiving; a message without one is
    /// dropped. So a REP, or a server made for REQ clients, is talked to with many requests under way.
    Delimited,
}

/// A connecting DEALER socket.
pub struct Dealer {
    handle: Handle<DealerHub>,
    received: Arc<ReceiveQueue>,
    framing: Framing,
}

impl fmt::Debug for Dealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.handle.fmt(f)
    }
}

impl Dealer {
    /// Connects to all `endpoints`, in the background and again whenever a connection ends. Must be called in a tokio
    /// runtime.
    pub fn connect(endpoints: &[Endpoint], framing: Framing, options: SocketOptions) -> Self {
        Self::connect_carrying(endpoints, framing, options, true)
    }

    /// As [`Dealer::connect`], but a message goes down with its connection, whether it was begun to be written or not: for whoever
    /// counts what was sent on which connection, and sends it again by its own rules.
    pub fn connect_dropping_unsent(endpoints: &[Endpoint], framing: Framing, options: SocketOptions) -> Self {
        Self::connect_carrying(endpoints, framing, options, false)
    }

    fn connect_carrying(
        endpoints: &[Endpoint],
        framing: Framing,
        options: SocketOptions,
        carry_over: bool,
    ) -> Self {
        let received = Arc::new(ReceiveQueue::new(&options));
        let hub = DealerHub { peers: Mutex::default(), received: Arc::clone(&received), framing, carry_over };
        let handle = Handle::connect(endpoints, hub, options, Arc::new(Progress::default()));
        Self { handle, received, framing }
    }

    /// Queues a message for the next peer that has room; waits while none has. A message whose connection ends before
    /// it was begun to be written goes to another, or to the next.
    ///
    /// Cancel safe in that the message is either queued whole or dropped with the future.
    pub async fn send(&self, message: Message) -> Result<(), Closed> {
        let message = match self.framing {
            Framing::Raw => message,
            Framing::Delimited => message.delimit(),
        };
        let shared = &self.handle.shared;
        let mut unsent = Some(message);
        let attempt = || {
            if shared.closing.is_cancelled() {
                return Some(Err(Closed));
            }
            unsent = shared.hub.peers().push(unsent.take()?);
            unsent.is_none().then_some(Ok(()))
        };
        shared.progress.until(attempt).await
    }

    /// The next message of any peer. Cancel safe. `None` never comes while the socket is there.
    pub async fn recv(&mut self) -> Option<Message> {
        self.recv_from().await.map(|(_, message)| message)
    }

    /// As [`Dealer::recv`], with the connection on which it came.
    pub async fn recv_from(&mut self) -> Option<(PeerId, Message)> {
        poll_fn(|cx| self.poll_recv_from(cx)).await
    }

    /// As [`Dealer::recv_from`], for whoever waits on several sockets. Only the last task that asked is woken.
    pub fn poll_recv_from(&mut self, cx: &mut Context<'_>) -> Poll<Option<(PeerId, Message)>> {
        self.received.poll_next(cx)
    }

    /// What happens to its connections from now on. A listener that is more than 256 events behind loses the oldest.
    pub fn events(&self) -> broadcast::Receiver<SocketEvent> {
        self.handle.events()
    }

    /// What it has counted so far.
    pub fn stats(&self) -> SocketStats {
        self.handle.stats()
    }

    /// Connects no more, writes what is queued to peers that are connected for up to `linger`, and ends all
    /// connections.
    pub async fn close(self) {
        self.handle.close().await;
    }
}

struct DealerHub {
    peers: Mutex<Peers>,
    received: Arc<ReceiveQueue>,
    framing: Framing,
    /// What an ended connection leaves goes to the next.
    carry_over: bool,
}

#[derive(Default)]
struct Peers {
    connected: Vec<(PeerId, Arc<SendQueue>)>,
    next: usize,
    /// What ended connections left, when there was no other: at most one queue's worth for each endpoint.
    left_over: VecDeque<Outbound>,
}

impl Peers {
    /// Gives the message back if no peer has room.
    fn push(&mut self, message: Message) -> Option<Message> {
        let mut item = Outbound::Message(message);
        for step in 0..self.connected.len() {
            let index = (self.next + step) % self.connected.len();
            match self.connected[index].1.push(item) {
                Ok(()) => {
                    self.next = index + 1;
                    return None;
                }
                Err((_, back)) => item = back,
            }
        }
        match item {
            Outbound::Message(message) => Some(message),
            Outbound::Encoded(_) => None,
        }
    }

    fn hand_over(&mut self) {
        if let Some((_, queue)) = self.connected.first() {
            self.left_over.drain(..).for_each(|item| queue.push_over(item));
        }
    }
}

impl DealerHub {
    fn peers(&self) -> MutexGuard<'_, Peers> {
        lock(&self.peers)
    }
}

impl Hub for DealerHub {
    type Role = DealerRole;

    const SOCKET_TYPE: SocketType = SocketType::Dealer;

    fn join(&self, id: PeerId, _: &Peer, _: PeerAddress, queue: &Arc<SendQueue>) -> DealerRole {
        let mut peers = self.peers();
        peers.connected.push((id, Arc::clone(queue)));
        peers.hand_over();
        DealerRole { delivery: Delivery::new(id, Arc::clone(&self.received)), framing: self.framing }
    }

    fn leave(&self, id: PeerId, queue: &SendQueue) -> usize {
        let mut peers = self.peers();
        peers.connected.retain(|(peer, _)| *peer != id);
        let (waiting, cut_off) = queue.close();
        if !self.carry_over {
            return cut_off + waiting.len();
        }
        peers.left_over.extend(waiting);
        peers.hand_over();
        cut_off
    }

    fn queues(&self) -> Vec<Arc<SendQueue>> {
        self.peers().connected.iter().map(|(_, queue)| Arc::clone(queue)).collect()
    }
}

struct DealerRole {
    delivery: Delivery,
    framing: Framing,
}

impl Role for DealerRole {
    fn room(&mut self, cx: &mut Context<'_>) -> Room {
        self.delivery.room(cx)
    }

    fn message(&mut self, wire: &Wire<'_>) -> Result<(), TopicsFull> {
        let message = wire.to_message();
        let message = match self.framing {
            Framing::Raw => Some(message),
            Framing::Delimited => message.undelimit(),
        };
        if let Some(message) = message {
            self.delivery.add(message);
        }
        Ok(())
    }

    fn turn_over(&mut self) {
        self.delivery.hand_on();
    }
}
