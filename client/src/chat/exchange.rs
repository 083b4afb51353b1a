//! What the chat wants done, and what it is told of how that went.

use recado_proto::{
    Act, ActIn, AdminAct, ChannelName, Device, Here, HistoryPage, Manner, Members, MessageId, Presence,
    ReadMark, SearchPage, SearchRequest, TypingIn, UserName,
};

use crate::kept::Record;
use crate::receiver::Start;
use crate::session::{Hearing, RequestError, SendOutcome};

use super::command::{Conversation, Governing};
use super::item::{Item, Place};

/// What is to be done, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Show this.
    Show(Item),
    /// Write this down for the next start; `durable` if it must be on the disk before anything that follows is done.
    Keep {
        /// What happened.
        record: Record,
        /// Whether a crash right afterwards must not undo it.
        durable: bool,
    },
    /// Ask this of the session, and give the answer to [`super::Chat::on_answer`].
    Ask(Ask),
    /// Follow the channel no longer.
    Unfollow(ChannelName),
    /// Hear of this from now on.
    Hear(Hearing),
    /// Hear of it no longer.
    Ignore(Hearing),
    /// Have the user write this with an editor; it comes back as what is typed. Where nobody types, say so to
    /// [`super::Chat::on_nowhere_to_write`].
    Write(String),
    /// End, once what is being sent has been answered.
    Quit,
}

/// Something to ask of the session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    /// Follow a channel. That it is joined comes as an event.
    Join {
        /// The channel.
        channel: ChannelName,
        /// Where it begins.
        start: Start,
    },
    /// See how far a channel has come that this user was in before.
    Look(ChannelName),
    /// Create a channel.
    Create {
        /// Which.
        channel: ChannelName,
        /// Only members know of it.
        private: bool,
    },
    /// List users.
    Users {
        /// Nobody asked; only completion wants to know.
        quiet: bool,
    },
    /// List channels.
    Channels {
        /// Nobody asked; only completion wants to know.
        quiet: bool,
    },
    /// Read earlier messages.
    History {
        /// Whose.
        of: Conversation,
        /// How many.
        limit: u32,
    },
    /// Read a page of messages for whoever scrolls back.
    Older {
        /// Whose.
        of: Place,
        /// Before this one; the latest if it is none.
        before: Option<recado_proto::Place>,
    },
    /// Find messages by their words.
    Search(SearchRequest),
    /// Read what was said before and after a message.
    Around {
        /// Where it was said.
        of: Place,
        /// The message.
        id: MessageId,
    },
    /// Do something to a message, or to a channel.
    Act {
        /// The act's own number.
        id: MessageId,
        /// Where the message is.
        within: ActIn,
        /// What to do.
        act: Act,
        /// When it was asked for, in Unix milliseconds.
        at_ms: i64,
    },
    /// Send a message.
    Send {
        /// Its own number.
        id: MessageId,
        /// Where to.
        to: Place,
        /// The text.
        text: String,
        /// What it says of itself beside its text.
        manner: Manner,
        /// The server asked for a pause first.
        after_pause: bool,
    },
    /// See what a channel is about.
    Topic {
        /// The channel.
        channel: ChannelName,
        /// Nobody asked: it is worth a word only if there is one.
        quiet: bool,
    },
    /// Tell how far something was read.
    Mark(ReadMark),
    /// Ask how far everything was read.
    Marks,
    /// Say that one is here, or not. Whether that is heard is not asked.
    Here {
        /// On which device.
        device: Device,
        /// How much.
        state: Presence,
        /// Where one is typing just now.
        typing: Option<TypingIn>,
    },
    /// List who is here.
    Who {
        /// Nobody asked; only what is shown beside names wants to know.
        quiet: bool,
    },
    /// Do what members and administrators do.
    Govern {
        /// As it was said.
        what: Governing,
        /// The channel that it is about.
        channel: Option<ChannelName>,
        /// As the server is asked to.
        act: AdminAct,
    },
    /// List who is in a channel.
    Members {
        /// Which.
        channel: ChannelName,
        /// The user wants to see it.
        asked: bool,
    },
    /// Make a link for another device of one's own.
    Device,
}

/// What the session answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// To [`Ask::Join`].
    Join(ChannelName, Result<(), RequestError>),
    /// To [`Ask::Look`]: its last message.
    Look(ChannelName, Result<HistoryPage, RequestError>),
    /// To [`Ask::Create`].
    Create(ChannelName, Result<(), RequestError>),
    /// To [`Ask::Users`].
    Users {
        /// As asked.
        quiet: bool,
        /// The users.
        result: Result<Vec<UserName>, RequestError>,
    },
    /// To [`Ask::Channels`].
    Channels {
        /// As asked.
        quiet: bool,
        /// The channels.
        result: Result<Vec<ChannelName>, RequestError>,
    },
    /// To [`Ask::History`].
    History {
        /// As asked.
        of: Conversation,
        /// The messages.
        result: Result<HistoryPage, RequestError>,
    },
    /// To [`Ask::Older`].
    Older {
        /// As asked.
        of: Place,
        /// The messages.
        result: Result<HistoryPage, RequestError>,
    },
    /// To [`Ask::Search`].
    Search(SearchRequest, Result<SearchPage, RequestError>),
    /// To [`Ask::Around`].
    Around {
        /// As asked.
        of: Place,
        /// As asked.
        id: MessageId,
        /// The messages.
        result: Result<HistoryPage, RequestError>,
    },
    /// To [`Ask::Act`].
    Act {
        /// As asked.
        within: ActIn,
        /// As asked.
        act: Act,
        /// As asked.
        at_ms: i64,
        /// What became of it.
        outcome: SendOutcome,
    },
    /// To [`Ask::Send`].
    Send(SendOutcome),
    /// To [`Ask::Topic`]: a page with the channel's topic.
    Topic {
        /// As asked.
        channel: ChannelName,
        /// As asked.
        quiet: bool,
        /// The page.
        result: Result<HistoryPage, RequestError>,
    },
    /// To [`Ask::Mark`].
    Mark(ReadMark, Result<(), RequestError>),
    /// To [`Ask::Marks`].
    Marks(Result<Vec<ReadMark>, RequestError>),
    /// To [`Ask::Here`].
    Here(Result<(), RequestError>),
    /// To [`Ask::Govern`].
    Govern {
        /// As asked.
        what: Governing,
        /// As asked.
        channel: Option<ChannelName>,
        /// Whether it is done.
        result: Result<(), RequestError>,
    },
    /// To [`Ask::Members`].
    Members {
        /// Which.
        channel: ChannelName,
        /// As asked.
        asked: bool,
        /// Who.
        result: Result<Members, RequestError>,
    },
    /// To [`Ask::Device`]: the link, or the code alone where the server cannot be linked to.
    Device(Result<String, RequestError>),
    /// To [`Ask::Who`].
    Who {
        /// As asked.
        quiet: bool,
        /// Those who are online or away.
        result: Result<Vec<Here>, RequestError>,
    },
}
