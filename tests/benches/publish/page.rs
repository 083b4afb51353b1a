//! The page of the comparison, in Markdown.

use std::fmt::Write;

use crate::Figures;

/// A row: what was asked of each server, and what came of it.
pub(crate) struct Row {
    pub(crate) title: String,
    pub(crate) recado: Measured,
    pub(crate) redis: Option<Measured>,
    pub(crate) postgres: Option<Measured>,
    /// What is to hold: a sentence, and whether it does.
    pub(crate) bars: Vec<(String, bool)>,
}

/// The rounds of one server in one row.
pub(crate) struct Measured {
    pub(crate) median: Figures,
    least: f64,
    most: f64,
}

impl Measured {
    /// The round in the middle, by rate.
    ///
    /// # Panics
    /// There is none.
    pub(crate) fn of(mut rounds: Vec<Figures>) -> Measured {
        rounds.sort_by(|one, other| one.rate.total_cmp(&other.rate));
        let (least, most) = (rounds[0].rate, rounds[rounds.len() - 1].rate);
        let middle = rounds.len() / 2;
        Measured { median: rounds.swap_remove(middle), least, most }
    }

    fn rate(&self) -> String {
        let whole = |rate: f64| format!("{:.1} k", rate / 1000.0);
        let median = whole(self.median.rate);
        if self.least < self.most {
            format!("{median} ({}–{})", whole(self.least), whole(self.most))
        } else {
            median
        }
    }

    fn latency(&self) -> String {
        format!("{} / {}", self.median.p50_us, self.median.p99_us)
    }

    fn cpu(&self) -> String {
        format!("{:.1}", self.median.cpu_us)
    }
}

/// All that the page says, but for what every such page says.
pub(crate) struct Page {
    pub(crate) facts: Vec<(String, String)>,
    pub(crate) command: String,
    pub(crate) extent: String,
    pub(crate) rows: Vec<Row>,
}

const INTRODUCTION: &str = "\
How many messages a second the server takes that are on disk before it says OK, beside Redis Streams with `appendfsync always` and PostgreSQL with
one row an insert and synchronous commit. `make bench` writes this page: every figure on it comes from one run, on one machine.

A message has 128 bytes of text. Recado is `recado up`: its broker runs in the same process and gets every message, too. A rate has the
median of the rounds and, in parentheses, the least and the most of them; **of Redis** and **of PostgreSQL** divide medians. Times
are from a request to its answer, in microseconds: half of the answers took longer than p50, one in a hundred longer than p99. Processor time is that of the server's
processes for each message, in themselves and in the kernel, in microseconds. Compare ratios, not figures of different days.";

const METHOD: &str = "\
- For Recado and Redis one thread (`tests/benches/publish/generator.rs`) drives all connections: each sends its next request when an answer comes. Only the bytes differ. REQ connections have
  one request under way each, the others as many as the row says; to Redis the row's connections are pipelined likewise.
- For PostgreSQL it is pgbench: one thread, a prepared statement, one `INSERT` a transaction into a table whose only index is its key; default settings but for the socket.
- The servers are processes of their own, started once, with files on the same file system; they take turns within a round, so that what else the machine does falls on all of them.
- The clock starts half a second after the first request (not with pgbench, which has no such time), and answers that came before are not counted.
- *A sync* is the median of 400 times 4 KiB written to the end of a file there and `fdatasync`, while nothing else was asked of the disk.";

/// The page's text.
pub(crate) fn markdown(page: &Page) -> String {
    let mut text = format!("# Benchmarks of the server\n\n{INTRODUCTION}\n\n");
    text.push_str(
        "| connections | recado /s | Redis /s | PostgreSQL /s | of Redis | of PostgreSQL | p50 / p99: recado | Redis | PostgreSQL \
         | CPU: recado | Redis | PostgreSQL |\n",
    );
    text.push_str("|---|---|---|---|---|---|---|---|---|---|---|---|\n");
    for row in &page.rows {
        let of = |other: &Option<Measured>| {
            other.as_ref().map(|other| format!("**{:.2}×**", row.recado.median.rate / other.median.rate))
        };
        let others = [&row.redis, &row.postgres];
        let cells = [row.title.clone(), row.recado.rate()]
            .into_iter()
            .chain(others.map(|other| or_nothing(other.as_ref().map(Measured::rate))))
            .chain(others.map(|other| or_nothing(of(other))))
            .chain([row.recado.latency()])
            .chain(others.map(|other| or_nothing(other.as_ref().map(Measured::latency))))
            .chain([row.recado.cpu()])
            .chain(others.map(|other| or_nothing(other.as_ref().map(Measured::cpu))));
        line(&mut text, cells);
    }
    text.push_str("\n## What is to hold\n\n| row | bar | held |\n|---|---|---|\n");
    for row in &page.rows {
        for (bar, held) in &row.bars {
            line(
                &mut text,
                [row.title.clone(), bar.clone(), if *held { "yes" } else { "**no**" }.to_owned()],
            );
        }
    }
    text.push_str("\n## Machine and versions\n\n| what | |\n|---|---|\n");
    for (what, value) in &page.facts {
        line(&mut text, [what.clone(), value.clone()]);
    }
    let end = format!(
        "\n## How it is measured\n\n{METHOD}\n\n## Once more\n\n{} The command was:\n\n```\n{}\n```\n\n\
         `cargo bench -p recado-tests --bench publish -- --help` lists what can be chosen.\n",
        page.extent, page.command
    );
    text.push_str(&end);
    text
}

fn or_nothing(cell: Option<String>) -> String {
    cell.unwrap_or_else(|| "–".to_owned())
}

fn line(text: &mut String, cells: impl IntoIterator<Item = String>) {
    let cells: Vec<String> = cells.into_iter().map(|cell| cell.replace('|', "\\|")).collect();
    writeln!(text, "| {} |", cells.join(" | ")).expect("a string takes all that is written to it");
}
