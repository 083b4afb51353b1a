//! What happened about access: the changes that are kept, and what an audit says of them.

use recado_proto::{
    AuditEntry, ChannelName, DeviceKey, DeviceLabel, Registration, Role, Timestamp, UserName,
};

use super::secret::{CodeHash, PasswordHash};

/// Something that changed, with its place among all of that kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessEvent {
    /// 1, 2, 3, …
    pub n: u64,
    /// When it was committed, in Unix milliseconds.
    pub time_ms: u64,
    /// Who did it; the program itself if nobody.
    pub by: Option<UserName>,
    /// What changed.
    pub change: AccessChange,
}

/// What changed. What is kept of it in a store never changes its meaning: a new one gets a new word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccessChange {
    /// A code was made.
    CodeMade {
        /// Its hash.
        code: CodeHash,
        /// What it is good for.
        grant: Grant,
        /// When it ends, in Unix milliseconds.
        until_ms: u64,
    },
    /// A code was used, or taken back.
    CodeSpent {
        /// Its hash.
        code: CodeHash,
    },
    /// A user came to be.
    Joined {
        /// Who.
        user: UserName,
        /// With which role.
        role: Role,
    },
    /// A key became a user's.
    KeyAdded {
        /// Whose.
        user: UserName,
        /// The key.
        key: DeviceKey,
        /// What the device is called.
        device: Option<DeviceLabel>,
        /// When it ends, in Unix milliseconds, if it is one's by a password.
        until_ms: Option<u64>,
    },
    /// A plain listener lets in whoever reaches it as this user, and the key, which nobody has, stands in for that.
    PlainListener {
        /// As whom.
        user: UserName,
        /// The key.
        key: DeviceKey,
    },
    /// A key is no longer its user's, and never anybody's again.
    KeyRevoked {
        /// Whose it was.
        user: UserName,
        /// The key.
        key: DeviceKey,
    },
    /// A user has another role. Invitations of one who is no administrator any more end.
    RoleGiven {
        /// Who.
        user: UserName,
        /// Which.
        role: Role,
    },
    /// A user is shut out. Sessions end, and so do codes of the user's.
    Banned {
        /// Who.
        user: UserName,
    },
    /// A user is let in again.
    Unbanned {
        /// Who.
        user: UserName,
    },
    /// A user sends nothing, in one channel or at all.
    Muted {
        /// Who.
        user: UserName,
        /// Where; everywhere if nowhere.
        channel: Option<ChannelName>,
        /// Until when, in Unix milliseconds; until further notice if absent.
        until_ms: Option<u64>,
    },
    /// A user may send again.
    Unmuted {
        /// Who.
        user: UserName,
        /// Where; what held everywhere if nowhere.
        channel: Option<ChannelName>,
    },
    /// A channel came to be. Of a private one its owner is the first member.
    ChannelMade {
        /// Which.
        channel: ChannelName,
        /// Whose.
        owner: UserName,
        /// Only members know of it.
        private: bool,
    },
    /// Only members know of the channel from now on: its owner, or whoever did this if it has none.
    MadePrivate {
        /// Which.
        channel: ChannelName,
    },
    /// Everybody is in the channel from now on.
    MadePublic {
        /// Which.
        channel: ChannelName,
    },
    /// A user is a member of a private channel.
    MemberAdded {
        /// Which.
        channel: ChannelName,
        /// Who.
        user: UserName,
    },
    /// A user is no member any more; if it was the owner, the channel has none from then on.
    MemberRemoved {
        /// Which.
        channel: ChannelName,
        /// Who.
        user: UserName,
    },
    /// Who may become a user.
    RegistrationSet(Registration),
    /// A user has a password. Sessions by an earlier one end.
    PasswordSet {
        /// Who.
        user: UserName,
        /// Its hash.
        hash: PasswordHash,
    },
}

/// What a code is good for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Grant {
    /// To become a user.
    Invitation {
        /// Under this name; under a free one if absent.
        of: Option<UserName>,
        /// With this role.
        role: Role,
    },
    /// To give this user a further key.
    Device {
        /// Whom.
        of: UserName,
    },
}

impl AccessChange {
    /// What was done, as an audit and the store call it.
    pub const fn word(&self) -> &'static str {
        match self {
            AccessChange::CodeMade { grant: Grant::Invitation { .. }, .. } => "invite",
            AccessChange::CodeMade { grant: Grant::Device { .. }, .. } => "device",
            AccessChange::CodeSpent { .. } => "code_spent",
            AccessChange::Joined { .. } => "joined",
            AccessChange::KeyAdded { until_ms: None, .. } => "add_key",
            AccessChange::KeyAdded { until_ms: Some(_), .. } => "session",
            AccessChange::PlainListener { .. } => "plain_listener",
            AccessChange::KeyRevoked { .. } => "revoke_key",
            AccessChange::RoleGiven { .. } => "role",
            AccessChange::Banned { .. } => "ban",
            AccessChange::Unbanned { .. } => "unban",
            AccessChange::Muted { .. } => "mute",
            AccessChange::Unmuted { .. } => "unmute",
            AccessChange::ChannelMade { .. } => "channel",
            AccessChange::MadePrivate { .. } => "private",
            AccessChange::MadePublic { .. } => "public",
            AccessChange::MemberAdded { .. } => "add",
            AccessChange::MemberRemoved { .. } => "remove",
            AccessChange::RegistrationSet(_) => "registration",
            AccessChange::PasswordSet { .. } => "password",
        }
    }

    /// Who it is about.
    pub const fn user(&self) -> Option<&UserName> {
        match self {
            AccessChange::CodeMade { grant: Grant::Invitation { of, .. }, .. } => of.as_ref(),
            AccessChange::CodeMade { grant: Grant::Device { of }, .. } => Some(of),
            AccessChange::Joined { user, .. }
            | AccessChange::KeyAdded { user, .. }
            | AccessChange::PlainListener { user, .. }
            | AccessChange::KeyRevoked { user, .. }
            | AccessChange::RoleGiven { user, .. }
            | AccessChange::Banned { user }
            | AccessChange::Unbanned { user }
            | AccessChange::Muted { user, .. }
            | AccessChange::Unmuted { user, .. }
            | AccessChange::MemberAdded { user, .. }
            | AccessChange::MemberRemoved { user, .. }
            | AccessChange::PasswordSet { user, .. }
            | AccessChange::ChannelMade { owner: user, .. } => Some(user),
            AccessChange::CodeSpent { .. }
            | AccessChange::MadePrivate { .. }
            | AccessChange::MadePublic { .. }
            | AccessChange::RegistrationSet(_) => None,
        }
    }

    /// The channel that it is about.
    pub const fn channel(&self) -> Option<&ChannelName> {
        match self {
            AccessChange::Muted { channel, .. } | AccessChange::Unmuted { channel, .. } => channel.as_ref(),
            AccessChange::ChannelMade { channel, .. }
            | AccessChange::MadePrivate { channel }
            | AccessChange::MadePublic { channel }
            | AccessChange::MemberAdded { channel, .. }
            | AccessChange::MemberRemoved { channel, .. } => Some(channel),
            AccessChange::CodeMade { .. }
            | AccessChange::CodeSpent { .. }
            | AccessChange::Joined { .. }
            | AccessChange::KeyAdded { .. }
            | AccessChange::PlainListener { .. }
            | AccessChange::KeyRevoked { .. }
            | AccessChange::RoleGiven { .. }
            | AccessChange::Banned { .. }
            | AccessChange::Unbanned { .. }
            | AccessChange::RegistrationSet(_)
            | AccessChange::PasswordSet { .. } => None,
        }
    }

    /// The key that it is about.
    pub const fn key(&self) -> Option<DeviceKey> {
        match self {
            AccessChange::KeyAdded { key, .. }
            | AccessChange::PlainListener { key, .. }
            | AccessChange::KeyRevoked { key, .. } => Some(*key),
            _ => None,
        }
    }

    fn detail(&self) -> Option<String> {
        let until = |until_ms: u64| {
            format!("until {}", Timestamp::from_seconds((until_ms / 1000).cast_signed()).to_text())
        };
        match self {
            AccessChange::CodeMade { grant: Grant::Invitation { role, .. }, until_ms, .. } => {
                Some(format!("{role}, {}", until(*until_ms)))
            }
            AccessChange::CodeMade { grant: Grant::Device { .. }, until_ms, .. }
            | AccessChange::KeyAdded { device: None, until_ms: Some(until_ms), .. }
            | AccessChange::Muted { until_ms: Some(until_ms), .. } => Some(until(*until_ms)),
            AccessChange::KeyAdded { device: Some(device), until_ms: Some(until_ms), .. } => {
                Some(format!("{device}, {}", until(*until_ms)))
            }
            AccessChange::KeyAdded { device, until_ms: None, .. } => device.as_ref().map(ToString::to_string),
            AccessChange::Joined { role, .. } | AccessChange::RoleGiven { role, .. } => {
                Some(role.to_string())
            }
            AccessChange::ChannelMade { private, .. } => private.then(|| "private".to_owned()),
            AccessChange::RegistrationSet(registration) => Some(registration.to_string()),
            AccessChange::CodeSpent { .. }
            | AccessChange::PlainListener { .. }
            | AccessChange::KeyRevoked { .. }
            | AccessChange::Banned { .. }
            | AccessChange::Unbanned { .. }
            | AccessChange::Muted { until_ms: None, .. }
            | AccessChange::Unmuted { .. }
            | AccessChange::MadePrivate { .. }
            | AccessChange::MadePublic { .. }
            | AccessChange::MemberAdded { .. }
            | AccessChange::MemberRemoved { .. }
            | AccessChange::PasswordSet { .. } => None,
        }
    }
}

impl AccessEvent {
    /// The event as an audit lists it, without what is secret.
    pub fn to_audit_entry(&self) -> AuditEntry {
        AuditEntry {
            n: self.n,
            time_ms: self.time_ms,
            by: self.by.clone(),
            act: self.change.word().to_owned(),
            of: self.change.user().cloned(),
            channel: self.change.channel().cloned(),
            key: self.change.key(),
            detail: self.change.detail(),
        }
    }
}
