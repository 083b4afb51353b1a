//! How far topics have come, as programs outside hear it: the answer to `sync`, and the beacons of quiet topics.

use recado_proto::{
    MessageId, Publication, ReplyBody, RequestBody, SyncTopic, SystemPublication, SystemTopic, Timestamp,
    TopicName,
};
use recado_tests::{
    chat::{Requester, channel, user},
    limits::{PATIENCE, SOUNDING_WAIT},
    parts::{Broker, Server, folder},
    peers::{Library, Peer},
};
use recado_zmtp::{SocketOptions, Subscriber};
use serde_json::json;
use tokio::time::timeout;

/// What a subscriber hears.
enum Heard {
    Message(Publication),
    System(SystemPublication),
}

async fn hear(subscriber: &mut Subscriber) -> Heard {
    let message =
        timeout(PATIENCE, subscriber.recv()).await.expect("something is heard").expect("the socket is open");
    let [topic, payload] = message.frames() else { panic!("two frames: {message:?}") };
    if topic.starts_with(b"_") {
        Heard::System(SystemPublication::decode(topic, payload, Timestamp::now()).expect("a server wrote it"))
    } else {
        Heard::Message(Publication::decode(topic, payload, Timestamp::now()).expect("a server wrote it"))
    }
}

/// The server's clock when it told the channel's last place.
async fn hear_beacon(subscriber: &mut Subscriber, seq: u64) -> u64 {
    loop {
        if let Heard::System(heard) = hear(subscriber).await
            && heard.topic == beacon()
        {
            assert_eq!(heard.heads, [(geral(), seq)]);
            return heard.clock.expect("our server has a clock");
        }
    }
}

fn geral() -> TopicName {
    channel("geral").into()
}

fn beacon() -> SystemTopic {
    SystemTopic::Heads(geral())
}

fn sync(topic: &SyncTopic, names: &[TopicName]) -> RequestBody {
    RequestBody::Sync { user: Some(user("ana")), topic: topic.clone(), topics: names.to_vec() }
}

/// A socket that listens to the channel `geral` and its beacon.
fn listener(broker: &Broker) -> Subscriber {
    let endpoint = broker.subscribers.parse().expect("an endpoint");
    let subscriber = Subscriber::connect(&[endpoint], SocketOptions::default());
    subscriber.subscribe("geral");
    subscriber.subscribe(beacon().to_string());
    subscriber
}

/// Joins as docs/PROTOCOL.md says; the heads, and the places of the messages that came before them.
async fn join(subscriber: &mut Subscriber, requester: &mut Requester) -> (Vec<(TopicName, u64)>, Vec<u64>) {
    let one_time = SyncTopic::from_random(u128::from_be_bytes(*MessageId::new_v7().as_bytes()));
    subscriber.subscribe(one_time.as_str().to_owned());
    let mut before = Vec::new();
    let joining = async {
        loop {
            assert_eq!(
                requester.ask(sync(&one_time, &[geral(), user("ana").into()])).await,
                ReplyBody::Synced
            );
            while let Ok(heard) = timeout(SOUNDING_WAIT, hear(subscriber)).await {
                match heard {
                    Heard::System(heard) if heard.topic == SystemTopic::Sync(one_time.clone()) => {
                        return heard.heads;
                    }
                    Heard::System(_) => {}
                    Heard::Message(message) => before.extend(message.seq),
                }
            }
        }
    };
    let heads = timeout(PATIENCE, joining).await.expect("the answer to sync comes");
    subscriber.unsubscribe(one_time.as_str().as_bytes());
    (heads, before)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_joins_a_busy_channel_without_a_gap() {
    let folder = folder();
    let broker = Broker::start(folder.path());
    let server = Server::start(folder.path(), &broker.publishers);
    let mut requester = Requester::connect(&server.requests);
    requester.login("ana").await;
    requester.create("geral").await;
    let count = 3_000;
    let publishing = tokio::spawn({
        let mut requester = Requester::connect(&server.requests);
        async move {
            for number in 0..count {
                requester.publish("bob", "geral", &format!("message {number}")).await;
            }
        }
    });
    for _ in 0..10 {
        let mut subscriber = listener(&broker);
        let (heads, before) = join(&mut subscriber, &mut requester).await;
        let [(name, _), (_, head)] = &heads[..] else { panic!("both exist: {heads:?}") };
        assert_eq!(name.as_str(), "ana");
        assert!(before.iter().all(|seq| seq <= head), "{before:?} before {head}");
        let mut last = *head;
        while last < (head + 100).min(count) {
            if let Heard::Message(message) = hear(&mut subscriber).await {
                assert_eq!(message.seq, Some(last + 1), "all after the head {head}");
                last += 1;
            }
        }
    }
    publishing.await.expect("all is published");
    let mut subscriber = listener(&broker);
    let (heads, _) = join(&mut subscriber, &mut requester).await;
    assert_eq!(heads, [(user("ana").into(), 0), (geral(), count)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_quiet_topic_is_told_again_also_after_a_broker_or_a_server_came_back() {
    let folder = folder();
    let mut broker = Broker::start(folder.path());
    let mut server = Server::start(folder.path(), &broker.publishers);
    let mut requester = Requester::connect(&server.requests);
    requester.login("ana").await;
    requester.create("geral").await;
    let mut subscriber = listener(&broker);
    join(&mut subscriber, &mut requester).await;
    let stored = requester.publish("ana", "geral", "the last one").await;
    hear_beacon(&mut subscriber, stored.seq).await;
    hear_beacon(&mut subscriber, stored.seq).await;
    broker.restart(folder.path());
    let before = hear_beacon(&mut subscriber, stored.seq).await;
    server.restart(folder.path());
    // What the one before had still sent does not count: after a kill the clock goes on from far ahead.
    while hear_beacon(&mut subscriber, stored.seq).await < before + 1_000 {}
}

#[tokio::test]
async fn other_libraries_hear_heads_and_beacons() {
    let folder = folder();
    let broker = Broker::start(folder.path());
    let server = Server::start(folder.path(), &broker.publishers);
    let mut requester = Requester::connect(&server.requests);
    requester.login("ana").await;
    requester.create("geral").await;
    requester.publish("ana", "geral", "oi").await;
    for library in [Library::Pyzmq, Library::ZeromqJs] {
        let mut peer = Peer::start(library, folder.path());
        peer.connect_subscriber(&broker.subscribers, &["_heads.geral", "_sync.7f3a"]);
        peer.connect_requester(&server.requests);
        let ask = json!({"user": "ana", "topic": "_sync.7f3a", "topics": ["geral", "nobody"]});
        let heads = loop {
            assert_eq!(peer.ask("sync", &ask)["status"], "OK");
            match peer.hear(SOUNDING_WAIT) {
                Some(heard) if heard.topic == "_sync.7f3a" => break heard.map,
                Some(_) | None => {}
            }
        };
        assert_eq!(heads["heads"], json!({"geral": requester_head(&mut requester).await}));
        let stored = requester.publish("ana", "geral", "oi").await;
        let beacon = loop {
            let heard = peer.hear(PATIENCE).expect("a beacon comes");
            if heard.topic == "_heads.geral" && heard.map["seq"] == stored.seq {
                break heard.map;
            }
        };
        assert_eq!((&beacon["topic"], &beacon["epoch"]), (&json!("geral"), &heads["epoch"]));
    }
}

async fn requester_head(requester: &mut Requester) -> u64 {
    requester.channel_history("ana", "geral").await.len() as u64
}
