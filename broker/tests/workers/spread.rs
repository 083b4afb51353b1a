//! Connections that are spread over several workers. The first publisher and the first subscriber are at the first worker, and so on.

use std::collections::BTreeMap;
use std::time::Duration;

use recado_broker::Limits;

use crate::WORKERS;
use crate::raw::{Peer, Running, broker, command, frame, limits, message, within};

/// A subscriber at each worker.
async fn everywhere(broker: &Running, topics: &[&str]) -> Vec<Peer> {
    let mut all = Vec::new();
    for number in 0..WORKERS {
        all.push(broker.subscriber((number % 2) as u8, topics).await);
    }
    all
}

/// Subscribers at so many workers, to have the next one at another.
async fn idle(broker: &Running, count: usize) -> Vec<Peer> {
    let mut all = Vec::new();
    for _ in 0..count {
        all.push(broker.subscriber(1, &[]).await);
    }
    all
}

#[tokio::test]
async fn what_publishers_anywhere_say_reaches_subscribers_anywhere_whole_and_in_order() {
    const EACH: u32 = 3_000;
    let broker = broker(limits()).await;
    let topics = ["a", "b", "ab", ""];
    let mut subscribers = Vec::new();
    for number in 0..10 {
        let topic = topics[number % topics.len()];
        subscribers.push((topic, broker.subscriber((number % 2) as u8, &[topic]).await));
    }
    let mut publishing = Vec::new();
    for who in 0..7u8 {
        let mut publisher = broker.publisher(who % 2).await;
        publishing.push(tokio::spawn(async move {
            for number in 0..EACH {
                let topic: &[u8] = [&b"abc"[..], b"b", b"c", b"a"][number as usize % 4];
                // Every now and then a large one, so that chunks of all sizes are handed over.
                let body = vec![who; if number % 500 == 0 { 300_000 } else { 10 }];
                publisher.publish(&[topic, &[who], &number.to_be_bytes(), &body]).await;
            }
            publisher
        }));
    }
    let receiving: Vec<_> = subscribers
        .into_iter()
        .map(|(prefix, mut subscriber)| {
            tokio::spawn(async move {
                let wanted = |number: &u32| ["abc", "b", "c", "a"][*number as usize % 4].starts_with(prefix);
                let expected: Vec<u32> = (0..EACH).filter(wanted).collect();
                let mut next: BTreeMap<u8, usize> = BTreeMap::new();
                for _ in 0..7 * expected.len() {
                    let frames = subscriber.message().await;
                    let place = next.entry(frames[1][0]).or_default();
                    assert_eq!(frames[2], expected[*place].to_be_bytes());
                    *place += 1;
                }
                subscriber.expect_nothing().await;
            })
        })
        .collect();
    for task in receiving {
        within("all messages", task).await.unwrap();
    }
    for task in publishing {
        task.await.unwrap();
    }
    let figures = broker.counters.figures();
    assert_eq!((figures.dropped_slow, figures.unwanted, figures.messages_in), (0, 0, u64::from(7 * EACH)));
    broker.end().await;
}

#[tokio::test]
async fn publishers_are_told_once_of_what_subscribers_of_several_workers_want() {
    let broker = broker(limits()).await;
    let mut publishers = Vec::new();
    for number in 0..WORKERS {
        publishers.push(broker.publisher((number % 2) as u8).await);
    }
    let mut subscribers = everywhere(&broker, &["t"]).await;
    let mut last = subscribers.pop().unwrap();
    drop(subscribers);
    last.subscribe("u").await;
    for publisher in &mut publishers {
        assert_eq!([publisher.told().await, publisher.told().await], ["+t", "+u"]);
    }
    drop(last);
    for publisher in &mut publishers {
        let mut told = [publisher.told().await, publisher.told().await];
        told.sort();
        assert_eq!(told, ["-t", "-u"], "with the last");
    }
    broker.end().await;
}

#[tokio::test]
async fn a_publisher_that_comes_late_is_told_of_what_subscribers_of_all_workers_want() {
    let broker = broker(limits()).await;
    let mut subscribers = Vec::new();
    for worker in 0..WORKERS {
        let names: Vec<String> = (0..2000).map(|number| format!("{number:05}-{worker}")).collect();
        subscribers.push(broker.subscriber(1, &names.iter().map(String::as_str).collect::<Vec<_>>()).await);
    }
    for minor in [0, 1, 1] {
        let mut publisher = broker.publisher(minor).await;
        for number in 0..2000 {
            for worker in 0..WORKERS {
                assert_eq!(publisher.told().await, format!("+{number:05}-{worker}"));
            }
        }
    }
    broker.end().await;
}

/// Whoever has an answer to what it sent behind a subscription is subscribed for publishers at every worker.
#[tokio::test]
async fn a_subscription_that_was_answered_holds_everywhere() {
    let broker = broker(limits()).await;
    let mut publishers = Vec::new();
    for _ in 0..WORKERS {
        publishers.push(broker.publisher(1).await);
    }
    let mut subscribers = everywhere(&broker, &[]).await;
    for turn in 0..100u32 {
        let topic = format!("topic {turn}");
        for subscriber in &mut subscribers {
            subscriber.subscribe(&topic).await;
            subscriber.settle().await;
            for publisher in &mut publishers {
                publisher.publish(&[topic.as_bytes(), b"at once"]).await;
                subscriber.expect(&[topic.as_bytes(), b"at once"]).await;
            }
            subscriber.cancel(&topic).await;
            subscriber.settle().await;
        }
    }
    for subscriber in &mut subscribers {
        subscriber.expect_nothing().await;
    }
    broker.end().await;
}

#[tokio::test]
async fn commands_within_a_message_are_taken_out_for_all_workers() {
    let broker = broker(limits()).await;
    let mut subscribers = everywhere(&broker, &["t"]).await;
    let mut publisher = broker.publisher(0).await;
    assert_eq!(publisher.told().await, "+t");
    let ping = command("PING", b"\x00\x64ctx");
    let dirty = [frame(1, b"t"), ping.clone(), frame(1, b"2"), ping.clone(), frame(0, b"3")].concat();
    publisher.send(&[ping, dirty, message(&[b"t", b"clean"])].concat()).await;
    for subscriber in &mut subscribers {
        subscriber.expect(&[b"t", b"2", b"3"]).await;
        subscriber.expect(&[b"t", b"clean"]).await;
    }
    for _ in 0..3 {
        assert_eq!(publisher.frame().await.unwrap().body, b"\x04PONGctx");
    }
    broker.end().await;
}

#[tokio::test]
async fn what_was_whole_before_a_fault_goes_to_all_workers() {
    let broker = broker(limits()).await;
    let mut subscribers = everywhere(&broker, &["t"]).await;
    for _ in 0..2 * WORKERS {
        let mut publisher = broker.publisher(1).await;
        let good: Vec<u8> =
            (0..1000u32).flat_map(|it| message(&[b"t", &it.to_be_bytes(), &[0; 200]])).collect();
        publisher.send(&[&good[..], &frame(8, b"x")].concat()).await;
        for subscriber in &mut subscribers {
            for number in 0..1000u32 {
                subscriber.expect(&[b"t", &number.to_be_bytes(), &[0; 200]]).await;
            }
        }
        publisher.closed().await;
    }
    broker.end().await;
}

#[tokio::test]
async fn one_who_takes_nothing_is_waited_for_at_another_worker_and_then_left_behind() {
    for before in 0..WORKERS {
        let limits = Limits { queue_bytes_max: 2 << 20, ..limits() };
        let broker = broker(limits).await;
        let _idle = idle(&broker, before).await;
        let _stalled = broker.subscriber(1, &["t"]).await;
        let mut other = broker.subscriber(1, &["t"]).await;
        let mut publisher = broker.publisher(1).await;
        let mut sent = 0u32;
        while broker.counters.figures().dropped_slow == 0 {
            for _ in 0..100 {
                publisher.publish(&[b"t", &sent.to_be_bytes(), &[0; 5000]]).await;
                other.expect(&[b"t", &sent.to_be_bytes(), &[0; 5000]]).await;
                sent += 1;
            }
            assert!(sent < 100_000, "it reaches its mark before this");
        }
        let figures = broker.counters.figures();
        assert!(figures.waits > 0 && figures.probations > 0, "{figures}");
        broker.end().await;
    }
}

/// However much a publisher sends, what is under way is bounded by what its subscriber at another worker takes.
#[tokio::test]
async fn a_publisher_is_held_back_by_a_subscriber_of_another_worker() {
    const COUNT: u32 = 4_000;
    let broker = broker(limits()).await;
    let _idle = idle(&broker, 1).await;
    let mut subscriber = broker.subscriber(1, &["t"]).await;
    let mut publisher = broker.publisher(1).await;
    let sending = async {
        for number in 0..COUNT {
            publisher.publish(&[b"t", &number.to_be_bytes(), &[0; 10_000]]).await;
        }
    };
    let counters = broker.counters.clone();
    let receiving = async {
        let mut expected = 0;
        let mut dropped = 0;
        while u64::from(expected) + dropped < u64::from(COUNT) {
            let frames = subscriber.message().await;
            let number = u32::from_be_bytes(frames[1].as_slice().try_into().unwrap());
            assert!(number >= expected, "in order");
            dropped += u64::from(number - expected);
            expected = number + 1;
            dropped = dropped.max(counters.figures().dropped_slow);
            assert!(counters.figures().queued_bytes < 20 << 20);
        }
    };
    tokio::join!(sending, receiving);
    assert!(broker.counters.figures().waits > 0);
    broker.end().await;
}

#[tokio::test]
async fn who_sends_little_is_not_held_up_by_one_who_stalls_at_any_worker() {
    for before in 0..WORKERS {
        let broker = broker(limits()).await;
        let _idle = idle(&broker, before).await;
        let _stalled = broker.subscriber(1, &["t"]).await;
        let mut witnesses = everywhere(&broker, &["w"]).await;
        let mut flood = broker.publisher(1).await;
        let mut quiet = broker.publisher(1).await;
        while broker.counters.figures().waits == 0 {
            flood.publish(&[b"t", &[0; 100_000]]).await;
        }
        let waits = broker.counters.figures().waits;
        for number in 0..100u32 {
            quiet.publish(&[b"t", b"to the stalled one"]).await;
            quiet.publish(&[b"w", &number.to_be_bytes()]).await;
            for witness in &mut witnesses {
                witness.expect(&[b"w", &number.to_be_bytes()]).await;
            }
        }
        assert!(
            broker.counters.figures().waits <= waits + 1,
            "the flood may wait once more, and nobody else"
        );
        broker.end().await;
    }
}

/// What a publisher has an answer behind is at least under way to the other workers: it arrives, though nothing waits for a subscriber there
/// yet when the broker is told to end.
#[tokio::test]
async fn at_the_end_what_was_read_is_written_at_every_worker() {
    const COUNT: u32 = 300;
    for _ in 0..10 {
        let broker = broker(Limits { linger: Duration::from_secs(60), ..limits() }).await;
        let mut receiving = Vec::new();
        for mut subscriber in everywhere(&broker, &["t"]).await {
            receiving.push(tokio::spawn(async move {
                let mut next = [0u32; WORKERS];
                while let Some(topic) = subscriber.frame().await {
                    assert_eq!(topic.body, b"t");
                    let rest = subscriber.message().await;
                    let who = usize::from(rest[0][0]);
                    assert_eq!(rest[1], next[who].to_be_bytes());
                    next[who] += 1;
                }
                assert_eq!(next, [COUNT; WORKERS]);
            }));
        }
        let mut publishers = Vec::new();
        for who in 0..WORKERS as u8 {
            let mut publisher = broker.publisher(1).await;
            let all = (0..COUNT).flat_map(|it| message(&[b"t", &[who], &it.to_be_bytes(), &[0; 10_000]]));
            publisher.send(&all.collect::<Vec<_>>()).await;
            publishers.push(publisher);
        }
        for publisher in &mut publishers {
            publisher.settle().await;
        }
        broker.shutdown.cancel();
        for task in receiving {
            within("the end of what comes", task).await.unwrap();
        }
        for mut publisher in publishers {
            publisher.closed().await;
        }
        within("the end", broker.task).await.unwrap();
        assert_eq!(broker.counters.figures().dropped_gone, 0);
    }
}

#[tokio::test]
async fn who_comes_late_gets_last_values_at_every_worker() {
    let broker = broker(Limits { last_value_bytes_max: Some(1 << 20), ..limits() }).await;
    let mut early = everywhere(&broker, &["z"]).await;
    for who in 0..WORKERS as u8 {
        let mut publisher = broker.publisher(1).await;
        assert_eq!(publisher.told().await, "+");
        let all = [message(&[b"a", b"old"]), message(&[b"a", &[who]]), message(&[b"z", &[who]])];
        publisher.send(&all.concat()).await;
        for subscriber in &mut early {
            subscriber.expect(&[b"z", &[who]]).await;
        }
        for mut late in everywhere(&broker, &["a"]).await {
            late.expect(&[b"a", &[who]]).await;
            late.expect_nothing().await;
        }
    }
    broker.end().await;
}
