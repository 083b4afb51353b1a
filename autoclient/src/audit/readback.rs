//! The comparison with what is stored: each topic of the run, read back from where the run began, in order.

use recado_proto::Publication;

use crate::limits::{NAMED_MAX, STRETCH_PLACES};

use super::{
    Audit,
    heard::Recognised,
    ledger::{Digests, Placed, stretch},
};

/// What was found out so far.
#[derive(Debug, Default)]
pub(super) struct Progress {
    /// Topics that were read to their end.
    pub(super) topics: usize,
    /// Ambiguous messages that are stored after all.
    pub(super) ambiguous: u64,
    /// Messages of the run that are stored where nothing acknowledged is: once more, or refused before.
    pub(super) surplus: u64,
    /// Messages that are not stored as they were sent.
    pub(super) altered: u64,
    /// Stretches in which a subscriber heard something else than what is stored there.
    pub(super) heard_otherwise: u64,
}

/// The part of a topic that is being read: one stretch.
#[derive(Debug, Default)]
pub(super) struct Reading {
    stretch: u64,
    messages: Vec<Stored>,
}

#[derive(Clone, Copy, Debug)]
struct Stored {
    placed: Placed,
    publisher: Option<usize>,
    is_intact: bool,
    is_known: bool,
}

impl Audit {
    /// The next stored message of a topic, from behind the place where the run began.
    pub fn stored(&mut self, topic: usize, publication: &Publication) {
        let Some(seq) = publication.seq.filter(|seq| *seq > self.topics[topic].base) else { return };
        let (number, checksum, is_intact, is_known) = match self.recognise(publication) {
            Recognised::Foreign => return,
            Recognised::Unknown { number } => (number, 0, true, false),
            Recognised::Ours { number, checksum, is_intact } => (number, checksum, is_intact, true),
        };
        let stretch = stretch(seq);
        if self.topics[topic].reading.stretch != stretch {
            self.compare_stretch(topic);
            self.topics[topic].reading.stretch = stretch;
        }
        let publisher = self.by_publisher.get(publication.sender().as_str()).copied();
        let placed = Placed { seq, number, checksum };
        self.topics[topic].reading.messages.push(Stored { placed, publisher, is_intact, is_known });
    }

    /// The topic was read to its end.
    pub fn read_back(&mut self, topic: usize) {
        self.compare_stretch(topic);
        let unread: Vec<u64> = self.topics[topic]
            .ledger
            .stretches()
            .filter(|stretch| !self.topics[topic].read.contains(stretch))
            .collect();
        for stretch in unread {
            self.topics[topic].reading.stretch = stretch;
            self.compare_stretch(topic);
        }
        self.stored.topics += 1;
    }

    /// Compares the stretch that was just read with what was acknowledged and heard of it.
    fn compare_stretch(&mut self, index: usize) {
        let reading = std::mem::take(&mut self.topics[index].reading);
        self.topics[index].read.insert(reading.stretch);
        let mut candidates = Vec::with_capacity(reading.messages.len());
        for message in &reading.messages {
            let Placed { seq, number, .. } = message.placed;
            if !message.is_intact {
                self.stored.altered += 1;
                self.name(index, seq, number, "is not stored as it was sent");
            }
            match self.unsure.get_mut(&number) {
                Some(unsure) if unsure.stored_at.is_none() => {
                    unsure.stored_at = Some(seq);
                    self.stored.ambiguous += u64::from(unsure.is_ambiguous);
                }
                Some(_) => self.surplus(index, seq, number, "is stored once more"),
                None if !message.is_known => self.surplus(index, seq, number, "is stored and was never sent"),
                None => candidates.push(*message),
            }
        }
        let matched = self.match_acknowledged(index, reading.stretch, &candidates);
        let topic = &mut self.topics[index];
        let count = matched.len() as u64;
        topic.row.stored += count;
        self.total.stored += count;
        super::bits(topic.subscribers).for_each(|bit| self.subscribers[bit].stored += count);
        for publisher in matched.iter().filter_map(|message| message.publisher) {
            self.publishers[publisher].stored += 1;
        }
        self.compare_heard(index, &reading);
        self.name_lost(index, &matched);
    }

    /// Those of the stored messages that were acknowledged at their place.
    fn match_acknowledged(&mut self, index: usize, stretch: u64, stored: &[Stored]) -> Vec<Stored> {
        let ledger = &self.topics[index].ledger;
        let Some(acknowledged) = ledger.messages(stretch) else {
            let mut digests = Digests::default();
            stored.iter().for_each(|message| digests.add(message.placed));
            let (is, should) = (digests.of(stretch), ledger.digest(stretch));
            if is == should {
                return stored.to_vec();
            }
            self.stored.surplus += is.count.saturating_sub(should.count);
            let (first, last) = (stretch * STRETCH_PLACES, (stretch + 1) * STRETCH_PLACES - 1);
            self.say_first(format!(
                "places {first} to {last} of {}: {} acknowledged, {} stored, and they are not the same",
                self.topics[index].row.name, should.count, is.count
            ));
            // At least one of them is not the one that was acknowledged.
            let same =
                usize::try_from(should.count.saturating_sub(1)).unwrap_or(usize::MAX).min(stored.len());
            return stored[..same].to_vec();
        };
        let mut matched = Vec::with_capacity(stored.len());
        let mut rest = acknowledged.into_iter().peekable();
        for message in stored {
            while let Some(missing) = rest.next_if(|one| one.seq < message.placed.seq) {
                self.name(index, missing.seq, missing.number, "was acknowledged and is not stored");
            }
            match rest.next_if(|one| one.seq == message.placed.seq) {
                Some(one) if one.number == message.placed.number => {
                    // An altered text was named already.
                    if message.is_intact {
                        matched.push(*message);
                    }
                }
                Some(other) => {
                    self.name(index, other.seq, other.number, "was acknowledged and is not stored");
                    self.surplus(
                        index,
                        message.placed.seq,
                        message.placed.number,
                        "is stored elsewhere than acknowledged",
                    );
                }
                None => self.surplus(
                    index,
                    message.placed.seq,
                    message.placed.number,
                    "is stored where it was not acknowledged",
                ),
            }
        }
        for missing in rest {
            self.name(index, missing.seq, missing.number, "was acknowledged and is not stored");
        }
        matched
    }

    /// What each subscriber heard in a stretch has to be what is stored there, without what it did not have.
    fn compare_heard(&mut self, index: usize, reading: &Reading) {
        let topic = &self.topics[index];
        if self.recounted.contains(&topic.row.name) {
            return;
        }
        let mut wrong = Vec::new();
        for (places, bit) in topic.places.iter().zip(super::bits(topic.subscribers)) {
            let mut had = Digests::default();
            let stored = reading.messages.iter().map(|message| message.placed);
            stored.filter(|placed| !places.lacks(placed.seq)).for_each(|placed| had.add(placed));
            if had.of(reading.stretch) != places.heard.of(reading.stretch) {
                wrong.push(bit);
            }
        }
        for bit in wrong {
            self.stored.heard_otherwise += 1;
            let first = reading.stretch * STRETCH_PLACES;
            self.say_first(format!(
                "places {first} to {} of {}: subscriber {} heard other messages than are stored",
                first + STRETCH_PLACES - 1,
                self.topics[index].row.name,
                self.subscribers[bit].name
            ));
        }
    }

    /// Names those that subscribers lack, if they are not held any more; the others are named at the end.
    fn name_lost(&mut self, index: usize, matched: &[Stored]) {
        if self.forgotten == 0 || self.first.len() >= NAMED_MAX {
            return;
        }
        for message in matched {
            let topic = &self.topics[index];
            let missed = topic.places.iter().filter(|places| places.lacks(message.placed.seq)).count();
            if missed > 0 && !self.open.contains_key(&message.placed.number) {
                let what = format!("was not heard by {missed} of {} subscribers", topic.places.len());
                self.name(index, message.placed.seq, message.placed.number, &what);
            }
        }
    }

    fn surplus(&mut self, topic: usize, seq: u64, number: u64, what: &str) {
        self.stored.surplus += 1;
        self.name(topic, seq, number, what);
    }

    pub(super) fn name(&mut self, topic: usize, seq: u64, number: u64, what: &str) {
        if self.first.len() < NAMED_MAX {
            let topic = &self.topics[topic].row.name;
            self.first.push(format!("message {number} in {topic}, place {seq}: {what}"));
        }
    }

    fn say_first(&mut self, line: String) {
        if self.first.len() < NAMED_MAX {
            self.first.push(line);
        }
    }
}
