//! A moment as people write it for `--since`, `--before` and in searches: how long ago, or a date with or without a time.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use thiserror::Error;

use crate::duration;

/// Why a text is no moment.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "{0:?} is no moment: write how long ago (30m, 1h), a date (2026-01-31), or a time (2026-01-31T12:00:00Z)"
)]
pub struct WhenError(String);

impl WhenError {
    /// What was written.
    pub(crate) fn text(&self) -> &str {
        &self.0
    }
}

/// A moment that may be counted from now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum When {
    /// So many milliseconds ago.
    Ago(i64),
    /// In Unix milliseconds.
    At(i64),
}

impl When {
    /// In Unix milliseconds.
    pub fn as_ms(&self, now_ms: i64) -> i64 {
        match self {
            When::Ago(ms) => now_ms.saturating_sub(*ms),
            When::At(ms) => *ms,
        }
    }
}

/// Reads it; a date or time without a zone is in the local one.
pub(crate) fn parse(text: &str) -> Result<When, WhenError> {
    parse_in(text, TimeZone::system)
}

fn parse_in(text: &str, zone: impl FnOnce() -> TimeZone) -> Result<When, WhenError> {
    if let Ok(ago) = duration::parse(text.trim().strip_suffix(" ago").unwrap_or(text)) {
        return Ok(When::Ago(i64::try_from(ago.as_millis()).unwrap_or(i64::MAX)));
    }
    if let Ok(at) = text.trim().parse::<Timestamp>() {
        return Ok(When::At(at.as_millisecond()));
    }
    let local = text.trim().parse::<DateTime>().ok().and_then(|local| local.to_zoned(zone()).ok());
    local.map(|at| When::At(at.timestamp().as_millisecond())).ok_or_else(|| WhenError(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use jiff::tz::{TimeZone, offset};

    use super::{When, parse_in};

    fn check(text: &str, expect: Option<When>) {
        assert_eq!(parse_in(text, || TimeZone::fixed(offset(-3))).ok(), expect, "{text}");
    }

    #[test]
    fn a_moment_is_a_time_ago_a_date_or_a_time() {
        check("1h", Some(When::Ago(3_600_000)));
        check(" 1h ago ", Some(When::Ago(3_600_000)));
        check("1970-01-01T00:00:01Z", Some(When::At(1_000)));
        check("1970-01-01T00:00:01", Some(When::At(10_801_000)));
        check("1970-01-01", Some(When::At(10_800_000)));
    }

    #[test]
    fn anything_else_is_refused() {
        for text in ["", "ago", "2026-01-01 ago", "yesterday", "1", "-1h", "2026-13-01", "1h30"] {
            check(text, None);
        }
    }
}
