use bytes::BytesMut;

use super::{body, client, command, keys, ours, server, shaking, spoken, step, theirs};
use crate::codec::{Handshake, HandshakeError, MetadataError, Progress, SocketType};
use crate::curve::boxes::{Nonce, SharedKey};
use crate::curve::command::{
    HELLO_PADDING_BYTES, INITIATE, INITIATE_NONCE, VOUCH_NONCE, WELCOME_NONCE, put_command,
};
use crate::curve::{CurveError, KeyPair, PublicKey, SecretKey, Security};
use crate::limits;

/// A server that has heard these, and answered.
fn server_after(heard: &[&[u8]]) -> Handshake {
    let mut server = server();
    for part in heard {
        assert_eq!(step(&mut server, part), Ok(Progress::NeedMore));
    }
    server
}

/// A client that has heard these.
fn client_after(heard: &[&[u8]]) -> Handshake {
    let mut client = client();
    for part in heard {
        assert_eq!(step(&mut client, part), Ok(Progress::NeedMore));
    }
    client
}

fn refused(handshake: &mut Handshake, bytes: &[u8]) -> HandshakeError {
    match step(handshake, bytes) {
        Err(error) => error,
        Ok(progress) => panic!("{progress:?} after {bytes:02x?}"),
    }
}

#[test]
fn a_command_with_any_byte_changed_is_refused() {
    let spoken = spoken();
    let (near, far) = (&spoken.greetings[1][..], &spoken.greetings[0][..]);
    let hello_padding = 8..8 + HELLO_PADDING_BYTES;
    for at in (0..200).filter(|at| !hello_padding.contains(at)) {
        let mut changed = body(&spoken.hello).to_vec();
        changed[at] ^= 0x40;
        refused(&mut server_after(&[near]), &command(&changed));
    }
    for at in 0..body(&spoken.initiate).len() {
        let mut changed = body(&spoken.initiate).to_vec();
        changed[at] ^= 0x40;
        refused(&mut server_after(&[near, &spoken.hello]), &command(&changed));
    }
    for at in 0..168 {
        let mut changed = body(&spoken.welcome).to_vec();
        changed[at] ^= 0x40;
        refused(&mut client_after(&[far]), &command(&changed));
    }
    for at in 0..body(&spoken.ready).len() {
        let mut changed = body(&spoken.ready).to_vec();
        changed[at] ^= 0x40;
        refused(&mut client_after(&[far, &spoken.welcome]), &command(&changed));
    }
}

#[test]
fn a_command_of_another_length_is_refused() {
    let spoken = spoken();
    let (near, far) = (&spoken.greetings[1][..], &spoken.greetings[0][..]);
    type Begin<'a> = Box<dyn Fn() -> Handshake + 'a>;
    let cases: [(Begin<'_>, &[u8]); 4] = [
        (Box::new(|| server_after(&[near])), &spoken.hello),
        (Box::new(|| server_after(&[near, &spoken.hello])), &spoken.initiate),
        (Box::new(|| client_after(&[far])), &spoken.welcome),
        (Box::new(|| client_after(&[far, &spoken.welcome])), &spoken.ready),
    ];
    for (begin, frame) in cases {
        for len in 0..body(frame).len() {
            refused(&mut begin(), &command(&body(frame)[..len]));
        }
        refused(&mut begin(), &command(&[body(frame), &[0]].concat()));
    }
}

/// What is refused when this many of its bytes have come, and not before.
#[track_caller]
fn check_refused_at(mut handshake: Handshake, bytes: &[u8], at: usize, expect: impl Into<HandshakeError>) {
    let mut input = BytesMut::from(&bytes[..at - 1]);
    assert_eq!(handshake.input(&mut input), Ok(Progress::NeedMore));
    input.extend_from_slice(&bytes[at - 1..at]);
    assert_eq!(handshake.input(&mut input), Err(expect.into()));
}

#[test]
fn what_cannot_be_the_command_is_refused_on_its_header() {
    let spoken = spoken();
    let near = &spoken.greetings[1][..];
    let declaring = |bytes: u64| [&[6][..], &bytes.to_be_bytes()].concat();
    let shaken = [near, &spoken.hello];
    let length = |command, declared| CurveError::Length { command, declared };
    check_refused_at(server_after(&[near]), &declaring(199), 9, length("HELLO", 199));
    check_refused_at(server_after(&[near]), &declaring(4_000), 9, length("HELLO", 4_000));
    check_refused_at(server_after(&[near]), b"\x04\xC7", 2, length("HELLO", 199));
    check_refused_at(server_after(&shaken), &declaring(256), 9, length("INITIATE", 256));
    check_refused_at(server_after(&shaken), b"\x04\x20", 2, length("INITIATE", 32));
    for declared in [4_097, 8 << 20, 1 << 47] {
        let max = limits::HANDSHAKE_COMMAND_BYTES_MAX;
        let expect = crate::codec::FrameError::CommandTooLarge { declared, max };
        check_refused_at(server_after(&shaken), &declaring(declared as u64), 9, expect);
    }
    let unexpected = |due| CurveError::Unexpected { due };
    check_refused_at(server_after(&[near]), b"\x04\xC8\x05HELLX", 8, unexpected("HELLO"));
    check_refused_at(
        server_after(&shaken),
        b"\x06\0\0\0\0\0\0\x02\0\x08INITIATX",
        18,
        unexpected("INITIATE"),
    );
    check_refused_at(server_after(&[near]), b"\0\x05", 2, HandshakeError::MessageTooSoon);
}

#[test]
fn commands_out_of_order_are_refused() {
    let spoken = spoken();
    let (near, far) = (&spoken.greetings[1][..], &spoken.greetings[0][..]);
    let unexpected = |due| HandshakeError::Curve(CurveError::Unexpected { due });
    let error = command(b"\x05ERROR\x02no");
    for wrong in [&spoken.initiate, &spoken.welcome, &spoken.ready, &error] {
        assert_eq!(refused(&mut server_after(&[near]), wrong), unexpected("HELLO"));
    }
    for wrong in [&spoken.hello, &spoken.welcome, &spoken.ready, &error] {
        assert_eq!(refused(&mut server_after(&[near, &spoken.hello]), wrong), unexpected("INITIATE"));
    }
    for wrong in [&spoken.hello, &spoken.initiate, &spoken.ready] {
        assert_eq!(refused(&mut client_after(&[far]), wrong), unexpected("WELCOME"));
    }
    for wrong in [&spoken.hello, &spoken.initiate, &spoken.welcome] {
        assert_eq!(refused(&mut client_after(&[far, &spoken.welcome]), wrong), unexpected("READY"));
    }
    for heard in [&[far][..], &[far, &spoken.welcome]] {
        let told = HandshakeError::RefusedByPeer("no".to_owned());
        assert_eq!(refused(&mut client_after(heard), &error), told);
        refused(&mut client_after(heard), &command(b"\x05ERROR\x02n"));
        refused(&mut client_after(heard), &command(b"\x05ERR"));
    }
}

#[test]
fn a_repeated_nonce_is_refused_before_anything_is_computed() {
    let spoken = spoken();
    let nonce_at = INITIATE.len() + 96;
    for counter in [0_u64, 1] {
        let mut repeated = body(&spoken.initiate).to_vec();
        repeated[nonce_at..nonce_at + 8].copy_from_slice(&counter.to_be_bytes());
        let mut server = server_after(&[&spoken.greetings[1], &spoken.hello]);
        let answer = server.input(&mut BytesMut::from(&command(&repeated)[..]));
        assert_eq!(answer, Err(CurveError::Nonce.into()));
    }
}

#[test]
fn an_initiate_of_another_connection_is_refused_before_anything_is_computed() {
    let spoken = spoken();
    let mut other = shaking(SocketType::Router, Security::CurveServer(ours()), 5);
    step(&mut other, &[&spoken.greetings[1][..], &spoken.hello].concat()).unwrap();
    let answer = other.input(&mut BytesMut::from(&spoken.initiate[..]));
    assert_eq!(answer, Err(CurveError::Cookie.into()));
}

#[test]
fn a_version_that_does_not_exist_and_a_key_that_nobody_has_are_refused() {
    let spoken = spoken();
    let mut changed = body(&spoken.hello).to_vec();
    changed[6] = 2;
    let near = &spoken.greetings[1][..];
    assert_eq!(refused(&mut server_after(&[near]), &command(&changed)), CurveError::Version(2, 0).into());
    let mut changed = body(&spoken.hello).to_vec();
    changed[80..112].fill(0);
    assert_eq!(refused(&mut server_after(&[near]), &command(&changed)), CurveError::WeakKey.into());
}

/// A client that says what it likes in its INITIATE.
struct Forger {
    server: Handshake,
    own: SecretKey,
    server_short: PublicKey,
    cookie: Vec<u8>,
}

impl Forger {
    fn new() -> Self {
        let spoken = spoken();
        let mut server = server_after(&[&spoken.greetings[1], &spoken.hello]);
        // The client of these tests has this short-term key.
        let own = SecretKey::from_bytes(&[4; 32]);
        let welcome = server.take_outgoing().slice(64 + 2..);
        let nonce = Nonce::random(WELCOME_NONCE, welcome[8..24].try_into().unwrap());
        let opened = SharedKey::agree(&own, &ours().public()).unwrap().open(&nonce, &welcome[24..]).unwrap();
        let server_short = PublicKey::from_bytes(opened[..32].try_into().unwrap());
        Self { server, own, server_short, cookie: opened[32..].to_vec() }
    }

    /// Claims a key, with a vouch by the owner of another for a short-term key and a server.
    fn claim(
        mut self,
        claimed: &PublicKey,
        voucher: &KeyPair,
        vouched: [&PublicKey; 2],
        metadata: &[u8],
    ) -> Result<Progress, HandshakeError> {
        let nonce = [6; 16];
        let vouch = SharedKey::agree(voucher.secret(), &self.server_short).unwrap();
        let [short, server] = vouched;
        let vouch = vouch.seal(&Nonce::random(VOUCH_NONCE, &nonce), &[short.as_bytes(), server.as_bytes()]);
        let shared = SharedKey::agree(&self.own, &self.server_short).unwrap();
        let text: [&[u8]; 4] = [claimed.as_bytes(), &nonce, &vouch, metadata];
        let sealed = shared.seal(&Nonce::counted(INITIATE_NONCE, 2), &text);
        let mut frame = BytesMut::new();
        put_command(&mut frame, &[INITIATE, &self.cookie, &2_u64.to_be_bytes(), &sealed]);
        step(&mut self.server, &frame)
    }
}

const DEALER: &[u8] = b"\x0BSocket-Type\0\0\0\x06DEALER";

#[test]
fn who_claims_a_key_without_having_it_is_refused() {
    let (short, server, key) = (SecretKey::from_bytes(&[4; 32]).public(), ours().public(), theirs().public());
    let honest = Forger::new().claim(&key, &theirs(), [&short, &server], DEALER);
    assert!(matches!(honest, Ok(Progress::Done(_))));
    let vouch = Err(CurveError::Vouch.into());
    // Somebody else's key; a vouch that its owner gave another client, or at another server.
    assert_eq!(Forger::new().claim(&key, &keys(7), [&short, &server], DEALER), vouch);
    assert_eq!(Forger::new().claim(&key, &theirs(), [&keys(7).public(), &server], DEALER), vouch);
    assert_eq!(Forger::new().claim(&key, &theirs(), [&short, &keys(7).public()], DEALER), vouch);
    // With this key everybody agrees on the same.
    let nobodys = PublicKey::from_bytes([0; 32]);
    let refused = Forger::new().claim(&nobodys, &keys(7), [&short, &server], DEALER);
    assert_eq!(refused, Err(CurveError::WeakKey.into()));
}

#[test]
fn what_a_client_says_of_itself_is_bounded_as_without_security() {
    let (short, server, key) = (SecretKey::from_bytes(&[4; 32]).public(), ours().public(), theirs().public());
    let property = b"\x01X\0\0\0\0";
    let many = [DEALER, &property.repeat(limits::METADATA_PROPERTIES_MAX)].concat();
    let max = limits::METADATA_PROPERTIES_MAX;
    for (metadata, expect) in [
        (&many[..], MetadataError::TooMany { max }),
        (&[DEALER, b"\x08Identity\0\0\0\x02\0x"].concat(), MetadataError::IdentityReserved),
        (b"", MetadataError::NoSocketType),
        (&DEALER[..9], MetadataError::CutShort),
    ] {
        let refused = Forger::new().claim(&key, &theirs(), [&short, &server], metadata);
        assert_eq!(refused, Err(expect.into()));
    }
}
