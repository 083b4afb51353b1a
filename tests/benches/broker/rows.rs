//! The pieces of work that are compared, what each of them counts, and the bars.

use recado_tests::benchmarks::{
    figures::{Bar, Contender, Unit},
    options::Options,
    programs::allow_connections,
};

use crate::{
    idle, latency, library,
    load::{self, Load, WRITE_BYTES},
    relays::Relays,
    wire::{Minor, Shape},
};

/// How many subscribers an idle broker has.
const IDLE_SUBSCRIBERS: usize = 10_000;

/// The time between two heartbeats of a connection, so that each has exactly one.
const IDLE_HEARTBEAT_SECONDS: f64 = 15.0;
const IDLE_SECONDS: f64 = 8.0;

/// A stalled subscriber is found out and left behind within seconds; what it costs the others is seen only over several.
const STALLED_SECONDS_FACTOR: f64 = 3.0;
const STALLED_BESIDE: usize = 10;

/// What a stalled subscriber may keep in the broker's memory: its queue of 16 MiB, and a MiB for what it is made of.
const STALLED_MB_MAX: f64 = 17.0 * 1.048_576;

/// Where a line stands on the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Table {
    /// Messages delivered a second.
    Throughput,
    /// What each costs.
    Cpu,
    /// How long each is under way.
    Latency,
    /// With a library at both ends.
    Library,
    /// Without any messages.
    Idle,
    /// Beside a subscriber that reads nothing.
    Stalled,
}

/// A piece of work.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    /// What it is chosen by.
    pub(crate) id: &'static str,
    /// What it is called on the page.
    pub(crate) title: &'static str,
    work: Work,
}

#[derive(Clone, Copy, Debug)]
enum Work {
    Throughput { load: Load, bar: Bar, cpu_bar: Option<Bar> },
    Latency { subscribers: usize, rate: f64 },
    Library,
    Idle { minor: Minor },
    Stalled,
}

/// What one of a row's figures is.
pub(crate) struct Column {
    /// Its table.
    pub(crate) table: Table,
    /// Its name, if the row's is not enough.
    pub(crate) name: &'static str,
    /// What it counts.
    pub(crate) unit: Unit,
    /// What it is held to.
    pub(crate) bar: Option<Bar>,
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

const SMALL: Shape = Shape { body_bytes: 64, topics: 1 };

/// All of them, in the page's order.
pub(crate) fn all() -> Vec<Row> {
    let times = |least, aim| Bar::Times { least, aim: Some(aim), aim_of_plain_relay: None };
    let six = Bar::Times { least: 6.0, aim: Some(10.0), aim_of_plain_relay: Some(0.9) };
    let eighth = Bar::Part { most: 1.0 / 8.0, aim: Some(1.0 / 12.0) };
    let throughput = |id, title, body_bytes, topics, subscribers, bar| Row {
        id,
        title,
        work: Work::Throughput {
            load: Load {
                shape: Shape { body_bytes, topics },
                subscribers,
                stalled: 0,
                write_bytes: WRITE_BYTES,
            },
            bar,
            cpu_bar: (id == "64B-1-10").then_some(eighth),
        },
    };
    let latency = |id, title, subscribers, rate| Row { id, title, work: Work::Latency { subscribers, rate } };
    vec![
        throughput("64B-1-1", "64 B, 1 to 1", 64, 1, 1, six),
        throughput("64B-1-10", "64 B, 1 to 10", 64, 1, 10, six),
        throughput("64B-1-50", "64 B, 1 to 50", 64, 1, 50, six),
        throughput("64B-1-200", "64 B, 1 to 200", 64, 1, 200, times(5.0, 8.0)),
        throughput("1KiB-1-1", "1 KiB, 1 to 1", 1024, 1, 1, times(3.0, 4.0)),
        throughput("128B-100-topics", "128 B, 100 topics, a subscriber each", 128, 100, 100, times(4.0, 8.0)),
        throughput(
            "128B-1000-topics",
            "128 B, 1,000 topics, a subscriber each",
            128,
            1000,
            1000,
            times(4.0, 8.0),
        ),
        Row {
            id: "64B-writes-of-4KiB",
            title: "64 B, 1 to 1, written 4 KiB at a time",
            work: Work::Throughput {
                load: Load { shape: SMALL, subscribers: 1, stalled: 0, write_bytes: 4096 },
                bar: times(4.0, 5.0),
                cpu_bar: None,
            },
        },
        latency("latency-1000-1", "1,000 messages a second to 1", 1, 1_000.0),
        latency("latency-1000-10", "1,000 messages a second to 10", 10, 1_000.0),
        latency("latency-10000-10", "10,000 messages a second to 10", 10, 10_000.0),
        Row { id: "pyzmq", title: "64 B, 1 to 1, pyzmq at both ends", work: Work::Library },
        Row { id: "idle-3.0", title: "10,000 of ZMTP 3.0, silent", work: Work::Idle { minor: Minor::Zero } },
        Row {
            id: "idle-3.1",
            title: "10,000 of ZMTP 3.1, answering heartbeats",
            work: Work::Idle { minor: Minor::One },
        },
        Row { id: "stalled", title: "a stalled subscriber beside 10, 64 B", work: Work::Stalled },
    ]
}

impl Row {
    /// The figures that it finds.
    pub(crate) fn columns(&self) -> Vec<Column> {
        let column = |table, name, unit, bar| Column { table, name, unit, bar };
        match self.work {
            Work::Throughput { bar, cpu_bar, .. } => vec![
                column(Table::Throughput, "", Unit::MessagesPerSecond, Some(bar)),
                column(Table::Cpu, "", Unit::CpuNanoseconds, cpu_bar),
            ],
            Work::Latency { .. } => {
                let bar = Some(Bar::Part { most: 1.0, aim: Some(0.75) });
                vec![
                    column(Table::Latency, "p50", Unit::Microseconds, bar),
                    column(Table::Latency, "p99", Unit::Microseconds, bar),
                    column(Table::Latency, "p99.9", Unit::Microseconds, None),
                ]
            }
            Work::Library => {
                let bar = Bar::Times { least: 1.0, aim: None, aim_of_plain_relay: None };
                vec![column(Table::Library, "", Unit::MessagesPerSecond, Some(bar))]
            }
            Work::Idle { .. } => vec![
                column(
                    Table::Idle,
                    "memory, MB",
                    Unit::Megabytes,
                    Some(Bar::AtMost { most: 200.0, aim: Some(100.0) }),
                ),
                column(
                    Table::Idle,
                    "processor, of a core",
                    Unit::PercentOfACore,
                    Some(Bar::AtMost { most: 1.0, aim: None }),
                ),
            ],
            Work::Stalled => vec![
                column(
                    Table::Stalled,
                    "their rate, as a part of that without it",
                    Unit::Share,
                    Some(Bar::AtLeast(0.9)),
                ),
                column(Table::Stalled, "delivered to the 10", Unit::Share, Some(Bar::AtLeast(1.0))),
                column(
                    Table::Stalled,
                    "memory that it adds, MB",
                    Unit::Megabytes,
                    Some(Bar::AtMost { most: STALLED_MB_MAX, aim: None }),
                ),
            ],
        }
    }

    /// Whether the work means something to a contender.
    pub(crate) fn is_for(&self, contender: Contender) -> bool {
        match (self.work, contender) {
            (_, Contender::Recado) => true,
            (Work::Throughput { load, .. }, Contender::PlainRelay) => load.shape.topics == 1,
            (Work::Latency { .. } | Work::Throughput { .. }, _) => true,
            (Work::Library | Work::Stalled, Contender::ZmqProxy1 | Contender::ZmqProxy2) => true,
            (Work::Library | Work::Stalled, Contender::NatsServer | Contender::PlainRelay) => false,
            // libzmq sends no heartbeats unless it is told to, so these subscribers would be silent ones.
            (Work::Idle { minor: Minor::One }, _) => false,
            (Work::Idle { minor: Minor::Zero }, Contender::PlainRelay) => false,
            (Work::Idle { minor: Minor::Zero }, _) => true,
        }
    }

    /// What is missing on this machine without which nobody can be measured.
    pub(crate) fn missing(&self) -> Option<String> {
        let there = match self.work {
            Work::Library => library::find(),
            Work::Idle { .. } => allow_connections(IDLE_SUBSCRIBERS),
            Work::Throughput { .. } | Work::Latency { .. } | Work::Stalled => Ok(()),
        };
        there.err().map(|why| format!("{why:#}"))
    }

    /// How often it is measured: memory without load hardly varies.
    pub(crate) fn rounds(&self, options: &Options) -> usize {
        match self.work {
            Work::Idle { .. } => 1,
            Work::Throughput { .. } | Work::Latency { .. } | Work::Library | Work::Stalled => options.rounds,
        }
    }

    /// Measures a contender once, in a new process.
    pub(crate) fn measure(
        &self,
        relays: &Relays,
        contender: Contender,
        options: &Options,
    ) -> anyhow::Result<Found> {
        let relay = relays.start(contender)?;
        match self.work {
            Work::Throughput { load, .. } => {
                let found = load::measure(&relay, load, options.seconds)?;
                Ok(Found {
                    figures: vec![found.per_second, found.cpu_ns],
                    delivered: Some(found.delivered),
                    disconnected: found.disconnected,
                })
            }
            Work::Latency { subscribers, rate } => {
                let found = latency::measure(&relay, SMALL, subscribers, rate, options.seconds)?;
                Ok(Found {
                    figures: vec![found.p50_us, found.p99_us, found.p999_us],
                    delivered: Some(found.delivered),
                    disconnected: found.disconnected,
                })
            }
            Work::Library => {
                let rate = library::measure(&relay, relays.folder(), SMALL.body_bytes, options.seconds)?;
                Ok(Found { figures: vec![rate], delivered: None, disconnected: 0 })
            }
            Work::Idle { minor } => {
                let seconds = match (options.quick, minor) {
                    (true, _) => options.seconds,
                    (false, Minor::Zero) => IDLE_SECONDS,
                    (false, Minor::One) => IDLE_HEARTBEAT_SECONDS,
                };
                let found = idle::measure(&relay, IDLE_SUBSCRIBERS, minor, seconds)?;
                if minor == Minor::One {
                    eprintln!("    {} heartbeats were answered", found.answered);
                }
                Ok(Found {
                    figures: vec![found.resident_mb, found.cpu_percent],
                    delivered: None,
                    disconnected: 0,
                })
            }
            Work::Stalled => {
                let seconds = options.seconds * STALLED_SECONDS_FACTOR;
                let without =
                    Load { shape: SMALL, subscribers: STALLED_BESIDE, stalled: 0, write_bytes: WRITE_BYTES };
                let alone = load::measure(&relay, without, seconds)?;
                drop(relay);
                let relay = relays.start(contender)?;
                let beside = load::measure(&relay, Load { stalled: 1, ..without }, seconds)?;
                Ok(Found {
                    figures: vec![
                        beside.per_second / alone.per_second,
                        beside.delivered,
                        beside.peak_mb - alone.peak_mb,
                    ],
                    delivered: None,
                    disconnected: beside.disconnected,
                })
            }
        }
    }
}
