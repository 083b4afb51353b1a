//! What a message costs: requests echoed through a Router, messages sent by a Publisher. The peers are bare streams on
//! a thread of their own, so that the socket's thread is what runs out first; beside it, for scale, the same work by
//! tokio alone, without ZMTP, queues or limits.
//!
//! `cargo bench -p recado-zmtp` (less than a minute); with a word, only the works whose name has it. Figures drift with
//! the machine: compare them within one run.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use recado_zmtp::codec::{HandshakeConfig, SocketType, Subscription};
use recado_zmtp::transport::{Stream, establish};
use recado_zmtp::{Endpoint, Message, Publisher, Router, SocketOptions};

const WARM_UP: Duration = Duration::from_millis(500);
const MEASURED: Duration = Duration::from_secs(3);
const HANDSHAKE: Duration = Duration::from_secs(10);

/// An empty delimiter and 32 bytes, as a REQ peer sends them.
const REQUEST: &[u8; 36] = b"\x01\x00\x00\x20................................";

#[derive(Clone, Copy)]
enum Work {
    BareEcho { peers: u64 },
    RouterEcho { peers: u64 },
    Publish { bytes: usize, subscribers: u64 },
}

impl Work {
    fn name(self) -> String {
        match self {
            Self::BareEcho { peers } => format!("echo to {peers} peers, tokio alone"),
            Self::RouterEcho { peers } => format!("echo to {peers} peers, Router"),
            Self::Publish { bytes, subscribers } => format!("publish {bytes} B to {subscribers}"),
        }
    }

    fn peers(self) -> u64 {
        match self {
            Self::BareEcho { peers } | Self::RouterEcho { peers } => peers,
            Self::Publish { subscribers, .. } => subscribers,
        }
    }
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let mut works = Vec::new();
    for peers in [1, 16, 64, 256] {
        works.extend([Work::BareEcho { peers }, Work::RouterEcho { peers }]);
    }
    for (bytes, subscribers) in [(64, 1), (64, 10), (1024, 1), (16 * 1024, 1)] {
        works.push(Work::Publish { bytes, subscribers });
    }
    println!("{:<32} {:>12} {:>16}", "work", "messages/s", "CPU ns a message");
    for work in works {
        let name = work.name();
        if words.iter().all(|word| name.contains(word.as_str())) {
            let (rate, cost) = measure(work);
            println!("{name:<32} {rate:>12.0} {cost:>16.0}");
        }
    }
}

/// Messages a second, and nanoseconds of the measured thread's processor time for each.
fn measure(work: Work) -> (f64, f64) {
    let count = Arc::new(AtomicU64::new(0));
    let (ready, is_ready) = mpsc::channel();
    let server = run_thread(serve(work, ready));
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
async fn serve(work: Work, ready: mpsc::Sender<(Endpoint, PathBuf)>) {
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
        Work::RouterEcho { .. } => {
            let mut router =
                Router::bind(&anywhere, SocketOptions::default()).await.expect("loopback can be bound");
            ready(router.local_endpoint());
            let mut requests = Vec::new();
            while router.recv_many(&mut requests, 1024).await > 0 {
                for (peer, request) in requests.drain(..) {
                    // A peer that is gone needs no answer: so it is when the measured time is over.
                    let _ = router.send(peer, request);
                }
            }
        }
        Work::Publish { bytes, subscribers } => {
            let publisher =
                Publisher::bind(&anywhere, SocketOptions::default()).await.expect("loopback can be bound");
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
        Work::RouterEcho { .. } => ask(shake_hands(stream, SocketType::Req).await?, &count).await,
        Work::Publish { bytes, .. } => {
            let mut stream = shake_hands(stream, SocketType::Sub).await?;
            let mut subscription = BytesMut::new();
            Subscription::Subscribe(b"").encode(recado_zmtp::codec::Version::OURS, &mut subscription);
            stream.write_all(&subscription).await?;
            let header = if bytes < 256 { 2 } else { 9 };
            take(stream, 2 + "topic".len() + header + bytes, &count).await
        }
    }
}

async fn shake_hands(stream: Stream, socket_type: SocketType) -> io::Result<Stream> {
    let established = establish(stream, HandshakeConfig::new(socket_type), HANDSHAKE).await;
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
