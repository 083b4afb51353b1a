//! Everything that keys do, in the order of the help.

use ratatui::crossterm::event::{KeyCode, KeyModifiers};

use crate::screen::composer::To;
use crate::view::wording::{Both, keys};

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
    /// What mentions one is listed.
    Mentions,
    /// … or gone to, one further back each time.
    NextMention,
    /// What is typed goes to another program, and comes back.
    Write,
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
    pub(super) summary: Both,
    pub(super) usual: &'static [(KeyModifiers, KeyCode)],
    pub(super) action: Action,
}

/// Everything but keys that write themselves, in the order of the help.
pub(super) static DOINGS: &[Doing] = &[
    doing("send", keys::SEND, &[(NONE, KeyCode::Enter)], Action::Submit),
    doing(
        "new-line",
        keys::NEW_LINE,
        &[(ALT, KeyCode::Enter), (CTRL, KeyCode::Char('j')), (SHIFT, KeyCode::Enter)],
        Action::NewLine,
    ),
    doing("next-activity", keys::NEXT_ACTIVITY, &[(ALT, KeyCode::Char('a'))], Action::Activity),
    doing("mentions", keys::MENTIONS, &[(ALT, KeyCode::Char('m'))], Action::Mentions),
    doing("next-mention", keys::NEXT_MENTION, &[(ALT, KeyCode::Char('n'))], Action::NextMention),
    doing("switcher", keys::SWITCHER, &[(CTRL, KeyCode::Char('k'))], Action::Switcher),
    doing(
        "next-conversation",
        keys::NEXT_CONVERSATION,
        &[(ALT, KeyCode::Down), (CTRL, KeyCode::Char('n'))],
        Action::Along { forward: true },
    ),
    doing(
        "previous-conversation",
        keys::PREVIOUS_CONVERSATION,
        &[(ALT, KeyCode::Up), (CTRL, KeyCode::Char('p'))],
        Action::Along { forward: false },
    ),
    doing("choose", keys::CHOOSE, &[(CTRL, KeyCode::Up), (ALT, KeyCode::Char('s'))], Action::Choose),
    doing("page-up", keys::PAGE_UP, &[(NONE, KeyCode::PageUp)], Action::PageUp),
    doing("page-down", keys::PAGE_DOWN, &[(NONE, KeyCode::PageDown)], Action::PageDown),
    doing("row-up", keys::ROW_UP, &[(SHIFT, KeyCode::Up)], Action::RowUp),
    doing("row-down", keys::ROW_DOWN, &[(SHIFT, KeyCode::Down)], Action::RowDown),
    doing("top", keys::TOP, &[(ALT, KeyCode::Home), (CTRL, KeyCode::Home)], Action::Top),
    doing("bottom", keys::BOTTOM, &[(ALT, KeyCode::End), (CTRL, KeyCode::End)], Action::Bottom),
    doing("close", keys::CLOSE, &[(NONE, KeyCode::Esc)], Action::Escape),
    doing("complete", keys::COMPLETE, &[(NONE, KeyCode::Tab)], Action::Complete { forward: true }),
    doing(
        "complete-back",
        keys::COMPLETE_BACK,
        &[(SHIFT, KeyCode::Tab)],
        Action::Complete { forward: false },
    ),
    doing("up", keys::UP, &[(NONE, KeyCode::Up)], Action::Up),
    doing("down", keys::DOWN, &[(NONE, KeyCode::Down)], Action::Down),
    doing("left", keys::LEFT, &[(NONE, KeyCode::Left), (CTRL, KeyCode::Char('b'))], Action::Go(To::Left)),
    doing("right", keys::RIGHT, &[(NONE, KeyCode::Right), (CTRL, KeyCode::Char('f'))], Action::Go(To::Right)),
    doing(
        "word-left",
        keys::WORD_LEFT,
        &[(CTRL, KeyCode::Left), (ALT, KeyCode::Char('b'))],
        Action::Go(To::WordLeft),
    ),
    doing(
        "word-right",
        keys::WORD_RIGHT,
        &[(CTRL, KeyCode::Right), (ALT, KeyCode::Char('f'))],
        Action::Go(To::WordRight),
    ),
    doing(
        "line-begin",
        keys::LINE_BEGIN,
        &[(NONE, KeyCode::Home), (CTRL, KeyCode::Char('a'))],
        Action::Go(To::LineBegin),
    ),
    doing(
        "line-end",
        keys::LINE_END,
        &[(NONE, KeyCode::End), (CTRL, KeyCode::Char('e'))],
        Action::Go(To::LineEnd),
    ),
    doing(
        "delete-left",
        keys::DELETE_LEFT,
        &[(NONE, KeyCode::Backspace), (CTRL, KeyCode::Char('h')), (SHIFT, KeyCode::Backspace)],
        Action::Delete(To::Left),
    ),
    doing("delete-right", keys::DELETE_RIGHT, &[(NONE, KeyCode::Delete)], Action::Delete(To::Right)),
    doing(
        "delete-word-left",
        keys::DELETE_WORD_LEFT,
        &[(CTRL, KeyCode::Char('w')), (ALT, KeyCode::Backspace), (CTRL, KeyCode::Backspace)],
        Action::Delete(To::WordLeft),
    ),
    doing(
        "delete-word-right",
        keys::DELETE_WORD_RIGHT,
        &[(ALT, KeyCode::Char('d')), (CTRL, KeyCode::Delete)],
        Action::Delete(To::WordRight),
    ),
    doing(
        "delete-line-begin",
        keys::DELETE_LINE_BEGIN,
        &[(CTRL, KeyCode::Char('u'))],
        Action::Delete(To::LineBegin),
    ),
    doing(
        "delete-line-end",
        keys::DELETE_LINE_END,
        &[(ALT, KeyCode::Char('k'))],
        Action::Delete(To::LineEnd),
    ),
    doing("put-back", keys::PUT_BACK, &[(CTRL, KeyCode::Char('y'))], Action::Yank),
    doing("undo", keys::UNDO, &[(CTRL, KeyCode::Char('_'))], Action::Undo),
    doing("redo", keys::REDO, &[(ALT, KeyCode::Char('/'))], Action::Redo),
    doing("write", keys::WRITE, &[(ALT, KeyCode::Char('e'))], Action::Write),
    doing("redraw", keys::REDRAW, &[(CTRL, KeyCode::Char('l'))], Action::Redraw),
    doing("stop", keys::STOP, &[(CTRL, KeyCode::Char('z'))], Action::Suspend),
    doing("keys", keys::KEYS, &[(NONE, KeyCode::F(1))], Action::Keys),
    doing("interrupt", keys::INTERRUPT, &[(CTRL, KeyCode::Char('c'))], Action::Interrupt),
    doing("leave", keys::LEAVE, &[(CTRL, KeyCode::Char('d'))], Action::End),
];

const fn doing(
    name: &'static str,
    summary: Both,
    usual: &'static [(KeyModifiers, KeyCode)],
    action: Action,
) -> Doing {
    Doing { name, summary, usual, action }
}

pub(super) fn action_names() -> String {
    DOINGS.iter().map(|doing| doing.name).collect::<Vec<_>>().join(", ")
}
