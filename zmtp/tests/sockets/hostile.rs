//! What hostile peers do to a socket: their connection ends, nobody else notices.

use std::time::Duration;

use recado_zmtp::{Dealer, Framing, Message, Router, SocketEventKind, SocketOptions};

use super::raw_peer::{RawPeer, command, frame, greeting, ready};
use super::{dealer, disconnected, event, message, publisher, router, soon, until};

/// One request and its reply.
async fn served(router: &mut Router, dealer: &mut Dealer) {
    soon(dealer.send(message(&["still", "there"]))).await.unwrap();
    let (peer, request) = soon(router.recv()).await.unwrap();
    router.send(peer, request).unwrap();
    assert_eq!(soon(dealer.recv()).await, Some(message(&["still", "there"])));
}

#[tokio::test]
async fn bytes_that_are_no_handshake_are_refused() {
    let mut router = router(SocketOptions::default()).await;
    let mut good = dealer(&router, Framing::Raw);
    let after_greeting = |bytes: &[u8]| [&greeting(1), bytes].concat();
    let cases = [
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n".to_vec(),
        b"\xFF\0\0\0\0\0\0\0\x01\x00\x01\x02\x03".to_vec(),
        b"\xFF\0\0\0\0\0\0\0\x01\x7F\x01\x05\0\0".to_vec(),
        [&greeting(1)[..12], b"CURVE", &[0; 47]].concat(),
        after_greeting(&frame(0, b"data before READY")),
        after_greeting(&ready("SUB")),
        after_greeting(&ready("")),
        after_greeting(b"\x04\0"),
        after_greeting(b"\x06\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"),
        after_greeting(b"\x06\0\0\0\0\0\x98\x96\x80\x05READY"),
    ];
    for (count, bytes) in cases.iter().enumerate() {
        let mut peer = RawPeer::connect(router.local_endpoint()).await;
        peer.try_send(bytes).await;
        peer.take_to_end().await;
        until(|| router.stats().refused == count as u64 + 1).await;
        served(&mut router, &mut good).await;
    }
}

#[tokio::test]
async fn a_greeting_cut_anywhere_is_no_connection() {
    let mut router = router(SocketOptions::default()).await;
    let whole = [&greeting(1)[..], &ready("DEALER")].concat();
    for end in 0..whole.len() {
        let mut peer = RawPeer::connect(router.local_endpoint()).await;
        peer.send(&whole[..end]).await;
        drop(peer);
    }
    until(|| router.stats().refused == whole.len() as u64).await;
    let mut good = dealer(&router, Framing::Raw);
    served(&mut router, &mut good).await;
}

#[tokio::test]
async fn traffic_that_breaks_the_protocol_ends_its_connection_only() {
    let mut router = router(SocketOptions::default()).await;
    let mut good = dealer(&router, Framing::Raw);
    served(&mut router, &mut good).await;
    let mut events = router.events();
    for (bytes, reason) in [
        (b"\x02\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF".to_vec(), "a frame of"),
        (b"\x02\0\0\x80\0\0\0\0\0".to_vec(), "a message of more than"),
        (b"\x03\0\0\0\0\0\x10\0\x01".to_vec(), "a message of more than"),
        ([1, 0].repeat(100), "a message of more than 64 frames"),
        (b"\x08\0".to_vec(), "reserved flags"),
        (b"\x05\x01X".to_vec(), "with the MORE flag"),
        (b"\x04\0".to_vec(), "an empty command"),
        (b"\x04\x03\x09PI".to_vec(), "name is longer than its body"),
        (command("PING", b"\0"), "a PING without a TTL"),
        (command("PING", &[0; 19]), "context of 17 bytes"),
        (ready("DEALER"), "a second READY"),
        (command("ERROR", b"\x02no"), "an ERROR after the handshake: no"),
        (b"\x06\0\0\0\0\0\x10\0\0".to_vec(), "a command of 1048576 bytes"),
    ] {
        let broken = router.stats().broken;
        let mut peer = RawPeer::shaken(router.local_endpoint(), "DEALER", 1).await;
        peer.try_send(&bytes).await;
        let said = disconnected(&mut events).await;
        assert!(said.starts_with("the peer broke the protocol") && said.contains(reason), "{said}");
        assert_eq!(router.stats().broken, broken + 1);
        peer.take_to_end().await;
        served(&mut router, &mut good).await;
    }
}

#[tokio::test]
async fn what_means_nothing_is_passed_over() {
    let mut router = router(SocketOptions::default()).await;
    let mut peer = RawPeer::shaken(router.local_endpoint(), "DEALER", 1).await;
    let nothing = [
        command("HELLO", b"who are you"),
        command("SUBSCRIBE", b"topic"),
        command("CANCEL", b"topic"),
        command("PONG", b"unasked"),
        frame(0, b"after it all"),
    ];
    peer.send(&nothing.concat()).await;
    assert_eq!(soon(router.recv()).await.unwrap().1, message(&["after it all"]));

    let (publisher, endpoint) = publisher(SocketOptions::default()).await;
    let mut peer = RawPeer::shaken(&endpoint, "SUB", 1).await;
    // Floods of what is no subscription, and cancellations of what was never subscribed to.
    peer.send(&frame(0, b"hello").repeat(5000)).await;
    peer.send(&frame(0, b"\0unknown").repeat(5000)).await;
    peer.send(&command("SUBSCRIBE", b"t")).await;
    until(|| publisher.try_send(&message(&["t"])) > 0).await;
}

#[tokio::test]
async fn a_ping_between_the_frames_of_a_message_is_answered_and_not_part_of_it() {
    let mut router = router(SocketOptions::default()).await;
    let mut peer = RawPeer::shaken(router.local_endpoint(), "DEALER", 1).await;
    peer.send(&[frame(1, b"a"), command("PING", b"\0\0ctx"), frame(0, b"b")].concat()).await;
    assert_eq!(soon(router.recv()).await.unwrap().1, message(&["a", "b"]));
    let pong = command("PONG", b"ctx");
    assert_eq!(peer.take(pong.len()).await, pong);
}

#[tokio::test]
async fn silent_connections_are_closed_in_time() {
    let options = SocketOptions { handshake_timeout: Duration::from_millis(50), ..Default::default() };
    let router = router(options).await;
    let mut events = router.events();
    let mut silent = RawPeer::connect(router.local_endpoint()).await;
    let mut dribbling = RawPeer::connect(router.local_endpoint()).await;
    dribbling.send(&greeting(1)[..20]).await;
    for _ in 0..2 {
        let reason = event(&mut events, |kind| match kind {
            SocketEventKind::Refused { reason } => Some(reason),
            _ => None,
        });
        assert_eq!(reason.await, "the handshake took too long");
    }
    // Our greeting went out at once all the same.
    assert_eq!(silent.take_to_end().await, greeting(1));
    dribbling.take_to_end().await;
}

#[tokio::test]
async fn handshakes_of_one_address_wait_for_their_share() {
    // An eighth of 16 is two; the rest wait, and each silent one holds its place for as long as it may.
    let options = SocketOptions {
        handshakes_max: 16,
        handshake_timeout: Duration::from_millis(300),
        ..Default::default()
    };
    let mut router = router(options).await;
    let mut good = dealer(&router, Framing::Raw);
    served(&mut router, &mut good).await;
    let mut silent = Vec::new();
    for _ in 0..10 {
        silent.push(RawPeer::connect(router.local_endpoint()).await);
    }
    served(&mut router, &mut good).await;
    let mut late = dealer(&router, Framing::Raw);
    served(&mut router, &mut late).await;
    until(|| router.stats().refused >= 10).await;
    for peer in &mut silent {
        peer.take_to_end().await;
    }
}

#[tokio::test]
async fn a_burst_of_well_behaved_peers_is_let_in_whole() {
    let mut router = router(SocketOptions::default()).await;
    let mut dealers: Vec<_> = (0..200).map(|_| dealer(&router, Framing::Raw)).collect();
    for dealer in &mut dealers {
        served(&mut router, dealer).await;
    }
    assert_eq!((router.stats().connections, router.stats().refused), (200, 0));
}

#[tokio::test]
async fn connections_over_the_limit_are_closed() {
    let options = SocketOptions { connections_max: 2, ..Default::default() };
    let mut router = router(options).await;
    let mut good = dealer(&router, Framing::Raw);
    served(&mut router, &mut good).await;
    let second = RawPeer::shaken(router.local_endpoint(), "DEALER", 1).await;
    let mut events = router.events();
    let mut third = RawPeer::connect(router.local_endpoint()).await;
    assert_eq!(third.take_to_end().await, b"");
    drop(second);
    disconnected(&mut events).await;
    let _fourth = RawPeer::shaken(router.local_endpoint(), "DEALER", 1).await;
    served(&mut router, &mut good).await;
}

#[tokio::test]
async fn a_body_that_dribbles_harms_nobody_and_arrives() {
    let mut router = router(SocketOptions::default()).await;
    let mut good = dealer(&router, Framing::Raw);
    let mut slow = RawPeer::shaken(router.local_endpoint(), "DEALER", 1).await;
    for byte in frame(0, &[b'x'; 300]) {
        slow.send(&[byte]).await;
    }
    assert_eq!(soon(router.recv()).await.unwrap().1, Message::single(vec![b'x'; 300]));
    slow.send(&frame(1, b"never finished")).await;
    served(&mut router, &mut good).await;
}

#[tokio::test]
async fn messages_never_finished_leave_nothing_behind() {
    let mut router = router(SocketOptions::default()).await;
    for _ in 0..50 {
        let mut peer = RawPeer::shaken(router.local_endpoint(), "DEALER", 1).await;
        peer.send(&[frame(1, b"a"), frame(1, &[b'b'; 1000]), b"\x02\0\0\0\0\0\x0F\0\0".to_vec()].concat())
            .await;
    }
    until(|| router.stats().connections == 0).await;
    let mut good = dealer(&router, Framing::Raw);
    served(&mut router, &mut good).await;
}

#[tokio::test]
async fn pings_whose_answers_are_not_read_end_the_connection() {
    let mut router = router(SocketOptions::default()).await;
    let mut events = router.events();
    let mut peer = RawPeer::shaken(router.local_endpoint(), "DEALER", 1).await;
    let pings = command("PING", b"\0\0").repeat(100_000);
    let flood = async { while peer.try_send(&pings).await {} };
    let (reason, ()) = tokio::join!(disconnected(&mut events), flood);
    assert!(reason.contains("PINGs without end"), "{reason}");
    let mut good = dealer(&router, Framing::Raw);
    served(&mut router, &mut good).await;
}
