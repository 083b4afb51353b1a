//! A password on its way.

use std::fmt::{self, Debug, Formatter};

use thiserror::Error;
use zeroize::Zeroizing;

use crate::limits::{PASSWORD_BYTES_MAX, PASSWORD_BYTES_MIN};

/// A password as its user wrote it. It is wiped when it is dropped, and shown nowhere.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(Zeroizing<String>);

/// The text cannot be a password. What it was is not said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a password has {PASSWORD_BYTES_MIN} to {PASSWORD_BYTES_MAX} bytes")]
pub struct PasswordError;

impl Password {
    /// Takes a password as it is: nothing is trimmed.
    ///
    /// # Errors
    ///
    /// It is too short or too long.
    pub fn parse(text: &str) -> Result<Self, PasswordError> {
        if (PASSWORD_BYTES_MIN..=PASSWORD_BYTES_MAX).contains(&text.len()) {
            Ok(Self(Zeroizing::new(text.to_owned())))
        } else {
            Err(PasswordError)
        }
    }

    /// The password, for those who check it or send it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Debug for Password {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::{Password, PasswordError};

    #[test]
    fn a_password_has_a_length_and_is_shown_nowhere() {
        for text in ["", "1234567", &"x".repeat(1025)] {
            assert_eq!(Password::parse(text), Err(PasswordError), "{}", text.len());
        }
        for text in [" secret ", &"é".repeat(512)] {
            let password = Password::parse(text).unwrap();
            assert_eq!(password.as_str(), text);
            assert_eq!(format!("{password:?}"), "Password(…)");
        }
    }
}
