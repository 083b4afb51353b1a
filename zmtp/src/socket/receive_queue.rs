//! Messages that came in, of all peers of a socket: filled by the connections' tasks, emptied by the socket's user.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard};
use std::task::{Context, Poll, Waker, ready};

use crate::lock::lock;
use crate::message::Message;
use crate::options::SocketOptions;
use crate::peer::PeerId;

/// The queue of one socket. At its bounds connections stop reading, until it is half empty.
///
/// A connection looks for room before it walks what it has read, so that on a runtime of several threads each may
/// pass the bound by what it walks in a turn.
#[derive(Debug)]
pub(crate) struct ReceiveQueue {
    state: Mutex<State>,
    messages_max: usize,
    bytes_max: usize,
}

#[derive(Debug, Default)]
struct State {
    items: VecDeque<(PeerId, Message)>,
    bytes: usize,
    receiver: Option<Waker>,
    /// Connections that wait for room, with when they came to: who found none goes before who had its turn.
    stalled: BTreeMap<PeerId, (u64, Waker)>,
    next_stalled: u64,
    stopped: bool,
}

/// Whether a connection may go on reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Room {
    /// So many messages.
    Messages(usize),
    /// None now; the task will be woken.
    Full,
    /// Never again.
    Stopped,
}

impl ReceiveQueue {
    pub(crate) fn new(options: &SocketOptions) -> Self {
        Self {
            state: Mutex::default(),
            messages_max: options.receive_queue_messages_max.max(1),
            bytes_max: options.receive_queue_bytes_max.max(1),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    pub(crate) fn room(&self, peer: PeerId, cx: &mut Context<'_>) -> Room {
        let mut state = self.state();
        if state.stopped {
            return Room::Stopped;
        }
        let room = self.messages_max.saturating_sub(state.items.len());
        if room == 0 || state.bytes >= self.bytes_max {
            let next = state.next_stalled;
            state.next_stalled += 1;
            let place = state.stalled.get(&peer).map_or(next, |(place, _)| *place);
            state.stalled.insert(peer, (place, cx.waker().clone()));
            return Room::Full;
        }
        Room::Messages(room)
    }

    pub(crate) fn push_all(&self, batch: &mut Vec<(PeerId, Message)>) {
        let mut state = self.state();
        if state.stopped {
            batch.clear();
            return;
        }
        state.bytes += batch.iter().map(|(_, message)| message.weight()).sum::<usize>();
        state.items.extend(batch.drain(..));
        let receiver = state.receiver.take();
        drop(state);
        if let Some(receiver) = receiver {
            receiver.wake();
        }
    }

    /// Appends up to `max` messages; 0 once stopped and empty.
    pub(crate) fn poll_take(
        &self,
        cx: &mut Context<'_>,
        into: &mut Vec<(PeerId, Message)>,
        max: usize,
    ) -> Poll<usize> {
        if max == 0 {
            return Poll::Ready(0);
        }
        let mut state = ready!(self.poll_filled(cx));
        let count = max.min(state.items.len());
        let start = into.len();
        into.extend(state.items.drain(..count));
        state.bytes -= into[start..].iter().map(|(_, message)| message.weight()).sum::<usize>();
        self.taken(state);
        Poll::Ready(count)
    }

    /// The next message; `None` once stopped and empty.
    pub(crate) fn poll_next(&self, cx: &mut Context<'_>) -> Poll<Option<(PeerId, Message)>> {
        let mut state = ready!(self.poll_filled(cx));
        let next = state.items.pop_front();
        state.bytes -= next.as_ref().map_or(0, |(_, message)| message.weight());
        self.taken(state);
        Poll::Ready(next)
    }

    fn poll_filled(&self, cx: &mut Context<'_>) -> Poll<MutexGuard<'_, State>> {
        let mut state = self.state();
        if !state.items.is_empty() || state.stopped {
            return Poll::Ready(state);
        }
        if !state.receiver.as_ref().is_some_and(|receiver| receiver.will_wake(cx.waker())) {
            state.receiver = Some(cx.waker().clone());
        }
        Poll::Pending
    }

    /// Lets stalled connections go on when half the queue is free: not for each message.
    fn taken(&self, mut state: MutexGuard<'_, State>) {
        if state.items.len() > self.messages_max / 2 || state.bytes > self.bytes_max / 2 {
            return;
        }
        let mut stalled: Vec<(u64, Waker)> = std::mem::take(&mut state.stalled).into_values().collect();
        drop(state);
        stalled.sort_unstable_by_key(|(place, _)| *place);
        for (_, waker) in stalled {
            waker.wake();
        }
    }

    /// No more is taken in; what is there may still be taken out.
    pub(crate) fn stop(&self) {
        let mut state = self.state();
        state.stopped = true;
        let receiver = state.receiver.take();
        let stalled = std::mem::take(&mut state.stalled);
        drop(state);
        for waker in receiver.into_iter().chain(stalled.into_values().map(|(_, waker)| waker)) {
            waker.wake();
        }
    }

    /// The connection is gone.
    pub(crate) fn forget(&self, peer: PeerId) {
        self.state().stalled.remove(&peer);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::{Arc, Mutex};
    use std::task::{Context, Poll, Wake, Waker};

    use super::{ReceiveQueue, Room};
    use crate::message::Message;
    use crate::options::SocketOptions;
    use crate::peer::PeerId;

    #[derive(Default)]
    struct Woken(AtomicUsize);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn queue(messages_max: usize, bytes_max: usize) -> ReceiveQueue {
        let options = SocketOptions {
            receive_queue_messages_max: messages_max,
            receive_queue_bytes_max: bytes_max,
            ..Default::default()
        };
        ReceiveQueue::new(&options)
    }

    fn push(queue: &ReceiveQueue, count: usize) {
        queue.push_all(&mut (0..count).map(|_| (PeerId(1), Message::single("0123456789"))).collect());
    }

    fn take(queue: &ReceiveQueue, max: usize) -> Poll<usize> {
        queue.poll_take(&mut Context::from_waker(Waker::noop()), &mut Vec::new(), max)
    }

    #[test]
    fn a_connection_that_found_it_full_is_woken_when_half_is_free() {
        let woken = Arc::new(Woken::default());
        let waker = Waker::from(Arc::clone(&woken));
        let mut cx = Context::from_waker(&waker);
        for queue in [queue(4, usize::MAX), queue(usize::MAX, 4 * 19)] {
            woken.0.store(0, Ordering::SeqCst);
            assert!(matches!(queue.room(PeerId(1), &mut cx), Room::Messages(1..)));
            push(&queue, 4);
            assert_eq!(queue.room(PeerId(1), &mut cx), Room::Full);
            assert_eq!(queue.room(PeerId(1), &mut cx), Room::Full);
            assert_eq!(take(&queue, 1), Poll::Ready(1));
            assert_eq!(woken.0.load(Ordering::SeqCst), 0);
            assert_eq!(take(&queue, 1), Poll::Ready(1));
            assert_eq!(woken.0.load(Ordering::SeqCst), 1);
            assert!(matches!(queue.room(PeerId(1), &mut cx), Room::Messages(1..)));
        }
    }

    #[test]
    fn who_found_no_room_goes_before_who_had_its_turn() {
        struct Named(u64, Arc<Mutex<Vec<u64>>>);
        impl Wake for Named {
            fn wake(self: Arc<Self>) {
                self.1.lock().unwrap().push(self.0);
            }
        }
        let order = Arc::new(Mutex::new(Vec::new()));
        let queue = queue(2, usize::MAX);
        let ask = |peer: u64| {
            let waker = Waker::from(Arc::new(Named(peer, Arc::clone(&order))));
            queue.room(PeerId(peer), &mut Context::from_waker(&waker))
        };
        push(&queue, 2);
        for peer in [3, 1, 2, 3] {
            assert_eq!(ask(peer), Room::Full);
        }
        assert_eq!(take(&queue, 2), Poll::Ready(2));
        assert_eq!(*order.lock().unwrap(), [3, 1, 2]);
        push(&queue, 2);
        for peer in [1, 2, 3] {
            assert_eq!(ask(peer), Room::Full, "3 had the room, the others come before it now");
        }
        assert_eq!(take(&queue, 2), Poll::Ready(2));
        assert_eq!(*order.lock().unwrap(), [3, 1, 2, 1, 2, 3]);
    }

    #[test]
    fn a_message_larger_than_the_whole_bound_still_passes() {
        let queue = queue(10, 5);
        assert!(matches!(queue.room(PeerId(1), &mut Context::from_waker(Waker::noop())), Room::Messages(10)));
        push(&queue, 1);
        assert_eq!(take(&queue, 10), Poll::Ready(1));
    }

    #[test]
    fn once_stopped_it_gives_what_it_has_and_takes_nothing() {
        let queue = queue(10, 1000);
        assert_eq!(take(&queue, 10), Poll::Pending);
        push(&queue, 2);
        queue.stop();
        push(&queue, 3);
        assert_eq!(queue.room(PeerId(1), &mut Context::from_waker(Waker::noop())), Room::Stopped);
        assert_eq!(take(&queue, 10), Poll::Ready(2));
        assert_eq!(take(&queue, 10), Poll::Ready(0));
        assert_eq!(queue.poll_next(&mut Context::from_waker(Waker::noop())), Poll::Ready(None));
    }
}
