//! Every service, asked with REQ sockets that are not ours: the replies are to the letter what programs of today expect.

use recado_tests::{
    parts::{Recado, folder},
    peers::{Library, Peer},
};
use serde_json::{Value, json};

/// Replies to be compared: what differs from run to run is checked and taken out.
struct Asker {
    peer: Peer,
    clock: u64,
}

const SENT: u64 = 1_700_000_000;
const ID: &str = "018bcfe568007000800000000000002a";

impl Asker {
    fn check(&mut self, service: &str, data: &Value, expect: Value) {
        let mut reply = self.peer.ask(service, data);
        self.take_times(&mut reply);
        assert_eq!(reply, expect, "{service} {data}");
    }

    /// A refusal: the sentence is compared loosely, its key and all others exactly.
    fn check_refused(&mut self, service: &str, data: &Value, keys: &[&str], code: &str) {
        let mut reply = self.peer.ask(service, data);
        self.take_times(&mut reply);
        let sentence = reply[keys[0]].as_str().expect("a refusal has a sentence").to_owned();
        assert!(!sentence.is_empty());
        let mut expect = json!({"status": "erro", "code": code});
        keys.iter().for_each(|key| expect[*key] = sentence.as_str().into());
        assert_eq!(reply, expect, "{service} {data}");
    }

    /// The reply to something sent; gives its `seq`.
    fn check_stored(&mut self, service: &str, data: &Value) -> u64 {
        let mut reply = self.peer.ask(service, data);
        self.take_times(&mut reply);
        let seq = take(&mut reply, "seq").as_u64().expect("a place is a number");
        assert!(take(&mut reply, "epoch").is_u64());
        let id = take(&mut reply, "id");
        assert_eq!(id["hex"].as_str().map(str::len), Some(32), "{id}");
        assert!(data["id"].is_null() || data["id"] == id, "{id}");
        assert_eq!(reply, json!({"status": "OK"}), "{service} {data}");
        seq
    }

    fn take_times(&mut self, reply: &mut Value) {
        let timestamp = take(reply, "timestamp");
        assert!(
            timestamp.as_u64().is_some_and(|seconds| seconds > SENT && seconds < 100_000_000_000),
            "{timestamp}"
        );
        let clock = take(reply, "clock").as_u64().expect("the clock is a number");
        assert!(clock > self.clock, "{clock}");
        self.clock = clock;
    }
}

fn take(map: &mut Value, key: &str) -> Value {
    map.as_object_mut().expect("a map").remove(key).unwrap_or_else(|| panic!("{key} is missing"))
}

fn check_all_services(library: Library) {
    let folder = folder();
    let recado = Recado::up(folder.path()).expect("it starts");
    let mut peer = Peer::start(library, folder.path());
    peer.connect_requester(&recado.requests);
    let mut asker = Asker { peer, clock: 0 };
    logins_and_lists(&mut asker);
    messages(&mut asker);
    history(&mut asker);
    search(&mut asker);
    envelopes(&mut asker.peer);
}

fn logins_and_lists(asker: &mut Asker) {
    asker.check("users", &json!({"timestamp": SENT}), json!({"users": []}));
    asker.check("login", &json!({"user": "bob", "timestamp": SENT}), json!({"status": "sucesso"}));
    asker.check(
        "login",
        &json!({"user": "ana", "timestamp": SENT, "clock": 50}),
        json!({"status": "sucesso"}),
    );
    assert!(asker.clock > 50, "a Lamport clock goes on from what it received");
    asker.check(
        "login",
        &json!({"user": "ana", "timestamp": "2023-11-14T22:13:20"}),
        json!({"status": "sucesso"}),
    );
    asker.check_refused("login", &json!({"user": " ", "timestamp": SENT}), &["description"], "bad_name");
    asker.check_refused("login", &json!({"timestamp": SENT}), &["description"], "bad_request");
    asker.check("channels", &json!({"timestamp": SENT}), json!({"channels": [], "users": []}));
    asker.check("channel", &json!({"channel": "geral", "timestamp": SENT}), json!({"status": "sucesso"}));
    asker.check("channel", &json!({"channel": "tech", "timestamp": 1.5}), json!({"status": "sucesso"}));
    asker.check_refused("channel", &json!({"channel": "geral"}), &["description"], "name_taken");
    asker.check_refused("channel", &json!({"channel": "ana"}), &["description"], "name_taken");
    asker.check_refused("login", &json!({"user": "geral"}), &["description"], "name_taken");
    let both = json!({"channels": ["geral", "tech"], "users": ["geral", "tech"]});
    asker.check("channels", &json!({"timestamp": SENT * 1000}), both);
    asker.check("users", &json!({}), json!({"users": ["ana", "bob"]}));
}

fn messages(asker: &mut Asker) {
    let publish = |channel, message, id| json!({"user": "ana", "channel": channel, "message": message, "id": id, "timestamp": SENT});
    let hex = json!({"hex": ID});
    assert_eq!(asker.check_stored("publish", &publish("geral", "um", Value::Null)), 1);
    assert_eq!(asker.check_stored("publish", &publish("geral", "dois", hex.clone())), 2);
    assert_eq!(
        asker.check_stored("publish", &publish("geral", "dois", hex.clone())),
        2,
        "sent again, stored once"
    );
    asker.check_refused("publish", &publish("geral", "dos", hex), &["message"], "id_reused");
    assert_eq!(asker.check_stored("publish", &publish("tech", "one", Value::Null)), 1);
    asker.check_refused("publish", &publish("nowhere", "um", Value::Null), &["message"], "no_such_channel");
    asker.check_refused(
        "publish",
        &publish("geral", &"x".repeat(65_537), Value::Null),
        &["message"],
        "too_large",
    );
    let message = |dst| json!({"src": "ana", "dst": dst, "message": "tudo bem?", "timestamp": SENT});
    assert_eq!(asker.check_stored("message", &message("bob")), 1);
    asker.check_refused("message", &message("nobody"), &["message"], "no_such_user");
    asker.check_refused("message", &json!({"src": "ana", "dst": "bob"}), &["message"], "bad_request");
}

fn history(asker: &mut Asker) {
    let mut reply = asker.peer.ask("history", &json!({"user": "bob", "channel": "geral", "after": 1}));
    asker.take_times(&mut reply);
    let epoch = take(&mut reply, "epoch");
    let mut messages = take(&mut reply, "messages");
    assert_eq!(reply, json!({"status": "OK", "first_seq": 1, "last_seq": 2}));
    assert!(take(&mut messages[0], "time_ms").as_u64().is_some_and(|ms| ms > SENT * 1000));
    assert!(take(&mut messages[0], "clock").is_u64());
    let expect = json!([{
        "topic": "geral", "user": "ana", "message": "dois", "timestamp": SENT, "id": {"hex": ID}, "seq": 2, "epoch": epoch,
    }]);
    assert_eq!(messages, expect);

    let reply = asker.peer.ask("history", &json!({"user": "bob", "with": "ana", "latest": true}));
    let [message] = reply["messages"].as_array().expect("a list").as_slice() else { panic!("{reply}") };
    assert_eq!(
        (&message["topic"], &message["from"], &message["message"]),
        (&json!("bob"), &json!("ana"), &json!("tudo bem?"))
    );
    asker.check_refused(
        "history",
        &json!({"user": "bob", "channel": "nowhere"}),
        &["message"],
        "no_such_channel",
    );
    asker.check_refused(
        "history",
        &json!({"user": "bob", "with": "ana", "after": 1}),
        &["message"],
        "bad_place",
    );
}

fn search(asker: &mut Asker) {
    let mut reply =
        asker.peer.ask("search", &json!({"user": "ana", "words": "TUDO be", "with": "bob", "limit": 5}));
    asker.take_times(&mut reply);
    assert!(take(&mut reply, "epoch").is_u64());
    let messages = take(&mut reply, "messages");
    assert_eq!(reply, json!({"status": "OK"}), "nothing is left out");
    let [message] = messages.as_array().expect("a list").as_slice() else { panic!("{messages}") };
    assert_eq!((&message["topic"], &message["from"]), (&json!("bob"), &json!("ana")));
    assert_eq!((&message["message"], &message["seq"]), (&json!("tudo bem?"), &json!(1)));
    assert_eq!(message["snippet"], "\u{2}tudo\u{3} \u{2}bem\u{3}?");
    let of_others = asker.peer.ask("search", &json!({"user": "clara", "words": "tudo"}));
    assert_eq!(of_others["code"], "no_such_user");
    asker.check("login", &json!({"user": "clara"}), json!({"status": "sucesso"}));
    let mut of_others = asker.peer.ask("search", &json!({"user": "clara", "words": "tudo"}));
    asker.take_times(&mut of_others);
    assert_eq!(of_others["messages"], json!([]));
    asker.check_refused("search", &json!({"user": "ana", "words": "?\""}), &["message"], "bad_request");
}

fn envelopes(peer: &mut Peer) {
    let reply =
        peer.ask_whole(&json!({"service": "users", "data": {}, "ref": {"hex": "00ff"}, "timestamp": SENT}));
    assert_eq!(reply["ref"], json!({"hex": "00ff"}));
    let reply = peer.ask_whole(&json!({"service": "dance", "data": {}, "ref": 7}));
    assert_eq!((&reply["service"], &reply["ref"]), (&json!("dance"), &json!(7)));
    assert_eq!(reply["data"]["status"], "erro");
    assert_eq!(reply["data"]["code"], "unknown_service");
    assert!(
        reply["data"]["description"].is_string() && reply["data"]["description"] == reply["data"]["message"]
    );
    let reply = peer.ask_whole(&json!(["no", "map"]));
    assert_eq!((&reply["service"], &reply["data"]["code"]), (&json!("erro"), &json!("bad_request")));
    let reply = peer.ask_whole(&json!({"service": "users"}));
    assert!(reply["data"]["users"].is_array(), "after all that the server goes on");
}

#[test]
fn pyzmq_asks_every_service() {
    check_all_services(Library::Pyzmq);
}

#[test]
fn zeromq_js_asks_every_service() {
    check_all_services(Library::ZeromqJs);
}

#[test]
fn the_zeromq_crate_asks_every_service() {
    check_all_services(Library::ZeromqCrate);
}
