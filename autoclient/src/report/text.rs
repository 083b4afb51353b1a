//! Figures and names as people read them, and strings from outside made harmless.

/// A string from outside as text in HTML, between tags or in a quoted attribute.
///
/// Control characters, and those that turn the direction of writing, become visible: a name cannot make the page show something else
/// than what is there.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' => out.push('\n'),
            _ if is_invisible(character) => out.push_str(&format!("⟨U+{:04X}⟩", u32::from(character))),
            _ => out.push(character),
        }
    }
    out
}

/// A string from outside as text on a terminal: one line without control characters.
pub(crate) fn plain(text: &str) -> String {
    text.chars().map(|character| if is_invisible(character) { '\u{fffd}' } else { character }).collect()
}

fn is_invisible(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
        || matches!(character, '\u{fffe}' | '\u{ffff}')
}

/// A whole number with its thousands apart: `1,234,567`.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A number that may be a fraction, with three digits that say something: `0.125`, `12.5`, `1,250`.
pub(crate) fn number(value: f64) -> String {
    let size = value.abs();
    if !value.is_finite() {
        return "–".to_owned();
    }
    let sign = if value < 0.0 { "−" } else { "" };
    match size {
        _ if size >= 99.95 => format!("{sign}{}", count(size.round() as u64)),
        _ if size >= 9.995 => format!("{sign}{}", trimmed(format!("{size:.1}"))),
        _ if size >= 0.9995 => format!("{sign}{}", trimmed(format!("{size:.2}"))),
        _ => format!("{sign}{}", trimmed(format!("{size:.3}"))),
    }
}

fn trimmed(digits: String) -> String {
    match digits.contains('.') {
        true => digits.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => digits,
    }
}

/// A time given in microseconds, in the unit that suits it: `850 µs`, `1.25 ms`, `12.5 s`.
pub(crate) fn micros(us: f64) -> String {
    match us.abs() {
        size if size >= 999_500.0 => format!("{} s", number(us / 1e6)),
        size if size >= 999.5 => format!("{} ms", number(us / 1e3)),
        _ => format!("{} µs", number(us)),
    }
}

/// A time of a run given in seconds: `8.5 s`, `1 min 30 s`, `2 h 05 min`.
pub(crate) fn seconds(s: f64) -> String {
    if s < 60.0 {
        return format!("{} s", number(s));
    }
    let whole = s.round() as u64;
    let (hours, minutes, rest) = (whole / 3_600, whole / 60 % 60, whole % 60);
    match (hours, minutes, rest) {
        (0, _, 0) => format!("{minutes} min"),
        (0, ..) => format!("{minutes} min {rest:02} s"),
        (_, 0, _) => format!("{hours} h"),
        _ => format!("{hours} h {minutes:02} min"),
    }
}

/// A size in bytes in the unit that suits it: `512 B`, `23.4 GiB`.
pub(crate) fn bytes(size: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut value = size as f64;
    let mut unit = 0;
    while value >= 1_024.0 && unit + 1 < UNITS.len() {
        value /= 1_024.0;
        unit += 1;
    }
    format!("{} {}", number(value), UNITS[unit])
}

/// A moment given in Unix milliseconds, in UTC: `2026-03-01 12:00:00 UTC`.
pub(crate) fn utc(unix_ms: u64) -> String {
    let unix_s = unix_ms / 1_000;
    let (year, month, day) = civil(unix_s / 86_400);
    let of_day = unix_s % 86_400;
    format!("{year}-{month:02}-{day:02} {:02}:{:02}:{:02} UTC", of_day / 3_600, of_day / 60 % 60, of_day % 60)
}

/// Year, month and day of this many days after 1970-01-01, counted in years that begin in March so that a leap day is a year's last.
fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_in_a_string_is_text() {
        assert_eq!(
            escaped("<script>alert(\"x\" & 'y')</script>"),
            "&lt;script&gt;alert(&quot;x&quot; &amp; &#39;y&#39;)&lt;/script&gt;"
        );
        assert_eq!(escaped("a\u{202e}b\0\u{1b}[31m"), "a⟨U+202E⟩b⟨U+0000⟩⟨U+001B⟩[31m");
        assert_eq!(escaped("olá 🦜 日本"), "olá 🦜 日本");
        assert_eq!(plain("a\nb\u{1b}[2J"), "a\u{fffd}b\u{fffd}[2J");
    }

    #[test]
    fn numbers_have_three_digits_that_say_something() {
        let cases = [
            (0.0, "0"),
            (0.125_4, "0.125"),
            (1.0, "1"),
            (9.999, "10"),
            (12.34, "12.3"),
            (99.96, "100"),
            (1_234_567.8, "1,234,568"),
            (-4.5, "−4.5"),
            (f64::NAN, "–"),
        ];
        for (value, expected) in cases {
            assert_eq!(number(value), expected, "{value}");
        }
        assert_eq!(
            (count(999), count(1_000), count(u64::MAX)),
            ("999".into(), "1,000".into(), "18,446,744,073,709,551,615".into())
        );
    }

    #[test]
    fn times_and_sizes_are_in_the_unit_that_suits_them() {
        assert_eq!(
            [0.0, 850.0, 999.6, 1_250.0, 999_600.0, 12_500_000.0].map(micros),
            ["0 µs", "850 µs", "1 ms", "1.25 ms", "1 s", "12.5 s"]
        );
        assert_eq!(
            [8.5, 60.0, 90.0, 3_600.0, 7_500.0].map(seconds),
            ["8.5 s", "1 min", "1 min 30 s", "1 h", "2 h 05 min"]
        );
        assert_eq!([512, 25_165_824_000].map(bytes), ["512 B", "23.4 GiB"]);
    }

    #[test]
    fn moments_are_told_in_utc() {
        assert_eq!(utc(0), "1970-01-01 00:00:00 UTC");
        assert_eq!(utc(951_827_696_789), "2000-02-29 12:34:56 UTC");
        assert_eq!(utc(4_107_542_399_000), "2100-02-28 23:59:59 UTC");
        assert_eq!(utc(4_107_542_400_000), "2100-03-01 00:00:00 UTC");
    }
}
