//! What was searched for, and going there.

use crate::chat::item::Place;
use crate::view::text::one_line;

use super::language::Language;
use super::{channel, from_you, name, to_you};

/// The heading over messages that were found.
pub(crate) fn search(language: Language, words: &str, count: usize, partial: bool, behind: u64) -> String {
    let words = one_line(words);
    let found = match (language, count) {
        (Language::English, 0) => format!("no message with {words}"),
        (Language::English, 1) => format!("1 message with {words}; /jump goes there"),
        (Language::English, _) => format!("{count} messages with {words}; /jump NUMBER goes to one"),
        (Language::Portuguese, 0) => format!("nenhuma mensagem com {words}"),
        (Language::Portuguese, 1) => format!("1 mensagem com {words}; /jump vai até lá"),
        (Language::Portuguese, _) => format!("{count} mensagens com {words}; /jump NÚMERO vai até uma"),
    };
    match left_out(language, partial, behind) {
        Some(left_out) => format!("{found}; {left_out}"),
        None => found,
    }
}

/// What a search did not look at.
pub(crate) fn left_out(language: Language, partial: bool, behind: u64) -> Option<String> {
    match (language, partial, behind) {
        (Language::English | Language::Portuguese, false, 0) => None,
        (Language::English, true, 0) => Some("there may be more: say who, where or when".to_owned()),
        (Language::Portuguese, true, 0) => Some("pode haver mais: diga quem, onde ou quando".to_owned()),
        (Language::English, _, behind) => {
            Some(format!("the last {} are not indexed yet", language.grouped(behind)))
        }
        (Language::Portuguese, _, behind) => {
            Some(format!("as últimas {} ainda não foram indexadas", language.grouped(behind)))
        }
    }
}

/// The heading over a message that was found and what is around it.
pub(crate) fn around(language: Language, of: &Place) -> String {
    match (language, of) {
        (Language::English, Place::Channel(of)) => format!("around it in {}", channel(of)),
        (Language::Portuguese, Place::Channel(of)) => format!("em volta dela em {}", channel(of)),
        (Language::English, Place::Direct(user)) => format!("around it, you and {}", name(user.as_str())),
        (Language::Portuguese, Place::Direct(user)) => {
            format!("em volta dela, você e {}", name(user.as_str()))
        }
    }
}

/// Above a message that one went to.
pub(crate) fn found_divider(language: Language) -> &'static str {
    match language {
        Language::English => "found",
        Language::Portuguese => "encontrada",
    }
}

/// Who said what was found, where and when, before the part of it.
pub(crate) fn found(
    language: Language,
    number: usize,
    time: &str,
    of: &Place,
    author: &str,
    own: bool,
) -> String {
    let head = match of {
        Place::Channel(of) => format!("{} {}", channel(of), name(author)),
        Place::Direct(with) if own => from_you(language, with.as_str()),
        Place::Direct(_) => to_you(language, author),
    };
    format!("{number:>3}  {time} {head}: ")
}
