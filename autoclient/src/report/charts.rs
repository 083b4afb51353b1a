//! The charts of a run.

use super::{
    plot::{Plot, Reading, Series, Shape},
    scale::Axis,
    text::{count, micros, number, seconds},
};
use crate::{
    limits::REPORT_POINTS_MAX,
    record::{LatencyKind, Record, Second},
};

/// How fine a percentile line is: points for each halving of the distance to 100 %.
const POINTS_PER_HALF_DISTANCE: u32 = 10;

/// Messages and deliveries a second.
pub(super) fn rates(record: &Record, rows: &[Second]) -> Vec<Plot> {
    let rate = |row: &Second, what: u64| what as f64 / row.duration_s.max(0.001);
    let line = |name: &str, class, value: &dyn Fn(&Second) -> u64| Series {
        name: name.to_owned(),
        class,
        shape: Shape::Line(rows.iter().map(|row| Some((middle(row), rate(row, value(row))))).collect()),
    };
    let most =
        |values: &dyn Fn(&Second) -> u64| rows.iter().map(|row| rate(row, values(row))).fold(0.0, f64::max);

    let messages = Plot {
        id: "rate",
        title: "Messages a second".to_owned(),
        description: "What the schedule asked for, and what the server acknowledged.".to_owned(),
        unit: "messages/s",
        x: Axis::of_time(record_end(record)),
        y: Axis::of_counts(most(&|row| row.counts.planned.max(row.counts.acknowledged))),
        series: vec![
            line("acknowledged", "first", &|row| row.counts.acknowledged),
            line("target", "target", &|row| row.counts.planned),
        ],
        readings: readings(rows, |row| {
            format!(
                "target {}/s · sent {}/s · acknowledged {}/s",
                number(rate(row, row.counts.planned)),
                number(rate(row, row.counts.sent)),
                number(rate(row, row.counts.acknowledged))
            )
        }),
    };
    let mut series = vec![line("delivered", "third", &|row| row.counts.delivered)];
    if record.total.delivered_by_repair > 0 {
        series.push(line("of these by repair", "second", &|row| row.counts.delivered_by_repair));
    }
    if record.total.lost > 0 {
        series.push(line("given up as lost", "bad", &|row| row.counts.lost));
    }
    let deliveries = Plot {
        id: "deliveries",
        title: "Deliveries a second".to_owned(),
        description: "Each message counts once for each subscriber that it came to.".to_owned(),
        unit: "deliveries/s",
        x: Axis::of_time(record_end(record)),
        y: Axis::of_counts(most(&|row| row.counts.delivered.max(row.counts.lost))),
        series,
        readings: readings(rows, |row| {
            format!(
                "delivered {}/s · by repair {}/s · lost {}",
                number(rate(row, row.counts.delivered)),
                number(rate(row, row.counts.delivered_by_repair)),
                count(row.counts.lost)
            )
        }),
    };
    vec![messages, deliveries]
}

/// A latency over time: half of the messages below the first line, 99 % below the second, all below the band's upper edge.
pub(super) fn latency(record: &Record, rows: &[Second], kind: LatencyKind) -> Plot {
    let windows = || rows.iter().map(|row| row.latency.of(kind)).filter(|window| window.count > 0);
    let least = windows().map(|window| window.p50_us.max(1)).min().unwrap_or(1);
    let most = windows().map(|window| window.max_us).max().unwrap_or(1);
    let points = |value: &dyn Fn(&crate::record::Window) -> u64| {
        let point = |row: &Second| {
            let window = row.latency.of(kind);
            (window.count > 0).then(|| (middle(row), value(window) as f64))
        };
        rows.iter().map(point).collect::<Vec<_>>()
    };
    let (p50, p99, longest) =
        (points(&|window| window.p50_us), points(&|window| window.p99_us), points(&|window| window.max_us));
    let between = |lower: &[Option<(f64, f64)>], upper: &[Option<(f64, f64)>]| {
        lower
            .iter()
            .zip(upper)
            .map(|(lower, upper)| Some((lower.as_ref()?.0, lower.as_ref()?.1, upper.as_ref()?.1)))
            .collect()
    };
    let (id, description) = match kind {
        LatencyKind::Acknowledgement => {
            ("latency-acknowledgement", "From when a message was due to be sent to the server's OK.")
        }
        LatencyKind::Delivery => (
            "latency-delivery",
            "From the server's OK to each subscriber; 0 where it was there before the OK.",
        ),
        LatencyKind::EndToEnd => (
            "latency-end-to-end",
            "From when a message was due to be sent to its arrival at each subscriber.",
        ),
    };
    Plot {
        id,
        title: kind.title().to_owned(),
        description: description.to_owned(),
        unit: "latency",
        x: Axis::of_time(record_end(record)),
        y: Axis::of_latency(least as f64, most as f64),
        series: vec![
            Series {
                name: "p99 to max".to_owned(),
                class: "faint",
                shape: Shape::Band(between(&p99, &longest)),
            },
            Series { name: "p50 to p99".to_owned(), class: "plain", shape: Shape::Band(between(&p50, &p99)) },
            Series { name: "p99".to_owned(), class: "p99", shape: Shape::Line(p99) },
            Series { name: "p50".to_owned(), class: "p50", shape: Shape::Line(p50) },
        ],
        readings: readings(rows, |row| {
            let window = row.latency.of(kind);
            match window.count {
                0 => "none".to_owned(),
                _ => format!(
                    "p50 {} · p99 {} · max {}",
                    micros(window.p50_us as f64),
                    micros(window.p99_us as f64),
                    micros(window.max_us as f64)
                ),
            }
        }),
    }
}

/// Latencies by percentile, as HdrHistogram shows them: each step to the right is ten times rarer. Takes runs with their names.
pub(crate) fn percentiles(
    id: &'static str,
    title: &str,
    description: &str,
    lines: Vec<PercentileLine<'_>>,
) -> Plot {
    let lines: Vec<_> = lines.into_iter().filter(|line| !line.histogram.is_empty()).collect();
    let longest = lines.iter().map(|line| line.histogram.max()).max().unwrap_or(1);
    let least = lines.iter().map(|line| line.histogram.value_at_quantile(0.1).max(1)).min().unwrap_or(1);
    let most_values = lines.iter().map(|line| line.histogram.len()).max().unwrap_or(1);
    let points = |line: &PercentileLine<'_>| {
        let values = line.histogram.len() as f64;
        line.histogram
            .iter_quantiles(POINTS_PER_HALF_DISTANCE)
            .map(|step| {
                let above = 1.0 / (1.0 - step.quantile_iterated_to()).max(1.0 / values);
                Some((above.min(values), step.value_iterated_to() as f64))
            })
            .collect()
    };
    let marks = [0.5, 0.75, 0.9, 0.95, 0.99, 0.995, 0.999, 0.999_5, 0.999_9, 0.999_99, 0.999_999];
    let readings = marks
        .into_iter()
        .filter(|quantile| 1.0 / (1.0 - quantile) <= most_values as f64)
        .map(|quantile| Reading {
            x: 1.0 / (1.0 - quantile),
            at: format!("{} %", (quantile * 1e8_f64).round() / 1e6),
            values: lines
                .iter()
                .map(|line| {
                    format!("{} {}", line.name, micros(line.histogram.value_at_quantile(quantile) as f64))
                })
                .collect::<Vec<_>>()
                .join(" · "),
        })
        .collect();
    Plot {
        id,
        title: title.to_owned(),
        description: description.to_owned(),
        unit: "latency",
        x: Axis::of_quantiles(most_values),
        y: Axis::of_latency(least as f64, longest as f64),
        series: lines
            .iter()
            .map(|line| Series {
                name: line.name.clone(),
                class: line.class,
                shape: Shape::Line(points(line)),
            })
            .collect(),
        readings,
    }
}

/// A line of [`percentiles`].
pub(crate) struct PercentileLine<'a> {
    /// Its name in the legend.
    pub(crate) name: String,
    /// The class that gives it its colour.
    pub(crate) class: &'static str,
    /// What it shows.
    pub(crate) histogram: &'a hdrhistogram::Histogram<u64>,
}

/// The lines of one run.
pub(super) fn percentile_lines(record: &Record) -> Vec<PercentileLine<'_>> {
    let class = |kind| match kind {
        LatencyKind::Acknowledgement => "second",
        LatencyKind::Delivery => "third",
        LatencyKind::EndToEnd => "first",
    };
    let mut lines: Vec<_> = LatencyKind::ALL
        .into_iter()
        .map(|kind| PercentileLine {
            name: kind.title().to_owned(),
            class: class(kind),
            histogram: record.latency.of(kind),
        })
        .collect();
    lines.push(PercentileLine {
        name: "End to end, by repair".to_owned(),
        class: "fourth",
        histogram: &record.latency.end_to_end_by_repair,
    });
    lines
}

/// What was under way, and how well the load client itself kept up.
pub(super) fn upkeep(record: &Record, rows: &[Second]) -> Vec<Plot> {
    let line = |name: &str, class, value: &dyn Fn(&Second) -> f64| Series {
        name: name.to_owned(),
        class,
        shape: Shape::Line(rows.iter().map(|row| Some((middle(row), value(row)))).collect()),
    };
    let most = |value: &dyn Fn(&Second) -> f64| rows.iter().map(value).fold(0.0, f64::max);
    let least_lag = rows.iter().map(|row| row.counts.schedule_lag_us.max(1)).min().unwrap_or(1);
    let under_way = Plot {
        id: "under-way",
        title: "Under way".to_owned(),
        description:
            "Messages not answered, and deliveries owed that had not come, at the end of each second."
                .to_owned(),
        unit: "messages, deliveries",
        x: Axis::of_time(record_end(record)),
        y: Axis::of_counts(most(&|row| row.counts.in_flight.max(row.counts.pending) as f64)),
        series: vec![
            line("deliveries owed", "third", &|row| row.counts.pending as f64),
            line("messages not answered", "first", &|row| row.counts.in_flight as f64),
        ],
        readings: readings(rows, |row| {
            format!("not answered {} · owed {}", count(row.counts.in_flight), count(row.counts.pending))
        }),
    };
    let lag = Plot {
        id: "lag",
        title: "The load client's own lateness".to_owned(),
        description: "How far it was behind its schedule at worst. Latencies count from the schedule, so this is part of them."
            .to_owned(),
        unit: "lateness",
        x: Axis::of_time(record_end(record)),
        y: Axis::of_latency(least_lag as f64, most(&|row| row.counts.schedule_lag_us as f64)),
        series: vec![line("latest message of each second", "fourth", &|row| row.counts.schedule_lag_us as f64)],
        readings: readings(rows, |row| {
            format!(
                "late by {} · {} cores busy",
                micros(row.counts.schedule_lag_us as f64),
                number(row.counts.cpu_cores)
            )
        }),
    };
    vec![under_way, lag]
}

/// The rows that charts are drawn from.
pub(super) fn rows(record: &Record) -> Vec<Second> {
    super::condense::condensed(&record.seconds, REPORT_POINTS_MAX)
}

fn readings(rows: &[Second], values: impl Fn(&Second) -> String) -> Vec<Reading> {
    rows.iter()
        .map(|row| Reading { x: middle(row), at: seconds(row.elapsed_s), values: values(row) })
        .collect()
}

fn middle(row: &Second) -> f64 {
    row.elapsed_s - row.duration_s / 2.0
}

fn record_end(record: &Record) -> f64 {
    record.seconds.last().map_or(record.elapsed_s, |last| last.elapsed_s)
}
