//! Bytes as a peer sends them, written by hand: nothing here uses the encoder under test.

/// The greeting of version 3 and this minor version, with the NULL mechanism.
pub(crate) fn greeting(minor: u8) -> Vec<u8> {
    let mut bytes = vec![0xFF, 0, 0, 0, 0, 0, 0, 0, 1, 0x7F, 3, minor];
    bytes.extend_from_slice(b"NULL");
    bytes.resize(64, 0);
    bytes
}

/// A short frame.
pub(crate) fn frame(flags: u8, body: &[u8]) -> Vec<u8> {
    [&[flags, u8::try_from(body.len()).unwrap()], body].concat()
}

/// A frame whose header says what it likes.
pub(crate) fn long_header(flags: u8, declared: u64) -> Vec<u8> {
    [&[flags][..], &declared.to_be_bytes()].concat()
}

/// A command in a short frame.
pub(crate) fn command(name: &str, data: &[u8]) -> Vec<u8> {
    let body = [&[u8::try_from(name.len()).unwrap()], name.as_bytes(), data].concat();
    frame(4, &body)
}

/// One property of a READY.
pub(crate) fn property(name: &str, value: &[u8]) -> Vec<u8> {
    let value_len = u32::try_from(value.len()).unwrap().to_be_bytes();
    [&[u8::try_from(name.len()).unwrap()], name.as_bytes(), &value_len, value].concat()
}

/// A READY of these properties, in a short or long frame as need be.
pub(crate) fn ready(properties: &[Vec<u8>]) -> Vec<u8> {
    let body = [&b"\x05READY"[..], &properties.concat()].concat();
    if body.len() < 256 { frame(4, &body) } else { [long_header(6, body.len() as u64), body].concat() }
}
