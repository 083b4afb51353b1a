//! A text that is being typed and was not sent yet, and what it is for. It knows neither keys nor files.

use recado_proto::{MessageId, UserName};

use super::command::OnMessage;

/// A text that is being typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Draft {
    /// The text as far as it is.
    pub text: String,
    /// What it is for; none if it is a plain line.
    pub aim: Option<Aim>,
}

/// What a text is for that is about a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Aim {
    /// What is done with the text.
    pub purpose: Purpose,
    /// The message.
    pub target: MessageId,
    /// Who said it, if that is known.
    pub author: Option<UserName>,
    /// What was typed before and has made room; it comes back afterwards.
    pub before: String,
}

/// What is done with a text that is about a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// It answers the message.
    Answer,
    /// It takes the place of the message's text.
    Edit,
    /// It is an emoji that is put to the message.
    React,
}

impl Draft {
    /// A plain line.
    pub fn plain(text: String) -> Self {
        Self { text, aim: None }
    }

    /// Whether there is nothing in it that could be lost.
    pub fn is_empty(&self) -> bool {
        self.text.trim().is_empty() && self.aim.as_ref().is_none_or(|aim| aim.before.trim().is_empty())
    }

    /// What its texts take.
    pub fn bytes(&self) -> usize {
        self.text.len() + self.aim.as_ref().map_or(0, |aim| aim.before.len())
    }

    /// What of it is worth having tomorrow: an emoji half typed is not, but what made room for it is.
    pub fn lasting(self) -> Self {
        match self.aim {
            Some(Aim { purpose: Purpose::React, before, .. }) => Self::plain(before),
            Some(Aim { purpose: Purpose::Answer | Purpose::Edit, .. }) | None => self,
        }
    }
}

impl Aim {
    /// What is done to the message with this text.
    pub(crate) fn with(&self, text: &str) -> OnMessage {
        let text = text.trim().to_owned();
        match self.purpose {
            Purpose::Answer => OnMessage::Answer(text),
            Purpose::Edit => OnMessage::Edit(text),
            Purpose::React => OnMessage::React(text),
        }
    }
}
