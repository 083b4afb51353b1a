//! A server and a broker that misbehave on demand, for faults that the real ones will not give.

use std::time::Duration;

use recado_client::{Endpoint, Session, SessionConfig, SessionEvent, SessionEvents};
use recado_proto::{
    ChannelName, Code, Epoch, HistoryPage, Manner, MessageId, Publication, PublicationBody, Reply, ReplyBody,
    Request, RequestBody, SyncTopic, SystemPublication, SystemTopic, Timestamp, TopicName, UserName,
};
use recado_zmtp::curve::{KeyPair, PublicKey, Security};
use recado_zmtp::{Message, PeerId, Publisher, Router, SocketEventKind, SocketOptions};

/// Answers what a test tells it to, and nothing by itself, but that it knows no `sync`.
pub(crate) struct FakeServer {
    router: Router,
}

/// A request with whom to answer.
pub(crate) struct Asked {
    peer: PeerId,
    pub(crate) request: Request,
}

impl Asked {
    /// The connection on which it came.
    pub(crate) fn peer(&self) -> PeerId {
        self.peer
    }
}

impl FakeServer {
    pub(crate) async fn start() -> Self {
        Self::start_at(&"tcp://127.0.0.1:*".parse().unwrap()).await
    }

    pub(crate) async fn start_at(endpoint: &Endpoint) -> Self {
        Self { router: Router::bind(endpoint, SocketOptions::default()).await.unwrap() }
    }

    /// One that has these keys.
    pub(crate) async fn start_secured(keys: &KeyPair) -> Self {
        Self::start_secured_at(&"tcp://127.0.0.1:*".parse().unwrap(), keys).await
    }

    pub(crate) async fn start_secured_at(endpoint: &Endpoint, keys: &KeyPair) -> Self {
        let security = Security::CurveServer(keys.clone());
        let options = SocketOptions { security, ..SocketOptions::default() };
        Self { router: Router::bind(endpoint, options).await.unwrap() }
    }

    /// The key of whom it came from.
    pub(crate) fn key_of(&self, asked: &Asked) -> Option<PublicKey> {
        self.router.peer(asked.peer).and_then(|peer| peer.key)
    }

    /// Ends as a server does that is stopped; its address is free afterwards.
    pub(crate) async fn stop(self) {
        self.router.close().await;
    }

    pub(crate) fn endpoint(&self) -> Endpoint {
        self.router.local_endpoint().clone()
    }

    pub(crate) async fn next(&mut self) -> Asked {
        loop {
            let asked = self.next_of_all().await;
            if !matches!(asked.request.body, RequestBody::Sync { .. }) {
                return asked;
            }
            let description = "no such service".to_owned();
            self.answer(&asked, ReplyBody::Refused { code: Code::UnknownService, description });
        }
    }

    /// The next request, also if it is `sync`.
    pub(crate) async fn next_of_all(&mut self) -> Asked {
        let (peer, message) = self.router.recv().await.unwrap();
        let [delimiter, frame] = message.frames() else { panic!("{message:?}") };
        assert!(delimiter.is_empty());
        Asked { peer, request: Request::decode(frame).unwrap() }
    }

    /// Answers as Recado's server does.
    pub(crate) fn answer(&self, asked: &Asked, body: ReplyBody) {
        self.reply(asked, body, true);
    }

    /// Answers as a plain server does, which knows nothing of `ref`.
    pub(crate) fn answer_plainly(&self, asked: &Asked, body: ReplyBody) {
        self.reply(asked, body, false);
    }

    pub(crate) fn answer_raw(&self, asked: &Asked, frame: &'static [u8]) {
        self.router.send(asked.peer, Message::new(vec!["".into(), frame.into()])).unwrap();
    }

    fn reply(&self, asked: &Asked, body: ReplyBody, with_reference: bool) {
        let reply = Reply {
            service: asked.request.body.service().into(),
            body,
            timestamp: Timestamp::from_seconds(1_700_000_000),
            clock: with_reference.then_some(1),
            reference: asked.request.reference.clone().filter(|_| with_reference),
        };
        self.router.send(asked.peer, Message::new(vec!["".into(), reply.encode().into()])).unwrap();
    }

    /// Lets somebody log in whose direct messages nobody has written yet.
    pub(crate) async fn let_in(&mut self) {
        let asked = self.next().await;
        assert!(matches!(asked.request.body, RequestBody::Login { .. }), "{:?}", asked.request);
        self.answer(&asked, ReplyBody::Accepted);
    }

    /// The next request has to be for history; answers with this page.
    pub(crate) async fn give_history(&mut self, page: HistoryPage) {
        let asked = self.next().await;
        assert!(matches!(asked.request.body, RequestBody::History(_)), "{:?}", asked.request);
        self.answer(&asked, ReplyBody::History(page));
    }
}

/// Publishes what a test tells it to, to whoever is connected.
pub(crate) struct FakeBroker {
    publisher: Publisher,
}

impl FakeBroker {
    pub(crate) async fn start() -> Self {
        let options = SocketOptions { publish_filter: false, ..SocketOptions::default() };
        let publisher = Publisher::bind(&"tcp://127.0.0.1:*".parse().unwrap(), options).await.unwrap();
        Self { publisher }
    }

    pub(crate) fn endpoint(&self) -> Endpoint {
        self.publisher.local_endpoint().unwrap().clone()
    }

    /// Publishes, waiting until somebody is connected.
    pub(crate) async fn publish(&self, publication: &Publication) {
        let mut payload = Vec::new();
        publication.encode_payload(&mut payload);
        self.publish_raw(publication.topic.as_bytes(), payload).await;
    }

    /// Answers a barrier's question.
    pub(crate) async fn publish_heads(&self, topic: SyncTopic, heads: &[(&str, u64)]) {
        let publication = SystemPublication {
            topic: SystemTopic::Sync(topic.clone()),
            heads: heads.iter().map(|(name, seq)| (TopicName::parse(name).unwrap(), *seq)).collect(),
            epoch: epoch(),
            timestamp: Timestamp::from_seconds(1_700_000_000),
            clock: None,
        };
        let mut payload = Vec::new();
        publication.encode_payload(&mut payload);
        self.publish_raw(topic.as_str().as_bytes(), payload).await;
    }

    pub(crate) async fn publish_raw(&self, topic: &[u8], payload: Vec<u8>) {
        let message = Message::new(vec![topic.to_vec().into(), payload.into()]);
        self.publisher.send(message).await.unwrap();
    }

    /// A future that ends when the next peer is connected.
    pub(crate) fn next_peer(&self) -> impl Future<Output = ()> + use<> {
        let mut events = self.publisher.events();
        async move { while !matches!(events.recv().await.unwrap().kind, SocketEventKind::Accepted { .. }) {} }
    }
}

/// A session that waits for answers as long as a busy machine may take.
pub(crate) fn connect(server: &Endpoint, broker: Option<&Endpoint>) -> (Session, SessionEvents) {
    let mut config = SessionConfig::new(vec![server.clone()], broker.cloned().into_iter().collect());
    config.request_timeout = Duration::from_secs(60);
    config.user = Some(user("ana"));
    Session::connect(config).unwrap()
}

/// A session that asks three times within a moment.
pub(crate) fn connect_impatiently(server: &Endpoint) -> (Session, SessionEvents) {
    let config = SessionConfig { user: Some(user("ana")), ..impatient(vec![server.clone()]) };
    Session::connect(config).unwrap()
}

pub(crate) fn impatient(servers: Vec<Endpoint>) -> SessionConfig {
    let mut config = SessionConfig::new(servers, Vec::new());
    config.request_timeout = Duration::from_millis(150);
    config.attempts_max = 3;
    config.retry_first = Duration::from_millis(10);
    config
}

/// The next event that is a publication: its text.
pub(crate) async fn heard(events: &mut SessionEvents) -> String {
    loop {
        if let SessionEvent::Publication { publication, .. } = events.recv().await.unwrap() {
            return publication.message;
        }
    }
}

pub(crate) fn user(name: &str) -> UserName {
    UserName::parse(name).unwrap()
}

pub(crate) fn channel(name: &str) -> ChannelName {
    ChannelName::parse(name).unwrap()
}

/// A message at this place of the topic.
pub(crate) fn message(topic: &str, seq: u64) -> Publication {
    Publication {
        topic: topic.to_owned(),
        body: PublicationBody::Channel { user: user("bob") },
        message: format!("{topic} {seq}"),
        timestamp: Timestamp::from_seconds(1_700_000_000),
        clock: None,
        id: Some(MessageId::new_v7()),
        seq: Some(seq),
        epoch: Some(epoch()),
        time_ms: None,
        kind: None,
        manner: Manner::default(),
        edited: false,
        deleted: false,
        acts: Vec::new(),
    }
}

pub(crate) fn page(messages: Vec<Publication>, last_seq: u64) -> HistoryPage {
    HistoryPage { messages, first_seq: Some(1), last_seq: Some(last_seq), epoch: Some(epoch()), topic: None }
}

pub(crate) fn epoch() -> Epoch {
    Epoch::new(7).unwrap()
}
