//! The latencies of a run or of a second of it, as histograms in microseconds.

use std::fmt;

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

use super::packed;
use crate::limits::{LATENCY_DIGITS, LATENCY_US_MAX};

/// How a message came to a subscriber.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// As a publication.
    Live,
    /// Fetched from history by the receiver.
    Repair,
}

/// The latencies that are measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LatencyKind {
    /// From the intended send time to the reply.
    Acknowledgement,
    /// From the reply to the delivery; 0 if it was delivered before.
    Delivery,
    /// From the intended send time to the delivery.
    EndToEnd,
}

impl LatencyKind {
    /// All of them, in the order in which a message meets them.
    pub const ALL: [LatencyKind; 3] =
        [LatencyKind::Acknowledgement, LatencyKind::Delivery, LatencyKind::EndToEnd];

    /// Its name in files: a word of letters and underscores.
    pub fn key(self) -> &'static str {
        match self {
            LatencyKind::Acknowledgement => "acknowledgement",
            LatencyKind::Delivery => "delivery",
            LatencyKind::EndToEnd => "end_to_end",
        }
    }

    /// Its name for people.
    pub fn title(self) -> &'static str {
        match self {
            LatencyKind::Acknowledgement => "Request to acknowledgement",
            LatencyKind::Delivery => "Acknowledgement to delivery",
            LatencyKind::EndToEnd => "End to end",
        }
    }
}

/// Latencies in microseconds. What is longer than [`LATENCY_US_MAX`] counts as that.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Latencies {
    /// From the intended send time to the reply, one for each acknowledged message.
    #[serde(with = "packed::whole")]
    pub acknowledgement: Histogram<u64>,
    /// From the reply to the delivery, one for each delivery; 0 if it was delivered before the reply came.
    #[serde(with = "packed::whole")]
    pub delivery: Histogram<u64>,
    /// From the intended send time to the delivery, one for each delivery.
    #[serde(with = "packed::whole")]
    pub end_to_end: Histogram<u64>,
    /// Those of `end_to_end` that came by repair.
    #[serde(with = "packed::whole")]
    pub end_to_end_by_repair: Histogram<u64>,
}

/// An empty histogram of the kind that all latencies are kept in: only such are added, packed and compared.
pub fn new_histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, LATENCY_US_MAX, LATENCY_DIGITS).expect("the bounds are constants in order")
}

impl Default for Latencies {
    fn default() -> Latencies {
        Latencies {
            acknowledgement: new_histogram(),
            delivery: new_histogram(),
            end_to_end: new_histogram(),
            end_to_end_by_repair: new_histogram(),
        }
    }
}

/// How many of each: the histograms themselves have tens of thousands of counters.
impl fmt::Debug for Latencies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Latencies")
            .field("acknowledgement", &self.acknowledgement.len())
            .field("delivery", &self.delivery.len())
            .field("end_to_end", &self.end_to_end.len())
            .field("end_to_end_by_repair", &self.end_to_end_by_repair.len())
            .finish()
    }
}

impl Latencies {
    /// Takes the time from a message's intended send time to its reply.
    pub fn acknowledged(&mut self, acknowledgement_us: u64) {
        self.acknowledgement.saturating_record(acknowledgement_us);
    }

    /// Takes the times of a delivery: since the reply (0 if that came later), and since the intended send time.
    pub fn delivered(&mut self, delivery_us: u64, end_to_end_us: u64, way: Way) {
        self.delivery.saturating_record(delivery_us);
        self.end_to_end.saturating_record(end_to_end_us);
        match way {
            Way::Live => {}
            Way::Repair => self.end_to_end_by_repair.saturating_record(end_to_end_us),
        }
    }

    /// One of them.
    pub fn of(&self, kind: LatencyKind) -> &Histogram<u64> {
        match kind {
            LatencyKind::Acknowledgement => &self.acknowledgement,
            LatencyKind::Delivery => &self.delivery,
            LatencyKind::EndToEnd => &self.end_to_end,
        }
    }

    /// Adds all that the other holds.
    pub fn add(&mut self, other: &Latencies) {
        let Latencies { acknowledgement, delivery, end_to_end, end_to_end_by_repair } = other;
        for (sum, part) in [
            (&mut self.acknowledgement, acknowledgement),
            (&mut self.delivery, delivery),
            (&mut self.end_to_end, end_to_end),
            (&mut self.end_to_end_by_repair, end_to_end_by_repair),
        ] {
            sum.add(part).expect("all latencies have the same bounds");
        }
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        for histogram in [
            &mut self.acknowledgement,
            &mut self.delivery,
            &mut self.end_to_end,
            &mut self.end_to_end_by_repair,
        ] {
            histogram.reset();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repaired_delivery_counts_among_all_and_apart() {
        let mut latencies = Latencies::default();
        latencies.acknowledged(900);
        latencies.delivered(0, 800, Way::Live);
        latencies.delivered(4_000, 5_000, Way::Repair);
        assert_eq!(LatencyKind::ALL.map(|kind| latencies.of(kind).len()), [1, 2, 2]);
        assert_eq!((latencies.end_to_end_by_repair.len(), latencies.delivery.min()), (1, 0));
    }

    #[test]
    fn what_is_longer_than_the_longest_is_not_lost() {
        let mut latencies = Latencies::default();
        latencies.acknowledged(u64::MAX);
        assert_eq!(latencies.acknowledgement.len(), 1);
        assert!(latencies.acknowledgement.max() >= LATENCY_US_MAX);
    }

    #[test]
    fn sums_hold_both_and_an_emptied_one_nothing() {
        let (mut sum, mut part) = (Latencies::default(), Latencies::default());
        sum.acknowledged(1);
        part.acknowledged(2);
        part.delivered(1, 3, Way::Repair);
        sum.add(&part);
        part.clear();
        assert_eq!(part, Latencies::default());
        assert_eq!((sum.acknowledgement.len(), sum.end_to_end_by_repair.len()), (2, 1));
    }
}
