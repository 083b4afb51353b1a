//! The sockets: each connection is one task that reads, writes and keeps its heartbeat; queues join the tasks to the
//! socket's user. Knows nothing of what is in a message.
//!
//! | module | what it is |
//! |---|---|
//! | [`router`], [`dealer`], [`publisher`], [`subscriber`] | the four types: what their users call, and what a connection's messages do there |
//! | [`hub`] | what they share |
//! | [`accept`], [`gatekeeper`], [`connect`] | where connections come from, and which are taken |
//! | [`session`], [`link`] | a connection's life, and its turns |
//! | [`read_buffer`], [`write_buffer`] | bytes from and to the kernel |
//! | [`receive_queue`], [`delivery`], [`send_queue`], [`progress`] | between the connections and the user |
//! | [`stats`] | counters and complaints |

mod accept;
mod connect;
mod dealer;
mod delivery;
mod gatekeeper;
mod hub;
mod link;
mod progress;
mod publisher;
mod read_buffer;
mod receive_queue;
mod router;
mod send_queue;
mod session;
mod stats;
mod subscriber;
mod write_buffer;

pub use dealer::{Dealer, Framing};
pub use gatekeeper::Gatekeeper;
pub use publisher::{Publisher, SubscriptionListener};
pub use router::{PeerInfo, Router};
pub use stats::SocketStats;
pub use subscriber::Subscriber;
