//! Hands out the plan in time: a thread of its own, because the runtime's timers are only exact to a millisecond and what is to be measured
//! is often less.

use std::{
    io,
    thread::{self, sleep},
    time::Instant,
};

use tokio::sync::mpsc;

use crate::{
    limits::{PACE_GRAIN, PACE_LOOK},
    schedule::Step,
};

/// Begins to hand out the steps of a plan, each when it is due after `begun`, until the plan ends or nobody takes them any more.
///
/// The thread waits while the queue is full: then whoever takes the steps holds them back.
///
/// # Errors
/// The system has no thread to give.
pub(crate) fn start(
    plan: impl Iterator<Item = Step> + Send + 'static,
    begun: Instant,
    steps: mpsc::Sender<Vec<Step>>,
) -> io::Result<()> {
    thread::Builder::new().name("pace".to_owned()).spawn(move || hand_out(plan, begun, &steps))?;
    Ok(())
}

fn hand_out(plan: impl Iterator<Item = Step>, begun: Instant, steps: &mpsc::Sender<Vec<Step>>) {
    let mut plan = plan.peekable();
    while let Some(next) = plan.peek() {
        let due = begun + next.due;
        loop {
            let now = Instant::now();
            if now >= due {
                break;
            }
            if steps.is_closed() {
                return;
            }
            sleep((due - now).max(PACE_GRAIN).min(PACE_LOOK));
        }
        let now = Instant::now();
        let mut batch = Vec::new();
        while batch.len() < BATCH_MAX
            && let Some(step) = plan.next_if(|step| begun + step.due <= now)
        {
            batch.push(step);
        }
        if steps.blocking_send(batch).is_err() {
            return;
        }
    }
}

/// Steps that leave together, so that a plan that is far behind is not taken whole.
const BATCH_MAX: usize = 64;
