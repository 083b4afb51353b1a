//! The messages that mention one, and going to where one of them was said.

use recado_proto::MessageId;

use crate::chat::item::Message;
use crate::screen::log::Anchor;
use crate::view::wording;

use super::{Model, Overlay, Request};

impl Model {
    /// Asks for all mentions; the next older one is gone to at once if `goes`, otherwise they are listed.
    pub(crate) fn want_mentions(&mut self, goes: bool) {
        self.goes_to_mention = goes;
        self.requests.push_back(Request::Line("/mentions".to_owned()));
    }

    /// These mention one, the latest at the end.
    pub(super) fn on_mentions(&mut self, mentions: &[Message], now_ms: i64) {
        let goes = std::mem::take(&mut self.goes_to_mention);
        let Some(latest) = mentions.last() else {
            return self.announce(wording::mentions(self.language, 0), false, now_ms);
        };
        if goes {
            let chosen = self.log().chosen;
            let at = mentions.iter().position(|mention| chosen.is_some() && mention.id == chosen);
            let next = at.and_then(|at| at.checked_sub(1)).and_then(|before| mentions.get(before));
            return self.jump(&next.unwrap_or(latest).clone());
        }
        let chosen = mentions.len() - 1;
        self.overlay = Overlay::Mentions { mentions: mentions.to_vec(), chosen };
    }

    /// Goes to where the message was said, and chooses it; it is fetched with what is around it if it is not here.
    pub(crate) fn jump(&mut self, message: &Message) {
        let (Some(id), of) = (message.id, message.place.clone()) else { return };
        if self.conversations.get(&of).is_some_and(|log| log.said(id).is_some()) {
            self.go(of.clone());
            self.choose_arrived(id);
        } else {
            self.jumping = Some(id);
            self.requests.push_back(Request::Around(of, id));
        }
    }

    /// Chooses a message that is here, where one is.
    pub(super) fn choose_arrived(&mut self, id: MessageId) {
        let log = self.log_mut();
        if let Some(entry) = log.choose(id) {
            log.look_at(Some(Anchor { entry, row: 0 }));
            self.has_arrived = true;
        }
    }

    /// The message that is to be brought to sight, where it is.
    pub(crate) fn take_arrived(&mut self) -> Option<usize> {
        let (at, _) = std::mem::take(&mut self.has_arrived).then(|| self.log().chosen_entry())??;
        Some(at)
    }
}
