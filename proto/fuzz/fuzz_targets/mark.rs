//! Any bytes as a read mark that moved: what is read is written as it was read.

#![no_main]

use libfuzzer_sys::fuzz_target;
use recado_proto::{MarkPublication, Timestamp};

fuzz_target!(|payload: &[u8]| {
    let received = Timestamp::from_seconds(1);
    if let Ok(mark) = MarkPublication::decode(b"_marks.ana", payload, received) {
        let mut again = Vec::new();
        mark.encode_payload(&mut again);
        assert_eq!(MarkPublication::decode(b"_marks.ana", &again, received), Ok(mark));
    }
});
