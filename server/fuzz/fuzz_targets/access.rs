//! See the body in the crate.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| recado_server::fuzz::access(data));
