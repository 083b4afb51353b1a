//! Who is here, who came and went, and who is typing.

use recado_proto::{Here, Presence};

use super::pictures::{check, morning};
use super::{NOW_MS, Screen, geral, tech, user, with};
use crate::chat::item::Item;
use crate::limits;

fn here(name: &str, state: Presence) -> Here {
    Here { user: user(name), state }
}

fn changed(screen: &mut Screen, name: &str, state: Presence) {
    screen.show(&Item::Here { here: vec![here(name, state)], is_all: false });
}

/// Bia and ana are here, caio is away, davi is not here.
fn accompanied(columns: u16, rows: u16) -> Screen {
    let mut screen = morning(columns, rows);
    let all =
        vec![here("ana", Presence::Online), here("bia", Presence::Online), here("caio", Presence::Away)];
    screen.show(&Item::Here { here: all, is_all: true });
    screen
}

fn names(users: &[&recado_proto::UserName]) -> String {
    users.iter().map(|user| user.as_str()).collect::<Vec<_>>().join(" ")
}

/// Who came to the conversation where one is, and who went.
fn comings(screen: &Screen) -> (String, String) {
    let (came, went) = screen.model.comings_here();
    (names(&came), names(&went))
}

#[test]
fn who_is_here_stands_before_who_is_not() {
    check("company-200x50", &accompanied(200, 50));
}

#[test]
fn comings_and_goings_are_one_line() {
    let mut screen = accompanied(80, 24);
    changed(&mut screen, "davi", Presence::Online);
    changed(&mut screen, "bia", Presence::Offline);
    changed(&mut screen, "caio", Presence::Online);
    changed(&mut screen, "caio", Presence::Offline);
    check("comings-80x24", &screen);
}

#[test]
fn typing_is_shown_where_it_goes_until_it_is_said_or_a_while_passes() {
    let mut screen = accompanied(80, 24);
    screen.show(&Item::Typing { place: geral(), user: user("bia") });
    screen.show(&Item::Typing { place: tech(), user: user("caio") });
    check("others-typing-80x24", &screen);
    screen.said(&geral(), "bia", 7, "here it is");
    assert_eq!(names(&screen.model.typing_here()), "");
    screen.show(&Item::Typing { place: geral(), user: user("davi") });
    let until_ms = screen.model.fades_at_ms().unwrap();
    assert_eq!(until_ms, NOW_MS + i64::try_from(limits::TYPING_SHOWN.as_millis()).unwrap());
    screen.model.fade(until_ms - 1);
    assert_eq!(names(&screen.model.typing_here()), "davi");
    screen.model.fade(until_ms);
    assert_eq!(names(&screen.model.typing_here()), "");
}

#[test]
fn of_each_only_the_last_coming_or_going_counts_where_one_takes_part() {
    let mut screen = accompanied(80, 24);
    changed(&mut screen, "bia", Presence::Offline);
    assert_eq!(comings(&screen), (String::new(), "bia".to_owned()));
    changed(&mut screen, "bia", Presence::Away);
    assert_eq!(comings(&screen), ("bia".to_owned(), String::new()));
    // Who turns away has not gone, who said nothing here does not take part, and one knows that one is here.
    changed(&mut screen, "bia", Presence::Online);
    changed(&mut screen, "eva", Presence::Online);
    changed(&mut screen, "ana", Presence::Offline);
    assert_eq!(comings(&screen), ("bia".to_owned(), String::new()));
    screen.did(|model| model.go(with("bia")));
    assert_eq!(comings(&screen), ("bia".to_owned(), String::new()));
    screen.did(|model| model.go(tech()));
    assert_eq!(comings(&screen), (String::new(), String::new()));
    screen.model.fade(NOW_MS + i64::try_from(limits::COMINGS_SHOWN.as_millis()).unwrap());
    assert_eq!(screen.model.fades_at_ms(), None);
}

#[test]
fn however_many_come_and_type_so_many_are_kept() {
    let mut screen = accompanied(80, 24);
    for number in 0..limits::TYPING_SHOWN_MAX + 5 {
        let name = format!("u{number}");
        screen.said(&geral(), &name, 10 + u64::try_from(number).unwrap(), "hello");
        changed(&mut screen, &name, Presence::Online);
        screen.show(&Item::Typing { place: geral(), user: user(&name) });
    }
    let (came, _) = screen.model.comings_here();
    assert_eq!(came.len(), limits::COMINGS_SHOWN_MAX);
    assert_eq!(screen.model.typing_here().len(), limits::TYPING_SHOWN_MAX);
}

#[test]
fn a_list_of_who_is_here_replaces_what_was_known_and_tells_of_nobody() {
    let mut screen = accompanied(80, 24);
    screen.show(&Item::Here { here: vec![here("davi", Presence::Online)], is_all: true });
    assert_eq!(comings(&screen), (String::new(), String::new()));
    assert_eq!(screen.model.presence(&user("bia")), None);
    assert_eq!(screen.model.presence(&user("davi")), Some(Presence::Online));
}
