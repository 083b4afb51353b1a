//! Who takes part in a run and over which connections: the users, the topics, the sessions that they share.

use recado_client::{RequestError, SendOutcome, Session};
use recado_proto::{ChannelName, HistoryOf, HistoryPage, MessageId, Range, UserName};

use crate::{
    audit::{Cast, TopicCast},
    schedule::To,
    tag::Run,
};

/// Where messages go.
#[derive(Clone, Debug)]
pub(crate) enum Target {
    /// To a channel.
    Channel(ChannelName),
    /// To a user of the run, directly.
    Direct {
        /// Which of the users.
        user: usize,
        /// The same by name.
        name: UserName,
    },
}

impl Target {
    pub(crate) fn name(&self) -> &str {
        match self {
            Target::Channel(channel) => channel.as_str(),
            Target::Direct { name, .. } => name.as_str(),
        }
    }
}

/// Who and where, fixed before the first message.
#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) run: Run,
    pub(crate) users: Vec<UserName>,
    /// The channels, then those users who receive direct messages.
    pub(crate) targets: Vec<Target>,
    pub(crate) channels: usize,
    /// Each hears what is sent directly to its users; the first of them also what is said in channels.
    pub(crate) sessions: Vec<Session>,
    /// How many sessions subscribe to the channels.
    pub(crate) listeners: usize,
    /// How many of those take their messages slowly: the last ones.
    pub(crate) slow: usize,
}

impl Stage {
    /// The connection that speaks and listens for this user.
    pub(crate) fn connection(&self, user: usize) -> usize {
        user % self.sessions.len()
    }

    /// Whether this connection takes its messages slowly.
    pub(crate) fn is_slow(&self, connection: usize) -> bool {
        (self.listeners - self.slow..self.listeners).contains(&connection)
    }

    /// Where a message of the plan goes.
    pub(crate) fn target(&self, to: To) -> usize {
        match to {
            To::Channel(channel) => channel,
            To::User(user) => self.channels + user,
        }
    }

    /// The connections that hear this topic, a bit for each.
    fn subscribers(&self, target: &Target) -> u64 {
        match target {
            Target::Channel(_) => u64::MAX >> (u64::BITS as usize - self.listeners),
            Target::Direct { user, .. } => 1 << self.connection(*user),
        }
    }

    /// The same for the audit.
    pub(crate) fn cast(&self) -> Cast {
        Cast {
            run: self.run,
            publishers: self.users.iter().map(ToString::to_string).collect(),
            topics: self
                .targets
                .iter()
                .map(|target| TopicCast {
                    name: target.name().to_owned(),
                    is_direct: matches!(target, Target::Direct { .. }),
                    subscribers: self.subscribers(target),
                })
                .collect(),
            // A connection is called after the first of its users.
            subscribers: self.users.iter().take(self.sessions.len()).map(ToString::to_string).collect(),
        }
    }

    /// Sends a message for a user.
    pub(crate) async fn send(&self, user: usize, target: usize, text: String, id: MessageId) -> SendOutcome {
        let (session, user) = (&self.sessions[self.connection(user)], &self.users[user]);
        match &self.targets[target] {
            Target::Channel(channel) => session.publish_as(user, channel, text, id).await,
            Target::Direct { name, .. } => session.message_as(user, name, text, id).await,
        }
    }

    /// A part of a topic's history.
    pub(crate) async fn history(
        &self,
        target: usize,
        range: Range,
        limit: u32,
    ) -> Result<HistoryPage, RequestError> {
        match &self.targets[target] {
            Target::Channel(channel) => {
                let session = &self.sessions[target % self.sessions.len()];
                session.history(HistoryOf::Channel(channel.clone()), range, limit).await
            }
            Target::Direct { name, .. } => {
                let session = &self.sessions[target % self.sessions.len()];
                session.history_as(name, HistoryOf::Received, range, limit).await
            }
        }
    }
}
