//! How long to wait between attempts to reconnect. No clock: it only says durations.

use std::time::Duration;

use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};

/// Waits that double from the first to the longest, each shortened by up to half at random, so that many clients of one
/// restarted server do not come back all at once.
#[derive(Clone, Debug)]
pub struct Backoff {
    first: Duration,
    max: Duration,
    next: Duration,
    random: SmallRng,
}

impl Backoff {
    /// The same seed gives the same waits.
    pub fn new(first: Duration, max: Duration, seed: u64) -> Self {
        let first = first.min(max);
        Self { first, max, next: first, random: SmallRng::seed_from_u64(seed) }
    }

    /// How long to wait before the next attempt.
    pub fn next_delay(&mut self) -> Duration {
        self.next_delay_up_to(self.max)
    }

    /// The same, with another longest wait.
    pub fn next_delay_up_to(&mut self, max: Duration) -> Duration {
        let longest = self.next.min(max);
        self.next = longest.saturating_mul(2).min(max);
        longest.mul_f64(self.random.random_range(0.5..=1.0))
    }

    /// The connection was good: the next waits are short again.
    pub fn reset(&mut self) {
        self.next = self.first;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Backoff;

    const FIRST: Duration = Duration::from_millis(50);
    const MAX: Duration = Duration::from_millis(300);

    #[test]
    fn waits_double_up_to_the_longest_and_each_loses_up_to_half() {
        for seed in 0..100 {
            let mut backoff = Backoff::new(FIRST, MAX, seed);
            for longest in [50, 100, 200, 300, 300].map(Duration::from_millis) {
                let delay = backoff.next_delay();
                assert!((longest / 2..=longest).contains(&delay), "seed {seed}: {delay:?} of {longest:?}");
            }
            backoff.reset();
            assert!(backoff.next_delay() <= FIRST);
        }
    }

    #[test]
    fn another_longest_wait_holds_for_as_long_as_it_is_asked_for() {
        let (mut backoff, max) = (Backoff::new(FIRST, MAX, 7), 8 * MAX);
        let check = |delay: Duration, longest: Duration| {
            assert!((longest / 2..=longest).contains(&delay), "{delay:?} of {longest:?}");
        };
        for longest in [50, 100, 200, 400, 800, 1600, 2400, 2400].map(Duration::from_millis) {
            check(backoff.next_delay_up_to(max), longest);
        }
        check(backoff.next_delay(), MAX);
    }

    #[test]
    fn a_seed_gives_its_waits_again_and_seeds_differ() {
        let waits = |seed| {
            let mut backoff = Backoff::new(FIRST, MAX, seed);
            [backoff.next_delay(), backoff.next_delay()]
        };
        assert_eq!(waits(7), waits(7));
        assert_ne!(waits(7), waits(8));
    }
}
