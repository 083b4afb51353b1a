//! What members and administrators do, and what a chat says of it.

use std::time::Duration;

use recado_proto::{Code, Members};

use crate::chat::command::Governing;
use crate::chat::{Answer, Effect};
use crate::session::{RequestError, SessionEvent};

use super::{Scene, channel, topic, user};

#[test]
fn what_is_about_the_channel_where_one_is_names_it_to_the_server() {
    let mut scene = Scene::in_geral();
    scene.skip();
    for (line, asked) in [
        ("/kick eva", "[govern #geral Remove { channel: ChannelName(\"geral\"), of: UserName(\"eva\") }]"),
        ("/role bob bot", "[govern Role { of: UserName(\"bob\"), role: Bot }]"),
        ("/unban eva", "[govern Unban { of: UserName(\"eva\") }]"),
        ("/members", "[members geral]"),
        ("/device", "[device]"),
    ] {
        scene.line(line);
        scene.expect(&[asked]);
    }
}

#[test]
fn in_no_channel_nobody_is_asked() {
    let mut scene = Scene::new(true);
    scene.skip();
    for line in ["/invite bob", "/silence eva 10m", "/private", "/members"] {
        scene.line(line);
        scene.expect(&["! not done: you are in no channel; /join goes to a channel, /channels lists them"]);
    }
}

#[test]
fn what_was_done_is_said_and_what_was_refused_too() {
    let mut scene = Scene::in_geral();
    scene.skip();
    scene.line("/invite bob");
    scene.skip();
    let what = || Governing::Invite(user("bob"));
    let channel = || channel("geral");
    scene.chat.on_answer(Answer::Govern { what: what(), channel: Some(channel()), result: Ok(()) });
    scene.expect(&["* bob is in #geral now."]);
    scene.line("/invite bob");
    scene.skip();
    let description = "only an administrator, or whoever created the channel, can do this".to_owned();
    let refused = RequestError::Refused { code: Code::Forbidden, description };
    scene.chat.on_answer(Answer::Govern { what: what(), channel: Some(channel()), result: Err(refused) });
    scene.expect(&["! not done: only an administrator, or whoever created the channel, can do this"]);
    let members =
        Members { members: vec![user("ana"), user("bob")], private: true, owner: Some(user("ana")) };
    scene.line("/members");
    scene.skip();
    scene.chat.on_answer(Answer::Members { channel: channel(), asked: true, result: Ok(members) });
    scene.expect(&["in #geral: ana, bob"]);
    assert!(scene.chat.is_settled());
    scene.line("/device");
    scene.skip();
    scene.chat.on_answer(Answer::Device(Ok("recado://a:1/k/c".to_owned())));
    assert!(matches!(scene.chat.next_effect(), Some(Effect::Show(_))));
}

#[test]
fn what_was_done_says_for_how_long_and_who_is_left_in_a_private_channel() {
    let mut scene = Scene::in_geral();
    let done = |what| Answer::Govern { what, channel: Some(channel("geral")), result: Ok(()) };
    let lasting = Some(Duration::from_secs(600));
    scene.chat.on_answer(done(Governing::Silence { of: user("eva"), lasting }));
    scene.expect(&["* eva sends nothing to #geral for 10m."]);
    scene.chat.on_answer(done(Governing::Silence { of: user("eva"), lasting: None }));
    scene.expect(&["* eva sends nothing to #geral until /unsilence eva."]);
    scene.chat.on_answer(done(Governing::Private));
    scene.expect(&[
        "* #geral is for its members alone now; /invite USER takes somebody in.",
        "[members geral]",
    ]);
    scene.chat.on_answer(done(Governing::Public));
    scene.expect(&["* #geral is for everybody now."]);
}

#[test]
fn whether_a_channel_is_private_is_asked_where_there_are_such_and_said_to_nobody() {
    let mut scene = Scene::in_a_secured_system();
    scene.line("/create junta private");
    scene.expect(&["[create junta private]"]);
    scene.chat.on_answer(Answer::Create(channel("junta"), Ok(())));
    scene.skip();
    scene.event(SessionEvent::Joined { topic: topic("junta") });
    scene.expect(&[
        "* You are in #junta. Nobody has said anything here yet.",
        "[members junta quiet]",
        "[topic junta quiet=true]",
    ]);
    let members = Members { members: vec![user("ana")], private: true, owner: None };
    let answer = |result| Answer::Members { channel: channel("junta"), asked: false, result };
    scene.chat.on_answer(answer(Ok(members)));
    scene.chat.on_answer(answer(Err(RequestError::Busy)));
    scene.expect(&[]);
    assert!(scene.chat.is_settled());
}
