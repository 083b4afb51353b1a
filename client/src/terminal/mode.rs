//! The terminal's mode as it was found, for the end.

use std::io::{self, Write};

use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};

/// Restores the terminal when it is dropped, however the program ends that does not abort.
pub(crate) struct SavedMode {
    found: Termios,
}

impl SavedMode {
    pub(crate) fn of_standard_input() -> io::Result<Self> {
        Ok(Self { found: tcgetattr(io::stdin())? })
    }
}

impl Drop for SavedMode {
    fn drop(&mut self) {
        let is_raw = match tcgetattr(io::stdin()) {
            Ok(now) => now.local_modes != self.found.local_modes,
            // The terminal is gone: nothing is left to restore.
            Err(_) => return,
        };
        if is_raw {
            // Nothing can be done about a failure.
            let _ = tcsetattr(io::stdin(), OptionalActions::Now, &self.found);
            // Bracketed paste off, cursor on.
            let _ = io::stdout().write_all(b"\x1b[?2004l\x1b[?25h");
            let _ = io::stdout().flush();
        }
    }
}
