//! Peers' bytes as a fuzz target's input describes them. Knows nothing of who reads them.

use super::input::Input;

/// Bytes of bodies: around the two forms of a length, and past small limits.
const BODY_BYTES: [usize; 12] = [2, 0, 1, 3, 7, 20, 100, 254, 255, 256, 300, 1_000];

pub(super) fn frame(flags: u8, body: &[u8], long: bool, out: &mut Vec<u8>) {
    match u8::try_from(body.len()) {
        Ok(length) if !long => out.extend([flags, length]),
        Ok(_) | Err(_) => {
            out.push(flags | 2);
            out.extend((body.len() as u64).to_be_bytes());
        }
    }
    out.extend_from_slice(body);
}

pub(super) fn command(name: &[u8], data: &[u8], out: &mut Vec<u8>) {
    let length = u8::try_from(name.len()).expect("the names here are short");
    frame(4, &[&[length], name, data].concat(), false, out);
}

/// A greeting and a READY, and whether they are good ones.
pub(super) fn handshake(input: &mut Input<'_>, socket_type: &str, minor: u8, out: &mut Vec<u8>) -> bool {
    let mut bytes = vec![0; 64];
    (bytes[0], bytes[9], bytes[10], bytes[11]) = (0xff, 0x7f, 3, minor);
    bytes[12..16].copy_from_slice(b"NULL");
    let mut metadata = b"\x0bSocket-Type\0\0\0".to_vec();
    metadata.push(socket_type.len() as u8);
    metadata.extend(socket_type.as_bytes());
    command(b"READY", &metadata, &mut bytes);
    let spoilt = input.below(8) == 7;
    if spoilt {
        let place = input.below(bytes.len());
        bytes[place] = input.byte();
    }
    out.extend(bytes);
    !spoilt
}

/// Topics of a few letters, so that many begin alike; sometimes one of any bytes, or a long one.
pub(super) fn topic(input: &mut Input<'_>) -> Vec<u8> {
    let choice = input.byte();
    let length = usize::from(choice % 16);
    match choice / 16 {
        0..=9 => {
            let letters = input.number();
            (0..length % 6).map(|place| b'a' + (letters >> (2 * place) & 3) as u8).collect()
        }
        10..=13 => input.bytes(length).to_vec(),
        _ => vec![b'a' + (choice & 1); input.pick(&[60, 64, 65, 254, 255, 256, 1_000])],
    }
}

/// A run of messages alike, numbered where there is room, perhaps with PINGs between their frames.
pub(super) fn messages(input: &mut Input<'_>, number: &mut u16, out: &mut Vec<u8>) {
    let topic = topic(input);
    let shape = input.byte();
    let bodies = [1, 1, 2, 0, 1, 5, 3, 9][usize::from(shape % 8)];
    let (long, pings) = (shape & 0x10 != 0, shape & 0x60 == 0x60);
    let repeats = if shape & 0x80 != 0 { 1 + input.below(40) } else { 1 };
    let length = input.pick(&BODY_BYTES);
    for _ in 0..repeats {
        frame(u8::from(bodies > 0), &topic, long, out);
        for left in (0..bodies).rev() {
            if pings {
                ping(*number as u8, out);
            }
            let mut body = vec![b'.'; length];
            if let Some(head) = body.first_chunk_mut() {
                *head = number.to_be_bytes();
            }
            frame(u8::from(left > 0), &body, long, out);
        }
        *number = number.wrapping_add(1);
    }
}

/// One subscription or several, in one of the two forms, or in one message.
pub(super) fn subscriptions(input: &mut Input<'_>, out: &mut Vec<u8>) {
    let shape = input.byte();
    let count = 1 + usize::from(shape >> 2 & 3);
    for left in (0..count).rev() {
        let (subscribe, topic) = (input.byte() % 4 != 3, topic(input));
        let head = u8::from(subscribe);
        match shape % 4 {
            0 => frame(0, &[&[head], &topic[..]].concat(), false, out),
            1 => frame(u8::from(left > 0), &[&[head], &topic[..]].concat(), false, out),
            _ if subscribe => command(b"SUBSCRIBE", &topic, out),
            _ => command(b"CANCEL", &topic, out),
        }
    }
    if shape & 0x30 == 0x30 {
        ping(shape, out);
    }
}

pub(super) fn ping(context: u8, out: &mut Vec<u8>) {
    command(b"PING", &[0, 0, context], out);
}
