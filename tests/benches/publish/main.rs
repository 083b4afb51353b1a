//! Durable publishes: Recado beside Redis Streams with `appendfsync always` and PostgreSQL with one row an insert.
//!
//! Run by `make bench`, which writes what is found to docs/benchmarks-server.md; `-- --help` lists what can be chosen.

mod generator;
mod options;
mod page;
mod postgres;
mod redis;
mod wire;

use std::{
    fs::{self, File},
    io::Write,
    net::SocketAddr,
    path::Path,
    time::{Duration, Instant},
};

use anyhow::ensure;
use recado_tests::{accounting::cpu_seconds, benchmarks::machine, parts::Recado, workspace::root};

use crate::{
    generator::Load,
    options::{Asked, HELP, Options},
    page::{Measured, Page, Row},
    postgres::{Postgres, Programs},
    redis::Redis,
    wire::Protocol,
};

const PAGE: &str = "benchmarks-server.md";

/// What is asked, and what is to hold then.
struct Work {
    title: &'static str,
    socket_type: &'static str,
    connections: usize,
    under_way: usize,
    /// Recado's rate divided by Redis's is to be so much at least, and by PostgreSQL's.
    of_redis: Option<f64>,
    of_postgres: Option<f64>,
    /// No more than so many syncs until 99 of 100 answers.
    syncs: Option<f64>,
    /// The rate divided by that of 64 REQ connections.
    of_64: Option<f64>,
}

impl Work {
    const fn req(title: &'static str, connections: usize) -> Work {
        Work {
            title,
            socket_type: "REQ",
            connections,
            under_way: 1,
            of_redis: None,
            of_postgres: None,
            syncs: None,
            of_64: None,
        }
    }
}

const SIXTY_FOUR: &str = "64 REQ";

const WORK: &[Work] = &[
    Work { of_redis: Some(1.0), ..Work::req("1 REQ", 1) },
    Work { of_postgres: Some(3.0), syncs: Some(3.0), ..Work::req("16 REQ", 16) },
    Work { of_redis: Some(1.5), of_postgres: Some(3.0), ..Work::req(SIXTY_FOUR, 64) },
    Work { of_redis: Some(1.5), ..Work::req("256 REQ", 256) },
    Work {
        socket_type: "DEALER",
        under_way: 64,
        of_64: Some(2.0),
        ..Work::req("4 DEALER, 64 under way each", 4)
    },
    Work {
        socket_type: "DEALER",
        under_way: 256,
        of_64: Some(2.0),
        ..Work::req("4 DEALER, 256 under way each", 4)
    },
];

/// One round.
#[derive(Clone, Debug)]
pub(crate) struct Figures {
    /// Answers a second.
    pub(crate) rate: f64,
    pub(crate) p50_us: u128,
    pub(crate) p99_us: u128,
    /// The server's processor time for each, in microseconds.
    pub(crate) cpu_us: f64,
}

impl Figures {
    /// Of a rate and the answers' times, sorted.
    pub(crate) fn of(rate: f64, latencies: &[Duration], cpu_us: f64) -> anyhow::Result<Figures> {
        ensure!(!latencies.is_empty(), "nothing was answered");
        let at = |share: f64| latencies[((latencies.len() - 1) as f64 * share) as usize].as_micros();
        Ok(Figures { rate, p50_us: at(0.5), p99_us: at(0.99), cpu_us })
    }
}

fn main() -> anyhow::Result<()> {
    let options = match Options::parse(std::env::args().skip(1))? {
        Asked::Help => {
            print!("{HELP}");
            return Ok(());
        }
        Asked::Run(options) => options,
    };
    let mut facts = machine::facts();
    let folder = tempfile::tempdir()?;
    let sync = measure_sync(folder.path())?;
    facts.push(("a sync".to_owned(), format!("{} us", sync.as_micros())));
    let servers = Servers::start(folder.path(), &options, &mut facts)?;
    let mut rows: Vec<Row> = Vec::new();
    for work in WORK.iter().filter(|work| options.wants(work.title)) {
        eprintln!("{}", work.title);
        let row = servers.measure(work, &options, sync, &rows)?;
        rows.push(row);
    }
    let command = if options.given.is_empty() {
        "cargo bench -p recado-tests --bench publish".to_owned()
    } else {
        format!("cargo bench -p recado-tests --bench publish -- {}", options.given.join(" "))
    };
    let extent = format!(
        "{} rounds of {} s were measured of each server in each row.",
        options.rounds, options.seconds
    );
    let text = page::markdown(&Page { facts, command, extent, rows });
    match &options.write {
        Some(folder) => fs::write(root().join(folder).join(PAGE), text)?,
        None => print!("{text}"),
    }
    Ok(())
}

/// What an append costs that is to outlive the power.
fn measure_sync(folder: &Path) -> anyhow::Result<Duration> {
    let mut file = File::create(folder.join("sync"))?;
    let mut took = Vec::with_capacity(400);
    for _ in 0..400 {
        file.write_all(&[7; 4096])?;
        let begun = Instant::now();
        file.sync_data()?;
        took.push(begun.elapsed());
    }
    took.sort_unstable();
    Ok(took[took.len() / 2])
}

/// All that are there.
struct Servers {
    recado: Recado,
    redis: Option<Redis>,
    postgres: Option<Postgres>,
}

impl Servers {
    fn start(folder: &Path, options: &Options, facts: &mut Vec<(String, String)>) -> anyhow::Result<Servers> {
        let recado = Recado::up(folder)?;
        wire::create_channel(recado.requests_address()?)?;
        let mut redis = None;
        if options.is_beside("redis") {
            match Redis::version() {
                Some(version) => {
                    redis = Some(Redis::start(folder)?);
                    facts.push(("Redis".to_owned(), version));
                }
                None => leave_out(
                    "Redis",
                    "redis-server is missing: on Debian, as root, apt-get install redis-server",
                    facts,
                ),
            }
        }
        let mut postgres = None;
        if options.is_beside("postgresql") {
            match Programs::find() {
                Ok(programs) => {
                    postgres = Some(Postgres::start(&programs)?);
                    facts.push(("PostgreSQL".to_owned(), programs.version));
                }
                Err(why) => leave_out("PostgreSQL", &why, facts),
            }
        }
        Ok(Servers { recado, redis, postgres })
    }

    fn measure(&self, work: &Work, options: &Options, sync: Duration, before: &[Row]) -> anyhow::Result<Row> {
        let load =
            Load { connections: work.connections, under_way: work.under_way, seconds: options.seconds };
        let recado_at = (self.recado.requests_address()?, self.recado.process.id());
        let (mut recado, mut redis, mut postgres) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..options.rounds {
            recado.push(measure(recado_at, Protocol::Zmtp(work.socket_type), load)?);
            if let Some(server) = &self.redis {
                redis.push(measure((server.address, server.id()), Protocol::Resp, load)?);
            }
            if let Some(server) = &self.postgres
                && work.of_postgres.is_some()
            {
                postgres.push(server.load(work.connections, options.seconds)?);
            }
        }
        let measured = |rounds: Vec<Figures>| (!rounds.is_empty()).then(|| Measured::of(rounds));
        let (recado, redis, postgres) = (Measured::of(recado), measured(redis), measured(postgres));
        let mut row = Row { title: work.title.to_owned(), recado, redis, postgres, bars: Vec::new() };
        row.bars = bars(work, &row, sync, before);
        Ok(row)
    }
}

fn bars(work: &Work, row: &Row, sync: Duration, before: &[Row]) -> Vec<(String, bool)> {
    let ours = &row.recado.median;
    let times = |least: Option<f64>, of: &str, other: Option<&Measured>| {
        let (least, other) = (least?, other?);
        let ratio = ours.rate / other.median.rate;
        Some((format!("{least}× {of}: {ratio:.2}×"), ratio >= least))
    };
    let sixty_four = before.iter().find(|row| row.title == SIXTY_FOUR);
    let syncs = work.syncs.map(|most| {
        let syncs = ours.p99_us as f64 / sync.as_micros() as f64;
        (format!("p99 under {most} syncs: {syncs:.1}"), syncs < most)
    });
    [
        times(work.of_redis, "Redis's rate", row.redis.as_ref()),
        times(work.of_postgres, "PostgreSQL's rate", row.postgres.as_ref()),
        times(work.of_64, "the rate of 64 REQ", sixty_four.map(|row| &row.recado)),
        syncs,
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn measure((address, id): (SocketAddr, u32), protocol: Protocol, load: Load) -> anyhow::Result<Figures> {
    let before = cpu_seconds(id)?;
    let answered = generator::run(address, protocol, load)?;
    let cpu = cpu_seconds(id)? - before;
    let rate = answered.latencies.len() as f64 / load.seconds;
    Figures::of(rate, &answered.latencies, cpu * 1e6 / answered.requests as f64)
}

fn leave_out(server: &str, why: &str, facts: &mut Vec<(String, String)>) {
    eprintln!("{why}; the comparison goes without it");
    facts.push((server.to_owned(), format!("left out: {why}")));
}
