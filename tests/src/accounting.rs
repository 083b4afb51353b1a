//! What Linux counts of a process: its time on the processors and its memory. Elsewhere there is no `/proc`, and asking is an error.

use std::fs;

use anyhow::Context;

/// Linux tells processes' times in hundredths of a second, whatever its own clock does.
const TICKS_PER_SECOND: f64 = 100.0;

/// Seconds that the process has spent on the processors so far, in itself and in the kernel.
///
/// # Errors
/// The process is gone, or this is not Linux.
pub fn cpu_seconds(pid: u32) -> anyhow::Result<f64> {
    let [own, _] = seconds(pid)?;
    Ok(own)
}

/// The same and what those of its children have spent that have ended.
///
/// # Errors
/// The process is gone, or this is not Linux.
pub fn cpu_seconds_with_children(pid: u32) -> anyhow::Result<f64> {
    let [own, children] = seconds(pid)?;
    Ok(own + children)
}

fn seconds(pid: u32) -> anyhow::Result<[f64; 2]> {
    let path = format!("/proc/{pid}/stat");
    let stat = fs::read_to_string(&path).with_context(|| path.clone())?;
    // The program's name stands in parentheses, and may itself hold some.
    let (_, fields) = stat.rsplit_once(") ").with_context(|| format!("{path} names no program"))?;
    let fields: Vec<&str> = fields.split(' ').collect();
    let sum = |at: usize| -> anyhow::Result<f64> {
        let [user, system] = fields.get(at..at + 2).with_context(|| format!("{path} is short"))? else {
            unreachable!("two fields were taken");
        };
        Ok((user.parse::<f64>()? + system.parse::<f64>()?) / TICKS_PER_SECOND)
    };
    Ok([sum(11)?, sum(13)?])
}

/// Megabytes (10^6 bytes) of the process that are in memory now.
///
/// # Errors
/// The process is gone, or this is not Linux.
pub fn resident_mb(pid: u32) -> anyhow::Result<f64> {
    status_mb(pid, "VmRSS:")
}

/// The most that [`resident_mb`] ever was.
///
/// # Errors
/// The process is gone, or this is not Linux.
pub fn peak_resident_mb(pid: u32) -> anyhow::Result<f64> {
    status_mb(pid, "VmHWM:")
}

fn status_mb(pid: u32, name: &str) -> anyhow::Result<f64> {
    let path = format!("/proc/{pid}/status");
    let status = fs::read_to_string(&path).with_context(|| path.clone())?;
    let line = status.lines().find(|line| line.starts_with(name));
    let line = line.with_context(|| format!("{path} has no {name}"))?;
    let kibibytes: f64 =
        line.split_whitespace().nth(1).with_context(|| format!("no figure: {line}"))?.parse()?;
    Ok(kibibytes * 1024.0 / 1e6)
}
