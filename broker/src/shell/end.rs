//! Why a connection ends, and what is said of it.

use std::fmt;
use std::io;
use std::time::Instant;

use recado_zmtp::codec::{CommandError, FrameError};
use recado_zmtp::curve::ChannelError;
use thiserror::Error;

use crate::guarded::Closing;
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
    #[error(transparent)]
    Channel(#[from] ChannelError),
    #[error("its key is not known any more")]
    Revoked,
    #[error("the publisher does not read the subscriptions that it is told of")]
    Deaf,
}

impl End {
    /// What an error of the stream comes to: the peer's fault where something sealed does not open.
    pub(super) fn of_stream(error: &io::Error) -> End {
        ChannelError::of(error).map_or(End::Left, |error| End::Channel(error.clone()))
    }
}

impl From<Closing> for End {
    fn from(closing: Closing) -> End {
        match closing {
            Closing::Revoked => End::Revoked,
            Closing::Subscription(error) => End::Subscription(error),
        }
    }
}

impl Shared {
    /// Counts why a connection ended, and says so if it is the peer's fault.
    pub(super) fn ended(&self, end: &End, peer: impl fmt::Display) {
        match end {
            End::Left | End::Stopped => {}
            End::Silent => self.counters.closed_silent.add(1),
            End::Revoked => {
                self.counters.expelled.add(1);
                self.workers.refused.say("connection closed", peer, end, Instant::now());
            }
            End::Slow
            | End::Frame(_)
            | End::Command(_)
            | End::Subscription(_)
            | End::InboundFull(_)
            | End::Channel(_)
            | End::Deaf => {
                self.counters.closed_at_fault.add(1);
                self.workers.faults.say("connection closed", peer, end, Instant::now());
            }
        }
    }
}
