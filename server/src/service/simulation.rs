//! A server without sockets, threads and clocks: its rules and its store, turned by hand. Frames and times go in, replies and
//! publications come out. The simulator of `tests/` drives it; what decides here is what decides in the server.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use recado_proto::{
    Epoch, HistoryPage, HistoryRequest, ReplyBody, SystemPublication, SystemTopic, Timestamp, TopicName,
};
use recado_zmtp::{Message, PeerId};

use super::beacon::Beacon;
use super::callers::Guard;
use super::clock::Clock;
use super::cursor::{Cursor, Flushed};
use super::feed::{Published, topics_before};
use super::lobby::Lobby;
use super::passwords::PasswordWork;
use super::questions::Questions;
use super::readers::{self, Read};
use super::recent::{Next, Outgoing, Recent, encode};
use super::reply::{Replies, ReplyTo, internal, refused};
use super::requests::{self, Work};
use super::searches::{self, Search};
use super::turns::Committer;
use super::writer::Write;
use crate::limits::{CATCH_UP_MESSAGES_MAX, TURN_REQUESTS_MAX};
use crate::store::{Position, Reader, Refusal, SqliteStore, Store, StoreError};

/// The server's rules, its store, and what waits for them.
pub struct Core {
    committer: Committer,
    writes: VecDeque<Write>,
    reads: VecDeque<Read>,
    reader: Box<dyn Reader>,
    /// One for each feed.
    questions: Vec<Arc<Questions>>,
    recent: Recent,
    published: Arc<Published>,
    clock: Arc<Clock>,
    lobby: Lobby,
}

/// What became of a request that arrived.
#[derive(Debug)]
pub enum Taken {
    /// It waits for the next turn.
    ForTurn,
    /// It waits for a reader.
    ForReader,
    /// Feeds may publish something for it; this is the reply.
    ForFeeds(PeerId, Message),
    /// It was none, and this is the answer.
    Refused(PeerId, Message),
}

impl Core {
    /// A server that starts on the store at `path`.
    ///
    /// # Errors
    ///
    /// The store cannot be opened.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let store: Box<dyn Store> = Box::new(SqliteStore::open(path)?);
        let clock = Arc::new(Clock::starting_at(store.marks().clock));
        let published = Arc::new(Published::new(store.marks().published_through));
        let recent = Recent::new(store.last_position());
        let reader = store.reader()?;
        let committer = Committer::new(store, Arc::clone(&published), Arc::clone(&clock));
        let (writes, reads) = (VecDeque::new(), VecDeque::new());
        let questions = Vec::new();
        let lobby = Lobby::new(committer.store().reader()?, Arc::clone(&clock));
        Ok(Self { committer, writes, reads, reader, questions, recent, published, clock, lobby })
    }

    /// The store's generation.
    pub fn epoch(&self) -> Epoch {
        self.committer.store().epoch()
    }

    /// The position of the last entry that is durable.
    pub fn last_position(&self) -> Position {
        self.committer.store().last_position()
    }

    /// A request arrived.
    pub fn take(&mut self, peer: PeerId, message: Message) -> Taken {
        match requests::decode(peer, message, &self.clock, &Guard::Open) {
            Work::Write(write) => {
                self.writes.push_back(write);
                Taken::ForTurn
            }
            Work::Read(read) => {
                self.reads.push_back(read);
                Taken::ForReader
            }
            Work::Sync(question, reply_to) => {
                let question = Arc::new(question);
                self.questions.iter().for_each(|questions| questions.ask(Arc::clone(&question)));
                self.answered(reply_to, ReplyBody::Synced)
            }
            Work::Here(said, reply_to) => {
                let (body, _) = self.lobby.here(said, Instant::now());
                self.answered(reply_to, body)
            }
            Work::Who(reply_to) => {
                let body = self.lobby.who(Instant::now());
                self.answered(reply_to, body)
            }
            // There is no thread for it here, and nothing that is simulated asks for it.
            Work::Search(Search { request: _, viewer: _, reply_to }) => {
                let mut replies = Replies::with_capacity(1);
                replies.push(reply_to, refused(searches::unavailable()), Timestamp::now(), &self.clock);
                let (peer, reply) = replies.messages.pop().expect("it was pushed just now");
                Taken::Refused(peer, reply)
            }
            Work::Answered(body, reply_to) => self.answered(reply_to, body),
            // Security is off here.
            Work::Password(PasswordWork { reply_to, .. }) => self.answered(reply_to, internal()),
            Work::Broken(peer, reply) => Taken::Refused(peer, reply),
        }
    }

    fn answered(&self, reply_to: ReplyTo, body: ReplyBody) -> Taken {
        let mut replies = Replies::with_capacity(1);
        replies.push(reply_to, body, Timestamp::now(), &self.clock);
        let (peer, reply) = replies.messages.pop().expect("it was pushed just now");
        Taken::ForFeeds(peer, reply)
    }

    /// Commits all that waits, in one turn at `now_ms`, and gives the replies; what it publishes is for the feeds from then on.
    /// `mark_published` as the server does it every now and then.
    ///
    /// # Errors
    ///
    /// The store failed; then the server has to end.
    pub fn turn(&mut self, now_ms: u64, mark_published: bool) -> Result<Vec<(PeerId, Message)>, StoreError> {
        let count = self.writes.len().min(TURN_REQUESTS_MAX);
        let mut writes: Vec<_> = self.writes.drain(..count).collect();
        self.committer.update_marks(mark_published);
        let replies = self.committer.turn_at(&mut writes, now_ms)?;
        if let Some(publications) = replies.publications {
            self.recent.push(publications);
        }
        Ok(replies.messages)
    }

    /// Whether something waits for the next turn.
    pub fn has_writes(&self) -> bool {
        !self.writes.is_empty()
    }

    /// What an idle server does.
    ///
    /// # Errors
    ///
    /// The store failed; then the server has to end.
    pub fn tend(&mut self) -> Result<(), StoreError> {
        self.committer.update_marks(true);
        self.committer.store_mut().tend()
    }

    /// Answers the next request that only reads.
    pub fn read(&mut self) -> Option<(PeerId, Message)> {
        let Read { query, viewer, reply_to } = self.reads.pop_front()?;
        let access = self.committer.store().access();
        let body = readers::answer(self.reader.as_mut(), &query, viewer.as_ref(), &access);
        let body = body.unwrap_or_else(|_| internal());
        let mut replies = Replies::with_capacity(1);
        replies.push(reply_to, body, Timestamp::now(), &self.clock);
        replies.messages.pop()
    }

    /// A page of history, past requests and replies.
    ///
    /// # Errors
    ///
    /// The store cannot be read.
    pub fn history(&mut self, request: &HistoryRequest) -> Result<Result<HistoryPage, Refusal>, StoreError> {
        self.reader.history(request)
    }

    fn system_message(&self, topic: SystemTopic, heads: Vec<(TopicName, u64)>) -> Message {
        let (epoch, timestamp, clock) = (self.epoch(), Timestamp::now(), Some(self.clock.tick()));
        let publication = SystemPublication { topic, heads, epoch, timestamp, clock };
        let mut payload = Vec::new();
        publication.encode_payload(&mut payload);
        Message::new(vec![publication.topic.to_string().into(), payload.into()])
    }

    /// All publications after `after` that are in the store.
    ///
    /// # Errors
    ///
    /// The store cannot be read.
    pub fn publications(&mut self, after: Position) -> Result<Vec<(Position, Message)>, StoreError> {
        let mut found = Vec::new();
        let mut after = after;
        loop {
            let scan = self.reader.publications(after, CATCH_UP_MESSAGES_MAX)?;
            let outgoing = encode(&scan.found, self.committer.store().epoch());
            found.extend(outgoing.into_iter().map(|Outgoing { position, message, .. }| (position, message)));
            after = scan.through;
            if scan.at_end {
                return Ok(found);
            }
        }
    }
}

/// One broker's feed.
#[derive(Debug)]
pub struct Feed {
    cursor: Cursor,
    beacon: Beacon,
    questions: Arc<Questions>,
}

impl Feed {
    /// A feed of a server that has just started.
    ///
    /// # Errors
    ///
    /// The store cannot be read.
    pub fn new(core: &mut Core, now: Instant) -> Result<Self, StoreError> {
        let questions: Arc<Questions> = Arc::default();
        core.questions.push(Arc::clone(&questions));
        let cursor = Cursor::new(core.published.through());
        let mut beacon = Beacon::new();
        for (topic, seq) in topics_before(core.reader.as_mut(), cursor.given())? {
            beacon.published(&topic, seq, now);
        }
        Ok(Self { cursor, beacon, questions })
    }

    /// Its broker is there again.
    pub fn connected(&mut self, now: Instant) {
        self.beacon.connection_returned(now);
    }

    /// When it has a beacon to publish, if nothing else comes.
    pub fn next_due(&self) -> Option<Instant> {
        self.beacon.next_due()
    }

    /// One turn of a feed that is connected: what goes to the socket next. True if there may be more.
    ///
    /// # Errors
    ///
    /// The store cannot be read.
    pub fn next(&mut self, core: &mut Core, now: Instant) -> Result<(Vec<Message>, bool), StoreError> {
        let mut messages = Vec::new();
        for question in self.questions.take().0 {
            let heads = core.reader.heads(&question.names, self.cursor.given())?;
            messages.push(core.system_message(SystemTopic::Sync(question.topic.clone()), heads));
        }
        while let Some((topic, seq)) = self.beacon.pop_due(now) {
            messages.push(core.system_message(SystemTopic::Heads(topic.clone()), vec![(topic, seq)]));
        }
        let given = self.cursor.given();
        let (outgoing, through) = match core.recent.next(given) {
            Next::Batch(batch) => {
                let from = batch.publications.partition_point(|outgoing| outgoing.position <= given);
                (batch.publications[from..].to_vec(), batch.through)
            }
            Next::InStore => {
                let scan = core.reader.publications(given, CATCH_UP_MESSAGES_MAX)?;
                (encode(&scan.found, core.epoch()), scan.through)
            }
            Next::Nothing => return Ok((messages, false)),
        };
        for outgoing in outgoing {
            self.cursor.sent(outgoing.position);
            if let Some(topic) = outgoing.topic() {
                self.beacon.published(topic, outgoing.seq, now);
            }
            messages.push(outgoing.message);
        }
        self.cursor.passed(through);
        Ok((messages, true))
    }

    /// All that was given to the socket was written, or was lost with its connection; the socket counts what it `lost` in all.
    /// False if it goes back.
    pub fn confirm(&mut self, core: &Core, connections: usize, lost: u64) -> bool {
        if !self.cursor.is_ahead() {
            self.cursor.settle(lost);
            return true;
        }
        let moved_on = self.cursor.confirm(Flushed { connections, lost });
        if moved_on {
            core.published.advance(self.cursor.given());
        }
        moved_on
    }
}
