//! The codec by its public items: golden bytes, truncation, limits, and what hostile peers send.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod bytes_of;
mod golden;
mod handshake;
mod heartbeat;
mod hostile;
mod splitter;
mod topics;
