//! What goes over the sockets to and from each kind of relay, encoded beforehand: openings, subscriptions, messages of one length.
//!
//! Knows nothing of time and of who listens.

use std::{
    io::{Read, Write},
    net::TcpStream,
};

use anyhow::{Context, bail, ensure};

/// The one topic of work that has only one.
const TOPIC: &str = "geral";

/// Bytes of a line of the NATS protocol that is believed; the server's first has a few hundred.
const LINE_BYTES_MAX: usize = 64 * 1024;

/// Bytes of the stamp that [`Protocol::stamp`] writes.
pub(crate) const STAMP_BYTES: usize = 8;

/// How a relay is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// ZMTP 3.0 (RFC 23) with the NULL mechanism.
    Zmtp,
    /// The text protocol of core NATS.
    Nats,
    /// ZMTP's frames without its opening and without subscriptions: everybody hears everything.
    Plain,
}

/// The messages of a piece of work. All have the same length.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    /// Bytes of the body, which do not include the topic.
    pub(crate) body_bytes: usize,
    /// The publisher's messages take so many topics in turn.
    pub(crate) topics: usize,
}

impl Shape {
    /// The name of a topic. None is the beginning of another.
    pub(crate) fn topic(self, number: usize) -> String {
        if self.topics == 1 { TOPIC.to_owned() } else { format!("topic-{:06}", number % self.topics) }
    }
}

impl Protocol {
    /// A message as the publisher sends it.
    pub(crate) fn message(self, shape: Shape, topic: usize) -> Vec<u8> {
        let name = shape.topic(topic);
        match self {
            Protocol::Zmtp | Protocol::Plain => {
                let mut bytes = frame(true, name.as_bytes());
                bytes.extend(frame(false, &vec![b'x'; shape.body_bytes]));
                bytes
            }
            Protocol::Nats => {
                let mut bytes = format!("PUB {name} {}\r\n", shape.body_bytes).into_bytes();
                bytes.extend(vec![b'x'; shape.body_bytes]);
                bytes.extend(b"\r\n");
                bytes
            }
        }
    }

    /// Bytes of a message as a subscriber receives it.
    pub(crate) fn delivered_bytes(self, shape: Shape) -> usize {
        match self {
            Protocol::Zmtp | Protocol::Plain => self.message(shape, 0).len(),
            Protocol::Nats => {
                format!("MSG {} 1 {}\r\n", shape.topic(0), shape.body_bytes).len() + shape.body_bytes + 2
            }
        }
    }

    /// Where the stamp is in a message of this length, sent or received: at the end of the body.
    fn stamp_start(self, message_bytes: usize) -> usize {
        match self {
            Protocol::Zmtp | Protocol::Plain => message_bytes - STAMP_BYTES,
            Protocol::Nats => message_bytes - b"\r\n".len() - STAMP_BYTES,
        }
    }

    /// Writes a number into a message.
    pub(crate) fn stamp(self, message: &mut [u8], stamp: u64) {
        let start = self.stamp_start(message.len());
        message[start..start + STAMP_BYTES].copy_from_slice(&stamp.to_be_bytes());
    }

    /// Reads it.
    pub(crate) fn read_stamp(self, message: &[u8]) -> u64 {
        let mut stamp = [0; STAMP_BYTES];
        let start = self.stamp_start(message.len());
        stamp.copy_from_slice(&message[start..start + STAMP_BYTES]);
        u64::from_be_bytes(stamp)
    }

    /// What may stand between two messages and is none: its length, if the bytes begin with one.
    pub(crate) fn interjection(self, bytes: &[u8]) -> Option<usize> {
        const PING: &[u8] = b"PING\r\n";
        (self == Protocol::Nats && bytes.starts_with(PING)).then_some(PING.len())
    }

    /// Makes a new connection one of a publisher.
    pub(crate) fn open_publisher(self, stream: &mut TcpStream) -> anyhow::Result<()> {
        match self {
            Protocol::Zmtp => zmtp_handshake(stream, Minor::Zero, "PUB"),
            Protocol::Nats => nats_handshake(stream, &[]),
            Protocol::Plain => Ok(()),
        }
    }

    /// Makes a new connection one of a subscriber to these topics.
    pub(crate) fn open_subscriber(
        self,
        stream: &mut TcpStream,
        minor: Minor,
        topics: &[String],
    ) -> anyhow::Result<()> {
        match self {
            Protocol::Zmtp => {
                zmtp_handshake(stream, minor, "SUB")?;
                let subscriptions = topics.iter().flat_map(|topic| minor.subscription(topic));
                stream.write_all(&subscriptions.collect::<Vec<u8>>())?;
                Ok(())
            }
            Protocol::Nats => nats_handshake(stream, topics),
            Protocol::Plain => Ok(()),
        }
    }
}

/// The version of ZMTP that a connection announces, after "3.".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Minor {
    /// Subscribes with messages and is sent no PINGs.
    Zero,
    /// Subscribes with commands and answers PINGs.
    One,
}

impl Minor {
    fn subscription(self, topic: &str) -> Vec<u8> {
        match self {
            Minor::Zero => {
                let mut body = vec![1];
                body.extend(topic.as_bytes());
                frame(false, &body)
            }
            Minor::One => command("SUBSCRIBE", topic.as_bytes()),
        }
    }
}

const MORE: u8 = 1;
const LONG: u8 = 2;
const COMMAND: u8 = 4;

fn frame(more: bool, body: &[u8]) -> Vec<u8> {
    let flags = if more { MORE } else { 0 };
    let mut bytes = match u8::try_from(body.len()) {
        Ok(length) => vec![flags, length],
        Err(_) => {
            let mut head = vec![flags | LONG];
            head.extend((body.len() as u64).to_be_bytes());
            head
        }
    };
    bytes.extend(body);
    bytes
}

fn command(name: &str, data: &[u8]) -> Vec<u8> {
    let length = |bytes: usize| u8::try_from(bytes).expect("the commands sent here are short");
    let mut bytes = vec![COMMAND, length(1 + name.len() + data.len()), length(name.len())];
    bytes.extend(name.as_bytes());
    bytes.extend(data);
    bytes
}

fn zmtp_handshake(stream: &mut TcpStream, minor: Minor, socket_type: &str) -> anyhow::Result<()> {
    let mut greeting = [0; 64];
    greeting[0] = 0xff;
    greeting[9] = 0x7f;
    greeting[10] = 3;
    greeting[11] = match minor {
        Minor::Zero => 0,
        Minor::One => 1,
    };
    greeting[12..16].copy_from_slice(b"NULL");
    stream.write_all(&greeting)?;
    stream.read_exact(&mut greeting).context("no greeting")?;
    let mut property = vec![11];
    property.extend(b"Socket-Type");
    property.extend(u32::try_from(socket_type.len())?.to_be_bytes());
    property.extend(socket_type.as_bytes());
    stream.write_all(&command("READY", &property))?;
    let mut head = [0; 2];
    stream.read_exact(&mut head).context("no answer to READY")?;
    ensure!(head[0] == COMMAND, "not a short command after the greeting: flags {}", head[0]);
    let mut body = vec![0; usize::from(head[1])];
    stream.read_exact(&mut body)?;
    ensure!(body.starts_with(b"\x05READY"), "refused: {}", String::from_utf8_lossy(&body));
    Ok(())
}

fn nats_handshake(stream: &mut TcpStream, topics: &[String]) -> anyhow::Result<()> {
    let info = line(stream)?;
    ensure!(info.starts_with("INFO "), "not a NATS server: {info}");
    let mut opening = b"CONNECT {\"verbose\":false,\"pedantic\":false}\r\n".to_vec();
    for (number, topic) in (1..).zip(topics) {
        opening.extend(format!("SUB {topic} {number}\r\n").as_bytes());
    }
    opening.extend(b"PING\r\n");
    stream.write_all(&opening)?;
    loop {
        match line(stream)?.as_str() {
            "PONG" => return Ok(()),
            "PING" => stream.write_all(b"PONG\r\n")?,
            other if other.starts_with("INFO ") => {}
            other => bail!("refused: {other}"),
        }
    }
}

/// One line, and not a byte more: what follows belongs to whoever reads next.
fn line(stream: &mut TcpStream) -> anyhow::Result<String> {
    let mut line = Vec::new();
    while !line.ends_with(b"\r\n") {
        ensure!(line.len() < LINE_BYTES_MAX, "a line without end");
        let mut byte = [0];
        stream.read_exact(&mut byte).context("no line")?;
        line.push(byte[0]);
    }
    line.truncate(line.len() - 2);
    Ok(String::from_utf8(line)?)
}

/// What a subscriber without messages answers to what it is sent: PONGs to PINGs. Also how many they are.
///
/// # Errors
/// The bytes are something else.
pub(crate) fn heartbeat_answers(protocol: Protocol, mut bytes: &[u8]) -> anyhow::Result<(Vec<u8>, usize)> {
    let mut answers = Vec::new();
    let mut count = 0;
    while !bytes.is_empty() {
        let (ping_bytes, answer) = match protocol {
            Protocol::Zmtp => {
                let length = match bytes {
                    [COMMAND, length, ..] => usize::from(*length),
                    _ => bail!("an idle subscriber was sent {bytes:?}"),
                };
                let body = bytes.get(2..2 + length).context("a PING came in pieces")?;
                // A lifetime of two bytes stands before the context, which goes back.
                let context = body.strip_prefix(b"\x04PING").and_then(|rest| rest.get(2..));
                (2 + length, command("PONG", context.with_context(|| format!("not a PING: {body:?}"))?))
            }
            Protocol::Nats if bytes.starts_with(b"INFO ") => {
                let end = bytes.windows(2).position(|pair| pair == b"\r\n").context("INFO came in pieces")?;
                bytes = &bytes[end + 2..];
                continue;
            }
            Protocol::Nats => {
                let ping = protocol.interjection(bytes);
                (ping.with_context(|| format!("not a PING: {bytes:?}"))?, b"PONG\r\n".to_vec())
            }
            Protocol::Plain => bail!("a plain relay sends no heartbeats"),
        };
        answers.extend(answer);
        count += 1;
        bytes = &bytes[ping_bytes..];
    }
    Ok((answers, count))
}
