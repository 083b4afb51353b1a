//! A reply into bytes, spelled as the older programs expect it.

use super::{Found, HistoryPage, Reply, ReplyBody, SearchPage};
use crate::access::Members;
use crate::code::Code;
use crate::service::{Service, ServiceName};
use crate::wire::{MapWriter, Writer};

impl Reply {
    /// The reply's frame.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(160);
        self.encode_to(&mut out);
        out
    }

    /// Appends the reply's frame.
    pub fn encode_to(&self, out: &mut Vec<u8>) {
        Writer::new(out).map(|envelope| {
            envelope.key("service").text(self.service.as_str());
            envelope.key("data").map(|data| self.encode_data(data));
            if let Some(reference) = &self.reference {
                envelope.key("ref").encoded(reference.as_encoded());
            }
        });
    }

    fn encode_data(&self, data: &mut MapWriter<'_>) {
        match &self.body {
            ReplyBody::Accepted
            | ReplyBody::LoggedIn { .. }
            | ReplyBody::Joined { .. }
            | ReplyBody::Code(_) => data.key("status").text("sucesso"),
            ReplyBody::Stored { .. }
            | ReplyBody::History(_)
            | ReplyBody::Found(_)
            | ReplyBody::Synced
            | ReplyBody::Marks(_)
            | ReplyBody::Here(_)
            | ReplyBody::Keys(_)
            | ReplyBody::Members(_)
            | ReplyBody::Audit(_) => {
                data.key("status").text("OK");
            }
            ReplyBody::Refused { code, description } => refuse(&self.service, code, description, data),
            ReplyBody::Later { description, retry_after } => {
                refuse(&self.service, &Code::Busy, description, data);
                let milliseconds = retry_after.as_nanos().div_ceil(1_000_000);
                data.key("retry_after_ms").unsigned(u64::try_from(milliseconds).unwrap_or(u64::MAX));
            }
            ReplyBody::Users(_) | ReplyBody::Channels(_) => {}
        }
        data.key("timestamp").integer(self.timestamp.as_seconds());
        match &self.body {
            ReplyBody::Users(users) => data.key("users").texts(users),
            ReplyBody::Channels(channels) => {
                data.key("channels").texts(channels);
                // One generation of clients reads the list of channels here.
                data.key("users").texts(channels);
            }
            ReplyBody::History(page) => page.encode(data),
            ReplyBody::Found(page) => page.encode(data),
            ReplyBody::Marks(marks) => {
                let list = data.key("marks");
                list.array(marks.len());
                for mark in marks {
                    list.map(|map| mark.encode(map));
                }
            }
            ReplyBody::Here(here) => {
                let list = data.key("here");
                list.array(here.len());
                for one in here {
                    list.map(|map| one.encode(map));
                }
            }
            ReplyBody::LoggedIn { user, role } | ReplyBody::Joined { user, role } => {
                data.key("user").text(user.as_str());
                data.key("role").text(role.as_str());
            }
            ReplyBody::Code(code) => data.key("code").text(code.as_str()),
            ReplyBody::Keys(keys) => {
                let list = data.key("keys");
                list.array(keys.len());
                for key in keys {
                    list.map(|map| key.encode(map));
                }
            }
            ReplyBody::Members(Members { members, private, owner }) => {
                data.key("members").texts(members);
                data.key("private").boolean(*private);
                if let Some(owner) = owner {
                    data.key("owner").text(owner.as_str());
                }
            }
            ReplyBody::Audit(events) => {
                let list = data.key("events");
                list.array(events.len());
                for event in events {
                    list.map(|map| event.encode(map));
                }
            }
            ReplyBody::Accepted
            | ReplyBody::Stored { .. }
            | ReplyBody::Synced
            | ReplyBody::Refused { .. }
            | ReplyBody::Later { .. } => {}
        }
        if let Some(clock) = self.clock {
            data.key("clock").unsigned(clock);
        }
        if let ReplyBody::Stored { id, seq, epoch } = &self.body {
            if let Some(id) = id {
                data.key("id").binary(id.as_bytes());
            }
            if let Some(seq) = seq {
                data.key("seq").unsigned(*seq);
            }
            if let Some(epoch) = epoch {
                data.key("epoch").unsigned(epoch.as_u64());
            }
        }
    }
}

fn refuse(service: &ServiceName, code: &Code, description: &str, data: &mut MapWriter<'_>) {
    let (as_description, as_message) = match service {
        ServiceName::Known(
            Service::Login
            | Service::Channel
            | Service::Mark
            | Service::Here
            | Service::Join
            | Service::Admin,
        ) => (true, false),
        ServiceName::Known(
            Service::Publish
            | Service::Message
            | Service::Act
            | Service::History
            | Service::Search
            | Service::Sync
            | Service::Marks
            | Service::Who
            | Service::Keys
            | Service::Members
            | Service::Audit,
        ) => (false, true),
        // The lists never fail in the older protocol, and of an unknown service nobody knows what its client reads.
        ServiceName::Known(Service::Users | Service::Channels) | ServiceName::Other(_) => (true, true),
    };
    data.key("status").text("erro");
    if as_description {
        data.key("description").text(description);
    }
    if as_message {
        data.key("message").text(description);
    }
    if *code != Code::Unstated {
        data.key("code").text(code.as_str());
    }
}

impl HistoryPage {
    fn encode(&self, data: &mut MapWriter<'_>) {
        let messages = data.key("messages");
        messages.array(self.messages.len());
        for message in &self.messages {
            message.encode_with_topic(messages);
        }
        if let Some(first_seq) = self.first_seq {
            data.key("first_seq").unsigned(first_seq);
        }
        if let Some(last_seq) = self.last_seq {
            data.key("last_seq").unsigned(last_seq);
        }
        if let Some(epoch) = self.epoch {
            data.key("epoch").unsigned(epoch.as_u64());
        }
        if let Some(topic) = &self.topic {
            topic.encode(data.key("topic"));
        }
    }
}

impl SearchPage {
    fn encode(&self, data: &mut MapWriter<'_>) {
        let messages = data.key("messages");
        messages.array(self.found.len());
        for Found { message, snippet } in &self.found {
            message.encode_found(snippet, messages);
        }
        if let Some(epoch) = self.epoch {
            data.key("epoch").unsigned(epoch.as_u64());
        }
        if self.partial {
            data.key("partial").boolean(true);
        }
        if self.behind > 0 {
            data.key("behind").unsigned(self.behind);
        }
    }
}
