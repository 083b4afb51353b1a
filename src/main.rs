//! The one program, `recado`: parses the command line and dispatches to the parts.
#![cfg_attr(test, expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test"))]

mod alone;
mod check;
mod cli;
mod descriptors;
mod doctor;
mod generated;
mod logging;
mod pair;
mod programs;
mod settings;
mod signals;
mod status;
mod transfer;
mod welcome;

use std::{
    io::{self, IsTerminal, Write},
    process::ExitCode,
};

use anyhow::Context;
use recado_autoclient::{Action, Stop, record::Outcome};
use tokio_util::sync::CancellationToken;

use crate::{
    cli::{CliError, Invocation, Part, SecurityArgs},
    logging::{LogFormat, LogTarget},
    pair::{Pair, bind_broker, bind_server, installation_keys},
};

/// Exit code for a command line, setting or environment that cannot be.
const BAD_USAGE: u8 = 2;

/// Why the program ends without having done what it was asked.
enum Failure {
    /// The command line, a setting or the environment is at fault.
    Usage(anyhow::Error),
    /// It was tried and failed.
    Failed(anyhow::Error),
}

impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(error: E) -> Failure {
        Failure::Failed(error.into())
    }
}

fn main() -> ExitCode {
    let invocation = match cli::parse(std::env::args_os()) {
        Ok(invocation) => invocation,
        // clap knows which of its texts belong on standard output, and their exit codes.
        Err(CliError::Usage(error)) => error.exit(),
        Err(error @ (CliError::Settings(_) | CliError::Joined(_))) => {
            return complain(Failure::Usage(error.into()));
        }
    };
    run(invocation).unwrap_or_else(complain)
}

fn complain(failure: Failure) -> ExitCode {
    let (error, code) = match failure {
        Failure::Usage(error) => (error, BAD_USAGE),
        Failure::Failed(error) => (error, 1),
    };
    // Standard error may be closed; then nobody can be told.
    let _ = writeln!(io::stderr(), "recado: {}", in_one(&error));
    ExitCode::from(code)
}

/// An error with its causes, each of them once: some say theirs themselves.
fn in_one(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain().map(ToString::to_string).filter(|cause| !cause.is_empty()) {
        if text.is_empty() {
            text = cause;
        } else if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}

fn run(invocation: Invocation) -> Result<ExitCode, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("no runtime")?;
    match invocation {
        Invocation::PrintConfig(text) => {
            io::stdout().write_all(text.as_bytes()).context("cannot print the settings")?;
            Ok(ExitCode::SUCCESS)
        }
        Invocation::Alone { up, client, log_format } => {
            start_chat_logging(log_format);
            descriptors::raise_limit();
            runtime.block_on(async {
                let shutdown = signals::shutdown_token().context("cannot listen for signals")?;
                alone::chat(*up, *client, shutdown).await?;
                Ok(ExitCode::SUCCESS)
            })
        }
        Invocation::Part { part, log_format, broker_is_given } => {
            start_logging(&part, log_format);
            descriptors::raise_limit();
            runtime.block_on(run_part(*part, broker_is_given))
        }
    }
}

fn start_logging(part: &Part, format: LogFormat) {
    let level = match part {
        Part::Client(_) => return start_chat_logging(format),
        Part::Up(_) | Part::Broker(_) | Part::Server(_) | Part::Autoclient(_) => "info",
        Part::Send(_)
        | Part::History(_)
        | Part::Search(_)
        | Part::Tail(_)
        | Part::Users(_)
        | Part::Channels(_)
        | Part::Who(_)
        | Part::Join(_)
        | Part::Leave(_)
        | Part::Keys(_)
        | Part::Admin(_) => "warn",
        Part::Export(_) | Part::Import(_) | Part::Check(_) | Part::Status(_) => "warn",
        Part::Doctor(_) | Part::Completions(_) | Part::Man(_) => "warn",
    };
    logging::start(format, LogTarget::Stderr, level);
}

/// A chat on a terminal needs all of the screen for itself.
fn start_chat_logging(format: LogFormat) {
    let on_terminal = io::stdin().is_terminal() && io::stdout().is_terminal();
    let (target, level) = if on_terminal { (LogTarget::File, "info") } else { (LogTarget::Stderr, "warn") };
    logging::start(format, target, level);
}

async fn run_part(part: Part, broker_is_given: bool) -> Result<ExitCode, Failure> {
    // The automated client has something to finish twice: its talk, then its audit.
    let is_patient = matches!(part, Part::Autoclient(_));
    let (shutdown, at_once) = signals::shutdown_tokens(is_patient).context("cannot listen for signals")?;
    match part {
        Part::Up(args) => {
            let qr = !args.no_qr;
            let pair = Pair::bind(args, broker_is_given).await?;
            pair.welcome(qr);
            pair.run(shutdown).await?;
        }
        Part::Broker(args) => {
            // A broker has no store, and all keys are as good to it.
            let security =
                SecurityArgs { open: args.open, secure: args.secure, key: args.key, takes_new_key: true };
            let keys = installation_keys(&security, None)?;
            bind_broker(args.options, &security, keys.as_ref()).await?.run(shutdown).await?;
        }
        Part::Server(args) => {
            let (open, secure, key) = (args.open, args.secure, args.key);
            let security = SecurityArgs { open, secure, key, takes_new_key: args.new_key };
            let keys = installation_keys(&security, args.options.store.as_ref())?;
            let public_address = args.options.public_address.clone();
            let server = bind_server(args.options, &security, keys.as_ref()).await?;
            if let Some(keys) = keys {
                let manner =
                    welcome::Manner { subscribers: None, public_address: public_address.as_ref(), qr: true };
                welcome::first(&server, keys.public(), &manner);
            }
            server.run(shutdown).await?;
        }
        Part::Client(args) => {
            let config =
                recado_client::Config::try_from(args).map_err(|error| Failure::Usage(error.into()))?;
            client(config, shutdown).await?;
        }
        Part::Send(args) => programs::send(args, shutdown).await?,
        Part::History(args) => programs::history(args, shutdown).await?,
        Part::Search(args) => programs::search(args, shutdown).await?,
        Part::Tail(args) => programs::tail(args, shutdown).await?,
        Part::Users(args) => programs::users(args, shutdown).await?,
        Part::Channels(args) => programs::channels(args, shutdown).await?,
        Part::Who(args) => programs::who(args, shutdown).await?,
        Part::Join(args) => programs::join(args, shutdown).await?,
        Part::Leave(args) => programs::leave(args, shutdown).await?,
        Part::Keys(args) => programs::keys(args, shutdown).await?,
        Part::Admin(args) => programs::admin(args, shutdown).await?,
        Part::Autoclient(args) => {
            return autoclient(args, Stop { talking: shutdown, draining: at_once }).await;
        }
        Part::Export(args) => transfer::run_export(args)?,
        Part::Import(args) => transfer::run_import(args)?,
        Part::Check(args) => return Ok(check::run(args).await?),
        Part::Doctor(args) => return Ok(doctor::run(args).await),
        Part::Completions(args) => generated::completions(&args)?,
        Part::Man(args) => generated::man(&args)?,
        Part::Status(args) => return status::run(args, shutdown).await,
    }
    Ok(ExitCode::SUCCESS)
}

async fn autoclient(command: recado_autoclient::Command, stop: Stop) -> Result<ExitCode, Failure> {
    if let Some(Action::Compare(args)) = &command.action {
        let compared = recado_autoclient::compare::compare(args)?;
        // Whoever closed standard output still gets the exit code.
        let _ = writeln!(io::stdout(), "{}", compared.lines.join("\n"));
        return Ok(if compared.is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    let config =
        recado_autoclient::Config::try_from(command.load).map_err(|error| Failure::Usage(error.into()))?;
    let folder = command.report.prepare().map_err(|error| {
        if error.is_usage() { Failure::Usage(error.into()) } else { Failure::Failed(error.into()) }
    })?;
    let record = recado_autoclient::run(config, stop).await?;
    if let Some(folder) = folder {
        let page = folder.path().join("report.html");
        folder.write(&record)?;
        // Not on standard output, whose last line is the verdict.
        let _ = writeln!(io::stderr(), "the report is in {}", page.display());
    }
    Ok(match record.verdict.outcome {
        Outcome::Pass => ExitCode::SUCCESS,
        Outcome::Fail => ExitCode::FAILURE,
        Outcome::Invalid => ExitCode::from(EXIT_CODE_INVALID),
    })
}

/// The load client was the bottleneck, so that its figures say nothing of what it measured.
const EXIT_CODE_INVALID: u8 = 3;

async fn client(config: recado_client::Config, shutdown: CancellationToken) -> Result<(), Failure> {
    recado_client::run(config, shutdown).await.map_err(of_client)
}

fn of_client(error: recado_client::Error) -> Failure {
    if error.is_usage() { Failure::Usage(error.into()) } else { Failure::Failed(error.into()) }
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::in_one;

    #[test]
    fn a_cause_is_said_once() {
        let error = anyhow!("no permission").context("cannot read a.key: no permission").context("no keys");
        assert_eq!(in_one(&error), "no keys: cannot read a.key: no permission");
        assert_eq!(in_one(&anyhow!("a").context("b")), "b: a");
    }
}
