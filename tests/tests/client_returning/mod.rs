//! What the client keeps from one run to the next, and what it shows on return: with real processes that are killed.

mod unread;

use std::{
    fs,
    path::{Path, PathBuf},
    thread,
    time::Instant,
};

use nix::sys::signal::Signal;
use recado_tests::{
    limits::{PATIENCE, SIGNAL_INTERVAL},
    parts::{Broker, Recado, Server, folder},
    process::{Process, Run},
    terminal::Terminal,
};
use serde_json::Value;

const ROWS: u16 = 60;
const COLUMNS: u16 = 100;

/// A broker and a server of its own, which can be killed.
struct Chain {
    broker: Broker,
    server: Server,
}

impl Chain {
    fn start(folder: &Path) -> Chain {
        let broker = Broker::start(folder);
        let server = Server::start(folder, &broker.publishers);
        Chain { broker, server }
    }

    fn line<'a>(&'a self, options: &[&'a str]) -> Vec<&'a str> {
        let line = ["client", "--server", &self.server.requests, "--broker", &self.broker.subscribers];
        line.into_iter().chain(options.iter().copied()).collect()
    }

    fn terminal(&self, folder: &Path, user: &str) -> Terminal {
        Terminal::start(folder, ROWS, COLUMNS, &self.line(&["--user", user]))
    }

    /// Everything that was said in `#geral`, as history has it.
    fn history(&self, folder: &Path) -> Vec<String> {
        let options = ["--user", "reader", "--channel", "geral", "--json"];
        let mut client = Run::recado(folder, self.line(&options)).with_input().start();
        client.write_line("/history 1000");
        texts(&client.wait().out)
    }
}

fn texts(lines: &[String]) -> Vec<String> {
    let events = lines.iter().map(|line| serde_json::from_str::<Value>(line).expect("every line is JSON"));
    events.filter_map(|event| Some(event["text"].as_str()?.to_owned())).collect()
}

fn quit(terminal: &mut Terminal) {
    terminal.line("/quit");
    assert_eq!(terminal.wait_for_end().0, 0);
}

/// Says lines as a script, and waits until the server has them.
fn say(folder: &Path, recado: &Recado, user: &str, lines: &[&str]) {
    let line = ["client", "--server", &recado.requests, "--broker", &recado.subscribers, "--user", user];
    let mut client = Run::recado(folder, line).with_input().start();
    lines.iter().for_each(|line| client.write_line(line));
    assert_eq!(client.wait().code, Some(0));
}

/// The file of what is kept for a user.
fn kept(folder: &Path, user: &str) -> PathBuf {
    let state = folder.join(".local/state/recado");
    let begin = format!("chat-{user}-");
    let is_it = |path: &PathBuf| {
        let name = path.file_name().expect("it is a file").to_string_lossy();
        name.starts_with(&begin) && !name.contains('.')
    };
    let mut found =
        fs::read_dir(&state).expect("the folder is there").map(|entry| entry.expect("it is read").path());
    found.find(is_it).expect("the file is there")
}

/// Waits until the file has this text.
fn wait_for_file(file: &Path, text: &str) {
    let began = Instant::now();
    while !fs::read_to_string(file).expect("it is there").contains(text) {
        assert!(began.elapsed() < PATIENCE, "{text:?} does not come to be in {}", file.display());
        thread::sleep(SIGNAL_INTERVAL);
    }
}

#[test]
fn what_no_server_took_is_sent_at_the_next_start_once_and_in_order() {
    let folder = folder();
    let mut chain = Chain::start(folder.path());
    let mut ana = chain.terminal(folder.path(), "ana");
    ana.wait_for_last_row("ana #geral>");
    ana.line("zero");
    ana.wait_for_text("ana: zero");
    let file = kept(folder.path(), "ana");
    wait_for_file(&file, "answered");
    chain.server.process.kill();
    ana.wait_for_text("* The server is away");
    ana.line("one");
    ana.line("two");
    ana.wait_for_text("ana: two");
    ana.line("/quit");
    let (code, screen) = ana.wait_for_end();
    assert_eq!(code, 0);
    assert!(
        screen.contains("* 2 lines have no answer yet. They are kept, and sent at the next start."),
        "{screen}"
    );

    chain.server.restart(folder.path());
    let mut ana = chain.terminal(folder.path(), "ana");
    ana.wait_for_last_row("ana #geral>");
    let screen = ana.wait_for_text("ana: two");
    assert!(screen.contains("* 2 lines kept from last time are being sent:"), "{screen}");
    ana.line("three");
    ana.wait_for_text("ana: three");
    quit(&mut ana);
    assert_eq!(chain.history(folder.path()), ["zero", "one", "two", "three"]);

    let mut ana = chain.terminal(folder.path(), "ana");
    let screen = ana.wait_for_last_row("ana #geral>");
    assert!(!screen.contains("kept from last time"), "they were answered:\n{screen}");
    quit(&mut ana);
    assert_eq!(chain.history(folder.path()), ["zero", "one", "two", "three"]);
}

#[test]
fn a_client_killed_before_the_answer_came_has_said_it_once_in_the_end() {
    let folder = folder();
    let chain = Chain::start(folder.path());
    let mut ana = chain.terminal(folder.path(), "ana");
    ana.wait_for_last_row("ana #geral>");
    // The server has what is sent now as soon as it goes on, and the client is not there for its answer.
    chain.server.process.signal(Signal::SIGSTOP);
    ana.line("was it heard?");
    ana.wait_for_text("ana: was it heard?");
    let file = kept(folder.path(), "ana");
    wait_for_file(&file, "was it heard?");
    ana.signal(Signal::SIGKILL);
    ana.wait_for_end();
    chain.server.process.signal(Signal::SIGCONT);
    let mut ana = chain.terminal(folder.path(), "ana");
    ana.wait_for_text("* A line kept from last time is being sent:");
    ana.wait_for_last_row("ana #geral>");
    ana.line("and this?");
    ana.wait_for_text("ana: and this?");
    quit(&mut ana);
    assert_eq!(chain.history(folder.path()), ["was it heard?", "and this?"]);
}

#[test]
fn on_return_everything_that_was_said_meanwhile_is_shown_once() {
    let folder = folder();
    let recado = Recado::up(folder.path()).expect("it starts");
    let line = ["client", "--server", &recado.requests, "--broker", &recado.subscribers, "--user", "ana"];
    let start = || Terminal::start(folder.path(), ROWS, COLUMNS, &line);
    let mut ana = start();
    ana.wait_for_last_row("ana #geral>");
    ana.line("/create tech");
    ana.wait_for_last_row("ana #tech>");
    say(folder.path(), &recado, "bob", &["/join geral", "seen 1", "/msg ana seen 2"]);
    ana.wait_for_text("seen 1");
    ana.wait_for_text("seen 2");
    quit(&mut ana);
    let missed =
        ["/join geral", "missed 1", "/join tech", "missed 2", "/msg ana missed 3", "/msg ana missed 4"];
    say(folder.path(), &recado, "bob", &missed);

    let mut ana = start();
    let screen = ana.wait_for_last_row("ana #tech>");
    let rows: Vec<&str> = screen.lines().collect();
    for (row, times) in [
        ("* 1 message in #geral since you left:", 1),
        ("* 1 message in #tech since you left:", 1),
        ("* 2 messages to you directly since you left:", 1),
    ] {
        assert_eq!(rows.iter().filter(|known| **known == row).count(), times, "{row} in\n{screen}");
    }
    for number in 1..=4 {
        assert_eq!(screen.matches(&format!("missed {number}")).count(), 1, "{number} in\n{screen}");
    }
    assert!(!screen.contains("seen"), "{screen}");
    ana.signal(Signal::SIGTERM);
    ana.wait_for_end();
    let mut ana = start();
    let screen = ana.wait_for_last_row("ana #tech>");
    assert!(!screen.contains("missed") && !screen.contains("since you left"), "{screen}");
    ana.line("/leave tech");
    ana.wait_for_last_row("ana #geral>");
    quit(&mut ana);
    let mut ana = start();
    let screen = ana.wait_for_last_row("ana #geral>");
    assert!(!screen.contains("You are in #tech"), "{screen}");
    quit(&mut ana);
}

#[test]
fn the_first_direct_messages_of_somebody_who_was_here_are_not_cut_off() {
    let folder = folder();
    let recado = Recado::up(folder.path()).expect("it starts");
    let line = ["client", "--server", &recado.requests, "--broker", &recado.subscribers, "--user", "ana"];
    let mut ana = Terminal::start(folder.path(), ROWS, COLUMNS, &line);
    ana.wait_for_last_row("ana #geral>");
    quit(&mut ana);
    let lines: Vec<String> = (1..=30).map(|number| format!("/msg ana letter {number}.")).collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    say(folder.path(), &recado, "bob", &lines);
    let ana = Terminal::start(folder.path(), ROWS, COLUMNS, &line);
    let screen = ana.wait_for_last_row("ana #geral>");
    for number in 1..=30 {
        assert_eq!(screen.matches(&format!("letter {number}.")).count(), 1, "{number} in\n{screen}");
    }
}

#[test]
fn after_a_long_absence_the_last_messages_are_shown_and_the_others_are_counted() {
    let folder = folder();
    let recado = Recado::up(folder.path()).expect("it starts");
    let line = ["client", "--server", &recado.requests, "--broker", &recado.subscribers, "--user", "ana"];
    let mut ana = Terminal::start(folder.path(), ROWS, COLUMNS, &line);
    ana.wait_for_last_row("ana #geral>");
    quit(&mut ana);
    let lines: Vec<String> = (1..=1_240).map(|number| format!("line {number}.")).collect();
    let mut all = vec!["/join geral"];
    all.extend(lines.iter().map(String::as_str));
    say(folder.path(), &recado, "bob", &all);
    // As a script the same user sees the same, and every line of it.
    let resume = [&line[..], &["--json", "--resume"]].concat();
    let ended = Run::recado(folder.path(), resume).to_end();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let away = ended.out.iter().find(|line| line.contains("\"away\"")).expect("it says how many");
    let away: Value = serde_json::from_str(away).expect("it is JSON");
    assert_eq!(
        (&away["channel"], &away["count"], &away["shown"]),
        (&"geral".into(), &1_240.into(), &200.into())
    );
    let expect: Vec<String> = (1_041..=1_240).map(|number| format!("line {number}.")).collect();
    assert_eq!(texts(&ended.out), expect);
}

#[test]
fn a_second_client_of_the_same_user_keeps_nothing_and_says_so() {
    let folder = folder();
    let recado = Recado::up(folder.path()).expect("it starts");
    let line = ["client", "--server", &recado.requests, "--broker", &recado.subscribers, "--user", "ana"];
    let mut first = Terminal::start(folder.path(), ROWS, COLUMNS, &line);
    let screen = first.wait_for_last_row("ana #geral>");
    assert!(!screen.contains("another client"), "{screen}");
    let mut second = Terminal::start(folder.path(), ROWS, COLUMNS, &line);
    second.wait_for_text(
        "* You are here with another client as well: this one keeps nothing for the next start.",
    );
    second.wait_for_last_row("ana #geral>");
    second.line("from the second");
    first.wait_for_text("ana: from the second");
    quit(&mut first);
    quit(&mut second);
    let mut third = Terminal::start(folder.path(), ROWS, COLUMNS, &line);
    let screen = third.wait_for_last_row("ana #geral>");
    assert!(!screen.contains("another client"), "{screen}");
    quit(&mut third);
}

#[test]
fn a_damaged_file_is_put_aside_and_what_can_be_read_of_it_is_sent() {
    let folder = folder();
    let mut chain = Chain::start(folder.path());
    let mut ana = chain.terminal(folder.path(), "ana");
    ana.wait_for_last_row("ana #geral>");
    chain.server.process.kill();
    ana.wait_for_text("* The server is away");
    ana.line("whole");
    ana.line("torn");
    ana.wait_for_text("ana: torn");
    quit(&mut ana);
    let file = kept(folder.path(), "ana");
    let found = fs::read(&file).expect("it is there");
    let torn = &found[..found.len() - 5];
    fs::write(&file, torn).expect("it can be written");
    chain.server.restart(folder.path());
    let mut ana = chain.terminal(folder.path(), "ana");
    ana.wait_for_text("* What was kept from last time was damaged; how it was found is in");
    ana.wait_for_text("* A line kept from last time is being sent:");
    ana.wait_for_last_row("ana #geral>");
    quit(&mut ana);
    assert_eq!(chain.history(folder.path()), ["whole"]);
    assert_eq!(fs::read(file.with_extension("damaged-1")).expect("the copy is there"), torn);
}

#[test]
fn a_script_keeps_nothing_unless_it_is_told_to() {
    let folder = folder();
    let mut chain = Chain::start(folder.path());
    let options = ["--user", "ci", "--attempts", "1", "--request-timeout", "500ms"];
    let run = |chain: &Chain, more: &[&str]| -> Process {
        let options = [&options[..], more].concat();
        Run::recado(folder.path(), chain.line(&options)).with_input().start()
    };
    let mut maker = run(&chain, &["--resume"]);
    maker.write_line("/create geral");
    assert_eq!(maker.wait().code, Some(0));
    for (more, code, said) in
        [(&[][..], 1, "\"ambiguous\":true"), (&["--resume"][..], 0, "\"kept_for_later\"")]
    {
        let mut client = run(&chain, &[more, &["--channel", "geral", "--json"]].concat());
        client.wait_for_output("joining", |line| line.contains("\"joined\""));
        chain.server.process.signal(Signal::SIGSTOP);
        client.write_line(&format!("with {more:?}"));
        let ended = client.wait();
        assert_eq!(ended.code, Some(code), "{ended:?}");
        assert!(ended.out.iter().any(|line| line.contains(said)), "{said}: {ended:?}");
        // What it did not answer is lost with it.
        chain.server.process.kill();
        chain.server.restart(folder.path());
    }
    assert_eq!(run(&chain, &["--resume"]).wait().code, Some(0));
    assert_eq!(chain.history(folder.path()), ["with [\"--resume\"]"]);
    // Without being told to it shows nothing from before either.
    let ended = run(&chain, &["--channel", "geral", "--json"]).wait();
    assert_eq!(texts(&ended.out), Vec::<String>::new());
}
