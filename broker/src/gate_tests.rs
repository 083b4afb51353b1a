use std::time::{Duration, Instant};

use recado_zmtp::curve::PublicKey;

use super::{Effect, Entry, Gate, TooMany, Topic, key_question, topic_question};
use crate::limits::{GATE_KEPT_MS, GATE_PATIENCE_MS, GATE_TOPIC_BYTES_MAX, GATE_WISHES_MAX};
use crate::trie::SubscriberId;

const ANA: PublicKey = PublicKey::from_bytes([0xa5; 32]);
const BOB: PublicKey = PublicKey::from_bytes([0x0b; 32]);

fn id(number: u32) -> SubscriberId {
    SubscriberId(number)
}

fn topic(text: &str) -> Topic {
    Topic::from(text.as_bytes())
}

fn about(key: &PublicKey, text: &str) -> Topic {
    topic_question(&key_question(key), text.as_bytes())
}

/// A gate at a time that only moves when it is told to.
struct Scene {
    gate: Gate,
    now: Instant,
}

impl Scene {
    fn new() -> Scene {
        Scene { gate: Gate::default(), now: Instant::now() }
    }

    /// A connection of this key, past its handshake.
    fn with(mut self, number: u32, key: &PublicKey) -> Scene {
        self.gate.knocks(key).unwrap();
        self.answer(&key_question(key), true);
        self.gate.enter(id(number), key).unwrap();
        self.gate.knocked(key, self.now);
        self.effects();
        self
    }

    fn effects(&mut self) -> Vec<Effect> {
        self.gate.take_effects()
    }

    fn answer(&mut self, question: &[u8], is_yes: bool) -> Vec<Effect> {
        self.gate.answered(question, is_yes, self.now);
        self.effects()
    }

    fn wish(&mut self, number: u32, text: &str) -> Vec<Effect> {
        self.gate.wish(id(number), text.as_bytes(), self.now).unwrap();
        self.effects()
    }

    fn unwish(&mut self, number: u32, text: &str) -> Vec<Effect> {
        self.gate.unwish(id(number), text.as_bytes(), self.now);
        self.effects()
    }

    fn pass(&mut self, milliseconds: u64) -> Vec<Effect> {
        self.now += Duration::from_millis(milliseconds);
        self.gate.tick(self.now);
        self.effects()
    }
}

#[test]
fn a_question_names_the_key_in_hex_and_the_topic_as_it_is() {
    assert_eq!(&*key_question(&BOB), format!("_may.{}", "0b".repeat(32)).as_bytes());
    assert_eq!(&*about(&BOB, "geral"), format!("_may.{}.geral", "0b".repeat(32)).as_bytes());
}

#[test]
fn who_knocks_waits_until_it_is_answered_whose_the_key_is() {
    let mut scene = Scene::new();
    scene.gate.knocks(&ANA).unwrap();
    assert_eq!(scene.effects(), [Effect::Ask(key_question(&ANA))]);
    assert_eq!(scene.gate.entry(&ANA), Entry::Waiting);
    assert!(!scene.gate.take_keys_answered());
    assert_eq!(scene.answer(&key_question(&ANA), true), []);
    assert!(scene.gate.take_keys_answered() && !scene.gate.take_keys_answered());
    assert_eq!(scene.gate.entry(&ANA), Entry::Admitted);
    scene.answer(&key_question(&BOB), true);
    assert_eq!(scene.gate.entry(&BOB), Entry::Waiting, "nobody asked about that one");
}

#[test]
fn a_stranger_leaves_nothing_behind_and_a_user_s_answer_is_kept_for_a_while() {
    let mut scene = Scene::new();
    scene.gate.knocks(&BOB).unwrap();
    scene.answer(&key_question(&BOB), false);
    assert_eq!(scene.gate.entry(&BOB), Entry::Refused);
    scene.gate.knocked(&BOB, scene.now);
    assert_eq!(scene.effects(), [Effect::Forget(key_question(&BOB))]);
    assert_eq!(scene.gate.questions(), 0);

    let mut scene = Scene::new().with(1, &ANA);
    scene.wish(1, "geral");
    scene.answer(&about(&ANA, "geral"), true);
    scene.gate.leave(id(1), scene.now);
    assert_eq!(scene.pass(GATE_KEPT_MS - 1), []);
    assert_eq!(scene.gate.entry(&ANA), Entry::Admitted);
    let forgotten = [Effect::Forget(about(&ANA, "geral")), Effect::Forget(key_question(&ANA))];
    assert_eq!(scene.pass(1), forgotten);
}

#[test]
fn a_subscription_takes_effect_when_it_is_granted_and_is_quiet_when_it_is_not() {
    let mut scene = Scene::new().with(1, &ANA);
    assert_eq!(scene.wish(1, "geral"), [Effect::Ask(about(&ANA, "geral"))]);
    assert_eq!(scene.wish(1, "geral"), [], "twice is once");
    assert_eq!(scene.answer(&about(&ANA, "geral"), true), [Effect::Subscribe(id(1), topic("geral"))]);
    assert_eq!(scene.answer(&about(&ANA, "geral"), true), [], "answered again");
    assert_eq!(scene.wish(1, "secret"), [Effect::Ask(about(&ANA, "secret"))]);
    assert_eq!(scene.answer(&about(&ANA, "secret"), false), []);
    assert_eq!(scene.unwish(1, "geral"), [Effect::Cancel(id(1), topic("geral"))]);
    assert_eq!(scene.unwish(1, "secret"), [Effect::Forget(about(&ANA, "secret"))]);
    assert_eq!(scene.unwish(1, "never"), []);
}

#[test]
fn what_was_refused_and_is_granted_later_takes_effect_and_what_is_revoked_ends() {
    let mut scene = Scene::new().with(1, &ANA);
    scene.wish(1, "secret");
    scene.answer(&about(&ANA, "secret"), false);
    assert_eq!(scene.answer(&about(&ANA, "secret"), true), [Effect::Subscribe(id(1), topic("secret"))]);
    assert_eq!(scene.answer(&about(&ANA, "secret"), false), [Effect::Cancel(id(1), topic("secret"))]);
    assert_eq!(scene.answer(&about(&ANA, "secret"), true), [Effect::Subscribe(id(1), topic("secret"))]);
}

#[test]
fn each_key_is_asked_about_by_itself_and_each_connection_of_it_is_told() {
    let mut scene = Scene::new().with(1, &ANA).with(2, &ANA).with(3, &BOB);
    scene.wish(1, "geral");
    assert_eq!(scene.wish(2, "geral"), [], "it is asked already");
    assert_eq!(scene.wish(3, "geral"), [Effect::Ask(about(&BOB, "geral"))]);
    let both = [Effect::Subscribe(id(1), topic("geral")), Effect::Subscribe(id(2), topic("geral"))];
    assert_eq!(scene.answer(&about(&ANA, "geral"), true), both);
    assert_eq!(scene.unwish(1, "geral"), [Effect::Cancel(id(1), topic("geral"))]);
    assert_eq!(scene.answer(&about(&ANA, "geral"), false), [Effect::Cancel(id(2), topic("geral"))]);
}

#[test]
fn a_key_that_is_nobody_s_any_more_closes_all_of_its_connections() {
    let mut scene = Scene::new().with(1, &ANA).with(2, &ANA).with(3, &BOB);
    let both = [Effect::Close(id(1)), Effect::Close(id(2))];
    assert_eq!(scene.answer(&key_question(&ANA), false), both);
    assert_eq!(scene.gate.entry(&ANA), Entry::Refused);
    assert_eq!(scene.gate.entry(&BOB), Entry::Admitted);
    scene.gate.enter(id(4), &ANA).unwrap();
    assert_eq!(scene.effects(), [Effect::Close(id(4))], "it came in just before");
}

#[test]
fn subscriptions_of_a_connection_take_effect_in_their_order() {
    let mut scene = Scene::new().with(1, &ANA);
    for text in ["one", "two", "three"] {
        scene.wish(1, text);
    }
    assert_eq!(scene.answer(&about(&ANA, "three"), true), []);
    assert_eq!(scene.answer(&about(&ANA, "two"), false), []);
    let in_order = [Effect::Subscribe(id(1), topic("one")), Effect::Subscribe(id(1), topic("three"))];
    assert_eq!(scene.answer(&about(&ANA, "one"), true), in_order);
}

#[test]
fn a_cancelled_subscription_holds_nobody_back() {
    let mut scene = Scene::new().with(1, &ANA);
    scene.wish(1, "one");
    scene.wish(1, "two");
    scene.answer(&about(&ANA, "two"), true);
    let effects = [Effect::Forget(about(&ANA, "one")), Effect::Subscribe(id(1), topic("two"))];
    assert_eq!(scene.unwish(1, "one"), effects);
}

#[test]
fn what_nobody_answers_holds_the_others_back_for_a_while_only() {
    let mut scene = Scene::new().with(1, &ANA);
    scene.wish(1, "one");
    scene.wish(1, "two");
    scene.answer(&about(&ANA, "two"), true);
    assert_eq!(scene.pass(GATE_PATIENCE_MS - 1), []);
    assert_eq!(scene.pass(1), [Effect::Subscribe(id(1), topic("two"))]);
    assert_eq!(scene.answer(&about(&ANA, "one"), true), [Effect::Subscribe(id(1), topic("one"))]);
}

#[test]
fn what_nobody_may_hear_is_not_asked_about() {
    let mut scene = Scene::new().with(1, &ANA);
    let long = "x".repeat(GATE_TOPIC_BYTES_MAX + 1);
    for text in ["", "_may.", "_may.geral", &long] {
        assert_eq!(scene.wish(1, text), [], "{text}");
    }
    let question = about(&ANA, "x");
    assert_eq!(scene.wish(1, str::from_utf8(&question).unwrap()), [], "a question is no topic");
}

#[test]
fn one_connection_s_wishes_are_bounded() {
    let mut scene = Scene::new().with(1, &ANA);
    for number in 0..GATE_WISHES_MAX {
        scene.wish(1, &number.to_string());
    }
    assert_eq!(scene.gate.wish(id(1), b"one more", scene.now), Err(TooMany));
    scene.unwish(1, "7");
    scene.wish(1, "one more");
    scene.gate.leave(id(1), scene.now);
    scene.pass(GATE_KEPT_MS);
    assert_eq!(scene.gate.questions(), 0, "nothing is left of it");
}

#[test]
fn while_no_server_answers_what_is_known_stays_and_nothing_is_granted() {
    let mut scene = Scene::new().with(1, &ANA);
    scene.wish(1, "geral");
    scene.answer(&about(&ANA, "geral"), true);
    scene.wish(1, "other");
    assert_eq!(scene.pass(10 * GATE_KEPT_MS), []);
    assert_eq!(scene.gate.entry(&ANA), Entry::Admitted);
    assert_eq!(scene.wish(1, "geral"), []);
}
