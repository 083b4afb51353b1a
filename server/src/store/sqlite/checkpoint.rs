//! Copies the write-ahead log into the file, on a thread of its own, so that no turn waits for it.
//!
//! While turns go on such a checkpoint never catches up quite, and SQLite begins the log anew only when it has. So above a
//! size the thread asks the writer to finish the last pages itself, between two turns.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};

use rusqlite::Connection;

use super::super::StoreError;
use super::open::{Access, connect};
use super::store_error;
use crate::limits::{CHECKPOINT_AFTER_BYTES, READER_CACHE_KIB, WRITE_AHEAD_LOG_BYTES_MAX};

/// The writer's end.
#[derive(Debug)]
pub(super) struct Checkpointer {
    wake: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
    shared: Arc<Shared>,
    bytes_since: u64,
}

#[derive(Debug, Default)]
struct Shared {
    writer_should_finish: AtomicBool,
    failure: Mutex<Option<StoreError>>,
}

impl Checkpointer {
    pub(super) fn start(path: &Path) -> Result<Self, StoreError> {
        let connection = connect(path, Access::Write, READER_CACHE_KIB)?;
        let shared = Arc::new(Shared::default());
        // One wake-up waits at most: a second would say nothing that the first does not.
        let (wake, woken) = sync_channel(1);
        let thread = Builder::new()
            .name("recado-checkpoint".to_owned())
            .spawn({
                let (shared, path) = (Arc::clone(&shared), path.to_path_buf());
                move || run(&connection, &path, &woken, &shared)
            })
            .map_err(|error| StoreError::from_io(path, &error))?;
        Ok(Self { wake: Some(wake), thread: Some(thread), shared, bytes_since: 0 })
    }

    /// Tells of `bytes` that were committed.
    pub(super) fn committed(&mut self, bytes: u64) {
        self.bytes_since += bytes;
        if self.bytes_since >= CHECKPOINT_AFTER_BYTES {
            self.bytes_since = 0;
            if let Some(wake) = &self.wake {
                // Full means that it is about to run anyway.
                let _ = wake.try_send(());
            }
        }
    }

    /// Before a turn: finishes a checkpoint if that is due, and reports one that failed.
    pub(super) fn before_turn(&self, connection: &Connection) -> Result<(), StoreError> {
        let mut failure = self.shared.failure.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(error) = failure.take() {
            return Err(error);
        }
        drop(failure);
        if self.shared.writer_should_finish.swap(false, Ordering::Relaxed) {
            let path = PathBuf::from(connection.path().unwrap_or_default());
            checkpoint(connection).map_err(|error| store_error(&path, &error))?;
        }
        Ok(())
    }

    /// Waits for a checkpoint under way and ends the thread.
    pub(super) fn stop(&mut self) {
        self.wake = None;
        if let Some(thread) = self.thread.take() {
            // A panic there has said so itself, and changed nothing that the file needs.
            let _ = thread.join();
        }
    }
}

impl Drop for Checkpointer {
    fn drop(&mut self) {
        self.stop();
    }
}

fn run(connection: &Connection, path: &Path, woken: &Receiver<()>, shared: &Shared) {
    while woken.recv().is_ok() {
        match checkpoint(connection) {
            Ok(remaining_bytes) if remaining_bytes >= WRITE_AHEAD_LOG_BYTES_MAX => {
                shared.writer_should_finish.store(true, Ordering::Relaxed);
            }
            Ok(_) => {}
            Err(error) => {
                let error = store_error(path, &error);
                *shared.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                return;
            }
        }
    }
}

/// Copies what can be copied without anybody waiting. The size of the log that has not begun anew.
fn checkpoint(connection: &Connection) -> rusqlite::Result<u64> {
    const PAGE_BYTES: u64 = 4096;
    let mut statement = connection.prepare_cached("PRAGMA wal_checkpoint(PASSIVE)")?;
    let pages: i64 = statement.query_row([], |row| row.get(1))?;
    Ok(u64::try_from(pages).unwrap_or(0) * PAGE_BYTES)
}
