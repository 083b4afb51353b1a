//! The client in scripts: what it reads, writes and says with its exit code.

use std::{io::Write, net::TcpListener, path::Path, thread};

use nix::sys::signal::Signal;
use recado_tests::{
    parts::{Recado, folder},
    process::{Process, Run, recado_path},
};
use serde_json::Value;

fn client(folder: &Path, recado: &Recado, options: &[&str]) -> Run {
    let line = ["client", "--server", &recado.requests, "--broker", &recado.subscribers];
    Run::recado(folder, line.iter().chain(options))
}

/// A script that makes the channel `geral`.
fn make_geral(folder: &Path, recado: &Recado) {
    let mut client = client(folder, recado, &["--user", "maker"]).with_input().start();
    client.write_line("/create geral");
    assert_eq!(client.wait().code, Some(0));
}

fn said(process: &Process, from: usize, text: &str) -> (Value, usize) {
    let (line, next) = process.wait_for_output_from(from, text, |line| {
        serde_json::from_str::<Value>(line).is_ok_and(|event| event["text"] == text)
    });
    (serde_json::from_str(&line).expect("it was JSON a moment ago"), next)
}

#[test]
fn lines_from_a_pipe_arrive_in_their_order() {
    let folder = folder();
    let recado = Recado::up(folder.path()).expect("it starts");
    make_geral(folder.path(), &recado);
    let options = ["--user", "log", "--channel", "geral", "--json", "--listen"];
    let listener = client(folder.path(), &recado, &options).start();
    listener.wait_for_output("joining", |line| line.contains("\"joined\""));
    let mut writer =
        client(folder.path(), &recado, &["--user", "ana", "--channel", "geral"]).with_input().start();
    (0..200).for_each(|number| writer.write_line(&format!("line {number}")));
    let ended = writer.wait();
    assert_eq!(
        (ended.code, ended.out, ended.err),
        (Some(0), vec![], vec![]),
        "a script that goes well is silent"
    );
    let mut from = 0;
    for number in 0..200 {
        let (event, next) = said(&listener, from, &format!("line {number}"));
        assert_eq!(event["seq"], number + 1);
        from = next;
    }
}

#[test]
fn what_scripts_read_is_english_whatever_the_locale_unless_they_ask() {
    let folder = folder();
    let recado = Recado::up(folder.path()).expect("it starts");
    let told = |options: &[&str]| {
        let options = [&["--user", "ana"], options].concat();
        let run = client(folder.path(), &recado, &options).env("LC_ALL", "pt_BR.UTF-8").with_input();
        let mut client = run.start();
        client.write_line("hello");
        let ended = client.wait();
        assert_eq!(ended.code, Some(1));
        ended
    };
    assert_eq!(
        told(&[]).err[0],
        "! not sent: you are in no channel; /join goes to a channel, /channels lists them"
    );
    let asked = told(&["--language", "pt"]);
    assert_eq!(
        asked.err[0],
        "! não enviada: você não está em nenhum canal; /join leva a um canal, /channels lista todos"
    );
    assert_eq!(asked.err.last().map(String::as_str), Some("recado: 1 thing that was asked for failed"));
    let json = told(&["--json", "--language", "pt"]);
    let failed = json.out.iter().find(|line| line.contains("\"failed\"")).expect("it is told");
    let failed: Value = serde_json::from_str(failed).expect("lines are JSON");
    assert_eq!(failed["reason"], "you are in no channel");
    assert_eq!(failed["hint"], "/join goes to a channel, /channels lists them");
}

#[test]
fn a_command_sees_what_was_said_before_it() {
    let folder = folder();
    let recado = Recado::up(folder.path()).expect("it starts");
    let mut client = client(folder.path(), &recado, &["--user", "ana"]).with_input().start();
    for line in ["/create geral", "one", "two", "/history 5", "/users", "/channels"] {
        client.write_line(line);
    }
    let ended = client.wait();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let timeless: Vec<&str> =
        ended.out.iter().map(|line| line.split_once("#geral").map_or(&line[..], |it| it.1)).collect();
    assert_eq!(timeless, [" ana: one", " ana: two", "ana", "geral"]);
}

#[test]
fn a_script_searches_and_sees_what_is_around_what_it_found() {
    let folder = folder();
    let recado = Recado::up(folder.path()).expect("it starts");
    let mut client = client(folder.path(), &recado, &["--user", "ana", "--json"]).with_input().start();
    for line in [
        "/create geral",
        "one",
        "the needle",
        "three",
        "/search needle in:geral from:ana",
        "/jump 1",
        "/jump 2",
    ] {
        client.write_line(line);
    }
    let ended = client.wait();
    let events: Vec<Value> = ended.out.iter().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let search = events.iter().position(|event| event["event"] == "search").expect("it searched");
    let told: Vec<_> =
        events[search..].iter().map(|event| (event["event"].as_str(), event["text"].as_str())).collect();
    assert_eq!(
        told,
        [
            (Some("search"), None),
            (Some("found"), Some("the needle")),
            (Some("jump"), None),
            (Some("message"), Some("one")),
            (Some("message"), Some("the needle")),
            (Some("message"), Some("three")),
            (Some("history_end"), None),
            (Some("failed"), None),
        ]
    );
    assert_eq!(events[search + 1]["snippet"], "the \u{2}needle\u{3}");
    assert_eq!(ended.code, Some(1), "there is no second one");
}

#[test]
fn listening_goes_on_after_the_end_of_input_until_it_is_ended() {
    let folder = folder();
    let recado = Recado::up(folder.path()).expect("it starts");
    make_geral(folder.path(), &recado);
    let options = ["--user", "log", "--channel", "geral"];
    let ended = client(folder.path(), &recado, &options).to_end();
    assert_eq!((ended.code, ended.out), (Some(0), vec![]), "the input is empty and nobody said to listen");
    let timed = ["--user", "log", "--channel", "geral", "--duration", "200ms"];
    assert_eq!(client(folder.path(), &recado, &timed).to_end().code, Some(0));
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let listener =
            client(folder.path(), &recado, &[&options[..], &["--listen", "--json"]].concat()).start();
        listener.wait_for_output("joining", |line| line.contains("\"joined\""));
        listener.signal(signal);
        assert_eq!(listener.wait().code, Some(0));
    }
}

#[test]
fn a_reader_who_has_read_enough_ends_it_quietly() {
    let folder = folder();
    let recado = Recado::up(folder.path()).expect("it starts");
    make_geral(folder.path(), &recado);
    let script = format!(
        "'{}' client --server {} --broker {} --user log --channel geral --json --listen </dev/null | head -n 2; echo over",
        recado_path().display(),
        recado.requests,
        recado.subscribers
    );
    let pipeline = Run::program(Path::new("/bin/sh"), folder.path(), ["-c", &script]).start();
    pipeline.wait_for_output("joining", |line| line.contains("\"joined\""));
    let options = ["--user", "ana", "--channel", "geral", "--json"];
    let mut talker = client(folder.path(), &recado, &options).with_input().start();
    let mut from = 0;
    // The first ones may come while the pipe is still being closed.
    while !pipeline.out().all().iter().any(|line| line == "over") {
        talker.write_line("is anybody reading?");
        from = talker.wait_for_output_from(from, "the answer", |line| line.contains("\"sent\"")).1;
    }
    let ended = pipeline.wait();
    assert_eq!(ended.err, Vec::<String>::new());
    assert_eq!(talker.wait().code, Some(0));
}

#[test]
fn what_fails_is_said_and_the_rest_goes_on() {
    let folder = folder();
    let recado = Recado::up(folder.path()).expect("it starts");
    make_geral(folder.path(), &recado);
    let mut client =
        client(folder.path(), &recado, &["--user", "ana", "--channel", "geral"]).with_input().start();
    for line in [
        "/jion tech",
        "/msg nobody hello",
        "/join nowhere",
        "not for geral",
        "/join geral",
        "for geral",
        "/history",
    ] {
        client.write_line(line);
    }
    let ended = client.wait();
    assert_eq!(ended.code, Some(1));
    assert_eq!(ended.out.len(), 1, "{ended:?}");
    assert!(ended.out[0].ends_with("#geral ana: for geral"), "{ended:?}");
    let said = ended.err.join("\n");
    for sentence in [
        "! there is no command /jion; did you mean /join?",
        "! not sent to nobody: ",
        "! cannot join #nowhere: there is no channel nowhere; /create nowhere makes it",
        "! not sent: you are in no channel",
        "recado: 4 things that were asked for failed",
    ] {
        assert!(said.contains(sentence), "{sentence:?} in:\n{said}");
    }
}

#[test]
fn json_says_what_failed_with_a_code() {
    let folder = folder();
    let recado = Recado::up(folder.path()).expect("it starts");
    let mut client = client(folder.path(), &recado, &["--user", "ana", "--json"]).with_input().start();
    client.write_line("hello");
    client.write_line("/msg nobody hello");
    let ended = client.wait();
    assert_eq!(ended.code, Some(1));
    let failed: Vec<Value> = ended
        .out
        .iter()
        .map(|line| serde_json::from_str::<Value>(line).expect("every line is JSON"))
        .filter(|event| event["event"] == "failed")
        .collect();
    assert_eq!(failed.len(), 2, "{failed:?}");
    assert_eq!((&failed[0]["code"], &failed[0]["what"]), (&"no_channel".into(), &"send".into()));
    assert_eq!((&failed[1]["code"], &failed[1]["to"]), (&"no_such_user".into(), &"nobody".into()));
    assert_eq!(failed[1]["text"], "hello");
}

#[test]
fn who_does_not_answer_is_named() {
    let folder = folder();
    let socket = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let endpoint = format!("tcp://{}", socket.local_addr().expect("it is bound"));
    let ask = || {
        let line = [
            "client",
            "--user",
            "ana",
            "--server",
            &endpoint,
            "--attempts",
            "1",
            "--request-timeout",
            "200ms",
        ];
        Run::recado(folder.path(), line).to_end()
    };
    thread::spawn(move || {
        // As long as there are visitors; it ends with the test.
        while let Ok((mut visitor, _)) = socket.accept() {
            // The visitor may have left.
            let _ = visitor.write_all(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
            if visitor.peer_addr().is_err() {
                return;
            }
        }
    });
    let other = ask();
    assert_eq!(other.code, Some(1));
    assert!(
        other.err.join("\n").contains(&format!("what answers at {endpoint} is no Recado server")),
        "{other:?}"
    );

    let nobody = ["client", "--user", "ana", "--server", "tcp://127.0.0.1:1", "--attempts", "1"];
    let nobody = Run::recado(folder.path(), nobody.iter().chain(&["--request-timeout", "200ms"])).to_end();
    assert_eq!(nobody.code, Some(1));
    let said = nobody.err.join("\n");
    assert!(said.contains("no server answers at tcp://127.0.0.1:1 (connection refused)"), "{said}");
    assert!(said.contains("`recado up` starts one"), "{said}");
}

#[test]
fn wrong_use_says_what_to_write() {
    let folder = folder();
    let cases: [(&[&str], &str); 5] = [
        (&["client"], "say who you are: --user NAME, or RECADO_USER"),
        (&["client", "--user", "_ana"], "a name cannot begin with `_`"),
        (&["client", "--user", "ana", "--server", "localhost:5555"], "write tcp://host:port or ipc://path"),
        (&["client", "--user", "ana", "--request-timeout", "5"], "write 500ms, 12s, 5m or 2h"),
        (&["client", "--user", "ana", "--request-timeout", "0s"], "--request-timeout cannot be zero"),
    ];
    for (line, sentence) in cases {
        let ended = Run::recado(folder.path(), line).to_end();
        assert_eq!(ended.code, Some(2), "{line:?}: {ended:?}");
        assert!(ended.err.join("\n").contains(sentence), "{line:?}: {ended:?}");
    }
}

#[test]
fn settings_come_from_the_environment_too() {
    let folder = folder();
    let recado = Recado::up(folder.path()).expect("it starts");
    make_geral(folder.path(), &recado);
    let mut client = Run::recado(folder.path(), ["client"])
        .env("RECADO_SERVER", &recado.requests)
        .env("RECADO_BROKER", &recado.subscribers)
        .env("RECADO_USER", "ana")
        .env("RECADO_CHANNEL", "geral")
        .env("RECADO_JSON", "true")
        .with_input()
        .start();
    client.write_line("hello");
    let ended = client.wait();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.out.iter().any(|line| line.contains("\"sent\"")), "{ended:?}");
}
