use std::collections::VecDeque;
use std::io::{self, IoSlice};

use bytes::BytesMut;

use super::{COPIED_BYTES_MAX, Secured};
use crate::curve::ChannelError;
use crate::curve::tests::channels_of;
use crate::limits;

const FRAME_BYTES_MAX: usize = 1024 * 1024;

fn pair() -> [Secured; 2] {
    channels_of(FRAME_BYTES_MAX).map(|channel| Secured::new(channel, BytesMut::new()))
}

/// A wire: what was written and not yet read, and how much it takes or gives at a time and before it blocks.
struct Wire {
    bytes: VecDeque<u8>,
    bytes_a_call: usize,
    calls_left: usize,
}

impl Wire {
    fn new() -> Self {
        Self { bytes: VecDeque::new(), bytes_a_call: usize::MAX, calls_left: usize::MAX }
    }

    fn call(&mut self) -> io::Result<()> {
        self.calls_left = self.calls_left.checked_sub(1).ok_or(io::ErrorKind::WouldBlock)?;
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.call()?;
        let count = bytes.len().min(self.bytes_a_call);
        self.bytes.extend(&bytes[..count]);
        Ok(count)
    }

    /// Fills no more than the room there is, as the kernel does.
    fn read(&mut self, into: &mut BytesMut) -> io::Result<usize> {
        self.call()?;
        let room = into.capacity() - into.len();
        assert!(room > 0);
        let count = self.bytes.len().min(self.bytes_a_call).min(room);
        into.extend(self.bytes.drain(..count));
        if count == 0 { Err(io::ErrorKind::WouldBlock.into()) } else { Ok(count) }
    }
}

fn frame(len: usize) -> Vec<u8> {
    [&[2][..], &(len as u64).to_be_bytes(), &vec![7; len]].concat()
}

fn write(secured: &Secured, wire: &mut Wire, plain: &[u8]) -> io::Result<usize> {
    secured.write(&[IoSlice::new(plain)], |sealed| wire.write(sealed))
}

/// Reads into so much room.
fn read(secured: &Secured, wire: &mut Wire, room: usize) -> io::Result<Vec<u8>> {
    let mut plain = vec![0; room];
    let count = secured.read(&mut &mut plain[..], |inbound| wire.read(inbound))?;
    plain.truncate(count);
    Ok(plain)
}

fn is_blocked<T>(outcome: &io::Result<T>) -> bool {
    outcome.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
}

#[test]
fn as_long_as_sealed_bytes_wait_no_more_are_taken() {
    let [server, client] = pair();
    let mut wire = Wire { bytes_a_call: 7, calls_left: 1, ..Wire::new() };
    let plain = frame(300);
    assert_eq!(write(&server, &mut wire, &plain).unwrap(), plain.len(), "it takes a frame whole");
    let unsent = server.unsent();
    assert_eq!(unsent + 7, 9 + 33 + 300);
    assert!(is_blocked(&write(&server, &mut wire, &plain)));
    assert!(is_blocked(&server.flush(|sealed| wire.write(sealed))));
    assert_eq!(server.unsent(), unsent);
    wire.calls_left = 2;
    assert!(is_blocked(&server.flush(|sealed| wire.write(sealed))));
    assert_eq!(server.unsent(), unsent - 14);
    wire.calls_left = usize::MAX;
    server.flush(|sealed| wire.write(sealed)).unwrap();
    assert_eq!(server.unsent(), 0);
    assert_eq!(read(&client, &mut wire, 1_000).unwrap(), plain);
}

#[test]
fn what_is_sealed_ahead_is_bounded() {
    let [server, _] = pair();
    let mut blocked = Wire { calls_left: 0, ..Wire::new() };
    let plain = frame(1_000).repeat(500);
    let taken = write(&server, &mut blocked, &plain).unwrap();
    assert!(taken.is_multiple_of(1_009) && taken < plain.len());
    assert!(server.unsent() >= limits::WRITE_BYTES_MAX);
    assert!(server.unsent() < limits::WRITE_BYTES_MAX + 1_009 + 33);
    assert!(is_blocked(&write(&server, &mut blocked, &plain[taken..])));
}

#[test]
fn a_broken_wire_is_an_error_whether_or_not_bytes_were_taken() {
    let [server, _] = pair();
    let broken = |_: &[u8]| Err(io::Error::from(io::ErrorKind::BrokenPipe));
    let plain = frame(10);
    for _ in 0..2 {
        let outcome = server.write(&[IoSlice::new(&plain)], broken);
        assert_eq!(outcome.unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    }
    let [server, _] = pair();
    assert_eq!(
        server.write(&[IoSlice::new(&plain)], |_| Ok(0)).unwrap_err().kind(),
        io::ErrorKind::WriteZero
    );
    let mut wire = Wire::new();
    let outcome = write(&pair()[0], &mut wire, b"\xFF");
    assert_eq!(outcome.unwrap_err().kind(), io::ErrorKind::InvalidInput, "no frame begins so");
}

#[test]
fn frames_are_read_in_any_room_from_any_pieces() {
    let plain = [frame(300), vec![0, 0], vec![1, 2, b'o', b'i'], frame(70_000)].concat();
    for (bytes_a_call, room) in [(1, 1), (1, 100_000), (100_000, 1), (13, 17), (usize::MAX, 100_000)] {
        let [server, client] = pair();
        let mut wire = Wire::new();
        let mut taken = 0;
        while taken < plain.len() {
            taken += write(&server, &mut wire, &plain[taken..]).unwrap();
        }
        wire.bytes_a_call = bytes_a_call;
        let mut got = Vec::new();
        while got.len() < plain.len() {
            got.extend(read(&client, &mut wire, room).unwrap());
        }
        assert!(got == plain, "{bytes_a_call} {room}");
        assert!(!client.has_plain() && client.held_bytes() == 0);
        assert!(is_blocked(&read(&client, &mut wire, room)));
    }
}

#[test]
fn what_is_left_over_is_said_to_be_there() {
    let [server, client] = pair();
    let mut wire = Wire::new();
    write(&server, &mut wire, b"\x01\x02oi\x00\x02oi").unwrap();
    assert!(!client.has_plain(), "nothing was read yet");
    assert_eq!(read(&client, &mut wire, 3).unwrap(), b"\x01\x02o");
    assert!(client.has_plain());
    wire.calls_left = 0;
    assert_eq!(read(&client, &mut wire, 3).unwrap(), b"i\x00\x02");
    assert!(client.has_plain());
    assert_eq!(read(&client, &mut wire, 3).unwrap(), b"oi");
    assert!(!client.has_plain());
    assert_eq!(read(&client, &mut wire, 0).unwrap(), b"", "without room there is nothing to wait for");
}

#[test]
fn what_came_before_something_forged_is_read_first() {
    let [server, client] = pair();
    let mut wire = Wire::new();
    write(&server, &mut wire, b"\x00\x02oi\x00\x02oi").unwrap();
    let last = wire.bytes.len() - 1;
    wire.bytes[last] ^= 1;
    assert_eq!(read(&client, &mut wire, 100).unwrap(), b"\x00\x02oi");
    assert!(client.has_plain(), "an error is something to read");
    for _ in 0..2 {
        let error = read(&client, &mut wire, 100).unwrap_err();
        assert_eq!(ChannelError::of(&error), Some(&ChannelError::Forged));
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    }
}

#[test]
fn an_unfinished_frame_costs_what_has_come_of_it_and_no_more() {
    let [server, client] = pair();
    let mut wire = Wire::new();
    write(&server, &mut wire, &frame(FRAME_BYTES_MAX)).unwrap();
    let sealed: Vec<u8> = wire.bytes.drain(..).collect();
    let capacity = || super::lock(&client.reading).inbound.capacity();
    let mut came = 0;
    for part in [10, 100, 1_000, COPIED_BYTES_MAX - 2_000, 100_000, 500_000] {
        wire.bytes.extend(&sealed[came..came + part]);
        came += part;
        assert!(is_blocked(&read(&client, &mut wire, 100)));
        assert_eq!(client.held_bytes(), came);
        assert!(!client.has_plain());
        let allowed = if came <= COPIED_BYTES_MAX { 2 * came } else { 2 * came + limits::READ_BYTES_MAX };
        assert!(capacity() <= allowed, "{} for {came}", capacity());
    }
    wire.bytes.extend(&sealed[came..]);
    let mut got = 0;
    while got < 9 + FRAME_BYTES_MAX {
        got += read(&client, &mut wire, 100_000).unwrap().len();
    }
    assert_eq!((client.held_bytes(), capacity()), (0, 0));
}

#[test]
fn the_beginning_of_a_frame_that_is_written_is_kept_until_its_end_is() {
    let [server, client] = pair();
    let mut wire = Wire::new();
    let plain = frame(10_000);
    assert_eq!(write(&server, &mut wire, &plain[..5_000]).unwrap(), 5_000);
    assert_eq!((server.held_bytes(), server.unsent(), wire.bytes.len()), (5_000, 0, 0));
    assert_eq!(write(&server, &mut wire, &plain[5_000..]).unwrap(), 5_009);
    assert_eq!(server.held_bytes(), 0);
    assert_eq!(read(&client, &mut wire, 20_000).unwrap(), plain);
}
