//! The subcommands for programs, run as a script runs them.

use std::{fs, net::TcpListener, path::Path};

use nix::sys::signal::Signal;
use recado_tests::{
    parts::{Broker, Recado, Server, folder},
    process::{Ended, Process, Run, recado_path},
};
use serde_json::Value;

const ID: &str = "0190a1b2-c3d4-7e5f-8a6b-7c8d9e0fa1b2";

struct Script {
    folder: tempfile::TempDir,
    recado: Recado,
}

impl Script {
    /// With a channel for each name.
    fn with_channels(channels: &[&str]) -> Script {
        let folder = folder();
        let recado = Recado::up(folder.path()).expect("it starts");
        let options =
            ["client", "--server", &recado.requests, "--broker", &recado.subscribers, "--user", "maker"];
        let mut maker = Run::recado(folder.path(), options).with_input().start();
        channels.iter().for_each(|channel| maker.write_line(&format!("/create {channel}")));
        assert_eq!(maker.wait().code, Some(0));
        Script { folder, recado }
    }

    fn command(&self, line: &[&str]) -> Run {
        let (command, rest) = line.split_first().expect("a subcommand");
        let server = [command, "--server", &self.recado.requests, "--user", "ana"];
        Run::recado(self.folder.path(), server.iter().chain(rest))
    }

    fn run(&self, line: &[&str]) -> Ended {
        self.command(line).to_end()
    }

    /// Runs it with this as its standard input.
    fn feed(&self, line: &[&str], lines: &[&str]) -> Ended {
        let mut process: Process = self.command(line).with_input().start();
        lines.iter().for_each(|line| process.write_line(line));
        process.wait()
    }

    fn texts(&self, line: &[&str]) -> Vec<String> {
        let ended = self.run(&[line, &["--json"]].concat());
        assert_eq!(ended.code, Some(0), "{ended:?}");
        ended.out.iter().map(|line| json(line)["text"].as_str().expect("a text").to_owned()).collect()
    }
}

fn json(line: &str) -> Value {
    serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}"))
}

fn without_server(folder: &Path, line: &[&str]) -> Ended {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let nobody = format!("tcp://{}", listener.local_addr().expect("bound"));
    drop(listener);
    let (command, rest) = line.split_first().expect("a subcommand");
    let options =
        [command, "--server", &nobody, "--user", "ana", "--attempts", "1", "--request-timeout", "200ms"];
    Run::recado(folder, options.iter().chain(rest)).to_end()
}

#[test]
fn a_message_is_told_as_sent_and_stands_in_history() {
    let script = Script::with_channels(&["geral"]);
    let sent = script.run(&["send", "geral", "the", "build", "is green", "--id", ID]);
    assert_eq!((sent.code, sent.out, sent.err), (Some(0), vec![format!("OK {ID}")], vec![]));
    assert_eq!(script.run(&["send", "#geral", "-5"]).code, Some(0));
    assert_eq!(script.run(&["send", "--", "geral", "-x", "--y"]).code, Some(0));
    assert_eq!(script.texts(&["history", "geral"]), ["the build is green", "-5", "-x --y"]);
    let plain = script.run(&["history", "geral", "-n", "1"]);
    assert!(plain.out.len() == 1 && plain.out[0].ends_with("#geral ana: -x --y"), "{plain:?}");
}

#[test]
fn what_is_repeated_under_its_id_is_stored_once() {
    let script = Script::with_channels(&["geral"]);
    for _ in 0..2 {
        let sent = script.run(&["send", "geral", "once", "--id", ID, "--json"]);
        let event = json(&sent.out[0]);
        assert_eq!(
            (sent.code, &event["event"], &event["id"], &event["seq"]),
            (Some(0), &"sent".into(), &ID.into(), &1.into())
        );
    }
    let lines = ["send", "geral", "--stdin", "--lines", "--id", "0190a1b2-0000-7e5f-8a6b-7c8d9e0fa1b2"];
    for _ in 0..2 {
        let sent = script.feed(&lines, &["one", "", "two"]);
        assert_eq!((sent.code, sent.out.len()), (Some(0), 2), "{:?}", sent.err);
    }
    assert_eq!(script.texts(&["history", "geral"]), ["once", "one", "two"]);
}

#[test]
fn standard_input_is_one_message_unless_lines_are_asked_for() {
    let script = Script::with_channels(&["geral"]);
    assert_eq!(script.feed(&["send", "geral", "--stdin"], &["one", "", "two"]).code, Some(0));
    assert_eq!(script.texts(&["history", "geral"]), ["one\n\ntwo"]);
    for hostile in ["", &"x".repeat(64 * 1024 + 1)] {
        let refused = script.feed(&["send", "geral", "--stdin"], &[hostile]);
        assert_eq!((refused.code, refused.out.len()), (Some(1), 0));
        assert!(refused.err[0].starts_with("recado: standard input cannot be sent: "), "{:?}", refused.err);
    }
}

#[test]
fn a_direct_message_goes_to_one_user() {
    let script = Script::with_channels(&["geral"]);
    assert_eq!(script.run(&["send", "@maker", "lunch?"]).code, Some(0));
    let ended = script.run(&["history", "@maker", "--json"]);
    let event = json(&ended.out[0]);
    assert_eq!(
        (&event["event"], &event["from"], &event["to"]),
        (&"direct".into(), &"ana".into(), &"maker".into())
    );
}

#[test]
fn what_is_not_sent_is_said_and_ends_it() {
    let script = Script::with_channels(&["geral"]);
    let refused = script.feed(&["send", "nowhere", "--stdin", "--lines"], &["first", "second"]);
    assert_eq!((refused.code, refused.out.len()), (Some(1), 0), "{refused:?}");
    assert!(refused.err.contains(&"first".to_owned()), "{refused:?}");
    assert!(!refused.err.contains(&"second".to_owned()), "{refused:?}");
    let tail = script.run(&["tail", "geral", "nowhere", "--broker", &script.recado.subscribers]);
    assert_eq!((tail.code, tail.err.len()), (Some(1), 1), "{tail:?}");
    let events = script.run(&["send", "nowhere", "lost", "--json"]);
    let event = json(&events.out[0]);
    assert_eq!((events.code, &event["event"], &event["text"]), (Some(1), &"failed".into(), &"lost".into()));
    assert_eq!(without_server(script.folder.path(), &["send", "geral", "x"]).code, Some(1));
    assert_eq!(without_server(script.folder.path(), &["users"]).code, Some(1));
}

#[test]
fn a_server_that_swallows_a_message_leaves_it_uncertain_and_repeatable() {
    let script = Script::with_channels(&["geral"]);
    let mut writer = script
        .command(&[
            "send",
            "geral",
            "--stdin",
            "--lines",
            "--id",
            ID,
            "--attempts",
            "1",
            "--request-timeout",
            "1s",
        ])
        .with_input()
        .start();
    writer.write_line("arrives");
    writer.wait_for_output("the answer", |line| line.starts_with("OK"));
    script.recado.process.signal(Signal::SIGSTOP);
    writer.write_line("who knows");
    let ended = writer.wait();
    script.recado.process.signal(Signal::SIGCONT);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.err.iter().any(|line| line.contains(&format!("--id {ID}"))), "{ended:?}");
    let again = script.feed(&["send", "geral", "--stdin", "--lines", "--id", ID], &["arrives", "who knows"]);
    assert_eq!(again.code, Some(0), "{again:?}");
    assert_eq!(script.texts(&["history", "geral"]), ["arrives", "who knows"]);
}

#[test]
fn history_is_read_through_however_many_pages_it_has() {
    let script = Script::with_channels(&["geral"]);
    let numbers: Vec<String> = (0..2_300).map(|number| number.to_string()).collect();
    let lines: Vec<&str> = numbers.iter().map(String::as_str).collect();
    assert_eq!(script.feed(&["send", "geral", "--stdin", "--lines"], &lines).code, Some(0));
    assert_eq!(script.texts(&["history", "geral", "--since", "24h"]), numbers);
    assert_eq!(script.texts(&["history", "geral", "-n", "2100"]), numbers[200..]);
    assert_eq!(script.texts(&["history", "geral", "-n", "2000"]), numbers[300..]);
    assert_eq!(script.texts(&["history", "geral"]), numbers[2_250..]);
    assert_eq!(script.texts(&["history", "geral", "--before", "24h"]), Vec::<String>::new());
}

#[test]
fn a_reader_of_history_who_has_read_enough_ends_it_quietly() {
    let script = Script::with_channels(&["geral"]);
    let long = "x".repeat(50_000);
    assert_eq!(script.feed(&["send", "geral", "--stdin", "--lines"], &[&long[..]; 40]).code, Some(0));
    let shell = format!(
        "set -o pipefail; '{}' history --server {} --user ana geral | head -n 1 | wc -l",
        recado_path().display(),
        script.recado.requests
    );
    let ended = Run::program(Path::new("bash"), script.folder.path(), ["-c", &shell]).to_end();
    assert_eq!((ended.code, ended.out, ended.err), (Some(0), vec!["1".to_owned()], vec![]));
}

#[test]
fn what_cannot_be_written_is_no_success() {
    let script = Script::with_channels(&["geral"]);
    assert_eq!(script.run(&["send", "geral", "x"]).code, Some(0));
    for command in ["history geral", "users", "channels --json"] {
        let program = recado_path().display().to_string();
        let shell =
            format!("'{program}' {command} --server {} --user ana > /dev/full", script.recado.requests);
        let ended = Run::program(Path::new("bash"), script.folder.path(), ["-c", &shell]).to_end();
        assert_eq!((ended.code, ended.err.len()), (Some(1), 1), "{ended:?}");
    }
}

/// The texts that it has printed once the last of them is this one.
fn texts_until(tail: &Process, last: &str) -> Vec<String> {
    let is_last = |line: &str| json(line)["text"] == last;
    tail.wait_for_output(last, is_last);
    let lines = tail.out().all();
    lines.iter().map(|line| json(line)["text"].as_str().expect("a text").to_owned()).collect()
}

#[test]
fn a_tail_begins_with_what_was_said_and_goes_on() {
    let script = Script::with_channels(&["geral", "builds"]);
    for text in ["one", "two", "three"] {
        assert_eq!(script.run(&["send", "geral", text]).code, Some(0));
    }
    let broker = &script.recado.subscribers;
    let last = script.command(&["tail", "geral", "builds", "-n", "2", "--json", "--broker", broker]).start();
    assert_eq!(texts_until(&last, "three"), ["two", "three"]);
    let all = script.command(&["tail", "#geral", "--since", "1h", "--json", "--broker", broker]).start();
    assert_eq!(texts_until(&all, "three"), ["one", "two", "three"]);
    assert_eq!(script.run(&["send", "geral", "four"]).code, Some(0));
    assert_eq!(texts_until(&last, "four"), ["two", "three", "four"]);
    assert_eq!(texts_until(&all, "four"), ["one", "two", "three", "four"]);
    for tail in [last, all] {
        tail.signal(Signal::SIGINT);
        let ended = tail.wait();
        assert_eq!((ended.code, ended.err), (Some(0), vec![]));
    }
}

#[test]
fn a_message_may_answer_another_one_or_say_what_one_does() {
    let script = Script::with_channels(&["geral"]);
    assert_eq!(script.run(&["send", "geral", "who?", "--id", ID]).code, Some(0));
    assert_eq!(script.run(&["send", "geral", "I", "--reply-to", ID]).code, Some(0));
    assert_eq!(script.run(&["send", "geral", "waves", "--me"]).code, Some(0));
    let history = script.run(&["history", "geral", "--json"]).out;
    let said: Vec<Value> = history.iter().map(|line| json(line)).collect();
    assert_eq!((said[1]["target"].as_str(), said[2]["style"].as_str()), (Some(ID), Some("me")), "{said:?}");
    assert_eq!(script.run(&["send", "geral", "I", "--reply-to", "nobody"]).code, Some(2));
}

#[test]
fn a_tail_of_what_is_sent_to_one_directly_goes_on_where_it_began() {
    let script = Script::with_channels(&[]);
    let from_bob = |text: &str| {
        let line = ["send", "--server", &script.recado.requests, "--user", "bob", "@ana", text];
        assert_eq!(Run::recado(script.folder.path(), line).to_end().code, Some(0));
    };
    assert_eq!(script.run(&["send", "@ana", "to myself"]).code, Some(0));
    from_bob("first");
    let line = ["tail", "--direct", "--broker", &script.recado.subscribers, "-n", "1", "--json"];
    let tail = script.command(&line).start();
    let said = json(&tail.wait_for_output("first", |line| json(line)["text"] == "first"));
    assert_eq!((said["event"].as_str(), said["from"].as_str()), (Some("direct"), Some("bob")), "{said}");
    from_bob("second");
    let said = json(&tail.wait_for_output("second", |line| json(line)["text"] == "second"));
    assert_eq!(said["to"].as_str(), Some("ana"));
    let ended = tail.terminate();
    assert_eq!((ended.code, ended.err), (Some(0), vec![]));
    assert_eq!(script.run(&["tail", "--direct", "--since", "1h"]).code, Some(2));
}

#[test]
fn a_tail_of_nothing_misses_nothing() {
    let script = Script::with_channels(&["geral", "builds"]);
    assert_eq!(script.run(&["send", "builds", "before"]).code, Some(0));
    let broker = &script.recado.subscribers;
    let tail = script.command(&["tail", "geral", "builds", "-n", "0", "--broker", broker]).start();
    let arrived = |line: &str| line.contains("tick");
    // What is said before it follows belongs to what it does not begin with.
    let mut said = 0;
    while tail.out().all().len() < 2 {
        let channel = ["geral", "builds"][said % 2];
        assert_eq!(script.run(&["send", channel, &format!("tick {said}")]).code, Some(0));
        said += 1;
        assert!(said < 1_000, "nothing of it arrives");
    }
    tail.wait_for_output("a message", arrived);
    let numbers = |channel: &str| -> Vec<usize> {
        let head = format!("#{channel} ana: tick ");
        let lines = tail.out().all();
        lines.iter().filter_map(|line| line.split_once(&head)?.1.parse().ok()).collect()
    };
    for channel in ["geral", "builds"] {
        assert!(numbers(channel).windows(2).all(|two| two[0] + 2 == two[1]), "{:?}", tail.out().all());
    }
    assert!(!tail.out().all().iter().any(|line| line.contains("before")));
}

#[test]
fn a_tail_goes_on_when_server_and_broker_come_back() {
    let folder = folder();
    let mut broker = Broker::start(folder.path());
    let mut server = Server::start(folder.path(), &broker.publishers);
    let said = |server: &Server, line: &[&str]| {
        let options = ["send", "--server", &server.requests, "--user", "ana"];
        assert_eq!(Run::recado(folder.path(), options.iter().chain(line)).to_end().code, Some(0));
    };
    let create = ["client", "--server", &server.requests, "--broker", &broker.subscribers, "--user", "ana"];
    let mut maker = Run::recado(folder.path(), create).with_input().start();
    maker.write_line("/create geral");
    assert_eq!(maker.wait().code, Some(0));
    server.process.kill();
    let options = ["tail", "geral", "--json", "--user", "ana", "--request-timeout", "200ms"];
    let endpoints = ["--server", &server.requests, "--broker", &broker.subscribers];
    let tail = Run::recado(folder.path(), options.iter().chain(&endpoints)).start();
    let notice = |event: &'static str| move |line: &str| json(line)["event"] == event;
    tail.wait_for_log("that no server is there", notice("server_lost"));
    server.restart(folder.path());
    said(&server, &["geral", "one"]);
    assert_eq!(texts_until(&tail, "one"), ["one"]);
    broker.process.kill();
    tail.wait_for_log("that no broker is there", notice("broker_lost"));
    said(&server, &["geral", "two"]);
    broker.restart(folder.path());
    said(&server, &["geral", "three"]);
    assert_eq!(texts_until(&tail, "three"), ["one", "two", "three"]);
    tail.wait_for_log("that the broker is back", notice("broker_back"));
}

#[test]
fn a_tail_whose_reader_has_read_enough_ends_by_itself() {
    let script = Script::with_channels(&["geral"]);
    assert_eq!(script.run(&["send", "geral", "one"]).code, Some(0));
    let shell = format!(
        "set -o pipefail; '{}' tail --server {} --broker {} --user ana geral | (read -r line; exec 0<&-; echo \"$line\")",
        recado_path().display(),
        script.recado.requests,
        script.recado.subscribers
    );
    let reader = Run::program(Path::new("bash"), script.folder.path(), ["-c", &shell]).start();
    reader.wait_for_output("the message", |line| line.ends_with("#geral ana: one"));
    // It finds that nobody reads when there is something to write.
    assert_eq!(script.run(&["send", "geral", "two"]).code, Some(0));
    let ended = reader.wait();
    assert_eq!((ended.code, ended.err), (Some(0), vec![]));
}

#[test]
fn lists_have_a_name_a_line_also_odd_ones() {
    let script = Script::with_channels(&["geral", "olá 世界", "-dash"]);
    assert_eq!(script.run(&["send", "olá 世界", "hi"]).code, Some(0));
    assert_eq!(script.run(&["send", "--", "-dash", "hi"]).code, Some(0));
    let mut channels = script.run(&["channels"]).out;
    channels.sort();
    assert_eq!(channels, ["-dash", "geral", "olá 世界"]);
    assert_eq!(script.run(&["users"]).out, ["ana", "maker"]);
    let event = json(&script.run(&["users", "--json"]).out[0]);
    assert_eq!((&event["event"], &event["users"][0]), (&"users".into(), &"ana".into()));
}

#[test]
fn what_is_used_wrongly_is_said_with_exit_code_2() {
    let folder = folder();
    for line in [
        &["send", "geral", "x"][..],
        &["send", "geral", "--user", "ana"],
        &["send", "geral", "", "--user", "ana"],
        &["send", "geral", "x", "--stdin", "--user", "ana"],
        &["send", "geral", "x", "--lines", "--user", "ana"],
        &["send", "_heads", "x", "--user", "ana"],
        &["send", "@", "x", "--user", "ana"],
        &["send", "geral", "x", "--id", "7", "--user", "ana"],
        &["history", "geral"],
        &["history", "geral", "--since", "yesterday", "--user", "ana"],
        &["tail", "--user", "ana"],
        &["tail", "geral"],
        &["tail", "@ana", "--user", "ana"],
        &["users", "--request-timeout", "0s"],
    ] {
        let ended = Run::recado(folder.path(), line).to_end();
        assert_eq!((ended.code, ended.out.len()), (Some(2), 0), "{line:?}: {ended:?}");
        assert!(!ended.err.is_empty(), "{line:?}");
    }
}

/// The names of all subcommands, from the help.
fn subcommands(folder: &Path) -> Vec<String> {
    let help = Run::recado(folder, ["--help"]).to_end().out;
    let list = help.iter().skip_while(|line| *line != "Commands:").skip(1);
    list.map_while(|line| Some(line.strip_prefix("  ")?.split_once(' ')?.0.to_owned())).collect()
}

#[test]
fn completions_for_each_shell_know_all_subcommands() {
    let folder = folder();
    let subcommands = subcommands(folder.path());
    assert!(subcommands.contains(&"history".to_owned()), "{subcommands:?}");
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let ended = Run::recado(folder.path(), ["completions", shell]).to_end();
        assert_eq!((ended.code, ended.err), (Some(0), vec![]), "{shell}");
        let script = ended.out.join("\n");
        assert!(subcommands.iter().all(|name| script.contains(name.as_str())), "{shell}");
    }
    let refused = Run::recado(folder.path(), ["completions", "tcsh"]).to_end();
    assert_eq!((refused.code, refused.out.len()), (Some(2), 0));
}

#[test]
fn bash_completes_subcommands_and_options() {
    let folder = folder();
    let complete = |words: &str, last: usize| {
        let program = recado_path().display().to_string();
        let shell = format!(
            "set -e; eval \"$('{program}' completions bash)\"; COMP_WORDS=({words}); COMP_CWORD={last}; \
             _recado recado \"${{COMP_WORDS[{last}]}}\" \"${{COMP_WORDS[{last}-1]}}\"; printf '%s\\n' \"${{COMPREPLY[@]}}\""
        );
        let ended = Run::program(Path::new("bash"), folder.path(), ["-c", &shell]).to_end();
        assert_eq!(ended.code, Some(0), "{ended:?}");
        ended.out
    };
    assert_eq!(complete("recado hist", 1), ["history"]);
    assert_eq!(complete("recado history --sin", 2), ["--since"]);
}

#[test]
fn each_subcommand_has_a_manual_page() {
    let folder = folder();
    let pages = folder.path().join("share/man1");
    let path = pages.display().to_string();
    // What the environment says does not belong in a page for everybody.
    let ended = Run::recado(folder.path(), ["man", &path]).env("RECADO_USER", "somebody-here").to_end();
    assert_eq!((ended.code, ended.out.len(), ended.err), (Some(0), 0, vec![]));
    for name in subcommands(folder.path()) {
        let page = fs::read_to_string(pages.join(format!("recado-{name}.1"))).expect("a page");
        assert!(page.contains(&format!(".TH recado-{name} 1")), "{page}");
        assert!(page.contains(".SH SYNOPSIS") && !page.contains("somebody-here"), "{page}");
    }
    let printed = Run::recado(folder.path(), ["man"]).to_end();
    let first = fs::read_to_string(pages.join("recado.1")).expect("a page");
    assert_eq!((printed.code, printed.out), (Some(0), first.lines().map(str::to_owned).collect()));
    fs::write(folder.path().join("file"), "").expect("a file");
    let refused = Run::recado(folder.path(), ["man", "file/below"]).to_end();
    assert_eq!((refused.code, refused.err.len()), (Some(1), 1), "{refused:?}");
}

#[test]
fn what_was_said_is_found_by_its_words_and_nobody_finds_what_others_said_to_each_other() {
    let script = Script::with_channels(&["geral", "tech"]);
    for line in [
        ["send", "geral", "a versão nova"],
        ["send", "tech", "the nova build"],
        ["send", "@maker", "nova for you alone"],
    ] {
        assert_eq!(script.run(&line).code, Some(0));
    }
    let run = |user: &str, line: &[&str]| {
        let server = ["search", "--server", &script.recado.requests, "--user", user];
        Run::recado(script.folder.path(), server.iter().chain(line)).to_end()
    };
    let plain = run("ana", &["VERSAO", "nova"]);
    assert!(plain.code == Some(0) && plain.err.is_empty(), "{plain:?}");
    assert!(plain.out.len() == 1 && plain.out[0].ends_with("#geral ana: a versão nova"), "{plain:?}");
    assert_eq!(run("ana", &["nova"]).out.len(), 3);
    assert_eq!(run("eva", &["nova"]).out.len(), 2);
    assert_eq!(run("ana", &["nova", "--in", "tech"]).out.len(), 1);
    assert_eq!(run("maker", &["nova", "--with", "ana", "--from", "ana"]).out.len(), 1);
    assert_eq!(run("ana", &["nova", "--before", "1h"]).out.len(), 0);
    assert_eq!(run("ana", &["nova", "--after", "1h", "-n", "2"]).out.len(), 2);
    let json_lines = run("ana", &["\"versão nova\"", "--json"]).out;
    let (heading, first) = (json(&json_lines[0]), json(&json_lines[1]));
    assert_eq!((&heading["event"], &heading["count"]), (&"search".into(), &1.into()));
    assert_eq!((&first["event"], &first["snippet"]), (&"found".into(), &"a \u{2}versão nova\u{3}".into()));
    assert_eq!(run("ana", &["?!"]).code, Some(1));
    assert_eq!(run("ana", &["nova", "--in", "tech", "--with", "bob"]).code, Some(2));
}
