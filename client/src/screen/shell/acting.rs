//! What comes of each key, where it is not a matter of the model alone.

use ratatui::crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::{Position, Rect};

use crate::chat::draft::Purpose;
use crate::engine::Input;
use crate::limits;
use crate::screen::composer::To;
use crate::screen::draw::Areas;
use crate::screen::keys::Action;
use crate::screen::model::Overlay;
use crate::screen::scroll;

use super::Shell;

/// So near the oldest message that is here older ones are wanted.
const CHOSEN_BEFORE_OLDEST: usize = 10;

impl Shell {
    pub(super) fn act(&mut self, action: Action, now_ms: i64) {
        if self.act_on_overlay(action, now_ms) || self.act_on_chosen(action, now_ms) {
            return;
        }
        if !matches!(action, Action::Complete { .. }) {
            self.model.completing = None;
        }
        let composer = &mut self.model.composer;
        match action {
            Action::Submit => self.model.submit(false, now_ms),
            Action::NewLine => drop(composer.insert("\n")),
            Action::Go(to) => composer.go(to),
            Action::Delete(to) => composer.delete(to),
            Action::Up => composer.up(),
            Action::Down => composer.down(),
            Action::Yank => drop(composer.yank()),
            Action::Undo => composer.undo(),
            Action::Redo => composer.redo(),
            Action::Complete { forward } => self.model.complete(forward),
            Action::PageUp => self.scroll_back(|height| height.saturating_sub(2).max(1)),
            Action::PageDown => self.scroll_on(|height| height.saturating_sub(2).max(1)),
            Action::RowUp => self.scroll_back(|_| 1),
            Action::RowDown => self.scroll_on(|_| 1),
            Action::Top => self.scroll_to_top(),
            Action::Escape if self.model.aim.is_some() => self.model.take_aim_away(),
            Action::Bottom | Action::Escape => self.model.look_at_end(),
            Action::Activity => self.model.go_to_activity(),
            Action::Along { forward } => self.model.go_along(forward),
            Action::Number(number) => self.model.go_to_number(number),
            Action::Switcher => self.model.overlay = Overlay::Switcher { query: String::new(), chosen: 0 },
            Action::Choose => self.choose(true),
            Action::Mentions => self.model.want_mentions(false),
            Action::NextMention => self.model.want_mentions(true),
            Action::Write => self.write_elsewhere(""),
            Action::Keys => self.model.overlay = Overlay::Keys { first: 0 },
            Action::Redraw => {
                // It is drawn again either way.
                let _ = self.taken.draw_anew();
            }
            Action::Interrupt if composer.is_empty() && self.model.aim.is_some() => {
                self.model.take_aim_away();
            }
            Action::Interrupt if composer.is_empty() => drop(self.hand_on(Input::Interrupt)),
            Action::Interrupt => composer.clear(),
            Action::End if composer.is_empty() => drop(self.hand_on(Input::End)),
            Action::End => composer.delete(To::Right),
            Action::Suspend => {
                if let Err(error) = self.taken.suspend() {
                    tracing::debug!(%error, "the program was not suspended");
                }
            }
            Action::Type('?') if composer.is_empty() && self.model.aim.is_none() => {
                self.model.overlay = Overlay::Keys { first: 0 }
            }
            Action::Type(letter) => drop(composer.insert(letter.encode_utf8(&mut [0; 4]))),
        }
    }

    pub(super) fn on_mouse(&mut self, mouse: MouseEvent) {
        let (up, down) = (Action::Up, Action::Down);
        match (mouse.kind, &self.model.overlay) {
            (MouseEventKind::ScrollUp, Overlay::None) => self.scroll_back(|_| limits::WHEEL_ROWS),
            (MouseEventKind::ScrollDown, Overlay::None) => self.scroll_on(|_| limits::WHEEL_ROWS),
            (MouseEventKind::ScrollUp, _) => drop(self.act_on_overlay(up, 0)),
            (MouseEventKind::ScrollDown, _) => drop(self.act_on_overlay(down, 0)),
            (MouseEventKind::Down(MouseButton::Left), Overlay::None) => {
                let Ok(size) = self.taken.terminal.size() else { return };
                let areas = Areas::of(Rect::new(0, 0, size.width, size.height), &self.model);
                let at = Position { x: mouse.column, y: mouse.row };
                if let Some(place) = areas.conversation_at(&self.model, at) {
                    self.model.go(place);
                }
            }
            _ => {}
        }
    }

    /// What lies over the messages takes the key. False if it is not for it.
    fn act_on_overlay(&mut self, action: Action, now_ms: i64) -> bool {
        match &mut self.model.overlay {
            Overlay::None => return false,
            Overlay::Keys { first } => {
                let last = self.look.keys.shown(self.model.language).len().saturating_sub(1);
                match action {
                    Action::Down | Action::RowDown => *first = (*first + 1).min(last),
                    Action::Up | Action::RowUp => *first = first.saturating_sub(1),
                    Action::PageDown => *first = (*first + 10).min(last),
                    Action::PageUp => *first = first.saturating_sub(10),
                    _ => {
                        self.model.overlay = Overlay::None;
                        return !matches!(action, Action::Type(_)) || action == Action::Type('?');
                    }
                }
            }
            Overlay::Question { .. } => {
                self.model.overlay = Overlay::None;
                match action {
                    Action::Submit => self.model.submit(true, now_ms),
                    Action::Escape => {}
                    _ => return false,
                }
            }
            Overlay::Delete { .. } => match action {
                Action::Submit => self.model.delete_asked(),
                _ => self.model.overlay = Overlay::None,
            },
            Overlay::Mentions { mentions, chosen } => {
                let last = mentions.len().saturating_sub(1);
                match action {
                    Action::Up | Action::RowUp | Action::Mentions => *chosen = chosen.saturating_sub(1),
                    Action::Down | Action::RowDown => *chosen = (*chosen + 1).min(last),
                    Action::PageUp => *chosen = chosen.saturating_sub(10),
                    Action::PageDown => *chosen = (*chosen + 10).min(last),
                    Action::Submit => {
                        let mention = mentions.get(*chosen).cloned();
                        self.model.overlay = Overlay::None;
                        if let Some(mention) = mention {
                            self.model.jump(&mention);
                        }
                    }
                    Action::Escape | Action::Interrupt | Action::End => self.model.overlay = Overlay::None,
                    _ => {}
                }
            }
            Overlay::Switcher { query, chosen } => match action {
                Action::Type(letter) if query.len() < recado_proto::limits::NAME_BYTES_MAX => {
                    query.push(letter);
                    *chosen = 0;
                }
                Action::Delete(To::Left) => {
                    query.pop();
                    *chosen = 0;
                }
                Action::Down
                | Action::Along { forward: true }
                | Action::Complete { forward: true }
                | Action::Switcher => *chosen += 1,
                Action::Up | Action::Along { forward: false } | Action::Complete { forward: false } => {
                    *chosen = chosen.saturating_sub(1);
                }
                Action::Submit => {
                    let (query, chosen) = (std::mem::take(query), *chosen);
                    self.model.overlay = Overlay::None;
                    if let Some(place) = self.model.offered(&query).into_iter().nth(chosen) {
                        self.model.go(place);
                    }
                    return true;
                }
                Action::Escape | Action::Interrupt | Action::End => self.model.overlay = Overlay::None,
                _ => {}
            },
        }
        if let Overlay::Switcher { query, chosen } = &self.model.overlay {
            let last = self.model.offered(query).len().saturating_sub(1);
            let chosen = (*chosen).min(last);
            let query = query.clone();
            self.model.overlay = Overlay::Switcher { query, chosen };
        }
        true
    }

    /// Keys are about the chosen message, if there is one. False if this one is not.
    fn act_on_chosen(&mut self, action: Action, now_ms: i64) -> bool {
        if !self.model.is_choosing() {
            return false;
        }
        match action {
            Action::Up | Action::Choose | Action::Type('k') => self.choose(true),
            Action::Down | Action::Type('j') => self.choose(false),
            Action::Type('r') => self.model.aim(Purpose::Answer, now_ms),
            Action::Type('e') => self.model.aim(Purpose::Edit, now_ms),
            Action::Type('+') => self.model.aim(Purpose::React, now_ms),
            Action::Type('d') => self.model.ask_to_delete(now_ms),
            Action::Type('y') => self.model.copy(now_ms),
            Action::Type('o') | Action::Submit => {
                if let Some(entry) = self.model.choose_answered(now_ms) {
                    self.look_at(entry);
                }
            }
            Action::Escape | Action::Interrupt => {
                self.model.stop_choosing();
                // Whoever looked at the end stays there.
                self.scroll_on(|_| 0);
            }
            Action::Type(_) | Action::NewLine | Action::Complete { .. } | Action::End => {}
            _ => return false,
        }
        true
    }

    /// Chooses the message before, or the one after.
    fn choose(&mut self, back: bool) {
        let before = self.model.log().chosen;
        let Some(entry) = self.model.log_mut().choose_next(back) else { return };
        self.look_at(entry);
        if back && (before == self.model.log().chosen || entry < CHOSEN_BEFORE_OLDEST) {
            self.model.want_older();
        }
    }

    /// Moves as little as there is need for an entry to be seen.
    pub(super) fn look_at(&mut self, entry: usize) {
        let Ok(size) = self.taken.terminal.size() else { return };
        let area = Areas::of(Rect::new(0, 0, size.width, size.height), &self.model).messages;
        let entries = self.look.entries(&self.model, area.width);
        scroll::show(self.model.log_mut(), entry, area.height.into(), &entries);
    }

    fn scroll_back(&mut self, by: impl Fn(usize) -> usize) {
        let Ok(size) = self.taken.terminal.size() else { return };
        let area = Areas::of(Rect::new(0, 0, size.width, size.height), &self.model).messages;
        let entries = self.look.entries(&self.model, area.width);
        let height = usize::from(area.height);
        if scroll::back(self.model.log_mut(), by(height), height, &entries) {
            self.model.want_older();
        }
    }

    fn scroll_to_top(&mut self) {
        let Ok(size) = self.taken.terminal.size() else { return };
        let area = Areas::of(Rect::new(0, 0, size.width, size.height), &self.model).messages;
        let entries = self.look.entries(&self.model, area.width);
        scroll::top(self.model.log_mut(), area.height.into(), &entries);
        self.model.want_older();
    }

    fn scroll_on(&mut self, by: impl Fn(usize) -> usize) {
        let Ok(size) = self.taken.terminal.size() else { return };
        let area = Areas::of(Rect::new(0, 0, size.width, size.height), &self.model).messages;
        let entries = self.look.entries(&self.model, area.width);
        scroll::on(self.model.log_mut(), by(area.height.into()), &entries);
        self.model.fetch_latest();
    }
}
