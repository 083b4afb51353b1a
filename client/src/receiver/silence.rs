//! When nothing has been heard for so long that the last of it may have been lost unseen: a subscriber that stood still for
//! longer than beacons repeat hears neither the lost messages nor that there were any.

use std::time::{Duration, Instant};

use rand::{RngExt, rngs::StdRng};

use crate::limits;

/// How long nothing was heard, and how much longer that may last.
#[derive(Debug, Default)]
pub(super) struct Silence {
    ends_at: Option<Instant>,
}

impl Silence {
    /// Something was heard, or is sure to be.
    pub(super) fn broken(&mut self, now: Instant, random: &mut StdRng) {
        self.ends_at = Some(now + bearable(random));
    }

    /// When it has lasted long enough. None before anything is followed.
    pub(super) fn ends_at(&self) -> Option<Instant> {
        self.ends_at
    }
}

/// A quarter of it is chance, so that all who were quiet together do not ask together.
fn bearable(random: &mut StdRng) -> Duration {
    limits::SILENCE_MAX.mul_f64(1.0 - random.random::<f64>() / 4.0)
}
