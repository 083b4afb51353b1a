//! Why a CURVE handshake fails.

use thiserror::Error;

/// Why a CURVE handshake failed. The connection is to be closed. Mostly the peer's fault; or the two were set up with keys that do
/// not go together, or somebody stands between them.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CurveError {
    /// Some other command, or one out of order.
    #[error("the peer sent another command where its {due} was due")]
    Unexpected {
        /// What should have come.
        due: &'static str,
    },
    /// A command of a length that it cannot have.
    #[error("the peer's {command} has {declared} bytes")]
    Length {
        /// Which.
        command: &'static str,
        /// What its header says.
        declared: usize,
    },
    /// A version of CURVE that does not exist yet.
    #[error("the peer speaks CURVE {0}.{1}; 1.0 is needed")]
    Version(u8, u8),
    /// One of the few keys with which everybody would agree on the same.
    #[error("the peer's key is none that an honest peer has")]
    WeakKey,
    /// HELLO's box does not open.
    #[error("the peer's HELLO is not sealed for this server's key; does it know the right one?")]
    Hello,
    /// WELCOME's box does not open.
    #[error("the peer's WELCOME is not sealed with the server key that was given; is it the right one?")]
    Welcome,
    /// Not the cookie that this connection's WELCOME gave.
    #[error("the peer's INITIATE has another cookie than it was given")]
    Cookie,
    /// INITIATE's box does not open.
    #[error("the peer's INITIATE is not sealed with its keys")]
    Initiate,
    /// The vouch does not open, or vouches for another key or server.
    #[error("the peer does not prove that it has the key that it claims")]
    Vouch,
    /// READY's box does not open.
    #[error("the peer's READY is not sealed with its keys")]
    Ready,
    /// A nonce that was used before, or an older one.
    #[error("the peer's nonce does not rise: a command was repeated")]
    Nonce,
    /// Asked out of order by the caller.
    #[error("the handshake is over")]
    Over,
}
