//! The writer thread: takes all that waits as one turn, has it committed and synced, and only then hands out replies and
//! publications. While it syncs the next turn gathers; nobody sleeps to make turns larger.

use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use recado_proto::Timestamp;
use tokio::sync::mpsc::UnboundedSender;
use tracing::{debug, trace};

use super::clock::Clock;
use super::feed::Published;
use super::queue::{Queue, Taken};
use super::recent::Batch;
use super::reply::{Replies, ReplyTo, from_outcome};
use crate::limits::{CLOCK_RESERVED, IDLE_BEFORE_UPKEEP, PUBLISHED_MARK_INTERVAL, TURN_REQUESTS_MAX};
use crate::store::{Change, Marks, Store, StoreError};

/// A request that changes something.
#[derive(Debug)]
pub(super) struct Write {
    pub(super) change: Change,
    pub(super) reply_to: ReplyTo,
}

/// What the thread works on, and with.
pub(super) struct Writer {
    pub(super) store: Box<dyn Store>,
    pub(super) queue: Arc<Queue<Write>>,
    pub(super) replies: UnboundedSender<Replies>,
    pub(super) published: Arc<Published>,
    pub(super) clock: Arc<Clock>,
}

impl Writer {
    /// Runs until the queue is closed and empty, then closes the store. After an error nothing is written any more.
    pub(super) fn run(mut self) -> Result<(), StoreError> {
        let mut writes = Vec::with_capacity(TURN_REQUESTS_MAX);
        let mut marked_at = Instant::now();
        let mut tended = false;
        loop {
            // Once all is indexed and published an idle server sleeps for good.
            let patience = (!tended).then_some(IDLE_BEFORE_UPKEEP);
            match self.queue.take(&mut writes, TURN_REQUESTS_MAX, patience) {
                Taken::Work => {
                    let mark_published = marked_at.elapsed() >= PUBLISHED_MARK_INTERVAL;
                    if mark_published {
                        marked_at = Instant::now();
                    }
                    self.update_marks(mark_published);
                    self.turn(&mut writes)?;
                    tended = false;
                }
                Taken::Idle => {
                    self.update_marks(true);
                    self.store.tend()?;
                    tended = self.store.marks().published_through == self.store.last_position();
                }
                Taken::Closed => break,
            }
        }
        self.close()
    }

    fn turn(&mut self, writes: &mut Vec<Write>) -> Result<(), StoreError> {
        let mut changes = Vec::with_capacity(writes.len());
        let mut reply_to = Vec::with_capacity(writes.len());
        for Write { mut change, reply_to: to } in writes.drain(..) {
            if let Change::Send(message) = &mut change {
                message.clock = self.clock.tick();
            }
            changes.push(change);
            reply_to.push(to);
        }
        let mut committed = self.store.commit(changes, unix_ms())?;
        let epoch = self.store.epoch();
        let timestamp = Timestamp::now();
        let mut replies = Replies::with_capacity(reply_to.len());
        for (to, outcome) in reply_to.into_iter().zip(std::mem::take(&mut committed.outcomes)) {
            trace!(peer = %to.peer, service = %to.service, ?outcome, "answered");
            replies.push(to, from_outcome(outcome, epoch), timestamp, &self.clock);
        }
        if committed.after != committed.through {
            replies.publications = Some(Batch::new(&committed, epoch));
        }
        debug!(requests = replies.messages.len(), through = %committed.through, "turn committed");
        // Nobody listens any more only when the server ends; then the replies have nowhere to go.
        let _ = self.replies.send(replies);
        Ok(())
    }

    /// Sets marks; they are stored with the next commit.
    fn update_marks(&mut self, mark_published: bool) {
        let Marks { mut published_through, mut clock } = self.store.marks();
        if mark_published {
            published_through = self.published.through();
        }
        // Well before the bound is reached: readers' replies raise the clock, too, and commit nothing.
        if self.clock.value() + CLOCK_RESERVED / 2 > clock {
            clock = self.clock.value() + CLOCK_RESERVED;
        }
        self.store.set_marks(Marks { published_through, clock });
    }

    fn close(mut self) -> Result<(), StoreError> {
        self.store
            .set_marks(Marks { published_through: self.published.through(), clock: self.clock.value() });
        self.store.close()
    }
}

/// The system's clock, in Unix milliseconds.
pub(crate) fn unix_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
