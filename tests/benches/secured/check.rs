//! What the gate of a secured broker adds on the way of a message: the broker's hub alone, in this process, with a gate and without, and
//! neither sockets nor arithmetic around it.

use std::{
    io::IoSlice,
    ops::ControlFlow,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use bytes::BytesMut;
use recado_broker::{
    Counters, Limits,
    chunk::{Chunk, Messages},
    delivery::{Leftovers, Outside, Written},
    hub::Hub,
    limits::{CHUNK_BYTES, GateLimits},
    neighbours::WorkerId,
    trie::SubscriberId,
};
use recado_zmtp::{
    codec::{MessageLimits, MessageSplitter, Subscription},
    curve::{KeyPair, PublicKey},
};

use crate::connection::message;

/// Chunks that are forwarded before the other hub has its turn.
const CHUNKS_A_TURN: usize = 50;

/// Messages of one body's length, and who hears them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Check {
    pub(crate) body_bytes: usize,
    /// Topics that messages take in turn.
    pub(crate) topics: usize,
    /// Subscribers of each topic, each a user of their own.
    pub(crate) subscribers: usize,
}

/// Nanoseconds for each message that is delivered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Found {
    pub(crate) with_gate: f64,
    pub(crate) without: f64,
}

/// Takes all that is written, and counts it.
#[derive(Default)]
struct Taken(u64);

impl Outside for Taken {
    fn command(&mut self, _: &[u8]) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    fn hand_over(&mut self, _: WorkerId, _: Messages) {}

    fn write(&mut self, _: SubscriberId, slices: &[IoSlice<'_>]) -> Written {
        let bytes = slices.iter().map(|slice| slice.len()).sum();
        self.0 += bytes as u64;
        Written::Bytes(bytes)
    }
}

/// A hub and what is forwarded through it.
struct Forwarding {
    hub: Hub,
    taken: Taken,
    took: Duration,
}

/// Forwards for so many seconds, with and without in turns.
pub(crate) fn measure(check: Check, seconds: f64) -> anyhow::Result<Found> {
    let topics: Vec<String> = (0..check.topics).map(|number| format!("topic-{number:04}")).collect();
    let cycle: Vec<u8> =
        topics.iter().flat_map(|topic| message(&[topic.as_bytes(), &vec![b'x'; check.body_bytes]])).collect();
    let message_bytes = cycle.len() / topics.len();
    let chunk = cycle.repeat((CHUNK_BYTES / cycle.len()).max(1));
    let mut both = [Forwarding::guarded(check, &topics)?, Forwarding::open(check, &topics)?];
    let end = Instant::now() + Duration::from_secs_f64(seconds);
    while Instant::now() < end {
        for forwarding in &mut both {
            for _ in 0..CHUNKS_A_TURN {
                forwarding.forward(&chunk)?;
            }
        }
    }
    let [with_gate, without] = both.map(|forwarding| {
        let messages = forwarding.taken.0 as f64 / message_bytes as f64;
        (messages, forwarding.took.as_nanos() as f64 / messages)
    });
    ensure!(with_gate.0 == without.0, "{} messages with a gate, {} without", with_gate.0, without.0);
    Ok(Found { with_gate: with_gate.1, without: without.1 })
}

impl Forwarding {
    fn new(hub: Hub) -> Forwarding {
        Forwarding { hub, taken: Taken::default(), took: Duration::ZERO }
    }

    fn open(check: Check, topics: &[String]) -> anyhow::Result<Forwarding> {
        let mut this = Forwarding::new(Hub::new(Limits::default(), Arc::new(Counters::default())));
        for topic in topics {
            for _ in 0..check.subscribers {
                let id = this.hub.add_subscriber();
                this.hub.wants(id, Subscription::Subscribe(topic.as_bytes()))?;
            }
        }
        Ok(this)
    }

    fn guarded(check: Check, topics: &[String]) -> anyhow::Result<Forwarding> {
        let limits = Limits::default();
        let hub = Hub::new(limits.clone(), Arc::new(Counters::default()));
        let hub = hub.with_gate(GateLimits::of_worker(&limits), Instant::now());
        let mut this = Forwarding::new(hub);
        for topic in topics {
            for _ in 0..check.subscribers {
                let key = KeyPair::generate().public();
                let waiter = this.hub.ask(&key, None).context("the gate asks for nobody")?;
                this.grant(&key, None)?;
                let id = this.hub.add_subscriber();
                this.hub.has_key(id, &key);
                this.hub.ask_no_more(waiter);
                this.hub.wants(id, Subscription::Subscribe(topic.as_bytes()))?;
                this.grant(&key, Some(topic))?;
            }
        }
        this.took = Duration::ZERO;
        Ok(this)
    }

    fn grant(&mut self, key: &PublicKey, topic: Option<&str>) -> anyhow::Result<()> {
        let key: String = key.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        let topic = topic.map(|topic| format!(".{topic}")).unwrap_or_default();
        self.forward(&message(&[format!("_may.{key}{topic}").as_bytes(), b"200", b"somebody"]))
    }

    fn forward(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        let loans = self.hub.loans().clone();
        let mut chunk = Chunk::new(1, BytesMut::from(bytes), bytes.len(), loans);
        let mut splitter = MessageSplitter::new(MessageLimits::default());
        let mut left = Leftovers::default();
        let began = Instant::now();
        let accepted = self.hub.forward(&mut splitter, &mut chunk, began, &mut left, &mut self.taken);
        self.took += began.elapsed();
        ensure!(accepted.consumed == bytes.len(), "not all was forwarded");
        Ok(())
    }
}
