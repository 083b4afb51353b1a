//! One task looks after the heartbeats of all connections, so that an idle one costs no timer, and tells the gate the time.

use std::rc::Rc;
use std::time::{Duration, Instant};

use recado_zmtp::codec::Beat;
use tokio::time::{MissedTickBehavior, interval};

use crate::limits::HEARTBEAT_TURN_MS;
use crate::shell::end::End;
use crate::shell::shared::Shared;

pub(super) async fn beat(shared: Rc<Shared>) {
    let mut ticks = interval(Duration::from_millis(HEARTBEAT_TURN_MS));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = shared.stop.cancelled() => return,
            _ = ticks.tick() => {}
        }
        let now = Instant::now();
        if shared.security.is_some() {
            shared.hub.borrow_mut().tick(now);
            shared.subscriptions_changed();
        }
        for (_, peer) in shared.peers.borrow().iter() {
            let mut heartbeat = peer.heartbeat.borrow_mut();
            if peer.blocked.get() {
                // Our PING would stand behind what it does not read now. Its queue has its own bound, and the system notices
                // when nobody is there any more.
                heartbeat.unanswerable();
            }
            match heartbeat.poll(now) {
                Beat::Quiet => {}
                Beat::Ping(ttl) => peer.ping(ttl),
                Beat::Dead => peer.close(End::Silent),
            }
        }
    }
}
