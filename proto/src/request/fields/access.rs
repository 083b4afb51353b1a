//! What `join`, `admin` and the lists beside them need. What a secret was is said in no refusal.

use super::{Fields, flag, text, user};
use crate::access::{AdminAct, AdminKind, DeviceKey, DeviceLabel, JoinCode, Password, Registration, Role};
use crate::limits::{AUDIT_LIMIT_DEFAULT, AUDIT_LIMIT_MAX};
use crate::name::{ChannelName, UserName};
use crate::request::error::Refusal;

impl Fields<'_> {
    /// Programs that know of no passwords here may have a key of this name: what can be none counts as absent.
    pub(in crate::request) fn password_if_any(&self) -> Option<Password> {
        Password::parse(self.password?.as_text()?).ok()
    }

    /// Likewise a name beside one that is asked about.
    pub(in crate::request) fn user_if_any(&self) -> Option<UserName> {
        UserName::parse(self.user?.as_text()?).ok()
    }

    pub(in crate::request) fn private(&self) -> Result<bool, Refusal> {
        flag("private", self.private)
    }

    pub(in crate::request) fn code(&self) -> Result<Option<JoinCode>, Refusal> {
        let Some(value) = self.code else { return Ok(None) };
        let code = JoinCode::parse(text("code", Some(value))?);
        code.map(Some).map_err(|error| Refusal::bad_request(format!("`code`: {error}")))
    }

    pub(in crate::request) fn label(&self) -> Result<Option<DeviceLabel>, Refusal> {
        let Some(value) = self.device else { return Ok(None) };
        let label = DeviceLabel::parse(text("device", Some(value))?);
        label.map(Some).map_err(|error| Refusal::bad_request(format!("`device`: {error}")))
    }

    pub(in crate::request) fn of_if_given(&self) -> Result<Option<UserName>, Refusal> {
        self.of.map(|_| self.of()).transpose()
    }

    pub(in crate::request) fn after_event(&self) -> Result<u64, Refusal> {
        let Some(value) = self.after else { return Ok(0) };
        value.as_unsigned().ok_or_else(|| Refusal::bad_request("`after` is the number of an event"))
    }

    pub(in crate::request) fn audit_limit(&self) -> Result<u32, Refusal> {
        self.limit(AUDIT_LIMIT_DEFAULT, AUDIT_LIMIT_MAX)
    }

    pub(in crate::request) fn admin(&self) -> Result<AdminAct, Refusal> {
        let kind = AdminKind::from_wire(text("act", self.act)?).ok_or_else(|| {
            let known = AdminKind::ALL.map(AdminKind::as_str).join(", ");
            Refusal::bad_request(format!("`act` is one of {known}"))
        })?;
        Ok(match kind {
            AdminKind::Invite => AdminAct::Invite {
                of: self.of_if_given()?,
                role: self.role.map_or(Ok(Role::Member), |_| self.role())?,
                seconds: self.seconds()?,
                code: (),
            },
            AdminKind::Device => {
                AdminAct::Device { of: self.of_if_given()?, seconds: self.seconds()?, code: () }
            }
            AdminKind::AddKey => {
                AdminAct::AddKey { of: self.of()?, key: self.device_key()?, device: self.label()? }
            }
            AdminKind::RevokeKey => AdminAct::RevokeKey { key: self.device_key()? },
            AdminKind::Role => AdminAct::Role { of: self.of()?, role: self.role()? },
            AdminKind::Ban => AdminAct::Ban { of: self.of()? },
            AdminKind::Unban => AdminAct::Unban { of: self.of()? },
            AdminKind::Mute => {
                AdminAct::Mute { of: self.of()?, channel: self.channel_if_given()?, seconds: self.seconds()? }
            }
            AdminKind::Unmute => AdminAct::Unmute { of: self.of()?, channel: self.channel_if_given()? },
            AdminKind::Private => AdminAct::Private { channel: self.channel()? },
            AdminKind::Public => AdminAct::Public { channel: self.channel()? },
            AdminKind::Add => AdminAct::Add { channel: self.channel()?, of: self.of()? },
            AdminKind::Remove => AdminAct::Remove { channel: self.channel()?, of: self.of()? },
            AdminKind::Registration => AdminAct::Registration(self.registration()?),
            AdminKind::Password => AdminAct::Password(self.password()?),
        })
    }

    fn of(&self) -> Result<UserName, Refusal> {
        user("of", self.of)
    }

    fn channel_if_given(&self) -> Result<Option<ChannelName>, Refusal> {
        self.channel.map(|_| self.channel()).transpose()
    }

    fn password(&self) -> Result<Password, Refusal> {
        Password::parse(text("password", self.password)?)
            .map_err(|error| Refusal::bad_request(format!("`password`: {error}")))
    }

    fn device_key(&self) -> Result<DeviceKey, Refusal> {
        DeviceKey::parse(text("key", self.key)?)
            .map_err(|error| Refusal::bad_request(format!("`key`: {error}")))
    }

    fn role(&self) -> Result<Role, Refusal> {
        Role::parse(text("role", self.role)?).ok_or_else(|| {
            let known = Role::ALL.map(Role::as_str).join(", ");
            Refusal::bad_request(format!("`role` is one of {known}"))
        })
    }

    fn registration(&self) -> Result<Registration, Refusal> {
        Registration::parse(text("value", self.value)?).ok_or_else(|| {
            let known = Registration::ALL.map(Registration::as_str).join(", ");
            Refusal::bad_request(format!("`value` is one of {known}"))
        })
    }

    fn seconds(&self) -> Result<Option<u64>, Refusal> {
        let Some(value) = self.seconds else { return Ok(None) };
        let seconds = value.as_unsigned().filter(|seconds| *seconds > 0);
        let seconds = seconds.ok_or_else(|| Refusal::bad_request("`seconds` is a whole number from 1 up"))?;
        Ok(Some(seconds))
    }
}
