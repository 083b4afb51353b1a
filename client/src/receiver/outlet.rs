//! Where one topic's state puts what it wants done, and where its chance comes from.

use std::collections::VecDeque;
use std::time::Duration;

use rand::{RngExt, rngs::StdRng};
use recado_proto::{Epoch, Publication};

use super::{Action, ReceiverCounts, Topic, Via};

pub(super) struct Outlet<'a> {
    pub(super) topic: &'a Topic,
    pub(super) actions: &'a mut VecDeque<Action>,
    pub(super) counts: &'a mut ReceiverCounts,
    pub(super) random: &'a mut StdRng,
    /// Bytes that the topic may hold.
    pub(super) held_bytes_max: usize,
    /// Set when the topic has to be joined anew.
    pub(super) barrier_wished: bool,
}

impl Outlet<'_> {
    pub(super) fn deliver(&mut self, publication: Publication, via: Via) {
        if via == Via::Repair {
            self.counts.repaired += 1;
        }
        self.actions.push_back(Action::Deliver { topic: self.topic.clone(), publication, via });
    }

    pub(super) fn joined(&mut self) {
        self.actions.push_back(Action::Joined(self.topic.clone()));
    }

    pub(super) fn missing(&mut self, first: u64, last: u64) {
        self.actions.push_back(Action::Missing { topic: self.topic.clone(), first, last });
    }

    pub(super) fn epoch_changed(&mut self, epoch: Epoch) {
        self.actions.push_back(Action::EpochChanged { topic: self.topic.clone(), epoch });
    }

    pub(super) fn wish_barrier(&mut self) {
        self.barrier_wished = true;
    }

    pub(super) fn repeat(&mut self) {
        self.counts.repeats += 1;
    }

    pub(super) fn overflowed(&mut self) {
        self.counts.overflowed += 1;
    }

    pub(super) fn foreign(&mut self) {
        self.counts.foreign += 1;
    }

    pub(super) fn unfounded(&mut self, publications: usize) {
        self.counts.unfounded += publications as u64;
    }

    /// From a half of it to one and a half.
    pub(super) fn jittered(&mut self, duration: Duration) -> Duration {
        duration.mul_f64(0.5 + self.random.random::<f64>())
    }

    /// From a half of it to the whole.
    pub(super) fn shortened(&mut self, duration: Duration) -> Duration {
        duration.mul_f64(1.0 - self.random.random::<f64>() / 2.0)
    }
}
