//! The prompt, and what is said before there is a chat.

use crate::chat::Whereabouts;
use crate::chat::item::Place;
use crate::limits;

use super::colour::{Palette, Role};
use super::text::{fitted, harmless, one_line};
use super::wording::{self, Language};

/// A prompt with and without its colours; both take the same columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Prompt {
    pub(crate) raw: String,
    pub(crate) styled: String,
}

/// `ana #geral> `
pub(crate) fn chat(palette: Palette, whereabouts: &Whereabouts) -> Prompt {
    let user = short(whereabouts.user.as_str());
    let own = palette.paint(Role::OwnName, &user);
    let (role, place) = match &whereabouts.place {
        Some(Place::Channel(channel)) => (Role::Channel, format!("#{}", short(channel.as_str()))),
        Some(Place::Direct(with)) => (Role::Direct, format!("@{}", short(with.as_str()))),
        None => return Prompt { raw: format!("{user}> "), styled: format!("{own}> ") },
    };
    Prompt { raw: format!("{user} {place}> "), styled: format!("{own} {}> ", palette.paint(role, &place)) }
}

/// Asks for a name.
pub(crate) fn name(language: Language, suggestion: Option<&str>) -> Prompt {
    let raw = wording::your_name(language, suggestion.map(short).as_deref());
    Prompt { styled: raw.clone(), raw }
}

/// A line that is worth knowing.
pub(crate) fn aside(palette: Palette, text: &str) -> String {
    palette.paint(Role::Notice, format!("* {}", harmless(text))).to_string()
}

/// A line about something wrong.
pub(crate) fn complaint(palette: Palette, text: &str) -> String {
    palette.paint(Role::Failure, format!("! {}", harmless(text))).to_string()
}

fn short(name: &str) -> String {
    fitted(&one_line(name), limits::PROMPT_NAME_COLUMNS_MAX).into_owned()
}

#[cfg(test)]
mod tests {
    use recado_proto::{ChannelName, UserName};

    use crate::chat::Whereabouts;
    use crate::chat::item::Place;
    use crate::view::colour::Palette;

    use crate::view::wording::Language;

    use super::{chat, name};

    fn check(user: &str, place: Option<&str>, expect: &str) {
        let whereabouts = Whereabouts {
            user: UserName::parse(user).unwrap(),
            place: place.map(|place| match place.strip_prefix('@') {
                Some(user) => Place::Direct(UserName::parse(user).unwrap()),
                None => Place::Channel(ChannelName::parse(place).unwrap()),
            }),
        };
        assert_eq!(chat(Palette::Plain, &whereabouts).raw, expect);
        assert_eq!(chat(Palette::Plain, &whereabouts).styled, expect);
    }

    #[test]
    fn the_prompt_says_who_and_where() {
        check("ana", Some("geral"), "ana #geral> ");
        check("ana", Some("@bob"), "ana @bob> ");
        check("ana", None, "ana> ");
        check("山田太郎山田太郎山田太郎", Some("日本語"), "山田太郎山田太郎山… #日本語> ");
        check("a\u{202e}b", None, "a<U+202E>b> ");
    }

    #[test]
    fn a_name_is_suggested() {
        assert_eq!(name(Language::English, Some("ana")).raw, "Your name [ana]: ");
        assert_eq!(name(Language::English, None).raw, "Your name: ");
        assert_eq!(name(Language::Portuguese, Some("ana")).raw, "Seu nome [ana]: ");
    }
}
