//! Brings an alert to whoever does not look: the terminal's bell, its own sequence for notifications, or the desktop's program.

use std::env;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::attention::Alert;

/// How one wants to be told, beside the bell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum NotifyBy {
    /// As the terminal can; with notify-send where it cannot and a desktop is there.
    #[default]
    Auto,
    /// The bell alone.
    Bell,
    /// The sequence of iTerm2, WezTerm and others.
    Osc9,
    /// The sequence of rxvt-unicode and foot.
    Osc777,
    /// The sequence of kitty.
    Osc99,
    /// The desktop's program.
    NotifySend,
    /// Not at all, not even by the bell.
    None,
}

/// The way that was found, and the program that is under way.
#[derive(Debug)]
pub(crate) struct Notifier {
    by: NotifyBy,
    in_tmux: bool,
    /// At most one: while it has not ended, the next alert has the bell alone.
    child: Option<Child>,
}

impl Notifier {
    pub(crate) fn new(by: NotifyBy) -> Self {
        let variable = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
        let has_program = || {
            env::var_os("PATH").is_some_and(|path| {
                env::split_paths(&path).any(|folder| is_program(&folder.join("notify-send")))
            })
        };
        let by = if by == NotifyBy::Auto { found(variable, has_program) } else { by };
        Self { by, in_tmux: variable("TMUX").is_some(), child: None }
    }

    /// Tells of it. What is to be written to the terminal is returned, and draws nothing.
    pub(crate) fn tell(&mut self, alert: &Alert) -> String {
        if self.by == NotifyBy::NotifySend {
            self.run(alert);
        }
        sequence(self.by, alert, self.in_tmux)
    }

    fn run(&mut self, alert: &Alert) {
        if let Some(child) = &mut self.child
            && matches!(child.try_wait(), Ok(None))
        {
            return;
        }
        let mut command = Command::new("notify-send");
        command.args(arguments(alert)).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        self.child = command.spawn().inspect_err(|error| tracing::debug!(%error, "notify-send")).ok();
    }
}

impl Drop for Notifier {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            // It fails only if it has ended.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn is_program(path: &Path) -> bool {
    path.is_file()
}

/// The way of this terminal.
fn found(variable: impl Fn(&str) -> Option<String>, has_program: impl Fn() -> bool) -> NotifyBy {
    let term = variable("TERM").unwrap_or_default();
    match variable("TERM_PROGRAM").unwrap_or_default().as_str() {
        "iTerm.app" | "WezTerm" | "ghostty" => return NotifyBy::Osc9,
        _ => {}
    }
    if term == "xterm-kitty" || variable("KITTY_WINDOW_ID").is_some() {
        return NotifyBy::Osc99;
    }
    if term.starts_with("rxvt-unicode") || term.starts_with("foot") {
        return NotifyBy::Osc777;
    }
    let has_desktop = variable("DISPLAY").or_else(|| variable("WAYLAND_DISPLAY")).is_some();
    // From afar the desktop would be the wrong one.
    if has_desktop && variable("SSH_CONNECTION").is_none() && has_program() {
        NotifyBy::NotifySend
    } else {
        NotifyBy::Bell
    }
}

/// The bell, and what makes the terminal show a notification. The alert has no control characters.
fn sequence(by: NotifyBy, alert: &Alert, in_tmux: bool) -> String {
    let Alert { title, body } = alert;
    let sequence = match by {
        NotifyBy::None => return String::new(),
        NotifyBy::Auto | NotifyBy::Bell | NotifyBy::NotifySend => return "\x07".to_owned(),
        // A number at the beginning would mean something else to some.
        NotifyBy::Osc9 => format!("\x1b]9;Recado: {title}: {body}\x1b\\"),
        NotifyBy::Osc777 => format!("\x1b]777;notify;{};{body}\x1b\\", title.replace(';', ",")),
        NotifyBy::Osc99 => {
            format!("\x1b]99;i=recado:d=0:p=title;{title}\x1b\\\x1b]99;i=recado:d=1:p=body;{body}\x1b\\")
        }
    };
    // tmux hands on what is wrapped so, if its user lets it.
    let sequence =
        if in_tmux { format!("\x1bPtmux;{}\x1b\\", sequence.replace('\x1b', "\x1b\x1b")) } else { sequence };
    format!("\x07{sequence}")
}

/// What others say can neither be an option nor markup.
fn arguments(alert: &Alert) -> [String; 4] {
    let body = alert.body.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    ["--app-name=Recado".to_owned(), "--".to_owned(), alert.title.clone(), body]
}

#[cfg(test)]
mod tests {
    use super::{Alert, NotifyBy, arguments, found, sequence};

    fn check_found(variables: &[(&str, &str)], has_program: bool, expect: NotifyBy) {
        let variable = |name: &str| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        };
        assert_eq!(found(variable, || has_program), expect, "{variables:?}");
    }

    #[test]
    fn the_terminal_says_how_it_is_told() {
        check_found(&[("TERM", "xterm-kitty")], true, NotifyBy::Osc99);
        check_found(&[("TERM", "foot")], true, NotifyBy::Osc777);
        check_found(&[("TERM", "xterm-256color"), ("TERM_PROGRAM", "WezTerm")], true, NotifyBy::Osc9);
        check_found(&[("TERM", "xterm-256color"), ("DISPLAY", ":0")], true, NotifyBy::NotifySend);
        check_found(&[("TERM", "xterm-256color"), ("DISPLAY", ":0")], false, NotifyBy::Bell);
        check_found(&[("DISPLAY", ":0"), ("SSH_CONNECTION", "a")], true, NotifyBy::Bell);
        check_found(&[], true, NotifyBy::Bell);
    }

    fn alert() -> Alert {
        Alert { title: "--help; a".to_owned(), body: "<b>4;5</b> & more".to_owned() }
    }

    fn check(by: NotifyBy, in_tmux: bool, expect: &str) {
        assert_eq!(sequence(by, &alert(), in_tmux), expect, "{by:?}");
    }

    #[test]
    fn sequences_are_those_that_terminals_know() {
        check(NotifyBy::None, false, "");
        check(NotifyBy::Bell, false, "\x07");
        check(NotifyBy::NotifySend, true, "\x07");
        check(NotifyBy::Osc9, false, "\x07\x1b]9;Recado: --help; a: <b>4;5</b> & more\x1b\\");
        check(NotifyBy::Osc777, false, "\x07\x1b]777;notify;--help, a;<b>4;5</b> & more\x1b\\");
        check(
            NotifyBy::Osc99,
            false,
            "\x07\x1b]99;i=recado:d=0:p=title;--help; a\x1b\\\x1b]99;i=recado:d=1:p=body;<b>4;5</b> & more\x1b\\",
        );
        check(
            NotifyBy::Osc9,
            true,
            "\x07\x1bPtmux;\x1b\x1b]9;Recado: --help; a: <b>4;5</b> & more\x1b\x1b\\\x1b\\",
        );
    }

    #[test]
    fn what_others_say_is_neither_an_option_nor_markup_for_the_desktop() {
        let expect = ["--app-name=Recado", "--", "--help; a", "&lt;b&gt;4;5&lt;/b&gt; &amp; more"];
        assert_eq!(arguments(&alert()), expect);
    }
}
