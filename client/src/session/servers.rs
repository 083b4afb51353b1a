//! The connections to the servers: one to each, and those that were replaced because they left a request unanswered, for a while, in
//! case the answer comes after all. Which request goes on which is decided by [`super::requests`].

use std::future::{poll_fn, ready};
use std::task::{Context, Poll, ready as poll_ready};
use std::time::Instant;

use recado_zmtp::curve::Security;
use recado_zmtp::{Dealer, Endpoint, Framing, Message, PeerId, SocketEvent, SocketEventKind};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::ReusableBoxFuture;

use crate::limits;

use super::config::request_options;
use super::requests::ConnectionId;

/// What happened to the connections.
#[derive(Debug)]
pub(crate) enum ServerHappening {
    /// A reply came; on a connection that ended meanwhile if it says none.
    Reply(Option<ConnectionId>, Message),
    /// Something happened to a socket that is in use.
    Link {
        /// Which server it leads to.
        server: usize,
        /// What happened.
        event: SocketEvent,
        /// The connection that is ready now.
        connected: Option<ConnectionId>,
        /// The one that has ended.
        disconnected: Option<ConnectionId>,
    },
    /// A replaced connection has ended.
    Ended(ConnectionId),
}

/// One socket for each server, in their order, and the replaced ones.
pub(crate) struct Servers {
    endpoints: Vec<Endpoint>,
    security: Security,
    sockets: Vec<Socket>,
    next_connection: u64,
}

struct Socket {
    server: usize,
    dealer: Dealer,
    events: Events,
    connection: Option<(PeerId, ConnectionId)>,
    /// It was replaced, and is listened to until then.
    retired_until: Option<Instant>,
}

impl Socket {
    fn connect(server: usize, endpoint: &Endpoint, security: &Security) -> Self {
        let endpoint = std::slice::from_ref(endpoint);
        let options = request_options(security);
        let dealer = Dealer::connect_dropping_unsent(endpoint, Framing::Delimited, options);
        let events = Events::of(dealer.events());
        Self { server, dealer, events, connection: None, retired_until: None }
    }
}

impl Servers {
    pub(crate) fn connect(endpoints: &[Endpoint], security: Security) -> Self {
        let sockets = endpoints
            .iter()
            .enumerate()
            .map(|(server, endpoint)| Socket::connect(server, endpoint, &security))
            .collect();
        Self { endpoints: endpoints.to_vec(), security, sockets, next_connection: 1 }
    }

    /// What happens next. Cancel safe.
    pub(crate) async fn next(&mut self) -> ServerHappening {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    /// Hands a message to a connection. False if it has no room now.
    pub(crate) async fn send(&self, connection: ConnectionId, message: Message) -> bool {
        let on = |socket: &&Socket| socket.connection.is_some_and(|(_, id)| id == connection);
        let Some(socket) = self.sockets.iter().find(on) else { return false };
        tokio::select! {
            biased;
            sent = socket.dealer.send(message) => sent.is_ok(),
            () = ready(()) => false,
        }
    }

    /// Makes another connection to the server that this one leads to, whose number it says. What still comes on this one is taken for a
    /// while.
    pub(crate) fn renew(&mut self, connection: ConnectionId, now: Instant) -> Option<usize> {
        let on = |socket: &&mut Socket| {
            socket.retired_until.is_none() && socket.connection.is_some_and(|(_, id)| id == connection)
        };
        let socket = self.sockets.iter_mut().find(on)?;
        let server = socket.server;
        let renewed = Socket::connect(server, &self.endpoints[server], &self.security);
        let mut former = std::mem::replace(socket, renewed);
        former.retired_until = Some(now + limits::LATE_ANSWER_PATIENCE);
        let mut retired: Vec<&mut Socket> =
            self.sockets.iter_mut().filter(|socket| socket.retired_until.is_some()).collect();
        if retired.len() >= limits::RETIRED_CONNECTIONS_MAX {
            retired[0].retired_until = Some(now);
        }
        self.sockets.push(former);
        Some(server)
    }

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        self.sockets.iter().filter_map(|socket| socket.retired_until).min()
    }

    /// Time has passed: the connections that nothing more is expected from.
    pub(crate) fn on_timeout(&mut self, now: Instant) -> Vec<ConnectionId> {
        let over = |socket: &mut Socket| socket.retired_until.is_some_and(|until| until <= now);
        let over = self.sockets.extract_if(.., over);
        over.filter_map(|socket| socket.connection.map(|(_, connection)| connection)).collect()
    }

    /// Ends them all, once what was handed to them is written.
    pub(crate) async fn close(self) {
        for socket in self.sockets.into_iter().filter(|socket| socket.retired_until.is_none()) {
            socket.dealer.close().await;
        }
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<ServerHappening> {
        for index in 0..self.sockets.len() {
            let socket = &mut self.sockets[index];
            if let Poll::Ready(Some((peer, message))) = socket.dealer.poll_recv_from(cx) {
                let current = socket.connection.filter(|(current, _)| *current == peer);
                return Poll::Ready(ServerHappening::Reply(
                    current.map(|(_, connection)| connection),
                    message,
                ));
            }
            let Poll::Ready(event) = socket.events.poll_next(cx) else { continue };
            if let Some(happening) = self.on_event(index, event) {
                return Poll::Ready(happening);
            }
            // What happened to a replaced connection interests nobody; the others come next.
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }

    fn on_event(&mut self, index: usize, event: SocketEvent) -> Option<ServerHappening> {
        let socket = &mut self.sockets[index];
        let ended = match event.kind {
            SocketEventKind::Disconnected { .. } => {
                socket.connection.take().map(|(_, connection)| connection)
            }
            _ => None,
        };
        if socket.retired_until.is_some() {
            let ended = ended?;
            self.sockets.remove(index);
            return Some(ServerHappening::Ended(ended));
        }
        let mut connected = None;
        if let SocketEventKind::Connected { peer, .. } = event.kind {
            let connection = ConnectionId(self.next_connection);
            self.next_connection += 1;
            socket.connection = Some((peer, connection));
            connected = Some(connection);
        }
        Some(ServerHappening::Link { server: socket.server, event, connected, disconnected: ended })
    }
}

/// A socket's events, to be polled beside other sockets'.
struct Events {
    next: ReusableBoxFuture<'static, (Result<SocketEvent, RecvError>, broadcast::Receiver<SocketEvent>)>,
}

impl Events {
    fn of(events: broadcast::Receiver<SocketEvent>) -> Self {
        Self { next: ReusableBoxFuture::new(receive(events)) }
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<SocketEvent> {
        loop {
            let (event, events) = poll_ready!(self.next.poll(cx));
            self.next.set(receive(events));
            match event {
                Ok(event) => return Poll::Ready(event),
                Err(RecvError::Lagged(_)) => {}
                // The socket is there as long as this.
                Err(RecvError::Closed) => return Poll::Pending,
            }
        }
    }
}

async fn receive(
    mut events: broadcast::Receiver<SocketEvent>,
) -> (Result<SocketEvent, RecvError>, broadcast::Receiver<SocketEvent>) {
    (events.recv().await, events)
}
