//! What was said and what happened, as rows of one width.

use jiff::{Timestamp, civil::Date};
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::chat::fold::MessageState;
use crate::view::colour::Role;
use crate::view::text::{columns, fitted, harmless, one_line};
use crate::view::times::{Times, ago};
use crate::view::wording::{self, Language};

use super::body::{Body, Marks};
use super::draw::Look;
use super::log::{Entry, Log, Sending, What};
use super::model::Model;
use super::rows;
use super::scroll::Rows;
use super::theme::Part;

/// `HH:MM` and a space.
const TIME_COLUMNS: usize = 6;
const AUTHOR_COLUMNS_MAX: usize = 20;

/// A look at one width, for one user.
pub(crate) struct Entries<'a> {
    look: &'a Look,
    language: Language,
    width: usize,
    called: Vec<String>,
}

impl Look {
    /// How this model's entries look in so many columns.
    pub(crate) fn entries<'a>(&'a self, model: &Model, width: u16) -> Entries<'a> {
        Entries { look: self, language: model.language, width: width.into(), called: model.called() }
    }
}

impl Rows for Entries<'_> {
    fn rows(&self, log: &Log, index: usize) -> Vec<Line<'static>> {
        let Some(entry) = log.entry(index) else { return vec![Line::default()] };
        let mut lines = Vec::new();
        let day = self.day(entry);
        let former = index.checked_sub(1).and_then(|before| log.entry(before)).map(|entry| self.day(entry));
        if former.is_some_and(|former| former != day) {
            lines.push(self.rule(&wording::day(self.language, day), Part::Line(Role::Heading)));
        }
        if log.divider() == Some(index) {
            lines.push(self.rule(wording::unread_divider(self.language), Part::Divider));
        }
        if log.is_found(entry) {
            lines.push(self.rule(wording::found_divider(self.language), Part::Divider));
        }
        match &entry.what {
            What::Said { id, .. } => {
                let is_chosen = id.is_some() && *id == log.chosen;
                let before = lines.len();
                self.said(&mut lines, entry, is_chosen);
                if is_chosen {
                    self.choose(&mut lines[before..]);
                }
            }
            What::Found { text, matches } => self.found(&mut lines, text, matches),
            What::Notice(text) => self.aside(&mut lines, text, Role::Notice),
            What::Failure(text) => self.aside(&mut lines, &format!("! {text}"), Role::Failure),
        }
        lines
    }
}

impl Entries<'_> {
    fn style(&self, part: Part<'_>) -> Style {
        self.look.colours.style(part)
    }

    fn day(&self, entry: &Entry) -> Date {
        let time = Timestamp::from_millisecond(entry.time_ms).unwrap_or(Timestamp::UNIX_EPOCH);
        self.look.zone.to_datetime(time).date()
    }

    fn rule(&self, text: &str, part: Part<'_>) -> Line<'static> {
        let text = format!(" {} ", fitted(text, self.width.saturating_sub(6)));
        let left = self.width.saturating_sub(columns(&text));
        let rule = format!("{}{text}{}", "─".repeat(left / 2), "─".repeat(left - left / 2));
        Line::from(Span::styled(rule, self.style(part)))
    }

    /// Makes rows stand out as a whole.
    fn choose(&self, lines: &mut [Line<'static>]) {
        let style = self.style(Part::Current);
        for line in lines {
            let gap = self.width.saturating_sub(line.width());
            line.push_span(" ".repeat(gap));
            *line = std::mem::take(line).patch_style(style);
            line.spans.iter_mut().for_each(|span| span.style = span.style.patch(style));
        }
    }

    fn said(&self, lines: &mut Vec<Line<'static>>, entry: &Entry, is_chosen: bool) {
        let What::Said { author, own, sending, state, is_me, quoted, .. } = &entry.what else { return };
        let (author, own, sending) = (author.as_str(), *own, *sending);
        let time = Timestamp::from_millisecond(entry.time_ms).unwrap_or(Timestamp::UNIX_EPOCH);
        let time = match sending {
            Sending::Sent => match self.look.times {
                Times::Clock => self.look.zone.to_datetime(time).strftime("%H:%M ").to_string(),
                Times::Relative => {
                    format!("{:>5} ", ago(self.language, self.look.now_ms.saturating_sub(entry.time_ms)))
                }
            },
            Sending::Pending => "  …   ".to_owned(),
            Sending::Failed => "  ✗   ".to_owned(),
        };
        let time = match time.strip_suffix(' ') {
            Some(time) if is_chosen => format!("{time}▸"),
            Some(_) | None => time,
        };
        let role = if own { Role::OwnName } else { Role::Name(author) };
        let name = fitted(&wording::name(author), AUTHOR_COLUMNS_MAX).into_owned();
        let text = match (state.deleted, state.edited) {
            (true, _) => wording::deleted(self.language).to_owned(),
            (false, true) => format!("{} {}", state.text, wording::edited(self.language)),
            (false, false) => state.text.clone(),
        };
        let text = harmless(&text);
        let width = self.width.saturating_sub(TIME_COLUMNS).max(2);
        let part = if sending == Sending::Pending || state.deleted { Part::Pending } else { Part::Text };
        let (before, after) = if *is_me { ("* ", " ") } else { ("", ": ") };
        if let Some(quoted) = quoted {
            let quoted = fitted(&wording::quoted(quoted), width).into_owned();
            let spans =
                vec![Span::raw(" ".repeat(TIME_COLUMNS)), Span::styled(quoted, self.style(Part::Border))];
            lines.push(Line::from(spans));
        }
        let body = Body::read(&text, if own { &[] } else { &self.called });
        let indent = columns(&name) + columns(before) + columns(after);
        for (number, row) in body.rows(width, indent).into_iter().enumerate() {
            let mut spans = match number {
                0 => vec![
                    Span::styled(time.clone(), self.style(Part::Line(Role::Time))),
                    Span::raw(before),
                    Span::styled(name.clone(), self.style(Part::Line(role))),
                    Span::raw(after),
                ],
                _ => vec![Span::raw(" ".repeat(TIME_COLUMNS))],
            };
            spans.extend(body.pieces(row).map(|(text, marks)| self.marked(text, marks, part)));
            lines.push(Line::from(spans));
        }
        self.reactions(lines, state);
    }

    fn reactions(&self, lines: &mut Vec<Line<'static>>, state: &MessageState) {
        if state.reactions.is_empty() {
            return;
        }
        let each = state.reactions.iter().map(|(emoji, users)| {
            let names: Vec<_> = users.iter().take(3).map(|user| wording::name(user.as_str())).collect();
            let more = if users.len() > 3 { format!(" +{}", users.len() - 3) } else { String::new() };
            format!("{} {}{more}", one_line(emoji), names.join(", "))
        });
        let text = fitted(&each.collect::<Vec<_>>().join("  "), self.width.saturating_sub(TIME_COLUMNS))
            .into_owned();
        let spans = vec![Span::raw(" ".repeat(TIME_COLUMNS)), Span::styled(text, self.style(Part::Border))];
        lines.push(Line::from(spans));
    }

    /// A piece of text as it stands out.
    fn marked(&self, text: &str, marks: Marks, part: Part<'_>) -> Span<'static> {
        let mut style = self.style(part);
        let parts = [
            (marks.quote, Part::Cited),
            (marks.other, Part::Line(Role::Name(text.trim_start_matches('@')))),
            (marks.code, Part::Quoted),
            (marks.bold, Part::Bold),
            (marks.italic, Part::Italic),
            (marks.link, Part::Link),
            (marks.called, Part::OwnMention),
        ];
        for (_, part) in parts.into_iter().filter(|(is, _)| *is) {
            style = style.patch(self.style(part));
        }
        Span::styled(text.to_owned(), style)
    }

    /// A message that was found, with its matches.
    fn found(&self, lines: &mut Vec<Line<'static>>, text: &str, matches: &[(usize, usize)]) {
        let (plain, marked) = (self.style(Part::Text), self.style(Part::Line(Role::Match)));
        for row in rows::soft(text, self.width, 0) {
            let mut spans = Vec::new();
            let mut at = row.begin;
            for (begin, end) in matches {
                let (begin, end) = ((*begin).clamp(at, row.end), (*end).clamp(at, row.end));
                if begin < end {
                    spans.push(Span::styled(text[at..begin].to_owned(), plain));
                    spans.push(Span::styled(text[begin..end].to_owned(), marked));
                    at = end;
                }
            }
            spans.push(Span::styled(text[at..row.end].to_owned(), plain));
            lines.push(Line::from(spans));
        }
    }

    fn aside(&self, lines: &mut Vec<Line<'static>>, text: &str, role: Role<'_>) {
        for line in harmless(text).split('\n') {
            // What stands in a column of a table stays in it.
            let column = behind_gap(line).filter(|column| columns(&line[..*column]) < self.width * 2 / 3);
            let (before, rest) = line.split_at(column.unwrap_or(0));
            let indent = columns(before);
            for (number, row) in rows::soft(rest, self.width - indent, 0).into_iter().enumerate() {
                let before = if number == 0 { before.to_owned() } else { " ".repeat(indent) };
                let row = before + &rest[row.begin..row.end];
                lines.push(Line::from(Span::styled(row, self.style(Part::Line(role)))));
            }
        }
    }
}

/// Where the text behind the first gap begins: two spaces or more with something before them.
fn behind_gap(line: &str) -> Option<usize> {
    let begin = line.len() - line.trim_start().len();
    let gap = begin + line[begin..].find("  ")?;
    Some(line.len() - line[gap..].trim_start().len())
}
