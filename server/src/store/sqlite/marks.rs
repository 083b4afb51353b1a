//! Numbers stored beside the log, by name.

use recado_proto::{Epoch, MessageId};
use rusqlite::types::{FromSql, ToSql};
use rusqlite::{Connection, OptionalExtension, params};

use super::super::types::{Marks, Position};

const EPOCH: &str = "epoch";
const INDEXED_THROUGH: &str = "indexed_through";
const NEWEST_TIMED_ID: &str = "newest_timed_id";
const PUBLISHED_THROUGH: &str = "published_through";
const CLOCK: &str = "clock";

/// How far the index goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Indexed {
    /// All up to here is in it.
    pub(super) through: Position,
    /// The largest UUID of version 7 in it: a larger one cannot be there.
    pub(super) newest_timed_id: Option<MessageId>,
}

pub(super) fn load(connection: &Connection) -> rusqlite::Result<Marks> {
    Ok(Marks {
        published_through: Position(read(connection, PUBLISHED_THROUGH)?.unwrap_or(0)),
        clock: read(connection, CLOCK)?.unwrap_or(0),
    })
}

pub(super) fn save(connection: &Connection, marks: Marks) -> rusqlite::Result<()> {
    write(connection, PUBLISHED_THROUGH, marks.published_through.0)?;
    write(connection, CLOCK, marks.clock)
}

pub(super) fn load_indexed(connection: &Connection) -> rusqlite::Result<Indexed> {
    Ok(Indexed {
        through: Position(read(connection, INDEXED_THROUGH)?.unwrap_or(0)),
        newest_timed_id: read(connection, NEWEST_TIMED_ID)?.map(MessageId::from_bytes),
    })
}

pub(super) fn save_indexed(connection: &Connection, indexed: Indexed) -> rusqlite::Result<()> {
    write(connection, INDEXED_THROUGH, indexed.through.0)?;
    match indexed.newest_timed_id {
        Some(id) => write(connection, NEWEST_TIMED_ID, id.as_bytes()),
        None => Ok(()),
    }
}

/// `None` if the number is missing or makes no sense.
pub(super) fn load_epoch(connection: &Connection) -> rusqlite::Result<Option<Epoch>> {
    Ok(read(connection, EPOCH)?.and_then(|number| Epoch::new(number).ok()))
}

pub(super) fn save_epoch(connection: &Connection, epoch: Epoch) -> rusqlite::Result<()> {
    write(connection, EPOCH, epoch.as_u64())
}

fn read<T: FromSql>(connection: &Connection, name: &str) -> rusqlite::Result<Option<T>> {
    let mut statement = connection.prepare_cached("SELECT value FROM marks WHERE name = ?1")?;
    statement.query_row([name], |row| row.get(0)).optional()
}

fn write(connection: &Connection, name: &str, value: impl ToSql) -> rusqlite::Result<()> {
    connection
        .prepare_cached("INSERT OR REPLACE INTO marks VALUES (?1, ?2)")?
        .execute(params![name, value])?;
    Ok(())
}
