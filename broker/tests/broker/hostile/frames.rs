//! After the handshake: frames, messages and commands that cannot be, never end, or mean nothing.

use recado_broker::Limits;

use super::{Side, Witnesses, closed, is_closed, pour, until};
use crate::raw::{broker, command, frame, limits, message, ready};

const MESSAGE_BYTES_MAX: usize = 16 << 20;

fn declared(flags: u8, length: u64) -> Vec<u8> {
    [&[flags][..], &length.to_be_bytes()].concat()
}

#[tokio::test]
async fn frames_that_cannot_be_end_the_connection_before_memory_is_taken() {
    let broker = broker(limits()).await;
    let mut witnesses = Witnesses::new(&broker).await;
    let max = MESSAGE_BYTES_MAX as u64;
    let mut cases = vec![
        ("a length of FF x 8", declared(2, u64::MAX)),
        ("a length of 7F and FF x 7", declared(2, u64::MAX >> 1)),
        ("a length of 2^63", declared(2, 1 << 63)),
        ("a length of 2^47", declared(2, 1 << 47)),
        ("a length of 2^32", declared(2, 1 << 32)),
        ("the limit and one", declared(2, max + 1)),
        ("a command of 2^47", declared(6, 1 << 47)),
        ("a command of FF x 8", declared(6, u64::MAX)),
        ("frames whose sum passes the limit", [frame(1, &[0; 1000]), declared(2, max - 999)].concat()),
        ("a first frame and 7F and FF x 7", [frame(1, b"t"), declared(2, u64::MAX >> 1)].concat()),
        ("many frames whose sum passes the limit", frame(1, &[0; 64 << 10]).repeat(300)),
        ("COMMAND with MORE", frame(5, b"\x04PING\0\0")),
        ("COMMAND with MORE, in the long form", declared(7, 7)),
        ("an empty command", frame(4, b"")),
        ("a command without a name", frame(4, b"\0")),
        ("a name longer than its body", frame(4, b"\xffPING")),
        ("a PING of no bytes", command("PING", b"")),
        ("a PING of one byte", command("PING", b"\0")),
        ("a PING with a context of 17 bytes", command("PING", &[0; 2 + 17])),
        ("a PING with a context of 200 bytes", command("PING", &[0; 2 + 200])),
        ("a PONG with a context of 17 bytes", command("PONG", &[0; 17])),
        ("an ERROR without a reason's length", command("ERROR", b"")),
        ("an ERROR whose reason is longer than its body", command("ERROR", b"\x09no")),
        ("a command of a megabyte", command("HELLO", &vec![0; 1 << 20])),
    ];
    for flags in [8, 0x10, 0x20, 0x40, 0x80, 0xff] {
        cases.push(("reserved flags", frame(flags, b"x")));
    }
    for side in Side::BOTH {
        for (what, bytes) in &cases {
            is_closed(&broker, &mut witnesses, side, what, bytes).await;
        }
    }
    until(&broker, "memory back", |figures| figures.inbound_bytes < 1 << 10).await;
    witnesses.end(broker).await;
}

#[tokio::test]
async fn a_body_that_dribbles_counts_for_what_has_come_and_holds_nobody_up() {
    let broker = broker(limits()).await;
    let mut witnesses = Witnesses::new(&broker).await;
    let mut slow = Vec::new();
    for (side, length) in [(Side::Publishers, MESSAGE_BYTES_MAX as u64), (Side::Subscribers, 4_000)] {
        for flags in [2, 3] {
            let mut peer = side.connect(&broker).await;
            peer.send(&declared(flags, length)).await;
            slow.push(peer);
        }
    }
    for turn in 1..100 {
        for peer in &mut slow {
            peer.send(b".").await;
        }
        witnesses.go_on().await;
        let inbound = broker.counters.figures().inbound_bytes;
        // The witnesses' own last message may have been cut.
        assert!(inbound < 4 * (9 + turn) + 1_000, "{inbound} bytes after {turn} of each");
    }
    drop(slow);
    until(&broker, "memory back", |figures| figures.inbound_bytes < 1_000).await;
    witnesses.end(broker).await;
}

#[tokio::test]
async fn frames_without_end_are_closed() {
    let broker = broker(limits()).await;
    let mut witnesses = Witnesses::new(&broker).await;
    for side in Side::BOTH {
        for frames in [frame(1, b""), frame(1, b"x"), [frame(1, b""), command("PING", b"\0\0")].concat()] {
            is_closed(&broker, &mut witnesses, side, "MORE without end", &frames.repeat(50_000)).await;
        }
    }
    witnesses.end(broker).await;
}

#[tokio::test]
async fn an_unfinished_message_is_forgotten_with_its_sender() {
    let broker = broker(limits()).await;
    let mut witnesses = Witnesses::new(&broker).await;
    for turn in 0..60 {
        let side = Side::BOTH[turn % 2];
        let (length, held) = if side == Side::Publishers { (1 << 20, 1 << 20) } else { (10_000, 10_000) };
        let mut peer = side.connect(&broker).await;
        peer.send(&[frame(1, b"witness"), frame(1, &vec![0; length])].concat()).await;
        peer.settle().await;
        assert!(broker.counters.figures().inbound_bytes > held);
        if turn % 3 == 0 {
            peer.stream.get_ref().set_zero_linger().unwrap();
        }
        drop(peer);
        witnesses.go_on().await;
        until(&broker, "memory back", |figures| figures.inbound_bytes < 1_000).await;
    }
    witnesses.end(broker).await;
}

#[tokio::test]
async fn unfinished_messages_together_are_bounded_and_whole_ones_pass() {
    let max = 4 << 20;
    let limits = Limits { inbound_bytes_max: max, message_bytes_max: 2 << 20, ..limits() };
    let broker = broker(limits).await;
    let mut witnesses = Witnesses::new(&broker).await;
    let mut subscriber = broker.subscriber(1, &["large"]).await;
    let mut honest = broker.publisher(1).await;
    let mut all = Vec::new();
    for number in 0..10 {
        let mut peer = Side::Publishers.connect(&broker).await;
        pour(peer.stream.get_mut(), &[frame(1, b"witness"), frame(1, &vec![0; 1 << 20])].concat()).await;
        all.push(peer);
        witnesses.go_on().await;
        honest.publish(&[b"large", &vec![number; 3 << 19]]).await;
        subscriber.expect(&[b"large", &vec![number; 3 << 19]]).await;
        // Who has to go is not gone at once.
        assert!(broker.counters.figures().inbound_bytes <= max as u64 + (2 << 20));
    }
    until(&broker, "the bound", |figures| figures.closed_at_fault >= 6).await;
    drop((all, honest, subscriber));
    witnesses.end(broker).await;
}

#[tokio::test]
async fn what_was_whole_before_a_fault_is_forwarded() {
    let broker = broker(limits()).await;
    let mut witnesses = Witnesses::new(&broker).await;
    let mut subscriber = broker.subscriber(1, &["last"]).await;
    for fault in [frame(8, b"x"), command("PING", b""), command("ERROR", b"\x00"), declared(2, u64::MAX)] {
        let mut peer = broker.publisher(1).await;
        let good = message(&[b"last words", b"whole"]);
        pour(peer.stream.get_mut(), &[&good[..], &fault, &good].concat()).await;
        subscriber.expect(&[b"last words", b"whole"]).await;
        closed(peer.stream.get_mut(), "the end").await;
        witnesses.go_on().await;
    }
    subscriber.expect_nothing().await;
    drop(subscriber);
    witnesses.end(broker).await;
}

#[tokio::test]
async fn an_error_ends_the_connection_and_is_nobodys_fault() {
    let broker = broker(limits()).await;
    let mut witnesses = Witnesses::new(&broker).await;
    for side in Side::BOTH {
        let mut peer = side.connect(&broker).await;
        peer.send(&command("ERROR", b"\x04why?")).await;
        closed(peer.stream.get_mut(), "an ERROR").await;
        witnesses.go_on().await;
    }
    assert_eq!(broker.counters.figures().closed_at_fault, 0);
    witnesses.end(broker).await;
}

/// A message within which a command stands is one message, and so is what stands around it.
#[tokio::test]
async fn commands_that_mean_nothing_are_ignored() {
    let broker = broker(limits()).await;
    let mut witnesses = Witnesses::new(&broker).await;
    let cases = [
        ("READY twice", ready("SUB")),
        ("READY with what is no metadata", command("READY", &[0xff; 100])),
        ("a command that nobody knows", command("X", b"yz")),
        ("a name of 250 bytes", command(&"N".repeat(250), b"")),
        ("a PONG that nobody asked for", command("PONG", b"x")),
        ("HELLO", command("HELLO", &[0; 194])),
        ("INITIATE", command("INITIATE", &[0; 300])),
        ("a topic in a language that nobody knows", command("SUBSCRIBE", &[0xff, 0, 0xfe])),
        ("its end", command("CANCEL", &[0xff, 0, 0xfe])),
    ];
    for side in Side::BOTH {
        let mut peer = side.connect(&broker).await;
        if side == Side::Publishers {
            assert_eq!(peer.told().await, "+witness");
        }
        for (what, bytes) in &cases {
            peer.send(bytes).await;
            peer.send(&[frame(1, b"no"), bytes.clone(), frame(0, b"topic")].concat()).await;
            peer.expect_nothing().await;
            witnesses.go_on().await;
            assert_eq!(broker.counters.figures().closed_at_fault, 0, "{what}");
        }
    }
    witnesses.end(broker).await;
}
