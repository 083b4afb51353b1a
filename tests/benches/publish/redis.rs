//! Redis Streams with a sync for every turn, as a process of its own.

use std::{
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};

/// A running Redis, killed when it is dropped.
pub(crate) struct Redis {
    child: Child,
    /// Where it listens.
    pub(crate) address: SocketAddr,
}

impl Redis {
    /// Its version, if it is installed.
    pub(crate) fn version() -> Option<String> {
        let output = Command::new("redis-server").arg("--version").output().ok()?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        text.split_whitespace().find_map(|word| word.strip_prefix("v=")).map(str::to_owned)
    }

    /// Starts one that keeps its files in the folder.
    pub(crate) fn start(folder: &Path) -> anyhow::Result<Redis> {
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let child = Command::new("redis-server")
            .args(["--bind", "127.0.0.1", "--port", &address.port().to_string(), "--save", ""])
            .args(["--appendonly", "yes", "--appendfsync", "always", "--loglevel", "warning", "--dir"])
            .arg(folder)
            .stdout(Stdio::null())
            .spawn()
            .context("redis-server does not start")?;
        let redis = Redis { child, address };
        let patience = Instant::now() + Duration::from_secs(10);
        while TcpStream::connect(address).is_err() {
            ensure!(Instant::now() < patience, "redis-server does not answer on {address}");
            thread::sleep(Duration::from_millis(20));
        }
        Ok(redis)
    }

    /// Its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        // It may have ended by itself; either way it is gone afterwards.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
