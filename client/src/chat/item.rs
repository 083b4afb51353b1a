//! Everything that the client shows, as values: how an item looks is decided by each face (`crate::view`).

use recado_proto::{ActDone, ActKind, ChannelName, Code, Epoch, Here, Manner, Members, MessageId, UserName};
use recado_zmtp::Endpoint;
use recado_zmtp::curve::PublicKey;

use crate::keys::Distrust;

use super::command::{CommandSpec, Conversation, Governing};
use super::reading::ReadTo;
use super::reason::{Hint, Reason};

/// One thing to show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// A message of anybody.
    Message(Message),
    /// Somebody did something to a message, or to a channel.
    Act(ActShown),
    /// What follows are the latest messages of a channel that is being joined, or of those sent to this user directly.
    Backlog {
        /// The channel; none for direct messages.
        channel: Option<ChannelName>,
    },
    /// What follows are earlier messages that were asked for; then comes [`Item::HistoryEnd`].
    History {
        /// Whose.
        of: Place,
        /// How many follow.
        count: usize,
    },
    /// The earlier messages are over.
    HistoryEnd,
    /// A page for whoever scrolls back, oldest first.
    Older {
        /// Whose.
        of: Place,
        /// The messages.
        messages: Vec<Message>,
        /// The first place of the page; acts have places, too.
        before: Option<u64>,
        /// There is nothing further back.
        is_all: bool,
    },
    /// What follows was found by a search.
    Search {
        /// The words.
        words: String,
        /// How many messages follow.
        count: usize,
        /// There was no time to look at everything.
        partial: bool,
        /// About how many of the last messages were not looked at.
        behind: u64,
    },
    /// A message that was found.
    Found {
        /// The number under which one goes to it.
        number: usize,
        /// The message.
        message: Box<Message>,
        /// The part where the words stand, each match between [`recado_proto::MATCH_BEGINS`] and [`recado_proto::MATCH_ENDS`]; nothing
        /// in it is harmless yet.
        snippet: String,
    },
    /// One goes to a message. What is around it follows for those who only read on, with an [`Item::HistoryEnd`].
    Jump {
        /// Where it was said.
        of: Place,
        /// The message.
        id: MessageId,
        /// It and what is around it, for those who go there.
        messages: Vec<Message>,
        /// The first place of these; acts have places, too.
        before: Option<u64>,
        /// There is more after them.
        has_later: bool,
        /// How many follow.
        count: usize,
    },
    /// A message around the one that one goes to.
    Context(Box<Message>),
    /// The list of users that was asked for.
    Users(Vec<UserName>),
    /// The list of channels that was asked for.
    Channels {
        /// All of them.
        channels: Vec<ChannelName>,
        /// Those that are followed.
        joined: Vec<ChannelName>,
        /// The one that plain lines go to.
        current: Option<ChannelName>,
    },
    /// The latest messages that mention one, oldest first.
    Mentions(Vec<Message>),
    /// All commands, or one.
    Help(Option<&'static CommandSpec>),
    /// Something happened that is worth a line.
    Notice(Notice),
    /// The server acknowledged a message of ours.
    Sent {
        /// Where it went.
        to: Place,
        /// The message's own number.
        id: MessageId,
        /// Its place in its topic.
        seq: Option<u64>,
        /// The epoch of that place.
        epoch: Option<Epoch>,
    },
    /// What a channel is about.
    Topic {
        /// The channel.
        channel: ChannelName,
        /// What was set; none if it has no topic.
        set: Option<TopicSet>,
        /// Somebody wants to know, and it is not only for the record.
        asked: bool,
    },
    /// How far conversations were read, on this device or on another one of this user.
    Read {
        /// Each with the last message that was read.
        marks: Vec<(Place, ReadTo)>,
        /// It is all that is known, as it was asked for, and not what changed just now.
        is_all: bool,
    },
    /// Who is here, as it was asked for: those who are online or away.
    Who(Vec<Here>),
    /// Who is here, for what is shown beside names.
    Here {
        /// Each who is here, or whose state changed.
        here: Vec<Here>,
        /// It is all who are here, and not what changed just now.
        is_all: bool,
    },
    /// Somebody is typing.
    Typing {
        /// Where.
        place: Place,
        /// Who.
        user: UserName,
    },
    /// Who is in a channel, as it was asked for.
    Members {
        /// The channel.
        channel: ChannelName,
        /// Who.
        members: Members,
        /// Somebody wants to see it; otherwise it says whether the channel is private.
        asked: bool,
    },
    /// With what another device of this user joins.
    Device {
        /// The link, or the code alone.
        link: String,
    },
    /// Something that was asked for failed.
    Failure(Failure),
}

/// A message as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Where it was said.
    pub place: Place,
    /// Who said it.
    pub author: UserName,
    /// What was said; nothing in it is harmless yet.
    pub text: String,
    /// When, in Unix milliseconds.
    pub time_ms: i64,
    /// Its own number.
    pub id: Option<MessageId>,
    /// Its place in its topic.
    pub seq: Option<u64>,
    /// The epoch of that place.
    pub epoch: Option<Epoch>,
    /// Whether it is from before.
    pub earlier: bool,
    /// Whether this user said it.
    pub own: bool,
    /// Whether its channel goes without saying: plain lines go there as well, or a heading has named it.
    pub current: bool,
    /// What it says of itself beside its text.
    pub manner: Manner,
    /// The message that it answers, if that was shown.
    pub quoted: Option<Quoted>,
    /// Its text is not the first one any more.
    pub edited: bool,
    /// What was done to it before it was shown.
    pub acts: Vec<ActDone>,
}

/// The beginning of a message that another one answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quoted {
    /// Who said it.
    pub author: UserName,
    /// What was said; nothing in it is harmless yet.
    pub text: String,
}

/// An act as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActShown {
    /// Where it was done.
    pub place: Place,
    /// Who did it.
    pub author: UserName,
    /// What was done.
    pub kind: ActKind,
    /// The message that it is about; none of a channel's topic.
    pub target: Option<MessageId>,
    /// The new text, the emoji or the topic; nothing in it is harmless yet.
    pub text: String,
    /// When, in Unix milliseconds.
    pub time_ms: i64,
    /// The act's own number.
    pub id: Option<MessageId>,
    /// Its place in its topic.
    pub seq: Option<u64>,
    /// The epoch of that place.
    pub epoch: Option<Epoch>,
    /// Whether this user did it.
    pub own: bool,
}

/// A channel's topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicSet {
    /// Who set it.
    pub author: UserName,
    /// When, in Unix milliseconds.
    pub time_ms: i64,
    /// What it is; empty if it was cleared; nothing in it is harmless yet.
    pub text: String,
}

/// Where something is said.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// In a channel.
    Channel(ChannelName),
    /// Between this user and that one, for nobody else.
    Direct(UserName),
}

impl From<Place> for Conversation {
    fn from(place: Place) -> Self {
        match place {
            Place::Channel(channel) => Conversation::Channel(channel),
            Place::Direct(user) => Conversation::With(user),
        }
    }
}

/// What of a conversation one wants to be told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Everything.
    All,
    /// One's name and the words that one listens for.
    Mentions,
    /// Nothing.
    None,
}

impl Level {
    /// The stable word.
    pub fn as_str(self) -> &'static str {
        match self {
            Level::All => "all",
            Level::Mentions => "mentions",
            Level::None => "none",
        }
    }

    /// The level of this word, if it is one.
    pub fn parse(word: &str) -> Option<Self> {
        [Level::All, Level::Mentions, Level::None].into_iter().find(|level| level.as_str() == word)
    }
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// First of all.
    Welcome {
        /// Who one is.
        user: UserName,
        /// The channels that there are.
        channels: Vec<ChannelName>,
        /// The one that is joined next, if any.
        joining: Option<ChannelName>,
        /// Nothing is kept of an earlier run: it is explained how this works.
        is_first: bool,
    },
    /// A channel is followed, and plain lines go there.
    Joined {
        /// The channel.
        channel: ChannelName,
        /// Nobody has said anything in it yet.
        empty: bool,
        /// One was in it the last time, and others of that time are joined after it.
        passing: bool,
    },
    /// Plain lines go to this channel, which was followed before.
    Switched {
        /// The channel.
        channel: ChannelName,
    },
    /// Plain lines go to this user.
    Talking {
        /// Who.
        user: UserName,
    },
    /// Plain lines go to this user no longer.
    TalkingNoMore {
        /// Who.
        user: UserName,
        /// Where plain lines go now.
        current: Option<ChannelName>,
    },
    /// A channel is followed no longer.
    Left {
        /// The channel.
        channel: ChannelName,
        /// Where plain lines go now.
        current: Option<ChannelName>,
    },
    /// A channel was created.
    Created {
        /// The channel.
        channel: ChannelName,
    },
    /// It is said from now on that one is away, or here again.
    Attending {
        /// Whether away.
        is_away: bool,
    },
    /// No server is there.
    ServerLost {
        /// Why, as a half sentence.
        reason: String,
    },
    /// A server is there again.
    ServerBack {
        /// Lines that were kept and are being sent now.
        kept: usize,
    },
    /// What is said is encrypted, to the server with this key.
    Secured {
        /// Where it is.
        endpoint: Endpoint,
        /// Its key.
        key: PublicKey,
    },
    /// What answers is not the server that was meant.
    Distrusted(Box<Distrust>),
    /// What members and administrators do was done.
    Governed {
        /// What.
        what: Governing,
        /// The channel that it was about.
        channel: Option<ChannelName>,
    },
    /// No broker is there.
    BrokerLost {
        /// Why, as a half sentence.
        reason: String,
    },
    /// The broker does not admit this device any more.
    NotAdmitted,
    /// A broker is there again.
    BrokerBack,
    /// These messages are kept nowhere any more.
    Missing {
        /// Where they were.
        place: Place,
        /// The first place that is missing.
        first: u64,
        /// The last one.
        last: u64,
    },
    /// The server's store was restored: what was acknowledged before may be gone.
    EpochChanged {
        /// Where.
        place: Place,
    },
    /// Something arrived that is no message.
    Malformed {
        /// The topic it came on.
        topic: String,
        /// What was wrong with it.
        reason: String,
    },
    /// A line is kept until the server is back.
    Kept {
        /// How many wait.
        lines: usize,
    },
    /// Lines of an earlier run had no answer, and are being sent now.
    KeptBefore {
        /// How many.
        lines: usize,
    },
    /// Lines without an answer are sent at the next start.
    KeptForLater {
        /// How many.
        lines: usize,
    },
    /// What is kept between two runs was damaged: what could be read is kept still.
    KeptDamaged {
        /// Where it was copied to as it was found.
        copy: String,
    },
    /// Another client of this user is running, so that this one keeps nothing between two runs.
    KeptElsewhere,
    /// Nothing can be kept between two runs.
    KeepsNothing {
        /// Why, as a half sentence.
        reason: String,
    },
    /// What follows was said while the user was away.
    Away {
        /// Where; none if to this user directly.
        channel: Option<ChannelName>,
        /// How many messages.
        count: u64,
        /// How many of them are shown: the last ones.
        shown: u64,
    },
    /// Of a conversation one is told this from now on.
    Alerting {
        /// Which one.
        place: Place,
        /// What; none for what is usual.
        level: Option<Level>,
    },
    /// Nothing makes a sound or a notification, or it does again.
    Disturbing {
        /// Whether it does.
        is_on: bool,
    },
    /// How to leave, said when Ctrl-C finds nothing to clear.
    HowToQuit,
}

/// Something that was asked for and failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What failed.
    pub what: Attempt,
    /// The stable word for programs; a word of the client's own where the server had no part in it.
    pub code: FailureCode,
    /// Why.
    pub reason: Reason,
    /// What to do about it, if anything.
    pub hint: Option<Hint>,
}

/// What was attempted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attempt {
    /// Reading a line.
    Line,
    /// Sending this text.
    Send {
        /// Where to; none if there was no current channel.
        to: Option<Place>,
        /// The text.
        text: String,
        /// The message's own number, once it had one.
        id: Option<MessageId>,
        /// Whether the server has it nevertheless is unknown.
        ambiguous: bool,
    },
    /// Joining a channel.
    Join(ChannelName),
    /// Leaving a channel.
    Leave(Option<ChannelName>),
    /// Creating a channel.
    Create(ChannelName),
    /// Listing users.
    Users,
    /// Listing channels.
    Channels,
    /// Reading earlier messages.
    History,
    /// Finding messages, or going to one that was found.
    Search,
    /// Reading a page of messages for whoever scrolls back.
    Older(Place),
    /// Doing something to a message, or to a channel.
    Act,
    /// Doing what members and administrators do.
    Govern,
}

/// Why, for programs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FailureCode {
    /// The server's word.
    Server(Code),
    /// The line is no command, or lacks something.
    BadCommand,
    /// There is no current channel.
    NoChannel,
    /// Nobody to answer.
    NobodyToAnswer,
    /// No message is so far back.
    NoMessage,
    /// No server was reached, or none answered.
    Unanswered,
    /// Too many lines wait already.
    OutboxFull,
    /// The session failed in another way.
    Session,
}

impl FailureCode {
    /// The stable word.
    pub fn as_str(&self) -> &str {
        match self {
            FailureCode::Server(code) if code.as_str().is_empty() => "refused",
            FailureCode::Server(code) => code.as_str(),
            FailureCode::BadCommand => "bad_command",
            FailureCode::NoChannel => "no_channel",
            FailureCode::NobodyToAnswer => "nobody_to_answer",
            FailureCode::NoMessage => "no_message",
            FailureCode::Unanswered => "unanswered",
            FailureCode::OutboxFull => "outbox_full",
            FailureCode::Session => "session",
        }
    }
}
