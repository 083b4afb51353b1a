//! Handshakes one after the other on many connections: how many a second, and what each costs the listener.

use std::{
    collections::VecDeque,
    net::SocketAddr,
    time::{Duration, Instant},
};

use anyhow::ensure;
use recado_tests::accounting::cpu_seconds;
use recado_zmtp::{
    codec::SocketType,
    curve::{KeyPair, PublicKey},
};

use crate::{
    connection::Opening,
    crowd::{Begin, Crowd},
};

/// Handshakes under way at a time, each from an address of its own: fewer than anybody's bounds.
const AT_ONCE: usize = 64;

/// Let pass before anything is counted.
const WARM_UP: Duration = Duration::from_millis(250);

/// Handshakes for a second whose beginning is made beforehand. A listener that takes them sooner is measured for a shorter time.
const HANDSHAKES_A_SECOND: f64 = 6e3;

/// The part of the time that must have been measured all the same.
const MEASURED_MIN: f64 = 0.5;

/// How long a turn waits at most, so that the clock is looked at.
const TURN: Duration = Duration::from_millis(20);

/// Whose handshakes they are.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Users {
    /// All one user's.
    One,
    /// Each another one's.
    Each,
}

/// Where hands are shaken.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Listener {
    pub(crate) address: SocketAddr,
    pub(crate) key: PublicKey,
    pub(crate) pid: u32,
    /// What connects there.
    pub(crate) socket_type: SocketType,
}

/// What was found.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Handshakes {
    /// Handshakes a second.
    pub(crate) per_second: f64,
    /// The listener's processor time for each, in microseconds.
    pub(crate) cpu_us: f64,
}

/// Shakes hands for so many seconds.
pub(crate) fn measure(listener: Listener, users: Users, seconds: f64) -> anyhow::Result<Handshakes> {
    let one = KeyPair::generate();
    let count = (HANDSHAKES_A_SECOND * (seconds + WARM_UP.as_secs_f64())) as usize;
    let mut openings = VecDeque::with_capacity(count);
    for _ in 0..count {
        let keys = match users {
            Users::One => one.clone(),
            Users::Each => KeyPair::generate(),
        };
        openings.push_back(Opening::new(listener.socket_type, &keys, listener.key)?);
    }
    let begin = || openings.pop_front().map(|opening| Begin::Handshake(Box::new(opening)));
    let mut crowd = Crowd::new(listener.address, AT_ONCE, AT_ONCE, begin)?;
    let warm = Instant::now() + WARM_UP;
    while Instant::now() < warm {
        crowd.turn(TURN)?;
    }
    let (began, before, cpu) = (Instant::now(), crowd.counts, cpu_seconds(listener.pid)?);
    let end = began + Duration::from_secs_f64(seconds);
    while Instant::now() < end && !crowd.is_empty() {
        crowd.turn(TURN)?;
    }
    let took = began.elapsed().as_secs_f64();
    let cpu = cpu_seconds(listener.pid)? - cpu;
    let done = (crowd.counts.done - before.done) as f64;
    ensure!(took > seconds * MEASURED_MIN, "too few handshakes were made ready: they lasted {took:.2} s");
    ensure!(done > 0.0, "no handshake was done");
    let failed = crowd.counts.ended - crowd.counts.done;
    ensure!(failed == 0, "{failed} handshakes failed, {} did not", crowd.counts.done);
    Ok(Handshakes { per_second: done / took, cpu_us: cpu * 1e6 / done })
}
