//! Messages on their way to the server, one after the other, so that none overtakes another.

use std::collections::{BTreeSet, VecDeque};

use recado_proto::{Code, Manner, MessageId};

use crate::kept::{Record, Unsent};
use crate::limits;
use crate::session::{RequestError, SendOutcome};

use super::item::{Attempt, FailureCode, Item, Message, Notice, Place};
use super::reason::{Hint, Reason};
use super::{Ask, Chat, Effect};

/// What is to be sent, oldest first, and what was.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    waiting: VecDeque<Outgoing>,
    /// Whether the first one is with the session.
    sending: bool,
    /// A server was there when the session got it, so that it may have arrived.
    may_have_arrived: bool,
    own_ids: BTreeSet<MessageId>,
    own_ids_by_age: VecDeque<MessageId>,
}

/// One message that is not answered yet.
#[derive(Clone, Debug)]
pub(crate) struct Outgoing {
    pub(crate) id: MessageId,
    pub(crate) to: Place,
    pub(crate) text: String,
    pub(crate) manner: Manner,
    /// It was handed to a connection at least once, so that the server may have it.
    pub(crate) tried: bool,
}

impl Outbox {
    pub(crate) fn len(&self) -> usize {
        self.waiting.len()
    }

    pub(crate) fn take_all(&mut self) -> Vec<Outgoing> {
        if std::mem::take(&mut self.sending)
            && let Some(first) = self.waiting.front_mut()
        {
            first.tried |= self.may_have_arrived;
        }
        self.waiting.drain(..).collect()
    }

    /// Everything that is not answered, oldest first.
    pub(super) fn all(&self) -> impl Iterator<Item = &Outgoing> {
        self.waiting.iter()
    }

    /// Bytes of all texts.
    pub(crate) fn bytes(&self) -> usize {
        self.waiting.iter().map(|outgoing| outgoing.text.len()).sum()
    }

    /// Whether this user sent the message through this chat.
    pub(crate) fn is_own(&self, id: MessageId) -> bool {
        self.own_ids.contains(&id)
    }

    /// What waits at the session for a server goes out now.
    pub(crate) fn server_came(&mut self) {
        self.may_have_arrived = true;
    }

    pub(super) fn push(&mut self, outgoing: Outgoing) {
        if self.own_ids_by_age.len() >= limits::OWN_IDS_MAX
            && let Some(oldest) = self.own_ids_by_age.pop_front()
        {
            self.own_ids.remove(&oldest);
        }
        self.own_ids.insert(outgoing.id);
        self.own_ids_by_age.push_back(outgoing.id);
        self.waiting.push_back(outgoing);
    }

    /// The answered message, if the answer is to the one that is being sent.
    fn answered(&mut self, id: MessageId) -> Option<Outgoing> {
        if self.waiting.front().is_none_or(|first| first.id != id) {
            return None;
        }
        self.sending = false;
        self.waiting.pop_front()
    }

    fn put_back(&mut self, outgoing: Outgoing) {
        self.waiting.push_front(outgoing);
    }

    fn next(&mut self, server_is_there: bool) -> Option<&Outgoing> {
        if self.sending {
            return None;
        }
        let first = self.waiting.front()?;
        self.sending = true;
        self.may_have_arrived = server_is_there;
        Some(first)
    }
}

impl Chat {
    pub(super) fn say(&mut self, to: Place, text: String, echo: bool, now_ms: i64) {
        self.say_in_manner(to, text, Manner::default(), echo, now_ms);
    }

    pub(super) fn say_in_manner(&mut self, to: Place, text: String, manner: Manner, echo: bool, now_ms: i64) {
        let is_full = self.outbox.bytes() + text.len() > limits::OUTBOX_BYTES_MAX;
        if self.outbox.len() >= limits::OUTBOX_LINES_MAX || is_full {
            let attempt = Attempt::Send { to: Some(to), text, id: None, ambiguous: false };
            let reason = Reason::OutboxFull(self.outbox.len());
            return self.fail(attempt, FailureCode::OutboxFull, reason, None);
        }
        let id = MessageId::new_v7();
        let quoted = manner.target.and_then(|target| self.recently.quoted(&to, target));
        let user = self.user.clone();
        self.recently.said(&to, Some(id), &user, true, &text);
        if echo {
            self.show(Item::Message(Message {
                current: self.is_current(&to),
                place: to.clone(),
                author: self.user.clone(),
                text: text.clone(),
                time_ms: now_ms,
                id: Some(id),
                seq: None,
                epoch: None,
                earlier: false,
                own: true,
                manner,
                quoted,
                edited: false,
                acts: Vec::new(),
            }));
        }
        let unsent = Unsent { id, to: to.clone(), text: text.clone(), manner };
        self.keep(Record::Unsent(unsent), true);
        self.outbox.push(Outgoing { id, to, text, manner, tried: false });
        if self.server_away && self.patient {
            self.say_kept();
        }
        self.send_next(false);
    }

    /// A server is there again: how many lines were kept for it.
    pub(super) fn resume_sending(&mut self) -> usize {
        self.kept_said = false;
        let kept = self.outbox.len();
        self.send_next(false);
        kept
    }

    pub(super) fn on_sent(&mut self, outcome: SendOutcome) {
        let Some(mut sent) = self.outbox.answered(outcome.id()) else { return };
        match outcome {
            SendOutcome::Acknowledged { id, seq, epoch } => {
                self.keep(Record::Answered(id), false);
                self.show(Item::Sent { to: sent.to, id, seq, epoch });
                self.send_next(false);
            }
            SendOutcome::Refused { code: Code::Busy | Code::Unavailable, .. } if self.patient => {
                sent.tried = true;
                self.outbox.put_back(sent);
                self.send_next(true);
            }
            SendOutcome::Refused { id, code, description } => {
                self.keep(Record::Answered(id), false);
                let hint = self.refusal_hint(&sent.to, &code);
                let attempt =
                    Attempt::Send { to: Some(sent.to), text: sent.text, id: Some(id), ambiguous: false };
                self.fail_request(attempt, &RequestError::Refused { code, description }, hint);
                self.send_next(false);
            }
            SendOutcome::Unanswered { attempts, .. } if self.patient => {
                sent.tried |= attempts > 0;
                self.outbox.put_back(sent);
                self.say_kept();
                self.send_next(false);
            }
            SendOutcome::Unanswered { attempts, .. } if self.keeps => {
                sent.tried |= attempts > 0;
                self.outbox.put_back(sent);
                self.on_end();
                self.effects.push_back(Effect::Quit);
            }
            SendOutcome::Unanswered { id, attempts } => {
                let error = RequestError::Unanswered { attempts };
                let ambiguous = sent.tried || attempts > 0;
                let attempt = Attempt::Send { to: Some(sent.to), text: sent.text, id: Some(id), ambiguous };
                self.fail_request(attempt, &error, None);
                // Every further line would wait as long, for nothing.
                self.on_end();
                self.effects.push_back(Effect::Quit);
            }
            // Nothing was sent to what is not the server that was meant; the line waits for that one.
            SendOutcome::Failed { error: RequestError::Distrusted(_), .. } if self.patient => {
                self.outbox.put_back(sent);
                self.say_kept();
            }
            SendOutcome::Failed { error: RequestError::Closed, .. } if self.keeps => {
                self.outbox.put_back(sent)
            }
            SendOutcome::Failed { id, error } => {
                self.keep(Record::Answered(id), false);
                let attempt =
                    Attempt::Send { to: Some(sent.to), text: sent.text, id: Some(id), ambiguous: false };
                self.fail_request(attempt, &error, None);
                self.send_next(false);
            }
        }
    }

    pub(super) fn send_next(&mut self, after_pause: bool) {
        if let Some(Outgoing { id, to, text, manner, .. }) = self.outbox.next(!self.server_away) {
            let (to, text) = (to.clone(), text.clone());
            let ask = Ask::Send { id: *id, to, text, manner: *manner, after_pause };
            self.effects.push_back(Effect::Ask(ask));
        }
    }

    fn say_kept(&mut self) {
        if !std::mem::replace(&mut self.kept_said, true) {
            self.notice(Notice::Kept { lines: self.outbox.len() });
        }
    }

    fn refusal_hint(&self, to: &Place, code: &Code) -> Option<Hint> {
        match (to, code) {
            (Place::Direct(user), Code::NoSuchUser) => Some(match self.known.nearest_user(user) {
                Some(nearest) => Hint::NearestOfUsers(nearest.to_owned()),
                None => Hint::ListUsers,
            }),
            (Place::Channel(channel), Code::NoSuchChannel) if self.joined.contains(channel) => {
                Some(Hint::Leave(channel.clone()))
            }
            (Place::Channel(channel), Code::NoSuchChannel) => Some(Hint::Create(channel.clone())),
            _ => None,
        }
    }
}
