//! Names that could be taken for other names, by the rules of Unicode's security mechanisms (UTS #39): which characters and scripts a
//! name may have, and how it looks. Whether a system asks this of its names, and which names it has, is not known here.

use std::collections::BTreeSet;

use thiserror::Error;
use unicode_normalization::char::is_combining_mark;
use unicode_normalization::{UnicodeNormalization, is_nfc};
use unicode_security::{GeneralSecurityProfile, RestrictionLevel, RestrictionLevelDetection};

use crate::limits::NAME_MARKS_MAX;

/// Why a name does not stand out enough to be given to somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Lookalike {
    /// Invisible, a character of writing's direction, an emoji, a wide or ornamental form, one of a script that is no longer
    /// written, or none at all.
    #[error(
        "a name cannot have the character U+{code:04X}; letters, digits and accents of living scripts are allowed, \
         and the signs of an English keyboard",
        code = u32::from(*.0)
    )]
    Character(char),
    /// The same letters can be written in fewer characters, and would then be another name.
    #[error("a name has to be in composed form (Unicode's NFC)")]
    NotComposed,
    /// Accents without a letter below them, the same one twice, or heaps of them.
    #[error(
        "a name has at most {NAME_MARKS_MAX} accents on one letter, each once, and does not begin with one"
    )]
    Marks,
    /// Letters of scripts that are not written together, such as Latin and Cyrillic.
    #[error("a name cannot mix letters of several scripts")]
    MixedScripts,
}

/// Whether a new name stands out by itself: it has only visible characters of living scripts, in one spelling, and of scripts that
/// belong together. Whether it looks like a name that exists is for [`Looks`] to say.
pub fn check_distinct(name: &str) -> Result<(), Lookalike> {
    if !is_nfc(name) {
        return Err(Lookalike::NotComposed);
    }
    let is_allowed =
        |sign: char| if sign.is_ascii() { !sign.is_ascii_control() } else { sign.identifier_allowed() };
    if let Some(sign) = name.chars().find(|sign| !is_allowed(*sign)) {
        return Err(Lookalike::Character(sign));
    }
    if !has_orderly_marks(name) {
        return Err(Lookalike::Marks);
    }
    // ASCII's signs belong to every script, but not all of them to identifiers, which the level is about.
    let is_judged = |sign: &char| !sign.is_ascii() || sign.is_ascii_alphanumeric();
    let judged: String = name.chars().filter(is_judged).collect();
    if judged.check_restriction_level(RestrictionLevel::HighlyRestrictive) {
        Ok(())
    } else {
        Err(Lookalike::MixedScripts)
    }
}

/// What a text looks like: the skeleton of UTS #39, with each run of spaces as one. Two texts with the same skeleton can be taken for
/// each other. It is for comparing only, not for showing.
pub fn skeleton(text: &str) -> String {
    let mut looks = String::with_capacity(text.len());
    for sign in unicode_security::skeleton(text) {
        if sign != ' ' || !looks.ends_with(' ') {
            looks.push(sign);
        }
    }
    looks
}

/// How the names of a system look. Of each name up to three short texts are kept, so its bound is that of the names. Which name looks
/// so is not: it may be one that is not to be known of.
#[derive(Clone, Debug, Default)]
pub struct Looks {
    kept: BTreeSet<Box<str>>,
}

impl Looks {
    /// Another name exists.
    pub fn add(&mut self, name: &str) {
        self.kept.extend(looks_of(name));
    }

    /// Whether a name could be taken for one that exists: as it is written, in lower case or in upper case one of them looks like the
    /// other in any of these. A name can be taken for itself.
    pub fn has_like(&self, name: &str) -> bool {
        looks_of(name).iter().any(|look| self.kept.contains(look))
    }
}

/// Case is changed before the look is taken: a capital may look like a letter that its small form does not resemble, as `I` like `l`.
fn looks_of(name: &str) -> [Box<str>; 3] {
    [name, &name.to_lowercase(), &name.to_uppercase()].map(|name| skeleton(name).into_boxed_str())
}

fn has_orderly_marks(name: &str) -> bool {
    let mut former = None;
    // A mark at the beginning has nothing to stand on, and counts as one too many.
    let mut marks = NAME_MARKS_MAX;
    for sign in name.nfd() {
        if is_combining_mark(sign) {
            marks += 1;
            if marks > NAME_MARKS_MAX || former == Some(sign) {
                return false;
            }
        } else {
            marks = 0;
        }
        former = Some(sign);
    }
    true
}

#[cfg(test)]
mod tests {
    use super::{Lookalike, Looks, check_distinct, skeleton};

    fn check(name: &str, expect: Result<(), Lookalike>) {
        assert_eq!(check_distinct(name), expect, "{name:?}");
    }

    fn is_alike(exists: &str, new: &str) -> bool {
        let mut looks = Looks::default();
        looks.add(exists);
        looks.has_like(new)
    }

    #[test]
    fn names_of_people_and_channels_in_living_scripts_stand_out() {
        for name in [
            "ana",
            "#geral",
            "José da Silva",
            "Conceição Araújo",
            "João-Pedro d'Ávila",
            "Nguyễn Thị Hằng",
            "Łukasz",
            "Ørsted",
            "Straße 7",
            "build.bot_2",
            "c++ & rust!",
            "l·l",
            "Анна",
            "Ελένη",
            "山田太郎",
            "やまだタロー",
            "Tanaka田中",
            "김민준",
            "Kim민준",
            "محمد",
            "שרה",
            "अनिता",
            "สมชาย",
            "2026",
        ] {
            check(name, Ok(()));
        }
    }

    #[test]
    fn what_cannot_be_seen_or_turns_the_line_is_refused() {
        for sign in [
            '\u{200b}',
            '\u{200c}',
            '\u{200d}',
            '\u{2060}',
            '\u{feff}',
            '\u{ad}',
            '\u{34f}',
            '\u{61c}',
            '\u{115f}',
            '\u{3164}',
            '\u{180b}',
            '\u{200e}',
            '\u{200f}',
            '\u{202a}',
            '\u{202e}',
            '\u{2066}',
            '\u{2069}',
            '\u{fe0f}',
            '\u{e0061}',
            '\u{a0}',
            '\u{2003}',
            '\u{3000}',
            '\u{2028}',
            '\u{7}',
            '\u{85}',
        ] {
            check(&format!("a{sign}na"), Err(Lookalike::Character(sign)));
        }
    }

    #[test]
    fn what_is_no_letter_of_a_living_script_is_refused() {
        for sign in [
            'ａ',
            'ﬁ',
            '①',
            '𝒶',
            'ª',
            '😀',
            '👍',
            '\u{e000}',
            '\u{f8ff}',
            '\u{378}',
            '\u{ffff}',
            '\u{10ffff}',
            '𐌀',
            'Ꭰ',
            '←',
            '█',
            'ſ',
            'ㄅ',
        ] {
            check(&format!("a{sign}"), Err(Lookalike::Character(sign)));
        }
    }

    #[test]
    fn one_name_has_one_spelling() {
        check("José", Ok(()));
        check("Jose\u{301}", Err(Lookalike::NotComposed));
        check("\u{1112}\u{1161}\u{11ab}", Err(Lookalike::NotComposed));
    }

    #[test]
    fn accents_do_not_heap_up() {
        check("\u{301}ana", Err(Lookalike::Marks));
        check("x\u{301}\u{301}", Err(Lookalike::Marks));
        check("x\u{301}\u{300}\u{303}\u{302}", Ok(()));
        check("x\u{301}\u{300}\u{303}\u{302}\u{308}", Err(Lookalike::Marks));
    }

    #[test]
    fn scripts_that_are_not_written_together_are_refused() {
        for name in [
            "\u{430}na",
            "p\u{430}ypal",
            "раураl",
            "ελenη",
            "ana山Анна",
            "адми\u{43d}1strator",
            "anaمحمد",
            "ana٣",
        ] {
            check(name, Err(Lookalike::MixedScripts));
        }
    }

    #[test]
    fn a_name_of_another_script_altogether_is_caught_by_its_looks() {
        for (exists, new) in
            [("coco", "сосо"), ("pax", "рах"), ("cop", "СОР"), ("bob", "ВОВ"), ("HEP", "нер"), ("ivo", "іѵо")]
        {
            assert!(is_alike(exists, new), "{exists} and {new}");
            assert!(is_alike(new, exists), "{new} and {exists}");
        }
    }

    #[test]
    fn a_name_that_looks_like_another_in_its_own_script_is_caught() {
        for (exists, new) in [
            ("ana", "Ana"),
            ("José", "JOSÉ"),
            ("lana", "Iana"),
            ("lana", "1ana"),
            ("bill", "bi11"),
            ("bill", "BI11"),
            ("arnold", "amold"),
            ("bob", "b0b"),
            ("ana silva", "ana  silva"),
            ("d'Ávila", "d’Ávila"),
            ("ana", "ana"),
        ] {
            assert!(is_alike(exists, new), "{exists} and {new}");
            assert!(is_alike(new, exists), "{new} and {exists}");
        }
    }

    #[test]
    fn names_that_can_be_told_apart_may_live_side_by_side() {
        for (exists, new) in [
            ("ana", "anna"),
            ("José", "Jose"),
            ("ian", "lan"),
            ("bob", "bobby"),
            ("ana silva", "anasilva"),
            ("eva", "ena"),
            ("Анна", "anna"),
            ("山田", "山口"),
        ] {
            assert!(!is_alike(exists, new), "{exists} and {new}");
            assert!(!is_alike(new, exists), "{new} and {exists}");
        }
    }

    #[test]
    fn a_skeleton_is_not_fooled_by_what_is_invisible() {
        assert_eq!(skeleton("a\u{200b}na"), skeleton("ana"));
        assert_eq!(skeleton("\u{430}na"), skeleton("ana"));
        assert_eq!(skeleton("Jose\u{301}"), skeleton("José"));
    }

    #[test]
    fn the_longest_name_has_bounded_looks() {
        for sign in ['ﷺ', 'm', '\u{10ffff}'] {
            let name: String = std::iter::repeat_n(sign, 64 / sign.len_utf8()).collect();
            assert!(skeleton(&name).len() <= 64 * 16, "{sign:?}");
        }
    }
}
