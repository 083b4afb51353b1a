//! Which key does what. The list is what the help shows and what is obeyed.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::composer::To;

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

/// A key as it is written in the help, what it does in a few words, and the action.
pub(crate) struct Binding {
    pub(crate) keys: &'static str,
    pub(crate) summary: &'static str,
    codes: &'static [(KeyModifiers, KeyCode)],
    action: Action,
}

const NONE: KeyModifiers = KeyModifiers::NONE;
const CTRL: KeyModifiers = KeyModifiers::CONTROL;
const ALT: KeyModifiers = KeyModifiers::ALT;
const SHIFT: KeyModifiers = KeyModifiers::SHIFT;

/// Every key but those that write themselves, in the order of the help.
static BINDINGS: &[Binding] = &[
    bind("Enter", "send", &[(NONE, KeyCode::Enter)], Action::Submit),
    bind(
        "Alt+Enter, Ctrl+J",
        "new line",
        &[(ALT, KeyCode::Enter), (SHIFT, KeyCode::Enter), (CTRL, KeyCode::Char('j'))],
        Action::NewLine,
    ),
    bind("Alt+A", "next with activity, and back", &[(ALT, KeyCode::Char('a'))], Action::Activity),
    bind("Ctrl+K", "go to a conversation by name", &[(CTRL, KeyCode::Char('k'))], Action::Switcher),
    bind(
        "Alt+Down, Ctrl+N",
        "next conversation",
        &[(ALT, KeyCode::Down), (CTRL, KeyCode::Char('n'))],
        Action::Along { forward: true },
    ),
    bind(
        "Alt+Up, Ctrl+P",
        "conversation before",
        &[(ALT, KeyCode::Up), (CTRL, KeyCode::Char('p'))],
        Action::Along { forward: false },
    ),
    bind("PageUp", "scroll back", &[(NONE, KeyCode::PageUp)], Action::PageUp),
    bind("PageDown", "scroll on", &[(NONE, KeyCode::PageDown)], Action::PageDown),
    bind("Shift+Up", "scroll back by a row", &[(SHIFT, KeyCode::Up)], Action::RowUp),
    bind("Shift+Down", "scroll on by a row", &[(SHIFT, KeyCode::Down)], Action::RowDown),
    bind(
        "Alt+Home",
        "to the oldest that is here",
        &[(ALT, KeyCode::Home), (CTRL, KeyCode::Home)],
        Action::Top,
    ),
    bind("Alt+End, Esc", "to the latest", &[(ALT, KeyCode::End), (CTRL, KeyCode::End)], Action::Bottom),
    bind("Tab, Shift+Tab", "complete", &[(NONE, KeyCode::Tab)], Action::Complete { forward: true }),
    bind("", "", &[(SHIFT, KeyCode::BackTab), (NONE, KeyCode::BackTab)], Action::Complete { forward: false }),
    bind("Up, Down", "lines, and what you sent before", &[(NONE, KeyCode::Up)], Action::Up),
    bind("", "", &[(NONE, KeyCode::Down)], Action::Down),
    bind("", "", &[(NONE, KeyCode::Left), (CTRL, KeyCode::Char('b'))], Action::Go(To::Left)),
    bind("", "", &[(NONE, KeyCode::Right), (CTRL, KeyCode::Char('f'))], Action::Go(To::Right)),
    bind(
        "Ctrl+Left, Alt+B",
        "a word back",
        &[(CTRL, KeyCode::Left), (ALT, KeyCode::Char('b'))],
        Action::Go(To::WordLeft),
    ),
    bind(
        "Ctrl+Right, Alt+F",
        "a word on",
        &[(CTRL, KeyCode::Right), (ALT, KeyCode::Char('f'))],
        Action::Go(To::WordRight),
    ),
    bind(
        "Home, Ctrl+A",
        "line's beginning",
        &[(NONE, KeyCode::Home), (CTRL, KeyCode::Char('a'))],
        Action::Go(To::LineBegin),
    ),
    bind(
        "End, Ctrl+E",
        "line's end",
        &[(NONE, KeyCode::End), (CTRL, KeyCode::Char('e'))],
        Action::Go(To::LineEnd),
    ),
    bind(
        "",
        "",
        &[(NONE, KeyCode::Backspace), (CTRL, KeyCode::Char('h')), (SHIFT, KeyCode::Backspace)],
        Action::Delete(To::Left),
    ),
    bind("", "", &[(NONE, KeyCode::Delete)], Action::Delete(To::Right)),
    bind(
        "Ctrl+W, Alt+Backspace",
        "delete the word before",
        &[(CTRL, KeyCode::Char('w')), (ALT, KeyCode::Backspace), (CTRL, KeyCode::Backspace)],
        Action::Delete(To::WordLeft),
    ),
    bind(
        "Alt+D",
        "delete the word behind",
        &[(ALT, KeyCode::Char('d')), (CTRL, KeyCode::Delete)],
        Action::Delete(To::WordRight),
    ),
    bind("Ctrl+U", "delete the line before", &[(CTRL, KeyCode::Char('u'))], Action::Delete(To::LineBegin)),
    bind("Alt+K", "delete the line behind", &[(ALT, KeyCode::Char('k'))], Action::Delete(To::LineEnd)),
    bind("Ctrl+Y", "put it back", &[(CTRL, KeyCode::Char('y'))], Action::Yank),
    bind(
        "Ctrl+_, Alt+/",
        "undo, redo",
        &[(CTRL, KeyCode::Char('_')), (CTRL, KeyCode::Char('7')), (CTRL, KeyCode::Char('/'))],
        Action::Undo,
    ),
    bind("", "", &[(ALT, KeyCode::Char('/'))], Action::Redo),
    bind("Ctrl+L", "draw all anew", &[(CTRL, KeyCode::Char('l'))], Action::Redraw),
    bind("Ctrl+Z", "stop; fg goes on", &[(CTRL, KeyCode::Char('z'))], Action::Suspend),
    bind("F1, ?", "these keys", &[(NONE, KeyCode::F(1))], Action::Keys),
    bind("Ctrl+C, Ctrl+D", "clear, leave", &[(CTRL, KeyCode::Char('c'))], Action::Interrupt),
    bind("", "", &[(CTRL, KeyCode::Char('d'))], Action::End),
    bind("", "", &[(NONE, KeyCode::Esc)], Action::Escape),
];

/// Those that the help shows.
pub(crate) fn shown() -> impl Iterator<Item = &'static Binding> {
    BINDINGS.iter().filter(|binding| !binding.keys.is_empty())
}

const fn bind(
    keys: &'static str,
    summary: &'static str,
    codes: &'static [(KeyModifiers, KeyCode)],
    action: Action,
) -> Binding {
    Binding { keys, summary, codes, action }
}

/// What the key does, if anything.
pub(crate) fn action(key: &KeyEvent) -> Option<Action> {
    if key.kind == KeyEventKind::Release {
        return None;
    }
    let code = match key.code {
        // Terminals differ in whether letters come large with Ctrl or Alt.
        KeyCode::Char(letter) if key.modifiers.intersects(CTRL | ALT) => {
            KeyCode::Char(letter.to_ascii_lowercase())
        }
        code => code,
    };
    let modifiers = key.modifiers & (CTRL | ALT | SHIFT);
    let is_bound = |binding: &&Binding| {
        binding.codes.iter().any(|(wanted, key)| {
            let is_letter = matches!(key, KeyCode::Char(_));
            *key == code
                && (*wanted == modifiers || is_letter && *wanted == modifiers - SHIFT && !wanted.is_empty())
        })
    };
    if let Some(binding) = BINDINGS.iter().find(is_bound) {
        return Some(binding.action);
    }
    match code {
        KeyCode::Char(digit @ '1'..='9') if modifiers == ALT => {
            digit.to_digit(10).map(|number| Action::Number(number as usize - 1))
        }
        // What AltGr writes comes with both on some terminals.
        KeyCode::Char(letter) if !modifiers.intersects(CTRL | ALT) || modifiers.contains(CTRL | ALT) => {
            Some(Action::Type(letter))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

    use super::{Action, BINDINGS, action};

    fn check(modifiers: KeyModifiers, code: KeyCode, expect: Option<Action>) {
        assert_eq!(action(&KeyEvent::new(code, modifiers)), expect, "{modifiers:?} {code:?}");
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
        check(KeyModifiers::CONTROL, KeyCode::Char('x'), None);
        check(KeyModifiers::NONE, KeyCode::F(9), None);
    }

    #[test]
    fn no_key_does_two_things() {
        let mut seen = BTreeSet::new();
        for (modifiers, code) in BINDINGS.iter().flat_map(|binding| binding.codes) {
            assert!(seen.insert(format!("{modifiers:?} {code:?}")), "{modifiers:?} {code:?}");
        }
    }
}
