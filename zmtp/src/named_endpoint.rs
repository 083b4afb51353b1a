//! An endpoint at which whoever connects goes under a name: `NAME=ENDPOINT`.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use crate::endpoint::{Endpoint, EndpointError};

/// An endpoint and a name. Read it with [`str::parse`], write it with `Display`; the two fit.
///
/// ```
/// use recado_zmtp::NamedEndpoint;
///
/// let named: NamedEndpoint = "ci=ipc:///run/recado/ci".parse()?;
/// assert_eq!((named.name.as_str(), named.endpoint.to_string().as_str()), ("ci", "ipc:///run/recado/ci"));
/// # Ok::<(), recado_zmtp::NamedEndpointError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedEndpoint {
    /// The name, without white space around it, and not empty. What names mean is not known here.
    pub name: String,
    /// The endpoint.
    pub endpoint: Endpoint,
}

/// A text that is no name and endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NamedEndpointError {
    /// No `=`, or nothing before it.
    #[error("{0:?} names nobody: write NAME=ipc://PATH or NAME=tcp://127.0.0.1:PORT")]
    NoName(String),
    /// What stands behind the `=` is no endpoint.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
}

impl FromStr for NamedEndpoint {
    type Err = NamedEndpointError;

    /// The name ends at the first `=` that an endpoint follows: names and paths may have one, too.
    fn from_str(text: &str) -> Result<Self, NamedEndpointError> {
        let begins = |(at, _): &(usize, &str)| {
            let rest = &text[at + 1..];
            rest.starts_with("tcp://") || rest.starts_with("ipc://")
        };
        let mut splits = text.match_indices('=');
        let split = splits.find(begins).map(|(at, _)| at).or_else(|| text.find('='));
        let (name, endpoint) = split
            .map(|at| (text[..at].trim(), &text[at + 1..]))
            .filter(|(name, _)| !name.is_empty())
            .ok_or_else(|| NamedEndpointError::NoName(text.to_owned()))?;
        Ok(Self { name: name.to_owned(), endpoint: endpoint.parse()? })
    }
}

impl fmt::Display for NamedEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.name, self.endpoint)
    }
}

#[cfg(test)]
mod tests {
    use super::{NamedEndpoint, NamedEndpointError};

    #[test]
    fn a_name_ends_where_an_endpoint_begins() {
        for (text, name, endpoint) in [
            ("ci=ipc:///run/ci", "ci", "ipc:///run/ci"),
            ("build bot=tcp://127.0.0.1:*", "build bot", "tcp://127.0.0.1:0"),
            ("a=b=tcp://[::1]:1", "a=b", "tcp://[::1]:1"),
            (" ana =ipc://x=ipc://y", "ana", "ipc://x=ipc://y"),
        ] {
            let named: NamedEndpoint = text.parse().unwrap();
            assert_eq!((named.name.as_str(), named.endpoint.to_string().as_str()), (name, endpoint));
            assert_eq!(named.to_string().parse(), Ok(named));
        }
    }

    #[test]
    fn what_lacks_one_of_the_two_is_refused() {
        for text in ["", "ipc:///run/ci", "=ipc:///run/ci", "  =tcp://127.0.0.1:1"] {
            let refused = text.parse::<NamedEndpoint>();
            assert_eq!(refused, Err(NamedEndpointError::NoName(text.to_owned())));
        }
        for text in ["ci=", "ci=udp://127.0.0.1:1", "ci=127.0.0.1:1", "ci=tcp://127.0.0.1"] {
            let error = text.parse::<NamedEndpoint>().unwrap_err();
            assert!(matches!(error, NamedEndpointError::Endpoint(_)), "{text}: {error}");
        }
    }
}
