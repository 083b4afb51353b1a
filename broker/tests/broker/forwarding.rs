//! What arrives, in which order, whatever the sizes and however it was cut on the way.

use recado_broker::Limits;

use crate::raw::{Peer, broker, command, frame, limits, message};

#[tokio::test]
async fn a_message_that_dribbles_in_leaves_whole() {
    let broker = broker(limits()).await;
    let mut subscriber = broker.subscriber(1, &["t"]).await;
    let mut slow = broker.publisher(1).await;
    let mut quick = broker.publisher(0).await;
    let bytes = message(&[b"t", b"slow", &[b'x'; 300]]);
    for byte in bytes.chunks(1) {
        slow.send(byte).await;
        quick.publish(&[b"t", b"quick"]).await;
        if byte.as_ptr_range().end != bytes.as_ptr_range().end {
            subscriber.expect(&[b"t", b"quick"]).await;
        }
    }
    let last = [subscriber.message().await, subscriber.message().await];
    assert!(last.contains(&vec![b"t".to_vec(), b"slow".to_vec(), vec![b'x'; 300]]));
    broker.end().await;
}

#[tokio::test]
async fn large_messages_arrive_whole_and_between_small_ones() {
    let broker = broker(Limits { queue_bytes_max: 64 << 20, ..limits() }).await;
    let mut subscriber = broker.subscriber(0, &["t"]).await;
    let mut publisher = broker.publisher(1).await;
    let sizes = [1, 255, 256, 65_535, 200_000, 262_144, 1_000_000, 5_000_000, 16_000_000];
    let sending = async {
        for (number, size) in sizes.into_iter().enumerate() {
            publisher.publish(&[b"t", &vec![number as u8; size], b"end"]).await;
            publisher.publish(&[b"other", &vec![0; size]]).await;
            publisher.publish(&[b"t small"]).await;
        }
    };
    let receiving = async {
        for (number, size) in sizes.into_iter().enumerate() {
            let frames = subscriber.message().await;
            assert!(
                frames.len() == 3
                    && frames[1].len() == size
                    && frames[1].iter().all(|it| *it == number as u8)
            );
            subscriber.expect(&[b"t small"]).await;
        }
    };
    tokio::join!(sending, receiving);
    broker.end().await;
}

#[tokio::test]
async fn each_publishers_messages_stay_in_their_order_to_each_subscriber() {
    let broker = broker(limits()).await;
    let mut publishers = Vec::new();
    for minor in [0, 1, 1] {
        publishers.push(broker.publisher(minor).await);
    }
    let mut subscribers = Vec::new();
    for topics in [&["a"][..], &["b"], &["a", "b"], &[""]] {
        subscribers.push((topics, broker.subscriber(1, topics).await));
    }
    const EACH: usize = 20_000;
    let sending = async {
        let all = publishers.iter_mut().enumerate().map(|(who, publisher)| async move {
            for turn in 0..EACH / 100 {
                let mut bytes = Vec::new();
                for number in turn * 100..(turn + 1) * 100 {
                    let topic: &[u8] = if number % 3 == 0 { b"a" } else { b"b" };
                    bytes.extend(message(&[topic, &[who as u8], &number.to_be_bytes()]));
                }
                publisher.send(&bytes).await;
            }
        });
        join_all(all).await;
    };
    let receiving = join_all(subscribers.iter_mut().map(|(topics, subscriber)| async move {
        let wants = |number: usize| {
            topics.iter().any(|topic| (if number.is_multiple_of(3) { "a" } else { "b" }).starts_with(topic))
        };
        let expected: Vec<usize> = (0..EACH).filter(|number| wants(*number)).collect();
        let mut next = [0; 3];
        for _ in 0..3 * expected.len() {
            let frames = subscriber.message().await;
            let who = usize::from(frames[1][0]);
            assert_eq!(frames[2], expected[next[who]].to_be_bytes());
            next[who] += 1;
        }
    }));
    tokio::join!(sending, receiving);
    assert_eq!(broker.counters.figures().dropped_slow, 0);
    broker.end().await;
}

/// Runs several futures of one kind at once.
async fn join_all<F: Future<Output = ()>>(futures: impl Iterator<Item = F>) {
    let mut futures: Vec<_> = futures.map(Box::pin).collect();
    std::future::poll_fn(|cx| {
        futures.retain_mut(|future| future.as_mut().poll(cx).is_pending());
        if futures.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
}

#[tokio::test]
async fn a_publisher_that_vanishes_within_a_message_takes_only_that_along() {
    let broker = broker(limits()).await;
    let mut subscriber = broker.subscriber(1, &["t"]).await;
    for _ in 0..50 {
        let mut publisher = broker.publisher(1).await;
        publisher.send(&[message(&[b"t", b"whole"]), frame(1, b"t"), frame(1, b"half")].concat()).await;
        subscriber.expect(&[b"t", b"whole"]).await;
    }
    let mut publisher = broker.publisher(1).await;
    publisher.publish(&[b"t", b"last"]).await;
    subscriber.expect(&[b"t", b"last"]).await;
    broker.end().await;
}

#[tokio::test]
async fn pings_between_the_frames_of_a_message_are_answered_and_not_forwarded() {
    let broker = broker(limits()).await;
    let mut subscriber = broker.subscriber(0, &["t"]).await;
    let mut publisher = broker.publisher(0).await;
    assert_eq!(publisher.told().await, "+t");
    let ping = command("PING", b"\x00\x64ctx");
    publisher.send(&[frame(1, b"t"), ping.clone(), frame(1, b"2"), ping, frame(0, b"3")].concat()).await;
    subscriber.expect(&[b"t", b"2", b"3"]).await;
    for _ in 0..2 {
        assert_eq!(publisher.frame().await.unwrap().body, b"\x04PONGctx");
    }
    broker.end().await;
}

#[tokio::test]
async fn brokers_can_be_chained() {
    let (near, far) = (broker(limits()).await, broker(limits()).await);
    // What a proxy between the two would do, by hand: XSUB towards the near one, XPUB towards the far one.
    let mut upward = Peer::connect(&near.subscribers, "XSUB", 1).await;
    let mut downward = Peer::connect(&far.publishers, "XPUB", 1).await;
    let mut subscriber = far.subscriber(1, &["t"]).await;
    assert_eq!(downward.told().await, "+t");
    upward.subscribe("t").await;
    upward.settle().await;
    let mut publisher = near.publisher(1).await;
    publisher.publish(&[b"t", b"over two"]).await;
    let frames = upward.message().await;
    downward.publish(&frames.iter().map(Vec::as_slice).collect::<Vec<_>>()).await;
    subscriber.expect(&[b"t", b"over two"]).await;
    near.end().await;
    far.end().await;
}
