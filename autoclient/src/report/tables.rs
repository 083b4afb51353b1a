//! The tables of the page.

use hdrhistogram::Histogram;

use super::{
    charts,
    condense::condensed,
    csv::audit_counts,
    plot::put,
    text::{count, escaped, micros, number, seconds},
};
use crate::{
    limits::{REPORT_AUDIT_ROWS_MAX, REPORT_SECONDS_ROWS_MAX},
    record::{AuditRow, LatencyKind, Record},
};

/// A cell of a table.
pub(crate) enum Cell {
    /// A row's name, from outside or not.
    Name(String),
    /// A figure.
    Figure(String),
    /// A figure that should not be what it is.
    Bad(String),
    /// Words.
    Words(String),
}

/// A table that scrolls by itself where the page is narrow; without titles it has no head. Every string is made harmless.
pub(crate) fn table(caption: &str, head: &[&str], rows: impl IntoIterator<Item = Vec<Cell>>) -> String {
    let rows: Vec<_> = rows.into_iter().collect();
    let caption = escaped(caption);
    let mut out = format!(
        "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"{caption}\"><table>\n<caption>{caption}</caption>\n"
    );
    if !head.is_empty() {
        out.push_str("<thead><tr>");
        for (place, title) in head.iter().enumerate() {
            let class = match rows.first().and_then(|row| row.get(place)) {
                Some(Cell::Words(_)) => " class=\"words\"",
                Some(Cell::Name(_) | Cell::Figure(_) | Cell::Bad(_)) | None => "",
            };
            put(&mut out, format_args!("<th scope=\"col\"{class}>{}</th>", escaped(title)));
        }
        out.push_str("</tr></thead>\n");
    }
    out.push_str("<tbody>\n");
    for row in rows {
        out.push_str("<tr>");
        for cell in row {
            match cell {
                Cell::Name(text) => {
                    put(&mut out, format_args!("<th scope=\"row\"><bdi>{}</bdi></th>", escaped(&text)))
                }
                Cell::Figure(text) => put(&mut out, format_args!("<td>{}</td>", escaped(&text))),
                Cell::Bad(text) => put(&mut out, format_args!("<td class=\"bad\">{}</td>", escaped(&text))),
                Cell::Words(text) => {
                    put(&mut out, format_args!("<td class=\"words\"><bdi>{}</bdi></td>", escaped(&text)))
                }
            }
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</tbody></table></div>\n");
    out
}

/// The latencies of the whole run.
pub(super) fn latencies(record: &Record) -> String {
    let row = |name: &str, histogram: &Histogram<u64>| {
        let at = |quantile: f64| {
            // Fewer values than it takes for one of them to be beyond it say nothing of a percentile.
            let is_known = histogram.len() as f64 * (1.0 - quantile) >= 1.0 - 1e-9;
            Cell::Figure(if is_known {
                micros(histogram.value_at_quantile(quantile) as f64)
            } else {
                "–".to_owned()
            })
        };
        let of = |us: f64| Cell::Figure(if histogram.is_empty() { "–".to_owned() } else { micros(us) });
        vec![
            Cell::Name(name.to_owned()),
            Cell::Figure(count(histogram.len())),
            at(0.5),
            at(0.9),
            at(0.99),
            at(0.999),
            at(0.999_9),
            of(histogram.max() as f64),
            of(histogram.mean()),
        ]
    };
    let lines = charts::percentile_lines(record);
    table(
        "Latencies of the whole run",
        &["", "count", "p50", "p90", "p99", "p99.9", "p99.99", "max", "mean"],
        lines.iter().filter(|line| !line.histogram.is_empty()).map(|line| row(&line.name, line.histogram)),
    )
}

/// The timeline in few rows, with what the charts show.
pub(super) fn timeline(record: &Record) -> String {
    let rows = condensed(&record.seconds, REPORT_SECONDS_ROWS_MAX);
    let mut head = vec![
        "until",
        "target/s",
        "acknowledged/s",
        "delivered/s",
        "by repair",
        "lost",
        "not answered",
        "owed",
        "late by",
        "cores",
    ];
    for kind in LatencyKind::ALL {
        head.extend(match kind {
            LatencyKind::Acknowledgement => ["ack. p50", "p99", "max"],
            LatencyKind::Delivery => ["delivery p50", "p99", "max"],
            LatencyKind::EndToEnd => ["end to end p50", "p99", "max"],
        });
    }
    let rows =
        rows.iter().map(|row| {
            let counts = &row.counts;
            let rate = |what: u64| number(what as f64 / row.duration_s.max(0.001));
            let mut cells = vec![Cell::Name(seconds(row.elapsed_s))];
            cells.extend(
                [
                    rate(counts.planned),
                    rate(counts.acknowledged),
                    rate(counts.delivered),
                    count(counts.delivered_by_repair),
                ]
                .map(Cell::Figure),
            );
            cells.push(if counts.lost > 0 { Cell::Bad(count(counts.lost)) } else { Cell::Figure(count(0)) });
            cells.extend(
                [
                    count(counts.in_flight),
                    count(counts.pending),
                    micros(counts.schedule_lag_us as f64),
                    number(counts.cpu_cores),
                ]
                .map(Cell::Figure),
            );
            for kind in LatencyKind::ALL {
                let window = row.latency.of(kind);
                cells.extend([window.p50_us, window.p99_us, window.max_us].map(|us| {
                    Cell::Figure(if window.count > 0 { micros(us as f64) } else { "–".to_owned() })
                }));
            }
            cells
        });
    table("The run over time", &head, rows)
}

/// An audit table: what failed first, and no more rows than anybody reads.
pub(super) fn audit(caption: &str, rows: &[AuditRow], always: &[&str]) -> String {
    let mut order: Vec<&AuditRow> = rows.iter().collect();
    // History that was not read at all has nobody's messages.
    let is_read = rows.iter().any(|row| row.stored > 0);
    let is_short = |row: &AuditRow| is_read && always.contains(&"stored") && row.stored < row.acknowledged;
    order.sort_by_key(|row| !(row.is_bad() || is_short(row)));
    let columns: Vec<(usize, &str)> = audit_counts(&AuditRow::default())
        .into_iter()
        .enumerate()
        .map(|(place, (name, _))| (place, name))
        .filter(|&(place, name)| {
            always.contains(&name) || rows.iter().any(|row| audit_counts(row)[place].1 > 0)
        })
        .collect();
    let titles: Vec<String> = columns.iter().map(|(_, name)| name.replace('_', " ")).collect();
    let head: Vec<&str> = std::iter::once("name").chain(titles.iter().map(String::as_str)).collect();
    let shown = order.iter().take(REPORT_AUDIT_ROWS_MAX).map(|row| {
        let counts = audit_counts(row);
        let mut cells = vec![Cell::Name(row.name.clone())];
        cells.extend(columns.iter().map(|&(place, name)| {
            let value = counts[place].1;
            let is_bad = match name {
                "lost" | "repeated" | "out_of_order" | "unknown" | "corrupt" => value > 0,
                "stored" => is_short(row),
                _ => false,
            };
            if is_bad { Cell::Bad(count(value)) } else { Cell::Figure(count(value)) }
        }));
        cells
    });
    let mut out = table(caption, &head, shown);
    if let Some(more) = rows.len().checked_sub(REPORT_AUDIT_ROWS_MAX).filter(|more| *more > 0) {
        put(
            &mut out,
            format_args!(
                "<p class=\"note\">{} more are in <a href=\"audit.csv\">audit.csv</a>; those that failed stand first.</p>\n",
                count(more as u64)
            ),
        );
    }
    out
}
