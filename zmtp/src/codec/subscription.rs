//! Subscriptions on the wire, in both their forms (RFC 37: commands; RFC 23: messages that begin with 01 or 00).

use bytes::{BufMut, BytesMut};

use super::command::Command;
use super::frame::{Frame, FrameHeader};
use super::version::Version;

/// What a subscriber asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subscription<'a> {
    /// Send what begins with this topic.
    Subscribe(&'a [u8]),
    /// No longer.
    Cancel(&'a [u8]),
}

impl<'a> Subscription<'a> {
    /// The subscription that a frame of a 3.0 message carries, if it is one.
    pub fn of_message_frame(body: &'a [u8]) -> Option<Self> {
        match body.split_first()? {
            (1, topic) => Some(Self::Subscribe(topic)),
            (0, topic) => Some(Self::Cancel(topic)),
            _ => None,
        }
    }

    /// The subscription that a command is, if it is one.
    pub fn of_command(command: &Command<'a>) -> Option<Self> {
        match command {
            Command::Subscribe(topic) => Some(Self::Subscribe(topic)),
            Command::Cancel(topic) => Some(Self::Cancel(topic)),
            Command::Ready(_)
            | Command::Error(_)
            | Command::Ping { .. }
            | Command::Pong { .. }
            | Command::Unknown { .. } => None,
        }
    }

    /// Appends it as a whole frame in the form that a peer of this version knows.
    pub fn encode(&self, peer: Version, out: &mut BytesMut) {
        if peer.has_commands() {
            match self {
                Self::Subscribe(topic) => Command::Subscribe(topic).encode(out),
                Self::Cancel(topic) => Command::Cancel(topic).encode(out),
            }
            return;
        }
        let (first, topic) = match self {
            Self::Subscribe(topic) => (1, topic),
            Self::Cancel(topic) => (0, topic),
        };
        let header = FrameHeader::message(false, 1 + topic.len());
        out.reserve(header.header_len + header.body_len);
        header.encode(out);
        out.put_u8(first);
        out.put_slice(topic);
    }
}

/// The subscription in a frame, in whichever form it came; each frame of a multipart message counts by itself.
/// `None` for everything else, a malformed command included.
pub fn subscription_of<'a>(frame: &Frame<'a>) -> Option<Subscription<'a>> {
    if frame.command {
        Subscription::of_command(&Command::decode(frame.body).ok()?)
    } else {
        Subscription::of_message_frame(frame.body)
    }
}
