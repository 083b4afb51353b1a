//! All that a broker of one worker is seen to do, seen of one with several; and what only several can be seen to do.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

#[path = "../broker/forwarding.rs"]
mod forwarding;
#[path = "../broker/granting.rs"]
mod granting;
#[path = "../broker/hostile/mod.rs"]
mod hostile;
#[path = "../broker/lifecycle.rs"]
mod lifecycle;
#[path = "../broker/raw.rs"]
mod raw;
#[path = "../broker/secured.rs"]
mod secured;
#[path = "../broker/semantics_subscriptions.rs"]
mod semantics_subscriptions;
#[path = "../broker/slow.rs"]
mod slow;
mod spread;
#[path = "../broker/subscriptions.rs"]
mod subscriptions;

/// Threads that the broker under test has.
const WORKERS: usize = 3;
