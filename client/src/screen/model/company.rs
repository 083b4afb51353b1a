//! Who is here, who came and went, and who is typing.

use std::collections::VecDeque;

use recado_proto::{Here, Presence, UserName};

use crate::chat::item::Place;
use crate::limits;
use crate::screen::log::{Log, What};

use super::Model;

/// Somebody of a conversation came or went.
#[derive(Debug)]
pub(super) struct Coming {
    user: UserName,
    came: bool,
    until_ms: i64,
}

impl Model {
    /// How much somebody is here, as far as is known.
    pub(crate) fn presence(&self, user: &UserName) -> Option<Presence> {
        self.presence.get(user).copied()
    }

    /// All users: first those who are here, then those who are away, then the others, each by name.
    pub(crate) fn people(&self) -> Vec<(&UserName, Option<Presence>)> {
        let mut people: Vec<_> = self.users().iter().map(|user| (user, self.presence(user))).collect();
        people.sort_by_key(|(_, state)| std::cmp::Reverse(*state));
        people
    }

    pub(super) fn on_here(&mut self, here: &[Here], is_all: bool, now_ms: i64) {
        if is_all {
            self.presence.clear();
        }
        for Here { user, state } in here {
            let before = match state {
                Presence::Offline => self.presence.remove(user),
                Presence::Online | Presence::Away if self.presence.len() < limits::KNOWN_NAMES_MAX => {
                    self.presence.insert(user.clone(), *state)
                }
                Presence::Online | Presence::Away => continue,
            };
            let was_here = before.is_some();
            let is_here = *state != Presence::Offline;
            if !is_all && was_here != is_here && Some(user) != self.user.as_ref() {
                self.note_coming(user, is_here, now_ms);
            }
        }
    }

    /// In each conversation that the user takes part in. Of each only the last coming or going counts.
    fn note_coming(&mut self, user: &UserName, came: bool, now_ms: i64) {
        let until_ms = later(now_ms, limits::COMINGS_SHOWN);
        for (place, log) in &self.conversations {
            if takes_part(user, place, log) {
                let comings: &mut VecDeque<Coming> = self.comings.entry(place.clone()).or_default();
                comings.retain(|coming| coming.user != *user);
                if comings.len() >= limits::COMINGS_SHOWN_MAX {
                    comings.pop_front();
                }
                comings.push_back(Coming { user: user.clone(), came, until_ms });
            }
        }
    }

    pub(super) fn on_typing(&mut self, place: &Place, user: &UserName, now_ms: i64) {
        let key = (place.clone(), user.clone());
        if self.typing.contains_key(&key) || self.typing.len() < limits::TYPING_SHOWN_MAX {
            self.typing.insert(key, later(now_ms, limits::TYPING_SHOWN));
        }
    }

    /// What was typed is there.
    pub(super) fn stopped_typing(&mut self, place: &Place, user: &UserName) {
        self.typing.remove(&(place.clone(), user.clone()));
    }

    /// Who is typing in the conversation where one is.
    pub(crate) fn typing_here(&self) -> Vec<&UserName> {
        let here = self.typing.keys().filter(|(place, _)| Some(place) == self.current.as_ref());
        here.map(|(_, user)| user).collect()
    }

    /// Who came to the conversation where one is, and who went.
    pub(crate) fn comings_here(&self) -> (Vec<&UserName>, Vec<&UserName>) {
        let comings = self.current.as_ref().and_then(|place| self.comings.get(place));
        let (came, went): (Vec<_>, Vec<_>) = comings.into_iter().flatten().partition(|coming| coming.came);
        (users(came), users(went))
    }

    /// When something of this is shown no longer, in Unix milliseconds.
    pub(crate) fn fades_at_ms(&self) -> Option<i64> {
        let comings = self.comings.values().flatten().map(|coming| coming.until_ms);
        self.typing.values().copied().chain(comings).min()
    }

    /// What was shown long enough is not shown any more.
    pub(crate) fn fade(&mut self, now_ms: i64) {
        self.typing.retain(|_, until_ms| *until_ms > now_ms);
        self.comings.retain(|_, comings| {
            comings.retain(|coming| coming.until_ms > now_ms);
            !comings.is_empty()
        });
    }
}

fn users(comings: Vec<&Coming>) -> Vec<&UserName> {
    comings.into_iter().map(|coming| &coming.user).collect()
}

fn takes_part(user: &UserName, place: &Place, log: &Log) -> bool {
    match place {
        Place::Direct(other) => other == user,
        Place::Channel(_) => {
            (0..log.len()).filter_map(|index| log.entry(index)).any(|entry| match &entry.what {
                What::Said { author, .. } => author == user,
                What::Found { .. } | What::Notice(_) | What::Failure(_) => false,
            })
        }
    }
}

fn later(now_ms: i64, by: std::time::Duration) -> i64 {
    now_ms.saturating_add(i64::try_from(by.as_millis()).unwrap_or(i64::MAX))
}
