//! What the server answers. The spelling differs from service to service, because programs exist that rely on it.

mod decode;
mod encode;

use std::time::Duration;

use thiserror::Error;

use crate::access::{AuditEntry, JoinCode, KeyEntry, Members, Role};
use crate::act::ActDone;
use crate::code::Code;
use crate::epoch::Epoch;
use crate::id::MessageId;
use crate::mark::ReadMark;
use crate::name::{ChannelName, UserName};
use crate::presence::Here;
use crate::publication::Publication;
use crate::reference::Ref;
use crate::service::ServiceName;
use crate::timestamp::Timestamp;
use crate::wire::FormatError;

/// One reply, in one frame: `{"service": S, "data": {…}, "ref": …}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The service that was asked.
    pub service: ServiceName,
    /// The answer.
    pub body: ReplyBody,
    /// When the server sent it.
    pub timestamp: Timestamp,
    /// The server's Lamport counter; a plain server has none.
    pub clock: Option<u64>,
    /// What the request had as `ref`.
    pub reference: Option<Ref>,
}

/// The answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReplyBody {
    /// To `login`, `channel`, `mark`, `here` and `admin`: done.
    Accepted,
    /// To `login` in a secured system.
    LoggedIn {
        /// Who one is.
        user: UserName,
        /// What one may do.
        role: Role,
    },
    /// To `join`: the connection's key is a user's.
    Joined {
        /// Whose.
        user: UserName,
        /// What this user may do.
        role: Role,
    },
    /// To `admin`: a code was made, which is shown this once.
    Code(JoinCode),
    /// To `keys`.
    Keys(Vec<KeyEntry>),
    /// To `members`.
    Members(Members),
    /// To `audit`, oldest first.
    Audit(Vec<AuditEntry>),
    /// To `users`.
    Users(Vec<UserName>),
    /// To `channels`.
    Channels(Vec<ChannelName>),
    /// To `publish`, `message` and `act`: it is durable. A plain server says no more than that.
    Stored {
        /// The message's own number, the server's if the request had none.
        id: Option<MessageId>,
        /// Its place in its topic.
        seq: Option<u64>,
        /// The generation that `seq` belongs to.
        epoch: Option<Epoch>,
    },
    /// To `history`.
    History(HistoryPage),
    /// To `search`.
    Found(SearchPage),
    /// To `sync`: the question was taken. Its answer is published.
    Synced,
    /// To `marks`.
    Marks(Vec<ReadMark>),
    /// To `who`: those who are online or away.
    Here(Vec<Here>),
    /// To anything: not done.
    Refused {
        /// The reason for programs.
        code: Code,
        /// The reason for people.
        description: String,
    },
    /// To anything: not done, since there was too much of it. Its code is [`Code::Busy`].
    Later {
        /// The reason for people.
        description: String,
        /// When the same request may be sent again. Sent in whole milliseconds, rounded up.
        retry_after: Duration,
    },
}

impl ReplyBody {
    /// After how long the same request may be sent again, if this is a refusal that may be another answer later. Nothing at all if the
    /// server does not say.
    pub fn retry_after(&self) -> Option<Duration> {
        if let ReplyBody::Later { retry_after, .. } = self {
            return Some(*retry_after);
        }
        let passes = matches!(self, ReplyBody::Refused { code: Code::Busy | Code::Unavailable, .. });
        passes.then_some(Duration::ZERO)
    }
}

/// A stretch of messages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HistoryPage {
    /// Oldest first, each with its topic.
    pub messages: Vec<Publication>,
    /// The topic's first message that is still kept. `None` for a conversation, which runs through two topics.
    pub first_seq: Option<u64>,
    /// The topic's last message. `None` for a conversation.
    pub last_seq: Option<u64>,
    /// The generation that the places belong to.
    pub epoch: Option<Epoch>,
    /// The last act that gave the channel a topic, if acts were asked for and there is one.
    pub topic: Option<ActDone>,
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SearchPage {
    /// Best first.
    pub found: Vec<Found>,
    /// The generation that the places belong to.
    pub epoch: Option<Epoch>,
    /// There was no time to look at everything: there may be more.
    pub partial: bool,
    /// About how many of the last messages were not looked at, because they are not indexed yet.
    pub behind: u64,
}

/// A message that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// As history gives it, without acts.
    pub message: Publication,
    /// The part of its text where what was searched for stands, on one line, each match between [`MATCH_BEGINS`] and
    /// [`MATCH_ENDS`]. These two stand nowhere else in it, whatever the text holds.
    pub snippet: String,
}

/// Before a match in a snippet.
pub const MATCH_BEGINS: char = '\u{2}';

/// After a match in a snippet.
pub const MATCH_ENDS: char = '\u{3}';

/// Why bytes are no reply.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ReplyError {
    /// No MessagePack.
    #[error("no MessagePack: {0}")]
    Malformed(#[from] FormatError),
    /// Something else than a map with a map `data`.
    #[error("no map with `service` and `data`")]
    NoEnvelope,
    /// A key that such a reply always has is missing or of another kind.
    #[error("`{0}` is missing or of the wrong kind")]
    Missing(&'static str),
    /// A reply that is no refusal, to a service that this version does not know.
    #[error("an answer to the unknown service {0:?}")]
    UnknownService(String),
}
