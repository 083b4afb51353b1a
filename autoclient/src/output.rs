//! What a run writes: results to standard output, progress to standard error.

use std::{
    env, fmt,
    io::{self, IsTerminal, Write},
    time::Duration,
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::{
    record::{AuditRow, Second},
    units::{grouped, latency},
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

/// The progress of a run on standard error: a bar that is drawn anew on a terminal, a line each second elsewhere.
#[derive(Debug)]
pub(crate) struct Progress {
    /// None where there is no terminal.
    bar: Option<ProgressBar>,
    /// How long messages are sent, if that is known.
    planned: Option<Duration>,
}

impl Progress {
    /// For standard error as it is, and a run that sends for so long.
    pub(crate) fn new(planned: Option<Duration>) -> Progress {
        let bar = io::stderr().is_terminal().then(|| {
            let length = planned.map(|planned| planned.as_millis().try_into().unwrap_or(u64::MAX));
            let bar = ProgressBar::with_draw_target(length, ProgressDrawTarget::stderr());
            let is_coloured = env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
            bar.with_style(style(length.is_some(), is_coloured))
        });
        Progress { bar, planned }
    }

    /// Shows where the run is.
    pub(crate) fn show(&mut self, now: &Now<'_>) {
        if self.planned.is_some()
            && let Some(bar) = &self.bar
        {
            bar.set_position((now.second.elapsed_s * 1e3) as u64);
        }
        self.write(line(now));
    }

    /// Shows how far history was read back.
    pub(crate) fn show_reading(&mut self, read: u64, of: u64) {
        self.write(format!("reading back: {} of {} messages", grouped(read), grouped(of)));
    }

    fn write(&self, line: String) {
        match &self.bar {
            Some(bar) => {
                bar.set_message(line.trim_start().to_owned());
                bar.tick();
            }
            // Progress that cannot be shown is no reason to end.
            None => drop(writeln!(io::stderr(), "{line}")),
        }
    }

    /// Takes the bar away from the terminal.
    pub(crate) fn clear(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

fn style(has_end: bool, is_coloured: bool) -> ProgressStyle {
    let template = match (has_end, is_coloured) {
        (true, true) => "{spinner:.cyan} {wide_bar:.cyan}\n{wide_msg}",
        (true, false) => "{spinner} {wide_bar}\n{wide_msg}",
        (false, true) => "{spinner:.cyan} {wide_msg}",
        (false, false) => "{spinner} {wide_msg}",
    };
    ProgressStyle::with_template(template).expect("the templates are constants")
}

fn line(now: &Now<'_>) -> String {
    let Now { second, total, late } = now;
    let seconds = second.duration_s.max(0.001);
    let mut line = format!(
        "{:>6.0} s: {:.0}/s of {:.0}/s, p50 {}, p99 {}, {} in flight, {} acknowledged",
        second.elapsed_s,
        second.counts.acknowledged as f64 / seconds,
        second.counts.planned as f64 / seconds,
        latency(second.latency.end_to_end.p50_us),
        latency(second.latency.end_to_end.p99_us),
        second.counts.in_flight,
        grouped(total.acknowledged),
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
            "     1 s: 100/s of 120/s, p50 1.50 ms, p99 1.50 ms, 7 in flight, 1,100 acknowledged"
        );
        let total = AuditRow { delivered_by_repair: 3, ..total };
        assert!(
            line(&Now { second: &second, total: &total, late: 4 }).ends_with(", 4 held back, 3 repaired")
        );
    }

    #[test]
    fn every_style_is_one() {
        for (has_end, is_coloured) in [(true, true), (true, false), (false, true), (false, false)] {
            style(has_end, is_coloured);
        }
    }
}
