use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::question::{self, Answer};
use super::{Effect, Gate, PublicKey, SubscriberId, WaiterId};
use crate::counters::Counters;
use crate::hub::SubscriptionError;
use crate::limits::{ANSWER_WAIT_MS, GateLimits, LINGERING_MS};

const LIMITS: GateLimits =
    GateLimits { questions_max: 100, questions_per_key_max: 50, lingering_max: 10, waiters_max: 3 };

/// A gate, and keys with a letter for a name: `a` asks whose key it is, `a:t` whether it may subscribe to `t`.
struct World {
    gate: Gate,
    counters: Arc<Counters>,
    now: Instant,
    names: BTreeMap<Vec<u8>, String>,
}

fn key(letter: char) -> PublicKey {
    PublicKey::from_bytes([letter as u8; 32])
}

impl World {
    fn new() -> World {
        World::with(LIMITS)
    }

    fn with(limits: GateLimits) -> World {
        let (counters, now) = (Arc::new(Counters::default()), Instant::now());
        let gate = Gate::new(limits, Arc::clone(&counters), now);
        World { gate, counters, now, names: BTreeMap::new() }
    }

    /// The question of that name.
    fn question(&mut self, name: &str) -> Vec<u8> {
        let letter = name.chars().next().unwrap();
        let question = match name.split_once(':') {
            None => question::of_key(&key(letter)),
            Some((_, topic)) => question::of_topic(&key(letter), topic.as_bytes()),
        };
        self.names.insert(question.to_vec(), name.to_owned());
        question.to_vec()
    }

    /// What it wants done now: `?` ask, `.` cancel, `+` grant, `-` revoke, `x` close, `=` an answer.
    fn effects(&mut self) -> Vec<String> {
        let mut all = Vec::new();
        while let Some(effect) = self.gate.next_effect() {
            let name = |question: &[u8]| {
                let letter =
                    char::from(u8::from_str_radix(str::from_utf8(&question[5..7]).unwrap(), 16).unwrap());
                match question::topic_of(question) {
                    None => letter.to_string(),
                    Some(topic) => format!("{letter}:{}", topic.escape_ascii()),
                }
            };
            all.push(match effect {
                Effect::Ask(question) => format!("?{}", name(&question)),
                Effect::Cancel(question) => format!(".{}", name(&question)),
                Effect::Grant(id, question) => format!("+{}{}", id.0, name(&question)),
                Effect::Revoke(id, question) => format!("-{}{}", id.0, name(&question)),
                Effect::Close(id) => format!("x{}", id.0),
                Effect::Answer(waiter, granted) => {
                    format!("={}{}", waiter.0, if granted { "yes" } else { "no" })
                }
            });
        }
        all
    }

    fn check(&mut self, expected: &[&str]) {
        assert_eq!(self.effects(), expected);
    }

    fn answer(&mut self, name: &str, granted: bool) {
        let question = self.question(name);
        self.gate.answered(&Answer { question: &question, granted, user: "ana" });
    }

    fn wants(&mut self, id: u32, topic: &str) {
        self.gate.wants(SubscriberId(id), topic.as_bytes()).unwrap();
    }

    fn after(&mut self, ms: u64) {
        self.now += Duration::from_millis(ms);
        self.gate.tick(self.now);
    }

    /// A connection whose key is a user's.
    fn connect(&mut self, id: u32, letter: char) {
        let waiter = self.gate.wait(&key(letter), None).unwrap();
        self.answer(&letter.to_string(), true);
        self.gate.connected(SubscriberId(id), &key(letter));
        self.gate.stop_waiting(waiter);
        self.effects();
    }

    fn leave(&mut self, id: u32) {
        while !self.gate.forget(SubscriberId(id)) {}
    }

    fn topics_refused(&self) -> u64 {
        self.counters.figures().topics_refused
    }
}

#[test]
fn a_known_key_comes_in_and_an_unknown_one_does_not() {
    let mut world = World::new();
    let first = world.gate.wait(&key('a'), None).unwrap();
    let stranger = world.gate.wait(&key('s'), None).unwrap();
    world.check(&["?a", "?s"]);
    world.answer("s", false);
    world.answer("a", true);
    world.check(&["=1no", "=0yes"]);
    assert_eq!(world.gate.user(&key('a')), Some("ana"));
    world.gate.stop_waiting(stranger);
    world.check(&[".s"]);
    world.gate.connected(SubscriberId(7), &key('a'));
    world.gate.stop_waiting(first);
    world.check(&[]);
    let second = world.gate.wait(&key('a'), None).unwrap();
    world.check(&[&format!("={}yes", second.0)]);
    world.gate.stop_waiting(second);
}

#[test]
fn an_answer_that_changes_meanwhile_is_the_one_that_counts() {
    let mut world = World::new();
    let waiter = world.gate.wait(&key('a'), None).unwrap();
    world.answer("a", true);
    world.answer("a", false);
    world.check(&["?a", "=0yes"]);
    world.gate.connected(SubscriberId(1), &key('a'));
    world.gate.stop_waiting(waiter);
    world.check(&["x1"]);
    world.wants(1, "t");
    world.check(&[]);
    world.leave(1);
    world.check(&[".a"]);
}

#[test]
fn who_was_never_answered_for_is_closed() {
    let mut world = World::new();
    world.gate.connected(SubscriberId(1), &key('a'));
    world.check(&["x1"]);
}

#[test]
fn few_may_wait_and_those_who_are_known_need_not() {
    let mut world = World::new();
    world.connect(1, 'a');
    let waiting: Vec<WaiterId> =
        "bcd".chars().map(|letter| world.gate.wait(&key(letter), None).unwrap()).collect();
    assert_eq!(world.gate.wait(&key('e'), None), None);
    assert!(world.gate.wait(&key('a'), None).is_some());
    world.gate.stop_waiting(waiting[1]);
    assert!(world.gate.wait(&key('e'), None).is_some());
    assert_eq!(world.gate.wait(&key('f'), None), None);
    world.answer("b", true);
    assert!(world.gate.wait(&key('f'), None).is_some());
}

#[test]
fn a_subscription_takes_effect_when_it_is_granted_and_a_refused_one_when_it_comes_to_be() {
    let mut world = World::new();
    world.connect(1, 'a');
    world.wants(1, "t");
    world.wants(1, "t");
    world.check(&["?a:t"]);
    world.answer("a:t", true);
    world.check(&["+1a:t"]);
    world.answer("a:t", true);
    world.check(&[]);
    world.wants(1, "private");
    world.answer("a:private", false);
    world.check(&["?a:private"]);
    assert_eq!(world.topics_refused(), 1);
    world.answer("a:private", false);
    world.answer("a:private", true);
    world.check(&["+1a:private"]);
}

#[test]
fn a_revoked_subscription_ends_and_begins_again_when_it_is_granted_anew() {
    let mut world = World::new();
    for id in [1, 2] {
        world.connect(id, 'a');
        world.wants(id, "t");
    }
    world.answer("a:t", true);
    world.check(&["+1a:t", "+2a:t"]);
    world.answer("a:t", false);
    world.check(&["-1a:t", "-2a:t"]);
    world.gate.wants_no_more(SubscriberId(1), b"t");
    world.answer("a:t", true);
    world.check(&["+2a:t"]);
}

#[test]
fn a_revoked_key_closes_all_its_connections_and_nothing_is_granted_to_them() {
    let mut world = World::new();
    for (id, letter) in [(1, 'a'), (2, 'b'), (3, 'a')] {
        world.connect(id, letter);
        world.wants(id, "t");
    }
    world.answer("a", false);
    world.check(&["x1", "x3"]);
    world.answer("a:t", true);
    world.answer("b:t", true);
    world.check(&["+2b:t"]);
    world.answer("a", false);
    world.check(&[]);
}

#[test]
fn one_key_is_not_another() {
    let mut world = World::new();
    world.connect(1, 'a');
    world.connect(2, 'b');
    world.wants(1, "t");
    world.wants(2, "t");
    world.answer("a:t", true);
    world.check(&["?a:t", "?b:t", "+1a:t"]);
}

#[test]
fn subscriptions_of_a_connection_take_effect_in_the_order_in_which_they_came() {
    let mut world = World::new();
    world.connect(1, 'a');
    world.connect(2, 'a');
    for topic in ["t", "u", "v"] {
        world.wants(1, topic);
    }
    world.wants(2, "v");
    world.answer("a:v", true);
    world.check(&["?a:t", "?a:u", "?a:v", "+2a:v"]);
    world.answer("a:u", false);
    world.check(&[]);
    world.answer("a:t", true);
    world.check(&["+1a:t", "+1a:v"]);
    world.answer("a:u", true);
    world.check(&["+1a:u"]);
}

#[test]
fn a_cancelled_subscription_holds_nothing_back() {
    let mut world = World::new();
    world.connect(1, 'a');
    world.wants(1, "t");
    world.wants(1, "u");
    world.answer("a:u", true);
    world.check(&["?a:t", "?a:u"]);
    world.gate.wants_no_more(SubscriberId(1), b"t");
    world.gate.wants_no_more(SubscriberId(1), b"never");
    world.check(&["+1a:u", ".a:t"]);
    world.gate.wants_no_more(SubscriberId(1), b"u");
    world.check(&["-1a:u"]);
}

#[test]
fn what_is_not_answered_holds_back_for_a_while_only() {
    let mut world = World::new();
    world.connect(1, 'a');
    world.wants(1, "t");
    world.wants(1, "u");
    world.answer("a:u", true);
    world.after(ANSWER_WAIT_MS - 1);
    world.check(&["?a:t", "?a:u"]);
    world.after(1);
    world.check(&["+1a:u"]);
    assert_eq!(world.topics_refused(), 1);
    world.answer("a:t", true);
    world.check(&["+1a:t"]);
}

#[test]
fn what_nobody_can_be_granted_is_not_asked_and_not_kept() {
    let mut world = World::new();
    world.connect(1, 'a');
    for topic in ["", "_may.", "_may.x", &"x".repeat(257)] {
        world.wants(1, topic);
        world.gate.wants_no_more(SubscriberId(1), topic.as_bytes());
    }
    world.wants(1, "t");
    world.answer("a:t", true);
    world.check(&["?a:t", "+1a:t"]);
    assert_eq!(world.topics_refused(), 4);
}

#[test]
fn a_granted_answer_lingers_so_that_who_comes_back_need_not_wait() {
    let mut world = World::new();
    world.connect(1, 'a');
    world.wants(1, "t");
    world.wants(1, "no");
    world.answer("a:t", true);
    world.answer("a:no", false);
    world.effects();
    world.leave(1);
    world.check(&[".a:no"]);
    world.after(LINGERING_MS - 1);
    let waiter = world.gate.wait(&key('a'), None).unwrap();
    world.check(&["=0yes"]);
    world.gate.connected(SubscriberId(2), &key('a'));
    world.gate.stop_waiting(waiter);
    world.wants(2, "t");
    world.check(&["+2a:t"]);
    world.leave(2);
    world.after(LINGERING_MS);
    world.check(&[".a:t", ".a"]);
    assert_eq!(world.counters.figures().questions, 0);
}

#[test]
fn what_is_revoked_while_it_lingers_is_forgotten() {
    let mut world = World::new();
    world.connect(1, 'a');
    world.wants(1, "t");
    world.answer("a:t", true);
    world.leave(1);
    world.effects();
    world.answer("a:t", false);
    world.answer("a", false);
    world.check(&[".a:t", ".a"]);
    world.after(10 * LINGERING_MS);
    world.check(&[]);
}

#[test]
fn few_linger_and_the_longest_goes_first() {
    let mut world = World::new();
    world.connect(1, 'a');
    for topic in 0..LIMITS.lingering_max + 1 {
        world.wants(1, &format!("{topic:02}"));
        world.answer(&format!("a:{topic:02}"), true);
        world.gate.wants_no_more(SubscriberId(1), format!("{topic:02}").as_bytes());
    }
    assert_eq!(world.effects().pop().unwrap(), ".a:00");
}

#[test]
fn a_key_has_so_many_topics_over_all_its_connections() {
    let mut world = World::with(GateLimits { questions_per_key_max: 2, ..LIMITS });
    world.connect(1, 'a');
    world.connect(2, 'a');
    world.connect(3, 'b');
    world.wants(1, "t");
    world.wants(2, "u");
    world.wants(2, "t");
    let too_many = Err(SubscriptionError::TooManyOfKey(2));
    assert_eq!(world.gate.wants(SubscriberId(1), b"v"), too_many);
    world.wants(3, "v");
    world.leave(2);
    world.wants(1, "v");
}

#[test]
fn when_all_is_asked_that_may_be_what_lingers_makes_room() {
    let mut world = World::with(GateLimits { questions_max: 3, ..LIMITS });
    world.connect(1, 'a');
    world.wants(1, "t");
    world.answer("a:t", true);
    world.gate.wants_no_more(SubscriberId(1), b"t");
    world.effects();
    world.wants(1, "u");
    world.wants(1, "v");
    world.check(&["?a:u", ".a:t", "?a:v"]);
    assert_eq!(world.gate.wants(SubscriberId(1), b"w"), Err(SubscriptionError::QuestionsFull(3)));
    assert_eq!(world.gate.wait(&key('b'), None), None);
    assert_eq!(world.counters.figures().questions, 3);
}

#[test]
fn what_was_not_asked_is_not_heard() {
    let mut world = World::new();
    world.connect(1, 'a');
    world.answer("a:t", true);
    world.answer("b", false);
    world.gate.answered(&Answer { question: b"_may.", granted: false, user: "" });
    world.check(&[]);
    world.wants(1, "t");
    world.check(&["?a:t"]);
}

#[test]
fn whether_a_topic_is_granted_can_be_asked_without_a_connection() {
    let mut world = World::new();
    let waiter = world.gate.wait(&key('a'), Some(b"_status")).unwrap();
    world.answer("a:_status", true);
    world.check(&["?a:_status", "=0yes"]);
    world.gate.stop_waiting(waiter);
    world.gate.stop_waiting(waiter);
    world.check(&[]);
}

#[test]
fn a_connection_with_many_wishes_is_forgotten_in_turns() {
    let mut world = World::with(GateLimits { questions_max: 5_000, questions_per_key_max: 5_000, ..LIMITS });
    world.connect(1, 'a');
    for topic in 0..1_000 {
        world.wants(1, &topic.to_string());
    }
    assert!(!world.gate.forget(SubscriberId(1)));
    world.leave(1);
    assert_eq!(world.gate.by_name.len(), 1, "the key lingers");
    assert!(world.gate.needed.is_empty() && world.gate.held_back.is_empty());
}
