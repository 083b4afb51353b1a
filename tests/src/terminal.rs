//! A terminal in memory, with the real program on it: what is typed goes in, what a person would see comes out.

use std::{
    io::{Read, Write},
    num::NonZero,
    path::Path,
    sync::{Arc, Condvar, Mutex},
    thread,
    time::Instant,
};

use crate::{limits::PATIENCE, process::recado_path};
use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

/// A terminal and the program on it, killed when the test drops it.
pub struct Terminal {
    shared: Arc<Shared>,
    keys: Box<dyn Write + Send>,
    master: Box<dyn MasterPty + Send>,
    child: Box<dyn Child + Send + Sync>,
    /// Its mode before the program came.
    found: u32,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    emulator: vt100::Parser,
    ended: bool,
}

/// For a chat that takes the whole screen.
pub const FULL_SCREEN: (&str, &str) = ("RECADO_PLAIN", "false");

/// Rows kept above the screen.
const SCROLLBACK_ROWS: usize = 1_000;

impl Terminal {
    /// Starts `recado` on a terminal of so many rows and columns. The folder is its user's home. A chat prints one line after the other
    /// there, unless [`FULL_SCREEN`] is among the variables.
    pub fn start(folder: &Path, rows: u16, columns: u16, arguments: &[&str]) -> Terminal {
        Terminal::start_with(folder, rows, columns, arguments, &[])
    }

    /// The same with these environment variables.
    pub fn start_with(
        folder: &Path,
        rows: u16,
        columns: u16,
        arguments: &[&str],
        variables: &[(&str, &str)],
    ) -> Terminal {
        let pair = native_pty_system().openpty(size(rows, columns)).expect("the system has terminals");
        let found = mode(&*pair.master);
        let mut command = CommandBuilder::new(recado_path());
        command.args(arguments);
        command.cwd(folder);
        command.env_clear();
        let settings = [
            ("TERM", "xterm-256color"),
            ("TZ", "UTC"),
            ("LANG", "C.UTF-8"),
            ("USER", "maria"),
            ("RECADO_PLAIN", "true"),
        ];
        settings.iter().chain(variables).for_each(|(name, value)| command.env(name, value));
        command.env("HOME", folder);
        let child = pair.slave.spawn_command(command).expect("recado starts");
        drop(pair.slave);
        let mut output = pair.master.try_clone_reader().expect("a terminal can be read");
        let keys = pair.master.take_writer().expect("a terminal can be written to");
        let shared = Arc::new(Shared {
            state: Mutex::new(State {
                emulator: vt100::Parser::new(some(rows), some(columns), SCROLLBACK_ROWS),
                ended: false,
            }),
            changed: Condvar::new(),
        });
        let seen = Arc::clone(&shared);
        thread::spawn(move || {
            let mut bytes = [0; 4_096];
            // The end is an error on Linux.
            while let Ok(read @ 1..) = output.read(&mut bytes) {
                seen.state.lock().expect("nobody panics with the lock").emulator.process(&bytes[..read]);
                seen.changed.notify_all();
            }
            seen.state.lock().expect("nobody panics with the lock").ended = true;
            seen.changed.notify_all();
        });
        Terminal { shared, keys, master: pair.master, child, found }
    }

    /// Presses these keys.
    pub fn keys(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).and_then(|()| self.keys.flush()).expect("the terminal is there");
    }

    /// Types a line and presses Enter.
    pub fn line(&mut self, line: &str) {
        self.keys(&format!("{line}\r"));
    }

    /// Gives the terminal another size.
    pub fn resize(&mut self, rows: u16, columns: u16) {
        let mut state = self.shared.state.lock().expect("nobody panics with the lock");
        state.emulator.screen_mut().set_size(some(rows), some(columns));
        self.master.resize(size(rows, columns)).expect("a terminal can be resized");
    }

    /// What a person sees, without the empty rows below and without spaces at the ends of rows.
    pub fn screen(&self) -> String {
        shown(&self.shared.state.lock().expect("nobody panics with the lock"))
    }

    /// The screen, cell by cell.
    pub fn cells(&self) -> vt100::Screen {
        self.shared.state.lock().expect("nobody panics with the lock").emulator.screen().clone()
    }

    /// Whether anything on the screen is coloured, bold or dim.
    pub fn has_colours(&self) -> bool {
        let state = self.shared.state.lock().expect("nobody panics with the lock");
        let screen = state.emulator.screen();
        let (rows, columns) = screen.size();
        let cells = (0..rows.get()).flat_map(|row| (0..columns.get()).map(move |column| (row, column)));
        cells
            .filter_map(|(row, column)| screen.cell(row, column))
            .any(|cell| cell.fgcolor() != vt100::Color::Default || cell.bold() || cell.dim())
    }

    /// Waits until the screen looks like this.
    pub fn wait_for(&self, what: &str, looks: impl Fn(&str) -> bool) -> String {
        let deadline = Instant::now() + PATIENCE;
        let mut state = self.shared.state.lock().expect("nobody panics with the lock");
        loop {
            let screen = shown(&state);
            if looks(&screen) {
                return screen;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if state.ended || left.is_zero() {
                drop(state);
                panic!("waited for {what}, but the screen shows:\n{screen}");
            }
            state = self.shared.changed.wait_timeout(state, left).expect("nobody panics with the lock").0;
        }
    }

    /// Waits until this is on the screen.
    pub fn wait_for_text(&self, text: &str) -> String {
        self.wait_for(text, |screen| screen.contains(text))
    }

    /// Waits until the last row is this.
    pub fn wait_for_last_row(&self, row: &str) -> String {
        self.wait_for(row, |screen| screen.lines().last() == Some(row))
    }

    /// Sends the program a signal.
    pub fn signal(&self, signal: nix::sys::signal::Signal) {
        let id = self.child.process_id().and_then(|id| i32::try_from(id).ok()).expect("it has not ended");
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(id), signal)
            .expect("our own child can be signalled");
    }

    /// Waits for the program's end: its exit code, and the screen that it leaves behind.
    pub fn wait_for_end(&mut self) -> (u32, String) {
        let state = self.shared.state.lock().expect("nobody panics with the lock");
        let waited = self.shared.changed.wait_timeout_while(state, PATIENCE, |state| !state.ended);
        let state = waited.expect("nobody panics with the lock").0;
        let (screen, ended) = (shown(&state), state.ended);
        drop(state);
        assert!(ended, "it does not end; the screen shows:\n{screen}");
        (self.child.wait().expect("our own child can be waited for").exit_code(), screen)
    }

    /// Whether the terminal is in the mode in which the program found it.
    pub fn is_as_found(&self) -> bool {
        mode(&*self.master) == self.found
    }
}

fn mode(master: &dyn MasterPty) -> u32 {
    master.get_termios().expect("a terminal has a mode").local_flags.bits()
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn shown(state: &State) -> String {
    let screen = state.emulator.screen();
    let rows: Vec<String> =
        screen.rows(0, screen.size().1.get()).map(|row| row.trim_end().to_owned()).collect();
    rows.join("\n").trim_end().to_owned()
}

fn some(count: u16) -> NonZero<u16> {
    NonZero::new(count).expect("a terminal has rows and columns")
}

fn size(rows: u16, columns: u16) -> PtySize {
    PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 }
}
