//! What one wants to be told of while one does not look: said in the chat, kept for the next start, and followed by the face.

use crate::kept::Record;

use super::Chat;
use super::command::Conversation;
use super::item::{Attempt, FailureCode, Level, Notice, Place};
use super::reason::Reason;

impl Chat {
    /// Of this conversation, or where one is; none: as is usual.
    pub(super) fn alert(&mut self, level: Option<Level>, of: Option<Conversation>) {
        let place = match of {
            Some(Conversation::Channel(channel)) => Some(Place::Channel(self.known.meant_channel(channel))),
            Some(Conversation::With(user)) => Some(Place::Direct(self.known.meant_user(user))),
            None => self.current_place(),
        };
        let Some(place) = place else {
            return self.fail(Attempt::Line, FailureCode::NoChannel, Reason::InNoConversation, None);
        };
        self.keep(Record::Level(place.clone(), level), false);
        self.notice(Notice::Alerting { place, level });
    }
}
