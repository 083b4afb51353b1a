//! What is kept of secrets: hashes.

use std::fmt::{self, Debug, Formatter};
use std::sync::Arc;

use blake2::{Blake2b256, Digest};
use recado_proto::JoinCode;
use subtle::{Choice, ConstantTimeEq};

/// The BLAKE2b hash (RFC 7693, 256 bits) of a code to join with. A code has 80 random bits, so nobody comes from its hash to it
/// by trying, and it needs no salt.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CodeHash([u8; 32]);

/// A password's argon2id hash as a PHC string, which names its parameters and its salt. Cheap to clone.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(Arc<str>);

impl CodeHash {
    /// The hash of a code.
    pub fn of(code: &JoinCode) -> Self {
        Self(Blake2b256::digest(code.as_str()).into())
    }

    /// A hash as it was kept.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Whether it is the same, in a time that says nothing of where they differ.
    pub(super) fn is(&self, other: &Self) -> Choice {
        self.0.ct_eq(&other.0)
    }
}

impl PasswordHash {
    /// A PHC string as it was made by [`password::hash`](super::password::hash), or as it was kept.
    pub fn from_phc(text: &str) -> Self {
        Self(Arc::from(text))
    }

    /// The PHC string.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Debug for CodeHash {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("CodeHash(…)")
    }
}

impl Debug for PasswordHash {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(…)")
    }
}
