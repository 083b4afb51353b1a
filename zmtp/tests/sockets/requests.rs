//! Requests and replies between sockets of other makes and ours, where libzmq's tests look: what stands around a request, who
//! waits for whom, and what is left of a peer that has gone.

use std::time::Duration;

use tokio::net::TcpListener;

use recado_zmtp::{Dealer, Framing, Message, Router, SendError, SocketOptions, Subscriber};

use super::raw_peer::{RawPeer, command, frame};
use super::{anywhere, dealer, disconnected, message, publisher, router, soon, until};

#[tokio::test]
async fn a_request_of_many_frames_has_one_delimiter_before_them_and_so_has_its_reply() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = anywhere().with_port(listener.local_addr().unwrap().port());
    let mut dealer = Dealer::connect(&[endpoint], Framing::Delimited, SocketOptions::default());
    let mut peer = RawPeer::accept(&listener).await;
    peer.shake_hands("REP", 0).await;
    soon(dealer.send(message(&["ABC", "", "DEF"]))).await.unwrap();
    let request = [frame(1, b""), frame(1, b"ABC"), frame(1, b""), frame(0, b"DEF")].concat();
    assert_eq!(peer.take(request.len()).await, request);
    peer.send(&[frame(1, b""), frame(1, b"GHI"), frame(0, b"")].concat()).await;
    assert_eq!(soon(dealer.recv()).await, Some(message(&["GHI", ""])));
}

/// A REQ that numbers its requests puts the number before the delimiter, and takes only the reply that has it there.
#[tokio::test]
async fn what_stands_before_the_delimiter_passes_both_ways_unchanged() {
    let mut router = router(SocketOptions::default()).await;
    let mut peer = RawPeer::shaken(router.local_endpoint(), "REQ", 0).await;
    for number in [b"\0\0\0\0", b"\0\0\0\x01", b"\xff\xfe\xfd\xfc"] {
        let request = [frame(1, number), frame(1, b""), frame(1, b"ABC"), frame(0, b"DEF")].concat();
        peer.send(&request).await;
        let (id, received) = soon(router.recv()).await.unwrap();
        assert_eq!(received.frames(), [&number[..], b"", b"ABC", b"DEF"]);
        router.send(id, received).unwrap();
        assert_eq!(peer.take(request.len()).await, request);
    }
}

/// Without a peer sending waits; what was given up is not sent later, and what was not is, in order.
#[tokio::test]
async fn requests_wait_until_somebody_listens() {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = anywhere().with_port(free.local_addr().unwrap().port());
    drop(free);
    let mut dealer =
        Dealer::connect(std::slice::from_ref(&endpoint), Framing::Delimited, SocketOptions::default());
    for _ in 0..10 {
        tokio::select! {
            biased;
            sent = dealer.send(message(&["given up"])) => panic!("sent to nobody: {sent:?}"),
            () = tokio::task::yield_now() => {}
        }
    }
    let mut router = Router::bind(&endpoint, SocketOptions::default()).await.unwrap();
    for number in 0..5 {
        soon(dealer.send(Message::single(number.to_string()))).await.unwrap();
    }
    for _ in 0..5 {
        let (peer, request) = soon(router.recv()).await.unwrap();
        router.send(peer, request).unwrap();
    }
    for number in 0..5 {
        assert_eq!(soon(dealer.recv()).await, Some(Message::single(number.to_string())));
    }
}

#[tokio::test]
async fn one_that_floods_does_not_keep_the_others_from_being_heard() {
    const FLOOD: usize = 200_000;
    let options = SocketOptions { receive_queue_messages_max: 100, ..Default::default() };
    let mut router = router(options).await;
    let mut flood = RawPeer::shaken(router.local_endpoint(), "DEALER", 1).await;
    let pouring = tokio::spawn(async move {
        flood.send(&frame(0, b"flood").repeat(FLOOD)).await;
        flood
    });
    assert_eq!(soon(router.recv()).await.unwrap().1, message(&["flood"]));
    let mut others = Vec::new();
    for number in 0..5 {
        let mut peer = RawPeer::shaken(router.local_endpoint(), "DEALER", 1).await;
        peer.send(&frame(0, number.to_string().as_bytes())).await;
        others.push(peer);
    }
    let (mut heard, mut of_the_flood) = (0, 1);
    while heard < others.len() {
        match soon(router.recv()).await.unwrap().1 {
            flooded if flooded == message(&["flood"]) => of_the_flood += 1,
            _ => heard += 1,
        }
    }
    assert!(of_the_flood < FLOOD, "all of the flood was taken first");
    while of_the_flood < FLOOD {
        assert_eq!(soon(router.recv()).await.unwrap().1, message(&["flood"]));
        of_the_flood += 1;
    }
    soon(pouring).await.unwrap();
}

#[tokio::test]
async fn what_waits_for_a_peer_that_leaves_never_reaches_its_successor() {
    let options = SocketOptions { heartbeat_interval: None, ..Default::default() };
    let mut router = router(options).await;
    let mut events = router.events();
    let mut first = RawPeer::shaken(router.local_endpoint(), "DEALER", 1).await;
    first.send(&frame(0, b"here")).await;
    let (id, _) = soon(router.recv()).await.unwrap();
    // More than the kernel holds for one that does not read.
    for _ in 0..15 {
        router.send(id, Message::single(vec![7; 900_000])).unwrap();
    }
    drop(first);
    disconnected(&mut events).await;
    assert!(router.stats().lost > 0);
    let mut second = RawPeer::shaken(router.local_endpoint(), "DEALER", 1).await;
    second.send(&frame(0, b"here")).await;
    let (successor, _) = soon(router.recv()).await.unwrap();
    assert_ne!(successor, id);
    assert_eq!(router.send(id, message(&["late"])), Err(SendError::Unreachable));
    router.send(successor, message(&["first"])).unwrap();
    let expected = frame(0, b"first");
    assert_eq!(second.take(expected.len()).await, expected);
}

/// The same name is no claim to another's replies: each is answered on the connection that asked, the old and the new one.
#[tokio::test]
async fn a_second_peer_of_the_same_name_takes_nothing_over() {
    let mut router = router(SocketOptions::default()).await;
    let options = SocketOptions { identity: "X".into(), ..Default::default() };
    let endpoint = [router.local_endpoint().clone()];
    let mut ids = Vec::new();
    let mut dealers = Vec::new();
    for _ in 0..2 {
        let dealer = Dealer::connect(&endpoint, Framing::Raw, options.clone());
        soon(dealer.send(message(&["hello"]))).await.unwrap();
        ids.push(soon(router.recv()).await.unwrap().0);
        dealers.push(dealer);
    }
    assert_ne!(ids[0], ids[1]);
    for (turn, place) in [1, 0, 1].into_iter().enumerate() {
        let text = turn.to_string();
        router.send(ids[place], Message::single(text.clone())).unwrap();
        assert_eq!(soon(dealers[place].recv()).await, Some(Message::single(text)));
    }
    for (place, dealer) in dealers.iter_mut().enumerate() {
        // Nothing of the other's came before this.
        router.send(ids[place], message(&["end"])).unwrap();
        assert_eq!(soon(dealer.recv()).await, Some(message(&["end"])));
    }
}

#[tokio::test]
async fn plain_peers_of_either_version_bounce_a_message() {
    let mut router = router(SocketOptions::default()).await;
    for minor in [0, 1] {
        for kind in ["DEALER", "REQ"] {
            let mut peer = RawPeer::shaken(router.local_endpoint(), kind, minor).await;
            let bytes = [frame(1, b""), frame(1, b"content"), frame(0, &[b'.'; 300])].concat();
            peer.send(&bytes).await;
            let (id, received) = soon(router.recv()).await.unwrap();
            router.send(id, received).unwrap();
            assert_eq!(peer.take(bytes.len()).await, bytes);
        }
    }
}

/// The oldest protocol has neither greeting nor security: what comes that way is never taken for a message.
#[tokio::test]
async fn what_comes_without_a_greeting_is_never_received() {
    let mut router = router(SocketOptions::default()).await;
    for bytes in [&b"\x01\x00\x08\x00sneaky\0"[..], b"\x01\x00", b"\x08\x00sneaky\0"] {
        let mut peer = RawPeer::connect(router.local_endpoint()).await;
        peer.try_send(bytes).await;
        peer.take_to_end().await;
    }
    until(|| router.stats().refused == 3).await;
    let dealer = dealer(&router, Framing::Raw);
    soon(dealer.send(message(&["the first"]))).await.unwrap();
    assert_eq!(soon(router.recv()).await.unwrap().1, message(&["the first"]));
}

/// Publishers and subscribers watch each other as routers and dealers do.
#[tokio::test]
async fn publications_are_watched_by_heartbeats_too() {
    let lively = || SocketOptions {
        heartbeat_interval: Some(Duration::from_millis(10)),
        heartbeat_timeout: Duration::from_millis(200),
        ..Default::default()
    };
    let (publisher, endpoint) = publisher(lively()).await;
    let mut events = publisher.events();
    let mut silent = RawPeer::shaken(&endpoint, "SUB", 1).await;
    assert_eq!(disconnected(&mut events).await, "the peer is silent");
    assert!(silent.take_to_end().await.starts_with(&command("PING", b"\0\x03")));

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = anywhere().with_port(listener.local_addr().unwrap().port());
    let watching = Subscriber::connect(&[endpoint], lively());
    let mut events = watching.events();
    for _ in 0..2 {
        let mut silent = RawPeer::accept(&listener).await;
        silent.shake_hands("PUB", 1).await;
        assert_eq!(disconnected(&mut events).await, "the peer is silent");
        silent.take_to_end().await;
    }
}

#[tokio::test]
async fn a_publisher_that_promises_to_speak_is_held_to_it() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = anywhere().with_port(listener.local_addr().unwrap().port());
    let options = SocketOptions { heartbeat_interval: None, ..Default::default() };
    let subscriber = Subscriber::connect(&[endpoint], options);
    let mut events = subscriber.events();
    let mut promising = RawPeer::accept(&listener).await;
    promising.shake_hands("PUB", 0).await;
    promising.send(&command("PING", b"\0\x01")).await;
    assert_eq!(disconnected(&mut events).await, "the peer is silent");
}
