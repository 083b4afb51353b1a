//! A store into a `server_data.json`, in the spelling that most deployments had. What we add (`id`, `seq`, `time_ms`, …) is
//! beside their keys, so that their programs read the file as ever.

use std::io::{self, Write};
use std::path::Path;

use recado_proto::{ActKind, Style};
use serde::Serialize;

use super::check::DELETED_MESSAGE;
use super::file::Target;
use super::json::List;
use super::{Counts, Progress, Stage, TransferError};
use crate::config::StoreUrl;
use crate::limits::SCAN_ROWS_MAX;
use crate::store::{Entry, EntryKind, Position, Reader, Route, SqliteReader, StoredMessage};

/// Writes everything in `store` to `file`, or to standard output if that is `-`. A server may be running beside: the file
/// has what was stored when the export began: each message with its text as it was by then. Acts, and the places of messages
/// that were deleted, have lists of their own; texts that were withdrawn are nowhere.
///
/// # Errors
///
/// The store cannot be read, or the file not be written. Then there is no new file, and an old one of that name stays.
pub fn export(
    store: &StoreUrl,
    file: &Path,
    progress: &mut dyn FnMut(Progress),
) -> Result<Counts, TransferError> {
    let mut reader = SqliteReader::open(&store.path()?)?;
    let mut target = Target::open(file)?;
    let name = target.name();
    let mut writer = Exporter { target: &mut target, counts: Counts::default(), entries: 0, progress };
    let written = writer.lists(&mut reader);
    let counts = writer.counts;
    let finished = written.and_then(|()| Ok(target.finish()?));
    finished.map(|()| counts).map_err(|failure| match failure {
        Failure::Write(error) => TransferError::File { file: name, error },
        Failure::Store(error) => error.into(),
    })
}

enum Failure {
    Write(io::Error),
    Store(crate::store::StoreError),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Failure::Write(error)
    }
}

struct Exporter<'a> {
    target: &'a mut Target,
    counts: Counts,
    entries: u64,
    progress: &'a mut dyn FnMut(Progress),
}

impl Exporter<'_> {
    fn lists(&mut self, reader: &mut dyn Reader) -> Result<(), Failure> {
        self.target.write_all(b"{")?;
        self.counts.logins = self.list(reader, List::Logins, EntryKind::Logins)?;
        self.target.write_all(b",")?;
        self.counts.channels = self.list(reader, List::Channels, EntryKind::Channels)?;
        self.target.write_all(b",")?;
        self.counts.channel_messages =
            self.list(reader, List::ChannelMessages, EntryKind::ChannelMessages)?;
        self.target.write_all(b",")?;
        self.counts.user_messages = self.list(reader, List::UserMessages, EntryKind::DirectMessages)?;
        self.target.write_all(b",")?;
        self.counts.acts = self.list(reader, List::ChannelActs, EntryKind::ChannelActs)?;
        self.target.write_all(b",")?;
        self.counts.acts += self.list(reader, List::UserActs, EntryKind::DirectActs)?;
        self.target.write_all(b"\n}\n")?;
        Ok(())
    }

    /// One list, an entry a line.
    fn list(&mut self, reader: &mut dyn Reader, list: List, kind: EntryKind) -> Result<u64, Failure> {
        write!(self.target, "\n\"{}\": [", list.name())?;
        let mut count = 0;
        let mut cursor = Position(0);
        loop {
            let scan = reader.entries(kind, cursor, SCAN_ROWS_MAX).map_err(Failure::Store)?;
            for entry in &scan.found {
                self.target.write_all(if count == 0 { b"\n" } else { b",\n" })?;
                write_entry(self.target, entry)?;
                count += 1;
            }
            self.entries += scan.found.len() as u64;
            (self.progress)(Progress { stage: Stage::Exporting, entries: self.entries });
            cursor = scan.through;
            if scan.at_end {
                break;
            }
        }
        self.target.write_all(if count == 0 { b"]" } else { b"\n]" })?;
        Ok(count)
    }
}

#[derive(Serialize)]
struct LoginEntry<'a> {
    username: &'a str,
    timestamp: i64,
}

/// A message or an act. Who and where to comes first, as older deployments wrote it.
#[derive(Serialize)]
struct MessageEntry<'a> {
    #[serde(flatten)]
    route: RouteKeys<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'a str>,
    timestamp: i64,
    id: String,
    seq: u64,
    time_ms: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    style: Option<&'static str>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum RouteKeys<'a> {
    Channel { user: &'a str, channel: &'a str },
    Direct { src: &'a str, dst: &'a str },
}

fn write_entry(out: &mut Target, entry: &Entry) -> io::Result<()> {
    match entry {
        Entry::User { .. } => Ok(()),
        Entry::Channel { channel, .. } => json(out, channel.as_str()),
        Entry::Login { user, timestamp } => {
            json(out, &LoginEntry { username: user.as_str(), timestamp: timestamp.as_seconds() })
        }
        Entry::Message(stored) => {
            json(out, &message_entry(stored, stored.act.map(ActKind::as_str), Some(&stored.text)))
        }
        Entry::Deleted(stored) => json(out, &message_entry(stored, Some(DELETED_MESSAGE), None)),
    }
}

fn message_entry<'a>(
    stored: &'a StoredMessage,
    kind: Option<&'static str>,
    message: Option<&'a str>,
) -> MessageEntry<'a> {
    let route = match &stored.route {
        Route::Channel { channel, user } => {
            RouteKeys::Channel { user: user.as_str(), channel: channel.as_str() }
        }
        Route::Direct { to, from } => RouteKeys::Direct { src: from.as_str(), dst: to.as_str() },
    };
    MessageEntry {
        route,
        kind,
        message,
        timestamp: stored.timestamp.as_seconds(),
        id: stored.id.to_string(),
        seq: stored.seq,
        time_ms: stored.time_ms,
        target: stored.manner.target.map(|target| target.to_string()),
        style: stored.manner.style.map(Style::as_str),
    }
}

fn json(out: &mut Target, value: &(impl Serialize + ?Sized)) -> io::Result<()> {
    serde_json::to_writer(out, value).map_err(io::Error::from)
}
