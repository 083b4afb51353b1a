//! What events of access mean, in the plainest form: an act and what it was judged to change come in, and it panics if they are not its
//! actor's to do. It looks at everything each time, and remembers all that ever happened.

use std::collections::{BTreeMap, BTreeSet};

use recado_proto::{ChannelName, DeviceKey, Registration, Role, UserName};

use crate::access::{AccessAct, AccessChange, Actor, Administration, CodeHash, Grant, Names, PasswordHash};
use crate::limits::{
    CODES_PER_MEMBER_MAX, KEYS_EVER_PER_USER_MAX, KEYS_PER_USER_MAX, MUTES_PER_USER_MAX, SESSION_SECONDS_MAX,
    SESSIONS_PER_USER_MAX,
};
use crate::store::NameOf;

#[derive(Default)]
pub(super) struct Model {
    pub(super) users: BTreeMap<UserName, User>,
    pub(super) keys: BTreeMap<DeviceKey, Held>,
    pub(super) revoked: BTreeSet<DeviceKey>,
    /// Of plain listeners.
    stand_ins: BTreeSet<DeviceKey>,
    pub(super) channels: BTreeMap<ChannelName, Channel>,
    pub(super) names: BTreeMap<String, NameOf>,
    codes: BTreeMap<CodeHash, Code>,
    codes_ever: BTreeSet<CodeHash>,
    registration: Registration,
}

pub(super) struct User {
    pub(super) role: Role,
    pub(super) banned: bool,
    password: Option<PasswordHash>,
    keys_ever: usize,
    mutes: BTreeMap<Option<ChannelName>, Option<u64>>,
}

pub(super) struct Held {
    pub(super) user: UserName,
    /// Of a session.
    until_ms: Option<u64>,
}

#[derive(Default)]
pub(super) struct Channel {
    owner: Option<UserName>,
    /// None of a public one.
    pub(super) members: Option<BTreeSet<UserName>>,
}

struct Code {
    by: Option<UserName>,
    grant: Grant,
    until_ms: u64,
}

impl Names for Model {
    fn name_of(&self, name: &str) -> NameOf {
        self.names.get(name).copied().unwrap_or(NameOf::Nobody)
    }

    /// None of the target's names looks like another.
    fn has_like(&self, name: &str) -> bool {
        self.names.contains_key(name)
    }
}

impl Model {
    pub(super) fn whose(&self, key: &DeviceKey, now_ms: u64) -> Option<&UserName> {
        let held =
            self.keys.get(key).filter(|held| held.until_ms.is_none_or(|until_ms| now_ms < until_ms))?;
        (!self.users[&held.user].banned).then_some(&held.user)
    }

    pub(super) fn is_able_administrator(&self, user: &UserName) -> bool {
        let has_key = self.keys.values().any(|held| held.user == *user && held.until_ms.is_none());
        self.users.get(user).is_some_and(|it| it.role == Role::Administrator && !it.banned) && has_key
    }

    pub(super) fn has_administrator(&self) -> bool {
        self.users.keys().any(|user| self.is_able_administrator(user))
    }

    /// All topics that a user may hear, but for those to synchronise.
    pub(super) fn hears(&self, user: &UserName) -> BTreeSet<String> {
        let mut topics = BTreeSet::from(["_here".to_owned()]);
        topics.extend(
            ["", "_acts.", "_heads.", "_typing.", "_marks.", "_sent."].map(|it| format!("{it}{user}")),
        );
        for (name, _) in self.names.iter().filter(|(_, of)| **of == NameOf::Channel) {
            let members = self.channels.get(name.as_str()).and_then(|it| it.members.as_ref());
            if members.is_none_or(|members| members.contains(user)) {
                topics.extend(["", "_acts.", "_heads.", "_typing."].map(|it| format!("{it}{name}")));
            }
        }
        topics
    }

    /// Takes up what an act was judged to change.
    pub(super) fn take(&mut self, actor: &Actor, act: &AccessAct, changes: &[AccessChange], now_ms: u64) {
        match act {
            AccessAct::FirstAdministrator { code: made } => {
                assert_eq!((actor, self.has_administrator()), (&Actor::System, false));
                let (last, spent) = changes.split_last().expect("a code is made");
                assert!(matches!(last, AccessChange::CodeMade { code, .. } if code == made));
                assert!(spent.iter().all(|it| matches!(it, AccessChange::CodeSpent { .. })));
            }
            AccessAct::Join { key, code, .. } => self.check_join(actor, *key, code.as_ref(), changes, now_ms),
            AccessAct::Session { key, user, password, .. } => {
                self.check_is_holder(actor, key, now_ms);
                let account = self.active(user);
                assert_eq!(account.password.as_ref(), Some(password));
                let [change] = changes else {
                    return assert!(changes.is_empty() && self.keys[key].user == *user);
                };
                assert!(
                    matches!(change, AccessChange::KeyAdded { user: of, key: added, until_ms: Some(until_ms), .. }
                    if of == user && added == key && (now_ms + 1..=now_ms + SESSION_SECONDS_MAX * 1000).contains(until_ms))
                );
                assert!(self.whose(key, now_ms).is_none_or(|it| it == user), "it is good for another one");
            }
            AccessAct::UserMade { .. } => {
                assert_eq!(*actor, Actor::System);
                assert!(matches!(changes, [] | [AccessChange::Joined { .. }]));
            }
            AccessAct::PlainListener { user, key } => {
                assert_eq!(*actor, Actor::System);
                assert_ne!(self.users[user].role, Role::Administrator);
                let change = AccessChange::PlainListener { user: user.clone(), key: *key };
                assert!(changes.is_empty() || changes == [change], "{changes:?}");
            }
            AccessAct::ChannelMade { channel, private } => {
                let Actor::User(user) = actor else { panic!("made by {actor:?}") };
                assert_ne!(self.active(user).role, Role::Bot);
                assert!(!self.is_muted(user, now_ms));
                let (channel, owner, private) = (channel.clone(), user.clone(), *private);
                assert_eq!(changes, [AccessChange::ChannelMade { channel, owner, private }]);
            }
            AccessAct::Admin(act) => {
                let user = match actor {
                    Actor::System => None,
                    Actor::User(user) => Some(user),
                    Actor::Key(_) => panic!("a stranger looks after others"),
                };
                changes.iter().for_each(|change| self.check_may(user, act, change, now_ms));
            }
        }
        let by = crate::access::author(actor, changes);
        changes.iter().for_each(|change| self.apply(by.as_ref(), change, now_ms));
    }

    fn active(&self, user: &UserName) -> &User {
        let account = &self.users[user];
        assert!(!account.banned, "{user} is banned");
        account
    }

    fn check_is_holder(&self, actor: &Actor, key: &DeviceKey, now_ms: u64) {
        match actor {
            Actor::Key(own) => assert_eq!(own, key),
            Actor::User(user) => assert_eq!(self.whose(key, now_ms), Some(user)),
            Actor::System => panic!("the program itself has no connection"),
        }
    }

    fn check_join(
        &self,
        actor: &Actor,
        holder: DeviceKey,
        code: Option<&CodeHash>,
        changes: &[AccessChange],
        now_ms: u64,
    ) {
        self.check_is_holder(actor, &holder, now_ms);
        let is_its = |user: &UserName, change: &AccessChange| {
            matches!(change, AccessChange::KeyAdded { user: of, key, until_ms: None, .. }
                if of == user && *key == holder)
        };
        let spent = |change: &AccessChange| {
            let AccessChange::CodeSpent { code: spent } = change else {
                panic!("{change:?} before the code")
            };
            assert_eq!(Some(spent), code);
            let code = &self.codes[spent];
            assert!(now_ms < code.until_ms, "the code has ended");
            code
        };
        match changes {
            [] => assert_eq!(self.keys[&holder].until_ms, None, "it has joined"),
            [AccessChange::Joined { user, role: Role::Member }, added] => {
                assert_eq!((self.registration, code), (Registration::Open, None));
                assert!(is_its(user, added));
            }
            [code, AccessChange::Joined { user, role }, added] => {
                let Code { by, grant: Grant::Invitation { of, role: granted }, .. } = spent(code) else {
                    panic!("a code for a device makes {user}")
                };
                assert!(of.as_ref().is_none_or(|of| of == user) && role == granted && is_its(user, added));
                assert!(by.is_none() || self.registration != Registration::Closed);
            }
            [code, added] => {
                let Code { grant: Grant::Device { of }, .. } = spent(code) else { panic!("{added:?}") };
                self.active(of);
                assert!(is_its(of, added));
            }
            other => panic!("a join comes to {other:?}"),
        }
    }

    /// A change that an act of administration comes to; without a user it is the program itself that acts.
    fn check_may(&self, user: Option<&UserName>, act: &Administration, change: &AccessChange, now_ms: u64) {
        let role = user.map_or(Role::Administrator, |user| self.active(user).role);
        let is_own = |of: &UserName| user == Some(of);
        let is_administrator = role == Role::Administrator;
        let looks_after_keys_of = |of| is_administrator || is_own(of) && role != Role::Bot;
        let may = match change {
            AccessChange::CodeMade { grant: Grant::Device { of }, .. } => {
                self.active(of);
                looks_after_keys_of(of)
            }
            AccessChange::KeyAdded { user: of, key, .. } => {
                let is_free = self.whose(key, now_ms).is_none_or(|it| it == of);
                is_free && looks_after_keys_of(of) && matches!(act, Administration::AddKey { .. })
            }
            AccessChange::KeyRevoked { user: of, key } => {
                self.keys[key].user == *of && (is_administrator || is_own(of))
            }
            AccessChange::MadePrivate { channel }
            | AccessChange::MadePublic { channel }
            | AccessChange::MemberAdded { channel, .. }
            | AccessChange::MemberRemoved { channel, .. } => {
                let owner = self.channels.get(channel).and_then(|it| it.owner.as_ref());
                self.names[channel.as_str()] == NameOf::Channel
                    && (is_administrator || owner.is_some_and(is_own))
            }
            AccessChange::PasswordSet { user: of, .. } => is_own(of),
            AccessChange::Joined { role, .. } => is_administrator && *role == Role::Member,
            AccessChange::CodeMade { grant: Grant::Invitation { .. }, .. }
            | AccessChange::RoleGiven { .. }
            | AccessChange::Banned { .. }
            | AccessChange::Unbanned { .. }
            | AccessChange::Muted { .. }
            | AccessChange::Unmuted { .. }
            | AccessChange::RegistrationSet(_) => is_administrator,
            AccessChange::CodeSpent { .. }
            | AccessChange::ChannelMade { .. }
            | AccessChange::PlainListener { .. } => false,
        };
        assert!(may, "{user:?} may not do {act:?}: {change:?}");
    }

    fn is_muted(&self, user: &UserName, now_ms: u64) -> bool {
        let mute = self.users[user].mutes.get(&None);
        mute.is_some_and(|until_ms| until_ms.is_none_or(|until_ms| now_ms < until_ms))
    }

    fn apply(&mut self, by: Option<&UserName>, change: &AccessChange, now_ms: u64) {
        match change {
            AccessChange::CodeMade { code, grant, until_ms } => {
                assert!(self.codes_ever.insert(*code), "the model's codes differ");
                let (by, grant, until_ms) = (by.cloned(), grant.clone(), *until_ms);
                self.codes.insert(*code, Code { by, grant, until_ms });
            }
            AccessChange::CodeSpent { code } => drop(self.codes.remove(code).expect("it is good once")),
            AccessChange::Joined { user, role } => {
                assert_ne!(self.names.insert(user.to_string(), NameOf::User), Some(NameOf::Channel));
                let (banned, password, mutes) = (false, None, BTreeMap::new());
                let new = User { role: *role, banned, password, keys_ever: 0, mutes };
                assert!(self.users.insert(user.clone(), new).is_none(), "{user} is there");
            }
            AccessChange::KeyAdded { user, key, until_ms, .. } => {
                self.key_added(user, *key, *until_ms, now_ms)
            }
            AccessChange::PlainListener { user, key } => {
                self.stand_ins.insert(*key);
                self.key_added(user, *key, None, now_ms);
            }
            AccessChange::KeyRevoked { key, .. } => {
                self.stand_ins.remove(key);
                let held = self.keys.remove(key).expect("it is somebody's");
                if held.until_ms.is_none() {
                    self.revoked.insert(*key);
                }
            }
            AccessChange::RoleGiven { user, role } => {
                let lets_in = |key: &DeviceKey| self.keys[key].user == *user;
                assert!(*role != Role::Administrator || !self.stand_ins.iter().any(lets_in));
                self.user(user).role = *role;
                let own = Grant::Device { of: user.clone() };
                let stays = |code: &Code| code.by.as_ref() != Some(user) || code.grant == own;
                self.codes.retain(|_, code| *role == Role::Administrator || stays(code));
            }
            AccessChange::Banned { user } => {
                self.user(user).banned = true;
                let own = Grant::Device { of: user.clone() };
                self.codes.retain(|_, code| code.by.as_ref() != Some(user) && code.grant != own);
                self.end_sessions(user);
            }
            AccessChange::Unbanned { user } => self.user(user).banned = false,
            AccessChange::Muted { user, channel, until_ms } => {
                self.user(user).mutes.insert(channel.clone(), *until_ms);
            }
            AccessChange::Unmuted { user, channel } => drop(self.user(user).mutes.remove(channel)),
            AccessChange::PasswordSet { user, hash } => {
                self.user(user).password = Some(hash.clone());
                self.end_sessions(user);
            }
            AccessChange::RegistrationSet(registration) => self.registration = *registration,
            AccessChange::ChannelMade { channel, owner, private } => {
                assert_eq!(
                    self.names.insert(channel.to_string(), NameOf::Channel),
                    None,
                    "{channel} is there"
                );
                let members = private.then(|| BTreeSet::from([owner.clone()]));
                self.channels.insert(channel.clone(), Channel { owner: Some(owner.clone()), members });
            }
            AccessChange::MadePrivate { channel } => {
                let channel = self.channels.entry(channel.clone()).or_default();
                channel.members = Some(channel.owner.as_ref().or(by).cloned().into_iter().collect());
            }
            AccessChange::MadePublic { channel } => self.channel(channel).members = None,
            AccessChange::MemberAdded { channel, user } => {
                assert!(self.users.contains_key(user));
                let members = self.channel(channel).members.as_mut().expect("it is private");
                assert!(members.insert(user.clone()));
            }
            AccessChange::MemberRemoved { channel, user } => {
                let channel = self.channel(channel);
                assert!(channel.members.as_mut().expect("it is private").remove(user));
                channel.owner.take_if(|owner| owner == user);
            }
        }
    }

    fn key_added(&mut self, user: &UserName, key: DeviceKey, until_ms: Option<u64>, now_ms: u64) {
        assert!(!self.revoked.contains(&key), "a revoked key came back");
        self.user(user).keys_ever += usize::from(until_ms.is_none());
        self.keys.insert(key, Held { user: user.clone(), until_ms });
        self.keys.retain(|_, held| held.user != *user || held.until_ms.is_none_or(|end_ms| now_ms < end_ms));
        let ends =
            |(key, held): (&DeviceKey, &Held)| Some((held.until_ms.filter(|_| held.user == *user)?, *key));
        let sessions: BTreeSet<_> = self.keys.iter().filter_map(ends).collect();
        for (_, key) in sessions.iter().take(sessions.len().saturating_sub(SESSIONS_PER_USER_MAX)) {
            self.keys.remove(key);
        }
    }

    fn end_sessions(&mut self, user: &UserName) {
        self.keys.retain(|_, held| held.user != *user || held.until_ms.is_none());
    }

    fn user(&mut self, user: &UserName) -> &mut User {
        self.users.get_mut(user).expect("nothing happens to who is not there")
    }

    fn channel(&mut self, channel: &ChannelName) -> &mut Channel {
        self.channels.get_mut(channel).expect("nothing happens to what is not there")
    }

    /// The bounds of each user.
    pub(super) fn check_bounds(&self, now_ms: u64) {
        for (user, account) in &self.users {
            let held = || self.keys.values().filter(|held| held.user == *user);
            assert!(held().filter(|held| held.until_ms.is_none()).count() <= KEYS_PER_USER_MAX);
            assert!(held().filter(|held| held.until_ms.is_some()).count() <= SESSIONS_PER_USER_MAX);
            assert!(account.keys_ever <= KEYS_EVER_PER_USER_MAX);
            let lasts = |end_ms: &Option<u64>| end_ms.is_none_or(|end_ms| now_ms < end_ms);
            // That of everywhere is one more.
            assert!(account.mutes.values().filter(|end_ms| lasts(end_ms)).count() <= MUTES_PER_USER_MAX + 1);
        }
    }

    /// Codes of who is no administrator, as they were when the last of them was made.
    pub(super) fn check_codes_of(&self, user: &UserName, now_ms: u64) {
        let own = self.codes.values().filter(|code| code.by.as_ref() == Some(user) && now_ms < code.until_ms);
        assert!(self.users[user].role == Role::Administrator || own.count() <= CODES_PER_MEMBER_MAX);
    }
}
