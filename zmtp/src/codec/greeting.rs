//! The greeting (RFC 37, "Greeting"): 64 bytes each way before anything else.

use std::fmt;

use thiserror::Error;

use super::version::Version;

/// Bytes of a greeting.
pub const GREETING_BYTES: usize = 64;

/// The security mechanism that both sides must name alike.
///
/// With NULL a message travels in the clear; what is known of CURVE is in [`curve`](crate::curve). After either's handshake the frames
/// are the same, and may be forwarded byte for byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Mechanism {
    /// No security: READY both ways.
    #[default]
    Null,
    /// RFC 26: each side proves that it has its key, and all that follows is sealed.
    Curve,
}

impl Mechanism {
    /// Each once.
    pub const ALL: [Self; 2] = [Self::Null, Self::Curve];

    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Null => "NULL",
            Self::Curve => "CURVE",
        }
    }
}

impl fmt::Display for Mechanism {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a peer says first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Greeting {
    /// The version of ZMTP it speaks.
    pub version: Version,
    /// The mechanism it names.
    pub mechanism: Mechanism,
    /// Whether it says that it is the mechanism's server. Not to be relied on: libzmq never does.
    pub as_server: bool,
}

const VERSION_AT: usize = 10;
const MECHANISM_AT: usize = 12;
const MECHANISM_BYTES: usize = 20;
const AS_SERVER_AT: usize = MECHANISM_AT + MECHANISM_BYTES;

impl Greeting {
    /// What this crate announces.
    pub fn ours(mechanism: Mechanism, as_server: bool) -> Self {
        Self { version: Version::OURS, mechanism, as_server }
    }

    /// The 64 bytes. The padding's eighth byte is 1, as libzmq sends it: a ZMTP 1.0 peer takes the ten bytes for a
    /// frame's header and waits, instead of misreading us.
    pub fn encode(&self) -> [u8; GREETING_BYTES] {
        let mut bytes = [0; GREETING_BYTES];
        (bytes[0], bytes[8], bytes[9]) = (0xFF, 1, 0x7F);
        (bytes[VERSION_AT], bytes[VERSION_AT + 1]) = (self.version.major, self.version.minor);
        let name = self.mechanism.as_str().as_bytes();
        bytes[MECHANISM_AT..MECHANISM_AT + name.len()].copy_from_slice(name);
        bytes[AS_SERVER_AT] = u8::from(self.as_server);
        bytes
    }

    /// Reads the greeting at the front of `bytes`; `None` asks for more of them. What is wrong is said at the first
    /// byte that shows it: an older peer may never send 64.
    ///
    /// Padding and filler are ignored.
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
        let known = Mechanism::ALL.into_iter().find(|known| known.as_str().as_bytes() == name);
        let mechanism =
            known.ok_or_else(|| GreetingError::UnknownMechanism(name.escape_ascii().to_string()))?;
        Ok(Some(Self { version, mechanism, as_server: greeting[AS_SERVER_AT] == 1 }))
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
    /// A mechanism that nobody here knows.
    #[error("the peer wants the security mechanism {0:?}, which is unknown here")]
    UnknownMechanism(String),
}
