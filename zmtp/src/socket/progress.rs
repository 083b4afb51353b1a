//! Waiting for other tasks' progress: a queue that has room again, a peer that came, bytes that were written.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Notify;

/// Wakes everyone who waits for some condition of a socket. Says nothing of which: they look again.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    waiting: AtomicUsize,
    notify: Notify,
}

impl Progress {
    /// Something changed. Cheap when nobody waits. The change must have been made under the lock that `attempt`
    /// takes, so that either this call sees the waiter or the waiter sees the change.
    pub(crate) fn made(&self) {
        if self.waiting.load(Ordering::SeqCst) > 0 {
            self.notify.notify_waiters();
        }
    }

    /// Makes the attempt now and after each progress until it gives something. Cancel safe if the attempt is.
    pub(crate) async fn until<T>(&self, mut attempt: impl FnMut() -> Option<T>) -> T {
        if let Some(done) = attempt() {
            return done;
        }
        let _waiting = Waiting::new(&self.waiting);
        loop {
            let mut notified = std::pin::pin!(self.notify.notified());
            notified.as_mut().enable();
            if let Some(done) = attempt() {
                return done;
            }
            notified.await;
        }
    }
}

/// Counts a waiter while it waits, cancelled or not.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}
