//! Subscriptions too long, too many, or without meaning.

use recado_broker::Limits;

use super::{Side, Witnesses, is_closed, pour, until};
use crate::raw::{broker, command, frame, limits, message, subscription};

#[tokio::test]
async fn topics_that_are_too_long_end_the_connection_whatever_their_form() {
    let broker = broker(limits()).await;
    let mut witnesses = Witnesses::new(&broker).await;
    for length in [4097, 100_000, 1 << 20, 10 << 20] {
        let topic = "x".repeat(length);
        for minor in [0, 1] {
            let bytes = subscription(minor, true, &topic);
            is_closed(&broker, &mut witnesses, Side::Subscribers, "a long topic", &bytes).await;
        }
        let within = [frame(1, b"\x01short"), subscription(0, true, &topic)].concat();
        is_closed(&broker, &mut witnesses, Side::Subscribers, "a long topic behind another", &within).await;
    }
    let longest = "x".repeat(4096);
    for minor in [0, 1] {
        let mut peer = broker.subscriber(minor, &[&longest]).await;
        witnesses.know(2).await;
        peer.cancel(&longest).await;
        witnesses.know(1).await;
    }
    until(&broker, "all forgotten", |figures| figures.topics == 1).await;
    witnesses.end(broker).await;
}

#[tokio::test]
async fn long_topics_can_be_allowed() {
    let broker = broker(Limits { topic_bytes_max: 1 << 20, ..limits() }).await;
    let mut witnesses = Witnesses::new(&broker).await;
    for length in [100_000, 300_000, 1 << 20] {
        let topic = "x".repeat(length);
        for minor in [0, 1] {
            let mut peer = broker.subscriber(minor, &[&topic]).await;
            witnesses.know(2).await;
            if minor == 0 {
                peer.cancel(&topic).await;
                peer.settle().await;
            }
            drop(peer);
            witnesses.know(1).await;
            witnesses.go_on().await;
        }
    }
    let bytes = subscription(1, true, &"x".repeat(10 << 20));
    is_closed(&broker, &mut witnesses, Side::Subscribers, "ten megabytes", &bytes).await;
    witnesses.end(broker).await;
}

/// Each topic begins with the one before it, as deep as the longest is long.
#[tokio::test]
async fn topics_within_topics_to_any_depth_are_walked() {
    let broker = broker(limits()).await;
    let mut witnesses = Witnesses::new(&broker).await;
    let longest = "x".repeat(4096);
    for cancels in [true, false] {
        let mut peer = Side::Subscribers.connect(&broker).await;
        for length in 1..=longest.len() {
            peer.send(&subscription(1, true, &longest[..length])).await;
        }
        peer.settle().await;
        witnesses.know(1 + longest.len()).await;
        let mut publisher = broker.publisher(1).await;
        publisher.publish(&[longest.as_bytes(), b"once"]).await;
        peer.expect(&[longest.as_bytes(), b"once"]).await;
        peer.expect_nothing().await;
        for length in (1..=longest.len()).filter(|_| cancels) {
            peer.send(&subscription(1, false, &longest[..length])).await;
        }
        drop(peer);
        witnesses.know(1).await;
        witnesses.go_on().await;
    }
    until(&broker, "all forgotten", |figures| figures.subscriptions == 2).await;
    witnesses.end(broker).await;
}

#[tokio::test]
async fn topics_without_number_end_the_connection_and_leave_nothing() {
    let max = 20_000;
    let broker = broker(Limits { subscriptions_max: max, ..limits() }).await;
    let mut witnesses = Witnesses::new(&broker).await;
    for minor in [0, 1] {
        let flood: Vec<u8> =
            (0..=max).flat_map(|number| subscription(minor, true, &format!("flood {number}"))).collect();
        is_closed(&broker, &mut witnesses, Side::Subscribers, "topics without number", &flood).await;
        until(&broker, "all forgotten", |figures| (figures.topics, figures.subscriptions) == (1, 2)).await;
        witnesses.know(1).await;
    }
    witnesses.end(broker).await;
}

#[tokio::test]
async fn topics_of_many_peers_together_are_bounded_and_who_has_few_stays() {
    let total = 2 << 20;
    let broker = broker(Limits { subscription_bytes_total_max: total, ..limits() }).await;
    let mut witnesses = Witnesses::new(&broker).await;
    let mut few = broker.subscriber(1, &["few"]).await;
    let mut peers = Vec::new();
    for who in 0..12 {
        let flood: Vec<u8> =
            (0..2_000).flat_map(|number| subscription(1, true, &format!("{who}/{number}"))).collect();
        let mut peer = Side::Subscribers.connect(&broker).await;
        pour(peer.stream.get_mut(), &flood).await;
        peers.push(peer);
        witnesses.go_on().await;
        // Those who have to go are not gone at once.
        let figures = broker.counters.figures();
        assert!(figures.subscription_bytes as usize <= total + total / 4, "{figures}");
    }
    until(&broker, "the bound", |figures| {
        figures.closed_at_fault > 0 && figures.subscription_bytes as usize <= total
    })
    .await;
    few.subscribe("few more").await;
    few.settle().await;
    let late = broker.subscriber(0, &["late"]).await;
    until(&broker, "room for who has few", |figures| figures.subscribers >= 4).await;
    drop((peers, late, few));
    until(&broker, "all forgotten", |figures| figures.subscriptions == 2).await;
    witnesses.end(broker).await;
}

#[tokio::test]
async fn cancels_of_what_is_not_there_are_ignored() {
    let broker = broker(limits()).await;
    let mut witnesses = Witnesses::new(&broker).await;
    let mut peer = Side::Subscribers.connect(&broker).await;
    for minor in [0, 1] {
        for round in 0..5 {
            let flood: Vec<u8> =
                (0..4_000).flat_map(|n| subscription(minor, false, &format!("{round} {n}"))).collect();
            pour(peer.stream.get_mut(), &flood).await;
            witnesses.go_on().await;
        }
        // Another's subscription is not its to cancel.
        peer.send(&[subscription(minor, false, "witness"), subscription(minor, false, "")].concat()).await;
        peer.settle().await;
        witnesses.go_on().await;
    }
    let figures = broker.counters.figures();
    assert_eq!((figures.subscriptions, figures.topics, figures.closed_at_fault), (2, 1, 0));
    drop(peer);
    witnesses.end(broker).await;
}

#[tokio::test]
async fn messages_that_are_no_subscription_are_counted_and_ignored() {
    let broker = broker(limits()).await;
    let mut witnesses = Witnesses::new(&broker).await;
    let mut peer = Side::Subscribers.connect(&broker).await;
    let mut frames = 0;
    for round in 0..10 {
        let odd: [&[u8]; 3] = [b"", b"\x02topic", b"hello"];
        let flood = [message(&odd), message(&odd[..1]), message(&[b"\xff", &[0xff; 4000]])].concat();
        pour(peer.stream.get_mut(), &flood.repeat(500)).await;
        frames += 500 * 6;
        witnesses.go_on().await;
        peer.settle().await;
        assert_eq!(broker.counters.figures().ignored, frames, "after round {round}");
    }
    assert_eq!(broker.counters.figures().subscriptions, 2);
    drop(peer);
    witnesses.end(broker).await;
}

#[tokio::test]
async fn subscribing_and_cancelling_without_end_leaves_nothing() {
    let broker = broker(limits()).await;
    let mut witnesses = Witnesses::new(&broker).await;
    let mut peers = [Side::Subscribers.connect(&broker).await, Side::Subscribers.connect(&broker).await];
    for round in 0..20 {
        for peer in &mut peers {
            for minor in [0, 1] {
                let topics = [format!("a{round}"), format!("a{round}b"), String::new()];
                let change = |subscribe: bool| {
                    topics.iter().flat_map(|topic| subscription(minor, subscribe, topic)).collect::<Vec<_>>()
                };
                pour(
                    peer.stream.get_mut(),
                    &[change(true), change(true), change(false)].concat().repeat(200),
                )
                .await;
            }
            witnesses.go_on().await;
        }
    }
    for peer in &mut peers {
        peer.settle().await;
    }
    until(&broker, "nothing left", |figures| (figures.subscriptions, figures.topics) == (2, 1)).await;
    witnesses.know(1).await;
    drop(peers);
    witnesses.end(broker).await;
}

#[tokio::test]
async fn subscriptions_at_the_publishers_port_are_ignored() {
    let broker = broker(limits()).await;
    let mut witnesses = Witnesses::new(&broker).await;
    let mut peer = Side::Publishers.connect(&broker).await;
    let flood = [command("SUBSCRIBE", b"witness"), command("CANCEL", b"witness"), frame(0, b"\x01witness")];
    for _ in 0..10 {
        pour(peer.stream.get_mut(), &flood.concat().repeat(1_000)).await;
        witnesses.go_on().await;
    }
    assert_eq!(peer.told().await, "+witness");
    peer.expect_nothing().await;
    let figures = broker.counters.figures();
    assert_eq!((figures.subscriptions, figures.topics, figures.closed_at_fault), (2, 1, 0));
    assert_eq!(figures.unwanted, 10_000);
    drop(peer);
    witnesses.end(broker).await;
}
