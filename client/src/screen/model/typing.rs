//! What is being typed: completed, sent, or kept for each conversation.

use recado_proto::limits as wire_limits;

use crate::chat::complete::Completion;
use crate::chat::draft::Draft;
use crate::chat::item::Place;
use crate::limits;
use crate::screen::draw::name_of;
use crate::screen::log::{Entry, What};
use crate::view::text::{columns, one_line};
use crate::view::wording;

use super::{Model, Overlay, Request};

/// Candidates for what is typed, gone through with Tab.
#[derive(Debug)]
pub(crate) struct Completing {
    completion: Completion,
    chosen: usize,
    end: usize,
}

impl Completing {
    /// The candidates around the chosen one, in so many columns.
    pub(crate) fn shown(&self, width: usize) -> String {
        let candidates = &self.completion.candidates;
        let mut shown = String::new();
        for (index, candidate) in candidates.iter().enumerate().skip(self.chosen.saturating_sub(2)) {
            let name = one_line(&candidate.shown);
            let name = if index == self.chosen { format!("[{name}]") } else { name.into_owned() };
            if columns(&shown) + columns(&name) + 2 > width {
                break;
            }
            shown.push_str(if shown.is_empty() { "" } else { "  " });
            shown.push_str(&name);
        }
        shown
    }
}

impl Model {
    /// Enter: the text goes out, unless it is so long that it must be asked for first.
    pub(crate) fn submit(&mut self, is_meant: bool, now_ms: i64) {
        let text = self.composer.text();
        let lines = text.lines().count();
        if text.trim().is_empty() && self.question.is_none() {
            return;
        }
        if lines > limits::LINES_WITHOUT_QUESTION_MAX && !is_meant {
            self.overlay = Overlay::Question { lines };
            return;
        }
        if text.len() > wire_limits::MESSAGE_BYTES_MAX {
            let text = wording::too_long(self.language, text.len());
            return self.log_mut().append(Entry { time_ms: now_ms, what: What::Failure(text) });
        }
        self.overlay = Overlay::None;
        self.question = None;
        if let Some(aim) = self.aim.take() {
            return self.submit_aimed(aim);
        }
        let line = self.composer.take();
        self.look_at_end();
        self.requests.push_back(Request::Line(line));
        self.forget_draft();
    }

    /// Puts more behind what is typed, on a line of its own.
    pub(crate) fn add_typed(&mut self, more: &str) {
        if more.is_empty() {
            return;
        }
        self.composer.go_to_end();
        let gap = if self.composer.is_empty() { "" } else { "\n" };
        self.composer.insert(&format!("{gap}{more}"));
    }

    /// The line could not be handed on: it is typed still.
    pub(crate) fn take_back(&mut self, line: String, now_ms: i64) {
        self.composer.exchange(line);
        let what = What::Failure(wording::busy(self.language).to_owned());
        self.log_mut().append(Entry { time_ms: now_ms, what });
    }

    /// All that was typed and not sent, with where it was to go.
    pub(crate) fn typed_and_unsent(&self) -> Vec<String> {
        let here = std::iter::once((self.current.as_ref(), self.draft()));
        let elsewhere = self.drafts.iter().map(|(place, draft)| (Some(place), draft.clone()));
        let texts = here.chain(elsewhere).flat_map(|(place, Draft { text, aim })| {
            let before = aim.map(|aim| (place, aim.before));
            std::iter::once((place, text)).chain(before)
        });
        let typed = texts.filter(|(_, text)| !text.trim().is_empty());
        let said = |(place, text): (Option<&Place>, String)| match place {
            Some(place) => format!("{}: {text}", name_of(place)),
            None => text,
        };
        typed.map(said).collect()
    }

    /// Tab: the first candidate, or the next one.
    pub(crate) fn complete(&mut self, forward: bool) {
        let Some(mut completing) = self.completing.take() else {
            let completion = self.known.complete(self.composer.text(), self.composer.cursor());
            if let Some(first) = completion.candidates.first() {
                let start = completion.start;
                self.composer.replace_from(start, &first.replacement.clone());
                let end = self.composer.cursor();
                self.completing =
                    (completion.candidates.len() > 1).then_some(Completing { completion, chosen: 0, end });
            }
            return;
        };
        let count = completing.completion.candidates.len();
        completing.chosen =
            if forward { completing.chosen + 1 } else { completing.chosen + count - 1 } % count;
        if completing.end == self.composer.cursor() {
            let replacement = completing.completion.candidates[completing.chosen].replacement.clone();
            self.composer.replace_from(completing.completion.start, &replacement);
            completing.end = self.composer.cursor();
            self.completing = Some(completing);
        }
    }
}
