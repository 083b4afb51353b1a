use std::collections::BTreeMap;
use std::io::IoSlice;
use std::ops::ControlFlow;
use std::sync::Arc;

use bytes::BytesMut;
use recado_zmtp::codec::{Command, FrameHeader, Frames, MessageLimits, MessageSplitter, Version};

use super::{Closing, Hub, Instant, PublicKey, SubscriberId, Subscription, question};
use crate::chunk::{Chunk, Messages};
use crate::counters::Counters;
use crate::delivery::{Leftovers, Outside, Rest, Written};
use crate::hub::PublisherId;
use crate::limits::{GateLimits, Limits};
use crate::neighbours::{Board, WorkerId};

/// Hubs of as many workers, which hear of each other's topics and messages at once.
struct World {
    hubs: Vec<Hub>,
    around: Around,
    counters: Vec<Arc<Counters>>,
}

#[derive(Default)]
struct Around {
    /// The bodies that each got, by worker and subscriber.
    received: BTreeMap<(usize, SubscriberId), String>,
    handed_over: Vec<(WorkerId, Messages)>,
}

struct Side<'a>(usize, &'a mut Around);

impl Outside for Side<'_> {
    fn command(&mut self, _: &[u8]) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    fn hand_over(&mut self, worker: WorkerId, messages: Messages) {
        self.1.handed_over.push((worker, messages));
    }

    fn write(&mut self, id: SubscriberId, slices: &[IoSlice<'_>]) -> Written {
        let bytes: Vec<u8> = slices.iter().flat_map(|slice| slice.iter().copied()).collect();
        let received = self.1.received.entry((self.0, id)).or_default();
        for frame in Frames::new(&bytes).filter(|frame| !frame.more) {
            received.push_str(str::from_utf8(frame.body).unwrap());
        }
        Written::Bytes(bytes.len())
    }
}

const KEY: PublicKey = PublicKey::from_bytes([7; 32]);

fn message(frames: &[&[u8]]) -> Vec<u8> {
    let mut wire = BytesMut::new();
    for (place, frame) in frames.iter().enumerate() {
        FrameHeader::message(place + 1 < frames.len(), frame.len()).encode(&mut wire);
        wire.extend_from_slice(frame);
    }
    wire.to_vec()
}

fn answer(topic: Option<&str>, granted: bool) -> Vec<u8> {
    let question = match topic {
        None => question::of_key(&KEY),
        Some(topic) => question::of_topic(&KEY, topic.as_bytes()),
    };
    message(&[&question, if granted { b"200" } else { b"404" }, b"ana"])
}

impl World {
    fn of(workers: usize) -> World {
        let counters = Counters::of_workers(workers);
        let boards: Vec<Board> =
            if workers > 1 { (0..workers).map(|_| Board::default()).collect() } else { Vec::new() };
        let (boards, limits) = (Arc::<[Board]>::from(boards), Limits { workers, ..Limits::default() });
        let hub = |(number, counters): (u32, &Arc<Counters>)| {
            let hub = Hub::new(limits.of_worker(), Arc::clone(counters));
            let hub = hub.with_neighbours(WorkerId(number), Arc::clone(&boards));
            hub.with_gate(GateLimits::of_worker(&limits), Instant::now())
        };
        let hubs = (0..).zip(&counters).map(hub).collect();
        World { hubs, around: Around::default(), counters }
    }

    /// Tells the hubs of each other's topics.
    fn gossip(&mut self) {
        for from in 0..self.hubs.len() {
            for change in self.hubs[from].take_topic_changes() {
                for to in (0..self.hubs.len()).filter(|&to| to != from) {
                    self.hubs[to].neighbour_changed(WorkerId(from as u32), &change);
                }
            }
        }
    }

    fn publish(&mut self, worker: usize, messages: &[Vec<u8>]) {
        self.forward(worker, &messages.concat(), false);
        while let Some((to, messages)) = self.around.handed_over.pop() {
            self.forward(to.0 as usize, &messages.bytes, true);
        }
        self.gossip();
    }

    fn forward(&mut self, worker: usize, bytes: &[u8], handed_over: bool) {
        let hub = &mut self.hubs[worker];
        let mut chunk = Chunk::new(1, BytesMut::from(bytes), bytes.len(), hub.loans().clone());
        let mut splitter = MessageSplitter::new(MessageLimits::default());
        let (mut left, mut side) = (Leftovers::default(), Side(worker, &mut self.around));
        let now = Instant::now();
        let accepted = match handed_over {
            false => hub.forward(&mut splitter, &mut chunk, now, &mut left, &mut side),
            true => hub.forward_handed_over(&mut splitter, &mut chunk, now, &mut left, &mut side),
        };
        assert_eq!((accepted.consumed, accepted.rest), (bytes.len(), Rest::Unfinished));
    }

    /// A subscriber whose key is known.
    fn subscriber(&mut self, worker: usize) -> SubscriberId {
        let waiter = self.hubs[worker].ask(&KEY, None).unwrap();
        self.gossip();
        self.publish(worker, &[answer(None, true)]);
        let hub = &mut self.hubs[worker];
        assert_eq!(hub.take_answers(), [(waiter, true)]);
        let id = hub.add_subscriber();
        hub.has_key(id, &KEY);
        hub.ask_no_more(waiter);
        self.gossip();
        id
    }

    fn wants(&mut self, worker: usize, id: SubscriberId, topic: &str) {
        self.hubs[worker].wants(id, Subscription::Subscribe(topic.as_bytes())).unwrap();
        self.gossip();
    }

    fn received(&mut self, worker: usize, id: SubscriberId) -> String {
        std::mem::take(self.around.received.entry((worker, id)).or_default())
    }

    /// What a publisher is told now, questions by the topic that they ask about, or `key`.
    fn told(&mut self, worker: usize, id: PublisherId) -> Vec<String> {
        let mut output = BytesMut::new();
        assert!(self.hubs[worker].tell_publisher(id, Version::OURS, &mut output, 1 << 20));
        let name = |topic: &[u8]| match question::topic_of(topic) {
            _ if !question::is_question(topic) => format!("topic {}", topic.escape_ascii()),
            None => "key".to_owned(),
            Some(topic) => topic.escape_ascii().to_string(),
        };
        let told = |command: Command<'_>| match command {
            Command::Subscribe(topic) => format!("+{}", name(topic)),
            Command::Cancel(topic) => format!("-{}", name(topic)),
            other => panic!("{other:?}"),
        };
        Frames::new(&output).map(|frame| told(Command::decode(frame.body).unwrap())).collect()
    }
}

#[test]
fn an_answer_counts_from_its_place_among_the_messages_on() {
    let mut world = World::of(1);
    let id = world.subscriber(0);
    world.wants(0, id, "t");
    let say = |body: &str| message(&[b"t", body.as_bytes()]);
    world.publish(
        0,
        &[
            say("a"),
            answer(Some("t"), true),
            say("b"),
            say("b"),
            answer(Some("t"), false),
            say("b"),
            say("c"),
            answer(Some("t"), true),
            say("d"),
        ],
    );
    assert_eq!(world.received(0, id), "bbd");
    world.publish(0, &[say("e"), answer(None, false), say("f")]);
    assert_eq!(world.received(0, id), "", "it is closed, and gets nothing that waits to be written");
    assert_eq!(world.hubs[0].take_closings(), [(id, Closing::Revoked)]);
    assert_eq!(world.counters[0].figures().messages_in, 13);
}

#[test]
fn topics_are_matched_as_a_whole() {
    let mut world = World::of(1);
    let id = world.subscriber(0);
    for topic in ["bob", "bobby"] {
        world.wants(0, id, topic);
    }
    world.publish(0, &[answer(Some("bob"), true), answer(Some("bobby"), false)]);
    let say = |topic: &str| message(&[topic.as_bytes(), topic.as_bytes()]);
    world.publish(0, &["bob", "bobby", "bo", "", "bobb", "bob", "bob."].map(say));
    assert_eq!(world.received(0, id), "bobbob");
    world.publish(0, &["bob", "bobby"].map(|topic| message(&[topic.as_bytes()])));
    assert_eq!(world.received(0, id), "bob");
}

#[test]
fn nobody_hears_answers_and_what_is_none_is_counted() {
    let mut world = World::of(1);
    let id = world.subscriber(0);
    for topic in ["", "_", "_may", "_may.", "t"] {
        world.wants(0, id, topic);
        if !topic.is_empty() && topic != "_may." {
            world.publish(0, &[answer(Some(topic), true)]);
        }
    }
    let question = question::of_topic(&KEY, b"t");
    world
        .publish(0, &[message(&[&question, b"405", b""]), message(&[&question]), message(&[b"_may.", b"x"])]);
    assert_eq!(world.received(0, id), "");
    assert_eq!(world.counters[0].figures().answers_ignored, 3);
    world.publish(0, &[message(&[b"t", b"still"])]);
    assert_eq!(world.received(0, id), "still");
}

#[test]
fn publishers_are_told_of_questions_and_of_granted_topics_alone() {
    let mut world = World::of(1);
    let publisher = world.hubs[0].add_publisher();
    let id = world.subscriber(0);
    world.wants(0, id, "t");
    world.wants(0, id, "u");
    assert_eq!(world.told(0, publisher), ["+key", "+t", "+u"]);
    world.publish(0, &[answer(Some("t"), true), answer(Some("u"), false)]);
    assert_eq!(world.told(0, publisher), ["+topic t"]);
    world.publish(0, &[answer(Some("t"), false)]);
    assert_eq!(world.told(0, publisher), ["-topic t"]);
    let late = world.hubs[0].add_publisher();
    assert_eq!(world.told(0, late), ["+key", "+t", "+u"], "who comes later is asked all");
    world.hubs[0].subscriber_left(id);
    while !world.hubs[0].forget_subscriber(id) {}
    assert_eq!(world.told(0, publisher), ["-t", "-u"], "the key lingers");
    assert_eq!(world.counters[0].figures().subscribers, 0);
}

#[test]
fn a_question_that_was_given_up_untold_is_asked_again() {
    let mut world = World::of(1);
    let publisher = world.hubs[0].add_publisher();
    let id = world.subscriber(0);
    world.wants(0, id, "t");
    assert_eq!(world.told(0, publisher), ["+key", "+t"]);
    world.hubs[0].wants(id, Subscription::Cancel(b"t")).unwrap();
    world.wants(0, id, "t");
    assert_eq!(world.told(0, publisher), ["-t", "+t"], "its answer was forgotten");
}

#[test]
fn each_worker_has_its_questions_answered_and_hears_revocations_in_their_place() {
    let mut world = World::of(3);
    let publishers: Vec<PublisherId> = world.hubs.iter_mut().map(Hub::add_publisher).collect();
    let near = world.subscriber(0);
    world.wants(0, near, "t");
    world.publish(1, &[answer(Some("t"), true)]);
    for (worker, &publisher) in publishers.iter().enumerate() {
        assert_eq!(world.told(worker, publisher), ["+key", "+t", "+topic t"]);
    }
    let far = world.subscriber(2);
    world.wants(2, far, "t");
    for (worker, &publisher) in publishers.iter().enumerate() {
        assert_eq!(world.told(worker, publisher), ["-key", "+key", "-t", "+t"], "asked anew for worker 2");
    }
    let say = |body: &str| message(&[b"t", body.as_bytes()]);
    world.publish(1, &[say("a"), answer(Some("t"), true), say("b"), answer(Some("t"), false), say("c")]);
    assert_eq!((world.received(0, near), world.received(2, far)), ("ab".to_owned(), "".to_owned()));
    world.publish(0, &[answer(Some("t"), true)]);
    world.publish(1, &[say("d"), answer(None, false), say("e")]);
    let closed = [world.hubs[0].take_closings(), world.hubs[2].take_closings()];
    assert_eq!(closed, [[(near, Closing::Revoked)], [(far, Closing::Revoked)]]);
}
