//! What cannot start says why and what to do, and harms nothing.

use std::{fs, net::TcpListener, os::unix::fs::PermissionsExt, path::Path};

use recado_tests::{
    parts::{ANY_PORT, Broker, Server, folder, listening, store_url},
    process::{Ended, Run},
};

/// A port that somebody else has, and an endpoint for it.
fn taken_port() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("the system has a free port");
    let endpoint = format!("tcp://{}", listener.local_addr().expect("it is bound"));
    (listener, endpoint)
}

fn recado(folder: &Path, arguments: &[&str]) -> Ended {
    Run::recado(folder, arguments).to_end()
}

#[track_caller]
fn assert_refused(ended: &Ended, code: i32, words: &[&str]) {
    let text = ended.err.join("\n");
    assert_eq!(ended.code, Some(code), "{text}");
    for word in words {
        assert!(text.contains(word), "`{word}` is not in: {text}");
    }
    assert!(!text.contains("panicked"), "{text}");
}

#[test]
fn a_port_in_use_is_named() {
    let folder = folder();
    let (_listener, taken) = taken_port();
    let store = store_url(&folder.path().join("recado.db"));
    let lines: [&[&str]; 5] = [
        &["broker", "--publishers", &taken, "--subscribers", ANY_PORT],
        &["broker", "--publishers", ANY_PORT, "--subscribers", &taken],
        &["server", "--requests", &taken, "--store", &store],
        &["up", "--requests", &taken, "--publishers", ANY_PORT, "--subscribers", ANY_PORT, "--store", &store],
        &["up", "--requests", ANY_PORT, "--publishers", &taken, "--subscribers", ANY_PORT, "--store", &store],
    ];
    for line in lines {
        assert_refused(&recado(folder.path(), line), 1, &[&taken]);
    }
}

#[test]
fn another_address_than_loopback_needs_open_said_in_full() {
    let folder = folder();
    let store = store_url(&folder.path().join("recado.db"));
    let lines: [&[&str]; 3] = [
        &["broker", "--publishers", "tcp://0.0.0.0:*", "--subscribers", ANY_PORT],
        &["broker", "--publishers", ANY_PORT, "--subscribers", "tcp://*:*"],
        &["server", "--requests", "tcp://0.0.0.0:*", "--store", &store],
    ];
    for line in lines {
        assert_refused(&recado(folder.path(), line), 2, &["--open"]);
    }
}

#[test]
fn endpoints_and_options_that_are_none_are_bad_usage() {
    let folder = folder();
    let lines: [&[&str]; 6] = [
        &["broker", "--publishers", "5557"],
        &["server", "--requests", "udp://127.0.0.1:5555"],
        &["server", "--store", "floppy:a"],
        &["autoclient", "--rate", "0"],
        &["autoclient", "--duration", "12"],
        &["fly"],
    ];
    for line in lines {
        assert_refused(&recado(folder.path(), line), 2, &[]);
    }
}

#[test]
fn a_store_that_is_not_ours_is_left_as_it_was() {
    let folder = folder();
    let text = folder.path().join("diary.txt");
    fs::write(&text, "Dear diary, this is no database.\n".repeat(500)).expect("the folder can be written");
    let before = fs::read(&text).expect("it was written");
    let ended = recado(folder.path(), &["server", "--requests", ANY_PORT, "--store", &store_url(&text)]);
    assert_refused(&ended, 1, &["diary.txt"]);
    assert_eq!(fs::read(&text).expect("it is still there"), before);
}

#[test]
fn a_store_in_a_place_that_cannot_be_written_is_named() {
    let folder = folder();
    let file = folder.path().join("file");
    fs::write(&file, "").expect("the folder can be written");
    let ended = recado(
        folder.path(),
        &["server", "--requests", ANY_PORT, "--store", &store_url(&file.join("recado.db"))],
    );
    assert_refused(&ended, 1, &["file/recado.db"]);
}

#[test]
fn one_store_has_one_server() {
    let folder = folder();
    let broker = Broker::start(folder.path());
    let server = Server::start(folder.path(), &broker.publishers);
    let ended = recado(
        folder.path(),
        &[
            "server",
            "--requests",
            ANY_PORT,
            "--broker",
            &broker.publishers,
            "--store",
            &store_url(&server.store),
        ],
    );
    assert_refused(&ended, 1, &["recado.db"]);
}

#[test]
fn clients_without_a_server_say_where_they_looked() {
    let folder = folder();
    let (listener, nowhere) = taken_port();
    drop(listener);
    for part in ["client", "autoclient"] {
        let ended =
            recado(folder.path(), &[part, "--user", "ana", "--server", &nowhere, "--broker", &nowhere]);
        assert_refused(&ended, 1, &[&nowhere]);
    }
    for part in ["--server", "--broker"] {
        let ended = recado(folder.path(), &["check", part, &nowhere]);
        assert_eq!(ended.code, Some(1));
        assert!(ended.out.join("\n").contains(&nowhere), "{:#?}", ended.out);
    }
}

#[test]
fn check_says_yes_when_both_answer() {
    let folder = folder();
    let broker = Broker::start(folder.path());
    let server = Server::start(folder.path(), &broker.publishers);
    let line = ["check", "--server", &server.requests, "--broker", &broker.subscribers];
    assert_eq!(recado(folder.path(), &line).code, Some(0));
}

#[test]
fn a_server_says_why_its_broker_does_not_take_it_and_what_to_do() {
    let (one, other) = (folder(), folder());
    let listen = ["broker", "--publishers", ANY_PORT, "--subscribers", ANY_PORT, "--log-format", "json"];
    let start = |security: &[&str], broker_security: &[&str]| {
        let broker = Run::recado(one.path(), [&listen, broker_security].concat()).start();
        let publishers = listening(&broker, "publishers");
        let line = ["server", "--requests", ANY_PORT, "--broker", &publishers];
        let server = Run::recado(other.path(), [&line, security].concat()).start();
        server.wait_for_log("why not", |line| line.contains("nothing can be published there"))
    };
    let said = start(&["--secure"], &["--secure"]);
    assert!(said.contains("another key") && said.contains("--key"), "{said}");
    let said = start(&[], &["--secure"]);
    assert!(said.contains("the broker is secured and this server open"), "{said}");
    let said = start(&["--secure"], &[]);
    assert!(said.contains("start the broker with --secure"), "{said}");
    // With the broker's key it is let in, once the file is its owner's alone.
    let key = other.path().join("copied.key");
    fs::copy(one.path().join(".local/share/recado/installation.key"), &key).expect("the broker has made it");
    let broker = Run::recado(one.path(), [&listen[..], &["--secure"]].concat()).start();
    let publishers = listening(&broker, "publishers");
    let key_name = key.to_str().expect("our file names are plain");
    let line = ["server", "--secure", "--key", key_name, "--requests", ANY_PORT, "--broker", &publishers];
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).expect("the file is ours");
    assert_refused(&recado(other.path(), &line), 1, &["chmod 600", key_name]);
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).expect("the file is ours");
    let server = Run::recado(other.path(), line).start();
    server.wait_for_log("how the first one joins", |line| line.contains("recado join"));
    server.wait_for_log("that earlier links are bad", |line| {
        line.contains("an earlier start showed is good no longer")
    });
    let ended = server.terminate();
    assert!(!ended.err.iter().any(|line| line.contains("WARN")), "{:#?}", ended.err);
}
