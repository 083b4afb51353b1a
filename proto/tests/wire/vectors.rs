//! The byte vectors of docs/PROTOCOL.md: the code writes exactly these bytes, and reads them as these values.

use std::time::Duration;

use recado_proto::{
    Act, ActDone, ActIn, ActKind, ChannelName, Code, Device, Epoch, Found, HERE_TOPIC, Here, HerePublication,
    HistoryOf, HistoryPage, HistoryRequest, Manner, MarkPublication, MessageId, Place, Presence, Publication,
    PublicationBody, Range, ReadMark, ReadOf, Ref, Reply, ReplyBody, Request, RequestBody, SearchIn,
    SearchPage, SearchRequest, SentPublication, Service, ServiceName, Style, SyncTopic, SystemPublication,
    SystemTopic, Timestamp, TopicName, TypingIn, TypingPublication, UserName,
};

use crate::access;
use crate::documents::protocol;
use crate::notation::notation;

const SENT: Timestamp = Timestamp::from_seconds(1_700_000_000);
const ID: MessageId =
    MessageId::from_bytes([0x01, 0x8b, 0xcf, 0xe5, 0x68, 0, 0x70, 0, 0x80, 0, 0, 0, 0, 0, 0, 0x2a]);

/// A message of one of some kind, with what the document calls it.
enum Vector {
    Request(Request),
    Reply(Reply),
    Publication(Publication),
    System(SystemPublication),
    Mark(MarkPublication),
    Here(HerePublication),
    Typing(TypingPublication),
    Sent(SentPublication),
}

/// A fenced block of the document.
struct Block {
    name: String,
    notation: String,
    bytes: Vec<u8>,
}

fn user(name: &str) -> UserName {
    UserName::parse(name).unwrap()
}

fn channel(name: &str) -> ChannelName {
    ChannelName::parse(name).unwrap()
}

fn epoch() -> Epoch {
    Epoch::new(1).unwrap()
}

fn request(body: RequestBody) -> Vector {
    Vector::Request(Request { body, timestamp: Some(SENT), clock: Some(1), reference: None })
}

fn reply(service: Service, body: ReplyBody) -> Vector {
    Vector::Reply(Reply { service: service.into(), body, timestamp: SENT, clock: Some(2), reference: None })
}

fn refused(code: Code, description: &str) -> ReplyBody {
    ReplyBody::Refused { code, description: description.to_owned() }
}

fn later(description: &str, retry_after: Duration) -> ReplyBody {
    ReplyBody::Later { description: description.to_owned(), retry_after }
}

fn publication(topic: &str, body: PublicationBody, message: &str) -> Publication {
    Publication {
        topic: topic.to_owned(),
        body,
        message: message.to_owned(),
        timestamp: SENT,
        clock: Some(3),
        id: Some(ID),
        seq: Some(7),
        epoch: Some(epoch()),
        time_ms: Some(1_700_000_000_123),
        kind: None,
        manner: Manner::default(),
        edited: false,
        deleted: false,
        acts: Vec::new(),
    }
}

fn to_channel() -> Publication {
    publication("geral", PublicationBody::Channel { user: user("ana") }, "oi")
}

fn to_user() -> Publication {
    publication("bob", PublicationBody::Direct { from: user("ana") }, "tudo bem?")
}

fn topic(name: &str) -> TopicName {
    TopicName::parse(name).unwrap()
}

fn mark(of: ReadOf) -> ReadMark {
    ReadMark { of, seq: 7, epoch: epoch() }
}

fn sync_topic() -> SyncTopic {
    SyncTopic::parse("_sync.7f3a").unwrap()
}

fn system(topic: SystemTopic, heads: Vec<(TopicName, u64)>) -> Vector {
    Vector::System(SystemPublication { topic, heads, epoch: epoch(), timestamp: SENT, clock: Some(4) })
}

const TARGET: MessageId = MessageId::from_bytes([0x11; 16]);

fn act(act: Act) -> Vector {
    let within = ActIn::Channel(channel("geral"));
    request(RequestBody::Act { user: user("ana"), within, act, id: Some(ID) })
}

fn act_published() -> Publication {
    Publication { kind: Some(ActKind::Edit), manner: Manner::reply_to(TARGET), ..to_channel() }
}

fn requests() -> Vec<(&'static str, Vector)> {
    let of_access = access::requests().into_iter().map(|(name, body)| (name, request(body)));
    let publish = |id| RequestBody::Publish {
        user: user("ana"),
        channel: channel("geral"),
        message: "oi".to_owned(),
        id,
        manner: Manner::default(),
    };
    let message = |id| RequestBody::Message {
        src: user("ana"),
        dst: user("bob"),
        message: "tudo bem?".to_owned(),
        id,
        manner: Manner::default(),
    };
    let history = |of, range, limit| {
        RequestBody::History(HistoryRequest { user: user("ana"), of, range, limit, acts: false })
    };
    let plain = Request { timestamp: Some(SENT), ..publish(None).into() };
    let Vector::Request(full) = request(publish(Some(ID))) else { unreachable!("a request was made") };
    let full = Request { reference: Some(Ref::from_number(5)), ..full };
    let conversation = HistoryOf::With(user("bob"));
    vec![
        ("request login", request(RequestBody::Login { user: user("ana"), password: None })),
        ("request users", request(RequestBody::Users)),
        (
            "request channel",
            request(RequestBody::Channel { channel: channel("geral"), id: None, user: None, private: false }),
        ),
        (
            "request channel, with an id",
            request(RequestBody::Channel {
                channel: channel("geral"),
                id: Some(ID),
                user: None,
                private: false,
            }),
        ),
        ("request channels", request(RequestBody::Channels)),
        ("request publish, plain", Vector::Request(plain)),
        ("request publish, with all additions", Vector::Request(full)),
        ("request message", request(message(Some(ID)))),
        ("request publish, a reply in the style of an action", {
            let body = RequestBody::Publish {
                user: user("ana"),
                channel: channel("geral"),
                message: "waves".to_owned(),
                id: Some(ID),
                manner: Manner { target: Some(TARGET), style: Some(Style::Me) },
            };
            request(body)
        }),
        ("request act, an edit", act(Act::Edit { target: TARGET, text: "olá".to_owned() })),
        ("request act, a deletion", act(Act::Delete { target: TARGET })),
        ("request act, a reaction to a direct message", {
            let act = Act::React { target: TARGET, emoji: "👍".to_owned() };
            request(RequestBody::Act {
                user: user("ana"),
                within: ActIn::With(user("bob")),
                act,
                id: Some(ID),
            })
        }),
        ("request act, a channel's topic", act(Act::Topic { text: "tudo".to_owned() })),
        ("request history with acts", {
            let of = HistoryOf::Channel(channel("geral"));
            let request_body =
                HistoryRequest { user: user("ana"), of, range: Range::Latest, limit: 50, acts: true };
            request(RequestBody::History(request_body))
        }),
        ("request history of a channel", {
            request(history(HistoryOf::Channel(channel("geral")), Range::Latest, 50))
        }),
        ("request history between places", {
            let range = Range::Between(Place::Seq(3), Place::Seq(9));
            request(history(HistoryOf::Channel(channel("geral")), range, 100))
        }),
        (
            "request history of a conversation",
            request(history(conversation, Range::Before(Place::Id(ID)), 50)),
        ),
        ("request history of all received", {
            request(history(HistoryOf::Received, Range::After(Place::Seq(7)), 1000))
        }),
        ("request search", {
            request(RequestBody::Search(SearchRequest {
                user: user("ana"),
                words: "tudo bem".to_owned(),
                from: None,
                within: None,
                after: None,
                before: None,
                limit: 20,
            }))
        }),
        ("request search of a conversation, with all that can be said", {
            request(RequestBody::Search(SearchRequest {
                user: user("ana"),
                words: "\"tudo bem\" vi*".to_owned(),
                from: Some(user("bob")),
                within: Some(SearchIn::With(user("bob"))),
                after: Some(Timestamp::from_seconds(1_690_000_000)),
                before: Some(SENT),
                limit: 100,
            }))
        }),
        ("request sync", {
            let topics = vec![topic("geral"), topic("ana")];
            request(RequestBody::Sync { user: Some(user("ana")), topic: sync_topic(), topics })
        }),
        ("request mark of a channel", {
            request(RequestBody::Mark { user: user("ana"), mark: mark(ReadOf::Channel(channel("geral"))) })
        }),
        ("request mark of a conversation", {
            request(RequestBody::Mark { user: user("ana"), mark: mark(ReadOf::With(user("bob"))) })
        }),
        ("request marks", request(RequestBody::Marks { user: user("ana") })),
        ("request here", {
            let (user, state) = (user("ana"), Presence::Online);
            request(RequestBody::Here { user, state, device: None, typing: None })
        }),
        ("request here, of a device, typing", {
            let (user, state, device) = (user("ana"), Presence::Online, Device::parse("7f3a").ok());
            let typing = Some(TypingIn::Channel(channel("geral")));
            request(RequestBody::Here { user, state, device, typing })
        }),
        ("request who", request(RequestBody::Who)),
    ]
    .into_iter()
    .chain(of_access)
    .collect()
}

fn replies() -> Vec<(&'static str, Vector)> {
    let of_access = access::replies().into_iter().map(|(name, service, body)| (name, reply(service, body)));
    let stored = || ReplyBody::Stored { id: Some(ID), seq: Some(7), epoch: Some(epoch()) };
    let page = |messages, first_seq, last_seq| {
        ReplyBody::History(HistoryPage { messages, first_seq, last_seq, epoch: Some(epoch()), topic: None })
    };
    let echoed = Reply {
        service: Service::Publish.into(),
        body: stored(),
        timestamp: SENT,
        clock: Some(2),
        reference: Some(Ref::from_number(5)),
    };
    let unknown = Reply {
        service: ServiceName::Other("dance".to_owned()),
        body: refused(Code::UnknownService, "no such service"),
        timestamp: SENT,
        clock: Some(2),
        reference: None,
    };
    vec![
        ("reply login", reply(Service::Login, ReplyBody::Accepted)),
        ("reply login, refused", reply(Service::Login, refused(Code::NameTaken, "it is a channel"))),
        ("reply users", reply(Service::Users, ReplyBody::Users(vec![user("ana"), user("bob")]))),
        ("reply channel", reply(Service::Channel, ReplyBody::Accepted)),
        (
            "reply channels",
            reply(Service::Channels, ReplyBody::Channels(vec![channel("geral"), channel("tech")])),
        ),
        ("reply publish", Vector::Reply(echoed)),
        ("reply publish, refused", reply(Service::Publish, refused(Code::NoSuchChannel, "no such channel"))),
        (
            "reply publish, refused for now",
            reply(Service::Publish, later("too many messages", Duration::from_millis(250))),
        ),
        ("reply message", reply(Service::Message, stored())),
        ("reply act", reply(Service::Act, stored())),
        ("reply history with acts", {
            let (user, message, id) = (user("ana"), "olá".to_owned(), ID);
            let done = |kind, message| ActDone {
                kind,
                user: user.clone(),
                message,
                id,
                seq: 8,
                time_ms: 1_700_000_000_123,
            };
            let (edit, topic) =
                (done(ActKind::Edit, message.clone()), done(ActKind::Topic, "tudo".to_owned()));
            let edited = Publication { message, edited: true, acts: vec![edit], ..to_channel() };
            let deleted = Publication { message: String::new(), deleted: true, ..to_channel() };
            let messages = vec![edited, deleted, act_published()];
            let (first_seq, last_seq, epoch) = (Some(1), Some(9), Some(epoch()));
            let page = HistoryPage { messages, first_seq, last_seq, epoch, topic: Some(topic) };
            reply(Service::History, ReplyBody::History(page))
        }),
        ("reply history of a channel", reply(Service::History, page(vec![to_channel()], Some(1), Some(7)))),
        ("reply history of a conversation", reply(Service::History, page(vec![to_user()], None, None))),
        ("reply search", {
            let found = Found { message: to_user(), snippet: "\u{2}tudo\u{3} \u{2}bem\u{3}?".to_owned() };
            let page = SearchPage { found: vec![found], epoch: Some(epoch()), partial: true, behind: 12 };
            reply(Service::Search, ReplyBody::Found(page))
        }),
        ("reply sync", reply(Service::Sync, ReplyBody::Synced)),
        ("reply mark", reply(Service::Mark, ReplyBody::Accepted)),
        ("reply marks", {
            let of = [ReadOf::Channel(channel("geral")), ReadOf::With(user("bob"))];
            reply(Service::Marks, ReplyBody::Marks(of.map(mark).to_vec()))
        }),
        ("reply here", reply(Service::Here, ReplyBody::Accepted)),
        ("reply who", {
            let here = |name, state| Here { user: user(name), state };
            let all = vec![here("ana", Presence::Online), here("bob", Presence::Away)];
            reply(Service::Who, ReplyBody::Here(all))
        }),
        ("reply to an unknown service", Vector::Reply(unknown)),
    ]
    .into_iter()
    .chain(of_access)
    .collect()
}

fn publications() -> Vec<(&'static str, Vector)> {
    vec![
        ("publication to the topic geral", Vector::Publication(to_channel())),
        ("publication to the topic bob", Vector::Publication(to_user())),
        ("publication to the topic _acts.geral", Vector::Publication(act_published())),
        ("publication to the topic _sync.7f3a", {
            system(SystemTopic::Sync(sync_topic()), vec![(topic("ana"), 0), (topic("geral"), 7)])
        }),
        ("publication to the topic _heads.geral", {
            system(SystemTopic::Heads(topic("geral")), vec![(topic("geral"), 7)])
        }),
        ("publication to the topic _marks.ana", {
            let of = ReadOf::Channel(ChannelName::parse("geral").unwrap());
            let mark = ReadMark { of, seq: 7, epoch: epoch() };
            let user = UserName::parse("ana").unwrap();
            Vector::Mark(MarkPublication { user, mark, timestamp: SENT, clock: Some(4) })
        }),
        ("publication to the topic _here", {
            let here = Here { user: user("ana"), state: Presence::Away };
            Vector::Here(HerePublication { here, timestamp: SENT, clock: Some(4) })
        }),
        ("publication to the topic _typing.geral", {
            let (topic, user) = (topic("geral"), user("ana"));
            Vector::Typing(TypingPublication { topic, user, timestamp: SENT, clock: Some(4) })
        }),
        ("publication to the topic _sent.ana", {
            Vector::Sent(SentPublication { publication: to_user(), to: user("bob") })
        }),
    ]
}

impl Vector {
    fn encode(&self) -> Vec<u8> {
        match self {
            Vector::Request(request) => request.encode(),
            Vector::Reply(reply) => reply.encode(),
            Vector::Publication(publication) => {
                let mut payload = Vec::new();
                publication.encode_payload(&mut payload);
                payload
            }
            Vector::System(publication) => {
                let mut payload = Vec::new();
                publication.encode_payload(&mut payload);
                payload
            }
            Vector::Mark(publication) => {
                let mut payload = Vec::new();
                publication.encode_payload(&mut payload);
                payload
            }
            Vector::Here(publication) => {
                let mut payload = Vec::new();
                publication.encode_payload(&mut payload);
                payload
            }
            Vector::Typing(publication) => {
                let mut payload = Vec::new();
                publication.encode_payload(&mut payload);
                payload
            }
            Vector::Sent(publication) => {
                let mut payload = Vec::new();
                publication.encode_payload(&mut payload);
                payload
            }
        }
    }

    fn check_read(&self, name: &str, bytes: &[u8]) {
        let received = Timestamp::from_seconds(0);
        match self {
            Vector::Request(request) => assert_eq!(Request::decode(bytes).as_ref(), Ok(request), "{name}"),
            Vector::Reply(reply) => assert_eq!(Reply::decode(bytes, received).as_ref(), Ok(reply), "{name}"),
            Vector::Publication(publication) => {
                let read = Publication::decode(publication.wire_topic().as_bytes(), bytes, received);
                assert_eq!(read.as_ref(), Ok(publication), "{name}");
            }
            Vector::System(publication) => {
                let topic = publication.topic.to_string();
                let read = SystemPublication::decode(topic.as_bytes(), bytes, received);
                assert_eq!(read.as_ref(), Ok(publication), "{name}");
            }
            Vector::Mark(publication) => {
                let topic = MarkPublication::topic_of(&publication.user);
                let read = MarkPublication::decode(topic.as_bytes(), bytes, received);
                assert_eq!(read.as_ref(), Ok(publication), "{name}");
            }
            Vector::Here(publication) => {
                let read = HerePublication::decode(HERE_TOPIC.as_bytes(), bytes, received);
                assert_eq!(read.as_ref(), Ok(publication), "{name}");
            }
            Vector::Typing(publication) => {
                let topic = TypingPublication::topic_of(&publication.topic);
                let read = TypingPublication::decode(topic.as_bytes(), bytes, received);
                assert_eq!(read.as_ref(), Ok(publication), "{name}");
            }
            Vector::Sent(publication) => {
                let topic = SentPublication::topic_of(publication.publication.sender());
                let read = SentPublication::decode(topic.as_bytes(), bytes, received);
                assert_eq!(read.as_ref(), Ok(publication), "{name}");
            }
        }
    }
}

/// All blocks that begin with "```vector NAME": the value in the document's notation, then its bytes.
fn blocks() -> Vec<Block> {
    let document = protocol();
    let mut blocks = Vec::new();
    for block in document.split("\n```vector ").skip(1) {
        let (name, rest) = block.split_once('\n').unwrap();
        let (content, _) = rest.split_once("\n```").unwrap();
        let is_hex = |line: &&str| line.chars().all(|c| c == ' ' || matches!(c, '0'..='9' | 'a'..='f'));
        let (hex, notation): (Vec<&str>, Vec<&str>) = content.lines().map(str::trim).partition(is_hex);
        let digits: Vec<char> = hex.concat().replace(' ', "").chars().collect();
        let byte = |pair: &[char]| u8::from_str_radix(&pair.iter().collect::<String>(), 16).unwrap();
        let bytes = digits.chunks(2).map(byte).collect();
        blocks.push(Block { name: name.to_owned(), notation: notation.join(" "), bytes });
    }
    blocks
}

/// The block as it should stand in the document.
fn rendered(name: &str, bytes: &[u8]) -> String {
    let line = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ");
    let hex: Vec<_> = bytes.chunks(32).map(line).collect();
    format!("```vector {name}\n{}\n{}\n```\n", notation(bytes), hex.join("\n"))
}

#[test]
fn the_documents_vectors_are_what_the_code_writes_and_reads() {
    let vectors: Vec<_> = [requests(), replies(), publications()].into_iter().flatten().collect();
    let blocks = blocks();
    let wanted: String =
        vectors.iter().map(|(name, vector)| rendered(name, &vector.encode()) + "\n").collect();
    let names = |names: Vec<&str>| names.join("\n");
    assert_eq!(
        names(blocks.iter().map(|block| block.name.as_str()).collect()),
        names(vectors.iter().map(|(name, _)| *name).collect()),
        "the document should have these vectors:\n{wanted}"
    );
    for (block, (name, vector)) in blocks.iter().zip(&vectors) {
        let wanted = rendered(name, &vector.encode());
        assert_eq!(block.bytes, vector.encode(), "the document should say\n{wanted}");
        assert_eq!(block.notation, notation(&block.bytes), "the document should say\n{wanted}");
        vector.check_read(name, &block.bytes);
    }
}
