//! Requests to search: the queue in which they wait, the thread that answers them, and what wakes the one that indexes.
//! Publishing waits for neither.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use recado_proto::{ChannelName, Code, ReplyBody, SearchRequest, Timestamp, UserName};
use tokio::sync::mpsc::UnboundedSender;
use tracing::error;

use super::clock::Clock;
use super::queue::{Queue, Taken};
use super::reply::{Replies, ReplyTo, internal, refused};
use crate::limits::{SEARCH_TIME_MAX, SEARCHES_WAITING_MAX};
use crate::store::{Refusal, SearchError, Searcher, SharedAccess};

/// A request to search.
#[derive(Debug)]
pub(super) struct Search {
    pub(super) request: SearchRequest,
    /// Who asks, where security is on.
    pub(super) viewer: Option<UserName>,
    pub(super) reply_to: ReplyTo,
}

/// Shared by the desk and both threads.
#[derive(Debug)]
pub(super) struct Searches {
    waiting: Queue<Search>,
    /// Nothing is ever in it: the indexer waits here for a nudge.
    follower: Queue<()>,
    follower_sleeps: AtomicBool,
    is_open: AtomicBool,
}

impl Searches {
    pub(super) fn new() -> Self {
        Self {
            waiting: Queue::new(),
            follower: Queue::new(),
            follower_sleeps: AtomicBool::new(false),
            is_open: AtomicBool::new(false),
        }
    }

    /// There is somebody who answers.
    pub(super) fn open(&self) {
        self.is_open.store(true, Ordering::Relaxed);
    }

    /// Has the request answered, or says why not.
    pub(super) fn ask(&self, search: Search) -> Result<(), Box<(ReplyTo, Refusal)>> {
        if !self.is_open.load(Ordering::Relaxed) {
            return Err(Box::new((search.reply_to, unavailable())));
        }
        self.waiting.push_within(search, SEARCHES_WAITING_MAX).map_err(|search| {
            let why = format!("{SEARCHES_WAITING_MAX} requests wait to be searched for; try again");
            Box::new((search.reply_to, Refusal::new(Code::Busy, why)))
        })
    }

    /// Something was committed. Costs a look at a flag while the indexer is at work or rests.
    pub(super) fn nudge(&self) {
        if self.follower_sleeps.load(Ordering::SeqCst) && self.follower_sleeps.swap(false, Ordering::SeqCst) {
            self.follower.nudge();
        }
    }

    /// Waits for so long; false if all has ended.
    pub(super) fn rest(&self, time: Duration) -> bool {
        self.follower.take(&mut Vec::new(), 1, Some(time)) != Taken::Closed
    }

    /// Waits for something to be committed, unless `is_behind` says that it was already; false if all has ended.
    pub(super) fn sleep(&self, is_behind: impl FnOnce() -> bool) -> bool {
        self.follower_sleeps.store(true, Ordering::SeqCst);
        // Whoever committed before this saw no sleeper, and whoever commits after it nudges.
        if is_behind() && self.follower_sleeps.swap(false, Ordering::SeqCst) {
            return true;
        }
        self.follower.take(&mut Vec::new(), 1, None) != Taken::Closed
    }

    /// Both threads are to end.
    pub(super) fn close(&self) {
        self.waiting.close();
        self.follower.close();
    }

    /// Answers until the queue is closed and empty.
    pub(super) fn answer(
        &self,
        mut searcher: Box<dyn Searcher>,
        replies: &UnboundedSender<Replies>,
        clock: &Arc<Clock>,
        access: &SharedAccess,
    ) {
        let mut searches = Vec::with_capacity(1);
        while self.waiting.take(&mut searches, 1, None) == Taken::Work {
            for Search { request, viewer, reply_to } in searches.drain(..) {
                let sees = |channel: &ChannelName| {
                    viewer.as_ref().is_none_or(|viewer| access.read().may_read(viewer, channel))
                };
                let body = answer(searcher.as_mut(), &request, &sees)
                    .unwrap_or_else(|failure| self.failed(&failure));
                let mut answers = Replies::with_capacity(1);
                answers.push(reply_to, body, Timestamp::now(), clock);
                // Nobody listens any more only when the server ends.
                let _ = replies.send(answers);
            }
        }
    }

    fn failed(&self, failure: &SearchError) -> ReplyBody {
        error!(%failure, "a search could not be answered");
        match failure {
            SearchError::Store(_) => internal(),
            SearchError::Index { .. } => {
                // It makes the index anew.
                self.nudge();
                refused(Refusal::new(Code::Unavailable, "the index for search is being made anew; try again"))
            }
        }
    }
}

fn answer(
    searcher: &mut dyn Searcher,
    request: &SearchRequest,
    sees: &dyn Fn(&ChannelName) -> bool,
) -> Result<ReplyBody, SearchError> {
    let now = Instant::now();
    // What is left of the time is for looking at what was found.
    let until = (now + SEARCH_TIME_MAX / 2, now + SEARCH_TIME_MAX);
    Ok(match searcher.search(request, sees, until)? {
        Ok(page) => ReplyBody::Found(page),
        Err(refusal) => refused(refusal),
    })
}

/// What is answered where nothing can be searched.
pub(super) fn unavailable() -> Refusal {
    Refusal::new(Code::Unavailable, "this server's store cannot be searched")
}
