//! What subscribers receive: two frames, the topic and a map. Also the messages in a `history` reply, which name their topic.

use std::borrow::Cow;

use thiserror::Error;

use crate::act::{ACTS_PREFIX, ActDone, ActKind, Manner, Style};
use crate::epoch::Epoch;
use crate::id::MessageId;
use crate::limits::ACTS_PER_MESSAGE_MAX;
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
    /// Of an act what it does; a message has none.
    pub kind: Option<ActKind>,
    /// What it says of itself beside its text.
    pub manner: Manner,
    /// In history: the text is not the first one any more.
    pub edited: bool,
    /// In history: it was taken back, and its text is empty.
    pub deleted: bool,
    /// In history, if they were asked for: the acts on this message.
    pub acts: Vec<ActDone>,
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
    /// As in [`Publication`].
    pub kind: Option<ActKind>,
    /// As in [`Publication`].
    pub manner: Manner,
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
    /// On a topic for acts there is something else, or an act of a kind that this version does not know.
    #[error("no act that is known")]
    NoAct,
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
            kind: self.kind,
            manner: self.manner,
        }
    }

    /// The first frame: the topic itself, or of an act the one beside it.
    pub fn wire_topic(&self) -> Cow<'_, str> {
        match self.kind {
            Some(_) => Cow::Owned(format!("{ACTS_PREFIX}{}", self.topic)),
            None => Cow::Borrowed(&self.topic),
        }
    }

    /// Appends the second frame. The first is [`Publication::wire_topic`].
    pub fn encode_payload(&self, out: &mut Vec<u8>) {
        self.as_outgoing().encode_payload(out);
    }

    /// Reads both frames. Bots may publish straight to a broker: our own keys may be missing or useless, and then are
    /// `None`; without a `timestamp` it is `time_ms`, or else `received`. What comes on an act's topic is one, in the topic whose
    /// name follows; elsewhere a `kind` is a bot's own key, and nothing to us. Text that is no UTF-8 is shown as far as it goes,
    /// and bytes after the map are ignored.
    pub fn decode(topic: &[u8], payload: &[u8], received: Timestamp) -> Result<Self, PublicationError> {
        let topic = str::from_utf8(topic).map_err(|_| PublicationError::Topic)?;
        match Reader::new(payload).value()? {
            Value::Map(items) => {
                // These stand in history alone: nobody else can say them.
                let mut fields = Fields { edited: None, deleted: None, acts: None, ..Fields::read(items) };
                let topic = match topic.strip_prefix(ACTS_PREFIX) {
                    Some(topic) if fields.kind.is_some() => topic,
                    Some(_) => return Err(PublicationError::NoAct),
                    None => {
                        fields.kind = None;
                        topic
                    }
                };
                fields.publication(topic.to_owned(), received)
            }
            _ => Err(PublicationError::NoMap),
        }
    }

    /// A message in a `history` reply.
    pub(crate) fn encode_with_topic(&self, out: &mut Writer<'_>) {
        out.map(|map| {
            map.key("topic").text(&self.topic);
            self.as_outgoing().encode_keys(map);
            if self.edited {
                map.key("edited").boolean(true);
            }
            if self.deleted {
                map.key("deleted").boolean(true);
            }
            if !self.acts.is_empty() {
                let out = map.key("acts");
                out.array(self.acts.len());
                self.acts.iter().for_each(|act| act.encode(out));
            }
        });
    }

    /// A message in a `search` reply.
    pub(crate) fn encode_found(&self, snippet: &str, out: &mut Writer<'_>) {
        out.map(|map| {
            map.key("topic").text(&self.topic);
            PublicationRef { kind: None, ..self.as_outgoing() }.encode_keys(map);
            if self.edited {
                map.key("edited").boolean(true);
            }
            map.key("snippet").text(snippet);
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

    pub(crate) fn encode_keys(&self, map: &mut MapWriter<'_>) {
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
        if let Some(kind) = self.kind {
            map.key("kind").text(kind.as_str());
        }
        self.manner.encode(map);
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
    kind: Option<Value<'a>>,
    target: Option<Value<'a>>,
    style: Option<Value<'a>>,
    edited: Option<Value<'a>>,
    deleted: Option<Value<'a>>,
    acts: Option<Value<'a>>,
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
                b"kind" => &mut fields.kind,
                b"target" => &mut fields.target,
                b"style" => &mut fields.style,
                b"edited" => &mut fields.edited,
                b"deleted" => &mut fields.deleted,
                b"acts" => &mut fields.acts,
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
        let kind = match self.kind {
            None => None,
            Some(word) => {
                let known = word.as_text().and_then(ActKind::from_wire);
                Some(known.ok_or(PublicationError::NoAct)?)
            }
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
            kind,
            manner: Manner {
                target: self.target.and_then(MessageId::from_wire),
                style: self.style.and_then(Value::as_text).and_then(Style::from_wire),
            },
            edited: self.edited == Some(Value::Boolean(true)),
            deleted: self.deleted == Some(Value::Boolean(true)),
            acts: match self.acts {
                Some(Value::Array(items)) => {
                    items.values().take(ACTS_PER_MESSAGE_MAX + 1).filter_map(ActDone::decode).collect()
                }
                _ => Vec::new(),
            },
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
