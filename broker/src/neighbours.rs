//! The other workers, as a hub knows them: what they subscribe to on behalf of their subscribers, what they are to be told of ours, and
//! how long theirs were waited for. To a hub a neighbour is like a subscriber, but that its messages are handed over to it instead of
//! written. Knows nothing of threads.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::chunk::Chunk;
use crate::delivery::Outside;
use crate::hub::{Hub, Subscriber};
use crate::pace::{Elsewhere, Pace};
use crate::share::Shares;
use crate::trie::{Inserted, Removed, SubscriberId, TopicId};

/// A worker, by its number: 0, 1, 2, …
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WorkerId(pub u32);

/// A worker's subscribers have begun to want a topic, or ceased to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicChange {
    /// The topic.
    pub topic: Arc<[u8]>,
    /// Begun.
    pub wanted: bool,
}

/// What a worker shows the others of how its subscribers keep up.
#[derive(Debug, Default)]
pub struct Board {
    reached: AtomicU64,
    waited_us: AtomicU64,
}

/// The neighbours of one hub; none, unless there are several workers.
#[derive(Debug)]
pub(crate) struct Neighbours {
    own: usize,
    boards: Arc<[Board]>,
    changes: Vec<TopicChange>,
}

impl Neighbours {
    /// There is one worker.
    pub(crate) fn none() -> Neighbours {
        Neighbours { own: 0, boards: Arc::new([]), changes: Vec::new() }
    }

    /// How many workers there are, this one included.
    pub(crate) fn workers(&self) -> usize {
        self.boards.len().max(1)
    }

    /// Numbers of subscribers that stand for something else, from 0 on: one for each worker, and [`Neighbours::everything`].
    #[inline]
    pub(crate) fn reserved(&self) -> usize {
        if self.boards.is_empty() { 0 } else { self.boards.len() + 1 }
    }

    /// Stands for all messages, whoever wants them.
    pub(crate) fn everything(&self) -> SubscriberId {
        SubscriberId(self.boards.len() as u32)
    }

    /// The first that stands for a subscriber of this hub.
    #[inline]
    pub(crate) fn first_own(&self) -> SubscriberId {
        SubscriberId(self.reserved() as u32)
    }

    /// Whether this hub is the one that counts what all have in common.
    pub(crate) fn counts_for_all(&self) -> bool {
        self.own == 0
    }

    /// How many of the others' subscribers were sent something lately, and how long those were waited for since the start.
    pub(crate) fn elsewhere(&self) -> Elsewhere {
        let others = self.boards.iter().enumerate().filter(|(worker, _)| *worker != self.own);
        others.fold(Elsewhere::default(), |sum, (_, board)| Elsewhere {
            reached: sum.reached + board.reached.load(Ordering::Relaxed),
            waited: sum.waited + Duration::from_micros(board.waited_us.load(Ordering::Relaxed)),
        })
    }

    /// Shows the others how long ours were waited for, and how many were sent something lately.
    pub(crate) fn show(&self, ours: Elsewhere) {
        if let Some(board) = self.boards.get(self.own) {
            board.reached.store(ours.reached, Ordering::Relaxed);
            let waited = u64::try_from(ours.waited.as_micros()).unwrap_or(u64::MAX);
            board.waited_us.store(waited, Ordering::Relaxed);
        }
    }
}

impl Hub {
    /// The same, as the worker `own` of as many as there are boards. Before anybody connects.
    ///
    /// # Panics
    /// When somebody has.
    pub fn with_neighbours(mut self, own: WorkerId, boards: Arc<[Board]>) -> Hub {
        assert_eq!(self.subscribers.len(), 0, "the first numbers are the workers'");
        self.pace = Pace::of_workers(boards.len());
        self.neighbours = Neighbours { own: own.0 as usize, boards, changes: Vec::new() };
        for _ in 0..self.neighbours.reserved() {
            self.subscribers.insert(Subscriber::default());
        }
        self
    }

    /// What the other workers are to be told: all of it to each, in this order.
    pub fn take_topic_changes(&mut self) -> Vec<TopicChange> {
        std::mem::take(&mut self.neighbours.changes)
    }

    /// Another worker's subscribers have begun to want a topic, or ceased to. What publishers are to be told of it follows.
    pub fn neighbour_changed(&mut self, worker: WorkerId, change: &TopicChange) {
        let id = SubscriberId(worker.0);
        if change.wanted {
            let inserted = self.trie.insert(&change.topic, id);
            if self.is_question(&change.topic) {
                self.tell_question(&change.topic, inserted);
            } else if let Inserted::First(_) = inserted {
                self.tell(&change.topic, true);
            }
        } else if let Removed::Last(_) = self.trie.remove(&change.topic, id) {
            self.tell(&change.topic, false);
        }
        self.count_subscriptions();
    }

    /// Notes for the others that a topic has got its first subscriber here, if that is so.
    pub(crate) fn begun(&mut self, topic_id: TopicId, topic: &[u8]) {
        let first_own = self.neighbours.first_own();
        if first_own.0 > 0 && self.trie.subscribers_from(topic_id, first_own).len() == 1 {
            self.neighbours.changes.push(TopicChange { topic: topic.into(), wanted: true });
        }
    }

    /// Notes for the others that a topic has lost its last subscriber here, if that is so: `rest` of its subscribers are left.
    pub(crate) fn ceased(&mut self, rest: Removed, topic: &[u8]) {
        let first_own = self.neighbours.first_own();
        if first_own.0 == 0 {
            return;
        }
        let last = match rest {
            Removed::Last(_) => true,
            Removed::Another(topic_id) => self.trie.subscribers_from(topic_id, first_own).is_empty(),
            Removed::Absent => false,
        };
        if last {
            self.neighbours.changes.push(TopicChange { topic: topic.into(), wanted: false });
        }
    }

    /// Hands the others their shares of the chunk; all of it, where last values are kept: each worker keeps its own.
    pub(crate) fn hand_over(&mut self, chunk: &mut Chunk, shares: &mut Shares, outside: &mut impl Outside) {
        let everything = self.neighbours.everything();
        let all = self.subscribers.find_mut(everything.0).and_then(|it| it.share.take());
        shares.handed_over += usize::from(all.is_some());
        for worker in (0..everything.0).map(WorkerId) {
            let share = self.subscribers.find_mut(worker.0).and_then(|it| it.share.take());
            if let Some((first, _)) = share {
                shares.hand_over(first);
            }
            if let Some((first, _)) = all.or(share)
                && worker.0 as usize != self.neighbours.own
            {
                outside.hand_over(worker, shares.messages(chunk, first));
            }
        }
    }

    /// Shows the others how ours keep up.
    pub(crate) fn show(&self) {
        self.neighbours.show(self.pace.ours());
    }
}

#[cfg(test)]
#[path = "neighbours_tests.rs"]
mod tests;
