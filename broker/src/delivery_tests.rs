use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Instant;

use bytes::BytesMut;
use recado_zmtp::codec::{Command, MessageLimits, MessageSplitter};

use super::{
    Chunk, FlushEnd, Hub, IoSlice, Leftovers, Messages, Outside, Rest, SubscriberId, WorkerId, Written,
};
use crate::counters::{Counters, Figures};
use crate::limits::{CHUNK_BYTES, Limits, SlowSubscriber};

/// A hub with subscribers whose kernels take so many bytes, and a publisher that writes in pieces of any size.
struct World {
    hub: Hub,
    splitter: MessageSplitter,
    rest: Vec<u8>,
    left: Leftovers,
    chunks: u64,
    kernels: Kernels,
}

#[derive(Default)]
struct Kernels {
    room: BTreeMap<SubscriberId, usize>,
    received: BTreeMap<SubscriberId, Vec<u8>>,
    broken: Option<SubscriberId>,
    commands: Vec<Vec<u8>>,
}

impl Outside for Kernels {
    fn command(&mut self, body: &[u8]) -> ControlFlow<()> {
        self.commands.push(body.to_vec());
        ControlFlow::Continue(())
    }

    fn hand_over(&mut self, worker: WorkerId, _: Messages) {
        panic!("{worker:?} is no neighbour: this hub is alone");
    }

    fn write(&mut self, id: SubscriberId, slices: &[IoSlice<'_>]) -> Written {
        if self.broken == Some(id) {
            return Written::Broken;
        }
        let room = self.room.get_mut(&id).unwrap();
        let before = *room;
        for slice in slices {
            let count = slice.len().min(*room);
            self.received.get_mut(&id).unwrap().extend_from_slice(&slice[..count]);
            *room -= count;
        }
        if before == *room { Written::Blocked } else { Written::Bytes(before - *room) }
    }
}

impl World {
    fn new(limits: Limits) -> World {
        World {
            hub: Hub::new(limits, Arc::new(Counters::default())),
            splitter: MessageSplitter::new(MessageLimits::default()),
            rest: Vec::new(),
            left: Leftovers::default(),
            chunks: 0,
            kernels: Kernels::default(),
        }
    }

    fn subscriber(&mut self, topics: &[&str]) -> SubscriberId {
        let id = self.hub.add_subscriber();
        for topic in topics {
            self.hub.subscribe(id, topic.as_bytes()).unwrap();
        }
        self.kernels.room.insert(id, usize::MAX);
        self.kernels.received.insert(id, Vec::new());
        id
    }

    fn publish(&mut self, bytes: &[u8]) {
        let mut all = std::mem::take(&mut self.rest);
        all.extend_from_slice(bytes);
        loop {
            self.chunks += 1;
            let mut chunk =
                Chunk::new(self.chunks, BytesMut::from(&all[..]), all.len(), self.hub.loans().clone());
            let World { hub, splitter, left, kernels, .. } = self;
            let accepted = hub.forward(splitter, &mut chunk, Instant::now(), left, kernels);
            all.drain(..accepted.consumed);
            match accepted.rest {
                Rest::Unfinished => break,
                Rest::More => {}
                Rest::Faulty(error) => panic!("{error}"),
                Rest::Stopped => unreachable!("no command stops it"),
            }
        }
        self.rest = all;
    }

    /// The subscriber's kernel takes so many more.
    fn make_room(&mut self, id: SubscriberId, count: usize) -> FlushEnd {
        self.kernels.room.insert(id, count);
        let World { hub, kernels, .. } = self;
        let flushed = hub.flush(id, |slices| kernels.write(id, slices));
        flushed.end
    }

    fn figures(&self) -> Figures {
        self.hub.counters.figures()
    }
}

fn frame(out: &mut Vec<u8>, more: bool, body: &[u8]) {
    match u8::try_from(body.len()) {
        Ok(length) => out.extend([u8::from(more), length]),
        Err(_) => {
            out.push(2 | u8::from(more));
            out.extend((body.len() as u64).to_be_bytes());
        }
    }
    out.extend_from_slice(body);
}

fn message(frames: &[&[u8]]) -> Vec<u8> {
    let mut out = Vec::new();
    for (place, body) in frames.iter().enumerate() {
        frame(&mut out, place + 1 < frames.len(), body);
    }
    out
}

fn numbered(topic: &str, number: usize) -> Vec<u8> {
    message(&[topic.as_bytes(), format!("{number:04}").as_bytes()])
}

/// Random bytes of a seed, for the comparison with a model.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % end
    }
}

#[test]
fn runs_of_messages_leave_as_they_came() {
    let mut world = World::new(Limits::default());
    let (geral, all, tech) =
        (world.subscriber(&["geral"]), world.subscriber(&[""]), world.subscriber(&["tech", "te"]));
    let stream = [
        numbered("geral", 1),
        numbered("geral", 2),
        numbered("tech", 3),
        message(&[b"geral5"]),
        numbered("geral", 4),
    ];
    world.publish(&stream.concat());
    assert_eq!(world.kernels.received[&all], stream.concat());
    assert_eq!(world.kernels.received[&geral], [&stream[0][..], &stream[1], &stream[3], &stream[4]].concat());
    assert_eq!(world.kernels.received[&tech], stream[2], "once, though two subscriptions match");
    let figures = world.figures();
    assert_eq!((figures.messages_in, figures.messages_out, figures.unwanted), (5, 10, 0));
}

#[test]
fn messages_that_nobody_wants_are_counted_and_go_nowhere() {
    let mut world = World::new(Limits::default());
    world.publish(&[numbered("a", 1), numbered("a", 2), numbered("b", 3)].concat());
    world.subscriber(&["b"]);
    world.publish(&[numbered("a", 4), numbered("b", 5)].concat());
    let figures = world.figures();
    assert_eq!((figures.messages_in, figures.messages_out, figures.unwanted), (5, 1, 4));
}

/// Any mixture of topics, frames and sizes, cut anywhere, with subscriptions that change: each subscriber gets exactly what a
/// message-by-message model gives it, in order.
#[test]
fn any_stream_cut_anywhere_agrees_with_a_model() {
    for seed in 0..60 {
        let mut random = Random(seed);
        let mut world = World::new(Limits::default());
        let topics = ["", "a", "ab", "abc", "b", "geral"];
        let ids: Vec<SubscriberId> = (0..4).map(|_| world.subscriber(&[])).collect();
        let mut wants: Vec<Vec<&str>> = vec![Vec::new(); ids.len()];
        let mut expected: Vec<Vec<u8>> = vec![Vec::new(); ids.len()];
        for _ in 0..20 {
            let (who, topic) = (random.below(ids.len()), topics[random.below(topics.len())]);
            if random.below(3) > 0 {
                world.hub.subscribe(ids[who], topic.as_bytes()).unwrap();
                wants[who].push(topic);
            } else {
                world.hub.cancel(ids[who], topic.as_bytes());
                wants[who].retain(|it| *it != topic);
            }
            let mut stream = Vec::new();
            for _ in 0..random.below(30) {
                let topic = ["a", "ab", "abd", "b", "geral", "", "x"][random.below(7)];
                let body = vec![b'.'; [0, 1, 3, 3, 3, 300][random.below(6)]];
                let whole = match random.below(4) {
                    0 => message(&[topic.as_bytes()]),
                    1 => message(&[topic.as_bytes(), &body, b"third"]),
                    _ => message(&[topic.as_bytes(), &body]),
                };
                for _ in 0..1 + random.below(4) {
                    stream.extend_from_slice(&whole);
                    for (who, wants) in wants.iter().enumerate() {
                        if wants.iter().any(|want| topic.starts_with(want)) {
                            expected[who].extend_from_slice(&whole);
                        }
                    }
                }
            }
            let mut rest = &stream[..];
            while !rest.is_empty() {
                let (piece, behind) = rest.split_at(1 + random.below(rest.len()));
                world.publish(piece);
                rest = behind;
            }
        }
        for (id, expected) in ids.iter().zip(expected) {
            assert_eq!(world.kernels.received[id], expected, "seed {seed}");
        }
    }
}

#[test]
fn a_message_larger_than_any_chunk_arrives_whole() {
    let mut world = World::new(Limits::default());
    let id = world.subscriber(&["big"]);
    let big = message(&[b"big", &vec![7; 3 * CHUNK_BYTES], b"end"]);
    for piece in big.chunks(10_000) {
        world.publish(piece);
    }
    assert_eq!(world.kernels.received[&id], big);
}

#[test]
fn a_short_body_in_the_long_form_is_not_taken_for_its_neighbour() {
    let mut world = World::new(Limits::default());
    let id = world.subscriber(&[""]);
    let long_form =
        |length: u8| [&[1, 1, b't', 2, 0, 0, 0, 0, 0, 0, 0, length][..], &vec![b'.'; length.into()]].concat();
    // As long as the first, byte for byte the same up to the length, but two messages.
    let second = [&[1, 1, b't', 2, 0, 0, 0, 0, 0, 0, 0, 4][..], b"....", &message(&[b"12"])].concat();
    assert_eq!(second.len(), long_form(8).len());
    let stream = [long_form(8), second.clone(), long_form(8)].concat();
    world.publish(&stream);
    assert_eq!(world.kernels.received[&id], stream);
    assert_eq!(world.figures().messages_in, 4);
}

#[test]
fn commands_are_taken_out_of_the_stream_and_out_of_messages() {
    let mut world = World::new(Limits::default());
    let id = world.subscriber(&["t"]);
    let mut ping = BytesMut::new();
    Command::Ping { ttl: std::time::Duration::ZERO, context: b"c" }.encode(&mut ping);
    let (first, second) = (numbered("t", 1), numbered("t", 2));
    let cut = 3;
    let stream = [&first[..], &ping, &second[..cut], &ping, &second[cut..], &first].concat();
    for step in [stream.len(), 1, 7] {
        for piece in stream.chunks(step) {
            world.publish(piece);
        }
        assert_eq!(world.kernels.received[&id], [&first[..], &second, &first].concat(), "in steps of {step}");
        assert_eq!(world.kernels.commands.len(), 2);
        world.kernels.received.get_mut(&id).unwrap().clear();
        world.kernels.commands.clear();
    }
}

#[test]
fn what_finds_no_room_waits_and_follows_in_order() {
    for room in [0, 1, 5, 20, 100, 1000] {
        let mut world = World::new(Limits::default());
        let id = world.subscriber(&["a"]);
        world.kernels.room.insert(id, room);
        let mut expected = Vec::new();
        for number in 0..200 {
            let (wanted, other) = (numbered("a", number), numbered("b", number));
            world.publish(&[&wanted[..], &other].concat());
            expected.extend(wanted);
        }
        assert_eq!(world.left.to_write, [id], "named once");
        while world.make_room(id, 33) != FlushEnd::Empty {}
        assert_eq!(world.kernels.received[&id], expected, "room {room}");
        let figures = world.figures();
        assert_eq!((figures.messages_out, figures.queued_bytes, figures.dropped_slow), (200, 0, 0));
    }
}

/// libzmq's rule: at the mark the newest are dropped, whole, until half is left; losses come in runs, and what was taken
/// before is not lost.
#[test]
fn a_slow_subscriber_loses_the_newest_in_runs_and_the_others_nothing() {
    let mut world = World::new(Limits { queue_messages_max: 10, ..Limits::default() });
    let (slow, fast) = (world.subscriber(&["a"]), world.subscriber(&["a"]));
    world.kernels.room.insert(slow, 0);
    let stream: Vec<Vec<u8>> = (0..30).map(|number| numbered("a", number)).collect();
    world.publish(&stream[..8].concat());
    world.publish(&stream[8..14].concat());
    world.publish(&stream[14..20].concat());
    assert_eq!(world.figures().dropped_slow, 10);
    while world.make_room(slow, 1000) != FlushEnd::Empty {}
    world.publish(&stream[20..22].concat());
    while world.make_room(slow, 1000) != FlushEnd::Empty {}
    assert_eq!(world.kernels.received[&slow], [&stream[..10], &stream[20..22]].concat().concat());
    assert_eq!(world.kernels.received[&fast], stream[..22].concat());
}

#[test]
fn a_message_that_is_half_written_is_never_dropped() {
    let mut world = World::new(Limits { queue_messages_max: 1, ..Limits::default() });
    let id = world.subscriber(&["a"]);
    let stream: Vec<Vec<u8>> = (0..5).map(|number| message(&[b"a", &[b'.'; 20], &[number; 3]])).collect();
    world.kernels.room.insert(id, stream[0].len() * 2 + 4);
    world.publish(&stream.concat());
    while world.make_room(id, 1000) != FlushEnd::Empty {}
    assert_eq!(world.kernels.received[&id], stream[..3].concat());
    assert_eq!((world.figures().messages_out, world.figures().dropped_slow), (3, 2));
}

#[test]
fn what_was_written_before_the_rest_of_its_run_was_dropped_is_counted() {
    let mut world = World::new(Limits { queue_messages_max: 1, ..Limits::default() });
    let id = world.subscriber(&["a"]);
    let run: Vec<Vec<u8>> = (0..5).map(|number| numbered("a", number)).collect();
    world.kernels.room.insert(id, 3 * run[0].len());
    world.publish(&run.concat());
    assert_eq!(world.kernels.received[&id], run[..3].concat());
    assert_eq!((world.figures().messages_out, world.figures().dropped_slow), (3, 2));
}

#[test]
fn what_a_broken_connection_does_not_take_is_counted() {
    let mut world = World::new(Limits::default());
    let (broken, other) = (world.subscriber(&["a"]), world.subscriber(&["a"]));
    world.kernels.broken = Some(broken);
    world.publish(&[numbered("a", 1), numbered("b", 2), numbered("a", 3)].concat());
    assert_eq!(world.left.broken, [broken]);
    assert_eq!(world.kernels.received[&other], [numbered("a", 1), numbered("a", 3)].concat());
    assert_eq!((world.figures().messages_out, world.figures().dropped_gone), (2, 2));
}

#[test]
fn an_empty_queue_takes_one_message_of_any_size() {
    let mut world = World::new(Limits { queue_bytes_max: CHUNK_BYTES, ..Limits::default() });
    let id = world.subscriber(&["a"]);
    world.kernels.room.insert(id, 0);
    let (large, small) = (message(&[b"a", &vec![1; 4 * CHUNK_BYTES / 2]]), numbered("a", 1));
    world.publish(&[&large[..], &small].concat());
    while world.make_room(id, CHUNK_BYTES) != FlushEnd::Empty {}
    assert_eq!(world.kernels.received[&id], large);
    assert_eq!(world.figures().dropped_slow, 1);
}

#[test]
fn a_subscriber_can_be_disconnected_at_its_mark_instead() {
    let limits =
        Limits { queue_messages_max: 2, slow_subscriber: SlowSubscriber::Disconnect, ..Limits::default() };
    let mut world = World::new(limits);
    let id = world.subscriber(&["a"]);
    world.kernels.room.insert(id, 0);
    world.publish(&[numbered("a", 1), numbered("a", 2)].concat());
    assert!(world.left.to_disconnect.is_empty());
    world.publish(&numbered("a", 3));
    assert_eq!(world.left.to_disconnect, [id]);
}

#[test]
fn all_queues_together_are_bounded() {
    let total = 64 * CHUNK_BYTES;
    let limits = Limits { queue_bytes_total_max: total, ..Limits::default() };
    let mut world = World::new(limits);
    let stalled: Vec<SubscriberId> =
        (0..40).map(|number| world.subscriber(&[&format!("{number}.")])).collect();
    for id in &stalled {
        world.kernels.room.insert(*id, 0);
    }
    for _ in 0..200 {
        for number in 0..40 {
            world.publish(&message(&[format!("{number}.").as_bytes(), &[0; 30_000]]));
        }
    }
    let queued = world.figures().queued_bytes as usize;
    assert!(queued >= total && queued < total + 40 * (crate::limits::HOLD_BYTES + CHUNK_BYTES), "{queued}");
}

#[test]
fn a_vanished_subscriber_takes_its_queue_along() {
    let mut world = World::new(Limits::default());
    let id = world.subscriber(&["a"]);
    world.kernels.room.insert(id, 0);
    world.publish(&numbered("a", 1));
    world.hub.subscriber_left(id);
    world.publish(&numbered("a", 2));
    assert!(world.hub.forget_subscriber(id));
    world.publish(&numbered("a", 3));
    let figures = world.figures();
    assert_eq!((figures.queued_bytes, figures.dropped_gone, figures.messages_out), (0, 1, 0));
    assert!(world.kernels.received[&id].is_empty());
}

#[test]
fn ever_different_sets_are_delivered_in_steps() {
    let mut world = World::new(Limits::default());
    let ids: Vec<SubscriberId> =
        (0..400).map(|number| world.subscriber(&[if number % 2 == 0 { "a" } else { "b" }])).collect();
    let stream: Vec<Vec<u8>> =
        (0..4000).map(|number| numbered(if number % 2 == 0 { "a" } else { "b" }, number)).collect();
    world.publish(&stream.concat());
    assert!(world.chunks > 1, "in more than one step");
    for (number, id) in ids.iter().enumerate() {
        let expected: Vec<u8> = stream.iter().skip(number % 2).step_by(2).flatten().copied().collect();
        assert_eq!(world.kernels.received[id], expected);
    }
}

fn greeted(world: &mut World, topics: &[&str]) -> Vec<u8> {
    let id = world.subscriber(topics);
    world.make_room(id, usize::MAX);
    world.kernels.received[&id].clone()
}

#[test]
fn a_late_subscriber_first_gets_the_newest_message_of_each_topic_it_wants() {
    let mut world = World::new(Limits { last_value_bytes_max: Some(10_000), ..Limits::default() });
    let stream = [
        numbered("a", 1),
        numbered("a", 2),
        numbered("ab", 3),
        numbered("b", 4),
        numbered("a", 5),
        message(&[b"alone"]),
    ];
    world.publish(&stream.concat());
    assert_eq!(greeted(&mut world, &["a"]), [numbered("a", 5), numbered("ab", 3)].concat());
    assert_eq!(
        greeted(&mut world, &["", "a"]),
        [numbered("a", 5), numbered("ab", 3), numbered("b", 4)].concat()
    );
    assert_eq!(
        greeted(&mut world, &["ab", "a"]),
        [numbered("ab", 3), numbered("a", 5)].concat(),
        "what an earlier subscription brought does not come again"
    );
    assert!(greeted(&mut world, &["c"]).is_empty());
    world.publish(&[numbered("a", 6), numbered("a", 7)].concat());
    assert_eq!(greeted(&mut world, &["a"]), [numbered("a", 7), numbered("ab", 3)].concat());
    assert_eq!(world.figures().greetings, 2 + 3 + 2 + 2);
}

#[test]
fn what_a_late_subscriber_gets_first_is_bounded_by_its_queue() {
    let limits = Limits { last_value_bytes_max: Some(100_000), queue_messages_max: 4, ..Limits::default() };
    let mut world = World::new(limits);
    world.publish(&(0..9).flat_map(|number| numbered(&format!("t{number}"), number)).collect::<Vec<_>>());
    let expected = (0..4).flat_map(|number| numbered(&format!("t{number}"), number)).collect::<Vec<_>>();
    assert_eq!(greeted(&mut world, &["t"]), expected);
    assert_eq!(world.figures().dropped_slow, 5);
}

#[test]
fn a_welcome_comes_before_everything_else() {
    let mut world = World::new(Limits::default());
    world.hub = Hub::new(Limits::default(), Arc::default()).with_welcome(message(&[b"welcome"]).into());
    assert_eq!(greeted(&mut world, &[]), message(&[b"welcome"]));
    let id = world.subscriber(&["a"]);
    world.publish(&numbered("a", 1));
    world.make_room(id, usize::MAX);
    assert_eq!(world.kernels.received[&id], [message(&[b"welcome"]), numbered("a", 1)].concat());
}

#[test]
fn a_message_larger_than_every_mark_is_shared_by_all_who_are_behind() {
    let mut world = World::new(Limits { queue_bytes_max: CHUNK_BYTES, ..Limits::default() });
    let large = message(&[b"a", &vec![b'x'; 2 * CHUNK_BYTES]]);
    for _ in 0..10 {
        let id = world.subscriber(&["a"]);
        world.kernels.room.insert(id, 0);
    }
    world.publish(&large);
    let held = world.figures().queued_bytes as usize;
    assert!((large.len()..large.len() + 10_000).contains(&held), "{held} bytes for one of {}", large.len());
}

#[test]
fn where_publishers_never_wait_nobody_is_waited_for() {
    for publishers_wait in [true, false] {
        let mut world = World::new(Limits { publishers_wait, ..Limits::default() });
        let id = world.subscriber(&["a"]);
        world.kernels.room.insert(id, 0);
        world.publish(&message(&[b"a", &vec![b'x'; 3 * CHUNK_BYTES]]));
        assert_eq!(world.left.to_wait_for.is_empty(), !publishers_wait);
    }
}
