//! How long ago something was said, in as few columns as a time of day takes.

use clap::ValueEnum;

use super::wording::{self, Language};

/// How the full screen shows when a message was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Times {
    /// The time of day in the local zone
    #[default]
    Clock,
    /// How long ago: 5m, 3h, 2d, 6w, 1y
    Relative,
}

/// `<1m`, `59m`, `23h`, `6d`, `51w`, `99y`: rounded down; what is yet to come, by a clock that is wrong, is from just now.
pub(crate) fn ago(language: Language, since_ms: i64) -> String {
    let (w, y) = wording::weeks_and_years(language);
    let minutes = since_ms.max(0) / 60_000;
    let (hours, days) = (minutes / 60, minutes / (60 * 24));
    let (weeks, years) = (days / 7, days / 365);
    match (years, weeks, days, hours, minutes) {
        (1.., ..) => format!("{}{y}", years.min(999)),
        (0, 1.., ..) => format!("{weeks}{w}"),
        (0, _, 1.., ..) => format!("{days}d"),
        (0, _, _, 1.., _) => format!("{hours}h"),
        (0, _, _, _, 1..) => format!("{minutes}m"),
        _ => "<1m".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use crate::view::text::columns;
    use crate::view::wording::Language;

    use super::ago;

    #[test]
    fn the_largest_unit_that_is_whole_is_shown() {
        const MINUTE: i64 = 60_000;
        const DAY: i64 = 24 * 60 * MINUTE;
        let cases = [
            (i64::MIN, "<1m"),
            (-1, "<1m"),
            (MINUTE - 1, "<1m"),
            (MINUTE, "1m"),
            (60 * MINUTE - 1, "59m"),
            (60 * MINUTE, "1h"),
            (DAY - 1, "23h"),
            (DAY, "1d"),
            (7 * DAY - 1, "6d"),
            (7 * DAY, "1w"),
            (365 * DAY - 1, "52w"),
            (365 * DAY, "1y"),
            (i64::MAX, "999y"),
        ];
        for (since_ms, expect) in cases {
            assert_eq!(ago(Language::English, since_ms), expect, "{since_ms}");
            assert!(expect.len() < "23:59".len(), "it has the room of a time of day");
        }
    }

    #[test]
    fn it_takes_no_more_columns_than_a_time_of_day() {
        const WEEK: i64 = 7 * 24 * 60 * 60_000;
        for (weeks, expect) in [(1, "1sem"), (52, "52sem"), (53, "1a"), (i64::MAX / WEEK, "999a")] {
            let shown = ago(Language::Portuguese, weeks * WEEK);
            assert_eq!(shown, expect);
            assert!(columns(&shown) <= 5, "{shown}");
        }
    }
}
