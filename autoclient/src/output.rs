//! What a run writes: results to standard output, progress to standard error, as one line drawn anew on a terminal.

use std::{
    fmt,
    io::{self, IsTerminal, Write},
};

use crate::{
    record::{AuditRow, Second},
    units::grouped,
};

/// Writes a line to standard output. Whoever closed it still gets the exit code.
pub(crate) fn say(line: fmt::Arguments<'_>) {
    let _ = writeln!(io::stdout(), "{line}");
}

/// Where a run is.
pub(crate) struct Now<'a> {
    pub(crate) second: &'a Second,
    pub(crate) total: &'a AuditRow,
    pub(crate) late: usize,
}

/// The line of progress.
#[derive(Debug)]
pub(crate) struct Progress {
    on_terminal: bool,
    is_drawn: bool,
}

impl Progress {
    /// For standard error as it is.
    pub(crate) fn new() -> Progress {
        Progress { on_terminal: io::stderr().is_terminal(), is_drawn: false }
    }

    /// Shows where the run is.
    pub(crate) fn show(&mut self, now: &Now<'_>) {
        let line = line(now);
        let mut stderr = io::stderr().lock();
        // Progress that cannot be shown is no reason to end.
        let _ = if self.on_terminal { write!(stderr, "\r\x1b[K{line}") } else { writeln!(stderr, "{line}") };
        let _ = stderr.flush();
        self.is_drawn = self.on_terminal;
    }

    /// Takes the line away from the terminal.
    pub(crate) fn clear(&mut self) {
        if self.is_drawn {
            let _ = write!(io::stderr(), "\r\x1b[K");
            self.is_drawn = false;
        }
    }
}

fn line(now: &Now<'_>) -> String {
    let Now { second, total, late } = now;
    let seconds = second.duration_s.max(0.001);
    let mut line = format!(
        "{:>6.0} s: {:.0}/s of {:.0}/s, {} acknowledged, {} in flight, p50 {}, p99 {}",
        second.elapsed_s,
        second.counts.acknowledged as f64 / seconds,
        second.counts.planned as f64 / seconds,
        grouped(total.acknowledged),
        second.counts.in_flight,
        latency(second.latency.end_to_end.p50_us),
        latency(second.latency.end_to_end.p99_us),
    );
    for (count, what) in [
        (second.counts.pending, "pending"),
        (*late as u64, "held back"),
        (total.delivered_by_repair, "repaired"),
        (total.refused, "refused"),
        (total.ambiguous, "ambiguous"),
        (total.repeated, "repeated"),
        (total.out_of_order, "out of order"),
        (total.unknown, "unknown"),
        (total.corrupt, "corrupt"),
    ] {
        if count > 0 {
            line += &format!(", {} {what}", grouped(count));
        }
    }
    line
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
    use crate::record::{Recorder, SecondCounts, Way};

    use super::*;

    #[test]
    fn a_line_says_what_matters_and_no_more() {
        let mut recorder = Recorder::default();
        recorder.delivered(100, 1_500, Way::Live);
        let counts =
            SecondCounts { planned: 120, acknowledged: 100, in_flight: 7, ..SecondCounts::default() };
        let second = recorder.end_second(1.0, counts);
        let total = AuditRow { acknowledged: 1_100, ..AuditRow::default() };
        assert_eq!(
            line(&Now { second: &second, total: &total, late: 0 }),
            "     1 s: 100/s of 120/s, 1,100 acknowledged, 7 in flight, p50 1.50 ms, p99 1.50 ms"
        );
        let total = AuditRow { delivered_by_repair: 3, ..total };
        assert!(
            line(&Now { second: &second, total: &total, late: 4 }).ends_with(", 4 held back, 3 repaired")
        );
    }

    #[test]
    fn latencies_have_three_digits_and_a_unit() {
        let shown = [999, 1_234, 12_345, 123_456, 1_234_567].map(latency);
        assert_eq!(shown, ["999 us", "1.23 ms", "12.3 ms", "123 ms", "1.23 s"]);
    }
}
