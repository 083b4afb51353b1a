//! The writer thread: takes all that waits as one turn, and only once that is committed and synced hands out replies and
//! publications. While it syncs the next turn gathers; nobody sleeps to make turns larger.

use std::sync::Arc;

use tokio::sync::mpsc::UnboundedSender;

use super::queue::{Queue, Taken};
use super::reply::{Replies, ReplyTo};
use super::turns::Turns;
use crate::limits::TURN_REQUESTS_MAX;
use crate::store::{Change, StoreError};

/// A request that changes something.
#[derive(Debug)]
pub(super) struct Write {
    pub(super) change: Change,
    pub(super) reply_to: ReplyTo,
}

/// What the thread works on, and with.
pub(super) struct Writer {
    pub(super) turns: Arc<Turns>,
    pub(super) queue: Arc<Queue<Write>>,
    pub(super) replies: UnboundedSender<Replies>,
}

impl Writer {
    /// Runs until the queue is closed and empty, then closes the store. After an error nothing is written any more.
    pub(super) fn run(self) -> Result<(), StoreError> {
        let mut writes = Vec::with_capacity(TURN_REQUESTS_MAX);
        loop {
            // Once all is indexed and published an idle server sleeps for good.
            match self.queue.take(&mut writes, TURN_REQUESTS_MAX, self.turns.patience()) {
                Taken::Work => {
                    let replies = self.turns.take(&mut writes)?;
                    // Nobody listens any more only when the server ends; then the replies have nowhere to go.
                    let _ = self.replies.send(replies);
                }
                Taken::Idle => self.turns.tend()?,
                Taken::Closed => return self.turns.close(),
            }
        }
    }
}
