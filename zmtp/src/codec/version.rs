//! ZMTP's versions and what depends on them.

use std::fmt;

/// A version of ZMTP as a greeting announces it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// 3 is ours; a later one must go on as 3 with us.
    pub major: u8,
    /// 0: subscriptions are messages, and there are no heartbeats; 1: both are commands.
    pub minor: u8,
}

impl Version {
    /// What this crate speaks.
    pub const OURS: Self = Self { major: 3, minor: 1 };

    /// Whether the peer knows the commands of 3.1: SUBSCRIBE, CANCEL, PING and PONG.
    pub fn has_commands(self) -> bool {
        self >= Self::OURS
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}
