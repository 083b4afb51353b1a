//! The sentences of the user interface, in English, all in one place. They have no colours and no marks before them.

use std::borrow::Cow;

use recado_proto::{ActKind, ChannelName};

use crate::chat::command::{COMMANDS, CommandSpec};
use crate::chat::draft::{Aim, Purpose};
use crate::chat::item::{ActShown, Attempt, Failure, Notice, Place, Quoted, TopicSet};

use crate::limits;

use super::text::{fitted, one_line};

/// A name as it is shown: harmless, and in quotes when it could be taken for something else.
pub(crate) fn name(name: &str) -> Cow<'_, str> {
    let shown = one_line(name);
    let deceptive = |character| matches!(character, ':' | '"' | '→' | '—' | '#' | '@' | '*' | '!');
    if shown.contains(deceptive) { Cow::Owned(format!("\"{}\"", shown.replace('"', "'"))) } else { shown }
}

pub(crate) fn channel(channel: &ChannelName) -> String {
    format!("#{}", name(channel.as_str()))
}

/// A place as part of a sentence.
pub(crate) fn place(place: &Place) -> String {
    match place {
        Place::Channel(of) => channel(of),
        Place::Direct(user) => name(user.as_str()).into_owned(),
    }
}

/// What happened, as one or more lines.
pub(crate) fn notice(notice: &Notice) -> String {
    match notice {
        Notice::Welcome { user, channels, joining } => welcome(user.as_str(), channels, joining.as_ref()),
        Notice::Joined { channel: of, empty: false } => format!("You are in {}.", channel(of)),
        Notice::Joined { channel: of, empty: true } => {
            format!("You are in {}. Nobody has said anything here yet.", channel(of))
        }
        Notice::Switched { channel: of } => format!("You are in {}.", channel(of)),
        Notice::Talking { user } => {
            format!("What you type goes to {} alone; /leave ends that.", name(user.as_str()))
        }
        Notice::TalkingNoMore { user, current: Some(current) } => {
            format!("You talk no longer with {} and are in {}.", name(user.as_str()), channel(current))
        }
        Notice::TalkingNoMore { user, current: None } => {
            format!(
                "You talk no longer with {} and are in no channel; /join goes to one.",
                name(user.as_str())
            )
        }
        Notice::Left { channel: of, current: Some(current) } => {
            format!("You have left {} and are in {}.", channel(of), channel(current))
        }
        Notice::Left { channel: of, current: None } => {
            format!("You have left {} and are in no channel now; /join goes to one.", channel(of))
        }
        Notice::Created { channel: of } => format!("{} is a channel now.", channel(of)),
        Notice::ServerLost { reason } => {
            format!("The server is away: {}. Your lines are kept until it is back.", one_line(reason))
        }
        Notice::ServerBack { kept: 0 } => "The server is back.".to_owned(),
        Notice::ServerBack { kept: 1 } => {
            "The server is back. The line that was kept is being sent.".to_owned()
        }
        Notice::ServerBack { kept } => {
            format!("The server is back. The {kept} lines that were kept are being sent.")
        }
        Notice::BrokerLost { reason } => {
            format!("The broker is away: {}. Messages come when it is back.", one_line(reason))
        }
        Notice::BrokerBack => "The broker is back.".to_owned(),
        Notice::Missing { place: of, first, last } if first == last => {
            format!("Message {first} of {} is kept nowhere any more.", place(of))
        }
        Notice::Missing { place: of, first, last } => {
            format!("Messages {first} to {last} of {} are kept nowhere any more.", place(of))
        }
        Notice::EpochChanged { place: of } => {
            format!("The server's store was restored: messages of {} may have gone with it.", place(of))
        }
        Notice::Malformed { topic, reason } => {
            format!("Something came to {} that is no message ({}).", name(topic), one_line(reason))
        }
        Notice::Kept { lines: 1 } => "Not sent yet: the line is kept until the server answers.".to_owned(),
        Notice::Kept { lines } => {
            format!("Not sent yet: {lines} lines are kept until the server answers.")
        }
        Notice::KeptBefore { lines: 1 } => "A line kept from last time is being sent:".to_owned(),
        Notice::KeptBefore { lines } => format!("{lines} lines kept from last time are being sent:"),
        Notice::KeptForLater { lines: 1 } => {
            "A line has no answer yet. It is kept, and sent at the next start.".to_owned()
        }
        Notice::KeptForLater { lines } => {
            format!("{lines} lines have no answer yet. They are kept, and sent at the next start.")
        }
        Notice::KeptDamaged { copy } => {
            format!("What was kept from last time was damaged; how it was found is in {}.", one_line(copy))
        }
        Notice::KeptElsewhere => {
            "You are here with another client as well: this one keeps nothing for the next start.".to_owned()
        }
        Notice::KeepsNothing { reason } => {
            format!("Nothing can be kept for the next start: {}.", one_line(reason.trim_end_matches('.')))
        }
        Notice::Away { channel: of, count, shown } => away(of.as_ref(), *count, *shown),
        Notice::HowToQuit => "Ctrl-C again, Ctrl-D or /quit leaves.".to_owned(),
    }
}

/// Above a notification: who said something, and where.
pub(crate) fn alert(author: &str, of: &Place) -> String {
    match of {
        Place::Channel(of) => format!("{} in {}", name(author), channel(of)),
        Place::Direct(_) => name(author).into_owned(),
    }
}

/// What somebody did, in one line.
pub(crate) fn act(act: &ActShown) -> String {
    let (author, text) = (name(act.author.as_str()), one_line(&act.text));
    let place = match &act.place {
        Place::Channel(of) => format!(" in {}", channel(of)),
        Place::Direct(_) => String::new(),
    };
    match act.kind {
        ActKind::Edit => format!("{author} edited{place}: {text}"),
        ActKind::Delete => format!("{author} deleted a message{place}."),
        ActKind::React => format!("{author} reacted{place}: {text}"),
        ActKind::Unreact => format!("{author} took back{place}: {text}"),
        ActKind::Topic if text.is_empty() => {
            format!("{author} cleared the topic of{}.", place.trim_start_matches(" in"))
        }
        ActKind::Topic => format!("{author} set the topic{place}: {text}"),
    }
}

/// What a channel is about.
pub(crate) fn topic(of: &ChannelName, set: Option<&TopicSet>) -> String {
    match set.filter(|set| !set.text.is_empty()) {
        Some(TopicSet { author, text, .. }) => {
            format!("{} is about: {} (says {})", channel(of), one_line(text), name(author.as_str()))
        }
        None => format!("{} has no topic; /topic TEXT sets one.", channel(of)),
    }
}

fn away(of: Option<&ChannelName>, count: u64, shown: u64) -> String {
    let place = of.map_or("to you directly".to_owned(), |of| format!("in {}", channel(of)));
    let messages = match count {
        1 => "1 message".to_owned(),
        _ => format!("{} messages", grouped(count)),
    };
    if shown < count {
        format!(
            "{messages} {place} since you left, showing the last {}; /history shows more.",
            grouped(shown)
        )
    } else {
        format!("{messages} {place} since you left:")
    }
}

/// A number with commas between its thousands.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// Why something failed and what to do, in one line.
pub(crate) fn failure(failure: &Failure) -> String {
    let reason = one_line(failure.reason.trim_end_matches('.'));
    let what = match &failure.what {
        Attempt::Line => String::new(),
        Attempt::Send { ambiguous, to, .. } => {
            let sent = if *ambiguous { "perhaps not sent" } else { "not sent" };
            match to {
                Some(to) => format!("{sent} to {}: ", place(to)),
                None => format!("{sent}: "),
            }
        }
        Attempt::Join(of) => format!("cannot join {}: ", channel(of)),
        Attempt::Leave(_) => "cannot leave: ".to_owned(),
        Attempt::Create(of) => format!("cannot create {}: ", channel(of)),
        Attempt::Users => "cannot list users: ".to_owned(),
        Attempt::Channels => "cannot list channels: ".to_owned(),
        Attempt::History | Attempt::Older(_) => "cannot show earlier messages: ".to_owned(),
        Attempt::Act => "not done: ".to_owned(),
    };
    match &failure.hint {
        Some(hint) => format!("{what}{reason}; {}", one_line(hint)),
        None => format!("{what}{reason}"),
    }
}

/// The heading over a channel's or one's own latest messages.
pub(crate) fn backlog(of: Option<&ChannelName>) -> String {
    match of {
        Some(of) => format!("the latest in {}", channel(of)),
        None => "the latest that was sent to you directly".to_owned(),
    }
}

/// The heading over earlier messages that were asked for.
pub(crate) fn history(of: &Place, count: usize) -> String {
    let of = match of {
        Place::Channel(of) => channel(of),
        Place::Direct(user) => format!("you and {}", name(user.as_str())),
    };
    match count {
        0 => format!("{of}: no messages"),
        1 => format!("{of}: 1 message"),
        _ => format!("{of}: {count} messages"),
    }
}

/// A message that cannot be sent.
pub(crate) fn too_long(bytes: usize) -> String {
    let most = recado_proto::limits::MESSAGE_BYTES_MAX;
    format!("a message has at most {} bytes, this one has {}", grouped(most as u64), grouped(bytes as u64))
}

/// A day, above what was said on it.
pub(crate) fn day(day: jiff::civil::Date) -> String {
    day.strftime("%A, %-d %B %Y").to_string()
}

/// Above what was not read.
pub(crate) fn unread_divider() -> &'static str {
    "new"
}

/// Messages that were not read in other conversations.
pub(crate) fn unread_elsewhere(count: usize) -> String {
    format!("{} unread elsewhere", grouped(count as u64))
}

/// The beginning of a message above what answers it.
pub(crate) fn quoted(quoted: &Quoted) -> String {
    format!("↪ {}: {}", name(quoted.author.as_str()), one_line(&quoted.text))
}

/// In place of a message that was taken back.
pub(crate) fn deleted() -> &'static str {
    "(deleted)"
}

/// Behind a message that has another text by now.
pub(crate) fn edited() -> &'static str {
    "(edited)"
}

/// Above the names of people.
pub(crate) fn people() -> &'static str {
    "People"
}

/// Before many lines are sent.
pub(crate) fn send_so_many_lines(lines: usize) -> String {
    format!("send {lines} lines as one message? Enter sends, Esc goes back")
}

/// Before the text that is typed for a message.
pub(crate) fn aim(aim: &Aim) -> String {
    let author = aim.author.as_ref().map(|author| name(author.as_str()).into_owned()).unwrap_or_default();
    let author = fitted(&author, limits::PROMPT_NAME_COLUMNS_MAX);
    match aim.purpose {
        Purpose::Answer => format!("answer {author}> ").replace(" >", ">"),
        Purpose::Edit => "edit> ".to_owned(),
        Purpose::React => "react> ".to_owned(),
    }
}

/// While a text is typed for a message.
pub(crate) fn aim_hint() -> &'static str {
    "Enter sends it, Esc goes back"
}

/// While keys are about a message.
pub(crate) fn chosen_hint() -> &'static str {
    "r answer  e edit  d delete  + react  y copy  o origin  Esc"
}

/// Before a message is taken back.
pub(crate) fn really_delete() -> &'static str {
    "delete this message? Enter deletes it, Esc goes back"
}

/// What only its author can do.
pub(crate) fn not_your_own() -> &'static str {
    "only what you said yourself can be edited or deleted"
}

/// The message that is chosen answers none, or none that is here.
pub(crate) fn answers_nothing_here() -> &'static str {
    "this message answers none that is here"
}

/// The message was handed to the terminal for its clipboard.
pub(crate) fn copied() -> &'static str {
    "Copied, if your terminal lets programs do so."
}

/// While what is further back than all that is here is fetched.
pub(crate) fn fetching_older() -> &'static str {
    "further back; older messages are on their way"
}

/// One does not see the latest.
pub(crate) fn scrolled_back() -> &'static str {
    "further back; Esc goes to the latest"
}

/// What is not as it should be.
pub(crate) fn connection(server_away: bool, broker_away: bool) -> &'static str {
    match (server_away, broker_away) {
        (false, false) => "",
        (true, false) => " server away, lines are kept ",
        (false, true) => " broker away, messages come later ",
        (true, true) => " server and broker away, lines are kept ",
    }
}

/// In the corner: what the most useful keys do, those that there are.
pub(crate) fn keys_hint(keys: Option<&str>, activity: Option<&str>, switcher: Option<&str>) -> String {
    let all = [(keys, "keys"), (activity, "next unread"), (switcher, "go to")];
    let known = all.iter().filter_map(|(key, does)| key.map(|key| format!("{key} {does}")));
    known.collect::<Vec<_>>().join("  ")
}

/// Above the list of keys.
pub(crate) fn keys_title() -> &'static str {
    "Keys (Up and Down move, Esc closes); /help lists commands"
}

/// Before what is typed into the switcher.
pub(crate) fn switcher() -> &'static str {
    "Go to:"
}

/// What was typed and not sent, once the screen is gone.
pub(crate) fn left_unsent(is_kept: bool) -> &'static str {
    if is_kept { "Typed and not sent; kept for the next start:" } else { "Typed and not sent:" }
}

/// A line that cannot be taken now.
pub(crate) fn busy() -> String {
    "too much is under way; try again in a moment".to_owned()
}

/// One line for each command, then what else there is to know; names and explanations apart, for colouring.
pub(crate) fn help() -> (&'static str, Vec<(String, &'static str)>, &'static str) {
    let commands = COMMANDS.iter().map(|spec| (usage(spec), spec.summary)).collect();
    (
        "A plain line goes to everybody in the channel. Commands:",
        commands,
        "Tab completes commands, channels and names. Up and Down go through what you typed before, Ctrl-R searches it.\n\
         A line that begins with // is said with one slash. /help COMMAND shows an example.",
    )
}

/// All about one command.
pub(crate) fn help_on(spec: &CommandSpec) -> String {
    let mut help = format!("{}: {}", usage(spec), spec.summary);
    if !spec.aliases.is_empty() {
        let aliases: Vec<String> = spec.aliases.iter().map(|alias| format!("/{alias}")).collect();
        help.push_str(&format!("\n  also: {}", aliases.join(", ")));
    }
    help.push_str(&format!("\n  for example: {}", spec.example));
    help
}

fn usage(spec: &CommandSpec) -> String {
    format!("/{} {}", spec.name, spec.arguments).trim_end().to_owned()
}

fn welcome(user: &str, channels: &[ChannelName], joining: Option<&ChannelName>) -> String {
    let mut lines = format!("Welcome to Recado, {}.\n", name(user));
    let listed = listed(channels);
    match (joining, channels) {
        (Some(_), []) => lines.push_str("There is no channel yet, so here is one to begin with."),
        (Some(_), _) => lines.push_str(&format!("Channels: {listed}. /join goes to another one.")),
        (None, []) => lines.push_str("There is no channel yet: /create geral makes one."),
        (None, [first, ..]) => {
            lines.push_str(&format!(
                "Channels: {listed}. /join {first} goes to one, /create NAME makes another."
            ));
        }
    }
    lines.push_str(
        "\nWhat you type goes to everybody in the channel; /msg bob hello tells bob alone.\n\
         /help shows all commands, Tab completes them, Ctrl-D leaves.",
    );
    lines
}

fn listed(channels: &[ChannelName]) -> String {
    const LISTED_MAX: usize = 12;
    let mut names: Vec<String> = channels.iter().take(LISTED_MAX).map(channel).collect();
    if channels.len() > LISTED_MAX {
        names.push(format!("and {} more", channels.len() - LISTED_MAX));
    }
    names.join(", ")
}
