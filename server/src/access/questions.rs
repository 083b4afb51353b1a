//! What the rest of the server asks: whose a key is, who may read and hear what, which request may be asked.

use recado_proto::{
    ACTS_PREFIX, ActIn, ChannelName, DeviceKey, HEADS_PREFIX, HERE_TOPIC, HistoryOf, KeyEntry, MARKS_PREFIX,
    Members, ReadOf, Registration, RequestBody, Role, SENT_PREFIX, SYNC_PREFIX, SearchIn, SyncTopic,
    TYPING_PREFIX, TypingIn, UserName,
};

use super::judging::forbidden;
use super::secret::PasswordHash;
use super::state::{Access, Account};
use crate::store::{NameOf, Refusal, no_such_channel, no_such_user};

/// What follows [`SYNC_PREFIX`] at least, so that nobody hears by guessing what another one asks.
const SYNC_SECRET_BYTES_MIN: usize = 16;

impl Access {
    /// Whose a key is. Nobody's if it is unknown, was revoked or has ended, or if its user is banned.
    pub fn user_of(&self, key: &DeviceKey, now_ms: u64) -> Option<&UserName> {
        let known = self.keys.get(key).filter(|known| known.is_good(now_ms))?;
        self.active(&known.user).is_ok().then_some(&known.user)
    }

    /// A user's role, banned or not; none for who is no user here.
    pub fn role_of(&self, user: &UserName) -> Option<Role> {
        self.accounts.get(user).map(|account| account.role)
    }

    /// Whether a user is shut out.
    pub fn is_banned(&self, user: &UserName) -> bool {
        self.accounts.get(user).is_some_and(|account| account.banned)
    }

    /// Whether somebody can look after the system: an administrator who is not banned, with a key that lasts.
    pub fn has_administrator(&self) -> bool {
        self.administrators.iter().any(|user| self.is_able_administrator(user))
    }

    /// Who may become a user.
    pub fn registration(&self) -> Registration {
        self.registration
    }

    /// What a user's password is to be verified against; nothing for who has none, is banned or does not exist.
    pub fn password_of(&self, user: &UserName) -> Option<&PasswordHash> {
        self.active(user).ok()?.password.as_ref()
    }

    /// Whether only members know of a channel.
    pub fn is_private(&self, channel: &str) -> bool {
        self.channels.get(channel).is_some_and(|known| known.private)
    }

    /// Whether a user may read a channel, if there is such a one.
    pub fn may_read(&self, user: &UserName, channel: &ChannelName) -> bool {
        self.active(user).is_ok()
            && self.channels.get(channel).is_none_or(|known| !known.private || known.members.contains(user))
    }

    /// Whether a user may hear what is published on a topic, which is of these very bytes. It also says of which names a user
    /// may know the last places.
    pub fn may_hear(&self, user: &UserName, topic: &[u8], names: &impl Fn(&str) -> NameOf) -> bool {
        let Ok(topic) = str::from_utf8(topic) else { return false };
        if self.active(user).is_err() {
            return false;
        }
        if topic == HERE_TOPIC {
            return true;
        }
        if let Some(secret) = topic.strip_prefix(SYNC_PREFIX) {
            return secret.len() >= SYNC_SECRET_BYTES_MIN && SyncTopic::parse(topic).is_ok();
        }
        if let Some(name) = topic.strip_prefix(MARKS_PREFIX).or(topic.strip_prefix(SENT_PREFIX)) {
            return name == user.as_str();
        }
        let prefixes = [ACTS_PREFIX, HEADS_PREFIX, TYPING_PREFIX];
        let name = prefixes.into_iter().find_map(|prefix| topic.strip_prefix(prefix)).unwrap_or(topic);
        if name == user.as_str() {
            return true;
        }
        // A name that had to be trimmed is another topic.
        let channel = ChannelName::parse(name).ok().filter(|channel| channel.as_str() == name);
        channel.is_some_and(|channel| names(name) == NameOf::Channel && self.may_read(user, &channel))
    }

    /// Whether a user may ask this. What is refused here for what the user may not see is refused in the same words for what does
    /// not exist.
    ///
    /// Not looked at: `admin` and `join`, which are [judged](Self::judge), and what a list or a search without a place holds,
    /// which is for whoever answers to leave out.
    ///
    /// # Errors
    ///
    /// The request is to be refused.
    pub fn check(
        &self,
        user: &UserName,
        request: &RequestBody,
        names: &impl Fn(&str) -> NameOf,
        now_ms: u64,
    ) -> Result<(), Refusal> {
        let account = self.active(user)?;
        must_be_own(user, claimed(request))?;
        let readable = |channel: &ChannelName| {
            let is_there = names(channel.as_str()) == NameOf::Channel && self.may_read(user, channel);
            if is_there { Ok(()) } else { Err(no_such_channel(channel)) }
        };
        let exists = |other: &UserName| {
            if names(other.as_str()) == NameOf::User { Ok(()) } else { Err(no_such_user(other)) }
        };
        // One who may send nothing at all is refused first, and so learns of no channel from it.
        let may_send = || self.must_not_be_muted(user, None, now_ms);
        let may_send_in = |channel: &ChannelName| {
            may_send()?;
            readable(channel)?;
            self.must_not_be_muted(user, Some(channel), now_ms)
        };
        match request {
            RequestBody::Channel { .. } => {
                if account.role == Role::Bot {
                    return Err(forbidden("bots create no channels"));
                }
                may_send()
            }
            RequestBody::Publish { channel, .. } => may_send_in(channel),
            RequestBody::Message { dst, .. } => may_send().and_then(|()| exists(dst)),
            RequestBody::Act { within: ActIn::Channel(channel), .. } => may_send_in(channel),
            RequestBody::Act { within: ActIn::With(other), .. } => may_send().and_then(|()| exists(other)),
            RequestBody::History(history) => match &history.of {
                HistoryOf::Channel(channel) => readable(channel),
                HistoryOf::With(_) | HistoryOf::Received => Ok(()),
            },
            RequestBody::Search(search) => match &search.within {
                Some(SearchIn::Channel(channel)) => readable(channel),
                Some(SearchIn::With(_)) | None => Ok(()),
            },
            RequestBody::Mark { mark, .. } => match &mark.of {
                ReadOf::Channel(channel) => readable(channel),
                ReadOf::With(_) => Ok(()),
            },
            RequestBody::Here { typing, .. } => match typing {
                Some(TypingIn::Channel(channel)) => may_send_in(channel),
                Some(TypingIn::With(other)) => may_send().and_then(|()| exists(other)),
                None => Ok(()),
            },
            RequestBody::Keys { of } => match of {
                Some(of) if of != user => must_be_administrator(account),
                Some(_) | None => Ok(()),
            },
            RequestBody::Members { channel } => match account.role {
                Role::Administrator if names(channel.as_str()) == NameOf::Channel => Ok(()),
                Role::Administrator | Role::Member | Role::Bot => readable(channel),
            },
            RequestBody::Audit { .. } => must_be_administrator(account),
            RequestBody::Login { .. }
            | RequestBody::Users
            | RequestBody::Channels
            | RequestBody::Sync { .. }
            | RequestBody::Marks { .. }
            | RequestBody::Who
            | RequestBody::Join { .. }
            | RequestBody::Admin { .. } => Ok(()),
        }
    }

    /// A user's keys, oldest first.
    pub fn keys(&self, user: &UserName, now_ms: u64) -> Vec<KeyEntry> {
        let Some(account) = self.accounts.get(user) else { return Vec::new() };
        let entry = |key: &DeviceKey| {
            let known = self.keys.get(key).filter(|known| known.is_good(now_ms))?;
            Some(KeyEntry {
                key: *key,
                user: known.user.clone(),
                device: known.device.clone(),
                since_ms: known.since_ms,
                expires_ms: known.until_ms,
            })
        };
        let mut keys: Vec<_> = account.keys.iter().chain(&account.sessions).filter_map(entry).collect();
        keys.sort_by_key(|entry| (entry.since_ms, entry.key));
        keys
    }

    /// Who is in a channel.
    pub fn members(&self, channel: &ChannelName) -> Members {
        let Some(known) = self.channels.get(channel) else { return Members::default() };
        let members = known.members.iter().cloned().collect();
        Members { members, private: known.private, owner: known.owner.clone() }
    }

    /// When the next session ends: then its key is nobody's, and nothing else tells so.
    pub fn next_end_ms(&self, now_ms: u64) -> Option<u64> {
        let from = (now_ms.saturating_add(1), DeviceKey::from_bytes([0; 32]));
        self.session_ends.range(from..).next().map(|(end_ms, _)| *end_ms)
    }

    pub(super) fn must_not_be_muted(
        &self,
        user: &UserName,
        channel: Option<&ChannelName>,
        now_ms: u64,
    ) -> Result<(), Refusal> {
        let mutes = self.accounts.get(user).map(|account| &account.mutes);
        let until_ms = mutes.and_then(|mutes| mutes.get(&channel.cloned()));
        match until_ms {
            Some(Some(until_ms)) if *until_ms <= now_ms => Ok(()),
            None => Ok(()),
            Some(until_ms) => {
                let place = channel.map_or_else(String::new, |channel| format!(" in the channel {channel}"));
                let seconds = until_ms.map(|until_ms| (until_ms - now_ms).div_ceil(1000));
                let time = seconds.map_or_else(String::new, |seconds| format!(" for {seconds} more seconds"));
                Err(forbidden(format!("{user} is muted{place}{time}")))
            }
        }
    }
}

/// Whom a request says that it comes from.
fn claimed(request: &RequestBody) -> Option<&UserName> {
    match request {
        RequestBody::Login { user, .. }
        | RequestBody::Publish { user, .. }
        | RequestBody::Message { src: user, .. }
        | RequestBody::Act { user, .. }
        | RequestBody::Mark { user, .. }
        | RequestBody::Marks { user }
        | RequestBody::Here { user, .. } => Some(user),
        RequestBody::History(history) => Some(&history.user),
        RequestBody::Search(search) => Some(&search.user),
        RequestBody::Sync { user, .. }
        | RequestBody::Channel { user, .. }
        | RequestBody::Admin { user, .. } => user.as_ref(),
        // The name that is wanted, not whose it is already.
        RequestBody::Join { .. }
        | RequestBody::Users
        | RequestBody::Channels
        | RequestBody::Who
        | RequestBody::Keys { .. }
        | RequestBody::Members { .. }
        | RequestBody::Audit { .. } => None,
    }
}

fn must_be_own(user: &UserName, claimed: Option<&UserName>) -> Result<(), Refusal> {
    match claimed {
        Some(claimed) if claimed != user => {
            Err(forbidden(format!("this connection is {user}'s, and cannot speak for {claimed}")))
        }
        Some(_) | None => Ok(()),
    }
}

fn must_be_administrator(account: &Account) -> Result<(), Refusal> {
    match account.role {
        Role::Administrator => Ok(()),
        Role::Member | Role::Bot => Err(forbidden("only an administrator can ask this")),
    }
}
