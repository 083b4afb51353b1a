//! Lamport's logical clock. It knows nothing of the time of day.

use crate::limits::{CLOCK_RECEIVED_MAX, COUNTER_MAX};

/// Counts events so that what was caused has a larger number than its cause
/// (L. Lamport, "Time, Clocks, and the Ordering of Events in a Distributed System", 1978).
/// Stays at [`COUNTER_MAX`] once there, rather than wrap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LamportClock(u64);

impl LamportClock {
    /// A clock that goes on from `value`, for instance from a stored one.
    pub const fn starting_at(value: u64) -> Self {
        Self(if value > COUNTER_MAX { COUNTER_MAX } else { value })
    }

    /// The number last sent or seen.
    pub const fn value(self) -> u64 {
        self.0
    }

    /// Raised by one before each send; the number to send.
    pub fn tick(&mut self) -> u64 {
        *self = Self::starting_at(self.0 + 1);
        self.0
    }

    /// Raised to what was received, if that is larger, and not above [`CLOCK_RECEIVED_MAX`].
    pub fn observe(&mut self, received: u64) {
        if received <= CLOCK_RECEIVED_MAX {
            self.0 = self.0.max(received);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::LamportClock;
    use crate::limits::{CLOCK_RECEIVED_MAX, COUNTER_MAX};

    #[test]
    fn sends_are_later_than_what_was_received() {
        let mut clock = LamportClock::default();
        assert_eq!(clock.tick(), 1);
        clock.observe(41);
        assert_eq!(clock.tick(), 42);
        clock.observe(7);
        assert_eq!(clock.tick(), 43);
    }

    #[test]
    fn the_largest_number_is_not_passed() {
        let mut clock = LamportClock::default();
        clock.observe(u64::MAX);
        assert_eq!(clock.tick(), 1, "not believed");
        clock.observe(CLOCK_RECEIVED_MAX);
        assert_eq!(clock.tick(), CLOCK_RECEIVED_MAX + 1);
        assert_eq!(LamportClock::starting_at(u64::MAX).value(), COUNTER_MAX);
    }
}
