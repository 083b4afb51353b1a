//! The fuzz target `trie`: a trie and the memory of matches against a map that is searched from end to end.

use std::collections::{BTreeMap, BTreeSet};

use super::input::Input;
use crate::matches::Matches;
use crate::trie::{Found, Inserted, Removed, SubscriberId, TopicId, Trie};

const STEPS_MAX: usize = 1_000;
/// All topics together may have so many bytes, and then each so few: they are walked byte by byte.
const BYTES_MAX: usize = 128 << 10;
const SHORT_BYTES: usize = 32;
/// So few that the memory of matches is often full.
const REMEMBERED_MAX: usize = 12;

pub(super) struct Subscriptions<'a> {
    input: Input<'a>,
    trie: Trie,
    matches: Matches,
    /// Every topic with its id and its subscribers.
    plain: BTreeMap<Vec<u8>, (TopicId, BTreeSet<SubscriberId>)>,
    /// By the longest topic found: when that was, and the answer.
    remembered: BTreeMap<TopicId, (u64, BTreeSet<SubscriberId>)>,
    /// Some topics that were named before, to begin others alike.
    named: Vec<Vec<u8>>,
    bytes: usize,
    most: usize,
}

impl<'a> Subscriptions<'a> {
    pub(super) fn run(input: Input<'a>) {
        let mut all = Subscriptions {
            input,
            trie: Trie::new(),
            matches: Matches::new(REMEMBERED_MAX),
            plain: BTreeMap::new(),
            remembered: BTreeMap::new(),
            named: Vec::new(),
            bytes: 0,
            most: 0,
        };
        for _ in 0..STEPS_MAX {
            if all.input.is_empty() {
                break;
            }
            all.step();
        }
        all.check_order();
        let left: Vec<Vec<u8>> = all.plain.keys().cloned().collect();
        for topic in left {
            for who in all.plain[&topic].1.clone() {
                all.remove(&topic, who);
            }
        }
        assert_eq!((all.trie.topics(), all.trie.next_after(None)), (0, None));
        assert_eq!(all.trie.find(b"").longest, None);
    }

    fn step(&mut self) {
        let choice = self.input.byte();
        let who = SubscriberId(u32::from(choice >> 4 & 3));
        let topic = self.topic();
        match choice & 15 {
            0..=5 => self.insert(&topic, who),
            6 | 7 => self.remove(&topic, who),
            8 => self.remove_by_id(&topic, who),
            9..=13 => {
                let other = self.topic();
                self.find(&topic, &other);
            }
            _ => self.next_after(&topic),
        }
        assert_eq!(self.trie.topics(), self.plain.len());
        self.most = self.most.max(self.plain.len());
        // Every node has a subscriber or two children; a change may need one more for a moment.
        assert!(self.trie.topic_ids_end() <= 2 * self.most + 2, "memory follows the subscriptions");
    }

    /// A few letters, any bytes, a long run, one named before, or one that begins as such a one.
    fn topic(&mut self) -> Vec<u8> {
        let choice = self.input.byte();
        let count = usize::from(choice & 15);
        let mut topic = match choice >> 4 {
            0..=4 => {
                let letters = self.input.number();
                (0..count % 8).map(|place| b'a' + (letters >> (2 * place) & 1) as u8).collect()
            }
            5 | 6 => self.input.bytes(count).to_vec(),
            7 => vec![b'a'; 1 + self.input.number()],
            _ if self.named.is_empty() => Vec::new(),
            8..=10 => self.named[count % self.named.len()].clone(),
            11 | 12 => {
                let whole = &self.named[count % self.named.len()];
                whole[..self.input.number().min(whole.len())].to_vec()
            }
            _ => {
                let mut whole = self.named[count % self.named.len()].clone();
                whole.push(self.input.byte());
                whole
            }
        };
        if self.bytes > BYTES_MAX {
            topic.truncate(SHORT_BYTES);
        }
        self.bytes += topic.len();
        if self.named.len() < 16 {
            self.named.push(topic.clone());
        } else {
            self.named[count] = topic.clone();
        }
        topic
    }

    fn insert(&mut self, topic: &[u8], who: SubscriberId) {
        let known = self.plain.get_mut(topic);
        match (self.trie.insert(topic, who), known) {
            (Inserted::First(id), None) => {
                assert!(self.plain.values().all(|(other, _)| *other != id), "two topics have one id");
                self.plain.insert(topic.to_vec(), (id, BTreeSet::from([who])));
            }
            (Inserted::Another(id), Some((same, all))) => assert!(id == *same && all.insert(who)),
            (Inserted::Already, Some((_, all))) => assert!(all.contains(&who)),
            (other, known) => panic!("{other:?} with {known:?}"),
        }
        assert_eq!(self.trie.exactly(topic), Some(self.plain[topic].0));
    }

    fn remove(&mut self, topic: &[u8], who: SubscriberId) {
        let removed = self.trie.remove(topic, who);
        self.removed(topic, who, removed);
    }

    fn remove_by_id(&mut self, topic: &[u8], who: SubscriberId) {
        if let Some(id) = self.trie.exactly(topic) {
            let removed = self.trie.remove_at(id, who);
            self.removed(topic, who, removed);
        }
    }

    fn removed(&mut self, topic: &[u8], who: SubscriberId, removed: Removed) {
        match (removed, self.plain.get_mut(topic)) {
            (Removed::Last(id), Some((same, all))) => {
                assert!(id == *same && *all == BTreeSet::from([who]));
                self.plain.remove(topic);
                assert_eq!(self.trie.exactly(topic), None);
            }
            (Removed::Another(id), Some((same, all))) => {
                assert!(id == *same && all.remove(&who) && !all.is_empty());
            }
            (Removed::Absent, known) => assert!(known.is_none_or(|(_, all)| !all.contains(&who))),
            (other, None) => panic!("{other:?} of what nobody subscribed to"),
        }
    }

    fn wanting(&self, topic: &[u8]) -> BTreeSet<SubscriberId> {
        let matching = self.plain.iter().filter(|(prefix, _)| topic.starts_with(prefix));
        matching.flat_map(|(_, (_, all))| all.iter().copied()).collect()
    }

    /// Who wants `topic`; and `other`, as far as the answer says that it is the same.
    fn find(&mut self, topic: &[u8], other: &[u8]) {
        let expected = self.wanting(topic);
        let found @ Found { longest, changed, examined, whole } = self.trie.find(topic);
        let matching = self.plain.iter().filter(|(prefix, _)| topic.starts_with(prefix));
        assert_eq!(longest, matching.max_by_key(|(prefix, _)| prefix.len()).map(|(_, (id, _))| *id));
        let mut collected = Vec::new();
        if let Some(id) = longest {
            self.trie.collect(id, &mut collected);
            if let Some((then, answer)) = self.remembered.get(&id)
                && *then >= changed
            {
                assert_eq!(*answer, expected, "a remembered answer");
            }
            self.remembered.insert(id, (self.trie.generation(), expected.clone()));
        }
        assert!(collected.iter().eq(&expected), "{collected:?} and not {expected:?}");
        if let Some(set) = self.matches.remembered(&found) {
            assert!(self.matches.subscribers(set).iter().eq(&expected), "a remembered set");
        }
        let set = self.matches.set_for(&self.trie, &found);
        let wanting = set.map_or(&[][..], |set| self.matches.subscribers(set));
        assert!(wanting.iter().eq(&expected), "{wanting:?} and not {expected:?}");
        let alike = if whole { other == topic } else { other.starts_with(&topic[..examined]) };
        if alike {
            assert_eq!(self.wanting(other), expected, "what was examined decides");
        }
    }

    fn next_after(&mut self, topic: &[u8]) {
        let expected = self.plain.keys().find(|other| other.as_slice() > topic);
        let next = self.trie.next_after(Some(topic)).map(|id| {
            let mut bytes = Vec::new();
            self.trie.topic(id, &mut bytes);
            bytes
        });
        assert_eq!(next.as_ref(), expected);
    }

    /// The walk from topic to topic meets all of them, in order.
    fn check_order(&self) {
        let (mut cursor, mut bytes) = (None::<Vec<u8>>, Vec::new());
        for (topic, (id, _)) in &self.plain {
            assert_eq!(self.trie.next_after(cursor.as_deref()), Some(*id));
            self.trie.topic(*id, &mut bytes);
            assert_eq!(bytes, *topic);
            cursor = Some(std::mem::take(&mut bytes));
        }
        assert_eq!(self.trie.next_after(cursor.as_deref()).filter(|_| cursor.is_some()), None);
    }
}
