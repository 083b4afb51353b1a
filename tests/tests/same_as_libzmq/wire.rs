//! ZMTP byte by byte: what a peer writes, and one end of a connection without any library.

use recado_tests::limits::PATIENCE;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

const MORE: u8 = 0x01;
const LONG: u8 = 0x02;
const COMMAND: u8 = 0x04;

/// What a peer says at once, when it is whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// The frames of a message.
    Message(Vec<Vec<u8>>),
    /// A command's body: its name's length, its name, its data.
    Command(Vec<u8>),
}

/// A frame, with a length of one byte where that is enough.
pub(crate) fn frame(flags: u8, body: &[u8]) -> Vec<u8> {
    match u8::try_from(body.len()) {
        Ok(length) => [&[flags, length], body].concat(),
        Err(_) => long_frame(flags, body),
    }
}

/// A frame with a length of eight bytes.
pub(crate) fn long_frame(flags: u8, body: &[u8]) -> Vec<u8> {
    [&[flags | LONG][..], &(body.len() as u64).to_be_bytes(), body].concat()
}

pub(crate) fn message(frames: &[&[u8]]) -> Vec<u8> {
    let last = frames.len() - 1;
    frames.iter().enumerate().flat_map(|(place, body)| frame(u8::from(place < last), body)).collect()
}

/// A subscription in the form of ZMTP 3.`minor`.
pub(crate) fn subscribe(minor: u8, topic: &[u8]) -> Vec<u8> {
    match minor {
        0 => frame(0, &[b"\x01", topic].concat()),
        _ => frame(COMMAND, &[b"\x09SUBSCRIBE", topic].concat()),
    }
}

/// Its end.
pub(crate) fn cancel(minor: u8, topic: &[u8]) -> Vec<u8> {
    match minor {
        0 => frame(0, &[b"\x00", topic].concat()),
        _ => frame(COMMAND, &[b"\x06CANCEL", topic].concat()),
    }
}

/// A connection past its handshake.
pub(crate) struct Wire {
    stream: TcpStream,
    received: Vec<u8>,
    parsed: usize,
}

impl Wire {
    /// Connects as a socket of this type that speaks ZMTP 3.`minor`.
    pub(crate) async fn connect(endpoint: &str, socket_type: &str, minor: u8) -> Wire {
        let stream = TcpStream::connect(endpoint.strip_prefix("tcp://").unwrap()).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let mut wire = Wire { stream, received: Vec::new(), parsed: 0 };
        let mut greeting = [&b"\xff\0\0\0\0\0\0\0\0\x7f\x03"[..], &[minor], b"NULL"].concat();
        greeting.resize(64, 0);
        let length = u32::try_from(socket_type.len()).unwrap().to_be_bytes();
        let ready = [b"\x05READY\x0bSocket-Type", &length[..], socket_type.as_bytes()].concat();
        wire.send(&[greeting, frame(COMMAND, &ready)].concat()).await;
        timeout(PATIENCE, wire.stream.read_exact(&mut [0; 64])).await.unwrap().unwrap();
        let answer = wire.hear().await;
        assert!(matches!(&answer, Heard::Command(body) if body.starts_with(b"\x05READY")), "{answer:?}");
        wire
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        timeout(PATIENCE, self.stream.write_all(bytes)).await.expect("room to write").unwrap();
    }

    /// The next whole thing. What was read before a caller gave up is kept.
    pub(crate) async fn hear(&mut self) -> Heard {
        timeout(PATIENCE, self.wait()).await.expect("the next thing is heard")
    }

    /// As [`Wire::hear`], without an end to the waiting.
    pub(crate) async fn wait(&mut self) -> Heard {
        loop {
            if let Some(heard) = self.parse() {
                return heard;
            }
            let count = self.stream.read_buf(&mut self.received).await.unwrap();
            assert_ne!(count, 0, "the connection was closed");
        }
    }

    fn parse(&mut self) -> Option<Heard> {
        let mut rest = &self.received[self.parsed..];
        let mut frames = Vec::new();
        let heard = loop {
            let (flags, body, behind) = split_frame(rest)?;
            assert_eq!(flags & !(MORE | LONG | COMMAND), 0, "reserved flags: {flags}");
            rest = behind;
            if flags & COMMAND != 0 {
                assert!(frames.is_empty() && flags & MORE == 0, "a command within a message");
                break Heard::Command(body.to_vec());
            }
            frames.push(body.to_vec());
            if flags & MORE == 0 {
                break Heard::Message(frames);
            }
        };
        self.parsed = self.received.len() - rest.len();
        if self.parsed * 2 > self.received.len() {
            self.received.drain(..self.parsed);
            self.parsed = 0;
        }
        Some(heard)
    }

    /// Ends the connection as a crash does: with a reset.
    pub(crate) fn reset(self) {
        self.stream.set_zero_linger().unwrap();
    }
}

/// The first frame's flags and body, and what is behind it, if it is whole.
fn split_frame(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&flags, rest) = bytes.split_first()?;
    let (length, rest) = if flags & LONG == 0 {
        let (&length, rest) = rest.split_first()?;
        (usize::from(length), rest)
    } else {
        let (length, rest) = rest.split_first_chunk()?;
        (usize::try_from(u64::from_be_bytes(*length)).unwrap(), rest)
    };
    let (body, rest) = rest.split_at_checked(length)?;
    Some((flags, body, rest))
}
