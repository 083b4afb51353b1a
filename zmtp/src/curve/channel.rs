//! What follows the handshake: every frame travels in a MESSAGE (RFC 26, "Message Command"). Plain frames go in and MESSAGEs come
//! out, and back.
//!
//! A MESSAGE is an ordinary frame: its name, eight bytes of nonce, and a box that holds a byte of flags and the plain frame's body.

use std::fmt;
use std::io::{self, IoSlice};
use std::ops::Range;

use bytes::{BufMut, BytesMut};
use thiserror::Error;

use super::boxes::{BoxKey, SharedKey, TAG_BYTES};
use super::command::{CLIENT_MESSAGE_NONCE, SERVER_MESSAGE_NONCE};
use super::keys::KEY_BYTES;
use crate::codec::{FRAME_HEADER_BYTES_MAX, FrameError, FrameHeader};

const MESSAGE: &[u8; 8] = b"\x07MESSAGE";

/// Where a MESSAGE's nonce, box and box's text lie in its body.
const NONCE_AT: usize = MESSAGE.len();
const BOX_AT: usize = NONCE_AT + 8;
const FLAGS_AT: usize = BOX_AT + TAG_BYTES;

/// Bytes by which a MESSAGE's body is longer than the plain frame's.
const OVERHEAD_BYTES: usize = FLAGS_AT + 1;

const MORE: u8 = 1;
const COMMAND: u8 = 2;

/// Both directions of a connection after its handshake.
pub struct Channel {
    /// What is sent.
    pub sealer: Sealer,
    /// What is received.
    pub opener: Opener,
}

impl fmt::Debug for Channel {
    /// Never what is secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Channel").finish_non_exhaustive()
    }
}

impl Channel {
    /// The two ends of a connection whose short-term keys have agreed on this: where there was no handshake.
    pub(crate) fn pair(agreed: [u8; KEY_BYTES], frame_bytes_max: usize) -> [Self; 2] {
        let shared = SharedKey::known(agreed);
        let server = || shared.box_key(SERVER_MESSAGE_NONCE);
        let client = || shared.box_key(CLIENT_MESSAGE_NONCE);
        [
            Self::new(server(), 1, client(), 2, frame_bytes_max),
            Self::new(client(), 2, server(), 1, frame_bytes_max),
        ]
    }

    pub(super) fn new(
        ours: BoxKey,
        our_nonce: u64,
        theirs: BoxKey,
        their_nonce: u64,
        frame_bytes_max: usize,
    ) -> Self {
        Self {
            sealer: Sealer { key: ours, nonce: our_nonce, unfinished: BytesMut::new() },
            opener: Opener { key: theirs, nonce: their_nonce, frame_bytes_max },
        }
    }
}

/// Plain frames into MESSAGEs.
pub struct Sealer {
    pub(super) key: BoxKey,
    /// The last one used.
    nonce: u64,
    /// The beginning of a frame whose rest has not come.
    unfinished: BytesMut,
}

impl fmt::Debug for Sealer {
    /// Never what is secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sealer").finish_non_exhaustive()
    }
}

impl Sealer {
    /// Appends whole frames, sealed, until `out` has at least `enough` bytes or no more are given, and says how many plain bytes it
    /// took. The beginning of a frame is taken, too, and kept until its rest comes. An error, where what is given is no frame, is the
    /// caller's fault.
    pub fn seal(
        &mut self,
        slices: &[IoSlice<'_>],
        out: &mut BytesMut,
        enough: usize,
    ) -> Result<usize, FrameError> {
        let mut plain = Plain::new(slices);
        let given = plain.left;
        while plain.left > 0 && out.len() < enough {
            if self.unfinished.is_empty() {
                if let Some(header) = plain.header()?
                    && header.frame_len().is_some_and(|len| len <= plain.left)
                {
                    plain.skip(header.header_len);
                    self.seal_frame(&header, out, |out| plain.take(header.body_len, out));
                } else {
                    plain.take(plain.left, &mut self.unfinished);
                }
            } else {
                self.go_on(&mut plain, out)?;
            }
        }
        Ok(given - plain.left)
    }

    /// Adds to the unfinished frame, and seals it if that was its end.
    fn go_on(&mut self, plain: &mut Plain<'_>, out: &mut BytesMut) -> Result<(), FrameError> {
        let header = loop {
            match FrameHeader::decode(&self.unfinished)? {
                Some(header) => break header,
                None if plain.left == 0 => return Ok(()),
                // Byte by byte: a header's length is in its first.
                None => plain.take(1, &mut self.unfinished),
            }
        };
        let len = header.frame_len().ok_or(FrameError::Length(header.body_len as u64))?;
        plain.take((len - self.unfinished.len()).min(plain.left), &mut self.unfinished);
        if self.unfinished.len() == len {
            let frame = std::mem::take(&mut self.unfinished);
            self.seal_frame(&header, out, |out| out.put_slice(&frame[header.header_len..]));
        }
        Ok(())
    }

    fn seal_frame(&mut self, header: &FrameHeader, out: &mut BytesMut, put_body: impl FnOnce(&mut BytesMut)) {
        let sealed = FrameHeader::message(false, OVERHEAD_BYTES + header.body_len);
        self.nonce = self.nonce.checked_add(1).expect("no connection lasts for 2^64 frames");
        out.reserve(sealed.header_len + sealed.body_len);
        sealed.encode(out);
        let body_at = out.len();
        let mut begin = [0; OVERHEAD_BYTES];
        begin[..NONCE_AT].copy_from_slice(MESSAGE);
        begin[NONCE_AT..BOX_AT].copy_from_slice(&self.nonce.to_be_bytes());
        begin[FLAGS_AT] = if header.more { MORE } else { 0 } | if header.command { COMMAND } else { 0 };
        out.put_slice(&begin);
        put_body(out);
        self.key.seal(self.nonce, &mut out[body_at + BOX_AT..]);
    }

    /// Bytes kept of a frame whose rest has not come.
    pub(crate) fn unfinished(&self) -> usize {
        self.unfinished.len()
    }
}

/// Several slices, read from the front.
struct Plain<'a> {
    slices: &'a [IoSlice<'a>],
    /// Of the first slice.
    taken: usize,
    left: usize,
}

impl<'a> Plain<'a> {
    fn new(slices: &'a [IoSlice<'a>]) -> Self {
        Self { slices, taken: 0, left: slices.iter().map(|slice| slice.len()).sum() }
    }

    /// The header in front, if all of it is there.
    fn header(&self) -> Result<Option<FrameHeader>, FrameError> {
        match self.slices.first().map(|slice| &slice[self.taken..]) {
            Some(begin) if begin.len() >= FRAME_HEADER_BYTES_MAX => FrameHeader::decode(begin),
            Some(_) | None => FrameHeader::decode(self.peek(&mut [0; FRAME_HEADER_BYTES_MAX])),
        }
    }

    /// What is in front, up to a header's length.
    fn peek<'b>(&self, into: &'b mut [u8; FRAME_HEADER_BYTES_MAX]) -> &'b [u8] {
        let (mut taken, mut len) = (self.taken, 0);
        for slice in self.slices {
            let slice = &slice[taken..];
            let count = slice.len().min(into.len() - len);
            into[len..len + count].copy_from_slice(&slice[..count]);
            (taken, len) = (0, len + count);
            if len == into.len() {
                break;
            }
        }
        &into[..len]
    }

    /// There must be as many.
    fn take(&mut self, count: usize, out: &mut BytesMut) {
        self.walk(count, |part| out.put_slice(part));
    }

    fn skip(&mut self, count: usize) {
        self.walk(count, |_| {});
    }

    fn walk(&mut self, mut count: usize, mut with: impl FnMut(&[u8])) {
        self.left -= count;
        while count > 0 {
            let slice = &self.slices[0][self.taken..];
            let part = slice.len().min(count);
            with(&slice[..part]);
            count -= part;
            self.taken += part;
            if part == slice.len() {
                (self.slices, self.taken) = (&self.slices[1..], 0);
            }
        }
    }
}

/// MESSAGEs into plain frames.
pub struct Opener {
    key: BoxKey,
    /// The peer's last.
    nonce: u64,
    /// Bytes of a plain frame's body.
    pub(super) frame_bytes_max: usize,
}

impl fmt::Debug for Opener {
    /// Never what is secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opener").finish_non_exhaustive()
    }
}

impl Opener {
    /// Whether a whole MESSAGE is in front, or something that is refused: whether [`open`](Self::open) has something to say.
    pub(crate) fn has_next(&self, bytes: &[u8]) -> bool {
        !matches!(self.whole(bytes), Ok(None))
    }

    /// Opens the MESSAGE in front, in place, and says where the plain frame is now, header and body: it ends where the MESSAGE did. None
    /// asks for more bytes. What is wrong is refused as soon as it can be seen, and again whenever it is looked at.
    pub fn open(&mut self, bytes: &mut [u8]) -> Result<Option<Range<usize>>, ChannelError> {
        let Some(header) = self.whole(bytes)? else { return Ok(None) };
        let end = header.header_len + header.body_len;
        let body = &mut bytes[header.header_len..end];
        let nonce = body[NONCE_AT..].first_chunk().expect("a MESSAGE's length is checked on its header");
        let counter = u64::from_be_bytes(*nonce);
        if counter <= self.nonce {
            return Err(ChannelError::Nonce { counter, last: self.nonce });
        }
        if !self.key.open(counter, &mut body[BOX_AT..]) {
            return Err(ChannelError::Forged);
        }
        self.nonce = counter;
        let flags = body[FLAGS_AT];
        let len = body.len() - OVERHEAD_BYTES;
        let plain = match flags {
            0 => FrameHeader::message(false, len),
            MORE => FrameHeader::message(true, len),
            COMMAND => FrameHeader::command(len),
            flags => return Err(ChannelError::Flags(flags)),
        };
        // What stood before the body in the MESSAGE is longer than any header.
        let start = end - len - plain.header_len;
        plain.encode(&mut &mut bytes[start..end - len]);
        Ok(Some(start..end))
    }

    /// The header of the frame in front, if all of it is there.
    fn whole(&self, bytes: &[u8]) -> Result<Option<FrameHeader>, ChannelError> {
        let Some(header) = FrameHeader::decode(bytes)? else { return Ok(None) };
        if header.more {
            return Err(ChannelError::NoMessage);
        }
        if header.body_len < OVERHEAD_BYTES {
            return Err(ChannelError::TooShort(header.body_len));
        }
        if header.body_len - OVERHEAD_BYTES > self.frame_bytes_max {
            return Err(ChannelError::TooLong { max: self.frame_bytes_max });
        }
        let body = &bytes[header.header_len..];
        let seen = body.len().min(MESSAGE.len());
        if body[..seen] != MESSAGE[..seen] {
            return Err(ChannelError::NoMessage);
        }
        Ok((body.len() >= header.body_len).then_some(header))
    }
}

/// Why what a peer sends on a secured connection is refused: it breaks the protocol, or somebody between us has changed, repeated,
/// dropped or reordered what it sent. The connection cannot go on.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ChannelError {
    /// Not a well-formed frame.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// A frame that is no MESSAGE.
    #[error("something unsealed on a secured connection")]
    NoMessage,
    /// Shorter than any MESSAGE.
    #[error("a sealed message of {0} bytes")]
    TooShort(usize),
    /// It declares more than is allowed.
    #[error("a sealed frame of more than {max} bytes")]
    TooLong {
        /// The limit passed.
        max: usize,
    },
    /// A nonce that was used before, or an older one.
    #[error("nonce {counter} after {last}: a sealed message was repeated or reordered")]
    Nonce {
        /// What it has.
        counter: u64,
        /// What the last one had.
        last: u64,
    },
    /// The box does not open.
    #[error("a sealed message that was changed on its way")]
    Forged,
    /// Flags that CURVE does not have.
    #[error("a sealed message with flags {0:#04x}")]
    Flags(u8),
}

impl ChannelError {
    /// What a [`Stream`](crate::transport::Stream)'s read failed with, if it was this.
    pub fn of(error: &io::Error) -> Option<&Self> {
        error.get_ref()?.downcast_ref()
    }
}

impl From<ChannelError> for io::Error {
    fn from(error: ChannelError) -> Self {
        Self::new(io::ErrorKind::InvalidData, error)
    }
}
