//! Locking.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks, whether or not a holder panicked: no holder in this crate panics between two changes that belong together.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
