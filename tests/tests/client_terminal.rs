//! The interactive client as a person sees it, on a terminal in memory.

mod client_returning;

use std::path::Path;

use nix::sys::signal::Signal;
use recado_tests::{
    parts::{Broker, Recado, Server, folder},
    process::Run,
    terminal::Terminal,
};

/// The size that a terminal over SSH has.
const ROWS: u16 = 24;
const COLUMNS: u16 = 80;

fn chat(folder: &Path, recado: &Recado, user: &str, options: &[&str]) -> Terminal {
    let line = ["client", "--server", &recado.requests, "--broker", &recado.subscribers, "--user", user];
    let line: Vec<&str> = line.into_iter().chain(options.iter().copied()).collect();
    Terminal::start(folder, ROWS, COLUMNS, &line)
}

/// The rows of a screen with the times taken out.
fn timeless(screen: &str) -> Vec<String> {
    screen.lines().map(|row| without_time(row).to_owned()).collect()
}

fn without_time(row: &str) -> &str {
    match row.as_bytes() {
        [b'0'..=b'2', b'0'..=b'9', b':', b'0'..=b'5', b'0'..=b'9', b' ', ..] => &row[6..],
        _ => row,
    }
}

#[test]
fn the_first_minute_on_a_new_server() {
    let folder = folder();
    let recado = Recado::up(folder.path()).expect("it starts");
    let line = ["client", "--server", &recado.requests, "--broker", &recado.subscribers];
    let mut maria = Terminal::start(folder.path(), ROWS, COLUMNS, &line);
    maria.wait_for_last_row("Your name [maria]:");
    maria.line("_ana");
    maria.wait_for_text("! a name cannot begin with `_`, which is kept for the system");
    maria.line("");
    let screen = maria.wait_for_last_row("maria #geral>");
    assert_eq!(
        timeless(&screen)[3..],
        [
            "Welcome to Recado, maria.",
            "There is no channel yet, so here is one to begin with.",
            "What you type goes to everybody in the channel; /msg bob hello tells bob alone.",
            "/help shows all commands, Tab completes them, Ctrl-D leaves.",
            "What is said while you are away is here when you come back.",
            "* #geral is a channel now.",
            "* You are in #geral. Nobody has said anything here yet.",
            "maria #geral>",
        ]
    );
    maria.line("hello, is anybody there?");
    let screen = maria.wait_for_text("maria: hello, is anybody there?");
    assert!(!screen.contains("> hello"), "what was typed gives way to how it is shown:\n{screen}");
    maria.keys("\x04");
    let (code, _) = maria.wait_for_end();
    assert_eq!(code, 0);
    assert!(maria.is_as_found());
}

/// What a person in Brazil has set.
const BRAZIL: (&str, &str) = ("LANG", "pt_BR.UTF-8");

#[test]
fn the_first_minute_in_portuguese_and_a_shorter_greeting_the_next_time() {
    let folder = folder();
    let recado = Recado::up(folder.path()).expect("it starts");
    let line = ["client", "--server", &recado.requests, "--broker", &recado.subscribers];
    let mut maria = Terminal::start_with(folder.path(), ROWS, COLUMNS, &line, &[BRAZIL]);
    maria.wait_for_last_row("Seu nome [maria]:");
    maria.line("_ana");
    maria.wait_for_text("! um nome não pode começar com `_`, que é reservado ao sistema");
    maria.line("");
    let screen = maria.wait_for_last_row("maria #geral>");
    assert_eq!(
        timeless(&screen)[3..],
        [
            "Boas-vindas ao Recado, maria.",
            "Ainda não há nenhum canal; aqui está um para começar.",
            "O que você digita vai para todos no canal; /msg bia oi vai só para bia.",
            "/help mostra todos os comandos, Tab os completa, Ctrl-D sai.",
            "O que for dito na sua ausência estará aqui quando você voltar.",
            "* O canal #geral foi criado.",
            "* Você está em #geral. Ninguém disse nada aqui ainda.",
            "maria #geral>",
        ]
    );
    maria.line("/jion tech");
    maria.wait_for_text("! não existe o comando /jion; você quis dizer /join?");
    maria.line("/msg bia oi");
    maria.wait_for_text("! não enviada a bia: esse usuário não existe; /users lista todos");
    maria.keys("\x04");
    assert_eq!(maria.wait_for_end().0, 0);
    let line = [&line[..], &["--user", "maria"]].concat();
    let maria = Terminal::start_with(folder.path(), ROWS, COLUMNS, &line, &[BRAZIL]);
    let screen = maria.wait_for_last_row("maria #geral>");
    assert_eq!(
        timeless(&screen),
        [
            "Boas-vindas de volta, maria.",
            "Canais: #geral. /join leva a outro.",
            "* Você está em #geral.",
            "maria #geral>"
        ]
    );
}

#[test]
fn what_is_asked_for_is_spoken_whatever_the_locale() {
    let folder = folder();
    let recado = Recado::up(folder.path()).expect("it starts");
    let line = ["client", "--server", &recado.requests, "--broker", &recado.subscribers];
    let english = [&line[..], &["--language", "en"]].concat();
    Terminal::start_with(folder.path(), ROWS, COLUMNS, &english, &[BRAZIL])
        .wait_for_last_row("Your name [maria]:");
    let variables = [("RECADO_LANGUAGE", "pt")];
    Terminal::start_with(folder.path(), ROWS, COLUMNS, &line, &variables)
        .wait_for_last_row("Seu nome [maria]:");
    let variables = [BRAZIL, ("LC_ALL", "C.UTF-8")];
    Terminal::start_with(folder.path(), ROWS, COLUMNS, &line, &variables)
        .wait_for_last_row("Your name [maria]:");
}

#[test]
fn messages_arrive_above_the_line_being_typed() {
    let folder = folder();
    let recado = Recado::up(folder.path()).expect("it starts");
    let mut ana = chat(folder.path(), &recado, "ana", &[]);
    ana.wait_for_last_row("ana #geral>");
    let mut bob = chat(folder.path(), &recado, "bob", &[]);
    bob.wait_for_last_row("bob #geral>");
    let long = "a line that is not finished and is so long that it takes more than one row of the terminal";
    bob.keys(long);
    bob.wait_for_text("the terminal");
    ana.line("first");
    ana.line("second, 你好 👍 e\u{301}");
    bob.wait_for_text("second");
    let screen = bob.wait_for("the line below both", |screen| {
        let rows = timeless(screen);
        rows.ends_with(&[
            "ana: first".to_owned(),
            "ana: second, 你好 👍 e\u{301}".to_owned(),
            format!("bob #geral> {}", &long[..68]),
            long[68..].to_owned(),
        ])
    });
    assert_eq!(screen.matches("bob #geral>").count(), 1, "{screen}");
    bob.keys("\x15");
    bob.line("done");
    ana.wait_for_text("bob: done");
    assert_eq!(
        timeless(&bob.wait_for_last_row("bob #geral>")).iter().rev().nth(1).expect("a row"),
        "bob: done"
    );
}

#[test]
fn a_long_message_takes_the_place_of_what_was_typed_whatever_the_width() {
    let folder = folder();
    let recado = Recado::up(folder.path()).expect("it starts");
    let mut ana = chat(folder.path(), &recado, "ana", &[]);
    ana.wait_for_last_row("ana #geral>");
    // 12 columns of prompt: the line ends before, at and behind the last column, in narrow and in wide characters.
    for length in [67, 68, 69, 148] {
        let text = "x".repeat(length);
        ana.line(&text);
        let screen = ana.wait_for("the message and an empty line", |screen| {
            screen.replace('\n', "").contains(&format!("ana: {text}")) && screen.ends_with("ana #geral>")
        });
        assert!(!screen.contains("> x"), "{length}:\n{screen}");
    }
    let text = "你".repeat(34);
    ana.line(&text);
    let screen = ana.wait_for("the wide message", |screen| {
        screen.replace('\n', "").contains(&format!("ana: {text}")) && screen.ends_with("ana #geral>")
    });
    assert!(!screen.contains("> 你"), "{screen}");
    assert_eq!(screen.matches("You are in #geral").count(), 1, "nothing above was taken:\n{screen}");
}

#[test]
fn direct_messages_are_marked_and_answered() {
    let folder = folder();
    let recado = Recado::up(folder.path()).expect("it starts");
    let mut ana = chat(folder.path(), &recado, "ana", &[]);
    let mut bob = chat(folder.path(), &recado, "bob", &[]);
    ana.wait_for_last_row("ana #geral>");
    bob.wait_for_last_row("bob #geral>");
    ana.line("/msg bob lunch?");
    ana.wait_for_text("you → bob: lunch?");
    bob.wait_for_text("ana → you: lunch?");
    bob.line("/reply at noon");
    bob.wait_for_text("you → ana: at noon");
    ana.wait_for_text("bob → you: at noon");
    ana.line("/msg bbo hm");
    ana.wait_for_text("! not sent to bbo:");
    ana.wait_for_text("  > hm");
}

#[test]
fn names_and_commands_are_completed() {
    let folder = folder();
    let recado = Recado::up(folder.path()).expect("it starts");
    let bob = chat(folder.path(), &recado, "Roberto Silva", &[]);
    bob.wait_for_last_row("Roberto Silva #geral>");
    let mut ana = chat(folder.path(), &recado, "ana", &[]);
    ana.wait_for_last_row("ana #geral>");
    ana.keys("/ms\t");
    ana.wait_for_last_row("ana #geral> /msg");
    ana.keys("rob\t");
    ana.wait_for_last_row("ana #geral> /msg \"Roberto Silva\"");
    ana.line("oi");
    bob.wait_for_text("ana → you: oi");
    ana.keys("/join g\t");
    ana.wait_for_last_row("ana #geral> /join geral");
    ana.keys("\x15/c\t");
    ana.wait_for("both commands", |screen| {
        screen.lines().any(|row| row.contains("/create") && row.contains("/channels"))
    });
}

#[test]
fn ctrl_c_clears_a_line_then_says_how_to_leave_then_leaves() {
    let folder = folder();
    let recado = Recado::up(folder.path()).expect("it starts");
    let mut ana = chat(folder.path(), &recado, "ana", &[]);
    ana.wait_for_last_row("ana #geral>");
    ana.keys("never mind\x03");
    ana.wait_for("an empty line", |screen| {
        screen.lines().last() == Some("ana #geral>") && !screen.contains("never mind")
    });
    ana.keys("\x03");
    ana.wait_for_text("* Ctrl-C again, Ctrl-D or /quit leaves.");
    ana.wait_for_last_row("ana #geral>");
    ana.keys("\x03");
    assert_eq!(ana.wait_for_end().0, 0);
}

#[test]
fn a_paste_of_several_lines_is_one_message() {
    let folder = folder();
    let recado = Recado::up(folder.path()).expect("it starts");
    let mut ana = chat(folder.path(), &recado, "ana", &[]);
    let bob = chat(folder.path(), &recado, "bob", &[]);
    ana.wait_for_last_row("ana #geral>");
    bob.wait_for_last_row("bob #geral>");
    ana.keys("\x1b[200~fn main() {\n    loop {}\n}\x1b[201~\r");
    for terminal in [&ana, &bob] {
        terminal.wait_for("the lines of one message", |screen| {
            timeless(screen)
                .windows(3)
                .any(|rows| rows == ["ana: fn main() {", "          loop {}", "      }"])
        });
    }
}

#[test]
fn what_others_send_cannot_touch_the_terminal() {
    let folder = folder();
    let recado = Recado::up(folder.path()).expect("it starts");
    let ana = chat(folder.path(), &recado, "ana", &[]);
    ana.wait_for_last_row("ana #geral>");
    let line = ["client", "--server", &recado.requests, "--broker", &recado.subscribers];
    let line = line.into_iter().chain(["--user", "mallory", "--channel", "geral"]);
    let mut mallory = Run::recado(folder.path(), line).with_input().start();
    mallory.write_line("\x1b[2J\x1b[H\x1b]0;owned\x07 \u{9b}31m back\x08\x08 \u{202e}txt");
    assert_eq!(mallory.wait().code, Some(0));
    let screen = ana.wait_for_text("mallory:");
    assert!(screen.contains("mallory: ␛[2J␛[H␛]0;owned␇ <U+009B>31m back␈␈ <U+202E>txt"), "{screen}");
    assert!(screen.starts_with("Welcome to Recado, ana."), "{screen}");
}

#[test]
fn lines_typed_while_the_server_is_away_are_kept_and_sent() {
    let folder = folder();
    let mut broker = Broker::start(folder.path());
    let mut server = Server::start(folder.path(), &broker.publishers);
    let line = ["client", "--server", &server.requests, "--broker", &broker.subscribers, "--user"];
    let start = |user| {
        let line: Vec<&str> = line.into_iter().chain([user]).collect();
        Terminal::start(folder.path(), ROWS, COLUMNS, &line)
    };
    let mut ana = start("ana");
    ana.wait_for_last_row("ana #geral>");
    let bob = start("bob");
    bob.wait_for_last_row("bob #geral>");
    server.process.kill();
    broker.process.kill();
    for terminal in [&ana, &bob] {
        terminal.wait_for_text("* The server is away");
        terminal.wait_for_text("* The broker is away");
    }
    ana.line("one");
    ana.line("two");
    ana.wait_for_text("* Not sent yet: the line is kept until the server answers.");
    server.restart(folder.path());
    broker.restart(folder.path());
    ana.wait_for_text("* The server is back.");
    let screen = bob.wait_for_text("ana: two");
    let rows = timeless(&screen);
    assert_eq!(rows.iter().filter(|row| *row == "ana: one").count(), 1, "{screen}");
    for once in ["The server is away", "The server is back", "The broker is away", "The broker is back"] {
        bob.wait_for_text(once);
        assert_eq!(bob.screen().matches(once).count(), 1, "{}", bob.screen());
    }
}

#[test]
fn a_signal_leaves_the_terminal_as_it_was_and_says_that_what_was_not_sent_is_kept() {
    let folder = folder();
    let broker = Broker::start(folder.path());
    let mut server = Server::start(folder.path(), &broker.publishers);
    let line = ["client", "--server", &server.requests, "--broker", &broker.subscribers, "--user", "ana"];
    let mut ana = Terminal::start(folder.path(), ROWS, COLUMNS, &line);
    ana.wait_for_last_row("ana #geral>");
    assert!(!ana.is_as_found(), "a line is being edited");
    server.process.kill();
    ana.wait_for_text("* The server is away");
    ana.line("too late");
    ana.wait_for_text("* Not sent yet");
    ana.signal(Signal::SIGTERM);
    let (code, screen) = ana.wait_for_end();
    assert_eq!(code, 0, "{screen}");
    assert!(
        screen.contains("* A line has no answer yet. It is kept, and sent at the next start."),
        "{screen}"
    );
    assert!(ana.is_as_found());
}

#[test]
fn a_resized_terminal_is_drawn_anew() {
    let folder = folder();
    let recado = Recado::up(folder.path()).expect("it starts");
    let mut ana = chat(folder.path(), &recado, "ana", &[]);
    ana.wait_for_last_row("ana #geral>");
    let long = "0123456789".repeat(8);
    ana.keys(&long);
    // 68 digits beside the prompt, 12 below.
    ana.wait_for_last_row(&long[68..]);
    ana.resize(ROWS, 40);
    // 28 digits beside the prompt, 40 below, 12 below those.
    let narrow = format!("{}\n{}\n{}", &long[..28], &long[28..68], &long[68..]);
    ana.wait_for("the line in three rows", |screen| screen.ends_with(&narrow));
    ana.line("!");
    let screen = ana.wait_for("the message", |screen| {
        screen.replace('\n', "").contains(&format!("ana: {long}!")) && screen.ends_with("ana #geral>")
    });
    assert!(!screen.contains("> 0123"), "{screen}");
}

#[test]
fn typed_lines_are_there_the_next_time() {
    let folder = folder();
    let recado = Recado::up(folder.path()).expect("it starts");
    let mut ana = chat(folder.path(), &recado, "ana", &[]);
    ana.wait_for_last_row("ana #geral>");
    ana.line("remember me");
    ana.wait_for_text("ana: remember me");
    ana.line("/quit");
    assert_eq!(ana.wait_for_end().0, 0);
    let mut ana = chat(folder.path(), &recado, "ana", &["--backlog", "0"]);
    ana.wait_for_last_row("ana #geral>");
    ana.keys("\x1b[A\x1b[A");
    ana.wait_for_last_row("ana #geral> remember me");
}

#[test]
fn a_terminal_that_can_do_nothing_still_chats() {
    let folder = folder();
    let recado = Recado::up(folder.path()).expect("it starts");
    let line = ["client", "--server", &recado.requests, "--broker", &recado.subscribers, "--user", "ana"];
    let mut ana = Terminal::start_with(folder.path(), ROWS, COLUMNS, &line, &[("TERM", "dumb")]);
    ana.wait_for_last_row("ana #geral>");
    let mut bob = chat(folder.path(), &recado, "bob", &[]);
    bob.wait_for_last_row("bob #geral>");
    bob.line("hello ana");
    ana.wait_for_text("bob: hello ana");
    ana.line("hello bob");
    bob.wait_for_text("ana: hello bob");
}

#[test]
fn colours_can_be_switched_off() {
    let folder = folder();
    let recado = Recado::up(folder.path()).expect("it starts");
    let line = ["client", "--server", &recado.requests, "--broker", &recado.subscribers, "--user", "ana"];
    for (variables, coloured) in [(&[] as &[(&str, &str)], true), (&[("NO_COLOR", "1")], false)] {
        let ana = Terminal::start_with(folder.path(), ROWS, COLUMNS, &line, variables);
        ana.wait_for_last_row("ana #geral>");
        assert_eq!(ana.has_colours(), coloured, "{variables:?}");
    }
}

#[test]
fn a_line_is_written_with_the_users_editor() {
    let folder = folder();
    let recado = Recado::up(folder.path()).expect("it starts");
    let editor = "f() { printf 'what else? '; read -r text; printf '%s\\n' \"$text\" >> \"$1\"; }; f";
    let line = ["client", "--server", &recado.requests, "--broker", &recado.subscribers, "--user", "ana"];
    let mut ana = Terminal::start_with(folder.path(), ROWS, COLUMNS, &line, &[("EDITOR", editor)]);
    ana.wait_for_last_row("ana #geral>");
    // Ctrl+X Ctrl+E hands on what is typed, and gives back what came of it.
    ana.keys("dear all,\x18\x05");
    ana.wait_for_last_row("what else?");
    ana.line("see you");
    ana.wait_for("the text", |screen| screen.contains("#geral> dear all,\nsee you"));
    ana.keys("\r");
    ana.wait_for("the message", |screen| screen.contains("ana: dear all,\n      see you"));
    // The command begins with what stands behind it.
    ana.line("/editor dear bob,");
    ana.wait_for_last_row("what else?");
    ana.line("bye");
    ana.wait_for("the text", |screen| screen.contains("#geral> dear bob,\nbye"));
    ana.keys("\r");
    ana.wait_for("the message", |screen| screen.contains("ana: dear bob,\n      bye"));
    ana.keys("\x04");
    let (code, screen) = ana.wait_for_end();
    assert_eq!(code, 0, "{screen}");
    assert!(ana.is_as_found(), "{screen}");
}
