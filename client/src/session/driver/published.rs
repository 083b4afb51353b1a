//! What comes from a broker: messages and heads for the receiver, what else is heard for the owner.

use std::time::Instant;

use recado_proto::{HEADS_PREFIX, Publication, PublicationError, SYNC_PREFIX, SystemPublication, Timestamp};
use recado_zmtp::Message;
use tracing::debug;

use super::Driver;
use crate::session::SessionEvent;
use crate::session::heard::Read;

impl Driver {
    pub(super) fn on_published(&mut self, message: &Message, now: Instant) {
        let [topic, payload] = message.frames() else {
            let topic = message.frames().first().map(|topic| String::from_utf8_lossy(topic).into_owned());
            return self.malformed(topic.unwrap_or_default(), format!("{} frames", message.frames().len()));
        };
        if topic.starts_with(HEADS_PREFIX.as_bytes()) || topic.starts_with(SYNC_PREFIX.as_bytes()) {
            return match SystemPublication::decode(topic, payload, Timestamp::now()) {
                Ok(publication) => {
                    if let Some(clock) = publication.clock {
                        self.clock.observe(clock);
                    }
                    self.receiver.on_system(publication, now);
                }
                Err(error) => debug!(%error, "a publication of the system's that is none was passed over"),
            };
        }
        match self.heard.read(topic, payload) {
            Read::Event(event, clock) => {
                clock.into_iter().for_each(|clock| self.clock.observe(clock));
                return self.say(*event);
            }
            Read::Nothing => return,
            Read::Other => {}
        }
        match Publication::decode(topic, payload, Timestamp::now()) {
            Ok(publication) => {
                if let Some(clock) = publication.clock {
                    self.clock.observe(clock);
                }
                self.receiver.on_publication(publication, now);
            }
            Err(PublicationError::NoAct) => {
                debug!("an act that is none, or of a newer kind, was passed over")
            }
            Err(error) => self.malformed(String::from_utf8_lossy(topic).into_owned(), error.to_string()),
        }
    }

    fn malformed(&mut self, topic: String, reason: String) {
        if self.receiver.topics().any(|followed| followed.as_str() == topic) {
            self.waiting_events.push_back(SessionEvent::Malformed { topic, reason });
        }
    }
}
