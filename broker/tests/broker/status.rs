//! Asking a running broker for its status.

use std::collections::BTreeMap;

use bytes::Bytes;
use recado_broker::limits::{STATUS_CONNECTIONS_MAX, STATUS_REQUEST_BYTES_MAX};
use recado_broker::{Broker, Config, Counters, Limits};
use recado_zmtp::{Dealer, Endpoint, Framing, Message};
use serde_json::Value;
use tokio::io::AsyncReadExt;
use tokio_util::sync::CancellationToken;

use crate::raw::{Peer, Running, limits, message, within};

async fn broker(limits: Limits) -> (Running, Endpoint) {
    let any: Endpoint = "tcp://127.0.0.1:0".parse().unwrap();
    let config = Config::new(any.clone(), any.clone(), false, limits).unwrap();
    let broker = Broker::bind(config.with_status(any).unwrap()).await.unwrap();
    let (publishers, subscribers) =
        (broker.publishers_endpoint().clone(), broker.subscribers_endpoint().clone());
    let status = broker.status_endpoint().unwrap().clone();
    let (counters, shutdown) = (broker.counters(), CancellationToken::new());
    let stop = shutdown.clone();
    let task = tokio::spawn(async move { broker.run(stop).await.unwrap() });
    (Running { publishers, subscribers, counters, shutdown, task }, status)
}

struct Asker(Dealer);

impl Asker {
    fn connect(endpoint: &Endpoint, framing: Framing) -> Asker {
        Asker(Dealer::connect(std::slice::from_ref(endpoint), framing, Default::default()))
    }

    async fn exchange(&mut self, frames: &[&'static str]) -> Vec<Bytes> {
        self.send(frames).await;
        within("an answer", self.0.recv()).await.unwrap().into_frames()
    }

    async fn send(&mut self, frames: &[&'static str]) {
        let frames = frames.iter().map(|frame| Bytes::from_static(frame.as_bytes())).collect();
        within("a connection", self.0.send(Message::new(frames))).await.unwrap();
    }

    async fn status(&mut self) -> Value {
        parse(&self.exchange(&["status"]).await)
    }
}

/// The one frame of an answer.
fn parse(frames: &[Bytes]) -> Value {
    let [body] = frames else { panic!("not one frame: {frames:?}") };
    serde_json::from_slice(body).unwrap()
}

/// The figures as the program itself writes them.
fn written(counters: &Counters) -> BTreeMap<String, u64> {
    let written = counters.figures().to_string();
    let pairs = written.split(' ').map(|pair| pair.split_once('=').unwrap());
    pairs.map(|(name, value)| (name.to_owned(), value.parse().unwrap())).collect()
}

#[tokio::test]
async fn all_figures_are_told_with_where_and_within_what_it_works() {
    let (broker, endpoint) = broker(Limits { connections_max: 7, ..limits() }).await;
    let mut subscriber = broker.subscriber(1, &["a", "b"]).await;
    let mut publisher = broker.publisher(1).await;
    publisher.publish(&[b"a", b"body"]).await;
    publisher.publish(&[b"c", b"body"]).await;
    subscriber.expect(&[b"a", b"body"]).await;
    publisher.settle().await;
    let status = Asker::connect(&endpoint, Framing::Delimited).status().await;
    assert_eq!(status["format"], 1);
    assert_eq!(status["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(status["publishers"], broker.publishers.to_string());
    assert_eq!(status["subscribers"], broker.subscribers.to_string());
    assert!(status["uptime_s"].as_f64().unwrap() > 0.0, "{status}");
    assert_eq!(status["limits"]["connections_max"], 7);
    assert_eq!(status["limits"]["queue_bytes_max"], Limits::default().queue_bytes_max);
    assert_eq!(status["limits"]["slow_subscriber"], "drop");
    let figures: BTreeMap<String, u64> = serde_json::from_value(status["figures"].clone()).unwrap();
    assert_eq!(figures, written(&broker.counters));
    for (name, value) in [
        ("messages_in", 2),
        ("messages_out", 1),
        ("unwanted", 1),
        ("connections", 2),
        ("subscribers", 1),
        ("subscriptions", 2),
        ("slow_subscribers", 0),
    ] {
        assert_eq!(figures[name], value, "{name}");
    }
    assert!(figures["subscription_bytes"] > 2, "topics and what is kept with them");
    broker.end().await;
}

#[tokio::test]
async fn the_answer_has_the_envelope_of_its_request() {
    let (broker, endpoint) = broker(limits()).await;
    let mut bare = Asker::connect(&endpoint, Framing::Raw);
    assert_eq!(parse(&bare.exchange(&["status"]).await)["format"], 1);
    let answer = bare.exchange(&["", "status"]).await;
    assert_eq!((&answer[0][..], &parse(&answer[1..])["format"]), (&b""[..], &Value::from(1)));
    let answer = bare.exchange(&["proxy", "", "status"]).await;
    assert_eq!((&answer[0][..], &answer[1][..]), (&b"proxy"[..], &b""[..]));
    assert_eq!(parse(&answer[2..])["format"], 1);
    for minor in [0, 1] {
        let mut req = Peer::connect(&endpoint, "REQ", minor).await;
        req.publish(&[b"", b"status"]).await;
        let answer = req.message().await;
        assert_eq!((answer.len(), &answer[0][..], answer[1][0]), (2, &b""[..], b'{'));
    }
    broker.end().await;
}

#[tokio::test]
async fn what_is_not_the_request_is_refused_with_a_sentence() {
    let (broker, endpoint) = broker(limits()).await;
    let mut asker = Asker::connect(&endpoint, Framing::Delimited);
    for word in ["", "Status", "status ", "stop", "\u{0}\u{7}"] {
        let refusal = parse(&asker.exchange(&[word]).await);
        assert_eq!(refusal["format"], 1);
        assert_eq!(refusal["error"], "unknown request; the only one is: status", "{word:?}");
        assert_eq!(refusal.get("figures"), None);
    }
    assert_eq!(parse(&asker.exchange(&["status", "status"]).await)["error"], "a request is one frame");
    let mut bare = Asker::connect(&endpoint, Framing::Raw);
    bare.send(&["status", "status"]).await;
    assert_eq!(bare.status().await["format"], 1, "what was no request at all got no answer");
    broker.end().await;
}

#[tokio::test]
async fn subscribers_that_are_behind_are_counted_until_they_have_caught_up_or_left() {
    let (broker, endpoint) = broker(limits()).await;
    let mut asker = Asker::connect(&endpoint, Framing::Delimited);
    let mut late = broker.subscriber(1, &["t"]).await;
    let gone = broker.subscriber(1, &["t"]).await;
    let mut publisher = broker.publisher(1).await;
    let mut sent = 0u32;
    while slow(&mut asker).await < 2 {
        publisher.publish(&[b"t", &sent.to_be_bytes(), &[0; 60_000]]).await;
        sent += 1;
    }
    drop(gone);
    while slow(&mut asker).await > 1 {
        tokio::task::yield_now().await;
    }
    for number in 0..sent {
        assert_eq!(late.message().await[1], number.to_be_bytes());
    }
    while slow(&mut asker).await > 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(broker.counters.figures().dropped_slow, 0);
    broker.end().await;
}

async fn slow(asker: &mut Asker) -> u64 {
    asker.status().await["figures"]["slow_subscribers"].as_u64().unwrap()
}

#[tokio::test]
async fn a_handshake_under_way_is_a_connection() {
    let (broker, endpoint) = broker(limits()).await;
    let mut asker = Asker::connect(&endpoint, Framing::Delimited);
    let stream = Peer::open(&broker.subscribers).await;
    let connections = |status: Value| status["figures"]["connections"].as_u64().unwrap();
    within("the connection", async { while connections(asker.status().await) == 0 {} }).await;
    drop(stream);
    within("its end", async { while connections(asker.status().await) > 0 {} }).await;
    broker.end().await;
}

#[tokio::test]
async fn who_asks_too_much_harms_nobody() {
    let (broker, endpoint) = broker(limits()).await;
    let mut asker = Asker::connect(&endpoint, Framing::Delimited);
    let mut large = Peer::connect(&endpoint, "REQ", 1).await;
    large.publish(&[b"", &[b's'; STATUS_REQUEST_BYTES_MAX + 1]]).await;
    large.closed().await;
    let mut many = Peer::connect(&endpoint, "DEALER", 1).await;
    many.publish(&[&b"x"[..]; 100]).await;
    many.closed().await;
    let mut deaf = Peer::connect(&endpoint, "DEALER", 1).await;
    deaf.send(&message(&[b"status"]).repeat(20_000)).await;
    for _ in 0..100 {
        assert_eq!(asker.status().await["format"], 1);
    }
    broker.end().await;
}

#[tokio::test]
async fn one_connection_too_many_is_closed_and_the_others_are_answered() {
    let (broker, endpoint) = broker(limits()).await;
    let mut peers = Vec::new();
    for _ in 0..STATUS_CONNECTIONS_MAX {
        peers.push(Peer::connect(&endpoint, "REQ", 1).await);
    }
    let mut refused = Peer::open(&endpoint).await;
    assert!(matches!(within("the refusal", refused.read(&mut [0])).await, Ok(0) | Err(_)));
    for peer in &mut peers {
        peer.publish(&[b"", b"status"]).await;
        assert_eq!(peer.message().await.len(), 2);
    }
    broker.end().await;
}

#[tokio::test]
async fn it_ends_with_the_broker_and_not_before_it_has_written_what_waits() {
    let (broker, endpoint) = broker(Limits { linger: std::time::Duration::from_secs(60), ..limits() }).await;
    let mut asker = Asker::connect(&endpoint, Framing::Delimited);
    let mut subscriber = broker.subscriber(1, &["t"]).await;
    let mut publisher = broker.publisher(1).await;
    for _ in 0..200 {
        publisher.publish(&[b"t", &[0; 60_000]]).await;
    }
    publisher.settle().await;
    broker.shutdown.cancel();
    publisher.closed().await;
    assert!(asker.status().await["figures"]["queued_bytes"].as_u64().unwrap() > 0);
    let mut asked = Peer::connect(&endpoint, "REQ", 1).await;
    subscriber.closed().await;
    asked.closed().await;
    within("the end", broker.task).await.unwrap();
}

#[tokio::test]
async fn a_port_in_use_is_said() {
    let (broker, endpoint) = broker(limits()).await;
    let any: Endpoint = "tcp://127.0.0.1:0".parse().unwrap();
    let config = Config::new(any.clone(), any, false, limits()).unwrap();
    let error = Broker::bind(config.with_status(endpoint.clone()).unwrap()).await.unwrap_err().to_string();
    assert!(error.contains(&endpoint.to_string()) && error.contains("in use"), "{error}");
    broker.end().await;
}
