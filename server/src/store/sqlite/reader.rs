//! The store as readers see it: a snapshot of the tail in memory first, then the index and the log, so that what moves from
//! one to the other meanwhile is neither missed nor given twice.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use recado_proto::{
    ActKind, ChannelName, Code, Epoch, HistoryOf, HistoryPage, HistoryRequest, MessageId, Place, Publication,
    Range, ReadMark, ReadOf, TopicName, UserName,
};
use rusqlite::Connection;

use super::super::acts;
use super::super::directory::{Directory, Name, NameId, Record};
use super::super::history::{Keep, KeyRange, Room, Stretch};
use super::super::rules::{no_such_channel, no_such_user};
use super::super::tail::{Pair, TailHead};
use super::super::types::{Entry, EntryKind, NameOf, Position, Refusal, Route, Scan, StoredMessage};
use super::super::{Reader, StoreError};
use super::open::{self, Opening, index_error};
use super::{SharedView, View, access, damaged, index, log, reads, store_error};
use crate::access::AccessEvent;
use crate::limits::READER_CACHE_KIB;

/// A reader of the embedded store, beside its writer in this process or in another one.
#[derive(Debug)]
pub struct SqliteReader {
    path: PathBuf,
    connection: Connection,
    view: Arc<SharedView>,
    epoch: Epoch,
}

/// Whose messages a request means.
#[derive(Clone, Copy, Debug)]
enum Subject {
    /// Keys are `seq`s.
    Topic(NameId),
    /// Keys are positions.
    Conversation(Pair),
}

/// A message of a page: in memory already, or in the log.
enum Found {
    Here(Arc<StoredMessage>),
    InLog(Position),
}

/// A refusal is an answer, a store error is not.
enum HistoryError {
    Refused(Refusal),
    Failed(StoreError),
}

impl From<StoreError> for HistoryError {
    fn from(error: StoreError) -> Self {
        HistoryError::Failed(error)
    }
}

impl From<Refusal> for HistoryError {
    fn from(refusal: Refusal) -> Self {
        HistoryError::Refused(refusal)
    }
}

impl SqliteReader {
    /// A reader of a store that another process may be writing. It sees the store as it was when it was opened.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        open::check_sqlite()?;
        let path = open::true_path(path)?;
        if !open::inspect(&path)? {
            return Err(StoreError::Missing { path });
        }
        let mut connection = open::connect(&path, Opening::Read, READER_CACHE_KIB)?;
        open::check(&connection, &path)?;
        open::bring_up(&connection, &path, Opening::Read)?;
        let loaded = open::load(&mut connection, &path)?;
        Ok(Self { path, connection, view: Arc::new(SharedView(loaded.view.into())), epoch: loaded.epoch })
    }

    /// A reader in the writer's process.
    pub(super) fn beside(path: &Path, view: Arc<SharedView>, epoch: Epoch) -> Result<Self, StoreError> {
        let connection = open::connect(path, Opening::Read, READER_CACHE_KIB)?;
        Ok(Self { path: path.to_path_buf(), connection, view, epoch })
    }

    /// The store's generation.
    pub(super) fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// The position of the last entry that is committed.
    pub(super) fn through(&self) -> Position {
        self.view.read().through
    }

    pub(super) fn with_directory<T>(&self, look: impl FnOnce(&Directory) -> T) -> T {
        look(&self.view.read().directory)
    }

    fn page(&mut self, request: &HistoryRequest) -> Result<HistoryPage, HistoryError> {
        let (subject, last_seq) = subject(&self.view.read(), request)?;
        let range = self.keys(subject, request.range)?;
        let mut messages = Vec::new();
        for stretch in range.stretches(request.limit as usize) {
            messages.extend(self.stretch(subject, stretch, request.acts)?);
        }
        let mut page =
            HistoryPage { messages, first_seq: None, last_seq: None, epoch: Some(self.epoch), topic: None };
        if let Subject::Topic(topic) = subject {
            // Messages that came in meanwhile are part of the page, so the topic reaches that far at least.
            let newest = page.messages.last().and_then(|message| message.seq).unwrap_or(0);
            page.first_seq = Some(1);
            page.last_seq = Some(last_seq.max(newest));
            if request.acts {
                page.topic = self.channel_topic(topic)?.and_then(|act| act.to_act_done());
            }
        }
        Ok(page)
    }

    /// The places of a request as keys of its subject.
    fn keys(&self, subject: Subject, range: Range) -> Result<KeyRange, HistoryError> {
        KeyRange::resolve(range, |place| match (place, subject) {
            (Place::Seq(seq), Subject::Topic(_)) => Ok(seq),
            (Place::Seq(_), Subject::Conversation(_)) => {
                let why = "a conversation runs through two topics: name a place in it by a message's id";
                Err(Refusal::new(Code::BadPlace, why).into())
            }
            (Place::Id(id), _) => self.key_of(subject, &id),
        })
    }

    fn key_of(&self, subject: Subject, id: &MessageId) -> Result<u64, HistoryError> {
        let nowhere =
            || Refusal::new(Code::BadPlace, format!("there is no message {id} among those asked for"));
        let (topic, sender, message) = self.find(id)?.ok_or_else(nowhere)?;
        match subject {
            Subject::Topic(asked) if asked == topic => Ok(message.seq),
            Subject::Conversation(pair)
                if pair == Pair::of(topic, sender) && matches!(message.route, Route::Direct { .. }) =>
            {
                Ok(message.position.0)
            }
            Subject::Topic(_) | Subject::Conversation(_) => Err(nowhere().into()),
        }
    }

    pub(super) fn find(
        &self,
        id: &MessageId,
    ) -> Result<Option<(NameId, NameId, Arc<StoredMessage>)>, StoreError> {
        {
            let view = self.view.read();
            if let Some(message) = view.tail.find(id) {
                let (topic, sender) = names(&view, message);
                let ids = topic.zip(sender).ok_or_else(|| damaged(&self.path, "a message of nobody"))?;
                return Ok(Some((ids.0, ids.1, Arc::clone(message))));
            }
        }
        match index::of_id(&self.connection, id).map_err(|error| self.wrap(&error))? {
            Some(position) => self.message_if_at(position),
            None => Ok(None),
        }
    }

    /// The messages of one stretch, oldest first.
    fn stretch(
        &mut self,
        subject: Subject,
        stretch: Stretch,
        with_acts: bool,
    ) -> Result<Vec<Publication>, StoreError> {
        let found = match subject {
            Subject::Topic(topic) => self.topic_stretch(topic, stretch, with_acts)?,
            Subject::Conversation(pair) => self.conversation_stretch(pair, stretch, with_acts)?,
        };
        let mut room = Room::new(stretch.bytes);
        let mut messages = Vec::with_capacity(found.len());
        let mut take = |found: Found| -> Result<bool, StoreError> {
            let message = match found {
                Found::Here(message) => message,
                Found::InLog(position) => self.message_at(position)?.2,
            };
            let message = self.as_it_is(&message, with_acts)?;
            let fits = room.take(&message);
            if fits {
                messages.push(message);
            }
            Ok(fits)
        };
        match stretch.keep {
            Keep::Oldest => {
                for found in found {
                    if !take(found)? {
                        break;
                    }
                }
            }
            Keep::Newest => {
                for found in found.into_iter().rev() {
                    if !take(found)? {
                        break;
                    }
                }
                messages.reverse();
            }
        }
        Ok(messages)
    }

    /// The message as it is by now. An edit of a deleted message has no text any more.
    pub(super) fn as_it_is(
        &self,
        message: &StoredMessage,
        with_acts: bool,
    ) -> Result<Publication, StoreError> {
        match (message.act, message.manner.target) {
            (None, _) => {
                let acts = self.acts_on(&message.id)?;
                Ok(acts::revised(message, &acts, with_acts, self.epoch))
            }
            (Some(ActKind::Edit), Some(target)) => {
                let mut edit = message.to_publication(self.epoch);
                if self.acts_on(&target)?.iter().any(|act| act.act == Some(ActKind::Delete)) {
                    edit.message.clear();
                }
                Ok(edit)
            }
            (Some(_), _) => Ok(message.to_publication(self.epoch)),
        }
    }

    /// All acts on a message, in their order.
    fn acts_on(&self, target: &MessageId) -> Result<Vec<Arc<StoredMessage>>, StoreError> {
        let (tail_from, in_tail) = {
            let view = self.view.read();
            let tail_from = view.tail.first_position().unwrap_or(Position(view.through.0 + 1));
            (tail_from, view.tail.acts_on(target).to_vec())
        };
        let positions =
            index::acts_on(&self.connection, target, tail_from).map_err(|error| self.wrap(&error))?;
        let mut acts = Vec::with_capacity(positions.len() + in_tail.len());
        for position in positions {
            acts.push(self.message_at(position)?.2);
        }
        acts.extend(in_tail);
        acts::in_order(&mut acts);
        Ok(acts)
    }

    /// The last act that gave a channel its topic.
    fn channel_topic(&self, channel: NameId) -> Result<Option<Arc<StoredMessage>>, StoreError> {
        let tail_from = {
            let view = self.view.read();
            if let Some(act) = view.tail.channel_topic(channel) {
                return Ok(Some(Arc::clone(act)));
            }
            view.tail.first_position().unwrap_or(Position(view.through.0 + 1))
        };
        let found = index::channel_topic(&self.connection, channel, tail_from);
        match found.map_err(|error| self.wrap(&error))? {
            Some(position) => Ok(Some(self.message_at(position)?.2)),
            None => Ok(None),
        }
    }

    /// The messages alone, passing over acts: how many entries that takes is not known before.
    fn messages_of_topic(&self, topic: NameId, stretch: Stretch) -> Result<Vec<Found>, StoreError> {
        let view = self.view.read();
        let whole = Stretch { limit: usize::MAX, ..stretch };
        let (first, last) = whole.window(view.directory.last_seq(topic));
        let (tail_from, in_tail) = view.tail.of_topic(topic, first, last);
        let messages = in_tail.iter().filter(|message| message.act.is_none());
        let in_tail: Vec<_> = messages.map(|message| Found::Here(Arc::clone(message))).collect();
        drop(view);
        let bounds = (first, tail_from.map_or(last, |from| last.min(from - 1)));
        let found = index::messages_of_topic(&self.connection, topic, bounds, stretch.keep, stretch.limit);
        let found = found.map_err(|error| index_error(&self.path, error))?;
        let mut found: Vec<_> = found.into_iter().map(Found::InLog).chain(in_tail).collect();
        match stretch.keep {
            Keep::Oldest => found.truncate(stretch.limit),
            Keep::Newest => drop(found.drain(..found.len().saturating_sub(stretch.limit))),
        }
        Ok(found)
    }

    fn topic_stretch(
        &self,
        topic: NameId,
        stretch: Stretch,
        with_acts: bool,
    ) -> Result<Vec<Found>, StoreError> {
        if !with_acts {
            return self.messages_of_topic(topic, stretch);
        }
        let view = self.view.read();
        let (first, last) = stretch.window(view.directory.last_seq(topic));
        let (tail_from, in_tail) = view.tail.of_topic(topic, first, last);
        let in_tail: Vec<_> = in_tail.iter().map(|message| Found::Here(Arc::clone(message))).collect();
        drop(view);
        let indexed_last = tail_from.map_or(last, |from| last.min(from - 1));
        let indexed = index::of_topic(&self.connection, topic, first, indexed_last);
        let indexed = indexed.map_err(|error| index_error(&self.path, error))?;
        Ok(indexed.into_iter().map(Found::InLog).chain(in_tail).collect())
    }

    fn conversation_stretch(
        &self,
        pair: Pair,
        stretch: Stretch,
        with_acts: bool,
    ) -> Result<Vec<Found>, StoreError> {
        let (after, before) = (Position(stretch.after), Position(stretch.before));
        let view = self.view.read();
        let in_tail = view.tail.of_pair(pair, after, before).iter();
        let in_tail: Vec<_> =
            in_tail.filter(|message| with_acts || message.act.is_none()).map(Arc::clone).collect();
        // What is indexed after this look at the tail is in the tail, or came later.
        let tail_from = view.tail.first_position().unwrap_or(Position(view.through.0 + 1));
        drop(view);
        let bounds = (after, before.min(tail_from));
        let indexed = index::of_pair(&self.connection, pair, bounds, stretch.keep, stretch.limit, with_acts);
        let indexed = indexed.map_err(|error| index_error(&self.path, error))?;
        let mut found: Vec<_> =
            indexed.into_iter().map(Found::InLog).chain(in_tail.into_iter().map(Found::Here)).collect();
        match stretch.keep {
            Keep::Oldest => found.truncate(stretch.limit),
            Keep::Newest => drop(found.drain(..found.len().saturating_sub(stretch.limit))),
        }
        Ok(found)
    }

    /// Of the topic's first `count` messages, which are indexed, those up to the position `at`.
    fn indexed_up_to(&self, topic: NameId, count: u64, at: Position) -> Result<u64, StoreError> {
        let position_of = |seq| -> Result<Position, StoreError> {
            let found = index::of_topic(&self.connection, topic, seq, seq);
            let found = found.map_err(|error| index_error(&self.path, error))?;
            found.first().copied().ok_or_else(|| damaged(&self.path, "the index of a topic is short"))
        };
        let (mut known_up_to, mut known_after) = (0, count + 1);
        // Mostly it is the last one, and then one look tells.
        let mut looked_at = count;
        while known_up_to + 1 < known_after {
            if position_of(looked_at)? <= at {
                known_up_to = looked_at;
            } else {
                known_after = looked_at;
            }
            looked_at = known_up_to.midpoint(known_after);
        }
        Ok(known_up_to)
    }

    fn message_at(&self, position: Position) -> Result<(NameId, NameId, Arc<StoredMessage>), StoreError> {
        let found = self.message_if_at(position)?;
        found.ok_or_else(|| damaged(&self.path, format!("its index calls row {position} a message")))
    }

    /// Not every row that has an `id` is a message.
    pub(super) fn message_if_at(
        &self,
        position: Position,
    ) -> Result<Option<(NameId, NameId, Arc<StoredMessage>)>, StoreError> {
        let row = log::read_at(&self.connection, position).map_err(|error| self.wrap(&error))?;
        match row.into_record(&self.view.read().directory) {
            Ok(Record::Message { topic, sender, message }) => Ok(Some((topic, sender, message))),
            Ok(Record::Named { .. } | Record::Login { .. }) => Ok(None),
            Err(misfit) => Err(damaged(&self.path, format!("row {position} of its log: {}", misfit.0))),
        }
    }

    /// The log's records after `after`, `limit` at most, and whether they reach the end.
    pub(super) fn records(&self, after: Position, limit: usize) -> Result<Scan<Record>, StoreError> {
        let through = self.view.read().through;
        let rows =
            log::read_after(&self.connection, after, through, limit).map_err(|error| self.wrap(&error))?;
        let view = self.view.read();
        let mut found = Vec::with_capacity(rows.len());
        for row in rows {
            let position = row.position;
            let record = row.into_record(&view.directory);
            found.push(
                record.map_err(|misfit| {
                    damaged(&self.path, format!("row {position} of its log: {}", misfit.0))
                })?,
            );
        }
        let reached = found.last().map_or(after, Record::position);
        Ok(Scan { found, through: reached, at_end: reached >= through })
    }

    /// The entry with its text as it is by now, if it is what is listed: messages that were not deleted, or all else.
    fn entry_as_it_is(&self, kind: EntryKind, entry: Entry) -> Result<Option<Entry>, StoreError> {
        let Entry::Message(message) = entry else { return Ok(Some(entry)) };
        if message.act.is_some() {
            return if kind.is_of_acts() { self.act_as_it_is(message).map(Some) } else { Ok(None) };
        }
        let acts = self.acts_on(&message.id)?;
        if acts.is_empty() {
            return Ok((!kind.is_of_acts()).then_some(Entry::Message(message)));
        }
        let revised = acts::revised(&message, &acts, false, self.epoch);
        let text = revised.message;
        let message = Arc::new(StoredMessage { text, ..message.as_ref().clone() });
        let entry = if revised.deleted { Entry::Deleted(message) } else { Entry::Message(message) };
        Ok((revised.deleted == kind.is_of_acts()).then_some(entry))
    }

    /// A text that nobody is shown any more is left out.
    fn act_as_it_is(&self, act: Arc<StoredMessage>) -> Result<Entry, StoreError> {
        let (Some(ActKind::Edit), Some(target)) = (act.act, act.manner.target) else {
            return Ok(Entry::Message(act));
        };
        let acts = self.acts_on(&target)?;
        let deleted = acts.iter().any(|act| act.act == Some(ActKind::Delete));
        let last_edit = acts.iter().rfind(|act| act.act == Some(ActKind::Edit));
        if !deleted && last_edit.is_some_and(|last| last.id == act.id) {
            return Ok(Entry::Message(act));
        }
        Ok(Entry::Message(Arc::new(StoredMessage { text: String::new(), ..act.as_ref().clone() })))
    }

    fn wrap(&self, error: &rusqlite::Error) -> StoreError {
        store_error(&self.path, error)
    }
}

impl Reader for SqliteReader {
    fn name_of(&self, name: &str) -> NameOf {
        self.view.read().directory.name_of(name)
    }

    fn users(&mut self) -> Result<Vec<UserName>, StoreError> {
        Ok(self.view.read().directory.users())
    }

    fn channels(&mut self) -> Result<Vec<ChannelName>, StoreError> {
        Ok(self.view.read().directory.channels())
    }

    fn history(&mut self, request: &HistoryRequest) -> Result<Result<HistoryPage, Refusal>, StoreError> {
        match self.page(request) {
            Ok(page) => Ok(Ok(page)),
            Err(HistoryError::Refused(refusal)) => Ok(Err(refusal)),
            Err(HistoryError::Failed(error)) => Err(error),
        }
    }

    fn heads(&mut self, names: &[TopicName], at: Position) -> Result<Vec<(TopicName, u64)>, StoreError> {
        let mut heads = Vec::with_capacity(names.len());
        let mut in_index = Vec::new();
        {
            let view = self.view.read();
            // All that is indexed comes before the tail.
            let tail_from = view.tail.first_position().unwrap_or(Position(view.through.0 + 1));
            let has_all_indexed = at.0 + 1 >= tail_from.0;
            for name in names {
                let Some(topic) = view.directory.topic_called(name.as_str()) else { continue };
                let indexed = match view.tail.head_at(topic, at) {
                    Some(TailHead::Here(seq)) => {
                        heads.push((name.clone(), seq));
                        continue;
                    }
                    Some(TailHead::Before(seq)) => seq - 1,
                    None => view.directory.last_seq(topic),
                };
                if !has_all_indexed {
                    in_index.push((heads.len(), topic));
                }
                heads.push((name.clone(), indexed));
            }
        }
        for (index, topic) in in_index {
            heads[index].1 = self.indexed_up_to(topic, heads[index].1, at)?;
        }
        Ok(heads)
    }

    fn read_marks(&mut self, user: &UserName) -> Result<Result<Vec<ReadMark>, Refusal>, StoreError> {
        let Some(id) = self.view.read().directory.user(user) else { return Ok(Err(no_such_user(user))) };
        let rows = reads::of_user(&self.connection, id).map_err(|error| store_error(&self.path, &error))?;
        let view = self.view.read();
        let marks = rows.into_iter().filter_map(|row| {
            let of = match view.directory.name(row.topic)? {
                Name::Channel(channel) => ReadOf::Channel(channel.clone()),
                Name::User(user) => ReadOf::With(user.clone()),
            };
            Some(ReadMark { of, seq: row.seq, epoch: row.epoch })
        });
        Ok(Ok(marks.collect()))
    }

    fn publications(
        &mut self,
        after: Position,
        limit: usize,
    ) -> Result<Scan<Arc<StoredMessage>>, StoreError> {
        let Scan { found, through, at_end } = self.records(after, limit)?;
        let found = found
            .into_iter()
            .filter_map(|record| match record {
                Record::Message { message, .. } if !message.imported => Some(message),
                Record::Message { .. } | Record::Named { .. } | Record::Login { .. } => None,
            })
            .collect();
        Ok(Scan { found, through, at_end })
    }

    fn access_events(&mut self, after: u64, limit: usize) -> Result<Vec<AccessEvent>, StoreError> {
        access::read_after(&self.connection, &self.path, after, limit)
    }

    fn entries(&mut self, kind: EntryKind, after: Position, limit: usize) -> Result<Scan<Entry>, StoreError> {
        let Scan { found, through, at_end } = self.records(after, limit)?;
        let found: Vec<_> = {
            let view = self.view.read();
            found.into_iter().filter_map(|record| entry(&view, kind, record)).collect()
        };
        let found = found.into_iter().filter_map(|entry| self.entry_as_it_is(kind, entry).transpose());
        let found = found.collect::<Result<_, _>>()?;
        Ok(Scan { found, through, at_end })
    }
}

fn subject(view: &View, request: &HistoryRequest) -> Result<(Subject, u64), Refusal> {
    let directory = &view.directory;
    let user = |name: &UserName| directory.user(name).ok_or_else(|| no_such_user(name));
    match &request.of {
        HistoryOf::Channel(channel) => {
            let topic = directory.channel(channel).ok_or_else(|| no_such_channel(channel))?;
            Ok((Subject::Topic(topic), directory.last_seq(topic)))
        }
        HistoryOf::With(other) => {
            Ok((Subject::Conversation(Pair::of(user(&request.user)?, user(other)?)), 0))
        }
        HistoryOf::Received => {
            let topic = user(&request.user)?;
            Ok((Subject::Topic(topic), directory.last_seq(topic)))
        }
    }
}

fn names(view: &View, message: &StoredMessage) -> (Option<NameId>, Option<NameId>) {
    match &message.route {
        Route::Channel { channel, user } => (view.directory.channel(channel), view.directory.user(user)),
        Route::Direct { to, from } => (view.directory.user(to), view.directory.user(from)),
    }
}

fn entry(view: &View, kind: EntryKind, record: Record) -> Option<Entry> {
    match (kind, record) {
        (EntryKind::Users, Record::Named { name: Name::User(user), .. }) => Some(Entry::User { user }),
        (EntryKind::Channels, Record::Named { name: Name::Channel(channel), timestamp, .. }) => {
            Some(Entry::Channel { channel, timestamp })
        }
        (EntryKind::Logins, Record::Login { user, timestamp, .. }) => match view.directory.name(user) {
            Some(Name::User(user)) => Some(Entry::Login { user: user.clone(), timestamp }),
            Some(Name::Channel(_)) | None => None,
        },
        (EntryKind::ChannelMessages | EntryKind::ChannelActs, Record::Message { message, .. })
            if matches!(message.route, Route::Channel { .. }) =>
        {
            Some(Entry::Message(message))
        }
        (EntryKind::DirectMessages | EntryKind::DirectActs, Record::Message { message, .. })
            if matches!(message.route, Route::Direct { .. }) =>
        {
            Some(Entry::Message(message))
        }
        _ => None,
    }
}
