//! What a session needs to know before it begins.

use std::time::Duration;

use recado_proto::{UserName, limits as wire_limits};
use recado_zmtp::curve::Security;
use recado_zmtp::{Endpoint, SocketOptions};

use crate::limits;

use super::requests::Patience;

/// Where a session connects, as whom, and how patient it is.
#[derive(Clone, Debug)]
pub struct SessionConfig {
    /// Servers to send requests to, one at least. A session keeps to one while it answers, and begins with any of them.
    pub servers: Vec<Endpoint>,
    /// Brokers to receive publications from; several each deliver everything, and repeats are dropped. With none the
    /// session only sends.
    pub brokers: Vec<Endpoint>,
    /// Who speaks, if it is known before [`super::Session::login`].
    pub user: Option<UserName>,
    /// How long one attempt of a request waits for its reply.
    pub request_timeout: Duration,
    /// How often a request is sent in all; at least once.
    pub attempts_max: u32,
    /// The pause before the second attempt; doubles each time, with jitter.
    pub retry_first: Duration,
    /// The longest pause between two attempts.
    pub retry_max: Duration,
    /// How many events may wait for the owner; see [`limits::EVENTS_MAX`].
    pub events_max: usize,
    /// Whether messages lost on their way are fetched from history.
    pub repair: bool,
    /// How connections are secured, to servers and brokers alike: they are of one system, and have one key.
    pub security: Security,
}

impl SessionConfig {
    /// The usual patience for these servers and brokers, in the open, nobody logged in.
    pub fn new(servers: Vec<Endpoint>, brokers: Vec<Endpoint>) -> Self {
        Self {
            servers,
            brokers,
            user: None,
            request_timeout: limits::REQUEST_TIMEOUT,
            attempts_max: limits::ATTEMPTS_MAX,
            retry_first: limits::RETRY_FIRST,
            retry_max: limits::RETRY_MAX,
            events_max: limits::EVENTS_MAX,
            repair: true,
            security: Security::Null,
        }
    }

    /// Whether the servers know by a key who one is.
    pub fn is_secured(&self) -> bool {
        match self.security {
            Security::Null | Security::NullAs(_) => false,
            Security::CurveClient { .. } | Security::CurveServer(_) => true,
        }
    }

    pub(crate) fn patience(&self) -> Patience {
        Patience {
            attempt_timeout: self.request_timeout,
            attempts_max: self.attempts_max.max(1),
            retry_first: self.retry_first,
            retry_max: self.retry_max,
        }
    }
}

/// How publications are connected.
pub(crate) fn subscriber_options(security: &Security) -> SocketOptions {
    SocketOptions { security: security.clone(), ..SocketOptions::default() }
}

/// How requests are connected: the longest reply has to fit.
pub(crate) fn request_options(security: &Security) -> SocketOptions {
    SocketOptions {
        security: security.clone(),
        message_bytes_max: REPLY_FRAMES_BYTES_MAX,
        receive_queue_bytes_max: 2 * REPLY_FRAMES_BYTES_MAX,
        ..SocketOptions::default()
    }
}

/// A reply's frame and whatever stands before it.
const REPLY_FRAMES_BYTES_MAX: usize = wire_limits::REPLY_BYTES_MAX + 1024;
