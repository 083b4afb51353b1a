//! A running server, asked through ZeroMQ sockets as any program would.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod heads;
mod helpers;
mod here;
mod losing;
mod marks;
mod search;
mod secured;

use bytes::Bytes;
use helpers::{Running, TestStore, bad_request, channel, create, hear, listen, publish, reply_code};
use recado_proto::{
    Code, HistoryOf, HistoryRequest, Manner, MessageId, Place, Range, Ref, Reply, ReplyBody, Request,
    RequestBody, UserName,
};
use recado_zmtp::{Framing, Message, SocketOptions, Subscriber};

fn user(name: &str) -> UserName {
    UserName::parse(name).unwrap()
}

fn login(name: &str) -> RequestBody {
    RequestBody::Login { user: user(name), password: None }
}

#[tokio::test]
async fn all_services_answer() {
    let store = TestStore::new();
    let (mut broker, endpoint) = listen().await;
    let server = Running::start(&store, &[endpoint]).await;
    let mut peer = server.peer(Framing::Delimited);
    assert_eq!(peer.ask(login("ana")).await.body, ReplyBody::Accepted);
    assert_eq!(peer.ask(login("bob")).await.body, ReplyBody::Accepted);
    assert_eq!(peer.ask(create("geral", None)).await.body, ReplyBody::Accepted);
    assert_eq!(peer.ask(RequestBody::Users).await.body, ReplyBody::Users(vec![user("ana"), user("bob")]));
    assert_eq!(peer.ask(RequestBody::Channels).await.body, ReplyBody::Channels(vec![channel("geral")]));

    let id = MessageId::new_v7();
    let reply = peer.ask(publish("ana", "geral", "oi", Some(id))).await;
    let ReplyBody::Stored { id: Some(stored), seq: Some(1), epoch: Some(epoch) } = reply.body else {
        panic!("{reply:?}")
    };
    assert_eq!(stored, id);
    let heard = hear(&mut broker).await;
    assert_eq!((heard.topic.as_str(), heard.message.as_str()), ("geral", "oi"));
    assert_eq!((heard.id, heard.seq, heard.epoch), (Some(id), Some(1), Some(epoch)));
    assert!(heard.clock.unwrap() < reply.clock.unwrap());

    let direct = RequestBody::Message {
        src: user("ana"),
        dst: user("bob"),
        message: "tudo bem?".into(),
        id: None,
        manner: Manner::default(),
    };
    assert!(matches!(peer.ask(direct).await.body, ReplyBody::Stored { seq: Some(1), .. }));
    let direct = hear(&mut broker).await;
    assert_eq!((direct.topic.as_str(), direct.sender()), ("bob", &user("ana")));

    let page = |of| {
        RequestBody::History(HistoryRequest {
            user: user("bob"),
            of,
            range: Range::Latest,
            limit: 10,
            acts: false,
        })
    };
    let ReplyBody::History(found) = peer.ask(page(HistoryOf::Channel(channel("geral")))).await.body else {
        panic!()
    };
    assert_eq!((found.messages, found.first_seq, found.last_seq), (vec![heard], Some(1), Some(1)));
    let ReplyBody::History(found) = peer.ask(page(HistoryOf::With(user("ana")))).await.body else { panic!() };
    assert_eq!(found.messages, std::slice::from_ref(&direct));
    let ReplyBody::History(found) = peer.ask(page(HistoryOf::Received)).await.body else { panic!() };
    assert_eq!(found.messages, [direct]);
    server.stop().await;
}

#[tokio::test]
async fn a_request_without_a_delimiter_is_answered_without_one() {
    let store = TestStore::new();
    let server = Running::start(&store, &[]).await;
    let mut peer = server.peer(Framing::Raw);
    assert_eq!(peer.ask(login("ana")).await.body, ReplyBody::Accepted);
    server.stop().await;
}

#[tokio::test]
async fn what_is_broken_is_answered_and_the_server_goes_on() {
    let store = TestStore::new();
    let server = Running::start(&store, &[]).await;
    for framing in [Framing::Delimited, Framing::Raw] {
        let mut peer = server.peer(framing);
        let nested = [vec![0x91; 100_000], vec![0xc0]].concat();
        let huge = vec![0xc1; 300 * 1024];
        let cases: [(&[u8], Code); 8] = [
            (b"", Code::BadRequest),
            (b"\xc1", Code::BadRequest),
            (b"hello", Code::BadRequest),
            (b"\x80", Code::BadRequest),
            (b"\x82\xa7service\xa5dance\xa4data\x80", Code::UnknownService),
            (b"\x82\xa7service\xa5login\xa4data\x81\xa4user\xa4_sys", Code::BadName),
            (&nested, Code::BadRequest),
            (&huge, Code::TooLarge),
        ];
        for (bytes, code) in cases {
            let reply = peer.exchange(Message::single(Bytes::copy_from_slice(bytes))).await;
            assert_eq!(reply_code(&reply), Some(code), "{:?}", bytes.get(..40).unwrap_or(bytes));
        }
        let two = Message::new(vec![Bytes::from_static(b"one"), Bytes::from_static(b"two")]);
        assert_eq!(reply_code(&peer.exchange(two).await), Some(Code::BadRequest));
        assert_eq!(reply_code(&bad_request(&mut peer).await), Some(Code::TooLarge));
        assert_eq!(peer.ask(login("ana")).await.body, ReplyBody::Accepted);
    }
    server.stop().await;
}

#[tokio::test]
async fn many_requests_of_one_peer_are_under_way_together() {
    let store = TestStore::new();
    let server = Running::start(&store, &[]).await;
    let mut peer = server.peer(Framing::Delimited);
    peer.ask(create("geral", None)).await;
    let count = 5_000;
    let (mut sent, mut seqs) = (0, Vec::new());
    while seqs.len() < count {
        while sent < count && sent < seqs.len() + 3_000 {
            let body = publish("ana", "geral", "oi", None);
            let reference = Some(Ref::from_number(sent as u64));
            peer.send(&Request { reference, ..Request::from(body) }).await;
            sent += 1;
        }
        let reply = peer.receive().await;
        let ReplyBody::Stored { seq: Some(seq), .. } = reply.body else { panic!("{reply:?}") };
        assert_eq!(reply.reference.unwrap().as_number(), Some(seq - 1), "one peer's order is kept");
        seqs.push(seq);
    }
    assert_eq!(seqs, (1..=count as u64).collect::<Vec<_>>());
    server.stop().await;
}

#[tokio::test]
async fn a_repeat_is_answered_again_and_published_once() {
    let store = TestStore::new();
    let (mut broker, endpoint) = listen().await;
    let server = Running::start(&store, std::slice::from_ref(&endpoint)).await;
    let mut peer = server.peer(Framing::Delimited);
    peer.ask(create("geral", None)).await;
    let id = Some(MessageId::new_v7());
    let first = peer.ask(publish("ana", "geral", "oi", id)).await.body;
    assert_eq!(peer.ask(publish("ana", "geral", "oi", id)).await.body, first);
    let reused = peer.ask(publish("ana", "geral", "another", id)).await;
    assert_eq!(reply_code(&reused), Some(Code::IdReused));
    server.stop().await;

    let server = Running::start(&store, &[endpoint]).await;
    let mut peer = server.peer(Framing::Delimited);
    assert_eq!(peer.ask(publish("ana", "geral", "oi", id)).await.body, first);
    peer.ask(publish("ana", "geral", "last", None)).await;
    let heard = [hear(&mut broker).await, hear(&mut broker).await];
    assert_eq!(heard.map(|publication| publication.seq), [Some(1), Some(2)]);
    server.stop().await;
}

#[tokio::test]
async fn what_no_broker_took_goes_out_at_the_next_start_in_order() {
    let store = TestStore::new();
    let (subscriber, endpoint) = listen().await;
    subscriber.close().await;
    let server = Running::start(&store, std::slice::from_ref(&endpoint)).await;
    let mut peer = server.peer(Framing::Delimited);
    peer.ask(create("geral", None)).await;
    for number in 0..700 {
        let reply = peer.ask(publish("ana", "geral", &number.to_string(), None)).await;
        assert!(
            matches!(reply.body, ReplyBody::Stored { .. }),
            "a broker that is away does not stop answers"
        );
    }
    server.stop().await;

    let mut broker = Subscriber::bind(&endpoint, SocketOptions::default()).await.unwrap();
    broker.subscribe("");
    let server = Running::start(&store, &[endpoint]).await;
    let mut peer = server.peer(Framing::Delimited);
    peer.ask(publish("ana", "geral", "700", None)).await;
    for number in 0..=700 {
        assert_eq!(hear(&mut broker).await.message, number.to_string());
    }
    server.stop().await;
}

#[tokio::test]
async fn a_broker_that_returns_gets_what_it_missed() {
    let store = TestStore::new();
    let (mut broker, endpoint) = listen().await;
    let server = Running::start(&store, std::slice::from_ref(&endpoint)).await;
    let mut peer = server.peer(Framing::Delimited);
    peer.ask(create("geral", None)).await;
    peer.ask(publish("ana", "geral", "before", None)).await;
    assert_eq!(hear(&mut broker).await.message, "before");
    broker.close().await;
    // More than is kept in memory, so that the store must be read.
    let text = "x".repeat(60_000);
    for _ in 0..100 {
        peer.ask(publish("ana", "geral", &text, None)).await;
    }
    let mut broker = Subscriber::bind(&endpoint, SocketOptions::default()).await.unwrap();
    broker.subscribe("");
    let mut heard = hear(&mut broker).await.seq.unwrap();
    // The server may have noticed the end of the connection only after it had written the first ones.
    assert!(heard <= 10, "{heard}");
    while heard < 101 {
        let next = hear(&mut broker).await.seq.unwrap();
        assert_eq!(next, heard + 1);
        heard = next;
    }
    server.stop().await;
}

#[tokio::test]
async fn the_clock_goes_on_over_a_restart() {
    let store = TestStore::new();
    let server = Running::start(&store, &[]).await;
    let mut peer = server.peer(Framing::Delimited);
    let mut request = Request::from(login("ana"));
    request.clock = Some(1_000_000);
    let first = peer.ask_whole(&request).await.clock.unwrap();
    assert!(first > 1_000_000);
    server.stop().await;
    let server = Running::start(&store, &[]).await;
    let mut peer = server.peer(Framing::Delimited);
    assert!(peer.ask(login("ana")).await.clock.unwrap() > first);
    let last = peer.ask(RequestBody::Users).await.clock.unwrap();
    let killed = store.as_a_kill_leaves_it();
    server.stop().await;
    let server = Running::start(&killed, &[]).await;
    let mut peer = server.peer(Framing::Delimited);
    assert!(peer.ask(login("ana")).await.clock.unwrap() > last);
    server.stop().await;
}

#[tokio::test]
async fn what_was_answered_is_there_after_a_kill() {
    let store = TestStore::new();
    let server = Running::start(&store, &[]).await;
    let mut peer = server.peer(Framing::Delimited);
    peer.ask(create("geral", None)).await;
    let mut answered = Vec::new();
    for number in 0..200 {
        let id = MessageId::new_v7();
        let body = publish("ana", "geral", &number.to_string(), Some(id));
        answered.push((body.clone(), peer.ask(body).await.body));
    }
    let killed = store.as_a_kill_leaves_it();
    server.stop().await;

    let (mut broker, endpoint) = listen().await;
    let server = Running::start(&killed, &[endpoint]).await;
    let mut peer = server.peer(Framing::Delimited);
    for (body, answer) in &answered {
        assert_eq!(peer.ask(body.clone()).await.body, *answer);
    }
    for number in 0..200 {
        assert_eq!(hear(&mut broker).await.message, number.to_string());
    }
    let next = peer.ask(publish("ana", "geral", "next", None)).await;
    assert!(matches!(next.body, ReplyBody::Stored { seq: Some(201), .. }));
    server.stop().await;
}

#[tokio::test]
async fn all_that_was_received_is_answered_before_the_end() {
    let store = TestStore::new();
    let server = Running::start(&store, &[]).await;
    let mut peer = server.peer(Framing::Delimited);
    peer.ask(create("geral", None)).await;
    for number in 0..500 {
        peer.send(&Request::from(publish("ana", "geral", &number.to_string(), None))).await;
    }
    // The first answer says that the server is at work on them.
    let mut answered = vec![peer.receive().await];
    let stopped = server.stop_in_background();
    while let Some(reply) = peer.receive_or_end().await {
        answered.push(reply);
    }
    stopped.await;
    let seqs: Vec<_> = answered
        .iter()
        .map(|reply| match &reply.body {
            ReplyBody::Stored { seq: Some(seq), .. } => *seq,
            other => panic!("{other:?}"),
        })
        .collect();
    assert!(seqs.is_sorted());

    let server = Running::start(&store, &[]).await;
    let mut peer = server.peer(Framing::Delimited);
    let request = HistoryRequest {
        user: user("ana"),
        of: HistoryOf::Channel(channel("geral")),
        range: Range::After(Place::Seq(0)),
        limit: 1000,
        acts: false,
    };
    let reply: Reply = peer.ask(RequestBody::History(request)).await;
    let ReplyBody::History(page) = reply.body else { panic!("{reply:?}") };
    assert_eq!(page.messages.len(), seqs.len(), "all that is stored was answered, and the other way round");
    server.stop().await;
}
