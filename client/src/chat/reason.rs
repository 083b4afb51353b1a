//! Why something failed and what to do about it, as values. Their sentences are in `crate::view::wording`.

use recado_proto::ChannelName;

use crate::session::RequestError;

use super::command::CommandError;

/// Why something that was asked for failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The line is no command, or lacks something.
    Command(CommandError),
    /// The line could not be read at all.
    Unreadable(Unreadable),
    /// There is no current channel.
    InNoChannel,
    /// There is no conversation where one is.
    InNoConversation,
    /// What was typed belongs to a channel that was left since.
    NotInThisChannel,
    /// The channel is not followed.
    NotIn(ChannelName),
    /// It can be done in channels alone: only they have topics.
    OnlyChannels,
    /// No emoji has this name.
    NoSuchEmoji(String),
    /// Nobody to answer.
    NobodyWrote,
    /// An editor was wanted where nobody types.
    NeedsTerminal,
    /// No message that was shown is so far back.
    NotSoFarBack(usize),
    /// No message was shown.
    NothingShown,
    /// What was found last has the numbers from 1 to this one; 0 if nothing was.
    NotAmongFound(usize),
    /// So many lines wait already.
    OutboxFull(usize),
    /// There is no channel of this name.
    NoSuchChannel(ChannelName),
    /// One was in this channel, and it is there no more for this user.
    NoLongerIn(ChannelName),
    /// It is not said whether one is here.
    PresenceIsOff,
    /// The server did not answer.
    NoAnswer,
    /// No server was there.
    NoServer,
    /// What goes out in order stops at what has no answer.
    LineBefore,
    /// The session or the server says why.
    Request(RequestError),
}

/// Why a line of input cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// Over [`crate::limits::LINE_BYTES_MAX`].
    TooLong,
    /// It is not UTF-8.
    NoText,
}

/// What to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hint {
    /// Join the channel where the line was to go.
    JoinThere,
    /// Join this channel.
    Join(ChannelName),
    /// Join any channel.
    JoinOne,
    /// Take the channel where one is from one's list.
    Leave(ChannelName),
    /// Create this channel.
    Create(ChannelName),
    /// A channel has nearly this name; or create it.
    NearestChannel {
        /// The one that there is.
        nearest: String,
        /// The one that was named.
        named: ChannelName,
    },
    /// A user has nearly this name.
    NearestUser(String),
    /// A user has nearly this name; all can be listed.
    NearestOfUsers(String),
    /// List all users.
    ListUsers,
    /// Write to somebody by name.
    WriteToSomebody,
    /// Name the user whose messages are meant.
    DirectHistory,
    /// Emoji have names, which are completed.
    EmojiNames,
    /// Messages are counted from the latest.
    Numbers,
    /// Find messages first.
    Search,
}
