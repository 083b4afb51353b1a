//! The text that is being typed: several lines, edited by characters as people see them, with undo and what was sent before. It
//! knows neither keys nor screens.

use std::borrow::Cow;
use std::collections::VecDeque;

use unicode_segmentation::UnicodeSegmentation as _;

use crate::limits;
use crate::view::text::harmless;

use super::rows::{self, Row};

/// A text with a cursor in it.
#[derive(Debug, Default)]
pub(crate) struct Composer {
    text: String,
    /// A byte of the text at which a character begins, or its end.
    cursor: usize,
    undo: Vec<(String, usize)>,
    redo: Vec<(String, usize)>,
    /// The last change was the typing of a word, which one more character belongs to.
    typing: bool,
    killed: String,
    sent: VecDeque<String>,
    /// How far back in what was sent, and what was typed before one went there.
    recalled: Option<(usize, String)>,
}

/// What of it can be seen.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct View {
    pub(crate) rows: Vec<String>,
    /// The cursor's row among these, and its column.
    pub(crate) cursor: (usize, usize),
}

/// Where a motion goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum To {
    Left,
    Right,
    WordLeft,
    WordRight,
    LineBegin,
    LineEnd,
}

impl Composer {
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    pub(crate) fn cursor(&self) -> usize {
        self.cursor
    }

    /// Puts text at the cursor. False if it would become longer than a message may be; then nothing is changed.
    pub(crate) fn insert(&mut self, inserted: &str) -> bool {
        let is_one = inserted.chars().count() == 1;
        let inserted = inserted.replace("\r\n", "\n").replace('\r', "\n");
        // Characters that are joined with others come one by one when they are typed.
        let is_typed =
            is_one && !inserted.chars().any(|character| character.is_control() && character != '\n');
        let inserted = if is_typed { Cow::Borrowed(inserted.as_str()) } else { harmless(&inserted) };
        if self.text.len() + inserted.len() > limits::COMPOSED_BYTES_MAX {
            return false;
        }
        let goes_on = is_one && !inserted.chars().all(char::is_whitespace);
        if !(self.typing && goes_on) {
            self.remember();
        }
        self.redo.clear();
        self.text.insert_str(self.cursor, &inserted);
        self.cursor += inserted.len();
        self.typing = goes_on;
        true
    }

    pub(crate) fn go(&mut self, to: To) {
        self.typing = false;
        self.cursor = self.target(to);
    }

    pub(crate) fn go_to_end(&mut self) {
        self.typing = false;
        self.cursor = self.text.len();
    }

    /// Deletes from the cursor to there.
    pub(crate) fn delete(&mut self, to: To) {
        let target = self.target(to);
        let (begin, end) = (target.min(self.cursor), target.max(self.cursor));
        if begin == end {
            return;
        }
        self.remember();
        self.redo.clear();
        let deleted: String = self.text.drain(begin..end).collect();
        if !matches!(to, To::Left | To::Right) {
            self.killed = deleted;
        }
        self.cursor = begin;
    }

    /// Puts back what was deleted last, but for single characters.
    pub(crate) fn yank(&mut self) -> bool {
        let killed = self.killed.clone();
        self.insert(&killed)
    }

    pub(crate) fn undo(&mut self) {
        if let Some(before) = self.undo.pop() {
            self.redo.push((std::mem::take(&mut self.text), self.cursor));
            (self.text, self.cursor) = before;
            self.typing = false;
        }
    }

    pub(crate) fn redo(&mut self) {
        if let Some(after) = self.redo.pop() {
            self.undo.push((std::mem::take(&mut self.text), self.cursor));
            (self.text, self.cursor) = after;
            self.typing = false;
        }
    }

    /// A line up; from the first line to what was sent before.
    pub(crate) fn up(&mut self) {
        self.typing = false;
        match self.text[..self.cursor].rfind('\n') {
            Some(end) => self.cursor = self.column_in(self.line_begin(end), self.column()),
            None => self.recall(1),
        }
    }

    /// A line down; from the last line to what was sent after.
    pub(crate) fn down(&mut self) {
        self.typing = false;
        match self.text[self.cursor..].find('\n') {
            Some(after) => self.cursor = self.column_in(self.cursor + after + 1, self.column()),
            None => self.recall(-1),
        }
    }

    /// Replaces what stands from this byte to the cursor.
    pub(crate) fn replace_from(&mut self, begin: usize, replacement: &str) {
        if !self.text.is_char_boundary(begin) || begin > self.cursor {
            return;
        }
        self.remember();
        self.redo.clear();
        self.text.replace_range(begin..self.cursor, replacement);
        self.cursor = begin + replacement.len();
    }

    /// Takes the text away to be sent.
    pub(crate) fn take(&mut self) -> String {
        let text = std::mem::take(&mut self.text);
        self.start_afresh(String::new());
        if !text.trim().is_empty() && self.sent.front() != Some(&text) {
            self.sent.push_front(text.clone());
            self.sent.truncate(limits::RECALLED_LINES_MAX);
        }
        text
    }

    /// Takes all of it away; it can be had back.
    pub(crate) fn clear(&mut self) {
        if self.text.is_empty() {
            return;
        }
        self.remember();
        self.redo.clear();
        self.killed = std::mem::take(&mut self.text);
        self.cursor = 0;
    }

    /// Puts another text in the place of all of it; what was there can be had back. What is longer than a message may be is not taken.
    pub(crate) fn rewrite(&mut self, text: &str) {
        let before = std::mem::take(&mut self.text);
        let cursor = std::mem::replace(&mut self.cursor, 0);
        self.typing = false;
        if !self.insert(text) {
            (self.text, self.cursor) = (before, cursor);
            return;
        }
        // One step, and none of it to an empty text.
        self.undo.pop();
        self.undo.push((before, cursor));
        self.typing = false;
    }

    /// Exchanges the text for another, with its cursor at the end: a draft of elsewhere.
    pub(crate) fn exchange(&mut self, text: String) -> String {
        let before = std::mem::take(&mut self.text);
        self.start_afresh(text);
        before
    }

    /// So many rows of so many columns, those around the cursor.
    pub(crate) fn view(&self, columns: usize, rows_max: usize) -> View {
        let all: Vec<Row> = rows::hard(&self.text, columns.saturating_sub(1).max(1));
        let row = all.iter().rposition(|row| row.begin <= self.cursor).unwrap_or(0);
        let column =
            all.get(row).map_or(0, |row| crate::view::text::columns(&self.text[row.begin..self.cursor]));
        let first = (row + 1).saturating_sub(rows_max.max(1));
        let shown = all.iter().skip(first).take(rows_max.max(1));
        View {
            rows: shown.map(|row| self.text[row.begin..row.end].to_owned()).collect(),
            cursor: (row - first, column),
        }
    }

    fn start_afresh(&mut self, text: String) {
        self.cursor = text.len();
        self.text = text;
        self.undo.clear();
        self.redo.clear();
        self.typing = false;
        self.recalled = None;
    }

    fn remember(&mut self) {
        self.typing = false;
        if self.undo.len() >= limits::UNDO_STEPS_MAX {
            self.undo.remove(0);
        }
        self.undo.push((self.text.clone(), self.cursor));
    }

    fn recall(&mut self, further: isize) {
        let at = self.recalled.as_ref().map_or(0, |(back, _)| *back);
        let back = at.saturating_add_signed(further).min(self.sent.len());
        if back == at {
            return;
        }
        let (_, draft) = self.recalled.take().unwrap_or_else(|| (0, self.text.clone()));
        self.text = match back.checked_sub(1) {
            Some(index) => self.sent[index].clone(),
            None => draft.clone(),
        };
        self.cursor = self.text.len();
        self.undo.clear();
        self.redo.clear();
        self.recalled = (back > 0).then_some((back, draft));
    }

    fn target(&self, to: To) -> usize {
        let (before, after) = self.text.split_at(self.cursor);
        match to {
            To::Left => self.cursor - before.graphemes(true).next_back().map_or(0, str::len),
            To::Right => self.cursor + after.graphemes(true).next().map_or(0, str::len),
            To::WordLeft => {
                let word = before.trim_end_matches(|c: char| !c.is_alphanumeric());
                word.trim_end_matches(char::is_alphanumeric).len()
            }
            To::WordRight => {
                let word = after.trim_start_matches(|c: char| !c.is_alphanumeric());
                self.text.len() - word.trim_start_matches(char::is_alphanumeric).len()
            }
            To::LineBegin => self.line_begin(self.cursor),
            To::LineEnd => self.cursor + after.find('\n').unwrap_or(after.len()),
        }
    }

    fn line_begin(&self, at: usize) -> usize {
        self.text[..at].rfind('\n').map_or(0, |end| end + 1)
    }

    /// In characters as people see them.
    fn column(&self) -> usize {
        self.text[self.line_begin(self.cursor)..self.cursor].graphemes(true).count()
    }

    fn column_in(&self, line_begin: usize, column: usize) -> usize {
        let line = self.text[line_begin..].split('\n').next().unwrap_or("");
        line_begin + line.graphemes(true).take(column).map(str::len).sum::<usize>()
    }
}

#[cfg(test)]
mod tests {
    use super::{Composer, To, View};
    use crate::limits;

    fn typed(text: &str) -> Composer {
        let mut composer = Composer::default();
        text.chars().for_each(|character| assert!(composer.insert(&character.to_string())));
        composer
    }

    #[test]
    fn what_people_see_as_one_character_is_deleted_as_one() {
        let mut composer = typed("olá e\u{301}👩‍👩‍👧");
        composer.delete(To::Left);
        assert_eq!(composer.text(), "olá e\u{301}");
        composer.delete(To::Left);
        assert_eq!(composer.text(), "olá ");
        composer.go(To::LineBegin);
        composer.delete(To::Right);
        assert_eq!(composer.text(), "lá ");
    }

    #[test]
    fn words_are_crossed_deleted_and_put_back() {
        let mut composer = typed("one two, três");
        composer.go(To::WordLeft);
        composer.delete(To::WordLeft);
        assert_eq!(composer.text(), "one três");
        composer.go(To::LineEnd);
        assert!(composer.yank());
        assert_eq!(composer.text(), "one trêstwo, ");
        composer.go(To::LineBegin);
        composer.go(To::WordRight);
        composer.delete(To::LineEnd);
        assert_eq!(composer.text(), "one");
    }

    #[test]
    fn undo_goes_back_by_words_and_redo_forward() {
        let mut composer = typed("one two");
        composer.undo();
        assert_eq!(composer.text(), "one ");
        composer.undo();
        composer.undo();
        assert_eq!(composer.text(), "");
        composer.undo();
        composer.redo();
        composer.redo();
        composer.redo();
        assert_eq!((composer.text(), composer.cursor()), ("one two", 7));
    }

    #[test]
    fn up_and_down_go_through_lines_and_then_through_what_was_sent() {
        let mut composer = typed("first");
        assert_eq!(composer.take(), "first");
        composer.insert("second");
        composer.take();
        composer.insert("ab\ncdé");
        composer.up();
        assert_eq!(composer.cursor(), 2);
        composer.down();
        assert_eq!(composer.cursor(), 5);
        composer.up();
        composer.up();
        assert_eq!(composer.text(), "second");
        composer.up();
        composer.up();
        assert_eq!(composer.text(), "first");
        composer.down();
        composer.down();
        assert_eq!(composer.text(), "ab\ncdé", "what was being typed is not lost");
    }

    #[test]
    fn what_is_pasted_does_no_harm_and_has_a_bound() {
        let mut composer = Composer::default();
        assert!(composer.insert("a\r\nb\rc\u{1b}[31m"));
        assert_eq!(composer.text(), "a\nb\nc␛[31m");
        assert!(!composer.insert(&"x".repeat(limits::COMPOSED_BYTES_MAX)));
        assert_eq!(composer.text(), "a\nb\nc␛[31m");
    }

    #[test]
    fn the_view_follows_the_cursor() {
        let composer = typed("日本語日本語");
        let expect = View { rows: vec!["日本".into(), "語日".into(), "本語".into()], cursor: (2, 4) };
        assert_eq!(composer.view(5, 9), expect);
        let composer = typed("one\ntwo\n");
        assert_eq!(composer.view(20, 2), View { rows: vec!["two".into(), String::new()], cursor: (1, 0) });
        assert_eq!(Composer::default().view(20, 3), View { rows: vec![String::new()], cursor: (0, 0) });
    }

    #[test]
    fn what_was_cleared_can_be_had_back() {
        let mut composer = typed("half a sen");
        composer.clear();
        assert!(composer.is_empty());
        composer.undo();
        assert_eq!(composer.text(), "half a sen");
        composer.clear();
        assert!(composer.yank());
        assert_eq!(composer.text(), "half a sen");
    }

    #[test]
    fn what_was_written_elsewhere_takes_the_place_of_all_and_can_be_undone() {
        let mut composer = typed("half");
        composer.rewrite("a whole\nletter\x1b");
        assert_eq!((composer.text(), composer.cursor()), ("a whole\nletter␛", 17));
        composer.undo();
        assert_eq!((composer.text(), composer.cursor()), ("half", 4));
        composer.rewrite("");
        assert!(composer.is_empty());
        composer.undo();
        composer.rewrite(&"x".repeat(limits::COMPOSED_BYTES_MAX + 1));
        assert_eq!(composer.text(), "half");
    }

    #[test]
    fn a_draft_is_exchanged_for_another() {
        let mut composer = typed("half a sen");
        assert_eq!(composer.exchange("other".into()), "half a sen");
        assert_eq!((composer.text(), composer.cursor()), ("other", 5));
        composer.undo();
        assert_eq!(composer.text(), "other");
    }
}
