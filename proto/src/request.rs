//! What clients ask for. Reading a request checks its form and its names, not whether what it names exists.

mod decode;
mod encode;
mod error;
mod fields;

use crate::access::{AdminAct, DeviceLabel, JoinCode, Password};
use crate::act::{Act, Manner};
use crate::id::MessageId;
use crate::mark::ReadMark;
use crate::name::{ChannelName, TopicName, UserName};
use crate::presence::{Device, Presence, TypingIn};
use crate::reference::Ref;
use crate::service::Service;
use crate::system::SyncTopic;
use crate::timestamp::Timestamp;

pub use error::RequestError;

/// One request, in one frame: `{"service": S, "data": {…}, "ref": …}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The service and what it needs.
    pub body: RequestBody,
    /// When the client sent it, by the client's clock.
    pub timestamp: Option<Timestamp>,
    /// The client's Lamport counter.
    pub clock: Option<u64>,
    /// To be echoed in the reply.
    pub reference: Option<Ref>,
}

/// The services' requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RequestBody {
    /// Log in under a name; a new one becomes a user's.
    Login {
        /// Who one is.
        user: UserName,
        /// Where a password shows it; a secured system asks for one from a key that it does not know.
        password: Option<Password>,
    },
    /// List the users.
    Users,
    /// Create a channel.
    Channel {
        /// The channel's name.
        channel: ChannelName,
        /// The creation's own number, the same when it is asked for again. Without one, the second time is refused.
        id: Option<MessageId>,
        /// Who creates it; only a secured system minds.
        user: Option<UserName>,
        /// Only members are to know of it, which only a secured system can promise.
        private: bool,
    },
    /// List the channels.
    Channels,
    /// Send a message to a channel.
    Publish {
        /// The sender.
        user: UserName,
        /// Where it goes.
        channel: ChannelName,
        /// The text, at most [`MESSAGE_BYTES_MAX`](crate::limits::MESSAGE_BYTES_MAX).
        message: String,
        /// The message's own number, the same when it is sent again. Without one, sending again stores it again.
        id: Option<MessageId>,
        /// What it says of itself beside its text.
        manner: Manner,
    },
    /// Send a message to a user.
    Message {
        /// The sender.
        src: UserName,
        /// The receiver.
        dst: UserName,
        /// The text, at most [`MESSAGE_BYTES_MAX`](crate::limits::MESSAGE_BYTES_MAX).
        message: String,
        /// The message's own number, the same when it is sent again. Without one, sending again stores it again.
        id: Option<MessageId>,
        /// What it says of itself beside its text.
        manner: Manner,
    },
    /// Do something to a message that was sent, or to a channel.
    Act {
        /// Who acts.
        user: UserName,
        /// Where the message is.
        within: ActIn,
        /// What is done.
        act: Act,
        /// The act's own number, as a message's.
        id: Option<MessageId>,
    },
    /// Read messages that were sent before.
    History(HistoryRequest),
    /// Find messages by their words.
    Search(SearchRequest),
    /// Have the last places of topics published, by the way that messages take.
    Sync {
        /// Who asks.
        user: Option<UserName>,
        /// Where to publish them. Whoever asks has subscribed to it.
        topic: SyncTopic,
        /// The channels and users, from 1 to [`SYNC_TOPICS_MAX`](crate::limits::SYNC_TOPICS_MAX).
        topics: Vec<TopicName>,
    },
    /// Remember how far one has read. A mark never goes back within an epoch.
    Mark {
        /// Whose mark.
        user: UserName,
        /// How far.
        mark: ReadMark,
    },
    /// List one's marks.
    Marks {
        /// Whose.
        user: UserName,
    },
    /// Say that one is here, or not. It is believed for a while.
    Here {
        /// Who.
        user: UserName,
        /// How much.
        state: Presence,
        /// On which of the user's devices. Those without a name count as one.
        device: Option<Device>,
        /// Where the user is typing just now.
        typing: Option<TypingIn>,
    },
    /// List who is here.
    Who,
    /// Make the key of the connection a user's.
    Join {
        /// The code that says so; not needed where everybody may.
        code: Option<JoinCode>,
        /// The name that is wanted, unless the code is for a name.
        user: Option<UserName>,
        /// What the device is to be called.
        device: Option<DeviceLabel>,
    },
    /// Look after users, keys and channels.
    Admin {
        /// Who asks.
        user: Option<UserName>,
        /// What is to be done.
        act: AdminAct,
    },
    /// List a user's keys.
    Keys {
        /// Whose; one's own if absent.
        of: Option<UserName>,
    },
    /// List who is in a channel.
    Members {
        /// Which.
        channel: ChannelName,
    },
    /// List what was done to users, keys and channels.
    Audit {
        /// After the event of this number.
        after: u64,
        /// How many at most, from 0 to [`AUDIT_LIMIT_MAX`](crate::limits::AUDIT_LIMIT_MAX).
        limit: u32,
    },
}

/// Where an act's message is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ActIn {
    /// In this channel.
    Channel(ChannelName),
    /// In the conversation with this user, whichever of the two sent it.
    With(UserName),
}

/// Which messages to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryRequest {
    /// Who asks.
    pub user: UserName,
    /// Whose messages.
    pub of: HistoryOf,
    /// Which stretch of them.
    pub range: Range,
    /// How many at most, from 0 to [`HISTORY_LIMIT_MAX`](crate::limits::HISTORY_LIMIT_MAX).
    pub limit: u32,
    /// Whether acts are wanted, too: as entries at their places, and with the messages that they are about.
    pub acts: bool,
}

/// Whose messages to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HistoryOf {
    /// A channel's. Places are `seq`s or `id`s.
    Channel(ChannelName),
    /// The conversation between who asks and this user, both directions, in the order of commits. Places are `id`s: a
    /// request with a `seq` does not decode.
    With(UserName),
    /// All that was sent to who asks, by anybody. Places are `seq`s or `id`s.
    Received,
}

/// A stretch of messages, always given oldest first, without the places named (after IRCv3 CHATHISTORY).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Range {
    /// The last ones.
    Latest,
    /// The ones next before this place.
    Before(Place),
    /// The ones next after this place.
    After(Place),
    /// Half of `limit` next before this place, and half next after it.
    Around(Place),
    /// The ones between both places, counted from the first one named.
    Between(Place, Place),
}

/// A message as a place in a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// By its number in the topic.
    Seq(u64),
    /// By its own number.
    Id(MessageId),
}

/// Which messages to find.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchRequest {
    /// Who asks. Only channels are searched, and conversations of this user.
    pub user: UserName,
    /// The words, as people write them, at most [`SEARCH_WORDS_BYTES_MAX`](crate::limits::SEARCH_WORDS_BYTES_MAX).
    pub words: String,
    /// Only what this user wrote.
    pub from: Option<UserName>,
    /// Only what is there.
    pub within: Option<SearchIn>,
    /// Only what the server committed at this time or later.
    pub after: Option<Timestamp>,
    /// Only what the server committed before this time.
    pub before: Option<Timestamp>,
    /// How many at most, from 0 to [`SEARCH_LIMIT_MAX`](crate::limits::SEARCH_LIMIT_MAX).
    pub limit: u32,
}

/// Where messages are to be found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SearchIn {
    /// In this channel.
    Channel(ChannelName),
    /// In the conversation between who asks and this user, whichever of the two sent them.
    With(UserName),
}

impl RequestBody {
    /// The service that is asked.
    pub const fn service(&self) -> Service {
        match self {
            RequestBody::Login { .. } => Service::Login,
            RequestBody::Users => Service::Users,
            RequestBody::Channel { .. } => Service::Channel,
            RequestBody::Channels => Service::Channels,
            RequestBody::Publish { .. } => Service::Publish,
            RequestBody::Message { .. } => Service::Message,
            RequestBody::Act { .. } => Service::Act,
            RequestBody::History(_) => Service::History,
            RequestBody::Search(_) => Service::Search,
            RequestBody::Sync { .. } => Service::Sync,
            RequestBody::Mark { .. } => Service::Mark,
            RequestBody::Marks { .. } => Service::Marks,
            RequestBody::Here { .. } => Service::Here,
            RequestBody::Who => Service::Who,
            RequestBody::Join { .. } => Service::Join,
            RequestBody::Admin { .. } => Service::Admin,
            RequestBody::Keys { .. } => Service::Keys,
            RequestBody::Members { .. } => Service::Members,
            RequestBody::Audit { .. } => Service::Audit,
        }
    }
}

impl From<RequestBody> for Request {
    /// With nothing beside what the service needs.
    fn from(body: RequestBody) -> Self {
        Self { body, timestamp: None, clock: None, reference: None }
    }
}
