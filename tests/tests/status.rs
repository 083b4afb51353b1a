//! A broker that is asked for its status: by `recado status`, on a terminal and elsewhere, and by programs that are not ours.

use std::{fs, net::TcpListener, path::Path};

use nix::sys::signal::Signal;
use recado_tests::{
    parts::{ANY_PORT, Recado, folder, listening, store_url},
    peers::python,
    process::{Ended, Process, Run},
    terminal::Terminal,
    workspace::read,
};
use recado_zmtp::{Message, Publisher, SocketOptions};
use serde_json::{Value, json};

/// A broker that can be asked.
struct Broker {
    process: Process,
    publishers: String,
    status: String,
}

impl Broker {
    fn start(folder: &Path) -> Broker {
        Broker::start_at(folder, ANY_PORT, &["--figures-interval", "0s"])
    }

    fn start_at(folder: &Path, status: &str, options: &[&str]) -> Broker {
        let line = ["broker", "--log-format", "json", "--publishers", ANY_PORT, "--subscribers", ANY_PORT];
        let process = Run::recado(folder, line.iter().chain(&["--status", status]).chain(options)).start();
        let [publishers, status] = ["publishers", "status"].map(|socket| listening(&process, socket));
        Broker { process, publishers, status }
    }

    /// Publishes so many messages, which nobody subscribed to, and waits until they have come.
    fn publish(&self, folder: &Path, count: u64) {
        let before = figure(&self.report(folder), "messages_in");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("the system has room for a runtime").block_on(async {
            let options = SocketOptions { publish_filter: false, ..SocketOptions::default() };
            let endpoint = self.publishers.parse().expect("the program writes endpoints");
            let publisher = Publisher::connect(&[endpoint], options);
            for _ in 0..count {
                while publisher.try_send(&Message::single("t")) == 0 {
                    tokio::task::yield_now().await;
                }
            }
            publisher.close().await;
        });
        while figure(&self.report(folder), "messages_in") < before + count {}
    }

    fn report(&self, folder: &Path) -> Value {
        let ended = status(folder, &["--status", &self.status, "--json"]);
        assert_eq!((ended.code, ended.out.len()), (Some(0), 1), "{ended:#?}");
        serde_json::from_str(&ended.out[0]).expect("one line of JSON")
    }
}

fn status(folder: &Path, options: &[&str]) -> Ended {
    Run::recado(folder, ["status"].iter().chain(options)).to_end()
}

fn figure(report: &Value, name: &str) -> u64 {
    report["figures"][name].as_u64().unwrap_or_else(|| panic!("no figure {name} in {report}"))
}

#[test]
fn one_program_of_broker_and_server_tells_the_figures_of_its_broker() {
    let folder = folder();
    let store = store_url(&folder.path().join("recado.db"));
    let mut line = vec!["up", "--log-format", "json", "--store", &store];
    for flag in ["--requests", "--publishers", "--subscribers", "--status"] {
        line.extend([flag, ANY_PORT]);
    }
    let process = Run::recado(folder.path(), line).start();
    let endpoint = listening(&process, "status");
    let ended = status(folder.path(), &["--status", &endpoint]);
    assert_eq!((ended.code, &ended.err[..]), (Some(0), &[][..]), "{ended:#?}");
    let title = format!("Recado broker {} at {endpoint}, up ", env!("CARGO_PKG_VERSION"));
    assert!(ended.out[0].starts_with(&title), "{ended:#?}");
    let subscribers = listening(&process, "subscribers");
    assert!(ended.out[1].ends_with(&format!("subscribers {subscribers}")), "{ended:#?}");
    let text = ended.out.join("\n");
    assert!(!text.contains("a second") && !text.contains('\u{1b}'), "{text}");
    let ended = process.terminate();
    assert_eq!(ended.code, Some(0), "{ended:#?}");
}

#[test]
fn the_document_lists_what_is_told_and_where_the_table_has_it() {
    let folder = folder();
    let broker = Broker::start(folder.path());
    let report = broker.report(folder.path());
    let document = read("docs/PROTOCOL.md");
    let (_, section) = document.split_once("## A broker's status\n").expect("it has this section");
    let section = section.split("\n## ").next().expect("it has text");
    let (_, example) = section.split_once("```json\n").expect("it shows a reply");
    let example = example.split("```").next().expect("a block has an end");
    let example: Value = serde_json::from_str(example).expect("the reply shown is JSON");
    assert_eq!(shape(&example), shape(&report), "the reply shown against the program's");
    assert_eq!(example["limits"], report["limits"], "the limits shown are the defaults");
    let rows: Vec<Vec<&str>> = section
        .lines()
        .filter(|line| line.starts_with("| `"))
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
        .collect();
    let mut documented: Vec<&str> = rows.iter().map(|row| row[0].trim_matches('`')).collect();
    documented.sort_unstable();
    let figures = report["figures"].as_object().expect("a map");
    assert_eq!(documented, figures.keys().collect::<Vec<_>>(), "the table of figures against the program's");
    let table = status(folder.path(), &["--status", &broker.status]).out;
    for row in &rows {
        let (heading, label) = row[3].split_once(": ").expect("a section and a row");
        let section = table.iter().skip_while(|line| !line.starts_with(heading)).skip(1);
        let mut labels = section.take_while(|line| !line.is_empty());
        let (label, always) = match label.strip_suffix(", if there were any") {
            Some(label) => (label, false),
            None => (label, true),
        };
        let shown = labels.any(|line| line.starts_with(&format!("  {label}  ")));
        assert_eq!(shown, always || figure(&report, row[0].trim_matches('`')) > 0, "{row:?} in {table:#?}");
    }
}

/// The value with each number and text replaced by its kind.
fn shape(value: &Value) -> Value {
    match value {
        Value::Object(map) => map.iter().map(|(key, value)| (key.clone(), shape(value))).collect(),
        Value::Number(number) if number.is_f64() => json!("fraction"),
        Value::Number(_) => json!("number"),
        Value::String(_) => json!("text"),
        Value::Null => json!("none"),
        other => panic!("{other} in a status"),
    }
}

#[test]
fn the_program_shown_in_the_document_asks_with_pyzmq() {
    let folder = folder();
    let broker = Broker::start(folder.path());
    broker.publish(folder.path(), 1);
    let document = read("docs/PROTOCOL.md");
    let endpoint = "tcp://127.0.0.1:5559";
    let programs = document.split("```python\n").skip(1).filter_map(|rest| rest.split("```").next());
    let program =
        programs.into_iter().find(|program| program.contains(endpoint)).expect("it shows a program");
    let ended = python(folder.path(), &program.replace(endpoint, &broker.status)).to_end();
    assert_eq!(ended.code, Some(0), "{ended:#?}");
    assert_eq!(ended.out, ["0 subscribers, 0 messages out"]);
}

#[test]
fn watched_it_says_when_the_broker_is_gone_and_goes_on_when_it_is_back() {
    let folder = folder();
    let mut broker = Broker::start(folder.path());
    broker.publish(folder.path(), 3);
    let line = ["status", "--status", &broker.status, "--watch", "100ms", "--json"];
    let watch = Run::recado(folder.path(), line).start();
    for number in 0..3 {
        let (line, _) = watch.wait_for_output_from(number, "an answer", |_| true);
        let report = serde_json::from_str(&line).expect("one line of JSON");
        assert!(figure(&report, "messages_in") >= 3, "{report}");
    }
    broker.process.kill();
    watch.wait_for_log("the remark", |line| line.contains("does not answer any more"));
    let told = watch.out().count();
    let endpoint = broker.status.clone();
    let broker = Broker::start_at(folder.path(), &endpoint, &[]);
    let (line, _) = watch.wait_for_output_from(told, "an answer", |_| true);
    let report = serde_json::from_str(&line).expect("one line of JSON");
    assert_eq!(figure(&report, "messages_in"), 0);
    watch.wait_for_log("the remark", |line| line.contains("answers again"));
    watch.signal(Signal::SIGINT);
    let ended = watch.wait();
    assert_eq!((ended.code, ended.err.len()), (Some(0), 2), "{ended:#?}");
    drop(broker);
}

#[test]
fn watched_without_a_terminal_it_prints_one_table_after_the_other_with_rates() {
    let folder = folder();
    let broker = Broker::start(folder.path());
    let watch =
        Run::recado(folder.path(), ["status", "--status", &broker.status, "--watch", "100ms"]).start();
    let is_rate =
        |line: &str| line.split_whitespace().collect::<Vec<_>>() == ["out", "0", "0", "0", "B", "0", "B"];
    watch.wait_for_output("a rate", is_rate);
    let titles = || watch.out().all().iter().filter(|line| line.starts_with("Recado broker")).count();
    assert!(titles() >= 2, "the first table can have none");
    watch.signal(Signal::SIGTERM);
    let ended = watch.wait();
    assert_eq!((ended.code, &ended.err[..]), (Some(0), &[][..]), "{ended:#?}");
    assert!(!ended.out.join("\n").contains('\u{1b}'));
}

#[test]
fn watched_on_a_terminal_the_table_is_drawn_anew_in_its_place() {
    let folder = folder();
    let mut broker = Broker::start(folder.path());
    let line = ["status", "--status", &broker.status, "--watch", "100ms"];
    let mut watch = Terminal::start(folder.path(), 24, 80, &line);
    watch.wait_for_last_row("every 100ms, Ctrl-C ends");
    broker.publish(folder.path(), 1);
    watch.keys("\r\rx\r");
    let screen = watch.wait_for("what was published", |screen| {
        let came = |row: &str| row.split_whitespace().take(2).eq(["in", "1"]);
        screen.lines().any(came) && screen.ends_with("Ctrl-C ends")
    });
    assert_eq!(screen.matches("Recado broker").count(), 1, "{screen}");
    assert!(screen.starts_with("Recado broker") && screen.contains("a second"), "{screen}");
    assert!(watch.has_colours());
    watch.resize(12, 60);
    let screen = watch.wait_for("a smaller table", |screen| screen.contains("more lines in a larger window"));
    assert!(screen.starts_with("Recado broker") && screen.lines().count() == 11, "{screen}");
    watch.resize(24, 80);
    watch.wait_for_last_row("every 100ms, Ctrl-C ends");
    broker.process.kill();
    let screen = watch.wait_for_text("No answer for ");
    assert!(screen.starts_with("Recado broker") && screen.contains("connection refused"), "{screen}");
    let endpoint = broker.status.clone();
    let _broker = Broker::start_at(folder.path(), &endpoint, &[]);
    watch.wait_for_last_row("every 100ms, Ctrl-C ends");
    watch.keys("\u{3}");
    let (code, screen) = watch.wait_for_end();
    assert_eq!(code, 0);
    assert!(screen.starts_with("Recado broker") && screen.ends_with("Ctrl-C ends"), "{screen}");
    assert!(watch.is_as_found());
}

#[test]
fn on_a_terminal_no_color_is_respected() {
    let folder = folder();
    let broker = Broker::start(folder.path());
    let line = ["status", "--status", &broker.status];
    for (variables, colours) in [(&[][..], true), (&[("NO_COLOR", "1")][..], false)] {
        let mut shown = Terminal::start_with(folder.path(), 40, 80, &line, variables);
        let (code, screen) = shown.wait_for_end();
        assert_eq!((code, shown.has_colours()), (0, colours), "{screen}");
        assert!(screen.starts_with("Recado broker"), "{screen}");
    }
}

#[test]
fn who_reads_enough_and_leaves_is_no_failure() {
    let folder = folder();
    let broker = Broker::start(folder.path());
    let program = "import subprocess, sys\n\
         watch = subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE)\n\
         watch.stdout.readline()\n\
         watch.stdout.close()\n\
         sys.exit(watch.wait())";
    let recado = recado_tests::process::recado_path();
    let recado = recado.to_str().expect("our file names are plain");
    let line = ["-c", program, recado, "status", "--status", &broker.status, "--watch", "100ms"];
    let ended = Run::program(Path::new("python3"), folder.path(), line).to_end();
    assert_eq!((ended.code, &ended.err[..]), (Some(0), &[][..]), "{ended:#?}");
}

#[test]
fn where_nobody_answers_it_says_what_to_do() {
    let folder = folder();
    let listener = TcpListener::bind("127.0.0.1:0").expect("the system has a free port");
    let nowhere = format!("tcp://{}", listener.local_addr().expect("it is bound"));
    let refused = |options: &[&str], words: &[&str]| {
        let ended = status(folder.path(), options);
        let text = ended.err.join("\n");
        assert_eq!((ended.code, ended.out.len()), (Some(1), 0), "{text}");
        words.iter().for_each(|word| assert!(text.contains(word), "`{word}` is not in: {text}"));
    };
    refused(&["--status", &nowhere, "--timeout", "100ms"], &[&nowhere, "has not answered within 100ms"]);
    drop(listener);
    for watch in [&["--status", &nowhere][..], &["--status", &nowhere, "--watch", "--json"]] {
        let hint = format!("recado up --status {nowhere}");
        refused(watch, &[&nowhere, "connection refused", &hint, "recado status --status ENDPOINT"]);
    }
    let recado = Recado::up(folder.path()).expect("it starts");
    refused(&["--status", &recado.subscribers], &[&recado.subscribers, "XPUB"]);
    refused(&["--status", &recado.requests], &[&recado.requests, "not a broker telling its status"]);
}

#[test]
fn one_setting_does_for_the_broker_and_for_who_asks_it() {
    let folder = folder();
    let first = Broker::start(folder.path());
    let variable =
        Run::recado(folder.path(), ["status", "--json"]).env("RECADO_STATUS", &first.status).to_end();
    assert_eq!(variable.code, Some(0), "{variable:#?}");
    let settings = format!("[broker]\nstatus = \"{}\"\n", first.status);
    fs::write(folder.path().join("recado.toml"), settings).expect("the folder can be written");
    let asked = status(folder.path(), &["--json"]);
    assert_eq!(asked.code, Some(0), "{asked:#?}");
    let line = ["broker", "--publishers", ANY_PORT, "--subscribers", ANY_PORT];
    let second = Run::recado(folder.path(), line).to_end();
    assert_eq!(second.code, Some(1), "{second:#?}");
    assert!(second.err.join("\n").contains(&first.status), "the port is in use: {second:#?}");
}

#[test]
fn what_cannot_be_is_bad_usage() {
    let folder = folder();
    let broker = ["broker", "--publishers", ANY_PORT, "--subscribers", "tcp://127.0.0.1:5558"];
    let check = |line: &[&str], word: &str| {
        let ended = Run::recado(folder.path(), line).to_end();
        let text = ended.err.join("\n");
        assert!(ended.code == Some(2) && text.contains(word), "{line:?}: {ended:#?}");
    };
    let with = |status| [&broker[..], &["--status", status]].concat();
    check(&with("tcp://*:5559"), "--open");
    check(&with("tcp://127.0.0.1:5558"), "same");
    check(&with("5559"), "5559");
    check(&["status", "--status", ANY_PORT], "port");
    check(&["status", "--watch", "1ms"], "at least");
    check(&["status", "--timeout", "0s"], "no time");
    check(&["up", "--figures-interval", "often"], "a duration is");
}

#[test]
fn the_log_has_the_figures_as_numbers_whenever_they_have_changed() {
    let folder = folder();
    let broker = Broker::start_at(folder.path(), ANY_PORT, &["--figures-interval", "10ms"]);
    let figures = |line: &str, message: &str| -> Option<Value> {
        let value: Value = serde_json::from_str(line).ok()?;
        (value["message"] == message).then_some(value)
    };
    for count in 1..4 {
        broker.publish(folder.path(), 1);
        broker.process.wait_for_log("the figures", |line| {
            figures(line, "figures").is_some_and(|it| it["messages_in"].as_u64() >= Some(count))
        });
    }
    let told = broker.report(folder.path());
    let ended = broker.process.terminate();
    let all: Vec<Value> = ended
        .err
        .iter()
        .filter_map(|line| figures(line, "figures"))
        .map(|mut line| {
            line.as_object_mut().expect("a map").remove("timestamp");
            line
        })
        .collect();
    assert!(all.windows(2).all(|pair| pair[0] != pair[1]), "{all:#?}");
    let last = ended.err.iter().find_map(|line| figures(line, "broker ends")).expect("its last line");
    for name in told["figures"].as_object().expect("a map").keys() {
        assert!(last[name].is_u64(), "{name} in {last}");
    }
}
