//! What was said in one conversation, in its order, and which part of it one looks at. It knows messages, not how they look.

use std::collections::{HashMap, HashSet, VecDeque};

use recado_proto::{ActDone, Epoch, MessageId, Style, UserName};

use crate::chat::ReadTo;
use crate::chat::fold::{Acts, MessageState};
use crate::chat::item::{Message, Quoted};
use crate::limits;

/// One thing that was said or that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) time_ms: i64,
    pub(crate) what: What,
}

/// What it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// Somebody said something.
    Said {
        author: UserName,
        text: String,
        own: bool,
        sending: Sending,
        id: Option<MessageId>,
        seq: Option<u64>,
        epoch: Option<Epoch>,
        /// What it came to by what was done to it.
        state: Box<MessageState>,
        /// It tells what its author does.
        is_me: bool,
        /// The message that it answers, and how that begins, if it is known.
        answers: Option<MessageId>,
        quoted: Option<Quoted>,
    },
    /// A message that was found, on one line, and the parts of it that match, in bytes. It is harmless.
    Found { text: String, matches: Vec<(usize, usize)> },
    /// Something happened that is worth a line; kept nowhere else.
    Notice(String),
    /// Something failed.
    Failure(String),
}

/// How far an own message has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sending {
    /// It has no answer yet.
    Pending,
    /// The server has it.
    Sent,
    /// It was refused.
    Failed,
}

/// What lies before the first entry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Older {
    /// Perhaps more.
    #[default]
    Unknown,
    /// It is being fetched.
    Asked,
    /// Nothing.
    Nothing,
}

/// The row at the lower edge of what one looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Anchor {
    pub(crate) entry: usize,
    pub(crate) row: usize,
}

#[derive(Debug, Default)]
pub(crate) struct Log {
    entries: VecDeque<Entry>,
    ids: HashSet<MessageId>,
    /// What was done to messages, those that are not here yet included.
    acts: HashMap<MessageId, Acts>,
    /// What the channel is about, and since when.
    topic: Option<(i64, String)>,
    /// The first place of the pages that came; acts have places, too.
    first_place: Option<u64>,
    bytes: usize,
    /// The latest were dropped, for whoever scrolled back far.
    is_cut: bool,
    pub(crate) older: Older,
    /// None at the end, where one stays as more comes.
    anchor: Option<Anchor>,
    /// The first entry that was not read when one came here.
    divider: Option<usize>,
    /// The message that keys are about.
    pub(crate) chosen: Option<MessageId>,
    /// The message that one went to.
    found: Option<MessageId>,
    pub(crate) unread: usize,
    pub(crate) mentions: usize,
    /// The newest place of what others said, also when that was dropped.
    newest: Option<ReadTo>,
}

impl Entry {
    pub(crate) fn said(message: &Message) -> Self {
        let Message { author, text, time_ms, id, seq, epoch, own, manner, quoted, edited, acts, .. } =
            message;
        let mut state = acts.iter().cloned().collect::<Acts>().fold(text);
        state.edited |= edited;
        let is_answered = seq.is_some() || !own;
        let what = What::Said {
            author: author.clone(),
            text: text.clone(),
            own: *own,
            sending: if is_answered { Sending::Sent } else { Sending::Pending },
            id: *id,
            seq: *seq,
            epoch: *epoch,
            state: Box::new(state),
            is_me: manner.style == Some(Style::Me),
            answers: manner.target,
            quoted: quoted.clone(),
        };
        Self { time_ms: *time_ms, what }
    }

    /// What was done to it since it came.
    fn take_up(&mut self, acts: &Acts) {
        let What::Said { text, state, .. } = &mut self.what else { return };
        let former = std::mem::take(&mut **state);
        let mut folded = acts.fold(text);
        // What was done before it came is known only by what came of it, unless its acts came with it.
        folded.edited |= former.edited;
        folded.deleted |= former.deleted;
        if folded.deleted {
            folded.text.clear();
        }
        for (emoji, users) in former.reactions {
            if !acts.iter().any(|act| act.message == emoji) {
                folded.reactions.entry(emoji).or_default().extend(users);
            }
        }
        **state = folded;
    }

    fn is_of_another(&self) -> bool {
        matches!(self.what, What::Said { own: false, .. })
    }

    fn place(&self) -> Option<(Epoch, u64)> {
        match &self.what {
            What::Said { seq: Some(seq), epoch: Some(epoch), .. } => Some((*epoch, *seq)),
            What::Said { .. } | What::Found { .. } | What::Notice(_) | What::Failure(_) => None,
        }
    }

    fn bytes(&self) -> usize {
        limits::LOG_ENTRY_BYTES
            + match &self.what {
                What::Said { text, state, .. } => text.len() + state.text.len(),
                What::Found { text, .. } | What::Notice(text) | What::Failure(text) => text.len(),
            }
    }

    pub(crate) fn id(&self) -> Option<MessageId> {
        match &self.what {
            What::Said { id, .. } => *id,
            What::Found { .. } | What::Notice(_) | What::Failure(_) => None,
        }
    }
}

impl Log {
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn entry(&self, index: usize) -> Option<&Entry> {
        self.entries.get(index)
    }

    pub(crate) fn anchor(&self) -> Option<Anchor> {
        self.anchor.filter(|anchor| anchor.entry < self.entries.len())
    }

    pub(crate) fn look_at(&mut self, anchor: Option<Anchor>) {
        self.anchor = anchor;
    }

    /// What all of it takes, about.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether the latest were dropped, so that what comes has no place here.
    pub(crate) fn is_cut(&self) -> bool {
        self.is_cut
    }

    pub(crate) fn divider(&self) -> Option<usize> {
        self.divider
    }

    /// Whether one went to this message.
    pub(crate) fn is_found(&self, entry: &Entry) -> bool {
        self.found.is_some() && entry.id() == self.found
    }

    /// Goes to a message that is here. False if it is not.
    pub(crate) fn find(&mut self, id: MessageId) -> bool {
        let Some(index) = self.entries.iter().position(|entry| entry.id() == Some(id)) else { return false };
        self.found = Some(id);
        let entry = (index + limits::CONTEXT_MESSAGES).min(self.entries.len() - 1);
        self.anchor = Some(Anchor { entry, row: usize::MAX - 1 });
        true
    }

    /// Begins anew with a page from the middle; there is more after it if `is_cut`.
    pub(crate) fn begin_at(
        &mut self,
        page: impl Iterator<Item = Entry>,
        first_place: Option<u64>,
        is_cut: bool,
        in_topic: bool,
    ) {
        self.restart();
        for entry in page {
            self.insert(entry, in_topic);
        }
        self.page_began(first_place);
        self.is_cut = is_cut;
    }

    /// Takes a message to its place. False if it was there. `in_topic`: places are of one topic, and say more than times do.
    pub(crate) fn insert(&mut self, mut entry: Entry, in_topic: bool) -> bool {
        if let Some(id) = entry.id()
            && !self.ids.insert(id)
        {
            return false;
        }
        if let Some(acts) = entry.id().and_then(|id| self.acts.get(&id)) {
            entry.take_up(acts);
        }
        let is_before = |one: &Entry, other: &Entry| match (in_topic, one.place(), other.place()) {
            (true, Some((epoch, seq)), Some((other_epoch, other_seq))) if epoch == other_epoch => {
                seq < other_seq
            }
            _ => one.time_ms < other.time_ms,
        };
        // A page of older ones comes to the front, where notices may stand already.
        let is_first = |at: usize| self.entries.get(at).is_some_and(|first| is_before(&entry, first));
        let first_said = self.entries.iter().position(|entry| entry.place().is_some());
        let index =
            [Some(0), first_said].into_iter().flatten().find(|at| is_first(*at)).unwrap_or_else(|| {
                self.entries.len()
                    - self.entries.iter().rev().take_while(|later| is_before(&entry, later)).count()
            });
        self.bytes += entry.bytes();
        if entry.is_of_another()
            && let Some((epoch, seq)) = entry.place()
            && self.newest.is_none_or(|(known, newest)| known != epoch || newest < seq)
        {
            self.newest = Some((epoch, seq));
        }
        self.entries.insert(index, entry);
        if let Some(anchor) = &mut self.anchor
            && index <= anchor.entry
        {
            anchor.entry += 1;
        }
        if let Some(divider) = &mut self.divider
            && index < *divider
        {
            *divider += 1;
        }
        self.forget_oldest();
        true
    }

    /// Adds what happened just now.
    pub(crate) fn append(&mut self, entry: Entry) {
        self.bytes += entry.bytes();
        self.entries.push_back(entry);
        self.forget_oldest();
    }

    pub(crate) fn into_entries(self) -> impl Iterator<Item = Entry> {
        self.entries.into_iter()
    }

    /// Something was done to a message.
    pub(crate) fn act(&mut self, target: MessageId, done: ActDone) {
        if !self.acts.contains_key(&target) && self.acts.len() >= limits::ACTED_ON_MAX {
            return;
        }
        let acts = self.acts.entry(target).or_default();
        acts.add(done);
        if let Some(entry) = self.entries.iter_mut().rev().find(|entry| entry.id() == Some(target)) {
            self.bytes -= entry.bytes();
            entry.take_up(acts);
            self.bytes += entry.bytes();
        }
    }

    /// The channel is about this since then.
    pub(crate) fn topic_since(&mut self, time_ms: i64, text: &str) {
        if self.topic.as_ref().is_none_or(|(known, _)| *known <= time_ms) {
            self.topic = Some((time_ms, text.to_owned()));
        }
    }

    pub(crate) fn topic(&self) -> Option<&str> {
        self.topic.as_ref().map(|(_, text)| text.as_str()).filter(|text| !text.is_empty())
    }

    /// A page began here.
    pub(crate) fn page_began(&mut self, place: Option<u64>) {
        self.first_place = self.first_place.into_iter().chain(place).min();
    }

    /// An own message was answered.
    pub(crate) fn answered(
        &mut self,
        answered: MessageId,
        place: Option<(Epoch, u64)>,
        how: Sending,
        in_topic: bool,
    ) {
        let Some(index) = self.entries.iter().rposition(|entry| entry.id() == Some(answered)) else { return };
        let Some(What::Said { sending, seq, epoch, .. }) =
            self.entries.get_mut(index).map(|entry| &mut entry.what)
        else {
            return;
        };
        *sending = how;
        let Some((its_epoch, its_seq)) = place else { return };
        (*epoch, *seq) = (Some(its_epoch), Some(its_seq));
        // Others may have been faster.
        let is_in_order = (index + 1..self.entries.len()).all(|later| {
            self.entries[later].place().is_none_or(|(of, later)| of != its_epoch || later > its_seq)
        });
        if in_topic
            && !is_in_order
            && self.anchor.is_none()
            && let Some(entry) = self.entries.remove(index)
        {
            self.bytes -= entry.bytes();
            self.ids.remove(&answered);
            self.insert(entry, true);
        }
    }

    /// One goes here: what was not read yet begins where the divider is.
    pub(crate) fn enter(&mut self) {
        let unread = std::mem::take(&mut self.unread);
        self.mentions = 0;
        if unread > 0 {
            let theirs = self.entries.iter().enumerate().rev();
            let mut theirs = theirs.filter(|(_, entry)| entry.is_of_another());
            self.divider = theirs.nth(unread - 1).map(|(index, _)| index).or(Some(0));
        }
    }

    /// The newest that others said: whoever looks at the end has read up to there.
    pub(crate) fn newest(&self) -> Option<ReadTo> {
        self.newest
    }

    /// It was read up to there, perhaps on another device.
    pub(crate) fn read_to(&mut self, (epoch, seq): ReadTo) {
        let theirs = self.entries.iter().rev().filter(|entry| entry.is_of_another());
        let is_unread = |entry: &&Entry| entry.place().is_none_or(|(of, at)| of != epoch || at > seq);
        self.unread = theirs.take(self.unread).filter(is_unread).count();
        self.mentions = self.mentions.min(self.unread);
    }

    /// One goes elsewhere.
    pub(crate) fn leave(&mut self) {
        self.divider = None;
        self.found = None;
        self.anchor = None;
        self.chosen = None;
    }

    /// The key of the oldest message, for whoever wants older ones: its place in the topic, or its number.
    pub(crate) fn oldest(&self, in_topic: bool) -> Option<recado_proto::Place> {
        if let (true, Some(first)) = (in_topic, self.first_place) {
            return Some(recado_proto::Place::Seq(first));
        }
        self.entries.iter().find_map(|entry| match &entry.what {
            What::Said { seq: Some(seq), .. } if in_topic => Some(recado_proto::Place::Seq(*seq)),
            What::Said { id: Some(id), seq: Some(_), .. } if !in_topic => Some(recado_proto::Place::Id(*id)),
            What::Said { .. } | What::Found { .. } | What::Notice(_) | What::Failure(_) => None,
        })
    }

    /// Drops the oldest so many.
    pub(crate) fn forget(&mut self, count: usize) {
        for _ in 0..count {
            let Some(oldest) = self.entries.pop_front() else { return };
            self.bytes -= oldest.bytes();
            if let Some(id) = oldest.id() {
                self.ids.remove(&id);
                self.acts.remove(&id);
            }
            self.first_place = None;
            self.divider = self.divider.and_then(|divider| divider.checked_sub(1));
            if let Some(anchor) = &mut self.anchor {
                *anchor = match anchor.entry.checked_sub(1) {
                    Some(entry) => Anchor { entry, ..*anchor },
                    None => Anchor { entry: 0, row: 0 },
                };
            }
            self.older = Older::Unknown;
        }
    }

    /// Makes room for older ones: drops the latest so many, but none that one looks at.
    pub(crate) fn cut(&mut self, count: usize) {
        let kept = self.anchor.map_or(0, |anchor| anchor.entry + 1);
        let kept = self.entries.len().saturating_sub(count).max(kept);
        for entry in self.entries.drain(kept..) {
            self.bytes -= entry.bytes();
            if let Some(id) = entry.id() {
                self.ids.remove(&id);
                self.acts.remove(&id);
            }
            self.is_cut = true;
        }
        self.divider = self.divider.filter(|divider| *divider < kept);
    }

    /// Begins anew at the end, where the latest are to be fetched: nothing stays but what has no answer.
    pub(crate) fn restart(&mut self) {
        let unsent = |entry: &Entry| {
            matches!(entry.what, What::Said { sending: Sending::Pending | Sending::Failed, .. })
        };
        let before = std::mem::take(self);
        (self.unread, self.mentions, self.newest) = (before.unread, before.mentions, before.newest);
        self.topic = before.topic;
        for entry in before.entries.into_iter().filter(unsent) {
            self.insert(entry, false);
        }
    }

    fn forget_oldest(&mut self) {
        let beyond = self.entries.len().saturating_sub(limits::LOG_MESSAGES_MAX);
        let is_in_reach = self.anchor.is_some_and(|anchor| anchor.entry < limits::LOG_MESSAGES_IN_REACH);
        if !is_in_reach || beyond > limits::LOG_MESSAGES_IN_REACH {
            self.forget(beyond);
        }
    }
}

#[cfg(test)]
mod tests {
    use recado_proto::{Epoch, MessageId, Place, UserName};

    use super::{Anchor, Entry, Log, Sending, What};

    fn said(seq: Option<u64>, time_ms: i64, own: bool) -> Entry {
        let number = seq.unwrap_or(0).to_be_bytes()[7] ^ time_ms.to_be_bytes()[7].wrapping_mul(31);
        let what = What::Said {
            author: UserName::parse("ana").unwrap(),
            text: format!("{}", seq.unwrap_or(0)),
            own,
            sending: if seq.is_some() { Sending::Sent } else { Sending::Pending },
            id: Some(MessageId::from_bytes([number; 16])),
            seq,
            epoch: Some(Epoch::new(1).unwrap()),
            state: Box::default(),
            is_me: false,
            answers: None,
            quoted: None,
        };
        Entry { time_ms, what }
    }

    fn texts(log: &Log) -> String {
        let text = |index| match &log.entry(index).unwrap().what {
            What::Said { text, .. } | What::Found { text, .. } | What::Notice(text) | What::Failure(text) => {
                text.clone()
            }
        };
        (0..log.len()).map(text).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn messages_stand_in_their_order_and_once() {
        let mut log = Log::default();
        for seq in [5, 6, 4, 8, 7, 6, 1] {
            log.insert(said(Some(seq), 0, false), true);
        }
        assert_eq!(texts(&log), "1 4 5 6 7 8");
        assert_eq!(log.oldest(true), Some(Place::Seq(1)));
    }

    #[test]
    fn a_conversation_through_two_topics_goes_by_time() {
        let mut log = Log::default();
        for (seq, time) in [(9, 10), (1, 20), (10, 30), (2, 25)] {
            log.insert(said(Some(seq), time, false), false);
        }
        assert_eq!(texts(&log), "9 1 2 10");
    }

    #[test]
    fn an_own_message_takes_its_place_when_it_is_answered() {
        let mut log = Log::default();
        log.insert(said(Some(1), 0, false), true);
        let own = said(None, 1, true);
        let id = own.id().unwrap();
        log.insert(own, true);
        log.append(Entry { time_ms: 2, what: What::Notice("notice".into()) });
        log.insert(said(Some(2), 3, false), true);
        log.answered(id, Some((Epoch::new(1).unwrap(), 3)), Sending::Sent, true);
        assert_eq!(texts(&log), "1 notice 2 0");
        assert!(matches!(
            log.entry(3).unwrap().what,
            What::Said { sending: Sending::Sent, seq: Some(3), .. }
        ));
    }

    #[test]
    fn what_one_looks_at_stays_when_older_messages_come() {
        let mut log = Log::default();
        assert!((5..9).all(|seq| log.insert(said(Some(seq), 0, false), true)));
        log.look_at(Some(Anchor { entry: 2, row: 0 }));
        assert!((1..5).rev().all(|seq| log.insert(said(Some(seq), 0, false), true)));
        assert_eq!(log.anchor(), Some(Anchor { entry: 6, row: 0 }));
        log.insert(said(Some(9), 0, false), true);
        assert_eq!(log.anchor(), Some(Anchor { entry: 6, row: 0 }));
    }

    #[test]
    fn the_divider_stands_before_the_first_that_was_not_read() {
        let mut log = Log::default();
        assert!((1..6).all(|seq| log.insert(said(Some(seq), 0, seq == 4), true)));
        log.unread = 2;
        log.enter();
        assert_eq!((log.divider(), log.unread), (Some(2), 0));
        log.leave();
        log.enter();
        assert_eq!(log.divider(), None);
    }
}
