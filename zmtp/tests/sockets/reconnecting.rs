//! Connections that end, and those that come after them.

use std::time::Duration;

use tokio::net::TcpListener;

use recado_zmtp::{Dealer, Framing, Message, Router, SocketEventKind, SocketOptions};

use super::raw_peer::{RawPeer, command, frame};
use super::{anywhere, disconnected, event, message, router, soon, subscriber};

#[tokio::test]
async fn a_dealer_finds_its_router_again() {
    let first = router(SocketOptions::default()).await;
    let endpoint = first.local_endpoint().clone();
    let mut dealer = Dealer::connect(std::slice::from_ref(&endpoint), Framing::Raw, SocketOptions::default());
    first.close().await;
    for generation in 0..3 {
        let mut router = Router::bind(&endpoint, SocketOptions::default()).await.unwrap();
        let text = format!("generation {generation}");
        soon(dealer.send(Message::single(text.clone()))).await.unwrap();
        let (peer, request) = soon(router.recv()).await.unwrap();
        assert_eq!(request, Message::single(text.clone()));
        router.send(peer, request).unwrap();
        assert_eq!(soon(dealer.recv()).await, Some(Message::single(text)));
        let mut events = dealer.events();
        router.close().await;
        disconnected(&mut events).await;
    }
}

#[tokio::test]
async fn what_an_ended_connection_had_not_begun_to_write_goes_out_on_the_next() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = anywhere().with_port(listener.local_addr().unwrap().port());
    let dealer = Dealer::connect(&[endpoint], Framing::Raw, SocketOptions::default());
    let mut peer = RawPeer::accept(&listener).await;
    peer.shake_hands("ROUTER", 1).await;
    // More than the kernel holds for a peer that does not read: the last ones wait in the queue.
    let large = |number: usize| Message::new(vec![number.to_string().into(), vec![0; 900_000].into()]);
    for number in 0..15 {
        soon(dealer.send(large(number))).await.unwrap();
    }
    let mut events = dealer.events();
    drop(peer);
    disconnected(&mut events).await;
    let mut peer = RawPeer::accept(&listener).await;
    peer.shake_hands("ROUTER", 1).await;
    let mut number =
        String::from_utf8(peer.take_message().await[0].clone()).unwrap().parse::<usize>().unwrap();
    assert!(number > 0, "the first was begun to be written on the first connection");
    while number < 14 {
        number += 1;
        assert_eq!(peer.take_message().await[0], number.to_string().as_bytes());
    }
}

#[tokio::test]
async fn every_new_connection_is_told_of_all_topics_subscribed_to_then() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = anywhere().with_port(listener.local_addr().unwrap().port());
    let subscriber = subscriber(&endpoint, &["a", "b"]);
    let mut peer = RawPeer::accept(&listener).await;
    peer.shake_hands("XPUB", 1).await;
    let both = [command("SUBSCRIBE", b"a"), command("SUBSCRIBE", b"b")].concat();
    assert_eq!(peer.take(both.len()).await, both);
    drop(peer);
    subscriber.unsubscribe(b"a");
    subscriber.subscribe("c");
    let mut peer = RawPeer::accept(&listener).await;
    peer.shake_hands("XPUB", 0).await;
    let both = [frame(0, b"\x01b"), frame(0, b"\x01c")].concat();
    assert_eq!(peer.take(both.len()).await, both);
}

#[tokio::test]
async fn a_publisher_that_reads_no_subscriptions_is_connected_to_anew() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = anywhere().with_port(listener.local_addr().unwrap().port());
    let subscriber = subscriber(&endpoint, &[]);
    let mut events = subscriber.events();
    let mut peer = RawPeer::accept(&listener).await;
    peer.shake_hands("PUB", 1).await;
    event(&mut events, |kind| matches!(kind, SocketEventKind::Connected { .. }).then_some(())).await;
    // Nothing runs between these: the queue fills.
    for number in 0..2000 {
        subscriber.subscribe(format!("{number:04}"));
    }
    assert_eq!(disconnected(&mut events).await, "the peer takes no subscriptions");
    let mut peer = RawPeer::accept(&listener).await;
    peer.shake_hands("PUB", 1).await;
    for number in 0..2000 {
        let (_, body) = peer.take_frame().await;
        assert_eq!(body, format!("\x09SUBSCRIBE{number:04}").as_bytes());
    }
}

#[tokio::test]
async fn an_endpoint_where_nobody_listens_is_tried_again_ever_more_seldom() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = anywhere().with_port(listener.local_addr().unwrap().port());
    drop(listener);
    let options = SocketOptions {
        reconnect_first: Duration::from_millis(2),
        reconnect_max: Duration::from_millis(16),
        ..Default::default()
    };
    let dealer = Dealer::connect(std::slice::from_ref(&endpoint), Framing::Raw, options);
    let mut events = dealer.events();
    for longest_ms in [2, 4, 8, 16, 16] {
        let retry_in = event(&mut events, |kind| match kind {
            SocketEventKind::ConnectFailed { error, retry_in, is_refusal: false } => {
                assert!(error.contains("refused"), "{error}");
                Some(retry_in)
            }
            _ => None,
        })
        .await;
        let longest = Duration::from_millis(longest_ms);
        assert!((longest / 2..=longest).contains(&retry_in), "{retry_in:?} of {longest:?}");
    }
    let mut router = Router::bind(&endpoint, SocketOptions::default()).await.unwrap();
    soon(dealer.send(message(&["at last"]))).await.unwrap();
    assert_eq!(soon(router.recv()).await.unwrap().1, message(&["at last"]));
}

#[tokio::test]
async fn why_connecting_fails_is_said() {
    let publishers = recado_zmtp::Publisher::bind(&anywhere(), SocketOptions::default()).await.unwrap();
    let wrong_type = publishers.local_endpoint().unwrap().to_string();
    for (endpoint, expect) in [
        ("tcp://*:5555", "for listening"),
        ("tcp://127.0.0.1:0", "for listening"),
        ("ipc:///nowhere/at/all", "No such file"),
        (&wrong_type, "a PUB socket does not fit this DEALER socket"),
    ] {
        let dealer = Dealer::connect(&[endpoint.parse().unwrap()], Framing::Raw, SocketOptions::default());
        let error = event(&mut dealer.events(), |kind| match kind {
            SocketEventKind::ConnectFailed { error, .. } => Some(error),
            _ => None,
        })
        .await;
        // Of two sides that do not fit, the one that notices first tells the other.
        assert!(error.contains(expect) || error.contains("Invalid socket type"), "{endpoint}: {error}");
    }
}
