//! Acts: what is done to a message that was sent, or to a channel. They are entries of the same topics as messages, with a
//! `seq` of their own, and are published beside them on `_acts.` and the topic's name.

use std::fmt::{self, Display, Formatter};

use crate::id::MessageId;
use crate::name::UserName;
use crate::wire::{MapWriter, Value, Writer};

/// What the topics begin with on which acts are published. The name of the channel or receiving user follows.
pub const ACTS_PREFIX: &str = "_acts.";

/// The kinds of acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ActKind {
    /// The author gives a message another text.
    Edit,
    /// The author takes a message back.
    Delete,
    /// Somebody puts an emoji to a message.
    React,
    /// Somebody takes an emoji of theirs back.
    Unreact,
    /// Somebody says what a channel is about.
    Topic,
}

/// An act with what its kind needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// The author gives a message another text.
    Edit {
        /// The message.
        target: MessageId,
        /// The new text, at most [`MESSAGE_BYTES_MAX`](crate::limits::MESSAGE_BYTES_MAX).
        text: String,
    },
    /// The author takes a message back.
    Delete {
        /// The message.
        target: MessageId,
    },
    /// Somebody puts an emoji to a message.
    React {
        /// The message.
        target: MessageId,
        /// The emoji, 1 to [`EMOJI_BYTES_MAX`](crate::limits::EMOJI_BYTES_MAX).
        emoji: String,
    },
    /// Somebody takes an emoji of theirs back.
    Unreact {
        /// The message.
        target: MessageId,
        /// The emoji, as in [`Act::React`].
        emoji: String,
    },
    /// Somebody says what a channel is about.
    Topic {
        /// At most [`CHANNEL_TOPIC_BYTES_MAX`](crate::limits::CHANNEL_TOPIC_BYTES_MAX); an empty one takes the former back.
        text: String,
    },
}

/// How a message wants to be shown, beside its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Style {
    /// What the sender does, told of them: "ana waves".
    Me,
}

/// What a message says of itself beside its text. Programs that do not know it see an ordinary message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Manner {
    /// The message that it replies to; of an act the one that it changes. Nobody looks whether a message that is replied
    /// to exists.
    pub target: Option<MessageId>,
    /// How it wants to be shown.
    pub style: Option<Style>,
}

/// An act on a message, or a channel's topic, as history gives it with what it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActDone {
    /// What was done.
    pub kind: ActKind,
    /// By whom.
    pub user: UserName,
    /// The new text, the emoji, or the channel's topic. Of edits only the last one has it, and none of a deleted message.
    pub message: String,
    /// The act's own number.
    pub id: MessageId,
    /// Its place in its topic; of a conversation's acts in the topic of the one who did not act.
    pub seq: u64,
    /// When the server committed it, Unix milliseconds.
    pub time_ms: u64,
}

impl ActKind {
    /// All of them, in the order of the protocol's table.
    pub const ALL: [ActKind; 5] =
        [ActKind::Edit, ActKind::Delete, ActKind::React, ActKind::Unreact, ActKind::Topic];

    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            ActKind::Edit => "edit",
            ActKind::Delete => "delete",
            ActKind::React => "react",
            ActKind::Unreact => "unreact",
            ActKind::Topic => "topic",
        }
    }

    pub(crate) fn from_wire(word: &str) -> Option<Self> {
        ActKind::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

impl Display for ActKind {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Style {
    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Style::Me => "me",
        }
    }

    pub(crate) fn from_wire(word: &str) -> Option<Self> {
        (word == Style::Me.as_str()).then_some(Style::Me)
    }
}

impl Act {
    /// Its kind.
    pub const fn kind(&self) -> ActKind {
        match self {
            Act::Edit { .. } => ActKind::Edit,
            Act::Delete { .. } => ActKind::Delete,
            Act::React { .. } => ActKind::React,
            Act::Unreact { .. } => ActKind::Unreact,
            Act::Topic { .. } => ActKind::Topic,
        }
    }

    /// The message that it is about; none for a channel's topic.
    pub const fn target(&self) -> Option<MessageId> {
        match self {
            Act::Edit { target, .. }
            | Act::Delete { target }
            | Act::React { target, .. }
            | Act::Unreact { target, .. } => Some(*target),
            Act::Topic { .. } => None,
        }
    }

    /// What stands under `message`: the new text, the emoji, the topic, or nothing.
    pub fn message(&self) -> &str {
        match self {
            Act::Edit { text, .. } | Act::Topic { text } => text,
            Act::React { emoji, .. } | Act::Unreact { emoji, .. } => emoji,
            Act::Delete { .. } => "",
        }
    }

    pub(crate) fn encode(&self, data: &mut MapWriter<'_>) {
        data.key("kind").text(self.kind().as_str());
        if let Some(target) = self.target() {
            data.key("target").binary(target.as_bytes());
        }
        if self.kind() != ActKind::Delete {
            data.key("message").text(self.message());
        }
    }
}

impl Manner {
    /// A reply to this message.
    pub const fn reply_to(target: MessageId) -> Self {
        Self { target: Some(target), style: None }
    }

    pub(crate) fn encode(&self, map: &mut MapWriter<'_>) {
        if let Some(target) = self.target {
            map.key("target").binary(target.as_bytes());
        }
        if let Some(style) = self.style {
            map.key("style").text(style.as_str());
        }
    }
}

impl ActDone {
    pub(crate) fn encode(&self, out: &mut Writer<'_>) {
        out.map(|map| {
            map.key("kind").text(self.kind.as_str());
            map.key("user").text(self.user.as_str());
            map.key("message").text(&self.message);
            map.key("id").binary(self.id.as_bytes());
            map.key("seq").unsigned(self.seq);
            map.key("time_ms").unsigned(self.time_ms);
        });
    }

    /// None for what is no such map, or of a kind that a newer server may have.
    pub(crate) fn decode(value: Value<'_>) -> Option<Self> {
        let Value::Map(items) = value else { return None };
        let (mut kind, mut user, mut message, mut id, mut seq, mut time_ms) =
            (None, None, None, None, None, None);
        for (key, value) in items.pairs() {
            match key {
                b"kind" => kind = value.as_text().and_then(ActKind::from_wire),
                b"user" => user = value.as_text().and_then(|name| UserName::parse(name).ok()),
                b"message" => message = value.as_text(),
                b"id" => id = MessageId::from_wire(value),
                b"seq" => seq = value.as_unsigned(),
                b"time_ms" => time_ms = value.as_unsigned(),
                _ => {}
            }
        }
        Some(Self {
            kind: kind?,
            user: user?,
            message: message.unwrap_or_default().to_owned(),
            id: id?,
            seq: seq?,
            time_ms: time_ms?,
        })
    }
}
