//! Who may do what, for all threads of the server: read at any time, changed only by the store, once a change is durable.
//!
//! It is changed before the names of the same turn are seen, so that nobody finds a channel of which is not known yet that it is
//! private. Whoever uses both looks up the name first, or while the state is held.

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use tokio::sync::watch;

use crate::access::{Access, AccessEvent};

/// [`Access`] as the last commit left it.
#[derive(Debug)]
pub struct SharedAccess {
    state: RwLock<Access>,
    /// The number of the last event.
    version: watch::Sender<u64>,
}

impl SharedAccess {
    pub(super) fn new(state: Access) -> Arc<Self> {
        let version = watch::Sender::new(state.last_event());
        Arc::new(Self { state: RwLock::new(state), version })
    }

    /// The state as it is now. Not to be held while anything waits: the next commit waits for it.
    pub fn read(&self) -> RwLockReadGuard<'_, Access> {
        // A panic while it is changed is impossible but for a bug, and then the writer ends, and the process with it.
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Rises with each change; while the state is held it is that state's.
    pub fn version(&self) -> u64 {
        *self.version.borrow()
    }

    /// Wakes with each change, or with several at once.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.version.subscribe()
    }

    /// Takes up what has become durable.
    pub(super) fn apply(&self, events: &[AccessEvent]) {
        let Some(last) = events.last() else { return };
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        events.iter().for_each(|event| state.apply(event));
        // While it is held: whoever holds the state reads the version that belongs to it.
        self.version.send_replace(last.n);
    }
}
