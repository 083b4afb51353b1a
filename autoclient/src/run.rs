//! One run from beginning to end: connect, find channels, listen, talk, wait for stragglers, say what came of it.

use std::{fmt, time::Duration};

use recado_client::{ConnectError, RequestError, Session, SessionConfig, SessionEvent, SessionEvents};
use recado_proto::{ChannelName, Code, UserName};
use thiserror::Error;
use tokio::{sync::mpsc, task::JoinSet, time::timeout};
use tokio_util::sync::CancellationToken;

use crate::{
    audit::{Audit, Verdict},
    conductor::{Conductor, Hearing},
    config::Config,
    limits::{CHANNELS_MAX, CLOSE_WAIT, EVENTS_MAX, LISTENERS_MAX},
    output::say,
    schedule::{Schedule, Shape},
};

/// The channels that are created where there are none.
const USUAL_CHANNELS: [&str; 3] = ["geral", "tech", "random"];

/// Why a run could not begin.
#[derive(Debug, Error)]
pub enum Error {
    /// The configuration names no server.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// No server is there, or none that answers.
    #[error("no server answers at {server}; `recado up` starts one")]
    NoServer {
        /// Where it was sought.
        server: String,
    },
    /// A user was not let in.
    #[error("{user} cannot log in")]
    Login {
        /// Who.
        user: UserName,
        /// Why.
        source: RequestError,
    },
    /// The channels cannot be listed.
    #[error("cannot list the channels")]
    Channels(#[source] RequestError),
    /// A channel could not be created.
    #[error("cannot create the channel {channel}")]
    Create {
        /// Which.
        channel: ChannelName,
        /// Why.
        source: RequestError,
    },
    /// A channel could not be followed.
    #[error("cannot follow the channel {channel}")]
    Follow {
        /// Which.
        channel: ChannelName,
        /// Why.
        source: RequestError,
    },
}

/// Runs until the plan ends or `shutdown` is cancelled, writes the report to standard output, its last line the verdict,
/// and returns it too. A shutdown ends the talking; what is under way is still waited for, within bounds.
///
/// # Errors
/// The run could not begin: no server answers, or it refuses.
pub async fn run(config: Config, shutdown: CancellationToken) -> Result<Verdict, Error> {
    let listeners = config.users.len().min(LISTENERS_MAX);
    let (sender, hearings) = mpsc::channel(EVENTS_MAX);
    let mut sessions = Vec::with_capacity(listeners);
    for listener in 0..listeners {
        let mut settings = SessionConfig::new(config.servers.clone(), config.brokers.clone());
        settings.repair = config.repair;
        let (session, events) = Session::connect(settings)?;
        // Ends with its session.
        tokio::spawn(forward(listener, events, sender.clone()));
        sessions.push(session);
    }
    drop(sender);
    let channels = tokio::select! {
        channels = prepare(&config, &sessions) => channels?,
        () = shutdown.cancelled() => return Ok(conclude(&config, Audit::new(listeners).close(), Duration::ZERO)),
    };
    say(format_args!("seed {}: {} in {}", config.seed, who(&config.users), List(&channels)));
    let shape = Shape {
        seed: config.seed,
        users: config.users.len(),
        channels: channels.len(),
        pace: config.pace.clone(),
        text_bytes: config.text_bytes,
    };
    let conductor = Conductor::new(&config, sessions.clone(), channels, Schedule::new(shape), hearings);
    let (verdict, elapsed) = conductor.run(&shutdown).await;
    let closing = async {
        for session in sessions {
            session.close().await;
        }
    };
    // A connection that does not close ends with the process.
    let _ = timeout(CLOSE_WAIT, closing).await;
    Ok(conclude(&config, verdict, elapsed))
}

/// Hands on what a listener hears. What befalls its connections goes to the log.
async fn forward(listener: usize, mut events: SessionEvents, to: mpsc::Sender<Hearing>) {
    while let Some(event) = events.recv().await {
        match event {
            SessionEvent::Publication { publication, via, .. } => {
                if to.send(Hearing { listener, publication, via }).await.is_err() {
                    return;
                }
            }
            SessionEvent::Joined { .. } => {}
            SessionEvent::Missing { topic, first, last } => {
                tracing::warn!(%topic, first, last, "kept nowhere any more")
            }
            SessionEvent::EpochChanged { topic, epoch } => {
                tracing::warn!(%topic, epoch = epoch.as_u64(), "the store was restored")
            }
            SessionEvent::ServerLost { reason } => tracing::warn!(listener, reason, "no server"),
            SessionEvent::ServerBack => tracing::info!(listener, "the server is back"),
            SessionEvent::BrokerLost { reason } => tracing::warn!(listener, reason, "no broker"),
            SessionEvent::BrokerBack => tracing::info!(listener, "the broker is back"),
            SessionEvent::Malformed { topic, reason } => tracing::debug!(topic, reason, "not a message"),
        }
    }
}

/// Everybody logged in and listening; the channels to talk in.
async fn prepare(config: &Config, sessions: &[Session]) -> Result<Vec<ChannelName>, Error> {
    for (session, user) in sessions.iter().zip(&config.users) {
        session.login(user).await.map_err(|source| match source {
            RequestError::Unanswered { .. } => Error::NoServer { server: List(&config.servers).to_string() },
            source => Error::Login { user: user.clone(), source },
        })?;
    }
    let first = &sessions[0];
    let channels = channels(config, first).await?;
    let mut joining = JoinSet::<Result<(), Error>>::new();
    for session in sessions {
        let (session, channels) = (session.clone(), channels.clone());
        joining.spawn(async move {
            for channel in channels {
                session
                    .subscribe_channel(&channel, 0)
                    .await
                    .map_err(|source| Error::Follow { channel, source })?;
            }
            Ok(())
        });
    }
    while let Some(joined) = joining.join_next().await {
        joined.expect("joining does not panic and is not aborted")?;
    }
    Ok(channels)
}

/// The channels asked for, or those that exist, or the usual ones; created where they are missing.
async fn channels(config: &Config, session: &Session) -> Result<Vec<ChannelName>, Error> {
    let mut existing = session.channels().await.map_err(Error::Channels)?;
    let wanted = if !config.channels.is_empty() {
        config.channels.clone()
    } else if existing.is_empty() {
        USUAL_CHANNELS.map(|name| ChannelName::parse(name).expect("the usual names are good")).to_vec()
    } else {
        existing.sort();
        existing.truncate(CHANNELS_MAX);
        return Ok(existing);
    };
    for channel in wanted.iter().filter(|channel| !existing.contains(channel)) {
        match session.create_channel(channel).await {
            Ok(()) => {}
            // Somebody else was faster. If it is a user's name, following it will say so.
            Err(error) if error.code() == Some(&Code::NameTaken) => {}
            Err(source) => return Err(Error::Create { channel: channel.clone(), source }),
        }
    }
    Ok(wanted)
}

fn conclude(config: &Config, verdict: Verdict, elapsed: Duration) -> Verdict {
    say(format_args!(
        "{} messages in {:.1} s by {}",
        verdict.tally.attempted,
        elapsed.as_secs_f64(),
        who(&config.users)
    ));
    for lost in &verdict.lost_first {
        say(format_args!(
            "lost: message {} ({}), missed by {} of the listeners",
            lost.number, lost.id, lost.missed_by
        ));
    }
    if !verdict.is_pass() {
        say(format_args!("the same load again: --seed {} with the same options", config.seed));
    }
    say(format_args!("{verdict}"));
    verdict
}

fn who(users: &[UserName]) -> String {
    match users {
        [one] => one.to_string(),
        [first, .., last] => format!("{} users, {first} to {last}", users.len()),
        [] => "nobody".to_owned(),
    }
}

/// The first few of many, with commas.
struct List<'a, T>(&'a [T]);

impl<T: fmt::Display> fmt::Display for List<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN_MAX: usize = 10;
        for (number, item) in self.0.iter().take(SHOWN_MAX).enumerate() {
            write!(f, "{}{item}", if number > 0 { ", " } else { "" })?;
        }
        match self.0.len().saturating_sub(SHOWN_MAX) {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_short() {
        assert_eq!(List(&["geral", "tech"]).to_string(), "geral, tech");
        assert_eq!(List(&(0..12).collect::<Vec<_>>()).to_string(), "0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 2 more");
    }
}
