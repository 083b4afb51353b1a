//! How requests of a session end when they do not succeed.

use recado_proto::{Code, Epoch, MessageId};
use thiserror::Error;

use crate::keys::Distrust;

/// A session cannot begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ConnectError {
    /// The configuration names no server.
    #[error("a session needs at least one server")]
    NoServer,
}

/// Why a request has no result.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RequestError {
    /// The server refused; asking again gets the same answer unless something changes.
    #[error("{description}")]
    Refused {
        /// The stable word for programs.
        code: Code,
        /// The server's sentence for people.
        description: String,
    },
    /// No answer came, although it was asked so many times. With no attempts the request never left.
    #[error("{}", unanswered(*attempts))]
    Unanswered {
        /// How often the request was handed to a connection.
        attempts: u32,
    },
    /// The server answered something that is no answer to this request.
    #[error("the server's answer is not understood: {reason}")]
    Malformed {
        /// What was wrong with it.
        reason: String,
    },
    /// What answers is not the server that was meant; nothing was sent to it.
    #[error(transparent)]
    Distrusted(Box<Distrust>),
    /// Nobody has logged in, and this needs a user.
    #[error("nobody has logged in")]
    NotLoggedIn,
    /// More requests are under way than [`crate::limits::REQUESTS_MAX`].
    #[error("too many requests are under way")]
    Busy,
    /// More topics are followed than [`crate::limits::TOPICS_MAX`], or this one is already followed as another kind.
    #[error("too many topics are followed")]
    TooManyTopics,
    /// The session has ended.
    #[error("the session has ended")]
    Closed,
}

impl RequestError {
    /// The refusal's code, if it is one.
    pub fn code(&self) -> Option<&Code> {
        match self {
            RequestError::Refused { code, .. } => Some(code),
            RequestError::Unanswered { .. }
            | RequestError::Malformed { .. }
            | RequestError::Distrusted(_)
            | RequestError::NotLoggedIn
            | RequestError::Busy
            | RequestError::TooManyTopics
            | RequestError::Closed => None,
        }
    }

    /// Whether the same request may succeed later although nothing else changes.
    pub fn is_passing(&self) -> bool {
        match self {
            RequestError::Refused { code, .. } => {
                matches!(code, Code::Busy | Code::Unavailable | Code::Internal)
            }
            RequestError::Unanswered { .. } | RequestError::Busy => true,
            RequestError::Malformed { .. }
            | RequestError::Distrusted(_)
            | RequestError::NotLoggedIn
            | RequestError::TooManyTopics
            | RequestError::Closed => false,
        }
    }
}

/// How sending a message ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SendOutcome {
    /// The server has it, durably, once.
    Acknowledged {
        /// The message's own number.
        id: MessageId,
        /// Its place in its topic; none from a plain server.
        seq: Option<u64>,
        /// The epoch of that place.
        epoch: Option<Epoch>,
    },
    /// The server does not have it and will not take it.
    Refused {
        /// The message's own number.
        id: MessageId,
        /// The stable word for programs.
        code: Code,
        /// The server's sentence for people.
        description: String,
    },
    /// No answer came: if it was attempted at all, whether the server has it is unknown. Sending it again under the same `id` is safe.
    Unanswered {
        /// The message's own number.
        id: MessageId,
        /// How often it was handed to a connection; 0 means that the server surely does not have it.
        attempts: u32,
    },
    /// It was not sent, for a reason on this side.
    Failed {
        /// The message's own number.
        id: MessageId,
        /// The reason.
        error: RequestError,
    },
}

impl SendOutcome {
    /// The message's own number.
    pub fn id(&self) -> MessageId {
        match self {
            SendOutcome::Acknowledged { id, .. }
            | SendOutcome::Refused { id, .. }
            | SendOutcome::Unanswered { id, .. }
            | SendOutcome::Failed { id, .. } => *id,
        }
    }

    /// Whether the server has it.
    pub fn is_acknowledged(&self) -> bool {
        matches!(self, SendOutcome::Acknowledged { .. })
    }
}

fn unanswered(attempts: u32) -> String {
    match attempts {
        0 => "no server could be reached".to_owned(),
        1 => "the server did not answer".to_owned(),
        _ => format!("the server did not answer, though asked {attempts} times"),
    }
}
