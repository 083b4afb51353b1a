//! Everything that keys do, in the order of the help.

use ratatui::crossterm::event::{KeyCode, KeyModifiers};

use crate::screen::composer::To;

use super::key::{ALT, CTRL, NONE, SHIFT};

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
    /// A message is chosen, to do something with it.
    Choose,
    Redraw,
    /// Out of what lies above, or to the end of the messages.
    Escape,
    Interrupt,
    End,
    Suspend,
    Type(char),
}

/// Something that keys do: its name in settings, what the help says of it, and the keys that usually do it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Doing {
    pub(super) name: &'static str,
    pub(super) summary: &'static str,
    pub(super) usual: &'static [(KeyModifiers, KeyCode)],
    pub(super) action: Action,
}

/// Everything but keys that write themselves, in the order of the help.
pub(super) static DOINGS: &[Doing] = &[
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
    doing(
        "choose",
        "choose a message: answer, edit, react",
        &[(CTRL, KeyCode::Up), (ALT, KeyCode::Char('s'))],
        Action::Choose,
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

const fn doing(
    name: &'static str,
    summary: &'static str,
    usual: &'static [(KeyModifiers, KeyCode)],
    action: Action,
) -> Doing {
    Doing { name, summary, usual, action }
}

pub(super) fn action_names() -> String {
    DOINGS.iter().map(|doing| doing.name).collect::<Vec<_>>().join(", ")
}
