//! What the figures of a run depend on and a stranger may know: neither the host's name nor its addresses.

use std::{fs, thread};

use serde::{Deserialize, Serialize};

/// The machine of the load client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// Processor cores that this process may use.
    pub cores: u64,
    /// The processor's name, if the system says it.
    pub processor: Option<String>,
    /// Memory in bytes, if the system says it.
    pub memory_bytes: Option<u64>,
    /// The operating system and its kernel's version, as `linux 6.1.0`.
    pub kernel: String,
}

impl Machine {
    /// This machine. What it does not tell is left out.
    pub fn here() -> Machine {
        let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        Machine {
            cores: thread::available_parallelism().map_or(1, |cores| cores.get() as u64),
            processor: fs::read_to_string("/proc/cpuinfo").ok().and_then(|text| processor(&text)),
            memory_bytes: fs::read_to_string("/proc/meminfo").ok().and_then(|text| memory_bytes(&text)),
            kernel: format!("{} {}", std::env::consts::OS, release.trim()).trim().to_owned(),
        }
    }
}

fn processor(cpuinfo: &str) -> Option<String> {
    let line = cpuinfo.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned()).filter(|name| !name.is_empty())
}

fn memory_bytes(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1_024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn linux_tells_processor_and_memory() {
        assert_eq!(
            processor("processor\t: 0\nmodel name\t: A Processor 7\nmodel name\t: B\n").as_deref(),
            Some("A Processor 7")
        );
        assert_eq!(memory_bytes("MemTotal:       24000000 kB\nMemFree: 1 kB\n"), Some(24_576_000_000));
    }

    #[test]
    fn what_the_system_does_not_tell_is_left_out() {
        assert_eq!(
            (processor("cpu: x"), processor("model name:"), memory_bytes("MemTotal: much")),
            (None, None, None)
        );
    }

    #[test]
    fn this_machine_has_a_core_and_a_kernel() {
        let machine = Machine::here();
        assert!(machine.cores > 0 && machine.kernel.starts_with(std::env::consts::OS));
    }
}
