//! Input that must do no harm: each case against a running broker with others at work beside it, who lose nothing.

use std::time::Duration;

use recado_broker::Limits;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::raw::{
    Peer, Running, broker, command, frame, greeting, limits, message, property, ready, subscription, within,
};

/// A publisher and a subscriber that expect every message to arrive.
struct Witnesses {
    publisher: Peer,
    subscriber: Peer,
    sent: u32,
}

impl Witnesses {
    async fn new(broker: &Running) -> Witnesses {
        let mut publisher = broker.publisher(1).await;
        let subscriber = broker.subscriber(1, &["witness"]).await;
        assert_eq!(publisher.told().await, "+witness");
        Witnesses { publisher, subscriber, sent: 0 }
    }

    async fn check(&mut self) {
        self.sent += 1;
        let number = self.sent.to_be_bytes();
        self.publisher.publish(&[b"witness", &number]).await;
        self.subscriber.expect(&[b"witness", &number]).await;
    }
}

/// Sends what it may: the broker may close at any time.
async fn pour(stream: &mut TcpStream, bytes: &[u8]) {
    let _ = within("room to write", stream.write_all(bytes)).await;
}

async fn closed(stream: &mut TcpStream, what: &str) {
    let mut buffer = [0; 4096];
    while !matches!(within(what, stream.read(&mut buffer)).await, Ok(0) | Err(_)) {}
}

#[tokio::test]
async fn bytes_that_are_no_handshake_are_closed() {
    let broker = broker(limits()).await;
    let mut witnesses = Witnesses::new(&broker).await;
    let good = greeting(1);
    let with = |place: usize, value: u8| {
        let mut bytes = good.clone();
        bytes[place] = value;
        bytes
    };
    let metadata = |data: &[u8]| [&good[..], &command("READY", data)].concat();
    let kind = property("Socket-Type", b"SUB");
    let length_past_the_end = [&b"\x0bSocket-Type"[..], &[0, 0, 0, 9], b"SUB"].concat();
    let length_ffff = [&b"\x0bSocket-Type"[..], &[0xff; 4], b"SUB"].concat();
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("HTTP", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n".to_vec()),
        ("first byte not FF", with(0, 0)),
        ("an unversioned peer", with(9, 0x7e)),
        ("version 2", with(10, 2)),
        ("another mechanism", with(12, b'P')),
        ("a message before READY", [&good[..], &frame(0, b"\x01topic")].concat()),
        ("a READY of a megabyte", metadata(&vec![b'x'; 1 << 20])),
        ("INITIATE with megabytes", [&good[..], &command("INITIATE", &vec![0; 4 << 20])].concat()),
        ("a small INITIATE", [&good[..], &command("INITIATE", &[0; 100])].concat()),
        ("a command before READY", [&good[..], &subscription(1, true, "x")].concat()),
        ("ERROR", [&good[..], &command("ERROR", b"\x02no")].concat()),
        ("an empty command", [&good[..], &frame(4, b"")].concat()),
        ("a name longer than its body", [&good[..], &frame(4, b"\x20READY")].concat()),
        ("no Socket-Type", metadata(&property("Identity", b"me"))),
        ("Socket-Type twice", metadata(&[&kind[..], &kind].concat())),
        ("an unknown Socket-Type", metadata(&property("Socket-Type", b"NOPE"))),
        ("one that does not fit", metadata(&property("Socket-Type", b"REQ"))),
        ("a value's length past the body", metadata(&length_past_the_end)),
        ("a value's length of FFFFFFFF", metadata(&length_ffff)),
        ("a property's name of length 0", metadata(&[&kind[..], &[0, 0, 0, 0, 0]].concat())),
        ("an identity of 256 bytes", metadata(&[&kind[..], &property("Identity", &[b'i'; 256])].concat())),
        ("an identity that begins with 0", metadata(&[&kind[..], &property("Identity", b"\0i")].concat())),
        ("reserved flags", [&good[..], &[0x14, 5, 0, 0, 0, 0, 0]].concat()),
        ("COMMAND with MORE", [&good[..], &frame(5, b"\x05READY")].concat()),
        ("a length of FF x 8", [&good[..], &[6], &[0xff; 8]].concat()),
    ];
    for endpoint in [&broker.subscribers, &broker.publishers] {
        for (what, bytes) in &cases {
            // What does not fit one side fits neither but SUB, which the other cases use.
            let mut stream = Peer::open(endpoint).await;
            pour(&mut stream, bytes).await;
            closed(&mut stream, what).await;
            witnesses.check().await;
        }
    }
    assert_eq!(broker.counters.figures().refused, 2 * cases.len() as u64);
    broker.end().await;
}

#[tokio::test]
async fn a_greeting_cut_at_any_length_and_a_silent_peer_cost_nothing() {
    let broker = broker(Limits { handshake_timeout: Duration::from_millis(500), ..limits() }).await;
    let mut witnesses = Witnesses::new(&broker).await;
    let whole = [greeting(1), ready("SUB")].concat();
    for length in 0..whole.len() {
        let mut stream = Peer::open(&broker.subscribers).await;
        pour(&mut stream, &whole[..length]).await;
        stream.shutdown().await.unwrap();
        closed(&mut stream, "a cut greeting").await;
        witnesses.check().await;
    }
    let mut silent = Vec::new();
    for length in [0, 1, 10, 11, 63, 64, whole.len() - 1] {
        let mut stream = Peer::open(&broker.subscribers).await;
        pour(&mut stream, &whole[..length]).await;
        silent.push(stream);
    }
    for mut stream in silent {
        witnesses.check().await;
        closed(&mut stream, "a silent peer").await;
    }
    broker.end().await;
}

/// A connection past its handshake that sends these bytes is closed.
async fn is_closed(broker: &Running, witnesses: &mut Witnesses, publishes: bool, what: &str, bytes: &[u8]) {
    let before = broker.counters.figures().closed_at_fault;
    let (endpoint, kind) = if publishes { (&broker.publishers, "PUB") } else { (&broker.subscribers, "SUB") };
    let mut peer = Peer::connect(endpoint, kind, 1).await;
    pour(peer.stream.get_mut(), bytes).await;
    closed(peer.stream.get_mut(), what).await;
    witnesses.check().await;
    assert_eq!(broker.counters.figures().closed_at_fault, before + 1, "{what}");
}

#[tokio::test]
async fn frames_that_cannot_be_are_closed_before_memory_is_taken() {
    let broker = broker(limits()).await;
    let mut witnesses = Witnesses::new(&broker).await;
    let declared = |flags: u8, length: u64| [&[flags][..], &length.to_be_bytes()].concat();
    let cases = [
        ("a length of FF x 8", declared(2, u64::MAX)),
        ("a length of 7F and FF x 7", declared(2, u64::MAX >> 1)),
        ("a length of 2^47", declared(2, 1 << 47)),
        ("the limit and one", declared(2, (16 << 20) + 1)),
        ("frames whose sum passes the limit", [frame(1, &[0; 1000]), declared(2, (16 << 20) - 999)].concat()),
        ("reserved flags", frame(8, b"x")),
        ("COMMAND with MORE", frame(5, b"\x04PING\0\0")),
        ("an empty command", frame(4, b"")),
        ("a command without a name", frame(4, b"\0")),
        ("a name longer than its body", frame(4, b"\xffPING")),
        ("a PING without a TTL", command("PING", b"")),
        ("a PING with half a TTL", command("PING", b"\0")),
        ("a PING with a long context", command("PING", &[0; 2 + 17])),
        ("a command of a megabyte", command("HELLO", &vec![0; 1 << 20])),
    ];
    for publishes in [false, true] {
        for (what, bytes) in &cases {
            is_closed(&broker, &mut witnesses, publishes, what, bytes).await;
        }
    }
    assert_eq!(broker.counters.figures().inbound_bytes, 0);
    broker.end().await;
}

#[tokio::test]
async fn what_was_whole_before_a_fault_is_forwarded() {
    let broker = broker(limits()).await;
    let mut witnesses = Witnesses::new(&broker).await;
    let faults = [frame(8, b"x"), command("PING", b""), command("ERROR", b"\x00")];
    for fault in &faults {
        let mut peer = broker.publisher(1).await;
        let good = message(&[b"witness", b"last words"]);
        pour(peer.stream.get_mut(), &[&good[..], fault, &good].concat()).await;
        witnesses.subscriber.expect(&[b"witness", b"last words"]).await;
        closed(peer.stream.get_mut(), "the end").await;
        witnesses.check().await;
    }
    broker.end().await;
}

#[tokio::test]
async fn frames_without_end_are_closed() {
    let broker = broker(limits()).await;
    let mut witnesses = Witnesses::new(&broker).await;
    for publishes in [true, false] {
        let more = frame(1, b"").repeat(100_000);
        is_closed(&broker, &mut witnesses, publishes, "MORE without end", &more).await;
    }
    broker.end().await;
}

#[tokio::test]
async fn an_unfinished_message_is_forgotten_with_its_sender() {
    let broker = broker(limits()).await;
    let mut witnesses = Witnesses::new(&broker).await;
    for _ in 0..20 {
        let mut peer = broker.publisher(1).await;
        peer.send(&[frame(1, b"witness"), frame(1, &vec![0; 1 << 20])].concat()).await;
        peer.settle().await;
        assert!(broker.counters.figures().inbound_bytes > 1 << 20);
        drop(peer);
        witnesses.check().await;
    }
    within("memory back", async {
        while broker.counters.figures().inbound_bytes > 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    broker.end().await;
}

#[tokio::test]
async fn unfinished_messages_together_are_bounded() {
    let broker = broker(Limits { inbound_bytes_max: 4 << 20, ..limits() }).await;
    let mut witnesses = Witnesses::new(&broker).await;
    let mut all = Vec::new();
    for _ in 0..10 {
        let mut peer = broker.publisher(1).await;
        pour(peer.stream.get_mut(), &[frame(1, b"witness"), frame(1, &vec![0; 1 << 20])].concat()).await;
        all.push(peer);
        witnesses.check().await;
    }
    within("the bound", async {
        while broker.counters.figures().closed_at_fault < 7 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert!(broker.counters.figures().inbound_bytes <= 4 << 20);
    broker.end().await;
}

#[tokio::test]
async fn topics_that_are_too_long_end_the_connection_whatever_their_form() {
    let broker = broker(limits()).await;
    let mut witnesses = Witnesses::new(&broker).await;
    for length in [4097, 100_000, 10 << 20] {
        let topic = "x".repeat(length);
        for minor in [0, 1] {
            let bytes = subscription(minor, true, &topic);
            is_closed(&broker, &mut witnesses, false, "a long topic", &bytes).await;
        }
    }
    let longest = "x".repeat(4096);
    for minor in [0, 1] {
        let mut peer = broker.subscriber(minor, &[&longest]).await;
        assert_eq!(witnesses.publisher.told().await, format!("+{longest}"));
        peer.cancel(&longest).await;
        assert_eq!(witnesses.publisher.told().await, format!("-{longest}"));
    }
    assert_eq!(broker.counters.figures().topics, 1);
    broker.end().await;
}

#[tokio::test]
async fn long_topics_can_be_allowed() {
    let broker = broker(Limits { topic_bytes_max: 1 << 20, ..limits() }).await;
    let mut witnesses = Witnesses::new(&broker).await;
    let longest = "x".repeat(1 << 20);
    for minor in [0, 1] {
        let peer = broker.subscriber(minor, &[&longest]).await;
        assert_eq!(witnesses.publisher.told().await.len(), longest.len() + 1);
        drop(peer);
        assert!(witnesses.publisher.told().await.starts_with('-'));
    }
    broker.end().await;
}

#[tokio::test]
async fn topics_without_number_end_the_connection_and_leave_nothing() {
    let broker = broker(Limits { subscriptions_max: 20_000, ..limits() }).await;
    let mut witnesses = Witnesses::new(&broker).await;
    let flood: Vec<u8> =
        (0..20_001).flat_map(|number| subscription(1, true, &format!("flood {number}"))).collect();
    is_closed(&broker, &mut witnesses, false, "topics without number", &flood).await;
    within("all forgotten", async {
        while broker.counters.figures().topics > 1 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    broker.end().await;
}

#[tokio::test]
async fn floods_that_mean_nothing_are_ignored() {
    let broker = broker(limits()).await;
    let mut witnesses = Witnesses::new(&broker).await;
    let mut peer = Peer::connect(&broker.subscribers, "SUB", 1).await;
    let floods = [
        (
            "cancels of what is not there",
            (0..20_000).flat_map(|n| subscription(1, false, &format!("{n}"))).collect(),
        ),
        ("messages that are no subscription", message(&[b"hello", b"there"]).repeat(20_000)),
        ("unknown commands", command("X", b"yz").repeat(20_000)),
        ("READY again", ready("SUB").repeat(1000)),
        ("PONGs that nobody asked for", command("PONG", b"x").repeat(20_000)),
        (
            "subscribing and cancelling",
            [subscription(1, true, "x"), subscription(1, false, "x")].concat().repeat(10_000),
        ),
        ("PINGs by one who does not read", command("PING", b"\0\0 context").repeat(500_000)),
    ];
    for (what, flood) in &floods {
        let flood: &Vec<u8> = flood;
        for piece in flood.chunks(flood.len() / 8) {
            within(what, peer.stream.write_all(piece)).await.unwrap();
            witnesses.check().await;
        }
    }
    assert!(broker.counters.figures().queued_bytes < 1 << 20);
    broker.end().await;
}

#[tokio::test]
async fn peers_that_reset_at_any_moment_hurt_nobody() {
    let broker = broker(limits()).await;
    let mut witnesses = Witnesses::new(&broker).await;
    for number in 0..100 {
        let subscribes = number % 2 == 0;
        let mut peer = match subscribes {
            true => broker.subscriber(1, &["witness", ""]).await,
            false => broker.publisher(1).await,
        };
        if subscribes {
            assert_eq!(witnesses.publisher.told().await, "+");
        }
        pour(peer.stream.get_mut(), &frame(1, b"witness")).await;
        peer.stream.get_ref().set_zero_linger().unwrap();
        drop(peer);
        witnesses.check().await;
        if subscribes {
            assert_eq!(witnesses.publisher.told().await, "-");
        }
    }
    broker.end().await;
}
