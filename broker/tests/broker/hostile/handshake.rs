//! What comes instead of a handshake, or never comes.

use std::time::Duration;

use recado_broker::Limits;
use tokio::io::AsyncWriteExt;

use super::{Side, Witnesses, closed, counted, pour, until};
use crate::raw::{Peer, broker, command, frame, greeting, limits, message, property, ready, subscription};

/// What is refused at a port that this socket type fits.
fn refused(fitting: &str) -> Vec<(&'static str, Vec<u8>)> {
    let good = greeting(1);
    let with = |changes: &[(usize, u8)]| {
        let mut bytes = good.clone();
        changes.iter().for_each(|(place, value)| bytes[*place] = *value);
        [&bytes[..], &ready(fitting)].concat()
    };
    let mechanism = |name: &[u8]| {
        let mut bytes = good.clone();
        bytes[12..32].fill(0);
        bytes[12..12 + name.len()].copy_from_slice(name);
        bytes
    };
    let after = |bytes: &[u8]| [&good[..], bytes].concat();
    let metadata = |data: &[u8]| after(&command("READY", data));
    let kind = property("Socket-Type", fitting.as_bytes());
    let with_kind = |more: &[u8]| metadata(&[&kind[..], more].concat());
    let value_of_length = |length: [u8; 4]| metadata(&[&b"\x0bSocket-Type"[..], &length, b"SUB"].concat());
    // A ZMTP 1.0 peer begins with its identity as a frame; a ZMTP 2.0 one with a signature, its revision, type and identity.
    let version_1 = [&b"\x01\x00"[..], b"\x06\x00topic"].concat();
    let version_1_long = b"\xff\x00\x00\x00\x00\x00\x00\x00\x01\x00".to_vec();
    let version_2 = [&b"\xff\0\0\0\0\0\0\0\x01\x7f\x01\x02"[..], b"\x00\x00"].concat();
    vec![
        ("HTTP", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n".to_vec()),
        ("TLS", b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03".to_vec()),
        ("the first byte is not FF", with(&[(0, 0)])),
        ("the first byte is FE", with(&[(0, 0xfe)])),
        ("bit 0 of byte 9 is clear", with(&[(9, 0x7e)])),
        ("byte 9 is 0", with(&[(9, 0)])),
        ("version 0", with(&[(10, 0)])),
        ("version 1", with(&[(10, 1)])),
        ("version 2", with(&[(10, 2)])),
        ("messages of ZMTP 1.0", version_1.repeat(100)),
        ("a long frame of ZMTP 1.0", version_1_long),
        ("a handshake of ZMTP 2.0", version_2),
        ("PLAIN", [&mechanism(b"PLAIN")[..], &command("HELLO", b"\x05admin\x06secret")].concat()),
        ("CURVE", [&mechanism(b"CURVE")[..], &command("HELLO", &[0; 194])].concat()),
        ("a mechanism that nobody knows", mechanism(b"NULL but longer")),
        ("a mechanism of 20 bytes", mechanism(&[b'x'; 20])),
        ("a mechanism of no bytes", mechanism(b"")),
        ("a message before READY", after(&frame(0, b"\x01topic"))),
        ("a publication before READY", after(&message(&[b"witness", b"early"]))),
        ("a subscription before READY", after(&subscription(1, true, "x"))),
        ("a PING before READY", after(&command("PING", b"\0\0"))),
        ("ERROR", after(&command("ERROR", b"\x02no"))),
        ("an ERROR whose reason is longer than its body", after(&command("ERROR", b"\xffno"))),
        ("a READY of a megabyte", metadata(&vec![b'x'; 1 << 20])),
        ("a READY that declares 2^47 bytes", after(&[&[6][..], &(1u64 << 47).to_be_bytes()].concat())),
        ("a READY with 10,000 properties", metadata(&property("X", b"y").repeat(10_000))),
        ("a READY with 300 properties", with_kind(&property("X", b"y").repeat(300))),
        ("INITIATE with megabytes", after(&command("INITIATE", &vec![0; 4 << 20]))),
        ("INITIATE of 256 bytes", after(&command("INITIATE", &[0; 256 - 9]))),
        ("INITIATE with good metadata", after(&command("INITIATE", &kind))),
        ("READYS", after(&command("READYS", &kind))),
        ("ready", after(&command("ready", &kind))),
        ("an empty command", after(&frame(4, b""))),
        ("a command without a name", after(&frame(4, b"\0READY"))),
        ("a name longer than its body", after(&frame(4, b"\x20READY"))),
        ("no metadata", metadata(b"")),
        ("no Socket-Type", metadata(&property("Identity", b"me"))),
        ("Socket-Type twice", with_kind(&kind)),
        ("Socket-Type twice, in two spellings", with_kind(&property("SOCKET-TYPE", fitting.as_bytes()))),
        ("an unknown Socket-Type", metadata(&property("Socket-Type", b"NOPE"))),
        ("a Socket-Type of no bytes", metadata(&property("Socket-Type", b""))),
        ("a Socket-Type of 4,000 bytes", metadata(&property("Socket-Type", &[b'S'; 4000]))),
        ("a value's length past the body", value_of_length([0, 0, 0, 9])),
        ("a value's length of FFFFFFFF", value_of_length([0xff; 4])),
        ("a value's length of 7FFFFFFF", value_of_length([0x7f, 0xff, 0xff, 0xff])),
        ("a value's length cut short", with_kind(b"\x01X\0\0")),
        ("a name's length past the body", with_kind(b"\xffX")),
        ("a name of length 0", with_kind(&[0, 0, 0, 0, 0])),
        ("an Identity of 256 bytes", with_kind(&property("Identity", &[b'i'; 256]))),
        ("an Identity that begins with 0", with_kind(&property("Identity", b"\0i"))),
        ("Identity twice", with_kind(&property("Identity", b"i").repeat(2))),
        ("reserved flags", after(&[0x14, 5, 0, 0, 0, 0, 0])),
        ("COMMAND with MORE", after(&frame(5, b"\x05READY"))),
        ("a length of FF x 8", after(&[&[6][..], &[0xff; 8]].concat())),
        ("a length of 7F and FF x 7", after(&[&[6, 0x7f][..], &[0xff; 7]].concat())),
    ]
}

#[tokio::test]
async fn what_is_no_handshake_is_refused() {
    let broker = broker(limits()).await;
    let mut witnesses = Witnesses::new(&broker).await;
    let mut count = 0;
    for side in Side::BOTH {
        for (what, bytes) in &refused(side.fitting()) {
            let mut stream = Peer::open(side.endpoint(&broker)).await;
            pour(&mut stream, bytes).await;
            closed(&mut stream, what).await;
            witnesses.go_on().await;
            count += 1;
            counted(&broker, &format!("{what} at the {side:?}' port"), |it| it.refused, count).await;
            let figures = broker.counters.figures();
            assert_eq!((figures.publishers, figures.subscribers), (1, 2), "{what}");
        }
    }
    assert_eq!(broker.counters.figures().closed_at_fault, 0);
    witnesses.end(broker).await;
}

#[tokio::test]
async fn socket_types_that_do_not_fit_are_refused() {
    let broker = broker(limits()).await;
    let mut witnesses = Witnesses::new(&broker).await;
    let all = ["PAIR", "PUB", "SUB", "REQ", "REP", "DEALER", "ROUTER", "PULL", "PUSH", "XPUB", "XSUB"];
    for (side, fit) in [(Side::Publishers, ["PUB", "XPUB"]), (Side::Subscribers, ["SUB", "XSUB"])] {
        for socket_type in all {
            let before = broker.counters.figures().refused;
            if fit.contains(&socket_type) {
                Peer::connect(side.endpoint(&broker), socket_type, 1).await.settle().await;
                continue;
            }
            let mut stream = Peer::open(side.endpoint(&broker)).await;
            pour(&mut stream, &[greeting(1), ready(socket_type)].concat()).await;
            closed(&mut stream, socket_type).await;
            witnesses.go_on().await;
            let what = format!("{socket_type} at the {side:?}' port");
            counted(&broker, &what, |it| it.refused, before + 1).await;
        }
    }
    witnesses.end(broker).await;
}

#[tokio::test]
async fn a_handshake_cut_at_any_length_is_forgotten() {
    let broker = broker(limits()).await;
    let mut witnesses = Witnesses::new(&broker).await;
    for side in Side::BOTH {
        let whole = [greeting(1), ready(side.fitting())].concat();
        for length in 0..whole.len() {
            let mut stream = Peer::open(side.endpoint(&broker)).await;
            pour(&mut stream, &whole[..length]).await;
            stream.shutdown().await.unwrap();
            closed(&mut stream, "a cut handshake").await;
            witnesses.go_on().await;
        }
    }
    let figures = broker.counters.figures();
    assert_eq!((figures.publishers, figures.subscribers), (1, 2));
    witnesses.end(broker).await;
}

#[tokio::test]
async fn silence_before_the_end_of_a_handshake_ends_with_its_time() {
    let limits = Limits { handshake_timeout: Duration::from_secs(1), ..limits() };
    let broker = broker(limits).await;
    let mut witnesses = Witnesses::new(&broker).await;
    let mut silent = Vec::new();
    for side in Side::BOTH {
        let whole = [greeting(1), ready(side.fitting())].concat();
        for length in [0, 1, 9, 10, 11, 12, 63, 64, 65, whole.len() - 1] {
            let mut stream = Peer::open(side.endpoint(&broker)).await;
            pour(&mut stream, &whole[..length]).await;
            silent.push(stream);
            witnesses.go_on().await;
        }
    }
    let count = silent.len() as u64;
    for mut stream in silent {
        closed(&mut stream, "a silent peer").await;
        witnesses.go_on().await;
    }
    counted(&broker, "silent peers", |it| it.refused, count).await;
    witnesses.end(broker).await;
}

/// The handshake's time is counted from its beginning, not from the last byte.
#[tokio::test]
async fn a_handshake_that_dribbles_ends_with_its_time() {
    let broker = broker(Limits { handshake_timeout: Duration::from_secs(1), ..limits() }).await;
    let mut witnesses = Witnesses::new(&broker).await;
    for side in Side::BOTH {
        let before = broker.counters.figures().refused;
        // So long that it never comes to its end at this pace.
        let filler = property("X", &[b'.'; 3_900]);
        let data = [property("Socket-Type", side.fitting().as_bytes()), filler].concat();
        let bytes = [greeting(1), command("READY", &data)].concat();
        let mut stream = Peer::open(side.endpoint(&broker)).await;
        for byte in &bytes {
            if broker.counters.figures().refused > before {
                break;
            }
            pour(&mut stream, &[*byte]).await;
            witnesses.go_on().await;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        closed(&mut stream, "a peer that dribbles").await;
        until(&broker, "the refusal", |figures| figures.refused == before + 1).await;
    }
    let figures = broker.counters.figures();
    assert_eq!((figures.publishers, figures.subscribers), (1, 2));
    witnesses.end(broker).await;
}

#[tokio::test]
async fn a_handshake_in_pieces_of_a_byte_succeeds() {
    let broker = broker(limits()).await;
    let mut witnesses = Witnesses::new(&broker).await;
    for side in Side::BOTH {
        let mut stream = Peer::open(side.endpoint(&broker)).await;
        for byte in [greeting(1), ready(side.fitting())].concat() {
            pour(&mut stream, &[byte]).await;
            witnesses.go_on().await;
        }
        until(&broker, "a connection", |it| it.publishers + it.subscribers == 4).await;
        drop(stream);
        until(&broker, "its end", |it| it.publishers + it.subscribers == 3).await;
    }
    assert_eq!(broker.counters.figures().refused, 0);
    witnesses.end(broker).await;
}

/// Nothing here goes by an identity: two peers with one are two peers.
#[tokio::test]
async fn an_identity_of_another_changes_nothing() {
    let broker = broker(limits()).await;
    let mut witnesses = Witnesses::new(&broker).await;
    let mut twins = Vec::new();
    for side in Side::BOTH {
        let data =
            [property("Socket-Type", side.fitting().as_bytes()), property("Identity", b"same")].concat();
        for _ in 0..2 {
            let mut stream = Peer::open(side.endpoint(&broker)).await;
            pour(&mut stream, &[greeting(1), command("READY", &data)].concat()).await;
            twins.push(stream);
            witnesses.go_on().await;
        }
    }
    until(&broker, "all of them", |it| (it.publishers, it.subscribers) == (3, 4)).await;
    for stream in &mut twins[2..] {
        pour(stream, &subscription(1, true, "twins")).await;
    }
    witnesses.know(2).await;
    until(&broker, "both subscriptions", |it| it.subscriptions == 4).await;
    for stream in &mut twins[..2] {
        pour(stream, &message(&[b"twins", b"hello"])).await;
    }
    for stream in twins.drain(2..) {
        let mut peer = Peer::established(stream, 1).await;
        for _ in 0..2 {
            peer.expect(&[b"twins", b"hello"]).await;
        }
    }
    drop(twins);
    witnesses.end(broker).await;
}
