//! Publications to SUB sockets and from PUB sockets that are not ours.

use recado_proto::{Manner, PublicationBody, ReplyBody, RequestBody};
use recado_tests::{
    chat::{Listener, Requester, user},
    limits::SOUNDING_WAIT,
    parts::{Recado, folder},
    peers::{Heard, Library, Peer},
};
use serde_json::{Value, json};

/// Has something sent until the peer hears it, which is when its subscription is in force.
async fn hear_after(peer: &mut Peer, topic: &str, mut send: impl AsyncFnMut()) -> Heard {
    loop {
        send().await;
        // What another topic's sounding left behind is passed over.
        while let Some(heard) = peer.hear(SOUNDING_WAIT) {
            if heard.topic == topic {
                return heard;
            }
        }
    }
}

async fn check_hears_both_kinds(library: Library) {
    let folder = folder();
    let recado = Recado::up(folder.path()).expect("it starts");
    let mut requester = Requester::connect(&recado.requests);
    requester.login("bob").await;
    requester.create("geral").await;
    let mut peer = Peer::start(library, folder.path());
    peer.connect_subscriber(&recado.subscribers, &["geral", "bob"]);

    let heard = hear_after(&mut peer, "geral", async || {
        requester.publish("ana", "geral", "oi").await;
    });
    let map = without_additions(heard.await.map);
    assert_eq!(map, json!({"user": "ana", "message": "oi"}));

    let heard = hear_after(&mut peer, "bob", async || {
        let body = RequestBody::Message {
            src: user("ana"),
            dst: user("bob"),
            message: "tudo bem?".to_owned(),
            id: None,
            manner: Manner::default(),
        };
        requester.ask(body).await;
    });
    let map = without_additions(heard.await.map);
    assert_eq!(map, json!({"from": "ana", "message": "tudo bem?"}));
}

/// Checks the kinds of all keys but the sender and the message, and takes them out.
fn without_additions(mut map: Value) -> Value {
    let pairs = map.as_object_mut().expect("a map");
    for key in ["timestamp", "clock", "seq", "epoch", "time_ms"] {
        assert!(pairs.remove(key).is_some_and(|value| value.is_u64()), "{key} of {pairs:?}");
    }
    let id = pairs.remove("id").expect("our server gives every message an id");
    assert_eq!(id["hex"].as_str().map(str::len), Some(32));
    map
}

async fn check_publishes_past_the_server(library: Library) {
    let folder = folder();
    let recado = Recado::up(folder.path()).expect("it starts");
    let mut listener = Listener::connect(&recado.subscribers, &["geral", "bob"]);
    listener.wait_until_subscribed(&recado.publishers).await;
    let mut peer = Peer::start(library, folder.path());
    peer.connect_publisher(&recado.publishers);

    let plain =
        json!({"user": "bot", "message": "straight to the broker", "timestamp": "2023-11-14T22:13:20"});
    let heard = loop {
        peer.publish("geral", &plain);
        match listener.next_within(SOUNDING_WAIT).await {
            Some(heard) if heard.message == "straight to the broker" => break heard,
            Some(_) | None => {}
        }
    };
    assert_eq!(heard.topic, "geral");
    assert_eq!(heard.body, PublicationBody::Channel { user: user("bot") });
    assert_eq!(heard.timestamp.as_seconds(), 1_700_000_000);
    assert_eq!((heard.id, heard.seq, heard.epoch), (None, None, None));

    peer.publish("bob", &json!({"from": "bot", "message": "psst"}));
    let heard = loop {
        let heard = listener.next().await;
        if heard.topic == "bob" {
            break heard;
        }
    };
    assert_eq!(heard.body, PublicationBody::Direct { from: user("bot") });

    let mut requester = Requester::connect(&recado.requests);
    let channels = requester.ask(RequestBody::Channels).await;
    assert_eq!(channels, ReplyBody::Channels(vec![]), "a publication past the server makes no channel");
}

#[tokio::test(flavor = "multi_thread")]
async fn pyzmq_hears_both_kinds_of_publication() {
    check_hears_both_kinds(Library::Pyzmq).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn zeromq_js_hears_both_kinds_of_publication() {
    check_hears_both_kinds(Library::ZeromqJs).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_zeromq_crate_hears_both_kinds_of_publication() {
    check_hears_both_kinds(Library::ZeromqCrate).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pyzmq_publishes_past_the_server() {
    check_publishes_past_the_server(Library::Pyzmq).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn zeromq_js_publishes_past_the_server() {
    check_publishes_past_the_server(Library::ZeromqJs).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_zeromq_crate_publishes_past_the_server() {
    check_publishes_past_the_server(Library::ZeromqCrate).await;
}
