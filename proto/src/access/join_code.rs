//! The code that somebody new, or a new device, joins with.

use std::fmt::{self, Debug, Display, Formatter};

use thiserror::Error;
use zeroize::Zeroizing;

/// A one-time code to join with: 80 random bits, as 16 characters of Crockford's base32, in which no two look alike. It is a
/// secret for as long as it is good. [`Display`] shows it, in groups of four; [`Debug`] does not.
#[derive(Clone, PartialEq, Eq)]
pub struct JoinCode(Zeroizing<[u8; CHARS]>);

/// The text is no code. What it was is not said, since it may be one with a slip of the finger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a code is 16 letters and digits, as in ABCD-EFGH-JKMN-PQRS")]
pub struct JoinCodeError;

const CHARS: usize = 16;
/// Hyphens and spaces are passed over; with more of them it is no longer a code.
const TEXT_BYTES_MAX: usize = 64;
const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

impl JoinCode {
    /// The code of these random bits.
    pub fn from_random(bits: [u8; 10]) -> Self {
        let mut chars = Zeroizing::new([0; CHARS]);
        let halves = [&bits[..5], &bits[5..]];
        for (half, eight) in halves.into_iter().zip(chars.chunks_exact_mut(8)) {
            let number = half.iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
            for (place, char) in eight.iter_mut().rev().enumerate() {
                *char = DIGITS[(number >> (5 * place) & 31) as usize];
            }
        }
        Self(chars)
    }

    /// Takes a code as a person wrote it: large or small letters, with hyphens and spaces or without; I and L count as 1, O as 0.
    ///
    /// # Errors
    ///
    /// It has more or fewer characters, or another one.
    pub fn parse(text: &str) -> Result<Self, JoinCodeError> {
        if text.len() > TEXT_BYTES_MAX {
            return Err(JoinCodeError);
        }
        let mut chars = Zeroizing::new([0; CHARS]);
        let mut count = 0;
        for char in text.bytes().filter(|char| !matches!(char, b'-' | b' ')) {
            let char = match char.to_ascii_uppercase() {
                b'I' | b'L' => b'1',
                b'O' => b'0',
                char => char,
            };
            if count == CHARS || !DIGITS.contains(&char) {
                return Err(JoinCodeError);
            }
            chars[count] = char;
            count += 1;
        }
        if count == CHARS { Ok(Self(chars)) } else { Err(JoinCodeError) }
    }

    /// Its 16 characters, without hyphens.
    pub fn as_str(&self) -> &str {
        str::from_utf8(self.0.as_slice()).expect("its digits are ASCII")
    }
}

impl Display for JoinCode {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let code = self.as_str();
        write!(f, "{}-{}-{}-{}", &code[..4], &code[4..8], &code[8..12], &code[12..])
    }
}

impl Debug for JoinCode {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("JoinCode(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::{JoinCode, JoinCodeError};

    #[test]
    fn a_code_is_its_bits() {
        let check = |bits, expect: &str| assert_eq!(JoinCode::from_random(bits).to_string(), expect);
        check([0; 10], "0000-0000-0000-0000");
        check([0xff; 10], "ZZZZ-ZZZZ-ZZZZ-ZZZZ");
        check([0, 0, 0, 0, 1, 0x80, 0, 0, 0, 0x1f], "0000-0001-G000-000Z");
        check([0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0x01, 0x23], "04HM-ASW9-NF6Y-Y093");
    }

    #[test]
    fn people_write_codes_in_many_ways() {
        let code = JoinCode::parse("0123456789ABCDEF").unwrap();
        for text in ["0123-4567-89AB-CDEF", "o1234567 89abcdef", "OI23-4567-89ab-cdef", "-0L23456789abcdeF "]
        {
            assert_eq!(JoinCode::parse(text).as_ref(), Ok(&code), "{text}");
        }
        assert_eq!(code.as_str(), "0123456789ABCDEF");
        assert_eq!(JoinCode::parse(&code.to_string()), Ok(code));
    }

    #[test]
    fn what_is_no_code_is_refused() {
        for text in
            ["", "0123", "0123456789ABCDE", "0123456789ABCDEFG", "0123456789ABCDEU", "0123456789ABCDEé", "-"]
        {
            assert_eq!(JoinCode::parse(text), Err(JoinCodeError), "{text:?}");
        }
        assert_eq!(JoinCode::parse(&"-".repeat(100_000)), Err(JoinCodeError));
    }

    #[test]
    fn a_code_does_not_show_where_nobody_meant_to_show_it() {
        let code = JoinCode::from_random([0xff; 10]);
        assert!(!format!("{code:?} {:?}", Some(&code)).contains('Z'));
    }
}
