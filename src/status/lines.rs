//! Lines of text with tones, laid out in columns. Knows nothing of what they say or where they are shown.

use std::fmt::Write as _;

use recado_client::view::text::{columns, fitted};

/// Spaces between two columns of a section, and between two sections side by side.
const GAP: usize = 2;
const GUTTER: usize = 3;

/// How a piece of text stands out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    Plain,
    /// Less important than the rest.
    Dim,
    Heading,
    /// Something goes on here.
    Lively,
    /// Worth a look.
    Warning,
    /// Something is wrong now.
    Alarm,
}

/// A piece of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) text: String,
    pub(super) tone: Tone,
}

impl Piece {
    pub(super) fn new(text: impl Into<String>, tone: Tone) -> Piece {
        Piece { text: text.into(), tone }
    }
}

/// A line.
pub(super) type Line = Vec<Piece>;

/// A heading and rows of cells. The first cell of each is a label, the others are set to the right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Section(pub(super) Vec<Line>);

/// Columns that the line takes.
pub(super) fn width(line: &Line) -> usize {
    line.iter().map(|piece| columns(&piece.text)).sum()
}

/// The widths of the columns that all these sections need.
pub(super) fn widths(sections: &[Section]) -> Vec<usize> {
    let mut widths: Vec<usize> = Vec::new();
    for cells in sections.iter().flat_map(|section| &section.0) {
        widths.resize(widths.len().max(cells.len()), 0);
        for (width, cell) in widths.iter_mut().zip(cells) {
            *width = (*width).max(columns(&cell.text));
        }
    }
    widths
}

/// The sections one under the other, their columns in line, and each as wide as `at_least`.
pub(super) fn stacked(sections: &[Section], at_least: &[usize]) -> Vec<Line> {
    let mut widths = widths(sections);
    for (width, least) in widths.iter_mut().zip(at_least) {
        *width = (*width).max(*least);
    }
    let mut lines = Vec::new();
    for (number, section) in sections.iter().enumerate() {
        if number > 0 {
            lines.push(Line::new());
        }
        lines.extend(section.0.iter().map(|cells| set(cells, &widths)));
    }
    lines
}

/// The cells padded to these widths; nothing behind the last one.
fn set(cells: &Line, widths: &[usize]) -> Line {
    let mut line = Line::new();
    let shown = cells.iter().rposition(|cell| !cell.text.is_empty()).map_or(0, |last| last + 1);
    for (number, (cell, width)) in cells.iter().zip(widths).take(shown).enumerate() {
        let padding = width - columns(&cell.text);
        match number {
            0 if shown == 1 => line.push(cell.clone()),
            0 => line.extend([cell.clone(), blank(padding)]),
            _ => line.extend([blank(GAP + padding), cell.clone()]),
        }
    }
    line
}

fn blank(width: usize) -> Piece {
    Piece::new(" ".repeat(width), Tone::Plain)
}

/// Two blocks next to one another.
pub(super) fn side_by_side(left: Vec<Line>, right: Vec<Line>) -> Vec<Line> {
    let left_width = left.iter().map(width).max().unwrap_or_default();
    let rows = left.len().max(right.len());
    let (mut left, mut right) = (left.into_iter(), right.into_iter());
    let mut lines = Vec::with_capacity(rows);
    for _ in 0..rows {
        let mut line = left.next().unwrap_or_default();
        let right = right.next().unwrap_or_default();
        if !right.is_empty() {
            line.push(blank(left_width - width(&line) + GUTTER));
            line.extend(right);
        }
        lines.push(line);
    }
    lines
}

/// The line as it is written, cut to this width if there is one, with colours or without.
pub(super) fn paint(line: &Line, width: Option<usize>, colours: bool) -> String {
    let mut left = width.unwrap_or(usize::MAX);
    let mut painted = String::new();
    for piece in line {
        if left == 0 {
            break;
        }
        let text = fitted(&piece.text, left);
        left -= columns(&text);
        match code(piece.tone).filter(|_| colours && !text.is_empty()) {
            Some(code) => {
                let _ = write!(painted, "\x1b[{code}m{text}\x1b[0m");
            }
            None => painted.push_str(&text),
        }
    }
    painted
}

/// Of the eight colours that every terminal has.
fn code(tone: Tone) -> Option<&'static str> {
    match tone {
        Tone::Plain => None,
        Tone::Dim => Some("2"),
        Tone::Heading => Some("1"),
        Tone::Lively => Some("36"),
        Tone::Warning => Some("33"),
        Tone::Alarm => Some("1;31"),
    }
}

#[cfg(test)]
mod tests {
    use super::{Line, Piece, Section, Tone, paint, side_by_side, stacked};

    fn line(cells: &[&str]) -> Line {
        cells.iter().map(|text| Piece::new(*text, Tone::Plain)).collect()
    }

    fn check(lines: &[Line], expect: &[&str]) {
        let plain: Vec<String> = lines.iter().map(|line| paint(line, None, false)).collect();
        assert_eq!(plain, expect);
    }

    #[test]
    fn labels_are_set_to_the_left_and_numbers_to_the_right() {
        let one = Section(vec![line(&["Messages", "all", "/s"]), line(&["  in", "1,000", "5"])]);
        let two = Section(vec![line(&["Dropped now"]), line(&["  x", "7", ""])]);
        let lines = stacked(&[one, two], &[]);
        check(
            &lines,
            &["Messages       all  /s", "  in         1,000   5", "", "Dropped now", "  x              7"],
        );
    }

    #[test]
    fn two_blocks_stand_side_by_side_and_the_longer_one_goes_on() {
        let left = vec![line(&["ab"]), line(&["abcd"])];
        let right = vec![line(&["1"]), Line::new(), line(&["3"])];
        check(&side_by_side(left, right), &["ab     1", "abcd", "       3"]);
    }

    #[test]
    fn a_line_is_cut_where_the_terminal_ends_and_its_colours_with_it() {
        let line = vec![Piece::new("Title", Tone::Heading), Piece::new(" and the rest", Tone::Plain)];
        assert_eq!(paint(&line, None, true), "\x1b[1mTitle\x1b[0m and the rest");
        assert_eq!(paint(&line, Some(10), true), "\x1b[1mTitle\x1b[0m and…");
        assert_eq!(paint(&line, Some(3), true), "\x1b[1mTi…\x1b[0m");
        assert_eq!(paint(&line, Some(0), true), "");
    }
}
