//! Any bytes as a publication: what is read is written as it was read.

#![no_main]

use libfuzzer_sys::fuzz_target;
use recado_proto::{Publication, Timestamp};

fuzz_target!(|payload: &[u8]| {
    let received = Timestamp::from_seconds(1);
    if let Ok(publication) = Publication::decode(b"geral", payload, received) {
        let mut again = Vec::new();
        publication.encode_payload(&mut again);
        assert_eq!(Publication::decode(b"geral", &again, received), Ok(publication));
    }
});
