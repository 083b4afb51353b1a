//! Every text that people read in the chat, in each language. They have no colours and no marks before them. A text that lacks a
//! language does not compile.
//!
//! What programs read is English and stands elsewhere: JSON, logs, `--help`, errors of the subcommands, everything on the wire.

mod commands;
mod company;
mod failures;
mod finding;
mod governing;
pub(crate) mod keys;
mod labels;
mod language;
mod notices;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use recado_proto::ChannelName;

use crate::chat::item::Place;

use super::text::one_line;

pub use commands::CommandHelp;
pub use language::{Both, Language};
pub use notices::{Hosted, HostedParts};

pub(crate) use commands::{command, help, help_on};
pub(crate) use company::{comings, presence, typing, who};
pub(crate) use failures::{
    busy, command_error, failure, hint, name_error, reason, request_error, too_long, unreadable,
    writing_error,
};
pub(crate) use finding::{around, found, found_divider, left_out, search};
pub(crate) use governing::{device, distrusted, governed, members};
pub(crate) use keys::{chosen_hint, keys_hint, keys_title};
pub(crate) use labels::{
    aim, aim_hint, alert, answers_nothing_here, backlog, channels, connection, copied, day, deleted, edited,
    fetching_older, from_you, history, history_end, joined, left_unsent, mentions, mentions_title,
    not_your_own, people, quoted, really_delete, scrolled_back, send_so_many_lines, switcher, to_you, topic,
    unread_divider, unread_elsewhere, users, weeks_and_years, you_are_here, your_name,
};
pub(crate) use notices::{act, founded, hosted, no_server, notice, still_trying, too_fast};

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
