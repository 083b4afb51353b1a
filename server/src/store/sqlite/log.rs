//! The log's rows: appending records, and reading them back. Rows are never changed.

use std::sync::Arc;

use recado_proto::{ActKind, Manner, MessageId, Style, Timestamp};
use rusqlite::{Connection, Row, params};

use super::super::directory::{Directory, Misfit, Name, NameId, Record};
use super::super::types::{Position, Route, StoredMessage};

const INSERT: &str = "INSERT INTO log VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";
pub(super) const READ_AT: &str = "SELECT position, kind, topic, sender, seq, id, time_ms, timestamp, clock, text, target, form \
    FROM log WHERE position = ?1";
const READ_AFTER: &str = "SELECT position, kind, topic, sender, seq, id, time_ms, timestamp, clock, text, target, form \
    FROM log WHERE position > ?1 AND position <= ?2 ORDER BY position LIMIT ?3";

/// What a row says. The numbers are those in the column `kind`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    User = 1,
    Channel = 2,
    Login = 3,
    ChannelMessage = 4,
    DirectMessage = 5,
    ImportedChannelMessage = 6,
    ImportedDirectMessage = 7,
    ChannelAct = 8,
    DirectAct = 9,
    ImportedChannelAct = 10,
    ImportedDirectAct = 11,
}

impl Kind {
    const ALL: [Kind; 11] = [
        Kind::User,
        Kind::Channel,
        Kind::Login,
        Kind::ChannelMessage,
        Kind::DirectMessage,
        Kind::ImportedChannelMessage,
        Kind::ImportedDirectMessage,
        Kind::ChannelAct,
        Kind::DirectAct,
        Kind::ImportedChannelAct,
        Kind::ImportedDirectAct,
    ];

    fn from_number(number: i64) -> Option<Self> {
        Kind::ALL.into_iter().find(|kind| *kind as i64 == number)
    }

    fn of(record: &Record) -> Self {
        match record {
            Record::Named { name: Name::User(_), .. } => Kind::User,
            Record::Named { name: Name::Channel(_), .. } => Kind::Channel,
            Record::Login { .. } => Kind::Login,
            Record::Message { message, .. } if message.act.is_some() => {
                match (&message.route, message.imported) {
                    (Route::Channel { .. }, false) => Kind::ChannelAct,
                    (Route::Direct { .. }, false) => Kind::DirectAct,
                    (Route::Channel { .. }, true) => Kind::ImportedChannelAct,
                    (Route::Direct { .. }, true) => Kind::ImportedDirectAct,
                }
            }
            Record::Message { message, .. } => match (&message.route, message.imported) {
                (Route::Channel { .. }, false) => Kind::ChannelMessage,
                (Route::Direct { .. }, false) => Kind::DirectMessage,
                (Route::Channel { .. }, true) => Kind::ImportedChannelMessage,
                (Route::Direct { .. }, true) => Kind::ImportedDirectMessage,
            },
        }
    }
}

/// Appends `records`; about how many bytes that takes on disk.
pub(super) fn append(connection: &Connection, records: &[Record]) -> rusqlite::Result<u64> {
    let mut insert = connection.prepare_cached(INSERT)?;
    let mut bytes = 0;
    for record in records {
        let kind = Kind::of(record) as i64;
        let position = record.position().0;
        match record {
            Record::Named { id, name, timestamp, time_ms, given, .. } => {
                let none = None::<i64>;
                let timestamp = timestamp.as_seconds();
                insert.execute(params![
                    position,
                    kind,
                    id.number(),
                    none,
                    none,
                    given.as_ref().map(MessageId::as_bytes),
                    time_ms,
                    timestamp,
                    none,
                    name.as_str(),
                    none,
                    none
                ])?;
            }
            Record::Login { user, timestamp, time_ms, .. } => {
                let none = None::<i64>;
                let timestamp = timestamp.as_seconds();
                insert.execute(params![
                    position,
                    kind,
                    user.number(),
                    none,
                    none,
                    none,
                    time_ms,
                    timestamp,
                    none,
                    none,
                    none,
                    none
                ])?;
            }
            Record::Message { topic, sender, message } => {
                insert.execute(params![
                    position,
                    kind,
                    topic.number(),
                    sender.number(),
                    message.seq,
                    message.id.as_bytes(),
                    message.time_ms,
                    message.timestamp.as_seconds(),
                    message.clock,
                    message.text,
                    message.manner.target.as_ref().map(MessageId::as_bytes),
                    form_number(message),
                ])?;
                bytes += message.text.len() as u64;
            }
        }
        bytes += 64;
    }
    Ok(bytes)
}

/// What the column `form` says: of an act its kind, of a message its style.
fn form_number(message: &StoredMessage) -> Option<i64> {
    match (message.act, message.manner.style) {
        (Some(kind), _) => Some(kind_number(kind)),
        (None, Some(Style::Me)) => Some(FORM_ME),
        (None, None) => None,
    }
}

const FORM_ME: i64 = 1;

/// An act's kind in the log and in the index.
pub(super) const fn kind_number(kind: ActKind) -> i64 {
    match kind {
        ActKind::Edit => 1,
        ActKind::Delete => 2,
        ActKind::React => 3,
        ActKind::Unreact => 4,
        ActKind::Topic => 5,
    }
}

fn act_kind(form: Option<i64>) -> Result<ActKind, Misfit> {
    let known = |kind: &ActKind| Some(kind_number(*kind)) == form;
    ActKind::ALL.into_iter().find(known).ok_or(Misfit("an act of an unknown kind"))
}

fn style(form: Option<i64>) -> Result<Option<Style>, Misfit> {
    match form {
        None => Ok(None),
        Some(FORM_ME) => Ok(Some(Style::Me)),
        Some(_) => Err(Misfit("a message of an unknown style")),
    }
}

/// A row as it lies in the file; its names are numbers.
#[derive(Debug)]
pub(super) struct RawRow {
    pub(super) position: Position,
    pub(super) kind: i64,
    topic: u32,
    sender: Option<u32>,
    seq: Option<u64>,
    id: Option<[u8; 16]>,
    time_ms: u64,
    timestamp: i64,
    clock: Option<u64>,
    text: Option<String>,
    target: Option<[u8; 16]>,
    form: Option<i64>,
}

impl RawRow {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            position: Position(row.get(0)?),
            kind: row.get(1)?,
            topic: row.get(2)?,
            sender: row.get(3)?,
            seq: row.get(4)?,
            id: row.get(5)?,
            time_ms: row.get(6)?,
            timestamp: row.get(7)?,
            clock: row.get(8)?,
            text: row.get(9)?,
            target: row.get(10)?,
            form: row.get(11)?,
        })
    }

    /// The record, with names from `directory`, which has all that came before.
    pub(super) fn into_record(self, directory: &Directory) -> Result<Record, Misfit> {
        let kind = Kind::from_number(self.kind).ok_or(Misfit("a row of an unknown kind"))?;
        let timestamp = Timestamp::from_seconds(self.timestamp);
        let id = NameId::new(self.topic).ok_or(Misfit("a row without a name"))?;
        let Self { position, time_ms, .. } = self;
        Ok(match kind {
            Kind::User | Kind::Channel => {
                let text = self.text.ok_or(Misfit("a name without a text"))?;
                let name = parse_name(kind == Kind::User, &text)?;
                let given = self.id.map(MessageId::from_bytes);
                Record::Named { position, id, name, timestamp, time_ms, given }
            }
            Kind::Login => Record::Login { position, user: id, timestamp, time_ms },
            Kind::ChannelMessage
            | Kind::DirectMessage
            | Kind::ImportedChannelMessage
            | Kind::ImportedDirectMessage
            | Kind::ChannelAct
            | Kind::DirectAct
            | Kind::ImportedChannelAct
            | Kind::ImportedDirectAct => {
                let (act, style) = match kind {
                    Kind::ChannelAct
                    | Kind::DirectAct
                    | Kind::ImportedChannelAct
                    | Kind::ImportedDirectAct => (Some(act_kind(self.form)?), None),
                    Kind::User
                    | Kind::Channel
                    | Kind::Login
                    | Kind::ChannelMessage
                    | Kind::DirectMessage
                    | Kind::ImportedChannelMessage
                    | Kind::ImportedDirectMessage => (None, style(self.form)?),
                };
                let sender = self.sender.and_then(NameId::new).ok_or(Misfit("a message without a sender"))?;
                let message = Arc::new(StoredMessage {
                    position,
                    route: route(kind, directory, id, sender)?,
                    seq: self.seq.ok_or(Misfit("a message without a place"))?,
                    id: MessageId::from_bytes(self.id.ok_or(Misfit("a message without an id"))?),
                    time_ms,
                    timestamp,
                    clock: self.clock.unwrap_or(0),
                    text: self.text.ok_or(Misfit("a message without a text"))?,
                    act,
                    manner: Manner { target: self.target.map(MessageId::from_bytes), style },
                    imported: matches!(
                        kind,
                        Kind::ImportedChannelMessage
                            | Kind::ImportedDirectMessage
                            | Kind::ImportedChannelAct
                            | Kind::ImportedDirectAct
                    ),
                });
                Record::Message { topic: id, sender, message }
            }
        })
    }
}

/// A name as it was stored.
pub(super) fn parse_name(is_user: bool, text: &str) -> Result<Name, Misfit> {
    let wrong = |_| Misfit("a name that is none");
    if is_user {
        text.parse().map(Name::User).map_err(wrong)
    } else {
        text.parse().map(Name::Channel).map_err(wrong)
    }
}

fn route(kind: Kind, directory: &Directory, topic: NameId, sender: NameId) -> Result<Route, Misfit> {
    let to_channel = matches!(
        kind,
        Kind::ChannelMessage | Kind::ImportedChannelMessage | Kind::ChannelAct | Kind::ImportedChannelAct
    );
    match (to_channel, directory.name(topic), directory.name(sender)) {
        (true, Some(Name::Channel(channel)), Some(Name::User(user))) => {
            Ok(Route::Channel { channel: channel.clone(), user: user.clone() })
        }
        (false, Some(Name::User(to)), Some(Name::User(from))) => {
            Ok(Route::Direct { to: to.clone(), from: from.clone() })
        }
        _ => Err(Misfit("a message from or to nobody")),
    }
}

/// The position of the last row.
pub(super) fn last_position(connection: &Connection) -> rusqlite::Result<Position> {
    let mut statement = connection.prepare_cached("SELECT ifnull(max(position), 0) FROM log")?;
    statement.query_row([], |row| row.get(0)).map(Position)
}

/// The last row's time.
pub(super) fn last_time_ms(connection: &Connection) -> rusqlite::Result<u64> {
    // An import's rows keep their first time, which may be later or earlier than their neighbours'.
    let mut statement = connection.prepare_cached(
        "SELECT ifnull(max(time_ms), 0) FROM (SELECT time_ms FROM log ORDER BY position DESC LIMIT 1024)",
    )?;
    statement.query_row([], |row| row.get(0))
}

/// Rows after `after` and up to `through`, in their order.
pub(super) fn read_after(
    connection: &Connection,
    after: Position,
    through: Position,
    limit: usize,
) -> rusqlite::Result<Vec<RawRow>> {
    let mut statement = connection.prepare_cached(READ_AFTER)?;
    let rows = statement.query_map(params![after.0, through.0, limit], RawRow::read)?;
    rows.collect()
}

/// The row at a position.
pub(super) fn read_at(connection: &Connection, position: Position) -> rusqlite::Result<RawRow> {
    let mut statement = connection.prepare_cached(READ_AT)?;
    statement.query_row([position.0], RawRow::read)
}
