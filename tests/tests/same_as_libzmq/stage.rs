//! Runs a scenario on one side, step by step, and writes down what each peer sees of each step.
//!
//! A step ends when it is proven to have taken effect. Three facts prove it, of libzmq's proxy as of ours: what one connection
//! sends is dealt with in its order; a subscription is in force when a publisher is told of it; and what is dealt with later
//! comes out later. So a publisher that sent something sends a probe behind it, which the witness receives; a subscriber
//! subscribes to a mark, of which the marker, a publisher, is told; and every subscriber has a topic of its own, of whose end the
//! marker is told when the subscriber has vanished. Then the marker publishes to each subscriber's own topic, and the witness
//! subscribes to another mark: what a peer hears before that is what the step brought it. Marks begin with [`MARK`] and are
//! no part of what is compared.

use std::{
    collections::{BTreeMap, BTreeSet, hash_map::DefaultHasher},
    hash::Hasher,
};

use crate::{
    sides::Side,
    wire::{Heard, Wire, cancel, message, subscribe},
};

/// The first byte of topics that scenarios leave to the stage.
pub(crate) const MARK: u8 = 0xff;

/// Behind this in a message's last frame stands who sent it: where several publishers send in one step, the order between
/// them is nobody's promise, and messages are compared publisher by publisher.
pub(crate) const SENDER: u8 = b'@';

/// What one peer does. Peers are named by the scenario.
#[derive(Clone, Debug)]
pub(crate) enum Op {
    /// Connects a publisher of ZMTP 3.`minor`.
    Publisher { who: String, minor: u8 },
    /// Connects a subscriber of ZMTP 3.`minor`.
    Subscriber { who: String, minor: u8 },
    /// Sends bytes that end with a message or command.
    Send { who: String, bytes: Vec<u8> },
    /// Sends bytes that end anywhere. What comes of them is seen in the next step without such an op.
    Begin { who: String, bytes: Vec<u8> },
    /// Closes the connection.
    Close { who: String },
    /// Resets the connection.
    Reset { who: String },
}

/// What is done before everybody's part of it is looked at.
pub(crate) type Step = Vec<Op>;

/// What each peer saw of a step.
pub(crate) type Seen = BTreeMap<String, Vec<String>>;

struct Publisher {
    wire: Wire,
    /// What it was told and has not been looked at.
    told: Vec<Heard>,
    known: BTreeSet<Vec<u8>>,
}

struct Subscriber {
    wire: Wire,
    minor: u8,
}

/// A side with peers.
pub(crate) struct Stage<'a> {
    side: &'a Side,
    number: u32,
    steps: u32,
    marker: Wire,
    told: BTreeSet<(char, Vec<u8>)>,
    witness: Wire,
    publishers: BTreeMap<String, Publisher>,
    subscribers: BTreeMap<String, Subscriber>,
}

/// Says how far a run had come, if it ends with a panic.
struct Progress<'a> {
    side: &'a str,
    step: Option<(usize, &'a Step)>,
}

impl Drop for Progress<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("on the side of {}, within step {}", self.side, shown_step(self.step));
        }
    }
}

fn shown_step(step: Option<(usize, &Step)>) -> String {
    step.map_or("none".to_owned(), |(number, step)| {
        let all: Vec<String> = step.iter().map(shown_op).collect();
        format!("{number}: {}", all.join(", "))
    })
}

fn shown_op(op: &Op) -> String {
    match op {
        Op::Publisher { who, minor } => format!("publisher {who} of 3.{minor} connects"),
        Op::Subscriber { who, minor } => format!("subscriber {who} of 3.{minor} connects"),
        Op::Send { who, bytes } => format!("{who} sends {}", bytes.escape_ascii()),
        Op::Begin { who, bytes } => format!("{who} begins {}", bytes.escape_ascii()),
        Op::Close { who } => format!("{who} closes"),
        Op::Reset { who } => format!("{who} resets"),
    }
}

/// Runs the scenario on both sides and compares what everybody saw, step by step.
///
/// # Panics
/// A peer saw different things.
pub(crate) async fn compare(sides: [&Side; 2], scenario: &[Step]) -> Vec<Seen> {
    let (expected, got) = tokio::join!(run(sides[0], scenario), run(sides[1], scenario));
    for (number, step) in scenario.iter().enumerate() {
        if expected[number] != got[number] {
            panic!(
                "step {} of {}\n{}: {:#?}\n{}: {:#?}",
                shown_step(Some((number, step))),
                scenario.len(),
                sides[0].name,
                expected[number],
                sides[1].name,
                got[number]
            );
        }
    }
    got
}

/// Runs the scenario on one side.
pub(crate) async fn run(side: &Side, scenario: &[Step]) -> Vec<Seen> {
    let mut progress = Progress { side: &side.name, step: None };
    let mut stage = Stage::open(side).await;
    let mut all = Vec::new();
    for (number, step) in scenario.iter().enumerate() {
        progress.step = Some((number, step));
        all.push(stage.step(step).await);
    }
    stage.close().await;
    all
}

impl<'a> Stage<'a> {
    pub(crate) async fn open(side: &'a Side) -> Stage<'a> {
        let mut stage = Stage {
            side,
            number: side.next_stage(),
            steps: 0,
            marker: Wire::connect(&side.publishers, "PUB", 1).await,
            told: BTreeSet::new(),
            witness: Wire::connect(&side.subscribers, "SUB", 1).await,
            publishers: BTreeMap::new(),
            subscribers: BTreeMap::new(),
        };
        let probe = stage.mark("probe");
        stage.witness.send(&subscribe(1, &probe)).await;
        stage.until_told('+', probe).await;
        stage
    }

    /// Lets everybody vanish, and waits until that is so.
    pub(crate) async fn close(mut self) {
        for who in self.subscribers.keys().cloned().collect::<Vec<_>>() {
            self.subscribers.remove(&who);
            self.until_told('-', self.mark(&format!("own {who}"))).await;
        }
    }

    /// Does all of it, and tells what each peer saw of it.
    pub(crate) async fn step(&mut self, step: &[Op]) -> Seen {
        self.steps += 1;
        let mut touched = BTreeSet::new();
        for op in step {
            match op {
                Op::Publisher { who, minor } => self.add_publisher(who, *minor).await,
                Op::Subscriber { who, minor } => self.add_subscriber(who, *minor).await,
                Op::Send { who, bytes } => {
                    self.wire(who).send(bytes).await;
                    touched.insert(who.as_str());
                }
                Op::Begin { who, bytes } => self.wire(who).send(bytes).await,
                Op::Close { who } => self.end(who, drop).await,
                Op::Reset { who } => self.end(who, Wire::reset).await,
            }
        }
        self.settle(&touched).await;
        if step.iter().any(|op| matches!(op, Op::Begin { .. })) {
            self.pause().await;
            return Seen::new();
        }
        self.look().await
    }

    /// Goes once through the broker on other connections, so that what was begun is most likely read without the rest.
    async fn pause(&mut self) {
        let pause = self.mark(&format!("pause {}", self.steps));
        self.witness.send(&subscribe(1, &pause)).await;
        self.until_told('+', pause.clone()).await;
        self.witness.send(&cancel(1, &pause)).await;
    }

    fn mark(&self, what: &str) -> Vec<u8> {
        [&[MARK][..], format!("{} {what};", self.number).as_bytes()].concat()
    }

    fn wire(&mut self, who: &str) -> &mut Wire {
        let publisher = self.publishers.get_mut(who).map(|it| &mut it.wire);
        publisher
            .or_else(|| self.subscribers.get_mut(who).map(|it| &mut it.wire))
            .unwrap_or_else(|| panic!("the scenario has no {who}"))
    }

    /// A publisher is attached when it has been told of something, and the witness subscribes to something always.
    async fn add_publisher(&mut self, who: &str, minor: u8) {
        let mut wire = Wire::connect(&self.side.publishers, "PUB", minor).await;
        let told = vec![wire.hear().await];
        self.publishers.insert(who.to_owned(), Publisher { wire, told, known: BTreeSet::new() });
    }

    async fn add_subscriber(&mut self, who: &str, minor: u8) {
        let mut wire = Wire::connect(&self.side.subscribers, "SUB", minor).await;
        let own = self.mark(&format!("own {who}"));
        wire.send(&subscribe(minor, &own)).await;
        self.subscribers.insert(who.to_owned(), Subscriber { wire, minor });
        self.until_told('+', own).await;
    }

    async fn end(&mut self, who: &str, how: fn(Wire)) {
        if let Some(publisher) = self.publishers.remove(who) {
            how(publisher.wire);
        } else {
            how(self.subscribers.remove(who).unwrap().wire);
            self.until_told('-', self.mark(&format!("own {who}"))).await;
        }
    }

    /// Proves that all that these peers sent has been dealt with.
    async fn settle(&mut self, touched: &BTreeSet<&str>) {
        let mut probes = BTreeSet::new();
        let mut settled = Vec::new();
        for who in touched {
            if let Some(subscriber) = self.subscribers.get(*who) {
                let (mark, minor) = (self.mark(&format!("settled {who} {}", self.steps)), subscriber.minor);
                self.wire(who).send(&subscribe(minor, &mark)).await;
                settled.push((who, minor, mark));
            } else {
                let frames =
                    [self.mark("probe"), who.as_bytes().to_vec(), self.steps.to_string().into_bytes()];
                self.wire(who).send(&message(&frames.each_ref().map(Vec::as_slice))).await;
                probes.insert(frames.to_vec());
            }
        }
        while !probes.is_empty() {
            if let Heard::Message(frames) = self.witness.hear().await {
                probes.remove(&frames);
            }
        }
        for (who, minor, mark) in settled {
            self.until_told('+', mark.clone()).await;
            self.wire(who).send(&cancel(minor, &mark)).await;
        }
    }

    async fn until_told(&mut self, sign: char, topic: Vec<u8>) {
        while !self.told.remove(&(sign, topic.clone())) {
            let heard = self.marker.hear().await;
            self.told.extend(changes(&heard));
        }
    }

    async fn look(&mut self) -> Seen {
        let (end, before) = (self.mark(&format!("end {}", self.steps)), self.steps - 1);
        let bytes = [subscribe(1, &end), cancel(1, &self.mark(&format!("end {before}")))].concat();
        self.witness.send(&bytes).await;
        let owns: BTreeMap<String, Vec<Vec<u8>>> = self
            .subscribers
            .keys()
            .map(|who| (who.clone(), vec![self.mark(&format!("own {who}")), self.steps.to_string().into()]))
            .collect();
        for own in owns.values() {
            self.marker.send(&message(&[&own[0], &own[1]])).await;
        }
        let mut seen = Seen::new();
        for (who, publisher) in &mut self.publishers {
            seen.insert(who.clone(), publisher.look(&end).await);
        }
        for (who, subscriber) in &mut self.subscribers {
            seen.insert(who.clone(), subscriber.look(&owns[who]).await);
        }
        self.until_told('+', end).await;
        seen
    }
}

impl Publisher {
    /// What it was told before it was told of `end`, in sum: our broker says nothing of what came and went before it could be
    /// said, and the order in which a vanished subscriber's topics end is nobody's promise.
    async fn look(&mut self, end: &[u8]) -> Vec<String> {
        let mut seen = Vec::new();
        let before = self.known.clone();
        loop {
            let heard = if self.told.is_empty() { self.wire.hear().await } else { self.told.remove(0) };
            let changes = changes(&heard);
            if changes.is_empty() {
                seen.push(format!("{heard:?}"));
            }
            for (sign, topic) in changes {
                let news = match sign {
                    _ if topic.starts_with(&[MARK]) => true,
                    '+' => self.known.insert(topic.clone()),
                    _ => self.known.remove(&topic),
                };
                if !news {
                    seen.push(format!("{sign}{} again", topic.escape_ascii()));
                }
                if sign == '+' && topic == end {
                    let came = self.known.difference(&before).map(|it| format!("+{}", shown_frame(it)));
                    let went = before.difference(&self.known).map(|it| format!("-{}", shown_frame(it)));
                    seen.extend(came.chain(went));
                    return seen;
                }
            }
        }
    }
}

impl Subscriber {
    /// The messages before `end`: in their order, or in the order of each publisher that they name.
    async fn look(&mut self, end: &[Vec<u8>]) -> Vec<String> {
        let mut messages = Vec::new();
        loop {
            match self.wire.hear().await {
                Heard::Message(frames) if frames == end => break,
                Heard::Message(frames) if frames[0].starts_with(&[MARK]) => {}
                Heard::Message(frames) => messages.push(frames),
                Heard::Command(body) => panic!("a subscriber is sent {}", body.escape_ascii()),
            }
        }
        messages.sort_by_key(|frames| sender(frames).map(<[u8]>::to_vec));
        messages.iter().map(|frames| shown_message(frames)).collect()
    }
}

/// Who sent a message, if that is written in it.
fn sender(frames: &[Vec<u8>]) -> Option<&[u8]> {
    let last = frames.last()?;
    let place = last.iter().rposition(|byte| *byte == SENDER)?;
    last[place + 1..].split(|byte| *byte == b':').next()
}

/// What a publisher is told of by this, in either form: libzmq passes on a change as a message whatever the publisher's version,
/// and tells a publisher that comes later in the form of its version; ours always does the latter.
pub(crate) fn changes(heard: &Heard) -> Vec<(char, Vec<u8>)> {
    match heard {
        Heard::Command(body) => match (body.strip_prefix(b"\x09SUBSCRIBE"), body.strip_prefix(b"\x06CANCEL"))
        {
            (Some(topic), _) => vec![('+', topic.to_vec())],
            (_, Some(topic)) => vec![('-', topic.to_vec())],
            _ => panic!("a publisher is sent {}", body.escape_ascii()),
        },
        Heard::Message(frames) => {
            let changes = frames.iter().filter_map(|frame| match frame.split_first() {
                Some((1, topic)) => Some(('+', topic.to_vec())),
                Some((0, topic)) => Some(('-', topic.to_vec())),
                _ => None,
            });
            changes.collect()
        }
    }
}

/// A message as a line, frame by frame.
pub(crate) fn shown_message(frames: &[Vec<u8>]) -> String {
    frames.iter().map(|frame| shown_frame(frame)).collect::<Vec<_>>().join(" | ")
}

fn shown_frame(frame: &[u8]) -> String {
    if frame.len() <= 40 {
        return format!("{}", frame.escape_ascii());
    }
    let mut hasher = DefaultHasher::new();
    hasher.write(frame);
    format!("{} bytes {:016x}", frame.len(), hasher.finish())
}
