//! Durable publishes a second over 1, 16, 64 and 256 REQ connections, beside Redis Streams with `appendfsync always`.
//!
//! One load generator drives both: each connection has one request under way, and only the bytes differ, so that the ratio
//! is the servers' and not the generators'. Run by `make bench`; needs `redis-server`.
//!
//! `--seconds N` measured seconds a round (2), `--rounds N` rounds of each, taken in turn (3), `--connections LIST` (1,16,64,256).

use std::{
    io,
    net::SocketAddr,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, bail, ensure};
use recado_tests::{accounting::cpu_seconds, parts::Recado};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

const TEXT_BYTES: usize = 128;

fn main() -> anyhow::Result<()> {
    let options = Options::parse(std::env::args().skip(1))?;
    let folder = tempfile::tempdir()?;
    let recado = Recado::up(folder.path())?;
    let redis = Redis::start(folder.path())?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(create_channel(recado.requests_address()?))?;
    println!(
        "| connections | recado /s | redis /s | ratio | recado p50/p99 us | redis p50/p99 us | CPU us a publish |"
    );
    println!("|---|---|---|---|---|---|---|");
    for &connections in &options.connections {
        let mut ours = Vec::new();
        let mut theirs = Vec::new();
        for _ in 0..options.rounds {
            let (ours_at, theirs_at) =
                ((recado.requests_address()?, recado.process.id()), (redis.address, redis.child.id()));
            ours.push(runtime.block_on(load(ours_at, Peer::Recado, connections, options.seconds))?);
            theirs.push(runtime.block_on(load(theirs_at, Peer::Redis, connections, options.seconds))?);
        }
        let (ours, theirs) = (median(ours), median(theirs));
        println!(
            "| {connections} | {:.0} | {:.0} | {:.2} | {} / {} | {} / {} | {:.1} / {:.1} |",
            ours.rate,
            theirs.rate,
            ours.rate / theirs.rate,
            ours.p50_us,
            ours.p99_us,
            theirs.p50_us,
            theirs.p99_us,
            ours.cpu_us,
            theirs.cpu_us
        );
    }
    Ok(())
}

struct Options {
    seconds: f64,
    rounds: usize,
    connections: Vec<usize>,
}

impl Options {
    fn parse(args: impl Iterator<Item = String>) -> anyhow::Result<Options> {
        let mut options = Options { seconds: 2.0, rounds: 3, connections: vec![1, 16, 64, 256] };
        let mut args = args.filter(|arg| arg != "--bench");
        while let Some(name) = args.next() {
            let value = args.next().with_context(|| format!("{name} needs a value"))?;
            match name.as_str() {
                "--seconds" => options.seconds = value.parse()?,
                "--rounds" => options.rounds = value.parse()?,
                "--connections" => {
                    options.connections = value.split(',').map(str::parse).collect::<Result<_, _>>()?
                }
                _ => bail!("unknown option {name}"),
            }
        }
        Ok(options)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Peer {
    Recado,
    Redis,
}

struct Figures {
    rate: f64,
    p50_us: u128,
    p99_us: u128,
    /// The server process's CPU time, microseconds a publish.
    cpu_us: f64,
}

fn median(mut rounds: Vec<Figures>) -> Figures {
    rounds.sort_by(|a, b| a.rate.total_cmp(&b.rate));
    let middle = rounds.len() / 2;
    rounds.swap_remove(middle)
}

/// Closed loop: each connection sends the next request when it has the answer to the last.
async fn load(
    (address, pid): (SocketAddr, u32),
    peer: Peer,
    connections: usize,
    seconds: f64,
) -> anyhow::Result<Figures> {
    let mut tasks = Vec::new();
    let cpu_before = cpu_seconds(pid)?;
    let start = Instant::now() + Duration::from_millis(300);
    let end = start + Duration::from_secs_f64(seconds);
    for number in 0..connections {
        let mut stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        if peer == Peer::Recado {
            greet(&mut stream).await?;
        }
        tasks.push(tokio::spawn(one_connection(stream, peer, number, start, end)));
    }
    let mut latencies = Vec::new();
    let mut answered = 0;
    for task in tasks {
        let (count, measured) = task.await??;
        answered += count;
        latencies.extend(measured);
    }
    let cpu = cpu_seconds(pid)? - cpu_before;
    latencies.sort_unstable();
    ensure!(!latencies.is_empty(), "nothing was answered");
    let at = |share: f64| latencies[((latencies.len() - 1) as f64 * share) as usize].as_micros();
    Ok(Figures {
        rate: latencies.len() as f64 / seconds,
        p50_us: at(0.5),
        p99_us: at(0.99),
        cpu_us: cpu * 1e6 / answered as f64,
    })
}

async fn one_connection(
    mut stream: TcpStream,
    peer: Peer,
    number: usize,
    start: Instant,
    end: Instant,
) -> anyhow::Result<(usize, Vec<Duration>)> {
    let request = match peer {
        Peer::Recado => framed(&publish_request(&format!("bench{number}"))),
        Peer::Redis => redis_command(&["XADD", "bench", "*", "m", &"x".repeat(TEXT_BYTES)]),
    };
    let mut latencies = Vec::new();
    let mut answered = 0;
    let mut buffer = vec![0; 4096];
    loop {
        let sent = Instant::now();
        if sent >= end {
            return Ok((answered, latencies));
        }
        stream.write_all(&request).await?;
        let reply = read_reply(&mut stream, peer, &mut buffer).await?;
        ensure!(is_ok(reply, peer), "refused: {}", String::from_utf8_lossy(reply));
        answered += 1;
        if sent >= start {
            latencies.push(sent.elapsed());
        }
    }
}

async fn read_reply<'a>(
    stream: &mut TcpStream,
    peer: Peer,
    buffer: &'a mut [u8],
) -> anyhow::Result<&'a [u8]> {
    let mut filled = 0;
    loop {
        let count = stream.read(&mut buffer[filled..]).await?;
        ensure!(count > 0, "the server closed the connection");
        filled += count;
        let complete = match peer {
            Peer::Recado => whole_message(&buffer[..filled]),
            Peer::Redis => {
                let lines = buffer[..filled].windows(2).filter(|pair| pair == b"\r\n").count();
                lines == if buffer[0] == b'$' { 2 } else { 1 }
            }
        };
        if complete {
            return Ok(&buffer[..filled]);
        }
    }
}

fn is_ok(reply: &[u8], peer: Peer) -> bool {
    match peer {
        Peer::Recado => reply.windows(2).any(|pair| pair == b"OK"),
        Peer::Redis => reply.first() == Some(&b'$'),
    }
}

/// Whether the bytes end with a frame that has no MORE flag (ZMTP 3, RFC 23).
fn whole_message(mut bytes: &[u8]) -> bool {
    loop {
        let (head, length) = match bytes {
            [flags, length, ..] if flags & 2 == 0 => (2, usize::from(*length)),
            [_, a, b, c, d, e, f, g, h, ..] => {
                (9, u64::from_be_bytes([*a, *b, *c, *d, *e, *f, *g, *h]) as usize)
            }
            _ => return false,
        };
        match bytes.len().checked_sub(head + length) {
            Some(0) => return bytes[0] & 1 == 0,
            Some(_) => bytes = &bytes[head + length..],
            None => return false,
        }
    }
}

async fn greet(stream: &mut TcpStream) -> io::Result<()> {
    let mut greeting = [0; 64];
    greeting[0] = 0xff;
    greeting[9] = 0x7f;
    greeting[10] = 3;
    greeting[12..16].copy_from_slice(b"NULL");
    stream.write_all(&greeting).await?;
    stream.write_all(b"\x04\x19\x05READY\x0bSocket-Type\0\0\0\x03REQ").await?;
    stream.read_exact(&mut greeting).await?;
    let mut head = [0; 2];
    stream.read_exact(&mut head).await?;
    let mut ready = vec![0; usize::from(head[1])];
    stream.read_exact(&mut ready).await?;
    Ok(())
}

async fn create_channel(address: SocketAddr) -> anyhow::Result<()> {
    let mut stream = TcpStream::connect(address).await?;
    greet(&mut stream).await?;
    let mut body = vec![0x82];
    text(&mut body, "service");
    text(&mut body, "channel");
    text(&mut body, "data");
    body.push(0x81);
    text(&mut body, "channel");
    text(&mut body, "bench");
    stream.write_all(&framed(&body)).await?;
    read_reply(&mut stream, Peer::Recado, &mut [0; 4096]).await?;
    Ok(())
}

fn publish_request(user: &str) -> Vec<u8> {
    let mut body = vec![0x82];
    text(&mut body, "service");
    text(&mut body, "publish");
    text(&mut body, "data");
    body.push(0x84);
    for (key, value) in [("user", user), ("channel", "bench"), ("message", &"x".repeat(TEXT_BYTES))] {
        text(&mut body, key);
        text(&mut body, value);
    }
    text(&mut body, "timestamp");
    body.push(0xce);
    body.extend(1_700_000_000_u32.to_be_bytes());
    body
}

/// A MessagePack string of fewer than 256 bytes.
fn text(body: &mut Vec<u8>, text: &str) {
    body.extend([0xd9, text.len() as u8]);
    body.extend(text.as_bytes());
}

/// REQ's empty delimiter and the body, as frames.
fn framed(body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![1, 0];
    if body.len() < 256 {
        bytes.extend([0, body.len() as u8]);
    } else {
        bytes.push(2);
        bytes.extend((body.len() as u64).to_be_bytes());
    }
    bytes.extend(body);
    bytes
}

fn redis_command(words: &[&str]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        bytes.extend(format!("${}\r\n{word}\r\n", word.len()).as_bytes());
    }
    bytes
}

struct Redis {
    child: Child,
    address: SocketAddr,
}

impl Redis {
    fn start(folder: &std::path::Path) -> anyhow::Result<Redis> {
        let address = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let child = Command::new("redis-server")
            .args([
                "--bind",
                "127.0.0.1",
                "--port",
                &address.port().to_string(),
                "--save",
                "",
                "--appendonly",
                "yes",
            ])
            .args(["--appendfsync", "always", "--loglevel", "warning", "--dir"])
            .arg(folder)
            .stdout(Stdio::null())
            .spawn()
            .context("redis-server does not start; install it with: apt-get install redis-server")?;
        let redis = Redis { child, address };
        let patience = Instant::now() + Duration::from_secs(10);
        while std::net::TcpStream::connect(address).is_err() {
            ensure!(Instant::now() < patience, "redis-server does not answer on {address}");
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(redis)
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        // It may have ended by itself; either way it is gone afterwards.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
