//! From one conversation to another, and back through what was said.

use crate::chat::item::Place;
use crate::limits;
use crate::screen::log::{Log, Older};
use crate::screen::switcher;

use super::{Model, Request, is_topic};

impl Model {
    /// Goes to a conversation, a new one with a user if need be.
    pub(crate) fn go(&mut self, place: Place) {
        if self.current.as_ref() == Some(&place) {
            return;
        }
        match &place {
            Place::Channel(channel) if !self.conversations.contains_key(&place) => {
                return self.requests.push_back(Request::Line(format!("/join {channel}")));
            }
            Place::Channel(_) | Place::Direct(_) => {}
        }
        self.enter(place.clone());
        self.requests.push_back(Request::Go(place));
    }

    /// The next conversation where something was not read: where one is mentioned first, then people, then channels.
    pub(crate) fn go_to_activity(&mut self) {
        let urgency = |(place, log): &(&Place, &Log)| (log.mentions > 0, !is_topic(place), log.unread);
        let next = self.conversations.iter().filter(|(_, log)| log.unread > 0).max_by_key(urgency);
        match next.map(|(place, _)| place.clone()).or_else(|| self.before.clone()) {
            Some(place) => self.go(place),
            None => self.requests.push_back(Request::Bell),
        }
    }

    /// The next conversation in the list, or the one before.
    pub(crate) fn go_along(&mut self, forward: bool) {
        let places: Vec<&Place> = self.conversations.keys().collect();
        let Some(at) = places.iter().position(|place| Some(*place) == self.current.as_ref()) else { return };
        let next = if forward { at + 1 } else { at + places.len() - 1 } % places.len();
        self.go(places[next].clone());
    }

    /// The conversation at this place of the list, from 0.
    pub(crate) fn go_to_number(&mut self, number: usize) {
        if let Some(place) = self.conversations.keys().nth(number).cloned() {
            self.go(place);
        }
    }

    /// What the switcher offers: the best first.
    pub(crate) fn offered(&self, query: &str) -> Vec<Place> {
        let open = self.conversations.iter().map(|(place, log)| (place.clone(), log.unread > 0, true));
        let channels = self.known.channels().iter().cloned().map(Place::Channel);
        let users = self.known.users().iter().filter(|user| Some(*user) != self.user.as_ref());
        let others = channels.chain(users.cloned().map(Place::Direct));
        let others = others.filter(|place| !self.conversations.contains_key(place));
        switcher::best(query, open.chain(others.map(|place| (place, false, false))))
    }

    /// One looks at the window again, or no longer: what comes meanwhile was not read.
    pub(crate) fn focus(&mut self, has_focus: bool) {
        self.has_focus = has_focus;
        if has_focus && self.log().unread > 0 {
            self.log_mut().enter();
        }
    }

    /// One looks at the oldest messages that are here.
    pub(crate) fn want_older(&mut self) {
        let Some(place) = self.current.clone() else { return };
        let Some(log) = self.conversations.get_mut(&place) else { return };
        if log.older == Older::Unknown {
            if log.len() >= limits::LOG_MESSAGES_MAX {
                log.cut(limits::LOG_MESSAGES_DROPPED);
            }
            log.older = Older::Asked;
            let before = log.oldest(is_topic(&place));
            self.requests.push_back(Request::Older(place, before));
        }
    }

    /// Goes to the latest message, and stays at the end.
    pub(crate) fn look_at_end(&mut self) {
        self.log_mut().look_at(None);
        self.fetch_latest();
    }

    /// The latest were dropped and are wanted again. What was asked for before is waited for: it has no place in what comes then.
    pub(crate) fn fetch_latest(&mut self) {
        let log = self.log_mut();
        if log.is_cut() && log.anchor().is_none() && log.older != Older::Asked {
            log.restart();
            self.want_older();
        }
    }

    /// What was asked for could not be handed on.
    pub(crate) fn older_failed(&mut self, of: &Place) {
        self.log_of(of).older = Older::Unknown;
    }

    pub(super) fn enter(&mut self, place: Place) {
        if self.current.as_ref() == Some(&place) {
            return;
        }
        self.completing = None;
        let seen = self.seen_here();
        self.passed.extend(seen);
        let former = self.current.take();
        self.take_up_draft(former.as_ref(), &place);
        if let Some(former) = former {
            self.log_of(&former).leave();
            self.before = Some(former);
        }
        let log = self.conversations.entry(place.clone()).or_default();
        // What was said before there was any conversation is worth reading in the first.
        std::mem::take(&mut self.lobby).into_entries().for_each(|entry| log.append(entry));
        log.enter();
        if log.is_cut() && log.older != Older::Asked {
            log.restart();
        }
        self.current = Some(place);
        self.land();
        self.want_first();
    }

    /// Asks for messages where there are none yet.
    pub(super) fn want_first(&mut self) {
        let is_topic = self.current.as_ref().is_some_and(is_topic);
        if self.log().oldest(is_topic).is_none() {
            self.want_older();
        }
    }
}
