//! The question that proves subscriptions live. Its answer is published on a one-time topic that was subscribed to after those that
//! it is about, and pipes are in order: once it arrives, whatever is published on those topics arrives as well, or shows as a gap.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use rand::{RngExt, rngs::StdRng};
use recado_proto::SyncTopic;

use crate::limits;

use super::Ticket;

/// What is to be done.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Asking {
    /// Cancel this one-time topic.
    pub(super) unsubscribe: Option<SyncTopic>,
    /// Subscribe to this one.
    pub(super) subscribe: Option<SyncTopic>,
    /// Ask for these topics on this one.
    pub(super) topic: SyncTopic,
    pub(super) covers: Vec<String>,
}

/// At most one question is under way; topics joined meanwhile wait for the next one, or until this one is asked again.
#[derive(Debug, Default)]
pub(super) struct Barrier {
    waiting: BTreeSet<String>,
    question: Option<Question>,
    /// The server does not know the question.
    refused: bool,
}

#[derive(Debug)]
struct Question {
    topic: SyncTopic,
    covers: BTreeSet<String>,
    attempts: u32,
    state: State,
}

#[derive(Debug, PartialEq, Eq)]
enum State {
    /// With the server.
    Asked(Ticket),
    /// The server took it, or failed to: asked again then.
    Pausing { until: Instant },
}

impl Barrier {
    /// The topic needs a barrier that begins after now. False if there are none.
    pub(super) fn want(&mut self, name: &str, now: Instant) -> bool {
        if self.refused {
            return false;
        }
        self.waiting.insert(name.to_owned());
        if let Some(question) = &mut self.question {
            question.covers.remove(name);
            // Whoever joins now does not wait as long as those for whom it was asked many times.
            if let State::Pausing { until } = &mut question.state {
                *until = (*until).min(now + limits::SYNC_RETRY_FIRST);
            }
        }
        true
    }

    /// What was asked before proves nothing any more: everything that is wanted is asked for anew.
    pub(super) fn begin_anew(&mut self) {
        if let Some(question) = &mut self.question {
            self.waiting.append(&mut question.covers);
        }
    }

    /// Perhaps a server that knows the question is there now.
    pub(super) fn trust_again(&mut self) {
        self.refused = false;
    }

    /// The topic is followed no longer.
    pub(super) fn forget(&mut self, name: &str) {
        self.waiting.remove(name);
        if let Some(question) = &mut self.question {
            question.covers.remove(name);
        }
    }

    /// Whether nothing is asked and a question would be answered.
    pub(super) fn is_idle(&self) -> bool {
        !self.refused && self.question.is_none() && self.waiting.is_empty()
    }

    /// When [`Barrier::take_due`] has something. What is due at once is taken by whoever made it so.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        match self.question.as_ref()?.state {
            State::Pausing { until } => Some(until),
            State::Asked(_) => None,
        }
    }

    /// The question that is due, asked under this ticket.
    pub(super) fn take_due(&mut self, ticket: Ticket, now: Instant, random: &mut StdRng) -> Option<Asking> {
        let mut unsubscribe = None;
        if let Some(question) = &mut self.question {
            let is_void = question.covers.is_empty();
            if !is_void && !matches!(question.state, State::Pausing { until } if until <= now) {
                return None;
            }
            if !is_void && self.waiting.is_empty() {
                question.attempts += 1;
                question.state = State::Asked(ticket);
                let topic = question.topic.clone();
                let covers = question.covers.iter().cloned().collect();
                return Some(Asking { unsubscribe: None, subscribe: None, topic, covers });
            }
            unsubscribe = Some(question.topic.clone());
            self.waiting.append(&mut question.covers);
            self.question = None;
        }
        if self.waiting.is_empty() {
            return None;
        }
        let topic = SyncTopic::from_random(random.random());
        let covers = std::mem::take(&mut self.waiting);
        let asking = Asking {
            unsubscribe,
            subscribe: Some(topic.clone()),
            topic: topic.clone(),
            covers: covers.iter().cloned().collect(),
        };
        self.question = Some(Question { topic, covers, attempts: 1, state: State::Asked(ticket) });
        Some(asking)
    }

    /// A question that nobody needs any more: the topic to cancel.
    pub(super) fn take_void(&mut self) -> Option<SyncTopic> {
        let is_void = self.question.as_ref().is_some_and(|question| question.covers.is_empty());
        if is_void && self.waiting.is_empty() {
            self.question.take().map(|question| question.topic)
        } else {
            None
        }
    }

    /// The server took the question, or could not: it is asked again unless its answer arrives within a while.
    pub(super) fn on_reply(&mut self, ticket: Ticket, now: Instant, random: &mut StdRng) {
        if let Some(question) = &mut self.question
            && question.state == State::Asked(ticket)
        {
            question.state = State::Pausing { until: now + pause(question.attempts, random) };
        }
    }

    /// The server knows no such question. The topics that wait for it.
    pub(super) fn on_refused(&mut self, ticket: Ticket) -> Option<(SyncTopic, BTreeSet<String>)> {
        let asked = |question: &mut Question| question.state == State::Asked(ticket);
        let Question { topic, mut covers, .. } = self.question.take_if(asked)?;
        self.refused = true;
        covers.append(&mut self.waiting);
        Some((topic, covers))
    }

    /// Something was published on this one-time topic. If it is the one asked for: the topics that it covers.
    pub(super) fn on_arrival(&mut self, topic: &SyncTopic) -> Option<BTreeSet<String>> {
        self.question.take_if(|question| question.topic == *topic).map(|question| question.covers)
    }
}

/// Half of it is chance, so that all who lost the same broker do not ask at once, again and again.
fn pause(attempts: u32, random: &mut StdRng) -> Duration {
    let doubled = limits::SYNC_RETRY_FIRST.saturating_mul(1 << attempts.saturating_sub(1).min(16));
    doubled.min(limits::SYNC_RETRY_MAX).mul_f64(1.0 - random.random::<f64>() / 2.0)
}
