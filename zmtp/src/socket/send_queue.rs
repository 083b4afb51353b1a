//! Messages on their way to one peer: filled by the socket's user, emptied by the connection's task.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Waker};

use bytes::Bytes;
use tokio::sync::oneshot;

use super::progress::Progress;
use crate::limits;
use crate::lock::lock;
use crate::message::Message;
use crate::options::SocketOptions;

/// Something to write.
#[derive(Clone, Debug)]
pub(crate) enum Outbound {
    /// A message of this peer's own.
    Message(Message),
    /// Whole frames, encoded once for several peers.
    Encoded(Bytes),
}

impl Outbound {
    fn weight(&self) -> usize {
        match self {
            Self::Message(message) => message.weight(),
            Self::Encoded(bytes) => bytes.len(),
        }
    }
}

/// The queue of one connection. Bounded in messages and bytes; who pushes decides what to do when it is full.
#[derive(Debug)]
pub(crate) struct SendQueue {
    state: Mutex<State>,
    messages_max: usize,
    bytes_max: usize,
    progress: Arc<Progress>,
}

#[derive(Debug)]
struct State {
    items: VecDeque<Outbound>,
    bytes: usize,
    /// Items that the connection has taken and not yet given to the kernel.
    writing: usize,
    /// The connection's task, when it sleeps for want of items. While it waits for the kernel nothing wakes it here.
    writer: Option<Waker>,
    phase: Phase,
    /// Ends the connection, wherever its task is.
    cut: Option<oneshot::Sender<()>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Open,
    /// Nothing more is pushed; what is there is still written.
    Finishing,
    /// The connection is gone, or is to go at once.
    Closed,
}

/// Why an item was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PushError {
    Full,
    Closed,
}

/// What there is to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    Some,
    /// Nothing yet; the task will be woken.
    Nothing,
    /// Nothing ever again: all has been written.
    Finished,
    /// The socket wants this connection to end, whatever waits.
    Closed,
}

impl SendQueue {
    pub(crate) fn new(options: &SocketOptions, progress: Arc<Progress>) -> Self {
        let state = State {
            items: VecDeque::new(),
            bytes: 0,
            writing: 0,
            writer: None,
            phase: Phase::Open,
            cut: None,
        };
        Self {
            state: Mutex::new(state),
            messages_max: options.send_queue_messages_max.max(1),
            bytes_max: options.send_queue_bytes_max.max(1),
            progress,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    fn is_full(&self, state: &State) -> bool {
        state.items.len() >= self.messages_max || state.bytes >= self.bytes_max
    }

    /// Whether one more item would be taken.
    pub(crate) fn has_room(&self) -> Result<(), PushError> {
        let state = self.state();
        match state.phase {
            Phase::Open if self.is_full(&state) => Err(PushError::Full),
            Phase::Open => Ok(()),
            Phase::Finishing | Phase::Closed => Err(PushError::Closed),
        }
    }

    /// Adds an item if there is room, else gives it back.
    pub(crate) fn push(&self, item: Outbound) -> Result<(), (PushError, Outbound)> {
        let state = self.state();
        match state.phase {
            Phase::Open if self.is_full(&state) => return Err((PushError::Full, item)),
            Phase::Open => {}
            Phase::Finishing | Phase::Closed => return Err((PushError::Closed, item)),
        }
        Self::append(state, item);
        Ok(())
    }

    /// Adds an item even over the limit, which the caller must bound otherwise; a queue that is closed drops it.
    pub(crate) fn push_over(&self, item: Outbound) {
        let state = self.state();
        if state.phase == Phase::Open {
            Self::append(state, item);
        }
    }

    fn append(mut state: MutexGuard<'_, State>, item: Outbound) {
        state.bytes += item.weight();
        state.items.push_back(item);
        let writer = state.writer.take();
        drop(state);
        if let Some(writer) = writer {
            writer.wake();
        }
    }

    /// For the connection's task: what was taken before has been given to the kernel; takes up to
    /// [`WRITE_BYTES_MAX`](limits::WRITE_BYTES_MAX) more, and one item at least if there is any.
    pub(crate) fn take(&self, cx: &mut Context<'_>, into: &mut Vec<Outbound>) -> Taken {
        let mut state = self.state();
        let was_full = self.is_full(&state);
        let was_writing = std::mem::take(&mut state.writing) > 0;
        if state.phase == Phase::Closed {
            return Taken::Closed;
        }
        let mut bytes = 0;
        while bytes < limits::WRITE_BYTES_MAX
            && let Some(item) = state.items.pop_front()
        {
            bytes += item.weight();
            into.push(item);
        }
        state.bytes -= bytes;
        state.writing = into.len();
        let taken = match (into.is_empty(), state.phase) {
            (false, _) => Taken::Some,
            (true, Phase::Finishing) => Taken::Finished,
            (true, _) => {
                if !state.writer.as_ref().is_some_and(|writer| writer.will_wake(cx.waker())) {
                    state.writer = Some(cx.waker().clone());
                }
                Taken::Nothing
            }
        };
        let has_room_again = was_full && !self.is_full(&state);
        let is_idle_again = was_writing && into.is_empty();
        drop(state);
        if has_room_again || is_idle_again {
            self.progress.made();
        }
        taken
    }

    /// Whether all that was pushed has been given to the kernel, or never will be.
    pub(crate) fn is_idle(&self) -> bool {
        let state = self.state();
        state.items.is_empty() && state.writing == 0
    }

    /// Takes no more; the connection ends when all is written.
    pub(crate) fn finish(&self) {
        let mut state = self.state();
        if state.phase == Phase::Open {
            state.phase = Phase::Finishing;
        }
        let writer = state.writer.take();
        drop(state);
        if let Some(writer) = writer {
            writer.wake();
        }
    }

    /// Has the connection end at once, wherever its task is.
    pub(crate) fn cut(&self) {
        if let Some(cut) = self.state().cut.take() {
            // Who waits no longer has ended already.
            let _ = cut.send(());
        }
    }

    /// For the connection's task: what ends when it is to be cut.
    pub(crate) fn cutter(&self) -> oneshot::Receiver<()> {
        let (cut, is_cut) = oneshot::channel();
        self.state().cut = Some(cut);
        is_cut
    }

    /// Closes at once: gives back what was not begun to be written, and says how many items were cut off in writing.
    pub(crate) fn close(&self) -> (VecDeque<Outbound>, usize) {
        let mut state = self.state();
        state.phase = Phase::Closed;
        state.bytes = 0;
        let writing = std::mem::take(&mut state.writing);
        let items = std::mem::take(&mut state.items);
        let writer = state.writer.take();
        drop(state);
        if let Some(writer) = writer {
            writer.wake();
        }
        self.progress.made();
        (items, writing)
    }
}
