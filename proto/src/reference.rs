//! The key `ref`: whatever a client wants back with its reply. Nobody looks into it.

use thiserror::Error;

use crate::limits::REF_BYTES_MAX;
use crate::wire::{FormatError, Reader, Writer};

/// One MessagePack value of at most [`REF_BYTES_MAX`] bytes, echoed byte for byte.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Ref(Vec<u8>);

/// Why bytes cannot be a `ref`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum RefError {
    /// Over [`REF_BYTES_MAX`].
    #[error("`ref` has at most {REF_BYTES_MAX} bytes, this one has {bytes}")]
    TooLong {
        /// Its length as encoded.
        bytes: usize,
    },
    /// Not one MessagePack value.
    #[error("`ref` is no MessagePack value: {0}")]
    Malformed(#[from] FormatError),
    /// More than one MessagePack value.
    #[error("`ref` is more than one MessagePack value")]
    Several,
}

impl Ref {
    /// An unsigned number, which is all that a client with many requests under way needs.
    pub fn from_number(number: u64) -> Self {
        let mut bytes = Vec::with_capacity(9);
        Writer::new(&mut bytes).unsigned(number);
        Self(bytes)
    }

    /// Exactly one MessagePack value, as encoded.
    pub fn from_encoded(bytes: &[u8]) -> Result<Self, RefError> {
        let mut reader = Reader::new(bytes);
        reader.raw()?;
        if !reader.is_at_end() {
            return Err(RefError::Several);
        }
        Self::from_value(bytes)
    }

    /// The value, as encoded.
    pub fn as_encoded(&self) -> &[u8] {
        &self.0
    }

    /// The number, if it is one that [`Ref::from_number`] made or could have made.
    pub fn as_number(&self) -> Option<u64> {
        Reader::new(&self.0).value().ok()?.as_unsigned()
    }

    /// `bytes` are known to be one value.
    pub(crate) fn from_value(bytes: &[u8]) -> Result<Self, RefError> {
        if bytes.len() > REF_BYTES_MAX {
            return Err(RefError::TooLong { bytes: bytes.len() });
        }
        Ok(Self(bytes.to_vec()))
    }
}

#[cfg(test)]
mod tests {
    use super::{Ref, RefError};
    use crate::wire::FormatError;

    #[test]
    fn numbers_come_back() {
        for number in [0, 1, 127, 128, 65_536, u64::MAX] {
            assert_eq!(Ref::from_number(number).as_number(), Some(number));
        }
    }

    #[test]
    fn one_value_of_any_kind_within_the_bound() {
        for encoded in [&b"\xc0"[..], b"\xa3abc", b"\x92\x01\x81\xa1k\xcb\0\0\0\0\0\0\0\0", b"\xd4\x05\x06"] {
            assert_eq!(Ref::from_encoded(encoded).unwrap().as_encoded(), encoded);
        }
        assert_eq!(Ref::from_encoded(b""), Err(RefError::Malformed(FormatError::Truncated)));
        assert_eq!(Ref::from_encoded(b"\xa3ab"), Err(RefError::Malformed(FormatError::Truncated)));
        assert_eq!(Ref::from_encoded(b"\xc1"), Err(RefError::Malformed(FormatError::Reserved)));
        assert_eq!(Ref::from_encoded(b"\x01\x02"), Err(RefError::Several));
        let mut long = vec![0xc4, 254];
        long.resize(256, 0);
        assert!(Ref::from_encoded(&long).is_ok());
        long[1] = 255;
        long.push(0);
        assert_eq!(Ref::from_encoded(&long), Err(RefError::TooLong { bytes: 257 }));
    }
}
