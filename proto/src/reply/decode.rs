//! Bytes into a reply, for clients: unknown keys are passed over, keys that plain servers lack may be missing.

use std::time::Duration;

use super::{Found, HistoryPage, Reply, ReplyBody, ReplyError, SearchPage};
use crate::access::{AuditEntry, JoinCode, KeyEntry, Members, Role};
use crate::act::ActDone;
use crate::code::Code;
use crate::id::MessageId;
use crate::mark::ReadMark;
use crate::name::{ChannelName, UserName};
use crate::presence::Here;
use crate::publication::{Publication, epoch};
use crate::reference::Ref;
use crate::service::{Service, ServiceName};
use crate::timestamp::Timestamp;
use crate::wire::{Items, Reader, Value};

impl Reply {
    /// Reads one reply. A `timestamp` that is missing counts as `received`; bytes after the map are ignored.
    pub fn decode(frame: &[u8], received: Timestamp) -> Result<Self, ReplyError> {
        let mut pairs = Reader::new(frame).open_map()?.ok_or(ReplyError::NoEnvelope)?;
        let (mut service, mut data, mut reference, mut timestamp, mut clock) = (None, None, None, None, None);
        while let Some(key) = pairs.key()? {
            match key {
                b"ref" => reference = Some(pairs.raw()?),
                b"service" => service = pairs.value()?.as_text(),
                b"data" => data = Some(pairs.value()?),
                b"timestamp" => timestamp = Timestamp::from_wire(pairs.value()?),
                b"clock" => clock = pairs.value()?.as_counter(),
                _ => {
                    pairs.raw()?;
                }
            }
        }
        let service = service.ok_or(ReplyError::Missing("service"))?;
        let service = Service::from_wire(service.as_bytes())
            .map_or_else(|| ServiceName::Other(service.to_owned()), ServiceName::Known);
        let Some(Value::Map(items)) = data else { return Err(ReplyError::NoEnvelope) };
        let fields = Fields::read(items);
        let timestamp = fields.timestamp.and_then(Timestamp::from_wire).or(timestamp).unwrap_or(received);
        Ok(Self {
            body: fields.body(&service, received)?,
            service,
            timestamp,
            clock: fields.clock.and_then(Value::as_counter).or(clock),
            reference: reference.and_then(|encoded| Ref::from_value(encoded).ok()),
        })
    }
}

/// The keys of a reply's `data` as they lie in the frame.
#[derive(Default)]
struct Fields<'a> {
    status: Option<Value<'a>>,
    description: Option<Value<'a>>,
    message: Option<Value<'a>>,
    code: Option<Value<'a>>,
    retry_after_ms: Option<Value<'a>>,
    timestamp: Option<Value<'a>>,
    clock: Option<Value<'a>>,
    users: Option<Value<'a>>,
    channels: Option<Value<'a>>,
    id: Option<Value<'a>>,
    seq: Option<Value<'a>>,
    epoch: Option<Value<'a>>,
    messages: Option<Value<'a>>,
    first_seq: Option<Value<'a>>,
    last_seq: Option<Value<'a>>,
    topic: Option<Value<'a>>,
    marks: Option<Value<'a>>,
    partial: Option<Value<'a>>,
    behind: Option<Value<'a>>,
    here: Option<Value<'a>>,
    user: Option<Value<'a>>,
    role: Option<Value<'a>>,
    keys: Option<Value<'a>>,
    members: Option<Value<'a>>,
    private: Option<Value<'a>>,
    owner: Option<Value<'a>>,
    events: Option<Value<'a>>,
}

impl<'a> Fields<'a> {
    fn read(items: Items<'a>) -> Self {
        let mut fields = Self::default();
        for (key, value) in items.pairs() {
            let field = match key {
                b"status" => &mut fields.status,
                b"description" => &mut fields.description,
                b"message" => &mut fields.message,
                b"code" => &mut fields.code,
                b"retry_after_ms" => &mut fields.retry_after_ms,
                b"timestamp" => &mut fields.timestamp,
                b"clock" => &mut fields.clock,
                b"users" => &mut fields.users,
                b"channels" => &mut fields.channels,
                b"id" => &mut fields.id,
                b"seq" => &mut fields.seq,
                b"epoch" => &mut fields.epoch,
                b"messages" => &mut fields.messages,
                b"first_seq" => &mut fields.first_seq,
                b"last_seq" => &mut fields.last_seq,
                b"topic" => &mut fields.topic,
                b"marks" => &mut fields.marks,
                b"partial" => &mut fields.partial,
                b"behind" => &mut fields.behind,
                b"here" => &mut fields.here,
                b"user" => &mut fields.user,
                b"role" => &mut fields.role,
                b"keys" => &mut fields.keys,
                b"members" => &mut fields.members,
                b"private" => &mut fields.private,
                b"owner" => &mut fields.owner,
                b"events" => &mut fields.events,
                _ => continue,
            };
            *field = value.unless_nil();
        }
        fields
    }

    fn body(&self, service: &ServiceName, received: Timestamp) -> Result<ReplyBody, ReplyError> {
        match self.status.and_then(Value::as_text) {
            Some(status) if is_success(status) => {}
            Some(status) => return Ok(self.refusal(status)),
            None if matches!(service.known(), Some(Service::Users | Service::Channels)) => {}
            None => return Err(ReplyError::Missing("status")),
        }
        let ServiceName::Known(service) = service else {
            return Err(ReplyError::UnknownService(service.as_str().to_owned()));
        };
        Ok(match service {
            Service::Login => match (user(self.user), self.role()) {
                (Some(user), Some(role)) => ReplyBody::LoggedIn { user, role },
                (_, None) | (None, Some(_)) => ReplyBody::Accepted,
            },
            Service::Channel | Service::Mark | Service::Here => ReplyBody::Accepted,
            Service::Join => ReplyBody::Joined {
                user: user(self.user).ok_or(ReplyError::Missing("user"))?,
                role: self.role().ok_or(ReplyError::Missing("role"))?,
            },
            Service::Admin => match self.code.and_then(Value::as_text) {
                Some(code) => {
                    ReplyBody::Code(JoinCode::parse(code).map_err(|_| ReplyError::Missing("code"))?)
                }
                None => ReplyBody::Accepted,
            },
            Service::Keys => ReplyBody::Keys(maps("keys", self.keys, KeyEntry::decode)?),
            Service::Members => ReplyBody::Members(Members {
                members: names("members", self.members, |name| UserName::parse(name).ok())?,
                private: self.private == Some(Value::Boolean(true)),
                owner: user(self.owner),
            }),
            Service::Audit => ReplyBody::Audit(maps("events", self.events, AuditEntry::decode)?),
            Service::Marks => ReplyBody::Marks(maps("marks", self.marks, ReadMark::decode)?),
            Service::Who => ReplyBody::Here(maps("here", self.here, Here::decode)?),
            Service::Users => {
                ReplyBody::Users(names("users", self.users, |name| UserName::parse(name).ok())?)
            }
            Service::Channels => {
                let list = self.channels.or(self.users);
                ReplyBody::Channels(names("channels", list, |name| ChannelName::parse(name).ok())?)
            }
            Service::Publish | Service::Message | Service::Act => ReplyBody::Stored {
                id: self.id.and_then(MessageId::from_wire),
                seq: self.seq.and_then(Value::as_unsigned),
                epoch: epoch(self.epoch),
            },
            Service::History => ReplyBody::History(self.history(received)?),
            Service::Search => ReplyBody::Found(self.search(received)?),
            Service::Sync => ReplyBody::Synced,
        })
    }

    fn role(&self) -> Option<Role> {
        Role::parse(self.role?.as_text()?)
    }

    fn refusal(&self, status: &str) -> ReplyBody {
        let description = self.description.and_then(Value::as_text).or(self.message.and_then(Value::as_text));
        let description = description.unwrap_or(status).to_owned();
        let code = Code::from(self.code.and_then(Value::as_text).unwrap_or_default());
        match self.retry_after_ms.and_then(Value::as_unsigned).map(Duration::from_millis) {
            Some(retry_after) if code == Code::Busy => ReplyBody::Later { description, retry_after },
            Some(_) | None => ReplyBody::Refused { code, description },
        }
    }

    fn history(&self, received: Timestamp) -> Result<HistoryPage, ReplyError> {
        let Some(Value::Array(items)) = self.messages else { return Err(ReplyError::Missing("messages")) };
        let messages = items.values().filter_map(|value| match value {
            // A kind of message that a newer server may have is passed over.
            Value::Map(items) => Publication::decode_with_topic(items, received).ok(),
            _ => None,
        });
        Ok(HistoryPage {
            messages: messages.collect(),
            first_seq: self.first_seq.and_then(Value::as_unsigned),
            last_seq: self.last_seq.and_then(Value::as_unsigned),
            epoch: epoch(self.epoch),
            topic: self.topic.and_then(ActDone::decode),
        })
    }

    fn search(&self, received: Timestamp) -> Result<SearchPage, ReplyError> {
        let Some(Value::Array(items)) = self.messages else { return Err(ReplyError::Missing("messages")) };
        let found = items.values().filter_map(|value| match value {
            Value::Map(items) => found(items, received),
            _ => None,
        });
        Ok(SearchPage {
            found: found.collect(),
            epoch: epoch(self.epoch),
            partial: self.partial == Some(Value::Boolean(true)),
            behind: self.behind.and_then(Value::as_unsigned).unwrap_or(0),
        })
    }
}

fn found(items: Items<'_>, received: Timestamp) -> Option<Found> {
    let snippet = items.pairs().filter(|(key, _)| *key == b"snippet").last()?.1.as_text()?.to_owned();
    let message = Publication::decode_with_topic(items, received).ok()?;
    Some(Found { message, snippet })
}

fn user(value: Option<Value<'_>>) -> Option<UserName> {
    UserName::parse(value?.as_text()?).ok()
}

fn is_success(status: &str) -> bool {
    status.eq_ignore_ascii_case("sucesso") || status.eq_ignore_ascii_case("ok")
}

/// What is no such map in a list is left out of it: a newer server may have others.
fn maps<'a, T>(
    key: &'static str,
    list: Option<Value<'a>>,
    decode: impl Fn(Items<'a>) -> Option<T>,
) -> Result<Vec<T>, ReplyError> {
    let Some(Value::Array(items)) = list else { return Err(ReplyError::Missing(key)) };
    let map = |value| match value {
        Value::Map(items) => decode(items),
        _ => None,
    };
    Ok(items.values().filter_map(map).collect())
}

/// What is no name in a list is left out of it.
fn names<T>(
    key: &'static str,
    list: Option<Value<'_>>,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<Vec<T>, ReplyError> {
    let Some(Value::Array(items)) = list else { return Err(ReplyError::Missing(key)) };
    Ok(items.values().filter_map(|value| parse(value.as_text()?)).collect())
}
