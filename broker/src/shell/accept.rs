//! Accepting connections on one side, which the first worker does for all, and their handshakes, which each worker does for its own.

use std::pin::pin;
use std::rc::Rc;
use std::time::{Duration, Instant};

use recado_zmtp::codec::{HandshakeConfig, Heartbeat, SocketType};
use recado_zmtp::curve::{PublicKey, Security};
use recado_zmtp::limits::{ACCEPT_RETRY_MS, COMMAND_BYTES_MAX};
use recado_zmtp::transport::{
    EstablishError, Established, HandshakeGate, Listener, PeerAddress, Stream, establish, establish_admitting,
};
use tokio::time::{sleep, timeout};

use crate::gate::{Entry, TooMany};
use crate::limits::SUBSCRIBER_MESSAGE_BYTES_MAX;
use crate::shell::publisher::serve_publisher;
use crate::shell::shared::Shared;
use crate::shell::subscriber::serve_subscriber;
use crate::shell::workers::{Admitted, Arrival, Errand};

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
                shared.workers.refused.say(
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
    let admitted = match shared.workers.admit(side, peer.host()) {
        Ok(admitted) => admitted,
        Err(refusal) => return refuse(shared, peer, refusal),
    };
    let (worker, gate) = (admitted.worker, gate.clone());
    if worker == shared.worker {
        return begin(shared, side, gate, stream, admitted);
    }
    match stream.detach() {
        Ok(stream) => {
            let arrival = Arrival { side, stream, gate, admitted };
            shared.workers.send(worker, Errand::Connection(arrival));
        }
        Err(error) => refuse(shared, peer, error),
    }
}

/// Goes on with a connection that another worker has accepted.
pub(super) fn arrived(shared: &Rc<Shared>, arrival: Arrival) {
    let Arrival { side, stream, gate, admitted } = arrival;
    let peer = stream.peer();
    match stream.attach() {
        Ok(stream) => begin(shared, side, gate, stream, admitted),
        Err(error) => refuse(shared, peer, error),
    }
}

fn refuse(shared: &Shared, peer: PeerAddress, why: impl std::fmt::Display) {
    shared.counters.refused.add(1);
    shared.workers.refused.say("connection refused", peer, why, Instant::now());
}

fn begin(shared: &Rc<Shared>, side: Side, gate: HandshakeGate, stream: Stream, admitted: Admitted) {
    let shared = Rc::clone(shared);
    shared.counters.connections.add(1);
    shared.tasks.clone().spawn_local(async move {
        serve(&shared, side, &gate, stream).await;
        shared.counters.connections.subtract(1);
        drop(admitted);
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
        Err(error) => return refuse(shared, address, error),
    };
    let key = peer.key;
    let limits = &shared.limits;
    let heartbeat =
        Heartbeat::new(limits.heartbeat_interval, limits.heartbeat_timeout, peer.version, Instant::now());
    let connection = shared.add_peer(heartbeat);
    match side {
        Side::Publishers => {
            serve_publisher(shared, stream, Rc::clone(&connection), peer.version, read_ahead).await;
        }
        Side::Subscribers => serve_subscriber(shared, stream, Rc::clone(&connection), key, read_ahead).await,
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
    let limit = limit.saturating_sub(began.elapsed());
    let Some(keys) = &shared.keys else {
        return establish(stream, HandshakeConfig::new(ours), limit).await;
    };
    let config = HandshakeConfig {
        security: Security::CurveServer(keys.clone()),
        frame_bytes_max: match side {
            Side::Publishers => shared.limits.message_bytes_max.max(COMMAND_BYTES_MAX),
            Side::Subscribers => SUBSCRIBER_MESSAGE_BYTES_MAX,
        },
        ..HandshakeConfig::new(ours)
    };
    let admits = async |key: PublicKey, _| match side {
        // Only servers of this installation publish.
        Side::Publishers => key == keys.public(),
        Side::Subscribers => is_users(shared, key).await,
    };
    establish_admitting(stream, config, limit, admits).await
}

/// Whether a key is a user's, once that is answered.
async fn is_users(shared: &Shared, key: PublicKey) -> bool {
    let Ok(knock) = Knock::new(shared, key) else { return false };
    loop {
        let mut answered = pin!(shared.keys_answered.notified());
        answered.as_mut().enable();
        match shared.hub.borrow().entry(&knock.key) {
            Entry::Admitted => return true,
            Entry::Refused => return false,
            Entry::Waiting => {}
        }
        answered.await;
    }
}

/// A handshake that waits to come in, for as long as it does.
struct Knock<'a> {
    shared: &'a Shared,
    key: PublicKey,
}

impl<'a> Knock<'a> {
    fn new(shared: &'a Shared, key: PublicKey) -> Result<Knock<'a>, TooMany> {
        shared.hub.borrow_mut().knocks(&key)?;
        shared.heed_gate();
        Ok(Knock { shared, key })
    }
}

impl Drop for Knock<'_> {
    fn drop(&mut self) {
        self.shared.hub.borrow_mut().knocked(&self.key, Instant::now());
        self.shared.heed_gate();
    }
}
