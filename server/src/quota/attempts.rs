//! Attempts to get in by something secret, with a delay that grows with those that failed.

use std::time::{Duration, Instant};

/// How failed attempts are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// Failures that cost nothing: people mistype.
    pub free: u32,
    /// The delay after the first failure beyond these; each further one doubles it.
    pub delay_first: Duration,
    /// The longest delay.
    pub delay_max: Duration,
    /// All failures are forgotten when the last one was so long ago.
    pub forgotten_after: Duration,
}

/// The attempts of one user or address.
#[derive(Clone, Copy, Debug)]
pub(super) struct Attempts {
    failures: u32,
    last: Instant,
}

impl Patience {
    fn delay_after(&self, failures: u32) -> Duration {
        match failures.checked_sub(self.free) {
            None | Some(0) => Duration::ZERO,
            Some(beyond) => self.delay_first.saturating_mul(1 << (beyond - 1).min(20)).min(self.delay_max),
        }
    }
}

impl Attempts {
    pub(super) fn new(now: Instant) -> Self {
        Self { failures: 0, last: now }
    }

    /// How long until the next attempt may be made; nothing if it may be now.
    pub(super) fn wait(&self, now: Instant, patience: &Patience) -> Duration {
        (self.last + patience.delay_after(self.failures)).saturating_duration_since(now)
    }

    /// An attempt begins. It counts as failed until it has succeeded: otherwise any number of them could be under way at once.
    pub(super) fn begin(&mut self, now: Instant, patience: &Patience) {
        if now >= self.forgotten_at(patience) {
            self.failures = 0;
        }
        self.failures = self.failures.saturating_add(1);
        self.last = now;
    }

    /// One that was begun succeeded. Those that failed before it still count, or one account would buy guesses at others.
    pub(super) fn succeeded(&mut self) {
        self.failures = self.failures.saturating_sub(1);
    }

    /// When nothing is left to remember.
    pub(super) fn forgotten_at(&self, patience: &Patience) -> Instant {
        if self.failures == 0 { self.last } else { self.last + patience.forgotten_after }
    }
}
