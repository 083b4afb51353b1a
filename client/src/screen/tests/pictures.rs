//! Pictures of the whole screen.

use std::path::Path;
use std::{env, fs};

use ratatui::style::Color;
use recado_proto::{ActDone, ActKind, Code, Members, MessageId};
use recado_zmtp::curve::PublicKey;

use super::super::model::{Model, Overlay};
use super::{NOW_MS, Screen, channel, geral, message, pending, tech, user, with};
use crate::chat::command::CommandSpec;
use crate::chat::item::{Attempt, Failure, FailureCode, Item, Message, Notice};
use crate::chat::reason::{Hint, Reason};
use crate::keys::Distrust;
use crate::session::RequestError;
use crate::view::wording::Language;

pub(super) fn check(name: &str, screen: &Screen) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/screen/snapshots").join(format!("{name}.txt"));
    let picture = screen.picture();
    if env::var("RECADO_ACCEPT").is_ok_and(|accept| accept == "1") {
        return fs::write(&path, picture).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        picture == expected,
        "{name} is not what {} says; if it is what it should be, RECADO_ACCEPT=1 writes it:\n{picture}",
        path.display()
    );
}

/// A morning with what people say and what happens.
pub(super) fn morning(columns: u16, rows: u16) -> Screen {
    let mut screen = Screen::of_ana(columns, rows);
    let yesterday = Message {
        time_ms: NOW_MS - 86_400_000,
        earlier: true,
        ..message(&geral(), "bia", 1, "see you tomorrow")
    };
    screen.show(&Item::Message(yesterday));
    screen.said(&geral(), "caio", 2, "morning! coffee is on");
    screen.said(&geral(), "bia", 3, "the nightly build is green again, after the fix in `receiver/page.rs`; so we can cut the release today, when the list of what is open is done");
    screen.joined("tech");
    screen.did(|model| model.go(geral()));
    screen.said(&tech(), "davi", 1, "anybody seen `connection reset`?");
    screen.said(&tech(), "caio", 2, "yes, ana knows it");
    screen.said(&with("bia"), "bia", 1, "lunch at one?");
    screen.said(&geral(), "davi", 4, "two lines:\nthis is the second");
    screen.said(&geral(), "caio", 5, "日本語の文章 and 👍 and e\u{301}");
    screen.show(&Item::Message(pending(&geral(), 6, "on its way")));
    screen
}

#[test]
fn a_morning_on_a_terminal_of_80_by_24() {
    check("morning-80x24", &morning(80, 24));
}

#[test]
fn a_morning_on_a_large_terminal() {
    check("morning-200x50", &morning(200, 50));
}

#[test]
fn a_narrow_window_has_no_list() {
    check("morning-50x12", &morning(50, 12));
}

#[test]
fn a_tiny_window_has_messages_and_the_line() {
    check("morning-30x6", &morning(30, 6));
    for (columns, rows) in [(1, 1), (2, 3), (10, 2), (3, 40), (300, 1)] {
        let screen = morning(columns, rows);
        assert_eq!(screen.picture().lines().count(), usize::from(rows) + 1);
    }
}

#[test]
fn a_text_of_several_lines_is_typed_below() {
    let mut screen = morning(80, 24);
    screen.typed(
        "dear all,\nthis is a text of several lines, one of which is longer than the window is wide\nana",
    );
    check("typing-80x24", &screen);
    screen.typed(&"\nmore".repeat(20));
    screen.enter();
    check("question-80x24", &screen);
}

#[test]
fn keys_lie_over_the_messages() {
    let mut screen = morning(80, 24);
    screen.model.overlay = Overlay::Keys { first: 0 };
    check("keys-80x24", &screen);
}

/// The morning of somebody whose locale is Brazil's.
fn manha() -> Screen {
    let mut screen = Screen::of_ana_in(Language::Portuguese, 80, 24);
    let yesterday =
        Message {
            time_ms: NOW_MS - 86_400_000, earlier: true, ..message(&geral(), "bia", 1, "até amanhã")
        };
    screen.show(&Item::Message(yesterday));
    screen.said(&geral(), "caio", 2, "bom dia! o café está pronto");
    screen.said(&with("bia"), "bia", 1, "almoço à uma?");
    screen.show(&Item::Message(Message {
        edited: true,
        acts: vec![ActDone {
            kind: ActKind::Edit,
            user: user("caio"),
            message: "a compilação passou".into(),
            id: MessageId::from_bytes([9; 16]),
            seq: 5,
            time_ms: NOW_MS as u64,
        }],
        ..message(&geral(), "caio", 3, "a compilação")
    }));
    screen.show(&Item::Message(pending(&geral(), 6, "já vou")));
    screen
}

#[test]
fn a_morning_in_portuguese() {
    let mut screen = manha();
    check("manha-80x24", &screen);
    screen.model.overlay = Overlay::Keys { first: 0 };
    check("teclas-80x24", &screen);
    screen.model.overlay = Overlay::Keys { first: 99 };
    check("teclas-fim-80x24", &screen);
}

#[test]
fn the_help_and_what_fails_in_portuguese() {
    let mut screen = manha();
    screen.show(&Item::Help(None));
    check("ajuda-80x24", &screen);
    screen.notice(Notice::ServerLost { reason: "connection refused".into() });
    screen.show(&Item::Failure(Failure {
        what: Attempt::Send {
            to: Some(geral()),
            text: "já vou".into(),
            id: pending(&geral(), 6, "").id,
            ambiguous: false,
        },
        code: FailureCode::Server(Code::NoSuchChannel),
        reason: Reason::Request(RequestError::Refused {
            code: Code::NoSuchChannel,
            description: "there is no such channel".into(),
        }),
        hint: Some(Hint::Create(channel("geral"))),
    }));
    screen.show(&Item::Help(CommandSpec::find("msg")));
    check("falha-80x24", &screen);
}

#[test]
fn the_switcher_lies_over_the_messages() {
    let mut screen = morning(80, 24);
    screen.model.overlay = Overlay::Switcher { query: "l".into(), chosen: 0 };
    check("switcher-80x24", &screen);
}

#[test]
fn whoever_comes_back_finds_where_what_is_new_begins() {
    let mut screen = morning(80, 24);
    screen.did(|model| model.go(tech()));
    check("unread-80x24", &screen);
}

#[test]
fn candidates_stand_above_the_line() {
    let mut screen = morning(80, 24);
    screen.typed("/jo");
    screen.did(|model| model.complete(true));
    screen.typed("#");
    screen.did(|model| model.complete(true));
    check("completing-80x24", &screen);
}

#[test]
fn what_failed_and_who_is_away_is_seen() {
    let mut screen = morning(80, 24);
    screen.notice(Notice::ServerLost { reason: "nobody answers".into() });
    screen.notice(Notice::BrokerLost { reason: "the connection was lost".into() });
    screen.show(&Item::Failure(Failure {
        what: Attempt::Send {
            to: Some(geral()),
            text: "on its way".into(),
            id: pending(&geral(), 6, "").id,
            ambiguous: false,
        },
        code: FailureCode::Server(Code::NoSuchChannel),
        reason: Reason::Request(RequestError::Refused {
            code: Code::NoSuchChannel,
            description: "there is no such channel".into(),
        }),
        hint: None,
    }));
    check("failed-80x24", &screen);
}

#[test]
fn a_private_channel_and_a_server_that_is_another_one_are_seen() {
    let mut screen = morning(80, 24);
    for (name, private) in [("geral", true), ("tech", false)] {
        let members = Members { members: vec![user("ana")], private, owner: None };
        screen.show(&Item::Members { channel: channel(name), members, asked: false });
    }
    let keys = |number| PublicKey::from_bytes([number; 32]);
    let (known, found) = (keys(1), keys(2));
    let endpoint = "tcp://127.0.0.1:5555".parse().unwrap();
    screen.notice(Notice::ServerLost { reason: "the connection was lost".into() });
    screen.notice(Notice::Distrusted(Box::new(Distrust::Changed { endpoint, known, found })));
    check("private-distrusted-80x24", &screen);
    screen.notice(Notice::ServerBack { kept: 0 });
    assert!(!screen.model.distrusted);
    screen.notice(Notice::NotAdmitted);
    check("private-not-admitted-80x24", &screen);
}

#[test]
fn the_name_is_asked_for_on_the_screen() {
    let mut screen = Screen::new(80, 24);
    screen.model.announce("a name cannot begin with `_`, which is kept for the system".into(), true, NOW_MS);
    screen.model.ask("Your name [maria]: ".into());
    screen.typed("ana");
    check("name-80x24", &screen);
}

#[test]
fn what_is_further_back_is_said_to_be() {
    let mut screen = morning(80, 24);
    (10..60).for_each(|seq| screen.said(&geral(), "bia", seq, &format!("message {seq}")));
    screen.back(20);
    check("back-80x24", &screen);
}

/// What others send, and what must be seen of it.
const HOSTILE: &[(&str, &str)] = &[
    ("\x1b[31mred\x1b[0m", "␛[31mred␛[0m"),
    ("\x1b]2;title\x07", "␛]2;title␇"),
    ("\u{9b}2J", "<U+009B>2J"),
    ("a\u{202e}b\u{2066}c", "a<U+202E>b<U+2066>c"),
    ("zero\u{200b}width", "zero<U+200B>width"),
    ("\r\x08\x7f\0", "␍␈␡␀"),
    ("tab\there", "tab    here"),
    ("tag\u{e0041}", "tag<U+E0041>"),
];

#[test]
fn what_others_send_only_ever_shows() {
    for (text, shown) in HOSTILE {
        let mut screen = Screen::of_ana(80, 24);
        screen.said(&geral(), "bia", 1, text);
        screen.said(&with("caio"), "caio", 1, text);
        let (buffer, _) = screen.buffer();
        let harmless =
            |symbol: &str| !symbol.chars().any(|c| c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c));
        assert!(buffer.content().iter().all(|cell| harmless(cell.symbol())), "{text:?}");
        let last = screen.messages().pop().unwrap_or_default();
        assert!(last.ends_with(&format!("bia: {shown}")), "{last:?}");
    }
}

#[test]
fn nothing_is_cut_off_at_the_right_edge() {
    let text = "☺\u{fe0f}👩\u{200d}👩\u{200d}👧日e\u{301}x ".repeat(40);
    let wanted = text.replace(' ', "");
    for columns in [40, 50, 61, 80, 133] {
        let mut screen = Screen::of_ana(columns, 50);
        screen.said(&geral(), "bia", 1, &text);
        let rows = screen.messages();
        let begin = rows.iter().position(|row| row.contains("bia: ")).unwrap();
        let shown: String = rows[begin..].iter().map(|row| row.replace([' ', '\n'], "")).collect();
        assert!(shown.ends_with(&wanted), "{columns}:\n{}", rows.join("\n"));
    }
}

#[test]
fn without_colours_there_are_none_anywhere() {
    for mut screen in [morning(200, 50), morning(80, 24)] {
        screen.notice(Notice::ServerLost { reason: "nobody answers".into() });
        let overlays = [
            Overlay::None,
            Overlay::Keys { first: 0 },
            Overlay::Switcher { query: String::new(), chosen: 0 },
            Overlay::Question { lines: 12 },
        ];
        for overlay in overlays {
            screen.model.overlay = overlay;
            let (buffer, _) = screen.buffer();
            assert!(buffer.content().iter().all(|cell| cell.fg == Color::Reset && cell.bg == Color::Reset));
        }
    }
}

#[test]
fn a_list_that_is_higher_than_the_window_shows_where_one_is() {
    let mut screen = Screen::of_ana(80, 10);
    for number in 10..60 {
        screen.joined(&format!("channel-{number}"));
    }
    let rows = screen.picture();
    assert!(rows.lines().any(|row| row.starts_with("#channel-59")), "{rows}");
    screen.did(|model: &mut Model| model.go(crate::chat::item::Place::Channel(channel("channel-20"))));
    let rows = screen.picture();
    assert!(rows.lines().any(|row| row.starts_with("#channel-20")), "{rows}");
    assert_eq!(screen.model.user, Some(user("ana")));
}
