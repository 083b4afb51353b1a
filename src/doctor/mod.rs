//! `recado doctor`: looks at an installation and says of each point whether it is well, and what to do if it is not.

mod facts;
mod finding;
mod forms;
mod gather;
mod judge;
mod secured;
mod show;

#[cfg(test)]
mod tests;

use std::{
    io::{self, IsTerminal, Write},
    path::PathBuf,
    process::ExitCode,
    time::Duration,
};

use recado_client::keys::DeviceArgs;
use recado_server::StoreUrl;
use recado_zmtp::Endpoint;

pub(crate) use facts::Settings;
use finding::Grade;

/// Where to look. What the settings file and the environment say of broker and server is taken up.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct DoctorArgs {
    /// Where the server takes requests
    #[arg(long, value_name = "ENDPOINT", env = "RECADO_REQUESTS", default_value = "tcp://127.0.0.1:5555")]
    requests: Endpoint,

    /// Where the broker takes publishers
    #[arg(long, value_name = "ENDPOINT", env = "RECADO_PUBLISHERS", default_value = "tcp://127.0.0.1:5557")]
    publishers: Endpoint,

    /// Where the broker takes subscribers
    #[arg(long, value_name = "ENDPOINT", env = "RECADO_SUBSCRIBERS", default_value = "tcp://127.0.0.1:5558")]
    subscribers: Endpoint,

    /// Where the broker tells its status, if it does
    #[arg(long, value_name = "ENDPOINT", env = "RECADO_STATUS")]
    status: Option<Endpoint>,

    /// The server's store: sqlite:PATH [default: sqlite:recado.db in recado's folder among the user's data]
    #[arg(long, value_name = "URL", env = "RECADO_STORE")]
    store: Option<StoreUrl>,

    /// The installation's key file [default: installation.key in recado's folder among the user's data]
    #[arg(long, value_name = "FILE", env = "RECADO_KEY")]
    key: Option<PathBuf>,

    #[command(flatten)]
    device: DeviceArgs,

    /// How long each listener may take to answer, as 500ms or 3s
    #[arg(long, value_name = "DURATION", default_value = "3s", value_parser = recado_client::duration::parse)]
    wait: Duration,

    /// Print one line of JSON
    #[arg(long)]
    json: bool,

    /// What became of the settings file, which is read before this is.
    #[arg(skip)]
    pub(crate) settings: Settings,
}

const EXAMPLES: &str = "\
Examples:
  recado doctor                                   everything on this machine
  recado doctor --requests tcp://10.0.0.7:5555    with a server elsewhere
  recado doctor --json | jq '.points[] | select(.grade != \"ok\")'

Nothing is changed. It ends with 0, or with 1 if there is a problem.";

/// Looks, judges and tells.
pub(crate) async fn run(args: DoctorArgs) -> ExitCode {
    let facts = gather::gather(&args, io::stdout().is_terminal()).await;
    let findings = judge::judge(&facts);
    let text = if args.json { show::json(&findings) } else { show::lines(&findings, show::wants_colours()) };
    // Whoever closed standard output still gets the exit code.
    let _ = io::stdout().write_all(text.as_bytes());
    match show::worst(&findings) {
        Grade::Ok | Grade::Warning => ExitCode::SUCCESS,
        Grade::Problem => ExitCode::FAILURE,
    }
}
