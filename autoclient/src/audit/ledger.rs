//! What was acknowledged where, kept small: a digest for each stretch of a topic's places, and the newest ones one by one.
//!
//! A digest is the number of messages and the sum of a hash of each (place, number, checksum), so that it does not depend on their order
//! and two that are equal hold the same messages. Memory grows by a few dozen bytes for every [`STRETCH_PLACES`] messages.

use std::collections::BTreeMap;

use crate::limits::STRETCH_PLACES;

/// A message at a place of a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Placed {
    pub(super) seq: u64,
    pub(super) number: u64,
    pub(super) checksum: u32,
}

/// How many messages, and which.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Digest {
    pub(super) count: u64,
    sum: u64,
}

impl Digest {
    fn add(&mut self, message: Placed) {
        self.count += 1;
        self.sum = self.sum.wrapping_add(hash(message));
    }
}

/// Digests by stretch.
#[derive(Debug, Default)]
pub(super) struct Digests(BTreeMap<u64, Digest>);

impl Digests {
    pub(super) fn add(&mut self, message: Placed) {
        self.0.entry(stretch(message.seq)).or_default().add(message);
    }

    pub(super) fn of(&self, stretch: u64) -> Digest {
        self.0.get(&stretch).copied().unwrap_or_default()
    }

    pub(super) fn stretches(&self) -> impl Iterator<Item = u64> {
        self.0.keys().copied()
    }
}

/// The acknowledged messages of a topic.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    digests: Digests,
    /// The messages of stretches that are still kept one by one.
    each: BTreeMap<u64, Vec<Placed>>,
}

impl Ledger {
    /// Enters a message.
    pub(super) fn add(&mut self, message: Placed) -> Added {
        let stretch = stretch(message.seq);
        let is_new = self.digests.of(stretch).count == 0;
        self.digests.add(message);
        if is_new {
            self.each.insert(stretch, Vec::new());
        }
        match self.each.get_mut(&stretch) {
            Some(messages) => messages.push(message),
            None => return Added::Condensed,
        }
        if is_new { Added::First } else { Added::Kept }
    }

    /// Forgets what is kept one by one of this stretch. How many that were.
    pub(super) fn condense(&mut self, stretch: u64) -> usize {
        self.each.remove(&stretch).map_or(0, |messages| messages.len())
    }

    pub(super) fn digest(&self, stretch: u64) -> Digest {
        self.digests.of(stretch)
    }

    /// The messages of a stretch in order, if they are still kept one by one.
    pub(super) fn messages(&self, stretch: u64) -> Option<Vec<Placed>> {
        let mut messages = self.each.get(&stretch)?.clone();
        messages.sort_unstable();
        Some(messages)
    }

    pub(super) fn stretches(&self) -> impl Iterator<Item = u64> {
        self.digests.stretches()
    }
}

/// How a message was entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Added {
    /// As the first of its stretch.
    First,
    /// One by one, as others of its stretch.
    Kept,
    /// In the digest alone.
    Condensed,
}

/// The stretch that a place belongs to.
pub(super) fn stretch(seq: u64) -> u64 {
    seq / STRETCH_PLACES
}

/// SplitMix64's mixing (Steele, Lea, Flood 2014) of the three.
fn hash(message: Placed) -> u64 {
    let mix = |mut word: u64| {
        word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        word ^ (word >> 31)
    };
    let step = 0x9E37_79B9_7F4A_7C15_u64;
    [message.seq, message.number, message.checksum.into()]
        .into_iter()
        .fold(step, |hash, word| mix(hash.wrapping_add(step) ^ mix(word.wrapping_add(step))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn placed(seq: u64) -> Placed {
        Placed { seq, number: seq * 3, checksum: seq as u32 ^ 0xABCD }
    }

    #[test]
    fn the_order_does_not_matter_and_everything_else_does() {
        let digest = |messages: &[Placed]| {
            let mut digest = Digest::default();
            messages.iter().for_each(|message| digest.add(*message));
            digest
        };
        let [a, b, c] = [placed(1), placed(2), placed(3)];
        assert_eq!(digest(&[a, b, c]), digest(&[c, a, b]));
        assert_ne!(digest(&[a, b]), digest(&[a, c]));
        assert_ne!(digest(&[a, a]), digest(&[a]));
        let swapped = [Placed { number: b.number, ..a }, Placed { number: a.number, ..b }];
        assert_ne!(digest(&[a, b]), digest(&swapped));
        assert_ne!(digest(&[Placed { checksum: 0, ..a }]), digest(&[a]));
    }

    #[test]
    fn a_stretch_is_kept_one_by_one_until_it_is_condensed() {
        let mut ledger = Ledger::default();
        let added = [3, 1, 2, STRETCH_PLACES].map(|seq| ledger.add(placed(seq)));
        assert_eq!(added, [Added::First, Added::Kept, Added::Kept, Added::First]);
        assert_eq!(ledger.messages(0), Some([1, 2, 3].map(placed).to_vec()));
        let before = ledger.digest(0);
        assert_eq!(ledger.condense(0), 3);
        assert_eq!((ledger.messages(0), ledger.digest(0)), (None, before));
        assert_eq!(ledger.add(placed(4)), Added::Condensed);
        assert_eq!((ledger.messages(0), ledger.digest(0).count), (None, 4));
        assert_eq!(ledger.stretches().collect::<Vec<_>>(), [0, 1]);
    }
}
