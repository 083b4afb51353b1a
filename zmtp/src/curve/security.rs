//! How a socket's connections are secured.

use super::keys::{KeyPair, PublicKey};
use crate::codec::Mechanism;

/// How a socket's connections are secured. In CURVE one side is the server, whose key the other knows beforehand; which of them
/// listens does not matter.
#[derive(Clone, Debug, Default)]
pub enum Security {
    /// Not at all.
    #[default]
    Null,
    /// Not at all, and whoever is at the other end counts as having this key, though nothing proves it. For listeners that only those
    /// reach whom this may be believed of.
    NullAs(PublicKey),
    /// CURVE, and this side's key is what the others know.
    CurveServer(KeyPair),
    /// CURVE, with a server that proves to have this key.
    CurveClient {
        /// Ours, which the server is shown.
        keys: KeyPair,
        /// The server's.
        server: PublicKey,
    },
}

impl Security {
    /// What a greeting names.
    pub fn mechanism(&self) -> Mechanism {
        match self {
            Self::Null | Self::NullAs(_) => Mechanism::Null,
            Self::CurveServer(_) | Self::CurveClient { .. } => Mechanism::Curve,
        }
    }

    /// Whether this side is CURVE's server.
    pub fn is_server(&self) -> bool {
        match self {
            Self::CurveServer(_) => true,
            Self::Null | Self::NullAs(_) | Self::CurveClient { .. } => false,
        }
    }
}
