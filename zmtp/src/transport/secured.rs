//! Sealing and opening what goes over a stream after CURVE's handshake, so that its owner sees plain frames. Knows the stream only as
//! something to read from and write to, which may say that it would have to wait.

use std::fmt;
use std::io::{self, IoSlice};
use std::sync::Mutex;

use bytes::{Buf, BufMut, BytesMut};

use super::spare;
use crate::curve::{Channel, ChannelError, Opener, Sealer};
use crate::limits;
use crate::lock::lock;

/// Both directions. Each is locked while it is used, which nobody waits for: one task reads and one writes.
pub(super) struct Secured {
    reading: Mutex<Reading>,
    writing: Mutex<Writing>,
}

struct Reading {
    opener: Opener,
    /// What was read: first the rest of a frame that is opened, then what is sealed.
    inbound: BytesMut,
    /// Bytes of that rest.
    opened: usize,
}

struct Writing {
    sealer: Sealer,
    /// Sealed, and not yet with the kernel.
    unsent: BytesMut,
}

/// An unfinished frame up to this many bytes is kept in memory of its own size until more comes.
const COPIED_BYTES_MAX: usize = limits::READ_BYTES_MAX / 4;

impl fmt::Debug for Secured {
    /// Never what is sealed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secured").finish_non_exhaustive()
    }
}

impl Secured {
    /// Goes on with what came behind the handshake.
    pub(super) fn new(channel: Channel, read_ahead: BytesMut) -> Self {
        let Channel { sealer, opener } = channel;
        Self {
            reading: Mutex::new(Reading { opener, inbound: read_ahead, opened: 0 }),
            writing: Mutex::new(Writing { sealer, unsent: BytesMut::new() }),
        }
    }

    /// Fills the room that `out` has with plain bytes: of what is there, or else of what `raw` reads. 0 at the end, or without room.
    pub(super) fn read(
        &self,
        out: &mut impl BufMut,
        mut raw: impl FnMut(&mut BytesMut) -> io::Result<usize>,
    ) -> io::Result<usize> {
        let mut reading = lock(&self.reading);
        let read = loop {
            let count = reading.deliver(out)?;
            if count > 0 || out.chunk_mut().len() == 0 {
                break Ok(count);
            }
            reading.make_room();
            match raw(&mut reading.inbound) {
                Ok(0) => break Ok(0),
                Ok(_) => {}
                Err(error) => break Err(error),
            }
        };
        reading.settle();
        read
    }

    /// Whether a read has something to say without reading.
    pub(super) fn has_plain(&self) -> bool {
        lock(&self.reading).has_plain()
    }

    /// Bytes held of what has come and was not read, and of a frame whose end was not written.
    pub(super) fn held_bytes(&self) -> usize {
        lock(&self.reading).inbound.len() + lock(&self.writing).sealer.unfinished()
    }

    /// Seals what is given and writes what `raw` takes of it; says how many plain bytes were taken. As long as sealed ones wait, none
    /// are.
    pub(super) fn write(
        &self,
        slices: &[IoSlice<'_>],
        mut raw: impl FnMut(&[u8]) -> io::Result<usize>,
    ) -> io::Result<usize> {
        let mut writing = lock(&self.writing);
        writing.flush(&mut raw)?;
        let Writing { sealer, unsent } = &mut *writing;
        if unsent.capacity() == 0 {
            *unsent = spare::take();
        }
        let taken = sealer.seal(slices, unsent, limits::WRITE_BYTES_MAX);
        let taken = taken.map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        match writing.flush(&mut raw) {
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => Err(error),
            // What waits is ours to write later.
            Ok(()) | Err(_) => Ok(taken),
        }
    }

    /// Writes what is sealed.
    pub(super) fn flush(&self, mut raw: impl FnMut(&[u8]) -> io::Result<usize>) -> io::Result<()> {
        lock(&self.writing).flush(&mut raw)
    }

    /// Sealed bytes that wait to be written.
    pub(super) fn unsent(&self) -> usize {
        lock(&self.writing).unsent.len()
    }
}

impl Reading {
    /// Opens frames into the room of `out`, as long as there are whole ones. What is wrong is said when all before it has been taken.
    fn deliver(&mut self, out: &mut impl BufMut) -> Result<usize, ChannelError> {
        let mut delivered = 0;
        loop {
            let count = self.opened.min(out.chunk_mut().len());
            out.put_slice(&self.inbound[..count]);
            self.inbound.advance(count);
            self.opened -= count;
            delivered += count;
            if self.opened > 0 || out.chunk_mut().len() == 0 {
                return Ok(delivered);
            }
            match self.opener.open(&mut self.inbound) {
                Ok(Some(plain)) => {
                    self.inbound.advance(plain.start);
                    self.opened = plain.len();
                }
                Err(error) if delivered == 0 => return Err(error),
                Ok(None) | Err(_) => return Ok(delivered),
            }
        }
    }

    fn has_plain(&self) -> bool {
        self.opened > 0 || self.opener.has_next(&self.inbound)
    }

    /// Room for a read: never for what a frame only declares.
    fn make_room(&mut self) {
        let (held, capacity) = (self.inbound.len(), self.inbound.capacity());
        if held <= COPIED_BYTES_MAX && capacity < limits::READ_BYTES_MAX {
            let mut room = spare::take();
            room.put_slice(&self.inbound);
            self.inbound = room;
        } else if capacity - held < limits::READ_BYTES_MAX / 4 {
            self.inbound.reserve(limits::READ_BYTES_MAX.max(held));
        }
    }

    /// Keeps no more memory than what is held needs.
    fn settle(&mut self) {
        if self.inbound.is_empty() {
            if self.inbound.capacity() > 0 {
                spare::give_back(std::mem::take(&mut self.inbound));
            }
        } else if self.inbound.len() <= COPIED_BYTES_MAX
            && self.inbound.capacity() > 2 * self.inbound.len()
            && !self.has_plain()
        {
            let held = BytesMut::from(&self.inbound[..]);
            spare::give_back(std::mem::replace(&mut self.inbound, held));
        }
    }
}

impl Writing {
    fn flush(&mut self, raw: &mut impl FnMut(&[u8]) -> io::Result<usize>) -> io::Result<()> {
        while !self.unsent.is_empty() {
            match raw(&self.unsent)? {
                0 => return Err(io::ErrorKind::WriteZero.into()),
                count => self.unsent.advance(count),
            }
        }
        if self.unsent.capacity() > 0 {
            spare::give_back(std::mem::take(&mut self.unsent));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
