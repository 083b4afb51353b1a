//! What happens to a socket's connections, told to whoever listens.

use std::time::Duration;

use bytes::Bytes;

use crate::endpoint::Endpoint;
use crate::peer::PeerId;
use crate::transport::PeerAddress;

/// Something happened to a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SocketEvent {
    /// The endpoint listened on or connected to.
    pub endpoint: Endpoint,
    /// The peer's address, once there is one.
    pub address: Option<PeerAddress>,
    /// What happened.
    pub kind: SocketEventKind,
}

/// What happened to a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SocketEventKind {
    /// We connected, and the handshake is done.
    Connected {
        /// The connection's number in this socket.
        peer: PeerId,
        /// The name the peer gives itself; empty if none.
        identity: Bytes,
    },
    /// A peer connected to us, and the handshake is done.
    Accepted {
        /// The connection's number in this socket.
        peer: PeerId,
        /// The name the peer gives itself; empty if none.
        identity: Bytes,
    },
    /// A connection ended.
    Disconnected {
        /// The connection's number in this socket.
        peer: PeerId,
        /// Why, for people to read.
        reason: String,
    },
    /// An attempt to connect failed, or its handshake.
    ConnectFailed {
        /// Why, for people to read.
        error: String,
        /// When the next attempt follows.
        retry_in: Duration,
        /// Whether the peer has said that our key is not welcome.
        is_refusal: bool,
    },
    /// A connection to us was closed before or during its handshake.
    Refused {
        /// Why, for people to read.
        reason: String,
    },
    /// The system refuses to accept connections for the moment.
    AcceptFailed {
        /// Why, for people to read.
        error: String,
    },
}
