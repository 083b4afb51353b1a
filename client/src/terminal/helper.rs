//! What rustyline asks while a line is edited: completion, and whether Enter ends the line.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustyline::completion::{Completer, Pair};
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::validate::Validator;
use rustyline::{Cmd, ConditionalEventHandler, Context, Event, EventContext, Helper, Movement, RepeatCount};

use super::mode::SavedMode;
use super::screen::Screen;

/// Completes from what the screen knows.
pub(crate) struct ChatHelper {
    screen: Arc<Screen>,
}

impl ChatHelper {
    pub(crate) fn new(screen: Arc<Screen>) -> Self {
        Self { screen }
    }
}

impl Helper for ChatHelper {}
impl Validator for ChatHelper {}

impl Completer for ChatHelper {
    type Candidate = Pair;

    fn complete(&self, line: &str, pos: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<Pair>)> {
        let completion = self.screen.known().complete(line, pos);
        let pairs = completion.candidates.into_iter();
        let pairs =
            pairs.map(|candidate| Pair { display: candidate.shown, replacement: candidate.replacement });
        Ok((completion.start, pairs.collect()))
    }
}

impl Hinter for ChatHelper {
    type Hint = String;

    /// There are no hints; but this is asked for when the prompt is drawn, and from then on printing goes above it.
    fn hint(&self, _: &str, _: usize, _: &Context<'_>) -> Option<String> {
        self.screen.set_editing(true);
        None
    }
}

impl Highlighter for ChatHelper {}

/// Ctrl-C clears a line that has something on it, and interrupts otherwise. What is cleared can be had back with Ctrl-Y.
pub(crate) struct ClearOrInterrupt;

impl ConditionalEventHandler for ClearOrInterrupt {
    fn handle(&self, _: &Event, _: RepeatCount, _: bool, context: &EventContext<'_>) -> Option<Cmd> {
        Some(if context.line().is_empty() { Cmd::Interrupt } else { Cmd::Kill(Movement::WholeBuffer) })
    }
}

/// The line is to be written with an editor: it ends here, and whoever reads it finds this set.
pub(crate) struct Write {
    wanted: Arc<AtomicBool>,
}

impl Write {
    pub(crate) fn new(wanted: Arc<AtomicBool>) -> Self {
        Self { wanted }
    }
}

impl ConditionalEventHandler for Write {
    fn handle(&self, _: &Event, _: RepeatCount, _: bool, _: &EventContext<'_>) -> Option<Cmd> {
        self.wanted.store(true, Ordering::SeqCst);
        Some(Cmd::AcceptLine)
    }
}

/// Ctrl-Z stops the program. The editor's own way takes the terminal back before all threads have stopped.
pub(crate) struct Suspend {
    mode: Arc<SavedMode>,
}

impl Suspend {
    pub(crate) fn new(mode: Arc<SavedMode>) -> Self {
        Self { mode }
    }
}

impl ConditionalEventHandler for Suspend {
    fn handle(&self, _: &Event, _: RepeatCount, _: bool, _: &EventContext<'_>) -> Option<Cmd> {
        if let Err(error) = self.mode.suspend() {
            tracing::debug!(%error, "the program was not suspended");
        }
        Some(Cmd::Repaint)
    }
}
