//! Strangers: a program of its own, this one in another role, that connects to a listener as often as it can and never gets in. And a
//! listener for comparison, which closes whatever comes.

use std::{
    net::{SocketAddr, TcpListener},
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context, bail, ensure};
use bytes::Bytes;
use rand::Rng;
use recado_tests::{
    benchmarks::programs::{address, allow_connections},
    process::{Process, Run},
};
use recado_zmtp::{
    codec::{GREETING_BYTES, SocketType},
    curve::{KeyPair, PublicKey},
};

use crate::{
    connection::Opening,
    crowd::{Begin, Crowd},
};

/// Our own executable's argument for being the strangers.
pub(crate) const STRANGERS: &str = "strangers";

/// Our own executable's argument for being the listener that closes whatever comes.
pub(crate) const CLOSING_LISTENER: &str = "closing-listener";

/// Connections at a time.
const COUNT: usize = 1000;

/// Niceness of the strangers' program. Real strangers compute on machines of their own.
const NICENESS: &str = "19";

/// How long a turn waits at most, so that the clock is looked at.
const TURN: Duration = Duration::from_millis(20);

/// Bytes of the garbage of one connection.
const GARBAGE_BYTES: usize = 256;

/// Bytes that answer a greeting and a HELLO: a greeting, and a WELCOME in its frame.
const WELCOMED_BYTES: usize = GREETING_BYTES + 2 + 168;

/// What they do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// They connect and stay silent.
    Silence,
    /// They send what is no greeting.
    Garbage,
    /// They shake hands as far as the server's WELCOME, for which it computes and they do not.
    Half,
    /// They shake hands with keys that nobody knows, each time with another.
    UnknownKey,
}

impl Kind {
    const ALL: [Kind; 4] = [Kind::Silence, Kind::Garbage, Kind::Half, Kind::UnknownKey];

    /// How it is called among arguments.
    fn name(self) -> &'static str {
        match self {
            Kind::Silence => "silence",
            Kind::Garbage => "garbage",
            Kind::Half => "half",
            Kind::UnknownKey => "unknown-key",
        }
    }
}

/// Whom they come to, and how.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attack {
    pub(crate) kind: Kind,
    pub(crate) to: SocketAddr,
    pub(crate) key: PublicKey,
    pub(crate) socket_type: SocketType,
    /// Addresses that they come from.
    pub(crate) addresses: usize,
}

/// Strangers at work, in a process of their own that ends after a time.
pub(crate) struct Strangers {
    process: Process,
    seconds: f64,
}

impl Strangers {
    /// Starts them for so many seconds, with so many connections a second at most.
    pub(crate) fn start(
        folder: &Path,
        attack: Attack,
        rate_max: f64,
        seconds: f64,
    ) -> anyhow::Result<Strangers> {
        let own = std::env::current_exe()?;
        let own = own.to_str().context("the executable's name is no text")?;
        let socket_type = if attack.socket_type == SocketType::Sub { "sub" } else { "dealer" };
        let arguments = [
            "-n".to_owned(),
            NICENESS.to_owned(),
            own.to_owned(),
            STRANGERS.to_owned(),
            attack.kind.name().to_owned(),
            attack.to.to_string(),
            attack.key.to_string(),
            socket_type.to_owned(),
            attack.addresses.to_string(),
            rate_max.to_string(),
            seconds.to_string(),
        ];
        let process = Run::program(Path::new("nice"), folder, arguments).start();
        process.wait_for_output("the strangers", |line| line == "here");
        Ok(Strangers { process, seconds })
    }

    /// Waits for their end. How many connections they began in a second.
    pub(crate) fn end(self) -> anyhow::Result<f64> {
        let ended = self.process.wait();
        let last = ended.out.last().context("the strangers say nothing")?;
        let count: f64 = last.parse().with_context(|| format!("strangers: {last}, {:?}", ended.err))?;
        Ok(count / self.seconds)
    }
}

/// Is the strangers, with the arguments that [`Strangers::start`] gives.
pub(crate) fn run(arguments: &[String]) -> anyhow::Result<()> {
    let [kind, to, key, socket_type, addresses, rate_max, seconds] = arguments else {
        bail!("seven arguments are needed")
    };
    allow_connections(COUNT)?;
    let (to, key): (SocketAddr, PublicKey) = (to.parse()?, key.parse()?);
    let addresses: usize = addresses.parse()?;
    let (rate_max, seconds): (f64, f64) = (rate_max.parse()?, seconds.parse()?);
    let kind = Kind::ALL.into_iter().find(|it| it.name() == kind).context("no such kind")?;
    let socket_type = if socket_type == "sub" { SocketType::Sub } else { SocketType::Dealer };
    let mut garbage = [0; GARBAGE_BYTES];
    rand::rng().fill_bytes(&mut garbage);
    let garbage = Bytes::copy_from_slice(&garbage);
    let hello = Opening::new(socket_type, &KeyPair::generate(), key)?.first;
    let (mut begun, start) = (0_u64, Instant::now());
    let begin = || {
        if begun as f64 > rate_max * start.elapsed().as_secs_f64() {
            return None;
        }
        begun += 1;
        match kind {
            Kind::Silence => Some(Begin::Bytes(Bytes::new(), usize::MAX)),
            Kind::Garbage => Some(Begin::Bytes(garbage.clone(), usize::MAX)),
            Kind::Half => Some(Begin::Bytes(hello.clone(), WELCOMED_BYTES)),
            Kind::UnknownKey => {
                let opening = Opening::new(socket_type, &KeyPair::generate(), key);
                Some(Begin::Handshake(Box::new(opening.expect("that it is no bad key was seen above"))))
            }
        }
    };
    println!("here");
    let mut crowd = Crowd::new(to, COUNT, addresses, begin)?;
    let end = Instant::now() + Duration::from_secs_f64(seconds);
    while Instant::now() < end {
        crowd.turn(TURN)?;
    }
    drop(crowd);
    println!("{begun}");
    Ok(())
}

/// A listener that closes whatever comes, as a process of its own.
pub(crate) struct ClosingListener {
    _process: Process,
    pub(crate) address: SocketAddr,
}

impl ClosingListener {
    pub(crate) fn start(folder: &Path) -> anyhow::Result<ClosingListener> {
        let process = Run::program(&std::env::current_exe()?, folder, [CLOSING_LISTENER]).start();
        let at = process.wait_for_output("the listener's address", |_| true);
        Ok(ClosingListener { address: address(&at)?, _process: process })
    }
}

/// Is that listener, until it is killed.
pub(crate) fn listen_and_close() -> anyhow::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("{}", listener.local_addr()?);
    for stream in listener.incoming() {
        drop(stream);
    }
    bail!("the listener has ended")
}

/// What is missing on this machine without which there are no strangers.
pub(crate) fn missing() -> anyhow::Result<()> {
    allow_connections(COUNT)?;
    let nice = std::process::Command::new("nice").arg("true").status();
    ensure!(nice.is_ok_and(|status| status.success()), "there is no program nice");
    Ok(())
}
