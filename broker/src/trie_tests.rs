use std::collections::{BTreeMap, BTreeSet};

use super::{Found, Inserted, Removed, SubscriberId, Trie};

/// What a trie must agree with: topic by topic, all compared.
#[derive(Default)]
struct Naive(BTreeMap<Vec<u8>, BTreeSet<SubscriberId>>);

impl Naive {
    fn matching(&self, topic: &[u8]) -> BTreeSet<SubscriberId> {
        self.0
            .iter()
            .filter(|(prefix, _)| topic.starts_with(prefix))
            .flat_map(|(_, who)| who.iter().copied())
            .collect()
    }
}

fn matching(trie: &Trie, topic: &[u8]) -> BTreeSet<SubscriberId> {
    let mut all = Vec::new();
    if let Some(id) = trie.find(topic).longest {
        trie.collect(id, &mut all);
    }
    assert!(all.is_sorted_by(|a, b| a < b), "sorted, each once");
    all.into_iter().collect()
}

fn topics(trie: &Trie) -> Vec<Vec<u8>> {
    let mut all: Vec<Vec<u8>> = Vec::new();
    while let Some(id) = trie.next_after(all.last().map(Vec::as_slice)) {
        let mut topic = Vec::new();
        trie.topic(id, &mut topic);
        assert_eq!(trie.exactly(&topic), Some(id));
        all.push(topic);
    }
    all
}

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

    fn topic(&mut self) -> Vec<u8> {
        let length = self.below(7);
        (0..length).map(|_| b'a' + self.below(3) as u8).collect()
    }
}

fn first_and_last(topic: &[u8]) {
    let mut trie = Trie::new();
    let (a, b) = (SubscriberId(1), SubscriberId(2));
    assert!(matches!(trie.insert(topic, a), Inserted::First(_)));
    assert_eq!(trie.insert(topic, a), Inserted::Already);
    assert!(matches!(trie.insert(topic, b), Inserted::Another(_)));
    assert!(matches!(trie.remove(topic, a), Removed::Another(_)));
    assert_eq!(trie.remove(topic, a), Removed::Absent);
    assert!(matches!(trie.remove(topic, b), Removed::Last(_)));
    assert_eq!(trie.topics(), 0);
    assert_eq!(trie.nodes.len() - trie.free.len(), 1, "only the root is left");
}

#[test]
fn a_topic_tells_its_first_and_its_last_subscriber() {
    for topic in [&b""[..], b"a", b"geral", &[0xff; 300]] {
        first_and_last(topic);
    }
}

#[test]
fn a_topic_of_ten_megabytes_is_one_node() {
    let long = vec![b'x'; 10 << 20];
    first_and_last(&long);
    let mut trie = Trie::new();
    trie.insert(&long, SubscriberId(1));
    assert_eq!(trie.topic_ids_end(), 2);
}

/// What is beside, above, below or between what is there, or another's.
#[test]
fn removing_what_is_not_there_changes_nothing() {
    let (has, has_not) = (SubscriberId(0), SubscriberId(1));
    for present in [&[][..], &["foo"], &["foobar"], &["foo1", "foo3"], &["foo", "foobar"], &[""]] {
        for absent in ["", "f", "foo", "foo2", "foobar", "foobars", "bar"] {
            for who in [has, has_not] {
                if who == has && present.contains(&absent) {
                    continue;
                }
                let mut trie = Trie::new();
                present.iter().for_each(|topic| {
                    assert!(matches!(trie.insert(topic.as_bytes(), has), Inserted::First(_)))
                });
                let before = (trie.generation(), trie.nodes.len() - trie.free.len());
                assert_eq!(trie.remove(absent.as_bytes(), who), Removed::Absent, "{absent:?} of {present:?}");
                assert_eq!((trie.generation(), trie.nodes.len() - trie.free.len()), before);
                assert_eq!(
                    topics(&trie),
                    present.iter().map(|it| it.as_bytes().to_vec()).collect::<Vec<_>>()
                );
                for topic in present {
                    assert!(matching(&trie, topic.as_bytes()).contains(&has), "{topic:?} after {absent:?}");
                }
            }
        }
    }
}

/// In whatever order topics come and go, each is the first and the last of its own.
#[test]
fn topics_come_and_go_in_any_order() {
    let orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
    for names in [["foo1", "foo2", "foo3"], ["f", "foo", "foobar"], ["", "a", "b"]] {
        for (come, go) in orders.iter().flat_map(|come| orders.iter().map(move |go| (come, go))) {
            let mut trie = Trie::new();
            for (count, place) in come.iter().enumerate() {
                let inserted = trie.insert(names[*place].as_bytes(), SubscriberId(0));
                assert!(matches!(inserted, Inserted::First(_)));
                assert_eq!(trie.topics(), count + 1);
            }
            for (count, place) in go.iter().enumerate() {
                let name = names[*place].as_bytes();
                assert!(topics(&trie).contains(&name.to_vec()), "{names:?} {come:?} {go:?}");
                assert!(matches!(trie.remove(name, SubscriberId(0)), Removed::Last(_)));
                assert_eq!((trie.topics(), trie.exactly(name)), (2 - count, None));
            }
        }
    }
}

#[test]
fn prefixes_match_and_longer_topics_do_not() {
    let mut trie = Trie::new();
    for (number, topic) in [&b"bob"[..], b"bobby", b"", b"alice"].into_iter().enumerate() {
        trie.insert(topic, SubscriberId(number as u32));
    }
    let check = |topic: &[u8], expect: &[u32]| {
        let expect: BTreeSet<_> = expect.iter().copied().map(SubscriberId).collect();
        assert_eq!(matching(&trie, topic), expect, "{}", topic.escape_ascii());
    };
    check(b"", &[2]);
    check(b"bo", &[2]);
    check(b"bob", &[0, 2]);
    check(b"bobb", &[0, 2]);
    check(b"bobby!", &[0, 1, 2]);
    check(b"alic", &[2]);
}

#[test]
fn an_answer_says_for_which_other_topics_it_holds() {
    let mut trie = Trie::new();
    trie.insert(b"tech", SubscriberId(0));
    trie.insert(b"technique", SubscriberId(1));
    let check = |topic: &[u8], examined: usize, whole: bool| {
        let found = trie.find(topic);
        assert_eq!((found.examined, found.whole), (examined, whole), "{}", topic.escape_ascii());
    };
    check(b"geral", 1, false);
    check(b"te", 2, true);
    check(b"tech", 4, true);
    check(b"tech-talk", 5, false);
    check(b"technology", 6, false);
    check(b"techni", 6, true);
    check(b"technique/1", 9, false);
}

/// Random subscriptions against the naive model: same answers, same first and last, same order, and what was remembered
/// under an earlier generation is never wrong by the rule that uses it.
#[test]
fn agrees_with_a_naive_model() {
    for seed in 0..40 {
        let mut random = Random(seed);
        let (mut trie, mut naive) = (Trie::new(), Naive::default());
        let mut remembered = BTreeMap::new();
        for _ in 0..600 {
            let (topic, who) = (random.topic(), SubscriberId(random.below(5) as u32));
            if random.below(100) < 55 {
                let subscribers = naive.0.entry(topic.clone()).or_default();
                let (new, others) = (subscribers.insert(who), subscribers.len());
                let inserted = trie.insert(&topic, who);
                match inserted {
                    Inserted::First(_) => assert!(new && others == 1, "seed {seed}"),
                    Inserted::Another(_) => assert!(new && others > 1, "seed {seed}"),
                    Inserted::Already => assert!(!new, "seed {seed}"),
                }
            } else {
                let had = naive.0.get_mut(&topic).is_some_and(|subscribers| subscribers.remove(&who));
                naive.0.retain(|_, subscribers| !subscribers.is_empty());
                let left = naive.0.contains_key(&topic);
                match trie.remove(&topic, who) {
                    Removed::Last(_) => assert!(had && !left, "seed {seed}"),
                    Removed::Another(_) => assert!(had && left, "seed {seed}"),
                    Removed::Absent => assert!(!had, "seed {seed}"),
                }
            }
            assert_eq!(trie.topics(), naive.0.len(), "seed {seed}");
            let (probe, other) = (random.topic(), random.topic());
            let expect = naive.matching(&probe);
            assert_eq!(matching(&trie, &probe), expect, "seed {seed}");
            let found @ Found { longest, changed, examined, whole } = trie.find(&probe);
            if let Some(id) = longest {
                if let Some((generation, answer)) = remembered.get(&id)
                    && *generation >= changed
                {
                    assert_eq!(answer, &expect, "seed {seed}: remembered answer");
                }
                remembered.insert(id, (trie.generation(), expect.clone()));
            }
            let alike = if whole { other == probe } else { other.starts_with(&probe[..examined]) };
            if alike {
                assert_eq!(matching(&trie, &other), expect, "seed {seed}: {found:?}");
            }
        }
        assert_eq!(topics(&trie), naive.0.keys().cloned().collect::<Vec<_>>(), "seed {seed}");
        for (topic, subscribers) in &naive.0 {
            for &who in subscribers {
                trie.remove(topic, who);
            }
        }
        assert_eq!(trie.nodes.len() - trie.free.len(), 1, "seed {seed}: only the root is left");
    }
}

#[test]
fn the_order_of_topics_can_be_entered_anywhere() {
    for seed in 0..20 {
        let mut random = Random(1000 + seed);
        let mut trie = Trie::new();
        let mut all = BTreeSet::new();
        for _ in 0..30 {
            let topic = random.topic();
            trie.insert(&topic, SubscriberId(0));
            all.insert(topic);
        }
        for _ in 0..200 {
            let cursor = random.topic();
            let mut next = Vec::new();
            let found =
                trie.next_after(Some(&cursor)).map(|id| trie.topic(id, &mut next)).map(|()| next.clone());
            let expect = all.iter().find(|topic| **topic > cursor).cloned();
            assert_eq!(found, expect, "seed {seed}");
        }
    }
}

#[test]
fn a_subscribers_prefixes_of_a_topic_are_found_by_their_lengths() {
    let mut trie = Trie::new();
    for (topic, subscriber) in [("", 1), ("ab", 1), ("abc", 2), ("abcd", 1), ("abx", 1)] {
        trie.insert(topic.as_bytes(), SubscriberId(subscriber));
    }
    let lengths = |topic: &str, id| trie.lengths_of(topic.as_bytes(), SubscriberId(id)).collect::<Vec<_>>();
    assert_eq!(lengths("abcde", 1), [0, 2, 4]);
    assert_eq!(lengths("abc", 1), [0, 2]);
    assert_eq!(lengths("abc", 2), [3]);
    assert!(lengths("ab", 2).is_empty());
    assert_eq!(lengths("x", 1), [0]);
}
