//! A `server_data.json` into a store. All of it is checked first; then it is stored in turns. A turn that fails ends the
//! import, and started again it goes on where it was: what is there already is known by its `id`, or by its content, and is
//! left alone.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use recado_proto::{
    Act, ActKind, ChannelName, Code, HistoryOf, HistoryRequest, Manner, Range, Style, Timestamp, UserName,
};

use super::acts::{self, Acts, Side};
use super::check::{self, Check, Entry};
use super::file::Source;
use super::ids::{Content, id_of};
use super::json::{self, RawMessage};
use super::scratch::Scratch;
use super::{Counts, Imported, Problems, Progress, Stage, TransferError};
use crate::config::StoreUrl;
use crate::limits::{IMPORT_TURN_ENTRIES, SCAN_ROWS_MAX};
use crate::service::unix_ms;
use crate::store::{
    self, Change, Committed, Destination, EntryKind, Marks, NewAct, NewMessage, Outcome, Position, Refusal,
    SqliteStore, Store, StoreError, make_folder,
};

/// Stores what `file` has, or standard input if that is `-`, and `store` has not. Nothing of it is published.
///
/// # Errors
///
/// The file is none, or has entries that cannot be stored: then nothing is. Or a server has the store open. Or writing
/// failed: then some of it is stored, and importing again stores the rest.
pub fn import(
    store: &StoreUrl,
    file: &Path,
    progress: &mut dyn FnMut(Progress),
) -> Result<Imported, TransferError> {
    let mut source = Source::open(file)?;
    let path = store.path()?;
    if let (true, Some(folder)) = (*store == StoreUrl::default(), path.parent()) {
        make_folder(folder)?;
    }
    let store = SqliteStore::open(&path)?;
    let scratch = Scratch::new().map_err(|error| scratch_error(&path, &error))?;
    let acts = check(&store, &mut source, &scratch, progress)?;
    let mut importer = Importer::new(Box::new(store), &path, scratch, acts)?;
    let mut entries = 0;
    let mut failure = None;
    let name = source.name.clone();
    let read = json::read(source.reader()?, |spot, raw| {
        entries += 1;
        if entries % SCAN_ROWS_MAX as u64 == 0 {
            progress(Progress { stage: Stage::Importing, entries });
        }
        let stored = match check::entry(raw) {
            Ok(entry) => importer.take(entry),
            Err(why) => Err(Failure::Refused(format!("{spot}: {why}"))),
        };
        stored.map_err(|error| {
            failure = Some(error);
            "stopped".to_owned()
        })
    });
    match (failure, read) {
        (Some(failure), _) => Err(failure.into_error(&name)),
        (None, Err(error)) => Err(malformed(&name, &error)),
        (None, Ok(())) => {
            let imported = importer.finish().map_err(|failure| failure.into_error(&name))?;
            progress(Progress { stage: Stage::Importing, entries });
            Ok(imported)
        }
    }
}

fn check(
    store: &dyn Store,
    source: &mut Source,
    scratch: &Scratch,
    progress: &mut dyn FnMut(Progress),
) -> Result<Acts, TransferError> {
    let mut reader = store.reader()?;
    let mut acts = Acts::default();
    let mut check = Check::in_store(&reader.users()?, &reader.channels()?);
    let mut entries = 0;
    let name = source.name.clone();
    json::read(source.reader()?, |spot, raw| {
        let entry = check::entry(raw);
        check.take(spot, entry.as_ref().map_err(String::as_str));
        if let Ok(entry) = &entry {
            acts.keep(scratch, entry).map_err(|error| no_room(&error))?;
        }
        entries += 1;
        if entries % SCAN_ROWS_MAX as u64 == 0 {
            progress(Progress { stage: Stage::Checking, entries });
        }
        Ok(())
    })
    .map_err(|error| malformed(&name, &error))?;
    let problems = check.finish();
    if problems.count == 0 { Ok(acts) } else { Err(TransferError::Refused { file: name, problems }) }
}

fn malformed(file: &str, error: &serde_json::Error) -> TransferError {
    TransferError::Malformed { file: file.to_owned(), why: error.to_string() }
}

/// Why an import stops in the middle.
enum Failure {
    Store(StoreError),
    /// The file changed since it was checked.
    Refused(String),
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Failure::Store(error)
    }
}

impl Failure {
    fn into_error(self, file: &str) -> TransferError {
        match self {
            Failure::Store(error) => error.into(),
            Failure::Refused(problem) => TransferError::Refused {
                file: file.to_owned(),
                problems: Problems { listed: vec![problem], count: 1 },
            },
        }
    }
}

/// What a change of the turn is to the report.
enum Meaning {
    /// A receiver, who may never have logged in.
    User,
    Login,
    /// Listed, or needed by a message.
    Channel,
    /// A message; with the `id` that the file gave it, all of it, in case that belongs to another message.
    Message {
        to_channel: bool,
        given: Option<Box<NewMessage>>,
    },
    /// An act, or the place of a message that was deleted.
    Act,
}

struct Importer<'a> {
    store: Box<dyn Store>,
    path: &'a Path,
    scratch: Scratch,
    acts: Acts,
    /// When the channels that were there got their last topic, as far as it was asked.
    topics_since_ms: HashMap<ChannelName, u64>,
    changes: Vec<Change>,
    meanings: Vec<Meaning>,
    users: HashSet<UserName>,
    channels: HashSet<ChannelName>,
    channels_before: HashSet<ChannelName>,
    imported: Imported,
    now_ms: u64,
}

impl<'a> Importer<'a> {
    fn new(store: Box<dyn Store>, path: &'a Path, scratch: Scratch, acts: Acts) -> Result<Self, StoreError> {
        let mut reader = store.reader()?;
        let mut cursor = Position(0);
        loop {
            let scan = reader.entries(EntryKind::Logins, cursor, SCAN_ROWS_MAX)?;
            for entry in &scan.found {
                if let store::Entry::Login { user, timestamp } = entry {
                    scratch.login_in_store(user, *timestamp).map_err(|error| scratch_error(path, &error))?;
                }
            }
            cursor = scan.through;
            if scan.at_end {
                break;
            }
        }
        let users = reader.users()?.into_iter().collect();
        let channels: HashSet<_> = reader.channels()?.into_iter().collect();
        Ok(Self {
            store,
            path,
            scratch,
            acts,
            topics_since_ms: HashMap::new(),
            changes: Vec::new(),
            meanings: Vec::new(),
            users,
            channels_before: channels.clone(),
            channels,
            imported: Imported::default(),
            now_ms: unix_ms(),
        })
    }

    fn take(&mut self, entry: Entry) -> Result<(), Failure> {
        match entry {
            Entry::Login { user, timestamp } => {
                // A login without a time must be the same one in every import.
                let timestamp = timestamp.unwrap_or(Timestamp::from_seconds(0));
                let is_new = self.scratch.login_in_file(&user, timestamp);
                if is_new.map_err(|error| scratch_error(self.path, &error))? {
                    self.users.insert(user.clone());
                    self.push(Change::Login { user, timestamp: Some(timestamp) }, Meaning::Login);
                } else {
                    self.imported.present.logins += 1;
                }
            }
            Entry::Channel { channel, timestamp } => {
                if self.channels.insert(channel.clone()) {
                    self.push(
                        Change::CreateChannel { channel, timestamp, id: None, owner: None },
                        Meaning::Channel,
                    );
                } else if self.channels_before.contains(&channel) {
                    self.imported.present.channels += 1;
                }
            }
            Entry::Message { from, to, message } => {
                let due = self.acts.take_before(&self.scratch, &to, &message);
                let due = due.map_err(|error| scratch_error(self.path, &error))?;
                self.kept_acts(Side::of(&to), due)?;
                self.message(from, to, message)?;
            }
            // They were kept, and their places come.
            Entry::Act { .. } | Entry::Deleted { .. } => {}
        }
        if self.changes.len() >= IMPORT_TURN_ENTRIES { self.turn() } else { Ok(()) }
    }

    fn kept_acts(&mut self, side: Side, numbers: std::ops::Range<u64>) -> Result<(), Failure> {
        for number in numbers {
            let entry = acts::read(&self.scratch, side, number);
            match entry.map_err(|error| scratch_error(self.path, &error))? {
                Some(Entry::Act { from, to, act, message }) => self.act(from, to, act, &message)?,
                Some(Entry::Deleted { from, to, message }) => {
                    self.destination(&to, message.timestamp);
                    let new = self.new_message(from, to, message, true);
                    self.push(Change::Send(new), Meaning::Act);
                }
                Some(Entry::Login { .. } | Entry::Channel { .. } | Entry::Message { .. }) | None => {
                    return Err(Failure::Refused("an act is not as it was".to_owned()));
                }
            }
            if self.changes.len() >= IMPORT_TURN_ENTRIES {
                self.turn()?;
            }
        }
        Ok(())
    }

    fn act(&mut self, from: UserName, to: Destination, act: Act, raw: &RawMessage) -> Result<(), Failure> {
        self.destination(&to, raw.timestamp);
        let time_ms = self.time_ms(raw);
        if let (Destination::Channel(channel), ActKind::Topic) = (&to, act.kind())
            && self.topic_since_ms(channel)? >= time_ms
        {
            self.imported.present.acts += 1;
            return Ok(());
        }
        let imported = Some(store::Imported { time_ms, revised: false });
        let (id, timestamp) = (raw.id, raw.timestamp);
        self.push(Change::Act(NewAct { from, to, act, id, timestamp, clock: 0, imported }), Meaning::Act);
        Ok(())
    }

    /// When a channel that was there before got its topic, so that an older one does not take its place.
    fn topic_since_ms(&mut self, channel: &ChannelName) -> Result<u64, StoreError> {
        if !self.channels_before.contains(channel) {
            return Ok(0);
        }
        if let Some(since_ms) = self.topics_since_ms.get(channel) {
            return Ok(*since_ms);
        }
        let request = HistoryRequest {
            // A channel is anybody's to read.
            user: UserName::parse("import").expect("it is a name"),
            of: HistoryOf::Channel(channel.clone()),
            range: Range::Latest,
            limit: 1,
            acts: true,
        };
        let page = self.store.reader()?.history(&request)?;
        let since_ms = page.ok().and_then(|page| page.topic).map_or(0, |topic| topic.time_ms);
        self.topics_since_ms.insert(channel.clone(), since_ms);
        Ok(since_ms)
    }

    /// Makes sure that there is such a channel or user.
    fn destination(&mut self, to: &Destination, timestamp: Option<Timestamp>) {
        match to {
            Destination::Channel(channel) if self.channels.insert(channel.clone()) => {
                let channel = channel.clone();
                self.push(
                    Change::CreateChannel { channel, timestamp, id: None, owner: None },
                    Meaning::Channel,
                );
            }
            Destination::User(user) if self.users.insert(user.clone()) => {
                self.push(Change::AddUser { user: user.clone() }, Meaning::User);
            }
            Destination::Channel(_) | Destination::User(_) => {}
        }
    }

    fn time_ms(&self, message: &RawMessage) -> u64 {
        let from_timestamp = || u64::try_from(message.timestamp?.as_seconds()).ok()?.checked_mul(1000);
        message.time_ms.or_else(from_timestamp).unwrap_or(self.now_ms).min(self.now_ms)
    }

    fn new_message(&self, from: UserName, to: Destination, message: RawMessage, revised: bool) -> NewMessage {
        let time_ms = self.time_ms(&message);
        let RawMessage { text, timestamp, id, time_ms: _, seq: _, target, style } = message;
        let style = style.filter(|style| style == Style::Me.as_str()).map(|_| Style::Me);
        let (imported, manner) = (Some(store::Imported { time_ms, revised }), Manner { target, style });
        NewMessage { from, to, text, id, timestamp, manner, clock: 0, imported }
    }

    fn message(&mut self, from: UserName, to: Destination, message: RawMessage) -> Result<(), Failure> {
        self.destination(&to, message.timestamp);
        let revised = self.acts.is_edited(&self.scratch, &message);
        let revised = revised.map_err(|error| scratch_error(self.path, &error))?;
        let mut new = self.new_message(from, to, message, revised);
        let to_channel = matches!(new.to, Destination::Channel(_));
        let given = new.id.is_some().then(|| Box::new(new.clone()));
        if new.id.is_none() {
            self.derive_id(&mut new)?;
        }
        self.push(Change::Send(new), Meaning::Message { to_channel, given });
        Ok(())
    }

    /// Gives a message the number that its content comes to.
    fn derive_id(&self, message: &mut NewMessage) -> Result<(), StoreError> {
        let (to_channel, to) = match &message.to {
            Destination::Channel(channel) => (true, channel.as_str()),
            Destination::User(user) => (false, user.as_str()),
        };
        let (from, text, timestamp) = (message.from.as_str(), message.text.as_str(), message.timestamp);
        let content = Content { to_channel, from, to, text, timestamp };
        let digest = content.digest();
        let occurrence =
            self.scratch.message_occurrence(digest).map_err(|error| scratch_error(self.path, &error))?;
        message.id = Some(id_of(&content, digest, occurrence));
        Ok(())
    }

    fn push(&mut self, change: Change, meaning: Meaning) {
        self.changes.push(change);
        self.meanings.push(meaning);
    }

    /// Stores what was gathered, and what has to be stored under another `id` once more.
    fn turn(&mut self) -> Result<(), Failure> {
        while !self.changes.is_empty() {
            let changes = self.with_clocks();
            let marks = self.store.marks();
            let Committed { outcomes, after, through, .. } = self.store.commit(changes, self.now_ms)?;
            if marks.published_through == after {
                // Nothing of this is to be published: the next start need not look for it.
                self.store.set_marks(Marks { published_through: through, ..self.store.marks() });
            }
            for (outcome, meaning) in outcomes.into_iter().zip(std::mem::take(&mut self.meanings)) {
                self.count(outcome, meaning)?;
            }
        }
        Ok(())
    }

    fn with_clocks(&mut self) -> Vec<Change> {
        let Marks { mut clock, published_through } = self.store.marks();
        let mut changes = std::mem::take(&mut self.changes);
        for change in &mut changes {
            match change {
                Change::Send(message) => {
                    clock += 1;
                    message.clock = clock;
                }
                Change::Act(act) => {
                    clock += 1;
                    act.clock = clock;
                }
                Change::Login { .. }
                | Change::AddUser { .. }
                | Change::CreateChannel { .. }
                | Change::Mark { .. }
                | Change::Access { .. } => {}
            }
        }
        self.store.set_marks(Marks { clock, published_through });
        changes
    }

    fn count(&mut self, outcome: Outcome, meaning: Meaning) -> Result<(), Failure> {
        let Imported { added, present, acts_left_out } = &mut self.imported;
        match (outcome, meaning) {
            (Outcome::Accepted, Meaning::Login) => added.logins += 1,
            (Outcome::Accepted, Meaning::Channel) => added.channels += 1,
            (Outcome::Stored(_), Meaning::Message { to_channel, .. }) => *messages(added, to_channel) += 1,
            (Outcome::Repeated(_), Meaning::Message { to_channel, .. }) => {
                *messages(present, to_channel) += 1
            }
            (Outcome::Stored(_), Meaning::Act) => added.acts += 1,
            (Outcome::Repeated(_), Meaning::Act) => present.acts += 1,
            (Outcome::Refused(_), Meaning::Act) => *acts_left_out += 1,
            (
                Outcome::Refused(Refusal { code: Code::IdReused, .. }),
                Meaning::Message { to_channel, given: Some(mut message) },
            ) => {
                self.derive_id(&mut message)?;
                self.push(Change::Send(*message), Meaning::Message { to_channel, given: None });
            }
            (Outcome::Refused(refusal), _) => return Err(Failure::Refused(refusal.description)),
            (
                Outcome::Accepted
                | Outcome::Marked
                | Outcome::Stored(_)
                | Outcome::Repeated(_)
                | Outcome::Access(_),
                _,
            ) => {}
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Imported, Failure> {
        for side in [Side::Channels, Side::Users] {
            let rest = self.acts.take_rest(side);
            self.kept_acts(side, rest)?;
        }
        self.turn()?;
        self.store.close()?;
        Ok(self.imported)
    }
}

fn messages(counts: &mut Counts, to_channel: bool) -> &mut u64 {
    if to_channel { &mut counts.channel_messages } else { &mut counts.user_messages }
}

/// The counts and acts lie beside the system's other temporary files.
fn scratch_error(path: &Path, error: &rusqlite::Error) -> StoreError {
    StoreError::CannotOpen { path: path.to_path_buf(), why: no_room(error) }
}

fn no_room(error: &rusqlite::Error) -> String {
    format!("no room for temporary counts: {error}")
}
