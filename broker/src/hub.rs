//! The broker's state and rules, sans I/O: who is connected, who subscribes to what, what publishers are to be told, and (in
//! [`delivery`](crate::delivery)) which messages go to whom. Knows nothing of sockets, tasks or the clock; it never looks
//! into a message beyond its first frame.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use recado_zmtp::codec::{Subscription, Version};
use thiserror::Error;

use crate::chunk::Loans;
use crate::counters::Counters;
use crate::guarded::Guard;
use crate::last_values::LastValues;
use crate::limits::{
    CROWDED_QUEUE_BYTES_MIN, FORGET_TURN, GREETING_TURN, HOLD_BYTES, HOLD_MARK_PART, LEAVING_PART, Limits,
    PUBLISHER_PENDING_BYTES_MAX, PUBLISHER_PENDING_BYTES_MIN, PUBLISHERS_PENDING_BYTES_MAX,
    REMEMBERED_SUBSCRIBERS_MAX, SUBSCRIPTION_BYTES,
};
use crate::matches::Matches;
use crate::neighbours::Neighbours;
use crate::pace::{Pace, Standing};
use crate::queue::{Admission, Marks, Queue};
use crate::share::Shares;
use crate::slab::Slab;
use crate::trie::{Inserted, Removed, SubscriberId, TopicId, Trie};
use crate::upstream::{Change, Upstream};

/// A publisher, by its number; used again when it has gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublisherId(pub u32);

/// Why a subscription ends its connection. The subscriber's fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SubscriptionError {
    /// Over [`Limits::topic_bytes_max`].
    #[error("a topic of {0} bytes")]
    TopicTooLong(usize),
    /// Over [`Limits::subscriptions_max`].
    #[error("more than {0} subscriptions")]
    TooMany(usize),
    /// All together are over [`Limits::subscription_bytes_total_max`], and this subscriber has most of them.
    #[error("all subscriptions together pass {0} bytes, and this subscriber has most of them")]
    MemoryFull(usize),
    /// Over [`GateLimits::questions_per_key_max`](crate::limits::GateLimits::questions_per_key_max).
    #[error("more than {0} topics for one key")]
    TooManyOfKey(usize),
    /// Over [`GateLimits::questions_max`](crate::limits::GateLimits::questions_max), and all of them are needed.
    #[error("servers are asked {0} questions, and all are needed")]
    QuestionsFull(usize),
}

/// All connections and subscriptions.
#[derive(Debug)]
pub struct Hub {
    pub(crate) limits: Limits,
    pub(crate) counters: Arc<Counters>,
    pub(crate) trie: Trie,
    pub(crate) matches: Matches,
    pub(crate) pace: Pace,
    pub(crate) subscribers: Slab<Subscriber>,
    pub(crate) shares: Shares,
    pub(crate) last_values: Option<LastValues>,
    /// Last values looked at since [`Hub::is_greeting_turn_over`] was last true.
    greeting_visits: usize,
    /// What each subscriber gets first, as it is on the wire; perhaps nothing.
    welcome: Bytes,
    /// Held by all queues together, but for what they share.
    pub(crate) own_bytes: usize,
    loans: Loans,
    pub(crate) neighbours: Neighbours,
    /// In a secured broker.
    pub(crate) guard: Option<Guard>,
    publishers: Slab<Publisher>,
    subscriptions: usize,
    subscription_bytes: usize,
    /// The part of them whose subscribers leave, to be ended soon.
    leaving_bytes: usize,
    /// Subscribers to be disconnected, as they have most of too many subscriptions.
    to_evict: Vec<SubscriberId>,
    /// Of changed subscriptions that wait for publishers to be told.
    pending_bytes: usize,
    /// Publishers that had nothing to be told, and now have.
    to_tell: Vec<PublisherId>,
    topic: Vec<u8>,
}

#[derive(Debug, Default)]
pub(crate) struct Subscriber {
    pub(crate) queue: Queue,
    pub(crate) standing: Standing,
    /// Its share of the chunk under way: its first and its last link.
    pub(crate) share: Option<(u32, u32)>,
    /// Its connection has ended or is to end: it gets nothing more.
    pub(crate) leaving: bool,
    topics: BTreeSet<TopicId>,
    subscription_bytes: usize,
    /// Its subscriptions are counted as those of one who leaves.
    written_off: bool,
}

#[derive(Debug)]
struct Publisher {
    upstream: Upstream,
    to_tell: bool,
    /// It reads so little of what it is told that it is to be disconnected.
    deaf: bool,
}

impl Hub {
    /// Nobody is connected.
    pub fn new(limits: Limits, counters: Arc<Counters>) -> Hub {
        Hub {
            last_values: limits.last_value_bytes_max.map(LastValues::new),
            welcome: Bytes::new(),
            greeting_visits: 0,
            limits,
            counters,
            trie: Trie::new(),
            matches: Matches::new(REMEMBERED_SUBSCRIBERS_MAX),
            pace: Pace::new(),
            subscribers: Slab::new(),
            shares: Shares::default(),
            own_bytes: 0,
            loans: Loans::default(),
            neighbours: Neighbours::none(),
            guard: None,
            publishers: Slab::new(),
            subscriptions: 0,
            subscription_bytes: 0,
            leaving_bytes: 0,
            to_evict: Vec::new(),
            pending_bytes: 0,
            to_tell: Vec::new(),
            topic: Vec::new(),
        }
    }

    /// The same, and every subscriber gets this message first, whatever it subscribes to (libzmq's `ZMQ_XPUB_WELCOME_MSG`).
    /// `message` is as it is on the wire.
    pub fn with_welcome(self, message: Bytes) -> Hub {
        Hub { welcome: message, ..self }
    }

    /// A subscriber has connected; it subscribes to nothing yet.
    pub fn add_subscriber(&mut self) -> SubscriberId {
        let id = SubscriberId(self.subscribers.insert(Subscriber::default()));
        self.count_subscribers();
        if !self.welcome.is_empty() {
            let welcome = self.welcome.clone();
            self.greet(id, &welcome);
        }
        id
    }

    /// Subscribes; to a topic that the subscriber has already, this changes nothing.
    pub fn subscribe(&mut self, id: SubscriberId, topic: &[u8]) -> Result<(), SubscriptionError> {
        let limits = &self.limits;
        let Some(subscriber) = self.subscribers.find_mut(id.0).filter(|it| !it.leaving) else {
            return Ok(());
        };
        if topic.len() > limits.topic_bytes_max {
            return Err(SubscriptionError::TopicTooLong(topic.len()));
        }
        if self.trie.exactly(topic).is_some_and(|topic| subscriber.topics.contains(&topic)) {
            return Ok(());
        }
        if subscriber.topics.len() >= limits.subscriptions_max {
            return Err(SubscriptionError::TooMany(limits.subscriptions_max));
        }
        let bytes = SUBSCRIPTION_BYTES + topic.len();
        self.make_room(id, bytes)?;
        let greets = self.last_values.is_some() && self.trie.lengths_of(topic, id).next().is_none();
        let Some(subscriber) = self.subscribers.find_mut(id.0) else { return Ok(()) };
        let (topic_id, first) = match self.trie.insert(topic, id) {
            Inserted::First(topic_id) => (topic_id, true),
            Inserted::Another(topic_id) => (topic_id, false),
            Inserted::Already => return Ok(()),
        };
        subscriber.topics.insert(topic_id);
        subscriber.subscription_bytes += bytes;
        self.subscriptions += 1;
        self.subscription_bytes += bytes;
        if first {
            self.tell(topic, true);
        }
        self.begun(topic_id, topic);
        if greets {
            self.greet_with_last_values(id, topic);
        }
        self.count_subscriptions();
        Ok(())
    }

    /// Cancels a subscription; one that the subscriber does not have is ignored.
    pub fn cancel(&mut self, id: SubscriberId, topic: &[u8]) {
        let Some(topic_id) = self.trie.exactly(topic) else { return };
        let Some(subscriber) = self.subscribers.find_mut(id.0) else { return };
        if subscriber.topics.remove(&topic_id) {
            self.end_subscription(topic_id, id);
            self.count_subscriptions();
        }
    }

    /// Does what the subscription says.
    pub fn apply(
        &mut self,
        id: SubscriberId,
        subscription: Subscription<'_>,
    ) -> Result<(), SubscriptionError> {
        match subscription {
            Subscription::Subscribe(topic) => self.subscribe(id, topic),
            Subscription::Cancel(topic) => {
                self.cancel(id, topic);
                Ok(())
            }
        }
    }

    /// A subscriber's connection has ended: nothing more is queued for it, and what waits is dropped.
    pub fn subscriber_left(&mut self, id: SubscriberId) {
        let Some(subscriber) = self.subscribers.find_mut(id.0) else { return };
        subscriber.leaving = true;
        self.own_bytes -= subscriber.queue.own();
        self.pace.left(&mut subscriber.standing);
        let dropped = subscriber.queue.clear();
        let left = subscriber.standing.left();
        self.write_off(id);
        self.guard_leaving(id);
        self.counters.dropped_gone.add(dropped);
        self.counters.slow_subscribers.subtract(u64::from(left));
        self.count_queued();
    }

    /// Subscribers to be disconnected since this was last asked: they hold most of too many subscriptions.
    pub fn take_evicted(&mut self) -> impl Iterator<Item = SubscriberId> + '_ {
        self.to_evict.drain(..)
    }

    /// Ends some subscriptions of a subscriber that has left, and tells whether that were the last: then its number is
    /// free. Call it again until then, with other work in between.
    pub fn forget_subscriber(&mut self, id: SubscriberId) -> bool {
        if !self.guard_forgets(id) {
            return false;
        }
        for _ in 0..FORGET_TURN {
            let Some(subscriber) = self.subscribers.find_mut(id.0) else { return true };
            let Some(topic_id) = subscriber.topics.pop_first() else {
                debug_assert_eq!(subscriber.subscription_bytes, 0);
                self.subscribers.remove(id.0);
                break;
            };
            self.end_subscription(topic_id, id);
        }
        self.count_subscribers();
        self.count_subscriptions();
        self.subscribers.find(id.0).is_none()
    }

    /// A publisher has connected. It is told of all current subscriptions; where last values are kept, that all is wanted.
    pub fn add_publisher(&mut self) -> PublisherId {
        let upstream = if self.last_values.is_some() { Upstream::of_all() } else { Upstream::new() };
        self.pending_bytes += upstream.pending_bytes();
        let id = PublisherId(self.publishers.insert(Publisher { upstream, to_tell: true, deaf: false }));
        self.counters.publishers.set(self.publishers.len() as u64);
        id
    }

    /// A publisher's connection has ended.
    pub fn publisher_left(&mut self, id: PublisherId) {
        if let Some(publisher) = self.publishers.remove(id.0) {
            self.pending_bytes -= publisher.upstream.pending_bytes();
        }
        self.counters.publishers.set(self.publishers.len() as u64);
    }

    /// Publishers that have something to be told since they were last told all, or are to be disconnected.
    pub fn take_publishers_to_tell(&mut self) -> impl Iterator<Item = PublisherId> + '_ {
        self.to_tell.drain(..)
    }

    /// Appends to `output` what the publisher is to be told, in the form of its version, until `output` holds `bytes` or there
    /// is no more. True when there is no more.
    pub fn tell_publisher(
        &mut self,
        id: PublisherId,
        version: Version,
        output: &mut BytesMut,
        bytes: usize,
    ) -> bool {
        let Some(publisher) = self.publishers.find_mut(id.0) else { return true };
        while output.len() < bytes {
            let before = publisher.upstream.pending_bytes();
            let Some(change) = publisher.upstream.next(&self.trie, &mut self.topic) else {
                publisher.to_tell = false;
                return true;
            };
            self.pending_bytes -= before - publisher.upstream.pending_bytes();
            let subscription = match change {
                Change::Subscribe => Subscription::Subscribe(&self.topic),
                Change::Cancel => Subscription::Cancel(&self.topic),
            };
            subscription.encode(version, output);
        }
        false
    }

    /// Whether the publisher reads so little of what it is told that it is to be disconnected.
    pub fn is_publisher_deaf(&self, id: PublisherId) -> bool {
        self.publishers.find(id.0).is_some_and(|publisher| publisher.deaf)
    }

    /// Appends a command behind the messages that wait for a subscriber; false if it has left.
    pub fn queue_command(&mut self, id: SubscriberId, command: &[u8]) -> bool {
        let Some(subscriber) = self.subscribers.find_mut(id.0).filter(|subscriber| !subscriber.leaving)
        else {
            return false;
        };
        let before = subscriber.queue.own();
        subscriber.queue.push_copied(command, 0);
        self.own_bytes = self.own_bytes + subscriber.queue.own() - before;
        true
    }

    /// Bytes charged to a subscriber's queue, and whether anything waits there.
    pub fn queued(&self, id: SubscriberId) -> (usize, bool) {
        self.subscribers.find(id.0).map_or((0, false), |it| (it.queue.charged(), !it.queue.is_empty()))
    }

    /// Drops what waits for all subscribers, and counts it.
    pub fn give_up(&mut self) {
        let all = self.subscribers.iter().map(|(number, _)| SubscriberId(number));
        let all: Vec<SubscriberId> = all.skip(self.reserved()).collect();
        for id in all {
            self.subscriber_left(id);
        }
    }

    /// The subscriptions that there are.
    pub fn trie(&self) -> &Trie {
        &self.trie
    }

    /// Where the memory that queues share is counted.
    pub fn loans(&self) -> &Loans {
        &self.loans
    }

    /// The marks that hold for a queue now.
    pub(crate) fn marks(&self) -> Marks {
        let limits = &self.limits;
        let bytes = if self.held_bytes() > limits.queue_bytes_total_max {
            let share = limits.queue_bytes_total_max / 2 / self.subscribers_now().max(1);
            share.max(CROWDED_QUEUE_BYTES_MIN).min(limits.queue_bytes_max)
        } else {
            limits.queue_bytes_max
        };
        Marks { messages: limits.queue_messages_max, bytes }
    }

    /// The bytes beyond which a subscriber with these marks is behind.
    pub(crate) fn hold_bytes(marks: Marks) -> usize {
        HOLD_BYTES.min(marks.bytes / HOLD_MARK_PART)
    }

    pub(crate) fn count_queued(&self) {
        self.counters.queued_bytes.set(self.held_bytes() as u64);
    }

    pub(crate) fn held_bytes(&self) -> usize {
        self.own_bytes + self.loans.lent_bytes()
    }

    /// Notes that a publisher begins to wait for subscribers.
    pub fn wait_begins(&mut self, now: Instant) {
        self.pace.wait_begins(now, self.neighbours.elsewhere());
        self.counters.waits.add(1);
    }

    /// A publisher has waited for these subscribers from `since` until `now`; leaves those that it is to wait for still.
    pub fn waited(&mut self, waiting_for: &mut Vec<SubscriberId>, since: Instant, now: Instant) {
        let mut probations = 0;
        for id in waiting_for.iter() {
            if let Some(subscriber) = self.subscribers.find_mut(id.0).filter(|it| !it.leaving) {
                probations += u64::from(self.pace.waited(&mut subscriber.standing, since, now));
            }
        }
        let elsewhere = self.neighbours.elsewhere();
        let all = self.subscribers.iter_mut().map(|(_, it)| &mut it.standing);
        probations += self.pace.judge(now, elsewhere, all);
        self.show();
        self.counters.probations.add(probations);
        waiting_for.retain(|id| {
            self.subscribers.find(id.0).is_some_and(|it| !it.leaving && it.standing.is_waited_for())
        });
    }

    /// The newest message of each topic that matches a subscriber's new subscription and none that it had before.
    fn greet_with_last_values(&mut self, id: SubscriberId, prefix: &[u8]) {
        let Some(last_values) = self.last_values.take() else { return };
        for (topic, message) in last_values.matching(prefix) {
            self.greeting_visits += 1;
            if self.trie.lengths_of(topic, id).all(|length| length <= prefix.len()) {
                self.greet(id, message);
            }
        }
        self.last_values = Some(last_values);
    }

    /// Whether so many last values were looked at that others should have their turn; then it begins anew.
    pub(crate) fn is_greeting_turn_over(&mut self) -> bool {
        let over = self.greeting_visits >= GREETING_TURN;
        if over {
            self.greeting_visits = 0;
        }
        over
    }

    /// Queues a message for one who came late, as far as its marks allow.
    fn greet(&mut self, id: SubscriberId, message: &[u8]) {
        let marks = self.marks();
        let Some(subscriber) = self.subscribers.find_mut(id.0).filter(|it| !it.leaving) else { return };
        let queue = &mut subscriber.queue;
        if queue.admit(marks, 1, message.len()) != Admission::All && !queue.is_empty() {
            queue.refuse();
            self.counters.dropped_slow.add(1);
            return;
        }
        let before = queue.own();
        queue.push_copied(message, 1);
        self.own_bytes = self.own_bytes + queue.own() - before;
        self.counters.greetings.add(1);
    }

    /// Sees that there is room for so many more bytes of subscriptions: who has most of them has to go.
    fn make_room(&mut self, id: SubscriberId, bytes: usize) -> Result<(), SubscriptionError> {
        let max = self.limits.subscription_bytes_total_max;
        let full = SubscriptionError::MemoryFull(max);
        if self.subscription_bytes + bytes > max + max / LEAVING_PART {
            // Those who have to go are not gone yet.
            return Err(full);
        }
        if self.subscription_bytes - self.leaving_bytes + bytes <= max {
            return Ok(());
        }
        let held = |subscriber: &Subscriber, more| subscriber.subscription_bytes + more;
        let staying = self.subscribers.iter().filter(|(_, it)| !it.written_off);
        let largest = staying.max_by_key(|&(number, it)| held(it, if number == id.0 { bytes } else { 0 }));
        let largest =
            largest.map(|(number, _)| SubscriberId(number)).filter(|&largest| largest != id).ok_or(full)?;
        if let Some(subscriber) = self.subscribers.find_mut(largest.0) {
            subscriber.leaving = true;
        }
        self.write_off(largest);
        self.to_evict.push(largest);
        Ok(())
    }

    /// Counts a subscriber's subscriptions as those of one who leaves.
    fn write_off(&mut self, id: SubscriberId) {
        if let Some(subscriber) = self.subscribers.find_mut(id.0).filter(|it| !it.written_off) {
            subscriber.written_off = true;
            self.leaving_bytes += subscriber.subscription_bytes;
        }
    }

    fn end_subscription(&mut self, topic_id: TopicId, id: SubscriberId) {
        self.trie.topic(topic_id, &mut self.topic);
        let bytes = SUBSCRIPTION_BYTES + self.topic.len();
        self.subscriptions -= 1;
        self.subscription_bytes -= bytes;
        if let Some(subscriber) = self.subscribers.find_mut(id.0) {
            subscriber.subscription_bytes -= bytes;
            self.leaving_bytes -= if subscriber.written_off { bytes } else { 0 };
        }
        let topic = std::mem::take(&mut self.topic);
        let removed = self.trie.remove_at(topic_id, id);
        if let Removed::Last(_) = removed {
            self.tell(&topic, false);
        }
        self.ceased(removed, &topic);
        self.topic = topic;
    }

    pub(crate) fn tell(&mut self, topic: &[u8], subscribed: bool) {
        if self.last_values.is_none() {
            self.tell_all(|upstream| upstream.changed(topic, subscribed));
        }
    }

    pub(crate) fn tell_all(&mut self, change: impl Fn(&mut Upstream)) {
        for (number, publisher) in self.publishers.iter_mut().filter(|(_, publisher)| !publisher.deaf) {
            let before = publisher.upstream.pending_bytes();
            change(&mut publisher.upstream);
            let pending = publisher.upstream.pending_bytes();
            self.pending_bytes = self.pending_bytes + pending - before;
            let crowded = self.pending_bytes > PUBLISHERS_PENDING_BYTES_MAX / self.neighbours.workers();
            publisher.deaf =
                pending > if crowded { PUBLISHER_PENDING_BYTES_MIN } else { PUBLISHER_PENDING_BYTES_MAX };
            if !publisher.to_tell || publisher.deaf {
                publisher.to_tell = true;
                self.to_tell.push(PublisherId(number));
            }
        }
    }

    /// How many numbers of subscribers stand for something else.
    fn reserved(&self) -> usize {
        self.neighbours.reserved() + usize::from(self.guard.is_some())
    }

    /// Subscribers, those that leave included.
    fn subscribers_now(&self) -> usize {
        self.subscribers.len() - self.reserved()
    }

    fn count_subscribers(&self) {
        self.counters.subscribers.set(self.subscribers_now() as u64);
    }

    pub(crate) fn count_subscriptions(&self) {
        self.counters.subscriptions.set(self.subscriptions as u64);
        self.counters.subscription_bytes.set(self.subscription_bytes as u64);
        if self.neighbours.counts_for_all() {
            self.counters.topics.set(self.trie.topics() as u64);
        }
    }
}

#[cfg(test)]
#[path = "hub_tests.rs"]
mod tests;
