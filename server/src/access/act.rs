//! What somebody wants done about access, before it is judged.

use recado_proto::{AdminAct, ChannelName, DeviceKey, DeviceLabel, JoinCode, Password, Role, UserName};

use super::secret::{CodeHash, PasswordHash};

/// Who acts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// The program itself, at its start or from the shell of its machine.
    System,
    /// A user, over a connection whose key is the user's.
    User(UserName),
    /// A connection whose key is nobody's.
    Key(DeviceKey),
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccessAct {
    /// Make a code with which the first administrator joins, as long as there is none. Earlier ones of this kind end.
    FirstAdministrator {
        /// The code's hash.
        code: CodeHash,
    },
    /// Make the connection's key a user's.
    Join {
        /// The connection's key.
        key: DeviceKey,
        /// The code that was given.
        code: Option<CodeHash>,
        /// The name that is wanted.
        user: Option<UserName>,
        /// What the device is called.
        device: Option<DeviceLabel>,
    },
    /// Make the connection's key a user's for a while, after a login by password.
    Session {
        /// The connection's key.
        key: DeviceKey,
        /// Who logged in.
        user: UserName,
        /// What the password was verified against ([`Access::password_of`](super::Access::password_of)): it may have been
        /// changed since.
        password: PasswordHash,
        /// When the session ends, in Unix milliseconds.
        until_ms: u64,
    },
    /// Look after users, keys and channels.
    Admin(Administration),
    /// A channel was created by the user who acts.
    ChannelMade {
        /// Its name.
        channel: ChannelName,
        /// Only members know of it.
        private: bool,
    },
    /// A user without a key, for a listener that speaks for it. One that exists is left alone.
    UserMade {
        /// Its name.
        user: UserName,
        /// Its role.
        role: Role,
    },
    /// Have a key that nobody has stand in for this user, as whom a plain listener lets in whoever reaches it.
    PlainListener {
        /// As whom.
        user: UserName,
        /// The key.
        key: DeviceKey,
    },
}

/// An [`AdminAct`] whose secrets are hashed: the code by [`CodeHash::of`], the password by [`password::hash`](super::password::hash).
pub type Administration = AdminAct<CodeHash, PasswordHash>;

/// An [`AdminAct`] that can be judged, or what is missing.
#[derive(Debug)]
pub enum Prepared {
    /// As it is.
    Plain(Administration),
    /// A code is made, which the reply shows to whoever asked once the act is durable, and nobody else ever.
    WithCode(Administration, JoinCode),
    /// The password is to be hashed first, which takes long: then it is an [`Administration::Password`].
    ToHash(Password),
}

/// What an act came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done {
    /// Of a join or a session: whose the key is now, and with which role.
    pub user: Option<(UserName, Role)>,
}

/// Who creates a channel in a secured system, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// Who.
    pub user: UserName,
    /// Only members are to know of it.
    pub private: bool,
}

impl Prepared {
    /// Hashes what is secret in an act. `random` are 80 random bits, for the code if one is made.
    pub fn of(act: AdminAct, random: [u8; 10]) -> Self {
        Prepared::Plain(match act {
            AdminAct::Invite { of, role, seconds, code: () } => {
                let (code, hash) = new_code(random);
                return Prepared::WithCode(AdminAct::Invite { of, role, seconds, code: hash }, code);
            }
            AdminAct::Device { of, seconds, code: () } => {
                let (code, hash) = new_code(random);
                return Prepared::WithCode(AdminAct::Device { of, seconds, code: hash }, code);
            }
            AdminAct::Password(password) => return Prepared::ToHash(password),
            AdminAct::AddKey { of, key, device } => AdminAct::AddKey { of, key, device },
            AdminAct::RevokeKey { key } => AdminAct::RevokeKey { key },
            AdminAct::Role { of, role } => AdminAct::Role { of, role },
            AdminAct::Ban { of } => AdminAct::Ban { of },
            AdminAct::Unban { of } => AdminAct::Unban { of },
            AdminAct::Mute { of, channel, seconds } => AdminAct::Mute { of, channel, seconds },
            AdminAct::Unmute { of, channel } => AdminAct::Unmute { of, channel },
            AdminAct::Private { channel } => AdminAct::Private { channel },
            AdminAct::Public { channel } => AdminAct::Public { channel },
            AdminAct::Add { channel, of } => AdminAct::Add { channel, of },
            AdminAct::Remove { channel, of } => AdminAct::Remove { channel, of },
            AdminAct::Registration(registration) => AdminAct::Registration(registration),
        })
    }
}

fn new_code(random: [u8; 10]) -> (JoinCode, CodeHash) {
    let code = JoinCode::from_random(random);
    let hash = CodeHash::of(&code);
    (code, hash)
}
