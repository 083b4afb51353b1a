//! Why a connection ends, and what is said of it.

use std::fmt;
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

impl Shared {
    /// Counts why a connection ended, and says so if it is the peer's fault.
    pub(super) fn ended(&self, end: &End, peer: impl fmt::Display) {
        match end {
            End::Left | End::Stopped => {}
            End::Silent => self.counters.closed_silent.add(1),
            End::Slow
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
