//! A publisher that writes as fast as it is let: messages delivered a second, and what each costs the relay.

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
use recado_tests::{
    accounting::{cpu_seconds, peak_resident_mb},
    benchmarks::subscribers::{Subscribers, dial},
};

use crate::{
    relays::Relay,
    wire::{Minor, Protocol, Shape},
};

/// Load that is let pass before anything is counted.
pub(crate) const WARM_UP: Duration = Duration::from_millis(500);

/// Bytes that a publisher hands to one write, where the work says nothing else.
pub(crate) const WRITE_BYTES: usize = 256 * 1024;

/// How long a turn waits at most, so that the clock is looked at.
const TURN: Duration = Duration::from_millis(20);

/// A piece of work.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load {
    /// The messages.
    pub(crate) shape: Shape,
    /// Connections that subscribe, each to one topic, the topics in turn.
    pub(crate) subscribers: usize,
    /// Connections that subscribe and then read nothing.
    pub(crate) stalled: usize,
    /// Bytes that the publisher hands to one write.
    pub(crate) write_bytes: usize,
}

/// What was found.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Throughput {
    /// Messages delivered a second, to all subscribers together.
    pub(crate) per_second: f64,
    /// The relay's processor time for each, in nanoseconds.
    pub(crate) cpu_ns: f64,
    /// The part of what should have arrived that did, those that read nothing left out.
    pub(crate) delivered: f64,
    /// Subscribers that the relay disconnected.
    pub(crate) disconnected: usize,
    /// The most memory that the relay had, in megabytes.
    pub(crate) peak_mb: f64,
}

/// The connections of a piece of work, all of them in force.
pub(crate) struct Connected {
    /// Where messages go in.
    pub(crate) publisher: TcpStream,
    /// Where they come out.
    pub(crate) subscribers: Subscribers,
    /// Connections that nobody reads, kept open.
    _stalled: Vec<TcpStream>,
}

/// Connects everybody and waits until everybody hears.
pub(crate) fn connect(
    relay: &Relay,
    shape: Shape,
    subscribers: usize,
    stalled: usize,
) -> anyhow::Result<Connected> {
    let protocol = relay.protocol;
    let open = |number: usize| -> anyhow::Result<TcpStream> {
        let mut stream = dial(relay.subscribers, number)?;
        protocol.open_subscriber(&mut stream, Minor::Zero, &[shape.topic(number)])?;
        Ok(stream)
    };
    // What one of these has missed nobody can see, so they come first: when the others hear, they would too.
    let stalled = (0..stalled).map(|number| open(subscribers + number)).collect::<Result<_, _>>()?;
    let mut readers = Subscribers::new()?;
    for number in 0..subscribers {
        readers.add(open(number)?)?;
    }
    let mut publisher = dial(relay.publishers, 0)?;
    protocol.open_publisher(&mut publisher)?;
    let one_of_each: Vec<u8> = (0..shape.topics).flat_map(|topic| protocol.message(shape, topic)).collect();
    readers.sound(|| Ok(publisher.write_all(&one_of_each)?))?;
    readers.settle()?;
    Ok(Connected { publisher, subscribers: readers, _stalled: stalled })
}

/// Does the work for so many seconds.
pub(crate) fn measure(relay: &Relay, load: Load, seconds: f64) -> anyhow::Result<Throughput> {
    let shape = load.shape;
    let message_bytes = relay.protocol.delivered_bytes(shape);
    let Connected { publisher, mut subscribers, _stalled } =
        connect(relay, shape, load.subscribers, load.stalled)?;
    let stopping = Arc::new(AtomicBool::new(false));
    let blast = Blast::new(relay.protocol, shape, load.write_bytes);
    let publisher = thread::spawn({
        let stopping = Arc::clone(&stopping);
        move || blast.run(publisher, &stopping)
    });

    run_until(&mut subscribers, Instant::now() + WARM_UP)?;
    let (began, bytes, cpu) = (Instant::now(), subscribers.received(), cpu_seconds(relay.pid())?);
    run_until(&mut subscribers, began + Duration::from_secs_f64(seconds))?;
    let took = began.elapsed().as_secs_f64();
    let messages = (subscribers.received() - bytes) as f64 / message_bytes as f64;
    let cpu = cpu_seconds(relay.pid())? - cpu;

    stopping.store(true, Ordering::Relaxed);
    while !publisher.is_finished() {
        subscribers.turn(TURN, |_, _, _| Ok(()))?;
    }
    let ended = publisher.join().ok().context("the publisher panicked")?;
    let (published, _publisher) = ended.context("the publisher cannot write")?;
    let expected = published * load.subscribers as u64 / shape.topics as u64;
    subscribers.drain(expected * message_bytes as u64)?;
    ensure!(messages > 0.0, "nothing arrived");
    Ok(Throughput {
        per_second: messages / took,
        cpu_ns: cpu * 1e9 / messages,
        delivered: subscribers.messages(message_bytes) as f64 / expected as f64,
        disconnected: subscribers.disconnected(),
        peak_mb: peak_resident_mb(relay.pid())?,
    })
}

fn run_until(subscribers: &mut Subscribers, end: Instant) -> anyhow::Result<()> {
    while Instant::now() < end {
        subscribers.turn(TURN, |_, _, _| Ok(()))?;
    }
    Ok(())
}

/// Messages one after the other, to be written over and over: each topic as often as the others.
struct Blast {
    bytes: Vec<u8>,
    messages: u64,
    write_bytes: usize,
}

impl Blast {
    fn new(protocol: Protocol, shape: Shape, write_bytes: usize) -> Blast {
        let cycle: Vec<u8> = (0..shape.topics).flat_map(|topic| protocol.message(shape, topic)).collect();
        let cycles = WRITE_BYTES.div_ceil(cycle.len());
        Blast { bytes: cycle.repeat(cycles), messages: (cycles * shape.topics) as u64, write_bytes }
    }

    /// Writes until it is to stop, whole rounds of topics only. How many messages these were, and the connection: what is
    /// still under way on it would be lost if it ended now.
    fn run(self, mut publisher: TcpStream, stopping: &AtomicBool) -> io::Result<(u64, TcpStream)> {
        let mut published = 0;
        while !stopping.load(Ordering::Relaxed) {
            for part in self.bytes.chunks(self.write_bytes) {
                publisher.write_all(part)?;
            }
            published += self.messages;
        }
        Ok((published, publisher))
    }
}
