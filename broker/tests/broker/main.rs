//! A running broker and peers that speak to it byte by byte. `tests/workers` runs the same tests with several workers.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod forwarding;
mod granting;
mod hostile;
mod lifecycle;
mod raw;
mod secured;
mod semantics_marks;
mod semantics_subscriptions;
mod shares;
mod slow;
mod status;
mod subscriptions;

/// Threads that the broker under test has.
const WORKERS: usize = 1;
