//! What happened about access: a table beside the log, to which is only added, and of which a start adds up who may do what.
//!
//! | `act` | columns beside `n`, `time_ms`, `act` and who did it (`actor`, none for the program itself) |
//! |---|---|
//! | `invite` | `code`, `word` the role, `until_ms`, and `user` if it is for a name |
//! | `device` | `code`, `user`, `until_ms` |
//! | `code_spent` | `code` |
//! | `joined`, `role` | `user`, `word` the role |
//! | `add_key` | `user`, `key`, and `label` if the device has one |
//! | `session` | the same, and `until_ms` |
//! | `plain_listener`, `revoke_key` | `user`, `key` |
//! | `ban`, `unban` | `user` |
//! | `mute` | `user`, and `channel` and `until_ms` if there are such |
//! | `unmute` | `user`, and `channel` if there is one |
//! | `channel` | `channel`, `user` its owner, `word` `private` or `public` |
//! | `private`, `public` | `channel` |
//! | `add`, `remove` | `channel`, `user` |
//! | `registration` | `word` `open`, `invitation` or `closed` |
//! | `password` | `user`, `word` the hash as a PHC string |
//!
//! Keys and codes' hashes are 32 bytes. Words keep their meaning for good; what is new gets a new one.

use std::path::Path;

use recado_proto::{ChannelName, DeviceKey, DeviceLabel, Registration, Role, UserName};
use rusqlite::{Connection, params};

use super::super::StoreError;
use super::{damaged, store_error};
use crate::access::{Access, AccessChange, AccessEvent, CodeHash, Grant, PasswordHash};
use crate::limits::{ACCESS_EVENTS_AT_ONCE_MAX, PASSWORD_HASH_BYTES_MAX};

/// Stores of earlier versions have no such table, and those versions do not mind it: so it needs no layout of its own.
const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS access_events (
        n INTEGER PRIMARY KEY,
        time_ms INTEGER NOT NULL,
        actor TEXT,
        act TEXT NOT NULL,
        user TEXT,
        channel TEXT,
        key BLOB,
        code BLOB,
        word TEXT,
        label TEXT,
        until_ms INTEGER
    ) STRICT;
";

const PRIVATE: &str = "private";
const PUBLIC: &str = "public";

/// Makes the table if there is none.
pub(super) fn create(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(SCHEMA)
}

pub(super) fn append(connection: &Connection, events: &[AccessEvent]) -> rusqlite::Result<()> {
    for AccessEvent { n, time_ms, by, change } in events {
        let columns = Columns::of(change);
        connection
            .prepare_cached(
                "INSERT INTO access_events VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
            )?
            .execute(params![
                n,
                time_ms,
                by.as_ref().map(UserName::as_str),
                change.word(),
                change.user().map(UserName::as_str),
                change.channel().map(ChannelName::as_str),
                change.key().as_ref().map(DeviceKey::as_bytes),
                columns.code.as_ref().map(CodeHash::as_bytes),
                columns.word,
                columns.label,
                columns.until_ms,
            ])?;
    }
    Ok(())
}

/// Adds up all that happened, and says when the last of it did.
pub(super) fn load(connection: &Connection, path: &Path) -> Result<(Access, u64), StoreError> {
    let mut access = Access::default();
    let mut last_time_ms = 0;
    loop {
        let events = read_after(connection, path, access.last_event(), ACCESS_EVENTS_AT_ONCE_MAX)?;
        let Some(last) = events.last() else { return Ok((access, last_time_ms)) };
        last_time_ms = last.time_ms.max(last_time_ms);
        for event in events {
            if event.n != access.last_event() + 1 {
                return Err(damaged(
                    path,
                    format!("event {} of access follows {}", event.n, access.last_event()),
                ));
            }
            access.apply(&event);
        }
    }
}

/// What comes back of events that are kept: they, and what they add up to.
pub(crate) fn kept_and_added_up(events: &[AccessEvent]) -> Result<(Vec<AccessEvent>, Access), StoreError> {
    let path = Path::new(":memory:");
    let connection = Connection::open_in_memory().map_err(|error| store_error(path, &error))?;
    create(&connection)
        .and_then(|()| append(&connection, events))
        .map_err(|error| store_error(path, &error))?;
    Ok((read_after(&connection, path, 0, events.len())?, load(&connection, path)?.0))
}

/// The events after the one of number `after`. A reader cannot make the table where an earlier version was the last to write:
/// there are none then.
pub(super) fn read_after(
    connection: &Connection,
    path: &Path,
    after: u64,
    limit: usize,
) -> Result<Vec<AccessEvent>, StoreError> {
    let wrap = |error| store_error(path, &error);
    let mut table = connection
        .prepare_cached("SELECT 1 FROM sqlite_schema WHERE name = 'access_events'")
        .map_err(wrap)?;
    let Ok(after) = i64::try_from(after) else { return Ok(Vec::new()) };
    if !table.exists([]).map_err(wrap)? {
        return Ok(Vec::new());
    }
    let mut statement = connection
        .prepare_cached(
            "SELECT n, time_ms, actor, act, user, channel, key, code, word, label, until_ms \
             FROM access_events WHERE n > ?1 ORDER BY n LIMIT ?2",
        )
        .map_err(wrap)?;
    let rows = statement.query_map(params![after, limit], Row::read).map_err(wrap)?;
    rows.map(|row| {
        let row = row.map_err(wrap)?;
        let n = row.n;
        row.into_event().ok_or_else(|| damaged(path, format!("event {n} of access makes no sense")))
    })
    .collect()
}

/// What a change has beside user, channel and key.
#[derive(Default)]
struct Columns<'a> {
    code: Option<CodeHash>,
    word: Option<&'a str>,
    label: Option<&'a str>,
    until_ms: Option<u64>,
}

impl<'a> Columns<'a> {
    fn of(change: &'a AccessChange) -> Self {
        let none = Self::default();
        match change {
            AccessChange::CodeMade { code, grant, until_ms } => {
                let word = match grant {
                    Grant::Invitation { role, .. } => Some(role.as_str()),
                    Grant::Device { .. } => None,
                };
                Self { code: Some(*code), word, until_ms: Some(*until_ms), ..none }
            }
            AccessChange::CodeSpent { code } => Self { code: Some(*code), ..none },
            AccessChange::Joined { role, .. } | AccessChange::RoleGiven { role, .. } => {
                Self { word: Some(role.as_str()), ..none }
            }
            AccessChange::KeyAdded { device, until_ms, .. } => {
                Self { label: device.as_ref().map(DeviceLabel::as_str), until_ms: *until_ms, ..none }
            }
            AccessChange::Muted { until_ms, .. } => Self { until_ms: *until_ms, ..none },
            AccessChange::ChannelMade { private, .. } => {
                Self { word: Some(if *private { PRIVATE } else { PUBLIC }), ..none }
            }
            AccessChange::RegistrationSet(registration) => Self { word: Some(registration.as_str()), ..none },
            AccessChange::PasswordSet { hash, .. } => Self { word: Some(hash.as_str()), ..none },
            AccessChange::PlainListener { .. }
            | AccessChange::KeyRevoked { .. }
            | AccessChange::Banned { .. }
            | AccessChange::Unbanned { .. }
            | AccessChange::Unmuted { .. }
            | AccessChange::MadePrivate { .. }
            | AccessChange::MadePublic { .. }
            | AccessChange::MemberAdded { .. }
            | AccessChange::MemberRemoved { .. } => none,
        }
    }
}

/// A row of the table as it is, which may be anything.
struct Row {
    n: u64,
    time_ms: u64,
    actor: Option<String>,
    act: String,
    user: Option<String>,
    channel: Option<String>,
    key: Option<Vec<u8>>,
    code: Option<Vec<u8>>,
    word: Option<String>,
    label: Option<String>,
    until_ms: Option<u64>,
}

impl Row {
    fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            n: row.get(0)?,
            time_ms: row.get(1)?,
            actor: row.get(2)?,
            act: row.get(3)?,
            user: row.get(4)?,
            channel: row.get(5)?,
            key: row.get(6)?,
            code: row.get(7)?,
            word: row.get(8)?,
            label: row.get(9)?,
            until_ms: row.get(10)?,
        })
    }

    /// `None` for what no version of this program wrote.
    fn into_event(self) -> Option<AccessEvent> {
        let by = user_name(self.actor.as_deref())?;
        let user = user_name(self.user.as_deref())?;
        let channel = channel_name(self.channel.as_deref())?;
        let key =
            self.key.as_deref().map(|bytes| bytes.try_into().map(DeviceKey::from_bytes)).transpose().ok()?;
        let code =
            self.code.as_deref().map(|bytes| bytes.try_into().map(CodeHash::from_bytes)).transpose().ok()?;
        let device = self.label.as_deref().map(DeviceLabel::parse).transpose().ok()?;
        let (word, until_ms) = (self.word.as_deref(), self.until_ms);
        let role = || Role::parse(word?);
        let change = match self.act.as_str() {
            "invite" => {
                let grant = Grant::Invitation { of: user, role: role()? };
                AccessChange::CodeMade { code: code?, grant, until_ms: until_ms? }
            }
            "device" => {
                let grant = Grant::Device { of: user? };
                AccessChange::CodeMade { code: code?, grant, until_ms: until_ms? }
            }
            "code_spent" => AccessChange::CodeSpent { code: code? },
            "joined" => AccessChange::Joined { user: user?, role: role()? },
            "add_key" => AccessChange::KeyAdded { user: user?, key: key?, device, until_ms: None },
            "session" => AccessChange::KeyAdded { user: user?, key: key?, device, until_ms: Some(until_ms?) },
            "plain_listener" => AccessChange::PlainListener { user: user?, key: key? },
            "revoke_key" => AccessChange::KeyRevoked { user: user?, key: key? },
            "role" => AccessChange::RoleGiven { user: user?, role: role()? },
            "ban" => AccessChange::Banned { user: user? },
            "unban" => AccessChange::Unbanned { user: user? },
            "mute" => AccessChange::Muted { user: user?, channel, until_ms },
            "unmute" => AccessChange::Unmuted { user: user?, channel },
            "channel" => {
                let private = match word? {
                    PRIVATE => true,
                    PUBLIC => false,
                    _ => return None,
                };
                AccessChange::ChannelMade { channel: channel?, owner: user?, private }
            }
            "private" => AccessChange::MadePrivate { channel: channel? },
            "public" => AccessChange::MadePublic { channel: channel? },
            "add" => AccessChange::MemberAdded { channel: channel?, user: user? },
            "remove" => AccessChange::MemberRemoved { channel: channel?, user: user? },
            "registration" => AccessChange::RegistrationSet(Registration::parse(word?)?),
            "password" => {
                let hash = word.filter(|hash| hash.len() <= PASSWORD_HASH_BYTES_MAX)?;
                AccessChange::PasswordSet { user: user?, hash: PasswordHash::from_phc(hash) }
            }
            _ => return None,
        };
        Some(AccessEvent { n: self.n, time_ms: self.time_ms, by, change })
    }
}

/// `None` for what can be no name.
fn user_name(text: Option<&str>) -> Option<Option<UserName>> {
    match text {
        None => Some(None),
        Some(text) => UserName::parse(text).ok().filter(|name| name.as_str() == text).map(Some),
    }
}

/// `None` for what can be no name.
fn channel_name(text: Option<&str>) -> Option<Option<ChannelName>> {
    match text {
        None => Some(None),
        Some(text) => ChannelName::parse(text).ok().filter(|name| name.as_str() == text).map(Some),
    }
}
