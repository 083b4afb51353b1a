//! The memory that publishers' bytes are read into: one buffer at a time, used again at once unless subscribers could not
//! take all of it, and then again as soon as the last of them has. Knows nothing of messages.

use bytes::{Bytes, BytesMut};

use crate::limits::{CHUNK_BYTES, CHUNKS_FREE_MAX, CHUNKS_LENT_MAX, WIDE_CHUNK_BYTES};

/// What one read brought, perhaps shared by subscribers' queues.
#[derive(Debug)]
pub struct Chunk {
    number: u64,
    memory: Memory,
    used: usize,
}

#[derive(Debug)]
enum Memory {
    Own(BytesMut),
    /// The whole buffer, shared.
    Lent(Bytes),
    /// The buffer, and a copy of its used part that is shared.
    Copied(BytesMut, Bytes),
}

impl Chunk {
    /// A chunk whose first `used` bytes of `memory` count.
    pub fn new(number: u64, memory: BytesMut, used: usize) -> Chunk {
        assert!(used <= memory.len());
        Chunk { number, memory: Memory::Own(memory), used }
    }

    /// Tells chunks apart.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The bytes that count.
    pub fn bytes(&self) -> &[u8] {
        match &self.memory {
            Memory::Own(buffer) | Memory::Copied(buffer, _) => &buffer[..self.used],
            Memory::Lent(shared) => &shared[..self.used],
        }
    }

    /// The bytes that count, to be changed.
    ///
    /// # Panics
    /// After [`Chunk::share`]: what was shared does not change.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        match &mut self.memory {
            Memory::Own(buffer) => &mut buffer[..self.used],
            Memory::Lent(_) | Memory::Copied(..) => panic!("a shared chunk does not change"),
        }
    }

    /// The memory with the bytes that count, unless it is shared.
    pub(crate) fn into_own(self) -> Result<BytesMut, Chunk> {
        match self.memory {
            Memory::Own(mut buffer) => {
                buffer.truncate(self.used);
                Ok(buffer)
            }
            memory @ (Memory::Lent(_) | Memory::Copied(..)) => Err(Chunk { memory, ..self }),
        }
    }

    /// The bytes to share, from the first on, and how much memory they keep in use. A buffer less than half used is
    /// copied, so that little is kept for little.
    pub fn share(&mut self) -> (&Bytes, usize) {
        if let Memory::Own(buffer) = &mut self.memory {
            let buffer = std::mem::take(buffer);
            self.memory = if self.used < buffer.len() / 2 {
                let copy = Bytes::copy_from_slice(&buffer[..self.used]);
                Memory::Copied(buffer, copy)
            } else {
                Memory::Lent(buffer.freeze())
            };
        }
        match &self.memory {
            Memory::Copied(_, shared) | Memory::Lent(shared) => (shared, shared.len()),
            Memory::Own(_) => unreachable!("it was shared above"),
        }
    }

    /// How much memory [`Chunk::share`] would keep in use.
    pub fn shared_bytes(&self) -> usize {
        match &self.memory {
            Memory::Own(buffer) if self.used >= buffer.len() / 2 => buffer.len(),
            Memory::Own(_) => self.used,
            Memory::Lent(shared) | Memory::Copied(_, shared) => shared.len(),
        }
    }
}

/// The buffers for reading.
#[derive(Debug)]
pub(crate) struct ChunkPool {
    free: Vec<BytesMut>,
    lent: Vec<Bytes>,
    next_number: u64,
}

impl ChunkPool {
    pub(crate) fn new() -> ChunkPool {
        ChunkPool { free: Vec::new(), lent: Vec::new(), next_number: 0 }
    }

    /// A chunk with a number of its own.
    pub(crate) fn chunk(&mut self, memory: BytesMut, used: usize) -> Chunk {
        self.next_number += 1;
        Chunk::new(self.next_number, memory, used)
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
        if let Some(place) = self.free.iter().rposition(|buffer| buffer.len() == size) {
            return self.free.swap_remove(place);
        }
        if let Some(place) = self.lent.iter().position(|lent| lent.len() == size && lent.is_unique())
            && let Ok(buffer) = self.lent.swap_remove(place).try_into_mut()
        {
            return buffer;
        }
        BytesMut::zeroed(size)
    }

    pub(crate) fn give_back(&mut self, buffer: BytesMut) {
        if is_of_the_pool(buffer.len()) && self.free.len() < CHUNKS_FREE_MAX {
            self.free.push(buffer);
        }
    }

    pub(crate) fn give_back_chunk(&mut self, chunk: Chunk) {
        match chunk.memory {
            Memory::Own(buffer) | Memory::Copied(buffer, _) => self.give_back(buffer),
            Memory::Lent(shared) => {
                if is_of_the_pool(shared.len()) {
                    if self.lent.len() >= CHUNKS_LENT_MAX {
                        self.lent.swap_remove(0);
                    }
                    self.lent.push(shared);
                }
            }
        }
    }
}

fn is_of_the_pool(size: usize) -> bool {
    size == CHUNK_BYTES || size == WIDE_CHUNK_BYTES
}

#[cfg(test)]
mod tests {
    use super::{Bytes, CHUNK_BYTES, ChunkPool};

    #[test]
    fn a_buffer_is_used_again_when_nobody_holds_it_any_more() {
        let mut pool = ChunkPool::new();
        let buffer = pool.take(CHUNK_BYTES);
        let place = buffer.as_ptr();
        let mut chunk = pool.chunk(buffer, CHUNK_BYTES - 1);
        let held: Bytes = chunk.share().0.slice(10..20);
        pool.give_back_chunk(chunk);
        let other = pool.take(CHUNK_BYTES);
        assert_ne!(other.as_ptr(), place, "still held");
        drop(held);
        let again = pool.take(CHUNK_BYTES);
        assert_eq!((again.as_ptr(), again.len()), (place, CHUNK_BYTES));
    }

    #[test]
    fn little_is_copied_and_much_is_lent() {
        let mut pool = ChunkPool::new();
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
