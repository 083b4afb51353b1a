//! Runs the programs of `tests/peers`, which speak ZeroMQ with libraries that are not ours, and tells them what to do.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    time::Duration,
};

use serde_json::{Value, json};

use crate::{
    process::{Process, Run, recado_path},
    workspace::root,
};

/// A library that is not ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Library {
    /// Python's, on libzmq.
    Pyzmq,
    /// Node's, on libzmq.
    ZeromqJs,
    /// The `zeromq` crate.
    ZeromqCrate,
}

impl Library {
    /// A program in `folder`, which lies in the repository, without its extension: ready to be started with these arguments.
    /// `scratch` is a folder of the test's own.
    ///
    /// # Panics
    /// What it needs is not installed.
    pub fn program(self, scratch: &Path, folder: &str, name: &str, arguments: &[&str]) -> Run {
        let source = root().join(folder).join(name);
        match self {
            Library::Pyzmq => {
                let script = source.with_extension("py");
                let python = installed(peers().join("python/bin/python"));
                Run::program(
                    &python,
                    scratch,
                    [script.to_str().expect("our file names are plain")].iter().chain(arguments),
                )
            }
            Library::ZeromqJs => {
                // Node looks for modules beside the program, as they are for whoever writes one.
                let modules = installed(peers().join("node/node_modules/zeromq"));
                let modules = modules.parent().expect("it is in node_modules");
                let script = scratch.join(name).with_extension("mjs");
                fs::copy(source.with_extension("mjs"), &script).expect("the program can be copied");
                if !scratch.join("node_modules").exists() {
                    symlink(modules, scratch.join("node_modules")).expect("the folder is ours to write");
                }
                let script = script.to_str().expect("our file names are plain");
                Run::program(Path::new("node"), scratch, [script].iter().chain(arguments))
            }
            Library::ZeromqCrate => {
                let examples = recado_path().parent().expect("it is in target/<profile>").join("examples");
                let program = examples.join(name);
                assert!(
                    program.is_file(),
                    "{} is missing. Build it with: cargo build -p recado-tests --examples (or run: make test)",
                    program.display()
                );
                Run::program(&program, scratch, arguments)
            }
        }
    }
}

/// A Python program given as text, with the libraries of [`Library::Pyzmq`]. `scratch` is a folder of the test's own.
///
/// # Panics
/// They are not installed.
pub fn python(scratch: &Path, program: &str) -> Run {
    Run::program(&installed(peers().join("python/bin/python")), scratch, ["-c", program])
}

/// What `scripts/peers.sh` and `scripts/bench-peers.sh` install, in the folder that cargo builds in.
pub fn peers() -> PathBuf {
    let program = recado_path();
    program.ancestors().nth(2).expect("it is in target/<profile>").join("peers")
}

fn installed(path: PathBuf) -> PathBuf {
    assert!(path.exists(), "{} is missing. Install it with: make peers", path.display());
    path
}

/// One of the programs of `tests/peers`, running.
#[derive(Debug)]
pub struct Peer {
    process: Process,
    read: usize,
}

/// A publication as a peer heard it.
#[derive(Debug)]
pub struct Heard {
    /// The first frame.
    pub topic: String,
    /// The second frame.
    pub map: Value,
}

/// A broker made of a peer's sockets, as long as the peer runs.
#[derive(Debug)]
pub struct Forwarder {
    /// Where publishers connect, or what the XSUB is connected to.
    pub xsub: String,
    /// Where subscribers connect, or what the XPUB is connected to.
    pub xpub: String,
    _peer: Peer,
}

impl Peer {
    /// Starts one.
    pub fn start(library: Library, scratch: &Path) -> Peer {
        let process = library.program(scratch, "tests/peers", "peer", &[]).with_input().start();
        Peer { process, read: 0 }
    }

    /// Opens a REQ socket.
    pub fn connect_requester(&mut self, endpoint: &str) {
        self.tell(&json!({"do": "open", "name": "requester", "kind": "REQ", "connect": endpoint}));
    }

    /// Opens a SUB socket.
    pub fn connect_subscriber(&mut self, endpoint: &str, topics: &[&str]) {
        self.tell(
            &json!({"do": "open", "name": "subscriber", "kind": "SUB", "connect": endpoint, "subscribe": topics}),
        );
    }

    /// Opens a PUB socket.
    pub fn connect_publisher(&mut self, endpoint: &str) {
        self.tell(&json!({"do": "open", "name": "publisher", "kind": "PUB", "connect": endpoint}));
    }

    /// Makes it a broker: an XSUB and an XPUB that forward to one another. Each connects, or is bound if it has no endpoint.
    pub fn forward(mut self, xsub: Option<&str>, xpub: Option<&str>) -> Forwarder {
        let answer = self.tell(&json!({"do": "forward", "xsub": xsub, "xpub": xpub}));
        let endpoint = |name: &str| answer[name].as_str().expect("both ends are said").to_owned();
        Forwarder { xsub: endpoint("xsub"), xpub: endpoint("xpub"), _peer: self }
    }

    /// Sends a whole request with its REQ socket, and waits for the whole reply.
    pub fn ask_whole(&mut self, request: &Value) -> Value {
        self.tell(&json!({"do": "ask", "name": "requester", "request": request}))["reply"].clone()
    }

    /// Asks a service; the reply's data.
    pub fn ask(&mut self, service: &str, data: &Value) -> Value {
        let reply = self.ask_whole(&json!({"service": service, "data": data}));
        assert_eq!(reply["service"], service, "{reply}");
        reply["data"].clone()
    }

    /// Publishes with its PUB socket.
    pub fn publish(&mut self, topic: &str, map: &Value) {
        self.tell(&json!({"do": "publish", "name": "publisher", "topic": topic, "map": map}));
    }

    /// The next publication on its SUB socket, if one comes in this time.
    pub fn hear(&mut self, within: Duration) -> Option<Heard> {
        let within_ms = u64::try_from(within.as_millis()).expect("tests wait for seconds");
        let answer = self.tell(&json!({"do": "hear", "name": "subscriber", "within_ms": within_ms}));
        let topic = answer["topic"].as_str()?.to_owned();
        Some(Heard { topic, map: answer["map"].clone() })
    }

    /// Writes a command and waits for its answer.
    fn tell(&mut self, command: &Value) -> Value {
        self.process.write_line(&command.to_string());
        let (line, read) = self.process.wait_for_output_from(self.read, "an answer", |_| true);
        self.read = read;
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error} in the answer {line:?}"))
    }
}
