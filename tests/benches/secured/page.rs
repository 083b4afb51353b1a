//! The page, in Markdown.

use std::fmt::Write;

use recado_tests::benchmarks::{
    figures::{Line, Rounds, Unit},
    page::{in_cell, row, table, times},
};

use crate::rows::{At, CHECK_TIMES_MAX, STRANGERS_MB_MAX, STRANGERS_TIMES_MAX};

/// All that the page says, but for what every such page says.
#[derive(Debug)]
pub(crate) struct Page {
    /// The day of the run.
    pub(crate) date: String,
    /// What was run, as one would type it.
    pub(crate) command: String,
    /// How long and how often was measured, and what was left out: sentences.
    pub(crate) extent: String,
    /// The machine and the versions: what, and its value.
    pub(crate) facts: Vec<(String, String)>,
    /// Comparisons: a heading, what is to be known for reading, lines.
    pub(crate) compared: Vec<(&'static str, &'static str, Vec<Line>)>,
    /// What the gate adds: the work, with a gate, without.
    pub(crate) checks: Vec<(String, Rounds, Rounds)>,
    /// What strangers do.
    pub(crate) strangers: Vec<WithStrangers>,
    /// What could not be measured, and why.
    pub(crate) not_measured: Vec<(String, String)>,
}

/// How members fare with strangers of one kind.
#[derive(Debug)]
pub(crate) struct WithStrangers {
    pub(crate) title: &'static str,
    pub(crate) at: At,
    pub(crate) addresses: usize,
    /// In the order in which they were found.
    pub(crate) figures: [Rounds; 9],
}

const INTRODUCTION: &str = "\
What security costs, and what it withstands: `recado broker --secure` beside libzmq's own `zmq_proxy` with CURVE on both sides, and a secured system whose members go on
while strangers do their worst. `make bench` writes this page: every figure on it comes from one run, on one machine. Without security, see [benchmarks.md](benchmarks.md).

A cell has the median of the rounds and, in parentheses, the least and the most of them. **Ratio** is Recado's median divided by the better of `zmq_proxy` with one and with
two I/O threads. Where a cell does not say what was delivered, everything was. Compare ratios, not figures of different days.";

const CHECK: &str = "\
Nanoseconds for each message delivered that the broker's own rules take, from a chunk of a publisher's bytes to the lists of what is written to whom, in a secured broker, which lets a subscriber hear what
it was granted, and in an open one. That is measured without sockets and without CURVE, where it would be lost among the rest: the tables above have the whole.";

const STRANGERS: &str = "\
A secured system, `recado up --secure` with its defaults, with 20 members who write 1,000 messages a second together, each of which goes through server, store and broker to 10 members. Microseconds from sending to hearing: first
without strangers, then with a thousand of them at a listener of the system, then **beside** a thousand who come as often to a listener that closes whatever comes. They reconnect as soon as their connection ends. Memory is that of the whole system, the most it was in that while.
What strangers compute, and what connections cost the kernel, falls on the same machine, which real strangers would have to reach over a network: so the comparison with *beside* shows what the system itself makes of them. The bar is on the first comparison.";

const METHOD: &str = "\
- **Load.** One publisher writes over a raw socket what was sealed for its connection beforehand, 256 KiB at a time, as fast as it is let; subscribers only count bytes. Neither computes anything while the clock runs, so that the relay is what runs out first. All contenders get
  the same. A message has two frames, topic (5 B) and body, each sealed by itself, as CURVE has it; the peers announce ZMTP 3.0.
- Single messages are sent until each subscriber has heard one, and half a second of load is let pass, before the clock starts. After it has stopped everything under way is received, and then 5,000 more messages that all differ are published, opened by every subscriber, and compared.
- **Recado** lets a publisher in with the installation's key alone, and asks it whether a user may come in and hear a topic; the publisher answers yes. **`zmq_proxy`** has no ZAP handler: libzmq then lets in whoever knows the server's key, and asks nobody anything.
- **Handshakes.** 64 connections at a time, each from an address of its own, shake hands and close as soon as they have READY. Greeting and HELLO are made beforehand, INITIATE is not. In the second row the broker asks its server about each user. A user's key that was asked about is remembered for 30 seconds.
- **Processor time** is the relay's own, in itself and in the kernel, from Linux's accounting.
- **Strangers** are one program, which runs with niceness 19. `connect and stay silent` waits to be closed. `send garbage` sends 256 random bytes. `half a handshake` sends a greeting and a HELLO that was made once, and leaves at the WELCOME, so that only the server computes. `a handshake with an unknown key`, another each time, goes to the end: at the server's listener
  it is let in, as it might want to join, and leaves. From one address, and from 250.
- Each contender is a new process for each measurement, on ports that the system chooses, with its own defaults. Contenders take turns within a round. Everything is on one machine, over loopback.
- The load is in `tests/benches/secured`, the program in C around `zmq_proxy` is `tests/peers/zmq_proxy.c`.";

/// The page's text.
pub(crate) fn markdown(page: &Page) -> String {
    let mut text = format!("# Benchmarks of security\n\n{INTRODUCTION}\n");
    for (title, what, lines) in page.compared.iter().filter(|(_, _, lines)| !lines.is_empty()) {
        write(&mut text, format_args!("\n## {title}\n\n{what}\n\n"));
        table(&mut text, lines);
    }
    if !page.checks.is_empty() {
        write(&mut text, format_args!("\n## What the check adds\n\n{CHECK}\n\n"));
        checks(&mut text, &page.checks);
    }
    if !page.strangers.is_empty() {
        write(&mut text, format_args!("\n## Strangers\n\n{STRANGERS}\n\n"));
        strangers(&mut text, &page.strangers);
    }
    if !page.not_measured.is_empty() {
        text.push_str("\n## Not measured\n\n");
        for (what, why) in &page.not_measured {
            write(&mut text, format_args!("- {what}: {}\n", in_cell(why)));
        }
    }
    text.push_str("\n## Machine and versions\n\n| what | |\n|---|---|\n");
    write(&mut text, format_args!("| date | {} |\n", page.date));
    for (what, value) in &page.facts {
        write(&mut text, format_args!("| {} | {} |\n", in_cell(what), in_cell(value)));
    }
    write(
        &mut text,
        format_args!(
            "\n## How it is measured\n\n{METHOD}\n\n## Once more\n\n{} The command was:\n\n```\n{}\n```\n\n\
             `cargo bench -p recado-tests --bench secured -- --help` lists what can be chosen.\n",
            page.extent, page.command
        ),
    );
    text
}

fn write(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    text.write_fmt(arguments).expect("a string takes all that is written to it");
}

fn heads(text: &mut String, heads: &[&str]) {
    row(text, heads);
    row(text, &vec!["---"; heads.len()]);
}

fn checks(text: &mut String, lines: &[(String, Rounds, Rounds)]) {
    heads(text, &["work", "with the check", "without", "ratio", "bar", "held"]);
    for (title, with, without) in lines {
        let ratio = with.median / without.median;
        row(
            text,
            &[
                title.clone(),
                shown(with, Unit::CpuNanoseconds),
                shown(without, Unit::CpuNanoseconds),
                format!("**{}**", times(ratio)),
                format!("at most {}", times(CHECK_TIMES_MAX)),
                yes_or_no(ratio <= CHECK_TIMES_MAX),
            ],
        );
    }
}

fn strangers(text: &mut String, lines: &[WithStrangers]) {
    heads(
        text,
        &[
            "strangers",
            "at",
            "from",
            "p50, p99 without",
            "with them",
            "beside",
            "p99: of that without",
            "of that beside",
            "bar",
            "held",
            "connections a second",
            "memory before, with them, MB",
            "bar",
            "held",
        ],
    );
    for line in lines {
        let [p50, p99, p50_with, p99_with, p50_beside, p99_beside, rate, memory, memory_with] = &line.figures;
        let (of_without, of_beside) = (p99_with.median / p99.median, p99_with.median / p99_beside.median);
        let us = |rounds| shown(rounds, Unit::Microseconds);
        row(
            text,
            &[
                line.title.to_owned(),
                match line.at {
                    At::Requests => "the server",
                    At::Subscribers => "the broker",
                }
                .to_owned(),
                if line.addresses == 1 {
                    "one address".to_owned()
                } else {
                    format!("{} addresses", line.addresses)
                },
                format!("{}, {}", us(p50), us(p99)),
                format!("{}, {}", us(p50_with), us(p99_with)),
                format!("{}, {}", us(p50_beside), us(p99_beside)),
                format!("**{}**", times(of_without)),
                format!("**{}**", times(of_beside)),
                format!("at most {}", times(STRANGERS_TIMES_MAX)),
                yes_or_no(of_without <= STRANGERS_TIMES_MAX),
                shown(rate, Unit::ConnectionsPerSecond),
                format!("{:.1}, {:.1}", memory.median, memory_with.most),
                format!("at most {STRANGERS_MB_MAX:.1} more"),
                yes_or_no(memory_with.most - memory.median <= STRANGERS_MB_MAX),
            ],
        );
    }
}

fn yes_or_no(held: bool) -> String {
    if held { "yes" } else { "**no**" }.to_owned()
}

fn shown(rounds: &Rounds, unit: Unit) -> String {
    let mut text = unit.show(rounds.median);
    if rounds.least < rounds.most {
        write(&mut text, format_args!(" ({}–{})", unit.show(rounds.least), unit.show(rounds.most)));
    }
    text
}
