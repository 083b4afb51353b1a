//! Everything in a store to and from a `server_data.json`, the layout that older deployments keep (`logins`, `channels`,
//! `channel_messages`, `user_messages`), with what they did not have in lists of its own (`channel_acts`, `user_acts`). It knows stores, not sockets; a running server may be exported beside, and must be
//! stopped for an import.

mod acts;
mod check;
mod export;
mod file;
mod ids;
mod import;
mod json;
mod scratch;

#[cfg(test)]
mod tests;

use std::fmt::{self, Display, Formatter};
use std::io;
use std::path::PathBuf;

use thiserror::Error;

use crate::config::ConfigError;
use crate::store::StoreError;

pub use export::export;
pub use import::import;

/// Numbers of entries by kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Logins.
    pub logins: u64,
    /// Channels.
    pub channels: u64,
    /// Messages to channels.
    pub channel_messages: u64,
    /// Messages to users.
    pub user_messages: u64,
    /// Edits, deletions, reactions and topics, and the places of messages that were deleted.
    pub acts: u64,
}

/// What an import did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// What was not there before; channels that only messages name, too.
    pub added: Counts,
    /// What was there already, and was left as it is.
    pub present: Counts,
    /// Acts that could not be done: their messages are not there, or were deleted.
    pub acts_left_out: u64,
}

/// What is being done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Entries are read from the file and checked; nothing is changed yet.
    Checking,
    /// Entries are stored.
    Importing,
    /// Entries are written into the file.
    Exporting,
}

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// What is being done.
    pub stage: Stage,
    /// Entries so far in this stage.
    pub entries: u64,
}

/// Why an export or import came to nothing.
#[derive(Debug, Error)]
pub enum TransferError {
    /// The store cannot be found.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The store cannot be opened, read or written. An import can be started again: what it stored already stays as it is.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The file cannot be read or written.
    #[error("{file}: {error}")]
    File {
        /// The file, or `standard input` or `standard output`.
        file: String,
        /// The system's word.
        error: io::Error,
    },
    /// The file is no JSON, or not of this layout.
    #[error("{file} is no server_data.json: {why}; nothing was imported")]
    Malformed {
        /// The file.
        file: String,
        /// What is wrong, with line and column.
        why: String,
    },
    /// Entries that cannot be stored.
    #[error("{file} was not imported, none of it: {problems}")]
    Refused {
        /// The file.
        file: String,
        /// Which, and why.
        problems: Problems,
    },
}

/// What is wrong with a file's entries: the first ones in full, the others counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problems {
    /// Each with its place in the file and what to do.
    pub listed: Vec<String>,
    /// All of them.
    pub count: u64,
}

impl Display for Problems {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for problem in &self.listed {
            write!(f, "\n  {problem}")?;
        }
        match self.count - self.listed.len() as u64 {
            0 => Ok(()),
            more => write!(f, "\n  and {more} more"),
        }
    }
}

impl Display for Counts {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { logins, channels, channel_messages, user_messages, acts } = self;
        write!(
            f,
            "{channels} channels, {channel_messages} messages to channels, {user_messages} messages to users, {logins} logins, {acts} acts"
        )
    }
}

/// `-` stands for standard input or output.
fn is_standard(file: &std::path::Path) -> bool {
    file.as_os_str() == "-"
}

fn file_error(file: &std::path::Path, error: io::Error) -> TransferError {
    TransferError::File { file: PathBuf::from(file).display().to_string(), error }
}
