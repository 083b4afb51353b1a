//! How a hub does what its gate wants: questions are subscriptions of its own, answers are heard where they stand among the messages,
//! and what is granted takes effect. Knows nothing of sockets.

use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;

use recado_zmtp::codec::Subscription;
use recado_zmtp::curve::PublicKey;
use thiserror::Error;

use crate::gate::question::{self, Answer};
use crate::gate::{Effect, Gate, WaiterId};
use crate::hub::{Hub, SubscriptionError};
use crate::limits::GateLimits;
use crate::share::Link;
use crate::trie::{Inserted, Removed, SubscriberId, Trie};
use crate::walk::Origin;

/// A gate, and what is to be told outside of what it decided.
#[derive(Debug)]
pub(crate) struct Guard {
    gate: Gate,
    /// Stands for the gate among the subscribers.
    id: SubscriberId,
    answers: Vec<(WaiterId, bool)>,
    closings: Vec<(SubscriberId, Closing)>,
}

/// Why a secured broker closes a subscriber's connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Closing {
    /// Its key is nobody's, or nobody's any more.
    #[error("its key is not known any more")]
    Revoked,
    /// What it asked for passes a limit.
    #[error(transparent)]
    Subscription(#[from] SubscriptionError),
}

const GUARDED: &str = "only a hub with a gate has keys";

impl Hub {
    /// The same, with a gate: subscribers hear what they are granted, topic by topic, as a whole. Before anybody connects, and after
    /// [`Hub::with_neighbours`].
    ///
    /// # Panics
    /// When somebody has connected, or last values are kept: those are given out without asking.
    pub fn with_gate(mut self, limits: GateLimits, now: Instant) -> Hub {
        assert_eq!(self.subscribers.len(), self.neighbours.reserved(), "the gate is the first subscriber");
        assert!(self.last_values.is_none(), "last values are for everybody");
        let id = SubscriberId(self.subscribers.insert(Default::default()));
        let gate = Gate::new(limits, Arc::clone(&self.counters), now);
        self.guard = Some(Guard { gate, id, answers: Vec::new(), closings: Vec::new() });
        self.trie = Trie::of_whole_topics();
        self
    }

    /// Does what a subscriber says, as far as it may.
    pub fn wants(
        &mut self,
        id: SubscriberId,
        subscription: Subscription<'_>,
    ) -> Result<(), SubscriptionError> {
        let Some(guard) = &mut self.guard else { return self.apply(id, subscription) };
        let wanted = match subscription {
            Subscription::Subscribe(topic) if topic.len() > self.limits.topic_bytes_max => {
                Err(SubscriptionError::TopicTooLong(topic.len()))
            }
            Subscription::Subscribe(topic) => guard.gate.wants(id, topic),
            Subscription::Cancel(topic) => {
                guard.gate.wants_no_more(id, topic);
                Ok(())
            }
        };
        self.obey_gate();
        wanted
    }

    /// A subscriber of [`Hub::add_subscriber`] has proved to have this key.
    ///
    /// # Panics
    /// Without a gate, as those that follow.
    pub fn has_key(&mut self, id: SubscriberId, key: &PublicKey) {
        self.guard.as_mut().expect(GUARDED).gate.connected(id, key);
        self.obey_gate();
    }

    /// Whose key it is, as far as that is known.
    pub fn user_of(&self, key: &PublicKey) -> Option<&str> {
        self.guard.as_ref()?.gate.user(key)
    }

    /// Somebody waits for an answer: see [`Gate::wait`] and [`Hub::take_answers`].
    pub fn ask(&mut self, key: &PublicKey, topic: Option<&[u8]>) -> Option<WaiterId> {
        let waiter = self.guard.as_mut().expect(GUARDED).gate.wait(key, topic);
        self.obey_gate();
        waiter
    }

    /// It waits no more.
    pub fn ask_no_more(&mut self, waiter: WaiterId) {
        self.guard.as_mut().expect(GUARDED).gate.stop_waiting(waiter);
        self.obey_gate();
    }

    /// Time passes for the gate, if there is one.
    pub fn tick(&mut self, now: Instant) {
        if let Some(guard) = &mut self.guard {
            guard.gate.tick(now);
            self.obey_gate();
        }
    }

    /// Answers for those who wait, since this was last asked.
    pub fn take_answers(&mut self) -> Vec<(WaiterId, bool)> {
        self.guard.as_mut().map(|guard| std::mem::take(&mut guard.answers)).unwrap_or_default()
    }

    /// Subscribers to be disconnected, since this was last asked.
    pub fn take_closings(&mut self) -> Vec<(SubscriberId, Closing)> {
        self.guard.as_mut().map(|guard| std::mem::take(&mut guard.closings)).unwrap_or_default()
    }

    /// Whether the topic is a question's, which it can only be where there is a gate.
    #[inline]
    pub(crate) fn is_question(&self, topic: &[u8]) -> bool {
        self.guard.is_some() && question::is_question(topic)
    }

    /// A question has one more who wants it answered.
    pub(crate) fn tell_question(&mut self, question: &[u8], inserted: Inserted) {
        let first = match inserted {
            Inserted::First(_) => true,
            Inserted::Another(_) => false,
            Inserted::Already => return,
        };
        self.tell_all(|upstream| upstream.asked(question, first));
    }

    pub(crate) fn guard_leaving(&mut self, id: SubscriberId) {
        if let Some(guard) = &mut self.guard {
            guard.gate.leaving(id);
        }
    }

    pub(crate) fn guard_forgets(&mut self, id: SubscriberId) -> bool {
        let Some(guard) = &mut self.guard else { return true };
        let forgotten = guard.gate.forget(id);
        self.obey_gate();
        forgotten
    }

    /// Hears a message on a question's topic: the gate and the other workers that have asked get it, and nobody else. 1 if anybody did.
    pub(crate) fn take_answer(
        &mut self,
        bytes: &[u8],
        message: Range<usize>,
        first: Range<usize>,
        origin: Origin,
    ) -> u64 {
        let Some(answer) = Answer::of_message(&bytes[message.clone()]) else {
            self.counters.answers_ignored.add(1);
            return 0;
        };
        let Some(topic_id) = self.trie.exactly(&bytes[first]) else { return 0 };
        if origin == Origin::Publisher {
            let link = Link::new(message, 1);
            let first_own = self.neighbours.first_own();
            let asking = self.trie.subscribers_from(topic_id, SubscriberId(0));
            for &id in asking.iter().take_while(|&&id| id < first_own) {
                if let Some(neighbour) = self.subscribers.find_mut(id.0) {
                    self.shares.add(id, neighbour, link);
                    self.shares.bytes += link.len();
                }
            }
        }
        if let Some(guard) = &mut self.guard {
            guard.gate.answered(&answer);
            self.obey_gate();
        }
        1
    }

    fn obey_gate(&mut self) {
        while let Some(guard) = &mut self.guard
            && let Some(effect) = guard.gate.next_effect()
        {
            let gate = guard.id;
            match effect {
                Effect::Ask(question) => {
                    let inserted = self.trie.insert(&question, gate);
                    self.tell_question(&question, inserted);
                    if let Inserted::First(topic_id) | Inserted::Another(topic_id) = inserted {
                        self.begun(topic_id, &question);
                    }
                }
                Effect::Cancel(question) => {
                    let removed = self.trie.remove(&question, gate);
                    if let Removed::Last(_) = removed {
                        self.tell(&question, false);
                    }
                    self.ceased(removed, &question);
                }
                Effect::Grant(id, question) => {
                    let topic = question::topic_of(&question).expect("topics are granted, keys are known");
                    if let Err(error) = self.subscribe(id, topic) {
                        self.shut_out(id, error.into());
                    }
                }
                Effect::Revoke(id, question) => {
                    let topic =
                        question::topic_of(&question).expect("topics are revoked, keys are not known");
                    self.cancel(id, topic);
                }
                Effect::Close(id) => self.shut_out(id, Closing::Revoked),
                Effect::Answer(waiter, granted) => guard.answers.push((waiter, granted)),
            }
        }
    }

    /// A subscriber gets nothing more, and is to be disconnected.
    fn shut_out(&mut self, id: SubscriberId, closing: Closing) {
        if let Some(subscriber) = self.subscribers.find_mut(id.0) {
            subscriber.leaving = true;
        }
        if let Some(guard) = &mut self.guard {
            guard.gate.leaving(id);
            guard.closings.push((id, closing));
        }
    }
}

#[cfg(test)]
#[path = "guarded_tests.rs"]
mod tests;
