//! A publisher that writes as fast as it is let what was sealed beforehand: messages delivered a second, and what each costs the relay.

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
use bytes::BytesMut;
use recado_tests::{
    accounting::cpu_seconds,
    benchmarks::subscribers::{PATIENCE, Subscribers, dial},
};
use recado_zmtp::{
    codec::SocketType,
    curve::{Channel, KeyPair},
};

use crate::{
    connection::{Connection, message, open, seal},
    publisher::Publisher,
    relays::Relay,
};

/// Load that is let pass before anything is counted.
pub(crate) const WARM_UP: Duration = Duration::from_millis(500);

/// Bytes that the publisher hands to one write, or a little less: whole messages.
const WRITE_BYTES: usize = 256 * 1024;

/// How long a turn waits at most, so that the clock is looked at.
const TURN: Duration = Duration::from_millis(20);

/// The one topic.
const TOPIC: &[u8] = b"geral";

/// Messages sealed at a time.
const SEALED_AT_ONCE: usize = 1000;

/// Messages for a second that are sealed beforehand. Who takes them sooner is measured for a shorter time.
const MESSAGES_A_SECOND: f64 = 1.5e6;

/// The part of the time that must have been measured all the same.
const MEASURED_MIN: f64 = 0.5;

/// Messages that are opened and compared after the clock has stopped: so many at a time, which no relay drops, and so many times.
const VERIFIED_AT_ONCE: usize = 500;
const VERIFIED_TIMES: usize = 10;

/// A piece of work.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load {
    /// Bytes of a message's body; the topic is a frame of its own.
    pub(crate) body_bytes: usize,
    /// Connections that subscribe.
    pub(crate) subscribers: usize,
}

/// What was found.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Throughput {
    /// Messages delivered a second, to all subscribers together.
    pub(crate) per_second: f64,
    /// The relay's processor time for each, in nanoseconds.
    pub(crate) cpu_ns: f64,
    /// The part of what should have arrived that did.
    pub(crate) delivered: f64,
    /// Subscribers that the relay disconnected.
    pub(crate) disconnected: usize,
}

/// Does the work for so many seconds, and then shows that what arrives is what was published.
pub(crate) fn measure(relay: &Relay, load: Load, seconds: f64) -> anyhow::Result<Throughput> {
    let (mut publisher, mut subscribers, channels) = connect(relay, load)?;
    let plain = message(&[TOPIC, &vec![b'x'; load.body_bytes]]);
    let count = MESSAGES_A_SECOND * (seconds + WARM_UP.as_secs_f64()) / (load.subscribers as f64).sqrt();
    let blast = Blast::seal(&mut publisher.connection.channel, &plain, count as usize)?;
    let message_bytes = blast.message_bytes;

    let stopping = Arc::new(AtomicBool::new(false));
    let mut stream = publisher.connection.stream.try_clone()?;
    let writing = thread::spawn({
        let stopping = Arc::clone(&stopping);
        move || blast.run(&mut stream, &stopping)
    });
    let run_until = |subscribers: &mut Subscribers, end: Instant| -> anyhow::Result<()> {
        while Instant::now() < end && !writing.is_finished() {
            subscribers.turn(TURN, |_, _, _| Ok(()))?;
        }
        Ok(())
    };
    run_until(&mut subscribers, Instant::now() + WARM_UP)?;
    let (began, bytes, cpu) = (Instant::now(), subscribers.received(), cpu_seconds(relay.pid())?);
    run_until(&mut subscribers, began + Duration::from_secs_f64(seconds))?;
    let took = began.elapsed().as_secs_f64();
    let messages = (subscribers.received() - bytes) as f64 / message_bytes as f64;
    let cpu = cpu_seconds(relay.pid())? - cpu;
    ensure!(took > seconds * MEASURED_MIN, "too few messages were sealed: they lasted {took:.2} s");

    stopping.store(true, Ordering::Relaxed);
    while !writing.is_finished() {
        subscribers.turn(TURN, |_, _, _| Ok(()))?;
    }
    let written = writing.join().ok().context("the publisher panicked")?;
    let published = written.context("the publisher cannot write")?;
    let expected = published * load.subscribers as u64;
    subscribers.drain(expected * message_bytes as u64)?;
    ensure!(messages > 0.0, "nothing arrived");
    let found = Throughput {
        per_second: messages / took,
        cpu_ns: cpu * 1e9 / messages,
        delivered: subscribers.messages(message_bytes) as f64 / expected as f64,
        disconnected: subscribers.disconnected(),
    };
    verify(&mut publisher, &mut subscribers, channels, load)?;
    Ok(found)
}

/// Connects everybody and waits until everybody hears. What opens each subscriber's messages comes beside.
fn connect(relay: &Relay, load: Load) -> anyhow::Result<(Publisher, Subscribers, Vec<Channel>)> {
    let sounding = message(&[TOPIC, &vec![b'x'; load.body_bytes]]);
    let answering = Publisher::connect(relay)?.in_background(sounding);
    let user = KeyPair::generate();
    let (mut subscribers, mut channels) = (Subscribers::new()?, Vec::new());
    for number in 0..load.subscribers {
        let stream = dial(relay.subscribers, number)?;
        let mut connection = Connection::open(stream, SocketType::Sub, &user, relay.key)?;
        connection.send(&message(&[&[b"\x01", TOPIC].concat()]))?;
        subscribers.add(connection.stream)?;
        channels.push(connection.channel);
    }
    subscribers.sound(|| Ok(()))?;
    let publisher = answering.stop()?;
    subscribers.settle()?;
    Ok((publisher, subscribers, channels))
}

/// Messages one after the other, sealed for one connection.
struct Blast {
    bytes: BytesMut,
    message_bytes: usize,
}

impl Blast {
    fn seal(channel: &mut Channel, plain: &[u8], count: usize) -> anyhow::Result<Blast> {
        let mut bytes = BytesMut::new();
        let rounds = count.div_ceil(SEALED_AT_ONCE);
        let some = plain.repeat(SEALED_AT_ONCE);
        for _ in 0..rounds {
            seal(channel, &some, &mut bytes)?;
        }
        let message_bytes = bytes.len() / (rounds * SEALED_AT_ONCE);
        Ok(Blast { bytes, message_bytes })
    }

    /// Writes until it is to stop, or has written all. How many messages these were.
    fn run(self, stream: &mut TcpStream, stopping: &AtomicBool) -> io::Result<u64> {
        let mut published = 0;
        for part in self.bytes.chunks(WRITE_BYTES / self.message_bytes * self.message_bytes) {
            if stopping.load(Ordering::Relaxed) {
                break;
            }
            stream.write_all(part)?;
            published += (part.len() / self.message_bytes) as u64;
        }
        Ok(published)
    }
}

/// Publishes messages that differ and opens what each subscriber gets of them: it has to be all of them, in order.
fn verify(
    publisher: &mut Publisher,
    subscribers: &mut Subscribers,
    mut channels: Vec<Channel>,
    load: Load,
) -> anyhow::Result<()> {
    let body = |number: usize| format!("{number:0width$}", width = load.body_bytes).into_bytes();
    let mut inbound = vec![BytesMut::new(); channels.len()];
    let mut heard = vec![0_usize; channels.len()];
    for time in 0..VERIFIED_TIMES {
        let numbers = time * VERIFIED_AT_ONCE..(time + 1) * VERIFIED_AT_ONCE;
        let end = numbers.end;
        let plain: Vec<u8> = numbers.flat_map(|number| message(&[TOPIC, &body(number)])).collect();
        publisher.connection.send(&plain)?;
        let deadline = Instant::now() + PATIENCE;
        while heard.iter().any(|&heard| heard < 2 * end) {
            ensure!(Instant::now() < deadline, "of what was published, not all arrives: {heard:?} frames");
            subscribers.turn(TURN, |who, bytes, _| {
                inbound[who].extend_from_slice(bytes);
                open(&mut channels[who], &mut inbound[who], |header, frame| {
                    let is_topic = heard[who].is_multiple_of(2);
                    let due = if is_topic { TOPIC.to_vec() } else { body(heard[who] / 2) };
                    ensure!(header.more == is_topic && frame == due, "another message arrives");
                    heard[who] += 1;
                    Ok(())
                })
            })?;
        }
    }
    Ok(())
}
