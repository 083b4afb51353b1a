//! A program on pyzmq that knows nothing but `login`, `publish`, `message` and plain SUB, and a person on the full screen, who uses all
//! there is: neither notices anything odd in the other.

use std::collections::BTreeSet;

use recado_tests::{
    limits::{PATIENCE, SOUNDING_WAIT},
    parts::{Recado, folder},
    peers::{Heard, Library, Peer},
    terminal::{FULL_SCREEN, Terminal},
};
use serde_json::{Value, json};

/// What docs/PROTOCOL.md names for a message's publication, beside who sent it and the text.
const DOCUMENTED: [&str; 7] = ["timestamp", "clock", "id", "seq", "epoch", "time_ms", "style"];

/// The next publication, which is a message on one of the two topics.
fn next(bot: &mut Peer) -> Heard {
    bot.hear(PATIENCE).expect("it hears what is said")
}

/// Checks that it is a plain message with this sender and text, beside keys that may be passed over; those of the reply and the manner.
#[track_caller]
fn check(heard: &Heard, topic: &str, sender: (&str, &str), text: &str) -> u64 {
    assert_eq!(heard.topic, topic, "{heard:?}");
    let map = heard.map.as_object().expect("a map");
    assert_eq!((&map[sender.0], &map["message"]), (&json!(sender.1), &json!(text)), "{map:?}");
    let known: BTreeSet<&str> = DOCUMENTED.into_iter().chain([sender.0, "message", "target"]).collect();
    let strange: Vec<_> = map.keys().filter(|key| !known.contains(key.as_str())).collect();
    assert!(strange.is_empty(), "{strange:?} in {map:?}");
    map["seq"].as_u64().expect("every message has a place")
}

fn now() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("it is after 1970").as_secs()
}

fn publish(bot: &mut Peer, text: &str) {
    let request = json!({"user": "bot", "channel": "geral", "message": text, "timestamp": now()});
    assert_eq!(bot.ask("publish", &request)["status"], "OK");
}

/// Logs in, and makes sure of the channel and of being heard.
fn join(bot: &mut Peer, recado: &Recado) {
    bot.connect_requester(&recado.requests);
    bot.connect_subscriber(&recado.subscribers, &["geral", "bot"]);
    assert_eq!(bot.ask("login", &json!({"user": "bot", "timestamp": now()}))["status"], "sucesso");
    bot.ask("channel", &json!({"channel": "geral", "timestamp": now()}));
    // A program of this kind knows of no other way to find out whether its subscription has arrived.
    while bot.hear(SOUNDING_WAIT).is_none() {
        publish(bot, "is anybody there?");
    }
    while bot.hear(SOUNDING_WAIT).is_some() {}
}

#[test]
fn a_plain_program_and_a_person_on_the_full_screen_understand_each_other() {
    let folder = folder();
    let recado = Recado::up(folder.path()).expect("it starts");
    let mut bot = Peer::start(Library::Pyzmq, folder.path());
    join(&mut bot, &recado);
    let line = ["client", "--server", &recado.requests, "--broker", &recado.subscribers, "--user", "ana"];
    let mut ana = Terminal::start_with(folder.path(), 24, 80, &line, &[FULL_SCREEN]);
    ana.wait_for_text("bot: is anybody there?");

    ana.line("yes, I am");
    let first = check(&next(&mut bot), "geral", ("user", "ana"), "yes, I am");
    publish(&mut bot, "pleased to meet you, ana");
    ana.wait_for_text("bot: pleased to meet you, ana");
    check(&next(&mut bot), "geral", ("user", "bot"), "pleased to meet you, ana");

    // A reply and /me are messages like any other to whoever does not know these keys.
    ana.line("/answer likewise");
    ana.wait_for_text("↪ bot: pleased to meet you, ana");
    check(&next(&mut bot), "geral", ("user", "ana"), "likewise");
    ana.line("/me waves");
    check(&next(&mut bot), "geral", ("user", "ana"), "waves");

    // An edit, a reaction, a deletion and a topic are none, and leave only holes in the places.
    ana.line("/edit 3 pleased, too");
    ana.wait_for_text("! ");
    ana.line("/edit 2 pleased, too");
    ana.wait_for_text("ana: pleased, too (edited)");
    ana.line("/react 3 👍");
    ana.wait_for_text("👍 ana");
    ana.line("/delete 1");
    ana.wait_for_text("(deleted)");
    ana.line("/topic people and programs");
    ana.wait_for("the topic", |screen| screen.matches("people and programs").count() >= 1);
    ana.line("/me is done");
    let last = check(&next(&mut bot), "geral", ("user", "ana"), "is done");
    assert_eq!(last - first, 8, "three messages and four acts lie between");

    // Alone, both ways.
    ana.line("/query bot");
    ana.wait_for("the conversation", |screen| screen.lines().next().is_some_and(|row| row.contains("│@bot")));
    ana.line("psst");
    check(&next(&mut bot), "bot", ("from", "ana"), "psst");
    ana.line("/react 1 🎉");
    ana.wait_for_text("🎉 ana");
    let told = json!({"src": "bot", "dst": "ana", "message": "I hear you", "timestamp": now()});
    assert_eq!(bot.ask("message", &told)["status"], "OK");
    ana.wait_for_text("bot: I hear you");
    assert!(bot.hear(SOUNDING_WAIT).is_none(), "nothing else came to it");

    // Who asks as programs always did reads messages as they are by now, and no act.
    let page = bot.ask("history", &json!({"user": "bot", "channel": "geral", "limit": 5}));
    let texts: Vec<&Value> =
        page["messages"].as_array().expect("a list").iter().map(|message| &message["message"]).collect();
    assert_eq!(texts, ["yes, I am", "pleased to meet you, ana", "pleased, too", "", "is done"]);
    ana.keys("\x04");
    let (code, screen) = ana.wait_for_end();
    assert_eq!(code, 0, "{screen}");
}

#[test]
fn what_one_has_read_is_told_to_nobody_else() {
    let folder = folder();
    let recado = Recado::up(folder.path()).expect("it starts");
    let mut bot = Peer::start(Library::Pyzmq, folder.path());
    join(&mut bot, &recado);
    let mut listener = Peer::start(Library::Pyzmq, folder.path());
    listener.connect_subscriber(&recado.subscribers, &[""]);
    let line = ["client", "--server", &recado.requests, "--broker", &recado.subscribers, "--user", "ana"];
    let mut ana = Terminal::start_with(folder.path(), 24, 80, &line, &[FULL_SCREEN]);
    ana.wait_for_text("bot: is anybody there?");
    while listener.hear(SOUNDING_WAIT).is_none() {
        publish(&mut bot, "one more");
    }
    publish(&mut bot, "have you read this?");
    ana.wait_for_text("have you read this?");
    // Whoever hears everything hears of it on the reader's own topic, and on none of another's.
    let mut marked = 0;
    while marked == 0 {
        let heard = listener.hear(PATIENCE).expect("a mark that moved is published");
        marked += usize::from(heard.topic == "_marks.ana");
        assert!(!heard.topic.starts_with("_marks.") || heard.topic == "_marks.ana", "{heard:?}");
    }
    while let Some(heard) = bot.hear(SOUNDING_WAIT) {
        assert_eq!((heard.topic.as_str(), &heard.map["user"]), ("geral", &json!("bot")), "{heard:?}");
    }
    ana.keys("\x04");
    assert_eq!(ana.wait_for_end().0, 0);
}
