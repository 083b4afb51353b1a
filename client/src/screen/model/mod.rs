//! What the full screen shows, apart from any terminal: conversations, where one is, what is being typed. Items and what people do go
//! in, requests come out.

mod arriving;
mod choosing;
mod company;
mod drafts;
mod finding;
mod going;
mod mentions;
mod reading;
mod typing;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use jiff::Zoned;
use recado_proto::{ChannelName, MessageId, Presence, UserName};

use crate::chat::command::OnMessage;
use crate::chat::complete::KnownNames;
use crate::chat::draft::{Aim, Draft};
use crate::chat::item::{Attempt, Item, Message, Place};
use crate::chat::{ReadTo, Whereabouts};
use crate::view::colour::Palette;
use crate::view::plain::PlainView;
use crate::view::wording::{self, Language};

use super::attention::{Alert, Attention, Wishes};
use super::composer::Composer;
use super::log::{Entry, Log, Older, Sending, What};

use self::company::Coming;
use self::finding::Landing;
use self::typing::Completing;

/// What the screen wants of others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Request {
    /// Take this line as typed.
    Line(String),
    /// Do this to this message.
    OnMessage { place: Place, target: MessageId, what: OnMessage },
    /// Put this into the clipboard.
    Copy(String),
    /// Plain lines go there now.
    Go(Place),
    /// Fetch what comes before this message, or the latest.
    Older(Place, Option<recado_proto::Place>),
    /// Fetch this message with what is around it.
    Around(Place, MessageId),
    /// Keep this for the next start.
    Draft(Place, Draft),
    /// Make the terminal's sound.
    Bell,
    /// Tell whoever does not look.
    Alert(Alert),
}

/// What lies over the messages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Overlay {
    /// Nothing.
    #[default]
    None,
    /// All keys, from this one.
    Keys { first: usize },
    /// Names that match what is typed, and which of them is meant.
    Switcher { query: String, chosen: usize },
    /// A text of many lines is to be sent: is it meant?
    Question { lines: usize },
    /// A message is to be taken back: is it meant?
    Delete { target: MessageId },
    /// Messages that mention one, and which of them is meant.
    Mentions { mentions: Vec<Message>, chosen: usize },
}

/// The state of the screen.
pub(crate) struct Model {
    pub(crate) language: Language,
    pub(crate) user: Option<UserName>,
    conversations: BTreeMap<Place, Log>,
    /// What is said while one is nowhere.
    lobby: Log,
    current: Option<Place>,
    before: Option<Place>,
    drafts: BTreeMap<Place, Draft>,
    /// What was kept of what is typed; none where that is not certain.
    kept_drafts: BTreeMap<Place, Option<Draft>>,
    keeps_drafts: bool,
    /// How many of the messages that come next were said while one was away.
    away: BTreeMap<Place, u64>,
    /// How far was read, here or on another device.
    read: BTreeMap<Place, ReadTo>,
    /// What may be worth a notification; none unless it must be known first what was read elsewhere.
    held_alerts: Option<VecDeque<(Message, bool)>>,
    /// Who is online or away.
    presence: BTreeMap<UserName, Presence>,
    /// Who came to each conversation and went.
    comings: BTreeMap<Place, VecDeque<Coming>>,
    /// Who is typing where, and until when that is shown, in Unix milliseconds.
    typing: BTreeMap<(Place, UserName), i64>,
    pub(crate) attention: Attention,
    pub(crate) composer: Composer,
    /// What is typed is for a message.
    pub(crate) aim: Option<Aim>,
    pub(crate) overlay: Overlay,
    pub(crate) completing: Option<Completing>,
    /// Asked before there is a chat.
    pub(crate) question: Option<String>,
    pub(crate) server_away: bool,
    pub(crate) broker_away: bool,
    pub(crate) not_admitted: bool,
    /// Channels that only their members know of.
    private: BTreeSet<ChannelName>,
    /// What answers is not the server that was meant.
    pub(crate) distrusted: bool,
    has_focus: bool,
    /// The channels of the last time are being joined: one does not go to each of them.
    is_returning: bool,
    /// What was seen before one went elsewhere, and nobody was told yet.
    passed: BTreeMap<Place, ReadTo>,
    /// The next mentions that come are not listed: one is gone to.
    goes_to_mention: bool,
    /// The message that is asked for, to be chosen when it comes.
    jumping: Option<MessageId>,
    /// One has just got to where one wanted to go.
    has_arrived: bool,
    known: KnownNames,
    /// How many things were handed on in all.
    handed: u64,
    notices: PlainView,
    requests: VecDeque<Request>,
    /// A message that one goes to, once one is there and nothing else is on its way.
    landing: Option<Landing>,
}

impl Model {
    pub(crate) fn new(language: Language, now: &Zoned) -> Self {
        Self {
            language,
            user: None,
            conversations: BTreeMap::new(),
            lobby: Log::default(),
            current: None,
            before: None,
            drafts: BTreeMap::new(),
            kept_drafts: BTreeMap::new(),
            keeps_drafts: false,
            away: BTreeMap::new(),
            read: BTreeMap::new(),
            held_alerts: None,
            presence: BTreeMap::new(),
            comings: BTreeMap::new(),
            typing: BTreeMap::new(),
            attention: Attention::new(&Wishes::default(), now.time_zone().clone()),
            composer: Composer::default(),
            aim: None,
            overlay: Overlay::None,
            completing: None,
            question: None,
            server_away: false,
            broker_away: false,
            not_admitted: false,
            private: BTreeSet::new(),
            distrusted: false,
            has_focus: true,
            is_returning: false,
            passed: BTreeMap::new(),
            goes_to_mention: false,
            jumping: None,
            has_arrived: false,
            known: KnownNames::default(),
            handed: 0,
            notices: PlainView::for_terminal(Palette::Plain, language, now),
            requests: VecDeque::new(),
            landing: None,
        }
    }

    pub(crate) fn next_request(&mut self) -> Option<Request> {
        self.requests.pop_front()
    }

    /// Where one is; none before there is a chat.
    pub(crate) fn current(&self) -> Option<&Place> {
        self.current.as_ref()
    }

    pub(crate) fn log(&self) -> &Log {
        self.current.as_ref().and_then(|place| self.conversations.get(place)).unwrap_or(&self.lobby)
    }

    pub(crate) fn log_mut(&mut self) -> &mut Log {
        let log = self.current.as_ref().and_then(|place| self.conversations.get_mut(place));
        log.unwrap_or(&mut self.lobby)
    }

    /// Channels first, then people, each by name.
    pub(crate) fn conversations(&self) -> impl Iterator<Item = (&Place, &Log)> {
        self.conversations.iter()
    }

    pub(crate) fn users(&self) -> &BTreeSet<UserName> {
        self.known.users()
    }

    /// Messages that were not read, in all conversations.
    pub(crate) fn unread(&self) -> usize {
        self.conversations.values().map(|log| log.unread).sum()
    }

    pub(crate) fn know(&mut self, known: KnownNames) {
        self.known = known;
    }

    /// One thing to show.
    pub(crate) fn show(&mut self, item: &Item, now_ms: i64) {
        if let Item::Members { channel, members, .. } = item {
            self.learn_privacy(channel, members.private);
        }
        match item {
            Item::Members { asked: false, .. } => {}
            Item::Message(message) => self.on_message(message, now_ms),
            Item::Older { of, messages, before, is_all } => {
                self.on_older(of, messages, *before, *is_all);
                self.fetch_latest();
            }
            Item::Act(act) => self.on_act(act, item, now_ms),
            Item::Sent { to, id, seq, epoch } => {
                let in_topic = is_topic(to);
                if let Some(log) = self.conversations.get_mut(to) {
                    log.answered(*id, (*epoch).zip(*seq), Sending::Sent, in_topic);
                }
            }
            // Messages stand where they belong, with what was there before.
            Item::Backlog { .. } | Item::History { .. } | Item::HistoryEnd | Item::Context(_) => {}
            Item::Search { .. } => self.say(item, now_ms),
            Item::Found { number, message, snippet } => self.on_found(*number, message, snippet, now_ms),
            Item::Jump { .. } => self.on_jump(item),
            Item::Topic { channel, set, asked } => {
                let log = self.conversations.get_mut(&Place::Channel(channel.clone()));
                if let (Some(log), Some(set)) = (log, set) {
                    log.topic_since(set.time_ms, &set.text);
                }
                if *asked {
                    self.say(item, now_ms);
                }
            }
            Item::Read { marks, is_all } => self.on_read(marks, *is_all, now_ms),
            Item::Users(_)
            | Item::Channels { .. }
            | Item::Who(_)
            | Item::Members { asked: true, .. }
            | Item::Device { .. }
            | Item::Help(_) => self.say(item, now_ms),
            Item::Here { here, is_all } => self.on_here(here, *is_all, now_ms),
            Item::Typing { place, user } => self.on_typing(place, user, now_ms),
            Item::Mentions(mentions) => self.on_mentions(mentions, now_ms),
            Item::Notice(notice) => self.on_notice(notice, item, now_ms),
            Item::Failure(failure) => {
                if let Attempt::Send { to: Some(to), id: Some(id), .. } = &failure.what
                    && let Some(log) = self.conversations.get_mut(to)
                {
                    log.answered(*id, None, Sending::Failed, false);
                }
                if let Attempt::Older(of) = &failure.what
                    && let Some(log) = self.conversations.get_mut(of)
                {
                    log.older = Older::Unknown;
                    self.land();
                }
                let text = wording::failure(self.language, failure);
                self.log_mut().append(Entry { time_ms: now_ms, what: What::Failure(text) });
            }
        }
    }

    /// How many things were handed on in all.
    #[cfg(test)]
    pub(crate) fn handed(&self) -> u64 {
        self.handed
    }

    /// Something more was handed on to the chat.
    pub(crate) fn handed_on(&mut self) {
        self.handed += 1;
    }

    /// The chat took so many of all things that were handed on; plain lines go there now.
    pub(crate) fn ready(&mut self, whereabouts: &Whereabouts, taken: u64) {
        self.user = Some(whereabouts.user.clone());
        if taken == self.handed
            && !self.is_returning
            && whereabouts.place != self.current
            && let Some(place) = whereabouts.place.clone()
        {
            self.enter(place);
        }
    }

    /// What is asked is said above the line; its answer is a line.
    pub(crate) fn ask(&mut self, question: String) {
        self.question = Some(question);
    }

    /// Something that is said before there is a chat.
    pub(crate) fn announce(&mut self, text: String, is_wrong: bool, now_ms: i64) {
        let what = if is_wrong { What::Failure(text) } else { What::Notice(text) };
        self.log_mut().append(Entry { time_ms: now_ms, what });
    }

    /// Whether only members know of this channel.
    pub(crate) fn is_private(&self, place: &Place) -> bool {
        matches!(place, Place::Channel(channel) if self.private.contains(channel))
    }

    /// Only of channels that are listed, so that there is a bound.
    fn learn_privacy(&mut self, channel: &ChannelName, is_private: bool) {
        if is_private && self.conversations.contains_key(&Place::Channel(channel.clone())) {
            self.private.insert(channel.clone());
        } else {
            self.private.remove(channel);
        }
    }

    fn log_of(&mut self, place: &Place) -> &mut Log {
        self.conversations.get_mut(place).unwrap_or(&mut self.lobby)
    }
}

/// A conversation with a user runs through two topics, a channel's through one.
pub(crate) fn is_topic(place: &Place) -> bool {
    matches!(place, Place::Channel(_))
}
