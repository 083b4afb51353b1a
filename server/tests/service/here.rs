//! Who is here, who is typing, and what a user's other devices hear of what it sends.

use recado_proto::{
    Act, ActIn, ActKind, Code, Device, HERE_TOPIC, Here, HerePublication, Manner, MessageId, Presence,
    PublicationBody, ReplyBody, RequestBody, SentPublication, Timestamp, TypingIn, TypingPublication,
    UserName,
};
use recado_zmtp::{Framing, Subscriber};
use tokio::time::timeout;

use crate::helpers::{PATIENCE, Peer, Running, TestStore, channel, create, listen, publish, reply_code};

fn user(name: &str) -> UserName {
    UserName::parse(name).unwrap()
}

fn login(name: &str) -> RequestBody {
    RequestBody::Login { user: user(name), password: None }
}

fn here(name: &str, device: Option<&str>, state: Presence) -> RequestBody {
    let device = device.map(|device| Device::parse(device).unwrap());
    RequestBody::Here { user: user(name), state, device, typing: None }
}

fn typing(name: &str, place: TypingIn) -> RequestBody {
    RequestBody::Here { user: user(name), state: Presence::Online, device: None, typing: Some(place) }
}

fn direct(from: &str, to: &str, id: MessageId) -> RequestBody {
    let (src, dst, manner) = (user(from), user(to), Manner::default());
    RequestBody::Message { src, dst, message: "oi".to_owned(), id: Some(id), manner }
}

fn is(name: &str, state: Presence) -> Here {
    Here { user: user(name), state }
}

async fn accepted(peer: &mut Peer, body: RequestBody) {
    assert_eq!(peer.ask(body).await.body, ReplyBody::Accepted);
}

async fn who(peer: &mut Peer) -> Vec<Here> {
    match peer.ask(RequestBody::Who).await.body {
        ReplyBody::Here(here) => here,
        other => panic!("{other:?}"),
    }
}

/// The first frame of whose kind there is one, as `read` makes it.
async fn hear<T>(broker: &mut Subscriber, mut read: impl FnMut(&[u8], &[u8]) -> Option<T>) -> T {
    loop {
        let message = timeout(PATIENCE, broker.recv()).await.expect("something is published").unwrap();
        let [topic, payload] = message.frames() else { panic!("{message:?}") };
        if let Some(heard) = read(topic, payload) {
            return heard;
        }
    }
}

async fn hear_here(broker: &mut Subscriber) -> Here {
    hear(broker, |topic, payload| {
        let is_here = topic == HERE_TOPIC.as_bytes();
        is_here.then(|| HerePublication::decode(topic, payload, Timestamp::now()).unwrap().here)
    })
    .await
}

#[tokio::test]
async fn changes_are_published_at_every_broker_and_who_lists_those_who_are_here() {
    let store = TestStore::new();
    let (mut broker, endpoint) = listen().await;
    let (mut other_broker, other_endpoint) = listen().await;
    let server = Running::start(&store, &[endpoint, other_endpoint]).await;
    let mut peer = server.peer(Framing::Delimited);
    accepted(&mut peer, login("ana")).await;
    accepted(&mut peer, here("ana", Some("desk"), Presence::Online)).await;
    for broker in [&mut broker, &mut other_broker] {
        assert_eq!(hear_here(broker).await, is("ana", Presence::Online));
    }
    accepted(&mut peer, here("ana", Some("phone"), Presence::Online)).await;
    accepted(&mut peer, here("ana", Some("phone"), Presence::Offline)).await;
    assert_eq!(who(&mut peer).await, [is("ana", Presence::Online)]);
    accepted(&mut peer, here("ana", Some("desk"), Presence::Away)).await;
    assert_eq!(hear_here(&mut broker).await, is("ana", Presence::Away));
    accepted(&mut peer, here("ana", Some("desk"), Presence::Offline)).await;
    assert_eq!(hear_here(&mut broker).await, is("ana", Presence::Offline));
    assert_eq!(who(&mut peer).await, []);
    server.stop().await;
}

#[tokio::test]
async fn whoever_listens_to_a_users_name_is_that_user_and_is_here() {
    let store = TestStore::new();
    let (mut broker, endpoint) = listen().await;
    let server = Running::start(&store, &[endpoint]).await;
    let mut peer = server.peer(Framing::Delimited);
    accepted(&mut peer, create("geral", None)).await;
    ["geral", "nobody", "an", "_sent.ana", "ana", "bob"]
        .into_iter()
        .for_each(|topic| broker.subscribe(topic));
    accepted(&mut peer, login("ana")).await;
    assert_eq!(hear_here(&mut broker).await, is("ana", Presence::Online));
    // A name that becomes a user's after the subscription.
    accepted(&mut peer, login("bob")).await;
    assert_eq!(hear_here(&mut broker).await, is("bob", Presence::Online));
    assert_eq!(who(&mut peer).await, [is("ana", Presence::Online), is("bob", Presence::Online)]);
    broker.unsubscribe(b"ana");
    assert_eq!(hear_here(&mut broker).await, is("ana", Presence::Offline));
    assert_eq!(who(&mut peer).await, [is("bob", Presence::Online)]);
    server.stop().await;
}

#[tokio::test]
async fn a_server_that_starts_learns_anew_who_is_here() {
    let store = TestStore::new();
    let (mut broker, endpoint) = listen().await;
    let server = Running::start(&store, std::slice::from_ref(&endpoint)).await;
    let mut peer = server.peer(Framing::Delimited);
    accepted(&mut peer, login("ana")).await;
    accepted(&mut peer, login("bob")).await;
    accepted(&mut peer, here("ana", None, Presence::Away)).await;
    assert_eq!(hear_here(&mut broker).await, is("ana", Presence::Away));
    broker.subscribe("bob");
    assert_eq!(hear_here(&mut broker).await, is("bob", Presence::Online));
    server.stop().await;

    let server = Running::start(&store, &[endpoint]).await;
    assert_eq!(hear_here(&mut broker).await, is("bob", Presence::Online));
    let mut peer = server.peer(Framing::Delimited);
    assert_eq!(who(&mut peer).await, [is("bob", Presence::Online)]);
    accepted(&mut peer, here("ana", None, Presence::Away)).await;
    assert_eq!(hear_here(&mut broker).await, is("ana", Presence::Away));
    server.stop().await;
}

#[tokio::test]
async fn typing_is_published_where_it_will_be_read_and_not_too_often() {
    let store = TestStore::new();
    let (mut broker, endpoint) = listen().await;
    let server = Running::start(&store, &[endpoint]).await;
    let mut peer = server.peer(Framing::Delimited);
    accepted(&mut peer, create("geral", None)).await;
    accepted(&mut peer, login("ana")).await;
    accepted(&mut peer, login("bob")).await;
    // The broker's place is taken once it hears something.
    accepted(&mut peer, here("ana", None, Presence::Online)).await;
    assert_eq!(hear_here(&mut broker).await, is("ana", Presence::Online));
    let place = TypingIn::Channel(channel("geral"));
    accepted(&mut peer, typing("ana", place.clone())).await;
    accepted(&mut peer, typing("ana", place)).await;
    accepted(&mut peer, typing("ana", TypingIn::With(user("bob")))).await;
    for place in ["geral", "bob"] {
        let heard = hear(&mut broker, |topic, payload| {
            TypingPublication::decode(topic, payload, Timestamp::now()).ok()
        });
        let TypingPublication { topic, user, .. } = heard.await;
        assert_eq!((topic.as_str(), user.as_str()), (place, "ana"));
    }
    server.stop().await;
}

#[tokio::test]
async fn who_is_nobody_is_not_here_and_nobody_types_to_nobody() {
    let store = TestStore::new();
    let server = Running::start(&store, &[]).await;
    let mut peer = server.peer(Framing::Delimited);
    accepted(&mut peer, create("geral", None)).await;
    accepted(&mut peer, login("ana")).await;
    let mut check = async |body, expect| {
        assert_eq!(reply_code(&peer.ask(body).await), Some(expect));
    };
    check(here("nobody", None, Presence::Online), Code::NoSuchUser).await;
    check(here("geral", None, Presence::Online), Code::NoSuchUser).await;
    check(typing("ana", TypingIn::Channel(channel("tech"))), Code::NoSuchChannel).await;
    check(typing("ana", TypingIn::Channel(channel("ana"))), Code::NoSuchChannel).await;
    check(typing("ana", TypingIn::With(user("geral"))), Code::NoSuchUser).await;
    assert_eq!(who(&mut peer).await, []);
    server.stop().await;
}

#[tokio::test]
async fn a_senders_other_devices_hear_direct_messages_and_acts_if_they_listen() {
    let store = TestStore::new();
    let (mut broker, endpoint) = listen().await;
    let server = Running::start(&store, &[endpoint]).await;
    let mut peer = server.peer(Framing::Delimited);
    accepted(&mut peer, create("geral", None)).await;
    accepted(&mut peer, login("ana")).await;
    accepted(&mut peer, login("bob")).await;
    let id = |number| MessageId::from_bytes([number; 16]);
    peer.ask(direct("ana", "bob", id(1))).await;
    // The subscription to ana's name comes after the one to what ana sends.
    broker.subscribe("_sent.ana");
    broker.subscribe("ana");
    let mut sent_so_far = 0;
    let first = hear(&mut broker, |topic, payload| {
        sent_so_far += usize::from(topic.starts_with(b"_sent."));
        let here = HerePublication::decode(topic, payload, Timestamp::now()).ok();
        here.map(|publication| publication.here)
    });
    assert_eq!(first.await, is("ana", Presence::Online));
    assert_eq!(sent_so_far, 0, "before anybody wanted it");
    peer.ask(publish("ana", "geral", "oi", None)).await;
    peer.ask(direct("bob", "ana", id(2))).await;
    peer.ask(direct("ana", "bob", id(3))).await;
    let act = Act::React { target: id(2), emoji: "👍".to_owned() };
    let within = ActIn::With(user("bob"));
    peer.ask(RequestBody::Act { user: user("ana"), within, act, id: Some(id(4)) }).await;
    for (number, kind, seq) in [(3, None, 2), (4, Some(ActKind::React), 3)] {
        let heard = hear(&mut broker, |topic, payload| {
            let is_sent = topic.starts_with(b"_sent.");
            is_sent.then(|| SentPublication::decode(topic, payload, Timestamp::now()).unwrap())
        });
        let SentPublication { publication, to } = heard.await;
        assert_eq!((publication.id, publication.kind), (Some(id(number)), kind));
        assert_eq!((publication.body, to), (PublicationBody::Direct { from: user("ana") }, user("bob")));
        assert_eq!(publication.seq, Some(seq), "its place in the receiver's topic");
    }
    server.stop().await;
}
