//! Counts of equal entries, and acts until their places come, on disk where they are many: an import's memory does not grow
//! with its file.

use recado_proto::{MessageId, Timestamp, UserName};
use rusqlite::{Connection, OptionalExtension, params};
use uuid::Uuid;

/// A database that is nobody else's and gone with its connection.
#[derive(Debug)]
pub(super) struct Scratch(Connection);

/// An act that waits for its place.
#[derive(Clone, Copy, Debug)]
pub(super) struct KeptAct<'a> {
    pub(super) list: u8,
    /// Its place in the list: 0, 1, 2, …
    pub(super) number: u64,
    /// The channel or receiving user.
    pub(super) topic: &'a str,
    pub(super) seq: Option<u64>,
    /// The message, if it is an edit.
    pub(super) edited: Option<MessageId>,
    /// All of it, as the file has it.
    pub(super) entry: &'a str,
}

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
             CREATE TABLE acts (
                 list INTEGER NOT NULL, number INTEGER NOT NULL, topic TEXT NOT NULL, seq INTEGER, edited BLOB, entry TEXT NOT NULL,
                 PRIMARY KEY (list, number)
             ) STRICT, WITHOUT ROWID;
             CREATE INDEX acts_by_place ON acts (list, topic, seq);
             CREATE INDEX acts_by_edited ON acts (edited) WHERE edited IS NOT NULL;
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

    /// Keeps an act for later.
    pub(super) fn keep(&self, act: &KeptAct<'_>) -> rusqlite::Result<()> {
        let mut statement = self.0.prepare_cached("INSERT INTO acts VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?;
        let edited = act.edited.as_ref().map(MessageId::as_bytes);
        statement.execute(params![act.list, act.number, act.topic, act.seq, edited, act.entry])?;
        Ok(())
    }

    /// The last act of a list with a place in the topic before this one.
    pub(super) fn last_before(&self, list: u8, topic: &str, seq: u64) -> rusqlite::Result<Option<u64>> {
        const LAST: &str =
            "SELECT number FROM acts WHERE list = ?1 AND topic = ?2 AND seq < ?3 ORDER BY seq DESC LIMIT 1";
        self.0.prepare_cached(LAST)?.query_row(params![list, topic, seq], |row| row.get(0)).optional()
    }

    /// An act of a list.
    pub(super) fn act(&self, list: u8, number: u64) -> rusqlite::Result<Option<String>> {
        const READ: &str = "SELECT entry FROM acts WHERE list = ?1 AND number = ?2";
        self.0.prepare_cached(READ)?.query_row(params![list, number], |row| row.get(0)).optional()
    }

    /// Whether the file edits the message.
    pub(super) fn is_edited(&self, message: &MessageId) -> rusqlite::Result<bool> {
        self.0.prepare_cached("SELECT 1 FROM acts WHERE edited = ?1")?.exists([message.as_bytes()])
    }
}
