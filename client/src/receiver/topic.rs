//! What is known of one topic: where it stands, what is held until an earlier message has come, and when to ask for it.
//!
//! Anybody may publish to an open broker, so that whatever comes from there is a claim. History decides: only a page moves a
//! place forward over something that has not come, gives something up, or changes the epoch.

mod page;

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use recado_proto::{Epoch, HistoryPage, MessageId, Place, Publication, Range};

use crate::limits;

use self::page::Page;
use super::held::Held;
use super::outlet::Outlet;
use super::{Start, Via};

/// A counter at its end would leave no next place; no server gets there.
const SEQ_MAX: u64 = u64::MAX - 1;

/// A part of a topic's history that is to be asked for.
pub(crate) struct Repair {
    pub(crate) range: Range,
    pub(crate) limit: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// The page that says where the topic stands has not come.
    Joining(Start),
    /// The epoch has changed, and the page that says how far what was delivered is still there has not come.
    Rejoining(Epoch),
    /// Everything before `next` was delivered.
    Live { next: u64, epoch: Epoch },
    /// No history: publications are delivered as they come.
    Unrepaired,
}

#[derive(Debug)]
pub(crate) struct TopicState {
    phase: Phase,
    hears_heads: bool,
    announced: bool,
    /// The barrier has passed, or none is to be expected.
    synced: bool,
    /// The first page is there: how long the barrier is waited for before the topic is announced without it.
    announce_by: Option<Instant>,
    /// The barrier was waited for long enough.
    overdue: bool,
    /// The topic's last place when it was joined.
    backlog_end: u64,
    held: Held,
    /// The highest place that is said to exist, and in which epoch.
    head: Option<(Epoch, u64)>,
    /// Something came that only history can explain.
    puzzled: bool,
    /// The lowest place at which another message came than the one that was delivered.
    disputed: Option<u64>,
    /// Late publications of this epoch may still arrive; they are repeats.
    former_epoch: Option<Epoch>,
    /// The place that was next in it.
    former_next: u64,
    /// What was delivered last, by place.
    recent: VecDeque<(u64, Option<MessageId>)>,
    /// What was delivered last of that which has no place.
    recent_ids: VecDeque<MessageId>,
    asked: Option<Asked>,
    fetch_at: Option<Instant>,
    failures: u32,
    /// Pages in a row that did not have what is said to exist.
    futile: u32,
    /// How often what was said to exist did not.
    doubts: u32,
}

/// What a question under way is to explain.
#[derive(Debug)]
struct Asked {
    /// More was said to be there than was delivered.
    behind: bool,
    puzzled: bool,
    disputed: Option<u64>,
    /// Only what is said to be there was asked for. What follows it is on its way, and was not lost.
    bounded: bool,
}

impl TopicState {
    pub(crate) fn joining(start: Start, now: Instant) -> Self {
        Self { fetch_at: Some(now), ..Self::new(Phase::Joining(start)) }
    }

    pub(crate) fn unrepaired() -> Self {
        Self { announced: true, ..Self::new(Phase::Unrepaired) }
    }

    fn new(phase: Phase) -> Self {
        Self {
            phase,
            hears_heads: phase != Phase::Unrepaired,
            announced: false,
            synced: false,
            announce_by: None,
            overdue: false,
            backlog_end: 0,
            held: Held::default(),
            head: None,
            puzzled: false,
            disputed: None,
            former_epoch: None,
            former_next: u64::MAX,
            recent: VecDeque::new(),
            recent_ids: VecDeque::new(),
            asked: None,
            fetch_at: None,
            failures: 0,
            futile: 0,
            doubts: 0,
        }
    }

    /// When [`TopicState::take_due`] has something.
    pub(crate) fn due(&self, paused: bool) -> Option<Instant> {
        if self.asked.is_some() || paused && !self.is_joining() {
            return None;
        }
        self.fetch_at
    }

    /// Whether what is due is the page that a topic begins with.
    pub(crate) fn is_joining(&self) -> bool {
        matches!(self.phase, Phase::Joining(_))
    }

    /// The last place before which nothing is missing.
    pub(crate) fn place(&self) -> Option<(Epoch, u64)> {
        match self.phase {
            Phase::Live { next, epoch } => Some((epoch, next - 1)),
            Phase::Joining(_) | Phase::Rejoining(_) | Phase::Unrepaired => None,
        }
    }

    pub(crate) fn is_repaired(&self) -> bool {
        self.phase != Phase::Unrepaired
    }

    /// Whether its beacon was subscribed to.
    pub(crate) fn hears_heads(&self) -> bool {
        self.hears_heads
    }

    pub(crate) fn held_bytes(&self) -> usize {
        self.held.bytes()
    }

    /// When [`TopicState::on_timeout`] wants to be called.
    pub(crate) fn announce_by(&self) -> Option<Instant> {
        self.announce_by
    }

    pub(crate) fn on_timeout(&mut self, now: Instant, out: &mut Outlet<'_>) {
        self.announce(now, out);
    }

    /// What is to be asked for now; the answer has to come before there is more.
    pub(crate) fn take_due(&mut self) -> Option<Repair> {
        self.fetch_at = None;
        let mut asked = Asked {
            bounded: false,
            behind: self.is_behind(),
            puzzled: std::mem::take(&mut self.puzzled),
            disputed: self.disputed.take(),
        };
        let repair = match self.phase {
            Phase::Joining(Start::Latest(backlog)) => Repair { range: Range::Latest, limit: backlog.max(1) },
            Phase::Joining(Start::Beginning) => {
                Repair { range: after(0), limit: limits::REPAIR_PAGE_MESSAGES }
            }
            Phase::Joining(Start::After { seq, .. }) => {
                Repair { range: after(seq.min(SEQ_MAX)), limit: limits::REPAIR_PAGE_MESSAGES }
            }
            Phase::Rejoining(_) => Repair { range: Range::Latest, limit: limits::REPAIR_PAGE_MESSAGES },
            Phase::Live { next, .. } => {
                let from = asked.disputed.map_or(next, |disputed| disputed.min(next));
                let mut limit = limits::REPAIR_PAGE_MESSAGES;
                if !asked.puzzled
                    && asked.disputed.is_none()
                    && let Some((_, head)) = self.head.filter(|(_, head)| *head >= next)
                {
                    limit = u32::try_from(head - next + 1).unwrap_or(u32::MAX).min(limit);
                    asked.bounded = true;
                }
                Repair { range: after(from.saturating_sub(1)), limit }
            }
            Phase::Unrepaired => return None,
        };
        self.asked = Some(asked);
        Some(repair)
    }

    /// A server is there again: what failed is asked for without waiting longer.
    pub(crate) fn retry_now(&mut self, now: Instant) {
        if self.failures > 0 && self.asked.is_none() {
            self.fetch_at = Some(now);
        }
    }

    /// A barrier is on its way again.
    pub(crate) fn unsync(&mut self) {
        self.synced = false;
    }

    /// The barrier has passed: what was subscribed is live. A topic that does not exist yet has no head.
    pub(crate) fn on_barrier(&mut self, head: Option<(Epoch, u64)>, now: Instant, out: &mut Outlet<'_>) {
        self.synced = true;
        if let Some((epoch, seq)) = head {
            self.on_head(epoch, seq, now, out);
        }
        self.announce(now, out);
    }

    /// The server knows no barriers: what was published while the subscription travelled is looked for a moment later.
    pub(crate) fn on_barrier_refused(&mut self, now: Instant, out: &mut Outlet<'_>) {
        self.synced = true;
        if self.is_repaired() {
            self.puzzled = true;
            self.fetch_at.get_or_insert(now + out.jittered(limits::UNSYNCED_TAIL_CHECK));
        }
        self.announce(now, out);
    }

    /// The topic is said to go up to this place.
    pub(crate) fn on_head(&mut self, epoch: Epoch, seq: u64, now: Instant, out: &mut Outlet<'_>) {
        match self.phase {
            Phase::Unrepaired => return,
            Phase::Live { epoch: current, .. } | Phase::Rejoining(current) if epoch != current => {
                if self.former_epoch != Some(epoch) {
                    self.puzzled = true;
                }
            }
            Phase::Live { .. } | Phase::Rejoining(_) | Phase::Joining(_) => self.claim(epoch, seq),
        }
        self.settle(now, out);
    }

    pub(crate) fn on_publication(&mut self, publication: Publication, now: Instant, out: &mut Outlet<'_>) {
        if let Phase::Unrepaired = self.phase {
            return self.deliver_placeless(publication, out);
        }
        // A plain program published it straight to the broker: it is kept nowhere and has no place.
        let (Some(seq @ ..=SEQ_MAX), Some(epoch)) = (publication.seq, publication.epoch) else {
            return self.deliver_placeless(publication, out);
        };
        if self.former_epoch == Some(epoch) {
            return out.repeat();
        }
        match self.phase {
            Phase::Live { next, epoch: current } if epoch == current => {
                if seq < next {
                    self.dispute(seq, publication.id);
                    out.repeat();
                } else if seq == next {
                    self.deliver(seq, publication, Via::Live, out);
                    self.deliver_held(out);
                } else {
                    self.hold(seq, epoch, publication, out);
                }
            }
            Phase::Rejoining(current) if epoch == current => self.hold(seq, epoch, publication, out),
            Phase::Live { .. } | Phase::Rejoining(_) => {
                self.puzzled = true;
                out.foreign();
            }
            Phase::Joining(_) => self.hold(seq, epoch, publication, out),
            Phase::Unrepaired => {}
        }
        self.settle(now, out);
        self.announce(now, out);
    }

    pub(crate) fn on_page(&mut self, page: HistoryPage, now: Instant, out: &mut Outlet<'_>) {
        self.failures = 0;
        let Some(page) = Page::of(page) else {
            // The server has history but no places: nothing can be compared.
            return self.on_page_failed(true, now, out);
        };
        let asked = self.asked.take();
        let last_seq = page.last_seq;
        let known = self.next();
        match self.phase {
            Phase::Joining(start) => self.begin(start, page, now, out),
            Phase::Rejoining(_) => self.rejoin(page, out),
            Phase::Live { epoch, .. } if epoch == page.epoch => {
                self.fill(page, asked.as_ref().and_then(|asked| asked.disputed), out);
            }
            Phase::Live { epoch, .. } => self.change_epoch(epoch, page.epoch, now, out),
            Phase::Unrepaired => return,
        }
        if let Phase::Live { next, .. } = self.phase {
            let brought_nothing = known == Some(next);
            if known.is_some_and(|known| known < next) {
                self.doubts = 0;
            } else if brought_nothing && asked.as_ref().is_some_and(|asked| asked.puzzled) {
                self.doubt();
            }
            let was_futile = brought_nothing && asked.as_ref().is_some_and(|asked| asked.behind);
            let is_answered = asked.is_some_and(|asked| asked.bounded) && !self.is_behind();
            if !(is_answered && next <= last_seq) {
                self.look_further(next, last_seq, was_futile, now, out);
            }
        }
        self.settle(now, out);
        self.announce(now, out);
    }

    pub(crate) fn on_page_failed(&mut self, for_good: bool, now: Instant, out: &mut Outlet<'_>) {
        let asked = self.asked.take();
        if for_good {
            self.phase = Phase::Unrepaired;
            self.fetch_at = None;
            self.synced = true;
            self.announce(now, out);
            for publication in self.held.take_all() {
                out.deliver(publication, Via::Live);
            }
            return;
        }
        if let Some(asked) = asked {
            self.puzzled |= asked.puzzled;
            self.disputed = self.disputed.into_iter().chain(asked.disputed).min();
        }
        self.failures += 1;
        self.fetch_at = Some(now + out.shortened(pause(self.failures)));
    }

    /// If there is a reason to ask, it is done after a moment: what is missing may just be on its way, over another broker.
    fn settle(&mut self, now: Instant, out: &mut Outlet<'_>) {
        let has_reason = match self.phase {
            Phase::Joining(_) | Phase::Rejoining(_) => return,
            Phase::Live { .. } => self.is_behind() || self.puzzled || self.disputed.is_some(),
            Phase::Unrepaired => false,
        };
        if !has_reason {
            self.fetch_at = None;
            self.failures = 0;
            self.futile = 0;
        } else if self.asked.is_none() && self.fetch_at.is_none() {
            let patience = match self.doubts {
                0 => out.jittered(limits::GAP_PATIENCE),
                doubts => out.jittered(limits::GAP_PATIENCE) + out.shortened(pause(doubts)),
            };
            self.fetch_at = Some(now + patience);
        }
    }

    /// Says that the topic is joined, once the backlog is there and the barrier has passed or does not come.
    fn announce(&mut self, now: Instant, out: &mut Outlet<'_>) {
        if self.announced {
            return;
        }
        let is_ready = match self.phase {
            Phase::Joining(_) | Phase::Rejoining(_) => false,
            Phase::Live { next, .. } => next > self.backlog_end,
            Phase::Unrepaired => true,
        };
        self.overdue |= self.announce_by.take_if(|by| *by <= now).is_some();
        if is_ready && (self.synced || self.overdue) {
            self.announced = true;
            self.announce_by = None;
            out.joined();
        }
    }

    fn next(&self) -> Option<u64> {
        match self.phase {
            Phase::Live { next, .. } => Some(next),
            Phase::Joining(_) | Phase::Rejoining(_) | Phase::Unrepaired => None,
        }
    }

    /// Whether something is said to be there that was not delivered.
    fn is_behind(&self) -> bool {
        let Phase::Live { next, .. } = self.phase else { return false };
        !self.held.is_empty() || self.head.is_some_and(|(_, head)| head >= next)
    }

    fn claim(&mut self, epoch: Epoch, seq: u64) {
        match &mut self.head {
            Some((of, head)) if *of == epoch => *head = (*head).max(seq.min(SEQ_MAX)),
            Some(_) => self.puzzled = true,
            None => self.head = Some((epoch, seq.min(SEQ_MAX))),
        }
    }

    fn claim_current(&mut self, seq: u64) {
        if let Phase::Live { epoch, .. } = self.phase {
            self.claim(epoch, seq);
        }
    }

    fn doubt(&mut self) {
        self.doubts = (self.doubts + 1).min(limits::DOUBTS_MAX);
    }

    /// Something came at a place that was delivered: a repeat, or else one of the two is no message of the server's.
    fn dispute(&mut self, seq: u64, id: Option<MessageId>) {
        let was_another =
            self.recent.iter().rev().any(|(recent, delivered)| *recent == seq && *delivered != id);
        if was_another {
            self.disputed = Some(self.disputed.map_or(seq, |disputed| disputed.min(seq)));
        }
    }

    fn hold(&mut self, seq: u64, epoch: Epoch, publication: Publication, out: &mut Outlet<'_>) {
        if !self.held.is_of(epoch) {
            self.puzzled = true;
            return out.foreign();
        }
        self.claim(epoch, seq);
        self.held.insert(seq, epoch, publication, out);
    }

    fn deliver_held(&mut self, out: &mut Outlet<'_>) {
        self.deliver_held_before(u64::MAX, out);
    }

    fn deliver_held_before(&mut self, end: u64, out: &mut Outlet<'_>) {
        while let Some(next) = self.next()
            && let Some(seq) = self.held.first()
            && seq <= next
            && seq < end
        {
            let Some(publication) = self.held.remove(seq) else { return };
            if seq == next {
                self.deliver(seq, publication, Via::Live, out);
            } else {
                out.repeat();
            }
        }
    }

    /// Delivers what stands at the next place.
    fn deliver(&mut self, seq: u64, publication: Publication, via: Via, out: &mut Outlet<'_>) {
        if let Phase::Live { next, .. } = &mut self.phase {
            *next = seq + 1;
        }
        // Sent again after the store had lost it, it comes under the same `id`, at another place.
        if self.former_epoch.is_some() && self.was_delivered(publication.id) {
            return out.repeat();
        }
        if self.recent.len() >= limits::RECENT_IDS_MAX {
            self.recent.pop_front();
        }
        self.recent.push_back((seq, publication.id));
        out.deliver(publication, via);
    }

    fn was_delivered(&self, id: Option<MessageId>) -> bool {
        id.is_some() && self.recent.iter().any(|(_, recent)| *recent == id)
    }

    fn deliver_placeless(&mut self, publication: Publication, out: &mut Outlet<'_>) {
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

fn after(seq: u64) -> Range {
    Range::After(Place::Seq(seq))
}

/// Before the same is asked again; it doubles each time.
fn pause(failures: u32) -> Duration {
    let doubled = limits::REPAIR_RETRY_FIRST.saturating_mul(1 << failures.saturating_sub(1).min(16));
    doubled.min(limits::REPAIR_RETRY_MAX)
}
