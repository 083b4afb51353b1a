//! Log lines about peers that misbehave: one of a kind at an interval, with how many were left out. A flood of bad connections
//! must not become a flood of lines.

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tracing::warn;

use crate::limits::LOG_INTERVAL_MS;

/// One kind of complaint, of all workers together.
#[derive(Debug, Default)]
pub(super) struct Complaints(Mutex<Said>);

#[derive(Debug, Default)]
struct Said {
    last: Option<Instant>,
    left_out: u64,
}

impl Complaints {
    pub(super) fn say(&self, what: &str, peer: impl fmt::Display, why: impl fmt::Display, now: Instant) {
        if let Some(left_out) = self.due(now) {
            warn!(%peer, %why, left_out, "{what}");
        }
    }

    /// How many were left out since the last one, if one may be said now.
    fn due(&self, now: Instant) -> Option<u64> {
        let interval = Duration::from_millis(LOG_INTERVAL_MS);
        let mut said = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if said.last.is_some_and(|last| now.saturating_duration_since(last) < interval) {
            said.left_out += 1;
            return None;
        }
        said.last = Some(now);
        Some(std::mem::take(&mut said.left_out))
    }
}

#[cfg(test)]
mod tests {
    use super::{Complaints, Duration, Instant, LOG_INTERVAL_MS};

    #[test]
    fn one_line_an_interval_says_how_many_were_left_out() {
        let (complaints, start) = (Complaints::default(), Instant::now());
        let after = |ms| start + Duration::from_millis(ms);
        assert_eq!(complaints.due(start), Some(0));
        assert_eq!(complaints.due(after(1)), None);
        assert_eq!(complaints.due(after(LOG_INTERVAL_MS - 1)), None);
        assert_eq!(complaints.due(after(LOG_INTERVAL_MS)), Some(2));
        assert_eq!(complaints.due(after(3 * LOG_INTERVAL_MS)), Some(0));
    }
}
