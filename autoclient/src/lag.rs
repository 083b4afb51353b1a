//! Whether the generator kept its own schedule. Only a message that waited for nobody's answer can be late by the generator's fault: what a
//! slow server holds back counts as the server's latency, from the intended send time on. Knows no clock.

use std::time::Duration;

use hdrhistogram::Histogram;

use crate::{
    limits::{BUSY_JUDGED_AFTER, BUSY_SHARE_MAX, CPU_SHARE_MAX, LAG_MAX, LAG_SHARE_MAX},
    record::new_histogram,
};

/// By how much messages left later than intended, where the generator was the cause.
#[derive(Debug)]
pub(crate) struct Lag {
    all: Histogram<u64>,
    /// The worst since it was last asked for.
    recent_max_us: u64,
}

impl Default for Lag {
    fn default() -> Lag {
        Lag { all: new_histogram(), recent_max_us: 0 }
    }
}

impl Lag {
    /// A message left so much later than intended.
    pub(crate) fn sent(&mut self, lag_us: u64) {
        self.all.saturating_record(lag_us);
        self.recent_max_us = self.recent_max_us.max(lag_us);
    }

    /// The worst since this was last asked, in microseconds.
    pub(crate) fn take_recent_max_us(&mut self) -> u64 {
        std::mem::take(&mut self.recent_max_us)
    }

    /// So many of a hundred messages left no later than this, in microseconds.
    pub(crate) fn percentile_us(&self, percentile: f64) -> u64 {
        self.all.value_at_percentile(percentile)
    }

    /// How the generator was the bottleneck of a run, if it was: a sentence, with what to do. Only an open schedule can be late.
    pub(crate) fn bottleneck(&self, effort: Effort) -> Option<String> {
        let bound_us = u64::try_from(LAG_MAX.as_micros()).unwrap_or(u64::MAX);
        let late = self.all.len() - self.all.count_between(0, bound_us);
        let share = late as f64 / self.all.len().max(1) as f64;
        let cause = if share > LAG_SHARE_MAX {
            let worst = Duration::from_micros(self.all.max());
            format!(
                "{:.1} % of its messages left over {} ms late though they waited for nobody, {:.1} s at worst",
                share * 100.0,
                LAG_MAX.as_millis(),
                worst.as_secs_f64()
            )
        } else if self.all.is_empty() || effort.load < BUSY_JUDGED_AFTER {
            return None;
        } else if effort.busy > BUSY_SHARE_MAX {
            format!("its main thread was busy {:.0} % of the time", effort.busy * 100.0)
        } else if effort.cpu_cores > CPU_SHARE_MAX * effort.cores as f64 {
            "it used all of the processor".to_owned()
        } else {
            return None;
        };
        Some(format!(
            "the load client was the bottleneck: {cause}, at {:.1} of {} cores; ask for less, take fewer listeners, or give it a machine of its own",
            effort.cpu_cores, effort.cores
        ))
    }
}

/// How hard the load client worked while it sent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Effort {
    /// For how long.
    pub(crate) load: Duration,
    /// Cores that it used.
    pub(crate) cpu_cores: f64,
    /// Cores that there are.
    pub(crate) cores: u64,
    /// The share of the time in which its main thread worked or wanted to.
    pub(crate) busy: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lag(on_time: u64, late: u64) -> Lag {
        let mut lag = Lag::default();
        (0..on_time).for_each(|_| lag.sent(300));
        (0..late).for_each(|_| lag.sent(2_000_000));
        lag
    }

    fn effort(cpu_cores: f64, busy: f64) -> Effort {
        Effort { load: Duration::from_secs(60), cpu_cores, cores: 2, busy }
    }

    #[test]
    fn a_schedule_that_is_kept_is_valid_and_a_few_late_ones_are_no_reason() {
        assert_eq!(Lag::default().bottleneck(effort(0.0, 0.0)), None);
        assert_eq!(lag(990, 10).bottleneck(effort(1.0, 0.9)), None);
    }

    #[test]
    fn a_generator_that_is_late_says_so_and_what_to_do() {
        let said = lag(900, 100).bottleneck(effort(1.5, 0.5)).unwrap();
        assert!(said.contains("10.0 % of its messages left over 100 ms late"), "{said}");
        assert!(said.contains("2.0 s at worst, at 1.5 of 2 cores; ask for less"), "{said}");
    }

    #[test]
    fn a_generator_that_cannot_do_more_is_no_judge_of_others() {
        let said = |effort| lag(1_000, 0).bottleneck(effort);
        assert!(said(effort(1.0, 0.99)).unwrap().contains("its main thread was busy 99 % of the time"));
        assert!(said(effort(1.95, 0.5)).unwrap().contains("all of the processor"));
        assert_eq!(said(Effort { load: Duration::from_millis(500), ..effort(1.95, 1.0) }), None);
    }

    #[test]
    fn whoever_waits_for_answers_by_design_may_be_busy_all_the_time() {
        assert_eq!(Lag::default().bottleneck(effort(2.0, 1.0)), None);
    }

    #[test]
    fn the_worst_is_told_once() {
        let mut lag = lag(1, 1);
        assert_eq!((lag.take_recent_max_us(), lag.take_recent_max_us()), (2_000_000, 0));
    }
}
