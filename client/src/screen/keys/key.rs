//! A key as it comes from the terminal, and as it is written in settings and in the help.

use std::fmt::{self, Display, Formatter};
use std::str::FromStr;

use ratatui::crossterm::event::{KeyCode, KeyModifiers};
use thiserror::Error;

use crate::limits;

use super::table::action_names;

/// A key with those held down, in the one form that all of its spellings come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    pub(super) modifiers: KeyModifiers,
    pub(super) code: KeyCode,
}

/// Why a setting of a key cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum KeyError {
    /// There is no `=`.
    #[error("write ACTION=KEY, as in switcher=ctrl+g")]
    NoKey,
    /// Nothing is called so.
    #[error("there is no action `{0}`; actions are {all}", all = action_names())]
    NoSuchAction(String),
    /// No key is called so.
    #[error(
        "there is no key `{0}`; keys are a letter or sign with ctrl+ or alt+ before it, f1 to f12, {NAMED}, each also with ctrl+, alt+ or shift+"
    )]
    NoSuchKey(String),
    /// It is what one writes with.
    #[error("`{0}` writes itself; put ctrl+ or alt+ before it")]
    WritesItself(Key),
    /// Terminals send the same for another key.
    #[error("terminals send the same for `{0}` as for `{1}`; write that if it is meant")]
    SameAs(String, &'static str),
}

pub(super) const NONE: KeyModifiers = KeyModifiers::NONE;
pub(super) const CTRL: KeyModifiers = KeyModifiers::CONTROL;
pub(super) const ALT: KeyModifiers = KeyModifiers::ALT;
pub(super) const SHIFT: KeyModifiers = KeyModifiers::SHIFT;

const NAMED: &str =
    "enter, tab, esc, backspace, delete, insert, home, end, pageup, pagedown, up, down, left, right, comma";

impl Key {
    /// Terminals differ in whether letters come large with Ctrl or Alt, how Shift+Tab is called, and what they send for Ctrl+_.
    pub(super) fn of(modifiers: KeyModifiers, code: KeyCode) -> Self {
        let modifiers = modifiers & (CTRL | ALT | SHIFT);
        match code {
            KeyCode::Char('7' | '/' | '_') if modifiers - SHIFT == CTRL => {
                Self { modifiers: CTRL, code: KeyCode::Char('_') }
            }
            KeyCode::Char(letter) if modifiers.intersects(CTRL | ALT) => {
                Self { modifiers: modifiers - SHIFT, code: KeyCode::Char(letter.to_ascii_lowercase()) }
            }
            KeyCode::Char(_) => Self { modifiers: NONE, code },
            KeyCode::BackTab => Self { modifiers: modifiers | SHIFT, code: KeyCode::Tab },
            code => Self { modifiers, code },
        }
    }

    /// What terminals send for a key that is written otherwise.
    fn same_as(self) -> Option<&'static str> {
        match (self.modifiers, self.code) {
            (CTRL, KeyCode::Char('i')) => Some("tab"),
            (CTRL, KeyCode::Char('m')) => Some("enter"),
            (CTRL, KeyCode::Char('[')) => Some("esc"),
            _ => None,
        }
    }
}

impl FromStr for Key {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let unknown = || KeyError::NoSuchKey(text.chars().take(limits::KEY_NAME_CHARACTERS_MAX).collect());
        let mut modifiers = NONE;
        let mut rest = text.trim();
        while let Some((modifier, after)) = rest.split_once('+').filter(|(_, after)| !after.is_empty()) {
            modifiers |= match modifier.to_ascii_lowercase().as_str() {
                "ctrl" => CTRL,
                "alt" => ALT,
                "shift" => SHIFT,
                _ => return Err(unknown()),
            };
            rest = after;
        }
        let mut letters = rest.chars();
        let code = match (letters.next(), letters.next()) {
            (Some(letter), None) if !letter.is_control() && !letter.is_whitespace() => KeyCode::Char(letter),
            _ => named(&rest.to_ascii_lowercase()).ok_or_else(unknown)?,
        };
        let key = Self::of(modifiers, code);
        if matches!(code, KeyCode::Char(_)) && !modifiers.intersects(CTRL | ALT) {
            return Err(KeyError::WritesItself(key));
        }
        match key.same_as() {
            Some(other) => Err(KeyError::SameAs(key.to_string(), other)),
            None => Ok(key),
        }
    }
}

fn named(name: &str) -> Option<KeyCode> {
    Some(match name {
        "enter" => KeyCode::Enter,
        "tab" => KeyCode::Tab,
        "esc" => KeyCode::Esc,
        "backspace" => KeyCode::Backspace,
        "delete" => KeyCode::Delete,
        "insert" => KeyCode::Insert,
        "home" => KeyCode::Home,
        "end" => KeyCode::End,
        "pageup" => KeyCode::PageUp,
        "pagedown" => KeyCode::PageDown,
        "up" => KeyCode::Up,
        "down" => KeyCode::Down,
        "left" => KeyCode::Left,
        "right" => KeyCode::Right,
        // Commas stand between settings.
        "comma" => KeyCode::Char(','),
        function => {
            let number = function.strip_prefix('f')?.parse().ok()?;
            return (1..=12).contains(&number).then_some(KeyCode::F(number));
        }
    })
}

/// As the help writes it, and as it may be written in settings: `Ctrl+K`, `PageUp`.
impl Display for Key {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (modifier, name) in [(CTRL, "Ctrl+"), (ALT, "Alt+"), (SHIFT, "Shift+")] {
            if self.modifiers.contains(modifier) {
                f.write_str(name)?;
            }
        }
        match self.code {
            KeyCode::Char(letter) if self.modifiers.is_empty() => write!(f, "{letter}"),
            KeyCode::Char(letter) => write!(f, "{}", letter.to_ascii_uppercase()),
            KeyCode::F(number) => write!(f, "F{number}"),
            KeyCode::PageUp => f.write_str("PageUp"),
            KeyCode::PageDown => f.write_str("PageDown"),
            code => write!(f, "{code:?}"),
        }
    }
}
