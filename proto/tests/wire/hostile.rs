//! Input that means harm, or was cut: an error each time, at once.

use recado_proto::limits::REQUEST_BYTES_MAX;
use recado_proto::{
    MarkPublication, MarkPublicationError, Publication, PublicationError, Ref, Reply, Request,
    SystemPublication, SystemPublicationError, Timestamp,
};

use crate::pack::{Pack, map, shorter};
use crate::random::Messages;

const RECEIVED: Timestamp = Timestamp::from_seconds(5);

fn publication(payload: &[u8]) -> Result<Publication, PublicationError> {
    Publication::decode(b"geral", payload, RECEIVED)
}

/// The same bytes as an act.
fn act(payload: &[u8]) -> Result<Publication, PublicationError> {
    Publication::decode(b"_acts.geral", payload, RECEIVED)
}

fn mark(payload: &[u8]) -> Result<MarkPublication, MarkPublicationError> {
    MarkPublication::decode(b"_marks.ana", payload, RECEIVED)
}

fn mark_payload_of(publication: &MarkPublication) -> Vec<u8> {
    let mut payload = Vec::new();
    publication.encode_payload(&mut payload);
    payload
}

/// The same bytes on a topic of each kind.
fn system_publications(payload: &[u8]) -> [Result<SystemPublication, SystemPublicationError>; 2] {
    ["_sync.7f", "_heads.geral"].map(|topic| SystemPublication::decode(topic.as_bytes(), payload, RECEIVED))
}

fn system_payload_of(publication: &SystemPublication) -> Vec<u8> {
    let mut payload = Vec::new();
    publication.encode_payload(&mut payload);
    payload
}

fn payload_of(publication: &Publication) -> Vec<u8> {
    let mut payload = Vec::new();
    publication.encode_payload(&mut payload);
    payload
}

#[test]
fn every_shorter_prefix_is_an_error() {
    for seed in 0..30 {
        let mut messages = Messages::from_seed(seed);
        let (request, reply) = (messages.request().encode(), messages.reply().encode());
        let payload = payload_of(&messages.publication());
        let heads = system_payload_of(&messages.system_publication());
        let mark_moved = mark_payload_of(&messages.mark_publication());
        // Long texts only repeat what short ones show, at quadratic cost.
        for bytes in [request, reply, payload, heads, mark_moved].iter().filter(|bytes| bytes.len() < 2_000) {
            for prefix in shorter(bytes) {
                assert!(Request::decode(prefix).is_err(), "seed {seed}: {prefix:02x?}");
                assert!(Reply::decode(prefix, RECEIVED).is_err(), "seed {seed}: {prefix:02x?}");
                assert!(publication(prefix).is_err(), "seed {seed}: {prefix:02x?}");
                assert!(act(prefix).is_err(), "seed {seed}: {prefix:02x?}");
                assert!(mark(prefix).is_err(), "seed {seed}: {prefix:02x?}");
                assert!(system_publications(prefix).iter().all(Result::is_err), "seed {seed}: {prefix:02x?}");
            }
        }
    }
}

#[test]
fn mutations_and_noise_end_in_a_value_or_an_error() {
    for seed in 0..6_000 {
        let mut messages = Messages::from_seed(seed);
        let whole = match seed % 5 {
            4 => mark_payload_of(&messages.mark_publication()),
            0 => messages.request().encode(),
            1 => messages.reply().encode(),
            2 => system_payload_of(&messages.system_publication()),
            _ => payload_of(&messages.publication()),
        };
        for bytes in [messages.mutated(&whole), messages.noise()] {
            if let Ok(request) = Request::decode(&bytes) {
                assert_eq!(Request::decode(&request.encode()), Ok(request), "seed {seed}");
            }
            if let Ok(reply) = Reply::decode(&bytes, RECEIVED) {
                assert_eq!(Reply::decode(&reply.encode(), RECEIVED), Ok(reply), "seed {seed}");
            }
            if let Ok(read) = publication(&bytes) {
                assert_eq!(publication(&payload_of(&read)), Ok(read), "seed {seed}");
            }
            if let Ok(read) = act(&bytes) {
                assert!(read.kind.is_some() && !read.edited && read.acts.is_empty(), "seed {seed}");
                assert_eq!(act(&payload_of(&read)), Ok(read), "seed {seed}");
            }
            if let Ok(read) = mark(&bytes) {
                assert_eq!(mark(&mark_payload_of(&read)), Ok(read), "seed {seed}");
            }
            for read in system_publications(&bytes).into_iter().flatten() {
                let again = system_payload_of(&read);
                let topic = read.topic.to_string();
                assert_eq!(
                    SystemPublication::decode(topic.as_bytes(), &again, RECEIVED),
                    Ok(read),
                    "seed {seed}"
                );
            }
        }
    }
}

#[test]
fn nesting_of_any_depth_is_harmless() {
    let shallow: [&[u8]; 4] = [b"\x91", b"\x81\xc0", b"\x81\xa4data", b"\xdf\0\0\0\x01\x91\xc0"];
    for (depth, openings) in [(10_000, &shallow[..]), (1_000_000, &shallow[..1])] {
        for opening in openings {
            let mut nested = opening.repeat(depth);
            nested.push(0xc0);
            for bytes in [&nested[..], &nested[..nested.len() - 1]] {
                assert!(Request::decode(bytes).is_err());
                assert!(Reply::decode(bytes, RECEIVED).is_err());
                assert!(publication(bytes).is_err());
                assert!(act(bytes).is_err());
                assert!(mark(bytes).is_err());
                assert!(system_publications(bytes).iter().all(Result::is_err));
                assert!(Ref::from_encoded(bytes).is_err());
            }
            let hidden =
                map([("user", "ana".into()), ("x", Pack::Encoded(nested)), ("message", "oi".into())]);
            assert!(publication(&hidden.encoded()).is_ok());
        }
    }
    let nested = [b"\x91".repeat(10_000), b"\xc0".to_vec()].concat();
    let request = map([("x", Pack::Encoded(nested)), ("service", "users".into())]).encoded();
    assert!(request.len() < REQUEST_BYTES_MAX);
    assert!(Request::decode(&request).is_ok());
}

#[test]
fn lengths_beyond_the_input_are_refused_without_reserving_them() {
    let lengths: [&[u8]; 6] = [
        b"\xdb\xff\xff\xff\xff",
        b"\xc6\xff\xff\xff\xff",
        b"\xc9\xff\xff\xff\xff",
        b"\xdd\xff\xff\xff\xff",
        b"\xdf\xff\xff\xff\xff",
        b"\xdf\x7f\xff\xff\xff",
    ];
    for length in lengths {
        assert!(Request::decode(length).is_err());
        for key in [
            "service", "data", "ref", "users", "heads", "seq", "acts", "marks", "target", "kind", "style",
            "x",
        ] {
            let bytes = map([("service", "users".into()), (key, Pack::Encoded(length.to_vec()))]).encoded();
            assert!(Request::decode(&bytes).is_err(), "{key}");
            assert!(Reply::decode(&bytes, RECEIVED).is_err(), "{key}");
            assert!(publication(&bytes).is_err(), "{key}");
            assert!(act(&bytes).is_err(), "{key}");
            assert!(mark(&bytes).is_err(), "{key}");
            assert!(system_publications(&bytes).iter().all(Result::is_err), "{key}");
        }
    }
}

#[test]
fn many_keys_are_walked_once() {
    let pairs = (0..60_000).map(|_| (Pack::from("k"), Pack::Nil)).collect();
    let bytes =
        Pack::Map(vec![("service".into(), "users".into()), ("data".into(), Pack::Map(pairs))]).encoded();
    assert!(bytes.len() < REQUEST_BYTES_MAX);
    assert!(Request::decode(&bytes).is_ok());
}
