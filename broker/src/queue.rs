//! What waits to be written to one subscriber: runs of whole messages, either shared slices of the chunk that they arrived
//! in or copies. Bounded in messages and in bytes of memory held. Knows nothing of sockets, topics or other subscribers.
//!
//! At either mark the newest whole messages are dropped until the queue has fallen to half of both, as libzmq does, so that
//! losses come in runs. What was accepted is never dropped, and a message is accepted or dropped with all its parts.

use std::collections::VecDeque;
use std::io::IoSlice;

use bytes::Bytes;

/// The high-water marks of a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Marks {
    /// Whole messages.
    pub messages: u64,
    /// Bytes of memory: a shared slice counts as the chunk that it keeps from being freed, once for each chunk; a copy
    /// counts as its buffer.
    pub bytes: usize,
}

/// What a queue can take of a run of messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// All of it.
    All,
    /// As many whole messages from its start as fit both; then the queue drops what comes, see [`Queue::refuse`].
    Upto {
        /// Messages that fit.
        messages: u64,
        /// Bytes that fit.
        bytes: usize,
    },
    /// Nothing: it was full and has not fallen to half.
    Nothing,
}

/// The bookkeeping of a piece, charged beside its bytes.
const PIECE_BYTES: usize = 64;
/// An empty queue gives back the room of its list of pieces when it had grown beyond this.
const PIECES_KEPT: usize = 16;
const COPY_BYTES_MIN: usize = 1 << 10;
const COPY_BYTES_MAX: usize = 64 << 10;

#[derive(Debug)]
enum Piece {
    /// A slice of a chunk. The last piece of a chunk carries the chunk's charge.
    Shared {
        slice: Bytes,
        chunk: u64,
        charge: usize,
        messages: u64,
    },
    Copied {
        buffer: Vec<u8>,
        charge: usize,
        messages: u64,
    },
}

impl Piece {
    fn bytes(&self) -> &[u8] {
        match self {
            Piece::Shared { slice, .. } => slice,
            Piece::Copied { buffer, .. } => buffer,
        }
    }

    fn charge(&self) -> usize {
        match self {
            Piece::Shared { charge, .. } | Piece::Copied { charge, .. } => *charge,
        }
    }

    fn own(&self) -> usize {
        match self {
            Piece::Shared { .. } => PIECE_BYTES,
            Piece::Copied { charge, .. } => *charge,
        }
    }

    fn messages(&self) -> u64 {
        match self {
            Piece::Shared { messages, .. } | Piece::Copied { messages, .. } => *messages,
        }
    }
}

/// The queue.
#[derive(Debug, Default)]
pub struct Queue {
    pieces: VecDeque<Piece>,
    /// Of the first piece, already written.
    written: usize,
    charged: usize,
    own: usize,
    messages: u64,
    full: bool,
}

impl Queue {
    /// True when all has been written.
    pub fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// Bytes of memory that it is charged with, see [`Marks::bytes`].
    pub fn charged(&self) -> usize {
        self.charged
    }

    /// The part of that which no other queue shares: copies, and the bookkeeping.
    pub fn own(&self) -> usize {
        self.own
    }

    /// Messages of which something is still to be written; those of a piece count until the piece has gone.
    pub fn messages(&self) -> u64 {
        self.messages
    }

    /// How much of a run of `messages` in `bytes` there is room for.
    pub fn admit(&mut self, marks: Marks, messages: u64, bytes: usize) -> Admission {
        if self.full {
            if self.charged > marks.bytes / 2 || self.messages > marks.messages / 2 {
                return Admission::Nothing;
            }
            self.full = false;
        }
        let room_messages = marks.messages.saturating_sub(self.messages);
        let room_bytes = marks.bytes.saturating_sub(self.charged);
        if messages <= room_messages && bytes <= room_bytes {
            Admission::All
        } else {
            Admission::Upto { messages: room_messages, bytes: room_bytes }
        }
    }

    /// Notes that a message had to be dropped: nothing is admitted until the queue has fallen to half of its marks.
    pub fn refuse(&mut self) {
        self.full = true;
    }

    /// Appends a slice of the chunk with the number `chunk`, which holds `chunk_bytes` of memory.
    pub fn push_shared(&mut self, slice: Bytes, chunk: u64, chunk_bytes: usize, messages: u64) {
        let charge = PIECE_BYTES + chunk_bytes;
        if let Some(Piece::Shared { chunk: last, charge: last_charge, .. }) = self.pieces.back_mut()
            && *last == chunk
        {
            self.charged -= *last_charge - PIECE_BYTES;
            *last_charge = PIECE_BYTES;
        }
        self.charged += charge;
        self.own += PIECE_BYTES;
        self.messages += messages;
        self.pieces.push_back(Piece::Shared { slice, chunk, charge, messages });
    }

    /// Appends a copy of `bytes`.
    pub fn push_copied(&mut self, bytes: &[u8], messages: u64) {
        self.messages += messages;
        let mut capacity = COPY_BYTES_MIN;
        if let Some(Piece::Copied { buffer, messages: held, .. }) = self.pieces.back_mut() {
            if buffer.capacity() - buffer.len() >= bytes.len() {
                buffer.extend_from_slice(bytes);
                *held += messages;
                return;
            }
            capacity = (2 * buffer.capacity()).min(COPY_BYTES_MAX);
        }
        let mut buffer = Vec::with_capacity(capacity.max(bytes.len()));
        buffer.extend_from_slice(bytes);
        let charge = PIECE_BYTES + buffer.capacity();
        self.charged += charge;
        self.own += charge;
        self.pieces.push_back(Piece::Copied { buffer, charge, messages });
    }

    /// Fills `into` from its start with what is to be written next, and tells how many entries it filled.
    pub fn slices<'a>(&'a self, into: &mut [IoSlice<'a>]) -> usize {
        let mut skip = self.written;
        let mut filled = 0;
        for (entry, piece) in into.iter_mut().zip(&self.pieces) {
            *entry = IoSlice::new(&piece.bytes()[skip..]);
            skip = 0;
            filled += 1;
        }
        filled
    }

    /// Takes `count` written bytes off, and tells how many messages have gone with them; those of a piece go with its end.
    pub fn advance(&mut self, count: usize) -> u64 {
        self.written += count;
        let mut messages = 0;
        while let Some(piece) = self.pieces.front() {
            if self.written < piece.bytes().len() {
                return messages;
            }
            self.written -= piece.bytes().len();
            self.charged -= piece.charge();
            self.own -= piece.own();
            messages += piece.messages();
            self.messages -= piece.messages();
            self.pieces.pop_front();
        }
        if self.pieces.capacity() > PIECES_KEPT {
            self.pieces = VecDeque::new();
        }
        messages
    }

    /// Forgets all that waits, and tells how many messages that were.
    pub fn clear(&mut self) -> u64 {
        std::mem::take(self).messages
    }
}

#[cfg(test)]
mod tests {
    use super::{Admission, Bytes, IoSlice, Marks, PIECE_BYTES, Queue};

    const MARKS: Marks = Marks { messages: 10, bytes: 10_000 };

    fn waiting(queue: &Queue) -> Vec<u8> {
        let mut slices = [IoSlice::new(&[]); 16];
        let filled = queue.slices(&mut slices);
        slices[..filled].iter().flat_map(|slice| slice.iter().copied()).collect()
    }

    #[test]
    fn what_goes_in_comes_out_in_order_in_any_steps() {
        let chunk = Bytes::from_static(b"abcdefghij");
        let mut queue = Queue::default();
        queue.push_shared(chunk.slice(0..4), 1, chunk.len(), 1);
        queue.push_shared(chunk.slice(6..10), 1, chunk.len(), 2);
        queue.push_copied(b"klm", 1);
        queue.push_copied(b"no", 1);
        assert_eq!(queue.messages(), 5);
        let mut all = Vec::new();
        let mut gone = 0;
        while !queue.is_empty() {
            all.push(waiting(&queue)[0]);
            gone += queue.advance(1);
        }
        assert_eq!(all, b"abcdghijklmno");
        assert_eq!((gone, queue.messages(), queue.charged(), queue.own()), (5, 0, 0, 0));
    }

    #[test]
    fn a_chunk_is_charged_once_and_until_its_last_slice_has_gone() {
        let chunk = Bytes::from(vec![0; 1000]);
        let mut queue = Queue::default();
        queue.push_shared(chunk.slice(0..400), 7, 1000, 1);
        assert_eq!(queue.charged(), 1000 + PIECE_BYTES);
        queue.push_shared(chunk.slice(600..1000), 7, 1000, 1);
        assert_eq!(queue.charged(), 1000 + 2 * PIECE_BYTES);
        queue.advance(400);
        assert_eq!(queue.charged(), 1000 + PIECE_BYTES);
        queue.advance(400);
        assert_eq!(queue.charged(), 0);
    }

    #[test]
    fn a_full_queue_drops_the_newest_until_it_has_fallen_to_half() {
        let mut queue = Queue::default();
        for _ in 0..10 {
            assert_eq!(queue.admit(MARKS, 1, 10), Admission::All);
            queue.push_shared(Bytes::from_static(&[0; 10]), 0, 10, 1);
        }
        assert_eq!(
            queue.admit(MARKS, 3, 30),
            Admission::Upto { messages: 0, bytes: MARKS.bytes - queue.charged() }
        );
        queue.refuse();
        queue.advance(40);
        assert_eq!((queue.messages(), queue.admit(MARKS, 1, 10)), (6, Admission::Nothing));
        queue.advance(10);
        assert_eq!((queue.messages(), queue.admit(MARKS, 1, 10)), (5, Admission::All));
    }

    #[test]
    fn bytes_are_a_mark_of_their_own() {
        let mut queue = Queue::default();
        queue.push_copied(&[0; 9_000], 1);
        assert_eq!(queue.admit(MARKS, 2, 1_000), Admission::Upto { messages: 9, bytes: 1_000 - PIECE_BYTES });
        queue.refuse();
        assert_eq!(queue.admit(MARKS, 1, 1), Admission::Nothing);
        queue.advance(9_000);
        assert_eq!(queue.admit(MARKS, 1, 1), Admission::All);
    }
}
