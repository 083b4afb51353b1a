//! How far a user has read: marks that the user's devices share.

use crate::epoch::Epoch;
use crate::name::{ChannelName, UserName};
use crate::publication::epoch;
use crate::wire::{Items, MapWriter, Value};

/// What was read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReadOf {
    /// A channel.
    Channel(ChannelName),
    /// What this user wrote to whoever reads.
    With(UserName),
}

/// How far it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadMark {
    /// What was read.
    pub of: ReadOf,
    /// The last message that was read: its place in the channel's topic, or in the reader's own.
    pub seq: u64,
    /// The generation that `seq` belongs to.
    pub epoch: Epoch,
}

impl ReadMark {
    pub(crate) fn encode(&self, map: &mut MapWriter<'_>) {
        match &self.of {
            ReadOf::Channel(channel) => map.key("channel").text(channel.as_str()),
            ReadOf::With(user) => map.key("with").text(user.as_str()),
        }
        map.key("seq").unsigned(self.seq);
        map.key("epoch").unsigned(self.epoch.as_u64());
    }

    /// `None` for what is no mark: a client passes over it.
    pub(crate) fn decode(items: Items<'_>) -> Option<Self> {
        let (mut channel, mut with, mut seq, mut generation) = (None, None, None, None);
        for (key, value) in items.pairs() {
            let field = match key {
                b"channel" => &mut channel,
                b"with" => &mut with,
                b"seq" => &mut seq,
                b"epoch" => &mut generation,
                _ => continue,
            };
            *field = value.unless_nil();
        }
        let of = match (channel, with) {
            (Some(channel), None) => ReadOf::Channel(ChannelName::parse(channel.as_text()?).ok()?),
            (None, Some(user)) => ReadOf::With(UserName::parse(user.as_text()?).ok()?),
            (Some(_), Some(_)) | (None, None) => return None,
        };
        Some(Self { of, seq: seq.and_then(Value::as_unsigned)?, epoch: epoch(generation)? })
    }
}
