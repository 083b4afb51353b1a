//! The fuzz target `gate`: connections, subscriptions, answers and time in any order, against a model that keeps what was granted and
//! looks at every message by itself.

use std::collections::{BTreeMap, BTreeSet};
use std::io::IoSlice;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{BufMut, BytesMut};
use recado_zmtp::codec::{
    Command, FrameHeader, Frames, Item, MessageLimits, MessageSplitter, Subscription, Version,
};
use recado_zmtp::curve::PublicKey;

use super::input::Input;
use super::wire;
use crate::chunk::{Chunk, Messages};
use crate::counters::Counters;
use crate::delivery::{Leftovers, Outside, Rest, Written};
use crate::gate::WaiterId;
use crate::gate::question;
use crate::hub::{Hub, PublisherId};
use crate::limits::{ANSWER_WAIT_MS, GateLimits, LINGERING_MS, Limits};
use crate::neighbours::WorkerId;
use crate::trie::SubscriberId;

const STEPS_MAX: usize = 600;
const CONNECTIONS_MAX: usize = 6;
const KEYS: [PublicKey; 3] =
    [PublicKey::from_bytes([1; 32]), PublicKey::from_bytes([2; 32]), PublicKey::from_bytes([0xff; 32])];

/// Topics that begin alike, and some that nobody may have.
const TOPICS: [&[u8]; 8] = [b"a", b"ab", b"abc", b"b", b"_sync.1", b"", b"_may.", b"\0\xff"];

/// What the model knows of a connection.
struct Line {
    key: usize,
    /// The topics that it wants, and since when each waits for its answer, in the order in which it came.
    wishes: Vec<(usize, Wish)>,
    expected: Vec<u8>,
    /// It is to be closed: what it gets from here on may be cut off anywhere between two messages.
    closed: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Wish {
    Waits(Instant),
    Refused,
    Effective,
}

struct Kernels(BTreeMap<SubscriberId, Vec<u8>>);

impl Outside for Kernels {
    fn command(&mut self, _: &[u8]) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    fn hand_over(&mut self, _: WorkerId, _: Messages) {
        unreachable!("there is one worker")
    }

    fn write(&mut self, id: SubscriberId, slices: &[IoSlice<'_>]) -> Written {
        let kernel = self.0.get_mut(&id).expect("the hub writes only to who is there");
        slices.iter().for_each(|slice| kernel.extend_from_slice(slice));
        Written::Bytes(slices.iter().map(|slice| slice.len()).sum())
    }
}

pub(super) struct Guarded<'a> {
    input: Input<'a>,
    hub: Hub,
    now: Instant,
    kernels: Kernels,
    lines: BTreeMap<SubscriberId, Line>,
    /// What the servers said last to each question that is asked: the key, and the topic if it is about one.
    answers: BTreeMap<(usize, Option<usize>), bool>,
    publisher: PublisherId,
    told: BTreeSet<Vec<u8>>,
    waiting: BTreeMap<WaiterId, usize>,
}

impl<'a> Guarded<'a> {
    pub(super) fn run(input: Input<'a>) {
        let now = Instant::now();
        let limits = GateLimits {
            questions_max: 1_000,
            questions_per_key_max: 100,
            lingering_max: 1_000,
            waiters_max: 1_000,
        };
        let hub = Hub::new(Limits::default(), Arc::new(Counters::default())).with_gate(limits, now);
        let mut guarded = Guarded {
            input,
            hub,
            now,
            kernels: Kernels(BTreeMap::new()),
            lines: BTreeMap::new(),
            answers: BTreeMap::new(),
            publisher: PublisherId(0),
            told: BTreeSet::new(),
            waiting: BTreeMap::new(),
        };
        guarded.publisher = guarded.hub.add_publisher();
        for _ in 0..STEPS_MAX {
            if guarded.input.is_empty() {
                break;
            }
            guarded.step();
            guarded.check();
        }
        guarded.finish();
    }

    fn step(&mut self) {
        match self.input.below(16) {
            0 | 1 => self.connect(),
            2..=5 => self.subscribe(),
            6 => self.cancel(),
            7 => self.leave(),
            8 => {
                let ms = self.input.pick(&[1, 500, ANSWER_WAIT_MS, LINGERING_MS]);
                self.pass(ms);
            }
            9 => self.tell(),
            10 => self.wait(),
            _ => self.publish(),
        }
    }

    fn name(&self, (key, topic): (usize, Option<usize>)) -> Vec<u8> {
        match topic {
            None => question::of_key(&KEYS[key]).to_vec(),
            Some(topic) => question::of_topic(&KEYS[key], TOPICS[topic]).to_vec(),
        }
    }

    /// Whether the gate asks it now.
    fn is_asked(&self, question: (usize, Option<usize>)) -> bool {
        self.hub.trie().exactly(&self.name(question)).is_some()
    }

    /// Forgets the answers to what is asked no more: asked again, it is to be answered again.
    fn forget(&mut self) {
        let known: Vec<_> = self.answers.keys().copied().collect();
        for question in known {
            if !self.is_asked(question) {
                self.answers.remove(&question);
            }
        }
    }

    fn wait(&mut self) {
        let key = self.input.below(KEYS.len());
        if let Some(&waiter) = self.waiting.keys().next().filter(|_| self.waiting.len() > 3) {
            self.hub.ask_no_more(waiter);
            self.waiting.remove(&waiter);
            self.forget();
        }
        let waiter = self.hub.ask(&KEYS[key], None).expect("there is room enough");
        self.waiting.insert(waiter, key);
        self.forget();
        if let Some(&granted) = self.answers.get(&(key, None)) {
            assert!(self.hub.take_answers().contains(&(waiter, granted)), "it is known");
        }
    }

    fn connect(&mut self) {
        let key = self.input.below(KEYS.len());
        if self.lines.len() >= CONNECTIONS_MAX {
            return;
        }
        let id = self.hub.add_subscriber();
        self.kernels.0.insert(id, Vec::new());
        self.hub.has_key(id, &KEYS[key]);
        let closed = self.answers.get(&(key, None)) != Some(&true);
        self.lines.insert(id, Line { key, wishes: Vec::new(), expected: Vec::new(), closed });
        let closings: Vec<_> = self.hub.take_closings().into_iter().map(|(id, _)| id).collect();
        assert_eq!(closings, if closed { vec![id] } else { vec![] }, "who is not known does not stay");
    }

    fn someone(&mut self) -> Option<SubscriberId> {
        let place = self.input.below(CONNECTIONS_MAX);
        self.lines.keys().nth(place).copied()
    }

    fn subscribe(&mut self) {
        let (Some(id), topic) = (self.someone(), self.input.below(TOPICS.len())) else { return };
        self.hub.wants(id, Subscription::Subscribe(TOPICS[topic])).expect("within the limits");
        let line = self.lines.get_mut(&id).expect("it is there");
        let is_new = line.wishes.iter().all(|(wished, _)| *wished != topic);
        if is_new && !line.closed && question::can_be_asked(TOPICS[topic]) {
            line.wishes.push((topic, Wish::Waits(self.now)));
        }
        self.advance(id);
    }

    fn cancel(&mut self) {
        let (Some(id), topic) = (self.someone(), self.input.below(TOPICS.len())) else { return };
        self.hub.wants(id, Subscription::Cancel(TOPICS[topic])).expect("within the limits");
        let line = self.lines.get_mut(&id).expect("it is there");
        line.wishes.retain(|(wished, _)| *wished != topic);
        self.advance(id);
        self.forget();
    }

    fn leave(&mut self) {
        let Some(id) = self.someone() else { return };
        self.hub.subscriber_left(id);
        while !self.hub.forget_subscriber(id) {}
        let line = self.lines.remove(&id).expect("it is there");
        let got = self.kernels.0.remove(&id).expect("it is there");
        check_received(&line, &got);
        self.forget();
    }

    fn pass(&mut self, ms: u64) {
        self.now += Duration::from_millis(ms);
        self.hub.tick(self.now);
        let limit = Duration::from_millis(ANSWER_WAIT_MS);
        for line in self.lines.values_mut() {
            for (_, wish) in &mut line.wishes {
                if let Wish::Waits(since) = *wish
                    && self.now - since >= limit
                {
                    // What has its answer and waits for others only is let go by them, which came before it.
                    *wish = Wish::Refused;
                }
            }
        }
        let all: Vec<_> = self.lines.keys().copied().collect();
        for id in all {
            self.advance(id);
            self.apply_answers(id);
        }
        self.forget();
    }

    /// Wishes take effect in their order, up to the first that is not answered.
    fn advance(&mut self, id: SubscriberId) {
        let line = self.lines.get_mut(&id).expect("it is there");
        if line.closed {
            return;
        }
        for (topic, wish) in &mut line.wishes {
            if let Wish::Waits(_) = *wish {
                match self.answers.get(&(line.key, Some(*topic))) {
                    None => break,
                    Some(true) => *wish = Wish::Effective,
                    Some(false) => *wish = Wish::Refused,
                }
            }
        }
    }

    /// What does not wait any more is as the last answer says.
    fn apply_answers(&mut self, id: SubscriberId) {
        let line = self.lines.get_mut(&id).expect("it is there");
        if line.closed {
            return;
        }
        for (topic, wish) in &mut line.wishes {
            match (*wish, self.answers.get(&(line.key, Some(*topic)))) {
                (Wish::Waits(_), _) | (_, None) => {}
                (Wish::Refused | Wish::Effective, Some(true)) => *wish = Wish::Effective,
                (Wish::Refused | Wish::Effective, Some(false)) => *wish = Wish::Refused,
            }
        }
    }

    /// A chunk of messages and answers among them, some of which nobody asked for, or are none.
    fn publish(&mut self) {
        let (mut chunk, mut answered) = (Vec::new(), BTreeSet::new());
        for _ in 0..1 + self.input.below(6) {
            let choice = self.input.byte();
            let (key, topic) = (usize::from(choice >> 3) % KEYS.len(), usize::from(choice & 7));
            match self.input.below(8) {
                0 if answered.insert((key, None)) => self.answer((key, None), &mut chunk),
                1 | 2 if answered.insert((key, Some(topic))) || self.is_wanted(key, topic) => {
                    self.answer((key, Some(topic)), &mut chunk);
                }
                3 => put(&mut chunk, &[&self.name((key, Some(topic))), b"200"]),
                4 => wire::ping(choice, &mut chunk),
                _ => {
                    let repeats = 1 + usize::from(choice & 1);
                    for _ in 0..repeats {
                        self.message(topic, &[choice], &mut chunk);
                    }
                }
            }
        }
        self.forward(&chunk);
        self.forget();
    }

    /// Whether the question is surely asked still, whatever was answered to it just before.
    fn is_wanted(&self, key: usize, topic: usize) -> bool {
        self.lines
            .values()
            .any(|line| line.key == key && line.wishes.iter().any(|(wished, _)| *wished == topic))
    }

    fn answer(&mut self, question: (usize, Option<usize>), chunk: &mut Vec<u8>) {
        let granted = self.input.below(4) != 0;
        put(chunk, &[&self.name(question), if granted { b"200" } else { b"404" }, b"ana"]);
        if !self.is_asked(question) {
            return;
        }
        self.answers.insert(question, granted);
        let all: Vec<_> = self.lines.keys().copied().collect();
        for id in all {
            let line = self.lines.get_mut(&id).expect("it is there");
            if question == (line.key, None) && !granted {
                line.closed = true;
            }
            self.advance(id);
            self.apply_answers(id);
        }
    }

    fn message(&mut self, topic: usize, body: &[u8], chunk: &mut Vec<u8>) {
        let start = chunk.len();
        put(chunk, &[TOPICS[topic], body]);
        for line in self.lines.values_mut().filter(|line| !line.closed) {
            if line.wishes.contains(&(topic, Wish::Effective)) {
                line.expected.extend_from_slice(&chunk[start..]);
            }
        }
    }

    fn forward(&mut self, bytes: &[u8]) {
        let (mut left, mut splitter) = (Leftovers::default(), MessageSplitter::new(MessageLimits::default()));
        let mut chunk = Chunk::new(1, BytesMut::from(bytes), bytes.len(), self.hub.loans().clone());
        let accepted = self.hub.forward(&mut splitter, &mut chunk, self.now, &mut left, &mut self.kernels);
        assert_eq!((accepted.consumed, accepted.rest), (bytes.len(), Rest::Unfinished));
        for (id, _) in self.hub.take_closings() {
            assert!(self.lines[&id].closed, "its key is known");
        }
        for (waiter, _) in self.hub.take_answers() {
            assert!(self.waiting.contains_key(&waiter), "nobody waits for it");
        }
    }

    /// The publisher reads what it is told.
    fn tell(&mut self) {
        let mut output = BytesMut::new();
        while !self.hub.tell_publisher(self.publisher, Version::OURS, &mut output, usize::MAX) {}
        for frame in Frames::new(&output) {
            match Command::decode(frame.body).expect("it is well formed") {
                Command::Subscribe(topic) => assert!(self.told.insert(topic.to_vec()), "told twice"),
                Command::Cancel(topic) => assert!(self.told.remove(topic), "it was never told"),
                other => panic!("told {other:?}"),
            }
        }
        let mut subscribed = BTreeSet::new();
        let (mut cursor, mut topic) = (None::<Vec<u8>>, Vec::new());
        while let Some(id) = self.hub.trie().next_after(cursor.as_deref()) {
            self.hub.trie().topic(id, &mut topic);
            subscribed.insert(topic.clone());
            cursor = Some(topic.clone());
        }
        assert_eq!(self.told, subscribed, "what it was told does not add up");
    }

    fn check(&self) {
        for (id, line) in &self.lines {
            check_received(line, &self.kernels.0[id]);
            let effective = line.wishes.iter().filter(|(_, wish)| *wish == Wish::Effective);
            for (topic, _) in effective.filter(|_| !line.closed) {
                let topic_id = self.hub.trie().exactly(TOPICS[*topic]).expect("it is in force");
                assert_eq!(self.hub.trie().subscribers_from(topic_id, *id).first(), Some(id));
            }
        }
    }

    /// All leave; nothing is asked any more when time has passed.
    fn finish(&mut self) {
        let all: Vec<_> = self.lines.keys().copied().collect();
        for id in all {
            self.hub.subscriber_left(id);
            while !self.hub.forget_subscriber(id) {}
        }
        for waiter in std::mem::take(&mut self.waiting).into_keys() {
            self.hub.ask_no_more(waiter);
        }
        self.lines.clear();
        self.pass(LINGERING_MS);
        assert_eq!(self.hub.trie().topics(), 0, "somebody is still asked, or served");
        self.tell();
    }
}

/// It got what it was granted, in order; one that is closed got no more than that.
fn check_received(line: &Line, got: &[u8]) {
    if line.closed {
        assert!(line.expected.starts_with(got), "a closed connection got what it may not hear");
    } else {
        assert_eq!(line.expected, got);
    }
}

fn put(chunk: &mut Vec<u8>, frames: &[&[u8]]) {
    for (place, frame) in frames.iter().enumerate() {
        FrameHeader::message(place + 1 < frames.len(), frame.len()).encode(chunk);
        chunk.put_slice(frame);
    }
}

/// Answers in any bytes: read or not, never past their end.
pub(super) fn answers(bytes: &[u8]) {
    let mut splitter = MessageSplitter::new(MessageLimits::default());
    let mut at = 0;
    while let Ok(Some(item)) = splitter.next_item(&bytes[at..]) {
        if let Item::Message(span) = item
            && let Some(answer) = question::Answer::of_message(&bytes[at..][span.range.clone()])
        {
            assert_eq!(answer.question, &bytes[at..][span.first]);
        }
        at += splitter.release();
    }
}
