//! Publications to one broker: a cursor over the committed log (docs/decisions/0003), and between them what says how far
//! topics have come. While the broker is away or slow the feed waits, and nothing else does; what it has not handed over
//! lies in the store.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use recado_proto::{Epoch, SystemPublication, SystemTopic, Timestamp, TopicName, UserName};
use recado_zmtp::{Closed, Message, Publisher, SocketEvent, SocketEventKind};
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::sync::{broadcast, watch};
use tokio::task::{spawn_blocking, yield_now};
use tokio::time::{Instant, sleep_until};
use tracing::{debug, trace, warn};

use super::beacon::Beacon;
use super::clock::Clock;
use super::cursor::{Cursor, Flushed};
use super::lobby::{Doorkeeper, sent_notice};
use super::notices::Notices;
use super::questions::Questions;
use super::recent::{Next, Outgoing, Recent, encode};
use super::turns::unix_ms;
use crate::limits::{
    BEACONS_AT_ONCE_MAX, CATCH_UP_MESSAGES_MAX, PUBLISHED_MARK_INTERVAL, RECALLED_BEFORE_END,
    RECALLED_ROWS_MAX, SCAN_ROWS_MAX,
};
use crate::store::{Position, Reader, SharedAccess, StoreError};

/// How far the furthest feed has come, for the stored mark.
#[derive(Debug)]
pub(super) struct Published(watch::Sender<Position>);

impl Published {
    pub(super) fn new(through: Position) -> Self {
        Self(watch::Sender::new(through))
    }

    pub(super) fn through(&self) -> Position {
        *self.0.borrow()
    }

    /// Waits until some feed has come so far.
    pub(super) async fn reach(&self, through: Position) {
        // The sender is `self`, so it does not end while we wait.
        let _ = self.0.subscribe().wait_for(|published| *published >= through).await;
    }

    pub(super) fn advance(&self, through: Position) {
        self.0.send_if_modified(|published| {
            let further = through > *published;
            *published = through.max(*published);
            further
        });
    }
}

/// One broker's feed.
pub(super) struct Feed {
    publisher: Publisher,
    events: broadcast::Receiver<SocketEvent>,
    recent: Arc<Recent>,
    committed: watch::Receiver<Position>,
    published: Arc<Published>,
    questions: Arc<Questions>,
    notices: Arc<Notices>,
    doorkeeper: Arc<Doorkeeper>,
    access: Arc<SharedAccess>,
    access_changes: watch::Receiver<u64>,
    /// When the next session ends, in Unix milliseconds: then answers change, though nobody changes anything.
    session_ends_ms: Option<u64>,
    clock: Arc<Clock>,
    /// Away while a blocking thread reads with it.
    reader: Option<Box<dyn Reader>>,
    epoch: Epoch,
    cursor: Cursor,
    confirmed_at: Instant,
    beacon: Beacon,
}

/// What a feed shares with the other threads and tasks.
pub(super) struct Shared {
    pub(super) recent: Arc<Recent>,
    pub(super) published: Arc<Published>,
    /// This feed's own.
    pub(super) questions: Arc<Questions>,
    /// This feed's own.
    pub(super) notices: Arc<Notices>,
    /// This feed's own.
    pub(super) doorkeeper: Arc<Doorkeeper>,
    pub(super) access: Arc<SharedAccess>,
    pub(super) clock: Arc<Clock>,
}

/// Why a feed ends.
#[derive(Debug)]
pub(super) enum FeedEnd {
    /// Its socket was closed.
    Closed,
    /// The store cannot be read.
    Store(StoreError),
}

impl From<Closed> for FeedEnd {
    fn from(_: Closed) -> Self {
        FeedEnd::Closed
    }
}

impl Feed {
    /// A feed that goes on from where the furthest one came.
    pub(super) fn new(publisher: Publisher, shared: Shared, reader: Box<dyn Reader>, epoch: Epoch) -> Self {
        let Shared { recent, published, questions, notices, doorkeeper, access, clock } = shared;
        Self {
            events: publisher.events(),
            publisher,
            committed: recent.watch(),
            recent,
            cursor: Cursor::new(published.through()),
            published,
            questions,
            notices,
            doorkeeper,
            access_changes: access.changes(),
            session_ends_ms: None,
            access,
            clock,
            reader: Some(reader),
            epoch,
            confirmed_at: Instant::now(),
            beacon: Beacon::new(),
        }
    }

    /// Publishes until its socket is closed, or the store fails.
    pub(super) async fn run(mut self) -> FeedEnd {
        let mut done = self.recall().await;
        while done.is_ok() {
            done = self.step().await;
        }
        done.expect_err("it goes on until it ends")
    }

    /// One turn: each kind of work gets a bounded share, so that none keeps another waiting.
    async fn step(&mut self) -> Result<(), FeedEnd> {
        self.look_at_connections();
        self.open_doors().await?;
        self.answer().await?;
        self.tell_heads();
        self.tell_notices();
        match self.recent.next(self.cursor.given()) {
            Next::Batch(batch) => {
                let given = self.cursor.given();
                let from = batch.publications.partition_point(|outgoing| outgoing.position <= given);
                self.publish(&batch.publications[from..]).await?;
                self.cursor.passed(batch.through);
            }
            Next::InStore => self.catch_up().await?,
            Next::Nothing => {
                self.confirm().await;
                // Having gone back it has something to send, whether or not more is committed.
                if self.cursor.given() >= self.recent.committed() {
                    self.wait().await?;
                }
                return Ok(());
            }
        }
        if self.confirmed_at.elapsed() >= PUBLISHED_MARK_INTERVAL {
            self.confirm().await;
        }
        Ok(())
    }

    async fn publish(&mut self, outgoing: &[Outgoing]) -> Result<(), FeedEnd> {
        for one in outgoing {
            let Outgoing { position, seq, message, direct_from } = one;
            self.publisher.send(message.clone()).await?;
            if let Some(sender) = direct_from {
                self.tell_sender(sender, message);
            }
            self.cursor.sent(*position);
            if let Some(topic) = one.topic() {
                self.beacon.published(topic, *seq, Instant::now().into_std());
            }
            trace!(%position, "published");
        }
        Ok(())
    }

    /// Publishes what went to a user for the sender's other devices, too. Without room it is left out: nobody is promised it.
    fn tell_sender(&self, sender: &UserName, message: &Message) {
        if self.doorkeeper.wants_sent(sender)
            && let Some(notice) = sent_notice(message, sender)
        {
            self.publisher.try_send(&notice);
        }
    }

    /// Publishes a piece that is only in the store.
    async fn catch_up(&mut self) -> Result<(), FeedEnd> {
        let (after, epoch) = (self.cursor.given(), self.epoch);
        let (outgoing, through) = self
            .read(move |reader| {
                let scan = reader.publications(after, CATCH_UP_MESSAGES_MAX)?;
                Ok((encode(&scan.found, epoch), scan.through))
            })
            .await?;
        self.publish(&outgoing).await?;
        // Rows after the last message are no publications: done with it, done with them.
        self.cursor.passed(through);
        Ok(())
    }

    /// What an earlier process wrote just before it ended may have been lost with it, so the topics of its last messages
    /// are to be told, too.
    async fn recall(&mut self) -> Result<(), FeedEnd> {
        let end = self.cursor.given();
        let topics = self.read(move |reader| topics_before(reader, end)).await?;
        let now = Instant::now().into_std();
        topics.iter().for_each(|(topic, seq)| self.beacon.published(topic, *seq, now));
        Ok(())
    }

    /// Tells the broker who may hear what, as far as it asks and was not told so. All that was committed before this is so tells of
    /// comes after it, so that nobody hears what was said after they were to hear no more.
    async fn open_doors(&mut self) -> Result<(), FeedEnd> {
        if !self.is_connected() {
            return Ok(());
        }
        let now_ms = unix_ms();
        if self.session_ends_ms.is_some_and(|ends_ms| ends_ms <= now_ms) {
            self.doorkeeper.doors().look_again();
        }
        loop {
            let due = {
                let access = self.access.read();
                self.session_ends_ms = access.next_end_ms(now_ms);
                let reader = self.reader.as_deref().expect("nothing is read meanwhile");
                let names = |name: &str| reader.name_of(name);
                self.doorkeeper.doors().answers(&access, self.access.version(), &names, now_ms)
            };
            if due.ignored > 0 {
                warn!(ignored = due.ignored, "a broker asks more about who may hear what than is answered");
            }
            for message in due.messages {
                self.publisher.send(message).await?;
            }
            if due.is_done {
                return Ok(());
            }
            yield_now().await;
        }
    }

    /// Answers the questions that wait. The cursor stands still meanwhile: what the heads count was given to the socket
    /// before the answer, and all else comes after it.
    async fn answer(&mut self) -> Result<(), FeedEnd> {
        if !self.is_connected() {
            return Ok(());
        }
        let (questions, dropped) = self.questions.take();
        if dropped > 0 {
            debug!(dropped, "sync questions waited for too long behind others");
        }
        if questions.is_empty() {
            return Ok(());
        }
        let at = self.cursor.given();
        let answers = self
            .read(move |reader| {
                let mut answers = Vec::with_capacity(questions.len());
                for question in questions {
                    answers.push((question.topic.clone(), reader.heads(&question.names, at)?));
                }
                Ok(answers)
            })
            .await?;
        for (topic, heads) in answers {
            let message = self.system_message(SystemTopic::Sync(topic), heads);
            self.publisher.send(message).await?;
        }
        Ok(())
    }

    /// Publishes beacons that are due. One that finds no room is left out: it only repeats, and there is a next one.
    fn tell_heads(&mut self) {
        if !self.is_connected() {
            return;
        }
        let now = Instant::now().into_std();
        for _ in 0..BEACONS_AT_ONCE_MAX {
            let Some((topic, seq)) = self.beacon.pop_due(now) else { break };
            let message = self.system_message(SystemTopic::Heads(topic.clone()), vec![(topic, seq)]);
            self.publisher.try_send(&message);
        }
        let forgotten = self.beacon.take_forgotten();
        if forgotten > 0 {
            debug!(forgotten, "more topics are active than beacons are kept for");
        }
    }

    /// Publishes the notices that wait. One that finds no room is left out: nobody is promised it.
    fn tell_notices(&mut self) {
        if self.is_connected() {
            for notice in self.notices.take() {
                self.publisher.try_send(&notice);
            }
        }
    }

    fn system_message(&self, topic: SystemTopic, heads: Vec<(TopicName, u64)>) -> Message {
        let clock = Some(self.clock.tick());
        let publication =
            SystemPublication { topic, heads, epoch: self.epoch, timestamp: Timestamp::now(), clock };
        let mut payload = Vec::new();
        publication.encode_payload(&mut payload);
        Message::new(vec![publication.topic.to_string().into(), payload.into()])
    }

    fn is_connected(&self) -> bool {
        self.publisher.stats().connections > 0
    }

    /// Takes note of all that happened to connections.
    fn look_at_connections(&mut self) {
        loop {
            match self.events.try_recv() {
                Ok(event) => self.connection_event(Some(&event)),
                Err(TryRecvError::Lagged(_)) => self.connection_event(None),
                Err(TryRecvError::Empty | TryRecvError::Closed) => return,
            }
        }
    }

    /// `None`: events were missed.
    fn connection_event(&mut self, event: Option<&SocketEvent>) {
        if event.is_none_or(|event| matches!(event.kind, SocketEventKind::Connected { .. })) {
            self.beacon.connection_returned(Instant::now().into_std());
        }
    }

    /// Waits until there is something to do. While the broker is away that can only be a commit, or its return.
    async fn wait(&mut self) -> Result<(), FeedEnd> {
        self.cursor.settle(self.publisher.stats().lost);
        let is_connected = self.is_connected();
        let beacon_due = self.beacon.next_due();
        let session_ends = self.session_ends_ms.map(|ends_ms| {
            std::time::Instant::now() + Duration::from_millis(ends_ms.saturating_sub(unix_ms()))
        });
        let due = beacon_due.into_iter().chain(session_ends).min().filter(|_| is_connected);
        let event = tokio::select! {
            changed = self.committed.changed() => return changed.map_err(|_| FeedEnd::Closed),
            event = self.events.recv() => event,
            () = self.questions.asked(), if is_connected => return Ok(()),
            () = self.notices.told(), if is_connected => return Ok(()),
            () = self.doorkeeper.doors().asked(), if is_connected => return Ok(()),
            changed = self.access_changes.changed(), if is_connected => return changed.map_err(|_| FeedEnd::Closed),
            () = sleep_until(due.unwrap_or_else(std::time::Instant::now).into()), if due.is_some() => return Ok(()),
        };
        match event {
            Ok(event) => self.connection_event(Some(&event)),
            Err(RecvError::Lagged(_)) => self.connection_event(None),
            Err(RecvError::Closed) => return Err(FeedEnd::Closed),
        }
        Ok(())
    }

    /// Waits until all that was given to the socket is written, and moves the mark; or goes back, if a connection that
    /// broke took some of it along.
    async fn confirm(&mut self) {
        if self.cursor.is_ahead() {
            if self.cursor.needs_flush() {
                self.publisher.flush().await;
            }
            let stats = self.publisher.stats();
            if self.cursor.confirm(Flushed { connections: stats.connections, lost: stats.lost }) {
                self.published.advance(self.cursor.given());
            }
        }
        self.confirmed_at = Instant::now();
    }

    /// Lends the reader to a thread that may block.
    async fn read<T: Send + 'static>(
        &mut self,
        read: impl FnOnce(&mut dyn Reader) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, FeedEnd> {
        let mut reader = self.reader.take().expect("a feed reads one thing at a time");
        let reading = spawn_blocking(move || {
            let result = read(reader.as_mut());
            (reader, result)
        });
        let Ok((reader, result)) = reading.await else { return Err(FeedEnd::Closed) };
        self.reader = Some(reader);
        result.map_err(FeedEnd::Store)
    }
}

/// The topics of the last messages up to `end`, each with its last place: those of the last while, by the store's own times.
pub(super) fn topics_before(
    reader: &mut dyn Reader,
    end: Position,
) -> Result<Vec<(String, u64)>, StoreError> {
    let mut last: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    let mut newest_ms = 0;
    let mut after = Position(end.0.saturating_sub(RECALLED_ROWS_MAX));
    while after < end {
        let limit = usize::try_from(end.0 - after.0).unwrap_or(usize::MAX).min(SCAN_ROWS_MAX);
        let scan = reader.publications(after, limit)?;
        for message in &scan.found {
            newest_ms = message.time_ms;
            last.insert(message.route.topic().to_owned(), (message.seq, message.time_ms));
        }
        if scan.at_end {
            break;
        }
        after = scan.through;
    }
    let since_ms = newest_ms.saturating_sub(RECALLED_BEFORE_END.as_millis().try_into().unwrap_or(u64::MAX));
    let recent = last.into_iter().filter(|(_, (_, time_ms))| *time_ms >= since_ms);
    Ok(recent.map(|(topic, (seq, _))| (topic, seq)).collect())
}
