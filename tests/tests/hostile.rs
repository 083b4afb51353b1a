//! The broker as a process under attack: its memory stays within a stated bound, its log stays short, and a publisher and a subscriber
//! beside it lose nothing and never stop. The single cases are in `broker/tests/broker/hostile/`; docs/hostile-input.md lists all.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::{
    collections::BTreeSet,
    fs,
    future::Future,
    time::{Duration, Instant},
};

use recado_tests::{
    limits::{PATIENCE, SOUNDING_WAIT},
    parts::{Broker, folder},
    workspace::read,
};
use recado_zmtp::{Message, Publisher, SocketOptions, Subscriber};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::watch,
    task::JoinHandle,
    time::timeout,
};
use tokio_util::sync::CancellationToken;

/// What the broker's memory may grow by under all the attacks here, one after the other: one largest message while its buffer grows
/// (16 MiB and half as much again), a connection's 100,000 subscriptions, the buffers that are read into, and some MiB of what an
/// allocator keeps.
const GROWTH_KIB_MAX: u64 = 64 << 10;

/// What two lines about misbehaving peers of one kind are apart, at least.
const LOG_INTERVAL: Duration = Duration::from_secs(1);

const ROUNDS: u64 = 20;
const MIB: usize = 1 << 20;

/// A publisher and a subscriber that pass numbers on, one after the other, for as long as they are let.
struct Witnesses {
    rounds: watch::Receiver<u64>,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Witnesses {
    async fn start(broker: &Broker) -> Witnesses {
        // Without the filter it keeps none of the topics that others subscribe to.
        let options = SocketOptions { publish_filter: false, ..SocketOptions::default() };
        let publisher = Publisher::connect(&[broker.publishers.parse().unwrap()], options);
        let mut subscriber =
            Subscriber::connect(&[broker.subscribers.parse().unwrap()], SocketOptions::default());
        subscriber.subscribe("witness");
        let (tell, rounds) = watch::channel(0);
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let task = tokio::spawn(async move {
            let numbered =
                |number: u64| Message::new(vec!["witness".into(), number.to_be_bytes().to_vec().into()]);
            let mut number = 0;
            // Once one is heard, all that follow are.
            while timeout(SOUNDING_WAIT, subscriber.recv()).await.is_err() {
                publisher.try_send(&numbered(number));
            }
            while timeout(SOUNDING_WAIT, subscriber.recv()).await.is_ok() {}
            while !stopped.is_cancelled() {
                number += 1;
                publisher.send(numbered(number)).await.unwrap();
                let heard = timeout(PATIENCE, subscriber.recv()).await.expect("a witness's message is lost");
                assert_eq!(heard, Some(numbered(number)));
                tell.send_replace(number);
            }
        });
        let mut all = Witnesses { rounds, stop, task };
        all.go_on().await;
        all
    }

    /// Waits until some more have gone through.
    async fn go_on(&mut self) {
        let enough = *self.rounds.borrow() + ROUNDS;
        let reached = timeout(PATIENCE, self.rounds.wait_for(|rounds| *rounds >= enough)).await;
        assert!(matches!(reached, Ok(Ok(_))), "a witness lost a message, or waits for one");
    }

    async fn end(mut self) {
        self.go_on().await;
        self.stop.cancel();
        timeout(PATIENCE, self.task).await.unwrap().unwrap();
    }
}

/// The most memory that the process ever had.
fn peak_kib(broker: &Broker) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", broker.process.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("Linux says so");
    line.trim().strip_suffix(" kB").unwrap().parse().unwrap()
}

fn frame(flags: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = match u8::try_from(body.len()) {
        Ok(length) => vec![flags, length],
        Err(_) => [&[flags | 2][..], &(body.len() as u64).to_be_bytes()].concat(),
    };
    bytes.extend_from_slice(body);
    bytes
}

fn command(name: &str, data: &[u8]) -> Vec<u8> {
    frame(4, &[&[u8::try_from(name.len()).unwrap()][..], name.as_bytes(), data].concat())
}

fn declared(flags: u8, length: u64) -> Vec<u8> {
    [&[flags][..], &length.to_be_bytes()].concat()
}

fn greeting() -> Vec<u8> {
    let mut bytes = vec![0; 64];
    (bytes[0], bytes[9], bytes[10], bytes[11]) = (0xff, 0x7f, 3, 1);
    bytes[12..16].copy_from_slice(b"NULL");
    bytes
}

async fn open(endpoint: &str) -> TcpStream {
    TcpStream::connect(endpoint.strip_prefix("tcp://").unwrap()).await.unwrap()
}

/// A connection that has shaken hands, or at least said all that it takes.
async fn connect(endpoint: &str, socket_type: &str) -> TcpStream {
    let kind = [&b"\x0bSocket-Type\0\0\0"[..], &[socket_type.len() as u8], socket_type.as_bytes()].concat();
    let mut stream = open(endpoint).await;
    pour(&mut stream, &[greeting(), command("READY", &kind)].concat()).await;
    stream
}

/// Sends what it may: the broker may close at any time.
async fn pour(stream: &mut TcpStream, bytes: &[u8]) {
    let _ = timeout(PATIENCE, stream.write_all(bytes)).await.expect("the broker reads on");
}

/// Reads until the broker closes the connection.
async fn closed(stream: &mut TcpStream) {
    let mut buffer = [0; 4096];
    let reading = async { while !matches!(stream.read(&mut buffer).await, Ok(0) | Err(_)) {} };
    timeout(PATIENCE, reading).await.expect("it is closed");
}

/// One attack at a time, and what it did to the process.
struct Siege<'a> {
    broker: &'a Broker,
    witnesses: Witnesses,
    before_kib: u64,
    story: Vec<String>,
}

impl Siege<'_> {
    async fn attack(&mut self, what: &str, attack: impl Future<Output = ()>) {
        attack.await;
        self.witnesses.go_on().await;
        let peak = peak_kib(self.broker);
        self.story.push(format!("{:>7} KiB more after {what}", peak - self.before_kib));
        assert!(peak <= self.before_kib + GROWTH_KIB_MAX, "{:#?}", self.story);
    }

    /// A connection that sends this is closed; so many of them.
    async fn closed_after(&mut self, what: &str, count: usize, side: Side, bytes: &[u8]) {
        let endpoint = side.endpoint(self.broker).to_owned();
        self.attack(what, async move {
            for _ in 0..count {
                let mut stream = connect(&endpoint, side.fitting()).await;
                pour(&mut stream, bytes).await;
                closed(&mut stream).await;
            }
        })
        .await;
    }
}

#[derive(Clone, Copy)]
enum Side {
    Publishers,
    Subscribers,
}

impl Side {
    fn endpoint(self, broker: &Broker) -> &str {
        match self {
            Side::Publishers => &broker.publishers,
            Side::Subscribers => &broker.subscribers,
        }
    }

    fn fitting(self) -> &'static str {
        match self {
            Side::Publishers => "PUB",
            Side::Subscribers => "SUB",
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory_and_log_stay_bounded_and_witnesses_lose_nothing() {
    let folder = folder();
    let broker = Broker::start(folder.path());
    let began = Instant::now();
    let witnesses = Witnesses::start(&broker).await;
    let mut siege = Siege { broker: &broker, witnesses, before_kib: peak_kib(&broker), story: Vec::new() };
    let mut faults = 0;
    for side in [Side::Publishers, Side::Subscribers] {
        for length in [u64::MAX, u64::MAX >> 1, 1 << 47, (16 << 20) + 1] {
            siege.closed_after("impossible lengths", 20, side, &declared(2, length)).await;
            faults += 20;
        }
        siege.closed_after("MORE without end", 20, side, &frame(1, b"").repeat(10_000)).await;
        faults += 20;
        let endpoint = side.endpoint(&broker).to_owned();
        siege
            .attack("lengths that are declared and never come", async {
                let mut waiting = Vec::new();
                for _ in 0..200 {
                    let mut stream = connect(&endpoint, side.fitting()).await;
                    pour(&mut stream, &[declared(3, 15 << 10), b"begun".to_vec()].concat()).await;
                    waiting.push(stream);
                }
            })
            .await;
        siege
            .attack("megabytes of metadata", async {
                for name in ["READY", "INITIATE"] {
                    for _ in 0..20 {
                        let mut stream = open(&endpoint).await;
                        pour(&mut stream, &[greeting(), command(name, &vec![b'x'; 4 * MIB])].concat()).await;
                        closed(&mut stream).await;
                    }
                }
            })
            .await;
        siege
            .attack("half-open connections", async {
                let mut silent = Vec::new();
                for number in 0..500 {
                    let mut stream = open(&endpoint).await;
                    pour(&mut stream, &greeting()[..number % 64]).await;
                    silent.push(stream);
                }
            })
            .await;
        siege
            .attack("PINGs whose answers nobody reads", async {
                let mut stream = connect(&endpoint, side.fitting()).await;
                for _ in 0..40 {
                    pour(&mut stream, &command("PING", b"\0\0 context").repeat(20_000)).await;
                }
            })
            .await;
    }
    siege
        .attack("messages that are never finished, again and again", async {
            for _ in 0..20 {
                let mut stream = connect(&broker.publishers, "PUB").await;
                pour(&mut stream, &[frame(1, b"t"), declared(2, 15 << 20), vec![0; 14 << 20]].concat()).await;
            }
        })
        .await;
    siege
        .attack("messages that nobody wants", async {
            let mut stream = connect(&broker.publishers, "PUB").await;
            for _ in 0..50 {
                pour(&mut stream, &[frame(1, b"nobody"), frame(0, &vec![0; MIB])].concat()).await;
            }
        })
        .await;
    let topic = [&[1][..], &vec![b'x'; 10 * MIB]].concat();
    siege.closed_after("topics of ten megabytes", 20, Side::Subscribers, &frame(0, &topic)).await;
    faults += 20;
    for form in ["SUBSCRIBE", "CANCEL"] {
        let broker = &broker;
        siege
            .attack("a million topics", async move {
                let mut stream = connect(&broker.subscribers, "SUB").await;
                for thousand in 0..1_000 {
                    let topics = thousand * 1_000..(thousand + 1) * 1_000;
                    let flood: Vec<u8> = topics
                        .flat_map(|topic: u32| command(form, format!("topic {topic}").as_bytes()))
                        .collect();
                    pour(&mut stream, &flood).await;
                }
            })
            .await;
    }
    faults += 1;
    siege.witnesses.end().await;
    let seconds = began.elapsed().as_secs_f64() / LOG_INTERVAL.as_secs_f64();
    let ended = broker.process.terminate();
    assert_eq!(ended.code, Some(0));
    check_log(&ended.err, seconds, faults);
}

/// A line a second at most of each kind, and figures that tell of all that happened.
fn check_log(lines: &[String], seconds: f64, faults: u64) {
    let lines: Vec<Value> = lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let last = lines.iter().rfind(|line| line["message"] == "broker ends").expect("its last words");
    let figure = |name: &str| last[name].as_u64().unwrap_or_else(|| panic!("no {name} in {last}"));
    for (kind, counter) in [("connection closed", "closed_at_fault"), ("connection refused", "refused")] {
        let said: Vec<_> = lines.iter().filter(|line| line["message"] == kind).collect();
        assert!(!said.is_empty() && said.len() as f64 <= seconds + 1.0, "{} lines: {kind}", said.len());
        let left_out: u64 = said.iter().map(|line| line["left_out"].as_u64().unwrap()).sum();
        assert!(said.len() as u64 + left_out <= figure(counter), "{last}");
    }
    assert!(figure("closed_at_fault") >= faults, "{faults} were at fault: {last}");
    assert!(figure("refused") >= 80, "{last}");
    assert_eq!([figure("dropped_slow"), figure("inbound_bytes"), figure("queued_bytes")], [0; 3], "{last}");
}

/// The tests that docs/hostile-input.md names are those that there are.
#[test]
fn the_documents_table_names_every_test() {
    let document = read("docs/hostile-input.md");
    let named: BTreeSet<String> = document
        .lines()
        .filter(|line| line.starts_with("| ") && !line.starts_with("| case"))
        .flat_map(|row| row.split('|').nth(5).expect("a row has five cells").split('`').skip(1).step_by(2))
        .map(str::to_owned)
        .collect();
    let folder = "broker/tests/broker/hostile";
    let themes = ["floods", "frames", "handshake", "subscriptions"];
    let sources = themes.map(|theme| (theme, format!("{folder}/{theme}.rs")));
    let process = ("process", "tests/tests/hostile.rs".to_owned());
    let mut present = BTreeSet::new();
    for (theme, path) in sources.into_iter().chain([process]) {
        let text = read(&path);
        let tests = text.split("\n#[tokio::test").skip(1).filter_map(|rest| rest.split("async fn ").nth(1));
        present.extend(tests.filter_map(|rest| Some(format!("{theme}::{}", rest.split_once('(')?.0))));
    }
    assert!(present.len() > 20, "{present:#?}");
    assert_eq!(named, present);
}
