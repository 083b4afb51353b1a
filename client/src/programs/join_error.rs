//! Why one has not joined, or not left.

use std::path::PathBuf;

use recado_proto::UserName;
use recado_zmtp::Endpoint;
use recado_zmtp::curve::PublicKey;
use thiserror::Error as ThisError;

use crate::error::Error;
use crate::keys::LinkError;

/// Why one has not joined, or not left.
#[derive(Debug, ThisError)]
pub enum JoinError {
    /// The link is none. Bad usage.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// The code is none. Bad usage.
    #[error("that is no code: a code has 16 letters and digits, as in ABCD-EFGH-JKMN-PQRS")]
    Code,
    /// Nobody said with what. Bad usage.
    #[error("say with what to join: recado join LINK")]
    Nothing,
    /// The key of the server must be known before it is told a code. Bad usage.
    #[error(
        "the key of {endpoint} is not known here: join with a whole link, or say its key with --server-key KEY"
    )]
    UnknownServer {
        /// Where.
        endpoint: Endpoint,
    },
    /// Its address leaves open where the broker is. Bad usage.
    #[error("say where its broker is: --broker tcp://HOST:5558")]
    NoBroker,
    /// What answers is not the server of the link.
    #[error(
        "what answers at {endpoint} is not the server that the link names; nothing was sent. Ask for a new link, and through which network to go"
    )]
    OtherServer {
        /// Where.
        endpoint: Endpoint,
    },
    /// The link's server has another key than the one that is known.
    #[error(
        "the link names another key than that of the server that you know, and nothing was sent\n\
         \x20 server  {endpoint}\n\
         \x20 known   {}\n\
         \x20 link    {}\n\
         {}",
        known.fingerprint(),
        named.fingerprint(),
        if *known_answers {
            "The server has the key that you know: the link was mistyped, or is an old one. Copy it once more, or ask for a new one."
                .to_owned()
        } else {
            format!(
                "The link was mistyped or is an old one, or the server was set up anew. Ask whoever runs the server which fingerprint it has.\n\
                 Only if it is the link's: recado keys forget {endpoint}"
            )
        }
    )]
    OtherKey {
        /// Where.
        endpoint: Endpoint,
        /// The key that is known.
        known: PublicKey,
        /// The link's.
        named: PublicKey,
        /// Whether the server answers with the known one.
        known_answers: bool,
    },
    /// One has joined elsewhere with the same key file, and nobody can be asked.
    #[error(
        "you have joined {server} as {user}: with --replace all programs go to the new server instead, or keep both with --device-key FILE"
    )]
    JoinedElsewhere {
        /// Where.
        server: Endpoint,
        /// As whom.
        user: UserName,
    },
    /// The same, and one was asked and would rather not.
    #[error("nothing was done: {user} stays at {server}; to join both, keep another key: --device-key FILE")]
    NotReplaced {
        /// Where.
        server: Endpoint,
        /// As whom.
        user: UserName,
    },
    /// The server says so.
    #[error("the code is not valid: it was used, has expired, or was mistyped; ask for a new one")]
    BadCode,
    /// Somebody has the name, or one that looks like it.
    #[error(
        "{user} is taken, or looks like a name that is; choose another name with --user NAME. If it is you: recado keys device on a device of yours makes a link for this one, \
         or ask an administrator for recado keys device --of {user}"
    )]
    NameTaken {
        /// The name.
        user: UserName,
    },
    /// The key is another user's there.
    #[error(
        "the key in {} is {owner}'s there, and a key belongs to one user: to join as another one, too, keep another key: --device-key FILE",
        path.display()
    )]
    KeyTaken {
        /// Whose it is.
        owner: UserName,
        /// The key file.
        path: PathBuf,
    },
    /// No password.
    #[error("a password has 8 to 1024 bytes")]
    NoPassword,
    /// What was typed for the second time is something else.
    #[error("the two are not the same; the password stays as it was")]
    NotTheSame,
    /// Name or password.
    #[error(
        "the user or the password is wrong; a password is set with recado keys password, on a device that has joined"
    )]
    BadPassword,
    /// The invitation leaves the name open.
    #[error("say who you want to be: --user NAME (without a terminal it cannot be asked for)")]
    NoName,
    /// One has joined nowhere.
    #[error("you have not joined anywhere")]
    NotJoined,
    /// What one has joined cannot be told.
    #[error("{0}\nTo leave without telling the server: recado leave --keep")]
    NotTold(Box<Error>),
    /// There is no folder for the user's data.
    #[error("there is no HOME and no XDG_DATA_HOME to keep in where you have joined")]
    NoDataFolder,
}

impl JoinError {
    /// Whether the program was used wrongly.
    pub(crate) fn is_usage(&self) -> bool {
        match self {
            JoinError::Link(_)
            | JoinError::Code
            | JoinError::Nothing
            | JoinError::UnknownServer { .. }
            | JoinError::NoBroker => true,
            JoinError::OtherServer { .. }
            | JoinError::OtherKey { .. }
            | JoinError::JoinedElsewhere { .. }
            | JoinError::NotReplaced { .. }
            | JoinError::BadCode
            | JoinError::NameTaken { .. }
            | JoinError::KeyTaken { .. }
            | JoinError::NoPassword
            | JoinError::NotTheSame
            | JoinError::BadPassword
            | JoinError::NoName
            | JoinError::NotJoined
            | JoinError::NotTold(_)
            | JoinError::NoDataFolder => false,
        }
    }
}
