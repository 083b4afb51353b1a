//! What can be chosen on the command line of a comparison of brokers.

use std::path::PathBuf;

use anyhow::{Context, bail, ensure};

/// What was chosen.
#[derive(Clone, Debug)]
pub struct Options {
    /// Measured seconds of each round.
    pub seconds: f64,
    /// Rounds, each with all contenders in turn.
    pub rounds: usize,
    /// Beginnings of the names of the rows to measure; none for all.
    pub rows: Vec<String>,
    /// Whether it is only to be seen that all works.
    pub quick: bool,
    /// The folder that the page is written to; without it the page goes to standard output.
    pub write: Option<PathBuf>,
    /// More arguments for `recado broker`.
    pub broker_arguments: Vec<String>,
    /// All of them as they were given.
    pub given: Vec<String>,
}

/// What the command line asks for.
#[derive(Debug)]
pub enum Asked {
    /// A run.
    Run(Options),
    /// An explanation.
    Help,
}

impl Options {
    /// Reads the arguments, those that cargo adds included.
    ///
    /// # Errors
    /// One is unknown, or its value is none.
    pub fn parse(arguments: impl Iterator<Item = String>) -> anyhow::Result<Asked> {
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
    pub fn wants(&self, id: &str, ids: &[&str]) -> bool {
        self.rows.is_empty()
            || self.rows.iter().any(|wanted| {
                if ids.contains(&wanted.as_str()) { id == wanted } else { id.starts_with(wanted.as_str()) }
            })
    }
}
