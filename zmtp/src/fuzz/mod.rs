//! What must hold for any bytes whatever: the bodies of the fuzz targets in `zmtp/fuzz`. The ordinary tests run the
//! same bodies over the committed corpus and over mutations of it. Each panics when its property does not hold.

mod curve;

use std::collections::BTreeSet;

use bytes::{Bytes, BytesMut};

use crate::codec::{
    Command, FrameError, FrameHeader, Frames, Handshake, HandshakeConfig, HandshakeError, Item,
    MessageLimits, MessageSplitter, Progress, SocketType, Subscription, TopicSet, Welcome, subscription_of,
};
use crate::curve::{PublicKey, Security};
use crate::message::Message;

pub use curve::curve;

/// Small, so that short inputs reach them.
const LIMITS: MessageLimits =
    MessageLimits { message_bytes_max: 512, message_frames_max: 6, command_bytes_max: 128 };

const TOPICS_MAX: usize = 8;
const TOPIC_BYTES_MAX: usize = 64;

/// Traffic after the handshake. The first byte says in how large pieces the rest arrives.
///
/// Pieces change nothing; a message's frames come back from its bytes, and its bytes from its frames; what waits for
/// more stays within the limits; subscriptions match as a plain search says.
pub fn stream(data: &[u8]) {
    let Some((&piece, bytes)) = data.split_first() else { return };
    let whole = split(bytes, bytes.len().max(1));
    assert_eq!(split(bytes, usize::from(piece).max(1)), whole, "in pieces of {piece}");
    let mut topics = Topics::new();
    for item in &whole.0 {
        check_item(item);
        Frames::new(item.bytes())
            .filter_map(|frame| subscription_of(&frame))
            .for_each(|one| topics.apply(one));
    }
    for item in &whole.0 {
        Frames::new(item.bytes()).for_each(|frame| topics.check(frame.body));
    }
}

/// A handshake's bytes, in one piece and byte by byte: the same outcome, the same bytes sent, the same rest. Whoever counts as having a key
/// has the same outcome, too, but for that key.
pub fn handshake(data: &[u8]) {
    let whole = shake_hands(data, data.len().max(1), Security::Null);
    assert_eq!(shake_hands(data, 1, Security::Null), whole);
    let key = PublicKey::from_bytes([7; 32]);
    let mut standing_in = shake_hands(data, data.len().max(1), Security::NullAs(key));
    assert_eq!(shake_hands(data, 1, Security::NullAs(key)), standing_in);
    if let Ok(Progress::Done(peer)) = &mut standing_in.0 {
        assert_eq!(peer.key.take(), Some(key));
        assert_eq!(standing_in, whole);
    }
    assert_eq!(standing_in.0, whole.0);
}

/// A command's body: what is understood is written and read back alike.
pub fn command(data: &[u8]) {
    let Ok(command) = Command::decode(data) else { return };
    let mut frame = BytesMut::new();
    command.encode(&mut frame);
    let header = FrameHeader::decode(&frame).expect("our own header").expect("a whole one");
    assert!(header.command && header.frame_len() == Some(frame.len()));
    assert_eq!(Command::decode(&frame[header.header_len..]), Ok(command));
}

/// An item as the bytes of its frames.
#[derive(Debug, PartialEq, Eq)]
enum Seen {
    Message { bytes: Vec<u8>, first: Vec<u8>, frames: usize, interleaved: bool },
    Command(Vec<u8>),
}

impl Seen {
    /// Whole frames; a command's body stands for itself.
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Message { bytes, .. } => bytes,
            Self::Command(_) => &[],
        }
    }
}

fn split(bytes: &[u8], piece: usize) -> (Vec<Seen>, Option<FrameError>) {
    let waiting_max =
        LIMITS.message_bytes_max + LIMITS.command_bytes_max + 9 * (LIMITS.message_frames_max + 1);
    let mut splitter = MessageSplitter::new(LIMITS);
    let (mut buffer, mut seen) = (Vec::new(), Vec::new());
    for piece in bytes.chunks(piece) {
        buffer.extend_from_slice(piece);
        loop {
            match splitter.next_item(&buffer) {
                Ok(Some(Item::Message(span))) => seen.push(Seen::Message {
                    bytes: buffer[span.range].to_vec(),
                    first: buffer[span.first].to_vec(),
                    frames: span.frames,
                    interleaved: span.interleaved,
                }),
                Ok(Some(Item::Command(body))) => seen.push(Seen::Command(buffer[body].to_vec())),
                Ok(None) => break,
                Err(error) => return (seen, Some(error)),
            }
        }
        buffer.drain(..splitter.release());
        assert!(buffer.len() <= waiting_max, "{} bytes wait", buffer.len());
    }
    (seen, None)
}

fn check_item(item: &Seen) {
    let Seen::Message { bytes, first, frames, interleaved } = item else { return };
    let message = Message::from_wire(&Bytes::copy_from_slice(bytes));
    assert_eq!(Message::copied_from_wire(bytes), message);
    assert_eq!(message.frames().len(), *frames);
    assert_eq!(message.first(), first);
    assert!(message.byte_len() <= LIMITS.message_bytes_max && *frames <= LIMITS.message_frames_max);
    assert_eq!(Frames::new(bytes).any(|frame| frame.command), *interleaved);
    let mut again = BytesMut::new();
    message.encode(&mut again);
    assert_eq!(Message::copied_from_wire(&again), message);
}

type Shaken = (Result<Progress, HandshakeError>, Vec<u8>, Vec<u8>);

fn shake_hands(data: &[u8], piece: usize, security: Security) -> Shaken {
    let config = HandshakeConfig { security, ..HandshakeConfig::new(SocketType::Router) };
    let mut handshake = Handshake::new(config);
    let (mut buffer, mut sent) = (BytesMut::new(), handshake.take_outgoing().to_vec());
    let mut pieces = data.chunks(piece);
    let mut progress = Ok(Progress::NeedMore);
    while progress == Ok(Progress::NeedMore) {
        let Some(piece) = pieces.next() else { break };
        buffer.extend_from_slice(piece);
        progress = handshake.input(&mut buffer);
        if let Ok(Progress::Admit(_)) = progress {
            progress = handshake.admit(Welcome::Yes);
        }
        sent.extend_from_slice(&handshake.take_outgoing());
    }
    // After an error what is left is nobody's.
    let rest = if progress.is_ok() {
        [&buffer[..], &pieces.collect::<Vec<_>>().concat()].concat()
    } else {
        Vec::new()
    };
    (progress, sent, rest)
}

/// The set under test beside a plain one.
struct Topics {
    set: TopicSet,
    plain: BTreeSet<Vec<u8>>,
}

impl Topics {
    fn new() -> Self {
        Self { set: TopicSet::new(TOPICS_MAX, TOPIC_BYTES_MAX), plain: BTreeSet::new() }
    }

    fn apply(&mut self, subscription: Subscription<'_>) {
        match subscription {
            Subscription::Subscribe(topic) => {
                if self.set.insert(topic).is_ok() {
                    self.plain.insert(topic.to_vec());
                }
            }
            Subscription::Cancel(topic) => assert_eq!(self.set.remove(topic), self.plain.remove(topic)),
        }
        assert!(
            self.set.len() <= TOPICS_MAX && self.set.iter().map(Bytes::len).sum::<usize>() <= TOPIC_BYTES_MAX
        );
        assert!(self.set.iter().eq(self.plain.iter()));
    }

    fn check(&self, subject: &[u8]) {
        let expect = self.plain.iter().any(|topic| subject.starts_with(topic));
        assert_eq!(self.set.matches(subject), expect, "{subject:?} among {:?}", self.plain);
    }
}
