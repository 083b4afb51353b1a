//! Many connections at a time, each of which does the same to a listener and then, as a new connection, does it again. Knows nothing of why.

use std::{
    io::{self, ErrorKind, Read, Write},
    net::{IpAddr, Ipv4Addr, SocketAddr},
    time::Duration,
};

use bytes::{Buf, Bytes, BytesMut};
use mio::{Events, Interest, Poll, Token, net::TcpStream};
use socket2::{Domain, Socket, Type};

use crate::connection::Opening;

/// Bytes that one read takes: nothing in a handshake is longer.
const READ_BYTES: usize = 4096;

/// What a connection begins with.
pub(crate) enum Begin {
    /// These bytes, perhaps none. It ends when so many have come back, or the listener ends it.
    Bytes(Bytes, usize),
    /// A handshake. It ends when that is done, or refused.
    Handshake(Box<Opening>),
}

/// What became of the connections so far.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    /// Those that have ended, one way or the other.
    pub(crate) ended: u64,
    /// Handshakes of these that were done.
    pub(crate) done: u64,
}

/// The connections.
pub(crate) struct Crowd<B> {
    poll: Poll,
    events: Events,
    to: SocketAddr,
    addresses: usize,
    /// Says what a new connection begins with; nothing if there is to be none.
    begin: B,
    places: Vec<Option<Place>>,
    pub(crate) counts: Counts,
}

struct Place {
    stream: TcpStream,
    outbound: Bytes,
    inbound: BytesMut,
    opening: Option<Box<Opening>>,
    /// Bytes that may still come before it ends.
    enough: usize,
}

enum End {
    Done,
    Other,
}

impl<B: FnMut() -> Option<Begin>> Crowd<B> {
    /// So many at a time, from so many addresses of this machine.
    pub(crate) fn new(to: SocketAddr, count: usize, addresses: usize, begin: B) -> io::Result<Crowd<B>> {
        Ok(Crowd {
            poll: Poll::new()?,
            events: Events::with_capacity(1024),
            to,
            addresses,
            begin,
            places: (0..count).map(|_| None).collect(),
            counts: Counts::default(),
        })
    }

    /// Connects who is not, waits this long at most for something to happen, and does what there is to do.
    pub(crate) fn turn(&mut self, wait: Duration) -> io::Result<()> {
        for number in 0..self.places.len() {
            if self.places[number].is_none() && !self.connect(number)? {
                break;
            }
        }
        match self.poll.poll(&mut self.events, Some(wait)) {
            Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(()),
            other => other?,
        }
        for event in &self.events {
            let place = &mut self.places[event.token().0];
            let end = match place {
                Some(connection) => connection.go_on(),
                None => None,
            };
            if let Some(end) = end {
                *place = None;
                self.counts.ended += 1;
                self.counts.done += u64::from(matches!(end, End::Done));
            }
        }
        Ok(())
    }

    /// Whether there is anybody.
    pub(crate) fn is_empty(&self) -> bool {
        self.places.iter().all(Option::is_none)
    }

    /// False if there is to be no connection, or the system has no port for it now.
    fn connect(&mut self, number: usize) -> io::Result<bool> {
        let Some(begin) = (self.begin)() else { return Ok(false) };
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        socket.set_nonblocking(true)?;
        // An end that is no close leaves no ports behind that must not be used for a minute.
        socket.set_linger(Some(Duration::ZERO))?;
        let address = number % self.addresses;
        let [third, fourth] = [address / 250, address % 250 + 1].map(|part| part as u8);
        let from = IpAddr::V4(Ipv4Addr::new(127, 1, third, fourth));
        if socket.bind(&SocketAddr::new(from, 0).into()).is_err() {
            return Ok(false);
        }
        match socket.connect(&self.to.into()) {
            Err(error) if error.raw_os_error() == Some(rustix::io::Errno::INPROGRESS.raw_os_error()) => {}
            Err(_) => return Ok(false),
            Ok(()) => {}
        }
        let mut stream = TcpStream::from_std(socket.into());
        let interest = Interest::READABLE | Interest::WRITABLE;
        self.poll.registry().register(&mut stream, Token(number), interest)?;
        let (outbound, opening, enough) = match begin {
            Begin::Bytes(bytes, enough) => (bytes, None, enough),
            Begin::Handshake(opening) => (opening.first.clone(), Some(opening), usize::MAX),
        };
        self.places[number] = Some(Place { stream, outbound, inbound: BytesMut::new(), opening, enough });
        Ok(true)
    }
}

impl Place {
    /// What can be done now; how it ended, if it has.
    fn go_on(&mut self) -> Option<End> {
        loop {
            if let Err(error) = self.write()
                && !is_later(&error)
            {
                return Some(End::Other);
            }
            let mut buffer = [0; READ_BYTES];
            let count = match self.stream.read(&mut buffer) {
                Ok(0) => return Some(End::Other),
                Ok(count) => count,
                Err(error) if is_later(&error) => return None,
                Err(_) => return Some(End::Other),
            };
            let Some(opening) = &mut self.opening else {
                self.enough = self.enough.saturating_sub(count);
                if self.enough == 0 {
                    return Some(End::Other);
                }
                continue;
            };
            self.inbound.extend_from_slice(&buffer[..count]);
            match opening.go_on(&mut self.inbound) {
                Ok((_, true)) => return Some(End::Done),
                Ok((answer, false)) if !answer.is_empty() => self.outbound = answer,
                Ok(_) => {}
                Err(_) => return Some(End::Other),
            }
        }
    }

    fn write(&mut self) -> io::Result<()> {
        while !self.outbound.is_empty() {
            let count = self.stream.write(&self.outbound)?;
            self.outbound.advance(count);
        }
        Ok(())
    }
}

/// Not yet, rather than never.
fn is_later(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::NotConnected | ErrorKind::Interrupted)
}
