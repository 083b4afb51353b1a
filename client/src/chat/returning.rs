//! Coming back: what was kept from the last time, and what was said meanwhile.

use recado_proto::{ChannelName, HistoryPage, MessageId};

use crate::kept::{Kept, Record, Unsent};
use crate::limits;
use crate::receiver::{Start, Topic};
use crate::session::RequestError;

use super::draft::Draft;
use super::item::{Item, Message, Notice, Place};
use super::outbox::Outgoing;
use super::{Ask, Chat, Effect};

/// A channel that is being joined.
#[derive(Debug)]
pub(super) struct Joining {
    /// How many of its messages were shown so far.
    pub(super) shown: usize,
    /// This user was in it before, and hears what was said since.
    pub(super) returning: bool,
}

impl Chat {
    /// What was kept from the last time, before the chat begins.
    pub fn take_up(&mut self, kept: Kept) {
        self.was_here = kept.was_here;
        self.places = kept.places;
        self.returning = kept.channels.into();
        for unsent in kept.unsent {
            // Whether it arrived then is unknown.
            let Unsent { id, to, text, manner } = unsent;
            self.outbox.push(Outgoing { id, to, text, manner, tried: true });
        }
    }

    /// So many direct messages came since this user was here last; they follow.
    pub fn on_direct_since(&mut self, count: usize) {
        self.direct_backlog_begun = true;
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        self.notice(Notice::Away { channel: None, count, shown: count });
    }

    /// This is typed there and not sent yet.
    pub fn on_draft(&mut self, place: Place, draft: Draft) {
        self.keep(Record::Draft(place, draft), false);
    }

    /// What could not be written down: from now on nothing is kept.
    pub fn on_keep_failed(&mut self, reason: String) {
        if std::mem::replace(&mut self.keeps, false) {
            self.notice(Notice::KeepsNothing { reason });
        }
    }

    /// Whether something was shown whose place was not written down yet.
    pub fn has_unsaved_places(&self) -> bool {
        self.keeps && !self.unsaved.is_empty()
    }

    /// The places to write down.
    pub fn take_unsaved_places(&mut self) -> Vec<Record> {
        let unsaved = std::mem::take(&mut self.unsaved).into_iter();
        let placed = unsaved.filter_map(|topic| {
            let (epoch, seq) = *self.places.get(&topic)?;
            Some(Record::Shown { topic, epoch, seq })
        });
        placed.collect()
    }

    /// Sends what has no answer from the last time, before anything newer.
    pub(super) fn send_kept(&mut self) {
        let kept: Vec<Outgoing> = self.outbox.all().cloned().collect();
        if kept.is_empty() {
            return;
        }
        self.notice(Notice::KeptBefore { lines: kept.len() });
        // A script does not see what it says itself.
        let shown = if self.unattended { Vec::new() } else { kept };
        for Outgoing { id, to, text, manner, .. } in shown {
            self.show(Item::Message(Message {
                current: false,
                place: to,
                author: self.user.clone(),
                text,
                time_ms: written_at(id),
                id: Some(id),
                seq: None,
                epoch: None,
                earlier: true,
                own: true,
                manner,
                quoted: None,
                edited: false,
                acts: Vec::new(),
            }));
        }
        self.send_next(false);
    }

    /// Joins the next channel that this user was in, after the one before is joined, so that they come in their order.
    pub(super) fn return_to_next(&mut self) {
        if let Some(channel) = self.returning.pop_front() {
            return self.look(channel);
        }
        if std::mem::take(&mut self.is_returning)
            && let Some(channel) = self.current().cloned()
        {
            // The last one could not be joined.
            self.notice(Notice::Switched { channel });
        }
    }

    /// See first how much was said.
    pub(super) fn look(&mut self, channel: ChannelName) {
        self.ask(Ask::Look(channel));
    }

    pub(super) fn on_looked(&mut self, channel: ChannelName, result: Result<HistoryPage, RequestError>) {
        self.waiting = self.waiting.saturating_sub(1);
        let HistoryPage { epoch: Some(epoch), last_seq: Some(last_seq), .. } = result.unwrap_or_default()
        else {
            // Why there is nothing is said when it cannot be joined.
            return self.begin_joining(channel, Start::Latest(self.backlog), false);
        };
        let topic = Topic::Channel(channel.clone());
        let place = self.places.get(&topic).copied();
        let (known, seq) = place.unwrap_or((epoch, 0));
        if known != epoch {
            return self.begin_joining(channel, Start::After { epoch: known, seq }, false);
        }
        // It may have been read further on another device.
        let mark = self.read_mark(&Place::Channel(channel.clone())).filter(|(of, _)| *of == epoch);
        let seq = mark.map_or(seq, |(_, read)| read.max(seq));
        let count = last_seq.saturating_sub(seq);
        let shown = count.min(limits::RETURN_MESSAGES_MAX);
        if count > shown {
            self.leave_unread(topic, (epoch, seq));
        }
        if count > 0 {
            self.notice(Notice::Away { channel: Some(channel.clone()), count, shown });
        }
        self.begin_joining(channel, Start::After { epoch, seq: last_seq.max(seq) - shown }, true);
    }

    pub(super) fn begin_joining(&mut self, channel: ChannelName, start: Start, returning: bool) {
        self.joining.insert(channel.clone(), Joining { shown: 0, returning });
        self.effects.push_back(Effect::Ask(Ask::Join { channel, start }));
    }

    pub(super) fn keep(&mut self, record: Record, durable: bool) {
        if self.keeps {
            self.effects.push_back(Effect::Keep { record, durable });
        }
    }
}

/// When a message was written, in Unix milliseconds: our numbers (UUIDv7) begin with it.
fn written_at(id: MessageId) -> i64 {
    id.as_bytes()[..6].iter().fold(0, |time, byte| time << 8 | i64::from(*byte))
}
