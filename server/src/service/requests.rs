//! From frames to what the threads do: decoding, and who does it.

use std::time::Instant;

use recado_proto::{
    ActIn, AdminAct, Code, Reply, ReplyBody, Request, RequestBody, RequestError, ServiceName, Timestamp,
    UserName,
};
use recado_zmtp::{Message, PeerId};

use super::callers::{Caller, Guard};
use super::clock::Clock;
use super::envelope::Envelope;
use super::lobby::Said;
use super::passwords::{PasswordWork, ToDo};
use super::questions::Question;
use super::readers::{Query, Read};
use super::reply::{ReplyTo, internal, refused};
use super::searches::Search;
use super::writer::Write;
use crate::access::{AccessAct, Actor, CodeHash, Owner, Prepared};
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
    /// A password is to be checked or set, which takes long on purpose.
    Password(PasswordWork),
    /// Answered at once.
    Answered(ReplyBody, ReplyTo),
    /// Answered already: it was none.
    Broken(PeerId, Message),
}

/// Reads one message of a peer, and judges whether it may be asked.
pub(super) fn decode(peer: PeerId, message: Message, clock: &Clock, guard: &Guard<'_>) -> Work {
    let bytes = message.byte_len();
    let (envelope, body) = Envelope::open(message);
    let request = match &body {
        Ok(body) => Request::decode(body),
        Err(_) => Err(bad_request("a request is one frame")),
    };
    match request {
        Ok(request) => {
            clock.observe(request.clock);
            work(request, peer, envelope, bytes, guard)
        }
        Err(error) => {
            clock.observe(error.clock);
            tracing::debug!(%peer, code = %error.code, %error, "refused");
            let reply: Reply = error.into_reply(Timestamp::now(), clock.tick());
            Work::Broken(peer, envelope.seal(reply.encode().into()))
        }
    }
}

fn work(request: Request, peer: PeerId, envelope: Envelope, bytes: usize, guard: &Guard<'_>) -> Work {
    let Request { body, timestamp, clock: _, reference } = request;
    let service = ServiceName::Known(body.service());
    let mut reply_to = ReplyTo { peer, envelope, service, reference, bytes, accepted: None };
    if let Err(wait) = guard.charge(&body, bytes, Instant::now()) {
        return Work::Answered(ReplyBody::from(wait), reply_to);
    }
    let caller = match guard.check(&body) {
        Ok(caller) => caller,
        Err(refusal) => return Work::Answered(refused(refusal), reply_to),
    };
    let viewer = match &caller {
        Caller::User(user, _) => Some(user.clone()),
        Caller::Anybody | Caller::Stranger(_) => None,
    };
    // The writer gives each message its clock when its turn comes.
    let send = |from, to, text, id, manner| {
        let imported = None;
        Change::Send(NewMessage { from, to, text, id, timestamp, manner, clock: 0, imported })
    };
    let read = |query, reply_to| Work::Read(Read { query, viewer: viewer.clone(), reply_to });
    let change = match body {
        RequestBody::Login { user, password } => match (caller, password) {
            (Caller::Stranger(key), Some(password)) => {
                return Work::Password(PasswordWork { what: ToDo::LogIn(key), user, password, reply_to });
            }
            (Caller::User(user, _), _) => {
                reply_to.accepted = guard.logged_in(&user);
                Change::Login { user, timestamp }
            }
            (Caller::Anybody | Caller::Stranger(_), _) => Change::Login { user, timestamp },
        },
        RequestBody::Channel { channel, id, user: _, private } => {
            let owner = viewer.clone().map(|user| Owner { user, private });
            Change::CreateChannel { channel, timestamp, id, owner }
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
        RequestBody::Marks { user } => return read(Query::Marks(user), reply_to),
        RequestBody::Here { user, state, device, typing } => {
            return Work::Here(Said { user, state, device, typing }, reply_to);
        }
        RequestBody::Who => return Work::Who(reply_to),
        RequestBody::Users => return read(Query::Users, reply_to),
        RequestBody::Channels => return read(Query::Channels, reply_to),
        RequestBody::History(request) => return read(Query::History(request), reply_to),
        RequestBody::Search(request) => return Work::Search(Search { request, viewer, reply_to }),
        RequestBody::Sync { user: _, topic, mut topics } => {
            if let Some(user) = &viewer {
                topics.retain(|topic| guard.may_know(user, topic));
            }
            return Work::Sync(Question::new(topic, topics), reply_to);
        }
        RequestBody::Join { code, user, device } => match caller {
            Caller::Stranger(key) | Caller::User(_, key) => {
                let act = AccessAct::Join { key, code: code.as_ref().map(CodeHash::of), user, device };
                Change::Access { actor: Actor::Key(key), act }
            }
            Caller::Anybody => return Work::Answered(internal(), reply_to),
        },
        RequestBody::Admin { user: _, act } => match caller {
            Caller::User(user, _) => return admin(user, act, reply_to),
            Caller::Anybody | Caller::Stranger(_) => return Work::Answered(internal(), reply_to),
        },
        RequestBody::Keys { of } => {
            let keys = of.or(viewer).map_or_else(internal, |user| guard.keys(&user));
            return Work::Answered(keys, reply_to);
        }
        RequestBody::Members { channel } => {
            return Work::Answered(guard.members(&channel), reply_to);
        }
        RequestBody::Audit { after, limit } => return read(Query::Audit { after, limit }, reply_to),
    };
    Work::Write(Write { change, reply_to })
}

/// An administrative act, once its secrets are what is kept of them.
fn admin(user: UserName, act: AdminAct, mut reply_to: ReplyTo) -> Work {
    let act = match Prepared::of(act, rand::random()) {
        Prepared::Plain(act) => act,
        Prepared::WithCode(act, code) => {
            reply_to.accepted = Some(Box::new(ReplyBody::Code(code)));
            act
        }
        Prepared::ToHash(password) => {
            return Work::Password(PasswordWork { what: ToDo::Set, user, password, reply_to });
        }
    };
    let change = Change::Access { actor: Actor::User(user), act: AccessAct::Admin(act) };
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
