//! Heartbeats over real connections; their timing is the codec's and tested there.

use std::time::Duration;

use recado_zmtp::{Framing, SocketOptions};

use super::raw_peer::{RawPeer, command, frame};
use super::{dealer, disconnected, message, router, soon};

fn lively() -> SocketOptions {
    SocketOptions {
        heartbeat_interval: Some(Duration::from_millis(10)),
        heartbeat_timeout: Duration::from_millis(990),
        ..Default::default()
    }
}

#[tokio::test]
async fn a_peer_that_answers_pings_lives_and_one_that_stops_does_not() {
    let mut router = router(lively()).await;
    let mut events = router.events();
    let mut peer = RawPeer::shaken(router.local_endpoint(), "DEALER", 1).await;
    let ping = command("PING", b"\0\x0A");
    for _ in 0..50 {
        assert_eq!(peer.take(ping.len()).await, ping);
        peer.send(&command("PONG", b"")).await;
    }
    peer.send(&frame(0, b"here")).await;
    assert_eq!(soon(router.recv()).await.unwrap().1, message(&["here"]));
    assert_eq!(disconnected(&mut events).await, "the peer is silent");
}

#[tokio::test]
async fn two_of_ours_keep_each_other_alive_while_nothing_is_said() {
    let mut router = router(lively()).await;
    let mut watched = RawPeer::shaken(router.local_endpoint(), "DEALER", 1).await;
    let mut dealer = dealer(&router, Framing::Raw);
    soon(dealer.send(message(&["before"]))).await.unwrap();
    soon(router.recv()).await.unwrap();
    // By the PINGs to another peer, more than twice the timeout passes.
    let ping = command("PING", b"\0\x0A");
    for _ in 0..250 {
        assert_eq!(watched.take(ping.len()).await, ping);
        watched.send(&command("PONG", b"")).await;
    }
    soon(dealer.send(message(&["after"]))).await.unwrap();
    let (peer, request) = soon(router.recv()).await.unwrap();
    router.send(peer, request).unwrap();
    assert_eq!(soon(dealer.recv()).await, Some(message(&["after"])));
    assert_eq!(router.stats().lost, 0);
}

#[tokio::test]
async fn pings_are_answered_with_their_context_whatever_the_version() {
    let router = router(SocketOptions::default()).await;
    for minor in [0, 1] {
        let mut peer = RawPeer::shaken(router.local_endpoint(), "DEALER", minor).await;
        for context in ["", "x", "0123456789abcdef"] {
            peer.send(&command("PING", format!("\0\0{context}").as_bytes())).await;
            let pong = command("PONG", context.as_bytes());
            assert_eq!(peer.take(pong.len()).await, pong);
        }
    }
}

#[tokio::test]
async fn a_peers_own_ttl_is_honoured() {
    let router = router(SocketOptions { heartbeat_interval: None, ..Default::default() }).await;
    let mut events = router.events();
    let mut peer = RawPeer::shaken(router.local_endpoint(), "DEALER", 0).await;
    peer.send(&command("PING", b"\0\x01")).await;
    assert_eq!(disconnected(&mut events).await, "the peer is silent");
    peer.take_to_end().await;
}
