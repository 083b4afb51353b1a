//! The handshake as a conversation of bytes.

use bytes::{Bytes, BytesMut};

use recado_zmtp::codec::{
    Handshake, HandshakeConfig, HandshakeError, Peer, Progress, SocketType, Version, Welcome,
};
use recado_zmtp::curve::{PublicKey, Security};

use super::bytes_of::{frame, greeting, property, ready};

fn dealer(identity: &'static [u8]) -> Handshake {
    Handshake::new(HandshakeConfig {
        identity: Bytes::from_static(identity),
        ..HandshakeConfig::new(SocketType::Dealer)
    })
}

fn router_ready() -> Vec<u8> {
    ready(&[property("Socket-Type", b"ROUTER"), property("Identity", b"")])
}

fn done(minor: u8) -> Progress {
    Progress::Done(Peer {
        socket_type: SocketType::Router,
        identity: Bytes::new(),
        version: Version { major: 3, minor },
        key: None,
    })
}

#[test]
fn the_greeting_goes_out_at_once_and_ready_after_the_peers_greeting() {
    let mut handshake = dealer(b"ana");
    assert_eq!(handshake.take_outgoing(), greeting(1));
    let mut input = BytesMut::from(&greeting(1)[..63]);
    assert_eq!(handshake.input(&mut input), Ok(Progress::NeedMore));
    assert_eq!(handshake.take_outgoing(), "");
    input.extend_from_slice(&[0]);
    assert_eq!(handshake.input(&mut input), Ok(Progress::NeedMore));
    let expect = ready(&[property("Socket-Type", b"DEALER"), property("Identity", b"ana")]);
    assert_eq!(handshake.take_outgoing(), expect);
    input.extend_from_slice(&router_ready());
    assert_eq!(handshake.input(&mut input), Ok(done(1)));
}

#[test]
fn every_shorter_prefix_asks_for_more() {
    let bytes = [greeting(0), router_ready()].concat();
    for end in 0..bytes.len() {
        let mut input = BytesMut::from(&bytes[..end]);
        assert_eq!(dealer(b"").input(&mut input), Ok(Progress::NeedMore), "the first {end} bytes");
    }
    assert_eq!(dealer(b"").input(&mut BytesMut::from(&bytes[..])), Ok(done(0)));
}

#[test]
fn what_follows_ready_is_left_for_the_traffic() {
    let bytes = [greeting(1), router_ready(), frame(0, b"oi")].concat();
    let mut input = BytesMut::from(&bytes[..]);
    assert_eq!(dealer(b"").input(&mut input), Ok(done(1)));
    assert_eq!(input, frame(0, b"oi")[..]);
}

#[test]
fn padding_filler_as_server_and_later_versions_do_not_matter() {
    let mut bytes = greeting(1);
    bytes[1..9].fill(0xAA);
    (bytes[9], bytes[10], bytes[11]) = (0x01, 4, 7);
    bytes[32..64].fill(0xBB);
    bytes.extend_from_slice(&router_ready());
    let Ok(Progress::Done(peer)) = dealer(b"").input(&mut BytesMut::from(&bytes[..])) else {
        panic!("not done")
    };
    assert_eq!(peer.version, Version { major: 4, minor: 7 });
    assert!(peer.version.has_commands());
}

#[test]
fn names_of_properties_are_read_in_any_case_and_others_passed_over() {
    let properties =
        [property("X-Build", &[7; 100]), property("sOCKET-tYPE", b"SUB"), property("IDENTITY", b"go")];
    let bytes = [greeting(1), ready(&properties)].concat();
    let mut publisher = Handshake::new(HandshakeConfig::new(SocketType::Pub));
    let Ok(Progress::Done(peer)) = publisher.input(&mut BytesMut::from(&bytes[..])) else {
        panic!("not done")
    };
    assert_eq!((peer.socket_type, &peer.identity[..]), (SocketType::Sub, &b"go"[..]));
}

#[test]
fn a_type_that_does_not_fit_is_told_so() {
    for ours in SocketType::ALL {
        for theirs in SocketType::ALL {
            let mut handshake = Handshake::new(HandshakeConfig::new(ours));
            let bytes = [greeting(1), ready(&[property("Socket-Type", theirs.as_str().as_bytes())])].concat();
            let outcome = handshake.input(&mut BytesMut::from(&bytes[..]));
            let sent = handshake.take_outgoing();
            let told = sent.ends_with(b"\x05ERROR\x13Invalid socket type");
            if ours.is_compatible(theirs) {
                assert!(matches!(outcome, Ok(Progress::Done(_))) && !told, "{ours} {theirs}");
            } else {
                assert_eq!(outcome, Err(HandshakeError::Incompatible { ours, theirs }));
                assert!(told, "{ours} {theirs}");
            }
        }
    }
}

#[test]
fn two_of_ours_understand_each_other() {
    let mut sides = [
        (dealer(b"ana"), BytesMut::new()),
        (Handshake::new(HandshakeConfig::new(SocketType::Router)), BytesMut::new()),
    ];
    let mut peers = Vec::new();
    while peers.len() < 2 {
        for side in 0..2 {
            let sent = sides[side].0.take_outgoing();
            let (other, input) = &mut sides[1 - side];
            input.extend_from_slice(&sent);
            if let Progress::Done(peer) = other.input(input).unwrap() {
                peers.push(format!("{} {:?} {}", peer.socket_type, peer.identity, peer.version));
            }
        }
    }
    assert_eq!(peers, ["ROUTER b\"\" 3.1", "DEALER b\"ana\" 3.1"]);
}

#[test]
fn one_who_counts_as_having_a_key_is_told_nothing_before_it_is_let_in() {
    let key = PublicKey::from_bytes([7; 32]);
    let bytes = [greeting(1), ready(&[property("Socket-Type", b"DEALER")])].concat();
    for welcome in [Welcome::Yes, Welcome::No] {
        let config =
            HandshakeConfig { security: Security::NullAs(key), ..HandshakeConfig::new(SocketType::Router) };
        let mut handshake = Handshake::new(config);
        assert_eq!(handshake.admit(Welcome::Yes), Ok(Progress::NeedMore), "nobody asks to be let in yet");
        assert_eq!(handshake.take_outgoing(), greeting(1));
        for end in 0..bytes.len() {
            let config = HandshakeConfig {
                security: Security::NullAs(key),
                ..HandshakeConfig::new(SocketType::Router)
            };
            let mut shorter = Handshake::new(config);
            let progress = shorter.input(&mut BytesMut::from(&bytes[..end]));
            assert_eq!(progress, Ok(Progress::NeedMore), "the first {end} bytes");
        }
        let mut input = BytesMut::from(&[&bytes[..], &frame(0, b"oi")].concat()[..]);
        for _ in 0..2 {
            assert_eq!(handshake.input(&mut input), Ok(Progress::Admit(key)));
            assert_eq!(handshake.take_outgoing(), "");
        }
        let outcome = handshake.admit(welcome.clone());
        let sent = handshake.take_outgoing();
        if welcome == Welcome::Yes {
            let version = Version { major: 3, minor: 1 };
            let (socket_type, identity) = (SocketType::Dealer, Bytes::new());
            let peer = Peer { socket_type, identity, version, key: Some(key) };
            assert_eq!(outcome, Ok(Progress::Done(peer)));
            assert_eq!(sent, ready(&[property("Socket-Type", b"ROUTER"), property("Identity", b"")]));
            assert_eq!(input, frame(0, b"oi")[..]);
        } else {
            assert_eq!(outcome, Err(HandshakeError::NotAdmitted(key)));
            assert_eq!(sent, "", "whoever is told comes back no more");
        }
    }
}
