//! Text cut into rows of a width. A row is a stretch of the text's bytes, so that nothing is copied to find out how high a text is.

use unicode_segmentation::UnicodeSegmentation as _;
use unicode_width::UnicodeWidthStr as _;

use crate::view::text::columns;

/// A stretch of the text that stands on one row, without the space or line feed at which it was cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) begin: usize,
    pub(crate) end: usize,
}

/// Rows of at most so many columns, cut between words where one can; the first one begins `indent` columns further right. A text that
/// is empty has one row.
pub(crate) fn soft(text: &str, width: usize, indent: usize) -> Vec<Row> {
    cut(text, width, indent, true)
}

/// Rows of at most so many columns, cut wherever they are full.
pub(crate) fn hard(text: &str, width: usize) -> Vec<Row> {
    cut(text, width, 0, false)
}

fn cut(text: &str, width: usize, indent: usize, at_words: bool) -> Vec<Row> {
    let width = width.max(2);
    let mut rows = Vec::new();
    let mut begin = 0;
    let mut taken = indent.min(width - 1);
    // Where the row may end, where the next one begins then, and how wide all up to there is.
    let mut space: Option<(usize, usize, usize)> = None;
    for (at, grapheme) in text.grapheme_indices(true) {
        if grapheme.starts_with('\n') {
            rows.push(Row { begin, end: at });
            (begin, taken, space) = (at + grapheme.len(), 0, None);
            continue;
        }
        // What is drawn counts joined characters as one, and the selector of their coloured form as wide.
        let wide = columns(grapheme).max(grapheme.width());
        if taken + wide > width && at > begin {
            match space.filter(|_| at_words) {
                // The space that does not fit is what the row ends with.
                _ if at_words && grapheme == " " => {
                    rows.push(Row { begin, end: at });
                    (begin, taken, space) = (at + 1, 0, None);
                    continue;
                }
                Some((end, next, up_to)) => {
                    rows.push(Row { begin, end });
                    (begin, taken, space) = (next, taken - up_to, None);
                }
                None => {
                    rows.push(Row { begin, end: at });
                    (begin, taken, space) = (at, 0, None);
                }
            }
        }
        taken += wide;
        if grapheme == " " {
            space = Some((at, at + 1, taken));
        }
    }
    rows.push(Row { begin, end: text.len() });
    rows
}

#[cfg(test)]
mod tests {
    use super::{hard, soft};
    use crate::view::text::columns;

    fn check(text: &str, width: usize, indent: usize, expect: &[&str]) {
        let rows: Vec<_> = soft(text, width, indent).iter().map(|row| &text[row.begin..row.end]).collect();
        assert_eq!(rows, expect, "{text:?} in {width}");
    }

    #[test]
    fn rows_are_cut_between_words() {
        check("one two three", 7, 0, &["one two", "three"]);
        check("one two three", 8, 0, &["one two", "three"]);
        check("one two three", 13, 0, &["one two three"]);
        check("one two", 7, 4, &["one", "two"]);
        check("", 7, 0, &[""]);
        check("a\n\nb", 7, 0, &["a", "", "b"]);
        check("a b ", 3, 0, &["a b", ""]);
    }

    #[test]
    fn what_has_no_spaces_is_cut_where_it_must_be() {
        check("abcdefgh", 3, 0, &["abc", "def", "gh"]);
        check("x abcdefgh", 4, 0, &["x", "abcd", "efgh"]);
        check("日本語", 5, 0, &["日本", "語"]);
        check("日本語", 0, 0, &["日", "本", "語"]);
    }

    #[test]
    fn no_row_is_wider_than_it_may_be_and_nothing_is_left_out() {
        let text =
            "Quando a 👩‍👩‍👧 família e\u{301} 日本語の文章 longaaaaaaaaaaaaaaaaaaaaaa palavra  dois espaços\nfim";
        for width in 2..90 {
            for rows in [soft(text, width, 0), hard(text, width)] {
                let shown = |row: &super::Row| &text[row.begin..row.end];
                // A joined emoji alone may be wider than a very narrow row.
                assert!(width < 7 || rows.iter().all(|row| columns(shown(row)) <= width), "{width}");
                let rest: String = rows.iter().map(shown).collect();
                let bare = |text: &str| text.replace([' ', '\n'], "");
                assert_eq!(bare(&rest), bare(text));
            }
        }
    }

    #[test]
    fn what_a_selector_makes_wide_is_not_cut_off() {
        let rows = soft(&"☺\u{fe0f}".repeat(20), 10, 0);
        assert_eq!(rows.len(), 4);
    }

    #[test]
    fn the_longest_message_is_cut_in_one_pass() {
        let text = "x".repeat(64 * 1024);
        assert_eq!(soft(&text, 64, 10).len(), 1025);
        let spaces = " ".repeat(64 * 1024);
        assert!(soft(&spaces, 64, 0).len() < 1025);
    }
}
