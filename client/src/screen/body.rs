//! What stands out in a message: bold, italic, code, quotes, links, names. It finds stretches of text that was made harmless, in time
//! that grows with the text alone, and takes nothing away: marks stay as they were typed, and a link is what it leads to.

use std::collections::BTreeMap;

use crate::chat::mentions::{calls, folded};

use super::rows::{self, Row};

/// A message's text with what stands out in it.
pub(crate) struct Body<'a> {
    text: &'a str,
    /// Parts of whole lines, and whether they are code, which is cut wherever a row is full.
    parts: Vec<(usize, usize, bool)>,
    /// Where each piece begins and what all of it is; the first begins with the text.
    pieces: Vec<(usize, Marks)>,
}

/// What a piece of text is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Marks {
    /// `*bold*`, `**bold**`
    pub(crate) bold: bool,
    /// `_italic_`
    pub(crate) italic: bool,
    /// Between backticks, or lines of a block between three of them.
    pub(crate) code: bool,
    /// A line that begins with `>`.
    pub(crate) quote: bool,
    /// `https://…`
    pub(crate) link: bool,
    /// One's own name, or another word that one listens for.
    pub(crate) called: bool,
    /// `@somebody`
    pub(crate) other: bool,
}

#[derive(Clone, Copy)]
enum Mark {
    Bold,
    Italic,
    Code,
    Quote,
    Link,
    Called,
    Other,
}

const MARKS: usize = 7;

type Found = Vec<(usize, usize, Mark)>;

impl<'a> Body<'a> {
    /// Reads a harmless text. `called` are the words that one listens for, as [`crate::chat::mentions::folded`] gives them.
    pub(crate) fn read(text: &'a str, called: &[String]) -> Self {
        let mut found = Found::new();
        let parts = find_lines(text, &mut found);
        let lower = if called.is_empty() { String::new() } else { folded(text) };
        for word in called {
            found.extend(calls(&lower, word).map(|(begin, end)| (begin, end, Mark::Called)));
        }
        Self { text, parts, pieces: pieces(&found) }
    }

    /// Its rows; the first one begins `indent` columns further right.
    pub(crate) fn rows(&self, width: usize, indent: usize) -> Vec<Row> {
        let mut all = Vec::new();
        for (begin, end, is_code) in &self.parts {
            let part = &self.text[*begin..*end];
            let indent = if *begin == 0 { indent } else { 0 };
            let cut = if *is_code && indent == 0 {
                rows::hard(part, width)
            } else {
                rows::soft(part, width, indent)
            };
            all.extend(cut.into_iter().map(|row| Row { begin: row.begin + begin, end: row.end + begin }));
        }
        all
    }

    /// The pieces of a row and what each is.
    pub(crate) fn pieces(&self, row: Row) -> impl Iterator<Item = (&'a str, Marks)> {
        let first = self.pieces.partition_point(|(begin, _)| *begin <= row.begin).saturating_sub(1);
        self.pieces[first..].iter().enumerate().map_while(move |(index, (begin, marks))| {
            let end = self.pieces.get(first + index + 1).map_or(self.text.len(), |(next, _)| *next);
            let (begin, end) = (row.begin.max(*begin), row.end.min(end));
            (begin < end).then(|| (&self.text[begin..end], *marks))
        })
    }
}

/// What stands out in each line; and the parts.
fn find_lines(text: &str, found: &mut Found) -> Vec<(usize, usize, bool)> {
    let mut parts: Vec<(usize, usize, bool)> = Vec::new();
    let mut is_block = false;
    let mut begin = 0;
    for line in text.split('\n') {
        let end = begin + line.len();
        let is_fence = line.trim_start().strip_prefix("```").is_some_and(|rest| !rest.contains("```"));
        let is_code = is_block || is_fence;
        if is_fence {
            is_block = !is_block;
        }
        if is_code {
            found.push((begin, end, Mark::Code));
        } else {
            if line.starts_with('>') {
                found.push((begin, end, Mark::Quote));
            }
            find_inline(line, begin, found);
        }
        match parts.last_mut() {
            Some((_, last_end, was_code)) if *was_code == is_code => *last_end = end,
            _ => parts.push((begin, end, is_code)),
        }
        begin = end + 1;
    }
    parts
}

/// Code, links, bold, italic and names within a line that stands at `offset`.
fn find_inline(line: &str, offset: usize, found: &mut Found) {
    let closing = closing_backticks(line);
    // Where bold of one and of two asterisks and italic began, that may end yet.
    let mut open: [Option<usize>; 3] = [None; 3];
    let mut at = 0;
    let mut before = None;
    while let Some(character) = line[at..].chars().next() {
        let rest = &line[at..];
        let is_edge = before.is_none_or(|before: char| !before.is_alphanumeric());
        let next = match character {
            '`' => {
                let run = run_length(rest);
                match closing.get(&at) {
                    Some(end) => {
                        found.push((offset + at, offset + end, Mark::Code));
                        *end
                    }
                    None => at + run,
                }
            }
            '*' | '_' => {
                let run = run_length(rest);
                let (kind, mark) = match (character, run) {
                    ('*', 1) => (0, Mark::Bold),
                    ('*', 2) => (1, Mark::Bold),
                    ('_', 1) => (2, Mark::Italic),
                    _ => {
                        at += run;
                        before = Some(character);
                        continue;
                    }
                };
                let after = rest[run..].chars().next();
                let can_end = before.is_some_and(|before| !before.is_whitespace())
                    && after.is_none_or(|after| !after.is_alphanumeric());
                let can_begin = is_edge && after.is_some_and(|after| !after.is_whitespace());
                match open[kind] {
                    Some(begin) if can_end => {
                        found.push((offset + begin, offset + at + run, mark));
                        open[kind] = None;
                    }
                    None if can_begin => open[kind] = Some(at),
                    Some(_) | None => {}
                }
                at + run
            }
            'h' | 'H' if is_edge => match link_length(rest) {
                Some(length) => {
                    found.push((offset + at, offset + at + length, Mark::Link));
                    at + length
                }
                None => at + 1,
            },
            '@' if is_edge => {
                let is_of_name =
                    |character: &char| character.is_alphanumeric() || matches!(character, '_' | '-');
                let name: usize = rest[1..].chars().take_while(is_of_name).map(char::len_utf8).sum();
                if name > 0 {
                    found.push((offset + at, offset + at + 1 + name, Mark::Other));
                }
                at + 1 + name
            }
            _ => at + character.len_utf8(),
        };
        before = line[..next].chars().next_back();
        at = next;
    }
}

/// How often the first character stands at the beginning, one byte each.
fn run_length(text: &str) -> usize {
    let first = text.as_bytes().first();
    text.bytes().take_while(|byte| Some(byte) == first).count()
}

/// For each run of backticks that another one of its length follows: where the next one ends.
fn closing_backticks(line: &str) -> BTreeMap<usize, usize> {
    let mut runs = Vec::new();
    let mut at = 0;
    while let Some(found) = line[at..].find('`') {
        let begin = at + found;
        let length = run_length(&line[begin..]);
        runs.push((begin, length));
        at = begin + length;
    }
    let mut following: BTreeMap<usize, usize> = BTreeMap::new();
    let mut closing = BTreeMap::new();
    for (begin, length) in runs.into_iter().rev() {
        if let Some(next) = following.insert(length, begin) {
            closing.insert(begin, next + length);
        }
    }
    closing
}

/// How long a link at the beginning is, without the sentence's punctuation behind it.
fn link_length(text: &str) -> Option<usize> {
    let scheme = ["https://", "http://"]
        .into_iter()
        .find(|scheme| text.get(..scheme.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(scheme)))?;
    let is_end = |character: char| character.is_whitespace() || matches!(character, '<' | '>' | '"' | '`');
    let end = text.find(is_end).unwrap_or(text.len());
    let link = &text[..end];
    let is_punctuation = |character| {
        matches!(character, '.' | ',' | ';' | ':' | '!' | '?' | '\'' | '*' | '_' | ']' | '}')
            || character == ')' && !link.contains('(')
    };
    let length = link.trim_end_matches(is_punctuation).len();
    (length > scheme.len()).then_some(length)
}

/// Pieces of which each is of one kind.
fn pieces(found: &[(usize, usize, Mark)]) -> Vec<(usize, Marks)> {
    let begins = found.iter().map(|(begin, _, mark)| (*begin, 1, *mark));
    let mut edges: Vec<(usize, i32, Mark)> =
        begins.chain(found.iter().map(|(_, end, mark)| (*end, -1, *mark))).collect();
    edges.sort_by_key(|(at, ..)| *at);
    let mut open = [0_i32; MARKS];
    let mut pieces = vec![(0, Marks::default())];
    for (at, change, mark) in edges {
        open[mark as usize] += change;
        let is = |mark: Mark| open[mark as usize] > 0;
        let marks = Marks {
            bold: is(Mark::Bold),
            italic: is(Mark::Italic),
            code: is(Mark::Code),
            quote: is(Mark::Quote),
            link: is(Mark::Link),
            called: is(Mark::Called),
            other: is(Mark::Other),
        };
        match pieces.last_mut() {
            Some((begin, last)) if *begin == at => *last = marks,
            _ => pieces.push((at, marks)),
        }
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::{Body, Marks};
    use crate::chat::mentions::folded;

    /// The text with its pieces in brackets, each with the letters of what it is.
    fn shown(text: &str, called: &[&str], width: usize) -> Vec<String> {
        let called: Vec<String> = called.iter().map(|word| folded(word)).collect();
        let body = Body::read(text, &called);
        let letters = |marks: Marks| {
            let Marks { bold, italic, code, quote, link, called, other } = marks;
            let all = [
                (bold, 'b'),
                (italic, 'i'),
                (code, 'c'),
                (quote, 'q'),
                (link, 'l'),
                (called, 'm'),
                (other, 'o'),
            ];
            all.iter().filter(|(is, _)| *is).map(|(_, letter)| letter).collect::<String>()
        };
        let row = |row| {
            let pieces = body.pieces(row).map(|(text, marks)| match letters(marks) {
                letters if letters.is_empty() => text.to_owned(),
                letters => format!("[{letters}|{text}]"),
            });
            pieces.collect::<String>()
        };
        body.rows(width, 0).into_iter().map(row).collect()
    }

    fn check(text: &str, expect: &str) {
        assert_eq!(shown(text, &["ana"], 200).join("/"), expect, "{text:?}");
    }

    #[test]
    fn bold_and_italic_stand_between_their_marks() {
        check("a *b* c", "a [b|*b*] c");
        check("a **b c** d", "a [b|**b c**] d");
        check("_i_ and *b _bi_*.", "[i|_i_] and [b|*b ][bi|_bi_][b|*].");
        check("(*b*)", "([b|*b*])");
    }

    #[test]
    fn marks_that_mean_something_else_are_left_alone() {
        check("2 * 3 * 4", "2 * 3 * 4");
        check("snake_case_name and a*b*c", "snake_case_name and a*b*c");
        check("*open", "*open");
        check("a* b*", "a* b*");
        check("***", "***");
        check("", "");
        check("*\n*", "*/*");
    }

    #[test]
    fn code_is_taken_as_it_is() {
        check("`a *b*` *c*", "[c|`a *b*`] [b|*c*]");
        check("``a ` b``", "[c|``a ` b``]");
        check("one ` alone", "one ` alone");
        check("```x```", "[c|```x```]");
        check("see\n```rust\nlet *a* = 1;\n```\n*b*", "see/[c|```rust]/[c|let *a* = 1;]/[c|```]/[b|*b*]");
        check("```\nnot closed", "[c|```]/[c|not closed]");
    }

    #[test]
    fn lines_of_code_are_cut_and_not_reflowed() {
        assert_eq!(shown("```\nab cd ef\n```", &[], 5), ["[c|```]", "[c|ab cd]", "[c| ef]", "[c|```]"]);
        assert_eq!(shown("ab cd ef", &[], 5), ["ab cd", "ef"]);
    }

    #[test]
    fn quotes_are_lines_that_begin_with_their_mark() {
        check("> said *b*\nno > quote", "[q|> said ][bq|*b*]/no > quote");
    }

    #[test]
    fn links_are_shown_whole_without_the_sentence_around_them() {
        check("see https://a.b/c_d_e?f=*g*, or", "see [l|https://a.b/c_d_e?f=*g]*, or");
        check("(http://a.b)", "([l|http://a.b])");
        check("https://a.b/c_(d)", "[l|https://a.b/c_(d)]");
        check("*https://a.b*", "[b|*][bl|https://a.b][b|*]");
        check("https:// xhttp://a", "https:// xhttp://a");
        check("HTTPS://A.b javascript:x", "[l|HTTPS://A.b] javascript:x");
    }

    #[test]
    fn names_stand_out_where_they_stand_by_themselves() {
        check("Ana, @ana: banana", "[m|Ana], [o|@][mo|ana]: banana");
        check("@bob a@b.c @", "[o|@bob] a@b.c @");
        check("ANA`ana`", "[m|ANA][c|`][cm|ana][c|`]");
        assert_eq!(shown("İana ÉMILE", &["émile", ""], 80), ["İana [m|ÉMILE]"]);
    }

    #[test]
    fn nothing_is_taken_away_whatever_the_width() {
        let text = "> *a* `b` https://c.d/日本語\n```\n e_f_ 👩‍👩‍👧 שלום\n```\n@bob **x";
        for width in 2..60 {
            let body = Body::read(text, &[]);
            let all: String = body
                .rows(width, 3)
                .into_iter()
                .flat_map(|row| body.pieces(row))
                .map(|(text, _)| text)
                .collect();
            let bare = |text: &str| text.replace([' ', '\n'], "");
            assert_eq!(bare(&all), bare(text), "{width}");
        }
    }

    #[test]
    fn the_longest_hostile_messages_are_read_whole() {
        for pattern in [
            "*",
            "`",
            "_",
            "* ",
            " *a",
            "` ",
            "`a``b",
            "> ",
            "@",
            "@a ",
            "https://",
            "http://a(",
            "```\n",
            "a ",
            "*_`",
        ] {
            let text = pattern.repeat(64 * 1024 / pattern.len());
            let body = Body::read(&text, &["a".to_owned()]);
            let rows = body.rows(70, 10);
            assert!(rows.len() > 900, "{pattern:?}: {}", rows.len());
            let shown: usize =
                rows.into_iter().flat_map(|row| body.pieces(row)).map(|(text, _)| text.len()).sum();
            assert!(shown > 0 && shown <= text.len(), "{pattern:?}");
        }
    }
}
