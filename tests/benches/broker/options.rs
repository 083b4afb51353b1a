//! What can be chosen on the command line.

use std::path::PathBuf;

use anyhow::{Context, bail, ensure};

/// What was chosen.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    /// Measured seconds of each round.
    pub(crate) seconds: f64,
    /// Rounds, each with all contenders in turn.
    pub(crate) rounds: usize,
    /// Beginnings of the names of the rows to measure; none for all.
    pub(crate) rows: Vec<String>,
    /// Whether it is only to be seen that all works.
    pub(crate) quick: bool,
    /// The folder that the page and the chart are written to; without it the page goes to standard output.
    pub(crate) write: Option<PathBuf>,
    /// More arguments for `recado broker`.
    pub(crate) broker_arguments: Vec<String>,
    /// All of them as they were given.
    pub(crate) given: Vec<String>,
}

/// What the command line asks for.
pub(crate) enum Asked {
    /// A run.
    Run(Options),
    /// An explanation.
    Help,
}

/// The explanation, without the names of the rows.
pub(crate) const HELP: &str = "\
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

impl Options {
    /// Reads the arguments, those that cargo adds included.
    pub(crate) fn parse(arguments: impl Iterator<Item = String>) -> anyhow::Result<Asked> {
        let mut arguments = arguments.filter(|argument| argument != "--bench").peekable();
        let mut options = Options {
            seconds: 1.5,
            rounds: 3,
            rows: Vec::new(),
            quick: false,
            write: None,
            broker_arguments: Vec::new(),
            given: Vec::new(),
        };
        while let Some(name) = arguments.next() {
            options.given.push(name.clone());
            let mut value = || -> anyhow::Result<String> {
                let value = arguments.next().with_context(|| format!("{name} needs a value"))?;
                options.given.push(value.clone());
                Ok(value)
            };
            match name.as_str() {
                "--help" | "-h" => return Ok(Asked::Help),
                "--quick" => (options.quick, options.seconds, options.rounds) = (true, 0.5, 1),
                "--seconds" => options.seconds = value()?.parse().context("--seconds takes a number")?,
                "--rounds" => options.rounds = value()?.parse().context("--rounds takes a number")?,
                "--rows" => options.rows = value()?.split(',').map(str::to_owned).collect(),
                "--write" => options.write = Some(value()?.into()),
                "--broker-args" => {
                    options.broker_arguments = value()?.split_whitespace().map(str::to_owned).collect();
                }
                _ => bail!("{name} is no option; --help lists them"),
            }
        }
        ensure!(options.rounds > 0, "--rounds must be one at least");
        ensure!(options.seconds > 0.0 && options.seconds.is_finite(), "--seconds must be more than none");
        Ok(Asked::Run(options))
    }

    /// Whether a row is to be measured. A name that is a row's whole name means that row only.
    pub(crate) fn wants(&self, id: &str, ids: &[&str]) -> bool {
        self.rows.is_empty()
            || self.rows.iter().any(|wanted| {
                if ids.contains(&wanted.as_str()) { id == wanted } else { id.starts_with(wanted.as_str()) }
            })
    }
}
