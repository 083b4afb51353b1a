//! Listeners whose peers have no key of their own and count as having one.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use recado_zmtp::codec::{HandshakeConfig, HandshakeError, SocketType, Welcome};
use recado_zmtp::curve::{KeyPair, PublicKey, Security};
use recado_zmtp::transport::{EstablishError, Listener, Stream, establish, establish_admitting};
use recado_zmtp::{BindFault, Dealer, Endpoint, Framing, Message, PeerInfo, SocketEventKind, SocketOptions};

use super::{anywhere, event, router, soon};

const KEY: PublicKey = PublicKey::from_bytes([7; 32]);
const TOO_LONG: Duration = Duration::from_secs(60);

fn secured(keys: &KeyPair) -> SocketOptions {
    SocketOptions { security: Security::CurveServer(keys.clone()), ..SocketOptions::default() }
}

fn in_folder(folder: &tempfile::TempDir, name: &str) -> Endpoint {
    Endpoint::Ipc(folder.path().join(name))
}

#[tokio::test]
async fn one_router_answers_peers_with_keys_and_those_for_whom_one_stands_in() {
    let (ours, theirs) = (KeyPair::generate(), KeyPair::generate());
    let mut router = router(secured(&ours)).await;
    let plain = router.listen_too(&anywhere(), Security::NullAs(KEY), 1).await.unwrap();
    let security = Security::CurveClient { keys: theirs.clone(), server: ours.public() };
    let keyed = SocketOptions { security, ..SocketOptions::default() };
    for (endpoint, options, key) in [
        (router.local_endpoint().clone(), keyed, theirs.public()),
        (plain.clone(), SocketOptions::default(), KEY),
    ] {
        let mut dealer = Dealer::connect(&[endpoint], Framing::Delimited, options);
        soon(dealer.send(Message::single("oi"))).await.unwrap();
        let (peer, request) = soon(router.recv()).await.unwrap();
        let PeerInfo { key: found, .. } = router.peer(peer).unwrap();
        assert_eq!(found, Some(key));
        router.send(peer, request).unwrap();
        assert_eq!(soon(dealer.recv()).await, Some(Message::single("oi")));
        dealer.close().await;
    }
}

#[tokio::test]
async fn such_a_listener_takes_so_many_connections_and_none_with_a_key() {
    let (ours, theirs) = (KeyPair::generate(), KeyPair::generate());
    let mut router = router(secured(&ours)).await;
    let plain = router.listen_too(&anywhere(), Security::NullAs(KEY), 1).await.unwrap();
    let mut events = router.events();
    let refused = async |events: &mut _| {
        event(events, |kind| match kind {
            SocketEventKind::Refused { reason } => Some(reason),
            _ => None,
        })
        .await
    };
    let security = Security::CurveClient { keys: theirs, server: ours.public() };
    let keyed = SocketOptions { security, ..SocketOptions::default() };
    let dealer = Dealer::connect(std::slice::from_ref(&plain), Framing::Raw, keyed);
    let reason = refused(&mut events).await;
    assert_eq!(reason, "the peer wants the security mechanism CURVE; this socket has NULL");
    dealer.close().await;

    let _first = Dealer::connect(std::slice::from_ref(&plain), Framing::Raw, SocketOptions::default());
    event(&mut events, |kind| matches!(kind, SocketEventKind::Accepted { .. }).then_some(())).await;
    let _second = Dealer::connect(&[plain], Framing::Raw, SocketOptions::default());
    assert_eq!(refused(&mut events).await, "too many connections");
}

#[tokio::test]
async fn who_is_not_welcome_finds_the_connection_closed_before_anything_was_said_of_this_side() {
    let listener = Listener::bind(&anywhere()).await.unwrap();
    for is_welcome in [false, true] {
        let (accepted, connected) =
            tokio::join!(listener.accept(), Stream::connect(listener.local_endpoint()));
        let ours =
            HandshakeConfig { security: Security::NullAs(KEY), ..HandshakeConfig::new(SocketType::XPub) };
        let (accepted, connected) = tokio::join!(
            establish_admitting(accepted.unwrap(), ours, TOO_LONG, async |key, _| {
                if key == KEY && is_welcome { Welcome::Yes } else { Welcome::No }
            }),
            establish(connected.unwrap(), HandshakeConfig::new(SocketType::Sub), TOO_LONG),
        );
        if is_welcome {
            assert_eq!(accepted.unwrap().peer.key, Some(KEY));
            assert_eq!(connected.unwrap().peer.key, None);
        } else {
            let refused = HandshakeError::NotAdmitted(KEY);
            assert!(matches!(accepted, Err(EstablishError::Handshake(error)) if error == refused));
            assert!(matches!(connected, Err(EstablishError::Closed)), "it may come back");
        }
    }
}

#[tokio::test]
async fn its_file_is_its_owners_alone_also_where_it_takes_a_stale_ones_place() {
    let folder = tempfile::tempdir().unwrap();
    let endpoint = in_folder(&folder, "plain");
    let Endpoint::Ipc(path) = &endpoint else { unreachable!() };
    let mode = || fs::symlink_metadata(path).unwrap().permissions().mode() & 0o7777;
    // As a killed program leaves it behind.
    drop(std::os::unix::net::UnixListener::bind(path).unwrap());
    assert_ne!(mode(), 0o600, "the mask is one of those that show a difference");
    let mut router = router(SocketOptions::default()).await;
    let security = Security::NullAs(KEY);
    assert_eq!(router.listen_too(&endpoint, security.clone(), 1).await.unwrap(), endpoint);
    assert_eq!(mode(), 0o600);
    let error = router.listen_too(&endpoint, security, 1).await.unwrap_err();
    assert!(matches!(error.fault, BindFault::PathInUse), "{error}");

    let mut dealer =
        Dealer::connect(std::slice::from_ref(&endpoint), Framing::Delimited, SocketOptions::default());
    soon(dealer.send(Message::single("oi"))).await.unwrap();
    let (peer, request) = soon(router.recv()).await.unwrap();
    router.send(peer, request).unwrap();
    assert_eq!(soon(dealer.recv()).await, Some(Message::single("oi")));
    router.close().await;
    assert!(!path.exists());
}
