//! ZMTP 3.1 as bytes: greeting, handshake, frames, commands, subscriptions, heartbeats. Sans-I/O: no socket, no clock,
//! no runtime; what must be bounded takes its bound as an argument or from [`limits`](crate::limits).

mod command;
mod frame;
mod greeting;
mod handshake;
mod heartbeat;
mod metadata;
mod socket_type;
mod splitter;
mod subscription;
mod topics;
mod version;

pub use command::{Command, CommandError};
pub use frame::{FRAME_HEADER_BYTES_MAX, Frame, FrameError, FrameHeader, Frames};
pub use greeting::{GREETING_BYTES, Greeting, GreetingError, Mechanism};
pub use handshake::{Handshake, HandshakeConfig, HandshakeError, Peer, Progress, Welcome};
pub use heartbeat::{Beat, Heartbeat};
pub use metadata::{Metadata, MetadataError, checked_identity};
pub use socket_type::SocketType;
pub use splitter::{Item, MessageLimits, MessageSpan, MessageSplitter};
pub use subscription::{Subscription, subscription_of};
pub use topics::{TopicSet, TopicsFull};
pub use version::Version;
