//! The state, and how it follows from events. Nothing is judged here: an event tells what was decided.

use std::collections::{BTreeMap, BTreeSet};

use foldhash::{HashMap, HashSet};
use recado_proto::{ChannelName, DeviceKey, DeviceLabel, Registration, Role, UserName};

use super::event::{AccessChange, AccessEvent, Grant};
use super::plain;
use super::secret::{CodeHash, PasswordHash};
use crate::limits::SESSIONS_PER_USER_MAX;

/// Who may do what. To begin with there is nobody, and one becomes a user by invitation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Access {
    pub(super) last: u64,
    pub(super) registration: Registration,
    pub(super) accounts: BTreeMap<UserName, Account>,
    /// Banned ones included.
    pub(super) administrators: BTreeSet<UserName>,
    pub(super) keys: HashMap<DeviceKey, Key>,
    pub(super) revoked: HashSet<DeviceKey>,
    /// When each session ends, first ends first.
    pub(super) session_ends: BTreeSet<(u64, DeviceKey)>,
    pub(super) codes: BTreeMap<CodeHash, Code>,
    /// Those of which there is more to say than that they are public and nobody's.
    pub(super) channels: BTreeMap<ChannelName, Channel>,
    pub(super) memberships: usize,
}

/// A user of a secured system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Account {
    pub(super) role: Role,
    pub(super) banned: bool,
    pub(super) password: Option<PasswordHash>,
    /// Keys that last.
    pub(super) keys: BTreeSet<DeviceKey>,
    pub(super) keys_ever: usize,
    pub(super) sessions: BTreeSet<DeviceKey>,
    /// Where the user sends nothing, and until when; without a channel: nowhere.
    pub(super) mutes: BTreeMap<Option<ChannelName>, Option<u64>>,
}

/// A key and whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) user: UserName,
    pub(super) device: Option<DeviceLabel>,
    pub(super) since_ms: u64,
    /// Set for a session.
    pub(super) until_ms: Option<u64>,
    /// Nobody has it: it stands in for whoever reaches a plain listener.
    pub(super) stands_in: bool,
}

/// A code that was made and not used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Code {
    pub(super) by: Option<UserName>,
    pub(super) grant: Grant,
    pub(super) until_ms: u64,
}

/// What is to be said of a channel.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Channel {
    pub(super) owner: Option<UserName>,
    pub(super) private: bool,
    /// Empty while it is public.
    pub(super) members: BTreeSet<UserName>,
}

impl Access {
    /// Takes up what happened. Events come in their order; one about nobody changes nothing.
    pub fn apply(&mut self, event: &AccessEvent) {
        let AccessEvent { n, time_ms, by, change } = event;
        self.last = *n;
        match change {
            AccessChange::CodeMade { code, grant, until_ms } => {
                self.codes.retain(|_, code| code.until_ms > *time_ms);
                let made = Code { by: by.clone(), grant: grant.clone(), until_ms: *until_ms };
                self.codes.insert(*code, made);
            }
            AccessChange::CodeSpent { code } => drop(self.codes.remove(code)),
            AccessChange::Joined { user, role } => self.joined(user, *role),
            AccessChange::KeyAdded { user, key, device, until_ms } => {
                let added = Key {
                    user: user.clone(),
                    device: device.clone(),
                    since_ms: *time_ms,
                    until_ms: *until_ms,
                    stands_in: false,
                };
                self.key_added(*key, added, *time_ms);
            }
            AccessChange::PlainListener { user, key } => {
                let (device, since_ms, until_ms) = (plain::label(), *time_ms, None);
                let added = Key { user: user.clone(), device, since_ms, until_ms, stands_in: true };
                self.key_added(*key, added, *time_ms);
            }
            AccessChange::KeyRevoked { user: _, key } => self.key_revoked(key),
            AccessChange::RoleGiven { user, role } => self.role_given(user, *role),
            AccessChange::Banned { user } => self.banned(user),
            AccessChange::Unbanned { user } => {
                if let Some(account) = self.accounts.get_mut(user) {
                    account.banned = false;
                }
            }
            AccessChange::Muted { user, channel, until_ms } => {
                if let Some(account) = self.accounts.get_mut(user) {
                    account.mutes.retain(|_, until_ms| until_ms.is_none_or(|until_ms| until_ms > *time_ms));
                    account.mutes.insert(channel.clone(), *until_ms);
                }
            }
            AccessChange::Unmuted { user, channel } => {
                if let Some(account) = self.accounts.get_mut(user) {
                    account.mutes.remove(channel);
                }
            }
            AccessChange::PasswordSet { user, hash } => {
                if let Some(account) = self.accounts.get_mut(user) {
                    account.password = Some(hash.clone());
                    self.end_sessions(user);
                }
            }
            AccessChange::RegistrationSet(registration) => self.registration = *registration,
            AccessChange::ChannelMade { channel, owner, private } => {
                let owner = Some(owner.clone());
                self.channels.insert(channel.clone(), Channel { owner, ..Channel::default() });
                if *private {
                    self.made_private(channel, by.as_ref());
                }
            }
            AccessChange::MadePrivate { channel } => self.made_private(channel, by.as_ref()),
            AccessChange::MadePublic { channel } => {
                let channel = self.channels.entry(channel.clone()).or_default();
                channel.private = false;
                self.memberships -= std::mem::take(&mut channel.members).len();
            }
            AccessChange::MemberAdded { channel, user } => {
                let channel = self.channels.entry(channel.clone()).or_default();
                self.memberships += usize::from(channel.private && channel.members.insert(user.clone()));
            }
            AccessChange::MemberRemoved { channel, user } => {
                let channel = self.channels.entry(channel.clone()).or_default();
                self.memberships -= usize::from(channel.members.remove(user));
                if channel.owner.as_ref() == Some(user) {
                    channel.owner = None;
                }
            }
        }
    }

    /// The number of the last event; 0 before the first.
    pub fn last_event(&self) -> u64 {
        self.last
    }

    fn joined(&mut self, user: &UserName, role: Role) {
        if self.accounts.contains_key(user) {
            return;
        }
        let account = Account {
            role,
            banned: false,
            password: None,
            keys: BTreeSet::new(),
            keys_ever: 0,
            sessions: BTreeSet::new(),
            mutes: BTreeMap::new(),
        };
        self.accounts.insert(user.clone(), account);
        if role == Role::Administrator {
            self.administrators.insert(user.clone());
        }
    }

    fn key_added(&mut self, key: DeviceKey, added: Key, now_ms: u64) {
        if self.revoked.contains(&key) || !self.accounts.contains_key(&added.user) {
            return;
        }
        self.forget_key(&key);
        let user = added.user.clone();
        self.forget_ended_sessions(&user, now_ms);
        if let Some(account) = self.accounts.get_mut(&user) {
            match added.until_ms {
                None => {
                    account.keys.insert(key);
                    account.keys_ever += 1;
                }
                Some(until_ms) => {
                    account.sessions.insert(key);
                    self.session_ends.insert((until_ms, key));
                }
            }
        }
        self.keys.insert(key, added);
        self.forget_sessions_beyond(&user, SESSIONS_PER_USER_MAX);
    }

    /// A session's key is not remembered: it is good for nothing without the password.
    fn key_revoked(&mut self, key: &DeviceKey) {
        if let Some(Key { until_ms: None, .. }) = self.forget_key(key) {
            self.revoked.insert(*key);
        }
    }

    fn forget_key(&mut self, key: &DeviceKey) -> Option<Key> {
        let known = self.keys.remove(key)?;
        if let Some(account) = self.accounts.get_mut(&known.user) {
            account.keys.remove(key);
            account.sessions.remove(key);
        }
        if let Some(until_ms) = known.until_ms {
            self.session_ends.remove(&(until_ms, *key));
        }
        Some(known)
    }

    fn forget_ended_sessions(&mut self, user: &UserName, now_ms: u64) {
        for (until_ms, key) in self.sessions_of(user) {
            if until_ms <= now_ms {
                self.forget_key(&key);
            }
        }
    }

    fn forget_sessions_beyond(&mut self, user: &UserName, count: usize) {
        let sessions = self.sessions_of(user);
        let excess = sessions.len().saturating_sub(count);
        for (_, key) in sessions.into_iter().take(excess) {
            self.forget_key(&key);
        }
    }

    fn end_sessions(&mut self, user: &UserName) {
        self.forget_sessions_beyond(user, 0);
    }

    /// First ends first.
    fn sessions_of(&self, user: &UserName) -> BTreeSet<(u64, DeviceKey)> {
        let sessions = self.accounts.get(user).map(|account| &account.sessions);
        let ends = |key: &DeviceKey| Some((self.keys.get(key)?.until_ms?, *key));
        sessions.into_iter().flatten().filter_map(ends).collect()
    }

    fn role_given(&mut self, user: &UserName, role: Role) {
        let Some(account) = self.accounts.get_mut(user) else { return };
        account.role = role;
        if role == Role::Administrator {
            self.administrators.insert(user.clone());
        } else {
            self.administrators.remove(user);
            let own = Grant::Device { of: user.clone() };
            self.codes.retain(|_, code| code.by.as_ref() != Some(user) || code.grant == own);
        }
    }

    fn banned(&mut self, user: &UserName) {
        let Some(account) = self.accounts.get_mut(user) else { return };
        account.banned = true;
        let own = Grant::Device { of: user.clone() };
        self.codes.retain(|_, code| code.by.as_ref() != Some(user) && code.grant != own);
        self.end_sessions(user);
    }

    fn made_private(&mut self, channel: &ChannelName, by: Option<&UserName>) {
        let channel = self.channels.entry(channel.clone()).or_default();
        if channel.private {
            return;
        }
        channel.private = true;
        channel.members = channel.owner.as_ref().or(by).cloned().into_iter().collect();
        self.memberships += channel.members.len();
    }
}
