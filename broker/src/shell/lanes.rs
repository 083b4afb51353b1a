//! The way of a publisher's messages from the worker that reads it to the others. A lane leads to one of them and holds a few shares of
//! chunks; when it is full the publisher is not read, so that whoever waits at the other end holds the publisher back, as it would at
//! the same worker.

use std::collections::{BTreeMap, VecDeque};
use std::io::IoSlice;
use std::mem::{replace, take};
use std::ops::ControlFlow;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use recado_zmtp::codec::MessageSplitter;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::yield_now;
use tokio::time::timeout;

use crate::chunk::{Chunk, Messages};
use crate::delivery::{Leftovers, Outside, Rest, Written};
use crate::limits::{
    HOLD_DEBT_BYTES, HOLD_STEP_MS, LANE_CHUNKS_MAX, LANES_BYTES_MAX, TURN_BYTES, TURN_READS,
};
use crate::neighbours::WorkerId;
use crate::shell::shared::Shared;
use crate::shell::workers::{Errand, Feeding, Weight};
use crate::trie::SubscriberId;

/// A publisher's lanes, and what finds no room in them.
#[derive(Debug, Default)]
pub(super) struct Lanes {
    lanes: BTreeMap<WorkerId, Lane>,
    waiting: VecDeque<(WorkerId, Messages, Weight)>,
}

#[derive(Debug)]
struct Lane {
    /// The bound: a place is taken from when something is sent until the other worker has done with it.
    places: Arc<Semaphore>,
    sender: UnboundedSender<Shipment>,
    reach: Arc<Reach>,
}

/// How many subscribers the last chunk of a lane had shares for, and the bytes of these.
#[derive(Debug, Default)]
struct Reach {
    shares: AtomicUsize,
    share_bytes: AtomicUsize,
}

#[derive(Debug)]
struct Shipment {
    messages: Messages,
    _place: OwnedSemaphorePermit,
    _weight: Weight,
}

/// The end of a lane at the other worker.
#[derive(Debug)]
pub(super) struct LaneEnd {
    receiver: UnboundedReceiver<Shipment>,
    reach: Arc<Reach>,
    _feeding: Feeding,
}

/// What a publisher has to wait for before it is read again.
pub(super) struct Need {
    places: Arc<Semaphore>,
    count: u32,
}

impl Need {
    /// Cancel safe.
    pub(super) async fn met(self) -> OwnedSemaphorePermit {
        self.places.acquire_many_owned(self.count).await.expect("nobody closes it")
    }
}

impl Lanes {
    /// Sends messages to a worker, or keeps them until there is room.
    pub(super) fn send(&mut self, shared: &Shared, to: WorkerId, messages: Messages) {
        let weight = shared.workers.weigh(messages.held_bytes);
        let lane = self.lanes.entry(to).or_insert_with(|| Lane::open(shared, to));
        let in_turn = !self.waiting.iter().any(|(worker, ..)| *worker == to);
        match Arc::clone(&lane.places).try_acquire_owned() {
            Ok(place) if in_turn => lane.send(messages, weight, place),
            Ok(_) | Err(_) => self.waiting.push_back((to, messages, weight)),
        }
    }

    /// What is to be waited for: room for what is kept, or, where too much is under way in all, that the workers have done with
    /// what they have of this publisher. So each one's first messages always go their way, however many others are held up.
    pub(super) fn need(&self, shared: &Shared) -> Option<Need> {
        if let Some((to, ..)) = self.waiting.front() {
            return Some(Need { places: Arc::clone(&self.lanes[to].places), count: 1 });
        }
        if shared.workers.lanes_bytes() <= LANES_BYTES_MAX {
            return None;
        }
        let busy = self.lanes.values().find(|lane| lane.places.available_permits() < LANE_CHUNKS_MAX)?;
        Some(Need { places: Arc::clone(&busy.places), count: LANE_CHUNKS_MAX as u32 })
    }

    /// How many subscribers of other workers lately had shares of a chunk, and the bytes of these.
    pub(super) fn reach(&self) -> (usize, usize) {
        self.lanes.values().fold((0, 0), |(shares, bytes), Lane { reach, .. }| {
            let read = |figure: &AtomicUsize| figure.load(Ordering::Relaxed);
            (shares + read(&reach.shares), bytes + read(&reach.share_bytes))
        })
    }

    /// Uses what [`Lanes::need`] asked for.
    pub(super) fn go_on(&mut self, place: OwnedSemaphorePermit) {
        if let Some((to, messages, weight)) = self.waiting.pop_front() {
            self.lanes[&to].send(messages, weight, place);
        }
    }

    /// Sends all that is kept, and no more.
    pub(super) async fn finish(mut self) {
        while let Some((to, messages, weight)) = self.waiting.pop_front() {
            let lane = &self.lanes[&to];
            let place = Need { places: Arc::clone(&lane.places), count: 1 }.met().await;
            lane.send(messages, weight, place);
        }
    }
}

impl Lane {
    fn open(shared: &Shared, to: WorkerId) -> Lane {
        let (sender, receiver) = unbounded_channel();
        let reach = Arc::new(Reach::default());
        let _feeding = shared.workers.feed(&shared.stop);
        let end = LaneEnd { receiver, reach: Arc::clone(&reach), _feeding };
        shared.workers.send(to, Errand::Lane(end));
        Lane { places: Arc::new(Semaphore::new(LANE_CHUNKS_MAX)), sender, reach }
    }

    fn send(&self, messages: Messages, weight: Weight, place: OwnedSemaphorePermit) {
        // A worker that takes nothing more has ended, and its subscribers with it.
        let _ = self.sender.send(Shipment { messages, _place: place, _weight: weight });
    }
}

/// Forwards what comes along a lane to this worker's own subscribers.
pub(super) async fn serve_lane(shared: Rc<Shared>, mut end: LaneEnd) {
    let mut forwarder = Forwarder {
        splitter: MessageSplitter::new(shared.message_limits()),
        left: Leftovers::default(),
        debt: 0,
    };
    let (mut turn_bytes, mut turn_chunks) = (0, 0);
    while let Some(Shipment { messages, _place, _weight }) = end.receiver.recv().await {
        turn_bytes += messages.bytes.len();
        turn_chunks += 1;
        let chunk = shared.chunks.borrow_mut().chunk_of(messages);
        forwarder.forward(&shared, chunk).await;
        let left = &mut forwarder.left;
        end.reach.shares.store(take(&mut left.shares), Ordering::Relaxed);
        end.reach.share_bytes.store(take(&mut left.share_bytes), Ordering::Relaxed);
        if forwarder.debt >= HOLD_DEBT_BYTES && !forwarder.left.to_wait_for.is_empty() {
            forwarder.wait(&shared).await;
        }
        forwarder.left.to_wait_for.clear();
        if turn_bytes >= TURN_BYTES || turn_chunks >= TURN_READS {
            (turn_bytes, turn_chunks) = (0, 0);
            yield_now().await;
        }
    }
}

struct Forwarder {
    splitter: MessageSplitter,
    left: Leftovers,
    /// Bytes left in queues since it last waited.
    debt: usize,
}

/// What the hub needs of us while it forwards what came along a lane.
struct Around<'a>(&'a Shared);

impl Outside for Around<'_> {
    fn command(&mut self, _: &[u8]) -> ControlFlow<()> {
        unreachable!("whole messages are handed over, and nothing else")
    }

    fn hand_over(&mut self, _: WorkerId, _: Messages) {
        unreachable!("the worker that reads the publisher has seen to the others")
    }

    fn write(&mut self, id: SubscriberId, slices: &[IoSlice<'_>]) -> Written {
        self.0.write(id, slices)
    }
}

impl Forwarder {
    async fn forward(&mut self, shared: &Shared, mut chunk: Chunk) {
        loop {
            let Forwarder { splitter, left, .. } = self;
            let around = &mut Around(shared);
            let now = Instant::now();
            let accepted =
                shared.hub.borrow_mut().forward_handed_over(splitter, &mut chunk, now, left, around);
            self.debt += shared.settle(&mut self.left);
            match accepted.rest {
                Rest::Unfinished => break,
                Rest::More => {
                    let rest = shared.chunks.borrow_mut().copy(&chunk.bytes()[accepted.consumed..]);
                    shared.chunks.borrow_mut().give_back_chunk(replace(&mut chunk, rest));
                    yield_now().await;
                }
                Rest::Faulty(_) | Rest::Stopped => unreachable!("these messages were walked before"),
            }
        }
        shared.chunks.borrow_mut().give_back_chunk(chunk);
    }

    /// Waits for subscribers that are behind, as far as the rules allow; at the end of the broker for none.
    async fn wait(&mut self, shared: &Shared) {
        self.debt = 0;
        let mut since = Instant::now();
        shared.hub.borrow_mut().wait_begins(since);
        loop {
            let mut relief = pin!(shared.relief.notified());
            relief.as_mut().enable();
            let now = Instant::now();
            shared.hub.borrow_mut().waited(&mut self.left.to_wait_for, since, now);
            since = now;
            if self.left.to_wait_for.is_empty() || shared.is_closing() {
                return;
            }
            tokio::select! {
                () = shared.stop.cancelled() => return,
                _ = timeout(Duration::from_millis(HOLD_STEP_MS), relief) => {}
            }
        }
    }
}

#[cfg(test)]
#[path = "lanes_tests.rs"]
mod tests;
