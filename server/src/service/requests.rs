//! From frames to what the threads do: decoding, and who does it.

use recado_proto::{ActIn, Code, Reply, Request, RequestBody, RequestError, ServiceName, Timestamp};
use recado_zmtp::{Message, PeerId};

use super::clock::Clock;
use super::envelope::Envelope;
use super::lobby::Said;
use super::questions::Question;
use super::readers::{Query, Read};
use super::reply::ReplyTo;
use super::searches::Search;
use super::writer::Write;
use crate::store::{Change, Destination, NewAct, NewMessage};

/// A request that was read.
#[derive(Debug)]
pub(super) enum Work {
    /// For the writer.
    Write(Write),
    /// For a reader.
    Read(Read),
    /// For the searcher.
    Search(Search),
    /// For the feeds. The reply does not wait for them.
    Sync(Question, ReplyTo),
    /// Somebody says of itself how much it is here. Answered at once.
    Here(Said, ReplyTo),
    /// Who is here? Answered at once.
    Who(ReplyTo),
    /// It is for secured systems, and refused at once.
    NotSecured(ReplyTo),
    /// Answered already: it was none.
    Broken(PeerId, Message),
}

/// Reads one message of a peer.
pub(super) fn decode(peer: PeerId, message: Message, clock: &Clock) -> Work {
    let bytes = message.byte_len();
    let (envelope, body) = Envelope::open(message);
    let request = match &body {
        Ok(body) => Request::decode(body),
        Err(_) => Err(bad_request("a request is one frame")),
    };
    match request {
        Ok(request) => {
            clock.observe(request.clock);
            work(request, peer, envelope, bytes)
        }
        Err(error) => {
            clock.observe(error.clock);
            tracing::debug!(%peer, code = %error.code, %error, "refused");
            let reply: Reply = error.into_reply(Timestamp::now(), clock.tick());
            Work::Broken(peer, envelope.seal(reply.encode().into()))
        }
    }
}

fn work(request: Request, peer: PeerId, envelope: Envelope, bytes: usize) -> Work {
    let Request { body, timestamp, clock: _, reference } = request;
    let service = ServiceName::Known(body.service());
    let reply_to = ReplyTo { peer, envelope, service, reference, bytes };
    // The writer gives each message its clock when its turn comes.
    let send = |from, to, text, id, manner| {
        let imported = None;
        Change::Send(NewMessage { from, to, text, id, timestamp, manner, clock: 0, imported })
    };
    let change = match body {
        // Who one is is asked nobody here, so no password is looked at either.
        RequestBody::Login { user, password: _ } => Change::Login { user, timestamp },
        // Everybody would read what is meant for few.
        RequestBody::Channel { private: true, .. } => return Work::NotSecured(reply_to),
        RequestBody::Channel { channel, id, user: _, private: false } => {
            Change::CreateChannel { channel, timestamp, id, owner: None }
        }
        RequestBody::Publish { user, channel, message, id, manner } => {
            send(user, Destination::Channel(channel), message, id, manner)
        }
        RequestBody::Message { src, dst, message, id, manner } => {
            send(src, Destination::User(dst), message, id, manner)
        }
        RequestBody::Act { user: from, within, act, id } => {
            let to = match within {
                ActIn::Channel(channel) => Destination::Channel(channel),
                ActIn::With(user) => Destination::User(user),
            };
            Change::Act(NewAct { from, to, act, id, timestamp, clock: 0, imported: None })
        }
        RequestBody::Mark { user, mark } => Change::Mark { user, mark },
        RequestBody::Marks { user } => {
            return Work::Read(Read { query: Query::Marks(user), reply_to });
        }
        RequestBody::Here { user, state, device, typing } => {
            return Work::Here(Said { user, state, device, typing }, reply_to);
        }
        RequestBody::Who => return Work::Who(reply_to),
        RequestBody::Users => return Work::Read(Read { query: Query::Users, reply_to }),
        RequestBody::Channels => return Work::Read(Read { query: Query::Channels, reply_to }),
        RequestBody::History(request) => {
            return Work::Read(Read { query: Query::History(request), reply_to });
        }
        RequestBody::Search(request) => return Work::Search(Search { request, reply_to }),
        RequestBody::Join { .. }
        | RequestBody::Admin { .. }
        | RequestBody::Keys { .. }
        | RequestBody::Members { .. }
        | RequestBody::Audit { .. } => return Work::NotSecured(reply_to),
        RequestBody::Sync { user: _, topic, topics } => {
            return Work::Sync(Question::new(topic, topics), reply_to);
        }
    };
    Work::Write(Write { change, reply_to })
}

fn bad_request(description: &str) -> RequestError {
    RequestError {
        service: None,
        reference: None,
        clock: None,
        code: Code::BadRequest,
        description: description.to_owned(),
    }
}
