use std::collections::BTreeMap;
use std::io::IoSlice;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Instant;

use bytes::BytesMut;
use recado_zmtp::codec::{Frames, MessageLimits, MessageSplitter, Subscription, Version};

use super::{Board, Chunk, Hub, Outside, SubscriberId, WorkerId};
use crate::chunk::Messages;
use crate::counters::Counters;
use crate::delivery::{FlushEnd, Leftovers, Rest, Written};
use crate::hub::PublisherId;
use crate::limits::{CHUNK_BYTES, Limits};

const NEAR: WorkerId = WorkerId(0);
const FAR: WorkerId = WorkerId(1);

/// Several hubs that are neighbours, and what they wrote and handed over.
struct World {
    hubs: Vec<Hub>,
    around: Around,
    chunks: u64,
    /// How many own subscribers of the first worker the last chunk had shares for, and their bytes.
    reach: (usize, usize),
}

#[derive(Default)]
struct Around {
    blocked: bool,
    received: BTreeMap<(WorkerId, SubscriberId), Vec<u8>>,
    handed_over: Vec<(WorkerId, Messages)>,
    commands: usize,
}

/// What a hub sees of it.
struct Side<'a>(WorkerId, &'a mut Around);

impl Outside for Side<'_> {
    fn command(&mut self, _: &[u8]) -> ControlFlow<()> {
        self.1.commands += 1;
        ControlFlow::Continue(())
    }

    fn hand_over(&mut self, worker: WorkerId, messages: Messages) {
        self.1.handed_over.push((worker, messages));
    }

    fn write(&mut self, id: SubscriberId, slices: &[IoSlice<'_>]) -> Written {
        if self.1.blocked {
            return Written::Blocked;
        }
        let received = self.1.received.entry((self.0, id)).or_default();
        slices.iter().for_each(|slice| received.extend_from_slice(slice));
        Written::Bytes(slices.iter().map(|slice| slice.len()).sum())
    }
}

impl World {
    fn new(workers: u32, limits: &Limits) -> World {
        let boards: Arc<[Board]> = (0..workers).map(|_| Board::default()).collect();
        let hub = |worker| {
            let hub = Hub::new(limits.clone(), Arc::new(Counters::default()));
            hub.with_neighbours(WorkerId(worker), Arc::clone(&boards))
        };
        World { hubs: (0..workers).map(hub).collect(), around: Around::default(), chunks: 0, reach: (0, 0) }
    }

    fn two() -> World {
        World::new(2, &Limits::default())
    }

    fn hub(&mut self, worker: WorkerId) -> &mut Hub {
        &mut self.hubs[worker.0 as usize]
    }

    fn subscriber(&mut self, worker: WorkerId, topics: &[&str]) -> SubscriberId {
        let id = self.hub(worker).add_subscriber();
        for topic in topics {
            self.hub(worker).subscribe(id, topic.as_bytes()).unwrap();
        }
        self.spread_changes();
        id
    }

    fn spread_changes(&mut self) {
        for from in 0..self.hubs.len() {
            for change in self.hubs[from].take_topic_changes() {
                for (_, hub) in self.hubs.iter_mut().enumerate().filter(|(number, _)| *number != from) {
                    hub.neighbour_changed(WorkerId(from as u32), &change);
                }
            }
        }
    }

    /// A publisher's chunk arrives at the first worker, which forwards it.
    fn publish_near(&mut self, bytes: &[u8]) {
        self.publish(bytes, bytes.len());
    }

    fn publish(&mut self, bytes: &[u8], memory: usize) {
        let mut buffer = BytesMut::zeroed(memory);
        buffer[..bytes.len()].copy_from_slice(bytes);
        let mut splitter = MessageSplitter::new(MessageLimits::default());
        self.chunks += 1;
        let loans = self.hubs[0].loans().clone();
        let mut chunk = Chunk::new(self.chunks, buffer, bytes.len(), loans);
        let left = &mut Leftovers::default();
        let side = &mut Side(NEAR, &mut self.around);
        let accepted = self.hubs[0].forward(&mut splitter, &mut chunk, Instant::now(), left, side);
        assert_eq!((accepted.consumed, accepted.rest), (bytes.len(), Rest::Unfinished));
        self.reach = (left.shares, left.share_bytes);
    }

    /// The others forward what they were handed.
    fn forward_far(&mut self) {
        for (worker, messages) in std::mem::take(&mut self.around.handed_over) {
            self.chunks += 1;
            let hub = &mut self.hubs[worker.0 as usize];
            let length = messages.bytes.len();
            let mut chunk = Chunk::of_messages(self.chunks, messages, hub.loans().clone());
            let mut splitter = MessageSplitter::new(MessageLimits::default());
            let left = &mut Leftovers::default();
            let side = &mut Side(worker, &mut self.around);
            let now = Instant::now();
            let accepted = hub.forward_handed_over(&mut splitter, &mut chunk, now, left, side);
            assert_eq!((accepted.consumed, accepted.rest), (length, Rest::Unfinished));
        }
        assert!(self.around.handed_over.is_empty(), "nothing is handed on");
    }

    fn received(&self, worker: WorkerId, id: SubscriberId) -> &[u8] {
        self.around.received.get(&(worker, id)).map_or(&[], Vec::as_slice)
    }

    /// What the publisher at this worker is told now, as `+topic` and `-topic`.
    fn told(&mut self, worker: WorkerId, id: PublisherId) -> Vec<String> {
        let (mut output, version) = (BytesMut::new(), Version { major: 3, minor: 0 });
        assert!(self.hub(worker).tell_publisher(id, version, &mut output, 1 << 20));
        let show = |body: &[u8]| match Subscription::of_message_frame(body).unwrap() {
            Subscription::Subscribe(topic) => format!("+{}", topic.escape_ascii()),
            Subscription::Cancel(topic) => format!("-{}", topic.escape_ascii()),
        };
        Frames::new(&output).map(|frame| show(frame.body)).collect()
    }
}

fn message(frames: &[&[u8]]) -> Vec<u8> {
    let last = frames.len() - 1;
    let frame = |(place, body): (usize, &&[u8])| {
        let head = [u8::from(place < last), u8::try_from(body.len()).expect("short ones do here")];
        [&head[..], body].concat()
    };
    frames.iter().enumerate().flat_map(frame).collect()
}

#[test]
fn a_worker_is_handed_what_its_subscribers_want_and_nothing_else() {
    let mut world = World::two();
    let near = world.subscriber(NEAR, &["b"]);
    let far = world.subscriber(FAR, &["a"]);
    let [a, b, c, ab] = [&b"a"[..], b"b", b"c", b"ab"].map(|topic| message(&[topic, b"body"]));
    world.publish_near(&[&a[..], &b, &c, &ab].concat());
    assert_eq!(world.around.handed_over[0].1.bytes, [&a[..], &ab].concat());
    assert_eq!(world.reach, (1, b.len()));
    world.forward_far();
    assert_eq!(world.received(NEAR, near), b);
    assert_eq!(world.received(FAR, far), [&a[..], &ab].concat());
    world.publish_near(&b);
    assert!(world.around.handed_over.is_empty());
    let figures = world.hubs[0].counters.figures();
    assert_eq!((figures.messages_in, figures.messages_out, figures.unwanted), (5, 2, 1));
    let figures = world.hubs[1].counters.figures();
    assert_eq!((figures.messages_in, figures.messages_out, figures.unwanted), (0, 2, 0));
    assert_eq!((figures.subscribers, figures.subscriptions), (1, 1));
}

#[test]
fn much_is_handed_over_as_it_lies_and_little_as_a_copy() {
    let mut world = World::two();
    world.subscriber(FAR, &["a"]);
    let messages = message(&[b"a", &[0; 200]]).repeat(CHUNK_BYTES / 400);
    world.publish(&messages, messages.len() + 100);
    world.publish(&messages[..message(&[b"a", &[0; 200]]).len()], CHUNK_BYTES);
    let held: Vec<usize> = world.around.handed_over.iter().map(|(_, it)| it.held_bytes).collect();
    assert_eq!(held, [messages.len() + 100, message(&[b"a", &[0; 200]]).len()]);
}

#[test]
fn commands_are_not_handed_over_wherever_they_stand() {
    let mut world = World::two();
    let far = world.subscriber(FAR, &["t"]);
    let ping = b"\x04\x07\x04PING\x00\x00".to_vec();
    let parts = [&b"\x01\x01t"[..], b"\x01\x012", b"\x00\x013"];
    let dirty = [&ping[..], parts[0], &ping, parts[1], &ping, parts[2], &ping].concat();
    let whole = message(&[b"t", b"whole"]);
    world.publish_near(&[&whole[..], &dirty, &whole].concat());
    assert_eq!(world.around.commands, 4);
    world.forward_far();
    assert_eq!(world.received(FAR, far), [&whole[..], &parts.concat(), &whole].concat());
    assert_eq!(world.around.commands, 4, "they are answered once");
}

#[test]
fn memory_is_charged_where_it_waits() {
    let mut world = World::two();
    let far = world.subscriber(FAR, &["a"]);
    world.around.blocked = true;
    let messages = message(&[b"a", &[7; 200]]).repeat(1000);
    world.publish_near(&messages);
    world.forward_far();
    let lent = world.hubs.iter().map(|hub| hub.loans().lent_bytes()).collect::<Vec<_>>();
    assert_eq!(lent, [0, messages.len()]);
    world.around.blocked = false;
    let World { hubs, around, .. } = &mut world;
    let flushed = hubs[1].flush(far, |slices| Side(FAR, around).write(far, slices));
    assert_eq!(flushed.end, FlushEnd::Empty);
    assert_eq!((world.hubs[1].loans().lent_bytes(), world.received(FAR, far)), (0, &messages[..]));
}

#[test]
fn others_are_told_of_the_first_and_the_last_subscription_only() {
    let mut world = World::two();
    let hub = &mut world.hubs[0];
    let shown = |hub: &mut Hub| {
        let show = |change: super::TopicChange| {
            format!("{}{}", if change.wanted { '+' } else { '-' }, change.topic.escape_ascii())
        };
        hub.take_topic_changes().into_iter().map(show).collect::<Vec<_>>().join(" ")
    };
    let far_change = super::TopicChange { topic: b"t"[..].into(), wanted: true };
    hub.neighbour_changed(FAR, &far_change);
    let (a, b) = (hub.add_subscriber(), hub.add_subscriber());
    for (id, topic) in [(a, b"t"), (b, b"t"), (a, b"u"), (a, b"t")] {
        hub.subscribe(id, topic).unwrap();
    }
    assert_eq!(shown(hub), "+t +u");
    hub.cancel(a, b"t");
    assert_eq!(shown(hub), "");
    hub.cancel(b, b"t");
    hub.subscriber_left(a);
    assert!(hub.forget_subscriber(a));
    assert_eq!(shown(hub), "-t -u");
    assert_eq!(hub.trie().topics(), 1, "the other worker's");
}

#[test]
fn publishers_are_told_of_the_union_wherever_they_are() {
    let mut world = World::new(3, &Limits::default());
    let workers = [0, 1, 2].map(WorkerId);
    let publishers = workers.map(|worker| world.hub(worker).add_publisher());
    let subscribers = workers.map(|worker| world.subscriber(worker, &["t"]));
    let far = world.subscriber(workers[2], &["only here"]);
    for (worker, publisher) in workers.into_iter().zip(publishers) {
        assert_eq!(world.told(worker, publisher), ["+t", "+only here"]);
    }
    for (worker, subscriber) in workers.into_iter().zip(subscribers) {
        world.hub(worker).cancel(subscriber, b"t");
        world.spread_changes();
        let expected: &[&str] = if worker == workers[2] { &["-t"] } else { &[] };
        for (worker, publisher) in workers.into_iter().zip(publishers) {
            assert_eq!(world.told(worker, publisher), expected);
        }
    }
    world.hub(workers[2]).subscriber_left(far);
    assert!(world.hub(workers[2]).forget_subscriber(far));
    world.spread_changes();
    assert_eq!(world.told(workers[0], publishers[0]), ["-only here"]);
    assert_eq!(world.hubs.iter().map(|hub| hub.trie().topics()).sum::<usize>(), 0);
}

#[test]
fn where_last_values_are_kept_every_worker_gets_everything_and_what_nobody_wants_is_known() {
    let limits = Limits { last_value_bytes_max: Some(10_000), ..Limits::default() };
    let mut world = World::new(2, &limits);
    let far = world.subscriber(FAR, &["b"]);
    let [a, b] = [&b"a"[..], b"b"].map(|topic| message(&[topic, b"body"]));
    world.publish_near(&[&a[..], &a, &b].concat());
    assert_eq!(world.around.handed_over[0].1.bytes, [&a[..], &a, &b].concat());
    assert_eq!(world.reach, (0, 0));
    world.forward_far();
    assert_eq!(world.received(FAR, far), b);
    assert_eq!(world.hubs[0].counters.figures().unwanted, 2);
    for worker in [NEAR, FAR] {
        let late = world.subscriber(worker, &["a"]);
        let World { hubs, around, .. } = &mut world;
        hubs[worker.0 as usize].flush(late, |slices| Side(worker, around).write(late, slices));
        assert_eq!(world.received(worker, late), a);
    }
}

#[test]
fn each_subscriber_gets_what_it_wants_in_order_wherever_it_is() {
    for seed in 0..20u64 {
        let mut state = seed;
        let mut random = move |end: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize % end
        };
        let mut world = World::new(4, &Limits::default());
        let topics = ["", "a", "ab", "abc", "b", "ba", "c"];
        let all: Vec<_> = (0..12)
            .map(|_| {
                let (worker, topic) = (WorkerId(random(4) as u32), topics[random(topics.len())]);
                (worker, topic, world.subscriber(worker, &[topic]), Vec::new())
            })
            .collect();
        let mut expected = all;
        let (mut sent, mut wanted) = (0, 0);
        for _ in 0..30 {
            let mut chunk = Vec::new();
            for _ in 0..=random(40) {
                let topic = topics[random(topics.len())];
                let bytes = message(&[topic.as_bytes(), format!("{sent}").as_bytes()]);
                let wanting = expected.iter_mut().filter(|(_, prefix, ..)| topic.starts_with(prefix));
                wanted += wanting.map(|(.., stream)| stream.extend_from_slice(&bytes)).count().min(1) as u64;
                chunk.extend_from_slice(&bytes);
                sent += 1;
            }
            world.publish_near(&chunk);
            world.forward_far();
        }
        for (worker, _, id, stream) in &expected {
            assert_eq!(world.received(*worker, *id), stream, "seed {seed}");
        }
        assert_eq!(world.hubs[0].counters.figures().unwanted, sent - wanted, "seed {seed}");
    }
}
