//! What members and administrators of a secured system say in the chat, and how it is read.

use std::time::Duration;

use recado_proto::{AdminAct, ChannelName, Role, UserName};

use super::{Command, CommandError, CommandKind, CommandSpec, word};
use crate::duration;

/// What is done to users, or to the channel where one is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Governing {
    /// Take a user into the channel.
    Invite(UserName),
    /// Take a user out of the channel.
    Kick(UserName),
    /// Shut a user out.
    Ban(UserName),
    /// Let a user in again.
    Unban(UserName),
    /// Give a user another role.
    Role {
        /// Whom.
        of: UserName,
        /// Which.
        role: Role,
    },
    /// Have a user send nothing to the channel.
    Silence {
        /// Whom.
        of: UserName,
        /// For how long; until further notice if it is none.
        lasting: Option<Duration>,
    },
    /// Let a user send to the channel again.
    Unsilence(UserName),
    /// Have only members know of the channel.
    Private,
    /// Have everybody in the channel.
    Public,
}

impl Governing {
    /// The stable word.
    pub fn as_str(&self) -> &'static str {
        match self {
            Governing::Invite(_) => "invite",
            Governing::Kick(_) => "kick",
            Governing::Ban(_) => "ban",
            Governing::Unban(_) => "unban",
            Governing::Role { .. } => "role",
            Governing::Silence { .. } => "silence",
            Governing::Unsilence(_) => "unsilence",
            Governing::Private => "private",
            Governing::Public => "public",
        }
    }

    /// Whom it is about.
    pub fn user(&self) -> Option<&UserName> {
        match self {
            Governing::Invite(of)
            | Governing::Kick(of)
            | Governing::Ban(of)
            | Governing::Unban(of)
            | Governing::Role { of, .. }
            | Governing::Silence { of, .. }
            | Governing::Unsilence(of) => Some(of),
            Governing::Private | Governing::Public => None,
        }
    }

    /// The same of another user, if it is about one.
    pub(crate) fn meaning(self, meant: impl FnOnce(UserName) -> UserName) -> Self {
        match self {
            Governing::Invite(of) => Governing::Invite(meant(of)),
            Governing::Kick(of) => Governing::Kick(meant(of)),
            Governing::Ban(of) => Governing::Ban(meant(of)),
            Governing::Unban(of) => Governing::Unban(meant(of)),
            Governing::Role { of, role } => Governing::Role { of: meant(of), role },
            Governing::Silence { of, lasting } => Governing::Silence { of: meant(of), lasting },
            Governing::Unsilence(of) => Governing::Unsilence(meant(of)),
            governing @ (Governing::Private | Governing::Public) => governing,
        }
    }

    /// Whether it is about the channel where one is.
    pub(crate) fn is_of_channel(&self) -> bool {
        match self {
            Governing::Ban(_) | Governing::Unban(_) | Governing::Role { .. } => false,
            Governing::Invite(_)
            | Governing::Kick(_)
            | Governing::Silence { .. }
            | Governing::Unsilence(_)
            | Governing::Private
            | Governing::Public => true,
        }
    }

    /// What the server is asked to do; none without the channel that it is about.
    pub(crate) fn act(&self, channel: Option<ChannelName>) -> Option<AdminAct> {
        Some(match self {
            Governing::Ban(of) => AdminAct::Ban { of: of.clone() },
            Governing::Unban(of) => AdminAct::Unban { of: of.clone() },
            Governing::Role { of, role } => AdminAct::Role { of: of.clone(), role: *role },
            Governing::Invite(of) => AdminAct::Add { channel: channel?, of: of.clone() },
            Governing::Kick(of) => AdminAct::Remove { channel: channel?, of: of.clone() },
            Governing::Silence { of, lasting } => AdminAct::Mute {
                of: of.clone(),
                channel: Some(channel?),
                seconds: lasting.map(|lasting| lasting.as_secs()),
            },
            Governing::Unsilence(of) => AdminAct::Unmute { of: of.clone(), channel: Some(channel?) },
            Governing::Private => AdminAct::Private { channel: channel? },
            Governing::Public => AdminAct::Public { channel: channel? },
        })
    }
}

/// Reads what follows `/invite`, `/kick` and the like: a user's name takes the whole rest of the line where nothing follows it.
pub(super) fn of_user(
    spec: &'static CommandSpec,
    rest: &str,
    govern: impl FnOnce(UserName) -> Governing,
) -> Result<Command, CommandError> {
    let (name, after) = if rest.starts_with('"') { word(rest)? } else { (rest.to_owned(), "") };
    if name.is_empty() {
        return Err(CommandError::Incomplete(spec));
    }
    if !after.trim().is_empty() {
        return Err(CommandError::TooMuch(spec));
    }
    Ok(Command::Govern(govern(UserName::parse(&name)?)))
}

/// Reads what follows `/role` and `/silence`: a name, in quotes if it has spaces, and a word.
pub(super) fn with_word(spec: &'static CommandSpec, rest: &str) -> Result<Command, CommandError> {
    let (name, after) = word(rest)?;
    let after = after.trim();
    if name.is_empty() {
        return Err(CommandError::Incomplete(spec));
    }
    let of = UserName::parse(&name)?;
    let governing = match (spec.kind, after) {
        (CommandKind::Role, word) => {
            Governing::Role { of, role: Role::parse(word).ok_or(CommandError::Incomplete(spec))? }
        }
        (_, "") => Governing::Silence { of, lasting: None },
        (_, span) => {
            let lasting = duration::parse(span).map_err(|_| CommandError::TooMuch(spec))?;
            Governing::Silence { of, lasting: Some(lasting) }
        }
    };
    Ok(Command::Govern(governing))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use recado_proto::{AdminAct, ChannelName, Role, UserName};

    use super::{Command, Governing};

    fn user(name: &str) -> UserName {
        UserName::parse(name).unwrap()
    }

    fn read(line: &str) -> Result<Governing, String> {
        match Command::parse(line) {
            Ok(Some(Command::Govern(governing))) => Ok(governing),
            Ok(other) => panic!("{line}: {other:?}"),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn a_name_and_what_is_to_be_so() {
        assert_eq!(read("/invite bia"), Ok(Governing::Invite(user("bia"))));
        assert_eq!(read("/kick José da Silva"), Ok(Governing::Kick(user("José da Silva"))));
        assert_eq!(read("/ban \"eva m\""), Ok(Governing::Ban(user("eva m"))));
        assert_eq!(read("/unban eva"), Ok(Governing::Unban(user("eva"))));
        assert_eq!(read("/role ci bot"), Ok(Governing::Role { of: user("ci"), role: Role::Bot }));
        let lasting = Some(Duration::from_secs(600));
        assert_eq!(read("/silence eva 10m"), Ok(Governing::Silence { of: user("eva"), lasting }));
        assert_eq!(read("/silence eva"), Ok(Governing::Silence { of: user("eva"), lasting: None }));
        assert_eq!(read("/unsilence eva"), Ok(Governing::Unsilence(user("eva"))));
        assert_eq!(read("/private"), Ok(Governing::Private));
    }

    #[test]
    fn what_is_missing_or_too_much_is_said_with_an_example() {
        assert_eq!(read("/invite").unwrap_err(), "/invite needs USER; for example: /invite bob");
        assert!(read("/ban \"eva\" now").unwrap_err().starts_with("/ban takes USER"));
        assert!(read("/role ana king").unwrap_err().starts_with("/role needs USER ROLE"));
        assert!(read("/silence eva soon").unwrap_err().starts_with("/silence takes USER [DURATION]"));
        assert!(read("/private now").unwrap_err().starts_with("/private takes nothing more"));
    }

    #[test]
    fn what_is_about_a_channel_needs_one() {
        let geral = ChannelName::parse("geral").unwrap();
        let silence = Governing::Silence { of: user("eva"), lasting: Some(Duration::from_secs(60)) };
        assert_eq!(silence.act(None), None);
        let mute = AdminAct::Mute { of: user("eva"), channel: Some(geral.clone()), seconds: Some(60) };
        assert_eq!(silence.act(Some(geral)), Some(mute));
        assert_eq!(Governing::Ban(user("eva")).act(None), Some(AdminAct::Ban { of: user("eva") }));
    }
}
