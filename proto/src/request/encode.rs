//! A request into bytes. The keys go out in the order of the protocol's table, so that the bytes are always the same.

use super::{ActIn, HistoryOf, HistoryRequest, Place, Range, Request, RequestBody, SearchIn, SearchRequest};
use crate::wire::{MapWriter, Writer};

impl Request {
    /// The request's frame.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(192);
        Writer::new(&mut out).map(|envelope| {
            envelope.key("service").text(self.body.service().as_str());
            envelope.key("data").map(|data| {
                self.body.encode(data);
                if let Some(timestamp) = self.timestamp {
                    data.key("timestamp").integer(timestamp.as_seconds());
                }
                if let Some(clock) = self.clock {
                    data.key("clock").unsigned(clock);
                }
                if let RequestBody::Channel { id: Some(id), .. }
                | RequestBody::Publish { id: Some(id), .. }
                | RequestBody::Message { id: Some(id), .. }
                | RequestBody::Act { id: Some(id), .. } = &self.body
                {
                    data.key("id").binary(id.as_bytes());
                }
            });
            if let Some(reference) = &self.reference {
                envelope.key("ref").encoded(reference.as_encoded());
            }
        });
        out
    }
}

impl RequestBody {
    fn encode(&self, data: &mut MapWriter<'_>) {
        match self {
            RequestBody::Login { user, password } => {
                data.key("user").text(user.as_str());
                if let Some(password) = password {
                    data.key("password").text(password.as_str());
                }
            }
            RequestBody::Users | RequestBody::Channels | RequestBody::Who => {}
            RequestBody::Channel { channel, id: _, user, private } => {
                if let Some(user) = user {
                    data.key("user").text(user.as_str());
                }
                data.key("channel").text(channel.as_str());
                if *private {
                    data.key("private").boolean(true);
                }
            }
            RequestBody::Publish { user, channel, message, id: _, manner } => {
                data.key("user").text(user.as_str());
                data.key("channel").text(channel.as_str());
                data.key("message").text(message);
                manner.encode(data);
            }
            RequestBody::Message { src, dst, message, id: _, manner } => {
                data.key("src").text(src.as_str());
                data.key("dst").text(dst.as_str());
                data.key("message").text(message);
                manner.encode(data);
            }
            RequestBody::Act { user, within, act, id: _ } => {
                data.key("user").text(user.as_str());
                match within {
                    ActIn::Channel(channel) => data.key("channel").text(channel.as_str()),
                    ActIn::With(dst) => data.key("dst").text(dst.as_str()),
                }
                act.encode(data);
            }
            RequestBody::History(history) => history.encode(data),
            RequestBody::Search(search) => search.encode(data),
            RequestBody::Sync { user, topic, topics } => {
                if let Some(user) = user {
                    data.key("user").text(user.as_str());
                }
                data.key("topic").text(topic.as_str());
                data.key("topics").texts(topics);
            }
            RequestBody::Mark { user, mark } => {
                data.key("user").text(user.as_str());
                mark.encode(data);
            }
            RequestBody::Marks { user } => data.key("user").text(user.as_str()),
            RequestBody::Here { user, state, device, typing } => {
                data.key("user").text(user.as_str());
                data.key("state").text(state.as_str());
                if let Some(device) = device {
                    data.key("device").text(device.as_str());
                }
                if let Some(typing) = typing {
                    typing.encode(data);
                }
            }
            RequestBody::Join { code, user, device } => {
                if let Some(code) = code {
                    data.key("code").text(code.as_str());
                }
                if let Some(user) = user {
                    data.key("user").text(user.as_str());
                }
                if let Some(device) = device {
                    data.key("device").text(device.as_str());
                }
            }
            RequestBody::Admin { user, act } => {
                if let Some(user) = user {
                    data.key("user").text(user.as_str());
                }
                act.encode(data);
            }
            RequestBody::Keys { of } => {
                if let Some(of) = of {
                    data.key("of").text(of.as_str());
                }
            }
            RequestBody::Members { channel } => data.key("channel").text(channel.as_str()),
            RequestBody::Audit { after, limit } => {
                data.key("after").unsigned(*after);
                data.key("limit").unsigned((*limit).into());
            }
        }
    }
}

impl HistoryRequest {
    fn encode(&self, data: &mut MapWriter<'_>) {
        data.key("user").text(self.user.as_str());
        match &self.of {
            HistoryOf::Channel(channel) => data.key("channel").text(channel.as_str()),
            HistoryOf::With(user) => data.key("with").text(user.as_str()),
            HistoryOf::Received => {}
        }
        match self.range {
            Range::Latest => data.key("latest").boolean(true),
            Range::Before(place) => place.encode(data.key("before")),
            Range::After(place) => place.encode(data.key("after")),
            Range::Around(place) => place.encode(data.key("around")),
            Range::Between(first, last) => {
                let ends = data.key("between");
                ends.array(2);
                first.encode(ends);
                last.encode(ends);
            }
        }
        data.key("limit").unsigned(self.limit.into());
        if self.acts {
            data.key("acts").boolean(true);
        }
    }
}

impl SearchRequest {
    fn encode(&self, data: &mut MapWriter<'_>) {
        data.key("user").text(self.user.as_str());
        data.key("words").text(&self.words);
        if let Some(from) = &self.from {
            data.key("from").text(from.as_str());
        }
        match &self.within {
            Some(SearchIn::Channel(channel)) => data.key("channel").text(channel.as_str()),
            Some(SearchIn::With(user)) => data.key("with").text(user.as_str()),
            None => {}
        }
        if let Some(after) = self.after {
            data.key("after").integer(after.as_seconds());
        }
        if let Some(before) = self.before {
            data.key("before").integer(before.as_seconds());
        }
        data.key("limit").unsigned(self.limit.into());
    }
}

impl Place {
    fn encode(self, out: &mut Writer<'_>) {
        match self {
            Place::Seq(seq) => out.unsigned(seq),
            Place::Id(id) => out.binary(id.as_bytes()),
        }
    }
}
