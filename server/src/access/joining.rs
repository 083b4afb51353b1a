//! How a key becomes a user's: by a code, by a password, or because the program itself says so.

use recado_proto::{Code as Word, DeviceKey, DeviceLabel, Registration, Role, UserName, check_distinct};

use super::act::Actor;
use super::event::{AccessChange, Grant};
use super::judging::{Names, bad_request, busy, forbidden};
use super::secret::{CodeHash, PasswordHash};
use super::state::{Access, Code, Key};
use crate::limits::{
    INVITATION_SECONDS_DEFAULT, KEYS_EVER_PER_USER_MAX, KEYS_MAX, KEYS_PER_USER_MAX, SESSION_SECONDS_MAX,
    USERS_MAX,
};
use crate::store::{NameOf, Refusal};

impl Access {
    pub(super) fn judge_first_administrator(
        &self,
        actor: &Actor,
        code: CodeHash,
        now_ms: u64,
    ) -> Result<Vec<AccessChange>, Refusal> {
        if *actor != Actor::System {
            return Err(forbidden("only the program itself makes the first administrator's code"));
        }
        if self.has_administrator() {
            return Err(forbidden("there is an administrator already"));
        }
        let earlier = self.codes.iter().filter(|(_, code)| code.is_for_administrators());
        let mut changes: Vec<_> = earlier.map(|(code, _)| AccessChange::CodeSpent { code: *code }).collect();
        changes.push(AccessChange::CodeMade {
            code,
            grant: Grant::Invitation { of: None, role: Role::Administrator },
            until_ms: now_ms.saturating_add(INVITATION_SECONDS_DEFAULT * 1000),
        });
        Ok(changes)
    }

    #[expect(clippy::too_many_arguments, reason = "they are the act's parts, each of another type")]
    pub(super) fn judge_join(
        &self,
        actor: &Actor,
        key: DeviceKey,
        code: Option<&CodeHash>,
        wanted: Option<&UserName>,
        device: Option<&DeviceLabel>,
        names: &impl Names,
        now_ms: u64,
    ) -> Result<Vec<AccessChange>, Refusal> {
        match actor {
            Actor::Key(own) if *own == key => {}
            Actor::User(user) if self.user_of(&key, now_ms) == Some(user) => {}
            Actor::System | Actor::User(_) | Actor::Key(_) => {
                return Err(forbidden("one joins with the key of one's own connection"));
            }
        }
        if let Some(Key { user, until_ms: None, .. }) = self.keys.get(&key) {
            // Asked again, as by one whose answer was lost.
            return match wanted {
                None => self.active(user).map(|_| Vec::new()),
                Some(wanted) if wanted == user => self.active(user).map(|_| Vec::new()),
                Some(_) => Err(key_taken()),
            };
        }
        let Some(hash) = code else {
            if self.registration != Registration::Open {
                return Err(bad_code());
            }
            let user = wanted.ok_or_else(|| bad_request("`user` is the name that is wanted"))?;
            self.must_be_free(user.as_str(), names, false)?;
            return self.joined_with(key, user, Role::Member, device);
        };
        let code = self.live_code(hash, now_ms).ok_or_else(bad_code)?;
        let mut changes = match &code.grant {
            Grant::Device { of } => {
                must_be_wanted(wanted, of)?;
                self.active(of).map_err(|_| bad_code())?;
                vec![self.added_key(key, of, device)?]
            }
            Grant::Invitation { of, role } => {
                // The program's own codes are good whatever administrators decided.
                if code.by.is_some() && self.registration == Registration::Closed {
                    return Err(bad_code());
                }
                let user = match of {
                    Some(of) => {
                        must_be_wanted(wanted, of)?;
                        of
                    }
                    None => wanted.ok_or_else(|| bad_request("`user` is the name that is wanted"))?,
                };
                // Whoever starts the system for the first time may be one who was there while it was open.
                let is_first = code.is_for_administrators() && !self.has_administrator();
                self.must_be_free(user.as_str(), names, of.is_some() || is_first)?;
                self.joined_with(key, user, *role, device)?
            }
        };
        changes.insert(0, AccessChange::CodeSpent { code: *hash });
        Ok(changes)
    }

    pub(super) fn judge_session(
        &self,
        actor: &Actor,
        key: DeviceKey,
        user: &UserName,
        password: &PasswordHash,
        until_ms: u64,
        now_ms: u64,
    ) -> Result<Vec<AccessChange>, Refusal> {
        let is_by_key = match actor {
            Actor::Key(own) => *own == key,
            Actor::User(own) => own == user && self.user_of(&key, now_ms) == Some(user),
            Actor::System => false,
        };
        if !is_by_key {
            return Err(forbidden("one logs in with the key of one's own connection"));
        }
        let account = self.active(user).map_err(|_| bad_password())?;
        if account.password.as_ref() != Some(password) {
            return Err(bad_password());
        }
        if until_ms <= now_ms {
            return Err(bad_request("a session ends after it begins"));
        }
        // Whoever said when it ends may have another clock than the one who judges.
        let until_ms = until_ms.min(now_ms.saturating_add(SESSION_SECONDS_MAX * 1000));
        match self.keys.get(&key) {
            Some(known) if known.user == *user && known.until_ms.is_none_or(|end_ms| end_ms >= until_ms) => {
                return Ok(Vec::new());
            }
            Some(known) if known.user != *user && known.is_good(now_ms) => return Err(key_taken()),
            Some(_) | None => {}
        }
        if self.revoked.contains(&key) {
            return Err(key_taken());
        }
        Ok(vec![AccessChange::KeyAdded { user: user.clone(), key, device: None, until_ms: Some(until_ms) }])
    }

    pub(super) fn judge_user_made(
        &self,
        actor: &Actor,
        user: &UserName,
        role: Role,
        names: &impl Names,
    ) -> Result<Vec<AccessChange>, Refusal> {
        if *actor != Actor::System {
            return Err(forbidden("only the program itself makes users without a key"));
        }
        if self.accounts.contains_key(user) {
            return Ok(Vec::new());
        }
        self.must_be_free(user.as_str(), names, true)?;
        self.must_have_room_for_users()?;
        Ok(vec![AccessChange::Joined { user: user.clone(), role }])
    }

    /// A name that a new user or channel is to have. `from_open_days`: it may be a user's from when the system was open.
    pub(super) fn must_be_free(
        &self,
        name: &str,
        names: &impl Names,
        from_open_days: bool,
    ) -> Result<(), Refusal> {
        let is_known = self.accounts.contains_key(name) || self.channels.contains_key(name);
        match names.name_of(name) {
            NameOf::Nobody if !is_known => {
                // First what has nothing to do with the names that there are, and so says nothing of them.
                check_distinct(name)
                    .map_err(|lookalike| Refusal::new(Word::BadName, lookalike.to_string()))?;
                if names.has_like(name) { Err(name_taken(name)) } else { Ok(()) }
            }
            // One that was there before stays what it is, however it looks.
            NameOf::User if !is_known && from_open_days => Ok(()),
            NameOf::Nobody | NameOf::User | NameOf::Channel => Err(name_taken(name)),
        }
    }

    pub(super) fn must_have_room_for_users(&self) -> Result<(), Refusal> {
        if self.accounts.len() >= USERS_MAX {
            return Err(busy(format!("there are {USERS_MAX} users, which is as many as there can be")));
        }
        Ok(())
    }

    fn joined_with(
        &self,
        key: DeviceKey,
        user: &UserName,
        role: Role,
        device: Option<&DeviceLabel>,
    ) -> Result<Vec<AccessChange>, Refusal> {
        self.must_have_room_for_users()?;
        let joined = AccessChange::Joined { user: user.clone(), role };
        Ok(vec![joined, self.added_key(key, user, device)?])
    }

    /// A key that lasts for a user, who may be about to come to be.
    pub(super) fn added_key(
        &self,
        key: DeviceKey,
        user: &UserName,
        device: Option<&DeviceLabel>,
    ) -> Result<AccessChange, Refusal> {
        self.must_have_room_for_key(key, user)?;
        Ok(AccessChange::KeyAdded { user: user.clone(), key, device: device.cloned(), until_ms: None })
    }

    pub(super) fn must_have_room_for_key(&self, key: DeviceKey, user: &UserName) -> Result<(), Refusal> {
        if self.revoked.contains(&key) {
            return Err(key_taken());
        }
        if let Some(account) = self.accounts.get(user) {
            if account.keys.len() >= KEYS_PER_USER_MAX {
                let why = format!("{user} has {KEYS_PER_USER_MAX} keys, which is as many as there can be");
                return Err(busy(format!("{why}; revoke one")));
            }
            if account.keys_ever >= KEYS_EVER_PER_USER_MAX {
                let why = format!("{user} was given {KEYS_EVER_PER_USER_MAX} keys");
                return Err(busy(format!("{why}, which is as many as there can be")));
            }
        }
        if self.keys.len() + self.revoked.len() >= KEYS_MAX {
            return Err(busy(format!("there are {KEYS_MAX} keys, which is as many as there can be")));
        }
        Ok(())
    }

    /// Looks at all codes, whichever it is, so that the time says nothing.
    fn live_code(&self, hash: &CodeHash, now_ms: u64) -> Option<&Code> {
        let mut found = None;
        for (kept, code) in &self.codes {
            if bool::from(kept.is(hash)) {
                found = Some(code);
            }
        }
        found.filter(|code| code.until_ms > now_ms)
    }
}

impl Code {
    /// As the program itself makes one for whoever starts it.
    fn is_for_administrators(&self) -> bool {
        self.by.is_none() && self.grant == Grant::Invitation { of: None, role: Role::Administrator }
    }
}

impl Key {
    pub(super) fn is_good(&self, now_ms: u64) -> bool {
        self.until_ms.is_none_or(|until_ms| until_ms > now_ms)
    }
}

fn must_be_wanted(wanted: Option<&UserName>, of: &UserName) -> Result<(), Refusal> {
    match wanted {
        Some(wanted) if wanted != of => {
            Err(bad_request(format!("the code is for {of} alone, and another name was given")))
        }
        Some(_) | None => Ok(()),
    }
}

/// One sentence for every code that is not good, so that it says nothing about codes.
fn bad_code() -> Refusal {
    Refusal::new(Word::BadCode, "the code is missing, wrong, expired or used; ask for another one")
}

/// One sentence, whoever does not exist, has no password, or is shut out.
fn bad_password() -> Refusal {
    Refusal::new(Word::BadPassword, "no user of this name has this password")
}

pub(super) fn key_taken() -> Refusal {
    Refusal::new(Word::KeyTaken, "the key is another user's, or was revoked; make a new one")
}

/// The same whether it is a user's or a channel's, which may be one that is not to be known of, and whether it is that very name.
fn name_taken(name: &str) -> Refusal {
    Refusal::new(Word::NameTaken, format!("the name {name} is taken, or looks like one that is"))
}
