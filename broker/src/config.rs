//! What the broker runs with: endpoints and limits that fit together.

use bytes::{Bytes, BytesMut};
use recado_zmtp::codec::FrameHeader;
use recado_zmtp::curve::{KeyPair, PublicKey};
use recado_zmtp::{Endpoint, NamedEndpoint};
use thiserror::Error;

use crate::limits::{
    CHUNK_BYTES, HOLD_BYTES, Limits, PLAIN_LISTENERS_MAX, REMEMBERED_SUBSCRIBERS_MAX, WELCOME_BYTES_MAX,
    WORKERS_MAX,
};

/// A validated configuration.
#[derive(Clone, Debug)]
pub struct Config {
    publishers: Endpoint,
    subscribers: Endpoint,
    status: Option<Endpoint>,
    open: bool,
    limits: Limits,
    welcome: Bytes,
    /// The installation's keys, where security is on.
    keys: Option<KeyPair>,
    plain: Vec<PlainSubscribers>,
}

/// A listener for subscribers without a key.
#[derive(Clone, Debug)]
pub(crate) struct PlainSubscribers {
    /// As whom they are let in.
    pub(crate) name: String,
    /// What stands in for their key.
    pub(crate) key: PublicKey,
    pub(crate) endpoint: Endpoint,
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
    /// Two sockets would listen on one endpoint.
    #[error("publishers, subscribers, plain subscribers and status cannot have the same endpoint, {0}")]
    SameEndpoint(Endpoint),
    /// Nobody is asked for a key anyhow.
    #[error(
        "--plain-subscribers lets in who has no key, and without --secure nobody needs one: add --secure, or leave it out"
    )]
    PlainAndOpen,
    /// Other machines could reach a plain listener.
    #[error(
        "{endpoint} can be reached from other machines, and whoever reached it would be {name}: \
         a plain listener is ipc://PATH, or on 127.0.0.1"
    )]
    PlainNotLoopback {
        /// As whom it would let in.
        name: String,
        /// The endpoint.
        endpoint: Endpoint,
    },
    /// More than there can be.
    #[error("there are at most {PLAIN_LISTENERS_MAX} plain listeners")]
    PlainTooMany,
    /// What one gets may not be for the other.
    #[error(
        "--last-value hands on what was said before as soon as somebody subscribes, and --secure asks a server first who may hear it: \
         they do not go together. Leave --last-value out; clients fetch what was said before with `history`"
    )]
    LastValueSecured,
    /// A limit is too small to work with.
    #[error("{name} must be at least {least}")]
    TooSmall {
        /// The option's name.
        name: &'static str,
        /// The smallest value that works.
        least: usize,
    },
    /// A limit is larger than the broker is made for.
    #[error("{name} must be at most {most}")]
    TooLarge {
        /// The option's name.
        name: &'static str,
        /// The largest value that works.
        most: usize,
    },
}

impl Config {
    /// Checks all of it. `open` permits endpoints that are not loopback.
    pub fn new(
        publishers: Endpoint,
        subscribers: Endpoint,
        open: bool,
        limits: Limits,
    ) -> Result<Config, ConfigError> {
        check_reach(&publishers, open)?;
        check_reach(&subscribers, open)?;
        check_distinct(&publishers, &[&subscribers])?;
        check(&limits)?;
        let (status, welcome, keys, plain) = (None, Bytes::new(), None, Vec::new());
        Ok(Config { publishers, subscribers, status, open, limits, welcome, keys, plain })
    }

    /// With security: everything is sealed, only servers with the same keys publish, and only users subscribe, to what they may hear.
    /// Then any address may be listened on.
    pub fn secured(
        publishers: Endpoint,
        subscribers: Endpoint,
        keys: KeyPair,
        limits: Limits,
    ) -> Result<Config, ConfigError> {
        if limits.last_value_bytes_max.is_some() {
            return Err(ConfigError::LastValueSecured);
        }
        Ok(Config { keys: Some(keys), ..Config::new(publishers, subscribers, true, limits)? })
    }

    /// The installation's keys, where security is on.
    pub fn keys(&self) -> Option<&KeyPair> {
        self.keys.as_ref()
    }

    /// The same with listeners of this machine whose subscribers have no key: who reaches one is let in under its name.
    pub fn with_plain(mut self, listeners: Vec<NamedEndpoint>) -> Result<Config, ConfigError> {
        if listeners.len() > PLAIN_LISTENERS_MAX {
            return Err(ConfigError::PlainTooMany);
        }
        for NamedEndpoint { name, endpoint } in listeners {
            let Some(keys) = &self.keys else { return Err(ConfigError::PlainAndOpen) };
            if !endpoint.is_loopback() {
                return Err(ConfigError::PlainNotLoopback { name, endpoint });
            }
            check_distinct(&endpoint, &self.endpoints())?;
            let key = keys.stand_in(&name);
            self.plain.push(PlainSubscribers { name, key, endpoint });
        }
        Ok(self)
    }

    /// The same, and the status can be asked for at `endpoint`.
    pub fn with_status(self, endpoint: Endpoint) -> Result<Config, ConfigError> {
        check_reach(&endpoint, self.open)?;
        check_distinct(&endpoint, &self.endpoints())?;
        Ok(Config { status: Some(endpoint), ..self })
    }

    /// The same, and every subscriber gets `text` first, as a message of one frame, whatever it subscribes to.
    pub fn with_welcome(self, text: &str) -> Result<Config, ConfigError> {
        if text.len() > WELCOME_BYTES_MAX {
            return Err(ConfigError::TooLarge { name: "--welcome-message", most: WELCOME_BYTES_MAX });
        }
        let mut welcome = BytesMut::new();
        FrameHeader::message(false, text.len()).encode(&mut welcome);
        welcome.extend_from_slice(text.as_bytes());
        Ok(Config { welcome: welcome.freeze(), ..self })
    }

    fn endpoints(&self) -> Vec<&Endpoint> {
        let plain = self.plain.iter().map(|plain| &plain.endpoint);
        [&self.publishers, &self.subscribers].into_iter().chain(&self.status).chain(plain).collect()
    }

    /// Where subscribers without a key connect.
    pub(crate) fn plain(&self) -> &[PlainSubscribers] {
        &self.plain
    }

    /// Where publishers connect.
    pub fn publishers(&self) -> &Endpoint {
        &self.publishers
    }

    /// Where subscribers connect.
    pub fn subscribers(&self) -> &Endpoint {
        &self.subscribers
    }

    /// Where the status can be asked for, if anywhere.
    pub fn status(&self) -> Option<&Endpoint> {
        self.status.as_ref()
    }

    /// What every subscriber gets first, as it is on the wire; perhaps nothing.
    pub fn welcome(&self) -> &Bytes {
        &self.welcome
    }

    /// The bounds.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }
}

fn check_reach(endpoint: &Endpoint, open: bool) -> Result<(), ConfigError> {
    if open || endpoint.is_loopback() {
        Ok(())
    } else {
        Err(ConfigError::NotLoopback { endpoint: endpoint.clone() })
    }
}

fn check_distinct(endpoint: &Endpoint, others: &[&Endpoint]) -> Result<(), ConfigError> {
    let system_chooses = matches!(endpoint, Endpoint::Tcp { port: 0, .. });
    if others.contains(&endpoint) && !system_chooses {
        Err(ConfigError::SameEndpoint(endpoint.clone()))
    } else {
        Ok(())
    }
}

/// What can be borrowed without thought; a configuration above it would only pretend to be a limit.
const BYTES_MOST: usize = 1 << 40;

fn check(limits: &Limits) -> Result<(), ConfigError> {
    let queue_messages = usize::try_from(limits.queue_messages_max).unwrap_or(usize::MAX);
    let bounds = [
        ("--broker-workers", limits.workers, 1, WORKERS_MAX),
        ("--publication-max", limits.message_bytes_max, 1, BYTES_MOST),
        ("--publication-frames-max", limits.message_frames_max, 1, BYTES_MOST),
        ("--unfinished-max", limits.inbound_bytes_max, 1, BYTES_MOST),
        ("--subscriptions-size", limits.subscription_bytes_total_max, 1 << 20, BYTES_MOST),
        ("--last-value-size", limits.last_value_bytes_max.unwrap_or(1), 1, BYTES_MOST),
        (
            "--broker-connections-per-address",
            limits.connections_per_address_max,
            1,
            REMEMBERED_SUBSCRIBERS_MAX,
        ),
        ("--broker-connections-per-user", limits.connections_per_user_max, 1, REMEMBERED_SUBSCRIBERS_MAX),
        ("--broker-handshakes-max", limits.handshakes_max, 1, REMEMBERED_SUBSCRIBERS_MAX),
        ("--topic-max", limits.topic_bytes_max, 1, 1 << 20),
        ("--subscriptions-max", limits.subscriptions_max, 1, 1 << 30),
        ("--subscriber-queue", limits.queue_bytes_max, CHUNK_BYTES, BYTES_MOST),
        ("--subscriber-queue-messages", queue_messages, 1, BYTES_MOST),
        ("--subscriber-queues", limits.queue_bytes_total_max, HOLD_BYTES, BYTES_MOST),
        ("--broker-connections-max", limits.connections_max, 1, REMEMBERED_SUBSCRIBERS_MAX),
    ];
    for (name, value, least, most) in bounds {
        if value < least {
            return Err(ConfigError::TooSmall { name, least });
        }
        if value > most {
            return Err(ConfigError::TooLarge { name, most });
        }
    }
    Ok(())
}
