//! One line of the file: a checksum, and what happened as JSON.

use recado_proto::{ChannelName, Epoch, Manner, MessageId, Style, UserName};
use serde_json::{Map, Value};

use crate::chat::draft::{Aim, Draft, Purpose};
use crate::chat::item::{Level, Place};
use crate::receiver::Topic;

use super::Unsent;

/// Something that is to be remembered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// The client was here.
    Began,
    /// A message is to be sent.
    Unsent(Unsent),
    /// It was answered, or given up.
    Answered(MessageId),
    /// A topic was shown up to this place.
    Shown {
        /// The topic.
        topic: Topic,
        /// The epoch of the place.
        epoch: Epoch,
        /// The place.
        seq: u64,
    },
    /// A channel was joined, or plain lines go there again.
    Joined(ChannelName),
    /// A channel was left.
    Left(ChannelName),
    /// Of this conversation one wants to be told so much; none for what is usual.
    Level(Place, Option<Level>),
    /// This is typed and not sent there; an empty one takes the place of what was.
    Draft(Place, Draft),
}

impl Record {
    /// Appends the line: 16 hexadecimal digits of the checksum of the rest, a space, a JSON object, a line feed.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let mut object = Map::new();
        let mut put = |key: &str, value: Value| drop(object.insert(key.to_owned(), value));
        match self {
            Record::Began => put("format", 1.into()),
            Record::Unsent(Unsent { id, to, text, manner }) => {
                if let Some(target) = manner.target {
                    put("target", target.to_string().into());
                }
                if let Some(Style::Me) = manner.style {
                    put("style", "me".into());
                }
                put_place(&mut put, to);
                put("text", text.as_str().into());
                put("unsent", id.to_string().into())
            }
            Record::Answered(id) => put("answered", id.to_string().into()),
            Record::Shown { topic, epoch, seq } => {
                match topic {
                    Topic::Channel(channel) => put("channel", channel.as_str().into()),
                    Topic::Direct(user) => put("user", user.as_str().into()),
                };
                put("epoch", epoch.as_u64().into());
                put("shown", (*seq).into())
            }
            Record::Joined(channel) => put("joined", channel.as_str().into()),
            Record::Left(channel) => put("left", channel.as_str().into()),
            Record::Level(place, level) => {
                put_place(&mut put, place);
                put("level", level.map_or("usual", Level::as_str).into());
            }
            Record::Draft(place, draft) => {
                put_place(&mut put, place);
                put_draft(&mut put, draft);
            }
        };
        let json = Value::Object(object).to_string();
        out.extend_from_slice(format!("{:016x} {json}\n", checksum(json.as_bytes())).as_bytes());
    }

    /// Reads a line with its line feed; none if anything about it is wrong.
    pub fn decode(line: &[u8]) -> Option<Self> {
        let line = str::from_utf8(line).ok()?.strip_suffix('\n')?;
        let (sum, json) = line.split_at_checked(16)?;
        let json = json.strip_prefix(' ')?;
        if sum != format!("{:016x}", checksum(json.as_bytes())) {
            return None;
        }
        let object: Map<String, Value> = serde_json::from_str(json).ok()?;
        let text = |key: &str| object.get(key)?.as_str();
        let channel = |key: &str| ChannelName::parse(text(key)?).ok();
        let user = || UserName::parse(text("user")?).ok();
        let id = |key: &str| text(key)?.parse::<MessageId>().ok();
        let place = || channel("channel").map(Place::Channel).or_else(|| user().map(Place::Direct));
        if let Some(level) = text("level") {
            let known = Level::parse(level);
            return (known.is_some() || level == "usual").then_some(Record::Level(place()?, known));
        }
        if let Some(typed) = text("draft") {
            return Some(Record::Draft(place()?, draft(&object, typed)));
        }
        if let Some(unsent) = id("unsent") {
            let to = place()?;
            let style = (text("style") == Some("me")).then_some(Style::Me);
            let manner = Manner { target: id("target"), style };
            let text = text("text")?.to_owned();
            return Some(Record::Unsent(Unsent { id: unsent, to, text, manner }));
        }
        if let Some(seq) = object.get("shown").and_then(Value::as_u64) {
            let topic = channel("channel").map(Topic::Channel).or_else(|| user().map(Topic::Direct))?;
            let epoch = Epoch::new(object.get("epoch")?.as_u64()?).ok()?;
            return Some(Record::Shown { topic, epoch, seq });
        }
        id("answered")
            .map(Record::Answered)
            .or_else(|| channel("joined").map(Record::Joined))
            .or_else(|| channel("left").map(Record::Left))
            .or_else(|| object.contains_key("format").then_some(Record::Began))
    }
}

fn put_place(put: &mut impl FnMut(&str, Value), place: &Place) {
    match place {
        Place::Channel(channel) => put("channel", channel.as_str().into()),
        Place::Direct(user) => put("user", user.as_str().into()),
    }
}

fn put_draft(put: &mut impl FnMut(&str, Value), draft: &Draft) {
    put("draft", draft.text.as_str().into());
    let Some(Aim { purpose, target, author, before }) = &draft.aim else { return };
    let purpose = match purpose {
        Purpose::Answer => "answer",
        Purpose::Edit => "edit",
        Purpose::React => "react",
    };
    put("purpose", purpose.into());
    put("target", target.to_string().into());
    put("before", before.as_str().into());
    if let Some(author) = author {
        put("author", author.as_str().into());
    }
}

/// What is typed, and what it is for, as far as that can be read.
fn draft(object: &Map<String, Value>, typed: &str) -> Draft {
    let text = |key: &str| object.get(key).and_then(Value::as_str);
    let purpose = match text("purpose") {
        Some("answer") => Some(Purpose::Answer),
        Some("edit") => Some(Purpose::Edit),
        Some("react") => Some(Purpose::React),
        Some(_) | None => None,
    };
    let target = text("target").and_then(|target| target.parse().ok());
    let aim = purpose.zip(target).map(|(purpose, target)| Aim {
        purpose,
        target,
        author: text("author").and_then(|author| UserName::parse(author).ok()),
        before: text("before").unwrap_or_default().to_owned(),
    });
    Draft { text: typed.to_owned(), aim }
}

/// FNV-1a in 64 bits: against accidents, not against anybody.
pub(super) fn checksum(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |sum, byte| (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}
