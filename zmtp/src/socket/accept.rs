//! The task of a listening socket: accepts, and runs each connection as a task of its own.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::{JoinSet, yield_now};
use tokio::time::{Instant, sleep};

use super::gatekeeper::{Addresses, Counted};
use super::hub::{Hub, Shared};
use super::session::{self, Side};
use crate::codec::{HandshakeConfig, Welcome};
use crate::curve::Security;
use crate::endpoint::Endpoint;
use crate::event::SocketEventKind;
use crate::limits;
use crate::transport::{
    EstablishError, Established, HandshakeGate, Listener, PeerAddress, Stream, establish_admitting,
};

/// One of the places where a socket listens.
pub(crate) struct Entrance {
    pub(crate) listener: Listener,
    pub(crate) security: Security,
    pub(crate) connections_max: usize,
}

/// Accepts until told to stop, then sees its connections to their ends.
pub(crate) async fn run<H: Hub>(entrance: Entrance, shared: Arc<Shared<H>>) {
    let Entrance { listener, security, connections_max } = entrance;
    let endpoint = listener.local_endpoint().clone();
    let gate = HandshakeGate::new(shared.options.handshakes_max);
    let addresses = Addresses::new(shared.options.connections_per_address_max);
    let handshake = HandshakeConfig { security, ..shared.options.handshake(H::SOCKET_TYPE) };
    let mut links = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            () = shared.deaf.cancelled() => break,
            Some(_) = links.join_next() => continue,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok(stream) => {
                match take_in(&shared, links.len(), connections_max, &addresses, stream.peer()) {
                    Ok(counted) => {
                        let (endpoint, gate) = (endpoint.clone(), gate.clone());
                        let shared = Arc::clone(&shared);
                        links.spawn(serve(stream, endpoint, handshake.clone(), gate, shared, counted));
                    }
                    Err(reason) => turn_away(&shared, &endpoint, stream.peer(), reason),
                }
                // However many come at once, whoever is in has a turn between two of them.
                yield_now().await;
            }
            Err(error) => {
                shared.complaints.about(&endpoint, &format_args!("cannot accept connections: {error}"));
                shared.tell(&endpoint, None, SocketEventKind::AcceptFailed { error: error.to_string() });
                tokio::select! {
                    () = shared.deaf.cancelled() => break,
                    () = sleep(Duration::from_millis(limits::ACCEPT_RETRY_MS)) => {}
                }
            }
        }
    }
    drop(listener);
    while links.join_next().await.is_some() {}
}

/// Whether one more connection is taken, from there; otherwise why not.
fn take_in<H: Hub>(
    shared: &Shared<H>,
    connections: usize,
    connections_max: usize,
    addresses: &Addresses,
    peer: PeerAddress,
) -> Result<Counted, String> {
    if connections >= connections_max {
        return Err(format!("at most {connections_max} connections at once"));
    }
    let counted = addresses.enter(peer).ok_or_else(|| {
        let max = shared.options.connections_per_address_max;
        format!("at most {max} connections from one address at once")
    })?;
    shared.hub.gatekeeper().map_or(Ok(()), |gatekeeper| gatekeeper.arrives(peer))?;
    Ok(counted)
}

async fn serve<H: Hub>(
    stream: Stream,
    endpoint: Endpoint,
    handshake: HandshakeConfig,
    gate: HandshakeGate,
    shared: Arc<Shared<H>>,
    _counted: Counted,
) {
    let address = stream.peer();
    let established = tokio::select! {
        () = shared.closing.cancelled() => return,
        established = shake_hands(stream, handshake, &gate, &shared) => established,
    };
    match established {
        Ok(established) => {
            session::run(&shared, &endpoint, established, Side::Accepting).await;
        }
        Err(error) => {
            // Who connects and goes away, as health checks do, is nothing to complain of.
            if matches!(error, EstablishError::Closed | EstablishError::Unheard | EstablishError::Io(_)) {
                refuse(&shared, &endpoint, address, error.to_string());
            } else {
                turn_away(&shared, &endpoint, address, error.to_string());
            }
        }
    }
}

/// The wait for a place counts as part of the handshake's time.
async fn shake_hands<H: Hub>(
    stream: Stream,
    handshake: HandshakeConfig,
    gate: &HandshakeGate,
    shared: &Shared<H>,
) -> Result<Established, EstablishError> {
    let limit = shared.options.handshake_timeout;
    let deadline = Instant::now() + limit;
    let entered = tokio::time::timeout_at(deadline, gate.enter(stream.peer())).await;
    let _pass = entered.map_err(|_| EstablishError::TimedOut)?.ok_or(EstablishError::Crowded)?;
    let welcomes = async |key, address| match shared.hub.gatekeeper() {
        Some(gatekeeper) => gatekeeper.welcomes(&key, address),
        None => Welcome::Yes,
    };
    establish_admitting(stream, handshake, deadline - Instant::now(), welcomes).await
}

/// Refuses, and complains of it.
fn turn_away<H: Hub>(shared: &Shared<H>, endpoint: &Endpoint, address: PeerAddress, reason: String) {
    shared.complaints.about(&address, &format_args!("connection refused: {reason}"));
    refuse(shared, endpoint, address, reason);
}

fn refuse<H: Hub>(shared: &Shared<H>, endpoint: &Endpoint, address: PeerAddress, reason: String) {
    shared.counters.refused.add(1);
    shared.tell(endpoint, Some(address), SocketEventKind::Refused { reason });
}
