//! The client's subcommands for programs: each does one thing, says it in lines of text or of JSON, and ends. Each goes from its
//! arguments by its configuration to its `run`; none of them knows the chat's commands.

mod account;
mod admin;
mod history;
mod join;
mod keys;
mod lists;
mod search;
mod send;
mod shared;
mod span;
mod tail;
mod target;

pub use admin::{AdminArgs, AdminConfig, run as run_admin};
pub use history::{HistoryArgs, HistoryConfig, run as run_history};
pub use join::{JoinArgs, JoinError, LeaveArgs, found, run_join, run_leave};
pub use keys::{KeysArgs, KeysConfig, run as run_keys};
pub use lists::{ListArgs, ListConfig, channels as run_channels, users as run_users, who as run_who};
pub use search::{SearchArgs, SearchConfig, run as run_search};
pub use send::{SendArgs, SendConfig, run as run_send};
pub use shared::{ProgramError, ServerArgs};
pub use tail::{TailArgs, TailConfig, run as run_tail};
