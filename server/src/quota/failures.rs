//! Attempts to get in that failed, as whoever runs the server is told of them: of each address the first one, and again whenever they have
//! doubled; and of all together so many lines in a minute. So neither one who goes on for long nor many who try once fill a log.

use core::net::IpAddr;
use std::time::Instant;

use super::network;
use super::table::Table;
use crate::limits::{ADDRESS_ATTEMPTS, FAILURE_LINES_A_MINUTE_MAX, MINUTE, QUOTA_ENTRIES_MAX};

/// What failed so far, and what was told of it.
#[derive(Clone, Debug)]
pub struct Failures {
    /// Whoever comes over `ipc://` counts as one.
    addresses: Table<Option<IpAddr>, Failed>,
    minute_began: Instant,
    told_in_minute: u32,
    left_out: u64,
}

#[derive(Clone, Copy, Debug)]
struct Failed {
    count: u64,
    last: Instant,
}

/// What is to be told of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Told {
    /// How many failed from its address, until nothing failed for a while.
    pub failed: u64,
    /// How often something was to be told since the last time, and was not.
    pub left_out: u64,
}

impl Failures {
    /// None so far.
    pub fn new(now: Instant) -> Self {
        Self { addresses: Table::new(QUOTA_ENTRIES_MAX), minute_began: now, told_in_minute: 0, left_out: 0 }
    }

    /// One more failed. What is to be told of it, if anything is.
    pub fn failed(&mut self, address: Option<IpAddr>, now: Instant) -> Option<Told> {
        let forgotten_at = |failed: &Failed| failed.last + ADDRESS_ATTEMPTS.forgotten_after;
        let none = || Failed { count: 0, last: now };
        let failed = self.addresses.entry(&address.map(network), now, none, forgotten_at);
        let before = if now >= forgotten_at(failed) { 0 } else { failed.count };
        *failed = Failed { count: before.saturating_add(1), last: now };
        let failed = failed.count;
        if !failed.is_power_of_two() {
            return None;
        }
        if now.saturating_duration_since(self.minute_began) >= MINUTE {
            (self.minute_began, self.told_in_minute) = (now, 0);
        }
        if self.told_in_minute >= FAILURE_LINES_A_MINUTE_MAX {
            self.left_out += 1;
            return None;
        }
        self.told_in_minute += 1;
        Some(Told { failed, left_out: std::mem::take(&mut self.left_out) })
    }
}

#[cfg(test)]
mod tests {
    use core::net::IpAddr;
    use std::time::{Duration, Instant};

    use super::{Failures, Told};
    use crate::limits::{ADDRESS_ATTEMPTS, FAILURE_LINES_A_MINUTE_MAX, MINUTE};

    fn address(number: u32) -> Option<IpAddr> {
        Some(IpAddr::V4(number.into()))
    }

    #[test]
    fn of_an_address_the_first_failure_is_told_and_every_doubling() {
        let now = Instant::now();
        let mut failures = Failures::new(now);
        let mut told = |address, now| failures.failed(address, now).map(|told| told.failed);
        let counts: Vec<_> = (0..20).filter_map(|_| told(address(1), now)).collect();
        assert_eq!(counts, [1, 2, 4, 8, 16]);
        assert_eq!((told(address(2), now), told(None, now)), (Some(1), Some(1)), "each has its own count");
        let later = now + ADDRESS_ATTEMPTS.forgotten_after;
        assert_eq!(told(address(1), later), Some(1), "what is long ago is forgotten");
    }

    #[test]
    fn many_addresses_do_not_fill_the_log() {
        let now = Instant::now();
        let mut failures = Failures::new(now);
        let told = (0..2 * FAILURE_LINES_A_MINUTE_MAX).filter_map(|it| failures.failed(address(it), now));
        assert_eq!(told.count(), FAILURE_LINES_A_MINUTE_MAX as usize);
        let in_time = now + MINUTE.saturating_sub(Duration::from_millis(1));
        assert_eq!(failures.failed(address(u32::MAX), in_time), None);
        let left_out = u64::from(FAILURE_LINES_A_MINUTE_MAX) + 1;
        assert_eq!(failures.failed(None, now + MINUTE), Some(Told { failed: 1, left_out }));
    }
}
