//! What the server runs with: the command line's options as they were written, and the configuration they come to.

use std::env;
use std::fmt::{self, Display, Formatter};
use std::path::PathBuf;
use std::str::FromStr;

use recado_proto::{NameError, UserName};
use recado_zmtp::curve::KeyPair;
use recado_zmtp::{Endpoint, Host, NamedEndpoint};
use thiserror::Error;

use crate::limits::PLAIN_LISTENERS_MAX;
use crate::quota::{Quota, QuotaOptions};

/// All options of `recado server`.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// All but `--open`.
    #[command(flatten)]
    pub options: Options,

    /// Listen on addresses that other machines can reach, without encryption and without asking who connects
    #[arg(long, env = "RECADO_OPEN")]
    pub open: bool,

    /// Encrypt all, and let in only whose key is known
    #[arg(long, env = "RECADO_SECURE")]
    pub secure: bool,

    /// File with the key pair of this installation, for --secure; made if there is none [default: installation.key in recado's folder among the user's data]
    #[arg(long, value_name = "FILE", env = "RECADO_KEY")]
    pub key: Option<PathBuf>,

    /// With --secure, make a new key pair where the file of --key is missing, although the store was used with another one: every client warns of it
    #[arg(long)]
    pub new_key: bool,
}

/// The options that have a meaning of their own beside other parts' options.
#[derive(Clone, Debug, clap::Args)]
#[group(id = "server-options")]
pub struct Options {
    /// Where clients send requests (ROUTER, for REQ and DEALER): tcp://HOST:PORT or ipc://PATH
    #[arg(long, value_name = "ENDPOINT", env = "RECADO_REQUESTS", default_value = "tcp://127.0.0.1:5555")]
    pub requests: Endpoint,

    /// Where a plain bot, a program without CURVE, sends requests as the user NAME, with --secure: NAME=ipc://PATH, or NAME=tcp://127.0.0.1:PORT
    /// if everybody on this machine may be NAME; may be given more than once
    #[arg(long, value_name = "NAME=ENDPOINT", env = "RECADO_PLAIN_REQUESTS", value_delimiter = ',')]
    pub plain_requests: Vec<NamedEndpoint>,

    /// Users whom a broker in the same program lets in plainly.
    #[arg(skip)]
    pub plain_subscribers: Vec<String>,

    /// Broker to publish to (XSUB); may be given more than once
    #[arg(
        long,
        value_name = "ENDPOINT",
        env = "RECADO_BROKER",
        value_delimiter = ',',
        default_value = "tcp://127.0.0.1:5557"
    )]
    pub broker: Vec<Endpoint>,

    /// Where everything is kept: sqlite:PATH [default: sqlite:recado.db in recado's folder among the user's data]
    #[arg(long, value_name = "URL", env = "RECADO_STORE")]
    pub store: Option<StoreUrl>,

    /// Without --secure, serve a store that was used with it: whoever reaches the ports reads and writes all of it, in any name
    #[arg(long, env = "RECADO_OPEN_SECURED_STORE")]
    pub open_secured_store: bool,

    /// Name or address of this machine that links for others name, with --secure [default: one that this machine has]
    #[arg(long, value_name = "HOST", env = "RECADO_PUBLIC_ADDRESS", value_parser = Host::parse)]
    pub public_address: Option<Host>,

    /// How much users and addresses may do where security is on.
    #[command(flatten)]
    pub quotas: QuotaOptions,
}

/// A store's name, checked for its form: `sqlite:PATH`, or `sqlite:` alone for the file among the user's data.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoreUrl {
    path: Option<PathBuf>,
}

/// Why a text names no store.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum StoreUrlError {
    /// A kind of store that later versions will have.
    #[error("a store in PostgreSQL is not available yet; use sqlite:PATH")]
    NotYet,
    /// Something else.
    #[error("a store is written sqlite:PATH, not {0:?}")]
    Unknown(String),
}

/// Why a configuration cannot be. The user's to mend.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ConfigError {
    /// Other machines could reach the endpoint.
    #[error(
        "{endpoint} can be reached from other machines, and nothing is encrypted and nobody is asked who they are: \
         add --secure, or --open if that is what you want, or listen on 127.0.0.1"
    )]
    NotLoopback {
        /// The endpoint.
        endpoint: Endpoint,
    },
    /// The same broker twice would get everything twice.
    #[error("the broker {0} is given twice")]
    BrokerTwice(Endpoint),
    /// Nobody is asked for a key anyhow.
    #[error(
        "--plain-requests lets in who has no key, and without --secure nobody needs one: add --secure, or leave it out"
    )]
    PlainAndOpen,
    /// Other machines could reach a plain listener.
    #[error(
        "{endpoint} can be reached from other machines, and whoever reached it would be {user}: \
         a plain listener is ipc://PATH, or on 127.0.0.1"
    )]
    PlainNotLoopback {
        /// As whom it would let in.
        user: UserName,
        /// The endpoint.
        endpoint: Endpoint,
    },
    /// Whoever reaches a plain listener is no user.
    #[error("a plain listener lets in as a user, and {name:?} is none: {why}")]
    PlainName {
        /// What was given.
        name: String,
        /// What is wrong with it.
        why: NameError,
    },
    /// More than there can be.
    #[error("there are at most {PLAIN_LISTENERS_MAX} plain listeners")]
    PlainTooMany,
    /// Two listeners would have one endpoint.
    #[error("two listeners cannot have the same endpoint, {0}")]
    SameEndpoint(Endpoint),
    /// There is no folder for the user's data.
    #[error(
        "there is no HOME and no XDG_DATA_HOME to keep the store in; name a file with --store sqlite:PATH"
    )]
    NoDataFolder,
}

/// Who may reach what.
#[derive(Clone, Debug, Default)]
pub enum Protection {
    /// Only this machine, since nobody is asked who they are.
    #[default]
    Loopback,
    /// Anybody, though nobody is asked who they are.
    Open,
    /// Those whose key is known, with the installation's own keys.
    Secured(KeyPair),
}

/// A validated configuration.
#[derive(Clone, Debug)]
pub struct Config {
    pub(crate) requests: Endpoint,
    pub(crate) brokers: Vec<Endpoint>,
    pub(crate) store: PathBuf,
    pub(crate) store_is_default: bool,
    /// Whether a store that was used with security is served without it.
    pub(crate) opens_secured_store: bool,
    /// The installation's keys, where security is on.
    pub(crate) keys: Option<KeyPair>,
    /// How much each may do, where security is on; none if nothing is counted.
    pub(crate) quota: Option<Quota>,
    /// Whom plain listeners let in, where security is on.
    pub(crate) plain: Vec<PlainBot>,
}

/// A user as whom a plain listener lets in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PlainBot {
    pub(crate) user: UserName,
    /// Where requests come in; none if only a broker lets in.
    pub(crate) requests: Option<Endpoint>,
}

impl Config {
    /// Checks all of it.
    pub fn new(
        requests: Endpoint,
        brokers: Vec<Endpoint>,
        store: &StoreUrl,
        protection: Protection,
    ) -> Result<Config, ConfigError> {
        let keys = match protection {
            Protection::Loopback if !requests.is_loopback() => {
                return Err(ConfigError::NotLoopback { endpoint: requests });
            }
            Protection::Loopback | Protection::Open => None,
            Protection::Secured(keys) => Some(keys),
        };
        for (index, broker) in brokers.iter().enumerate() {
            if brokers[..index].contains(broker) {
                return Err(ConfigError::BrokerTwice(broker.clone()));
            }
        }
        let store_is_default = store.path.is_none();
        let (quota, plain) = (QuotaOptions::default().quota(), Vec::new());
        let opens_secured_store = false;
        let store = store.path()?;
        Ok(Config { requests, brokers, store, store_is_default, opens_secured_store, keys, quota, plain })
    }

    /// The same with plain listeners for requests; and with users whom only a broker lets in plainly.
    pub fn with_plain(
        mut self,
        listeners: Vec<NamedEndpoint>,
        subscribers: Vec<String>,
    ) -> Result<Config, ConfigError> {
        if !listeners.is_empty() && self.keys.is_none() {
            return Err(ConfigError::PlainAndOpen);
        }
        let listeners = listeners.into_iter().map(|NamedEndpoint { name, endpoint }| (name, Some(endpoint)));
        let subscribers = subscribers.into_iter().map(|name| (name, None));
        for (name, requests) in listeners.chain(subscribers) {
            let user = UserName::parse(&name).map_err(|why| ConfigError::PlainName { name, why })?;
            match &requests {
                Some(endpoint) => self.check_plain(&user, endpoint)?,
                None if self.plain.iter().any(|known| known.user == user) => continue,
                None => {}
            }
            self.plain.push(PlainBot { user, requests });
        }
        if self.plain.len() > PLAIN_LISTENERS_MAX { Err(ConfigError::PlainTooMany) } else { Ok(self) }
    }

    fn check_plain(&self, user: &UserName, endpoint: &Endpoint) -> Result<(), ConfigError> {
        if !endpoint.is_loopback() {
            return Err(ConfigError::PlainNotLoopback { user: user.clone(), endpoint: endpoint.clone() });
        }
        let system_chooses = matches!(endpoint, Endpoint::Tcp { port: 0, .. });
        let mut others = self.plain.iter().filter_map(|known| known.requests.as_ref());
        if !system_chooses && (*endpoint == self.requests || others.any(|other| other == endpoint)) {
            return Err(ConfigError::SameEndpoint(endpoint.clone()));
        }
        Ok(())
    }
}

impl Options {
    /// The configuration that these options come to.
    pub fn into_config(self, protection: Protection) -> Result<Config, ConfigError> {
        let config = Config::new(self.requests, self.broker, &self.store.unwrap_or_default(), protection)?;
        let config = config.with_plain(self.plain_requests, self.plain_subscribers)?;
        let (quota, opens_secured_store) = (self.quotas.quota(), self.open_secured_store);
        Ok(Config { quota, opens_secured_store, ..config })
    }
}

impl StoreUrl {
    /// The file, which for `sqlite:` alone is `recado/recado.db` under `XDG_DATA_HOME` or `~/.local/share`.
    pub fn path(&self) -> Result<PathBuf, ConfigError> {
        if let Some(path) = &self.path {
            return Ok(path.clone());
        }
        // The XDG specification says to ignore what is not absolute.
        let folder = |name: &str| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let data = folder("XDG_DATA_HOME")
            .or_else(|| folder("HOME").map(|home| home.join(".local/share")))
            .ok_or(ConfigError::NoDataFolder)?;
        Ok(data.join("recado/recado.db"))
    }
}

impl FromStr for StoreUrl {
    type Err = StoreUrlError;

    fn from_str(text: &str) -> Result<Self, StoreUrlError> {
        match text.split_once(':') {
            Some(("sqlite", "")) => Ok(Self { path: None }),
            Some(("sqlite", path)) => Ok(Self { path: Some(PathBuf::from(path)) }),
            Some(("postgres" | "postgresql", _)) => Err(StoreUrlError::NotYet),
            _ => Err(StoreUrlError::Unknown(text.to_owned())),
        }
    }
}

impl Display for StoreUrl {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.path {
            Some(path) => write!(f, "sqlite:{}", path.display()),
            None => f.write_str("sqlite:"),
        }
    }
}

impl From<PathBuf> for StoreUrl {
    fn from(path: PathBuf) -> Self {
        Self { path: Some(path) }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use clap::Parser;
    use recado_zmtp::curve::KeyPair;

    use super::{Args, Config, Protection, StoreUrl, StoreUrlError};

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        args: Args,
    }

    fn config(line: &str) -> Result<Config, String> {
        let words = std::iter::once("server").chain(line.split_whitespace());
        let Cli { args } = Cli::try_parse_from(words).map_err(|error| error.to_string())?;
        let protection = if args.secure {
            Protection::Secured(KeyPair::generate())
        } else if args.open {
            Protection::Open
        } else {
            Protection::Loopback
        };
        args.options.into_config(protection).map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_given_is_taken() {
        let config =
            config("--requests tcp://127.0.0.1:0 --broker tcp://a:1 --broker ipc://b --store sqlite:x/y.db");
        let config = config.unwrap();
        assert_eq!(config.requests.to_string(), "tcp://127.0.0.1:0");
        assert_eq!(config.brokers.len(), 2);
        assert_eq!((config.store.as_path(), config.store_is_default), (Path::new("x/y.db"), false));
        assert!(self::config("--requests tcp://0.0.0.0:1 --open --store sqlite:x").unwrap().keys.is_none());
        assert!(self::config("--requests tcp://0.0.0.0:1 --secure --store sqlite:x").unwrap().keys.is_some());
    }

    #[test]
    fn what_cannot_be_is_refused_with_a_sentence() {
        let check = |line: &str, part: &str| {
            let error = config(line).unwrap_err();
            assert!(error.contains(part), "{line}: {error}");
        };
        check("--requests tcp://0.0.0.0:1 --store sqlite:x", "--open");
        check("--requests tcp://*:1 --store sqlite:x", "--secure");
        check("--requests nonsense", "nonsense");
        check("--broker tcp://a:1 --broker tcp://a:1 --store sqlite:x", "twice");
        check("--store postgres://localhost/recado", "not available yet");
        check("--store /var/lib/recado.db", "sqlite:PATH");
    }

    #[test]
    fn plain_listeners_are_for_secured_systems_and_for_this_machine() {
        let plain = |line: &str| config(&format!("--secure --store sqlite:x {line}"));
        let given =
            plain("--plain-requests ci=ipc://a --plain-requests ci=tcp://127.0.0.1:*,log=tcp://[::1]:*");
        let names: Vec<_> = given.unwrap().plain.iter().map(|bot| bot.user.to_string()).collect();
        assert_eq!(names, ["ci", "ci", "log"]);
        let check = |line: &str, part: &str| {
            let error = plain(line).unwrap_err();
            assert!(error.contains(part), "{line}: {error}");
        };
        check("--plain-requests ci=tcp://0.0.0.0:1", "whoever reached it would be ci");
        check("--plain-requests ci=tcp://*:1", "127.0.0.1");
        check("--plain-requests _ci=ipc://a", "cannot begin with `_`");
        check("--plain-requests ipc://a", "names nobody");
        check("--plain-requests ci=nonsense", "nonsense");
        check("--plain-requests ci=ipc://a,log=ipc://a", "same endpoint");
        check("--plain-requests ci=tcp://127.0.0.1:5555", "same endpoint");
        let many: Vec<_> = (0..17).map(|number| format!("ci=ipc://{number}")).collect();
        check(&format!("--plain-requests {}", many.join(",")), "at most 16");
        for line in ["", "--open "] {
            let error = config(&format!("{line}--store sqlite:x --plain-requests ci=ipc://a")).unwrap_err();
            assert!(error.contains("add --secure"), "{error}");
        }
    }

    #[test]
    fn users_whom_a_broker_alone_lets_in_are_users_too() {
        let keys = Protection::Secured(KeyPair::generate());
        let store = "sqlite:x".parse::<StoreUrl>().unwrap();
        let config = Config::new("ipc://r".parse().unwrap(), Vec::new(), &store, keys).unwrap();
        let listeners = vec!["ci=ipc://a".parse().unwrap()];
        let config = config.with_plain(listeners, vec![" ci ".to_owned(), "log".to_owned()]).unwrap();
        let plain: Vec<_> = config.plain.iter().map(|it| (it.user.as_str(), it.requests.is_some())).collect();
        assert_eq!(plain, [("ci", true), ("log", false)]);
    }

    #[test]
    fn a_store_is_written_as_it_is_read() {
        for text in ["sqlite:", "sqlite:recado.db", "sqlite:/var/lib/recado.db", "sqlite:C:x"] {
            assert_eq!(text.parse::<StoreUrl>().unwrap().to_string(), text);
        }
        assert_eq!("postgresql://x".parse::<StoreUrl>(), Err(StoreUrlError::NotYet));
        assert!("recado.db".parse::<StoreUrl>().is_err());
    }
}
