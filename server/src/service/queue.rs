//! A queue into a thread: many are pushed with one wake-up, and taken together. Whoever pushes keeps its bound.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What a thread finds when it looks for work.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// Some was put into the caller's vector.
    Work,
    /// The time is over and nothing came.
    Idle,
    /// Nothing is left, and nothing will come.
    Closed,
}

#[derive(Debug)]
pub(super) struct Queue<T> {
    state: Mutex<State<T>>,
    filled: Condvar,
}

#[derive(Debug)]
struct State<T> {
    waiting: VecDeque<T>,
    closed: bool,
}

impl<T> Queue<T> {
    pub(super) fn new() -> Self {
        Self { state: Mutex::new(State { waiting: VecDeque::new(), closed: false }), filled: Condvar::new() }
    }

    /// Adds all of `items`, which is empty afterwards, and wakes one thread.
    pub(super) fn push_all(&self, items: &mut Vec<T>) {
        if items.is_empty() {
            return;
        }
        self.lock().waiting.extend(items.drain(..));
        self.filled.notify_one();
    }

    /// Adds one item, unless `max` wait already.
    pub(super) fn push_within(&self, item: T, max: usize) -> Result<(), T> {
        let mut state = self.lock();
        if state.waiting.len() >= max {
            return Err(item);
        }
        state.waiting.push_back(item);
        drop(state);
        self.filled.notify_one();
        Ok(())
    }

    /// Nothing more will be pushed.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.filled.notify_all();
    }

    /// Takes `max` items at most; waits for the first one, but no longer than `patience`.
    pub(super) fn take(&self, into: &mut Vec<T>, max: usize, patience: Option<Duration>) -> Taken {
        let mut state = self.lock();
        loop {
            if !state.waiting.is_empty() {
                let count = state.waiting.len().min(max);
                into.extend(state.waiting.drain(..count));
                return Taken::Work;
            }
            if state.closed {
                return Taken::Closed;
            }
            state = match patience {
                None => self.filled.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(patience) => {
                    let waited = self.filled.wait_timeout(state, patience);
                    let (state, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
                    if timeout.timed_out() && state.waiting.is_empty() && !state.closed {
                        return Taken::Idle;
                    }
                    state
                }
            };
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        // Nothing can panic while the queue is locked; and if it did, the queue would still be whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Queue, Taken};

    #[test]
    fn all_that_waits_is_taken_up_to_the_bound() {
        let queue = Queue::new();
        queue.push_all(&mut vec![1, 2, 3]);
        let mut taken = Vec::new();
        assert_eq!(queue.take(&mut taken, 2, None), Taken::Work);
        assert_eq!(taken, [1, 2]);
        queue.close();
        assert_eq!(queue.take(&mut taken, 2, None), Taken::Work);
        assert_eq!(queue.take(&mut taken, 2, None), Taken::Closed);
        assert_eq!(taken, [1, 2, 3]);
    }

    #[test]
    fn one_over_the_bound_comes_back() {
        let queue = Queue::new();
        assert_eq!(queue.push_within(1, 1), Ok(()));
        assert_eq!(queue.push_within(2, 1), Err(2));
        assert_eq!(queue.take(&mut Vec::new(), 9, None), Taken::Work);
        assert_eq!(queue.take(&mut Vec::new(), 9, Some(Duration::ZERO)), Taken::Idle);
    }
}
