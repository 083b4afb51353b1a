//! The one task of a session: it owns the sockets, and joins them to the request book, the receiver and the owner's queues.
//!
//! A turn takes one thing that happened, then hands ready requests to the server's connection and performs what the
//! receiver wants. Nothing in a turn waits.

mod published;
mod replies;

use std::collections::{BTreeMap, VecDeque};
use std::future::pending;
use std::sync::PoisonError;
use std::time::Instant;

use recado_proto::{
    Epoch, HistoryOf, HistoryRequest, LamportClock, Ref, ReplyBody, Request, RequestBody, Timestamp,
};
use recado_zmtp::{Endpoint, Message, SocketEvent, SocketEventKind, Subscriber};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, mpsc, oneshot};
use tracing::{debug, field, trace};

use crate::keys::Distrust;
use crate::limits;
use crate::receiver::{Action, Receiver, Start, Ticket, Topic};

use super::config::subscriber_options;
use super::heard::{Heard, Hearing};
use super::links::{LinkChange, Links, is_key_refused};
use super::requests::{Requests, Sending};
use super::servers::{ServerHappening, Servers};
use super::suspicion::Suspicion;
use super::{RequestError, SessionConfig, SessionEvent, SharedUser};

/// What handles ask of the session's task.
#[derive(Debug)]
pub(crate) enum Call {
    /// One request to a server.
    Request { body: RequestBody, reply: oneshot::Sender<Result<ReplyBody, RequestError>> },
    /// Follow a topic; answered once it is joined.
    Follow { topic: Topic, start: Start, reply: JoinReply },
    /// Follow it no longer.
    Unfollow { topic: Topic },
    /// Follow it no longer, if there is a place to go on from later; answered with that.
    Leave { topic: Topic, reply: oneshot::Sender<Option<(Epoch, u64)>> },
    /// Hear of something; answered at once.
    Hear { hearing: Hearing, reply: JoinReply },
    /// Hear of it no longer.
    Ignore { hearing: Hearing },
    /// End.
    Close { done: oneshot::Sender<()> },
}

type JoinReply = oneshot::Sender<Result<(), RequestError>>;

/// Who waits for a request's answer.
#[derive(Debug)]
enum Owner {
    Handle(oneshot::Sender<Result<ReplyBody, RequestError>>),
    Repair { topic: Topic, ticket: Ticket },
    Barrier { ticket: Ticket },
}

/// What a turn begins with.
enum Happening {
    Call(Option<Call>),
    Server(ServerHappening),
    Published(Option<Message>),
    BrokerLink(Result<SocketEvent, RecvError>),
    Distrusted(Option<Distrust>),
    EventTaken,
    Time,
}

pub(crate) struct Driver {
    repair: bool,
    user: SharedUser,
    calls: mpsc::Receiver<Call>,
    endpoints: Vec<Endpoint>,
    servers: Servers,
    subscriber: Option<Subscriber>,
    broker_events: Option<broadcast::Receiver<SocketEvent>>,
    suspicion: Suspicion,
    server_links: Links,
    broker_links: Links,
    requests: Requests<Owner>,
    receiver: Receiver,
    joining: BTreeMap<Topic, Vec<JoinReply>>,
    heard: Heard,
    clock: LamportClock,
    /// The connection had no room: when to try again.
    send_at: Option<Instant>,
    events: mpsc::Sender<SessionEvent>,
    /// What the owner has not taken yet. While there is something, no more publications are read and no more pages asked for,
    /// so that it holds at most what was under way, and a word at a time about connections.
    waiting_events: VecDeque<SessionEvent>,
}

impl Driver {
    pub(crate) fn new(
        config: SessionConfig,
        user: SharedUser,
        calls: mpsc::Receiver<Call>,
        events: mpsc::Sender<SessionEvent>,
    ) -> Self {
        let now = Instant::now();
        let subscriber = (!config.brokers.is_empty())
            .then(|| Subscriber::connect(&config.brokers, subscriber_options(&config.security)));
        Self {
            repair: config.repair,
            user,
            calls,
            broker_events: subscriber.as_ref().map(Subscriber::events),
            servers: Servers::connect(&config.servers, config.security.clone()),
            suspicion: Suspicion::new(config.security.clone(), now),
            subscriber,
            server_links: Links::new(now),
            broker_links: Links::new(now),
            requests: Requests::new(
                config.patience(),
                config.servers.len(),
                limits::REQUESTS_MAX,
                rand::random(),
            ),
            endpoints: config.servers,
            receiver: Receiver::new(rand::random()),
            joining: BTreeMap::new(),
            heard: Heard::default(),
            clock: LamportClock::default(),
            send_at: None,
            events,
            waiting_events: VecDeque::new(),
        }
    }

    pub(crate) async fn run(mut self) {
        loop {
            self.perform_actions();
            self.hand_on_events();
            self.receiver.pause(!self.waiting_events.is_empty(), Instant::now());
            // A receiver that goes on asks for more.
            self.perform_actions();
            self.send_requests().await;
            let happening = self.next().await;
            let now = Instant::now();
            match happening {
                Happening::Call(Some(Call::Close { done })) => {
                    self.finish().await;
                    // The handle that asked may be gone; then nobody needs to know.
                    let _ = done.send(());
                    return;
                }
                Happening::Call(None) | Happening::Published(None) => {
                    return self.finish().await;
                }
                Happening::Call(Some(call)) => self.on_call(call, now),
                Happening::Server(happening) => self.on_server(happening, now),
                Happening::Published(Some(message)) => self.on_published(&message, now),
                Happening::BrokerLink(event) => self.on_broker_link(event, now),
                Happening::Distrusted(found) => self.on_distrust(found, now),
                Happening::EventTaken => {}
                Happening::Time => {}
            }
            self.on_time(now);
        }
    }

    /// Waits for the next thing to happen.
    async fn next(&mut self) -> Happening {
        let deadline = [
            self.send_at,
            self.requests.poll_timeout(),
            self.servers.poll_timeout(),
            self.receiver.poll_timeout(),
            self.server_links.poll_timeout(),
            self.subscriber.as_ref().and_then(|_| self.broker_links.poll_timeout()),
        ]
        .into_iter()
        .flatten()
        .min();
        let owner_is_behind = !self.waiting_events.is_empty();
        tokio::select! {
            call = self.calls.recv() => Happening::Call(call),
            happening = self.servers.next() => Happening::Server(happening),
            message = receive(self.subscriber.as_mut()), if !owner_is_behind => Happening::Published(message),
            event = link_event(self.broker_events.as_mut()) => Happening::BrokerLink(event),
            found = self.suspicion.next() => Happening::Distrusted(found),
            _ = self.events.reserve(), if owner_is_behind => Happening::EventTaken,
            () = until(deadline) => Happening::Time,
        }
    }

    fn on_call(&mut self, call: Call, now: Instant) {
        match call {
            Call::Request { body, reply } => self.start(body, Owner::Handle(reply), now),
            Call::Follow { topic, start, reply } => self.follow(topic, start, reply, now),
            Call::Unfollow { topic } => {
                self.receiver.leave(&topic);
                self.answer_joiners(&topic, &Err(RequestError::Closed));
            }
            Call::Leave { topic, reply } => {
                let place = self.receiver.place(&topic);
                if place.is_some() {
                    self.receiver.leave(&topic);
                }
                // Whoever asked may have stopped waiting.
                let _ = reply.send(place);
            }
            Call::Hear { hearing, reply } => {
                // Whoever asked may have stopped waiting.
                drop(reply.send(self.hear(hearing)));
            }
            Call::Ignore { hearing } => {
                let topic = self.heard.ignore(&hearing);
                if let Some((subscriber, topic)) = self.subscriber.as_ref().zip(topic) {
                    subscriber.unsubscribe(topic.as_bytes());
                }
            }
            Call::Close { .. } => {}
        }
    }

    fn hear(&mut self, hearing: Hearing) -> Result<(), RequestError> {
        let topic = self.heard.hear(hearing)?;
        if let Some((subscriber, topic)) = self.subscriber.as_ref().zip(topic) {
            subscriber.subscribe(topic.into_bytes());
        }
        Ok(())
    }

    fn follow(&mut self, topic: Topic, start: Start, reply: JoinReply, now: Instant) {
        if self.receiver.follows(&topic) {
            match self.joining.get_mut(&topic) {
                Some(joiners) => joiners.push(reply),
                None => drop(reply.send(Ok(()))),
            }
            return;
        }
        // History is given to users only.
        let knows_user = self.user.lock().unwrap_or_else(PoisonError::into_inner).is_some();
        let taken = if self.repair && knows_user && self.subscriber.is_some() {
            self.receiver.join(topic.clone(), start, now)
        } else {
            self.receiver.join_unrepaired(topic.clone())
        };
        if taken {
            self.joining.entry(topic).or_default().push(reply);
        } else {
            drop(reply.send(Err(RequestError::TooManyTopics)));
        }
    }

    fn start(&mut self, body: RequestBody, owner: Owner, now: Instant) {
        if let Some(found) = self.suspicion.proved() {
            let error = RequestError::Distrusted(Box::new(found.clone()));
            return self.tell(owner, Err(error), now);
        }
        if let Err(owner) = self.requests.start(body, owner, now) {
            self.tell(owner, Err(RequestError::Busy), now);
        }
    }

    /// Hands ready requests to a server's connection, until it has no room.
    async fn send_requests(&mut self) {
        self.send_at = None;
        while let Some(Sending { reference, connection, body }) = self.requests.next_to_send() {
            let request = Request {
                body: body.clone(),
                timestamp: Some(Timestamp::now()),
                clock: Some(self.clock.tick()),
                reference: Some(Ref::from_number(reference)),
            };
            let now = Instant::now();
            if !self.servers.send(connection, Message::single(request.encode())).await {
                self.send_at = Some(now + limits::SEND_AGAIN);
                return;
            }
            self.requests.sent(reference, connection, now);
            if let RequestBody::Publish { id: Some(id), .. }
            | RequestBody::Message { id: Some(id), .. }
            | RequestBody::Act { id: Some(id), .. } = &request.body
            {
                trace!(%id, "message sent");
            }
        }
    }

    fn on_broker_link(&mut self, event: Result<SocketEvent, RecvError>, now: Instant) {
        let has_come =
            event.as_ref().is_ok_and(|event| matches!(event.kind, SocketEventKind::Connected { .. }));
        let has_gone =
            event.as_ref().is_ok_and(|event| matches!(event.kind, SocketEventKind::Disconnected { .. }));
        if let Some(change) = event.ok().and_then(|event| self.broker_links.on_event(event, now)) {
            self.say(match change {
                LinkChange::Lost { reason } => broker_lost(reason),
                LinkChange::Back => SessionEvent::BrokerBack,
            });
        }
        // Of several brokers another may have been the one whose subscriptions were proved.
        if has_come || has_gone && self.broker_links.is_connected() {
            self.receiver.on_broker_change(now);
        }
    }

    fn on_time(&mut self, now: Instant) {
        for given_up in self.requests.on_timeout(now) {
            self.tell(given_up.owner, Err(RequestError::Unanswered { attempts: given_up.attempts }), now);
        }
        while let Some(connection) = self.requests.next_renewal() {
            if let Some(server) = self.servers.renew(connection, now) {
                debug!(endpoint = %self.endpoints[server], "a server left a request unanswered: connecting afresh");
                self.server_links.on_replaced(&self.endpoints[server], now);
            }
        }
        for ended in self.servers.on_timeout(now) {
            self.requests.disconnected(ended, now);
        }
        self.receiver.on_timeout(now);
        if let Some(LinkChange::Lost { reason }) = self.server_links.on_timeout(now) {
            self.say(SessionEvent::ServerLost { reason });
        }
        if self.subscriber.is_some()
            && let Some(LinkChange::Lost { reason }) = self.broker_links.on_timeout(now)
        {
            self.say(broker_lost(reason));
        }
    }

    /// Does what the receiver wants.
    fn perform_actions(&mut self) {
        while let Some(action) = self.receiver.next_action() {
            match action {
                Action::Subscribe(topic) => {
                    if let Some(subscriber) = &self.subscriber {
                        subscriber.subscribe(topic.into_bytes());
                    }
                }
                Action::Unsubscribe(topic) => {
                    if let Some(subscriber) = &self.subscriber {
                        subscriber.unsubscribe(topic.as_bytes());
                    }
                }
                Action::Sync { ticket, on, topics } => {
                    let user = self.user.lock().unwrap_or_else(PoisonError::into_inner).clone();
                    let body = RequestBody::Sync { user, topic: on, topics };
                    self.start(body, Owner::Barrier { ticket }, Instant::now());
                }
                Action::Fetch { topic, ticket, range, limit } => {
                    let user = self.user.lock().unwrap_or_else(PoisonError::into_inner).clone();
                    let (of, user) = match &topic {
                        Topic::Channel(channel) => (HistoryOf::Channel(channel.clone()), user),
                        Topic::Direct(user) => (HistoryOf::Received, Some(user.clone())),
                    };
                    let now = Instant::now();
                    let Some(user) = user else {
                        self.receiver.on_page_failed(ticket, true, now);
                        continue;
                    };
                    let body = RequestBody::History(HistoryRequest { user, of, range, limit, acts: true });
                    self.start(body, Owner::Repair { topic, ticket }, now);
                }
                Action::Joined(topic) => {
                    self.answer_joiners(&topic, &Ok(()));
                    self.waiting_events.push_back(SessionEvent::Joined { topic });
                }
                Action::Deliver { topic, publication, via } => {
                    trace!(%topic, seq = publication.seq, id = publication.id.map(field::display), ?via, "message received");
                    self.waiting_events.push_back(SessionEvent::Publication { topic, publication, via });
                }
                Action::Missing { topic, first, last } => {
                    self.waiting_events.push_back(SessionEvent::Missing { topic, first, last });
                }
                Action::EpochChanged { topic, epoch } => {
                    self.waiting_events.push_back(SessionEvent::EpochChanged { topic, epoch });
                }
            }
        }
    }

    fn answer_joiners(&mut self, topic: &Topic, answer: &Result<(), RequestError>) {
        for reply in self.joining.remove(topic).unwrap_or_default() {
            // Whoever asked may have stopped waiting.
            drop(reply.send(answer.clone()));
        }
    }

    /// A word about connections. An owner who takes nothing for so long that there are too many does not hear it.
    fn say(&mut self, event: SessionEvent) {
        if self.waiting_events.len() < limits::WAITING_EVENTS_MAX {
            self.waiting_events.push_back(event);
        }
    }

    /// Gives the owner as many events as the queue has room for.
    fn hand_on_events(&mut self) {
        if self.events.is_closed() {
            self.waiting_events.clear();
            return;
        }
        while let Ok(permit) = self.events.try_reserve()
            && let Some(event) = self.waiting_events.pop_front()
        {
            permit.send(event);
        }
    }

    async fn finish(mut self) {
        for given_up in self.requests.give_up_all() {
            match given_up.owner {
                Owner::Handle(reply) => drop(reply.send(Err(RequestError::Closed))),
                Owner::Repair { .. } | Owner::Barrier { .. } => {}
            }
        }
        for topic in self.joining.keys().cloned().collect::<Vec<_>>() {
            self.answer_joiners(&topic, &Err(RequestError::Closed));
        }
        self.servers.close().await;
        if let Some(subscriber) = self.subscriber {
            subscriber.close().await;
        }
    }
}

/// A broker that does not admit this key is there.
fn broker_lost(reason: String) -> SessionEvent {
    if is_key_refused(&reason) { SessionEvent::NotAdmitted } else { SessionEvent::BrokerLost { reason } }
}

async fn receive(subscriber: Option<&mut Subscriber>) -> Option<Message> {
    match subscriber {
        Some(subscriber) => subscriber.recv().await,
        None => pending().await,
    }
}

async fn link_event(events: Option<&mut broadcast::Receiver<SocketEvent>>) -> Result<SocketEvent, RecvError> {
    match events {
        Some(events) => events.recv().await,
        None => pending().await,
    }
}

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
        None => pending().await,
    }
}
