//! How a chunk of a publisher's bytes reaches subscribers. [`Hub::accept`] walks its messages and gives each subscriber its
//! share: a list of runs of whole messages. [`Hub::deliver`] writes the shares as they lie in the chunk, and queues what
//! could not be written. [`Hub::flush`] writes from a queue. Knows nothing of sockets: writing is a function's argument.

use std::io::IoSlice;
use std::ops::Range;
use std::time::Instant;

use recado_zmtp::codec::{FrameError, FrameHeader, Frames, Item, MessageSpan, MessageSplitter};

use crate::chunk::Chunk;
use crate::hub::{Hub, Subscriber};
use crate::limits::{PINNED_SHARE, SHARES_MAX, SlowSubscriber, WRITE_SLICES_MAX, WRITE_TURN_BYTES};
use crate::matches::SetId;
use crate::queue::{Admission, Marks};
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

/// The runs of the chunk under way, as lists, one for each subscriber that has a share.
#[derive(Debug, Default)]
pub(crate) struct Links {
    all: Vec<Link>,
    reached: Vec<SubscriberId>,
}

const END: u32 = u32::MAX;

/// A run of whole messages in the chunk.
#[derive(Clone, Copy, Debug)]
struct Link {
    start: u32,
    end: u32,
    messages: u32,
    next: u32,
}

impl Link {
    fn range(&self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
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

/// Where the writing of a share is: a link, and how much of it is written.
#[derive(Clone, Copy)]
struct Place {
    link: u32,
    skip: usize,
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
            if self.links.all.len() >= SHARES_MAX {
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
        let links = std::mem::take(&mut self.links);
        let (marks, hold_bytes) = (self.marks(), self.hold_bytes());
        let (mut messages_out, mut bytes_out) = (0, 0);
        for &id in &links.reached {
            let Some(subscriber) = self.subscribers.find_mut(id.0) else { continue };
            let Some((first, _)) = subscriber.share.take() else { continue };
            if subscriber.leaving {
                continue;
            }
            self.pace.reached(&mut subscriber.standing);
            let mut place = Place { link: first, skip: 0 };
            let was_empty = subscriber.queue.is_empty();
            if was_empty {
                let (messages, bytes, broken) =
                    write_share(&links.all, chunk, &mut place, |slices| write(id, slices));
                (messages_out, bytes_out) = (messages_out + messages, bytes_out + bytes);
                if broken {
                    // Its own task sees that too, and ends.
                    continue;
                }
            }
            if place.link == END {
                continue;
            }
            let before = subscriber.queue.charged();
            let dropped = queue_share(subscriber, &links.all, chunk, place, marks);
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
        self.links = links;
        self.links.all.clear();
        self.links.reached.clear();
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
        let link = Link { start: run.start as u32, end: run.end as u32, messages: run.messages, next: END };
        for &id in self.matches.subscribers(set) {
            if let Some(subscriber) = self.subscribers.find_mut(id.0) {
                self.links.add(id, subscriber, link);
            }
        }
        u64::from(run.messages)
    }
}

impl Links {
    #[inline]
    fn add(&mut self, id: SubscriberId, subscriber: &mut Subscriber, link: Link) {
        let number = self.all.len() as u32;
        match &mut subscriber.share {
            None => {
                subscriber.share = Some((number, number));
                self.reached.push(id);
            }
            Some((_, last)) => {
                let tail = &mut self.all[*last as usize];
                if tail.end == link.start {
                    tail.end = link.end;
                    tail.messages += link.messages;
                    return;
                }
                tail.next = number;
                *last = number;
            }
        }
        self.all.push(link);
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

/// Writes a share from `place` on, and moves `place` to where it ended. Messages and bytes written; whether it broke.
fn write_share(
    links: &[Link],
    chunk: &Chunk,
    place: &mut Place,
    mut write: impl FnMut(&[IoSlice<'_>]) -> Written,
) -> (u64, usize, bool) {
    let bytes = chunk.bytes();
    let (mut messages, mut written) = (0, 0);
    while place.link != END {
        let mut slices = [IoSlice::new(&[]); WRITE_SLICES_MAX];
        let (mut filled, mut offered, mut next) = (0, 0, *place);
        while next.link != END && filled < WRITE_SLICES_MAX {
            let link = &links[next.link as usize];
            let slice = &bytes[link.range()][next.skip..];
            slices[filled] = IoSlice::new(slice);
            offered += slice.len();
            filled += 1;
            next = Place { link: link.next, skip: 0 };
        }
        let count = match write(&slices[..filled]) {
            Written::Bytes(count) => count,
            Written::Blocked => break,
            Written::Broken => return (messages, written, true),
        };
        written += count;
        let mut left = count;
        while place.link != END {
            let link = &links[place.link as usize];
            let rest = link.range().len() - place.skip;
            if left < rest {
                place.skip += left;
                break;
            }
            left -= rest;
            messages += u64::from(link.messages);
            *place = Place { link: link.next, skip: 0 };
        }
        if count < offered {
            break;
        }
    }
    (messages, written, false)
}

/// Queues a share from `place` on, as slices of the chunk or as copies. How many messages were dropped.
fn queue_share(
    subscriber: &mut Subscriber,
    links: &[Link],
    chunk: &mut Chunk,
    place: Place,
    marks: Marks,
) -> u64 {
    let queue = &mut subscriber.queue;
    let mut total = 0;
    let mut next = place;
    while next.link != END {
        let link = &links[next.link as usize];
        total += link.range().len() - next.skip;
        next = Place { link: link.next, skip: 0 };
    }
    let shared_bytes = chunk.shared_bytes();
    let pin = total >= shared_bytes / PINNED_SHARE && queue.charged() + shared_bytes <= marks.bytes;
    let mut dropped = 0;
    let mut next = place;
    while next.link != END {
        let Link { start, messages, next: after, .. } = links[next.link as usize];
        let run = links[next.link as usize].range();
        let taken = match queue.admit(marks, u64::from(messages), run.len() - next.skip) {
            Admission::All => (run.len(), u64::from(messages)),
            Admission::Nothing => (0, 0),
            Admission::Upto { messages, bytes } => {
                queue.refuse();
                let must = if queue.is_empty() { next.skip.max(1) } else { 0 };
                whole_messages(&chunk.bytes()[run.clone()], must, next.skip + bytes, messages)
            }
        };
        dropped += u64::from(messages) - taken.1;
        let taken_range = start as usize + next.skip..start as usize + taken.0.max(next.skip);
        if !taken_range.is_empty() {
            if pin {
                let number = chunk.number();
                let (shared, held) = chunk.share();
                queue.push_shared(shared.slice(taken_range), number, held, taken.1);
            } else {
                queue.push_copied(&chunk.bytes()[taken_range], taken.1);
            }
        }
        next = Place { link: after, skip: 0 };
    }
    dropped
}

/// Of a run: the bytes and the number of whole messages from its start that fit into `bytes_max` and `messages_max`, and at
/// any rate those that have one of the first `must` bytes.
fn whole_messages(run: &[u8], must: usize, bytes_max: usize, messages_max: u64) -> (usize, u64) {
    let (mut end, mut messages) = (0, 0);
    for frame in Frames::new(run) {
        if frame.more {
            continue;
        }
        let fits = frame.range.end <= bytes_max && messages < messages_max;
        if !fits && end >= must {
            break;
        }
        (end, messages) = (frame.range.end, messages + 1);
    }
    (end, messages)
}

#[cfg(test)]
#[path = "delivery_tests.rs"]
mod tests;
