//! A queue into a thread: many are pushed with one wake-up, and taken together. Whoever pushes keeps its bound.
//!
//! A thread that pays for each taking (with a sync) may want more than the first that comes: as many as it took last time are
//! taken at once, fewer only when whoever pushes has [released](Queue::release) them, as it has nothing else to bring just
//! now. So takings stay large while much is under way, without anybody sleeping for it.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What a thread finds when it looks for work.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// Some was put into the caller's vector.
    Work,
    /// The time is over, or somebody [nudged](Queue::nudge), and nothing, or not enough, came.
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
    /// So many are taken at once.
    wanted: usize,
    /// All that waits is to be taken, however few.
    released: bool,
    nudged: bool,
    closed: bool,
    /// Threads that wait: nobody else needs to be woken.
    sleepers: usize,
}

impl<T> State<T> {
    fn is_ready(&self) -> bool {
        !self.waiting.is_empty() && (self.waiting.len() >= self.wanted || self.released || self.closed)
    }
}

impl<T> Queue<T> {
    pub(super) fn new() -> Self {
        let state = State {
            waiting: VecDeque::new(),
            wanted: 0,
            released: false,
            nudged: false,
            closed: false,
            sleepers: 0,
        };
        Self { state: Mutex::new(state), filled: Condvar::new() }
    }

    /// Adds all of `items`, which is empty afterwards, and wakes a thread if they are as many as it wants. Whoever pushes so
    /// releases soon.
    pub(super) fn push_all(&self, items: &mut Vec<T>) {
        let mut state = self.lock();
        state.waiting.extend(items.drain(..));
        self.wake(state);
    }

    /// What waits is to be taken without waiting for more.
    pub(super) fn release(&self) {
        let mut state = self.lock();
        state.released = !state.waiting.is_empty();
        self.wake(state);
    }

    fn wake(&self, state: MutexGuard<'_, State<T>>) {
        let wake = state.sleepers > 0 && state.is_ready();
        drop(state);
        if wake {
            self.filled.notify_one();
        }
    }

    /// Adds one item, unless `max` wait already.
    pub(super) fn push_within(&self, item: T, max: usize) -> Result<(), T> {
        let mut state = self.lock();
        if state.waiting.len() >= max {
            return Err(item);
        }
        state.waiting.push_back(item);
        self.wake(state);
        Ok(())
    }

    /// A thread that waits is to look at what else it has to do.
    pub(super) fn nudge(&self) {
        self.lock().nudged = true;
        self.filled.notify_one();
    }

    /// Nothing more will be pushed.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.filled.notify_all();
    }

    /// Takes `max` items at most; waits for them, but no longer than `patience` for the first one. As many are wanted next
    /// time.
    pub(super) fn take(&self, into: &mut Vec<T>, max: usize, patience: Option<Duration>) -> Taken {
        let mut state = self.lock();
        loop {
            if state.is_ready() {
                let count = state.waiting.len().min(max);
                into.extend(state.waiting.drain(..count));
                state.wanted = count;
                state.released &= !state.waiting.is_empty();
                return Taken::Work;
            }
            if state.closed {
                return Taken::Closed;
            }
            if std::mem::take(&mut state.nudged) {
                return Taken::Idle;
            }
            state.sleepers += 1;
            let (woken, timed_out) = match patience {
                None => (self.filled.wait(state).unwrap_or_else(PoisonError::into_inner), false),
                Some(patience) => {
                    let waited = self.filled.wait_timeout(state, patience);
                    let (state, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
                    (state, timeout.timed_out())
                }
            };
            state = woken;
            state.sleepers -= 1;
            if timed_out && !state.is_ready() && !state.closed {
                return Taken::Idle;
            }
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
    fn fewer_than_before_wait_until_they_are_released() {
        let queue = Queue::new();
        let mut taken = Vec::new();
        queue.push_all(&mut vec![1, 2, 3]);
        assert_eq!(queue.take(&mut taken, 9, None), Taken::Work);
        queue.push_all(&mut vec![4]);
        assert_eq!(queue.take(&mut taken, 9, Some(Duration::ZERO)), Taken::Idle);
        queue.push_all(&mut vec![5, 6]);
        assert_eq!(queue.take(&mut taken, 9, None), Taken::Work);
        assert_eq!(taken, [1, 2, 3, 4, 5, 6]);
        queue.push_all(&mut vec![7]);
        queue.release();
        assert_eq!(queue.take(&mut taken, 9, None), Taken::Work);
        queue.push_all(&mut vec![8]);
        assert_eq!(queue.take(&mut taken, 9, None), Taken::Work);
        assert_eq!(taken.len(), 8);
    }

    #[test]
    fn whoever_waits_for_good_can_be_nudged() {
        let queue = Queue::<u8>::new();
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| queue.take(&mut Vec::new(), 9, None));
            queue.nudge();
            assert_eq!(waiting.join().unwrap(), Taken::Idle);
        });
        assert_eq!(queue.take(&mut Vec::new(), 9, Some(Duration::ZERO)), Taken::Idle);
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
