//! How far a user has read: marks that the user's devices share.

use thiserror::Error;

use crate::epoch::Epoch;
use crate::name::{ChannelName, UserName};
use crate::publication::epoch;
use crate::timestamp::Timestamp;
use crate::wire::{FormatError, Items, MapWriter, Reader, Value, Writer};

/// What the topics begin with on which marks are published. The name of the user whose marks they are follows.
pub const MARKS_PREFIX: &str = "_marks.";

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

/// A mark that was moved, as the user's other devices hear of it. Two frames as every publication, the topic and a map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MarkPublication {
    /// Whose mark it is.
    pub user: UserName,
    /// How far is read now.
    pub mark: ReadMark,
    /// When it was published.
    pub timestamp: Timestamp,
    /// The server's Lamport counter.
    pub clock: Option<u64>,
}

/// Why something published is no mark. Anyone may publish to a broker: it is to be passed over.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum MarkPublicationError {
    /// The topic is not [`MARKS_PREFIX`] and a user's name.
    #[error("the topic is none of marks")]
    Topic,
    /// The second frame is no MessagePack.
    #[error("no MessagePack: {0}")]
    Malformed(#[from] FormatError),
    /// The second frame is something else than a map.
    #[error("no map")]
    NoMap,
    /// The map says nothing of how far what was read.
    #[error("no mark")]
    NoMark,
}

impl MarkPublication {
    /// Where a user's marks are published, as to be subscribed to.
    pub fn topic_of(user: &UserName) -> String {
        format!("{MARKS_PREFIX}{user}")
    }

    /// Appends the second frame. The first is [`MarkPublication::topic_of`] the user.
    pub fn encode_payload(&self, out: &mut Vec<u8>) {
        Writer::new(out).map(|map| {
            self.mark.encode(map);
            map.key("timestamp").integer(self.timestamp.as_seconds());
            if let Some(clock) = self.clock {
                map.key("clock").unsigned(clock);
            }
        });
    }

    /// Reads both frames. Without a `timestamp` it is `received`. Bytes after the map are passed over.
    pub fn decode(topic: &[u8], payload: &[u8], received: Timestamp) -> Result<Self, MarkPublicationError> {
        let name = str::from_utf8(topic).ok().and_then(|topic| topic.strip_prefix(MARKS_PREFIX));
        let name = name.ok_or(MarkPublicationError::Topic)?;
        // A name that had to be trimmed is not the one that the topic has.
        let user = UserName::parse(name).ok().filter(|user| user.as_str() == name);
        let user = user.ok_or(MarkPublicationError::Topic)?;
        let Value::Map(items) = Reader::new(payload).value()? else {
            return Err(MarkPublicationError::NoMap);
        };
        let (mut timestamp, mut clock) = (None, None);
        for (key, value) in items.pairs() {
            match key {
                b"timestamp" => timestamp = value.unless_nil(),
                b"clock" => clock = value.unless_nil(),
                _ => {}
            }
        }
        Ok(Self {
            user,
            mark: ReadMark::decode(items).ok_or(MarkPublicationError::NoMark)?,
            timestamp: timestamp.and_then(Timestamp::from_wire).unwrap_or(received),
            clock: clock.and_then(Value::as_counter),
        })
    }
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

#[cfg(test)]
mod tests {
    use super::{MarkPublication, MarkPublicationError, ReadMark, ReadOf};
    use crate::epoch::Epoch;
    use crate::name::UserName;
    use crate::timestamp::Timestamp;

    const RECEIVED: Timestamp = Timestamp::from_seconds(5);

    fn published() -> (MarkPublication, Vec<u8>) {
        let of = ReadOf::With(UserName::parse("bob").unwrap());
        let mark = ReadMark { of, seq: 3, epoch: Epoch::new(9).unwrap() };
        let user = UserName::parse("ana").unwrap();
        let publication =
            MarkPublication { user, mark, timestamp: Timestamp::from_seconds(4), clock: Some(2) };
        let mut payload = Vec::new();
        publication.encode_payload(&mut payload);
        (publication, payload)
    }

    #[test]
    fn a_mark_is_read_as_it_was_published() {
        let (publication, payload) = published();
        assert_eq!(MarkPublication::topic_of(&publication.user), "_marks.ana");
        assert_eq!(MarkPublication::decode(b"_marks.ana", &payload, RECEIVED), Ok(publication));
    }

    #[test]
    fn every_shorter_payload_is_refused() {
        let (_, payload) = published();
        for length in 0..payload.len() {
            let read = MarkPublication::decode(b"_marks.ana", &payload[..length], RECEIVED);
            assert!(matches!(read, Err(MarkPublicationError::Malformed(_))), "{length}: {read:?}");
        }
    }

    #[test]
    fn what_is_no_mark_is_an_error() {
        let (_, payload) = published();
        let check = |topic: &[u8], payload: &[u8], expect: MarkPublicationError| {
            assert_eq!(MarkPublication::decode(topic, payload, RECEIVED), Err(expect));
        };
        for topic in ["ana", "_marks.", "_marks._x", "_marks. ana", "_heads.ana"] {
            check(topic.as_bytes(), &payload, MarkPublicationError::Topic);
        }
        check(b"_marks.\xff", &payload, MarkPublicationError::Topic);
        check(b"_marks.ana", b"\x90", MarkPublicationError::NoMap);
        check(b"_marks.ana", b"\x80", MarkPublicationError::NoMark);
    }
}
