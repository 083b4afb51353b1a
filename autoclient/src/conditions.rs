//! `--fail-if`: conditions on what a run measured.

use std::{fmt, str::FromStr};

use hdrhistogram::Histogram;

use crate::{
    record::{AuditRow, Condition, Latencies, LatencyKind},
    units::{grouped, latency},
};

/// Conditions, of which none may hold.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Conditions(Vec<One>);

/// What a run measured.
#[derive(Clone, Copy, Debug)]
pub struct Measured<'a> {
    /// The latencies.
    pub latency: &'a Latencies,
    /// The sums of the audit.
    pub total: &'a AuditRow,
    /// How long messages were planned for, in seconds.
    pub load_s: f64,
    /// By how much the load client was late itself, in microseconds.
    pub lag_us: u64,
    /// Cores that it used.
    pub cpu_cores: f64,
}

#[derive(Clone, Debug, PartialEq)]
struct One {
    /// As it was written, without spaces.
    text: String,
    metric: Metric,
    comparison: Comparison,
    value: f64,
    is_share: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Metric {
    /// In microseconds.
    Percentile(LatencyKind, f64),
    /// In microseconds.
    Max(LatencyKind),
    Count(Count),
    Rate,
    /// In microseconds.
    Lag,
    Cpu,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Count {
    Attempted,
    Acknowledged,
    Stored,
    Repaired,
    Lost,
    Repeated,
    Ambiguous,
    Refused,
    Unsent,
    OutOfOrder,
    Unknown,
    Corrupt,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparison {
    Above,
    AtLeast,
    Below,
    AtMost,
}

const COUNTS: [(&str, Count); 12] = [
    ("attempted", Count::Attempted),
    ("acknowledged", Count::Acknowledged),
    ("stored", Count::Stored),
    ("repaired", Count::Repaired),
    ("lost", Count::Lost),
    ("repeated", Count::Repeated),
    ("ambiguous", Count::Ambiguous),
    ("refused", Count::Refused),
    ("unsent", Count::Unsent),
    ("out_of_order", Count::OutOfOrder),
    ("unknown", Count::Unknown),
    ("corrupt", Count::Corrupt),
];

/// The longer ones first, so that none is taken for the beginning of another.
const COMPARISONS: [(&str, Comparison); 4] = [
    (">=", Comparison::AtLeast),
    ("<=", Comparison::AtMost),
    (">", Comparison::Above),
    ("<", Comparison::Below),
];

impl FromStr for Conditions {
    type Err = String;

    fn from_str(text: &str) -> Result<Conditions, String> {
        text.split(',').map(str::parse).collect::<Result<Vec<One>, String>>().map(Conditions)
    }
}

impl FromStr for One {
    type Err = String;

    fn from_str(text: &str) -> Result<One, String> {
        let text: String = text.split_whitespace().collect();
        let found = COMPARISONS.iter().find_map(|(sign, comparison)| {
            let (metric, value) = text.split_once(sign)?;
            Some((metric, *comparison, value))
        });
        let (metric, comparison, value) =
            found.ok_or_else(|| format!("`{text}` is no condition: write one as p99>20ms or lost>0"))?;
        let metric = metric.parse()?;
        let (value, is_share) = read_value(metric, value)?;
        Ok(One { metric, comparison, value, is_share, text })
    }
}

impl FromStr for Metric {
    type Err = String;

    fn from_str(text: &str) -> Result<Metric, String> {
        if let Some((_, count)) = COUNTS.iter().find(|(name, _)| *name == text) {
            return Ok(Metric::Count(*count));
        }
        match text {
            "rate" => return Ok(Metric::Rate),
            "lag" => return Ok(Metric::Lag),
            "cpu" => return Ok(Metric::Cpu),
            _ => {}
        }
        let (kind, of) = match text.split_once('.') {
            Some(("ack", of)) => (LatencyKind::Acknowledgement, of),
            Some(("delivery", of)) => (LatencyKind::Delivery, of),
            Some(("e2e", of)) => (LatencyKind::EndToEnd, of),
            _ => (LatencyKind::EndToEnd, text),
        };
        let percentile =
            |of: &str| of.strip_prefix('p')?.parse().ok().filter(|share| (0.0..=100.0).contains(share));
        match (of, percentile(of)) {
            ("max", _) => Ok(Metric::Max(kind)),
            (_, Some(share)) => Ok(Metric::Percentile(kind, share)),
            _ => Err(format!(
                "`{text}` is no metric; there are p50, p99 and the like, max, each also as ack. and delivery., rate, lag, cpu, {}",
                COUNTS.map(|(name, _)| name).join(", ")
            )),
        }
    }
}

/// The value in the metric's unit, and whether it is a share of a hundred.
fn read_value(metric: Metric, text: &str) -> Result<(f64, bool), String> {
    let (number, unit) =
        text.split_at(text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len()));
    let number: f64 = number.parse().map_err(|_| format!("`{text}` is no value, as 20ms or 0"))?;
    let factor = match (metric, unit) {
        (Metric::Percentile(..) | Metric::Max(_) | Metric::Lag, "us") => 1.0,
        (Metric::Percentile(..) | Metric::Max(_) | Metric::Lag, "ms") => 1e3,
        (Metric::Percentile(..) | Metric::Max(_) | Metric::Lag, "s") => 1e6,
        (Metric::Percentile(..) | Metric::Max(_) | Metric::Lag, _) => {
            return Err(format!("`{text}` needs its unit: us, ms or s"));
        }
        (Metric::Count(_), "%") => return Ok((number, true)),
        (Metric::Rate, "" | "/s") | (Metric::Count(_) | Metric::Cpu, "") => 1.0,
        (Metric::Count(_) | Metric::Rate | Metric::Cpu, _) => {
            return Err(format!(
                "`{unit}` is no unit for this: write a number{}",
                match metric {
                    Metric::Count(_) => ", or a share as 0.1%",
                    _ => "",
                }
            ));
        }
    };
    Ok((number * factor, false))
}

impl Conditions {
    /// Each condition with what was measured.
    pub fn judge(&self, measured: Measured<'_>) -> Vec<Condition> {
        self.0.iter().map(|condition| condition.judge(measured)).collect()
    }
}

impl fmt::Display for Conditions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.iter().map(|one| one.text.as_str()).collect::<Vec<_>>().join(","))
    }
}

impl One {
    fn judge(&self, measured: Measured<'_>) -> Condition {
        let (is, shown) = self.measure(measured);
        let holds = match self.comparison {
            Comparison::Above => is > self.value,
            Comparison::AtLeast => is >= self.value,
            Comparison::Below => is < self.value,
            Comparison::AtMost => is <= self.value,
        };
        Condition { condition: self.text.clone(), measured: shown, holds }
    }

    fn measure(&self, measured: Measured<'_>) -> (f64, String) {
        let us = |us: u64| (us as f64, latency(us));
        let of = |kind: LatencyKind| -> &Histogram<u64> { measured.latency.of(kind) };
        match self.metric {
            Metric::Percentile(kind, share) => us(of(kind).value_at_percentile(share)),
            Metric::Max(kind) => us(of(kind).max()),
            Metric::Lag => us(measured.lag_us),
            Metric::Rate => {
                let rate = measured.total.acknowledged as f64 / measured.load_s.max(1e-6);
                (rate, format!("{rate:.0}/s"))
            }
            Metric::Cpu => (measured.cpu_cores, format!("{:.2} cores", measured.cpu_cores)),
            Metric::Count(count) => {
                let (number, whole) = counted(count, measured.total);
                if !self.is_share {
                    return (number as f64, grouped(number));
                }
                let share = 100.0 * number as f64 / whole.max(1) as f64;
                (share, format!("{share:.3} % ({} of {})", grouped(number), grouped(whole)))
            }
        }
    }
}

/// How many, and of how many.
fn counted(count: Count, total: &AuditRow) -> (u64, u64) {
    match count {
        Count::Attempted => (total.attempted, total.attempted),
        Count::Acknowledged => (total.acknowledged, total.attempted),
        Count::Stored => (total.stored, total.attempted),
        Count::Ambiguous => (total.ambiguous, total.attempted),
        Count::Refused => (total.refused, total.attempted),
        Count::Unsent => (total.unsent, total.attempted),
        Count::Repaired => (total.delivered_by_repair, total.expected),
        Count::Lost => (total.lost, total.expected),
        Count::Repeated => (total.repeated, total.expected),
        Count::OutOfOrder => (total.out_of_order, total.expected),
        Count::Unknown => (total.unknown, total.expected),
        Count::Corrupt => (total.corrupt, total.expected),
    }
}

#[cfg(test)]
mod tests {
    use crate::record::Way;

    use super::*;

    #[track_caller]
    fn check(conditions: &str, expect: &[(&str, bool)]) {
        let mut latency = Latencies::default();
        (1..=100).for_each(|ms| latency.delivered(500, ms * 1_000, Way::Live));
        latency.acknowledged(700);
        let total = AuditRow {
            attempted: 1_000,
            acknowledged: 990,
            ambiguous: 10,
            expected: 3_960,
            ..AuditRow::default()
        };
        let measured =
            Measured { latency: &latency, total: &total, load_s: 10.0, lag_us: 1_500, cpu_cores: 0.5 };
        let judged = conditions.parse::<Conditions>().unwrap().judge(measured);
        let judged: Vec<_> = judged.iter().map(|one| (one.measured.as_str(), one.holds)).collect();
        assert_eq!(judged, expect, "{conditions}");
    }

    #[test]
    fn latencies_are_compared_in_any_unit() {
        check("p99>20ms, p50 <= 50.1ms,max<1s", &[("99.0 ms", true), ("50.0 ms", true), ("100 ms", true)]);
        check(
            "p99>0.2s,ack.p99>1ms,delivery.max>=500us",
            &[("99.0 ms", false), ("700 us", false), ("500 us", true)],
        );
    }

    #[test]
    fn counts_are_compared_as_numbers_and_as_shares() {
        check("lost>0,acknowledged<1000", &[("0", false), ("990", true)]);
        check(
            "ambiguous>0.9%,ambiguous>1%",
            &[("1.000 % (10 of 1,000)", true), ("1.000 % (10 of 1,000)", false)],
        );
        check("rate<100,lag>1ms,cpu>0.9", &[("99/s", true), ("1.50 ms", true), ("0.50 cores", false)]);
    }

    #[test]
    fn what_is_no_condition_is_refused_with_what_there_is() {
        for (text, part) in [
            ("", "no condition"),
            ("p99", "no condition"),
            ("p99=20ms", "no condition"),
            ("speed>1", "there are p50"),
            ("p101>1ms", "no metric"),
            ("p99>20", "needs its unit"),
            ("lost>0ms", "is no unit"),
            ("lost>many", "no value"),
            ("lost>0,", "no condition"),
        ] {
            let error = text.parse::<Conditions>().unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
    }

    #[test]
    fn they_are_written_as_they_are_read() {
        let text = "p99>20ms,lost>0";
        assert_eq!(text.replace('>', " > ").parse::<Conditions>().unwrap().to_string(), text);
    }
}
