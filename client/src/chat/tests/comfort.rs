//! What makes it comfortable: a message that was chosen, emoji by name.

use recado_proto::MessageId;

use super::super::command::OnMessage;
use super::super::item::{Message, Place};
use super::super::mentions::Mentions;
use super::{NOW_MS, Scene, channel, user};
use crate::limits;
use crate::receiver::Via;

fn geral() -> Place {
    Place::Channel(channel("geral"))
}

#[test]
fn what_is_done_to_a_chosen_message_is_what_the_command_does() {
    let mut scene = Scene::in_geral();
    let target = MessageId::from_bytes([5; 16]);
    let mut does = |place: &Place, what: OnMessage, expect: &[&str]| {
        scene.chat.on_chosen(place.clone(), target, what, NOW_MS);
        scene.expect(expect);
    };
    let edited = format!("[act #geral Edit {{ target: {target:?}, text: \"better\" }}]");
    does(&geral(), OnMessage::Edit("better".into()), &[&edited]);
    let deleted = format!("[act @bob Delete {{ target: {target:?} }}]");
    does(&Place::Direct(user("bob")), OnMessage::Delete, &[&deleted]);
    does(&geral(), OnMessage::Answer("yes".into()), &["21:30 ana: yes", "[send #geral yes]"]);
}

#[test]
fn reactions_may_be_called_by_name() {
    let mut scene = Scene::in_geral();
    scene.hears("geral", "bob", "done", Via::Live);
    scene.skip();
    scene.line("/react :no_such_thing:");
    scene.expect(&[
        "! not done: no emoji is called :no_such_thing:; Tab behind : and a few letters shows what they are called",
    ]);
    scene.line("/react 1 :tada:");
    assert!(scene.asked().contains("emoji: \"🎉\""));
}

#[test]
fn an_editor_is_wanted_with_what_was_typed_and_only_where_somebody_types() {
    let mut scene = Scene::in_geral();
    scene.line("/editor dear all,");
    scene.expect(&["[write dear all,]"]);
    assert!(scene.chat.is_settled());
    scene.chat.on_nowhere_to_write();
    scene.expect(&["! an editor needs a terminal"]);
}

#[test]
fn what_mentions_one_is_listed_wherever_it_was_said_or_read() {
    let mut scene = Scene::in_geral();
    scene.chat.listen_for(&["Deploy".to_owned(), " ".to_owned()]);
    scene.line("/mentions");
    scene.expect(&["— nobody has mentioned you in what was heard so far —"]);
    for text in ["bananas", "Ana?", "the deploy is done", "hello ana \u{1b}[31m"] {
        scene.hears("geral", "bob", text, Via::Live);
    }
    scene.hears("ana", "eve", "psst", Via::Live);
    scene.line("ana speaks of ana");
    scene.skip();
    scene.line("/mentions");
    scene.expect(&["— 3 messages that mention you —
21:30 #geral bob: Ana?
21:30 #geral bob: the deploy is done
21:30 #geral bob: hello ana ␛[31m
— end —"]);
}

#[test]
fn only_the_latest_mentions_are_remembered_and_deleted_ones_are_not() {
    let mut mentions = Mentions::of(&user("ana"));
    let said = |number: usize| {
        let mut message = message(&geral(), "bob", "ana!");
        message.time_ms = i64::try_from(number).unwrap();
        message.id = Some(MessageId::from_bytes(u128::try_from(number).unwrap().to_be_bytes()));
        message
    };
    for number in (0..=limits::MENTIONS_MAX).rev() {
        mentions.hear(&said(number));
        mentions.hear(&said(number));
    }
    let times = |mentions: &Mentions| mentions.all().map(|mention| mention.time_ms).collect::<Vec<_>>();
    let last = i64::try_from(limits::MENTIONS_MAX).unwrap();
    assert_eq!(times(&mentions), (1..=last).collect::<Vec<_>>());
    mentions.deleted(&geral(), said(3).id.unwrap());
    assert!(!times(&mentions).contains(&3));
}

fn message(place: &Place, author: &str, text: &str) -> Message {
    Message {
        place: place.clone(),
        author: user(author),
        text: text.to_owned(),
        time_ms: 0,
        id: None,
        seq: None,
        epoch: None,
        earlier: false,
        own: false,
        current: false,
        manner: recado_proto::Manner::default(),
        quoted: None,
        edited: false,
        acts: Vec::new(),
    }
}

#[test]
fn what_one_is_told_is_said_where_one_is_or_of_another_conversation() {
    let mut scene = Scene::in_geral();
    scene.line("/mute");
    scene.expect(&["* You are told of nothing in #geral; /unmute ends that."]);
    scene.line("/alert all #tech");
    scene.expect(&["* You are told of everything in #tech."]);
    scene.line("/alert mentions @bob");
    scene.expect(&["* You are told of what mentions you in bob."]);
    scene.line("/unmute");
    scene.expect(&["* You are told of #geral as is usual."]);
    scene.line("/dnd on");
    scene.expect(&["* No notifications until you leave, or say /dnd off."]);
    scene.line("/alert loudly");
    assert!(scene.asked().contains("Incomplete"));
}
