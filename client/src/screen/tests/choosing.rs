//! Choosing a message, and what is done with it.

use recado_proto::{ActDone, ActKind, Manner, MessageId};

use super::super::log::What;
use super::super::model::{Overlay, Request};
use super::pictures::check;
use super::{NOW_MS, Screen, epoch, geral, id, message, tech};
use crate::chat::command::OnMessage;
use crate::chat::draft::Purpose;
use crate::chat::item::{ActShown, Item, Message};

/// Ana and others have said something in `geral`.
fn talk(columns: u16, rows: u16) -> Screen {
    let mut screen = Screen::of_ana(columns, rows);
    screen.said(&geral(), "bia", 1, "who has the key of the lab?");
    screen.said(&geral(), "ana", 2, "I do");
    let answer = Message {
        manner: Manner { target: Some(id(&geral(), "bia", 1)), style: None },
        ..message(&geral(), "caio", 3, "or look in the drawer")
    };
    screen.show(&Item::Message(answer));
    screen
}

fn chosen(screen: &Screen) -> Option<String> {
    match &screen.model.log().chosen_entry()?.1.what {
        What::Said { text, .. } => Some(text.clone()),
        What::Found { .. } | What::Notice(_) | What::Failure(_) => None,
    }
}

fn choose(screen: &mut Screen, back: bool) -> Option<String> {
    screen.did(|model| {
        model.log_mut().choose_next(back);
    });
    chosen(screen)
}

fn done_to(author: &str, seq: u64, what: OnMessage) -> Vec<Request> {
    vec![Request::OnMessage { place: geral(), target: id(&geral(), author, seq), what }]
}

#[test]
fn the_choice_goes_from_message_to_message_and_ends_at_the_last() {
    let mut screen = talk(80, 24);
    screen.notice(crate::chat::item::Notice::BrokerBack);
    for expect in
        ["or look in the drawer", "I do", "who has the key of the lab?", "who has the key of the lab?"]
    {
        assert_eq!(choose(&mut screen, true).as_deref(), Some(expect));
    }
    for expect in ["I do", "or look in the drawer", "or look in the drawer"] {
        assert_eq!(choose(&mut screen, false).as_deref(), Some(expect));
    }
}

#[test]
fn the_choice_stays_with_its_message_whatever_comes_before_and_after() {
    let mut screen = talk(80, 24);
    choose(&mut screen, true);
    choose(&mut screen, true);
    (4..60).for_each(|seq| screen.said(&geral(), "bia", seq, "more"));
    let earlier =
        Message { earlier: true, time_ms: NOW_MS - 9_000, ..message(&geral(), "bia", 0, "long ago") };
    screen.show(&Item::Older { of: geral(), messages: vec![earlier], before: Some(0), is_all: false });
    assert_eq!(chosen(&screen).as_deref(), Some("I do"));
    screen.did(|model| model.go(tech()));
    screen.joined("tech");
    screen.did(|model| model.go(geral()));
    assert_eq!(chosen(&screen), None, "whoever comes back begins anew");
}

#[test]
fn what_is_typed_next_answers_the_chosen_message() {
    let mut screen = talk(80, 24);
    screen.asked();
    screen.typed("half an ans");
    choose(&mut screen, true);
    screen.did(|model| model.aim(Purpose::Answer, NOW_MS));
    screen.typed("wer");
    check("answering-80x24", &screen);
    screen.said(&geral(), "davi", 4, "meanwhile");
    screen.enter();
    assert_eq!(screen.asked(), done_to("caio", 3, OnMessage::Answer("half an answer".into())));
    screen.typed("plain");
    screen.enter();
    assert_eq!(screen.asked(), [Request::Line("plain".into())]);
}

#[test]
fn an_edit_begins_with_the_text_and_what_was_typed_comes_back_afterwards() {
    let mut screen = talk(80, 24);
    screen.asked();
    screen.typed("draft");
    choose(&mut screen, true);
    screen.did(|model| model.aim(Purpose::Edit, NOW_MS));
    assert_eq!(screen.model.composer.text(), "draft", "what others said cannot be edited");
    choose(&mut screen, true);
    screen.did(|model| model.aim(Purpose::Edit, NOW_MS));
    assert_eq!(screen.model.composer.text(), "I do");
    screen.typed(", always");
    // A draft of one conversation is no edit in another.
    screen.did(|model| model.go(super::with("bia")));
    screen.typed("psst");
    screen.did(|model| model.go(geral()));
    screen.asked();
    screen.enter();
    assert_eq!(screen.asked(), done_to("ana", 2, OnMessage::Edit("I do, always".into())));
    assert_eq!(screen.model.composer.text(), "draft");
}

#[test]
fn whoever_thinks_better_of_it_has_what_was_typed_before() {
    let mut screen = talk(80, 24);
    screen.typed("draft");
    choose(&mut screen, true);
    screen.did(|model| model.aim(Purpose::React, NOW_MS));
    screen.typed("👍");
    screen.did(super::Model::take_aim_away);
    assert_eq!(screen.model.composer.text(), "draft");
}

#[test]
fn what_cannot_be_handed_on_is_typed_still_for_its_message() {
    let mut screen = talk(80, 24);
    screen.typed("draft");
    let target = id(&geral(), "ana", 2);
    screen.did(|model| model.take_back_aimed(target, OnMessage::Edit("I do!".into()), NOW_MS));
    assert_eq!(screen.model.composer.text(), "I do!");
    screen.asked();
    screen.enter();
    assert_eq!(screen.asked(), done_to("ana", 2, OnMessage::Edit("I do!".into())));
    assert_eq!(screen.model.composer.text(), "draft");
}

#[test]
fn only_ones_own_is_deleted_and_only_when_it_is_meant() {
    let mut screen = talk(80, 24);
    screen.asked();
    choose(&mut screen, true);
    screen.did(|model| model.ask_to_delete(NOW_MS));
    assert_eq!(screen.model.overlay, Overlay::None);
    choose(&mut screen, true);
    screen.did(|model| model.ask_to_delete(NOW_MS));
    check("deleting-80x24", &screen);
    assert_eq!(screen.asked(), []);
    screen.did(super::Model::delete_asked);
    assert_eq!(screen.asked(), done_to("ana", 2, OnMessage::Delete));
}

#[test]
fn a_deleted_message_is_passed_over() {
    let mut screen = talk(80, 24);
    choose(&mut screen, true);
    let (target, own_id) = (id(&geral(), "ana", 2), MessageId::from_bytes([7; 16]));
    screen.show(&Item::Act(ActShown {
        place: geral(),
        author: super::user("ana"),
        kind: ActKind::Delete,
        target: Some(target),
        text: String::new(),
        time_ms: NOW_MS,
        id: Some(own_id),
        seq: Some(9),
        epoch: Some(epoch()),
        own: true,
    }));
    assert_eq!(choose(&mut screen, true).as_deref(), Some("who has the key of the lab?"));
}

#[test]
fn one_goes_to_what_the_chosen_message_answers() {
    let mut screen = talk(80, 24);
    choose(&mut screen, true);
    screen.did(|model| {
        model.choose_answered(NOW_MS);
    });
    assert_eq!(chosen(&screen).as_deref(), Some("who has the key of the lab?"));
}

#[test]
fn an_answer_shows_what_it_answers_however_far_back_that_is() {
    let mut screen = Screen::of_ana(80, 24);
    let target = id(&geral(), "bia", 1);
    let manner = Manner { target: Some(target), style: None };
    let answer = Message { manner, earlier: true, ..message(&geral(), "caio", 2, "yes") };
    let asked = Message { earlier: true, ..message(&geral(), "bia", 1, "lunch?") };
    screen.show(&Item::Older { of: geral(), messages: vec![asked, answer], before: Some(1), is_all: false });
    screen.show(&Item::Message(Message { manner, ..message(&geral(), "davi", 3, "no") }));
    let quoted = screen.messages().iter().filter(|row| row.contains("↪ bia: lunch?")).count();
    assert_eq!(quoted, 2);
}

#[test]
fn what_is_copied_is_what_one_sees() {
    let mut screen = talk(80, 24);
    screen.said(&geral(), "bia", 4, "rm\x1b[31m -rf\u{202e}");
    screen.asked();
    choose(&mut screen, true);
    screen.did(|model| model.copy(NOW_MS));
    assert_eq!(screen.asked(), [Request::Copy("rm␛[31m -rf<U+202E>".into())]);
}

#[test]
fn the_chosen_message_stands_out_in_every_theme() {
    for (columns, rows) in [(80, 24), (200, 50)] {
        let mut screen = talk(columns, rows);
        let state = ActDone {
            kind: ActKind::React,
            user: super::user("davi"),
            message: "👍".into(),
            id: MessageId::from_bytes([8; 16]),
            seq: 5,
            time_ms: 0,
        };
        screen.model.log_mut().act(id(&geral(), "ana", 2), state);
        choose(&mut screen, true);
        choose(&mut screen, true);
        check(&format!("choosing-{columns}x{rows}"), &screen);
        let reversed = screen.reversed_rows();
        assert!(reversed.iter().any(|row| row.contains("▸ana: I do")), "{reversed:?}");
    }
}
