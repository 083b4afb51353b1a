//! What replies look like to the letter, and what a client makes of those from plainer or newer servers.

use std::time::Duration;

use recado_proto::{
    ChannelName, Code, Epoch, HistoryPage, Manner, MessageId, Publication, PublicationBody, Ref, Reply,
    ReplyBody, ReplyError, Request, Service, ServiceName, Timestamp, UserName,
};

use crate::notation::notation;
use crate::pack::{Pack, map, request};

const SENT: Timestamp = Timestamp::from_seconds(1_700_000_000);
const RECEIVED: Timestamp = Timestamp::from_seconds(1_800_000_000);

fn reply(service: impl Into<ServiceName>, body: ReplyBody) -> Reply {
    Reply { service: service.into(), body, timestamp: SENT, clock: None, reference: None }
}

fn refused() -> ReplyBody {
    ReplyBody::Refused { code: Code::Busy, description: "later".to_owned() }
}

fn stored(id: Option<MessageId>, seq: Option<u64>, epoch: Option<Epoch>) -> ReplyBody {
    ReplyBody::Stored { id, seq, epoch }
}

fn check_written(reply: &Reply, expect: &str) {
    assert_eq!(notation(&reply.encode()), expect);
    assert_eq!(Reply::decode(&reply.encode(), RECEIVED).as_ref(), Ok(reply));
}

fn check_read(value: Pack, expect: ReplyBody) {
    assert_eq!(Reply::decode(&value.encoded(), RECEIVED).map(|reply| reply.body), Ok(expect), "{value:?}");
}

#[test]
fn refusals_are_spelled_for_each_service() {
    let description = r#""status": "erro", "description": "later", "code": "busy""#;
    let message = r#""status": "erro", "message": "later", "code": "busy""#;
    let both = r#""status": "erro", "description": "later", "message": "later", "code": "busy""#;
    for service in Service::ALL {
        let spelling = match service {
            Service::Login
            | Service::Channel
            | Service::Mark
            | Service::Here
            | Service::Join
            | Service::Admin => description,
            Service::Publish
            | Service::Message
            | Service::Act
            | Service::History
            | Service::Search
            | Service::Sync
            | Service::Marks
            | Service::Who
            | Service::Keys
            | Service::Members
            | Service::Audit => message,
            Service::Users | Service::Channels => both,
        };
        let expect =
            format!(r#"{{"service": "{service}", "data": {{{spelling}, "timestamp": 1700000000}}}}"#);
        check_written(&reply(service, refused()), &expect);
    }
    let unknown = reply(ServiceName::Other("dance".to_owned()), refused());
    check_written(
        &unknown,
        &format!(r#"{{"service": "dance", "data": {{{both}, "timestamp": 1700000000}}}}"#),
    );
}

#[test]
fn a_refusal_for_now_says_when_to_come_back() {
    let later = |retry_after| ReplyBody::Later { description: "later".to_owned(), retry_after };
    let busy = r#""status": "erro", "message": "later", "code": "busy""#;
    check_written(
        &reply(Service::Publish, later(Duration::from_millis(250))),
        &format!(
            r#"{{"service": "publish", "data": {{{busy}, "retry_after_ms": 250, "timestamp": 1700000000}}}}"#
        ),
    );
    let nearly = reply(Service::Publish, later(Duration::from_nanos(1))).encode();
    let read = Reply::decode(&nearly, RECEIVED).unwrap().body;
    assert_eq!(read.retry_after(), Some(Duration::from_millis(1)), "too early would be refused again");

    let with = |code: &str, after: Pack| {
        let pairs = [
            ("status", Pack::from("erro")),
            ("message", "later".into()),
            ("code", code.into()),
            ("retry_after_ms", after),
        ];
        request("publish", pairs)
    };
    check_read(with("busy", 0.into()), later(Duration::ZERO));
    for useless in [Pack::Nil, "soon".into(), Pack::Integer(-1)] {
        check_read(with("busy", useless), refused());
    }
    let forbidden = ReplyBody::Refused { code: Code::Forbidden, description: "later".to_owned() };
    check_read(with("forbidden", 250.into()), forbidden.clone());
    assert_eq!((refused().retry_after(), forbidden.retry_after()), (Some(Duration::ZERO), None));
    assert_eq!(ReplyBody::Accepted.retry_after(), None);
}

#[test]
fn a_request_that_cannot_be_read_gets_a_reply_nevertheless() {
    let error = Request::decode(b"hello").unwrap_err();
    let reply = error.into_reply(SENT, 9);
    assert_eq!(reply.service.as_str(), "erro");
    assert_eq!(reply.clock, Some(9));
    assert!(matches!(Reply::decode(&reply.encode(), RECEIVED).unwrap().body, ReplyBody::Refused { .. }));

    let mut value = request("logout", []);
    if let Pack::Map(pairs) = &mut value {
        pairs.push(("ref".into(), "x".into()));
    }
    let reply = Request::decode(&value.encoded()).unwrap_err().into_reply(SENT, 1);
    assert_eq!(reply.service.as_str(), "logout");
    assert_eq!(reply.reference, Some(Ref::from_encoded(b"\xa1x").unwrap()));
}

#[test]
fn plain_servers_say_less() {
    let ok = || [("status", Pack::from("OK")), ("timestamp", 1.into())];
    check_read(request("publish", ok()), stored(None, None, None));
    check_read(request("message", [("status", "OK".into())]), stored(None, None, None));
    check_read(request("login", [("status", "sucesso".into())]), ReplyBody::Accepted);
    let names = || Pack::Array(vec!["geral".into(), "tech".into()]);
    let channels = ["geral", "tech"].map(|name| ChannelName::parse(name).unwrap()).to_vec();
    check_read(request("channels", [("channels", names())]), ReplyBody::Channels(channels.clone()));
    check_read(request("channels", [("users", names())]), ReplyBody::Channels(channels));
    let value = request("publish", [("status", "erro".into()), ("message", "no".into())]);
    check_read(value, ReplyBody::Refused { code: Code::Unstated, description: "no".to_owned() });
    let value = request("login", [("status", "error".into())]);
    check_read(value, ReplyBody::Refused { code: Code::Unstated, description: "error".to_owned() });
}

#[test]
fn newer_servers_say_more() {
    let value = request(
        "login",
        [
            ("status", "erro".into()),
            ("description", "no".into()),
            ("code", "too_early".into()),
            ("hint", Pack::Array(vec![Pack::Nil])),
        ],
    );
    let code = Code::Other("too_early".to_owned());
    check_read(value, ReplyBody::Refused { code, description: "no".to_owned() });
    let names = Pack::Array(vec!["ana".into(), "_new_kind".into(), Pack::Integer(3), "bob".into()]);
    let users = ["ana", "bob"].map(|name| UserName::parse(name).unwrap()).to_vec();
    check_read(request("users", [("users", names)]), ReplyBody::Users(users));
    let message = map([("topic", "geral".into()), ("user", "ana".into()), ("message", "oi".into())]);
    let messages = Pack::Array(vec![map([("topic", "geral".into()), ("edit", 1.into())]), message]);
    let page = HistoryPage {
        messages: vec![Publication {
            topic: "geral".to_owned(),
            body: PublicationBody::Channel { user: UserName::parse("ana").unwrap() },
            message: "oi".to_owned(),
            timestamp: RECEIVED,
            clock: None,
            id: None,
            seq: None,
            epoch: None,
            time_ms: None,
            kind: None,
            manner: Manner::default(),
            edited: false,
            deleted: false,
            acts: Vec::new(),
        }],
        ..HistoryPage::default()
    };
    check_read(
        request("history", [("status", "OK".into()), ("messages", messages)]),
        ReplyBody::History(page),
    );
}

#[test]
fn useless_additions_count_as_absent() {
    let value = request(
        "publish",
        [
            ("status", "OK".into()),
            ("id", "short".into()),
            ("seq", Pack::Integer(-1)),
            ("epoch", Pack::Unsigned(1 << 53)),
            ("clock", Pack::Boolean(true)),
        ],
    );
    check_read(value, stored(None, None, None));
}

#[test]
fn a_timestamp_that_is_missing_is_the_time_of_receipt() {
    let at = |timestamp: Pack| {
        let value = request("login", [("status", "sucesso".into()), ("timestamp", timestamp)]);
        Reply::decode(&value.encoded(), RECEIVED).unwrap().timestamp
    };
    assert_eq!(at(Pack::Nil), RECEIVED);
    assert_eq!(at("yesterday".into()), RECEIVED);
    assert_eq!(at("2023-11-14T22:13:20Z".into()), SENT);
    assert_eq!(at(Pack::Float(1_700_000_000.25)), SENT);
}

#[test]
fn what_is_no_reply_is_an_error() {
    let check = |value: Pack, expect: ReplyError| {
        assert_eq!(Reply::decode(&value.encoded(), RECEIVED), Err(expect), "{value:?}");
    };
    check(Pack::Nil, ReplyError::NoEnvelope);
    check(map([("service", "login".into())]), ReplyError::NoEnvelope);
    check(map([("data", map([]))]), ReplyError::Missing("service"));
    check(request("login", []), ReplyError::Missing("status"));
    check(request("users", []), ReplyError::Missing("users"));
    check(request("history", [("status", "OK".into())]), ReplyError::Missing("messages"));
    check(request("dance", [("status", "OK".into())]), ReplyError::UnknownService("dance".to_owned()));
}
