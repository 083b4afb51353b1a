//! Which key does what: what is usual, and what the user set. It knows names, not what comes of them.

mod key;
mod table;

use std::str::FromStr;

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind};
use thiserror::Error;

use crate::limits;
use crate::view::wording::{self, Language};

use self::key::{ALT, CTRL, Key};
use self::table::{DOINGS, Doing};

pub use self::key::KeyError;
pub(crate) use self::table::Action;

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
    pub(crate) fn hint(&self, language: Language) -> String {
        let key_of = |action| {
            self.bound.iter().find(|(_, doing)| doing.action == action).map(|(key, _)| key.to_string())
        };
        let (keys, activity, switcher) =
            (key_of(Action::Keys), key_of(Action::Activity), key_of(Action::Switcher));
        wording::keys_hint(language, keys.as_deref(), activity.as_deref(), switcher.as_deref())
    }

    /// What is in force, in the order of the help: the first two keys of each action, and what it does.
    pub(crate) fn shown(&self, language: Language) -> Vec<(String, &'static str)> {
        let keys_of = |doing: &Doing| {
            let own = self.bound.iter().filter(|(_, other)| *other == doing);
            own.take(2).map(|(key, _)| key.to_string()).collect::<Vec<_>>().join(", ")
        };
        let all = DOINGS.iter().map(|doing| (keys_of(doing), doing.summary.of(language)));
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

    use crate::view::wording::Language;

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
        let shown = keys.shown(Language::English);
        assert!(shown.contains(&("Ctrl+G".to_owned(), "go to a conversation by name")), "{shown:?}");
        assert!(shown.contains(&("Alt+Down".to_owned(), "next conversation")), "{shown:?}");
        assert_eq!(keys.hint(Language::English), "F1 keys  F2 next unread  Ctrl+G go to");
        let none = set(&["switcher=none", "undo=ctrl+k"]).unwrap();
        let ctrl_k = KeyEvent::new(KeyCode::Char('k'), KeyModifiers::CONTROL);
        assert_eq!(none.action(&ctrl_k), Some(Action::Undo));
        assert_eq!(none.hint(Language::English), "F1 keys  Alt+A next unread");
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
        let document = include_str!("../../../../docs/client.md");
        for doing in DOINGS {
            let keys = doing.usual.iter().map(|(modifiers, code)| Key { modifiers: *modifiers, code: *code });
            let keys = keys.map(|key| key.to_string()).collect::<Vec<_>>().join(", ");
            let row = format!("| `{}` | {keys} |", doing.name);
            assert!(document.contains(&row), "docs/client.md lacks {row}");
        }
    }
}
