//! The memory that publishers' bytes are read into: one buffer at a time, used again at once unless subscribers could not
//! take all of it, and then again as soon as the last of them has. Knows nothing of messages.

use bytes::{Bytes, BytesMut};

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

/// The buffers for reading. All have the same size.
#[derive(Debug)]
pub(crate) struct ChunkPool {
    chunk_bytes: usize,
    kept_max: usize,
    free: Vec<BytesMut>,
    lent: Vec<Bytes>,
    next_number: u64,
}

impl ChunkPool {
    pub(crate) fn new(chunk_bytes: usize, kept_max: usize) -> ChunkPool {
        ChunkPool { chunk_bytes, kept_max, free: Vec::new(), lent: Vec::new(), next_number: 0 }
    }

    /// A chunk with a number of its own.
    pub(crate) fn chunk(&mut self, memory: BytesMut, used: usize) -> Chunk {
        self.next_number += 1;
        Chunk::new(self.next_number, memory, used)
    }

    /// A chunk with a copy of `bytes`.
    pub(crate) fn copy(&mut self, bytes: &[u8]) -> Chunk {
        if bytes.len() > self.chunk_bytes {
            return self.chunk(BytesMut::from(bytes), bytes.len());
        }
        let mut memory = self.take();
        memory[..bytes.len()].copy_from_slice(bytes);
        self.chunk(memory, bytes.len())
    }

    /// A buffer with all its bytes there, holding whatever it held before.
    pub(crate) fn take(&mut self) -> BytesMut {
        if let Some(buffer) = self.free.pop() {
            return buffer;
        }
        if let Some(place) = self.lent.iter().position(Bytes::is_unique)
            && let Ok(buffer) = self.lent.swap_remove(place).try_into_mut()
        {
            return buffer;
        }
        BytesMut::zeroed(self.chunk_bytes)
    }

    pub(crate) fn give_back(&mut self, buffer: BytesMut) {
        if buffer.len() == self.chunk_bytes && self.free.len() < self.kept_max {
            self.free.push(buffer);
        }
    }

    pub(crate) fn give_back_chunk(&mut self, chunk: Chunk) {
        match chunk.memory {
            Memory::Own(buffer) | Memory::Copied(buffer, _) => self.give_back(buffer),
            Memory::Lent(shared) => {
                if shared.len() == self.chunk_bytes {
                    if self.lent.len() >= self.kept_max {
                        self.lent.swap_remove(0);
                    }
                    self.lent.push(shared);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Bytes, Chunk, ChunkPool};

    #[test]
    fn a_buffer_is_used_again_when_nobody_holds_it_any_more() {
        let mut pool = ChunkPool::new(1000, 2);
        let buffer = pool.take();
        let place = buffer.as_ptr();
        let mut chunk = Chunk::new(1, buffer, 900);
        let held: Bytes = chunk.share().0.slice(10..20);
        pool.give_back_chunk(chunk);
        let other = pool.take();
        assert_ne!(other.as_ptr(), place, "still held");
        drop(held);
        let again = pool.take();
        assert_eq!((again.as_ptr(), again.len()), (place, 1000));
    }

    #[test]
    fn little_is_copied_and_much_is_lent() {
        let mut pool = ChunkPool::new(1000, 2);
        let mut little = Chunk::new(1, pool.take(), 100);
        let place = little.bytes().as_ptr();
        assert_eq!(little.shared_bytes(), 100);
        assert_eq!(little.share().1, 100);
        assert_ne!(little.share().0.as_ptr(), place);
        let mut much = Chunk::new(2, pool.take(), 600);
        let place = much.bytes().as_ptr();
        assert_eq!(much.shared_bytes(), 1000);
        assert_eq!((much.share().0.as_ptr(), much.share().1), (place, 1000));
    }
}
