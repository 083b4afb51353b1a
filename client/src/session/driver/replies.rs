//! What comes from a server: replies, each to whoever waits for it, and words about the connection.

use std::time::Instant;

use recado_proto::{Code, Ref, Reply, ReplyBody, Timestamp};
use recado_zmtp::{Message, SocketEventKind};
use tracing::debug;

use super::{Driver, Owner};
use crate::keys::Distrust;
use crate::receiver::{Ticket, Topic};
use crate::session::links::LinkChange;
use crate::session::requests::ConnectionId;
use crate::session::servers::ServerHappening;
use crate::session::{RequestError, SessionEvent};

impl Driver {
    pub(super) fn on_server(&mut self, happening: ServerHappening, now: Instant) {
        match happening {
            ServerHappening::Reply(connection, message) => self.on_reply(connection, &message, now),
            ServerHappening::Link { server, event, connected, disconnected } => {
                let was_connected = self.requests.is_connected();
                if let Some(connection) = disconnected {
                    self.requests.disconnected(connection, now);
                }
                if let Some(connection) = connected {
                    self.requests.connected(connection, server);
                    self.suspicion.trusted();
                }
                if matches!(event.kind, SocketEventKind::ConnectFailed { .. }) {
                    self.suspicion.failed(&event.endpoint, now);
                }
                match self.server_links.on_event(event, now) {
                    Some(LinkChange::Lost { reason }) => self.say(SessionEvent::ServerLost { reason }),
                    Some(LinkChange::Back) => self.say(SessionEvent::ServerBack),
                    None => {}
                }
                if !was_connected && self.requests.is_connected() {
                    self.receiver.on_server_back(now);
                }
            }
            ServerHappening::Ended(connection) => self.requests.disconnected(connection, now),
        }
    }

    /// What answers is another server than was meant: whoever waits for one need not wait any longer. Of several servers one that is what
    /// it should be is enough.
    pub(super) fn on_distrust(&mut self, found: Option<Distrust>, now: Instant) {
        let Some(found) = found else { return };
        if self.requests.is_connected() {
            return self.suspicion.trusted();
        }
        for given_up in self.requests.give_up_all() {
            let error = RequestError::Distrusted(Box::new(found.clone()));
            self.tell(given_up.owner, Err(error), now);
        }
        self.say(SessionEvent::Distrusted(Box::new(found)));
    }

    fn on_reply(&mut self, connection: Option<ConnectionId>, message: &Message, now: Instant) {
        let reply = match message.frames() {
            [frame] => Reply::decode(frame, Timestamp::now()).map_err(|error| error.to_string()),
            frames => Err(format!("{} frames where one belongs", frames.len())),
        };
        let reply = match reply {
            Ok(reply) => reply,
            Err(reason) => return debug!(reason, "a reply that is none was passed over"),
        };
        if let Some(clock) = reply.clock {
            self.clock.observe(clock);
        }
        if let Some(at_least) = reply.body.retry_after()
            && let Some(reference) = reply.reference.as_ref().and_then(Ref::as_number)
            && self.requests.ask_later(reference, at_least, now)
        {
            return;
        }
        // A plain server echoes no reference, and answers one after the other.
        let owner = match &reply.reference {
            Some(reference) => reference.as_number().and_then(|reference| self.requests.answered(reference)),
            None => reply
                .service
                .known()
                .zip(connection)
                .and_then(|(service, connection)| self.requests.answered_in_order(connection, service)),
        };
        let Some(owner) = owner else {
            return debug!(service = reply.service.as_str(), "a reply that nobody waits for was passed over");
        };
        let answer = match reply.body {
            ReplyBody::Refused { code, description } => Err(RequestError::Refused { code, description }),
            ReplyBody::Later { description, .. } => {
                Err(RequestError::Refused { code: Code::Busy, description })
            }
            body => Ok(body),
        };
        self.tell(owner, answer, now);
    }

    pub(super) fn tell(&mut self, owner: Owner, answer: Result<ReplyBody, RequestError>, now: Instant) {
        match owner {
            // Whoever asked may have stopped waiting.
            Owner::Handle(reply) => drop(reply.send(answer)),
            Owner::Repair { topic, ticket } => self.on_page(&topic, ticket, answer, now),
            Owner::Barrier { ticket } => self.on_sync_reply(ticket, answer, now),
        }
    }

    fn on_page(
        &mut self,
        topic: &Topic,
        ticket: Ticket,
        answer: Result<ReplyBody, RequestError>,
        now: Instant,
    ) {
        match answer {
            Ok(ReplyBody::History(page)) => self.receiver.on_page(ticket, page, now),
            Ok(other) => {
                debug!(%topic, ?other, "no page of history came");
                self.receiver.on_page_failed(ticket, false, now);
            }
            Err(error) => {
                if error.code() == Some(&Code::NoSuchChannel) && self.joining.contains_key(topic) {
                    self.receiver.leave(topic);
                    self.answer_joiners(topic, &Err(error));
                } else if matches!(error, RequestError::Unanswered { .. }) && self.joining.contains_key(topic)
                {
                    // Whoever joins is told; the topic stays followed only if it was before.
                    self.receiver.leave(topic);
                    self.answer_joiners(topic, &Err(error));
                } else {
                    debug!(%topic, %error, "missing messages could not be fetched");
                    self.receiver.on_page_failed(ticket, has_none(&error), now);
                }
            }
        }
    }

    fn on_sync_reply(&mut self, ticket: Ticket, answer: Result<ReplyBody, RequestError>, now: Instant) {
        match answer {
            Ok(ReplyBody::Synced) => self.receiver.on_sync_taken(ticket, now),
            Ok(other) => {
                debug!(?other, "the question for places was not understood");
                self.receiver.on_sync_failed(ticket, false, now);
            }
            Err(error) => {
                debug!(%error, "the question for places was not taken");
                self.receiver.on_sync_failed(ticket, has_none(&error), now);
            }
        }
    }
}

/// Whether the server lacks the service, so that asking again is of no use.
fn has_none(error: &RequestError) -> bool {
    matches!(error.code(), Some(Code::UnknownService | Code::BadRequest | Code::Unstated))
}
