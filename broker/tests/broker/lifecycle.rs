//! Beginning, ending, and peers that come, fall silent and go.

use std::time::Duration;

use recado_broker::{Broker, Config, Limits};
use tokio::io::AsyncReadExt;
use tokio_util::sync::CancellationToken;

use crate::raw::{Peer, broker, command, limits, message, within};

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

#[tokio::test]
async fn a_port_in_use_is_said_and_a_dropped_broker_frees_its_ports() {
    let any: recado_zmtp::Endpoint = "tcp://127.0.0.1:0".parse().unwrap();
    let config = Config::new(any.clone(), any.clone(), false, limits()).unwrap();
    let first = Broker::bind(config).await.unwrap();
    let taken = first.subscribers_endpoint().clone();
    let again = Config::new(any.clone(), taken.clone(), false, limits()).unwrap();
    let error = Broker::bind(again.clone()).await.unwrap_err().to_string();
    assert!(error.contains(&taken.to_string()) && error.contains("in use"), "{error}");
    drop(first);
    let second = within("the port", async {
        loop {
            match Broker::bind(again.clone()).await {
                Ok(broker) => return broker,
                Err(_) => tokio::task::yield_now().await,
            }
        }
    });
    assert_eq!(*second.await.subscribers_endpoint(), taken);
}

#[tokio::test]
async fn it_listens_on_unix_sockets() {
    let folder = std::env::temp_dir().join(format!("recado-broker-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let endpoint = |name: &str| {
        format!("ipc://{}", folder.join(name).display()).parse::<recado_zmtp::Endpoint>().unwrap()
    };
    let config = Config::new(endpoint("pub"), endpoint("sub"), false, limits()).unwrap();
    let broker = Broker::bind(config).await.unwrap();
    let shutdown = CancellationToken::new();
    let task = tokio::spawn(broker.run(shutdown.clone()));
    let mut subscriber = recado_zmtp::Subscriber::connect(&[endpoint("sub")], Default::default());
    subscriber.subscribe("t");
    let publisher = recado_zmtp::Publisher::connect(&[endpoint("pub")], Default::default());
    let frames = vec![bytes::Bytes::from_static(b"t"), bytes::Bytes::from_static(b"over ipc")];
    within("the subscription", async {
        while publisher.try_send(&recado_zmtp::Message::new(frames.clone())) == 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let received = within("a message", subscriber.recv()).await.unwrap();
    assert_eq!(received.frames(), frames);
    shutdown.cancel();
    within("the end", task).await.unwrap().unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
}

#[tokio::test]
async fn at_the_end_what_waits_is_written_first() {
    let broker = broker(Limits { linger: ms(60_000), ..limits() }).await;
    let mut subscriber = broker.subscriber(1, &["t"]).await;
    let mut publisher = broker.publisher(1).await;
    let count = 200u32;
    for number in 0..count {
        publisher.publish(&[b"t", &number.to_be_bytes(), &[0; 60_000]]).await;
    }
    publisher.settle().await;
    assert!(broker.counters.figures().queued_bytes > 0, "more than the kernel takes");
    broker.shutdown.cancel();
    for number in 0..count {
        assert_eq!(subscriber.message().await[1], number.to_be_bytes());
    }
    assert_eq!(subscriber.frame().await, None);
    drop(subscriber);
    assert_eq!(publisher.frame().await.map(|frame| frame.flags), Some(4), "what it was told");
    publisher.closed().await;
    within("the end", broker.task).await.unwrap();
    assert_eq!(broker.counters.figures().messages_out, u64::from(count));
}

#[tokio::test]
async fn at_the_end_a_stalled_subscriber_is_waited_for_no_longer_than_allowed() {
    let broker = broker(Limits { linger: ms(50), ..limits() }).await;
    let subscriber = broker.subscriber(1, &["t"]).await;
    let mut publisher = broker.publisher(1).await;
    for _ in 0..200 {
        publisher.publish(&[b"t", &[0; 60_000]]).await;
    }
    publisher.settle().await;
    broker.end().await;
    drop(subscriber);
}

#[tokio::test]
async fn dropping_the_run_ends_it() {
    let broker = broker(limits()).await;
    let mut subscriber = broker.subscriber(1, &["t"]).await;
    broker.task.abort();
    subscriber.closed().await;
}

#[tokio::test]
async fn too_many_connections_are_refused_until_others_leave() {
    let broker = broker(Limits { connections_max: 2, ..limits() }).await;
    let mut publisher = broker.publisher(1).await;
    let subscriber = broker.subscriber(1, &["t"]).await;
    assert_eq!(publisher.told().await, "+t");
    let mut refused = Peer::open(&broker.subscribers).await;
    let mut byte = [0];
    let end = refused.read(&mut byte);
    assert!(matches!(within("the refusal", end).await, Ok(0) | Err(_)));
    assert_eq!(broker.counters.figures().refused, 1);
    drop(subscriber);
    assert_eq!(publisher.told().await, "-t");
    within("a place", async {
        loop {
            let mut stream = Peer::open(&broker.subscribers).await;
            if matches!(stream.read(&mut [0]).await, Ok(1)) {
                return;
            }
        }
    })
    .await;
    broker.end().await;
}

#[tokio::test]
async fn a_silent_peer_of_3_1_is_asked_and_then_closed_and_one_of_3_0_is_not() {
    let limits = Limits { heartbeat_interval: Some(ms(100)), heartbeat_timeout: ms(100), ..limits() };
    let broker = broker(limits).await;
    let mut old = Peer::connect(&broker.subscribers, "SUB", 0).await;
    for (endpoint, kind) in [(&broker.subscribers, "SUB"), (&broker.publishers, "PUB")] {
        let mut silent = Peer::connect(endpoint, kind, 1).await;
        let ping = silent.frame().await.unwrap();
        assert!(ping.flags == 4 && ping.body.starts_with(b"\x04PING"));
        silent.closed().await;
    }
    assert_eq!(broker.counters.figures().closed_silent, 2);
    old.expect_nothing().await;
    broker.end().await;
}

#[tokio::test]
async fn a_peer_that_answers_pings_stays() {
    let limits = Limits { heartbeat_interval: Some(ms(50)), heartbeat_timeout: ms(20_000), ..limits() };
    let broker = broker(limits).await;
    let mut peer = Peer::connect(&broker.subscribers, "SUB", 1).await;
    for _ in 0..3 {
        assert!(peer.frame().await.unwrap().body.starts_with(b"\x04PING"));
        peer.send(&command("PONG", b"")).await;
    }
    broker.end().await;
}

#[tokio::test]
async fn a_peers_own_promise_to_speak_is_honoured() {
    let broker = broker(Limits { heartbeat_interval: None, ..limits() }).await;
    let mut peer = Peer::connect(&broker.subscribers, "SUB", 0).await;
    peer.send(&command("PING", b"\x00\x01")).await;
    assert_eq!(peer.frame().await.unwrap().body, b"\x04PONG");
    peer.closed().await;
    assert_eq!(broker.counters.figures().closed_silent, 1);
    broker.end().await;
}

#[tokio::test]
async fn the_figures_add_up() {
    let broker = broker(limits()).await;
    let mut publisher = broker.publisher(1).await;
    let mut a = broker.subscriber(1, &["a", "b"]).await;
    let mut b = broker.subscriber(1, &["a"]).await;
    for topic in [&b"a"[..], b"b", b"c"] {
        publisher.publish(&[topic, b"body"]).await;
    }
    a.expect(&[b"a", b"body"]).await;
    a.expect(&[b"b", b"body"]).await;
    b.expect(&[b"a", b"body"]).await;
    publisher.settle().await;
    // Another worker counts what it has written just after.
    within("all counted", async {
        while broker.counters.figures().messages_out < 3 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let figures = broker.counters.figures();
    assert_eq!((figures.messages_in, figures.messages_out, figures.unwanted), (3, 3, 1));
    assert_eq!(figures.bytes_in, 3 * message(&[b"a", b"body"]).len() as u64);
    assert_eq!(
        (figures.publishers, figures.subscribers, figures.subscriptions, figures.topics),
        (1, 2, 3, 2)
    );
    broker.end().await;
}
