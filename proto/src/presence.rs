//! Who is here, and who is typing: what users say of themselves from moment to moment. Nobody keeps it.

use std::fmt::{self, Display, Formatter};
use std::sync::Arc;

use thiserror::Error;

use crate::limits::DEVICE_BYTES_MAX;
use crate::name::{ChannelName, TopicName, UserName};
use crate::timestamp::Timestamp;
use crate::wire::{FormatError, Items, MapWriter, Reader, Value, Writer};

/// The topic on which is published who came, went, or turned away.
pub const HERE_TOPIC: &str = "_here";

/// What the topics begin with on which is published who is typing. The name of the channel or receiving user follows.
pub const TYPING_PREFIX: &str = "_typing.";

/// Whether somebody is here. Ordered by how much they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Presence {
    /// Not here, or not wanting to be seen.
    Offline,
    /// Here, and not looking.
    Away,
    /// Here.
    Online,
}

/// What one of a user's devices calls itself, so that they are told apart: 1 to 32 bytes without control characters. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Device(Arc<str>);

/// Why a text is no device's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a device is called by 1 to {DEVICE_BYTES_MAX} bytes without control characters")]
pub struct DeviceError;

/// Where somebody is typing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TypingIn {
    /// In this channel.
    Channel(ChannelName),
    /// To this user.
    With(UserName),
}

/// Somebody's presence, as a `who` reply lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Here {
    /// Who.
    pub user: UserName,
    /// How much.
    pub state: Presence,
}

/// Somebody's presence that changed. Two frames as every publication, the topic and a map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HerePublication {
    /// Who is how much here now.
    pub here: Here,
    /// When it was published.
    pub timestamp: Timestamp,
    /// The server's Lamport counter.
    pub clock: Option<u64>,
}

/// Somebody is typing. Two frames as every publication, the topic and a map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypingPublication {
    /// The channel, or the user who will receive it.
    pub topic: TopicName,
    /// Who is typing.
    pub user: UserName,
    /// When it was published.
    pub timestamp: Timestamp,
    /// The server's Lamport counter.
    pub clock: Option<u64>,
}

/// Why something published says nothing of who is here or typing. Anyone may publish to a broker: it is to be passed over.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PresencePublicationError {
    /// The topic is another one, or without a name.
    #[error("the topic is none of presence")]
    Topic,
    /// The second frame is no MessagePack.
    #[error("no MessagePack: {0}")]
    Malformed(#[from] FormatError),
    /// The second frame is something else than a map.
    #[error("no map")]
    NoMap,
    /// A key is missing or says nothing.
    #[error("`{0}` is missing or says nothing")]
    Missing(&'static str),
}

impl Presence {
    /// All of them.
    pub const ALL: [Presence; 3] = [Presence::Online, Presence::Away, Presence::Offline];

    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Presence::Online => "online",
            Presence::Away => "away",
            Presence::Offline => "offline",
        }
    }

    pub(crate) fn from_wire(word: &str) -> Option<Self> {
        Presence::ALL.into_iter().find(|presence| presence.as_str() == word)
    }
}

impl Device {
    /// Takes a device's own word for itself.
    pub fn parse(text: &str) -> Result<Self, DeviceError> {
        let is_one =
            !text.is_empty() && text.len() <= DEVICE_BYTES_MAX && !text.chars().any(char::is_control);
        if is_one { Ok(Self(Arc::from(text))) } else { Err(DeviceError) }
    }

    /// One that nobody else has, made of a random number.
    pub fn from_random(number: u64) -> Self {
        Self(Arc::from(format!("{number:016x}")))
    }

    /// The word.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TypingIn {
    /// The name of the channel or of the user.
    pub fn as_str(&self) -> &str {
        match self {
            TypingIn::Channel(channel) => channel.as_str(),
            TypingIn::With(user) => user.as_str(),
        }
    }

    /// The topic of what will be sent.
    pub fn topic(&self) -> TopicName {
        match self {
            TypingIn::Channel(channel) => channel.clone().into(),
            TypingIn::With(user) => user.clone().into(),
        }
    }

    pub(crate) fn encode(&self, map: &mut MapWriter<'_>) {
        let key = match self {
            TypingIn::Channel(_) => "channel",
            TypingIn::With(_) => "with",
        };
        map.key(key).text(self.as_str());
    }
}

impl Here {
    pub(crate) fn encode(&self, map: &mut MapWriter<'_>) {
        map.key("user").text(self.user.as_str());
        map.key("state").text(self.state.as_str());
    }

    /// `None` for what says nothing: a client passes over it.
    pub(crate) fn decode(items: Items<'_>) -> Option<Self> {
        Keys::read(items).here().ok()
    }
}

impl HerePublication {
    /// Appends the second frame. The first is [`HERE_TOPIC`].
    pub fn encode_payload(&self, out: &mut Vec<u8>) {
        Writer::new(out).map(|map| {
            self.here.encode(map);
            encode_time(map, self.timestamp, self.clock);
        });
    }

    /// Reads both frames. Without a `timestamp` it is `received`. Bytes after the map are passed over.
    pub fn decode(
        topic: &[u8],
        payload: &[u8],
        received: Timestamp,
    ) -> Result<Self, PresencePublicationError> {
        if topic != HERE_TOPIC.as_bytes() {
            return Err(PresencePublicationError::Topic);
        }
        let keys = Keys::of_payload(payload)?;
        Ok(Self { here: keys.here()?, timestamp: keys.timestamp(received), clock: keys.clock() })
    }
}

impl TypingPublication {
    /// Where it is published who is typing in a channel or to a user, as to be subscribed to.
    pub fn topic_of(topic: &TopicName) -> String {
        format!("{TYPING_PREFIX}{}", topic.as_str())
    }

    /// Appends the second frame. The first is [`TypingPublication::topic_of`] the topic.
    pub fn encode_payload(&self, out: &mut Vec<u8>) {
        Writer::new(out).map(|map| {
            map.key("user").text(self.user.as_str());
            encode_time(map, self.timestamp, self.clock);
        });
    }

    /// Reads both frames. Without a `timestamp` it is `received`. Bytes after the map are passed over.
    pub fn decode(
        topic: &[u8],
        payload: &[u8],
        received: Timestamp,
    ) -> Result<Self, PresencePublicationError> {
        let name = str::from_utf8(topic).ok().and_then(|topic| topic.strip_prefix(TYPING_PREFIX));
        let name = name.ok_or(PresencePublicationError::Topic)?;
        // A name that had to be trimmed is not the one that the topic has.
        let topic = TopicName::parse(name).ok().filter(|topic| topic.as_str() == name);
        let topic = topic.ok_or(PresencePublicationError::Topic)?;
        let keys = Keys::of_payload(payload)?;
        Ok(Self { topic, user: keys.user()?, timestamp: keys.timestamp(received), clock: keys.clock() })
    }
}

fn encode_time(map: &mut MapWriter<'_>, timestamp: Timestamp, clock: Option<u64>) {
    map.key("timestamp").integer(timestamp.as_seconds());
    if let Some(clock) = clock {
        map.key("clock").unsigned(clock);
    }
}

/// The keys as they lie in the frame.
#[derive(Default)]
struct Keys<'a> {
    user: Option<Value<'a>>,
    state: Option<Value<'a>>,
    timestamp: Option<Value<'a>>,
    clock: Option<Value<'a>>,
}

impl<'a> Keys<'a> {
    fn of_payload(payload: &'a [u8]) -> Result<Self, PresencePublicationError> {
        match Reader::new(payload).value()? {
            Value::Map(items) => Ok(Self::read(items)),
            _ => Err(PresencePublicationError::NoMap),
        }
    }

    fn read(items: Items<'a>) -> Self {
        let mut keys = Self::default();
        for (key, value) in items.pairs() {
            let field = match key {
                b"user" => &mut keys.user,
                b"state" => &mut keys.state,
                b"timestamp" => &mut keys.timestamp,
                b"clock" => &mut keys.clock,
                _ => continue,
            };
            *field = value.unless_nil();
        }
        keys
    }

    fn here(&self) -> Result<Here, PresencePublicationError> {
        let state = self.state.and_then(Value::as_text).and_then(Presence::from_wire);
        Ok(Here { user: self.user()?, state: state.ok_or(PresencePublicationError::Missing("state"))? })
    }

    fn user(&self) -> Result<UserName, PresencePublicationError> {
        let user = self.user.and_then(Value::as_text).and_then(|name| UserName::parse(name).ok());
        user.ok_or(PresencePublicationError::Missing("user"))
    }

    fn timestamp(&self, received: Timestamp) -> Timestamp {
        self.timestamp.and_then(Timestamp::from_wire).unwrap_or(received)
    }

    fn clock(&self) -> Option<u64> {
        self.clock.and_then(Value::as_counter)
    }
}

impl Display for Presence {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::{
        Device, Here, HerePublication, Presence, PresencePublicationError, TypingIn, TypingPublication,
    };
    use crate::limits::DEVICE_BYTES_MAX;
    use crate::name::UserName;
    use crate::timestamp::Timestamp;

    const RECEIVED: Timestamp = Timestamp::from_seconds(5);

    fn ana() -> UserName {
        UserName::parse("ana").unwrap()
    }

    fn here() -> (HerePublication, Vec<u8>) {
        let here = Here { user: ana(), state: Presence::Away };
        let publication = HerePublication { here, timestamp: Timestamp::from_seconds(4), clock: Some(2) };
        let mut payload = Vec::new();
        publication.encode_payload(&mut payload);
        (publication, payload)
    }

    fn typing() -> (TypingPublication, Vec<u8>) {
        let topic = TypingIn::With(UserName::parse("bob").unwrap()).topic();
        let timestamp = Timestamp::from_seconds(4);
        let publication = TypingPublication { topic, user: ana(), timestamp, clock: None };
        let mut payload = Vec::new();
        publication.encode_payload(&mut payload);
        (publication, payload)
    }

    #[test]
    fn what_is_published_is_read_again() {
        let (publication, payload) = here();
        assert_eq!(HerePublication::decode(b"_here", &payload, RECEIVED), Ok(publication));
        let (publication, payload) = typing();
        assert_eq!(TypingPublication::topic_of(&publication.topic), "_typing.bob");
        assert_eq!(TypingPublication::decode(b"_typing.bob", &payload, RECEIVED), Ok(publication));
    }

    #[test]
    fn every_shorter_payload_is_refused() {
        let (_, payload) = here();
        for length in 0..payload.len() {
            let read = HerePublication::decode(b"_here", &payload[..length], RECEIVED);
            assert!(matches!(read, Err(PresencePublicationError::Malformed(_))), "{length}: {read:?}");
        }
        let (_, payload) = typing();
        for length in 0..payload.len() {
            let read = TypingPublication::decode(b"_typing.bob", &payload[..length], RECEIVED);
            assert!(matches!(read, Err(PresencePublicationError::Malformed(_))), "{length}: {read:?}");
        }
    }

    #[test]
    fn what_says_nothing_is_an_error() {
        let (_, payload) = here();
        let check = |topic: &[u8], payload: &[u8], expect: PresencePublicationError| {
            assert_eq!(HerePublication::decode(topic, payload, RECEIVED), Err(expect));
        };
        check(b"_here.ana", &payload, PresencePublicationError::Topic);
        check(b"_here", b"\x90", PresencePublicationError::NoMap);
        check(b"_here", b"\x80", PresencePublicationError::Missing("user"));
        check(b"_here", b"\x81\xa5state\xa4away", PresencePublicationError::Missing("user"));
        check(b"_here", b"\x82\xa4user\xa2_x\xa5state\xa4away", PresencePublicationError::Missing("user"));
        check(b"_here", b"\x82\xa4user\xa1x\xa5state\xa4awry", PresencePublicationError::Missing("state"));
        let (_, payload) = typing();
        for topic in ["bob", "_typing.", "_typing._x", "_typing. bob", "_typing"] {
            let read = TypingPublication::decode(topic.as_bytes(), &payload, RECEIVED);
            assert_eq!(read, Err(PresencePublicationError::Topic), "{topic}");
        }
        let read = TypingPublication::decode(b"_typing.bob", b"\x80", RECEIVED);
        assert_eq!(read, Err(PresencePublicationError::Missing("user")));
    }

    #[test]
    fn a_device_is_called_by_something_short() {
        assert_eq!(Device::from_random(7).as_str(), "0000000000000007");
        let longest = "x".repeat(DEVICE_BYTES_MAX);
        assert!(Device::parse(&longest).is_ok());
        for wrong in ["", "a\nb", &format!("{longest}x")] {
            assert!(Device::parse(wrong).is_err(), "{wrong:?}");
        }
    }
}
