//! Why listening, connecting or establishing failed, and what to do about it.

use std::io;

use thiserror::Error;

use super::arithmetic::NotDone;
use crate::codec::{GreetingError, HandshakeError};
use crate::endpoint::Endpoint;

/// A socket cannot listen.
#[derive(Debug, Error)]
#[error("cannot listen on {endpoint}: {fault}")]
pub struct BindError {
    /// Where.
    pub endpoint: Endpoint,
    /// Why, and what to do.
    #[source]
    pub fault: BindFault,
}

/// Why a socket cannot listen.
#[derive(Debug, Error)]
pub enum BindFault {
    /// Another program has the port.
    #[error("the port is in use; stop the program that listens there or choose another port")]
    PortInUse,
    /// Another program listens on the socket file.
    #[error("another program listens there; stop it or choose another path")]
    PathInUse,
    /// What lies at the path is something else.
    #[error("the file there is not a socket; choose another path")]
    NotASocket,
    /// The path's folder is missing.
    #[error("the folder does not exist; create it or choose another path")]
    NoFolder,
    /// The system does not allow the port.
    #[error("permission denied; choose a port above 1023 or run with the right to use this one")]
    PortForbidden,
    /// The system does not allow the path.
    #[error("permission denied; choose a path in a folder that this user may write to")]
    PathForbidden,
    /// The address belongs to another machine.
    #[error("this machine has no such address; use one of its own, 127.0.0.1 or `*`")]
    NotOurs,
    /// The name does not resolve.
    #[error("the name does not resolve ({0}); check its spelling or use an address")]
    UnknownName(io::Error),
    /// Anything else.
    #[error(transparent)]
    Other(io::Error),
}

/// A connection could not be made.
#[derive(Debug, Error)]
pub enum ConnectError {
    /// `*` and port 0 are for listening.
    #[error("`*` and port 0 are for listening; name a host and a port")]
    Wildcard,
    /// The name does not resolve.
    #[error("the name does not resolve ({0})")]
    UnknownName(io::Error),
    /// The system's word: refused, unreachable, no such file.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// A connection was made, but no handshake.
#[derive(Debug, Error)]
pub enum EstablishError {
    /// The peer's fault, or the two do not fit.
    #[error(transparent)]
    Handshake(#[from] HandshakeError),
    /// The handshake took longer than it may.
    #[error("the handshake took too long")]
    TimedOut,
    /// The peer closed the connection first.
    #[error("the peer closed the connection during the handshake")]
    Closed,
    /// The peer closed the connection without having said anything.
    #[error("the peer closed the connection before it said anything")]
    Unheard,
    /// The peer closed the connection when it had seen this side's key: as ZAP's `300` has it, it may be tried again later.
    #[error("the peer takes no further connection with this key for now")]
    NotNow,
    /// Too many connections of this address wait for their handshake.
    #[error("too many handshakes under way")]
    Crowded,
    /// More handshakes than may wait for the thread that computes them.
    #[error("too many handshakes wait for their keys")]
    Busy,
    /// The connection broke.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl From<NotDone> for EstablishError {
    fn from(error: NotDone) -> Self {
        match error {
            NotDone::Busy => Self::Busy,
            NotDone::NoThread(error) => Self::Io(error),
        }
    }
}

/// Nobody could be asked how it takes connections.
#[derive(Debug, Error)]
pub enum AskError {
    /// No connection.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// What listens there does not speak ZMTP 3.
    #[error(transparent)]
    Greeting(#[from] GreetingError),
    /// It closed the connection before it had said how it is secured. Where libzmq wants keys, it does so.
    #[error(
        "the peer closed the connection without saying how it is secured; a secured one of other programs does so"
    )]
    Closed,
    /// It took longer than it may.
    #[error("no answer in time")]
    TimedOut,
    /// The connection broke.
    #[error(transparent)]
    Io(#[from] io::Error),
}
