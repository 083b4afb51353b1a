//! What subscribers receive: two frames, the topic and a map. Also the messages in a `history` reply, which name their topic.

use std::borrow::Cow;

use thiserror::Error;

use crate::epoch::Epoch;
use crate::id::MessageId;
use crate::name::{NameError, UserName};
use crate::timestamp::Timestamp;
use crate::wire::{FormatError, Items, MapWriter, Reader, Value, Writer};

/// A message on its way to whoever listens, or read back from history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Publication {
    /// The channel's name, or the receiving user's. Whole: a subscription to `bob` also receives `bobby`'s.
    pub topic: String,
    /// Whether it goes to a channel or to a user, and from whom.
    pub body: PublicationBody,
    /// The text.
    pub message: String,
    /// When it was sent.
    pub timestamp: Timestamp,
    /// The server's Lamport counter.
    pub clock: Option<u64>,
    /// The message's own number.
    pub id: Option<MessageId>,
    /// Its place in its topic: 1, 2, 3, … without gaps.
    pub seq: Option<u64>,
    /// The generation that `seq` belongs to.
    pub epoch: Option<Epoch>,
    /// When the server committed it, Unix milliseconds.
    pub time_ms: Option<u64>,
}

/// The two kinds of publication.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PublicationBody {
    /// To a channel.
    Channel {
        /// Who wrote it.
        user: UserName,
    },
    /// To one user.
    Direct {
        /// Who wrote it.
        from: UserName,
    },
}

/// A publication whose parts lie elsewhere: enough for sending it.
#[derive(Clone, Copy, Debug)]
pub struct PublicationRef<'a> {
    /// Who wrote it.
    pub sender: &'a UserName,
    /// Whether it goes to one user, and not to a channel.
    pub is_direct: bool,
    /// The text.
    pub message: &'a str,
    /// As in [`Publication`].
    pub timestamp: Timestamp,
    /// As in [`Publication`].
    pub clock: Option<u64>,
    /// As in [`Publication`].
    pub id: Option<MessageId>,
    /// As in [`Publication`].
    pub seq: Option<u64>,
    /// As in [`Publication`].
    pub epoch: Option<Epoch>,
    /// As in [`Publication`].
    pub time_ms: Option<u64>,
}

/// Why something published is no publication of the chat's. Anyone may publish to a broker: it is to be passed over.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PublicationError {
    /// The topic is not UTF-8.
    #[error("the topic is not UTF-8")]
    Topic,
    /// The second frame is no MessagePack.
    #[error("no MessagePack: {0}")]
    Malformed(#[from] FormatError),
    /// The second frame is something else than a map.
    #[error("no map")]
    NoMap,
    /// A key that every publication has is missing or no text.
    #[error("`{0}` is missing or no text")]
    Missing(&'static str),
    /// The sender's name is none.
    #[error("the sender's name: {0}")]
    Sender(#[from] NameError),
}

impl Publication {
    /// Who wrote it.
    pub const fn sender(&self) -> &UserName {
        match &self.body {
            PublicationBody::Channel { user } => user,
            PublicationBody::Direct { from } => from,
        }
    }

    /// The same without its topic, for sending it.
    pub fn as_outgoing(&self) -> PublicationRef<'_> {
        PublicationRef {
            sender: self.sender(),
            is_direct: matches!(self.body, PublicationBody::Direct { .. }),
            message: &self.message,
            timestamp: self.timestamp,
            clock: self.clock,
            id: self.id,
            seq: self.seq,
            epoch: self.epoch,
            time_ms: self.time_ms,
        }
    }

    /// Appends the second frame. The first is the topic.
    pub fn encode_payload(&self, out: &mut Vec<u8>) {
        self.as_outgoing().encode_payload(out);
    }

    /// Reads both frames. Bots may publish straight to a broker: our own keys may be missing or useless, and then are
    /// `None`; without a `timestamp` it is `time_ms`, or else `received`. Text that is no UTF-8 is shown as far as it goes,
    /// and bytes after the map are ignored.
    pub fn decode(topic: &[u8], payload: &[u8], received: Timestamp) -> Result<Self, PublicationError> {
        let topic = str::from_utf8(topic).map_err(|_| PublicationError::Topic)?;
        match Reader::new(payload).value()? {
            Value::Map(items) => Fields::read(items).publication(topic.to_owned(), received),
            _ => Err(PublicationError::NoMap),
        }
    }

    /// A message in a `history` reply.
    pub(crate) fn encode_with_topic(&self, out: &mut Writer<'_>) {
        out.map(|map| {
            map.key("topic").text(&self.topic);
            self.as_outgoing().encode_keys(map);
        });
    }

    /// A message in a `history` reply.
    pub(crate) fn decode_with_topic(items: Items<'_>, received: Timestamp) -> Result<Self, PublicationError> {
        let fields = Fields::read(items);
        let topic = fields.topic.ok_or(PublicationError::Missing("topic"))?;
        let topic = topic.as_text().ok_or(PublicationError::Topic)?;
        fields.publication(topic.to_owned(), received)
    }
}

impl PublicationRef<'_> {
    /// Appends the second frame. The first is the topic.
    pub fn encode_payload(&self, out: &mut Vec<u8>) {
        Writer::new(out).map(|map| self.encode_keys(map));
    }

    fn encode_keys(&self, map: &mut MapWriter<'_>) {
        map.key(if self.is_direct { "from" } else { "user" }).text(self.sender.as_str());
        map.key("message").text(self.message);
        map.key("timestamp").integer(self.timestamp.as_seconds());
        if let Some(clock) = self.clock {
            map.key("clock").unsigned(clock);
        }
        if let Some(id) = self.id {
            map.key("id").binary(id.as_bytes());
        }
        if let Some(seq) = self.seq {
            map.key("seq").unsigned(seq);
        }
        if let Some(epoch) = self.epoch {
            map.key("epoch").unsigned(epoch.as_u64());
        }
        if let Some(time_ms) = self.time_ms {
            map.key("time_ms").unsigned(time_ms);
        }
    }
}

/// The keys of a publication as they lie in the frame.
#[derive(Default)]
struct Fields<'a> {
    topic: Option<Value<'a>>,
    user: Option<Value<'a>>,
    from: Option<Value<'a>>,
    message: Option<Value<'a>>,
    timestamp: Option<Value<'a>>,
    clock: Option<Value<'a>>,
    id: Option<Value<'a>>,
    seq: Option<Value<'a>>,
    epoch: Option<Value<'a>>,
    time_ms: Option<Value<'a>>,
}

impl<'a> Fields<'a> {
    fn read(items: Items<'a>) -> Self {
        let mut fields = Self::default();
        for (key, value) in items.pairs() {
            let field = match key {
                b"topic" => &mut fields.topic,
                b"user" => &mut fields.user,
                b"from" => &mut fields.from,
                b"message" => &mut fields.message,
                b"timestamp" => &mut fields.timestamp,
                b"clock" => &mut fields.clock,
                b"id" => &mut fields.id,
                b"seq" => &mut fields.seq,
                b"epoch" => &mut fields.epoch,
                b"time_ms" => &mut fields.time_ms,
                _ => continue,
            };
            *field = value.unless_nil();
        }
        fields
    }

    fn publication(self, topic: String, received: Timestamp) -> Result<Publication, PublicationError> {
        let body = match (self.from, self.user) {
            (Some(from), _) => PublicationBody::Direct { from: UserName::parse(&text("from", Some(from))?)? },
            (None, user) => PublicationBody::Channel { user: UserName::parse(&text("user", user)?)? },
        };
        let time_ms = self.time_ms.and_then(Value::as_unsigned);
        let timestamp = self.timestamp.or(self.time_ms).and_then(Timestamp::from_wire).unwrap_or(received);
        Ok(Publication {
            topic,
            body,
            message: text("message", self.message)?.into_owned(),
            timestamp,
            clock: self.clock.and_then(Value::as_counter),
            id: self.id.and_then(MessageId::from_wire),
            seq: self.seq.and_then(Value::as_unsigned),
            epoch: epoch(self.epoch),
            time_ms,
        })
    }
}

/// An epoch beyond the bound counts as absent.
pub(crate) fn epoch(value: Option<Value<'_>>) -> Option<Epoch> {
    Epoch::new(value?.as_counter()?).ok()
}

fn text<'a>(key: &'static str, value: Option<Value<'a>>) -> Result<Cow<'a, str>, PublicationError> {
    match value {
        Some(Value::Text(bytes)) => Ok(String::from_utf8_lossy(bytes)),
        _ => Err(PublicationError::Missing(key)),
    }
}
