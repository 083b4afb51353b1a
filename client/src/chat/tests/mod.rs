//! The chat as a person sees it: lines and events in, what is asked and what is shown out.

mod comfort;
mod company;
mod finding;
mod governing;
mod reading;
mod returning;
mod sending;

use std::time::Duration;

use jiff::civil::date;
use jiff::tz::TimeZone;
use recado_proto::{
    ActDone, ActIn, ActKind, ChannelName, Code, Device, Epoch, HistoryPage, Manner, MessageId, Publication,
    PublicationBody, Timestamp, UserName,
};

use crate::receiver::{Start, Topic, Via};
use crate::session::{RequestError, SendOutcome, SessionEvent};
use crate::view::colour::Palette;
use crate::view::plain::PlainView;
use crate::view::wording::Language;

use super::command::Conversation;
use super::{Answer, Ask, Chat, ChatConfig, Company, Effect, Reads, Says, item::Place};

/// 2026-11-21 21:30:00 UTC.
const NOW_MS: i64 = 1_795_296_600_000;

/// Nothing is said of who is here, and nothing heard.
fn no_company() -> Company {
    let device = Device::from_random(1);
    Company { device, says: Says::Nothing, says_typing: false, hears: false, every: Duration::from_secs(30) }
}

struct Scene {
    chat: Chat,
    view: PlainView,
    /// The numbers of the messages that were to be sent.
    sent: Vec<MessageId>,
}

impl Scene {
    fn new(patient: bool) -> Self {
        let today = date(2026, 11, 21).at(21, 30, 0, 0).to_zoned(TimeZone::UTC).unwrap();
        let config = ChatConfig {
            secured: false,
            company: no_company(),
            user: user("ana"),
            backlog: 20,
            patient,
            keeps: false,
            unattended: !patient,
            reads: Reads::WhatIsSeen,
        };
        Self {
            chat: Chat::new(config),
            view: PlainView::for_terminal(Palette::Plain, Language::English, &today),
            sent: Vec::new(),
        }
    }

    /// On a terminal, in `#geral`.
    fn in_geral() -> Self {
        let mut scene = Self::new(true);
        scene.chat.begin(&[channel("geral"), channel("tech")], None, Some(channel("geral")));
        scene.event(SessionEvent::Joined { topic: topic("geral") });
        scene.skip();
        scene
    }

    /// The same where channels may be private.
    fn in_a_secured_system() -> Self {
        let mut scene = Self::in_geral();
        scene.chat.secured = true;
        scene
    }

    fn line(&mut self, line: &str) {
        self.chat.on_line(line, true, NOW_MS);
    }

    fn event(&mut self, event: SessionEvent) {
        self.chat.on_event(event);
    }

    fn hears(&mut self, place: &str, from: &str, text: &str, via: Via) {
        let body = if place == "ana" {
            PublicationBody::Direct { from: user(from) }
        } else {
            PublicationBody::Channel { user: user(from) }
        };
        let topic = if place == "ana" { Topic::Direct(user("ana")) } else { topic(place) };
        let publication = published(place, body, text);
        self.event(SessionEvent::Publication { topic, publication, via });
    }

    /// The server answers the message that was sent last.
    fn acknowledges(&mut self, seq: u64) {
        let id = *self.sent.last().unwrap();
        self.chat.on_answer(Answer::Send(SendOutcome::Acknowledged { id, seq: Some(seq), epoch: None }));
    }

    /// The number of the message that was said with this text, once it is being sent.
    fn sent_by(&mut self, text: &str) -> &MessageId {
        let shown = std::iter::from_fn(|| self.chat.next_effect());
        let sent = shown.filter_map(|effect| match effect {
            Effect::Ask(Ask::Send { id, text: sent, .. }) if sent == text => Some(id),
            _ => None,
        });
        self.sent.extend(sent.collect::<Vec<_>>());
        self.sent.last().expect("it is being sent")
    }

    /// What is asked, all in one.
    fn asked(&mut self) -> String {
        let effects = std::iter::from_fn(|| self.chat.next_effect());
        effects.map(|effect| format!("{effect:?}")).collect()
    }

    fn skip(&mut self) {
        while self.chat.next_effect().is_some() {}
    }

    fn expect(&mut self, expect: &[&str]) {
        let mut effects = Vec::new();
        while let Some(effect) = self.chat.next_effect() {
            match effect {
                Effect::Show(item) => effects.extend(self.view.render(&item).map(|(_, lines)| lines)),
                Effect::Ask(ask) => {
                    if let Ask::Send { id, .. } = &ask {
                        self.sent.push(*id);
                    }
                    effects.push(format!("[{}]", shown(&ask)));
                }
                Effect::Keep { record, durable } => effects.push(format!("[keep {record:?} {durable}]")),
                Effect::Unfollow(channel) => effects.push(format!("[unfollow {channel}]")),
                Effect::Hear(hearing) => effects.push(format!("[hear {hearing:?}]")),
                Effect::Ignore(hearing) => effects.push(format!("[ignore {hearing:?}]")),
                Effect::Write(text) => effects.push(format!("[write {text}]")),
                Effect::Quit => effects.push("[quit]".to_owned()),
            }
        }
        assert_eq!(effects, expect);
    }
}

fn shown(ask: &Ask) -> String {
    match ask {
        Ask::Join { channel, start: Start::Latest(backlog) } => format!("join {channel} {backlog}"),
        Ask::Join { channel, start } => format!("join {channel} {start:?}"),
        Ask::Look(channel) => format!("look {channel}"),
        Ask::Create { channel, private } => {
            format!("create {channel}{}", if *private { " private" } else { "" })
        }
        Ask::Users { quiet } => format!("users quiet={quiet}"),
        Ask::Channels { quiet } => format!("channels quiet={quiet}"),
        Ask::History { of: Conversation::Channel(channel), limit } => format!("history #{channel} {limit}"),
        Ask::History { of: Conversation::With(user), limit } => format!("history @{user} {limit}"),
        Ask::Older { of: Place::Channel(channel), before } => format!("older #{channel} {before:?}"),
        Ask::Older { of: Place::Direct(user), before } => format!("older @{user} {before:?}"),
        Ask::Act { within: ActIn::Channel(channel), act, .. } => format!("act #{channel} {act:?}"),
        Ask::Act { within: ActIn::With(user), act, .. } => format!("act @{user} {act:?}"),
        Ask::Send { to: Place::Channel(to), text, after_pause: false, .. } => format!("send #{to} {text}"),
        Ask::Send { to: Place::Direct(to), text, after_pause: false, .. } => format!("send @{to} {text}"),
        Ask::Topic { channel, quiet } => format!("topic {channel} quiet={quiet}"),
        Ask::Search(request) => format!("search {request:?}"),
        Ask::Around { of: Place::Channel(channel), id } => format!("around #{channel} {id}"),
        Ask::Around { of: Place::Direct(user), id } => format!("around @{user} {id}"),
        Ask::Mark(mark) => format!("mark {:?} {}", mark.of, mark.seq),
        Ask::Marks => "marks".to_owned(),
        Ask::Here { state, typing: None, .. } => format!("here {state}"),
        Ask::Here { state, typing: Some(place), .. } => format!("here {state} typing to {}", place.as_str()),
        Ask::Who { quiet } => format!("who quiet={quiet}"),
        Ask::Govern { channel: Some(channel), act, .. } => format!("govern #{channel} {act:?}"),
        Ask::Govern { channel: None, act, .. } => format!("govern {act:?}"),
        Ask::Members { channel, asked } => {
            format!("members {channel}{}", if *asked { "" } else { " quiet" })
        }
        Ask::Device => "device".to_owned(),
        Ask::Send { text, after_pause: true, .. } => format!("send later {text}"),
    }
}

fn user(name: &str) -> UserName {
    UserName::parse(name).unwrap()
}

fn channel(name: &str) -> ChannelName {
    ChannelName::parse(name).unwrap()
}

fn topic(name: &str) -> Topic {
    Topic::Channel(channel(name))
}

fn published(topic: &str, body: PublicationBody, text: &str) -> Publication {
    Publication {
        topic: topic.to_owned(),
        body,
        message: text.to_owned(),
        timestamp: Timestamp::from_seconds(NOW_MS / 1_000),
        clock: None,
        id: Some(MessageId::new_v7()),
        seq: None,
        epoch: Some(Epoch::new(1).unwrap()),
        time_ms: None,
        kind: None,
        manner: Manner::default(),
        edited: false,
        deleted: false,
        acts: Vec::new(),
    }
}

fn refused<T>(code: Code, description: &str) -> Result<T, RequestError> {
    Err(RequestError::Refused { code, description: description.to_owned() })
}

#[test]
fn plain_lines_go_to_one_person_until_that_is_ended() {
    let mut scene = Scene::in_geral();
    scene.line("/query bob");
    scene.expect(&["* What you type goes to bob alone; /leave ends that."]);
    assert_eq!(scene.chat.whereabouts().place, Some(Place::Direct(user("bob"))));
    scene.line("hello");
    scene.expect(&["21:30 you → bob: hello", "[send @bob hello]"]);
    scene.line("/history 5");
    scene.expect(&["[history @bob 5]"]);
    scene.line("/leave");
    scene.expect(&["* You talk no longer with bob and are in #geral."]);
    scene.acknowledges(1);
    scene.line("hi all");
    scene.expect(&["21:30 ana: hi all", "[send #geral hi all]"]);
}

#[test]
fn messages_are_named_by_how_far_back_they_are() {
    let mut scene = Scene::in_geral();
    scene.hears("geral", "bob", "first", Via::Live);
    scene.line("mine");
    let own = *scene.sent_by("mine");
    scene.acknowledges(2);
    scene.hears("geral", "bob", "last", Via::Live);
    scene.skip();
    scene.line("/edit mine, better");
    scene.expect(&[&format!("[act #geral Edit {{ target: {own:?}, text: \"mine, better\" }}]")]);
    assert!(!scene.chat.is_settled());
    scene.line("/delete 2");
    scene.expect(&[&format!("[act #geral Delete {{ target: {own:?} }}]")]);
    scene.line("/answer 2 I agree");
    scene.expect(&["      ↪ ana: mine\n21:30 ana: I agree", "[send #geral I agree]"]);
    scene.line("/me waves");
    scene.expect(&["21:30 * ana waves"]);
    scene.line("/react 9 👍");
    scene.expect(&["! not done: nothing that was shown here is 9 messages back; 1 is the latest message, 2 the one before"]);
    scene.line("/topic all about it");
    scene.expect(&["[act #geral Topic { text: \"all about it\" }]"]);
}

#[test]
fn who_scrolls_back_gets_pages_and_goes_where_the_channels_are() {
    let mut scene = Scene::in_geral();
    scene.chat.want_older(Place::Channel(channel("geral")), Some(recado_proto::Place::Seq(7)));
    scene.expect(&["[older #geral Some(Seq(7))]"]);
    assert!(scene.chat.is_settled(), "nobody waits for it");
    scene.chat.go(Place::Direct(user("bob")));
    scene.chat.go(Place::Channel(channel("tech")));
    assert_eq!(scene.chat.whereabouts().place, Some(Place::Direct(user("bob"))), "tech is not followed");
    scene.chat.go(Place::Channel(channel("geral")));
    assert_eq!(scene.chat.whereabouts().place, Some(Place::Channel(channel("geral"))));
    scene.expect(&[]);
}

#[test]
fn a_new_server_begins_with_a_channel() {
    let mut scene = Scene::new(true);
    scene.chat.begin(&[], None, Some(channel("geral")));
    scene.expect(&[
        "Welcome to Recado, ana.\n\
         There is no channel yet, so here is one to begin with.\n\
         What you type goes to everybody in the channel; /msg bob hello tells bob alone.\n\
         /help shows all commands, Tab completes them, Ctrl-D leaves.\n\
         What is said while you are away is here when you come back.",
        "[create geral]",
    ]);
    assert!(!scene.chat.is_settled());
    scene.chat.on_answer(Answer::Create(channel("geral"), Ok(())));
    scene.expect(&["* #geral is a channel now.", "[join geral 20]"]);
    scene.event(SessionEvent::Joined { topic: topic("geral") });
    scene.expect(&["* You are in #geral. Nobody has said anything here yet.", "[topic geral quiet=true]"]);
    assert!(scene.chat.is_settled());
    assert_eq!(scene.chat.whereabouts().place, Some(Place::Channel(channel("geral"))));
}

#[test]
fn two_who_begin_at_once_meet_in_the_same_channel() {
    let mut scene = Scene::new(true);
    scene.chat.begin(&[], None, Some(channel("geral")));
    scene.skip();
    scene.chat.on_answer(Answer::Create(channel("geral"), refused(Code::NameTaken, "the channel exists")));
    scene.expect(&["[join geral 20]"]);
    scene.line("/create geral");
    scene.chat.on_answer(Answer::Create(channel("geral"), refused(Code::NameTaken, "the channel exists")));
    scene.expect(&["[create geral]", "! cannot create #geral: the channel exists"]);
}

#[test]
fn a_server_without_the_usual_channel_lets_one_choose() {
    let mut scene = Scene::new(true);
    scene.chat.begin(&[channel("lab"), channel("tech")], None, Some(channel("geral")));
    scene.expect(&["Welcome to Recado, ana.\n\
         Channels: #lab, #tech. /join lab goes to one, /create NAME makes another.\n\
         What you type goes to everybody in the channel; /msg bob hello tells bob alone.\n\
         /help shows all commands, Tab completes them, Ctrl-D leaves.\n\
         What is said while you are away is here when you come back."]);
    scene.line("hello");
    scene.expect(&[
        "! not sent: you are in no channel; /join goes to a channel, /channels lists them\n  > hello",
    ]);
}

#[test]
fn joining_shows_the_latest_messages_under_a_heading() {
    let mut scene = Scene::in_geral();
    scene.line("/join #tech");
    scene.expect(&["[join tech 20]"]);
    scene.hears("tech", "bob", "one", Via::Backlog);
    scene.hears("tech", "bob", "two", Via::Backlog);
    scene.event(SessionEvent::Joined { topic: topic("tech") });
    scene.expect(&[
        "— the latest in #tech —",
        "21:30 bob: one",
        "21:30 bob: two",
        "* You are in #tech.",
        "[topic tech quiet=true]",
    ]);
    scene.line("/join geral");
    scene.expect(&["* You are in #geral."]);
    scene.hears("tech", "bob", "three", Via::Live);
    scene.hears("geral", "bob", "here", Via::Live);
    scene.expect(&["21:30 #tech bob: three", "21:30 bob: here"]);
}

#[test]
fn a_channel_that_does_not_exist_says_how_to_make_it() {
    let mut scene = Scene::in_geral();
    scene.line("/join tehc");
    scene.expect(&["[join tehc 20]"]);
    scene.chat.on_answer(Answer::Join(channel("tehc"), refused(Code::NoSuchChannel, "no such thing")));
    scene
        .expect(&["! cannot join #tehc: there is no channel tehc; did you mean tech? /create tehc makes it"]);
    assert!(scene.chat.is_settled());
    scene.line("/create tech");
    scene.expect(&["[create tech]"]);
    scene.chat.on_answer(Answer::Create(channel("tech"), refused(Code::NameTaken, "the channel exists")));
    scene.expect(&["! cannot create #tech: the channel exists; /join tech goes there"]);
}

#[test]
fn leaving_goes_back_to_the_channel_before() {
    let mut scene = Scene::in_geral();
    scene.line("/join tech");
    scene.event(SessionEvent::Joined { topic: topic("tech") });
    scene.skip();
    scene.line("/leave");
    scene.expect(&["[unfollow tech]", "* You have left #tech and are in #geral."]);
    scene.hears("tech", "bob", "late", Via::Live);
    scene.line("/leave lab");
    scene.line("/leave");
    scene.line("/leave");
    scene.expect(&[
        "! cannot leave: you are not in #lab",
        "[unfollow geral]",
        "* You have left #geral and are in no channel now; /join goes to one.",
        "! cannot leave: you are in no channel",
    ]);
}

#[test]
fn direct_messages_are_marked_both_ways() {
    let mut scene = Scene::in_geral();
    scene.line("/msg @bob see you");
    scene.expect(&["21:30 you → bob: see you", "[send @bob see you]"]);
    scene.acknowledges(1);
    scene.hears("ana", "José: the \"real\" one", "yes", Via::Live);
    scene.expect(&["21:30 \"José: the 'real' one\" → you: yes"]);
    scene.line("/reply good");
    scene.expect(&["21:30 you → \"José: the 'real' one\": good", "[send @José: the \"real\" one good]"]);
}

#[test]
fn earlier_messages_stand_between_two_lines() {
    let mut scene = Scene::in_geral();
    scene.line("/history 2 @bob");
    scene.expect(&["[history @bob 2]"]);
    let to_bob = published("bob", PublicationBody::Direct { from: user("ana") }, "hi");
    let mut to_ana = published("ana", PublicationBody::Direct { from: user("bob") }, "hello");
    to_ana.time_ms = u64::try_from(NOW_MS - 24 * 3_600_000).ok();
    // What was taken back is neither shown nor counted.
    let taken_back = Publication { deleted: true, message: String::new(), ..to_ana.clone() };
    let page = HistoryPage { messages: vec![to_ana, taken_back, to_bob], ..HistoryPage::default() };
    scene.chat.on_answer(Answer::History { of: Conversation::With(user("bob")), result: Ok(page) });
    scene.expect(&[
        "— you and bob: 2 messages —",
        "— Friday, 20 November 2026 —\n21:30 bob → you: hello",
        "— Saturday, 21 November 2026 —\n21:30 you → bob: hi",
        "— end —",
    ]);
    scene.line("/history");
    scene.expect(&["[history #geral 50]"]);
    let of = Conversation::Channel(channel("geral"));
    scene.chat.on_answer(Answer::History { of, result: Ok(HistoryPage::default()) });
    scene.expect(&["— #geral: no messages —", "— end —"]);
}

#[test]
fn lists_say_where_one_is() {
    let mut scene = Scene::in_geral();
    scene.line("/channels");
    scene.line("/users");
    scene.expect(&["[channels quiet=false]", "[users quiet=false]"]);
    let channels = vec![channel("geral"), channel("tech")];
    scene.chat.on_answer(Answer::Channels { quiet: false, result: Ok(channels) });
    scene.chat.on_answer(Answer::Users { quiet: false, result: Ok(vec![user("ana"), user("bob")]) });
    scene.chat.on_answer(Answer::Users { quiet: true, result: Ok(vec![user("carla")]) });
    scene.expect(&["2 channels: #geral (you are here), #tech", "2 users: ana, bob"]);
    assert!(scene.chat.is_settled());
}

#[test]
fn what_a_channel_is_about_is_said_on_joining_if_anything_and_when_it_is_asked_for() {
    let mut scene = Scene::in_geral();
    let about = |text: &str| {
        let topic = ActDone {
            kind: ActKind::Topic,
            user: user("bob"),
            message: text.to_owned(),
            id: MessageId::new_v7(),
            seq: 3,
            time_ms: 7,
        };
        Ok(HistoryPage { topic: Some(topic), ..HistoryPage::default() })
    };
    let answer = |quiet, result| Answer::Topic { channel: channel("geral"), quiet, result };
    scene.chat.on_answer(answer(true, about("the release\x1b[2J")));
    scene.expect(&["* #geral is about: the release␛[2J (says bob)"]);
    scene.chat.on_answer(answer(true, about("")));
    scene.chat.on_answer(answer(true, Ok(HistoryPage::default())));
    scene.chat.on_answer(answer(true, refused(Code::Busy, "no time")));
    scene.expect(&[]);
    scene.line("/topic");
    scene.expect(&["[topic geral quiet=false]"]);
    scene.chat.on_answer(answer(false, about("")));
    scene.expect(&["* #geral has no topic; /topic TEXT sets one."]);
    assert!(scene.chat.is_settled());
    scene.line("/query bob");
    scene.skip();
    scene.line("/topic");
    scene.expect(&["! not done: only channels have a topic"]);
}

#[test]
fn losses_and_oddities_are_said() {
    let mut scene = Scene::in_geral();
    scene.event(SessionEvent::BrokerLost { reason: "reset\x1b[2J".to_owned() });
    scene.event(SessionEvent::BrokerBack);
    scene.event(SessionEvent::Missing { topic: topic("geral"), first: 3, last: 9 });
    scene.event(SessionEvent::Missing { topic: topic("geral"), first: 3, last: 3 });
    scene.event(SessionEvent::EpochChanged { topic: topic("geral"), epoch: Epoch::new(2).unwrap() });
    scene.event(SessionEvent::Malformed { topic: "geral".to_owned(), reason: "no map".to_owned() });
    scene.expect(&[
        "* The broker is away: reset␛[2J. Messages come when it is back.",
        "* The broker is back.",
        "[marks]",
        "* Messages 3 to 9 of #geral are kept nowhere any more.",
        "* Message 3 of #geral is kept nowhere any more.",
        "* The server's store was restored: messages of #geral may have gone with it.",
        "* Something came to geral that is no message (no map).",
    ]);
}

#[test]
fn ctrl_c_twice_or_quit_leaves() {
    let mut scene = Scene::in_geral();
    scene.chat.on_interrupt();
    scene.line("/nonsense");
    scene.chat.on_interrupt();
    scene.expect(&[
        "* Ctrl-C again, Ctrl-D or /quit leaves.",
        "! there is no command /nonsense; /help lists them",
        "* Ctrl-C again, Ctrl-D or /quit leaves.",
    ]);
    scene.chat.on_interrupt();
    scene.expect(&["[quit]"]);
    scene.line("/quit");
    scene.expect(&["[quit]"]);
}

#[test]
fn what_others_send_cannot_touch_the_terminal() {
    let mut scene = Scene::in_geral();
    scene.hears("geral", "bob\u{202e}", "\x1b[2J\x1b]0;owned\x07\r\n21:30 ana: I agree", Via::Live);
    scene.expect(&["21:30 bob<U+202E>: ␛[2J␛]0;owned␇\n      21:30 ana: I agree"]);
}
