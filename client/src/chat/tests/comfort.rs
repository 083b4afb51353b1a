//! What makes it comfortable: a message that was chosen, emoji by name.

use recado_proto::MessageId;

use super::super::command::OnMessage;
use super::super::item::Place;
use super::{NOW_MS, Scene, channel, user};
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
