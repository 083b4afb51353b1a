//! What a secured server is asked beside the chat: who one is, to let one in, and what members and administrators may do.

use std::sync::PoisonError;

use recado_proto::{
    AdminAct, AuditEntry, ChannelName, DeviceKey, DeviceLabel, JoinCode, KeyEntry, Members, Password,
    ReplyBody, RequestBody, Role, UserName,
};

use recado_zmtp::curve::{PublicKey, Security};

use super::{Reach, RequestError, Session, misfit};
use crate::keys::JoinLink;

impl Session {
    /// Who one is, as the server knows it by the key that this session came with. From then on the session speaks for this user. Refused
    /// if the key is nobody's.
    pub async fn identify(&self) -> Result<UserName, RequestError> {
        let keys = self.keys(None).await?;
        let own = match &self.reach.security {
            Security::CurveClient { keys, .. } => Some(device_key(&keys.public())),
            Security::Null | Security::NullAs(_) | Security::CurveServer(_) => None,
        };
        let Some(entry) = keys.into_iter().find(|entry| Some(entry.key) == own) else {
            return Err(RequestError::Malformed {
                reason: "this device's key is not among its user's".to_owned(),
            });
        };
        self.user.lock().unwrap_or_else(PoisonError::into_inner).replace(entry.user.clone());
        Ok(entry.user)
    }

    /// Makes this session's key a user's: by a code from somebody who is in, or without one where everybody may come.
    pub async fn join(
        &self,
        code: Option<JoinCode>,
        user: Option<UserName>,
        device: Option<DeviceLabel>,
    ) -> Result<(UserName, Role), RequestError> {
        match self.request(RequestBody::Join { code, user, device }).await? {
            ReplyBody::Joined { user, role } => {
                self.user.lock().unwrap_or_else(PoisonError::into_inner).replace(user.clone());
                Ok((user, role))
            }
            other => Err(misfit(&other)),
        }
    }

    /// Makes this session's key a user's for a while, by the user's password.
    pub async fn log_in_by_password(
        &self,
        user: &UserName,
        password: Password,
    ) -> Result<(UserName, Role), RequestError> {
        let login = RequestBody::Login { user: user.clone(), password: Some(password) };
        match self.request(login).await? {
            ReplyBody::LoggedIn { user, role } | ReplyBody::Joined { user, role } => {
                self.user.lock().unwrap_or_else(PoisonError::into_inner).replace(user.clone());
                Ok((user, role))
            }
            other => Err(misfit(&other)),
        }
    }

    /// Does what it needs to be an administrator for, or a channel's owner, or what one may do with one's own keys.
    pub async fn administer(&self, act: AdminAct) -> Result<(), RequestError> {
        self.accepted(RequestBody::Admin { user: None, act }).await
    }

    /// As [`Session::administer`], for what makes a code.
    pub async fn new_code(&self, act: AdminAct) -> Result<JoinCode, RequestError> {
        match self.request(RequestBody::Admin { user: None, act }).await? {
            ReplyBody::Code(code) => Ok(code),
            other => Err(misfit(&other)),
        }
    }

    /// What somebody joins with who has this code; none if the server cannot be reached from elsewhere, or is open.
    pub fn link(&self, code: JoinCode) -> Option<JoinLink> {
        let Reach { server, broker, security } = &*self.reach;
        match security {
            Security::CurveClient { server: key, .. } => JoinLink::to(server, broker.as_ref(), *key, code),
            Security::Null | Security::NullAs(_) | Security::CurveServer(_) => None,
        }
    }

    /// The keys of a user's devices; one's own if nobody is named.
    pub async fn keys(&self, of: Option<UserName>) -> Result<Vec<KeyEntry>, RequestError> {
        match self.request(RequestBody::Keys { of }).await? {
            ReplyBody::Keys(keys) => Ok(keys),
            other => Err(misfit(&other)),
        }
    }

    /// Who is in a channel.
    pub async fn members(&self, channel: &ChannelName) -> Result<Members, RequestError> {
        match self.request(RequestBody::Members { channel: channel.clone() }).await? {
            ReplyBody::Members(members) => Ok(members),
            other => Err(misfit(&other)),
        }
    }

    /// What was done to keys, users and channels, from behind the event of this number on.
    pub async fn audit(&self, after: u64, limit: u32) -> Result<Vec<AuditEntry>, RequestError> {
        match self.request(RequestBody::Audit { after, limit }).await? {
            ReplyBody::Audit(events) => Ok(events),
            other => Err(misfit(&other)),
        }
    }
}

/// The wire's form of a key.
pub(crate) fn device_key(key: &PublicKey) -> DeviceKey {
    DeviceKey::from_bytes(*key.as_bytes())
}
