//! What a person or script may say on one line, and how it is read. It knows neither which names exist nor what a
//! command does.

mod governing;
mod table;

use std::error::Error;
use std::fmt::{self, Display, Formatter};

use recado_proto::{ChannelName, HistoryOf, NameError, UserName};

use crate::limits;
use crate::view::wording::{self, Language};
use crate::when::WhenError;

use super::item::Level;
use super::nearest::nearest;
use super::search::Wanted;

/// Behind the name of a channel that is to be private from the beginning.
const PRIVATE: &str = "private";

/// In place of a topic: there is to be none.
const CLEARS_TOPIC: &str = "-delete";

pub use governing::Governing;
pub use table::{COMMANDS, CommandKind, CommandSpec};

/// One line, understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// A plain line: a message to the current channel.
    Say(String),
    /// Follow a channel and make it the current one.
    Join(ChannelName),
    /// Stop following a channel, the current one unless it is named.
    Leave(Option<ChannelName>),
    /// List the channels.
    Channels,
    /// List the users.
    Users,
    /// List who is here.
    Who,
    /// Say that one is away.
    Away,
    /// Say that one is here again.
    Back,
    /// Create a channel and join it.
    Create {
        /// Which.
        channel: ChannelName,
        /// Only members know of it.
        private: bool,
    },
    /// A message to one user.
    Message {
        /// The receiver.
        to: UserName,
        /// The text.
        text: String,
    },
    /// Plain lines go to this user.
    Query(UserName),
    /// A message to whoever wrote directly last.
    Reply(String),
    /// What one does, told of oneself.
    Me(String),
    /// Something is done to a message of the conversation where one is.
    OnMessage {
        /// How far back it is, the latest being 1.
        back: Option<usize>,
        /// What is done.
        what: OnMessage,
    },
    /// Show what the channel is about.
    ShowTopic,
    /// Show earlier messages.
    History {
        /// Of what; the current channel if it is not said.
        of: Option<Conversation>,
        /// How many.
        limit: Option<u32>,
    },
    /// Find messages by their words.
    Search(Wanted),
    /// Go to a message that was found.
    Jump(usize),
    /// Explain all commands, or this one.
    Help(Option<&'static CommandSpec>),
    /// Be told so much of a conversation.
    Alert {
        /// How much; none for what is usual.
        level: Option<Level>,
        /// Of which; where one is if it is not said.
        of: Option<Conversation>,
    },
    /// Be disturbed, or not.
    Disturb(bool),
    /// Show the latest messages that mention one.
    Mentions,
    /// Write a text with an editor, beginning with this.
    Write(String),
    /// Do what members and administrators do.
    Govern(Governing),
    /// List who is in the channel.
    Members,
    /// Make a link for another device of one's own.
    Device,
    /// End.
    Quit,
}

/// What is done to a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OnMessage {
    /// It gets another text.
    Edit(String),
    /// It is taken back.
    Delete,
    /// An emoji is put to it.
    React(String),
    /// That is taken back.
    Unreact(String),
    /// A message that answers it.
    Answer(String),
    /// None: the channel gets a topic, or an empty one has none.
    Topic(String),
}

/// Whose earlier messages are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Conversation {
    /// A channel's.
    Channel(ChannelName),
    /// The direct messages with this user, both ways.
    With(UserName),
}

impl From<Conversation> for HistoryOf {
    fn from(conversation: Conversation) -> Self {
        match conversation {
            Conversation::Channel(channel) => HistoryOf::Channel(channel),
            Conversation::With(user) => HistoryOf::With(user),
        }
    }
}

/// Why a line is no command. The sentence says what to write instead; it is in `crate::view::wording`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommandError {
    /// No command has this name.
    Unknown {
        /// What was written, without the slash.
        name: String,
        /// The command that is spelled most like it.
        nearest: Option<&'static str>,
    },
    /// Something has to follow the command.
    Incomplete(&'static CommandSpec),
    /// Nothing may follow the command, or not that much.
    TooMuch(&'static CommandSpec),
    /// What stands for a name is none.
    Name {
        /// The rule that it breaks.
        error: NameError,
    },
    /// A number that makes no sense there.
    Number,
    /// What stands for a moment is none.
    When {
        /// How moments are written.
        error: WhenError,
    },
    /// No message can be so far back.
    Back,
    /// A quote that is never closed.
    Quote,
}

impl Display for CommandError {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&wording::command_error(Language::English, self))
    }
}

impl Error for CommandError {}

impl From<NameError> for CommandError {
    fn from(error: NameError) -> Self {
        CommandError::Name { error }
    }
}

impl Command {
    /// Reads one line; none if there is nothing on it. A line that begins with `//` says the rest with one slash.
    pub fn parse(line: &str) -> Result<Option<Self>, CommandError> {
        let text = line.trim();
        if text.is_empty() {
            return Ok(None);
        }
        if let Some(said) = text.strip_prefix("//") {
            return Ok(Some(Command::Say(format!("/{said}"))));
        }
        let Some(command) = text.strip_prefix('/') else {
            return Ok(Some(Command::Say(text.to_owned())));
        };
        let (name, rest) = command.split_once(char::is_whitespace).unwrap_or((command, ""));
        let Some(spec) = CommandSpec::find(name) else {
            let names = COMMANDS.iter().map(|spec| spec.name);
            return Err(CommandError::Unknown { name: name.to_owned(), nearest: nearest(name, names) });
        };
        read(spec, rest.trim()).map(Some)
    }

    /// Whether the line is a message to others, as opposed to an instruction to this program.
    pub fn is_message(&self) -> bool {
        match self {
            Command::Say(_)
            | Command::Message { .. }
            | Command::Reply(_)
            | Command::Me(_)
            | Command::OnMessage { what: OnMessage::Answer(_), .. } => true,
            Command::Join(_)
            | Command::Leave(_)
            | Command::Channels
            | Command::Users
            | Command::Who
            | Command::Away
            | Command::Back
            | Command::Query(_)
            | Command::OnMessage { .. }
            | Command::ShowTopic
            | Command::Create { .. }
            | Command::History { .. }
            | Command::Search(_)
            | Command::Jump(_)
            | Command::Help(_)
            | Command::Alert { .. }
            | Command::Disturb(_)
            | Command::Mentions
            | Command::Write(_)
            | Command::Govern(_)
            | Command::Members
            | Command::Device
            | Command::Quit => false,
        }
    }
}

fn read(spec: &'static CommandSpec, rest: &str) -> Result<Command, CommandError> {
    let nothing_more = |command| if rest.is_empty() { Ok(command) } else { Err(CommandError::TooMuch(spec)) };
    match spec.kind {
        CommandKind::Join => Ok(Command::Join(channel(spec, rest)?)),
        CommandKind::Create => create(spec, rest),
        CommandKind::Leave if rest.is_empty() => Ok(Command::Leave(None)),
        CommandKind::Leave => Ok(Command::Leave(Some(channel(spec, rest)?))),
        CommandKind::Channels => nothing_more(Command::Channels),
        CommandKind::Users => nothing_more(Command::Users),
        CommandKind::Who => nothing_more(Command::Who),
        CommandKind::Away => nothing_more(Command::Away),
        CommandKind::Back => nothing_more(Command::Back),
        CommandKind::Quit => nothing_more(Command::Quit),
        CommandKind::Message => {
            let (to, text) = word(rest)?;
            let text = text.trim();
            if to.is_empty() || text.is_empty() {
                return Err(CommandError::Incomplete(spec));
            }
            Ok(Command::Message { to: UserName::parse(&to)?, text: text.to_owned() })
        }
        CommandKind::Query => {
            let name = if rest.starts_with('"') { word(rest)?.0 } else { rest.to_owned() };
            if name.is_empty() {
                Err(CommandError::Incomplete(spec))
            } else {
                Ok(Command::Query(UserName::parse(&name)?))
            }
        }
        CommandKind::Reply if rest.is_empty() => Err(CommandError::Incomplete(spec)),
        CommandKind::Reply => Ok(Command::Reply(rest.to_owned())),
        CommandKind::Me
        | CommandKind::Answer
        | CommandKind::Edit
        | CommandKind::React
        | CommandKind::Unreact
            if rest.is_empty() =>
        {
            Err(CommandError::Incomplete(spec))
        }
        CommandKind::Me => Ok(Command::Me(rest.to_owned())),
        CommandKind::Topic if rest.is_empty() => Ok(Command::ShowTopic),
        CommandKind::Topic => {
            let text = if rest == CLEARS_TOPIC { "" } else { rest };
            Ok(Command::OnMessage { back: None, what: OnMessage::Topic(text.to_owned()) })
        }
        CommandKind::Answer => on_message(spec, rest, OnMessage::Answer),
        CommandKind::Edit => on_message(spec, rest, OnMessage::Edit),
        CommandKind::React => on_message(spec, rest, OnMessage::React),
        CommandKind::Unreact => on_message(spec, rest, OnMessage::Unreact),
        CommandKind::Delete => {
            let (back, rest) = number(rest)?;
            if rest.is_empty() {
                Ok(Command::OnMessage { back, what: OnMessage::Delete })
            } else {
                Err(CommandError::TooMuch(spec))
            }
        }
        CommandKind::Alert => alert(spec, rest),
        CommandKind::Mute => nothing_more(Command::Alert { level: Some(Level::None), of: None }),
        CommandKind::Unmute => nothing_more(Command::Alert { level: None, of: None }),
        CommandKind::Disturb => match rest {
            "on" => Ok(Command::Disturb(false)),
            "off" => Ok(Command::Disturb(true)),
            _ => Err(CommandError::Incomplete(spec)),
        },
        CommandKind::Mentions => nothing_more(Command::Mentions),
        CommandKind::Invite => governing::of_user(spec, rest, Governing::Invite),
        CommandKind::Kick => governing::of_user(spec, rest, Governing::Kick),
        CommandKind::Ban => governing::of_user(spec, rest, Governing::Ban),
        CommandKind::Unban => governing::of_user(spec, rest, Governing::Unban),
        CommandKind::Unsilence => governing::of_user(spec, rest, Governing::Unsilence),
        CommandKind::Role | CommandKind::Silence => governing::with_word(spec, rest),
        CommandKind::Private => nothing_more(Command::Govern(Governing::Private)),
        CommandKind::Public => nothing_more(Command::Govern(Governing::Public)),
        CommandKind::Members => nothing_more(Command::Members),
        CommandKind::Device => nothing_more(Command::Device),
        CommandKind::Editor => Ok(Command::Write(rest.to_owned())),
        CommandKind::History => history(rest),
        CommandKind::Search => match Wanted::parse(rest)? {
            Some(wanted) => Ok(Command::Search(wanted)),
            None => Err(CommandError::Incomplete(spec)),
        },
        CommandKind::Jump if rest.is_empty() => Ok(Command::Jump(1)),
        CommandKind::Jump => rest.parse().map(Command::Jump).map_err(|_| CommandError::TooMuch(spec)),
        CommandKind::Help if rest.is_empty() => Ok(Command::Help(None)),
        CommandKind::Help => {
            let name = rest.trim_start_matches('/');
            let names = COMMANDS.iter().map(|spec| spec.name);
            let spec = CommandSpec::find(name).ok_or_else(|| CommandError::Unknown {
                name: name.to_owned(),
                nearest: nearest(name, names),
            })?;
            Ok(Command::Help(Some(spec)))
        }
    }
}

/// In quotes a name may end with the word.
fn create(spec: &'static CommandSpec, rest: &str) -> Result<Command, CommandError> {
    let named = rest
        .strip_suffix(PRIVATE)
        .filter(|named| named.ends_with([' ', '\t', '"']) && !named.trim().is_empty());
    let (name, private) = named.map_or((rest, false), |named| (named.trim_end(), true));
    Ok(Command::Create { channel: channel(spec, name)?, private })
}

/// A channel takes the whole rest of the line, so that spaces in it need no quotes; quotes do no harm.
fn channel(spec: &'static CommandSpec, rest: &str) -> Result<ChannelName, CommandError> {
    if rest.is_empty() {
        return Err(CommandError::Incomplete(spec));
    }
    if rest.starts_with('"') {
        let (name, rest) = word(rest)?;
        return if rest.trim().is_empty() {
            Ok(ChannelName::parse(&name)?)
        } else {
            Err(CommandError::TooMuch(spec))
        };
    }
    Ok(ChannelName::parse(rest)?)
}

fn on_message(
    spec: &'static CommandSpec,
    rest: &str,
    what: impl FnOnce(String) -> OnMessage,
) -> Result<Command, CommandError> {
    let (back, text) = number(rest)?;
    if text.is_empty() {
        return Err(CommandError::Incomplete(spec));
    }
    Ok(Command::OnMessage { back, what: what(text.to_owned()) })
}

/// How far back a message is, if that is said, and what follows.
fn number(rest: &str) -> Result<(Option<usize>, &str), CommandError> {
    let (first, after) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    if first.is_empty() || !first.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok((None, rest));
    }
    match first.parse() {
        Ok(back @ 1..=limits::NUMBERED_MESSAGES_MAX) => Ok((Some(back), after.trim())),
        Ok(_) | Err(_) => Err(CommandError::Back),
    }
}

fn history(rest: &str) -> Result<Command, CommandError> {
    let (first, after) = word(rest)?;
    let (limit, of) = match first.parse::<u64>() {
        Ok(number) if !rest.starts_with('"') => {
            let limit = u32::try_from(number)
                .ok()
                .filter(|limit| (1..=recado_proto::limits::HISTORY_LIMIT_MAX).contains(limit));
            (Some(limit.ok_or(CommandError::Number)?), after.trim())
        }
        _ => (None, rest),
    };
    if of.is_empty() {
        return Ok(Command::History { of: None, limit });
    }
    Ok(Command::History { of: Some(conversation(of)?), limit })
}

fn alert(spec: &'static CommandSpec, rest: &str) -> Result<Command, CommandError> {
    let (word, of) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    let level = match (word, Level::parse(word)) {
        ("usual", _) => None,
        (_, Some(level)) => Some(level),
        (_, None) => return Err(CommandError::Incomplete(spec)),
    };
    let of = match of.trim() {
        "" => None,
        of => Some(conversation(of)?),
    };
    Ok(Command::Alert { level, of })
}

/// A channel, or a user behind an `@`.
fn conversation(of: &str) -> Result<Conversation, CommandError> {
    let name = if of.starts_with(['"']) { word(of)?.0 } else { of.to_owned() };
    Ok(match name.strip_prefix('@') {
        Some(user) => Conversation::With(UserName::parse(user.trim_matches('"'))?),
        None => Conversation::Channel(ChannelName::parse(&name)?),
    })
}

/// The first word, in quotes or not, and what follows it. In quotes a backslash takes the next character as it is.
fn word(text: &str) -> Result<(String, &str), CommandError> {
    let text = text.trim_start();
    let (at, quoted) = match text.strip_prefix('@') {
        Some(rest) if rest.starts_with('"') => ("@", &rest[1..]),
        _ if text.starts_with('"') => ("", &text[1..]),
        _ => {
            let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
            return Ok((word.to_owned(), rest));
        }
    };
    let mut word = at.to_owned();
    let mut characters = quoted.char_indices();
    while let Some((index, character)) = characters.next() {
        match character {
            '"' => return Ok((word, &quoted[index + 1..])),
            '\\' => word.extend(characters.next().map(|(_, next)| next)),
            _ => word.push(character),
        }
    }
    Err(CommandError::Quote)
}

#[cfg(test)]
mod tests {
    use recado_proto::{ChannelName, UserName};

    use crate::view::wording::Language;

    use super::{COMMANDS, Command, CommandSpec, Conversation, OnMessage};

    fn check(line: &str, expect: Command) {
        assert_eq!(Command::parse(line), Ok(Some(expect)), "{line}");
    }

    fn refused(line: &str, expect: &str) {
        assert_eq!(Command::parse(line).map_err(|error| error.to_string()), Err(expect.to_owned()), "{line}");
    }

    fn channel(name: &str) -> ChannelName {
        ChannelName::parse(name).unwrap()
    }

    fn user(name: &str) -> UserName {
        UserName::parse(name).unwrap()
    }

    #[test]
    fn a_plain_line_is_said() {
        check("hello there", Command::Say("hello there".into()));
        check("  hello  ", Command::Say("hello".into()));
        check("//etc/hosts", Command::Say("/etc/hosts".into()));
        check("two\nlines", Command::Say("two\nlines".into()));
        assert_eq!(Command::parse("  \t "), Ok(None));
    }

    #[test]
    fn channels_take_the_rest_of_the_line() {
        check("/join geral", Command::Join(channel("geral")));
        check("/JOIN geral", Command::Join(channel("geral")));
        check("/j team chat", Command::Join(channel("team chat")));
        check("/join \"team chat\"", Command::Join(channel("team chat")));
        let create = |name, private| Command::Create { channel: channel(name), private };
        check("/create 日本語", create("日本語", false));
        check("/create junta private", create("junta", true));
        check("/create a team private", create("a team", true));
        check("/create \"a team\" private", create("a team", true));
        check("/create \"a team private\"", create("a team private", false));
        check("/create private", create("private", false));
        check("/leave", Command::Leave(None));
        check("/part geral ", Command::Leave(Some(channel("geral"))));
        refused("/join", "/join needs CHANNEL; for example: /join tech");
        refused("/join _sync", "a name cannot begin with `_`, which is kept for the system");
        refused("/join \"a\" b", "/join takes CHANNEL; for example: /join tech");
    }

    #[test]
    fn a_direct_message_has_a_name_and_a_text() {
        let message = |to: &str, text: &str| Command::Message { to: user(to), text: text.into() };
        check("/msg bob hi  there", message("bob", "hi  there"));
        check("/msg \"José da Silva\" oi", message("José da Silva", "oi"));
        check(r#"/msg "a \"b\" c" oi"#, message("a \"b\" c", "oi"));
        check("/dm @bob hi", message("@bob", "hi"));
        check("/reply yes", Command::Reply("yes".into()));
        let on = |back, what| Command::OnMessage { back, what };
        check("/edit 3 the  text", on(Some(3), OnMessage::Edit("the  text".into())));
        check("/edit 3rd text", on(None, OnMessage::Edit("3rd text".into())));
        check("/react 👍", on(None, OnMessage::React("👍".into())));
        check("/delete", on(None, OnMessage::Delete));
        check("/del 2", on(Some(2), OnMessage::Delete));
        check("/topic", Command::ShowTopic);
        check("/topic -delete", on(None, OnMessage::Topic(String::new())));
        check("/me waves", Command::Me("waves".into()));
        refused("/edit 3", "/edit needs [NUMBER] TEXT; for example: /edit the build is green now");
        refused("/delete 2 now", "/delete takes [NUMBER]; for example: /delete 3");
        refused("/delete 0", "how far back a message is goes from 1, the latest, to 200");
        refused(
            "/react 999999999999999999999 x",
            "how far back a message is goes from 1, the latest, to 200",
        );
        check("/query José da Silva", Command::Query(user("José da Silva")));
        check("/talk \"a b\"", Command::Query(user("a b")));
        refused("/query", "/query needs USER; for example: /query bob");
        refused("/msg", "/msg needs USER TEXT; for example: /msg bob see you at noon");
        refused("/msg bob", "/msg needs USER TEXT; for example: /msg bob see you at noon");
        refused("/msg \"bob hi", "a quote is not closed");
        refused("/r", "/reply needs TEXT; for example: /reply on my way");
    }

    #[test]
    fn history_takes_a_number_and_a_place_in_this_order() {
        let history = |limit, of| Command::History { limit, of };
        check("/history", history(None, None));
        check("/history 100", history(Some(100), None));
        check("/history 5 team chat", history(Some(5), Some(Conversation::Channel(channel("team chat")))));
        check("/history @bob", history(None, Some(Conversation::With(user("bob")))));
        check(
            "/history 3 @\"José da Silva\"",
            history(Some(3), Some(Conversation::With(user("José da Silva")))),
        );
        check("/history \"2024\"", history(None, Some(Conversation::Channel(channel("2024")))));
        refused("/history 0", "the number of messages is from 1 to 1000");
        refused("/history 1001", "the number of messages is from 1 to 1000");
        refused("/history 99999999999999", "the number of messages is from 1 to 1000");
    }

    #[test]
    fn an_unknown_command_suggests_the_nearest() {
        refused("/jion geral", "there is no command /jion; did you mean /join?");
        refused("/chanels", "there is no command /chanels; did you mean /channels?");
        refused("/xyzzy", "there is no command /xyzzy; /help lists them");
        refused("/", "there is no command /; /help lists them");
        refused("/help jion", "there is no command /jion; did you mean /join?");
    }

    #[test]
    fn what_takes_nothing_says_so() {
        check("/quit", Command::Quit);
        check("/?", Command::Help(None));
        check("/help /msg", Command::Help(CommandSpec::find("msg")));
        refused("/users now", "/users takes nothing more; for example: /users");
    }

    #[test]
    fn every_example_in_the_help_is_read_as_its_command() {
        for (spec, language) in
            COMMANDS.iter().flat_map(|spec| Language::ALL.map(|language| (spec, language)))
        {
            let example = spec.help().example.of(language);
            let command = Command::parse(example).unwrap().unwrap();
            assert!(example.starts_with(&format!("/{}", spec.name)));
            assert!(!matches!(command, Command::Say(_)), "{example}");
        }
    }
}
