//! Which places of a topic a subscriber has had: how far it is, and what it passed over.

use std::collections::BTreeMap;

use super::ledger::Digests;

/// The places of one topic, as one subscriber had them.
#[derive(Debug)]
pub(super) struct Places {
    /// Everything before this was had or passed over.
    next: u64,
    /// What was passed over, as first and last place.
    holes: BTreeMap<u64, u64>,
    /// What was heard, for the comparison with what is stored.
    pub(super) heard: Digests,
}

/// What the message at a place is to its subscriber.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arrival {
    /// The next one, or one further on.
    First,
    /// New, and behind one that is further on.
    Late,
    /// It was had before.
    Repeated,
    /// It is older than the run.
    Before,
}

impl Places {
    /// Nothing had since `last`, the last place before the run.
    pub(super) fn after(last: u64) -> Places {
        Places { next: last + 1, holes: BTreeMap::new(), heard: Digests::default() }
    }

    /// A message at this place arrived. `last` is the last place before the run.
    pub(super) fn arrive(&mut self, seq: u64, last: u64) -> Arrival {
        if seq <= last {
            return Arrival::Before;
        }
        if seq >= self.next {
            if seq > self.next {
                self.holes.insert(self.next, seq - 1);
            }
            self.next = seq.saturating_add(1);
            return Arrival::First;
        }
        let Some((first, until)) = self.hole(seq) else { return Arrival::Repeated };
        self.holes.remove(&first);
        if first < seq {
            self.holes.insert(first, seq - 1);
        }
        if seq < until {
            self.holes.insert(seq + 1, until);
        }
        Arrival::Late
    }

    /// Whether this place was not had.
    pub(super) fn lacks(&self, seq: u64) -> bool {
        seq >= self.next || self.hole(seq).is_some()
    }

    /// The places are counted anew: whatever comes next is where it goes on.
    pub(super) fn recount(&mut self, last: u64) {
        *self = Places::after(last);
    }

    fn hole(&self, seq: u64) -> Option<(u64, u64)> {
        let (first, last) = self.holes.range(..=seq).next_back()?;
        (seq <= *last).then_some((*first, *last))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_in_order_leave_nothing_behind() {
        let mut places = Places::after(10);
        assert!((11..500).all(|seq| places.arrive(seq, 10) == Arrival::First));
        assert!(places.holes.is_empty() && !places.lacks(499) && places.lacks(500));
    }

    #[test]
    fn what_is_passed_over_is_lacking_until_it_comes_late() {
        let mut places = Places::after(0);
        assert_eq!(places.arrive(5, 0), Arrival::First);
        assert!((1..5).all(|seq| places.lacks(seq)) && !places.lacks(5));
        assert_eq!(places.arrive(3, 0), Arrival::Late);
        assert_eq!(places.arrive(3, 0), Arrival::Repeated);
        assert_eq!((1..=6).filter(|seq| places.lacks(*seq)).collect::<Vec<_>>(), [1, 2, 4, 6]);
        assert!([1, 2, 4].iter().all(|seq| places.arrive(*seq, 0) == Arrival::Late));
        assert!(places.holes.is_empty());
    }

    #[test]
    fn what_is_older_than_the_run_is_neither_new_nor_repeated() {
        let mut places = Places::after(10);
        assert_eq!(places.arrive(10, 10), Arrival::Before);
        assert_eq!(places.arrive(11, 10), Arrival::First);
        assert_eq!(places.arrive(11, 10), Arrival::Repeated);
    }
}
