//! The terminal's mode: as it was found, for the end, and quiet while there is a chat.

use std::io::{self, Write};
use std::thread;

use rustix::process::{Signal, kill_current_process_group};
use rustix::termios::{
    InputModes, LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr,
};

use crate::limits;

/// The mode before the chat.
pub(crate) struct SavedMode {
    found: Termios,
}

impl SavedMode {
    pub(crate) fn of_standard_input() -> io::Result<Self> {
        Ok(Self { found: tcgetattr(io::stdin())? })
    }

    /// Keys typed while no line is being edited wait, unseen and without effect, for the next line. Otherwise the terminal
    /// would show them where they do not belong, take Ctrl-D for itself. With `signals` Ctrl-C is one nevertheless.
    pub(crate) fn keep_quiet(&self, signals: bool) -> io::Result<()> {
        let mut quiet = self.found.clone();
        quiet.local_modes -= LocalModes::ECHO | LocalModes::ECHONL | LocalModes::ICANON | LocalModes::IEXTEN;
        if !signals {
            quiet.local_modes -= LocalModes::ISIG;
        }
        quiet.input_modes -= InputModes::ICRNL | InputModes::INLCR | InputModes::IXON | InputModes::BRKINT;
        quiet.special_codes[SpecialCodeIndex::VMIN] = 1;
        quiet.special_codes[SpecialCodeIndex::VTIME] = 0;
        Ok(tcsetattr(io::stdin(), OptionalActions::Drain, &quiet)?)
    }

    /// Does something while the terminal is as it was found, with signals from keys; then it is as it was before.
    pub(crate) fn lend<T>(&self, does: impl FnOnce() -> T) -> io::Result<T> {
        let before = tcgetattr(io::stdin())?;
        tcsetattr(io::stdin(), OptionalActions::Drain, &self.found)?;
        let done = does();
        tcsetattr(io::stdin(), OptionalActions::Drain, &before)?;
        Ok(done)
    }

    /// Leaves the terminal as it was found.
    pub(crate) fn restore(&self) {
        // It fails only when the terminal is gone, and then there is nothing to restore.
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &self.found);
    }

    /// Gives the terminal back to the shell, as it was found, and stops this program and whatever else belongs to its job, until
    /// the shell lets it go on.
    pub(crate) fn suspend(&self) -> io::Result<()> {
        let editing = tcgetattr(io::stdin())?;
        write_now(PASTE_IN_BRACKETS_OFF)?;
        tcsetattr(io::stdin(), OptionalActions::Drain, &self.found)?;
        kill_current_process_group(Signal::TSTP)?;
        // The signal stops every thread, yet this one may run on for a moment; what follows belongs behind the stop.
        thread::sleep(limits::STOP_TAKES_EFFECT);
        tcsetattr(io::stdin(), OptionalActions::Drain, &editing)?;
        write_now(PASTE_IN_BRACKETS_ON)
    }
}

const PASTE_IN_BRACKETS_ON: &[u8] = b"\x1b[?2004h";
const PASTE_IN_BRACKETS_OFF: &[u8] = b"\x1b[?2004l";

fn write_now(sequence: &[u8]) -> io::Result<()> {
    let mut output = io::stdout().lock();
    output.write_all(sequence)?;
    output.flush()
}
