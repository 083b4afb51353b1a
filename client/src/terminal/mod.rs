//! The face on a terminal: a line being typed at the bottom, everything else above it. rustyline edits, on a thread of its
//! own; what is to be shown goes through the [`screen::Screen`] that both sides share.

mod editor;
mod helper;
mod mode;
mod screen;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use jiff::Zoned;
use tokio::sync::{mpsc, oneshot};

use crate::chat::complete::KnownNames;
use crate::chat::draft::Draft;
use crate::chat::item::{Item, Level, Place};
use crate::chat::{Reads, Whereabouts};
use crate::engine::{Face, Input, Opening};
use crate::limits;
use crate::view::colour::Palette;
use crate::view::plain::PlainView;
use crate::view::prompt::{self, Prompt};
use crate::view::wording::Language;

use self::editor::Order;
use self::mode::SavedMode;
use self::screen::Screen;

/// A terminal, both ways.
pub(crate) struct TerminalFace {
    palette: Palette,
    view: PlainView,
    screen: Arc<Screen>,
    input: mpsc::Receiver<Input>,
    mode: Arc<SavedMode>,
    /// What is to go through the user's editor before the next line is read.
    written: Option<String>,
}

impl TerminalFace {
    /// Takes the terminal on standard input and output, until it is dropped.
    pub(crate) fn new(palette: Palette, language: Language) -> io::Result<Self> {
        let mode = Arc::new(SavedMode::of_standard_input()?);
        let screen = Arc::new(Screen::new(language));
        let input = editor::spawn(Arc::clone(&screen), &mode, palette)?;
        let view = PlainView::for_terminal(palette, language, &Zoned::now());
        let face = Self { palette, view, screen, input, mode, written: None };
        face.keep_quiet(true)?;
        Ok(face)
    }

    fn keep_quiet(&self, signals: bool) -> io::Result<()> {
        // Other terminals are read line by line, as they were found.
        if self.screen.can_move() { self.mode.keep_quiet(signals) } else { Ok(()) }
    }
}

impl Opening for TerminalFace {
    fn reads(&self) -> Reads {
        Reads::WhatIsShown
    }

    async fn answer(&mut self, question: Prompt) -> Option<String> {
        self.screen.order(Order::Ask(question));
        let Input::Line { text, .. } = self.input.recv().await? else { return None };
        Some(text)
    }

    /// The chat begins: from now on even Ctrl-C waits for its line when it comes too early. Before, it ends a wait that may
    /// be long.
    fn begin(&self) -> io::Result<()> {
        self.keep_quiet(false)
    }

    /// Nothing here makes a sound.
    async fn attend(&mut self, _: Vec<(Place, Level)>) -> io::Result<()> {
        Ok(())
    }

    /// One line is typed here, which belongs nowhere yet: what was typed for a conversation stays kept for where there are some.
    async fn take_up(&mut self, _: Vec<(Place, Draft)>) -> io::Result<()> {
        Ok(())
    }

    /// Says something before the chat begins.
    fn say(&mut self, text: &str) {
        self.screen.print(prompt::aside(self.palette, text));
    }

    /// Says that something is wrong before the chat begins.
    fn complain(&mut self, text: &str) {
        self.screen.print(prompt::complaint(self.palette, text));
    }
}

/// However the program ends that does not abort, the terminal is left as it was found. The thread that edits may still have
/// it then.
impl Drop for TerminalFace {
    fn drop(&mut self) {
        self.mode.restore();
    }
}

impl Face for TerminalFace {
    async fn show(&mut self, item: &Item) -> io::Result<()> {
        if let Some((_, lines)) = self.view.render(item) {
            self.screen.print(lines);
        }
        Ok(())
    }

    async fn next(&mut self) -> Input {
        self.input.recv().await.unwrap_or(Input::End)
    }

    fn ready(&mut self, whereabouts: &Whereabouts) {
        let prompt = prompt::chat(self.palette, whereabouts);
        self.screen.order(match self.written.take() {
            Some(text) => Order::Write(prompt, text),
            None => Order::Read(prompt),
        });
    }

    fn write(&mut self, text: String) -> bool {
        self.written = Some(text);
        true
    }

    fn refresh_interval(&self) -> Option<Duration> {
        Some(limits::REFRESH_INTERVAL)
    }

    fn names(&mut self, known: &KnownNames) {
        self.screen.know(known.clone());
    }

    fn settle_max(&self) -> Option<Duration> {
        Some(limits::SETTLE_MAX)
    }

    fn lines_ahead_max(&self) -> usize {
        // One more is refused by the chat with a word to the user.
        usize::MAX
    }

    async fn finish(self) {
        let (done, finished) = oneshot::channel();
        self.screen.close(done);
        // While a line is being edited the thread cannot end; it is left behind, and the terminal's mode restored.
        if self.screen.is_editing() {
            return self.screen.print_rest();
        }
        // An error means that the thread has ended already.
        let _ = finished.await;
    }
}
