//! The frames around a request: REQ's empty delimiter, or none. The reply gets the same.

use bytes::Bytes;
use recado_zmtp::Message;

/// What stands before a request's frame, and will stand before the reply's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Envelope {
    /// Nothing: a DEALER that sends bare requests.
    None,
    /// The empty frame that REQ puts there (RFC 28).
    Delimiter,
    /// Names of the proxies on the way, and the empty frame.
    Route(Vec<Bytes>),
}

/// A message that holds something else than one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NotOneFrame;

impl Envelope {
    /// Takes a message apart. The envelope is there in any case, so that the fault can be answered.
    pub(super) fn open(message: Message) -> (Self, Result<Bytes, NotOneFrame>) {
        let message = match message.into_pair() {
            Ok([first, body]) if first.is_empty() => return (Envelope::Delimiter, Ok(body)),
            Ok([first, second]) => Message::pair(first, second),
            Err(message) => message,
        };
        let mut frames = message.into_frames();
        let delimiter = frames.iter().position(Bytes::is_empty);
        let (envelope, bodies) = match delimiter {
            // A lone empty frame is an empty request.
            None => (Envelope::None, frames),
            Some(0) if frames.len() == 1 => (Envelope::None, frames),
            Some(0) => {
                frames.remove(0);
                (Envelope::Delimiter, frames)
            }
            Some(at) => {
                let bodies = frames.split_off(at + 1);
                (Envelope::Route(frames), bodies)
            }
        };
        match <[Bytes; 1]>::try_from(bodies) {
            Ok([body]) => (envelope, Ok(body)),
            Err(_) => (envelope, Err(NotOneFrame)),
        }
    }

    /// The reply as it goes out.
    pub(super) fn seal(self, body: Bytes) -> Message {
        match self {
            Envelope::None => Message::single(body),
            Envelope::Delimiter => Message::pair(Bytes::new(), body),
            Envelope::Route(mut frames) => {
                frames.push(body);
                Message::new(frames)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use recado_zmtp::Message;

    use super::Envelope;

    fn message(frames: &[&'static str]) -> Message {
        Message::new(frames.iter().map(|frame| Bytes::from_static(frame.as_bytes())).collect())
    }

    /// What a request of these frames is read as, and the frames that the reply has.
    fn check(frames: &[&'static str], request: Option<&str>, reply: &[&'static str]) {
        let (envelope, body) = Envelope::open(message(frames));
        assert_eq!(body.ok().as_deref(), request.map(str::as_bytes), "{frames:?}");
        assert_eq!(envelope.seal(Bytes::from_static(b"reply")), message(reply), "{frames:?}");
    }

    #[test]
    fn the_reply_has_the_envelope_of_its_request() {
        check(&["", "request"], Some("request"), &["", "reply"]);
        check(&["request"], Some("request"), &["reply"]);
        check(&["proxy", "", "request"], Some("request"), &["proxy", "", "reply"]);
        check(&["a", "b", "", "request"], Some("request"), &["a", "b", "", "reply"]);
    }

    #[test]
    fn what_is_not_one_request_can_be_answered_all_the_same() {
        check(&[""], Some(""), &["reply"]);
        check(&["", ""], Some(""), &["", "reply"]);
        check(&["", "one", "two"], None, &["", "reply"]);
        check(&["one", "two"], None, &["reply"]);
        check(&["proxy", ""], None, &["proxy", "", "reply"]);
    }
}
