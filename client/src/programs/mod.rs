//! The client's subcommands for programs: each does one thing, says it in lines of text or of JSON, and ends. Each goes from its
//! arguments by its configuration to its `run`; none of them knows the chat's commands.

mod account;
mod admin;
mod history;
mod join;
mod join_error;
mod keys;
mod leave;
mod lists;
mod search;
mod send;
mod shared;
mod span;
mod tail;
mod target;

pub use admin::{AdminArgs, AdminConfig, run as run_admin};
pub use history::{HistoryArgs, HistoryConfig, run as run_history};
pub use join::{JoinArgs, found, run_join};
pub use join_error::JoinError;
pub use keys::{KeysArgs, KeysConfig, run as run_keys};
pub use leave::{LeaveArgs, run_leave};
pub use lists::{ListArgs, ListConfig, channels as run_channels, users as run_users, who as run_who};
pub use search::{SearchArgs, SearchConfig, run as run_search};
pub use send::{SendArgs, SendConfig, run as run_send};
pub use shared::{ProgramError, ServerArgs};
pub use tail::{TailArgs, TailConfig, run as run_tail};
