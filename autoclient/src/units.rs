//! What only this command line has beside durations: ranges of them, and sizes as `128`, `64KiB` or `16MB`.

use std::{fmt, ops::RangeInclusive, str::FromStr, time::Duration};

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

/// Reads a share, `0.1` or `10%`.
///
/// # Errors
/// A sentence that says what is wrong.
pub(crate) fn share(text: &str) -> Result<f64, String> {
    let text = text.trim();
    let (number, whole) = text.strip_suffix('%').map_or((text, 1.0), |number| (number.trim_end(), 100.0));
    let share = number.parse::<f64>().map_err(|_| format!("`{text}` is no share: write 0.1 or 10%"))? / whole;
    if (0.0..=1.0).contains(&share) { Ok(share) } else { Err(format!("{text} is not from 0 to 1, or 100%")) }
}

/// Reads an interval, as such (`10s`) or as a rate (`6/min`, `2/s`, `30/h`).
///
/// # Errors
/// A sentence that says what is wrong.
pub(crate) fn interval(text: &str) -> Result<Duration, String> {
    let interval = match text.split_once('/') {
        None => duration::parse(text).map_err(|error| error.to_string())?,
        Some((count, per)) => {
            let count = count.trim().parse::<f64>().ok().filter(|count| *count > 0.0 && count.is_finite());
            let count = count.ok_or_else(|| format!("`{text}` is no rate: write 6/min or 2/s"))?;
            let seconds = match per.trim() {
                "s" => 1.0,
                "min" | "m" => 60.0,
                "h" => 3_600.0,
                other => return Err(format!("`{other}` is no unit of a rate: write 2/s, 6/min or 30/h")),
            };
            Duration::try_from_secs_f64(seconds / count).map_err(|_| format!("`{text}` is too seldom"))?
        }
    };
    if interval < INTERVAL_MIN {
        return Err(format!("{text} is more often than every {} ms", INTERVAL_MIN.as_millis()));
    }
    Ok(interval)
}

/// The shortest interval.
const INTERVAL_MIN: Duration = Duration::from_millis(1);

/// Some of several: so many, or a share.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Part {
    /// So many.
    Count(usize),
    /// A share, from 0 to 1.
    Share(f64),
}

impl Part {
    /// How many of so many; of a share that is above nothing one at least.
    pub fn of(self, whole: usize) -> usize {
        match self {
            Part::Count(count) => count.min(whole),
            Part::Share(share) => ((whole as f64 * share).ceil() as usize).min(whole),
        }
    }
}

impl FromStr for Part {
    type Err = String;

    fn from_str(text: &str) -> Result<Part, String> {
        match text.trim().parse() {
            Ok(count) => Ok(Part::Count(count)),
            Err(_) => {
                share(text).map(Part::Share).map_err(|error| format!("neither a number nor a share: {error}"))
            }
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Part::Count(count) => write!(f, "{count}"),
            Part::Share(share) => write!(f, "{}%", share * 100.0),
        }
    }
}

/// A duration as the command line reads it back.
pub(crate) fn shown(duration: Duration) -> String {
    let ms = duration.as_millis();
    match ms {
        0 => "0s".to_owned(),
        _ if ms.is_multiple_of(60_000) => format!("{}m", ms / 60_000),
        _ if ms.is_multiple_of(1_000) => format!("{}s", ms / 1_000),
        _ => format!("{ms}ms"),
    }
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

/// A latency as people read it.
pub(crate) fn latency(us: u64) -> String {
    match us {
        0..1_000 => format!("{us} us"),
        1_000..10_000 => format!("{:.2} ms", us as f64 / 1e3),
        10_000..100_000 => format!("{:.1} ms", us as f64 / 1e3),
        100_000..1_000_000 => format!("{:.0} ms", us as f64 / 1e3),
        _ => format!("{:.2} s", us as f64 / 1e6),
    }
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
    fn shares_and_parts_are_read_either_way() {
        assert_eq!((share("10%"), share("0.1"), share(" 100 % ")), (Ok(0.1), Ok(0.1), Ok(1.0)));
        assert!(["", "1.1", "101%", "-1%", "ten"].iter().all(|text| share(text).is_err()));
        let slow = |text: &str| text.parse::<Part>().unwrap().of(8);
        assert_eq!((slow("3"), slow("25%"), slow("0.01"), slow("20"), slow("0%")), (3, 2, 1, 8, 0));
        assert_eq!("25%".parse::<Part>().unwrap().to_string(), "25%");
    }

    #[test]
    fn intervals_are_read_as_such_and_as_rates() {
        let ms = Duration::from_millis;
        assert_eq!(
            (interval("10s"), interval("6/min"), interval("2/s")),
            (Ok(ms(10_000)), Ok(ms(10_000)), Ok(ms(500)))
        );
        assert!(
            ["0s", "0/s", "-1/s", "2/week", "often", "99999/s"].iter().all(|text| interval(text).is_err())
        );
    }

    #[test]
    fn durations_are_written_as_they_are_read() {
        for text in ["0s", "5m", "61s", "1500ms"] {
            assert_eq!(duration::parse(text).map(shown).unwrap(), text);
        }
    }

    #[test]
    fn latencies_have_three_digits_and_a_unit() {
        let shown = [999, 1_234, 12_345, 123_456, 1_234_567].map(latency);
        assert_eq!(shown, ["999 us", "1.23 ms", "12.3 ms", "123 ms", "1.23 s"]);
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
