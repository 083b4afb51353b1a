//! The quota, for all threads that charge something.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Quota;

/// One [`Quota`]. Clones share it.
#[derive(Clone, Debug)]
pub struct SharedQuota(Arc<Mutex<Quota>>);

impl SharedQuota {
    /// To be held for moments.
    pub fn lock(&self) -> MutexGuard<'_, Quota> {
        // Whatever a panic would leave is a count that is a little wrong.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl From<Quota> for SharedQuota {
    fn from(quota: Quota) -> Self {
        Self(Arc::new(Mutex::new(quota)))
    }
}
