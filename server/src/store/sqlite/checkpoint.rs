//! Copies the write-ahead log into the file, on a thread of its own, so that no turn waits for it.
//!
//! While turns go on such a checkpoint never catches up quite, and SQLite begins the log anew only when it has. So above a
//! size the thread asks the writer to finish the last pages itself, between two turns; and at twice that size, which a disk
//! that is too slow may come to, the writer waits for the thread.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};

use rusqlite::Connection;

use super::super::StoreError;
use super::open::{Opening, connect};
use super::store_error;
use crate::limits::{CHECKPOINT_AFTER_BYTES, READER_CACHE_KIB, WRITE_AHEAD_LOG_BYTES_MAX};

/// The writer's end.
#[derive(Debug)]
pub(super) struct Checkpointer {
    wake: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
    shared: Arc<Shared>,
    bytes_since: u64,
    /// About the log's size.
    log_bytes: u64,
}

#[derive(Debug, Default)]
struct Shared {
    writer_should_finish: AtomicBool,
    /// Held during a checkpoint.
    at_work: Mutex<()>,
    failure: Mutex<Option<StoreError>>,
}

impl Checkpointer {
    pub(super) fn start(path: &Path) -> Result<Self, StoreError> {
        let connection = connect(path, Opening::Write, READER_CACHE_KIB)?;
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
        Ok(Self { wake: Some(wake), thread: Some(thread), shared, bytes_since: 0, log_bytes: 0 })
    }

    /// Tells of `bytes` that were committed.
    pub(super) fn committed(&mut self, bytes: u64) {
        self.bytes_since += bytes;
        self.log_bytes += bytes;
        if self.bytes_since >= CHECKPOINT_AFTER_BYTES {
            self.bytes_since = 0;
            if let Some(wake) = &self.wake {
                // Full means that it is about to run anyway.
                let _ = wake.try_send(());
            }
        }
    }

    /// Before a turn: finishes a checkpoint if that is due, and reports one that failed.
    pub(super) fn before_turn(&mut self, connection: &Connection) -> Result<(), StoreError> {
        if let Some(error) = lock(&self.shared.failure).take() {
            return Err(error);
        }
        let asked = self.shared.writer_should_finish.swap(false, Ordering::Relaxed);
        let wait = self.log_bytes >= 2 * WRITE_AHEAD_LOG_BYTES_MAX;
        if asked || wait {
            let at_work = wait.then(|| lock(&self.shared.at_work));
            let path = PathBuf::from(connection.path().unwrap_or_default());
            let rest = checkpoint(connection).map_err(|error| store_error(&path, &error))?;
            drop(at_work);
            self.log_bytes = rest;
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
        let at_work = lock(&shared.at_work);
        let result = checkpoint(connection);
        drop(at_work);
        match result {
            Ok(rest) if rest >= WRITE_AHEAD_LOG_BYTES_MAX => {
                shared.writer_should_finish.store(true, Ordering::Relaxed);
            }
            Ok(_) => {}
            Err(error) => {
                *lock(&shared.failure) = Some(store_error(path, &error));
                return;
            }
        }
    }
}

/// Copies what can be copied without anybody waiting. The log's size, or 0 if all of it is copied: it begins anew with the
/// next turn then.
fn checkpoint(connection: &Connection) -> rusqlite::Result<u64> {
    const PAGE_BYTES: u64 = 4096;
    let mut statement = connection.prepare_cached("PRAGMA wal_checkpoint(PASSIVE)")?;
    let (pages, copied): (i64, i64) = statement.query_row([], |row| Ok((row.get(1)?, row.get(2)?)))?;
    Ok(if pages == copied { 0 } else { u64::try_from(pages).unwrap_or(0) * PAGE_BYTES })
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is locked here is whole at any time.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
