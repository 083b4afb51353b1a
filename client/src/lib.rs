//! A session library for Recado's chat (log in, publish, subscribe, history, gap filling), and the terminal client on it.
//!
//! [`session`] and [`receiver`] know nothing of terminals. `docs/PROTOCOL.md` says what goes over the wire.

#![cfg_attr(test, expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test"))]

mod args;
mod asking;
pub mod chat;
mod config;
pub mod duration;
mod engine;
mod entry;
mod error;
pub mod kept;
pub mod keys;
pub mod limits;
mod lines;
pub mod paths;
mod probe;
pub mod programs;
pub mod receiver;
mod run;
mod screen;
pub mod session;
mod terminal;
pub mod view;
pub mod when;
mod writing;

pub use args::Args;
pub use config::{Config, ConfigError};
pub use error::Error;
pub use probe::{Presence, probe, probe_broker, probe_time, probe_user};
pub use recado_zmtp::Endpoint;
pub use receiver::{Start, Topic, Via};
pub use run::run;
pub use screen::{
    KeyError, KeySetting, Keys, KeysError, Level, LevelSetting, Manner, NotifyBy, QuietHours, WishError,
    Wishes,
};
pub use session::{
    ConnectError, ConnectionId, GivenUp, Hearing, Patience, RequestError, Requests, SendOutcome, Sending,
    Session, SessionConfig, SessionEvent, SessionEvents,
};
pub use view::wording::{Hosted, HostedParts, Language};
pub use writing::is_terminal_lent;
