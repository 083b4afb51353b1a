//! Makes text of others harmless on a terminal, and measures it. It knows nothing of messages or colours.

use std::borrow::Cow;
use std::fmt::Write as _;

use recado_proto::{MATCH_BEGINS, MATCH_ENDS};
use unicode_segmentation::UnicodeSegmentation as _;
use unicode_width::UnicodeWidthChar as _;

use crate::limits;

/// The text with everything visible that would otherwise move the cursor, change colours, reorder or hide text.
///
/// Control characters become their pictures (`␛` for escape), other invisible ones `<U+202E>`; a tab becomes four spaces.
/// A line feed stays: see [`one_line`]. More than [`limits::MARKS_MAX`] marks on one character are cut off.
pub fn harmless(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~' | b'\n')) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    let mut marks = 0;
    let mut before = None;
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\n' => shown.push('\n'),
            '\r' if characters.peek() == Some(&'\n') => {}
            '\t' => shown.push_str("    "),
            '\u{0}'..='\u{1f}' => shown.push(picture(character)),
            '\u{7f}' => shown.push('\u{2421}'),
            _ if hides(character, before) => {
                let _ = write!(shown, "<U+{:04X}>", u32::from(character));
            }
            _ if character.width() == Some(0) => {
                marks += 1;
                match marks.cmp(&(limits::MARKS_MAX + 1)) {
                    std::cmp::Ordering::Less => shown.push(character),
                    std::cmp::Ordering::Equal => shown.push('\u{2026}'),
                    std::cmp::Ordering::Greater => {}
                }
            }
            _ => shown.push(character),
        }
        if character.width() != Some(0) {
            marks = 0;
        }
        before = Some(character);
    }
    Cow::Owned(shown)
}

/// [`harmless`], and line feeds are shown as well: for names and for whatever must stay in its line.
pub fn one_line(text: &str) -> Cow<'_, str> {
    match harmless(text) {
        Cow::Borrowed(text) if !text.contains('\n') => Cow::Borrowed(text),
        shown => Cow::Owned(shown.replace('\n', "\u{240a}")),
    }
}

/// The parts of a snippet, each on one line and harmless, and whether it is a match.
pub fn parts(snippet: &str) -> Vec<(String, bool)> {
    let mut parts = Vec::new();
    let mut is_match = false;
    for part in snippet.split_inclusive([MATCH_BEGINS, MATCH_ENDS]) {
        let bare = part.trim_end_matches([MATCH_BEGINS, MATCH_ENDS]);
        if !bare.is_empty() {
            parts.push((one_line(bare).into_owned(), is_match));
        }
        is_match = part.ends_with(MATCH_BEGINS);
    }
    parts
}

/// How many columns the text takes; control characters count as none.
pub fn columns(text: &str) -> usize {
    text.chars().map(|character| character.width().unwrap_or(0)).sum()
}

/// The text cut to so many columns, its last one an ellipsis where something was cut.
pub fn fitted(text: &str, columns_max: usize) -> Cow<'_, str> {
    if columns(text) <= columns_max {
        return Cow::Borrowed(text);
    }
    let mut fitted = String::new();
    let mut taken = 0;
    for grapheme in text.graphemes(true) {
        let wide = columns(grapheme);
        if taken + wide + 1 > columns_max {
            break;
        }
        taken += wide;
        fitted.push_str(grapheme);
    }
    fitted.push('\u{2026}');
    Cow::Owned(fitted)
}

/// Below the row on which `text` began, the row on which the cursor stands after it was typed into an editor of so many
/// columns; none if that cannot be told for certain. Terminals disagree about the width of what is joined of several
/// characters, so that it is certain only when the narrowest and the widest reading agree.
pub fn rows_below(text: &str, terminal_columns: usize) -> Option<usize> {
    let narrow = rows(text, terminal_columns, |widths| widths.max().unwrap_or(0))?;
    let wide = rows(text, terminal_columns, |widths| widths.sum())?;
    (narrow == wide).then_some(wide)
}

/// `width` makes one of the widths of a joined character's parts.
fn rows(
    text: &str,
    terminal_columns: usize,
    width: impl Fn(&mut dyn Iterator<Item = usize>) -> usize,
) -> Option<usize> {
    if terminal_columns == 0 {
        return None;
    }
    let (mut row, mut column) = (0, 0);
    for grapheme in text.graphemes(true) {
        if grapheme == "\n" {
            row += 1;
            column = 0;
            continue;
        }
        if grapheme.chars().any(|character| character.width().is_none()) {
            return None;
        }
        // The selector of the coloured form may widen what stands before it.
        let mut widths = grapheme.chars().map(|character| match character {
            '\u{fe0f}' => 1,
            character => character.width().unwrap_or(0),
        });
        let wide = width(&mut widths);
        column += wide;
        if column > terminal_columns {
            row += 1;
            column = wide;
        }
    }
    Some(if column == terminal_columns { row + 1 } else { row })
}

fn picture(control: char) -> char {
    char::from_u32(0x2400 + u32::from(control)).unwrap_or('\u{fffd}')
}

/// Whether a character shows nothing itself, or changes how its neighbours are shown.
fn hides(character: char, before: Option<char>) -> bool {
    match character {
        // Joiners belong to emoji and to several scripts, never to ASCII.
        '\u{200c}' | '\u{200d}' => before.is_none_or(|before| before.is_ascii()),
        '\u{80}'..='\u{9f}'
        | '\u{ad}'
        | '\u{61c}'
        | '\u{115f}'..='\u{1160}'
        | '\u{17b4}'..='\u{17b5}'
        | '\u{180e}'
        | '\u{200b}'
        | '\u{200e}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{3164}'
        | '\u{feff}'
        | '\u{ffa0}'
        | '\u{fff0}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e0fff}' => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::{columns, fitted, harmless, one_line, rows_below};

    fn check(text: &str, expect: &str) {
        assert_eq!(harmless(text), expect);
    }

    #[test]
    fn ordinary_text_of_any_script_stays_as_it_is() {
        for text in [
            "hello",
            "olá, São João",
            "你好",
            "日本語テキスト",
            "e\u{301}",
            "👩\u{200d}👩\u{200d}👧",
            "می\u{200c}خواهم",
            "שלום",
            "a\nb",
        ] {
            check(text, text);
        }
    }

    #[test]
    fn terminal_sequences_are_shown_and_not_obeyed() {
        check("\x1b[31mred\x1b[0m", "␛[31mred␛[0m");
        check("\x1b]0;title\x07", "␛]0;title␇");
        check("\u{9b}2J", "<U+009B>2J");
        check("over\rwritten", "over␍written");
        check("back\x08\x08", "back␈␈");
        check("nul\0del\x7f", "nul␀del␡");
        check("line\r\nend", "line\nend");
    }

    #[test]
    fn what_reorders_or_hides_text_is_shown() {
        check("user\u{202e}txt.exe", "user<U+202E>txt.exe");
        check("\u{2066}a\u{2069}", "<U+2066>a<U+2069>");
        check("bo\u{200b}b", "bo<U+200B>b");
        check("bo\u{200d}b", "bo<U+200D>b");
        check("\u{feff}x\u{e0041}", "<U+FEFF>x<U+E0041>");
        check("\u{3164}", "<U+3164>");
    }

    #[test]
    fn a_tower_of_marks_is_cut_off() {
        let tower = format!("a{}b{}", "\u{301}".repeat(100), "\u{301}");
        check(&tower, &format!("a{}\u{2026}b\u{301}", "\u{301}".repeat(8)));
    }

    #[test]
    fn a_name_stays_in_its_line() {
        assert_eq!(one_line("a\nb"), "a␊b");
        assert_eq!(one_line("ab"), "ab");
    }

    #[test]
    fn wide_characters_take_two_columns_and_marks_none() {
        assert_eq!(columns("ab你e\u{301}"), 5);
        assert_eq!(fitted("你好世界", 5), "你好…");
        assert_eq!(fitted("你好世界", 8), "你好世界");
        assert_eq!(fitted("abcdef", 4), "abc…");
    }

    #[test]
    fn rows_are_counted_as_an_editor_wraps_them() {
        assert_eq!(rows_below("", 10), Some(0));
        assert_eq!(rows_below("123456789", 10), Some(0));
        assert_eq!(rows_below("1234567890", 10), Some(1));
        assert_eq!(rows_below("12345678901", 10), Some(1));
        assert_eq!(rows_below("123456789你", 10), Some(1));
        assert_eq!(rows_below("a\nb\nc", 10), Some(2));
        assert_eq!(rows_below("👩\u{200d}👩", 10), Some(0), "however wide it is");
        assert_eq!(rows_below("1234567👩\u{200d}👩", 10), None, "terminals disagree");
        assert_eq!(rows_below("123456789☺\u{fe0f}", 10), Some(1));
        assert_eq!(rows_below("12345678☺\u{fe0f}", 10), None, "terminals disagree");
        assert_eq!(rows_below("a\tb", 10), None);
    }
}
