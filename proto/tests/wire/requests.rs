//! What requests may look like, and what is said to those that may not.

use recado_proto::limits::{
    DEVICE_BYTES_MAX, HISTORY_LIMIT_DEFAULT, HISTORY_LIMIT_MAX, MESSAGE_BYTES_MAX, NAME_BYTES_MAX,
    REQUEST_BYTES_MAX, SEARCH_LIMIT_DEFAULT, SEARCH_LIMIT_MAX, SEARCH_WORDS_BYTES_MAX, SYNC_TOPICS_MAX,
};
use recado_proto::{
    ChannelName, Code, HistoryOf, HistoryRequest, Manner, MessageId, Place, Range, Ref, Request, RequestBody,
    RequestError, SearchIn, SearchRequest, Service, ServiceName, SyncTopic, Timestamp, TopicName, UserName,
};

use crate::pack::{Pack, map, request};

const ID: MessageId = MessageId::from_bytes(*b"0123456789abcdef");

fn user(name: &str) -> UserName {
    UserName::parse(name).unwrap()
}

fn channel(name: &str) -> ChannelName {
    ChannelName::parse(name).unwrap()
}

fn login() -> RequestBody {
    RequestBody::Login { user: user("ana"), password: None }
}

fn publish(id: Option<MessageId>) -> RequestBody {
    RequestBody::Publish {
        user: user("ana"),
        channel: channel("geral"),
        message: "oi".to_owned(),
        id,
        manner: Manner::default(),
    }
}

fn history(of: HistoryOf, range: Range, limit: u32) -> RequestBody {
    RequestBody::History(HistoryRequest { user: user("ana"), of, range, limit, acts: false })
}

fn decode(value: &Pack) -> Result<Request, RequestError> {
    Request::decode(&value.encoded())
}

fn check(value: Pack, expect: RequestBody) {
    assert_eq!(decode(&value).map(|request| request.body), Ok(expect), "{value:?}");
}

fn check_refused(value: Pack, service: Option<&str>, code: Code, says: &str) {
    let error = decode(&value).unwrap_err();
    assert_eq!(error.service.as_ref().map(ServiceName::as_str), service, "{value:?}: {error}");
    assert_eq!(error.code, code, "{value:?}: {error}");
    assert!(error.description.contains(says), "{value:?}: {error}");
}

fn publish_with(key: &str, value: Pack) -> Pack {
    let mut data = vec![
        (Pack::from("user"), Pack::from("ana")),
        (Pack::from("channel"), Pack::from("geral")),
        (Pack::from("message"), Pack::from("oi")),
    ];
    data.retain(|(name, _)| name.encoded() != Pack::from(key).encoded());
    data.push((key.into(), value));
    map([("service", "publish".into()), ("data", Pack::Map(data))])
}

fn history_with<const N: usize>(pairs: [(&str, Pack); N]) -> Pack {
    let mut data = vec![(Pack::from("user"), Pack::from("ana"))];
    data.extend(pairs.into_iter().map(|(key, value)| (Pack::from(key), value)));
    map([("service", "history".into()), ("data", Pack::Map(data))])
}

fn topic(name: &str) -> TopicName {
    TopicName::parse(name).unwrap()
}

fn names(names: &[&str]) -> Pack {
    Pack::Array(names.iter().map(|name| Pack::from(*name)).collect())
}

fn sync(user: Option<UserName>, topics: &[&str]) -> RequestBody {
    let topics = topics.iter().map(|name| topic(name)).collect();
    RequestBody::Sync { user, topic: SyncTopic::parse("_sync.7f").unwrap(), topics }
}

fn sync_with(topic: Pack, topics: Pack) -> Pack {
    request("sync", [("topic", topic), ("topics", topics)])
}

#[test]
fn each_service_with_no_more_than_it_needs() {
    check(request("login", [("user", "ana".into())]), login());
    check(request("users", []), RequestBody::Users);
    check(map([("service", "users".into())]), RequestBody::Users);
    check(map([("service", "channels".into()), ("data", Pack::Nil)]), RequestBody::Channels);
    check(
        request("channel", [("channel", "geral".into())]),
        RequestBody::Channel { channel: channel("geral"), id: None, user: None, private: false },
    );
    let value = [("user", "ana".into()), ("channel", "geral".into()), ("message", "oi".into())];
    check(request("publish", value), publish(None));
    let value = [("src", "ana".into()), ("dst", "bob".into()), ("message", "".into())];
    let body = RequestBody::Message {
        src: user("ana"),
        dst: user("bob"),
        message: String::new(),
        id: None,
        manner: Manner::default(),
    };
    check(request("message", value), body);
    check(history_with([]), history(HistoryOf::Received, Range::Latest, HISTORY_LIMIT_DEFAULT));
    check(sync_with("_sync.7f".into(), names(&["geral"])), sync(None, &["geral"]));
}

#[test]
fn a_search_says_what_it_looks_for_and_where() {
    let search = |pairs: Vec<(&str, Pack)>| {
        let mut data = vec![(Pack::from("user"), Pack::from("ana"))];
        data.extend(pairs.into_iter().map(|(key, value)| (Pack::from(key), value)));
        map([("service", "search".into()), ("data", Pack::Map(data))])
    };
    let plain = SearchRequest {
        user: user("ana"),
        words: "oi".to_owned(),
        from: None,
        within: None,
        after: None,
        before: None,
        limit: SEARCH_LIMIT_DEFAULT,
    };
    let words = || ("words", Pack::from("oi"));
    check(search(vec![words()]), RequestBody::Search(plain.clone()));
    let full = SearchRequest {
        from: Some(user("bob")),
        within: Some(SearchIn::Channel(channel("geral"))),
        after: Some(Timestamp::from_seconds(5)),
        before: Some(Timestamp::from_seconds(1_700_000_000)),
        limit: SEARCH_LIMIT_MAX,
        ..plain
    };
    let value = vec![
        words(),
        ("from", "bob".into()),
        ("channel", "geral".into()),
        ("after", Pack::Unsigned(5)),
        ("before", "2023-11-14T22:13:20Z".into()),
        ("limit", Pack::Unsigned(100_000)),
    ];
    check(search(value), RequestBody::Search(full));
    let refused = |pairs, code, says| check_refused(search(pairs), Some("search"), code, says);
    refused(vec![], Code::BadRequest, "`words` is missing");
    refused(
        vec![("words", "x".repeat(SEARCH_WORDS_BYTES_MAX + 1).as_str().into())],
        Code::TooLarge,
        "512 bytes",
    );
    refused(vec![words(), ("channel", "a".into()), ("with", "bob".into())], Code::BadRequest, "cannot both");
    refused(vec![words(), ("from", "_x".into())], Code::BadName, "`from`");
    refused(vec![words(), ("after", "yesterday".into())], Code::BadRequest, "`after` is a time");
    refused(vec![words(), ("limit", "all".into())], Code::BadRequest, "`limit`");
}

#[test]
fn a_channel_may_be_created_under_an_id() {
    let with = |id: Pack| request("channel", [("channel", "geral".into()), ("id", id)]);
    let expect = |id| RequestBody::Channel { channel: channel("geral"), id, user: None, private: false };
    check(with(Pack::Binary(ID.as_bytes().to_vec())), expect(Some(ID)));
    check(with(ID.to_string().as_str().into()), expect(Some(ID)));
    check(with(Pack::Nil), expect(None));
    check_refused(with(7.into()), Some("channel"), Code::BadRequest, "`id`");
}

#[test]
fn sync_asks_for_one_to_many_topics() {
    let value = request(
        "sync",
        [
            ("user", "ana".into()),
            ("topics", names(&["geral", " bob ", "geral"])),
            ("topic", Pack::Binary(b"_sync.7f".to_vec())),
        ],
    );
    check(value, sync(Some(user("ana")), &["geral", "bob", "geral"]));
    let longest = "é".repeat(NAME_BYTES_MAX / 2);
    let most = vec![longest.as_str(); SYNC_TOPICS_MAX];
    let value = sync_with("_sync.7f".into(), names(&most));
    assert!(value.encoded().len() < REQUEST_BYTES_MAX);
    check(value, sync(None, &most));
}

#[test]
fn sync_requests_that_cannot_be_taken() {
    let topic = || Pack::from("_sync.7f");
    let one = || names(&["geral"]);
    let refused = |value, code, says| check_refused(value, Some("sync"), code, says);
    refused(request("sync", [("topics", one())]), Code::BadRequest, "`topic` is missing");
    refused(request("sync", [("topic", topic())]), Code::BadRequest, "`topics`");
    for wrong in [
        "geral",
        "_sync.",
        "",
        "_heads.geral",
        " _sync.7f",
        "_sync.7f\n",
        &format!("_sync.{}", "7".repeat(59)),
    ] {
        refused(sync_with(wrong.into(), one()), Code::BadRequest, "`topic`:");
    }
    refused(sync_with(5.into(), one()), Code::BadRequest, "`topic` is not text");
    refused(sync_with(topic(), "geral".into()), Code::BadRequest, "`topics`");
    refused(sync_with(topic(), map([("geral", 1.into())])), Code::BadRequest, "`topics`");
    refused(sync_with(topic(), names(&[])), Code::BadRequest, "not 0");
    refused(sync_with(topic(), names(&vec!["a"; SYNC_TOPICS_MAX + 1])), Code::BadRequest, "not 1025");
    refused(sync_with(topic(), Pack::Array(vec![7.into()])), Code::BadRequest, "`topics` is not text");
    refused(sync_with(topic(), names(&["geral", "_x"])), Code::BadName, "`topics`");
    refused(
        request("sync", [("user", "".into()), ("topic", topic()), ("topics", one())]),
        Code::BadName,
        "`user`",
    );
}

#[test]
fn data_may_come_first_and_keys_in_any_order() {
    let data = map([("message", "oi".into()), ("channel", "geral".into()), ("user", "ana".into())]);
    check(map([("ref", Pack::Nil), ("data", data), ("service", "publish".into())]), publish(None));
}

#[test]
fn text_may_be_binary_and_names_are_trimmed() {
    let data = Pack::Map(vec![(Pack::Binary(b"user".to_vec()), Pack::Binary(b" ana\n".to_vec()))]);
    let value = Pack::Map(vec![
        (Pack::Binary(b"service".to_vec()), Pack::Binary(b"login".to_vec())),
        (Pack::Binary(b"data".to_vec()), data),
    ]);
    check(value, login());
}

#[test]
fn unknown_keys_of_any_kind_are_passed_over() {
    let deep = Pack::Array(vec![map([("user", "eve".into())]), Pack::Encoded(b"\xd5\x07ab".to_vec())]);
    let data = Pack::Map(vec![
        (Pack::Integer(7), "eve".into()),
        (Pack::Nil, Pack::Nil),
        (deep.clone(), deep.clone()),
        ("".into(), "eve".into()),
        ("User".into(), "eve".into()),
        ("user".into(), "ana".into()),
        ("users".into(), deep.clone()),
    ]);
    let value = Pack::Map(vec![
        (Pack::Boolean(true), deep),
        ("service".into(), "login".into()),
        ("data".into(), data),
        (Pack::Integer(-1), Pack::Nil),
    ]);
    check(value, login());
}

#[test]
fn the_last_of_repeated_keys_counts() {
    let data = |name: &str| map([("user", "eve".into()), ("user", name.into())]);
    let value = map([
        ("service", "users".into()),
        ("data", data("bob")),
        ("service", "login".into()),
        ("data", data("ana")),
    ]);
    check(value, login());
    let value = request("login", [("user", "ana".into()), ("user", Pack::Nil)]);
    check_refused(value, Some("login"), Code::BadRequest, "`user` is missing");
}

#[test]
fn clock_and_timestamp_stand_inside_data_or_beside_it() {
    let inside = map([("user", "ana".into()), ("clock", 5.into()), ("timestamp", 1_700_000_000.into())]);
    let bare = || map([("user", "ana".into())]);
    let useless = map([("user", "ana".into()), ("clock", "x".into()), ("timestamp", "soon".into())]);
    let beside = || [("clock", Pack::from(5)), ("timestamp", "2023-11-14T22:13:20".into())];
    let with = |data: Pack, beside: [(&str, Pack); 2]| {
        let [clock, timestamp] = beside;
        map([("service", "login".into()), clock, timestamp, ("data", data)])
    };
    let other = || [("clock", Pack::from(9)), ("timestamp", 9.into())];
    for value in [with(inside, other()), with(bare(), beside()), with(useless, beside())] {
        let request = decode(&value).unwrap();
        assert_eq!(request.clock, Some(5), "{value:?}");
        assert_eq!(request.timestamp, Some(Timestamp::from_seconds(1_700_000_000)), "{value:?}");
    }
    let request =
        decode(&with(bare(), [("clock", Pack::Unsigned(1 << 53)), ("timestamp", Pack::Nil)])).unwrap();
    assert_eq!((request.clock, request.timestamp), (None, None));
}

#[test]
fn ids_are_16_bytes_or_a_uuid() {
    let text = ID.to_string();
    let plain = text.replace('-', "");
    for id in [
        Pack::Binary(ID.as_bytes().to_vec()),
        Pack::Text(ID.as_bytes().to_vec()),
        text.as_str().into(),
        plain.as_str().into(),
        Pack::Binary(text.to_uppercase().into_bytes()),
    ] {
        check(publish_with("id", id), publish(Some(ID)));
    }
    check(publish_with("id", Pack::Nil), publish(None));
    for id in [Pack::Integer(7), "seven".into(), Pack::Binary(vec![0; 15]), Pack::Array(vec![]), "".into()] {
        check_refused(publish_with("id", id), Some("publish"), Code::BadRequest, "`id`");
    }
}

#[test]
fn any_ref_is_kept_byte_for_byte() {
    for encoded in
        [&b"\xc0"[..], b"\xcc\x05", b"\x92\xa1a\x81\x01\xc4\x01\xff", b"\xdb\0\0\0\x01x", b"\xd4\x01\x02"]
    {
        let value = map([("ref", Pack::Encoded(encoded.to_vec())), ("service", "users".into())]);
        let request = decode(&value).unwrap();
        assert_eq!(request.reference.as_ref().map(Ref::as_encoded), Some(encoded));
        let value = map([("ref", Pack::Encoded(encoded.to_vec())), ("service", "nonsense".into())]);
        let error = decode(&value).unwrap_err();
        assert_eq!(error.reference.as_ref().map(Ref::as_encoded), Some(encoded));
    }
    let value = map([("service", "users".into()), ("ref", Pack::Binary(vec![0; 255]))]);
    check_refused(value, Some("users"), Code::BadRequest, "`ref`");
}

#[test]
fn history_ranges() {
    let geral = || ("channel", Pack::from("geral"));
    let of = || HistoryOf::Channel(channel("geral"));
    let id = || Pack::Binary(ID.as_bytes().to_vec());
    let check_range = |pair: (&str, Pack), range: Range| {
        check(history_with([geral(), pair]), history(of(), range, HISTORY_LIMIT_DEFAULT));
    };
    check_range(("latest", Pack::Boolean(true)), Range::Latest);
    check_range(("latest", Pack::Boolean(false)), Range::Latest);
    check_range(("before", 7.into()), Range::Before(Place::Seq(7)));
    check_range(("before", Pack::Float(7.0)), Range::Before(Place::Seq(7)));
    check_range(("after", 0.into()), Range::After(Place::Seq(0)));
    check_range(("around", id()), Range::Around(Place::Id(ID)));
    let between = Pack::Array(vec![1.into(), id()]);
    check_range(("between", between), Range::Between(Place::Seq(1), Place::Id(ID)));
    let with = history_with([("with", "bob".into()), ("after", id()), ("before", Pack::Nil)]);
    let range = Range::After(Place::Id(ID));
    check(with, history(HistoryOf::With(user("bob")), range, HISTORY_LIMIT_DEFAULT));
}

#[test]
fn history_limits() {
    let limited = |limit: Pack| history_with([("limit", limit)]);
    let latest = |limit| history(HistoryOf::Received, Range::Latest, limit);
    check(limited(0.into()), latest(0));
    check(limited(1000.into()), latest(HISTORY_LIMIT_MAX));
    check(limited(1001.into()), latest(HISTORY_LIMIT_MAX));
    check(limited(Pack::Unsigned(u64::MAX)), latest(HISTORY_LIMIT_MAX));
    check(limited(Pack::Nil), latest(HISTORY_LIMIT_DEFAULT));
    for limit in [Pack::Integer(-1), "50".into(), Pack::Float(0.5)] {
        check_refused(limited(limit), Some("history"), Code::BadRequest, "`limit`");
    }
}

#[test]
fn history_requests_that_contradict_themselves() {
    let refused = |value, code, says| check_refused(value, Some("history"), code, says);
    refused(history_with([("channel", "a".into()), ("with", "b".into())]), Code::BadRequest, "both");
    refused(history_with([("before", 1.into()), ("after", 1.into())]), Code::BadRequest, "only one");
    refused(
        history_with([("latest", Pack::Boolean(true)), ("after", 1.into())]),
        Code::BadRequest,
        "only one",
    );
    refused(history_with([("latest", 1.into())]), Code::BadRequest, "`latest`");
    refused(history_with([("before", "now".into())]), Code::BadRequest, "`before`");
    refused(history_with([("before", Pack::Integer(-1))]), Code::BadRequest, "`before`");
    refused(history_with([("between", 1.into())]), Code::BadRequest, "`between`");
    refused(history_with([("between", Pack::Array(vec![1.into()]))]), Code::BadRequest, "`between`");
    refused(history_with([("with", "b".into()), ("after", 1.into())]), Code::BadPlace, "`id`s");
    refused(request("history", []), Code::BadRequest, "`user` is missing");
}

#[test]
fn names_are_checked_by_service() {
    let refused = |service: &str, data: [(&str, Pack); 1], says| {
        check_refused(request(service, data), Some(service), Code::BadName, says);
    };
    refused("login", [("user", "".into())], "empty");
    refused("login", [("user", " \t".into())], "empty");
    refused("login", [("user", "a\u{7}b".into())], "control");
    refused("login", [("user", "_system".into())], "`_`");
    refused("channel", [("channel", "x".repeat(65).as_str().into())], "64");
    check_refused(publish_with("user", "".into()), Some("publish"), Code::BadName, "`user`");
    check_refused(publish_with("channel", "_".into()), Some("publish"), Code::BadName, "`channel`");
}

#[test]
fn keys_of_the_wrong_kind_are_named() {
    for (value, says) in [
        (Pack::Integer(5), "`message` is not text"),
        (Pack::Map(vec![]), "`message` is not text"),
        (Pack::Nil, "`message` is missing"),
        (Pack::Text(b"\xff\xfe".to_vec()), "`message` is not UTF-8"),
    ] {
        check_refused(publish_with("message", value), Some("publish"), Code::BadRequest, says);
    }
    let value = map([("service", "login".into()), ("data", Pack::Array(vec![]))]);
    check_refused(value, Some("login"), Code::BadRequest, "`data` is not a map");
    check_refused(map([("service", "login".into())]), Some("login"), Code::BadRequest, "`user` is missing");
}

#[test]
fn what_is_too_long_is_said_to_be() {
    let longest = "x".repeat(MESSAGE_BYTES_MAX);
    assert!(decode(&publish_with("message", longest.as_str().into())).is_ok());
    let longer = longest + "x";
    check_refused(publish_with("message", longer.as_str().into()), Some("publish"), Code::TooLarge, "65536");
    let padding = Pack::Binary(vec![0; REQUEST_BYTES_MAX]);
    check_refused(publish_with("padding", padding), None, Code::TooLarge, "262144");
}

#[test]
fn an_unknown_service_is_echoed_if_it_is_short() {
    check_refused(request("logout", []), Some("logout"), Code::UnknownService, "\"logout\"");
    check_refused(request("LOGIN", []), Some("LOGIN"), Code::UnknownService, "login");
    check_refused(request("", []), Some(""), Code::UnknownService, "login");
    check_refused(request(&"x".repeat(65), []), None, Code::UnknownService, "login");
    let value = map([("service", Pack::Text(b"\xff".to_vec()))]);
    check_refused(value, None, Code::UnknownService, "login");
    check_refused(map([("service", 5.into())]), None, Code::BadRequest, "`service` is not text");
    check_refused(map([("data", map([]))]), None, Code::BadRequest, "`service` is missing");
}

#[test]
fn what_is_no_map_is_said_to_be_none() {
    for value in [Pack::Nil, Pack::Array(vec![]), "login".into(), Pack::Integer(1), Pack::Float(f64::NAN)] {
        check_refused(value, None, Code::BadRequest, "map");
    }
    check_refused(Pack::Encoded(vec![]), None, Code::BadRequest, "no MessagePack");
    check_refused(Pack::Encoded(b"\xc1".to_vec()), None, Code::BadRequest, "0xc1");
}

#[test]
fn one_frame_holds_one_request() {
    let mut twice = request("users", []).encoded();
    twice.extend(twice.clone());
    check_refused(Pack::Encoded(twice), Some("users"), Code::BadRequest, "follows");
}

#[test]
fn what_was_read_before_a_fault_serves_to_answer() {
    let mut value = map([
        ("service", "login".into()),
        ("ref", 7.into()),
        ("data", map([("user", "ana".into()), ("clock", 3.into())])),
        ("more", "x".into()),
    ])
    .encoded();
    value.pop();
    let error = Request::decode(&value).unwrap_err();
    assert_eq!(error.service, Some(ServiceName::Known(Service::Login)));
    assert_eq!(error.reference, Some(Ref::from_number(7)));
    assert_eq!(error.clock, Some(3));
    assert_eq!(error.code, Code::BadRequest);
}

#[test]
fn who_says_nothing_of_being_here_is_told_what_to_say() {
    let refused = |pairs: &[(&str, Pack)], code, says| {
        let mut data = vec![("user", Pack::from("ana")), ("state", "online".into())];
        data.extend(pairs.iter().cloned());
        let data = data.into_iter().map(|(key, value)| (Pack::from(key), value)).collect();
        check_refused(map([("service", "here".into()), ("data", Pack::Map(data))]), Some("here"), code, says);
    };
    for state in [Pack::Nil, 7.into(), "here".into(), "Online".into(), Pack::Array(vec![])] {
        refused(&[("state", state)], Code::BadRequest, "`state`");
    }
    let long = "x".repeat(DEVICE_BYTES_MAX + 1);
    for device in ["", "a\nb", &long] {
        refused(&[("device", device.into())], Code::BadRequest, "`device`");
    }
    refused(&[("device", 7.into())], Code::BadRequest, "`device`");
    refused(&[("channel", "geral".into()), ("with", "bob".into())], Code::BadRequest, "both");
    refused(&[("channel", "_x".into())], Code::BadName, "`channel`");
    refused(&[("with", "".into())], Code::BadName, "`with`");
    refused(&[("user", "_x".into())], Code::BadName, "`user`");
}
