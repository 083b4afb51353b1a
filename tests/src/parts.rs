//! Starts Recado's parts as processes of their own, on ports that the system chooses, and knows where they listen.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use anyhow::Context;
use serde_json::Value;
use tempfile::TempDir;

use crate::process::{Process, Run};

/// An endpoint whose port the system chooses.
pub const ANY_PORT: &str = "tcp://127.0.0.1:*";

/// A folder that is removed with the test.
///
/// # Panics
/// The system has no room for it.
pub fn folder() -> TempDir {
    tempfile::Builder::new().prefix("recado-test-").tempdir().expect("the temporary folder can be written")
}

/// A broker's process and where it listens.
#[derive(Debug)]
pub struct Broker {
    /// The process.
    pub process: Process,
    /// Where publishers connect.
    pub publishers: String,
    /// Where subscribers connect.
    pub subscribers: String,
}

impl Broker {
    /// Starts one on ports that the system chooses.
    pub fn start(folder: &Path) -> Broker {
        Broker::start_at(folder, ANY_PORT, ANY_PORT)
    }

    /// Starts one where another was before.
    pub fn start_at(folder: &Path, publishers: &str, subscribers: &str) -> Broker {
        let arguments =
            ["broker", "--log-format", "json", "--publishers", publishers, "--subscribers", subscribers];
        let process = Run::recado(folder, arguments).start();
        let publishers = listening(&process, "publishers");
        let subscribers = listening(&process, "subscribers");
        Broker { process, publishers, subscribers }
    }

    /// Kills it and starts another in its place.
    pub fn restart(&mut self, folder: &Path) {
        self.process.kill();
        *self = Broker::start_at(folder, &self.publishers, &self.subscribers);
    }
}

/// A server's process and where it listens.
#[derive(Debug)]
pub struct Server {
    /// The process.
    pub process: Process,
    /// Where clients send requests.
    pub requests: String,
    /// The file that it stores in.
    pub store: PathBuf,
    broker: String,
}

impl Server {
    /// Starts one that publishes to `broker`, with its store in the folder.
    pub fn start(folder: &Path, broker: &str) -> Server {
        Server::start_at(folder, ANY_PORT, broker)
    }

    /// Starts one where another was before.
    pub fn start_at(folder: &Path, requests: &str, broker: &str) -> Server {
        let store = folder.join("recado.db");
        let url = store_url(&store);
        let arguments =
            ["server", "--log-format", "json", "--requests", requests, "--broker", broker, "--store", &url];
        let process = Run::recado(folder, arguments).start();
        let requests = listening(&process, "requests");
        Server { process, requests, store, broker: broker.to_owned() }
    }

    /// Kills it and starts another in its place, on the same store.
    pub fn restart(&mut self, folder: &Path) {
        self.process.kill();
        *self = Server::start_at(folder, &self.requests, &self.broker);
    }
}

/// What `--store` takes for a file.
pub fn store_url(path: &Path) -> String {
    format!("sqlite:{}", path.display())
}

/// Where a part listens, from the log line that says so.
///
/// # Panics
/// It never says so.
pub fn listening(process: &Process, socket: &str) -> String {
    let line = process.wait_for_log(&format!("the endpoint of {socket}"), |line| {
        field(line, "message").as_deref() == Some("listening")
            && field(line, "socket").as_deref() == Some(socket)
    });
    field(&line, "endpoint").unwrap_or_else(|| panic!("a log line without its endpoint: {line}"))
}

/// A field of a JSON log line.
pub fn field(line: &str, name: &str) -> Option<String> {
    let value: Value = serde_json::from_str(line).ok()?;
    Some(value.get(name)?.as_str()?.to_owned())
}

/// `recado up`: a broker and a server in one process.
#[derive(Debug)]
pub struct Recado {
    /// The process.
    pub process: Process,
    /// Where clients send requests.
    pub requests: String,
    /// Where publishers connect.
    pub publishers: String,
    /// Where subscribers connect.
    pub subscribers: String,
}

impl Recado {
    /// Starts it on ports that the system chooses, with its store in the folder.
    ///
    /// # Errors
    /// None at present: a program that does not start is a panic that shows what it wrote.
    pub fn up(folder: &Path) -> anyhow::Result<Recado> {
        let url = store_url(&folder.join("recado.db"));
        let mut arguments = vec!["up", "--log-format", "json", "--store", &url];
        for flag in ["--requests", "--publishers", "--subscribers"] {
            arguments.extend([flag, ANY_PORT]);
        }
        let process = Run::recado(folder, arguments).start();
        let requests = listening(&process, "requests");
        let publishers = listening(&process, "publishers");
        let subscribers = listening(&process, "subscribers");
        Ok(Recado { process, requests, publishers, subscribers })
    }

    /// The address behind [`Recado::requests`].
    ///
    /// # Errors
    /// The endpoint is none of TCP.
    pub fn requests_address(&self) -> anyhow::Result<SocketAddr> {
        let address = self.requests.strip_prefix("tcp://").context("not a TCP endpoint")?;
        Ok(address.parse()?)
    }
}
