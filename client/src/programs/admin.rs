//! `recado admin`: what administrators do, from the shell.

use std::time::Duration;

use jiff::tz::TimeZone;
use recado_proto::{AdminAct, AuditEntry, ChannelName, Code, Members, Registration, Role, UserName};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::account::{Account, AccountArgs, public_key};
use super::keys::{administer, moment};
use super::target::channel;
use crate::config::ConfigError;
use crate::duration;
use crate::error::Error;
use crate::limits;
use crate::session::Session;
use crate::view::text::one_line;
use crate::when::{self, When};

/// What `recado admin` takes.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = EXAMPLES, disable_help_subcommand = true)]
pub struct AdminArgs {
    #[command(flatten)]
    account: AccountArgs,

    #[command(subcommand)]
    action: AdminAction,
}

/// What is done.
#[derive(Clone, Debug, clap::Subcommand)]
pub(crate) enum AdminAction {
    /// Make a link with which somebody joins
    Invite {
        /// Who it is for [default: whoever has the link chooses a name]
        #[arg(value_name = "NAME", value_parser = UserName::parse)]
        of: Option<UserName>,
        /// What the new user may do: administrator, member or bot
        #[arg(long, value_name = "ROLE", default_value = "member", value_parser = role)]
        role: Role,
        /// How long the link is good, as 1h or 7d
        #[arg(long = "for", value_name = "DURATION", value_parser = span)]
        lasting: Option<Duration>,
    },
    /// Give a user another role: administrator, member or bot
    Role {
        /// Whom
        #[arg(value_name = "NAME", value_parser = UserName::parse)]
        of: UserName,
        /// Which role
        #[arg(value_name = "ROLE", value_parser = role)]
        role: Role,
    },
    /// Shut a user out: the user's connections end at once
    Ban {
        /// Whom
        #[arg(value_name = "NAME", value_parser = UserName::parse)]
        of: UserName,
    },
    /// Let a user back in
    Unban {
        /// Whom
        #[arg(value_name = "NAME", value_parser = UserName::parse)]
        of: UserName,
    },
    /// Have a user send nothing, or nothing to one channel
    Mute {
        /// Whom
        #[arg(value_name = "NAME", value_parser = UserName::parse)]
        of: UserName,
        /// Only there
        #[arg(value_name = "CHANNEL", value_parser = channel)]
        channel: Option<ChannelName>,
        /// For how long, as 10m [default: until unmute]
        #[arg(long = "for", value_name = "DURATION", value_parser = span)]
        lasting: Option<Duration>,
    },
    /// Let a user send again
    Unmute {
        /// Whom
        #[arg(value_name = "NAME", value_parser = UserName::parse)]
        of: UserName,
        /// Only there
        #[arg(value_name = "CHANNEL", value_parser = channel)]
        channel: Option<ChannelName>,
    },
    /// Have only members know of a channel
    Private {
        /// Which
        #[arg(value_name = "CHANNEL", value_parser = channel)]
        channel: ChannelName,
    },
    /// Have everybody in a channel
    Public {
        /// Which
        #[arg(value_name = "CHANNEL", value_parser = channel)]
        channel: ChannelName,
    },
    /// Take a user into a private channel
    Add {
        /// Which
        #[arg(value_name = "CHANNEL", value_parser = channel)]
        channel: ChannelName,
        /// Whom
        #[arg(value_name = "NAME", value_parser = UserName::parse)]
        of: UserName,
    },
    /// Take a user out of a private channel
    Remove {
        /// Which
        #[arg(value_name = "CHANNEL", value_parser = channel)]
        channel: ChannelName,
        /// Whom
        #[arg(value_name = "NAME", value_parser = UserName::parse)]
        of: UserName,
    },
    /// Print who is in a channel
    Members {
        /// Which
        #[arg(value_name = "CHANNEL", value_parser = channel)]
        channel: ChannelName,
    },
    /// Say who may become a user: open, invitation or closed
    Registration {
        /// Which way
        #[arg(value_name = "WAY", value_parser = registration)]
        way: Registration,
    },
    /// Print what was done to keys, users and channels, oldest first
    Audit {
        /// Not before this: how long ago, as 1h, a date, or a time
        #[arg(long, value_name = "WHEN", value_parser = when::parse)]
        since: Option<When>,
    },
}

const EXAMPLES: &str = "\
Examples:
  recado admin invite bia
  recado admin invite ci --role bot --for 1h
  recado admin mute eva '#geral' --for 10m
  recado admin private board; recado admin add board bia
  recado admin audit --since 24h --json | jq -r .act

A channel may be written with a # before it, in quotes where the shell wants it.";

/// What is done, and where.
#[derive(Clone, Debug)]
pub struct AdminConfig {
    account: Account,
    action: AdminAction,
}

impl TryFrom<AdminArgs> for AdminConfig {
    type Error = ConfigError;

    fn try_from(args: AdminArgs) -> Result<Self, ConfigError> {
        Ok(Self { account: args.account.try_into()?, action: args.action })
    }
}

fn role(word: &str) -> Result<Role, String> {
    Role::parse(word).ok_or_else(|| format!("roles are {}", Role::ALL.map(Role::as_str).join(", ")))
}

fn registration(word: &str) -> Result<Registration, String> {
    let ways = Registration::ALL.map(Registration::as_str).join(", ");
    Registration::parse(word).ok_or_else(|| format!("ways are {ways}"))
}

/// As durations are everywhere, and `7d`.
pub(super) fn span(text: &str) -> Result<Duration, String> {
    const HOURS_A_DAY: u64 = 24;
    let days = text.trim().strip_suffix('d').and_then(|days| days.parse::<u64>().ok());
    match days.and_then(|days| days.checked_mul(HOURS_A_DAY)) {
        Some(hours) => duration::parse(&format!("{hours}h")),
        None => duration::parse(text),
    }
    .map_err(|error| format!("{error}, or 7d"))
    .and_then(|span| if span.as_secs() > 0 { Ok(span) } else { Err("a second is the least".to_owned()) })
}

/// Does it, and prints what there is to say.
///
/// # Errors
/// The server is open, does not answer, or refuses.
pub async fn run(config: AdminConfig, shutdown: CancellationToken) -> Result<(), Error> {
    let AdminConfig { account, action } = config;
    let (act, said) = match action {
        AdminAction::Invite { of, role, lasting } => {
            let lasting = lasting.unwrap_or(limits::INVITATION_LASTS);
            let act = AdminAct::Invite { of: of.clone(), role, seconds: Some(lasting.as_secs()), code: () };
            return account
                .with_server(shutdown, async |account, session| match session.new_code(act).await {
                    Ok(code) => Ok(account.invitation(code, lasting).await),
                    Err(error) => Err(match (of, error.code()) {
                        (Some(user), Some(Code::NameTaken)) => Error::InvitedBefore { user },
                        (_, _) => account.failed(error).await,
                    }),
                })
                .await;
        }
        AdminAction::Members { channel } => {
            return account
                .with_server(shutdown, async |account, session| match session.members(&channel).await {
                    Ok(members) => Ok(shown_members(&members, account.json)),
                    Err(error) => Err(account.failed(error).await),
                })
                .await;
        }
        AdminAction::Audit { since } => {
            let since_ms = since.map(|since| since.as_ms(jiff::Timestamp::now().as_millisecond()));
            return account
                .with_server(shutdown, async |account, session| audit(account, session, since_ms).await)
                .await;
        }
        AdminAction::Role { of, role } => {
            let said = format!("{of} is {role} now");
            (AdminAct::Role { of, role }, said)
        }
        AdminAction::Ban { of } => {
            let said = format!("{of} is shut out");
            (AdminAct::Ban { of }, said)
        }
        AdminAction::Unban { of } => {
            let said = format!("{of} is not banned any more, or was not at all");
            (AdminAct::Unban { of }, said)
        }
        AdminAction::Mute { of, channel, lasting } => {
            let said = format!("{of} sends nothing {} now", to(channel.as_ref()));
            (AdminAct::Mute { of, channel, seconds: seconds(lasting) }, said)
        }
        AdminAction::Unmute { of, channel } => {
            let said = format!("{of} may send {} again", to(channel.as_ref()));
            (AdminAct::Unmute { of, channel }, said)
        }
        AdminAction::Private { channel } => {
            let said = format!("#{channel} is for its members alone now");
            (AdminAct::Private { channel }, said)
        }
        AdminAction::Public { channel } => {
            let said = format!("#{channel} is for everybody now");
            (AdminAct::Public { channel }, said)
        }
        AdminAction::Add { channel, of } => {
            let said = format!("{of} is in #{channel} now");
            (AdminAct::Add { channel, of }, said)
        }
        AdminAction::Remove { channel, of } => {
            let said = format!("{of} is no longer in #{channel}");
            (AdminAct::Remove { channel, of }, said)
        }
        AdminAction::Registration { way } => {
            (AdminAct::Registration(way), format!("who becomes a user from now on: {way}"))
        }
    };
    administer(account, act, said, shutdown).await
}

fn seconds(lasting: Option<Duration>) -> Option<u64> {
    lasting.map(|lasting| lasting.as_secs())
}

fn to(channel: Option<&ChannelName>) -> String {
    channel.map_or_else(|| "anywhere".to_owned(), |channel| format!("to #{channel}"))
}

fn shown_members(members: &Members, as_json: bool) -> String {
    let names = || members.members.iter().map(UserName::as_str);
    if as_json {
        let owner = members.owner.as_ref().map(UserName::as_str);
        return json!({ "members": names().collect::<Vec<_>>(), "private": members.private, "owner": owner })
            .to_string();
    }
    match members.private {
        true => names().map(one_line).collect::<Vec<_>>().join("\n"),
        false => "everybody: it is a public channel".to_owned(),
    }
}

/// All events since then, page by page.
async fn audit(account: &Account, session: &Session, since_ms: Option<i64>) -> Result<String, Error> {
    let mut lines = Vec::new();
    let mut after = 0;
    loop {
        let page = match session.audit(after, limits::AUDIT_PAGE_EVENTS).await {
            Ok(page) => page,
            Err(error) => return Err(account.failed(error).await),
        };
        let Some(last) = page.last().map(|event| event.n).filter(|last| *last > after) else {
            return Ok(lines.join("\n"));
        };
        after = last;
        let since = since_ms.and_then(|ms| u64::try_from(ms).ok()).unwrap_or(0);
        let wanted = page.iter().filter(|event| event.time_ms >= since);
        lines.extend(wanted.map(|event| match account.json {
            true => event_as_json(event),
            false => event_as_text(event, TimeZone::system()),
        }));
    }
}

fn event_as_text(event: &AuditEntry, zone: TimeZone) -> String {
    let time = moment(event.time_ms).to_zoned(zone).strftime("%Y-%m-%d %H:%M:%S");
    let by = event.by.as_ref().map_or("-", UserName::as_str);
    let mut line = format!("{time} {} {}", one_line(by), one_line(&event.act));
    let more = [
        event.of.as_ref().map(|of| of.to_string()),
        event.channel.as_ref().map(|channel| format!("#{channel}")),
        event.key.map(|key| public_key(&key).fingerprint()),
        event.detail.clone(),
    ];
    for part in more.into_iter().flatten() {
        line.push(' ');
        line.push_str(&one_line(&part));
    }
    line
}

fn event_as_json(event: &AuditEntry) -> String {
    let mut object =
        json!({ "n": event.n, "time": format!("{:.3}", moment(event.time_ms)), "act": event.act });
    let optional = [
        ("by", event.by.as_ref().map(ToString::to_string)),
        ("of", event.of.as_ref().map(ToString::to_string)),
        ("channel", event.channel.as_ref().map(ToString::to_string)),
        ("key", event.key.map(|key| key.to_string())),
        ("detail", event.detail.clone()),
    ];
    for (key, value) in optional {
        if let Some(value) = value {
            object[key] = value.into();
        }
    }
    object.to_string()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use clap::Parser;
    use jiff::tz::TimeZone;
    use recado_proto::{AuditEntry, ChannelName, DeviceKey, UserName};

    use super::{AdminAction, event_as_json, event_as_text, shown_members, span};

    #[derive(Parser)]
    struct Cli {
        #[command(subcommand)]
        action: AdminAction,
    }

    fn event() -> AuditEntry {
        AuditEntry {
            n: 7,
            time_ms: 1_770_000_000_000,
            by: Some(UserName::parse("ana").unwrap()),
            act: "mute".to_owned(),
            of: Some(UserName::parse("eva").unwrap()),
            channel: Some(ChannelName::parse("geral").unwrap()),
            key: Some(DeviceKey::from_bytes([7; 32])),
            detail: Some("for\n10m".to_owned()),
        }
    }

    #[test]
    fn an_event_is_one_line_whatever_it_holds() {
        let line = event_as_text(&event(), TimeZone::UTC);
        assert!(line.starts_with("2026-02-02 02:40:00 ana mute eva #geral "), "{line}");
        assert_eq!(line.lines().count(), 1, "{line}");
        let object: serde_json::Value = serde_json::from_str(&event_as_json(&event())).unwrap();
        assert_eq!(
            (&object["n"], &object["of"], &object["time"]),
            (&7.into(), &"eva".into(), &"2026-02-02T02:40:00.000Z".into())
        );
        let bare = AuditEntry { by: None, of: None, channel: None, key: None, detail: None, ..event() };
        assert_eq!(event_as_text(&bare, TimeZone::UTC), "2026-02-02 02:40:00 - mute");
    }

    #[test]
    fn days_are_written_too() {
        assert_eq!(span("7d"), Ok(Duration::from_secs(7 * 24 * 3_600)));
        assert_eq!(span("10m"), Ok(Duration::from_secs(600)));
        for text in ["0s", "500ms"] {
            assert!(span(text).unwrap_err().contains("a second"), "{text}");
        }
        for text in ["d", "7 days", "-1d", "99999999999999999999d"] {
            assert!(span(text).unwrap_err().contains("or 7d"), "{text}");
        }
    }

    #[test]
    fn what_is_no_role_or_way_says_which_there_are() {
        for (words, expect) in [
            (["admin", "role", "ana", "root"].as_slice(), "administrator, member, bot"),
            (&["admin", "registration", "ajar"], "open, invitation, closed"),
            (&["admin", "invite", "bia", "--role", "king"], "administrator, member, bot"),
        ] {
            let error = Cli::try_parse_from(words).map(|_| ()).unwrap_err().to_string();
            assert!(error.contains(expect), "{error}");
        }
        assert!(Cli::try_parse_from(["admin", "mute", "eva", "#geral", "--for", "10m"]).is_ok());
    }

    #[test]
    fn members_are_names_a_line() {
        let members = |private| recado_proto::Members {
            members: vec![UserName::parse("ana").unwrap(), UserName::parse("bia").unwrap()],
            private,
            owner: None,
        };
        assert_eq!(shown_members(&members(true), false), "ana\nbia");
        assert!(shown_members(&members(false), false).starts_with("everybody"));
    }
}
