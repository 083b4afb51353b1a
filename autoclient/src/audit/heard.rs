//! What a delivery is to its subscriber: the run's, whole and new, or something else.

use recado_proto::Publication;

use crate::{
    limits::NAMED_MAX,
    record::{AuditRow, Way},
};

use super::{Audit, Entry, ledger::Placed, places::Arrival};

/// What a message was to the subscriber that it came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hearing {
    /// A message of the run, for the first time. Without times if it was forgotten meanwhile.
    First {
        /// Since the reply, 0 if that has not come; and since the intended send time. In microseconds.
        times_us: Option<(u64, u64)>,
    },
    /// A message of the run that this subscriber had.
    Repeated,
    /// A message of the run's form that was never sent.
    Unknown,
    /// Somebody else's, or from before the run.
    Foreign,
}

/// Whose a message is.
pub(super) enum Recognised {
    Foreign,
    Unknown { number: u64 },
    Ours { number: u64, checksum: u32, is_intact: bool },
}

impl Audit {
    /// A subscriber received a message on a topic, live or by repair.
    pub fn heard(&mut self, subscriber: usize, publication: &Publication, way: Way, at_us: u64) -> Hearing {
        let found = self.by_name.get(publication.topic.as_str()).copied();
        let Some((index, rank)) = found.and_then(|index| Some((index, self.topics[index].rank(subscriber)?)))
        else {
            self.foreign += 1;
            return Hearing::Foreign;
        };
        let topic = &mut self.topics[index];
        let base = topic.base;
        let arrival = publication.seq.map(|seq| topic.places[rank].arrive(seq, base));
        if arrival == Some(Arrival::Before) {
            return Hearing::Foreign;
        }
        let (number, checksum, is_intact) = match self.recognise(publication) {
            Recognised::Foreign => {
                self.foreign += 1;
                return Hearing::Foreign;
            }
            Recognised::Unknown { number } => {
                self.wrong(subscriber, index, publication, number, "was heard and never sent", |row| {
                    row.unknown += 1
                });
                return Hearing::Unknown;
            }
            Recognised::Ours { number, checksum, is_intact } => (number, checksum, is_intact),
        };
        if !is_intact {
            self.wrong(subscriber, index, publication, number, "arrived altered", |row| row.corrupt += 1);
        }
        match arrival {
            Some(Arrival::First | Arrival::Before) => {}
            Some(Arrival::Late) => {
                self.wrong(subscriber, index, publication, number, "came behind a later one", |row| {
                    row.out_of_order += 1
                });
            }
            Some(Arrival::Repeated) => {
                self.wrong(subscriber, index, publication, number, "came once more", |row| row.repeated += 1);
                return Hearing::Repeated;
            }
            // Without a place there is no telling what came before, and it counts as lost.
            None => return Hearing::Foreign,
        }
        if let Some(seq) = publication.seq {
            self.topics[index].places[rank].heard.add(Placed { seq, number, checksum });
        }
        self.first_hearing(number, subscriber, index, publication, way, at_us)
    }

    fn first_hearing(
        &mut self,
        number: u64,
        subscriber: usize,
        topic: usize,
        publication: &Publication,
        way: Way,
        at_us: u64,
    ) -> Hearing {
        let bit = 1_u64 << subscriber;
        if let Some(entry) = self.open.get_mut(&number) {
            match way {
                Way::Live => entry.live |= bit,
                Way::Repair => entry.repaired |= bit,
            }
            let entry = *entry;
            let since_reply_us = entry.acknowledged.map_or(0, |(_, reply_us)| at_us.saturating_sub(reply_us));
            if entry.acknowledged.is_some() {
                self.delivered(&entry, subscriber, way);
                self.settle(number);
            }
            return Hearing::First {
                times_us: Some((since_reply_us, at_us.saturating_sub(entry.intended_us))),
            };
        }
        if !self.unsure.contains_key(&number) {
            // It was forgotten when it had been acknowledged.
            let publisher = self.by_publisher.get(publication.sender().as_str()).copied().unwrap_or(0);
            let narrow = |index: usize| u32::try_from(index).expect("publishers and topics are bounded");
            let entry = Entry {
                publisher: narrow(publisher),
                topic: narrow(topic),
                checksum: 0,
                intended_us: 0,
                acknowledged: None,
                live: 0,
                repaired: 0,
            };
            self.delivered(&entry, subscriber, way);
        }
        Hearing::First { times_us: None }
    }

    pub(super) fn delivered(&mut self, entry: &Entry, subscriber: usize, way: Way) {
        let change = |row: &mut AuditRow| match way {
            Way::Live => row.delivered_live += 1,
            Way::Repair => row.delivered_by_repair += 1,
        };
        self.count(entry, change);
        change(&mut self.subscribers[subscriber]);
    }

    /// Something is wrong with a delivery: counted, and named if it is one of the first.
    fn wrong(
        &mut self,
        subscriber: usize,
        topic: usize,
        publication: &Publication,
        number: u64,
        what: &str,
        change: impl Fn(&mut AuditRow),
    ) {
        change(&mut self.total);
        change(&mut self.topics[topic].row);
        change(&mut self.subscribers[subscriber]);
        if let Some(publisher) = self.by_publisher.get(publication.sender().as_str()) {
            change(&mut self.publishers[*publisher]);
        }
        if self.first.len() < NAMED_MAX {
            let place = publication.seq.map_or_else(String::new, |seq| format!(", place {seq}"));
            self.first.push(format!(
                "message {number} from {} in {}{place}: {what} at subscriber {}",
                publication.sender(),
                publication.topic,
                self.subscribers[subscriber].name
            ));
        }
    }

    pub(super) fn recognise(&self, publication: &Publication) -> Recognised {
        let tag = self.run.read(&publication.message, &publication.topic, publication.sender().as_str());
        let by_id =
            publication.id.and_then(|id| self.run.number_of(id)).filter(|number| self.was_sent(*number));
        match (tag, by_id) {
            (None, None) => Recognised::Foreign,
            (None, Some(number)) => Recognised::Ours { number, checksum: 0, is_intact: false },
            (Some(tag), by_id) => {
                let number = tag.number;
                if by_id == Some(number) {
                    Recognised::Ours { number, checksum: tag.checksum, is_intact: tag.is_intact }
                } else if let Some(number) = by_id {
                    Recognised::Ours { number, checksum: tag.checksum, is_intact: false }
                } else {
                    Recognised::Unknown { number }
                }
            }
        }
    }

    /// Whether a message of this number was sent, or may have been.
    fn was_sent(&self, number: u64) -> bool {
        number < self.sent_end && !self.never.contains(&number)
    }
}
