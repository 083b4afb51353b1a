//! The part of a text that shows why it was found. Whatever the text holds, the marks of matches stand in it as pairs, and
//! nowhere else: control characters become white space, and white space one space.

use std::ops::Range;

use recado_proto::limits::SNIPPET_CHARS_MAX;
use recado_proto::{MATCH_BEGINS, MATCH_ENDS};

/// Characters that are shown before the first match, if there are more after it.
const LEAD_CHARS: usize = 40;
const CUT: char = '…';

/// `places` are in their order and apart; `focus` is the place that has to be seen.
pub(super) fn snippet(text: &str, places: &[Range<usize>], focus: usize) -> String {
    let from = begin(text, focus);
    let mut out = String::new();
    let mut room = SNIPPET_CHARS_MAX;
    if from > 0 {
        out.push(CUT);
        room -= 1;
    }
    let mut open: Option<usize> = None;
    let mut places = places.iter().filter(|place| place.end > from).peekable();
    let mut pending_space = false;
    for (at, character) in text[from..].char_indices().map(|(at, character)| (from + at, character)) {
        if open.is_some_and(|end| at >= end) {
            out.push(MATCH_ENDS);
            open = None;
        }
        if character.is_whitespace() || character.is_control() {
            pending_space = room < SNIPPET_CHARS_MAX;
            continue;
        }
        let needed = 1 + usize::from(pending_space);
        // One is kept for the cut.
        if needed > room || (needed == room && text[at..].chars().nth(1).is_some()) {
            out.extend(open.take().map(|_| MATCH_ENDS));
            out.push(CUT);
            return out;
        }
        if std::mem::take(&mut pending_space) {
            out.push(' ');
        }
        if open.is_none()
            && let Some(place) = places.next_if(|place| place.start <= at)
        {
            out.push(MATCH_BEGINS);
            open = Some(place.end);
        }
        out.push(character);
        room -= needed;
    }
    out.extend(open.map(|_| MATCH_ENDS));
    out
}

/// Where the part begins: a little before the focus, at a word, or where the text begins.
fn begin(text: &str, focus: usize) -> usize {
    let after = text[focus..].chars().take(SNIPPET_CHARS_MAX).count();
    let lead = LEAD_CHARS.max(SNIPPET_CHARS_MAX.saturating_sub(after + 2));
    let before = &text[..focus];
    let Some((from, _)) = before.char_indices().rev().nth(lead) else { return 0 };
    let space = text[from..focus].char_indices().find(|(_, character)| character.is_whitespace());
    space.map_or(from, |(at, space)| from + at + space.len_utf8())
}

#[cfg(test)]
mod tests {
    use rand::rngs::StdRng;
    use rand::seq::IndexedRandom;
    use rand::{RngExt, SeedableRng};
    use recado_proto::limits::SNIPPET_CHARS_MAX;
    use recado_proto::{MATCH_BEGINS, MATCH_ENDS};

    use super::super::query::Query;

    fn shown(words: &str, text: &str) -> String {
        let sight = Query::parse(words).unwrap().look(text).unwrap();
        sight.snippet(text).replace(MATCH_BEGINS, "[").replace(MATCH_ENDS, "]")
    }

    #[test]
    fn a_short_text_is_shown_whole_and_on_one_line() {
        assert_eq!(shown("b", "a\n\n b\tc  "), "a [b] c");
        assert_eq!(shown("a", "\u{1b}]0;a\u{2}b\u{3}\u{0}"), "]0;[a] b");
    }

    #[test]
    fn of_a_long_text_the_part_with_the_match_is_shown() {
        let text = format!("{} needle {}", "before ".repeat(40), "after ".repeat(40));
        let shown = shown("needle", &text);
        assert!(shown.starts_with("…before"), "{shown}");
        assert!(shown.contains("before [needle] after"), "{shown}");
        assert!(shown.ends_with('…'), "{shown}");
        assert_eq!(shown.chars().count(), SNIPPET_CHARS_MAX + 2, "{shown}");
        let at_end = format!("{} needle", "before ".repeat(40));
        let shown = self::shown("needle", &at_end);
        assert!(shown.ends_with("before [needle]"), "{shown}");
        assert!(shown.chars().count() > SNIPPET_CHARS_MAX - 10, "{shown}");
    }

    #[test]
    fn whatever_a_text_holds_marks_are_pairs_and_the_length_is_bounded() {
        let pieces = [
            "needle",
            " ",
            "\n",
            "x",
            "\u{2}",
            "\u{3}",
            "\u{1b}",
            "é",
            "東",
            "🎉",
            "\u{301}",
            "needless ",
            "…",
            "   ",
        ];
        for seed in 0..3_000 {
            let mut random = StdRng::seed_from_u64(seed);
            let count = random.random_range(0..400);
            let mut text: String = (0..count).map(|_| *pieces.choose(&mut random).unwrap()).collect();
            text.push_str(" needle");
            let sight = Query::parse("needle").unwrap().look(&text).unwrap();
            let snippet = sight.snippet(&text);
            let plain = snippet.chars().filter(|c| !matches!(*c, MATCH_BEGINS | MATCH_ENDS)).count();
            assert!(plain <= SNIPPET_CHARS_MAX, "seed {seed}: {plain} characters");
            let mut is_open = false;
            for character in snippet.chars() {
                match character {
                    MATCH_BEGINS => {
                        assert!(!std::mem::replace(&mut is_open, true), "seed {seed}: {snippet:?}")
                    }
                    MATCH_ENDS => assert!(std::mem::replace(&mut is_open, false), "seed {seed}: {snippet:?}"),
                    other => assert!(!other.is_control(), "seed {seed}: {snippet:?}"),
                }
            }
            assert!(!is_open && snippet.contains(MATCH_BEGINS), "seed {seed}: {snippet:?}");
        }
    }
}
