//! The public key of a device, as programs and people write it.

use std::fmt::{self, Debug, Display, Formatter};
use std::str::FromStr;

use thiserror::Error;

use crate::wire::Value;

/// A device's long-term public key for CURVE (RFC 26). Written in Z85 (RFC 32), which takes 40 characters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeviceKey([u8; 32]);

/// The text is no key: 40 characters of Z85, four bytes for each five.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a key is 40 characters of Z85")]
pub struct DeviceKeyError;

/// The digits of Z85, least first.
const DIGITS: &[u8; 85] =
    b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";

const BYTES: usize = 32;
const CHARS: usize = BYTES / 4 * 5;

impl DeviceKey {
    /// The key of these bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Reads a key as it is written. Nothing is trimmed.
    ///
    /// # Errors
    ///
    /// It has another length, another character, or five characters that stand for more than four bytes.
    pub fn parse(text: &str) -> Result<Self, DeviceKeyError> {
        if text.len() != CHARS {
            return Err(DeviceKeyError);
        }
        let mut bytes = [0; BYTES];
        for (five, four) in text.as_bytes().chunks_exact(5).zip(bytes.chunks_exact_mut(4)) {
            let mut number = 0_u32;
            for char in five {
                let digit = DIGITS.iter().position(|digit| digit == char).ok_or(DeviceKeyError)?;
                let digit = u32::try_from(digit).map_err(|_| DeviceKeyError)?;
                number = number
                    .checked_mul(85)
                    .and_then(|number| number.checked_add(digit))
                    .ok_or(DeviceKeyError)?;
            }
            four.copy_from_slice(&number.to_be_bytes());
        }
        Ok(Self(bytes))
    }

    pub(crate) fn from_wire(value: Value<'_>) -> Option<Self> {
        Self::parse(value.as_text()?).ok()
    }
}

impl Display for DeviceKey {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mut text = String::with_capacity(CHARS);
        for four in self.0.chunks_exact(4) {
            let number = four.iter().fold(0_u32, |number, byte| number << 8 | u32::from(*byte));
            for place in [85_u32.pow(4), 85_u32.pow(3), 85_u32.pow(2), 85, 1] {
                text.push(char::from(DIGITS[(number / place % 85) as usize]));
            }
        }
        f.pad(&text)
    }
}

impl Debug for DeviceKey {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "DeviceKey({self})")
    }
}

impl FromStr for DeviceKey {
    type Err = DeviceKeyError;

    fn from_str(text: &str) -> Result<Self, DeviceKeyError> {
        Self::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use super::{DeviceKey, DeviceKeyError};

    #[test]
    fn a_key_is_written_as_other_programs_write_it() {
        // The client's key in the manual of libzmq's zmq_curve.
        let text = "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID";
        let bytes = [
            0xbb, 0x88, 0x47, 0x1d, 0x65, 0xe2, 0x65, 0x9b, 0x30, 0xc5, 0x5a, 0x53, 0x21, 0xce, 0xbb, 0x5a,
            0xab, 0x2b, 0x70, 0xa3, 0x98, 0x64, 0x5c, 0x26, 0xdc, 0xa2, 0xb2, 0xfc, 0xb4, 0x3f, 0xc5, 0x18,
        ];
        assert_eq!(DeviceKey::parse(text), Ok(DeviceKey::from_bytes(bytes)));
        assert_eq!(DeviceKey::from_bytes(bytes).to_string(), text);
    }

    #[test]
    fn every_key_comes_back_as_itself() {
        for bytes in [[0; 32], [0xff; 32], std::array::from_fn(|index| index as u8 * 7)] {
            let key = DeviceKey::from_bytes(bytes);
            assert_eq!(DeviceKey::parse(&key.to_string()), Ok(key));
        }
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let whole = DeviceKey::from_bytes([7; 32]).to_string();
        for length in 0..whole.len() {
            assert_eq!(DeviceKey::parse(&whole[..length]), Err(DeviceKeyError), "{length}");
        }
        for text in
            [format!("{whole}0"), format!(" {}", &whole[1..]), format!("~{}", &whole[1..]), "é".repeat(20)]
        {
            assert_eq!(DeviceKey::parse(&text), Err(DeviceKeyError), "{text:?}");
        }
        // Five digits can say more than four bytes hold.
        assert_eq!(DeviceKey::parse(&"#".repeat(40)), Err(DeviceKeyError));
        assert_eq!(DeviceKey::parse(&"%nSc1".repeat(8)), Err(DeviceKeyError));
        assert_eq!(DeviceKey::parse(&"%nSc0".repeat(8)), Ok(DeviceKey::from_bytes([0xff; 32])));
    }
}
