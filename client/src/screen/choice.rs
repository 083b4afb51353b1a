//! The message of a log that one has chosen, to do something with it. It is known by its number, so that it stays the same while
//! others come before and after it.

use recado_proto::MessageId;

use crate::chat::item::Quoted;
use crate::limits;

use super::log::{Entry, Log, What};

impl Log {
    /// The chosen message and where it is, if one is chosen and still here.
    pub(crate) fn chosen_entry(&self) -> Option<(usize, &Entry)> {
        self.said(self.chosen?)
    }

    /// Chooses the message before, or the one after; at first the last one of what one looks at. Where it is; none if there is none.
    pub(crate) fn choose_next(&mut self, back: bool) -> Option<usize> {
        let at = self.chosen_entry().map(|(at, _)| at);
        let looked_at = self.anchor().map_or(self.len(), |anchor| anchor.entry + 1);
        let next = match (at, back) {
            (Some(at), false) => (at + 1..self.len()).find(|index| self.is_choosable(*index)),
            (at, _) => (0..at.unwrap_or(looked_at)).rev().find(|index| self.is_choosable(*index)),
        };
        let next = next.or(at)?;
        self.chosen = self.entry(next).and_then(Entry::id);
        Some(next)
    }

    /// Chooses this message, if it is here. Where it is.
    pub(crate) fn choose(&mut self, id: MessageId) -> Option<usize> {
        let (at, _) = self.said(id)?;
        self.chosen = Some(id);
        Some(at)
    }

    /// A message, and where it is.
    pub(crate) fn said(&self, id: MessageId) -> Option<(usize, &Entry)> {
        (0..self.len()).rev().find_map(|index| {
            let entry = self.entry(index).filter(|entry| entry.id() == Some(id))?;
            Some((index, entry))
        })
    }

    /// The beginning of a message, for what answers it.
    pub(crate) fn quoted(&self, id: MessageId) -> Option<Quoted> {
        match &self.said(id)?.1.what {
            What::Said { author, state, .. } => {
                let text = state.text.chars().take(limits::QUOTED_CHARACTERS_MAX).collect();
                Some(Quoted { author: author.clone(), text })
            }
            What::Found { .. } | What::Notice(_) | What::Failure(_) => None,
        }
    }

    fn is_choosable(&self, index: usize) -> bool {
        match self.entry(index).map(|entry| &entry.what) {
            Some(What::Said { id, state, .. }) => id.is_some() && !state.deleted,
            Some(What::Found { .. } | What::Notice(_) | What::Failure(_)) | None => false,
        }
    }
}
