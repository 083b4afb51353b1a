//! Accepting connections on one side, which the first worker does for all, and their handshakes, which each worker does for its own.

use std::rc::Rc;
use std::time::{Duration, Instant};

use recado_zmtp::codec::{HandshakeConfig, Heartbeat, SocketType, Welcome};
use recado_zmtp::curve::{PublicKey, Security};
use recado_zmtp::limits::ACCEPT_RETRY_MS;
use recado_zmtp::transport::{
    EstablishError, Established, HandshakeGate, Listener, PeerAddress, Stream, establish_admitting,
};
use tokio::task::yield_now;
use tokio::time::{sleep, timeout};

use crate::shell::asking::Asking;
use crate::shell::publisher::serve_publisher;
use crate::shell::shared::Shared;
use crate::shell::subscriber::{Newcomer, serve_subscriber, subscriber_limits};
use crate::shell::workers::{Admitted, Arrival, Errand, UserPlace};

/// Who connects here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Publishers,
    Subscribers,
}

/// Where connections come in, and how they shake hands there.
#[derive(Clone, Debug)]
pub(super) struct Door {
    pub(super) side: Side,
    /// Who comes has no key, and this one stands in.
    pub(super) plain: Option<PublicKey>,
    pub(super) gate: HandshakeGate,
}

pub(super) async fn accept(shared: Rc<Shared>, door: Door, listener: Listener) {
    loop {
        let accepted = tokio::select! {
            () = shared.stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok(stream) => {
                admit(&shared, &door, stream);
                // However many come at once, whoever is in has a turn between two of them.
                yield_now().await;
            }
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

fn admit(shared: &Rc<Shared>, door: &Door, stream: Stream) {
    let peer = stream.peer();
    // Whoever is not a server is out of that port again within a handshake's time, and the gate bounds those: so a server finds its way in
    // though all of its address's places are taken by subscribers.
    let is_for_servers_alone = door.side == Side::Publishers && shared.security.is_some();
    let address = peer.network().filter(|_| !is_for_servers_alone);
    let admitted = match shared.workers.admit(door.side, address) {
        Ok(admitted) => admitted,
        Err(refusal) => return refuse(shared, peer, refusal),
    };
    let (worker, door) = (admitted.worker, door.clone());
    if worker == shared.worker {
        return begin(shared, door, stream, admitted);
    }
    match stream.detach() {
        Ok(stream) => {
            let arrival = Arrival { door, stream, admitted };
            shared.workers.send(worker, Errand::Connection(arrival));
        }
        Err(error) => refuse(shared, peer, error),
    }
}

/// Goes on with a connection that another worker has accepted.
pub(super) fn arrived(shared: &Rc<Shared>, arrival: Arrival) {
    let Arrival { door, stream, admitted } = arrival;
    let peer = stream.peer();
    match stream.attach() {
        Ok(stream) => begin(shared, door, stream, admitted),
        Err(error) => refuse(shared, peer, error),
    }
}

fn refuse(shared: &Shared, peer: PeerAddress, why: impl std::fmt::Display) {
    shared.counters.refused.add(1);
    shared.workers.refused.say("connection refused", peer, why, Instant::now());
}

fn begin(shared: &Rc<Shared>, door: Door, stream: Stream, admitted: Admitted) {
    let shared = Rc::clone(shared);
    shared.counters.connections.add(1);
    shared.tasks.clone().spawn_local(async move {
        serve(&shared, &door, stream).await;
        shared.counters.connections.subtract(1);
        drop(admitted);
    });
}

async fn serve(shared: &Rc<Shared>, door: &Door, stream: Stream) {
    let address = stream.peer();
    let established = tokio::select! {
        () = shared.stop.cancelled() => return,
        established = shake_hands(shared, door, stream) => established,
    };
    let (Established { stream, peer, read_ahead }, member) = match established {
        Ok(established) => established,
        Err(error) => return refuse(shared, address, error),
    };
    // A place is kept for as long as the connection is there.
    let (asking, _place) =
        member.map_or((None, None), |Member { asking, place }| (Some(asking), Some(place)));
    let limits = &shared.limits;
    let heartbeat =
        Heartbeat::new(limits.heartbeat_interval, limits.heartbeat_timeout, peer.version, Instant::now());
    let connection = shared.add_peer(heartbeat);
    match door.side {
        Side::Publishers => {
            serve_publisher(shared, stream, Rc::clone(&connection), peer.version, read_ahead).await;
        }
        Side::Subscribers => {
            let newcomer = Newcomer { peer: Rc::clone(&connection), key: peer.key, asking };
            serve_subscriber(shared, stream, newcomer, read_ahead).await;
        }
    }
    shared.peer_left(&connection);
}

/// A subscriber whose key is a user's.
struct Member {
    /// The question whose key it is, which is held until the hub knows the subscriber.
    asking: Asking,
    place: UserPlace,
}

/// Finds out whose a subscriber's key is, and whether there may be one more connection of that user.
async fn recognise(shared: &Rc<Shared>, key: PublicKey) -> Result<Member, Welcome> {
    let Some(mut asking) = Asking::begin(shared, &key, None) else {
        return Err(Welcome::NotNow("too many handshakes wait to hear whose their key is".to_owned()));
    };
    if !asking.answer().await {
        shared.counters.keys_refused.add(1);
        return Err(Welcome::No);
    }
    let user = shared.hub.borrow().user_of(&key).filter(|user| !user.is_empty()).map(Box::from);
    // Of whom the server says no name, each key is somebody.
    match shared.workers.admit_user(user.unwrap_or_else(|| key.to_string().into())) {
        Ok(place) => Ok(Member { asking, place }),
        Err(refusal) => {
            shared.counters.users_refused.add(1);
            Err(Welcome::NotNow(refusal.to_string()))
        }
    }
}

async fn shake_hands(
    shared: &Rc<Shared>,
    door: &Door,
    stream: Stream,
) -> Result<(Established, Option<Member>), EstablishError> {
    let Door { side, plain, gate } = door;
    let began = Instant::now();
    let limit = shared.limits.handshake_timeout;
    let place = timeout(limit, gate.enter(stream.peer())).await.map_err(|_| EstablishError::TimedOut)?;
    let _place = place.ok_or(EstablishError::Crowded)?;
    let ours = match side {
        Side::Publishers => SocketType::XSub,
        Side::Subscribers => SocketType::XPub,
    };
    let frame_bytes_max = match side {
        Side::Publishers => shared.message_limits().frame_bytes_max(),
        Side::Subscribers => subscriber_limits(shared).frame_bytes_max(),
    };
    let security = match (plain, &shared.security) {
        (Some(key), _) => Security::NullAs(*key),
        (None, Some(keys)) => Security::CurveServer(keys.clone()),
        (None, None) => Security::Null,
    };
    let config = HandshakeConfig { security, frame_bytes_max, ..HandshakeConfig::new(ours) };
    let mut member = None;
    let admits = async |key, _: PeerAddress| match side {
        Side::Publishers if shared.is_own(&key) => Welcome::Yes,
        Side::Publishers => {
            shared.counters.keys_refused.add(1);
            Welcome::No
        }
        Side::Subscribers => match recognise(shared, key).await {
            Ok(recognised) => {
                member = Some(recognised);
                Welcome::Yes
            }
            Err(welcome) => welcome,
        },
    };
    let left = limit.saturating_sub(began.elapsed());
    let established = establish_admitting(stream, config, left, admits).await?;
    Ok((established, member))
}
