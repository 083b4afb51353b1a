use std::sync::Arc;

use super::{BytesMut, Counters, Hub, Limits, PublisherId, SubscriptionError, Version};
use recado_zmtp::codec::{Command, Frames, Subscription};

const OLD: Version = Version { major: 3, minor: 0 };

fn hub(limits: Limits) -> Hub {
    Hub::new(limits, Arc::new(Counters::default()))
}

/// What the publisher is told now, as `+topic` and `-topic`.
fn told(hub: &mut Hub, id: PublisherId, version: Version) -> Vec<String> {
    let mut output = BytesMut::new();
    assert!(hub.tell_publisher(id, version, &mut output, 1 << 20));
    let show = |frame: &[u8], command: bool| {
        let subscription = match command {
            true => Subscription::of_command(&Command::decode(frame).unwrap()),
            false => Subscription::of_message_frame(frame),
        };
        match subscription.unwrap() {
            Subscription::Subscribe(topic) => format!("+{}", topic.escape_ascii()),
            Subscription::Cancel(topic) => format!("-{}", topic.escape_ascii()),
        }
    };
    Frames::new(&output)
        .map(|frame| {
            assert_eq!(frame.command, version.has_commands());
            show(frame.body, frame.command)
        })
        .collect()
}

#[test]
fn publishers_hear_of_first_and_last_subscribers_only() {
    let mut hub = hub(Limits::default());
    let (old, new) = (hub.add_publisher(), hub.add_publisher());
    for id in [old, new] {
        let version = if id == old { OLD } else { Version::OURS };
        assert!(told(&mut hub, id, version).is_empty());
    }
    let (a, b) = (hub.add_subscriber(), hub.add_subscriber());
    hub.subscribe(a, b"geral").unwrap();
    hub.subscribe(a, b"geral").unwrap();
    hub.subscribe(b, b"geral").unwrap();
    hub.subscribe(b, b"ge").unwrap();
    hub.cancel(a, b"geral");
    hub.cancel(a, b"geral");
    hub.cancel(a, b"never");
    assert_eq!(hub.take_publishers_to_tell().collect::<Vec<_>>(), [old, new]);
    assert_eq!(hub.take_publishers_to_tell().count(), 0);
    assert_eq!(told(&mut hub, old, OLD), ["+geral", "+ge"]);
    hub.cancel(b, b"geral");
    assert_eq!(told(&mut hub, old, OLD), ["-geral"]);
    assert_eq!(told(&mut hub, new, Version::OURS), ["+ge"]);
}

#[test]
fn a_vanished_subscriber_is_cancelled_upstream() {
    let mut hub = hub(Limits::default());
    let publisher = hub.add_publisher();
    let (a, b) = (hub.add_subscriber(), hub.add_subscriber());
    for topic in [&b"x"[..], b"y", b""] {
        hub.subscribe(a, topic).unwrap();
    }
    hub.subscribe(b, b"x").unwrap();
    assert_eq!(told(&mut hub, publisher, OLD), ["+x", "+y", "+"]);
    hub.subscriber_left(a);
    assert!(hub.forget_subscriber(a));
    let mut cancelled = told(&mut hub, publisher, OLD);
    cancelled.sort();
    assert_eq!(cancelled, ["-", "-y"]);
    assert_eq!(hub.counters.figures().subscriptions, 1);
    assert_eq!(hub.subscription_bytes, 1 + super::SUBSCRIPTION_BYTES);
}

#[test]
fn subscriptions_are_bounded_in_length_and_number() {
    let limits = Limits { topic_bytes_max: 10, subscriptions_max: 3, ..Limits::default() };
    let mut hub = hub(limits);
    let a = hub.add_subscriber();
    assert_eq!(hub.subscribe(a, &[b'x'; 11]), Err(SubscriptionError::TopicTooLong(11)));
    for topic in [b"1", b"2", b"3", b"3"] {
        hub.subscribe(a, topic).unwrap();
    }
    assert_eq!(hub.subscribe(a, b"4"), Err(SubscriptionError::TooMany(3)));
    let b = hub.add_subscriber();
    hub.subscribe(b, b"1").unwrap();
    hub.subscribe(b, b"2").unwrap();
    hub.subscribe(b, b"3").unwrap();
    assert_eq!(hub.take_evicted().count(), 0);
}

#[test]
fn when_all_subscriptions_are_too_many_who_has_most_has_to_go() {
    // Twelve fit, and three more while others leave.
    let mut hub = hub(Limits { subscription_bytes_total_max: 2000, ..Limits::default() });
    let (greedy, modest) = (hub.add_subscriber(), hub.add_subscriber());
    for topic in b'a'..b'k' {
        hub.subscribe(greedy, &[topic]).unwrap();
    }
    hub.subscribe(modest, b"a").unwrap();
    hub.subscribe(modest, b"1").unwrap();
    assert_eq!(hub.take_evicted().collect::<Vec<_>>(), []);
    hub.subscribe(modest, b"2").unwrap();
    assert_eq!(hub.take_evicted().collect::<Vec<_>>(), [greedy]);
    assert_eq!(hub.subscribe(greedy, b"x"), Ok(()), "it is told once");
    hub.subscribe(modest, b"3").unwrap();
    hub.subscribe(modest, b"4").unwrap();
    assert_eq!(hub.take_evicted().collect::<Vec<_>>(), [], "it goes already");
    assert_eq!(hub.subscribe(modest, b"5"), Err(SubscriptionError::MemoryFull(2000)), "it has not gone");
    hub.subscriber_left(greedy);
    assert!(hub.forget_subscriber(greedy));
    assert_eq!(hub.trie().topics(), 5);
    for topic in b'5'..b'9' {
        hub.subscribe(modest, &[topic]).unwrap();
    }
    for topic in b'A'..b'D' {
        hub.subscribe(modest, &[topic]).unwrap();
    }
    assert_eq!(hub.subscribe(modest, b"E"), Err(SubscriptionError::MemoryFull(2000)), "it has all itself");
}

#[test]
fn a_subscriber_with_many_topics_is_forgotten_in_turns() {
    let mut hub = hub(Limits::default());
    let a = hub.add_subscriber();
    for number in 0..3 * super::FORGET_TURN {
        hub.subscribe(a, number.to_string().as_bytes()).unwrap();
    }
    hub.subscriber_left(a);
    let mut turns = 1;
    while !hub.forget_subscriber(a) {
        turns += 1;
    }
    assert_eq!((turns, hub.trie().topics()), (4, 0));
    assert_eq!(hub.add_subscriber(), a, "its number is free");
}

#[test]
fn publishers_that_read_nothing_are_bounded_together_and_those_who_read_stay() {
    let mut hub = hub(Limits::default());
    let deaf: Vec<PublisherId> = (0..400).map(|_| hub.add_publisher()).collect();
    let listening = hub.add_publisher();
    for id in deaf.iter().copied().chain([listening]) {
        assert!(told(&mut hub, id, OLD).is_empty());
    }
    let a = hub.add_subscriber();
    for number in 0..400u32 {
        let mut topic = vec![b'x'; 4000];
        topic[..4].copy_from_slice(&number.to_be_bytes());
        hub.subscribe(a, &topic).unwrap();
        assert_eq!(told(&mut hub, listening, OLD).len(), 1);
    }
    assert!(
        hub.pending_bytes
            <= super::PUBLISHERS_PENDING_BYTES_MAX + 400 * (super::PUBLISHER_PENDING_BYTES_MIN + 8000)
    );
    assert!(deaf.iter().all(|id| hub.is_publisher_deaf(*id)) && !hub.is_publisher_deaf(listening));
    for id in deaf {
        hub.publisher_left(id);
    }
    assert_eq!(hub.pending_bytes, 0);
}

#[test]
fn a_publisher_that_reads_nothing_is_found_out_before_memory_is() {
    let mut hub = hub(Limits::default());
    let publisher = hub.add_publisher();
    assert!(told(&mut hub, publisher, OLD).is_empty());
    let mut added = 0u64;
    while !hub.is_publisher_deaf(publisher) {
        let a = hub.add_subscriber();
        for _ in 0..20_000 {
            added += 1;
            let mut topic = vec![b'x'; 4000];
            topic[..8].copy_from_slice(&added.to_be_bytes());
            if hub.subscribe(a, &topic).is_err() {
                break;
            }
        }
        assert!(added < 1_000_000, "the publisher is deaf before this");
    }
}

#[test]
fn where_last_values_are_kept_publishers_are_told_that_all_is_wanted() {
    let mut hub = hub(Limits { last_value_bytes_max: Some(1000), ..Limits::default() });
    let subscriber = hub.add_subscriber();
    hub.subscribe(subscriber, b"a").unwrap();
    let publisher = hub.add_publisher();
    assert_eq!(told(&mut hub, publisher, Version::OURS), ["+"]);
    hub.subscribe(subscriber, b"b").unwrap();
    hub.cancel(subscriber, b"a");
    assert_eq!(hub.take_publishers_to_tell().count(), 0);
    assert!(told(&mut hub, publisher, Version::OURS).is_empty());
}
