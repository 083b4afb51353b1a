//! ZeroMQ's wire protocol, ZMTP 3.1 (RFC 37), with the NULL and CURVE mechanisms: a sans-I/O codec, and the tokio sockets on it.
//! They live with libzmq and every other implementation of 3.0 and later. What is in a message is not known here.
//!
//! | layer | what it is | knows nothing of |
//! |---|---|---|
//! | [`codec`] | bytes in, bytes out: greeting, handshake, frames, commands, subscriptions, heartbeats | sockets, clocks, tokio |
//! | [`curve`] | CURVE (RFC 26): keys, its part of the handshake, sealing | the same |
//! | [`transport`] | streams, listeners, the handshake over them, and how many there may be | messages, queues |
//! | [`Router`], [`Dealer`], [`Publisher`], [`Subscriber`] | sockets with queues, reconnection and heartbeats | what is in a message |
//!
//! Every queue, buffer and wait is bounded: [`limits`] and [`SocketOptions`].
//!
//! ```
//! use recado_zmtp::{Dealer, Framing, Message, Router, SocketOptions};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! let mut router = Router::bind(&"tcp://127.0.0.1:*".parse()?, SocketOptions::default()).await?;
//! let endpoints = [router.local_endpoint().clone()];
//! let mut dealer = Dealer::connect(&endpoints, Framing::Delimited, SocketOptions::default());
//!
//! dealer.send(Message::single("oi")).await?;
//! let (peer, request) = router.recv().await.expect("it receives until told to stop");
//! assert_eq!(request.frames(), ["", "oi"]);
//! router.send(peer, request)?;
//! assert_eq!(dealer.recv().await, Some(Message::single("oi")));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![cfg_attr(test, expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test"))]

pub mod codec;
pub mod curve;
mod endpoint;
mod error;
mod event;
#[doc(hidden)]
pub mod fuzz;
pub mod limits;
mod lock;
mod message;
mod named_endpoint;
mod options;
mod peer;
mod socket;
pub mod transport;

pub use endpoint::{Endpoint, EndpointError, EndpointFault, Host, HostError};
pub use error::{Closed, SendError};
pub use event::{SocketEvent, SocketEventKind};
pub use message::Message;
pub use named_endpoint::{NamedEndpoint, NamedEndpointError};
pub use options::SocketOptions;
pub use peer::PeerId;
pub use socket::{
    Dealer, Framing, Gatekeeper, PeerInfo, Publisher, Router, SocketStats, Subscriber, SubscriptionListener,
};
pub use transport::{BindError, BindFault};
