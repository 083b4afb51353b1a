//! Who and what there is: users, channels, and the last `seq` of each topic, all in memory. Built from the store's records
//! alone, so that a start and a running server come to the same. Knows nothing of requests, and decides nothing.

use std::num::NonZeroU32;
use std::sync::Arc;

use foldhash::HashMap;
use recado_proto::{ChannelName, Looks, MessageId, Timestamp, UserName};

use super::types::{NameOf, Position, StoredMessage};
use crate::access::Names;

/// A name's number in the store: 1, 2, 3, … in the order in which the names came to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct NameId(NonZeroU32);

impl NameId {
    pub(super) fn new(number: u32) -> Option<Self> {
        NonZeroU32::new(number).map(Self)
    }

    pub(super) fn number(self) -> u32 {
        self.0.get()
    }
}

/// A name and what it names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Name {
    User(UserName),
    Channel(ChannelName),
}

impl Name {
    pub(super) fn as_str(&self) -> &str {
        match self {
            Name::User(user) => user.as_str(),
            Name::Channel(channel) => channel.as_str(),
        }
    }
}

/// One row of the log, with the names that it refers to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Record {
    /// A user or a channel came to be.
    Named {
        position: Position,
        id: NameId,
        name: Name,
        timestamp: Timestamp,
        time_ms: u64,
        /// The creator's own number for a channel's creation.
        given: Option<MessageId>,
    },
    /// Somebody logged in.
    Login { position: Position, user: NameId, timestamp: Timestamp, time_ms: u64 },
    /// A message was sent.
    Message { topic: NameId, sender: NameId, message: Arc<StoredMessage> },
}

impl Record {
    pub(super) fn position(&self) -> Position {
        match self {
            Record::Named { position, .. } | Record::Login { position, .. } => *position,
            Record::Message { message, .. } => message.position,
        }
    }
}

/// A record does not fit those before it: the log is damaged.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Misfit(pub(super) &'static str);

#[derive(Clone, Debug)]
struct Known {
    name: Name,
    last_seq: u64,
}

/// The state that the log's records add up to.
#[derive(Clone, Debug, Default)]
pub(super) struct Directory {
    users: HashMap<UserName, NameId>,
    channels: HashMap<ChannelName, NameId>,
    /// By number, the first being 1.
    known: Vec<Known>,
    /// Of all names, once they are [compared](Self::compared).
    looks: Option<Looks>,
}

/// The names, and how they look.
pub(super) struct Compared<'a> {
    directory: &'a Directory,
    looks: &'a Looks,
}

impl Names for Compared<'_> {
    fn name_of(&self, name: &str) -> NameOf {
        self.directory.name_of(name)
    }

    fn has_like(&self, name: &str) -> bool {
        self.looks.has_like(name)
    }
}

impl Directory {
    /// The names for comparing new ones with them. All are looked at the first time, and from then on each new one is.
    pub(super) fn compared(&mut self) -> Compared<'_> {
        self.looks.get_or_insert_with(|| {
            let mut looks = Looks::default();
            self.known.iter().for_each(|known| looks.add(known.name.as_str()));
            looks
        });
        let looks = self.looks.as_ref().expect("they were looked at just now");
        Compared { directory: self, looks }
    }

    pub(super) fn user(&self, name: &UserName) -> Option<NameId> {
        self.users.get(name).copied()
    }

    pub(super) fn channel(&self, name: &ChannelName) -> Option<NameId> {
        self.channels.get(name).copied()
    }

    pub(super) fn user_called(&self, name: &str) -> bool {
        self.users.contains_key(name)
    }

    pub(super) fn channel_called(&self, name: &str) -> bool {
        self.channels.contains_key(name)
    }

    pub(super) fn name_of(&self, name: &str) -> NameOf {
        if self.user_called(name) {
            NameOf::User
        } else if self.channel_called(name) {
            NameOf::Channel
        } else {
            NameOf::Nobody
        }
    }

    /// The user or channel of this name.
    pub(super) fn topic_called(&self, name: &str) -> Option<NameId> {
        self.users.get(name).or_else(|| self.channels.get(name)).copied()
    }

    pub(super) fn user_count(&self) -> usize {
        self.users.len()
    }

    pub(super) fn channel_count(&self) -> usize {
        self.channels.len()
    }

    /// In alphabetical order.
    pub(super) fn users(&self) -> Vec<UserName> {
        let mut names: Vec<_> = self.users.keys().cloned().collect();
        names.sort_unstable();
        names
    }

    /// In alphabetical order.
    pub(super) fn channels(&self) -> Vec<ChannelName> {
        let mut names: Vec<_> = self.channels.keys().cloned().collect();
        names.sort_unstable();
        names
    }

    pub(super) fn name(&self, id: NameId) -> Option<&Name> {
        self.at(id).map(|known| &known.name)
    }

    /// 0 for a topic without messages.
    pub(super) fn last_seq(&self, id: NameId) -> u64 {
        self.at(id).map_or(0, |known| known.last_seq)
    }

    /// The number that the next new name takes.
    pub(super) fn next_id(&self) -> NameId {
        let next = self.known.len() + 1;
        u32::try_from(next)
            .ok()
            .and_then(NameId::new)
            .expect("the limits on users and channels are below 2^32")
    }

    /// Takes up what a record says.
    pub(super) fn apply(&mut self, record: &Record) -> Result<(), Misfit> {
        match record {
            Record::Named { id, name, .. } => self.add(*id, name.clone(), 0),
            Record::Login { user, .. } => match self.name(*user) {
                Some(Name::User(_)) => Ok(()),
                Some(Name::Channel(_)) | None => Err(Misfit("a login of no user")),
            },
            Record::Message { topic, message, .. } => {
                let known = self.at_mut(*topic).ok_or(Misfit("a message to no topic"))?;
                if message.seq != known.last_seq + 1 {
                    return Err(Misfit("a gap in a topic"));
                }
                known.last_seq = message.seq;
                Ok(())
            }
        }
    }

    /// Takes up a name that was stored with its topic's last `seq`.
    pub(super) fn add(&mut self, id: NameId, name: Name, last_seq: u64) -> Result<(), Misfit> {
        if id != self.next_id() {
            return Err(Misfit("a name out of order"));
        }
        if let Some(looks) = &mut self.looks {
            looks.add(name.as_str());
        }
        let before = match &name {
            Name::User(user) => self.users.insert(user.clone(), id),
            Name::Channel(channel) => self.channels.insert(channel.clone(), id),
        };
        self.known.push(Known { name, last_seq });
        if before.is_none() { Ok(()) } else { Err(Misfit("a name twice")) }
    }

    fn at(&self, id: NameId) -> Option<&Known> {
        self.known.get(id.number() as usize - 1)
    }

    fn at_mut(&mut self, id: NameId) -> Option<&mut Known> {
        self.known.get_mut(id.number() as usize - 1)
    }
}

#[cfg(test)]
mod tests {
    use recado_proto::{ChannelName, UserName};

    use super::{Directory, Name};
    use crate::access::Names;
    use crate::store::NameOf;

    fn add(directory: &mut Directory, name: Name) {
        directory.add(directory.next_id(), name, 0).unwrap();
    }

    #[test]
    fn how_names_look_is_kept_once_they_are_compared_and_not_before() {
        let mut directory = Directory::default();
        add(&mut directory, Name::User(UserName::parse("lana").unwrap()));
        assert!(directory.looks.is_none());
        let names = directory.compared();
        assert_eq!((names.name_of("Iana"), names.has_like("Iana")), (NameOf::Nobody, true));
        assert!(!names.has_like("modem"));
        add(&mut directory, Name::Channel(ChannelName::parse("rnodern").unwrap()));
        assert!(directory.compared().has_like("modem"));
    }
}
