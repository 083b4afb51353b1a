//! Security's cost and strength: a secured broker beside libzmq's `zmq_proxy` with CURVE, what the check of subscriptions adds, and what
//! strangers do to members.
//!
//! Run by `make bench`, which writes what is found to docs/benchmarks-secured.md; `-- --help` lists what can be chosen.

mod check;
mod connection;
mod crowd;
mod handshakes;
mod load;
mod members;
mod page;
mod publisher;
mod relays;
mod rows;
mod strangers;

use std::{
    fs,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use recado_tests::{
    benchmarks::{
        figures::{Cell, Contender, Line, Rounds},
        machine,
        options::{Asked, Options},
    },
    workspace::root,
};

use crate::{
    page::{Page, WithStrangers},
    relays::Relays,
    rows::{Found, Row, Table, Work},
    strangers::{CLOSING_LISTENER, STRANGERS},
};

const PAGE: &str = "benchmarks-secured.md";

const HELP: &str = "\
Compares recado broker --secure with libzmq's zmq_proxy with CURVE, and shows what strangers do to a secured system's members.

cargo bench -p recado-tests --bench secured -- [OPTIONS]

  --write DIR        write DIR/benchmarks-secured.md, DIR being named from the repository's top folder;
                     without it the page goes to standard output
  --rows LIST        only rows whose names begin with one of these, separated by commas, for instance 64B,strangers-half
  --rounds N         rounds of each row, each with all contenders in turn; the middle one counts [3]
  --seconds N        measured seconds of each round; with strangers, of each of the three whiles that are compared [1.5]
  --quick            one round of 0.5 seconds: shows that all works, its figures say little
  --broker-args ARGS more arguments for recado broker, separated by spaces
  --help             print this

Rows: ";

/// Comparisons with others: where they stand, their heading, what is to be known for reading them.
const TABLES: &[(Table, &str, &str)] = &[
    (
        Table::Throughput,
        "Throughput",
        "Messages delivered a second, to all subscribers together, all of them sealed on both ways.",
    ),
    (
        Table::Cpu,
        "Processor time",
        "Nanoseconds that the relay itself spends on the processors for each message that it delivers, in the same runs as above. Less is better.",
    ),
    (
        Table::Handshakes,
        "Handshakes",
        "Handshakes a second, from greeting to READY. The clients compute on the same processors, the same for every contender.",
    ),
    (
        Table::HandshakeCpu,
        "Processor time of a handshake",
        "Microseconds that the listener itself spends on the processors for each handshake, in the same runs as above. Less is better.",
    ),
];

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.first().map(String::as_str) {
        Some(STRANGERS) => return strangers::run(&arguments[1..]),
        Some(CLOSING_LISTENER) => return strangers::listen_and_close(),
        Some(_) | None => {}
    }
    let all = rows::all();
    let ids: Vec<&str> = all.iter().map(|row| row.id).collect();
    let options = match Options::parse(arguments.into_iter())? {
        Asked::Run(options) => options,
        Asked::Help => {
            println!("{HELP}{}", ids.join(", "));
            return Ok(());
        }
    };
    let chosen: Vec<Row> = all.iter().filter(|row| options.wants(row.id, &ids)).copied().collect();
    ensure!(!chosen.is_empty(), "no row has a name like these; there are {}", ids.join(", "));

    let folder = tempfile::Builder::new().prefix("recado-bench-").tempdir()?;
    let relays = Relays::find(folder.path(), options.broker_arguments.clone())?;
    // The load that this run makes is not that of the machine before it.
    let mut facts = machine::facts();
    facts.extend(relays.versions());

    let began = Instant::now();
    let mut results = Vec::new();
    for (number, row) in (1..).zip(&chosen) {
        eprintln!("{}: {} ({} of {})", row.id, row.title, number, chosen.len());
        results.push((*row, measure(row, &relays, &options, began)));
    }
    let page = Page {
        date: jiff::Zoned::now().date().to_string(),
        command: format!("cargo bench -p recado-tests --bench secured -- {}", options.given.join(" ")),
        extent: extent(&options, chosen.len() < all.len(), began.elapsed()),
        facts,
        compared: TABLES
            .iter()
            .map(|&(table, title, text)| {
                (title, text, results.iter().flat_map(|(row, cells)| lines(row, cells, table)).collect())
            })
            .collect(),
        checks: results.iter().filter_map(|(row, cells)| check(row, cells)).collect(),
        strangers: results.iter().filter_map(|(row, cells)| with_strangers(row, cells)).collect(),
        not_measured: results
            .iter()
            .filter_map(|(row, cells)| Some((row.id.to_owned(), failure(cells)?)))
            .collect(),
    };
    write(&page, &options)?;
    let failed: Vec<&str> = page.not_measured.iter().map(|(id, _)| id.as_str()).collect();
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
    for round in 1..=options.rounds {
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
                "  {:02}:{:02}  round {round} of {}  {:26}{shown}",
                seconds / 60,
                seconds % 60,
                options.rounds,
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
        .map(|((_, unit, _), figure)| format!("{} {}", unit.show(*figure), unit.name()))
        .collect();
    if let Some(delivered) = found.delivered {
        parts.push(format!("delivered {}", recado_tests::benchmarks::figures::share(delivered)));
    }
    parts.join(", ")
}

/// Why Recado could not be measured, if it could not.
fn failure(cells: &Cells) -> Option<String> {
    let (_, ours) = cells.iter().find(|(contender, _)| *contender == Contender::Recado)?;
    ours.as_ref().err().cloned()
}

/// The lines that a row has in a table.
fn lines(row: &Row, cells: &Cells, table: Table) -> Vec<Line> {
    let columns = row.columns().into_iter().enumerate().filter(|(_, (its, ..))| *its == table);
    columns
        .map(|(index, (_, unit, bar))| Line {
            title: row.title.to_owned(),
            unit,
            cells: cells.iter().map(|(contender, found)| (*contender, cell(found, index, table))).collect(),
            bar,
        })
        .collect()
}

fn cell(found: &Result<Vec<Found>, String>, index: usize, table: Table) -> Cell {
    let found = match found {
        Ok(found) => found,
        Err(why) => return Cell::NotMeasured(why.clone()),
    };
    let Some(rounds) = rounds(found, index) else {
        return Cell::NotMeasured("no round was run".to_owned());
    };
    // Said once for each run is enough.
    if table != Table::Throughput {
        return Cell::Measured(rounds);
    }
    Cell::Measured(Rounds {
        delivered: found.iter().filter_map(|found| found.delivered).reduce(f64::min),
        disconnected: found.iter().map(|found| found.disconnected).max().unwrap_or_default(),
        ..rounds
    })
}

fn rounds(found: &[Found], index: usize) -> Option<Rounds> {
    Rounds::of(&found.iter().map(|found| found.figures[index]).collect::<Vec<_>>())
}

fn check(row: &Row, cells: &Cells) -> Option<(String, Rounds, Rounds)> {
    let (Work::Check(_), [(_, Ok(found))]) = (row.work, &cells[..]) else { return None };
    Some((row.title.to_owned(), rounds(found, 0)?, rounds(found, 1)?))
}

fn with_strangers(row: &Row, cells: &Cells) -> Option<WithStrangers> {
    let (Work::Strangers { at, addresses, .. }, [(_, Ok(found))]) = (row.work, &cells[..]) else {
        return None;
    };
    let figures: Option<Vec<Rounds>> = (0..row.columns().len()).map(|index| rounds(found, index)).collect();
    Some(WithStrangers { title: row.title, at, addresses, figures: figures?.try_into().ok()? })
}

fn extent(options: &Options, partial: bool, took: Duration) -> String {
    let mut text = format!(
        "{} of {} seconds each. The whole run took about {:.0} min.",
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

fn write(page: &Page, options: &Options) -> anyhow::Result<()> {
    let text = page::markdown(page);
    let Some(folder) = &options.write else {
        print!("{text}");
        return Ok(());
    };
    let path = root().join(folder).join(PAGE);
    fs::write(&path, text).with_context(|| path.display().to_string())?;
    eprintln!("wrote {}", path.display());
    Ok(())
}
