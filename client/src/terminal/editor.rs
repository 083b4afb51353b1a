//! The thread that edits lines, and the one that prints above them. They know the screen, not the chat.

use std::fs;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use rustyline::config::{BellStyle, Builder, ColorMode, CompletionType};
use rustyline::error::ReadlineError;
use rustyline::history::FileHistory;
use rustyline::{Editor, Event, EventHandler, ExternalPrinter, KeyEvent};
use tokio::sync::mpsc;

use crate::chat::command::Command;
use crate::engine::Input;
use crate::limits;
use crate::view::colour::Palette;
use crate::view::prompt::{self, Prompt};
use crate::view::{text, wording};
use crate::writing::{Writing, lend_terminal};

use super::helper::{ChatHelper, ClearOrInterrupt, Suspend, Write};
use super::mode::SavedMode;
use super::screen::{Screen, Task};

/// What the thread is to do.
pub(crate) enum Order {
    /// Ask for something that is no line of the chat and is not kept.
    Ask(Prompt),
    /// Read the next line of the chat.
    Read(Prompt),
    /// The same, once this text has been through the user's editor.
    Write(Prompt, String),
}

struct LineEditor {
    editor: Editor<ChatHelper, FileHistory>,
    screen: Arc<Screen>,
    palette: Palette,
    history: Option<PathBuf>,
    mode: Arc<SavedMode>,
    /// A key asked for the user's editor.
    writes: Arc<AtomicBool>,
}

/// Begins both threads. Lines come one for each order.
pub(crate) fn spawn(
    screen: Arc<Screen>,
    mode: &Arc<SavedMode>,
    palette: Palette,
) -> io::Result<mpsc::Receiver<Input>> {
    let mut editor = LineEditor::new(Arc::clone(&screen), mode, palette).map_err(io::Error::other)?;
    // Terminals that cannot move the cursor have no place above the line: everything is printed where the cursor is.
    let printer = editor.editor.create_external_printer();
    screen.set_can_move(printer.is_ok());
    let (sender, receiver) = mpsc::channel(1);
    let above = Arc::clone(&screen);
    thread::Builder::new().name("printer".to_owned()).spawn(move || match printer {
        Ok(mut printer) => {
            while let Some(lines) = above.next_lines_above() {
                if printer.print(lines).is_err() {
                    return;
                }
            }
        }
        Err(_) => {
            while let Some(lines) = above.next_lines_above() {
                print(&lines);
            }
        }
    })?;
    thread::Builder::new().name("editor".to_owned()).spawn(move || {
        editor.work(&sender);
        drop(editor);
        screen.ended();
    })?;
    Ok(receiver)
}

impl LineEditor {
    fn new(screen: Arc<Screen>, mode: &Arc<SavedMode>, palette: Palette) -> rustyline::Result<Self> {
        let colours = if palette == Palette::Plain { ColorMode::Disabled } else { ColorMode::Enabled };
        let config = Builder::new()
            .max_history_size(limits::INPUT_HISTORY_LINES_MAX)?
            .history_ignore_dups(true)?
            .history_ignore_space(true)
            .completion_type(CompletionType::List)
            .completion_show_all_if_ambiguous(true)
            .bell_style(BellStyle::None)
            .color_mode(colours)
            .build();
        let mut editor = Editor::with_config(config)?;
        editor.set_helper(Some(ChatHelper::new(Arc::clone(&screen))));
        let clear = EventHandler::Conditional(Box::new(ClearOrInterrupt));
        editor.bind_sequence(KeyEvent::ctrl('C'), clear);
        let suspend = EventHandler::Conditional(Box::new(Suspend::new(Arc::clone(mode))));
        editor.bind_sequence(KeyEvent::ctrl('Z'), suspend);
        let writes = Arc::new(AtomicBool::new(false));
        for keys in [vec![KeyEvent::alt('e')], vec![KeyEvent::ctrl('X'), KeyEvent::ctrl('E')]] {
            let write = EventHandler::Conditional(Box::new(Write::new(Arc::clone(&writes))));
            editor.bind_sequence(Event::KeySeq(keys), write);
        }
        let history = crate::paths::input_history()
            .filter(|path| path.parent().is_some_and(|folder| fs::create_dir_all(folder).is_ok()));
        if let Some(path) = &history {
            // There is none at the first start, and a broken one is no reason not to chat.
            let _ = editor.load_history(path);
        }
        Ok(Self { editor, screen, palette, history, mode: Arc::clone(mode), writes })
    }

    fn work(&mut self, sender: &mpsc::Sender<Input>) {
        loop {
            let input = match self.screen.next_task() {
                Task::Print(lines) => {
                    print(&lines);
                    continue;
                }
                Task::End => return,
                Task::Order(Order::Ask(prompt)) => self.read(&prompt, "", false),
                Task::Order(Order::Read(prompt)) => self.read(&prompt, "", true),
                Task::Order(Order::Write(prompt, text)) => {
                    let text = self.write(text);
                    self.read(&prompt, &text, true)
                }
            };
            if sender.blocking_send(input).is_err() {
                return;
            }
        }
    }

    fn read(&mut self, prompt: &Prompt, begins: &str, is_chat: bool) -> Input {
        let mut begins = begins.to_owned();
        loop {
            let read = self.read_line(prompt, &begins, is_chat);
            match read {
                Input::Line { text, .. } if self.writes.swap(false, Ordering::SeqCst) => {
                    begins = if is_chat { self.write(text) } else { text };
                }
                read => return read,
            }
        }
    }

    /// What the user's editor makes of the text; or the text, and a word about why.
    fn write(&self, text: String) -> String {
        let written = Writing::begin(&text).and_then(|writing| {
            lend_terminal(true);
            let ended = self.mode.lend(|| writing.command().status());
            lend_terminal(false);
            writing.end(ended.and_then(|ended| ended))
        });
        match written {
            Ok(written) => text::harmless(&written).into_owned(),
            Err(error) => {
                print(&format!(
                    "{}\n",
                    prompt::complaint(self.palette, &wording::writing_error(self.screen.language(), &error))
                ));
                text
            }
        }
    }

    fn read_line(&mut self, prompt: &Prompt, begins: &str, is_chat: bool) -> Input {
        if !self.screen.can_move() {
            self.screen.set_editing(true);
        }
        let shown = (prompt.raw.as_str(), prompt.styled.as_str());
        let read = self.editor.readline_with_initial(&shown, (begins, ""));
        self.screen.set_editing(false);
        match read {
            Ok(line) if self.writes.load(Ordering::SeqCst) => {
                self.erase(prompt, &line);
                Input::Line { text: line, echo: false }
            }
            Ok(line) if is_chat => {
                self.remember(&line);
                let echo = self.gives_way(&line) && self.erase(prompt, &line);
                Input::Line { text: line, echo }
            }
            Ok(line) => Input::Line { text: line, echo: false },
            Err(ReadlineError::Interrupted) => {
                self.erase(prompt, "");
                Input::Interrupt
            }
            Err(ReadlineError::Eof) => Input::End,
            Err(error) => {
                // The terminal is gone, or speaks in tongues: a line that is no UTF-8 ends here too.
                tracing::warn!(%error, "the terminal cannot be read");
                Input::End
            }
        }
    }

    fn remember(&mut self, line: &str) {
        let added = self.editor.add_history_entry(line.trim_end());
        if matches!(added, Ok(true))
            && let Some(path) = &self.history
            && let Err(error) = self.editor.append_history(path)
        {
            tracing::debug!(%error, path = %path.display(), "the typed line was not kept");
            self.history = None;
        }
    }

    /// A message is shown with its time and its place instead of standing as it was typed; nothing is typed on an empty line.
    fn gives_way(&self, line: &str) -> bool {
        match Command::parse(line) {
            Ok(Some(command)) => command.is_message(),
            Ok(None) => true,
            Err(_) => false,
        }
    }

    /// Takes the prompt and the line from the screen, if it is certain which rows they take.
    fn erase(&mut self, prompt: &Prompt, line: &str) -> bool {
        if !self.screen.can_move() {
            return false;
        }
        let Some((columns, screen_rows)) = self.editor.dimensions() else { return false };
        let typed = format!("{}{line}", prompt.raw);
        let Some(below) = text::rows_below(&typed, columns.into()) else { return false };
        // The cursor stands on the row after the last one.
        let up = below + 1;
        if up >= usize::from(screen_rows) {
            return false;
        }
        print(&format!("\x1b[{up}A\r\x1b[J"));
        true
    }
}

fn print(text: &str) {
    let mut output = io::stdout().lock();
    // Without a terminal there is nobody to tell; the next line read says so.
    let _ = output.write_all(text.as_bytes());
    let _ = output.flush();
}
