//! Roles, ways to register, and what a device is called among a user's keys.

use std::fmt::{self, Display, Formatter};
use std::sync::Arc;

use thiserror::Error;

use crate::limits::DEVICE_LABEL_BYTES_MAX;

/// What a user may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// All that a member may, and look after users, roles and channels.
    Administrator,
    /// Take part.
    Member,
    /// Take part as a program: it creates no channels and gives out no codes.
    Bot,
}

/// Who may become a user.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Registration {
    /// Whoever knows the server's key.
    Open,
    /// Whoever has an administrator's code.
    #[default]
    Invitation,
    /// Nobody. Users' further devices still join.
    Closed,
}

/// What a user calls a device among the user's keys: 1 to 64 bytes without control characters. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeviceLabel(Arc<str>);

/// The text cannot be a device's label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a device's label has 1 to {DEVICE_LABEL_BYTES_MAX} bytes without control characters")]
pub struct DeviceLabelError;

impl Role {
    /// All of them, in the order of the protocol's table.
    pub const ALL: [Role; 3] = [Role::Administrator, Role::Member, Role::Bot];

    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Role::Administrator => "administrator",
            Role::Member => "member",
            Role::Bot => "bot",
        }
    }

    /// The role of this word.
    pub fn parse(word: &str) -> Option<Self> {
        Role::ALL.into_iter().find(|role| role.as_str() == word)
    }
}

impl Registration {
    /// All of them, in the order of the protocol's table.
    pub const ALL: [Registration; 3] = [Registration::Open, Registration::Invitation, Registration::Closed];

    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Registration::Open => "open",
            Registration::Invitation => "invitation",
            Registration::Closed => "closed",
        }
    }

    /// The way to register of this word.
    pub fn parse(word: &str) -> Option<Self> {
        Registration::ALL.into_iter().find(|registration| registration.as_str() == word)
    }
}

impl DeviceLabel {
    /// Takes a label as it is.
    ///
    /// # Errors
    ///
    /// It is empty, too long, or has control characters.
    pub fn parse(text: &str) -> Result<Self, DeviceLabelError> {
        let is_one =
            !text.is_empty() && text.len() <= DEVICE_LABEL_BYTES_MAX && !text.chars().any(char::is_control);
        if is_one { Ok(Self(Arc::from(text))) } else { Err(DeviceLabelError) }
    }

    /// The label.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Display for Role {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Display for Registration {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Display for DeviceLabel {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::{DeviceLabel, DeviceLabelError, Registration, Role};

    #[test]
    fn every_word_comes_back_as_itself() {
        for role in Role::ALL {
            assert_eq!(Role::parse(role.as_str()), Some(role));
        }
        for registration in Registration::ALL {
            assert_eq!(Registration::parse(registration.as_str()), Some(registration));
        }
        assert_eq!((Role::parse("root"), Registration::parse("")), (None, None));
    }

    #[test]
    fn a_label_is_short_and_disturbs_no_terminal() {
        for text in ["", "a\nb", "\u{1b}[2J", &"x".repeat(65)] {
            assert_eq!(DeviceLabel::parse(text), Err(DeviceLabelError), "{text:?}");
        }
        for text in ["Ana's laptop", " ", &"x".repeat(64)] {
            assert_eq!(DeviceLabel::parse(text).unwrap().as_str(), text);
        }
    }
}
