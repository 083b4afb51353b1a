//! What a page of history does to a topic.

use std::collections::BTreeSet;
use std::time::Instant;

use recado_proto::{Epoch, HistoryPage, Publication};

use crate::limits;

use super::super::outlet::Outlet;
use super::super::{Start, Via};
use super::{Phase, SEQ_MAX, TopicState, pause};

/// A page of a topic that has places, in their order.
pub(super) struct Page {
    messages: Vec<(u64, Publication)>,
    first_seq: u64,
    pub(super) last_seq: u64,
    pub(super) epoch: Epoch,
}

impl Page {
    pub(super) fn of(page: HistoryPage) -> Option<Self> {
        let epoch = page.epoch?;
        let mut messages: Vec<_> =
            page.messages.into_iter().filter_map(|message| Some((message.seq?, message))).collect();
        messages.retain(|(seq, _)| *seq <= SEQ_MAX);
        messages.sort_by_key(|(seq, _)| *seq);
        let last_known = messages.last().map_or(0, |(seq, _)| *seq);
        let last_seq = page.last_seq.unwrap_or(0).clamp(last_known, SEQ_MAX);
        Some(Self { messages, first_seq: page.first_seq.unwrap_or(0), last_seq, epoch })
    }
}

impl TopicState {
    /// The first page: what of it was asked for is delivered, then what came in the meantime.
    pub(super) fn begin(&mut self, start: Start, page: Page, now: Instant, out: &mut Outlet<'_>) {
        let backlog = match start {
            Start::After { epoch, seq } if epoch != page.epoch => {
                out.epoch_changed(page.epoch);
                self.former_epoch = Some(epoch);
                // What stands behind the old place was not seen in either epoch.
                let latest = page.last_seq.saturating_sub(limits::BACKLOG_MESSAGES.into());
                let start = Start::After { epoch: page.epoch, seq: seq.min(latest) };
                self.phase = Phase::Joining(start);
                self.fetch_at = Some(now);
                return;
            }
            Start::After { seq, .. } => return self.go_on(seq, page, now, out),
            Start::Beginning => return self.go_on(0, page, now, out),
            Start::Latest(backlog) => usize::try_from(backlog).unwrap_or(usize::MAX),
        };
        self.take_up(page.epoch);
        self.announce_by = Some(now + limits::JOIN_PATIENCE);
        let unasked = page.messages.len().saturating_sub(backlog);
        let next = page.messages.get(unasked).map_or(page.last_seq + 1, |(seq, _)| *seq);
        self.backlog_end = if backlog > 0 { page.last_seq } else { 0 };
        let next = self.begin_with_held(page.last_seq, next);
        self.phase = Phase::Live { next, epoch: page.epoch };
        self.claim(page.epoch, page.last_seq);
        for (seq, message) in page.messages {
            self.deliver_held_before(seq, out);
            if self.next() == Some(seq) {
                let via = if seq <= self.backlog_end { Via::Backlog } else { Via::Repair };
                self.deliver(seq, message, via, out);
            }
        }
        self.deliver_held(out);
    }

    /// The first page of what follows a place. One beyond the last is nobody's: somebody claimed it before.
    fn go_on(&mut self, seq: u64, page: Page, now: Instant, out: &mut Outlet<'_>) {
        self.take_up(page.epoch);
        self.backlog_end = page.last_seq;
        self.phase = Phase::Live { next: seq.min(page.last_seq) + 1, epoch: page.epoch };
        self.announce_by = Some(now + limits::JOIN_PATIENCE);
        self.fill(page, None, out);
    }

    /// The next place, if what came in the meantime is to be delivered too.
    fn begin_with_held(&mut self, last_seq: u64, next: u64) -> u64 {
        // It cannot lie further back than what could be held; who claims so is not to cause a long search.
        let held_max = u64::try_from(limits::HELD_MAX).unwrap_or(u64::MAX);
        self.held.discard_before(last_seq.saturating_sub(held_max));
        self.held.first().map_or(next, |held| held.min(next))
    }

    /// Another epoch: what was delivered, and is still there, shows where to go on. Where nothing of it is, what follows the
    /// old place is delivered, and some of the latest at least.
    pub(super) fn rejoin(&mut self, page: Page, out: &mut Outlet<'_>) {
        self.take_up(page.epoch);
        let begin = self.first_unseen(&page);
        let still_there: BTreeSet<_> =
            page.messages.iter().map(|(seq, message)| (*seq, message.id)).collect();
        self.recent.iter_mut().filter(|recent| !still_there.contains(recent)).for_each(|(seq, _)| *seq = 0);
        self.phase = Phase::Live { next: begin, epoch: page.epoch };
        self.backlog_end = 0;
        if page.messages.first().is_some_and(|(first, _)| *first > begin) {
            // More was missed than the page has: it is asked for from there.
            return self.claim(page.epoch, page.last_seq);
        }
        self.fill(page, None, out);
    }

    /// Where to go on in another epoch. What is delivered a second time is dropped by its `id`, so that too early does no harm.
    fn first_unseen(&mut self, page: &Page) -> u64 {
        // A message at the place that it always had was not lost. One at another place was, and was sent again: what lies before it
        // may be new.
        let kept = page.messages.iter().find(|(seq, message)| self.recent.contains(&(*seq, message.id)));
        if let Some((seq, _)) = kept {
            return *seq + 1;
        }
        let again = page.messages.iter().find(|(_, message)| self.was_delivered(message.id));
        let oldest = self.recent.iter().map(|(seq, _)| *seq).find(|seq| *seq > 0);
        match (again, oldest, page.messages.first()) {
            (Some((again, _)), Some(oldest), Some((first, _))) => oldest.clamp(*first, *again),
            (Some((again, _)), None, _) => *again,
            // What stands behind the old place was not seen in either epoch.
            (Some(_) | None, _, _) => {
                let latest = page.last_seq.saturating_sub(limits::BACKLOG_MESSAGES.into()) + 1;
                self.begin_with_held(page.last_seq, latest.min(self.former_next))
            }
        }
    }

    /// The places are counted anew.
    pub(super) fn change_epoch(&mut self, from: Epoch, to: Epoch, now: Instant, out: &mut Outlet<'_>) {
        out.epoch_changed(to);
        self.former_epoch = Some(from);
        self.former_next = self.next().unwrap_or(self.former_next);
        self.phase = Phase::Rejoining(to);
        self.take_up(to);
        self.fetch_at = Some(now);
        self.synced = false;
        out.wish_barrier();
    }

    /// What was held or said for another epoch than this one means nothing in it, but something may have come.
    fn take_up(&mut self, epoch: Epoch) {
        let held_another = !self.held.keep_epoch(epoch);
        let heard_another = self.head.take_if(|(of, _)| *of != epoch).is_some();
        self.puzzled |= held_another || heard_another;
    }

    /// A page of what follows the next place: what was missing is delivered, and what is kept no more is said to be missing.
    pub(super) fn fill(&mut self, page: Page, disputed: Option<u64>, out: &mut Outlet<'_>) {
        let page_was_empty = page.messages.is_empty();
        for (seq, message) in page.messages {
            // The page has everything that is kept from its beginning on, so what lies before this message is gone.
            self.skip_to(seq, out);
            let Some(next) = self.next() else { return };
            if seq == next {
                let held = self.held.remove(seq);
                let via = match held.is_some_and(|held| held.id == message.id) {
                    true => Via::Live,
                    false if seq <= self.backlog_end => Via::Backlog,
                    false => Via::Repair,
                };
                self.deliver(seq, message, via, out);
            } else if disputed.is_some_and(|disputed| seq >= disputed) {
                self.settle_dispute(seq, message, out);
            }
        }
        let end = page.last_seq + 1;
        self.skip_to(if page_was_empty { end } else { page.first_seq.min(end) }, out);
        self.deliver_held(out);
    }

    /// After a page: more is there, or what is said to be there is not.
    pub(super) fn look_further(
        &mut self,
        next: u64,
        last_seq: u64,
        was_futile: bool,
        now: Instant,
        out: &mut Outlet<'_>,
    ) {
        if next <= last_seq {
            self.futile = 0;
            self.claim_current(last_seq);
            self.fetch_at = Some(now);
        } else if was_futile && self.is_behind() {
            // The server commits before it publishes, so that after a few such pages what is said has no ground.
            self.futile += 1;
            let futile_max = if self.doubts > 0 { 1 } else { limits::FUTILE_PAGES_MAX };
            if self.futile <= futile_max {
                self.fetch_at = Some(now + out.shortened(pause(self.futile.max(self.doubts))));
                return;
            }
            self.futile = 0;
            self.doubt();
            out.unfounded(self.held.clear());
            self.head = None;
        } else {
            self.futile = 0;
        }
    }

    /// History says what stands at a place where something else was delivered before.
    fn settle_dispute(&mut self, seq: u64, message: Publication, out: &mut Outlet<'_>) {
        let recent = self.recent.iter_mut().find(|(recent, id)| *recent == seq && *id != message.id);
        if let Some((_, id)) = recent {
            *id = message.id;
            self.doubts = 0;
            out.deliver(message, Via::Repair);
        }
    }

    /// Gives up what lies between the next place and this one.
    fn skip_to(&mut self, seq: u64, out: &mut Outlet<'_>) {
        self.deliver_held_before(seq, out);
        while let Phase::Live { next, epoch } = self.phase
            && next < seq
        {
            let until = self.held.first().map_or(seq, |held| seq.min(held));
            out.missing(next, until - 1);
            self.phase = Phase::Live { next: until, epoch };
            self.deliver_held_before(seq, out);
        }
    }
}
