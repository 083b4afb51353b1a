use std::io::IoSlice;

use bytes::BytesMut;

use super::spoken;
use crate::codec::FrameError;
use crate::curve::channel::{Channel, ChannelError};

/// Frames of every form, and what is in them.
fn frames() -> Vec<Vec<u8>> {
    let long = |flags: u8, len: usize| [&[flags][..], &(len as u64).to_be_bytes(), &vec![7; len]].concat();
    vec![
        b"\x00\x00".to_vec(),
        b"\x01\x05geral".to_vec(),
        b"\x00\x02oi".to_vec(),
        b"\x04\x07\x04PING\0\0".to_vec(),
        [&[1, 222][..], &[7; 222]].concat(),
        [&[0, 223][..], &[7; 223]].concat(),
        [&[1, 255][..], &[7; 255]].concat(),
        long(2, 256),
        long(3, 1_000),
        long(6, 300),
    ]
}

fn channels() -> [Channel; 2] {
    spoken().channels
}

fn seal(channel: &mut Channel, plain: &[u8]) -> Vec<u8> {
    let mut sealed = BytesMut::new();
    let taken = channel.sealer.seal(&[IoSlice::new(plain)], &mut sealed, usize::MAX);
    assert_eq!(taken, Ok(plain.len()));
    sealed.to_vec()
}

fn open(channel: &mut Channel, sealed: &[u8]) -> Result<Option<Vec<u8>>, ChannelError> {
    let mut bytes = sealed.to_vec();
    let opened = channel.opener.open(&mut bytes)?;
    Ok(opened.map(|plain| {
        assert_eq!(plain.end, bytes.len());
        bytes[plain].to_vec()
    }))
}

#[test]
fn every_frame_comes_back_in_both_directions() {
    let [mut server, mut client] = channels();
    for frame in frames() {
        let sealed = seal(&mut server, &frame);
        let overhead = if sealed.len() < 258 { 2 } else { 9 } + 33;
        let body = if frame[0] & 2 == 0 { frame.len() - 2 } else { frame.len() - 9 };
        assert_eq!(sealed.len(), overhead + body);
        assert_eq!(open(&mut client, &sealed), Ok(Some(frame.clone())));
        let sealed = seal(&mut client, &frame);
        assert_eq!(open(&mut server, &sealed), Ok(Some(frame)));
    }
}

#[test]
fn a_message_is_an_ordinary_frame_and_may_be_a_command() {
    let [mut server, mut client] = channels();
    let mut sealed = seal(&mut server, b"\x00\x02oi");
    assert_eq!(sealed[..10], *b"\x00\x23\x07MESSAGE");
    assert_eq!(sealed[10..18], 2_u64.to_be_bytes(), "READY had the first nonce");
    sealed[0] = 4;
    assert_eq!(open(&mut client, &sealed), Ok(Some(b"\x00\x02oi".to_vec())));
}

#[test]
fn plain_bytes_in_any_pieces_are_sealed_alike() {
    let plain = frames().concat();
    let whole = seal(&mut channels()[0], &plain);
    for piece in [1, 2, 5, 9, 10, 100, 700] {
        let mut server = channels().into_iter().next().unwrap();
        let sealed: Vec<u8> = plain.chunks(piece).flat_map(|part| seal(&mut server, part)).collect();
        assert_eq!(sealed, whole, "one after the other, {piece} bytes each");
        assert_eq!(server.sealer.unfinished(), 0);

        let slices: Vec<IoSlice<'_>> = plain.chunks(piece).map(IoSlice::new).collect();
        let mut out = BytesMut::new();
        let mut server = channels().into_iter().next().unwrap();
        assert_eq!(server.sealer.seal(&slices, &mut out, usize::MAX), Ok(plain.len()));
        assert_eq!(out, whole, "in slices of {piece}");
    }
}

#[test]
fn what_is_sealed_at_a_time_is_bounded_to_one_frame_more() {
    let frame = [&[0, 100][..], &[7; 100]].concat();
    let plain = frame.repeat(100);
    let [mut server, _] = channels();
    let (mut taken, mut calls) = (0, 0);
    while taken < plain.len() {
        let mut out = BytesMut::new();
        let count = server.sealer.seal(&[IoSlice::new(&plain[taken..])], &mut out, 1_000).unwrap();
        assert!(count.is_multiple_of(frame.len()) && out.len() < 1_000 + 135);
        taken += count;
        calls += 1;
    }
    assert_eq!(calls, 13);
}

#[test]
fn every_shorter_prefix_asks_for_more() {
    let [mut server, mut client] = channels();
    for frame in frames() {
        let sealed = seal(&mut server, &frame);
        for end in 0..sealed.len() {
            assert!(!client.opener.has_next(&sealed[..end]));
            assert_eq!(open(&mut client, &sealed[..end]), Ok(None));
        }
        assert!(client.opener.has_next(&sealed));
        assert_eq!(open(&mut client, &sealed), Ok(Some(frame)));
    }
}

#[test]
fn a_message_with_any_bit_changed_is_never_opened() {
    let [mut server, mut client] = channels();
    let sealed = seal(&mut server, b"\x01\x05geral");
    // But for the flag that makes it a command, which means nothing outside.
    for bit in (0..sealed.len() * 8).filter(|bit| *bit != 2) {
        let mut changed = sealed.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        // Declared longer, it may ask for more.
        assert!(!matches!(open(&mut client, &changed), Ok(Some(_))), "bit {bit}");
    }
    assert_eq!(open(&mut client, &sealed), Ok(Some(b"\x01\x05geral".to_vec())));
}

#[test]
fn repeated_and_reordered_messages_are_refused() {
    let [mut server, mut client] = channels();
    let [first, second, third] =
        [b"\x00\x01a", b"\x00\x01b", b"\x00\x01c"].map(|frame| seal(&mut server, frame));
    assert!(matches!(open(&mut client, &first), Ok(Some(_))));
    assert_eq!(open(&mut client, &first), Err(ChannelError::Nonce { counter: 2, last: 2 }));
    assert!(matches!(open(&mut client, &third), Ok(Some(_))));
    assert_eq!(open(&mut client, &second), Err(ChannelError::Nonce { counter: 3, last: 4 }));
}

#[test]
fn what_one_side_sealed_is_not_taken_for_the_others() {
    let [mut server, mut client] = channels();
    seal(&mut client, b"\x00\x02oi");
    let sealed = seal(&mut client, b"\x00\x02oi");
    assert_eq!(open(&mut client, &sealed), Err(ChannelError::Forged));
    assert!(matches!(open(&mut server, &sealed), Ok(Some(_))));
}

#[test]
fn what_is_not_sealed_is_refused_as_soon_as_it_can_be_seen() {
    let [mut server, mut client] = channels();
    let too_long = [&[2][..], &1_034_u64.to_be_bytes()].concat();
    let endless = [&[2][..], &(1_u64 << 47).to_be_bytes()].concat();
    for (bytes, expect) in [
        (&b"\x00\x02oi"[..], ChannelError::TooShort(2)),
        (b"\x00\x20", ChannelError::TooShort(32)),
        (b"\x01\x40", ChannelError::NoMessage),
        (b"\x00\x40x", ChannelError::NoMessage),
        (b"\x00\x40\x07MESSAGX", ChannelError::NoMessage),
        (b"\x08", FrameError::ReservedFlags(8).into()),
        (b"\x05", FrameError::CommandWithMore.into()),
        (&too_long, ChannelError::TooLong { max: 1_000 }),
        (&endless, ChannelError::TooLong { max: 1_000 }),
    ] {
        assert!(client.opener.has_next(bytes));
        assert_eq!(open(&mut client, bytes), Err(expect.clone()), "{bytes:02x?}");
        assert_eq!(open(&mut client, bytes), Err(expect), "and again");
    }
    let sealed = seal(&mut server, &[&[2][..], &1_000_u64.to_be_bytes(), &[7; 1_000]].concat());
    assert!(matches!(open(&mut client, &sealed), Ok(Some(_))));
}

#[test]
fn flags_that_curve_does_not_have_are_refused_even_if_they_are_sealed() {
    for flags in 3..=u8::MAX {
        let [mut server, mut client] = channels();
        let mut sealed = [b"\x00\x21\x07MESSAGE", &9_u64.to_be_bytes()[..], &[0; 16], &[flags]].concat();
        server.sealer.key.seal(9, &mut sealed[18..]);
        assert_eq!(open(&mut client, &sealed), Err(ChannelError::Flags(flags)));
    }
}

#[test]
fn an_error_is_found_again_in_what_a_read_failed_with() {
    let error = std::io::Error::from(ChannelError::Forged);
    assert_eq!(ChannelError::of(&error), Some(&ChannelError::Forged));
    assert_eq!(error.to_string(), "a sealed message that was changed on its way");
    assert_eq!(ChannelError::of(&std::io::ErrorKind::InvalidData.into()), None);
}
