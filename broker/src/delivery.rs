//! How a chunk of a publisher's bytes reaches subscribers. [`Hub::forward`] walks its messages and gives each subscriber its
//! share: a list of runs of whole messages. It writes the shares as they lie in the chunk, and queues what could not be written.
//! [`Hub::flush`] writes from a queue. Knows nothing of sockets: what is outside is an argument.

use std::io::IoSlice;
use std::ops::ControlFlow;
use std::time::Instant;

use recado_zmtp::codec::{FrameError, MessageSplitter};

use crate::chunk::{Chunk, Messages};
use crate::hub::Hub;
use crate::limits::{SlowSubscriber, WRITE_SLICES_MAX, WRITE_TURN_BYTES};
use crate::neighbours::WorkerId;
use crate::share::Place;
use crate::trie::SubscriberId;
use crate::walk::Origin;

/// What a write came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// So many bytes were taken; fewer than offered means that there is no room for more now.
    Bytes(usize),
    /// There is no room now.
    Blocked,
    /// The connection is broken.
    Broken,
}

/// What is outside of the hub while it forwards.
pub trait Outside {
    /// The publisher sent a command; this is its body. A break ends the forwarding there.
    fn command(&mut self, body: &[u8]) -> ControlFlow<()>;

    /// Hands messages to another worker, as [`Hub::forward_handed_over`] takes them there. A hub without neighbours never does.
    fn hand_over(&mut self, worker: WorkerId, messages: Messages);

    /// Writes to a subscriber, whose queue is empty, as much as there is room for.
    fn write(&mut self, id: SubscriberId, slices: &[IoSlice<'_>]) -> Written;
}

/// What [`Hub::forward`] found.
#[derive(Debug)]
pub struct Accepted {
    /// Bytes of whole messages and commands; the rest is the beginning of the next.
    pub consumed: usize,
    /// What stands behind them.
    pub rest: Rest,
}

/// What stands behind the bytes that [`Hub::forward`] consumed.
#[derive(Debug, PartialEq, Eq)]
pub enum Rest {
    /// Nothing, or a message that is not whole yet.
    Unfinished,
    /// Perhaps more messages: the shares are many enough, deliver them first.
    More,
    /// Something that is no message; the connection cannot go on.
    Faulty(FrameError),
    /// A command was the end, see [`Outside::command`].
    Stopped,
}

/// What [`Hub::forward`] left to do. Lists are appended to.
#[derive(Debug, Default)]
pub struct Leftovers {
    /// Subscribers whose queue was empty, and now is not: they are to be written to when they have room.
    pub to_write: Vec<SubscriberId>,
    /// Subscribers that the publisher is to wait for.
    pub to_wait_for: Vec<SubscriberId>,
    /// Subscribers to be disconnected.
    pub to_disconnect: Vec<SubscriberId>,
    /// Subscribers whose connection broke, perhaps in the middle of a message: nothing more can be written there.
    pub broken: Vec<SubscriberId>,
    /// Bytes queued.
    pub queued_bytes: usize,
    /// Subscribers of this worker that had a share.
    pub shares: usize,
    /// Bytes of all shares.
    pub share_bytes: usize,
}

/// What [`Hub::flush`] came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flushed {
    /// Why it ended.
    pub end: FlushEnd,
    /// Something was written: the peer has made room, so it lives.
    pub progressed: bool,
    /// The subscriber was behind and no longer is: publishers may be waiting for that.
    pub caught_up: bool,
}

/// Why [`Hub::flush`] ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlushEnd {
    /// Nothing is left to write.
    Empty,
    /// There is no room now.
    Blocked,
    /// It was this one's turn for long enough; more can be written.
    TurnOver,
    /// The connection is broken.
    Broken,
}

impl Hub {
    /// Forwards the whole messages of `chunk`, which begins where the splitter stands: writes to each subscriber its share, and
    /// queues what there is no room for. Commands that stand between the frames of a message are taken out of it.
    ///
    /// After [`Rest::More`] the rest is to be forwarded as a chunk of its own.
    ///
    /// # Panics
    /// When the chunk has 4 GiB and more, which the limits on chunks and messages exclude.
    pub fn forward(
        &mut self,
        splitter: &mut MessageSplitter,
        chunk: &mut Chunk,
        now: Instant,
        left: &mut Leftovers,
        outside: &mut impl Outside,
    ) -> Accepted {
        let accepted = self.accept(splitter, chunk, Origin::Publisher, |body| outside.command(body));
        if self.neighbours.reserved() > 0 {
            // They begin with theirs while we write ours.
            let mut shares = std::mem::take(&mut self.shares);
            self.hand_over(chunk, &mut shares, outside);
            self.shares = shares;
        }
        self.deliver(chunk, now, left, outside);
        accepted
    }

    /// Forwards messages that another worker has handed over to this worker's own subscribers; else the same.
    pub fn forward_handed_over(
        &mut self,
        splitter: &mut MessageSplitter,
        chunk: &mut Chunk,
        now: Instant,
        left: &mut Leftovers,
        outside: &mut impl Outside,
    ) -> Accepted {
        let accepted = self.accept(splitter, chunk, Origin::Neighbour, |body| outside.command(body));
        self.deliver(chunk, now, left, outside);
        accepted
    }

    fn deliver(&mut self, chunk: &mut Chunk, now: Instant, left: &mut Leftovers, outside: &mut impl Outside) {
        let mut shares = std::mem::take(&mut self.shares);
        let marks = self.marks();
        let hold_bytes = Hub::hold_bytes(marks);
        let (mut messages_out, mut bytes_out) = (0, 0);
        let reached = std::mem::take(&mut shares.reached);
        for &id in &reached {
            let Some(subscriber) = self.subscribers.find_mut(id.0) else { continue };
            let Some((first, _)) = subscriber.share.take() else { continue };
            if subscriber.leaving {
                continue;
            }
            self.pace.reached(&mut subscriber.standing);
            let mut place = Place::at(first);
            let was_empty = subscriber.queue.is_empty();
            if was_empty {
                let progress = shares.write(chunk, &mut place, |slices| outside.write(id, slices));
                (messages_out, bytes_out) = (messages_out + progress.messages, bytes_out + progress.bytes);
                if progress.broken {
                    subscriber.leaving = true;
                    self.counters.dropped_gone.add(shares.messages_from(place));
                    left.broken.push(id);
                    continue;
                }
                if place.is_end() {
                    continue;
                }
            }
            let before = (subscriber.queue.charged(), subscriber.queue.own());
            let (dropped, written) = shares.queue(subscriber, chunk, place, marks);
            messages_out += written;
            left.queued_bytes += subscriber.queue.charged() - before.0;
            self.own_bytes += subscriber.queue.own() - before.1;
            if dropped > 0 {
                self.counters.dropped_slow.add(dropped);
                if self.limits.slow_subscriber == SlowSubscriber::Disconnect {
                    left.to_disconnect.push(id);
                }
            }
            if was_empty && !subscriber.queue.is_empty() {
                left.to_write.push(id);
            }
            if subscriber.standing.queued(subscriber.queue.charged() > hold_bytes, now) {
                self.counters.slow_subscribers.add(1);
            }
            if self.limits.publishers_wait && subscriber.standing.is_waited_for() {
                left.to_wait_for.push(id);
            }
        }
        left.shares += reached.len() - shares.handed_over;
        left.share_bytes += shares.bytes;
        shares.reached = reached;
        shares.clear();
        self.shares = shares;
        self.counters.messages_out.add(messages_out);
        self.counters.bytes_out.add(bytes_out as u64);
        self.count_queued();
        self.show();
    }

    /// Writes from a subscriber's queue.
    pub fn flush(&mut self, id: SubscriberId, mut write: impl FnMut(&[IoSlice<'_>]) -> Written) -> Flushed {
        let hold_bytes = Hub::hold_bytes(self.marks());
        let Some(subscriber) = self.subscribers.find_mut(id.0) else {
            return Flushed { end: FlushEnd::Empty, progressed: false, caught_up: false };
        };
        let queue = &mut subscriber.queue;
        let before = queue.own();
        let (mut messages, mut bytes) = (0, 0);
        let end = loop {
            if queue.is_empty() {
                break FlushEnd::Empty;
            }
            if bytes >= WRITE_TURN_BYTES {
                break FlushEnd::TurnOver;
            }
            let mut slices = [IoSlice::new(&[]); WRITE_SLICES_MAX];
            let filled = queue.slices(&mut slices);
            match write(&slices[..filled]) {
                Written::Bytes(count) => {
                    messages += queue.advance(count);
                    bytes += count;
                }
                Written::Blocked => break FlushEnd::Blocked,
                Written::Broken => break FlushEnd::Broken,
            }
        };
        let own = queue.own();
        let caught_up = bytes > 0 && subscriber.standing.progressed(queue.charged() > hold_bytes);
        self.own_bytes -= before - own;
        self.counters.slow_subscribers.subtract(u64::from(caught_up));
        self.counters.messages_out.add(messages);
        self.counters.bytes_out.add(bytes as u64);
        self.count_queued();
        Flushed { end, progressed: bytes > 0, caught_up }
    }
}

#[cfg(test)]
#[path = "delivery_tests.rs"]
mod tests;
