//! Handing on what a connection received to the socket's receive queue, a turn's messages at a time.

use std::sync::Arc;
use std::task::Context;

use super::receive_queue::{ReceiveQueue, Room};
use crate::message::Message;
use crate::peer::PeerId;

/// One connection's end of the receive queue.
#[derive(Debug)]
pub(crate) struct Delivery {
    peer: PeerId,
    queue: Arc<ReceiveQueue>,
    /// This turn's messages; empty between turns, kept for its memory.
    batch: Vec<(PeerId, Message)>,
}

/// Room for so many messages is kept between turns.
const KEPT_MESSAGES_MAX: usize = 16;

impl Delivery {
    pub(crate) fn new(peer: PeerId, queue: Arc<ReceiveQueue>) -> Self {
        Self { peer, queue, batch: Vec::new() }
    }

    pub(crate) fn room(&self, cx: &mut Context<'_>) -> Room {
        self.queue.room(self.peer, cx)
    }

    pub(crate) fn add(&mut self, message: Message) {
        self.batch.push((self.peer, message));
    }

    pub(crate) fn hand_on(&mut self) {
        if !self.batch.is_empty() {
            self.queue.push_all(&mut self.batch);
            self.batch.shrink_to(KEPT_MESSAGES_MAX);
        }
    }
}

impl Drop for Delivery {
    fn drop(&mut self) {
        self.queue.forget(self.peer);
    }
}
