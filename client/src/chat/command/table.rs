//! Every command, with what the help says of it.

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
    /// `/help`
    Help,
    /// `/quit`
    Quit,
}

/// How a command is written, for the parser, the completion and the help alike.
#[derive(Debug, PartialEq, Eq)]
pub struct CommandSpec {
    /// Which one.
    pub kind: CommandKind,
    /// Its name without the slash.
    pub name: &'static str,
    /// Other names, without the slash.
    pub aliases: &'static [&'static str],
    /// What follows the name, as the help writes it.
    pub arguments: &'static str,
    /// What it does, in a few words.
    pub summary: &'static str,
    /// A whole line that works.
    pub example: &'static str,
}

/// Every command, in the order in which the help lists them.
pub static COMMANDS: [CommandSpec; 18] = [
    CommandSpec {
        kind: CommandKind::Join,
        name: "join",
        aliases: &["j"],
        arguments: "CHANNEL",
        summary: "go to a channel; you stay in the others",
        example: "/join tech",
    },
    CommandSpec {
        kind: CommandKind::Create,
        name: "create",
        aliases: &[],
        arguments: "CHANNEL",
        summary: "make a channel and go there",
        example: "/create lunch",
    },
    CommandSpec {
        kind: CommandKind::Leave,
        name: "leave",
        aliases: &["part"],
        arguments: "[CHANNEL]",
        summary: "stop following this channel, or the one named",
        example: "/leave tech",
    },
    CommandSpec {
        kind: CommandKind::Message,
        name: "msg",
        aliases: &["dm"],
        arguments: "USER TEXT",
        summary: "tell one person; a name with spaces in quotes",
        example: "/msg bob see you at noon",
    },
    CommandSpec {
        kind: CommandKind::Query,
        name: "query",
        aliases: &["talk"],
        arguments: "USER",
        summary: "talk with one person: plain lines go there",
        example: "/query bob",
    },
    CommandSpec {
        kind: CommandKind::Reply,
        name: "reply",
        aliases: &["r"],
        arguments: "TEXT",
        summary: "answer whoever wrote to you last",
        example: "/reply on my way",
    },
    CommandSpec {
        kind: CommandKind::Me,
        name: "me",
        aliases: &[],
        arguments: "TEXT",
        summary: "say what you do",
        example: "/me is back at noon",
    },
    CommandSpec {
        kind: CommandKind::Answer,
        name: "answer",
        aliases: &["re"],
        arguments: "[NUMBER] TEXT",
        summary: "answer a message; 1 is the latest here",
        example: "/answer 2 I think so, too",
    },
    CommandSpec {
        kind: CommandKind::Edit,
        name: "edit",
        aliases: &[],
        arguments: "[NUMBER] TEXT",
        summary: "give your last message, or that one, another text",
        example: "/edit the build is green now",
    },
    CommandSpec {
        kind: CommandKind::Delete,
        name: "delete",
        aliases: &["del"],
        arguments: "[NUMBER]",
        summary: "take your last message back, or that one",
        example: "/delete 3",
    },
    CommandSpec {
        kind: CommandKind::React,
        name: "react",
        aliases: &["+"],
        arguments: "[NUMBER] EMOJI",
        summary: "put an emoji to the latest message, or to that one",
        example: "/react 2 👍",
    },
    CommandSpec {
        kind: CommandKind::Unreact,
        name: "unreact",
        aliases: &["-"],
        arguments: "[NUMBER] EMOJI",
        summary: "take an emoji back",
        example: "/unreact 2 👍",
    },
    CommandSpec {
        kind: CommandKind::Topic,
        name: "topic",
        aliases: &[],
        arguments: "[TEXT]",
        summary: "what the channel is about: show it, or set it; -delete clears it",
        example: "/topic the release, and what is left for it",
    },
    CommandSpec {
        kind: CommandKind::Channels,
        name: "channels",
        aliases: &["list"],
        arguments: "",
        summary: "list the channels",
        example: "/channels",
    },
    CommandSpec {
        kind: CommandKind::Users,
        name: "users",
        aliases: &["who"],
        arguments: "",
        summary: "list everybody who has logged in",
        example: "/users",
    },
    CommandSpec {
        kind: CommandKind::History,
        name: "history",
        aliases: &[],
        arguments: "[NUMBER] [CHANNEL or @USER]",
        summary: "show earlier messages",
        example: "/history 100 @bob",
    },
    CommandSpec {
        kind: CommandKind::Help,
        name: "help",
        aliases: &["?"],
        arguments: "[COMMAND]",
        summary: "show this, or more about one command",
        example: "/help msg",
    },
    CommandSpec {
        kind: CommandKind::Quit,
        name: "quit",
        aliases: &["exit", "q"],
        arguments: "",
        summary: "leave; Ctrl-D does the same",
        example: "/quit",
    },
];

impl CommandSpec {
    /// The command of this name or alias, which comes without the slash; letters may be large.
    pub fn find(name: &str) -> Option<&'static Self> {
        COMMANDS.iter().find(|spec| {
            spec.name.eq_ignore_ascii_case(name)
                || spec.aliases.iter().any(|alias| alias.eq_ignore_ascii_case(name))
        })
    }
}
