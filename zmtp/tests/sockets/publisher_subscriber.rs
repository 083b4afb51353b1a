//! Publications.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use tokio::net::TcpListener;

use recado_zmtp::{
    Message, PeerId, Publisher, SocketEventKind, SocketOptions, Subscriber, SubscriptionListener,
};

use super::raw_peer::{RawPeer, command, frame};
use super::{anywhere, disconnected, event, message, publisher, soon, subscriber, until};

/// Publishes until somebody takes it: the subscription is there then.
async fn published(publisher: &Publisher, what: &Message) {
    until(|| publisher.try_send(what) > 0).await;
}

#[tokio::test]
async fn what_begins_with_a_topic_arrives_and_nothing_else() {
    let (publisher, endpoint) = publisher(SocketOptions::default()).await;
    let mut subscriber = subscriber(&endpoint, &["bob", "geral"]);
    published(&publisher, &message(&["geral", "ready"])).await;
    published(&publisher, &message(&["bob", "ready"])).await;
    for topic in ["bo", "bobby", "tech", "bob", "", "geral"] {
        publisher.try_send(&message(&[topic, "x"]));
    }
    let expect = [["geral", "ready"], ["bob", "ready"], ["bobby", "x"], ["bob", "x"], ["geral", "x"]];
    for frames in expect {
        assert_eq!(soon(subscriber.recv()).await, Some(message(&frames)));
    }
}

#[tokio::test]
async fn unsubscribing_ends_it_and_subscribing_twice_counts_once() {
    let (publisher, endpoint) = publisher(SocketOptions::default()).await;
    let subscriber = subscriber(&endpoint, &["a", "a"]);
    published(&publisher, &message(&["a"])).await;
    subscriber.subscribe("a");
    subscriber.unsubscribe(b"a");
    subscriber.unsubscribe(b"never");
    until(|| publisher.try_send(&message(&["a"])) == 0).await;
}

#[tokio::test]
async fn a_publisher_connects_and_a_subscriber_listens() {
    let mut subscriber = Subscriber::bind(&anywhere(), SocketOptions::default()).await.unwrap();
    subscriber.subscribe("");
    let endpoint = subscriber.local_endpoint().unwrap().clone();
    let publishers =
        [0, 1].map(|_| Publisher::connect(std::slice::from_ref(&endpoint), SocketOptions::default()));
    for (index, publisher) in publishers.iter().enumerate() {
        let index = index.to_string();
        published(publisher, &message(&[&index])).await;
        assert_eq!(soon(subscriber.recv()).await, Some(message(&[&index])));
    }
}

#[tokio::test]
async fn one_message_reaches_all_in_order_whatever_its_size() {
    let (publisher, endpoint) = publisher(SocketOptions::default()).await;
    let mut subscribers = [0; 3].map(|_| subscriber(&endpoint, &["t"]));
    until(|| publisher.stats().connections == 3).await;
    until(|| publisher.try_send(&message(&["t", "ready"])) == 3).await;
    let bodies: Vec<_> = [3, 5000, 0, 100_000, 4096, 1].map(|size| Bytes::from(vec![b'x'; size])).into();
    for body in &bodies {
        soon(publisher.send(Message::new(vec!["t".into(), body.clone()]))).await.unwrap();
    }
    for subscriber in &mut subscribers {
        let mut received = Vec::new();
        while received.len() < bodies.len() {
            let body = soon(subscriber.recv()).await.unwrap().frames()[1].clone();
            if body != "ready" {
                received.push(body);
            }
        }
        assert_eq!(received, bodies);
    }
}

#[tokio::test]
async fn sending_waits_for_a_peer_and_for_room_and_loses_nothing() {
    let options = SocketOptions { send_queue_messages_max: 3, publish_filter: false, ..Default::default() };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = anywhere().with_port(listener.local_addr().unwrap().port());
    let publisher = Publisher::connect(&[endpoint], options);
    let sending = tokio::spawn(async move {
        for number in 0..3000 {
            publisher
                .send(Message::new(vec![number.to_string().into(), vec![0; 3000].into()]))
                .await
                .unwrap();
        }
        publisher.flush().await;
        publisher
    });
    let mut peer = RawPeer::accept(&listener).await;
    peer.shake_hands("SUB", 1).await;
    for number in 0..3000 {
        assert_eq!(peer.take_message().await[0], number.to_string().as_bytes());
    }
    let publisher = soon(sending).await.unwrap();
    assert_eq!((publisher.stats().dropped, publisher.stats().lost), (0, 0));
}

#[tokio::test]
async fn without_the_filter_every_peer_gets_everything() {
    let (publisher, endpoint) =
        publisher(SocketOptions { publish_filter: false, ..Default::default() }).await;
    let mut peer = RawPeer::shaken(&endpoint, "XSUB", 1).await;
    soon(publisher.send(message(&["topic", "body"]))).await.unwrap();
    assert_eq!(peer.take_message().await, [&b"topic"[..], b"body"]);
}

#[tokio::test]
async fn without_the_filter_more_subscriptions_than_it_would_keep_do_no_harm() {
    let options = SocketOptions { publish_filter: false, subscriptions_max: 2, ..Default::default() };
    let (publisher, endpoint) = publisher(options).await;
    let mut peer = RawPeer::shaken(&endpoint, "XSUB", 1).await;
    for number in 0..10 {
        peer.send(&command("SUBSCRIBE", number.to_string().as_bytes())).await;
    }
    peer.send(&command("PING", b"\0\0all")).await;
    let pong = command("PONG", b"all");
    assert_eq!(peer.take(pong.len()).await, pong);
    soon(publisher.send(message(&["topic", "body"]))).await.unwrap();
    assert_eq!(peer.take_message().await, [&b"topic"[..], b"body"]);
}

#[tokio::test]
async fn what_nobody_wants_is_sent_at_once_to_nobody() {
    let (publisher, endpoint) = publisher(SocketOptions::default()).await;
    let _peer = RawPeer::shaken(&endpoint, "SUB", 1).await;
    soon(publisher.send(message(&["topic"]))).await.unwrap();
    soon(publisher.flush()).await;
}

#[tokio::test]
async fn both_forms_of_subscription_are_taken_from_any_peer() {
    for minor in [0, 1] {
        let (publisher, endpoint) = publisher(SocketOptions::default()).await;
        let mut peer = RawPeer::shaken(&endpoint, "SUB", minor).await;
        for (subscribe, cancel) in [
            (command("SUBSCRIBE", b"t"), command("CANCEL", b"t")),
            (frame(0, b"\x01t"), frame(0, b"\x00t")),
            (frame(0, b"\x01t"), command("CANCEL", b"t")),
            // Each part of a multipart message is one.
            (
                [frame(1, b"\x01other"), frame(0, b"\x01t")].concat(),
                [frame(1, b"\x00t"), frame(0, b"x")].concat(),
            ),
        ] {
            peer.send(&subscribe).await;
            published(&publisher, &message(&["t"])).await;
            assert_eq!(peer.take_message().await, [b"t"]);
            peer.send(&cancel).await;
            until(|| publisher.try_send(&message(&["t"])) == 0).await;
            soon(publisher.flush()).await;
            // What was sent before the cancellation arrived.
            publisher.try_send(&message(&["other"]));
            peer.send(&command("SUBSCRIBE", b"end")).await;
            published(&publisher, &message(&["end"])).await;
            while peer.take_message().await != [b"end"] {}
            peer.send(&[command("CANCEL", b"end"), command("CANCEL", b"other")].concat()).await;
        }
    }
}

#[tokio::test]
async fn subscriptions_go_out_in_the_form_the_peer_knows() {
    for (minor, subscribe, cancel) in [
        (1, command("SUBSCRIBE", b"geral"), command("CANCEL", b"geral")),
        (0, frame(0, b"\x01geral"), frame(0, b"\x00geral")),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = anywhere().with_port(listener.local_addr().unwrap().port());
        let subscriber = subscriber(&endpoint, &["geral"]);
        let mut peer = RawPeer::accept(&listener).await;
        peer.shake_hands("PUB", minor).await;
        assert_eq!(peer.take(subscribe.len()).await, subscribe);
        subscriber.unsubscribe(b"geral");
        assert_eq!(peer.take(cancel.len()).await, cancel);
    }
}

#[tokio::test]
async fn a_slow_subscriber_loses_and_is_counted_and_others_do_not() {
    let options =
        SocketOptions { send_queue_messages_max: 2, heartbeat_interval: None, ..Default::default() };
    let (publisher, endpoint) = publisher(options).await;
    let mut stuck = RawPeer::shaken(&endpoint, "SUB", 1).await;
    stuck.send(&command("SUBSCRIBE", b"")).await;
    let large = Message::new(vec!["large".into(), vec![0; 500_000].into()]);
    until(|| {
        publisher.try_send(&large);
        publisher.stats().dropped > 0
    })
    .await;
    let mut other = subscriber(&endpoint, &["small"]);
    published(&publisher, &message(&["small"])).await;
    assert_eq!(soon(other.recv()).await, Some(message(&["small"])));
    // What the stuck one takes after all are whole messages.
    assert_eq!(stuck.take_message().await, large.frames());

    let mut events = publisher.events();
    drop(stuck);
    disconnected(&mut events).await;
    assert!(publisher.stats().lost > 0);
}

#[tokio::test]
async fn a_subscriber_filters_what_a_publisher_does_not() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = anywhere().with_port(listener.local_addr().unwrap().port());
    let mut subscriber = subscriber(&endpoint, &["bob"]);
    let mut peer = RawPeer::accept(&listener).await;
    peer.shake_hands("PUB", 1).await;
    peer.send(&[frame(0, b"tech"), frame(0, b"bo"), frame(1, b"bobby"), frame(0, b"x")].concat()).await;
    assert_eq!(soon(subscriber.recv()).await, Some(message(&["bobby", "x"])));
}

#[tokio::test]
async fn too_many_subscriptions_end_the_connection() {
    let options = SocketOptions { subscriptions_max: 3, ..Default::default() };
    let (publisher, endpoint) = publisher(options).await;
    let mut events = publisher.events();
    let mut peer = RawPeer::shaken(&endpoint, "SUB", 1).await;
    for topic in ["a", "b", "c", "a"] {
        peer.send(&command("SUBSCRIBE", topic.as_bytes())).await;
    }
    published(&publisher, &message(&["c"])).await;
    peer.send(&frame(0, b"\x01d")).await;
    let reason = disconnected(&mut events).await;
    assert!(reason.contains("more than 3 topics"), "{reason}");
    assert_eq!(publisher.stats().broken, 1);
}

#[tokio::test]
async fn a_new_topic_reaches_publishers_that_are_connected_already() {
    let (publisher, endpoint) = publisher(SocketOptions::default()).await;
    let mut subscriber = subscriber(&endpoint, &[]);
    let mut events = publisher.events();
    event(&mut events, |kind| matches!(kind, SocketEventKind::Accepted { .. }).then_some(())).await;
    subscriber.subscribe("late");
    published(&publisher, &message(&["late"])).await;
    assert_eq!(soon(subscriber.recv()).await, Some(message(&["late"])));
}

/// What a listener was told, one line for each thing.
#[derive(Default)]
struct Told(Mutex<Vec<String>>);

impl SubscriptionListener for Told {
    fn subscribed(&self, _: PeerId, topic: &[u8]) {
        self.0.lock().unwrap().push(format!("+{}", String::from_utf8_lossy(topic)));
    }

    fn cancelled(&self, _: PeerId, topic: &[u8]) {
        self.0.lock().unwrap().push(format!("-{}", String::from_utf8_lossy(topic)));
    }

    fn left(&self, _: PeerId) {
        self.0.lock().unwrap().push("left".to_owned());
    }
}

#[tokio::test]
async fn a_listener_is_told_of_subscriptions_without_the_filter_too() {
    let told = Arc::new(Told::default());
    let subscriber = Subscriber::bind(&anywhere(), SocketOptions::default()).await.unwrap();
    subscriber.subscribe("early");
    let endpoint = subscriber.local_endpoint().unwrap().clone();
    let options = SocketOptions { publish_filter: false, ..Default::default() };
    let listener: Arc<dyn SubscriptionListener> = Arc::clone(&told) as _;
    let _publisher = Publisher::connect_with_listener(&[endpoint], options, listener);
    let has = |count| told.0.lock().unwrap().len() == count;
    until(|| has(1)).await;
    subscriber.subscribe("late");
    subscriber.unsubscribe(b"early");
    until(|| has(3)).await;
    drop(subscriber);
    until(|| has(4)).await;
    assert_eq!(*told.0.lock().unwrap(), ["+early", "+late", "-early", "left"]);
}
