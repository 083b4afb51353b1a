//! What the full screen shows, apart from any terminal: conversations, where one is, what is being typed. Items and what people do go
//! in, requests come out.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use jiff::Zoned;
use recado_proto::{ActKind, UserName, limits as wire_limits};

use crate::chat::Whereabouts;
use crate::chat::complete::{Completion, KnownNames};
use crate::chat::item::{ActShown, Attempt, Item, Message, Notice, Place};
use crate::limits;
use crate::view::colour::Palette;
use crate::view::plain::PlainView;
use crate::view::text::{columns, one_line};
use crate::view::wording;

use super::attention::{Alert, Attention, Wishes};
use super::body;
use super::composer::Composer;
use super::log::{Entry, Log, Older, Sending, What};
use super::switcher;

/// What the screen wants of others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Request {
    /// Take this line as typed.
    Line(String),
    /// Plain lines go there now.
    Go(Place),
    /// Fetch what comes before this message, or the latest.
    Older(Place, Option<recado_proto::Place>),
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
}

/// Candidates for what is typed, gone through with Tab.
#[derive(Debug)]
pub(crate) struct Completing {
    completion: Completion,
    chosen: usize,
    end: usize,
}

impl Completing {
    /// The candidates around the chosen one, in so many columns.
    pub(crate) fn shown(&self, width: usize) -> String {
        let candidates = &self.completion.candidates;
        let mut shown = String::new();
        for (index, candidate) in candidates.iter().enumerate().skip(self.chosen.saturating_sub(2)) {
            let name = one_line(&candidate.shown);
            let name = if index == self.chosen { format!("[{name}]") } else { name.into_owned() };
            if columns(&shown) + columns(&name) + 2 > width {
                break;
            }
            shown.push_str(if shown.is_empty() { "" } else { "  " });
            shown.push_str(&name);
        }
        shown
    }
}

/// The state of the screen.
pub(crate) struct Model {
    pub(crate) user: Option<UserName>,
    conversations: BTreeMap<Place, Log>,
    /// What is said while one is nowhere.
    lobby: Log,
    current: Option<Place>,
    before: Option<Place>,
    drafts: BTreeMap<Place, String>,
    /// How many of the messages that come next were said while one was away.
    away: BTreeMap<Place, u64>,
    pub(crate) attention: Attention,
    pub(crate) composer: Composer,
    pub(crate) overlay: Overlay,
    pub(crate) completing: Option<Completing>,
    /// Asked before there is a chat.
    pub(crate) question: Option<String>,
    pub(crate) server_away: bool,
    pub(crate) broker_away: bool,
    has_focus: bool,
    known: KnownNames,
    /// How many things were handed on in all.
    handed: u64,
    notices: PlainView,
    requests: VecDeque<Request>,
}

impl Model {
    pub(crate) fn new(now: &Zoned) -> Self {
        Self {
            user: None,
            conversations: BTreeMap::new(),
            lobby: Log::default(),
            current: None,
            before: None,
            drafts: BTreeMap::new(),
            away: BTreeMap::new(),
            attention: Attention::new(&Wishes::default(), now.time_zone().clone()),
            composer: Composer::default(),
            overlay: Overlay::None,
            completing: None,
            question: None,
            server_away: false,
            broker_away: false,
            has_focus: true,
            known: KnownNames::default(),
            handed: 0,
            notices: PlainView::for_terminal(Palette::Plain, now),
            requests: VecDeque::new(),
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
        match item {
            Item::Message(message) => self.on_message(message, now_ms),
            Item::Older { of, messages, before, is_all } => self.on_older(of, messages, *before, *is_all),
            Item::Act(act) => self.on_act(act, item, now_ms),
            Item::Sent { to, id, seq, epoch } => {
                let in_topic = is_topic(to);
                if let Some(log) = self.conversations.get_mut(to) {
                    log.answered(*id, (*epoch).zip(*seq), Sending::Sent, in_topic);
                }
            }
            // Messages stand where they belong, with what was there before.
            Item::Backlog { .. } | Item::History { .. } | Item::HistoryEnd => {}
            Item::Users(_) | Item::Channels { .. } | Item::Help(_) => self.say(item, now_ms),
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
                }
                let text = wording::failure(failure);
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

    /// Enter: the text goes out, unless it is so long that it must be asked for first.
    pub(crate) fn submit(&mut self, is_meant: bool, now_ms: i64) {
        let text = self.composer.text();
        let lines = text.lines().count();
        if text.trim().is_empty() && self.question.is_none() {
            return;
        }
        if lines > limits::LINES_WITHOUT_QUESTION_MAX && !is_meant {
            self.overlay = Overlay::Question { lines };
            return;
        }
        if text.len() > wire_limits::MESSAGE_BYTES_MAX {
            let text = wording::too_long(text.len());
            return self.log_mut().append(Entry { time_ms: now_ms, what: What::Failure(text) });
        }
        self.overlay = Overlay::None;
        self.question = None;
        let line = self.composer.take();
        self.look_at_end();
        self.requests.push_back(Request::Line(line));
    }

    /// The line could not be handed on: it is typed still.
    pub(crate) fn take_back(&mut self, line: String, now_ms: i64) {
        self.composer.exchange(line);
        self.log_mut().append(Entry { time_ms: now_ms, what: What::Failure(wording::busy()) });
    }

    /// Goes to a conversation, a new one with a user if need be.
    pub(crate) fn go(&mut self, place: Place) {
        if self.current.as_ref() == Some(&place) {
            return;
        }
        match &place {
            Place::Channel(channel) if !self.conversations.contains_key(&place) => {
                return self.requests.push_back(Request::Line(format!("/join {channel}")));
            }
            Place::Channel(_) | Place::Direct(_) => {}
        }
        self.enter(place.clone());
        self.requests.push_back(Request::Go(place));
    }

    /// The next conversation where something was not read: where one is mentioned first, then people, then channels.
    pub(crate) fn go_to_activity(&mut self) {
        let urgency = |(place, log): &(&Place, &Log)| (log.mentions > 0, !is_topic(place), log.unread);
        let next = self.conversations.iter().filter(|(_, log)| log.unread > 0).max_by_key(urgency);
        match next.map(|(place, _)| place.clone()).or_else(|| self.before.clone()) {
            Some(place) => self.go(place),
            None => self.requests.push_back(Request::Bell),
        }
    }

    /// The next conversation in the list, or the one before.
    pub(crate) fn go_along(&mut self, forward: bool) {
        let places: Vec<&Place> = self.conversations.keys().collect();
        let Some(at) = places.iter().position(|place| Some(*place) == self.current.as_ref()) else { return };
        let next = if forward { at + 1 } else { at + places.len() - 1 } % places.len();
        self.go(places[next].clone());
    }

    /// The conversation at this place of the list, from 0.
    pub(crate) fn go_to_number(&mut self, number: usize) {
        if let Some(place) = self.conversations.keys().nth(number).cloned() {
            self.go(place);
        }
    }

    /// What the switcher offers: the best first.
    pub(crate) fn offered(&self, query: &str) -> Vec<Place> {
        let open = self.conversations.iter().map(|(place, log)| (place.clone(), log.unread > 0, true));
        let channels = self.known.channels().iter().cloned().map(Place::Channel);
        let users = self.known.users().iter().filter(|user| Some(*user) != self.user.as_ref());
        let others = channels.chain(users.cloned().map(Place::Direct));
        let others = others.filter(|place| !self.conversations.contains_key(place));
        switcher::best(query, open.chain(others.map(|place| (place, false, false))))
    }

    /// One looks at the window again, or no longer: what comes meanwhile was not read.
    pub(crate) fn focus(&mut self, has_focus: bool) {
        self.has_focus = has_focus;
        if has_focus && self.log().unread > 0 {
            self.log_mut().enter();
        }
    }

    /// One looks at the oldest messages that are here.
    pub(crate) fn want_older(&mut self) {
        let Some(place) = self.current.clone() else { return };
        let Some(log) = self.conversations.get_mut(&place) else { return };
        if log.older == Older::Unknown {
            if log.len() >= limits::LOG_MESSAGES_MAX {
                log.cut(limits::LOG_MESSAGES_DROPPED);
            }
            log.older = Older::Asked;
            let before = log.oldest(is_topic(&place));
            self.requests.push_back(Request::Older(place, before));
        }
    }

    /// Goes to the latest message, and stays at the end.
    pub(crate) fn look_at_end(&mut self) {
        self.log_mut().look_at(None);
        self.fetch_latest();
    }

    /// The latest were dropped and are wanted again. What was asked for before is waited for: it has no place in what comes then.
    pub(crate) fn fetch_latest(&mut self) {
        let log = self.log_mut();
        if log.is_cut() && log.anchor().is_none() && log.older != Older::Asked {
            log.restart();
            self.want_older();
        }
    }

    /// What was asked for could not be handed on.
    pub(crate) fn older_failed(&mut self, of: &Place) {
        self.log_of(of).older = Older::Unknown;
    }

    /// All that was typed and not sent, with where it was to go.
    pub(crate) fn typed_and_unsent(&self) -> Vec<String> {
        let here = std::iter::once((self.current.as_ref(), self.composer.text()));
        let elsewhere = self.drafts.iter().map(|(place, text)| (Some(place), text.as_str()));
        let typed = here.chain(elsewhere).filter(|(_, text)| !text.trim().is_empty());
        let said = |(place, text): (Option<&Place>, &str)| match place {
            Some(place) => format!("{}: {text}", super::draw::name_of(place)),
            None => text.to_owned(),
        };
        typed.map(said).collect()
    }

    /// Tab: the first candidate, or the next one.
    pub(crate) fn complete(&mut self, forward: bool) {
        let Some(mut completing) = self.completing.take() else {
            let completion = self.known.complete(self.composer.text(), self.composer.cursor());
            if let Some(first) = completion.candidates.first() {
                let start = completion.start;
                self.composer.replace_from(start, &first.replacement.clone());
                let end = self.composer.cursor();
                self.completing =
                    (completion.candidates.len() > 1).then_some(Completing { completion, chosen: 0, end });
            }
            return;
        };
        let count = completing.completion.candidates.len();
        completing.chosen =
            if forward { completing.chosen + 1 } else { completing.chosen + count - 1 } % count;
        if completing.end == self.composer.cursor() {
            let replacement = completing.completion.candidates[completing.chosen].replacement.clone();
            self.composer.replace_from(completing.completion.start, &replacement);
            completing.end = self.composer.cursor();
            self.completing = Some(completing);
        }
    }

    fn on_message(&mut self, message: &Message, now_ms: i64) {
        let place = self.room_for(&message.place);
        let is_new_to_user = !message.own && self.is_unread(message, &place);
        let is_mentioned = is_new_to_user && self.is_mentioned(&message.text);
        let mentions = is_new_to_user && (!is_topic(&message.place) || is_mentioned);
        let is_here = place == self.current && self.has_focus;
        let in_topic = place.as_ref().is_some_and(is_topic);
        let log = match &place {
            Some(place) => self.conversations.entry(place.clone()).or_default(),
            None => &mut self.lobby,
        };
        // What was dropped for whoever scrolled back is fetched again, and this with it.
        let is_new = log.is_cut() && !message.own || log.insert(Entry::said(message), in_topic);
        self.keep_bounds(None);
        if !is_new || !is_new_to_user {
            return;
        }
        let log =
            place.as_ref().and_then(|place| self.conversations.get_mut(place)).unwrap_or(&mut self.lobby);
        if place != self.current || message.earlier || !self.has_focus {
            log.unread += 1;
            log.mentions += usize::from(mentions);
        }
        if !is_here && let Some(alert) = self.attention.decide(message, is_mentioned, now_ms) {
            self.requests.push_back(Request::Alert(alert));
        }
        // What came while one was away is divided from what was read then.
        if place == self.current && message.earlier && !self.away.contains_key(&message.place) {
            self.log_mut().enter();
        }
    }

    /// Whether the message counts as not read: what was said before does only if one was away when it was.
    fn is_unread(&mut self, message: &Message, place: &Option<Place>) -> bool {
        if !message.earlier {
            return true;
        }
        let key = match place {
            Some(Place::Direct(_)) => {
                Place::Direct(self.user.clone().unwrap_or_else(|| message.author.clone()))
            }
            Some(Place::Channel(_)) | None => message.place.clone(),
        };
        match self.away.get_mut(&key) {
            Some(left) => {
                *left -= 1;
                if *left == 0 {
                    self.away.remove(&key);
                }
                true
            }
            None => false,
        }
    }

    /// The words that one listens for, as they are looked for.
    pub(crate) fn called(&self) -> Vec<String> {
        let own = self.user.iter().map(|user| body::folded(user.as_str()));
        own.chain(self.attention.keywords().iter().cloned()).collect()
    }

    fn is_mentioned(&self, text: &str) -> bool {
        let lower = body::folded(text);
        self.called().iter().any(|word| body::calls(&lower, word).next().is_some())
    }

    fn on_act(&mut self, act: &ActShown, item: &Item, now_ms: i64) {
        let Some(log) = self.conversations.get_mut(&act.place) else { return };
        match (act.kind, act.done()) {
            (ActKind::Topic, _) => {
                log.topic_since(act.time_ms, &act.text);
                if Some(&act.place) == self.current.as_ref() {
                    self.say(item, now_ms);
                }
            }
            (ActKind::Edit | ActKind::Delete | ActKind::React | ActKind::Unreact, Some((target, done))) => {
                log.act(target, done);
            }
            (ActKind::Edit | ActKind::Delete | ActKind::React | ActKind::Unreact, None) => {}
        }
    }

    fn on_older(&mut self, of: &Place, messages: &[Message], before: Option<u64>, is_all: bool) {
        let Some(log) = self.conversations.get_mut(of) else { return };
        // A page may hold only what is here already, when messages were said while it was on its way.
        let mut is_further = is_topic(of) && !is_all;
        for message in messages.iter().rev() {
            is_further |= log.insert(Entry::said(message), is_topic(of));
        }
        if is_topic(of) {
            log.page_began(before);
        }
        log.older = if is_further { Older::Unknown } else { Older::Nothing };
        self.keep_bounds(Some(of));
        self.fetch_latest();
    }

    /// What is held of all conversations has a bound, too.
    fn keep_bounds(&mut self, scrolled_back: Option<&Place>) {
        let bytes: usize = self.conversations.values().map(Log::bytes).sum();
        if bytes <= limits::LOGS_BYTES_MAX {
            return;
        }
        let Some((place, log)) = self.conversations.iter_mut().max_by_key(|(_, log)| log.bytes()) else {
            return;
        };
        let dropped = log.len().div_ceil(8);
        match Some(place) == scrolled_back {
            true => log.cut(dropped),
            false => log.forget(dropped),
        }
    }

    fn on_notice(&mut self, notice: &Notice, item: &Item, now_ms: i64) {
        match notice {
            Notice::Welcome { user, .. } => self.user = Some(user.clone()),
            Notice::Joined { channel, .. } => self.enter(Place::Channel(channel.clone())),
            Notice::Talking { user } => self.enter(Place::Direct(user.clone())),
            Notice::Left { channel, .. } => {
                let left = Place::Channel(channel.clone());
                self.conversations.remove(&left);
                self.before.take_if(|before| *before == left);
                self.current.take_if(|current| *current == left);
            }
            Notice::ServerLost { .. } => self.server_away = true,
            Notice::ServerBack { .. } => {
                self.server_away = false;
                self.want_first();
            }
            Notice::BrokerLost { .. } => self.broker_away = true,
            Notice::BrokerBack => self.broker_away = false,
            Notice::Away { channel, shown, .. } => {
                let own = self.user.clone().map(Place::Direct);
                if let Some(place) = channel.clone().map(Place::Channel).or(own)
                    && *shown > 0
                {
                    self.away.insert(place, *shown);
                }
            }
            // One sees where one is.
            Notice::Switched { .. } | Notice::TalkingNoMore { .. } => return,
            Notice::Created { .. }
            | Notice::Missing { .. }
            | Notice::EpochChanged { .. }
            | Notice::Malformed { .. }
            | Notice::Kept { .. }
            | Notice::KeptBefore { .. }
            | Notice::KeptForLater { .. }
            | Notice::KeptDamaged { .. }
            | Notice::KeptElsewhere
            | Notice::KeepsNothing { .. }
            | Notice::HowToQuit => {}
        }
        self.say(item, now_ms);
    }

    fn say(&mut self, item: &Item, now_ms: i64) {
        if let Some((_, text)) = self.notices.render(item) {
            self.log_mut().append(Entry { time_ms: now_ms, what: What::Notice(text) });
        }
    }

    fn enter(&mut self, place: Place) {
        if self.current.as_ref() == Some(&place) {
            return;
        }
        self.completing = None;
        if let Some(former) = self.current.take() {
            self.log_of(&former).leave();
            let draft = self.composer.exchange(self.drafts.remove(&place).unwrap_or_default());
            if !draft.is_empty() {
                self.drafts.insert(former.clone(), draft);
            }
            self.before = Some(former);
        }
        let log = self.conversations.entry(place.clone()).or_default();
        // What was said before there was any conversation is worth reading in the first.
        std::mem::take(&mut self.lobby).into_entries().for_each(|entry| log.append(entry));
        log.enter();
        if log.is_cut() && log.older != Older::Asked {
            log.restart();
        }
        self.current = Some(place);
        self.want_first();
    }

    /// Asks for messages where there are none yet.
    fn want_first(&mut self) {
        let is_topic = self.current.as_ref().is_some_and(is_topic);
        if self.log().oldest(is_topic).is_none() {
            self.want_older();
        }
    }

    fn log_of(&mut self, place: &Place) -> &mut Log {
        self.conversations.get_mut(place).unwrap_or(&mut self.lobby)
    }

    /// The conversation that a message is shown in.
    fn room_for(&self, place: &Place) -> Option<Place> {
        let has_room =
            self.conversations.contains_key(place) || self.conversations.len() < limits::CONVERSATIONS_MAX;
        if has_room { Some(place.clone()) } else { self.current.clone() }
    }
}

/// A conversation with a user runs through two topics, a channel's through one.
pub(crate) fn is_topic(place: &Place) -> bool {
    matches!(place, Place::Channel(_))
}
