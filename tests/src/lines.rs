//! Lines that another process writes, kept as they come, so that a test can wait for one of them.

use std::{
    io::{BufRead, BufReader, Read},
    sync::{Arc, Condvar, Mutex, MutexGuard},
    thread,
    time::{Duration, Instant},
};

use crate::limits::PATIENCE;

/// The lines of one stream so far. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Lines {
    shared: Arc<(Mutex<State>, Condvar)>,
}

#[derive(Debug, Default)]
struct State {
    lines: Vec<String>,
    ended: bool,
}

impl Lines {
    /// Starts a thread that reads the stream to its end.
    pub(crate) fn collect(stream: impl Read + Send + 'static) -> Lines {
        let lines = Lines::default();
        let shared = Arc::clone(&lines.shared);
        thread::spawn(move || {
            let mut reader = BufReader::new(stream);
            let mut bytes = Vec::new();
            while reader.read_until(b'\n', &mut bytes).is_ok_and(|read| read > 0) {
                let line = String::from_utf8_lossy(&bytes).trim_end_matches(['\r', '\n']).to_owned();
                lock(&shared.0).lines.push(line);
                shared.1.notify_all();
                bytes.clear();
            }
            lock(&shared.0).ended = true;
            shared.1.notify_all();
        });
        lines
    }

    /// How many lines have come.
    pub fn count(&self) -> usize {
        lock(&self.shared.0).lines.len()
    }

    /// All lines so far.
    pub fn all(&self) -> Vec<String> {
        lock(&self.shared.0).lines.clone()
    }

    /// The first line from number `from` on that `matches`, and the number after it, as soon as it is there.
    ///
    /// # Errors
    /// The stream ended, or [`PATIENCE`] did, without such a line: a sentence for the failed test.
    pub fn wait_from(&self, from: usize, matches: impl Fn(&str) -> bool) -> Result<(String, usize), String> {
        let deadline = Instant::now() + PATIENCE;
        let mut seen = from;
        let mut state = lock(&self.shared.0);
        loop {
            if let Some(found) = state.lines.iter().skip(seen).position(|line| matches(line)) {
                return Ok((state.lines[seen + found].clone(), seen + found + 1));
            }
            seen = seen.max(state.lines.len());
            if state.ended {
                return Err("the stream ended without it".to_owned());
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(format!("it did not come within {PATIENCE:?}"));
            }
            state = self.shared.1.wait_timeout(state, left).expect("no reader panics with the lock").0;
        }
    }

    /// Waits for the stream's end, this long at most; whether it came.
    pub fn wait_for_end(&self, at_most: Duration) -> bool {
        let state = lock(&self.shared.0);
        let waited = self.shared.1.wait_timeout_while(state, at_most, |state| !state.ended);
        waited.expect("no reader panics with the lock").0.ended
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().expect("no reader panics with the lock")
}
