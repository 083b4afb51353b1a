//! Counters of a socket, and how often misbehaving peers may fill the log.

use std::fmt::Display;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use crate::limits;
use crate::lock::lock;

/// What a socket has counted since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SocketStats {
    /// Connections at present, handshake done.
    pub connections: usize,
    /// Connections to us that were closed before their handshake was done: too many, too slow, or no ZMTP.
    pub refused: u64,
    /// Connections that were closed because the peer broke the protocol or passed a limit.
    pub broken: u64,
    /// Messages dropped because a queue was full ([`Publisher::try_send`](crate::Publisher::try_send)), one for each
    /// peer that would have had it.
    pub dropped: u64,
    /// Messages that were in a queue, or partly written, when their connection ended. Dealer sends the former again.
    pub lost: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) refused: Counter,
    pub(crate) broken: Counter,
    pub(crate) dropped: Counter,
    pub(crate) lost: Counter,
}

#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, count: usize) {
        self.0.fetch_add(count as u64, Ordering::Relaxed);
    }

    fn value(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Counters {
    pub(crate) fn snapshot(&self, connections: usize) -> SocketStats {
        SocketStats {
            connections,
            refused: self.refused.value(),
            broken: self.broken.value(),
            dropped: self.dropped.value(),
            lost: self.lost.value(),
        }
    }
}

/// One log line at most a second about peers that misbehave (or a system that accepts none), which says how many it
/// left out.
#[derive(Debug, Default)]
pub(crate) struct Complaints(Mutex<Told>);

#[derive(Debug, Default)]
struct Told {
    last: Option<Instant>,
    left_out: u64,
}

impl Complaints {
    pub(crate) fn about(&self, subject: &dyn Display, complaint: &dyn Display) {
        let now = Instant::now();
        let interval = Duration::from_millis(limits::COMPLAINT_INTERVAL_MS);
        let mut told = lock(&self.0);
        if told.last.is_some_and(|last| now - last < interval) {
            told.left_out += 1;
            return;
        }
        told.last = Some(now);
        let left_out = std::mem::take(&mut told.left_out);
        drop(told);
        tracing::warn!(%subject, left_out, "{complaint}");
    }
}
