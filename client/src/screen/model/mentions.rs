//! The messages that mention one, and going to where one of them was said.

use recado_proto::{MessageId, Place as Before};

use crate::chat::item::{Message, Place};
use crate::limits;
use crate::screen::log::{Anchor, Older};
use crate::view::wording;

use super::{Model, Overlay, Request};

/// A message that one is on the way to.
#[derive(Debug)]
pub(super) struct Jump {
    place: Place,
    id: MessageId,
    seq: Option<u64>,
    /// Those around it were asked for.
    is_asked: bool,
}

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
            return self.jump(&next.unwrap_or(latest).clone(), now_ms);
        }
        let chosen = mentions.len() - 1;
        self.overlay = Overlay::Mentions { mentions: mentions.to_vec(), chosen };
    }

    /// Goes to where the message was said, and chooses it; what is around it is fetched if it is not here.
    pub(crate) fn jump(&mut self, message: &Message, now_ms: i64) {
        let Some(id) = message.id else { return };
        self.go(message.place.clone());
        self.jumping = Some(Jump { place: message.place.clone(), id, seq: message.seq, is_asked: false });
        let is_coming = self.conversations.get(&message.place).is_none_or(|log| log.older == Older::Asked);
        if !self.arrive(is_coming) {
            self.announce(wording::not_found(self.language).to_owned(), true, now_ms);
        }
    }

    /// A page of this conversation has come: one is there, or goes on. False if there is nothing to go on to.
    pub(super) fn goes_on(&mut self, of: &Place) -> bool {
        self.jumping.as_ref().is_none_or(|jump| jump.place != *of) || self.arrive(false)
    }

    /// The message that is to be brought to sight, where it is.
    pub(crate) fn take_arrived(&mut self) -> Option<usize> {
        let (at, _) = std::mem::take(&mut self.has_arrived).then(|| self.log().chosen_entry())??;
        Some(at)
    }

    fn arrive(&mut self, is_coming: bool) -> bool {
        let Some(jump) = &mut self.jumping else { return true };
        let log = self.conversations.get_mut(&jump.place);
        if let Some(log) = log
            && let Some(entry) = log.choose(jump.id)
        {
            log.look_at(Some(Anchor { entry, row: 0 }));
            self.has_arrived = true;
            self.jumping = None;
            return true;
        }
        match (is_coming, jump.seq) {
            (true, _) => {}
            (false, Some(seq)) if !jump.is_asked => {
                jump.is_asked = true;
                let place = jump.place.clone();
                if let Some(log) = self.conversations.get_mut(&place) {
                    log.restart_apart();
                    log.older = Older::Asked;
                    let before = Before::Seq(seq + u64::from(limits::SCROLL_PAGE_MESSAGES / 4));
                    self.requests.push_back(Request::Older(place, Some(before)));
                }
            }
            (false, _) => {
                self.jumping = None;
                return false;
            }
        }
        true
    }
}
