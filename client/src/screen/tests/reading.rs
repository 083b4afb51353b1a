//! What counts as read, here and on another device of the same user.

use super::super::model::{Model, Request};
use super::{NOW_MS, Screen, channel, counts, epoch, geral, message, tech, two_channels, with};
use crate::chat::item::{Item, Message, Notice, Place};

fn read_elsewhere(screen: &mut Screen, place: &Place, seq: u64, is_all: bool) {
    screen.show(&Item::Read { marks: vec![(place.clone(), (epoch(), seq))], is_all });
}

fn alerts(screen: &mut Screen) -> Vec<String> {
    let alerts = screen.asked().into_iter().filter_map(|request| match request {
        Request::Alert(alert) => Some(alert.body),
        _ => None,
    });
    alerts.collect()
}

#[test]
fn what_another_device_reads_is_unread_no_more_and_the_rest_is_still() {
    let mut screen = two_channels();
    for seq in 1..=5 {
        screen.said(&tech(), "bia", seq, "ana: hello");
    }
    screen.said(&with("bia"), "bia", 1, "psst");
    read_elsewhere(&mut screen, &tech(), 3, false);
    assert_eq!(counts(&screen, &tech()), (2, 2));
    assert_eq!(counts(&screen, &with("bia")), (1, 1));
    read_elsewhere(&mut screen, &tech(), 5, false);
    read_elsewhere(&mut screen, &with("bia"), 1, false);
    assert_eq!(screen.model.unread(), 0);
    read_elsewhere(&mut screen, &tech(), 5, false);
    screen.said(&tech(), "bia", 6, "more");
    assert_eq!(counts(&screen, &tech()), (1, 0));
}

#[test]
fn what_was_read_elsewhere_before_it_came_is_not_counted() {
    let mut screen = two_channels();
    read_elsewhere(&mut screen, &tech(), 2, false);
    screen.said(&tech(), "bia", 1, "one");
    screen.said(&tech(), "bia", 2, "two, ana");
    screen.said(&tech(), "bia", 3, "three");
    assert_eq!(counts(&screen, &tech()), (1, 0));
}

#[test]
fn at_the_start_what_no_device_has_read_is_unread_and_divided_from_the_rest() {
    let mut screen = Screen::of_ana(80, 24);
    read_elsewhere(&mut screen, &tech(), 2, true);
    for seq in 1..=4 {
        let earlier = Message { earlier: true, ..message(&tech(), "bia", seq, "before") };
        screen.show(&Item::Message(earlier));
    }
    assert_eq!(counts(&screen, &tech()).0, 2);
    screen.joined("tech");
    assert_eq!(screen.model.unread(), 0);
    let log = screen.model.log();
    assert_eq!(log.divider().and_then(|at| log.entry(at)).map(|entry| entry.time_ms), Some(NOW_MS + 3_000));
}

#[test]
fn what_one_looks_at_is_seen_once_and_only_at_the_end() {
    let mut screen = two_channels();
    assert_eq!(screen.model.seen(), None);
    screen.said(&geral(), "bia", 1, "one");
    screen.said(&tech(), "bia", 8, "elsewhere");
    screen.said(&geral(), "ana", 2, "own");
    assert_eq!(screen.model.seen(), Some((geral(), (epoch(), 1))));
    assert_eq!(screen.model.seen(), None);
    for seq in 3..60 {
        screen.said(&geral(), "bia", seq, "more");
    }
    screen.back(10);
    assert_eq!(screen.model.seen(), None, "whoever looks back does not see what comes");
    screen.did(Model::look_at_end);
    assert_eq!(screen.model.seen(), Some((geral(), (epoch(), 59))));
    screen.did(|model| model.focus(false));
    screen.said(&geral(), "bia", 60, "behind another window");
    assert_eq!(screen.model.seen(), None);
    screen.did(|model| model.focus(true));
    assert_eq!(screen.model.seen(), Some((geral(), (epoch(), 60))));
}

#[test]
fn after_a_return_one_is_told_of_the_newest_that_was_not_read_elsewhere_and_of_nothing_else() {
    let mut screen = two_channels();
    screen.notice(Notice::BrokerLost { reason: "gone".to_owned() });
    screen.notice(Notice::BrokerBack);
    for seq in 1..=40 {
        screen.said(&tech(), "bia", seq, &format!("ana: {seq}"));
        screen.said(&with("bia"), "bia", seq, &format!("direct {seq}"));
    }
    assert_eq!(alerts(&mut screen), [""; 0], "it may all have been read");
    screen.show(&Item::Read {
        marks: vec![(tech(), (epoch(), 39)), (with("bia"), (epoch(), 40))],
        is_all: true,
    });
    assert_eq!(alerts(&mut screen), ["ana: 40"]);
    assert_eq!((counts(&screen, &tech()).0, counts(&screen, &with("bia")).0), (1, 0));
    screen.model.show(&Item::Message(message(&tech(), "bia", 41, "ana: live")), NOW_MS + 60_000);
    screen.collect();
    assert_eq!(alerts(&mut screen), ["ana: live"]);
}

#[test]
fn a_mark_of_another_epoch_says_nothing_of_what_is_here() {
    let mut screen = two_channels();
    let other = recado_proto::Epoch::new(9).unwrap();
    screen.said(&tech(), "bia", 1, "one");
    screen.show(&Item::Read { marks: vec![(tech(), (other, 900))], is_all: true });
    assert_eq!(counts(&screen, &tech()).0, 1);
    screen.said(&Place::Channel(channel("tech")), "bia", 2, "two");
    assert_eq!(counts(&screen, &tech()).0, 2);
}

#[test]
fn whoever_returns_to_several_channels_has_not_read_those_on_the_way() {
    let mut screen = Screen::of_ana(80, 24);
    screen.notice(Notice::Away { channel: Some(channel("tech")), count: 2, shown: 2 });
    for seq in 4..=5 {
        let earlier = Message { earlier: true, ..message(&tech(), "bia", seq, "ana, while away") };
        screen.show(&Item::Message(earlier));
    }
    screen.notice(Notice::Joined { channel: channel("tech"), empty: false, passing: true });
    assert_eq!(counts(&screen, &tech()), (2, 2));
    screen.joined("lunch");
    assert_eq!(counts(&screen, &tech()), (2, 2));
    assert_eq!(screen.model.current(), Some(&Place::Channel(channel("lunch"))));
}

#[test]
fn a_direct_message_that_no_device_has_read_is_unread_on_a_new_one() {
    let mut screen = Screen::of_ana(80, 24);
    read_elsewhere(&mut screen, &with("caio"), 3, true);
    for (author, seq) in [("bia", 1), ("caio", 2), ("caio", 3), ("bia", 4), ("caio", 5)] {
        let earlier = Message { earlier: true, ..message(&with(author), author, seq, "psst") };
        screen.show(&Item::Message(earlier));
    }
    assert_eq!((counts(&screen, &with("bia")).0, counts(&screen, &with("caio")).0), (2, 1));
}

#[test]
fn the_people_one_talked_with_last_are_in_the_list_from_the_start() {
    let mut screen = Screen::of_ana(80, 24);
    let count = u64::try_from(crate::limits::DIRECT_LISTED).unwrap();
    let marks = (0..=count).map(|seq| (with(&format!("user{seq}")), (epoch(), seq + 1))).collect();
    screen.show(&Item::Read { marks, is_all: true });
    let listed: Vec<&Place> = screen.model.conversations().map(|(place, _)| place).collect();
    assert_eq!(listed.len(), 1 + crate::limits::DIRECT_LISTED, "and the channel: {listed:?}");
    assert!(!listed.contains(&&with("user0")), "it is longest ago");
}

#[test]
fn what_one_looked_at_before_one_went_elsewhere_was_seen() {
    let mut screen = two_channels();
    screen.said(&geral(), "bia", 1, "one");
    screen.did(|model| model.go(tech()));
    screen.said(&tech(), "bia", 4, "two");
    assert_eq!(screen.model.seen(), Some((geral(), (epoch(), 1))));
    assert_eq!(screen.model.seen(), Some((tech(), (epoch(), 4))));
    assert_eq!(screen.model.seen(), None);
}
