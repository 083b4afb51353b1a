//! Durations and sizes as the command line writes them: `500ms`, `12s`, `5m`; `128`, `64KiB`, `16MB`.

use std::{ops::RangeInclusive, time::Duration};

/// The longest duration that can be written: a year is for ever.
const SECONDS_MAX: f64 = 365.0 * 24.0 * 3600.0;

/// Reads a duration: a number, decimals allowed, and its unit `ms`, `s`, `m` or `h`.
///
/// # Errors
/// A sentence that says what is wrong.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let (number, unit) = split(text);
    let unit_seconds = match unit {
        "ms" => 0.001,
        "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        "" => return Err("a duration needs its unit: 500ms, 12s, 5m".to_owned()),
        other => return Err(format!("`{other}` is no unit of time: write 500ms, 12s or 5m")),
    };
    let seconds = number.parse::<f64>().map_err(|_| format!("`{number}` is no number"))? * unit_seconds;
    if seconds > SECONDS_MAX {
        return Err("that is longer than a year".to_owned());
    }
    Ok(Duration::from_secs_f64(seconds))
}

/// Reads a range of durations, `5s..10s`, or one duration that is both ends.
///
/// # Errors
/// A sentence that says what is wrong.
pub(crate) fn duration_range(text: &str) -> Result<RangeInclusive<Duration>, String> {
    let (from, to) = text.split_once("..").unwrap_or((text, text));
    let range = duration(from)?..=duration(to)?;
    if range.is_empty() {
        return Err(format!("{from} is longer than {to}"));
    }
    Ok(range)
}

/// Reads a size in bytes: a whole number and its unit `B`, `KB`, `MB`, `KiB` or `MiB`; bytes if there is none.
///
/// # Errors
/// A sentence that says what is wrong.
pub(crate) fn size(text: &str) -> Result<usize, String> {
    let (number, unit) = split(text);
    let unit_bytes = match unit {
        "" | "B" => 1,
        "KB" | "kB" => 1_000,
        "MB" => 1_000_000,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        other => return Err(format!("`{other}` is no unit of size: write 128, 64KiB or 16MB")),
    };
    let count = number.parse::<usize>().map_err(|_| format!("`{number}` is no whole number"))?;
    count.checked_mul(unit_bytes).ok_or_else(|| "that is more than a machine can hold".to_owned())
}

/// The number that a text begins with, and the unit after it.
fn split(text: &str) -> (&str, &str) {
    let text = text.trim();
    let end = text.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(text.len());
    (&text[..end], text[end..].trim_start())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_with_their_units() {
        for (text, milliseconds) in
            [("500ms", 500), ("12s", 12_000), ("5m", 300_000), ("1.5 s", 1_500), ("2h", 7_200_000), ("0s", 0)]
        {
            assert_eq!(duration(text), Ok(Duration::from_millis(milliseconds)), "{text}");
        }
        for text in ["", "12", "s", "1.2.3s", "5 parsecs", "-1s", "9000h", "é", "NaNs"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_range_has_two_ends_in_order_or_one() {
        let seconds = Duration::from_secs;
        assert_eq!(duration_range("5s..10s"), Ok(seconds(5)..=seconds(10)));
        assert_eq!(duration_range("0s"), Ok(seconds(0)..=seconds(0)));
        assert!(duration_range("10s..5s").is_err());
        assert!(duration_range("5..10s").is_err());
    }

    #[test]
    fn sizes_are_read_with_their_units() {
        for (text, bytes) in
            [("128", 128), ("64KiB", 65_536), ("16MB", 16_000_000), ("1 kB", 1_000), ("7B", 7)]
        {
            assert_eq!(size(text), Ok(bytes), "{text}");
        }
        for text in ["", "KiB", "1.5KiB", "12 bananas", "-5", "99999999999999999999", "9999999999999999999MB"]
        {
            assert!(size(text).is_err(), "{text}");
        }
    }
}
