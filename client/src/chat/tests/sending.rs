//! How far what one says has come, and what becomes of it when nobody answers.

use recado_proto::{Code, PublicationBody};
use recado_zmtp::curve::KeyPair;

use super::super::Answer;
use super::{NOW_MS, Scene, channel, published, refused, topic, user};
use crate::keys::Distrust;
use crate::limits;
use crate::receiver::Via;
use crate::session::{RequestError, SendOutcome, SessionEvent};

#[test]
fn messages_go_one_after_the_other_and_are_shown_at_once() {
    let mut scene = Scene::in_geral();
    scene.line("one");
    scene.line("two");
    scene.expect(&["21:30 ana: one", "[send #geral one]", "21:30 ana: two"]);
    assert_eq!(scene.chat.unsent(), 2);
    scene.acknowledges(1);
    scene.expect(&["[send #geral two]"]);
    scene.acknowledges(2);
    scene.expect(&[]);
    assert_eq!(scene.chat.unsent(), 0);
}

#[test]
fn ones_own_message_is_not_shown_again_when_it_is_heard() {
    let mut scene = Scene::in_geral();
    scene.line("mine");
    scene.expect(&["21:30 ana: mine", "[send #geral mine]"]);
    let mut heard = published("geral", PublicationBody::Channel { user: user("ana") }, "mine");
    heard.id = Some(scene.sent[0]);
    let event =
        |publication| SessionEvent::Publication { topic: topic("geral"), publication, via: Via::Live };
    scene.event(event(heard));
    scene.expect(&[]);
    let elsewhere = published("geral", PublicationBody::Channel { user: user("ana") }, "from another device");
    scene.event(event(elsewhere));
    scene.expect(&["21:30 ana: from another device"]);
}

#[test]
fn a_refused_message_is_given_back_with_the_reason() {
    let mut scene = Scene::in_geral();
    scene.chat.on_answer(Answer::Users { quiet: true, result: Ok(vec![user("bob")]) });
    scene.line("/reply hm");
    scene.line("/msg bbo two\nlines");
    scene.expect(&[
        "! not sent: nobody has written to you directly yet; /msg USER TEXT writes to somebody\n  > hm",
        "21:30 you → bbo: two\n      lines",
        "[send @bbo two\nlines]",
    ]);
    let outcome = SendOutcome::Refused {
        id: scene.sent[0],
        code: Code::NoSuchUser,
        description: "there is no user bbo".to_owned(),
    };
    scene.chat.on_answer(Answer::Send(outcome));
    scene.expect(&["! not sent to bbo: there is no user bbo; did you mean bob? /users lists everybody\n  \
                    > two\n  > lines"]);
    assert_eq!(scene.chat.failures(), 2);
}

#[test]
fn whoever_was_taken_out_of_a_channel_is_told_so_and_not_to_create_it() {
    let mut scene = Scene::in_geral();
    scene.line("hello");
    scene.expect(&["21:30 ana: hello", "[send #geral hello]"]);
    let id = scene.sent[0];
    let description = "there is no channel geral".to_owned();
    let refused = SendOutcome::Refused { id, code: Code::NoSuchChannel, description };
    scene.chat.on_answer(Answer::Send(refused));
    scene.expect(&["! not sent to #geral: you are no longer in #geral, or it is no more; \
                    /leave geral takes it from your list\n  > hello"]);
}

#[test]
fn a_line_that_would_go_to_another_server_than_is_meant_is_kept_and_not_called_not_sent() {
    let mut scene = Scene::in_geral();
    scene.line("hello");
    scene.sent_by("hello");
    let endpoint = "tcp://a:1".parse().unwrap();
    let found = Box::new(Distrust::Opened { endpoint, known: KeyPair::generate().public() });
    let failed = |scene: &Scene| {
        let error = RequestError::Distrusted(found.clone());
        Answer::Send(SendOutcome::Failed { id: *scene.sent.last().unwrap(), error })
    };
    scene.chat.on_answer(failed(&scene));
    scene.expect(&["* Not sent yet: the line is kept until the server answers."]);
    scene.line("and more");
    scene.expect(&["21:30 ana: and more", "[send #geral hello]"]);
    scene.chat.on_answer(failed(&scene));
    scene.expect(&[]);
    assert_eq!((scene.chat.unsent(), scene.chat.failures()), (2, 0));
    scene.event(SessionEvent::ServerBack);
    scene.expect(&[
        "[send #geral hello]",
        "* The server is back. The 2 lines that were kept are being sent.",
        "[marks]",
    ]);
}

#[test]
fn lines_typed_while_the_server_is_away_are_kept_and_sent_on_its_return() {
    let mut scene = Scene::in_geral();
    scene.event(SessionEvent::ServerLost { reason: "connection refused".to_owned() });
    scene.line("one");
    scene.line("two");
    scene.expect(&[
        "* The server is away: connection refused. Your lines are kept until it is back.",
        "21:30 ana: one",
        "* Not sent yet: the line is kept until the server answers.",
        "[send #geral one]",
        "21:30 ana: two",
    ]);
    let id = scene.sent[0];
    scene.chat.on_answer(Answer::Send(SendOutcome::Unanswered { id, attempts: 0 }));
    scene.expect(&["[send #geral one]"]);
    assert_eq!(scene.sent, [id, id], "the same message, whatever became of it before");
    scene.event(SessionEvent::ServerBack);
    scene.expect(&["* The server is back. The 2 lines that were kept are being sent.", "[marks]"]);
    scene.acknowledges(1);
    scene.expect(&["[send #geral two]"]);
    scene.acknowledges(2);
    scene.event(SessionEvent::ServerLost { reason: "gone".to_owned() });
    scene.event(SessionEvent::ServerBack);
    scene.expect(&[
        "* The server is away: gone. Your lines are kept until it is back.",
        "* The server is back.",
        "[marks]",
    ]);
}

#[test]
fn what_was_not_sent_is_said_at_the_end() {
    let mut scene = Scene::in_geral();
    scene.line("one");
    scene.line("two");
    scene.skip();
    scene.chat.on_end();
    scene.expect(&[
        "! perhaps not sent to #geral: the server did not answer\n  > one",
        "! not sent to #geral: the line before it was not answered\n  > two",
    ]);
}

#[test]
fn what_no_server_was_there_for_was_surely_not_sent() {
    let mut scene = Scene::in_geral();
    scene.event(SessionEvent::ServerLost { reason: "gone".to_owned() });
    scene.line("one");
    scene.skip();
    scene.chat.on_end();
    scene.expect(&["! not sent to #geral: no server could be reached\n  > one"]);
}

#[test]
fn a_busy_server_is_asked_again_later() {
    let mut scene = Scene::in_geral();
    scene.line("one");
    scene.expect(&["21:30 ana: one", "[send #geral one]"]);
    let id = scene.sent[0];
    let description = "too much to do".to_owned();
    scene.chat.on_answer(Answer::Send(SendOutcome::Refused { id, code: Code::Busy, description }));
    scene.expect(&["[send later one]"]);
}

#[test]
fn at_most_so_many_lines_are_kept() {
    let mut scene = Scene::in_geral();
    for _ in 0..limits::OUTBOX_LINES_MAX {
        scene.line("x");
    }
    scene.skip();
    scene.line("one too many");
    scene.expect(&["! not sent to #geral: 1000 lines are waiting to be sent already\n  > one too many"]);
}

#[test]
fn a_script_ends_at_the_first_unanswered_message() {
    let mut scene = Scene::new(false);
    scene.chat.begin(&[channel("geral")], Some(channel("geral")), None);
    scene.event(SessionEvent::Joined { topic: topic("geral") });
    scene.skip();
    scene.chat.on_line("one", false, NOW_MS);
    scene.chat.on_line("two", false, NOW_MS);
    scene.expect(&["[send #geral one]"]);
    let id = scene.sent[0];
    scene.chat.on_answer(Answer::Send(SendOutcome::Unanswered { id, attempts: 4 }));
    scene.expect(&[
        "! perhaps not sent to #geral: the server did not answer, though asked 4 times\n  > one",
        "! not sent to #geral: the line before it was not answered\n  > two",
        "[quit]",
    ]);
    assert_eq!(scene.chat.failures(), 2);
}

#[test]
fn a_scripts_lines_do_not_go_to_another_channel_when_one_cannot_be_joined() {
    let mut scene = Scene::new(false);
    scene.chat.begin(&[channel("geral")], Some(channel("geral")), None);
    scene.event(SessionEvent::Joined { topic: topic("geral") });
    scene.line("/join lab");
    scene.skip();
    scene.chat.on_answer(Answer::Join(channel("lab"), refused(Code::NoSuchChannel, "")));
    scene.line("secret plans");
    scene.expect(&[
        "! cannot join #lab: there is no channel lab; /create lab makes it",
        "! not sent: you are in no channel; /join goes to a channel, /channels lists them\n  > secret plans",
    ]);
    scene.line("/join geral");
    scene.line("hello");
    scene.expect(&["* You are in #geral.", "21:30 ana: hello", "[send #geral hello]"]);
}
