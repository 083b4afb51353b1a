//! The arithmetic of `history`: which stretch of a sorted row of messages a request means, and how much of it fits into a
//! reply. Knows nothing of where messages lie.

use recado_proto::limits::HISTORY_BYTES_MAX;
use recado_proto::{Publication, Range};

/// The end of a stretch that counts when not all of it fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keep {
    Oldest,
    Newest,
}

/// Messages strictly between two keys. A key is a `seq` within a topic, a position within a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stretch {
    pub(super) after: u64,
    pub(super) before: u64,
    pub(super) keep: Keep,
    pub(super) limit: usize,
    pub(super) bytes: usize,
}

/// A [`Range`] whose places are keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KeyRange {
    Latest,
    Before(u64),
    After(u64),
    Around(u64),
    Between(u64, u64),
}

impl KeyRange {
    /// The range with each place replaced by its key.
    pub(super) fn resolve<E>(
        range: Range,
        mut key: impl FnMut(recado_proto::Place) -> Result<u64, E>,
    ) -> Result<Self, E> {
        Ok(match range {
            Range::Latest => KeyRange::Latest,
            Range::Before(place) => KeyRange::Before(key(place)?),
            Range::After(place) => KeyRange::After(key(place)?),
            Range::Around(place) => KeyRange::Around(key(place)?),
            Range::Between(one, other) => KeyRange::Between(key(one)?, key(other)?),
        })
    }

    /// The stretches to read, in the order in which the reply gives them.
    pub(super) fn stretches(self, limit: usize) -> Vec<Stretch> {
        let stretch = |after, before, keep, limit, bytes| Stretch { after, before, keep, limit, bytes };
        let all = HISTORY_BYTES_MAX;
        match self {
            KeyRange::Latest => vec![stretch(0, u64::MAX, Keep::Newest, limit, all)],
            KeyRange::Before(key) => vec![stretch(0, key, Keep::Newest, limit, all)],
            KeyRange::After(key) => vec![stretch(key, u64::MAX, Keep::Oldest, limit, all)],
            KeyRange::Around(key) => {
                let before = limit / 2;
                vec![
                    stretch(0, key, Keep::Newest, before, all / 2),
                    stretch(key, u64::MAX, Keep::Oldest, limit - before, all / 2),
                ]
            }
            KeyRange::Between(from, to) if from <= to => vec![stretch(from, to, Keep::Oldest, limit, all)],
            KeyRange::Between(from, to) => vec![stretch(to, from, Keep::Newest, limit, all)],
        }
    }
}

impl Stretch {
    /// The first and the last key of what is there, where the keys are 1 to `last` without gaps. The first is larger than
    /// the last if there is nothing.
    pub(super) fn window(self, last: u64) -> (u64, u64) {
        let limit = self.limit as u64;
        let first = self.after.saturating_add(1);
        let last = self.before.saturating_sub(1).min(last);
        match self.keep {
            Keep::Oldest => (first, last.min(first.saturating_add(limit).saturating_sub(1))),
            Keep::Newest => (first.max((last + 1).saturating_sub(limit)), last),
        }
    }
}

/// How many more messages a reply takes.
#[derive(Debug)]
pub(super) struct Room {
    bytes: usize,
    taken: usize,
}

impl Room {
    pub(super) fn new(bytes: usize) -> Self {
        Self { bytes, taken: 0 }
    }

    /// Whether this message fits, too. The first always does.
    pub(super) fn take(&mut self, message: &Publication) -> bool {
        let needed = encoded_bytes(message);
        let fits = self.taken == 0 || needed <= self.bytes;
        self.bytes = self.bytes.saturating_sub(needed);
        self.taken += 1;
        fits
    }
}

/// At least what the message takes in a reply.
fn encoded_bytes(message: &Publication) -> usize {
    const KEYS_AND_NUMBERS: usize = 224;
    const KEYS_AND_NUMBERS_OF_ACT: usize = 96;
    let acts = message.acts.iter();
    let acts = acts.map(|act| KEYS_AND_NUMBERS_OF_ACT + act.user.as_str().len() + act.message.len());
    KEYS_AND_NUMBERS
        + message.topic.len()
        + message.sender().as_str().len()
        + message.message.len()
        + acts.sum::<usize>()
}

#[cfg(test)]
mod tests {
    use super::{Keep, KeyRange};

    /// Compares with a plain filter over 1 to `last`.
    fn check(range: KeyRange, limit: usize, last: u64, expect: &[u64]) {
        let found: Vec<u64> = range
            .stretches(limit)
            .into_iter()
            .flat_map(|stretch| {
                let (first, last) = stretch.window(last);
                first..=last
            })
            .collect();
        assert_eq!(found, expect, "{range:?} limit {limit} of {last}");
    }

    #[test]
    fn places_named_are_left_out() {
        check(KeyRange::Latest, 3, 10, &[8, 9, 10]);
        check(KeyRange::Latest, 30, 3, &[1, 2, 3]);
        check(KeyRange::Latest, 3, 0, &[]);
        check(KeyRange::Before(5), 2, 10, &[3, 4]);
        check(KeyRange::Before(1), 2, 10, &[]);
        check(KeyRange::Before(0), 2, 10, &[]);
        check(KeyRange::Before(99), 2, 10, &[9, 10]);
        check(KeyRange::After(5), 2, 10, &[6, 7]);
        check(KeyRange::After(0), 2, 10, &[1, 2]);
        check(KeyRange::After(10), 2, 10, &[]);
        check(KeyRange::After(u64::MAX), 2, 10, &[]);
        check(KeyRange::Around(5), 4, 10, &[3, 4, 6, 7]);
        check(KeyRange::Around(5), 3, 10, &[4, 6, 7]);
        check(KeyRange::Around(1), 4, 10, &[2, 3]);
        check(KeyRange::Around(5), 0, 10, &[]);
        check(KeyRange::Between(2, 9), 3, 10, &[3, 4, 5]);
        check(KeyRange::Between(9, 2), 3, 10, &[6, 7, 8]);
        check(KeyRange::Between(2, 4), 9, 10, &[3]);
        check(KeyRange::Between(2, 3), 9, 10, &[]);
        check(KeyRange::Between(2, 2), 9, 10, &[]);
        check(KeyRange::Between(8, u64::MAX), 9, 10, &[9, 10]);
        check(KeyRange::Latest, 0, 10, &[]);
        check(KeyRange::After(3), 0, 10, &[]);
    }

    #[test]
    fn between_counts_from_the_place_named_first() {
        assert_eq!(KeyRange::Between(1, 9).stretches(1)[0].keep, Keep::Oldest);
        assert_eq!(KeyRange::Between(9, 1).stretches(1)[0].keep, Keep::Newest);
    }
}
