mod channel;
mod handshake;
mod hostile;

use bytes::{Bytes, BytesMut};
use zeroize::Zeroizing;

use super::channel::Channel;
use super::command::RANDOM_BYTES;
use super::{KeyPair, PublicKey, SecretKey, Security};
use crate::codec::{Handshake, HandshakeConfig, HandshakeError, Peer, Progress, SocketType, Welcome};

/// The same each time.
fn keys(number: u8) -> KeyPair {
    KeyPair::from_secret(SecretKey::from_bytes(&[number; 32]))
}

fn ours() -> KeyPair {
    keys(1)
}

fn theirs() -> KeyPair {
    keys(2)
}

fn shaking(socket_type: SocketType, security: Security, random: u8) -> Handshake {
    let config = HandshakeConfig {
        identity: Bytes::from_static(b"ana"),
        security,
        frame_bytes_max: 1_000,
        ..HandshakeConfig::new(socket_type)
    };
    Handshake::with_random(config, Zeroizing::new([random; RANDOM_BYTES]))
}

fn server() -> Handshake {
    shaking(SocketType::Router, Security::CurveServer(ours()), 3)
}

fn client_of(server: PublicKey) -> Handshake {
    shaking(SocketType::Dealer, Security::CurveClient { keys: theirs(), server }, 4)
}

fn client() -> Handshake {
    client_of(ours().public())
}

/// Takes bytes in, and does all that is due then; every key is welcome.
fn step(handshake: &mut Handshake, bytes: &[u8]) -> Result<Progress, HandshakeError> {
    step_welcoming(handshake, bytes, &Welcome::Yes)
}

fn step_welcoming(
    handshake: &mut Handshake,
    bytes: &[u8],
    welcome: &Welcome,
) -> Result<Progress, HandshakeError> {
    let mut bytes = BytesMut::from(bytes);
    loop {
        let mut progress = handshake.input(&mut bytes)?;
        let was_due = progress != Progress::NeedMore;
        while let Progress::Compute | Progress::Admit(_) = progress {
            progress = if progress == Progress::Compute {
                handshake.compute()?
            } else {
                handshake.admit(welcome.clone())?
            };
        }
        // What was due made room for the next command.
        if !was_due || progress != Progress::NeedMore || bytes.is_empty() {
            return Ok(progress);
        }
    }
}

/// What the two sides of a good handshake say, in turn, and what comes of it.
struct Spoken {
    greetings: [Vec<u8>; 2],
    hello: Vec<u8>,
    welcome: Vec<u8>,
    initiate: Vec<u8>,
    ready: Vec<u8>,
    /// The client's, as the server knows it, and the reverse.
    peers: [Peer; 2],
    /// The server's, and the client's.
    channels: [Channel; 2],
}

fn spoken() -> Spoken {
    let (mut server, mut client) = (server(), client());
    let greetings = [server.take_outgoing().to_vec(), client.take_outgoing().to_vec()];
    assert_eq!(step(&mut server, &greetings[1]), Ok(Progress::NeedMore));
    assert_eq!(step(&mut client, &greetings[0]), Ok(Progress::NeedMore));
    let hello = client.take_outgoing().to_vec();
    assert_eq!(step(&mut server, &hello), Ok(Progress::NeedMore));
    let welcome = server.take_outgoing().to_vec();
    assert_eq!(step(&mut client, &welcome), Ok(Progress::NeedMore));
    let initiate = client.take_outgoing().to_vec();
    let Ok(Progress::Done(theirs)) = step(&mut server, &initiate) else { panic!("INITIATE is refused") };
    let ready = server.take_outgoing().to_vec();
    let Ok(Progress::Done(ours)) = step(&mut client, &ready) else { panic!("READY is refused") };
    let channels = [server.take_channel().unwrap(), client.take_channel().unwrap()];
    Spoken { greetings, hello, welcome, initiate, ready, peers: [theirs, ours], channels }
}

/// The two ends of a connection, the server's first, whose frames may have so many bytes.
pub(crate) fn channels_of(frame_bytes_max: usize) -> [Channel; 2] {
    spoken().channels.map(|mut channel| {
        channel.opener.frame_bytes_max = frame_bytes_max;
        channel
    })
}

/// A frame of a command, as short as it can be.
fn command(body: &[u8]) -> Vec<u8> {
    match u8::try_from(body.len()) {
        Ok(length) => [&[4, length], body].concat(),
        Err(_) => [&[6][..], &(body.len() as u64).to_be_bytes(), body].concat(),
    }
}

/// A frame's body.
fn body(frame: &[u8]) -> &[u8] {
    if frame[0] & 2 == 0 { &frame[2..] } else { &frame[9..] }
}
