//! Memory that connections take turns with: most need some for the moment of a read or a write, and none in between.

use std::cell::RefCell;

use bytes::BytesMut;

use crate::limits;

/// Buffers kept for each thread: a connection that reads may have to write at the same time.
const BUFFERS_MAX: usize = 2;

/// A larger buffer is given back to the system.
const BUFFER_BYTES_MAX: usize = 4 * limits::READ_BYTES_MAX;

thread_local! {
    static SPARE: RefCell<Vec<BytesMut>> = const { RefCell::new(Vec::new()) };
}

/// An empty buffer with room for a read.
pub(super) fn take() -> BytesMut {
    let mut buffer = SPARE.with_borrow_mut(Vec::pop).unwrap_or_default();
    buffer.reserve(limits::READ_BYTES_MAX);
    buffer
}

/// Gives a buffer back that [`take`] gave.
pub(super) fn give_back(mut buffer: BytesMut) {
    buffer.clear();
    // What was cut off from its front is found again.
    buffer.reserve(limits::READ_BYTES_MAX);
    SPARE.with_borrow_mut(|spare| {
        if spare.len() < BUFFERS_MAX && buffer.capacity() <= BUFFER_BYTES_MAX {
            spare.push(buffer);
        }
    });
}
