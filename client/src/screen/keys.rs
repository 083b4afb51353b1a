//! Which key does what: what is usual, and what the user set. It knows names, not what comes of them.

use std::fmt::{self, Display, Formatter};
use std::str::FromStr;

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use thiserror::Error;

use crate::limits;
use crate::screen::composer::To;
use crate::view::wording;

/// What a key does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Submit,
    NewLine,
    Go(To),
    Delete(To),
    Up,
    Down,
    Yank,
    Undo,
    Redo,
    Complete {
        forward: bool,
    },
    PageUp,
    PageDown,
    RowUp,
    RowDown,
    Top,
    Bottom,
    Activity,
    Along {
        forward: bool,
    },
    Number(usize),
    Switcher,
    Keys,
    Redraw,
    /// Out of what lies above, or to the end of the messages.
    Escape,
    Interrupt,
    End,
    Suspend,
    Type(char),
}

/// A key with those held down, in the one form that all of its spellings come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    modifiers: KeyModifiers,
    code: KeyCode,
}

/// What the user wants of one key, as `ACTION=KEY`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeySetting {
    action: &'static str,
    /// None for `none`: no key does it.
    key: Option<Key>,
}

/// Which key does what.
#[derive(Clone, Debug)]
pub struct Keys {
    bound: Vec<(Key, &'static Doing)>,
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

/// Why settings of keys make no sense together.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum KeysError {
    /// Two things are wanted of one key.
    #[error("{key} cannot do both `{one}` and `{other}`")]
    Twice {
        /// The key.
        key: Key,
        /// An action.
        one: &'static str,
        /// Another one.
        other: &'static str,
    },
    /// An action would lose its only key.
    #[error(
        "{key} is the only key for `{action}`; give that another one, as {action}=KEY, or say {action}=none"
    )]
    OnlyKey {
        /// The key.
        key: Key,
        /// What it does.
        action: &'static str,
    },
    /// One could not talk.
    #[error("`send` needs a key")]
    NoSend,
    /// More settings than there can be any use for.
    #[error("more than {max} keys are set", max = limits::KEY_SETTINGS_MAX)]
    TooMany,
}

/// Something that keys do: its name in settings, what the help says of it, and the keys that usually do it.
#[derive(Debug, PartialEq, Eq)]
struct Doing {
    name: &'static str,
    summary: &'static str,
    usual: &'static [(KeyModifiers, KeyCode)],
    action: Action,
}

const NONE: KeyModifiers = KeyModifiers::NONE;
const CTRL: KeyModifiers = KeyModifiers::CONTROL;
const ALT: KeyModifiers = KeyModifiers::ALT;
const SHIFT: KeyModifiers = KeyModifiers::SHIFT;

/// Everything but keys that write themselves, in the order of the help.
static DOINGS: &[Doing] = &[
    doing("send", "send", &[(NONE, KeyCode::Enter)], Action::Submit),
    doing(
        "new-line",
        "new line",
        &[(ALT, KeyCode::Enter), (CTRL, KeyCode::Char('j')), (SHIFT, KeyCode::Enter)],
        Action::NewLine,
    ),
    doing("next-activity", "next with activity, and back", &[(ALT, KeyCode::Char('a'))], Action::Activity),
    doing("switcher", "go to a conversation by name", &[(CTRL, KeyCode::Char('k'))], Action::Switcher),
    doing(
        "next-conversation",
        "next conversation",
        &[(ALT, KeyCode::Down), (CTRL, KeyCode::Char('n'))],
        Action::Along { forward: true },
    ),
    doing(
        "previous-conversation",
        "conversation before",
        &[(ALT, KeyCode::Up), (CTRL, KeyCode::Char('p'))],
        Action::Along { forward: false },
    ),
    doing("page-up", "scroll back", &[(NONE, KeyCode::PageUp)], Action::PageUp),
    doing("page-down", "scroll on", &[(NONE, KeyCode::PageDown)], Action::PageDown),
    doing("row-up", "scroll back by a row", &[(SHIFT, KeyCode::Up)], Action::RowUp),
    doing("row-down", "scroll on by a row", &[(SHIFT, KeyCode::Down)], Action::RowDown),
    doing("top", "to the oldest that is here", &[(ALT, KeyCode::Home), (CTRL, KeyCode::Home)], Action::Top),
    doing("bottom", "to the latest", &[(ALT, KeyCode::End), (CTRL, KeyCode::End)], Action::Bottom),
    doing("close", "close, or to the latest", &[(NONE, KeyCode::Esc)], Action::Escape),
    doing("complete", "complete", &[(NONE, KeyCode::Tab)], Action::Complete { forward: true }),
    doing("complete-back", "candidate before", &[(SHIFT, KeyCode::Tab)], Action::Complete { forward: false }),
    doing("up", "line above, or sent before", &[(NONE, KeyCode::Up)], Action::Up),
    doing("down", "line below, or sent after", &[(NONE, KeyCode::Down)], Action::Down),
    doing("left", "left", &[(NONE, KeyCode::Left), (CTRL, KeyCode::Char('b'))], Action::Go(To::Left)),
    doing("right", "right", &[(NONE, KeyCode::Right), (CTRL, KeyCode::Char('f'))], Action::Go(To::Right)),
    doing(
        "word-left",
        "a word back",
        &[(CTRL, KeyCode::Left), (ALT, KeyCode::Char('b'))],
        Action::Go(To::WordLeft),
    ),
    doing(
        "word-right",
        "a word on",
        &[(CTRL, KeyCode::Right), (ALT, KeyCode::Char('f'))],
        Action::Go(To::WordRight),
    ),
    doing(
        "line-begin",
        "line's beginning",
        &[(NONE, KeyCode::Home), (CTRL, KeyCode::Char('a'))],
        Action::Go(To::LineBegin),
    ),
    doing(
        "line-end",
        "line's end",
        &[(NONE, KeyCode::End), (CTRL, KeyCode::Char('e'))],
        Action::Go(To::LineEnd),
    ),
    doing(
        "delete-left",
        "delete the character before",
        &[(NONE, KeyCode::Backspace), (CTRL, KeyCode::Char('h')), (SHIFT, KeyCode::Backspace)],
        Action::Delete(To::Left),
    ),
    doing(
        "delete-right",
        "delete the character behind",
        &[(NONE, KeyCode::Delete)],
        Action::Delete(To::Right),
    ),
    doing(
        "delete-word-left",
        "delete the word before",
        &[(CTRL, KeyCode::Char('w')), (ALT, KeyCode::Backspace), (CTRL, KeyCode::Backspace)],
        Action::Delete(To::WordLeft),
    ),
    doing(
        "delete-word-right",
        "delete the word behind",
        &[(ALT, KeyCode::Char('d')), (CTRL, KeyCode::Delete)],
        Action::Delete(To::WordRight),
    ),
    doing(
        "delete-line-begin",
        "delete the line before",
        &[(CTRL, KeyCode::Char('u'))],
        Action::Delete(To::LineBegin),
    ),
    doing(
        "delete-line-end",
        "delete the line behind",
        &[(ALT, KeyCode::Char('k'))],
        Action::Delete(To::LineEnd),
    ),
    doing("put-back", "put it back", &[(CTRL, KeyCode::Char('y'))], Action::Yank),
    doing("undo", "undo", &[(CTRL, KeyCode::Char('_'))], Action::Undo),
    doing("redo", "redo", &[(ALT, KeyCode::Char('/'))], Action::Redo),
    doing("redraw", "draw all anew", &[(CTRL, KeyCode::Char('l'))], Action::Redraw),
    doing("stop", "stop; fg goes on", &[(CTRL, KeyCode::Char('z'))], Action::Suspend),
    doing("keys", "these keys; also ? at first", &[(NONE, KeyCode::F(1))], Action::Keys),
    doing("interrupt", "clear, and leave", &[(CTRL, KeyCode::Char('c'))], Action::Interrupt),
    doing("leave", "leave", &[(CTRL, KeyCode::Char('d'))], Action::End),
];

const NAMED: &str =
    "enter, tab, esc, backspace, delete, insert, home, end, pageup, pagedown, up, down, left, right, comma";

const fn doing(
    name: &'static str,
    summary: &'static str,
    usual: &'static [(KeyModifiers, KeyCode)],
    action: Action,
) -> Doing {
    Doing { name, summary, usual, action }
}

fn action_names() -> String {
    DOINGS.iter().map(|doing| doing.name).collect::<Vec<_>>().join(", ")
}

impl Keys {
    /// What is usual, and over it what the user set. All keys of an action give way to those that are set for it, and a key that is
    /// set gives up what it usually does.
    pub fn new(settings: &[KeySetting]) -> Result<Self, KeysError> {
        if settings.len() > limits::KEY_SETTINGS_MAX {
            return Err(KeysError::TooMany);
        }
        let is_set = |doing: &Doing| settings.iter().any(|setting| setting.action == doing.name);
        let set_to = |key: Key| settings.iter().find(|setting| setting.key == Some(key));
        let mut bound = Vec::new();
        for doing in DOINGS {
            if is_set(doing) {
                let own = settings.iter().filter(|setting| setting.action == doing.name);
                for key in own.filter_map(|setting| setting.key) {
                    match bound.iter().find(|(other, _)| *other == key) {
                        None => bound.push((key, doing)),
                        Some((_, other)) if *other == doing => {}
                        Some((_, other)) => {
                            return Err(KeysError::Twice { key, one: other.name, other: doing.name });
                        }
                    }
                }
                continue;
            }
            let usual =
                || doing.usual.iter().map(|(modifiers, code)| Key { modifiers: *modifiers, code: *code });
            let before = bound.len();
            bound.extend(usual().filter(|key| set_to(*key).is_none()).map(|key| (key, doing)));
            if bound.len() == before
                && let Some(key) = usual().next()
            {
                return Err(KeysError::OnlyKey { key, action: doing.name });
            }
        }
        if !bound.iter().any(|(_, doing)| doing.action == Action::Submit) {
            return Err(KeysError::NoSend);
        }
        Ok(Self { bound })
    }

    /// The most useful ones, in a line.
    pub(crate) fn hint(&self) -> String {
        let key_of = |action| {
            self.bound.iter().find(|(_, doing)| doing.action == action).map(|(key, _)| key.to_string())
        };
        let (keys, activity, switcher) =
            (key_of(Action::Keys), key_of(Action::Activity), key_of(Action::Switcher));
        wording::keys_hint(keys.as_deref(), activity.as_deref(), switcher.as_deref())
    }

    /// What is in force, in the order of the help: the first two keys of each action, and what it does.
    pub(crate) fn shown(&self) -> Vec<(String, &'static str)> {
        let keys_of = |doing: &Doing| {
            let own = self.bound.iter().filter(|(_, other)| *other == doing);
            own.take(2).map(|(key, _)| key.to_string()).collect::<Vec<_>>().join(", ")
        };
        let all = DOINGS.iter().map(|doing| (keys_of(doing), doing.summary));
        all.filter(|(keys, _)| !keys.is_empty()).collect()
    }

    /// What the key does, if anything.
    pub(crate) fn action(&self, event: &KeyEvent) -> Option<Action> {
        if event.kind == KeyEventKind::Release {
            return None;
        }
        let key = Key::of(event.modifiers, event.code);
        if let Some((_, doing)) = self.bound.iter().find(|(bound, _)| *bound == key) {
            return Some(doing.action);
        }
        match key.code {
            KeyCode::Char(digit @ '1'..='9') if key.modifiers == ALT => {
                digit.to_digit(10).map(|number| Action::Number(number as usize - 1))
            }
            KeyCode::Char(_) if !key.modifiers.is_empty() && !key.modifiers.contains(CTRL | ALT) => None,
            // What AltGr writes comes with both on some terminals.
            KeyCode::Char(_) => match event.code {
                KeyCode::Char(letter) => Some(Action::Type(letter)),
                _ => None,
            },
            _ => None,
        }
    }
}

impl Default for Keys {
    fn default() -> Self {
        Self::new(&[]).expect("what is usual is without conflict: a test")
    }
}

impl Key {
    /// Terminals differ in whether letters come large with Ctrl or Alt, how Shift+Tab is called, and what they send for Ctrl+_.
    fn of(modifiers: KeyModifiers, code: KeyCode) -> Self {
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

impl FromStr for KeySetting {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let (name, key) = text.split_once('=').ok_or(KeyError::NoKey)?;
        let name = name.trim();
        let doing = DOINGS.iter().find(|doing| doing.name == name).ok_or_else(|| {
            KeyError::NoSuchAction(name.chars().take(limits::KEY_NAME_CHARACTERS_MAX).collect())
        })?;
        let key = if key.trim() == "none" { None } else { Some(key.parse()?) };
        Ok(Self { action: doing.name, key })
    }
}

#[cfg(test)]
mod tests {
    use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

    use super::{Action, DOINGS, Key, KeySetting, Keys};

    fn check(modifiers: KeyModifiers, code: KeyCode, expect: Option<Action>) {
        let action = Keys::default().action(&KeyEvent::new(code, modifiers));
        assert_eq!(action, expect, "{modifiers:?} {code:?}");
    }

    #[test]
    fn keys_do_what_the_help_says() {
        check(KeyModifiers::NONE, KeyCode::Enter, Some(Action::Submit));
        check(KeyModifiers::ALT, KeyCode::Char('a'), Some(Action::Activity));
        check(KeyModifiers::ALT | KeyModifiers::SHIFT, KeyCode::Char('A'), Some(Action::Activity));
        check(KeyModifiers::CONTROL, KeyCode::Char('K'), Some(Action::Switcher));
        check(KeyModifiers::ALT, KeyCode::Char('3'), Some(Action::Number(2)));
        check(KeyModifiers::NONE, KeyCode::Char('a'), Some(Action::Type('a')));
        check(KeyModifiers::SHIFT, KeyCode::Char('Á'), Some(Action::Type('Á')));
        check(KeyModifiers::CONTROL | KeyModifiers::ALT, KeyCode::Char('@'), Some(Action::Type('@')));
        check(KeyModifiers::CONTROL | KeyModifiers::ALT, KeyCode::Char('Q'), Some(Action::Type('Q')));
        check(KeyModifiers::CONTROL, KeyCode::Char('7'), Some(Action::Undo));
        check(KeyModifiers::NONE, KeyCode::BackTab, Some(Action::Complete { forward: false }));
        check(KeyModifiers::SHIFT, KeyCode::BackTab, Some(Action::Complete { forward: false }));
        check(KeyModifiers::CONTROL, KeyCode::Char('x'), None);
        check(KeyModifiers::NONE, KeyCode::F(9), None);
    }

    #[test]
    fn no_key_usually_does_two_things_and_each_is_in_its_one_form() {
        let mut seen: Vec<Key> = Vec::new();
        for (modifiers, code) in DOINGS.iter().flat_map(|doing| doing.usual) {
            let key = Key { modifiers: *modifiers, code: *code };
            assert_eq!(Key::of(*modifiers, *code), key);
            assert_eq!(key.to_string().parse(), Ok(key), "{key}");
            assert!(!seen.contains(&key), "{key}");
            seen.push(key);
        }
    }

    fn set(settings: &[&str]) -> Result<Keys, String> {
        let settings: Result<Vec<KeySetting>, _> = settings.iter().map(|setting| setting.parse()).collect();
        Keys::new(&settings.map_err(|error| error.to_string())?).map_err(|error| error.to_string())
    }

    #[test]
    fn a_key_that_is_set_does_that_and_what_it_did_has_other_keys() {
        let keys = set(&["switcher=Ctrl+G", "next-activity=f2", "next-activity=ctrl+n"]).unwrap();
        let does = |code, modifiers| keys.action(&KeyEvent::new(code, modifiers));
        assert_eq!(does(KeyCode::Char('g'), KeyModifiers::CONTROL), Some(Action::Switcher));
        assert_eq!(does(KeyCode::Char('k'), KeyModifiers::CONTROL), None);
        assert_eq!(does(KeyCode::F(2), KeyModifiers::NONE), Some(Action::Activity));
        assert_eq!(does(KeyCode::Char('n'), KeyModifiers::CONTROL), Some(Action::Activity));
        assert_eq!(does(KeyCode::Down, KeyModifiers::ALT), Some(Action::Along { forward: true }));
        let shown = keys.shown();
        assert!(shown.contains(&("Ctrl+G".to_owned(), "go to a conversation by name")), "{shown:?}");
        assert!(shown.contains(&("Alt+Down".to_owned(), "next conversation")), "{shown:?}");
        assert_eq!(keys.hint(), "F1 keys  F2 next unread  Ctrl+G go to");
        let none = set(&["switcher=none", "undo=ctrl+k"]).unwrap();
        let ctrl_k = KeyEvent::new(KeyCode::Char('k'), KeyModifiers::CONTROL);
        assert_eq!(none.action(&ctrl_k), Some(Action::Undo));
        assert_eq!(none.hint(), "F1 keys  Alt+A next unread");
    }

    fn check_refused(settings: &[&str], part: &str) {
        let error = set(settings).expect_err("it is refused");
        assert!(error.contains(part), "{settings:?}: {error}");
    }

    #[test]
    fn settings_that_cannot_be_are_refused_with_what_can() {
        check_refused(&["switcher"], "ACTION=KEY");
        check_refused(&["teleport=ctrl+g"], "actions are send, new-line");
        check_refused(&["switcher=control+g"], "ctrl+");
        check_refused(&["switcher="], "keys are a letter");
        check_refused(&["switcher=ctrl+"], "keys are a letter");
        check_refused(&["switcher=f13"], "f1 to f12");
        check_refused(&["switcher=g"], "`g` writes itself");
        check_refused(&["switcher=shift+g"], "writes itself");
        check_refused(&["switcher=ctrl+i"], "as for `tab`");
        check_refused(&["switcher=ctrl+g", "undo=ctrl+g"], "cannot do both `switcher` and `undo`");
        check_refused(&["switcher=alt+a"], "the only key for `next-activity`");
        check_refused(&["send=none"], "`send` needs a key");
        check_refused(&[&format!("switcher={}", "x".repeat(100_000))], "there is no key `xxx");
        check_refused(&vec!["undo=f5"; 1_000], "more than");
    }

    #[test]
    fn a_plus_and_a_comma_can_be_bound() {
        assert_eq!("ctrl++".parse::<Key>().unwrap().to_string(), "Ctrl++");
        assert_eq!("alt+comma".parse::<Key>().unwrap().to_string(), "Alt+,");
    }

    #[test]
    fn the_document_has_every_action_with_its_keys() {
        let document = include_str!("../../../docs/client.md");
        for doing in DOINGS {
            let keys = doing.usual.iter().map(|(modifiers, code)| Key { modifiers: *modifiers, code: *code });
            let keys = keys.map(|key| key.to_string()).collect::<Vec<_>>().join(", ");
            let row = format!("| `{}` | {keys} |", doing.name);
            assert!(document.contains(&row), "docs/client.md lacks {row}");
        }
    }
}
