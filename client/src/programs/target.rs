//! Where a program sends to or reads from, as one word of a command line.

use std::str::FromStr;

use recado_proto::{ChannelName, HistoryOf, NameError, UserName};
use thiserror::Error;

use crate::chat::item::Place;

/// A channel as `NAME` or `#NAME`, or a user as `@NAME`. A channel whose own name begins with either mark is written with a `#` before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target(pub(crate) Place);

impl Target {
    /// Whose history it is.
    pub(crate) fn history(&self) -> HistoryOf {
        match &self.0 {
            Place::Channel(channel) => HistoryOf::Channel(channel.clone()),
            Place::Direct(user) => HistoryOf::With(user.clone()),
        }
    }
}

impl FromStr for Target {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let place = match (text.strip_prefix('@'), text.strip_prefix('#')) {
            (Some(user), _) => Place::Direct(UserName::parse(user)?),
            (None, bare) => Place::Channel(ChannelName::parse(bare.unwrap_or(text))?),
        };
        Ok(Self(place))
    }
}

/// A channel alone, written as a [`Target`] is.
pub(crate) fn channel(text: &str) -> Result<ChannelName, ChannelError> {
    match text.parse()? {
        Target(Place::Channel(channel)) => Ok(channel),
        Target(Place::Direct(_)) => Err(ChannelError::User),
    }
}

/// Why a text names no channel.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(crate) enum ChannelError {
    /// It is no name at all.
    #[error(transparent)]
    Name(#[from] NameError),
    /// It names a user.
    #[error("that is a user; only channels can be followed")]
    User,
}

#[cfg(test)]
mod tests {
    use recado_proto::{ChannelName, UserName};

    use crate::chat::item::Place;

    use super::Target;

    fn channel(text: &str, name: &str) {
        assert_eq!(text.parse(), Ok(Target(Place::Channel(ChannelName::parse(name).unwrap()))), "{text}");
    }

    #[test]
    fn the_first_character_says_what_is_meant() {
        channel("geral", "geral");
        channel("#geral", "geral");
        channel("##c", "#c");
        channel("#@odd", "@odd");
        channel("two words", "two words");
        channel("-dash", "-dash");
        assert_eq!("@ana".parse(), Ok(Target(Place::Direct(UserName::parse("ana").unwrap()))));
    }

    #[test]
    fn what_no_name_can_be_is_refused() {
        for text in ["", "@", "#", "_heads", "@_x", "a\nb"] {
            assert!(text.parse::<Target>().is_err(), "{text:?}");
        }
    }
}
