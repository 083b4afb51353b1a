use jiff::civil::date;
use jiff::tz::TimeZone;
use recado_proto::{ChannelName, Code, Epoch, Manner, MessageId, UserName};

use crate::chat::command::CommandSpec;
use crate::chat::item::{Attempt, Failure, FailureCode, Item, Message, Notice, Place};

use crate::chat::reason::{Hint, Reason};
use crate::session::RequestError;

use super::colour::Palette;
use super::json;
use super::plain::{PlainView, Stream};
use super::wording::Language;

fn user(name: &str) -> UserName {
    UserName::parse(name).unwrap()
}

fn channel(name: &str) -> ChannelName {
    ChannelName::parse(name).unwrap()
}

fn said(place: Place, author: &str, text: &str) -> Item {
    Item::Message(Message {
        place,
        author: user(author),
        text: text.to_owned(),
        time_ms: 1_795_296_600_007,
        id: Some(MessageId::from_bytes([0xab; 16])),
        seq: Some(3),
        epoch: Some(Epoch::new(9).unwrap()),
        earlier: false,
        own: author == "ana",
        current: true,
        manner: Manner::default(),
        quoted: None,
        edited: false,
        acts: Vec::new(),
    })
}

fn in_geral(author: &str, text: &str) -> Item {
    said(Place::Channel(channel("geral")), author, text)
}

fn not_sent() -> Item {
    Item::Failure(Failure {
        what: Attempt::Send {
            to: Some(Place::Direct(user("bob"))),
            text: "hi\x1b".to_owned(),
            id: None,
            ambiguous: true,
        },
        code: FailureCode::Server(Code::NoSuchUser),
        reason: Reason::Request(RequestError::Refused {
            code: Code::NoSuchUser,
            description: "there is no user bob.".to_owned(),
        }),
        hint: Some(Hint::ListUsers),
    })
}

fn piped(item: &Item) -> Option<(Stream, String)> {
    let now = date(2026, 11, 21).at(21, 31, 0, 0).to_zoned(TimeZone::UTC).unwrap();
    PlainView::for_pipe(Palette::Plain, Language::English, &now).render(item)
}

fn check_piped(item: &Item, stream: Stream, expect: &str) {
    assert_eq!(piped(item), Some((stream, expect.to_owned())));
}

fn check_json(item: &Item, expect: &str) {
    assert_eq!(json::render(item, &user("ana")), expect);
}

#[test]
fn a_pipe_gets_one_line_for_each_message_with_date_and_channel() {
    check_piped(&in_geral("bob", "one\ntwo\x07"), Stream::Output, "2026-11-21 21:30 #geral bob: one␊two␇");
    let direct = said(Place::Direct(user("bob")), "bob", "hi");
    check_piped(&direct, Stream::Output, "2026-11-21 21:30 bob → you: hi");
    check_piped(&Item::Users(vec![user("ana"), user("José da Silva")]), Stream::Output, "ana\nJosé da Silva");
    let channels =
        Item::Channels { channels: vec![channel("geral"), channel("tech")], joined: vec![], current: None };
    check_piped(&channels, Stream::Output, "geral\ntech");
}

#[test]
fn a_pipe_gets_no_headings_and_what_is_said_besides_goes_elsewhere() {
    let joined = Item::Notice(Notice::Joined { channel: channel("geral"), empty: false, passing: false });
    for silent in [Item::HistoryEnd, Item::Backlog { channel: None }, joined] {
        assert_eq!(piped(&silent), None);
    }
    check_piped(&Item::Notice(Notice::BrokerBack), Stream::Aside, "* The broker is back.");
    check_piped(
        &not_sent(),
        Stream::Aside,
        "! perhaps not sent to bob: there is no user bob; /users lists everybody\n  > hi␛",
    );
}

#[test]
fn times_are_those_of_the_users_zone_and_a_new_day_is_said() {
    let recife = TimeZone::fixed(jiff::tz::offset(-3));
    let now = date(2026, 11, 21).at(23, 0, 0, 0).to_zoned(recife).unwrap();
    let mut view = PlainView::for_terminal(Palette::Plain, Language::English, &now);
    let mut render = |time_ms| {
        let Item::Message(message) = in_geral("bob", "hi") else { panic!("a message") };
        view.render(&Item::Message(Message { time_ms, ..message })).map(|(_, lines)| lines).unwrap()
    };
    assert_eq!(render(1_795_296_600_000), "18:30 bob: hi");
    assert_eq!(render(1_795_316_400_000), "— Sunday, 22 November 2026 —\n00:00 bob: hi");
    assert_eq!(render(1_795_316_460_000), "00:01 bob: hi");
    assert_eq!(render(i64::MAX), "— Wednesday, 31 December 1969 —\n21:00 bob: hi");
}

#[test]
fn colours_stand_around_names_and_nowhere_else() {
    let now = date(2026, 11, 21).at(21, 31, 0, 0).to_zoned(TimeZone::UTC).unwrap();
    let mut view = PlainView::for_terminal(Palette::Basic, Language::English, &now);
    let mut check = |item: &Item, expect: &str| assert_eq!(view.render(item).unwrap().1, expect);
    check(&in_geral("bob", "hi"), "\x1b[2m21:30\x1b[0m \x1b[35mbob\x1b[0m: hi");
    check(&in_geral("ana", "hi"), "\x1b[2m21:30\x1b[0m \x1b[1mana\x1b[0m: hi");
    check(
        &said(Place::Direct(user("bob")), "bob", "hi"),
        "\x1b[2m21:30\x1b[0m \x1b[1;35mbob → you\x1b[0m: hi",
    );
    check(&Item::Notice(Notice::BrokerBack), "\x1b[2m* The broker is back.\x1b[0m");
}

#[test]
fn the_help_lists_every_command_and_explains_each() {
    let (stream, help) = piped(&Item::Help(None)).unwrap();
    assert_eq!(stream, Stream::Output);
    for line in [
        "  /join CHANNEL                         go to a channel; you stay in the others",
        "  /msg USER TEXT                        tell one person; a name with spaces in quotes",
        "  /history [NUMBER] [CHANNEL or @USER]  show earlier messages",
    ] {
        assert!(help.lines().any(|shown| shown == line), "{help}");
    }
    assert!(help.lines().all(|line| line.len() < 120), "{help}");
    check_piped(
        &Item::Help(CommandSpec::find("msg")),
        Stream::Output,
        "/msg USER TEXT: tell one person; a name with spaces in quotes\n  also: /dm\n  \
         for example: /msg bob see you at noon",
    );
}

#[test]
fn json_objects_have_stable_keys() {
    check_json(
        &in_geral("bob", "hi\n\u{1b}"),
        r#"{"channel":"geral","earlier":false,"epoch":9,"event":"message","id":"abababab-abab-abab-abab-abababababab","own":false,"seq":3,"text":"hi\n\u001b","time":"2026-11-21T21:30:00.007Z","user":"bob"}"#,
    );
    check_json(
        &said(Place::Direct(user("bob")), "bob", "hi"),
        r#"{"earlier":false,"epoch":9,"event":"direct","from":"bob","id":"abababab-abab-abab-abab-abababababab","own":false,"seq":3,"text":"hi","time":"2026-11-21T21:30:00.007Z","to":"ana"}"#,
    );
    check_json(
        &Item::Sent {
            to: Place::Direct(user("bob")),
            id: MessageId::from_bytes([1; 16]),
            seq: Some(4),
            epoch: None,
        },
        r#"{"event":"sent","id":"01010101-0101-0101-0101-010101010101","seq":4,"to":"bob"}"#,
    );
    check_json(
        &not_sent(),
        r#"{"ambiguous":true,"code":"no_such_user","event":"failed","hint":"/users lists everybody","reason":"there is no user bob.","text":"hi\u001b","to":"bob","what":"send"}"#,
    );
    check_json(
        &Item::Notice(Notice::Missing { place: Place::Channel(channel("geral")), first: 3, last: 9 }),
        r#"{"channel":"geral","event":"missing","first":3,"last":9}"#,
    );
    check_json(&Item::Users(vec![user("ana")]), r#"{"event":"users","users":["ana"]}"#);
}

#[test]
fn json_holds_nothing_that_a_terminal_obeys_and_reads_back_the_same() {
    let text = "\u{9b}2J\u{7f}\u{202e}\u{200f}\u{2028}é你👩\u{200d}👧";
    let line = json::render(&in_geral("bob", text), &user("ana"));
    assert!(
        !line
            .chars()
            .any(|character| matches!(character, '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{202e}'))
    );
    let read: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(read["text"], text);
}
