//! What comes from the chat, and in which conversation it is shown.

use recado_proto::ActKind;

use crate::chat::item::{ActShown, Item, Message, Notice, Place, Quoted};
use crate::chat::mentions::{calls, folded};
use crate::limits;
use crate::screen::log::{Entry, Log, Older, What};
use crate::view::wording;

use super::{Model, is_topic};

impl Model {
    pub(super) fn on_message(&mut self, message: &Message, now_ms: i64) {
        self.stopped_typing(&message.place, &message.author);
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
        let is_new = log.is_cut() && !message.own || log.insert(said(message, log), in_topic);
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
        if !is_here {
            self.alert(message, is_mentioned, now_ms);
        }
        // What came while one was away is divided from what was read then.
        if place == self.current && message.earlier && !self.away.contains_key(&message.place) {
            self.log_mut().enter();
        }
    }

    /// Whether the message counts as not read: what was said before does only if one was away when it was.
    fn is_unread(&mut self, message: &Message, place: &Option<Place>) -> bool {
        if !message.earlier {
            return self.was_read(message) != Some(true);
        }
        let key = match place {
            Some(Place::Direct(_)) => {
                Place::Direct(self.user.clone().unwrap_or_else(|| message.author.clone()))
            }
            Some(Place::Channel(_)) | None => message.place.clone(),
        };
        let was_away = self.away.get_mut(&key).is_some_and(|left| {
            *left -= 1;
            true
        });
        self.away.retain(|_, left| *left > 0);
        // The server knows better: it hears of all devices.
        let is_direct = matches!(place, Some(Place::Direct(_)));
        // Nobody has read anything of a conversation with a person that has no mark.
        let is_unread = was_away || is_direct && !self.read.contains_key(&message.place);
        self.was_read(message).map_or(is_unread, |was_read| !was_read)
    }

    pub(super) fn on_act(&mut self, act: &ActShown, item: &Item, now_ms: i64) {
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

    pub(super) fn on_older(&mut self, of: &Place, messages: &[Message], before: Option<u64>, is_all: bool) {
        let Some(log) = self.conversations.get_mut(of) else { return };
        // A page may hold only what is here already, when messages were said while it was on its way.
        let mut is_further = is_topic(of) && !is_all;
        for message in messages.iter().rev() {
            let mut entry = said(message, log);
            if let What::Said { quoted: quoted @ None, answers: Some(answered), .. } = &mut entry.what {
                *quoted = messages.iter().find(|message| message.id == Some(*answered)).map(quote);
            }
            is_further |= log.insert(entry, is_topic(of));
        }
        if is_topic(of) {
            log.page_began(before);
        }
        log.older = if is_further { Older::Unknown } else { Older::Nothing };
        self.keep_bounds(Some(of));
        self.land();
    }

    /// What is held of all conversations has a bound, too.
    pub(super) fn keep_bounds(&mut self, scrolled_back: Option<&Place>) {
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

    pub(super) fn on_notice(&mut self, notice: &Notice, item: &Item, now_ms: i64) {
        match notice {
            Notice::Welcome { user, .. } => self.user = Some(user.clone()),
            // What was not read there stays so: one comes by, and goes where one was last.
            Notice::Joined { channel, passing: true, .. } => {
                self.is_returning = true;
                self.conversations.entry(Place::Channel(channel.clone())).or_default();
            }
            Notice::Joined { channel, passing: false, .. } => {
                self.is_returning = false;
                self.enter(Place::Channel(channel.clone()));
            }
            Notice::Talking { user } => self.enter(Place::Direct(user.clone())),
            Notice::Left { channel, .. } => {
                let left = Place::Channel(channel.clone());
                self.conversations.remove(&left);
                self.private.remove(channel);
                self.before.take_if(|before| *before == left);
                self.current.take_if(|current| *current == left);
            }
            Notice::ServerLost { .. } => {
                self.server_away = true;
                self.hold_alerts();
            }
            // What it says must not be overlooked.
            Notice::Distrusted(found) => {
                self.distrusted = true;
                let text = wording::distrusted(self.language, found);
                return self.log_mut().append(Entry { time_ms: now_ms, what: What::Failure(text) });
            }
            Notice::ServerBack { .. } => {
                self.server_away = false;
                self.distrusted = false;
                self.hold_alerts();
                self.want_first();
            }
            Notice::BrokerLost { .. } => {
                self.broker_away = true;
                self.hold_alerts();
            }
            Notice::NotAdmitted => {
                self.not_admitted = true;
                self.hold_alerts();
            }
            Notice::BrokerBack => {
                self.broker_away = false;
                self.not_admitted = false;
                self.hold_alerts();
            }
            Notice::Away { channel, shown, .. } => {
                let own = self.user.clone().map(Place::Direct);
                if let Some(place) = channel.clone().map(Place::Channel).or(own)
                    && *shown > 0
                {
                    self.away.insert(place, *shown);
                }
            }
            Notice::KeepsNothing { .. } => self.keeps_drafts = false,
            Notice::Alerting { place, level } => self.attention.set_level(place, *level),
            Notice::Disturbing { is_on } => self.attention.set_do_not_disturb(!is_on),
            Notice::Switched { channel } if std::mem::take(&mut self.is_returning) => {
                self.enter(Place::Channel(channel.clone()));
            }
            // One sees where one is.
            Notice::Switched { .. } | Notice::TalkingNoMore { .. } => return,
            Notice::Created { .. }
            | Notice::Secured { .. }
            | Notice::Governed { .. }
            | Notice::Attending { .. }
            | Notice::Missing { .. }
            | Notice::EpochChanged { .. }
            | Notice::Malformed { .. }
            | Notice::Kept { .. }
            | Notice::KeptBefore { .. }
            | Notice::KeptForLater { .. }
            | Notice::KeptDamaged { .. }
            | Notice::KeptElsewhere
            | Notice::HowToQuit => {}
        }
        self.say(item, now_ms);
    }

    pub(super) fn say(&mut self, item: &Item, now_ms: i64) {
        if let Some((_, text)) = self.notices.render(item) {
            self.log_mut().append(Entry { time_ms: now_ms, what: What::Notice(text) });
        }
    }

    /// The conversation that a message is shown in.
    fn room_for(&self, place: &Place) -> Option<Place> {
        let has_room =
            self.conversations.contains_key(place) || self.conversations.len() < limits::CONVERSATIONS_MAX;
        if has_room { Some(place.clone()) } else { self.current.clone() }
    }

    /// The words that one listens for, as they are looked for.
    pub(crate) fn called(&self) -> Vec<String> {
        let own = self.user.iter().map(|user| folded(user.as_str()));
        own.chain(self.attention.keywords().iter().cloned()).collect()
    }

    fn is_mentioned(&self, text: &str) -> bool {
        let lower = folded(text);
        self.called().iter().any(|word| calls(&lower, word).next().is_some())
    }
}

/// The message with the beginning of what it answers, if that is here.
fn said(message: &Message, log: &Log) -> Entry {
    let mut entry = Entry::said(message);
    if let What::Said { quoted: quoted @ None, answers: Some(answered), .. } = &mut entry.what {
        *quoted = log.quoted(*answered);
    }
    entry
}

fn quote(message: &Message) -> Quoted {
    let text = message.text.chars().take(limits::QUOTED_CHARACTERS_MAX).collect();
    Quoted { author: message.author.clone(), text }
}
