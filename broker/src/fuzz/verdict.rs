//! What must hold in the fuzz target `connection`, after each step and at the end.

use std::collections::BTreeSet;

use super::peers::Stage;
use super::world::World;
use crate::limits::{LEAVING_PART, PINNED_SHARE, SUBSCRIPTION_BYTES};

/// What a queue may be charged beside a message: the bookkeeping of a piece or two, and a copy's spare room.
const PIECES_BYTES: usize = 256;
const COPY_BYTES_MIN: usize = 1 << 10;
const COPY_BYTES_MAX: usize = 64 << 10;

impl World<'_> {
    pub(super) fn check(&mut self) {
        let mark = self.limits.queue_bytes_max;
        let copy = (2 * mark.max(self.totals.largest)).clamp(COPY_BYTES_MIN, COPY_BYTES_MAX);
        let mut own_to_all = 0;
        for subscriber in &self.subscribers {
            let Some(id) = subscriber.id.filter(|_| subscriber.stage != Stage::Gone) else { continue };
            let (charged, waits) = self.hub.queued(id);
            own_to_all += self.hub.subscribers.find(id.0).map_or(0, |it| it.queue.own());
            assert_eq!(charged > 0, waits);
            assert!(!waits || subscriber.to_write, "nobody would write what waits");
            let bound = mark
                + copy.max(PINNED_SHARE * self.totals.largest)
                + PIECES_BYTES
                + subscriber.waiting_commands.0 * (copy + PIECES_BYTES);
            assert!(charged <= bound, "{charged} bytes are charged, {bound} are the most");
        }
        assert_eq!(self.hub.own_bytes, own_to_all);
        let held = |all: bool| -> usize {
            let who = self.subscribers.iter().filter(|it| all || it.wanting);
            who.flat_map(|it| &it.topics).map(|topic| SUBSCRIPTION_BYTES + topic.len()).sum()
        };
        let max = self.limits.subscription_bytes_total_max;
        assert!(held(false) <= max && held(true) <= max + max / LEAVING_PART, "too many subscriptions");
        let subscriptions: usize = self.subscribers.iter().map(|it| it.topics.len()).sum();
        assert!(self.counters.figures().subscriptions <= subscriptions as u64);
    }

    /// All is read, written and told; then all leave.
    pub(super) fn finish(&mut self, gives_up: bool) {
        for who in 0..self.subscribers.len() {
            self.read_subscriber(who, usize::MAX);
        }
        for who in 0..self.publishers.len() {
            self.read_publisher(who, usize::MAX);
        }
        self.check();
        if gives_up {
            self.hub.give_up();
            self.subscribers.iter_mut().for_each(|it| it.wanting = false);
        } else {
            for who in 0..self.subscribers.len() {
                let kernel = &mut self.subscribers[who].kernel;
                (kernel.room, kernel.most) = (usize::MAX, usize::MAX);
                while self.subscribers[who].to_write && self.subscribers[who].stage == Stage::Here {
                    self.flush(who);
                }
            }
        }
        self.deal_with_ends();
        self.deal_with_ends();
        assert_eq!((self.hub.own_bytes, self.hub.loans().lent_bytes()), (0, 0), "held for nothing");
        self.check_told();
        self.check_messages();
        for who in 0..self.subscribers.len() {
            self.end_subscriber(who);
        }
        self.deal_with_ends();
        self.deal_with_ends();
        self.check_told();
        for who in 0..self.publishers.len() {
            self.end_publisher(who);
        }
        let figures = self.counters.figures();
        let left = [
            figures.publishers,
            figures.subscribers,
            figures.subscriptions,
            figures.topics,
            figures.queued_bytes,
        ];
        assert_eq!(left, [0; 5], "{figures}");
    }

    /// What publishers were told adds up.
    fn check_told(&mut self) {
        let subscribed: BTreeSet<Vec<u8>> =
            self.subscribers.iter().flat_map(|it| it.topics.iter().cloned()).collect();
        assert_eq!(self.counters.figures().topics, subscribed.len() as u64);
        // Where last values are kept all is wanted, whatever is subscribed.
        let told = if self.last_values.are_kept() { BTreeSet::from([Vec::new()]) } else { subscribed };
        for who in 0..self.publishers.len() {
            while self.publishers[who].to_tell && !self.publishers[who].gone {
                self.tell(who, 1_000);
            }
            let publisher = &self.publishers[who];
            if publisher.id.is_some() && !publisher.gone {
                assert_eq!(publisher.known, told, "what it was told does not add up");
            }
        }
    }

    /// Each message came, or was counted as lost.
    fn check_messages(&self) {
        let figures = self.counters.figures();
        assert_eq!((figures.messages_in, figures.bytes_in), (self.totals.messages, self.totals.bytes));
        let (least, most) = self.totals.unwanted;
        assert!((least..=most).contains(&figures.unwanted), "{figures}");
        let expected: u64 = self.subscribers.iter().map(|it| it.expected.len() as u64).sum();
        let accounted = figures.messages_out + figures.dropped_slow + figures.dropped_gone;
        assert_eq!(accounted, expected, "{figures}");
        let received: u64 = self.subscribers.iter().map(|it| it.check() as u64).sum();
        assert!(received >= figures.messages_out);
        if self.subscribers.iter().all(|it| it.id.is_none() || it.wanting) {
            assert_eq!(received + figures.dropped_slow, expected, "{figures}");
        }
        let taken: usize = self.subscribers.iter().map(|it| it.kernel.taken.len()).sum();
        let commands: usize =
            self.subscribers.iter().flat_map(|it| &it.commands).map(|it| 2 + it.len()).sum();
        assert!((taken - commands.min(taken)..=taken).contains(&(figures.bytes_out as usize)), "{figures}");
    }
}
