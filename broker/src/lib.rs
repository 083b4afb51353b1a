//! Recado's broker: publishers connect to its XSUB side, subscribers to its XPUB side, and it forwards what subscribers asked
//! for. It never alters a message and never reads past a message's first frame; it knows nothing of chat.
//!
//! [`hub`], [`delivery`], [`trie`], [`queue`], [`upstream`], [`chunk`] and the limits are sans-I/O; the rest is the thin shell
//! that runs them on tokio, in a thread of its own.
#![cfg_attr(test, expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test"))]

mod args;
mod broker;
pub mod chunk;
mod config;
mod counters;
pub mod delivery;
pub mod hub;
pub mod limits;
mod matches;
mod pace;
pub mod queue;
mod share;
mod shell;
mod slab;
pub mod trie;
pub mod units;
pub mod upstream;
mod walk;

pub use args::{Args, Options, SlowSubscriberArg};
pub use broker::{BindError, Broker, RunError};
pub use config::{Config, ConfigError};
pub use counters::{Counters, Figures};
pub use limits::{Limits, SlowSubscriber};
