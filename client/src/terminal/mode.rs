//! The terminal's mode: as it was found, for the end, and quiet while there is a chat.

use std::io;

use rustix::termios::{
    InputModes, LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr,
};

/// Restores the terminal when it is dropped, however the program ends that does not abort.
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
}

impl Drop for SavedMode {
    fn drop(&mut self) {
        // It fails only when the terminal is gone, and then there is nothing to restore.
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &self.found);
    }
}
