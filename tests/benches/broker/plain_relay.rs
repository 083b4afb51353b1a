//! A relay that copies what one side writes to everybody on the other, in one thread, and looks at no byte of it.
//!
//! It runs as a process of its own, so that what it costs can be counted.

use std::{
    io::{self, Read, Write},
    net::{Ipv4Addr, SocketAddr},
};

use mio::{
    Events, Interest, Poll, Token,
    net::{TcpListener, TcpStream},
};

/// Bytes that are read before they are written to everybody.
const CHUNK_BYTES: usize = 256 * 1024;

const PUBLISHERS: Token = Token(0);
const SUBSCRIBERS: Token = Token(1);
/// A publisher's token; subscribers are only ever looked at all together, so they share one.
const PUBLISHER: Token = Token(2);
const SUBSCRIBER: Token = Token(3);

/// Writes its two addresses, for the publisher and for subscribers, as one line to standard output, and relays until it is killed.
pub(crate) fn run() -> io::Result<()> {
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let mut publishers = TcpListener::bind(any)?;
    let mut subscribers = TcpListener::bind(any)?;
    let mut poll = Poll::new()?;
    poll.registry().register(&mut publishers, PUBLISHERS, Interest::READABLE)?;
    poll.registry().register(&mut subscribers, SUBSCRIBERS, Interest::READABLE)?;
    println!("{} {}", publishers.local_addr()?, subscribers.local_addr()?);

    let mut events = Events::with_capacity(1024);
    let mut copier =
        Copier { publisher: None, subscribers: Vec::new(), chunk: vec![0; CHUNK_BYTES], filled: 0 };
    loop {
        poll.poll(&mut events, None)?;
        while let Some(mut stream) = accepted(&publishers)? {
            poll.registry().register(&mut stream, PUBLISHER, Interest::READABLE)?;
            copier.publisher = Some(stream);
        }
        while let Some(mut stream) = accepted(&subscribers)? {
            poll.registry().register(&mut stream, SUBSCRIBER, Interest::WRITABLE)?;
            copier.subscribers.push(Subscriber { stream, written: copier.filled });
        }
        copier.copy_all();
    }
}

fn accepted(listener: &TcpListener) -> io::Result<Option<TcpStream>> {
    match listener.accept() {
        Ok((stream, _)) => {
            stream.set_nodelay(true)?;
            Ok(Some(stream))
        }
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
        Err(error) => Err(error),
    }
}

struct Subscriber {
    stream: TcpStream,
    /// Bytes of the chunk that it has.
    written: usize,
}

struct Copier {
    publisher: Option<TcpStream>,
    subscribers: Vec<Subscriber>,
    chunk: Vec<u8>,
    filled: usize,
}

impl Copier {
    /// Copies until there is nothing to read, or somebody has no room: then nothing is read before there is.
    fn copy_all(&mut self) {
        while self.all_have_the_chunk() && self.read() {}
    }

    fn all_have_the_chunk(&mut self) -> bool {
        let chunk = &self.chunk[..self.filled];
        let mut all = true;
        self.subscribers.retain_mut(|subscriber| {
            while subscriber.written < chunk.len() {
                match subscriber.stream.write(&chunk[subscriber.written..]) {
                    Ok(count) => subscriber.written += count,
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                        all = false;
                        break;
                    }
                    Err(_) => return false,
                }
            }
            true
        });
        all
    }

    fn read(&mut self) -> bool {
        let Some(publisher) = &mut self.publisher else { return false };
        match publisher.read(&mut self.chunk) {
            Ok(count) if count > 0 => {
                self.filled = count;
                self.subscribers.iter_mut().for_each(|subscriber| subscriber.written = 0);
                true
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => false,
            Ok(_) | Err(_) => {
                self.publisher = None;
                false
            }
        }
    }
}
