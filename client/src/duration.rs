//! Durations as people write them: `500ms`, `12s`, `5m`.

use std::time::Duration;

use thiserror::Error;

/// Why a text is no duration.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0:?} is not a duration: write 500ms, 12s, 5m or 2h")]
pub struct DurationError(String);

/// Reads a whole number and its unit: `ms`, `s`, `m` or `h`. At most a hundred years.
pub fn parse(text: &str) -> Result<Duration, DurationError> {
    read(text.trim()).ok_or_else(|| DurationError(text.to_owned()))
}

fn read(text: &str) -> Option<Duration> {
    let unit_at = text.find(|character: char| !character.is_ascii_digit())?;
    let (number, unit) = text.split_at(unit_at);
    let number: u64 = number.parse().ok()?;
    let milliseconds = number.checked_mul(match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return None,
    })?;
    (milliseconds <= MILLISECONDS_MAX).then(|| Duration::from_millis(milliseconds))
}

/// As it is read, in the largest unit that says it in a whole number.
pub fn written(duration: Duration) -> String {
    let milliseconds = duration.as_millis();
    let units = [("h", 3_600_000), ("m", 60_000), ("s", 1_000)];
    let unit =
        units.into_iter().find(|(_, unit)| milliseconds >= *unit && milliseconds.is_multiple_of(*unit));
    let (unit, in_unit) = unit.unwrap_or(("ms", 1));
    format!("{}{unit}", milliseconds / in_unit)
}

const MILLISECONDS_MAX: u64 = 100 * 366 * 24 * 3_600_000;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{parse, written};

    #[test]
    fn a_number_and_a_unit() {
        assert_eq!(parse("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(parse("12s"), Ok(Duration::from_secs(12)));
        assert_eq!(parse(" 5m "), Ok(Duration::from_secs(300)));
        assert_eq!(parse("2h"), Ok(Duration::from_secs(7_200)));
        assert_eq!(parse("0s"), Ok(Duration::ZERO));
    }

    #[test]
    fn what_is_written_is_read_as_the_same() {
        for text in ["500ms", "12s", "90s", "5m", "90m", "2h", "0ms"] {
            assert_eq!(written(parse(text).unwrap()), text);
        }
        assert_eq!(written(Duration::from_secs(3_600)), "1h");
    }

    #[test]
    fn anything_else_says_how_to_write_it() {
        for text in ["", "5", "s", "5 s", "-5s", "1.5s", "5d", "99999999999999999999s", "9999999999h"] {
            let message = parse(text).unwrap_err().to_string();
            assert_eq!(message, format!("{text:?} is not a duration: write 500ms, 12s, 5m or 2h"));
        }
    }
}
