//! Requests that are wrong in every way get an answer that says so, and the server goes on.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::time::Duration;

use recado_proto::{
    Act, ActIn, Code, Epoch, HistoryOf, HistoryRequest, Manner, MessageId, Place, Presence, Range, ReadMark,
    ReadOf, Reply, ReplyBody, RequestBody, Timestamp, TypingIn,
};
use recado_tests::{
    chat::{Requester, channel, user},
    limits::PATIENCE,
    parts::{Recado, folder},
};
use recado_zmtp::{Dealer, Framing, Message, SocketOptions};
use tokio::time::timeout;

/// Sends frames as they are, the empty delimiter before them, and reads the answer.
async fn answer_to(dealer: &mut Dealer, frame: Vec<u8>) -> Reply {
    dealer.send(Message::single(frame)).await.unwrap();
    let message = timeout(PATIENCE, dealer.recv()).await.expect("every request is answered").unwrap();
    Reply::decode(&message.frames()[0], Timestamp::now()).unwrap()
}

fn connect(recado: &Recado, framing: Framing) -> Dealer {
    Dealer::connect(&[recado.requests.parse().unwrap()], framing, SocketOptions::default())
}

fn refusal(body: ReplyBody) -> (Code, String) {
    match body {
        ReplyBody::Refused { code, description } => (code, description),
        other => panic!("taken: {other:?}"),
    }
}

/// MessagePack for a map with one text key.
fn map_of(key: &str, value: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x81, 0xa0 | u8::try_from(key.len()).unwrap()];
    bytes.extend(key.as_bytes());
    bytes.extend(value);
    bytes
}

#[tokio::test]
async fn bytes_that_are_no_request_are_answered_with_what_is_wrong() {
    let folder = folder();
    let recado = Recado::up(folder.path()).unwrap();
    let mut dealer = connect(&recado, Framing::Delimited);
    let mut deep = vec![0x91; 10_000];
    deep.push(0xc0);
    let cases: [(&str, Vec<u8>); 11] = [
        ("nothing", vec![]),
        ("no MessagePack", vec![0xc1]),
        ("text that is no MessagePack", b"hello?".to_vec()),
        ("a number", vec![42]),
        ("a list", vec![0x92, 1, 2]),
        ("an empty map", vec![0x80]),
        ("a map without data", map_of("service", b"\xa5login")),
        ("a map cut short", map_of("service", b"\xa9log")),
        ("nested 10,000 deep", map_of("data", &deep)),
        ("a declared length without its bytes", vec![0xdf, 0xff, 0xff, 0xff, 0xff]),
        ("a request that is too large", vec![0xc4; 300 * 1024]),
    ];
    for (what, frame) in cases {
        let reply = answer_to(&mut dealer, frame).await;
        let (_, description) = refusal(reply.body);
        assert!(!description.is_empty(), "{what}");
    }
    let mut well = Requester::connect(&recado.requests);
    well.login("ana").await;
    assert_eq!(recado.process.terminate().code, Some(0));
}

#[tokio::test]
async fn an_unknown_service_is_named_in_the_answer() {
    let folder = folder();
    let recado = Recado::up(folder.path()).unwrap();
    let mut dealer = connect(&recado, Framing::Delimited);
    let mut frame = vec![0x82];
    frame.extend(b"\xa7service\xa8teleport\xa4data\x80");
    let reply = answer_to(&mut dealer, frame).await;
    assert_eq!(reply.service.as_str(), "teleport");
    let (code, description) = refusal(reply.body);
    assert_eq!(code, Code::UnknownService);
    assert!(description.contains("teleport"), "{description}");
}

#[tokio::test]
async fn a_request_without_its_delimiter_harms_nobody() {
    let folder = folder();
    let recado = Recado::up(folder.path()).unwrap();
    let raw = connect(&recado, Framing::Raw);
    for _ in 0..3 {
        raw.send(Message::single(b"no delimiter".to_vec())).await.unwrap();
    }
    let mut well = Requester::connect(&recado.requests);
    well.login("ana").await;
}

#[tokio::test]
async fn names_and_places_that_cannot_be_are_refused_with_a_code() {
    let folder = folder();
    let recado = Recado::up(folder.path()).unwrap();
    let mut dealer = connect(&recado, Framing::Delimited);
    let long = "x".repeat(65);
    for name in ["", "   ", "a\tb", "_system", long.as_str()] {
        for (service, key) in [("login", "user"), ("channel", "channel")] {
            let mut frame = vec![0x82];
            for text in ["service", service, "data"] {
                frame.push(0xa0 | u8::try_from(text.len()).unwrap());
                frame.extend(text.as_bytes());
            }
            let mut value = vec![0xd9, u8::try_from(name.len()).unwrap()];
            value.extend(name.as_bytes());
            frame.extend(map_of(key, &value));
            let (code, _) = refusal(answer_to(&mut dealer, frame).await.body);
            assert_eq!(code, Code::BadName, "{service} {name:?}");
        }
    }
}

#[tokio::test]
async fn what_is_not_there_or_does_not_fit_is_refused_with_a_code() {
    let folder = folder();
    let recado = Recado::up(folder.path()).unwrap();
    let mut requester = Requester::connect(&recado.requests);
    requester.login("ana").await;
    requester.create("geral").await;
    let publish = |to: &str, text: String, id: MessageId| RequestBody::Publish {
        user: user("ana"),
        channel: channel(to),
        message: text,
        id: Some(id),
        manner: Manner::default(),
    };
    let history = |of: HistoryOf| {
        RequestBody::History(HistoryRequest {
            user: user("ana"),
            of,
            range: Range::After(Place::Seq(0)),
            limit: 10,
            acts: false,
        })
    };
    let here = |name: &str, typing| {
        let (user, state) = (user(name), Presence::Online);
        RequestBody::Here { user, state, device: None, typing }
    };
    let taken = MessageId::new_v7();
    requester.ask(publish("geral", "first".to_owned(), taken)).await;
    let cases = [
        (publish("nowhere", "hello".to_owned(), MessageId::new_v7()), Code::NoSuchChannel),
        (publish("geral", "x".repeat(64 * 1024 + 1), MessageId::new_v7()), Code::TooLarge),
        (publish("geral", "another text under the same id".to_owned(), taken), Code::IdReused),
        (
            RequestBody::Message {
                src: user("ana"),
                dst: user("nobody"),
                message: "are you there?".to_owned(),
                id: Some(MessageId::new_v7()),
                manner: Manner::default(),
            },
            Code::NoSuchUser,
        ),
        (
            RequestBody::Channel { channel: channel("geral"), id: None, user: None, private: false },
            Code::NameTaken,
        ),
        (
            RequestBody::Channel { channel: channel("ana"), id: None, user: None, private: false },
            Code::NameTaken,
        ),
        (RequestBody::Login { user: user("geral"), password: None }, Code::NameTaken),
        (history(HistoryOf::Channel(channel("nowhere"))), Code::NoSuchChannel),
        (here("nobody", None), Code::NoSuchUser),
        (here("geral", None), Code::NoSuchUser),
        (here("ana", Some(TypingIn::Channel(channel("nowhere")))), Code::NoSuchChannel),
        (here("ana", Some(TypingIn::With(user("nobody")))), Code::NoSuchUser),
    ];
    for (body, expected) in cases {
        let (code, description) = refusal(requester.ask(body.clone()).await);
        assert_eq!(code, expected, "{body:?}: {description}");
        assert!(!description.is_empty());
    }
    let kept = requester.channel_history("ana", "geral").await;
    assert_eq!(kept.iter().map(|message| message.message.as_str()).collect::<Vec<_>>(), ["first"]);
}

/// A key of a map, and its value in MessagePack.
type Pair<'a> = (&'a str, &'a [u8]);

/// MessagePack for a request with these in its `data`.
fn request_of(service: &str, pairs: &[Pair<'_>]) -> Vec<u8> {
    let mut frame = vec![0x82];
    for text in ["service", service, "data"] {
        frame.push(0xa0 | u8::try_from(text.len()).unwrap());
        frame.extend(text.as_bytes());
    }
    frame.push(0x80 | u8::try_from(pairs.len()).unwrap());
    for (key, value) in pairs {
        frame.push(0xa0 | u8::try_from(key.len()).unwrap());
        frame.extend(key.as_bytes());
        frame.extend(*value);
    }
    frame
}

#[tokio::test]
async fn acts_and_marks_that_lack_something_are_told_what() {
    let folder = folder();
    let recado = Recado::up(folder.path()).unwrap();
    let mut well = Requester::connect(&recado.requests);
    well.login("ana").await;
    well.create("geral").await;
    let mut dealer = connect(&recado, Framing::Delimited);
    let (user, place): (Pair<'_>, Pair<'_>) = (("user", b"\xa3ana"), ("channel", b"\xa5geral"));
    let long_emoji = [&[0xd9, 33][..], &[b'x'; 33]].concat();
    let id = [&[0xc4, 16][..], &[7; 16]].concat();
    let cases: [(&str, &[Pair<'_>], &str); 12] = [
        ("act", &[user], "channel"),
        ("act", &[user, place], "kind"),
        ("act", &[user, place, ("kind", b"\xa5dance")], "kind"),
        ("act", &[user, place, ("kind", b"\x07")], "kind"),
        ("act", &[user, place, ("kind", b"\xa4edit"), ("message", b"\xa2oi")], "target"),
        (
            "act",
            &[user, place, ("kind", b"\xa4edit"), ("target", b"\xc4\x01x"), ("message", b"\xa2oi")],
            "target",
        ),
        ("act", &[user, place, ("kind", b"\xa5react"), ("target", &id), ("message", &long_emoji)], "emoji"),
        ("act", &[user, place, ("kind", b"\xa5react"), ("target", &id), ("message", b"\xa1\x1b")], "emoji"),
        ("act", &[user, ("dst", b"\xa3ana"), ("kind", b"\xa5topic"), ("message", b"\xa2oi")], "topic"),
        ("mark", &[user, ("seq", b"\x01"), ("epoch", b"\x01")], "channel"),
        ("mark", &[user, place, ("epoch", b"\x01")], "seq"),
        ("marks", &[], "user"),
    ];
    for (service, pairs, named) in cases {
        let reply = answer_to(&mut dealer, request_of(service, pairs)).await;
        let (code, description) = refusal(reply.body);
        assert_eq!(code, Code::BadRequest, "{service} {pairs:?}: {description}");
        assert!(description.contains(named), "{service} {pairs:?}: {description}");
    }
    assert!(well.channel_history("ana", "geral").await.is_empty());
}

#[tokio::test]
async fn acts_and_marks_that_are_not_ones_own_or_nowhere_are_refused_with_a_code() {
    let folder = folder();
    let recado = Recado::up(folder.path()).unwrap();
    let mut requester = Requester::connect(&recado.requests);
    for name in ["ana", "bob"] {
        requester.login(name).await;
    }
    for name in ["geral", "tech"] {
        requester.create(name).await;
    }
    let stored = requester.publish("ana", "geral", "first").await;
    let act = |who: &str, place: &str, act: Act| RequestBody::Act {
        user: user(who),
        within: ActIn::Channel(channel(place)),
        act,
        id: Some(MessageId::new_v7()),
    };
    let edit = |target: MessageId| Act::Edit { target, text: "second".to_owned() };
    let page = requester.channel_history("ana", "geral").await;
    let epoch = page[0].epoch.unwrap();
    let mark = |of: ReadOf, seq: u64, epoch: Epoch| RequestBody::Mark {
        user: user("ana"),
        mark: ReadMark { of, seq, epoch },
    };
    let in_geral = || ReadOf::Channel(channel("geral"));
    let cases = [
        (act("bob", "geral", edit(stored.id)), Code::Forbidden),
        (act("bob", "geral", Act::Delete { target: stored.id }), Code::Forbidden),
        (act("ana", "tech", edit(stored.id)), Code::NoSuchMessage),
        (act("ana", "geral", edit(MessageId::from_bytes([7; 16]))), Code::NoSuchMessage),
        (act("ana", "nowhere", edit(stored.id)), Code::NoSuchChannel),
        (
            act("ana", "geral", Act::Edit { target: stored.id, text: "x".repeat(64 * 1024 + 1) }),
            Code::TooLarge,
        ),
        (act("ana", "geral", Act::Topic { text: "x".repeat(401) }), Code::TooLarge),
        (mark(in_geral(), 2, epoch), Code::BadPlace),
        (mark(in_geral(), 1, Epoch::from_random(epoch.as_u64() + 1)), Code::BadPlace),
        (mark(ReadOf::Channel(channel("nowhere")), 1, epoch), Code::NoSuchChannel),
        (mark(ReadOf::With(user("nobody")), 1, epoch), Code::NoSuchUser),
        (RequestBody::Marks { user: user("nobody") }, Code::NoSuchUser),
    ];
    for (body, expected) in cases {
        let (code, description) = refusal(requester.ask(body.clone()).await);
        assert_eq!(code, expected, "{body:?}: {description}");
        assert!(!description.is_empty());
    }
    let kept = requester.channel_history("ana", "geral").await;
    assert!(kept.len() == 1 && kept[0].message == "first" && !kept[0].edited, "{kept:?}");
    assert_eq!(requester.ask(RequestBody::Marks { user: user("ana") }).await, ReplyBody::Marks(Vec::new()));
}

#[tokio::test]
async fn the_same_message_sent_again_is_answered_again_and_kept_once() {
    let folder = folder();
    let recado = Recado::up(folder.path()).unwrap();
    let mut requester = Requester::connect(&recado.requests);
    requester.login("ana").await;
    requester.create("geral").await;
    let body = RequestBody::Publish {
        user: user("ana"),
        channel: channel("geral"),
        message: "once".to_owned(),
        id: Some(MessageId::new_v7()),
        manner: Manner::default(),
    };
    let first = requester.ask(body.clone()).await;
    assert_eq!(requester.ask(body).await, first);
    assert_eq!(requester.channel_history("ana", "geral").await.len(), 1);
}

#[tokio::test]
async fn a_connection_that_says_nothing_keeps_nobody_waiting() {
    let folder = folder();
    let recado = Recado::up(folder.path()).unwrap();
    let address = recado.requests_address().unwrap();
    let mut silent = Vec::new();
    for _ in 0..10 {
        silent.push(tokio::net::TcpStream::connect(address).await.unwrap());
    }
    let mut requester = Requester::connect(&recado.requests);
    let reply = requester.ask_once(RequestBody::Users, Duration::from_secs(60)).await;
    assert!(reply.is_some());
}
