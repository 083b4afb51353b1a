//! What one publisher has been told of the subscriptions, and what it is to be told next: each topic when it gets its first
//! subscriber and when it loses the last. Knows nothing of how a publisher is told.
//!
//! Only differences are kept: a topic that is subscribed and cancelled before the publisher was told costs nothing. So
//! a publisher that does not read holds at most what changed between then and now, whatever the subscribers do meanwhile.
//! The current subscriptions are told by walking the trie, not by copying it; changes that come meanwhile follow in the
//! order in which they came, because programs rely on it: a subscription that is seen to work proves the ones before it.

use std::collections::BTreeMap;
use std::rc::Rc;

use crate::trie::Trie;

/// What a publisher is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// The topic has a subscriber.
    Subscribe,
    /// The topic has no subscriber any more.
    Cancel,
}

#[derive(Debug)]
enum Announced {
    /// Of the subscriptions found at the start, those up to this topic, in the order of bytes.
    Upto(Option<Vec<u8>>),
    All,
}

#[derive(Debug)]
struct Pending {
    order: u64,
    told: bool,
    /// It is to be told that the topic has a subscriber, though it was told so before.
    anew: bool,
}

/// The state for one publisher.
#[derive(Debug)]
pub struct Upstream {
    announced: Announced,
    pending: BTreeMap<Rc<[u8]>, Pending>,
    in_order: BTreeMap<u64, Rc<[u8]>>,
    next_order: u64,
    bytes: usize,
}

/// The bookkeeping of a pending change, charged beside its topic.
const PENDING_BYTES: usize = 160;

impl Default for Upstream {
    fn default() -> Upstream {
        Upstream::new()
    }
}

impl Upstream {
    /// A publisher that has been told nothing.
    pub fn new() -> Upstream {
        Upstream {
            announced: Announced::Upto(None),
            pending: BTreeMap::new(),
            in_order: BTreeMap::new(),
            next_order: 0,
            bytes: 0,
        }
    }

    /// A publisher that is told once that all is wanted, and nothing else.
    pub fn of_all() -> Upstream {
        let mut upstream = Upstream { announced: Announced::All, ..Upstream::new() };
        upstream.changed(b"", true);
        upstream
    }

    /// Bytes of memory that wait to be told.
    pub fn pending_bytes(&self) -> usize {
        self.bytes
    }

    /// Notes that `topic` got its first subscriber (`subscribed`) or lost its last.
    pub fn changed(&mut self, topic: &[u8], subscribed: bool) {
        if let Some(Pending { order, told, anew }) = self.pending.get_mut(topic) {
            let (order, told) = (*order, *told);
            *anew = false;
            if told == subscribed {
                self.pending.remove(topic);
                self.in_order.remove(&order);
                self.bytes -= PENDING_BYTES + topic.len();
            }
            return;
        }
        let told = match &self.announced {
            Announced::All => !subscribed,
            Announced::Upto(cursor) => cursor.as_deref().is_some_and(|cursor| topic <= cursor) && !subscribed,
        };
        if told != subscribed {
            self.wait(topic, told, false);
        }
    }

    /// Notes that somebody subscribes to a question, perhaps not the first. Whoever answers does so to each subscription, so the publisher
    /// hears of this one whatever it was told before: it is told that the topic has no subscriber any more, and then that it has.
    pub fn asked(&mut self, question: &[u8], first: bool) {
        match self.pending.get_mut(question) {
            Some(pending) => pending.anew = pending.told,
            None if first => self.changed(question, true),
            None => {
                let told = match &self.announced {
                    Announced::All => true,
                    Announced::Upto(cursor) => cursor.as_deref().is_some_and(|cursor| question <= cursor),
                };
                if told {
                    self.wait(question, true, true);
                }
            }
        }
    }

    fn wait(&mut self, topic: &[u8], told: bool, anew: bool) {
        let topic: Rc<[u8]> = topic.into();
        self.bytes += PENDING_BYTES + topic.len();
        self.in_order.insert(self.next_order, Rc::clone(&topic));
        self.pending.insert(topic, Pending { order: self.next_order, told, anew });
        self.next_order += 1;
    }

    /// Takes the next thing to tell; the topic takes the place of what `topic` held.
    pub fn next(&mut self, trie: &Trie, topic: &mut Vec<u8>) -> Option<Change> {
        while let Announced::Upto(cursor) = &mut self.announced {
            let Some(id) = trie.next_after(cursor.as_deref()) else {
                self.announced = Announced::All;
                break;
            };
            trie.topic(id, topic);
            let reached = cursor.get_or_insert_default();
            reached.clear();
            reached.extend_from_slice(topic);
            if !self.pending.contains_key(topic.as_slice()) {
                return Some(Change::Subscribe);
            }
        }
        let first = self.in_order.first_entry()?;
        topic.clear();
        topic.extend_from_slice(first.get());
        let pending = self.pending.get_mut(topic.as_slice()).expect("both maps hold the same topics");
        if pending.anew {
            (pending.told, pending.anew) = (false, false);
            return Some(Change::Cancel);
        }
        let told = pending.told;
        first.remove();
        self.pending.remove(topic.as_slice());
        self.bytes -= PENDING_BYTES + topic.len();
        Some(if told { Change::Cancel } else { Change::Subscribe })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{Change, Trie, Upstream};
    use crate::trie::SubscriberId;

    fn told(upstream: &mut Upstream, trie: &Trie) -> Vec<String> {
        let mut topic = Vec::new();
        let mut all = Vec::new();
        while let Some(change) = upstream.next(trie, &mut topic) {
            let sign = if change == Change::Subscribe { '+' } else { '-' };
            all.push(format!("{sign}{}", topic.escape_ascii()));
        }
        all
    }

    fn subscribe(trie: &mut Trie, upstream: &mut Upstream, topic: &str) {
        trie.insert(topic.as_bytes(), SubscriberId(0));
        upstream.changed(topic.as_bytes(), true);
    }

    fn cancel(trie: &mut Trie, upstream: &mut Upstream, topic: &str) {
        trie.remove(topic.as_bytes(), SubscriberId(0));
        upstream.changed(topic.as_bytes(), false);
    }

    #[test]
    fn a_late_publisher_is_told_all_then_changes_in_their_order() {
        let (mut trie, mut upstream) = (Trie::new(), Upstream::new());
        for topic in ["tech", "", "geral"] {
            trie.insert(topic.as_bytes(), SubscriberId(0));
        }
        assert_eq!(told(&mut upstream, &trie), ["+", "+geral", "+tech"]);
        subscribe(&mut trie, &mut upstream, "z");
        subscribe(&mut trie, &mut upstream, "a");
        cancel(&mut trie, &mut upstream, "geral");
        assert_eq!(told(&mut upstream, &trie), ["+z", "+a", "-geral"]);
    }

    #[test]
    fn what_comes_and_goes_untold_costs_nothing() {
        let (mut trie, mut upstream) = (Trie::new(), Upstream::new());
        assert!(told(&mut upstream, &trie).is_empty());
        for _ in 0..1000 {
            subscribe(&mut trie, &mut upstream, "a");
            cancel(&mut trie, &mut upstream, "a");
        }
        assert_eq!(upstream.pending_bytes(), 0);
        assert!(told(&mut upstream, &trie).is_empty());
    }

    #[test]
    fn changes_during_the_announcement_follow_it_in_their_order() {
        let (mut trie, mut upstream) = (Trie::new(), Upstream::new());
        for topic in ["b", "d"] {
            trie.insert(topic.as_bytes(), SubscriberId(0));
        }
        let mut topic = Vec::new();
        assert_eq!(upstream.next(&trie, &mut topic), Some(Change::Subscribe));
        assert_eq!(topic, b"b");
        for topic in ["z", "a", "c"] {
            subscribe(&mut trie, &mut upstream, topic);
        }
        cancel(&mut trie, &mut upstream, "b");
        cancel(&mut trie, &mut upstream, "d");
        assert_eq!(told(&mut upstream, &trie), ["+z", "+a", "+c", "-b"]);
    }

    /// Whatever comes in between, what the publisher was told adds up to what is subscribed.
    #[test]
    fn what_was_told_adds_up() {
        for seed in 0..50u64 {
            let mut state = seed;
            let mut random = move |end: u64| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (state >> 33) % end
            };
            let (mut trie, mut upstream) = (Trie::new(), Upstream::new());
            let (mut subscribed, mut known) = (BTreeSet::new(), BTreeSet::new());
            let mut topic = Vec::new();
            for turn in 0..400 {
                let name = format!("{}", random(12));
                if random(2) == 0 {
                    if subscribed.insert(name.clone()) {
                        subscribe(&mut trie, &mut upstream, &name);
                    }
                } else if subscribed.remove(&name) {
                    cancel(&mut trie, &mut upstream, &name);
                }
                let last = turn == 399;
                for _ in 0..if last { 1000 } else { random(3) } {
                    let Some(change) = upstream.next(&trie, &mut topic) else { break };
                    let name = String::from_utf8(topic.clone()).unwrap();
                    match change {
                        Change::Subscribe => assert!(known.insert(name), "seed {seed}: told twice"),
                        Change::Cancel => {
                            assert!(known.remove(&name), "seed {seed}: cancelled what was not told")
                        }
                    }
                }
            }
            assert_eq!(known, subscribed, "seed {seed}");
            assert_eq!((upstream.pending_bytes(), upstream.pending.len()), (0, 0), "seed {seed}");
        }
    }
}
