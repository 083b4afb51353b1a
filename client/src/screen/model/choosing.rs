//! One message is chosen, and what one does with it: the text that is typed next answers it, takes its place or is put to it.

use crate::chat::command::OnMessage;
use crate::chat::draft::{Aim, Purpose};
use crate::screen::log::{Entry, What};
use crate::view::text::harmless;
use crate::view::wording;

use super::{Model, Overlay, Request};

impl Model {
    /// Whether keys are about a message.
    pub(crate) fn is_choosing(&self) -> bool {
        self.log().chosen_entry().is_some()
    }

    pub(crate) fn stop_choosing(&mut self) {
        self.log_mut().chosen = None;
    }

    /// The message that the chosen one answers is chosen instead, if it is here. Where it is.
    pub(crate) fn choose_answered(&mut self, now_ms: i64) -> Option<usize> {
        let (_, entry) = self.log().chosen_entry()?;
        let What::Said { answers, .. } = &entry.what else { return None };
        let answered = answers.and_then(|answered| self.log_mut().choose(answered));
        if answered.is_none() {
            self.refuse(wording::answers_nothing_here(self.language), now_ms);
        }
        answered
    }

    /// What is typed next is for the chosen message. What is typed now makes room, unless it becomes the answer.
    pub(crate) fn aim(&mut self, purpose: Purpose, now_ms: i64) {
        let Some((_, entry)) = self.log().chosen_entry() else { return };
        let What::Said { id: Some(target), author, own, state, .. } = &entry.what else { return };
        let (target, author, own, text) = (*target, author.clone(), *own, state.text.clone());
        if purpose == Purpose::Edit && !own {
            return self.refuse(wording::not_your_own(self.language), now_ms);
        }
        self.stop_choosing();
        self.take_aim_away();
        let before = match purpose {
            Purpose::Answer => String::new(),
            Purpose::Edit => self.composer.exchange(text),
            Purpose::React => self.composer.exchange(String::new()),
        };
        self.aim = Some(Aim { purpose, target, author: Some(author), before });
    }

    /// What is typed is for no message any more, and what had made room comes back.
    pub(crate) fn take_aim_away(&mut self) {
        match self.aim.take() {
            Some(Aim { purpose: Purpose::Edit | Purpose::React, before, .. }) => {
                self.composer.exchange(before);
            }
            Some(Aim { purpose: Purpose::Answer, .. }) | None => {}
        }
    }

    /// Asks whether the chosen message is to be taken back.
    pub(crate) fn ask_to_delete(&mut self, now_ms: i64) {
        let Some((_, Entry { what: What::Said { id: Some(target), own, .. }, .. })) =
            self.log().chosen_entry()
        else {
            return;
        };
        let (target, own) = (*target, *own);
        if !own {
            return self.refuse(wording::not_your_own(self.language), now_ms);
        }
        self.overlay = Overlay::Delete { target };
    }

    /// It is to be taken back.
    pub(crate) fn delete_asked(&mut self) {
        if let Overlay::Delete { target } = std::mem::take(&mut self.overlay)
            && let Some(place) = self.current.clone()
        {
            self.stop_choosing();
            self.requests.push_back(Request::OnMessage { place, target, what: OnMessage::Delete });
        }
    }

    /// The chosen message goes to the clipboard, as one sees it.
    pub(crate) fn copy(&mut self, now_ms: i64) {
        let Some((_, Entry { what: What::Said { state, .. }, .. })) = self.log().chosen_entry() else {
            return;
        };
        let text = harmless(&state.text).into_owned();
        self.stop_choosing();
        self.requests.push_back(Request::Copy(text));
        self.announce(wording::copied(self.language).to_owned(), false, now_ms);
    }

    /// What was typed goes out for the message it is for.
    pub(super) fn submit_aimed(&mut self, aim: Aim) {
        let text = self.composer.take();
        self.composer.exchange(aim.before.clone());
        self.look_at_end();
        if let Some(place) = self.current.clone() {
            self.requests.push_back(Request::OnMessage { place, target: aim.target, what: aim.with(&text) });
        }
        self.forget_draft();
    }

    /// What was to be done could not be handed on: a text is typed still.
    pub(crate) fn take_back_aimed(&mut self, target: recado_proto::MessageId, what: OnMessage, now_ms: i64) {
        let (purpose, text) = match what {
            OnMessage::Answer(text) => (Purpose::Answer, text),
            OnMessage::Edit(text) => (Purpose::Edit, text),
            OnMessage::React(text) | OnMessage::Unreact(text) => (Purpose::React, text),
            OnMessage::Delete | OnMessage::Topic(_) => {
                return self.refuse(wording::busy(self.language), now_ms);
            }
        };
        let author = self.log().quoted(target).map(|quoted| quoted.author);
        let before = self.composer.exchange(text);
        self.aim = Some(Aim { purpose, target, author, before });
        self.refuse(wording::busy(self.language), now_ms);
    }

    fn refuse(&mut self, why: &str, now_ms: i64) {
        self.announce(why.to_owned(), true, now_ms);
    }
}
