//! The chat on the whole screen as a person sees it, on a terminal in memory.

use std::path::Path;
use std::time::Duration;
use std::{fs, thread};

use nix::sys::signal::Signal;
use recado_tests::{
    chat::Requester,
    parts::{Broker, Recado, Server, folder},
    terminal::{FULL_SCREEN, Terminal},
};

/// The size that a terminal over SSH has.
const ROWS: u16 = 24;
const COLUMNS: u16 = 80;

/// A page of older messages has fewer.
const MANY: usize = 450;

fn chat(folder: &Path, requests: &str, subscribers: &str, user: &str) -> Terminal {
    chat_with(folder, requests, subscribers, user, &[])
}

fn chat_with(
    folder: &Path,
    requests: &str,
    subscribers: &str,
    user: &str,
    variables: &[(&str, &str)],
) -> Terminal {
    let line = ["client", "--server", requests, "--broker", subscribers, "--user", user];
    let variables = [&[FULL_SCREEN], variables].concat();
    let mut terminal = Terminal::start_with(folder, ROWS, COLUMNS, &line, &variables);
    in_place(&mut terminal, "#geral");
    terminal.wait_for_text("You are in #geral");
    terminal
}

/// Waits until the title names this place.
fn in_place(terminal: &mut Terminal, place: &str) {
    terminal.wait_for(place, |screen| {
        screen
            .lines()
            .next()
            .and_then(|row| row.split('│').nth(1))
            .is_some_and(|title| title.starts_with(place))
    });
}

fn ends(terminal: &mut Terminal) -> String {
    let (code, screen) = terminal.wait_for_end();
    assert_eq!(code, 0, "{screen}");
    assert!(terminal.is_as_found(), "{screen}");
    let cells = terminal.cells();
    assert!(!cells.alternate_screen() && !cells.hide_cursor() && !cells.bracketed_paste(), "{screen}");
    screen
}

#[test]
fn who_waits_for_a_server_leaves_with_one_key() {
    let folder = folder();
    // Nobody listens at port 1.
    let line = ["client", "--server", "tcp://127.0.0.1:1", "--broker", "tcp://127.0.0.1:1", "--user", "ana"];
    for key in ["\x04", "\x03"] {
        let mut terminal = Terminal::start_with(folder.path(), ROWS, COLUMNS, &line, &[FULL_SCREEN]);
        terminal.wait_for_text("Still trying.");
        terminal.keys(key);
        ends(&mut terminal);
    }
}

#[test]
fn the_first_minute_on_the_whole_screen() {
    let folder = folder();
    let recado = Recado::up(folder.path()).expect("it starts");
    let line = ["client", "--server", &recado.requests, "--broker", &recado.subscribers];
    let mut maria = Terminal::start_with(folder.path(), ROWS, COLUMNS, &line, &[FULL_SCREEN]);
    maria.wait_for_text("Your name [maria]:");
    assert!(maria.cells().alternate_screen());
    maria.line("_ana");
    maria.wait_for_text("! a name cannot begin with `_`, which is kept for the system");
    maria.line("");
    maria.wait_for_text("You are in #geral. Nobody has said anything here yet.");
    maria.line("hello, is anybody there?");
    maria.wait_for("the message with its time", |screen| {
        screen.lines().any(|row| row.ends_with(" maria: hello, is anybody there?") && !row.contains('…'))
    });
    // A command goes where one is after a name that was refused, too.
    maria.line("/join tech");
    maria.wait_for_text("! ");
    maria.line("/create tech");
    in_place(&mut maria, "#tech");
    maria.keys("\x04");
    let screen = ends(&mut maria);
    assert!(!screen.contains("hello"), "what was on the screen before is there again:\n{screen}");
}

#[test]
fn the_whole_screen_speaks_portuguese_where_the_locale_does() {
    let folder = folder();
    let recado = Recado::up(folder.path()).expect("it starts");
    let line = ["client", "--server", &recado.requests, "--broker", &recado.subscribers];
    let brazil = ("LANG", "pt_BR.UTF-8");
    let mut maria = Terminal::start_with(folder.path(), ROWS, COLUMNS, &line, &[FULL_SCREEN, brazil]);
    maria.wait_for_text("Seu nome [maria]:");
    maria.line("");
    maria.wait_for_text("Você está em #geral. Ninguém disse nada aqui ainda.");
    maria.wait_for_text("F1 teclas");
    maria.keys("?");
    maria.wait_for_text("Teclas (setas movem, Esc fecha)");
    maria.wait_for_text("ir a uma conversa pelo nome");
    maria.keys("?");
    maria.wait_for("the messages", |screen| !screen.contains("Teclas (setas"));
    maria.keys("meia frase");
    maria.wait_for_text("> meia frase");
    maria.signal(Signal::SIGTERM);
    let screen = ends(&mut maria);
    assert!(
        screen.contains("Digitado e não enviado; guardado para a próxima vez:\n#geral: meia frase"),
        "{screen}"
    );
}

#[test]
fn two_people_talk_switch_and_find_what_they_typed_again() {
    let folder = folder();
    let recado = Recado::up(folder.path()).expect("it starts");
    let mut ana = chat(folder.path(), &recado.requests, &recado.subscribers, "ana");
    ana.line("/topic the release");
    ana.wait_for_text("ana set the topic in #geral: the release");
    let mut bob = chat(folder.path(), &recado.requests, &recado.subscribers, "bob");
    bob.wait_for("the topic in the title", |screen| {
        screen.lines().next().is_some_and(|title| title.contains("the release"))
    });
    ana.line("hello bob");
    bob.wait_for_text("ana: hello bob");
    bob.keys("half a sen");
    bob.wait_for_text("> half a sen");
    ana.wait_for_text("bob is typing");
    ana.line("/msg bob psst");
    bob.wait_for_text("@ana ●         1");
    bob.keys("\x1ba");
    in_place(&mut bob, "@ana");
    bob.wait_for_text("ana: psst");
    assert!(!bob.screen().contains("half a sen"));
    bob.line("what is it?");
    ana.wait_for_text("@bob ●         1");
    // Ctrl+K, and a few letters of the name.
    ana.keys("\x0b");
    ana.wait_for_text("Go to:");
    ana.line("bo");
    in_place(&mut ana, "@bob");
    ana.wait_for_text("bob: what is it?");
    ana.line("two lines\\");
    ana.wait_for_text("ana: two lines\\");
    bob.keys("\x1ba");
    in_place(&mut bob, "#geral");
    bob.wait_for_text("> half a sen");
    bob.keys("tence\r");
    ana.wait_for_text("#geral         1");
    // What is pasted is one message, however many lines it has.
    bob.keys("\x1b[200~one\ntwo\nthree\x1b[201~");
    bob.wait_for_text("  three");
    bob.keys("\r");
    ana.wait_for_text("#geral         2");
    ana.keys("\x1ba");
    ana.wait_for("what is new", |screen| {
        screen.contains("─ new ─")
            && screen.contains("bob: half a sentence")
            && screen.contains("      three")
    });
    bob.keys("\x03");
    bob.wait_for_text("Ctrl-C");
    bob.keys("\x03");
    ends(&mut bob);
}

#[test]
fn with_the_mouse_a_click_goes_to_a_conversation_and_the_wheel_back() {
    let folder = folder();
    let recado = Recado::up(folder.path()).expect("it starts");
    let line =
        ["client", "--server", &recado.requests, "--broker", &recado.subscribers, "--user", "ana", "--mouse"];
    let line = [&line[..], &["--times", "relative"]].concat();
    let mut ana = Terminal::start_with(folder.path(), ROWS, COLUMNS, &line, &[FULL_SCREEN]);
    in_place(&mut ana, "#geral");
    ana.line("hello");
    ana.wait_for_text(" <1m ana: hello");
    ana.line("/create tech");
    in_place(&mut ana, "#tech");
    // The first row of the list, as xterm tells it: columns and rows from 1, then let go.
    ana.keys("\x1b[<0;3;1M\x1b[<0;3;1m");
    in_place(&mut ana, "#geral");
    for number in 0..40 {
        ana.line(&format!("line {number}"));
    }
    ana.wait_for_text("ana: line 39");
    ana.keys("\x1b[<64;40;9M");
    ana.wait_for("the wheel turned back", |screen| {
        !screen.contains("ana: line 39") && screen.contains("ana: line 36")
    });
    ana.keys("\x1b[<65;40;9M");
    ana.wait_for_text("ana: line 39");
    ana.keys("\x04");
    ends(&mut ana);
}

#[test]
fn what_one_device_reads_is_read_on_the_others_and_on_a_new_one() {
    let (folder, other, new) = (folder(), folder(), folder());
    let recado = Recado::up(folder.path()).expect("it starts");
    let mut bob = chat(folder.path(), &recado.requests, &recado.subscribers, "bob");
    bob.line("before everything");
    let mut first = chat(folder.path(), &recado.requests, &recado.subscribers, "ana");
    let mut second = chat(other.path(), &recado.requests, &recado.subscribers, "ana");
    first.line("/create tech");
    in_place(&mut first, "#tech");
    second.line("/join tech");
    in_place(&mut second, "#tech");
    bob.line("hello everybody");
    first.wait_for_text("#geral         1");
    second.wait_for_text("#geral         1");
    second.keys("\x1ba");
    second.wait_for_text("bob: hello everybody");
    first.wait_for("nothing unread", |screen| !screen.contains("#geral         1"));
    for device in [&mut first, &mut second] {
        device.keys("\x04");
        ends(device);
    }
    bob.line("while she is away");
    bob.wait_for_text("bob: while she is away");
    let third = chat(new.path(), &recado.requests, &recado.subscribers, "ana");
    third.wait_for("what no device has read, divided from the rest", |screen| {
        let row = |text| screen.lines().position(|row| row.contains(text));
        let rows =
            [row("before everything"), row("hello everybody"), row("─ new ─"), row("while she is away")];
        rows.iter().all(Option::is_some) && rows.is_sorted()
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn scrolling_back_goes_to_the_first_message_and_a_new_size_shows_as_much_as_fits() {
    let folder = folder();
    let recado = Recado::up(folder.path()).expect("it starts");
    let mut requester = Requester::connect(&recado.requests);
    requester.login("bob").await;
    requester.create("geral").await;
    for number in 1..=MANY {
        requester.publish("bob", "geral", &format!("message {number} of many")).await;
    }
    let mut ana = chat(folder.path(), &recado.requests, &recado.subscribers, "ana");
    ana.wait_for_text(&format!("message {MANY} of many"));
    // Alt+Home goes to the oldest that is here, and one page more comes each time.
    let mut first = String::new();
    while !first.contains("message 1 of many") {
        let before = first.clone();
        ana.keys("\x1b[1;3H");
        first = ana.wait_for("an older page", |screen| {
            !screen.contains("on their way")
                && screen.lines().nth(1).is_some_and(|row| row.contains("message "))
                && *screen != *before
        });
    }
    ana.resize(50, 200);
    ana.wait_for("a large screen", |screen| {
        screen.contains("People") && screen.contains("message 40 of many")
    });
    ana.resize(12, 40);
    ana.wait_for("a small screen", |screen| screen.starts_with("#geral") && screen.contains("of many"));
    requester.publish("bob", "geral", "the latest of all").await;
    ana.keys("\x1b[1;3F");
    ana.wait_for_text("the latest of all");
    ana.keys("\x04");
    ends(&mut ana);
}

#[test]
fn a_server_goes_and_comes_and_each_line_shows_how_far_it_is() {
    let folder = folder();
    let broker = Broker::start(folder.path());
    let mut server = Server::start(folder.path(), &broker.publishers);
    let mut ana = chat(folder.path(), &server.requests, &broker.subscribers, "ana");
    server.process.kill();
    ana.wait_for_text("The server is away");
    ana.line("kept");
    ana.wait_for("a line without an answer", |screen| screen.contains("  …   ana: kept"));
    server.restart(folder.path());
    ana.wait_for("the answer", |screen| {
        screen.contains("The server is back") && screen.contains("ana: kept") && !screen.contains("  …   ana")
    });
    ana.keys("\x04");
    ends(&mut ana);
}

#[test]
fn whatever_ends_it_the_terminal_is_as_it_was_and_what_was_typed_is_there_again() {
    let folder = folder();
    let recado = Recado::up(folder.path()).expect("it starts");
    let mut typed = String::new();
    for signal in [Signal::SIGTERM, Signal::SIGHUP, Signal::SIGINT] {
        let mut ana = chat(folder.path(), &recado.requests, &recado.subscribers, "ana");
        ana.wait_for_text(format!("> {typed}").trim_end());
        ana.keys("half ");
        typed.push_str("half ");
        ana.wait_for_text(&format!("> {}", typed.trim_end()));
        ana.signal(signal);
        let screen = ends(&mut ana);
        let kept = format!("Typed and not sent; kept for the next start:\n#geral: {}", typed.trim_end());
        assert!(screen.contains(&kept), "{signal}:\n{screen}");
    }
    let mut ana = chat(folder.path(), &recado.requests, &recado.subscribers, "ana");
    ana.wait_for_text(&format!("> {}", typed.trim_end()));
    ana.keys("\r");
    ana.wait_for_text(&format!("ana: {}", typed.trim_end()));
    ana.line("and more");
    ana.wait_for_text("ana: and more");
    // What was sent does not come again, even if there was no time for a last word.
    ana.signal(Signal::SIGKILL);
    ana.wait_for_end();
    let mut ana = chat(folder.path(), &recado.requests, &recado.subscribers, "ana");
    ana.wait_for_text(&format!("ana: {}", typed.trim_end()));
    assert!(!ana.screen().contains("> half"), "{}", ana.screen());
    ana.keys("\x04");
    ends(&mut ana);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_send_moves_colours_and_hides_nothing() {
    let folder = folder();
    let recado = Recado::up(folder.path()).expect("it starts");
    let mut ana = chat(folder.path(), &recado.requests, &recado.subscribers, "ana");
    let mut requester = Requester::connect(&recado.requests);
    requester.login("eve").await;
    for text in ["\x1b[2J\x1b[31mred", "\x1b]2;stolen\x07", "a\u{202e}b", "\x1b[?1049l", "\r\x08\x08over"] {
        requester.publish("eve", "geral", text).await;
    }
    let screen = ana.wait_for_text("over");
    for shown in ["eve: ␛[2J␛[31mred", "eve: ␛]2;stolen␇", "eve: a<U+202E>b", "eve: ␛[?1049l", "eve: ␍␈␈over"]
    {
        assert!(screen.contains(shown), "{shown}\n{screen}");
    }
    assert!(screen.contains("You are in #geral") && ana.cells().alternate_screen(), "{screen}");
    ana.keys("\x04");
    ends(&mut ana);
}

#[test]
fn what_is_typed_is_kept_while_it_is_typed() {
    let folder = folder();
    let recado = Recado::up(folder.path()).expect("it starts");
    let mut ana = chat(folder.path(), &recado.requests, &recado.subscribers, "ana");
    ana.keys("half a sentence");
    // Nobody has a last word after this: it must have been written down before.
    while !kept(folder.path()).contains("half a sentence") {
        thread::sleep(Duration::from_millis(20));
    }
    ana.signal(Signal::SIGKILL);
    ana.wait_for_end();
    let mut ana = chat(folder.path(), &recado.requests, &recado.subscribers, "ana");
    ana.wait_for_text("> half a sentence");
    ana.keys("\x03\x04");
    ends(&mut ana);
}

/// All that clients keep in this home.
fn kept(home: &Path) -> String {
    let files = fs::read_dir(home.join(".local/state/recado")).into_iter().flatten().flatten();
    files.filter_map(|file| fs::read_to_string(file.path()).ok()).collect()
}

#[test]
fn a_message_is_chosen_and_answered_edited_and_deleted() {
    let folder = folder();
    let recado = Recado::up(folder.path()).expect("it starts");
    let mut ana = chat(folder.path(), &recado.requests, &recado.subscribers, "ana");
    let mut bob = chat(folder.path(), &recado.requests, &recado.subscribers, "bob");
    bob.line("who has the key?");
    ana.wait_for_text("bob: who has the key?");
    ana.line("me");
    ana.wait_for_text("ana: me");
    // Alt+S, and Up until the question is reached; it stays chosen while more is said.
    ana.keys("\x1bs");
    ana.wait_for_text("▸ana: me");
    ana.keys("\x1b[A");
    ana.wait_for_text("▸bob: who has the key?");
    bob.line("anybody?");
    ana.wait_for("the choice still", |screen| {
        screen.contains("bob: anybody?") && screen.contains("▸bob: who has the key?")
    });
    ana.keys("r");
    ana.wait_for_text("answer bob>");
    ana.line("I do");
    bob.wait_for_text("↪ bob: who has the key?");
    bob.wait_for_text("ana: I do");
    ana.keys("\x1bs");
    ana.wait_for_text("▸ana: I do");
    ana.keys("e");
    ana.wait_for_text("edit> I do");
    ana.line(", always");
    bob.wait_for_text("ana: I do, always (edited)");
    bob.keys("\x1bs+");
    bob.wait_for_text("react>");
    bob.keys(":tad\t");
    bob.wait_for_text("react> 🎉");
    bob.keys("\r");
    ana.wait_for_text("🎉 bob");
    ana.keys("\x1bsd");
    ana.wait_for_text("delete this message?");
    ana.keys("\r");
    bob.wait_for_text("ana: (deleted)");
    for terminal in [&mut ana, &mut bob] {
        terminal.keys("\x04");
        ends(terminal);
    }
}

/// An editor that asks for a line, adds it to the text, and does not mind Ctrl+C.
const EDITOR: &str = "#!/bin/sh
trap 'echo interrupted >> \"$1\"' INT
printf 'what else? '
while ! read -r text; do :; done
printf '%s\\n' \"$text\" >> \"$1\"
";

#[test]
fn a_long_text_is_written_with_the_users_editor() {
    let folder = folder();
    let recado = Recado::up(folder.path()).expect("it starts");
    let editor = folder.path().join("editor");
    fs::write(&editor, EDITOR).expect("the folder is there");
    let visual = format!("sh {}", editor.display());
    let variables = [
        ("VISUAL", visual.as_str()),
        ("EDITOR", "false"),
        ("TMPDIR", folder.path().to_str().expect("it is plain")),
    ];
    let mut bob = chat(folder.path(), &recado.requests, &recado.subscribers, "bob");
    let mut ana = chat_with(folder.path(), &recado.requests, &recado.subscribers, "ana", &variables);
    ana.keys("dear all,");
    ana.wait_for_text("> dear all,");
    ana.keys("\x1be");
    ana.wait_for_last_row("what else?");
    assert!(!ana.cells().alternate_screen() && !ana.screen().contains("dear all"), "{}", ana.screen());
    // What is said meanwhile is there afterwards, and what is typed is the editor's.
    bob.line("meanwhile");
    bob.wait_for_text("bob: meanwhile");
    ana.keys("\x03");
    ana.line("see you");
    ana.wait_for_text("bob: meanwhile");
    ana.wait_for("the text", |screen| {
        screen.contains("> dear all,") && screen.contains("  interrupted") && screen.contains("  see you")
    });
    ana.keys("\r");
    bob.wait_for_text("ana: dear all,");
    bob.wait_for_text("      see you");
    // The command does the same.
    ana.line("/editor dear bob,");
    ana.wait_for_last_row("what else?");
    ana.line("bye");
    ana.wait_for("the text", |screen| screen.contains("> dear bob,") && screen.contains("  bye"));
    ana.keys("\x03\x04");
    ends(&mut ana);
    bob.keys("\x04");
    ends(&mut bob);
    let left = fs::read_dir(folder.path()).expect("it is there").flatten();
    let of_texts = left.filter(|entry| entry.path().join("message.txt").exists()).count();
    assert_eq!(of_texts, 0, "nothing of it stays behind");
}

#[test]
fn an_editor_that_fails_leaves_what_was_typed() {
    let folder = folder();
    let recado = Recado::up(folder.path()).expect("it starts");
    for (editor, why) in
        [("false", "! the editor `false` failed"), ("no-such-editor", "! there is no editor `no-such")]
    {
        let variables = [("EDITOR", editor)];
        let mut ana = chat_with(folder.path(), &recado.requests, &recado.subscribers, "ana", &variables);
        ana.keys("dear all,");
        ana.wait_for_text("> dear all,");
        ana.keys("\x1be");
        ana.wait_for(why, |screen| screen.contains(why) && screen.contains("> dear all,"));
        ana.keys("\x03\x04");
        ends(&mut ana);
    }
}

#[test]
fn whoever_ends_it_ends_the_editor_and_what_was_written_is_kept() {
    let folder = folder();
    let recado = Recado::up(folder.path()).expect("it starts");
    let variables = [("EDITOR", "f() { echo written > \"$1\"; echo waiting; exec sleep 1000; }; f")];
    let mut ana = chat_with(folder.path(), &recado.requests, &recado.subscribers, "ana", &variables);
    ana.keys("\x1be");
    ana.wait_for_text("waiting");
    ana.signal(Signal::SIGTERM);
    let screen = ends(&mut ana);
    assert!(screen.contains("#geral: written"), "{screen}");
    let mut ana = chat(folder.path(), &recado.requests, &recado.subscribers, "ana");
    ana.wait_for_text("> written");
    ana.keys("\x03\x04");
    ends(&mut ana);
}
