//! What is typed and not sent is kept, and comes back.

use super::super::model::Request;
use super::{NOW_MS, Screen, geral, tech, with};
use crate::chat::command::OnMessage;
use crate::chat::draft::{Aim, Draft, Purpose};

/// A screen in `geral` where drafts are kept, with these from the last time.
fn keeping(drafts: &[(super::Place, &str)]) -> Screen {
    let mut screen = Screen::new(80, 24);
    let drafts = drafts.iter().map(|(place, text)| (place.clone(), Draft::plain((*text).to_owned())));
    screen.model.take_up(drafts.collect());
    screen.joined("geral");
    screen.asked();
    screen
}

fn kept(screen: &mut Screen) -> Vec<(super::Place, String)> {
    screen.did(super::Model::save_drafts);
    let requests = screen.asked().into_iter();
    let kept = requests.filter_map(|request| match request {
        Request::Draft(place, draft) => Some((place, draft.text)),
        _ => None,
    });
    kept.collect()
}

#[test]
fn what_was_typed_the_last_time_is_there_where_it_was() {
    let mut screen = keeping(&[(geral(), "half a sen"), (tech(), "to"), (with("bia"), "psst")]);
    assert_eq!(screen.model.composer.text(), "half a sen");
    screen.joined("tech");
    assert_eq!(screen.model.composer.text(), "to");
    assert!(screen.model.conversations().any(|(place, _)| *place == with("bia")), "it can be found");
    screen.did(|model| model.go(with("bia")));
    assert_eq!(screen.model.composer.text(), "psst");
    assert_eq!(kept(&mut screen), [], "nothing has changed");
}

#[test]
fn what_was_typed_before_one_was_anywhere_stands_behind_the_draft() {
    let mut screen = Screen::new(80, 24);
    screen.model.take_up(vec![(geral(), Draft::plain("half a sen".to_owned()))]);
    screen.typed("tence");
    screen.joined("geral");
    assert_eq!(screen.model.composer.text(), "half a sen\ntence");
}

#[test]
fn only_what_changed_is_kept_and_what_was_sent_no_longer() {
    let mut screen = keeping(&[(tech(), "to")]);
    screen.typed("half");
    assert_eq!(kept(&mut screen), [(geral(), "half".into())]);
    assert_eq!(kept(&mut screen), []);
    screen.enter();
    let sent = [Request::Line("half".into()), Request::Draft(geral(), Draft::default())];
    assert_eq!(screen.asked(), sent, "it goes with the line, so that it does not come again");
    screen.typed(" ");
    assert_eq!(kept(&mut screen), []);
}

#[test]
fn what_could_not_be_handed_on_is_kept_the_next_time() {
    let mut screen = keeping(&[(geral(), "half")]);
    screen.did(|model| model.composer.clear());
    for _ in 0..2 {
        assert_eq!(kept(&mut screen), [(geral(), String::new())]);
        screen.did(|model| model.draft_not_taken(&geral()));
    }
}

#[test]
fn without_a_place_to_keep_it_nothing_is_handed_on() {
    let mut screen = Screen::of_ana(80, 24);
    screen.typed("half");
    assert_eq!(kept(&mut screen), []);
}

#[test]
fn an_edit_stays_one_and_an_emoji_makes_room_again() {
    let target = super::id(&geral(), "ana", 1);
    let aim = |purpose| Aim { purpose, target, author: None, before: "before".into() };
    let mut screen = Screen::new(80, 24);
    let edit = Draft { text: "better".into(), aim: Some(aim(Purpose::Edit)) };
    screen.model.take_up(vec![(geral(), edit)]);
    screen.joined("geral");
    screen.asked();
    screen.did(|model| model.submit(false, NOW_MS));
    let what = OnMessage::Edit("better".into());
    let kept_now = Request::Draft(geral(), Draft::plain("before".into()));
    assert_eq!(screen.asked(), [Request::OnMessage { place: geral(), target, what }, kept_now]);
    screen.model.aim = Some(aim(Purpose::React));
    screen.model.composer.exchange(":ta".into());
    assert_eq!(kept(&mut screen), [], "what is kept is what comes back");
}
