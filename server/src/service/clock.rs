//! The server's Lamport clock, shared by the threads that send and receive.

use std::sync::atomic::{AtomicU64, Ordering};

use recado_proto::limits::{CLOCK_RECEIVED_MAX, COUNTER_MAX};

/// Raised by one before each send, and to the larger of the two on receipt, up to [`CLOCK_RECEIVED_MAX`].
#[derive(Debug)]
pub(super) struct Clock(AtomicU64);

impl Clock {
    /// A clock that goes on from `value`.
    pub(super) fn starting_at(value: u64) -> Self {
        Self(AtomicU64::new(value.min(COUNTER_MAX)))
    }

    /// What was received.
    pub(super) fn observe(&self, received: Option<u64>) {
        if let Some(received) = received.filter(|received| *received <= CLOCK_RECEIVED_MAX) {
            self.0.fetch_max(received, Ordering::Relaxed);
        }
    }

    /// What to send.
    pub(super) fn tick(&self) -> u64 {
        // Far from the type's own end: 2^63 sends after the bound it would still not wrap.
        (self.0.fetch_add(1, Ordering::Relaxed) + 1).min(COUNTER_MAX)
    }

    /// What was sent or seen last.
    pub(super) fn value(&self) -> u64 {
        self.0.load(Ordering::Relaxed).min(COUNTER_MAX)
    }
}

#[cfg(test)]
mod tests {
    use recado_proto::limits::CLOCK_RECEIVED_MAX;

    use super::Clock;

    #[test]
    fn what_is_sent_is_later_than_what_was_received() {
        let clock = Clock::starting_at(5);
        assert_eq!(clock.tick(), 6);
        clock.observe(Some(40));
        clock.observe(Some(7));
        clock.observe(None);
        assert_eq!(clock.tick(), 41);
        clock.observe(Some(u64::MAX));
        assert_eq!(clock.tick(), 42, "not believed");
        clock.observe(Some(CLOCK_RECEIVED_MAX));
        assert_eq!((clock.tick(), clock.value()), (CLOCK_RECEIVED_MAX + 1, CLOCK_RECEIVED_MAX + 1));
    }
}
