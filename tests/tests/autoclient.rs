//! The automated client's verdict: PASS when all was heard, FAIL when something acknowledged was not.

use nix::sys::signal::Signal;
use recado_tests::{
    chat::Requester,
    parts::{Broker, Recado, Server, folder},
    process::{Ended, Process, Run},
};

/// One that judges deliveries alone, however busy the machine is that the tests run on.
fn autoclient(folder: &std::path::Path, server: &str, broker: &str, options: &[&str]) -> Process {
    let untimed = [options, &["--untimed"]].concat();
    timed_autoclient(folder, server, broker, &untimed)
}

fn timed_autoclient(folder: &std::path::Path, server: &str, broker: &str, options: &[&str]) -> Process {
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

#[test]
fn direct_messages_slow_readers_and_those_who_come_and_go_all_get_everything() {
    let folder = folder();
    let recado = Recado::up(folder.path()).expect("it starts");
    let options = [
        "--users",
        "12",
        "--connections",
        "5",
        "--listeners",
        "4",
        "--channels",
        "4",
        "--rate",
        "400",
        "--messages",
        "1200",
        "--direct",
        "25%",
        "--slow",
        "1",
        "--churn",
        "20/s",
        "--size",
        "lognormal:128,1.0",
        "--seed",
        "4",
    ];
    let ended = autoclient(folder.path(), &recado.requests, &recado.subscribers, &options).wait();
    assert_verdict(&ended, 0, "PASS: 1,200 acknowledged = 1,200 stored; ");
    let verdict = ended.out.last().expect("there is a verdict");
    // A direct message has one receiver, any other has four.
    let deliveries: u64 =
        between(verdict, " stored; ", " of ").replace(',', "").parse().expect("deliveries are a number");
    assert_eq!(deliveries % 3, 0, "{verdict}");
    let direct = (4 * 1200 - deliveries) / 3;
    assert!((200..400).contains(&direct), "{direct} of 1,200 are direct");
    assert!(
        between(verdict, "delivered (", " by repair") != "0",
        "who comes back is given what was said: {verdict}"
    );
}

#[track_caller]
fn between<'a>(text: &'a str, begin: &str, end: &str) -> &'a str {
    let part = text.split_once(begin).and_then(|(_, rest)| rest.split_once(end));
    part.unwrap_or_else(|| panic!("`{begin}` and `{end}` in {text}")).0
}

#[test]
fn a_scenario_is_a_load_in_phases_and_the_command_line_wins() {
    let folder = folder();
    let recado = Recado::up(folder.path()).expect("it starts");
    let text = "users = 3\nchannels = 2\n[[phase]]\nrate = 100\nmessages = 50\n[[phase]]\nprofile = 'moderate'\nrate = 200\nmessages = 70\n";
    std::fs::write(folder.path().join("load.toml"), text).expect("the folder can be written");
    let options = ["--scenario", "load.toml", "--size", "64", "--user", "bot"];
    let ended = autoclient(folder.path(), &recado.requests, &recado.subscribers, &options).wait();
    assert_verdict(&ended, 0, "PASS: 120 acknowledged = 120 stored; 360 of 360 delivered (");
    assert!(ended.out[0].ends_with(": 3 users, bot-1 to bot-3 in load-1, load-2"), "{:?}", ended.out);

    std::fs::write(folder.path().join("load.toml"), "users = 3\nspeed = 2\n")
        .expect("the folder can be written");
    let ended = autoclient(folder.path(), &recado.requests, &recado.subscribers, &options).wait();
    assert_eq!(ended.code, Some(2), "{:?}", ended.err);
    assert!(
        ended.err.iter().any(|line| line.contains("load.toml, line 2: there is no `speed`")),
        "{:?}",
        ended.err
    );
}

#[test]
fn a_condition_that_holds_fails_a_run_and_is_told() {
    let folder = folder();
    let recado = Recado::up(folder.path()).expect("it starts");
    let run = |conditions: &str| {
        let options = ["--rate", "500", "--messages", "50", "--fail-if", conditions];
        autoclient(folder.path(), &recado.requests, &recado.subscribers, &options).wait()
    };
    assert_verdict(&run("lost>0, p99>1000s,acknowledged<50"), 0, "PASS: 50 acknowledged = 50 stored");
    let ended = run("lost>0,acknowledged>=50");
    assert_verdict(&ended, 1, "FAIL: 50 acknowledged = 50 stored; 50 of 50 delivered (");
    let verdict = ended.out.last().expect("there is a verdict");
    assert!(verdict.ends_with("; acknowledged>=50: it is 50"), "{verdict}");
    let refused = run("speed>1");
    assert_eq!(refused.code, Some(2), "{:?}", refused.err);
    assert!(refused.err.iter().any(|line| line.contains("`speed` is no metric")), "{:?}", refused.err);
}

#[test]
fn a_load_client_that_was_stopped_itself_is_no_judge() {
    let folder = folder();
    let recado = Recado::up(folder.path()).expect("it starts");
    let options = ["--rate", "200", "--messages", "600"];
    let client = timed_autoclient(folder.path(), &recado.requests, &recado.subscribers, &options);
    let second = client.wait_for_log("a line of progress", |line| line.contains("acknowledged"));
    client.signal(Signal::SIGSTOP);
    // For as long as anything is late that should have left meanwhile: the clock of the machine is what it is stopped by.
    let stopped = std::time::Instant::now();
    while stopped.elapsed() < std::time::Duration::from_secs(1) {
        std::thread::yield_now();
    }
    client.signal(Signal::SIGCONT);
    let ended = client.wait();
    assert_verdict(&ended, 3, "INVALID: 600 acknowledged = 600 stored; 600 of 600 delivered (");
    let verdict = ended.out.last().expect("there is a verdict");
    assert!(verdict.contains("the load client was the bottleneck"), "{second}\n{verdict}");
}

#[test]
fn a_second_ctrl_c_ends_the_audit_and_the_verdict_says_so() {
    let folder = folder();
    let mut broker = Broker::start(folder.path());
    let server = Server::start(folder.path(), &broker.publishers);
    let options = ["--rate", "100"];
    let client = autoclient(folder.path(), &server.requests, &broker.subscribers, &options);
    client.wait_for_log("a line of progress", |line| line.contains("acknowledged"));
    // Deliveries are owed from here on, and the end waits for them.
    broker.process.kill();
    client.wait_for_log("deliveries that are owed", |line| line.contains(" pending"));
    client.signal(Signal::SIGINT);
    let seen = client.err().count();
    client.err().wait_from(seen + 1, |line| line.contains(" pending")).expect("it goes on to wait");
    client.signal(Signal::SIGINT);
    let ended = client.wait();
    assert_verdict(&ended, 1, "FAIL: ");
    let verdict = ended.out.last().expect("there is a verdict");
    assert!(verdict.ends_with("what is stored is not proven: the audit was stopped"), "{verdict}");
}
