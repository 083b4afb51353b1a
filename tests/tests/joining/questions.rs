//! What is asked before there is a chat.

use recado_tests::{parts::folder, secured::Secured, terminal::Terminal};

use crate::home::{Home, secured};

const INTERRUPT: &str = "\u{3}";

/// Ctrl-C at this question ends the program with this code, and the terminal is as it was.
#[track_caller]
fn interrupted(arguments: &[&str], question: &str, code: u32) {
    let home = Home::new();
    let mut terminal = Terminal::start(home.path(), 24, 160, arguments);
    terminal.wait_for_text(question);
    terminal.keys(INTERRUPT);
    let (ended, screen) = terminal.wait_for_end();
    assert_eq!(ended, code, "{screen}");
    assert!(terminal.is_as_found(), "{screen}");
    // What comes next, as the shell's prompt, begins on a line of its own.
    let after = screen.lines().skip_while(|line| !line.contains(question)).nth(1);
    assert!(after.is_none_or(|line| code == 0 || line.starts_with("recado: ")), "{screen}");
}

#[test]
fn a_password_is_not_shown_and_ctrl_c_leaves_the_terminal_as_it_was() {
    let folder = folder();
    let (_system, ana) = secured(folder.path());
    let mut terminal = Terminal::start(ana.path(), 24, 160, &["keys", "password"]);
    terminal.wait_for_text("New password:");
    terminal.line("correct horse");
    let screen = terminal.wait_for_text("Once more:");
    assert!(!screen.contains("correct"), "{screen}");
    terminal.keys(INTERRUPT);
    let (ended, screen) = terminal.wait_for_end();
    assert_eq!(ended, 1, "{screen}");
    assert!(terminal.is_as_found(), "{screen}");
    let mut terminal = Terminal::start(ana.path(), 24, 160, &["keys", "password"]);
    terminal.wait_for_text("New password:");
    terminal.line("correct horse");
    terminal.wait_for_text("Once more:");
    terminal.line("correct hose");
    let (ended, screen) = terminal.wait_for_end();
    assert_eq!(ended, 1, "{screen}");
    assert!(screen.contains("the two are not the same"), "{screen}");
}

#[test]
fn ctrl_c_at_a_question_ends_the_program_as_it_does_elsewhere() {
    let folder = folder();
    let system = Secured::up(folder.path());
    let link = system.link.clone().expect("nobody is administrator yet");
    interrupted(&["join"], "Link to join with:", 1);
    interrupted(&["join", &link], "Your name:", 1);
    for (arguments, code) in [(&["users", "--user", "ana"][..], 1), (&["keys"], 1), (&["client"], 0)] {
        interrupted(
            &[arguments, &["--server", &system.requests]].concat(),
            "Trust it from now on (yes or no)?",
            code,
        );
    }
}
