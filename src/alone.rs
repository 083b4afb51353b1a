//! `recado` with no subcommand: the chat, with whatever of broker and server nobody provides started in this process.

use std::{
    io::{self, Write},
    time::Duration,
};

use anyhow::{Context, anyhow};
use recado_client::{
    Hosted, Presence, SessionConfig,
    keys::{Trust, secure_in_passing},
    probe, probe_broker,
};
use recado_zmtp::Endpoint;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::{
    Failure,
    cli::UpArgs,
    pair::{Pair, bind_broker, bind_server, installation_keys, reachable},
};

/// How long a server or broker has to answer before it counts as absent. On loopback the answer takes a millisecond.
const PROBE_WAIT: Duration = Duration::from_secs(2);

/// Chats until the user leaves; what was started for that ends with it.
pub(crate) async fn chat(
    up: UpArgs,
    client: recado_client::Args,
    shutdown: CancellationToken,
) -> Result<(), Failure> {
    let mut config = recado_client::Config::try_from(client).map_err(|error| Failure::Usage(error.into()))?;
    let hosting = CancellationToken::new();
    let chat_shutdown = shutdown.child_token();
    let host = start_missing(up, &config.session, &config.trust, &hosting, &chat_shutdown).await?;
    let host = host.map(|Host { hosted, running }| {
        // Standard error is a person's; who has closed it does not want it.
        let _ = writeln!(io::stderr(), "{}", config.say_hosted(hosted));
        config.hosted = Some(hosted);
        running
    });
    let chatted = crate::client(config, chat_shutdown).await;
    hosting.cancel();
    if let Some(host) = host {
        host.await.context("a part that this chat had started panicked")??;
    }
    chatted
}

/// What was started for the chat.
struct Host {
    hosted: Hosted,
    running: JoinHandle<anyhow::Result<()>>,
}

/// Starts what does not answer where the chat looks for it, if that is where it would be started. The parts end when `hosting`
/// is cancelled; should they fail before, they end the chat.
async fn start_missing(
    up: UpArgs,
    session: &SessionConfig,
    trust: &Trust,
    hosting: &CancellationToken,
    chat_shutdown: &CancellationToken,
) -> Result<Option<Host>, Failure> {
    let server_here = reachable(&up.server.requests);
    let broker_here = reachable(&up.broker.subscribers);
    let (looks_for_server, looks_for_broker) =
        (session.servers.contains(&server_here), session.brokers.contains(&broker_here));
    if !looks_for_server && !looks_for_broker {
        return Ok(None);
    }
    let security = secure_in_passing(&session.servers, trust).await?;
    let server_missing = looks_for_server
        && is_missing("a server", probe(&server_here, &security, PROBE_WAIT).await, &server_here)?;
    let broker_missing = looks_for_broker
        && is_missing("a broker", probe_broker(&broker_here, &security, PROBE_WAIT).await, &broker_here)?;
    let (hosted, running): (_, JoinHandle<anyhow::Result<()>>) = match (server_missing, broker_missing) {
        (false, false) => return Ok(None),
        (true, true) => {
            let pair = Pair::bind(up, false).await?;
            (Hosted::Both, tokio::spawn(pair.run(hosting.clone())))
        }
        (true, false) => {
            let security = up.security();
            let server = bind_server(up.server, &security, installation_keys(&security)?.as_ref()).await?;
            let running = server.run(hosting.clone());
            (Hosted::Server, tokio::spawn(async { Ok(running.await?) }))
        }
        (false, true) => {
            let security = up.security();
            let broker = bind_broker(up.broker, &security, installation_keys(&security)?.as_ref()).await?;
            let running = broker.run(hosting.clone());
            (Hosted::Broker, tokio::spawn(async { Ok(running.await?) }))
        }
    };
    let chat_shutdown = chat_shutdown.clone();
    // Watches over the parts while the chat has the terminal.
    let running = tokio::spawn(async move {
        let ended = running.await.context("a part that this chat had started panicked");
        chat_shutdown.cancel();
        ended?
    });
    Ok(Some(Host { hosted, running }))
}

fn is_missing(what: &str, presence: Presence, endpoint: &Endpoint) -> Result<bool, Failure> {
    match presence {
        Presence::Recado | Presence::Full { .. } => Ok(false),
        Presence::Nobody { .. } => Ok(true),
        Presence::Other { reason } => Err(Failure::Failed(anyhow!(
            "{endpoint} is taken, but not by {what} of Recado: {reason}; end that program, or choose other endpoints (recado up --help)"
        ))),
    }
}
