//! How what is on the full screen looks: the line client's colours, as the full screen's library writes them.

use ratatui::style::{Color, Modifier, Style};

use crate::view::colour::{Code, Palette, Role, Theme};

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
    /// What somebody said before.
    Cited,
    Bold,
    Italic,
    /// What leads elsewhere.
    Link,
}

/// Which colours there are, and which of them are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Colours {
    palette: Palette,
    theme: Theme,
}

impl Colours {
    pub(crate) fn new(palette: Palette, theme: Theme) -> Self {
        Self { palette, theme }
    }

    /// What all else stands on.
    pub(crate) fn ground(self) -> Style {
        match (self.has_any(), self.theme) {
            (true, Theme::HighContrast) => Style::reset().fg(self.white()).bg(self.black()),
            (_, Theme::Any | Theme::Dark | Theme::Light | Theme::HighContrast | Theme::None) => {
                Style::reset()
            }
        }
    }

    pub(crate) fn style(self, part: Part<'_>) -> Style {
        match part {
            Part::Line(role) => {
                let palette = if self.has_any() { self.palette } else { Palette::Plain };
                palette.code(role).map_or(Style::new(), |code| self.of_code(code))
            }
            Part::Text => Style::new(),
            Part::Title => Style::new().add_modifier(Modifier::BOLD),
            Part::Status => Style::new().add_modifier(Modifier::REVERSED),
            Part::Alarm => self.coloured(RED).add_modifier(Modifier::REVERSED | Modifier::BOLD),
            Part::Border => self.dim(),
            Part::Current => Style::new().add_modifier(Modifier::REVERSED),
            Part::Unread => Style::new().add_modifier(Modifier::BOLD),
            Part::Mentioned => self.coloured(MAGENTA).add_modifier(Modifier::BOLD),
            Part::Divider => self.coloured(RED),
            Part::OwnMention => self.coloured(MAGENTA).add_modifier(Modifier::BOLD | Modifier::UNDERLINED),
            Part::Pending => self.dim().add_modifier(Modifier::ITALIC),
            Part::Quoted => self.coloured(CYAN),
            Part::Cited => self.dim(),
            Part::Bold => Style::new().add_modifier(Modifier::BOLD),
            Part::Italic => Style::new().add_modifier(Modifier::ITALIC),
            Part::Link => Style::new().add_modifier(Modifier::UNDERLINED),
        }
    }

    fn of_code(self, code: Code) -> Style {
        match code {
            Code::Dim => self.dim(),
            Code::JustBold => Style::new().add_modifier(Modifier::BOLD),
            Code::Basic(colour) => self.coloured(colour.saturating_sub(30)),
            Code::Bold(colour) => self.coloured(colour.saturating_sub(30)).add_modifier(Modifier::BOLD),
            Code::Of256(colour) => self.coloured(colour),
        }
    }

    fn has_any(self) -> bool {
        self.palette != Palette::Plain && self.theme != Theme::None
    }

    fn dim(self) -> Style {
        // Dim text is what high contrast is chosen against.
        if self.has_any() && self.theme == Theme::HighContrast {
            Style::new()
        } else {
            Style::new().add_modifier(Modifier::DIM)
        }
    }

    fn coloured(self, colour: u8) -> Style {
        if self.has_any() { Style::new().fg(self.shade(colour)) } else { Style::new() }
    }

    /// A colour of the 256 as this theme has it: the same hue everywhere, as light or as dark as the ground asks for.
    fn shade(self, colour: u8) -> Color {
        let (ground, towards, contrast_min) = match self.theme {
            Theme::Any | Theme::None => return Color::Indexed(colour),
            Theme::Dark => (DARK_GROUND, WHITE, CONTRAST_MIN),
            Theme::Light => (WHITE, BLACK, CONTRAST_MIN),
            Theme::HighContrast => (BLACK, WHITE, CONTRAST_HIGH_MIN),
        };
        if self.palette == Palette::Basic {
            // What the first sixteen look like is the terminal's affair; the second eight are the lighter ones.
            let lighter = if self.theme == Theme::Light { 0 } else { 8 };
            return Color::Indexed(colour % 8 + lighter);
        }
        for part in 0..MIX_PARTS {
            let mixed = mix(rgb(colour), towards, part);
            if self.palette == Palette::True {
                if contrast(mixed, ground) >= contrast_min {
                    return Color::Rgb(mixed[0], mixed[1], mixed[2]);
                }
            } else if contrast(rgb(nearest(mixed)), ground) >= contrast_min {
                return Color::Indexed(nearest(mixed));
            }
        }
        Color::Indexed(nearest(towards))
    }

    fn white(self) -> Color {
        if self.palette == Palette::Basic { Color::Indexed(15) } else { Color::Indexed(231) }
    }

    fn black(self) -> Color {
        if self.palette == Palette::Basic { Color::Indexed(0) } else { Color::Indexed(16) }
    }
}

/// A colour as red, green and blue.
type Rgb = [u8; 3];

const RED: u8 = 1;
const MAGENTA: u8 = 5;
const CYAN: u8 = 6;
const WHITE: Rgb = [255; 3];
const BLACK: Rgb = [0; 3];
/// Grounds that are called dark are seldom black.
const DARK_GROUND: Rgb = [40; 3];
/// WCAG 2.2, 1.4.3: text on its ground.
const CONTRAST_MIN: f32 = 4.5;
/// WCAG 2.2, 1.4.6.
const CONTRAST_HIGH_MIN: f32 = 7.0;
/// Steps from a colour to white or black.
const MIX_PARTS: u8 = 16;

/// What xterm shows for one of the 256 colours.
fn rgb(colour: u8) -> Rgb {
    match colour {
        0..=15 => BASIC[usize::from(colour)],
        16..=231 => {
            let at = colour - 16;
            [at / 36, at / 6 % 6, at % 6].map(|level| LEVELS[usize::from(level)])
        }
        232..=255 => [8 + 10 * (colour - 232); 3],
    }
}

/// Of the cube of 216 colours the one that is most like this.
fn nearest(colour: Rgb) -> u8 {
    let level =
        |wanted: u8| (0..6).min_by_key(|level| LEVELS[usize::from(*level)].abs_diff(wanted)).unwrap_or(0);
    let [red, green, blue] = colour.map(level);
    16 + 36 * red + 6 * green + blue
}

fn mix(from: Rgb, to: Rgb, part: u8) -> Rgb {
    let (part, all) = (u16::from(part), u16::from(MIX_PARTS));
    let one = |from: u8, to: u8| (u16::from(from) * (all - part) + u16::from(to) * part) / all;
    std::array::from_fn(|at| u8::try_from(one(from[at], to[at])).unwrap_or(u8::MAX))
}

/// WCAG's contrast ratio, from 1 to 21.
fn contrast(one: Rgb, other: Rgb) -> f32 {
    let luminance = |[red, green, blue]: Rgb| {
        let linear = |value: u8| {
            let value = f32::from(value) / 255.0;
            if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)
    };
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

const LEVELS: [u8; 6] = [0, 95, 135, 175, 215, 255];
const BASIC: [Rgb; 16] = [
    [0, 0, 0],
    [205, 0, 0],
    [0, 205, 0],
    [205, 205, 0],
    [0, 0, 238],
    [205, 0, 205],
    [0, 205, 205],
    [229, 229, 229],
    [127, 127, 127],
    [255, 0, 0],
    [0, 255, 0],
    [255, 255, 0],
    [92, 92, 255],
    [255, 0, 255],
    [0, 255, 255],
    [255, 255, 255],
];

#[cfg(test)]
mod tests {
    use ratatui::style::{Color, Modifier, Style};

    use super::{BLACK, Colours, DARK_GROUND, Part, Rgb, WHITE, contrast, nearest, rgb};
    use crate::view::colour::{Palette, Role, Theme};

    const PARTS: [Part<'_>; 5] =
        [Part::Line(Role::Name("ana")), Part::Line(Role::Failure), Part::Alarm, Part::Divider, Part::Quoted];

    #[test]
    fn without_colours_there_are_none() {
        let themes = [Theme::Any, Theme::Dark, Theme::Light, Theme::HighContrast, Theme::None];
        let plain = themes.map(|theme| Colours::new(Palette::Plain, theme));
        for colours in plain.into_iter().chain([Colours::new(Palette::True, Theme::None)]) {
            assert_eq!(colours.ground(), Style::reset());
            for part in PARTS {
                assert_eq!(colours.style(part).fg, None, "{colours:?} {part:?}");
            }
        }
    }

    #[test]
    fn names_have_the_colours_of_the_line_client() {
        let ana = Part::Line(Role::Name("ana"));
        for palette in [Palette::Full, Palette::True] {
            let style = Colours::new(palette, Theme::Any).style(ana);
            assert_eq!(style, Style::new().fg(Color::Indexed(92)));
        }
    }

    /// Names stay readable on the theme's ground, whatever their colour.
    fn check(theme: Theme, ground: Rgb, contrast_min: f32) {
        for palette in [Palette::Full, Palette::True] {
            for number in 0..200 {
                let name = format!("user{number}");
                let style = Colours::new(palette, theme).style(Part::Line(Role::Name(&name)));
                let shown = match style.fg {
                    Some(Color::Indexed(colour)) => rgb(colour),
                    Some(Color::Rgb(red, green, blue)) => [red, green, blue],
                    other => panic!("{name} has {other:?}"),
                };
                let found = contrast(shown, ground);
                assert!(found >= contrast_min, "{theme:?} {palette:?} {name} {shown:?}: {found}");
            }
        }
    }

    #[test]
    fn names_are_readable_on_the_ground_of_their_theme() {
        check(Theme::Dark, DARK_GROUND, 4.5);
        check(Theme::Light, WHITE, 4.5);
        check(Theme::HighContrast, BLACK, 7.0);
    }

    #[test]
    fn with_sixteen_colours_dark_ground_has_the_lighter_half() {
        let failure = |theme| Colours::new(Palette::Basic, theme).style(Part::Line(Role::Failure)).fg;
        assert_eq!(failure(Theme::Dark), Some(Color::Indexed(9)));
        assert_eq!(failure(Theme::HighContrast), Some(Color::Indexed(9)));
        assert_eq!(failure(Theme::Light), Some(Color::Indexed(1)));
        assert_eq!(failure(Theme::Any), Some(Color::Indexed(1)));
    }

    #[test]
    fn high_contrast_has_its_own_ground_and_nothing_dim() {
        let colours = Colours::new(Palette::Full, Theme::HighContrast);
        assert_eq!(
            (colours.ground().fg, colours.ground().bg),
            (Some(Color::Indexed(231)), Some(Color::Indexed(16)))
        );
        for part in [Part::Border, Part::Pending, Part::Line(Role::Time), Part::Line(Role::Notice)] {
            assert!(!colours.style(part).add_modifier.contains(Modifier::DIM), "{part:?}");
        }
    }

    #[test]
    fn the_cube_is_nearest_to_itself() {
        for colour in 16..=231 {
            assert_eq!(nearest(rgb(colour)), colour);
        }
    }
}
