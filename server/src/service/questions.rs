//! `sync` requests that wait for one feed. Bounded: of too many the oldest are dropped, because whoever asked longest ago has
//! asked again, or will.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use recado_proto::{SyncTopic, TopicName};
use tokio::sync::Notify;

use crate::limits::{SYNC_NAMES_WAITING_MAX, SYNC_QUESTIONS_WAITING_MAX};

/// What one `sync` request asks.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Question {
    /// Where the answer is to be published.
    pub(super) topic: SyncTopic,
    /// In alphabetical order, each once.
    pub(super) names: Vec<TopicName>,
}

impl Question {
    pub(super) fn new(topic: SyncTopic, mut names: Vec<TopicName>) -> Self {
        names.sort_unstable();
        names.dedup();
        Self { topic, names }
    }
}

/// The questions that wait, without the waiting.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    questions: VecDeque<Arc<Question>>,
    names: usize,
    dropped: u64,
}

impl Waiting {
    pub(super) fn push(&mut self, question: Arc<Question>) {
        self.names += question.names.len();
        self.questions.push_back(question);
        while self.questions.len() > SYNC_QUESTIONS_WAITING_MAX || self.names > SYNC_NAMES_WAITING_MAX {
            let Some(oldest) = self.questions.pop_front() else { break };
            self.names -= oldest.names.len();
            self.dropped += 1;
        }
    }

    /// All that wait, oldest first, and how many were dropped since the last time.
    pub(super) fn take(&mut self) -> (Vec<Arc<Question>>, u64) {
        self.names = 0;
        (self.questions.drain(..).collect(), std::mem::take(&mut self.dropped))
    }
}

/// Shared by the desk, which asks, and one feed, which answers.
#[derive(Debug, Default)]
pub(super) struct Questions {
    waiting: Mutex<Waiting>,
    asked: Notify,
}

impl Questions {
    pub(super) fn ask(&self, question: Arc<Question>) {
        self.lock().push(question);
        self.asked.notify_one();
    }

    /// As [`Waiting::take`].
    pub(super) fn take(&self) -> (Vec<Arc<Question>>, u64) {
        self.lock().take()
    }

    /// Waits for a question.
    pub(super) async fn asked(&self) {
        self.asked.notified().await;
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        // Nothing can panic while it is locked.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use recado_proto::limits::SYNC_TOPICS_MAX;
    use recado_proto::{SyncTopic, TopicName};

    use super::{Question, Waiting};
    use crate::limits::{SYNC_NAMES_WAITING_MAX, SYNC_QUESTIONS_WAITING_MAX};

    fn question(number: usize, names: usize) -> Arc<Question> {
        let names = (0..names).map(|name| TopicName::parse(&format!("channel{name}")).unwrap()).collect();
        Arc::new(Question::new(SyncTopic::from_random(number as u128), names))
    }

    fn check(pushed: usize, names: usize, kept: usize) {
        let mut waiting = Waiting::default();
        (0..pushed).for_each(|number| waiting.push(question(number, names)));
        let (taken, dropped) = waiting.take();
        assert_eq!((taken.len(), dropped), (kept, (pushed - kept) as u64), "{pushed} of {names} names");
        let newest: Vec<_> = (pushed - kept..pushed).map(|number| question(number, names)).collect();
        assert!(taken == newest, "the newest ones are kept, in their order");
        assert_eq!(waiting.take(), (vec![], 0));
    }

    #[test]
    fn of_too_many_the_oldest_are_dropped() {
        check(3, 2, 3);
        check(SYNC_QUESTIONS_WAITING_MAX, 1, SYNC_QUESTIONS_WAITING_MAX);
        check(SYNC_QUESTIONS_WAITING_MAX + 5, 1, SYNC_QUESTIONS_WAITING_MAX);
        check(
            SYNC_NAMES_WAITING_MAX / SYNC_TOPICS_MAX + 1,
            SYNC_TOPICS_MAX,
            SYNC_NAMES_WAITING_MAX / SYNC_TOPICS_MAX,
        );
    }

    #[test]
    fn a_name_that_is_asked_for_twice_is_looked_up_once() {
        let names = ["geral", "ana", "geral"].map(|name| TopicName::parse(name).unwrap());
        let question = Question::new(SyncTopic::from_random(1), names.to_vec());
        assert_eq!(question.names.iter().map(TopicName::as_str).collect::<Vec<_>>(), ["ana", "geral"]);
    }
}
