//! Who may hear what, where security is on: rules, sans I/O. The gate asks servers by subscribing to questions, and is answered on the same
//! topics; what an answer changes comes out as [`Effect`]s, in the order in which they are to take effect. Knows nothing of sockets, of
//! the trie or of the clock.
//!
//! Two kinds of questions: whose is a key (`_may.` and the key in hex), and may whoever has it hear this topic (the same, `.`, and the
//! topic). An answer holds until another one comes; with nobody interested it is forgotten after a while.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::fmt::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use recado_zmtp::curve::PublicKey;

use crate::limits::{
    GATE_KEPT_MS, GATE_PATIENCE_MS, GATE_QUESTIONS_MAX, GATE_TOPIC_BYTES_MAX, GATE_WISHES_MAX,
};
use crate::trie::SubscriberId;

/// What questions begin with. Nobody but the gate hears such topics.
pub(crate) const QUESTION_PREFIX: &[u8] = b"_may.";

/// A question, or a topic: shared bytes.
type Topic = Arc<[u8]>;

/// What is to be done, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Subscribe to the question.
    Ask(Topic),
    /// Cease to.
    Forget(Topic),
    /// The connection gets what is published on this topic from now on.
    Subscribe(SubscriberId, Topic),
    /// It no longer does.
    Cancel(SubscriberId, Topic),
    /// Its key is nobody's any more: it is to be closed.
    Close(SubscriberId),
}

/// Whether a key may come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    /// It is a user's.
    Admitted,
    /// It is nobody's.
    Refused,
    /// The answer has not come yet. It is to be asked again after the next answer to a key's question.
    Waiting,
}

/// There are too many questions, or wishes of one connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooMany;

#[derive(Debug, Default)]
pub(crate) struct Gate {
    questions: HashMap<Topic, Question>,
    members: BTreeMap<SubscriberId, Member>,
    /// Questions that nobody was interested in when they were put here, oldest first.
    idle: VecDeque<(Instant, Topic)>,
    /// Connections that wait for an answer, by when the wait ends.
    waits: BTreeSet<(Instant, SubscriberId)>,
    effects: Vec<Effect>,
    /// An answer to a key's question came since this was last asked.
    keys_answered: bool,
}

#[derive(Debug, Default)]
struct Question {
    answer: Option<bool>,
    /// Connections that are of the key, or wish for the topic.
    interested: BTreeSet<SubscriberId>,
    /// Handshakes that wait for the answer.
    newcomers: usize,
    idle_since: Option<Instant>,
}

/// A connection that came in.
#[derive(Debug)]
struct Member {
    key: Topic,
    /// What it subscribed to and did not cancel.
    wishes: BTreeMap<Topic, Wish>,
    /// Wishes that wait, or stand behind one that does, in their order: they take effect in it.
    pending: VecDeque<Topic>,
    /// When the first of them is taken for refused for now.
    patience_ends: Option<Instant>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wish {
    /// Behind another that waits, or waiting itself.
    Pending,
    /// Not granted so far; it takes effect when it is.
    Refused,
    Granted,
}

impl Gate {
    /// A handshake has proved this key and waits to come in.
    pub(crate) fn knocks(&mut self, key: &PublicKey) -> Result<(), TooMany> {
        let question = key_question(key);
        self.question(&question)?.newcomers += 1;
        Ok(())
    }

    /// May it come in by now?
    pub(crate) fn entry(&self, key: &PublicKey) -> Entry {
        match self.questions.get(&*key_question(key)).and_then(|question| question.answer) {
            Some(true) => Entry::Admitted,
            Some(false) => Entry::Refused,
            None => Entry::Waiting,
        }
    }

    /// The handshake has ended, well or not.
    pub(crate) fn knocked(&mut self, key: &PublicKey, now: Instant) {
        let question = key_question(key);
        if let Some(asked) = self.questions.get_mut(&question) {
            asked.newcomers = asked.newcomers.saturating_sub(1);
            self.rest(&question, now);
        }
    }

    /// A connection of this key is past its handshake.
    pub(crate) fn enter(&mut self, id: SubscriberId, key: &PublicKey) -> Result<(), TooMany> {
        let key = key_question(key);
        let question = self.question(&key)?;
        question.interested.insert(id);
        let is_known = question.answer != Some(false);
        let member = Member { key, wishes: BTreeMap::new(), pending: VecDeque::new(), patience_ends: None };
        self.members.insert(id, member);
        if !is_known {
            self.effects.push(Effect::Close(id));
        }
        Ok(())
    }

    /// It has ended. What it was subscribed to is for the caller to end.
    pub(crate) fn leave(&mut self, id: SubscriberId, now: Instant) {
        let Some(member) = self.members.remove(&id) else { return };
        self.waits.retain(|(_, waiting)| *waiting != id);
        for topic in member.wishes.keys() {
            self.lose_interest(&topic_question(&member.key, topic), id, now);
        }
        self.lose_interest(&member.key, id, now);
    }

    /// It subscribes to a topic.
    pub(crate) fn wish(&mut self, id: SubscriberId, topic: &[u8], now: Instant) -> Result<(), TooMany> {
        let Some(member) = self.members.get_mut(&id) else { return Ok(()) };
        if member.wishes.contains_key(topic) {
            return Ok(());
        }
        if member.wishes.len() >= GATE_WISHES_MAX {
            return Err(TooMany);
        }
        // Nobody may hear these, so that nobody has to be asked.
        if topic.is_empty() || topic.len() > GATE_TOPIC_BYTES_MAX || topic.starts_with(QUESTION_PREFIX) {
            return Ok(());
        }
        let (key, topic) = (Arc::clone(&member.key), Topic::from(topic));
        let question = topic_question(&key, &topic);
        let Ok(asked) = self.question(&question) else { return Ok(()) };
        asked.interested.insert(id);
        let member = self.members.get_mut(&id).expect("it was there just now");
        member.wishes.insert(Arc::clone(&topic), Wish::Pending);
        member.pending.push_back(topic);
        if member.patience_ends.is_none() {
            let ends = now + Duration::from_millis(GATE_PATIENCE_MS);
            member.patience_ends = Some(ends);
            self.waits.insert((ends, id));
        }
        self.advance(id, now);
        Ok(())
    }

    /// It cancels a topic.
    pub(crate) fn unwish(&mut self, id: SubscriberId, topic: &[u8], now: Instant) {
        let Some(member) = self.members.get_mut(&id) else { return };
        let Some((topic, wish)) = member.wishes.remove_entry(topic) else { return };
        if wish == Wish::Pending {
            member.pending.retain(|pending| *pending != topic);
        }
        let question = topic_question(&member.key, &topic);
        if wish == Wish::Granted {
            self.effects.push(Effect::Cancel(id, topic));
        }
        self.lose_interest(&question, id, now);
        self.advance(id, now);
    }

    /// A server answered. What is no question of ours is passed over.
    pub(crate) fn answered(&mut self, question: &[u8], is_yes: bool, now: Instant) {
        let Some(asked) = self.questions.get_mut(question) else { return };
        let before = asked.answer.replace(is_yes);
        let interested: Vec<SubscriberId> = asked.interested.iter().copied().collect();
        let Some(topic) = topic_of(question) else {
            self.keys_answered = true;
            if !is_yes {
                self.effects.extend(interested.into_iter().map(Effect::Close));
            }
            return;
        };
        if before == Some(is_yes) {
            return;
        }
        for id in interested {
            self.decide(id, topic, is_yes, now);
        }
    }

    /// Whether an answer to a key's question came since this was last asked: whoever waits to come in looks again.
    pub(crate) fn take_keys_answered(&mut self) -> bool {
        std::mem::take(&mut self.keys_answered)
    }

    /// What is to be done, oldest first.
    pub(crate) fn take_effects(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.effects)
    }

    /// Time has passed: waits end, and what nobody is interested in is forgotten.
    pub(crate) fn tick(&mut self, now: Instant) {
        while let Some((ends, id)) = self.waits.first().copied().filter(|(ends, _)| *ends <= now) {
            self.waits.remove(&(ends, id));
            let Some(member) = self.members.get_mut(&id) else { continue };
            member.patience_ends = None;
            // All that were asked for by then have waited for long enough.
            let Member { key, wishes, pending, .. } = member;
            for topic in pending.iter() {
                let question = topic_question(key, topic);
                let is_open = self.questions.get(&question).is_none_or(|asked| asked.answer.is_none());
                if let (true, Some(wish)) = (is_open, wishes.get_mut(topic)) {
                    *wish = Wish::Refused;
                }
            }
            self.advance(id, now);
        }
        let kept = Duration::from_millis(GATE_KEPT_MS);
        while let Some((since, question)) =
            self.idle.front().cloned().filter(|(since, _)| *since + kept <= now)
        {
            self.idle.pop_front();
            self.forget_if_idle_since(&question, since);
        }
    }

    /// How many questions are open.
    pub(crate) fn questions(&self) -> usize {
        self.questions.len()
    }

    /// A topic that the connection wishes for is granted, or no longer.
    fn decide(&mut self, id: SubscriberId, topic: &[u8], is_yes: bool, now: Instant) {
        let Some(member) = self.members.get_mut(&id) else { return };
        let Some((topic, _)) = member.wishes.get_key_value(topic) else { return };
        let topic = Arc::clone(topic);
        let wish = member.wishes.get_mut(&topic).expect("it was found just now");
        match (*wish, is_yes) {
            (Wish::Pending, _) => self.advance(id, now),
            (Wish::Refused, true) => {
                *wish = Wish::Granted;
                self.effects.push(Effect::Subscribe(id, topic));
            }
            (Wish::Granted, false) => {
                *wish = Wish::Refused;
                self.effects.push(Effect::Cancel(id, topic));
            }
            (Wish::Refused, false) | (Wish::Granted, true) => {}
        }
    }

    /// Lets those wishes take effect that are answered, up to the first that is not.
    fn advance(&mut self, id: SubscriberId, now: Instant) {
        let Some(member) = self.members.get_mut(&id) else { return };
        let before = member.pending.len();
        while let Some(topic) = member.pending.front() {
            if member.wishes.get(topic) == Some(&Wish::Pending) {
                let question = topic_question(&member.key, topic);
                let Some(is_yes) = self.questions.get(&question).and_then(|asked| asked.answer) else {
                    break;
                };
                let wish = member.wishes.get_mut(topic).expect("it was found just now");
                if is_yes {
                    *wish = Wish::Granted;
                    self.effects.push(Effect::Subscribe(id, Arc::clone(topic)));
                } else {
                    *wish = Wish::Refused;
                }
            }
            member.pending.pop_front();
        }
        if member.pending.len() == before {
            return;
        }
        // Whoever waits now has waited since about then.
        if let Some(ends) = member.patience_ends.take() {
            self.waits.remove(&(ends, id));
        }
        if !member.pending.is_empty() {
            let ends = now + Duration::from_millis(GATE_PATIENCE_MS);
            member.patience_ends = Some(ends);
            self.waits.insert((ends, id));
        }
    }

    /// The question, asked if it was not yet.
    fn question(&mut self, question: &Topic) -> Result<&mut Question, TooMany> {
        if !self.questions.contains_key(question) {
            if self.questions.len() >= GATE_QUESTIONS_MAX {
                return Err(TooMany);
            }
            self.effects.push(Effect::Ask(Arc::clone(question)));
        }
        let asked = self.questions.entry(Arc::clone(question)).or_default();
        asked.idle_since = None;
        Ok(asked)
    }

    fn lose_interest(&mut self, question: &Topic, id: SubscriberId, now: Instant) {
        if let Some(asked) = self.questions.get_mut(question) {
            asked.interested.remove(&id);
            self.rest(question, now);
        }
    }

    /// Keeps what nobody is interested in for a while. A no is not kept: strangers could have it kept for many keys.
    fn rest(&mut self, question: &Topic, now: Instant) {
        let Some(asked) = self.questions.get_mut(question) else { return };
        if !asked.interested.is_empty() || asked.newcomers > 0 {
            return;
        }
        if asked.answer != Some(true) {
            return self.forget(question);
        }
        asked.idle_since = Some(now);
        self.idle.push_back((now, Arc::clone(question)));
        if self.idle.len() > GATE_QUESTIONS_MAX
            && let Some((since, oldest)) = self.idle.pop_front()
        {
            self.forget_if_idle_since(&oldest, since);
        }
    }

    /// It may have been wanted again since, and idle again.
    fn forget_if_idle_since(&mut self, question: &Topic, since: Instant) {
        if self.questions.get(question).is_some_and(|asked| asked.idle_since == Some(since)) {
            self.forget(question);
        }
    }

    fn forget(&mut self, question: &Topic) {
        self.questions.remove(question);
        self.effects.push(Effect::Forget(Arc::clone(question)));
    }
}

/// Whose is the key?
fn key_question(key: &PublicKey) -> Topic {
    let mut text = String::with_capacity(QUESTION_PREFIX.len() + KEY_HEX_BYTES);
    text.push_str("_may.");
    for byte in key.as_bytes() {
        write!(text, "{byte:02x}").expect("a text takes all");
    }
    Topic::from(text.as_bytes())
}

/// May whoever has the key hear the topic?
fn topic_question(key_question: &[u8], topic: &[u8]) -> Topic {
    [key_question, b".", topic].concat().into()
}

/// The topic that a question is about; none if it is about a key alone.
fn topic_of(question: &[u8]) -> Option<&[u8]> {
    question.get(QUESTION_PREFIX.len() + KEY_HEX_BYTES + 1..)
}

const KEY_HEX_BYTES: usize = 64;

#[cfg(test)]
#[path = "gate_tests.rs"]
mod tests;
