//! What a client does: its receiver's actions, its subscriptions, its requests.

use bytes::Bytes;
use recado_client::Sending;
use recado_client::receiver::{Action, Topic};
use recado_proto::{
    HistoryOf, HistoryRequest, MessageId, Publication, Ref, Request, RequestBody, SystemPublication,
    SystemTopic, Timestamp,
};
use recado_zmtp::Message;

use super::client::Owner;
use super::ledger::Rule;
use super::mutation::Mutation;
use super::network::{ConnectionId, End, Link, Payload};
use super::time::SECOND;
use super::world::World;

impl World {
    /// A request of the client's, into its book.
    pub(super) fn ask(&mut self, client: usize, body: RequestBody, owner: Owner) {
        let now = self.instant();
        let Some(session) = &mut self.clients[client].session else { return };
        if let Err(owner) = session.requests.start(body, owner, now) {
            self.answer(client, owner, Err(None));
        }
    }

    /// Does what the receiver wants and sends what is ready to be sent.
    pub(super) fn perform(&mut self, client: usize) {
        loop {
            let Some(session) = &mut self.clients[client].session else { return };
            let Some(action) = session.receiver.next_action() else { break };
            self.act(client, action);
        }
        self.send_requests(client);
        self.wake_later(client);
    }

    fn act(&mut self, client: usize, action: Action) {
        let (now, at) = (self.instant(), self.now);
        match action {
            Action::Subscribe(topic) => self.subscribe(client, topic, true),
            Action::Unsubscribe(topic) => self.subscribe(client, topic, false),
            Action::Sync { ticket, on, topics } => {
                self.trace.note(at, None, format_args!("client {client} asks for a barrier for {topics:?}"));
                if self.has(Mutation::NoBarrier) {
                    let epoch = self.ledger.epoch().expect("the server has started");
                    let answer = SystemPublication {
                        topic: SystemTopic::Sync(on),
                        heads: Vec::new(),
                        epoch,
                        timestamp: Timestamp::from_seconds(0),
                        clock: None,
                    };
                    let Some(session) = &mut self.clients[client].session else { return };
                    return session.receiver.on_system(answer, now);
                }
                let user = Some(self.clients[client].name.clone());
                self.ask(client, RequestBody::Sync { user, topic: on, topics }, Owner::Barrier { ticket });
            }
            Action::Fetch { topic, ticket, range, limit } => {
                self.trace.note(
                    at,
                    Some(topic.as_str()),
                    format_args!("client {client} fetches {topic} {range:?}"),
                );
                let Some(session) = &self.clients[client].session else { return };
                if self.has(Mutation::GapsIgnored) && !session.joining.contains(&topic) {
                    return;
                }
                let user = self.clients[client].name.clone();
                let of = match &topic {
                    Topic::Channel(channel) => HistoryOf::Channel(channel.clone()),
                    Topic::Direct(_) => HistoryOf::Received,
                };
                let body = RequestBody::History(HistoryRequest { user, of, range, limit, acts: true });
                self.ask(client, body, Owner::Repair { topic, ticket });
            }
            Action::Joined(topic) => {
                self.trace.note(at, Some(topic.as_str()), format_args!("client {client} has joined {topic}"));
                let it = &mut self.clients[client];
                if let Some(session) = &mut it.session {
                    session.joining.remove(&topic);
                }
                if let Some(wish) = it.wishes.get(&topic) {
                    self.ledger.joined(at, wish.following);
                }
            }
            Action::Deliver { topic, publication, via } => {
                let Some(session) = &mut self.clients[client].session else { return };
                let place = (topic.as_str().to_owned(), publication.seq.unwrap_or(0));
                if session.early.remove(&place) {
                    return;
                }
                self.deliver(client, &topic, &publication, format_args!("{via:?}"));
            }
            Action::Missing { topic, first, last } => {
                let seen = format!("client {client} was told that places {first} to {last} are missing");
                self.ledger.broken(at, Rule::NothingMissing, Some(topic.as_str()), seen);
            }
            Action::EpochChanged { topic, epoch } => {
                let number = self.ledger.epoch_number(epoch);
                self.note(
                    Some(topic.as_str()),
                    format_args!("client {client} hears that {topic} is in {number} now"),
                );
                if let Some(wish) = self.clients[client].wishes.get_mut(&topic) {
                    // Nobody knows yet where the old place is in the new epoch.
                    wish.place = None;
                    self.ledger.epoch_changed(at, wish.following, epoch);
                }
            }
        }
    }

    pub(super) fn deliver(
        &mut self,
        client: usize,
        topic: &Topic,
        publication: &Publication,
        how: std::fmt::Arguments<'_>,
    ) {
        let name = self.ledger.name(publication.id);
        let seq = publication.seq.unwrap_or(0);
        self.note(
            Some(topic.as_str()),
            format_args!("client {client} delivers {name}, place {seq} of {topic} ({how})"),
        );
        self.take_up(client, topic, publication);
        if let Some(wish) = self.clients[client].wishes.get_mut(topic) {
            wish.place = publication.epoch.zip(publication.seq);
            self.ledger.deliver(self.now, wish.following, publication);
        }
    }

    fn subscribe(&mut self, client: usize, topic: String, wanted: bool) {
        let Some(session) = &mut self.clients[client].session else { return };
        let changed = match wanted {
            true => session.subscriptions.insert(topic.clone()),
            false => session.subscriptions.remove(&topic),
        };
        if !changed {
            return;
        }
        for broker in 0..self.brokers.len() {
            if let Some(connection) = self.network.current(Link::Subscriptions { client, broker }) {
                self.send(connection, End::Acceptor, Payload::Subscription { topic: topic.clone(), wanted });
            }
        }
    }

    fn send_requests(&mut self, client: usize) {
        let now = self.instant();
        loop {
            let odd = self.plan.odd_timestamps;
            let (new_id, gives_up) =
                (self.has(Mutation::RepeatedUnderNewId), self.has(Mutation::NeverRepeated));
            let it = &mut self.clients[client];
            let Some(session) = &mut it.session else { return };
            let Some(Sending { reference, connection, body }) = session.requests.next_to_send() else {
                return;
            };
            let mut body = body.clone();
            session.requests.sent(reference, connection, now);
            let connection = ConnectionId(connection.0);
            let (first_clock, attempts) = session.references.entry(reference).or_insert((0, 0));
            *attempts += 1;
            let attempt = *attempts;
            if attempt > 1 && gives_up {
                continue;
            }
            let timestamp = match odd {
                true => Timestamp::from_seconds(it.random.next().cast_signed() >> 24),
                false => Timestamp::from_seconds((self.now / SECOND).cast_signed() + 1_700_000_000),
            };
            let clock = session.clock.tick();
            if attempt == 1 {
                *first_clock = clock;
            }
            let heard = session.heard;
            let sent = self.sent_in(&body);
            if let Some(sent) = sent {
                // A client that was started again has forgotten its clock.
                let first = &mut self.ledger.sent[sent].clock;
                *first = Some(first.map_or(clock, |first| first.min(clock)));
                let (what, topic) = (&self.ledger.sent[sent], self.ledger.sent[sent].topic.clone());
                self.trace.note(
                    self.now,
                    Some(&topic),
                    format_args!("client {} sends message {sent} to {topic}, attempt {attempt}", what.client),
                );
            } else {
                self.trace.note(
                    self.now,
                    None,
                    format_args!("client {client} asks {}, attempt {attempt}", body.service()),
                );
            }
            if clock <= heard {
                let seen = format!("client {client} sends at clock {clock} after it heard {heard}");
                self.ledger.broken(self.now, Rule::Cause, None, seen);
            }
            if attempt > 1
                && new_id
                && let RequestBody::Publish { id: Some(id), .. }
                | RequestBody::Message { id: Some(id), .. }
                | RequestBody::Act { id: Some(id), .. } = &mut body
            {
                let mut bytes = *id.as_bytes();
                bytes[7] = u8::try_from(attempt).unwrap_or(255);
                *id = MessageId::from_bytes(bytes);
            }
            self.asked += 1;
            // Who hears nothing asks now and then how far topics are.
            if !matches!(body, RequestBody::Sync { .. }) {
                self.last_asked_at = self.now;
            }
            let reference = Some(Ref::from_number(reference));
            let request = Request { body, timestamp: Some(timestamp), clock: Some(clock), reference };
            let payload = Payload::Message(Message::new(vec![Bytes::new(), request.encode().into()]));
            if self.misfortune(self.plan.repeats) {
                self.send(connection, End::Acceptor, payload.clone());
            }
            self.send(connection, End::Acceptor, payload);
        }
    }

    fn sent_in(&self, body: &RequestBody) -> Option<usize> {
        match body {
            RequestBody::Publish { id: Some(id), .. }
            | RequestBody::Message { id: Some(id), .. }
            | RequestBody::Act { id: Some(id), .. } => self.ledger.by_id.get(id).copied(),
            _ => None,
        }
    }
}
