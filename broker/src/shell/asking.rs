//! Waiting for what the gate is answered: in handshakes, and for those who ask for the status.

use std::rc::Rc;

use recado_zmtp::curve::{KeyPair, PublicKey};
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::gate::WaiterId;
use crate::shell::shared::Shared;

/// A question under way. Dropped, it is of no interest any more.
pub(super) struct Asking {
    shared: Rc<Shared>,
    waiter: WaiterId,
    answer: oneshot::Receiver<bool>,
}

/// A question from outside of this thread: who is asked about, and where the answer goes.
#[derive(Debug)]
pub(super) struct Query {
    pub(super) key: PublicKey,
    pub(super) topic: &'static [u8],
    pub(super) answer: oneshot::Sender<bool>,
}

impl Asking {
    /// Asks whose key it is, or whether it may subscribe to a topic. `None` when too many wait already.
    pub(super) fn begin(shared: &Rc<Shared>, key: &PublicKey, topic: Option<&[u8]>) -> Option<Asking> {
        let waiter = shared.hub.borrow_mut().ask(key, topic)?;
        let (sender, answer) = oneshot::channel();
        shared.waiters.borrow_mut().insert(waiter, sender);
        shared.subscriptions_changed();
        Some(Asking { shared: Rc::clone(shared), waiter, answer })
    }

    /// Waits until it is answered. To be bounded in time by the caller, and called once.
    pub(super) async fn answer(&mut self) -> bool {
        (&mut self.answer).await.unwrap_or(false)
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        self.shared.waiters.borrow_mut().remove(&self.waiter);
        self.shared.hub.borrow_mut().ask_no_more(self.waiter);
        self.shared.subscriptions_changed();
    }
}

/// Has the gate asked on behalf of another thread.
pub(super) async fn find_out(shared: Rc<Shared>, query: Query) {
    let Query { key, topic, answer } = query;
    let Some(mut asking) = Asking::begin(&shared, &key, Some(topic)) else { return };
    let granted = tokio::select! {
        () = shared.stop.cancelled() => return,
        granted = timeout(shared.limits.handshake_timeout, asking.answer()) => granted.unwrap_or(false),
    };
    // Whoever asked may have given up.
    let _ = answer.send(granted);
}

impl Shared {
    /// Whether it is the installation's key.
    pub(super) fn is_own(&self, key: &PublicKey) -> bool {
        self.security.as_ref().map(KeyPair::public).as_ref() == Some(key)
    }
}
