//! Streams, listeners and the handshake over them, on tokio. Knows nothing of messages or queues: for the sockets of
//! this crate, and for whoever has a data path of their own.

mod backoff;
mod error;
mod establish;
mod gate;
mod listener;
mod stream;

pub use backoff::Backoff;
pub use error::{BindError, BindFault, ConnectError, EstablishError};
pub use establish::{Established, establish};
pub use gate::{HandshakeGate, HandshakePass};
pub use listener::Listener;
pub use stream::{DetachedStream, PeerAddress, Stream};
