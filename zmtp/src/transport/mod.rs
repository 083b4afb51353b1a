//! Streams, listeners and the handshake over them, on tokio. Knows nothing of messages or queues: for the sockets of
//! this crate, and for whoever has a data path of their own.

mod address;
mod arithmetic;
mod ask;
mod backoff;
mod error;
mod establish;
mod gate;
mod inner;
mod listener;
mod secured;
mod spare;
mod stream;

pub use address::PeerAddress;
pub use ask::{Asked, ask_key};
pub use backoff::Backoff;
pub use error::{AskError, BindError, BindFault, ConnectError, EstablishError};
pub use establish::{Established, establish, establish_admitting};
pub use gate::{HandshakeGate, HandshakePass};
pub use listener::Listener;
pub use stream::{DetachedStream, Stream};
