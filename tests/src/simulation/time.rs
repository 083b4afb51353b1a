//! Virtual time in microseconds since the beginning.

use std::time::{Duration, Instant};

/// A moment.
pub(super) type Micros = u64;

pub(super) const MILLISECOND: Micros = 1_000;
pub(super) const SECOND: Micros = 1_000_000;

/// Turns moments into what the parts take for the time. They only look at differences.
#[derive(Clone, Copy, Debug)]
pub(super) struct Base(Instant);

impl Base {
    pub(super) fn new() -> Self {
        Self(Instant::now())
    }

    pub(super) fn instant(self, at: Micros) -> Instant {
        self.0 + Duration::from_micros(at)
    }

    /// The first moment that is not before `instant`.
    pub(super) fn micros(self, instant: Instant) -> Micros {
        let since = instant.saturating_duration_since(self.0);
        let micros = Micros::try_from(since.as_micros()).unwrap_or(Micros::MAX);
        if since.subsec_nanos().is_multiple_of(1_000) { micros } else { micros + 1 }
    }
}
