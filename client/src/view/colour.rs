//! Colours, or none: what the user wants, what the terminal can, and which colour is whose.

use std::env;
use std::fmt::{self, Display, Formatter};

/// When to use colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum ColourWhen {
    /// On a terminal that has them, unless the environment says otherwise.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// What colours the output has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Palette {
    /// None, nor any other terminal sequence.
    Plain,
    /// The eight that every colour terminal has.
    Basic,
    /// 256.
    Full,
    /// All that three bytes can say.
    True,
}

/// Which colours of those that the terminal has; on the full screen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Theme {
    /// Readable on dark and on light ground; the line client's.
    #[default]
    Any,
    /// Lighter colours, for dark ground.
    Dark,
    /// Darker colours, for light ground.
    Light,
    /// White and very light colours on black, nothing dim.
    HighContrast,
    /// No colours; bold, underlined and reversed text is left.
    None,
}

/// What a piece of a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role<'a> {
    Time,
    Name(&'a str),
    OwnName,
    Channel,
    Direct,
    Notice,
    Failure,
    Heading,
    Command,
    Match,
}

impl Palette {
    /// Decides, with the environment: `NO_COLOR` (no-color.org), `CLICOLOR`, `CLICOLOR_FORCE`, `TERM`, `COLORTERM`.
    pub fn decide(when: ColourWhen, is_terminal: bool) -> Self {
        Self::decide_with(when, is_terminal, |name| env::var(name).ok().filter(|value| !value.is_empty()))
    }

    fn decide_with(when: ColourWhen, is_terminal: bool, variable: impl Fn(&str) -> Option<String>) -> Self {
        let term = variable("TERM").unwrap_or_default();
        let wanted = match when {
            ColourWhen::Never => false,
            ColourWhen::Always => true,
            ColourWhen::Auto if variable("NO_COLOR").is_some() => false,
            ColourWhen::Auto if variable("CLICOLOR_FORCE").is_some_and(|value| value != "0") => true,
            ColourWhen::Auto => {
                is_terminal
                    && !term.is_empty()
                    && term != "dumb"
                    && variable("CLICOLOR").as_deref() != Some("0")
            }
        };
        if !wanted {
            Palette::Plain
        } else if term.contains("direct")
            || variable("COLORTERM").is_some_and(|value| value == "truecolor" || value == "24bit")
        {
            Palette::True
        } else if term.contains("256") || variable("COLORTERM").is_some() {
            Palette::Full
        } else {
            Palette::Basic
        }
    }

    pub(crate) fn paint<T: Display>(self, role: Role<'_>, shown: T) -> Painted<T> {
        Painted { code: self.code(role), shown }
    }

    pub(crate) fn code(self, role: Role<'_>) -> Option<Code> {
        let full = match self {
            Palette::Plain => return None,
            Palette::Basic => false,
            Palette::Full | Palette::True => true,
        };
        Some(match role {
            Role::Time | Role::Notice => Code::Dim,
            Role::Heading => Code::Dim,
            Role::Failure => Code::Basic(31),
            Role::Channel => Code::Basic(36),
            Role::Direct => Code::Bold(35),
            Role::OwnName | Role::Command => Code::JustBold,
            Role::Match => Code::Bold(33),
            Role::Name(name) if full => Code::Of256(NAMES_256[hash(name) % NAMES_256.len()]),
            Role::Name(name) => Code::Basic(NAMES_BASIC[hash(name) % NAMES_BASIC.len()]),
        })
    }
}

/// Something with its colour around it.
pub(crate) struct Painted<T> {
    code: Option<Code>,
    shown: T,
}

/// A colour or a weight.
#[derive(Clone, Copy)]
pub(crate) enum Code {
    Dim,
    JustBold,
    Basic(u8),
    Bold(u8),
    Of256(u8),
}

/// Readable on light and on dark ground, and distinct from the colours of notices and failures.
const NAMES_256: [u8; 18] = [28, 30, 31, 33, 37, 64, 68, 71, 92, 98, 101, 127, 130, 133, 136, 166, 168, 173];
const NAMES_BASIC: [u8; 5] = [32, 33, 34, 35, 36];

impl<T: Display> Display for Painted<T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.code {
            None => return self.shown.fmt(f),
            Some(Code::Dim) => f.write_str("\x1b[2m")?,
            Some(Code::JustBold) => f.write_str("\x1b[1m")?,
            Some(Code::Basic(colour)) => write!(f, "\x1b[{colour}m")?,
            Some(Code::Bold(colour)) => write!(f, "\x1b[1;{colour}m")?,
            Some(Code::Of256(colour)) => write!(f, "\x1b[38;5;{colour}m")?,
        }
        self.shown.fmt(f)?;
        f.write_str("\x1b[0m")
    }
}

/// FNV-1a: the same name has the same colour everywhere and always.
fn hash(name: &str) -> usize {
    let hash =
        name.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    // The low bits of so short a hash are poor.
    usize::try_from(hash ^ (hash >> 16)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::{ColourWhen, Palette, Role};

    fn check(when: ColourWhen, is_terminal: bool, variables: &[(&str, &str)], expect: Palette) {
        let variable = |name: &str| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        };
        assert_eq!(
            Palette::decide_with(when, is_terminal, variable),
            expect,
            "{when:?} {is_terminal} {variables:?}"
        );
    }

    #[test]
    fn the_environment_is_respected() {
        use ColourWhen::{Always, Auto, Never};
        check(Auto, true, &[("TERM", "xterm-256color")], Palette::Full);
        check(Auto, true, &[("TERM", "xterm")], Palette::Basic);
        check(Auto, true, &[("TERM", "xterm"), ("COLORTERM", "truecolor")], Palette::True);
        check(Auto, true, &[("TERM", "xterm"), ("COLORTERM", "1")], Palette::Full);
        check(Auto, true, &[("TERM", "xterm-direct")], Palette::True);
        check(Auto, true, &[("TERM", "dumb")], Palette::Plain);
        check(Auto, true, &[], Palette::Plain);
        check(Auto, false, &[("TERM", "xterm")], Palette::Plain);
        check(Auto, true, &[("TERM", "xterm"), ("NO_COLOR", "1")], Palette::Plain);
        check(Auto, true, &[("TERM", "xterm"), ("CLICOLOR", "0")], Palette::Plain);
        check(Auto, false, &[("TERM", "xterm"), ("CLICOLOR_FORCE", "1")], Palette::Basic);
        check(Auto, false, &[("TERM", "xterm"), ("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], Palette::Plain);
        check(Always, false, &[("NO_COLOR", "1")], Palette::Basic);
        check(Never, true, &[("TERM", "xterm-256color")], Palette::Plain);
    }

    #[test]
    fn a_name_keeps_its_colour() {
        let painted = |name| Palette::Full.paint(Role::Name(name), name).to_string();
        assert_eq!(painted("ana"), painted("ana"));
        assert_eq!(painted("ana"), "\x1b[38;5;92mana\x1b[0m");
        assert_ne!(painted("ana"), painted("bob").replace("bob", "ana"));
        assert_eq!(Palette::Plain.paint(Role::Name("ana"), "ana").to_string(), "ana");
    }
}
