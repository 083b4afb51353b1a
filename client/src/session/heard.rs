//! What a session hears of beside the messages of the topics that it follows. It has no socket: it says what to subscribe to, and reads
//! what comes.

use std::collections::BTreeSet;

use recado_proto::{
    HERE_TOPIC, HerePublication, MARKS_PREFIX, MarkPublication, SENT_PREFIX, SentPublication, TYPING_PREFIX,
    Timestamp, TopicName, TypingPublication, UserName,
};
use tracing::debug;

use super::{RequestError, SessionEvent};
use crate::limits;

/// Something to hear of, on a topic of the system's own.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Hearing {
    /// This user's read marks that move: [`SessionEvent::Marked`].
    Marks(UserName),
    /// What this user sends to others: [`SessionEvent::Sent`].
    Sent(UserName),
    /// Who is typing in the channel or to the user of this name: [`SessionEvent::Typing`].
    Typing(TopicName),
    /// Who comes, goes or turns away: [`SessionEvent::Here`].
    Here,
}

impl Hearing {
    fn topic(&self) -> String {
        match self {
            Hearing::Marks(user) => MarkPublication::topic_of(user),
            Hearing::Sent(user) => SentPublication::topic_of(user),
            Hearing::Typing(topic) => TypingPublication::topic_of(topic),
            Hearing::Here => HERE_TOPIC.to_owned(),
        }
    }
}

/// What a publication on a topic of the system's is to this session.
#[derive(Debug, PartialEq)]
pub(super) enum Read {
    /// Worth an event; with the sender's clock.
    Event(Box<SessionEvent>, Option<u64>),
    /// Of such a kind, and not what is heard, or none at all.
    Nothing,
    /// Of no such kind.
    Other,
}

#[derive(Debug, Default)]
pub(super) struct Heard(BTreeSet<Hearing>);

impl Heard {
    /// The topic to subscribe to, if it is a new one.
    pub(super) fn hear(&mut self, hearing: Hearing) -> Result<Option<String>, RequestError> {
        if self.0.contains(&hearing) {
            return Ok(None);
        }
        if self.0.len() >= limits::HEARINGS_MAX {
            return Err(RequestError::TooManyTopics);
        }
        let topic = hearing.topic();
        self.0.insert(hearing);
        Ok(Some(topic))
    }

    /// The topic to subscribe to no longer, if it was one.
    pub(super) fn ignore(&mut self, hearing: &Hearing) -> Option<String> {
        self.0.remove(hearing).then(|| hearing.topic())
    }

    /// A publication, if it is one that is heard: a subscription is to all topics that begin alike.
    pub(super) fn read(&self, topic: &[u8], payload: &[u8]) -> Read {
        let received = Timestamp::now();
        if topic.starts_with(MARKS_PREFIX.as_bytes()) {
            self.event(MarkPublication::decode(topic, payload, received).map(|heard| {
                let event = SessionEvent::Marked { user: heard.user.clone(), mark: heard.mark };
                (Hearing::Marks(heard.user), event, heard.clock)
            }))
        } else if topic.starts_with(SENT_PREFIX.as_bytes()) {
            self.event(SentPublication::decode(topic, payload, received).map(|heard| {
                let (sender, clock) = (heard.publication.sender().clone(), heard.publication.clock);
                let event = SessionEvent::Sent { to: heard.to, publication: heard.publication };
                (Hearing::Sent(sender), event, clock)
            }))
        } else if topic.starts_with(TYPING_PREFIX.as_bytes()) {
            self.event(TypingPublication::decode(topic, payload, received).map(|heard| {
                let event = SessionEvent::Typing { topic: heard.topic.clone(), user: heard.user };
                (Hearing::Typing(heard.topic), event, heard.clock)
            }))
        } else if topic == HERE_TOPIC.as_bytes() {
            self.event(HerePublication::decode(topic, payload, received).map(|heard| {
                let event = SessionEvent::Here(heard.here);
                (Hearing::Here, event, heard.clock)
            }))
        } else {
            Read::Other
        }
    }

    fn event<E: std::error::Error>(&self, read: Result<(Hearing, SessionEvent, Option<u64>), E>) -> Read {
        match read {
            Ok((hearing, event, clock)) if self.0.contains(&hearing) => Read::Event(Box::new(event), clock),
            Ok(_) => Read::Nothing,
            Err(error) => {
                debug!(%error, "a publication of the system's that is none was passed over");
                Read::Nothing
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use recado_proto::{Here, HerePublication, Presence, Timestamp, TopicName, TypingPublication, UserName};

    use super::{Heard, Hearing, Read};
    use crate::limits::HEARINGS_MAX;
    use crate::session::{RequestError, SessionEvent};

    fn user(name: &str) -> UserName {
        UserName::parse(name).unwrap()
    }

    #[test]
    fn a_session_hears_of_so_many_things_each_subscribed_to_once() {
        let marks = |number: usize| Hearing::Marks(user(&format!("u{number}")));
        let mut heard = Heard::default();
        for number in 0..HEARINGS_MAX {
            assert_eq!(heard.hear(marks(number)), Ok(Some(format!("_marks.u{number}"))));
        }
        assert_eq!(heard.hear(marks(0)), Ok(None));
        assert_eq!(heard.hear(Hearing::Here), Err(RequestError::TooManyTopics));
        assert_eq!(heard.ignore(&marks(0)), Some("_marks.u0".to_owned()));
        assert_eq!(heard.ignore(&marks(0)), None);
        assert_eq!(heard.hear(Hearing::Sent(user("ana"))), Ok(Some("_sent.ana".to_owned())));
    }

    #[test]
    fn only_what_is_wanted_is_heard() {
        let mut heard = Heard::default();
        let topic = TopicName::parse("geral").unwrap();
        let publication = TypingPublication {
            topic: topic.clone(),
            user: user("ana"),
            timestamp: Timestamp::from_seconds(1),
            clock: Some(3),
        };
        let mut payload = Vec::new();
        publication.encode_payload(&mut payload);
        assert_eq!(heard.read(b"_typing.geral", &payload), Read::Nothing);
        heard.hear(Hearing::Typing(topic.clone())).unwrap();
        let event = SessionEvent::Typing { topic, user: user("ana") };
        assert_eq!(heard.read(b"_typing.geral", &payload), Read::Event(Box::new(event), Some(3)));
        assert_eq!(heard.read(b"_typing.geralissimo", &payload), Read::Nothing);
        assert_eq!(heard.read(b"_typing.geral", b"\x80"), Read::Nothing);
        assert_eq!(heard.read(b"geral", &payload), Read::Other);
    }

    #[test]
    fn who_is_here_is_heard_on_one_topic() {
        let mut heard = Heard::default();
        assert_eq!(heard.hear(Hearing::Here), Ok(Some("_here".to_owned())));
        let here = Here { user: user("ana"), state: Presence::Away };
        let mut payload = Vec::new();
        HerePublication { here: here.clone(), timestamp: Timestamp::from_seconds(1), clock: None }
            .encode_payload(&mut payload);
        assert_eq!(heard.read(b"_here", &payload), Read::Event(Box::new(SessionEvent::Here(here)), None));
        assert_eq!(heard.read(b"_herein", &payload), Read::Other);
    }
}
