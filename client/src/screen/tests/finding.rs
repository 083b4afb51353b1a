//! Searching on the full screen, and going to what was found.

use super::super::model::{Model, Request};
use super::{NOW_MS, Screen, channel, geral, id, message, tech, two_channels, with};
use crate::chat::item::{Item, Message, Place};

/// What was asked for on entering has come: nothing more.
fn nothing_older(screen: &mut Screen, of: Place) {
    screen.show(&Item::Older { of, messages: Vec::new(), before: None, is_all: true });
}

fn found(screen: &mut Screen, number: usize, of: &Place, seq: u64, snippet: &str) {
    let message = Box::new(message(of, "bia", seq, "the whole text"));
    screen.show(&Item::Found { number, message, snippet: snippet.to_owned() });
}

fn search(screen: &mut Screen, count: usize) {
    screen.show(&Item::Search { words: "release".to_owned(), count, partial: false, behind: 0 });
}

fn jump(of: &Place, to: u64, seqs: std::ops::Range<u64>, has_later: bool) -> Item {
    let messages: Vec<Message> = seqs.map(|seq| message(of, "bia", seq, &format!("message {seq}"))).collect();
    let before = messages.first().and_then(|first| first.seq);
    Item::Jump { of: of.clone(), id: id(of, "bia", to), messages, before, has_later, count: 0 }
}

/// The messages that are seen, without their times.
fn seen(screen: &Screen) -> Vec<String> {
    screen
        .messages()
        .iter()
        .filter(|row| !row.is_empty())
        .map(|row| row.get(6..).unwrap_or_default().to_owned())
        .collect()
}

#[test]
fn what_is_found_is_listed_where_one_is() {
    let mut screen = two_channels();
    search(&mut screen, 2);
    found(&mut screen, 1, &tech(), 3, "the \u{2}release\u{3} is \u{1b}[2J out");
    found(&mut screen, 2, &with("bia"), 4, "\u{2}release\u{3} notes");
    let rows = screen.messages().join("\n");
    assert!(rows.contains("2 messages with release; /jump NUMBER goes to one"), "{rows}");
    assert!(rows.contains("  1  2026-03-14 09:26 #tech bia: the release is ␛[2J out"), "{rows}");
    assert!(rows.contains("  2  2026-03-14 09:26 bia → you: release notes"), "{rows}");
    super::pictures::check("found-80x24", &screen);
}

#[test]
fn one_goes_to_a_message_that_is_not_here_and_back_to_the_latest() {
    let mut screen = two_channels();
    nothing_older(&mut screen, tech());
    (900..1_000).for_each(|seq| screen.said(&tech(), "bia", seq, &format!("message {seq}")));
    screen.asked();
    screen.show(&jump(&tech(), 500, 450..550, true));
    assert_eq!(screen.asked(), [Request::Go(tech())]);
    assert_eq!(screen.model.current(), Some(&tech()));
    let rows = seen(&screen);
    let at = rows.iter().position(|row| row.ends_with("message 500")).unwrap_or_else(|| panic!("{rows:?}"));
    assert!(rows[at - 1].contains(" found "), "{rows:?}");
    assert!(rows.last().unwrap().ends_with("message 504"), "{rows:?}");
    screen.back(200);
    assert_eq!(
        screen.asked(),
        [Request::Older(tech(), Some(recado_proto::Place::Seq(450)))],
        "scrolling back goes on from there"
    );
    screen.did(|model| model.older_failed(&tech()));
    screen.did(Model::look_at_end);
    assert_eq!(screen.asked(), [Request::Older(tech(), None)], "the latest are fetched again");
}

#[test]
fn a_message_that_is_here_is_only_scrolled_to() {
    let mut screen = two_channels();
    nothing_older(&mut screen, geral());
    (1..200).for_each(|seq| screen.said(&geral(), "bia", seq, &format!("message {seq}")));
    screen.show(&jump(&geral(), 50, 1..100, true));
    assert_eq!(screen.asked(), []);
    let rows = seen(&screen);
    assert!(rows.last().unwrap().ends_with("message 54"), "{rows:?}");
    screen.on(1_000);
    assert!(seen(&screen).last().unwrap().ends_with("message 199"), "nothing was dropped");
}

#[test]
fn a_channel_that_one_is_not_in_is_joined_first() {
    let mut screen = two_channels();
    let lunch = Place::Channel(channel("lunch"));
    screen.show(&jump(&lunch, 5, 1..9, false));
    assert_eq!(screen.asked(), [Request::Line("/join lunch".to_owned())]);
    screen.show(&Item::Message(Message { earlier: true, ..message(&lunch, "bia", 100, "the latest") }));
    screen.joined("lunch");
    assert_eq!(screen.model.current(), Some(&lunch));
    let rows = seen(&screen);
    assert!(rows.iter().any(|row| row.ends_with("message 5")), "{rows:?}");
}

#[test]
fn a_page_that_is_on_its_way_is_waited_for() {
    let mut screen = two_channels();
    (900..1_000).for_each(|seq| screen.said(&geral(), "bia", seq, &format!("message {seq}")));
    screen.scroll_to_top();
    screen.show(&jump(&geral(), 500, 450..550, true));
    assert!(!seen(&screen).iter().any(|row| row.ends_with("message 500")));
    let messages = (850..900).map(|seq| message(&geral(), "bia", seq, &format!("message {seq}"))).collect();
    screen.show(&Item::Older { of: geral(), messages, before: Some(850), is_all: false });
    let rows = seen(&screen);
    assert!(rows.iter().any(|row| row.ends_with("message 500")), "{rows:?}");
    let log = screen.model.log();
    assert_eq!(log.len(), 100, "what was here is not beside it");
    assert_eq!(log.entry(0).map(|entry| entry.time_ms), Some(NOW_MS + 450_000));
}
