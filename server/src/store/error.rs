//! What can go wrong with a store, each with what to do about it.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// Why a store cannot be opened, or cannot go on. After an error of [`super::Store::commit`] the process must end.
#[derive(Debug, Error)]
pub enum StoreError {
    /// A file that is something else.
    #[error("{path} is not a Recado store ({why}); name another file with --store sqlite:PATH")]
    NotOurs {
        /// The file.
        path: PathBuf,
        /// What it seems to be.
        why: String,
    },
    /// A store of a later version of this program.
    #[error(
        "{path} was written by a newer Recado (layout {found}, this one knows {known}); \
         run that version, or name another file with --store sqlite:PATH"
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its layout's number.
        found: i64,
        /// The latest that this program knows.
        known: i64,
    },
    /// Another process has it.
    #[error(
        "{path} is in use by another Recado server or import{by}; stop that one first, or name another file with \
         --store sqlite:PATH"
    )]
    Locked {
        /// The file.
        path: PathBuf,
        /// ` (process 123)` if that is known.
        by: String,
    },
    /// The file, its folder or its file system cannot be written to.
    #[error(
        "{path} cannot be written: {why}; give this user the right to write the file and its folder, or name another \
         file with --store sqlite:PATH"
    )]
    ReadOnly {
        /// The file.
        path: PathBuf,
        /// The system's word.
        why: String,
    },
    /// There is no such file, where one is needed.
    #[error("there is no store at {path}; name the file with --store sqlite:PATH")]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// The file cannot be opened, for another reason.
    #[error("{path} cannot be opened: {why}")]
    CannotOpen {
        /// The file.
        path: PathBuf,
        /// The system's word.
        why: String,
    },
    /// No room is left.
    #[error(
        "the disk with {path} is full: what was answered OK is stored, the rest is not; free some space and start again"
    )]
    Full {
        /// The file.
        path: PathBuf,
    },
    /// The file's content makes no sense.
    #[error(
        "{path} is damaged ({why}); restore it from a backup, or start with another file: --store sqlite:PATH"
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where and how.
        why: String,
    },
    /// Reading, writing or syncing failed.
    #[error(
        "{path} cannot be read or written: {why}; what was answered OK is stored; see to the disk, then start again"
    )]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's word.
        why: String,
    },
    /// The built-in SQLite is one that can corrupt such a file.
    #[error(
        "this program was built with SQLite {found}, which can corrupt a store; it needs one after 3.51.2"
    )]
    UnsafeSqlite {
        /// Its version.
        found: String,
    },
}

/// Why messages cannot be found by their words just now. What is kept is not touched by it.
#[derive(Debug, Error)]
pub enum SearchError {
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The index cannot be used. It says nothing that the store does not.
    #[error("the index for search at {path} cannot be used ({why}); it will be made anew")]
    Index {
        /// The file.
        path: PathBuf,
        /// The system's word.
        why: String,
    },
}

impl StoreError {
    /// An error of the file system on the way to `path`.
    pub(crate) fn from_io(path: impl Into<PathBuf>, error: &io::Error) -> Self {
        let path = path.into();
        let why = error.to_string();
        match error.kind() {
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                StoreError::ReadOnly { path, why }
            }
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => StoreError::Full { path },
            _ => StoreError::CannotOpen { path, why },
        }
    }
}
