//! A broker's answer as a table for people: which figures stand where, in which units, and what stands out.

use recado_client::view::text::{fitted, one_line};
use recado_zmtp::Endpoint;

use super::{
    lines::{Line, Piece, Section, Tone, side_by_side, stacked, width, widths},
    report::Report,
};

/// Figures shown that this version does not know, and the columns of their names.
const OTHERS_MAX: usize = 16;
const OTHER_NAME_COLUMNS: usize = 24;

/// A figure that is compared with its limit stands out from these parts of it on.
const FULL_WARNING: f64 = 0.75;
const FULL_ALARM: f64 = 0.95;

/// An answer to be shown, and the one before it if there are to be rates.
#[derive(Clone, Copy)]
pub(super) struct Table<'a> {
    pub(super) report: &'a Report,
    pub(super) before: Option<&'a Report>,
    /// Whether there are rates as soon as there is an answer before.
    pub(super) watching: bool,
}

/// A figure's unit.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Unit {
    Count,
    Bytes,
}

/// What a figure that grows means.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Meaning {
    Work,
    Harmless,
    /// Messages or connections are lost by it.
    Loss,
}

/// All figures that have a place in the table; what a newer broker has beside them comes last.
const PLACED: [&str; 29] = [
    "messages_in",
    "bytes_in",
    "messages_out",
    "bytes_out",
    "greetings",
    "unwanted",
    "dropped_slow",
    "dropped_gone",
    "ignored",
    "connections",
    "publishers",
    "subscribers",
    "slow_subscribers",
    "subscriptions",
    "topics",
    "subscription_bytes",
    "queued_bytes",
    "inbound_bytes",
    "waits",
    "probations",
    "refused",
    "closed_at_fault",
    "closed_silent",
    "expelled",
    "questions",
    "keys_refused",
    "users_refused",
    "topics_refused",
    "answers_ignored",
];

impl Table<'_> {
    /// The lines, in two columns if `room` has them, of a terminal's width; without one in a single column.
    pub(super) fn lines(&self, endpoint: &Endpoint, room: Option<usize>) -> Vec<Line> {
        let mut lines = self.title(endpoint);
        lines.push(Line::new());
        let messages = self.messages();
        let flows = [self.dropped(), self.slow(), self.refused()];
        let holdings = [self.connections(), self.subscriptions(), self.memory()];
        let body = side_by_side(stacked(&flows, &[]), stacked(&holdings, &[]));
        let widest = body.iter().map(width).max().unwrap_or_default();
        if room.is_some_and(|room| widest <= room) {
            lines.extend(stacked(&[messages], &widths(&flows)));
            lines.push(Line::new());
            lines.extend(body);
            let others = self.others();
            if let Some(others) = others {
                lines.push(Line::new());
                lines.extend(stacked(&[others], &[]));
            }
        } else {
            let [dropped, slow, refused] = flows;
            let [connections, subscriptions, memory] = holdings;
            let mut all = vec![messages, dropped, connections, subscriptions, slow, memory, refused];
            all.extend(self.others());
            lines.extend(stacked(&all, &[]));
        }
        lines
    }

    fn title(&self, endpoint: &Endpoint) -> Vec<Line> {
        let report = self.report;
        vec![
            vec![
                Piece::new(format!("Recado broker {}", report.version), Tone::Heading),
                Piece::new(format!(" at {endpoint}, up {}", uptime(report.uptime_s())), Tone::Plain),
            ],
            vec![
                Piece::new("publishers ", Tone::Dim),
                Piece::new(report.publishers.clone(), Tone::Plain),
                Piece::new("  subscribers ", Tone::Dim),
                Piece::new(report.subscribers.clone(), Tone::Plain),
            ],
        ]
    }

    fn messages(&self) -> Section {
        let row = |label: &str, messages: &str, bytes: Option<&str>, meaning| {
            let mut cells = self.flow(label, messages, Unit::Count, meaning);
            if let Some(bytes) = bytes {
                cells.extend(self.flow("", bytes, Unit::Bytes, meaning).drain(1..));
            }
            cells
        };
        let mut heading = self.flow_heading("Messages", "messages");
        heading.extend(self.flow_heading("", "bytes").drain(1..));
        let mut rows = vec![
            heading,
            row("in", "messages_in", Some("bytes_in"), Meaning::Work),
            row("out", "messages_out", Some("bytes_out"), Meaning::Work),
        ];
        // Few brokers greet, and the usual terminal has no line to spare.
        if self.report.figure("greetings") > 0 {
            rows.push(row("to newcomers", "greetings", None, Meaning::Work));
        }
        rows.push(row("wanted by nobody", "unwanted", None, Meaning::Harmless));
        Section(rows)
    }

    fn dropped(&self) -> Section {
        Section(vec![
            self.flow_heading("Dropped", "messages"),
            self.flow("subscriber slow", "dropped_slow", Unit::Count, Meaning::Loss),
            self.flow("subscriber left", "dropped_gone", Unit::Count, Meaning::Loss),
        ])
    }

    fn slow(&self) -> Section {
        let slow = self.report.figure("slow_subscribers");
        let tone = if slow > 0 { Tone::Warning } else { Tone::Dim };
        Section(vec![
            self.flow_heading("Slow subscribers", ""),
            vec![label("behind now"), Piece::new(count(slow), tone)],
            self.flow("publishers waited", "waits", Unit::Count, Meaning::Harmless),
            self.flow("waits given up", "probations", Unit::Count, Meaning::Harmless),
        ])
    }

    fn refused(&self) -> Section {
        let mut rows = vec![
            self.flow_heading("Refused, closed", ""),
            self.flow("refused", "refused", Unit::Count, Meaning::Loss),
            self.flow("broke a rule", "closed_at_fault", Unit::Count, Meaning::Loss),
            self.flow("fell silent", "closed_silent", Unit::Count, Meaning::Loss),
            self.flow("frames ignored", "ignored", Unit::Count, Meaning::Harmless),
        ];
        // Only secured brokers have any.
        let of_secured = [
            ("key taken away", "expelled", Meaning::Harmless),
            ("unknown keys", "keys_refused", Meaning::Loss),
            ("too many of one", "users_refused", Meaning::Loss),
            ("topics", "topics_refused", Meaning::Harmless),
            ("bad answers", "answers_ignored", Meaning::Loss),
        ];
        let some = of_secured.into_iter().filter(|(_, figure, _)| self.report.figure(figure) > 0);
        rows.extend(some.map(|(label, figure, meaning)| self.flow(label, figure, Unit::Count, meaning)));
        Section(rows)
    }

    fn connections(&self) -> Section {
        Section(vec![
            holding_heading("Connections"),
            self.holding("in all", "connections", Unit::Count, Some("connections_max")),
            self.holding("publishers", "publishers", Unit::Count, None),
            self.holding("subscribers", "subscribers", Unit::Count, None),
        ])
    }

    fn subscriptions(&self) -> Section {
        let mut rows = vec![
            heading(["Subscriptions", "now", ""]),
            self.holding("in all", "subscriptions", Unit::Count, None),
            self.holding("topics", "topics", Unit::Count, None),
        ];
        if self.report.figure("questions") > 0 {
            rows.push(self.holding("questions", "questions", Unit::Count, None));
        }
        Section(rows)
    }

    fn memory(&self) -> Section {
        Section(vec![
            holding_heading("Memory held"),
            self.holding("queued", "queued_bytes", Unit::Bytes, Some("queue_bytes_total_max")),
            self.holding("unfinished", "inbound_bytes", Unit::Bytes, Some("inbound_bytes_max")),
            self.holding(
                "subscriptions",
                "subscription_bytes",
                Unit::Bytes,
                Some("subscription_bytes_total_max"),
            ),
        ])
    }

    fn others(&self) -> Option<Section> {
        let unknown = self.report.figures.iter().filter(|(name, _)| !PLACED.contains(&name.as_str()));
        let rows: Vec<Line> = unknown
            .take(OTHERS_MAX)
            .map(|(name, value)| {
                let name = one_line(name);
                vec![label(&fitted(&name, OTHER_NAME_COLUMNS)), Piece::new(count(*value), Tone::Plain)]
            })
            .collect();
        (!rows.is_empty()).then(|| Section([vec![heading(["Others", "", ""])], rows].concat()))
    }

    fn flow_heading(&self, title: &str, unit: &str) -> Line {
        heading([title, unit, if self.watching { "a second" } else { "" }])
    }

    /// A figure that only grows, and how fast.
    fn flow(&self, name: &str, figure: &str, unit: Unit, meaning: Meaning) -> Line {
        let total = self.report.figure(figure);
        let rate = self.before.and_then(|before| self.report.rate(before, figure));
        let grows = rate.is_some_and(|rate| rate > 0.0);
        let tone = match (meaning, grows, total) {
            (_, _, 0) => Tone::Dim,
            (Meaning::Loss, true, _) => Tone::Alarm,
            (Meaning::Loss, false, _) => Tone::Warning,
            (Meaning::Work | Meaning::Harmless, _, _) => Tone::Plain,
        };
        let rate_tone = match (meaning, grows) {
            (_, false) => Tone::Dim,
            (Meaning::Loss, true) => Tone::Alarm,
            (Meaning::Work | Meaning::Harmless, true) => Tone::Lively,
        };
        let rate = rate.map_or_else(String::new, |rate| speed(rate, unit));
        vec![label(name), Piece::new(amount(total, unit), tone), Piece::new(rate, rate_tone)]
    }

    /// A figure of this moment, and how far it may go.
    fn holding(&self, name: &str, figure: &str, unit: Unit, limit: Option<&str>) -> Line {
        let now = self.report.figure(figure);
        let limit = limit.and_then(|limit| self.report.limit(limit));
        let part = limit.map_or(0.0, |limit| now as f64 / limit.max(1) as f64);
        let tone = match now {
            0 => Tone::Dim,
            _ if part >= FULL_ALARM => Tone::Alarm,
            _ if part >= FULL_WARNING => Tone::Warning,
            _ => Tone::Plain,
        };
        let limit = limit.map_or_else(String::new, |limit| amount(limit, unit));
        vec![label(name), Piece::new(amount(now, unit), tone), Piece::new(limit, Tone::Dim)]
    }
}

fn heading([title, first, second]: [&str; 3]) -> Line {
    vec![Piece::new(title, Tone::Heading), Piece::new(first, Tone::Dim), Piece::new(second, Tone::Dim)]
}

fn holding_heading(title: &str) -> Line {
    heading([title, "now", "at most"])
}

fn label(name: &str) -> Piece {
    Piece::new(format!("  {name}"), Tone::Plain)
}

fn amount(value: u64, unit: Unit) -> String {
    match unit {
        Unit::Count => count(value),
        Unit::Bytes => bytes(value as f64),
    }
}

fn speed(rate: f64, unit: Unit) -> String {
    match unit {
        Unit::Count if rate > 0.0 && rate < 9.95 => format!("{:.1}", rate.max(0.1)),
        Unit::Count => count(rate.round() as u64),
        Unit::Bytes => bytes(rate.round()),
    }
}

/// With a comma between each three digits.
fn count(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::new();
    for (place, digit) in digits.char_indices() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// In the largest unit of which there is one at least.
fn bytes(value: f64) -> String {
    const UNITS: [&str; 7] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    let (mut value, mut unit) = (value, 0);
    // What would be shown as 1024.0 is 1.0 of the next.
    while value >= 1023.95 && unit + 1 < UNITS.len() {
        (value, unit) = (value / 1024.0, unit + 1);
    }
    if value.fract() == 0.0 {
        format!("{value:.0} {}", UNITS[unit])
    } else {
        format!("{value:.1} {}", UNITS[unit])
    }
}

/// The two largest units.
fn uptime(seconds: f64) -> String {
    let seconds = seconds as u64;
    let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes} min {} s", seconds % 60),
        (0, _, _) => format!("{hours} h {} min", minutes % 60),
        _ => format!("{} d {} h", count(days), hours % 24),
    }
}

#[cfg(test)]
#[path = "table_tests.rs"]
mod tests;
