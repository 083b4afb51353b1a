//! What the broker's workers share, and what they send each other. With one worker nobody sends anything. Locks are held for moments, never
//! across an await; on the way of a message stands none, only a look at whether the inbox has something.

use std::mem::take;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use recado_zmtp::curve::PublicKey;
use recado_zmtp::transport::DetachedStream;
use tokio::sync::{Notify, oneshot};
use tokio_util::sync::CancellationToken;

use crate::admission::{Admission, Bounds, Refusal};
use crate::counters::Counters;
use crate::limits::{Limits, TOPIC_CHANGES_MAX};
use crate::neighbours::{Board, TopicChange, WorkerId};
use crate::shell::accept::{Door, Side};
use crate::shell::asking::Query;
use crate::shell::complaints::Complaints;
use crate::shell::lanes::LaneEnd;

/// What all workers share.
#[derive(Debug)]
pub(crate) struct Workers {
    inboxes: Vec<Inbox>,
    loads: Vec<Load>,
    admission: Mutex<Admission>,
    /// The counters that give the sums.
    pub(super) counters: Arc<Counters>,
    pub(super) boards: Arc<[Board]>,
    pub(super) refused: Complaints,
    pub(super) faults: Complaints,
    /// Bytes on their way from one worker to another.
    lanes_bytes: AtomicUsize,
    /// Tasks that may still bring messages for subscribers.
    feeding: AtomicUsize,
    /// Cancelled when the broker ends and no more messages come for subscribers.
    pub(super) fed_out: CancellationToken,
    running: AtomicUsize,
}

/// What waits for a worker.
#[derive(Debug)]
struct Inbox {
    /// Bounded by the connections that there may be, the lanes of each, and those who ask for the status. None when the worker takes no more.
    errands: Mutex<Option<Vec<Errand>>>,
    /// Topics that subscribers of other workers have begun or ceased to want. The bound: see [`Workers::room_for_changes`].
    changes: Mutex<Vec<(WorkerId, TopicChange)>>,
    changes_count: AtomicUsize,
    arrived: Notify,
    learnt: Notify,
}

/// What one worker does for another.
#[derive(Debug)]
pub(super) enum Errand {
    /// Serve this connection.
    Connection(Arrival),
    /// Forward what comes here.
    Lane(LaneEnd),
    /// Have servers asked.
    Query(Query),
}

/// A connection that was let in.
#[derive(Debug)]
pub(super) struct Arrival {
    pub(super) door: Door,
    pub(super) stream: DetachedStream,
    pub(super) admitted: Admitted,
}

/// Connections of a worker.
#[derive(Debug, Default)]
struct Load {
    publishers: AtomicUsize,
    subscribers: AtomicUsize,
}

/// A place for a connection, at a worker; given back when dropped.
#[derive(Debug)]
pub(super) struct Admitted {
    workers: Arc<Workers>,
    pub(super) worker: WorkerId,
    side: Side,
    host: Option<IpAddr>,
}

/// A user's place for a connection; given back when dropped.
#[derive(Debug)]
pub(super) struct UserPlace {
    workers: Arc<Workers>,
    user: Box<str>,
}

/// Held by whoever may still bring messages for subscribers.
#[derive(Debug)]
pub(super) struct Feeding {
    workers: Arc<Workers>,
    stop: CancellationToken,
}

/// Counts bytes as being on their way for as long as it is kept.
#[derive(Debug)]
pub(super) struct Weight {
    workers: Arc<Workers>,
    bytes: usize,
}

impl Workers {
    /// As many workers as there are counters.
    pub(crate) fn new(counters: &[Arc<Counters>], limits: &Limits) -> Workers {
        let count = counters.len();
        let boards: Vec<Board> =
            if count > 1 { (0..count).map(|_| Board::default()).collect() } else { Vec::new() };
        Workers {
            inboxes: (0..count).map(|_| Inbox::new()).collect(),
            loads: (0..count).map(|_| Load::default()).collect(),
            admission: Mutex::new(Admission::new(Bounds {
                connections: limits.connections_max,
                per_address: limits.connections_per_address_max,
                per_user: limits.connections_per_user_max,
            })),
            counters: Arc::clone(&counters[0]),
            boards: boards.into(),
            refused: Complaints::default(),
            faults: Complaints::default(),
            lanes_bytes: AtomicUsize::new(0),
            feeding: AtomicUsize::new(0),
            fed_out: CancellationToken::new(),
            running: AtomicUsize::new(count),
        }
    }

    /// All but this one.
    fn others(&self, own: WorkerId) -> impl Iterator<Item = &Inbox> {
        (0u32..).zip(&self.inboxes).filter(move |(worker, _)| *worker != own.0).map(|(_, inbox)| inbox)
    }

    /// Takes a connection in, for the worker that has fewest of its side.
    pub(super) fn admit(self: &Arc<Workers>, side: Side, host: Option<IpAddr>) -> Result<Admitted, Refusal> {
        locked(&self.admission).enter(host)?;
        let loads = (0u32..).zip(&self.loads);
        let least = loads.min_by_key(|(_, load)| load.of(side).load(Ordering::Relaxed));
        let worker = WorkerId(least.map_or(0, |(worker, _)| worker));
        self.loads[worker.0 as usize].of(side).fetch_add(1, Ordering::Relaxed);
        Ok(Admitted { workers: Arc::clone(self), worker, side, host })
    }

    /// A connection is this user's.
    pub(super) fn admit_user(self: &Arc<Workers>, user: Box<str>) -> Result<UserPlace, Refusal> {
        locked(&self.admission).enter_user(&user)?;
        Ok(UserPlace { workers: Arc::clone(self), user })
    }

    /// Has another worker do something; one that has ended does nothing any more.
    pub(super) fn send(&self, to: WorkerId, errand: Errand) {
        let inbox = &self.inboxes[to.0 as usize];
        if let Some(errands) = &mut *locked(&inbox.errands) {
            errands.push(errand);
        }
        inbox.arrived.notify_one();
    }

    /// Asks the first worker's gate whether a key may subscribe to a topic; no answer when too many ask.
    pub(crate) fn ask(&self, key: PublicKey, topic: &'static [u8]) -> oneshot::Receiver<bool> {
        let (answer, answered) = oneshot::channel();
        self.send(WorkerId(0), Errand::Query(Query { key, topic, answer }));
        answered
    }

    pub(super) fn take_errands(&self, own: WorkerId) -> Vec<Errand> {
        locked(&self.inboxes[own.0 as usize].errands).as_mut().map(take).unwrap_or_default()
    }

    /// This worker takes no more errands; what waits is dropped.
    pub(super) fn close_inbox(&self, own: WorkerId) {
        let errands = locked(&self.inboxes[own.0 as usize].errands).take();
        drop(errands);
    }

    /// Tells all other workers of changes, in this order.
    pub(super) fn tell_others(&self, own: WorkerId, changes: &[TopicChange]) {
        for inbox in self.others(own) {
            let mut waiting = locked(&inbox.changes);
            waiting.extend(changes.iter().map(|change| (own, change.clone())));
            inbox.changes_count.store(waiting.len(), Ordering::Release);
            drop(waiting);
            inbox.arrived.notify_one();
        }
    }

    /// Waits until no worker has too many changed topics to learn, or the broker ends.
    pub(super) async fn room_for_changes(&self, own: WorkerId, stop: &CancellationToken) {
        for inbox in self.others(own) {
            while inbox.is_full() && !stop.is_cancelled() {
                let mut learnt = pin!(inbox.learnt.notified());
                learnt.as_mut().enable();
                if inbox.is_full() {
                    tokio::select! {
                        () = learnt => {}
                        () = stop.cancelled() => {}
                    }
                }
            }
        }
    }

    /// Whether others have told this worker of changes.
    #[inline]
    pub(super) fn has_changes(&self, own: WorkerId) -> bool {
        self.inboxes[own.0 as usize].changes_count.load(Ordering::Acquire) > 0
    }

    pub(super) fn take_changes(&self, own: WorkerId) -> Vec<(WorkerId, TopicChange)> {
        let inbox = &self.inboxes[own.0 as usize];
        let mut waiting = locked(&inbox.changes);
        inbox.changes_count.store(0, Ordering::Release);
        let changes = take(&mut *waiting);
        drop(waiting);
        inbox.learnt.notify_waiters();
        changes
    }

    /// Waits until something has come for this worker since this was last asked.
    pub(super) async fn arrived(&self, own: WorkerId) {
        self.inboxes[own.0 as usize].arrived.notified().await;
    }

    /// Somebody may bring messages for subscribers from now on.
    pub(super) fn feed(self: &Arc<Workers>, stop: &CancellationToken) -> Feeding {
        self.feeding.fetch_add(1, Ordering::SeqCst);
        Feeding { workers: Arc::clone(self), stop: stop.clone() }
    }

    /// The broker ends: if nobody brings messages any more, all shall know.
    pub(super) fn stopped(&self) {
        if self.feeding.load(Ordering::SeqCst) == 0 {
            self.fed_out.cancel();
        }
    }

    /// Notes that so many bytes go to another worker.
    pub(super) fn weigh(self: &Arc<Workers>, bytes: usize) -> Weight {
        self.lanes_bytes.fetch_add(bytes, Ordering::Relaxed);
        Weight { workers: Arc::clone(self), bytes }
    }

    /// Bytes on their way from one worker to another.
    pub(super) fn lanes_bytes(&self) -> usize {
        self.lanes_bytes.load(Ordering::Relaxed)
    }

    /// A worker has ended. True if it is the last.
    pub(super) fn ended(&self) -> bool {
        self.running.fetch_sub(1, Ordering::SeqCst) == 1
    }
}

impl Inbox {
    fn new() -> Inbox {
        Inbox {
            errands: Mutex::new(Some(Vec::new())),
            changes: Mutex::default(),
            changes_count: AtomicUsize::new(0),
            arrived: Notify::new(),
            learnt: Notify::new(),
        }
    }

    fn is_full(&self) -> bool {
        self.changes_count.load(Ordering::Relaxed) > TOPIC_CHANGES_MAX
    }
}

impl Load {
    fn of(&self, side: Side) -> &AtomicUsize {
        match side {
            Side::Publishers => &self.publishers,
            Side::Subscribers => &self.subscribers,
        }
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        locked(&self.workers.admission).leave(self.host);
        self.workers.loads[self.worker.0 as usize].of(self.side).fetch_sub(1, Ordering::Relaxed);
    }
}

impl Drop for UserPlace {
    fn drop(&mut self) {
        locked(&self.workers.admission).leave_user(&self.user);
    }
}

impl Drop for Feeding {
    fn drop(&mut self) {
        let last = self.workers.feeding.fetch_sub(1, Ordering::SeqCst) == 1;
        if last && self.stop.is_cancelled() {
            self.workers.fed_out.cancel();
        }
    }
}

impl Drop for Weight {
    fn drop(&mut self) {
        self.workers.lanes_bytes.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// No panic can leave what is kept here in disorder.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio_util::sync::CancellationToken;

    use super::{Side, Workers};
    use crate::counters::Counters;
    use crate::limits::{Limits, TOPIC_CHANGES_MAX};
    use crate::neighbours::{TopicChange, WorkerId};

    fn workers(count: usize, limits: &Limits) -> Arc<Workers> {
        Arc::new(Workers::new(&Counters::of_workers(count), limits))
    }

    #[test]
    fn connections_go_where_the_fewest_of_their_side_are() {
        let workers = workers(3, &Limits::default());
        let admit = |side| workers.admit(side, None).unwrap();
        let subscribers: Vec<_> = (0..5).map(|_| admit(Side::Subscribers)).collect();
        let places = |all: &[super::Admitted]| all.iter().map(|it| it.worker.0).collect::<Vec<_>>();
        assert_eq!(places(&subscribers), [0, 1, 2, 0, 1]);
        assert_eq!(admit(Side::Publishers).worker, WorkerId(0), "publishers are counted apart");
        let mut subscribers = subscribers;
        drop(subscribers.remove(0));
        drop(subscribers.remove(2));
        let more = [admit(Side::Subscribers), admit(Side::Subscribers), admit(Side::Subscribers)];
        assert_eq!(places(&more), [0, 0, 2], "where those were who left");
    }

    #[test]
    fn connections_are_bounded_over_all_workers() {
        let workers = workers(3, &Limits { connections_max: 2, ..Limits::default() });
        let first = workers.admit(Side::Publishers, None).unwrap();
        let _second = workers.admit(Side::Subscribers, None).unwrap();
        assert!(workers.admit(Side::Subscribers, None).is_err());
        drop(first);
        assert!(workers.admit(Side::Subscribers, None).is_ok());
    }

    #[tokio::test]
    async fn who_changes_many_topics_waits_until_the_others_have_learnt_them() {
        let (workers, stop) = (workers(2, &Limits::default()), CancellationToken::new());
        let change = TopicChange { topic: b"t"[..].into(), wanted: true };
        workers.tell_others(WorkerId(0), &vec![change; TOPIC_CHANGES_MAX]);
        workers.room_for_changes(WorkerId(0), &stop).await;
        workers.tell_others(WorkerId(0), &[TopicChange { topic: b"last"[..].into(), wanted: false }]);
        let room = workers.room_for_changes(WorkerId(0), &stop);
        tokio::pin!(room);
        assert!(futures_pending(room.as_mut()).await);
        assert!(!workers.has_changes(WorkerId(0)) && workers.has_changes(WorkerId(1)));
        let learnt = workers.take_changes(WorkerId(1));
        assert_eq!(
            (learnt.len(), &*learnt[TOPIC_CHANGES_MAX].1.topic),
            (TOPIC_CHANGES_MAX + 1, &b"last"[..])
        );
        room.await;
        workers.tell_others(WorkerId(0), &learnt.into_iter().map(|(_, it)| it).collect::<Vec<_>>());
        stop.cancel();
        workers.room_for_changes(WorkerId(0), &stop).await;
    }

    async fn futures_pending(mut future: std::pin::Pin<&mut impl Future>) -> bool {
        std::future::poll_fn(|cx| std::task::Poll::Ready(future.as_mut().poll(cx).is_pending())).await
    }

    #[test]
    fn subscribers_are_done_when_the_last_who_feeds_them_is() {
        let (workers, stop) = (workers(2, &Limits::default()), CancellationToken::new());
        drop(workers.feed(&stop));
        assert!(!workers.fed_out.is_cancelled(), "the broker goes on");
        let (one, other) = (workers.feed(&stop), workers.feed(&stop));
        stop.cancel();
        workers.stopped();
        drop(one);
        assert!(!workers.fed_out.is_cancelled());
        drop(other);
        assert!(workers.fed_out.is_cancelled());
    }
}
