//! The books: what was attempted, what the server acknowledged, what each subscriber heard, what is stored, and what that proves.
//!
//! Memory does not grow with the length of a run. A message is held one by one until it is acknowledged and every subscriber of its topic
//! has heard it; then it is counted and forgotten. What each subscriber has had of a topic is kept as places: the next one, and what was passed
//! over. What was acknowledged, heard and stored is compared by digests, one for each stretch of a topic's places; see `ledger`. Knows no
//! socket and no clock: times are microseconds since the beginning of the run.

mod heard;
mod ledger;
mod places;
mod readback;
#[cfg(test)]
mod tests;
mod verdict;

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use recado_proto::Code;

use crate::{
    limits::{CONNECTIONS_MAX, NEVER_STORED_MAX, PLACED_MAX, UNSETTLED_MAX},
    record::{AuditRow, Way},
    tag::Run,
};

use self::{
    ledger::{Added, Ledger, Placed, stretch},
    places::Places,
    readback::Reading,
};

pub use heard::Hearing;
pub use verdict::{Circumstances, Findings};

/// Who takes part in a run.
#[derive(Clone, Debug)]
pub struct Cast {
    /// What tells its messages from others.
    pub run: Run,
    /// The names of those who send.
    pub publishers: Vec<String>,
    /// Where they send to.
    pub topics: Vec<TopicCast>,
    /// The names of those who hear.
    pub subscribers: Vec<String>,
}

/// A topic that is sent to.
#[derive(Clone, Debug)]
pub struct TopicCast {
    /// The channel's name, or the receiving user's.
    pub name: String,
    /// Whether it is a user's.
    pub is_direct: bool,
    /// A bit for each subscriber that follows it.
    pub subscribers: u64,
}

/// The books of one run.
#[derive(Debug)]
pub struct Audit {
    run: Run,
    topics: Vec<Topic>,
    by_name: HashMap<String, usize>,
    publishers: Vec<AuditRow>,
    by_publisher: HashMap<String, usize>,
    subscribers: Vec<AuditRow>,
    total: AuditRow,
    /// Messages that are not settled, by number.
    open: BTreeMap<u64, Entry>,
    open_max: usize,
    in_flight: usize,
    /// What may be stored although it was not acknowledged.
    unsure: BTreeMap<u64, Unsure>,
    /// What surely is not stored.
    never: BTreeSet<u64>,
    /// One more than the highest number that was sent.
    sent_end: u64,
    /// Stretches that are kept message by message, in the order in which they began.
    placed: VecDeque<(usize, u64)>,
    placed_count: usize,
    foreign: u64,
    /// Messages forgotten before everybody had heard them, to keep memory bounded.
    forgotten: u64,
    recounted: BTreeSet<String>,
    first: Vec<String>,
    stored: readback::Progress,
}

#[derive(Debug)]
struct Topic {
    row: AuditRow,
    is_direct: bool,
    subscribers: u64,
    /// The last place before the run.
    base: u64,
    ledger: Ledger,
    /// In the order of the subscribers' bits.
    places: Vec<Places>,
    /// What of it is being read back, and which stretches were.
    reading: Reading,
    read: BTreeSet<u64>,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    publisher: u32,
    topic: u32,
    checksum: u32,
    intended_us: u64,
    acknowledged: Option<(u64, u64)>,
    live: u64,
    repaired: u64,
}

#[derive(Clone, Copy, Debug)]
struct Unsure {
    is_ambiguous: bool,
    stored_at: Option<u64>,
}

impl Audit {
    /// Empty books.
    ///
    /// # Panics
    /// More subscribers than [`CONNECTIONS_MAX`].
    pub fn new(cast: Cast) -> Audit {
        Audit::with_room(cast, UNSETTLED_MAX)
    }

    fn with_room(cast: Cast, open_max: usize) -> Audit {
        assert!(cast.subscribers.len() <= CONNECTIONS_MAX, "subscribers have a bit each");
        let topic = |topic: TopicCast| Topic {
            row: AuditRow::named(topic.name),
            is_direct: topic.is_direct,
            subscribers: topic.subscribers,
            base: 0,
            ledger: Ledger::default(),
            places: (0..topic.subscribers.count_ones()).map(|_| Places::after(0)).collect(),
            reading: Reading::default(),
            read: BTreeSet::new(),
        };
        let index = |names: Vec<&String>| names.into_iter().cloned().zip(0..).collect();
        Audit {
            run: cast.run,
            by_name: index(cast.topics.iter().map(|topic| &topic.name).collect()),
            topics: cast.topics.into_iter().map(topic).collect(),
            by_publisher: index(cast.publishers.iter().collect()),
            publishers: cast.publishers.into_iter().map(AuditRow::named).collect(),
            subscribers: cast.subscribers.into_iter().map(AuditRow::named).collect(),
            total: AuditRow::default(),
            open: BTreeMap::new(),
            open_max,
            in_flight: 0,
            unsure: BTreeMap::new(),
            never: BTreeSet::new(),
            sent_end: 0,
            placed: VecDeque::new(),
            placed_count: 0,
            foreign: 0,
            forgotten: 0,
            recounted: BTreeSet::new(),
            first: Vec::new(),
            stored: readback::Progress::default(),
        }
    }

    /// The run begins behind this place of the topic.
    pub fn begins_after(&mut self, topic: usize, seq: u64) {
        let topic = &mut self.topics[topic];
        topic.base = seq;
        topic.places.iter_mut().for_each(|places| places.recount(seq));
    }

    /// A message is about to be sent; the checksum is that of its text.
    pub fn attempted(
        &mut self,
        number: u64,
        publisher: usize,
        topic: usize,
        checksum: u32,
        intended_us: u64,
    ) {
        if self.open.len() >= self.open_max {
            self.forget_oldest();
        }
        for row in [&mut self.total, &mut self.publishers[publisher], &mut self.topics[topic].row] {
            row.attempted += 1;
        }
        self.sent_end = self.sent_end.max(number + 1);
        self.in_flight += 1;
        let narrow = |index: usize| u32::try_from(index).expect("publishers and topics are bounded");
        let (publisher, topic) = (narrow(publisher), narrow(topic));
        let entry =
            Entry { publisher, topic, checksum, intended_us, acknowledged: None, live: 0, repaired: 0 };
        self.open.insert(number, entry);
    }

    /// A message was due and not sent, because earlier ones were not answered in time.
    pub fn held_back(&mut self, publisher: usize, topic: usize) {
        for row in [&mut self.total, &mut self.publishers[publisher], &mut self.topics[topic].row] {
            row.attempted += 1;
            row.unsent += 1;
        }
    }

    /// Forgets the oldest message that is answered. Its deliveries still count, by their places, but not their times.
    fn forget_oldest(&mut self) {
        let oldest =
            self.open.iter().find(|(_, entry)| entry.acknowledged.is_some()).map(|(number, _)| *number);
        if let Some(number) = oldest {
            self.open.remove(&number);
            self.forgotten += 1;
        }
    }

    /// The server answered OK, with this place. Gives the time since the intended send time, in microseconds.
    pub fn acknowledged(&mut self, number: u64, seq: Option<u64>, at_us: u64) -> Option<u64> {
        let entry = self.open.get_mut(&number).filter(|entry| entry.acknowledged.is_none())?;
        self.in_flight -= 1;
        let place = seq.unwrap_or(0);
        entry.acknowledged = Some((place, at_us));
        let entry = *entry;
        let index = entry.topic as usize;
        let topic = &mut self.topics[index];
        let subscribers = topic.subscribers;
        let expected = u64::from(subscribers.count_ones());
        for row in [&mut self.total, &mut self.publishers[entry.publisher as usize], &mut topic.row] {
            row.acknowledged += 1;
            row.expected += expected;
        }
        let added = topic.ledger.add(Placed { seq: place, number, checksum: entry.checksum });
        if added == Added::First {
            self.placed.push_back((index, stretch(place)));
        }
        self.placed_count += usize::from(added != Added::Condensed);
        self.condense_oldest();
        for bit in bits(subscribers) {
            let row = &mut self.subscribers[bit];
            row.acknowledged += 1;
            row.expected += 1;
        }
        for bit in bits(entry.live) {
            self.delivered(&entry, bit, Way::Live);
        }
        for bit in bits(entry.repaired) {
            self.delivered(&entry, bit, Way::Repair);
        }
        self.settle(number);
        Some(at_us.saturating_sub(entry.intended_us))
    }

    fn condense_oldest(&mut self) {
        while self.placed_count > PLACED_MAX && self.placed.len() > 1 {
            let Some((topic, stretch)) = self.placed.pop_front() else { return };
            self.placed_count -= self.topics[topic].ledger.condense(stretch);
        }
    }

    /// The server refused the message. A server that has no time may have stored it at an earlier attempt.
    pub fn refused(&mut self, number: u64, code: &Code) {
        let Some(entry) = self.take_unanswered(number) else { return };
        self.count(&entry, |row| row.refused += 1);
        if matches!(code, Code::Busy | Code::Unavailable | Code::Internal) {
            let unsure = Unsure { is_ambiguous: false, stored_at: None };
            self.unsure.insert(number, unsure);
        } else {
            self.never_stored(number);
        }
    }

    /// The message never left this process.
    pub fn unsent(&mut self, number: u64) {
        if let Some(entry) = self.take_unanswered(number) {
            self.count(&entry, |row| row.unsent += 1);
            self.never_stored(number);
        }
    }

    /// No answer will come any more. Whether the message is stored is unknown, so that nobody need hear it.
    pub fn ambiguous(&mut self, number: u64) {
        if let Some(entry) = self.take_unanswered(number) {
            self.count(&entry, |row| row.ambiguous += 1);
            let unsure = Unsure { is_ambiguous: true, stored_at: None };
            self.unsure.insert(number, unsure);
        }
    }

    fn take_unanswered(&mut self, number: u64) -> Option<Entry> {
        self.open.get(&number).filter(|entry| entry.acknowledged.is_none())?;
        self.in_flight -= 1;
        self.open.remove(&number)
    }

    fn never_stored(&mut self, number: u64) {
        if self.never.len() >= NEVER_STORED_MAX {
            self.never.pop_first();
        }
        self.never.insert(number);
    }

    fn count(&mut self, entry: &Entry, change: impl Fn(&mut AuditRow)) {
        change(&mut self.total);
        change(&mut self.publishers[entry.publisher as usize]);
        change(&mut self.topics[entry.topic as usize].row);
    }

    fn settle(&mut self, number: u64) {
        let Some(entry) = self.open.get(&number) else { return };
        let heard_by = entry.live | entry.repaired;
        if entry.acknowledged.is_some() && heard_by == self.topics[entry.topic as usize].subscribers {
            self.open.remove(&number);
        }
    }

    /// The store counts this topic's places anew, or so a subscriber was told.
    pub fn recounted(&mut self, subscriber: usize, topic: &str) {
        let Some(index) = self.by_name.get(topic).copied() else { return };
        let topic = &mut self.topics[index];
        let base = topic.base;
        if let Some(rank) = topic.rank(subscriber) {
            topic.places[rank].recount(base);
        }
        self.recounted.insert(topic.row.name.clone());
    }

    /// The sums so far.
    pub fn total(&self) -> &AuditRow {
        &self.total
    }

    /// How many deliveries are owed and have not come.
    pub fn pending(&self) -> u64 {
        let AuditRow { expected, delivered_live, delivered_by_repair, .. } = &self.total;
        expected.saturating_sub(delivered_live + delivered_by_repair)
    }

    /// How many messages are sent and not answered.
    pub fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// How many messages are held one by one: not answered, or not heard by everybody.
    pub fn unsettled(&self) -> usize {
        self.open.len()
    }
}

impl Topic {
    /// Where this subscriber's places stand in [`Topic::places`].
    fn rank(&self, subscriber: usize) -> Option<usize> {
        let bit = 1_u64 << subscriber;
        (self.subscribers & bit != 0).then_some((self.subscribers & (bit - 1)).count_ones() as usize)
    }
}

/// The numbers of the bits that are set.
fn bits(mut word: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let bit = (word != 0).then(|| word.trailing_zeros() as usize)?;
        word &= word - 1;
        Some(bit)
    })
}
