//! Searching, and going to what was found.

use recado_proto::{
    Code, Epoch, Found, HistoryPage, MessageId, Publication, PublicationBody, SearchIn, SearchPage,
    SearchRequest, Timestamp,
};

use super::{NOW_MS, Scene, channel, published, refused, user};
use crate::chat::item::Place;
use crate::chat::{Answer, Ask, Effect};

impl Scene {
    /// What is asked of the server, and nothing is shown.
    fn asks_to_search(&mut self) -> SearchRequest {
        match self.chat.next_effect() {
            Some(Effect::Ask(Ask::Search(request))) => request,
            other => panic!("{other:?}"),
        }
    }
}

/// Message `n` of `#tech`, or of the conversation with bob.
fn message(n: u8, topic: &str) -> Publication {
    let body = match topic {
        "tech" => PublicationBody::Channel { user: user("bob") },
        "ana" => PublicationBody::Direct { from: user("bob") },
        _ => PublicationBody::Direct { from: user("ana") },
    };
    Publication {
        id: Some(MessageId::from_bytes([n; 16])),
        seq: Some(n.into()),
        time_ms: Some(NOW_MS as u64 - 100_000 + u64::from(n) * 1_000),
        ..published(topic, body, &format!("message {n}"))
    }
}

fn found(n: u8, topic: &str) -> Found {
    Found { message: message(n, topic), snippet: format!("\u{2}message\u{3} {n}") }
}

fn page(found: Vec<Found>) -> SearchPage {
    SearchPage { found, epoch: Some(Epoch::new(1).unwrap()), partial: false, behind: 0 }
}

fn history(numbers: impl Iterator<Item = u8>) -> HistoryPage {
    HistoryPage { messages: numbers.map(|n| message(n, "tech")).collect(), ..HistoryPage::default() }
}

#[test]
fn what_is_searched_for_is_asked_as_it_was_meant() {
    let mut scene = Scene::in_geral();
    scene.line("/search release \"in time\" from:@bob in:#tech before:2026-01-01T00:00:00Z after:1h");
    let request = scene.asks_to_search();
    // Nobody told of users or channels whose names begin with a mark.
    assert_eq!(request.from, Some(user("bob")));
    assert_eq!(request.within, Some(SearchIn::Channel(channel("tech"))));
    assert_eq!(request.words, "release \"in time\"");
    assert_eq!(request.before, Some(Timestamp::from_seconds(1_767_225_600)));
    assert_eq!(request.after, Some(Timestamp::from_seconds(NOW_MS / 1_000 - 3_600)));
    assert!(!scene.chat.is_settled());
    scene.chat.on_answer(Answer::Search(request, refused(Code::Busy, "64 requests wait")));
    scene.expect(&["! cannot search: 64 requests wait"]);
    assert!(scene.chat.is_settled());
    scene.line("/search from:bob");
    scene.expect(&["! /search needs WORDS [KEY:VALUE]; for example: /search release notes from:bob in:tech after:2026-01-01"]);
}

#[test]
fn what_is_found_is_numbered_and_one_goes_there_by_its_number() {
    let mut scene = Scene::in_geral();
    scene.line("/search message");
    let request = scene.asks_to_search();
    let answer = page(vec![found(9, "tech"), found(2, "ana"), found(3, "bob")]);
    scene.chat.on_answer(Answer::Search(request, Ok(answer)));
    scene.expect(&[
        "— 3 messages with message; /jump NUMBER goes to one —",
        "  1  2026-11-21 21:28 #tech bob: message 9",
        "  2  2026-11-21 21:28 bob → you: message 2",
        "  3  2026-11-21 21:28 you → bob: message 3",
    ]);
    scene.line("/jump");
    let at = |n: u8| MessageId::from_bytes([n; 16]);
    scene.expect(&[&format!("[around #tech {}]", at(9))]);
    scene.chat.on_answer(Answer::Around {
        of: Place::Channel(channel("tech")),
        id: at(9),
        result: Ok(history((1..20).filter(|n| *n != 9))),
    });
    scene.expect(&[
        "— around it in #tech —",
        "21:28 bob: message 5",
        "21:28 bob: message 6",
        "21:28 bob: message 7",
        "21:28 bob: message 8",
        "21:28 bob: message 9",
        "21:28 bob: message 10",
        "21:28 bob: message 11",
        "21:28 bob: message 12",
        "21:28 bob: message 13",
        "— end —",
    ]);
    scene.line("/jump 3");
    scene.expect(&[&format!("[around @bob {}]", at(3))]);
    assert_eq!(
        scene.chat.whereabouts().place,
        Some(Place::Channel(channel("geral"))),
        "what is said goes where it went"
    );
}

#[test]
fn a_number_that_was_not_given_leads_nowhere() {
    let mut scene = Scene::in_geral();
    scene.line("/jump 2");
    scene.expect(&[
        "! cannot search: nothing was found yet that one could go to; /search WORDS finds messages",
    ]);
    scene.line("/search x");
    let request = scene.asks_to_search();
    scene.chat.on_answer(Answer::Search(request, Ok(page(vec![found(9, "tech")]))));
    scene.skip();
    for number in [0, 2, usize::MAX] {
        scene.line(&format!("/jump {number}"));
        scene.expect(&[
            "! cannot search: what was found last has the numbers 1 to 1; /search WORDS finds messages",
        ]);
    }
}

#[test]
fn what_was_not_looked_at_is_said() {
    let mut scene = Scene::in_geral();
    let mut check = |partial, behind, expect: &str| {
        scene.line("/search x\u{1b}[2J");
        let request = scene.asks_to_search();
        let answer = SearchPage { partial, behind, ..page(Vec::new()) };
        scene.chat.on_answer(Answer::Search(request, Ok(answer)));
        scene.expect(&[expect]);
    };
    check(false, 0, "— no message with x␛[2J —");
    check(true, 0, "— no message with x␛[2J; there may be more: say who, where or when —");
    check(true, 12_000, "— no message with x␛[2J; the last 12,000 are not indexed yet —");
}

#[test]
fn what_others_wrote_cannot_mark_or_move_anything() {
    let mut scene = Scene::in_geral();
    scene.line("/search x");
    let request = scene.asks_to_search();
    let hostile =
        Found { message: message(1, "tech"), snippet: "\u{3}a\u{2}\u{2}x\u{1b}[2J\u{3}\n\u{202e}b".into() };
    scene.chat.on_answer(Answer::Search(request, Ok(page(vec![hostile]))));
    scene.expect(&[
        "— 1 message with x; /jump goes there —",
        "  1  2026-11-21 21:28 #tech bob: ax␛[2J␊<U+202E>b",
    ]);
}
