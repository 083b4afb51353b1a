//! Peers that speak ZMTP byte by byte, and a broker to connect them to. They know the wire, not our codec.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use recado_broker::{Broker, Config, Counters, Limits};
use recado_zmtp::Endpoint;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::WORKERS;

/// No test waits longer for anything; none waits as long when all is well.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    timeout(PATIENCE, future).await.unwrap_or_else(|_| panic!("waited too long: {what}"))
}

/// A running broker.
pub(crate) struct Running {
    pub(crate) publishers: Endpoint,
    pub(crate) subscribers: Endpoint,
    pub(crate) counters: Arc<Counters>,
    pub(crate) shutdown: CancellationToken,
    pub(crate) task: JoinHandle<()>,
}

/// The defaults, without PINGs: on a busy machine a test may take longer than a peer may be silent.
pub(crate) fn limits() -> Limits {
    Limits { workers: WORKERS, heartbeat_interval: None, ..Limits::default() }
}

pub(crate) async fn broker(limits: Limits) -> Running {
    let any: Endpoint = "tcp://127.0.0.1:0".parse().unwrap();
    let broker = Broker::bind(Config::new(any.clone(), any, false, limits).unwrap()).await.unwrap();
    let (publishers, subscribers) =
        (broker.publishers_endpoint().clone(), broker.subscribers_endpoint().clone());
    let (counters, shutdown) = (broker.counters(), CancellationToken::new());
    let stop = shutdown.clone();
    let task = tokio::spawn(async move { broker.run(stop).await.unwrap() });
    Running { publishers, subscribers, counters, shutdown, task }
}

impl Running {
    pub(crate) async fn publisher(&self, minor: u8) -> Peer {
        Peer::connect(&self.publishers, "PUB", minor).await
    }

    /// A subscriber whose subscriptions are known to be in force.
    pub(crate) async fn subscriber(&self, minor: u8, topics: &[&str]) -> Peer {
        let mut peer = Peer::connect(&self.subscribers, "SUB", minor).await;
        for topic in topics {
            peer.subscribe(topic).await;
        }
        peer.settle().await;
        peer
    }

    pub(crate) async fn end(self) {
        self.shutdown.cancel();
        within("the broker's end", self.task).await.unwrap();
    }
}

pub(crate) fn address(endpoint: &Endpoint) -> String {
    endpoint.to_string().strip_prefix("tcp://").unwrap().to_owned()
}

/// One frame: flags and body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) flags: u8,
    pub(crate) body: Vec<u8>,
}

pub(crate) struct Peer {
    pub(crate) stream: BufReader<TcpStream>,
    minor: u8,
    pings: u8,
    waiting: VecDeque<Frame>,
}

pub(crate) fn greeting(minor: u8) -> Vec<u8> {
    let mut bytes = vec![0; 64];
    (bytes[0], bytes[9], bytes[10], bytes[11]) = (0xff, 0x7f, 3, minor);
    bytes[12..16].copy_from_slice(b"NULL");
    bytes
}

pub(crate) fn frame(flags: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = match u8::try_from(body.len()) {
        Ok(length) => vec![flags, length],
        Err(_) => [&[flags | 2][..], &(body.len() as u64).to_be_bytes()].concat(),
    };
    bytes.extend_from_slice(body);
    bytes
}

pub(crate) fn command(name: &str, data: &[u8]) -> Vec<u8> {
    frame(4, &[&[name.len() as u8][..], name.as_bytes(), data].concat())
}

pub(crate) fn property(name: &str, value: &[u8]) -> Vec<u8> {
    [&[name.len() as u8][..], name.as_bytes(), &(value.len() as u32).to_be_bytes(), value].concat()
}

pub(crate) fn ready(socket_type: &str) -> Vec<u8> {
    command("READY", &property("Socket-Type", socket_type.as_bytes()))
}

pub(crate) fn message(frames: &[&[u8]]) -> Vec<u8> {
    let last = frames.len() - 1;
    frames.iter().enumerate().flat_map(|(place, body)| frame(u8::from(place < last), body)).collect()
}

impl Peer {
    pub(crate) async fn open(endpoint: &Endpoint) -> TcpStream {
        let stream = TcpStream::connect(address(endpoint)).await.unwrap();
        stream.set_nodelay(true).unwrap();
        stream
    }

    pub(crate) async fn connect(endpoint: &Endpoint, socket_type: &str, minor: u8) -> Peer {
        let mut stream = Peer::open(endpoint).await;
        let bytes = [greeting(minor), ready(socket_type)].concat();
        within("room to write", stream.write_all(&bytes)).await.unwrap();
        Peer::established(stream, minor).await
    }

    /// Whoever has sent a greeting and a READY through `stream`, and read nothing yet.
    pub(crate) async fn established(stream: TcpStream, minor: u8) -> Peer {
        let mut peer = Peer { stream: BufReader::new(stream), minor, pings: 0, waiting: VecDeque::new() };
        let mut theirs = [0; 64];
        within("a greeting", peer.stream.read_exact(&mut theirs)).await.unwrap();
        assert_eq!((theirs[0], theirs[9] & 1, theirs[10], theirs[11]), (0xff, 1, 3, 1));
        assert_eq!(&theirs[12..17], b"NULL\0");
        let ready = peer.read_frame().await.unwrap();
        assert!(ready.flags == 4 && ready.body.starts_with(b"\x05READY"));
        peer
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        within("room to write", self.stream.write_all(bytes)).await.unwrap();
    }

    pub(crate) async fn publish(&mut self, frames: &[&[u8]]) {
        self.send(&message(frames)).await;
    }

    /// In the form of its version.
    pub(crate) async fn subscribe(&mut self, topic: &str) {
        self.send(&subscription(self.minor, true, topic)).await;
    }

    pub(crate) async fn cancel(&mut self, topic: &str) {
        self.send(&subscription(self.minor, false, topic)).await;
    }

    /// Waits until the broker has dealt with all that was sent before: it answers a PING in its turn.
    pub(crate) async fn settle(&mut self) {
        self.pings += 1;
        let context = [b'p', self.pings];
        self.send(&command("PING", &[&[0, 0][..], &context].concat())).await;
        let mut before = VecDeque::new();
        loop {
            let frame = self.frame().await.expect("an answer");
            if frame.flags == 4 && frame.body == [&b"\x04PONG"[..], &context].concat() {
                break;
            }
            before.push_back(frame);
        }
        before.append(&mut self.waiting);
        self.waiting = before;
    }

    /// The next frame, `None` at the end.
    pub(crate) async fn frame(&mut self) -> Option<Frame> {
        match self.waiting.pop_front() {
            Some(frame) => Some(frame),
            None => self.read_frame().await,
        }
    }

    async fn read_frame(&mut self) -> Option<Frame> {
        read_frame(&mut self.stream).await
    }

    /// The next whole message; panics at a command or the end.
    pub(crate) async fn message(&mut self) -> Vec<Vec<u8>> {
        let mut frames = Vec::new();
        loop {
            let frame = self.frame().await.expect("a message");
            assert_eq!(frame.flags & 4, 0, "a command: {}", frame.body.escape_ascii());
            frames.push(frame.body);
            if frame.flags & 1 == 0 {
                return frames;
            }
        }
    }

    pub(crate) async fn expect(&mut self, frames: &[&[u8]]) {
        let got = self.message().await;
        let show =
            |frames: &[&[u8]]| frames.iter().map(|it| it.escape_ascii().to_string()).collect::<Vec<_>>();
        assert_eq!(show(&got.iter().map(Vec::as_slice).collect::<Vec<_>>()), show(frames));
    }

    /// Nothing waits behind what was received.
    pub(crate) async fn expect_nothing(&mut self) {
        self.settle().await;
        assert_eq!(self.waiting, []);
    }

    /// What a publisher is told next, as `+topic` or `-topic`, in the form of its version.
    pub(crate) async fn told(&mut self) -> String {
        let frame = self.frame().await.expect("a subscription");
        told(self.minor, &frame)
    }

    /// Reads until the broker closes the connection.
    pub(crate) async fn closed(&mut self) {
        let mut buffer = [0; 4096];
        while !matches!(within("the end", self.stream.read(&mut buffer)).await, Ok(0) | Err(_)) {}
    }
}

/// The next frame of a stream, `None` at its end.
pub(crate) async fn read_frame(stream: &mut (impl AsyncRead + Unpin)) -> Option<Frame> {
    let mut flags = [0];
    if within("a frame", stream.read(&mut flags)).await.unwrap_or(0) == 0 {
        return None;
    }
    let flags = flags[0];
    let length = match flags & 2 {
        0 => u64::from(within("a length", stream.read_u8()).await.unwrap()),
        _ => within("a length", stream.read_u64()).await.unwrap(),
    };
    let mut body = vec![0; length as usize];
    within("a body", stream.read_exact(&mut body)).await.unwrap();
    Some(Frame { flags: flags & !2, body })
}

/// The subscription that a frame tells a publisher of, as `+topic` or `-topic`, in the form of its version.
pub(crate) fn told(minor: u8, Frame { flags, body }: &Frame) -> String {
    let forms = match minor {
        0 => [(0, &b"\x01"[..], '+'), (0, b"\x00", '-')],
        _ => [(4, &b"\x09SUBSCRIBE"[..], '+'), (4, b"\x06CANCEL", '-')],
    };
    let form = forms.iter().find(|(expected, head, _)| flags == expected && body.starts_with(head));
    let (_, head, sign) = form.unwrap_or_else(|| panic!("no subscription: {flags} {}", body.escape_ascii()));
    format!("{sign}{}", body[head.len()..].escape_ascii())
}

pub(crate) fn subscription(minor: u8, subscribe: bool, topic: &str) -> Vec<u8> {
    match minor {
        0 => frame(0, &[&[u8::from(subscribe)][..], topic.as_bytes()].concat()),
        _ => command(if subscribe { "SUBSCRIBE" } else { "CANCEL" }, topic.as_bytes()),
    }
}
