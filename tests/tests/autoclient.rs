//! The automated client's verdict: PASS when all was heard, FAIL when something acknowledged was not.

use nix::sys::signal::Signal;
use recado_tests::{
    chat::Requester,
    parts::{Broker, Recado, Server, folder},
    process::{Ended, Process, Run},
};

fn autoclient(folder: &std::path::Path, server: &str, broker: &str, options: &[&str]) -> Process {
    let line = ["autoclient", "--log-format", "json", "--server", server, "--broker", broker];
    Run::recado(folder, line.iter().chain(options)).start()
}

#[track_caller]
fn assert_verdict(ended: &Ended, code: i32, begin: &str) {
    let verdict = ended.out.last().map(String::as_str).unwrap_or_default();
    assert!(verdict.starts_with(begin), "{:#?}\n{:#?}", ended.out, ended.err);
    assert_eq!(ended.code, Some(code), "{verdict}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn by_default_it_makes_the_usual_channels_and_says_ten_messages_in_one() {
    let folder = folder();
    let recado = Recado::up(folder.path()).expect("it starts");
    let client = autoclient(
        folder.path(),
        &recado.requests,
        &recado.subscribers,
        &["--messages", "20", "--pause", "1ms"],
    );
    assert_verdict(
        &client.wait(),
        0,
        "PASS: 20 acknowledged = 20 stored; 20 of 20 delivered (0 by repair); 0 lost, 0 repeated",
    );
    let mut requester = Requester::connect(&recado.requests);
    requester.login("reader").await;
    let mut counts = Vec::new();
    for name in ["geral", "tech", "random"] {
        counts.push(requester.channel_history("reader", name).await.len());
    }
    assert_eq!(counts.iter().sum::<usize>(), 20);
    assert!(counts.iter().all(|count| count % 10 == 0), "ten in a channel, then perhaps another: {counts:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_seed_is_the_same_load() {
    let mut loads = Vec::new();
    for seed in ["7", "7", "8"] {
        let folder = folder();
        let recado = Recado::up(folder.path()).expect("it starts");
        let options = ["--seed", seed, "--messages", "60", "--users", "3", "--rate", "1000"];
        let client = autoclient(folder.path(), &recado.requests, &recado.subscribers, &options);
        assert_verdict(&client.wait(), 0, "PASS: 60 acknowledged = 60 stored; 180 of 180 delivered (");
        let mut requester = Requester::connect(&recado.requests);
        requester.login("reader").await;
        let mut texts = Vec::new();
        for name in ["geral", "tech", "random"] {
            let messages = requester.channel_history("reader", name).await;
            // What ends a text is the run's own, and another each time.
            texts.extend(messages.into_iter().map(|message| (name, without_tag(&message.message))));
        }
        texts.sort();
        loads.push(texts);
    }
    assert_eq!(loads[0], loads[1]);
    assert_ne!(loads[0], loads[2]);
}

/// A text without the run that it is from and its checksum, but with its number.
#[track_caller]
fn without_tag(text: &str) -> String {
    let (body, tag) = text.rsplit_once('#').expect("each text ends with a tag");
    let [run, number, checksum] = tag.split('-').collect::<Vec<_>>()[..] else { panic!("{text}") };
    assert_eq!((run.len(), checksum.len()), (8, 8), "{text}");
    format!("{body}#{number}")
}

#[test]
fn ctrl_c_ends_it_with_a_verdict() {
    let folder = folder();
    let recado = Recado::up(folder.path()).expect("it starts");
    let client = autoclient(folder.path(), &recado.requests, &recado.subscribers, &["--rate", "50"]);
    client.wait_for_output("the beginning", |line| line.starts_with("seed "));
    client.signal(Signal::SIGINT);
    assert_verdict(&client.wait(), 0, "PASS: ");
}

#[test]
fn a_broker_that_dies_for_good_makes_a_loss_that_is_told() {
    let folder = folder();
    let mut broker = Broker::start(folder.path());
    let server = Server::start(folder.path(), &broker.publishers);
    let options = ["--rate", "200", "--messages", "1000", "--no-repair"];
    let client = autoclient(folder.path(), &server.requests, &broker.subscribers, &options);
    client.wait_for_output("the beginning", |line| line.starts_with("seed "));
    broker.process.kill();
    let ended = client.wait();
    assert_verdict(&ended, 1, "FAIL: 1,000 acknowledged = 1,000 stored; ");
    let named = ended.out.iter().filter(|line| line.contains(": was acknowledged and not heard by ")).count();
    assert_eq!(named, 10, "{:#?}", ended.out);
    assert!(ended.out.iter().any(|line| line.contains("recado autoclient ")), "{:#?}", ended.out);
}

#[test]
fn a_broker_that_comes_back_loses_nothing_that_history_does_not_repair() {
    let folder = folder();
    let mut broker = Broker::start(folder.path());
    let server = Server::start(folder.path(), &broker.publishers);
    let options = ["--rate", "200", "--messages", "2000", "--users", "4"];
    let client = autoclient(folder.path(), &server.requests, &broker.subscribers, &options);
    client.wait_for_output("the beginning", |line| line.starts_with("seed "));
    broker.restart(folder.path());
    assert_verdict(&client.wait(), 0, "PASS: 2,000 acknowledged = 2,000 stored; 8,000 of 8,000 delivered (");
}

#[test]
fn a_server_that_is_killed_and_comes_back_costs_nothing() {
    let folder = folder();
    let broker = Broker::start(folder.path());
    let mut server = Server::start(folder.path(), &broker.publishers);
    let options = ["--rate", "200", "--messages", "2000", "--users", "4"];
    let client = autoclient(folder.path(), &server.requests, &broker.subscribers, &options);
    client.wait_for_output("the beginning", |line| line.starts_with("seed "));
    server.restart(folder.path());
    assert_verdict(&client.wait(), 0, "PASS: 2,000 acknowledged = 2,000 stored; 8,000 of 8,000 delivered (");
}
