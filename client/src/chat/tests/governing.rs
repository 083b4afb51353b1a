//! What members and administrators do, and what a chat says of it.

use recado_proto::{Code, Members};

use crate::chat::command::Governing;
use crate::chat::{Answer, Effect};
use crate::session::RequestError;

use super::{Scene, channel, user};

#[test]
fn what_is_about_the_channel_where_one_is_names_it_to_the_server() {
    let mut scene = Scene::in_geral();
    scene.skip();
    for (line, asked) in [
        ("/kick eva", "[govern #geral Remove { channel: ChannelName(\"geral\"), of: UserName(\"eva\") }]"),
        ("/role bob bot", "[govern Role { of: UserName(\"bob\"), role: Bot }]"),
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
    scene.chat.on_answer(Answer::Members(channel(), Ok(members)));
    scene.expect(&["in #geral: ana, bob"]);
    assert!(scene.chat.is_settled());
    scene.line("/device");
    scene.skip();
    scene.chat.on_answer(Answer::Device(Ok("recado://a:1/k/c".to_owned())));
    assert!(matches!(scene.chat.next_effect(), Some(Effect::Show(_))));
}
