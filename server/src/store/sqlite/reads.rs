//! How far users have read: a small table beside the log. A mark is changed in place, since nobody asks for its past.

use recado_proto::Epoch;
use rusqlite::{Connection, OptionalExtension, params};

use super::super::directory::NameId;
use super::super::rules::ReadRow;

/// Stores of earlier versions have no such table, and those versions do not mind it: so it needs no layout of its own.
const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS reads (
        user INTEGER NOT NULL,
        topic INTEGER NOT NULL,
        seq INTEGER NOT NULL,
        epoch INTEGER NOT NULL,
        PRIMARY KEY (user, topic)
    ) STRICT, WITHOUT ROWID;
";

/// Makes the table if there is none.
pub(super) fn create(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(SCHEMA)
}

pub(super) fn save(connection: &Connection, rows: &[ReadRow]) -> rusqlite::Result<()> {
    for row in rows {
        connection
            .prepare_cached("INSERT OR REPLACE INTO reads VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![row.user.number(), row.topic.number(), row.seq, row.epoch.as_u64()])?;
    }
    Ok(())
}

pub(super) fn find(
    connection: &Connection,
    user: NameId,
    topic: NameId,
) -> rusqlite::Result<Option<ReadRow>> {
    let mut statement =
        connection.prepare_cached("SELECT topic, seq, epoch FROM reads WHERE user = ?1 AND topic = ?2")?;
    Ok(statement.query_row([user.number(), topic.number()], |row| read(user, row)).optional()?.flatten())
}

pub(super) fn count(connection: &Connection, user: NameId) -> rusqlite::Result<usize> {
    let mut statement = connection.prepare_cached("SELECT count(*) FROM reads WHERE user = ?1")?;
    statement.query_row([user.number()], |row| row.get(0))
}

/// All of a user's. A reader cannot make the table where an earlier version was the last to write: there are none then.
pub(super) fn of_user(connection: &Connection, user: NameId) -> rusqlite::Result<Vec<ReadRow>> {
    let mut table = connection.prepare_cached("SELECT 1 FROM sqlite_schema WHERE name = 'reads'")?;
    if !table.exists([])? {
        return Ok(Vec::new());
    }
    let mut statement =
        connection.prepare_cached("SELECT topic, seq, epoch FROM reads WHERE user = ?1 ORDER BY topic")?;
    let rows = statement.query_map([user.number()], |row| read(user, row))?;
    rows.filter_map(Result::transpose).collect()
}

/// `None` for a row with numbers that cannot be: a mark less is no loss of a message.
fn read(user: NameId, row: &rusqlite::Row<'_>) -> rusqlite::Result<Option<ReadRow>> {
    let topic = NameId::new(row.get(0)?);
    let (seq, epoch) = (row.get(1)?, Epoch::new(row.get(2)?));
    Ok(topic.zip(epoch.ok()).map(|(topic, epoch)| ReadRow { user, topic, seq, epoch }))
}
