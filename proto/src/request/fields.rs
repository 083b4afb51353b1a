//! The keys of a request as they lie in the frame, in whatever order they came, and their conversion into ours.

mod access;

use super::error::Refusal;
use super::{ActIn, HistoryOf, HistoryRequest, Place, Range, SearchIn, SearchRequest};
use crate::act::{Act, ActKind, Manner, Style};
use crate::code::Code;
use crate::id::MessageId;
use crate::limits::{
    CHANNEL_TOPIC_BYTES_MAX, EMOJI_BYTES_MAX, HISTORY_LIMIT_DEFAULT, HISTORY_LIMIT_MAX, MESSAGE_BYTES_MAX,
    SEARCH_LIMIT_DEFAULT, SEARCH_LIMIT_MAX, SEARCH_WORDS_BYTES_MAX, SYNC_TOPICS_MAX,
};
use crate::mark::{ReadMark, ReadOf};
use crate::name::{ChannelName, NameError, TopicName, UserName};
use crate::presence::{Device, Presence, TypingIn};
use crate::publication::epoch;
use crate::system::SyncTopic;
use crate::timestamp::Timestamp;
use crate::wire::{Items, Value};

/// What `data` may hold. Of a key that comes twice the last one counts; `nil` counts as absent.
#[derive(Default)]
pub(super) struct Fields<'a> {
    user: Option<Value<'a>>,
    channel: Option<Value<'a>>,
    message: Option<Value<'a>>,
    src: Option<Value<'a>>,
    dst: Option<Value<'a>>,
    from: Option<Value<'a>>,
    words: Option<Value<'a>>,
    with: Option<Value<'a>>,
    latest: Option<Value<'a>>,
    before: Option<Value<'a>>,
    after: Option<Value<'a>>,
    around: Option<Value<'a>>,
    between: Option<Value<'a>>,
    limit: Option<Value<'a>>,
    topic: Option<Value<'a>>,
    topics: Option<Value<'a>>,
    kind: Option<Value<'a>>,
    target: Option<Value<'a>>,
    style: Option<Value<'a>>,
    acts: Option<Value<'a>>,
    seq: Option<Value<'a>>,
    epoch: Option<Value<'a>>,
    state: Option<Value<'a>>,
    device: Option<Value<'a>>,
    id: Option<Value<'a>>,
    timestamp: Option<Value<'a>>,
    clock: Option<Value<'a>>,
    password: Option<Value<'a>>,
    private: Option<Value<'a>>,
    code: Option<Value<'a>>,
    act: Option<Value<'a>>,
    of: Option<Value<'a>>,
    role: Option<Value<'a>>,
    seconds: Option<Value<'a>>,
    key: Option<Value<'a>>,
    value: Option<Value<'a>>,
}

impl<'a> Fields<'a> {
    pub(super) fn read(data: Items<'a>) -> Self {
        let mut fields = Self::default();
        for (key, value) in data.pairs() {
            let field = match key {
                b"user" => &mut fields.user,
                b"channel" => &mut fields.channel,
                b"message" => &mut fields.message,
                b"src" => &mut fields.src,
                b"dst" => &mut fields.dst,
                b"from" => &mut fields.from,
                b"words" => &mut fields.words,
                b"with" => &mut fields.with,
                b"latest" => &mut fields.latest,
                b"before" => &mut fields.before,
                b"after" => &mut fields.after,
                b"around" => &mut fields.around,
                b"between" => &mut fields.between,
                b"limit" => &mut fields.limit,
                b"topic" => &mut fields.topic,
                b"topics" => &mut fields.topics,
                b"kind" => &mut fields.kind,
                b"target" => &mut fields.target,
                b"style" => &mut fields.style,
                b"acts" => &mut fields.acts,
                b"seq" => &mut fields.seq,
                b"epoch" => &mut fields.epoch,
                b"state" => &mut fields.state,
                b"device" => &mut fields.device,
                b"id" => &mut fields.id,
                b"timestamp" => &mut fields.timestamp,
                b"clock" => &mut fields.clock,
                b"password" => &mut fields.password,
                b"private" => &mut fields.private,
                b"code" => &mut fields.code,
                b"act" => &mut fields.act,
                b"of" => &mut fields.of,
                b"role" => &mut fields.role,
                b"seconds" => &mut fields.seconds,
                b"key" => &mut fields.key,
                b"value" => &mut fields.value,
                _ => continue,
            };
            *field = value.unless_nil();
        }
        fields
    }

    pub(super) fn timestamp(&self) -> Option<Timestamp> {
        self.timestamp.and_then(Timestamp::from_wire)
    }

    pub(super) fn clock(&self) -> Option<u64> {
        self.clock.and_then(Value::as_counter)
    }

    pub(super) fn user(&self) -> Result<UserName, Refusal> {
        user("user", self.user)
    }

    pub(super) fn user_if_given(&self) -> Result<Option<UserName>, Refusal> {
        self.user.map(|value| user("user", Some(value))).transpose()
    }

    pub(super) fn src(&self) -> Result<UserName, Refusal> {
        user("src", self.src)
    }

    pub(super) fn dst(&self) -> Result<UserName, Refusal> {
        user("dst", self.dst)
    }

    pub(super) fn channel(&self) -> Result<ChannelName, Refusal> {
        let text = text("channel", self.channel)?;
        ChannelName::parse(text).map_err(|error| bad_name("channel", error))
    }

    pub(super) fn message(&self) -> Result<String, Refusal> {
        if let Some(Value::Text(bytes)) = self.message
            && bytes.len() > MESSAGE_BYTES_MAX
        {
            let description =
                format!("a message has at most {MESSAGE_BYTES_MAX} bytes, this one has {}", bytes.len());
            return Err(Refusal { code: Code::TooLarge, description });
        }
        text("message", self.message).map(str::to_owned)
    }

    pub(super) fn id(&self) -> Result<Option<MessageId>, Refusal> {
        let Some(value) = self.id else { return Ok(None) };
        let id = MessageId::from_wire(value).ok_or_else(|| {
            Refusal::bad_request("`id` is 16 bytes, or a UUID as text of 32 or 36 characters")
        })?;
        Ok(Some(id))
    }

    /// What a message says of itself. A program's own `style`, which nobody here knows, counts as absent; a `target` that is
    /// no `id` is refused, since without it the message would mean something else.
    pub(super) fn manner(&self) -> Result<Manner, Refusal> {
        let target = self.target.map(|_| self.target()).transpose()?;
        let style = self.style.and_then(Value::as_text).and_then(Style::from_wire);
        Ok(Manner { target, style })
    }

    pub(super) fn act_in(&self) -> Result<ActIn, Refusal> {
        match (self.channel, self.dst) {
            (Some(_), Some(_)) => Err(Refusal::bad_request("`channel` and `dst` cannot both be given")),
            (None, Some(_)) => Ok(ActIn::With(self.dst()?)),
            (Some(_), None) => Ok(ActIn::Channel(self.channel()?)),
            (None, None) => Err(Refusal::bad_request("an act has a `channel`, or a user `dst`")),
        }
    }

    pub(super) fn act(&self, within: &ActIn) -> Result<Act, Refusal> {
        let kind = text("kind", self.kind)?;
        let kind = ActKind::from_wire(kind).ok_or_else(|| {
            let known = ActKind::ALL.map(ActKind::as_str).join(", ");
            Refusal::bad_request(format!("`kind` is one of {known}"))
        })?;
        Ok(match kind {
            ActKind::Edit => Act::Edit { target: self.target()?, text: self.message()? },
            ActKind::Delete => Act::Delete { target: self.target()? },
            ActKind::React => Act::React { target: self.target()?, emoji: self.emoji()? },
            ActKind::Unreact => Act::Unreact { target: self.target()?, emoji: self.emoji()? },
            ActKind::Topic => match within {
                ActIn::Channel(_) => Act::Topic { text: self.channel_topic()? },
                ActIn::With(_) => return Err(Refusal::bad_request("only a `channel` has a topic")),
            },
        })
    }

    fn target(&self) -> Result<MessageId, Refusal> {
        let value = self.target.ok_or_else(|| Refusal::bad_request("`target` is missing from `data`"))?;
        MessageId::from_wire(value)
            .ok_or_else(|| Refusal::bad_request("`target` is a message's `id`: 16 bytes, or a UUID as text"))
    }

    fn emoji(&self) -> Result<String, Refusal> {
        let emoji = text("message", self.message)?;
        if emoji.is_empty() || emoji.len() > EMOJI_BYTES_MAX || emoji.chars().any(char::is_control) {
            let description = format!(
                "the `message` of a reaction is an emoji of 1 to {EMOJI_BYTES_MAX} bytes, without control characters"
            );
            return Err(Refusal::bad_request(description));
        }
        Ok(emoji.to_owned())
    }

    fn channel_topic(&self) -> Result<String, Refusal> {
        let topic = text("message", self.message)?;
        if topic.len() > CHANNEL_TOPIC_BYTES_MAX {
            let description = format!(
                "a channel's topic has at most {CHANNEL_TOPIC_BYTES_MAX} bytes, this one has {}",
                topic.len()
            );
            return Err(Refusal { code: Code::TooLarge, description });
        }
        Ok(topic.to_owned())
    }

    pub(super) fn history(&self) -> Result<HistoryRequest, Refusal> {
        let user_asking = self.user()?;
        let of = match (self.channel, self.with) {
            (Some(_), Some(_)) => {
                return Err(Refusal::bad_request("`channel` and `with` cannot both be given"));
            }
            (Some(_), None) => HistoryOf::Channel(self.channel()?),
            (None, Some(_)) => HistoryOf::With(user("with", self.with)?),
            (None, None) => HistoryOf::Received,
        };
        let range = self.range(&of)?;
        Ok(HistoryRequest {
            user: user_asking,
            of,
            range,
            limit: self.limit(HISTORY_LIMIT_DEFAULT, HISTORY_LIMIT_MAX)?,
            acts: flag("acts", self.acts)?,
        })
    }

    pub(super) fn search(&self) -> Result<SearchRequest, Refusal> {
        let words = text("words", self.words)?;
        if words.len() > SEARCH_WORDS_BYTES_MAX {
            let description = format!(
                "the words to search for have at most {SEARCH_WORDS_BYTES_MAX} bytes, these have {}",
                words.len()
            );
            return Err(Refusal { code: Code::TooLarge, description });
        }
        let within = match (self.channel, self.with) {
            (Some(_), Some(_)) => {
                return Err(Refusal::bad_request("`channel` and `with` cannot both be given"));
            }
            (Some(_), None) => Some(SearchIn::Channel(self.channel()?)),
            (None, Some(_)) => Some(SearchIn::With(user("with", self.with)?)),
            (None, None) => None,
        };
        Ok(SearchRequest {
            user: self.user()?,
            words: words.to_owned(),
            from: self.from.map(|value| user("from", Some(value))).transpose()?,
            within,
            after: time("after", self.after)?,
            before: time("before", self.before)?,
            limit: self.limit(SEARCH_LIMIT_DEFAULT, SEARCH_LIMIT_MAX)?,
        })
    }

    pub(super) fn mark(&self) -> Result<ReadMark, Refusal> {
        let of = match (self.channel, self.with) {
            (Some(_), None) => ReadOf::Channel(self.channel()?),
            (None, Some(_)) => ReadOf::With(user("with", self.with)?),
            (Some(_), Some(_)) | (None, None) => {
                return Err(Refusal::bad_request("a mark has either `channel` or `with`"));
            }
        };
        let seq = self.seq.and_then(Value::as_unsigned);
        let seq = seq.ok_or_else(|| Refusal::bad_request("`seq` is missing or no whole number"))?;
        let epoch = epoch(self.epoch);
        let epoch = epoch.ok_or_else(|| Refusal::bad_request("`epoch` is missing or no epoch"))?;
        Ok(ReadMark { of, seq, epoch })
    }

    pub(super) fn presence(&self) -> Result<Presence, Refusal> {
        Presence::from_wire(text("state", self.state)?).ok_or_else(|| {
            let known = Presence::ALL.map(Presence::as_str).join(", ");
            Refusal::bad_request(format!("`state` is one of {known}"))
        })
    }

    pub(super) fn device(&self) -> Result<Option<Device>, Refusal> {
        let Some(value) = self.device else { return Ok(None) };
        let device = Device::parse(text("device", Some(value))?);
        device.map(Some).map_err(|error| Refusal::bad_request(format!("`device`: {error}")))
    }

    pub(super) fn typing(&self) -> Result<Option<TypingIn>, Refusal> {
        match (self.channel, self.with) {
            (Some(_), Some(_)) => Err(Refusal::bad_request("`channel` and `with` cannot both be given")),
            (Some(_), None) => Ok(Some(TypingIn::Channel(self.channel()?))),
            (None, Some(_)) => Ok(Some(TypingIn::With(user("with", self.with)?))),
            (None, None) => Ok(None),
        }
    }

    pub(super) fn sync_topic(&self) -> Result<SyncTopic, Refusal> {
        SyncTopic::parse(text("topic", self.topic)?)
            .map_err(|error| Refusal::bad_request(format!("`topic`: {error}")))
    }

    pub(super) fn topics(&self) -> Result<Vec<TopicName>, Refusal> {
        let Some(Value::Array(items)) = self.topics else {
            return Err(Refusal::bad_request("`topics` is an array of names"));
        };
        if items.count == 0 || items.count > SYNC_TOPICS_MAX {
            let description = format!("`topics` has 1 to {SYNC_TOPICS_MAX} names, not {}", items.count);
            return Err(Refusal::bad_request(description));
        }
        let name =
            |value| TopicName::parse(text("topics", Some(value))?).map_err(|error| bad_name("topics", error));
        items.values().map(name).collect()
    }

    fn range(&self, of: &HistoryOf) -> Result<Range, Refusal> {
        let latest = flag("latest", self.latest)?;
        let named = [self.before, self.after, self.around, self.between].iter().flatten().count();
        if named + usize::from(latest) > 1 {
            let description = "only one of `latest`, `before`, `after`, `around` and `between` can be given";
            return Err(Refusal::bad_request(description));
        }
        if let Some(value) = self.before {
            return place("before", value, of).map(Range::Before);
        }
        if let Some(value) = self.after {
            return place("after", value, of).map(Range::After);
        }
        if let Some(value) = self.around {
            return place("around", value, of).map(Range::Around);
        }
        let Some(value) = self.between else { return Ok(Range::Latest) };
        if let Value::Array(items) = value
            && items.count == 2
        {
            let mut ends = items.values();
            if let (Some(first), Some(last)) = (ends.next(), ends.next()) {
                return Ok(Range::Between(place("between", first, of)?, place("between", last, of)?));
            }
        }
        Err(Refusal::bad_request("`between` is an array of two places"))
    }

    fn limit(&self, if_absent: u32, max: u32) -> Result<u32, Refusal> {
        let Some(value) = self.limit else { return Ok(if_absent) };
        let limit =
            value.as_unsigned().ok_or_else(|| Refusal::bad_request("`limit` is a whole number from 0 up"))?;
        Ok(u32::try_from(limit).unwrap_or(u32::MAX).min(max))
    }
}

fn flag(key: &str, value: Option<Value<'_>>) -> Result<bool, Refusal> {
    match value {
        None | Some(Value::Boolean(false)) => Ok(false),
        Some(Value::Boolean(true)) => Ok(true),
        Some(_) => Err(Refusal::bad_request(format!("`{key}` is true or false"))),
    }
}

/// A time that cannot be understood is refused: without it something else would be searched.
fn time(key: &str, value: Option<Value<'_>>) -> Result<Option<Timestamp>, Refusal> {
    let time = |value| {
        Timestamp::from_wire(value)
            .ok_or_else(|| Refusal::bad_request(format!("`{key}` is a time in Unix seconds")))
    };
    value.map(time).transpose()
}

fn user(key: &str, value: Option<Value<'_>>) -> Result<UserName, Refusal> {
    let text = text(key, value)?;
    UserName::parse(text).map_err(|error| bad_name(key, error))
}

fn bad_name(key: &str, error: NameError) -> Refusal {
    Refusal { code: Code::BadName, description: format!("`{key}`: {error}") }
}

fn text<'a>(key: &str, value: Option<Value<'a>>) -> Result<&'a str, Refusal> {
    match value {
        None => Err(Refusal::bad_request(format!("`{key}` is missing from `data`"))),
        Some(Value::Text(bytes)) => {
            str::from_utf8(bytes).map_err(|_| Refusal::bad_request(format!("`{key}` is not UTF-8")))
        }
        Some(_) => Err(Refusal::bad_request(format!("`{key}` is not text"))),
    }
}

fn place(key: &str, value: Value<'_>, of: &HistoryOf) -> Result<Place, Refusal> {
    if let Some(seq) = value.as_unsigned() {
        if matches!(of, HistoryOf::With(_)) {
            let description =
                format!("`{key}`: a conversation runs through two topics, its places are `id`s");
            return Err(Refusal { code: Code::BadPlace, description });
        }
        return Ok(Place::Seq(seq));
    }
    MessageId::from_wire(value)
        .map(Place::Id)
        .ok_or_else(|| Refusal::bad_request(format!("`{key}` is a `seq` or an `id`")))
}
