//! Any bytes as an act that was published: what is read is written as it was read.

#![no_main]

use libfuzzer_sys::fuzz_target;
use recado_proto::{Publication, Timestamp};

fuzz_target!(|payload: &[u8]| {
    let received = Timestamp::from_seconds(1);
    if let Ok(act) = Publication::decode(b"_acts.geral", payload, received) {
        let mut again = Vec::new();
        act.encode_payload(&mut again);
        assert_eq!(Publication::decode(b"_acts.geral", &again, received), Ok(act));
    }
});
