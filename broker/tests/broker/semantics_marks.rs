//! High-water marks and work under load, where libzmq's tests look and the others here do not.

use recado_broker::Limits;

use crate::raw::{Peer, broker, limits, message};

async fn number(peer: &mut Peer) -> u32 {
    let frames = peer.message().await;
    assert_eq!((frames.len(), &frames[0][..]), (2, &b"t"[..]));
    u32::from_be_bytes(frames[1].as_slice().try_into().unwrap())
}

fn burst(numbers: std::ops::Range<u32>) -> Vec<u8> {
    numbers.flat_map(|number| message(&[b"t", &number.to_be_bytes()])).collect()
}

/// What was written is forgotten: each round is just below the mark, and all rounds together far above it.
#[tokio::test]
async fn the_mark_counts_what_waits_and_not_what_was_delivered() {
    for mark in [100, 1000] {
        let broker = broker(Limits { queue_messages_max: mark, ..limits() }).await;
        let mut subscriber = broker.subscriber(1, &["t"]).await;
        let mut publisher = broker.publisher(1).await;
        let round = u32::try_from(mark).unwrap() - 1;
        for turn in 0..20 {
            publisher.send(&burst(turn * round..(turn + 1) * round)).await;
            for expected in turn * round..(turn + 1) * round {
                assert_eq!(number(&mut subscriber).await, expected);
            }
        }
        assert_eq!(broker.counters.figures().dropped_slow, 0);
        broker.end().await;
    }
}

/// As long as it takes something now and then, a publisher waits for it, and it loses nothing of many times its mark.
#[tokio::test]
async fn who_reads_in_time_gets_many_times_its_mark() {
    const BODY: [u8; 4000] = [b'.'; 4000];
    let limits = Limits { queue_bytes_max: 2 << 20, ..limits() };
    let broker = broker(limits.clone()).await;
    let mut subscriber = broker.subscriber(1, &["t"]).await;
    let mut publisher = broker.publisher(0).await;
    assert_eq!(publisher.told().await, "+t");
    let count = u32::try_from(20 * limits.queue_bytes_max / BODY.len()).unwrap();
    let sending = async {
        for number in 0..count {
            publisher.publish(&[b"t", &number.to_be_bytes(), &BODY]).await;
        }
        publisher.settle().await;
    };
    let receiving = async {
        for expected in 0..count {
            let frames = subscriber.message().await;
            assert_eq!((&frames[1][..], frames[2].len()), (&expected.to_be_bytes()[..], BODY.len()));
        }
    };
    tokio::join!(sending, receiving);
    assert_eq!(broker.counters.figures().dropped_slow, 0);
    broker.end().await;
}

/// The figures can be read, and others served, while a publisher is made to wait.
#[tokio::test]
async fn a_waiting_publisher_holds_up_neither_figures_nor_others() {
    let broker = broker(limits()).await;
    let _stalled = broker.subscriber(1, &["t"]).await;
    let mut flood = Peer::connect(&broker.publishers, "XPUB", 1).await;
    let mut witness = broker.subscriber(0, &["w"]).await;
    let mut quiet = broker.publisher(1).await;
    let bytes = message(&[b"t", &[0; 50_000]]).repeat(4);
    let flooding = async {
        loop {
            flood.send(&bytes).await;
        }
    };
    let watching = async {
        while broker.counters.figures().waits == 0 {
            tokio::task::yield_now().await;
        }
        for number in 0..200u32 {
            let before = broker.counters.figures().messages_in;
            quiet.publish(&[b"w", &number.to_be_bytes()]).await;
            witness.expect(&[b"w", &number.to_be_bytes()]).await;
            assert!(broker.counters.figures().messages_in > before);
        }
    };
    tokio::select! {
        () = flooding => unreachable!("it has no end"),
        () = watching => {}
    }
    broker.end().await;
}
