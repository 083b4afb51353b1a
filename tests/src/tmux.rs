//! A real terminal, tmux, without anybody before it: a shell on it, keys that are pressed, and the screen as text.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
    thread,
    time::Instant,
};

use crate::{
    limits::{LOOK_INTERVAL, PATIENCE},
    process::recado_path,
};

/// What tmux begins with: one window of a fixed size, and nothing of its own on the screen.
const SETTINGS: &str = "\
set -g status off
set -g default-terminal screen-256color
set -g escape-time 0
set -g history-limit 2000
";

/// The shell's prompt.
pub const PROMPT: &str = "$ ";

/// tmux with one window, ended with the test.
pub struct Tmux {
    socket: PathBuf,
    columns: u16,
    rows: u16,
}

impl Tmux {
    /// A window of this size with a shell, whose home is the folder, and which knows `recado` by its name. It is about noon there, so that
    /// no day ends while a test runs.
    ///
    /// # Panics
    /// tmux is not installed.
    pub fn start(folder: &Path, columns: u16, rows: u16, variables: &[(&str, &str)]) -> Tmux {
        let [socket, settings, profile] = ["tmux", "tmux.conf", "profile"].map(|name| folder.join(name));
        fs::write(&settings, SETTINGS).expect("the folder is ours to write");
        fs::write(&profile, format!("PS1='{PROMPT}'\n")).expect("the folder is ours to write");
        let programs = recado_path().parent().expect("it is in a folder").to_owned();
        let inherited = std::env::var_os("PATH").unwrap_or_default();
        let path = std::env::join_paths(std::iter::once(programs).chain(std::env::split_paths(&inherited)));
        let mut command = Command::new("tmux");
        command.arg("-S").arg(&socket).arg("-f").arg(&settings);
        command.args(["-u", "new-session", "-d", "-x", &columns.to_string(), "-y", &rows.to_string(), "sh"]);
        command.current_dir(folder).env_clear().env("PATH", path.expect("folders have no colons"));
        command.env("HOME", folder).env("ENV", profile).env("TZ", about_noon());
        command.env("TERM", "screen-256color").env("LANG", "C.UTF-8").env("LC_ALL", "C.UTF-8");
        command.envs(variables.iter().copied());
        let tmux = Tmux { socket, columns, rows };
        check(&command.output().unwrap_or_else(|error| panic!("tmux: {error}. Install it with: make peers")));
        tmux.tell(&["select-pane", "-T", "a shell"]);
        tmux.wait_for("the shell", |screen| screen == PROMPT.trim_end());
        tmux
    }

    /// Types text, key by key.
    pub fn keys(&self, text: &str) {
        self.tell(&["send-keys", "-l", "--", text]);
    }

    /// Presses a key, by tmux's name of it: `Enter`, `C-k`, `M-a`.
    pub fn press(&self, key: &str) {
        self.tell(&["send-keys", key]);
    }

    /// Types a line and presses Enter.
    pub fn line(&self, text: &str) {
        self.keys(text);
        self.press("Enter");
    }

    /// Pastes text, in brackets if the program wants to know of them.
    pub fn paste(&self, text: &str) {
        self.tell(&["set-buffer", "--", text]);
        self.tell(&["paste-buffer", "-p"]);
    }

    /// Gives the window another size.
    pub fn resize(&mut self, columns: u16, rows: u16) {
        self.tell(&["resize-window", "-x", &columns.to_string(), "-y", &rows.to_string()]);
        (self.columns, self.rows) = (columns, rows);
    }

    /// The size of the window.
    pub fn size(&self) -> (u16, u16) {
        (self.columns, self.rows)
    }

    /// What a person sees, without the empty rows below and without spaces at the ends of rows.
    pub fn screen(&self) -> String {
        let screen = self.tell(&["capture-pane", "-p"]);
        let rows: Vec<&str> = screen.lines().map(str::trim_end).collect();
        rows.join("\n").trim_end().to_owned()
    }

    /// The window's title, as the program set it.
    pub fn title(&self) -> String {
        self.tell(&["display-message", "-p", "#{pane_title}"]).trim_end().to_owned()
    }

    /// What the program has made of the terminal: whether it has the whole screen, hides the cursor, wants to hear of the mouse or of keys
    /// in another form.
    pub fn modes(&self) -> String {
        let format = "alternate #{alternate_on}, cursor #{cursor_flag}, mouse #{mouse_any_flag}, keypad #{keypad_flag}, cursor keys #{keypad_cursor_flag}";
        self.tell(&["display-message", "-p", format]).trim_end().to_owned()
    }

    /// Waits until the screen looks like this.
    ///
    /// # Panics
    /// It does not.
    pub fn wait_for(&self, what: &str, looks: impl Fn(&str) -> bool) -> String {
        self.wait_until(&looks)
            .unwrap_or_else(|screen| panic!("waited for {what}, but the screen shows:\n{screen}"))
    }

    /// The screen once it looks like this, or what it shows when patience is at its end.
    ///
    /// # Errors
    /// It never looked like this.
    pub fn wait_until(&self, looks: &dyn Fn(&str) -> bool) -> Result<String, String> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let screen = self.screen();
            if looks(&screen) {
                return Ok(screen);
            }
            if Instant::now() >= deadline {
                return Err(screen);
            }
            thread::sleep(LOOK_INTERVAL);
        }
    }

    fn tell(&self, arguments: &[&str]) -> String {
        let output = Command::new("tmux").arg("-S").arg(&self.socket).arg("-u").args(arguments).output();
        check(&output.expect("tmux can be run"))
    }
}

impl Drop for Tmux {
    fn drop(&mut self) {
        // Without a server there is nothing to end.
        let _ = Command::new("tmux").arg("-S").arg(&self.socket).arg("kill-server").output();
    }
}

fn check(output: &Output) -> String {
    assert!(output.status.success(), "tmux: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// A zone without summer time, in which it is between noon and one o'clock.
fn about_noon() -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let hour = now.expect("it is after 1970").as_secs() / 3_600 % 24;
    // POSIX counts zones to the west.
    let west = i64::try_from(hour).expect("a day has 24 hours") - 12;
    format!("NOON{west}")
}
