//! ZeroMQ's wire protocol, ZMTP 3.1: a sans-I/O codec, and the tokio sockets on it.
//!
//! It knows nothing of chat.
#![cfg_attr(test, expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test"))]

pub mod codec;
mod endpoint;
mod error;
mod event;
#[doc(hidden)]
pub mod fuzz;
pub mod limits;
mod message;
mod options;
mod peer;
mod socket;
pub mod transport;

pub use endpoint::{Endpoint, EndpointError, EndpointFault, Host};
pub use error::{Closed, SendError};
pub use event::{SocketEvent, SocketEventKind};
pub use message::Message;
pub use options::SocketOptions;
pub use peer::PeerId;
pub use socket::{Dealer, Framing, Publisher, Router, SocketStats, Subscriber};
pub use transport::{BindError, BindFault};
