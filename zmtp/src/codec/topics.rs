//! A set of topics, each of which stands for all that begins with it. Knows nothing of who subscribed.

use std::collections::BTreeSet;
use std::ops::Bound;

use bytes::Bytes;
use thiserror::Error;

/// The topics of one subscriber: a set, not a count (subscribing twice and cancelling once leaves none), bounded in
/// number and in bytes.
#[derive(Clone, Debug)]
pub struct TopicSet {
    topics: BTreeSet<Bytes>,
    bytes: usize,
    topics_max: usize,
    bytes_max: usize,
}

/// A set of so few topics is faster walked than searched.
const WALKED_TOPICS_MAX: usize = 4;

impl TopicSet {
    /// An empty set of at most `topics_max` topics and `bytes_max` bytes in all of them.
    pub fn new(topics_max: usize, bytes_max: usize) -> Self {
        Self { topics: BTreeSet::new(), bytes: 0, topics_max, bytes_max }
    }

    /// Adds a topic; `false` if it was there.
    pub fn insert(&mut self, topic: &[u8]) -> Result<bool, TopicsFull> {
        if self.topics.contains(topic) {
            return Ok(false);
        }
        if self.topics.len() >= self.topics_max || self.bytes + topic.len() > self.bytes_max {
            return Err(TopicsFull { topics_max: self.topics_max, bytes_max: self.bytes_max });
        }
        self.bytes += topic.len();
        Ok(self.topics.insert(Bytes::copy_from_slice(topic)))
    }

    /// Takes a topic out; `false` if it was not there.
    pub fn remove(&mut self, topic: &[u8]) -> bool {
        let removed = self.topics.remove(topic);
        if removed {
            self.bytes -= topic.len();
        }
        removed
    }

    /// Whether some topic of the set begins `subject`.
    ///
    /// Of the topics at or before the subject in order, the last is the only candidate, or shows how much shorter the
    /// next candidate must be: so few look-ups are needed, whatever the set's size, and never more than the subject
    /// has bytes.
    pub fn matches(&self, subject: &[u8]) -> bool {
        if self.topics.len() <= WALKED_TOPICS_MAX {
            return self.topics.iter().any(|topic| subject.starts_with(topic));
        }
        let mut subject = subject;
        loop {
            let upto = (Bound::Unbounded, Bound::Included(subject));
            let Some(last) = self.topics.range::<[u8], _>(upto).next_back() else { return false };
            let common = last.iter().zip(subject).take_while(|(a, b)| a == b).count();
            if common == last.len() {
                return true;
            }
            subject = &subject[..common];
        }
    }

    /// The topics, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Bytes> {
        self.topics.iter()
    }

    /// How many topics there are.
    pub fn len(&self) -> usize {
        self.topics.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.topics.is_empty()
    }
}

/// A subscriber asked for more topics than it may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("more than {topics_max} topics, or more than {bytes_max} bytes of them")]
pub struct TopicsFull {
    /// Topics allowed.
    pub topics_max: usize,
    /// Bytes allowed, of all topics together.
    pub bytes_max: usize,
}
