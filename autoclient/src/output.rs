//! What a run writes: results to standard output, progress to standard error, as one line drawn anew on a terminal.

use std::{
    fmt,
    io::{self, IsTerminal, Write},
    time::Duration,
};

use crate::{
    audit::Tally,
    limits::{PROGRESS_DRAW_INTERVAL, PROGRESS_LINE_INTERVAL},
};

/// Writes a line to standard output. Whoever closed it still gets the exit code.
pub(crate) fn say(line: fmt::Arguments<'_>) {
    let _ = writeln!(io::stdout(), "{line}");
}

/// The line of progress.
#[derive(Debug)]
pub(crate) struct Progress {
    on_terminal: bool,
    is_drawn: bool,
    before: (Duration, u64),
}

impl Progress {
    /// For standard error as it is.
    pub(crate) fn new() -> Progress {
        Progress { on_terminal: io::stderr().is_terminal(), is_drawn: false, before: (Duration::ZERO, 0) }
    }

    /// How often [`Progress::show`] wants to be called.
    pub(crate) fn interval(&self) -> Duration {
        if self.on_terminal { PROGRESS_DRAW_INTERVAL } else { PROGRESS_LINE_INTERVAL }
    }

    /// Shows where the run is after this time; `behind` is how late the plan is.
    pub(crate) fn show(&mut self, elapsed: Duration, tally: Tally, pending: usize, behind: Duration) {
        let line = line(elapsed, self.before, tally, pending, behind);
        // The rate is over a second at least, so that a line drawn often does not flicker.
        if elapsed.saturating_sub(self.before.0) >= Duration::from_secs(1) {
            self.before = (elapsed, tally.acknowledged);
        }
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

fn line(
    elapsed: Duration,
    before: (Duration, u64),
    tally: Tally,
    pending: usize,
    behind: Duration,
) -> String {
    let seconds = elapsed.saturating_sub(before.0).as_secs_f64().max(0.001);
    let rate = tally.acknowledged.saturating_sub(before.1) as f64 / seconds;
    let mut line = format!(
        "{:>6.0} s: {} sent, {} acknowledged ({rate:.0}/s), {} heard",
        elapsed.as_secs_f64(),
        tally.attempted,
        tally.acknowledged,
        tally.heard
    );
    for (count, what) in [
        (pending as u64, "on their way"),
        (tally.repaired, "repaired"),
        (tally.refused, "refused"),
        (tally.ambiguous, "never answered"),
    ] {
        if count > 0 {
            line += &format!(", {count} {what}");
        }
    }
    if behind >= Duration::from_secs(1) {
        line += &format!("; {:.0} s behind the plan", behind.as_secs_f64());
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_what_matters_and_no_more() {
        let tally = Tally { attempted: 300, acknowledged: 250, heard: 240, ..Tally::default() };
        let second = Duration::from_secs(1);
        assert_eq!(
            line(2 * second, (second, 150), tally, 0, Duration::ZERO),
            "     2 s: 300 sent, 250 acknowledged (100/s), 240 heard"
        );
        assert_eq!(
            line(2 * second, (second, 150), Tally { repaired: 3, ..tally }, 10, 4 * second),
            "     2 s: 300 sent, 250 acknowledged (100/s), 240 heard, 10 on their way, 3 repaired; 4 s behind the plan"
        );
    }
}
