//! `seconds.csv` and `audit.csv`, as RFC 4180 has it but for lines that end as Unix has them.

use std::io::{self, Write};

use crate::record::{AuditRow, LatencyKind, Record};

/// The counts of an audit's row with their names, in the order in which they are shown.
pub(crate) fn audit_counts(row: &AuditRow) -> [(&'static str, u64); 14] {
    let AuditRow {
        name: _,
        attempted,
        acknowledged,
        ambiguous,
        refused,
        unsent,
        stored,
        expected,
        delivered_live,
        delivered_by_repair,
        lost,
        repeated,
        out_of_order,
        unknown,
        corrupt,
    } = row;
    [
        ("attempted", *attempted),
        ("acknowledged", *acknowledged),
        ("ambiguous", *ambiguous),
        ("refused", *refused),
        ("unsent", *unsent),
        ("stored", *stored),
        ("expected", *expected),
        ("delivered_live", *delivered_live),
        ("delivered_by_repair", *delivered_by_repair),
        ("lost", *lost),
        ("repeated", *repeated),
        ("out_of_order", *out_of_order),
        ("unknown", *unknown),
        ("corrupt", *corrupt),
    ]
}

/// Writes the audit: a row for each publisher, channel and subscriber, after one for the total.
pub(crate) fn write_audit(record: &Record, out: &mut impl Write) -> io::Result<()> {
    write!(out, "kind,name")?;
    for (column, _) in audit_counts(&record.total) {
        write!(out, ",{column}")?;
    }
    writeln!(out)?;
    let total = [("total", std::slice::from_ref(&record.total))];
    let parts = [
        ("publisher", &*record.publishers),
        ("channel", &*record.channels),
        ("subscriber", &*record.subscribers),
    ];
    for (kind, rows) in total.into_iter().chain(parts) {
        for row in rows {
            write!(out, "{kind},{}", field(&row.name))?;
            for (_, count) in audit_counts(row) {
                write!(out, ",{count}")?;
            }
            writeln!(out)?;
        }
    }
    Ok(())
}

/// Writes the timeline.
pub(crate) fn write_seconds(record: &Record, out: &mut impl Write) -> io::Result<()> {
    write!(
        out,
        "elapsed_s,duration_s,planned,sent,acknowledged,delivered,delivered_by_repair,in_flight,pending,lost,cpu_cores,\
         schedule_lag_us"
    )?;
    for kind in LatencyKind::ALL {
        let key = kind.key();
        write!(out, ",{key}_count,{key}_p50_us,{key}_p99_us,{key}_max_us")?;
    }
    writeln!(out)?;
    for second in &record.seconds {
        let counts = &second.counts;
        write!(
            out,
            "{:.3},{:.3},{},{},{},{},{},{},{},{},{:.3},{}",
            second.elapsed_s,
            second.duration_s,
            counts.planned,
            counts.sent,
            counts.acknowledged,
            counts.delivered,
            counts.delivered_by_repair,
            counts.in_flight,
            counts.pending,
            counts.lost,
            counts.cpu_cores,
            counts.schedule_lag_us
        )?;
        for kind in LatencyKind::ALL {
            let window = second.latency.of(kind);
            match window.count {
                // No latency is not a latency of nothing.
                0 => write!(out, ",0,,,")?,
                count => write!(out, ",{count},{},{},{}", window.p50_us, window.p99_us, window.max_us)?,
            }
        }
        writeln!(out)?;
    }
    Ok(())
}

/// A string from outside as a field. What a spreadsheet would take for a formula gets an apostrophe before it, which makes it text there.
fn field(text: &str) -> String {
    const FORMULAS: &[char] = &['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];
    let guard = if text.trim_start().starts_with(FORMULAS) || text.starts_with(FORMULAS) { "'" } else { "" };
    if guard.is_empty() && !text.contains(['"', ',', '\n', '\r', ';', '\t', ' ']) {
        return text.to_owned();
    }
    format!("\"{guard}{}\"", text.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    fn lines(write: impl Fn(&Record, &mut Vec<u8>) -> io::Result<()>, record: &Record) -> Vec<String> {
        let mut out = Vec::new();
        write(record, &mut out).unwrap();
        String::from_utf8(out).unwrap().lines().map(ToOwned::to_owned).collect()
    }

    #[test]
    fn every_row_has_all_columns() {
        let mut record = sample::record();
        record.publishers.truncate(1);
        record.publishers[0].name = "ana".to_owned();
        for lines in [lines(write_seconds, &record), lines(write_audit, &record)] {
            let columns = lines[0].split(',').count();
            assert!(lines.len() > 2);
            assert!(lines[..3].iter().all(|line| line.split(',').count() == columns), "{lines:#?}");
        }
    }

    #[test]
    fn the_audit_begins_with_its_total() {
        let record = sample::record();
        let lines = lines(write_audit, &record);
        assert!(lines[0].starts_with("kind,name,attempted,acknowledged,"));
        assert!(
            lines[1]
                .starts_with(&format!("total,,{},{},", record.total.attempted, record.total.acknowledged))
        );
    }

    #[test]
    fn a_second_without_latencies_has_none() {
        let mut record = sample::record();
        record.seconds.truncate(1);
        record.seconds[0].latency.delivery = crate::record::Window::of(&crate::record::new_histogram());
        assert!(lines(write_seconds, &record)[1].contains(",0,,,,"));
    }

    #[test]
    fn names_are_quoted_and_never_formulas() {
        let cases = [
            ("ana", "ana"),
            ("a,b", "\"a,b\""),
            ("say \"olá\"", "\"say \"\"olá\"\"\""),
            ("=1+1", "\"'=1+1\""),
            ("+55", "\"'+55\""),
            ("-x", "\"'-x\""),
            ("@SUM(A1)", "\"'@SUM(A1)\""),
            (" =1", "\"' =1\""),
            ("＝1", "\"'＝1\""),
            ("\t=1", "\"'\t=1\""),
        ];
        for (name, expected) in cases {
            assert_eq!(field(name), expected);
        }
    }
}
