//! A message as applications see it: frames, without their headers.

use bytes::{Bytes, BytesMut};

use crate::codec::{FRAME_HEADER_BYTES_MAX, FrameHeader, Frames};

/// A multipart message: one frame at least. Cloning shares the frames' bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message(Vec<Bytes>);

impl Message {
    /// A message of these frames.
    ///
    /// # Panics
    ///
    /// If there is none: ZMTP has no such message.
    pub fn new(frames: Vec<Bytes>) -> Self {
        assert!(!frames.is_empty(), "a message has at least one frame");
        Self(frames)
    }

    /// A message of one frame.
    pub fn single(frame: impl Into<Bytes>) -> Self {
        Self(vec![frame.into()])
    }

    /// The frames, one at least.
    pub fn frames(&self) -> &[Bytes] {
        &self.0
    }

    /// The first frame: a publication's topic.
    pub fn first(&self) -> &Bytes {
        &self.0[0]
    }

    /// The frames, one at least, by value.
    pub fn into_frames(self) -> Vec<Bytes> {
        self.0
    }

    /// Bytes of all frames' bodies.
    pub fn byte_len(&self) -> usize {
        self.0.iter().map(Bytes::len).sum()
    }

    /// Bytes on the wire at most: bodies and headers. What queues charge for.
    pub(crate) fn weight(&self) -> usize {
        self.byte_len() + self.0.len() * FRAME_HEADER_BYTES_MAX
    }

    /// The message in whole frames as they came; commands between them are left out. The message's frames become
    /// slices of `wire`, which they keep alive.
    pub(crate) fn from_wire(wire: &Bytes) -> Self {
        let body = |range: std::ops::Range<usize>| {
            if range.is_empty() { Bytes::new() } else { wire.slice(range) }
        };
        Self(Frames::new(wire).filter(|frame| !frame.command).map(|frame| body(frame.range)).collect())
    }

    /// The same with frames of their own: `wire` may be used again.
    pub(crate) fn copied_from_wire(wire: &[u8]) -> Self {
        let mut bodies = Frames::new(wire).filter(|frame| !frame.command && !frame.body.is_empty());
        let shared =
            (bodies.next().is_some() && bodies.next().is_some()).then(|| Bytes::copy_from_slice(wire));
        if let Some(shared) = shared {
            return Self::from_wire(&shared);
        }
        let frames = Frames::new(wire).filter(|frame| !frame.command);
        Self(frames.map(|frame| Bytes::copy_from_slice(frame.body)).collect())
    }

    /// Appends the message as it goes over the wire, bodies copied.
    pub(crate) fn encode(&self, out: &mut BytesMut) {
        out.reserve(self.weight());
        let last = self.0.len() - 1;
        for (index, frame) in self.0.iter().enumerate() {
            FrameHeader::message(index < last, frame.len()).encode(out);
            out.extend_from_slice(frame);
        }
    }

    /// Puts REQ's empty delimiter before the frames (RFC 28).
    pub(crate) fn delimit(&mut self) {
        self.0.insert(0, Bytes::new());
    }

    /// Takes the delimiter away; `None` if there is none or nothing follows it.
    pub(crate) fn undelimit(mut self) -> Option<Self> {
        if self.0.len() < 2 || !self.0[0].is_empty() {
            return None;
        }
        self.0.remove(0);
        Some(self)
    }
}

impl<T: Into<Bytes>> From<T> for Message {
    fn from(frame: T) -> Self {
        Self::single(frame)
    }
}

#[cfg(test)]
mod tests {
    use bytes::{Bytes, BytesMut};

    use super::Message;

    fn round_trip(frames: &[&'static [u8]]) {
        let message = Message::new(frames.iter().map(|frame| Bytes::from_static(frame)).collect());
        let mut wire = BytesMut::new();
        message.encode(&mut wire);
        let wire = wire.freeze();
        assert_eq!(Message::from_wire(&wire), message);
        assert_eq!(Message::copied_from_wire(&wire), message);
    }

    #[test]
    fn frames_come_back_from_the_wire() {
        round_trip(&[b""]);
        round_trip(&[b"a"]);
        round_trip(&[b"", b"body"]);
        round_trip(&[b"topic", b"body"]);
        round_trip(&[b"", b"", b"x", b""]);
        round_trip(&[&[7; 255], &[8; 256], &[9; 70_000]]);
    }

    #[test]
    fn commands_between_frames_are_left_out() {
        let wire = b"\x01\x01a\x04\x05\x04PING\x00\x01b";
        let expect = Message::new(vec![Bytes::from_static(b"a"), Bytes::from_static(b"b")]);
        assert_eq!(Message::from_wire(&Bytes::from_static(wire)), expect);
        assert_eq!(Message::copied_from_wire(wire), expect);
    }

    #[test]
    fn the_delimiter_is_put_and_taken() {
        let mut message = Message::single("x");
        message.delimit();
        assert_eq!(message.frames(), [Bytes::new(), Bytes::from("x")]);
        assert_eq!(message.undelimit(), Some(Message::single("x")));
        assert_eq!(Message::single("x").undelimit(), None);
        assert_eq!(Message::single("").undelimit(), None);
        assert_eq!(Message::new(vec!["x".into(), "".into()]).undelimit(), None);
    }
}
