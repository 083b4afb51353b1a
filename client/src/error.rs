//! Why the client ends with a failure.

use std::io;

use recado_proto::{MessageId, UserName};
use recado_zmtp::Endpoint;
use thiserror::Error;

use crate::keys::{Distrust, ProfileError, SecurityError};
use crate::programs::JoinError;
use crate::session::{ConnectError, RequestError};

/// Why the terminal client ended otherwise than wanted.
#[derive(Debug, Error)]
pub enum Error {
    /// There is nobody to ask for a name. Bad usage: exit code 2.
    #[error(
        "say who you are: --user NAME, or RECADO_USER in the environment (without a terminal it cannot be asked for); to a secured server: recado join LINK"
    )]
    NoUser,
    /// Nobody said who asks, and no key says it. Bad usage: exit code 2.
    #[error(
        "say who you are: --user NAME, RECADO_USER in the environment, or `user` under [client] in recado.toml; to a secured server: recado join LINK"
    )]
    Nobody,
    /// The configuration is of no use.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// Nothing answered at the server's address.
    #[error(
        "no server answers at {endpoint} ({reason}); {}, --server names another",
        if *.is_startable { "`recado up` starts one" } else { "ask whoever runs it" }
    )]
    NoServer {
        /// The first one configured.
        endpoint: Endpoint,
        /// Why, as a half sentence.
        reason: String,
        /// Whether one that is started here would be the one that is missing.
        is_startable: bool,
    },
    /// Something else than a server answers there.
    #[error("what answers at {endpoint} is no Recado server: {reason}; --server names another")]
    NotAServer {
        /// The first one configured.
        endpoint: Endpoint,
        /// What it did instead, as a half sentence.
        reason: String,
    },
    /// What answers is not the server that was meant; nothing was sent to it.
    #[error("{0}")]
    Distrusted(Box<Distrust>),
    /// The server is secured, and there is no way to it.
    #[error(transparent)]
    Security(SecurityError),
    /// The server is secured, and this device's key is nobody's there.
    #[error("this device is not known to the server; join with: recado join LINK")]
    UnknownDevice,
    /// The server is secured, and this device's key, which has joined there, is nobody's any more.
    #[error(
        "this device is no longer admitted at the server: it was revoked, its time is over, or you were banned; \
         ask an administrator for a link, and join with: recado join LINK"
    )]
    NotAdmitted,
    /// The server is secured, and this device's key is another user's.
    #[error(
        "this device's key is {owner}'s, not {named}'s: leave out --user, or name another key with --device-key FILE"
    )]
    SomebodyElse {
        /// Who was named.
        named: UserName,
        /// Whose the key is.
        owner: UserName,
    },
    /// One has not joined, or not left.
    #[error(transparent)]
    Join(#[from] JoinError),
    /// Where one has joined cannot be kept.
    #[error(transparent)]
    Profile(ProfileError),
    /// What was asked for makes sense with a secured server alone.
    #[error(
        "{endpoint} is open, and asks nobody who they are: keys, roles and private channels are for servers started with --secure"
    )]
    NotSecured {
        /// Where.
        endpoint: Endpoint,
    },
    /// A key that was named is none of those that there are.
    #[error(
        "no key has a fingerprint that begins like that, or several have; recado keys lists yours, --of NAME somebody else's"
    )]
    NoSuchKey,
    /// Nobody has said yes to what revoking it means.
    #[error("nothing was revoked: {consequence}. To do it without a question: --yes")]
    NotRevoked {
        /// What it would have meant.
        consequence: String,
    },
    /// Somebody of this name is there already.
    #[error(
        "there is {user} already; a link for another device of {user}'s, or back in: recado keys device --of {user}"
    )]
    InvitedBefore {
        /// Who was to be invited.
        user: UserName,
    },
    /// A server that was named is not known.
    #[error("{endpoint} is not among the servers that are known")]
    NotKnown {
        /// Where.
        endpoint: Endpoint,
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
            Error::NoUser | Error::Nobody => true,
            Error::Join(error) => error.is_usage(),
            Error::Connect(_)
            | Error::Distrusted(_)
            | Error::Security(_)
            | Error::UnknownDevice
            | Error::NotAdmitted
            | Error::SomebodyElse { .. }
            | Error::Profile(_)
            | Error::NotSecured { .. }
            | Error::NoSuchKey
            | Error::NotRevoked { .. }
            | Error::InvitedBefore { .. }
            | Error::NotKnown { .. }
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

impl From<SecurityError> for Error {
    fn from(error: SecurityError) -> Self {
        match error {
            SecurityError::Distrust(found) => Error::Distrusted(found),
            error @ (SecurityError::Key(_)
            | SecurityError::Known(_)
            | SecurityError::TwoSystems { .. }
            | SecurityError::Unknown { .. }
            | SecurityError::Declined { .. }) => Error::Security(error),
        }
    }
}
