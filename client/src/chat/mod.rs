//! What the client does with what is typed and with what arrives, apart from any terminal, socket or clock: lines, answers
//! and events go in, [`Effect`]s come out. Every face (terminal, plain lines, JSON) runs on this.

mod acting;
mod alerting;
pub mod command;
mod commanding;
mod company;
pub mod complete;
pub mod draft;
mod emoji;
mod exchange;
mod finding;
pub mod fold;
mod governing;
pub mod item;
pub(crate) mod mentions;
mod nearest;
mod outbox;
mod reading;
pub mod reason;
mod received;
mod returning;
pub mod search;
#[cfg(test)]
mod tests;
mod unread;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use recado_proto::{ChannelName, Code, Epoch, UserName};

use crate::kept::Record;
use crate::receiver::Topic;
use crate::session::RequestError;

use self::acting::Recently;
use self::command::Command;
use self::company::Attendance;
use self::complete::KnownNames;
use self::item::{Attempt, Failure, FailureCode, Item, Message, Notice, Place};
use self::mentions::Mentions;
use self::outbox::Outbox;
use self::reading::Reading;
use self::reason::{Hint, Reason, Unreadable};
use self::returning::Joining;
use self::unread::Unread;

pub use company::{Activity, Company, Says};
pub use exchange::{Answer, Ask, Effect};
pub(crate) use finding::place_of;
pub use reading::{ReadTo, Reads};

/// What a face decides about the chat.
#[derive(Clone, Debug)]
pub struct ChatConfig {
    /// Who one is.
    pub user: UserName,
    /// How many messages of a channel are shown on joining it.
    pub backlog: u32,
    /// Lines that no server answers are kept and sent later, instead of failing.
    pub patient: bool,
    /// What is unanswered at the end, and how far topics were shown, is kept until the next start.
    pub keeps: bool,
    /// Nobody sees that a channel could not be joined: what follows must not go to the one before.
    pub unattended: bool,
    /// What one's other devices are told to be read.
    pub reads: Reads,
    /// The server knows people by their keys, and channels may be private.
    pub secured: bool,
    /// What is said and heard of who is here.
    pub company: Company,
}

/// Who one is and where one talks, for the prompt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Whereabouts {
    /// Who.
    pub user: UserName,
    /// Where plain lines go.
    pub place: Option<Place>,
}

/// The state of one user's chat.
#[derive(Debug)]
pub struct Chat {
    user: UserName,
    backlog: u32,
    patient: bool,
    unattended: bool,
    keeps: bool,
    secured: bool,
    /// A channel could not be joined, and nobody is there to see it.
    astray: bool,
    /// The current channel is the last one.
    joined: Vec<ChannelName>,
    /// Plain lines go to this user, and not to the current channel.
    direct: Option<UserName>,
    joining: BTreeMap<ChannelName, Joining>,
    /// To be joined one after the other, the last one to talk in.
    returning: VecDeque<ChannelName>,
    /// How far each topic was shown, or read where the face says what one sees.
    places: BTreeMap<Topic, (Epoch, u64)>,
    /// Something is kept of an earlier run.
    was_here: bool,
    /// Those that were not written down yet.
    unsaved: BTreeSet<Topic>,
    unread: Unread,
    /// The channels of the last time are being joined.
    is_returning: bool,
    /// The channel that a new server is to begin with; somebody else may have had the same thought.
    beginning: Option<ChannelName>,
    wrote_last: Option<UserName>,
    direct_backlog_begun: bool,
    /// What was found last, by its numbers from 1.
    found: Vec<Message>,
    outbox: Outbox,
    recently: Recently,
    mentions: Mentions,
    reading: Reading,
    attendance: Attendance,
    known: KnownNames,
    server_away: bool,
    kept_said: bool,
    hint_given: bool,
    /// Asked for by the user and not answered yet, joins not counted.
    waiting: usize,
    failures: usize,
    effects: VecDeque<Effect>,
}

impl Chat {
    /// A chat of somebody who has just logged in.
    pub fn new(config: ChatConfig) -> Self {
        Self {
            mentions: Mentions::of(&config.user),
            user: config.user,
            backlog: config.backlog,
            patient: config.patient,
            unattended: config.unattended,
            keeps: config.keeps,
            secured: config.secured,
            astray: false,
            joined: Vec::new(),
            direct: None,
            joining: BTreeMap::new(),
            returning: VecDeque::new(),
            places: BTreeMap::new(),
            was_here: false,
            unsaved: BTreeSet::new(),
            unread: Unread::default(),
            is_returning: false,
            beginning: None,
            wrote_last: None,
            direct_backlog_begun: false,
            found: Vec::new(),
            outbox: Outbox::default(),
            recently: Recently::default(),
            reading: Reading::new(config.reads),
            attendance: Attendance::new(config.company),
            known: KnownNames::default(),
            server_away: false,
            kept_said: false,
            hint_given: false,
            waiting: 0,
            failures: 0,
            effects: VecDeque::new(),
        }
    }

    /// Greets, and goes to the first channel: the one that is wanted; or else `usual`, if there is one, or if there is no
    /// channel at all, which is a new server that is waiting for somebody to begin.
    pub fn begin(
        &mut self,
        channels: &[ChannelName],
        wanted: Option<ChannelName>,
        usual: Option<ChannelName>,
    ) {
        self.known.set_channels(channels.iter().cloned());
        let is_there = |channel: &ChannelName| channels.contains(channel);
        self.returning.retain(|channel| channels.contains(channel) && Some(channel) != wanted.as_ref());
        if !self.returning.is_empty() {
            self.returning.extend(wanted);
            self.notice(Notice::Welcome {
                user: self.user.clone(),
                channels: channels.to_vec(),
                joining: self.returning.back().cloned(),
                is_first: !self.was_here,
            });
            self.send_kept();
            self.is_returning = true;
            return self.return_to_next();
        }
        let create = wanted.is_none() && channels.is_empty();
        let joining = wanted.or_else(|| usual.filter(|usual| channels.is_empty() || is_there(usual)));
        self.notice(Notice::Welcome {
            user: self.user.clone(),
            channels: channels.to_vec(),
            joining: joining.clone(),
            is_first: !self.was_here,
        });
        self.send_kept();
        match joining {
            Some(channel) if create => {
                self.beginning = Some(channel.clone());
                self.create(channel, false);
            }
            Some(channel) => self.join(channel),
            None => {}
        }
    }

    /// A line was typed or read. A message is shown at once if `echo` is set, otherwise it is not shown at all.
    pub fn on_line(&mut self, line: &str, echo: bool, now_ms: i64) {
        self.hint_given = false;
        match Command::parse(line) {
            Ok(None) => {}
            Ok(Some(command)) => self.on_command(command, echo, now_ms),
            Err(error) => self.fail(Attempt::Line, FailureCode::BadCommand, Reason::Command(error), None),
        }
    }

    /// A line of input could not be read at all.
    pub fn on_unreadable_line(&mut self, why: Unreadable) {
        self.fail(Attempt::Line, FailureCode::BadCommand, Reason::Unreadable(why), None);
    }

    /// Ctrl-C on an empty line: says how to leave, and leaves the second time.
    pub fn on_interrupt(&mut self) {
        if std::mem::replace(&mut self.hint_given, true) {
            self.effects.push_back(Effect::Quit);
        } else {
            self.notice(Notice::HowToQuit);
        }
    }

    /// A line was typed where one saw this place: what is said goes there and nowhere else, whatever has happened since.
    pub fn on_line_at(&mut self, line: &str, place: Place, now_ms: i64) {
        if self.go(place.clone()) {
            return self.on_line(line, true, now_ms);
        }
        match Command::parse(line) {
            Ok(Some(Command::Say(text))) => {
                let attempt = Attempt::Send { to: Some(place), text, id: None, ambiguous: false };
                let hint = Some(Hint::JoinThere);
                self.fail(attempt, FailureCode::NoChannel, Reason::NotInThisChannel, hint);
            }
            Ok(_) | Err(_) => self.on_line(line, true, now_ms),
        }
    }

    /// From now on plain lines go there, if that is a channel that is followed or a user: otherwise it is false. Nothing is said about
    /// it.
    pub fn go(&mut self, place: Place) -> bool {
        match place {
            Place::Channel(channel) if self.joined.contains(&channel) => self.go_to(channel),
            Place::Channel(_) => return false,
            Place::Direct(user) => self.direct = Some(user),
        }
        true
    }

    /// Messages from before this one are wanted, or the latest; they come as [`Item::Older`].
    pub fn want_older(&mut self, of: Place, before: Option<recado_proto::Place>) {
        self.effects.push_back(Effect::Ask(Ask::Older { of, before }));
    }

    /// The session answered.
    pub fn on_answer(&mut self, answer: Answer) {
        match answer {
            // That it is joined comes as an event, after its backlog.
            Answer::Join(_, Ok(())) => {}
            Answer::Join(channel, Err(error)) => {
                self.joining.remove(&channel);
                self.astray = self.unattended;
                let hint = self.channel_hint(&channel, &error);
                self.fail_request(Attempt::Join(channel), &error, hint);
                self.return_to_next();
            }
            Answer::Look(channel, result) => self.on_looked(channel, result),
            Answer::Create(channel, result) => {
                self.waiting = self.waiting.saturating_sub(1);
                let beginning = self.beginning.take_if(|beginning| *beginning == channel).is_some();
                match result {
                    Err(error) if beginning && error.code() == Some(&Code::NameTaken) => self.join(channel),
                    Ok(()) => {
                        self.known.add_channel(&channel);
                        self.notice(Notice::Created { channel: channel.clone() });
                        self.join(channel);
                    }
                    Err(error) => {
                        self.astray = self.unattended;
                        let hint = (error.code() == Some(&Code::NameTaken)
                            && self.known.has_channel(&channel))
                        .then(|| Hint::Join(channel.clone()));
                        self.fail_request(Attempt::Create(channel), &error, hint);
                    }
                }
            }
            Answer::Users { quiet, result } => self.on_users(quiet, result),
            Answer::Channels { quiet, result } => self.on_channels(quiet, result),
            Answer::History { of, result } => self.on_history(of, result),
            Answer::Older { of, result } => self.on_older(of, result),
            Answer::Search(request, result) => self.on_found(request, result),
            Answer::Around { of, id, result } => self.on_around(of, id, result),
            Answer::Act { within, act, at_ms, outcome } => {
                self.on_act_answered(within, &act, at_ms, outcome);
            }
            Answer::Send(outcome) => self.on_sent(outcome),
            Answer::Govern { what, channel, result } => self.on_governed(what, channel, result),
            Answer::Members { channel, asked, result } => self.on_members(channel, asked, result),
            Answer::Device(result) => self.on_device(result),
            Answer::Topic { channel, quiet, result } => self.on_topic(channel, quiet, result),
            Answer::Mark(mark, result) => self.on_told(mark, result),
            Answer::Marks(result) => self.on_marks(result),
            Answer::Here(result) => {
                if let Err(error) = result {
                    tracing::debug!(%error, "that one is here was not heard");
                }
            }
            Answer::Who { quiet, result } => self.on_who(quiet, result),
        }
    }

    /// Nothing more is to come and the chat ends: what was not sent is said, and what becomes of it.
    pub fn on_end(&mut self) {
        if self.keeps {
            let lines = self.outbox.take_all().len();
            if lines > 0 {
                self.notice(Notice::KeptForLater { lines });
            }
            return;
        }
        for unsent in self.outbox.take_all() {
            let attempt = Attempt::Send {
                to: Some(unsent.to),
                text: unsent.text,
                id: Some(unsent.id),
                ambiguous: unsent.tried,
            };
            let reason = match (unsent.tried, self.server_away) {
                (true, _) => Reason::NoAnswer,
                (false, true) => Reason::NoServer,
                (false, false) => Reason::LineBefore,
            };
            self.fail(attempt, FailureCode::Unanswered, reason, None);
        }
    }

    /// The next thing to do.
    pub fn next_effect(&mut self) -> Option<Effect> {
        self.effects.pop_front()
    }

    /// Whether every command has had its effect; messages may still be under way.
    pub fn is_settled(&self) -> bool {
        self.waiting == 0 && self.joining.is_empty()
    }

    /// How many messages have not been answered.
    pub fn unsent(&self) -> usize {
        self.outbox.len()
    }

    /// Whether messages are waiting for a server that is away.
    pub fn is_server_away(&self) -> bool {
        self.server_away
    }

    /// How many things that were asked for have failed.
    pub fn failures(&self) -> usize {
        self.failures
    }

    /// For the prompt.
    pub fn whereabouts(&self) -> Whereabouts {
        Whereabouts { user: self.user.clone(), place: self.current_place() }
    }

    /// For completion.
    pub fn known(&self) -> &KnownNames {
        &self.known
    }

    /// No line is typed here.
    pub fn on_nowhere_to_write(&mut self) {
        self.fail(Attempt::Line, FailureCode::BadCommand, Reason::NeedsTerminal, None);
    }

    fn on_users(&mut self, quiet: bool, result: Result<Vec<UserName>, RequestError>) {
        if !quiet {
            self.waiting = self.waiting.saturating_sub(1);
        }
        match result {
            Ok(users) => {
                self.known.set_users(users.iter().cloned());
                if !quiet {
                    self.show(Item::Users(users));
                }
            }
            Err(_) if quiet => {}
            Err(error) => self.fail_request(Attempt::Users, &error, None),
        }
    }

    fn on_channels(&mut self, quiet: bool, result: Result<Vec<ChannelName>, RequestError>) {
        if !quiet {
            self.waiting = self.waiting.saturating_sub(1);
        }
        match result {
            Ok(channels) => {
                self.known.set_channels(channels.iter().cloned());
                if !quiet {
                    let mut joined = self.joined.clone();
                    joined.sort();
                    self.show(Item::Channels { channels, joined, current: self.current().cloned() });
                }
            }
            Err(_) if quiet => {}
            Err(error) => self.fail_request(Attempt::Channels, &error, None),
        }
    }

    fn current(&self) -> Option<&ChannelName> {
        if self.astray { None } else { self.joined.last() }
    }

    fn current_place(&self) -> Option<Place> {
        let direct = self.direct.clone().filter(|_| !self.astray).map(Place::Direct);
        direct.or_else(|| self.current().cloned().map(Place::Channel))
    }

    fn is_current(&self, place: &Place) -> bool {
        self.current_place().as_ref() == Some(place)
    }

    fn go_to(&mut self, channel: ChannelName) {
        self.astray = false;
        self.direct = None;
        self.joined.retain(|joined| *joined != channel);
        self.keep(Record::Joined(channel.clone()), false);
        self.joined.push(channel);
        self.known.set_joined(self.joined.iter().cloned());
    }

    /// What to do when a channel cannot be joined or is not there.
    fn channel_hint(&self, channel: &ChannelName, error: &RequestError) -> Option<Hint> {
        if error.code() != Some(&Code::NoSuchChannel) {
            return None;
        }
        let names = self.known.channels().iter().map(ChannelName::as_str);
        Some(match nearest::nearest(channel.as_str(), names) {
            Some(nearest) => Hint::NearestChannel { nearest: nearest.to_owned(), named: channel.clone() },
            None => Hint::Create(channel.clone()),
        })
    }

    fn ask(&mut self, ask: Ask) {
        self.waiting += 1;
        self.effects.push_back(Effect::Ask(ask));
    }

    fn show(&mut self, item: Item) {
        self.effects.push_back(Effect::Show(item));
    }

    fn notice(&mut self, notice: Notice) {
        self.show(Item::Notice(notice));
    }

    fn fail_request(&mut self, what: Attempt, error: &RequestError, hint: Option<Hint>) {
        let code = match error {
            RequestError::Refused { code, .. } => FailureCode::Server(code.clone()),
            RequestError::Unanswered { .. } => FailureCode::Unanswered,
            RequestError::Malformed { .. }
            | RequestError::Distrusted(_)
            | RequestError::NotLoggedIn
            | RequestError::Busy
            | RequestError::TooManyTopics
            | RequestError::Closed => FailureCode::Session,
        };
        let reason = match (&what, error.code()) {
            (Attempt::Join(channel), Some(Code::NoSuchChannel)) => Reason::NoSuchChannel(channel.clone()),
            (Attempt::Send { to: Some(Place::Channel(channel)), .. }, Some(Code::NoSuchChannel))
                if self.joined.contains(channel) =>
            {
                Reason::NoLongerIn(channel.clone())
            }
            _ => Reason::Request(error.clone()),
        };
        self.fail(what, code, reason, hint);
    }

    fn fail(&mut self, what: Attempt, code: FailureCode, reason: Reason, hint: Option<Hint>) {
        self.failures += 1;
        self.show(Item::Failure(Failure { what, code, reason, hint }));
    }
}

/// Names that a person may write with a mark before them, when no name has that mark itself.
pub(crate) fn without_mark<'a>(
    name: &'a str,
    mark: char,
    known: &BTreeSet<impl Ord + std::borrow::Borrow<str>>,
) -> &'a str {
    match name.strip_prefix(mark) {
        Some(bare) if !known.contains(name) && !bare.trim().is_empty() => bare,
        _ => name,
    }
}
