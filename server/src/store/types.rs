//! The values that go into a store and come out of it.

use std::fmt::{self, Display, Formatter};
use std::sync::Arc;

use recado_proto::{
    Act, ActDone, ActKind, ChannelName, Code, Epoch, Manner, MessageId, Publication, PublicationBody,
    PublicationRef, ReadMark, Timestamp, UserName,
};

use crate::access::{AccessAct, Actor, Done, Owner};

/// An entry's place in the store's one order: 1, 2, 3, … Not a `seq`, and never on the wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position(pub u64);

impl Display for Position {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        Display::fmt(&self.0, f)
    }
}

/// One thing that a request, or an import, wants changed.
#[derive(Clone, Debug)]
pub enum Change {
    /// A login; an unknown user becomes one. Always recorded.
    Login {
        /// Who.
        user: UserName,
        /// When, as the client said.
        timestamp: Option<Timestamp>,
    },
    /// A user without a login, as imports need it. One that exists is left alone.
    AddUser {
        /// Who.
        user: UserName,
    },
    /// A new channel.
    CreateChannel {
        /// Its name.
        channel: ChannelName,
        /// When, as the client said.
        timestamp: Option<Timestamp>,
        /// The creator's own number for the creation: under the same one it is accepted again.
        id: Option<MessageId>,
        /// Who creates it, in a secured system.
        owner: Option<Owner>,
    },
    /// A message to a channel or a user.
    Send(NewMessage),
    /// Something done to a message that is stored, or to a channel.
    Act(NewAct),
    /// How far a user has read. Never goes back within an epoch, and is nothing of the log's.
    Mark {
        /// Who.
        user: UserName,
        /// How far.
        mark: ReadMark,
    },
    /// Something done about who may do what.
    Access {
        /// By whom.
        actor: Actor,
        /// What.
        act: AccessAct,
    },
}

/// An act that is not stored yet.
#[derive(Clone, Debug)]
pub struct NewAct {
    /// Who acts.
    pub from: UserName,
    /// The channel, or the other user of the conversation. The act is stored in that topic.
    pub to: Destination,
    /// What is done.
    pub act: Act,
    /// The sender's own number for it, as a message's.
    pub id: Option<MessageId>,
    /// When, as the client said.
    pub timestamp: Option<Timestamp>,
    /// The Lamport clock that its publication carries.
    pub clock: u64,
    /// Set for acts of another store's export.
    pub imported: Option<Imported>,
}

/// A message that is not stored yet.
#[derive(Clone, Debug)]
pub struct NewMessage {
    /// The sender; an unknown one becomes a user.
    pub from: UserName,
    /// Where to.
    pub to: Destination,
    /// The text.
    pub text: String,
    /// The sender's own number for it. Without one the store takes a new one.
    pub id: Option<MessageId>,
    /// When, as the client said.
    pub timestamp: Option<Timestamp>,
    /// What it says of itself beside its text.
    pub manner: Manner,
    /// The Lamport clock that its publication carries.
    pub clock: u64,
    /// Set for messages of another store's export.
    pub imported: Option<Imported>,
}

/// What sets an imported message or act apart: it is not published, and may be older than what is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Imported {
    /// When it was first committed, in Unix milliseconds.
    pub time_ms: u64,
    /// Its text is not the one that was sent: the message was edited or deleted since.
    pub revised: bool,
}

/// Where a message goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// To everybody in a channel.
    Channel(ChannelName),
    /// To one user.
    User(UserName),
}

/// What became of one [`Change`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Done.
    Accepted,
    /// The read mark is further than it was.
    Marked,
    /// The message is stored.
    Stored(Receipt),
    /// The message was stored before, by a change with the same `id`.
    Repeated(Receipt),
    /// What was to be so about who may do what is so.
    Access(Done),
    /// Nothing was changed.
    Refused(Refusal),
}

/// Where a message is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// Its number.
    pub id: MessageId,
    /// Its place in its topic.
    pub seq: u64,
}

/// Why a request was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// For programs.
    pub code: Code,
    /// For people.
    pub description: String,
}

impl Refusal {
    /// A refusal for this reason.
    pub fn new(code: Code, description: impl Into<String>) -> Self {
        Self { code, description: description.into() }
    }
}

/// A turn that is durable.
#[derive(Debug)]
pub struct Committed {
    /// One for each change, in their order.
    pub outcomes: Vec<Outcome>,
    /// The messages that are to be published, in the order of commits.
    pub messages: Vec<Arc<StoredMessage>>,
    /// The last position before the turn.
    pub after: Position,
    /// The last position of the turn.
    pub through: Position,
}

/// Numbers that are stored beside the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    /// All up to here was handed to a broker.
    pub published_through: Position,
    /// No Lamport clock above it was ever sent.
    pub clock: u64,
}

/// A message that is stored, or an act, which takes a place in its topic as a message does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredMessage {
    /// Its place in the store.
    pub position: Position,
    /// Who wrote it, and where to.
    pub route: Route,
    /// Its place in its topic.
    pub seq: u64,
    /// Its number.
    pub id: MessageId,
    /// When it was committed, in Unix milliseconds.
    pub time_ms: u64,
    /// When it was sent, as its sender said; when it was committed, if the sender said nothing.
    pub timestamp: Timestamp,
    /// The Lamport clock of its publication.
    pub clock: u64,
    /// The text; of an act the new one, the emoji or the channel's topic.
    pub text: String,
    /// What is done, if it is an act.
    pub act: Option<ActKind>,
    /// What it says of itself beside its text; of an act the message that it is about.
    pub manner: Manner,
    /// It came from an import: it is not published.
    pub imported: bool,
}

/// What a name names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameOf {
    /// A user.
    User,
    /// A channel.
    Channel,
    /// Nothing so far.
    Nobody,
}

/// Who wrote a message, and where to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    /// To a channel.
    Channel {
        /// The topic.
        channel: ChannelName,
        /// The sender.
        user: UserName,
    },
    /// To a user.
    Direct {
        /// The topic.
        to: UserName,
        /// The sender.
        from: UserName,
    },
}

impl Route {
    /// The topic.
    pub fn topic(&self) -> &str {
        match self {
            Route::Channel { channel, .. } => channel.as_str(),
            Route::Direct { to, .. } => to.as_str(),
        }
    }
}

impl StoredMessage {
    /// The message as it is published.
    pub fn as_outgoing(&self, epoch: Epoch) -> PublicationRef<'_> {
        let (sender, is_direct) = match &self.route {
            Route::Channel { user, .. } => (user, false),
            Route::Direct { from, .. } => (from, true),
        };
        PublicationRef {
            sender,
            is_direct,
            message: &self.text,
            timestamp: self.timestamp,
            clock: Some(self.clock),
            id: Some(self.id),
            seq: Some(self.seq),
            epoch: Some(epoch),
            time_ms: Some(self.time_ms),
            kind: self.act,
            manner: self.manner,
        }
    }

    /// The message as histories have it.
    pub fn to_publication(&self, epoch: Epoch) -> Publication {
        let body = match &self.route {
            Route::Channel { user, .. } => PublicationBody::Channel { user: user.clone() },
            Route::Direct { from, .. } => PublicationBody::Direct { from: from.clone() },
        };
        Publication {
            topic: self.route.topic().to_owned(),
            body,
            message: self.text.clone(),
            timestamp: self.timestamp,
            clock: Some(self.clock),
            id: Some(self.id),
            seq: Some(self.seq),
            epoch: Some(epoch),
            time_ms: Some(self.time_ms),
            kind: self.act,
            manner: self.manner,
            edited: false,
            deleted: false,
            acts: Vec::new(),
        }
    }

    /// The sender.
    pub fn sender(&self) -> &UserName {
        match &self.route {
            Route::Channel { user, .. } => user,
            Route::Direct { from, .. } => from,
        }
    }

    /// The act as histories have it beside what it is about; none for a message.
    pub fn to_act_done(&self) -> Option<ActDone> {
        Some(ActDone {
            kind: self.act?,
            user: self.sender().clone(),
            message: self.text.clone(),
            id: self.id,
            seq: self.seq,
            time_ms: self.time_ms,
        })
    }
}

/// The kinds of entries that can be listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// [`Entry::User`].
    Users,
    /// [`Entry::Channel`].
    Channels,
    /// [`Entry::Login`].
    Logins,
    /// [`Entry::Message`] to a channel, as it is by now, if it was not deleted.
    ChannelMessages,
    /// [`Entry::Message`] to a user, likewise.
    DirectMessages,
    /// Acts in channels as [`Entry::Message`], and [`Entry::Deleted`]: what [`EntryKind::ChannelMessages`] leaves out.
    ChannelActs,
    /// What [`EntryKind::DirectMessages`] leaves out, likewise.
    DirectActs,
}

impl EntryKind {
    /// It lists what was done to messages, not messages.
    pub(super) const fn is_of_acts(self) -> bool {
        match self {
            EntryKind::ChannelActs | EntryKind::DirectActs => true,
            EntryKind::Users
            | EntryKind::Channels
            | EntryKind::Logins
            | EntryKind::ChannelMessages
            | EntryKind::DirectMessages => false,
        }
    }
}

/// One entry of the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// A user came to be.
    User {
        /// Who.
        user: UserName,
    },
    /// A channel was created.
    Channel {
        /// Its name.
        channel: ChannelName,
        /// When.
        timestamp: Timestamp,
    },
    /// Somebody logged in.
    Login {
        /// Who.
        user: UserName,
        /// When.
        timestamp: Timestamp,
    },
    /// A message, or an act: of edits only the last one has its text, and none of a message that was deleted.
    Message(Arc<StoredMessage>),
    /// What is left of a message that was deleted: all but its text.
    Deleted(Arc<StoredMessage>),
}

/// A part of the store's order.
#[derive(Debug)]
pub struct Scan<T> {
    /// What was found, in the order of commits.
    pub found: Vec<T>,
    /// Where to go on from.
    pub through: Position,
    /// There was nothing further at the time.
    pub at_end: bool,
}
