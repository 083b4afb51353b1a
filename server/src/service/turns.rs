//! Turns: requests that change something in, replies and publications that are durable out, with one commit and one sync.
//!
//! The writer thread takes them, so that others gather while one syncs. With little under way there is nothing to gather, and
//! handing over and back would cost more than the commit: then the desk takes the turn itself.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use recado_proto::Timestamp;
use tracing::{debug, trace};

use super::clock::Clock;
use super::feed::Published;
use super::notices;
use super::queue::Queue;
use super::recent::Batch;
use super::reply::{Replies, from_outcome};
use super::writer::Write;
use crate::limits::{CLOCK_RESERVED, IDLE_BEFORE_UPKEEP, PUBLISHED_MARK_INTERVAL, TURN_AT_DESK_MAX};
use crate::store::{Change, Marks, Outcome, Store, StoreError};

/// The store and what a turn needs beside it, for the one who has the turn.
pub(super) struct Turns {
    state: Mutex<Committer>,
    queue: Arc<Queue<Write>>,
}

/// Who commits turns: the store, and what goes with it.
pub(super) struct Committer {
    /// Taken out when it is closed.
    store: Option<Box<dyn Store>>,
    published: Arc<Published>,
    clock: Arc<Clock>,
    marked_at: Instant,
    ended_at: Instant,
    /// All is indexed and published, and marked so.
    tended: bool,
    /// The last turn took no longer than [`TURN_AT_DESK_MAX`].
    was_quick: bool,
}

impl Turns {
    /// `queue` is where the writer thread waits for the turns that are its own.
    pub(super) fn new(
        store: Box<dyn Store>,
        queue: Arc<Queue<Write>>,
        published: Arc<Published>,
        clock: Arc<Clock>,
    ) -> Self {
        let state = Committer::new(store, published, clock);
        Self { state: Mutex::new(state), queue }
    }

    /// Has `writes` committed and synced; they are taken out. After an error nothing is written any more.
    pub(super) fn take(&self, writes: &mut Vec<Write>) -> Result<Replies, StoreError> {
        self.lock().turn(writes)
    }

    /// The same at the desk, which nothing else may hold up for long: not if somebody else has the turn or the last one took
    /// long. Nothing that came before `writes` may be waiting.
    pub(super) fn take_at_desk(&self, writes: &mut Vec<Write>) -> Option<Result<Replies, StoreError>> {
        let mut state = match self.state.try_lock() {
            Ok(state) => state,
            Err(TryLockError::WouldBlock | TryLockError::Poisoned(_)) => return None,
        };
        if !state.was_quick {
            return None;
        }
        let was_tended = state.tended;
        let replies = state.turn(writes);
        drop(state);
        if was_tended {
            // The writer sleeps for good, and has to look after what was written now.
            self.queue.nudge();
        }
        Some(replies)
    }

    /// How long the writer waits for work before it [tends](Self::tend): for good when there is nothing to do.
    pub(super) fn patience(&self) -> Option<Duration> {
        (!self.lock().tended).then_some(IDLE_BEFORE_UPKEEP)
    }

    /// Does what is left for quiet times, if it is quiet.
    pub(super) fn tend(&self) -> Result<(), StoreError> {
        let mut state = self.lock();
        if state.tended || state.ended_at.elapsed() < IDLE_BEFORE_UPKEEP {
            return Ok(());
        }
        state.update_marks(true);
        let store = state.store_mut();
        store.tend()?;
        state.tended = store.marks().published_through == store.last_position();
        Ok(())
    }

    /// Closes the store. No turn may follow.
    pub(super) fn close(&self) -> Result<(), StoreError> {
        let mut state = self.lock();
        let marks = Marks { published_through: state.published.through(), clock: state.clock.value() };
        let mut store = state.store.take().expect(OPEN);
        store.set_marks(marks);
        store.close()
    }

    fn lock(&self) -> MutexGuard<'_, Committer> {
        // A turn that panicked leaves a store that takes no more: it says so itself.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const OPEN: &str = "the store is open until the writer, who takes the last turn, closes it";

impl Committer {
    pub(super) fn new(store: Box<dyn Store>, published: Arc<Published>, clock: Arc<Clock>) -> Self {
        let now = Instant::now();
        Self {
            store: Some(store),
            published,
            clock,
            marked_at: now,
            ended_at: now,
            tended: false,
            was_quick: false,
        }
    }

    pub(super) fn store(&self) -> &dyn Store {
        self.store.as_deref().expect(OPEN)
    }

    pub(super) fn store_mut(&mut self) -> &mut dyn Store {
        self.store.as_deref_mut().expect(OPEN)
    }

    fn turn(&mut self, writes: &mut Vec<Write>) -> Result<Replies, StoreError> {
        let begun = Instant::now();
        self.update_marks(begun - self.marked_at >= PUBLISHED_MARK_INTERVAL);
        let replies = self.turn_at(writes, unix_ms())?;
        self.ended_at = Instant::now();
        self.was_quick = self.ended_at - begun <= TURN_AT_DESK_MAX;
        self.tended = false;
        Ok(replies)
    }

    /// One turn at `now_ms`, by the system's clock.
    pub(super) fn turn_at(&mut self, writes: &mut Vec<Write>, now_ms: u64) -> Result<Replies, StoreError> {
        let mut changes = Vec::with_capacity(writes.len());
        let mut reply_to = Vec::with_capacity(writes.len());
        let mut marks = Vec::new();
        for Write { mut change, reply_to: to } in writes.drain(..) {
            match &mut change {
                Change::Send(message) => message.clock = self.clock.tick(),
                Change::Act(act) => act.clock = self.clock.tick(),
                Change::Login { .. }
                | Change::AddUser { .. }
                | Change::CreateChannel { .. }
                | Change::Access { .. } => {}
                Change::Mark { user, mark } => marks.push((changes.len(), user.clone(), mark.clone())),
            }
            changes.push(change);
            reply_to.push(to);
        }
        let store = self.store.as_deref_mut().expect(OPEN);
        let mut committed = store.commit(changes, now_ms)?;
        let epoch = store.epoch();
        let timestamp = Timestamp::now();
        let mut replies = Replies::with_capacity(reply_to.len());
        for (index, user, mark) in marks {
            if committed.outcomes[index] == Outcome::Marked {
                replies.notices.push(notices::marked(user, mark, timestamp, &self.clock));
            }
        }
        for (to, outcome) in reply_to.into_iter().zip(std::mem::take(&mut committed.outcomes)) {
            trace!(peer = %to.peer, service = %to.service, ?outcome, "answered");
            replies.push(to, from_outcome(outcome, epoch), timestamp, &self.clock);
        }
        if committed.after != committed.through {
            replies.publications = Some(Batch::new(&committed, epoch));
        }
        debug!(requests = replies.messages.len(), through = %committed.through, "turn committed");
        Ok(replies)
    }

    /// Sets marks; they are stored with the next commit.
    pub(super) fn update_marks(&mut self, mark_published: bool) {
        let Marks { mut published_through, mut clock } = self.store().marks();
        if mark_published {
            self.marked_at = Instant::now();
            published_through = self.published.through();
        }
        // Well before the bound is reached: readers' replies raise the clock, too, and commit nothing.
        if self.clock.value() + CLOCK_RESERVED / 2 > clock {
            clock = self.clock.value() + CLOCK_RESERVED;
        }
        self.store_mut().set_marks(Marks { published_through, clock });
    }
}

/// The system's clock, in Unix milliseconds.
pub(crate) fn unix_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use recado_proto::{ChannelName, Service, ServiceName};
    use recado_zmtp::{Dealer, Framing, Message, PeerId, Router, SocketOptions};
    use tempfile::TempDir;

    use super::{Clock, Published, Queue, Turns, Write};
    use crate::limits::TURN_REQUESTS_MAX;
    use crate::service::envelope::Envelope;
    use crate::service::queue::Taken;
    use crate::service::reply::ReplyTo;
    use crate::store::{Change, Position, SqliteStore, Store};

    struct Fixture {
        turns: Turns,
        queue: Arc<Queue<Write>>,
        peer: PeerId,
        folder: TempDir,
    }

    /// Only a socket gives out the numbers of peers.
    fn some_peer() -> PeerId {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let endpoint = "tcp://127.0.0.1:*".parse().unwrap();
            let mut router = Router::bind(&endpoint, SocketOptions::default()).await.unwrap();
            let options = SocketOptions::default();
            let dealer = Dealer::connect(&[router.local_endpoint().clone()], Framing::Raw, options);
            dealer.send(Message::single("x")).await.unwrap();
            router.recv().await.unwrap().0
        })
    }

    impl Fixture {
        fn new(was_quick: bool) -> Self {
            let folder = TempDir::new().unwrap();
            let store = SqliteStore::open(&folder.path().join("recado.db")).unwrap();
            let queue = Arc::new(Queue::new());
            let (published, clock) = (Published::new(Position(0)), Clock::starting_at(0));
            let turns = Turns::new(Box::new(store), Arc::clone(&queue), Arc::new(published), Arc::new(clock));
            turns.lock().was_quick = was_quick;
            Self { turns, queue, peer: some_peer(), folder }
        }

        fn channels(&self) -> Vec<ChannelName> {
            self.turns.lock().store().reader().unwrap().channels().unwrap()
        }

        fn creation(&self, name: &str) -> Write {
            let channel = ChannelName::parse(name).unwrap();
            Write {
                change: Change::CreateChannel { channel, timestamp: None, id: None, owner: None },
                reply_to: ReplyTo {
                    peer: self.peer,
                    envelope: Envelope::None,
                    service: ServiceName::Known(Service::Channel),
                    reference: None,
                    bytes: 1,
                    accepted: None,
                },
            }
        }
    }

    #[test]
    fn the_desk_takes_a_turn_as_the_writer_does() {
        let fixture = Fixture::new(true);
        let mut writes = vec![fixture.creation("one"), fixture.creation("two")];
        let replies = fixture.turns.take_at_desk(&mut writes).unwrap().unwrap();
        assert_eq!((replies.messages.len(), replies.bytes, writes.len()), (2, 2, 0));
        fixture.turns.take(&mut vec![fixture.creation("three")]).unwrap();
        assert_eq!(
            fixture.channels().iter().map(ChannelName::as_str).collect::<Vec<_>>(),
            ["one", "three", "two"]
        );
    }

    #[test]
    fn the_desk_leaves_a_turn_to_the_writer_after_a_slow_one_and_while_another_is_under_way() {
        let fixture = Fixture::new(false);
        let mut writes = vec![fixture.creation("one")];
        assert!(fixture.turns.take_at_desk(&mut writes).is_none());
        fixture.turns.lock().was_quick = true;
        let other = fixture.turns.lock();
        assert!(fixture.turns.take_at_desk(&mut writes).is_none());
        drop(other);
        assert_eq!((writes.len(), fixture.channels()), (1, Vec::new()));
        assert!(fixture.turns.take_at_desk(&mut writes).is_some());
        assert_eq!(fixture.channels().len(), 1);
    }

    #[test]
    fn a_writer_that_has_nothing_to_do_is_told_of_a_turn_at_the_desk() {
        let fixture = Fixture::new(true);
        fixture.turns.lock().tended = true;
        assert_eq!(fixture.turns.patience(), None);
        fixture.turns.take_at_desk(&mut vec![fixture.creation("one")]).unwrap().unwrap();
        let taken = fixture.queue.take(&mut Vec::new(), TURN_REQUESTS_MAX, Some(Duration::MAX));
        assert_eq!(taken, Taken::Idle);
        assert!(fixture.turns.patience().is_some());
    }

    #[test]
    fn once_closed_all_that_was_answered_is_in_the_store() {
        let fixture = Fixture::new(true);
        fixture.turns.take_at_desk(&mut vec![fixture.creation("one")]).unwrap().unwrap();
        fixture.turns.close().unwrap();
        let store = SqliteStore::open(&fixture.folder.path().join("recado.db")).unwrap();
        assert_eq!(store.reader().unwrap().channels().unwrap().len(), 1);
    }
}
