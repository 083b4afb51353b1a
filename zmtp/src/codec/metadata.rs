//! READY's metadata (RFC 37, "Metadata"): properties, of which two matter here, Socket-Type and Identity.

use bytes::{BufMut, Bytes};
use thiserror::Error;

use super::socket_type::SocketType;
use crate::limits;

const SOCKET_TYPE: &str = "Socket-Type";
const IDENTITY: &str = "Identity";

/// What a READY says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metadata {
    /// The sender's socket type.
    pub socket_type: SocketType,
    /// The name it gives itself, empty if none; at most 255 bytes, never beginning with a zero. Any type may have one.
    pub identity: Bytes,
}

impl Metadata {
    /// Reads a READY's data. Names are compared without regard to case, unknown properties are passed over.
    pub fn decode(data: &[u8]) -> Result<Self, MetadataError> {
        let (mut socket_type, mut identity) = (None, None);
        for (count, property) in Properties(data).enumerate() {
            let (name, value) = property?;
            if count >= limits::METADATA_PROPERTIES_MAX {
                return Err(MetadataError::TooMany { max: limits::METADATA_PROPERTIES_MAX });
            }
            if name.eq_ignore_ascii_case(SOCKET_TYPE.as_bytes()) {
                let known = SocketType::from_wire(value)
                    .ok_or_else(|| MetadataError::UnknownSocketType(excerpt(value)))?;
                set_once(&mut socket_type, known, SOCKET_TYPE)?;
            } else if name.eq_ignore_ascii_case(IDENTITY.as_bytes()) {
                set_once(&mut identity, checked_identity(value)?, IDENTITY)?;
            }
        }
        let socket_type = socket_type.ok_or(MetadataError::NoSocketType)?;
        Ok(Self { socket_type, identity: Bytes::copy_from_slice(identity.unwrap_or_default()) })
    }

    /// Writes a READY's data. As libzmq does, the Identity stands there for the types that route by it even if it is
    /// empty, and for the others only if they have one.
    pub fn encode(&self, out: &mut impl BufMut) {
        put_property(out, SOCKET_TYPE, self.socket_type.as_str().as_bytes());
        let routed = matches!(self.socket_type, SocketType::Req | SocketType::Dealer | SocketType::Router);
        if routed || !self.identity.is_empty() {
            put_property(out, IDENTITY, &self.identity);
        }
    }
}

fn put_property(out: &mut impl BufMut, name: &'static str, value: &[u8]) {
    out.put_u8(u8::try_from(name.len()).expect("our own names are short"));
    out.put_slice(name.as_bytes());
    out.put_u32(u32::try_from(value.len()).expect("our own values are short"));
    out.put_slice(value);
}

fn set_once<T>(slot: &mut Option<T>, value: T, name: &'static str) -> Result<(), MetadataError> {
    if slot.replace(value).is_some() { Err(MetadataError::Twice(name)) } else { Ok(()) }
}

/// Whether a name may be an Identity.
pub fn checked_identity(value: &[u8]) -> Result<&[u8], MetadataError> {
    if value.len() > limits::IDENTITY_BYTES_MAX {
        return Err(MetadataError::IdentityTooLong(value.len()));
    }
    if value.first() == Some(&0) {
        return Err(MetadataError::IdentityReserved);
    }
    Ok(value)
}

/// The properties of some metadata, checked as they come.
struct Properties<'a>(&'a [u8]);

impl<'a> Iterator for Properties<'a> {
    type Item = Result<(&'a [u8], &'a [u8]), MetadataError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let property = self.split_off_property();
        if property.is_err() {
            self.0 = &[];
        }
        Some(property)
    }
}

impl<'a> Properties<'a> {
    fn split_off_property(&mut self) -> Result<(&'a [u8], &'a [u8]), MetadataError> {
        let (&name_len, rest) = self.0.split_first().ok_or(MetadataError::CutShort)?;
        if name_len == 0 {
            return Err(MetadataError::EmptyName);
        }
        let (name, rest) = rest.split_at_checked(usize::from(name_len)).ok_or(MetadataError::CutShort)?;
        let (value_len, rest) = rest.split_first_chunk().ok_or(MetadataError::CutShort)?;
        let value_len =
            usize::try_from(u32::from_be_bytes(*value_len)).map_err(|_| MetadataError::CutShort)?;
        let (value, rest) = rest.split_at_checked(value_len).ok_or(MetadataError::CutShort)?;
        self.0 = rest;
        Ok((name, value))
    }
}

fn excerpt(value: &[u8]) -> String {
    value[..value.len().min(32)].escape_ascii().to_string()
}

/// Why a READY's metadata is refused. Always the peer's fault.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum MetadataError {
    /// A name or a value goes on past the end.
    #[error("metadata cut short")]
    CutShort,
    /// A property without a name.
    #[error("a property without a name")]
    EmptyName,
    /// More properties than allowed.
    #[error("more than {max} properties")]
    TooMany {
        /// The limit passed.
        max: usize,
    },
    /// A property that matters stands there twice.
    #[error("the property {0} twice")]
    Twice(&'static str),
    /// No Socket-Type.
    #[error("no Socket-Type")]
    NoSocketType,
    /// A Socket-Type that the RFC does not know.
    #[error("the unknown socket type {0:?}")]
    UnknownSocketType(String),
    /// An Identity over 255 bytes.
    #[error("an identity of {0} bytes, more than 255")]
    IdentityTooLong(usize),
    /// An Identity that begins with a zero byte, which is kept for names that a ROUTER makes up.
    #[error("an identity that begins with a zero byte")]
    IdentityReserved,
}
