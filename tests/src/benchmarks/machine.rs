//! On what machine the figures came about.

use std::{fs, process::Command, thread};

const UNKNOWN: &str = "unknown";

/// What there is to say of it: what, and its value.
pub fn facts() -> Vec<(String, String)> {
    let cores =
        thread::available_parallelism().map_or_else(|_| UNKNOWN.to_owned(), |count| count.to_string());
    let system = value("/etc/os-release", "PRETTY_NAME=").trim_matches('"').to_owned();
    let kernel = first_line(Command::new("uname").arg("-sr"));
    [
        ("processor", value("/proc/cpuinfo", "model name").trim_start_matches([' ', '\t', ':']).to_owned()),
        ("cores that may be used", cores),
        ("memory", memory()),
        ("system", format!("{system}, {kernel}")),
        ("load of the machine before (1, 5, 15 minutes)", load()),
        ("Rust", first_line(Command::new("rustc").arg("--version"))),
        ("C compiler", first_line(Command::new("cc").arg("--version"))),
    ]
    .map(|(what, value)| (what.to_owned(), value))
    .into()
}

/// What a program writes first, or that it cannot be found out.
pub fn first_line(command: &mut Command) -> String {
    let written = command.output().ok().filter(|output| output.status.success()).map(|output| output.stdout);
    let text =
        String::from_utf8_lossy(&written.unwrap_or_default()).lines().next().unwrap_or_default().to_owned();
    if text.is_empty() { "unknown".to_owned() } else { text }
}

/// The rest of the first line of a file that begins so.
fn value(path: &str, name: &str) -> String {
    let text = fs::read_to_string(path).unwrap_or_default();
    let value = text.lines().find_map(|line| line.strip_prefix(name));
    value.unwrap_or(UNKNOWN).trim().to_owned()
}

fn memory() -> String {
    let line = value("/proc/meminfo", "MemTotal:");
    let kibibytes = line.split(' ').next().and_then(|number| number.parse::<f64>().ok());
    kibibytes.map_or(line, |kibibytes| format!("{:.1} GB", kibibytes * 1024.0 / 1e9))
}

fn load() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let averages: Vec<&str> = text.split(' ').take(3).collect();
    if averages.len() == 3 { averages.join(", ") } else { UNKNOWN.to_owned() }
}
