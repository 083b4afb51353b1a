//! Recado's server: requests in, durable store, replies and publications out.
//!
//! No reply says OK, and no publication leaves, before its message is durable. The parts: [`store`] keeps and finds, and
//! holds the rules; the service around it moves requests, replies and publications. It knows nothing of terminals.

#![cfg_attr(test, expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test"))]

pub mod access;
mod config;
#[doc(hidden)]
pub mod fuzz;
pub mod limits;
pub mod quota;
mod service;
pub mod store;
mod transfer;

pub use config::{Args, Config, ConfigError, Options, Protection, StoreUrl, StoreUrlError};
#[doc(hidden)]
pub use service::simulation;
pub use service::{Server, ServerError};
pub use transfer::{Counts, Imported, Problems, Progress, Stage, TransferError, export, import};
