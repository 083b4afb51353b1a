//! Bounds that all connections have in common: who holds too much goes, and the others notice nothing.

use std::time::Duration;

use recado_broker::Limits;
use recado_broker::limits::GREETING_TURN;

use tokio::io::AsyncWriteExt;

use crate::raw::{Peer, Running, broker, frame, limits, message, subscription, within};

async fn closed_at_fault(broker: &Running, count: u64) {
    within("connections to be closed", async {
        while broker.counters.figures().closed_at_fault < count {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(broker.counters.figures().closed_at_fault, count);
}

#[tokio::test]
async fn of_too_many_subscriptions_who_has_most_pays() {
    let broker = broker(Limits { subscription_bytes_total_max: 1 << 20, ..limits() }).await;
    let mut modest = broker.subscriber(1, &["modest"]).await;
    let mut greedy = Vec::new();
    for number in 0..3 {
        let mut peer = broker.subscriber(1, &[]).await;
        for topic in 0..2000 {
            peer.subscribe(&format!("{number}/{topic}")).await;
        }
        peer.settle().await;
        greedy.push(peer);
    }
    assert_eq!(broker.counters.figures().closed_at_fault, 0, "they fit");
    let more: Vec<u8> = (2000..4000).flat_map(|topic| subscription(1, true, &format!("1/{topic}"))).collect();
    // It may be closed before it has sent all.
    let _ = greedy[1].stream.write_all(&more).await;
    closed_at_fault(&broker, 1).await;
    greedy[1].closed().await;
    modest.subscribe("one more").await;
    let mut newcomer = broker.subscriber(0, &["new"]).await;
    let mut publisher = broker.publisher(0).await;
    while publisher.told().await != "+new" {}
    publisher.send(&[message(&[b"one more"]), message(&[b"new"]), message(&[b"2/1999"])].concat()).await;
    modest.expect(&[b"one more"]).await;
    newcomer.expect(&[b"new"]).await;
    greedy[2].expect(&[b"2/1999"]).await;
    broker.end().await;
}

#[tokio::test]
async fn of_too_much_unfinished_who_kept_it_for_longest_pays() {
    let broker = broker(Limits { inbound_bytes_max: 4 << 20, message_bytes_max: 2 << 20, ..limits() }).await;
    let mut subscriber = broker.subscriber(1, &["t"]).await;
    let half = [&frame(1, b"t")[..], &frame(0, &vec![7; 1 << 20])[..1 << 19]].concat();
    let mut idle = Vec::new();
    for _ in 0..7 {
        let mut peer = broker.publisher(1).await;
        peer.send(&half).await;
        idle.push(peer);
    }
    within("what they hold", async {
        while broker.counters.figures().inbound_bytes < 7 << 19 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let mut honest = broker.publisher(1).await;
    let body = vec![1; 2_000_000];
    for _ in 0..20 {
        honest.send(&message(&[b"t", &body])).await;
        assert_eq!(subscriber.message().await[1], body);
    }
    assert!((1..7).contains(&broker.counters.figures().closed_at_fault), "no more than it takes");
    idle[0].closed().await;
    broker.end().await;
}

#[tokio::test]
async fn one_address_cannot_have_all_connections() {
    let broker = broker(Limits { connections_per_address_max: 2, ..limits() }).await;
    let first = broker.subscriber(1, &["t"]).await;
    let mut second = broker.publisher(1).await;
    let mut third = Peer::open(&broker.subscribers).await;
    within("its end", async {
        let mut byte = [0];
        while !matches!(tokio::io::AsyncReadExt::read(&mut third, &mut byte).await, Ok(0) | Err(_)) {}
    })
    .await;
    assert_eq!(broker.counters.figures().refused, 1);
    drop(first);
    assert_eq!(second.told().await, "+t");
    assert_eq!(second.told().await, "-t");
    within("a free place", async {
        while broker.counters.figures().subscribers > 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    // Its number is given back just after its subscriptions have ended.
    let mut again = Peer::open(&broker.subscribers).await;
    let mut byte = [0];
    while within("a greeting", tokio::io::AsyncReadExt::read(&mut again, &mut byte)).await.unwrap_or(0) == 0 {
        again = Peer::open(&broker.subscribers).await;
    }
    broker.end().await;
}

/// A program may stop reading for longer than the heartbeats allow for an answer: what waits for it is worth more than the place that
/// it takes.
#[tokio::test]
async fn a_paused_subscriber_keeps_its_place_and_what_waits_for_it() {
    let heartbeat = Duration::from_millis(200);
    let limits = Limits { heartbeat_interval: Some(heartbeat), heartbeat_timeout: heartbeat, ..limits() };
    let broker = broker(limits).await;
    let mut paused = broker.subscriber(1, &["t"]).await;
    let mut publisher = broker.publisher(0).await;
    assert_eq!(publisher.told().await, "+t");
    let count = 200u32;
    for number in 0..count {
        publisher.publish(&[b"t", &number.to_be_bytes(), &[0; 60_000]]).await;
    }
    within("a queue", async {
        while broker.counters.figures().queued_bytes == 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    for _ in 0..3 {
        // One that has nothing to read is closed in the time in which the other would have been.
        let closed = broker.counters.figures().closed_silent;
        let mut silent = broker.subscriber(1, &[]).await;
        silent.closed().await;
        assert_eq!(broker.counters.figures().closed_silent, closed + 1);
    }
    let mut received = 0;
    while received < count {
        let frame = paused.frame().await.expect("it is connected still");
        if frame.flags == 1 {
            assert_eq!(paused.frame().await.unwrap().body, received.to_be_bytes());
            assert_eq!(paused.frame().await.unwrap().body.len(), 60_000);
            received += 1;
        }
    }
    assert_eq!(broker.counters.figures().dropped_slow, 0);
    broker.end().await;
}

/// Looking for many last values takes turns, within a message too; nothing that was asked for is forgotten over it.
#[tokio::test]
async fn subscriptions_that_need_long_looks_are_all_answered_in_the_end() {
    let topics = GREETING_TURN + 100;
    let broker = broker(Limits { last_value_bytes_max: Some(8 << 20), ..limits() }).await;
    let mut publisher = broker.publisher(1).await;
    assert_eq!(publisher.told().await, "+");
    let values: Vec<u8> =
        (0..topics).flat_map(|number| message(&[format!("t{number:06}").as_bytes(), b"v"])).collect();
    publisher.send(&values).await;
    publisher.settle().await;
    let mut subscriber = broker.subscriber(0, &[]).await;
    let singly = [subscription(0, true, "t"), subscription(0, false, "t")].concat().repeat(3);
    let together = message(&[b"\x01t", b"\x00t", b"\x01t", b"\x00t"]);
    subscriber.send(&[singly, together, subscription(1, true, "t")].concat()).await;
    subscriber.settle().await;
    for round in 0..6 {
        for number in 0..topics {
            let got = subscriber.message().await;
            assert_eq!(got, [format!("t{number:06}").into_bytes(), b"v".to_vec()], "round {round}");
        }
    }
    assert_eq!(broker.counters.figures().greetings, 6 * topics as u64);
    broker.end().await;
}
