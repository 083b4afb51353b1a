//! Recado's automated client: it chats at random, or at a rate, and says at the end whether everything that the server
//! acknowledged was heard.
//!
//! [`schedule`] plans who says what and when, [`audit`] keeps the books; neither knows sockets or clocks. Around them is a thin shell
//! on the session library. This crate knows nothing of storage, and reads terminals no further than to draw a line of progress.

#![cfg_attr(test, expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test"))]

mod args;
pub mod audit;
mod churn;
mod command;
pub mod compare;
pub mod conditions;
mod conductor;
mod config;
mod cpu;
mod lag;
pub mod limits;
pub mod options;
mod output;
mod pacer;
mod prepare;
pub mod profile;
mod readback;
pub mod record;
mod replay;
pub mod report;
mod run;
pub mod scenario;
pub mod schedule;
pub mod size;
mod stage;
mod summary;
pub mod tag;
mod units;

pub use args::Args;
pub use command::{Action, Command, ReportArgs};
pub use config::{Config, ConfigError};
pub use run::{Error, Stop, run};
