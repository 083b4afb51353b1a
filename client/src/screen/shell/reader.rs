//! The thread that reads keys. It can be held, while the terminal is another program's.

use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use ratatui::crossterm::event::{self, Event};
use rustix::process::{Signal, getpid, kill_process};
use tokio::sync::mpsc;

use crate::limits;

/// The way to that thread.
pub(super) struct Reader {
    gate: Arc<Gate>,
}

#[derive(Default)]
struct Gate {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    is_closed: bool,
    /// The thread stands before it.
    is_waiting: bool,
}

/// Begins it. It cannot be cancelled while it reads: it is left behind at the end.
pub(super) fn spawn() -> io::Result<(Reader, mpsc::Receiver<Event>)> {
    let (read, keys) = mpsc::channel(limits::SCREEN_KEYS_MAX);
    let gate = Arc::new(Gate::default());
    let reader = Reader { gate: Arc::clone(&gate) };
    thread::Builder::new().name("keys".to_owned()).spawn(move || {
        while let Ok(event) = event::read() {
            if read.blocking_send(event).is_err() {
                return;
            }
            gate.pass();
        }
    })?;
    Ok((reader, keys))
}

impl Reader {
    /// Has it read no more. False if it does not stand still in time; then it reads on.
    pub(super) fn hold(&self) -> bool {
        let mut state = self.gate.lock();
        state.is_closed = true;
        // It waits for a key, or for word of a new size.
        let is_woken = kill_process(getpid(), Signal::WINCH).is_ok();
        let waited = self.gate.changed.wait_timeout_while(state, limits::HOLD_MAX, |state| !state.is_waiting);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        state.is_closed = is_woken && state.is_waiting;
        if !state.is_closed {
            drop(state);
            self.release();
            return false;
        }
        true
    }

    /// Lets it read again.
    pub(super) fn release(&self) {
        self.gate.lock().is_closed = false;
        self.gate.changed.notify_all();
    }
}

impl Gate {
    /// Waits while it is closed.
    fn pass(&self) {
        let mut state = self.lock();
        while state.is_closed {
            state.is_waiting = true;
            self.changed.notify_all();
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.is_waiting = false;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::thread;

    use super::Gate;

    #[test]
    fn whoever_comes_to_a_closed_gate_waits_until_it_opens() {
        let gate = Arc::new(Gate::default());
        gate.pass();
        gate.lock().is_closed = true;
        let passing = Arc::clone(&gate);
        let passed = thread::spawn(move || passing.pass());
        let state = gate.changed.wait_while(gate.lock(), |state| !state.is_waiting).unwrap();
        assert!(!passed.is_finished());
        drop(state);
        gate.lock().is_closed = false;
        gate.changed.notify_all();
        passed.join().unwrap();
        assert!(!gate.lock().is_waiting);
    }
}
