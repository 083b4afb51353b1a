//! Who may find what, and where a question looks. The index is asked with places as words; what it names is judged here again
//! by the message itself, and this judgement counts.

use recado_proto::{ChannelName, SearchIn, SearchRequest, Timestamp};

use super::super::super::directory::{Directory, NameId};
use super::super::super::rules::{no_such_channel, no_such_user};
use super::super::super::tail::Pair;
use super::super::super::types::{Refusal, Route, StoredMessage};

/// Where a question looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Scope {
    asker: NameId,
    from: Option<NameId>,
    within: Option<Within>,
    /// From this time on, in Unix milliseconds.
    pub(super) after_ms: u64,
    /// Before this time.
    pub(super) before_ms: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Within {
    Channel(NameId),
    Conversation(Pair),
}

impl Scope {
    /// The names and times of a request, or why there are none such.
    pub(super) fn of(request: &SearchRequest, directory: &Directory) -> Result<Self, Refusal> {
        let user = |name| directory.user(name).ok_or_else(|| no_such_user(name));
        let asker = user(&request.user)?;
        let within = match &request.within {
            None => None,
            Some(SearchIn::Channel(channel)) => {
                let id = directory.channel(channel).ok_or_else(|| no_such_channel(channel))?;
                Some(Within::Channel(id))
            }
            Some(SearchIn::With(other)) => Some(Within::Conversation(Pair::of(asker, user(other)?))),
        };
        Ok(Self {
            asker,
            from: request.from.as_ref().map(user).transpose()?,
            within,
            after_ms: request.after.map_or(0, milliseconds),
            before_ms: request.before.map_or(u64::MAX, milliseconds),
        })
    }

    /// Whether who asks may see this message, and asked for such ones. `sees` says which channels that one may read.
    pub(super) fn admits(
        &self,
        topic: NameId,
        sender: NameId,
        message: &StoredMessage,
        sees: impl Fn(&ChannelName) -> bool,
    ) -> bool {
        let is_direct = match &message.route {
            Route::Channel { channel, .. } if !sees(channel) => return false,
            Route::Channel { .. } => false,
            Route::Direct { .. } => true,
        };
        let may_see = !is_direct || topic == self.asker || sender == self.asker;
        let is_within = match self.within {
            None => true,
            Some(Within::Channel(channel)) => !is_direct && topic == channel,
            Some(Within::Conversation(pair)) => is_direct && Pair::of(topic, sender) == pair,
        };
        may_see
            && is_within
            && self.from.is_none_or(|from| from == sender)
            && (self.after_ms..self.before_ms).contains(&message.time_ms)
    }

    /// Whether times matter.
    pub(super) fn has_times(&self) -> bool {
        self.after_ms > 0 || self.before_ms < u64::MAX
    }

    /// The places in the index's own language.
    pub(super) fn in_index(&self) -> String {
        let within = match self.within {
            None => format!("(\"c\" OR \"d{}\")", self.asker.number()),
            Some(Within::Channel(channel)) => format!("\"t{}\"", channel.number()),
            Some(Within::Conversation(pair)) => format!("\"{}\"", pair_word(pair)),
        };
        match self.from {
            None => within,
            Some(from) => format!("({within} AND \"u{}\")", from.number()),
        }
    }
}

/// A message's places, as words of the index.
pub(super) fn place_words(topic: NameId, sender: NameId, message: &StoredMessage) -> String {
    let (topic_number, sender_number) = (topic.number(), sender.number());
    match &message.route {
        Route::Channel { .. } => format!("c t{topic_number} u{sender_number}"),
        Route::Direct { .. } => {
            let pair = pair_word(Pair::of(topic, sender));
            format!("d{topic_number} d{sender_number} {pair} u{sender_number}")
        }
    }
}

fn pair_word(pair: Pair) -> String {
    format!("p{}x{}", pair.low.number(), pair.high.number())
}

fn milliseconds(time: Timestamp) -> u64 {
    u64::try_from(time.as_seconds()).unwrap_or(0) * 1000
}
