//! Subscribers that are slower than publishers: who waits for whom, and who loses what.

use recado_broker::{Limits, SlowSubscriber};

use crate::raw::{Peer, broker, limits, message};

const BODY_BYTES: usize = 1000;
const BURST: u32 = 500;

fn burst(first: u32) -> Vec<u8> {
    (first..first + BURST)
        .flat_map(|number| message(&[b"t", &number.to_be_bytes(), &[b'.'; BODY_BYTES]]))
        .collect()
}

/// The number of the next message, checked to be whole; none at the end.
async fn number(peer: &mut Peer) -> u32 {
    let frames = peer.message().await;
    assert!(frames.len() == 3 && frames[2].len() == BODY_BYTES);
    u32::from_be_bytes(frames[1].as_slice().try_into().unwrap())
}

#[tokio::test]
async fn a_stalled_subscriber_loses_the_newest_in_runs_and_the_others_nothing() {
    let limits = Limits { queue_bytes_max: 2 << 20, ..limits() };
    let broker = broker(limits.clone()).await;
    let mut stalled = broker.subscriber(1, &["t"]).await;
    let mut others = [broker.subscriber(0, &["t"]).await, broker.subscriber(1, &[""]).await];
    let mut publisher = broker.publisher(1).await;
    assert_eq!([publisher.told().await, publisher.told().await], ["+", "+t"]);
    let mut sent = 0;
    // The others are at most one burst behind, so that only the stalled one can reach its mark.
    while broker.counters.figures().dropped_slow == 0 {
        publisher.send(&burst(sent)).await;
        for other in &mut others {
            for expected in sent..sent + BURST {
                assert_eq!(number(other).await, expected);
            }
        }
        sent += BURST;
        assert!(broker.counters.figures().queued_bytes as usize <= limits.queue_bytes_max + (256 << 10));
        assert!(sent < 1_000_000, "it reaches its mark before this");
    }
    // It gets what was taken for it, whole and in order, up to the mark; then what comes after it caught up.
    publisher.settle().await;
    let dropped = broker.counters.figures().dropped_slow as u32;
    for expected in 0..sent - dropped {
        assert_eq!(number(&mut stalled).await, expected);
    }
    stalled.expect_nothing().await;
    publisher.send(&burst(sent)).await;
    for expected in sent..sent + BURST {
        assert_eq!(number(&mut stalled).await, expected);
    }
    broker.end().await;
}

#[tokio::test]
async fn a_publisher_waits_for_a_subscriber_that_is_behind() {
    let broker = broker(limits()).await;
    let mut subscriber = broker.subscriber(1, &["t"]).await;
    let mut publisher = broker.publisher(1).await;
    let sending = async {
        for turn in 0..40 {
            publisher.send(&burst(turn * BURST)).await;
        }
        publisher.publish(&[b"t", b"end", &[b'.'; BODY_BYTES]]).await;
        publisher.settle().await;
    };
    let receiving = async {
        let mut last = None;
        let mut received = 0u64;
        while received + broker.counters.figures().dropped_slow < u64::from(40 * BURST) {
            let number = number(&mut subscriber).await;
            assert!(last < Some(number), "in order");
            last = Some(number);
            received += 1;
        }
    };
    tokio::join!(sending, receiving);
    assert!(broker.counters.figures().waits > 0);
    broker.end().await;
}

#[tokio::test]
async fn a_subscriber_at_its_mark_can_be_disconnected() {
    let limits = Limits { queue_bytes_max: 1 << 20, slow_subscriber: SlowSubscriber::Disconnect, ..limits() };
    let broker = broker(limits).await;
    let mut stalled = broker.subscriber(1, &["t"]).await;
    let mut publisher = broker.publisher(1).await;
    assert_eq!(publisher.told().await, "+t");
    let mut sent = 0;
    while broker.counters.figures().dropped_slow == 0 {
        publisher.send(&burst(sent)).await;
        publisher.settle().await;
        sent += BURST;
    }
    assert_eq!(publisher.told().await, "-t");
    stalled.closed().await;
    assert_eq!(broker.counters.figures().closed_at_fault, 1);
    broker.end().await;
}

/// A publisher of little never waits for anybody, not even for one that a flood has filled.
#[tokio::test]
async fn who_sends_little_is_not_held_up() {
    let broker = broker(limits()).await;
    let _stalled = broker.subscriber(1, &["t"]).await;
    let mut flood = broker.publisher(1).await;
    let mut witness = broker.subscriber(1, &["w"]).await;
    let mut quiet = broker.publisher(1).await;
    while broker.counters.figures().waits == 0 {
        flood.send(&burst(0)).await;
    }
    let waits = broker.counters.figures().waits;
    for number in 0..100u32 {
        quiet.publish(&[b"t", b"to the stalled one"]).await;
        quiet.publish(&[b"w", &number.to_be_bytes()]).await;
        witness.expect(&[b"w", &number.to_be_bytes()]).await;
    }
    assert_eq!(broker.counters.figures().waits, waits);
    broker.end().await;
}
