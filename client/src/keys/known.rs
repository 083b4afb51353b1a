//! The keys of the servers that were met, in a text file: `ENDPOINT KEY SINCE`, a line each. A line that is none is refused and not passed
//! over: a server whose key is no longer known could be exchanged without a word.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use recado_zmtp::Endpoint;
use recado_zmtp::curve::PublicKey;
use thiserror::Error;

use super::private::{self, FileError};
use crate::limits;

/// A server whose key is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownServer {
    /// Where it takes requests.
    pub endpoint: Endpoint,
    /// Its key.
    pub key: PublicKey,
    /// When it was met first.
    pub since: Timestamp,
}

/// All of them, in the order in which they were met.
#[derive(Debug)]
pub struct KnownServers {
    path: PathBuf,
    servers: Vec<KnownServer>,
}

/// Why the known servers cannot be read or kept.
#[derive(Debug, Error)]
pub enum KnownServersError {
    /// The file cannot be read or written, or is not private.
    #[error(transparent)]
    File(#[from] FileError),
    /// A line of it is none.
    #[error(
        "line {line} of {} is damaged: `ENDPOINT KEY SINCE` is expected; remove the line if you know which server it was",
        path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Which, from 1.
        line: usize,
    },
    /// There is no room for one more.
    #[error("{} has {most} servers already; `recado keys forget ENDPOINT` makes room", path.display())]
    Full {
        /// The file.
        path: PathBuf,
        /// So many are kept.
        most: usize,
    },
}

const HEADING: &str = "# Keys of Recado's servers, as they were met first: endpoint, key, since.\n";

impl KnownServers {
    /// Reads the file; one that is not there knows none.
    pub fn load(path: &Path) -> Result<Self, KnownServersError> {
        let text = private::read(path, limits::KNOWN_SERVERS_FILE_BYTES_MAX)?.unwrap_or_default();
        let servers =
            parse(&text).map_err(|line| KnownServersError::Damaged { path: path.to_owned(), line })?;
        Ok(Self { path: path.to_owned(), servers })
    }

    /// The server of this endpoint.
    pub fn find(&self, endpoint: &Endpoint) -> Option<&KnownServer> {
        self.servers.iter().find(|server| server.endpoint == *endpoint)
    }

    /// All of them.
    pub fn all(&self) -> &[KnownServer] {
        &self.servers
    }

    /// Remembers the key of a server, in the file too. One that is known already stays as it is: a key that has changed is not taken in
    /// passing.
    pub fn pin(
        &mut self,
        endpoint: &Endpoint,
        key: PublicKey,
        now: Timestamp,
    ) -> Result<(), KnownServersError> {
        if self.find(endpoint).is_some() {
            return Ok(());
        }
        if self.servers.len() >= limits::KNOWN_SERVERS_MAX {
            return Err(KnownServersError::Full { path: self.path.clone(), most: limits::KNOWN_SERVERS_MAX });
        }
        self.servers.push(KnownServer { endpoint: endpoint.clone(), key, since: now });
        Ok(private::replace(&self.path, &render(&self.servers))?)
    }

    /// Forgets a server. False if it was not known.
    pub fn forget(&mut self, endpoint: &Endpoint) -> Result<bool, KnownServersError> {
        let before = self.servers.len();
        self.servers.retain(|server| server.endpoint != *endpoint);
        if self.servers.len() == before {
            return Ok(false);
        }
        private::replace(&self.path, &render(&self.servers))?;
        Ok(true)
    }
}

fn render(servers: &[KnownServer]) -> String {
    let lines =
        servers.iter().map(|KnownServer { endpoint, key, since }| format!("{endpoint} {key} {since:.0}\n"));
    std::iter::once(HEADING.to_owned()).chain(lines).collect()
}

/// The servers, or which line is none, from 1.
fn parse(text: &str) -> Result<Vec<KnownServer>, usize> {
    let mut servers: Vec<KnownServer> = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        let server = parse_line(line).ok_or(number)?;
        // Two keys for one endpoint: which of them is believed would be a matter of chance.
        if servers.len() >= limits::KNOWN_SERVERS_MAX
            || servers.iter().any(|known| known.endpoint == server.endpoint)
        {
            return Err(number);
        }
        servers.push(server);
    }
    Ok(servers)
}

/// A path of an endpoint may have spaces in it, the others have none.
fn parse_line(line: &str) -> Option<KnownServer> {
    let mut from_the_end = line.trim_end().rsplitn(3, ' ');
    let (since, key, endpoint) = (from_the_end.next()?, from_the_end.next()?, from_the_end.next()?);
    Some(KnownServer {
        endpoint: endpoint.trim().parse().ok()?,
        key: key.parse().ok()?,
        since: since.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use recado_zmtp::Endpoint;
    use recado_zmtp::curve::KeyPair;

    use super::super::testing::Folder;
    use super::{KnownServers, KnownServersError, parse, render};

    fn endpoint(text: &str) -> Endpoint {
        text.parse().unwrap()
    }

    fn now() -> Timestamp {
        Timestamp::from_second(1_770_000_000).unwrap()
    }

    #[test]
    fn what_was_pinned_is_known_next_time_until_it_is_forgotten() {
        let folder = Folder::new();
        let path = folder.path().join("recado/known_servers");
        let (one, two) = (endpoint("tcp://a:1"), endpoint("ipc:///run/my recado.sock"));
        let [first, second] = [KeyPair::generate().public(), KeyPair::generate().public()];
        let mut known = KnownServers::load(&path).unwrap();
        known.pin(&one, first, now()).unwrap();
        known.pin(&two, second, now()).unwrap();
        let mut known = KnownServers::load(&path).unwrap();
        assert_eq!(known.find(&one).map(|server| (server.key, server.since)), Some((first, now())));
        assert_eq!(known.find(&two).map(|server| server.key), Some(second));
        assert!(known.forget(&one).unwrap());
        assert!(!known.forget(&one).unwrap());
        let known = KnownServers::load(&path).unwrap();
        assert_eq!((known.find(&one), known.all().len()), (None, 1));
    }

    #[test]
    fn another_key_does_not_take_the_place_of_the_one_that_is_known() {
        let folder = Folder::new();
        let path = folder.path().join("known_servers");
        let first = KeyPair::generate().public();
        let mut known = KnownServers::load(&path).unwrap();
        known.pin(&endpoint("tcp://a:1"), first, now()).unwrap();
        known.pin(&endpoint("tcp://a:1"), KeyPair::generate().public(), now()).unwrap();
        assert_eq!(KnownServers::load(&path).unwrap().all()[0].key, first);
    }

    #[test]
    fn a_damaged_line_is_named_and_nothing_is_passed_over() {
        let key = KeyPair::generate().public();
        let line = format!("tcp://a:1 {key} 2026-02-02T02:40:00Z");
        assert_eq!(parse(&format!("# heading\n\n{line}\n")).unwrap().len(), 1);
        for end in 1..line.len() {
            assert_eq!(parse(&format!("# heading\n{}\n", &line[..end])), Err(2), "{end}");
        }
        assert_eq!(parse(&format!("{line}\n{line}\n")), Err(2));
        let folder = Folder::new();
        let path = folder.path().join("known_servers");
        super::private::replace(&path, "tcp://a:1\n").unwrap();
        let error = KnownServers::load(&path).unwrap_err();
        assert!(matches!(error, KnownServersError::Damaged { line: 1, .. }), "{error}");
    }

    #[test]
    fn what_is_written_is_read_as_the_same() {
        let folder = Folder::new();
        let mut known = KnownServers::load(&folder.path().join("known_servers")).unwrap();
        for name in ["tcp://a:1", "tcp://[::1]:5555", "ipc:///x y"] {
            known.pin(&endpoint(name), KeyPair::generate().public(), now()).unwrap();
        }
        assert_eq!(parse(&render(known.all())).as_deref(), Ok(known.all()));
    }
}
