//! The rules of the full screen, without a picture.

use ratatui::layout::Position;
use recado_proto::Place as Before;

use super::super::draw::Areas;
use super::super::log::{Older, Sending, What};
use super::super::model::{Model, Request};
use super::{NOW_MS, Screen, channel, counts, epoch, geral, id, message, pending, tech, two_channels, with};
use crate::chat::item::{Attempt, Failure, FailureCode, Item, Message, Notice, Place};
use crate::chat::reason::Reason;
use crate::limits;

fn page(of: &Place, seqs: impl IntoIterator<Item = u64>) -> Item {
    let said = |seq| Message { earlier: true, ..message(of, "bia", seq, &format!("message {seq}")) };
    let messages: Vec<Message> = seqs.into_iter().map(said).collect();
    let before = messages.first().and_then(|first| first.seq);
    Item::Older { of: of.clone(), before, is_all: messages.is_empty(), messages }
}

fn how(screen: &Screen, number: u64) -> Option<Sending> {
    let log = screen.model.log();
    let entries = (0..log.len()).filter_map(|index| log.entry(index));
    let mut sendings = entries.filter_map(|entry| match &entry.what {
        What::Said { id: its, sending, .. } => {
            (*its == Some(id(&geral(), "ana", number))).then_some(*sending)
        }
        What::Found { .. } | What::Notice(_) | What::Failure(_) => None,
    });
    sendings.next()
}

#[test]
fn what_comes_elsewhere_is_counted_and_read_by_going_there() {
    let mut screen = two_channels();
    screen.said(&tech(), "bia", 1, "one");
    screen.said(&tech(), "bia", 2, "two, ana?");
    screen.said(&geral(), "bia", 1, "here");
    screen.said(&with("bia"), "bia", 1, "psst");
    assert_eq!(counts(&screen, &tech()), (2, 1));
    assert_eq!(counts(&screen, &geral()), (0, 0));
    assert_eq!(counts(&screen, &with("bia")), (1, 1), "what is said to one alone is a mention");
    screen.did(|model| model.go(tech()));
    assert_eq!(counts(&screen, &tech()), (0, 0));
    assert_eq!(
        screen.model.log().divider().and_then(|at| screen.model.log().entry(at)).map(|entry| entry.time_ms),
        Some(NOW_MS + 1_000)
    );
    assert_eq!(screen.model.unread(), 1);
}

#[test]
fn a_name_within_a_word_is_no_mention() {
    let mut screen = two_channels();
    for (seq, text, mentions) in
        [(1, "banana", 0), (2, "ANA!", 1), (3, "ana_maria ananas", 2), (4, "(ana)", 3)]
    {
        screen.said(&tech(), "bia", seq, text);
        // An underscore ends a word for people.
        assert_eq!(counts(&screen, &tech()).1, mentions, "{text}");
    }
}

#[test]
fn own_messages_of_elsewhere_are_not_unread() {
    let mut screen = two_channels();
    screen.said(&tech(), "ana", 1, "from my other terminal");
    assert_eq!(counts(&screen, &tech()), (0, 0));
}

#[test]
fn the_same_message_twice_is_counted_once() {
    let mut screen = two_channels();
    screen.said(&tech(), "bia", 1, "one");
    screen.said(&tech(), "bia", 1, "one");
    assert_eq!(counts(&screen, &tech()), (1, 0));
}

#[test]
fn activity_goes_to_mentions_first_then_to_people_then_back() {
    let mut screen = two_channels();
    screen.said(&with("caio"), "caio", 1, "hello");
    screen.did(Model::go_to_activity);
    assert_eq!(screen.model.current(), Some(&with("caio")));
    screen.did(|model| model.go(geral()));
    screen.said(&tech(), "bia", 1, "nothing much");
    screen.did(Model::go_to_activity);
    assert_eq!(screen.model.current(), Some(&tech()));
    screen.did(Model::go_to_activity);
    assert_eq!(screen.model.current(), Some(&geral()), "back to where one was");
}

#[test]
fn a_click_finds_the_conversation_whose_name_is_there() {
    let screen = two_channels();
    let areas = Areas::of(screen.area, &screen.model);
    let at = |x, y| areas.conversation_at(&screen.model, Position { x, y });
    assert_eq!((at(0, 0), at(3, 1)), (Some(geral()), Some(tech())));
    assert_eq!((at(0, 2), at(16, 0), at(79, 0), at(0, 23)), (None, None, None, None));
    let mut wide = Screen::of_ana(200, 50);
    for number in 0..60 {
        wide.joined(&format!("c{number:02}"));
    }
    let areas = Areas::of(wide.area, &wide.model);
    let at = |x, y| areas.conversation_at(&wide.model, Position { x, y });
    assert_eq!(at(0, 48).as_ref(), wide.model.current(), "the list ends with where one is");
    assert_eq!(
        (at(199, 0), at(199, 1), at(199, 2)),
        (None, None, Some(with("bia"))),
        "oneself is nobody to talk to"
    );
}

#[test]
fn the_list_is_gone_along_in_its_order_and_round() {
    let mut screen = two_channels();
    screen.said(&with("bia"), "bia", 1, "hello");
    let mut went = Vec::new();
    for _ in 0..3 {
        screen.did(|model| model.go_along(true));
        went.extend(screen.model.current().cloned());
    }
    assert_eq!(went, [tech(), with("bia"), geral()]);
    screen.did(|model| model.go_along(false));
    assert_eq!(screen.model.current(), Some(&with("bia")));
    screen.did(|model| model.go_to_number(1));
    assert_eq!(screen.model.current(), Some(&tech()));
    screen.did(|model| model.go_to_number(9));
    assert_eq!(screen.model.current(), Some(&tech()));
}

#[test]
fn each_conversation_keeps_what_is_being_typed_in_it() {
    let mut screen = two_channels();
    screen.typed("half a sen");
    screen.did(|model| model.go(tech()));
    assert_eq!(screen.model.composer.text(), "");
    screen.typed("other");
    screen.did(|model| model.go(geral()));
    assert_eq!(screen.model.composer.text(), "half a sen");
    assert_eq!(screen.model.typed_and_unsent(), ["#geral: half a sen", "#tech: other"]);
    screen.did(|model| model.go(tech()));
    screen.enter();
    assert_eq!(screen.asked().last(), Some(&Request::Line("other".into())));
    assert_eq!(screen.model.typed_and_unsent(), ["#geral: half a sen"]);
}

#[test]
fn what_is_typed_stays_when_the_conversation_goes() {
    let mut screen = two_channels();
    screen.typed("half a sen");
    screen.notice(Notice::Left { channel: channel("geral"), current: None });
    assert_eq!(screen.model.current(), None);
    assert_eq!(screen.model.typed_and_unsent(), ["half a sen"]);
}

#[test]
fn a_line_that_finds_no_room_is_typed_still() {
    let mut screen = two_channels();
    screen.typed("hello");
    screen.enter();
    screen.model.take_back("hello".into(), NOW_MS);
    assert_eq!(screen.model.composer.text(), "hello");
}

#[test]
fn a_text_of_many_lines_is_sent_when_it_is_meant() {
    let mut screen = two_channels();
    let text = ["line"; limits::LINES_WITHOUT_QUESTION_MAX + 1].join("\n");
    screen.typed(&text);
    screen.enter();
    assert_eq!(screen.asked(), []);
    screen.did(|model| model.submit(true, NOW_MS));
    assert_eq!(screen.asked(), [Request::Line(text)]);
}

#[test]
fn a_text_that_is_longer_than_a_message_may_be_is_typed_still() {
    let mut screen = two_channels();
    let text = "x".repeat(recado_proto::limits::MESSAGE_BYTES_MAX + 1);
    screen.typed(&text);
    screen.enter();
    assert_eq!(screen.asked(), []);
    assert_eq!(screen.model.composer.text(), text);
    let said = screen.messages().join("\n");
    assert!(said.contains("! a message has at most"), "{said}");
    assert!(!said.contains("1970"), "{said}");
}

#[test]
fn an_own_line_shows_how_far_it_has_come() {
    let mut screen = two_channels();
    screen.show(&Item::Message(pending(&geral(), 7, "one")));
    screen.show(&Item::Message(pending(&geral(), 8, "two")));
    assert_eq!(how(&screen, 7), Some(Sending::Pending));
    screen.show(&Item::Sent { to: geral(), id: id(&geral(), "ana", 7), seq: Some(7), epoch: Some(epoch()) });
    assert_eq!((how(&screen, 7), how(&screen, 8)), (Some(Sending::Sent), Some(Sending::Pending)));
    screen.show(&Item::Failure(Failure {
        what: Attempt::Send {
            to: Some(geral()),
            text: "two".into(),
            id: Some(id(&geral(), "ana", 8)),
            ambiguous: true,
        },
        code: FailureCode::Unanswered,
        reason: Reason::NoAnswer,
        hint: None,
    }));
    assert_eq!(how(&screen, 8), Some(Sending::Failed));
}

#[test]
fn messages_said_while_one_was_away_are_divided_from_those_before() {
    let mut screen = Screen::of_ana(80, 24);
    screen.notice(Notice::Away { channel: Some(channel("tech")), count: 2, shown: 2 });
    for seq in 4..=5 {
        screen.show(&Item::Message(Message { earlier: true, ..message(&tech(), "bia", seq, "while away") }));
    }
    screen.show(&page(&tech(), 1..=3));
    assert_eq!(counts(&screen, &tech()), (2, 0));
    screen.joined("tech");
    let log = screen.model.log();
    let divided = log.divider().and_then(|at| log.entry(at));
    assert_eq!(divided.map(|entry| entry.time_ms), Some(NOW_MS + 4_000));
}

/// The titles of what whoever does not look is told, and nothing else was asked for.
fn announced(screen: &mut Screen) -> Vec<String> {
    let title = |request| match request {
        Request::Alert(alert) => alert.title,
        other => panic!("it is no alert: {other:?}"),
    };
    screen.asked().into_iter().map(title).collect()
}

#[test]
fn what_comes_while_one_looks_elsewhere_was_not_read() {
    let mut screen = two_channels();
    screen.did(|model| model.focus(false));
    screen.said(&geral(), "bia", 1, "are you there, ana?");
    assert_eq!(counts(&screen, &geral()), (1, 1));
    assert_eq!(announced(&mut screen), ["bia in #geral"]);
    screen.did(|model| model.focus(true));
    assert_eq!(counts(&screen, &geral()), (0, 0));
    assert!(screen.model.log().divider().is_some());
}

#[test]
fn what_is_for_one_and_new_is_announced_once_when_much_comes() {
    let mut screen = two_channels();
    screen.said(&tech(), "bia", 1, "hello all");
    screen.said(&geral(), "bia", 1, "ana, here");
    assert_eq!(screen.asked(), []);
    screen.said(&tech(), "bia", 2, "ana?");
    assert_eq!(announced(&mut screen), ["bia in #tech"]);
    screen.said(&with("bia"), "bia", 1, "psst");
    assert_eq!(screen.asked(), []);
    let later = Item::Message(message(&with("bia"), "bia", 2, "psst!"));
    screen.did(|model| model.show(&later, NOW_MS + 60_000));
    assert_eq!(announced(&mut screen), ["bia"]);
    screen.show(&Item::Message(Message { earlier: true, ..message(&tech(), "bia", 3, "ana?") }));
    assert_eq!(screen.asked(), []);
}

#[test]
fn whoever_scrolls_back_gets_page_after_page_and_sees_no_jump() {
    let mut screen = Screen::new(80, 12);
    let joined = Item::Notice(Notice::Joined { channel: channel("geral"), empty: false, passing: false });
    // One comes after all that was said.
    screen.did(|model| model.show(&joined, NOW_MS + 2_000_000));
    assert_eq!(screen.asked(), [Request::Older(geral(), None)]);
    screen.show(&page(&geral(), 1_000..1_050));
    let mut oldest = 1_000;
    let mut pages = 0;
    for _ in 0..200 {
        screen.back(7);
        let before = screen.messages();
        for request in screen.asked() {
            assert_eq!(request, Request::Older(geral(), Some(Before::Seq(oldest))));
            if oldest == 1 {
                screen.show(&page(&geral(), 0..0));
                continue;
            }
            let next = oldest.saturating_sub(200).max(1);
            screen.show(&page(&geral(), next..oldest));
            oldest = next;
            pages += 1;
            assert_eq!(screen.messages(), before, "what one looks at stays");
        }
    }
    assert_eq!(pages, 5);
    assert_eq!(screen.model.log().older, Older::Nothing);
    screen.back(7);
    assert_eq!(screen.asked(), [], "there is nothing further back");
    screen.on(usize::MAX / 4);
    assert!(screen.messages().iter().any(|row| row.ends_with("bia: message 1049")));
}

#[test]
fn what_comes_while_one_is_further_back_moves_nothing() {
    let mut screen = Screen::of_ana(80, 12);
    (1..100).for_each(|seq| screen.said(&geral(), "bia", seq, &format!("message {seq}")));
    screen.back(20);
    let before = screen.messages();
    (100..150).for_each(|seq| screen.said(&geral(), "bia", seq, "more"));
    assert_eq!(screen.messages(), before);
    screen.did(Model::look_at_end);
    assert!(screen.messages().iter().all(|row| row.ends_with("more")));
}

#[test]
fn a_conversation_without_messages_asks_for_the_latest_once() {
    let mut screen = two_channels();
    screen.did(|model| model.go(with("caio")));
    let expect = [Request::Older(with("caio"), None), Request::Go(with("caio"))];
    assert_eq!(screen.asked(), expect);
    screen.show(&page(&with("caio"), 0..0));
    screen.did(|model| model.go(geral()));
    screen.did(|model| model.go(with("caio")));
    assert!(
        !screen.asked().iter().any(|request| matches!(request, Request::Older(of, _) if *of == with("caio")))
    );
}

#[test]
fn a_page_that_failed_is_asked_for_again() {
    let mut screen = two_channels();
    screen.show(&page(&geral(), 9..=9));
    let expect = Request::Older(geral(), Some(Before::Seq(9)));
    for _ in 0..2 {
        screen.back(1);
        assert_eq!(screen.asked(), std::slice::from_ref(&expect));
        screen.back(1);
        assert_eq!(screen.asked(), [], "once is enough");
        screen.show(&Item::Failure(Failure {
            what: Attempt::Older(geral()),
            code: FailureCode::Unanswered,
            reason: Reason::NoAnswer,
            hint: None,
        }));
    }
}

#[test]
fn a_place_is_followed_only_once_all_that_was_handed_on_was_taken() {
    let mut screen = two_channels();
    let handed = screen.model.handed();
    screen.did(|model| model.go(tech()));
    screen.did(|model| model.go(geral()));
    screen.did(|model| model.go(with("bia")));
    let since = screen.model.handed() - handed;
    for taken in 1..since {
        screen.ready(Some(geral()), handed + taken);
        assert_eq!(screen.model.current(), Some(&with("bia")), "old news");
    }
    screen.ready(Some(with("bia")), handed + since);
    assert_eq!(screen.model.current(), Some(&with("bia")));
    screen.typed("/leave");
    screen.enter();
    screen.ready(Some(tech()), handed + since + 1);
    assert_eq!(screen.model.current(), Some(&tech()), "the chat went elsewhere");
}

#[test]
fn a_channel_that_one_is_not_in_is_joined_by_going_there() {
    let mut screen = two_channels();
    screen.did(|model| model.go(Place::Channel(channel("lunch"))));
    assert_eq!(screen.asked(), [Request::Line("/join lunch".into())]);
    assert_eq!(screen.model.current(), Some(&geral()));
    screen.joined("lunch");
    assert_eq!(screen.model.current(), Some(&Place::Channel(channel("lunch"))));
}

#[test]
fn one_conversation_holds_so_many_messages_and_the_oldest_go() {
    let mut screen = two_channels();
    let most = limits::LOG_MESSAGES_MAX as u64;
    (1..=most + 500).for_each(|seq| screen.said(&geral(), "bia", seq, "x"));
    assert_eq!(screen.model.log().len(), limits::LOG_MESSAGES_MAX);
    assert_eq!(screen.model.log().oldest(true), Some(Before::Seq(501)));
    assert_eq!(screen.model.log().older, Older::Unknown);
}

#[test]
fn whoever_is_far_back_holds_no_more_either_and_gets_the_latest_again_at_the_end() {
    let mut screen = Screen::of_ana(80, 12);
    let most = limits::LOG_MESSAGES_MAX as u64;
    (1_000..1_000 + most).for_each(|seq| screen.said(&geral(), "bia", seq, "x"));
    screen.asked();
    screen.scroll_to_top();
    let Some(Request::Older(_, Some(Before::Seq(oldest)))) = screen.asked().pop() else {
        panic!("what is further back is asked for")
    };
    let before = screen.messages();
    screen.show(&page(&geral(), oldest - 200..oldest));
    assert_eq!(screen.messages(), before);
    (1_000 + most..1_100 + most).for_each(|seq| screen.said(&geral(), "bia", seq, "later"));
    assert!(screen.model.log().len() < limits::LOG_MESSAGES_MAX);
    assert_eq!(screen.messages(), before);
    assert_eq!(screen.asked(), []);
    screen.did(Model::look_at_end);
    assert_eq!(screen.asked(), [Request::Older(geral(), None)]);
    screen.show(&page(&geral(), 900 + most..1_100 + most));
    assert!(screen.messages().last().is_some_and(|row| row.ends_with(&format!("message {}", 1_099 + most))));
}

#[test]
fn long_messages_have_a_bound_in_all_conversations_together() {
    let mut screen = two_channels();
    let text = "x".repeat(recado_proto::limits::MESSAGE_BYTES_MAX);
    let fit = (limits::LOGS_BYTES_MAX / text.len()) as u64;
    for seq in 1..=fit {
        screen.said(&tech(), "ana", seq, &text);
        screen.said(&geral(), "ana", seq, &text);
    }
    let bytes: usize = screen.model.conversations().map(|(_, log)| log.bytes()).sum();
    assert!(bytes <= limits::LOGS_BYTES_MAX, "{bytes}");
    assert!(bytes > limits::LOGS_BYTES_MAX / 2, "{bytes}");
}
