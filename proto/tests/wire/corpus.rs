//! What the fuzz targets in proto/fuzz found worth keeping, replayed with the same checks as there.

use std::fs;
use std::path::Path;

use recado_proto::{MarkPublication, Publication, Reply, Request, SystemPublication, Timestamp};

const RECEIVED: Timestamp = Timestamp::from_seconds(1);

/// The inputs kept for one target, with their file names.
fn corpus(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let mut inputs: Vec<_> = fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.display().to_string(), fs::read(&path).unwrap()))
        .collect();
    inputs.sort();
    assert!(inputs.len() > 10, "{} has lost its inputs", folder.display());
    inputs
}

#[test]
fn requests() {
    for (file, frame) in corpus("request") {
        match Request::decode(&frame) {
            Ok(request) => assert_eq!(Request::decode(&request.encode()), Ok(request), "{file}"),
            Err(error) => {
                let reply = error.into_reply(RECEIVED, 1);
                assert_eq!(Reply::decode(&reply.encode(), RECEIVED), Ok(reply), "{file}");
            }
        }
    }
}

#[test]
fn replies() {
    for (file, frame) in corpus("reply") {
        if let Ok(reply) = Reply::decode(&frame, RECEIVED) {
            assert_eq!(Reply::decode(&reply.encode(), RECEIVED), Ok(reply), "{file}");
        }
    }
}

#[test]
fn publications() {
    for (file, payload) in corpus("publication") {
        if let Ok(publication) = Publication::decode(b"geral", &payload, RECEIVED) {
            let mut again = Vec::new();
            publication.encode_payload(&mut again);
            assert_eq!(Publication::decode(b"geral", &again, RECEIVED), Ok(publication), "{file}");
        }
    }
}

#[test]
fn acts() {
    for (file, payload) in corpus("act") {
        if let Ok(act) = Publication::decode(b"_acts.geral", &payload, RECEIVED) {
            let mut again = Vec::new();
            act.encode_payload(&mut again);
            assert_eq!(Publication::decode(b"_acts.geral", &again, RECEIVED), Ok(act), "{file}");
        }
    }
}

#[test]
fn mark_publications() {
    for (file, payload) in corpus("mark") {
        if let Ok(mark) = MarkPublication::decode(b"_marks.ana", &payload, RECEIVED) {
            let mut again = Vec::new();
            mark.encode_payload(&mut again);
            assert_eq!(MarkPublication::decode(b"_marks.ana", &again, RECEIVED), Ok(mark), "{file}");
        }
    }
}

#[test]
fn system_publications() {
    for (file, input) in corpus("system") {
        let Some((topic, payload)) = input.split_at_checked(16) else { continue };
        let topic = topic.split(|byte| *byte == 0).next().unwrap();
        if let Ok(publication) = SystemPublication::decode(topic, payload, RECEIVED) {
            let mut again = Vec::new();
            publication.encode_payload(&mut again);
            assert_eq!(SystemPublication::decode(topic, &again, RECEIVED), Ok(publication), "{file}");
        }
    }
}
