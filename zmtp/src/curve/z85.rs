//! Z85 (RFC 32): four bytes as five characters, in which ZeroMQ's users know keys.

use zeroize::Zeroizing;

use super::keys::{KEY_BYTES, KeyError};

const ALPHABET: &[u8; 85] =
    b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";

/// Characters of a key.
pub(super) const KEY_CHARACTERS: usize = KEY_BYTES / 4 * 5;

/// Writes a key.
pub(super) fn encode(key: &[u8; KEY_BYTES]) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(KEY_CHARACTERS));
    for word in key.as_chunks::<4>().0 {
        let mut divisor = 85_u32.pow(4);
        while divisor > 0 {
            let digit = u32::from_be_bytes(*word) / divisor % 85;
            text.push(char::from(ALPHABET[digit as usize]));
            divisor /= 85;
        }
    }
    text
}

/// Reads a key.
pub(super) fn decode(text: &str) -> Result<Zeroizing<[u8; KEY_BYTES]>, KeyError> {
    let (groups, rest) = text.as_bytes().as_chunks::<5>();
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    let words = key.as_chunks_mut::<4>().0;
    if groups.len() != words.len() || !rest.is_empty() {
        return Err(KeyError::Length(text.len()));
    }
    for (word, group) in words.iter_mut().zip(groups) {
        let mut value = 0_u32;
        for character in group {
            let digit = ALPHABET.iter().position(|known| known == character);
            let digit = digit.and_then(|digit| u32::try_from(digit).ok()).ok_or(KeyError::NotZ85)?;
            value =
                value.checked_mul(85).and_then(|value| value.checked_add(digit)).ok_or(KeyError::NotZ85)?;
        }
        *word = value.to_be_bytes();
    }
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::{decode, encode};
    use crate::curve::KeyError;

    /// RFC 26's example of a client's key pair.
    const PUBLIC: (&str, [u8; 32]) = (
        "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID",
        [
            0xBB, 0x88, 0x47, 0x1D, 0x65, 0xE2, 0x65, 0x9B, 0x30, 0xC5, 0x5A, 0x53, 0x21, 0xCE, 0xBB, 0x5A,
            0xAB, 0x2B, 0x70, 0xA3, 0x98, 0x64, 0x5C, 0x26, 0xDC, 0xA2, 0xB2, 0xFC, 0xB4, 0x3F, 0xC5, 0x18,
        ],
    );

    #[test]
    fn the_rfcs_key_is_written_and_read() {
        let (text, bytes) = PUBLIC;
        assert_eq!(*encode(&bytes), text);
        assert_eq!(*decode(text).unwrap(), bytes);
        for bytes in [[0; 32], [0xFF; 32]] {
            assert_eq!(*decode(&encode(&bytes)).unwrap(), bytes);
        }
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let (text, _) = PUBLIC;
        for end in 0..text.len() {
            assert_eq!(decode(&text[..end]).map(|_| ()), Err(KeyError::Length(end)));
        }
        assert_eq!(decode(&format!("{text}0")).map(|_| ()), Err(KeyError::Length(41)));
        // A character that Z85 has not, one of two bytes, and a group worth more than four bytes can hold.
        for group in ["Yne@,", "Yné@", "#####"] {
            assert_eq!(
                decode(&format!("{group}{}", &text[5..])).map(|_| ()),
                Err(KeyError::NotZ85),
                "{group}"
            );
        }
    }
}
