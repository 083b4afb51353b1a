//! A client: the real receiver, the real book of requests and the real clock, joined as a session joins them, and an owner who
//! remembers places and what was not answered when its process dies.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use recado_client::receiver::{Receiver, Start, Ticket, Topic};
use recado_client::{ConnectionId as OnConnection, Patience, Requests, limits};
use recado_proto::{ActIn, ChannelName, Epoch, HistoryPage, LamportClock, RequestBody, UserName};

use super::acts::{Heard, What};
use super::mutation::Mutation;
use super::network::{ConnectionId, End, Link, Payload};
use super::random::Random;
use super::time::Micros;
use super::world::{Event, World};

/// Who waits for a request's answer.
#[derive(Debug)]
pub(super) enum Owner {
    Login,
    Channel(usize),
    Send(usize),
    Repair {
        topic: Topic,
        ticket: Ticket,
    },
    Barrier {
        ticket: Ticket,
    },
    /// The owner looks at what was said before.
    Look {
        topic: Topic,
    },
}

/// What the owner does later.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Errand {
    Login,
    Channel(usize),
    Send(usize),
    Join(Topic),
}

/// A topic that the owner wants to hear.
#[derive(Debug)]
pub(super) struct Wish {
    pub(super) following: usize,
    /// The last message that was delivered. It outlives the process.
    pub(super) place: Option<(Epoch, u64)>,
    backlog: u32,
    wanted: bool,
    /// What was delivered, and what came of it. It outlives the process.
    pub(super) heard: Heard,
}

pub(super) struct Client {
    pub(super) name: UserName,
    pub(super) random: Random,
    pub(super) incarnation: u32,
    pub(super) session: Option<Session>,
    pub(super) wishes: BTreeMap<Topic, Wish>,
    /// What was to be sent and is not answered. It outlives the process.
    pub(super) outbox: VecDeque<usize>,
    /// A page of what was said before, which its owner has not looked at yet.
    pub(super) page: Option<(Topic, HistoryPage)>,
    /// It was logged in once.
    pub(super) is_known: bool,
    pub(super) first_epoch: Option<Epoch>,
    pub(super) clock_at_start: u64,
}

/// What dies with the process.
pub(super) struct Session {
    pub(super) receiver: Receiver,
    pub(super) requests: Requests<Owner>,
    pub(super) clock: LamportClock,
    /// The highest clock that was heard.
    pub(super) heard: u64,
    pub(super) subscriptions: BTreeSet<String>,
    pub(super) joining: BTreeSet<Topic>,
    pub(super) logged_in: bool,
    pub(super) references: BTreeMap<u64, (u64, u32)>,
    /// Delivered out of turn, by a broken rule.
    pub(super) early: BTreeSet<(String, u64)>,
    pub(super) wakes_at: Option<Micros>,
}

impl Client {
    pub(super) fn new(number: usize, mut random: Random) -> Self {
        let name = UserName::parse(&format!("user{number}")).expect("a good name");
        let clock_at_start = if random.chance(300) { random.below(1 << 40) } else { 0 };
        Self {
            name,
            random,
            incarnation: 0,
            session: None,
            wishes: BTreeMap::new(),
            outbox: VecDeque::new(),
            page: None,
            is_known: false,
            first_epoch: None,
            clock_at_start,
        }
    }
}

impl Session {
    fn new(seed: u64, clock: u64) -> Self {
        let patience = Patience {
            attempt_timeout: limits::REQUEST_TIMEOUT,
            attempts_max: limits::ATTEMPTS_MAX,
            retry_first: limits::RETRY_FIRST,
            retry_max: limits::RETRY_MAX,
        };
        Self {
            receiver: Receiver::new(seed),
            requests: Requests::new(patience, 1, limits::REQUESTS_MAX, seed),
            clock: LamportClock::starting_at(clock),
            heard: 0,
            subscriptions: BTreeSet::new(),
            joining: BTreeSet::new(),
            logged_in: false,
            references: BTreeMap::new(),
            early: BTreeSet::new(),
            wakes_at: None,
        }
    }
}

impl World {
    /// The client's process starts.
    pub(super) fn client_starts(&mut self, client: usize) {
        let it = &mut self.clients[client];
        if it.session.is_some() {
            return;
        }
        it.incarnation += 1;
        let seed = it.random.next();
        it.session = Some(Session::new(seed, it.clock_at_start));
        self.note(None, format_args!("client {client} starts"));
        self.dial_soon(Link::Requests { client });
        for broker in 0..self.brokers.len() {
            self.dial_soon(Link::Subscriptions { client, broker });
        }
        self.run_errand(client, &Errand::Login);
        for channel in 0..self.plan.channels {
            self.run_errand(client, &Errand::Channel(channel));
        }
        for sent in self.clients[client].outbox.clone() {
            self.run_errand(client, &Errand::Send(sent));
        }
    }

    /// The client's process dies.
    pub(super) fn client_dies(&mut self, client: usize) {
        let it = &mut self.clients[client];
        if it.session.take().is_none() {
            return;
        }
        it.incarnation += 1;
        self.note(None, format_args!("client {client} dies"));
        let of_it = |link| match link {
            Link::Requests { client: of } | Link::Subscriptions { client: of, .. } => of == client,
            Link::Feed { .. } => false,
        };
        for connection in self.network.open_ends(End::Dialer, of_it) {
            self.drop_end(connection, End::Dialer);
        }
    }

    pub(super) fn errand(&mut self, client: usize, after: Micros, errand: Errand) {
        let incarnation = self.clients[client].incarnation;
        self.schedule(self.now + after, Event::Errand { client, incarnation, errand });
    }

    pub(super) fn run_errand(&mut self, client: usize, errand: &Errand) {
        if self.clients[client].session.is_none() {
            return;
        }
        match errand {
            Errand::Login => {
                let user = self.clients[client].name.clone();
                self.ask(client, RequestBody::Login { user, password: None }, Owner::Login);
            }
            Errand::Channel(channel) => {
                let name = self.channel(*channel);
                self.ask(
                    client,
                    RequestBody::Channel { channel: name, id: None, user: None, private: false },
                    Owner::Channel(*channel),
                );
            }
            Errand::Send(sent) => {
                let body = self.publish_body(*sent);
                self.ask(client, body, Owner::Send(*sent));
            }
            Errand::Join(topic) => self.join(client, topic),
        }
        self.perform(client);
    }

    pub(super) fn channel(&self, number: usize) -> ChannelName {
        ChannelName::parse(&format!("channel{number}")).expect("a good name")
    }

    fn publish_body(&self, sent: usize) -> RequestBody {
        let message = &self.ledger.sent[sent];
        let user = self.clients[message.client].name.clone();
        let (text, id, topic) = (message.text.clone(), Some(message.id), self.topic_of(&message.topic));
        match (message.what.clone(), topic) {
            (What::Act { act, .. }, topic) => {
                let within = match topic {
                    Topic::Channel(channel) => ActIn::Channel(channel),
                    Topic::Direct(other) => ActIn::With(other),
                };
                RequestBody::Act { user, within, act, id }
            }
            (What::Message(manner), Topic::Channel(channel)) => {
                RequestBody::Publish { user, channel, message: text, id, manner }
            }
            (What::Message(manner), Topic::Direct(dst)) => {
                RequestBody::Message { src: user, dst, message: text, id, manner }
            }
        }
    }

    pub(super) fn topic_of(&self, name: &str) -> Topic {
        match name.starts_with("user") {
            true => Topic::Direct(UserName::parse(name).expect("a good name")),
            false => Topic::Channel(ChannelName::parse(name).expect("a good name")),
        }
    }

    /// The owner wants to hear a topic from now on.
    pub(super) fn wish(&mut self, client: usize, topic: Topic, backlog: u32) {
        let following = self.ledger.follow(client, topic.as_str(), backlog);
        let wish = Wish { following, place: None, backlog, wanted: true, heard: Heard::default() };
        self.clients[client].wishes.insert(topic.clone(), wish);
        self.run_errand(client, &Errand::Join(topic));
    }

    /// The owner leaves a topic; it keeps its place if it means to come back.
    pub(super) fn leave(&mut self, client: usize, topic: &Topic, resumes: bool) {
        let at = self.now;
        let it = &mut self.clients[client];
        let Some(wish) = it.wishes.get_mut(topic).filter(|wish| wish.wanted) else { return };
        wish.wanted = false;
        if !resumes || wish.place.is_none() {
            self.ledger.followings[wish.following].is_over = true;
            it.wishes.remove(topic);
        }
        if let Some(session) = &mut it.session {
            session.receiver.leave(topic);
            session.joining.remove(topic);
        }
        self.trace.note(at, Some(topic.as_str()), format_args!("client {client} leaves {topic}"));
        self.perform(client);
    }

    /// The owner comes back to a topic.
    pub(super) fn come_back(&mut self, client: usize, topic: Topic) {
        match self.clients[client].wishes.get_mut(&topic) {
            Some(wish) => wish.wanted = true,
            None => {
                let backlog = self.clients[client].random.pick(&[0, 0, 5, 20]);
                return self.wish(client, topic, backlog);
            }
        }
        self.run_errand(client, &Errand::Join(topic));
    }

    pub(super) fn join(&mut self, client: usize, topic: &Topic) {
        let (now, at) = (self.instant(), self.now);
        let forgets = self.has(Mutation::PlaceForgotten);
        let it = &mut self.clients[client];
        let (Some(session), Some(wish)) = (&mut it.session, it.wishes.get(topic)) else { return };
        if !wish.wanted || !session.logged_in || session.receiver.follows(topic) {
            return;
        }
        self.ledger.resumes(wish.following);
        let start = match wish.place {
            Some(_) if forgets => Start::Latest(0),
            Some((epoch, seq)) => Start::After { epoch, seq },
            None => {
                self.ledger.begins_again(wish.following);
                Start::Latest(wish.backlog)
            }
        };
        self.trace.note(
            at,
            Some(topic.as_str()),
            format_args!(
                "client {client} joins {topic} from {}",
                match start {
                    Start::Latest(count) => format!("the latest {count}"),
                    Start::Beginning => "the beginning".to_owned(),
                    Start::After { seq, .. } => format!("place {seq}"),
                }
            ),
        );
        session.joining.insert(topic.clone());
        session.receiver.join(topic.clone(), start, now);
    }

    /// A connection of the client's is there.
    pub(super) fn client_connected(&mut self, client: usize, link: Link, connection: ConnectionId) {
        let now = self.instant();
        let Some(session) = &mut self.clients[client].session else { return };
        match link {
            Link::Requests { .. } => {
                let was_connected = session.requests.is_connected();
                session.requests.connected(OnConnection(connection.0), 0);
                if !was_connected {
                    session.receiver.on_server_back(now);
                }
            }
            Link::Subscriptions { .. } => {
                for topic in session.subscriptions.clone() {
                    self.send(connection, End::Acceptor, Payload::Subscription { topic, wanted: true });
                }
                if let Some(session) = &mut self.clients[client].session {
                    session.receiver.on_broker_change(now);
                }
            }
            Link::Feed { .. } => {}
        }
        self.perform(client);
    }

    /// A connection of the client's has ended.
    pub(super) fn client_disconnected(&mut self, client: usize, link: Link, connection: ConnectionId) {
        let now = self.instant();
        let others = (0..self.brokers.len())
            .any(|broker| self.network.current(Link::Subscriptions { client, broker }).is_some());
        let Some(session) = &mut self.clients[client].session else { return };
        match link {
            Link::Requests { .. } => session.requests.disconnected(OnConnection(connection.0), now),
            Link::Subscriptions { .. } if others => session.receiver.on_broker_change(now),
            Link::Subscriptions { .. } | Link::Feed { .. } => {}
        }
        self.perform(client);
    }

    /// The client's timers.
    pub(super) fn client_wakes(&mut self, client: usize) {
        let now = self.instant();
        let it = &mut self.clients[client];
        let Some(session) = &mut it.session else { return };
        session.wakes_at = None;
        let given_up = session.requests.on_timeout(now);
        for given_up in given_up {
            self.answer(client, given_up.owner, Err(None));
        }
        while let Some(session) = &mut self.clients[client].session
            && let Some(OnConnection(connection)) = session.requests.next_renewal()
        {
            self.retire(ConnectionId(connection));
        }
        if let Some(session) = &mut self.clients[client].session {
            session.receiver.on_timeout(now);
        }
        self.perform(client);
    }

    pub(super) fn wake_later(&mut self, client: usize) {
        let base = self.base;
        let it = &mut self.clients[client];
        let Some(session) = &mut it.session else { return };
        let receiver = match self.setup.mutation.is_some_and(Mutation::bears_silence) {
            true => session.receiver.waits_until(),
            false => session.receiver.poll_timeout(),
        };
        let due = session.requests.poll_timeout().into_iter().chain(receiver).min();
        let Some(due) = due.map(|due| base.micros(due).max(self.now + 1)) else { return };
        if session.wakes_at.is_none_or(|at| due < at) {
            session.wakes_at = Some(due);
            let incarnation = it.incarnation;
            self.schedule(due, Event::Wake { client, incarnation });
        }
    }
}
