//! Questions and answers as they travel: a question is a topic that the broker subscribes to, an answer a message on that topic.
//! Knows nothing of who asks.

use std::rc::Rc;
use std::str;

use recado_zmtp::codec::Frames;
use recado_zmtp::curve::PublicKey;

use crate::limits::{ASKED_TOPIC_BYTES_MAX, USER_BYTES_MAX};

/// What questions begin with, and no other topic does that anybody may subscribe to.
const PREFIX: &[u8] = b"_may.";
const KEY_DIGITS: usize = 64;

/// Where the topic begins that is asked about, behind a dot.
const TOPIC_AT: usize = PREFIX.len() + KEY_DIGITS + 1;

/// Whether a topic is a question's.
#[inline]
pub(crate) fn is_question(topic: &[u8]) -> bool {
    topic.starts_with(PREFIX)
}

/// Whose key is it?
pub(crate) fn of_key(key: &PublicKey) -> Rc<[u8]> {
    written(key).into()
}

/// May this key subscribe to exactly this topic?
pub(crate) fn of_topic(key: &PublicKey, topic: &[u8]) -> Rc<[u8]> {
    let mut question = written(key);
    question.push(b'.');
    question.extend_from_slice(topic);
    question.into()
}

/// The topic that a question asks about; none where it asks whose key it is.
pub(crate) fn topic_of(question: &[u8]) -> Option<&[u8]> {
    question.get(TOPIC_AT..)
}

/// Whether it can be asked at all. What cannot is nobody's to hear.
pub(crate) fn can_be_asked(topic: &[u8]) -> bool {
    !topic.is_empty() && topic.len() <= ASKED_TOPIC_BYTES_MAX && !is_question(topic)
}

fn written(key: &PublicKey) -> Vec<u8> {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut question = Vec::with_capacity(TOPIC_AT + ASKED_TOPIC_BYTES_MAX);
    question.extend_from_slice(PREFIX);
    for byte in key.as_bytes() {
        question.extend([DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
    }
    question
}

/// What a server said to a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer<'a> {
    /// The question, whole.
    pub question: &'a [u8],
    /// Yes: the key is somebody's, or may subscribe.
    pub granted: bool,
    /// Whose key it is; perhaps empty.
    pub user: &'a str,
}

impl<'a> Answer<'a> {
    /// Reads a whole message as it is on the wire: the question, `200` or `404`, the user. `None` if it is anything else.
    pub fn of_message(message: &'a [u8]) -> Option<Answer<'a>> {
        let mut frames = Frames::new(message);
        let (question, code, user) = (frames.next()?, frames.next()?, frames.next()?);
        if frames.next().is_some() || user.more || user.body.len() > USER_BYTES_MAX {
            return None;
        }
        let granted = match code.body {
            b"200" => true,
            b"404" => false,
            _ => return None,
        };
        Some(Answer { question: question.body, granted, user: str::from_utf8(user.body).ok()? })
    }
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;
    use recado_zmtp::codec::FrameHeader;

    use super::{
        ASKED_TOPIC_BYTES_MAX, Answer, PublicKey, USER_BYTES_MAX, can_be_asked, is_question, of_key,
        of_topic, topic_of,
    };

    fn message(frames: &[&[u8]]) -> BytesMut {
        let mut wire = BytesMut::new();
        for (place, frame) in frames.iter().enumerate() {
            FrameHeader::message(place + 1 < frames.len(), frame.len()).encode(&mut wire);
            wire.extend_from_slice(frame);
        }
        wire
    }

    #[test]
    fn a_question_is_the_key_in_hex_and_the_topic_as_it_is() {
        let mut bytes = [0; 32];
        (bytes[0], bytes[1], bytes[31]) = (0x01, 0xab, 0xf0);
        let key = PublicKey::from_bytes(bytes);
        let hex = format!("01ab{}f0", "00".repeat(29));
        assert_eq!(*of_key(&key), *format!("_may.{hex}").as_bytes());
        assert_eq!(*of_topic(&key, b"a.\xff\0"), [b"_may.", hex.as_bytes(), b".a.\xff\0"].concat());
        assert_eq!(topic_of(&of_key(&key)), None);
        assert_eq!(topic_of(&of_topic(&key, b"a.\xff\0")), Some(&b"a.\xff\0"[..]));
        assert!(is_question(&of_key(&key)) && is_question(b"_may.") && !is_question(b"_may"));
    }

    #[test]
    fn what_nobody_can_be_granted_is_not_asked() {
        let long = [b'a'; ASKED_TOPIC_BYTES_MAX + 1];
        for topic in [&b""[..], b"_may.", b"_may.x", &long] {
            assert!(!can_be_asked(topic), "{}", topic.escape_ascii());
        }
        for topic in [&b"a"[..], b"_may", b"may.", b"\0", &long[1..]] {
            assert!(can_be_asked(topic), "{}", topic.escape_ascii());
        }
    }

    #[test]
    fn an_answer_has_three_frames_and_one_of_two_codes() {
        let yes = message(&[b"_may.q", b"200", "aná".as_bytes()]);
        let answer = Answer { question: b"_may.q", granted: true, user: "aná" };
        assert_eq!(Answer::of_message(&yes), Some(answer));
        let no = message(&[b"_may.q", b"404", b""]);
        assert_eq!(Answer::of_message(&no), Some(Answer { granted: false, user: "", ..answer }));
        let long = [b'a'; USER_BYTES_MAX + 1];
        let others: [&[&[u8]]; 9] = [
            &[b"_may.q"],
            &[b"_may.q", b"200"],
            &[b"_may.q", b"200", b"ana", b""],
            &[b"_may.q", b"201", b"ana"],
            &[b"_may.q", b"", b"ana"],
            &[b"_may.q", b"200 ", b"ana"],
            &[b"_may.q", b"404\0", b""],
            &[b"_may.q", b"200", b"\xff"],
            &[b"_may.q", b"200", &long],
        ];
        for frames in others {
            assert_eq!(Answer::of_message(&message(frames)), None, "{frames:?}");
        }
        for end in 0..yes.len() {
            assert_eq!(Answer::of_message(&yes[..end]), None, "cut short at {end}");
        }
    }
}
