//! The broker beside libzmq's `zmq_proxy`, nats-server and a plain TCP relay: messages a second, processor time, latency, memory.
//!
//! Run by `make bench`, which writes what is found to docs/benchmarks.md; `-- --help` lists what can be chosen.

mod idle;
mod latency;
mod library;
mod load;
mod plain_relay;
mod relays;
mod rows;
mod wire;

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use recado_tests::{
    benchmarks::{
        chart,
        figures::{Cell, Contender, Line, Rounds},
        machine,
        options::{Asked, Options},
        page::{self, Page, Section},
    },
    workspace::root,
};

use crate::{
    relays::{PLAIN_RELAY, Relays},
    rows::{Found, Row, Table},
};

const PAGE: &str = "benchmarks.md";
const CHART: &str = "benchmarks.svg";

const TABLES: &[(Table, &str, &str)] = &[
    (
        Table::Throughput,
        "Throughput",
        "Messages delivered a second, to all subscribers together. A message is a frame with the topic and one with the body, which has the size that is said.",
    ),
    (
        Table::Cpu,
        "Processor time",
        "Nanoseconds that the relay itself spends on the processors for each message that it delivers, in the same runs as above. Less is better.",
    ),
    (
        Table::Latency,
        "Latency",
        "Microseconds from a message's sending to its receipt by each subscriber, 64 B: half of the messages take longer than p50, one in a hundred longer than p99, one in a thousand longer than p99.9. Less is better.",
    ),
    (
        Table::Library,
        "With a real library",
        "Messages received a second by a subscriber that is written with pyzmq, from a publisher that is, too: the library is what runs out first. It drops what the relay has not taken.",
    ),
    (
        Table::Idle,
        "Idle subscribers",
        "What many connections cost while nothing is published. Each subscribes to two topics, one of them its own. Less is better.",
    ),
    (
        Table::Stalled,
        "A stalled subscriber",
        "One of eleven subscribers reads nothing at all, the publisher writes as fast as it is let. The ten others are compared with ten in a run without it.",
    ),
];

/// The explanation, without the names of the rows.
const HELP: &str = "\
Compares recado broker with libzmq's zmq_proxy, nats-server and a plain TCP relay.

cargo bench -p recado-tests --bench broker -- [OPTIONS]

  --write DIR        write DIR/benchmarks.md and DIR/benchmarks.svg, DIR being named from the repository's top folder;
                     without it the page goes to standard output
  --rows LIST        only rows whose names begin with one of these, separated by commas, for instance 64B,latency
  --rounds N         rounds of each row, each with all contenders in turn; the middle one counts [3]
  --seconds N        measured seconds of each round, after half a second that is not counted [1.5]
  --quick            one round of 0.5 seconds: shows that all works, its figures say little
  --broker-args ARGS more arguments for recado broker, separated by spaces
  --help             print this

Rows: ";

fn main() -> anyhow::Result<()> {
    if std::env::args().nth(1).as_deref() == Some(PLAIN_RELAY) {
        return Ok(plain_relay::run()?);
    }
    let all = rows::all();
    let ids: Vec<&str> = all.iter().map(|row| row.id).collect();
    let options = match Options::parse(std::env::args().skip(1))? {
        Asked::Run(options) => options,
        Asked::Help => {
            println!("{HELP}{}", ids.join(", "));
            return Ok(());
        }
    };
    let chosen: Vec<Row> = all.iter().filter(|row| options.wants(row.id, &ids)).cloned().collect();
    ensure!(!chosen.is_empty(), "no row has a name like these; there are {}", ids.join(", "));

    let folder = tempfile::Builder::new().prefix("recado-bench-").tempdir()?;
    let relays = Relays::find(folder.path(), options.broker_arguments.clone())?;
    // The load that this run makes is not that of the machine before it.
    let mut facts = machine::facts();
    facts.extend(relays.versions());
    facts
        .push(("pyzmq".to_owned(), library::version(folder.path()).unwrap_or_else(|why| format!("{why:#}"))));

    let began = Instant::now();
    let mut results = Vec::new();
    for (number, row) in (1..).zip(&chosen) {
        eprintln!("{}: {} ({} of {})", row.id, row.title, number, chosen.len());
        results.push((row, measure(row, &relays, &options, began)));
    }

    let page = Page {
        date: jiff::Zoned::now().date().to_string(),
        command: command(&options),
        extent: extent(&options, chosen.len() < all.len(), began.elapsed()),
        facts,
        sections: sections(&results),
        chart: CHART.to_owned(),
    };
    write(&page, options.write.as_deref())?;
    let failed: Vec<&str> =
        results.iter().filter(|(row, cells)| ours_failed(row, cells)).map(|(row, _)| row.id).collect();
    ensure!(failed.is_empty(), "recado itself could not be measured at: {}", failed.join(", "));
    Ok(())
}

/// What a row found of each contender that it is for: all rounds, or why there are none.
type Cells = Vec<(Contender, Result<Vec<Found>, String>)>;

fn measure(row: &Row, relays: &Relays, options: &Options, began: Instant) -> Cells {
    let mut cells: Cells = Contender::ALL
        .into_iter()
        .filter(|contender| row.is_for(*contender))
        .map(|contender| (contender, Ok(Vec::new())))
        .collect();
    if let Some(why) = row.missing() {
        eprintln!("  not measured: {why}");
        cells.iter_mut().for_each(|(_, cell)| *cell = Err(why.clone()));
        return cells;
    }
    let rounds = row.rounds(options);
    for round in 1..=rounds {
        for (contender, cell) in &mut cells {
            let Ok(found) = cell else { continue };
            let shown = match row.measure(relays, *contender, options) {
                Ok(figures) => {
                    let shown = progress(row, &figures);
                    found.push(figures);
                    shown
                }
                Err(why) => {
                    let why = format!("{why:#}");
                    *cell = Err(why.clone());
                    format!("not measured: {why}")
                }
            };
            let seconds = began.elapsed().as_secs();
            eprintln!(
                "  {:02}:{:02}  round {round} of {rounds}  {:26}{shown}",
                seconds / 60,
                seconds % 60,
                contender.title()
            );
        }
    }
    cells
}

fn progress(row: &Row, found: &Found) -> String {
    let columns = row.columns();
    let mut parts: Vec<String> = columns
        .iter()
        .zip(&found.figures)
        .map(|(column, figure)| format!("{} {}", column.unit.show(*figure), column.unit.name()))
        .collect();
    if let Some(delivered) = found.delivered {
        parts.push(format!("delivered {}", recado_tests::benchmarks::figures::share(delivered)));
    }
    if found.disconnected > 0 {
        parts.push(format!("{} disconnected", found.disconnected));
    }
    parts.join(", ")
}

/// Whether the broker could not do what it was asked, nothing of the machine being in the way.
fn ours_failed(row: &Row, cells: &Cells) -> bool {
    row.missing().is_none()
        && cells.iter().any(|(contender, cell)| *contender == Contender::Recado && cell.is_err())
}

fn sections(results: &[(&Row, Cells)]) -> Vec<Section> {
    TABLES
        .iter()
        .map(|&(table, title, text)| Section {
            title,
            text,
            lines: results.iter().flat_map(|(row, cells)| lines(row, cells, table)).collect(),
        })
        .collect()
}

/// The lines that a row has in a table.
fn lines(row: &Row, cells: &Cells, table: Table) -> Vec<Line> {
    let columns = row.columns().into_iter().enumerate().filter(|(_, column)| column.table == table);
    columns
        .map(|(index, column)| Line {
            title: if column.name.is_empty() {
                row.title.to_owned()
            } else {
                format!("{}: {}", row.title, column.name)
            },
            unit: column.unit,
            cells: cells.iter().map(|(contender, found)| (*contender, cell(found, index, table))).collect(),
            bar: column.bar,
        })
        .collect()
}

fn cell(found: &Result<Vec<Found>, String>, index: usize, table: Table) -> Cell {
    let found = match found {
        Ok(found) => found,
        Err(why) => return Cell::NotMeasured(why.clone()),
    };
    let figures: Vec<f64> = found.iter().map(|found| found.figures[index]).collect();
    let Some(rounds) = Rounds::of(&figures) else {
        return Cell::NotMeasured("no round was run".to_owned());
    };
    // Said once for each run is enough.
    if table == Table::Cpu {
        return Cell::Measured(rounds);
    }
    Cell::Measured(Rounds {
        delivered: found.iter().filter_map(|found| found.delivered).reduce(f64::min),
        disconnected: found.iter().map(|found| found.disconnected).max().unwrap_or_default(),
        ..rounds
    })
}

fn command(options: &Options) -> String {
    let quoted = |argument: &String| {
        if argument.contains(' ') { format!("'{argument}'") } else { argument.clone() }
    };
    let arguments: Vec<String> = options.given.iter().map(quoted).collect();
    format!("cargo bench -p recado-tests --bench broker -- {}", arguments.join(" "))
}

fn extent(options: &Options, partial: bool, took: Duration) -> String {
    let mut text = format!(
        "{} of {} seconds each; idle subscribers are watched once. The whole run took about {:.0} min.",
        if options.rounds == 1 { "One round".to_owned() } else { format!("{} rounds", options.rounds) },
        options.seconds,
        (took.as_secs_f64() / 60.0).max(1.0)
    );
    if partial {
        text.push_str(" Not all rows were run.");
    }
    if options.quick {
        text.push_str(" **This was a quick run: its figures say little.**");
    }
    text
}

fn write(page: &Page, folder: Option<&Path>) -> anyhow::Result<()> {
    let text = page::markdown(page);
    let Some(folder) = folder else {
        print!("{text}");
        return Ok(());
    };
    let folder = root().join(folder);
    let throughput = page.sections.iter().zip(TABLES).find(|(_, (table, ..))| *table == Table::Throughput);
    let lines = throughput.map_or(&[][..], |(section, _)| section.lines.as_slice());
    for (name, text) in [(PAGE, text), (CHART, chart::svg(lines, &page.date))] {
        let path = folder.join(name);
        fs::write(&path, text).with_context(|| path.display().to_string())?;
        eprintln!("wrote {}", path.display());
    }
    Ok(())
}
