//! A server in this process, and peers that speak to it.

use std::fs;
use std::pin::Pin;
use std::time::Duration;

use recado_proto::{
    ChannelName, Code, JoinCode, Manner, MessageId, Publication, Reply, ReplyBody, Request, RequestBody,
    SystemPublication, Timestamp, UserName,
};
use recado_server::{Config, Protection, Server, ServerError, StoreUrl};
use recado_zmtp::curve::{KeyPair, PublicKey, Security};
use recado_zmtp::{Dealer, Endpoint, Framing, Message, SocketEventKind, SocketOptions, Subscriber};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A store's file, which outlives the servers that use it.
pub(crate) struct TestStore(TempDir);

impl TestStore {
    pub(crate) fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    /// The files as they lie while a server has them: what a kill would leave. Nothing may be under way.
    pub(crate) fn as_a_kill_leaves_it(&self) -> Self {
        let copy = Self::new();
        for name in ["recado.db", "recado.db-wal", "recado.db-lock"] {
            fs::copy(self.0.path().join(name), copy.0.path().join(name)).unwrap();
        }
        copy
    }

    fn url(&self) -> StoreUrl {
        StoreUrl::from(self.0.path().join("recado.db"))
    }
}

/// A server at work.
pub(crate) struct Running {
    endpoint: Endpoint,
    /// What the first administrator joins with, if security is on and there is none.
    first_code: Option<JoinCode>,
    shutdown: CancellationToken,
    end: JoinHandle<Result<(), ServerError>>,
}

impl Running {
    pub(crate) async fn start(store: &TestStore, brokers: &[Endpoint]) -> Self {
        Self::protected(store, brokers, Protection::Loopback).await
    }

    pub(crate) async fn secured(store: &TestStore, keys: &KeyPair) -> Self {
        Self::protected(store, &[], Protection::Secured(keys.clone())).await
    }

    async fn protected(store: &TestStore, brokers: &[Endpoint], protection: Protection) -> Self {
        let any = "tcp://127.0.0.1:0".parse().unwrap();
        let config = Config::new(any, brokers.to_vec(), &store.url(), protection).unwrap();
        let server = Server::bind(config).await.unwrap();
        let endpoint = server.requests_endpoint().clone();
        let first_code = server.first_code().cloned();
        let shutdown = CancellationToken::new();
        let end = tokio::spawn(server.run(shutdown.clone()));
        Self { endpoint, first_code, shutdown, end }
    }

    pub(crate) fn first_code(&self) -> Option<&JoinCode> {
        self.first_code.as_ref()
    }

    pub(crate) fn peer(&self, framing: Framing) -> Peer {
        self.peer_with(framing, SocketOptions::default())
    }

    /// With a key of its own, to a secured server with this one.
    pub(crate) fn peer_of(&self, keys: &KeyPair, server: PublicKey) -> Peer {
        let security = Security::CurveClient { keys: keys.clone(), server };
        self.peer_with(Framing::Delimited, SocketOptions { security, ..SocketOptions::default() })
    }

    fn peer_with(&self, framing: Framing, options: SocketOptions) -> Peer {
        Peer(Dealer::connect(std::slice::from_ref(&self.endpoint), framing, options))
    }

    /// As SIGTERM does.
    pub(crate) async fn stop(self) {
        self.shutdown.cancel();
        self.end.await.unwrap().unwrap();
    }

    pub(crate) fn stop_in_background(self) -> Pin<Box<dyn Future<Output = ()>>> {
        self.shutdown.cancel();
        Box::pin(async { self.end.await.unwrap().unwrap() })
    }
}

/// A DEALER, which can also play REQ.
pub(crate) struct Peer(Dealer);

impl Peer {
    pub(crate) async fn send(&self, request: &Request) {
        self.0.send(Message::single(request.encode())).await.unwrap();
    }

    pub(crate) async fn receive(&mut self) -> Reply {
        let message = timeout(PATIENCE, self.0.recv()).await.unwrap().unwrap();
        decode(&message)
    }

    /// The next reply, or `None` when the server is gone.
    pub(crate) async fn receive_or_end(&mut self) -> Option<Reply> {
        let mut events = self.0.events();
        loop {
            tokio::select! {
                biased;
                message = self.0.recv() => return message.map(|message| decode(&message)),
                event = events.recv() => {
                    if matches!(event.unwrap().kind, SocketEventKind::ConnectFailed { .. }) {
                        return None;
                    }
                }
            }
        }
    }

    pub(crate) async fn exchange(&mut self, message: Message) -> Reply {
        self.0.send(message).await.unwrap();
        self.receive().await
    }

    pub(crate) async fn ask_whole(&mut self, request: &Request) -> Reply {
        self.send(request).await;
        self.receive().await
    }

    pub(crate) async fn ask(&mut self, body: RequestBody) -> Reply {
        self.ask_whole(&Request::from(body)).await
    }
}

fn decode(message: &Message) -> Reply {
    let [frame] = message.frames() else { panic!("{message:?}") };
    Reply::decode(frame, Timestamp::now()).unwrap()
}

/// What a server sends to a broker.
#[derive(Debug)]
pub(crate) enum Heard {
    Message(Publication),
    System(SystemPublication),
}

/// A broker's place, taken by a socket that hears everything.
pub(crate) async fn listen() -> (Subscriber, Endpoint) {
    listen_at(&"tcp://127.0.0.1:0".parse().unwrap()).await
}

pub(crate) async fn listen_at(endpoint: &Endpoint) -> (Subscriber, Endpoint) {
    let subscriber = Subscriber::bind(endpoint, SocketOptions::default()).await.unwrap();
    subscriber.subscribe("");
    let endpoint = subscriber.local_endpoint().unwrap().clone();
    (subscriber, endpoint)
}

pub(crate) async fn hear_anything(subscriber: &mut Subscriber) -> Heard {
    let message = timeout(PATIENCE, subscriber.recv()).await.expect("something is published").unwrap();
    let [topic, payload] = message.frames() else { panic!("{message:?}") };
    let now = Timestamp::now();
    if topic.starts_with(b"_") {
        Heard::System(SystemPublication::decode(topic, payload, now).unwrap())
    } else {
        Heard::Message(Publication::decode(topic, payload, now).unwrap())
    }
}

/// The next message.
pub(crate) async fn hear(subscriber: &mut Subscriber) -> Publication {
    loop {
        if let Heard::Message(publication) = hear_anything(subscriber).await {
            return publication;
        }
    }
}

pub(crate) fn create(name: &str, id: Option<MessageId>) -> RequestBody {
    RequestBody::Channel { channel: channel(name), id, user: None, private: false }
}

pub(crate) fn channel(name: &str) -> ChannelName {
    ChannelName::parse(name).unwrap()
}

pub(crate) fn publish(from: &str, to: &str, text: &str, id: Option<MessageId>) -> RequestBody {
    RequestBody::Publish {
        user: UserName::parse(from).unwrap(),
        channel: channel(to),
        message: text.to_owned(),
        id,
        manner: Manner::default(),
    }
}

/// A request whose text is over its limit, as our own encoder would never refuse to write it.
pub(crate) async fn bad_request(peer: &mut Peer) -> Reply {
    peer.ask(publish("ana", "geral", &"x".repeat(64 * 1024 + 1), None)).await
}

pub(crate) fn reply_code(reply: &Reply) -> Option<Code> {
    match &reply.body {
        ReplyBody::Refused { code, .. } => Some(code.clone()),
        _ => None,
    }
}
