//! Every command. What the help says of it is in `crate::view::wording`.

use crate::view::wording::{self, CommandHelp};

/// Which command a [`CommandSpec`] describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommandKind {
    /// `/join`
    Join,
    /// `/leave`
    Leave,
    /// `/channels`
    Channels,
    /// `/users`
    Users,
    /// `/who`
    Who,
    /// `/away`
    Away,
    /// `/back`
    Back,
    /// `/create`
    Create,
    /// `/msg`
    Message,
    /// `/query`
    Query,
    /// `/reply`
    Reply,
    /// `/me`
    Me,
    /// `/answer`
    Answer,
    /// `/edit`
    Edit,
    /// `/delete`
    Delete,
    /// `/react`
    React,
    /// `/unreact`
    Unreact,
    /// `/topic`
    Topic,
    /// `/history`
    History,
    /// `/mentions`
    Mentions,
    /// `/alert`
    Alert,
    /// `/mute`
    Mute,
    /// `/unmute`
    Unmute,
    /// `/dnd`
    Disturb,
    /// `/editor`
    Editor,
    /// `/search`
    Search,
    /// `/jump`
    Jump,
    /// `/invite`
    Invite,
    /// `/kick`
    Kick,
    /// `/members`
    Members,
    /// `/private`
    Private,
    /// `/public`
    Public,
    /// `/silence`
    Silence,
    /// `/unsilence`
    Unsilence,
    /// `/ban`
    Ban,
    /// `/unban`
    Unban,
    /// `/role`
    Role,
    /// `/device`
    Device,
    /// `/help`
    Help,
    /// `/quit`
    Quit,
}

/// How a command is called, for the parser, the completion and the help alike.
#[derive(Debug, PartialEq, Eq)]
pub struct CommandSpec {
    /// Which one.
    pub kind: CommandKind,
    /// Its name without the slash.
    pub name: &'static str,
    /// Other names, without the slash.
    pub aliases: &'static [&'static str],
}

/// Every command, in the order in which the help lists them.
pub static COMMANDS: [CommandSpec; 40] = [
    CommandSpec { kind: CommandKind::Join, name: "join", aliases: &["j"] },
    CommandSpec { kind: CommandKind::Create, name: "create", aliases: &[] },
    CommandSpec { kind: CommandKind::Leave, name: "leave", aliases: &["part"] },
    CommandSpec { kind: CommandKind::Message, name: "msg", aliases: &["dm"] },
    CommandSpec { kind: CommandKind::Query, name: "query", aliases: &["talk"] },
    CommandSpec { kind: CommandKind::Reply, name: "reply", aliases: &["r"] },
    CommandSpec { kind: CommandKind::Me, name: "me", aliases: &[] },
    CommandSpec { kind: CommandKind::Answer, name: "answer", aliases: &["re"] },
    CommandSpec { kind: CommandKind::Edit, name: "edit", aliases: &[] },
    CommandSpec { kind: CommandKind::Delete, name: "delete", aliases: &["del"] },
    CommandSpec { kind: CommandKind::React, name: "react", aliases: &["+"] },
    CommandSpec { kind: CommandKind::Unreact, name: "unreact", aliases: &["-"] },
    CommandSpec { kind: CommandKind::Topic, name: "topic", aliases: &[] },
    CommandSpec { kind: CommandKind::Channels, name: "channels", aliases: &["list"] },
    CommandSpec { kind: CommandKind::Users, name: "users", aliases: &[] },
    CommandSpec { kind: CommandKind::Who, name: "who", aliases: &[] },
    CommandSpec { kind: CommandKind::Away, name: "away", aliases: &[] },
    CommandSpec { kind: CommandKind::Back, name: "back", aliases: &[] },
    CommandSpec { kind: CommandKind::History, name: "history", aliases: &[] },
    CommandSpec { kind: CommandKind::Search, name: "search", aliases: &["find"] },
    CommandSpec { kind: CommandKind::Jump, name: "jump", aliases: &["go"] },
    CommandSpec { kind: CommandKind::Mentions, name: "mentions", aliases: &[] },
    CommandSpec { kind: CommandKind::Alert, name: "alert", aliases: &[] },
    CommandSpec { kind: CommandKind::Mute, name: "mute", aliases: &[] },
    CommandSpec { kind: CommandKind::Unmute, name: "unmute", aliases: &[] },
    CommandSpec { kind: CommandKind::Disturb, name: "dnd", aliases: &[] },
    CommandSpec { kind: CommandKind::Editor, name: "editor", aliases: &[] },
    CommandSpec { kind: CommandKind::Invite, name: "invite", aliases: &[] },
    CommandSpec { kind: CommandKind::Kick, name: "kick", aliases: &[] },
    CommandSpec { kind: CommandKind::Members, name: "members", aliases: &[] },
    CommandSpec { kind: CommandKind::Private, name: "private", aliases: &[] },
    CommandSpec { kind: CommandKind::Public, name: "public", aliases: &[] },
    CommandSpec { kind: CommandKind::Silence, name: "silence", aliases: &[] },
    CommandSpec { kind: CommandKind::Unsilence, name: "unsilence", aliases: &[] },
    CommandSpec { kind: CommandKind::Ban, name: "ban", aliases: &[] },
    CommandSpec { kind: CommandKind::Unban, name: "unban", aliases: &[] },
    CommandSpec { kind: CommandKind::Role, name: "role", aliases: &[] },
    CommandSpec { kind: CommandKind::Device, name: "device", aliases: &[] },
    CommandSpec { kind: CommandKind::Help, name: "help", aliases: &["?"] },
    CommandSpec { kind: CommandKind::Quit, name: "quit", aliases: &["exit", "q"] },
];

impl CommandSpec {
    /// What the help says of it.
    pub fn help(&self) -> CommandHelp {
        wording::command(self.kind)
    }

    /// The command of this name or alias, which comes without the slash; letters may be large.
    pub fn find(name: &str) -> Option<&'static Self> {
        COMMANDS.iter().find(|spec| {
            spec.name.eq_ignore_ascii_case(name)
                || spec.aliases.iter().any(|alias| alias.eq_ignore_ascii_case(name))
        })
    }
}
