//! A secured broker, CURVE peers, and a server that answers its questions.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use recado_broker::{Broker, Config, Limits};
use recado_zmtp::codec::{HandshakeConfig, SocketType};
use recado_zmtp::curve::{KeyPair, PublicKey, Security};
use recado_zmtp::transport::{Asked, EstablishError, Established, Stream, ask_key, establish};
use recado_zmtp::{
    Dealer, Endpoint, Framing, Message, PeerId, Publisher, SocketOptions, Subscriber, SubscriptionListener,
};
use tokio::io::AsyncReadExt;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::{JoinHandle, yield_now};
use tokio_util::sync::CancellationToken;

use crate::raw::{Running, limits, within};

struct Secured {
    broker: Running,
    status: Endpoint,
    keys: KeyPair,
}

impl Secured {
    async fn start(limits: Limits) -> Secured {
        let (any, keys): (Endpoint, _) = ("tcp://127.0.0.1:0".parse().unwrap(), KeyPair::generate());
        let config = Config::secured(any.clone(), any.clone(), keys.clone(), limits).unwrap();
        let broker = Broker::bind(config.with_status(any).unwrap()).await.unwrap();
        let (publishers, subscribers) =
            (broker.publishers_endpoint().clone(), broker.subscribers_endpoint().clone());
        let status = broker.status_endpoint().unwrap().clone();
        let (counters, shutdown) = (broker.counters(), CancellationToken::new());
        let stop = shutdown.clone();
        let task = tokio::spawn(async move { broker.run(stop).await.unwrap() });
        Secured { broker: Running { publishers, subscribers, counters, shutdown, task }, status, keys }
    }

    fn as_client(&self, keys: &KeyPair) -> Security {
        Security::CurveClient { keys: keys.clone(), server: self.keys.public() }
    }

    fn options(&self, keys: &KeyPair) -> SocketOptions {
        SocketOptions { security: self.as_client(keys), publish_filter: false, ..SocketOptions::default() }
    }

    fn subscriber(&self, keys: &KeyPair, topics: &[&'static str]) -> Subscriber {
        let endpoint = std::slice::from_ref(&self.broker.subscribers);
        let subscriber = Subscriber::connect(endpoint, self.options(keys));
        topics.iter().for_each(|topic| subscriber.subscribe(*topic));
        subscriber
    }

    /// Shakes hands as somebody with these keys.
    async fn knock(&self, endpoint: &Endpoint, kind: SocketType, keys: &KeyPair) -> Option<Established> {
        self.try_knock(endpoint, kind, keys).await.ok()
    }

    async fn try_knock(
        &self,
        endpoint: &Endpoint,
        kind: SocketType,
        keys: &KeyPair,
    ) -> Result<Established, EstablishError> {
        let stream = Stream::connect(endpoint).await.unwrap();
        let config = HandshakeConfig { security: self.as_client(keys), ..HandshakeConfig::new(kind) };
        within("a handshake", establish(stream, config, Duration::from_secs(60))).await
    }

    async fn until(&self, what: &str, is_so: impl Fn(recado_broker::Figures) -> bool) {
        within(what, async {
            while !is_so(self.broker.counters.figures()) {
                yield_now().await;
            }
        })
        .await;
    }
}

/// Answers what it is asked, by what it knows.
struct Server {
    publisher: Arc<Publisher>,
    known: Arc<Mutex<Known>>,
    answering: JoinHandle<()>,
}

#[derive(Default)]
struct Known {
    /// The questions whose answer is yes.
    granted: BTreeSet<Vec<u8>>,
    /// Those that are asked now.
    asked: BTreeSet<Vec<u8>>,
    /// Whose key each question is about, if it is not ana.
    users: BTreeMap<Vec<u8>, &'static str>,
}

struct Listener(Arc<Mutex<Known>>, UnboundedSender<Vec<u8>>);

impl SubscriptionListener for Listener {
    fn subscribed(&self, _: PeerId, topic: &[u8]) {
        if topic.starts_with(b"_may.") {
            self.0.lock().unwrap().asked.insert(topic.to_vec());
            let _ = self.1.send(topic.to_vec());
        }
    }

    fn cancelled(&self, _: PeerId, topic: &[u8]) {
        self.0.lock().unwrap().asked.remove(topic);
    }

    fn left(&self, _: PeerId) {
        self.0.lock().unwrap().asked.clear();
    }
}

fn question(key: &PublicKey, topic: Option<&str>) -> Vec<u8> {
    let hex: String = key.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    topic.map_or(format!("_may.{hex}"), |topic| format!("_may.{hex}.{topic}")).into_bytes()
}

async fn answer(publisher: &Publisher, known: &Mutex<Known>, question: Vec<u8>) {
    let (granted, user) = {
        let known = known.lock().unwrap();
        (known.granted.contains(&question), known.users.get(&question).copied().unwrap_or("ana"))
    };
    let (code, user) = if granted { ("200", user) } else { ("404", "") };
    let frames =
        vec![question.into(), Bytes::from_static(code.as_bytes()), Bytes::from_static(user.as_bytes())];
    publisher.send(Message::new(frames)).await.unwrap();
}

impl Server {
    fn start(secured: &Secured) -> Server {
        let known = Arc::new(Mutex::new(Known::default()));
        let (sender, questions) = unbounded_channel();
        let listener = Arc::new(Listener(Arc::clone(&known), sender));
        let endpoint = std::slice::from_ref(&secured.broker.publishers);
        let options = secured.options(&secured.keys);
        let publisher = Arc::new(Publisher::connect_with_listener(endpoint, options, listener));
        let answering = tokio::spawn(Server::answer(Arc::clone(&publisher), Arc::clone(&known), questions));
        Server { publisher, known, answering }
    }

    async fn answer(
        publisher: Arc<Publisher>,
        known: Arc<Mutex<Known>>,
        mut questions: UnboundedReceiver<Vec<u8>>,
    ) {
        while let Some(question) = questions.recv().await {
            answer(&publisher, &known, question).await;
        }
    }

    fn knows(&self, key: &KeyPair, topics: &[&str]) {
        let granted = &mut self.known.lock().unwrap().granted;
        granted.insert(question(&key.public(), None));
        granted.extend(topics.iter().map(|topic| question(&key.public(), Some(topic))));
    }

    fn is_of(&self, key: &KeyPair, user: &'static str) {
        self.known.lock().unwrap().users.insert(question(&key.public(), None), user);
    }

    /// An answer changes, and is told to whoever asked.
    async fn change(&self, key: &KeyPair, topic: Option<&str>, granted: bool) {
        let question = question(&key.public(), topic);
        let asked = {
            let mut known = self.known.lock().unwrap();
            match granted {
                true => known.granted.insert(question.clone()),
                false => known.granted.remove(&question),
            };
            known.asked.contains(&question)
        };
        if asked {
            answer(&self.publisher, &self.known, question).await;
        }
    }

    async fn publish(&self, topic: &'static str, body: &'static str) {
        self.publisher.send(message(topic, body)).await.unwrap();
    }

    async fn stop(self) {
        self.answering.abort();
        let _ = self.answering.await;
        drop(self.publisher);
    }
}

fn message(topic: &'static str, body: &'static str) -> Message {
    Message::new([topic, body].map(|frame| Bytes::from_static(frame.as_bytes())).to_vec())
}

async fn expect(subscriber: &mut Subscriber, topic: &'static str, body: &'static str) {
    let received = within("a message", subscriber.recv()).await.unwrap();
    assert_eq!(received.frames(), message(topic, body).frames());
}

#[tokio::test]
async fn a_member_hears_exactly_what_it_may_and_a_stranger_is_refused() {
    let secured = Secured::start(limits()).await;
    let server = Server::start(&secured);
    let (ana, stranger) = (KeyPair::generate(), KeyPair::generate());
    server.knows(&ana, &["bob", "geral"]);
    let mut subscriber = secured.subscriber(&ana, &["", "b", "bob", "bobby", "geral", "_may."]);
    secured.until("both", |figures| figures.subscriptions == 2).await;
    for topic in ["bobby", "bo", "b", "bob", "_may.", "geral"] {
        server.publish(topic, "x").await;
    }
    expect(&mut subscriber, "bob", "x").await;
    expect(&mut subscriber, "geral", "x").await;
    assert!(secured.knock(&secured.broker.subscribers, SocketType::Sub, &stranger).await.is_none());
    assert_eq!(secured.broker.counters.figures().keys_refused, 1);
    secured.broker.end().await;
}

#[tokio::test]
async fn what_is_granted_later_takes_effect_and_what_is_revoked_ends_at_once() {
    let secured = Secured::start(limits()).await;
    let server = Server::start(&secured);
    let ana = KeyPair::generate();
    server.knows(&ana, &["geral"]);
    let mut subscriber = secured.subscriber(&ana, &["private", "geral"]);
    secured.until("one", |figures| (figures.subscriptions, figures.topics_refused) == (1, 1)).await;
    server.publish("private", "before").await;
    server.change(&ana, Some("private"), true).await;
    server.publish("private", "then").await;
    server.change(&ana, Some("private"), false).await;
    server.publish("private", "after").await;
    server.publish("geral", "still").await;
    expect(&mut subscriber, "private", "then").await;
    expect(&mut subscriber, "geral", "still").await;
    secured.broker.end().await;
}

#[tokio::test]
async fn a_revoked_key_loses_all_its_connections_at_once() {
    let secured = Secured::start(limits()).await;
    let server = Server::start(&secured);
    let (ana, bob) = (KeyPair::generate(), KeyPair::generate());
    server.knows(&ana, &[]);
    server.knows(&bob, &["t"]);
    let mut witness = secured.subscriber(&bob, &["t"]);
    let mut connections = Vec::new();
    for _ in 0..4 {
        let connection = secured.knock(&secured.broker.subscribers, SocketType::Sub, &ana).await;
        connections.push(connection.expect("a member"));
    }
    secured.until("all", |figures| (figures.subscribers, figures.subscriptions) == (5, 1)).await;
    server.change(&ana, None, false).await;
    for mut connection in connections {
        let mut rest = Vec::new();
        // It may be closed with or without what it had sent being read.
        let _ = within("its end", connection.stream.read_to_end(&mut rest)).await;
    }
    secured.until("all are gone", |figures| figures.subscribers == 1).await;
    assert!(secured.knock(&secured.broker.subscribers, SocketType::Sub, &ana).await.is_none());
    server.publish("t", "still").await;
    expect(&mut witness, "t", "still").await;
    secured.broker.end().await;
}

#[tokio::test]
async fn without_a_server_what_is_known_stays_and_nobody_new_comes_in() {
    let secured = Secured::start(Limits { handshake_timeout: Duration::from_millis(500), ..limits() }).await;
    let server = Server::start(&secured);
    let (ana, bob) = (KeyPair::generate(), KeyPair::generate());
    server.knows(&ana, &["t"]);
    server.knows(&bob, &["t"]);
    let mut subscriber = secured.subscriber(&ana, &["t"]);
    secured.until("the subscription", |figures| figures.subscriptions == 1).await;
    server.stop().await;
    secured.until("its end", |figures| figures.publishers == 0).await;
    assert!(secured.knock(&secured.broker.subscribers, SocketType::Sub, &bob).await.is_none());
    // A server that does not answer: what it publishes goes where it did.
    let endpoint = std::slice::from_ref(&secured.broker.publishers);
    let publisher = Publisher::connect(endpoint, secured.options(&secured.keys));
    publisher.send(message("t", "still")).await.unwrap();
    expect(&mut subscriber, "t", "still").await;
    let back = Server::start(&secured);
    back.knows(&ana, &["t"]);
    back.knows(&bob, &["t"]);
    let mut late = secured.subscriber(&bob, &["t"]);
    secured.until("the other", |figures| figures.subscriptions == 2).await;
    back.publish("t", "both").await;
    expect(&mut subscriber, "t", "both").await;
    expect(&mut late, "t", "both").await;
    secured.broker.end().await;
}

#[tokio::test]
async fn each_port_lets_in_whom_it_is_for() {
    let secured = Secured::start(limits()).await;
    let server = Server::start(&secured);
    let (ana, other) = (KeyPair::generate(), KeyPair::generate());
    server.knows(&ana, &[]);
    let Running { publishers, subscribers, .. } = &secured.broker;
    assert!(secured.knock(subscribers, SocketType::Sub, &ana).await.is_some());
    assert!(secured.knock(publishers, SocketType::Pub, &secured.keys).await.is_some());
    assert!(secured.knock(publishers, SocketType::Pub, &ana).await.is_none(), "a member is no server");
    assert!(secured.knock(publishers, SocketType::Pub, &other).await.is_none());
    assert!(
        secured.knock(subscribers, SocketType::Sub, &secured.keys).await.is_none(),
        "a server is no member"
    );
    assert!(secured.knock(subscribers, SocketType::Pub, &ana).await.is_none(), "no subscriber");
    for endpoint in [publishers, subscribers, &secured.status] {
        let asked = ask_key(endpoint, Duration::from_secs(60)).await.unwrap();
        assert_eq!(asked, Asked::Secured(secured.keys.public()));
    }
    secured.until("the refusals", |figures| figures.keys_refused == 3).await;
    secured.broker.end().await;
}

#[tokio::test]
async fn a_user_has_so_many_connections_and_who_comes_too_often_comes_in_when_another_leaves() {
    let secured = Secured::start(Limits { connections_per_user_max: 2, ..limits() }).await;
    let server = Server::start(&secured);
    let [phone, laptop, unnamed, of_bia] = [(); 4].map(|()| KeyPair::generate());
    for (keys, user) in [(&phone, "ana"), (&laptop, "ana"), (&unnamed, ""), (&of_bia, "bia")] {
        server.knows(keys, &["t"]);
        server.is_of(keys, user);
    }
    let subscribers = secured.broker.subscribers.clone();
    let knock = |keys| secured.try_knock(&subscribers, SocketType::Sub, keys);
    let mut first = secured.subscriber(&phone, &["t"]);
    let second = knock(&laptop).await.unwrap();
    secured.until("both", |figures| figures.subscribers == 2 && figures.subscriptions == 1).await;
    for keys in [&phone, &laptop] {
        // Nothing is said to it, so that clients of libzmq's come again, too.
        assert!(matches!(knock(keys).await, Err(EstablishError::NotNow)));
    }
    let others = [knock(&of_bia).await.unwrap(), knock(&unnamed).await.unwrap()];
    server.publish("t", "one").await;
    expect(&mut first, "t", "one").await;
    secured.until("the refusals", |figures| figures.users_refused == 2).await;
    let figures = secured.broker.counters.figures();
    assert_eq!((figures.refused, figures.keys_refused, figures.subscribers), (2, 0, 4));
    let mut waiting = secured.subscriber(&laptop, &["t"]);
    secured.until("it is refused", |figures| figures.users_refused == 3).await;
    drop(second);
    secured.until("it is in", |figures| figures.subscriptions == 2).await;
    server.publish("t", "two").await;
    expect(&mut first, "t", "two").await;
    expect(&mut waiting, "t", "two").await;
    drop(others);
    secured.broker.end().await;
}

#[tokio::test]
async fn a_server_finds_its_way_in_though_subscribers_have_all_places_of_its_address() {
    let secured = Secured::start(Limits { connections_per_address_max: 2, ..limits() }).await;
    let subscribers = secured.broker.subscribers.clone();
    let connect = || Stream::connect(&subscribers);
    let _held = [connect().await.unwrap(), connect().await.unwrap()];
    secured.until("both", |figures| figures.connections == 2).await;
    let member = KeyPair::generate();
    assert!(secured.knock(&subscribers, SocketType::Sub, &member).await.is_none());
    let stranger = secured.try_knock(&secured.broker.publishers, SocketType::Pub, &member).await;
    assert!(matches!(stranger, Err(EstablishError::Handshake(_))), "it is told that its key is not welcome");
    assert!(secured.knock(&secured.broker.publishers, SocketType::Pub, &secured.keys).await.is_some());
    secured.broker.end().await;
}

#[tokio::test]
async fn what_is_sealed_and_finds_no_room_is_written_later_and_at_the_end() {
    const COUNT: u32 = 200;
    let secured = Secured::start(Limits { linger: Duration::from_secs(60), ..limits() }).await;
    let server = Server::start(&secured);
    let ana = KeyPair::generate();
    server.knows(&ana, &["t"]);
    // Its queue is so short that it reads nothing more until it is asked; and it sends nothing, not even a PING: with something of its
    // peer unread, a system closes a connection without delivering the rest.
    let options =
        SocketOptions { receive_queue_messages_max: 1, heartbeat_interval: None, ..secured.options(&ana) };
    let mut subscriber = Subscriber::connect(std::slice::from_ref(&secured.broker.subscribers), options);
    subscriber.subscribe("t");
    secured.until("the subscription", |figures| figures.subscriptions == 1).await;
    let publisher = Arc::clone(&server.publisher);
    let publishing = tokio::spawn(async move {
        for number in 0..COUNT {
            let body = [&number.to_be_bytes()[..], &[0; 60_000]].concat();
            let frames = vec![Bytes::from_static(b"t"), body.into()];
            publisher.send(Message::new(frames)).await.unwrap();
        }
        publisher.flush().await;
    });
    secured.until("something waits", |figures| figures.queued_bytes > 0).await;
    for number in 0..COUNT / 2 {
        let received = within("a message", subscriber.recv()).await.unwrap();
        assert_eq!(received.frames()[1][..4], number.to_be_bytes());
    }
    within("all are read", publishing).await.unwrap();
    let bytes = u64::from(COUNT) * 60_000;
    secured.until("all are read", |figures| figures.bytes_in > bytes).await;
    secured.broker.shutdown.cancel();
    for number in COUNT / 2..COUNT {
        let received = within("a message", subscriber.recv()).await.unwrap();
        assert_eq!(received.frames()[1][..4], number.to_be_bytes());
    }
    assert_eq!(secured.broker.counters.figures().dropped_slow, 0);
    within("the end", secured.broker.task).await.unwrap();
}

#[tokio::test]
async fn the_status_is_for_administrators_and_for_who_has_the_installations_keys() {
    let secured = Secured::start(limits()).await;
    let server = Server::start(&secured);
    let (admin, member) = (KeyPair::generate(), KeyPair::generate());
    server.knows(&admin, &["_status"]);
    server.knows(&member, &[]);
    let ask = |keys: &KeyPair| {
        let endpoint = std::slice::from_ref(&secured.status);
        Dealer::connect(endpoint, Framing::Delimited, secured.options(keys))
    };
    let request = || Message::new(vec![Bytes::from_static(b"status")]);
    for keys in [&secured.keys, &admin] {
        let mut asker = ask(keys);
        within("a connection", asker.send(request())).await.unwrap();
        let answer = within("an answer", asker.recv()).await.unwrap();
        assert!(answer.frames()[0].starts_with(b"{\"format\":1"));
    }
    let mut refused = secured.knock(&secured.status, SocketType::Req, &member).await.expect("it may try");
    let mut rest = Vec::new();
    let _ = within("its end", refused.stream.read_to_end(&mut rest)).await;
    secured.until("it is counted", |figures| figures.keys_refused >= 1).await;
    secured.broker.end().await;
}
