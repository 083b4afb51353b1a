//! Where desk and feeds meet what is known of who is here: time and the store's names for its rules, and a task that publishes what
//! changes.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use recado_proto::{
    Code, Device, HERE_TOPIC, Here, HerePublication, Presence, Publication, ReplyBody, SENT_PREFIX,
    SentPublication, Timestamp, TypingIn, TypingPublication, UserName,
};
use recado_zmtp::{Message, PeerId, SubscriptionListener};
use tokio::sync::Notify;
use tokio::time::{sleep, sleep_until};

use super::clock::Clock;
use super::company::{Company, Full};
use super::doors::Doors;
use super::notices::Notices;
use super::reply::refused;
use crate::limits::{CHANGES_PAUSE, SENT_LISTENERS_MAX};
use crate::store::{NameOf, Reader, Refusal};

/// What a `here` request says.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) user: UserName,
    pub(super) state: Presence,
    pub(super) device: Option<Device>,
    pub(super) typing: Option<TypingIn>,
}

/// Shared by the desk, the feeds and the task that publishes changes.
pub(super) struct Lobby {
    known: Mutex<Known>,
    changed: Notify,
    clock: Arc<Clock>,
}

struct Known {
    company: Company,
    /// For its names alone, which are in memory.
    reader: Box<dyn Reader>,
}

impl Lobby {
    /// Nobody is here yet.
    pub(super) fn new(reader: Box<dyn Reader>, clock: Arc<Clock>) -> Self {
        let known = Mutex::new(Known { company: Company::default(), reader });
        Self { known, changed: Notify::new(), clock }
    }

    /// A user says something of itself: what is answered, and what is to be told of it at once.
    pub(super) fn here(&self, said: Said, now: Instant) -> (ReplyBody, Option<Message>) {
        let Said { user, state, device, typing } = said;
        let mut known = self.lock();
        if let Some(refusal) = known.refusal(&user, typing.as_ref()) {
            return (refused(refusal), None);
        }
        if let Err(Full) = known.company.here(&user, device, state, now) {
            return (refused(Refusal::new(Code::Busy, "too many users are here; try again")), None);
        }
        // Who does not want to be seen is not seen typing either.
        let typing = typing.filter(|_| state != Presence::Offline);
        let told = typing.filter(|place| known.company.typing(&user, place, now));
        drop(known);
        self.changed.notify_one();
        (ReplyBody::Accepted, told.map(|place| self.typing_notice(user, &place)))
    }

    /// Who is here.
    pub(super) fn who(&self, now: Instant) -> ReplyBody {
        let Known { company, reader } = &mut *self.lock();
        company.look_up(now, |name| reader.name_of(name.as_str()));
        ReplyBody::Here(company.who(now))
    }

    /// Tells all feeds what changes, for as long as the server runs.
    pub(super) async fn run(self: Arc<Self>, feeds: Vec<Arc<Notices>>) {
        loop {
            let (changes, next_due, has_more) = {
                let (now, mut known) = (Instant::now(), self.lock());
                let Known { company, reader } = &mut *known;
                company.look_up(now, |name| reader.name_of(name.as_str()));
                (company.changes(now), company.next_due(), company.has_changes())
            };
            for here in &changes {
                let notice = self.here_notice(here);
                feeds.iter().for_each(|notices| notices.push(notice.clone()));
            }
            if !changes.is_empty() || has_more {
                sleep(CHANGES_PAUSE).await;
                continue;
            }
            tokio::select! {
                () = self.changed.notified() => {}
                () = sleep_until(next_due.unwrap_or_else(Instant::now).into()), if next_due.is_some() => {}
            }
        }
    }

    fn here_notice(&self, here: &Here) -> Message {
        let (timestamp, clock) = (Timestamp::now(), Some(self.clock.tick()));
        let mut payload = Vec::new();
        HerePublication { here: here.clone(), timestamp, clock }.encode_payload(&mut payload);
        Message::new(vec![HERE_TOPIC.into(), payload.into()])
    }

    fn typing_notice(&self, user: UserName, place: &TypingIn) -> Message {
        let (topic, timestamp, clock) = (place.topic(), Timestamp::now(), Some(self.clock.tick()));
        let publication = TypingPublication { topic, user, timestamp, clock };
        let mut payload = Vec::new();
        publication.encode_payload(&mut payload);
        Message::new(vec![TypingPublication::topic_of(&publication.topic).into(), payload.into()])
    }

    fn tell(&self, change: impl FnOnce(&mut Company, Instant)) {
        change(&mut self.lock().company, Instant::now());
        self.changed.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        // What is known of who is here is a hint, even half changed.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn refusal(&self, user: &UserName, typing: Option<&TypingIn>) -> Option<Refusal> {
        let (name, code, what) = match typing {
            _ if self.reader.name_of(user.as_str()) != NameOf::User => {
                (user.as_str(), Code::NoSuchUser, "user")
            }
            Some(TypingIn::Channel(channel)) if self.reader.name_of(channel.as_str()) != NameOf::Channel => {
                (channel.as_str(), Code::NoSuchChannel, "channel")
            }
            Some(TypingIn::With(other)) if self.reader.name_of(other.as_str()) != NameOf::User => {
                (other.as_str(), Code::NoSuchUser, "user")
            }
            Some(TypingIn::Channel(_) | TypingIn::With(_)) | None => return None,
        };
        Some(Refusal::new(code, format!("there is no {what} {name:?}")))
    }
}

/// Hears for one feed what its broker's subscribers want.
pub(super) struct Doorkeeper {
    feed: usize,
    lobby: Arc<Lobby>,
    /// Whose sent messages somebody wants to hear.
    sent: Mutex<BTreeSet<UserName>>,
    doors: Doors,
}

impl Doorkeeper {
    pub(super) fn new(feed: usize, lobby: Arc<Lobby>) -> Self {
        Self { feed, lobby, sent: Mutex::default(), doors: Doors::default() }
    }

    /// What the broker asks about who may hear what.
    pub(super) fn doors(&self) -> &Doors {
        &self.doors
    }

    /// Whether somebody wants to hear what this user sends to others.
    pub(super) fn wants_sent(&self, user: &UserName) -> bool {
        self.sent().contains(user)
    }

    fn sent(&self) -> MutexGuard<'_, BTreeSet<UserName>> {
        // Nothing can panic while it is locked.
        self.sent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SubscriptionListener for Doorkeeper {
    fn subscribed(&self, _: PeerId, topic: &[u8]) {
        match Wanted::read(topic) {
            Some(Wanted::Name(user)) => {
                self.lobby.tell(|company, now| company.subscribed(self.feed, &user, now))
            }
            Some(Wanted::Sent(user)) => {
                let mut sent = self.sent();
                if sent.len() < SENT_LISTENERS_MAX {
                    sent.insert(user);
                }
            }
            None => self.doors.asked_for(topic),
        }
    }

    fn cancelled(&self, _: PeerId, topic: &[u8]) {
        match Wanted::read(topic) {
            Some(Wanted::Name(user)) => {
                self.lobby.tell(|company, now| company.cancelled(self.feed, &user, now))
            }
            Some(Wanted::Sent(user)) => drop(self.sent().remove(&user)),
            None => self.doors.cancelled(topic),
        }
    }

    fn left(&self, _: PeerId) {
        self.sent().clear();
        self.doors.left();
        self.lobby.tell(|company, now| company.broker_lost(self.feed, now));
    }
}

/// What a subscription asks for, as far as it matters here. Those to beginnings of names say nothing of anybody.
#[derive(Debug, PartialEq, Eq)]
enum Wanted {
    /// What is sent to this user, or in the channel of this name.
    Name(UserName),
    /// What this user sends.
    Sent(UserName),
}

impl Wanted {
    fn read(topic: &[u8]) -> Option<Self> {
        let topic = str::from_utf8(topic).ok()?;
        let (name, wanted): (&str, fn(UserName) -> Self) = match topic.strip_prefix(SENT_PREFIX) {
            Some(name) => (name, Wanted::Sent),
            None => (topic, Wanted::Name),
        };
        // A name that had to be trimmed is another topic.
        UserName::parse(name).ok().filter(|user| user.as_str() == name).map(wanted)
    }
}

/// A direct publication once more, for its sender's other devices. `None` for what is none.
pub(super) fn sent_notice(published: &Message, sender: &UserName) -> Option<Message> {
    let publication = match published.frames() {
        [topic, payload] => Publication::decode(topic, payload, Timestamp::now()).ok()?,
        _ => return None,
    };
    let to = UserName::parse(&publication.topic).ok()?;
    let mut payload = Vec::new();
    SentPublication { publication, to }.encode_payload(&mut payload);
    Some(Message::new(vec![SentPublication::topic_of(sender).into(), payload.into()]))
}

#[cfg(test)]
mod tests {
    use recado_proto::UserName;

    use super::Wanted;

    #[test]
    fn subscriptions_to_whole_names_say_something() {
        let check =
            |topic: &[u8], expect: Option<Wanted>| assert_eq!(Wanted::read(topic), expect, "{topic:?}");
        let ana = || UserName::parse("ana").unwrap();
        check(b"ana", Some(Wanted::Name(ana())));
        check(b"_sent.ana", Some(Wanted::Sent(ana())));
        for nothing in ["", "_", "_sent.", "_sent._x", "_sent. ana", "_heads.ana", " ana", "a\nb"] {
            check(nothing.as_bytes(), None);
        }
        check(b"\xff", None);
        check("x".repeat(100_000).as_bytes(), None);
    }
}
