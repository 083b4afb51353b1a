//! How a session comes to its security: what is known of the server, what it says of itself, and whom one asks. Done once at a program's
//! start.

use std::path::PathBuf;

use jiff::Timestamp;
use recado_zmtp::Endpoint;
use recado_zmtp::curve::{Asked, KeyPair, PublicKey, Security, ask_key};

use super::args::DeviceArgs;
use super::file::{KeyFileError, forget_keys, load_keys, load_or_make_keys};
use super::known::KnownServers;
use super::trust::{Distrust, Expected, SecurityError, judge};
use crate::{asking, limits, paths};

/// What is said in a device's key file.
const DEVICE_COMMENT: &str = "The key of this device for Recado. Whoever has it is you: show it to nobody.";

/// Where keys are, and which key the server must have if that was said.
#[derive(Clone, Debug, Default)]
pub struct Trust {
    /// This device's key file; the usual one if it is none.
    pub device_key: Option<PathBuf>,
    /// The server's key.
    pub server_key: Option<PublicKey>,
}

impl From<DeviceArgs> for Trust {
    fn from(args: DeviceArgs) -> Self {
        Self { device_key: args.device_key, server_key: args.server_key }
    }
}

impl Trust {
    /// This device's keys, made if there are none.
    pub fn device_keys(&self) -> Result<KeyPair, KeyFileError> {
        load_or_make_keys(&self.device_key_path()?, DEVICE_COMMENT)
    }

    /// This device's keys if it has some, otherwise some for this once.
    fn passing_keys(&self) -> Result<KeyPair, KeyFileError> {
        Ok(load_keys(&self.device_key_path()?)?.unwrap_or_else(KeyPair::generate))
    }

    /// Removes this device's keys: the next ones are new.
    pub(crate) fn forget_device_keys(&self) -> Result<(), KeyFileError> {
        forget_keys(&self.device_key_path()?)
    }

    fn device_key_path(&self) -> Result<PathBuf, KeyFileError> {
        let usual = || paths::data_folder().map(|folder| folder.join(paths::DEVICE_KEY));
        self.device_key.clone().or_else(usual).ok_or(KeyFileError::NoDataFolder { option: "--device-key" })
    }

    /// The key that one of these servers is known with, or that was said.
    pub fn server_key(&self, servers: &[Endpoint]) -> Result<Option<PublicKey>, SecurityError> {
        match self.server_key {
            Some(key) => Ok(Some(key)),
            None => match paths::data_folder() {
                Some(folder) => known_key(&KnownServers::load(&folder.join(paths::KNOWN_SERVERS))?, servers),
                None => Ok(None),
            },
        }
    }
}

/// What a session with these servers is secured by. A server that is known is taken at its word, which its handshake proves; one that is not is
/// asked, and a person, if there is one, whether to trust it.
///
/// # Errors
/// The server is secured and not trusted, or a file of keys is of no use.
pub async fn secure(servers: &[Endpoint], trust: &Trust) -> Result<Security, SecurityError> {
    if let Some(server) = trust.server_key(servers)? {
        return Ok(Security::CurveClient { keys: trust.device_keys()?, server });
    }
    let Some((endpoint, key)) = ask_first(servers).await else { return Ok(Security::Null) };
    let met = Unmet { endpoint: endpoint.clone(), key };
    match met.is_trusted().await {
        Ok(true) => {}
        Ok(false) => return Err(SecurityError::Declined { endpoint }),
        Err(NobodyToAsk) => {
            return Err(SecurityError::Unknown { endpoint, key, fingerprint: key.fingerprint() });
        }
    }
    remember(&endpoint, key)?;
    Ok(Security::CurveClient { keys: trust.device_keys()?, server: key })
}

/// As [`secure`], for who only wants to know whether the server is there: a key that is not known is taken as it is, and nothing is kept.
pub async fn secure_in_passing(servers: &[Endpoint], trust: &Trust) -> Result<Security, SecurityError> {
    let known = trust.server_key(servers)?;
    let server = match known {
        Some(key) => Some(key),
        None => ask_first(servers).await.map(|(_, key)| key),
    };
    Ok(match server {
        Some(server) => Security::CurveClient { keys: trust.passing_keys()?, server },
        None => Security::Null,
    })
}

/// Why a server that should be there cannot be talked with, if that is because it is another one.
pub async fn distrust(endpoint: &Endpoint, security: &Security) -> Option<Distrust> {
    let expected = Expected::of(security)?;
    let asked = ask_key(endpoint, limits::ASK_KEY_PATIENCE).await.ok()?;
    judge(endpoint, expected, &asked).err()
}

/// Remembers the key of a server that is trusted.
pub(crate) fn remember(endpoint: &Endpoint, key: PublicKey) -> Result<(), SecurityError> {
    let Some(folder) = paths::data_folder() else { return Ok(()) };
    let mut known = KnownServers::load(&folder.join(paths::KNOWN_SERVERS))?;
    Ok(known.pin(endpoint, key, Timestamp::now())?)
}

/// The key that these servers are known with. They are of one system, and have one key.
fn known_key(known: &KnownServers, servers: &[Endpoint]) -> Result<Option<PublicKey>, SecurityError> {
    let mut found: Option<(&Endpoint, PublicKey)> = None;
    for server in servers.iter().filter_map(|endpoint| known.find(endpoint)) {
        match found {
            Some((one, key)) if key != server.key => {
                return Err(SecurityError::TwoSystems { one: one.clone(), other: server.endpoint.clone() });
            }
            Some(_) => {}
            None => found = Some((&server.endpoint, server.key)),
        }
    }
    Ok(found.map(|(_, key)| key))
}

/// The first of these servers that says that it is secured, and its key. The first that is open decides as well.
async fn ask_first(servers: &[Endpoint]) -> Option<(Endpoint, PublicKey)> {
    for endpoint in servers {
        match ask_key(endpoint, limits::ASK_KEY_PATIENCE).await {
            Ok(Asked::Secured(key)) => return Some((endpoint.clone(), key)),
            Ok(Asked::Open) => return None,
            Ok(Asked::Other(_)) | Err(_) => {}
        }
    }
    None
}

/// A secured server that was not met before.
struct Unmet {
    endpoint: Endpoint,
    key: PublicKey,
}

/// There is no terminal.
struct NobodyToAsk;

impl Unmet {
    /// Asks whoever sits at the terminal.
    async fn is_trusted(&self) -> Result<bool, NobodyToAsk> {
        if !asking::is_somebody_there() {
            return Err(NobodyToAsk);
        }
        let question = format!(
            "{} is secured, and you have not met it before.\n  its fingerprint  {}\n\
             Compare it with what whoever runs the server says. Trust it from now on (yes or no)? ",
            self.endpoint,
            self.key.fingerprint()
        );
        // A terminal that fails has said nothing.
        Ok(asking::is_yes(&question).await.unwrap_or(false))
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use recado_zmtp::Endpoint;
    use recado_zmtp::curve::KeyPair;

    use super::super::known::KnownServers;
    use super::super::testing::Folder;
    use super::{SecurityError, Trust, known_key};

    #[test]
    fn servers_of_one_system_have_one_key() {
        let folder = Folder::new();
        let endpoints: Vec<Endpoint> =
            ["tcp://a:1", "tcp://b:1", "tcp://c:1"].map(|text| text.parse().unwrap()).to_vec();
        let key = KeyPair::generate().public();
        let mut known = KnownServers::load(&folder.path().join("known_servers")).unwrap();
        assert_eq!(known_key(&known, &endpoints).unwrap(), None);
        known.pin(&endpoints[1], key, Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!(known_key(&known, &endpoints).unwrap(), Some(key));
        known.pin(&endpoints[2], KeyPair::generate().public(), Timestamp::UNIX_EPOCH).unwrap();
        assert!(matches!(known_key(&known, &endpoints), Err(SecurityError::TwoSystems { .. })));
        assert_eq!(known_key(&known, &endpoints[..2]).unwrap(), Some(key));
    }

    #[test]
    fn a_key_for_this_once_leaves_no_file() {
        let folder = Folder::new();
        let path = folder.path().join("device.key");
        let trust = Trust { device_key: Some(path.clone()), server_key: None };
        let [one, two] = [(); 2].map(|()| trust.passing_keys().unwrap().public());
        assert!(one != two && !path.exists());
        let made = trust.device_keys().unwrap().public();
        assert_eq!(trust.passing_keys().unwrap().public(), made);
    }
}
