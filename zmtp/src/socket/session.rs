//! A connection's life in its socket: it joins, runs, and leaves.

use std::sync::Arc;

use super::hub::{Hub, Shared};
use super::link::{End, Link};
use super::send_queue::SendQueue;
use crate::endpoint::Endpoint;
use crate::event::SocketEventKind;
use crate::peer::PeerId;
use crate::transport::Established;

/// Which side began.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Side {
    Accepting,
    Connecting,
}

/// Runs a connection from its handshake to its end.
pub(crate) async fn run<H: Hub>(
    shared: &Shared<H>,
    endpoint: &Endpoint,
    established: Established,
    side: Side,
) {
    let address = established.stream.peer();
    let identity = established.peer.identity.clone();
    let queue = Arc::new(SendQueue::new(&shared.options, Arc::clone(&shared.progress)));
    let member = Member { shared, peer: shared.next_peer(), queue: Arc::clone(&queue) };
    let peer = member.peer;
    let is_cut = queue.cutter();
    let role = shared.hub.join(peer, &established.peer, address, &queue);
    // Whoever closes cancels first and then finishes the queues it finds: one that was not there yet is caught here.
    if shared.closing.is_cancelled() {
        queue.finish();
    }
    shared.progress.made();
    let begun = match side {
        Side::Accepting => SocketEventKind::Accepted { peer, identity },
        Side::Connecting => SocketEventKind::Connected { peer, identity },
    };
    shared.tell(endpoint, Some(address), begun);

    let link = Link::new(established, queue, role, &shared.options);
    let end = tokio::select! {
        biased;
        _ = is_cut => End::Disconnected,
        end = link.run() => end,
    };
    drop(member);
    if let End::Violation(violation) = &end {
        shared.counters.broken.add(1);
        shared.complaints.about(&address, &format_args!("connection closed: {violation}"));
    }
    shared.tell(endpoint, Some(address), SocketEventKind::Disconnected { peer, reason: end.to_string() });
}

/// A connection's membership in its socket, which ends with it, however it ends.
struct Member<'a, H: Hub> {
    shared: &'a Shared<H>,
    peer: PeerId,
    queue: Arc<SendQueue>,
}

impl<H: Hub> Drop for Member<'_, H> {
    fn drop(&mut self) {
        let lost = self.shared.hub.leave(self.peer, &self.queue);
        self.shared.counters.lost.add(lost);
        self.shared.progress.made();
    }
}
