//! What subscribers make of publications, also of those that bots send straight to a broker.

use recado_proto::limits::{NAME_BYTES_MAX, PUBLICATION_BYTES_MAX, SYNC_TOPICS_MAX};
use recado_proto::{
    Epoch, Manner, MessageId, NameError, Publication, PublicationBody, PublicationError, SyncTopic,
    SystemPublication, SystemPublicationError, SystemTopic, Timestamp, TopicName, UserName,
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
        kind: None,
        manner: Manner::default(),
        edited: false,
        deleted: false,
        acts: Vec::new(),
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

fn decode_system(topic: &str, value: Pack) -> Result<SystemPublication, SystemPublicationError> {
    SystemPublication::decode(topic.as_bytes(), &value.encoded(), RECEIVED)
}

fn system(topic: &str, heads: &[(&str, u64)]) -> SystemPublication {
    SystemPublication {
        topic: SystemTopic::parse(topic).unwrap(),
        heads: heads.iter().map(|(name, seq)| (TopicName::parse(name).unwrap(), *seq)).collect(),
        epoch: Epoch::new(5).unwrap(),
        timestamp: RECEIVED,
        clock: None,
    }
}

#[test]
fn heads_need_no_more_than_their_numbers_and_the_epoch() {
    let heads = map([("geral", 7.into()), ("ana", 0.into())]);
    let value = map([("epoch", 5.into()), ("heads", heads)]);
    assert_eq!(decode_system("_sync.a", value), Ok(system("_sync.a", &[("geral", 7), ("ana", 0)])));
    let value =
        map([("seq", Pack::Float(7.0)), ("epoch", 5.into()), ("clock", "x".into()), ("heads", 1.into())]);
    assert_eq!(decode_system("_heads.geral", value), Ok(system("_heads.geral", &[("geral", 7)])));
    let value = map([("heads", map([])), ("epoch", 5.into())]);
    assert_eq!(decode_system("_sync.a", value), Ok(system("_sync.a", &[])));
}

#[test]
fn heads_that_make_no_sense_are_passed_over() {
    let heads = Pack::Map(vec![
        ("geral".into(), 7.into()),
        ("tech".into(), "seven".into()),
        ("ana".into(), Pack::Integer(-1)),
        (7.into(), 7.into()),
        ("_x".into(), 7.into()),
        (Pack::Text(b"\xff".to_vec()), 7.into()),
    ]);
    let value = map([("heads", heads), ("epoch", 5.into())]);
    assert_eq!(decode_system("_sync.a", value), Ok(system("_sync.a", &[("geral", 7)])));
}

#[test]
fn what_tells_no_heads_is_an_error() {
    let heads = || ("heads", map([("geral", 7.into())]));
    let epoch = || ("epoch", Pack::from(5));
    let check = |topic: &str, value: Pack, expect: SystemPublicationError| {
        assert_eq!(decode_system(topic, value.clone()), Err(expect), "{topic}: {value:?}");
    };
    let missing = SystemPublicationError::Missing;
    check("_sync.a", map([heads()]), missing("epoch"));
    check("_sync.a", map([heads(), ("epoch", Pack::Unsigned(1 << 53))]), missing("epoch"));
    check("_sync.a", map([epoch()]), missing("heads"));
    check("_sync.a", map([epoch(), ("heads", names_only())]), missing("heads"));
    check("_heads.geral", map([epoch(), heads()]), missing("seq"));
    check("_heads.geral", map([epoch(), ("seq", "7".into())]), missing("seq"));
    check("_heads.geral", Pack::Array(vec![]), SystemPublicationError::NoMap);
    check("geral", map([heads(), epoch()]), SystemPublicationError::Topic);
    check("_heads._x", map([heads(), epoch()]), SystemPublicationError::Name(NameError::Reserved));
    assert_eq!(
        SystemPublication::decode(b"_sync.\xff", &map([heads(), epoch()]).encoded(), RECEIVED),
        Err(SystemPublicationError::Topic)
    );
}

fn names_only() -> Pack {
    Pack::Array(vec!["geral".into()])
}

#[test]
fn the_longest_answer_to_sync_is_within_the_bound_of_publications() {
    let name = |index: usize| TopicName::parse(&format!("{index:0>width$}", width = NAME_BYTES_MAX)).unwrap();
    let publication = SystemPublication {
        topic: SystemTopic::Sync(SyncTopic::from_random(1)),
        heads: (0..SYNC_TOPICS_MAX).map(|index| (name(index), u64::MAX)).collect(),
        epoch: Epoch::from_random(u64::MAX),
        timestamp: Timestamp::from_seconds(i64::MAX),
        clock: Some(u64::MAX),
    };
    let mut payload = Vec::new();
    publication.encode_payload(&mut payload);
    assert!(payload.len() <= PUBLICATION_BYTES_MAX, "{}", payload.len());
}
