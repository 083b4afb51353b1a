//! How what is on the full screen looks: the line client's colours, as the full screen's library writes them.

use ratatui::style::{Color, Modifier, Style};

use crate::view::colour::{Code, Palette, Role};

/// What a piece of the screen is, beyond what a piece of a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part<'a> {
    /// As in a line of the line client.
    Line(Role<'a>),
    /// Said by somebody.
    Text,
    /// The bar above the messages.
    Title,
    /// The bar below everything.
    Status,
    /// A part of that bar that calls for attention.
    Alarm,
    /// Between areas.
    Border,
    /// The conversation where one is.
    Current,
    /// A conversation with something that was not read.
    Unread,
    /// … in which one is mentioned.
    Mentioned,
    /// The line above what was not read.
    Divider,
    /// One's own name in what others say.
    OwnMention,
    /// A message that has no answer yet.
    Pending,
    /// Text between backticks.
    Quoted,
}

pub(crate) fn style(palette: Palette, part: Part<'_>) -> Style {
    let coloured = |colour| if palette == Palette::Plain { Style::new() } else { Style::new().fg(colour) };
    match part {
        Part::Line(role) => palette.code(role).map_or(Style::new(), |code| match code {
            Code::Dim => Style::new().add_modifier(Modifier::DIM),
            Code::JustBold => Style::new().add_modifier(Modifier::BOLD),
            Code::Basic(colour) => Style::new().fg(basic(colour)),
            Code::Bold(colour) => Style::new().fg(basic(colour)).add_modifier(Modifier::BOLD),
            Code::Of256(colour) => Style::new().fg(Color::Indexed(colour)),
        }),
        Part::Text => Style::new(),
        Part::Title => Style::new().add_modifier(Modifier::BOLD),
        Part::Status => Style::new().add_modifier(Modifier::REVERSED),
        Part::Alarm => coloured(Color::Red).add_modifier(Modifier::REVERSED | Modifier::BOLD),
        Part::Border => Style::new().add_modifier(Modifier::DIM),
        Part::Current => Style::new().add_modifier(Modifier::REVERSED),
        Part::Unread => Style::new().add_modifier(Modifier::BOLD),
        Part::Mentioned => coloured(Color::Magenta).add_modifier(Modifier::BOLD),
        Part::Divider => coloured(Color::Red),
        Part::OwnMention => coloured(Color::Magenta).add_modifier(Modifier::BOLD | Modifier::UNDERLINED),
        Part::Pending => Style::new().add_modifier(Modifier::DIM | Modifier::ITALIC),
        Part::Quoted => coloured(Color::Cyan),
    }
}

/// SGR's numbers from 30 to 37.
fn basic(colour: u8) -> Color {
    Color::Indexed(colour.saturating_sub(30))
}

#[cfg(test)]
mod tests {
    use ratatui::style::{Color, Style};

    use super::{Part, style};
    use crate::view::colour::{Palette, Role};

    #[test]
    fn without_colours_there_are_none() {
        let parts = [Part::Line(Role::Name("ana")), Part::Line(Role::Failure), Part::Alarm, Part::Divider];
        for part in parts {
            assert_eq!(style(Palette::Plain, part).fg, None, "{part:?}");
        }
    }

    #[test]
    fn names_have_the_colours_of_the_line_client() {
        let ana = Part::Line(Role::Name("ana"));
        assert_eq!(style(Palette::Full, ana), Style::new().fg(Color::Indexed(92)));
    }
}
