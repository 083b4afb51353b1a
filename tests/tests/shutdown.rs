//! Ending well: what is under way is answered, what was answered is stored, and a second signal ends at once.

use std::{
    collections::BTreeSet,
    io::{BufRead, BufReader},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::Instant,
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use recado_proto::{Manner, MessageId, ReplyBody, RequestBody};
use recado_tests::{
    chat::{Requester, channel, user},
    limits::{ANSWER_WAIT, LOOK_INTERVAL, PATIENCE},
    parts::{ANY_PORT, Broker, Recado, Server, field, folder, store_url},
    process::recado_path,
};
use tokio::sync::Notify;

const CLIENTS: usize = 16;
const ANSWERS_BEFORE_THE_SIGNAL: usize = 1_000;

/// Publishes until there is no answer any more, and returns what was answered OK.
async fn publish_to_the_end(
    mut requester: Requester,
    name: String,
    answered: Arc<AtomicUsize>,
    enough: Arc<Notify>,
) -> Vec<MessageId> {
    let mut acknowledged = Vec::new();
    loop {
        let id = MessageId::new_v7();
        let body = RequestBody::Publish {
            user: user(&name),
            channel: channel("geral"),
            message: format!("message {}", acknowledged.len()),
            id: Some(id),
            manner: Manner::default(),
        };
        match requester.ask_once(body, ANSWER_WAIT).await.map(|reply| reply.body) {
            Some(ReplyBody::Stored { .. }) => acknowledged.push(id),
            Some(other) => panic!("refused: {other:?}"),
            None => return acknowledged,
        }
        if answered.fetch_add(1, Ordering::Relaxed) + 1 == ANSWERS_BEFORE_THE_SIGNAL {
            enough.notify_one();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_told_to_end_under_load_has_stored_all_that_it_answered() {
    let folder = folder();
    let broker = Broker::start(folder.path());
    let server = Server::start(folder.path(), &broker.publishers);
    let mut requester = Requester::connect(&server.requests);
    requester.login("ana").await;
    requester.create("geral").await;
    let (answered, enough) = (Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
    let clients: Vec<_> = (0..CLIENTS)
        .map(|number| {
            let requester = Requester::connect(&server.requests);
            let client = publish_to_the_end(
                requester,
                format!("client{number}"),
                Arc::clone(&answered),
                Arc::clone(&enough),
            );
            tokio::spawn(client)
        })
        .collect();
    enough.notified().await;
    let requests = server.requests.clone();
    let ended = tokio::task::spawn_blocking(move || server.process.terminate()).await.expect("it ends");
    assert_eq!(ended.code, Some(0), "{:#?}", ended.err);

    let mut acknowledged = BTreeSet::new();
    for client in clients {
        acknowledged.extend(client.await.expect("no client was refused"));
    }
    assert!(acknowledged.len() >= ANSWERS_BEFORE_THE_SIGNAL);
    let server = Server::start_at(folder.path(), &requests, &broker.publishers);
    let kept: BTreeSet<MessageId> = requester
        .channel_history("ana", "geral")
        .await
        .into_iter()
        .filter_map(|message| message.id)
        .collect();
    let lost: Vec<_> = acknowledged.difference(&kept).collect();
    assert!(lost.is_empty(), "answered OK and not stored: {lost:?}");
    assert_eq!(server.process.terminate().code, Some(0));
}

#[test]
fn each_part_ends_with_zero_on_either_signal() {
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let (folder, folder_of_up) = (folder(), folder());
        let broker = Broker::start(folder.path());
        let server = Server::start(folder.path(), &broker.publishers);
        let up = Recado::up(folder_of_up.path()).expect("it starts");
        for process in [server.process, broker.process, up.process] {
            process.signal(signal);
            let ended = process.wait();
            assert_eq!(ended.code, Some(0), "{signal}: {:#?}", ended.err);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_signal_ends_at_once() {
    let folder = folder();
    let broker = Broker::start(folder.path());
    let server = Server::start(folder.path(), &broker.publishers);
    let mut requester = Requester::connect(&server.requests);
    requester.login("ana").await;
    requester.create("geral").await;
    // A broker that stands still: the server waits for it when it ends.
    broker.process.signal(Signal::SIGSTOP);
    // More than the system's own buffers take for a connection that nobody reads.
    let text = "x".repeat(60 * 1024);
    for _ in 0..700 {
        requester.publish("ana", "geral", &text).await;
    }
    server.process.signal(Signal::SIGTERM);
    server.process.wait_for_log("the first signal to be heard", |line| {
        field(line, "message").is_some_and(|message| message.contains("second signal ends at once"))
    });
    let ended = tokio::task::spawn_blocking(move || server.process.signal_until_end(Signal::SIGTERM))
        .await
        .expect("it ends");
    assert_eq!(ended.code, Some(130), "{:#?}", ended.err);
}

#[test]
fn whoever_reads_the_log_may_go_and_the_program_ends_well_all_the_same() {
    let folder = folder();
    let store = store_url(&folder.path().join("recado.db"));
    let mut recado = Command::new(recado_path())
        .args(["up", "--log-format", "json", "--store", &store])
        .args(["--requests", ANY_PORT, "--publishers", ANY_PORT, "--subscribers", ANY_PORT])
        .env("HOME", folder.path())
        .current_dir(folder.path())
        .stderr(Stdio::piped())
        .spawn()
        .expect("recado starts");
    let log = BufReader::new(recado.stderr.take().expect("it is piped"));
    let (sender, listens) = mpsc::channel();
    thread::spawn(move || {
        let listens = log.lines().map_while(Result::ok).any(|line| line.contains("\"requests\""));
        // The log is dropped with its reader: every further line is an error.
        sender.send(listens)
    });
    let listens = listens.recv_timeout(PATIENCE) == Ok(true);
    let id = i32::try_from(recado.id()).expect("ids are small");
    kill(Pid::from_raw(id), Signal::SIGHUP).expect("our own child can be signalled");
    let ended = wait_within_patience(&mut recado);
    if ended.is_none() {
        recado.kill().expect("our own child can be killed");
    }
    assert!(listens, "it ended before it listened");
    assert!(ended.expect("it ends though nobody reads its log").success());
}

fn wait_within_patience(child: &mut Child) -> Option<ExitStatus> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let ended = child.try_wait().expect("our own child can be waited for");
        if ended.is_some() || Instant::now() >= deadline {
            return ended;
        }
        thread::sleep(LOOK_INTERVAL);
    }
}
