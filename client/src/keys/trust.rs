//! Which server one means to talk with, and whether what answers is that server. Without sockets and files.

use std::fmt;

use recado_zmtp::Endpoint;
use recado_zmtp::curve::{Asked, PublicKey, Security};
use thiserror::Error;

use super::file::KeyFileError;
use super::known::KnownServersError;

/// What a server is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    /// One that asks nobody who they are.
    Open,
    /// The one with this key.
    Key(PublicKey),
}

impl Expected {
    /// What a socket with this security expects of its peer; none if it listens itself.
    pub(crate) fn of(security: &Security) -> Option<Self> {
        match security {
            Security::Null | Security::NullAs(_) => Some(Expected::Open),
            Security::CurveClient { server, .. } => Some(Expected::Key(*server)),
            Security::CurveServer(_) => None,
        }
    }
}

/// What answers is not the server that was meant. It is shown in several lines, so that nobody overlooks it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Distrust {
    /// It has another key than the one that is known.
    Changed {
        /// Where.
        endpoint: Endpoint,
        /// The key that is known.
        known: PublicKey,
        /// The key that it has.
        found: PublicKey,
    },
    /// It was known as secured, and takes connections in the open.
    Opened {
        /// Where.
        endpoint: Endpoint,
        /// The key that is known.
        known: PublicKey,
    },
    /// It was taken for an open one, and is secured.
    Secured {
        /// Where.
        endpoint: Endpoint,
        /// The key that it has.
        found: PublicKey,
    },
}

impl Distrust {
    /// In half a sentence, where there is one line alone.
    pub fn brief(&self) -> &'static str {
        match self {
            Distrust::Changed { .. } => "its key has changed, and it is not trusted",
            Distrust::Opened { .. } => "it is no longer secured, and not trusted",
            Distrust::Secured { .. } => "it is secured now; start this program again",
        }
    }
}

impl fmt::Display for Distrust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Distrust::Changed { endpoint, known, found } => write!(
                f,
                "WARNING: THE KEY OF THIS SERVER HAS CHANGED\n\
                 \x20 server  {endpoint}\n\
                 \x20 known   {}\n\
                 \x20 now     {}\n\
                 Either it was set up anew, or somebody stands between you and it. Nothing was sent.\n\
                 Ask whoever runs the server which fingerprint it has. Only if it is the one that it has now:\n\
                 \x20 recado keys forget {endpoint}",
                known.fingerprint(),
                found.fingerprint()
            ),
            Distrust::Opened { endpoint, known } => write!(
                f,
                "WARNING: THIS SERVER IS NO LONGER SECURED\n\
                 \x20 server  {endpoint}\n\
                 \x20 known   {}\n\
                 \x20 now     without any key, without encryption\n\
                 Either its security was switched off, or somebody stands between you and it. Nothing was sent.\n\
                 Ask whoever runs the server. Only if it is meant to be so:\n\
                 \x20 recado keys forget {endpoint}",
                known.fingerprint()
            ),
            Distrust::Secured { endpoint, found } => write!(
                f,
                "the server at {endpoint} is secured, with the key {}; start this program again, or join with: recado join LINK",
                found.fingerprint()
            ),
        }
    }
}

/// Whether what answered is what was expected. What cannot be told apart from an absent server is no reason for distrust.
pub(crate) fn judge(endpoint: &Endpoint, expected: Expected, asked: &Asked) -> Result<(), Distrust> {
    let endpoint = endpoint.clone();
    match (expected, asked) {
        (Expected::Open, Asked::Open) | (_, Asked::Other(_)) => Ok(()),
        (Expected::Open, Asked::Secured(found)) => Err(Distrust::Secured { endpoint, found: *found }),
        (Expected::Key(known), Asked::Open) => Err(Distrust::Opened { endpoint, known }),
        (Expected::Key(known), Asked::Secured(found)) if known == *found => Ok(()),
        (Expected::Key(known), Asked::Secured(found)) => {
            Err(Distrust::Changed { endpoint, known, found: *found })
        }
    }
}

/// Why there is no security to begin with.
#[derive(Debug, Error)]
pub enum SecurityError {
    /// The server is not the one that was meant.
    #[error(transparent)]
    Distrust(#[from] Box<Distrust>),
    /// This device's key cannot be had.
    #[error(transparent)]
    Key(#[from] KeyFileError),
    /// The known servers cannot be had.
    #[error(transparent)]
    Known(#[from] KnownServersError),
    /// Two servers that are said to be of one system have two keys.
    #[error(
        "{one} and {other} are known with different keys, so that they are not of one system; name one of them"
    )]
    TwoSystems {
        /// A server.
        one: Endpoint,
        /// Another one.
        other: Endpoint,
    },
    /// It is secured, was not met before, and nobody is there to be asked.
    #[error(
        "{endpoint} is secured, and is not known here yet: its fingerprint is {fingerprint}; \
         join with: recado join LINK, or if you know that this is its key: --server-key '{key}'"
    )]
    Unknown {
        /// Where.
        endpoint: Endpoint,
        /// The key that it has.
        key: PublicKey,
        /// The same, for people.
        fingerprint: String,
    },
    /// It is secured, was not met before, and the user does not trust it.
    #[error("{endpoint} is not trusted, and nothing was sent to it")]
    Declined {
        /// Where.
        endpoint: Endpoint,
    },
}

#[cfg(test)]
mod tests {
    use recado_zmtp::Endpoint;
    use recado_zmtp::curve::{Asked, KeyPair};

    use super::{Distrust, Expected, judge};

    fn endpoint() -> Endpoint {
        "tcp://chat.example.org:5555".parse().unwrap()
    }

    #[test]
    fn only_the_server_that_is_meant_is_trusted() {
        let [known, found] = [KeyPair::generate().public(), KeyPair::generate().public()];
        let judged = |expected, asked| judge(&endpoint(), expected, &asked);
        let endpoint = endpoint();
        assert_eq!(judged(Expected::Open, Asked::Open), Ok(()));
        assert_eq!(judged(Expected::Key(known), Asked::Secured(known)), Ok(()));
        assert_eq!(
            judged(Expected::Key(known), Asked::Secured(found)),
            Err(Distrust::Changed { endpoint: endpoint.clone(), known, found })
        );
        assert_eq!(
            judged(Expected::Key(known), Asked::Open),
            Err(Distrust::Opened { endpoint: endpoint.clone(), known })
        );
        assert_eq!(judged(Expected::Open, Asked::Secured(found)), Err(Distrust::Secured { endpoint, found }));
        assert_eq!(judged(Expected::Key(known), Asked::Other("PLAIN".to_owned())), Ok(()));
    }

    #[test]
    fn a_warning_is_loud_and_says_both_fingerprints_and_what_to_do() {
        let [known, found] = [KeyPair::generate().public(), KeyPair::generate().public()];
        let text = Distrust::Changed { endpoint: endpoint(), known, found }.to_string();
        assert!(text.lines().count() > 5, "{text}");
        for part in
            [&known.fingerprint(), &found.fingerprint(), "recado keys forget tcp://chat.example.org:5555"]
        {
            assert!(text.contains(part), "{text}");
        }
        let text = Distrust::Opened { endpoint: endpoint(), known }.to_string();
        assert!(text.lines().count() > 5 && text.contains("recado keys forget"), "{text}");
    }
}
