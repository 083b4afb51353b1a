//! A publisher that sends at a steady rate: how long each message is under way to each subscriber.

use std::{
    io::{self, Write},
    net::TcpStream,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};

use crate::{
    load::{Connected, WARM_UP, connect},
    relays::Relay,
    wire::{Protocol, Shape},
};

/// The system wakes a sleeper later than it asked for by up to this; the rest of the time the publisher looks at the clock.
const OVERSLEEP: Duration = Duration::from_micros(75);

/// How long a turn waits at most, so that the clock is looked at.
const TURN: Duration = Duration::from_millis(20);

/// What was found, in microseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Latency {
    /// Half of the messages took longer.
    pub p50_us: f64,
    /// One in a hundred took longer.
    pub p99_us: f64,
    /// One in a thousand took longer.
    pub p999_us: f64,
    /// The part of what should have arrived that did.
    pub(crate) delivered: f64,
    /// Subscribers that the relay disconnected.
    pub(crate) disconnected: usize,
}

/// Sends `rate` messages a second to each of so many subscribers, for so many seconds.
pub(crate) fn measure(
    relay: &Relay,
    shape: Shape,
    subscriber_count: usize,
    rate: f64,
    seconds: f64,
) -> anyhow::Result<Latency> {
    let protocol = relay.protocol;
    let message_bytes = protocol.delivered_bytes(shape);
    let Connected { publisher, mut subscribers, .. } = connect(relay, shape, subscriber_count, 0)?;
    let start = Instant::now();
    let stopping = Arc::new(AtomicBool::new(false));
    let publisher = thread::spawn({
        let stopping = Arc::clone(&stopping);
        let message = protocol.message(shape, 0);
        move || pace(publisher, protocol, message, rate, start, &stopping)
    });

    let mut arrivals = Arrivals {
        protocol,
        message_bytes,
        start,
        unfinished: vec![Vec::new(); subscriber_count],
        taken: Vec::new(),
    };
    let begin = start + WARM_UP;
    let end = begin + Duration::from_secs_f64(seconds);
    while Instant::now() < end {
        let counts = Instant::now() >= begin;
        subscribers.turn(TURN, |number, bytes, _| {
            arrivals.take(number, bytes, counts);
            Ok(())
        })?;
    }
    stopping.store(true, Ordering::Relaxed);
    while !publisher.is_finished() {
        subscribers.turn(TURN, |number, bytes, _| {
            arrivals.take(number, bytes, false);
            Ok(())
        })?;
    }
    let ended = publisher.join().ok().context("the publisher panicked")?;
    let (published, _publisher) = ended.context("the publisher cannot write")?;
    let expected = published * subscriber_count as u64;
    subscribers.drain(expected * message_bytes as u64)?;

    let mut taken = arrivals.taken;
    taken.sort_unstable();
    ensure!(!taken.is_empty(), "nothing arrived");
    let at = |share: f64| taken[((taken.len() - 1) as f64 * share) as usize] as f64 / 1e3;
    Ok(Latency {
        p50_us: at(0.5),
        p99_us: at(0.99),
        p999_us: at(0.999),
        delivered: subscribers.messages(message_bytes) as f64 / expected as f64,
        disconnected: subscribers.disconnected(),
    })
}

fn nanoseconds(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_nanos()).expect("a measurement takes no centuries")
}

/// Sends at a steady rate until it is to stop. A message that is late is sent at once, and those after it keep their times.
fn pace(
    mut publisher: TcpStream,
    protocol: Protocol,
    mut message: Vec<u8>,
    rate: f64,
    start: Instant,
    stopping: &AtomicBool,
) -> io::Result<(u64, TcpStream)> {
    let mut published = 0;
    while !stopping.load(Ordering::Relaxed) {
        let due = start + Duration::from_secs_f64(published as f64 / rate);
        while let Some(left) = due.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) {
            match left.checked_sub(OVERSLEEP) {
                Some(sleep) => thread::sleep(sleep),
                None => std::hint::spin_loop(),
            }
        }
        protocol.stamp(&mut message, nanoseconds(start));
        publisher.write_all(&message)?;
        published += 1;
    }
    Ok((published, publisher))
}

/// Cuts what comes into messages and looks at their stamps.
struct Arrivals {
    protocol: Protocol,
    message_bytes: usize,
    start: Instant,
    /// For each subscriber, the beginning of a message whose end has not come.
    unfinished: Vec<Vec<u8>>,
    /// Nanoseconds that each message was under way.
    taken: Vec<u64>,
}

impl Arrivals {
    fn take(&mut self, number: usize, bytes: &[u8], counts: bool) {
        let now = nanoseconds(self.start);
        let unfinished = &mut self.unfinished[number];
        unfinished.extend_from_slice(bytes);
        let mut rest = unfinished.as_slice();
        loop {
            if let Some(bytes) = self.protocol.interjection(rest) {
                rest = &rest[bytes..];
            }
            let Some((message, after)) = rest.split_at_checked(self.message_bytes) else { break };
            if counts {
                self.taken.push(now.saturating_sub(self.protocol.read_stamp(message)));
            }
            rest = after;
        }
        let done = unfinished.len() - rest.len();
        unfinished.drain(..done);
    }
}
