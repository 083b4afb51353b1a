//! Files of both spellings in, files of ours out, and back.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use recado_proto::{Act, ChannelName, HistoryOf, HistoryRequest, Manner, MessageId, Range, Style, UserName};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{Counts, Imported, TransferError, export, import};
use crate::config::StoreUrl;
use crate::store::{
    Change, Destination, EntryKind, NewAct, NewMessage, Outcome, Position, Reader, SqliteReader, SqliteStore,
    Store,
};

struct Place(TempDir);

impl Place {
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn url(&self, name: &str) -> StoreUrl {
        StoreUrl::from(self.file(name))
    }

    fn import(&self, store: &str, content: &str) -> Result<Imported, TransferError> {
        let file = self.file("in.json");
        fs::write(&file, content).unwrap();
        import(&self.url(store), &file, &mut |_| {})
    }

    fn export(&self, store: &str) -> Value {
        let file = self.file("out.json");
        export(&self.url(store), &file, &mut |_| {}).unwrap();
        serde_json::from_slice(&fs::read(&file).unwrap()).unwrap()
    }

    fn history(&self, store: &str, channel: &str) -> Vec<String> {
        let mut reader = SqliteReader::open(&self.file(store)).unwrap();
        let request = HistoryRequest {
            user: UserName::parse("x").unwrap(),
            of: HistoryOf::Channel(ChannelName::parse(channel).unwrap()),
            range: Range::Latest,
            limit: 1000,
            acts: false,
        };
        let page = reader.history(&request).unwrap().unwrap();
        page.messages.into_iter().map(|message| message.message).collect()
    }
}

const SNAKE: &str = r#"{
    "logins": [{"username": "ana", "timestamp": 1700000000}, {"username": "bob", "timestamp": 1700000000.75}],
    "channels": ["geral", "tech"],
    "channel_messages": [
        {"user": "ana", "channel": "geral", "message": "oi", "timestamp": 1700000001},
        {"user": "ana", "channel": "geral", "message": "oi", "timestamp": 1700000001},
        {"user": "bot", "channel": "random", "message": "", "timestamp": "2023-11-14T22:13:22Z"}
    ],
    "user_messages": [{"src": "ana", "dst": "dora", "message": "tudo bem?", "timestamp": 1700000003000}]
}"#;

const CAPITALS: &str = r#"{
    "Logins": [{"Username": "ana", "Timestamp": 1700000000}, {"Username": "bob", "Timestamp": 1700000000}],
    "Channels": ["geral", "tech"],
    "ChannelMessages": [
        {"User": "ana", "Channel": "geral", "Message": "oi", "Timestamp": 1700000001},
        {"User": "ana", "Channel": "geral", "Message": "oi", "Timestamp": 1700000001},
        {"User": "bot", "Channel": "random", "Message": "", "Timestamp": 1700000002}
    ],
    "UserMessages": [{"Src": "ana", "Dst": "dora", "Message": "tudo bem?", "Timestamp": 1700000003}]
}"#;

const OBJECTS: &str = r#"{
    "userMessages": [{"src": "ana", "dst": "dora", "message": "tudo bem?", "timestamp": 1700000003, "extra": [[{}]]}],
    "channelMessages": [
        {"user": "ana", "channel": "geral", "message": "oi", "timestamp": 1700000001, "id": 1},
        {"user": "ana", "channel": "geral", "message": "oi", "timestamp": 1700000001, "id": 2},
        {"user": "bot", "channel": "random", "message": "", "timestamp": 1700000002, "id": {"$oid": "x"}}
    ],
    "version": {"major": 2},
    "channels": [{"name": "geral", "timestamp": 1700000000}, {"channel": "tech", "timestamp": null}],
    "logins": [{"user": "ana", "timestamp": 1700000000}, {"user": "bob", "timestamp": 1700000000}]
}"#;

const ALL: Counts = Counts { logins: 2, channels: 2, channel_messages: 3, user_messages: 1, acts: 0 };

#[test]
fn every_spelling_is_the_same_data() {
    for first in [SNAKE, CAPITALS, OBJECTS] {
        let place = Place::new();
        let imported = place.import("a.db", first).unwrap();
        let added = Counts { channels: 3, ..ALL };
        assert_eq!(imported, Imported { added, ..Imported::default() });
        for again in [SNAKE, CAPITALS, OBJECTS] {
            let imported = place.import("a.db", again).unwrap();
            assert_eq!(imported, Imported { present: ALL, ..Imported::default() });
        }
        assert_eq!(place.history("a.db", "geral"), ["oi", "oi"]);
        let mut reader = SqliteReader::open(&place.file("a.db")).unwrap();
        let names = |names: Vec<String>| names.join(" ");
        let users = reader.users().unwrap().iter().map(ToString::to_string).collect();
        assert_eq!(names(users), "ana bob bot dora");
        let channels = reader.channels().unwrap().iter().map(ToString::to_string).collect();
        assert_eq!(names(channels), "geral random tech");
        assert!(reader.publications(Position(0), 1000).unwrap().found.is_empty(), "nothing is published");
    }
}

#[test]
fn an_export_has_the_old_keys_and_ours() {
    let place = Place::new();
    place.import("a.db", CAPITALS).unwrap();
    let out = place.export("a.db");
    assert_eq!(out["logins"][1], json!({"username": "bob", "timestamp": 1_700_000_000}));
    // A channel that only its messages name is listed like all others.
    assert_eq!(out["channels"], json!(["geral", "tech", "random"]));
    let message = &out["channel_messages"][1];
    assert_eq!(message["user"], "ana");
    assert_eq!((&message["channel"], &message["message"]), (&json!("geral"), &json!("oi")));
    assert_eq!((&message["timestamp"], &message["seq"]), (&json!(1_700_000_001), &json!(2)));
    assert_eq!(message["time_ms"], 1_700_000_001_000_u64);
    assert_eq!(message["id"].as_str().unwrap().len(), 36);
    assert_eq!(out["user_messages"][0]["src"], "ana");
    assert_eq!(out["user_messages"][0]["dst"], "dora");
}

#[test]
fn an_export_comes_back_as_it_was() {
    let place = Place::new();
    live(&place.file("a.db"));
    let out = place.export("a.db");
    let again = place.import("a.db", &out.to_string()).unwrap();
    assert_eq!(again.added, Counts::default(), "into its own store it adds nothing");
    let copied = place.import("b.db", &out.to_string()).unwrap();
    assert_eq!(copied.added.channel_messages, 5_000);
    assert_eq!(place.export("b.db"), out, "into an empty one it adds all");
}

#[test]
fn what_was_done_to_messages_comes_back_as_it_was() {
    let place = Place::new();
    done(&place.file("a.db"));
    let out = place.export("a.db");
    let texts = |list: &str| -> Vec<_> {
        out[list].as_array().unwrap().iter().map(|entry| entry["message"].clone()).collect()
    };
    assert_eq!(texts("channel_messages"), ["now", "waves", "so do I"], "deleted ones are no messages");
    assert_eq!(texts("user_messages"), ["psst", "what?"]);
    let [waves, reply] = [1, 2].map(|index| &out["channel_messages"][index]);
    assert_eq!((&waves["style"], &reply["target"]), (&json!("me"), &waves["id"]));
    let kinds: Vec<_> = out["channel_acts"].as_array().unwrap().iter().map(|act| &act["kind"]).collect();
    assert_eq!(kinds, ["edit", "topic", "message", "edit", "react", "edit", "delete", "topic"]);
    assert!(!out.to_string().contains("secret"), "nothing withdrawn is in a file");

    let again = place.import("a.db", &out.to_string()).unwrap();
    assert_eq!((again.added, again.acts_left_out), (Counts::default(), 0), "its own store has it all");
    let copied = place.import("b.db", &out.to_string()).unwrap();
    assert_eq!((copied.added.acts, copied.acts_left_out), (10, 0));
    assert_eq!(place.export("b.db"), out, "an empty store becomes the same one");
    assert_eq!(place.history("b.db", "a"), place.history("a.db", "a"));
    let mut reader = SqliteReader::open(&place.file("b.db")).unwrap();
    assert!(reader.publications(Position(0), 1000).unwrap().found.is_empty(), "nothing is published");
}

#[test]
fn a_later_export_brings_what_was_done_since() {
    let place = Place::new();
    let one = |message: &str, acts: Value| {
        let messages = json!([{"user": "ana", "channel": "a", "message": message, "timestamp": 1, "id": id(1).to_string(), "seq": 1}]);
        let messages = if message.is_empty() { json!([]) } else { messages };
        json!({ "channels": ["a"], "channel_messages": messages, "channel_acts": acts }).to_string()
    };
    let act = |number: u8, kind: &str, message: &str| {
        let seq = number;
        json!({"user": "ana", "channel": "a", "kind": kind, "message": message, "timestamp": 2, "id": id(number).to_string(),
            "target": id(1).to_string(), "seq": seq, "time_ms": 2000 + u64::from(number)})
    };
    place.import("a.db", &one("first", json!([]))).unwrap();
    let edited = one("second", json!([act(2, "edit", "second")]));
    assert_eq!(place.import("a.db", &edited).unwrap().added, Counts { acts: 1, ..Counts::default() });
    assert_eq!(place.history("a.db", "a"), ["second"], "the message is there once");
    // An older edit that comes late does not take the place of a newer one.
    let late = one(
        "second",
        json!([{"user": "ana", "channel": "a", "kind": "edit", "message": "late", "id": id(9).to_string(),
        "target": id(1).to_string(), "time_ms": 2001}]),
    );
    assert_eq!(place.import("a.db", &late).unwrap().added.acts, 1);
    assert_eq!(place.history("a.db", "a"), ["second"]);
    let gone = json!({"user": "ana", "channel": "a", "kind": "message", "timestamp": 1, "id": id(1).to_string(), "seq": 1});
    let deleted = one("", json!([gone, act(2, "edit", ""), act(3, "delete", "")]));
    let imported = place.import("a.db", &deleted).unwrap();
    assert_eq!((imported.added.acts, imported.present.acts, imported.acts_left_out), (1, 2, 0));
    assert_eq!(place.history("a.db", "a"), [""]);
    // What cannot be done any more is left out and counted, and the rest goes on.
    let late = one("second", json!([act(4, "react", "👍"), act(5, "edit", "back again")]));
    let imported = place.import("a.db", &late).unwrap();
    assert_eq!((imported.added, imported.acts_left_out), (Counts::default(), 2));
    let strange =
        json!({"user": "bob", "channel": "a", "kind": "topic", "message": "all", "id": id(6).to_string()});
    assert_eq!(place.import("a.db", &one("second", json!([strange]))).unwrap().added.acts, 1);
}

#[test]
fn a_file_that_says_nothing_of_manners_doubles_no_message() {
    let place = Place::new();
    done(&place.file("a.db"));
    let mut out = place.export("a.db");
    let lists = out.as_object_mut().unwrap();
    lists.remove("channel_acts");
    lists.remove("user_acts");
    for list in ["channel_messages", "user_messages"] {
        for message in lists[list].as_array_mut().unwrap() {
            message.as_object_mut().unwrap().retain(|key, _| key != "target" && key != "style");
        }
    }
    assert_eq!(place.import("a.db", &out.to_string()).unwrap().added, Counts::default());
}

fn id(number: u8) -> MessageId {
    MessageId::from_bytes([number; 16])
}

/// A store in which messages were edited, deleted, replied to and reacted to.
fn done(path: &Path) {
    let user = |name: &str| UserName::parse(name).unwrap();
    let in_a = || Destination::Channel(ChannelName::parse("a").unwrap());
    let in_b = || Destination::Channel(ChannelName::parse("b").unwrap());
    let to = |name: &str| Destination::User(user(name));
    let say = |from: &str, to: Destination, text: &str, number: u8, manner: Manner| {
        let (from, text, id) = (user(from), text.to_owned(), Some(id(number)));
        Change::Send(NewMessage { from, to, text, id, timestamp: None, clock: 0, imported: None, manner })
    };
    let act = |from: &str, to: Destination, act: Act| {
        Change::Act(NewAct { from: user(from), to, act, id: None, timestamp: None, clock: 0, imported: None })
    };
    let edit = |number, text: &str| Act::Edit { target: id(number), text: text.to_owned() };
    let react = |number| Act::React { target: id(number), emoji: "👍".to_owned() };
    let topic = |text: &str| Act::Topic { text: text.to_owned() };
    let plain = Manner::default();
    let channel = |name: &str| Change::CreateChannel {
        channel: ChannelName::parse(name).unwrap(),
        timestamp: None,
        id: None,
        owner: None,
    };
    let login = |name| Change::Login { user: user(name), timestamp: None };
    let turns = [
        vec![login("ana"), login("bob"), channel("a"), channel("b")],
        vec![
            say("ana", in_a(), "secret draft", 1, plain),
            act("ana", in_a(), edit(1, "another secret")),
            act("bob", in_b(), topic("what b is about")),
            say("ana", in_a(), "secret", 2, Manner::reply_to(id(1))),
        ],
        vec![
            act("ana", in_a(), edit(2, "still secret")),
            say("bob", to("ana"), "psst", 3, plain),
            act("ana", to("bob"), react(3)),
            say("ana", in_a(), "waves", 4, Manner { target: None, style: Some(Style::Me) }),
            act("bob", in_a(), react(4)),
            say("ana", to("bob"), "what?", 5, Manner::reply_to(id(3))),
        ],
        vec![
            act("ana", in_a(), edit(1, "now")),
            act("bob", to("ana"), Act::Unreact { target: id(3), emoji: "👍".to_owned() }),
            act("ana", in_a(), Act::Delete { target: id(2) }),
            say("bob", in_a(), "so do I", 6, Manner::reply_to(id(4))),
            act("bob", in_b(), topic("")),
        ],
    ];
    let mut store = Box::new(SqliteStore::open(path).unwrap());
    for (changes, now_ms) in turns.into_iter().zip(1_700_000_000_000..) {
        let committed = store.commit(changes, now_ms).unwrap();
        for outcome in committed.outcomes {
            assert!(!matches!(outcome, Outcome::Refused(_)), "{outcome:?}");
        }
    }
    store.close().unwrap();
}

/// A store that a server has written.
fn live(path: &Path) {
    let user = |name: &str| UserName::parse(name).unwrap();
    let channel = |name: &str| ChannelName::parse(name).unwrap();
    let mut store = Box::new(SqliteStore::open(path).unwrap());
    let login = |name| Change::Login { user: user(name), timestamp: None };
    let mut changes = vec![login("ana"), login("bob"), login("ana")];
    changes.extend(["a", "b"].map(|name| Change::CreateChannel {
        channel: channel(name),
        timestamp: None,
        id: None,
        owner: None,
    }));
    for number in 0..5_000 {
        let to = Destination::Channel(channel(["a", "b"][number % 2]));
        let text = format!("\"{number}\"\n\u{1f600}");
        changes.push(Change::Send(NewMessage {
            from: user("ana"),
            to,
            text,
            id: None,
            timestamp: None,
            clock: 0,
            imported: None,
            manner: Manner::default(),
        }));
    }
    changes.push(Change::Send(NewMessage {
        from: user("ana"),
        to: Destination::User(user("bob")),
        text: String::new(),
        id: None,
        timestamp: None,
        clock: 0,
        imported: None,
        manner: Manner::default(),
    }));
    store.commit(changes, 1_700_000_000_123).unwrap();
    store.close().unwrap();
}

#[test]
fn a_login_counts_as_often_as_it_happened() {
    let place = Place::new();
    let file = |times: usize| {
        let logins = vec![json!({"username": "ana", "timestamp": 5}); times];
        json!({ "logins": logins, "channels": null }).to_string()
    };
    assert_eq!(place.import("a.db", &file(2)).unwrap().added.logins, 2);
    assert_eq!(place.import("a.db", &file(3)).unwrap().added.logins, 1);
    assert_eq!(place.import("a.db", &file(1)).unwrap().added.logins, 0);
    // One without a time is the same one, too.
    let file = r#"{"logins": [{"username": "ana"}]}"#;
    assert_eq!(place.import("a.db", file).unwrap().added.logins, 1);
    assert_eq!(place.import("a.db", file).unwrap().added.logins, 0);
}

#[test]
fn an_id_that_belongs_to_another_message_loses_none() {
    let place = Place::new();
    let id = "0190a1b2-c3d4-7e5f-8a6b-7c8d9e0fa1b2";
    let file = json!({ "channel_messages": [
        {"user": "ana", "channel": "a", "message": "one", "timestamp": 1, "id": id},
        {"user": "ana", "channel": "a", "message": "two", "timestamp": 1, "id": id},
    ]});
    assert_eq!(place.import("a.db", &file.to_string()).unwrap().added.channel_messages, 2);
    assert_eq!(place.import("a.db", &file.to_string()).unwrap().added.channel_messages, 0);
    let mut found = place.history("a.db", "a");
    found.sort();
    assert_eq!(found, ["one", "two"]);
}

#[track_caller]
fn check_refused(content: &str, parts: &[&str]) {
    let place = Place::new();
    place.import("a.db", r#"{"channels": ["geral"]}"#).unwrap();
    let error = place.import("a.db", content).unwrap_err().to_string();
    for part in parts {
        assert!(error.contains(part), "{content}: {error}");
    }
    let mut reader = SqliteReader::open(&place.file("a.db")).unwrap();
    let channels = reader.entries(EntryKind::Channels, Position(0), 100).unwrap().found.len();
    assert_eq!((channels, reader.users().unwrap().len()), (1, 0), "nothing was imported");
}

#[test]
fn what_is_wrong_is_said_with_its_place_and_nothing_is_imported() {
    check_refused("", &["in.json", "no server_data.json", "line 1"]);
    check_refused("[]", &["no server_data.json"]);
    check_refused("{}", &["none of logins"]);
    check_refused(r#"{"channels": ["a"]"#, &["EOF", "line 1 column 18"]);
    check_refused(r#"{"channels": ["a"]} {}"#, &["trailing"]);
    check_refused(r#"{"channels": {"a": 1}}"#, &["a list of channels"]);
    check_refused(r#"{"channels": ["a", 5]}"#, &["channels[1]", "line 1"]);
    check_refused(r#"{"channels": ["a"], "logins": ["ana"]}"#, &["logins[0]", "an object"]);
    check_refused(r#"{"channels": ["a"], "logins": [{"timestamp": 1}]}"#, &["logins[0]", "username"]);
    check_refused(
        r#"{"channels": ["a"], "channel_messages": [{"user": "x", "channel": "a", "message": 7}]}"#,
        &["channel_messages[0]", "string"],
    );
    check_refused(
        r#"{"channels": ["a", "_b", ""], "user_messages": [{"src": "x\ny", "dst": "z", "message": "m"}]}"#,
        &["channels[1]", "channels[2]", "user_messages[0]", "\"x\\ny\"", "rename"],
    );
    check_refused(
        r#"{"channels": ["a"], "logins": [{"user": "ana"}, {"user": "a"}, {"user": "a"}]}"#,
        &["logins[1]", "\"a\" is a user here and a channel at channels[0]"],
    );
    check_refused(r#"{"logins": [{"user": "geral"}]}"#, &["logins[0]", "a channel in the store"]);
    let long = json!({ "channel_messages": [{"user": "x", "channel": "a", "message": "x".repeat(65_537)}] });
    check_refused(&long.to_string(), &["channel_messages[0]", "65537 bytes"]);
    let acts = json!({ "channel_acts": [
        {"user": "x", "channel": "a", "kind": "react", "message": "+1", "target": id(1).to_string()},
        {"user": "x", "channel": "a", "kind": "react", "message": "x".repeat(33), "id": id(2).to_string(), "target": id(1).to_string()},
        {"user": "x", "channel": "a", "kind": "delete", "id": id(2).to_string()},
        {"user": "x", "channel": "a", "kind": "dance", "id": id(2).to_string(), "target": id(1).to_string()},
    ], "user_acts": [{"src": "x", "dst": "y", "kind": "topic", "message": "z", "id": id(2).to_string()}]});
    check_refused(
        &acts.to_string(),
        &[
            "channel_acts[0]: it has no id",
            "33 bytes, 32 at most",
            "channel_acts[2]: it has no target",
            "channel_acts[3]",
            "\"dance\"",
            "user_acts[0]: only a channel has a topic",
        ],
    );
    check_refused(r#"{"channel_acts": [{"user": "x", "channel": "a"}]}"#, &["channel_acts[0]", "no kind"]);
    let many = json!({ "channels": vec!["_"; 50] }).to_string();
    check_refused(&many, &["channels[19]", "and 30 more"]);
}

#[test]
fn a_store_in_use_is_not_imported_into_but_exported_beside() {
    let place = Place::new();
    live(&place.file("a.db"));
    let store = SqliteStore::open(&place.file("a.db")).unwrap();
    let error = place.import("a.db", SNAKE).unwrap_err().to_string();
    assert!(error.contains("in use") && error.contains(&std::process::id().to_string()), "{error}");
    assert_eq!(place.export("a.db")["channel_messages"].as_array().unwrap().len(), 5_000);
    drop(store);
}

#[test]
fn files_that_are_not_there_are_named() {
    let place = Place::new();
    let error = import(&place.url("a.db"), &place.file("none.json"), &mut |_| {}).unwrap_err().to_string();
    assert!(error.contains("none.json"), "{error}");
    let error = export(&place.url("none.db"), &place.file("out.json"), &mut |_| {}).unwrap_err().to_string();
    assert!(error.contains("there is no store") && error.contains("none.db"), "{error}");
    assert!(!place.file("out.json").exists());
    let error =
        export(&place.url("none.db"), &place.file("no/out.json"), &mut |_| {}).unwrap_err().to_string();
    assert!(error.contains("none.db"), "{error}");
}

#[test]
fn a_byte_order_mark_is_passed_over() {
    let place = Place::new();
    let imported = place.import("a.db", &format!("\u{feff}{SNAKE}")).unwrap();
    assert_eq!(imported.added.channel_messages, ALL.channel_messages);
}

#[test]
fn an_export_is_its_owners_alone_whatever_lay_there_before() {
    let place = Place::new();
    place.import("a.db", SNAKE).unwrap();
    let out = place.file("out.json");
    let left = place.file(&format!("out.json.{}.new", std::process::id()));
    for path in [&out, &left] {
        fs::write(path, "old").unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o666)).unwrap();
    }
    place.export("a.db");
    assert_eq!(fs::metadata(&out).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(!left.exists());
}
