//! A text's words: runs of letters and digits, in lower case and without accents. What is written without spaces between
//! words (Han, kana, Thai, …) and symbols such as emoji are words of one character each.

use std::ops::Range;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use crate::limits::WORD_BYTES_MAX;

/// Calls `take` with each word of `text`, folded, and the bytes of the text that it stands in.
pub(super) fn each_word(text: &str, mut take: impl FnMut(&str, Range<usize>)) {
    let mut word = String::new();
    let mut begins = 0;
    let mut ends = 0;
    let mut alone = false;
    let mut finish = |word: &mut String, range: Range<usize>| {
        if !word.is_empty() {
            take(word, range);
            word.clear();
        }
    };
    for (at, character) in text.char_indices() {
        let joins = is_mark(character);
        let is_word = character.is_alphanumeric();
        let starts_anew = !joins && (alone || stands_alone(character));
        if !joins && (starts_anew || !is_word) {
            finish(&mut word, begins..ends);
        }
        if !joins {
            alone = stands_alone(character);
        }
        if is_word || alone || (joins && !word.is_empty()) {
            if word.is_empty() {
                begins = at;
            }
            fold_into(&mut word, character);
            ends = at + character.len_utf8();
        }
    }
    finish(&mut word, begins..ends);
}

/// The text as it is indexed: its words, folded, with a space between them.
pub(in crate::store) fn folded(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    each_word(text, |word, _| {
        if !folded.is_empty() {
            folded.push(' ');
        }
        folded.push_str(word);
    });
    folded
}

fn fold_into(word: &mut String, character: char) {
    let mut push = |character: char| {
        if word.len() + character.len_utf8() <= WORD_BYTES_MAX {
            word.push(character);
        }
    };
    if character.is_ascii() {
        return push(character.to_ascii_lowercase());
    }
    for part in std::iter::once(character).nfkd().filter(|part| !is_accent(*part)) {
        for lower in part.to_lowercase().filter(|lower| !is_accent(*lower)) {
            match lower {
                'ß' => "ss".chars().for_each(&mut push),
                'æ' => "ae".chars().for_each(&mut push),
                'œ' => "oe".chars().for_each(&mut push),
                'ø' => push('o'),
                'ł' => push('l'),
                'đ' => push('d'),
                'ı' => push('i'),
                'ς' => push('σ'),
                // A compatibility form may come apart into what is no word: "½" has a stroke.
                other if other.is_alphanumeric() || is_combining_mark(other) || stands_alone(other) => {
                    push(other);
                }
                _ => {}
            }
        }
    }
}

/// Belongs to the character before it.
fn is_mark(character: char) -> bool {
    !character.is_ascii() && is_combining_mark(character)
}

/// Makes no difference to a word.
fn is_accent(character: char) -> bool {
    matches!(character, '\u{300}'..='\u{36f}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}'
        | '\u{fe00}'..='\u{fe0f}')
}

/// A word of its own.
fn stands_alone(character: char) -> bool {
    match character {
        // Symbols and pictures.
        '\u{2190}'..='\u{21ff}'
        | '\u{2300}'..='\u{27bf}'
        | '\u{2b00}'..='\u{2bff}'
        | '\u{1f000}'..='\u{1faff}' => true,
        // Thai and Lao, Burmese, Khmer, kana, Han.
        '\u{e01}'..='\u{eff}'
        | '\u{1000}'..='\u{109f}'
        | '\u{1780}'..='\u{17ff}'
        | '\u{3041}'..='\u{30ff}'
        | '\u{3400}'..='\u{4dbf}'
        | '\u{4e00}'..='\u{9fff}'
        | '\u{f900}'..='\u{faff}'
        | '\u{20000}'..='\u{3ffff}' => character.is_alphanumeric(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::{each_word, folded};
    use crate::limits::WORD_BYTES_MAX;

    fn check(text: &str, expect: &str) {
        assert_eq!(folded(text), expect, "{text:?}");
    }

    #[test]
    fn words_are_letters_and_digits_whatever_stands_between() {
        check("", "");
        check(" ?! \u{2}\0\n", "");
        check("foo-bar_baz, (qux)", "foo bar baz qux");
        check("v1.2 http://x.y/z?a=b", "v1 2 http x y z a b");
        check("a\u{200b}b", "a b");
    }

    #[test]
    fn case_and_accents_make_no_difference() {
        check("AÇÃO ação ac\u{327}a\u{303}o", "acao acao acao");
        check("Straße ŁÓDŹ Ærø İstanbul ıssız", "strasse lodz aero istanbul issiz");
        check("ΌΣΟΣ ὅσος", "οσοσ οσοσ");
        check("Ｆｕｌｌ ½", "full 12");
        check("\u{301}a \u{301}", "a");
    }

    #[test]
    fn what_is_written_without_spaces_is_found_character_by_character() {
        check("東京タワー", "東 京 タ ワ ー");
        check("go東京go", "go 東 京 go");
        check("party🎉🎉 ❤\u{fe0f}", "party 🎉 🎉 ❤");
        check("ไทย", "ไ ท ย");
    }

    #[test]
    fn a_word_is_bounded() {
        let long = "x".repeat(100_000);
        assert_eq!(folded(&long).len(), WORD_BYTES_MAX);
        let long = "é".repeat(40) + &"ﷺ".repeat(100);
        assert!(folded(&long).split(' ').all(|word| word.len() <= WORD_BYTES_MAX));
    }

    #[test]
    fn words_say_where_they_stand() {
        let text = "¡Olá, mundo! 🎉x";
        let mut found = Vec::new();
        each_word(text, |word, range| found.push((word.to_owned(), text[range].to_owned())));
        let found: Vec<_> = found.iter().map(|(word, shown)| (word.as_str(), shown.as_str())).collect();
        assert_eq!(found, [("ola", "Olá"), ("mundo", "mundo"), ("🎉", "🎉"), ("x", "x")]);
    }

    #[test]
    fn whatever_is_written_the_index_takes_the_same_words() {
        let every_kind = (0..=0x2ffff).filter_map(char::from_u32).collect::<Vec<_>>();
        for characters in every_kind.chunks(7) {
            let text: String = characters.iter().collect();
            each_word(&text, |word, range| {
                // Its tokenizer splits at ASCII that is no letter or digit, and folds what is upper case of that.
                let is_kept = |c: char| !c.is_ascii() || c.is_ascii_lowercase() || c.is_ascii_digit();
                assert!(!word.is_empty() && word.chars().all(is_kept), "{text:?}: {word:?}");
                assert!(!text[range].is_empty());
            });
        }
    }
}
