//! Why the client ends with a failure.

use std::io;

use recado_proto::MessageId;
use recado_zmtp::Endpoint;
use thiserror::Error;

use crate::session::{ConnectError, RequestError};

/// Why the terminal client ended otherwise than wanted.
#[derive(Debug, Error)]
pub enum Error {
    /// There is nobody to ask for a name. Bad usage: exit code 2.
    #[error(
        "say who you are: --user NAME, or RECADO_USER in the environment (without a terminal it cannot be asked for)"
    )]
    NoUser,
    /// The configuration is of no use.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// Nothing answered at the server's address.
    #[error("no server answers at {endpoint} ({reason}); `recado up` starts one, --server names another")]
    NoServer {
        /// The first one configured.
        endpoint: Endpoint,
        /// Why, as a half sentence.
        reason: String,
    },
    /// Something else than a server answers there.
    #[error("what answers at {endpoint} is no Recado server: {reason}; --server names another")]
    NotAServer {
        /// The first one configured.
        endpoint: Endpoint,
        /// What it did instead, as a half sentence.
        reason: String,
    },
    /// The server does not let this user in.
    #[error("cannot log in: {0}")]
    Login(RequestError),
    /// The server refused, or its answer is of no use.
    #[error(transparent)]
    Request(RequestError),
    /// A message was not sent; it was told what it was.
    #[error("{}; the same may be sent again with --id {id}, and is stored once", if *.ambiguous { "perhaps not sent" } else { "not sent" })]
    NotSent {
        /// The message's own number.
        id: MessageId,
        /// Whether the server has it nevertheless is unknown.
        ambiguous: bool,
    },
    /// A line was not sent, and none after it; it was told what it was.
    #[error(
        "stopped at line {number}; the same input may be sent again with --id {id}, and each line is stored once"
    )]
    LineNotSent {
        /// From 1.
        number: u64,
        /// The first line's number.
        id: MessageId,
    },
    /// Standard input cannot be sent.
    #[error("standard input cannot be sent: {reason}")]
    Input {
        /// Why, as a half sentence.
        reason: String,
    },
    /// It was ended before it was done.
    #[error("interrupted")]
    Interrupted,
    /// So many things that were asked for failed; each was reported.
    #[error("{}", if *.0 == 1 { "1 thing that was asked for failed".to_owned() } else { format!("{} things that were asked for failed", .0) })]
    SomeFailed(usize),
    /// The terminal, or standard input or output, failed.
    #[error("the terminal failed: {0}")]
    Terminal(io::Error),
}

impl Error {
    /// Whether the program was used wrongly, which is exit code 2.
    pub fn is_usage(&self) -> bool {
        match self {
            Error::NoUser => true,
            Error::Connect(_)
            | Error::NoServer { .. }
            | Error::NotAServer { .. }
            | Error::Login(_)
            | Error::Request(_)
            | Error::NotSent { .. }
            | Error::LineNotSent { .. }
            | Error::Input { .. }
            | Error::Interrupted
            | Error::SomeFailed(_)
            | Error::Terminal(_) => false,
        }
    }
}
