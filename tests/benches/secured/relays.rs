//! The relays that are compared, each with CURVE on both sides, as processes of their own.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, bail};
use recado_client::keys::load_keys;
use recado_tests::{
    benchmarks::{
        figures::Contender,
        machine::first_line,
        programs::{address, build_recado, build_zmq_proxy, recado_version},
    },
    parts::{ANY_PORT, listening},
    process::{Process, Run, recado_path},
};
use recado_zmtp::curve::{KeyPair, PublicKey};

/// A running relay, which ends when it is dropped.
pub(crate) struct Relay {
    process: Process,
    /// Where publishers connect.
    pub(crate) publishers: SocketAddr,
    /// Where subscribers connect.
    pub(crate) subscribers: SocketAddr,
    /// Its key.
    pub(crate) key: PublicKey,
    /// The keys that a publisher must have.
    pub(crate) publisher: KeyPair,
}

impl Relay {
    /// Whose memory and processor time is counted.
    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }
}

/// The programs, as far as they are there.
pub(crate) struct Relays {
    folder: PathBuf,
    zmq_proxy: Result<PathBuf, String>,
    /// More arguments for our own.
    recado_arguments: Vec<String>,
}

impl Relays {
    /// Builds them.
    pub(crate) fn find(folder: &Path, recado_arguments: Vec<String>) -> anyhow::Result<Relays> {
        build_recado()?;
        let zmq_proxy = build_zmq_proxy(folder).map_err(|error| format!("{error:#}"));
        Ok(Relays { folder: folder.to_owned(), zmq_proxy, recado_arguments })
    }

    /// A folder for whatever the programs write.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Starts one.
    pub(crate) fn start(&self, contender: Contender) -> anyhow::Result<Relay> {
        match contender {
            Contender::Recado => self.recado(),
            Contender::ZmqProxy1 => self.zmq_proxy("1"),
            Contender::ZmqProxy2 => self.zmq_proxy("2"),
            Contender::NatsServer | Contender::PlainRelay => bail!("it has no CURVE"),
        }
    }

    fn recado(&self) -> anyhow::Result<Relay> {
        let key_file = self.folder.join("installation.key");
        let key = key_file.to_str().context("the folder's name is no text")?;
        let mut arguments = vec!["broker", "--secure", "--key", key, "--log-format", "json"];
        arguments.extend(["--publishers", ANY_PORT, "--subscribers", ANY_PORT]);
        arguments.extend(self.recado_arguments.iter().map(String::as_str));
        let process = Run::program(&recado_path(), &self.folder, arguments).start();
        let publishers = address(&listening(&process, "publishers"))?;
        let subscribers = address(&listening(&process, "subscribers"))?;
        let keys = load_keys(&key_file)?.context("the broker has made no key")?;
        Ok(Relay { process, publishers, subscribers, key: keys.public(), publisher: keys })
    }

    fn zmq_proxy(&self, io_threads: &str) -> anyhow::Result<Relay> {
        let program = self.zmq_proxy.as_ref().map_err(|why| anyhow::anyhow!("{why}"))?;
        let process = Run::program(program, &self.folder, [io_threads, "curve"]).start();
        let line = process.wait_for_output("the relay's addresses and its key", |_| true);
        let [publishers, subscribers, key] = line.split(' ').collect::<Vec<_>>()[..] else {
            bail!("not two addresses and a key: {line}");
        };
        let (publishers, subscribers) = (address(publishers)?, address(subscribers)?);
        let key = key.parse().with_context(|| format!("not a key: {key}"))?;
        Ok(Relay { process, publishers, subscribers, key, publisher: KeyPair::generate() })
    }

    /// Each program's version, or why there is none.
    pub(crate) fn versions(&self) -> Vec<(String, String)> {
        let libzmq = match &self.zmq_proxy {
            Ok(program) => first_line(Command::new(program).arg("--version")),
            Err(why) => format!("not measured: {why}"),
        };
        vec![("Recado".to_owned(), recado_version()), ("libzmq".to_owned(), libzmq)]
    }
}
