//! Reads a `server_data.json` entry by entry, in whatever spelling it was written: keys are compared without regard to case
//! and `_`, unknown ones are passed over, `null` is an empty list. It judges form alone, not names.

use std::fmt;
use std::io::Read;

use recado_proto::{MessageId, Timestamp};
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// Where an entry stands in the file: `channel_messages[17]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Spot {
    pub(super) list: List,
    pub(super) index: u64,
}

impl fmt::Display for Spot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[{}]", self.list.name(), self.index)
    }
}

/// The file's lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum List {
    Logins,
    Channels,
    ChannelMessages,
    UserMessages,
    /// What was done to messages in channels, and to channels.
    ChannelActs,
    /// What was done to messages to users.
    UserActs,
}

impl List {
    const ALL: [List; 6] = [
        List::Logins,
        List::Channels,
        List::ChannelMessages,
        List::UserMessages,
        List::ChannelActs,
        List::UserActs,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            List::Logins => "logins",
            List::Channels => "channels",
            List::ChannelMessages => "channel_messages",
            List::UserMessages => "user_messages",
            List::ChannelActs => "channel_acts",
            List::UserActs => "user_acts",
        }
    }
}

/// One entry, as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum RawEntry {
    Login { user: String, timestamp: Option<Timestamp> },
    Channel { channel: String, timestamp: Option<Timestamp> },
    ChannelMessage { user: String, channel: String, message: RawMessage },
    UserMessage { src: String, dst: String, message: RawMessage },
    ChannelAct { user: String, channel: String, kind: String, message: RawMessage },
    UserAct { src: String, dst: String, kind: String, message: RawMessage },
}

/// What messages of both kinds have, and acts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RawMessage {
    pub(super) text: String,
    pub(super) timestamp: Option<Timestamp>,
    /// Another program's `id` may be anything: what is no UUID counts as absent.
    pub(super) id: Option<MessageId>,
    pub(super) time_ms: Option<u64>,
    /// Its place among the messages and acts of its topic.
    pub(super) seq: Option<u64>,
    /// The message that is replied to, or that an act is about.
    pub(super) target: Option<MessageId>,
    pub(super) style: Option<String>,
}

/// Reads one entry of a list.
pub(super) fn read_entry(list: List, text: &str) -> Result<RawEntry, String> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    FieldsSeed.deserialize(&mut deserializer).map_err(|error| error.to_string())?.into_entry(list)
}

/// Reads all of `source`, giving each entry to `each`, whose error ends it.
pub(super) fn read(
    source: impl Read,
    each: impl FnMut(Spot, RawEntry) -> Result<(), String>,
) -> Result<(), serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_reader(source);
    Top { each }.deserialize(&mut deserializer)?;
    deserializer.end()
}

struct Top<F> {
    each: F,
}

impl<'de, F: FnMut(Spot, RawEntry) -> Result<(), String>> DeserializeSeed<'de> for Top<F> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, F: FnMut(Spot, RawEntry) -> Result<(), String>> Visitor<'de> for Top<F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with logins, channels, channel_messages and user_messages")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        let mut known = false;
        while let Some(key) = map.next_key::<String>()? {
            match List::ALL.into_iter().find(|list| is_key(&key, list.name())) {
                Some(list) => {
                    known = true;
                    map.next_value_seed(Entries { list, each: &mut self.each })?;
                }
                None => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        if known {
            Ok(())
        } else {
            Err(A::Error::custom("it has none of logins, channels, channel_messages, user_messages"))
        }
    }
}

struct Entries<'a, F> {
    list: List,
    each: &'a mut F,
}

impl<'de, F: FnMut(Spot, RawEntry) -> Result<(), String>> DeserializeSeed<'de> for Entries<'_, F> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, F: FnMut(Spot, RawEntry) -> Result<(), String>> Visitor<'de> for Entries<'_, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a list of {}", self.list.name())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let mut index = 0;
        let at = |index, why: &dyn fmt::Display| {
            A::Error::custom(format_args!("{}: {why}", Spot { list: self.list, index }))
        };
        loop {
            // A fault within the entry has its own line and column, but not which entry it is.
            let fields = match seq.next_element_seed(FieldsSeed) {
                Ok(Some(fields)) => fields,
                Ok(None) => return Ok(()),
                Err(error) => return Err(at(index, &error)),
            };
            let entry = fields.into_entry(self.list).map_err(|why| at(index, &why))?;
            (self.each)(Spot { list: self.list, index }, entry).map_err(|why| at(index, &why))?;
            index += 1;
        }
    }
}

/// Everything that an entry of any list may have.
#[derive(Debug, Default)]
struct Fields {
    /// The whole entry is this text: a channel's name.
    bare: Option<String>,
    user: Option<String>,
    username: Option<String>,
    channel: Option<String>,
    name: Option<String>,
    src: Option<String>,
    dst: Option<String>,
    message: Option<String>,
    timestamp: Option<Timestamp>,
    id: Option<MessageId>,
    time_ms: Option<u64>,
    seq: Option<u64>,
    target: Option<MessageId>,
    style: Option<String>,
    kind: Option<String>,
}

impl Fields {
    fn into_entry(self, list: List) -> Result<RawEntry, String> {
        if self.bare.is_some() && list != List::Channels {
            return Err("an object is needed, not a text".to_owned());
        }
        let need = |field: Option<String>, name: &str| field.ok_or_else(|| format!("it has no {name}"));
        let timestamp = self.timestamp;
        let (id, time_ms, seq, target, style) = (self.id, self.time_ms, self.seq, self.target, self.style);
        let message = |text| RawMessage { text, timestamp, id, time_ms, seq, target, style };
        Ok(match list {
            List::Logins => RawEntry::Login {
                user: need(self.username.or(self.user).or(self.name), "username")?,
                timestamp,
            },
            List::Channels => RawEntry::Channel {
                channel: need(self.bare.or(self.channel).or(self.name), "name")?,
                timestamp,
            },
            List::ChannelMessages => RawEntry::ChannelMessage {
                user: need(self.user.or(self.username), "user")?,
                channel: need(self.channel, "channel")?,
                message: message(need(self.message, "message")?),
            },
            List::UserMessages => RawEntry::UserMessage {
                src: need(self.src, "src")?,
                dst: need(self.dst, "dst")?,
                message: message(need(self.message, "message")?),
            },
            List::ChannelActs => RawEntry::ChannelAct {
                user: need(self.user, "user")?,
                channel: need(self.channel, "channel")?,
                kind: need(self.kind, "kind")?,
                message: message(self.message.unwrap_or_default()),
            },
            List::UserActs => RawEntry::UserAct {
                src: need(self.src, "src")?,
                dst: need(self.dst, "dst")?,
                kind: need(self.kind, "kind")?,
                message: message(self.message.unwrap_or_default()),
            },
        })
    }
}

struct FieldsSeed;

impl<'de> DeserializeSeed<'de> for FieldsSeed {
    type Value = Fields;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Fields, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for FieldsSeed {
    type Value = Fields;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object, or a channel's name")
    }

    fn visit_str<E>(self, text: &str) -> Result<Fields, E> {
        Ok(Fields { bare: Some(text.to_owned()), ..Fields::default() })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
        let mut fields = Fields::default();
        while let Some(key) = map.next_key::<String>()? {
            let text = match key.as_str() {
                key if is_key(key, "user") => &mut fields.user,
                key if is_key(key, "username") => &mut fields.username,
                key if is_key(key, "channel") => &mut fields.channel,
                key if is_key(key, "name") => &mut fields.name,
                key if is_key(key, "src") => &mut fields.src,
                key if is_key(key, "dst") => &mut fields.dst,
                key if is_key(key, "message") => &mut fields.message,
                key => {
                    match key {
                        key if is_key(key, "timestamp") => {
                            fields.timestamp = map.next_value::<Loose>()?.timestamp()
                        }
                        key if is_key(key, "id") => fields.id = map.next_value::<Loose>()?.id(),
                        key if is_key(key, "time_ms") => {
                            fields.time_ms = map.next_value::<Loose>()?.unsigned()
                        }
                        key if is_key(key, "seq") => fields.seq = map.next_value::<Loose>()?.unsigned(),
                        key if is_key(key, "target") => fields.target = map.next_value::<Loose>()?.id(),
                        key if is_key(key, "style") => fields.style = map.next_value::<Loose>()?.text(),
                        key if is_key(key, "kind") => fields.kind = map.next_value::<Loose>()?.text(),
                        _ => drop(map.next_value::<IgnoredAny>()?),
                    }
                    continue;
                }
            };
            *text = map.next_value()?;
        }
        Ok(fields)
    }
}

/// A value that may be of any kind, where only some mean anything.
enum Loose {
    Integer(i64),
    Float(f64),
    Text(String),
    Nothing,
}

impl Loose {
    fn timestamp(self) -> Option<Timestamp> {
        match self {
            Loose::Integer(number) => Timestamp::from_number(number),
            Loose::Float(number) => Timestamp::from_float(number),
            Loose::Text(text) => {
                Timestamp::from_text(&text).or_else(|| Timestamp::from_float(text.trim().parse().ok()?))
            }
            Loose::Nothing => None,
        }
    }

    fn id(self) -> Option<MessageId> {
        match self {
            Loose::Text(text) => text.parse().ok(),
            Loose::Integer(_) | Loose::Float(_) | Loose::Nothing => None,
        }
    }

    fn text(self) -> Option<String> {
        match self {
            Loose::Text(text) => Some(text),
            Loose::Integer(_) | Loose::Float(_) | Loose::Nothing => None,
        }
    }

    fn unsigned(self) -> Option<u64> {
        match self {
            Loose::Integer(number) => u64::try_from(number).ok(),
            Loose::Float(_) | Loose::Text(_) | Loose::Nothing => None,
        }
    }
}

impl<'de> serde::Deserialize<'de> for Loose {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(LooseVisitor)
    }
}

struct LooseVisitor;

impl<'de> Visitor<'de> for LooseVisitor {
    type Value = Loose;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_bool<E>(self, _: bool) -> Result<Loose, E> {
        Ok(Loose::Nothing)
    }

    fn visit_i64<E>(self, number: i64) -> Result<Loose, E> {
        Ok(Loose::Integer(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Loose, E> {
        Ok(i64::try_from(number).map_or(Loose::Nothing, Loose::Integer))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Loose, E> {
        Ok(Loose::Float(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Loose, E> {
        Ok(Loose::Text(text.to_owned()))
    }

    fn visit_unit<E>(self) -> Result<Loose, E> {
        Ok(Loose::Nothing)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Loose, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Loose::Nothing)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Loose, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Loose::Nothing)
    }
}

/// `channel_messages`, `ChannelMessages` and `channelMessages` are one key.
fn is_key(key: &str, name: &str) -> bool {
    let plain = |text: &str| {
        text.bytes().filter(|byte| *byte != b'_').map(|byte| byte.to_ascii_lowercase()).collect::<Vec<_>>()
    };
    key.len() <= 2 * name.len() + 1 && plain(key) == plain(name)
}
