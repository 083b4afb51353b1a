//! The embedded store: one SQLite file, a log that is appended to, and an index that follows it (docs/decisions/0002).
//!
//! A commit appends rows by a rising key and syncs; nothing else. What the log's end says is in memory, too, until the turn
//! that writes the index. Beside the file lie SQLite's own `-wal` and `-shm`, and `-lock`, which one server holds for life.

mod access;
mod checkpoint;
mod examine;
mod index;
mod lock;
mod log;
mod marks;
mod open;
mod reader;
mod reads;
mod search;
mod writer;

#[cfg(test)]
mod tests;

pub(crate) use access::kept_and_added_up;
pub use examine::{Examined, Holder, examine};
pub use reader::SqliteReader;
pub use writer::SqliteStore;

use std::path::Path;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use rusqlite::ErrorCode;

use super::StoreError;
use super::directory::{Directory, Misfit, Record};
use super::tail::Tail;
use super::types::Position;

/// What is committed, as readers see it. The writer alone changes it, after each commit.
#[derive(Debug, Default)]
struct View {
    directory: Directory,
    tail: Tail,
    through: Position,
}

impl View {
    fn push(&mut self, record: Record) -> Result<(), Misfit> {
        self.directory.apply(&record)?;
        self.through = record.position();
        self.tail.push(record);
        Ok(())
    }
}

/// A view for the writer and its readers. A panic while it is held is impossible but for a bug, and then the process ends
/// with the writer; a poisoned lock needs no answer of its own.
#[derive(Debug, Default)]
struct SharedView(RwLock<View>);

impl SharedView {
    fn read(&self) -> RwLockReadGuard<'_, View> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, View> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What SQLite's error means for whoever runs the server.
fn store_error(path: &Path, error: &rusqlite::Error) -> StoreError {
    let path = path.to_path_buf();
    let why = error.to_string();
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => StoreError::Full { path },
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => StoreError::ReadOnly { path, why },
        Some(ErrorCode::NotADatabase) => StoreError::NotOurs { path, why },
        Some(ErrorCode::CannotOpen) => StoreError::CannotOpen { path, why },
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            StoreError::Locked { path, by: String::new() }
        }
        Some(ErrorCode::SystemIoFailure) => StoreError::Io { path, why },
        _ => StoreError::Damaged { path, why },
    }
}

fn damaged(path: &Path, why: impl Into<String>) -> StoreError {
    StoreError::Damaged { path: path.to_path_buf(), why: why.into() }
}
