//! Requests and replies as bytes: Recado's over ZMTP with the NULL mechanism, and Redis's.

use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream},
};

use anyhow::{Context, bail, ensure};

/// Bytes of each message's text.
pub(crate) const TEXT_BYTES: usize = 128;

/// What a server speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// A REQ socket, or a DEALER that puts REQ's delimiter.
    Zmtp(&'static str),
    /// Redis.
    Resp,
}

impl Protocol {
    /// A connection on which requests can be sent.
    pub(crate) fn open(self, address: SocketAddr) -> anyhow::Result<TcpStream> {
        let mut stream =
            TcpStream::connect(address).with_context(|| format!("nobody answers on {address}"))?;
        stream.set_nodelay(true)?;
        if let Protocol::Zmtp(socket_type) = self {
            greet(&mut stream, socket_type)?;
        }
        Ok(stream)
    }

    /// One connection's request, which it sends again and again.
    pub(crate) fn request(self, connection: usize) -> Vec<u8> {
        match self {
            Protocol::Zmtp(_) => framed(&publish_request(&format!("bench{connection}"))),
            Protocol::Resp => redis_command(&["XADD", "bench", "*", "m", &"x".repeat(TEXT_BYTES)]),
        }
    }

    /// The length of the reply that `bytes` begin with, once it is whole.
    ///
    /// # Errors
    /// It is a refusal.
    pub(crate) fn reply(self, bytes: &[u8]) -> anyhow::Result<Option<usize>> {
        let length = match self {
            Protocol::Zmtp(_) => whole_message(bytes),
            Protocol::Resp => whole_bulk_string(bytes),
        };
        if let Some(length) = length {
            let reply = &bytes[..length];
            let is_ok = match self {
                Protocol::Zmtp(_) => reply.windows(2).any(|pair| pair == b"OK"),
                Protocol::Resp => reply.first() == Some(&b'$'),
            };
            ensure!(is_ok, "refused: {}", String::from_utf8_lossy(reply));
        }
        Ok(length)
    }
}

/// Creates the channel that all messages go to.
pub(crate) fn create_channel(address: SocketAddr) -> anyhow::Result<()> {
    let mut stream = Protocol::Zmtp("REQ").open(address)?;
    let mut body = vec![0x82];
    text(&mut body, "service");
    text(&mut body, "channel");
    text(&mut body, "data");
    body.push(0x81);
    text(&mut body, "channel");
    text(&mut body, "bench");
    stream.write_all(&framed(&body))?;
    let mut reply = Vec::new();
    while whole_message(&reply).is_none() {
        let mut piece = [0; 4096];
        let count = stream.read(&mut piece)?;
        ensure!(count > 0, "the server closed the connection");
        reply.extend_from_slice(&piece[..count]);
    }
    if !reply.windows(7).any(|word| word == b"sucesso") {
        bail!("no channel: {}", String::from_utf8_lossy(&reply));
    }
    Ok(())
}

/// The length of the message that `bytes` begin with: frames up to the first without the MORE flag (ZMTP 3, RFC 23).
fn whole_message(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        let (flags, head, length) = match &bytes[at..] {
            [flags, length, ..] if flags & 2 == 0 => (flags, 2, usize::from(*length)),
            [flags, a, b, c, d, e, f, g, h, ..] => {
                (flags, 9, u64::from_be_bytes([*a, *b, *c, *d, *e, *f, *g, *h]) as usize)
            }
            _ => return None,
        };
        at += head + length;
        if at > bytes.len() {
            return None;
        }
        if flags & 1 == 0 {
            return Some(at);
        }
    }
}

/// The length of a bulk string, or of the one line of something else.
fn whole_bulk_string(bytes: &[u8]) -> Option<usize> {
    let line =
        |from: usize| bytes[from..].windows(2).position(|pair| pair == b"\r\n").map(|at| from + at + 2);
    let first = line(0)?;
    if bytes[0] == b'$' { line(first) } else { Some(first) }
}

fn greet(stream: &mut TcpStream, socket_type: &str) -> io::Result<()> {
    let mut greeting = [0; 64];
    greeting[0] = 0xff;
    greeting[9] = 0x7f;
    greeting[10] = 3;
    greeting[12..16].copy_from_slice(b"NULL");
    stream.write_all(&greeting)?;
    let mut ready = b"\x05READY\x0bSocket-Type".to_vec();
    ready.extend((socket_type.len() as u32).to_be_bytes());
    ready.extend(socket_type.as_bytes());
    stream.write_all(&[4, ready.len() as u8])?;
    stream.write_all(&ready)?;
    stream.read_exact(&mut greeting)?;
    let mut head = [0; 2];
    stream.read_exact(&mut head)?;
    let mut ready = vec![0; usize::from(head[1])];
    stream.read_exact(&mut ready)
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
