//! The services' names. What each takes and answers is said in `request` and `reply`.

use std::fmt::{self, Display, Formatter};

/// A service that this version knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Service {
    /// Says who one is.
    Login,
    /// Lists the users.
    Users,
    /// Creates a channel.
    Channel,
    /// Lists the channels.
    Channels,
    /// Sends a message to a channel.
    Publish,
    /// Sends a message to a user.
    Message,
    /// Does something to a message that was sent, or to a channel.
    Act,
    /// Reads messages that were sent before.
    History,
    /// Finds messages by their words.
    Search,
    /// Has the last places of topics published where whoever asks listens.
    Sync,
    /// Says how far one has read.
    Mark,
    /// Lists how far one has read.
    Marks,
    /// Says that one is here, or typing.
    Here,
    /// Lists who is here.
    Who,
    /// Makes the key of the connection a user's.
    Join,
    /// Looks after users, keys and channels.
    Admin,
    /// Lists a user's keys.
    Keys,
    /// Lists who is in a channel.
    Members,
    /// Lists what was done to users, keys and channels.
    Audit,
}

/// The service that a reply answers: a known one, or the word that the request had.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ServiceName {
    /// One of ours.
    Known(Service),
    /// A word that is no service here; `"erro"` where the request had none that could be read.
    Other(String),
}

impl Service {
    /// All of them, in the order of the protocol's table.
    pub const ALL: [Service; 19] = [
        Service::Login,
        Service::Users,
        Service::Channel,
        Service::Channels,
        Service::Publish,
        Service::Message,
        Service::Act,
        Service::History,
        Service::Search,
        Service::Sync,
        Service::Mark,
        Service::Marks,
        Service::Here,
        Service::Who,
        Service::Join,
        Service::Admin,
        Service::Keys,
        Service::Members,
        Service::Audit,
    ];

    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Service::Login => "login",
            Service::Users => "users",
            Service::Channel => "channel",
            Service::Channels => "channels",
            Service::Publish => "publish",
            Service::Message => "message",
            Service::Act => "act",
            Service::History => "history",
            Service::Search => "search",
            Service::Sync => "sync",
            Service::Mark => "mark",
            Service::Marks => "marks",
            Service::Here => "here",
            Service::Who => "who",
            Service::Join => "join",
            Service::Admin => "admin",
            Service::Keys => "keys",
            Service::Members => "members",
            Service::Audit => "audit",
        }
    }

    pub(crate) fn from_wire(word: &[u8]) -> Option<Self> {
        Service::ALL.into_iter().find(|service| service.as_str().as_bytes() == word)
    }
}

impl ServiceName {
    /// The word on the wire.
    pub fn as_str(&self) -> &str {
        match self {
            ServiceName::Known(service) => service.as_str(),
            ServiceName::Other(word) => word,
        }
    }

    /// The service, if it is one of ours.
    pub const fn known(&self) -> Option<Service> {
        match self {
            ServiceName::Known(service) => Some(*service),
            ServiceName::Other(_) => None,
        }
    }
}

impl From<Service> for ServiceName {
    fn from(service: Service) -> Self {
        ServiceName::Known(service)
    }
}

impl Display for Service {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Display for ServiceName {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
