//! Programs without CURVE in a secured system: let in through plain listeners, as the user that these are for and as nobody else.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::{
    collections::BTreeSet,
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use recado_proto::{AdminAct, Code, DeviceKey, ReplyBody, RequestBody, Role};
use recado_tests::{
    chat::{Requester, channel, user},
    limits::{PATIENCE, SOUNDING_WAIT},
    parts::{ANY_PORT, field, folder, listening, store_url},
    peers::{Library, Peer, python},
    process::{Process, Run},
    secured::{Person, Secured},
};
use recado_zmtp::curve::KeyPair;
use recado_zmtp::{SocketEventKind, SocketOptions, Subscriber};
use serde_json::json;
use tokio::time::timeout;

/// Where a plain bot of this name finds its listeners in a folder.
struct Places {
    requests: PathBuf,
    subscribers: PathBuf,
    options: [String; 4],
}

impl Places {
    fn of(name: &str, folder: &Path) -> Places {
        let place = |kind: &str| folder.join(format!("{name}.{kind}"));
        let (requests, subscribers) = (place("requests"), place("subscribers"));
        let given = |path: &Path| format!("{name}=ipc://{}", path.display());
        let options = [
            "--plain-requests".to_owned(),
            given(&requests),
            "--plain-subscribers".to_owned(),
            given(&subscribers),
        ];
        Places { requests, subscribers, options }
    }

    fn options(&self) -> Vec<&str> {
        self.options.iter().map(String::as_str).collect()
    }

    fn requests(&self) -> String {
        format!("ipc://{}", self.requests.display())
    }

    fn subscribers(&self) -> String {
        format!("ipc://{}", self.subscribers.display())
    }

    /// A program with pyzmq, as scripts are written that know nothing of security.
    fn peer(&self, scratch: &Path, topics: &[&str]) -> Peer {
        let mut peer = Peer::start(Library::Pyzmq, scratch);
        peer.connect_requester(&self.requests());
        peer.connect_subscriber(&self.subscribers(), topics);
        peer
    }
}

/// A line for each plain listener says who is let in, and where.
fn wait_until_let_in(process: &Process, socket: &str, name: &str) {
    process.wait_for_log(&format!("{socket} of {name}"), |line| {
        field(line, "socket").as_deref() == Some(socket)
            && field(line, "user").as_deref() == Some(name)
            && field(line, "message").is_some_and(|says| says.contains("whoever reaches this is this user"))
            && field(line, "endpoint").is_some_and(|endpoint| endpoint.starts_with("ipc://"))
    });
}

async fn tells(person: &mut Person, to: &str, text: &str) {
    let body = RequestBody::Message {
        src: person.name.clone(),
        dst: user(to),
        message: text.to_owned(),
        id: None,
        manner: recado_proto::Manner::default(),
    };
    assert!(matches!(person.requests.ask(body).await, ReplyBody::Stored { .. }));
}

/// Sends the bot direct messages until it hears one: what it subscribed to before is decided then, and so is that.
async fn until_heard(person: &mut Person, bot: &mut Peer, name: &str) {
    let hearing = async {
        for number in 0.. {
            let text = format!("do you hear {number}?");
            tells(person, name, &text).await;
            while let Some(heard) = bot.hear(SOUNDING_WAIT) {
                if heard.map["message"] == text.as_str() {
                    return;
                }
            }
        }
    };
    timeout(PATIENCE, hearing).await.unwrap();
}

/// All topics that it hears up to this text.
fn heard_until(bot: &mut Peer, last: &str) -> BTreeSet<String> {
    let mut topics = BTreeSet::new();
    loop {
        let heard = bot.hear(PATIENCE).expect("the last message comes");
        let is_last = heard.map["message"] == last;
        topics.insert(heard.topic);
        if is_last {
            return topics;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plain_bot_is_its_user_and_nobody_else_and_hears_what_that_user_may() {
    let folder = folder();
    let places = Places::of("ci", folder.path());
    let secured = Secured::up_with(folder.path(), &places.options());
    wait_until_let_in(&secured.process, "plain requests", "ci");
    wait_until_let_in(&secured.process, "plain subscribers", "ci");
    for path in [&places.requests, &places.subscribers] {
        assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o7777, 0o600, "{path:?}");
    }
    let mut root = secured.first("root").await;
    for name in ["builds", "builds-old"] {
        root.requests.create(name).await;
    }
    let private = RequestBody::Channel { channel: channel("plans"), id: None, user: None, private: true };
    assert_eq!(root.requests.ask(private).await, ReplyBody::Accepted);

    let mut bot = places.peer(folder.path(), &["builds", "plans", "ci"]);
    let reply = bot.ask("login", &json!({"user": "ci"}));
    assert_eq!(
        (&reply["status"], &reply["user"], &reply["role"]),
        (&json!("sucesso"), &json!("ci"), &json!("bot"))
    );
    let reply = bot.ask("publish", &json!({"user": "ci", "channel": "builds", "message": "green"}));
    assert_eq!(reply["status"], "OK");
    let last = root.requests.channel_history("root", "builds").await.pop().unwrap();
    assert_eq!(
        (last.body, last.message),
        (recado_proto::PublicationBody::Channel { user: user("ci") }, "green".to_owned())
    );
    for (service, data) in [
        ("login", json!({"user": "root"})),
        ("publish", json!({"user": "root", "channel": "builds", "message": "green"})),
        ("message", json!({"src": "root", "dst": "ci", "message": "psst"})),
        ("admin", json!({"act": "password", "password": "correct horse"})),
    ] {
        let reply = bot.ask(service, &data);
        assert_eq!((&reply["status"], &reply["code"]), (&json!("erro"), &json!("forbidden")), "{service}");
    }
    assert_eq!(
        bot.ask("publish", &json!({"user": "ci", "channel": "plans", "message": "?"}))["code"],
        "no_such_channel"
    );

    until_heard(&mut root, &mut bot, "ci").await;
    for name in ["plans", "builds-old", "builds"] {
        root.requests.publish("root", name, "said").await;
    }
    tells(&mut root, "ci", "that was all").await;
    assert_eq!(heard_until(&mut bot, "that was all"), ["builds", "ci"].map(str::to_owned).into());
    root.does(AdminAct::Add { channel: channel("plans"), of: user("ci") }).await;
    root.requests.publish("root", "plans", "said to members").await;
    assert!(heard_until(&mut bot, "said to members").contains("plans"));
    root.does(AdminAct::Remove { channel: channel("plans"), of: user("ci") }).await;
    root.requests.publish("root", "plans", "said without ci").await;
    tells(&mut root, "ci", "that was all again").await;
    assert_eq!(heard_until(&mut bot, "that was all again"), ["ci".to_owned()].into());

    let ask =
        RequestBody::Admin { user: None, act: AdminAct::Role { of: user("ci"), role: Role::Administrator } };
    let refused = root.requests.ask(ask).await;
    assert!(matches!(&refused, ReplyBody::Refused { code: Code::Forbidden, .. }), "{refused:?}");
}

/// A SUB socket of ours at a plain listener.
fn subscriber(places: &Places) -> Subscriber {
    let subscriber = Subscriber::connect(&[places.subscribers().parse().unwrap()], SocketOptions::default());
    subscriber.subscribe("ci");
    subscriber
}

/// Waits until a connection is refused because nobody has granted it.
async fn until_refused(subscriber: &Subscriber) {
    let mut events = subscriber.events();
    let refused = async {
        while !matches!(events.recv().await.unwrap().kind, SocketEventKind::ConnectFailed { error, .. } if error.contains("closed the connection"))
        {
        }
    };
    timeout(PATIENCE, refused).await.expect("it is refused");
}

async fn code_of_login(requests: &mut Requester, name: &str) -> Option<Code> {
    match requests.ask(RequestBody::Login { user: user(name), password: None }).await {
        ReplyBody::LoggedIn { .. } => None,
        ReplyBody::Refused { code, .. } => Some(code),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ban_shuts_a_plain_bot_out_and_its_end_lets_it_in_again() {
    let folder = folder();
    let places = Places::of("ci", folder.path());
    let secured = Secured::up_with(folder.path(), &places.options());
    let mut root = secured.first("root").await;
    let mut bot = places.peer(folder.path(), &["ci"]);
    until_heard(&mut root, &mut bot, "ci").await;
    let mut requests = Requester::connect(&places.requests());
    assert_eq!(code_of_login(&mut requests, "ci").await, None);
    let mut heard = subscriber(&places);
    let mut events = heard.events();
    let hearing = async {
        while timeout(SOUNDING_WAIT, heard.recv()).await.is_err() {
            tells(&mut root, "ci", "do you hear?").await;
        }
    };
    timeout(PATIENCE, hearing).await.unwrap();

    root.does(AdminAct::Ban { of: user("ci") }).await;
    let cut =
        async { while !matches!(events.recv().await.unwrap().kind, SocketEventKind::Disconnected { .. }) {} };
    timeout(PATIENCE, cut).await.expect("its connection is closed");
    until_refused(&heard).await;
    assert_eq!(code_of_login(&mut requests, "ci").await, Some(Code::UnknownKey));
    let mut other = places.peer(folder.path(), &["ci"]);
    assert_eq!(other.ask("login", &json!({"user": "ci"}))["code"], "unknown_key");

    root.does(AdminAct::Unban { of: user("ci") }).await;
    assert_eq!(code_of_login(&mut requests, "ci").await, None);
    until_heard(&mut root, &mut bot, "ci").await;
}

/// One socket of libzmq's, and how its handshake ends.
const HANDSHAKE: &str = r#"
import sys, zmq
from zmq.utils.monitor import recv_monitor_message
kind, endpoint, server, secret = sys.stdin.readline().split()
socket = zmq.Context().socket(getattr(zmq, kind))
socket.linger = 0
if server != "-":
    socket.curve_secretkey = secret.encode()
    socket.curve_publickey = zmq.curve_public(secret.encode())
    socket.curve_serverkey = server.encode()
ends = {zmq.EVENT_HANDSHAKE_SUCCEEDED: "let in", zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL: "refused",
        zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL: "refused", zmq.EVENT_HANDSHAKE_FAILED_AUTH: "refused",
        zmq.EVENT_DISCONNECTED: "refused"}
monitor = socket.get_monitor_socket()
socket.connect(endpoint)
while (event := recv_monitor_message(monitor)["event"]) not in ends:
    pass
print(ends[event], flush=True)
"#;

fn handshake(scratch: &Path, kind: &str, endpoint: &str, keys: Option<(&KeyPair, &Secured)>) -> String {
    let mut process = python(scratch, HANDSHAKE).with_input().start();
    let (server, secret) = match keys {
        Some((keys, secured)) => (secured.key.to_string(), keys.secret().to_z85().to_string()),
        None => ("-".to_owned(), "-".to_owned()),
    };
    process.write_line(&format!("{kind} {endpoint} {server} {secret}"));
    process.wait_for_output("how the handshake ends", |_| true)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_without_a_key_comes_in_by_plain_listeners_alone_and_one_with_a_key_by_the_others() {
    let folder = folder();
    let places = Places::of("ci", folder.path());
    let secured = Secured::up_with(folder.path(), &places.options());
    let root = secured.first("root").await;
    let with_key = Some((&root.keys, &secured));
    for (kind, plain, guarded) in [
        ("DEALER", places.requests(), &secured.requests),
        ("SUB", places.subscribers(), &secured.subscribers),
    ] {
        for (endpoint, keys, expect) in [
            (&plain, None, "let in"),
            (guarded, None, "refused"),
            (&plain, with_key, "refused"),
            (guarded, with_key, "let in"),
        ] {
            let end = handshake(folder.path(), kind, endpoint, keys);
            assert_eq!(end, expect, "{kind} at {endpoint}, with a key: {}", keys.is_some());
        }
    }
    assert_eq!(handshake(folder.path(), "PUB", &secured.publishers, None), "refused");
    assert_eq!(handshake(folder.path(), "PUB", &places.subscribers(), None), "refused");
}

/// The key that stands in for whoever reaches a user's plain listener.
async fn stand_in(root: &mut Person, name: &str) -> DeviceKey {
    match root.requests.ask(RequestBody::Keys { of: Some(user(name)) }).await {
        ReplyBody::Keys(keys) => {
            let is_plain = |device: Option<&str>| device == Some("plain listener");
            keys.iter().find(|it| is_plain(it.device.as_ref().map(|it| it.as_str()))).unwrap().key
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listener_whose_key_was_revoked_stays_shut_after_a_restart_and_another_name_opens_one() {
    let folder = folder();
    let places = Places::of("ci", folder.path());
    let secured = Secured::up_with(folder.path(), &places.options());
    let mut root = secured.first("root").await;
    let mut requests = Requester::connect(&places.requests());
    assert_eq!(code_of_login(&mut requests, "ci").await, None);
    let key = stand_in(&mut root, "ci").await;
    root.does(AdminAct::RevokeKey { key }).await;
    assert_eq!(code_of_login(&mut requests, "ci").await, Some(Code::UnknownKey));
    assert_eq!(secured.process.terminate().code, Some(0));

    let next = Places::of("ci-2", folder.path());
    let options = [places.options(), next.options()].concat();
    let secured = Secured::up_with(folder.path(), &options);
    secured.process.wait_for_log("why it stays shut", |line| {
        field(line, "user").as_deref() == Some("ci")
            && field(line, "message")
                .is_some_and(|says| says.contains("was revoked") && says.contains("another name"))
    });
    assert!(!places.requests.exists(), "nobody listens there");
    until_refused(&subscriber(&places)).await;
    let mut requests = Requester::connect(&next.requests());
    assert_eq!(code_of_login(&mut requests, "ci-2").await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_or_a_channel_is_no_plain_bot() {
    let folder = folder();
    let secured = Secured::up(folder.path());
    let mut root = secured.first("root").await;
    root.requests.create("builds").await;
    assert_eq!(secured.process.terminate().code, Some(0));
    let (url, key) = (store_url(&folder.path().join("recado.db")), folder.path().join("installation.key"));
    for (name, part) in [("root", "root is an administrator"), ("builds", "the name builds is taken")] {
        let places = Places::of(name, folder.path());
        let [option, listener, ..] = &places.options;
        let arguments = [
            "server",
            "--secure",
            "--key",
            key.to_str().unwrap(),
            "--requests",
            ANY_PORT,
            "--store",
            &url,
            option,
            listener,
        ];
        let ended = Run::recado(folder.path(), arguments).to_end();
        assert_eq!(ended.code, Some(1), "{ended:?}");
        let said = ended.err.last().unwrap();
        assert!(
            said.contains(&format!("a plain listener cannot let in as {name}")) && said.contains(part),
            "{said}"
        );
        assert!(!places.requests.exists());
    }
}

#[test]
fn without_secure_or_from_elsewhere_there_are_no_plain_listeners() {
    let folder = folder();
    for (arguments, part) in [
        (&["up", "--plain-requests", "ci=ipc://ci"][..], "add --secure"),
        (&["up", "--plain-subscribers", "ci=ipc://ci"], "add --secure"),
        (&["server", "--open", "--plain-requests", "ci=ipc://ci"], "add --secure"),
        (
            &["broker", "--secure", "--plain-subscribers", "ci=tcp://0.0.0.0:0"],
            "whoever reached it would be ci",
        ),
        (&["broker", "--secure", "--plain-subscribers", "_ci=ipc://ci"], "cannot begin with `_`"),
        (&["server", "--secure", "--plain-requests", "ci=tcp://*:0"], "whoever reached it would be ci"),
        (&["server", "--secure", "--plain-requests", "ipc://ci"], "names nobody"),
    ] {
        let ended = Run::recado(folder.path(), arguments).to_end();
        assert_eq!(ended.code, Some(2), "{arguments:?}: {ended:?}");
        assert!(ended.err.join("\n").contains(part), "{arguments:?}: {:?}", ended.err);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_and_a_server_by_themselves_agree_by_the_installations_key() {
    let folder = folder();
    let places = Places::of("build bot", folder.path());
    let (url, key) = (store_url(&folder.path().join("recado.db")), folder.path().join("installation.key"));
    let key = key.to_str().unwrap();
    let [requests, requests_at, subscribers, subscribers_at] = &places.options;
    let common = ["--secure", "--key", key, "--log-format", "json"];
    let broker = [&["broker", "--publishers", ANY_PORT, "--subscribers", ANY_PORT][..], &common].concat();
    let broker =
        Run::recado(folder.path(), [&broker[..], &[subscribers.as_str(), subscribers_at]].concat()).start();
    let publishers = listening(&broker, "publishers");
    let server =
        [&["server", "--requests", ANY_PORT, "--broker", &publishers, "--store", &url][..], &common].concat();
    let server =
        Run::recado(folder.path(), [&server[..], &[requests.as_str(), requests_at]].concat()).start();
    wait_until_let_in(&server, "plain requests", "build bot");
    let mut bot = places.peer(folder.path(), &["build bot"]);
    let hearing = async {
        loop {
            let sent =
                bot.ask("message", &json!({"src": "build bot", "dst": "build bot", "message": "do I hear?"}));
            assert_eq!(sent["status"], "OK");
            if bot.hear(SOUNDING_WAIT).is_some() {
                return;
            }
        }
    };
    timeout(PATIENCE, hearing).await.unwrap();
}
