//! Sizes and durations as people write them: `64KiB`, `16MB`, `500ms`, `5m`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use thiserror::Error;

/// Bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size(pub usize);

/// A duration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span(pub Duration);

/// The text is neither.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum UnitError {
    /// Not a size.
    #[error("a size is a whole number and a unit, as in 64KiB, 16MB or 500B")]
    Size,
    /// Not a duration.
    #[error("a duration is a whole number and a unit, as in 500ms, 12s, 5m or 1h")]
    Duration,
}

const SIZES: [(&str, usize); 7] = [
    ("GiB", 1 << 30),
    ("GB", 1_000_000_000),
    ("MiB", 1 << 20),
    ("MB", 1_000_000),
    ("KiB", 1 << 10),
    ("kB", 1_000),
    ("B", 1),
];
const SPANS: [(&str, u64); 4] = [("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

impl FromStr for Size {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Size, UnitError> {
        let (number, unit) = split(text);
        let unit = SIZES.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit)).ok_or(UnitError::Size)?;
        let number: usize = number.parse().map_err(|_| UnitError::Size)?;
        number.checked_mul(unit.1).map(Size).ok_or(UnitError::Size)
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let largest = SIZES.iter().find(|(_, bytes)| self.0 > 0 && self.0.is_multiple_of(*bytes));
        let (name, bytes) = largest.unwrap_or(&("B", 1));
        write!(f, "{}{name}", self.0 / bytes)
    }
}

impl FromStr for Span {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Span, UnitError> {
        let (number, unit) = split(text);
        let unit = SPANS.iter().find(|(name, _)| *name == unit).ok_or(UnitError::Duration)?;
        let number: u64 = number.parse().map_err(|_| UnitError::Duration)?;
        number.checked_mul(unit.1).map(|ms| Span(Duration::from_millis(ms))).ok_or(UnitError::Duration)
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = self.0.as_millis();
        let largest = SPANS.iter().find(|(_, unit)| ms > 0 && ms.is_multiple_of(u128::from(*unit)));
        let (name, unit) = largest.unwrap_or(&("s", 1_000));
        write!(f, "{}{name}", ms / u128::from(*unit))
    }
}

fn split(text: &str) -> (&str, &str) {
    let text = text.trim();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    (&text[..digits], text[digits..].trim_start())
}

#[cfg(test)]
mod tests {
    use super::{Duration, Size, Span, UnitError};

    #[test]
    fn sizes_are_read_and_written() {
        for (text, bytes) in
            [("64KiB", 65_536), ("16MB", 16_000_000), ("0B", 0), ("1GiB", 1 << 30), ("7B", 7)]
        {
            assert_eq!(text.parse(), Ok(Size(bytes)));
            assert_eq!(Size(bytes).to_string(), text);
        }
        for text in ["", "64", "KiB", "-1B", "1.5MB", "99999999999999999999B", "18446744073709551615GiB"] {
            assert_eq!(text.parse::<Size>(), Err(UnitError::Size), "{text}");
        }
    }

    #[test]
    fn durations_are_read_and_written() {
        for (text, ms) in [("500ms", 500), ("12s", 12_000), ("5m", 300_000), ("0s", 0), ("2h", 7_200_000)] {
            assert_eq!(text.parse(), Ok(Span(Duration::from_millis(ms))));
            assert_eq!(Span(Duration::from_millis(ms)).to_string(), text);
        }
        for text in ["", "5", "5 days", "-1s", "99999999999999999999s", "18446744073709551615h"] {
            assert_eq!(text.parse::<Span>(), Err(UnitError::Duration), "{text}");
        }
    }
}
