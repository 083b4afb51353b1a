//! When which topic's last place is to be told again: the last message of a topic may be lost on the way, and nothing that
//! follows would show it. No I/O and no clock: what was published and the time go in, what is to be told comes out.

use std::collections::BTreeSet;
use std::time::Instant;

use foldhash::HashMap;
use recado_proto::TopicName;

use crate::limits::{BEACON_PAUSES, BEACON_TOPICS_MAX};

/// The topics in which something was published lately. A topic is told once it has been quiet for the first of
/// [`BEACON_PAUSES`], and again after each of the others; then it is forgotten, until its next message.
#[derive(Debug)]
pub(super) struct Beacon {
    topics: HashMap<TopicName, Active>,
    /// Each topic once, by when it is to be looked at.
    queue: BTreeSet<(Instant, TopicName)>,
    topics_max: usize,
    forgotten: u64,
}

#[derive(Debug)]
struct Active {
    seq: u64,
    last_message: Instant,
    /// Its place in the queue.
    due: Instant,
    times_told: usize,
}

impl Beacon {
    pub(super) fn new() -> Self {
        Self::with_room(BEACON_TOPICS_MAX)
    }

    fn with_room(topics_max: usize) -> Self {
        Self { topics: HashMap::default(), queue: BTreeSet::new(), topics_max, forgotten: 0 }
    }

    /// The message at `seq` of a topic was published.
    pub(super) fn published(&mut self, name: &str, seq: u64, now: Instant) {
        let due = now + BEACON_PAUSES[0];
        if let Some((topic, _)) = self.topics.get_key_value(name) {
            let topic = topic.clone();
            let active = self.topics.get_mut(name).expect("it was there just now");
            active.seq = active.seq.max(seq);
            active.last_message = now;
            // Before its first time it stays where it is in the queue: a busy topic costs no more than this.
            if active.times_told > 0 {
                self.queue.remove(&(active.due, topic.clone()));
                (active.times_told, active.due) = (0, due);
                self.queue.insert((due, topic));
            }
            return;
        }
        let Ok(topic) = TopicName::parse(name) else { return };
        if self.topics.len() >= self.topics_max {
            self.forget_one();
        }
        self.topics.insert(topic.clone(), Active { seq, last_message: now, due, times_told: 0 });
        self.queue.insert((due, topic));
    }

    /// What was written before a connection broke may be lost, so every topic is to be told as after a message.
    pub(super) fn connection_returned(&mut self, now: Instant) {
        let due = now + BEACON_PAUSES[0];
        self.queue.clear();
        for (topic, active) in &mut self.topics {
            (active.times_told, active.last_message, active.due) = (0, now, due);
            self.queue.insert((due, topic.clone()));
        }
    }

    /// A topic that is due, with its last `seq`.
    pub(super) fn pop_due(&mut self, now: Instant) -> Option<(TopicName, u64)> {
        while self.queue.first().is_some_and(|(due, _)| *due <= now) {
            let (_, topic) = self.queue.pop_first()?;
            let active = self.topics.get_mut(&topic).expect("what is queued is remembered");
            let quiet = active.last_message + BEACON_PAUSES[0];
            if active.times_told == 0 && quiet > now {
                active.due = quiet;
                self.queue.insert((quiet, topic));
                continue;
            }
            let seq = active.seq;
            active.times_told += 1;
            match BEACON_PAUSES.get(active.times_told) {
                Some(pause) => {
                    active.due = now + *pause;
                    self.queue.insert((active.due, topic.clone()));
                }
                None => drop(self.topics.remove(&topic)),
            }
            return Some((topic, seq));
        }
        None
    }

    /// When to ask again. `None`: not before something is published.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.queue.first().map(|(due, _)| *due)
    }

    /// How many topics had to be forgotten since this was asked last.
    pub(super) fn take_forgotten(&mut self) -> u64 {
        std::mem::take(&mut self.forgotten)
    }

    /// The one that is due last has mostly been told the most often.
    fn forget_one(&mut self) {
        if let Some((_, topic)) = self.queue.pop_last() {
            self.topics.remove(&topic);
            self.forgotten += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::Beacon;

    /// What is told in the time from `from` to `through` seconds after `start`, looking only when something is due.
    fn told(beacon: &mut Beacon, start: Instant, from: u64, through: u64) -> Vec<(u64, String, u64)> {
        let (from, through) = (start + Duration::from_secs(from), start + Duration::from_secs(through));
        let mut told = Vec::new();
        let mut now = from;
        while now <= through {
            while let Some((topic, seq)) = beacon.pop_due(now) {
                told.push(((now - start).as_secs(), topic.as_str().to_owned(), seq));
            }
            match beacon.next_due() {
                Some(due) => now = due,
                None => break,
            }
        }
        told
    }

    fn of(topic: &str, seq: u64, times: &[u64]) -> Vec<(u64, String, u64)> {
        times.iter().map(|time| (*time, topic.to_owned(), seq)).collect()
    }

    #[test]
    fn a_quiet_topic_is_told_ever_more_rarely_and_then_forgotten() {
        let start = Instant::now();
        let mut beacon = Beacon::new();
        assert_eq!(beacon.next_due(), None);
        beacon.published("geral", 7, start);
        assert_eq!(told(&mut beacon, start, 0, 1_000), of("geral", 7, &[1, 3, 7, 15, 31, 63]));
        assert_eq!(beacon.next_due(), None, "an idle server sleeps");
        assert!(beacon.topics.is_empty());
    }

    #[test]
    fn a_busy_topic_is_not_told() {
        let start = Instant::now();
        let mut beacon = Beacon::new();
        for tenth in 0..100 {
            let now = start + Duration::from_millis(100 * tenth);
            beacon.published("geral", tenth + 1, now);
            assert_eq!(beacon.pop_due(now), None);
        }
        let start = start + Duration::from_millis(9_900);
        assert_eq!(told(&mut beacon, start, 0, 1_000), of("geral", 100, &[1, 3, 7, 15, 31, 63]));
    }

    #[test]
    fn the_next_message_begins_again() {
        let start = Instant::now();
        let mut beacon = Beacon::new();
        beacon.published("geral", 1, start);
        assert_eq!(told(&mut beacon, start, 0, 5), of("geral", 1, &[1, 3]));
        beacon.published("geral", 2, start + Duration::from_secs(5));
        assert_eq!(told(&mut beacon, start, 5, 1_000), of("geral", 2, &[6, 8, 12, 20, 36, 68]));
    }

    #[test]
    fn a_message_that_goes_out_again_does_not_take_the_place_back() {
        let start = Instant::now();
        let mut beacon = Beacon::new();
        beacon.published("geral", 7, start);
        beacon.published("geral", 5, start);
        assert_eq!(told(&mut beacon, start, 0, 1), of("geral", 7, &[1]));
    }

    #[test]
    fn after_a_connection_came_back_all_that_is_remembered_is_told_anew() {
        let start = Instant::now();
        let mut beacon = Beacon::new();
        beacon.published("geral", 7, start);
        beacon.published("tech", 3, start + Duration::from_secs(20));
        assert_eq!(told(&mut beacon, start, 0, 24).len(), 6);
        beacon.connection_returned(start + Duration::from_secs(24));
        let again = told(&mut beacon, start, 24, 1_000);
        let of_one =
            |topic: &str| -> Vec<_> { again.iter().filter(|(_, told, _)| told == topic).cloned().collect() };
        assert_eq!(of_one("geral"), of("geral", 7, &[25, 27, 31, 39, 55, 87]));
        assert_eq!(of_one("tech"), of("tech", 3, &[25, 27, 31, 39, 55, 87]));
        beacon.connection_returned(start + Duration::from_secs(100));
        assert_eq!(beacon.next_due(), None, "what was told often enough is not remembered");
    }

    #[test]
    fn with_no_room_the_one_told_most_often_is_forgotten() {
        let start = Instant::now();
        let mut beacon = Beacon::with_room(2);
        beacon.published("old", 1, start);
        assert_eq!(told(&mut beacon, start, 0, 10).len(), 3);
        let now = start + Duration::from_secs(10);
        beacon.published("new", 1, now);
        beacon.published("newest", 1, now);
        beacon.published("newest", 2, now);
        let topics: Vec<_> =
            told(&mut beacon, start, 10, 11).into_iter().map(|(_, topic, _)| topic).collect();
        assert_eq!(topics, ["new", "newest"]);
        assert_eq!((beacon.topics.len(), beacon.take_forgotten(), beacon.take_forgotten()), (2, 1, 0));
    }

    #[test]
    fn what_is_no_name_is_not_remembered() {
        let mut beacon = Beacon::new();
        beacon.published("_sync.7f", 1, Instant::now());
        assert_eq!(beacon.next_due(), None);
    }
}
