//! What a message is, for what may be lost. Knows nothing of connections and of chance.

use recado_proto::{MessageId, Publication, Reply, SystemPublication, Timestamp};

/// A message that the proxy dropped.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Dropped {
    /// A message of the chat.
    Publication {
        /// Where it was published.
        topic: String,
        /// Its place there.
        seq: u64,
        /// Its number.
        id: MessageId,
    },
    /// How far topics have come.
    Heads {
        /// Where it was published.
        topic: String,
    },
    /// A server's answer.
    Reply {
        /// What was asked.
        service: String,
    },
}

/// What the frames are, if it is something that may be lost.
pub(super) fn classify(frames: &[&[u8]]) -> Option<Dropped> {
    let now = Timestamp::now();
    match frames {
        [topic, payload] if !topic.is_empty() => {
            if let Ok(publication) = SystemPublication::decode(topic, payload, now) {
                return Some(Dropped::Heads { topic: publication.topic.to_string() });
            }
            let Publication { topic, seq, id, .. } = Publication::decode(topic, payload, now).ok()?;
            Some(Dropped::Publication { topic, seq: seq?, id: id? })
        }
        [.., body] => {
            let reply = Reply::decode(body, now).ok()?;
            Some(Dropped::Reply { service: reply.service.as_str().to_owned() })
        }
        [] => None,
    }
}

#[cfg(test)]
mod tests {
    use recado_proto::{Reply, ReplyBody, Request, RequestBody, Service, Timestamp, UserName};

    use super::{Dropped, classify};

    #[test]
    fn requests_and_subscriptions_are_never_lost() {
        let user = UserName::parse("ana").expect("a name");
        for body in [RequestBody::Users, RequestBody::Login { user, password: None }] {
            assert_eq!(classify(&[b"", &Request::from(body).encode()]), None);
        }
        assert_eq!(classify(&[b"\x01geral"]), None);
        assert_eq!(classify(&[b"topic", b"noise"]), None);
    }

    #[test]
    fn replies_are_known_with_and_without_an_envelope() {
        let reply = Reply {
            service: Service::Login.into(),
            body: ReplyBody::Accepted,
            timestamp: Timestamp::from_seconds(1),
            clock: None,
            reference: None,
        }
        .encode();
        let expect = Some(Dropped::Reply { service: "login".to_owned() });
        assert_eq!(classify(&[&reply]), expect);
        assert_eq!(classify(&[b"", &reply]), expect);
        assert_eq!(classify(&[b"proxy", b"", &reply]), expect);
    }
}
