//! What was written is read as the same, whatever it is.

use recado_proto::{MarkPublication, Publication, Reply, Request, SystemPublication, Timestamp};

use crate::random::Messages;

const SEEDS: std::ops::Range<u64> = 0..1_000;
const RECEIVED: Timestamp = Timestamp::from_seconds(5);

#[test]
fn requests() {
    for seed in SEEDS {
        let request = Messages::from_seed(seed).request();
        assert_eq!(Request::decode(&request.encode()).as_ref(), Ok(&request), "seed {seed}");
    }
}

#[test]
fn replies() {
    for seed in SEEDS {
        let reply = Messages::from_seed(seed).reply();
        assert_eq!(Reply::decode(&reply.encode(), RECEIVED).as_ref(), Ok(&reply), "seed {seed}");
    }
}

#[test]
fn publications() {
    for seed in SEEDS {
        let publication = Messages::from_seed(seed).publication();
        let mut payload = Vec::new();
        publication.encode_payload(&mut payload);
        let read = Publication::decode(publication.wire_topic().as_bytes(), &payload, RECEIVED);
        assert_eq!(read.as_ref(), Ok(&publication), "seed {seed}");
    }
}

#[test]
fn mark_publications() {
    for seed in SEEDS {
        let publication = Messages::from_seed(seed).mark_publication();
        let mut payload = Vec::new();
        publication.encode_payload(&mut payload);
        let topic = MarkPublication::topic_of(&publication.user);
        let read = MarkPublication::decode(topic.as_bytes(), &payload, RECEIVED);
        assert_eq!(read.as_ref(), Ok(&publication), "seed {seed}");
    }
}

#[test]
fn system_publications() {
    for seed in SEEDS {
        let publication = Messages::from_seed(seed).system_publication();
        let mut payload = Vec::new();
        publication.encode_payload(&mut payload);
        let topic = publication.topic.to_string();
        let read = SystemPublication::decode(topic.as_bytes(), &payload, RECEIVED);
        assert_eq!(read.as_ref(), Ok(&publication), "seed {seed}");
    }
}
