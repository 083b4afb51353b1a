//! Who is here: what this user's client says of itself, and what it hears of others. Knows no clocks: times come in.

use std::time::{Duration, Instant};

use recado_proto::{Device, Here, Presence, Publication, TopicName, TypingIn, UserName};

use crate::limits;
use crate::receiver::Via;
use crate::session::{Hearing, RequestError};

use super::item::{Attempt, FailureCode, Item, Notice, Place};
use super::reading::Reads;
use super::reason::Reason;
use super::{Ask, Chat, Effect};

/// What of all this is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Company {
    /// What this device calls itself.
    pub device: Device,
    /// What is said of this user.
    pub says: Says,
    /// Whether it is said where this user is typing.
    pub says_typing: bool,
    /// Whether it is heard who comes and goes and who is typing.
    pub hears: bool,
    /// How often is said that one is here: about every half minute, differently for each client.
    pub every: Duration,
}

/// What a client says of whether its user is here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Says {
    /// Nothing: whoever listens is seen by that.
    Nothing,
    /// That one is here, or away.
    Presence,
    /// Again and again that one is not here.
    Offline,
}

/// What whoever looks has done, as far as the face knows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Activity {
    /// The last key.
    pub key_at: Option<Instant>,
    /// Where something that is no command was typed last, and when.
    pub typed: Option<(Place, Instant)>,
}

/// What was said so far.
#[derive(Debug)]
pub(super) struct Attendance {
    company: Company,
    /// By `/away`, until `/back`.
    is_away: bool,
    said: Option<(Presence, Instant)>,
    typing_said: Option<(Place, Instant)>,
    key_at: Option<Instant>,
    /// The last list of who is here, unless something changed since.
    listed: Option<Vec<Here>>,
}

impl Attendance {
    pub(super) fn new(company: Company) -> Self {
        Self { company, is_away: false, said: None, typing_said: None, key_at: None, listed: None }
    }

    /// What is to be said now, if anything.
    fn next(&mut self, activity: &Activity, now: Instant) -> Option<(Presence, Option<Place>)> {
        self.key_at = self.key_at.max(activity.key_at);
        let key_at = *self.key_at.get_or_insert(now);
        let state = match self.company.says {
            Says::Nothing => return None,
            Says::Offline => Presence::Offline,
            Says::Presence if self.is_away => Presence::Away,
            Says::Presence if now.saturating_duration_since(key_at) >= limits::AWAY_AFTER => Presence::Away,
            Says::Presence => Presence::Online,
        };
        let typing = self.typing(activity, now).filter(|_| self.company.says == Says::Presence);
        let is_due = self.said.is_none_or(|(said, at)| {
            said != state || now.saturating_duration_since(at) >= self.company.every
        });
        if !is_due && typing.is_none() {
            return None;
        }
        self.said = Some((state, now));
        if let Some(place) = &typing {
            self.typing_said = Some((place.clone(), now));
        }
        Some((state, typing))
    }

    /// Where is typed, if that is to be said again.
    fn typing(&self, activity: &Activity, now: Instant) -> Option<Place> {
        let (place, at) = activity.typed.as_ref().filter(|_| self.company.says_typing)?;
        let is_fresh = now.saturating_duration_since(*at) < limits::TYPING_SAID_EVERY;
        let was_said = self.typing_said.as_ref().is_some_and(|(said, said_at)| {
            said == place
                && (*said_at >= *at || now.saturating_duration_since(*said_at) < limits::TYPING_SAID_EVERY)
        });
        (is_fresh && !was_said).then(|| place.clone())
    }
}

impl Chat {
    /// Time goes on: says that one is here, if that is due, and where one is typing.
    pub fn attend(&mut self, activity: &Activity, now: Instant) {
        if self.server_away {
            return;
        }
        if let Some((state, typing)) = self.attendance.next(activity, now) {
            let (device, typing) = (self.attendance.company.device.clone(), typing.map(typing_in));
            self.effects.push_back(Effect::Ask(Ask::Here { device, state, typing }));
        }
    }

    /// What is to be said at the end, so that one is not thought to be here any more.
    pub fn take_leave(&mut self) -> Option<Ask> {
        let (said, _) = self.attendance.said.take()?;
        let device = self.attendance.company.device.clone();
        let is_needed = said != Presence::Offline && !self.server_away;
        is_needed.then_some(Ask::Here { device, state: Presence::Offline, typing: None })
    }

    /// At the beginning: from now on it is heard what others say of themselves, and what this user does on other devices.
    pub fn begin_company(&mut self) {
        if self.reads() != Reads::Nothing {
            self.effects.push_back(Effect::Hear(Hearing::Sent(self.user.clone())));
        }
        if self.attendance.company.hears {
            self.effects.push_back(Effect::Hear(Hearing::Here));
            self.effects.push_back(Effect::Hear(Hearing::Typing(self.user.clone().into())));
            self.ask_who();
        }
    }

    pub(super) fn hear_typing(&mut self, topic: TopicName, is_followed: bool) {
        if self.attendance.company.hears {
            let hearing = Hearing::Typing(topic);
            self.effects.push_back(if is_followed { Effect::Hear(hearing) } else { Effect::Ignore(hearing) });
        }
    }

    /// The server may have forgotten, or be another one: everything is said and asked again.
    pub(super) fn resume_company(&mut self) {
        self.attendance.said = None;
        self.ask_who();
    }

    /// Nobody is promised to hear of changes, so that it is asked after each gap.
    pub(super) fn ask_who(&mut self) {
        if self.attendance.company.hears {
            self.effects.push_back(Effect::Ask(Ask::Who { quiet: true }));
        }
    }

    /// Asks who is here, in case that a change was missed.
    pub fn refresh_company(&mut self) {
        self.ask_who();
    }

    pub(super) fn set_away(&mut self, is_away: bool) {
        self.attendance.is_away = is_away;
        self.attendance.key_at = None;
        if self.attendance.company.says == Says::Presence {
            self.notice(Notice::Attending { is_away });
        } else {
            self.fail(Attempt::Line, FailureCode::BadCommand, Reason::PresenceIsOff, None);
        }
    }

    pub(super) fn on_who(&mut self, quiet: bool, result: Result<Vec<Here>, RequestError>) {
        match result {
            Ok(here) if quiet => {
                if self.attendance.listed.as_ref() != Some(&here) {
                    self.attendance.listed = Some(here.clone());
                    self.show(Item::Here { here, is_all: true });
                }
            }
            Ok(here) => {
                self.waiting = self.waiting.saturating_sub(1);
                self.show(Item::Who(here));
            }
            // An older server knows nothing of it.
            Err(error) if quiet => tracing::debug!(%error, "who is here is not known"),
            Err(error) => {
                self.waiting = self.waiting.saturating_sub(1);
                self.fail_request(Attempt::Users, &error, None);
            }
        }
    }

    pub(super) fn on_here(&mut self, here: Here) {
        self.attendance.listed = None;
        self.show(Item::Here { here: vec![here], is_all: false });
    }

    pub(super) fn on_typing(&mut self, topic: &TopicName, user: UserName) {
        if user == self.user {
            return;
        }
        let channel = self.joined.iter().find(|channel| channel.as_str() == topic.as_str());
        let place = match channel {
            Some(channel) => Place::Channel(channel.clone()),
            None if topic.as_str() == self.user.as_str() => Place::Direct(user.clone()),
            None => return,
        };
        self.show(Item::Typing { place, user });
    }

    /// A direct message or act of this user: another device sent it, unless it is known here.
    pub(super) fn on_sent_elsewhere(&mut self, to: UserName, publication: Publication) {
        if to != self.user && !publication.id.is_some_and(|id| self.outbox.is_own(id)) {
            self.on_own(Place::Direct(to), publication, Via::Live);
        }
    }
}

fn typing_in(place: Place) -> TypingIn {
    match place {
        Place::Channel(channel) => TypingIn::Channel(channel),
        Place::Direct(user) => TypingIn::With(user),
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use recado_proto::{ChannelName, Device, Presence};

    use super::{Activity, Attendance, Company, Says};
    use crate::chat::item::Place;
    use crate::limits::{AWAY_AFTER, TYPING_SAID_EVERY};

    const EVERY: Duration = Duration::from_secs(30);
    const MOMENT: Duration = Duration::from_millis(1);

    fn attendance(says: Says, says_typing: bool) -> Attendance {
        let device = Device::from_random(1);
        Attendance::new(Company { device, says, says_typing, hears: false, every: EVERY })
    }

    fn key(at: Instant) -> Activity {
        Activity { key_at: Some(at), typed: None }
    }

    fn typed(at: Instant) -> Activity {
        let geral = Place::Channel(ChannelName::parse("geral").unwrap());
        Activity { key_at: Some(at), typed: Some((geral, at)) }
    }

    #[test]
    fn one_is_here_again_and_again() {
        let (mut attendance, start) = (attendance(Says::Presence, true), Instant::now());
        assert_eq!(attendance.next(&key(start), start), Some((Presence::Online, None)));
        assert_eq!(attendance.next(&key(start), start + EVERY - MOMENT), None);
        assert_eq!(attendance.next(&key(start), start + EVERY), Some((Presence::Online, None)));
    }

    #[test]
    fn one_is_away_without_a_key_for_long_and_back_with_the_next() {
        let (mut attendance, start) = (attendance(Says::Presence, true), Instant::now());
        let later = start + AWAY_AFTER;
        assert_eq!(attendance.next(&key(start), start), Some((Presence::Online, None)));
        assert_eq!(attendance.next(&key(start), later), Some((Presence::Away, None)));
        assert_eq!(attendance.next(&key(later), later + MOMENT), Some((Presence::Online, None)));
    }

    #[test]
    fn away_on_request_is_away_whatever_is_typed() {
        let (mut attendance, start) = (attendance(Says::Presence, true), Instant::now());
        attendance.is_away = true;
        assert_eq!(attendance.next(&key(start), start), Some((Presence::Away, None)));
        attendance.is_away = false;
        assert_eq!(attendance.next(&key(start), start), Some((Presence::Online, None)));
    }

    #[test]
    fn typing_is_said_now_and_then_while_it_goes_on() {
        let (mut attendance, start) = (attendance(Says::Presence, true), Instant::now());
        let place = || typed(start).typed.unwrap().0;
        assert_eq!(attendance.next(&typed(start), start), Some((Presence::Online, Some(place()))));
        assert_eq!(attendance.next(&typed(start + MOMENT), start + MOMENT), None);
        let later = start + TYPING_SAID_EVERY;
        assert_eq!(attendance.next(&typed(start), later), None, "nothing was typed since");
        assert_eq!(attendance.next(&typed(later), later), Some((Presence::Online, Some(place()))));
    }

    #[test]
    fn what_is_switched_off_is_not_said() {
        let start = Instant::now();
        assert_eq!(attendance(Says::Nothing, true).next(&typed(start), start), None);
        let off = attendance(Says::Offline, true).next(&typed(start), start);
        assert_eq!(off, Some((Presence::Offline, None)));
        let no_typing = attendance(Says::Presence, false).next(&typed(start), start);
        assert_eq!(no_typing, Some((Presence::Online, None)));
    }
}
