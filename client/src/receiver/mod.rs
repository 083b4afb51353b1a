//! Puts publications in order, drops repeats and asks for what is missing. It has no sockets and no clock: publications,
//! pages of history and times go in, [`Action`]s come out; whoever drives it performs them.

#[cfg(test)]
mod tests;
mod topic;

use std::collections::{BTreeMap, VecDeque};
use std::time::Instant;

use recado_proto::{ChannelName, Epoch, HistoryPage, Place, Publication, Range, UserName};

use crate::limits;

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

/// How a message came to the receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Via {
    /// Published just now.
    Live,
    /// Sent before the topic was joined, shown because it was asked for.
    Backlog,
    /// Published, lost on its way, and fetched from history.
    Repair,
}

/// What whoever drives the receiver has to do, in this order.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Subscribe to the topic at the broker.
    Subscribe(Topic),
    /// Cancel the subscription.
    Unsubscribe(Topic),
    /// Ask the server for this part of the topic's history, and give the answer to [`Receiver::on_page`] or
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
    /// Everything up to now was seen: the topic is live.
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

/// Names one request for history.
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
}

#[derive(Debug)]
struct Followed {
    topic: Topic,
    state: TopicState,
}

/// The state of all topics that one session follows.
#[derive(Debug, Default)]
pub struct Receiver {
    topics: BTreeMap<String, Followed>,
    /// The topic's name of each request under way.
    fetches: BTreeMap<Ticket, String>,
    actions: VecDeque<Action>,
    next_ticket: u64,
    paused: bool,
    counts: ReceiverCounts,
}

impl Receiver {
    /// A receiver that follows nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Begins to follow a topic, with up to `backlog` of its latest messages first. Publications are held until the page
    /// that says where the topic stands has come. False if it is followed already or [`limits::TOPICS_MAX`] are.
    pub fn join(&mut self, topic: Topic, backlog: u32, now: Instant) -> bool {
        let joined = self.follow(topic, TopicState::joining(backlog, now));
        self.fetch_what_is_due(now);
        joined
    }

    /// Begins to follow a topic without ever asking for history: what is lost stays lost, and repeats are dropped still.
    pub fn join_unrepaired(&mut self, topic: Topic) -> bool {
        let joined = self.follow(topic.clone(), TopicState::unrepaired());
        if joined {
            self.actions.push_back(Action::Joined(topic));
        }
        joined
    }

    /// Stops following a topic. False if it was not followed.
    pub fn leave(&mut self, topic: &Topic) -> bool {
        let left = self.follows(topic) && self.topics.remove(topic.as_str()).is_some();
        if left {
            self.fetches.retain(|_, of| of != topic.as_str());
            self.actions.push_back(Action::Unsubscribe(topic.clone()));
        }
        left
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
        self.counts
    }

    /// A publication arrived. Subscriptions match by prefix, so its whole topic is compared here.
    pub fn on_publication(&mut self, publication: Publication, now: Instant) {
        let Some(followed) = self.topics.get_mut(publication.topic.as_str()) else {
            self.counts.neighbours += 1;
            return;
        };
        let mut out = Outlet { topic: &followed.topic, actions: &mut self.actions, counts: &mut self.counts };
        followed.state.on_publication(publication, now, &mut out);
    }

    /// The history asked for under this ticket arrived.
    pub fn on_page(&mut self, ticket: Ticket, page: HistoryPage, now: Instant) {
        self.on_answer(ticket, now, |state, out| state.on_page(page, now, out));
    }

    /// The history asked for under this ticket will not arrive. `for_good`: the server does not have it, so that asking
    /// again is of no use; otherwise it is asked for again after a pause.
    pub fn on_page_failed(&mut self, ticket: Ticket, for_good: bool, now: Instant) {
        self.on_answer(ticket, now, |state, out| state.on_page_failed(for_good, now, out));
    }

    /// A connection to a broker is there again: whatever was published meanwhile is to be fetched.
    pub fn on_broker_back(&mut self, now: Instant) {
        for followed in self.topics.values_mut() {
            followed.state.check_tail(now);
        }
        self.fetch_what_is_due(now);
    }

    /// A connection to a server is there again: what failed is asked for without waiting longer.
    pub fn on_server_back(&mut self, now: Instant) {
        for followed in self.topics.values_mut() {
            followed.state.retry_now(now);
        }
        self.fetch_what_is_due(now);
    }

    /// While whoever takes the messages is behind, no more of them are asked for, except what a topic begins with. Publications
    /// are still taken.
    pub fn pause(&mut self, paused: bool, now: Instant) {
        if std::mem::replace(&mut self.paused, paused) && !paused {
            self.fetch_what_is_due(now);
        }
    }

    /// When [`Receiver::on_timeout`] wants to be called, if at all.
    pub fn poll_timeout(&self) -> Option<Instant> {
        if self.fetches.len() >= limits::REPAIRS_MAX {
            return None;
        }
        self.topics.values().filter_map(|followed| followed.state.due(self.paused)).min()
    }

    /// Time has passed.
    pub fn on_timeout(&mut self, now: Instant) {
        self.fetch_what_is_due(now);
    }

    /// The next thing to do.
    pub fn next_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    fn follow(&mut self, topic: Topic, state: TopicState) -> bool {
        if self.topics.contains_key(topic.as_str()) || self.topics.len() >= limits::TOPICS_MAX {
            return false;
        }
        self.actions.push_back(Action::Subscribe(topic.clone()));
        self.topics.insert(topic.as_str().to_owned(), Followed { topic, state });
        true
    }

    fn on_answer(
        &mut self,
        ticket: Ticket,
        now: Instant,
        tell: impl FnOnce(&mut TopicState, &mut Outlet<'_>),
    ) {
        if let Some(name) = self.fetches.remove(&ticket)
            && let Some(followed) = self.topics.get_mut(&name)
        {
            let mut out =
                Outlet { topic: &followed.topic, actions: &mut self.actions, counts: &mut self.counts };
            tell(&mut followed.state, &mut out);
        }
        self.fetch_what_is_due(now);
    }

    fn fetch_what_is_due(&mut self, now: Instant) {
        for (name, followed) in &mut self.topics {
            if self.fetches.len() >= limits::REPAIRS_MAX {
                return;
            }
            let Some(Repair { range, limit }) = followed.state.take_due(now, self.paused) else { continue };
            let ticket = Ticket(self.next_ticket);
            self.next_ticket += 1;
            self.fetches.insert(ticket, name.clone());
            self.actions.push_back(Action::Fetch { topic: followed.topic.clone(), ticket, range, limit });
        }
    }
}

/// Where one topic's state puts what it wants done.
pub(crate) struct Outlet<'a> {
    topic: &'a Topic,
    actions: &'a mut VecDeque<Action>,
    counts: &'a mut ReceiverCounts,
}

impl Outlet<'_> {
    fn deliver(&mut self, publication: Publication, via: Via) {
        if via == Via::Repair {
            self.counts.repaired += 1;
        }
        self.actions.push_back(Action::Deliver { topic: self.topic.clone(), publication, via });
    }

    fn joined(&mut self) {
        self.actions.push_back(Action::Joined(self.topic.clone()));
    }

    fn missing(&mut self, first: u64, last: u64) {
        self.actions.push_back(Action::Missing { topic: self.topic.clone(), first, last });
    }

    fn epoch_changed(&mut self, epoch: Epoch) {
        self.actions.push_back(Action::EpochChanged { topic: self.topic.clone(), epoch });
    }

    fn repeat(&mut self) {
        self.counts.repeats += 1;
    }

    fn overflowed(&mut self) {
        self.counts.overflowed += 1;
    }

    fn unfounded(&mut self, publications: usize) {
        self.counts.unfounded += publications as u64;
    }
}

fn after(seq: u64) -> Range {
    Range::After(Place::Seq(seq))
}
