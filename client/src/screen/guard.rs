//! Takes the terminal for the full screen, and leaves it as it was found however the program ends that is not killed outright.

use std::io::{self, Stdout, Write as _};
use std::panic;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::event::{
    DisableBracketedPaste, DisableFocusChange, EnableBracketedPaste, EnableFocusChange,
};
use ratatui::crossterm::terminal::{EnterAlternateScreen, LeaveAlternateScreen};
use ratatui::crossterm::{cursor, execute, terminal};
use rustix::process::{Signal, kill_current_process_group};

use crate::limits;

/// The terminal, taken until this is dropped.
pub(crate) struct Taken {
    pub(crate) terminal: Terminal<CrosstermBackend<Stdout>>,
    is_taken: Arc<AtomicBool>,
    mouse: bool,
}

/// Puts the window's title aside, and takes it back (xterm's title stack).
const PUSH_TITLE: &[u8] = b"\x1b[22;2t";
const POP_TITLE: &[u8] = b"\x1b[23;2t";

/// Clicks and the wheel are told, in the form without bounds (xterm's modes 1000 and 1006); movement is not.
const MOUSE_ON: &[u8] = b"\x1b[?1000h\x1b[?1006h";
const MOUSE_OFF: &[u8] = b"\x1b[?1006l\x1b[?1000l";

impl Taken {
    pub(crate) fn take(mouse: bool) -> io::Result<Self> {
        let is_taken = Arc::new(AtomicBool::new(true));
        enter(mouse)?;
        let seen = Arc::clone(&is_taken);
        let before = panic::take_hook();
        // What a panic says is to be read on the screen that stays.
        panic::set_hook(Box::new(move |why| {
            leave_once(&seen);
            before(why);
        }));
        let terminal = Terminal::new(CrosstermBackend::new(io::stdout()))?;
        Ok(Self { terminal, is_taken, mouse })
    }

    /// Gives the terminal back to the shell and stops this program, until the shell lets it go on.
    pub(crate) fn suspend(&mut self) -> io::Result<()> {
        leave()?;
        kill_current_process_group(Signal::TSTP)?;
        // The signal stops every thread, yet this one may run on for a moment; what follows belongs behind the stop.
        thread::sleep(limits::STOP_TAKES_EFFECT);
        enter(self.mouse)?;
        self.draw_anew()
    }

    /// Gives the terminal to another program, until it is taken back.
    pub(crate) fn lend(&self) -> io::Result<()> {
        self.is_taken.store(false, Ordering::SeqCst);
        leave()
    }

    pub(crate) fn take_back(&mut self) -> io::Result<()> {
        if !self.is_taken.swap(true, Ordering::SeqCst) {
            enter(self.mouse)?;
        }
        self.draw_anew()
    }

    /// What stands on the screen is not what was drawn: all of it is drawn the next time.
    pub(crate) fn draw_anew(&mut self) -> io::Result<()> {
        execute!(io::stdout(), terminal::Clear(terminal::ClearType::All))?;
        // Its own way asks where the cursor is, and whoever reads keys would take the answer.
        self.terminal = Terminal::new(CrosstermBackend::new(io::stdout()))?;
        Ok(())
    }

    /// Leaves the terminal as it was found.
    pub(crate) fn give_back(&self) {
        leave_once(&self.is_taken);
    }

    /// Writes a sequence that draws nothing.
    pub(crate) fn write(&self, sequence: &str) -> io::Result<()> {
        let mut output = io::stdout().lock();
        output.write_all(sequence.as_bytes())?;
        output.flush()
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.give_back();
    }
}

fn enter(mouse: bool) -> io::Result<()> {
    terminal::enable_raw_mode()?;
    let mut output = io::stdout();
    output.write_all(PUSH_TITLE)?;
    execute!(output, EnterAlternateScreen, EnableBracketedPaste, EnableFocusChange)?;
    if mouse {
        output.write_all(MOUSE_ON)?;
        output.flush()?;
    }
    Ok(())
}

fn leave_once(is_taken: &AtomicBool) {
    if is_taken.swap(false, Ordering::SeqCst) {
        // It fails only when the terminal is gone, and then there is nothing to restore.
        let _ = leave();
    }
}

fn leave() -> io::Result<()> {
    let mut output = io::stdout();
    output.write_all(MOUSE_OFF)?;
    execute!(output, DisableFocusChange, DisableBracketedPaste, LeaveAlternateScreen, cursor::Show)?;
    output.write_all(POP_TITLE)?;
    output.flush()?;
    terminal::disable_raw_mode()
}
