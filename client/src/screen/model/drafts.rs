//! What is typed and not sent, in each conversation, and how much of it is kept for the next start.

use std::collections::BTreeSet;

use crate::chat::draft::Draft;
use crate::chat::item::Place;

use super::{Model, Request, is_topic};

impl Model {
    /// This was typed and not sent the last time; from now on what is typed is kept.
    pub(crate) fn take_up(&mut self, drafts: Vec<(Place, Draft)>) {
        self.keeps_drafts = true;
        for (place, draft) in drafts {
            self.kept_drafts.insert(place.clone(), Some(draft.clone()));
            // Channels come when they are joined.
            if !is_topic(&place) {
                self.conversations.entry(place.clone()).or_default();
            }
            self.drafts.insert(place, draft);
        }
    }

    pub(crate) fn keeps_drafts(&self) -> bool {
        self.keeps_drafts
    }

    /// What is typed where one is.
    pub(crate) fn draft(&self) -> Draft {
        Draft { text: self.composer.text().to_owned(), aim: self.aim.clone() }
    }

    /// Goes on with what was typed in a conversation. Where one was nowhere before, what is typed comes along.
    pub(super) fn take_up_draft(&mut self, former: Option<&Place>, place: &Place) {
        let draft = self.drafts.remove(place).unwrap_or_default();
        match former {
            Some(former) => {
                let left = self.exchange_draft(draft);
                if !left.is_empty() {
                    self.drafts.insert(former.clone(), left);
                }
            }
            None if draft.is_empty() => {}
            None => {
                let typed = self.exchange_draft(draft);
                if !typed.text.is_empty() {
                    let gap = if self.composer.is_empty() { "" } else { "\n" };
                    // What does not fit is had back with undo.
                    self.composer.insert(&format!("{gap}{}", typed.text));
                }
            }
        }
    }

    /// What is typed, wherever that is not what was kept.
    pub(crate) fn unsaved_drafts(&self) -> Vec<(Place, Draft)> {
        if !self.keeps_drafts {
            return Vec::new();
        }
        let places: BTreeSet<&Place> =
            self.current.iter().chain(self.drafts.keys()).chain(self.kept_drafts.keys()).collect();
        let unsaved = places.into_iter().filter_map(|place| {
            let typed = if Some(place) == self.current.as_ref() {
                self.draft()
            } else {
                self.drafts.get(place).cloned().unwrap_or_default()
            };
            let typed = typed.lasting();
            let is_kept = match self.kept_drafts.get(place) {
                Some(kept) => kept.as_ref() == Some(&typed),
                None => typed.is_empty(),
            };
            (!is_kept).then(|| (place.clone(), typed))
        });
        unsaved.collect()
    }

    /// Has kept what is typed.
    pub(crate) fn save_drafts(&mut self) {
        for (place, draft) in self.unsaved_drafts() {
            if draft.is_empty() {
                self.kept_drafts.remove(&place);
            } else {
                self.kept_drafts.insert(place.clone(), Some(draft.clone()));
            }
            self.requests.push_back(Request::Draft(place, draft));
        }
    }

    /// It could not be handed on, and is to be kept the next time.
    pub(crate) fn draft_not_taken(&mut self, place: &Place) {
        self.kept_drafts.insert(place.clone(), None);
    }

    /// What was kept of this conversation was sent: it must not come again.
    pub(super) fn forget_draft(&mut self) {
        if self.current.as_ref().is_some_and(|place| self.kept_drafts.contains_key(place)) {
            self.save_drafts();
        }
    }

    /// Exchanges what is typed for another draft.
    fn exchange_draft(&mut self, draft: Draft) -> Draft {
        let aim = std::mem::replace(&mut self.aim, draft.aim);
        Draft { text: self.composer.exchange(draft.text), aim }
    }
}
