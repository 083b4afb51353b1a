//! What one feed is to tell whoever listens, and nobody keeps. Bounded: of too many the oldest are dropped, and whoever needs to
//! know asks.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use recado_proto::{MarkPublication, ReadMark, Timestamp, UserName};
use recado_zmtp::Message;
use tokio::sync::Notify;

use super::clock::Clock;
use crate::limits::NOTICES_WAITING_MAX;

/// Says that a user's read mark moved.
pub(super) fn marked(user: UserName, mark: ReadMark, timestamp: Timestamp, clock: &Clock) -> Message {
    let publication = MarkPublication { user, mark, timestamp, clock: Some(clock.tick()) };
    let mut payload = Vec::new();
    publication.encode_payload(&mut payload);
    Message::new(vec![MarkPublication::topic_of(&publication.user).into(), payload.into()])
}

/// Shared by the desk, which adds, and one feed, which publishes.
#[derive(Debug, Default)]
pub(super) struct Notices {
    waiting: Mutex<VecDeque<Message>>,
    told: Notify,
}

impl Notices {
    pub(super) fn push(&self, notice: Message) {
        let mut waiting = self.lock();
        if waiting.len() == NOTICES_WAITING_MAX {
            waiting.pop_front();
        }
        waiting.push_back(notice);
        drop(waiting);
        self.told.notify_one();
    }

    /// All that wait, oldest first.
    pub(super) fn take(&self) -> VecDeque<Message> {
        std::mem::take(&mut *self.lock())
    }

    /// Waits for a notice.
    pub(super) async fn told(&self) {
        self.told.notified().await;
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Message>> {
        // Nothing can panic while it is locked.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use recado_zmtp::Message;

    use super::Notices;
    use crate::limits::NOTICES_WAITING_MAX;

    #[test]
    fn of_too_many_the_oldest_are_dropped() {
        let notices = Notices::default();
        let notice = |number: usize| Message::single(number.to_string());
        (0..NOTICES_WAITING_MAX + 2).for_each(|number| notices.push(notice(number)));
        let expect: Vec<_> = (2..NOTICES_WAITING_MAX + 2).map(notice).collect();
        assert!(notices.take() == expect, "the newest ones are kept, in their order");
        assert!(notices.take().is_empty());
    }
}
