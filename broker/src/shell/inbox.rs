//! What other workers have for this one to do.

use std::rc::Rc;

use crate::shell::accept::arrived;
use crate::shell::asking::find_out;
use crate::shell::lanes::serve_lane;
use crate::shell::shared::Shared;
use crate::shell::workers::Errand;

/// Closes the inbox when nobody reads it any more, whatever the reason: what waits there is given up.
struct Closing(Rc<Shared>);

impl Drop for Closing {
    fn drop(&mut self) {
        self.0.workers.close_inbox(self.0.worker);
    }
}

/// Reads the inbox for as long as messages may come.
pub(super) async fn read_inbox(shared: Rc<Shared>) {
    let _closing = Closing(Rc::clone(&shared));
    loop {
        shared.catch_up();
        for errand in shared.workers.take_errands(shared.worker) {
            match errand {
                Errand::Connection(arrival) => arrived(&shared, arrival),
                Errand::Lane(end) => {
                    shared.tasks.spawn_local(serve_lane(Rc::clone(&shared), end));
                }
                Errand::Query(query) => {
                    shared.tasks.spawn_local(find_out(Rc::clone(&shared), query));
                }
            }
        }
        tokio::select! {
            () = shared.workers.fed_out.cancelled() => return,
            () = shared.workers.arrived(shared.worker) => {}
        }
    }
}
