//! Frames (RFC 37, "Framing"): a flags byte, a length of one or eight bytes, a body. Knows nothing of what a body means.

use std::ops::Range;

use bytes::BufMut;
use thiserror::Error;

const MORE: u8 = 0b001;
const LONG: u8 = 0b010;
const COMMAND: u8 = 0b100;
const RESERVED: u8 = !(MORE | LONG | COMMAND);

/// The longest header: flags and eight bytes of length.
pub const FRAME_HEADER_BYTES_MAX: usize = 9;

/// What stands before a frame's body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameHeader {
    /// Another frame of the same message follows.
    pub more: bool,
    /// The body is a command, not part of a message.
    pub command: bool,
    /// Bytes of the header itself: 2 or 9.
    pub header_len: usize,
    /// Bytes of the body, as declared: nothing may be reserved for it before it has come.
    pub body_len: usize,
}

impl FrameHeader {
    /// Reads the header at the front of `bytes`; `None` asks for more of them.
    ///
    /// A short body in the long form is taken: the RFC asks senders not to, and receivers nothing.
    #[inline]
    pub fn decode(bytes: &[u8]) -> Result<Option<Self>, FrameError> {
        let Some(&flags) = bytes.first() else { return Ok(None) };
        if flags & RESERVED != 0 {
            return Err(FrameError::ReservedFlags(flags));
        }
        let (more, command) = (flags & MORE != 0, flags & COMMAND != 0);
        if more && command {
            return Err(FrameError::CommandWithMore);
        }
        let (header_len, body_len) = if flags & LONG == 0 {
            let Some(&length) = bytes.get(1) else { return Ok(None) };
            (2, usize::from(length))
        } else {
            let Some(length) = bytes.get(1..).and_then(<[u8]>::first_chunk) else { return Ok(None) };
            let declared = u64::from_be_bytes(*length);
            let fits = isize::try_from(declared).map_err(|_| FrameError::Length(declared))?;
            (FRAME_HEADER_BYTES_MAX, fits.unsigned_abs())
        };
        Ok(Some(Self { more, command, header_len, body_len }))
    }

    /// The header of a message's frame.
    pub fn message(more: bool, body_len: usize) -> Self {
        Self { more, command: false, header_len: header_len(body_len), body_len }
    }

    /// The header of a command.
    pub fn command(body_len: usize) -> Self {
        Self { more: false, command: true, header_len: header_len(body_len), body_len }
    }

    /// Writes the header in its shortest form.
    #[inline]
    pub fn encode(&self, out: &mut impl BufMut) {
        let mut flags = 0;
        if self.more {
            flags |= MORE;
        }
        if self.command {
            flags |= COMMAND;
        }
        match u8::try_from(self.body_len) {
            Ok(length) => out.put_slice(&[flags, length]),
            Err(_) => {
                out.put_u8(flags | LONG);
                out.put_u64(self.body_len as u64);
            }
        }
    }

    /// Bytes of header and body together, `None` if no memory could hold them.
    #[inline]
    pub fn frame_len(&self) -> Option<usize> {
        self.header_len.checked_add(self.body_len)
    }
}

fn header_len(body_len: usize) -> usize {
    if body_len <= usize::from(u8::MAX) { 2 } else { FRAME_HEADER_BYTES_MAX }
}

/// One whole frame, borrowed from the bytes it was found in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// Another frame of the same message follows.
    pub more: bool,
    /// The body is a command.
    pub command: bool,
    /// The body.
    pub body: &'a [u8],
    /// Where the body lies in the bytes given.
    pub range: Range<usize>,
}

/// Walks the whole frames at the front of some bytes; ends at the first that is not whole or not well formed.
///
/// Made for spans that a [`MessageSplitter`](super::MessageSplitter) has checked, which hold nothing else.
#[derive(Clone, Debug)]
pub struct Frames<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Frames<'a> {
    /// A walk from the first byte of `bytes`, which must be a frame's first.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }
}

impl<'a> Iterator for Frames<'a> {
    type Item = Frame<'a>;

    #[inline]
    fn next(&mut self) -> Option<Frame<'a>> {
        let header = FrameHeader::decode(&self.bytes[self.at..]).ok().flatten()?;
        let start = self.at + header.header_len;
        let range = start..start.checked_add(header.body_len)?;
        let body = self.bytes.get(range.clone())?;
        self.at = range.end;
        Some(Frame { more: header.more, command: header.command, body, range })
    }
}

/// Why bytes are no frame, or one that is not wanted. Always the peer's fault; the connection cannot go on.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum FrameError {
    /// Flag bits that the RFC reserves are set.
    #[error("a frame with reserved flags set (flags {0:#04x})")]
    ReservedFlags(u8),
    /// A command that claims to go on in another frame.
    #[error("a command frame with the MORE flag")]
    CommandWithMore,
    /// A length that no memory could hold.
    #[error("a frame of {0} bytes")]
    Length(u64),
    /// The message's frames together declare more than is allowed.
    #[error("a message of more than {max} bytes")]
    MessageTooLarge {
        /// The limit passed.
        max: usize,
    },
    /// The message has more frames than are allowed.
    #[error("a message of more than {max} frames")]
    TooManyFrames {
        /// The limit passed.
        max: usize,
    },
    /// A command declares more than is allowed.
    #[error("a command of {declared} bytes, more than {max}")]
    CommandTooLarge {
        /// What the header says.
        declared: usize,
        /// The limit passed.
        max: usize,
    },
}

#[cfg(test)]
mod tests {
    use super::{Frame, FrameError, FrameHeader, Frames};

    fn check(bytes: &[u8], expect: Result<Option<(bool, bool, usize, usize)>, FrameError>) {
        let got = FrameHeader::decode(bytes)
            .map(|header| header.map(|h| (h.more, h.command, h.header_len, h.body_len)));
        assert_eq!(got, expect, "{bytes:02x?}");
    }

    #[test]
    fn each_form_of_header_is_read() {
        check(&[0x00, 0x00], Ok(Some((false, false, 2, 0))));
        check(&[0x01, 0xFF], Ok(Some((true, false, 2, 255))));
        check(&[0x04, 0x05, b'x'], Ok(Some((false, true, 2, 5))));
        check(&[0x02, 0, 0, 0, 0, 0, 0, 1, 0], Ok(Some((false, false, 9, 256))));
        check(&[0x03, 0, 0, 0, 0, 0, 0, 0, 7], Ok(Some((true, false, 9, 7))));
        check(&[0x06, 0, 0, 0, 0, 0, 0, 1, 0], Ok(Some((false, true, 9, 256))));
    }

    #[test]
    fn every_shorter_prefix_asks_for_more() {
        for header in [&[0x01, 0x07][..], &[0x02, 0, 0, 0, 0, 0, 0, 1, 0]] {
            for end in 0..header.len() {
                check(&header[..end], Ok(None));
            }
        }
    }

    #[test]
    fn what_the_rfc_forbids_is_refused_at_its_first_byte() {
        for flags in (0..=u8::MAX).filter(|flags| flags & 0xF8 != 0) {
            check(&[flags], Err(FrameError::ReservedFlags(flags)));
        }
        check(&[0x05], Err(FrameError::CommandWithMore));
        check(&[0x07], Err(FrameError::CommandWithMore));
        check(&[[0x02].as_slice(), &[0xFF; 8]].concat(), Err(FrameError::Length(u64::MAX)));
        check(&[0x02, 0x80, 0, 0, 0, 0, 0, 0, 0], Err(FrameError::Length(1 << 63)));
    }

    #[test]
    fn headers_are_written_in_their_shortest_form_and_read_back() {
        for body_len in [0, 1, 255, 256, 65_536, 1 << 40] {
            for header in [
                FrameHeader::message(false, body_len),
                FrameHeader::message(true, body_len),
                FrameHeader::command(body_len),
            ] {
                let mut bytes = Vec::new();
                header.encode(&mut bytes);
                assert_eq!(bytes.len(), header.header_len);
                assert_eq!(bytes.len(), if body_len < 256 { 2 } else { 9 });
                assert_eq!(FrameHeader::decode(&bytes), Ok(Some(header)));
            }
        }
    }

    #[test]
    fn the_walk_ends_where_frames_are_no_longer_whole() {
        let bytes = [0x01, 1, b'a', 0x04, 1, b'c', 0x00, 2, b'b'];
        let frames: Vec<_> = Frames::new(&bytes).collect();
        let first = Frame { more: true, command: false, body: b"a", range: 2..3 };
        assert_eq!(frames, [first, Frame { more: false, command: true, body: b"c", range: 5..6 }]);
    }
}
