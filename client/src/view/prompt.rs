//! The prompt, and what is said before there is a chat.

use crate::chat::Whereabouts;
use crate::limits;

use super::colour::{Palette, Role};
use super::text::{fitted, harmless, one_line};

/// A prompt with and without its colours; both take the same columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Prompt {
    pub(crate) raw: String,
    pub(crate) styled: String,
}

/// `ana #geral> `
pub(crate) fn chat(palette: Palette, whereabouts: &Whereabouts) -> Prompt {
    let user = short(whereabouts.user.as_str());
    match &whereabouts.channel {
        Some(channel) => {
            let channel = format!("#{}", short(channel.as_str()));
            Prompt {
                raw: format!("{user} {channel}> "),
                styled: format!(
                    "{} {}> ",
                    palette.paint(Role::OwnName, &user),
                    palette.paint(Role::Channel, &channel)
                ),
            }
        }
        None => {
            Prompt { raw: format!("{user}> "), styled: format!("{}> ", palette.paint(Role::OwnName, &user)) }
        }
    }
}

/// Asks for a name.
pub(crate) fn name(suggestion: Option<&str>) -> Prompt {
    let raw = match suggestion {
        Some(suggestion) => format!("Your name [{}]: ", short(suggestion)),
        None => "Your name: ".to_owned(),
    };
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
    use crate::view::colour::Palette;

    use super::{chat, name};

    fn check(user: &str, channel: Option<&str>, expect: &str) {
        let whereabouts = Whereabouts {
            user: UserName::parse(user).unwrap(),
            channel: channel.map(|channel| ChannelName::parse(channel).unwrap()),
        };
        assert_eq!(chat(Palette::Plain, &whereabouts).raw, expect);
        assert_eq!(chat(Palette::Plain, &whereabouts).styled, expect);
    }

    #[test]
    fn the_prompt_says_who_and_where() {
        check("ana", Some("geral"), "ana #geral> ");
        check("ana", None, "ana> ");
        check("山田太郎山田太郎山田太郎", Some("日本語"), "山田太郎山田太郎山… #日本語> ");
        check("a\u{202e}b", None, "a<U+202E>b> ");
    }

    #[test]
    fn a_name_is_suggested() {
        assert_eq!(name(Some("ana")).raw, "Your name [ana]: ");
        assert_eq!(name(None).raw, "Your name: ");
    }
}
