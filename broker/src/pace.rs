//! Whom publishers wait for. A subscriber that is behind is waited for, so that it loses nothing; one that has stalled, or
//! that alone holds the others up, is not, for a while, and so loses what does not fit its queue. Knows nothing of queues
//! or sockets; time is an argument.
//!
//! Two rules. One who takes nothing at all for [`HOLD_STALLED_MS`] while it is waited for has stalled; less, when others did so
//! lately or left before: waiting in vain draws on a patience that all have in common, and grows by a tenth of the time. Who has kept up
//! for a while has a little of its own. And at the end of each
//! window, one who was waited for during more than [`HOLD_WINDOW_WAIT_MS`] of it, and [`HOLD_SHARE`] times as long as
//! the others on average, holds them up: so the pace is that of the crowd, however slow, and not that of the slowest. Each
//! time it is put on probation for twice as long; and it is waited for again only if it falls behind anew after that.

use std::time::{Duration, Instant};

use crate::limits::{
    HOLD_PROVEN_AFTER_MS, HOLD_PROVEN_MS, HOLD_SHARE, HOLD_STALLED_MS, HOLD_STEP_MS, HOLD_VAIN_PART,
    HOLD_WINDOW_MS, HOLD_WINDOW_PART, HOLD_WINDOW_WAIT_MS, PROBATION_FIRST_MS, PROBATION_MAX_MS,
};

const STALLED: Duration = Duration::from_millis(HOLD_STALLED_MS);
const PROVEN: Duration = Duration::from_millis(HOLD_PROVEN_MS);
const PROVEN_AFTER: Duration = Duration::from_millis(HOLD_PROVEN_AFTER_MS);
/// One look after the other comes no later than this, unless this process had no turn; and then the subscriber may have taken
/// something that nobody noticed.
const STEP_MAX: Duration = Duration::from_millis(2 * HOLD_STEP_MS);
const WINDOW: Duration = Duration::from_millis(HOLD_WINDOW_MS);
const WINDOW_WAIT: Duration = Duration::from_millis(HOLD_WINDOW_WAIT_MS);
const PROBATION_FIRST: Duration = Duration::from_millis(PROBATION_FIRST_MS);
const PROBATION_MAX: Duration = Duration::from_millis(PROBATION_MAX_MS);

/// How one subscriber keeps up.
#[derive(Clone, Debug, Default)]
pub(crate) struct Standing {
    behind_since: Option<Instant>,
    /// Waited for it since it last took something.
    in_vain: Duration,
    /// It was behind and has caught up.
    caught_up: bool,
    /// When it was first sent something after that.
    reads_since: Option<Instant>,
    probation_ends: Option<Instant>,
    probation: Duration,
    /// The window that `waited` belongs to: the last in which it was sent something.
    window: u64,
    waited: Duration,
    waited_upto: Option<Instant>,
}

impl Standing {
    /// Its queue has grown, to where it is `behind` or not yet. True when it was not and is now.
    pub(crate) fn queued(&mut self, behind: bool, now: Instant) -> bool {
        if self.caught_up {
            self.reads_since.get_or_insert(now);
        }
        let falls_behind = behind && self.behind_since.is_none();
        if falls_behind {
            self.behind_since = Some(now);
            self.in_vain = Duration::ZERO;
        }
        falls_behind
    }

    /// It took some bytes, and is `behind` still or not. True when it was and is no longer.
    pub(crate) fn progressed(&mut self, behind: bool) -> bool {
        self.in_vain = Duration::ZERO;
        let caught_up = !behind && self.behind_since.take().is_some();
        self.caught_up |= caught_up;
        caught_up
    }

    /// Nothing waits for it any more, since its connection has ended. True when it was behind.
    pub(crate) fn left(&mut self) -> bool {
        self.behind_since.take().is_some()
    }

    /// Whether a publisher is to wait for it.
    pub(crate) fn is_waited_for(&self) -> bool {
        match (self.behind_since, self.probation_ends) {
            (Some(since), Some(ends)) => since >= ends,
            (since, None) => since.is_some(),
            (None, Some(_)) => false,
        }
    }

    fn is_proven(&self, now: Instant) -> bool {
        self.reads_since.is_some_and(|since| now.saturating_duration_since(since) >= PROVEN_AFTER)
    }

    fn put_on_probation(&mut self, now: Instant) {
        let forgiven =
            self.probation_ends.is_none_or(|ends| now.saturating_duration_since(ends) > PROBATION_MAX);
        self.probation = if forgiven { PROBATION_FIRST } else { (self.probation * 2).min(PROBATION_MAX) };
        self.probation_ends = Some(now + self.probation);
    }

    /// True when it is the first time in this window.
    #[inline]
    fn enter(&mut self, window: u64) -> bool {
        let first = self.window != window;
        if first {
            (self.window, self.waited) = (window, Duration::ZERO);
        }
        first
    }
}

/// How the subscribers of other workers keep up; or, for them, ours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Elsewhere {
    /// How many were sent something in the window.
    pub(crate) reached: u64,
    /// How long each was waited for, added up over all and since the start.
    pub(crate) waited: Duration,
}

/// The window that is being judged.
#[derive(Debug)]
pub(crate) struct Pace {
    window: u64,
    began: Option<Instant>,
    /// How long those of other workers had been waited for when it began.
    elsewhere_before: Duration,
    ours: Elsewhere,
    /// Of the time, this part may be waited in vain.
    vain_part: u32,
    /// How long may be waited in vain still.
    patience: Duration,
    patience_at: Option<Instant>,
}

impl Pace {
    pub(crate) fn new() -> Pace {
        Pace {
            window: 1,
            began: None,
            elsewhere_before: Duration::ZERO,
            ours: Elsewhere::default(),
            vain_part: HOLD_VAIN_PART,
            patience: STALLED,
            patience_at: None,
        }
    }

    /// The same, for one of several workers: what may be waited in vain is divided among them.
    pub(crate) fn of_workers(count: usize) -> Pace {
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        Pace { vain_part: HOLD_VAIN_PART.saturating_mul(count.max(1)), ..Pace::new() }
    }

    /// What other workers have to know of our subscribers to judge theirs.
    pub(crate) fn ours(&self) -> Elsewhere {
        self.ours
    }

    /// A subscriber is sent something.
    #[inline]
    pub(crate) fn reached(&mut self, standing: &mut Standing) {
        if standing.enter(self.window) {
            self.ours.reached += 1;
        }
    }

    /// A subscriber has left. What was waited for it was in vain.
    pub(crate) fn left(&mut self, standing: &mut Standing) {
        if standing.is_waited_for() {
            self.patience = self.patience.saturating_sub(standing.in_vain);
        }
        if standing.window == self.window {
            standing.window = 0;
            self.ours.reached -= 1;
        }
    }

    /// A publisher begins to wait. Patience grows again with the time that passed.
    pub(crate) fn wait_begins(&mut self, now: Instant, elsewhere: Elsewhere) {
        if self.began.is_none() {
            (self.began, self.elsewhere_before) = (Some(now), elsewhere.waited);
        }
        let passed = now.saturating_duration_since(*self.patience_at.get_or_insert(now));
        self.patience = STALLED.min(self.patience + passed / self.vain_part);
        self.patience_at = Some(now);
    }

    /// A publisher has waited for this subscriber from `since` until `now`. True when it has stalled, and is waited for
    /// no longer.
    pub(crate) fn waited(&mut self, standing: &mut Standing, since: Instant, now: Instant) -> bool {
        self.reached(standing);
        let since = since.max(standing.waited_upto.unwrap_or(since));
        let waited = now.saturating_duration_since(since).min(STEP_MAX);
        standing.waited += waited;
        self.ours.waited += waited;
        standing.in_vain += waited;
        standing.waited_upto = Some(now);
        let patience = self.patience.max(if standing.is_proven(now) { PROVEN } else { Duration::ZERO });
        let stalled = standing.is_waited_for() && standing.in_vain >= patience;
        if stalled {
            self.patience = self.patience.saturating_sub(standing.in_vain);
            standing.put_on_probation(now);
        }
        stalled
    }

    /// Judges the window if it is over: how many are waited for no longer. Those of other workers are among the others that one
    /// may hold up.
    pub(crate) fn judge<'a>(
        &mut self,
        now: Instant,
        elsewhere: Elsewhere,
        all: impl Iterator<Item = &'a mut Standing>,
    ) -> u64 {
        let length = self.began.map_or(Duration::ZERO, |began| now.saturating_duration_since(began));
        if length < WINDOW {
            return 0;
        }
        // Waits may be far between, and then the window is long.
        let tolerated = WINDOW_WAIT.max(length / HOLD_WINDOW_PART);
        let mut reached: Vec<&mut Standing> = all.filter(|standing| standing.window == self.window).collect();
        let ours: Duration = reached.iter().map(|standing| standing.waited).sum();
        let total = ours + elsewhere.waited.saturating_sub(self.elsewhere_before);
        let count = reached.len() as u64 + elsewhere.reached;
        let others = u32::try_from(count).unwrap_or(u32::MAX).saturating_sub(1);
        let mut judged = 0;
        for standing in &mut reached {
            let waited = standing.waited;
            let held_up = others > 0 && (total - waited) * HOLD_SHARE < waited * others;
            if waited >= tolerated && held_up {
                self.patience = self.patience.saturating_sub(standing.in_vain);
                standing.put_on_probation(now);
                judged += 1;
            }
        }
        self.window += 1;
        self.ours.reached = 0;
        (self.began, self.elsewhere_before) = (Some(now), elsewhere.waited);
        judged
    }
}

#[cfg(test)]
#[path = "pace_tests.rs"]
mod tests;
