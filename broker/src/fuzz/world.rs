//! The fuzz target `connection`: peers, a hub between them, and the model that says what must come out.

use std::collections::BTreeSet;
use std::io::IoSlice;
use std::ops::ControlFlow;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use recado_zmtp::codec::{Command, SocketType, Version};

use super::asks::{Ask, asked, asks_of};
use super::input::Input;
use super::last_values::LastValues;
use super::peers::{Kernel, Line, Publisher, Read, Stage, Subscriber, Traffic};
use super::reference::{Bounds, Meaning, Reference, Unit, meaning, meaning_of_frame};
use super::wire;
use crate::chunk::{Chunk, Messages};
use crate::counters::Counters;
use crate::delivery::{FlushEnd, Leftovers, Outside, Rest, Written};
use crate::hub::{Hub, SubscriptionError};
use crate::limits::{HOLD_STEP_MS, Limits, SUBSCRIBER_COMMAND_BYTES_MAX, SlowSubscriber};
use crate::neighbours::WorkerId;
use crate::trie::SubscriberId;

const PUBLISHERS_MAX: usize = 3;
const SUBSCRIBERS_MAX: usize = 5;
const STEPS_MAX: usize = 500;
/// Steps of waiting after which a subscriber that takes nothing must be waited for no longer: far more than the rules say.
const WAIT_STEPS_MAX: usize = 4_000;
pub(super) struct World<'a> {
    input: Input<'a>,
    pub(super) limits: Limits,
    /// So few bytes for all subscriptions that they may run out.
    pub(super) tight: bool,
    /// A chunk's memory is so many times as large as what it holds.
    slack: usize,
    pub(super) hub: Hub,
    welcome: &'static [u8],
    pub(super) last_values: LastValues,
    pub(super) counters: Arc<Counters>,
    now: Instant,
    left: Leftovers,
    chunks: u64,
    number: u16,
    pub(super) publishers: Vec<Publisher>,
    pub(super) subscribers: Vec<Subscriber>,
    pub(super) totals: Totals,
}

/// What the model says of all messages.
#[derive(Default)]
pub(super) struct Totals {
    pub(super) messages: u64,
    pub(super) bytes: u64,
    /// Between these: subscriptions of those who left end one by one.
    pub(super) unwanted: (u64, u64),
    pub(super) largest: usize,
}

/// What the hub needs of us while it forwards.
struct Around<'a> {
    subscribers: &'a mut [Subscriber],
    commands: Vec<Vec<u8>>,
}

impl Outside for Around<'_> {
    fn command(&mut self, body: &[u8]) -> ControlFlow<()> {
        self.commands.push(body.to_vec());
        match Command::decode(body) {
            Ok(Command::Error(_)) | Err(_) => ControlFlow::Break(()),
            Ok(_) => ControlFlow::Continue(()),
        }
    }

    fn hand_over(&mut self, _: WorkerId, _: Messages) {
        unreachable!("there is one worker")
    }

    fn write(&mut self, id: SubscriberId, slices: &[IoSlice<'_>]) -> Written {
        find(self.subscribers, id).kernel.write(slices)
    }
}

/// The subscriber that has the number now.
fn find(subscribers: &mut [Subscriber], id: SubscriberId) -> &mut Subscriber {
    let found = subscribers.iter_mut().find(|it| it.id == Some(id) && it.stage != Stage::Gone);
    found.expect("the hub names only who is there")
}

impl<'a> World<'a> {
    pub(super) fn run(mut input: Input<'a>) {
        let (tight, slack, gives_up) = (input.below(4) == 3, input.below(4), input.below(8) == 7);
        // The mark of a crowd has a least value, which a subscriber's own is never below.
        let (queue_bytes_max, queue_bytes_total_max) = input.pick(&[
            (1 << 20, 1 << 24),
            (16_000, 1 << 24),
            (3_000, 1 << 24),
            (200, 1 << 24),
            (1 << 18, 4_000),
        ]);
        let limits = Limits {
            message_bytes_max: input.pick(&[4_000, 512, 64]),
            message_frames_max: input.pick(&[16, 3]),
            topic_bytes_max: input.pick(&[64, 300, 4]),
            subscriptions_max: input.pick(&[32, 4, 1]),
            subscription_bytes_total_max: if tight { 1_500 } else { usize::MAX / 2 },
            queue_messages_max: input.pick(&[1_000, 10, 3, 1]),
            queue_bytes_max,
            queue_bytes_total_max,
            slow_subscriber: input.pick(&[SlowSubscriber::Drop, SlowSubscriber::Disconnect]),
            last_value_bytes_max: input.pick(&[None, None, Some(10_000), Some(700)]),
            ..Limits::default()
        };
        let welcome = if input.below(8) == 7 { &b"\0\x07welcome"[..] } else { b"" };
        let counters = Arc::new(Counters::default());
        let mut world = World {
            input,
            tight,
            slack,
            hub: Hub::new(limits.clone(), Arc::clone(&counters)).with_welcome(Bytes::from_static(welcome)),
            welcome,
            last_values: LastValues::new(limits.last_value_bytes_max),
            limits,
            counters,
            now: Instant::now(),
            left: Leftovers::default(),
            chunks: 0,
            number: 0,
            publishers: Vec::new(),
            subscribers: Vec::new(),
            totals: Totals::default(),
        };
        world.connect_publisher();
        world.connect_subscriber();
        world.connect_subscriber();
        for _ in 0..STEPS_MAX {
            if world.input.is_empty() {
                break;
            }
            world.step();
            world.check();
        }
        world.finish(gives_up);
    }

    /// One choice: four bits say what, two say who, two how much the broker reads then.
    fn step(&mut self) {
        let choice = self.input.byte();
        self.now += Duration::from_millis(3);
        let publisher = usize::from(choice >> 4 & 3) % self.publishers.len();
        let subscriber = usize::from(choice >> 4 & 3) + self.subscribers.len().saturating_sub(4);
        let subscriber = subscriber % self.subscribers.len();
        let mut sent = None;
        match choice & 15 {
            0 => self.connect_publisher(),
            1 => self.connect_subscriber(),
            2 | 3 => {
                wire::subscriptions(&mut self.input, &mut self.subscribers[subscriber].line.wire);
                sent = Some(false);
            }
            4..=6 => {
                let World { input, number, publishers, .. } = self;
                wire::messages(input, number, &mut publishers[publisher].line.wire);
                sent = Some(true);
            }
            7 => {
                let publishes = self.input.byte() & 1 == 0;
                let count = self.input.below(64);
                let bytes = self.input.bytes(count);
                match publishes {
                    true => self.publishers[publisher].line.wire.extend_from_slice(bytes),
                    false => self.subscribers[subscriber].line.wire.extend_from_slice(bytes),
                }
                sent = Some(publishes);
            }
            8 => sent = Some(true),
            9 => sent = Some(false),
            10 => {
                let kernel = &mut self.subscribers[subscriber].kernel;
                match self.input.byte() {
                    0..=99 => kernel.room = self.input.byte().into(),
                    100..=179 => kernel.room = self.input.number(),
                    180..=219 => (kernel.room, kernel.most) = (usize::MAX, usize::MAX),
                    220..=249 => kernel.most = 1 + self.input.number(),
                    250..=255 => kernel.broken = true,
                }
            }
            11 => self.flush(subscriber),
            12 => match self.input.byte() & 3 {
                0 => self.end_publisher(publisher),
                _ => self.end_subscriber(subscriber),
            },
            13 => self.deal_with_ends(),
            14 => {
                let bytes = 1 + self.input.below(200);
                self.tell(publisher, bytes);
            }
            _ => self.wait(),
        }
        let piece = match choice >> 6 {
            0 | 1 => usize::MAX,
            2 => 1 + self.input.below(200),
            _ => return,
        };
        match sent {
            Some(true) => self.read_publisher(publisher, piece),
            Some(false) => self.read_subscriber(subscriber, piece),
            None => {}
        }
    }

    fn connect_publisher(&mut self) {
        if self.publishers.iter().filter(|it| !it.gone).count() >= PUBLISHERS_MAX {
            return;
        }
        let (minor, socket_type) = (self.input.byte() & 1, self.input.pick(&["PUB", "XPUB"]));
        let mut bytes = Vec::new();
        let sound = wire::handshake(&mut self.input, socket_type, minor, &mut bytes);
        let bounds = Bounds {
            message_bytes: self.limits.message_bytes_max,
            message_frames: self.limits.message_frames_max,
            command_bytes: 128,
        };
        self.publishers.push(Publisher {
            line: Line::new(SocketType::XSub, bytes, sound),
            traffic: Traffic::new(bounds),
            id: None,
            version: Version::OURS,
            gone: false,
            to_tell: false,
            told: Reference::new(Bounds::NONE),
            known: BTreeSet::new(),
        });
        // The oldest that is gone makes room, so that few bits can name all that are there.
        if self.publishers.len() > PUBLISHERS_MAX
            && let Some(gone) = self.publishers.iter().position(|it| it.gone)
        {
            self.publishers.remove(gone);
        }
    }

    fn connect_subscriber(&mut self) {
        if self.subscribers.iter().filter(|it| it.stage != Stage::Gone).count() >= SUBSCRIBERS_MAX {
            return;
        }
        let (minor, socket_type) = (self.input.byte() & 1, self.input.pick(&["SUB", "XSUB"]));
        let mut bytes = Vec::new();
        let sound = wire::handshake(&mut self.input, socket_type, minor, &mut bytes);
        let bounds = Bounds {
            message_bytes: self.limits.topic_bytes_max + 100,
            message_frames: 8,
            command_bytes: self.limits.topic_bytes_max + 50,
        };
        self.subscribers.push(Subscriber {
            line: Line::new(SocketType::XPub, bytes, sound),
            traffic: Traffic::new(bounds),
            id: None,
            stage: Stage::Here,
            wanting: false,
            to_write: false,
            topics: BTreeSet::new(),
            expected: Vec::new(),
            commands: Vec::new(),
            waiting_commands: (0, 0),
            kernel: Kernel::new(),
        });
    }

    pub(super) fn read_publisher(&mut self, who: usize, count: usize) {
        let publisher = &mut self.publishers[who];
        if publisher.gone {
            return;
        }
        match publisher.line.read(count) {
            Read::Shaking => {}
            Read::Refused => publisher.gone = true,
            Read::Established(version, bytes) => {
                (publisher.version, publisher.id) = (version, Some(self.hub.add_publisher()));
                // Whoever has just connected looks by itself what there is to be told.
                publisher.to_tell = true;
                self.forward(who, &bytes);
            }
            Read::Traffic(bytes) => self.forward(who, &bytes),
        }
    }

    /// Hands bytes of a publisher on, to the model and to the hub.
    fn forward(&mut self, who: usize, bytes: &[u8]) {
        let (expected_commands, ends) = self.expect(who, bytes);
        let World { hub, publishers, subscribers, left, now, .. } = self;
        let traffic = &mut publishers[who].traffic;
        traffic.rest.extend_from_slice(bytes);
        let mut around = Around { subscribers, commands: Vec::new() };
        let end = loop {
            let used = traffic.rest.len();
            let mut memory = BytesMut::zeroed(used + used * self.slack);
            memory[..used].copy_from_slice(&traffic.rest);
            self.chunks += 1;
            let mut chunk = Chunk::new(self.chunks, memory, used, hub.loans().clone());
            let accepted = hub.forward(&mut traffic.splitter, &mut chunk, *now, left, &mut around);
            traffic.rest.drain(..accepted.consumed);
            match accepted.rest {
                Rest::Unfinished => break false,
                Rest::More => {}
                Rest::Faulty(_) | Rest::Stopped => break true,
            }
        };
        assert_eq!(around.commands, expected_commands);
        assert_eq!(end, ends);
        for id in left.to_write.drain(..) {
            find(subscribers, id).to_write = true;
        }
        for id in left.to_disconnect.drain(..) {
            find(subscribers, id).stage = Stage::Ending;
        }
        for id in left.broken.drain(..) {
            let subscriber = find(subscribers, id);
            (subscriber.stage, subscriber.wanting) = (Stage::Ending, false);
        }
        if end {
            self.end_publisher(who);
        } else {
            self.publishers[who].traffic.check();
        }
    }

    /// The model: who is to get what. The commands' bodies, and whether the connection ends.
    fn expect(&mut self, who: usize, bytes: &[u8]) -> (Vec<Vec<u8>>, bool) {
        let reference = &mut self.publishers[who].traffic.reference;
        let mut commands = Vec::new();
        let mut newest = None;
        for unit in reference.feed(bytes) {
            let (frames, message) = match unit {
                Unit::Message { frames, wire } => (frames, Rc::<[u8]>::from(wire)),
                Unit::Command { body, .. } => {
                    let ends = meaning(&body) == Meaning::End;
                    commands.push(body);
                    if ends {
                        self.last_values.keep_unless_newer(&newest, &None);
                        return (commands, true);
                    }
                    continue;
                }
            };
            let totals = &mut self.totals;
            (totals.messages, totals.bytes) = (totals.messages + 1, totals.bytes + message.len() as u64);
            totals.largest = totals.largest.max(message.len());
            // Of a run of one topic only the last is kept, and makes others be forgotten.
            let next = (frames.len() > 1).then(|| (frames[0].clone(), Rc::clone(&message)));
            self.last_values.keep_unless_newer(&newest, &next);
            newest = next;
            let (mut wanted, mut remembered) = (false, false);
            for subscriber in self.subscribers.iter_mut().filter(|it| it.is_subscribed_to(&frames[0])) {
                remembered = true;
                if subscriber.wanting {
                    wanted = true;
                    subscriber.expected.push(Rc::clone(&message));
                }
            }
            totals.unwanted.0 += u64::from(!remembered);
            totals.unwanted.1 += u64::from(!wanted);
        }
        self.last_values.keep_unless_newer(&newest, &None);
        (commands, reference.is_faulty())
    }

    pub(super) fn end_publisher(&mut self, who: usize) {
        let publisher = &mut self.publishers[who];
        if let Some(id) = publisher.id.filter(|_| !publisher.gone) {
            self.hub.publisher_left(id);
        }
        publisher.gone = true;
    }

    pub(super) fn read_subscriber(&mut self, who: usize, count: usize) {
        let subscriber = &mut self.subscribers[who];
        if subscriber.stage != Stage::Here {
            return;
        }
        match subscriber.line.read(count) {
            Read::Shaking => {}
            Read::Refused => subscriber.stage = Stage::Gone,
            Read::Established(_, bytes) => {
                (subscriber.id, subscriber.wanting) = (Some(self.hub.add_subscriber()), true);
                if !self.welcome.is_empty() {
                    subscriber.greet(vec![self.welcome.into()]);
                }
                self.take_subscriptions(who, &bytes);
            }
            Read::Traffic(bytes) => self.take_subscriptions(who, &bytes),
        }
    }

    /// What a subscriber's bytes ask for, first as both readers understand it, then of the hub.
    fn take_subscriptions(&mut self, who: usize, bytes: &[u8]) {
        let traffic = &mut self.subscribers[who].traffic;
        let asks = asks_of(traffic, bytes);
        assert_eq!(asks, asked(&mut traffic.reference, bytes));
        if asks.last() != Some(&Ask::End) {
            traffic.check();
        }
        for ask in asks {
            let obeyed = self.obey(who, ask);
            self.hear_of_changes();
            if obeyed.is_err() {
                self.end_subscriber(who);
            }
            if self.subscribers[who].stage != Stage::Here {
                break;
            }
        }
        self.hear_of_changes();
    }

    /// `Err`: the connection ends.
    fn obey(&mut self, who: usize, ask: Ask) -> Result<(), ()> {
        let limits = &self.limits;
        let subscriber = &mut self.subscribers[who];
        let id = subscriber.id.expect("its handshake is done");
        match ask {
            Ask::End => return Err(()),
            Ask::Cancel(topic) => {
                self.hub.cancel(id, &topic);
                subscriber.topics.remove(&topic);
            }
            Ask::Subscribe(topic) => {
                let (too_long, full) = (
                    topic.len() > limits.topic_bytes_max,
                    subscriber.topics.len() >= limits.subscriptions_max
                        && !subscriber.topics.contains(&topic),
                );
                match self.hub.subscribe(id, &topic) {
                    Ok(()) => {
                        assert!(!too_long && !full);
                        subscriber.greet(self.last_values.greetings(&topic, &subscriber.topics));
                        subscriber.topics.insert(topic);
                    }
                    Err(SubscriptionError::TopicTooLong(_)) => {
                        assert!(too_long);
                        return Err(());
                    }
                    Err(SubscriptionError::TooMany(_)) => {
                        assert!(full);
                        return Err(());
                    }
                    Err(error) => {
                        assert!(self.tight, "{error}");
                        return Err(());
                    }
                }
            }
            Ask::Pong(context) => {
                let mut frame = Vec::new();
                wire::command(b"PONG", &context, &mut frame);
                let (count, bytes) = subscriber.waiting_commands;
                if bytes + frame.len() <= SUBSCRIBER_COMMAND_BYTES_MAX {
                    assert!(self.hub.queue_command(id, &frame));
                    subscriber.commands.push([&b"\x04PONG"[..], &context].concat());
                    subscriber.waiting_commands = (count + 1, bytes + frame.len());
                    subscriber.to_write = true;
                    // What comes now waits behind it, and the marks may be small.
                    subscriber.kernel.short = true;
                }
            }
        }
        Ok(())
    }

    pub(super) fn end_subscriber(&mut self, who: usize) {
        let subscriber = &mut self.subscribers[who];
        subscriber.stage = match (subscriber.stage, subscriber.id) {
            (Stage::Here, Some(_)) => Stage::Ending,
            (Stage::Here, None) => Stage::Gone,
            (stage, _) => stage,
        };
    }

    /// One turn of those who are on their way out.
    pub(super) fn deal_with_ends(&mut self) {
        for subscriber in &mut self.subscribers {
            let Some(id) = subscriber.id else { continue };
            match subscriber.stage {
                Stage::Here | Stage::Gone => {}
                Stage::Ending => {
                    self.hub.subscriber_left(id);
                    (subscriber.stage, subscriber.wanting) = (Stage::Left, false);
                    (subscriber.to_write, subscriber.kernel.closed) = (false, true);
                }
                Stage::Left => {
                    if self.hub.forget_subscriber(id) {
                        subscriber.stage = Stage::Gone;
                        subscriber.topics.clear();
                    }
                }
            }
        }
        self.hear_of_changes();
    }

    fn hear_of_changes(&mut self) {
        let evicted: Vec<_> = self.hub.take_evicted().collect();
        for id in evicted {
            assert!(self.tight, "there was room enough");
            let subscriber = find(&mut self.subscribers, id);
            (subscriber.stage, subscriber.wanting) = (Stage::Ending, false);
        }
        let named: Vec<_> = self.hub.take_publishers_to_tell().collect();
        for publisher in self.publishers.iter_mut().filter(|it| !it.gone) {
            publisher.to_tell |= publisher.id.is_some_and(|id| named.contains(&id));
        }
    }

    pub(super) fn flush(&mut self, who: usize) {
        let subscriber = &mut self.subscribers[who];
        if subscriber.stage != Stage::Here || !subscriber.to_write {
            return;
        }
        let id = subscriber.id.expect("nobody else is written to");
        let kernel = &mut subscriber.kernel;
        match self.hub.flush(id, |slices| kernel.write(slices)).end {
            FlushEnd::Empty => (subscriber.to_write, subscriber.waiting_commands) = (false, (0, 0)),
            FlushEnd::Blocked | FlushEnd::TurnOver => {}
            FlushEnd::Broken => subscriber.stage = Stage::Ending,
        }
    }

    /// Tells a publisher about so many bytes of what it is to be told.
    pub(super) fn tell(&mut self, who: usize, bytes: usize) {
        let publisher = &mut self.publishers[who];
        let Some(id) = publisher.id.filter(|_| publisher.to_tell && !publisher.gone) else { return };
        assert!(!self.hub.is_publisher_deaf(id));
        let mut output = BytesMut::new();
        publisher.to_tell = !self.hub.tell_publisher(id, publisher.version, &mut output, bytes);
        for unit in publisher.told.feed(&output) {
            let (meaning, commands) = match unit {
                Unit::Command { body, .. } => (meaning(&body), true),
                Unit::Message { frames, .. } => {
                    assert_eq!(frames.len(), 1);
                    (meaning_of_frame(&frames[0]), false)
                }
            };
            assert_eq!(commands, publisher.version.has_commands());
            match meaning {
                Meaning::Subscribe(topic) => assert!(publisher.known.insert(topic), "told twice"),
                Meaning::Cancel(topic) => assert!(publisher.known.remove(&topic), "it was never told"),
                other => panic!("told {other:?}"),
            }
        }
        assert!(publisher.told.is_at_rest() && !publisher.told.is_faulty());
    }

    /// A publisher waits, and nobody takes anything.
    fn wait(&mut self) {
        let mut waiting_for = std::mem::take(&mut self.left.to_wait_for);
        self.hub.wait_begins(self.now);
        let mut steps = 0;
        while !waiting_for.is_empty() {
            let since = self.now;
            self.now += Duration::from_millis(HOLD_STEP_MS);
            self.hub.waited(&mut waiting_for, since, self.now);
            steps += 1;
            assert!(steps < WAIT_STEPS_MAX, "waits for ever for who takes nothing");
        }
    }
}
