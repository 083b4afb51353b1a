//! What a connection has read and not yet handed on. An idle connection holds no memory here.

use std::cell::RefCell;
use std::io;
use std::ops::Range;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes, BytesMut};
use tokio_util::io::poll_read_buf;

use crate::codec::{FrameError, Item, MessageLimits, MessageSplitter};
use crate::limits;
use crate::message::Message;
use crate::transport::Stream;

/// Bytes to fetch in a read, when little comes. It doubles when a read was filled and falls back by halves.
const READ_BYTES_FIRST: usize = 4 * 1024;

thread_local! {
    /// Memory for whichever connection reads next. Most connections read a little and hand all of it on at once: so
    /// they take turns with this and ask the allocator for nothing. One buffer a thread, of [`SPARE_BYTES_MAX`].
    static SPARE: RefCell<BytesMut> = RefCell::default();
}

/// A larger buffer is given back to the system.
const SPARE_BYTES_MAX: usize = limits::READ_BYTES_MAX;

/// Bytes from the peer, cut into messages and commands.
#[derive(Debug)]
pub(crate) struct ReadBuffer {
    bytes: BytesMut,
    splitter: MessageSplitter,
    read_bytes: usize,
    /// Nothing was cut off from the memory's beginning: its capacity is all of it, and it is nobody else's.
    is_whole: bool,
}

/// The next of what was read.
#[derive(Debug)]
pub(crate) enum Incoming<'a> {
    Message(Wire<'a>),
    /// A command's body.
    Command(&'a [u8]),
}

/// A whole message as it came.
#[derive(Debug)]
pub(crate) enum Wire<'a> {
    /// In the read buffer, which will be used again; with the place of the first frame's body.
    Borrowed(&'a [u8], Range<usize>),
    /// Large, and taken out of the read buffer.
    Owned(Bytes, Range<usize>),
}

impl Wire<'_> {
    /// The whole frames.
    pub(crate) fn bytes(&self) -> &[u8] {
        match self {
            Self::Borrowed(bytes, _) => bytes,
            Self::Owned(bytes, _) => bytes,
        }
    }

    /// The first frame's body.
    pub(crate) fn first(&self) -> &[u8] {
        match self {
            Self::Borrowed(bytes, first) => &bytes[first.clone()],
            Self::Owned(bytes, first) => &bytes[first.clone()],
        }
    }

    pub(crate) fn to_message(&self) -> Message {
        match self {
            Self::Borrowed(bytes, _) => Message::copied_from_wire(bytes),
            Self::Owned(bytes, _) => Message::from_wire(bytes),
        }
    }
}

impl ReadBuffer {
    /// Begins with what came behind the handshake.
    pub(crate) fn new(read_ahead: BytesMut, limits: MessageLimits) -> Self {
        let splitter = MessageSplitter::new(limits);
        Self { bytes: read_ahead, splitter, read_bytes: READ_BYTES_FIRST, is_whole: false }
    }

    /// The next whole message or command, if there is one.
    pub(crate) fn next_incoming(&mut self) -> Result<Option<Incoming<'_>>, FrameError> {
        let Some(item) = self.splitter.next_item(&self.bytes)? else { return Ok(None) };
        Ok(Some(match item {
            Item::Command(body) => Incoming::Command(&self.bytes[body]),
            Item::Message(span) => {
                let first = span.first.start - span.range.start..span.first.end - span.range.start;
                if span.range.len() <= limits::COPY_OUT_BYTES_MAX {
                    Incoming::Message(Wire::Borrowed(&self.bytes[span.range], first))
                } else {
                    self.splitter.release();
                    self.is_whole = false;
                    self.bytes.advance(span.range.start);
                    Incoming::Message(Wire::Owned(self.bytes.split_to(span.range.len()).freeze(), first))
                }
            }
        }))
    }

    /// Drops what has been yielded; with nothing left, the memory too.
    pub(crate) fn release(&mut self) {
        let taken = self.splitter.release();
        if taken == self.bytes.len() {
            self.part_with_memory();
        } else if taken > 0 {
            self.is_whole = false;
            self.bytes.advance(taken);
        }
    }

    /// Drops everything: nothing of it is wanted any longer.
    pub(crate) fn discard(&mut self) {
        self.part_with_memory();
    }

    fn part_with_memory(&mut self) {
        let mut bytes = std::mem::take(&mut self.bytes);
        if !self.is_whole {
            return;
        }
        bytes.clear();
        SPARE.with_borrow_mut(|spare| {
            if bytes.capacity() > spare.capacity() && bytes.capacity() <= SPARE_BYTES_MAX {
                *spare = bytes;
            }
        });
    }

    /// Reads once; 0 at the end. Memory is reserved for what one read may fetch, never for what a frame declares.
    pub(crate) fn poll_read(&mut self, cx: &mut Context<'_>, stream: &mut Stream) -> Poll<io::Result<usize>> {
        // Asked first, so that a connection that was woken for other reasons allocates nothing.
        ready!(stream.poll_read_ready(cx))?;
        if self.bytes.capacity() == 0 {
            self.bytes = SPARE.take();
            self.is_whole = true;
        }
        if self.bytes.capacity() - self.bytes.len() < self.read_bytes / 4 {
            self.bytes.reserve(self.read_bytes);
        }
        let room = self.bytes.capacity() - self.bytes.len();
        let Poll::Ready(count) = poll_read_buf(Pin::new(stream), cx, &mut self.bytes)? else {
            if self.bytes.is_empty() {
                self.part_with_memory();
            }
            return Poll::Pending;
        };
        if count == room {
            self.read_bytes = (self.read_bytes * 2).min(limits::READ_BYTES_MAX);
        } else if count < self.read_bytes / 4 {
            self.read_bytes = (self.read_bytes / 2).max(READ_BYTES_FIRST);
        }
        Poll::Ready(Ok(count))
    }
}
