//! What other workers have for this one to do.

use std::rc::Rc;

use crate::shell::accept::arrived;
use crate::shell::lanes::serve_lane;
use crate::shell::shared::Shared;
use crate::shell::workers::Errand;

/// Reads the inbox for as long as messages may come.
pub(super) async fn read_inbox(shared: Rc<Shared>) {
    loop {
        shared.catch_up();
        for errand in shared.workers.take_errands(shared.worker) {
            match errand {
                Errand::Connection(arrival) => arrived(&shared, arrival),
                Errand::Lane(end) => {
                    shared.tasks.spawn_local(serve_lane(Rc::clone(&shared), end));
                }
            }
        }
        tokio::select! {
            () = shared.workers.fed_out.cancelled() => return,
            () = shared.workers.arrived(shared.worker) => {}
        }
    }
}
