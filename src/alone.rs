//! `recado` with no subcommand: the chat, with whatever of broker and server nobody provides started in this process.

use std::{
    io::{self, Write},
    time::Duration,
};

use anyhow::{Context, anyhow};
use recado_client::{
    Hosted, HostedParts, Presence, SessionConfig,
    keys::{JoinLink, Trust, secure_in_passing},
    probe, probe_broker,
    programs::found,
};
use recado_zmtp::Endpoint;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::{
    Failure,
    cli::UpArgs,
    of_client,
    pair::{Pair, bind_broker, bind_server, installation_keys, reachable},
    welcome,
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
    let mut founded = Ok(());
    let host = match host {
        None => None,
        Some(Host { hosted, running, first }) => {
            // Standard error is a person's; who has closed it does not want it.
            let _ = writeln!(io::stderr(), "{}", config.say_hosted(hosted));
            config.hosted = Some(hosted);
            if let Some(first) = first {
                founded = become_first(&config, first, &chat_shutdown).await;
            }
            Some(running)
        }
    };
    let chatted = match founded {
        Ok(()) => crate::client(config, chat_shutdown).await,
        failed => failed,
    };
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
    /// How the first administrator joins, if there is none yet.
    first: Option<First>,
}

/// A secured server of the chat's own that nobody looks after yet.
struct First {
    link: JoinLink,
    server: Endpoint,
    broker: Endpoint,
}

/// Whoever starts a secured server for their own chat looks after it: nobody else is there who could.
async fn become_first(
    config: &recado_client::Config,
    First { link, server, broker }: First,
    shutdown: &CancellationToken,
) -> Result<(), Failure> {
    let user = found(config, (server, broker), &link, shutdown).await.map_err(of_client)?;
    let _ = writeln!(io::stderr(), "{}", config.say_founded(&user));
    Ok(())
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
    let is_secured = up.secure;
    let broker = if looks_for_broker { &broker_here } else { &session.brokers[0] };
    let place = |link| First { link, server: server_here.clone(), broker: broker.clone() };
    let (parts, first, running): (_, _, JoinHandle<anyhow::Result<()>>) =
        match (server_missing, broker_missing) {
            (false, false) => return Ok(None),
            (true, true) => {
                let pair = Pair::bind(up, false).await?;
                (HostedParts::Both, pair.first_link().map(place), tokio::spawn(pair.run(hosting.clone())))
            }
            (true, false) => {
                let security = up.security();
                let keys = installation_keys(&security)?;
                let server = bind_server(up.server, &security, keys.as_ref()).await?;
                let first = keys.and_then(|keys| welcome::link(&server, keys.public(), None)).map(place);
                let running = server.run(hosting.clone());
                (HostedParts::Server, first, tokio::spawn(async { Ok(running.await?) }))
            }
            (false, true) => {
                let security = up.security();
                let broker =
                    bind_broker(up.broker, &security, installation_keys(&security)?.as_ref()).await?;
                let running = broker.run(hosting.clone());
                (HostedParts::Broker, None, tokio::spawn(async { Ok(running.await?) }))
            }
        };
    let chat_shutdown = chat_shutdown.clone();
    // Watches over the parts while the chat has the terminal.
    let running = tokio::spawn(async move {
        let ended = running.await.context("a part that this chat had started panicked");
        chat_shutdown.cancel();
        ended?
    });
    let hosted = Hosted { parts, is_secured };
    Ok(Some(Host { hosted, running, first }))
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
