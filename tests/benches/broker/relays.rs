//! Finds the programs that are compared, and starts each as a process of its own on ports that the system chooses.

use std::{
    collections::BTreeMap,
    env,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, bail};
use recado_tests::{
    benchmarks::{
        figures::Contender,
        machine::first_line,
        programs::{address, build_recado, build_zmq_proxy, recado_version},
    },
    parts::{ANY_PORT, listening},
    peers::peers,
    process::{Process, Run, recado_path},
};

use crate::wire::Protocol;

/// Our own executable's argument for being the plain relay.
pub(crate) const PLAIN_RELAY: &str = "plain-relay";

/// A running relay, which ends when it is dropped.
pub(crate) struct Relay {
    process: Process,
    /// How it is spoken to.
    pub(crate) protocol: Protocol,
    /// Where publishers connect.
    pub(crate) publishers: SocketAddr,
    /// Where subscribers connect.
    pub(crate) subscribers: SocketAddr,
}

impl Relay {
    /// Whose memory and processor time is counted.
    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }
}

/// The programs, as far as they are there.
pub(crate) struct Relays {
    /// A folder for whatever they write.
    folder: PathBuf,
    /// Each program, or why it cannot be measured.
    programs: BTreeMap<Contender, Result<PathBuf, String>>,
    /// More arguments for our own.
    recado_arguments: Vec<String>,
}

impl Relays {
    /// Builds what is ours and looks for what is not.
    pub(crate) fn find(folder: &Path, recado_arguments: Vec<String>) -> anyhow::Result<Relays> {
        build_recado()?;
        let text = |error: anyhow::Error| format!("{error:#}");
        let zmq_proxy = build_zmq_proxy(folder).map_err(text);
        let programs = BTreeMap::from([
            (Contender::Recado, Ok(recado_path())),
            (Contender::ZmqProxy1, zmq_proxy.clone()),
            (Contender::ZmqProxy2, zmq_proxy),
            (Contender::NatsServer, nats_server().map_err(text)),
            (Contender::PlainRelay, Ok(env::current_exe()?)),
        ]);
        Ok(Relays { folder: folder.to_owned(), programs, recado_arguments })
    }

    /// A folder for whatever the programs write.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    fn program(&self, contender: Contender) -> anyhow::Result<&Path> {
        match &self.programs[&contender] {
            Ok(path) => Ok(path),
            Err(why) => bail!("{why}"),
        }
    }

    /// Starts one.
    pub(crate) fn start(&self, contender: Contender) -> anyhow::Result<Relay> {
        let program = self.program(contender)?;
        match contender {
            Contender::Recado => {
                let mut arguments = vec!["broker", "--log-format", "json"];
                arguments.extend(["--publishers", ANY_PORT, "--subscribers", ANY_PORT]);
                arguments.extend(self.recado_arguments.iter().map(String::as_str));
                let process = Run::program(program, &self.folder, arguments).start();
                let publishers = address(&listening(&process, "publishers"))?;
                let subscribers = address(&listening(&process, "subscribers"))?;
                Ok(Relay { process, protocol: Protocol::Zmtp, publishers, subscribers })
            }
            Contender::ZmqProxy1 => self.announced(program, "1", Protocol::Zmtp),
            Contender::ZmqProxy2 => self.announced(program, "2", Protocol::Zmtp),
            Contender::PlainRelay => self.announced(program, PLAIN_RELAY, Protocol::Plain),
            Contender::NatsServer => {
                const LISTENING: &str = "Listening for client connections on ";
                let arguments = ["--addr", "127.0.0.1", "--port", "-1"];
                let process = Run::program(program, &self.folder, arguments).start();
                let line = process.wait_for_log("nats-server's port", |line| line.contains(LISTENING));
                let at = line.split(LISTENING).nth(1).context("the line was chosen for that")?;
                let at = address(at.trim())?;
                Ok(Relay { process, protocol: Protocol::Nats, publishers: at, subscribers: at })
            }
        }
    }

    /// Starts a program whose first line of output is its two addresses.
    fn announced(&self, program: &Path, argument: &str, protocol: Protocol) -> anyhow::Result<Relay> {
        let process = Run::program(program, &self.folder, [argument]).start();
        let line = process.wait_for_output("the relay's addresses", |_| true);
        let (publishers, subscribers) =
            line.split_once(' ').with_context(|| format!("not two addresses: {line}"))?;
        let (publishers, subscribers) = (address(publishers)?, address(subscribers)?);
        Ok(Relay { process, protocol, publishers, subscribers })
    }

    /// Each program's version, or why there is none.
    pub(crate) fn versions(&self) -> Vec<(String, String)> {
        let version = |contender, argument: &str| match self.program(contender) {
            Ok(program) => first_line(Command::new(program).arg(argument)),
            Err(why) => format!("not measured: {why}"),
        };
        vec![
            ("Recado".to_owned(), recado_version()),
            ("libzmq".to_owned(), version(Contender::ZmqProxy1, "--version")),
            ("nats-server".to_owned(), version(Contender::NatsServer, "--version")),
        ]
    }
}

fn nats_server() -> anyhow::Result<PathBuf> {
    let on_the_path =
        env::var_os("PATH").map(|path| env::split_paths(&path).collect::<Vec<_>>()).unwrap_or_default();
    let unpacked = peers().join("nats-server/usr/sbin");
    on_the_path
        .into_iter()
        .chain([unpacked])
        .map(|folder| folder.join("nats-server"))
        .find(|path| path.is_file())
        .context("nats-server is not installed: scripts/bench-peers.sh fetches it on Debian")
}
