//! What sending can run into. Errors of binding and connecting are [`transport`](crate::transport)'s.

use thiserror::Error;

/// Why [`Router::send`](crate::Router::send) did not take a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SendError {
    /// The peer is not connected, or no longer.
    #[error("the peer is not connected")]
    Unreachable,
    /// The peer takes its messages too slowly: its queue is full.
    #[error("the peer's send queue is full")]
    QueueFull,
}

/// The socket is being closed: it takes no further messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the socket is closed")]
pub struct Closed;
