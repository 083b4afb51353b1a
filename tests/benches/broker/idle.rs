//! Many subscribers to whom nothing is published: what they cost the relay while they only answer its heartbeats.

use std::time::{Duration, Instant};

use anyhow::ensure;
use recado_tests::{
    accounting::{cpu_seconds, resident_mb},
    benchmarks::subscribers::{Subscribers, dial},
};

use crate::{
    relays::Relay,
    wire::{Minor, heartbeat_answers},
};

/// The relay may still be busy with the last connections.
const SETTLE: Duration = Duration::from_secs(1);

/// How long a turn waits at most, so that the clock is looked at.
const TURN: Duration = Duration::from_millis(100);

/// What was found.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Idle {
    /// Memory of the relay in megabytes.
    pub(crate) resident_mb: f64,
    /// Its processor time, in hundredths of one core.
    pub(crate) cpu_percent: f64,
    /// Heartbeats that were answered.
    pub(crate) answered: usize,
}

/// Connects this many, each to a topic that all share and to one of its own, and watches the relay for so many seconds.
pub(crate) fn measure(relay: &Relay, count: usize, minor: Minor, seconds: f64) -> anyhow::Result<Idle> {
    let mut subscribers = Subscribers::new()?;
    for number in 0..count {
        let mut stream = dial(relay.subscribers, number)?;
        let topics = ["geral".to_owned(), format!("user-{number:06}")];
        relay.protocol.open_subscriber(&mut stream, minor, &topics)?;
        subscribers.add(stream)?;
    }
    let mut answered = 0;
    let mut until = |end: Instant| -> anyhow::Result<()> {
        while Instant::now() < end {
            subscribers.turn(TURN, |_, bytes, stream| {
                let (answer, count) = heartbeat_answers(relay.protocol, bytes)?;
                answered += count;
                Ok(stream.write_all(&answer)?)
            })?;
        }
        Ok(())
    };
    until(Instant::now() + SETTLE)?;
    let (began, cpu) = (Instant::now(), cpu_seconds(relay.pid())?);
    until(began + Duration::from_secs_f64(seconds))?;
    let cpu_percent = (cpu_seconds(relay.pid())? - cpu) / began.elapsed().as_secs_f64() * 100.0;
    ensure!(subscribers.disconnected() == 0, "{} of {count} were disconnected", subscribers.disconnected());
    Ok(Idle { resident_mb: resident_mb(relay.pid())?, cpu_percent, answered })
}
