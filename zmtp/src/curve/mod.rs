//! CURVE (RFC 26, CurveZMQ): keys, the handshake of either side, and the sealing of what follows it. Sans-I/O: randomness, bytes
//! and limits come in as arguments. Nothing here knows a socket, nor which keys are welcome.
//!
//! | module | what it is |
//! |---|---|
//! | `keys`, `z85` | long-term keys, as bytes and as text |
//! | `boxes`, `keystream` | NaCl's box, and the stream that it is made with |
//! | `server`, `client` | the handshake's two sides, command by command |
//! | `channel` | plain frames into MESSAGEs and back |
//! | `invitation` | what a secured listener tells who comes without security |

mod boxes;
mod channel;
mod client;
mod command;
mod error;
mod invitation;
mod keys;
mod keystream;
mod security;
mod server;
mod z85;

pub(crate) use client::ClientSide;
pub(crate) use command::RANDOM_BYTES;
pub(crate) use invitation::{invitation, key_invited_with};
pub(crate) use server::ServerSide;

pub use crate::transport::{AskError, Asked, ask_key};
pub use channel::{Channel, ChannelError, Opener, Sealer};
pub use error::CurveError;
pub(crate) use keys::fill_with_randomness;
pub use keys::{KEY_BYTES, KeyError, KeyPair, PublicKey, SecretKey};
pub use security::Security;

#[cfg(test)]
pub(crate) mod tests;
