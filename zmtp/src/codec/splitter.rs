//! Finds whole messages and commands in a stream of bytes, under limits, without copying or reserving anything.
//! Knows nothing of sockets; the caller keeps the bytes.

use std::ops::Range;

use super::frame::{FrameError, FrameHeader};
use crate::limits;

/// What a peer may send. Passing a limit is an error as soon as it is declared, before any of the body has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MessageLimits {
    /// Bytes of a message: the sum of its frames' bodies, and of commands sent between them.
    pub message_bytes_max: usize,
    /// Frames of a message, and commands sent between them.
    pub message_frames_max: usize,
    /// Bytes of a command's body.
    pub command_bytes_max: usize,
}

impl MessageLimits {
    /// Bytes that the body of any frame may have.
    pub fn frame_bytes_max(&self) -> usize {
        self.message_bytes_max.max(self.command_bytes_max)
    }
}

impl Default for MessageLimits {
    fn default() -> Self {
        Self {
            message_bytes_max: limits::MESSAGE_BYTES_MAX,
            message_frames_max: limits::MESSAGE_FRAMES_MAX,
            command_bytes_max: limits::COMMAND_BYTES_MAX,
        }
    }
}

/// A whole message, as places in the buffer it was found in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageSpan {
    /// All its frames, headers included: with the NULL mechanism these bytes may be sent on as they are, unless
    /// [`interleaved`](Self::interleaved).
    pub range: Range<usize>,
    /// The first frame's body: the topic of a publication.
    pub first: Range<usize>,
    /// How many frames it has.
    pub frames: usize,
    /// Commands stand between its frames (libzmq sends its PINGs so). They have been yielded already; who sends the
    /// message on must leave them out.
    pub interleaved: bool,
}

/// What a buffer holds next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// A whole message.
    Message(MessageSpan),
    /// A command: where its body lies.
    Command(Range<usize>),
}

/// Walks a growing buffer, item by item, and remembers how far it came, so that no byte is walked twice.
///
/// ```
/// use recado_zmtp::codec::{Item, MessageLimits, MessageSplitter};
///
/// let mut splitter = MessageSplitter::new(MessageLimits::default());
/// let mut buffer = b"\x01\x05ger".to_vec();
/// assert_eq!(splitter.next_item(&buffer), Ok(None));
/// buffer.extend_from_slice(b"al\x00\x02oi");
/// let Ok(Some(Item::Message(message))) = splitter.next_item(&buffer) else { panic!("it is whole now") };
/// assert_eq!(&buffer[message.first], b"geral");
/// assert_eq!(splitter.release(), buffer.len());
/// ```
#[derive(Clone, Debug)]
pub struct MessageSplitter {
    limits: MessageLimits,
    /// Where the message under way begins.
    start: usize,
    /// Where the next frame's header is expected.
    at: usize,
    /// Of the message under way: bodies' bytes, frames with commands between them, and its first frame's body.
    bytes: usize,
    frames: usize,
    commands: usize,
    first: Range<usize>,
}

impl MessageSplitter {
    /// A walk that has not begun.
    pub fn new(limits: MessageLimits) -> Self {
        Self { limits, start: 0, at: 0, bytes: 0, frames: 0, commands: 0, first: 0..0 }
    }

    /// The next whole item of `buffer`, `None` when the rest is not whole yet.
    ///
    /// Between calls the buffer may only grow at its end, until [`release`](Self::release).
    #[inline]
    pub fn next_item(&mut self, buffer: &[u8]) -> Result<Option<Item>, FrameError> {
        loop {
            let Some(header) = FrameHeader::decode(&buffer[self.at..])? else { return Ok(None) };
            self.check(&header)?;
            let body_start = self.at + header.header_len;
            if buffer.len() - body_start < header.body_len {
                return Ok(None);
            }
            let body = body_start..body_start + header.body_len;
            self.at = body.end;
            if header.command {
                self.command_passed(body.len());
                return Ok(Some(Item::Command(body)));
            }
            self.bytes += body.len();
            if self.frames == 0 {
                self.first = body;
            }
            self.frames += 1;
            if !header.more {
                return Ok(Some(Item::Message(self.finish())));
            }
        }
    }

    /// Bytes at the front of the buffer that belong to items already yielded.
    pub fn taken(&self) -> usize {
        self.start
    }

    /// Begins to count anew behind the items already yielded, and says how many bytes that is: the caller drops as
    /// many from the buffer's front.
    pub fn release(&mut self) -> usize {
        let taken = std::mem::take(&mut self.start);
        self.at -= taken;
        if self.frames > 0 {
            self.first = self.first.start - taken..self.first.end - taken;
        }
        taken
    }

    /// Whether a message has begun whose last frame has not come.
    pub fn is_mid_message(&self) -> bool {
        self.frames > 0
    }

    fn check(&self, header: &FrameHeader) -> Result<(), FrameError> {
        let limits = &self.limits;
        if header.command && header.body_len > limits.command_bytes_max {
            return Err(FrameError::CommandTooLarge {
                declared: header.body_len,
                max: limits.command_bytes_max,
            });
        }
        if header.command && self.frames == 0 {
            return Ok(());
        }
        // `bytes` never passed the limit, so that the subtraction cannot wrap.
        if header.body_len > limits.message_bytes_max - self.bytes {
            return Err(FrameError::MessageTooLarge { max: limits.message_bytes_max });
        }
        if self.frames + self.commands >= limits.message_frames_max {
            return Err(FrameError::TooManyFrames { max: limits.message_frames_max });
        }
        Ok(())
    }

    fn command_passed(&mut self, body_len: usize) {
        if self.frames == 0 {
            self.start = self.at;
        } else {
            self.bytes += body_len;
            self.commands += 1;
        }
    }

    fn finish(&mut self) -> MessageSpan {
        let span = MessageSpan {
            range: self.start..self.at,
            first: std::mem::replace(&mut self.first, 0..0),
            frames: self.frames,
            interleaved: self.commands > 0,
        };
        self.start = self.at;
        (self.bytes, self.frames, self.commands) = (0, 0, 0);
        span
    }
}
