//! What one does to messages that were said: edit, take back, react, answer. Messages are named by how far back they are in the
//! conversation where one is, the latest being 1.

use std::collections::{BTreeMap, VecDeque};

use recado_proto::{
    Act, ActDone, ActIn, ActKind, ChannelName, HistoryPage, Manner, MessageId, Style, UserName,
};

use crate::limits;
use crate::session::{RequestError, SendOutcome};

use super::command::OnMessage;
use super::item::{ActShown, Attempt, FailureCode, Item, Place, Quoted, TopicSet};
use super::reason::{Hint, Reason};
use super::{Ask, Chat, Effect, emoji};

/// A message that was shown.
#[derive(Clone, Debug)]
struct Said {
    id: MessageId,
    author: UserName,
    own: bool,
    text: String,
}

/// The messages that were shown last, of each conversation.
#[derive(Debug, Default)]
pub(super) struct Recently(BTreeMap<Place, VecDeque<Said>>);

impl Recently {
    /// A message was shown.
    pub(super) fn said(
        &mut self,
        place: &Place,
        id: Option<MessageId>,
        author: &UserName,
        own: bool,
        text: &str,
    ) {
        let Some(id) = id else { return };
        if !self.0.contains_key(place) && self.0.len() >= limits::CONVERSATIONS_MAX {
            return;
        }
        let said = self.0.entry(place.clone()).or_default();
        if said.iter().any(|known| known.id == id) {
            return;
        }
        if said.len() >= limits::NUMBERED_MESSAGES_MAX {
            said.pop_front();
        }
        let text = text.chars().take(limits::QUOTED_CHARACTERS_MAX).collect();
        said.push_back(Said { id, author: author.clone(), own, text });
    }

    /// It can be named no more.
    fn deleted(&mut self, place: &Place, id: MessageId) {
        if let Some(said) = self.0.get_mut(place) {
            said.retain(|known| known.id != id);
        }
    }

    /// The message that another one answers.
    pub(super) fn quoted(&self, place: &Place, id: MessageId) -> Option<Quoted> {
        let said = self.0.get(place)?.iter().find(|said| said.id == id)?;
        Some(Quoted { author: said.author.clone(), text: said.text.clone() })
    }

    /// So far back from the latest, which is 1; of one's own only, if so.
    fn back(&self, place: &Place, back: usize, own: bool) -> Option<&Said> {
        let said = self.0.get(place)?.iter().rev().filter(|said| said.own || !own);
        said.clone().nth(back.checked_sub(1)?)
    }
}

impl Chat {
    /// A command that is about a message, or about the channel where one is.
    pub(super) fn on_act(&mut self, back: Option<usize>, what: OnMessage, echo: bool, now_ms: i64) {
        let Some(place) = self.current_place() else {
            return self.fail(Attempt::Act, FailureCode::NoChannel, Reason::InNoConversation, None);
        };
        let what = match what {
            OnMessage::Topic(text) => return self.do_to(&place, Act::Topic { text }, now_ms),
            what => what,
        };
        // Without a number one's own latest is edited or taken back, and anybody's latest answered.
        let own = back.is_none() && matches!(what, OnMessage::Edit(_) | OnMessage::Delete);
        let Some(target) = self.recently.back(&place, back.unwrap_or(1), own).map(|said| said.id) else {
            let reason = back.map_or(Reason::NothingShown, Reason::NotSoFarBack);
            return self.fail(Attempt::Act, FailureCode::NoMessage, reason, Some(Hint::Numbers));
        };
        self.act_on(place, target, what, echo, now_ms);
    }

    /// Something is to be done to a message that was chosen where one saw this place.
    pub fn on_chosen(&mut self, place: Place, target: MessageId, what: OnMessage, now_ms: i64) {
        self.hint_given = false;
        self.act_on(place, target, what, true, now_ms);
    }

    fn act_on(&mut self, place: Place, target: MessageId, what: OnMessage, echo: bool, now_ms: i64) {
        let act = match what {
            OnMessage::Answer(text) => {
                let manner = Manner { target: Some(target), style: None };
                return self.say_in_manner(place, text, manner, echo, now_ms);
            }
            OnMessage::Edit(text) => Act::Edit { target, text },
            OnMessage::Delete => Act::Delete { target },
            OnMessage::React(written) => match emoji::meant(&written) {
                Some(emoji) => Act::React { target, emoji: emoji.to_owned() },
                None => return self.no_such_emoji(&written),
            },
            OnMessage::Unreact(written) => match emoji::meant(&written) {
                Some(emoji) => Act::Unreact { target, emoji: emoji.to_owned() },
                None => return self.no_such_emoji(&written),
            },
            OnMessage::Topic(text) => Act::Topic { text },
        };
        self.do_to(&place, act, now_ms);
    }

    fn no_such_emoji(&mut self, written: &str) {
        let reason = Reason::NoSuchEmoji(written.to_owned());
        self.fail(Attempt::Act, FailureCode::BadCommand, reason, Some(Hint::EmojiNames));
    }

    fn do_to(&mut self, place: &Place, act: Act, now_ms: i64) {
        let within = match place {
            Place::Channel(channel) => ActIn::Channel(channel.clone()),
            Place::Direct(user) => ActIn::With(user.clone()),
        };
        self.waiting += 1;
        self.effects.push_back(Effect::Ask(Ask::Act { id: MessageId::new_v7(), within, act, at_ms: now_ms }));
    }

    /// What the channel is about where one is.
    pub(super) fn show_topic(&mut self) {
        match self.current_place() {
            Some(Place::Channel(channel)) => self.ask(Ask::Topic { channel, quiet: false }),
            Some(Place::Direct(_)) | None => {
                self.fail(Attempt::Act, FailureCode::NoChannel, Reason::OnlyChannels, None);
            }
        }
    }

    pub(super) fn on_topic(
        &mut self,
        channel: ChannelName,
        quiet: bool,
        result: Result<HistoryPage, RequestError>,
    ) {
        if !quiet {
            self.waiting = self.waiting.saturating_sub(1);
        }
        match result {
            Ok(HistoryPage { topic: Some(topic), .. }) if !quiet || !topic.message.is_empty() => {
                let time_ms = i64::try_from(topic.time_ms).unwrap_or(i64::MAX);
                let set = TopicSet { author: topic.user, time_ms, text: topic.message };
                self.show(Item::Topic { channel, set: Some(set), asked: !quiet });
            }
            Ok(_) if quiet => {}
            Ok(_) => self.show(Item::Topic { channel, set: None, asked: true }),
            Err(error) if quiet => tracing::debug!(%error, "what the channel is about is not known"),
            Err(error) => self.fail_request(Attempt::Act, &error, None),
        }
    }

    /// What one does oneself: `/me waves`.
    pub(super) fn say_of_oneself(&mut self, text: String, echo: bool, now_ms: i64) {
        match self.current_place() {
            Some(place) => {
                let manner = Manner { target: None, style: Some(Style::Me) };
                self.say_in_manner(place, text, manner, echo, now_ms);
            }
            None => self.say_nowhere(text),
        }
    }

    pub(super) fn on_act_answered(&mut self, within: ActIn, act: &Act, at_ms: i64, outcome: SendOutcome) {
        self.waiting = self.waiting.saturating_sub(1);
        match outcome {
            SendOutcome::Acknowledged { id, seq, epoch } => {
                // What is done in a channel comes back as others hear it.
                let ActIn::With(user) = within else { return };
                let (kind, target, text) = parts(act);
                let author = self.user.clone();
                let place = Place::Direct(user);
                let (time_ms, id) = (at_ms, Some(id));
                self.show_act(ActShown {
                    place,
                    author,
                    kind,
                    target,
                    text,
                    time_ms,
                    id,
                    seq,
                    epoch,
                    own: true,
                });
            }
            SendOutcome::Refused { code, description, .. } => {
                let error = RequestError::Refused { code, description };
                self.fail_request(Attempt::Act, &error, None);
            }
            SendOutcome::Unanswered { attempts, .. } => {
                let error = RequestError::Unanswered { attempts };
                self.fail_request(Attempt::Act, &error, None);
            }
            SendOutcome::Failed { error, .. } => self.fail_request(Attempt::Act, &error, None),
        }
    }

    /// Somebody did something.
    pub(super) fn show_act(&mut self, act: ActShown) {
        if let (ActKind::Delete, Some(target)) = (act.kind, act.target) {
            self.recently.deleted(&act.place, target);
            self.mentions.deleted(&act.place, target);
        }
        self.show(Item::Act(act));
    }
}

impl ActShown {
    /// The act as what a message comes to by it; none if it is about no message, or has no place yet.
    pub fn done(&self) -> Option<(MessageId, ActDone)> {
        let done = ActDone {
            kind: self.kind,
            user: self.author.clone(),
            message: self.text.clone(),
            id: self.id?,
            seq: self.seq.unwrap_or(0),
            time_ms: u64::try_from(self.time_ms).unwrap_or(0),
        };
        Some((self.target?, done))
    }
}

fn parts(act: &Act) -> (ActKind, Option<MessageId>, String) {
    match act {
        Act::Edit { target, text } => (ActKind::Edit, Some(*target), text.clone()),
        Act::Delete { target } => (ActKind::Delete, Some(*target), String::new()),
        Act::React { target, emoji } => (ActKind::React, Some(*target), emoji.clone()),
        Act::Unreact { target, emoji } => (ActKind::Unreact, Some(*target), emoji.clone()),
        Act::Topic { text } => (ActKind::Topic, None, text.clone()),
    }
}
