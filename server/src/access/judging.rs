//! Which act may be done. What each kind of act comes to is said in `joining`, `administration` and `channels`.

use recado_proto::{Code, Role, UserName};

use super::act::{AccessAct, Actor};
use super::event::AccessChange;
use super::state::{Access, Account};
use crate::store::{NameOf, Refusal};

/// What there is in the chat, whose users need not be users here: there may have been an open system before.
pub trait Names {
    /// What a name names.
    fn name_of(&self, name: &str) -> NameOf;

    /// Whether a name could be taken for one that there is. One that there is can be taken for itself.
    fn has_like(&self, name: &str) -> bool;
}

/// Who looks after something.
#[derive(Clone, Copy, Debug)]
pub(super) struct Acting<'a> {
    /// Nobody if it is the program itself.
    pub(super) user: Option<&'a UserName>,
    pub(super) role: Role,
}

impl Access {
    /// What an act would change, or why it may not be. Nothing is changed yet; an empty list is a yes to what is so already.
    ///
    /// # Errors
    ///
    /// The act is refused. What an actor may not see is refused as what does not exist.
    pub fn judge(
        &self,
        actor: &Actor,
        act: &AccessAct,
        names: &impl Names,
        now_ms: u64,
    ) -> Result<Vec<AccessChange>, Refusal> {
        match act {
            AccessAct::FirstAdministrator { code } => self.judge_first_administrator(actor, *code, now_ms),
            AccessAct::Join { key, code, user, device } => {
                self.judge_join(actor, *key, code.as_ref(), user.as_ref(), device.as_ref(), names, now_ms)
            }
            AccessAct::Session { key, user, password, until_ms } => {
                self.judge_session(actor, *key, user, password, *until_ms, now_ms)
            }
            AccessAct::Admin(administration) => {
                let acting = self.acting(actor)?;
                self.judge_administration(acting, administration, names, now_ms)
            }
            AccessAct::ChannelMade { channel, private } => {
                self.judge_channel_made(self.acting(actor)?, channel, *private, names, now_ms)
            }
            AccessAct::UserMade { user, role } => self.judge_user_made(actor, user, *role, names),
            AccessAct::PlainListener { user, key } => self.judge_plain_listener(actor, user, *key),
        }
    }

    pub(super) fn acting<'a>(&self, actor: &'a Actor) -> Result<Acting<'a>, Refusal> {
        match actor {
            Actor::System => Ok(Acting { user: None, role: Role::Administrator }),
            Actor::User(user) => Ok(Acting { user: Some(user), role: self.active(user)?.role }),
            Actor::Key(_) => Err(forbidden("this connection's key is no user's; join first")),
        }
    }

    /// The account of one who is let in.
    pub(super) fn active(&self, user: &UserName) -> Result<&Account, Refusal> {
        match self.accounts.get(user) {
            Some(account) if !account.banned => Ok(account),
            Some(_) => Err(forbidden(format!("{user} is banned"))),
            None => Err(forbidden(format!("{user} is no user of this system"))),
        }
    }

    /// Whether somebody could look after the system if this user could not any more.
    pub(super) fn has_administrator_beside(&self, user: &UserName) -> bool {
        self.administrators.iter().any(|one| one != user && self.is_able_administrator(one))
    }

    /// An administrator who is let in and has a key that lasts.
    pub(super) fn is_able_administrator(&self, user: &UserName) -> bool {
        self.accounts.get(user).is_some_and(|account| {
            account.role == Role::Administrator && !account.banned && !account.keys.is_empty()
        })
    }
}

impl Acting<'_> {
    pub(super) fn is_administrator(self) -> bool {
        self.role == Role::Administrator
    }

    pub(super) fn is(self, user: &UserName) -> bool {
        self.user == Some(user)
    }

    pub(super) fn must_be_administrator(self) -> Result<(), Refusal> {
        if self.is_administrator() { Ok(()) } else { Err(forbidden("only an administrator can do this")) }
    }
}

/// Who an event is said to be by: of a join or a session whoever that makes a user of the connection.
pub(crate) fn author(actor: &Actor, changes: &[AccessChange]) -> Option<UserName> {
    match actor {
        Actor::System => None,
        Actor::User(user) => Some(user.clone()),
        Actor::Key(_) => changes.iter().find_map(|change| match change {
            AccessChange::KeyAdded { user, .. } => Some(user.clone()),
            _ => None,
        }),
    }
}

pub(super) fn forbidden(why: impl Into<String>) -> Refusal {
    Refusal::new(Code::Forbidden, why)
}

pub(super) fn bad_request(why: impl Into<String>) -> Refusal {
    Refusal::new(Code::BadRequest, why)
}

pub(super) fn busy(why: impl Into<String>) -> Refusal {
    Refusal::new(Code::Busy, why)
}

/// When something that lasts for so long ends.
pub(super) fn end_ms(seconds: u64, max: u64, what: &str, now_ms: u64) -> Result<u64, Refusal> {
    if (1..=max).contains(&seconds) {
        Ok(now_ms.saturating_add(seconds * 1000))
    } else {
        Err(bad_request(format!("{what} lasts 1 to {max} seconds, not {seconds}")))
    }
}
