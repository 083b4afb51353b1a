//! The newest message of each topic, for subscribers that come late. Bounded in bytes: the topics that had no message for longest
//! are forgotten first. Knows nothing of subscribers.

use std::collections::BTreeMap;
use std::rc::Rc;

use crate::limits::LAST_VALUE_BYTES;

/// What is remembered.
#[derive(Debug)]
pub(crate) struct LastValues {
    by_topic: BTreeMap<Rc<[u8]>, Value>,
    by_age: BTreeMap<u64, Rc<[u8]>>,
    next_age: u64,
    bytes: usize,
    bytes_max: usize,
}

#[derive(Debug)]
struct Value {
    age: u64,
    message: Box<[u8]>,
}

impl LastValues {
    /// Remembers up to `bytes_max`: topics, messages, and [`LAST_VALUE_BYTES`] for each.
    pub(crate) fn new(bytes_max: usize) -> LastValues {
        LastValues { by_topic: BTreeMap::new(), by_age: BTreeMap::new(), next_age: 0, bytes: 0, bytes_max }
    }

    /// `message`, as it is on the wire, is the newest of `topic`. One that is too large for the memory is not kept, and the one
    /// before it is the newest no longer.
    pub(crate) fn keep(&mut self, topic: &[u8], message: &[u8]) {
        let age = self.next_age;
        self.next_age += 1;
        let topic = match self.by_topic.remove_entry(topic) {
            Some((topic, value)) => {
                self.by_age.remove(&value.age);
                self.bytes -= cost(&topic, &value.message);
                topic
            }
            None => topic.into(),
        };
        let bytes = cost(&topic, message);
        if bytes > self.bytes_max {
            return;
        }
        self.bytes += bytes;
        self.by_age.insert(age, Rc::clone(&topic));
        self.by_topic.insert(topic, Value { age, message: message.into() });
        while self.bytes > self.bytes_max {
            let (_, oldest) = self.by_age.pop_first().expect("what is held has an age");
            let value = self.by_topic.remove(&oldest).expect("both maps hold the same topics");
            self.bytes -= cost(&oldest, &value.message);
        }
    }

    /// The topics that begin with `prefix`, in the order of bytes, with their newest messages.
    pub(crate) fn matching<'a>(&'a self, prefix: &'a [u8]) -> impl Iterator<Item = (&'a [u8], &'a [u8])> {
        let from: Rc<[u8]> = prefix.into();
        let values = self.by_topic.range(from..).map(|(topic, value)| (&**topic, &*value.message));
        values.take_while(move |(topic, _)| topic.starts_with(prefix))
    }
}

fn cost(topic: &[u8], message: &[u8]) -> usize {
    LAST_VALUE_BYTES + topic.len() + message.len()
}

#[cfg(test)]
mod tests {
    use super::{LAST_VALUE_BYTES, LastValues};

    fn all(values: &LastValues, prefix: &str) -> String {
        let show =
            |(topic, message): (&[u8], &[u8])| format!("{}={}", topic.escape_ascii(), message.escape_ascii());
        values.matching(prefix.as_bytes()).map(show).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn the_newest_of_each_topic_is_found_by_prefix() {
        let mut values = LastValues::new(10_000);
        for (topic, message) in [("ab", "1"), ("b", "2"), ("a", "3"), ("ab", "4"), ("abc", "5")] {
            values.keep(topic.as_bytes(), message.as_bytes());
        }
        assert_eq!(all(&values, ""), "a=3 ab=4 abc=5 b=2");
        assert_eq!(all(&values, "ab"), "ab=4 abc=5");
        assert_eq!(all(&values, "abcd"), "");
    }

    #[test]
    fn the_oldest_are_forgotten_first_and_what_is_too_large_is_not_kept() {
        let mut values = LastValues::new(3 * (LAST_VALUE_BYTES + 2));
        for topic in ["a", "b", "c", "a", "d"] {
            values.keep(topic.as_bytes(), b"x");
        }
        assert_eq!(all(&values, ""), "a=x c=x d=x");
        values.keep(b"c", &[b'x'; 1000]);
        assert_eq!(all(&values, ""), "a=x d=x", "what was there before is not the newest");
        assert_eq!(values.bytes, 2 * (LAST_VALUE_BYTES + 2));
        assert_eq!(values.by_age.len(), 2);
    }
}
