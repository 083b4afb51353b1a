//! The gate of a secured broker: whose key may come in, and which topics it may subscribe to. It has servers asked, remembers what they
//! answered, and what was refused, in case that changes. Rules alone: it knows nothing of sockets, of the clock, or of how questions travel.
//!
//! Nothing is granted that was not answered with yes. An answer holds until another comes, whatever happens to servers meanwhile; of
//! several servers' answers the latest counts. A question stays asked for as long as somebody needs it, and a little longer if the answer was yes.

pub(crate) mod question;

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::mem::take;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use recado_zmtp::curve::PublicKey;

use crate::counters::Counters;
use crate::hub::SubscriptionError;
use crate::limits::{ANSWER_WAIT_MS, FORGET_TURN, GATE_TURN, GateLimits, LINGERING_MS};
use crate::slab::Slab;
use crate::trie::SubscriberId;
use question::Answer;

/// Somebody who waits for an answer, and keeps the question asked until it waits no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WaiterId(u32);

/// What the gate wants done, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Ask this question, and go on hearing what is answered.
    Ask(Rc<[u8]>),
    /// The question is of no interest any more.
    Cancel(Rc<[u8]>),
    /// The subscription that the question is about takes effect.
    Grant(SubscriberId, Rc<[u8]>),
    /// It ends.
    Revoke(SubscriberId, Rc<[u8]>),
    /// The connection's key is nobody's any more: close it.
    Close(SubscriberId),
    /// A waiter's answer.
    Answer(WaiterId, bool),
}

type QuestionId = u32;

#[derive(Debug)]
struct Question {
    name: Rc<[u8]>,
    key: PublicKey,
    answer: Option<bool>,
    user: Box<str>,
    waiters: BTreeSet<WaiterId>,
    /// The connections with this key, or those of them that want this topic.
    subscribers: BTreeSet<SubscriberId>,
    /// Its place among those that nobody needs.
    lingers: Option<u64>,
}

#[derive(Debug)]
struct Waiter {
    question: QuestionId,
    answered: bool,
}

#[derive(Debug)]
struct Connection {
    key: PublicKey,
    /// None where the key was not known when it came.
    question: Option<QuestionId>,
    wishes: BTreeMap<QuestionId, Wish>,
    /// Those that are held back, in the order in which they came.
    held_back: BTreeMap<u64, QuestionId>,
    /// It is to end: nothing is granted any more.
    closed: bool,
}

/// A topic that a connection wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wish {
    /// Its answer has not come, or that of one before it.
    HeldBack(u64),
    /// It has not taken effect, or no longer has, and may yet.
    Refused,
    /// The connection hears the topic.
    Effective,
}

#[derive(Clone, Copy)]
enum Holder {
    Waiter(WaiterId),
    Subscriber(SubscriberId),
}

/// All questions, and who needs them.
#[derive(Debug)]
pub struct Gate {
    limits: GateLimits,
    counters: Arc<Counters>,
    /// As of the last [`Gate::tick`].
    now: Instant,
    questions: Slab<Question>,
    by_name: HashMap<Rc<[u8]>, QuestionId>,
    /// How many topics somebody needs to know of each key.
    needed: BTreeMap<PublicKey, usize>,
    /// Questions that nobody needs, the longest first.
    lingering: BTreeMap<u64, (Instant, QuestionId)>,
    waiters: Slab<Waiter>,
    unanswered: usize,
    connections: BTreeMap<SubscriberId, Connection>,
    /// Wishes of all connections that are held back, in the order in which they came.
    held_back: BTreeMap<u64, (Instant, SubscriberId)>,
    next_order: u64,
    effects: VecDeque<Effect>,
}

const HELD: &str = "a question is kept for as long as it is held";
const CONNECTED: &str = "only connections that are there hold questions";

impl Gate {
    /// Nobody is there, and nothing is known.
    pub fn new(limits: GateLimits, counters: Arc<Counters>, now: Instant) -> Gate {
        Gate {
            limits,
            counters,
            now,
            questions: Slab::new(),
            by_name: HashMap::new(),
            needed: BTreeMap::new(),
            lingering: BTreeMap::new(),
            waiters: Slab::new(),
            unanswered: 0,
            connections: BTreeMap::new(),
            held_back: BTreeMap::new(),
            next_order: 0,
            effects: VecDeque::new(),
        }
    }

    /// Takes the next thing to do. To be called after each of the others, until there is nothing.
    pub fn next_effect(&mut self) -> Option<Effect> {
        self.effects.pop_front()
    }

    /// Somebody waits to hear whose key it is, or whether it may subscribe to a topic; the answer comes as an effect, perhaps at once.
    /// `None` when too many wait, or too much is asked: then it is to be refused.
    pub fn wait(&mut self, key: &PublicKey, topic: Option<&[u8]>) -> Option<WaiterId> {
        let name = match topic {
            None => question::of_key(key),
            Some(topic) => question::of_topic(key, topic),
        };
        let known = self.find(&name).and_then(|id| self.question(id).answer);
        if known.is_none() && self.unanswered >= self.limits.waiters_max {
            return None;
        }
        let question = self.open(name, key).ok()?;
        let waiter = WaiterId(self.waiters.insert(Waiter { question, answered: known.is_some() }));
        self.hold(question, Holder::Waiter(waiter));
        match known {
            Some(granted) => self.effects.push_back(Effect::Answer(waiter, granted)),
            None => self.unanswered += 1,
        }
        Some(waiter)
    }

    /// It waits no more, whether it has had its answer or not.
    pub fn stop_waiting(&mut self, id: WaiterId) {
        if let Some(waiter) = self.waiters.remove(id.0) {
            self.unanswered -= usize::from(!waiter.answered);
            self.release(waiter.question, Holder::Waiter(id));
        }
    }

    /// A subscriber with this key has connected. If the key is nobody's by now, it is closed at once.
    pub fn connected(&mut self, id: SubscriberId, key: &PublicKey) {
        let question = self.find(&question::of_key(key));
        let welcome = question.is_some_and(|id| self.question(id).answer == Some(true));
        if let Some(question) = question {
            self.hold(question, Holder::Subscriber(id));
        }
        let connection = Connection {
            key: *key,
            question,
            wishes: BTreeMap::new(),
            held_back: BTreeMap::new(),
            closed: false,
        };
        self.connections.insert(id, connection);
        if !welcome {
            self.close(id);
        }
    }

    /// Whose key it is, as far as somebody has asked and was told.
    pub fn user(&self, key: &PublicKey) -> Option<&str> {
        self.find(&question::of_key(key)).map(|id| &*self.question(id).user)
    }

    /// A connection wants a topic. It takes effect when it is granted, and when those before it have been answered.
    pub fn wants(&mut self, id: SubscriberId, topic: &[u8]) -> Result<(), SubscriptionError> {
        let Some(connection) = self.connections.get(&id).filter(|it| !it.closed) else { return Ok(()) };
        if !question::can_be_asked(topic) {
            self.counters.topics_refused.add(1);
            return Ok(());
        }
        let key = connection.key;
        let name = question::of_topic(&key, topic);
        let known = self.find(&name);
        if known.is_some_and(|question| connection.wishes.contains_key(&question)) {
            return Ok(());
        }
        let max = self.limits.questions_per_key_max;
        if known.is_none_or(|question| !self.question(question).is_needed())
            && self.needed.get(&key).is_some_and(|&needed| needed >= max)
        {
            return Err(SubscriptionError::TooManyOfKey(max));
        }
        let question = self.open(name, &key)?;
        self.hold(question, Holder::Subscriber(id));
        let order = self.order();
        let connection = self.connections.get_mut(&id).expect(CONNECTED);
        connection.wishes.insert(question, Wish::HeldBack(order));
        connection.held_back.insert(order, question);
        self.held_back.insert(order, (self.now, id));
        self.advance(id);
        Ok(())
    }

    /// A connection does not want a topic any more; one that it did not want is ignored.
    pub fn wants_no_more(&mut self, id: SubscriberId, topic: &[u8]) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        let Some(&question) = self.by_name.get(&question::of_topic(&connection.key, topic)) else { return };
        let Some(wish) = connection.wishes.remove(&question) else { return };
        match wish {
            Wish::HeldBack(order) => {
                connection.held_back.remove(&order);
                self.held_back.remove(&order);
                self.advance(id);
            }
            Wish::Refused => {}
            Wish::Effective => {
                let name = Rc::clone(&self.question(question).name);
                self.effects.push_back(Effect::Revoke(id, name));
            }
        }
        self.release(question, Holder::Subscriber(id));
    }

    /// A connection ends: nothing is granted to it any more.
    pub fn leaving(&mut self, id: SubscriberId) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        connection.closed = true;
        for order in take(&mut connection.held_back).into_keys() {
            self.held_back.remove(&order);
        }
    }

    /// Ends some wishes of a connection that has ended, and tells whether that were the last. Call it again until then, with other
    /// work in between.
    pub fn forget(&mut self, id: SubscriberId) -> bool {
        self.leaving(id);
        for _ in 0..FORGET_TURN {
            let Some(connection) = self.connections.get_mut(&id) else { return true };
            match connection.wishes.pop_first() {
                Some((question, _)) => self.release(question, Holder::Subscriber(id)),
                None => {
                    let question = connection.question;
                    self.connections.remove(&id);
                    if let Some(question) = question {
                        self.release(question, Holder::Subscriber(id));
                    }
                    return true;
                }
            }
        }
        false
    }

    /// A server has answered, for the first time or anew. What was not asked is ignored.
    pub fn answered(&mut self, answer: &Answer<'_>) {
        let Some(id) = self.find(answer.question) else { return };
        let question = self.questions.find_mut(id).expect(HELD);
        question.answer = Some(answer.granted);
        question.user = answer.user.into();
        let (name, of_key) = (Rc::clone(&question.name), question::topic_of(&question.name).is_none());
        let subscribers = take(&mut question.subscribers);
        for &waiter in &question.waiters {
            let waiting = self.waiters.find_mut(waiter.0).expect("it holds the question");
            if !std::mem::replace(&mut waiting.answered, true) {
                self.unanswered -= 1;
                self.effects.push_back(Effect::Answer(waiter, answer.granted));
            }
        }
        for &subscriber in &subscribers {
            match of_key {
                true if !answer.granted => self.close(subscriber),
                true => {}
                false => self.topic_answered(subscriber, id, &name, answer.granted),
            }
        }
        let question = self.questions.find_mut(id).expect(HELD);
        question.subscribers = subscribers;
        if !answer.granted && !question.is_needed() {
            self.drop_question(id);
        }
    }

    /// Time passes: who has waited for too long is refused for now, and what nobody has needed for a while is forgotten.
    pub fn tick(&mut self, now: Instant) {
        self.now = now;
        let is_over = |since: Instant, ms| now.saturating_duration_since(since) >= Duration::from_millis(ms);
        for _ in 0..GATE_TURN {
            let Some((&order, &(since, id))) = self.held_back.first_key_value() else { break };
            if !is_over(since, ANSWER_WAIT_MS) {
                break;
            }
            self.held_back.remove(&order);
            let connection = self.connections.get_mut(&id).expect(CONNECTED);
            if let Some(question) = connection.held_back.remove(&order) {
                connection.wishes.insert(question, Wish::Refused);
                self.counters.topics_refused.add(1);
            }
            self.advance(id);
        }
        for _ in 0..GATE_TURN {
            let Some((_, &(since, id))) = self.lingering.first_key_value() else { break };
            if !is_over(since, LINGERING_MS) {
                break;
            }
            self.drop_question(id);
        }
    }

    fn topic_answered(&mut self, id: SubscriberId, question: QuestionId, name: &Rc<[u8]>, granted: bool) {
        let connection = self.connections.get_mut(&id).expect(CONNECTED);
        if connection.closed {
            return;
        }
        let wish = connection.wishes.get_mut(&question).expect("who holds a topic's question wants it");
        match (*wish, granted) {
            (Wish::HeldBack(_), _) => self.advance(id),
            (Wish::Refused, true) => {
                *wish = Wish::Effective;
                self.effects.push_back(Effect::Grant(id, Rc::clone(name)));
            }
            (Wish::Effective, false) => {
                *wish = Wish::Refused;
                self.counters.topics_refused.add(1);
                self.effects.push_back(Effect::Revoke(id, Rc::clone(name)));
            }
            (Wish::Refused, false) | (Wish::Effective, true) => {}
        }
    }

    /// Lets the wishes of a connection take effect that are held back, up to the first that is not answered.
    fn advance(&mut self, id: SubscriberId) {
        let connection = self.connections.get_mut(&id).expect(CONNECTED);
        while let Some((&order, &held)) = connection.held_back.first_key_value() {
            let question = self.questions.find(held).expect(HELD);
            let Some(granted) = question.answer else { break };
            connection.held_back.remove(&order);
            self.held_back.remove(&order);
            if granted {
                connection.wishes.insert(held, Wish::Effective);
                self.effects.push_back(Effect::Grant(id, Rc::clone(&question.name)));
            } else {
                connection.wishes.insert(held, Wish::Refused);
                self.counters.topics_refused.add(1);
            }
        }
    }

    fn close(&mut self, id: SubscriberId) {
        if self.connections.get(&id).is_some_and(|connection| !connection.closed) {
            self.leaving(id);
            self.effects.push_back(Effect::Close(id));
        }
    }

    fn find(&self, name: &[u8]) -> Option<QuestionId> {
        self.by_name.get(name).copied()
    }

    fn question(&self, id: QuestionId) -> &Question {
        self.questions.find(id).expect(HELD)
    }

    fn order(&mut self) -> u64 {
        self.next_order += 1;
        self.next_order
    }

    /// The question, asked if it was not.
    fn open(&mut self, name: Rc<[u8]>, key: &PublicKey) -> Result<QuestionId, SubscriptionError> {
        if let Some(id) = self.find(&name) {
            return Ok(id);
        }
        let max = self.limits.questions_max;
        if self.by_name.len() >= max {
            let (_, &(_, longest)) =
                self.lingering.first_key_value().ok_or(SubscriptionError::QuestionsFull(max))?;
            self.drop_question(longest);
        }
        let id = self.questions.insert(Question {
            name: Rc::clone(&name),
            key: *key,
            answer: None,
            user: Box::default(),
            waiters: BTreeSet::new(),
            subscribers: BTreeSet::new(),
            lingers: None,
        });
        self.by_name.insert(Rc::clone(&name), id);
        self.counters.questions.set(self.by_name.len() as u64);
        self.effects.push_back(Effect::Ask(name));
        Ok(id)
    }

    fn hold(&mut self, id: QuestionId, holder: Holder) {
        let question = self.questions.find_mut(id).expect(HELD);
        if !question.is_needed() && question::topic_of(&question.name).is_some() {
            *self.needed.entry(question.key).or_default() += 1;
        }
        if let Some(place) = question.lingers.take() {
            self.lingering.remove(&place);
        }
        match holder {
            Holder::Waiter(waiter) => question.waiters.insert(waiter),
            Holder::Subscriber(subscriber) => question.subscribers.insert(subscriber),
        };
    }

    fn release(&mut self, id: QuestionId, holder: Holder) {
        let question = self.questions.find_mut(id).expect(HELD);
        match holder {
            Holder::Waiter(waiter) => question.waiters.remove(&waiter),
            Holder::Subscriber(subscriber) => question.subscribers.remove(&subscriber),
        };
        if question.is_needed() {
            return;
        }
        let (key, of_topic) = (question.key, question::topic_of(&question.name).is_some());
        let granted = question.answer == Some(true);
        if of_topic && let Some(needed) = self.needed.get_mut(&key) {
            *needed -= 1;
            if *needed == 0 {
                self.needed.remove(&key);
            }
        }
        if !granted {
            return self.drop_question(id);
        }
        let place = self.order();
        self.questions.find_mut(id).expect(HELD).lingers = Some(place);
        self.lingering.insert(place, (self.now, id));
        if self.lingering.len() > self.limits.lingering_max
            && let Some((_, &(_, longest))) = self.lingering.first_key_value()
        {
            self.drop_question(longest);
        }
    }

    /// Forgets a question that nobody needs.
    fn drop_question(&mut self, id: QuestionId) {
        let question = self.questions.remove(id).expect(HELD);
        debug_assert!(!question.is_needed(), "{question:?}");
        if let Some(place) = question.lingers {
            self.lingering.remove(&place);
        }
        self.by_name.remove(&question.name);
        self.counters.questions.set(self.by_name.len() as u64);
        self.effects.push_back(Effect::Cancel(question.name));
    }
}

impl Question {
    fn is_needed(&self) -> bool {
        !self.waiters.is_empty() || !self.subscribers.is_empty()
    }
}

#[cfg(test)]
mod tests;
