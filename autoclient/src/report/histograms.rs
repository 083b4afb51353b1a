//! The histograms in the formats of HdrHistogram's own tools: percentile distributions (`.hgrm`) and the interval log (`.hlog`).

use std::io::{self, Write};

use hdrhistogram::Histogram;

use super::text::utc;
use crate::record::{LatencyKind, Record};

/// How many lines a percentile distribution has for each halving of the distance to 100 %: as HdrHistogram's tools do it.
const TICKS_PER_HALF_DISTANCE: u32 = 5;

/// Writes the percentile distribution of a histogram of microseconds, in milliseconds, as HdrHistogram's plotter reads it.
pub(crate) fn write_hgrm(histogram: &Histogram<u64>, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "{:>12} {:>14} {:>10} {:>14}\n", "Value", "Percentile", "TotalCount", "1/(1-Percentile)")?;
    let mut total = 0;
    for step in histogram.iter_quantiles(TICKS_PER_HALF_DISTANCE) {
        total += step.count_since_last_iteration();
        let (value_ms, quantile) = (step.value_iterated_to() as f64 / 1e3, step.quantile_iterated_to());
        write!(out, "{value_ms:12.3} {quantile:2.12} {total:10}")?;
        match quantile < 1.0 {
            true => writeln!(out, " {:14.2}", 1.0 / (1.0 - quantile))?,
            false => writeln!(out)?,
        }
    }
    writeln!(
        out,
        "#[Mean    = {:12.3}, StdDeviation   = {:12.3}]",
        histogram.mean() / 1e3,
        histogram.stdev() / 1e3
    )?;
    writeln!(
        out,
        "#[Max     = {:12.3}, Total count    = {:12}]",
        histogram.max() as f64 / 1e3,
        histogram.len()
    )?;
    let sub_buckets = 2 * 10_u64.pow(histogram.sigfig().into());
    writeln!(
        out,
        "#[Buckets = {:12}, SubBuckets     = {:12}]",
        histogram.buckets(),
        sub_buckets.next_power_of_two()
    )
}

/// Writes the interval log: for each row of the timeline the histogram of each latency, in microseconds, under a tag that names it.
pub(crate) fn write_hlog(record: &Record, out: &mut impl Write) -> io::Result<()> {
    let started_s = record.started_ms as f64 / 1e3;
    writeln!(out, "#[Logged with recado autoclient {}; values are microseconds]", record.version)?;
    writeln!(out, "#[Histogram log format version 1.3]")?;
    writeln!(out, "#[StartTime: {started_s:.3} (seconds since epoch), {}]", utc(record.started_ms))?;
    writeln!(out, "#[BaseTime: {started_s:.3} (seconds since epoch)]")?;
    writeln!(
        out,
        "\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\"Interval_Compressed_Histogram\""
    )?;
    for second in &record.seconds {
        let start_s = (second.elapsed_s - second.duration_s).max(0.0);
        for kind in LatencyKind::ALL {
            let window = second.latency.of(kind);
            writeln!(
                out,
                "Tag={},{start_s:.3},{:.3},{:.3},{}",
                kind.key(),
                second.duration_s,
                window.max_us as f64 / 1e3,
                window.histogram.as_str()
            )?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use hdrhistogram::serialization::interval_log::{IntervalLogIterator, LogEntry};

    use super::*;
    use crate::{record::new_histogram, report::sample};

    #[test]
    fn the_distribution_is_as_the_tools_write_it() {
        let mut histogram = new_histogram();
        (1..=1_000).for_each(|ms| histogram.saturating_record(ms * 1_000));
        let mut out = Vec::new();
        write_hgrm(&histogram, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines[0], "       Value     Percentile TotalCount 1/(1-Percentile)");
        assert_eq!(lines[2], "       1.000 0.000000000000          1           1.00");
        assert!(lines.contains(&"     500.223 0.500000000000        500           2.00"), "{text}");
        assert!(lines.iter().any(|line| line.ends_with(" 1.000000000000       1000")), "{text}");
        assert!(lines.contains(&"#[Max     =     1000.447, Total count    =         1000]"), "{text}");
        assert!(lines.last().unwrap().contains("SubBuckets     =         2048]"), "{text}");
    }

    #[test]
    fn an_empty_distribution_has_a_head_and_a_foot() {
        let mut out = Vec::new();
        write_hgrm(&new_histogram(), &mut out).unwrap();
        assert!(String::from_utf8(out).unwrap().contains("Total count    =            0]"));
    }

    #[test]
    fn the_log_is_read_by_the_histogram_s_library() {
        let record = sample::record();
        let mut out = Vec::new();
        write_hlog(&record, &mut out).unwrap();
        // The library knows no legend.
        let text = String::from_utf8(out).unwrap();
        let log: String =
            text.lines().filter(|line| !line.starts_with('"')).map(|line| format!("{line}\n")).collect();
        let mut entries = 0;
        for entry in IntervalLogIterator::new(log.as_bytes()) {
            match entry.unwrap() {
                LogEntry::Interval(interval) => {
                    let window = record.seconds[entries / 3].latency.of(LatencyKind::ALL[entries % 3]);
                    assert_eq!(interval.tag().unwrap().as_str(), LatencyKind::ALL[entries % 3].key());
                    assert_eq!(interval.encoded_histogram(), window.histogram.as_str());
                    entries += 1;
                }
                LogEntry::StartTime(_) | LogEntry::BaseTime(_) => {}
            }
        }
        assert_eq!(entries, 3 * record.seconds.len());
    }
}
