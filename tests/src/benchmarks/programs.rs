//! Builds what is compared and asks for versions.

use std::{
    env,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, anyhow, ensure};

use super::machine::first_line;
use crate::{process::recado_path, workspace::root};

/// Builds ours: yesterday's would be measured otherwise.
///
/// # Errors
/// It cannot be built, or this is no optimised build.
pub fn build_recado() -> anyhow::Result<()> {
    let own = env::current_exe()?;
    let profile = own
        .ancestors()
        .nth(2)
        .and_then(Path::file_name)
        .context("benchmarks run from target/<profile>/deps")?;
    ensure!(profile == "release", "a broker without optimisation says nothing: run this with cargo bench");
    let built = Command::new(env!("CARGO"))
        .args(["build", "--release", "--locked", "--package", "recado"])
        .current_dir(root())
        .status()
        .context("cargo cannot be started")?;
    ensure!(built.success(), "recado cannot be built");
    Ok(())
}

/// The program around libzmq's proxy, built into the folder.
///
/// # Errors
/// There is no C compiler, or no libzmq.
pub fn build_zmq_proxy(folder: &Path) -> anyhow::Result<PathBuf> {
    let program = folder.join("zmq_proxy");
    let source = root().join("tests/peers/zmq_proxy.c");
    let compiled = Command::new("cc")
        .args(["-O2", "-o"])
        .args([&program, &source])
        .arg("-lzmq")
        .output()
        .map_err(|error| {
            anyhow!("there is no C compiler ({error}): on Debian, apt-get install gcc libc6-dev libzmq3-dev")
        })?;
    ensure!(
        compiled.status.success(),
        "tests/peers/zmq_proxy.c does not compile, perhaps for want of libzmq: on Debian, apt-get install libzmq3-dev ({})",
        String::from_utf8_lossy(&compiled.stderr).lines().next().unwrap_or("the compiler says nothing")
    );
    Ok(program)
}

/// Our program's version, and which commit it was built of.
pub fn recado_version() -> String {
    let version = first_line(Command::new(recado_path()).arg("--version"));
    let commit = first_line(
        Command::new("git").args(["describe", "--always", "--dirty", "--exclude=*"]).current_dir(root()),
    );
    format!("{version}, commit {commit}")
}

/// What an endpoint names.
///
/// # Errors
/// It is none of TCP with an address.
pub fn address(endpoint: &str) -> anyhow::Result<SocketAddr> {
    let address = endpoint.strip_prefix("tcp://").unwrap_or(endpoint);
    address.parse().with_context(|| format!("not an address: {endpoint}"))
}

/// Whether the system lets this process and those it starts hold so many connections; it is asked to.
///
/// # Errors
/// It does not.
pub fn allow_connections(count: usize) -> anyhow::Result<()> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    /// Files that a program has open beside its connections.
    const OTHERS: u64 = 256;
    let wanted = count as u64 + OTHERS;
    let enough = |limit: Option<u64>| limit.is_none_or(|limit| limit >= wanted);
    let limit = getrlimit(Resource::Nofile);
    if !enough(limit.current) {
        let maximum = if enough(limit.maximum) { limit.maximum } else { Some(wanted) };
        setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum }).with_context(|| {
            format!(
                "the system allows too few open files (ulimit -Hn): {:?}, and {wanted} are needed",
                limit.maximum
            )
        })?;
    }
    Ok(())
}
