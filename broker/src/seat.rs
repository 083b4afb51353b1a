//! The gate's place in the hub: to servers it is a subscriber of its questions, and what it decides becomes subscriptions of others. Where
//! security is on, a subscription is to the whole of a topic.

use std::time::Instant;

use recado_zmtp::codec::{Frames, Subscription};
use recado_zmtp::curve::PublicKey;

use crate::gate::{Effect, Entry, Gate, QUESTION_PREFIX, TooMany};
use crate::hub::{Hub, Subscriber, SubscriptionError};
use crate::trie::{Inserted, Removed, SubscriberId};

/// A gate, and the number by which its questions stand in the trie.
#[derive(Debug)]
pub(crate) struct Seat {
    gate: Gate,
    id: SubscriberId,
    /// Connections to be closed: their keys are nobody's any more.
    to_expel: Vec<SubscriberId>,
    /// Connections to be closed for what they subscribed to.
    at_fault: Vec<(SubscriberId, SubscriptionError)>,
    /// Subscriptions have changed since this was last asked.
    changed: bool,
}

/// What an answer, or time, has left to do for whoever has the connections.
#[derive(Debug, Default)]
pub(crate) struct Decided {
    /// To be closed.
    pub(crate) to_expel: Vec<SubscriberId>,
    /// To be closed for what they subscribed to.
    pub(crate) at_fault: Vec<(SubscriberId, SubscriptionError)>,
    /// Handshakes that wait should look again.
    pub(crate) keys_answered: bool,
    /// Others are to be told of subscriptions.
    pub(crate) changed: bool,
}

impl Hub {
    /// The same, with a gate: who may hear what is asked. Before anybody connects.
    pub(crate) fn with_gate(mut self) -> Hub {
        let id = SubscriberId(self.subscribers.insert(Subscriber::default()));
        self.trie.match_whole_topics();
        self.seat = Some(Box::new(Seat {
            gate: Gate::default(),
            id,
            to_expel: Vec::new(),
            at_fault: Vec::new(),
            changed: false,
        }));
        self
    }

    /// Whether who may hear what is asked.
    pub(crate) fn has_gate(&self) -> bool {
        self.seat.is_some()
    }

    /// A handshake has proved this key.
    pub(crate) fn knocks(&mut self, key: &PublicKey) -> Result<(), TooMany> {
        self.at_gate(|gate| gate.knocks(key)).unwrap_or(Ok(()))
    }

    /// May it come in by now?
    pub(crate) fn entry(&self, key: &PublicKey) -> Entry {
        self.seat.as_ref().map_or(Entry::Admitted, |seat| seat.gate.entry(key))
    }

    /// The handshake has ended.
    pub(crate) fn knocked(&mut self, key: &PublicKey, now: Instant) {
        self.at_gate(|gate| gate.knocked(key, now));
    }

    /// A subscriber is of this key.
    pub(crate) fn enter(&mut self, id: SubscriberId, key: &PublicKey) -> Result<(), TooMany> {
        self.at_gate(|gate| gate.enter(id, key)).unwrap_or(Ok(()))
    }

    /// A subscriber has left.
    pub(crate) fn left_gate(&mut self, id: SubscriberId, now: Instant) {
        self.at_gate(|gate| gate.leave(id, now));
    }

    /// Does what the subscription says, as far as the gate lets it.
    pub(crate) fn apply_if_granted(
        &mut self,
        id: SubscriberId,
        subscription: Subscription<'_>,
        now: Instant,
    ) -> Result<(), SubscriptionError> {
        if self.seat.is_none() {
            return self.apply(id, subscription);
        }
        let wished = self.at_gate(|gate| match subscription {
            Subscription::Subscribe(topic) => gate.wish(id, topic, now),
            Subscription::Cancel(topic) => {
                gate.unwish(id, topic, now);
                Ok(())
            }
        });
        match wished {
            Some(Err(TooMany)) => Err(SubscriptionError::TooMany(crate::limits::GATE_WISHES_MAX)),
            Some(Ok(())) | None => Ok(()),
        }
    }

    /// Time has passed for the gate.
    pub(crate) fn gate_tick(&mut self, now: Instant) {
        self.at_gate(|gate| gate.tick(now));
        if let Some(seat) = &self.seat {
            self.counters.questions.set(seat.gate.questions() as u64);
        }
    }

    /// A message whose topic begins as a question's: an answer. What is malformed is passed over, and counted.
    pub(crate) fn take_answer(&mut self, message: &[u8], now: Instant) {
        let mut frames = Frames::new(message).filter(|frame| !frame.command).map(|frame| frame.body);
        let (question, status) = (frames.next().unwrap_or_default(), frames.next().unwrap_or_default());
        let is_yes = match status {
            b"200" => true,
            b"404" => false,
            _ => return self.counters.ignored.add(1),
        };
        self.at_gate(|gate| gate.answered(question, is_yes, now));
    }

    /// Whether a message with this topic is an answer to the gate.
    #[inline]
    pub(crate) fn is_answer(&self, topic: &[u8]) -> bool {
        self.seat.is_some() && topic.starts_with(QUESTION_PREFIX)
    }

    /// What is left to do since this was last asked.
    pub(crate) fn take_decided(&mut self) -> Decided {
        let Some(seat) = &mut self.seat else { return Decided::default() };
        Decided {
            to_expel: std::mem::take(&mut seat.to_expel),
            at_fault: std::mem::take(&mut seat.at_fault),
            keys_answered: seat.gate.take_keys_answered(),
            changed: std::mem::take(&mut seat.changed),
        }
    }

    fn at_gate<T>(&mut self, act: impl FnOnce(&mut Gate) -> T) -> Option<T> {
        let mut seat = self.seat.take()?;
        let result = act(&mut seat.gate);
        for effect in seat.gate.take_effects() {
            self.do_effect(&mut seat, effect);
        }
        self.seat = Some(seat);
        Some(result)
    }

    fn do_effect(&mut self, seat: &mut Seat, effect: Effect) {
        match effect {
            Effect::Ask(question) => {
                match self.trie.insert(&question, seat.id) {
                    Inserted::First(topic_id) => {
                        self.tell(&question, true);
                        self.begun(topic_id, &question);
                    }
                    Inserted::Another(topic_id) => self.begun(topic_id, &question),
                    Inserted::Already => {}
                }
                seat.changed = true;
            }
            Effect::Forget(question) => {
                let removed = self.trie.remove(&question, seat.id);
                if let Removed::Last(_) = removed {
                    self.tell(&question, false);
                }
                self.ceased(removed, &question);
                seat.changed = true;
            }
            Effect::Subscribe(id, topic) => {
                if let Err(error) = self.subscribe(id, &topic) {
                    seat.at_fault.push((id, error));
                }
                seat.changed = true;
            }
            Effect::Cancel(id, topic) => {
                self.cancel(id, &topic);
                seat.changed = true;
            }
            Effect::Close(id) => {
                // Nothing more reaches it, also before its connection is closed.
                if let Some(subscriber) = self.subscribers.find_mut(id.0) {
                    subscriber.leaving = true;
                }
                seat.to_expel.push(id);
            }
        }
    }
}
