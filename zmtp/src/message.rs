//! A message as applications see it: frames, without their headers.

use bytes::{Bytes, BytesMut};

use crate::codec::{FRAME_HEADER_BYTES_MAX, FrameHeader, Frames};

/// A multipart message: one frame at least. Cloning shares the frames' bytes.
#[derive(Clone, Debug)]
pub struct Message(Body);

/// Nearly all messages have one frame or two, and these need no memory beside their bytes.
#[derive(Clone, Debug)]
enum Body {
    One([Bytes; 1]),
    Two([Bytes; 2]),
    More(Vec<Bytes>),
}

impl Message {
    /// A message of these frames.
    ///
    /// # Panics
    ///
    /// If there is none: ZMTP has no such message.
    pub fn new(frames: Vec<Bytes>) -> Self {
        assert!(!frames.is_empty(), "a message has at least one frame");
        frames.into_iter().collect::<Gathered>().into_message()
    }

    /// A message of one frame.
    pub fn single(frame: impl Into<Bytes>) -> Self {
        Self(Body::One([frame.into()]))
    }

    /// A message of two frames: a publication's topic and body, or REQ's delimiter and a request.
    pub fn pair(first: impl Into<Bytes>, second: impl Into<Bytes>) -> Self {
        Self(Body::Two([first.into(), second.into()]))
    }

    /// The frames, one at least.
    pub fn frames(&self) -> &[Bytes] {
        match &self.0 {
            Body::One(frames) => frames,
            Body::Two(frames) => frames,
            Body::More(frames) => frames,
        }
    }

    /// The first frame: a publication's topic.
    pub fn first(&self) -> &Bytes {
        &self.frames()[0]
    }

    /// The frames, one at least, by value.
    pub fn into_frames(self) -> Vec<Bytes> {
        match self.0 {
            Body::One(frames) => frames.into(),
            Body::Two(frames) => frames.into(),
            Body::More(frames) => frames,
        }
    }

    /// Both frames by value, if there are two.
    pub fn into_pair(self) -> Result<[Bytes; 2], Self> {
        match self.0 {
            Body::Two(frames) => Ok(frames),
            body @ (Body::One(_) | Body::More(_)) => Err(Self(body)),
        }
    }

    /// Bytes of all frames' bodies.
    pub fn byte_len(&self) -> usize {
        self.frames().iter().map(Bytes::len).sum()
    }

    /// Bytes on the wire at most: bodies and headers. What queues charge for.
    pub(crate) fn weight(&self) -> usize {
        self.byte_len() + self.frames().len() * FRAME_HEADER_BYTES_MAX
    }

    /// The message in whole frames as they came; commands between them are left out. The message's frames become
    /// slices of `wire`, which they keep alive.
    pub(crate) fn from_wire(wire: &Bytes) -> Self {
        let body = |range: std::ops::Range<usize>| {
            if range.is_empty() { Bytes::new() } else { wire.slice(range) }
        };
        let frames = Frames::new(wire).filter(|frame| !frame.command).map(|frame| body(frame.range));
        frames.collect::<Gathered>().into_message()
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
        frames.map(|frame| Bytes::copy_from_slice(frame.body)).collect::<Gathered>().into_message()
    }

    /// Appends the message as it goes over the wire, bodies copied.
    pub(crate) fn encode(&self, out: &mut BytesMut) {
        out.reserve(self.weight());
        let frames = self.frames();
        let last = frames.len() - 1;
        for (index, frame) in frames.iter().enumerate() {
            FrameHeader::message(index < last, frame.len()).encode(out);
            out.extend_from_slice(frame);
        }
    }

    /// Puts REQ's empty delimiter before the frames (RFC 28).
    pub(crate) fn delimit(self) -> Self {
        match self.0 {
            Body::One([frame]) => Self::pair(Bytes::new(), frame),
            Body::Two(frames) => Self(Body::More([Bytes::new()].into_iter().chain(frames).collect())),
            Body::More(mut frames) => {
                frames.insert(0, Bytes::new());
                Self(Body::More(frames))
            }
        }
    }

    /// Takes the delimiter away; `None` if there is none or nothing follows it.
    pub(crate) fn undelimit(self) -> Option<Self> {
        if !self.first().is_empty() {
            return None;
        }
        match self.0 {
            Body::One(_) => None,
            Body::Two([_, frame]) => Some(Self::single(frame)),
            Body::More(frames) => Some(frames.into_iter().skip(1).collect::<Gathered>().into_message()),
        }
    }
}

impl PartialEq for Message {
    fn eq(&self, other: &Self) -> bool {
        self.frames() == other.frames()
    }
}

impl Eq for Message {}

/// Frames on their way to being a message.
struct Gathered(Option<Body>);

impl Gathered {
    fn into_message(self) -> Message {
        Message(self.0.expect("whole frames of a message are one at least"))
    }
}

impl FromIterator<Bytes> for Gathered {
    fn from_iter<I: IntoIterator<Item = Bytes>>(frames: I) -> Self {
        let mut frames = frames.into_iter();
        let Some(first) = frames.next() else { return Self(None) };
        let Some(second) = frames.next() else { return Self(Some(Body::One([first]))) };
        let Some(third) = frames.next() else { return Self(Some(Body::Two([first, second]))) };
        Self(Some(Body::More([first, second, third].into_iter().chain(frames).collect())))
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
    fn frames_go_in_and_come_out_in_order_however_many() {
        for count in 1..=4 {
            let frames: Vec<Bytes> = (0..count).map(|number: u8| vec![number].into()).collect();
            let message = Message::new(frames.clone());
            assert_eq!((message.frames(), message.first()), (&frames[..], &frames[0]));
            assert_eq!(message.clone().into_pair().is_ok(), count == 2);
            assert_eq!(message.into_frames(), frames);
        }
        assert_eq!(Message::pair("a", "b").into_pair(), Ok([Bytes::from("a"), Bytes::from("b")]));
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
        let message = Message::single("x").delimit();
        assert_eq!(message.frames(), [Bytes::new(), Bytes::from("x")]);
        assert_eq!(message.undelimit(), Some(Message::single("x")));
        assert_eq!(Message::single("x").undelimit(), None);
        assert_eq!(Message::single("").undelimit(), None);
        assert_eq!(Message::new(vec!["x".into(), "".into()]).undelimit(), None);
        for count in 1..=4 {
            let message = Message::new((0..count).map(|number: u8| vec![number].into()).collect());
            let delimited = message.clone().delimit();
            assert_eq!((delimited.frames().len(), delimited.first().len()), (count as usize + 1, 0));
            assert_eq!(delimited.frames()[1..], *message.frames());
            assert_eq!(delimited.undelimit(), Some(message));
        }
    }
}
