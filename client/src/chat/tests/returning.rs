//! What is kept from one run to the next, and what is shown on return.

use recado_proto::{Epoch, HistoryPage, Manner, MessageId, Publication, PublicationBody, ReadMark, ReadOf};

use crate::kept::{Kept, Record, Unsent};
use crate::receiver::{Topic, Via};
use crate::session::{RequestError, SendOutcome, SessionEvent};

use super::super::{Answer, Ask, Chat, ChatConfig, Effect, Reads, item::Place};
use super::{Scene, channel, no_company, published, topic, user};

/// On a terminal where things are kept, with what was kept from the last time.
fn returning(records: &[Record]) -> Scene {
    let mut kept = Kept::default();
    records.iter().for_each(|record| kept.apply(record.clone()));
    let mut scene = Scene::new(true);
    let config = ChatConfig {
        secured: false,
        company: no_company(),
        user: user("ana"),
        backlog: 20,
        patient: true,
        keeps: true,
        unattended: false,
        reads: Reads::WhatIsSeen,
    };
    scene.chat = Chat::new(config);
    scene.chat.take_up(kept);
    scene
}

fn shown_up_to(name: &str, seq: u64) -> Record {
    Record::Shown { topic: topic(name), epoch: Epoch::new(1).unwrap(), seq }
}

fn stands_at(seq: u64) -> Result<HistoryPage, RequestError> {
    let epoch = Some(Epoch::new(1).unwrap());
    Ok(HistoryPage { messages: vec![], first_seq: Some(1), last_seq: Some(seq), epoch, topic: None })
}

fn record_of(effect: Effect) -> Option<(Record, bool)> {
    match effect {
        Effect::Keep { record, durable } => Some((record, durable)),
        Effect::Show(_)
        | Effect::Ask(_)
        | Effect::Unfollow(_)
        | Effect::Hear(_)
        | Effect::Ignore(_)
        | Effect::Write(_)
        | Effect::Quit => None,
    }
}

#[test]
fn channels_are_joined_again_one_after_the_other_with_what_was_said_since() {
    let mut scene = returning(&[
        Record::Joined(channel("geral")),
        shown_up_to("geral", 5),
        Record::Joined(channel("gone")),
        Record::Joined(channel("tech")),
        shown_up_to("tech", 10),
    ]);
    scene.chat.begin(&[channel("geral"), channel("tech")], None, Some(channel("geral")));
    let welcome = scene.chat.next_effect();
    assert!(matches!(welcome, Some(Effect::Show(_))), "{welcome:?}");
    scene.expect(&["[look geral]"]);
    scene.chat.on_answer(Answer::Look(channel("geral"), stands_at(5)));
    scene.expect(&["[join geral After { epoch: Epoch(1), seq: 5 }]"]);
    scene.event(SessionEvent::Joined { topic: topic("geral") });
    scene.expect(&[
        "[keep Joined(ChannelName(\"geral\")) false]",
        "* You are in #geral.",
        "[topic geral quiet=true]",
        "[look tech]",
    ]);
    scene.chat.on_answer(Answer::Look(channel("tech"), stands_at(1_250)));
    scene.expect(&[
        "* 1,240 messages in #tech since you left, showing the last 200; /history shows more.",
        "[join tech After { epoch: Epoch(1), seq: 1050 }]",
    ]);
    assert!(!scene.chat.is_settled());
    scene.event(SessionEvent::Joined { topic: topic("tech") });
    assert_eq!(scene.chat.whereabouts().place, Some(Place::Channel(channel("tech"))));
    assert!(scene.chat.is_settled());
}

#[test]
fn another_epoch_is_left_to_the_receiver_and_a_server_without_places_shows_the_latest() {
    for (page, expect) in [
        (
            HistoryPage { epoch: Some(Epoch::new(2).unwrap()), ..stands_at(3).unwrap() },
            "[join geral After { epoch: Epoch(1), seq: 5 }]",
        ),
        (HistoryPage::default(), "[join geral 20]"),
    ] {
        let mut scene = returning(&[Record::Joined(channel("geral")), shown_up_to("geral", 5)]);
        scene.chat.begin(&[channel("geral")], None, None);
        scene.skip();
        scene.chat.on_answer(Answer::Look(channel("geral"), Ok(page)));
        scene.expect(&[expect]);
    }
}

#[test]
fn a_channel_that_cannot_be_joined_again_does_not_hold_up_the_next() {
    let mut scene = returning(&[Record::Joined(channel("geral")), Record::Joined(channel("tech"))]);
    scene.chat.begin(&[channel("geral"), channel("tech")], None, None);
    scene.skip();
    scene.chat.on_answer(Answer::Look(channel("geral"), Err(RequestError::Busy)));
    scene.chat.on_answer(Answer::Join(channel("geral"), Err(RequestError::Busy)));
    scene.expect(&[
        "[join geral 20]",
        "! cannot join #geral: too many requests are under way",
        "[look tech]",
    ]);
}

#[test]
fn what_was_kept_is_sent_first_and_under_its_own_number() {
    let unsent = |number: u8| Unsent {
        id: MessageId::from_bytes([number; 16]),
        to: Place::Channel(channel("geral")),
        text: format!("kept {number}"),
        manner: Manner::default(),
    };
    let mut scene = returning(&[Record::Unsent(unsent(1)), Record::Unsent(unsent(2))]);
    scene.chat.begin(&[channel("geral")], None, None);
    scene.line("/msg bob new");
    let sent: Vec<Effect> = std::iter::from_fn(|| scene.chat.next_effect()).collect();
    let asked: Vec<&Ask> = sent
        .iter()
        .filter_map(|effect| match effect {
            Effect::Ask(ask) => Some(ask),
            Effect::Show(_)
            | Effect::Keep { .. }
            | Effect::Unfollow(_)
            | Effect::Hear(_)
            | Effect::Ignore(_)
            | Effect::Write(_)
            | Effect::Quit => None,
        })
        .collect();
    assert!(matches!(asked[..], [Ask::Send { id, .. }] if *id == unsent(1).id), "{asked:?}");
    let answer = |id| Answer::Send(SendOutcome::Acknowledged { id, seq: Some(1), epoch: None });
    scene.chat.on_answer(answer(unsent(1).id));
    let id = unsent(1).id;
    let answered = format!("[keep Answered({id:?}) false]");
    scene.expect(&[&answered, "[send #geral kept 2]"]);
    scene.chat.on_answer(answer(unsent(2).id));
    let id = unsent(2).id;
    let answered = format!("[keep Answered({id:?}) false]");
    scene.expect(&[&answered, "[send @bob new]"]);
    // Its publication is not shown a second time.
    let publication = Publication {
        id: Some(unsent(1).id),
        ..published("geral", PublicationBody::Channel { user: user("ana") }, "kept 1")
    };
    scene.event(SessionEvent::Joined { topic: topic("geral") });
    scene.event(SessionEvent::Publication { topic: topic("geral"), publication, via: Via::Live });
    scene.expect(&[]);
}

#[test]
fn a_line_is_on_the_disk_before_it_is_sent_and_until_it_is_answered() {
    let mut scene = returning(&[Record::Began]);
    scene.line("/msg bob hello");
    let effects: Vec<Effect> = std::iter::from_fn(|| scene.chat.next_effect()).collect();
    let [
        Effect::Show(_),
        Effect::Keep { record: Record::Unsent(unsent), durable: true },
        Effect::Ask(Ask::Send { id, .. }),
    ] = &effects[..]
    else {
        panic!("{effects:?}")
    };
    assert_eq!(unsent.id, *id);
    let id = *id;
    scene.chat.on_answer(Answer::Send(SendOutcome::Unanswered { id, attempts: 4 }));
    let kept: Vec<_> = std::iter::from_fn(|| scene.chat.next_effect()).filter_map(record_of).collect();
    assert_eq!(kept, []);
    scene.chat.on_end();
    scene.expect(&["* A line has no answer yet. It is kept, and sent at the next start."]);
    assert_eq!(scene.chat.failures(), 0);
}

#[test]
fn what_is_read_has_its_place_written_down_and_what_was_left_has_none() {
    let mut scene = returning(&[Record::Began]);
    scene.chat.begin(&[channel("geral")], Some(channel("geral")), None);
    scene.event(SessionEvent::Joined { topic: topic("geral") });
    let at = |seq| Publication {
        seq: Some(seq),
        ..published("geral", PublicationBody::Channel { user: user("bob") }, "hello")
    };
    assert!(!scene.chat.has_unsaved_places());
    for seq in [4, 5] {
        let publication = at(seq);
        scene.event(SessionEvent::Publication { topic: topic("geral"), publication, via: Via::Live });
    }
    assert!(scene.chat.has_unsaved_places());
    assert_eq!(scene.chat.take_unsaved_places(), [shown_up_to("geral", 3)], "nobody has looked yet");
    scene.chat.on_seen(Place::Channel(channel("geral")), (Epoch::new(1).unwrap(), 5));
    assert_eq!(scene.chat.take_unsaved_places(), [shown_up_to("geral", 5)]);
    assert!(!scene.chat.has_unsaved_places());
    let publication = at(6);
    scene.event(SessionEvent::Publication { topic: topic("geral"), publication, via: Via::Live });
    scene.skip();
    scene.line("/leave");
    let kept: Vec<_> = std::iter::from_fn(|| scene.chat.next_effect()).filter_map(record_of).collect();
    assert_eq!(kept, [(Record::Left(channel("geral")), false)]);
    assert_eq!(scene.chat.take_unsaved_places(), []);
}

#[test]
fn when_nothing_can_be_kept_any_more_it_is_said_once_and_the_end_fails_what_is_unsent() {
    let mut scene = returning(&[Record::Began]);
    scene.line("/msg bob hello");
    scene.skip();
    scene.chat.on_keep_failed("no space left on device".to_owned());
    scene.chat.on_keep_failed("no space left on device".to_owned());
    scene.expect(&["* Nothing can be kept for the next start: no space left on device."]);
    scene.chat.on_end();
    assert_eq!(scene.chat.failures(), 1);
}

/// What somebody tells ana, at a place of her topic.
fn told(from: &str, seq: u64) -> SessionEvent {
    let body = PublicationBody::Direct { from: user(from) };
    let publication = Publication { seq: Some(seq), ..published("ana", body, "psst") };
    SessionEvent::Publication { topic: Topic::Direct(user("ana")), publication, via: Via::Live }
}

#[test]
fn direct_messages_come_again_from_the_first_that_was_not_read_of_anybody() {
    let mut scene = returning(&[Record::Began]);
    let place = |seq| {
        let topic = Topic::Direct(user("ana"));
        [Record::Shown { topic, epoch: Epoch::new(1).unwrap(), seq }]
    };
    let read = |scene: &mut Scene, from: &str, seq| {
        scene.chat.on_seen(Place::Direct(user(from)), (Epoch::new(1).unwrap(), seq));
    };
    for (from, seq) in [("bia", 4), ("caio", 5), ("bia", 6), ("caio", 7)] {
        scene.event(told(from, seq));
    }
    assert_eq!(scene.chat.take_unsaved_places(), place(3));
    read(&mut scene, "caio", 7);
    assert_eq!(scene.chat.take_unsaved_places(), [], "bia's first is still to be read");
    read(&mut scene, "bia", 4);
    assert_eq!(scene.chat.take_unsaved_places(), place(4));
    read(&mut scene, "bia", 6);
    assert_eq!(scene.chat.take_unsaved_places(), place(7));
    // What another device has read already is not to be read here.
    let mark = ReadMark { of: ReadOf::With(user("bia")), seq: 9, epoch: Epoch::new(1).unwrap() };
    scene.event(SessionEvent::Marked { user: user("ana"), mark });
    scene.event(told("bia", 8));
    assert_eq!(scene.chat.take_unsaved_places(), place(8));
}

#[test]
fn what_was_said_before_one_joined_is_not_to_be_read_and_what_is_not_shown_of_much_stays_so() {
    let mut scene = returning(&[Record::Began]);
    scene.chat.begin(&[channel("tech")], Some(channel("tech")), None);
    let said = |seq| Publication {
        seq: Some(seq),
        ..published("tech", PublicationBody::Channel { user: user("bob") }, "hello")
    };
    let before =
        |seq| SessionEvent::Publication { topic: topic("tech"), publication: said(seq), via: Via::Backlog };
    scene.event(before(7));
    assert_eq!(scene.chat.take_unsaved_places(), [shown_up_to("tech", 7)]);

    let mut scene = returning(&[Record::Joined(channel("tech")), shown_up_to("tech", 10)]);
    scene.chat.begin(&[channel("tech")], None, None);
    scene.chat.on_answer(Answer::Look(channel("tech"), stands_at(1_250)));
    scene.event(before(1_051));
    assert_eq!(scene.chat.take_unsaved_places(), [], "it stays where it was");
}

#[test]
fn one_returns_to_where_another_device_has_read() {
    let mut scene = returning(&[Record::Joined(channel("geral")), shown_up_to("geral", 5)]);
    let of = ReadOf::Channel(channel("geral"));
    let marks = vec![ReadMark { of, seq: 8, epoch: Epoch::new(1).unwrap() }];
    scene.chat.on_answer(Answer::Marks(Ok(marks)));
    scene.chat.begin(&[channel("geral")], None, None);
    scene.skip();
    scene.chat.on_answer(Answer::Look(channel("geral"), stands_at(9)));
    scene
        .expect(&["* 1 message in #geral since you left:", "[join geral After { epoch: Epoch(1), seq: 8 }]"]);
}

#[test]
fn when_the_channel_of_the_last_time_is_no_more_one_is_in_the_one_before() {
    let mut scene = returning(&[Record::Joined(channel("geral")), Record::Joined(channel("tech"))]);
    scene.chat.begin(&[channel("geral"), channel("tech")], None, None);
    scene.skip();
    scene.chat.on_answer(Answer::Look(channel("geral"), stands_at(0)));
    scene.event(SessionEvent::Joined { topic: topic("geral") });
    scene.chat.on_answer(Answer::Look(channel("tech"), Err(RequestError::Busy)));
    scene.skip();
    scene.chat.on_answer(Answer::Join(channel("tech"), Err(RequestError::Busy)));
    scene.expect(&["! cannot join #tech: too many requests are under way", "* You are in #geral."]);
}
