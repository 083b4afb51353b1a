//! The store as its one writer sees it: turns in, durable outcomes out.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use recado_proto::{Epoch, MessageId};
use rusqlite::Connection;

use super::super::acts::ActsSoFar;
use super::super::directory::{Directory, Name, NameId, Record};
use super::super::rules::{Earlier as Done, EarlierIds, KeptReads, ReadRow, Turn, Written};
use super::super::types::{Change, Committed, Marks, Position, StoredMessage};
use super::super::{Reader, SearchParts, SharedAccess, Store, StoreError};
use super::checkpoint::Checkpointer;
use super::lock::{StoreLock, Witness};
use super::marks::{self, Indexed};
use super::open::{self, Opening, index_error};
use super::reader::SqliteReader;
use super::{SharedView, access, damaged, index, log, reads, search, store_error};
use crate::access::Access;
use crate::limits::{TAIL_BYTES_MAX, TAIL_MESSAGES_MAX, WRITER_CACHE_KIB};

/// The embedded store.
#[derive(Debug)]
pub struct SqliteStore {
    path: PathBuf,
    connection: Connection,
    checkpointer: Checkpointer,
    /// Ahead of the view while a turn is put together.
    directory: Directory,
    view: Arc<SharedView>,
    /// Ahead of what is shared, likewise.
    access: Access,
    shared_access: Arc<SharedAccess>,
    marks: Marks,
    marks_saved: Marks,
    indexed: Indexed,
    epoch: Epoch,
    last: Position,
    last_time_ms: u64,
    failed: bool,
    /// Last, so that it is let go of when all else is closed.
    lock: StoreLock,
}

impl SqliteStore {
    /// Opens the store at `path`, or creates one there. Nobody else can while this one lives.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        open::check_sqlite()?;
        let path = open::true_path(path)?;
        open::inspect(&path)?;
        let lock = StoreLock::take(&path)?;
        // Looked at again: whoever had the lock may have made the file only now.
        if !open::inspect(&path)? {
            open::create(&path)?;
        }
        let mut connection = open::connect(&path, Opening::Write, WRITER_CACHE_KIB)?;
        open::check(&connection, &path)?;
        open::bring_up(&connection, &path, Opening::Write)?;
        reads::create(&connection).map_err(|error| store_error(&path, &error))?;
        access::create(&connection).map_err(|error| store_error(&path, &error))?;
        let loaded = open::load(&mut connection, &path)?;
        let (access, access_time_ms) = access::load(&connection, &path)?;
        let last = loaded.view.through;
        let mut store = Self {
            checkpointer: Checkpointer::start(&path)?,
            directory: loaded.view.directory.clone(),
            view: Arc::new(SharedView(loaded.view.into())),
            shared_access: SharedAccess::new(access.clone()),
            access,
            marks: loaded.marks,
            marks_saved: loaded.marks,
            indexed: loaded.indexed,
            epoch: loaded.epoch,
            last,
            last_time_ms: loaded.last_time_ms.max(access_time_ms),
            failed: false,
            path,
            connection,
            lock,
        };
        store.check_witness()?;
        Ok(store)
    }

    /// A file that is behind what the lock's last holder saw is an older copy, or lost its end: places in it that were
    /// given out once will be given out again, so they need another epoch. So may be one that nobody here has seen.
    fn check_witness(&mut self) -> Result<(), StoreError> {
        let is_the_same = match self.lock.witness {
            Some(witness) => witness.epoch == self.epoch && witness.last <= self.last,
            None => self.last == Position(0),
        };
        if !is_the_same {
            self.epoch = open::new_epoch();
            marks::save_epoch(&self.connection, self.epoch)
                .map_err(|error| store_error(&self.path, &error))?;
            // A mark beyond the end would keep new messages from being published.
            self.marks.published_through = self.marks.published_through.min(self.last);
            tracing::warn!(
                path = %self.path.display(),
                had = ?self.lock.witness.map(|witness| witness.last),
                has = %self.last,
                "the store is not the one that was here last, or lost its end: it has a new epoch now"
            );
        }
        self.note()
    }

    fn note(&mut self) -> Result<(), StoreError> {
        let witness = Witness { epoch: self.epoch, last: self.last };
        self.lock.note(witness).map_err(|error| StoreError::from_io(&self.path, &error))
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Has the names looked at with which a secured system compares new ones: else the first act about access waits for that.
    pub fn compare_names(&mut self) {
        self.directory.compared();
    }

    /// Records and bytes of text that are not in the index.
    #[cfg(test)]
    pub(super) fn tail(&self) -> (usize, usize) {
        let view = self.view.read();
        (view.tail.records().len(), view.tail.bytes())
    }

    /// Makes the disk as small as this.
    #[cfg(test)]
    pub(super) fn limit_pages(&self, pages: u32) {
        self.connection.pragma_update(None, "max_page_count", pages).expect("a number of pages");
    }

    fn turn(&mut self, changes: Vec<Change>, now_ms: u64) -> Result<Committed, StoreError> {
        self.checkpointer.before_turn(&self.connection)?;
        let after = self.last;
        self.last_time_ms = self.last_time_ms.max(now_ms);
        let mut earlier = Earlier {
            connection: &self.connection,
            path: &self.path,
            view: &self.view,
            newest_timed_id: self.indexed.newest_timed_id,
            epoch: self.epoch,
        };
        let mut turn = Turn::new(&mut self.directory, &mut self.access, self.last_time_ms, after);
        let mut outcomes = Vec::with_capacity(changes.len());
        for change in changes {
            outcomes.push(turn.apply(change, &mut earlier)?);
        }
        let written = turn.into_written();
        let messages = written.records.iter().filter_map(to_publish).collect();
        self.last = written.records.last().map_or(after, Record::position);
        self.write(written)?;
        Ok(Committed { outcomes, messages, after, through: self.last })
    }

    /// Makes what a turn left durable, with marks that changed, and with the index if the tail is long enough.
    fn write(&mut self, written: Written) -> Result<(), StoreError> {
        let index_now = {
            let view = self.view.read();
            let tail = view.tail.records().len() + written.records.len();
            tail > TAIL_MESSAGES_MAX || view.tail.bytes() > TAIL_BYTES_MAX
        };
        self.commit_with(&written, index_now)?;
        // Before names: nobody may find a channel that is not known to be private yet.
        self.shared_access.apply(&written.events);
        let mut view = self.view.write();
        if index_now {
            view.tail.clear();
        }
        for record in written.records {
            view.push(record).map_err(|misfit| damaged(&self.path, misfit.0))?;
        }
        Ok(())
    }

    fn commit_with(&mut self, written: &Written, index_now: bool) -> Result<(), StoreError> {
        let marks_changed = self.marks != self.marks_saved;
        if written.is_empty() && !marks_changed && !index_now {
            return Ok(());
        }
        let wrap = |error| store_error(&self.path, &error);
        let run = |sql| self.connection.prepare_cached(sql)?.execute([]).map(drop);
        run("BEGIN IMMEDIATE").map_err(wrap)?;
        let mut bytes = log::append(&self.connection, &written.records).map_err(wrap)? + PAGES_A_TURN_BYTES;
        reads::save(&self.connection, &written.reads).map_err(wrap)?;
        access::append(&self.connection, &written.events).map_err(wrap)?;
        bytes += (written.reads.len() + written.events.len()) as u64 * PAGE_BYTES;
        if marks_changed {
            marks::save(&self.connection, self.marks).map_err(wrap)?;
        }
        let indexed = if index_now {
            bytes += TAIL_INDEX_BYTES;
            Some(self.write_index()?)
        } else {
            None
        };
        run("COMMIT").map_err(wrap)?;
        self.indexed = indexed.unwrap_or(self.indexed);
        self.checkpointer.committed(bytes);
        self.marks_saved = self.marks;
        // At once: an older copy that is put in the place of this one must not hold all that is noted.
        self.note()
    }

    /// Indexes the tail within the transaction under way. The new marks hold once it is committed.
    fn write_index(&self) -> Result<Indexed, StoreError> {
        let view = self.view.read();
        let records = view.tail.records();
        index::write(&self.connection, records).map_err(|error| index_error(&self.path, error))?;
        let newest = records.iter().filter_map(timed_id).max();
        let indexed =
            Indexed { through: view.through, newest_timed_id: self.indexed.newest_timed_id.max(newest) };
        marks::save_indexed(&self.connection, indexed).map_err(|error| store_error(&self.path, &error))?;
        Ok(indexed)
    }

    /// Remembers a failure: the state in memory is ahead of the disk then, and nothing may follow.
    fn guarded<T>(&mut self, act: impl FnOnce(&mut Self) -> Result<T, StoreError>) -> Result<T, StoreError> {
        if self.failed {
            let why = "an earlier write failed".to_owned();
            return Err(StoreError::Io { path: self.path.clone(), why });
        }
        let result = act(self);
        self.failed = result.is_err();
        result
    }
}

impl Store for SqliteStore {
    fn commit(&mut self, changes: Vec<Change>, now_ms: u64) -> Result<Committed, StoreError> {
        self.guarded(|store| store.turn(changes, now_ms))
    }

    fn access(&self) -> Arc<SharedAccess> {
        Arc::clone(&self.shared_access)
    }

    fn tend(&mut self) -> Result<(), StoreError> {
        self.guarded(|store| {
            store.checkpointer.before_turn(&store.connection)?;
            let index_now = store.view.read().tail.first_position().is_some();
            store.commit_with(&Written::default(), index_now)?;
            if index_now {
                store.view.write().tail.clear();
            }
            Ok(())
        })
    }

    fn marks(&self) -> Marks {
        self.marks
    }

    fn set_marks(&mut self, marks: Marks) {
        self.marks = marks;
    }

    fn epoch(&self) -> Epoch {
        self.epoch
    }

    fn last_position(&self) -> Position {
        self.last
    }

    fn reader(&self) -> Result<Box<dyn Reader>, StoreError> {
        let reader = SqliteReader::beside(&self.path, Arc::clone(&self.view), self.epoch)?;
        Ok(Box::new(reader))
    }

    fn search(&self) -> Result<Option<SearchParts>, StoreError> {
        search::beside(&self.path, &self.view, self.epoch).map(Some)
    }

    fn close(mut self: Box<Self>) -> Result<(), StoreError> {
        self.tend()?;
        self.note()?;
        self.checkpointer.stop();
        // Another process may be reading; then the next start finds a longer write-ahead log, no less.
        self.connection
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
            .map_err(|error| store_error(&self.path, &error))
    }
}

/// What a turn writes beside its rows: the pages that rows of the turn before share, and those above them.
const PAGES_A_TURN_BYTES: u64 = 3 * 4096;
/// What a read mark or an event of access writes at most: the page that it is in.
const PAGE_BYTES: u64 = 4096;
/// About what indexing a full tail writes.
const TAIL_INDEX_BYTES: u64 = 2 * 1024 * 1024;

fn to_publish(record: &Record) -> Option<Arc<StoredMessage>> {
    match record {
        Record::Message { message, .. } if !message.imported => Some(Arc::clone(message)),
        Record::Message { .. } | Record::Named { .. } | Record::Login { .. } => None,
    }
}

fn timed_id(record: &Record) -> Option<MessageId> {
    match record {
        Record::Message { message, .. } => Some(message.id),
        Record::Named { given, .. } => *given,
        Record::Login { .. } => None,
    }
    .filter(is_timed)
}

/// A UUID of version 7 begins with the time of its making, so that new ones are larger than old ones.
fn is_timed(id: &MessageId) -> bool {
    id.as_bytes()[6] >> 4 == 7
}

/// `id`s of earlier turns: the tail's in memory, then the index.
struct Earlier<'a> {
    connection: &'a Connection,
    path: &'a Path,
    view: &'a SharedView,
    newest_timed_id: Option<MessageId>,
    epoch: Epoch,
}

impl KeptReads for Earlier<'_> {
    fn epoch(&self) -> Epoch {
        self.epoch
    }

    fn find_read(&mut self, user: NameId, topic: NameId) -> Result<Option<ReadRow>, StoreError> {
        reads::find(self.connection, user, topic).map_err(|error| store_error(self.path, &error))
    }

    fn count_reads(&mut self, user: NameId) -> Result<usize, StoreError> {
        reads::count(self.connection, user).map_err(|error| store_error(self.path, &error))
    }
}

impl EarlierIds for Earlier<'_> {
    fn find(&mut self, id: &MessageId) -> Result<Option<Done>, StoreError> {
        let view = self.view.read();
        if let Some(message) = view.tail.find(id) {
            return Ok(Some(Done::Message(Arc::clone(message))));
        }
        if let Some(channel) = view.tail.find_channel(id) {
            return Ok(Some(Done::Channel(channel.clone())));
        }
        if is_timed(id) && self.newest_timed_id.is_none_or(|newest| *id > newest) {
            return Ok(None);
        }
        let wrap = |error| store_error(self.path, &error);
        let Some(position) = index::of_id(self.connection, id).map_err(wrap)? else { return Ok(None) };
        let row = log::read_at(self.connection, position).map_err(wrap)?;
        match row.into_record(&view.directory) {
            Ok(Record::Message { message, .. }) => Ok(Some(Done::Message(message))),
            Ok(Record::Named { name: Name::Channel(channel), .. }) => Ok(Some(Done::Channel(channel))),
            Ok(Record::Named { .. } | Record::Login { .. }) => {
                Err(damaged(self.path, format!("its index has an id for row {position}, which has none")))
            }
            Err(misfit) => Err(damaged(self.path, format!("row {position} of its log: {}", misfit.0))),
        }
    }

    fn acts_on(&mut self, target: &MessageId) -> Result<ActsSoFar, StoreError> {
        let mut so_far =
            index::acts_so_far(self.connection, target).map_err(|error| store_error(self.path, &error))?;
        self.view
            .read()
            .tail
            .acts_on(target)
            .iter()
            .filter_map(|act| act.act)
            .for_each(|kind| so_far.add(kind));
        Ok(so_far)
    }
}
