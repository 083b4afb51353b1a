//! What those who look after users and keys may do, and what everybody may do with keys of their own.

use recado_proto::{ChannelName, Code as Word, DeviceKey, DeviceLabel, Registration, Role, UserName};

use super::act::Administration;
use super::event::{AccessChange, Grant};
use super::joining::key_taken;
use super::judging::{Acting, Names, bad_request, busy, end_ms, forbidden};
use super::secret::CodeHash;
use super::state::{Access, Account};
use crate::limits::{
    CODE_SECONDS_MAX, CODES_MAX, CODES_PER_MEMBER_MAX, DEVICE_CODE_SECONDS_DEFAULT,
    INVITATION_SECONDS_DEFAULT, MUTE_SECONDS_MAX, MUTES_PER_USER_MAX,
};
use crate::store::{NameOf, Refusal, no_such_channel, no_such_user};

type Judged = Result<Vec<AccessChange>, Refusal>;

impl Access {
    pub(super) fn judge_administration(
        &self,
        acting: Acting<'_>,
        administration: &Administration,
        names: &impl Names,
        now_ms: u64,
    ) -> Judged {
        match administration {
            Administration::Invite { of, role, seconds, code } => {
                acting.must_be_administrator()?;
                self.judge_invite(acting, of.as_ref(), *role, *seconds, *code, names, now_ms)
            }
            Administration::Device { of, seconds, code } => {
                self.judge_device(acting, of.as_ref(), *seconds, *code, now_ms)
            }
            Administration::AddKey { of, key, device } => {
                self.judge_add_key(acting, of, *key, device.as_ref(), names, now_ms)
            }
            Administration::RevokeKey { key } => self.judge_revoke_key(acting, *key, now_ms),
            Administration::Role { of, role } => self.judge_role(acting, of, *role),
            Administration::Ban { of } => self.judge_ban(acting, of),
            Administration::Unban { of } => {
                let account = self.account_for(acting, of)?;
                Ok(changed(account.banned, || AccessChange::Unbanned { user: of.clone() }))
            }
            Administration::Mute { of, channel, seconds } => {
                self.judge_mute(acting, of, channel.as_ref(), *seconds, names, now_ms)
            }
            Administration::Unmute { of, channel } => {
                let account = self.account_for(acting, of)?;
                Ok(changed(account.mutes.contains_key(channel), || AccessChange::Unmuted {
                    user: of.clone(),
                    channel: channel.clone(),
                }))
            }
            Administration::Private { channel } => self.judge_private(acting, channel, names),
            Administration::Public { channel } => self.judge_public(acting, channel, names),
            Administration::Add { channel, of } => self.judge_add(acting, channel, of, names),
            Administration::Remove { channel, of } => self.judge_remove(acting, channel, of, names),
            Administration::Registration(registration) => {
                acting.must_be_administrator()?;
                Ok(changed(self.registration != *registration, || {
                    AccessChange::RegistrationSet(*registration)
                }))
            }
            Administration::Password(hash) => {
                let user = acting.user.ok_or_else(|| bad_request("a password is set by its user"))?;
                Ok(vec![AccessChange::PasswordSet { user: user.clone(), hash: hash.clone() }])
            }
        }
    }

    #[expect(clippy::too_many_arguments, reason = "they are the act's parts, each of another type")]
    fn judge_invite(
        &self,
        acting: Acting<'_>,
        of: Option<&UserName>,
        role: Role,
        seconds: Option<u64>,
        code: CodeHash,
        names: &impl Names,
        now_ms: u64,
    ) -> Judged {
        if acting.user.is_some() && self.registration == Registration::Closed {
            let why = "registration is closed: set it to `invitation` first";
            return Err(forbidden(why));
        }
        if let Some(of) = of {
            self.must_be_free(of.as_str(), names, true)?;
        }
        let grant = Grant::Invitation { of: of.cloned(), role };
        self.code_made(acting, code, grant, seconds.unwrap_or(INVITATION_SECONDS_DEFAULT), now_ms)
    }

    fn judge_device(
        &self,
        acting: Acting<'_>,
        of: Option<&UserName>,
        seconds: Option<u64>,
        code: CodeHash,
        now_ms: u64,
    ) -> Judged {
        let of = of.or(acting.user).ok_or_else(|| bad_request("`of` is whose device it is"))?;
        self.must_manage_keys_of(acting, of)?;
        if self.account(of)?.banned {
            return Err(forbidden(format!("{of} is banned")));
        }
        let grant = Grant::Device { of: of.clone() };
        self.code_made(acting, code, grant, seconds.unwrap_or(DEVICE_CODE_SECONDS_DEFAULT), now_ms)
    }

    fn code_made(
        &self,
        acting: Acting<'_>,
        code: CodeHash,
        grant: Grant,
        seconds: u64,
        now_ms: u64,
    ) -> Judged {
        let until_ms = end_ms(seconds, CODE_SECONDS_MAX, "a code", now_ms)?;
        let live = || self.codes.values().filter(|code| code.until_ms > now_ms);
        if live().count() >= CODES_MAX {
            let why = format!("there are {CODES_MAX} codes, which is as many as there can be");
            return Err(busy(format!("{why}; wait until one is used or expires")));
        }
        let own = live().filter(|code| code.by.as_ref() == acting.user).count();
        if !acting.is_administrator() && own >= CODES_PER_MEMBER_MAX {
            let why = format!("you have {CODES_PER_MEMBER_MAX} codes, which is as many as there can be");
            return Err(busy(format!("{why}; wait until one is used or expires")));
        }
        Ok(vec![AccessChange::CodeMade { code, grant, until_ms }])
    }

    fn judge_add_key(
        &self,
        acting: Acting<'_>,
        of: &UserName,
        key: DeviceKey,
        device: Option<&DeviceLabel>,
        names: &impl Names,
        now_ms: u64,
    ) -> Judged {
        let mut changes = Vec::new();
        if acting.is_administrator() && !self.accounts.contains_key(of) {
            self.must_be_free(of.as_str(), names, true)?;
            self.must_have_room_for_users()?;
            changes.push(AccessChange::Joined { user: of.clone(), role: Role::Member });
        } else {
            self.must_manage_keys_of(acting, of)?;
            self.account(of)?;
        }
        match self.keys.get(&key) {
            Some(known) if known.user == *of && known.until_ms.is_none() => return Ok(Vec::new()),
            Some(known) if known.user != *of && known.is_good(now_ms) => return Err(key_taken()),
            Some(_) | None => {}
        }
        changes.push(self.added_key(key, of, device)?);
        Ok(changes)
    }

    /// Whose a key is that one may not revoke is not said, nor whether it is anybody's.
    fn judge_revoke_key(&self, acting: Acting<'_>, key: DeviceKey, now_ms: u64) -> Judged {
        let known = self.keys.get(&key).filter(|known| known.is_good(now_ms));
        let known = known.filter(|known| acting.is(&known.user) || acting.is_administrator());
        let known = known.ok_or_else(|| {
            let whose = if acting.is_administrator() { "anybody's" } else { "yours" };
            Refusal::new(Word::NoSuchKey, format!("there is no key {key} that is {whose}"))
        })?;
        let user = &known.user;
        let is_last =
            known.until_ms.is_none() && self.accounts.get(user).is_some_and(|it| it.keys.len() == 1);
        if is_last {
            self.must_leave_administrator(user)?;
        }
        Ok(vec![AccessChange::KeyRevoked { user: user.clone(), key }])
    }

    fn judge_role(&self, acting: Acting<'_>, of: &UserName, role: Role) -> Judged {
        let account = self.account_for(acting, of)?;
        match role {
            Role::Administrator => self.must_not_be_let_in_plainly(of)?,
            Role::Member | Role::Bot => self.must_leave_administrator(of)?,
        }
        Ok(changed(account.role != role, || AccessChange::RoleGiven { user: of.clone(), role }))
    }

    fn judge_ban(&self, acting: Acting<'_>, of: &UserName) -> Judged {
        let account = self.account_for(acting, of)?;
        self.must_leave_administrator(of)?;
        Ok(changed(!account.banned, || AccessChange::Banned { user: of.clone() }))
    }

    fn judge_mute(
        &self,
        acting: Acting<'_>,
        of: &UserName,
        channel: Option<&ChannelName>,
        seconds: Option<u64>,
        names: &impl Names,
        now_ms: u64,
    ) -> Judged {
        let account = self.account_for(acting, of)?;
        if let Some(channel) = channel
            && names.name_of(channel.as_str()) != NameOf::Channel
        {
            return Err(no_such_channel(channel));
        }
        let until_ms =
            seconds.map(|seconds| end_ms(seconds, MUTE_SECONDS_MAX, "a mute", now_ms)).transpose()?;
        let channel = channel.cloned();
        let is_new = !account.mutes.contains_key(&channel);
        let in_force = account.mutes.values().filter(|end| end.is_none_or(|end_ms| end_ms > now_ms));
        if is_new && channel.is_some() && in_force.count() >= MUTES_PER_USER_MAX {
            let why =
                format!("{of} is muted in {MUTES_PER_USER_MAX} channels, which is as many as there can be");
            return Err(busy(format!("{why}; mute {of} everywhere")));
        }
        let is_so = account.mutes.get(&channel) == Some(&until_ms);
        Ok(changed(!is_so, || AccessChange::Muted { user: of.clone(), channel, until_ms }))
    }

    /// Of oneself, unless one is a bot, whose keys others look after; of others as an administrator.
    fn must_manage_keys_of(&self, acting: Acting<'_>, of: &UserName) -> Result<(), Refusal> {
        if !acting.is(of) {
            return acting.must_be_administrator();
        }
        if acting.role == Role::Bot {
            return Err(forbidden("an administrator looks after a bot's keys"));
        }
        Ok(())
    }

    fn must_leave_administrator(&self, user: &UserName) -> Result<(), Refusal> {
        if self.is_able_administrator(user) && !self.has_administrator_beside(user) {
            let why = format!("{user} is the last administrator who has a key; make another one first");
            return Err(forbidden(why));
        }
        Ok(())
    }

    pub(super) fn account(&self, of: &UserName) -> Result<&Account, Refusal> {
        self.accounts.get(of).ok_or_else(|| no_such_user(of))
    }

    /// For an administrator.
    fn account_for(&self, acting: Acting<'_>, of: &UserName) -> Result<&Account, Refusal> {
        acting.must_be_administrator()?;
        self.account(of)
    }
}

/// The change if there is one, else nothing.
pub(super) fn changed(is_new: bool, change: impl FnOnce() -> AccessChange) -> Vec<AccessChange> {
    if is_new { vec![change()] } else { Vec::new() }
}
