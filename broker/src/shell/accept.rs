//! Accepting connections on one side, and their handshakes.

use std::rc::Rc;
use std::time::{Duration, Instant};

use recado_zmtp::codec::{HandshakeConfig, Heartbeat, SocketType};
use recado_zmtp::limits::ACCEPT_RETRY_MS;
use recado_zmtp::transport::{EstablishError, Established, HandshakeGate, Listener, Stream, establish};
use tokio::time::{sleep, timeout};

use crate::shell::publisher::serve_publisher;
use crate::shell::shared::Shared;
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
    let peer = stream.peer();
    if let Err(refusal) = shared.admission.borrow_mut().enter(peer.host()) {
        shared.counters.refused.add(1);
        shared.refused.say("connection refused", peer, refusal, Instant::now());
        return;
    }
    shared.counters.connections.add(1);
    let (shared, gate) = (Rc::clone(shared), gate.clone());
    shared.tasks.clone().spawn_local(async move {
        serve(&shared, side, &gate, stream).await;
        shared.admission.borrow_mut().leave(peer.host());
        shared.counters.connections.subtract(1);
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
    let connection = shared.add_peer(heartbeat);
    match side {
        Side::Publishers => {
            serve_publisher(shared, stream, Rc::clone(&connection), peer.version, read_ahead).await;
        }
        Side::Subscribers => serve_subscriber(shared, stream, Rc::clone(&connection), read_ahead).await,
    }
    shared.peer_left(&connection);
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
