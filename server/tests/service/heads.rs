//! `sync`, and the beacons of topics that fell quiet.

use recado_proto::limits::SYNC_TOPICS_MAX;
use recado_proto::{ReplyBody, Request, RequestBody, SyncTopic, SystemPublication, SystemTopic, TopicName};
use recado_zmtp::{Framing, Subscriber};

use crate::helpers::{
    Heard, Peer, Running, TestStore, create, hear, hear_anything, listen, listen_at, publish,
};

fn name(text: &str) -> TopicName {
    TopicName::parse(text).unwrap()
}

fn sync(number: u128, names: &[&str]) -> RequestBody {
    let topics = names.iter().map(|text| name(text)).collect();
    RequestBody::Sync { user: None, topic: SyncTopic::from_random(number), topics }
}

async fn ask_sync(peer: &mut Peer, number: u128, names: &[&str]) {
    assert_eq!(peer.ask(sync(number, names)).await.body, ReplyBody::Synced);
}

/// The next publication of the system's on a topic.
async fn hear_on(broker: &mut Subscriber, topic: &SystemTopic) -> SystemPublication {
    loop {
        if let Heard::System(heard) = hear_anything(broker).await
            && heard.topic == *topic
        {
            return heard;
        }
    }
}

async fn hear_sync(broker: &mut Subscriber, number: u128) -> Vec<(String, u64)> {
    let heard = hear_on(broker, &SystemTopic::Sync(SyncTopic::from_random(number))).await;
    heard.heads.into_iter().map(|(name, seq)| (name.as_str().to_owned(), seq)).collect()
}

fn heads(heads: &[(&str, u64)]) -> Vec<(String, u64)> {
    heads.iter().map(|(name, seq)| ((*name).to_owned(), *seq)).collect()
}

#[tokio::test]
async fn sync_publishes_the_heads_of_what_exists_at_every_broker() {
    let store = TestStore::new();
    let (mut broker, endpoint) = listen().await;
    let (mut other_broker, other_endpoint) = listen().await;
    let server = Running::start(&store, &[endpoint, other_endpoint]).await;
    let mut peer = server.peer(Framing::Delimited);
    peer.ask(create("geral", None)).await;
    peer.ask(create("tech", None)).await;
    for _ in 0..3 {
        peer.ask(publish("ana", "geral", "oi", None)).await;
    }
    ask_sync(&mut peer, 1, &["geral", "nobody", "tech", "ana", "geral"]).await;
    let expect = heads(&[("ana", 0), ("geral", 3), ("tech", 0)]);
    assert_eq!(hear_sync(&mut broker, 1).await, expect);
    assert_eq!(hear_sync(&mut other_broker, 1).await, expect);
    ask_sync(&mut peer, 2, &["nobody"]).await;
    assert_eq!(hear_sync(&mut broker, 2).await, []);
    let many: Vec<_> = (0..SYNC_TOPICS_MAX).map(|number| format!("nobody{number}")).collect();
    let mut many: Vec<_> = many.iter().map(String::as_str).collect();
    many[7] = "geral";
    ask_sync(&mut peer, 3, &many).await;
    assert_eq!(hear_sync(&mut broker, 3).await, heads(&[("geral", 3)]));
    server.stop().await;
}

#[tokio::test]
async fn all_up_to_the_heads_comes_before_them_and_all_else_after() {
    let store = TestStore::new();
    let (mut broker, endpoint) = listen().await;
    let server = Running::start(&store, &[endpoint]).await;
    let mut asker = server.peer(Framing::Delimited);
    asker.ask(create("geral", None)).await;
    let peer = server.peer(Framing::Delimited);
    let count = 3_000;
    let publishing = async {
        for number in 0..count {
            let body = publish("ana", "geral", &format!("message {number}"), None);
            peer.send(&Request::from(body)).await;
        }
    };
    let asking = async {
        for number in 0..100 {
            ask_sync(&mut asker, number, &["geral"]).await;
        }
    };
    let listening = async {
        let (mut last, mut answers) = (0, 0);
        while last < count || answers < 100 {
            match hear_anything(&mut broker).await {
                Heard::Message(message) => {
                    assert_eq!(message.seq, Some(last + 1));
                    last += 1;
                }
                Heard::System(heard) => {
                    assert_eq!(heard.heads, [(name("geral"), last)]);
                    answers += usize::from(matches!(heard.topic, SystemTopic::Sync(_)));
                }
            }
        }
    };
    tokio::join!(publishing, asking, listening);
    server.stop().await;
}

#[tokio::test]
async fn a_topic_that_fell_quiet_is_told_again_and_again() {
    let store = TestStore::new();
    let (mut broker, endpoint) = listen().await;
    let server = Running::start(&store, &[endpoint]).await;
    let mut peer = server.peer(Framing::Delimited);
    peer.ask(create("geral", None)).await;
    for _ in 0..2 {
        peer.ask(publish("ana", "geral", "oi", None)).await;
    }
    let beacon = SystemTopic::Heads(name("geral"));
    for _ in 0..2 {
        let heard = hear_on(&mut broker, &beacon).await;
        assert_eq!(heard.heads, [(name("geral"), 2)]);
        assert!(heard.clock.is_some());
    }
    peer.ask(publish("ana", "geral", "oi", None)).await;
    assert_eq!(hear_on(&mut broker, &beacon).await.heads, [(name("geral"), 3)]);
    server.stop().await;
}

#[tokio::test]
async fn a_broker_that_returns_is_told_what_was_published_lately() {
    let store = TestStore::new();
    let (mut broker, endpoint) = listen().await;
    let server = Running::start(&store, std::slice::from_ref(&endpoint)).await;
    let mut peer = server.peer(Framing::Delimited);
    peer.ask(create("geral", None)).await;
    peer.ask(publish("ana", "geral", "oi", None)).await;
    hear(&mut broker).await;
    let beacon = SystemTopic::Heads(name("geral"));
    // The second pause is over then, so that the next one would be four seconds later by itself.
    hear_on(&mut broker, &beacon).await;
    hear_on(&mut broker, &beacon).await;
    broker.close().await;
    let (mut broker, _) = listen_at(&endpoint).await;
    assert_eq!(hear_on(&mut broker, &beacon).await.heads, [(name("geral"), 1)]);
    // A question that was asked while the broker was away is answered, or asked again: here it is new.
    ask_sync(&mut peer, 1, &["geral"]).await;
    assert_eq!(hear_sync(&mut broker, 1).await, heads(&[("geral", 1)]));
    server.stop().await;
}

#[tokio::test]
async fn a_server_that_starts_tells_what_another_published_just_before() {
    let store = TestStore::new();
    let (mut broker, endpoint) = listen().await;
    let server = Running::start(&store, std::slice::from_ref(&endpoint)).await;
    let mut peer = server.peer(Framing::Delimited);
    peer.ask(create("geral", None)).await;
    peer.ask(publish("ana", "geral", "oi", None)).await;
    hear(&mut broker).await;
    server.stop().await;
    let server = Running::start(&store, &[endpoint]).await;
    let beacon = SystemTopic::Heads(name("geral"));
    assert_eq!(hear_on(&mut broker, &beacon).await.heads, [(name("geral"), 1)]);
    server.stop().await;
}

#[tokio::test]
async fn without_a_broker_questions_are_taken_all_the_same() {
    let store = TestStore::new();
    let (broker, endpoint) = listen().await;
    broker.close().await;
    let server = Running::start(&store, std::slice::from_ref(&endpoint)).await;
    let mut peer = server.peer(Framing::Delimited);
    peer.ask(create("geral", None)).await;
    for number in 0..2_000 {
        ask_sync(&mut peer, number, &["geral"]).await;
    }
    let (mut broker, _) = listen_at(&endpoint).await;
    // The newest of those that waited is answered; the oldest had to make room.
    assert_eq!(hear_sync(&mut broker, 1_999).await, heads(&[("geral", 0)]));
    server.stop().await;
}
