//! What can be chosen on the command line.

use std::path::PathBuf;

use anyhow::{Context, bail, ensure};

/// What was chosen.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    /// Measured seconds of each round.
    pub(crate) seconds: f64,
    /// Rounds, each with all servers in turn.
    pub(crate) rounds: usize,
    /// Beginnings of the titles of the rows to measure; none for all.
    pub(crate) rows: Vec<String>,
    /// Servers to measure beside Recado.
    pub(crate) beside: Vec<String>,
    /// The folder that the page is written to; without it the page goes to standard output.
    pub(crate) write: Option<PathBuf>,
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

/// The explanation.
pub(crate) const HELP: &str = "\
Durable publishes: recado beside Redis Streams and PostgreSQL.

cargo bench -p recado-tests --bench publish -- [OPTIONS]

  --write DIR      write DIR/benchmarks-server.md, DIR being named from the repository's top folder; without it the page goes to
                   standard output
  --rows LIST      only rows whose titles begin with one of these, separated by commas, for instance \"64 REQ,4 DEALER\"
  --beside LIST    servers to compare with [redis,postgresql]; none for an empty list
  --rounds N       rounds of each row, each with all servers in turn; the middle one counts [3]
  --seconds N      measured seconds of each round, after half a second that is not counted [2]
  --quick          one round of 0.5 seconds: shows that all works, its figures say little
  --help           print this
";

impl Options {
    /// Reads the arguments, those that cargo adds included.
    pub(crate) fn parse(arguments: impl Iterator<Item = String>) -> anyhow::Result<Asked> {
        let mut arguments = arguments.filter(|argument| argument != "--bench").peekable();
        let mut options = Options {
            seconds: 2.0,
            rounds: 3,
            rows: Vec::new(),
            beside: vec!["redis".to_owned(), "postgresql".to_owned()],
            write: None,
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
                "--quick" => (options.seconds, options.rounds) = (0.5, 1),
                "--seconds" => options.seconds = value()?.parse().context("--seconds takes a number")?,
                "--rounds" => options.rounds = value()?.parse().context("--rounds takes a number")?,
                "--rows" => options.rows = list(&value()?),
                "--beside" => options.beside = list(&value()?),
                "--write" => options.write = Some(value()?.into()),
                _ => bail!("{name} is no option; --help lists them"),
            }
        }
        ensure!(options.rounds > 0, "--rounds must be one at least");
        ensure!(options.seconds > 0.0 && options.seconds.is_finite(), "--seconds must be more than none");
        Ok(Asked::Run(options))
    }

    /// Whether a row is to be measured.
    pub(crate) fn wants(&self, title: &str) -> bool {
        self.rows.is_empty() || self.rows.iter().any(|wanted| title.starts_with(wanted.as_str()))
    }

    /// Whether Recado is to be compared with this server.
    pub(crate) fn is_beside(&self, server: &str) -> bool {
        self.beside.iter().any(|name| name == server)
    }
}

fn list(value: &str) -> Vec<String> {
    value.split(',').filter(|part| !part.is_empty()).map(str::to_owned).collect()
}
