//! Who may do what in a secured system: whose a key is, roles, codes, bans, mutes, and who is in which channel.
//!
//! [`Access::judge`] says what an act would change, or why it may not; [`Access::apply`] takes up what was changed. The state is
//! the fold of its events, and those are what is kept. Times and names come in; nothing here knows of sockets, of clocks, or of
//! where events are kept.

mod act;
mod administration;
mod channels;
mod event;
mod joining;
mod judging;
pub mod password;
mod plain;
mod questions;
mod secret;
mod state;

#[cfg(test)]
mod tests;

pub use act::{AccessAct, Actor, Administration, Done, Owner, Prepared};
pub use event::{AccessChange, AccessEvent, Grant};
pub use judging::Names;
pub use secret::{CodeHash, PasswordHash};
pub use state::Access;

pub(crate) use judging::author;
