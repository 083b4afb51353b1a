//! How fast one session may ask for history, whatever is published to make it ask.

use std::time::{Duration, Instant};

use crate::limits;

/// A bucket of [`limits::FETCHES_BURST`] tokens, filled with [`limits::FETCHES_PER_SECOND`]. It is kept as the time at which it
/// would be full again (the generic cell rate algorithm).
#[derive(Debug, Default)]
pub(super) struct Pace {
    full_at: Option<Instant>,
}

impl Pace {
    /// That time, or when the next token is there, if that is later.
    pub(super) fn not_before(&self, due: Instant) -> Instant {
        let ready_at =
            self.full_at.and_then(|full_at| full_at.checked_sub(INTERVAL * (limits::FETCHES_BURST - 1)));
        ready_at.map_or(due, |ready_at| ready_at.max(due))
    }

    /// Takes a token, which is there.
    pub(super) fn take(&mut self, now: Instant) {
        self.full_at = Some(self.full_at.map_or(now, |full_at| full_at.max(now)) + INTERVAL);
    }
}

const INTERVAL: Duration = Duration::from_micros(1_000_000 / limits::FETCHES_PER_SECOND as u64);

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use crate::limits;

    use super::Pace;

    #[test]
    fn a_burst_is_free_and_then_so_many_a_second() {
        let start = Instant::now();
        let mut pace = Pace::default();
        for _ in 0..limits::FETCHES_BURST {
            assert_eq!(pace.not_before(start), start);
            pace.take(start);
        }
        let mut now = start;
        for _ in 0..limits::FETCHES_PER_SECOND {
            assert!(pace.not_before(now) > now);
            now = pace.not_before(now);
            pace.take(now);
        }
        assert_eq!(now - start, Duration::from_secs(1));
    }

    #[test]
    fn what_is_not_used_does_not_add_up_beyond_a_burst() {
        let mut now = Instant::now();
        let mut pace = Pace::default();
        pace.take(now);
        now += Duration::from_secs(3_600);
        for _ in 0..limits::FETCHES_BURST {
            assert_eq!(pace.not_before(now), now);
            pace.take(now);
        }
        assert!(pace.not_before(now) > now);
    }
}
