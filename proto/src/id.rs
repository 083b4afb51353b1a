//! A message's own number, chosen by whoever sends it. It does not know which numbers are taken.

use std::fmt::{self, Debug, Display, Formatter};
use std::str::FromStr;

use thiserror::Error;
use uuid::Uuid;

use crate::wire::Value;

/// 16 bytes that make a message the same one when it is sent again. Ours are UUIDs of version 7 (RFC 9562, section 5.7);
/// any 16 bytes will do.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageId([u8; 16]);

/// The text is no UUID of 32 hexadecimal digits, with or without hyphens in their places.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a message's id as text is a UUID of 32 or 36 characters")]
pub struct MessageIdError;

impl MessageId {
    /// A new one, from the system's clock and randomness.
    pub fn new_v7() -> Self {
        Self(Uuid::now_v7().into_bytes())
    }

    /// These 16 bytes.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The 16 bytes.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// 16 bytes are taken as they are, 32 or 36 as a UUID in text, and nothing else.
    pub(crate) fn from_wire(value: Value<'_>) -> Option<Self> {
        let Value::Text(bytes) = value else { return None };
        match bytes.len() {
            16 => bytes.try_into().ok().map(Self),
            32 | 36 => Uuid::try_parse_ascii(bytes).ok().map(|uuid| Self(uuid.into_bytes())),
            _ => None,
        }
    }
}

impl Display for MessageId {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        Display::fmt(Uuid::from_bytes_ref(&self.0).as_hyphenated(), f)
    }
}

impl Debug for MessageId {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "MessageId({self})")
    }
}

impl FromStr for MessageId {
    type Err = MessageIdError;

    fn from_str(text: &str) -> Result<Self, MessageIdError> {
        if !matches!(text.len(), 32 | 36) {
            return Err(MessageIdError);
        }
        Uuid::try_parse(text).map(|uuid| Self(uuid.into_bytes())).map_err(|_| MessageIdError)
    }
}

#[cfg(test)]
mod tests {
    use super::MessageId;
    use crate::wire::Value;

    const TEXT: &str = "0190a1b2-c3d4-7e5f-8a6b-7c8d9e0fa1b2";

    #[test]
    fn bytes_and_both_texts_are_the_same_id() {
        let id: MessageId = TEXT.parse().unwrap();
        assert_eq!(id.to_string(), TEXT);
        let plain = TEXT.replace('-', "");
        let upper = plain.to_uppercase();
        for bytes in [id.as_bytes().as_slice(), TEXT.as_bytes(), plain.as_bytes(), upper.as_bytes()] {
            assert_eq!(MessageId::from_wire(Value::Text(bytes)), Some(id));
        }
    }

    #[test]
    fn anything_else_is_none() {
        let wrong: [&[u8]; 6] =
            [b"", b"short", &[0; 15], &[0; 17], &[b'g'; 32], b"0190a1b2c-3d4-7e5f-8a6b-7c8d9e0fa1b2"];
        for bytes in wrong {
            assert_eq!(MessageId::from_wire(Value::Text(bytes)), None, "{bytes:?}");
        }
        assert_eq!(MessageId::from_wire(Value::Unsigned(7)), None);
        assert!("{0190a1b2-c3d4-7e5f-8a6b-7c8d9e0fa1b2}".parse::<MessageId>().is_err());
    }

    #[test]
    fn new_ones_rise_with_time() {
        let ids: Vec<_> = (0..100).map(|_| MessageId::new_v7()).collect();
        assert!(ids.is_sorted());
    }
}
