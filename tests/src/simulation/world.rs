//! The whole system in one thread: events in the order of virtual time, and the processes between which they pass.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Arguments;
use std::path::Path;
use std::time::Instant;

use recado_broker::simulation::Forwarder;
use recado_client::limits::LATE_ANSWER_PATIENCE;
use recado_proto::MessageId;

use super::client::{Client, Errand};
use super::ledger::{Ledger, Sent};
use super::mutation::Mutation;
use super::network::{ConnectionId, End, Link, Network, Payload};
use super::random::Random;
use super::server::Server;
use super::setup::{Fault, Plan, Setup};
use super::time::{Base, MILLISECOND, Micros, SECOND};
use super::trace::Trace;

/// From when all is well to the end: longer than the last beacon and the longest pause between two questions.
const HEALED_LASTS: Micros = 180 * SECOND;

/// A question and its answer take no longer once all is well.
const LOOK_LASTS: Micros = 5 * SECOND;

/// What happens next.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Event {
    Arrival {
        connection: ConnectionId,
        end: End,
    },
    Ended {
        connection: ConnectionId,
        end: End,
    },
    /// The client has listened to a connection that it does not use for long enough.
    Retired {
        connection: ConnectionId,
    },
    Dial {
        link: Link,
        incarnation: u32,
    },
    Wake {
        client: usize,
        incarnation: u32,
    },
    Errand {
        client: usize,
        incarnation: u32,
        errand: Errand,
    },
    TurnEnds {
        incarnation: u32,
    },
    Read {
        incarnation: u32,
    },
    Tend {
        incarnation: u32,
    },
    Feed {
        broker: usize,
        incarnation: u32,
    },
    Confirm {
        broker: usize,
        incarnation: u32,
    },
    ServerStarts,
    BrokerStarts {
        broker: usize,
    },
    ClientStarts {
        client: usize,
    },
    Wish {
        client: usize,
        topic: usize,
        backlog: u32,
    },
    Load {
        index: usize,
    },
    Fault {
        index: usize,
    },
    ComeBack {
        client: usize,
        topic: usize,
    },
    Backup,
    Heal,
}

pub(super) struct Broker {
    pub(super) forwarder: Option<Forwarder>,
}

pub(super) struct World {
    pub(super) setup: Setup,
    pub(super) plan: Plan,
    pub(super) now: Micros,
    pub(super) base: Base,
    random: Random,
    /// Draws who does what to which message.
    pub(super) acting: Random,
    events: BTreeMap<(Micros, u64), Event>,
    next_event: u64,
    pub(super) healed: bool,
    pub(super) network: Network,
    pub(super) server: Server,
    pub(super) brokers: Vec<Broker>,
    pub(super) clients: Vec<Client>,
    pub(super) ledger: Ledger,
    pub(super) trace: Trace,
    /// What the broken rules of the server have seen.
    pub(super) seen: BTreeSet<MessageId>,
    pub(super) channels_made: BTreeSet<usize>,
    pub(super) asked: u64,
    pub(super) last_asked_at: Micros,
    pub(super) steps: u64,
}

impl World {
    pub(super) fn new(setup: Setup, folder: &Path) -> Self {
        let plan = Plan::of(&setup);
        let mut random = Random::new(setup.seed ^ 0x3017);
        let clients = (0..plan.clients).map(|number| Client::new(number, random.split())).collect();
        let brokers = (0..plan.brokers).map(|_| Broker { forwarder: None }).collect();
        let network = Network::new(random.split(), plan.delay_max);
        let server = Server::new(folder, random.split(), plan.brokers);
        Self {
            trace: Trace::new(setup.traced),
            acting: Random::new(setup.seed ^ 0xac75),
            setup,
            plan,
            now: 0,
            base: Base::new(),
            random,
            events: BTreeMap::new(),
            next_event: 0,
            healed: false,
            network,
            server,
            brokers,
            clients,
            ledger: Ledger::default(),
            seen: BTreeSet::new(),
            channels_made: BTreeSet::new(),
            asked: 0,
            last_asked_at: 0,
            steps: 0,
        }
    }

    pub(super) fn has(&self, mutation: Mutation) -> bool {
        self.setup.mutation == Some(mutation)
    }

    pub(super) fn instant(&self) -> Instant {
        self.base.instant(self.now)
    }

    pub(super) fn note(&mut self, topic: Option<&str>, text: Arguments<'_>) {
        self.trace.note(self.now, topic, text);
    }

    pub(super) fn schedule(&mut self, at: Micros, event: Event) {
        self.events.insert((at, self.next_event), event);
        self.next_event += 1;
    }

    /// Whether something that happens so often per mille happens now. Never once all is well.
    pub(super) fn misfortune(&mut self, per_mille: u64) -> bool {
        !self.healed && per_mille > 0 && self.random.chance(per_mille)
    }

    /// Runs to the end, or to the first rule that does not hold.
    pub(super) fn run(&mut self) {
        self.prepare();
        let end = self.plan.healed_at + HEALED_LASTS;
        while let Some(((at, _), event)) = self.events.pop_first() {
            // Somebody may be amid a look that ends a silence. It is soon over.
            let is_over = at > end && (at > end + LOOK_LASTS || self.waiting().is_none());
            if is_over || self.ledger.violation.is_some() {
                break;
            }
            self.now = at;
            self.steps += 1;
            self.step(event);
        }
        if self.ledger.violation.is_none() {
            self.now = self.now.max(end);
            self.judge();
        }
    }

    fn prepare(&mut self) {
        self.schedule(0, Event::ServerStarts);
        for broker in 0..self.brokers.len() {
            self.schedule(0, Event::BrokerStarts { broker });
        }
        let mut random = self.random.split();
        let lasts = self.plan.healed_at;
        for client in 0..self.plan.clients {
            let from = if random.chance(200) { random.below(lasts) } else { random.below(100 * MILLISECOND) };
            self.schedule(from, Event::ClientStarts { client });
            for topic in 0..self.plan.channels + self.plan.clients {
                let is_own = topic == self.plan.channels + client;
                let is_of_another = topic >= self.plan.channels && !is_own;
                if is_of_another || !is_own && random.chance(250) {
                    continue;
                }
                let at = if random.chance(300) { from + random.below(lasts - from) } else { from + 1 };
                let backlog = random.pick(&[0, 0, 3, 20]);
                self.schedule(at, Event::Wish { client, topic, backlog });
            }
        }
        for index in 0..self.plan.load.len() {
            self.schedule(self.plan.load[index].at, Event::Load { index });
        }
        for index in 0..self.plan.faults.len() {
            let (at, fault) = self.plan.faults[index];
            self.schedule(at, Event::Fault { index });
            if let Fault::CrashServer { restored: true, .. } = fault {
                self.schedule(random.below(at + 1), Event::Backup);
            }
        }
        self.schedule(self.plan.healed_at, Event::Heal);
    }

    fn step(&mut self, event: Event) {
        let server_is = |world: &Self, incarnation| {
            world.server.core.is_some() && world.server.incarnation == incarnation
        };
        match event {
            Event::Arrival { connection, end } => self.arrive(connection, end),
            Event::Ended { connection, end } => self.ended(connection, end),
            Event::Retired { connection } => {
                let link = self.network.link(connection);
                if let Some(link @ Link::Requests { client }) = link
                    && self.network.is_open(connection, End::Dialer)
                {
                    self.drop_end(connection, End::Dialer);
                    self.client_disconnected(client, link, connection);
                }
            }
            Event::Dial { link, incarnation } => self.dial(link, incarnation),
            Event::Wake { client, incarnation } => {
                if self.clients[client].incarnation == incarnation {
                    self.client_wakes(client);
                }
            }
            Event::Errand { client, incarnation, errand } => {
                if self.clients[client].incarnation == incarnation {
                    self.run_errand(client, &errand);
                }
            }
            Event::TurnEnds { incarnation } if server_is(self, incarnation) => self.turn_ends(),
            Event::Read { incarnation } if server_is(self, incarnation) => self.server_reads(),
            Event::Tend { incarnation } if server_is(self, incarnation) => self.server_tends(),
            Event::Feed { broker, incarnation } if server_is(self, incarnation) => self.server_feeds(broker),
            Event::Confirm { broker, incarnation } if server_is(self, incarnation) => {
                self.server_confirms(broker)
            }
            Event::TurnEnds { .. }
            | Event::Read { .. }
            | Event::Tend { .. }
            | Event::Feed { .. }
            | Event::Confirm { .. } => {}
            Event::ServerStarts => self.server_starts(),
            Event::BrokerStarts { broker } => self.broker_starts(broker),
            Event::ClientStarts { client } => self.client_starts(client),
            Event::Wish { client, topic, backlog } => {
                let topic = self.topic_of(&self.topic_name(topic));
                self.wish(client, topic, backlog);
            }
            Event::Load { index } => self.load(index),
            Event::Fault { index } => self.fault(self.plan.faults[index].1),
            Event::ComeBack { client, topic } => {
                let topic = self.topic_of(&self.topic_name(topic));
                self.come_back(client, topic);
            }
            Event::Backup => self.server_backup(),
            Event::Heal => self.heal(),
        }
    }

    pub(super) fn topic_name(&self, topic: usize) -> String {
        match topic.checked_sub(self.plan.channels) {
            None => format!("channel{topic}"),
            Some(user) => format!("user{user}"),
        }
    }

    fn load(&mut self, index: usize) {
        let load = self.plan.load[index];
        let topic = self.topic_name(load.topic);
        let text = format!("{index} {}", "x".repeat(load.padding));
        // As clients make them, but from the seed: they begin with the time.
        let time_ms = (1_700_000_000_000 + self.now / MILLISECOND).to_be_bytes();
        let mut bytes = [0; 16];
        bytes[..6].copy_from_slice(&time_ms[2..]);
        bytes[8..].copy_from_slice(&(index as u64).to_be_bytes());
        (bytes[6], bytes[8]) = (0x70, 0x80);
        let id = MessageId::from_bytes(bytes);
        let (client, sent) = (load.client, self.ledger.sent.len());
        let (what, text) = self.choose(client, &topic, text);
        self.ledger.by_id.insert(id, sent);
        let (clock, acknowledged, refused) = (None, None, false);
        self.ledger.sent.push(Sent { client, topic, what, text, id, clock, acknowledged, refused });
        self.clients[load.client].outbox.push_back(sent);
        self.run_errand(load.client, &Errand::Send(sent));
        self.look_now_and_then(load.client, load.topic);
    }

    /// The process at this end is gone: it hears nothing more, and the other end learns of it.
    pub(super) fn drop_end(&mut self, connection: ConnectionId, end: End) {
        let cut = self.network.cut_connection(connection, self.now);
        let link = self.network.link(connection);
        self.network.close_end(connection, end);
        let Some(mut cut) = cut else { return };
        cut.notices.retain(|(of, _)| *of != end);
        if end == End::Dialer || !matches!(link, Some(Link::Feed { .. })) {
            cut.lost_to_acceptor = 0;
        }
        self.tell_of_cut(Some(cut));
    }

    fn ended(&mut self, connection: ConnectionId, end: End) {
        let Some(link) = self.network.link(connection) else { return };
        let was_in_use = self.network.current(link) == Some(connection);
        if !self.network.close_end(connection, end) {
            return;
        }
        self.note(None, format_args!("{link:?}: the {end:?} learns that connection {} ended", connection.0));
        match (end, link) {
            (End::Dialer, _) => {
                if was_in_use {
                    self.dial_soon(link);
                }
                if let Link::Requests { client } | Link::Subscriptions { client, .. } = link {
                    self.client_disconnected(client, link, connection);
                }
            }
            (End::Acceptor, Link::Subscriptions { broker, .. } | Link::Feed { broker }) => {
                if let Some(forwarder) = &mut self.brokers[broker].forwarder {
                    forwarder.left(connection.0);
                }
            }
            (End::Acceptor, Link::Requests { .. }) => {}
        }
    }

    /// The client makes another connection in the place of this one, and listens to it for a while.
    pub(super) fn retire(&mut self, connection: ConnectionId) {
        let Some(link) = self.network.link(connection) else { return };
        self.note(None, format_args!("{link:?}: connection {} is replaced", connection.0));
        self.network.release(connection);
        let until = Micros::try_from(LATE_ANSWER_PATIENCE.as_micros()).expect("a few seconds");
        self.schedule(self.now + until, Event::Retired { connection });
        self.dial_soon(link);
    }

    pub(super) fn dial_soon(&mut self, link: Link) {
        let after = self.random.between(1..=300) * MILLISECOND;
        let incarnation = self.dialer_incarnation(link);
        self.schedule(self.now + after, Event::Dial { link, incarnation });
    }

    fn dialer_incarnation(&self, link: Link) -> u32 {
        match link {
            Link::Requests { client } | Link::Subscriptions { client, .. } => {
                self.clients[client].incarnation
            }
            Link::Feed { .. } => self.server.incarnation,
        }
    }

    fn dial(&mut self, link: Link, incarnation: u32) {
        let dialer_lives = match link {
            Link::Requests { client } | Link::Subscriptions { client, .. } => {
                self.clients[client].session.is_some()
            }
            Link::Feed { .. } => self.server.core.is_some(),
        };
        if !dialer_lives
            || self.dialer_incarnation(link) != incarnation
            || self.network.current(link).is_some()
        {
            return;
        }
        let acceptor_lives = match link {
            Link::Requests { .. } => self.server.core.is_some(),
            Link::Subscriptions { broker, .. } | Link::Feed { broker } => {
                self.brokers[broker].forwarder.is_some()
            }
        };
        if !acceptor_lives || self.network.is_blocked(link, self.now) {
            return self.dial_soon(link);
        }
        let connection = self.network.connect(link);
        self.note(None, format_args!("{link:?}: connection {} is there", connection.0));
        match link {
            Link::Requests { client } => self.client_connected(client, link, connection),
            Link::Subscriptions { client, broker } => {
                let room = self.plan.room;
                let forwarder = self.brokers[broker].forwarder.as_mut().expect("it lives");
                forwarder.subscriber_came(connection.0, room);
                self.client_connected(client, link, connection);
            }
            Link::Feed { broker } => {
                let forwarder = self.brokers[broker].forwarder.as_mut().expect("it lives");
                forwarder.publisher_came(connection.0);
                self.feed_connected(broker);
            }
        }
    }

    /// Sends towards this end of a connection.
    pub(super) fn send(&mut self, connection: ConnectionId, end: End, payload: Payload) {
        if let Some(at) = self.network.send(connection, end, payload, self.now) {
            self.schedule(at, Event::Arrival { connection, end });
        }
    }

    fn arrive(&mut self, connection: ConnectionId, end: End) {
        let Some(link) = self.network.link(connection) else { return };
        let Some(payload) = self.network.arrive(connection, end) else { return };
        match (link, end, payload) {
            (Link::Requests { .. }, End::Acceptor, Payload::Message(message)) => {
                self.server_receives(connection, message)
            }
            (Link::Requests { client }, End::Dialer, Payload::Message(message)) => {
                self.client_receives(client, link, &message);
            }
            (Link::Subscriptions { client, broker }, End::Dialer, Payload::Message(message)) => {
                self.client_receives(client, link, &message);
                self.forward_on(broker, connection);
            }
            (Link::Subscriptions { broker, .. }, End::Acceptor, Payload::Subscription { topic, wanted }) => {
                let forwarder = self.brokers[broker].forwarder.as_mut().expect("its ends close with it");
                forwarder.subscription(connection.0, topic.as_bytes(), wanted).expect("within its limits");
            }
            (Link::Feed { broker }, End::Acceptor, Payload::Message(message)) => {
                let now = self.instant();
                let forwarder = self.brokers[broker].forwarder.as_mut().expect("its ends close with it");
                forwarder.forward(&[message], now);
                for client in 0..self.clients.len() {
                    let of_it = |link| link == Link::Subscriptions { client, broker };
                    for connection in self.network.open_ends(End::Acceptor, of_it) {
                        self.forward_on(broker, connection);
                    }
                }
            }
            (link, end, payload) => unreachable!("{payload:?} towards the {end:?} of {link:?}"),
        }
    }

    /// What the broker's kernel has taken for a subscriber goes on its way, as far as the subscriber's end has room.
    fn forward_on(&mut self, broker: usize, connection: ConnectionId) {
        while self.network.under_way(connection, End::Dialer) < self.plan.window {
            let Some(forwarder) = &mut self.brokers[broker].forwarder else { return };
            let messages = forwarder.taken(connection.0);
            let more = forwarder.flush(connection.0);
            if messages.is_empty() && !more {
                return;
            }
            for message in messages {
                if self.misfortune(self.plan.drops) {
                    let topic = String::from_utf8_lossy(message.first()).into_owned();
                    self.note(
                        Some(&topic),
                        format_args!("a publication on {topic} is lost behind broker {broker}"),
                    );
                    continue;
                }
                if self.misfortune(self.plan.repeats) {
                    self.send(connection, End::Dialer, Payload::Message(message.clone()));
                }
                self.send(connection, End::Dialer, Payload::Message(message));
            }
        }
    }
}
