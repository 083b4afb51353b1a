//! Who one is to a secured server, and which server it is: this device's key, the servers' keys that are known, how one joins, and where
//! one has joined. It knows nothing of the chat's messages.
//!
//! | file among the user's data | what |
//! |---|---|
//! | `recado/device.key` | this device's secret key, made when it is needed first |
//! | `recado/known_servers` | the key of each server, since when |
//! | `recado/joined.toml` | where `recado join` has joined, as whom, and with which key |
//!
//! All of them are private: made with mode 0600, in a folder with mode 0700.

mod args;
mod entering;
mod file;
mod known;
mod link;
mod outward;
mod private;
mod profile;
mod qr;
#[cfg(test)]
mod testing;
mod trust;

pub use args::DeviceArgs;
pub use entering::{Trust, distrust, secure, secure_in_passing};
pub use file::{KeyFileError, installation, installation_path, load_keys, load_or_make_keys};
pub use known::{KnownServer, KnownServers, KnownServersError};
pub use link::{JoinLink, LinkError};
pub use outward::outward;
pub use private::FileError;
pub use profile::{Found, Profile, ProfileError, Profiles};
pub use trust::{Distrust, SecurityError};

pub(crate) use entering::remember;
pub(crate) use file::{read_secret, set_keys_aside};
pub(crate) use qr::columns as qr_columns;
