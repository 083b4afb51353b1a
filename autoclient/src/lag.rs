//! Whether the generator kept its own schedule. Only a message that waited for nobody's answer can be late by the generator's fault: what a
//! slow server holds back counts as the server's latency, from the intended send time on. Knows no clock.

use std::time::Duration;

use hdrhistogram::Histogram;

use crate::{
    limits::{CPU_SHARE_MAX, LAG_MAX, LAG_SHARE_MAX},
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

    /// How the generator was the bottleneck of a run, if it was: a sentence, with what to do.
    pub(crate) fn bottleneck(&self, cpu_cores: f64, cores: u64) -> Option<String> {
        let bound_us = u64::try_from(LAG_MAX.as_micros()).unwrap_or(u64::MAX);
        let late = self.all.len() - self.all.count_between(0, bound_us);
        let share = late as f64 / self.all.len().max(1) as f64;
        let busy = cpu_cores / cores.max(1) as f64;
        if share > LAG_SHARE_MAX {
            let worst = Duration::from_micros(self.all.max());
            return Some(format!(
                "the load client was the bottleneck: {:.1} % of its messages left over {} ms late, {:.1} s at worst, at {cpu_cores:.1} of {cores} cores; \
                 ask for less, or spread the load over several machines",
                share * 100.0,
                LAG_MAX.as_millis(),
                worst.as_secs_f64()
            ));
        }
        (busy > CPU_SHARE_MAX).then(|| {
            format!(
                "the load client was the bottleneck: it used {cpu_cores:.1} of {cores} cores; ask for less, or give it a machine of its own"
            )
        })
    }
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

    #[test]
    fn a_schedule_that_is_kept_is_valid_and_a_late_one_in_a_thousand_is_no_reason() {
        assert_eq!(Lag::default().bottleneck(0.0, 2), None);
        assert_eq!(lag(999, 1).bottleneck(1.0, 2), None);
    }

    #[test]
    fn a_generator_that_is_late_says_so_and_what_to_do() {
        let said = lag(900, 100).bottleneck(1.5, 2).unwrap();
        assert!(said.contains("10.0 % of its messages left over 100 ms late, 2.0 s at worst"), "{said}");
        assert!(said.contains("ask for less"), "{said}");
    }

    #[test]
    fn a_process_that_has_all_processors_busy_is_no_judge_of_others() {
        assert!(
            lag(1_000, 0).bottleneck(1.95, 2).unwrap().contains("2.0 of 2 cores")
                || lag(1, 0).bottleneck(1.95, 2).is_some()
        );
        assert_eq!(lag(1_000, 0).bottleneck(1.8, 2), None);
    }

    #[test]
    fn the_worst_is_told_once() {
        let mut lag = lag(1, 1);
        assert_eq!((lag.take_recent_max_us(), lag.take_recent_max_us()), (2_000_000, 0));
    }
}
