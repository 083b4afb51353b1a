//! What a broker asks, and what it was told: against a model that remembers every question and asks who may hear what anew each time.

use std::collections::BTreeMap;

use recado_proto::{DeviceKey, Role, SyncTopic};

use super::acts::{KEYS, NAMES, key};
use super::input::Input;
use super::model::Model;
use crate::access::{Access, Names};
use crate::service::doors::{Asked, Bounds, Doors};

const BOUNDS: Bounds = Bounds { questions_max: 40, answers_at_once_max: 8 };
const QUESTION_BYTES_MAX: usize = 512;

/// The user's name; none for a no.
type Answer = Option<String>;

/// Any bytes are a question or none, and a question has one form.
pub(super) fn read(bytes: &[u8]) {
    assert_eq!(Asked::read(bytes).is_some(), parts(bytes).is_some(), "{}", bytes.escape_ascii());
    let text = [b"_may.", bytes].concat();
    assert_eq!(Asked::read(&text).is_some(), parts(&text).is_some(), "{}", text.escape_ascii());
}

/// The key and the topic that a question is about.
fn parts(question: &[u8]) -> Option<(DeviceKey, Option<&[u8]>)> {
    let (hex, rest) = question.strip_prefix(b"_may.")?.split_at_checked(64)?;
    if question.len() > QUESTION_BYTES_MAX || hex.iter().any(u8::is_ascii_uppercase) {
        return None;
    }
    let hex = str::from_utf8(hex).ok().filter(|hex| hex.bytes().all(|it| it.is_ascii_hexdigit()))?;
    let byte = |at: usize| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).expect("they are digits");
    let key = DeviceKey::from_bytes(std::array::from_fn(byte));
    match rest.split_first() {
        None => Some((key, None)),
        Some((b'.', topic)) => Some((key, Some(topic))),
        Some(_) => None,
    }
}

#[derive(Default)]
struct Told {
    /// None as long as it was not answered since it was asked last.
    answer: Option<Answer>,
}

pub(super) struct Broker {
    doors: Doors,
    asked: BTreeMap<Vec<u8>, Told>,
    ignored: u64,
    session_ends_ms: Option<u64>,
}

impl Broker {
    pub(super) fn new() -> Broker {
        Broker { doors: Doors::new(BOUNDS), asked: BTreeMap::new(), ignored: 0, session_ends_ms: None }
    }

    pub(super) fn step(&mut self, input: &mut Input<'_>) {
        match input.below(8) {
            0 => {
                self.doors.left();
                (self.asked, self.ignored) = (BTreeMap::new(), 0);
            }
            1 | 2 => {
                let question = self.some(input);
                self.doors.cancelled(&question);
                self.asked.remove(&question);
            }
            3 => self.ask(&self.some(input)),
            _ => self.ask(&question(input)),
        }
        assert!(self.doors.waiting() <= self.asked.len(), "more waits than is asked");
    }

    fn ask(&mut self, question: &[u8]) {
        self.doors.asked_for(question);
        if parts(question).is_none() {
            return;
        }
        if self.asked.len() >= BOUNDS.questions_max && !self.asked.contains_key(question) {
            self.ignored += 1;
            return;
        }
        self.asked.insert(question.to_vec(), Told::default());
    }

    /// One that is asked, or any.
    fn some(&self, input: &mut Input<'_>) -> Vec<u8> {
        let place = input.below(BOUNDS.questions_max);
        self.asked.keys().nth(place).cloned().unwrap_or_else(|| question(input))
    }

    /// The server answers, all that is due or a part of it.
    pub(super) fn hear(&mut self, access: &Access, model: &Model, now_ms: u64, in_parts: bool) {
        if self.session_ends_ms.is_some_and(|ends_ms| ends_ms <= now_ms) {
            self.doors.look_again();
        }
        let names = |name: &str| model.name_of(name);
        loop {
            self.session_ends_ms = access.next_end_ms(now_ms);
            let due = self.doors.answers(access, access.last_event(), &names, now_ms);
            assert!(due.messages.len() <= BOUNDS.answers_at_once_max);
            assert_eq!(due.ignored, std::mem::take(&mut self.ignored));
            for message in &due.messages {
                let [question, status, user] = message.frames() else { panic!("three frames: {message:?}") };
                let answer = match &status[..] {
                    b"200" => Some(str::from_utf8(user).expect("it is a name").to_owned()),
                    b"404" if user.is_empty() => None,
                    other => panic!("{}", other.escape_ascii()),
                };
                let told = self.asked.get_mut(&question[..]).expect("nobody asks, or no longer");
                assert_eq!(answer, expected(question, model, now_ms), "{}", question.escape_ascii());
                assert_ne!(
                    told.answer.as_ref(),
                    Some(&answer),
                    "it was told so: {}",
                    question.escape_ascii()
                );
                told.answer = Some(answer);
            }
            if due.is_done {
                break self.check(model, now_ms);
            }
            if in_parts {
                break;
            }
        }
    }

    /// All was told, and is as it was told.
    fn check(&self, model: &Model, now_ms: u64) {
        for (question, told) in &self.asked {
            let expect = Some(expected(question, model, now_ms));
            assert_eq!(told.answer, expect, "{}", question.escape_ascii());
        }
    }
}

fn expected(question: &[u8], model: &Model, now_ms: u64) -> Answer {
    let (key, topic) = parts(question).expect("only questions are asked");
    let user = model.whose(&key, now_ms)?;
    let may = match topic.map(str::from_utf8) {
        None => true,
        Some(Ok("_status")) => model.users[user].role == Role::Administrator,
        Some(Ok(topic)) => {
            let is_to_synchronise = topic.len() >= "_sync.".len() + 16 && SyncTopic::parse(topic).is_ok();
            is_to_synchronise || model.hears(user).contains(topic)
        }
        Some(Err(_)) => false,
    };
    may.then(|| user.to_string())
}

/// Mostly a question; sometimes with any bytes for a topic, or nothing but them.
fn question(input: &mut Input<'_>) -> Vec<u8> {
    let mut question = format!("_may.{}", hex(&key(input.byte() % KEYS))).into_bytes();
    match input.below(16) {
        0..=2 => {}
        3 => question.extend_from_slice(b"._status"),
        4 => question.extend_from_slice(b"._here"),
        5 => question.extend_from_slice(format!("._sync.{}", "0".repeat(input.below(24))).as_bytes()),
        6 => {
            let count = input.below(32);
            question.extend([b"."[..].to_vec(), input.bytes(count).to_vec()].concat());
        }
        7 => {
            let count = input.below(80);
            question = [&question[..5], input.bytes(count)].concat();
        }
        8 => {
            question
                .extend(std::iter::repeat_n(b'.', QUESTION_BYTES_MAX - 1 - question.len() + input.below(3)));
        }
        _ => {
            let prefixes = ["", "", "_acts.", "_heads.", "_typing.", "_marks.", "_sent.", "_may."];
            let (prefix, name) = (input.pick(&prefixes), input.pick(&NAMES));
            question.extend_from_slice(format!(".{prefix}{name}").as_bytes());
        }
    }
    question
}

fn hex(key: &DeviceKey) -> String {
    key.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}
