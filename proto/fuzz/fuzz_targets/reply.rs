//! Any bytes as a reply: what is read is written as it was read.

#![no_main]

use libfuzzer_sys::fuzz_target;
use recado_proto::{Reply, Timestamp};

fuzz_target!(|frame: &[u8]| {
    let received = Timestamp::from_seconds(1);
    if let Ok(reply) = Reply::decode(frame, received) {
        assert_eq!(Reply::decode(&reply.encode(), received), Ok(reply));
    }
});
