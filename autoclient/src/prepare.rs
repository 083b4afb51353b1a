//! Before the first message: everybody logged in, the channels there, and whoever listens joined.

use recado_client::{RequestError, Session, limits::TOPICS_MAX};
use recado_proto::{ChannelName, Code};
use tokio::task::JoinSet;

use crate::{
    config::Config,
    limits::{CHANNELS_MAX, RECEIVERS_MAX},
    run::{Error, List},
};

/// The channels that are created where there are none.
const USUAL_CHANNELS: [&str; 3] = ["geral", "tech", "random"];

/// Everybody logged in and listening; the channels to talk in, and how many users receive direct messages.
pub(crate) async fn prepare(
    config: &Config,
    sessions: &[Session],
) -> Result<(Vec<ChannelName>, usize), Error> {
    for (session, user) in sessions.iter().zip(&config.users) {
        session.login(user).await.map_err(|source| match source {
            RequestError::Unanswered { .. } => Error::NoServer { server: List(&config.servers).to_string() },
            source => Error::Login { user: user.clone(), source },
        })?;
    }
    let first = &sessions[0];
    let channels = channels(config, first).await?;
    let receivers = match config.phases.iter().any(|phase| phase.direct > 0.0) {
        true => config.users.len().min(RECEIVERS_MAX).min((TOPICS_MAX - channels.len()) * sessions.len()),
        false => 0,
    };
    let mut joining = JoinSet::<Result<(), Error>>::new();
    for session in &sessions[..config.listeners] {
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
    for (number, session) in sessions.iter().enumerate() {
        let users = config.users[..receivers].iter().skip(number).step_by(sessions.len()).skip(1);
        let (session, users) = (session.clone(), users.cloned().collect::<Vec<_>>());
        joining.spawn(async move {
            for user in users {
                session.login_beside(&user).await.map_err(|source| Error::Login { user, source })?;
            }
            Ok(())
        });
    }
    while let Some(joined) = joining.join_next().await {
        joined.expect("joining does not panic and is not aborted")?;
    }
    Ok((channels, receivers))
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
