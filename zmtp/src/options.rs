//! What a socket's user may choose.

use std::time::Duration;

use bytes::Bytes;

use crate::codec::{HandshakeConfig, MessageLimits, SocketType};
use crate::curve::Security;
use crate::limits;

/// A socket's options. The defaults are in [`limits`].
#[derive(Clone, Debug)]
pub struct SocketOptions {
    /// The name this socket gives itself; empty for none. At most 255 bytes, the first not zero: otherwise every
    /// handshake is refused by peers that check.
    pub identity: Bytes,
    /// How its connections are secured. A listener lets in whoever proves to have any key, unless its
    /// [`Gatekeeper`](crate::Gatekeeper) says otherwise; [`Router::peer`](crate::Router::peer) says which.
    pub security: Security,
    /// Messages that may wait to be written to one peer. At the limit Router refuses with
    /// [`SendError::QueueFull`](crate::SendError::QueueFull), Dealer and Publisher wait, and
    /// [`Publisher::try_send`](crate::Publisher::try_send) drops.
    pub send_queue_messages_max: usize,
    /// Bytes that may wait to be written to one peer, as above; one message may pass it, so that a large one is never
    /// stuck.
    pub send_queue_bytes_max: usize,
    /// Received messages that may wait to be taken, of all peers of the socket; at the limit the socket stops
    /// reading, and the peers' own queues fill.
    pub receive_queue_messages_max: usize,
    /// Bytes of received messages that may wait to be taken, as above.
    pub receive_queue_bytes_max: usize,
    /// Bytes of a received message, the sum of its frames; a larger one ends the connection.
    pub message_bytes_max: usize,
    /// Frames of a received message; more end the connection.
    pub message_frames_max: usize,
    /// Connections at the endpoint that a socket is bound to; one more is closed at once.
    pub connections_max: usize,
    /// Connections of a listening socket from one address; one more is closed at once.
    pub connections_per_address_max: usize,
    /// Handshakes under way in a listening socket, an eighth of them from one address; further connections wait.
    pub handshakes_max: usize,
    /// From accepting or connecting until the handshake's end; then the connection is closed.
    pub handshake_timeout: Duration,
    /// Between two PINGs to a peer; `None` sends none.
    pub heartbeat_interval: Option<Duration>,
    /// Without a byte after a PING; then the connection is closed.
    pub heartbeat_timeout: Duration,
    /// Before the first reconnection; it doubles each time, and half of it is random.
    pub reconnect_first: Duration,
    /// What the wait between reconnections grows to.
    pub reconnect_max: Duration,
    /// What it grows to where the peer says that our key is not welcome.
    pub reconnect_refused_max: Duration,
    /// How long closing waits for the queues to be written; what is left then is dropped.
    pub linger: Duration,
    /// Publisher: whether only what a peer subscribed to is sent to it. Without the filter every connected peer gets
    /// every message: for a broker, which filters by itself, nothing is lost while subscriptions travel.
    pub publish_filter: bool,
    /// Topics one peer of a Publisher may have subscribed to; one more ends its connection.
    pub subscriptions_max: usize,
    /// Bytes of all those topics; more end its connection.
    pub subscriptions_bytes_max: usize,
}

impl Default for SocketOptions {
    fn default() -> Self {
        Self {
            identity: Bytes::new(),
            security: Security::Null,
            send_queue_messages_max: limits::SEND_QUEUE_MESSAGES_MAX,
            send_queue_bytes_max: limits::SEND_QUEUE_BYTES_MAX,
            receive_queue_messages_max: limits::RECEIVE_QUEUE_MESSAGES_MAX,
            receive_queue_bytes_max: limits::RECEIVE_QUEUE_BYTES_MAX,
            message_bytes_max: limits::MESSAGE_BYTES_MAX,
            message_frames_max: limits::MESSAGE_FRAMES_MAX,
            connections_max: limits::CONNECTIONS_MAX,
            connections_per_address_max: limits::CONNECTIONS_PER_ADDRESS_MAX,
            handshakes_max: limits::HANDSHAKES_MAX,
            handshake_timeout: Duration::from_millis(limits::HANDSHAKE_TIMEOUT_MS),
            heartbeat_interval: Some(Duration::from_millis(limits::HEARTBEAT_INTERVAL_MS)),
            heartbeat_timeout: Duration::from_millis(limits::HEARTBEAT_TIMEOUT_MS),
            reconnect_first: Duration::from_millis(limits::RECONNECT_FIRST_MS),
            reconnect_max: Duration::from_millis(limits::RECONNECT_MAX_MS),
            reconnect_refused_max: Duration::from_millis(limits::RECONNECT_REFUSED_MAX_MS),
            linger: Duration::from_millis(limits::LINGER_MS),
            publish_filter: true,
            subscriptions_max: limits::SUBSCRIPTIONS_MAX,
            subscriptions_bytes_max: limits::SUBSCRIPTIONS_BYTES_MAX,
        }
    }
}

impl SocketOptions {
    pub(crate) fn handshake(&self, socket_type: SocketType) -> HandshakeConfig {
        HandshakeConfig {
            socket_type,
            identity: self.identity.clone(),
            security: self.security.clone(),
            frame_bytes_max: self.message_limits().frame_bytes_max(),
        }
    }

    pub(crate) fn message_limits(&self) -> MessageLimits {
        MessageLimits {
            message_bytes_max: self.message_bytes_max,
            message_frames_max: self.message_frames_max,
            command_bytes_max: limits::COMMAND_BYTES_MAX,
        }
    }
}
