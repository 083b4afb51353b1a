//! What was not read is there at the next start, whatever one looked at meanwhile, in both faces and on another device.

use recado_tests::{
    parts::{Recado, folder},
    terminal::{FULL_SCREEN, Terminal},
};

use super::{COLUMNS, ROWS, quit, say};

/// Ctrl-D.
const LEAVE: &str = "\x04";
/// Alt+A.
const NEXT: &str = "\x1ba";

/// The row of the list that has this conversation, and whatever stands behind it.
fn listed(screen: &str, place: &str) -> Option<String> {
    let mut rows = screen.lines().filter_map(|row| row.split('│').next());
    rows.find(|row| row.contains(place)).map(|row| row.trim_end().to_owned())
}

fn is_listed(screen: &str, place: &str, unread: &str) -> bool {
    listed(screen, place).is_some_and(|row| row.ends_with(unread))
}

fn is_read(screen: &str, place: &str) -> bool {
    listed(screen, place).is_some_and(|row| row.trim_end().ends_with(place))
}

#[test]
fn what_was_not_read_is_there_after_a_restart_and_on_another_device() {
    let (folder, other) = (folder(), folder());
    let recado = Recado::up(folder.path()).expect("it starts");
    let line = ["client", "--server", &recado.requests, "--broker", &recado.subscribers, "--user", "ana"];
    let full = |home: &std::path::Path| Terminal::start_with(home, ROWS, COLUMNS, &line, &[FULL_SCREEN]);
    let leave = |mut ana: Terminal| {
        ana.keys(LEAVE);
        assert_eq!(ana.wait_for_end().0, 0);
    };
    let mut ana = full(folder.path());
    ana.wait_for_text("You are in #geral");
    for channel in ["two", "three"] {
        ana.line(&format!("/create {channel}"));
        ana.wait_for_text(&format!("You are in #{channel}"));
    }
    say(folder.path(), &recado, "bia", &["/join two", "nothing", "ana, look", "/msg ana please read this"]);
    let is_unread = |screen: &str| {
        is_listed(screen, "#two", "2@") && is_listed(screen, "@bia", "1") && is_read(screen, "#three")
    };
    ana.wait_for("the counts", is_unread);
    leave(ana);

    // Twice: a start alone reads nothing.
    for _ in 0..2 {
        let ana = full(folder.path());
        ana.wait_for("the counts after a restart", is_unread);
        ana.wait_for_text("You are in #three");
        leave(ana);
    }
    let elsewhere = full(other.path());
    elsewhere.wait_for("the count on a new device", |screen| is_listed(screen, "@bia", "1"));
    leave(elsewhere);

    let mut ana = full(folder.path());
    ana.wait_for("the counts", is_unread);
    ana.keys(NEXT);
    ana.wait_for("what bia wrote to her", |screen| {
        screen.contains("please read this") && screen.contains(" new ") && is_read(screen, "@bia")
    });
    leave(ana);
    let ana = full(folder.path());
    ana.wait_for("what is left", |screen| is_listed(screen, "#two", "2@") && is_read(screen, "@bia"));
    leave(ana);

    // Line by line it is printed, and then it is read everywhere.
    let mut ana = Terminal::start(folder.path(), ROWS, COLUMNS, &line);
    let screen = ana.wait_for_last_row("ana #three>");
    assert!(screen.contains("ana, look") && screen.contains("2 messages in #two since you left"), "{screen}");
    assert!(!screen.contains("please read this"), "it was read:\n{screen}");
    quit(&mut ana);
    for (home, place) in [(folder.path(), "#two"), (other.path(), "@bia")] {
        let ana = full(home);
        ana.wait_for("a list in which all is read", |screen| is_read(screen, place));
        leave(ana);
    }
}
