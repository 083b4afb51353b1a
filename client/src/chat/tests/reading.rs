//! How far was read, between the devices of one user.

use recado_proto::{Code, Epoch, ReadMark, ReadOf};

use super::super::item::{Item, Place};
use super::super::{Answer, Ask, Chat, ChatConfig, Effect, ReadTo, Reads};
use super::{Scene, channel, no_company, refused, topic, user};
use crate::receiver::{Topic, Via};
use crate::session::{RequestError, SessionEvent};

fn epoch(number: u64) -> Epoch {
    Epoch::new(number).unwrap()
}

fn geral() -> Place {
    Place::Channel(channel("geral"))
}

fn mark(seq: u64) -> ReadMark {
    ReadMark { of: ReadOf::Channel(channel("geral")), seq, epoch: epoch(1) }
}

fn told(chat: &mut Chat) -> Vec<ReadMark> {
    let effects = std::iter::from_fn(|| chat.next_effect());
    let told = effects.filter_map(|effect| match effect {
        Effect::Ask(Ask::Mark(mark)) => Some(mark),
        _ => None,
    });
    told.collect()
}

type Heard = (Vec<(Place, ReadTo)>, bool);

fn heard(chat: &mut Chat) -> Vec<Heard> {
    let effects = std::iter::from_fn(|| chat.next_effect());
    let heard = effects.filter_map(|effect| match effect {
        Effect::Show(Item::Read { marks, is_all }) => Some((marks, is_all)),
        _ => None,
    });
    heard.collect()
}

#[test]
fn what_was_seen_is_told_once_one_after_the_other_and_the_last_of_each_conversation() {
    let mut chat = Scene::in_geral().chat;
    for seq in 1..=9 {
        chat.on_seen(geral(), (epoch(1), seq));
    }
    chat.on_seen(Place::Direct(user("bob")), (epoch(1), 4));
    chat.tell_marks();
    chat.tell_marks();
    assert_eq!(told(&mut chat), [mark(9)]);
    chat.on_answer(Answer::Mark(mark(9), Ok(())));
    assert_eq!(told(&mut chat), [ReadMark { of: ReadOf::With(user("bob")), seq: 4, epoch: epoch(1) }]);
    chat.on_seen(geral(), (epoch(1), 9));
    chat.on_seen(geral(), (epoch(1), 3));
    assert_eq!(chat.take_untold_marks(), [], "nothing is new");
}

#[test]
fn a_mark_without_an_answer_is_told_again_and_one_that_was_refused_is_not() {
    let mut chat = Scene::in_geral().chat;
    chat.on_seen(geral(), (epoch(1), 3));
    chat.tell_marks();
    assert_eq!(told(&mut chat), [mark(3)]);
    chat.on_answer(Answer::Mark(mark(3), Err(RequestError::Unanswered { attempts: 3 })));
    chat.tell_marks();
    assert_eq!(told(&mut chat), [mark(3)]);
    chat.on_seen(geral(), (epoch(1), 5));
    chat.on_answer(Answer::Mark(mark(3), refused(Code::Busy, "no time")));
    chat.tell_marks();
    assert_eq!(told(&mut chat), [mark(5)], "what was read since says as much");
    chat.on_answer(Answer::Mark(mark(5), refused(Code::BadPlace, "another epoch")));
    chat.tell_marks();
    assert_eq!(told(&mut chat), []);
}

#[test]
fn while_the_server_is_away_nothing_is_told_and_at_the_end_what_is_left() {
    let mut scene = Scene::in_geral();
    scene.event(SessionEvent::ServerLost { reason: "gone".to_owned() });
    scene.chat.on_seen(geral(), (epoch(1), 3));
    scene.chat.tell_marks();
    assert_eq!(told(&mut scene.chat), []);
    assert_eq!(scene.chat.take_untold_marks(), [mark(3)]);
}

#[test]
fn what_another_device_read_is_shown_and_need_not_be_told() {
    let mut scene = Scene::in_geral();
    scene.chat.on_seen(geral(), (epoch(1), 3));
    scene.event(SessionEvent::Marked { user: user("ana"), mark: mark(5) });
    assert_eq!(heard(&mut scene.chat), [(vec![(geral(), (epoch(1), 5))], false)]);
    assert_eq!(scene.chat.take_untold_marks(), []);
    scene.event(SessionEvent::Marked { user: user("ana"), mark: mark(5) });
    scene.event(SessionEvent::Marked { user: user("ana"), mark: mark(2) });
    assert_eq!(heard(&mut scene.chat), [], "a mark never goes back");
}

#[test]
fn all_marks_are_asked_for_after_each_return_and_those_of_an_old_epoch_mean_nothing() {
    let mut scene = Scene::in_geral();
    scene.event(SessionEvent::BrokerBack);
    scene.expect(&["* The broker is back.", "[marks]"]);
    scene.chat.on_seen(geral(), (epoch(2), 3));
    scene.chat.on_answer(Answer::Marks(Ok(vec![mark(900)])));
    assert_eq!(heard(&mut scene.chat), [(vec![], true)]);
    scene.chat.on_answer(Answer::Marks(Err(RequestError::Unanswered { attempts: 3 })));
    assert_eq!(heard(&mut scene.chat), [(vec![], true)], "whoever waits for them goes on");
}

#[test]
fn where_all_that_is_shown_goes_by_it_is_read_unless_it_is_own() {
    let config = ChatConfig {
        secured: false,
        company: no_company(),
        user: user("ana"),
        backlog: 20,
        patient: true,
        keeps: false,
        unattended: false,
        reads: Reads::WhatIsShown,
    };
    let mut scene = Scene { chat: Chat::new(config), ..Scene::new(true) };
    scene.chat.begin(&[channel("geral")], None, Some(channel("geral")));
    scene.event(SessionEvent::Joined { topic: topic("geral") });
    scene.skip();
    scene.hears_at("geral", "bob", 7);
    scene.hears_at("geral", "ana", 8);
    scene.hears_at("ana", "bob", 2);
    let with_bob = ReadMark { of: ReadOf::With(user("bob")), seq: 2, epoch: epoch(1) };
    assert_eq!(scene.chat.take_untold_marks(), [mark(7), with_bob]);
}

#[test]
fn who_reads_nothing_tells_and_asks_nothing() {
    let mut scene = Scene::new(false);
    let config = ChatConfig {
        secured: false,
        company: no_company(),
        user: user("ana"),
        backlog: 0,
        patient: false,
        keeps: false,
        unattended: true,
        reads: Reads::Nothing,
    };
    scene.chat = Chat::new(config);
    scene.chat.on_seen(geral(), (epoch(1), 3));
    scene.event(SessionEvent::BrokerBack);
    scene.expect(&["* The broker is back."]);
    assert_eq!(scene.chat.take_untold_marks(), []);
}

impl Scene {
    fn hears_at(&mut self, place: &str, from: &str, seq: u64) {
        let (body, topic) = match place {
            "ana" => (recado_proto::PublicationBody::Direct { from: user(from) }, Topic::Direct(user("ana"))),
            _ => (recado_proto::PublicationBody::Channel { user: user(from) }, topic(place)),
        };
        let mut publication = super::published(place, body, "text");
        publication.seq = Some(seq);
        self.event(SessionEvent::Publication { topic, publication, via: Via::Live });
    }
}
