//! The memory of which subscribers want a topic: sets of subscribers, each kept once, found by the longest subscribed topic
//! that a message's topic begins with. An answer is used for as long as no subscription on its path has changed. Knows
//! nothing of messages.

use std::collections::HashMap;
use std::rc::Rc;

use crate::trie::{Found, SubscriberId, Trie};

/// A set of subscribers, by its number; valid until the next [`Matches::set_for`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SetId(u32);

#[derive(Clone, Copy, Debug, Default)]
struct Remembered {
    /// Zero where nothing is remembered.
    epoch: u64,
    generation: u64,
    set: u32,
}

#[derive(Debug)]
pub(crate) struct Matches {
    sets: Vec<Rc<[SubscriberId]>>,
    by_content: HashMap<Rc<[SubscriberId]>, u32>,
    by_topic: Vec<Remembered>,
    epoch: u64,
    /// Subscribers in all sets together.
    held: usize,
    held_max: usize,
    gathered: Vec<SubscriberId>,
}

impl Matches {
    /// Remembers sets of together at most about `held_max` subscribers; then forgets all and begins anew.
    pub(crate) fn new(held_max: usize) -> Matches {
        Matches {
            sets: Vec::new(),
            by_content: HashMap::new(),
            by_topic: Vec::new(),
            epoch: 1,
            held: 0,
            held_max,
            gathered: Vec::new(),
        }
    }

    /// The set of what `trie` found, if it is remembered.
    #[inline]
    pub(crate) fn remembered(&self, found: &Found) -> Option<SetId> {
        let remembered = self.by_topic.get(found.longest?.index())?;
        (remembered.epoch == self.epoch && remembered.generation >= found.changed)
            .then_some(SetId(remembered.set))
    }

    /// The set of what `trie` found; none when nobody wants it. Earlier numbers of sets may lose their meaning.
    pub(crate) fn set_for(&mut self, trie: &Trie, found: &Found) -> Option<SetId> {
        let topic = found.longest?;
        if let Some(set) = self.remembered(found) {
            return Some(set);
        }
        trie.collect(topic, &mut self.gathered);
        let set = match self.by_content.get(self.gathered.as_slice()) {
            Some(&set) => set,
            None => self.keep_gathered(),
        };
        if self.by_topic.len() <= topic.index() {
            self.by_topic.resize(trie.topic_ids_end(), Remembered::default());
        }
        self.by_topic[topic.index()] = Remembered { epoch: self.epoch, generation: trie.generation(), set };
        Some(SetId(set))
    }

    pub(crate) fn subscribers(&self, set: SetId) -> &[SubscriberId] {
        &self.sets[set.0 as usize]
    }

    fn keep_gathered(&mut self) -> u32 {
        if self.held + self.gathered.len() > self.held_max {
            self.sets.clear();
            self.by_content.clear();
            self.held = 0;
            self.epoch += 1;
        }
        self.held += self.gathered.len();
        let set = u32::try_from(self.sets.len()).expect("sets are fewer than the subscribers that they hold");
        let content: Rc<[SubscriberId]> = self.gathered.as_slice().into();
        self.sets.push(Rc::clone(&content));
        self.by_content.insert(content, set);
        set
    }
}

#[cfg(test)]
mod tests {
    use super::Matches;
    use crate::trie::{SubscriberId, Trie};

    fn wanted(matches: &mut Matches, trie: &Trie, topic: &str) -> Vec<u32> {
        let found = trie.find(topic.as_bytes());
        let Some(set) = matches.set_for(trie, &found) else { return Vec::new() };
        matches.subscribers(set).iter().map(|id| id.0).collect()
    }

    #[test]
    fn answers_follow_every_change_on_their_path_and_no_other() {
        let (mut trie, mut matches) = (Trie::new(), Matches::new(1000));
        trie.insert(b"a", SubscriberId(1));
        trie.insert(b"ab", SubscriberId(2));
        assert_eq!(wanted(&mut matches, &trie, "abc"), [1, 2]);
        assert!(matches.remembered(&trie.find(b"abd")).is_some());
        trie.insert(b"b", SubscriberId(3));
        assert!(matches.remembered(&trie.find(b"abd")).is_some(), "not on its path");
        trie.insert(b"", SubscriberId(4));
        assert!(matches.remembered(&trie.find(b"abd")).is_none());
        assert_eq!(wanted(&mut matches, &trie, "abc"), [1, 2, 4]);
        trie.remove(b"a", SubscriberId(1));
        assert_eq!(wanted(&mut matches, &trie, "abc"), [2, 4]);
        assert_eq!(wanted(&mut matches, &trie, "x"), [4]);
        trie.remove(b"", SubscriberId(4));
        assert!(wanted(&mut matches, &trie, "x").is_empty());
    }

    #[test]
    fn equal_sets_of_different_topics_are_one() {
        let (mut trie, mut matches) = (Trie::new(), Matches::new(1000));
        for topic in [b"a", b"b"] {
            trie.insert(topic, SubscriberId(1));
            trie.insert(topic, SubscriberId(2));
        }
        let sets = [b"a", b"b"].map(|topic| matches.set_for(&trie, &trie.find(topic)));
        assert_eq!(sets[0], sets[1]);
    }

    #[test]
    fn the_memory_is_bounded() {
        let (mut trie, mut matches) = (Trie::new(), Matches::new(100));
        for number in 0..200u32 {
            let topic = number.to_string();
            trie.insert(topic.as_bytes(), SubscriberId(number));
            trie.insert(topic.as_bytes(), SubscriberId(1000));
        }
        for _ in 0..2 {
            for number in 0..200u32 {
                assert!(wanted(&mut matches, &trie, &number.to_string()).contains(&number));
                assert!(matches.held <= 100);
            }
        }
    }
}
