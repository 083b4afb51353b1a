//! What was found, and going there.

use jiff::Timestamp;
use recado_proto::MessageId;

use crate::chat::item::{Item, Message, Place};
use crate::screen::log::{Entry, Older, What};
use crate::view::{text, wording};

use super::{Model, is_topic};

/// A message that one goes to, with what is around it.
pub(super) struct Landing {
    of: Place,
    id: MessageId,
    messages: Vec<Message>,
    before: Option<u64>,
    has_later: bool,
}

impl Model {
    /// A message that was found is a line where one is.
    pub(super) fn on_found(&mut self, number: usize, message: &Message, snippet: &str, now_ms: i64) {
        let time = Timestamp::from_millisecond(message.time_ms).unwrap_or(Timestamp::UNIX_EPOCH);
        let time = self.attention.zone().to_datetime(time).strftime("%Y-%m-%d %H:%M").to_string();
        let Message { place, author, own, .. } = message;
        let mut line = wording::found(self.language, number, &time, place, author.as_str(), *own);
        let mut matches = Vec::new();
        for (part, is_match) in text::parts(snippet) {
            let begin = line.len();
            line.push_str(&part);
            if is_match {
                matches.push((begin, line.len()));
            }
        }
        self.log_mut().append(Entry { time_ms: now_ms, what: What::Found { text: line, matches } });
    }

    /// Goes to a message, into its channel first if one is not in it.
    pub(super) fn on_jump(&mut self, item: &Item) {
        let Item::Jump { of, id, messages, before, has_later, .. } = item else { return };
        let (of, messages) = (of.clone(), messages.clone());
        self.landing =
            Some(Landing { of: of.clone(), id: *id, messages, before: *before, has_later: *has_later });
        self.go(of);
        self.land();
    }

    /// Shows the message that one goes to, if one is there; a page that is on its way has no place in what is shown then, and is
    /// waited for.
    pub(super) fn land(&mut self) {
        if self.landing.as_ref().is_none_or(|landing| Some(&landing.of) != self.current.as_ref()) {
            return;
        }
        if self.log().older == Older::Asked {
            return;
        }
        let Some(Landing { of, id, messages, before, has_later }) = self.landing.take() else { return };
        let log = self.log_mut();
        if log.said(id).is_none() {
            log.begin_at(messages.iter().map(Entry::said), before, has_later, is_topic(&of));
        }
        if self.jumping.take_if(|wanted| *wanted == id).is_some() {
            self.choose_arrived(id);
        } else {
            self.log_mut().find(id);
        }
    }
}
