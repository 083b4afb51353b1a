//! How far was read, as a user's other devices hear of it.

use std::time::Duration;

use recado_proto::{MarkPublication, ReadMark, ReadOf, ReplyBody, RequestBody, Timestamp, UserName};
use recado_zmtp::{Framing, Subscriber};
use tokio::time::timeout;

use crate::helpers::{Running, TestStore, channel, create, listen, publish};

const PATIENCE: Duration = Duration::from_secs(20);

/// The next mark that is published.
async fn hear_mark(broker: &mut Subscriber) -> (String, ReadMark) {
    loop {
        let message = timeout(PATIENCE, broker.recv()).await.expect("something is published").unwrap();
        let [topic, payload] = message.frames() else { panic!("{message:?}") };
        if let Ok(heard) = MarkPublication::decode(topic, payload, Timestamp::now()) {
            return (heard.user.as_str().to_owned(), heard.mark);
        }
    }
}

#[tokio::test]
async fn a_mark_that_moves_is_published_at_every_broker_and_one_that_does_not_is_not() {
    let store = TestStore::new();
    let (mut broker, endpoint) = listen().await;
    let (mut other_broker, other_endpoint) = listen().await;
    let server = Running::start(&store, &[endpoint, other_endpoint]).await;
    let mut peer = server.peer(Framing::Delimited);
    peer.ask(create("geral", None)).await;
    let mut epoch = None;
    for _ in 0..3 {
        match peer.ask(publish("ana", "geral", "oi", None)).await.body {
            ReplyBody::Stored { epoch: stored, .. } => epoch = stored,
            other => panic!("{other:?}"),
        }
    }
    let mark = |seq| ReadMark { of: ReadOf::Channel(channel("geral")), seq, epoch: epoch.unwrap() };
    let user = UserName::parse("ana").unwrap();
    for seq in [2, 1, 2, 3] {
        let body = RequestBody::Mark { user: user.clone(), mark: mark(seq) };
        assert_eq!(peer.ask(body).await.body, ReplyBody::Accepted);
    }
    for broker in [&mut broker, &mut other_broker] {
        assert_eq!(hear_mark(broker).await, ("ana".to_owned(), mark(2)));
        assert_eq!(hear_mark(broker).await, ("ana".to_owned(), mark(3)));
    }
    server.stop().await;
}
