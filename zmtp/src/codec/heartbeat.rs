//! When to PING a peer and when to take it for dead (RFC 37, "Connection Heartbeating"). Time is an argument.

use std::time::{Duration, Instant};

use super::version::Version;

/// What is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beat {
    /// Nothing: ask again at [`Heartbeat::deadline`].
    Quiet,
    /// Send a PING that announces this TTL.
    Ping(Duration),
    /// The peer answered no PING in time, or was silent for longer than it had promised: close.
    Dead,
}

/// The heartbeat of one connection.
///
/// A deadline is only ever moved by [`poll`](Self::poll) and [`ping_received`](Self::ping_received), so that a busy
/// connection costs no timer and no look at a clock for each message.
#[derive(Clone, Debug)]
pub struct Heartbeat {
    interval: Duration,
    timeout: Duration,
    next_ping: Option<Instant>,
    answer_due: Option<Instant>,
    promise_ends: Option<Instant>,
}

impl Heartbeat {
    /// A PING each `interval` (none if `None` or zero, or to a peer before 3.1), and death when nothing at all has come for
    /// `timeout` after one. A peer's own TTL is honoured in any case.
    pub fn new(interval: Option<Duration>, timeout: Duration, peer: Version, now: Instant) -> Self {
        let interval = interval.filter(|interval| peer.has_commands() && !interval.is_zero());
        Self {
            interval: interval.unwrap_or_default(),
            timeout,
            next_ping: interval.map(|interval| now + interval),
            answer_due: None,
            promise_ends: None,
        }
    }

    /// Some bytes came: the peer lives.
    #[inline]
    pub fn heard(&mut self) {
        self.answer_due = None;
        self.promise_ends = None;
    }

    /// What was sent does not leave, as the peer reads nothing now: that it answers no PING proves nothing.
    #[inline]
    pub fn unanswerable(&mut self) {
        self.answer_due = None;
    }

    /// A PING with this TTL came (to be answered by the caller); zero promises nothing.
    pub fn ping_received(&mut self, ttl: Duration, now: Instant) {
        self.promise_ends = Some(ttl).filter(|ttl| !ttl.is_zero()).map(|ttl| now + ttl);
    }

    /// When [`poll`](Self::poll) has something to say next.
    pub fn deadline(&self) -> Option<Instant> {
        [self.next_ping, self.answer_due, self.promise_ends].into_iter().flatten().min()
    }

    /// What is due at `now`.
    pub fn poll(&mut self, now: Instant) -> Beat {
        let passed = |deadline: Option<Instant>| deadline.is_some_and(|deadline| deadline <= now);
        if passed(self.answer_due) || passed(self.promise_ends) {
            return Beat::Dead;
        }
        if !passed(self.next_ping) {
            return Beat::Quiet;
        }
        self.next_ping = Some(now + self.interval);
        self.answer_due = self.answer_due.or(Some(now + self.timeout));
        // Whoever honours it hears the next PING before it ends, even if that one is late.
        Beat::Ping(self.interval + self.timeout)
    }
}
