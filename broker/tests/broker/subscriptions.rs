//! Who gets what, and what publishers are told: libzmq's test_mock_pub_sub, test_sub_forward, test_xpub_topic and
//! test_xsub_verbose, in our own words.

use crate::raw::{Peer, broker, command, frame, limits, message, subscription};

#[tokio::test]
async fn both_versions_of_both_sides_understand_each_other() {
    let broker = broker(limits()).await;
    for publisher_minor in [0, 1, 7] {
        for subscriber_minor in [0, 1, 7] {
            let mut publisher = broker.publisher(publisher_minor).await;
            let mut subscriber = broker.subscriber(subscriber_minor, &["A"]).await;
            assert_eq!(publisher.told().await, "+A");
            publisher.publish(&[b"B not this"]).await;
            publisher.publish(&[b"ALOL"]).await;
            publisher.publish(&[b"A", b"two", b"", b"parts"]).await;
            subscriber.expect(&[b"ALOL"]).await;
            subscriber.expect(&[b"A", b"two", b"", b"parts"]).await;
            subscriber.cancel("A").await;
            assert_eq!(publisher.told().await, "-A");
            publisher.publish(&[b"ALOL"]).await;
            subscriber.subscribe("Z").await;
            assert_eq!(publisher.told().await, "+Z");
            publisher.publish(&[b"Z"]).await;
            subscriber.expect(&[b"Z"]).await;
            drop(subscriber);
            assert_eq!(publisher.told().await, "-Z");
        }
    }
    broker.end().await;
}

#[tokio::test]
async fn the_other_form_of_a_subscription_is_understood_from_anyone() {
    let broker = broker(limits()).await;
    let mut publisher = broker.publisher(1).await;
    for minor in [0, 1] {
        let mut peer = Peer::connect(&broker.subscribers, "XSUB", minor).await;
        peer.send(&subscription(1 - minor, true, "a")).await;
        assert_eq!(publisher.told().await, "+a");
        peer.send(&subscription(1 - minor, false, "a")).await;
        assert_eq!(publisher.told().await, "-a");
    }
    broker.end().await;
}

#[tokio::test]
async fn each_part_of_a_multipart_message_may_be_a_subscription() {
    let broker = broker(limits()).await;
    let mut publisher = broker.publisher(0).await;
    let mut peer = Peer::connect(&broker.subscribers, "SUB", 0).await;
    peer.send(&message(&[b"\x01a", b"no subscription", b"\x01b", b"", b"\x00a"])).await;
    peer.settle().await;
    assert_eq!(publisher.told().await, "+b", "a came and went before the publisher was told");
    assert_eq!(broker.counters.figures().ignored, 2);
    broker.end().await;
}

#[tokio::test]
async fn topics_match_by_prefix_and_an_empty_one_matches_all() {
    let broker = broker(limits()).await;
    let mut publisher = broker.publisher(1).await;
    let mut bob = broker.subscriber(1, &["bob"]).await;
    let mut all = broker.subscriber(0, &[""]).await;
    let mut none = broker.subscriber(1, &[]).await;
    for topic in [&b"bo"[..], b"bob", b"bobby", b"", b"alice"] {
        publisher.publish(&[topic, b"."]).await;
        all.expect(&[topic, b"."]).await;
    }
    bob.expect(&[b"bob", b"."]).await;
    bob.expect(&[b"bobby", b"."]).await;
    for peer in [&mut bob, &mut none] {
        peer.expect_nothing().await;
    }
    broker.end().await;
}

#[tokio::test]
async fn a_subscription_is_in_a_set_and_a_message_comes_once() {
    let broker = broker(limits()).await;
    let mut publisher = broker.publisher(0).await;
    let mut peer = broker.subscriber(1, &["a", "a", "ab", ""]).await;
    publisher.publish(&[b"abc"]).await;
    publisher.publish(&[b"z"]).await;
    peer.expect(&[b"abc"]).await;
    peer.expect(&[b"z"]).await;
    peer.cancel("").await;
    peer.cancel("a").await;
    peer.settle().await;
    publisher.publish(&[b"ac"]).await;
    publisher.publish(&[b"abd"]).await;
    peer.expect(&[b"abd"]).await;
    for told in ["+a", "+ab", "+", "-", "-a"] {
        assert_eq!(publisher.told().await, told);
    }
    broker.end().await;
}

#[tokio::test]
async fn publishers_hear_of_the_first_and_the_last_subscriber_only() {
    let broker = broker(limits()).await;
    let mut publisher = broker.publisher(1).await;
    let first = broker.subscriber(1, &["t"]).await;
    let mut second = broker.subscriber(0, &["t"]).await;
    assert_eq!(publisher.told().await, "+t");
    drop(first);
    second.subscribe("u").await;
    assert_eq!(publisher.told().await, "+u", "the first one's end is no news");
    drop(second);
    let mut last = [publisher.told().await, publisher.told().await];
    last.sort();
    assert_eq!(last, ["-t", "-u"]);
    broker.end().await;
}

#[tokio::test]
async fn a_publisher_that_comes_later_is_told_of_all_there_are() {
    let broker = broker(limits()).await;
    let names: Vec<String> = (0..3000).map(|number| format!("topic-{number:05}")).collect();
    let topics: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut subscriber = broker.subscriber(1, &topics).await;
    for minor in [0, 1] {
        let mut publisher = Peer::connect(&broker.publishers, "XPUB", minor).await;
        for topic in &topics {
            assert_eq!(publisher.told().await, format!("+{topic}"));
        }
        subscriber.cancel("topic-00007").await;
        assert_eq!(publisher.told().await, "-topic-00007");
        subscriber.subscribe("topic-00007").await;
        assert_eq!(publisher.told().await, "+topic-00007");
    }
    broker.end().await;
}

#[tokio::test]
async fn a_subscription_sent_with_the_handshake_counts() {
    let broker = broker(limits()).await;
    let mut publisher = broker.publisher(1).await;
    let mut stream = Peer::open(&broker.subscribers).await;
    let all = [crate::raw::greeting(1), crate::raw::ready("SUB"), subscription(1, true, "early")].concat();
    tokio::io::AsyncWriteExt::write_all(&mut stream, &all).await.unwrap();
    assert_eq!(publisher.told().await, "+early");
    broker.end().await;
}

#[tokio::test]
async fn user_messages_and_unknown_commands_of_subscribers_are_ignored() {
    let broker = broker(limits()).await;
    let mut publisher = broker.publisher(1).await;
    let mut peer = broker.subscriber(1, &[]).await;
    for _ in 0..1000 {
        peer.send(&[message(&[b"hello", b"broker"]), command("HELLO", b"there"), frame(0, b"")].concat())
            .await;
    }
    peer.subscribe("x").await;
    assert_eq!(publisher.told().await, "+x");
    assert_eq!(broker.counters.figures().ignored, 3000);
    broker.end().await;
}
