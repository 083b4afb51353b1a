//! Whose read marks a session hears of. It has no socket: it says what to subscribe to, and reads what comes.

use std::collections::BTreeSet;

use recado_proto::{MarkPublication, Timestamp, UserName};
use tracing::debug;

use super::RequestError;
use crate::limits;

#[derive(Debug, Default)]
pub(super) struct MarksHeard(BTreeSet<UserName>);

impl MarksHeard {
    /// The topic to subscribe to, if it is a new one.
    pub(super) fn hear(&mut self, user: UserName) -> Result<Option<String>, RequestError> {
        if self.0.contains(&user) {
            return Ok(None);
        }
        if self.0.len() >= limits::MARKS_HEARD_MAX {
            return Err(RequestError::TooManyTopics);
        }
        let topic = MarkPublication::topic_of(&user);
        self.0.insert(user);
        Ok(Some(topic))
    }

    /// The topic to subscribe to no longer, if it was one.
    pub(super) fn ignore(&mut self, user: &UserName) -> Option<String> {
        self.0.remove(user).then(|| MarkPublication::topic_of(user))
    }

    /// A mark, if it is one that is heard: a subscription is to all topics that begin alike.
    pub(super) fn read(&self, topic: &[u8], payload: &[u8]) -> Option<MarkPublication> {
        match MarkPublication::decode(topic, payload, Timestamp::now()) {
            Ok(publication) => self.0.contains(&publication.user).then_some(publication),
            Err(error) => {
                debug!(%error, "a read mark that is none was passed over");
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use recado_proto::UserName;

    use super::MarksHeard;
    use crate::limits::MARKS_HEARD_MAX;
    use crate::session::RequestError;

    #[test]
    fn a_session_hears_of_so_many_users_each_subscribed_to_once() {
        let user = |number: usize| UserName::parse(&format!("u{number}")).unwrap();
        let mut heard = MarksHeard::default();
        for number in 0..MARKS_HEARD_MAX {
            assert_eq!(heard.hear(user(number)), Ok(Some(format!("_marks.u{number}"))));
        }
        assert_eq!(heard.hear(user(0)), Ok(None));
        assert_eq!(heard.hear(user(MARKS_HEARD_MAX)), Err(RequestError::TooManyTopics));
        assert_eq!(heard.ignore(&user(0)), Some("_marks.u0".to_owned()));
        assert_eq!(heard.ignore(&user(0)), None);
        assert!(heard.hear(user(MARKS_HEARD_MAX)).is_ok());
    }
}
