//! Plain listeners: whoever reaches one is let in as a user, without a key, and a key that nobody has stands in for whom it is.

use recado_proto::{DeviceKey, DeviceLabel, RequestBody, Role, UserName};

use super::act::Actor;
use super::event::AccessChange;
use super::joining::key_taken;
use super::judging::forbidden;
use super::state::Access;
use crate::store::Refusal;

/// What the key of a plain listener is called among a user's keys.
const LABEL: &str = "plain listener";

impl Access {
    pub(super) fn judge_plain_listener(
        &self,
        actor: &Actor,
        user: &UserName,
        key: DeviceKey,
    ) -> Result<Vec<AccessChange>, Refusal> {
        if *actor != Actor::System {
            return Err(forbidden("only the program itself lets in who has no key"));
        }
        if self.account(user)?.role == Role::Administrator {
            let why = "whoever reached the listener would be administrator";
            return Err(forbidden(format!("{user} is an administrator, and {why}: take another name")));
        }
        match self.keys.get(&key) {
            Some(known) if known.user == *user && known.stands_in => return Ok(Vec::new()),
            Some(_) => return Err(key_taken()),
            None => {}
        }
        self.must_have_room_for_key(key, user)?;
        Ok(vec![AccessChange::PlainListener { user: user.clone(), key }])
    }

    /// Nobody becomes administrator whom a plain listener lets in.
    pub(super) fn must_not_be_let_in_plainly(&self, user: &UserName) -> Result<(), Refusal> {
        let keys = self.accounts.get(user).into_iter().flat_map(|account| &account.keys);
        match keys.into_iter().find(|key| self.stands_in(key)) {
            Some(key) => {
                let why = format!("a plain listener lets in whoever reaches it as {user}");
                Err(forbidden(format!("{why}, who would be administrator: revoke the key {key} first")))
            }
            None => Ok(()),
        }
    }

    /// Whether a key is nobody's own but a plain listener's.
    pub fn stands_in(&self, key: &DeviceKey) -> bool {
        self.keys.get(key).is_some_and(|known| known.stands_in)
    }

    /// Whether a key was taken from its user, for good.
    pub fn is_revoked(&self, key: &DeviceKey) -> bool {
        self.revoked.contains(key)
    }

    /// Whether this may be asked through a plain listener, if that is what the key stands for. What would outlast the listener may not: keys,
    /// codes and passwords of one's own, nor anything else that is looked after.
    ///
    /// # Errors
    ///
    /// The request is to be refused.
    pub fn check_plain(&self, key: &DeviceKey, request: &RequestBody) -> Result<(), Refusal> {
        if matches!(request, RequestBody::Admin { .. }) && self.stands_in(key) {
            let why = "nothing is looked after through a plain listener; use a device with a key";
            return Err(forbidden(why));
        }
        Ok(())
    }
}

/// What it is called.
pub(super) fn label() -> Option<DeviceLabel> {
    DeviceLabel::parse(LABEL).ok()
}
