//! What only this command line has beside durations: ranges of them, and sizes as `128`, `64KiB` or `16MB`.

use std::{ops::RangeInclusive, time::Duration};

use recado_client::duration;

/// Reads a range of durations, `5s..10s`, or one duration that is both ends.
///
/// # Errors
/// A sentence that says what is wrong.
pub(crate) fn duration_range(text: &str) -> Result<RangeInclusive<Duration>, String> {
    let (from, to) = text.split_once("..").unwrap_or((text, text));
    let end = |text: &str| duration::parse(text).map_err(|error| error.to_string());
    let range = end(from)?..=end(to)?;
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
    let text = text.trim();
    let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
    let unit_bytes = match unit.trim_start() {
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

/// A count with commas between thousands.
pub(crate) fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut grouped = String::with_capacity(digits.len() * 4 / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_has_two_ends_in_order_or_one() {
        let seconds = Duration::from_secs;
        assert_eq!(duration_range("5s..10s"), Ok(seconds(5)..=seconds(10)));
        assert_eq!(duration_range("0s"), Ok(seconds(0)..=seconds(0)));
        assert!(duration_range("10s..5s").is_err());
        assert!(duration_range("5..10s").is_err());
    }

    #[test]
    fn thousands_are_told_apart() {
        let numbers = [0, 999, 1_000, 12_345, 1_234_567].map(grouped);
        assert_eq!(numbers, ["0", "999", "1,000", "12,345", "1,234,567"]);
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
