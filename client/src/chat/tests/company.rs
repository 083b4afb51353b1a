//! Who is here, and what this user does on other devices.

use std::time::{Duration, Instant};

use recado_proto::{
    ActKind, ChannelName, Code, Here, Manner, Presence, Publication, PublicationBody, TopicName,
};

use super::super::item::{Item, Place};
use super::super::{Activity, Answer, Chat, ChatConfig, Company, Effect, Says};
use super::{Scene, channel, no_company, published, refused, topic, user};
use crate::receiver::Topic;
use crate::session::SessionEvent;

/// A full screen in `#geral`.
fn scene(says: Says) -> Scene {
    let mut scene = Scene::new(true);
    let company = Company { says, says_typing: true, hears: true, ..no_company() };
    scene.chat = Chat::new(ChatConfig {
        secured: false,
        company,
        user: user("ana"),
        backlog: 20,
        patient: true,
        keeps: false,
        unattended: false,
        reads: super::Reads::WhatIsSeen,
    });
    scene
}

fn here(name: &str, state: Presence) -> Here {
    Here { user: user(name), state }
}

fn joined(says: Says) -> Scene {
    let mut scene = scene(says);
    scene.chat.begin(&[channel("geral")], None, Some(channel("geral")));
    scene.event(SessionEvent::Joined { topic: topic("geral") });
    scene.skip();
    scene
}

fn shown(scene: &mut Scene) -> Vec<Item> {
    let effects = std::iter::from_fn(|| scene.chat.next_effect());
    effects
        .filter_map(|effect| match effect {
            Effect::Show(item) => Some(item),
            Effect::Ask(_)
            | Effect::Keep { .. }
            | Effect::Unfollow(_)
            | Effect::Hear(_)
            | Effect::Ignore(_)
            | Effect::Write(_)
            | Effect::Quit => None,
        })
        .collect()
}

#[test]
fn a_screen_hears_who_is_here_who_types_and_what_other_devices_send() {
    let mut scene = scene(Says::Presence);
    scene.chat.begin_company();
    let name = |name: &str| TopicName::parse(name).unwrap();
    let heard = [
        r#"[hear Sent(UserName("ana"))]"#,
        "[hear Here]",
        &format!("[hear Typing({:?})]", name("ana")),
        "[who quiet=true]",
    ];
    scene.expect(&heard);
    scene.chat.begin(&[channel("geral")], None, Some(channel("geral")));
    scene.skip();
    scene.event(SessionEvent::Joined { topic: topic("geral") });
    let heard = format!("[hear Typing({:?})]", name("geral"));
    scene.expect(&[
        &heard,
        "* You are in #geral. Nobody has said anything here yet.",
        "[topic geral quiet=true]",
    ]);
    scene.line("/leave");
    let ignored = format!("[ignore Typing({:?})]", name("geral"));
    scene.expect(&[
        &ignored,
        "[unfollow geral]",
        "* You have left #geral and are in no channel now; /join goes to one.",
    ]);
}

#[test]
fn one_says_that_one_is_here_and_takes_leave() {
    let mut scene = joined(Says::Presence);
    let now = Instant::now();
    scene.chat.attend(&Activity::default(), now);
    scene.expect(&["[here online]"]);
    let typed = Some((Place::Direct(user("bob")), now));
    scene.chat.attend(&Activity { key_at: Some(now), typed }, now);
    scene.expect(&["[here online typing to bob]"]);
    scene.line("/away");
    scene.expect(&["* Others see that you are away; /back ends that."]);
    scene.chat.attend(&Activity::default(), now);
    scene.expect(&["[here away]"]);
    scene.line("/back");
    scene.chat.attend(&Activity::default(), now);
    scene.expect(&["* Others see that you are here.", "[here online]"]);
    assert!(scene.chat.take_leave().is_some());
    assert_eq!(scene.chat.take_leave(), None, "once");
}

#[test]
fn while_no_server_is_there_nothing_is_said_and_then_all_is_said_and_asked_anew() {
    let mut scene = joined(Says::Presence);
    let now = Instant::now();
    scene.chat.attend(&Activity::default(), now);
    scene.event(SessionEvent::ServerLost { reason: "gone".to_owned() });
    scene.skip();
    scene.chat.attend(&Activity::default(), now + Duration::from_secs(60));
    scene.expect(&[]);
    scene.event(SessionEvent::ServerBack);
    scene.chat.attend(&Activity::default(), now + Duration::from_secs(61));
    let effects: Vec<String> =
        std::iter::from_fn(|| scene.chat.next_effect()).map(|effect| format!("{effect:?}")).collect();
    assert!(effects.iter().any(|effect| effect.contains("Who")), "{effects:?}");
    assert!(effects.iter().any(|effect| effect.contains("Online")), "{effects:?}");
}

#[test]
fn whoever_is_not_to_be_seen_says_so_and_cannot_be_away() {
    let mut scene = joined(Says::Offline);
    scene.chat.attend(&Activity::default(), Instant::now());
    scene.expect(&["[here offline]"]);
    scene.line("/away");
    scene.expect(&["! it is not said whether you are here"]);
    assert_eq!(scene.chat.take_leave(), None);
}

#[test]
fn who_is_here_is_listed_when_it_is_asked_for() {
    let mut scene = joined(Says::Presence);
    scene.line("/who");
    scene.expect(&["[who quiet=false]"]);
    let all = vec![here("ana", Presence::Online), here("bob", Presence::Away), here("eva", Presence::Online)];
    scene.chat.on_answer(Answer::Who { quiet: false, result: Ok(all) });
    scene.expect(&["here: ana, eva\naway: bob"]);
    scene.line("/who");
    scene.skip();
    scene.chat.on_answer(Answer::Who { quiet: false, result: Ok(Vec::new()) });
    scene.expect(&["Nobody is here."]);
    scene.line("/who");
    scene.skip();
    scene.chat.on_answer(Answer::Who { quiet: false, result: refused(Code::UnknownService, "no") });
    assert!(matches!(shown(&mut scene)[..], [Item::Failure(_)]));
    scene.chat.on_answer(Answer::Who { quiet: true, result: refused(Code::UnknownService, "no") });
    scene.expect(&[]);
    assert!(scene.chat.is_settled());
}

#[test]
fn a_list_that_says_nothing_new_is_not_shown_again() {
    let mut scene = joined(Says::Presence);
    let all = || vec![here("bob", Presence::Away)];
    let told = |scene: &mut Scene| {
        scene.chat.on_answer(Answer::Who { quiet: true, result: Ok(all()) });
        shown(scene).len()
    };
    assert_eq!((told(&mut scene), told(&mut scene)), (1, 0));
    scene.event(SessionEvent::Here(here("bob", Presence::Online)));
    scene.skip();
    assert_eq!((told(&mut scene), told(&mut scene)), (1, 0));
}

#[test]
fn others_who_type_are_shown_where_it_will_be_said() {
    let mut scene = joined(Says::Presence);
    let mut types = |name: &str, topic: &str| {
        let topic = TopicName::parse(topic).unwrap();
        scene.event(SessionEvent::Typing { topic, user: user(name) });
        shown(&mut scene)
    };
    let geral = Place::Channel(ChannelName::parse("geral").unwrap());
    assert_eq!(types("bob", "geral"), [Item::Typing { place: geral, user: user("bob") }]);
    assert_eq!(types("bob", "ana"), [Item::Typing { place: Place::Direct(user("bob")), user: user("bob") }]);
    assert_eq!(types("ana", "geral"), []);
    assert_eq!(types("bob", "elsewhere"), []);
}

#[test]
fn what_another_device_sent_is_shown_and_what_this_one_sent_is_not_shown_twice() {
    let mut scene = joined(Says::Presence);
    let body = || PublicationBody::Direct { from: user("ana") };
    let elsewhere = published("bob", body(), "from the phone");
    let id = elsewhere.id.unwrap();
    scene.event(SessionEvent::Sent { to: user("bob"), publication: elsewhere });
    scene.expect(&["21:30 you → bob: from the phone"]);
    let act = Publication {
        kind: Some(ActKind::React),
        manner: Manner::reply_to(id),
        ..published("bob", body(), "👍")
    };
    scene.event(SessionEvent::Sent { to: user("bob"), publication: act });
    let acted = shown(&mut scene);
    assert!(
        matches!(&acted[..], [Item::Act(act)] if act.own && act.place == Place::Direct(user("bob"))),
        "{acted:?}"
    );
    scene.line("/msg bob from here");
    scene.expect(&["21:30 you → bob: from here", "[send @bob from here]"]);
    let own = *scene.sent.last().unwrap();
    let publication = Publication { id: Some(own), ..published("bob", body(), "from here") };
    scene.event(SessionEvent::Sent { to: user("bob"), publication });
    scene.expect(&[]);
    // To oneself: it comes as what one receives.
    scene.event(SessionEvent::Sent { to: user("ana"), publication: published("ana", body(), "note") });
    scene.expect(&[]);
    let received = published("ana", body(), "note");
    let via = crate::receiver::Via::Live;
    scene.event(SessionEvent::Publication { topic: Topic::Direct(user("ana")), publication: received, via });
    scene.expect(&["21:30 you → ana: note"]);
}
