//! The index's file: its tables, whether it may be used, and making it anew.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use recado_proto::Epoch;
use rusqlite::{Connection, OpenFlags, OptionalExtension, params};

use super::super::super::SearchError;
use super::super::super::types::Position;
use super::super::open::{beside, make_private};
use super::index_error;
use crate::limits::{BUSY_WAIT, SEARCH_CACHE_KIB};

/// In the file's header: "Rcds".
const APPLICATION_ID: i32 = 0x5263_6473;
/// The layout of the tables, and the way in which texts are taken apart. Any other one is made anew.
const LAYOUT: i32 = 1;

/// Words come folded, with spaces between them, so the plainest tokenizer does. Places are words, too: then a question for
/// rare places among frequent words is as quick as one for rare words.
const SCHEMA: &str = "
    CREATE VIRTUAL TABLE words USING fts5(
        text, place, content='', contentless_delete=1, tokenize='ascii', prefix='1 2 3'
    );
    CREATE TABLE times (position INTEGER PRIMARY KEY, time_ms INTEGER NOT NULL) STRICT;
    CREATE TABLE spans (
        span INTEGER PRIMARY KEY,
        oldest_ms INTEGER NOT NULL,
        newest_ms INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE mark (
        one INTEGER PRIMARY KEY CHECK (one = 1),
        epoch INTEGER NOT NULL,
        through INTEGER NOT NULL
    ) STRICT;
";

/// The file that belongs to the store at `store`.
pub(super) fn path_of(store: &Path) -> PathBuf {
    beside(store, "-search")
}

/// The index of the store with this epoch and end, and how far it goes. One that is of no use is made anew.
pub(super) fn open_or_make(
    path: &Path,
    epoch: Epoch,
    last: Position,
) -> Result<(Connection, Position), SearchError> {
    if let Ok(connection) = open_to_write(path, OpenFlags::SQLITE_OPEN_READ_WRITE)
        && let Ok(Some(through)) = usable_through(&connection, epoch, last)
    {
        return Ok((connection, through));
    }
    if is_of_another_program(path) {
        return Err(index_error(path, "it is a SQLite file of another program; move it away"));
    }
    remove(path)?;
    make_private(path).map_err(|error| index_error(path, error))?;
    make(path, epoch).map(|connection| (connection, Position(0))).map_err(|error| index_error(path, error))
}

/// The file as it is now, for whoever searches.
pub(super) fn open_to_read(path: &Path) -> rusqlite::Result<Connection> {
    // Whoever closes last takes the write-ahead log into the file, and needs the right to do so.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    set_up(&connection)?;
    connection.execute_batch("PRAGMA query_only = ON")?;
    Ok(connection)
}

/// How far the index goes, if it is that of this generation of the store.
pub(super) fn through(connection: &Connection, epoch: Epoch) -> rusqlite::Result<Option<Position>> {
    let mut statement = connection.prepare_cached("SELECT through FROM mark WHERE epoch = ?1")?;
    statement.query_row([epoch.as_u64()], |row| row.get(0).map(Position)).optional()
}

pub(super) fn save_through(connection: &Connection, epoch: Epoch, through: Position) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached("INSERT OR REPLACE INTO mark VALUES (1, ?1, ?2)")?;
    statement.execute(params![epoch.as_u64(), through.0]).map(drop)
}

/// Removes the index with all that SQLite has beside it.
pub(super) fn remove(path: &Path) -> Result<(), SearchError> {
    for file in [path.to_path_buf(), beside(path, "-wal"), beside(path, "-shm"), beside(path, "-journal")] {
        match fs::remove_file(file) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(index_error(path, error)),
            Ok(()) | Err(_) => {}
        }
    }
    Ok(())
}

fn make(path: &Path, epoch: Epoch) -> rusqlite::Result<Connection> {
    let connection = open_to_write(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    connection.execute_batch(&format!(
        "BEGIN IMMEDIATE; PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {LAYOUT}; {SCHEMA}"
    ))?;
    save_through(&connection, epoch, Position(0))?;
    connection.execute_batch("COMMIT")?;
    Ok(connection)
}

fn open_to_write(path: &Path, flags: OpenFlags) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    set_up(&connection)?;
    // A power cut may take the last transactions, each with its mark, but must not mix old pages with new ones.
    connection.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;")?;
    Ok(connection)
}

fn set_up(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY_WAIT)?;
    connection.execute_batch(&format!(
        "PRAGMA mmap_size = 0; PRAGMA cache_size = -{SEARCH_CACHE_KIB}; PRAGMA temp_store = MEMORY;"
    ))
}

fn usable_through(
    connection: &Connection,
    epoch: Epoch,
    last: Position,
) -> rusqlite::Result<Option<Position>> {
    let number = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, i32>(0));
    if number("application_id")? != APPLICATION_ID || number("user_version")? != LAYOUT {
        return Ok(None);
    }
    Ok(through(connection, epoch)?.filter(|through| *through <= last))
}

/// What cannot be read at all is no other program's: nobody but us writes under this name.
fn is_of_another_program(path: &Path) -> bool {
    let id = open_to_read(path).and_then(|connection| {
        connection.pragma_query_value(None, "application_id", |row| row.get::<_, i32>(0))
    });
    id.is_ok_and(|id| id != APPLICATION_ID && id != 0)
}
