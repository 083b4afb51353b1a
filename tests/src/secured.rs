//! A secured system for tests: `recado up --secure`, and people on it, each with a key of their own.

use std::path::Path;

use recado_proto::{JoinCode, ReplyBody, RequestBody, Role, UserName};
use recado_zmtp::curve::{KeyPair, PublicKey, Security};
use recado_zmtp::{Dealer, Framing, SocketOptions, Subscriber};

use crate::{
    chat::{Requester, parse, user},
    parts::{ANY_PORT, listening, store_url},
    process::{Process, Run},
};

/// A broker and a server in one process, with security on.
#[derive(Debug)]
pub struct Secured {
    /// The process.
    pub process: Process,
    /// Where clients send requests.
    pub requests: String,
    /// Where publishers connect.
    pub publishers: String,
    /// Where subscribers connect.
    pub subscribers: String,
    /// What the first administrator joins with, if there was none.
    pub link: Option<String>,
    /// The installation's key.
    pub key: PublicKey,
}

impl Secured {
    /// Starts it on ports that the system chooses, with its store and its key in the folder.
    pub fn up(folder: &Path) -> Secured {
        Secured::up_with(folder, &[])
    }

    /// The same with further arguments.
    ///
    /// # Panics
    /// It does not say with which key it listens.
    pub fn up_with(folder: &Path, further: &[&str]) -> Secured {
        let (url, key) = (store_url(&folder.join("recado.db")), folder.join("installation.key"));
        let key = key.to_str().expect("our file names are plain").to_owned();
        let mut arguments =
            vec!["up", "--secure", "--key", &key, "--log-format", "json", "--no-qr", "--store", &url];
        for flag in ["--requests", "--publishers", "--subscribers"] {
            if !further.contains(&flag) {
                arguments.extend([flag, ANY_PORT]);
            }
        }
        arguments.extend(further);
        let process = Run::recado(folder, arguments).start();
        let requests = listening(&process, "requests");
        let publishers = listening(&process, "publishers");
        let subscribers = listening(&process, "subscribers");
        let secured = process.wait_for_log("the key", |line| line.contains("\"secured\""));
        let key = crate::parts::field(&secured, "key").and_then(|key| key.parse().ok());
        let has_administrator = secured.contains("\"has_administrator\":true");
        let link = (!has_administrator).then(|| {
            let line =
                process.wait_for_log("the first administrator's link", |line| line.contains("recado://"));
            let mut words = line.split_whitespace().map(|word| word.trim_matches('\''));
            words.find(|word| word.starts_with("recado://")).unwrap_or_default().to_owned()
        });
        let key = key.unwrap_or_else(|| panic!("a log line without its key: {secured}"));
        Secured { process, requests, publishers, subscribers, link, key }
    }

    /// How a socket with these keys connects.
    pub fn options(&self, keys: &KeyPair) -> SocketOptions {
        let security = Security::CurveClient { keys: keys.clone(), server: self.key };
        SocketOptions { security, ..SocketOptions::default() }
    }

    /// Requests in the name of whom these keys belong to.
    pub fn requester(&self, keys: &KeyPair) -> Requester {
        let endpoints = [parse(&self.requests)];
        Requester::of(Dealer::connect(&endpoints, Framing::Delimited, self.options(keys)))
    }

    /// A SUB socket of whom these keys belong to.
    pub fn subscriber(&self, keys: &KeyPair) -> Subscriber {
        Subscriber::connect(&[parse(&self.subscribers)], self.options(keys))
    }

    /// Joins with a code; a new key belongs to the user then.
    ///
    /// # Panics
    /// Refused.
    pub async fn join(&self, name: &str, code: &str) -> Person {
        let keys = KeyPair::generate();
        let mut requests = self.requester(&keys);
        let body = RequestBody::Join {
            code: Some(JoinCode::parse(code).expect("a code")),
            user: Some(user(name)),
            device: None,
        };
        match requests.ask(body).await {
            ReplyBody::Joined { user: joined, role } => {
                assert_eq!(joined, user(name));
                Person { name: joined, role, keys, requests }
            }
            other => panic!("{name} cannot join: {other:?}"),
        }
    }

    /// The first administrator.
    ///
    /// # Panics
    /// There is one already.
    pub async fn first(&self, name: &str) -> Person {
        let link = self.link.as_ref().expect("nobody is administrator yet");
        let code = link.rsplit('/').next().expect("the code is the link's end");
        self.join(name, code).await
    }
}

/// Somebody with a key, and a connection to the server.
pub struct Person {
    /// Who.
    pub name: UserName,
    /// What it may do.
    pub role: Role,
    /// The key pair.
    pub keys: KeyPair,
    /// Requests in its name.
    pub requests: Requester,
}

impl Person {
    /// An administrator's act that must be accepted.
    ///
    /// # Panics
    /// Refused.
    pub async fn does(&mut self, act: recado_proto::AdminAct) {
        let reply = self.requests.ask(RequestBody::Admin { user: None, act: act.clone() }).await;
        assert_eq!(reply, ReplyBody::Accepted, "{act:?}");
    }

    /// A code for somebody new.
    ///
    /// # Panics
    /// Refused.
    pub async fn invites(&mut self, name: &str, role: Role) -> String {
        let act = recado_proto::AdminAct::Invite { of: Some(user(name)), role, seconds: None, code: () };
        match self.requests.ask(RequestBody::Admin { user: None, act }).await {
            ReplyBody::Code(code) => code.as_str().to_owned(),
            other => panic!("{name} cannot be invited: {other:?}"),
        }
    }
}
