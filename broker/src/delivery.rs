//! How a chunk of a publisher's bytes reaches subscribers. [`Hub::accept`] walks its messages and gives each subscriber its
//! share: a list of runs of whole messages. [`Hub::deliver`] writes the shares as they lie in the chunk, and queues what
//! could not be written. [`Hub::flush`] writes from a queue. Knows nothing of sockets: writing is a function's argument.

use std::io::IoSlice;
use std::ops::Range;
use std::time::Instant;

use recado_zmtp::codec::{FrameError, FrameHeader, Frames, Item, MessageSpan, MessageSplitter};

use crate::chunk::Chunk;
use crate::hub::Hub;
use crate::limits::{SHARES_MAX, SlowSubscriber, WRITE_SLICES_MAX, WRITE_TURN_BYTES};
use crate::matches::SetId;
use crate::share::{Link, Place};
use crate::trie::{Found, SubscriberId};

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

/// What [`Hub::accept`] found.
#[derive(Debug)]
pub struct Accepted {
    /// Bytes of whole messages and commands; the rest is the beginning of the next.
    pub consumed: usize,
    /// What stands behind them.
    pub rest: Rest,
}

/// What stands behind the bytes that [`Hub::accept`] consumed.
#[derive(Debug, PartialEq, Eq)]
pub enum Rest {
    /// Nothing, or a message that is not whole yet.
    Unfinished,
    /// Perhaps more messages: the shares are many enough, deliver them first.
    More,
    /// Something that is no message; the connection cannot go on.
    Faulty(FrameError),
}

/// What [`Hub::deliver`] left to do. Lists are appended to.
#[derive(Debug, Default)]
pub struct Leftovers {
    /// Subscribers whose queue was empty, and now is not: they are to be written to when they have room.
    pub to_write: Vec<SubscriberId>,
    /// Subscribers that the publisher is to wait for.
    pub to_wait_for: Vec<SubscriberId>,
    /// Subscribers to be disconnected.
    pub to_disconnect: Vec<SubscriberId>,
    /// Bytes queued.
    pub queued_bytes: usize,
    /// Subscribers that had a share.
    pub shares: usize,
    /// Bytes of all shares.
    pub share_bytes: usize,
}

/// What [`Hub::flush`] came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flushed {
    /// Why it ended.
    pub end: FlushEnd,
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

/// The run that grows while messages go to the same set.
#[derive(Default)]
struct Run {
    set: Option<SetId>,
    start: usize,
    end: usize,
    messages: u32,
}

/// The last message, as a pattern: one of the same length whose first `compare` bytes are the same has the same frames
/// and the same answer.
struct Pattern {
    start: usize,
    compare: usize,
    len: usize,
}

impl Hub {
    /// Walks the messages of `bytes`, which begin where the splitter stands, and notes who gets which. Commands are given to
    /// `command`; those that stand between the frames of a message are moved out of the message.
    ///
    /// # Panics
    /// With 4 GiB and more, which the limits on chunks and messages exclude.
    pub fn accept(
        &mut self,
        splitter: &mut MessageSplitter,
        bytes: &mut [u8],
        mut command: impl FnMut(&[u8]),
    ) -> Accepted {
        assert!(u32::try_from(bytes.len()).is_ok(), "a chunk's places fit 32 bits");
        let mut run = Run::default();
        let mut pattern: Option<Pattern> = None;
        let (mut at, mut wanted, mut messages, mut message_bytes) = (0, 0u64, 0u64, 0);
        let rest = loop {
            if self.shares.len() >= SHARES_MAX {
                break Rest::More;
            }
            if let Some(pattern) = &pattern {
                let count = alike(bytes, pattern, at);
                if count > 0 {
                    at += count * pattern.len;
                    message_bytes += count * pattern.len;
                    messages += count as u64;
                    run.end = at;
                    run.messages += count as u32;
                }
            }
            let item = match splitter.next_item(&bytes[at..]) {
                Ok(Some(item)) => item,
                Ok(None) => break Rest::Unfinished,
                Err(error) => break Rest::Faulty(error),
            };
            let span = match item {
                Item::Command(body) => {
                    command(&bytes[at..][body]);
                    at += splitter.release();
                    pattern = None;
                    continue;
                }
                Item::Message(span) => span,
            };
            let (message, first) = place_of(&span, at, bytes);
            at += splitter.release();
            messages += 1;
            message_bytes += message.len();
            let found = self.trie.find(&bytes[first.clone()]);
            let set = self.matches.remembered(&found);
            if set.is_none() || set != run.set || message.start != run.end {
                wanted += self.end_run(&run);
                let set = set.or_else(|| self.matches.set_for(&self.trie, &found));
                run = Run { set, start: message.start, end: message.start, messages: 0 };
            }
            run.end = message.end;
            run.messages += 1;
            pattern = compared_bytes(&span, bytes, &message, &first, &found).map(|compare| Pattern {
                start: message.start,
                compare,
                len: message.len(),
            });
        };
        wanted += self.end_run(&run);
        self.counters.messages_in.add(messages);
        self.counters.bytes_in.add(message_bytes as u64);
        self.counters.unwanted.add(messages - wanted);
        Accepted { consumed: at, rest }
    }

    /// Writes to each subscriber its share of `chunk`, which holds the bytes that were just accepted, and queues what there is
    /// no room for.
    pub fn deliver(
        &mut self,
        chunk: &mut Chunk,
        now: Instant,
        left: &mut Leftovers,
        mut write: impl FnMut(SubscriberId, &[IoSlice<'_>]) -> Written,
    ) {
        let mut shares = std::mem::take(&mut self.shares);
        let (marks, hold_bytes) = (self.marks(), self.hold_bytes());
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
                let progress = shares.write(chunk, &mut place, |slices| write(id, slices));
                (messages_out, bytes_out) = (messages_out + progress.messages, bytes_out + progress.bytes);
                // When it is broken its own task sees that too, and ends.
                if progress.broken || place.is_end() {
                    continue;
                }
            }
            let before = subscriber.queue.charged();
            let dropped = shares.queue(subscriber, chunk, place, marks);
            let grown = subscriber.queue.charged() - before;
            self.queued_bytes += grown;
            left.queued_bytes += grown;
            if dropped > 0 {
                self.counters.dropped_slow.add(dropped);
                if self.limits.slow_subscriber == SlowSubscriber::Disconnect {
                    left.to_disconnect.push(id);
                }
            }
            if was_empty && !subscriber.queue.is_empty() {
                left.to_write.push(id);
            }
            subscriber.standing.queued(subscriber.queue.charged() > hold_bytes, now);
            if subscriber.standing.is_waited_for() {
                left.to_wait_for.push(id);
            }
        }
        left.shares += reached.len();
        left.share_bytes += shares.bytes;
        shares.reached = reached;
        shares.clear();
        self.shares = shares;
        self.counters.messages_out.add(messages_out);
        self.counters.bytes_out.add(bytes_out as u64);
        self.counters.queued_bytes.set(self.queued_bytes as u64);
    }

    /// Writes from a subscriber's queue.
    pub fn flush(&mut self, id: SubscriberId, mut write: impl FnMut(&[IoSlice<'_>]) -> Written) -> Flushed {
        let hold_bytes = self.hold_bytes();
        let Some(subscriber) = self.subscribers.find_mut(id.0) else {
            return Flushed { end: FlushEnd::Empty, caught_up: false };
        };
        let queue = &mut subscriber.queue;
        let before = queue.charged();
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
        let charged = queue.charged();
        let caught_up = bytes > 0 && subscriber.standing.progressed(charged > hold_bytes);
        self.queued_bytes -= before - charged;
        self.counters.messages_out.add(messages);
        self.counters.bytes_out.add(bytes as u64);
        self.counters.queued_bytes.set(self.queued_bytes as u64);
        Flushed { end, caught_up }
    }

    /// Adds the run to the shares of its subscribers, and says how many of its messages anybody wanted.
    fn end_run(&mut self, run: &Run) -> u64 {
        let Some(set) = run.set else { return 0 };
        let link = Link::new(run.start..run.end, run.messages);
        let wanting = self.matches.subscribers(set);
        for &id in wanting {
            if let Some(subscriber) = self.subscribers.find_mut(id.0) {
                self.shares.add(id, subscriber, link);
            }
        }
        self.shares.bytes += wanting.len() * (run.end - run.start);
        u64::from(run.messages)
    }
}

/// How many messages alike the pattern follow each other at `at`.
#[inline]
fn alike(bytes: &[u8], pattern: &Pattern, at: usize) -> usize {
    let (head, _) = bytes[pattern.start..].split_at(pattern.compare);
    bytes[at..].chunks_exact(pattern.len).take_while(|message| &message[..pattern.compare] == head).count()
}

/// How many first bytes of a message decide its frames and its answer. None where that would be long to compare.
fn compared_bytes(
    span: &MessageSpan,
    bytes: &[u8],
    message: &Range<usize>,
    first: &Range<usize>,
    found: &Found,
) -> Option<usize> {
    let head = first.start - message.start;
    match span.frames {
        // The topic's length stands in the header before it, so that equal bytes are the equal topic.
        1 => Some(head + if found.whole { first.len() } else { found.examined }),
        2 => {
            let last = FrameHeader::decode(&bytes[first.end..message.end]).ok().flatten()?;
            Some(head + first.len() + last.header_len)
        }
        _ => None,
    }
}

/// Where a message and its first frame's body lie in `bytes`; what the splitter found counts from `at`. Commands between its
/// frames are moved out, to its front.
fn place_of(span: &MessageSpan, at: usize, bytes: &mut [u8]) -> (Range<usize>, Range<usize>) {
    let message = at + span.range.start..at + span.range.end;
    if !span.interleaved {
        return (message, at + span.first.start..at + span.first.end);
    }
    let mut kept = Vec::with_capacity(message.len());
    let mut walked = message.start;
    for frame in Frames::new(&bytes[message.clone()]) {
        let end = message.start + frame.range.end;
        if !frame.command {
            kept.extend_from_slice(&bytes[walked..end]);
        }
        walked = end;
    }
    let start = message.end - kept.len();
    bytes[start..message.end].copy_from_slice(&kept);
    let header = FrameHeader::decode(&kept).ok().flatten().expect("the splitter has seen a first frame");
    let first = start + header.header_len..start + header.header_len + header.body_len;
    (start..message.end, first)
}

#[cfg(test)]
#[path = "delivery_tests.rs"]
mod tests;
