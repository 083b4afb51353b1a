//! Where a peer is.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

/// Where a peer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PeerAddress {
    /// Its address and port; IPv4 as such, even on a socket that listens for both.
    Tcp(SocketAddr),
    /// On this machine, over a Unix-domain socket.
    Ipc,
}

impl PeerAddress {
    /// The machine, `None` for this one over `ipc`.
    pub fn host(&self) -> Option<IpAddr> {
        match self {
            Self::Tcp(address) => Some(address.ip()),
            Self::Ipc => None,
        }
    }

    /// What counts as one address where addresses have bounds. Whoever has one address of IPv6 has the whole network of 64 bits, and
    /// could come from another one each time.
    pub fn network(&self) -> Option<IpAddr> {
        self.host().map(|host| match host.to_canonical() {
            IpAddr::V6(address) => IpAddr::V6((address.to_bits() & (u128::MAX << 64)).into()),
            address @ IpAddr::V4(_) => address,
        })
    }
}

impl fmt::Display for PeerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => write!(f, "{address}"),
            Self::Ipc => f.write_str("ipc"),
        }
    }
}
