//! One prefix trie over the subscriptions of all subscribers: which subscribers want a topic, and which subscription was
//! the first or the last of its topic. Knows nothing of connections, messages or limits.
//!
//! Paths are compressed: a node holds a run of bytes, so memory follows the number of subscriptions and the bytes of their
//! topics, and a topic of a megabyte is one node. Nothing recurses.

use std::fmt;

/// A subscriber, by the number that its owner gave it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SubscriberId(pub u32);

impl fmt::Debug for SubscriberId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s{}", self.0)
    }
}

/// A topic that somebody subscribes to. It stays the same for as long as the topic has a subscriber.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicId(u32);

impl TopicId {
    /// For tables beside the trie; below [`Trie::topic_ids_end`].
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// What [`Trie::insert`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inserted {
    /// The topic has its first subscriber.
    First(TopicId),
    /// The topic had subscribers before.
    Another(TopicId),
    /// This subscriber had it already; nothing changed.
    Already,
}

/// What [`Trie::remove`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removed {
    /// The topic lost its last subscriber, and its id.
    Last(TopicId),
    /// The topic has subscribers still.
    Another(TopicId),
    /// This subscriber did not have it; nothing changed.
    Absent,
}

/// What [`Trie::find`] saw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// The longest subscribed topic that the topic begins with. It determines the set of subscribers: see [`Trie::collect`].
    pub longest: Option<TopicId>,
    /// The latest change of a subscription to `longest` or to one that it begins with, as counted by [`Trie::generation`].
    pub changed: u64,
    /// So many first bytes of the topic decided.
    pub examined: usize,
    /// True when the topic's end decided too; else every topic with the same `examined` bytes has the same answer.
    pub whole: bool,
}

#[derive(Debug, Default)]
struct Node {
    label: Box<[u8]>,
    parent: u32,
    /// Sorted by the first byte of the child's label, which is repeated here.
    children: Vec<(u8, u32)>,
    /// Sorted.
    subscribers: Vec<SubscriberId>,
    changed: u64,
}

const ROOT: u32 = 0;

/// The trie. Every node but the root has a subscriber or at least two children.
#[derive(Debug)]
pub struct Trie {
    nodes: Vec<Node>,
    free: Vec<u32>,
    generation: u64,
    topics: usize,
    /// Topics are wanted as they are, and not those that begin with them.
    whole: bool,
}

impl Default for Trie {
    fn default() -> Trie {
        Trie::new()
    }
}

impl Trie {
    /// An empty trie.
    pub fn new() -> Trie {
        Trie { nodes: vec![Node::default()], free: Vec::new(), generation: 0, topics: 0, whole: false }
    }

    /// An empty trie for subscribers that want a topic itself, and none that begins with it.
    pub fn of_whole_topics() -> Trie {
        Trie { whole: true, ..Trie::new() }
    }

    /// Raised by every change.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// How many topics have a subscriber.
    pub fn topics(&self) -> usize {
        self.topics
    }

    /// Every [`TopicId::index`] is below this.
    pub fn topic_ids_end(&self) -> usize {
        self.nodes.len()
    }

    /// Subscribes `subscriber` to `topic`. Costs the topic's length and the number of the topic's subscribers.
    pub fn insert(&mut self, topic: &[u8], subscriber: SubscriberId) -> Inserted {
        let at = self.node_for(topic);
        let node = &mut self.nodes[at as usize];
        let Err(place) = node.subscribers.binary_search(&subscriber) else { return Inserted::Already };
        node.subscribers.insert(place, subscriber);
        self.generation += 1;
        node.changed = self.generation;
        if node.subscribers.len() > 1 {
            return Inserted::Another(TopicId(at));
        }
        self.topics += 1;
        Inserted::First(TopicId(at))
    }

    /// Ends `subscriber`'s subscription to exactly `topic`.
    pub fn remove(&mut self, topic: &[u8], subscriber: SubscriberId) -> Removed {
        match self.exactly(topic) {
            Some(id) => self.remove_at(id, subscriber),
            None => Removed::Absent,
        }
    }

    /// Ends `subscriber`'s subscription to the topic `id`, an id that is current.
    pub fn remove_at(&mut self, id: TopicId, subscriber: SubscriberId) -> Removed {
        let node = &mut self.nodes[id.index()];
        let Ok(place) = node.subscribers.binary_search(&subscriber) else { return Removed::Absent };
        node.subscribers.remove(place);
        self.generation += 1;
        node.changed = self.generation;
        if !node.subscribers.is_empty() {
            return Removed::Another(id);
        }
        node.subscribers = Vec::new();
        self.topics -= 1;
        self.prune(id.0);
        Removed::Last(id)
    }

    /// The id of exactly `topic`, if it has a subscriber.
    pub fn exactly(&self, topic: &[u8]) -> Option<TopicId> {
        let (mut at, mut rest) = (ROOT, topic);
        while let Some(&first) = rest.first() {
            let (_, child) = self.child(at, first)?;
            rest = rest.strip_prefix(&*self.nodes[child as usize].label)?;
            at = child;
        }
        (!self.nodes[at as usize].subscribers.is_empty()).then_some(TopicId(at))
    }

    /// Walks down as far as `topic` leads.
    pub fn find(&self, topic: &[u8]) -> Found {
        if self.whole {
            let longest = self.exactly(topic);
            let changed = longest.map_or(0, |id| self.nodes[id.index()].changed);
            return Found { longest, changed, examined: topic.len(), whole: true };
        }
        let (mut at, mut position) = (ROOT, 0);
        let mut found = Found { longest: None, changed: 0, examined: 0, whole: false };
        loop {
            let node = &self.nodes[at as usize];
            if !node.subscribers.is_empty() {
                found.longest = Some(TopicId(at));
            }
            found.changed = found.changed.max(node.changed);
            if node.children.is_empty() {
                return Found { examined: position, ..found };
            }
            let Some(&first) = topic.get(position) else {
                return Found { examined: position, whole: true, ..found };
            };
            let Some((_, child)) = self.child(at, first) else {
                return Found { examined: position + 1, ..found };
            };
            let label = &*self.nodes[child as usize].label;
            let common = common_prefix(label, &topic[position..]);
            position += common;
            if common < label.len() {
                let whole = position == topic.len();
                return Found { examined: if whole { position } else { position + 1 }, whole, ..found };
            }
            at = child;
        }
    }

    /// The subscribers of the topic `id` and of every topic that it begins with, sorted, each once, in place of what
    /// `into` held. In a trie of whole topics those of the topic itself.
    pub fn collect(&self, id: TopicId, into: &mut Vec<SubscriberId>) {
        into.clear();
        if self.whole {
            into.extend_from_slice(&self.nodes[id.index()].subscribers);
            return;
        }
        let (mut at, mut sources) = (id.0, 0);
        loop {
            let node = &self.nodes[at as usize];
            if !node.subscribers.is_empty() {
                into.extend_from_slice(&node.subscribers);
                sources += 1;
            }
            if at == ROOT {
                break;
            }
            at = node.parent;
        }
        if sources > 1 {
            into.sort_unstable();
            into.dedup();
        }
    }

    /// Of the subscribers of exactly the topic `id`, those from `first` on, sorted.
    pub fn subscribers_from(&self, id: TopicId, first: SubscriberId) -> &[SubscriberId] {
        let subscribers = &self.nodes[id.index()].subscribers;
        &subscribers[subscribers.partition_point(|&subscriber| subscriber < first)..]
    }

    /// The lengths of `subscriber`'s subscriptions that `topic` begins with, from the shortest on.
    pub fn lengths_of<'a>(
        &'a self,
        topic: &'a [u8],
        subscriber: SubscriberId,
    ) -> impl Iterator<Item = usize> + 'a {
        let mut next = Some((ROOT, 0));
        let path = std::iter::from_fn(move || {
            let (at, position) = next?;
            next = topic.get(position).and_then(|&first| self.child(at, first)).and_then(|(_, child)| {
                let label = &*self.nodes[child as usize].label;
                topic[position..].starts_with(label).then_some((child, position + label.len()))
            });
            Some((at, position))
        });
        path.filter(move |&(at, _)| self.nodes[at as usize].subscribers.binary_search(&subscriber).is_ok())
            .map(|(_, position)| position)
    }

    /// Writes the topic's bytes in place of what `into` held.
    pub fn topic(&self, id: TopicId, into: &mut Vec<u8>) {
        into.clear();
        let mut at = id.0;
        while at != ROOT {
            let node = &self.nodes[at as usize];
            into.extend(node.label.iter().rev());
            at = node.parent;
        }
        into.reverse();
    }

    /// The first subscribed topic after `topic` in the order of bytes, or the first of all.
    pub fn next_after(&self, topic: Option<&[u8]>) -> Option<TopicId> {
        let Some(topic) = topic else { return self.first_within(ROOT) };
        let (mut at, mut rest) = (ROOT, topic);
        loop {
            let children = &self.nodes[at as usize].children;
            let Some(&first) = rest.first() else {
                return self.first_from(at, 0);
            };
            let place = match children.binary_search_by_key(&first, |&(byte, _)| byte) {
                Ok(place) => place,
                Err(place) => return self.first_from(at, place),
            };
            let child = children[place].1;
            let label = &*self.nodes[child as usize].label;
            let common = common_prefix(label, rest);
            if common == label.len() {
                (at, rest) = (child, &rest[common..]);
            } else if rest.get(common).is_none_or(|&byte| byte < label[common]) {
                return self.first_within(child);
            } else {
                return self.first_from(at, place + 1);
            }
        }
    }

    /// The node that stands for `topic`, made if there is none.
    fn node_for(&mut self, topic: &[u8]) -> u32 {
        let (mut at, mut rest) = (ROOT, topic);
        while let Some(&first) = rest.first() {
            let Some((place, child)) = self.child(at, first) else {
                let leaf = self.allocate(Node { label: rest.into(), parent: at, ..Node::default() });
                let children = &mut self.nodes[at as usize].children;
                let place = children.partition_point(|&(byte, _)| byte < first);
                children.insert(place, (first, leaf));
                return leaf;
            };
            let common = common_prefix(&self.nodes[child as usize].label, rest);
            at = if common == self.nodes[child as usize].label.len() {
                child
            } else {
                self.split(at, place, common)
            };
            rest = &rest[common..];
        }
        at
    }

    /// Puts a node above the child at `place` of `parent` that takes the first `length` bytes of the child's label. The
    /// child keeps its id, so that ids of subscribed topics stay.
    fn split(&mut self, parent: u32, place: usize, length: usize) -> u32 {
        let child = self.nodes[parent as usize].children[place].1;
        let label = std::mem::take(&mut self.nodes[child as usize].label);
        let (upper, lower) = label.split_at(length);
        let children = vec![(lower[0], child)];
        let above = self.allocate(Node { label: upper.into(), parent, children, ..Node::default() });
        self.nodes[child as usize].label = lower.into();
        self.nodes[child as usize].parent = above;
        self.nodes[parent as usize].children[place].1 = above;
        above
    }

    /// Takes away what is needless at and just above a node that has lost its last subscriber.
    fn prune(&mut self, at: u32) {
        if at == ROOT {
            return;
        }
        let node = &self.nodes[at as usize];
        match node.children.len() {
            0 => {
                let (parent, first) = (node.parent, node.label[0]);
                let children = &mut self.nodes[parent as usize].children;
                children.retain(|&(byte, _)| byte != first);
                if children.is_empty() {
                    *children = Vec::new();
                }
                self.release(at);
                let above = &self.nodes[parent as usize];
                if parent != ROOT && above.subscribers.is_empty() && above.children.len() == 1 {
                    self.merge(parent);
                }
            }
            1 => self.merge(at),
            _ => {}
        }
    }

    /// Joins a node without subscribers to its only child. The child keeps its id and takes over when the answers below
    /// last changed.
    fn merge(&mut self, at: u32) {
        let Node { label, parent, children, changed, .. } = std::mem::take(&mut self.nodes[at as usize]);
        let &[(_, child)] = children.as_slice() else { unreachable!("only a node with one child is merged") };
        let lower = &mut self.nodes[child as usize];
        lower.label = [&*label, &*lower.label].concat().into();
        lower.parent = parent;
        lower.changed = lower.changed.max(changed);
        let siblings = &mut self.nodes[parent as usize].children;
        let place = siblings.partition_point(|&(byte, _)| byte < label[0]);
        siblings[place].1 = child;
        self.release(at);
    }

    fn allocate(&mut self, node: Node) -> u32 {
        if let Some(at) = self.free.pop() {
            self.nodes[at as usize] = node;
            return at;
        }
        let at = u32::try_from(self.nodes.len()).expect("subscriptions are bounded far below 2^32");
        self.nodes.push(node);
        at
    }

    fn release(&mut self, at: u32) {
        self.nodes[at as usize] = Node::default();
        self.free.push(at);
    }

    fn child(&self, at: u32, first: u8) -> Option<(usize, u32)> {
        let children = &self.nodes[at as usize].children;
        if let [(byte, child)] = children[..] {
            return (byte == first).then_some((0, child));
        }
        let place = children.binary_search_by_key(&first, |&(byte, _)| byte).ok()?;
        Some((place, children[place].1))
    }

    /// The first subscribed topic within `at`.
    fn first_within(&self, mut at: u32) -> Option<TopicId> {
        loop {
            let node = &self.nodes[at as usize];
            if !node.subscribers.is_empty() {
                return Some(TopicId(at));
            }
            at = node.children.first()?.1;
        }
    }

    /// The first subscribed topic within the children of `at` from `place` on, or after all of `at`.
    fn first_from(&self, mut at: u32, mut place: usize) -> Option<TopicId> {
        loop {
            let node = &self.nodes[at as usize];
            if let Some(&(_, child)) = node.children.get(place) {
                return self.first_within(child);
            }
            if at == ROOT {
                return None;
            }
            let siblings = &self.nodes[node.parent as usize].children;
            place = siblings.partition_point(|&(byte, _)| byte <= node.label[0]);
            at = node.parent;
        }
    }
}

fn common_prefix(a: &[u8], b: &[u8]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

#[cfg(test)]
#[path = "trie_tests.rs"]
mod tests;
