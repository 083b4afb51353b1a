//! What is known of one topic: where it stands, what is held until an earlier message has come, and when to ask for it.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use recado_proto::{Epoch, HistoryPage, MessageId, Publication, Range};

use crate::limits;

use super::{Outlet, Via, after};

/// A part of a topic's history that is to be asked for.
pub(crate) struct Repair {
    pub(crate) range: Range,
    pub(crate) limit: u32,
}

/// A page of a topic that has places.
struct Page {
    messages: Vec<(u64, Publication)>,
    first_seq: u64,
    last_seq: u64,
    epoch: Epoch,
}

impl Page {
    fn of(page: HistoryPage) -> Option<Self> {
        let epoch = page.epoch?;
        let messages: Vec<_> =
            page.messages.into_iter().filter_map(|message| Some((message.seq?, message))).collect();
        let last_known = messages.last().map_or(0, |(seq, _)| *seq);
        // A counter at its end would leave no next place; no server gets there.
        let last_seq = page.last_seq.unwrap_or(0).clamp(last_known.min(SEQ_MAX), SEQ_MAX);
        Some(Self { messages, first_seq: page.first_seq.unwrap_or(0), last_seq, epoch })
    }
}

const SEQ_MAX: u64 = u64::MAX - 1;

#[derive(Debug)]
enum Phase {
    /// The page that says where the topic stands has not come.
    Joining { backlog: u32, announced: bool },
    /// Everything before `next` was delivered.
    Live { next: u64, epoch: Epoch },
    /// No history: publications are delivered as they come.
    Unrepaired,
}

#[derive(Debug)]
pub(crate) struct TopicState {
    phase: Phase,
    /// By place, all of one epoch, all beyond what was delivered.
    held: BTreeMap<u64, (Publication, Via)>,
    held_epoch: Option<Epoch>,
    /// Late publications of this epoch may still arrive; they are repeats.
    former_epoch: Option<Epoch>,
    recent_ids: VecDeque<MessageId>,
    fetching: bool,
    fetch_at: Option<Instant>,
    tail_checks: Vec<Instant>,
    failures: u32,
    /// Pages in a row that did not reach what is held.
    futile: u32,
}

impl TopicState {
    pub(crate) fn joining(backlog: u32, now: Instant) -> Self {
        Self::new(Phase::Joining { backlog, announced: false }, Some(now))
    }

    pub(crate) fn unrepaired() -> Self {
        Self::new(Phase::Unrepaired, None)
    }

    fn new(phase: Phase, fetch_at: Option<Instant>) -> Self {
        Self {
            phase,
            held: BTreeMap::new(),
            held_epoch: None,
            former_epoch: None,
            recent_ids: VecDeque::new(),
            fetching: false,
            fetch_at,
            tail_checks: Vec::new(),
            failures: 0,
            futile: 0,
        }
    }

    /// When [`TopicState::take_due`] has something.
    pub(crate) fn due(&self, paused: bool) -> Option<Instant> {
        if self.fetching || paused && !matches!(self.phase, Phase::Joining { .. }) {
            return None;
        }
        self.fetch_at.into_iter().chain(self.tail_checks.iter().copied()).min()
    }

    /// What is to be asked for now; the answer has to come before there is more.
    pub(crate) fn take_due(&mut self, now: Instant, paused: bool) -> Option<Repair> {
        if self.due(paused)? > now {
            return None;
        }
        self.fetch_at = None;
        self.tail_checks.retain(|at| *at > now);
        let repair = match self.phase {
            Phase::Joining { backlog, .. } => Repair { range: Range::Latest, limit: backlog.max(1) },
            Phase::Live { next, .. } => {
                Repair { range: after(next.saturating_sub(1)), limit: limits::REPAIR_PAGE_MESSAGES }
            }
            Phase::Unrepaired => return None,
        };
        self.fetching = true;
        Some(repair)
    }

    pub(crate) fn check_tail(&mut self, now: Instant) {
        if matches!(self.phase, Phase::Live { .. }) {
            self.check_tail_later(now);
            self.tail_checks.push(now);
        }
    }

    fn check_tail_later(&mut self, now: Instant) {
        self.tail_checks.clear();
        self.tail_checks.extend(limits::TAIL_CHECKS.map(|later| now + later));
    }

    pub(crate) fn retry_now(&mut self, now: Instant) {
        if self.failures > 0 && !self.fetching {
            self.fetch_at = Some(now);
        }
    }

    pub(crate) fn on_publication(&mut self, publication: Publication, now: Instant, out: &mut Outlet<'_>) {
        if let Phase::Unrepaired = self.phase {
            return self.deliver_once(publication, out);
        }
        // A plain program published it straight to the broker: it is kept nowhere and has no place.
        let (Some(seq @ ..=SEQ_MAX), Some(epoch)) = (publication.seq, publication.epoch) else {
            return self.deliver_once(publication, out);
        };
        if self.former_epoch == Some(epoch) {
            return out.repeat();
        }
        match self.phase {
            Phase::Live { next, epoch: current } if epoch == current => {
                if seq < next {
                    return out.repeat();
                }
                self.hold(seq, epoch, publication, Via::Live, out);
                self.deliver_held(out);
                if !self.held.is_empty() && self.fetch_at.is_none() {
                    self.fetch_at = Some(now + limits::GAP_PATIENCE);
                }
            }
            Phase::Live { epoch: current, .. } => {
                out.epoch_changed(epoch);
                self.former_epoch = Some(current);
                self.held.clear();
                self.phase = Phase::Joining { backlog: 0, announced: true };
                self.fetch_at = Some(now);
                self.hold(seq, epoch, publication, Via::Live, out);
            }
            Phase::Joining { .. } => self.hold(seq, epoch, publication, Via::Live, out),
            Phase::Unrepaired => {}
        }
    }

    pub(crate) fn on_page(&mut self, page: HistoryPage, now: Instant, out: &mut Outlet<'_>) {
        self.fetching = false;
        self.failures = 0;
        let Some(page) = Page::of(page) else {
            // The server has history but no places: nothing can be compared.
            return self.on_page_failed(true, now, out);
        };
        match self.phase {
            Phase::Joining { backlog, announced } => {
                self.begin(page, backlog, now, out);
                self.check_tail_later(now);
                if !announced {
                    out.joined();
                }
            }
            Phase::Live { next, epoch } if epoch == page.epoch => self.fill(next, page, now, out),
            Phase::Live { epoch, .. } => {
                out.epoch_changed(page.epoch);
                self.former_epoch = Some(epoch);
                self.held.clear();
                self.begin(page, 0, now, out);
            }
            Phase::Unrepaired => {}
        }
        if self.held.is_empty() {
            self.futile = 0;
        } else if self.fetch_at.is_none() {
            self.ask_again_for_held(now, out);
        }
    }

    pub(crate) fn on_page_failed(&mut self, for_good: bool, now: Instant, out: &mut Outlet<'_>) {
        self.fetching = false;
        if for_good {
            let announced = !matches!(self.phase, Phase::Joining { announced: false, .. });
            self.phase = Phase::Unrepaired;
            if !announced {
                out.joined();
            }
            for (publication, via) in std::mem::take(&mut self.held).into_values() {
                out.deliver(publication, via);
            }
            return;
        }
        // The question asked again compares the tail as well.
        self.tail_checks.clear();
        self.failures += 1;
        self.fetch_at = Some(now + pause(self.failures));
    }

    /// The first page: what of it was asked for is delivered, then what came in the meantime.
    fn begin(&mut self, page: Page, backlog: u32, now: Instant, out: &mut Outlet<'_>) {
        if self.held_epoch != Some(page.epoch) {
            self.held.clear();
        }
        let shown = page.messages.len().saturating_sub(usize::try_from(backlog).unwrap_or(usize::MAX));
        let mut next = page.last_seq + 1;
        for (seq, message) in page.messages.into_iter().skip(shown) {
            next = next.min(seq);
            self.held.insert(seq, (message, Via::Backlog));
        }
        self.held_epoch = Some(page.epoch);
        // What came while joining cannot lie further back than what could be held; who claims so is not to cause a long search.
        let floor = page.last_seq.saturating_sub(u64::try_from(limits::HELD_MAX).unwrap_or(u64::MAX));
        self.held = self.held.split_off(&floor);
        if let Some((first, _)) = self.held.first_key_value() {
            next = next.min(*first);
        }
        self.phase = Phase::Live { next, epoch: page.epoch };
        self.deliver_held(out);
        if matches!(self.phase, Phase::Live { next, .. } if next <= page.last_seq) {
            self.fetch_at = Some(now + limits::GAP_PATIENCE);
        }
    }

    /// A page of what follows `next`: what was missing is delivered, and what is kept no more is said to be missing.
    fn fill(&mut self, next: u64, page: Page, now: Instant, out: &mut Outlet<'_>) {
        let page_was_empty = page.messages.is_empty();
        for (seq, message) in page.messages {
            if seq >= next && !self.held.contains_key(&seq) {
                self.held.insert(seq, (message, Via::Repair));
            }
            self.held_epoch = Some(page.epoch);
            // The page has everything that is kept from `next` on, so what lies before this message is gone.
            self.skip_to(seq, out);
            self.deliver_held(out);
        }
        self.skip_to(page.first_seq.min(page.last_seq + 1), out);
        let Phase::Live { next, .. } = self.phase else { return };
        if next <= page.last_seq {
            if page_was_empty {
                self.skip_to(page.last_seq + 1, out);
            } else {
                self.fetch_at = Some(now);
            }
        }
        self.deliver_held(out);
    }

    /// A page did not reach what is held. The server commits before it publishes, so that after a few such pages what is held
    /// has no ground (anyone may publish to an open broker) and is dropped.
    fn ask_again_for_held(&mut self, now: Instant, out: &mut Outlet<'_>) {
        self.futile += 1;
        if self.futile > limits::FUTILE_PAGES_MAX {
            self.futile = 0;
            out.unfounded(self.held.len());
            self.held.clear();
        } else {
            self.fetch_at = Some(now + pause(self.futile));
        }
    }

    /// Gives up what lies between the next place and this one.
    fn skip_to(&mut self, seq: u64, out: &mut Outlet<'_>) {
        self.deliver_held(out);
        while let Phase::Live { next, epoch } = self.phase
            && next < seq
        {
            let until = self.held.first_key_value().map_or(seq, |(held, _)| seq.min(*held));
            out.missing(next, until - 1);
            self.phase = Phase::Live { next: until, epoch };
            self.deliver_held(out);
        }
    }

    fn hold(&mut self, seq: u64, epoch: Epoch, publication: Publication, via: Via, out: &mut Outlet<'_>) {
        if self.held_epoch != Some(epoch) {
            self.held.clear();
            self.held_epoch = Some(epoch);
        }
        if self.held.contains_key(&seq) {
            out.repeat();
        } else if self.held.len() >= limits::HELD_MAX {
            out.overflowed();
        } else {
            self.held.insert(seq, (publication, via));
        }
    }

    fn deliver_held(&mut self, out: &mut Outlet<'_>) {
        let Phase::Live { next, .. } = &mut self.phase else { return };
        while let Some(entry) = self.held.first_entry() {
            if *entry.key() > *next {
                return;
            }
            let (seq, (publication, via)) = entry.remove_entry();
            if seq == *next {
                *next += 1;
                out.deliver(publication, via);
            } else {
                out.repeat();
            }
        }
    }

    fn deliver_once(&mut self, publication: Publication, out: &mut Outlet<'_>) {
        if let Some(id) = publication.id {
            if self.recent_ids.contains(&id) {
                return out.repeat();
            }
            if self.recent_ids.len() >= limits::RECENT_IDS_MAX {
                self.recent_ids.pop_front();
            }
            self.recent_ids.push_back(id);
        }
        out.deliver(publication, Via::Live);
    }
}

fn pause(failures: u32) -> Duration {
    let doubled = limits::REPAIR_RETRY_FIRST.saturating_mul(1 << failures.saturating_sub(1).min(16));
    doubled.min(limits::REPAIR_RETRY_MAX)
}
