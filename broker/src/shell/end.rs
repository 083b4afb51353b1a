//! Why a connection ends, and what is said of it.

use std::fmt;
use std::io;
use std::time::Instant;

use recado_zmtp::codec::{CommandError, FrameError};
use thiserror::Error;

use crate::hub::SubscriptionError;
use crate::shell::shared::Shared;

/// Why a connection is closed.
#[derive(Debug, Error)]
pub(super) enum End {
    /// The peer closed it, or the line broke.
    #[error("the peer left")]
    Left,
    /// The broker ends.
    #[error("the broker ends")]
    Stopped,
    #[error("the peer fell silent")]
    Silent,
    /// Its key was let in, and is no longer.
    #[error("its key is no longer a user's")]
    Expelled,
    /// It is no other's fault, but what it sent cannot be opened.
    #[error("{0}")]
    Sealed(io::Error),
    #[error("the subscriber did not keep up")]
    Slow,
    #[error(transparent)]
    Frame(#[from] FrameError),
    #[error(transparent)]
    Command(#[from] CommandError),
    #[error(transparent)]
    Subscription(#[from] SubscriptionError),
    #[error("all unfinished messages together pass {0} bytes")]
    InboundFull(usize),
    #[error("the publisher does not read the subscriptions that it is told of")]
    Deaf,
}

impl From<io::Error> for End {
    fn from(error: io::Error) -> End {
        match error.kind() {
            io::ErrorKind::InvalidData => End::Sealed(error),
            _ => End::Left,
        }
    }
}

impl Shared {
    /// Counts why a connection ended, and says so if it is the peer's fault.
    pub(super) fn ended(&self, end: &End, peer: impl fmt::Display) {
        match end {
            End::Left | End::Stopped => {}
            End::Expelled => self.counters.expelled.add(1),
            End::Silent => self.counters.closed_silent.add(1),
            End::Slow
            | End::Sealed(_)
            | End::Frame(_)
            | End::Command(_)
            | End::Subscription(_)
            | End::InboundFull(_)
            | End::Deaf => {
                self.counters.closed_at_fault.add(1);
                self.workers.faults.say("connection closed", peer, end, Instant::now());
            }
        }
    }
}
