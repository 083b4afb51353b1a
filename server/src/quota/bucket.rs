//! Token buckets, in whole numbers: what is used runs off at a rate, and no fraction of it is lost or won.

use std::time::Duration;

/// How much of something is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// So much of it for each `per`, for as long as one likes.
    pub tokens: u32,
    /// The time that `tokens` are counted over.
    pub per: Duration,
    /// So much of it at once, and again when nothing was used for a while.
    pub burst: u32,
}

/// What was used of a rate and has not run off. Counted in parts of a token, of which a token has as many as `per` has nanoseconds:
/// then `tokens` parts run off in each nanosecond.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Bucket {
    used: u64,
}

impl Rate {
    /// So much a second, and so much at once.
    pub const fn a_second(tokens: u32, burst: u32) -> Self {
        Self { tokens, per: Duration::from_secs(1), burst }
    }

    /// So much a day, all of it at once if one likes.
    pub const fn a_day(tokens: u32) -> Self {
        Self { tokens, per: Duration::from_secs(24 * 3600), burst: tokens }
    }

    /// What so many tokens are in parts. More than the burst counts as the burst: otherwise they would never be let in.
    fn parts(&self, tokens: u32) -> u64 {
        u64::from(tokens.min(self.burst)).saturating_mul(nanoseconds(self.per))
    }

    fn time_for(&self, parts: u64) -> Duration {
        Duration::from_nanos(parts.div_ceil(u64::from(self.tokens.max(1))))
    }
}

impl Bucket {
    /// Time has passed.
    pub(super) fn run_off(&mut self, elapsed: Duration, rate: &Rate) {
        self.used = self.used.saturating_sub(nanoseconds(elapsed).saturating_mul(u64::from(rate.tokens)));
    }

    /// How long until so many tokens can be used; nothing if they can be now.
    pub(super) fn wait_for(&self, tokens: u32, rate: &Rate) -> Duration {
        let wanted = self.used.saturating_add(rate.parts(tokens));
        rate.time_for(wanted.saturating_sub(rate.parts(rate.burst)))
    }

    /// Uses them.
    pub(super) fn take(&mut self, tokens: u32, rate: &Rate) {
        self.used = self.used.saturating_add(rate.parts(tokens));
    }

    /// How long until nothing is left of what was used.
    pub(super) fn recovers_in(&self, rate: &Rate) -> Duration {
        rate.time_for(self.used)
    }
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
