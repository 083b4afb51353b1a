//! Sockets whose connections are secured: keys, who is let in, and that nothing else differs.

use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use recado_zmtp::codec::{HandshakeConfig, HandshakeError, SocketType, Welcome};
use recado_zmtp::curve::{Asked, KeyPair, Security, ask_key};
use recado_zmtp::transport::{EstablishError, Listener, Stream, establish, establish_admitting};
use recado_zmtp::{
    Dealer, Endpoint, Framing, Message, PeerInfo, Publisher, SocketEventKind, SocketOptions, Subscriber,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::raw_peer::{RawPeer, frame, greeting};
use super::{TOO_LONG, anywhere, disconnected, event, message, router, soon, until};

fn server(keys: &KeyPair) -> SocketOptions {
    SocketOptions { security: Security::CurveServer(keys.clone()), ..Default::default() }
}

fn client(keys: &KeyPair, server: &KeyPair) -> SocketOptions {
    let security = Security::CurveClient { keys: keys.clone(), server: server.public() };
    SocketOptions { security, ..Default::default() }
}

fn config(socket_type: SocketType, options: &SocketOptions) -> HandshakeConfig {
    HandshakeConfig { security: options.security.clone(), ..HandshakeConfig::new(socket_type) }
}

/// Two streams with a secured connection between them, the server's first.
async fn pair() -> (Stream, Stream) {
    let (ours, theirs) = (KeyPair::generate(), KeyPair::generate());
    let listener = Listener::bind(&anywhere()).await.unwrap();
    let (accepted, connected) = tokio::join!(listener.accept(), Stream::connect(listener.local_endpoint()));
    let (server, client) = (server(&ours), client(&theirs, &ours));
    let (accepted, connected) = tokio::join!(
        establish(accepted.unwrap(), config(SocketType::XPub, &server), TOO_LONG),
        establish(connected.unwrap(), config(SocketType::Sub, &client), TOO_LONG),
    );
    let (accepted, connected) = (accepted.unwrap(), connected.unwrap());
    assert_eq!(accepted.peer.key, Some(theirs.public()));
    assert_eq!(connected.peer.key, Some(ours.public()));
    assert!(accepted.stream.is_secured() && connected.stream.is_secured());
    (accepted.stream, connected.stream)
}

#[tokio::test]
async fn requests_and_answers_of_every_size_pass_and_the_router_knows_whose_they_are() {
    let (ours, theirs) = (KeyPair::generate(), KeyPair::generate());
    let mut router = router(server(&ours)).await;
    let endpoints = [router.local_endpoint().clone()];
    let mut dealer = Dealer::connect(&endpoints, Framing::Delimited, client(&theirs, &ours));
    for size in [0, 1, 222, 223, 255, 256, 4_095, 70_000, 1_000_000] {
        let request = Message::new(vec![vec![7; size].into(), "end".into()]);
        soon(dealer.send(request.clone())).await.unwrap();
        let (peer, received) = soon(router.recv()).await.unwrap();
        assert_eq!(received.frames()[1..], request.frames()[..], "{size}");
        let info = router.peer(peer).unwrap();
        assert_eq!(info.key, Some(theirs.public()));
        router.send(peer, received).unwrap();
        assert_eq!(soon(dealer.recv()).await, Some(request));
    }
}

#[tokio::test]
async fn publications_reach_who_subscribed_whichever_side_listens() {
    for publisher_listens in [true, false] {
        let (ours, theirs) = (KeyPair::generate(), KeyPair::generate());
        let (publisher, mut subscriber);
        if publisher_listens {
            publisher = Publisher::bind(&anywhere(), server(&ours)).await.unwrap();
            let endpoint = publisher.local_endpoint().unwrap().clone();
            subscriber = Subscriber::connect(&[endpoint], client(&theirs, &ours));
        } else {
            subscriber = Subscriber::bind(&anywhere(), server(&ours)).await.unwrap();
            let endpoint = subscriber.local_endpoint().unwrap().clone();
            publisher = Publisher::connect(&[endpoint], client(&theirs, &ours));
        }
        subscriber.subscribe("geral");
        until(|| publisher.try_send(&message(&["geral", "0"])) > 0).await;
        for number in 1..500 {
            soon(publisher.send(message(&["outro", "x"]))).await.unwrap();
            soon(publisher.send(message(&["geral", &number.to_string()]))).await.unwrap();
        }
        for number in 0..500 {
            assert_eq!(soon(subscriber.recv()).await, Some(message(&["geral", &number.to_string()])));
        }
        soon(publisher.flush()).await;
    }
}

#[tokio::test]
async fn without_security_there_is_no_key() {
    let mut router = router(SocketOptions::default()).await;
    let dealer = super::dealer(&router, Framing::Raw);
    soon(dealer.send(Message::single("oi"))).await.unwrap();
    let (peer, _) = soon(router.recv()).await.unwrap();
    assert!(matches!(router.peer(peer), Some(PeerInfo { key: None, .. })));
}

#[tokio::test]
async fn a_router_ends_a_connection_at_once_even_if_the_peer_does_not_read() {
    let (ours, theirs) = (KeyPair::generate(), KeyPair::generate());
    let mut router = router(server(&ours)).await;
    let mut events = router.events();
    let stream = Stream::connect(router.local_endpoint()).await.unwrap();
    let peer = config(SocketType::Dealer, &client(&theirs, &ours));
    let mut stream = soon(establish(stream, peer, TOO_LONG)).await.unwrap().stream;
    stream.write_all(&frame(0, b"oi")).await.unwrap();
    let (peer, _) = soon(router.recv()).await.unwrap();
    while router.send(peer, Message::single(vec![0; 500_000])).is_ok() {
        tokio::task::yield_now().await;
    }
    router.disconnect(peer);
    assert_eq!(router.peer(peer), None);
    assert_eq!(disconnected(&mut events).await, "disconnected");
    let mut rest = Vec::new();
    let ended = soon(stream.read_to_end(&mut rest)).await;
    assert!(ended.is_ok() || ended.unwrap_err().kind() == std::io::ErrorKind::ConnectionReset);
    router.disconnect(peer);
}

/// Why a client of these options does not come to be connected, and what the server says of that.
async fn refused(server: SocketOptions, client: SocketOptions) -> (String, String) {
    let router = router(server).await;
    let mut router_events = router.events();
    let dealer = Dealer::connect(&[router.local_endpoint().clone()], Framing::Raw, client);
    let mut dealer_events = dealer.events();
    let failed = event(&mut dealer_events, |kind| match kind {
        SocketEventKind::ConnectFailed { error, .. } => Some(error),
        _ => None,
    });
    let refused = event(&mut router_events, |kind| match kind {
        SocketEventKind::Refused { reason } => Some(reason),
        _ => None,
    });
    tokio::join!(failed, refused)
}

#[tokio::test]
async fn who_knows_another_servers_key_or_none_is_refused() {
    let (ours, theirs, others) = (KeyPair::generate(), KeyPair::generate(), KeyPair::generate());
    let (failed, reason) = refused(server(&ours), client(&theirs, &others)).await;
    assert!(reason.contains("not sealed for this server's key"), "{reason}");
    assert_eq!(failed, "the peer closed the connection during the handshake");

    let (failed, reason) = refused(server(&ours), SocketOptions::default()).await;
    assert_eq!(failed, "the peer wants the security mechanism CURVE; this socket has NULL");
    assert_eq!(reason, "the peer wants the security mechanism NULL; this socket has CURVE");

    let (failed, _) = refused(SocketOptions::default(), client(&theirs, &ours)).await;
    assert_eq!(failed, "the peer wants the security mechanism NULL; this socket has CURVE");
}

#[tokio::test]
async fn a_plain_greeting_is_answered_with_the_key() {
    let keys = KeyPair::generate();
    let router = router(server(&keys)).await;
    let mut peer = RawPeer::connect(router.local_endpoint()).await;
    peer.send(&greeting(1)).await;
    let answer = peer.take_to_end().await;
    assert_eq!(&answer[..12], b"\xFF\0\0\0\0\0\0\0\x01\x7F\x03\x01");
    assert_eq!(&answer[12..33], b"CURVE\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01", "as a server");
    let reason = format!("CURVE; server key {}", keys.public());
    let body = [b"\x05ERROR", &[58][..], reason.as_bytes()].concat();
    assert_eq!(answer[64..], frame(4, &body));
}

#[tokio::test]
async fn a_listener_is_asked_how_it_takes_connections() {
    let keys = KeyPair::generate();
    let secured = router(server(&keys)).await;
    let asked = soon(ask_key(secured.local_endpoint(), TOO_LONG)).await.unwrap();
    assert_eq!(asked, Asked::Secured(keys.public()));
    let open = router(SocketOptions::default()).await;
    assert_eq!(soon(ask_key(open.local_endpoint(), TOO_LONG)).await.unwrap(), Asked::Open);
    let nobody = open.local_endpoint().clone();
    soon(open.close()).await;
    assert!(soon(ask_key(&nobody, TOO_LONG)).await.is_err());
    // Somebody listens and says nothing.
    let silent = Listener::bind(&anywhere()).await.unwrap();
    let error = ask_key(silent.local_endpoint(), Duration::from_millis(1)).await.unwrap_err();
    assert_eq!(error.to_string(), "no answer in time");
}

/// What a listener that answers so to any greeting is taken for.
async fn asked_of(answer: Vec<u8>) -> Asked {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint: Endpoint = format!("tcp://{}", listener.local_addr().unwrap()).parse().unwrap();
    let answering = tokio::spawn(async move {
        let mut peer = RawPeer::accept(&listener).await;
        peer.take(64).await;
        peer.send(&answer).await;
    });
    let asked = soon(ask_key(&endpoint, TOO_LONG)).await.unwrap();
    answering.await.unwrap();
    asked
}

#[tokio::test]
async fn what_does_not_tell_its_key_is_named_by_its_mechanism() {
    let greeting_of = |name: &[u8]| {
        let mut bytes = greeting(1).to_vec();
        bytes[12..32].fill(0);
        bytes[12..12 + name.len()].copy_from_slice(name);
        bytes
    };
    let curve = greeting_of(b"CURVE");
    assert_eq!(asked_of(greeting_of(b"GSSAPI")).await, Asked::Other("GSSAPI".to_owned()));
    for rest in
        [vec![], frame(0, b"oi"), frame(4, b"\x05ERROR\x02no"), frame(4, b"\x05ERROR"), vec![0xFF], vec![4]]
    {
        assert_eq!(asked_of([&curve[..], &rest].concat()).await, Asked::Other("CURVE".to_owned()));
    }
}

#[tokio::test]
async fn a_key_that_is_not_welcome_is_told_so_one_that_is_comes_in_and_one_too_many_is_closed() {
    let (ours, theirs) = (KeyPair::generate(), KeyPair::generate());
    let listener = Listener::bind(&anywhere()).await.unwrap();
    for welcome in [Welcome::No, Welcome::NotNow("too many".to_owned()), Welcome::Yes] {
        let (accepted, connected) =
            tokio::join!(listener.accept(), Stream::connect(listener.local_endpoint()));
        let (key, address) = (theirs.public(), connected.as_ref().unwrap().peer());
        let admits = async |proved, from: recado_zmtp::transport::PeerAddress| {
            assert_eq!(proved, key);
            assert_eq!(from.host(), address.host());
            welcome.clone()
        };
        let (accepted, connected) = tokio::join!(
            establish_admitting(
                accepted.unwrap(),
                config(SocketType::Router, &server(&ours)),
                TOO_LONG,
                admits
            ),
            establish(connected.unwrap(), config(SocketType::Dealer, &client(&theirs, &ours)), TOO_LONG),
        );
        let refused = match welcome {
            Welcome::Yes => {
                assert_eq!(accepted.unwrap().peer.key, Some(key));
                assert_eq!(connected.unwrap().peer.key, Some(ours.public()));
                continue;
            }
            Welcome::No => {
                let told = HandshakeError::KeyRefusedByPeer;
                assert!(matches!(connected, Err(EstablishError::Handshake(error)) if error == told));
                HandshakeError::NotAdmitted(key)
            }
            Welcome::NotNow(reason) => {
                assert!(matches!(connected, Err(EstablishError::NotNow)));
                HandshakeError::NotNow(reason)
            }
        };
        assert!(matches!(accepted, Err(EstablishError::Handshake(error)) if error == refused));
    }
}

#[tokio::test]
async fn what_is_written_in_any_pieces_is_read_in_any_pieces() {
    let (mut server, mut client) = pair().await;
    let frames = [frame(1, b"geral"), frame(0, &[7; 300]), frame(4, b"\x04PING\0\0"), frame(0, b"")].concat();
    for piece in [1, 2, 3, 9, 50, frames.len()] {
        for part in frames.chunks(piece) {
            server.write_all(part).await.unwrap();
        }
        let mut read = vec![0; frames.len()];
        for part in read.chunks_mut(piece) {
            soon(client.read_exact(part)).await.unwrap();
        }
        assert_eq!(read, frames, "{piece}");
    }
}

#[tokio::test]
async fn a_stream_that_moved_to_another_runtime_goes_on_where_it_was() {
    let (mut server, mut client) = pair().await;
    server.write_all(&[frame(0, b"um"), frame(0, b"dois")].concat()).await.unwrap();
    let mut first = [0; 3];
    soon(client.read_exact(&mut first)).await.unwrap();
    let mut client = client.detach().unwrap().attach().unwrap();
    soon(server.write_all(&frame(0, b"tres"))).await.unwrap();
    let mut rest = [0; 13];
    soon(client.read_exact(&mut rest)).await.unwrap();
    assert_eq!(&[&first[..], &rest].concat(), b"\x00\x02um\x00\x04dois\x00\x04tres");
    soon(client.write_all(&frame(0, b"oi"))).await.unwrap();
    let mut read = [0; 4];
    soon(server.read_exact(&mut read)).await.unwrap();
    assert_eq!(&read, b"\x00\x02oi");
}

/// What somebody between two peers does to the next bytes that the connecting one sends.
#[derive(Clone, Copy, PartialEq)]
enum Meddling {
    Nothing,
    Change,
    Repeat,
}

/// Stands between, and does it once.
async fn between(target: &Endpoint) -> (Endpoint, Arc<Mutex<Meddling>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("tcp://{}", listener.local_addr().unwrap()).parse().unwrap();
    let target = target.to_string().strip_prefix("tcp://").unwrap().to_owned();
    let meddling = Arc::new(Mutex::new(Meddling::Nothing));
    let next = Arc::clone(&meddling);
    tokio::spawn(async move {
        let (near, _) = listener.accept().await.unwrap();
        let (mut near_in, mut near_out) = near.into_split();
        let (mut far_in, mut far_out) = TcpStream::connect(target).await.unwrap().into_split();
        tokio::spawn(async move { tokio::io::copy(&mut far_in, &mut near_out).await });
        let mut buffer = vec![0; 65_536];
        while let Ok(count @ 1..) = near_in.read(&mut buffer).await {
            let mut bytes = buffer[..count].to_vec();
            match std::mem::replace(&mut *next.lock().unwrap(), Meddling::Nothing) {
                Meddling::Nothing => {}
                Meddling::Change => *bytes.last_mut().unwrap() ^= 1,
                Meddling::Repeat => bytes.extend_from_within(..),
            }
            if far_out.write_all(&bytes).await.is_err() {
                return;
            }
        }
    });
    (endpoint, meddling)
}

#[tokio::test]
async fn what_was_changed_or_repeated_on_its_way_ends_the_connection_as_a_violation() {
    for (meddling, expect, arrives) in [
        (Meddling::Change, "a sealed message that was changed on its way", 0),
        (Meddling::Repeat, "a sealed message was repeated or reordered", 1),
    ] {
        let (ours, theirs) = (KeyPair::generate(), KeyPair::generate());
        let mut router = router(server(&ours)).await;
        let mut events = router.events();
        let (endpoint, next) = between(router.local_endpoint()).await;
        let dealer = Dealer::connect(&[endpoint], Framing::Raw, client(&theirs, &ours));
        soon(dealer.send(Message::single("untouched"))).await.unwrap();
        assert_eq!(soon(router.recv()).await.unwrap().1, Message::single("untouched"));
        *next.lock().unwrap() = meddling;
        soon(dealer.send(Message::single("touched"))).await.unwrap();
        let reason = disconnected(&mut events).await;
        assert!(reason.starts_with("the peer broke the protocol: ") && reason.ends_with(expect), "{reason}");
        assert_eq!(router.stats().broken, 1);
        router.stop_receiving();
        let mut arrived = 0;
        while let Some((_, message)) = soon(router.recv()).await {
            assert_eq!(message, Message::single("touched"));
            arrived += 1;
        }
        assert_eq!(arrived, arrives);
    }
}

#[tokio::test]
async fn what_is_sealed_and_waits_is_not_written_yet_and_is_when_the_peer_reads_again() {
    let (ours, theirs) = (KeyPair::generate(), KeyPair::generate());
    // On a machine that has much else to do, PINGs would come among what is counted.
    let options = SocketOptions {
        publish_filter: false,
        send_queue_messages_max: 4,
        heartbeat_interval: None,
        ..server(&ours)
    };
    let publisher = Publisher::bind(&anywhere(), options).await.unwrap();
    let stream = Stream::connect(publisher.local_endpoint().unwrap()).await.unwrap();
    let peer = config(SocketType::Sub, &client(&theirs, &ours));
    let mut stream = soon(establish(stream, peer, TOO_LONG)).await.unwrap().stream;
    let message = Message::single(vec![7; 100_000]);
    until(|| publisher.try_send(&message) == 1).await;
    let mut sent = 1;
    // Until the kernel takes no more, and so the queue no more either.
    loop {
        sent += publisher.try_send(&message);
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        if publisher.stats().dropped > 0 {
            break;
        }
    }
    let mut flush = Box::pin(publisher.flush());
    for _ in 0..1_000 {
        tokio::task::yield_now().await;
        assert!(look(flush.as_mut()).is_pending());
    }
    let mut read = vec![0; sent * (9 + 100_000)];
    let (whole, ()) = tokio::join!(soon(stream.read_exact(&mut read)), soon(flush));
    whole.unwrap();
    assert_eq!(read.iter().filter(|byte| **byte == 7).count(), sent * 100_000);
}

fn look<T>(future: Pin<&mut impl Future<Output = T>>) -> Poll<T> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

#[tokio::test]
async fn closing_writes_what_is_queued_before_the_connection_ends() {
    let (ours, theirs) = (KeyPair::generate(), KeyPair::generate());
    let mut router = router(server(&ours)).await;
    let endpoints = [router.local_endpoint().clone()];
    let options = SocketOptions { linger: TOO_LONG, ..client(&theirs, &ours) };
    let dealer = Dealer::connect(&endpoints, Framing::Raw, options);
    for number in 0..20_u8 {
        soon(dealer.send(Message::single(vec![number; 300_000]))).await.unwrap();
    }
    let reading = async {
        for number in 0..20 {
            let (_, message) = soon(router.recv()).await.unwrap();
            assert_eq!(message, Message::single(vec![number; 300_000]));
        }
    };
    tokio::join!(soon(dealer.close()), reading);
}

#[tokio::test]
async fn heartbeats_are_sealed_too() {
    let (ours, theirs) = (KeyPair::generate(), KeyPair::generate());
    let quick = Some(Duration::from_millis(1));
    let router = router(SocketOptions { heartbeat_interval: quick, ..server(&ours) }).await;
    let stream = Stream::connect(router.local_endpoint()).await.unwrap();
    let peer = config(SocketType::Dealer, &client(&theirs, &ours));
    let mut stream = soon(establish(stream, peer, TOO_LONG)).await.unwrap().stream;
    let mut ping = [0; 9];
    soon(stream.read_exact(&mut ping)).await.unwrap();
    assert_eq!(ping[..7], *b"\x04\x07\x04PING");
    stream.write_all(&frame(4, b"\x04PING\0\0oi")).await.unwrap();
    let mut heard = Vec::new();
    while !heard.ends_with(b"\x04\x07\x04PONGoi") {
        assert!(soon(stream.read_buf(&mut heard)).await.unwrap() > 0);
    }
}

#[tokio::test]
async fn who_shakes_hands_by_halves_is_closed_in_time_and_others_come_in_meanwhile() {
    let (ours, theirs) = (KeyPair::generate(), KeyPair::generate());
    let options = SocketOptions { handshake_timeout: Duration::from_millis(200), ..server(&ours) };
    let mut router = router(options).await;
    let mut curve = greeting(1).to_vec();
    curve[12..17].copy_from_slice(b"CURVE");
    let mut halves = Vec::new();
    for _ in 0..10 {
        let mut peer = RawPeer::connect(router.local_endpoint()).await;
        peer.send(&curve).await;
        halves.push(peer);
    }
    let dealer = Dealer::connect(&[router.local_endpoint().clone()], Framing::Raw, client(&theirs, &ours));
    soon(dealer.send(Message::single("oi"))).await.unwrap();
    assert_eq!(soon(router.recv()).await.unwrap().1, Message::single("oi"));
    for mut peer in halves {
        assert_eq!(peer.take_to_end().await.len(), 64, "the greeting and no more");
    }
}
