//! What a change does to the state in memory, and the records that say so: names, who becomes a user, `seq`, repeated
//! `id`s, times. No I/O, no clock: the caller brings the time, and looks up `id`s of earlier turns.

use std::sync::Arc;

use foldhash::HashMap;
use recado_proto::limits::READ_MARKS_MAX;
use recado_proto::{ChannelName, Code, Epoch, Manner, MessageId, ReadMark, ReadOf, Timestamp, UserName};

use super::StoreError;
use super::acts::{ActsSoFar, act_again, judge};
use super::directory::{Directory, Name, NameId, Record};
use super::types::{
    Change, Destination, NewAct, NewMessage, Outcome, Position, Receipt, Refusal, Route, StoredMessage,
};
use crate::access::{Access, AccessAct, AccessChange, AccessEvent, Actor, Done, Owner, author};
use crate::limits::{CHANNELS_MAX, USERS_MAX};

/// What was done under an `id`.
#[derive(Clone, Debug)]
pub(super) enum Earlier {
    Message(Arc<StoredMessage>),
    /// The creation of this channel.
    Channel(ChannelName),
}

/// What was done in earlier turns, by its `id`.
pub(super) trait EarlierIds {
    fn find(&mut self, id: &MessageId) -> Result<Option<Earlier>, StoreError>;

    /// The acts of earlier turns on the message with this `id`.
    fn acts_on(&mut self, target: &MessageId) -> Result<ActsSoFar, StoreError>;
}

/// How far a user has read, as it is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ReadRow {
    pub(super) user: NameId,
    /// The channel, or the user who wrote.
    pub(super) topic: NameId,
    pub(super) seq: u64,
    pub(super) epoch: Epoch,
}

/// How far users had read before the turn.
pub(super) trait KeptReads {
    /// The store's generation.
    fn epoch(&self) -> Epoch;
    fn find_read(&mut self, user: NameId, topic: NameId) -> Result<Option<ReadRow>, StoreError>;
    fn count_reads(&mut self, user: NameId) -> Result<usize, StoreError>;
}

/// What a turn leaves to be written.
#[derive(Debug, Default)]
pub(super) struct Written {
    /// In their order.
    pub(super) records: Vec<Record>,
    /// How far users have read now.
    pub(super) reads: Vec<ReadRow>,
    /// What happened about access, in its order.
    pub(super) events: Vec<AccessEvent>,
}

impl Written {
    pub(super) fn is_empty(&self) -> bool {
        self.records.is_empty() && self.reads.is_empty() && self.events.is_empty()
    }
}

/// One turn while it is put together. Directory and access are ahead of the disk until the turn is committed.
pub(super) struct Turn<'a> {
    directory: &'a mut Directory,
    access: &'a mut Access,
    now_ms: u64,
    last: Position,
    events: Vec<AccessEvent>,
    records: Vec<Record>,
    /// What was done in this turn under `id`s that clients gave: the store's own are known to nobody yet.
    ids: HashMap<MessageId, Earlier>,
    /// Of each message that this turn acts on, all acts so far.
    acts: HashMap<MessageId, ActsSoFar>,
    /// How far users have read, by user and topic, and how many marks each has whom this turn gave a new one.
    reads: HashMap<(u32, u32), ReadRow>,
    read_counts: HashMap<u32, usize>,
}

impl<'a> Turn<'a> {
    /// A turn at `now_ms`, whose first record comes after `last`.
    pub(super) fn new(
        directory: &'a mut Directory,
        access: &'a mut Access,
        now_ms: u64,
        last: Position,
    ) -> Self {
        Self {
            directory,
            access,
            now_ms,
            last,
            events: Vec::new(),
            records: Vec::new(),
            ids: HashMap::default(),
            acts: HashMap::default(),
            reads: HashMap::default(),
            read_counts: HashMap::default(),
        }
    }

    /// What is to be written.
    pub(super) fn into_written(self) -> Written {
        let Self { records, reads, events, .. } = self;
        Written { records, reads: reads.into_values().collect(), events }
    }

    /// One change. What is refused leaves no record.
    pub(super) fn apply(
        &mut self,
        change: Change,
        earlier: &mut (impl EarlierIds + KeptReads),
    ) -> Result<Outcome, StoreError> {
        let outcome = match change {
            Change::Login { user, timestamp } => self.login(&user, timestamp),
            Change::AddUser { user } => self.user(&user).map(|_| Outcome::Accepted),
            Change::CreateChannel { channel, timestamp, id, owner } => {
                match self.earlier(id, earlier, |done| creation_again(&channel, done))? {
                    Some(outcome) => return Ok(outcome),
                    None => self.create_channel(channel, timestamp, id, owner),
                }
            }
            Change::Send(message) => {
                // An export has the text as it was by then.
                let may_differ = match (message.id, message.imported) {
                    (Some(id), Some(imported)) => imported.revised || earlier.acts_on(&id)?.count > 0,
                    (Some(_) | None, _) => false,
                };
                let again = |done: &Earlier| message_again(&message, may_differ, done);
                match self.earlier(message.id, earlier, again)? {
                    Some(outcome) => return Ok(outcome),
                    None => self.send(message),
                }
            }
            Change::Act(act) => {
                let again = |done: &Earlier| match done {
                    Earlier::Message(stored) => act_again(&act, stored),
                    Earlier::Channel(_) => None,
                };
                match self.earlier(act.id, earlier, again)? {
                    Some(outcome) => return Ok(outcome),
                    None => self.act(act, earlier)?,
                }
            }
            Change::Mark { user, mark } => self.mark(&user, &mark, earlier)?,
            Change::Access { actor, act } => self.access(actor, act),
        };
        Ok(outcome.unwrap_or_else(Outcome::Refused))
    }

    fn login(&mut self, user: &UserName, timestamp: Option<Timestamp>) -> Result<Outcome, Refusal> {
        let id = self.user(user)?;
        let position = self.next_position();
        let timestamp = self.timestamp_or_now(timestamp);
        self.record(Record::Login { position, user: id, timestamp, time_ms: self.now_ms });
        Ok(Outcome::Accepted)
    }

    fn create_channel(
        &mut self,
        channel: ChannelName,
        timestamp: Option<Timestamp>,
        given: Option<MessageId>,
        owner: Option<Owner>,
    ) -> Result<Outcome, Refusal> {
        // Who may create none is told so, whichever names are taken.
        let owned = match owner {
            Some(Owner { user, private }) => {
                let (actor, act) =
                    (Actor::User(user), AccessAct::ChannelMade { channel: channel.clone(), private });
                let changes = self.judge(&actor, &act)?;
                Some((actor, changes))
            }
            None => None,
        };
        if self.directory.channel(&channel).is_some() {
            return Err(Refusal::new(Code::NameTaken, format!("the channel {channel} exists already")));
        }
        if self.directory.user_called(channel.as_str()) {
            return Err(Refusal::new(Code::NameTaken, format!("{channel} is a user's name")));
        }
        if self.directory.channel_count() >= CHANNELS_MAX {
            return Err(Refusal::new(
                Code::Busy,
                format!("there are {CHANNELS_MAX} channels, which is as many as there can be"),
            ));
        }
        if let Some(given) = given {
            self.ids.insert(given, Earlier::Channel(channel.clone()));
        }
        self.name(Name::Channel(channel), timestamp, given);
        if let Some((actor, changes)) = owned {
            self.happened(&actor, changes);
        }
        Ok(Outcome::Accepted)
    }

    fn access(&mut self, actor: Actor, act: AccessAct) -> Result<Outcome, Refusal> {
        let changes = self.judge(&actor, &act)?;
        // Who joins is a user for others, too. There may be no room for one more.
        for change in &changes {
            if let AccessChange::Joined { user, .. } = change {
                self.user(user)?;
            }
        }
        self.happened(&actor, changes);
        let user = match &act {
            AccessAct::Join { key, .. } | AccessAct::Session { key, .. } => {
                self.access.user_of(key, self.now_ms).cloned()
            }
            AccessAct::FirstAdministrator { .. }
            | AccessAct::Admin(_)
            | AccessAct::ChannelMade { .. }
            | AccessAct::UserMade { .. }
            | AccessAct::PlainListener { .. } => None,
        };
        let with_role = |user| self.access.role_of(&user).map(|role| (user, role));
        Ok(Outcome::Access(Done { user: user.and_then(with_role) }))
    }

    fn judge(&mut self, actor: &Actor, act: &AccessAct) -> Result<Vec<AccessChange>, Refusal> {
        self.access.judge(actor, act, &self.directory.compared(), self.now_ms)
    }

    fn happened(&mut self, actor: &Actor, changes: Vec<AccessChange>) {
        let by = author(actor, &changes);
        for change in changes {
            let n = self.access.last_event() + 1;
            let event = AccessEvent { n, time_ms: self.now_ms, by: by.clone(), change };
            self.access.apply(&event);
            self.events.push(event);
        }
    }

    /// The answer to what comes under a known `id`: that of the first time, if it is the same.
    fn earlier(
        &self,
        id: Option<MessageId>,
        earlier: &mut impl EarlierIds,
        answer_again: impl FnOnce(&Earlier) -> Option<Outcome>,
    ) -> Result<Option<Outcome>, StoreError> {
        let Some(id) = id else { return Ok(None) };
        let done = match self.ids.get(&id) {
            Some(done) => done.clone(),
            None => match earlier.find(&id)? {
                Some(done) => done,
                None => return Ok(None),
            },
        };
        Ok(Some(answer_again(&done).unwrap_or_else(|| {
            let what = match done {
                Earlier::Message(_) => "another message",
                Earlier::Channel(_) => "the creation of a channel",
            };
            let why = format!("the id {id} belongs to {what}; take a new one for each message");
            Outcome::Refused(Refusal::new(Code::IdReused, why))
        })))
    }

    fn send(&mut self, message: NewMessage) -> Result<Outcome, Refusal> {
        let NewMessage { from, to, text, id, timestamp, manner, clock, imported } = message;
        let topic = self.topic(&to)?;
        let sender = self.user(&from)?;
        let route = match to {
            Destination::Channel(channel) => Route::Channel { channel, user: from },
            Destination::User(to) => Route::Direct { to, from },
        };
        let given = id;
        let id = given.unwrap_or_else(MessageId::new_v7);
        let seq = self.directory.last_seq(topic) + 1;
        let message = Arc::new(StoredMessage {
            position: self.next_position(),
            route,
            seq,
            id,
            time_ms: imported.map_or(self.now_ms, |imported| imported.time_ms),
            timestamp: self.timestamp_or_now(timestamp),
            clock,
            text,
            act: None,
            manner,
            imported: imported.is_some(),
        });
        if given.is_some() {
            self.ids.insert(id, Earlier::Message(Arc::clone(&message)));
        }
        self.record(Record::Message { topic, sender, message });
        Ok(Outcome::Stored(Receipt { id, seq }))
    }

    fn act(
        &mut self,
        act: NewAct,
        earlier: &mut impl EarlierIds,
    ) -> Result<Result<Outcome, Refusal>, StoreError> {
        let topic = match self.topic(&act.to) {
            Ok(topic) => topic,
            Err(refusal) => return Ok(Err(refusal)),
        };
        if let Some(target) = act.act.target() {
            let found = match self.ids.get(&target) {
                Some(done) => Some(done.clone()),
                None => earlier.find(&target)?,
            };
            let message = match &found {
                Some(Earlier::Message(message)) => Some(message.as_ref()),
                Some(Earlier::Channel(_)) | None => None,
            };
            let so_far = match self.acts.get(&target) {
                Some(so_far) => *so_far,
                None => earlier.acts_on(&target)?,
            };
            if let Err(refusal) = judge(&act, message, so_far) {
                return Ok(Err(refusal));
            }
            self.acts.insert(target, so_far);
        }
        Ok(self.record_act(topic, act))
    }

    fn record_act(&mut self, topic: NameId, act: NewAct) -> Result<Outcome, Refusal> {
        let NewAct { from, to, act, id: given, timestamp, clock, imported } = act;
        let sender = self.user(&from)?;
        let route = match to {
            Destination::Channel(channel) => Route::Channel { channel, user: from },
            Destination::User(to) => Route::Direct { to, from },
        };
        let id = given.unwrap_or_else(MessageId::new_v7);
        let seq = self.directory.last_seq(topic) + 1;
        let (kind, target) = (act.kind(), act.target());
        let message = Arc::new(StoredMessage {
            position: self.next_position(),
            route,
            seq,
            id,
            time_ms: imported.map_or(self.now_ms, |imported| imported.time_ms),
            timestamp: self.timestamp_or_now(timestamp),
            clock,
            text: act.message().to_owned(),
            act: Some(kind),
            manner: Manner { target, style: None },
            imported: imported.is_some(),
        });
        if let Some(target) = target {
            self.acts.entry(target).or_default().add(kind);
        }
        if given.is_some() {
            self.ids.insert(id, Earlier::Message(Arc::clone(&message)));
        }
        self.record(Record::Message { topic, sender, message });
        Ok(Outcome::Stored(Receipt { id, seq }))
    }

    fn topic(&self, to: &Destination) -> Result<NameId, Refusal> {
        match to {
            Destination::Channel(channel) => {
                self.directory.channel(channel).ok_or_else(|| no_such_channel(channel))
            }
            Destination::User(user) => self.directory.user(user).ok_or_else(|| no_such_user(user)),
        }
    }

    fn mark(
        &mut self,
        user: &UserName,
        mark: &ReadMark,
        kept: &mut impl KeptReads,
    ) -> Result<Result<Outcome, Refusal>, StoreError> {
        let row = match self.read_row(user, mark, kept.epoch()) {
            Ok(row) => row,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let key = (row.user.number(), row.topic.number());
        let before = match self.reads.get(&key) {
            Some(row) => Some(*row),
            None => kept.find_read(row.user, row.topic)?,
        };
        match before {
            Some(before) if before.epoch == row.epoch && before.seq >= row.seq => {
                return Ok(Ok(Outcome::Accepted));
            }
            Some(_) => {}
            None => {
                let count = match self.read_counts.get(&key.0) {
                    Some(count) => *count,
                    None => kept.count_reads(row.user)?,
                };
                if count >= READ_MARKS_MAX {
                    let why = format!("{user} has {READ_MARKS_MAX} marks, which is as many as there can be");
                    return Ok(Err(Refusal::new(Code::Busy, why)));
                }
                self.read_counts.insert(key.0, count + 1);
            }
        }
        self.reads.insert(key, row);
        Ok(Ok(Outcome::Marked))
    }

    fn read_row(&self, user: &UserName, mark: &ReadMark, epoch: Epoch) -> Result<ReadRow, Refusal> {
        let reader = self.directory.user(user).ok_or_else(|| no_such_user(user))?;
        let (topic, last_seq) = match &mark.of {
            ReadOf::Channel(channel) => {
                let topic = self.directory.channel(channel).ok_or_else(|| no_such_channel(channel))?;
                (topic, self.directory.last_seq(topic))
            }
            ReadOf::With(other) => {
                let topic = self.directory.user(other).ok_or_else(|| no_such_user(other))?;
                (topic, self.directory.last_seq(reader))
            }
        };
        if mark.epoch != epoch {
            let why =
                format!("the epoch is {epoch}: places of another one are of no use", epoch = epoch.as_u64());
            return Err(Refusal::new(Code::BadPlace, why));
        }
        if mark.seq > last_seq {
            let why = format!("there is no message {}, the last one is {last_seq}", mark.seq);
            return Err(Refusal::new(Code::BadPlace, why));
        }
        Ok(ReadRow { user: reader, topic, seq: mark.seq, epoch })
    }

    /// The user of this name, a new one if need be.
    fn user(&mut self, user: &UserName) -> Result<NameId, Refusal> {
        if let Some(id) = self.directory.user(user) {
            return Ok(id);
        }
        if self.directory.channel_called(user.as_str()) {
            return Err(Refusal::new(Code::NameTaken, format!("{user} is a channel's name")));
        }
        if self.directory.user_count() >= USERS_MAX {
            return Err(Refusal::new(
                Code::Busy,
                format!("there are {USERS_MAX} users, which is as many as there can be"),
            ));
        }
        Ok(self.name(Name::User(user.clone()), None, None))
    }

    fn name(&mut self, name: Name, timestamp: Option<Timestamp>, given: Option<MessageId>) -> NameId {
        let id = self.directory.next_id();
        let position = self.next_position();
        let timestamp = self.timestamp_or_now(timestamp);
        self.record(Record::Named { position, id, name, timestamp, time_ms: self.now_ms, given });
        id
    }

    fn next_position(&mut self) -> Position {
        self.last = Position(self.last.0 + 1);
        self.last
    }

    fn timestamp_or_now(&self, timestamp: Option<Timestamp>) -> Timestamp {
        timestamp.unwrap_or_else(|| Timestamp::from_seconds((self.now_ms / 1000).cast_signed()))
    }

    fn record(&mut self, record: Record) {
        self.directory.apply(&record).expect("the rules make records that fit");
        self.records.push(record);
    }
}

/// The first answer, if this is that message sent again, and not another one under the same `id`. The time does not matter: a
/// repeat is later.
fn message_again(message: &NewMessage, may_differ: bool, done: &Earlier) -> Option<Outcome> {
    let Earlier::Message(stored) = done else { return None };
    let same_route = match (&stored.route, &message.to) {
        (Route::Channel { channel, user }, Destination::Channel(to)) => {
            channel == to && *user == message.from
        }
        (Route::Direct { to, from }, Destination::User(user)) => to == user && *from == message.from,
        (Route::Channel { .. }, Destination::User(_)) | (Route::Direct { .. }, Destination::Channel(_)) => {
            false
        }
    };
    // Exports of earlier versions say nothing of manners.
    let same_manner =
        stored.manner == message.manner || message.imported.is_some() && message.manner == Manner::default();
    let is_same =
        same_route && stored.act.is_none() && same_manner && (may_differ || stored.text == message.text);
    is_same.then(|| Outcome::Repeated(Receipt { id: stored.id, seq: stored.seq }))
}

fn creation_again(channel: &ChannelName, done: &Earlier) -> Option<Outcome> {
    matches!(done, Earlier::Channel(created) if created == channel).then_some(Outcome::Accepted)
}

pub(crate) fn no_such_channel(channel: &ChannelName) -> Refusal {
    Refusal::new(Code::NoSuchChannel, format!("there is no channel {channel}; create it first"))
}

pub(crate) fn no_such_user(user: &UserName) -> Refusal {
    Refusal::new(Code::NoSuchUser, format!("there is no user {user}"))
}
