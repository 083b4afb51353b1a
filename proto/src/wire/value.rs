//! One MessagePack value as it lies in the input: nothing is copied, and what has parts is only pointed to.

use thiserror::Error;

use crate::limits::COUNTER_MAX;

/// Why bytes are no MessagePack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum FormatError {
    /// A value, or a length that it declares, goes on after the end.
    #[error("it ends in the middle of a value")]
    Truncated,
    /// The byte `c1`, which no value has.
    #[error("it has the byte 0xc1, which MessagePack never uses")]
    Reserved,
}

/// A value of any kind.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Value<'a> {
    Nil,
    Boolean(bool),
    Unsigned(u64),
    /// Below zero.
    Negative(i64),
    Float(f64),
    /// `str` and `bin` alike: older libraries write either for both. Not checked to be UTF-8.
    Text(&'a [u8]),
    Extension(i8, &'a [u8]),
    Array(Items<'a>),
    /// Its keys and values in turn.
    Map(Items<'a>),
}

/// What an array or a map holds, known to be well-formed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Items<'a> {
    /// Elements of an array, pairs of a map.
    pub(crate) count: usize,
    pub(crate) encoded: &'a [u8],
}

impl<'a> Value<'a> {
    /// A whole number from zero up; a float counts if it is one, for languages that have no other numbers.
    pub(crate) fn as_unsigned(self) -> Option<u64> {
        match self {
            Value::Unsigned(number) => Some(number),
            Value::Float(number) if number.fract() == 0.0 && (0.0..=MAX_EXACT).contains(&number) => {
                Some(number as u64)
            }
            _ => None,
        }
    }

    /// A number that JavaScript holds exactly, as `clock` and `epoch` are.
    pub(crate) fn as_counter(self) -> Option<u64> {
        self.as_unsigned().filter(|number| *number <= COUNTER_MAX)
    }

    /// What stands for a key; empty, and so nobody's, if it is no text.
    pub(crate) fn as_key(self) -> &'a [u8] {
        match self {
            Value::Text(key) => key,
            _ => b"",
        }
    }

    /// `str` or `bin`, if it is UTF-8.
    pub(crate) fn as_text(self) -> Option<&'a str> {
        match self {
            Value::Text(bytes) => str::from_utf8(bytes).ok(),
            _ => None,
        }
    }

    /// `nil` is how many languages write "absent".
    pub(crate) fn unless_nil(self) -> Option<Self> {
        if self == Value::Nil { None } else { Some(self) }
    }
}

/// Floats up to here hold every whole number.
const MAX_EXACT: f64 = COUNTER_MAX as f64;
