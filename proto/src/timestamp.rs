//! Times of day on the wire: whole Unix seconds out, nearly anything in.

use std::str;
use std::time::{SystemTime, UNIX_EPOCH};

use jiff::civil::DateTime;
use jiff::tz::Offset;

use crate::limits::TIMESTAMP_TEXT_BYTES_MAX;
use crate::wire::Value;

/// Whole seconds since 1970-01-01 00:00 UTC, less than 10^11 of them (until the year 5138), so that nobody takes them for
/// milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// Numbers beyond this are milliseconds: as seconds they would be after the year 5138, as milliseconds they are from 1973.
const SECONDS_MAX: i64 = 99_999_999_999;
/// MessagePack's own extension type for times.
const EXTENSION: i8 = -1;

impl Timestamp {
    /// The system's clock.
    pub fn now() -> Self {
        let seconds = match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(since) => i64::try_from(since.as_secs()).unwrap_or(SECONDS_MAX),
            Err(_) => 0,
        };
        Self::from_seconds(seconds)
    }

    /// These seconds, or the nearest that can be sent.
    pub const fn from_seconds(seconds: i64) -> Self {
        if seconds > SECONDS_MAX {
            Self(SECONDS_MAX)
        } else if seconds < -SECONDS_MAX {
            Self(-SECONDS_MAX)
        } else {
            Self(seconds)
        }
    }

    /// Seconds since 1970-01-01 00:00 UTC.
    pub const fn as_seconds(self) -> i64 {
        self.0
    }

    /// The time in UTC as ISO 8601 writes it, for people; its seconds if it is beyond the calendar.
    pub fn to_text(self) -> String {
        let seconds = self.as_seconds();
        jiff::Timestamp::from_second(seconds)
            .map_or_else(|_| seconds.to_string(), |instant| instant.to_string())
    }

    /// Seconds, or milliseconds if the number is 10^11 or more, rounded down. `None` if it is 10^14 or more.
    pub fn from_number(number: i64) -> Option<Self> {
        Self::within_bounds(number).or_else(|| Self::within_bounds(number.div_euclid(1000)))
    }

    /// As [`Timestamp::from_number`], rounded down. `None` if it is not finite.
    pub fn from_float(number: f64) -> Option<Self> {
        // The cast is exact within the range that `from_number` takes, saturates outside, and makes 0 of NaN.
        if number.is_finite() { Self::from_number(number.floor() as i64) } else { None }
    }

    /// ISO 8601, as RFC 3339 and RFC 9557 write it, in any precision. Without a zone it is taken as UTC.
    /// `None` if it is none, or over [`TIMESTAMP_TEXT_BYTES_MAX`].
    pub fn from_text(text: &str) -> Option<Self> {
        if text.len() > TIMESTAMP_TEXT_BYTES_MAX {
            return None;
        }
        let text = text.trim();
        let instant = match text.parse::<jiff::Timestamp>() {
            Ok(instant) => instant,
            Err(_) => Offset::UTC.to_timestamp(text.parse::<DateTime>().ok()?).ok()?,
        };
        Self::within_bounds(instant.as_nanosecond().div_euclid(1_000_000_000).try_into().ok()?)
    }

    /// `None` for anything that cannot be understood, which counts as absent.
    pub(crate) fn from_wire(value: Value<'_>) -> Option<Self> {
        match value {
            Value::Unsigned(number) => Self::from_number(number.try_into().ok()?),
            Value::Negative(number) => Self::from_number(number),
            Value::Float(number) => Self::from_float(number),
            Value::Text(bytes) if bytes.len() <= TIMESTAMP_TEXT_BYTES_MAX => {
                Self::from_text(str::from_utf8(bytes).ok()?)
            }
            Value::Extension(EXTENSION, bytes) => from_extension(bytes),
            Value::Nil
            | Value::Boolean(_)
            | Value::Text(_)
            | Value::Extension(..)
            | Value::Array(_)
            | Value::Map(_) => None,
        }
    }

    fn within_bounds(seconds: i64) -> Option<Self> {
        (seconds.unsigned_abs() <= SECONDS_MAX.unsigned_abs()).then_some(Self(seconds))
    }
}

/// The three layouts of MessagePack's timestamp extension.
fn from_extension(bytes: &[u8]) -> Option<Timestamp> {
    let seconds = match bytes.len() {
        4 => u32::from_be_bytes(bytes.try_into().ok()?).into(),
        8 => (u64::from_be_bytes(bytes.try_into().ok()?) & ((1 << 34) - 1)).try_into().ok()?,
        12 => i64::from_be_bytes(bytes[4..].try_into().ok()?),
        _ => return None,
    };
    Timestamp::within_bounds(seconds)
}

#[cfg(test)]
mod tests {
    use super::Timestamp;
    use crate::wire::Value;

    const EXPECTED: Option<i64> = Some(1_700_000_000);

    fn check(value: Value<'_>, expect: Option<i64>) {
        assert_eq!(Timestamp::from_wire(value).map(Timestamp::as_seconds), expect, "{value:?}");
    }

    fn check_text(text: &str, expect: Option<i64>) {
        check(Value::Text(text.as_bytes()), expect);
    }

    #[test]
    fn numbers_are_seconds_or_milliseconds() {
        check(Value::Unsigned(1_700_000_000), EXPECTED);
        check(Value::Unsigned(1_700_000_000_999), EXPECTED);
        check(Value::Unsigned(0), Some(0));
        check(Value::Negative(-1), Some(-1));
        check(Value::Unsigned(99_999_999_999), Some(99_999_999_999));
        check(Value::Unsigned(100_000_000_000), Some(100_000_000));
        check(Value::Negative(-100_000_000_001), Some(-100_000_001));
        check(Value::Unsigned(99_999_999_999_999), Some(99_999_999_999));
        check(Value::Unsigned(100_000_000_000_000), None);
        check(Value::Unsigned(u64::MAX), None);
        check(Value::Negative(i64::MIN), None);
    }

    #[test]
    fn floats_are_rounded_down() {
        check(Value::Float(1_700_000_000.999), EXPECTED);
        check(Value::Float(1_700_000_000_123.5), EXPECTED);
        check(Value::Float(-0.5), Some(-1));
        for none in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e300, -1e300] {
            check(Value::Float(none), None);
        }
    }

    #[test]
    fn text_is_iso_8601() {
        check_text("2023-11-14T22:13:20Z", EXPECTED);
        check_text("2023-11-14T22:13:20.999999Z", EXPECTED);
        check_text("2023-11-14T19:13:20-03:00", EXPECTED);
        check_text("2023-11-14T19:13:20-0300", EXPECTED);
        check_text("2023-11-14 22:13:20+00:00", EXPECTED);
        check_text("2023-11-14T22:13:20", EXPECTED);
        check_text("2023-11-14T22:13:20.123456", EXPECTED);
        check_text("2023-11-14 22:13:20", EXPECTED);
        check_text(" 2023-11-14T22:13:20Z ", EXPECTED);
        check_text("2023-11-14T22:13:20Z[America/Recife]", EXPECTED);
        check_text("2023-11-14", Some(1_699_920_000));
        check_text("1969-12-31T23:59:59.5Z", Some(-1));
        check_text("5138-11-16T09:46:39Z", Some(99_999_999_999));
        check_text("5138-11-16T09:46:40Z", None);
    }

    #[test]
    fn messagepack_has_times_of_its_own() {
        check(Value::Extension(-1, b"\x65\x53\xf1\x00"), EXPECTED);
        check(Value::Extension(-1, b"\x00\x00\x00\x04\x65\x53\xf1\x00"), EXPECTED);
        check(Value::Extension(-1, b"\0\0\0\x01\0\0\0\0\x65\x53\xf1\x00"), EXPECTED);
        check(Value::Extension(-1, b"\0\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff"), None);
        check(Value::Extension(-1, b"\0"), None);
        check(Value::Extension(5, b"\x65\x53\xf1\x00"), None);
    }

    #[test]
    fn what_cannot_be_understood_counts_as_absent() {
        for text in ["", "now", "14/11/2023", "2023-13-45T99:99:99Z", "2023-11-14T22:13:20Zjunk"] {
            check_text(text, None);
        }
        check_text(&" ".repeat(65), None);
        check(Value::Text(b"\xff\xfe"), None);
        check(Value::Nil, None);
        check(Value::Boolean(true), None);
    }
}
