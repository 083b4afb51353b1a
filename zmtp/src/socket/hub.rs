//! What all sockets share: the peers' numbers, counters, events, closing; and what each type adds, as a [`Hub`].

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::broadcast;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::accept::{self, Entrance};
use super::connect;
use super::gatekeeper::Gatekeeper;
use super::link::Role;
use super::progress::Progress;
use super::send_queue::SendQueue;
use super::stats::{Complaints, Counters, SocketStats};
use crate::codec::{Peer, SocketType};
use crate::curve::Security;
use crate::endpoint::Endpoint;
use crate::event::{SocketEvent, SocketEventKind};
use crate::limits;
use crate::options::SocketOptions;
use crate::peer::PeerId;
use crate::transport::{BindError, Listener, PeerAddress};

/// What a socket of some type does with its connections.
pub(crate) trait Hub: Send + Sync + 'static {
    /// What a connection of it does with messages.
    type Role: Role + 'static;

    /// The type it announces.
    const SOCKET_TYPE: SocketType;

    /// Who says which connections it takes, if it listens and anybody does.
    fn gatekeeper(&self) -> Option<&dyn Gatekeeper> {
        None
    }

    /// A connection is ready; messages for it go into `queue`.
    fn join(&self, id: PeerId, peer: &Peer, address: PeerAddress, queue: &Arc<SendQueue>) -> Self::Role;

    /// It is gone. Gives back how many messages went with it.
    fn leave(&self, id: PeerId, queue: &SendQueue) -> usize;

    /// The queues of all connections.
    fn queues(&self) -> Vec<Arc<SendQueue>>;
}

/// A socket, as its tasks see it.
pub(crate) struct Shared<H> {
    pub(crate) hub: H,
    pub(crate) options: SocketOptions,
    pub(crate) counters: Counters,
    pub(crate) complaints: Complaints,
    /// Whoever waits for room, peers or idleness waits here.
    pub(crate) progress: Arc<Progress>,
    /// No new connections.
    pub(crate) deaf: CancellationToken,
    /// No reconnecting either: finish.
    pub(crate) closing: CancellationToken,
    events: broadcast::Sender<SocketEvent>,
    next_peer: AtomicU64,
}

impl<H: Hub> Shared<H> {
    pub(crate) fn next_peer(&self) -> PeerId {
        PeerId(self.next_peer.fetch_add(1, Ordering::Relaxed))
    }

    pub(crate) fn tell(&self, endpoint: &Endpoint, address: Option<PeerAddress>, kind: SocketEventKind) {
        let socket_type = H::SOCKET_TYPE;
        tracing::debug!(%socket_type, %endpoint, ?address, ?kind);
        // Without listeners there is nobody to tell.
        let _ = self.events.send(SocketEvent { endpoint: endpoint.clone(), address, kind });
    }
}

/// A socket, as its user holds it. Dropping it ends its tasks.
pub(crate) struct Handle<H> {
    pub(crate) shared: Arc<Shared<H>>,
    local_endpoint: Option<Endpoint>,
    tasks: JoinSet<()>,
}

impl<H: Hub> fmt::Debug for Handle<H> {
    /// Never what is in its queues.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(H::SOCKET_TYPE.as_str())
            .field("listening", &self.local_endpoint)
            .finish_non_exhaustive()
    }
}

impl<H: Hub> Handle<H> {
    pub(crate) async fn bind(
        endpoint: &Endpoint,
        hub: H,
        options: SocketOptions,
        progress: Arc<Progress>,
    ) -> Result<Self, BindError> {
        let listener = Listener::bind(endpoint).await?;
        let mut handle = Self::new(hub, options, progress);
        handle.local_endpoint = Some(listener.local_endpoint().clone());
        let (security, connections_max) =
            (handle.shared.options.security.clone(), handle.shared.options.connections_max);
        handle.accept(listener, security, connections_max);
        Ok(handle)
    }

    pub(crate) async fn listen_too(
        &mut self,
        endpoint: &Endpoint,
        security: Security,
        connections_max: usize,
    ) -> Result<Endpoint, BindError> {
        let listener = Listener::bind_private(endpoint).await?;
        let local = listener.local_endpoint().clone();
        self.accept(listener, security, connections_max);
        Ok(local)
    }

    fn accept(&mut self, listener: Listener, security: Security, connections_max: usize) {
        let entrance = Entrance { listener, security, connections_max };
        self.tasks.spawn(accept::run(entrance, Arc::clone(&self.shared)));
    }

    pub(crate) fn connect(
        endpoints: &[Endpoint],
        hub: H,
        options: SocketOptions,
        progress: Arc<Progress>,
    ) -> Self {
        let mut handle = Self::new(hub, options, progress);
        for endpoint in endpoints {
            handle.tasks.spawn(connect::run(endpoint.clone(), Arc::clone(&handle.shared)));
        }
        handle
    }

    fn new(hub: H, options: SocketOptions, progress: Arc<Progress>) -> Self {
        let shared = Shared {
            hub,
            options,
            counters: Counters::default(),
            complaints: Complaints::default(),
            progress,
            deaf: CancellationToken::new(),
            closing: CancellationToken::new(),
            events: broadcast::Sender::new(limits::EVENTS_MAX),
            next_peer: AtomicU64::new(1),
        };
        Self { shared: Arc::new(shared), local_endpoint: None, tasks: JoinSet::new() }
    }

    pub(crate) fn local_endpoint(&self) -> Option<&Endpoint> {
        self.local_endpoint.as_ref()
    }

    pub(crate) fn events(&self) -> broadcast::Receiver<SocketEvent> {
        self.shared.events.subscribe()
    }

    pub(crate) fn stats(&self) -> SocketStats {
        self.shared.counters.snapshot(self.shared.hub.queues().len())
    }

    /// Lets the connections write what waits, for as long as the socket lingers; then ends them.
    pub(crate) async fn close(mut self) {
        self.shared.closing.cancel();
        self.shared.deaf.cancel();
        for queue in self.shared.hub.queues() {
            queue.finish();
        }
        let linger: Duration = self.shared.options.linger;
        // Past the time whatever is left is dropped with the tasks, as documented.
        let _ = timeout(linger, async { while self.tasks.join_next().await.is_some() {} }).await;
        self.tasks.shutdown().await;
    }
}
