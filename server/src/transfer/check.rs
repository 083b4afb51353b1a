//! Judges a file's entries before any of them is stored: names, lengths, and that no name is a user here and a channel there.

use std::collections::HashMap;
use std::collections::hash_map::Entry as Slot;

use recado_proto::limits::{CHANNEL_TOPIC_BYTES_MAX, EMOJI_BYTES_MAX, MESSAGE_BYTES_MAX};
use recado_proto::{Act, ActKind, ChannelName, NameError, Timestamp, UserName};

use super::Problems;
use super::json::{RawEntry, RawMessage, Spot};
use crate::limits::{CHANNELS_MAX, IMPORT_PROBLEMS_LISTED_MAX, USERS_MAX};
use crate::store::Destination;

/// An entry that can be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    Login {
        user: UserName,
        timestamp: Option<Timestamp>,
    },
    Channel {
        channel: ChannelName,
        timestamp: Option<Timestamp>,
    },
    Message {
        from: UserName,
        to: Destination,
        message: RawMessage,
    },
    Act {
        from: UserName,
        to: Destination,
        act: Act,
        message: RawMessage,
    },
    /// A message that was deleted.
    Deleted {
        from: UserName,
        to: Destination,
        message: RawMessage,
    },
}

/// In place of an act's kind: what is left of a message that was deleted.
pub(super) const DELETED_MESSAGE: &str = "message";

/// The entry with its names and text checked, or what to do about it.
pub(super) fn entry(raw: RawEntry) -> Result<Entry, String> {
    match raw {
        RawEntry::Login { user, timestamp } => {
            Ok(Entry::Login { user: name(&user, UserName::parse)?, timestamp })
        }
        RawEntry::Channel { channel, timestamp } => {
            Ok(Entry::Channel { channel: name(&channel, ChannelName::parse)?, timestamp })
        }
        RawEntry::ChannelMessage { user, channel, message } => {
            let to = Destination::Channel(name(&channel, ChannelName::parse)?);
            text(Entry::Message { from: name(&user, UserName::parse)?, to, message })
        }
        RawEntry::UserMessage { src, dst, message } => {
            let to = Destination::User(name(&dst, UserName::parse)?);
            text(Entry::Message { from: name(&src, UserName::parse)?, to, message })
        }
        RawEntry::ChannelAct { user, channel, kind, message } => {
            let to = Destination::Channel(name(&channel, ChannelName::parse)?);
            act(name(&user, UserName::parse)?, to, &kind, message)
        }
        RawEntry::UserAct { src, dst, kind, message } => {
            let to = Destination::User(name(&dst, UserName::parse)?);
            act(name(&src, UserName::parse)?, to, &kind, message)
        }
    }
}

/// Only programs that know acts write them, so that nothing of one may be missing.
fn act(from: UserName, to: Destination, kind: &str, message: RawMessage) -> Result<Entry, String> {
    if message.id.is_none() {
        return Err("it has no id, which is a UUID".to_owned());
    }
    if kind == DELETED_MESSAGE {
        let message = RawMessage { text: String::new(), ..message };
        return Ok(Entry::Deleted { from, to, message });
    }
    let known = || ActKind::ALL.into_iter().find(|known| known.as_str() == kind);
    let kind = known().ok_or_else(|| format!("its kind {kind:?} is not known; take it out of the file"))?;
    let text = message.text.clone();
    let target = || message.target.ok_or_else(|| "it has no target, which is a message's id".to_owned());
    let act = match kind {
        ActKind::Edit => Act::Edit { target: target()?, text },
        ActKind::Delete => Act::Delete { target: target()? },
        ActKind::React => Act::React { target: target()?, emoji: text },
        ActKind::Unreact => Act::Unreact { target: target()?, emoji: text },
        ActKind::Topic if matches!(to, Destination::User(_)) => {
            return Err("only a channel has a topic".to_owned());
        }
        ActKind::Topic => Act::Topic { text },
    };
    let bytes_max = match kind {
        ActKind::Edit | ActKind::Delete => MESSAGE_BYTES_MAX,
        ActKind::React | ActKind::Unreact => EMOJI_BYTES_MAX,
        ActKind::Topic => CHANNEL_TOPIC_BYTES_MAX,
    };
    let bytes = act.message().len();
    if bytes > bytes_max {
        return Err(format!("its message has {bytes} bytes, {bytes_max} at most; shorten it in the file"));
    }
    Ok(Entry::Act { from, to, act, message })
}

fn name<T>(text: &str, parse: fn(&str) -> Result<T, NameError>) -> Result<T, String> {
    parse(text).map_err(|error| format!("the name {text:?}: {error}; rename it throughout the file"))
}

fn text(entry: Entry) -> Result<Entry, String> {
    match &entry {
        Entry::Message { message, .. } if message.text.len() > MESSAGE_BYTES_MAX => {
            let bytes = message.text.len();
            Err(format!(
                "its message has {bytes} bytes, {MESSAGE_BYTES_MAX} at most; shorten or split it in the file"
            ))
        }
        Entry::Message { .. }
        | Entry::Login { .. }
        | Entry::Channel { .. }
        | Entry::Act { .. }
        | Entry::Deleted { .. } => Ok(entry),
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    User,
    Channel,
}

/// What a name is, and since where: an entry of the file, or the store.
#[derive(Clone, Copy, Debug)]
struct Use {
    kind: Kind,
    spot: Option<Spot>,
    reported: bool,
}

/// Everything that is wrong with a file.
#[derive(Debug, Default)]
pub(super) struct Check {
    names: HashMap<String, Use>,
    users: usize,
    channels: usize,
    full_reported: bool,
    problems: Problems,
}

impl Check {
    /// Names that the store has.
    pub(super) fn in_store(users: &[UserName], channels: &[ChannelName]) -> Self {
        let mut check = Self::default();
        for user in users {
            check.name(None, Kind::User, user.as_str());
        }
        for channel in channels {
            check.name(None, Kind::Channel, channel.as_str());
        }
        check
    }

    /// One entry of the file, or what is wrong with it.
    pub(super) fn take(&mut self, spot: Spot, entry: Result<&Entry, &str>) {
        match entry {
            Err(problem) => self.problem(Some(spot), problem),
            Ok(Entry::Login { user, .. }) => self.name(Some(spot), Kind::User, user.as_str()),
            Ok(Entry::Channel { channel, .. }) => self.name(Some(spot), Kind::Channel, channel.as_str()),
            Ok(
                Entry::Message { from, to, .. }
                | Entry::Act { from, to, .. }
                | Entry::Deleted { from, to, .. },
            ) => {
                self.name(Some(spot), Kind::User, from.as_str());
                match to {
                    Destination::Channel(channel) => self.name(Some(spot), Kind::Channel, channel.as_str()),
                    Destination::User(user) => self.name(Some(spot), Kind::User, user.as_str()),
                }
            }
        }
    }

    /// What was found; nothing if all is well.
    pub(super) fn finish(self) -> Problems {
        self.problems
    }

    fn name(&mut self, spot: Option<Spot>, kind: Kind, name: &str) {
        let conflict = match self.names.entry(name.to_owned()) {
            Slot::Vacant(slot) => {
                slot.insert(Use { kind, spot, reported: false });
                match kind {
                    Kind::User => self.users += 1,
                    Kind::Channel => self.channels += 1,
                }
                None
            }
            Slot::Occupied(mut slot) => {
                let used = slot.get_mut();
                let is_new = used.kind != kind && !used.reported;
                used.reported |= is_new;
                is_new.then_some(used.spot)
            }
        };
        if let Some(first) = conflict {
            let first = first.map_or_else(|| "in the store".to_owned(), |spot| format!("at {spot}"));
            let (here, there) = match kind {
                Kind::User => ("user", "channel"),
                Kind::Channel => ("channel", "user"),
            };
            let why = format!(
                "{name:?} is a {here} here and a {there} {first}; rename one of them throughout the file"
            );
            self.problem(spot, &why);
        }
        if (self.users > USERS_MAX || self.channels > CHANNELS_MAX) && !self.full_reported {
            self.full_reported = true;
            let why =
                format!("with the store there are more than {USERS_MAX} users or {CHANNELS_MAX} channels");
            self.problem(spot, &why);
        }
    }

    fn problem(&mut self, spot: Option<Spot>, why: &str) {
        self.problems.count += 1;
        if self.problems.listed.len() < IMPORT_PROBLEMS_LISTED_MAX {
            let spot = spot.map_or_else(|| "the store".to_owned(), |spot| spot.to_string());
            self.problems.listed.push(format!("{spot}: {why}"));
        }
    }
}
