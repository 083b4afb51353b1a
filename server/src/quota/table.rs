//! What is remembered of users and addresses, bounded: the one that goes for a newcomer is the one that has least to remember.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::hash::Hash;
use std::time::Instant;

/// Entries by key, at most so many.
#[derive(Clone, Debug)]
pub(super) struct Table<K, V> {
    entries: HashMap<K, V>,
    /// Each key once, with a time at or before which its entry has nothing left to remember. The time is mended when it comes to the top,
    /// so that using an entry costs nothing here.
    order: BinaryHeap<Reverse<(Instant, K)>>,
    entries_max: usize,
}

impl<K: Clone + Eq + Hash + Ord, V> Table<K, V> {
    pub(super) fn new(entries_max: usize) -> Self {
        Self { entries: HashMap::new(), order: BinaryHeap::new(), entries_max }
    }

    pub(super) fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        self.entries.get_mut(key)
    }

    /// The entry of this key, made if there is none. `recovers_at` says when an entry has nothing left to remember.
    pub(super) fn entry(
        &mut self,
        key: &K,
        now: Instant,
        make: impl FnOnce() -> V,
        recovers_at: impl Fn(&V) -> Instant,
    ) -> &mut V {
        if !self.entries.contains_key(key) {
            if self.entries.len() >= self.entries_max {
                self.evict(recovers_at);
            }
            self.order.push(Reverse((now, key.clone())));
        }
        self.entries.entry(key.clone()).or_insert_with(make)
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        debug_assert_eq!(self.entries.len(), self.order.len());
        self.entries.len()
    }

    /// Forgets the entry that recovers first.
    fn evict(&mut self, recovers_at: impl Fn(&V) -> Instant) {
        while let Some(Reverse((noted, key))) = self.order.pop() {
            let Some(entry) = self.entries.get(&key) else { continue };
            let at = recovers_at(entry);
            if at <= noted {
                self.entries.remove(&key);
                return;
            }
            self.order.push(Reverse((at, key)));
        }
    }
}
