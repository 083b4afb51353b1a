//! Whether the server that cannot be reached is another one by now. It is asked in the open which key it has, once after each failed
//! attempt and not too often; what it says changes nothing but the words in which the session gives up.

use std::future::pending;
use std::time::Instant;

use recado_zmtp::Endpoint;
use recado_zmtp::curve::Security;
use tokio::task::JoinSet;

use crate::keys::{Distrust, distrust};
use crate::limits;

/// What is suspected of the servers of a session.
pub(crate) struct Suspicion {
    security: Security,
    /// At most one, so that a server that is away is not asked more often than it is tried.
    asking: JoinSet<Option<Distrust>>,
    not_before: Instant,
    proved: Option<Distrust>,
}

impl Suspicion {
    pub(crate) fn new(security: Security, now: Instant) -> Self {
        Self { security, asking: JoinSet::new(), not_before: now, proved: None }
    }

    /// A connection could not be made. Must be called in a tokio runtime.
    pub(crate) fn failed(&mut self, endpoint: &Endpoint, now: Instant) {
        if !self.asking.is_empty() || now < self.not_before {
            return;
        }
        self.not_before = now + limits::ASK_KEY_PAUSE;
        let (endpoint, security) = (endpoint.clone(), self.security.clone());
        // A task, because asking takes as long as the server likes, within a bound.
        self.asking.spawn(async move { distrust(&endpoint, &security).await });
    }

    /// A connection was made: its handshake has proved which server it is.
    pub(crate) fn trusted(&mut self) {
        self.asking.abort_all();
        self.proved = None;
    }

    /// What is wrong with the server, as it was found out last.
    pub(crate) fn proved(&self) -> Option<&Distrust> {
        self.proved.as_ref()
    }

    /// Waits for an answer: what is wrong, if that is news. Cancel safe.
    pub(crate) async fn next(&mut self) -> Option<Distrust> {
        let Some(answered) = self.asking.join_next().await else { return pending().await };
        let found = answered.ok().flatten()?;
        let is_news = self.proved.as_ref() != Some(&found);
        self.proved = Some(found.clone());
        is_news.then_some(found)
    }
}
