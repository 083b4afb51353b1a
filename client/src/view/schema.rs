//! docs/scripting.md says of each event which keys it has and of what type they are: it says so of the events that there are.

use std::collections::{BTreeMap, BTreeSet};

use recado_proto::{
    ActKind, ChannelName, Code, Epoch, Here, Manner, Members, MessageId, Presence, Style, UserName,
};
use recado_zmtp::curve::KeyPair;
use serde_json::{Map, Value};

use crate::chat::command::Governing;
use crate::chat::item::{
    ActShown, Attempt, Failure, FailureCode, Item, Level, Message, Notice, Place, TopicSet,
};
use crate::chat::reason::{Hint, Reason};
use crate::keys::Distrust;

use super::json;

const DOCUMENT: &str = include_str!("../../../docs/scripting.md");

fn user() -> UserName {
    UserName::parse("bob").unwrap()
}

fn channel() -> ChannelName {
    ChannelName::parse("geral").unwrap()
}

fn places() -> [Place; 2] {
    [Place::Channel(channel()), Place::Direct(user())]
}

/// Each kind of item with all that it may have, and with as little as it may.
fn items() -> Vec<Item> {
    let mut items = vec![
        Item::Backlog { channel: None },
        Item::Backlog { channel: Some(channel()) },
        Item::HistoryEnd,
        Item::Users(vec![user()]),
        Item::Who(vec![Here { user: user(), state: Presence::Online }]),
        Item::Channels { channels: vec![channel()], joined: vec![channel()], current: None },
        Item::Channels { channels: vec![], joined: vec![], current: Some(channel()) },
        Item::Help(None),
        Item::Members { channel: channel(), members: Members::default(), asked: true },
        Item::Members {
            channel: channel(),
            members: Members { members: vec![user()], private: true, owner: Some(user()) },
            asked: true,
        },
        Item::Device { link: "recado://a:1/k/c".to_owned() },
    ];
    for place in places() {
        for id in [None, Some(MessageId::from_bytes([1; 16]))] {
            items.extend(placed(&place, id));
        }
        items.push(Item::History { of: place.clone(), count: 1 });
        items.push(Item::Notice(Notice::Missing { place: place.clone(), first: 1, last: 2 }));
        items.push(Item::Notice(Notice::EpochChanged { place }));
    }
    let mentions = items.iter().filter_map(|item| match item {
        Item::Message(message) => Some(message.clone()),
        _ => None,
    });
    let mentions = Item::Mentions(mentions.collect());
    items.push(mentions);
    items.extend(attempts().into_iter().map(|what| {
        let hint = matches!(what, Attempt::Join(_)).then_some(Hint::ListUsers);
        let code = FailureCode::Server(Code::Busy);
        Item::Failure(Failure { what, code, reason: Reason::NoAnswer, hint })
    }));
    items.extend(notices().into_iter().map(Item::Notice));
    items.extend(distrust().map(|found| Item::Notice(Notice::Distrusted(Box::new(found)))));
    items
}

fn placed(place: &Place, id: Option<MessageId>) -> Vec<Item> {
    let (seq, epoch) = (id.map(|_| 1), id.map(|_| Epoch::new(7).unwrap()));
    let style = id.map(|_| Style::Me);
    let message = Message {
        place: place.clone(),
        author: user(),
        text: "text".to_owned(),
        time_ms: 0,
        id,
        seq,
        epoch,
        earlier: false,
        own: false,
        current: false,
        manner: Manner { target: id, style },
        quoted: None,
        edited: id.is_some(),
        acts: Vec::new(),
    };
    let act = ActShown {
        place: place.clone(),
        author: user(),
        kind: ActKind::React,
        target: id,
        text: "text".to_owned(),
        time_ms: 0,
        id,
        seq,
        epoch,
        own: false,
    };
    let set = TopicSet { author: user(), time_ms: 0, text: "text".to_owned() };
    let topics = [None, Some(set)].map(|set| Item::Topic { channel: channel(), set, asked: true });
    let found = Item::Found { number: 1, message: Box::new(message.clone()), snippet: "text".to_owned() };
    let count = 1;
    let of = place.clone();
    let target = MessageId::from_bytes([1; 16]);
    let jump = Item::Jump { of, id: target, messages: Vec::new(), before: None, has_later: true, count };
    let search = Item::Search { words: "words".to_owned(), count, partial: false, behind: 0 };
    let context = Item::Context(Box::new(message.clone()));
    let sent = Item::Sent { to: place.clone(), id: MessageId::from_bytes([1; 16]), seq, epoch };
    [Item::Message(message), Item::Act(act), sent, search, found, jump, context]
        .into_iter()
        .chain(topics)
        .collect()
}

fn attempts() -> Vec<Attempt> {
    let id = Some(MessageId::from_bytes([1; 16]));
    let send = |to| Attempt::Send { to, text: "text".to_owned(), id, ambiguous: true };
    let mut attempts: Vec<Attempt> = places().into_iter().map(|place| send(Some(place))).collect();
    attempts.extend([
        send(None),
        Attempt::Line,
        Attempt::Join(channel()),
        Attempt::Leave(None),
        Attempt::Leave(Some(channel())),
        Attempt::Create(channel()),
        Attempt::Users,
        Attempt::Channels,
        Attempt::History,
        Attempt::Search,
        Attempt::Act,
        Attempt::Govern,
    ]);
    attempts
}

fn notices() -> Vec<Notice> {
    let reason = || "reason".to_owned();
    vec![
        Notice::Welcome { user: user(), channels: vec![channel()], joining: None, is_first: true },
        Notice::Joined { channel: channel(), empty: false, passing: false },
        Notice::Switched { channel: channel() },
        Notice::Talking { user: user() },
        Notice::TalkingNoMore { user: user(), current: None },
        Notice::TalkingNoMore { user: user(), current: Some(channel()) },
        Notice::Alerting { place: Place::Channel(channel()), level: None },
        Notice::Alerting { place: Place::Direct(user()), level: Some(Level::All) },
        Notice::Disturbing { is_on: true },
        Notice::Attending { is_away: true },
        Notice::Left { channel: channel(), current: None },
        Notice::Left { channel: channel(), current: Some(channel()) },
        Notice::Created { channel: channel() },
        Notice::ServerLost { reason: reason() },
        Notice::ServerBack { kept: 1 },
        Notice::BrokerLost { reason: reason() },
        Notice::NotAdmitted,
        Notice::Secured { endpoint: "tcp://a:1".parse().unwrap(), key: KeyPair::generate().public() },
        Notice::BrokerBack,
        Notice::Governed { what: Governing::Invite(user()), channel: Some(channel()) },
        Notice::Governed { what: Governing::Ban(user()), channel: None },
        Notice::Governed { what: Governing::Private, channel: Some(channel()) },
        Notice::Malformed { topic: "topic".to_owned(), reason: reason() },
        Notice::Kept { lines: 1 },
        Notice::KeptBefore { lines: 1 },
        Notice::KeptForLater { lines: 1 },
        Notice::KeptDamaged { copy: "copy".to_owned() },
        Notice::KeptElsewhere,
        Notice::KeepsNothing { reason: reason() },
        Notice::Away { channel: None, count: 1, shown: 1 },
        Notice::Away { channel: Some(channel()), count: 1, shown: 1 },
    ]
}

fn distrust() -> [Distrust; 3] {
    let [known, found] = [(); 2].map(|()| KeyPair::generate().public());
    let endpoint = || "tcp://a:1".parse().unwrap();
    [
        Distrust::Changed { endpoint: endpoint(), known, found },
        Distrust::Opened { endpoint: endpoint(), known },
        Distrust::Secured { endpoint: endpoint(), found },
    ]
}

fn objects() -> Vec<(String, Map<String, Value>)> {
    let ana = UserName::parse("ana").unwrap();
    let read = |item: &Item| {
        let mut object: Map<String, Value> = serde_json::from_str(&json::render(item, &ana)).unwrap();
        let event = object.remove("event").unwrap();
        (event.as_str().unwrap().to_owned(), object)
    };
    items().iter().map(read).collect()
}

/// The cells of the rows of the table whose heading begins like this.
fn rows(heading: &str) -> Vec<Vec<&'static str>> {
    let table = DOCUMENT.lines().skip_while(|line| !line.starts_with(heading)).skip(2);
    let rows = table.take_while(|line| line.starts_with('|'));
    rows.map(|row| row.split('|').skip(1).map(str::trim).collect()).collect()
}

fn words(cell: &str) -> BTreeSet<String> {
    cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn the_document_names_each_event_and_its_keys() {
    type Keys = (BTreeSet<String>, BTreeSet<String>);
    let mut program: BTreeMap<String, Keys> = BTreeMap::new();
    for (event, object) in objects() {
        let keys: BTreeSet<String> = object.keys().cloned().collect();
        let (always, ever) = program.entry(event).or_insert_with(|| (keys.clone(), keys.clone()));
        always.retain(|key| keys.contains(key));
        ever.extend(keys);
    }
    let document: BTreeMap<String, Keys> = rows("| event |")
        .into_iter()
        .map(|cells| {
            let (always, missing) = (words(cells[1]), words(cells[2]));
            let ever = always.union(&missing).cloned().collect();
            (cells[0].trim_matches('`').to_owned(), (always, ever))
        })
        .collect();
    assert_eq!(document, program);
}

#[test]
fn the_document_says_of_what_type_each_key_is() {
    let mut program: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for (key, value) in objects().into_iter().flat_map(|(_, object)| object) {
        let is = match value {
            Value::Null => "null",
            Value::Bool(_) => "boolean",
            Value::Number(_) => "integer",
            Value::String(_) => "string",
            Value::Array(values) if values.iter().any(Value::is_object) => "array of objects",
            Value::Array(_) => "array of strings",
            Value::Object(_) => "object",
        };
        program.entry(key).or_default().insert(is);
    }
    let document: BTreeMap<String, BTreeSet<&str>> = rows("| key |")
        .into_iter()
        .map(|cells| (cells[0].trim_matches('`').to_owned(), cells[1].split(" or ").collect()))
        .collect();
    assert_eq!(document, program);
}

#[test]
fn the_help_names_the_events_of_the_document() {
    let help = crate::args::EVENTS;
    for cells in rows("| event |") {
        let event = cells[0].trim_matches('`');
        assert!(help.split([' ', ',', '\n']).any(|word| word == event), "{event}");
    }
}
