//! `recado users`, `recado channels` and `recado who`.

use tokio_util::sync::CancellationToken;

use crate::chat::item::Item;
use crate::config::ConfigError;
use crate::entry::{Entry, unanswered};
use crate::error::Error;

use super::shared::{Printer, ServerArgs};

/// What `recado users`, `recado channels` and `recado who` take.
#[derive(Clone, Debug, clap::Args)]
pub struct ListArgs {
    #[command(flatten)]
    server: ServerArgs,

    /// Print one JSON object a line, as `recado client --json` does
    #[arg(long, env = "RECADO_JSON")]
    json: bool,
}

/// Which server is asked, and how the answer is written.
#[derive(Clone, Debug)]
pub struct ListConfig {
    entry: Entry,
    json: bool,
}

impl TryFrom<ListArgs> for ListConfig {
    type Error = ConfigError;

    fn try_from(args: ListArgs) -> Result<Self, ConfigError> {
        let entry = args.server.entry(Vec::new())?;
        Ok(Self { entry, json: args.json })
    }
}

enum List {
    Users,
    Channels,
    Who,
}

/// Prints all users, each on a line.
///
/// # Errors
/// The server did not answer or refused, or standard output failed.
pub async fn users(config: ListConfig, shutdown: CancellationToken) -> Result<(), Error> {
    run(List::Users, config, shutdown).await
}

/// Prints all channels, each on a line.
///
/// # Errors
/// As [`users`].
pub async fn channels(config: ListConfig, shutdown: CancellationToken) -> Result<(), Error> {
    run(List::Channels, config, shutdown).await
}

/// Prints those who are here, each on a line: `online` or `away`, and the name.
///
/// # Errors
/// As [`users`].
pub async fn who(config: ListConfig, shutdown: CancellationToken) -> Result<(), Error> {
    run(List::Who, config, shutdown).await
}

async fn run(list: List, config: ListConfig, shutdown: CancellationToken) -> Result<(), Error> {
    let mut entry = config.entry;
    let (session, _events) = tokio::select! {
        begun = entry.connect() => begun?,
        () = shutdown.cancelled() => return Err(Error::Interrupted),
    };
    let listed = async {
        match list {
            List::Users => session.users().await.map(Item::Users),
            List::Who => session.who().await.map(Item::Who),
            List::Channels => session.channels().await.map(|channels| Item::Channels {
                channels,
                joined: Vec::new(),
                current: None,
            }),
        }
    };
    let item = tokio::select! {
        listed = listed => match listed {
            Ok(item) => item,
            Err(error) => return Err(unanswered(error, &entry.session).await),
        },
        () = shutdown.cancelled() => return Err(Error::Interrupted),
    };
    // Nothing in a list is about who asks.
    let mut printer = Printer::new(config.json, None)?;
    printer.show(&item).await?;
    printer.finish().await
}
