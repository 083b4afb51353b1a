//! The page of a comparison, in Markdown.

use std::fmt::Write;

use super::figures::{Bar, Cell, Contender, Line, Unit, share};

/// All that the page says, but for what every such page says.
#[derive(Clone, Debug)]
pub struct Page {
    /// The day of the run.
    pub date: String,
    /// What was run, as one would type it.
    pub command: String,
    /// How long and how often was measured, and what was left out: sentences.
    pub extent: String,
    /// The machine and the versions: what, and its value.
    pub facts: Vec<(String, String)>,
    /// The tables.
    pub sections: Vec<Section>,
    /// The chart's file, beside the page.
    pub chart: String,
}

/// A table of the page.
#[derive(Clone, Debug)]
pub struct Section {
    /// Its heading.
    pub title: &'static str,
    /// What is to be known for reading it: sentences.
    pub text: &'static str,
    /// Its lines.
    pub lines: Vec<Line>,
}

const INTRODUCTION: &str = "\
How fast the broker is beside other programs that hand messages on: libzmq's own `zmq_proxy`, nats-server, and a relay that only copies
bytes and so shows what the system's TCP allows. `make bench` writes this page: every figure on it comes from one run, on one machine.";

const READING: &str = "\
A cell has the median of the rounds and, in parentheses, the least and the most of them. **Ratio** is Recado's median divided by the better
of `zmq_proxy` with one and with two I/O threads. Where a cell does not say what was delivered, everything was: each message published reached
each of its subscribers. Figures without a ratio to something measured in the same run say little: compare ratios, not
figures of different days.";

const METHOD: &str = "\
- The load comes from raw sockets that speak each program's protocol with frames encoded beforehand, so that the relay and not a client
  library is what runs out first: ZMTP 3.0 with the NULL mechanism, in two frames (topic, body), for Recado, `zmq_proxy` and the plain relay; `PUB`, `SUB` and `MSG` of
  the NATS protocol for nats-server. Everything is on one machine, over loopback.
- One publisher writes as fast as it is let, 256 KiB at a time where the work says nothing else. Subscribers are read by one thread,
  as soon as there is something to read.
- Each contender is a new process for each measurement, on ports that the system chooses, with its own defaults. Contenders take turns within a
  round, so that what else the machine does falls on all of them.
- Before the clock starts, single messages are sent until each subscriber has heard one, and half a second of load is let pass. Rates are
  counted from the bytes that arrive. After the clock stops everything under way is received, so that what was delivered is exact.
- Processor time is the relay's own, in itself and in the kernel, from Linux's accounting; what the publisher and the subscribers use is not in it.
- For latency a publisher sends at a steady rate and writes into each message when it was sent; the receiver takes that from its own clock, which is the same.
- The plain relay reads up to 256 KiB from the publisher and writes the same bytes to every subscriber, in one thread. It looks at no byte, so it knows no topics.
- The program in C around `zmq_proxy` is `tests/peers/zmq_proxy.c`; the load and the plain relay are in `tests/benches/broker`.";

/// The page's text.
pub fn markdown(page: &Page) -> String {
    let mut text = format!(
        "# Benchmarks of the broker\n\n{INTRODUCTION}\n\n![Rates as multiples of libzmq's]({})\n\n{READING}\n",
        page.chart
    );
    for section in page.sections.iter().filter(|section| !section.lines.is_empty()) {
        write(&mut text, format_args!("\n## {}\n\n{}\n\n", section.title, section.text));
        table(&mut text, &section.lines);
    }
    write(&mut text, format_args!("\n## Machine and versions\n\n| what | |\n|---|---|\n"));
    write(&mut text, format_args!("| date | {} |\n", page.date));
    for (what, value) in &page.facts {
        write(&mut text, format_args!("| {} | {} |\n", in_cell(what), in_cell(value)));
    }
    write(
        &mut text,
        format_args!(
            "\n## How it is measured\n\n{METHOD}\n\n## Once more\n\n{} The command was:\n\n```\n{}\n```\n\n\
             `cargo bench -p recado-tests --bench broker -- --help` lists what can be chosen.\n",
            page.extent, page.command
        ),
    );
    text
}

fn write(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    text.write_fmt(arguments).expect("a string takes all that is written to it");
}

/// Appends a table: who reached what, how they compare, and the bar.
pub fn table(text: &mut String, lines: &[Line]) {
    let shown: Vec<Contender> = Contender::ALL
        .into_iter()
        .filter(|contender| lines.iter().any(|line| *line.cell(*contender) != Cell::NotMeant))
        .collect();
    // Where a bar says how much is enough, a ratio of two small figures would only mislead.
    let compared = lines.iter().any(|line| line.bar.is_none_or(Bar::is_relative));
    let to_plain_relay = lines.iter().any(|line| line.ratio_to_plain_relay().is_some());
    let mut heads = vec!["work"];
    heads.extend(shown.iter().map(|contender| contender.title()));
    if compared {
        heads.push("ratio");
    }
    if to_plain_relay {
        heads.push("of the plain relay");
    }
    heads.extend(["bar", "held"]);
    row(text, &heads);
    row(text, &vec!["---"; heads.len()]);
    for line in lines {
        let mut cells = vec![in_cell(&line.title)];
        cells.extend(shown.iter().map(|contender| cell(line, *contender)));
        if compared {
            let ratio = line.ratio(Contender::Recado);
            cells.push(ratio.map_or_else(nothing, |ratio| format!("**{}**", times(ratio))));
        }
        if to_plain_relay {
            cells.push(line.ratio_to_plain_relay().map_or_else(nothing, times));
        }
        cells.push(line.bar.map_or_else(nothing, |bar| self::bar(bar, line.unit)));
        cells.push(line.verdict().map_or_else(nothing, |verdict| verdict.to_string()));
        row(text, &cells);
    }
}

/// Appends a row of a table.
pub fn row<S: AsRef<str>>(text: &mut String, cells: &[S]) {
    let cells: Vec<&str> = cells.iter().map(AsRef::as_ref).collect();
    write(text, format_args!("| {} |\n", cells.join(" | ")));
}

fn nothing() -> String {
    "–".to_owned()
}

fn cell(line: &Line, contender: Contender) -> String {
    match line.cell(contender) {
        Cell::NotMeant => nothing(),
        Cell::NotMeasured(why) => format!("not measured: {}", in_cell(why)),
        Cell::Measured(rounds) => {
            let mut text = line.unit.show(rounds.median);
            if rounds.least < rounds.most {
                let (least, most) = (line.unit.show(rounds.least), line.unit.show(rounds.most));
                write(&mut text, format_args!(" ({least}–{most})"));
            }
            if let Some(delivered) = rounds.delivered.filter(|delivered| *delivered < 1.0) {
                write(&mut text, format_args!(", delivered {}", share(delivered)));
            }
            if rounds.disconnected > 0 {
                write(&mut text, format_args!(", {} disconnected", rounds.disconnected));
            }
            text
        }
    }
}

/// A text that does not end its cell.
pub fn in_cell(text: &str) -> String {
    text.replace('|', "\\|").split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A ratio as people say it.
pub fn times(ratio: f64) -> String {
    let places = if ratio < 0.0995 {
        3
    } else if ratio < 9.95 {
        2
    } else {
        1
    };
    format!("{ratio:.places$}×")
}

fn bar(bar: Bar, unit: Unit) -> String {
    let plain = |number: f64| {
        let text = format!("{number:.3}");
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    };
    let (demand, aims) = match bar {
        Bar::Times { least, aim, aim_of_plain_relay } => {
            let of_plain_relay = aim_of_plain_relay.map(|part| format!("{} of the plain relay", plain(part)));
            let aim = aim.map(|aim| format!("{}×", plain(aim)));
            (format!("{}×", plain(least)), aim.into_iter().chain(of_plain_relay).collect::<Vec<_>>())
        }
        Bar::Part { most, aim } => {
            let aim = aim.map(|aim| format!("{}×", plain(aim)));
            (format!("at most {}×", plain(most)), aim.into_iter().collect())
        }
        Bar::AtMost { most, aim } => {
            let aim = aim.map(|aim| unit.show(aim));
            (format!("at most {}", unit.show(most)), aim.into_iter().collect())
        }
        Bar::AtLeast(least) => (format!("at least {}", unit.show(least)), Vec::new()),
    };
    if aims.is_empty() { demand } else { format!("{demand}, aim {}", aims.join(" and ")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::benchmarks::figures::Rounds;

    fn rounds(figures: &[f64]) -> Rounds {
        Rounds::of(figures).expect("there are some")
    }

    fn page(lines: Vec<Line>) -> String {
        markdown(&Page {
            date: "2026-01-02".to_owned(),
            command: "make bench".to_owned(),
            extent: "Three rounds.".to_owned(),
            facts: vec![("processor".to_owned(), "A | B".to_owned())],
            sections: vec![Section { title: "Throughput", text: "Messages.", lines }],
            chart: "benchmarks.svg".to_owned(),
        })
    }

    fn check(line: Line, expected: &str) {
        let page = page(vec![line]);
        let row = page.lines().find(|line| line.starts_with("| 64 B"));
        assert_eq!(row, Some(expected), "{page}");
    }

    #[test]
    fn a_line_has_everybodys_figures_the_ratio_and_the_verdict() {
        let lossy = Rounds { delivered: Some(0.6257), disconnected: 2, ..rounds(&[2e6, 1e6, 3e6]) };
        check(
            Line {
                title: "64 B".to_owned(),
                unit: Unit::MessagesPerSecond,
                cells: vec![
                    (Contender::Recado, Cell::Measured(Rounds { delivered: Some(1.0), ..rounds(&[31e6]) })),
                    (Contender::ZmqProxy1, Cell::Measured(lossy)),
                    (Contender::ZmqProxy2, Cell::NotMeasured("no\nC | compiler".to_owned())),
                    (Contender::PlainRelay, Cell::Measured(rounds(&[62e6]))),
                ],
                bar: Some(Bar::Times { least: 6.0, aim: Some(10.0), aim_of_plain_relay: Some(0.9) }),
            },
            "| 64 B | 31.0 M | 2.00 M (1.00 M–3.00 M), delivered 0.625, 2 disconnected | \
             not measured: no C \\| compiler | 62.0 M | **15.5×** | 0.50× | 6×, aim 10× and 0.9 of the plain relay | yes |",
        );
    }

    #[test]
    fn columns_of_those_who_have_nothing_to_do_with_the_work_are_left_out() {
        check(
            Line {
                title: "64 B".to_owned(),
                unit: Unit::Megabytes,
                cells: vec![(Contender::Recado, Cell::Measured(rounds(&[250.0])))],
                bar: Some(Bar::AtMost { most: 200.0, aim: Some(100.0) }),
            },
            "| 64 B | 250 | at most 200, aim 100 | **no** |",
        );
    }

    #[test]
    fn ratios_have_two_digits_that_mean_something() {
        for (ratio, shown) in [(0.0484, "0.048×"), (0.5, "0.50×"), (1.0, "1.00×"), (15.54, "15.5×")] {
            assert_eq!(times(ratio), shown);
        }
    }

    #[test]
    fn the_page_says_when_where_and_how() {
        let page = page(Vec::new());
        for part in [
            "| date | 2026-01-02 |",
            "| processor | A \\| B |",
            "```\nmake bench\n```",
            "Three rounds.",
            "(benchmarks.svg)",
        ] {
            assert!(page.contains(part), "{part} is missing:\n{page}");
        }
        assert!(!page.contains("## Throughput"), "a table without lines is none:\n{page}");
    }
}
