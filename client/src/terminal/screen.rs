//! What both sides of the terminal share: what waits to be printed, whether a line is being edited, what to do next. It
//! never blocks whoever prints.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};

use tokio::sync::oneshot;

use crate::chat::complete::KnownNames;
use crate::limits;
use crate::view::wording::{self, Language};

use super::editor::Order;

/// Shared by the chat, the thread that edits and the thread that prints above the line being edited.
pub(crate) struct Screen {
    language: Language,
    state: Mutex<State>,
    changed: Condvar,
    known: Mutex<Arc<KnownNames>>,
    /// The terminal obeys cursor movements: there is a place above the line being edited.
    can_move: OnceLock<bool>,
}

struct State {
    waiting: VecDeque<String>,
    dropped: usize,
    editing: bool,
    order: Option<Order>,
    closing: bool,
    done: Option<oneshot::Sender<()>>,
}

/// What the thread that edits does next.
pub(crate) enum Task {
    /// Print this.
    Print(String),
    /// Do this.
    Order(Order),
    /// End.
    End,
}

impl Screen {
    pub(crate) fn new(language: Language) -> Self {
        Self {
            language,
            state: Mutex::new(State {
                waiting: VecDeque::new(),
                dropped: 0,
                editing: false,
                order: None,
                closing: false,
                done: None,
            }),
            changed: Condvar::new(),
            known: Mutex::new(Arc::default()),
            can_move: OnceLock::new(),
        }
    }

    /// In which one talks.
    pub(crate) fn language(&self) -> Language {
        self.language
    }

    /// Whether the terminal obeys cursor movements.
    pub(crate) fn can_move(&self) -> bool {
        self.can_move.get().copied().unwrap_or(false)
    }

    /// Said once, by the editor.
    pub(crate) fn set_can_move(&self, can_move: bool) {
        self.can_move.get_or_init(|| can_move);
    }

    /// Prints these lines when it can: at once, above a line that is being edited. When [`limits::SCREEN_LINES_MAX`] wait
    /// already, the oldest is dropped, and that is said.
    pub(crate) fn print(&self, lines: String) {
        let mut state = self.lock();
        if state.waiting.len() >= limits::SCREEN_LINES_MAX {
            state.waiting.pop_front();
            state.dropped += 1;
        }
        state.waiting.push_back(lines);
        drop(state);
        self.changed.notify_all();
    }

    pub(crate) fn order(&self, order: Order) {
        self.lock().order = Some(order);
        self.changed.notify_all();
    }

    pub(crate) fn close(&self, done: oneshot::Sender<()>) {
        let mut state = self.lock();
        state.closing = true;
        state.done = Some(done);
        drop(state);
        self.changed.notify_all();
    }

    pub(crate) fn know(&self, known: KnownNames) {
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(known);
    }

    pub(crate) fn known(&self) -> Arc<KnownNames> {
        Arc::clone(&self.known.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn is_editing(&self) -> bool {
        self.lock().editing
    }

    /// The editor has drawn its prompt, or has given the line back.
    pub(crate) fn set_editing(&self, editing: bool) {
        let mut state = self.lock();
        if state.editing != editing {
            state.editing = editing;
            drop(state);
            self.changed.notify_all();
        }
    }

    /// For the thread that edits, while it does not: prints come first, then orders, then the end.
    pub(crate) fn next_task(&self) -> Task {
        let mut state = self.lock();
        loop {
            if let Some(lines) = take_lines(&mut state, self.language) {
                return Task::Print(lines);
            }
            if state.closing {
                return Task::End;
            }
            if let Some(order) = state.order.take() {
                return Task::Order(order);
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// For the thread that prints above the line being edited; none at the end.
    pub(crate) fn next_lines_above(&self) -> Option<String> {
        let mut state = self.lock();
        loop {
            if state.closing {
                return None;
            }
            if state.editing
                && let Some(lines) = take_lines(&mut state, self.language)
            {
                return Some(lines);
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// For the end, when the thread that edits cannot: below the line that was being edited.
    pub(crate) fn print_rest(&self) {
        let rest = take_lines(&mut self.lock(), self.language).unwrap_or_default();
        // The editor would have ended bracketed paste and shown the cursor.
        let reset = if self.can_move() { "\x1b[?2004l\x1b[?25h" } else { "" };
        let mut output = io::stdout().lock();
        // The terminal may be gone.
        let _ = output.write_all(format!("{reset}\r\n{}", rest.replace('\n', "\r\n")).as_bytes());
        let _ = output.flush();
    }

    /// The thread that edits ends.
    pub(crate) fn ended(&self) {
        let done = self.lock().done.take();
        if let Some(done) = done {
            // Nobody may be waiting any more.
            let _ = done.send(());
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// As many waiting lines as are printed at once, each with its line feed.
fn take_lines(state: &mut State, language: Language) -> Option<String> {
    let mut lines = String::new();
    if state.dropped > 0 {
        lines.push_str(&format!("* {}\n", wording::too_fast(language, state.dropped)));
        state.dropped = 0;
    }
    while lines.len() < limits::PRINT_BYTES_MAX
        && let Some(waiting) = state.waiting.pop_front()
    {
        lines.push_str(&waiting);
        lines.push('\n');
    }
    (!lines.is_empty()).then_some(lines)
}
