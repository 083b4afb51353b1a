//! A broker with security on, between servers and users with keys: who gets in, what each one hears, and what changes when a server
//! changes its mind.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use recado_broker::{Broker, Config};
use recado_zmtp::curve::{KeyPair, PublicKey, Security};
use recado_zmtp::{
    Endpoint, Message, PeerId, Publisher, SocketEventKind, SocketOptions, Subscriber, SubscriptionListener,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::raw::{Peer, Running, greeting, limits, within};

/// What is tried again until it is seen is tried so often.
const AGAIN: Duration = Duration::from_millis(50);

fn options(keys: &KeyPair, broker: PublicKey) -> SocketOptions {
    let security = Security::CurveClient { keys: keys.clone(), server: broker };
    SocketOptions { security, ..SocketOptions::default() }
}

/// A broker and its installation's keys.
async fn secured() -> (Running, KeyPair) {
    let (any, keys): (Endpoint, _) = ("tcp://127.0.0.1:0".parse().unwrap(), KeyPair::generate());
    let config = Config::secured(any.clone(), any, keys.clone(), limits()).unwrap();
    (running(Broker::bind(config).await.unwrap()), keys)
}

fn running(broker: Broker) -> Running {
    let (publishers, subscribers) =
        (broker.publishers_endpoint().clone(), broker.subscribers_endpoint().clone());
    let (counters, shutdown) = (broker.counters(), CancellationToken::new());
    let stop = shutdown.clone();
    let task = tokio::spawn(async move { broker.run(stop).await.unwrap() });
    Running { publishers, subscribers, counters, shutdown, task }
}

/// Hears what the broker asks.
struct Listener(UnboundedSender<Vec<u8>>);

impl SubscriptionListener for Listener {
    fn subscribed(&self, _: PeerId, topic: &[u8]) {
        // It is told of all subscriptions.
        if topic.starts_with(b"_may.") {
            let _ = self.0.send(topic.to_vec());
        }
    }

    fn cancelled(&self, _: PeerId, _: &[u8]) {}

    fn left(&self, _: PeerId) {}
}

/// Which topics each key may hear; a key that is not in it is nobody's.
type Policy = Arc<Mutex<BTreeMap<PublicKey, BTreeSet<String>>>>;

/// A server that answers by a policy of the test's.
struct Server {
    publisher: Publisher,
    policy: Policy,
    asked: UnboundedReceiver<Vec<u8>>,
    /// All that was asked so far.
    open: BTreeSet<Vec<u8>>,
}

impl Server {
    async fn connect(broker: &Running, keys: &KeyPair) -> Server {
        let (sender, asked) = unbounded_channel();
        let options = SocketOptions { publish_filter: false, ..options(keys, keys.public()) };
        let endpoints = [broker.publishers.clone()];
        let publisher = Publisher::connect_with_listener(&endpoints, options, Arc::new(Listener(sender)));
        Server { publisher, policy: Policy::default(), asked, open: BTreeSet::new() }
    }

    async fn publish(&self, frames: &[&[u8]]) {
        let frames = frames.iter().map(|frame| frame.to_vec().into()).collect();
        self.publisher.send(Message::new(frames)).await.unwrap();
    }

    async fn answer(&self, question: &[u8]) {
        let is_yes = {
            let policy = self.policy.lock().unwrap();
            let text = str::from_utf8(question).unwrap().strip_prefix("_may.").unwrap();
            let (hex, topic) = (&text[..64], text.get(65..));
            let key =
                |key: &PublicKey| key.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect::<String>();
            let topics = policy.iter().find(|(known, _)| key(known) == hex).map(|(_, topics)| topics);
            topics.is_some_and(|topics| topic.is_none_or(|topic| topics.contains(topic)))
        };
        self.publish(&[question, if is_yes { b"200" } else { b"404" }, b"somebody"]).await;
    }

    /// Answers what is asked, for ever.
    async fn serve(&mut self) {
        while let Some(question) = self.asked.recv().await {
            self.answer(&question).await;
            self.open.insert(question);
        }
    }

    /// Changes what a key may hear, and tells the broker what is different now.
    async fn allow(&mut self, key: PublicKey, topics: &[&str]) {
        let topics = topics.iter().map(|topic| (*topic).to_owned()).collect();
        self.policy.lock().unwrap().insert(key, topics);
        self.tell_all().await;
    }

    async fn forbid(&mut self, key: PublicKey) {
        self.policy.lock().unwrap().remove(&key);
        self.tell_all().await;
    }

    async fn tell_all(&self) {
        for question in &self.open {
            self.answer(question).await;
        }
    }

    /// Serves while something else is done.
    async fn during<T>(&mut self, what: &str, act: impl Future<Output = T>) -> T {
        within(what, async {
            tokio::select! {
                () = self.serve() => panic!("the socket was closed"),
                done = act => done,
            }
        })
        .await
    }

    /// Publishes on a topic until a subscriber hears it; what it heard before that is forgotten.
    async fn until_heard(&mut self, topic: &str, user: &mut Subscriber) {
        loop {
            self.publish(&[topic.as_bytes(), b"probe"]).await;
            let heard = self.during("a message", timeout(AGAIN, user.recv())).await;
            if let Ok(Some(message)) = heard
                && &message.first()[..] == topic.as_bytes()
            {
                return;
            }
        }
    }

    /// Publishes a message on each of these topics, the last of which the subscriber hears, and tells which else it heard.
    async fn heard_of(&mut self, topics: &[&str], user: &mut Subscriber) -> Vec<String> {
        for topic in topics {
            self.publish(&[topic.as_bytes(), b"counted"]).await;
        }
        let last = topics.last().unwrap().as_bytes();
        let mut heard = Vec::new();
        loop {
            let message = self.during("the last message", user.recv()).await.unwrap();
            if &message.frames()[1][..] == b"counted" {
                heard.push(String::from_utf8(message.first().to_vec()).unwrap());
                if &message.first()[..] == last {
                    return heard;
                }
            }
        }
    }
}

/// A user's SUB socket, subscribed to these.
fn user(broker: &Running, keys: &KeyPair, of_broker: &KeyPair, topics: &[&str]) -> Subscriber {
    let options = options(keys, of_broker.public());
    let subscriber = Subscriber::connect(std::slice::from_ref(&broker.subscribers), options);
    topics.iter().for_each(|topic| subscriber.subscribe(topic.as_bytes().to_vec()));
    subscriber
}

#[tokio::test]
async fn a_user_hears_what_it_may_hear_by_the_whole_topic_and_nothing_else() {
    let (broker, keys) = secured().await;
    let mut server = Server::connect(&broker, &keys).await;
    let ana = KeyPair::generate();
    server.allow(ana.public(), &["ana", "geral"]).await;
    let topics = ["", "a", "ana", "secret", "bob", "_may.", "geral"];
    let mut subscriber = user(&broker, &ana, &keys, &topics);
    server.until_heard("geral", &mut subscriber).await;
    let published = ["anabel", "ana", "secret", "bob", "gera", "geralissimo", "", "an", "geral"];
    assert_eq!(server.heard_of(&published, &mut subscriber).await, ["ana", "geral"]);
    broker.end().await;
}

#[tokio::test]
async fn who_has_no_user_s_key_gets_no_further_than_the_handshake() {
    let (broker, keys) = secured().await;
    let mut server = Server::connect(&broker, &keys).await;
    let stranger = user(&broker, &KeyPair::generate(), &keys, &["geral"]);
    let mut events = stranger.events();
    let refused = async {
        loop {
            if let SocketEventKind::ConnectFailed { error, .. } = events.recv().await.unwrap().kind {
                return error;
            }
        }
    };
    let error = server.during("a refusal", refused).await;
    assert_eq!(error, "the peer does not admit this key");
    assert_eq!(broker.counters.figures().subscribers, 0);
    broker.end().await;
}

#[tokio::test]
async fn who_has_no_key_is_let_in_by_a_plain_listener_as_far_as_servers_let_in_its_name() {
    let (any, keys): (Endpoint, _) = ("tcp://127.0.0.1:0".parse().unwrap(), KeyPair::generate());
    let config = Config::secured(any.clone(), any, keys.clone(), limits()).unwrap();
    let config = config.with_plain(vec!["ci=tcp://127.0.0.1:*".parse().unwrap()]).unwrap();
    let broker = Broker::bind(config).await.unwrap();
    let endpoints = broker.plain_endpoints().to_vec();
    let broker = running(broker);
    let mut server = Server::connect(&broker, &keys).await;
    // More than there are workers.
    let mut bots = Vec::new();
    for _ in 0..4 {
        let bot = Subscriber::connect(&endpoints, SocketOptions::default());
        ["geralissimo", "ana", "geral"].iter().for_each(|topic| bot.subscribe(*topic));
        bots.push(bot);
    }
    let mut events = bots[0].events();
    let refused = async {
        while !matches!(events.recv().await.unwrap().kind, SocketEventKind::ConnectFailed { .. }) {}
    };
    server.during("a refusal", refused).await;
    assert_eq!(broker.counters.figures().subscribers, 0);

    server.allow(keys.stand_in("ci"), &["geral", "bob"]).await;
    for bot in &mut bots {
        server.until_heard("geral", bot).await;
        let published = ["ana", "geralissimo", "bob", "geral"];
        assert_eq!(server.heard_of(&published, bot).await, ["geral"]);
    }
    let mut events = bots[0].events();
    server.forbid(keys.stand_in("ci")).await;
    let cut =
        async { while !matches!(events.recv().await.unwrap().kind, SocketEventKind::Disconnected { .. }) {} };
    server.during("the end", cut).await;
    broker.end().await;
}

#[tokio::test]
async fn only_the_installation_s_own_key_publishes() {
    let (broker, keys) = secured().await;
    let mut server = Server::connect(&broker, &keys).await;
    let ana = KeyPair::generate();
    server.allow(ana.public(), &["geral"]).await;
    let mut subscriber = user(&broker, &ana, &keys, &["geral"]);
    server.until_heard("geral", &mut subscriber).await;

    let endpoints = [broker.publishers.clone()];
    let forger = Publisher::connect(&endpoints, options(&ana, keys.public()));
    let mut events = forger.events();
    let refused = async {
        loop {
            if let SocketEventKind::ConnectFailed { .. } = events.recv().await.unwrap().kind {
                return;
            }
        }
    };
    server.during("a refusal", refused).await;
    assert_eq!(broker.counters.figures().publishers, 1);
    broker.end().await;
}

#[tokio::test]
async fn what_was_refused_and_is_allowed_later_is_heard_without_asking_again() {
    let (broker, keys) = secured().await;
    let mut server = Server::connect(&broker, &keys).await;
    let ana = KeyPair::generate();
    server.allow(ana.public(), &["geral"]).await;
    let mut subscriber = user(&broker, &ana, &keys, &["plans", "geral"]);
    server.until_heard("geral", &mut subscriber).await;
    assert_eq!(server.heard_of(&["plans", "geral"], &mut subscriber).await, ["geral"]);
    server.allow(ana.public(), &["geral", "plans"]).await;
    assert_eq!(server.heard_of(&["plans", "geral"], &mut subscriber).await, ["plans", "geral"]);
    broker.end().await;
}

#[tokio::test]
async fn nothing_that_is_published_after_a_topic_was_taken_away_is_heard() {
    let (broker, keys) = secured().await;
    let mut server = Server::connect(&broker, &keys).await;
    let ana = KeyPair::generate();
    server.allow(ana.public(), &["geral", "plans"]).await;
    let mut subscriber = user(&broker, &ana, &keys, &["plans", "geral"]);
    server.until_heard("geral", &mut subscriber).await;
    for _ in 0..20 {
        assert_eq!(server.heard_of(&["plans", "geral"], &mut subscriber).await, ["plans", "geral"]);
        server.publish(&[b"plans", b"counted"]).await;
        server.allow(ana.public(), &["geral"]).await;
        let heard = server.heard_of(&["plans", "plans", "geral"], &mut subscriber).await;
        assert_eq!(heard, ["plans", "geral"], "the one before and none after");
        server.allow(ana.public(), &["geral", "plans"]).await;
    }
    broker.end().await;
}

#[tokio::test]
async fn a_key_that_is_taken_away_closes_its_connections_at_once_and_keeps_them_out() {
    let (broker, keys) = secured().await;
    let mut server = Server::connect(&broker, &keys).await;
    let (ana, bob) = (KeyPair::generate(), KeyPair::generate());
    server.allow(ana.public(), &["geral"]).await;
    server.allow(bob.public(), &["geral"]).await;
    let mut lost = user(&broker, &ana, &keys, &["geral"]);
    let mut kept = user(&broker, &bob, &keys, &["geral"]);
    server.until_heard("geral", &mut lost).await;
    server.until_heard("geral", &mut kept).await;
    let mut events = lost.events();
    server.forbid(ana.public()).await;
    let out = async {
        let mut is_gone = false;
        loop {
            match events.recv().await.unwrap().kind {
                SocketEventKind::Disconnected { .. } => is_gone = true,
                SocketEventKind::ConnectFailed { .. } if is_gone => return,
                SocketEventKind::Connected { .. } => panic!("it came back in"),
                SocketEventKind::ConnectFailed { .. }
                | SocketEventKind::Accepted { .. }
                | SocketEventKind::Refused { .. }
                | SocketEventKind::AcceptFailed { .. } => {}
            }
        }
    };
    server.during("the end of a connection, and a refusal", out).await;
    server.until_heard("geral", &mut kept).await;
    assert_eq!(broker.counters.figures().expelled, 1);
    broker.end().await;
}

#[tokio::test]
async fn while_no_server_is_there_what_is_known_holds_and_it_is_asked_anew_when_one_is_back() {
    let (broker, keys) = secured().await;
    let mut server = Server::connect(&broker, &keys).await;
    let ana = KeyPair::generate();
    server.allow(ana.public(), &["geral"]).await;
    let mut subscriber = user(&broker, &ana, &keys, &["geral"]);
    server.until_heard("geral", &mut subscriber).await;
    let policy = Arc::clone(&server.policy);
    server.publisher.close().await;
    assert_eq!(broker.counters.figures().subscribers, 1);
    subscriber.subscribe(b"plans".to_vec());

    let mut server = Server::connect(&broker, &keys).await;
    server.policy = policy;
    server.until_heard("geral", &mut subscriber).await;
    server.allow(ana.public(), &["plans", "geral"]).await;
    server.until_heard("plans", &mut subscriber).await;
    broker.end().await;
}

#[tokio::test]
async fn a_peer_without_security_is_told_the_key_and_closed() {
    let (broker, keys) = secured().await;
    for endpoint in [&broker.publishers, &broker.subscribers] {
        let asked = recado_zmtp::curve::ask_key(endpoint, Duration::from_secs(60)).await.unwrap();
        assert_eq!(asked, recado_zmtp::curve::Asked::Secured(keys.public()));
    }
    let mut plain = Peer::open(&broker.subscribers).await;
    plain.write_all(&greeting(1)).await.unwrap();
    let mut all = Vec::new();
    within("the end", plain.read_to_end(&mut all)).await.unwrap();
    let says = String::from_utf8_lossy(&all).into_owned();
    assert!(says.ends_with(&format!("CURVE; server key {}", keys.public())), "{says}");
    broker.end().await;
}

#[tokio::test]
async fn large_and_many_messages_arrive_whole_and_in_order_at_a_slow_reader() {
    let (broker, keys) = secured().await;
    let mut server = Server::connect(&broker, &keys).await;
    let ana = KeyPair::generate();
    server.allow(ana.public(), &["geral"]).await;
    let mut subscriber = user(&broker, &ana, &keys, &["geral"]);
    server.until_heard("geral", &mut subscriber).await;
    let sizes = [1, 300, 70_000, 5, 900_000, 64];
    let publisher = &server.publisher;
    let sending = async {
        for round in 0..20_u8 {
            for size in sizes {
                let frames = vec![b"geral"[..].into(), vec![round; size].into(), b"end"[..].into()];
                publisher.send(Message::new(frames)).await.unwrap();
            }
        }
    };
    let receiving = async {
        for round in 0..20_u8 {
            for size in sizes {
                let message = loop {
                    let message = subscriber.recv().await.unwrap();
                    if message.frames().len() == 3 {
                        break message;
                    }
                };
                assert!(
                    message.frames()[1].len() == size && message.frames()[1].iter().all(|it| *it == round)
                );
            }
            tokio::task::yield_now().await;
        }
    };
    within("all of it", async { tokio::join!(sending, receiving) }).await;
    broker.end().await;
}
