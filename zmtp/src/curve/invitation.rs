//! What a secured listener answers to a greeting without security: an ERROR whose reason is its key, so that a program which has
//! not met it can pin it.

use super::keys::PublicKey;

const PREFIX: &str = "CURVE; server key ";

/// The ERROR's reason.
pub(crate) fn invitation(server: &PublicKey) -> String {
    format!("{PREFIX}{server}")
}

/// The key that such a reason names.
pub(crate) fn key_invited_with(reason: &[u8]) -> Option<PublicKey> {
    str::from_utf8(reason).ok()?.strip_prefix(PREFIX)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::{invitation, key_invited_with};
    use crate::curve::KeyPair;

    #[test]
    fn an_invitation_names_the_key_and_nothing_else_is_one() {
        let key = KeyPair::generate().public();
        let reason = invitation(&key);
        assert!(reason.starts_with("CURVE; server key ") && reason.len() <= 255);
        assert_eq!(key_invited_with(reason.as_bytes()), Some(key));
        for end in 0..reason.len() {
            assert_eq!(key_invited_with(&reason.as_bytes()[..end]), None);
        }
        assert_eq!(key_invited_with(b"Invalid socket type"), None);
        assert_eq!(key_invited_with(b"\xFF"), None);
    }
}
