//! Which names are known, and what a line half typed could become. It knows nothing of the editor.

use std::collections::BTreeSet;

use recado_proto::{ChannelName, Role, UserName};

use crate::limits;
use crate::view::text;

use super::command::{COMMANDS, CommandKind, CommandSpec};
use super::search;
use super::{emoji, nearest, without_mark};

/// The users and channels heard of, and those that are followed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KnownNames {
    users: BTreeSet<UserName>,
    channels: BTreeSet<ChannelName>,
    joined: BTreeSet<ChannelName>,
    version: u64,
}

/// One way to go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// How it is listed.
    pub shown: String,
    /// What takes the place of the line from [`Completion::start`] to the cursor.
    pub replacement: String,
}

/// All ways to go on from the cursor.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Completion {
    /// The byte of the line from which the candidates stand.
    pub start: usize,
    /// At most [`limits::CANDIDATES_MAX`], in alphabetical order; emoji with the shortest names first.
    pub candidates: Vec<Candidate>,
}

impl KnownNames {
    /// Changes with every change of the names.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// All users heard of.
    pub fn users(&self) -> &BTreeSet<UserName> {
        &self.users
    }

    /// All channels heard of.
    pub fn channels(&self) -> &BTreeSet<ChannelName> {
        &self.channels
    }

    pub(crate) fn set_users(&mut self, users: impl Iterator<Item = UserName>) {
        self.users = users.take(limits::KNOWN_NAMES_MAX).collect();
        self.version += 1;
    }

    pub(crate) fn set_channels(&mut self, channels: impl Iterator<Item = ChannelName>) {
        self.channels = channels.take(limits::KNOWN_NAMES_MAX).collect();
        self.version += 1;
    }

    pub(crate) fn set_joined(&mut self, joined: impl Iterator<Item = ChannelName>) {
        self.joined = joined.collect();
        self.version += 1;
    }

    pub(crate) fn add_user(&mut self, user: &UserName) {
        if self.users.len() < limits::KNOWN_NAMES_MAX && self.users.insert(user.clone()) {
            self.version += 1;
        }
    }

    pub(crate) fn add_channel(&mut self, channel: &ChannelName) {
        if self.channels.len() < limits::KNOWN_NAMES_MAX && self.channels.insert(channel.clone()) {
            self.version += 1;
        }
    }

    pub(crate) fn has_channel(&self, channel: &ChannelName) -> bool {
        self.channels.contains(channel)
    }

    /// `#tech` means `tech`, unless a channel has that mark in its name.
    pub(crate) fn meant_channel(&self, written: ChannelName) -> ChannelName {
        ChannelName::parse(without_mark(written.as_str(), '#', &self.channels)).unwrap_or(written)
    }

    /// `@bob` means `bob` as it does in every list, whoever else there is; a user whose name has that mark itself is `@@bob`.
    pub(crate) fn meant_user(&self, written: UserName) -> UserName {
        let bare = written.as_str().strip_prefix('@').and_then(|bare| UserName::parse(bare).ok());
        bare.unwrap_or(written)
    }

    pub(crate) fn nearest_user(&self, user: &UserName) -> Option<&str> {
        nearest::nearest(user.as_str(), self.users.iter().map(UserName::as_str))
    }

    /// What the line up to this byte could become; none if the byte is no character's beginning.
    pub fn complete(&self, line: &str, at: usize) -> Completion {
        let Some(typed) = line.get(..at) else { return Completion::default() };
        match typed.strip_prefix('/') {
            Some(command) if !command.starts_with('/') => match command.find(char::is_whitespace) {
                None => complete_command(command),
                Some(end) => self.complete_argument(typed, &command[..end]),
            },
            _ => self.complete_word(typed, 0),
        }
    }

    fn complete_argument(&self, typed: &str, name: &str) -> Completion {
        let Some(spec) = CommandSpec::find(name) else { return Completion::default() };
        let gap = typed.len() - typed[1 + name.len()..].trim_start().len();
        let argument = &typed[gap..];
        match spec.kind {
            CommandKind::Join => {
                rest_of_line(gap, argument, "#", self.channels.iter().map(ChannelName::as_str))
            }
            CommandKind::Invite
            | CommandKind::Kick
            | CommandKind::Ban
            | CommandKind::Unban
            | CommandKind::Unsilence => {
                rest_of_line(gap, argument, "@", self.users.iter().map(UserName::as_str))
            }
            CommandKind::Role | CommandKind::Silence
                if !argument.starts_with('"') && !argument.contains(char::is_whitespace) =>
            {
                let users = self.users.iter().map(UserName::as_str);
                candidates(gap, argument.trim_start_matches('@'), users, |user| format!("{} ", quoted(user)))
            }
            CommandKind::Role => {
                let (start, word) = last_word(typed, gap);
                candidates(start, word, Role::ALL.iter().map(|role| role.as_str()), str::to_owned)
            }
            CommandKind::Query => rest_of_line(gap, argument, "@", self.users.iter().map(UserName::as_str)),
            CommandKind::Leave => {
                rest_of_line(gap, argument, "#", self.joined.iter().map(ChannelName::as_str))
            }
            CommandKind::Message if !argument.starts_with('"') && !argument.contains(char::is_whitespace) => {
                let users = self.users.iter().map(UserName::as_str);
                candidates(gap, argument.trim_start_matches('@'), users, |user| format!("{} ", quoted(user)))
            }
            CommandKind::Message
            | CommandKind::Reply
            | CommandKind::Me
            | CommandKind::Answer
            | CommandKind::Edit
            | CommandKind::Editor
            | CommandKind::Topic => self.complete_word(typed, gap),
            CommandKind::React | CommandKind::Unreact => complete_emoji(typed, gap).unwrap_or_default(),
            CommandKind::Search => self.complete_search(typed, gap),
            CommandKind::Delete | CommandKind::Jump => Completion::default(),
            CommandKind::History => {
                let after_number = argument.trim_start_matches(|c: char| c.is_ascii_digit());
                let skipped = argument.len() - after_number.trim_start().len();
                let (gap, argument) = (gap + skipped, &argument[skipped..]);
                self.complete_place(gap, argument)
            }
            CommandKind::Disturb => rest_of_line(gap, argument, "", ["off", "on"].into_iter()),
            CommandKind::Alert => match argument.split_once(char::is_whitespace) {
                None => {
                    let levels = ["all", "mentions", "none", "usual"].into_iter();
                    candidates(gap, argument, levels, |level| format!("{level} "))
                }
                Some((_, place)) => {
                    let gap = typed.len() - place.trim_start().len();
                    self.complete_place(gap, place.trim_start())
                }
            },
            CommandKind::Help => rest_of_line(gap, argument, "/", COMMANDS.iter().map(|spec| spec.name)),
            CommandKind::Create
            | CommandKind::Channels
            | CommandKind::Users
            | CommandKind::Who
            | CommandKind::Away
            | CommandKind::Back
            | CommandKind::Mentions
            | CommandKind::Mute
            | CommandKind::Unmute
            | CommandKind::Silence
            | CommandKind::Private
            | CommandKind::Public
            | CommandKind::Members
            | CommandKind::Device
            | CommandKind::Quit => Completion::default(),
        }
    }

    /// A key of a search, or the name behind one.
    fn complete_search(&self, typed: &str, text_start: usize) -> Completion {
        let (start, word) = last_word(typed, text_start);
        let Some((key, name)) = word.split_once(':') else {
            let keys = search::KEYS.iter().filter(|_| !word.is_empty()).copied();
            return candidates(start, word, keys, |key| format!("{key}:"));
        };
        let users = self.users.iter().map(UserName::as_str);
        match key {
            "from" | "with" => candidates(start, name, users, |name| format!("{key}:{} ", quoted(name))),
            "in" => {
                let channels = self.channels.iter().map(ChannelName::as_str);
                candidates(start, name, channels, |name| format!("in:{} ", quoted(name)))
            }
            _ => Completion::default(),
        }
    }

    /// A channel, or a user behind an `@`.
    fn complete_place(&self, start: usize, typed: &str) -> Completion {
        match typed.strip_prefix('@') {
            Some(user) => {
                let users = self.users.iter().map(UserName::as_str);
                candidates(start, user, users, |user| format!("@{user}"))
            }
            None => rest_of_line(start, typed, "#", self.channels.iter().map(ChannelName::as_str)),
        }
    }

    /// A name within a text: a user's anywhere, a channel's behind `#`, an emoji's behind `:`.
    fn complete_word(&self, typed: &str, text_start: usize) -> Completion {
        let (start, word) = last_word(typed, text_start);
        if let Some(completion) = complete_emoji(typed, text_start) {
            return completion;
        }
        if let Some(channel) = word.strip_prefix('#') {
            let channels = self.channels.iter().map(ChannelName::as_str);
            return candidates(start, channel, channels, |channel| format!("#{channel} "));
        }
        let users = self.users.iter().map(UserName::as_str);
        match word.strip_prefix('@') {
            Some(user) => candidates(start, user, users, |user| format!("@{user} ")),
            None if word.is_empty() => Completion::default(),
            None if start == 0 => candidates(start, word, users, |user| format!("{user}: ")),
            None => candidates(start, word, users, |user| format!("{user} ")),
        }
    }
}

/// Where the word begins that is being typed, and what of it there is.
fn last_word(typed: &str, text_start: usize) -> (usize, &str) {
    let space = typed.char_indices().rev().find(|(_, character)| character.is_whitespace());
    let start = space.map_or(0, |(at, character)| at + character.len_utf8()).max(text_start);
    (start, &typed[start..])
}

/// An emoji by its name behind a colon; none if that is not being typed.
fn complete_emoji(typed: &str, text_start: usize) -> Option<Completion> {
    let (start, word) = last_word(typed, text_start);
    let name = word.strip_prefix(':').filter(|name| !name.is_empty())?;
    let found = emoji::beginning(name.trim_end_matches(':')).into_iter().take(limits::CANDIDATES_MAX);
    let candidates: Vec<_> = found
        .map(|(name, emoji)| Candidate { shown: format!("{emoji} :{name}:"), replacement: emoji.to_owned() })
        .collect();
    (!candidates.is_empty()).then_some(Completion { start, candidates })
}

fn complete_command(typed: &str) -> Completion {
    let matching = COMMANDS.iter().filter(|spec| begins_like(spec.name, typed));
    let candidates = matching.map(|spec| Candidate {
        shown: format!("/{}", spec.name),
        replacement: if spec.help().arguments.is_empty() {
            format!("/{}", spec.name)
        } else {
            format!("/{} ", spec.name)
        },
    });
    Completion { start: 0, candidates: candidates.collect() }
}

fn rest_of_line<'a>(
    start: usize,
    typed: &str,
    mark: &str,
    names: impl Iterator<Item = &'a str>,
) -> Completion {
    candidates(start, typed.strip_prefix(mark).unwrap_or(typed), names, str::to_owned)
}

fn candidates<'a>(
    start: usize,
    typed: &str,
    names: impl Iterator<Item = &'a str>,
    replacement: impl Fn(&str) -> String,
) -> Completion {
    let candidates = names
        .filter(|name| begins_like(name, typed))
        // What the editor would show otherwise than it is had better be typed by whoever means it.
        .filter(|name| text::one_line(name) == *name)
        .take(limits::CANDIDATES_MAX)
        .map(|name| Candidate { shown: name.to_owned(), replacement: replacement(name) })
        .collect();
    Completion { start, candidates }
}

fn begins_like(name: &str, typed: &str) -> bool {
    name.starts_with(typed) || name.to_lowercase().starts_with(&typed.to_lowercase())
}

fn quoted(name: &str) -> String {
    if name.contains(|character: char| character.is_whitespace() || character == '"') {
        format!("\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\""))
    } else {
        name.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use recado_proto::{ChannelName, UserName};

    use super::KnownNames;

    fn known() -> KnownNames {
        let mut known = KnownNames::default();
        let users = ["ana", "Anabel", "bob", "José da Silva", "mal\u{202e}lory"];
        known.set_users(users.into_iter().map(|name| UserName::parse(name).unwrap()));
        let channels = ["geral", "tech", "team chat"];
        known.set_channels(channels.into_iter().map(|name| ChannelName::parse(name).unwrap()));
        known.set_joined([ChannelName::parse("geral").unwrap()].into_iter());
        known
    }

    /// The cursor is at the line's end; the lines that it could become.
    fn check(line: &str, expect: &[&str]) {
        let completion = known().complete(line, line.len());
        let lines: Vec<_> = completion
            .candidates
            .iter()
            .map(|candidate| format!("{}{}", &line[..completion.start], candidate.replacement))
            .collect();
        assert_eq!(lines, expect, "{line}");
    }

    #[test]
    fn commands_are_completed_from_their_beginning() {
        check("/j", &["/join ", "/jump "]);
        check("/ju", &["/jump "]);
        check("/c", &["/create ", "/channels"]);
        check("/JO", &["/join "]);
        check("/help j", &["/help join", "/help jump"]);
        check("/nothing", &[]);
    }

    #[test]
    fn a_search_is_completed_by_its_keys_and_their_names() {
        check("/search x fr", &["/search x from:"]);
        check("/search x in:te", &["/search x in:\"team chat\" ", "/search x in:tech "]);
        check(
            "/search from:",
            &[
                "/search from:Anabel ",
                "/search from:\"José da Silva\" ",
                "/search from:ana ",
                "/search from:bob ",
            ],
        );
        check("/search with:b", &["/search with:bob "]);
        check("/search before:", &[]);
        check("/search ", &[]);
    }

    #[test]
    fn channels_follow_commands_that_take_them() {
        check("/join ", &["/join geral", "/join team chat", "/join tech"]);
        check("/join te", &["/join team chat", "/join tech"]);
        check("/join #te", &["/join team chat", "/join tech"]);
        check("/join team c", &["/join team chat"]);
        check("/leave ", &["/leave geral"]);
        check("/history 10 t", &["/history 10 team chat", "/history 10 tech"]);
        check("/create t", &[]);
    }

    #[test]
    fn users_follow_msg_in_quotes_where_needed() {
        check("/msg b", &["/msg bob "]);
        check("/msg @b", &["/msg bob "]);
        check("/msg j", &["/msg \"José da Silva\" "]);
        check("/msg bob hello an", &["/msg bob hello Anabel ", "/msg bob hello ana "]);
        check("/history @b", &["/history @bob"]);
    }

    #[test]
    fn names_are_completed_within_a_text() {
        check("bo", &["bob: "]);
        check("hello bo", &["hello bob "]);
        check("hello @bo", &["hello @bob "]);
        check("see #te", &["see #team chat ", "see #tech "]);
        check("hello ", &[]);
        check("", &[]);
    }

    #[test]
    fn levels_are_completed_and_then_places() {
        check("/alert m", &["/alert mentions "]);
        check("/alert none te", &["/alert none team chat", "/alert none tech"]);
        check("/alert all @b", &["/alert all @bob"]);
        check("/dnd o", &["/dnd off", "/dnd on"]);
    }

    #[test]
    fn emoji_are_completed_by_their_names() {
        check(":tada", &["🎉"]);
        check("well done :tada:", &["well done 🎉"]);
        check("/react 2 :tada", &["/react 2 🎉"]);
        check("/msg bob :tada", &["/msg bob 🎉"]);
        assert_eq!(known().complete(":smi", 4).candidates[0].shown, "😄 :smile:");
        check(":", &[]);
        check("at 10:30", &[]);
        check("/delete :tada", &[]);
    }

    #[test]
    fn a_wide_space_before_a_word_is_no_part_of_it() {
        check("hello\u{3000}bo", &["hello\u{3000}bob "]);
    }

    #[test]
    fn a_name_that_could_deceive_is_not_offered() {
        check("mal", &[]);
    }

    #[test]
    fn a_cursor_within_a_character_completes_nothing() {
        assert_eq!(known().complete("é", 1).candidates, []);
    }

    #[test]
    fn a_mark_before_a_name_is_left_out_unless_it_belongs_to_it() {
        let mut known = known();
        let channel = |name: &str| ChannelName::parse(name).unwrap();
        assert_eq!(known.meant_channel(channel("#tech")), channel("tech"));
        known.add_channel(&channel("#tech"));
        assert_eq!(known.meant_channel(channel("#tech")), channel("#tech"));
        assert_eq!(known.meant_channel(channel("#")), channel("#"));
        let user = |name: &str| UserName::parse(name).unwrap();
        known.add_user(&user("@bob"));
        assert_eq!(known.meant_user(user("@bob")), user("bob"));
        assert_eq!(known.meant_user(user("@@bob")), user("@bob"));
        assert_eq!(known.meant_user(user("bob")), user("bob"));
        assert_eq!(known.meant_user(user("@")), user("@"));
    }
}
