//! What hostile or broken peers send: each case is refused as soon as it can be seen.

use bytes::BytesMut;

use recado_zmtp::codec::{
    Command, CommandError, FrameError, GreetingError, Handshake, HandshakeConfig, HandshakeError, Item,
    Mechanism, MessageLimits, MessageSplitter, MetadataError, Progress, SocketType,
};
use recado_zmtp::limits;

use super::bytes_of::{command, frame, greeting, long_header, property, ready};

/// The error that a ROUTER meets in a handshake of these bytes, and how few of them show it.
fn refused(bytes: &[u8]) -> (HandshakeError, usize) {
    for end in 0..=bytes.len() {
        let mut handshake = Handshake::new(HandshakeConfig::new(SocketType::Router));
        match handshake.input(&mut BytesMut::from(&bytes[..end])) {
            Ok(Progress::NeedMore) => {}
            Ok(progress) => panic!("{progress:?}"),
            Err(error) => return (error, end),
        }
    }
    panic!("not refused: {bytes:02x?}");
}

#[test]
fn greetings() {
    assert_eq!(refused(b"GET / HTTP/1.1\r\n"), (GreetingError::NotZmtp(b'G').into(), 1));
    assert_eq!(refused(&[0; 64]), (GreetingError::NotZmtp(0).into(), 1));
    // ZMTP 1.0: what looks like a signature is a long frame.
    assert_eq!(refused(b"\xFF\0\0\0\0\0\0\0\x01\x00"), (GreetingError::Unversioned.into(), 10));
    // ZMTP 2.0 sends its version, and then would not send 64 bytes.
    assert_eq!(refused(b"\xFF\0\0\0\0\0\0\0\x01\x7F\x01\x05\0\0"), (GreetingError::TooOld(1).into(), 11));
    let curve = [&greeting(1)[..12], b"CURVE", &[0; 47]].concat();
    let mismatch = HandshakeError::Mechanism { ours: Mechanism::Null, theirs: Mechanism::Curve };
    assert_eq!(refused(&curve), (mismatch, 64));
    for wrong in [&b"NULLX"[..], b"null", b"", b"NULL\0X", b"\0NULL"] {
        let mut bytes = greeting(1);
        bytes[12..32].fill(0);
        bytes[12..12 + wrong.len()].copy_from_slice(wrong);
        assert!(matches!(refused(&bytes).0, HandshakeError::Greeting(GreetingError::UnknownMechanism(_))));
    }
}

fn refused_after_greeting(bytes: &[u8]) -> HandshakeError {
    refused(&[&greeting(1), bytes].concat()).0
}

#[test]
fn metadata() {
    let socket_type = || property("Socket-Type", b"REQ");
    let identity = |value: &[u8]| property("Identity", value);
    for (properties, expect) in [
        (vec![], MetadataError::NoSocketType),
        (vec![identity(b"x")], MetadataError::NoSocketType),
        (vec![socket_type(), socket_type()], MetadataError::Twice("Socket-Type")),
        (vec![socket_type(), property("socket-type", b"REQ")], MetadataError::Twice("Socket-Type")),
        (vec![socket_type(), identity(b""), identity(b"")], MetadataError::Twice("Identity")),
        (vec![property("Socket-Type", b"STREAM")], MetadataError::UnknownSocketType("STREAM".into())),
        (vec![property("Socket-Type", b"")], MetadataError::UnknownSocketType(String::new())),
        (vec![property("", b"x")], MetadataError::EmptyName),
        (vec![socket_type(), identity(&[b'x'; 256])], MetadataError::IdentityTooLong(256)),
        (vec![socket_type(), identity(b"\0x")], MetadataError::IdentityReserved),
        (vec![b"\x0BSocket-Type\xFF\xFF\xFF\xFFREQ".to_vec()], MetadataError::CutShort),
        (vec![b"\x0BSocket-Type\0\0\0\x04REQ".to_vec()], MetadataError::CutShort),
        (vec![socket_type(), b"\x20x".to_vec()], MetadataError::CutShort),
        (vec![socket_type(), b"\x01x\0\0".to_vec()], MetadataError::CutShort),
        (vec![property("X", b""); 65], MetadataError::TooMany { max: limits::METADATA_PROPERTIES_MAX }),
    ] {
        let shown = format!("{properties:?}");
        assert_eq!(refused_after_greeting(&ready(&properties)), expect.into(), "{shown}");
    }
    let most = [vec![socket_type()], vec![property("X", b""); 63]].concat();
    let mut handshake = Handshake::new(HandshakeConfig::new(SocketType::Router));
    let bytes = [greeting(1), ready(&most)].concat();
    assert!(matches!(handshake.input(&mut BytesMut::from(&bytes[..])), Ok(Progress::Done(_))));
}

#[test]
fn commands_in_the_handshake() {
    assert_eq!(refused_after_greeting(&frame(0, b"oi")), HandshakeError::MessageTooSoon);
    assert_eq!(refused_after_greeting(&command("PING", b"\0\0")), HandshakeError::CommandTooSoon);
    assert_eq!(refused_after_greeting(&command("SUBSCRIBE", b"")), HandshakeError::CommandTooSoon);
    assert_eq!(refused_after_greeting(&command("HELLO", b"")), HandshakeError::CommandTooSoon);
    assert_eq!(refused_after_greeting(&command("INITIATE", &[0; 200])), HandshakeError::CommandTooSoon);
    assert_eq!(refused_after_greeting(&frame(4, b"")), CommandError::Empty.into());
    assert_eq!(refused_after_greeting(&frame(4, b"\x06READY")), CommandError::NameCutShort.into());
    assert_eq!(refused_after_greeting(&frame(5, b"\x05READY")), FrameError::CommandWithMore.into());
    let error = refused_after_greeting(&command("ERROR", b"\x05go\naw"));
    assert_eq!(error, HandshakeError::RefusedByPeer("go\\naw".into()));
}

#[test]
fn a_large_ready_is_refused_by_its_header() {
    let max = limits::HANDSHAKE_COMMAND_BYTES_MAX;
    for declared in [max as u64 + 1, 10_000_000, 1 << 47, i64::MAX as u64] {
        let (error, shown_by) = refused(&[greeting(1), long_header(6, declared)].concat());
        let expect = FrameError::CommandTooLarge { declared: usize::try_from(declared).unwrap(), max };
        assert_eq!((error, shown_by), (expect.into(), 64 + 9));
    }
    let (error, shown_by) = refused(&[greeting(1), long_header(6, u64::MAX)].concat());
    assert_eq!((error, shown_by), (FrameError::Length(u64::MAX).into(), 64 + 9));
}

/// The error that traffic of these bytes meets, and how few of them show it.
fn broken(bytes: &[u8]) -> (FrameError, usize) {
    for end in 0..=bytes.len() {
        let mut splitter = MessageSplitter::new(MessageLimits::default());
        loop {
            match splitter.next_item(&bytes[..end]) {
                Ok(Some(_)) => {}
                Ok(None) => break,
                Err(error) => return (error, end),
            }
        }
    }
    panic!("taken: {bytes:02x?}");
}

#[test]
fn lengths_are_refused_by_their_header() {
    let max = limits::MESSAGE_BYTES_MAX;
    for declared in [max as u64 + 1, 1 << 47, i64::MAX as u64] {
        assert_eq!(broken(&long_header(2, declared)), (FrameError::MessageTooLarge { max }, 9));
        assert_eq!(broken(&long_header(3, declared)), (FrameError::MessageTooLarge { max }, 9));
    }
    assert_eq!(broken(&long_header(2, u64::MAX)), (FrameError::Length(u64::MAX), 9));
    let max = limits::COMMAND_BYTES_MAX;
    let expect = FrameError::CommandTooLarge { declared: max + 1, max };
    assert_eq!(broken(&long_header(6, max as u64 + 1)), (expect, 9));
}

#[test]
fn frames_whose_sum_passes_the_limit_and_frames_without_end() {
    let max = limits::MESSAGE_BYTES_MAX;
    let half = [long_header(3, max as u64 / 2), vec![7; max / 2]].concat();
    let bytes = [half.clone(), half, frame(0, b"x")].concat();
    let mut splitter = MessageSplitter::new(MessageLimits::default());
    assert_eq!(splitter.next_item(&bytes), Err(FrameError::MessageTooLarge { max }));

    let max = limits::MESSAGE_FRAMES_MAX;
    assert_eq!(broken(&[1, 0].repeat(max + 1)), (FrameError::TooManyFrames { max }, max * 2 + 2));
    // Commands between the frames do not go on for ever either.
    let bytes = [&[1, 0], &[4, 2, 1, b'X'].repeat(max)[..]].concat();
    assert!(matches!(broken(&bytes).0, FrameError::TooManyFrames { .. }));
}

#[test]
fn commands() {
    for (body, expect) in [
        (&b""[..], CommandError::Empty),
        (b"\0", CommandError::Nameless),
        (b"\0PING", CommandError::Nameless),
        (b"\x05PING", CommandError::NameCutShort),
        (b"\xFFPING", CommandError::NameCutShort),
        (b"\x04PING", CommandError::PingCutShort),
        (b"\x04PING\0", CommandError::PingCutShort),
        (b"\x04PING\0\x0A0123456789abcdefg", CommandError::ContextTooLong(17)),
        (b"\x04PONG0123456789abcdefg", CommandError::ContextTooLong(17)),
        (b"\x05ERROR", CommandError::ReasonCutShort),
        (b"\x05ERROR\x03no", CommandError::ReasonCutShort),
    ] {
        assert_eq!(Command::decode(body), Err(expect), "{body:?}");
    }
    let ping = b"\x04PING\0\x0A0123456789abcdef";
    assert!(matches!(Command::decode(ping), Ok(Command::Ping { context: b"0123456789abcdef", .. })));
    // Names are told apart by case.
    assert_eq!(Command::decode(b"\x04ping\0\0"), Ok(Command::Unknown { name: b"ping" }));
}

#[test]
fn a_topic_of_any_length_is_just_bytes() {
    let topic = vec![b'x'; 10_000_000];
    let mut frame = BytesMut::new();
    Command::Subscribe(&topic).encode(&mut frame);
    let limits = MessageLimits { command_bytes_max: 20_000_000, ..MessageLimits::default() };
    let Ok(Some(Item::Command(body))) = MessageSplitter::new(limits).next_item(&frame) else {
        panic!("no command")
    };
    assert_eq!(Command::decode(&frame[body]), Ok(Command::Subscribe(&topic)));
}
