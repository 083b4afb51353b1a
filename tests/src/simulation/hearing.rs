//! What a client hears: replies, which end its requests, and publications.

use recado_client::receiver::{Ticket, Topic};
use recado_proto::{
    Code, Epoch, HEADS_PREFIX, HistoryPage, Publication, Ref, Reply, ReplyBody, SYNC_PREFIX,
    SystemPublication, SystemTopic, Timestamp,
};
use recado_zmtp::Message;

use super::acts::What;
use super::client::{Errand, Owner, Session};
use super::ledger::Rule;
use super::mutation::Mutation;
use super::network::Link;
use super::time::{MILLISECOND, SECOND};
use super::world::World;

/// The server does not have what was asked for, and never will.
fn has_none(code: &Code) -> bool {
    matches!(code, Code::UnknownService | Code::BadRequest | Code::Unstated)
}

impl World {
    /// Something arrived on one of the client's connections.
    pub(super) fn client_receives(&mut self, client: usize, link: Link, message: &Message) {
        match link {
            Link::Requests { .. } => self.on_reply(client, message),
            Link::Subscriptions { .. } => self.on_published(client, message),
            Link::Feed { .. } => unreachable!("clients have none"),
        }
        self.perform(client);
    }

    fn on_reply(&mut self, client: usize, message: &Message) {
        let now = self.instant();
        let body = message.frames().last().expect("a message has a frame");
        let reply = Reply::decode(body, Timestamp::from_seconds(0)).expect("our server sends good replies");
        let deaf = self.has(Mutation::ClientClockIgnored);
        let it = &mut self.clients[client];
        let Some(session) = &mut it.session else { return };
        if let Some(clock) = reply.clock {
            session.heard = session.heard.max(clock);
            if !deaf {
                session.clock.observe(clock);
            }
        }
        let reference =
            reply.reference.as_ref().and_then(Ref::as_number).expect("our server echoes references");
        let asked_at = session.references.get(&reference).map_or(0, |(clock, _)| *clock);
        if reply.clock.is_none_or(|clock| clock <= asked_at) {
            let seen = format!("client {client}: asked at clock {asked_at}, answered at {:?}", reply.clock);
            self.ledger.broken(self.now, Rule::Cause, None, seen);
        }
        let later = reply.body.retry_after();
        if later.is_some_and(|at_least| session.requests.ask_later(reference, at_least, now)) {
            return;
        }
        let Some(owner) = session.requests.answered(reference) else { return };
        let answer = match reply.body {
            ReplyBody::Refused { code, .. } => Err(Some(code)),
            ReplyBody::Later { .. } => Err(Some(Code::Busy)),
            body => Ok(body),
        };
        self.answer(client, owner, answer);
    }

    /// What became of a request. `Err(None)`: nobody answered.
    pub(super) fn answer(&mut self, client: usize, owner: Owner, answer: Result<ReplyBody, Option<Code>>) {
        let now = self.instant();
        match (owner, answer) {
            (Owner::Login, Ok(_)) => {
                let Some(session) = &mut self.clients[client].session else { return };
                session.logged_in = true;
                self.clients[client].is_known = true;
                let topics: Vec<_> = self.clients[client].wishes.keys().cloned().collect();
                topics.iter().for_each(|topic| self.join(client, topic));
            }
            (Owner::Login, Err(_)) => self.errand(client, SECOND, Errand::Login),
            (Owner::Channel(channel), Ok(_) | Err(Some(Code::NameTaken))) => {
                self.channels_made.insert(channel);
            }
            (Owner::Channel(channel), Err(_)) => self.errand(client, SECOND, Errand::Channel(channel)),
            (Owner::Send(sent), Ok(ReplyBody::Stored { seq, epoch, .. })) => {
                let topic = self.ledger.sent[sent].topic.clone();
                self.note(
                    Some(&topic),
                    format_args!(
                        "client {client} has message {sent} acknowledged at place {seq:?} of {topic}"
                    ),
                );
                self.clients[client].outbox.retain(|waiting| *waiting != sent);
                self.ledger.acknowledged(self.now, sent, epoch.zip(seq));
            }
            (Owner::Send(sent), Ok(other)) => {
                self.ledger.broken(
                    self.now,
                    Rule::Answered,
                    None,
                    format!("message {sent}: answered {other:?}"),
                );
            }
            (Owner::Send(sent), Err(Some(code @ (Code::Forbidden | Code::NoSuchMessage))))
                if matches!(self.ledger.sent[sent].what, What::Act { .. }) =>
            {
                let topic = self.ledger.sent[sent].topic.clone();
                self.note(Some(&topic), format_args!("client {client} has message {sent} refused: {code}"));
                self.clients[client].outbox.retain(|waiting| *waiting != sent);
                self.ledger.refused(self.now, sent, &code);
            }
            (Owner::Send(sent), Err(code)) => {
                let topic = self.ledger.sent[sent].topic.clone();
                self.note(
                    Some(&topic),
                    format_args!("client {client} has no acknowledgement for message {sent}: {code:?}"),
                );
                if !self.has(Mutation::NeverRepeated) {
                    self.errand(client, SECOND, Errand::Send(sent));
                }
            }
            (Owner::Look { topic }, answer) => {
                if let Ok(ReplyBody::History(page)) = answer {
                    self.looked(client, topic, page);
                }
            }
            (Owner::Repair { topic, ticket }, answer) => self.on_page(client, &topic, ticket, answer),
            (Owner::Barrier { ticket }, answer) => {
                let Some(session) = &mut self.clients[client].session else { return };
                match answer {
                    Ok(ReplyBody::Synced) => session.receiver.on_sync_taken(ticket, now),
                    Ok(_) | Err(None) => session.receiver.on_sync_failed(ticket, false, now),
                    Err(Some(code)) => session.receiver.on_sync_failed(ticket, has_none(&code), now),
                }
            }
        }
    }

    fn on_page(
        &mut self,
        client: usize,
        topic: &Topic,
        ticket: Ticket,
        answer: Result<ReplyBody, Option<Code>>,
    ) {
        let now = self.instant();
        let mutated = self.has(Mutation::EpochIgnored);
        let it = &mut self.clients[client];
        let Some(session) = &mut it.session else { return };
        match answer {
            Ok(ReplyBody::History(mut page)) => {
                if mutated {
                    alter(&mut page, &mut it.first_epoch);
                }
                self.trace.note(
                    self.now,
                    Some(topic.as_str()),
                    format_args!(
                        "client {client} gets a page of {topic}: {:?} of {:?}",
                        page.messages.iter().filter_map(|message| message.seq).collect::<Vec<_>>(),
                        page.last_seq
                    ),
                );
                if let Some(wish) = it.wishes.get(topic) {
                    self.ledger.page(wish.following, page.epoch, page.last_seq.unwrap_or(0));
                }
                session.receiver.on_page(ticket, page, now);
            }
            Ok(_) => session.receiver.on_page_failed(ticket, false, now),
            Err(code) => {
                let no_channel = code == Some(Code::NoSuchChannel);
                if (no_channel || code.is_none()) && session.joining.remove(topic) {
                    session.receiver.leave(topic);
                    self.errand(client, 500 * MILLISECOND, Errand::Join(topic.clone()));
                } else {
                    session.receiver.on_page_failed(ticket, code.as_ref().is_some_and(has_none), now);
                }
            }
        }
    }

    fn on_published(&mut self, client: usize, message: &Message) {
        let now = self.instant();
        let received = Timestamp::from_seconds(0);
        let [topic, payload] = message.frames() else { panic!("our server publishes two frames") };
        let deaf = self.has(Mutation::ClientClockIgnored);
        let (ignores_epoch, ignores_tails) =
            (self.has(Mutation::EpochIgnored), self.has(Mutation::TailsIgnored));
        let (early, again) = (self.has(Mutation::HeldDelivered), self.has(Mutation::RepeatsDelivered));
        let it = &mut self.clients[client];
        let Some(session) = &mut it.session else { return };
        let hear = |session: &mut Session, clock: Option<u64>| {
            if let Some(clock) = clock {
                session.heard = session.heard.max(clock);
                if !deaf {
                    session.clock.observe(clock);
                }
            }
        };
        if topic.starts_with(HEADS_PREFIX.as_bytes()) || topic.starts_with(SYNC_PREFIX.as_bytes()) {
            let mut publication =
                SystemPublication::decode(topic, payload, received).expect("our server publishes good heads");
            hear(session, publication.clock);
            if ignores_epoch {
                publication.epoch = *it.first_epoch.get_or_insert(publication.epoch);
            }
            let about = match &publication.topic {
                SystemTopic::Heads(name) => Some(name.as_str()),
                SystemTopic::Sync(_) => None,
            };
            self.trace.note(
                self.now,
                about,
                format_args!(
                    "client {client} hears {}: {}",
                    publication.topic,
                    publication
                        .heads
                        .iter()
                        .map(|(name, seq)| format!("{name} {seq}"))
                        .collect::<Vec<_>>()
                        .join(", ")
                ),
            );
            if !(ignores_tails && matches!(publication.topic, SystemTopic::Heads(_))) {
                session.receiver.on_system(publication, now);
            }
            return;
        }
        let mut publication =
            Publication::decode(topic, payload, received).expect("our server publishes good maps");
        hear(session, publication.clock);
        if ignores_epoch {
            let epoch = it.first_epoch.get_or_insert(publication.epoch.expect("our server says the epoch"));
            publication.epoch = Some(*epoch);
        }
        let seq = publication.seq.unwrap_or(0);
        self.trace.note(
            self.now,
            Some(&publication.topic),
            format_args!("client {client} receives place {seq} of {}", publication.topic),
        );
        let followed =
            self.clients[client].wishes.iter().find(|(topic, _)| topic.as_str() == publication.topic);
        let followed = followed.map(|(topic, wish)| (topic.clone(), wish.place));
        if let Some((topic, Some((_, last)))) = followed {
            if early && seq > last + 1 {
                if let Some(session) = &mut self.clients[client].session {
                    session.early.insert((publication.topic.clone(), seq));
                }
                self.deliver(client, &topic, &publication, format_args!("out of turn"));
            } else if again && seq <= last {
                self.deliver(client, &topic, &publication, format_args!("again"));
            }
        }
        if let Some(session) = &mut self.clients[client].session {
            session.receiver.on_publication(publication, now);
        }
    }
}

/// The page as somebody sees it who knows of one epoch only.
fn alter(page: &mut HistoryPage, first: &mut Option<Epoch>) {
    if let Some(epoch) = page.epoch {
        let epoch = *first.get_or_insert(epoch);
        page.epoch = Some(epoch);
        page.messages.iter_mut().for_each(|message| message.epoch = Some(epoch));
    }
}
