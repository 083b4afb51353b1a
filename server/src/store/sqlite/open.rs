//! Opening a store's file: is it ours, may we write, what does it hold. Every refusal says what to do about it.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use recado_proto::{Epoch, MessageId};
use rusqlite::{Connection, OpenFlags};

use super::super::StoreError;
use super::super::types::{Marks, Position};
use super::index::{self, IndexError};
use super::marks::{self, Indexed};
use super::{View, damaged, log, store_error};
use crate::limits::{BUSY_WAIT, SCAN_ROWS_MAX};

/// In the file's header, so that `file` and other programs can tell: "Rcdo".
const APPLICATION_ID: i32 = 0x5263_646f;
/// The layout of the tables. A later one is refused, an earlier one is brought up to it.
const LAYOUT: i64 = 2;
/// SQLite up to this version can corrupt a database in WAL mode (its reset of the log; fixed in 3.51.3).
const UNSAFE_SQLITE_THROUGH: i32 = 3_051_002;

const SCHEMA: &str = "
    CREATE TABLE log (
        position INTEGER PRIMARY KEY,
        kind INTEGER NOT NULL,
        topic INTEGER NOT NULL,
        sender INTEGER,
        seq INTEGER,
        id BLOB,
        time_ms INTEGER NOT NULL,
        timestamp INTEGER NOT NULL,
        clock INTEGER,
        text TEXT,
        target BLOB,
        form INTEGER
    ) STRICT;
    CREATE TABLE names (
        id INTEGER PRIMARY KEY,
        kind INTEGER NOT NULL,
        name TEXT NOT NULL,
        last_seq INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE by_topic (key INTEGER PRIMARY KEY, positions BLOB NOT NULL) STRICT;
    CREATE TABLE by_conversation (
        low INTEGER NOT NULL,
        high INTEGER NOT NULL,
        first INTEGER NOT NULL,
        positions BLOB NOT NULL,
        PRIMARY KEY (low, high, first)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE by_id (id BLOB PRIMARY KEY, position INTEGER NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE acts (
        target BLOB NOT NULL,
        position INTEGER NOT NULL,
        kind INTEGER NOT NULL,
        PRIMARY KEY (target, position)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE marks (name TEXT PRIMARY KEY, value ANY NOT NULL) STRICT, WITHOUT ROWID;
";

/// From layout 1, which had no acts. Adding columns rewrites no rows.
const SECOND_LAYOUT: &str = "
    ALTER TABLE log ADD COLUMN target BLOB;
    ALTER TABLE log ADD COLUMN form INTEGER;
    CREATE TABLE acts (
        target BLOB NOT NULL,
        position INTEGER NOT NULL,
        kind INTEGER NOT NULL,
        PRIMARY KEY (target, position)
    ) STRICT, WITHOUT ROWID;
";

/// What a reader of layout 1, who may not change the file, sees in its place.
const SECOND_LAYOUT_SEEN: &str = "
    CREATE TEMP VIEW log AS SELECT *, NULL AS target, NULL AS form FROM main.log;
    CREATE TEMP TABLE acts (target, position, kind);
";

/// Who opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Opening {
    /// The one writer.
    Write,
    /// A reader beside the writer.
    Read,
}

/// A file's content, as far as it has to be in memory.
#[derive(Debug)]
pub(super) struct Loaded {
    pub(super) view: View,
    pub(super) marks: Marks,
    pub(super) indexed: Indexed,
    pub(super) epoch: Epoch,
    pub(super) last_time_ms: u64,
}

/// Refuses to run on a SQLite that is known to lose data.
pub(super) fn check_sqlite() -> Result<(), StoreError> {
    if rusqlite::version_number() > UNSAFE_SQLITE_THROUGH {
        Ok(())
    } else {
        Err(StoreError::UnsafeSqlite { found: rusqlite::version().to_owned() })
    }
}

/// The one true path of a store, so that two names of it have one lock.
pub(super) fn true_path(path: &Path) -> Result<PathBuf, StoreError> {
    let of = |path: &Path| fs::canonicalize(path).map_err(|error| StoreError::from_io(path, &error));
    if path.exists() {
        return of(path);
    }
    let name = path.file_name().ok_or_else(|| StoreError::CannotOpen {
        path: path.to_path_buf(),
        why: "it names no file".to_owned(),
    })?;
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    Ok(of(folder)?.join(name))
}

/// Looks at the file without opening it as a database, so that nothing is left beside a file that is not ours.
/// Whether there is anything in it.
pub(super) fn inspect(path: &Path) -> Result<bool, StoreError> {
    let mut header = Vec::with_capacity(100);
    let read = File::open(path).and_then(|file| {
        if file.metadata()?.is_dir() {
            return Err(io::Error::from(io::ErrorKind::IsADirectory));
        }
        file.take(100).read_to_end(&mut header)
    });
    match read {
        Ok(0) => return Ok(false),
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(StoreError::from_io(path, &error)),
    }
    if header.len() < 100 || !header.starts_with(b"SQLite format 3\0") {
        return Err(StoreError::NotOurs { path: path.to_path_buf(), why: "it is no SQLite file".to_owned() });
    }
    let number = |at: usize| i32::from_be_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
    check_header(path, number(68), number(60).into())?;
    Ok(true)
}

/// Opens the database and sets it up for this program.
pub(super) fn connect(path: &Path, opening: Opening, cache_kib: u32) -> Result<Connection, StoreError> {
    let wrap = |error| store_error(path, &error);
    let flags = match opening {
        Opening::Write => OpenFlags::SQLITE_OPEN_READ_WRITE,
        Opening::Read => OpenFlags::SQLITE_OPEN_READ_ONLY,
    };
    let connection =
        Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX).map_err(wrap)?;
    connection.busy_timeout(BUSY_WAIT).map_err(wrap)?;
    if opening == Opening::Write {
        if connection.is_readonly("main").map_err(wrap)? {
            let why = "this user, or its file system, only lets it be read".to_owned();
            return Err(StoreError::ReadOnly { path: path.to_path_buf(), why });
        }
        let mode: String =
            connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0)).map_err(wrap)?;
        if mode != "wal" {
            let why = format!("its file system allows no write-ahead log, only {mode}");
            return Err(StoreError::CannotOpen { path: path.to_path_buf(), why });
        }
    }
    let settings = format!(
        "PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0; PRAGMA mmap_size = 0; PRAGMA cache_size = -{cache_kib}; \
         PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = OFF;"
    );
    connection.execute_batch(&settings).map_err(wrap)?;
    Ok(connection)
}

/// Makes a new store: aside first, then under its name, so that a file of that name is always a whole one.
pub(super) fn create(path: &Path) -> Result<(), StoreError> {
    let wrap_io = |error| StoreError::from_io(path, &error);
    let wrap = |error| store_error(path, &error);
    let new = beside(path, "-new");
    // What an earlier attempt left. A write-ahead log without its file would be taken for the new file's.
    for remnant in [new.clone(), beside(&new, "-wal"), beside(&new, "-journal"), beside(path, "-wal")] {
        match fs::remove_file(remnant) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(wrap_io(error)),
            Ok(()) | Err(_) => {}
        }
    }
    make_private(&new).map_err(wrap_io)?;
    let connection = Connection::open(&new).map_err(wrap)?;
    let schema = format!(
        "BEGIN; PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {LAYOUT}; {SCHEMA} COMMIT;"
    );
    connection.execute_batch(&schema).map_err(wrap)?;
    marks::save_epoch(&connection, new_epoch()).map_err(wrap)?;
    connection.close().map_err(|(_, error)| wrap(error))?;
    fs::rename(&new, path).map_err(wrap_io)?;
    let folder = path.parent().unwrap_or(Path::new("."));
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(wrap_io)
}

/// Makes the folder that a store is to be in, for this user alone, if there is none.
pub(crate) fn make_folder(folder: &Path) -> Result<(), StoreError> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.map_err(|error| StoreError::from_io(folder, &error))
}

/// Makes an empty file, for this user alone. SQLite gives what it has beside a database the mode of the database.
pub(super) fn make_private(path: &Path) -> io::Result<()> {
    OpenOptions::new().write(true).create_new(true).mode(PRIVATE).open(path).map(drop)
}

/// The bits of permission of all that belongs to a store.
pub(super) const PRIVATE: u32 = 0o600;

/// A file that belongs to a store.
pub(super) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// Refuses a database that is not ours, or too new.
pub(super) fn check(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    let number = |name: &str| {
        connection
            .pragma_query_value(None, name, |row| row.get::<_, i64>(0))
            .map_err(|error| store_error(path, &error))
    };
    let application_id = i32::try_from(number("application_id")?).unwrap_or(0);
    check_header(path, application_id, number("user_version")?)
}

/// Brings a store of an earlier layout up to this one, or lets a reader see it so.
pub(super) fn bring_up(connection: &Connection, path: &Path, opening: Opening) -> Result<(), StoreError> {
    let wrap = |error| store_error(path, &error);
    let layout: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(wrap)?;
    if layout >= LAYOUT {
        return Ok(());
    }
    match opening {
        Opening::Write => connection
            .execute_batch(&format!(
                "BEGIN IMMEDIATE; {SECOND_LAYOUT} PRAGMA user_version = {LAYOUT}; COMMIT;"
            ))
            .map_err(wrap),
        Opening::Read => connection.execute_batch(SECOND_LAYOUT_SEEN).map_err(wrap),
    }
}

fn check_header(path: &Path, application_id: i32, layout: i64) -> Result<(), StoreError> {
    if application_id != APPLICATION_ID {
        let why = "it is a SQLite file of another program".to_owned();
        return Err(StoreError::NotOurs { path: path.to_path_buf(), why });
    }
    if layout > LAYOUT {
        return Err(StoreError::Newer { path: path.to_path_buf(), found: layout, known: LAYOUT });
    }
    Ok(())
}

/// Reads names and marks, and what the index does not have yet.
pub(super) fn load(connection: &mut Connection, path: &Path) -> Result<Loaded, StoreError> {
    let wrap = |error| store_error(path, &error);
    let transaction = connection.transaction().map_err(wrap)?;
    let indexed = marks::load_indexed(&transaction).map_err(wrap)?;
    let epoch =
        marks::load_epoch(&transaction).map_err(wrap)?.ok_or_else(|| damaged(path, "it has no epoch"))?;
    let mut view = View { through: indexed.through, ..View::default() };
    index::load_names(&transaction, &mut view.directory).map_err(|error| index_error(path, error))?;
    let last = log::last_position(&transaction).map_err(wrap)?;
    if last < indexed.through {
        return Err(damaged(path, format!("its log ends at {last}, its index at {}", indexed.through)));
    }
    while view.through < last {
        let rows = log::read_after(&transaction, view.through, last, SCAN_ROWS_MAX).map_err(wrap)?;
        if rows.is_empty() {
            return Err(damaged(path, format!("its log has nothing after {}", view.through)));
        }
        for row in rows {
            let at = row.position;
            let fits = row.position == Position(view.through.0 + 1);
            let record = row.into_record(&view.directory).map_err(|misfit| misfit_at(path, at, misfit.0))?;
            view.push(record).map_err(|misfit| misfit_at(path, at, misfit.0))?;
            if !fits {
                return Err(misfit_at(path, at, "a gap in the log"));
            }
        }
    }
    Ok(Loaded {
        view,
        marks: marks::load(&transaction).map_err(wrap)?,
        indexed,
        epoch,
        last_time_ms: log::last_time_ms(&transaction).map_err(wrap)?,
    })
}

/// A generation that no store had before.
pub(super) fn new_epoch() -> Epoch {
    let [.., a, b, c, d, e, f, g, h] = *MessageId::new_v7().as_bytes();
    Epoch::from_random(u64::from_be_bytes([a, b, c, d, e, f, g, h]))
}

pub(super) fn index_error(path: &Path, error: IndexError) -> StoreError {
    match error {
        IndexError::Sqlite(error) => store_error(path, &error),
        IndexError::Misfit(misfit) => damaged(path, misfit.0),
    }
}

fn misfit_at(path: &Path, position: Position, why: &str) -> StoreError {
    damaged(path, format!("row {position} of its log: {why}"))
}
