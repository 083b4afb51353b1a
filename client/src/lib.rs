//! A session library for Recado's chat (log in, publish, subscribe, history, gap filling), and the terminal client on it.
//!
//! [`session`] and [`receiver`] know nothing of terminals. `docs/PROTOCOL.md` says what goes over the wire.

#![cfg_attr(test, expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test"))]

pub mod chat;
pub mod limits;
pub mod receiver;
pub mod session;
pub mod view;

pub use receiver::{Topic, Via};
pub use recado_zmtp::Endpoint;
pub use session::{
    ConnectError, RequestError, SendOutcome, Session, SessionConfig, SessionEvent, SessionEvents,
};
