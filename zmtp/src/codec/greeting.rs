//! The greeting (RFC 37, "Greeting"): 64 bytes each way before anything else.

use thiserror::Error;

use super::version::Version;

/// Bytes of a greeting.
pub const GREETING_BYTES: usize = 64;

/// The security mechanism that both sides must name alike.
///
/// CURVE will be another; nothing else in this crate assumes that there is one only, except that with NULL a message
/// travels in the clear, and so may be forwarded byte for byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Mechanism {
    /// No security: READY both ways.
    #[default]
    Null,
}

impl Mechanism {
    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Null => "NULL",
        }
    }
}

/// What a peer says first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Greeting {
    /// The version of ZMTP it speaks.
    pub version: Version,
    /// The mechanism it names.
    pub mechanism: Mechanism,
}

const VERSION_AT: usize = 10;
const MECHANISM_AT: usize = 12;
const MECHANISM_BYTES: usize = 20;

impl Greeting {
    /// What this crate announces.
    pub fn ours(mechanism: Mechanism) -> Self {
        Self { version: Version::OURS, mechanism }
    }

    /// The 64 bytes. The padding's eighth byte is 1, as libzmq sends it: a ZMTP 1.0 peer takes the ten bytes for a
    /// frame's header and waits, instead of misreading us.
    pub fn encode(&self) -> [u8; GREETING_BYTES] {
        let mut bytes = [0; GREETING_BYTES];
        (bytes[0], bytes[8], bytes[9]) = (0xFF, 1, 0x7F);
        (bytes[VERSION_AT], bytes[VERSION_AT + 1]) = (self.version.major, self.version.minor);
        let name = self.mechanism.as_str().as_bytes();
        bytes[MECHANISM_AT..MECHANISM_AT + name.len()].copy_from_slice(name);
        bytes
    }

    /// Reads the greeting at the front of `bytes`; `None` asks for more of them. What is wrong is said at the first
    /// byte that shows it: an older peer may never send 64.
    ///
    /// Padding, filler and `as-server` (which libzmq leaves 0 on both sides) are ignored.
    pub fn decode(bytes: &[u8]) -> Result<Option<Self>, GreetingError> {
        if let Some(&first) = bytes.first()
            && first != 0xFF
        {
            return Err(GreetingError::NotZmtp(first));
        }
        if bytes.get(9).is_some_and(|last| last & 1 == 0) {
            return Err(GreetingError::Unversioned);
        }
        let Some(&major) = bytes.get(VERSION_AT) else { return Ok(None) };
        if major < Version::OURS.major {
            return Err(GreetingError::TooOld(major));
        }
        let Some(greeting) = bytes.first_chunk::<GREETING_BYTES>() else { return Ok(None) };
        let version = Version { major, minor: greeting[VERSION_AT + 1] };
        let name = &greeting[MECHANISM_AT..MECHANISM_AT + MECHANISM_BYTES];
        let name = &name[..name.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1)];
        if name != Mechanism::Null.as_str().as_bytes() {
            return Err(GreetingError::Mechanism(name.escape_ascii().to_string()));
        }
        Ok(Some(Self { version, mechanism: Mechanism::Null }))
    }
}

/// Why a peer's first bytes end the connection. Always the peer's fault, or that of who set the two up.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum GreetingError {
    /// The first byte is not `FF`: some other protocol.
    #[error("the peer does not speak ZMTP: its first byte is {0:#04x}")]
    NotZmtp(u8),
    /// Bit 0 of the tenth byte is clear: ZMTP 1.0, which has no greeting.
    #[error("the peer speaks ZMTP 1.0; 3.0 or later is needed")]
    Unversioned,
    /// A major version below 3.
    #[error("the peer speaks ZMTP {0}.x; 3.0 or later is needed")]
    TooOld(u8),
    /// Not the mechanism expected here.
    #[error("the peer wants the security mechanism {0:?}; this socket has NULL")]
    Mechanism(String),
}
