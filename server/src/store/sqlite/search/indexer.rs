//! The side that writes: follows the log, batch by batch, each with its mark in one transaction.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use recado_proto::ActKind;
use rusqlite::{Connection, params};

use super::super::super::directory::{NameId, Record};
use super::super::super::types::{Position, Scan, StoredMessage};
use super::super::super::words::folded;
use super::super::super::{Indexer, SearchError};
use super::super::reader::SqliteReader;
use super::scope::place_words;
use super::{Shared, file, index_error};
use crate::limits::SPAN_ROWS;

pub(super) struct SqliteIndexer {
    reader: SqliteReader,
    file: PathBuf,
    shared: Arc<Shared>,
    /// With how far it goes.
    index: Option<(Connection, Position)>,
}

impl SqliteIndexer {
    pub(super) fn new(reader: SqliteReader, file: PathBuf, shared: Arc<Shared>) -> Self {
        Self { reader, file, shared, index: None }
    }

    fn open(&mut self) -> Result<(Connection, Position), SearchError> {
        if self.shared.is_damaged.swap(false, Ordering::SeqCst) {
            self.index = None;
            file::remove(&self.file)?;
        }
        if let Some(index) = self.index.take() {
            return Ok(index);
        }
        let (connection, through) =
            file::open_or_make(&self.file, self.reader.epoch(), self.reader.through())?;
        self.shared.generation.fetch_add(1, Ordering::SeqCst);
        Ok((connection, through))
    }

    fn take_up(&self, connection: &Connection, scan: &Scan<Record>) -> Result<(), SearchError> {
        let wrap = |error| index_error(&self.file, error);
        let transaction = connection.unchecked_transaction().map_err(wrap)?;
        for record in &scan.found {
            let Record::Message { topic, sender, message } = record else { continue };
            match (message.act, &message.manner.target) {
                (None, _) => {
                    // Acts that are further on are taken up in their turn.
                    write(connection, *topic, *sender, message, Some(&message.text)).map_err(wrap)?;
                }
                (Some(ActKind::Edit | ActKind::Delete), Some(target)) => {
                    if let Some((topic, sender, target)) = self.reader.find(target)? {
                        let now = self.reader.as_it_is(&target, false)?;
                        let text = (!now.deleted).then_some(now.message.as_str());
                        write(connection, topic, sender, &target, text).map_err(wrap)?;
                    }
                }
                (
                    Some(
                        ActKind::Edit | ActKind::Delete | ActKind::React | ActKind::Unreact | ActKind::Topic,
                    ),
                    _,
                ) => {}
            }
        }
        file::save_through(connection, self.reader.epoch(), scan.through).map_err(wrap)?;
        transaction.commit().map_err(wrap)
    }
}

impl Indexer for SqliteIndexer {
    fn follow(&mut self, limit: usize) -> Result<Position, SearchError> {
        let (connection, through) = self.open()?;
        let scan = self.reader.records(through, limit)?;
        if !scan.found.is_empty() {
            self.take_up(&connection, &scan).inspect_err(|error| match error {
                // Made anew by the next call.
                SearchError::Index { .. } => self.shared.is_damaged.store(true, Ordering::SeqCst),
                SearchError::Store(_) => {}
            })?;
        }
        self.index = Some((connection, scan.through));
        Ok(scan.through)
    }

    fn log_end(&self) -> Position {
        self.reader.through()
    }
}

/// Indexes a message with this text in the place of any earlier one; without a text it is in no index any more.
fn write(
    connection: &Connection,
    topic: NameId,
    sender: NameId,
    message: &StoredMessage,
    text: Option<&str>,
) -> rusqlite::Result<()> {
    let (position, time_ms) = (message.position.0, message.time_ms);
    connection.prepare_cached("DELETE FROM words WHERE rowid = ?1")?.execute([position])?;
    let Some(text) = text else {
        return connection
            .prepare_cached("DELETE FROM times WHERE position = ?1")?
            .execute([position])
            .map(drop);
    };
    connection
        .prepare_cached("INSERT INTO words (rowid, text, place) VALUES (?1, ?2, ?3)")?
        .execute(params![position, folded(text), place_words(topic, sender, message)])?;
    connection
        .prepare_cached("INSERT OR REPLACE INTO times VALUES (?1, ?2)")?
        .execute(params![position, time_ms])?;
    connection
        .prepare_cached(
            "INSERT INTO spans VALUES (?1, ?2, ?2) ON CONFLICT (span) DO UPDATE \
             SET oldest_ms = min(oldest_ms, ?2), newest_ms = max(newest_ms, ?2)",
        )?
        .execute(params![position / SPAN_ROWS, time_ms])
        .map(drop)
}
