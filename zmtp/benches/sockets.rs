//! What a message costs: requests echoed through a Router, messages sent by a Publisher and heard by a Subscriber, each in the clear
//! and sealed. The peers are bare streams on a thread of their own, so that the socket's thread is what runs out first; beside it, for
//! scale, the same work by tokio alone, without ZMTP, queues or limits. And what a handshake costs CURVE's server.
//!
//! `cargo bench -p recado-zmtp` (less than a minute); with a word, only the works whose name has it. Figures drift with
//! the machine: compare them within one run.

use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use recado_zmtp::codec::{
    FrameHeader, Handshake, HandshakeConfig, Progress, SocketType, Subscription, Welcome,
};
use recado_zmtp::curve::{KeyPair, Security};
use recado_zmtp::transport::{Stream, establish};
use recado_zmtp::{Endpoint, Message, Publisher, Router, SocketOptions, Subscriber};

const WARM_UP: Duration = Duration::from_millis(500);
const MEASURED: Duration = Duration::from_secs(3);
const HANDSHAKE: Duration = Duration::from_secs(10);

/// An empty delimiter and 32 bytes, as a REQ peer sends them.
const REQUEST: &[u8; 36] = b"\x01\x00\x00\x20................................";

#[derive(Clone, Copy)]
enum Work {
    BareEcho { peers: u64 },
    RouterEcho { peers: u64, sealed: bool },
    Publish { bytes: usize, subscribers: u64, sealed: bool },
    Hear { bytes: usize, sealed: bool },
}

impl Work {
    fn name(self) -> String {
        match self {
            Self::BareEcho { peers } => format!("echo to {peers} peers, tokio alone"),
            Self::RouterEcho { peers, sealed } => format!("echo to {peers} peers, Router{}", mark(sealed)),
            Self::Publish { bytes, subscribers, sealed } => {
                format!("publish {bytes} B to {subscribers}{}", mark(sealed))
            }
            Self::Hear { bytes, sealed } => format!("hear {bytes} B{}", mark(sealed)),
        }
    }

    fn peers(self) -> u64 {
        match self {
            Self::BareEcho { peers } | Self::RouterEcho { peers, .. } => peers,
            Self::Publish { subscribers, .. } => subscribers,
            Self::Hear { .. } => 1,
        }
    }

    fn is_sealed(self) -> bool {
        match self {
            Self::BareEcho { .. } => false,
            Self::RouterEcho { sealed, .. } | Self::Publish { sealed, .. } | Self::Hear { sealed, .. } => {
                sealed
            }
        }
    }
}

fn mark(sealed: bool) -> &'static str {
    if sealed { ", sealed" } else { "" }
}

/// Of both sides: what is measured does not depend on whose they are.
fn keys() -> &'static KeyPair {
    static KEYS: OnceLock<KeyPair> = OnceLock::new();
    KEYS.get_or_init(KeyPair::generate)
}

fn as_server(sealed: bool) -> SocketOptions {
    let security = if sealed { Security::CurveServer(keys().clone()) } else { Security::Null };
    SocketOptions { security, ..SocketOptions::default() }
}

fn as_client(sealed: bool) -> Security {
    if sealed {
        Security::CurveClient { keys: keys().clone(), server: keys().public() }
    } else {
        Security::Null
    }
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let mut works = Vec::new();
    for peers in [1, 16, 64, 256] {
        works.extend([Work::BareEcho { peers }, Work::RouterEcho { peers, sealed: false }]);
        works.push(Work::RouterEcho { peers, sealed: true });
    }
    for (bytes, subscribers) in [(64, 1), (64, 10), (1024, 1), (16 * 1024, 1)] {
        works.extend([false, true].map(|sealed| Work::Publish { bytes, subscribers, sealed }));
    }
    for bytes in [64, 1024, 16 * 1024] {
        works.extend([false, true].map(|sealed| Work::Hear { bytes, sealed }));
    }
    println!("{:<32} {:>12} {:>16}", "work", "messages/s", "CPU ns a message");
    for work in works {
        let name = work.name();
        if words.iter().all(|word| name.contains(word.as_str())) {
            let (rate, cost) = measure(work);
            println!("{name:<32} {rate:>12.0} {cost:>16.0}");
        }
    }
    let name = "handshakes, CURVE's server";
    if words.iter().all(|word| name.contains(word.as_str())) {
        let cost = handshake_ns();
        println!("{name:<32} {:>12.0} {cost:>16.0}", 1e9 / cost);
    }
}

/// Nanoseconds that a server needs for its part of a handshake.
fn handshake_ns() -> f64 {
    let (mut spent, mut handshakes) = (Duration::ZERO, 0_u32);
    let began = Instant::now();
    while began.elapsed() < MEASURED {
        let config =
            |socket_type, security| HandshakeConfig { security, ..HandshakeConfig::new(socket_type) };
        let security = Security::CurveServer(keys().clone());
        let mut server = Handshake::new(config(SocketType::Router, security));
        let mut client = Handshake::new(config(SocketType::Dealer, as_client(true)));
        let mut is_in = false;
        while !is_in {
            let mut bytes = BytesMut::from(&client.take_outgoing()[..]);
            let began = Instant::now();
            is_in = matches!(step(&mut server, &mut bytes), Progress::Done(_));
            spent += began.elapsed();
            let mut bytes = BytesMut::from(&server.take_outgoing()[..]);
            step(&mut client, &mut bytes);
        }
        handshakes += 1;
    }
    spent.as_nanos() as f64 / f64::from(handshakes)
}

fn step(handshake: &mut Handshake, bytes: &mut BytesMut) -> Progress {
    let mut progress = handshake.input(bytes);
    while let Ok(Progress::Compute | Progress::Admit(_)) = progress {
        progress = if progress == Ok(Progress::Compute) {
            handshake.compute()
        } else {
            handshake.admit(Welcome::Yes)
        };
    }
    progress.expect("both sides are honest")
}

/// Messages a second, and nanoseconds of the measured thread's processor time for each.
fn measure(work: Work) -> (f64, f64) {
    let count = Arc::new(AtomicU64::new(0));
    let (ready, is_ready) = mpsc::channel();
    let server = run_thread(serve(work, ready, Arc::clone(&count)));
    let (endpoint, schedstat) = is_ready.recv().expect("the server says when it is ready");
    let peers = run_thread(run_peers(work, endpoint, Arc::clone(&count)));

    thread::sleep(WARM_UP);
    let (began, count_before, cpu_before) =
        (Instant::now(), count.load(Ordering::Relaxed), cpu_ns(&schedstat));
    thread::sleep(MEASURED);
    let messages = (count.load(Ordering::Relaxed) - count_before) as f64;
    let rate = messages / began.elapsed().as_secs_f64();
    let cost = (cpu_ns(&schedstat) - cpu_before) as f64 / messages;

    // The peers first, who take a connection's end for a failure.
    for (stop, thread) in [peers, server] {
        stop.cancel();
        thread.join().expect("no thread panics");
    }
    (rate, cost)
}

fn run_thread(
    work: impl Future<Output = ()> + Send + 'static,
) -> (CancellationToken, thread::JoinHandle<()>) {
    let stop = CancellationToken::new();
    let stopped = stop.clone();
    let thread = thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime needs nothing unusual").block_on(stopped.run_until_cancelled(work));
    });
    (stop, thread)
}

/// Where Linux counts the calling thread's processor time.
fn own_schedstat() -> PathBuf {
    let thread = std::fs::read_link("/proc/thread-self").expect("Linux has /proc");
    PathBuf::from("/proc").join(thread).join("schedstat")
}

fn cpu_ns(schedstat: &PathBuf) -> u64 {
    let text = std::fs::read_to_string(schedstat).expect("the thread still runs");
    text.split(' ').next().and_then(|ns| ns.parse().ok()).expect("the first field is nanoseconds run")
}

/// The measured side.
async fn serve(work: Work, ready: mpsc::Sender<(Endpoint, PathBuf)>, count: Arc<AtomicU64>) {
    let anywhere: Endpoint = "tcp://127.0.0.1:*".parse().expect("well-formed");
    let ready = |endpoint: &Endpoint| ready.send((endpoint.clone(), own_schedstat())).expect("main waits");
    match work {
        Work::BareEcho { .. } => {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback can be bound");
            let port = listener.local_addr().expect("it is bound").port();
            ready(&anywhere.with_port(port));
            while let Ok((mut stream, _)) = listener.accept().await {
                stream.set_nodelay(true).expect("just connected");
                tokio::spawn(async move {
                    let mut buffer = [0; 4096];
                    while let Ok(count @ 1..) = stream.read(&mut buffer).await {
                        if stream.write_all(&buffer[..count]).await.is_err() {
                            return;
                        }
                    }
                });
            }
        }
        Work::RouterEcho { sealed, .. } => {
            let mut router = Router::bind(&anywhere, as_server(sealed)).await.expect("loopback can be bound");
            ready(router.local_endpoint());
            let mut requests = Vec::new();
            while router.recv_many(&mut requests, 1024).await > 0 {
                for (peer, request) in requests.drain(..) {
                    // A peer that is gone needs no answer: so it is when the measured time is over.
                    let _ = router.send(peer, request);
                }
            }
        }
        Work::Hear { sealed, .. } => {
            let mut subscriber =
                Subscriber::bind(&anywhere, as_server(sealed)).await.expect("loopback can be bound");
            subscriber.subscribe("");
            ready(subscriber.local_endpoint().expect("it is bound"));
            while subscriber.recv().await.is_some() {
                count.fetch_add(1, Ordering::Relaxed);
            }
        }
        Work::Publish { bytes, subscribers, sealed } => {
            let publisher =
                Publisher::bind(&anywhere, as_server(sealed)).await.expect("loopback can be bound");
            ready(publisher.local_endpoint().expect("it is bound"));
            let message = Message::new(vec!["topic".into(), vec![b'.'; bytes].into()]);
            while (publisher.try_send(&message) as u64) < subscribers {
                tokio::task::yield_now().await;
            }
            while publisher.send(message.clone()).await.is_ok() {}
        }
    }
}

/// The measuring side: as little work for each message as can be.
async fn run_peers(work: Work, endpoint: Endpoint, count: Arc<AtomicU64>) {
    let mut peers = tokio::task::JoinSet::new();
    for _ in 0..work.peers() {
        peers.spawn(run_peer(work, endpoint.clone(), Arc::clone(&count)));
    }
    while let Some(peer) = peers.join_next().await {
        peer.expect("no peer panics").expect("no connection breaks");
    }
}

async fn run_peer(work: Work, endpoint: Endpoint, count: Arc<AtomicU64>) -> io::Result<()> {
    let stream = Stream::connect(&endpoint).await.map_err(io::Error::other)?;
    match work {
        Work::BareEcho { .. } => ask(stream, &count).await,
        Work::RouterEcho { .. } => ask(shake_hands(stream, SocketType::Req, work).await?, &count).await,
        Work::Hear { bytes, .. } => {
            let mut stream = shake_hands(stream, SocketType::Pub, work).await?;
            let mut batch = BytesMut::new();
            for _ in 0..(64 * 1024 / bytes) {
                FrameHeader::message(true, "topic".len()).encode(&mut batch);
                batch.extend_from_slice(b"topic");
                FrameHeader::message(false, bytes).encode(&mut batch);
                batch.extend(std::iter::repeat_n(b'.', bytes));
            }
            // What comes (a subscription, PINGs) waits unread in the kernel.
            loop {
                stream.write_all(&batch).await?;
            }
        }
        Work::Publish { bytes, .. } => {
            let mut stream = shake_hands(stream, SocketType::Sub, work).await?;
            let mut subscription = BytesMut::new();
            Subscription::Subscribe(b"").encode(recado_zmtp::codec::Version::OURS, &mut subscription);
            stream.write_all(&subscription).await?;
            let header = if bytes < 256 { 2 } else { 9 };
            take(stream, 2 + "topic".len() + header + bytes, &count).await
        }
    }
}

async fn shake_hands(stream: Stream, socket_type: SocketType, work: Work) -> io::Result<Stream> {
    let config =
        HandshakeConfig { security: as_client(work.is_sealed()), ..HandshakeConfig::new(socket_type) };
    let established = establish(stream, config, HANDSHAKE).await;
    Ok(established.map_err(io::Error::other)?.stream)
}

async fn ask(mut stream: Stream, count: &AtomicU64) -> io::Result<()> {
    let mut reply = [0; REQUEST.len()];
    loop {
        stream.write_all(REQUEST).await?;
        stream.read_exact(&mut reply).await?;
        count.fetch_add(1, Ordering::Relaxed);
    }
}

async fn take(mut stream: Stream, message_bytes: usize, count: &AtomicU64) -> io::Result<()> {
    let mut buffer = vec![0; 256 * 1024];
    let mut rest = 0;
    loop {
        let bytes = rest + stream.read(&mut buffer).await?;
        count.fetch_add((bytes / message_bytes) as u64, Ordering::Relaxed);
        rest = bytes % message_bytes;
    }
}
