//! The memory that publishers' bytes are read into: one buffer at a time, used again at once unless subscribers could not
//! take all of it, and then again as soon as the last of them has. Knows nothing of messages.

use std::mem::take;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::{Bytes, BytesMut};

use crate::limits::{CHUNK_BYTES, CHUNKS_BACK_MAX, CHUNKS_FREE_MAX, WIDE_CHUNK_BYTES};

/// What one read brought, perhaps shared by subscribers' queues.
#[derive(Debug)]
pub struct Chunk {
    number: u64,
    memory: Memory,
    used: usize,
    loans: Loans,
}

#[derive(Debug)]
enum Memory {
    Own(BytesMut),
    /// The whole buffer, shared, and how much memory that keeps in use.
    Lent(Bytes, usize),
    /// The buffer, and a copy of its used part that is shared.
    Copied(BytesMut, Bytes),
    /// What other workers have too, and how much memory it keeps in use.
    Common(Bytes, usize),
}

/// Whole messages on their way from one worker to another.
#[derive(Clone, Debug)]
pub struct Messages {
    /// The messages, as they are on the wire, and nothing else.
    pub bytes: Bytes,
    /// The memory that they keep in use.
    pub held_bytes: usize,
}

impl Messages {
    /// A copy, with memory of its own.
    pub(crate) fn copy(bytes: Bytes) -> Messages {
        Messages { held_bytes: bytes.len(), bytes }
    }
}

impl Chunk {
    /// A chunk whose first `used` bytes of `memory` count; what is shared of it is entered in `loans`.
    ///
    /// # Panics
    /// When `memory` has fewer bytes.
    pub fn new(number: u64, memory: BytesMut, used: usize, loans: Loans) -> Chunk {
        assert!(used <= memory.len());
        Chunk { number, memory: Memory::Own(memory), used, loans }
    }

    /// A chunk of what another worker has handed over; what is shared of it is entered in `loans` as well.
    pub fn of_messages(number: u64, messages: Messages, loans: Loans) -> Chunk {
        let Messages { bytes, held_bytes } = messages;
        Chunk { number, used: bytes.len(), memory: Memory::Common(bytes, held_bytes), loans }
    }

    /// Tells chunks apart.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The bytes that count.
    pub fn bytes(&self) -> &[u8] {
        match &self.memory {
            Memory::Own(buffer) | Memory::Copied(buffer, _) => &buffer[..self.used],
            Memory::Lent(shared, _) | Memory::Common(shared, _) => &shared[..self.used],
        }
    }

    /// The bytes that count, to be changed.
    ///
    /// # Panics
    /// After [`Chunk::share`]: what was shared does not change.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        match &mut self.memory {
            Memory::Own(buffer) => &mut buffer[..self.used],
            Memory::Lent(..) | Memory::Copied(..) | Memory::Common(..) => {
                panic!("a shared chunk does not change")
            }
        }
    }

    /// The memory with the bytes that count, unless it is shared.
    pub(crate) fn into_own(self) -> Result<BytesMut, Chunk> {
        match self.memory {
            Memory::Own(mut buffer) => {
                buffer.truncate(self.used);
                Ok(buffer)
            }
            memory @ (Memory::Lent(..) | Memory::Copied(..) | Memory::Common(..)) => {
                Err(Chunk { memory, ..self })
            }
        }
    }

    /// The bytes to share, from the first on, and how much memory they keep in use. A buffer less than half used is
    /// copied, so that little is kept for little.
    pub fn share(&mut self) -> (&Bytes, usize) {
        if let Memory::Own(buffer) = &mut self.memory {
            let buffer = take(buffer);
            self.memory = if self.used < buffer.len() / 2 {
                let copy = self.loans.lend(BytesMut::from(&buffer[..self.used]));
                Memory::Copied(buffer, copy)
            } else {
                let held = buffer.len();
                Memory::Lent(self.loans.lend(buffer), held)
            };
        }
        if let Memory::Common(bytes, held) = &self.memory {
            self.memory = Memory::Lent(self.loans.lend_common(bytes.clone(), *held), *held);
        }
        match &self.memory {
            Memory::Copied(_, shared) => (shared, shared.len()),
            Memory::Lent(shared, held) => (shared, *held),
            Memory::Own(_) | Memory::Common(..) => unreachable!("it was shared above"),
        }
    }

    /// A part of the bytes for another worker: a slice, unless that would keep much memory in use for little. The slices that
    /// workers have of one chunk are charged by each that queues them, as what it keeps in use.
    pub(crate) fn part(&mut self, range: Range<usize>) -> Messages {
        if let Memory::Own(buffer) = &mut self.memory
            && range.len() >= buffer.len() / 2
        {
            let held = buffer.len();
            self.memory = Memory::Common(self.loans.pass_round(take(buffer)), held);
        }
        match &self.memory {
            Memory::Common(bytes, held_bytes) if range.len() >= held_bytes / 2 => {
                Messages { bytes: bytes.slice(range), held_bytes: *held_bytes }
            }
            Memory::Own(_) | Memory::Lent(..) | Memory::Copied(..) | Memory::Common(..) => {
                Messages::copy(Bytes::copy_from_slice(&self.bytes()[range]))
            }
        }
    }

    /// How much memory [`Chunk::share`] would keep in use.
    pub fn shared_bytes(&self) -> usize {
        match &self.memory {
            Memory::Own(buffer) if self.used >= buffer.len() / 2 => buffer.len(),
            Memory::Own(_) => self.used,
            Memory::Copied(_, shared) => shared.len(),
            Memory::Lent(_, held) | Memory::Common(_, held) => *held,
        }
    }
}

/// The memory that queues share: how much of it there is, each buffer counted once however many share it, and what has come
/// back. Clones are the same book.
#[derive(Clone, Debug, Default)]
pub struct Loans(Arc<Book>);

#[derive(Debug, Default)]
struct Book {
    lent_bytes: AtomicUsize,
    back: Mutex<Vec<BytesMut>>,
}

/// A buffer that goes back when the last slice of it is dropped.
struct Loan {
    memory: BytesMut,
    /// What it counts as in the book.
    entered: usize,
    book: Arc<Book>,
}

/// What other workers have too, entered in the book of one.
struct CommonLoan {
    bytes: Bytes,
    entered: usize,
    book: Arc<Book>,
}

impl Loans {
    /// Bytes of memory that somebody shares now.
    pub fn lent_bytes(&self) -> usize {
        self.0.lent_bytes.load(Ordering::Relaxed)
    }

    fn lend(&self, memory: BytesMut) -> Bytes {
        let entered = memory.len();
        self.0.lent_bytes.fetch_add(entered, Ordering::Relaxed);
        Bytes::from_owner(Loan { memory, entered, book: Arc::clone(&self.0) })
    }

    fn lend_common(&self, bytes: Bytes, held: usize) -> Bytes {
        self.0.lent_bytes.fetch_add(held, Ordering::Relaxed);
        Bytes::from_owner(CommonLoan { bytes, entered: held, book: Arc::clone(&self.0) })
    }

    /// Shares memory that only counts where it is lent again, and comes back like what is lent.
    fn pass_round(&self, memory: BytesMut) -> Bytes {
        Bytes::from_owner(Loan { memory, entered: 0, book: Arc::clone(&self.0) })
    }
}

impl Book {
    /// No panic can leave it in disorder.
    fn back(&self) -> MutexGuard<'_, Vec<BytesMut>> {
        self.back.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AsRef<[u8]> for Loan {
    fn as_ref(&self) -> &[u8] {
        &self.memory
    }
}

impl AsRef<[u8]> for CommonLoan {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for CommonLoan {
    fn drop(&mut self) {
        self.book.lent_bytes.fetch_sub(self.entered, Ordering::Relaxed);
    }
}

impl Drop for Loan {
    fn drop(&mut self) {
        self.book.lent_bytes.fetch_sub(self.entered, Ordering::Relaxed);
        let mut back = self.book.back();
        if is_of_the_pool(self.memory.len()) && back.len() < CHUNKS_BACK_MAX {
            back.push(take(&mut self.memory));
        }
    }
}

/// The buffers for reading.
#[derive(Debug)]
pub(crate) struct ChunkPool {
    free: Vec<BytesMut>,
    loans: Loans,
    next_number: u64,
}

impl ChunkPool {
    /// A pool whose chunks are entered in `loans`.
    pub(crate) fn new(loans: Loans) -> ChunkPool {
        ChunkPool { free: Vec::new(), loans, next_number: 0 }
    }

    /// A chunk with a number of its own.
    pub(crate) fn chunk(&mut self, memory: BytesMut, used: usize) -> Chunk {
        self.next_number += 1;
        Chunk::new(self.next_number, memory, used, self.loans.clone())
    }

    /// A chunk of what another worker has handed over.
    pub(crate) fn chunk_of(&mut self, messages: Messages) -> Chunk {
        self.next_number += 1;
        Chunk::of_messages(self.next_number, messages, self.loans.clone())
    }

    /// A chunk with a copy of `bytes`.
    pub(crate) fn copy(&mut self, bytes: &[u8]) -> Chunk {
        if bytes.len() > WIDE_CHUNK_BYTES {
            return self.chunk(BytesMut::from(bytes), bytes.len());
        }
        let mut memory = self.take(if bytes.len() > CHUNK_BYTES { WIDE_CHUNK_BYTES } else { CHUNK_BYTES });
        memory[..bytes.len()].copy_from_slice(bytes);
        self.chunk(memory, bytes.len())
    }

    /// A buffer of this size, one of the two, with all its bytes there, holding whatever it held before.
    pub(crate) fn take(&mut self, size: usize) -> BytesMut {
        let of_size = |buffer: &BytesMut| buffer.len() == size;
        if let Some(place) = self.free.iter().rposition(of_size) {
            return self.free.swap_remove(place);
        }
        let mut back = self.loans.0.back();
        match back.iter().rposition(of_size) {
            Some(place) => back.swap_remove(place),
            None => BytesMut::zeroed(size),
        }
    }

    pub(crate) fn give_back(&mut self, buffer: BytesMut) {
        if is_of_the_pool(buffer.len()) && self.free.len() < CHUNKS_FREE_MAX {
            self.free.push(buffer);
        }
    }

    pub(crate) fn give_back_chunk(&mut self, chunk: Chunk) {
        match chunk.memory {
            Memory::Own(buffer) | Memory::Copied(buffer, _) => self.give_back(buffer),
            Memory::Lent(..) | Memory::Common(..) => {}
        }
    }
}

fn is_of_the_pool(size: usize) -> bool {
    size == CHUNK_BYTES || size == WIDE_CHUNK_BYTES
}

#[cfg(test)]
mod tests {
    use super::{Bytes, CHUNK_BYTES, ChunkPool, Loans};

    #[test]
    fn a_buffer_is_used_again_when_nobody_holds_it_any_more() {
        let loans = Loans::default();
        let mut pool = ChunkPool::new(loans.clone());
        let buffer = pool.take(CHUNK_BYTES);
        let place = buffer.as_ptr();
        let mut chunk = pool.chunk(buffer, CHUNK_BYTES - 1);
        let held: Bytes = chunk.share().0.slice(10..20);
        let another = chunk.share().0.slice(30..40);
        pool.give_back_chunk(chunk);
        assert_eq!(loans.lent_bytes(), CHUNK_BYTES, "counted once");
        drop(another);
        let other = pool.take(CHUNK_BYTES);
        assert_ne!(other.as_ptr(), place, "still held");
        drop(held);
        assert_eq!(loans.lent_bytes(), 0);
        let again = pool.take(CHUNK_BYTES);
        assert_eq!((again.as_ptr(), again.len()), (place, CHUNK_BYTES));
    }

    #[test]
    fn little_is_copied_and_much_is_lent() {
        let mut pool = ChunkPool::new(Loans::default());
        let buffer = pool.take(CHUNK_BYTES);
        let mut little = pool.chunk(buffer, 100);
        let place = little.bytes().as_ptr();
        assert_eq!(little.shared_bytes(), 100);
        assert_eq!(little.share().1, 100);
        assert_ne!(little.share().0.as_ptr(), place);
        let buffer = pool.take(CHUNK_BYTES);
        let mut much = pool.chunk(buffer, CHUNK_BYTES - 100);
        let place = much.bytes().as_ptr();
        assert_eq!(much.shared_bytes(), CHUNK_BYTES);
        assert_eq!((much.share().0.as_ptr(), much.share().1), (place, CHUNK_BYTES));
    }
}
