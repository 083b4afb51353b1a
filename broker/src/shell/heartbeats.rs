//! One task looks after the heartbeats of all connections, so that an idle one costs no timer; it also says the figures.

use std::rc::Rc;
use std::time::{Duration, Instant};

use recado_zmtp::codec::Beat;
use tokio::time::{MissedTickBehavior, interval};
use tracing::debug;

use crate::limits::{FIGURES_INTERVAL_MS, HEARTBEAT_TURN_MS};
use crate::shell::shared::{Shared, Word};

pub(super) async fn beat(shared: Rc<Shared>) {
    let mut ticks = interval(Duration::from_millis(HEARTBEAT_TURN_MS));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut figures_due = Instant::now() + Duration::from_millis(FIGURES_INTERVAL_MS);
    loop {
        tokio::select! {
            () = shared.stop.cancelled() => return,
            _ = ticks.tick() => {}
        }
        let now = Instant::now();
        for (_, peer) in shared.peers.borrow().iter() {
            let word = match peer.heartbeat.borrow_mut().poll(now) {
                Beat::Quiet => continue,
                Beat::Ping(ttl) => Word::Ping(ttl),
                Beat::Dead => Word::Silent,
            };
            // A connection that is to be closed stays so.
            if !matches!(peer.word.get(), Word::Silent | Word::Broken | Word::Slow) {
                peer.word.set(word);
            }
            peer.wake.notify_one();
        }
        if now >= figures_due {
            figures_due = now + Duration::from_millis(FIGURES_INTERVAL_MS);
            debug!(figures = %shared.counters.figures(), "broker");
        }
    }
}
