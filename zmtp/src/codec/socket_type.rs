//! The socket types of RFC 37 and which of them may talk to each other.

use std::fmt;

/// A socket's type, as its READY announces it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names are the RFCs' own")]
pub enum SocketType {
    Pair,
    Pub,
    Sub,
    Req,
    Rep,
    Dealer,
    Router,
    Pull,
    Push,
    XPub,
    XSub,
}

impl SocketType {
    /// Every type, in the order libzmq numbers them.
    pub const ALL: [Self; 11] = [
        Self::Pair,
        Self::Pub,
        Self::Sub,
        Self::Req,
        Self::Rep,
        Self::Dealer,
        Self::Router,
        Self::Pull,
        Self::Push,
        Self::XPub,
        Self::XSub,
    ];

    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pair => "PAIR",
            Self::Pub => "PUB",
            Self::Sub => "SUB",
            Self::Req => "REQ",
            Self::Rep => "REP",
            Self::Dealer => "DEALER",
            Self::Router => "ROUTER",
            Self::Pull => "PULL",
            Self::Push => "PUSH",
            Self::XPub => "XPUB",
            Self::XSub => "XSUB",
        }
    }

    /// The type of that name on the wire, letter by letter.
    pub fn from_wire(name: &[u8]) -> Option<Self> {
        Self::ALL.into_iter().find(|socket_type| socket_type.as_str().as_bytes() == name)
    }

    /// Whether a socket of this type may talk to a `peer` (RFC 37, "Socket-Type Property").
    pub fn is_compatible(self, peer: Self) -> bool {
        match self {
            Self::Pair => peer == Self::Pair,
            Self::Pub | Self::XPub => matches!(peer, Self::Sub | Self::XSub),
            Self::Sub | Self::XSub => matches!(peer, Self::Pub | Self::XPub),
            Self::Req => matches!(peer, Self::Rep | Self::Router),
            Self::Rep => matches!(peer, Self::Req | Self::Dealer),
            Self::Dealer => matches!(peer, Self::Rep | Self::Dealer | Self::Router),
            Self::Router => matches!(peer, Self::Req | Self::Dealer | Self::Router),
            Self::Pull => peer == Self::Push,
            Self::Push => peer == Self::Pull,
        }
    }
}

impl fmt::Display for SocketType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::SocketType;

    #[test]
    fn names_are_read_back_and_others_refused() {
        for socket_type in SocketType::ALL {
            assert_eq!(SocketType::from_wire(socket_type.as_str().as_bytes()), Some(socket_type));
        }
        for name in ["", "pub", "PUBS", "PU", "STREAM", "PUB\0"] {
            assert_eq!(SocketType::from_wire(name.as_bytes()), None, "{name}");
        }
    }

    #[test]
    fn compatibility_is_mutual() {
        for a in SocketType::ALL {
            for b in SocketType::ALL {
                assert_eq!(a.is_compatible(b), b.is_compatible(a), "{a} {b}");
            }
        }
    }

    #[test]
    fn the_pairs_are_the_rfcs() {
        let mut pairs = Vec::new();
        for (index, a) in SocketType::ALL.into_iter().enumerate() {
            for b in SocketType::ALL.into_iter().skip(index).filter(|b| a.is_compatible(*b)) {
                pairs.push(format!("{a}-{b}"));
            }
        }
        assert_eq!(
            pairs.join(" "),
            "PAIR-PAIR PUB-SUB PUB-XSUB SUB-XPUB REQ-REP REQ-ROUTER REP-DEALER DEALER-DEALER DEALER-ROUTER \
             ROUTER-ROUTER PULL-PUSH XPUB-XSUB"
        );
    }
}
