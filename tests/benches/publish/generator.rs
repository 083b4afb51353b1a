//! The load: connections that each keep so many requests under way, all driven by one thread, so that as little as can be of
//! the machine goes to anybody but the server.

use std::{
    collections::VecDeque,
    io::{self, ErrorKind, Read, Write},
    net::SocketAddr,
    time::{Duration, Instant},
};

use anyhow::ensure;
use mio::{Events, Interest, Poll, Token, net::TcpStream};

use crate::wire::Protocol;

/// Load that is let pass before anything is counted.
const WARM_UP: Duration = Duration::from_millis(500);

/// How long an answer may take before the run is given up.
const PATIENCE: Duration = Duration::from_secs(10);

/// Who asks, and how much at once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load {
    /// Connections.
    pub(crate) connections: usize,
    /// Requests that each has under way; the next one is sent when an answer comes.
    pub(crate) under_way: usize,
    /// Measured time.
    pub(crate) seconds: f64,
}

/// What came of it.
#[derive(Clone, Debug)]
pub(crate) struct Answered {
    /// All requests, those of the warm-up included.
    pub(crate) requests: usize,
    /// The time from a request to its answer, for each that was sent in the measured time; sorted.
    pub(crate) latencies: Vec<Duration>,
}

/// Asks until the time is over and all is answered.
pub(crate) fn run(address: SocketAddr, protocol: Protocol, load: Load) -> anyhow::Result<Answered> {
    let mut poll = Poll::new()?;
    let mut connections = Vec::with_capacity(load.connections);
    for number in 0..load.connections {
        let stream = protocol.open(address)?;
        stream.set_nonblocking(true)?;
        let mut stream = TcpStream::from_std(stream);
        poll.registry().register(&mut stream, Token(number), Interest::READABLE | Interest::WRITABLE)?;
        connections.push(Connection::new(stream, protocol, number));
    }
    let from = Instant::now() + WARM_UP;
    let mut run =
        Run { from, to: from + Duration::from_secs_f64(load.seconds), requests: 0, latencies: Vec::new() };
    let mut open = load.connections * load.under_way;
    for connection in &mut connections {
        connection.ask(load.under_way, Instant::now())?;
    }
    let mut events = Events::with_capacity(1024);
    while open > 0 {
        poll.poll(&mut events, Some(PATIENCE))?;
        ensure!(!events.is_empty(), "no answer within {PATIENCE:?}");
        for event in &events {
            let connection = &mut connections[event.token().0];
            if event.is_writable() {
                connection.write()?;
            }
            if event.is_readable() {
                open -= connection.answered(&mut run)?;
            }
        }
    }
    run.latencies.sort_unstable();
    ensure!(!run.latencies.is_empty(), "nothing was answered");
    Ok(Answered { requests: run.requests, latencies: run.latencies })
}

struct Run {
    from: Instant,
    to: Instant,
    requests: usize,
    latencies: Vec<Duration>,
}

struct Connection {
    stream: TcpStream,
    protocol: Protocol,
    request: Vec<u8>,
    /// When those under way were sent.
    sent: VecDeque<Instant>,
    unread: Vec<u8>,
    filled: usize,
    unwritten: Vec<u8>,
}

impl Connection {
    fn new(stream: TcpStream, protocol: Protocol, number: usize) -> Self {
        Self {
            stream,
            protocol,
            request: protocol.request(number),
            sent: VecDeque::new(),
            unread: vec![0; 64 * 1024],
            filled: 0,
            unwritten: Vec::new(),
        }
    }

    fn ask(&mut self, count: usize, now: Instant) -> io::Result<()> {
        for _ in 0..count {
            self.unwritten.extend_from_slice(&self.request);
            self.sent.push_back(now);
        }
        self.write()
    }

    fn write(&mut self) -> io::Result<()> {
        while !self.unwritten.is_empty() {
            match self.stream.write(&self.unwritten) {
                Ok(count) => drop(self.unwritten.drain(..count)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Reads what there is and asks anew for each answer; how many were answered for which nothing was asked any more.
    fn answered(&mut self, run: &mut Run) -> anyhow::Result<usize> {
        let mut ended = 0;
        loop {
            let room = self.unread.len() - self.filled;
            ensure!(room > 0, "an answer longer than {} bytes", self.unread.len());
            let count = match self.stream.read(&mut self.unread[self.filled..]) {
                Ok(0) => anyhow::bail!("the server closed the connection"),
                Ok(count) => count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error.into()),
            };
            self.filled += count;
            ended += self.take(run)?;
            // Less than there was room for is all that there was: the next event tells of more.
            if count < room {
                break;
            }
        }
        Ok(ended)
    }

    fn take(&mut self, run: &mut Run) -> anyhow::Result<usize> {
        let now = Instant::now();
        let (mut at, mut answers) = (0, 0);
        while let Some(length) = self.protocol.reply(&self.unread[at..self.filled])? {
            at += length;
            answers += 1;
            let Some(sent) = self.sent.pop_front() else { anyhow::bail!("an answer to nothing") };
            run.requests += 1;
            if sent >= run.from && sent < run.to {
                run.latencies.push(now - sent);
            }
            if at == self.filled {
                break;
            }
        }
        self.unread.copy_within(at..self.filled, 0);
        self.filled -= at;
        if now < run.to {
            self.ask(answers, now)?;
            return Ok(0);
        }
        Ok(answers)
    }
}
