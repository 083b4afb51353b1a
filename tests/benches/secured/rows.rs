//! The pieces of work, what each of them counts, and the bars.

use anyhow::{Context, ensure};
use recado_tests::{
    benchmarks::{
        figures::{Bar, Contender, Unit},
        options::Options,
        programs::address,
    },
    secured::Secured,
};
use recado_zmtp::codec::SocketType;

use crate::{
    check::{self, Check},
    handshakes::{self, Listener, Users},
    load::{self, Load},
    members::Members,
    publisher::Publisher,
    relays::Relays,
    strangers::{self, Attack, ClosingListener, Kind, Strangers},
};

/// Seconds that strangers are at work before it is looked at how members fare: each has connected by then.
const STRANGERS_SETTLE_SECONDS: f64 = 1.0;

/// Seconds by which strangers stay longer than it is looked at them.
const STRANGERS_STAY_SECONDS: f64 = 0.5;

/// Addresses that strangers come from, if they come from many.
const MANY_ADDRESSES: usize = 250;

/// What members' p99 with strangers may be at most, as a multiple of that without.
pub(crate) const STRANGERS_TIMES_MAX: f64 = 2.0;

/// Megabytes that strangers may add to the system's memory: 64 KiB for each of the thousand.
pub(crate) const STRANGERS_MB_MAX: f64 = 1000.0 * 65_536.0 / 1e6;

/// What forwarding with a gate may take at most, as a multiple of what it takes without.
pub(crate) const CHECK_TIMES_MAX: f64 = 1.05;

/// A piece of work.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    /// What it is chosen by.
    pub(crate) id: &'static str,
    /// What it is called on the page.
    pub(crate) title: &'static str,
    /// What is done.
    pub(crate) work: Work,
}

/// What is done.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Work {
    /// Messages as fast as they go.
    Throughput(Load),
    /// Handshakes with the relay's listener for subscribers.
    Handshakes(Users),
    /// Handshakes with the server's listener for requests.
    Requests,
    /// Forwarding with a gate and without.
    Check(Check),
    /// Strangers at a listener of a system with members.
    Strangers { kind: Kind, at: At, addresses: usize },
}

/// Which listener strangers come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum At {
    /// The server's, for requests.
    Requests,
    /// The broker's, for subscribers.
    Subscribers,
}

/// Where a figure stands on the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Table {
    /// Messages delivered a second.
    Throughput,
    /// What each costs.
    Cpu,
    /// Handshakes a second.
    Handshakes,
    /// What each costs.
    HandshakeCpu,
    /// What the gate adds.
    Check,
    /// What strangers do to members.
    Strangers,
}

/// What one measurement found: a figure for each of the row's columns.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    /// In the order of the columns.
    pub(crate) figures: Vec<f64>,
    /// The part of the messages that arrived, if that was counted.
    pub(crate) delivered: Option<f64>,
    /// Subscribers that were disconnected.
    pub(crate) disconnected: usize,
}

/// All of them, in the page's order.
pub(crate) fn all() -> Vec<Row> {
    let row = |id, title, work| Row { id, title, work };
    let load = |body_bytes, subscribers| Work::Throughput(Load { body_bytes, subscribers });
    let check = |topics, subscribers| Work::Check(Check { body_bytes: 64, topics, subscribers });
    let mut rows = vec![
        row("64B-1-1", "64 B, 1 to 1", load(64, 1)),
        row("64B-1-10", "64 B, 1 to 10", load(64, 10)),
        row("1KiB-1-1", "1 KiB, 1 to 1", load(1024, 1)),
        row("handshakes-one", "subscribers, all with one user's key", Work::Handshakes(Users::One)),
        row("handshakes-each", "subscribers, each with another user's key", Work::Handshakes(Users::Each)),
        row("handshakes-requests", "the server's listener, each with another key", Work::Requests),
        row("check-1-1", "64 B, 1 to 1", check(1, 1)),
        row("check-1-10", "64 B, 1 to 10", check(1, 10)),
        row("check-100-topics", "64 B, 100 topics in turn, a subscriber each", check(100, 1)),
    ];
    let kinds = [
        (Kind::Silence, "silence", "connect and stay silent"),
        (Kind::Garbage, "garbage", "send garbage"),
        (Kind::Half, "half", "half a handshake"),
        (Kind::UnknownKey, "unknown-key", "a handshake with an unknown key"),
    ];
    for (kind, name, title) in kinds {
        for (at, at_name) in [(At::Requests, "requests"), (At::Subscribers, "subscribers")] {
            for (addresses, from) in [(1, "one"), (MANY_ADDRESSES, "many")] {
                let id = format!("strangers-{name}-{at_name}-{from}").leak();
                rows.push(row(id, title, Work::Strangers { kind, at, addresses }));
            }
        }
    }
    rows
}

impl Row {
    /// The figures that it finds: where they stand, what they count, and what they are held to. Those that have tables of their own say
    /// there what they are.
    pub(crate) fn columns(&self) -> Vec<(Table, Unit, Option<Bar>)> {
        let at_least = |least| Some(Bar::Times { least, aim: None, aim_of_plain_relay: None });
        match self.work {
            // What is asked for is small messages.
            Work::Throughput(load) if load.body_bytes > 64 => {
                vec![
                    (Table::Throughput, Unit::MessagesPerSecond, None),
                    (Table::Cpu, Unit::CpuNanoseconds, None),
                ]
            }
            Work::Throughput(_) => vec![
                (Table::Throughput, Unit::MessagesPerSecond, at_least(2.0)),
                (Table::Cpu, Unit::CpuNanoseconds, Some(Bar::Part { most: 0.5, aim: None })),
            ],
            Work::Handshakes(_) => vec![
                (Table::Handshakes, Unit::HandshakesPerSecond, at_least(1.0)),
                (Table::HandshakeCpu, Unit::CpuMicroseconds, None),
            ],
            Work::Requests => vec![
                (Table::Handshakes, Unit::HandshakesPerSecond, None),
                (Table::HandshakeCpu, Unit::CpuMicroseconds, None),
            ],
            Work::Check(_) => vec![(Table::Check, Unit::CpuNanoseconds, None); 2],
            Work::Strangers { .. } => {
                use Unit::{Megabytes, Microseconds};
                let units = [
                    Microseconds,
                    Microseconds,
                    Microseconds,
                    Microseconds,
                    Microseconds,
                    Microseconds,
                    Unit::ConnectionsPerSecond,
                    Megabytes,
                    Megabytes,
                ];
                units.into_iter().map(|unit| (Table::Strangers, unit, None)).collect()
            }
        }
    }

    /// Whether the work means something to a contender.
    pub(crate) fn is_for(&self, contender: Contender) -> bool {
        match self.work {
            Work::Throughput(_) | Work::Handshakes(_) => match contender {
                Contender::Recado | Contender::ZmqProxy1 | Contender::ZmqProxy2 => true,
                Contender::NatsServer | Contender::PlainRelay => false,
            },
            Work::Requests | Work::Check(_) | Work::Strangers { .. } => contender == Contender::Recado,
        }
    }

    /// What is missing on this machine without which nobody can be measured.
    pub(crate) fn missing(&self) -> Option<String> {
        match self.work {
            Work::Strangers { .. } => strangers::missing().err().map(|why| format!("{why:#}")),
            Work::Throughput(_) | Work::Handshakes(_) | Work::Requests | Work::Check(_) => None,
        }
    }

    /// Measures a contender once, in a new process.
    pub(crate) fn measure(
        &self,
        relays: &Relays,
        contender: Contender,
        options: &Options,
    ) -> anyhow::Result<Found> {
        let seconds = options.seconds;
        let found = |figures: Vec<f64>| Found { figures, delivered: None, disconnected: 0 };
        match self.work {
            Work::Throughput(load) => {
                let measured = load::measure(&relays.start(contender)?, load, seconds)?;
                Ok(Found {
                    figures: vec![measured.per_second, measured.cpu_ns],
                    delivered: Some(measured.delivered),
                    disconnected: measured.disconnected,
                })
            }
            Work::Handshakes(users) => {
                let relay = relays.start(contender)?;
                let answering = Publisher::connect(&relay)?.in_background(Vec::new());
                let listener = Listener {
                    address: relay.subscribers,
                    key: relay.key,
                    pid: relay.pid(),
                    socket_type: SocketType::Sub,
                };
                let measured = handshakes::measure(listener, users, seconds)?;
                answering.stop()?;
                Ok(found(vec![measured.per_second, measured.cpu_us]))
            }
            Work::Requests => {
                let folder = tempfile::tempdir_in(relays.folder())?;
                let system = Secured::up(folder.path());
                let listener = Listener {
                    address: address(&system.requests)?,
                    key: system.key,
                    pid: system.process.id(),
                    socket_type: SocketType::Dealer,
                };
                let measured = handshakes::measure(listener, Users::Each, seconds)?;
                Ok(found(vec![measured.per_second, measured.cpu_us]))
            }
            Work::Check(check) => {
                let measured = check::measure(check, seconds)?;
                Ok(found(vec![measured.with_gate, measured.without]))
            }
            Work::Strangers { kind, at, addresses } => {
                with_strangers(relays, kind, at, addresses, seconds).map(found)
            }
        }
    }
}

/// How members fare alone, with strangers, and beside strangers who come as often to a listener of nobody's.
fn with_strangers(
    relays: &Relays,
    kind: Kind,
    at: At,
    addresses: usize,
    seconds: f64,
) -> anyhow::Result<Vec<f64>> {
    let folder = tempfile::tempdir_in(relays.folder())?;
    let mut members = Members::begin(folder.path())?;
    members.watch(STRANGERS_SETTLE_SECONDS)?;
    let before = members.watch(seconds)?;
    let (endpoint, socket_type) = match at {
        At::Requests => (&members.system.requests, SocketType::Dealer),
        At::Subscribers => (&members.system.subscribers, SocketType::Sub),
    };
    let attack = Attack { kind, to: address(endpoint)?, key: members.system.key, socket_type, addresses };
    let beside = |members: &mut Members, attack, rate_max| {
        let stay = STRANGERS_SETTLE_SECONDS + seconds + STRANGERS_STAY_SECONDS;
        let strangers = Strangers::start(relays.folder(), attack, rate_max, stay)?;
        members.watch(STRANGERS_SETTLE_SECONDS)?;
        let found = members.watch(seconds)?;
        anyhow::Ok((found, strangers.end()?))
    };
    let (during, rate) = beside(&mut members, attack, f64::MAX).context("with strangers")?;
    members.watch(STRANGERS_SETTLE_SECONDS)?;
    let nobody = ClosingListener::start(relays.folder())?;
    let elsewhere = Attack { to: nobody.address, ..attack };
    let (elsewhere, _) = beside(&mut members, elsewhere, rate).context("beside nobody's listener")?;
    drop(nobody);
    let delivered = members.end()?;
    ensure!(delivered == 1.0, "members heard {delivered} of what was written");
    Ok(vec![
        before.p50_us,
        before.p99_us,
        during.p50_us,
        during.p99_us,
        elsewhere.p50_us,
        elsewhere.p99_us,
        rate,
        before.peak_mb,
        during.peak_mb,
    ])
}
