//! Names of users and channels, checked once, and of either: both share the topics. They do not know which of them exist.

mod lookalike;

use std::borrow::Borrow;
use std::fmt::{self, Display, Formatter};
use std::str::FromStr;
use std::sync::Arc;

use thiserror::Error;

pub use lookalike::{Lookalike, Looks, check_distinct, skeleton};

use crate::limits::NAME_BYTES_MAX;

/// A user's name: 1 to 64 bytes of UTF-8, trimmed, without control characters or a leading `_`. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserName(Arc<str>);

/// A channel's name, under the same rules as [`UserName`]. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChannelName(Arc<str>);

/// A channel's or a user's name, whichever it is: what a topic is called. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicName(Arc<str>);

/// Why a text is no name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum NameError {
    /// Nothing is left after trimming.
    #[error("a name cannot be empty")]
    Empty,
    /// Longer than [`NAME_BYTES_MAX`].
    #[error("a name has at most {NAME_BYTES_MAX} bytes, this one has {bytes}")]
    TooLong {
        /// Its length once trimmed.
        bytes: usize,
    },
    /// A newline, an escape or the like, which could disturb a terminal or a line-based log.
    #[error("a name cannot have control characters")]
    ControlCharacter,
    /// Topics that begin so belong to the system.
    #[error("a name cannot begin with `_`, which is kept for the system")]
    Reserved,
}

impl UserName {
    /// Takes a name as a person or program wrote it; white space around it is dropped.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        checked(text).map(|name| Self(Arc::from(name)))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl ChannelName {
    /// Takes a name as a person or program wrote it; white space around it is dropped.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        checked(text).map(|name| Self(Arc::from(name)))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TopicName {
    /// Takes a name as a person or program wrote it; white space around it is dropped.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        checked(text).map(|name| Self(Arc::from(name)))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<UserName> for TopicName {
    fn from(UserName(name): UserName) -> Self {
        Self(name)
    }
}

impl From<ChannelName> for TopicName {
    fn from(ChannelName(name): ChannelName) -> Self {
        Self(name)
    }
}

fn checked(text: &str) -> Result<&str, NameError> {
    let name = text.trim();
    if name.is_empty() {
        return Err(NameError::Empty);
    }
    if name.len() > NAME_BYTES_MAX {
        return Err(NameError::TooLong { bytes: name.len() });
    }
    if name.chars().any(char::is_control) {
        return Err(NameError::ControlCharacter);
    }
    if name.starts_with('_') {
        return Err(NameError::Reserved);
    }
    Ok(name)
}

impl Display for UserName {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Display for ChannelName {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Display for TopicName {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl AsRef<str> for UserName {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl AsRef<str> for ChannelName {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl AsRef<str> for TopicName {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl Borrow<str> for UserName {
    fn borrow(&self) -> &str {
        self.as_str()
    }
}

impl Borrow<str> for ChannelName {
    fn borrow(&self) -> &str {
        self.as_str()
    }
}

impl Borrow<str> for TopicName {
    fn borrow(&self) -> &str {
        self.as_str()
    }
}

impl FromStr for UserName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        Self::parse(text)
    }
}

impl FromStr for ChannelName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        Self::parse(text)
    }
}

impl FromStr for TopicName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        Self::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use super::{ChannelName, NameError, TopicName, UserName};

    fn check(text: &str, expect: Result<&str, NameError>) {
        let user = UserName::parse(text);
        assert_eq!(user.as_ref().map(UserName::as_str).map_err(|error| *error), expect, "{text:?} as a user");
        let channel = ChannelName::parse(text);
        assert_eq!(
            channel.as_ref().map(ChannelName::as_str).map_err(|error| *error),
            expect,
            "{text:?} as a channel"
        );
        let topic = TopicName::parse(text);
        assert_eq!(
            topic.as_ref().map(TopicName::as_str).map_err(|error| *error),
            expect,
            "{text:?} as either"
        );
        assert_eq!(topic.ok(), channel.ok().map(TopicName::from), "{text:?} as a channel, then as either");
    }

    #[test]
    fn ordinary_names_are_kept_and_trimmed() {
        check("ana", Ok("ana"));
        check("  ana\t\n", Ok("ana"));
        check("José da Silva", Ok("José da Silva"));
        check("日本語", Ok("日本語"));
        check("a_b", Ok("a_b"));
        check("#geral", Ok("#geral"));
    }

    #[test]
    fn what_could_disturb_others_is_refused() {
        check("", Err(NameError::Empty));
        check(" \u{3000}\n ", Err(NameError::Empty));
        check("a\nb", Err(NameError::ControlCharacter));
        check("a\0b", Err(NameError::ControlCharacter));
        check("a\u{1b}[2J", Err(NameError::ControlCharacter));
        check("a\u{7f}", Err(NameError::ControlCharacter));
        check("a\u{9b}2J", Err(NameError::ControlCharacter));
        check("_sync", Err(NameError::Reserved));
        check("  _sync", Err(NameError::Reserved));
    }

    #[test]
    fn length_counts_bytes_after_trimming() {
        let longest = "x".repeat(64);
        check(&longest, Ok(&longest));
        check(&format!("  {longest}  "), Ok(&longest));
        check(&"x".repeat(65), Err(NameError::TooLong { bytes: 65 }));
        check(&"é".repeat(32), Ok(&"é".repeat(32)));
        check(&"é".repeat(33), Err(NameError::TooLong { bytes: 66 }));
    }
}
