//! What `admin` does.

use std::fmt::{self, Display, Formatter};

use super::{DeviceKey, DeviceLabel, Password, Registration, Role};
use crate::name::{ChannelName, UserName};
use crate::wire::MapWriter;

/// One act of looking after users, keys and channels. Who may do it is for the server to say.
///
/// As it is asked, it has a password, and no code, since that is the answer. Whoever does it may have something else in both places: `C`
/// of the code that is made, `P` of the password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AdminAct<C = (), P = Password> {
    /// Make a code with which somebody becomes a user.
    Invite {
        /// Under this name; under any free one if absent.
        of: Option<UserName>,
        /// What the new user may do.
        role: Role,
        /// How long the code is good; as long as the server's default if absent.
        seconds: Option<u64>,
        /// What is known of the code.
        code: C,
    },
    /// Make a code with which a further device of a user joins.
    Device {
        /// Whose; one's own if absent.
        of: Option<UserName>,
        /// How long the code is good; as long as the server's default if absent.
        seconds: Option<u64>,
        /// What is known of the code.
        code: C,
    },
    /// Give a user a key.
    AddKey {
        /// Whom.
        of: UserName,
        /// The key.
        key: DeviceKey,
        /// What the device is called.
        device: Option<DeviceLabel>,
    },
    /// Take a key from its user, for good.
    RevokeKey {
        /// The key.
        key: DeviceKey,
    },
    /// Give a user another role.
    Role {
        /// Whom.
        of: UserName,
        /// Which.
        role: Role,
    },
    /// Shut a user out.
    Ban {
        /// Whom.
        of: UserName,
    },
    /// Let a user back in.
    Unban {
        /// Whom.
        of: UserName,
    },
    /// Have a user send nothing.
    Mute {
        /// Whom.
        of: UserName,
        /// To this channel; to nobody at all if absent.
        channel: Option<ChannelName>,
        /// For how long; until further notice if absent.
        seconds: Option<u64>,
    },
    /// Let a user send again.
    Unmute {
        /// Whom.
        of: UserName,
        /// To this channel; what holds for all of them if absent.
        channel: Option<ChannelName>,
    },
    /// Have only members know of a channel.
    Private {
        /// Which.
        channel: ChannelName,
    },
    /// Have everybody in a channel.
    Public {
        /// Which.
        channel: ChannelName,
    },
    /// Take a user into a private channel.
    Add {
        /// Which.
        channel: ChannelName,
        /// Whom.
        of: UserName,
    },
    /// Take a user out of a private channel.
    Remove {
        /// Which.
        channel: ChannelName,
        /// Whom.
        of: UserName,
    },
    /// Say who may become a user.
    Registration(Registration),
    /// Set one's own password.
    Password(P),
}

/// The kinds of [`AdminAct`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AdminKind {
    /// [`AdminAct::Invite`].
    Invite,
    /// [`AdminAct::Device`].
    Device,
    /// [`AdminAct::AddKey`].
    AddKey,
    /// [`AdminAct::RevokeKey`].
    RevokeKey,
    /// [`AdminAct::Role`].
    Role,
    /// [`AdminAct::Ban`].
    Ban,
    /// [`AdminAct::Unban`].
    Unban,
    /// [`AdminAct::Mute`].
    Mute,
    /// [`AdminAct::Unmute`].
    Unmute,
    /// [`AdminAct::Private`].
    Private,
    /// [`AdminAct::Public`].
    Public,
    /// [`AdminAct::Add`].
    Add,
    /// [`AdminAct::Remove`].
    Remove,
    /// [`AdminAct::Registration`].
    Registration,
    /// [`AdminAct::Password`].
    Password,
}

impl AdminKind {
    /// All of them, in the order of the protocol's table.
    pub const ALL: [AdminKind; 15] = [
        AdminKind::Invite,
        AdminKind::Device,
        AdminKind::AddKey,
        AdminKind::RevokeKey,
        AdminKind::Role,
        AdminKind::Ban,
        AdminKind::Unban,
        AdminKind::Mute,
        AdminKind::Unmute,
        AdminKind::Private,
        AdminKind::Public,
        AdminKind::Add,
        AdminKind::Remove,
        AdminKind::Registration,
        AdminKind::Password,
    ];

    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            AdminKind::Invite => "invite",
            AdminKind::Device => "device",
            AdminKind::AddKey => "add_key",
            AdminKind::RevokeKey => "revoke_key",
            AdminKind::Role => "role",
            AdminKind::Ban => "ban",
            AdminKind::Unban => "unban",
            AdminKind::Mute => "mute",
            AdminKind::Unmute => "unmute",
            AdminKind::Private => "private",
            AdminKind::Public => "public",
            AdminKind::Add => "add",
            AdminKind::Remove => "remove",
            AdminKind::Registration => "registration",
            AdminKind::Password => "password",
        }
    }

    pub(crate) fn from_wire(word: &str) -> Option<Self> {
        AdminKind::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

impl AdminAct {
    /// Its kind.
    pub const fn kind(&self) -> AdminKind {
        match self {
            AdminAct::Invite { .. } => AdminKind::Invite,
            AdminAct::Device { .. } => AdminKind::Device,
            AdminAct::AddKey { .. } => AdminKind::AddKey,
            AdminAct::RevokeKey { .. } => AdminKind::RevokeKey,
            AdminAct::Role { .. } => AdminKind::Role,
            AdminAct::Ban { .. } => AdminKind::Ban,
            AdminAct::Unban { .. } => AdminKind::Unban,
            AdminAct::Mute { .. } => AdminKind::Mute,
            AdminAct::Unmute { .. } => AdminKind::Unmute,
            AdminAct::Private { .. } => AdminKind::Private,
            AdminAct::Public { .. } => AdminKind::Public,
            AdminAct::Add { .. } => AdminKind::Add,
            AdminAct::Remove { .. } => AdminKind::Remove,
            AdminAct::Registration(_) => AdminKind::Registration,
            AdminAct::Password(_) => AdminKind::Password,
        }
    }

    pub(crate) fn encode(&self, data: &mut MapWriter<'_>) {
        data.key("act").text(self.kind().as_str());
        match self {
            AdminAct::Invite { of, role, seconds, code: () } => {
                encode_of(of.as_ref(), data);
                data.key("role").text(role.as_str());
                encode_seconds(*seconds, data);
            }
            AdminAct::Device { of, seconds, code: () } => {
                encode_of(of.as_ref(), data);
                encode_seconds(*seconds, data);
            }
            AdminAct::AddKey { of, key, device } => {
                encode_of(Some(of), data);
                data.key("key").text(&key.to_string());
                if let Some(device) = device {
                    data.key("device").text(device.as_str());
                }
            }
            AdminAct::RevokeKey { key } => data.key("key").text(&key.to_string()),
            AdminAct::Role { of, role } => {
                encode_of(Some(of), data);
                data.key("role").text(role.as_str());
            }
            AdminAct::Ban { of } | AdminAct::Unban { of } => encode_of(Some(of), data),
            AdminAct::Mute { of, channel, seconds } => {
                encode_of(Some(of), data);
                encode_channel(channel.as_ref(), data);
                encode_seconds(*seconds, data);
            }
            AdminAct::Unmute { of, channel } => {
                encode_of(Some(of), data);
                encode_channel(channel.as_ref(), data);
            }
            AdminAct::Private { channel } | AdminAct::Public { channel } => {
                encode_channel(Some(channel), data)
            }
            AdminAct::Add { channel, of } | AdminAct::Remove { channel, of } => {
                encode_of(Some(of), data);
                encode_channel(Some(channel), data);
            }
            AdminAct::Registration(registration) => data.key("value").text(registration.as_str()),
            AdminAct::Password(password) => data.key("password").text(password.as_str()),
        }
    }
}

fn encode_of(of: Option<&UserName>, data: &mut MapWriter<'_>) {
    if let Some(of) = of {
        data.key("of").text(of.as_str());
    }
}

fn encode_channel(channel: Option<&ChannelName>, data: &mut MapWriter<'_>) {
    if let Some(channel) = channel {
        data.key("channel").text(channel.as_str());
    }
}

fn encode_seconds(seconds: Option<u64>, data: &mut MapWriter<'_>) {
    if let Some(seconds) = seconds {
        data.key("seconds").unsigned(seconds);
    }
}

impl Display for AdminKind {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
