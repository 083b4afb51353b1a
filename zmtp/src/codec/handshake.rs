//! The handshake: greetings, then what the mechanism wants: READY both ways with NULL (RFC 37, "The NULL Security Mechanism"), HELLO,
//! WELCOME, INITIATE and READY with CURVE (RFC 26). Bytes in, bytes out; the time limit is the caller's, and so is it to say whose key
//! is welcome.

use std::fmt;

use bytes::{Buf, Bytes, BytesMut};
use thiserror::Error;
use zeroize::Zeroizing;

use super::command::{Command, CommandError};
use super::frame::{FrameError, FrameHeader};
use super::greeting::{GREETING_BYTES, Greeting, GreetingError, Mechanism};
use super::metadata::{Metadata, MetadataError};
use super::socket_type::SocketType;
use super::splitter::MessageLimits;
use super::version::Version;
use crate::curve::{
    Channel, ClientSide, CurveError, PublicKey, RANDOM_BYTES, Security, ServerSide, fill_with_randomness,
    invitation,
};
use crate::limits;

/// What this side is.
#[derive(Clone, Debug)]
pub struct HandshakeConfig {
    /// Our socket type.
    pub socket_type: SocketType,
    /// The name we give ourselves; empty for none, at most 255 bytes, not beginning with a zero.
    pub identity: Bytes,
    /// How the connection is secured.
    pub security: Security,
    /// Bytes of a frame's body after the handshake, where frames are sealed: a longer one is refused before it is opened. What the
    /// frames of a message may have together is checked afterwards, as without security.
    pub frame_bytes_max: usize,
}

impl HandshakeConfig {
    /// A socket of this type, without a name or security.
    pub fn new(socket_type: SocketType) -> Self {
        Self {
            socket_type,
            identity: Bytes::new(),
            security: Security::Null,
            frame_bytes_max: MessageLimits::default().frame_bytes_max(),
        }
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
    /// The long-term key that it has proved to have, or counts as having ([`Security::NullAs`]); none without security.
    pub key: Option<PublicKey>,
}

/// How far a handshake has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// More of the peer's bytes are needed.
    NeedMore,
    /// [`compute`](Handshake::compute) is to be called: it takes a tenth of a millisecond or two, so not where others wait.
    Compute,
    /// The peer has proved that it has this key, or counts as having it: [`admit`](Handshake::admit) is to be called with whether it is
    /// welcome.
    Admit(PublicKey),
    /// Both sides know each other; the next byte is the first frame's.
    Done(Peer),
}

/// Whether a peer is let in that has proved which key it has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Welcome {
    /// It is.
    Yes,
    /// Its key is not welcome. It is told `400`, as ZAP (RFC 27) has it; a client of libzmq's does not come again.
    No,
    /// Not now, for this reason. It is told nothing and its connection closed, as with ZAP's `300`: every client comes again by itself.
    NotNow(String),
}

/// One side of a handshake.
///
/// Send [`take_outgoing`](Self::take_outgoing) at once and after each step, an error included (a peer whose socket type does not fit
/// is told so).
pub struct Handshake {
    config: HandshakeConfig,
    outgoing: BytesMut,
    greeted: Option<Greeting>,
    side: Side,
    /// CURVE's, when it is done.
    channel: Option<Channel>,
}

/// The mechanism, and our part in it.
enum Side {
    Null,
    /// Without security, as one who counts as having a key: what its READY said, once it has come.
    NullAs(PublicKey, Option<Bytes>),
    Server(Box<ServerSide>, ServerStep),
    Client(Box<ClientSide>, ClientStep),
}

enum ServerStep {
    Waiting,
    Computing,
    Admitting { key: PublicKey, metadata: Vec<u8> },
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum ClientStep {
    Waiting,
    Computing,
}

impl fmt::Debug for Handshake {
    /// Never what is secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handshake")
            .field("config", &self.config)
            .field("greeted", &self.greeted)
            .finish_non_exhaustive()
    }
}

impl Handshake {
    /// Begins: the whole greeting waits to be sent. Where keys are needed for this connection alone, they are made of the system's
    /// randomness.
    pub fn new(config: HandshakeConfig) -> Self {
        let mut random = Zeroizing::new([0; RANDOM_BYTES]);
        match config.security {
            Security::Null | Security::NullAs(_) => {}
            Security::CurveServer(_) | Security::CurveClient { .. } => fill_with_randomness(&mut *random),
        }
        Self::with_random(config, random)
    }

    /// As [`new`](Self::new), with randomness that is known: the same gives the same bytes.
    pub(crate) fn with_random(config: HandshakeConfig, random: Zeroizing<[u8; RANDOM_BYTES]>) -> Self {
        let greeting = Greeting::ours(config.security.mechanism(), config.security.is_server());
        let outgoing = BytesMut::from(&greeting.encode()[..]);
        let side = match &config.security {
            Security::Null => Side::Null,
            Security::NullAs(key) => Side::NullAs(*key, None),
            Security::CurveServer(keys) => {
                Side::Server(Box::new(ServerSide::new(keys.clone(), random)), ServerStep::Waiting)
            }
            Security::CurveClient { keys, server } => {
                let client = ClientSide::new(keys.clone(), *server, random);
                Side::Client(Box::new(client), ClientStep::Computing)
            }
        };
        Self { config, outgoing, greeted: None, side, channel: None }
    }

    /// Whether strangers may make this side compute: it is CURVE's server.
    pub(crate) fn is_server(&self) -> bool {
        self.config.security.is_server()
    }

    /// The bytes to send now, possibly none.
    pub fn take_outgoing(&mut self) -> Bytes {
        self.outgoing.split().freeze()
    }

    /// What seals the connection, after [`Progress::Done`] with CURVE; none without, or when it was taken.
    pub fn take_channel(&mut self) -> Option<Channel> {
        self.channel.take()
    }

    /// Takes what it understands from the front of `bytes`; on [`Progress::Done`] the rest is traffic.
    ///
    /// It never needs more than [`GREETING_BYTES`] and one command of
    /// [`HANDSHAKE_COMMAND_BYTES_MAX`](limits::HANDSHAKE_COMMAND_BYTES_MAX) in `bytes`.
    pub fn input(&mut self, bytes: &mut BytesMut) -> Result<Progress, HandshakeError> {
        if self.greeted.is_none() {
            let Some(greeting) = Greeting::decode(bytes)? else { return Ok(Progress::NeedMore) };
            bytes.advance(GREETING_BYTES);
            self.greeted = Some(greeting);
            self.greet(greeting.mechanism)?;
        }
        match &self.side {
            Side::Null
            | Side::NullAs(_, None)
            | Side::Server(_, ServerStep::Waiting)
            | Side::Client(_, ClientStep::Waiting) => {}
            Side::Server(_, ServerStep::Computing) | Side::Client(_, ClientStep::Computing) => {
                return Ok(Progress::Compute);
            }
            Side::Server(_, ServerStep::Admitting { key, .. }) | Side::NullAs(key, Some(_)) => {
                return Ok(Progress::Admit(*key));
            }
        }
        let Some(header) = FrameHeader::decode(bytes)? else { return Ok(Progress::NeedMore) };
        self.foresee(&header, &bytes[header.header_len..])?;
        let frame_len = header.header_len + header.body_len;
        if bytes.len() < frame_len {
            return Ok(Progress::NeedMore);
        }
        let body = bytes.split_to(frame_len).freeze().slice(header.header_len..);
        self.command(body)
    }

    /// The peer's greeting is there: begins with the mechanism.
    fn greet(&mut self, theirs: Mechanism) -> Result<(), HandshakeError> {
        let ours = self.config.security.mechanism();
        if ours != theirs {
            if let Security::CurveServer(keys) = &self.config.security {
                Command::Error(invitation(&keys.public()).as_bytes()).encode(&mut self.outgoing);
            }
            return Err(HandshakeError::Mechanism { ours, theirs });
        }
        match self.side {
            Side::Null => Command::Ready(&self.metadata()).encode(&mut self.outgoing),
            // It is told once it is let in, as ZAP (RFC 27) has it with NULL, too.
            Side::NullAs(..) | Side::Server(..) | Side::Client(..) => {}
        }
        Ok(())
    }

    /// Refuses a command as soon as its header, or the beginning of its name, shows that it cannot be the one that is due.
    fn foresee(&self, header: &FrameHeader, begin: &[u8]) -> Result<(), HandshakeError> {
        if !header.command {
            return Err(HandshakeError::MessageTooSoon);
        }
        let max = limits::HANDSHAKE_COMMAND_BYTES_MAX;
        if header.body_len > max {
            return Err(FrameError::CommandTooLarge { declared: header.body_len, max }.into());
        }
        let begin = &begin[..begin.len().min(header.body_len)];
        match &self.side {
            Side::Null | Side::NullAs(..) => {}
            Side::Server(server, _) => server.expected()?.check(header.body_len, begin)?,
            // The server may refuse instead, with an ERROR.
            Side::Client(_, _) if ERROR.starts_with(&begin[..begin.len().min(ERROR.len())]) => {}
            Side::Client(client, _) => client.expected()?.check(header.body_len, begin)?,
        }
        Ok(())
    }

    /// A whole command came.
    fn command(&mut self, body: Bytes) -> Result<Progress, HandshakeError> {
        match &mut self.side {
            Side::Null => self.welcome(Metadata::decode(ready(&body)?)?, None).map(Progress::Done),
            Side::NullAs(key, said) => {
                *said = Some(body.slice_ref(ready(&body)?));
                Ok(Progress::Admit(*key))
            }
            Side::Server(server, step) => {
                server.received(body)?;
                *step = ServerStep::Computing;
                Ok(Progress::Compute)
            }
            Side::Client(_, _) if body.starts_with(ERROR) => Err(refusal(&body)),
            Side::Client(client, step) => {
                // An ERROR cut short was let through so far.
                client.expected()?.check(body.len(), &body)?;
                if !client.received(body)? {
                    *step = ClientStep::Computing;
                    return Ok(Progress::Compute);
                }
                let key = client.server();
                let (metadata, channel) = client.finish(self.config.frame_bytes_max)?;
                let peer = self.welcome(Metadata::decode(&metadata)?, Some(key))?;
                self.channel = Some(channel);
                Ok(Progress::Done(peer))
            }
        }
    }

    /// Does the arithmetic that [`Progress::Compute`] asks for; without that, nothing.
    pub fn compute(&mut self) -> Result<Progress, HandshakeError> {
        let metadata = self.metadata();
        match &mut self.side {
            Side::Server(server, step @ ServerStep::Computing) => {
                let Some(proof) = server.compute(&mut self.outgoing)? else {
                    *step = ServerStep::Waiting;
                    return Ok(Progress::NeedMore);
                };
                *step = ServerStep::Admitting { key: proof.key, metadata: proof.metadata };
                Ok(Progress::Admit(proof.key))
            }
            Side::Client(client, step @ ClientStep::Computing) => {
                client.compute(&metadata, &mut self.outgoing)?;
                *step = ClientStep::Waiting;
                Ok(Progress::NeedMore)
            }
            Side::Server(_, ServerStep::Admitting { key, .. }) | Side::NullAs(key, Some(_)) => {
                Ok(Progress::Admit(*key))
            }
            Side::Null
            | Side::NullAs(_, None)
            | Side::Server(_, ServerStep::Waiting)
            | Side::Client(_, ClientStep::Waiting) => Ok(Progress::NeedMore),
        }
    }

    /// Whether the peer, which is a server, has seen which key this side has: what it does from then on has to do with that.
    pub(crate) fn has_shown_key(&self) -> bool {
        match &self.side {
            Side::Client(client, _) => client.has_shown_key(),
            Side::Null | Side::NullAs(..) | Side::Server(..) => false,
        }
    }

    /// Whether the peer has said anything.
    pub(crate) fn has_heard(&self) -> bool {
        self.greeted.is_some()
    }

    /// Says whether the peer of [`Progress::Admit`] is let in; without that, nothing. Who has a key and is not
    /// is told `400`, as ZAP (RFC 27) has it; who has none finds the connection closed.
    pub fn admit(&mut self, welcome: Welcome) -> Result<Progress, HandshakeError> {
        let Some((key, metadata)) = self.side.take_admitting() else { return Ok(Progress::NeedMore) };
        match welcome {
            Welcome::Yes => {}
            Welcome::No => {
                match self.side {
                    // At an ERROR libzmq gives up for good and tells nobody; after a mere end it comes back, until it is welcome.
                    Side::NullAs(..) => {}
                    Side::Null | Side::Server(..) | Side::Client(..) => {
                        Command::Error(NOT_ADMITTED).encode(&mut self.outgoing);
                    }
                }
                return Err(HandshakeError::NotAdmitted(key));
            }
            Welcome::NotNow(reason) => return Err(HandshakeError::NotNow(reason)),
        }
        let peer = self.welcome(Metadata::decode(&metadata)?, Some(key))?;
        let ours = self.metadata();
        match &mut self.side {
            Side::Server(server, _) => {
                self.channel = Some(server.ready(&ours, self.config.frame_bytes_max, &mut self.outgoing)?);
            }
            Side::Null | Side::NullAs(..) | Side::Client(..) => {
                Command::Ready(&ours).encode(&mut self.outgoing);
            }
        }
        Ok(Progress::Done(peer))
    }

    /// What we say of ourselves.
    fn metadata(&self) -> BytesMut {
        let metadata =
            Metadata { socket_type: self.config.socket_type, identity: self.config.identity.clone() };
        let mut data = BytesMut::new();
        metadata.encode(&mut data);
        data
    }

    fn welcome(&mut self, metadata: Metadata, key: Option<PublicKey>) -> Result<Peer, HandshakeError> {
        let Metadata { socket_type, identity } = metadata;
        let version = self.greeted.map_or(Version::OURS, |greeting| greeting.version);
        if self.config.socket_type.is_compatible(socket_type) {
            return Ok(Peer { socket_type, identity, version, key });
        }
        let error = HandshakeError::Incompatible { ours: self.config.socket_type, theirs: socket_type };
        Command::Error(b"Invalid socket type").encode(&mut self.outgoing);
        Err(error)
    }
}

impl Side {
    /// Who waits to be let in, and what its READY said.
    fn take_admitting(&mut self) -> Option<(PublicKey, Bytes)> {
        match self {
            Side::NullAs(key, said) => Some((*key, said.take()?)),
            Side::Server(_, step) => match std::mem::replace(step, ServerStep::Waiting) {
                ServerStep::Admitting { key, metadata } => Some((key, metadata.into())),
                other @ (ServerStep::Waiting | ServerStep::Computing) => {
                    *step = other;
                    None
                }
            },
            Side::Null | Side::Client(..) => None,
        }
    }
}

/// What an ERROR's body begins with.
const ERROR: &[u8] = b"\x05ERROR";

/// The reason that a client is given whose key is not welcome.
const NOT_ADMITTED: &[u8] = b"400";

fn refusal(body: &[u8]) -> HandshakeError {
    match Command::decode(body) {
        Ok(Command::Error(NOT_ADMITTED)) => HandshakeError::KeyRefusedByPeer,
        Ok(Command::Error(reason)) => HandshakeError::RefusedByPeer(reason.escape_ascii().to_string()),
        Ok(
            Command::Ready(_)
            | Command::Subscribe(_)
            | Command::Cancel(_)
            | Command::Ping { .. }
            | Command::Pong { .. }
            | Command::Unknown { .. },
        ) => HandshakeError::CommandTooSoon,
        Err(error) => error.into(),
    }
}

fn ready(body: &[u8]) -> Result<&[u8], HandshakeError> {
    match Command::decode(body)? {
        Command::Ready(data) => Ok(data),
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
    /// The peer speaks something else, something older, or a mechanism that is unknown.
    #[error(transparent)]
    Greeting(#[from] GreetingError),
    /// The two name different mechanisms.
    #[error("the peer wants the security mechanism {theirs}; this socket has {ours}")]
    Mechanism {
        /// This side's.
        ours: Mechanism,
        /// The peer's.
        theirs: Mechanism,
    },
    /// CURVE's own.
    #[error(transparent)]
    Curve(#[from] CurveError),
    /// The peer has this key, and it is not welcome.
    #[error("the peer's key {0} is not admitted here")]
    NotAdmitted(PublicKey),
    /// The peer's key is welcome, but not now.
    #[error("{0}")]
    NotNow(String),
    /// Not a well-formed frame, or too large a one.
    #[error("during the handshake, {0}")]
    Frame(#[from] FrameError),
    /// Not a well-formed command.
    #[error("during the handshake, {0}")]
    Command(#[from] CommandError),
    /// The peer's READY is malformed, or its INITIATE.
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
    /// The peer sent an ERROR that says that this side's key is not welcome.
    #[error("the peer does not admit this key")]
    KeyRefusedByPeer,
    /// The two socket types do not fit.
    #[error("a {theirs} socket does not fit this {ours} socket; is the endpoint right?")]
    Incompatible {
        /// This side's.
        ours: SocketType,
        /// The peer's.
        theirs: SocketType,
    },
}
