//! Commands (RFC 37, "Commands"): the frames between peers that no application sees.

use std::time::Duration;

use bytes::{BufMut, BytesMut};
use thiserror::Error;

use super::frame::FrameHeader;
use crate::limits;

/// A command, borrowed from its frame's body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command<'a> {
    /// Ends a NULL handshake; what it carries is [`Metadata`](super::Metadata).
    Ready(&'a [u8]),
    /// The peer refuses the handshake, for this reason (for people to read).
    Error(&'a [u8]),
    /// From here on send what begins with this topic. 3.1 and later.
    Subscribe(&'a [u8]),
    /// The end of such a subscription. 3.1 and later.
    Cancel(&'a [u8]),
    /// Asks for a PONG. 3.1 and later.
    Ping {
        /// The sender may be taken for dead if it stays silent for so long from now; zero: it says nothing of that.
        /// In tenths of a second on the wire, at most 6,553.5 seconds.
        ttl: Duration,
        /// At most 16 bytes, to be sent back.
        context: &'a [u8],
    },
    /// Answers a PING.
    Pong {
        /// The PING's.
        context: &'a [u8],
    },
    /// Some other command, to be ignored.
    Unknown {
        /// Its name.
        name: &'a [u8],
    },
}

const READY: &[u8] = b"READY";
const ERROR: &[u8] = b"ERROR";
const SUBSCRIBE: &[u8] = b"SUBSCRIBE";
const CANCEL: &[u8] = b"CANCEL";
const PING: &[u8] = b"PING";
const PONG: &[u8] = b"PONG";

impl<'a> Command<'a> {
    /// Reads a command frame's body.
    pub fn decode(body: &'a [u8]) -> Result<Self, CommandError> {
        let (&name_len, rest) = body.split_first().ok_or(CommandError::Empty)?;
        if name_len == 0 {
            return Err(CommandError::Nameless);
        }
        let (name, data) = rest.split_at_checked(usize::from(name_len)).ok_or(CommandError::NameCutShort)?;
        Ok(match name {
            READY => Self::Ready(data),
            ERROR => Self::Error(error_reason(data)?),
            SUBSCRIBE => Self::Subscribe(data),
            CANCEL => Self::Cancel(data),
            PING => {
                let (ttl, context) = data.split_first_chunk().ok_or(CommandError::PingCutShort)?;
                let ttl = Duration::from_millis(u64::from(u16::from_be_bytes(*ttl)) * 100);
                Self::Ping { ttl, context: checked_context(context)? }
            }
            PONG => Self::Pong { context: checked_context(data)? },
            name => Self::Unknown { name },
        })
    }

    /// Appends the command as a whole frame.
    ///
    /// A TTL is rounded up to a tenth of a second and cut to what two bytes hold; an error's reason to 255 bytes.
    pub fn encode(&self, out: &mut BytesMut) {
        let (name, data_len) = match self {
            Self::Ready(data) => (READY, data.len()),
            Self::Error(reason) => (ERROR, 1 + reason.len().min(255)),
            Self::Subscribe(topic) => (SUBSCRIBE, topic.len()),
            Self::Cancel(topic) => (CANCEL, topic.len()),
            Self::Ping { context, .. } => (PING, 2 + context.len()),
            Self::Pong { context } => (PONG, context.len()),
            Self::Unknown { name } => (*name, 0),
        };
        let header = FrameHeader::command(1 + name.len() + data_len);
        out.reserve(header.header_len + header.body_len);
        header.encode(out);
        out.put_u8(
            u8::try_from(name.len()).expect("a command's name was at most 255 bytes when it was decoded"),
        );
        out.put_slice(name);
        match self {
            Self::Ready(data) | Self::Subscribe(data) | Self::Cancel(data) | Self::Pong { context: data } => {
                out.put_slice(data);
            }
            Self::Error(reason) => {
                let reason = &reason[..reason.len().min(255)];
                out.put_u8(u8::try_from(reason.len()).unwrap_or(u8::MAX));
                out.put_slice(reason);
            }
            Self::Ping { ttl, context } => {
                out.put_u16(u16::try_from(ttl.as_millis().div_ceil(100)).unwrap_or(u16::MAX));
                out.put_slice(context);
            }
            Self::Unknown { .. } => {}
        }
    }
}

fn checked_context(context: &[u8]) -> Result<&[u8], CommandError> {
    if context.len() > limits::PING_CONTEXT_BYTES_MAX {
        return Err(CommandError::ContextTooLong(context.len()));
    }
    Ok(context)
}

fn error_reason(data: &[u8]) -> Result<&[u8], CommandError> {
    let (&len, rest) = data.split_first().ok_or(CommandError::ReasonCutShort)?;
    rest.get(..usize::from(len)).ok_or(CommandError::ReasonCutShort)
}

/// Why a command's body is refused. Always the peer's fault; the connection cannot go on.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CommandError {
    /// No body at all.
    #[error("an empty command")]
    Empty,
    /// A name of no bytes.
    #[error("a command without a name")]
    Nameless,
    /// A name that goes on past the body's end.
    #[error("a command whose name is longer than its body")]
    NameCutShort,
    /// A PING without its two bytes of TTL.
    #[error("a PING without a TTL")]
    PingCutShort,
    /// A PING's or PONG's context over 16 bytes.
    #[error("a PING's context of {0} bytes, more than 16")]
    ContextTooLong(usize),
    /// An ERROR whose reason goes on past its end.
    #[error("an ERROR whose reason is longer than its body")]
    ReasonCutShort,
}
