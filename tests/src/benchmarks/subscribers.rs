//! Many subscribers' connections, read by one thread as soon as there is something to read.

use std::{
    collections::VecDeque,
    io::{self, Read, Write},
    net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream},
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use mio::{Events, Interest, Poll, Token};
use socket2::{Domain, Socket, Type};

/// How long a relay may take for anything that a measurement waits for. It only ends what would hang.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Bytes that one read takes.
const READ_BYTES: usize = 1 << 20;

/// Connections that come from one address, as if each such number of programs ran on a machine of their own: relays may
/// allow one address only so many.
const CONNECTIONS_OF_ONE_ADDRESS: usize = 64;

/// How often a message is sent while not everybody has heard one.
const SOUNDING_INTERVAL: Duration = Duration::from_millis(50);

/// Nothing has come for so long: what was under way has arrived, or was dropped.
const QUIET: Duration = Duration::from_secs(1);

/// The same where only a few messages are under way.
const QUIET_AFTER_SOUNDING: Duration = Duration::from_millis(200);

/// Connects with this number as if from a machine of its own.
///
/// # Errors
/// Nobody listens, or the system has no address or port for it.
pub fn dial(to: SocketAddr, number: usize) -> anyhow::Result<TcpStream> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    let host = number / CONNECTIONS_OF_ONE_ADDRESS;
    let [third, fourth] =
        [host / 250, host % 250 + 1].map(|part| u8::try_from(part).context("too many connections"));
    let from = IpAddr::V4(Ipv4Addr::new(127, 0, third?, fourth?));
    socket.bind(&SocketAddr::new(from, 0).into()).with_context(|| format!("cannot connect from {from}"))?;
    socket.connect(&to.into()).with_context(|| format!("cannot connect to {to}"))?;
    socket.set_tcp_nodelay(true)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.set_write_timeout(Some(PATIENCE))?;
    Ok(socket.into())
}

/// Connections that only receive.
#[derive(Debug)]
pub struct Subscribers {
    poll: Poll,
    events: Events,
    buffer: Vec<u8>,
    connections: Vec<Connection>,
    /// Those that may have more to read and will not be told of again.
    unread: VecDeque<usize>,
}

#[derive(Debug)]
struct Connection {
    stream: mio::net::TcpStream,
    received: u64,
    open: bool,
}

impl Subscribers {
    /// None yet.
    ///
    /// # Errors
    /// The system cannot poll.
    pub fn new() -> io::Result<Subscribers> {
        Ok(Subscribers {
            poll: Poll::new()?,
            events: Events::with_capacity(1024),
            buffer: vec![0; READ_BYTES],
            connections: Vec::new(),
            unread: VecDeque::new(),
        })
    }

    /// Takes over a connection that has been opened.
    ///
    /// # Errors
    /// The system cannot poll it.
    pub fn add(&mut self, stream: TcpStream) -> io::Result<()> {
        stream.set_nonblocking(true)?;
        let mut stream = mio::net::TcpStream::from_std(stream);
        self.poll.registry().register(&mut stream, Token(self.connections.len()), Interest::READABLE)?;
        self.connections.push(Connection { stream, received: 0, open: true });
        Ok(())
    }

    /// Waits until something can be read, this long at most, and gives what was read of each connection to `take`, with the connection's
    /// number and itself to answer on. How many bytes came.
    ///
    /// # Errors
    /// The system cannot poll, or `take` fails.
    pub fn turn(
        &mut self,
        wait: Duration,
        mut take: impl FnMut(usize, &[u8], &mut dyn Write) -> anyhow::Result<()>,
    ) -> anyhow::Result<usize> {
        let wait = if self.unread.is_empty() { wait } else { Duration::ZERO };
        match self.poll.poll(&mut self.events, Some(wait)) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => other?,
        }
        let mut ready = std::mem::take(&mut self.unread);
        ready.extend(self.events.iter().map(|event| event.token().0));
        let mut bytes = 0;
        for number in ready {
            let connection = &mut self.connections[number];
            if !connection.open {
                continue;
            }
            match connection.stream.read(&mut self.buffer) {
                Ok(count) if count > 0 => {
                    bytes += count;
                    connection.received += count as u64;
                    take(number, &self.buffer[..count], &mut connection.stream)?;
                    // A read that is not filled has taken all there is.
                    if count == self.buffer.len() {
                        self.unread.push_back(number);
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => self.unread.push_back(number),
                Ok(_) | Err(_) => {
                    connection.open = false;
                    self.poll.registry().deregister(&mut connection.stream)?;
                }
            }
        }
        Ok(bytes)
    }

    /// Bytes that all together have received since the last [`Subscribers::forget`].
    pub fn received(&self) -> u64 {
        self.connections.iter().map(|connection| connection.received).sum()
    }

    /// Whole messages of this length that have been received.
    pub fn messages(&self, message_bytes: usize) -> u64 {
        self.connections.iter().map(|connection| connection.received / message_bytes as u64).sum()
    }

    /// Those that the relay has disconnected.
    pub fn disconnected(&self) -> usize {
        self.connections.iter().filter(|connection| !connection.open).count()
    }

    /// Begins to count anew.
    pub fn forget(&mut self) {
        self.connections.iter_mut().for_each(|connection| connection.received = 0);
    }

    /// Has messages published again and again until everybody has heard one: from then on each subscription is in force.
    ///
    /// # Errors
    /// Somebody hears nothing, or is disconnected.
    pub fn sound(&mut self, mut publish: impl FnMut() -> anyhow::Result<()>) -> anyhow::Result<()> {
        let deadline = Instant::now() + PATIENCE;
        while self.connections.iter().any(|connection| connection.received == 0) {
            ensure!(self.disconnected() == 0, "a subscriber was disconnected before anything began");
            ensure!(
                Instant::now() < deadline,
                "{} of {} subscribers hear nothing",
                self.connections.iter().filter(|connection| connection.received == 0).count(),
                self.connections.len()
            );
            publish()?;
            let next = Instant::now() + SOUNDING_INTERVAL;
            while let Some(left) = next.checked_duration_since(Instant::now()) {
                self.turn(left, |_, _, _| Ok(()))?;
            }
        }
        Ok(())
    }

    /// Receives what is still under way of that, and begins to count.
    ///
    /// # Errors
    /// The system cannot poll.
    pub fn settle(&mut self) -> anyhow::Result<()> {
        self.receive(u64::MAX, QUIET_AFTER_SOUNDING)?;
        self.forget();
        Ok(())
    }

    /// Receives until this many bytes have come since the last [`Subscribers::forget`], or nothing more comes.
    ///
    /// # Errors
    /// The system cannot poll.
    pub fn drain(&mut self, bytes: u64) -> anyhow::Result<()> {
        self.receive(bytes, QUIET)
    }

    fn receive(&mut self, bytes: u64, quiet: Duration) -> anyhow::Result<()> {
        let deadline = Instant::now() + PATIENCE;
        let mut last = Instant::now();
        while self.received() < bytes && last.elapsed() < quiet && Instant::now() < deadline {
            if self.turn(quiet, |_, _, _| Ok(()))? > 0 {
                last = Instant::now();
            }
        }
        Ok(())
    }
}
