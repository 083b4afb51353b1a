//! What subscribers make of publications, also of those that bots send straight to a broker.

use recado_proto::{
    MessageId, NameError, Publication, PublicationBody, PublicationError, Timestamp, UserName,
};

use crate::pack::{Pack, map};

const RECEIVED: Timestamp = Timestamp::from_seconds(1_800_000_000);

fn decode(topic: &[u8], value: &Pack) -> Result<Publication, PublicationError> {
    Publication::decode(topic, &value.encoded(), RECEIVED)
}

fn plain(topic: &str, body: PublicationBody) -> Publication {
    Publication {
        topic: topic.to_owned(),
        body,
        message: "oi".to_owned(),
        timestamp: RECEIVED,
        clock: None,
        id: None,
        seq: None,
        epoch: None,
        time_ms: None,
    }
}

fn ana() -> UserName {
    UserName::parse("ana").unwrap()
}

#[test]
fn bots_may_leave_out_all_that_is_ours() {
    let value = map([("user", "ana".into()), ("message", "oi".into())]);
    assert_eq!(decode(b"geral", &value), Ok(plain("geral", PublicationBody::Channel { user: ana() })));
    let value = map([("message", Pack::Binary(b"oi".to_vec())), ("from", Pack::Binary(b"ana".to_vec()))]);
    assert_eq!(decode(b"bob", &value), Ok(plain("bob", PublicationBody::Direct { from: ana() })));
}

#[test]
fn additions_that_make_no_sense_count_as_absent() {
    let value = map([
        ("user", "ana".into()),
        ("message", "oi".into()),
        ("timestamp", "soon".into()),
        ("clock", "x".into()),
        ("id", 5.into()),
        ("seq", Pack::Float(0.5)),
        ("epoch", Pack::Integer(-5)),
        ("time_ms", Pack::Array(vec![])),
        ("topic", "elsewhere".into()),
        ("reply_to", map([])),
    ]);
    assert_eq!(decode(b"geral", &value), Ok(plain("geral", PublicationBody::Channel { user: ana() })));
}

#[test]
fn a_missing_timestamp_is_taken_from_the_commit() {
    let value =
        map([("user", "ana".into()), ("message", "oi".into()), ("time_ms", 1_700_000_000_999.into())]);
    assert_eq!(decode(b"geral", &value).unwrap().timestamp, Timestamp::from_seconds(1_700_000_000));
}

#[test]
fn text_that_is_no_utf8_is_shown_as_far_as_it_goes() {
    let value = map([("user", "ana".into()), ("message", Pack::Text(b"ol\xe1".to_vec()))]);
    assert_eq!(decode(b"geral", &value).unwrap().message, "ol\u{fffd}");
}

#[test]
fn bytes_after_the_map_are_ignored() {
    let mut payload = map([("user", "ana".into()), ("message", "oi".into())]).encoded();
    payload.extend_from_slice(b"\nrest");
    assert!(Publication::decode(b"geral", &payload, RECEIVED).is_ok());
}

#[test]
fn ids_may_be_text() {
    let id = MessageId::new_v7();
    let value =
        map([("user", "ana".into()), ("message", "oi".into()), ("id", id.to_string().as_str().into())]);
    assert_eq!(decode(b"geral", &value).unwrap().id, Some(id));
}

#[test]
fn what_cannot_be_shown_is_an_error() {
    let message = || ("message", Pack::from("oi"));
    let check = |topic: &[u8], value: Pack, expect: PublicationError| {
        assert_eq!(decode(topic, &value), Err(expect), "{value:?}");
    };
    check(b"\xff", map([("user", "ana".into()), message()]), PublicationError::Topic);
    check(b"geral", Pack::Nil, PublicationError::NoMap);
    check(b"geral", map([message()]), PublicationError::Missing("user"));
    check(b"geral", map([("user", "ana".into())]), PublicationError::Missing("message"));
    check(
        b"geral",
        map([("user", "ana".into()), ("message", 5.into())]),
        PublicationError::Missing("message"),
    );
    check(b"geral", map([("user", 5.into()), message()]), PublicationError::Missing("user"));
    check(b"bob", map([("from", "".into()), message()]), PublicationError::Sender(NameError::Empty));
    check(
        b"bob",
        map([("from", "\u{1b}[1m".into()), message()]),
        PublicationError::Sender(NameError::ControlCharacter),
    );
}
