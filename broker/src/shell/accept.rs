//! Accepting connections on one side, and their handshakes.

use std::rc::Rc;
use std::time::{Duration, Instant};

use recado_zmtp::codec::{HandshakeConfig, Heartbeat, SocketType};
use recado_zmtp::limits::ACCEPT_RETRY_MS;
use recado_zmtp::transport::{EstablishError, Established, HandshakeGate, Listener, Stream, establish};
use tokio::time::{sleep, timeout};

use crate::shell::publisher::serve_publisher;
use crate::shell::shared::{Peer, Shared};
use crate::shell::subscriber::serve_subscriber;

/// Who connects here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Publishers,
    Subscribers,
}

pub(super) async fn accept(shared: Rc<Shared>, side: Side, listener: Listener) {
    let gate = HandshakeGate::new(shared.limits.handshakes_max);
    loop {
        let accepted = tokio::select! {
            () = shared.stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok(stream) => admit(&shared, side, &gate, stream),
            Err(error) => {
                shared.refused.say(
                    "cannot accept a connection",
                    listener.local_endpoint(),
                    error,
                    Instant::now(),
                );
                sleep(Duration::from_millis(ACCEPT_RETRY_MS)).await;
            }
        }
    }
}

fn admit(shared: &Rc<Shared>, side: Side, gate: &HandshakeGate, stream: Stream) {
    let connections = shared.connections.get();
    if connections >= shared.limits.connections_max {
        shared.counters.refused.add(1);
        shared.refused.say("connection refused", stream.peer(), "too many connections", Instant::now());
        return;
    }
    shared.connections.set(connections + 1);
    let (shared, gate) = (Rc::clone(shared), gate.clone());
    shared.tasks.clone().spawn_local(async move {
        serve(&shared, side, &gate, stream).await;
        shared.connections.set(shared.connections.get() - 1);
    });
}

async fn serve(shared: &Rc<Shared>, side: Side, gate: &HandshakeGate, stream: Stream) {
    let address = stream.peer();
    let established = tokio::select! {
        () = shared.stop.cancelled() => return,
        established = shake_hands(shared, side, gate, stream) => established,
    };
    let Established { stream, peer, read_ahead } = match established {
        Ok(established) => established,
        Err(error) => {
            shared.counters.refused.add(1);
            shared.refused.say("connection refused", address, error, Instant::now());
            return;
        }
    };
    let limits = &shared.limits;
    let heartbeat =
        Heartbeat::new(limits.heartbeat_interval, limits.heartbeat_timeout, peer.version, Instant::now());
    let connection = Rc::new(Peer::new(heartbeat));
    let number = shared.peers.borrow_mut().insert(Rc::clone(&connection));
    match side {
        Side::Publishers => serve_publisher(shared, stream, connection, peer.version, read_ahead).await,
        Side::Subscribers => serve_subscriber(shared, stream, connection, read_ahead).await,
    }
    shared.peers.borrow_mut().remove(number);
}

async fn shake_hands(
    shared: &Shared,
    side: Side,
    gate: &HandshakeGate,
    stream: Stream,
) -> Result<Established, EstablishError> {
    let began = Instant::now();
    let limit = shared.limits.handshake_timeout;
    let place = timeout(limit, gate.enter(stream.peer())).await.map_err(|_| EstablishError::TimedOut)?;
    let _place = place.ok_or(EstablishError::Crowded)?;
    let ours = match side {
        Side::Publishers => SocketType::XSub,
        Side::Subscribers => SocketType::XPub,
    };
    establish(stream, HandshakeConfig::new(ours), limit.saturating_sub(began.elapsed())).await
}
