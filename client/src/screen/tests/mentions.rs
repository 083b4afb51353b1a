//! What mentions one, and going there.

use super::super::model::{Overlay, Request};
use super::pictures::check;
use super::{Screen, geral, id, message, tech, with};
use crate::chat::item::{Item, Message, Place};

fn mention(place: &Place, author: &str, seq: u64) -> Message {
    Message { earlier: true, ..message(place, author, seq, &format!("ana, look at number {seq}")) }
}

/// In `geral`, with `tech` beside it, and nothing on its way.
fn screen(columns: u16, rows: u16) -> Screen {
    let mut screen = Screen::of_ana(columns, rows);
    for place in [geral(), tech()] {
        screen.joined(if place == geral() { "geral" } else { "tech" });
        screen.show(&page(&place, 900..=903));
    }
    screen.did(|model| model.go(geral()));
    screen.asked();
    screen
}

fn page(of: &Place, seqs: std::ops::RangeInclusive<u64>) -> Item {
    let before = Some(*seqs.start());
    let said = |seq| Message { earlier: true, ..message(of, "bia", seq, &format!("number {seq}")) };
    Item::Older { of: of.clone(), messages: seqs.map(said).collect(), before, is_all: false }
}

fn chosen(screen: &Screen) -> Option<recado_proto::MessageId> {
    screen.model.log().chosen_entry().and_then(|(_, entry)| entry.id())
}

#[test]
fn they_are_listed_with_the_latest_chosen() {
    for (columns, rows) in [(80, 24), (200, 50)] {
        let mut screen = screen(columns, rows);
        let direct = Message { text: "ana?".into(), ..mention(&with("caio"), "caio", 3) };
        let long = Message { text: "ana ".repeat(200), ..mention(&tech(), "davi", 4) };
        screen.show(&Item::Mentions(vec![mention(&tech(), "bia", 2), direct, long]));
        check(&format!("mentions-{columns}x{rows}"), &screen);
    }
}

#[test]
fn there_may_be_none() {
    let mut screen = screen(80, 24);
    screen.show(&Item::Mentions(vec![]));
    assert_eq!(screen.model.overlay, Overlay::None);
    assert!(screen.messages().iter().any(|row| row.starts_with("nobody has mentioned you")));
}

#[test]
fn one_goes_to_a_message_that_is_here() {
    let mut screen = screen(80, 24);
    screen.did(|model| model.jump(&mention(&tech(), "bia", 902)));
    assert_eq!(screen.model.current(), Some(&tech()));
    assert_eq!(chosen(&screen), Some(id(&tech(), "bia", 902)));
    assert!(screen.model.take_arrived().is_some());
    assert_eq!(screen.model.take_arrived(), None);
    assert_eq!(screen.asked(), [Request::Go(tech())]);
}

/// What comes of asking for a message and what is around it.
fn around(of: &Place, author: &str, seq: u64) -> Item {
    let messages = (seq - 50..seq + 50).map(|at| message(of, author, at, &format!("number {at}"))).collect();
    Item::Jump {
        of: of.clone(),
        id: id(of, author, seq),
        messages,
        before: Some(seq - 50),
        has_later: true,
        count: 0,
    }
}

#[test]
fn what_is_around_a_message_further_back_is_fetched_and_the_latest_come_again_at_the_end() {
    let mut screen = screen(80, 24);
    for (of, author) in [(geral(), "bia"), (with("caio"), "caio")] {
        screen.did(|model| model.jump(&mention(&of, author, 300)));
        assert_eq!(screen.asked(), [Request::Around(of.clone(), id(&of, author, 300))]);
        assert_ne!(screen.model.current(), Some(&with("caio")), "one goes there when it is here");
        screen.show(&around(&of, author, 300));
        screen.asked();
        assert_eq!((screen.model.current(), chosen(&screen)), (Some(&of), Some(id(&of, author, 300))));
        assert!(screen.model.take_arrived().is_some());
    }
    screen.did(super::Model::look_at_end);
    assert_eq!(screen.asked(), [Request::Older(with("caio"), None)]);
}

#[test]
fn what_was_searched_for_meanwhile_is_gone_to_and_not_chosen() {
    let mut screen = screen(80, 24);
    screen.did(|model| model.jump(&mention(&geral(), "bia", 300)));
    screen.show(&around(&geral(), "bia", 500));
    assert_eq!(chosen(&screen), None);
    screen.show(&around(&geral(), "bia", 300));
    assert_eq!(chosen(&screen), Some(id(&geral(), "bia", 300)));
}

#[test]
fn the_key_goes_from_the_latest_further_back_and_begins_anew_after_the_first() {
    let mut screen = screen(80, 24);
    let mentions =
        [mention(&tech(), "bia", 901), mention(&geral(), "bia", 900), mention(&geral(), "bia", 903)];
    for expect in [(geral(), 903), (geral(), 900), (tech(), 901), (geral(), 903)] {
        screen.did(|model| model.want_mentions(true));
        screen.show(&Item::Mentions(mentions.to_vec()));
        assert_eq!(chosen(&screen), Some(id(&expect.0, "bia", expect.1)));
    }
}
