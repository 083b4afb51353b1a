//! What comes of each command.

use recado_proto::{ChannelName, limits as wire_limits};

use crate::kept::Record;
use crate::limits;
use crate::receiver::{Start, Topic};

use super::command::{Command, Conversation};
use super::item::{Attempt, FailureCode, Item, Notice, Place};
use super::reason::{Hint, Reason};
use super::{Ask, Chat, Effect};

impl Chat {
    pub(super) fn on_command(&mut self, command: Command, echo: bool, now_ms: i64) {
        match command {
            Command::Say(text) => match self.current_place() {
                Some(place) => self.say(place, text, echo, now_ms),
                None => self.say_nowhere(text),
            },
            Command::Me(text) => self.say_of_oneself(text, echo, now_ms),
            Command::ShowTopic => self.show_topic(),
            Command::OnMessage { back, what } => self.on_act(back, what, echo, now_ms),
            Command::Query(user) => {
                let user = self.known.meant_user(user);
                self.direct = Some(user.clone());
                self.notice(Notice::Talking { user });
            }
            Command::Message { to, text } => {
                let to = self.known.meant_user(to);
                self.say(Place::Direct(to), text, echo, now_ms);
            }
            Command::Reply(text) => match self.wrote_last.clone() {
                Some(user) => self.say(Place::Direct(user), text, echo, now_ms),
                None => {
                    let attempt = Attempt::Send { to: None, text, id: None, ambiguous: false };
                    let hint = Some(Hint::WriteToSomebody);
                    self.fail(attempt, FailureCode::NobodyToAnswer, Reason::NobodyWrote, hint);
                }
            },
            Command::Join(channel) => {
                let channel = self.known.meant_channel(channel);
                self.join(channel);
            }
            Command::Create { channel, private } => {
                let channel = self.known.meant_channel(channel);
                self.create(channel, private);
            }
            Command::Leave(channel) => self.leave(channel),
            Command::Channels => self.ask(Ask::Channels { quiet: false }),
            Command::Users => self.ask(Ask::Users { quiet: false }),
            Command::Who => self.ask(Ask::Who { quiet: false }),
            Command::Away => self.set_away(true),
            Command::Back => self.set_away(false),
            Command::History { of, limit } => self.history(of, limit),
            Command::Search(wanted) => self.search(wanted, now_ms),
            Command::Jump(number) => self.jump(number),
            Command::Help(spec) => self.show(Item::Help(spec)),
            Command::Alert { level, of } => self.alert(level, of),
            Command::Disturb(is_on) => self.notice(Notice::Disturbing { is_on }),
            Command::Mentions => self.show_mentions(),
            Command::Write(text) => self.effects.push_back(Effect::Write(text)),
            Command::Govern(what) => self.govern(what),
            Command::Members => self.list_members(),
            Command::Device => self.ask(Ask::Device),
            Command::Quit => self.effects.push_back(Effect::Quit),
        }
    }

    pub(super) fn say_nowhere(&mut self, text: String) {
        let attempt = Attempt::Send { to: None, text, id: None, ambiguous: false };
        self.fail(attempt, FailureCode::NoChannel, Reason::InNoChannel, Some(Hint::JoinOne));
    }

    pub(super) fn join(&mut self, channel: ChannelName) {
        if self.joining.contains_key(&channel) {
            return;
        }
        if self.joined.contains(&channel) {
            self.go_to(channel.clone());
            return self.notice(Notice::Switched { channel });
        }
        if self.keeps && self.places.contains_key(&Topic::Channel(channel.clone())) {
            return self.look(channel);
        }
        self.begin_joining(channel, Start::Latest(self.backlog), false);
    }

    pub(super) fn create(&mut self, channel: ChannelName, private: bool) {
        self.ask(Ask::Create { channel, private });
    }

    fn leave(&mut self, channel: Option<ChannelName>) {
        if channel.is_none()
            && let Some(user) = self.direct.take()
        {
            return self.notice(Notice::TalkingNoMore { user, current: self.current().cloned() });
        }
        let channel =
            channel.map(|channel| self.known.meant_channel(channel)).or_else(|| self.current().cloned());
        match channel {
            Some(channel) if self.joined.contains(&channel) => {
                self.joined.retain(|joined| *joined != channel);
                self.known.set_joined(self.joined.iter().cloned());
                self.hear_typing(channel.clone().into(), false);
                self.effects.push_back(Effect::Unfollow(channel.clone()));
                self.keep(Record::Left(channel.clone()), false);
                self.forget_unread(&Topic::Channel(channel.clone()));
                self.notice(Notice::Left { channel, current: self.current().cloned() });
            }
            Some(channel) => {
                let reason = Reason::NotIn(channel.clone());
                self.fail(Attempt::Leave(Some(channel)), FailureCode::NoChannel, reason, None);
            }
            None => self.fail(Attempt::Leave(None), FailureCode::NoChannel, Reason::InNoChannel, None),
        }
    }

    fn history(&mut self, of: Option<Conversation>, limit: Option<u32>) {
        let of = match of {
            Some(Conversation::Channel(channel)) => Conversation::Channel(self.known.meant_channel(channel)),
            Some(Conversation::With(user)) => Conversation::With(user),
            None => match self.current_place() {
                Some(place) => place.into(),
                None => {
                    let hint = Some(Hint::DirectHistory);
                    return self.fail(Attempt::History, FailureCode::NoChannel, Reason::InNoChannel, hint);
                }
            },
        };
        let limit = limit.unwrap_or(limits::HISTORY_MESSAGES).min(wire_limits::HISTORY_LIMIT_MAX);
        self.ask(Ask::History { of, limit });
    }
}
