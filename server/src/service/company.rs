//! Who is here: what users say of themselves on each of their devices, and who listens to their names. Knows no sockets, clocks or
//! stores: what was said and when comes in, what is to be told comes out.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use recado_proto::limits::USERS_HERE_MAX;
use recado_proto::{Device, Here, Presence, TypingIn, UserName};

use crate::limits::{
    CHANGES_AT_ONCE_MAX, DEVICES_PER_USER_MAX, HERE_BELIEVED, LISTENED_NAMES_MAX, LISTENING_LINGERS,
    NAMES_LOOKED_UP_EVERY, TYPING_PLACES_MAX, TYPING_TOLD_EVERY,
};
use crate::store::NameOf;

/// No more users are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Full;

/// All that is known of who is here.
#[derive(Debug, Default)]
pub(super) struct Company {
    names: BTreeMap<UserName, Name>,
    /// When something that is known of a name ends; each name once, with the first of its ends.
    due: BTreeSet<(Instant, UserName)>,
    /// Users whose state is another one than was told last.
    changed: BTreeSet<UserName>,
    /// Names to which somebody listens since they were looked up last.
    newcomers: BTreeSet<UserName>,
    /// Names to which somebody listens and that were nobody's when they were looked up.
    strangers: BTreeSet<UserName>,
    looked_up_at: Option<Instant>,
    /// Names that have devices.
    with_devices: usize,
    /// Names to which somebody listens.
    listened: usize,
    typed: BTreeMap<(UserName, TypingIn), Instant>,
}

#[derive(Debug)]
struct Name {
    devices: Vec<Seen>,
    listened: Listened,
    of: NameOf,
    /// What was published last.
    told: Presence,
    due: Option<Instant>,
}

#[derive(Debug)]
struct Seen {
    device: Option<Device>,
    state: Presence,
    until: Instant,
}

/// Who is subscribed to a name.
#[derive(Debug, Default)]
struct Listened {
    /// The feeds whose brokers have such a subscriber.
    feeds: BTreeSet<usize>,
    /// The last one ended, and it counts until then.
    lingers: Option<Instant>,
}

impl Listened {
    fn is_any(&self) -> bool {
        !self.feeds.is_empty() || self.lingers.is_some()
    }
}

impl Name {
    fn new() -> Self {
        let (devices, listened) = (Vec::new(), Listened::default());
        Self { devices, listened, of: NameOf::Nobody, told: Presence::Offline, due: None }
    }

    /// What a user says counts for more than that somebody listens.
    fn state(&self) -> Presence {
        let said = self.devices.iter().map(|seen| seen.state).max();
        said.unwrap_or(match self.of {
            NameOf::User if self.listened.is_any() => Presence::Online,
            NameOf::User | NameOf::Channel | NameOf::Nobody => Presence::Offline,
        })
    }

    fn first_end(&self) -> Option<Instant> {
        self.devices.iter().map(|seen| seen.until).chain(self.listened.lingers).min()
    }
}

impl Company {
    /// A user says how much it is here on a device. Of too many devices the one that was silent longest is forgotten.
    pub(super) fn here(
        &mut self,
        user: &UserName,
        device: Option<Device>,
        state: Presence,
        now: Instant,
    ) -> Result<(), Full> {
        self.expire(now);
        let has_devices = self.names.get(user).is_some_and(|name| !name.devices.is_empty());
        if !has_devices && self.with_devices == USERS_HERE_MAX {
            return Err(Full);
        }
        self.change(user, |name| {
            // Whoever says so is a user.
            name.of = NameOf::User;
            name.devices.retain(|seen| seen.device != device);
            if name.devices.len() == DEVICES_PER_USER_MAX {
                name.devices.remove(0);
            }
            name.devices.push(Seen { device, state, until: now + HERE_BELIEVED });
        });
        Ok(())
    }

    /// A user is typing. False if that was told just before, or is not to be told.
    pub(super) fn typing(&mut self, user: &UserName, place: &TypingIn, now: Instant) -> bool {
        let is_fresh = |at: &Instant| now.saturating_duration_since(*at) < TYPING_TOLD_EVERY;
        let key = (user.clone(), place.clone());
        if self.typed.get(&key).is_some_and(is_fresh) {
            return false;
        }
        if self.typed.len() >= TYPING_PLACES_MAX {
            self.typed.retain(|_, at| is_fresh(at));
        }
        let has_room = self.typed.len() < TYPING_PLACES_MAX;
        if has_room {
            self.typed.insert(key, now);
        }
        has_room
    }

    /// Somebody subscribed to this name at a feed's broker. Of too many names the further ones are not noticed.
    pub(super) fn subscribed(&mut self, feed: usize, user: &UserName, now: Instant) {
        self.expire(now);
        let is_listened = self.names.get(user).is_some_and(|name| name.listened.is_any());
        if !is_listened && self.listened == LISTENED_NAMES_MAX {
            return;
        }
        self.change(user, |name| {
            name.listened.feeds.insert(feed);
            name.listened.lingers = None;
        });
        if self.names.get(user).is_some_and(|name| name.of == NameOf::Nobody) {
            self.newcomers.insert(user.clone());
        }
    }

    /// The last subscriber to this name is gone from a feed's broker.
    pub(super) fn cancelled(&mut self, feed: usize, user: &UserName, now: Instant) {
        self.expire(now);
        if self.names.get(user).is_some_and(|name| name.listened.feeds.contains(&feed)) {
            self.change(user, |name| {
                name.listened.feeds.remove(&feed);
                name.listened.lingers = name.listened.feeds.is_empty().then_some(now + LISTENING_LINGERS);
            });
        }
    }

    /// A feed's broker is gone, with all who are subscribed there.
    pub(super) fn broker_lost(&mut self, feed: usize, now: Instant) {
        let listened = self.names.iter().filter(|(_, name)| name.listened.feeds.contains(&feed));
        let users: Vec<_> = listened.map(|(user, _)| user.clone()).collect();
        users.iter().for_each(|user| self.cancelled(feed, user, now));
    }

    /// Looks up names to which somebody listens: new ones at once, and those that were nobody's every now and then.
    pub(super) fn look_up(&mut self, now: Instant, name_of: impl Fn(&UserName) -> NameOf) {
        let mut wanted = std::mem::take(&mut self.newcomers);
        if self.next_look_up().is_none_or(|due| due <= now) {
            self.looked_up_at = Some(now);
            wanted.append(&mut self.strangers);
        }
        for user in wanted {
            let of = name_of(&user);
            if self.names.contains_key(&user) {
                if of == NameOf::Nobody {
                    self.strangers.insert(user);
                } else {
                    self.change(&user, |name| name.of = of);
                }
            }
        }
    }

    /// What is to be told of changes by now: of each user the last one only, and so many at once at most.
    pub(super) fn changes(&mut self, now: Instant) -> Vec<Here> {
        self.expire(now);
        let mut changes = Vec::new();
        while changes.len() < CHANGES_AT_ONCE_MAX
            && let Some(user) = self.changed.pop_first()
        {
            if let Some(name) = self.names.get_mut(&user) {
                name.told = name.state();
                changes.push(Here { user: user.clone(), state: name.told });
            }
            self.settle(&user);
        }
        changes
    }

    /// Whether there are changes to be told.
    pub(super) fn has_changes(&self) -> bool {
        !self.changed.is_empty()
    }

    /// When something ends, or is to be looked up, if nothing else comes.
    pub(super) fn next_due(&self) -> Option<Instant> {
        let end = self.due.first().map(|(due, _)| *due);
        let look_up = if self.strangers.is_empty() { None } else { self.next_look_up() };
        end.into_iter().chain(look_up).min()
    }

    /// Those who are online or away by now, by name.
    pub(super) fn who(&mut self, now: Instant) -> Vec<Here> {
        self.expire(now);
        let here = self.names.iter().map(|(user, name)| Here { user: user.clone(), state: name.state() });
        here.filter(|here| here.state != Presence::Offline).collect()
    }

    fn next_look_up(&self) -> Option<Instant> {
        self.looked_up_at.map(|at| at + NAMES_LOOKED_UP_EVERY)
    }

    fn expire(&mut self, now: Instant) {
        while let Some((due, user)) = self.due.first()
            && *due <= now
        {
            let user = user.clone();
            self.change(&user, |name| {
                name.devices.retain(|seen| seen.until > now);
                name.listened.lingers = name.listened.lingers.filter(|until| *until > now);
            });
        }
    }

    /// Changes what is known of a name, and keeps all that follows from it.
    fn change(&mut self, user: &UserName, change: impl FnOnce(&mut Name)) {
        let name = self.names.entry(user.clone()).or_insert_with(Name::new);
        let before = (!name.devices.is_empty(), name.listened.is_any());
        change(name);
        let after = (!name.devices.is_empty(), name.listened.is_any());
        self.with_devices = self.with_devices + usize::from(after.0) - usize::from(before.0);
        self.listened = self.listened + usize::from(after.1) - usize::from(before.1);
        self.settle(user);
    }

    fn settle(&mut self, user: &UserName) {
        let Some(name) = self.names.get_mut(user) else { return };
        let due = name.first_end();
        if let Some(before) = name.due.take() {
            self.due.remove(&(before, user.clone()));
        }
        if let Some(due) = due {
            name.due = Some(due);
            self.due.insert((due, user.clone()));
        }
        if name.state() == name.told {
            self.changed.remove(user);
        } else {
            self.changed.insert(user.clone());
            return;
        }
        if name.devices.is_empty() && !name.listened.is_any() {
            self.names.remove(user);
            self.strangers.remove(user);
            self.newcomers.remove(user);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use recado_proto::limits::USERS_HERE_MAX;
    use recado_proto::{ChannelName, Device, Presence, TypingIn, UserName};

    use super::{Company, Full};
    use crate::limits::{
        CHANGES_AT_ONCE_MAX, DEVICES_PER_USER_MAX, HERE_BELIEVED, LISTENED_NAMES_MAX, LISTENING_LINGERS,
        NAMES_LOOKED_UP_EVERY, TYPING_PLACES_MAX, TYPING_TOLD_EVERY,
    };
    use crate::store::NameOf;

    const MOMENT: Duration = Duration::from_millis(1);

    fn user(name: &str) -> UserName {
        UserName::parse(name).unwrap()
    }

    fn device(name: &str) -> Option<Device> {
        Some(Device::parse(name).unwrap())
    }

    /// A company and a clock that goes only when it is told to.
    struct Scene {
        company: Company,
        now: Instant,
    }

    impl Scene {
        fn new() -> Self {
            Self { company: Company::default(), now: Instant::now() }
        }

        fn wait(&mut self, duration: Duration) {
            self.now += duration;
        }

        fn here(&mut self, name: &str, on: Option<Device>, state: Presence) {
            assert_eq!(self.company.here(&user(name), on, state, self.now), Ok(()));
        }

        fn subscribed(&mut self, feed: usize, name: &str) {
            self.company.subscribed(feed, &user(name), self.now);
        }

        /// Looks names up in a store that has the user ana and the channel geral.
        fn look_up(&mut self) {
            self.company.look_up(self.now, |name| match name.as_str() {
                "ana" => NameOf::User,
                "geral" => NameOf::Channel,
                _ => NameOf::Nobody,
            });
        }

        /// What is told by now.
        fn told(&mut self) -> Vec<(String, Presence)> {
            let changes = self.company.changes(self.now);
            changes.into_iter().map(|here| (here.user.as_str().to_owned(), here.state)).collect()
        }

        fn who(&mut self) -> Vec<(String, Presence)> {
            let who = self.company.who(self.now);
            who.into_iter().map(|here| (here.user.as_str().to_owned(), here.state)).collect()
        }

        fn check(&mut self, expect: &[(&str, Presence)]) {
            let expect: Vec<_> = expect.iter().map(|(name, state)| ((*name).to_owned(), *state)).collect();
            assert_eq!(self.told(), expect);
        }
    }

    #[test]
    fn changes_are_told_once_and_silence_is_believed_for_a_while() {
        let mut scene = Scene::new();
        scene.here("ana", None, Presence::Online);
        scene.check(&[("ana", Presence::Online)]);
        scene.wait(HERE_BELIEVED / 2);
        scene.here("ana", None, Presence::Online);
        scene.check(&[]);
        scene.here("ana", None, Presence::Away);
        scene.check(&[("ana", Presence::Away)]);
        scene.wait(HERE_BELIEVED - MOMENT);
        scene.check(&[]);
        assert_eq!(scene.who(), [("ana".to_owned(), Presence::Away)]);
        assert_eq!(scene.company.next_due(), Some(scene.now + MOMENT));
        scene.wait(MOMENT);
        scene.check(&[("ana", Presence::Offline)]);
        assert_eq!(scene.who(), []);
        assert_eq!((scene.company.names.len(), scene.company.next_due()), (0, None));
    }

    #[test]
    fn what_changes_back_before_it_was_told_is_not_told() {
        let mut scene = Scene::new();
        scene.here("ana", None, Presence::Online);
        scene.here("ana", None, Presence::Offline);
        assert!(!scene.company.has_changes());
        scene.check(&[]);
    }

    #[test]
    fn the_most_present_device_counts() {
        let mut scene = Scene::new();
        scene.here("ana", device("desk"), Presence::Online);
        scene.here("ana", device("phone"), Presence::Away);
        scene.check(&[("ana", Presence::Online)]);
        scene.here("ana", device("phone"), Presence::Offline);
        scene.check(&[]);
        scene.here("ana", device("desk"), Presence::Away);
        scene.check(&[("ana", Presence::Away)]);
        scene.here("ana", device("desk"), Presence::Offline);
        scene.check(&[("ana", Presence::Offline)]);
    }

    #[test]
    fn a_device_that_falls_silent_leaves_what_the_other_says() {
        let mut scene = Scene::new();
        scene.here("ana", device("desk"), Presence::Online);
        scene.check(&[("ana", Presence::Online)]);
        scene.wait(HERE_BELIEVED - MOMENT);
        scene.here("ana", device("phone"), Presence::Away);
        scene.check(&[]);
        scene.wait(MOMENT);
        scene.check(&[("ana", Presence::Away)]);
    }

    #[test]
    fn of_too_many_devices_the_one_silent_longest_is_forgotten() {
        let mut scene = Scene::new();
        scene.here("ana", device("first"), Presence::Online);
        for number in 1..=DEVICES_PER_USER_MAX {
            scene.check(if number == 1 { &[("ana", Presence::Online)] } else { &[] });
            scene.here("ana", device(&number.to_string()), Presence::Away);
        }
        scene.check(&[("ana", Presence::Away)]);
        assert_eq!(scene.company.names[&user("ana")].devices.len(), DEVICES_PER_USER_MAX);
    }

    #[test]
    fn who_only_listens_is_online_until_a_while_after() {
        let mut scene = Scene::new();
        scene.subscribed(0, "ana");
        scene.check(&[]);
        scene.look_up();
        scene.check(&[("ana", Presence::Online)]);
        scene.subscribed(1, "ana");
        scene.company.cancelled(0, &user("ana"), scene.now);
        scene.wait(2 * LISTENING_LINGERS);
        scene.check(&[]);
        scene.company.cancelled(1, &user("ana"), scene.now);
        scene.wait(LISTENING_LINGERS - MOMENT);
        scene.check(&[]);
        scene.wait(MOMENT);
        scene.check(&[("ana", Presence::Offline)]);
        assert_eq!((scene.company.names.len(), scene.company.listened), (0, 0));
    }

    #[test]
    fn a_subscription_that_comes_back_soon_was_never_gone() {
        let mut scene = Scene::new();
        scene.subscribed(0, "ana");
        scene.look_up();
        scene.check(&[("ana", Presence::Online)]);
        scene.company.broker_lost(0, scene.now);
        scene.wait(LISTENING_LINGERS / 2);
        scene.subscribed(0, "ana");
        scene.wait(2 * LISTENING_LINGERS);
        scene.check(&[]);
        assert_eq!(scene.company.next_due(), None);
    }

    #[test]
    fn what_a_user_says_counts_for_more_than_that_somebody_listens() {
        let mut scene = Scene::new();
        scene.subscribed(0, "ana");
        scene.look_up();
        scene.check(&[("ana", Presence::Online)]);
        scene.here("ana", None, Presence::Offline);
        scene.check(&[("ana", Presence::Offline)]);
        scene.wait(HERE_BELIEVED);
        scene.check(&[("ana", Presence::Online)]);
    }

    #[test]
    fn channels_are_nobody_and_a_user_may_come_to_be_after_the_subscription() {
        let mut scene = Scene::new();
        scene.subscribed(0, "geral");
        scene.subscribed(0, "bob");
        scene.look_up();
        scene.check(&[]);
        assert_eq!(scene.company.next_due(), Some(scene.now + NAMES_LOOKED_UP_EVERY));
        scene.company.look_up(scene.now, |_| NameOf::User);
        scene.check(&[]);
        scene.wait(NAMES_LOOKED_UP_EVERY);
        scene.company.look_up(scene.now, |name| {
            assert_eq!(name.as_str(), "bob", "a channel stays one");
            NameOf::User
        });
        scene.check(&[("bob", Presence::Online)]);
        assert_eq!(scene.company.next_due(), None);
    }

    #[test]
    fn a_cancellation_without_a_subscription_means_nothing() {
        let mut scene = Scene::new();
        scene.company.cancelled(0, &user("ana"), scene.now);
        scene.company.broker_lost(3, scene.now);
        assert_eq!((scene.company.names.len(), scene.company.listened), (0, 0));
        scene.subscribed(0, "ana");
        scene.company.cancelled(1, &user("ana"), scene.now);
        scene.look_up();
        scene.check(&[("ana", Presence::Online)]);
    }

    #[test]
    fn so_many_users_are_kept_and_no_more() {
        let mut scene = Scene::new();
        for number in 0..USERS_HERE_MAX {
            scene.here(&number.to_string(), None, Presence::Online);
        }
        let refused = scene.company.here(&user("ana"), None, Presence::Online, scene.now);
        assert_eq!(refused, Err(Full));
        scene.here("7", device("another"), Presence::Away);
        scene.wait(HERE_BELIEVED);
        scene.here("ana", None, Presence::Online);
        let mut told = 0;
        while scene.company.has_changes() {
            let changes = scene.told();
            assert!(changes.len() <= CHANGES_AT_ONCE_MAX);
            told += changes.len();
        }
        assert_eq!((told, scene.company.names.len()), (1, 1), "who came and went untold is not told");
    }

    #[test]
    fn so_many_names_are_watched_and_no_more() {
        let mut scene = Scene::new();
        for number in 0..=LISTENED_NAMES_MAX {
            scene.subscribed(0, &number.to_string());
        }
        assert_eq!(
            (scene.company.names.len(), scene.company.listened),
            (LISTENED_NAMES_MAX, LISTENED_NAMES_MAX)
        );
        scene.company.broker_lost(0, scene.now);
        scene.wait(LISTENING_LINGERS);
        scene.check(&[]);
        assert_eq!((scene.company.names.len(), scene.company.newcomers.len()), (0, 0));
    }

    #[test]
    fn typing_is_told_now_and_then_for_each_place() {
        let mut company = Company::default();
        let (ana, start) = (user("ana"), Instant::now());
        let geral = TypingIn::Channel(ChannelName::parse("geral").unwrap());
        let bob = TypingIn::With(user("bob"));
        assert!(company.typing(&ana, &geral, start));
        assert!(!company.typing(&ana, &geral, start + TYPING_TOLD_EVERY - MOMENT));
        assert!(company.typing(&ana, &bob, start));
        assert!(company.typing(&user("bia"), &geral, start));
        assert!(company.typing(&ana, &geral, start + TYPING_TOLD_EVERY));
    }

    #[test]
    fn typing_in_too_many_places_is_not_told() {
        let mut company = Company::default();
        let (ana, start) = (user("ana"), Instant::now());
        let with = |number: usize| TypingIn::With(user(&number.to_string()));
        for number in 0..TYPING_PLACES_MAX {
            assert!(company.typing(&ana, &with(number), start));
        }
        assert!(!company.typing(&ana, &with(TYPING_PLACES_MAX), start));
        assert!(company.typing(&ana, &with(TYPING_PLACES_MAX), start + TYPING_TOLD_EVERY));
        assert_eq!(company.typed.len(), 1);
    }
}
