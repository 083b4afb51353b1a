//! Puts publications in order, acts among messages as their places say, drops repeats and asks for what is missing. It has no sockets, no clock and no chance:
//! publications, pages of history, times and a seed go in, [`Action`]s come out; whoever drives it performs them.
//!
//! What comes from a broker is a claim, since anybody may publish to an open one; pages of history come from the server and decide.

mod barrier;
mod held;
mod outlet;
mod pace;
mod silence;
#[cfg(test)]
mod tests;
mod topic;

use std::collections::{BTreeMap, VecDeque};
use std::time::Instant;

use rand::{SeedableRng, rngs::StdRng};
use recado_proto::{
    ACTS_PREFIX, ChannelName, Epoch, HEADS_PREFIX, HistoryPage, Publication, Range, SyncTopic,
    SystemPublication, SystemTopic, TopicName, UserName,
};

use crate::limits;

use self::barrier::{Asking, Barrier};
use self::outlet::Outlet;
use self::pace::Pace;
use self::silence::Silence;
use self::topic::{Repair, TopicState};

/// Something that messages are published on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Topic {
    /// A channel's messages.
    Channel(ChannelName),
    /// What is sent to a user directly.
    Direct(UserName),
}

impl Topic {
    /// The whole topic as it stands in a publication's first frame.
    pub fn as_str(&self) -> &str {
        match self {
            Topic::Channel(channel) => channel.as_str(),
            Topic::Direct(user) => user.as_str(),
        }
    }
}

impl std::fmt::Display for Topic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

impl From<Topic> for TopicName {
    fn from(topic: Topic) -> Self {
        match topic {
            Topic::Channel(channel) => channel.into(),
            Topic::Direct(user) => user.into(),
        }
    }
}

/// Where a topic is begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// With up to so many of its latest messages, then everything.
    Latest(u32),
    /// With everything that history has.
    Beginning,
    /// With everything that follows this place, where an earlier session ended. If the epoch is another by now, that is said, and what
    /// follows this place in the new epoch is delivered, and [`limits::BACKLOG_MESSAGES`] of the latest at least.
    After {
        /// The epoch of the place.
        epoch: Epoch,
        /// The place.
        seq: u64,
    },
}

/// How a message came to the receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Via {
    /// Published just now.
    Live,
    /// Sent before the topic was joined, delivered because it was asked for.
    Backlog,
    /// Published, lost on its way, and fetched from history.
    Repair,
}

/// What whoever drives the receiver has to do, in this order.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Subscribe to this at the broker: a topic, or one of the system's that tells how far topics have come.
    Subscribe(String),
    /// Cancel the subscription.
    Unsubscribe(String),
    /// Ask the server to publish on this topic how far these have come (`sync`), and say how that went with
    /// [`Receiver::on_sync_taken`] or [`Receiver::on_sync_failed`] with the same ticket.
    Sync {
        /// Names this request.
        ticket: Ticket,
        /// Where to publish.
        on: SyncTopic,
        /// The topics.
        topics: Vec<TopicName>,
    },
    /// Ask the server for this part of the topic's history, acts as well, and give the answer to [`Receiver::on_page`] or
    /// [`Receiver::on_page_failed`] with the same ticket.
    Fetch {
        /// Whose history.
        topic: Topic,
        /// Names this request.
        ticket: Ticket,
        /// Which part.
        range: Range,
        /// At most so many messages.
        limit: u32,
    },
    /// The backlog was delivered, and from now on everything is.
    Joined(Topic),
    /// The topic's next message.
    Deliver {
        /// Where it belongs.
        topic: Topic,
        /// The message.
        publication: Publication,
        /// How it came.
        via: Via,
    },
    /// These places of the topic are kept nowhere any more.
    Missing {
        /// The topic.
        topic: Topic,
        /// The first place that is missing.
        first: u64,
        /// The last one.
        last: u64,
    },
    /// The topic's places were counted anew: what was acknowledged before may be gone.
    EpochChanged {
        /// The topic.
        topic: Topic,
        /// The epoch that holds from now on.
        epoch: Epoch,
    },
}

/// Names one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(u64);

/// What the receiver dropped and did, for whoever wants to know.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReceiverCounts {
    /// Publications whose topic only begins like a subscribed one.
    pub neighbours: u64,
    /// Publications that were there before.
    pub repeats: u64,
    /// Messages that were fetched because they had been lost on their way.
    pub repaired: u64,
    /// Publications dropped because too many were held; they are fetched later.
    pub overflowed: u64,
    /// Publications dropped because the server knows nothing of their place.
    pub unfounded: u64,
    /// Publications dropped because the server had not said that their epoch began.
    pub foreign: u64,
}

#[derive(Debug)]
struct Followed {
    topic: Topic,
    state: TopicState,
}

/// The state of all topics that one session follows.
#[derive(Debug)]
pub struct Receiver {
    topics: BTreeMap<String, Followed>,
    /// The topic's name of each request for history under way.
    fetches: BTreeMap<Ticket, String>,
    barrier: Barrier,
    pace: Pace,
    silence: Silence,
    next_ticket: u64,
    paused: bool,
    shared: Shared,
}

/// What all topics have in common.
#[derive(Debug)]
struct Shared {
    actions: VecDeque<Action>,
    counts: ReceiverCounts,
    random: StdRng,
    held_bytes: usize,
}

impl Shared {
    /// Tells a topic what happened. True if it wants a barrier.
    fn tell(&mut self, followed: &mut Followed, what: impl FnOnce(&mut TopicState, &mut Outlet<'_>)) -> bool {
        let Followed { topic, state } = followed;
        self.held_bytes -= state.held_bytes();
        let mut out = Outlet {
            topic,
            actions: &mut self.actions,
            counts: &mut self.counts,
            random: &mut self.random,
            held_bytes_max: limits::HELD_BYTES_MAX - self.held_bytes,
            barrier_wished: false,
        };
        what(state, &mut out);
        let barrier_wished = out.barrier_wished;
        self.held_bytes += state.held_bytes();
        barrier_wished
    }
}

impl Receiver {
    /// A receiver that follows nothing yet. Its pauses and one-time topics come from the seed: two sessions need different ones.
    pub fn new(seed: u64) -> Self {
        let shared = Shared {
            actions: VecDeque::new(),
            counts: ReceiverCounts::default(),
            random: StdRng::seed_from_u64(seed),
            held_bytes: 0,
        };
        Self {
            topics: BTreeMap::new(),
            fetches: BTreeMap::new(),
            barrier: Barrier::default(),
            pace: Pace::default(),
            silence: Silence::default(),
            next_ticket: 0,
            paused: false,
            shared,
        }
    }

    /// Begins to follow a topic. Publications are held until the page that says where the topic stands has come. False if it is
    /// followed already or [`limits::TOPICS_MAX`] are.
    pub fn join(&mut self, topic: Topic, start: Start, now: Instant) -> bool {
        let name = topic.as_str().to_owned();
        if !self.follow(topic, TopicState::joining(start, now)) {
            return false;
        }
        self.push(Action::Subscribe(format!("{HEADS_PREFIX}{name}")));
        self.want_barrier(&name, now);
        self.heard(now);
        self.do_what_is_due(now);
        true
    }

    /// Begins to follow a topic without ever asking for history: what is lost stays lost, and repeats are dropped still.
    pub fn join_unrepaired(&mut self, topic: Topic) -> bool {
        let joined = self.follow(topic.clone(), TopicState::unrepaired());
        if joined {
            self.push(Action::Joined(topic));
        }
        joined
    }

    /// Stops following a topic. False if it was not followed.
    pub fn leave(&mut self, topic: &Topic) -> bool {
        if !self.follows(topic) {
            return false;
        }
        let Some(Followed { state, .. }) = self.topics.remove(topic.as_str()) else { return false };
        self.shared.held_bytes -= state.held_bytes();
        self.fetches.retain(|_, of| of != topic.as_str());
        self.push(Action::Unsubscribe(topic.as_str().to_owned()));
        self.push(Action::Unsubscribe(format!("{ACTS_PREFIX}{topic}")));
        if state.hears_heads() {
            self.push(Action::Unsubscribe(format!("{HEADS_PREFIX}{topic}")));
        }
        self.barrier.forget(topic.as_str());
        if let Some(void) = self.barrier.take_void() {
            self.push(Action::Unsubscribe(void.to_string()));
        }
        true
    }

    /// How far a topic was delivered without a gap: the last place, and its epoch. None while it is being joined, and where nothing is repaired.
    pub fn place(&self, topic: &Topic) -> Option<(Epoch, u64)> {
        self.topics.get(topic.as_str()).filter(|followed| followed.topic == *topic)?.state.place()
    }

    /// Whether the topic is followed, joined or about to be.
    pub fn follows(&self, topic: &Topic) -> bool {
        self.topics.get(topic.as_str()).is_some_and(|followed| followed.topic == *topic)
    }

    /// All topics that are followed, in the order of their names.
    pub fn topics(&self) -> impl Iterator<Item = &Topic> {
        self.topics.values().map(|followed| &followed.topic)
    }

    /// What was dropped and repaired so far.
    pub fn counts(&self) -> ReceiverCounts {
        self.shared.counts
    }

    /// A publication arrived. Subscriptions match by prefix, so its whole topic is compared here.
    pub fn on_publication(&mut self, publication: Publication, now: Instant) {
        self.heard(now);
        let Some(followed) = self.topics.get_mut(publication.topic.as_str()) else {
            self.shared.counts.neighbours += 1;
            return;
        };
        // A publication alone never makes a topic join anew: history does.
        self.shared.tell(followed, |state, out| state.on_publication(publication, now, out));
    }

    /// The server said how far topics have come: the answer to a barrier's question, or a beacon.
    pub fn on_system(&mut self, publication: SystemPublication, now: Instant) {
        self.heard(now);
        let SystemPublication { topic, heads, epoch, .. } = publication;
        match topic {
            SystemTopic::Heads(name) => {
                let seq = heads.first().map(|(_, seq)| *seq);
                let (Some(followed), Some(seq)) = (self.topics.get_mut(name.as_str()), seq) else {
                    self.shared.counts.neighbours += 1;
                    return;
                };
                self.shared.tell(followed, |state, out| state.on_head(epoch, seq, now, out));
            }
            SystemTopic::Sync(topic) => {
                let Some(covers) = self.barrier.on_arrival(&topic) else {
                    self.shared.counts.neighbours += 1;
                    return;
                };
                self.push(Action::Unsubscribe(topic.to_string()));
                let heads: BTreeMap<&str, u64> =
                    heads.iter().map(|(name, seq)| (name.as_str(), *seq)).collect();
                for name in covers {
                    let head = heads.get(name.as_str()).map(|seq| (epoch, *seq));
                    if let Some(followed) = self.topics.get_mut(&name) {
                        self.shared.tell(followed, |state, out| state.on_barrier(head, now, out));
                    }
                }
            }
        }
        self.do_what_is_due(now);
    }

    /// The server took the barrier's question: its answer should arrive.
    pub fn on_sync_taken(&mut self, ticket: Ticket, now: Instant) {
        self.barrier.on_reply(ticket, now, &mut self.shared.random);
    }

    /// The barrier's question was not taken. `for_good`: the server knows none, and topics are announced without it; otherwise it
    /// is asked again after a pause.
    pub fn on_sync_failed(&mut self, ticket: Ticket, for_good: bool, now: Instant) {
        if !for_good {
            return self.on_sync_taken(ticket, now);
        }
        let Some((topic, covers)) = self.barrier.on_refused(ticket) else { return };
        self.push(Action::Unsubscribe(topic.to_string()));
        for name in covers {
            if let Some(followed) = self.topics.get_mut(&name) {
                self.shared.tell(followed, |state, out| state.on_barrier_refused(now, out));
            }
        }
        self.do_what_is_due(now);
    }

    /// The history asked for under this ticket arrived.
    pub fn on_page(&mut self, ticket: Ticket, page: HistoryPage, now: Instant) {
        self.on_answer(ticket, now, |state, out| state.on_page(page, now, out));
    }

    /// The history asked for under this ticket will not arrive. `for_good`: the server has none, so that asking again is of no use
    /// and the topic goes on without repair; otherwise it is asked for again after a pause.
    pub fn on_page_failed(&mut self, ticket: Ticket, for_good: bool, now: Instant) {
        self.on_answer(ticket, now, |state, out| state.on_page_failed(for_good, now, out));
    }

    /// The connections to brokers are not those that they were: one came, or one of several went. What was published meanwhile is
    /// found by a barrier for all topics.
    pub fn on_broker_change(&mut self, now: Instant) {
        self.barrier.begin_anew();
        self.want_barrier_for_all(now);
        self.do_what_is_due(now);
    }

    /// A connection to a server is there again: what failed is asked for without waiting longer.
    pub fn on_server_back(&mut self, now: Instant) {
        self.barrier.trust_again();
        for followed in self.topics.values_mut() {
            followed.state.retry_now(now);
        }
        self.do_what_is_due(now);
    }

    /// While whoever takes the messages is behind, no more of them are asked for, except what a topic begins with. Publications
    /// are still taken.
    pub fn pause(&mut self, paused: bool, now: Instant) {
        if std::mem::replace(&mut self.paused, paused) && !paused {
            self.do_what_is_due(now);
        }
    }

    /// When [`Receiver::on_timeout`] wants to be called, if at all. It may be past.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.waits_until().into_iter().chain(self.silence_ends_at()).min()
    }

    /// As [`Receiver::poll_timeout`], for what is missing or was asked for: none if all that is known to have been published is
    /// delivered and nothing but silence is left to end.
    pub fn waits_until(&self) -> Option<Instant> {
        let states = || self.topics.values().map(|followed| &followed.state);
        let announcement = states().filter_map(TopicState::announce_by).min();
        let fetch = states().filter_map(|state| self.fetch_due(state)).min();
        let fetch = fetch.filter(|_| self.fetches.len() < limits::REPAIRS_MAX);
        announcement.into_iter().chain(fetch).chain(self.barrier.poll_timeout()).min()
    }

    /// Time has passed.
    pub fn on_timeout(&mut self, now: Instant) {
        for followed in self.topics.values_mut() {
            if followed.state.announce_by().is_some_and(|by| by <= now) {
                self.shared.tell(followed, |state, out| state.on_timeout(now, out));
            }
        }
        if self.silence_ends_at().is_some_and(|end| end <= now) {
            self.heard(now);
            self.want_barrier_for_all(now);
        }
        self.do_what_is_due(now);
    }

    /// The next thing to do.
    pub fn next_action(&mut self) -> Option<Action> {
        self.shared.actions.pop_front()
    }

    fn push(&mut self, action: Action) {
        self.shared.actions.push_back(action);
    }

    fn follow(&mut self, topic: Topic, state: TopicState) -> bool {
        if self.topics.contains_key(topic.as_str()) || self.topics.len() >= limits::TOPICS_MAX {
            return false;
        }
        self.push(Action::Subscribe(topic.as_str().to_owned()));
        self.push(Action::Subscribe(format!("{ACTS_PREFIX}{topic}")));
        self.topics.insert(topic.as_str().to_owned(), Followed { topic, state });
        true
    }

    fn on_answer(
        &mut self,
        ticket: Ticket,
        now: Instant,
        what: impl FnOnce(&mut TopicState, &mut Outlet<'_>),
    ) {
        if let Some(name) = self.fetches.remove(&ticket)
            && let Some(followed) = self.topics.get_mut(&name)
            && self.shared.tell(followed, what)
        {
            self.want_barrier(&name, now);
        }
        self.do_what_is_due(now);
    }

    fn want_barrier(&mut self, name: &str, now: Instant) {
        let Some(followed) = self.topics.get_mut(name) else { return };
        if self.barrier.want(name, now) {
            followed.state.unsync();
        } else {
            self.shared.tell(followed, |state, out| state.on_barrier_refused(now, out));
        }
    }

    fn want_barrier_for_all(&mut self, now: Instant) {
        let names = self.topics.iter().filter(|(_, followed)| followed.state.is_repaired());
        for name in names.map(|(name, _)| name.clone()).collect::<Vec<_>>() {
            self.want_barrier(&name, now);
        }
    }

    fn heard(&mut self, now: Instant) {
        self.silence.broken(now, &mut self.shared.random);
    }

    /// When a barrier is to show whether silence is all that there was. Not while anything else is asked or due, and not if the server
    /// has none.
    fn silence_ends_at(&self) -> Option<Instant> {
        let is_at_rest = self.barrier.is_idle() && self.fetches.is_empty() && self.waits_until().is_none();
        let end = self.silence.ends_at().filter(|_| is_at_rest)?;
        self.topics.values().any(|followed| followed.state.is_repaired()).then_some(end)
    }

    /// When this topic's next question may be asked.
    fn fetch_due(&self, state: &TopicState) -> Option<Instant> {
        let due = state.due(self.paused)?;
        Some(if state.is_joining() { due } else { self.pace.not_before(due) })
    }

    fn do_what_is_due(&mut self, now: Instant) {
        self.ask_for_barrier(now);
        while self.fetches.len() < limits::REPAIRS_MAX {
            let due = self.topics.values().filter_map(|followed| {
                let at = self.fetch_due(&followed.state).filter(|at| *at <= now)?;
                Some((at, followed.topic.as_str()))
            });
            let Some(name) = due.min().map(|(_, name)| name.to_owned()) else { return };
            let Some(followed) = self.topics.get_mut(&name) else { return };
            let is_joining = followed.state.is_joining();
            let Some(Repair { range, limit }) = followed.state.take_due() else { continue };
            if !is_joining {
                self.pace.take(now);
            }
            let ticket = Ticket(self.next_ticket);
            self.next_ticket += 1;
            let topic = followed.topic.clone();
            self.fetches.insert(ticket, name);
            self.push(Action::Fetch { topic, ticket, range, limit });
        }
    }

    fn ask_for_barrier(&mut self, now: Instant) {
        let ticket = Ticket(self.next_ticket);
        let Some(asking) = self.barrier.take_due(ticket, now, &mut self.shared.random) else { return };
        self.next_ticket += 1;
        let Asking { unsubscribe, subscribe, topic: on, covers } = asking;
        if let Some(former) = unsubscribe {
            self.push(Action::Unsubscribe(former.to_string()));
        }
        if let Some(topic) = subscribe {
            self.push(Action::Subscribe(topic.to_string()));
        }
        let topics = covers.iter().filter_map(|name| self.topics.get(name));
        let topics = topics.map(|followed| followed.topic.clone().into()).collect();
        self.push(Action::Sync { ticket, on, topics });
    }
}
