//! The rows about topics: everything is subscribed to and published on, and then it is seen what was heard.

use std::collections::BTreeSet;

use recado_proto::{
    Act, ActIn, HistoryOf, HistoryRequest, Manner, MessageId, Presence, Range, ReadMark, ReadOf, ReplyBody,
    RequestBody, SyncTopic, TopicName, TypingIn, UserName,
};
use recado_tests::{
    chat::{Requester, user},
    limits::SOUNDING_WAIT,
};
use recado_zmtp::Subscriber;
use tokio::time::timeout;

use crate::world::{Caller, INSIDE, Kind, OUTSIDE, PUBLIC, World, word};

const PREFIXES: [&str; 4] = ["", "_acts.", "_heads.", "_typing."];
/// Sixteen bytes behind the prefix, and fewer.
const LONG_SYNC: &str = "_sync.0123456789abcdef";
const SHORT_SYNC: &str = "_sync.0123";

/// All topics on which something was heard. Who cannot even subscribe hears nothing.
pub(crate) async fn heard(world: &mut World, caller: &mut Caller) -> BTreeSet<String> {
    if caller.kind == Kind::Stranger {
        return BTreeSet::new();
    }
    let me = caller.name.as_str().to_owned();
    let (mut whole, mut beginnings) = (world.subscriber(caller), world.subscriber(caller));
    for name in [PUBLIC, INSIDE, OUTSIDE, "carla", &me] {
        PREFIXES.iter().for_each(|prefix| whole.subscribe(format!("{prefix}{name}")));
    }
    for name in ["carla", &me] {
        whole.subscribe(format!("_marks.{name}"));
        whole.subscribe(format!("_sent.{name}"));
    }
    for topic in ["_here", LONG_SYNC, SHORT_SYNC] {
        whole.subscribe(topic);
    }
    for topic in ["", "publi", &format!("_heads.{me}"), &me] {
        beginnings.subscribe(topic.to_owned());
    }
    until_heard(world, &me, &mut whole).await;
    until_heard(world, &me, &mut beginnings).await;
    publish_everywhere(world, caller).await;
    let end = format!("_heads.{me}");
    let mut heard = gathered(&mut whole, &end).await;
    let by_beginning = gathered(&mut beginnings, &end).await;
    if by_beginning.contains(PUBLIC) {
        heard.insert("by its beginning".to_owned());
    }
    heard
}

/// Sends direct messages to the caller until they are heard: what was subscribed to before that is in force.
async fn until_heard(world: &mut World, me: &str, subscriber: &mut Subscriber) {
    loop {
        direct(&mut world.dora, "dora", me).await;
        while let Ok(Some(message)) = timeout(SOUNDING_WAIT, subscriber.recv()).await {
            if &message.first()[..] == me.as_bytes() {
                return;
            }
        }
    }
}

/// All topics up to the last one, which comes when all others have come.
async fn gathered(subscriber: &mut Subscriber, last: &str) -> BTreeSet<String> {
    let mut topics = BTreeSet::new();
    let gathering = async {
        let mut ends = 0;
        // Told twice: the first time may be for what came before all of this.
        while ends < 2 {
            let message = subscriber.recv().await.unwrap();
            let topic = String::from_utf8(message.first().to_vec()).unwrap();
            ends += usize::from(topic == last);
            topics.insert(topic);
        }
    };
    timeout(recado_tests::limits::PATIENCE, gathering).await.unwrap();
    topics
}

async fn direct(from: &mut Requester, sender: &str, to: &str) -> MessageId {
    let id = MessageId::new_v7();
    let body = RequestBody::Message {
        src: user(sender),
        dst: user(to),
        message: "for you".to_owned(),
        id: Some(id),
        manner: Manner::default(),
    };
    assert!(matches!(from.ask(body).await, ReplyBody::Stored { .. }));
    id
}

async fn publish_everywhere(world: &mut World, caller: &mut Caller) {
    let is_open = caller.kind == Kind::Open;
    let channels: &[&str] = if is_open { &[PUBLIC] } else { &[PUBLIC, INSIDE, OUTSIDE] };
    for name in channels {
        world.carla.publish("carla", name, "heard by those who may").await;
        in_channel(&mut world.carla, name).await;
    }
    let me = caller.name.clone();
    for to in [user("carla"), me.clone()] {
        let target = direct(&mut world.dora, "dora", to.as_str()).await;
        let act = Act::React { target, emoji: "+".to_owned() };
        let body = RequestBody::Act { user: user("dora"), within: ActIn::With(to.clone()), act, id: None };
        assert!(matches!(world.dora.ask(body).await, ReplyBody::Stored { .. }));
        here(&mut world.dora, &user("dora"), Presence::Online, Some(TypingIn::With(to))).await;
    }
    here(&mut world.dora, &user("dora"), Presence::Away, None).await;
    mark(&mut world.carla, &user("carla")).await;
    mark(&mut caller.requests, &me).await;
    direct(&mut world.carla, "carla", "dora").await;
    direct(&mut caller.requests, me.as_str(), "dora").await;
    for topic in [LONG_SYNC, SHORT_SYNC] {
        let topic = SyncTopic::parse(topic).unwrap();
        let topics = vec![TopicName::parse(PUBLIC).unwrap()];
        caller.requests.ask(RequestBody::Sync { user: None, topic, topics }).await;
    }
    // Its head is told when all other heads were told.
    direct(&mut world.dora, "dora", me.as_str()).await;
}

async fn in_channel(carla: &mut Requester, name: &str) {
    let act = Act::Topic { text: format!("about {name}") };
    let within = ActIn::Channel(word(name));
    let body = RequestBody::Act { user: user("carla"), within, act, id: None };
    assert!(matches!(carla.ask(body).await, ReplyBody::Stored { .. }));
    here(carla, &user("carla"), Presence::Online, Some(TypingIn::Channel(word(name)))).await;
}

async fn here(requests: &mut Requester, user: &UserName, state: Presence, typing: Option<TypingIn>) {
    let body = RequestBody::Here { user: user.clone(), state, device: None, typing };
    assert_eq!(requests.ask(body).await, ReplyBody::Accepted);
}

async fn mark(requests: &mut Requester, user: &UserName) {
    let of = HistoryOf::Channel(word(PUBLIC));
    let request = HistoryRequest { user: user.clone(), of, range: Range::Latest, limit: 1, acts: false };
    let epoch = match requests.ask(RequestBody::History(request)).await {
        ReplyBody::History(page) => page.epoch.unwrap(),
        other => panic!("{other:?}"),
    };
    let mark = ReadMark { of: ReadOf::Channel(word(PUBLIC)), seq: 1, epoch };
    assert_eq!(requests.ask(RequestBody::Mark { user: user.clone(), mark }).await, ReplyBody::Accepted);
}

/// The rows, each of which is heard in whole or not at all.
pub(crate) fn rows(_: &World, caller: &Caller, heard: &BTreeSet<String>) -> Vec<(String, &'static str)> {
    let me = caller.name.as_str();
    let of = |name: &str| PREFIXES.map(|prefix| format!("{prefix}{name}")).to_vec();
    let user_s = |name: &str| {
        let mut topics = of(name);
        topics.extend([format!("_marks.{name}"), format!("_sent.{name}")]);
        topics
    };
    let channel = "topics `C`, `_acts.C`, `_heads.C`, `_typing.C` of a";
    let mut rows = vec![
        (format!("{channel} public channel"), of(PUBLIC)),
        ("topics `U`, `_acts.U`, `_heads.U`, `_typing.U`, `_marks.U`, `_sent.U`".to_owned(), user_s(me)),
        ("the same of another user".to_owned(), user_s("carla")),
        ("topic `_here`".to_owned(), vec!["_here".to_owned()]),
        ("topic `_sync.` with 16 more bytes".to_owned(), vec![LONG_SYNC.to_owned()]),
        ("topic `_sync.` with fewer".to_owned(), vec![SHORT_SYNC.to_owned()]),
        (
            "a topic that is the beginning of another, or empty".to_owned(),
            vec!["by its beginning".to_owned()],
        ),
    ];
    match caller.kind {
        Kind::Open => {}
        Kind::Stranger => rows.push((format!("{channel} private channel, not in it"), of(OUTSIDE))),
        Kind::Member | Kind::Bot | Kind::Administrator => {
            rows.push((format!("{channel} private channel, in it"), of(INSIDE)));
            rows.push((format!("{channel} private channel, not in it"), of(OUTSIDE)));
        }
    }
    let says = |(what, topics): (String, Vec<String>)| {
        let count = topics.iter().filter(|topic| heard.contains(*topic)).count();
        assert!(count == 0 || count == topics.len(), "{what}: {topics:?} of {heard:?}");
        (what, if count > 0 { "yes" } else { "no" })
    };
    rows.into_iter().map(says).collect()
}
