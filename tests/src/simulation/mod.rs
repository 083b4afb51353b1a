//! A simulator of the whole system: the real receiver, sender's book, codec, server rules, store and forwarding rules, in one thread
//! with virtual time. Everything that happens follows from a seed; `docs/delivery.md` says what it does and what must hold.
//!
//! Time, delays, faults and load come from here; what the parts decide is theirs.

mod acting;
mod acts;
mod broken;
mod client;
mod faults;
mod hearing;
mod ledger;
mod mutation;
mod network;
mod random;
mod server;
mod setup;
mod shrink;
mod time;
mod trace;
mod verdict;
mod world;

pub use ledger::{Rule, Violation};
pub use mutation::Mutation;
pub use setup::{FaultClass, Setup};
pub use shrink::{explain, shrink};

use std::path::Path;

use tempfile::TempDir;
use world::World;

/// What a run came to.
#[derive(Debug)]
pub struct Outcome {
    /// What did not hold, if anything.
    pub violation: Option<Violation>,
    /// Messages that were delivered.
    pub delivered: u64,
    /// Requests that clients made.
    pub requests: u64,
    /// Events.
    pub steps: u64,
    /// Of the trace.
    pub hash: u64,
    /// The end of the trace, as far as it concerns what did not hold.
    pub trace: String,
}

/// Runs once, with the store's files in a folder that is gone afterwards.
///
/// # Panics
///
/// If there is no temporary folder, or if a part panics.
pub fn run(setup: Setup) -> Outcome {
    let folder = temporary_folder();
    let mut world = World::new(setup, folder.path());
    world.run();
    let topic = world.ledger.violation.as_ref().and_then(|violation| violation.topic.clone());
    Outcome {
        delivered: world.ledger.delivered,
        requests: world.asked,
        steps: world.steps,
        hash: world.trace.hash(),
        trace: world.trace.about(topic.as_deref(), TRACE_LINES),
        violation: world.ledger.violation.take(),
    }
}

/// As much as a person reads.
const TRACE_LINES: usize = 160;

/// In memory where the system has such a folder: a simulated crash keeps what was written, so that no disk is needed.
fn temporary_folder() -> TempDir {
    let in_memory = Path::new("/dev/shm");
    let made = if in_memory.is_dir() { TempDir::new_in(in_memory) } else { TempDir::new() };
    made.expect("a temporary folder")
}
