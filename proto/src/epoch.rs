//! The store's generation. It does not know when a store was restored.

use std::fmt::{self, Display, Formatter};

use thiserror::Error;

use crate::limits::COUNTER_MAX;

/// Changes when a store was restored or lost its tail: places (`seq`) of different epochs say nothing of each other.
/// At most 2^53 - 1, so that every language can hold it. Epochs have no order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Epoch(u64);

/// The number is above [`COUNTER_MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("an epoch is at most {COUNTER_MAX}")]
pub struct EpochError;

impl Epoch {
    /// This number, if it is within the bound.
    pub const fn new(number: u64) -> Result<Self, EpochError> {
        if number > COUNTER_MAX { Err(EpochError) } else { Ok(Self(number)) }
    }

    /// An epoch from 64 random bits, of which it takes 53.
    pub const fn from_random(bits: u64) -> Self {
        Self(bits & COUNTER_MAX)
    }

    /// The number.
    pub const fn as_u64(self) -> u64 {
        self.0
    }
}

impl Display for Epoch {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        Display::fmt(&self.0, f)
    }
}
