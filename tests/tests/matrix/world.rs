//! A system with people and channels in it, and one of them who tries things.
//!
//! Carla has a public channel, a private one that the caller is in, and a private one that it is not in; dora talks with both.

use std::path::Path;

use recado_proto::{AdminAct, ChannelName, MessageId, ReplyBody, RequestBody, Role, UserName};
use recado_tests::{
    chat::{Requester, channel, user},
    parts::{ANY_PORT, listening, store_url},
    process::{Process, Run},
    secured::{Person, Secured},
};
use recado_zmtp::curve::KeyPair;
use recado_zmtp::{Endpoint, SocketOptions, Subscriber};

/// The table's columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Open,
    Stranger,
    Member,
    Bot,
    Administrator,
}

impl Kind {
    pub(crate) const ALL: [Kind; 5] =
        [Kind::Open, Kind::Stranger, Kind::Member, Kind::Bot, Kind::Administrator];
}

/// Who tries.
pub(crate) struct Caller {
    pub(crate) kind: Kind,
    pub(crate) name: UserName,
    /// None in an open system.
    pub(crate) keys: Option<KeyPair>,
    pub(crate) requests: Requester,
}

/// The rest of the system.
pub(crate) struct World {
    pub(crate) running: Running,
    status: Endpoint,
    /// Where the caller sends requests and subscribes, if it does so without a key in a secured system.
    plain: Option<[String; 2]>,
    pub(crate) carla: Requester,
    pub(crate) dora: Requester,
    /// Who looks after a secured system.
    pub(crate) root: Option<Requester>,
    /// A message of carla's in the public channel.
    pub(crate) carlas: MessageId,
    made: usize,
}

pub(crate) enum Running {
    Open { _process: Process, requests: String, publishers: String, subscribers: String },
    Secured(Secured),
}

pub(crate) const PUBLIC: &str = "public";
pub(crate) const INSIDE: &str = "inside";
pub(crate) const OUTSIDE: &str = "outside";

pub(crate) fn word(text: &str) -> ChannelName {
    channel(text)
}

impl World {
    pub(crate) async fn open(folder: &Path) -> (World, Caller) {
        let url = store_url(&folder.join("recado.db"));
        let mut arguments = vec!["up", "--log-format", "json", "--store", &url];
        for flag in ["--requests", "--publishers", "--subscribers", "--status"] {
            arguments.extend([flag, ANY_PORT]);
        }
        let process = Run::recado(folder, arguments).start();
        let endpoint = |socket| listening(&process, socket);
        let requests = endpoint("requests");
        let (publishers, subscribers) = (endpoint("publishers"), endpoint("subscribers"));
        let status = endpoint("status").parse().unwrap();
        let (mut carla, mut dora) = (Requester::connect(&requests), Requester::connect(&requests));
        carla.login("carla").await;
        dora.login("dora").await;
        carla.create(PUBLIC).await;
        let carlas = carla.publish("carla", PUBLIC, "said in public").await.id;
        let mut own = Requester::connect(&requests);
        own.login("me").await;
        let caller = Caller { kind: Kind::Open, name: user("me"), keys: None, requests: own };
        let running = Running::Open { _process: process, requests, publishers, subscribers };
        (World { running, status, plain: None, carla, dora, root: None, carlas, made: 0 }, caller)
    }

    pub(crate) async fn secured(folder: &Path, kind: Kind) -> (World, Caller) {
        World::start(folder, kind, None).await
    }

    /// The caller is a bot that comes in without a key.
    pub(crate) async fn plain(folder: &Path) -> (World, Caller) {
        let place = |name| format!("ipc://{}", folder.join(name).display());
        World::start(folder, Kind::Bot, Some([place("requests"), place("subscribers")])).await
    }

    async fn start(folder: &Path, kind: Kind, plain: Option<[String; 2]>) -> (World, Caller) {
        let mut options = vec!["--status".to_owned(), ANY_PORT.to_owned()];
        if let Some([requests, subscribers]) = &plain {
            options.extend(["--plain-requests".to_owned(), format!("me={requests}")]);
            options.extend(["--plain-subscribers".to_owned(), format!("me={subscribers}")]);
        }
        let options: Vec<&str> = options.iter().map(String::as_str).collect();
        let secured = Secured::up_with(folder, &options);
        let status = listening(&secured.process, "status").parse().unwrap();
        let mut root = secured.first("root").await;
        let mut others = Vec::new();
        for name in ["carla", "dora"] {
            let code = root.invites(name, Role::Member).await;
            others.push(secured.join(name, &code).await.requests);
        }
        let (mut dora, mut carla) = (others.pop().unwrap(), others.pop().unwrap());
        dora.ask(RequestBody::Users).await;
        carla.create(PUBLIC).await;
        for name in [INSIDE, OUTSIDE] {
            let body = RequestBody::Channel { channel: word(name), id: None, user: None, private: true };
            assert_eq!(carla.ask(body).await, ReplyBody::Accepted);
        }
        let carlas = carla.publish("carla", PUBLIC, "said in public").await.id;
        carla.publish("carla", OUTSIDE, "said among few").await;
        let mut caller = match kind {
            _ if let Some([requests, _]) = &plain => {
                Caller { kind, name: user("me"), keys: None, requests: Requester::connect(requests) }
            }
            Kind::Open | Kind::Stranger => stranger(&secured, kind),
            Kind::Member => known(&secured, &mut root, Role::Member, kind).await,
            Kind::Bot => known(&secured, &mut root, Role::Bot, kind).await,
            Kind::Administrator => known(&secured, &mut root, Role::Administrator, kind).await,
        };
        if kind != Kind::Stranger {
            let act = AdminAct::Add { channel: word(INSIDE), of: caller.name.clone() };
            assert_eq!(carla.ask(RequestBody::Admin { user: None, act }).await, ReplyBody::Accepted);
            let login = RequestBody::Login { user: caller.name.clone(), password: None };
            assert!(matches!(caller.requests.ask(login).await, ReplyBody::LoggedIn { .. }));
        }
        let Person { requests, .. } = root;
        let running = Running::Secured(secured);
        (World { running, status, plain, carla, dora, root: Some(requests), carlas, made: 0 }, caller)
    }

    /// A member whom things can be done to, with a key of its own; nobody in an open system.
    pub(crate) async fn victim(&mut self) -> (UserName, KeyPair) {
        self.made += 1;
        let (name, keys) = (user(&format!("victim{}", self.made)), KeyPair::generate());
        if let Some(root) = &mut self.root {
            let key = recado_proto::DeviceKey::from_bytes(*keys.public().as_bytes());
            let act = AdminAct::AddKey { of: name.clone(), key, device: None };
            assert_eq!(root.ask(RequestBody::Admin { user: None, act }).await, ReplyBody::Accepted);
        }
        (name, keys)
    }

    /// A new name for a channel.
    pub(crate) fn new_channel(&mut self) -> ChannelName {
        self.made += 1;
        word(&format!("new{}", self.made))
    }

    pub(crate) fn requests(&self) -> &str {
        match &self.running {
            _ if let Some([requests, _]) = &self.plain => requests,
            Running::Open { requests, .. } => requests,
            Running::Secured(secured) => &secured.requests,
        }
    }

    pub(crate) fn status(&self) -> Endpoint {
        self.status.clone()
    }

    pub(crate) fn subscribers(&self) -> Endpoint {
        match &self.running {
            _ if let Some([_, subscribers]) = &self.plain => subscribers.parse().unwrap(),
            Running::Open { subscribers, .. } => subscribers.parse().unwrap(),
            Running::Secured(secured) => secured.subscribers.parse().unwrap(),
        }
    }

    pub(crate) fn publishers(&self) -> Endpoint {
        match &self.running {
            Running::Open { publishers, .. } => publishers.parse().unwrap(),
            Running::Secured(secured) => secured.publishers.parse().unwrap(),
        }
    }

    /// How the caller's sockets connect.
    pub(crate) fn options(&self, caller: &Caller) -> SocketOptions {
        match (&self.running, &caller.keys) {
            (Running::Secured(secured), Some(keys)) => secured.options(keys),
            (Running::Open { .. } | Running::Secured(_), _) => SocketOptions::default(),
        }
    }

    pub(crate) fn subscriber(&self, caller: &Caller) -> Subscriber {
        Subscriber::connect(&[self.subscribers()], self.options(caller))
    }
}

fn stranger(secured: &Secured, kind: Kind) -> Caller {
    let keys = KeyPair::generate();
    let requests = secured.requester(&keys);
    Caller { kind, name: user("me"), keys: Some(keys), requests }
}

async fn known(secured: &Secured, root: &mut Person, role: Role, kind: Kind) -> Caller {
    let code = root.invites("me", role).await;
    let Person { name, keys, requests, .. } = secured.join("me", &code).await;
    Caller { kind, name, keys: Some(keys), requests }
}
