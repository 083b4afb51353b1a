use super::{
    body, client, client_of, command, keys, ours, server, shaking, spoken, step, step_welcoming, theirs,
};
use crate::codec::{HandshakeError, Mechanism, Progress, SocketType, Welcome};
use crate::curve::{CurveError, PublicKey, Security};

#[test]
fn each_side_proves_its_key_and_says_what_it_is() {
    let spoken = spoken();
    assert_eq!(spoken.peers[0].key, Some(theirs().public()));
    assert_eq!(spoken.peers[1].key, Some(ours().public()));
    assert_eq!(
        (spoken.peers[0].socket_type, &spoken.peers[0].identity[..]),
        (SocketType::Dealer, &b"ana"[..])
    );
    assert_eq!(spoken.peers[1].socket_type, SocketType::Router);
}

#[test]
fn commands_have_the_lengths_of_the_rfc_and_show_nothing_of_who_it_is() {
    let spoken = spoken();
    assert_eq!(
        (&spoken.greetings[0][12..33], &spoken.greetings[1][12..33]),
        (&b"CURVE\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01"[..], &b"CURVE\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x00"[..])
    );
    assert_eq!(spoken.hello[..10], *b"\x04\xC8\x05HELLO\x01\x00");
    assert_eq!(spoken.welcome[..10], *b"\x04\xA8\x07WELCOME");
    assert_eq!(spoken.initiate[..10], *b"\x06\0\0\0\0\0\0\x01\x27\x08");
    assert_eq!(
        body(&spoken.initiate).len(),
        257 + "\x0BSocket-Type\0\0\0\x06DEALER\x08Identity\0\0\0\x03ana".len()
    );
    assert_eq!(spoken.ready[2..8], *b"\x05READY");
    let all = [spoken.hello, spoken.welcome, spoken.initiate, spoken.ready].concat();
    for name in [&b"ana"[..], b"DEALER", b"ROUTER", ours().public().as_bytes(), theirs().public().as_bytes()]
    {
        assert!(!all.windows(name.len()).any(|part| part == name), "{name:?}");
    }
}

#[test]
fn every_shorter_prefix_asks_for_more() {
    let spoken = spoken();
    for end in 0..spoken.hello.len() {
        let mut server = server();
        assert_eq!(step(&mut server, &spoken.greetings[1]), Ok(Progress::NeedMore));
        assert_eq!(step(&mut server, &spoken.hello[..end]), Ok(Progress::NeedMore), "HELLO {end}");
    }
    let mut shaking = server();
    for part in [&spoken.greetings[1], &spoken.hello] {
        assert_eq!(step(&mut shaking, part), Ok(Progress::NeedMore));
    }
    for end in 0..spoken.initiate.len() {
        assert_eq!(step(&mut shaking, &spoken.initiate[..end]), Ok(Progress::NeedMore), "INITIATE {end}");
    }
    assert!(matches!(step(&mut shaking, &spoken.initiate), Ok(Progress::Done(_))));
    let mut shaking = client();
    assert_eq!(step(&mut shaking, &spoken.greetings[0]), Ok(Progress::NeedMore));
    for (name, frame) in [("WELCOME", &spoken.welcome), ("READY", &spoken.ready)] {
        for end in 0..frame.len() {
            assert_eq!(step(&mut shaking, &frame[..end]), Ok(Progress::NeedMore), "{name} {end}");
        }
        assert!(step(&mut shaking, frame).is_ok());
    }
}

#[test]
fn all_at_once_is_as_good_as_one_after_the_other() {
    let spoken = spoken();
    let mut server = server();
    let bytes = [&spoken.greetings[1][..], &spoken.hello, &spoken.initiate].concat();
    assert_eq!(step(&mut server, &bytes), Ok(Progress::Done(spoken.peers[0].clone())));
}

#[test]
fn who_is_not_admitted_is_told_so_and_gets_no_ready() {
    let spoken = spoken();
    let mut server = server();
    step(&mut server, &[&spoken.greetings[1][..], &spoken.hello].concat()).unwrap();
    server.take_outgoing();
    let mut bytes = bytes::BytesMut::from(&spoken.initiate[..]);
    assert_eq!(server.input(&mut bytes), Ok(Progress::Compute));
    assert_eq!(server.input(&mut bytes), Ok(Progress::Compute), "asked again, it says it again");
    assert_eq!(server.compute(), Ok(Progress::Admit(theirs().public())));
    assert_eq!(server.compute(), Ok(Progress::Admit(theirs().public())));
    assert_eq!(server.admit(Welcome::No), Err(HandshakeError::NotAdmitted(theirs().public())));
    let told = server.take_outgoing();
    assert_eq!(told, &b"\x04\x0A\x05ERROR\x03400"[..]);
    assert!(server.take_channel().is_none());

    let mut client = client();
    step(&mut client, &[&spoken.greetings[0][..], &spoken.welcome].concat()).unwrap();
    assert!(client.has_shown_key());
    assert_eq!(step(&mut client, &told), Err(HandshakeError::KeyRefusedByPeer));
}

#[test]
fn who_is_to_come_later_is_told_nothing() {
    let spoken = spoken();
    let mut server = server();
    let bytes = [&spoken.greetings[1][..], &spoken.hello, &spoken.initiate].concat();
    let later = Welcome::NotNow("there are many already".to_owned());
    let error = step_welcoming(&mut server, &bytes, &later).unwrap_err();
    assert_eq!(error.to_string(), "there are many already");
    assert_eq!(server.take_outgoing(), [&spoken.greetings[0][..], &spoken.welcome].concat());
    assert!(server.take_channel().is_none());
}

#[test]
fn socket_types_that_do_not_fit_are_told_so_under_curve_too() {
    let security = Security::CurveClient { keys: theirs(), server: ours().public() };
    let (mut server, mut client) = (server(), shaking(SocketType::Sub, security, 4));
    for _ in 0..2 {
        let outgoing = server.take_outgoing();
        step(&mut client, &outgoing).unwrap();
        let outgoing = client.take_outgoing();
        if let Err(error) = step(&mut server, &outgoing) {
            let expect = HandshakeError::Incompatible { ours: SocketType::Router, theirs: SocketType::Sub };
            assert_eq!(error, expect);
            break;
        }
    }
    let outgoing = server.take_outgoing();
    assert_eq!(outgoing, command(b"\x05ERROR\x13Invalid socket type"));
    let refused = HandshakeError::RefusedByPeer("Invalid socket type".to_owned());
    assert_eq!(step(&mut client, &outgoing), Err(refused));
}

#[test]
fn mechanisms_that_differ_and_two_clients_do_not_come_together() {
    let null = || shaking(SocketType::Dealer, Security::Null, 0);
    let mismatch = |ours, theirs| Err(HandshakeError::Mechanism { ours, theirs });
    let (null_greeting, curve_greeting) = (null().take_outgoing(), client().take_outgoing());
    assert_eq!(step(&mut null(), &curve_greeting), mismatch(Mechanism::Null, Mechanism::Curve));
    let mut client = client();
    client.take_outgoing();
    assert_eq!(step(&mut client, &null_greeting), mismatch(Mechanism::Curve, Mechanism::Null));
    assert_eq!(client.take_outgoing(), "", "a client tells nobody its server's key");

    let mut server = server();
    server.take_outgoing();
    assert_eq!(step(&mut server, &null_greeting), mismatch(Mechanism::Curve, Mechanism::Null));
    let invitation = format!("\x05ERROR\x3ACURVE; server key {}", ours().public());
    assert_eq!(server.take_outgoing(), command(invitation.as_bytes()));

    let mut one = client_of(ours().public());
    let other = client_of(ours().public()).take_outgoing();
    step(&mut one, &other).unwrap();
    let hello = one.take_outgoing().slice(64..);
    let refused = Err(HandshakeError::Curve(CurveError::Unexpected { due: "WELCOME" }));
    assert_eq!(step(&mut one, &hello), refused);
}

#[test]
fn a_wrong_server_key_is_noticed_by_either_side() {
    let spoken = spoken();
    let mut wrong = client_of(keys(9).public());
    step(&mut wrong, &spoken.greetings[0]).unwrap();
    let sent = wrong.take_outgoing();
    assert_eq!(step(&mut server(), &sent), Err(CurveError::Hello.into()));
    assert_eq!(step(&mut wrong, &spoken.welcome), Err(CurveError::Welcome.into()));

    let mut weak = client_of(PublicKey::from_bytes([0; 32]));
    assert_eq!(step(&mut weak, &spoken.greetings[0]), Err(CurveError::WeakKey.into()));
}
