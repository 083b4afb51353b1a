//! The handshake with the NULL mechanism: greetings, then READY both ways (RFC 37, "The NULL Security Mechanism").
//! Bytes in, bytes out; the time limit is the caller's.

use bytes::{Buf, Bytes, BytesMut};
use thiserror::Error;

use super::command::{Command, CommandError};
use super::frame::{FrameError, FrameHeader};
use super::greeting::{GREETING_BYTES, Greeting, GreetingError, Mechanism};
use super::metadata::{Metadata, MetadataError};
use super::socket_type::SocketType;
use super::version::Version;
use crate::limits;

/// What this side is.
#[derive(Clone, Debug)]
pub struct HandshakeConfig {
    /// Our socket type.
    pub socket_type: SocketType,
    /// The name we give ourselves; empty for none, at most 255 bytes, not beginning with a zero.
    pub identity: Bytes,
    /// How the connection is secured.
    pub mechanism: Mechanism,
}

impl HandshakeConfig {
    /// A socket of this type, without a name or security.
    pub fn new(socket_type: SocketType) -> Self {
        Self { socket_type, identity: Bytes::new(), mechanism: Mechanism::Null }
    }
}

/// The peer, as the handshake made it known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Its socket type: one that fits ours.
    pub socket_type: SocketType,
    /// The name it gave itself; empty if none. Nothing proves it, and several peers may give the same.
    pub identity: Bytes,
    /// The ZMTP version it announced.
    pub version: Version,
}

/// How far a handshake has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// More of the peer's bytes are needed.
    NeedMore,
    /// Both sides know each other; the next byte is the first frame's.
    Done(Peer),
}

/// One side of a handshake.
///
/// Send [`take_outgoing`](Self::take_outgoing) at once and after each [`input`](Self::input), an error included (a
/// peer whose socket type does not fit is told so).
#[derive(Debug)]
pub struct Handshake {
    config: HandshakeConfig,
    outgoing: BytesMut,
    greeted: Option<Greeting>,
}

impl Handshake {
    /// Begins: the whole greeting waits to be sent.
    pub fn new(config: HandshakeConfig) -> Self {
        let outgoing = BytesMut::from(&Greeting::ours(config.mechanism).encode()[..]);
        Self { config, outgoing, greeted: None }
    }

    /// The bytes to send now, possibly none.
    pub fn take_outgoing(&mut self) -> Bytes {
        self.outgoing.split().freeze()
    }

    /// Takes what it understands from the front of `bytes`; on [`Progress::Done`] the rest is traffic.
    ///
    /// It never needs more than [`GREETING_BYTES`] and one command of
    /// [`HANDSHAKE_COMMAND_BYTES_MAX`](limits::HANDSHAKE_COMMAND_BYTES_MAX) in `bytes`.
    pub fn input(&mut self, bytes: &mut BytesMut) -> Result<Progress, HandshakeError> {
        let greeting = match self.greeted {
            Some(greeting) => greeting,
            None => {
                let Some(greeting) = Greeting::decode(bytes)? else { return Ok(Progress::NeedMore) };
                bytes.advance(GREETING_BYTES);
                self.greeted = Some(greeting);
                self.send_ready();
                greeting
            }
        };
        let Some(header) = FrameHeader::decode(bytes)? else { return Ok(Progress::NeedMore) };
        if !header.command {
            return Err(HandshakeError::MessageTooSoon);
        }
        let max = limits::HANDSHAKE_COMMAND_BYTES_MAX;
        if header.body_len > max {
            return Err(FrameError::CommandTooLarge { declared: header.body_len, max }.into());
        }
        let frame_len = header.header_len + header.body_len;
        if bytes.len() < frame_len {
            return Ok(Progress::NeedMore);
        }
        let frame = bytes.split_to(frame_len);
        let metadata = ready(&frame[header.header_len..])?;
        self.welcome(metadata, greeting.version).map(Progress::Done)
    }

    fn send_ready(&mut self) {
        let metadata =
            Metadata { socket_type: self.config.socket_type, identity: self.config.identity.clone() };
        let mut data = BytesMut::new();
        metadata.encode(&mut data);
        Command::Ready(&data).encode(&mut self.outgoing);
    }

    fn welcome(&mut self, metadata: Metadata, version: Version) -> Result<Peer, HandshakeError> {
        let Metadata { socket_type, identity } = metadata;
        if self.config.socket_type.is_compatible(socket_type) {
            return Ok(Peer { socket_type, identity, version });
        }
        let error = HandshakeError::Incompatible { ours: self.config.socket_type, theirs: socket_type };
        Command::Error(b"Invalid socket type").encode(&mut self.outgoing);
        Err(error)
    }
}

fn ready(body: &[u8]) -> Result<Metadata, HandshakeError> {
    match Command::decode(body)? {
        Command::Ready(data) => Ok(Metadata::decode(data)?),
        Command::Error(reason) => Err(HandshakeError::RefusedByPeer(reason.escape_ascii().to_string())),
        Command::Subscribe(_)
        | Command::Cancel(_)
        | Command::Ping { .. }
        | Command::Pong { .. }
        | Command::Unknown { .. } => Err(HandshakeError::CommandTooSoon),
    }
}

/// Why a handshake failed. The connection is to be closed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum HandshakeError {
    /// The peer speaks something else, something older, or another mechanism.
    #[error(transparent)]
    Greeting(#[from] GreetingError),
    /// Not a well-formed frame, or too large a one.
    #[error("during the handshake, {0}")]
    Frame(#[from] FrameError),
    /// Not a well-formed command.
    #[error("during the handshake, {0}")]
    Command(#[from] CommandError),
    /// The peer's READY is malformed.
    #[error("in the peer's READY, {0}")]
    Metadata(#[from] MetadataError),
    /// A message before READY.
    #[error("the peer sent a message before its READY")]
    MessageTooSoon,
    /// Another command before READY.
    #[error("the peer sent another command before its READY")]
    CommandTooSoon,
    /// The peer sent an ERROR, with this reason.
    #[error("the peer refused the connection: {0}")]
    RefusedByPeer(String),
    /// The two socket types do not fit.
    #[error("a {theirs} socket does not fit this {ours} socket; is the endpoint right?")]
    Incompatible {
        /// This side's.
        ours: SocketType,
        /// The peer's.
        theirs: SocketType,
    },
}
