//! A publisher and a subscriber of a real library, pyzmq: messages received a second.

use std::path::Path;

use anyhow::{Context, ensure};
use recado_tests::{
    peers::{Library, peers},
    process::Run,
};

use crate::relays::Relay;

const FOLDER: &str = "tests/peers";
const PROGRAM: &str = "throughput";

/// Whether the library is there.
pub(crate) fn find() -> anyhow::Result<()> {
    ensure!(peers().join("python").exists(), "pyzmq is not installed: make peers");
    Ok(())
}

fn program(folder: &Path, arguments: &[&str]) -> anyhow::Result<Run> {
    find()?;
    Ok(Library::Pyzmq.program(folder, FOLDER, PROGRAM, arguments))
}

/// Messages that one subscriber receives in a second of what one publisher sends.
pub(crate) fn measure(relay: &Relay, folder: &Path, body_bytes: usize, seconds: f64) -> anyhow::Result<f64> {
    let [publishers, subscribers] =
        [relay.publishers, relay.subscribers].map(|address| format!("tcp://{address}"));
    let subscriber = program(folder, &["subscribe", &subscribers, &seconds.to_string()])?.start();
    let publisher = program(folder, &["publish", &publishers, &body_bytes.to_string()])?.start();
    let ended = subscriber.wait();
    drop(publisher);
    ensure!(ended.code == Some(0), "the subscriber failed: {}", ended.err.join(" "));
    let line = ended.out.first().context("the subscriber says nothing")?;
    line.parse().with_context(|| format!("not a figure: {line}"))
}

/// The versions of the library.
pub(crate) fn version(folder: &Path) -> anyhow::Result<String> {
    let ended = program(folder, &["version"])?.to_end();
    ensure!(ended.code == Some(0), "pyzmq does not load: {}", ended.err.join(" "));
    ended.out.into_iter().next().context("pyzmq says no version")
}
