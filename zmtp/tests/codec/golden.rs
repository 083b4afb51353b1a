//! Bytes that real peers put on the wire (libzmq 4.3.5, captured on loopback) and those of the RFCs' grammar.

use std::time::Duration;

use bytes::{Bytes, BytesMut};

use recado_zmtp::codec::{
    Command, FrameHeader, Greeting, Handshake, HandshakeConfig, Item, Mechanism, MessageLimits,
    MessageSplitter, Metadata, Peer, Progress, SocketType, Subscription, Version,
};

const V3_0: Version = Version { major: 3, minor: 0 };
const V3_1: Version = Version { major: 3, minor: 1 };

/// What libzmq sends first. The ninth byte is its identity's length and one, and means nothing.
const LIBZMQ_GREETING: [u8; 64] = *b"\xFF\0\0\0\0\0\0\0\x01\x7F\x03\x01NULL\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\
      \0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";

/// What libzmq sends when the handshake is half done, and who says so.
const LIBZMQ_READY: [(&[u8], SocketType, &[u8]); 7] = [
    (b"\x04\x26\x05READY\x0BSocket-Type\0\0\0\x03REQ\x08Identity\0\0\0\0", SocketType::Req, b""),
    (b"\x04\x29\x05READY\x0BSocket-Type\0\0\0\x06ROUTER\x08Identity\0\0\0\0", SocketType::Router, b""),
    (
        b"\x04\x2C\x05READY\x0BSocket-Type\0\0\0\x06DEALER\x08Identity\0\0\0\x03ana",
        SocketType::Dealer,
        b"ana",
    ),
    (b"\x04\x19\x05READY\x0BSocket-Type\0\0\0\x03PUB", SocketType::Pub, b""),
    (b"\x04\x19\x05READY\x0BSocket-Type\0\0\0\x03SUB", SocketType::Sub, b""),
    (b"\x04\x1A\x05READY\x0BSocket-Type\0\0\0\x04XPUB", SocketType::XPub, b""),
    (b"\x04\x1A\x05READY\x0BSocket-Type\0\0\0\x04XSUB", SocketType::XSub, b""),
];

/// Some type that fits each.
fn fitting(peer: SocketType) -> SocketType {
    SocketType::ALL.into_iter().find(|ours| ours.is_compatible(peer)).unwrap()
}

#[test]
fn our_greeting_is_libzmqs() {
    assert_eq!(Greeting::ours(Mechanism::Null, false).encode(), LIBZMQ_GREETING);
    let expect = Greeting { version: V3_1, mechanism: Mechanism::Null, as_server: false };
    assert_eq!(Greeting::decode(&LIBZMQ_GREETING), Ok(Some(expect)));
}

#[test]
fn each_ready_is_read_and_ours_is_the_same() {
    for (bytes, socket_type, identity) in LIBZMQ_READY {
        let mut handshake = Handshake::new(HandshakeConfig::new(fitting(socket_type)));
        let mut input = BytesMut::from(&[&LIBZMQ_GREETING[..], bytes].concat()[..]);
        let peer = Peer { socket_type, identity: Bytes::from_static(identity), version: V3_1, key: None };
        assert_eq!(handshake.input(&mut input), Ok(Progress::Done(peer)));
        assert!(input.is_empty());

        let metadata = Metadata { socket_type, identity: Bytes::from_static(identity) };
        let mut data = BytesMut::new();
        metadata.encode(&mut data);
        check_command(Command::Ready(&data), bytes);
    }
}

#[test]
fn commands() {
    check_command(Command::Subscribe(b"geral"), b"\x04\x0F\x09SUBSCRIBEgeral");
    check_command(Command::Cancel(b"geral"), b"\x04\x0C\x06CANCELgeral");
    check_command(Command::Subscribe(b""), b"\x04\x0A\x09SUBSCRIBE");
    check_command(Command::Ping { ttl: Duration::from_secs(1), context: b"" }, b"\x04\x07\x04PING\x00\x0A");
    check_command(Command::Ping { ttl: Duration::ZERO, context: b"abc" }, b"\x04\x0A\x04PING\x00\x00abc");
    check_command(Command::Pong { context: b"abc" }, b"\x04\x08\x04PONGabc");
    check_command(Command::Error(b"Invalid client"), b"\x04\x15\x05ERROR\x0EInvalid client");
    check_command(Command::Unknown { name: b"HELLO" }, b"\x04\x06\x05HELLO");
}

fn check_command(command: Command<'_>, bytes: &[u8]) {
    let mut frame = BytesMut::new();
    command.encode(&mut frame);
    assert_eq!(frame, bytes);
    let header = FrameHeader::decode(bytes).unwrap().unwrap();
    assert!(header.command);
    assert_eq!(header.frame_len(), Some(bytes.len()));
    assert_eq!(Command::decode(&bytes[header.header_len..]), Ok(command));
}

#[test]
fn a_command_of_more_than_255_bytes_has_a_long_header() {
    let topic = [b'x'; 250];
    let mut frame = BytesMut::new();
    Command::Subscribe(&topic).encode(&mut frame);
    assert_eq!(&frame[..19], b"\x06\0\0\0\0\0\0\x01\x04\x09SUBSCRIBE");
    assert_eq!(Command::decode(&frame[9..]), Ok(Command::Subscribe(&topic)));
}

#[test]
fn a_ttl_is_rounded_up_to_tenths_and_cut_to_two_bytes() {
    for (ttl, bytes) in [
        (Duration::from_millis(1), [0, 1]),
        (Duration::from_millis(100), [0, 1]),
        (Duration::from_millis(101), [0, 2]),
        (Duration::from_secs(15), [0, 150]),
        (Duration::from_secs(100_000), [0xFF, 0xFF]),
    ] {
        let mut frame = BytesMut::new();
        Command::Ping { ttl, context: b"" }.encode(&mut frame);
        assert_eq!(frame[7..], bytes, "{ttl:?}");
    }
}

#[test]
fn subscriptions_in_the_form_the_peer_knows() {
    for (subscription, v3_1, v3_0) in [
        (Subscription::Subscribe(b"geral"), &b"\x04\x0F\x09SUBSCRIBEgeral"[..], &b"\x00\x06\x01geral"[..]),
        (Subscription::Cancel(b"geral"), b"\x04\x0C\x06CANCELgeral", b"\x00\x06\x00geral"),
    ] {
        for (version, bytes) in [(V3_1, v3_1), (V3_0, v3_0), (Version { major: 4, minor: 0 }, v3_1)] {
            let mut frame = BytesMut::new();
            subscription.encode(version, &mut frame);
            assert_eq!(frame, bytes);
            let frame = recado_zmtp::codec::Frames::new(bytes).next().unwrap();
            assert_eq!(recado_zmtp::codec::subscription_of(&frame), Some(subscription));
        }
    }
}

#[test]
fn messages() {
    // A REQ's request behind its delimiter, and a publication whose body is 256 bytes.
    check_message(b"\x01\x00\x00\x02oi", &[b"", b"oi"]);
    let body = [b'x'; 256];
    let bytes = [&b"\x01\x05geral\x02\0\0\0\0\0\0\x01\0"[..], &body].concat();
    check_message(&bytes, &[b"geral", &body]);
}

fn check_message(bytes: &[u8], frames: &[&[u8]]) {
    let mut splitter = MessageSplitter::new(MessageLimits::default());
    for end in 0..bytes.len() {
        assert_eq!(splitter.next_item(&bytes[..end]), Ok(None), "the first {end} bytes");
    }
    let Ok(Some(Item::Message(span))) = splitter.next_item(bytes) else { panic!("no message") };
    assert_eq!(span.range, 0..bytes.len());
    assert_eq!(bytes[span.first], *frames[0]);
    assert_eq!(span.frames, frames.len());
    let bodies: Vec<_> = recado_zmtp::codec::Frames::new(bytes).map(|frame| frame.body).collect();
    assert_eq!(bodies, frames);
}
