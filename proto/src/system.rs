//! What the server publishes on topics of its own: how far topics have come. With it a receiver learns that it missed
//! something, also when nothing follows. Two frames as every publication, the topic and a map.

use std::fmt::{self, Display, Formatter};
use std::sync::Arc;

use thiserror::Error;

use crate::epoch::Epoch;
use crate::limits::SYNC_TOPIC_BYTES_MAX;
use crate::name::{NameError, TopicName};
use crate::publication::epoch;
use crate::timestamp::Timestamp;
use crate::wire::{FormatError, Items, Reader, Value, Writer};

/// What the topics of answers to `sync` begin with.
pub const SYNC_PREFIX: &str = "_sync.";

/// What the topics of heads beacons begin with. The name follows.
pub const HEADS_PREFIX: &str = "_heads.";

/// The one-time topic on which whoever asks `sync` wants the answer. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SyncTopic(Arc<str>);

/// Why a text is no topic for `sync`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SyncTopicError {
    /// It does not begin with [`SYNC_PREFIX`], or has nothing after it.
    #[error("it begins with `{SYNC_PREFIX}` and goes on after it")]
    Prefix,
    /// Longer than [`SYNC_TOPIC_BYTES_MAX`].
    #[error("it has at most {SYNC_TOPIC_BYTES_MAX} bytes, this one has {bytes}")]
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// A newline, an escape or the like.
    #[error("it cannot have control characters")]
    ControlCharacter,
}

/// A topic of the server's own.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SystemTopic {
    /// Where one question is answered.
    Sync(SyncTopic),
    /// Where a channel's or user's last message is told again.
    Heads(TopicName),
}

/// How far topics have come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SystemPublication {
    /// Where it is published.
    pub topic: SystemTopic,
    /// For each name its topic's last `seq`, 0 if there is none. Of an answer to `sync` those asked for that exist; of a
    /// beacon the one that it is for.
    pub heads: Vec<(TopicName, u64)>,
    /// The generation that each `seq` belongs to.
    pub epoch: Epoch,
    /// When it was published.
    pub timestamp: Timestamp,
    /// The server's Lamport counter.
    pub clock: Option<u64>,
}

/// Why something published is nothing of the system's. Anyone may publish to a broker: it is to be passed over.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SystemPublicationError {
    /// The topic is no UTF-8, or none of the system's.
    #[error("the topic is none of the system's")]
    Topic,
    /// The name in a beacon's topic is none.
    #[error("the name in the topic: {0}")]
    Name(#[from] NameError),
    /// The topic of an answer is none.
    #[error("the topic: {0}")]
    SyncTopic(#[from] SyncTopicError),
    /// The second frame is no MessagePack.
    #[error("no MessagePack: {0}")]
    Malformed(#[from] FormatError),
    /// The second frame is something else than a map.
    #[error("no map")]
    NoMap,
    /// A key that such a publication always has is missing or of another kind.
    #[error("`{0}` is missing or of the wrong kind")]
    Missing(&'static str),
}

impl SyncTopic {
    /// Takes a topic as it is: nothing is trimmed, since subscriptions must be of the same bytes.
    pub fn parse(text: &str) -> Result<Self, SyncTopicError> {
        if text.len() > SYNC_TOPIC_BYTES_MAX {
            return Err(SyncTopicError::TooLong { bytes: text.len() });
        }
        if text.chars().any(char::is_control) {
            return Err(SyncTopicError::ControlCharacter);
        }
        match text.strip_prefix(SYNC_PREFIX) {
            None | Some("") => Err(SyncTopicError::Prefix),
            Some(_) => Ok(Self(Arc::from(text))),
        }
    }

    /// One that nobody else has, of random bits.
    pub fn from_random(bits: u128) -> Self {
        Self(Arc::from(format!("{SYNC_PREFIX}{bits:032x}")))
    }

    /// The topic.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Display for SyncTopic {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl SystemTopic {
    /// Reads a topic of the system's.
    pub fn parse(text: &str) -> Result<Self, SystemPublicationError> {
        if let Some(name) = text.strip_prefix(HEADS_PREFIX) {
            let topic = TopicName::parse(name)?;
            // A name that had to be trimmed is not the one that the topic has.
            return if topic.as_str() == name {
                Ok(SystemTopic::Heads(topic))
            } else {
                Err(SystemPublicationError::Topic)
            };
        }
        if text.starts_with(SYNC_PREFIX) {
            return Ok(SystemTopic::Sync(SyncTopic::parse(text)?));
        }
        Err(SystemPublicationError::Topic)
    }
}

/// The topic's text, as to be subscribed to.
impl Display for SystemTopic {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            SystemTopic::Sync(topic) => Display::fmt(topic, f),
            SystemTopic::Heads(name) => write!(f, "{HEADS_PREFIX}{name}"),
        }
    }
}

impl SystemPublication {
    /// Appends the second frame. The first is the topic. A beacon is for one name: the first of `heads`.
    pub fn encode_payload(&self, out: &mut Vec<u8>) {
        Writer::new(out).map(|map| {
            match &self.topic {
                SystemTopic::Sync(_) => {
                    let heads = map.key("heads");
                    heads.pairs(self.heads.len());
                    for (name, seq) in &self.heads {
                        heads.text(name.as_str());
                        heads.unsigned(*seq);
                    }
                }
                SystemTopic::Heads(name) => {
                    map.key("topic").text(name.as_str());
                    map.key("seq").unsigned(self.heads.first().map_or(0, |(_, seq)| *seq));
                }
            }
            map.key("epoch").unsigned(self.epoch.as_u64());
            map.key("timestamp").integer(self.timestamp.as_seconds());
            if let Some(clock) = self.clock {
                map.key("clock").unsigned(clock);
            }
        });
    }

    /// Reads both frames. Without a `timestamp` it is `received`. In `heads` what is no name with a number is passed over,
    /// and so are bytes after the map.
    pub fn decode(topic: &[u8], payload: &[u8], received: Timestamp) -> Result<Self, SystemPublicationError> {
        let topic = str::from_utf8(topic).map_err(|_| SystemPublicationError::Topic)?;
        let topic = SystemTopic::parse(topic)?;
        let Value::Map(items) = Reader::new(payload).value()? else {
            return Err(SystemPublicationError::NoMap);
        };
        Fields::read(items).publication(topic, received)
    }
}

/// The keys of such a publication as they lie in the frame.
#[derive(Default)]
struct Fields<'a> {
    heads: Option<Value<'a>>,
    seq: Option<Value<'a>>,
    epoch: Option<Value<'a>>,
    timestamp: Option<Value<'a>>,
    clock: Option<Value<'a>>,
}

impl<'a> Fields<'a> {
    fn read(items: Items<'a>) -> Self {
        let mut fields = Self::default();
        for (key, value) in items.pairs() {
            let field = match key {
                b"heads" => &mut fields.heads,
                b"seq" => &mut fields.seq,
                b"epoch" => &mut fields.epoch,
                b"timestamp" => &mut fields.timestamp,
                b"clock" => &mut fields.clock,
                _ => continue,
            };
            *field = value.unless_nil();
        }
        fields
    }

    fn publication(
        self,
        topic: SystemTopic,
        received: Timestamp,
    ) -> Result<SystemPublication, SystemPublicationError> {
        let heads = match &topic {
            SystemTopic::Sync(_) => {
                let Some(Value::Map(items)) = self.heads else {
                    return Err(SystemPublicationError::Missing("heads"));
                };
                items.pairs().filter_map(|(name, seq)| Some((name_of(name)?, seq.as_unsigned()?))).collect()
            }
            SystemTopic::Heads(name) => {
                let seq = self.seq.and_then(Value::as_unsigned);
                vec![(name.clone(), seq.ok_or(SystemPublicationError::Missing("seq"))?)]
            }
        };
        Ok(SystemPublication {
            topic,
            heads,
            epoch: epoch(self.epoch).ok_or(SystemPublicationError::Missing("epoch"))?,
            timestamp: self.timestamp.and_then(Timestamp::from_wire).unwrap_or(received),
            clock: self.clock.and_then(Value::as_counter),
        })
    }
}

fn name_of(key: &[u8]) -> Option<TopicName> {
    TopicName::parse(str::from_utf8(key).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::{SyncTopic, SyncTopicError, SystemPublicationError, SystemTopic};
    use crate::name::{NameError, TopicName};

    #[test]
    fn one_time_topics() {
        let check = |text: &str, expect: Result<&str, SyncTopicError>| {
            assert_eq!(
                SyncTopic::parse(text).as_ref().map(SyncTopic::as_str).map_err(|error| *error),
                expect
            );
        };
        let longest = format!("_sync.{}", "x".repeat(58));
        check("_sync.a", Ok("_sync.a"));
        check("_sync. ", Ok("_sync. "));
        check(&longest, Ok(&longest));
        check(&format!("{longest}x"), Err(SyncTopicError::TooLong { bytes: 65 }));
        check("_sync.", Err(SyncTopicError::Prefix));
        check("_sync", Err(SyncTopicError::Prefix));
        check("geral", Err(SyncTopicError::Prefix));
        check("_heads.geral", Err(SyncTopicError::Prefix));
        check("", Err(SyncTopicError::Prefix));
        check(" _sync.a", Err(SyncTopicError::Prefix));
        check("_sync.a\n", Err(SyncTopicError::ControlCharacter));
        assert_eq!(SyncTopic::from_random(7).as_str(), "_sync.00000000000000000000000000000007");
        assert!(SyncTopic::parse(SyncTopic::from_random(u128::MAX).as_str()).is_ok());
    }

    #[test]
    fn topics_of_the_system() {
        let check = |text: &str, expect: Result<SystemTopic, SystemPublicationError>| {
            if let Ok(topic) = &expect {
                assert_eq!(topic.to_string(), text);
            }
            assert_eq!(SystemTopic::parse(text), expect, "{text:?}");
        };
        check("_sync.a", Ok(SystemTopic::Sync(SyncTopic::parse("_sync.a").unwrap())));
        check("_heads.geral", Ok(SystemTopic::Heads(TopicName::parse("geral").unwrap())));
        check("_heads.a b", Ok(SystemTopic::Heads(TopicName::parse("a b").unwrap())));
        check("_heads.", Err(SystemPublicationError::Name(NameError::Empty)));
        check("_heads._x", Err(SystemPublicationError::Name(NameError::Reserved)));
        check("_heads. geral", Err(SystemPublicationError::Topic));
        check("_sync.", Err(SystemPublicationError::SyncTopic(SyncTopicError::Prefix)));
        check("_other", Err(SystemPublicationError::Topic));
        check("geral", Err(SystemPublicationError::Topic));
    }
}
