//! `recado status`: asks a broker for its figures and shows them, once or again and again.

mod ask;
mod lines;
mod report;
mod screen;
mod table;

use std::{io, process::ExitCode, time::Duration};

use anyhow::{Context, anyhow};
use recado_client::keys::{DeviceArgs, Trust, secure_in_passing};
use recado_zmtp::{Endpoint, curve::Security};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::{Failure, pair::reachable, signals::EXIT_CODE_INTERRUPTED};
use ask::{AskError, Asker};
use report::Report;
use screen::{Output, View};

/// A person reads no faster, and each answer costs the broker a little.
const WATCH_LEAST: Duration = Duration::from_millis(100);

/// Where to ask, and how to show what comes.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct StatusArgs {
    /// What the broker was given as its --status
    #[arg(long, value_name = "ENDPOINT", env = "RECADO_STATUS", default_value = "tcp://127.0.0.1:5559")]
    status: Endpoint,

    /// Print what the broker answers as one line of JSON
    #[arg(long)]
    json: bool,

    /// Go on asking at this interval until Ctrl-C, and show rates; 1s if no interval is given
    #[arg(long, value_name = "INTERVAL", num_args = 0..=1, default_missing_value = "1s", value_parser = watch_interval)]
    watch: Option<Duration>,

    #[command(flatten)]
    device: DeviceArgs,

    /// How long the broker may take to answer
    #[arg(long, value_name = "DURATION", default_value = "3s", value_parser = timeout)]
    timeout: Duration,
}

const EXAMPLES: &str = "\
Examples:
  recado up --status tcp://127.0.0.1:5559     a broker that can be asked
  recado status                               its figures as a table
  recado status --watch                       the same every second, with rates
  recado status --watch 10s --json            a line of JSON every ten seconds
  recado status --json | jq .figures.messages_out

What each figure means: docs/PROTOCOL.md, A broker's status.
It ends with 0, or with 1 if nobody answers. With --watch it goes on when the
broker is back.";

fn watch_interval(text: &str) -> Result<Duration, String> {
    let interval = recado_client::duration::parse(text).map_err(|error| error.to_string())?;
    if interval < WATCH_LEAST {
        return Err(format!("at least {WATCH_LEAST:?}"));
    }
    Ok(interval)
}

fn timeout(text: &str) -> Result<Duration, String> {
    let timeout = recado_client::duration::parse(text).map_err(|error| error.to_string())?;
    if timeout.is_zero() {
        return Err("no broker answers in no time".to_owned());
    }
    Ok(timeout)
}

/// The version of the broker that tells its status there, or why it is not known.
pub(crate) async fn version(
    endpoint: &Endpoint,
    security: Security,
    limit: Duration,
) -> Result<String, String> {
    let report =
        Asker::new(reachable(endpoint), security, limit).ask().await.map_err(|error| error.brief())?;
    Ok(report.version)
}

/// Asks once, or until `shutdown`.
pub(crate) async fn run(args: StatusArgs, shutdown: CancellationToken) -> Result<ExitCode, Failure> {
    let endpoint = reachable(&args.status);
    if matches!(endpoint, Endpoint::Tcp { port: 0, .. }) {
        return Err(Failure::Usage(anyhow!(
            "{endpoint} lets the broker choose a port: its log says which (socket=status), and so must --status here"
        )));
    }
    let trust = Trust::from(args.device);
    let security = tokio::select! {
        security = secure_in_passing(std::slice::from_ref(&endpoint), &trust) => security?,
        () = shutdown.cancelled() => return Ok(interrupted()),
    };
    let mut asker = Asker::new(endpoint, security, args.timeout);
    let shown = match args.watch {
        None => {
            let report = tokio::select! {
                report = asker.ask() => report?,
                () = shutdown.cancelled() => return Ok(interrupted()),
            };
            Output::new(args.json)
                .show(&View { report: &report, before: None, every: None }, asker.endpoint())
        }
        Some(every) => watch(asker, every, args.json, &shutdown).await?,
    };
    match shown {
        // Who has read enough, as `head` does, closes the pipe.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(ExitCode::SUCCESS),
        shown => Ok(shown.map(|()| ExitCode::SUCCESS).context("cannot write the status")?),
    }
}

fn interrupted() -> ExitCode {
    ExitCode::from(u8::try_from(EXIT_CODE_INTERRUPTED).expect("exit codes are bytes"))
}

/// The outer error is that of the first question: who never answered is rather a mistake than a broker that comes back.
async fn watch(
    mut asker: Asker,
    every: Duration,
    json: bool,
    shutdown: &CancellationToken,
) -> Result<io::Result<()>, AskError> {
    let mut output = Output::new(json);
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut before: Option<Report> = None;
    loop {
        let answer = tokio::select! {
            () = shutdown.cancelled() => return Ok(output.end()),
            answer = async { ticks.tick().await; asker.ask().await } => answer,
        };
        let shown = match (answer, &before) {
            (Ok(report), _) => {
                let view = View { report: &report, before: before.as_ref(), every: Some(every) };
                let shown = output.show(&view, asker.endpoint());
                before = Some(report);
                shown
            }
            (Err(error), None) => return Err(error),
            (Err(error), Some(last)) => output.away(
                &View { report: last, before: None, every: Some(every) },
                asker.endpoint(),
                &error,
            ),
        };
        if shown.is_err() {
            return Ok(shown);
        }
    }
}
