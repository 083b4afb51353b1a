//! Scenarios that follow from a seed alone: publishers and subscribers of both versions come, subscribe, cancel, publish and go.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    sides::Side,
    stage::{Op, SENDER, Step, compare},
    wire::{cancel, frame, long_frame, message, subscribe},
};

/// Seeds that are run each time.
const SEEDS: u64 = 20;

/// A seed to run alone, in place of those.
const SEED_VARIABLE: &str = "SEED";

const STEPS: usize = 200;
const PUBLISHERS_MAX: usize = 4;
const SUBSCRIBERS_MAX: usize = 6;

/// Far fewer messages than libzmq's high-water mark of 1,000, at which either may drop what the other does not.
const MESSAGES_AT_ONCE_MAX: u64 = 6;

/// What is subscribed to; many begin with one another.
const TOPICS: &[&[u8]] =
    &[b"", b"a", b"ab", b"abc", b"abd", b"b", b"ba", b"\0", b"\x01a", &[b'x'; 244], &[b'x'; 245]];

/// What is published to, beside those.
const OTHER_TOPICS: &[&[u8]] = &[b"abcdef", b"ac", b"c", b"\x01", &[b'x'; 250], &[b'y'; 255]];

/// Lengths at which a frame's form changes or a read ends.
const LENGTHS: &[usize] = &[0, 1, 2, 100, 240, 253, 254, 255, 256, 8_000, 8_192, 70_000];

/// Numbers that follow from a seed alone (splitmix64).
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % end
    }

    fn one_in(&mut self, count: u64) -> bool {
        self.below(count) == 0
    }

    fn of<'a, T: ?Sized>(&mut self, all: &'a [&'a T]) -> &'a T {
        all[self.place(all.len())]
    }

    fn place(&mut self, length: usize) -> usize {
        usize::try_from(self.below(length as u64)).expect("it is below a length")
    }

    fn key<K: Clone, V>(&mut self, map: &BTreeMap<K, V>) -> Option<K> {
        if map.is_empty() {
            return None;
        }
        let place = self.place(map.len());
        map.keys().nth(place).cloned()
    }
}

/// Makes a scenario, keeping in mind who is there.
struct Generator {
    random: Random,
    people: u32,
    messages: u32,
    publishers: BTreeMap<String, u8>,
    subscribers: BTreeMap<String, (u8, BTreeSet<Vec<u8>>)>,
    /// What must follow the last step.
    next: Option<Step>,
}

impl Generator {
    fn scenario(seed: u64) -> Vec<Step> {
        let mut generator = Generator {
            random: Random(seed),
            people: 0,
            messages: 0,
            publishers: BTreeMap::new(),
            subscribers: BTreeMap::new(),
            next: None,
        };
        (0..STEPS).map(|_| generator.step()).collect()
    }

    fn step(&mut self) -> Step {
        if let Some(step) = self.next.take() {
            return step;
        }
        loop {
            let step = match self.random.below(100) {
                0..8 => self.publisher_comes(),
                8..11 => self.publisher_goes(),
                11..20 => self.subscriber_comes(),
                20..26 => self.subscriber_goes(),
                26..50 => self.changes_subscriptions(),
                50..54 => self.cuts_what_it_sends(),
                _ => self.publish(),
            };
            if let Some(step) = step {
                return step;
            }
        }
    }

    fn name(&mut self, kind: char) -> String {
        self.people += 1;
        format!("{kind}{}", self.people)
    }

    fn minor(&mut self) -> u8 {
        u8::from(self.random.below(5) > 1)
    }

    fn publisher_comes(&mut self) -> Option<Step> {
        if self.publishers.len() == PUBLISHERS_MAX {
            return None;
        }
        let (who, minor) = (self.name('p'), self.minor());
        self.publishers.insert(who.clone(), minor);
        Some(vec![Op::Publisher { who, minor }])
    }

    fn subscriber_comes(&mut self) -> Option<Step> {
        if self.subscribers.len() == SUBSCRIBERS_MAX {
            return None;
        }
        let (who, minor) = (self.name('s'), self.minor());
        self.subscribers.insert(who.clone(), (minor, BTreeSet::new()));
        Some(vec![Op::Subscriber { who, minor }])
    }

    /// Now and then within a message, of which nothing is to be seen.
    fn publisher_goes(&mut self) -> Option<Step> {
        let who = self.random.key(&self.publishers)?;
        self.publishers.remove(&who);
        let begun = [frame(1, self.random.of(TOPICS)), frame(1, b"lost"), b"\0\x10half".to_vec()].concat();
        let cut = self.random.place(begun.len());
        let begin = Op::Begin { who: who.clone(), bytes: begun[..cut].to_vec() };
        Some(vec![begin, self.end(who)])
    }

    fn subscriber_goes(&mut self) -> Option<Step> {
        let who = self.random.key(&self.subscribers)?;
        self.subscribers.remove(&who);
        Some(vec![self.end(who)])
    }

    fn end(&mut self, who: String) -> Op {
        if self.random.one_in(2) { Op::Close { who } } else { Op::Reset { who } }
    }

    fn changes_subscriptions(&mut self) -> Option<Step> {
        let (who, bytes) = self.subscriptions()?;
        Some(vec![Op::Send { who, bytes }])
    }

    /// Subscriptions and cancels of one subscriber, in any form, each alone or all as parts of one message.
    fn subscriptions(&mut self) -> Option<(String, Vec<u8>)> {
        let who = self.random.key(&self.subscribers)?;
        let mut all = Vec::new();
        for _ in 0..1 + self.random.below(3) {
            let (topic, adds) = (self.random.of(TOPICS), self.random.below(5) > 1);
            if !adds && self.is_for_others_only(&who, topic) {
                continue;
            }
            let (_, has) = self.subscribers.get_mut(&who).expect("it was just chosen");
            if adds {
                has.insert(topic.to_vec());
            } else {
                has.remove(topic);
            }
            all.push((adds, topic));
        }
        if all.is_empty() {
            return None;
        }
        if self.random.one_in(4) {
            let parts: Vec<Vec<u8>> =
                all.iter().map(|(adds, topic)| [&[u8::from(*adds)], *topic].concat()).collect();
            return Some((who, message(&parts.iter().map(Vec::as_slice).collect::<Vec<_>>())));
        }
        let own = self.subscribers[&who].0;
        let mut bytes = Vec::new();
        for (adds, topic) in all {
            let form = if self.random.one_in(5) { 1 - own } else { own };
            bytes.extend(if adds { subscribe(form, topic) } else { cancel(form, topic) });
        }
        Some((who, bytes))
    }

    /// Whether others have the subscription and this one has not. Its cancel is ignored by us and misleads libzmq, see
    /// `differences`.
    fn is_for_others_only(&self, who: &str, topic: &[u8]) -> bool {
        !self.subscribers[who].1.contains(topic)
            && self.subscribers.values().any(|(_, has)| has.contains(topic))
    }

    /// In two pieces, cut anywhere.
    fn cuts_what_it_sends(&mut self) -> Option<Step> {
        let (who, bytes) = if self.random.one_in(2) {
            self.subscriptions()?
        } else {
            let who = self.random.key(&self.publishers)?;
            let bytes = self.messages_of(&who);
            (who, bytes)
        };
        let (first, second) = bytes.split_at(self.random.place(bytes.len()));
        self.next = Some(vec![Op::Send { who: who.clone(), bytes: second.to_vec() }]);
        Some(vec![Op::Begin { who, bytes: first.to_vec() }])
    }

    fn publish(&mut self) -> Option<Step> {
        let mut step = Step::new();
        for who in self.publishers.keys().cloned().collect::<Vec<_>>() {
            if self.random.below(3) > 0 {
                let bytes = self.messages_of(&who);
                step.push(Op::Send { who, bytes });
            }
        }
        (!step.is_empty()).then_some(step)
    }

    /// Runs of messages, some of them alike.
    fn messages_of(&mut self, who: &str) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut topic: &[u8] = self.random.of(TOPICS);
        for _ in 0..1 + self.random.below(MESSAGES_AT_ONCE_MAX) {
            if self.random.one_in(2) {
                topic =
                    if self.random.one_in(3) { self.random.of(OTHER_TOPICS) } else { self.random.of(TOPICS) };
            }
            bytes.extend(self.message_of(who, topic));
        }
        bytes
    }

    fn message_of(&mut self, who: &str, topic: &[u8]) -> Vec<u8> {
        self.messages += 1;
        let sender = [&[SENDER], who.as_bytes(), format!(":{}", self.messages).as_bytes()].concat();
        let mut frames = vec![topic.to_vec()];
        for _ in 0..self.random.below(4) {
            let length = LENGTHS[self.random.place(LENGTHS.len())];
            let letter = self.random.of(&[b"a", b"b", b"c"])[0];
            frames.push(vec![letter; length]);
        }
        frames.last_mut().expect("there is a topic").extend(sender);
        if self.random.one_in(8) {
            let last = frames.len() - 1;
            return frames
                .iter()
                .enumerate()
                .flat_map(|(place, it)| long_frame(u8::from(place < last), it))
                .collect();
        }
        message(&frames.iter().map(Vec::as_slice).collect::<Vec<_>>())
    }
}

/// Says which seed it is, if its run ends with a panic.
struct Seed(u64);

impl Drop for Seed {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!(
                "seed {0}: {SEED_VARIABLE}={0} cargo test -p recado-tests --test same_as_libzmq any_scenario",
                self.0
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn any_scenario() {
    let seeds = match std::env::var(SEED_VARIABLE) {
        Ok(seed) => vec![seed.parse().expect("a seed is a number")],
        Err(_) => (0..SEEDS).collect(),
    };
    let sides = [Side::libzmq(), Side::ours(&[])];
    for seed in seeds {
        let printed_on_failure = Seed(seed);
        let seen = compare([&sides[0], &sides[1]], &Generator::scenario(seed)).await;
        let lines = |kind: char| {
            let all = seen.iter().flatten().filter(|(who, _)| who.starts_with(kind));
            all.map(|(_, lines)| lines.len()).sum::<usize>()
        };
        assert!(lines('s') > 50 && lines('p') > 50, "little happened: {} {}", lines('s'), lines('p'));
        drop(printed_on_failure);
    }
}
