//! Counts of equal entries, on disk where they are many: an import's memory does not grow with its file.

use recado_proto::{Timestamp, UserName};
use rusqlite::{Connection, params};
use uuid::Uuid;

/// A database that is nobody else's and gone with its connection.
#[derive(Debug)]
pub(super) struct Scratch(Connection);

impl Scratch {
    pub(super) fn new() -> rusqlite::Result<Self> {
        // An empty name: a temporary file, which SQLite only makes once its page cache is full.
        let connection = Connection::open("")?;
        connection.execute_batch(
            "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -8192;
             CREATE TABLE messages (digest BLOB PRIMARY KEY, seen INTEGER NOT NULL) STRICT, WITHOUT ROWID;
             CREATE TABLE logins (
                 user TEXT NOT NULL, timestamp INTEGER NOT NULL, balance INTEGER NOT NULL, PRIMARY KEY (user, timestamp)
             ) STRICT, WITHOUT ROWID;
             BEGIN;",
        )?;
        Ok(Self(connection))
    }

    /// How many equal messages came before this one.
    pub(super) fn message_occurrence(&self, digest: Uuid) -> rusqlite::Result<u64> {
        const COUNT: &str =
            "INSERT INTO messages VALUES (?1, 0) ON CONFLICT DO UPDATE SET seen = seen + 1 RETURNING seen";
        self.0.prepare_cached(COUNT)?.query_row([digest.as_bytes()], |row| row.get(0))
    }

    /// A login that the store has.
    pub(super) fn login_in_store(&self, user: &UserName, timestamp: Timestamp) -> rusqlite::Result<()> {
        const COUNT: &str =
            "INSERT INTO logins VALUES (?1, ?2, 1) ON CONFLICT DO UPDATE SET balance = balance + 1";
        self.0.prepare_cached(COUNT)?.execute(params![user.as_str(), timestamp.as_seconds()])?;
        Ok(())
    }

    /// A login that the file has; whether the store has one less of them.
    pub(super) fn login_in_file(&self, user: &UserName, timestamp: Timestamp) -> rusqlite::Result<bool> {
        const COUNT: &str = "INSERT INTO logins VALUES (?1, ?2, -1) ON CONFLICT DO UPDATE SET balance = balance - 1 RETURNING balance";
        let mut statement = self.0.prepare_cached(COUNT)?;
        let balance: i64 =
            statement.query_row(params![user.as_str(), timestamp.as_seconds()], |row| row.get(0))?;
        Ok(balance < 0)
    }
}
