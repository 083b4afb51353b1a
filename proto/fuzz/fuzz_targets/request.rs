//! Any bytes as a request: a value that is written as it was read, or a refusal that can be answered.

#![no_main]

use libfuzzer_sys::fuzz_target;
use recado_proto::{Reply, Request, Timestamp};

fuzz_target!(|frame: &[u8]| {
    let now = Timestamp::from_seconds(1);
    match Request::decode(frame) {
        Ok(request) => assert_eq!(Request::decode(&request.encode()), Ok(request)),
        Err(error) => {
            let reply = error.into_reply(now, 1);
            assert_eq!(Reply::decode(&reply.encode(), now), Ok(reply));
        }
    }
});
