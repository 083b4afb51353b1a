//! What a user sent to another one, as the sender's other devices hear of it.

use thiserror::Error;

use crate::act::ACTS_PREFIX;
use crate::name::UserName;
use crate::publication::{Publication, PublicationError};
use crate::timestamp::Timestamp;
use crate::wire::{Reader, Value, Writer};

/// What the topics begin with on which is published what somebody sent to users. The sender's name follows.
pub const SENT_PREFIX: &str = "_sent.";

/// A direct message or a direct act as its sender's other devices hear of it: what was published, and to whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SentPublication {
    /// As it was published; its topic is the receiver's name.
    pub publication: Publication,
    /// Who receives it.
    pub to: UserName,
}

/// Why something published is nothing that was sent. Anyone may publish to a broker: it is to be passed over.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SentPublicationError {
    /// The topic is not [`SENT_PREFIX`] and the sender's name.
    #[error("the topic is not the sender's")]
    Topic,
    /// The map does not say to whom.
    #[error("`to` is missing or no user's name")]
    To,
    /// It is no publication.
    #[error(transparent)]
    Publication(#[from] PublicationError),
}

impl SentPublication {
    /// Where it is published what a user sent to others, as to be subscribed to.
    pub fn topic_of(sender: &UserName) -> String {
        format!("{SENT_PREFIX}{sender}")
    }

    /// Appends the second frame. The first is [`SentPublication::topic_of`] the sender.
    pub fn encode_payload(&self, out: &mut Vec<u8>) {
        Writer::new(out).map(|map| {
            self.publication.as_outgoing().encode_keys(map);
            map.key("to").text(self.to.as_str());
        });
    }

    /// Reads both frames, as [`Publication::decode`] does.
    pub fn decode(topic: &[u8], payload: &[u8], received: Timestamp) -> Result<Self, SentPublicationError> {
        let name = str::from_utf8(topic).ok().and_then(|topic| topic.strip_prefix(SENT_PREFIX));
        let name = name.ok_or(SentPublicationError::Topic)?;
        let Value::Map(items) = Reader::new(payload).value().map_err(PublicationError::from)? else {
            return Err(PublicationError::NoMap.into());
        };
        let (mut to, mut kind) = (None, None);
        for (key, value) in items.pairs() {
            match key {
                b"to" => to = value.unless_nil(),
                b"kind" => kind = value.unless_nil(),
                _ => {}
            }
        }
        let to = to.and_then(Value::as_text).and_then(|name| UserName::parse(name).ok());
        let to = to.ok_or(SentPublicationError::To)?;
        let published_on = match kind {
            Some(_) => format!("{ACTS_PREFIX}{to}"),
            None => to.as_str().to_owned(),
        };
        let publication = Publication::decode(published_on.as_bytes(), payload, received)?;
        if publication.sender().as_str() != name {
            return Err(SentPublicationError::Topic);
        }
        Ok(Self { publication, to })
    }
}

#[cfg(test)]
mod tests {
    use super::{SentPublication, SentPublicationError};
    use crate::act::{ActKind, Manner};
    use crate::id::MessageId;
    use crate::name::UserName;
    use crate::publication::{Publication, PublicationBody, PublicationError};
    use crate::timestamp::Timestamp;

    const RECEIVED: Timestamp = Timestamp::from_seconds(5);

    fn sent(kind: Option<ActKind>) -> (SentPublication, Vec<u8>) {
        let user = |name| UserName::parse(name).unwrap();
        let publication = Publication {
            topic: "bob".to_owned(),
            body: PublicationBody::Direct { from: user("ana") },
            message: "oi".to_owned(),
            timestamp: Timestamp::from_seconds(4),
            clock: Some(2),
            id: None,
            seq: Some(3),
            epoch: None,
            time_ms: Some(4_000),
            kind,
            manner: Manner { target: Some(MessageId::from_bytes([7; 16])), style: None },
            edited: false,
            deleted: false,
            acts: Vec::new(),
        };
        let sent = SentPublication { publication, to: user("bob") };
        let mut payload = Vec::new();
        sent.encode_payload(&mut payload);
        (sent, payload)
    }

    #[test]
    fn messages_and_acts_are_read_as_they_were_published() {
        for kind in [None, Some(ActKind::Edit)] {
            let (sent, payload) = sent(kind);
            assert_eq!(SentPublication::topic_of(sent.publication.sender()), "_sent.ana");
            assert_eq!(SentPublication::decode(b"_sent.ana", &payload, RECEIVED), Ok(sent));
        }
    }

    #[test]
    fn every_shorter_payload_is_refused() {
        let (_, payload) = sent(None);
        for length in 0..payload.len() {
            let read = SentPublication::decode(b"_sent.ana", &payload[..length], RECEIVED);
            let malformed = |error: &SentPublicationError| {
                matches!(error, SentPublicationError::Publication(PublicationError::Malformed(_)))
            };
            assert!(read.as_ref().is_err_and(malformed), "{length}: {read:?}");
        }
    }

    #[test]
    fn what_another_sent_or_to_nobody_is_an_error() {
        let (_, payload) = sent(None);
        for topic in ["ana", "_sent.", "_sent.an", "_sent.anabel"] {
            let read = SentPublication::decode(topic.as_bytes(), &payload, RECEIVED);
            assert_eq!(read, Err(SentPublicationError::Topic), "{topic}");
        }
        let read = SentPublication::decode(b"_sent.ana", b"\x80", RECEIVED);
        assert_eq!(read, Err(SentPublicationError::To));
    }
}
