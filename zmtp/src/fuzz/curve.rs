//! CURVE against whatever bytes: a server before its client has proved anything, and the opening side after.

use std::io::IoSlice;

use bytes::{Bytes, BytesMut};
use zeroize::Zeroizing;

use crate::codec::{
    FRAME_HEADER_BYTES_MAX, FrameHeader, GREETING_BYTES, Greeting, Handshake, HandshakeConfig,
    HandshakeError, Mechanism, Metadata, Progress, SocketType, Welcome,
};
use crate::curve::{Channel, ChannelError, ClientSide, KeyPair, RANDOM_BYTES, SecretKey, Security};

/// Small, so that short inputs reach it.
const FRAME_BYTES_MAX: usize = 300;

/// The first byte says what the rest is: a client's bytes, what an honest client says of itself, or sealed traffic that somebody meddles
/// with.
pub fn curve(data: &[u8]) {
    match data.split_first() {
        Some((0, bytes)) => strangers_bytes(bytes),
        Some((1, metadata)) => honest_client(metadata),
        Some((2, script)) => traffic(script),
        Some(_) | None => {}
    }
}

fn keys(number: u8) -> KeyPair {
    KeyPair::from_secret(SecretKey::from_bytes(&[number; 32]))
}

fn server() -> Handshake {
    let security = Security::CurveServer(keys(1));
    let config = HandshakeConfig { security, ..HandshakeConfig::new(SocketType::Router) };
    Handshake::with_random(config, Zeroizing::new([3; RANDOM_BYTES]))
}

/// In one piece and byte by byte: the same outcome, though what is wrong may be seen earlier; the same bytes sent; and whoever gets in has
/// proved a key.
fn strangers_bytes(bytes: &[u8]) {
    let whole = shake_hands(bytes, bytes.len().max(1));
    if let Ok(Progress::Done(peer)) = &whole.0 {
        assert!(peer.key.is_some());
    }
    let (progress, sent) = shake_hands(bytes, 1);
    assert_eq!((progress.ok(), sent), (whole.0.ok(), whole.1));
}

fn shake_hands(bytes: &[u8], piece: usize) -> (Result<Progress, HandshakeError>, Vec<u8>) {
    let mut handshake = server();
    let (mut buffer, mut sent) = (BytesMut::new(), handshake.take_outgoing().to_vec());
    let mut progress = Ok(Progress::NeedMore);
    for piece in bytes.chunks(piece) {
        buffer.extend_from_slice(piece);
        loop {
            progress = handshake.input(&mut buffer);
            let was_due = progress != Ok(Progress::NeedMore);
            while let Ok(Progress::Compute | Progress::Admit(_)) = progress {
                progress = match progress {
                    Ok(Progress::Compute) => handshake.compute(),
                    Ok(Progress::Admit(_)) => handshake.admit(Welcome::Yes),
                    settled @ (Ok(Progress::NeedMore | Progress::Done(_)) | Err(_)) => settled,
                };
            }
            if !was_due || progress != Ok(Progress::NeedMore) {
                break;
            }
        }
        sent.extend_from_slice(&handshake.take_outgoing());
        if progress != Ok(Progress::NeedMore) {
            break;
        }
    }
    (progress, sent)
}

/// A client with a key of its own gets in with any metadata that is well formed and fits, and with no other.
fn honest_client(metadata: &[u8]) {
    let mut client = ClientSide::new(keys(2), keys(1).public(), Zeroizing::new([4; RANDOM_BYTES]));
    let mut wire = BytesMut::from(&Greeting::ours(Mechanism::Curve, false).encode()[..]);
    client.compute(metadata, &mut wire).expect("the server's key is a good one");
    let (_, answer) = shake_hands(&wire, wire.len());
    let welcome = Bytes::copy_from_slice(&answer[GREETING_BYTES + 2..]);
    client.received(welcome).expect("it is due");
    client.compute(metadata, &mut wire).expect("the server is the right one");
    let expect = match Metadata::decode(metadata) {
        Ok(metadata) => SocketType::Router.is_compatible(metadata.socket_type),
        Err(_) => false,
    };
    let (progress, _) = shake_hands(&wire, wire.len());
    match progress {
        Ok(Progress::Done(peer)) => assert!(expect && peer.key == Some(keys(2).public())),
        Ok(Progress::NeedMore | Progress::Compute | Progress::Admit(_)) => {
            panic!("an INITIATE leaves nothing open")
        }
        Err(_) => assert!(!expect || metadata.len() > 3_000),
    }
}

/// What was sealed arrives in order, each once, until somebody meddles; after that nothing does. Pieces change nothing, and what waits is
/// less than a frame.
fn traffic(script: &[u8]) {
    let [mut sender, _] = Channel::pair([5; 32], FRAME_BYTES_MAX);
    let (mut wire, mut honest, mut untouched) = (Vec::new(), Vec::new(), None);
    let mut last = Vec::new();
    for step in script.chunks(4) {
        let [kind, flags, len, place] = [0, 1, 2, 3].map(|at| step.get(at).copied().unwrap_or_default());
        let len = usize::from(len) * 2;
        let header = match flags % 3 {
            0 => FrameHeader::message(false, len),
            1 => FrameHeader::message(true, len),
            _ => FrameHeader::command(len),
        };
        match kind % 4 {
            // Repeats what was sent last, or sends something that was never sealed.
            2 => wire.extend_from_slice(&last),
            3 => wire.extend_from_slice(step),
            kind => {
                let mut plain = vec![place; header.header_len + len];
                header.encode(&mut &mut plain[..]);
                last = seal(&mut sender, &plain);
                let at = wire.len() + usize::from(place) % last.len();
                wire.extend_from_slice(&last);
                if kind == 1 {
                    wire[at] ^= flags.max(1);
                }
                honest.push(plain);
            }
        }
        if kind % 4 != 0 && untouched.is_none() {
            untouched = Some(honest.len().saturating_sub(usize::from(kind % 4 == 1)));
        }
    }
    let whole = open(&wire, wire.len().max(1));
    assert!(whole.0.len() >= untouched.unwrap_or(0).min(first_too_long(&honest)));
    assert!(whole.0.iter().zip(&honest).all(|(opened, sealed)| opened == sealed));
    assert!(whole.0.len() <= honest.len());
    if untouched.is_none() && first_too_long(&honest) == honest.len() {
        assert_eq!((whole.0.len(), &whole.1), (honest.len(), &None));
    }
    assert_eq!(open(&wire, 1), whole);
}

fn first_too_long(frames: &[Vec<u8>]) -> usize {
    let is_too_long = |frame: &Vec<u8>| {
        let header = FrameHeader::decode(frame).ok().flatten();
        header.is_some_and(|header| header.body_len > FRAME_BYTES_MAX)
    };
    frames.iter().position(is_too_long).unwrap_or(frames.len())
}

fn seal(sender: &mut Channel, plain: &[u8]) -> Vec<u8> {
    let mut sealed = BytesMut::new();
    let taken = sender.sealer.seal(&[IoSlice::new(plain)], &mut sealed, usize::MAX);
    assert_eq!((taken, sender.sealer.unfinished()), (Ok(plain.len()), 0));
    sealed.to_vec()
}

fn open(wire: &[u8], piece: usize) -> (Vec<Vec<u8>>, Option<ChannelError>) {
    let [_, mut receiver] = Channel::pair([5; 32], FRAME_BYTES_MAX);
    let (mut buffer, mut opened) = (Vec::new(), Vec::new());
    for piece in wire.chunks(piece) {
        buffer.extend_from_slice(piece);
        loop {
            let has_next = receiver.opener.has_next(&buffer);
            match receiver.opener.open(&mut buffer) {
                Ok(Some(plain)) => {
                    assert!(has_next);
                    let end = plain.end;
                    opened.push(buffer[plain].to_vec());
                    buffer.drain(..end);
                }
                Ok(None) => {
                    assert!(!has_next);
                    break;
                }
                Err(error) => return (opened, Some(error)),
            }
        }
        assert!(buffer.len() < FRAME_HEADER_BYTES_MAX + 33 + FRAME_BYTES_MAX);
    }
    (opened, None)
}
