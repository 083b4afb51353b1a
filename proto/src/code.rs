//! Stable words for refusals, for programs. The sentences for people are written where a request is refused.

use std::fmt::{self, Display, Formatter};

/// Why a request was refused, as the key `code` says it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Code {
    /// The code to join with is missing, wrong, expired or used.
    BadCode,
    /// A name is empty, too long, has control characters or begins with `_`.
    BadName,
    /// The user or the password is wrong.
    BadPassword,
    /// The request cannot be read: no MessagePack, no map, a key missing or of the wrong kind.
    BadRequest,
    /// A place in a `history` request does not exist, or is of the wrong kind for what is asked.
    BadPlace,
    /// The server has too much to do; the same request may succeed later.
    Busy,
    /// The sender may not do this.
    Forbidden,
    /// The `id` belongs to another message already.
    IdReused,
    /// The server failed; its log says how.
    Internal,
    /// The key is another user's, or was revoked.
    KeyTaken,
    /// The name belongs to a channel where a user's is needed, to a user where a channel's is, or the channel exists; or it looks like a
    /// name that there is, where security is on.
    NameTaken,
    /// There is no such channel.
    NoSuchChannel,
    /// There is no such key.
    NoSuchKey,
    /// There is no such message there, or it was deleted.
    NoSuchMessage,
    /// There is no such user.
    NoSuchUser,
    /// The system is open: it asks nobody who they are.
    NotSecured,
    /// A text, or the whole request, is over its limit.
    TooLarge,
    /// The server is stopping; the same request may succeed later, or elsewhere.
    Unavailable,
    /// The key of the connection is nobody's: whoever has it has to join first.
    UnknownKey,
    /// The server does not know the service.
    UnknownService,
    /// The reply had no `code`: a plain server's has none. Never sent.
    Unstated,
    /// A word that this version does not know, from a newer server.
    Other(String),
}

impl Code {
    /// Every word that this version may send, in alphabetical order.
    pub const ALL: [Code; 20] = [
        Code::BadCode,
        Code::BadName,
        Code::BadPassword,
        Code::BadPlace,
        Code::BadRequest,
        Code::Busy,
        Code::Forbidden,
        Code::IdReused,
        Code::Internal,
        Code::KeyTaken,
        Code::NameTaken,
        Code::NoSuchChannel,
        Code::NoSuchKey,
        Code::NoSuchMessage,
        Code::NoSuchUser,
        Code::NotSecured,
        Code::TooLarge,
        Code::Unavailable,
        Code::UnknownKey,
        Code::UnknownService,
    ];

    /// The word on the wire; empty for [`Code::Unstated`].
    pub fn as_str(&self) -> &str {
        match self {
            Code::BadCode => "bad_code",
            Code::BadName => "bad_name",
            Code::BadPassword => "bad_password",
            Code::BadRequest => "bad_request",
            Code::BadPlace => "bad_place",
            Code::Busy => "busy",
            Code::Forbidden => "forbidden",
            Code::IdReused => "id_reused",
            Code::Internal => "internal",
            Code::KeyTaken => "key_taken",
            Code::NameTaken => "name_taken",
            Code::NoSuchChannel => "no_such_channel",
            Code::NoSuchKey => "no_such_key",
            Code::NoSuchMessage => "no_such_message",
            Code::NoSuchUser => "no_such_user",
            Code::NotSecured => "not_secured",
            Code::TooLarge => "too_large",
            Code::Unavailable => "unavailable",
            Code::UnknownKey => "unknown_key",
            Code::UnknownService => "unknown_service",
            Code::Unstated => "",
            Code::Other(word) => word,
        }
    }
}

impl From<&str> for Code {
    fn from(word: &str) -> Self {
        if word.is_empty() {
            return Code::Unstated;
        }
        Code::ALL
            .into_iter()
            .find(|code| code.as_str() == word)
            .unwrap_or_else(|| Code::Other(word.to_owned()))
    }
}

impl Display for Code {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::Code;

    #[test]
    fn every_word_comes_back_as_itself() {
        for code in Code::ALL {
            assert_eq!(Code::from(code.as_str()), code);
        }
        assert_eq!(Code::from("from_the_future"), Code::Other("from_the_future".to_owned()));
        assert_eq!(Code::from(""), Code::Unstated);
        assert!(Code::ALL.map(|code| code.as_str().to_owned()).is_sorted());
    }
}
