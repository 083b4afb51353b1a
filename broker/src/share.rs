//! A subscriber's share of a chunk: the runs of whole messages that it wants, noted as places in the chunk, then written from
//! where they lie or queued. Knows nothing of topics.

use std::io::IoSlice;
use std::ops::Range;

use bytes::BytesMut;
use recado_zmtp::codec::Frames;

use crate::chunk::{Chunk, Messages};
use crate::delivery::Written;
use crate::hub::Subscriber;
use crate::limits::{GATHER_BYTES, GATHER_SLICE_BYTES, PINNED_SHARE, WRITE_SLICES_MAX};
use crate::queue::{Admission, Marks};
use crate::trie::SubscriberId;

/// All shares of the chunk under way, as lists of links, one for each subscriber that has a share.
#[derive(Debug, Default)]
pub(crate) struct Shares {
    links: Vec<Link>,
    /// Who has a share, in the order of the first message.
    pub(crate) reached: Vec<SubscriberId>,
    /// Bytes of all shares, but for those of other workers once they are handed over.
    pub(crate) bytes: usize,
    /// How many of `reached` stand for other workers.
    pub(crate) handed_over: usize,
    /// Memory for [`gather`].
    gathered: Vec<u8>,
}

/// A run of whole messages in the chunk.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Link {
    start: u32,
    end: u32,
    messages: u32,
    next: u32,
}

/// A share is written from here on: a link, and how much of it is written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    link: u32,
    skip: usize,
}

/// What [`Shares::write`] came to.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    pub(crate) messages: u64,
    pub(crate) bytes: usize,
    pub(crate) broken: bool,
}

const END: u32 = u32::MAX;

impl Link {
    /// The run at `range` of a chunk of less than 4 GiB.
    pub(crate) fn new(range: Range<usize>, messages: u32) -> Link {
        Link { start: range.start as u32, end: range.end as u32, messages, next: END }
    }

    pub(crate) fn len(&self) -> usize {
        self.range().len()
    }

    fn range(&self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

impl Place {
    /// The share's beginning.
    pub(crate) fn at(link: u32) -> Place {
        Place { link, skip: 0 }
    }

    pub(crate) fn is_end(self) -> bool {
        self.link == END
    }

    /// The rest of the link here, and the place behind it. None at the end.
    fn step<'a>(self, links: &[Link], bytes: &'a [u8]) -> Option<(&'a [u8], Place)> {
        let link = links.get(self.link as usize)?;
        Some((&bytes[link.range()][self.skip..], Place::at(link.next)))
    }
}

impl Shares {
    /// How many runs are noted.
    pub(crate) fn len(&self) -> usize {
        self.links.len()
    }

    pub(crate) fn clear(&mut self) {
        self.links.clear();
        self.reached.clear();
        self.bytes = 0;
        self.handed_over = 0;
    }

    /// The share from the link `first` on is another worker's, and not to be counted.
    pub(crate) fn hand_over(&mut self, first: u32) {
        self.bytes -= self.bytes_from(Place::at(first));
        self.handed_over += 1;
    }

    #[inline]
    pub(crate) fn add(&mut self, id: SubscriberId, subscriber: &mut Subscriber, link: Link) {
        let number = self.links.len() as u32;
        match &mut subscriber.share {
            None => {
                subscriber.share = Some((number, number));
                self.reached.push(id);
            }
            Some((_, last)) => {
                let tail = &mut self.links[*last as usize];
                if tail.end == link.start {
                    tail.end = link.end;
                    tail.messages += link.messages;
                    return;
                }
                tail.next = number;
                *last = number;
            }
        }
        self.links.push(link);
    }

    /// Writes a share from `place` on, and moves `place` to where it ended.
    pub(crate) fn write(
        &mut self,
        chunk: &Chunk,
        place: &mut Place,
        mut write: impl FnMut(&[IoSlice<'_>]) -> Written,
    ) -> Progress {
        let bytes = chunk.bytes();
        let mut progress = Progress::default();
        while !place.is_end() {
            let Shares { links, gathered, .. } = self;
            let (offered, written) = if gather(links, bytes, *place, gathered) {
                (gathered.len(), write(&[IoSlice::new(gathered)]))
            } else {
                let mut slices = [IoSlice::new(&[]); WRITE_SLICES_MAX];
                let (mut filled, mut offered, mut next) = (0, 0, *place);
                while filled < WRITE_SLICES_MAX
                    && let Some((slice, behind)) = next.step(links, bytes)
                {
                    slices[filled] = IoSlice::new(slice);
                    offered += slice.len();
                    filled += 1;
                    next = behind;
                }
                (offered, write(&slices[..filled]))
            };
            let count = match written {
                Written::Bytes(count) => count,
                Written::Blocked => break,
                Written::Broken => {
                    progress.broken = true;
                    break;
                }
            };
            progress.bytes += count;
            progress.messages += self.advance(place, count);
            if count < offered {
                break;
            }
        }
        progress
    }

    /// Queues a share from `place` on, as slices of the chunk or as copies. How many messages were dropped, and how many of the
    /// link at `place` were written before and not counted, because the rest of their link was dropped.
    pub(crate) fn queue(
        &self,
        subscriber: &mut Subscriber,
        chunk: &mut Chunk,
        place: Place,
        marks: Marks,
    ) -> (u64, u64) {
        let queue = &mut subscriber.queue;
        let shared_bytes = chunk.shared_bytes();
        let enough = self.bytes_from(place) >= shared_bytes / PINNED_SHARE;
        let fits = queue.charged() + shared_bytes <= marks.bytes;
        let pin = if queue.is_empty() && !fits {
            // It gets its first message in any case. Were a large one copied for each who is behind, no bound on all would hold.
            self.first_message_bytes(chunk, place) >= shared_bytes / PINNED_SHARE
        } else {
            enough && fits
        };
        let (mut dropped, mut written) = (0, 0);
        let mut at = place;
        while let Some(link) = self.links.get(at.link as usize) {
            let (run, messages) = (link.range(), u64::from(link.messages));
            let (taken, taken_messages) = match queue.admit(marks, messages, run.len() - at.skip) {
                Admission::All => (run.len(), messages),
                Admission::Nothing => (0, 0),
                Admission::Upto { messages, bytes } => {
                    queue.refuse();
                    let must = if queue.is_empty() { at.skip.max(1) } else { 0 };
                    whole_messages(&chunk.bytes()[run.clone()], must, at.skip + bytes, messages)
                }
            };
            dropped += messages - taken_messages;
            let taken = run.start + at.skip..run.start + taken.max(at.skip);
            if taken.is_empty() {
                written += taken_messages;
            } else if pin {
                let number = chunk.number();
                let (shared, held) = chunk.share();
                queue.push_shared(shared.slice(taken), number, held, taken_messages);
            } else {
                queue.push_copied(&chunk.bytes()[taken], taken_messages);
            }
            at = Place::at(link.next);
        }
        (dropped, written)
    }

    /// Messages that end at `place` or behind it.
    pub(crate) fn messages_from(&self, place: Place) -> u64 {
        let (mut at, mut messages) = (place, 0);
        while let Some(link) = self.links.get(at.link as usize) {
            messages += u64::from(link.messages);
            at = Place::at(link.next);
        }
        messages
    }

    /// The messages of a share from the link `first` on, for another worker: as a slice of the chunk if they are one run.
    pub(crate) fn messages(&self, chunk: &mut Chunk, first: u32) -> Messages {
        let link = &self.links[first as usize];
        if link.next == END {
            return chunk.part(link.range());
        }
        let mut place = Place::at(first);
        let mut gathered = BytesMut::with_capacity(self.bytes_from(place));
        while let Some((run, behind)) = place.step(&self.links, chunk.bytes()) {
            gathered.extend_from_slice(run);
            place = behind;
        }
        Messages::copy(gathered.freeze())
    }

    fn first_message_bytes(&self, chunk: &Chunk, place: Place) -> usize {
        let link = self.links.get(place.link as usize);
        link.map_or(0, |link| {
            whole_messages(&chunk.bytes()[link.range()], place.skip.max(1), 0, 0).0 - place.skip
        })
    }

    fn bytes_from(&self, place: Place) -> usize {
        let (mut at, mut bytes) = (place, 0);
        while let Some(link) = self.links.get(at.link as usize) {
            bytes += link.range().len() - at.skip;
            at = Place::at(link.next);
        }
        bytes
    }

    /// Moves `place` by `count` bytes, and tells how many messages end there: those of a link end with it.
    fn advance(&self, place: &mut Place, mut count: usize) -> u64 {
        let mut messages = 0;
        while let Some(link) = self.links.get(place.link as usize) {
            let rest = link.range().len() - place.skip;
            if count < rest {
                place.skip += count;
                break;
            }
            count -= rest;
            messages += u64::from(link.messages);
            *place = Place::at(link.next);
        }
        messages
    }
}

/// Gathers the slices from `place` on that are small, if there are two at least: one buffer costs the kernel less than many
/// slices.
fn gather(links: &[Link], bytes: &[u8], place: Place, gathered: &mut Vec<u8>) -> bool {
    gathered.clear();
    let (mut next, mut count) = (place, 0);
    while let Some((slice, behind)) = next.step(links, bytes) {
        let alone = count == 0 && behind.is_end();
        if alone || slice.len() > GATHER_SLICE_BYTES || gathered.len() + slice.len() > GATHER_BYTES {
            break;
        }
        gathered.extend_from_slice(slice);
        count += 1;
        next = behind;
    }
    count > 1
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
