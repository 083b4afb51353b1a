//! Kills, stops and cuts off real processes at random while messages flow, and judges what came of it: nothing acknowledged is
//! lost, nothing is shown twice or out of order, nothing is stored twice.

mod audit;
mod clients;
mod plan;
mod stage;

use std::{
    fmt,
    path::PathBuf,
    time::{Duration, Instant},
};

use tokio::time::sleep;

use self::{
    clients::{Clients, Tally},
    plan::Fault,
    stage::Stage,
};
use crate::proxy::Losses;

/// How many rounds, and what happens in them.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// How many.
    pub rounds: u64,
    /// All faults follow from it. What they meet does not: processes have a time of their own.
    pub seed: u64,
}

/// What all rounds came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Rounds that were judged.
    pub rounds: u64,
    /// Messages that the server acknowledged, all of them stored once and heard once by everybody concerned.
    pub acknowledged: u64,
    /// How often one was heard.
    pub heard: u64,
    /// How many of these came from history.
    pub repaired: u64,
}

/// What went wrong, and how to see it again.
#[derive(Debug)]
pub struct Failure {
    seed: u64,
    round: u64,
    fault: String,
    folder: PathBuf,
    problems: Vec<String>,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Failure { seed, round, fault, folder, problems } = self;
        writeln!(f, "round {round} ({fault}):")?;
        for problem in problems {
            writeln!(f, "  {problem}")?;
        }
        writeln!(f, "The store and what the processes wrote: {}", folder.display())?;
        write!(f, "Again: make chaos ROUNDS={round} SEED={seed}")
    }
}

/// Runs all rounds, with a line on standard error for each.
///
/// # Errors
/// A round broke a promise. Its folder is kept.
///
/// # Panics
/// The parts cannot be started.
pub async fn run(settings: Settings) -> Result<Summary, Box<Failure>> {
    let Settings { rounds, seed } = settings;
    let mut stage = Stage::start(seed).await;
    let failed = |stage: Stage, round, fault: String, problems| {
        Box::new(Failure { seed, round, fault, folder: stage.keep(), problems })
    };
    let mut clients = match Clients::start(&stage).await {
        Ok(clients) => clients,
        Err(problem) => return Err(failed(stage, 0, "before any fault".to_owned(), vec![problem])),
    };
    let mut summary = Summary::default();
    for round in 1..=rounds {
        let fault = Fault::of_round(seed, round);
        let begun = Instant::now();
        stage.lose(fault.losses);
        clients.talk();
        sleep(fault.before).await;
        if fault.silence {
            clients.fall_silent();
        }
        stage.strike(&fault).await;
        // New connections and repairs meet traffic, too.
        sleep(fault.after).await;
        stage.lose(Losses::default());
        let Tally { acknowledged, heard, repaired } = match clients.judge().await {
            Ok(tally) => tally,
            Err(problems) => return Err(failed(stage, round, fault.to_string(), problems)),
        };
        summary.rounds += 1;
        summary.acknowledged += acknowledged;
        summary.heard += heard;
        summary.repaired += repaired;
        eprintln!(
            "round {round}/{rounds}: {fault}; {acknowledged} acknowledged and stored, {heard} heard, {repaired} of them repaired; \
             0 lost, 0 repeated, 0 out of order; {:.1} s",
            begun.elapsed().as_secs_f64()
        );
    }
    clients.close().await;
    Ok(summary)
}

/// How long one round may take to come to rest after its fault; what is missing by then is a loss.
pub const REST_WAIT: Duration = Duration::from_secs(120);
