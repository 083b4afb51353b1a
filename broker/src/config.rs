//! What the broker runs with: endpoints and limits that fit together.

use bytes::{Bytes, BytesMut};
use recado_zmtp::Endpoint;
use recado_zmtp::codec::FrameHeader;
use thiserror::Error;

use crate::limits::{CHUNK_BYTES, HOLD_BYTES, Limits, REMEMBERED_SUBSCRIBERS_MAX, WELCOME_BYTES_MAX};

/// A validated configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    publishers: Endpoint,
    subscribers: Endpoint,
    limits: Limits,
    welcome: Bytes,
}

/// Why a configuration cannot be. The user's to mend.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ConfigError {
    /// Other machines could reach the endpoint.
    #[error(
        "{endpoint} can be reached from other machines, and nothing is encrypted and nobody is asked who they are: \
         add --open if that is what you want, or listen on 127.0.0.1"
    )]
    NotLoopback {
        /// The endpoint.
        endpoint: Endpoint,
    },
    /// Both sides would listen on one endpoint.
    #[error("publishers and subscribers cannot have the same endpoint, {0}")]
    SameEndpoint(Endpoint),
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
        for endpoint in [&publishers, &subscribers] {
            if !open && !endpoint.is_loopback() {
                return Err(ConfigError::NotLoopback { endpoint: endpoint.clone() });
            }
        }
        let system_chooses = matches!(publishers, Endpoint::Tcp { port: 0, .. });
        if publishers == subscribers && !system_chooses {
            return Err(ConfigError::SameEndpoint(publishers));
        }
        check(&limits)?;
        Ok(Config { publishers, subscribers, limits, welcome: Bytes::new() })
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

    /// Where publishers connect.
    pub fn publishers(&self) -> &Endpoint {
        &self.publishers
    }

    /// Where subscribers connect.
    pub fn subscribers(&self) -> &Endpoint {
        &self.subscribers
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

/// What can be borrowed without thought; a configuration above it would only pretend to be a limit.
const BYTES_MOST: usize = 1 << 40;

fn check(limits: &Limits) -> Result<(), ConfigError> {
    let queue_messages = usize::try_from(limits.queue_messages_max).unwrap_or(usize::MAX);
    let bounds = [
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
