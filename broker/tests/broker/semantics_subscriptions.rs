//! Subscriptions and what publishers are told of them, where libzmq's tests look and the others here do not.
//! docs/libzmq-tests.md says which test of libzmq's has led to which of ours.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::raw::{Peer, broker, command, frame, greeting, limits, message, subscription, within};

const READY_SUB: &str = "\x04\x19\x05READY\x0bSocket-Type\0\0\0\x03SUB";
const READY_XPUB: &str = "\x04\x1a\x05READY\x0bSocket-Type\0\0\0\x04XPUB";

/// The bytes as they are on the wire, with nothing of ours in between.
#[tokio::test]
async fn the_bytes_of_either_version_are_those_of_the_rfcs() {
    let broker = broker(limits()).await;
    for minor in [0, 1] {
        let mut publisher = Peer::open(&broker.publishers).await;
        let mut subscriber = Peer::open(&broker.subscribers).await;
        for (stream, ready, answer) in [
            (&mut publisher, READY_XPUB, &READY_XPUB.replace("XPUB", "XSUB")),
            (&mut subscriber, READY_SUB, &READY_XPUB.to_owned()),
        ] {
            write(stream, &[&greeting(minor), ready.as_bytes()].concat()).await;
            let theirs = read(stream, 64).await;
            assert_eq!((theirs[0], &theirs[9..]), (0xff, &greeting(1)[9..]));
            assert_eq!(read(stream, answer.len()).await, answer.as_bytes());
        }
        let (subscribe, cancel) = match minor {
            0 => (&b"\x00\x02\x01A"[..], &b"\x00\x02\x00A"[..]),
            _ => (&b"\x04\x0b\x09SUBSCRIBEA"[..], &b"\x04\x08\x06CANCELA"[..]),
        };
        write(&mut subscriber, subscribe).await;
        assert_eq!(read(&mut publisher, subscribe.len()).await, subscribe);
        write(&mut publisher, b"\x00\x04ALOL\x01\x01A\x00\x00").await;
        assert_eq!(read(&mut subscriber, 11).await, b"\x00\x04ALOL\x01\x01A\x00\x00");
        write(&mut subscriber, cancel).await;
        assert_eq!(read(&mut publisher, cancel.len()).await, cancel);
    }
    broker.end().await;
}

async fn write(stream: &mut TcpStream, bytes: &[u8]) {
    within("room to write", stream.write_all(bytes)).await.unwrap();
}

async fn read(stream: &mut TcpStream, count: usize) -> Vec<u8> {
    let mut bytes = vec![0; count];
    within("bytes", stream.read_exact(&mut bytes)).await.unwrap();
    bytes
}

#[tokio::test]
async fn topics_at_the_length_where_the_form_of_a_frame_changes() {
    let broker = broker(limits()).await;
    let mut publishers = [broker.publisher(0).await, broker.publisher(1).await];
    // A SUBSCRIBE has 10 bytes before its topic, a CANCEL 7, a message 1; a length of one byte ends at 255.
    for length in [244, 245, 246, 247, 248, 249, 253, 254, 255, 256] {
        let topic = "abcdefghijklmnop".repeat(20)[..length].to_owned();
        for minor in [0, 1] {
            let mut subscriber = broker.subscriber(minor, &[&topic]).await;
            for publisher in &mut publishers {
                assert_eq!(publisher.told().await, format!("+{topic}"));
            }
            publishers[0].publish(&[&topic.as_bytes()[1..]]).await;
            publishers[0].publish(&[topic.as_bytes(), b"hello"]).await;
            subscriber.expect(&[topic.as_bytes(), b"hello"]).await;
            subscriber.cancel(&topic).await;
            for publisher in &mut publishers {
                assert_eq!(publisher.told().await, format!("-{topic}"));
            }
        }
    }
    broker.end().await;
}

#[tokio::test]
async fn only_first_subscriptions_and_last_cancels_are_news() {
    let broker = broker(limits()).await;
    let mut publisher = broker.publisher(1).await;
    let mut one = broker.subscriber(0, &[]).await;
    let mut other = broker.subscriber(1, &[]).await;
    let (subscribes, cancels) = (true, false);
    for (first, what, news) in [
        // Nobody has it.
        (true, cancels, None),
        (true, subscribes, Some("+A")),
        (true, subscribes, None),
        // Another, twice; then the one who has it twice cancels twice.
        (false, subscribes, None),
        (false, subscribes, None),
        (true, cancels, None),
        (true, cancels, None),
        (false, cancels, Some("-A")),
        (false, cancels, None),
        (true, cancels, None),
        (false, subscribes, Some("+A")),
        // Not by one who has it not.
        (true, cancels, None),
        (false, cancels, Some("-A")),
    ] {
        let subscriber = if first { &mut one } else { &mut other };
        if what == subscribes {
            subscriber.subscribe("A").await;
        } else {
            subscriber.cancel("A").await;
        }
        subscriber.settle().await;
        match news {
            Some(news) => assert_eq!(publisher.told().await, news),
            None => publisher.expect_nothing().await,
        }
    }
    broker.end().await;
}

#[tokio::test]
async fn subscriptions_of_many_in_quick_succession_are_all_in_force() {
    let broker = broker(limits()).await;
    let mut publisher = broker.publisher(1).await;
    let names: Vec<String> = (0..50).map(|number| format!("{number}.")).collect();
    let mut subscribers = Vec::new();
    for (number, name) in names.iter().enumerate() {
        let mut peer = Peer::connect(&broker.subscribers, "SUB", u8::from(number % 2 == 0)).await;
        peer.subscribe(name).await;
        subscribers.push(peer);
    }
    let mut told = Vec::new();
    for _ in &names {
        told.push(publisher.told().await[1..].to_owned());
    }
    told.sort();
    let mut expected = names.clone();
    expected.sort();
    assert_eq!(told, expected);
    for name in &names {
        publisher.publish(&[name.as_bytes(), b"X"]).await;
    }
    for (subscriber, name) in subscribers.iter_mut().zip(&names) {
        subscriber.expect(&[name.as_bytes(), b"X"]).await;
        subscriber.expect_nothing().await;
    }
    broker.end().await;
}

/// Numbers of subscribers are used again; what they had subscribed to is not.
#[tokio::test]
async fn nothing_of_a_vanished_subscriber_is_left_to_the_next() {
    let broker = broker(limits()).await;
    let mut publisher = broker.publisher(0).await;
    let mut before: Option<String> = None;
    for number in 0..20 {
        let topic = format!("{number}.");
        let mut subscriber = broker.subscriber(number % 2, &[&topic]).await;
        assert_eq!(publisher.told().await, format!("+{topic}"));
        if let Some(before) = &before {
            publisher.publish(&[before.as_bytes()]).await;
        }
        publisher.publish(&[topic.as_bytes()]).await;
        subscriber.expect(&[topic.as_bytes()]).await;
        subscriber.expect_nothing().await;
        drop(subscriber);
        assert_eq!(publisher.told().await, format!("-{topic}"));
        before = Some(topic);
    }
    assert_eq!(broker.counters.figures().subscriptions, 0);
    broker.end().await;
}

#[tokio::test]
async fn an_empty_message_reaches_who_wants_all_and_nobody_else() {
    let broker = broker(limits()).await;
    let mut publisher = broker.publisher(1).await;
    let mut all = broker.subscriber(0, &[""]).await;
    let mut some = broker.subscriber(1, &["a"]).await;
    publisher.publish(&[b""]).await;
    publisher.publish(&[b"", b"", b""]).await;
    publisher.publish(&[b"a"]).await;
    all.expect(&[b""]).await;
    all.expect(&[b"", b"", b""]).await;
    all.expect(&[b"a"]).await;
    some.expect(&[b"a"]).await;
    broker.end().await;
}

/// A message of a publisher is no subscription, whatever it begins with, and goes to no publisher.
#[tokio::test]
async fn messages_of_publishers_that_look_like_subscriptions_are_messages() {
    let broker = broker(limits()).await;
    let mut publishers = [broker.publisher(0).await, broker.publisher(1).await];
    let mut subscriber = broker.subscriber(1, &["\u{1}A", "\0A"]).await;
    for publisher in &mut publishers {
        let told = [publisher.told().await, publisher.told().await];
        assert_eq!(told, ["+\\x01A", "+\\x00A"]);
    }
    for publisher in &mut publishers {
        publisher
            .send(&[message(&[b"\x01A"]), message(&[b"\0A"]), subscription(1, true, "B")].concat())
            .await;
        publisher.send(&[command("CANCEL", b"A"), frame(0, b"\x01B")].concat()).await;
        subscriber.expect(&[b"\x01A"]).await;
        subscriber.expect(&[b"\0A"]).await;
    }
    for publisher in &mut publishers {
        publisher.expect_nothing().await;
    }
    assert_eq!(broker.counters.figures().topics, 2);
    broker.end().await;
}
