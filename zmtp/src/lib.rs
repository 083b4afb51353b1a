//! ZeroMQ's wire protocol, ZMTP 3.1: a sans-I/O codec, and the tokio sockets on it.
//!
//! It knows nothing of chat.

pub mod codec;
pub mod limits;
