//! How much processor time this process takes.

use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use tokio::runtime::Handle;

/// A moment, in processor time and on the clock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CpuTime {
    used_s: f64,
    at: Instant,
}

impl CpuTime {
    /// Now.
    pub(crate) fn now() -> CpuTime {
        let used = clock_gettime(ClockId::ProcessCPUTime);
        CpuTime { used_s: used.tv_sec as f64 + used.tv_nsec as f64 / 1e9, at: Instant::now() }
    }

    /// How many cores were busy since then.
    pub(crate) fn cores_since(&self) -> f64 {
        let now = CpuTime::now();
        (now.used_s - self.used_s) / now.at.duration_since(self.at).as_secs_f64().max(1e-6)
    }

    /// The same, and since now from here on.
    pub(crate) fn take_cores(&mut self) -> f64 {
        let cores = self.cores_since();
        *self = CpuTime::now();
        cores
    }
}

/// How long the threads of the runtime were busy, or kept from the processor.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BusyTime {
    busy: Duration,
    at: Instant,
}

impl BusyTime {
    /// Now, in a runtime.
    pub(crate) fn now() -> BusyTime {
        let metrics = Handle::current().metrics();
        let workers = metrics.num_workers();
        let busy = (0..workers).map(|worker| metrics.worker_total_busy_duration(worker)).sum::<Duration>();
        BusyTime { busy: busy / u32::try_from(workers.max(1)).unwrap_or(1), at: Instant::now() }
    }

    /// The share of the time since then.
    pub(crate) fn share_since(&self) -> f64 {
        let now = BusyTime::now();
        (now.busy - self.busy).as_secs_f64() / now.at.duration_since(self.at).as_secs_f64().max(1e-6)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_that_works_uses_time() {
        let mut before = CpuTime::now();
        let mut sum = 0_u64;
        while before.used_s == CpuTime::now().used_s {
            sum = (0..100_000).fold(sum, |sum: u64, number| sum.wrapping_mul(31).wrapping_add(number));
        }
        assert!(before.take_cores() > 0.0, "{sum}");
    }
}
