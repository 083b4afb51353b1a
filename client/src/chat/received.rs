//! What the chat makes of events and of earlier messages.

use recado_proto::{ActKind, HistoryPage, Publication, UserName};

use crate::receiver::{Topic, Via};
use crate::session::{RequestError, SessionEvent};

use super::command::Conversation;
use super::item::{ActShown, Attempt, Item, Message, Notice, Place};
use super::reason::Hint;
use super::{Ask, Chat, Effect};

impl Chat {
    /// Something happened that nobody asked for.
    pub fn on_event(&mut self, event: SessionEvent) {
        match event {
            SessionEvent::Publication { topic, publication, via } => {
                self.on_publication(&topic, publication, via)
            }
            SessionEvent::Joined { topic } => self.on_joined(topic),
            SessionEvent::Missing { topic, first, last } => {
                self.notice(Notice::Missing { place: place_of(&topic), first, last });
            }
            SessionEvent::EpochChanged { topic, .. } => {
                self.notice(Notice::EpochChanged { place: place_of(&topic) });
            }
            SessionEvent::ServerLost { reason } => {
                self.server_away = true;
                self.notice(Notice::ServerLost { reason });
            }
            SessionEvent::ServerBack => {
                self.server_away = false;
                self.outbox.server_came();
                let kept = self.resume_sending();
                self.notice(Notice::ServerBack { kept });
                self.ask_marks();
                self.resume_company();
            }
            SessionEvent::Distrusted(found) => self.notice(Notice::Distrusted(found)),
            SessionEvent::BrokerLost { reason } => self.notice(Notice::BrokerLost { reason }),
            SessionEvent::NotAdmitted => self.notice(Notice::NotAdmitted),
            SessionEvent::BrokerBack => {
                self.notice(Notice::BrokerBack);
                self.ask_marks();
                self.ask_who();
            }
            SessionEvent::Marked { mark, .. } => self.on_marked(mark),
            SessionEvent::Sent { to, publication } => self.on_sent_elsewhere(to, publication),
            SessionEvent::Here(here) => self.on_here(here),
            SessionEvent::Typing { topic, user } => self.on_typing(&topic, user),
            SessionEvent::Malformed { topic, reason } => self.notice(Notice::Malformed { topic, reason }),
        }
    }

    pub(super) fn on_history(&mut self, of: Conversation, result: Result<HistoryPage, RequestError>) {
        self.waiting = self.waiting.saturating_sub(1);
        let place = match &of {
            Conversation::Channel(channel) => Place::Channel(channel.clone()),
            Conversation::With(user) => Place::Direct(user.clone()),
        };
        match result {
            Ok(page) => {
                let messages: Vec<_> = page.messages.into_iter().filter(|message| !message.deleted).collect();
                self.show(Item::History { of: place.clone(), count: messages.len() });
                for publication in messages {
                    let mut message = self.message(place.clone(), publication, true);
                    message.current = true;
                    self.mentions.hear(&message);
                    self.show(Item::Message(message));
                }
                self.show(Item::HistoryEnd);
            }
            Err(error) => {
                let hint = match &of {
                    Conversation::Channel(channel) => self.channel_hint(channel, &error),
                    Conversation::With(user) => {
                        self.known.nearest_user(user).map(|nearest| Hint::NearestUser(nearest.to_owned()))
                    }
                };
                self.fail_request(Attempt::History, &error, hint);
            }
        }
    }

    pub(super) fn on_older(&mut self, of: Place, result: Result<HistoryPage, RequestError>) {
        match result {
            Ok(page) => {
                let (acts, messages): (Vec<_>, Vec<_>) =
                    page.messages.into_iter().partition(|publication| publication.kind.is_some());
                let is_all = acts.is_empty() && messages.is_empty();
                let before = acts.iter().chain(&messages).filter_map(|publication| publication.seq).min();
                let messages: Vec<Message> = messages
                    .into_iter()
                    .map(|publication| self.message(of.clone(), publication, true))
                    .collect();
                messages.iter().for_each(|message| self.mentions.hear(message));
                self.show(Item::Older { of, messages, before, is_all });
            }
            Err(error) => self.fail_request(Attempt::Older(of), &error, None),
        }
    }

    fn on_publication(&mut self, topic: &Topic, publication: Publication, via: Via) {
        if let Topic::Channel(channel) = topic
            && !self.joining.contains_key(channel)
            && !self.joined.contains(channel)
        {
            // It may have been left while the message was on its way.
            return;
        }
        self.note_place(topic, &publication, via);
        // What is told of the past has taken up its acts already.
        let is_taken_up = publication.kind.is_some_and(|kind| kind != ActKind::Topic) || publication.deleted;
        if via == Via::Backlog && is_taken_up {
            return;
        }
        if publication.id.is_some_and(|id| self.outbox.is_own(id)) {
            return;
        }
        self.known.add_user(publication.sender());
        if let Some(kind) = publication.kind {
            let act = self.act(place_of(topic), kind, publication);
            return self.show_act(act);
        }
        let earlier = via == Via::Backlog;
        let place = match topic {
            Topic::Channel(channel) => {
                if let Some(joining) = self.joining.get_mut(channel) {
                    joining.shown += 1;
                    if earlier && joining.shown == 1 && !joining.returning {
                        self.show(Item::Backlog { channel: Some(channel.clone()) });
                    }
                }
                Place::Channel(channel.clone())
            }
            Topic::Direct(_) => {
                if earlier && !std::mem::replace(&mut self.direct_backlog_begun, true) {
                    self.show(Item::Backlog { channel: None });
                }
                self.wrote_last = Some(publication.sender().clone());
                Place::Direct(publication.sender().clone())
            }
        };
        let mut message = self.message(place, publication, earlier);
        message.current |= earlier;
        let Message { place, id, author, own, text, .. } = &message;
        self.recently.said(place, *id, author, *own, text);
        self.mentions.hear(&message);
        if !own {
            let (place, to) = (place.clone(), message.epoch.zip(message.seq));
            self.note_shown(&place, to);
        }
        self.show(Item::Message(message));
    }

    /// What this user said or did elsewhere.
    pub(super) fn on_own(&mut self, place: Place, publication: Publication, via: Via) {
        if let Some(kind) = publication.kind {
            let act = self.act(place, kind, publication);
            return self.show_act(act);
        }
        let message = self.message(place, publication, via == Via::Backlog);
        let Message { place, id, author, own, text, .. } = &message;
        self.recently.said(place, *id, author, *own, text);
        self.show(Item::Message(message));
    }

    fn act(&self, topic: Place, kind: ActKind, publication: Publication) -> ActShown {
        let author = publication.sender().clone();
        ActShown {
            // What is done in one's own topic is done by the other one.
            place: if is_of(&topic, &self.user) { Place::Direct(author.clone()) } else { topic },
            kind,
            target: publication.manner.target,
            time_ms: time_ms(&publication),
            text: publication.message,
            id: publication.id,
            seq: publication.seq,
            epoch: publication.epoch,
            own: author == self.user,
            author,
        }
    }

    fn on_joined(&mut self, topic: Topic) {
        let Topic::Channel(channel) = topic else { return };
        let Some(joining) = self.joining.remove(&channel) else { return };
        self.known.add_channel(&channel);
        self.go_to(channel.clone());
        self.hear_typing(channel.clone().into(), true);
        let passing = !self.returning.is_empty();
        self.is_returning &= passing;
        self.notice(Notice::Joined {
            channel: channel.clone(),
            passing,
            empty: self.backlog > 0 && joining.shown == 0 && !joining.returning,
        });
        self.ask_privacy(channel.clone());
        // A script asks for what it wants to know.
        if !self.unattended {
            self.effects.push_back(Effect::Ask(Ask::Topic { channel, quiet: true }));
        }
        self.return_to_next();
    }

    pub(super) fn message(&self, place: Place, publication: Publication, earlier: bool) -> Message {
        let author = publication.sender().clone();
        let time_ms = time_ms(&publication);
        let quoted = publication.manner.target.and_then(|target| self.recently.quoted(&place, target));
        Message {
            current: self.is_current(&place),
            place,
            own: author == self.user,
            author,
            text: publication.message,
            time_ms,
            id: publication.id,
            seq: publication.seq,
            epoch: publication.epoch,
            earlier,
            quoted,
            manner: publication.manner,
            edited: publication.edited,
            acts: publication.acts,
        }
    }
}

fn time_ms(publication: &Publication) -> i64 {
    let seconds = publication.timestamp.as_seconds().saturating_mul(1_000);
    publication.time_ms.and_then(|ms| i64::try_from(ms).ok()).unwrap_or(seconds)
}

fn is_of(place: &Place, user: &UserName) -> bool {
    matches!(place, Place::Direct(of) if of == user)
}

fn place_of(topic: &Topic) -> Place {
    match topic {
        Topic::Channel(channel) => Place::Channel(channel.clone()),
        Topic::Direct(user) => Place::Direct(user.clone()),
    }
}
