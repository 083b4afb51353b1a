//! What CURVE's commands look like (RFC 26, "Grammar"), and how the randomness of a handshake is used.

use std::ops::RangeInclusive;

use bytes::{BufMut, BytesMut};

use super::boxes::TAG_BYTES;
use super::error::CurveError;
use super::keys::{KEY_BYTES, PublicKey};
use crate::codec::FrameHeader;
use crate::limits;

pub(super) const HELLO: &[u8] = b"\x05HELLO";
pub(super) const WELCOME: &[u8] = b"\x07WELCOME";
pub(super) const INITIATE: &[u8] = b"\x08INITIATE";
pub(super) const READY: &[u8] = b"\x05READY";

pub(super) const HELLO_NONCE: &[u8; 16] = b"CurveZMQHELLO---";
pub(super) const INITIATE_NONCE: &[u8; 16] = b"CurveZMQINITIATE";
pub(super) const READY_NONCE: &[u8; 16] = b"CurveZMQREADY---";
pub(super) const CLIENT_MESSAGE_NONCE: &[u8; 16] = b"CurveZMQMESSAGEC";
pub(super) const SERVER_MESSAGE_NONCE: &[u8; 16] = b"CurveZMQMESSAGES";
pub(super) const WELCOME_NONCE: &[u8; 8] = b"WELCOME-";
pub(super) const VOUCH_NONCE: &[u8; 8] = b"VOUCH---";

/// The version of CURVE that there is.
pub(super) const VERSION: [u8; 2] = [1, 0];

/// Bytes behind HELLO's version that mean nothing: they make it longer than its answer.
pub(super) const HELLO_PADDING_BYTES: usize = 72;

/// Bytes of what HELLO's box holds: zeros.
pub(super) const HELLO_TEXT_BYTES: usize = 64;

/// Bytes of a cookie.
pub(super) const COOKIE_BYTES: usize = 96;

/// Bytes of a nonce that is random but for its name.
pub(super) const NONCE_BYTES: usize = 16;

/// Bytes of a vouch: the client's short-term key and the server's long-term one, in a box.
pub(super) const VOUCH_BYTES: usize = 2 * KEY_BYTES + TAG_BYTES;

/// Bytes of HELLO's body.
pub(super) const HELLO_BYTES: usize =
    HELLO.len() + VERSION.len() + HELLO_PADDING_BYTES + KEY_BYTES + 8 + HELLO_TEXT_BYTES + TAG_BYTES;

/// Bytes of WELCOME's body.
pub(super) const WELCOME_BYTES: usize = WELCOME.len() + NONCE_BYTES + KEY_BYTES + COOKIE_BYTES + TAG_BYTES;

/// Bytes of what INITIATE's box holds before the metadata.
pub(super) const PROOF_BYTES: usize = KEY_BYTES + NONCE_BYTES + VOUCH_BYTES;

/// Bytes of INITIATE's body without metadata.
pub(super) const INITIATE_BYTES_MIN: usize = INITIATE.len() + COOKIE_BYTES + 8 + PROOF_BYTES + TAG_BYTES;

/// Bytes of READY's body without metadata.
pub(super) const READY_BYTES_MIN: usize = READY.len() + 8 + TAG_BYTES;

/// Random bytes that a handshake uses: on the server's side a secret key, WELCOME's nonce and the cookie, on the client's a secret
/// key and the vouch's nonce.
pub(crate) const RANDOM_BYTES: usize = KEY_BYTES + NONCE_BYTES + COOKIE_BYTES;

const _: () = assert!(HELLO_BYTES == 200 && WELCOME_BYTES == 168 && INITIATE_BYTES_MIN == 257);

/// A handshake's random bytes, as both sides use them.
pub(super) fn secret_and_nonce(random: &[u8; RANDOM_BYTES]) -> (&[u8; KEY_BYTES], &[u8; NONCE_BYTES]) {
    let (secret, rest) = random.split_first_chunk().expect("there are more random bytes than these");
    (secret, rest.first_chunk().expect("there are more random bytes than these"))
}

/// The next command of a peer: what it must begin with and how long it may be, so that another is refused on its header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Expected {
    name: &'static [u8],
    bytes: RangeInclusive<usize>,
}

impl Expected {
    pub(super) const fn exactly(name: &'static [u8], bytes: usize) -> Self {
        Self { name, bytes: bytes..=bytes }
    }

    pub(super) const fn at_least(name: &'static [u8], bytes: usize) -> Self {
        Self { name, bytes: bytes..=limits::HANDSHAKE_COMMAND_BYTES_MAX }
    }

    /// Whether a command of this many bytes, of which these have come, can be it.
    pub(crate) fn check(&self, declared: usize, begin: &[u8]) -> Result<(), CurveError> {
        let seen = begin.len().min(self.name.len());
        if begin[..seen] != self.name[..seen] {
            return Err(CurveError::Unexpected { due: self.name() });
        }
        if !self.bytes.contains(&declared) {
            return Err(CurveError::Length { command: self.name(), declared });
        }
        Ok(())
    }

    fn name(&self) -> &'static str {
        str::from_utf8(&self.name[1..]).expect("the names of commands are plain")
    }
}

/// Reads a command's body from its front; it was checked to be long enough.
pub(super) struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    /// What follows the name.
    pub(super) fn behind(name: &[u8], body: &'a [u8]) -> Self {
        Self(&body[name.len()..])
    }

    pub(super) fn array<const N: usize>(&mut self) -> &'a [u8; N] {
        let (field, rest) = self.0.split_first_chunk().expect("a command's length was checked on its header");
        self.0 = rest;
        field
    }

    pub(super) fn key(&mut self) -> PublicKey {
        PublicKey::from_bytes(*self.array())
    }

    pub(super) fn counter(&mut self) -> u64 {
        u64::from_be_bytes(*self.array())
    }

    pub(super) fn rest(self) -> &'a [u8] {
        self.0
    }
}

/// Appends a command as a whole frame.
pub(super) fn put_command(out: &mut BytesMut, parts: &[&[u8]]) {
    let header = FrameHeader::command(parts.iter().map(|part| part.len()).sum());
    out.reserve(header.header_len + header.body_len);
    header.encode(out);
    parts.iter().for_each(|part| out.put_slice(part));
}
