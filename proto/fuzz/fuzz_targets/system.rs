//! Any bytes as a topic of the system's and what is published on it: what is read is written as it was read. The first 16
//! bytes are the topic, which ends at a zero byte.

#![no_main]

use libfuzzer_sys::fuzz_target;
use recado_proto::{SystemPublication, Timestamp};

fuzz_target!(|input: &[u8]| {
    let received = Timestamp::from_seconds(1);
    let Some((topic, payload)) = input.split_at_checked(16) else { return };
    let topic = topic.split(|byte| *byte == 0).next().expect("a slice splits into one at least");
    if let Ok(publication) = SystemPublication::decode(topic, payload, received) {
        let mut again = Vec::new();
        publication.encode_payload(&mut again);
        assert_eq!(SystemPublication::decode(topic, &again, received), Ok(publication));
    }
});
