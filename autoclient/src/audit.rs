//! The books: what was attempted, what the server acknowledged, what each listener heard, and what that proves.
//!
//! A message is *settled* once it was acknowledged and every listener has heard it; settled messages are counted and forgotten,
//! so that memory holds only what is open. Knows no socket and no clock.

use std::{collections::BTreeMap, fmt};

use recado_proto::MessageId;

use crate::limits::{LOST_NAMED_MAX, UNSETTLED_MAX};

/// The books of one run.
#[derive(Debug)]
pub struct Audit {
    /// A bit for each listener.
    everybody: u32,
    /// Messages that are not settled, oldest first: their identifiers rise with time.
    open: BTreeMap<MessageId, Entry>,
    open_max: usize,
    tally: Tally,
    /// How many open messages are acknowledged: what the end waits for.
    pending: usize,
    lost: u64,
    lost_first: Vec<Lost>,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    number: u64,
    state: State,
    heard_by: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    UnderWay,
    Acknowledged,
    Ambiguous,
}

/// How many of each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Handed to the connection.
    pub attempted: u64,
    /// Answered OK.
    pub acknowledged: u64,
    /// Refused by the server: not stored, and never heard.
    pub refused: u64,
    /// Never left: no server could be reached.
    pub unsent: u64,
    /// Never answered: may be stored or not.
    pub ambiguous: u64,
    /// Acknowledged and heard by every listener.
    pub heard: u64,
    /// Heard from history only, having been lost on its way; each time that it happened to a listener.
    pub repaired: u64,
    /// Heard once more by a listener that had it.
    pub repeated: u64,
}

/// What a publication of ours was to its listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hearing {
    /// New.
    First,
    /// This listener had heard it.
    Repeated,
}

/// How a message came to its listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Published.
    Live,
    /// Fetched from history.
    Repair,
}

/// What the books prove at the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The sums.
    pub tally: Tally,
    /// How many were acknowledged and some listener did not hear them.
    pub lost: u64,
    /// The first of those.
    pub lost_first: Vec<Lost>,
}

/// A message that was acknowledged and not heard by all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lost {
    /// Its identifier, as stored.
    pub id: MessageId,
    /// Its place in the plan, which its text ends with.
    pub number: u64,
    /// How many listeners missed it.
    pub missed_by: u32,
}

impl Audit {
    /// Empty books for so many listeners, which are numbered from 0.
    ///
    /// # Panics
    /// More than 32 listeners.
    pub fn new(listeners: usize) -> Audit {
        Audit::with_room(listeners, UNSETTLED_MAX)
    }

    fn with_room(listeners: usize, open_max: usize) -> Audit {
        let bits = u32::try_from(listeners).expect("listeners are few");
        let unused = u32::BITS.checked_sub(bits).expect("at most 32 listeners");
        Audit {
            everybody: u32::MAX.checked_shr(unused).unwrap_or(0),
            open: BTreeMap::new(),
            open_max,
            tally: Tally::default(),
            pending: 0,
            lost: 0,
            lost_first: Vec::new(),
        }
    }

    /// A message is about to be sent.
    pub fn attempted(&mut self, id: MessageId, number: u64) {
        if self.open.len() >= self.open_max {
            self.judge_oldest();
        }
        self.tally.attempted += 1;
        self.open.insert(id, Entry { number, state: State::UnderWay, heard_by: 0 });
    }

    /// Decides the oldest open message by what is known of it, and forgets it.
    fn judge_oldest(&mut self) -> bool {
        let Some((id, entry)) = self.open.pop_first() else { return false };
        match entry.state {
            State::UnderWay => self.tally.ambiguous += 1,
            State::Ambiguous => {}
            State::Acknowledged => {
                self.pending -= 1;
                self.lost += 1;
                if self.lost_first.len() < LOST_NAMED_MAX {
                    let missed_by = (self.everybody & !entry.heard_by).count_ones();
                    self.lost_first.push(Lost { id, number: entry.number, missed_by });
                }
            }
        }
        true
    }

    /// The server answered OK.
    pub fn acknowledged(&mut self, id: MessageId) {
        let Some(entry) = self.open.get_mut(&id).filter(|entry| entry.state != State::Acknowledged) else {
            return;
        };
        if entry.state == State::Ambiguous {
            self.tally.ambiguous -= 1;
        }
        entry.state = State::Acknowledged;
        self.tally.acknowledged += 1;
        self.pending += 1;
        self.settle(id);
    }

    /// The server refused the message.
    pub fn refused(&mut self, id: MessageId) {
        if self.open.remove(&id).is_some() {
            self.tally.refused += 1;
        }
    }

    /// The message never left this process.
    pub fn unsent(&mut self, id: MessageId) {
        if self.open.remove(&id).is_some() {
            self.tally.unsent += 1;
        }
    }

    /// No answer will come any more. Whether the message is stored is unknown, so that nobody need hear it.
    pub fn ambiguous(&mut self, id: MessageId) {
        if let Some(entry) = self.open.get_mut(&id).filter(|entry| entry.state == State::UnderWay) {
            entry.state = State::Ambiguous;
            self.tally.ambiguous += 1;
        }
    }

    /// A listener received a message of ours, from the broker or, as a repair, from history.
    pub fn heard(&mut self, listener: usize, id: MessageId, way: Way) -> Hearing {
        let bit = 1_u32.checked_shl(u32::try_from(listener).unwrap_or(u32::MAX)).unwrap_or(0);
        let Some(entry) = self.open.get_mut(&id).filter(|entry| entry.heard_by & bit == 0) else {
            self.tally.repeated += 1;
            return Hearing::Repeated;
        };
        entry.heard_by |= bit;
        if way == Way::Repair {
            self.tally.repaired += 1;
        }
        self.settle(id);
        Hearing::First
    }

    fn settle(&mut self, id: MessageId) {
        let settled = |entry: &Entry| entry.state == State::Acknowledged && entry.heard_by == self.everybody;
        if self.open.get(&id).is_some_and(settled) {
            self.open.remove(&id);
            self.pending -= 1;
            self.tally.heard += 1;
        }
    }

    /// The sums so far.
    pub fn tally(&self) -> Tally {
        self.tally
    }

    /// How many messages are acknowledged and not yet heard by all.
    pub fn pending(&self) -> usize {
        self.pending
    }

    /// How many messages the books hold: under way, ambiguous or not yet heard by all.
    pub fn unsettled(&self) -> usize {
        self.open.len()
    }

    /// Closes the books: what is still under way becomes ambiguous, what is still pending is lost.
    pub fn close(mut self) -> Verdict {
        while self.judge_oldest() {}
        Verdict { tally: self.tally, lost: self.lost, lost_first: self.lost_first }
    }
}

impl Verdict {
    /// Whether every acknowledged message was heard, and there was something to prove.
    pub fn is_pass(&self) -> bool {
        self.lost == 0 && (self.tally.acknowledged > 0 || self.tally.attempted == 0)
    }
}

/// One line: `PASS: …` or `FAIL: …`.
impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Tally { attempted, acknowledged, refused, unsent, ambiguous, heard, repaired, repeated } =
            self.tally;
        f.write_str(if self.is_pass() { "PASS" } else { "FAIL" })?;
        write!(f, ": {attempted} sent, {acknowledged} acknowledged, {heard} heard, {} lost", self.lost)?;
        let others = [
            (repaired, "repaired"),
            (repeated, "repeated"),
            (refused, "refused"),
            (ambiguous, "never answered"),
            (unsent, "without a server to send them to"),
        ];
        for (count, what) in others {
            if count > 0 {
                write!(f, ", {count} {what}")?;
            }
        }
        if acknowledged == 0 && attempted > 0 {
            f.write_str("; nothing was acknowledged")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u8) -> MessageId {
        MessageId::from_bytes([number; 16])
    }

    fn books(listeners: usize, messages: u8) -> Audit {
        let mut audit = Audit::new(listeners);
        (0..messages).for_each(|number| audit.attempted(id(number), number.into()));
        audit
    }

    #[test]
    fn acknowledged_and_heard_in_either_order_is_a_pass_that_needs_no_memory() {
        let mut audit = books(2, 2);
        audit.acknowledged(id(0));
        audit.heard(0, id(0), Way::Live);
        audit.heard(1, id(0), Way::Live);
        audit.heard(1, id(1), Way::Live);
        audit.heard(0, id(1), Way::Live);
        assert_eq!((audit.pending(), audit.unsettled()), (0, 1));
        audit.acknowledged(id(1));
        assert_eq!(audit.unsettled(), 0);
        let verdict = audit.close();
        assert!(verdict.is_pass());
        assert_eq!(verdict.to_string(), "PASS: 2 sent, 2 acknowledged, 2 heard, 0 lost");
    }

    #[test]
    fn acknowledged_and_missed_by_one_listener_is_lost_and_named() {
        let mut audit = books(2, 2);
        audit.acknowledged(id(0));
        audit.acknowledged(id(1));
        audit.heard(0, id(0), Way::Live);
        audit.heard(1, id(0), Way::Live);
        audit.heard(0, id(1), Way::Live);
        let verdict = audit.close();
        assert!(!verdict.is_pass());
        assert_eq!(verdict.lost_first, [Lost { id: id(1), number: 1, missed_by: 1 }]);
        assert_eq!(verdict.to_string(), "FAIL: 2 sent, 2 acknowledged, 1 heard, 1 lost");
    }

    #[test]
    fn what_was_never_answered_is_ambiguous_heard_or_not() {
        let mut audit = books(1, 3);
        audit.acknowledged(id(0));
        audit.heard(0, id(0), Way::Live);
        audit.ambiguous(id(1));
        audit.heard(0, id(1), Way::Live);
        let verdict = audit.close();
        assert!(verdict.is_pass());
        assert_eq!((verdict.tally.ambiguous, verdict.tally.heard), (2, 1));
        assert_eq!(verdict.to_string(), "PASS: 3 sent, 1 acknowledged, 1 heard, 0 lost, 2 never answered");
    }

    #[test]
    fn a_late_answer_ends_the_ambiguity() {
        let mut audit = books(1, 1);
        audit.ambiguous(id(0));
        audit.acknowledged(id(0));
        audit.acknowledged(id(0));
        audit.heard(0, id(0), Way::Live);
        let verdict = audit.close();
        assert_eq!(verdict.tally, Tally { attempted: 1, acknowledged: 1, heard: 1, ..Tally::default() });
    }

    #[test]
    fn a_refused_message_need_not_be_heard() {
        let mut audit = books(1, 1);
        audit.refused(id(0));
        assert_eq!(audit.unsettled(), 0);
        assert_eq!(
            audit.close().to_string(),
            "FAIL: 1 sent, 0 acknowledged, 0 heard, 0 lost, 1 refused; nothing was acknowledged"
        );
    }

    #[test]
    fn repeats_are_counted_before_and_after_a_message_is_settled() {
        let mut audit = books(1, 1);
        assert_eq!(audit.heard(0, id(0), Way::Live), Hearing::First);
        assert_eq!(audit.heard(0, id(0), Way::Live), Hearing::Repeated);
        audit.acknowledged(id(0));
        assert_eq!(audit.heard(0, id(0), Way::Live), Hearing::Repeated);
        assert_eq!(audit.close().tally.repeated, 2);
    }

    #[test]
    fn only_the_first_losses_are_named() {
        let mut audit = books(1, 50);
        (0..50).for_each(|number| audit.acknowledged(id(number)));
        let verdict = audit.close();
        assert_eq!(verdict.lost, 50);
        assert_eq!(
            verdict.lost_first.iter().map(|lost| lost.number).collect::<Vec<_>>(),
            (0..10).collect::<Vec<_>>()
        );
    }

    #[test]
    fn nothing_tried_is_nothing_wrong_and_thirty_two_listeners_fit() {
        assert!(Audit::new(0).close().is_pass());
        let mut audit = books(32, 1);
        audit.acknowledged(id(0));
        (0..32).for_each(|listener| assert_eq!(audit.heard(listener, id(0), Way::Live), Hearing::First));
        assert_eq!(audit.unsettled(), 0);
    }

    #[test]
    fn a_repair_counts_as_heard_and_is_told() {
        let mut audit = books(1, 1);
        audit.acknowledged(id(0));
        audit.heard(0, id(0), Way::Repair);
        assert_eq!(audit.close().to_string(), "PASS: 1 sent, 1 acknowledged, 1 heard, 0 lost, 1 repaired");
    }

    #[test]
    fn a_message_that_never_left_is_neither_lost_nor_ambiguous() {
        let mut audit = books(1, 2);
        audit.acknowledged(id(0));
        audit.heard(0, id(0), Way::Live);
        audit.unsent(id(1));
        let verdict = audit.close();
        assert!(verdict.is_pass());
        assert_eq!((verdict.tally.unsent, verdict.tally.ambiguous), (1, 0));
    }

    #[test]
    fn full_books_judge_their_oldest_message_to_make_room() {
        let mut audit = Audit::with_room(1, 2);
        for number in 0..5 {
            audit.attempted(id(number), number.into());
            if number != 1 {
                audit.acknowledged(id(number));
            }
        }
        assert_eq!(audit.unsettled(), 2);
        let verdict = audit.close();
        assert_eq!((verdict.lost, verdict.tally.ambiguous), (4, 1));
        assert_eq!(verdict.lost_first.iter().map(|lost| lost.number).collect::<Vec<_>>(), [0, 2, 3, 4]);
    }
}
