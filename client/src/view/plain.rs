//! Items as lines of text: for a person at a terminal, or one a line for a pipe. It writes nowhere and reads no clock.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

use recado_proto::{ChannelName, Here, Members, Style, UserName};

use crate::chat::item::{Attempt, Item, Message, Notice, Place};
use crate::limits;

use super::colour::{Palette, Role};
use super::text::{columns, fitted, harmless, one_line, parts};
use super::wording::{self, Language};

/// Where a line belongs when standard output is no terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// What was asked for: messages and lists.
    Output,
    /// What is said about it.
    Aside,
}

/// Turns items into text, and remembers the day that was shown last.
#[derive(Debug)]
pub struct PlainView {
    palette: Palette,
    language: Language,
    zone: TimeZone,
    for_pipe: bool,
    day: Date,
}

impl PlainView {
    /// For a terminal: short times with a heading when the day changes, lists in one paragraph, the current channel unnamed.
    pub fn for_terminal(palette: Palette, language: Language, now: &Zoned) -> Self {
        Self { palette, language, zone: now.time_zone().clone(), for_pipe: false, day: now.date() }
    }

    /// For a pipe: each message is one line with its date, its time and its channel; each name of a list is a line.
    pub fn for_pipe(palette: Palette, language: Language, now: &Zoned) -> Self {
        Self { palette, language, zone: now.time_zone().clone(), for_pipe: true, day: now.date() }
    }

    /// The item's lines without a last line feed, and where they belong; none if it has nothing to say here.
    pub fn render(&mut self, item: &Item) -> Option<(Stream, String)> {
        let language = self.language;
        match item {
            Item::Message(message) => Some((Stream::Output, self.message(message))),
            Item::Context(message) => Some((Stream::Output, self.message(message))),
            Item::Found { number, message, snippet } => {
                Some((Stream::Output, self.found(*number, message, snippet)))
            }
            Item::Act(act) => {
                let line = format!("* {}", wording::act(language, act));
                Some((Stream::Aside, self.palette.paint(Role::Notice, line).to_string()))
            }
            Item::Topic { channel, set, .. } => {
                let text = wording::topic(language, channel, set.as_ref());
                let line = self.palette.paint(Role::Notice, format!("* {text}")).to_string();
                Some((Stream::Aside, line))
            }
            Item::Search { partial, behind, .. } if self.for_pipe => {
                let left_out = wording::left_out(language, *partial, *behind)?;
                Some((Stream::Aside, format!("* {left_out}")))
            }
            Item::Backlog { .. }
            | Item::History { .. }
            | Item::HistoryEnd
            | Item::Jump { .. }
            | Item::Sent { .. }
                if self.for_pipe =>
            {
                None
            }
            // Only where one scrolls is it asked for.
            Item::Sent { .. }
            | Item::Older { .. }
            | Item::Read { .. }
            | Item::Here { .. }
            | Item::Typing { .. } => None,
            Item::Who(here) => Some((Stream::Output, self.who(here))),
            Item::Members { asked: false, .. } => None,
            Item::Members { channel, members, asked: true } => {
                Some((Stream::Output, self.members(channel, members)))
            }
            Item::Device { link } if self.for_pipe => Some((Stream::Output, link.clone())),
            Item::Device { link } => Some((Stream::Output, wording::device(language, link))),
            Item::Backlog { channel } => self.heading(&wording::backlog(language, channel.as_ref())),
            Item::History { of, count } => self.heading(&wording::history(language, of, *count)),
            Item::HistoryEnd => self.heading(wording::history_end(language)),
            Item::Search { words, count, partial, behind } => {
                self.heading(&wording::search(language, words, *count, *partial, *behind))
            }
            Item::Jump { of, .. } => self.heading(&wording::around(language, of)),
            Item::Users(users) => Some((Stream::Output, self.users(users))),
            Item::Channels { channels, joined, current } => {
                Some((Stream::Output, self.channels(channels, joined, current.as_ref())))
            }
            Item::Mentions(mentions) => self.mentions(mentions),
            Item::Help(None) => Some((Stream::Output, self.help())),
            Item::Help(Some(spec)) => Some((Stream::Output, wording::help_on(language, spec))),
            Item::Notice(notice) if self.for_pipe && is_as_expected(notice) => None,
            Item::Notice(notice @ Notice::Welcome { .. }) => {
                Some((Stream::Aside, wording::notice(language, notice)))
            }
            Item::Notice(Notice::Distrusted(found)) => {
                let lines = format!("! {}", wording::distrusted(language, found));
                Some((Stream::Aside, self.palette.paint(Role::Failure, lines).to_string()))
            }
            Item::Notice(notice) => {
                let line = format!("* {}", wording::notice(language, notice));
                Some((Stream::Aside, self.palette.paint(Role::Notice, line).to_string()))
            }
            Item::Failure(failure) => {
                let line = format!("! {}", wording::failure(language, failure));
                let mut lines = self.palette.paint(Role::Failure, line).to_string();
                if let Attempt::Send { text, .. } = &failure.what {
                    let text = fitted(text, limits::QUOTED_COLUMNS_MAX);
                    lines.extend(harmless(&text).lines().map(|line| format!("\n  > {line}")));
                }
                Some((Stream::Aside, lines))
            }
        }
    }

    fn heading(&self, text: &str) -> Option<(Stream, String)> {
        Some((Stream::Aside, self.palette.paint(Role::Heading, format!("— {text} —")).to_string()))
    }

    fn mentions(&mut self, mentions: &[Message]) -> Option<(Stream, String)> {
        let messages: Vec<String> = mentions.iter().map(|message| self.message(message)).collect();
        if self.for_pipe {
            return Some((Stream::Output, messages.join("\n")));
        }
        let (_, heading) = self.heading(&wording::mentions(self.language, mentions.len()))?;
        let end = self
            .heading(wording::history_end(self.language))
            .filter(|_| !mentions.is_empty())
            .map(|(_, end)| end);
        let lines: Vec<String> = std::iter::once(heading).chain(messages).chain(end).collect();
        Some((Stream::Output, lines.join("\n")))
    }

    fn message(&mut self, message: &Message) -> String {
        let time = Timestamp::from_millisecond(message.time_ms).unwrap_or(Timestamp::UNIX_EPOCH);
        let time = time.to_zoned(self.zone.clone());
        let head = self.head(message);
        if self.for_pipe {
            let time = time.strftime("%Y-%m-%d %H:%M");
            return format!("{} {head}: {}", self.palette.paint(Role::Time, time), one_line(&message.text));
        }
        let mut lines = String::new();
        if time.date() != self.day {
            self.day = time.date();
            let day = format!("— {} —", wording::day(self.language, time.date()));
            lines.push_str(&format!("{}\n", self.palette.paint(Role::Heading, day)));
        }
        let time = self.palette.paint(Role::Time, time.strftime("%H:%M")).to_string();
        if let Some(quoted) = &message.quoted {
            lines.push_str(&format!(
                "{}\n",
                self.palette.paint(Role::Heading, format!("      {}", wording::quoted(quoted)))
            ));
        }
        match message.manner.style {
            Some(Style::Me) => lines.push_str(&format!("{time} * {head} ")),
            None => lines.push_str(&format!("{time} {head}: ")),
        }
        let edited =
            if message.edited { format!(" {}", wording::edited(self.language)) } else { String::new() };
        for (index, line) in format!("{}{edited}", harmless(&message.text)).split('\n').enumerate() {
            if index > 0 {
                // So that no line of a message can look like a message of its own.
                lines.push_str("\n      ");
            }
            lines.push_str(line);
        }
        lines
    }

    /// A message that was found, on one line.
    fn found(&self, number: usize, message: &Message, snippet: &str) -> String {
        let time = Timestamp::from_millisecond(message.time_ms).unwrap_or(Timestamp::UNIX_EPOCH);
        let time =
            self.palette.paint(Role::Time, time.to_zoned(self.zone.clone()).strftime("%Y-%m-%d %H:%M"));
        let head = self.head(message);
        let parts = parts(snippet).into_iter().map(|(part, is_match)| match is_match {
            _ if self.for_pipe => part,
            true => self.palette.paint(Role::Match, part).to_string(),
            false => part,
        });
        let snippet: String = parts.collect();
        if self.for_pipe {
            format!("{time} {head}: {snippet}")
        } else {
            format!("{number:>3}  {time} {head}: {snippet}")
        }
    }

    /// Where and who.
    fn head(&self, message: &Message) -> String {
        let palette = self.palette;
        let author = wording::name(message.author.as_str());
        match &message.place {
            Place::Channel(channel) => {
                let role = if message.own { Role::OwnName } else { Role::Name(message.author.as_str()) };
                let author = palette.paint(role, author);
                if message.current && !self.for_pipe {
                    author.to_string()
                } else {
                    format!("{} {author}", palette.paint(Role::Channel, wording::channel(channel)))
                }
            }
            Place::Direct(with) if message.own => {
                palette.paint(Role::Direct, wording::from_you(self.language, with.as_str())).to_string()
            }
            Place::Direct(_) => {
                let author = message.author.as_str();
                palette.paint(Role::Direct, wording::to_you(self.language, author)).to_string()
            }
        }
    }

    fn users(&self, users: &[UserName]) -> String {
        if self.for_pipe {
            return users.iter().map(|user| one_line(user.as_str())).collect::<Vec<_>>().join("\n");
        }
        let names: Vec<String> = users
            .iter()
            .map(|user| {
                let shown = wording::name(user.as_str());
                self.palette.paint(Role::Name(user.as_str()), shown).to_string()
            })
            .collect();
        wording::users(self.language, &names)
    }

    fn who(&self, here: &[Here]) -> String {
        if self.for_pipe {
            let line = |here: &Here| format!("{} {}", here.state, one_line(here.user.as_str()));
            return here.iter().map(line).collect::<Vec<_>>().join("\n");
        }
        wording::who(self.language, here)
    }

    fn members(&self, channel: &ChannelName, members: &Members) -> String {
        if self.for_pipe && members.private {
            return members.members.iter().map(|user| one_line(user.as_str())).collect::<Vec<_>>().join("\n");
        }
        wording::members(self.language, channel, members)
    }

    fn channels(
        &self,
        channels: &[ChannelName],
        joined: &[ChannelName],
        current: Option<&ChannelName>,
    ) -> String {
        if self.for_pipe {
            return channels.iter().map(|channel| one_line(channel.as_str())).collect::<Vec<_>>().join("\n");
        }
        let names: Vec<String> = channels
            .iter()
            .map(|channel| {
                let shown = self.palette.paint(Role::Channel, wording::channel(channel));
                if current == Some(channel) {
                    format!("{shown} {}", wording::you_are_here(self.language))
                } else if joined.contains(channel) {
                    format!("{shown} {}", wording::joined(self.language))
                } else {
                    shown.to_string()
                }
            })
            .collect();
        wording::channels(self.language, &names)
    }

    fn help(&self) -> String {
        let (before, commands, after) = wording::help(self.language);
        let widest = commands.iter().map(|(usage, _)| columns(usage)).max().unwrap_or(0);
        let mut lines = before.to_owned();
        for (usage, summary) in commands {
            let gap = widest - columns(&usage) + 2;
            lines.push_str(&format!("\n  {}{:gap$}{summary}", self.palette.paint(Role::Command, usage), ""));
        }
        lines.push('\n');
        lines.push_str(after);
        lines
    }
}

/// What a script asked for went well: it need not be told.
fn is_as_expected(notice: &Notice) -> bool {
    match notice {
        Notice::Welcome { .. }
        | Notice::Joined { .. }
        | Notice::Switched { .. }
        | Notice::Talking { .. }
        | Notice::TalkingNoMore { .. }
        | Notice::Attending { .. }
        | Notice::Alerting { .. }
        | Notice::Disturbing { .. }
        | Notice::Left { .. }
        | Notice::Created { .. }
        | Notice::Governed { .. }
        | Notice::Secured { .. }
        | Notice::HowToQuit => true,
        Notice::ServerLost { .. }
        | Notice::Distrusted(_)
        | Notice::ServerBack { .. }
        | Notice::BrokerLost { .. }
        | Notice::NotAdmitted
        | Notice::BrokerBack
        | Notice::Missing { .. }
        | Notice::EpochChanged { .. }
        | Notice::Malformed { .. }
        | Notice::Kept { .. }
        | Notice::KeptBefore { .. }
        | Notice::KeptForLater { .. }
        | Notice::KeptDamaged { .. }
        | Notice::KeptElsewhere
        | Notice::KeepsNothing { .. }
        | Notice::Away { .. } => false,
    }
}
