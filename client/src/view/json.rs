//! Items as JSON, one object a line, for programs. The keys are a contract: see `recado client --help`.

use jiff::Timestamp;
use recado_proto::{ChannelName, Epoch, Here, MessageId, Presence, Style, UserName};
use serde_json::{Map, Value};

use crate::chat::ReadTo;
use crate::chat::item::{ActShown, Attempt, Failure, Item, Level, Message, Notice, Place, TopicSet};
use crate::keys::Distrust;

use super::wording::{self, Language};

/// The item as one line of JSON without its line feed. The text of messages is as it was sent: JSON escapes what a terminal
/// would obey. `user` is who one is.
pub fn render(item: &Item, user: &UserName) -> String {
    render_for(item, Some(user))
}

/// As [`render`], also for who said no name: then direct messages of others have no `to`.
pub(crate) fn render_for(item: &Item, user: Option<&UserName>) -> String {
    let mut object = Map::new();
    let event = match item {
        Item::Message(message) => message_event(message, user, &mut object),
        Item::Act(act) => act_event(act, &mut object),
        Item::Sent { to, id, seq, epoch } => {
            put_place(to, "to", &mut object);
            put_position(Some(*id), *seq, *epoch, &mut object);
            "sent"
        }
        Item::Backlog { channel } => {
            if let Some(channel) = channel {
                put(&mut object, "channel", channel.as_str());
            }
            "backlog"
        }
        Item::History { of, count } => {
            put_place(of, "with", &mut object);
            put(&mut object, "count", *count);
            "history"
        }
        Item::HistoryEnd => "history_end",
        Item::Search { words, count, partial, behind } => {
            put(&mut object, "words", words.as_str());
            put(&mut object, "count", *count);
            put(&mut object, "partial", *partial);
            put(&mut object, "behind", *behind);
            "search"
        }
        Item::Found { number, message, snippet } => {
            message_event(message, user, &mut object);
            put(&mut object, "number", *number);
            put(&mut object, "snippet", snippet.as_str());
            "found"
        }
        Item::Jump { of, id, count, .. } => {
            put_place(of, "with", &mut object);
            put_position(Some(*id), None, None, &mut object);
            put(&mut object, "count", *count);
            "jump"
        }
        Item::Context(message) => message_event(message, user, &mut object),
        Item::Older { of, messages, .. } => {
            put_place(of, "with", &mut object);
            put(&mut object, "count", messages.len());
            "older"
        }
        Item::Topic { channel, set, .. } => {
            put(&mut object, "channel", channel.as_str());
            if let Some(TopicSet { author, time_ms, text }) = set {
                put(&mut object, "text", text.as_str());
                put(&mut object, "user", author.as_str());
                put_time(*time_ms, &mut object);
            }
            "topic"
        }
        Item::Read { marks, .. } => {
            let mark = |(place, (epoch, seq)): &(Place, ReadTo)| {
                let mut mark = Map::new();
                put_place(place, "with", &mut mark);
                put_position(None, Some(*seq), Some(*epoch), &mut mark);
                Value::Object(mark)
            };
            put(&mut object, "marks", marks.iter().map(mark).collect::<Vec<_>>());
            "read"
        }
        Item::Users(users) => {
            put(&mut object, "users", users.iter().map(UserName::as_str).collect::<Vec<_>>());
            "users"
        }
        Item::Channels { channels, joined, current } => {
            put_channels(channels, &mut object);
            put(&mut object, "joined", joined.iter().map(ChannelName::as_str).collect::<Vec<_>>());
            put(&mut object, "current", current.as_ref().map(ChannelName::as_str));
            "channels"
        }
        Item::Who(here) => {
            for state in [Presence::Online, Presence::Away] {
                let who = here.iter().filter(|here| here.state == state);
                put(&mut object, state.as_str(), who.map(|here| here.user.as_str()).collect::<Vec<_>>());
            }
            "who"
        }
        Item::Members { channel, members, .. } => {
            put(&mut object, "channel", channel.as_str());
            put(&mut object, "users", members.members.iter().map(UserName::as_str).collect::<Vec<_>>());
            put(&mut object, "private", members.private);
            if let Some(owner) = &members.owner {
                put(&mut object, "owner", owner.as_str());
            }
            "members"
        }
        Item::Device { link } => {
            put(&mut object, "link", link.as_str());
            "device"
        }
        // Whoever hears these shows them beside names, and writes no lines.
        Item::Here { here, .. } => {
            for Here { user, state } in here {
                put(&mut object, user.as_str(), state.as_str());
            }
            "here"
        }
        Item::Typing { place, user } => {
            put_place(place, "with", &mut object);
            put(&mut object, "user", user.as_str());
            "typing"
        }
        Item::Mentions(mentions) => {
            let objects = mentions.iter().map(|message| {
                let mut object = Map::new();
                let event = message_event(message, user, &mut object);
                put(&mut object, "event", event);
                Value::Object(object)
            });
            put(&mut object, "messages", objects.collect::<Vec<_>>());
            "mentions"
        }
        Item::Help(spec) => {
            let text = match spec {
                Some(spec) => wording::help_on(Language::English, spec),
                None => {
                    let (before, commands, after) = wording::help(Language::English);
                    let commands = commands.iter().map(|(usage, summary)| format!("\n  {usage}: {summary}"));
                    format!("{before}{}\n{after}", commands.collect::<String>())
                }
            };
            put(&mut object, "text", text);
            "help"
        }
        Item::Notice(notice) => notice_event(notice, &mut object),
        Item::Failure(failure) => failure_event(failure, &mut object),
    };
    put(&mut object, "event", event);
    escaped(&Value::Object(object).to_string())
}

/// JSON lets control characters above 7E stand as they are, which a terminal may obey; the escape is the same string.
fn escaped(json: &str) -> String {
    let mut line = String::with_capacity(json.len());
    for character in json.chars() {
        match character {
            '\u{7f}'..='\u{9f}'
            | '\u{200e}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}' => {
                line.push_str(&format!("\\u{:04x}", u32::from(character)));
            }
            _ => line.push(character),
        }
    }
    line
}

fn act_event(act: &ActShown, object: &mut Map<String, Value>) -> &'static str {
    put(object, "kind", act.kind.as_str());
    put(object, "user", act.author.as_str());
    if let Some(target) = act.target {
        put(object, "target", target.to_string());
    }
    put(object, "text", act.text.as_str());
    put(object, "own", act.own);
    put_time(act.time_ms, object);
    put_place(&act.place, "with", object);
    put_position(act.id, act.seq, act.epoch, object);
    "act"
}

fn message_event(
    message: &Message,
    user: Option<&UserName>,
    object: &mut Map<String, Value>,
) -> &'static str {
    put(object, "text", message.text.as_str());
    put(object, "earlier", message.earlier);
    put(object, "own", message.own);
    put_time(message.time_ms, object);
    put_position(message.id, message.seq, message.epoch, object);
    if let Some(target) = message.manner.target {
        put(object, "target", target.to_string());
    }
    if let Some(Style::Me) = message.manner.style {
        put(object, "style", "me");
    }
    if message.edited {
        put(object, "edited", true);
    }
    match &message.place {
        Place::Channel(channel) => {
            put(object, "channel", channel.as_str());
            put(object, "user", message.author.as_str());
            "message"
        }
        Place::Direct(with) => {
            put(object, "from", message.author.as_str());
            if let Some(to) = if message.own { Some(with) } else { user } {
                put(object, "to", to.as_str());
            }
            "direct"
        }
    }
}

fn notice_event(notice: &Notice, object: &mut Map<String, Value>) -> &'static str {
    match notice {
        Notice::Welcome { user, channels, .. } => {
            put(object, "user", user.as_str());
            put_channels(channels, object);
            "welcome"
        }
        Notice::Joined { channel, .. } => channel_event("joined", channel, object),
        Notice::Switched { channel } => channel_event("switched", channel, object),
        Notice::Talking { user } => {
            put(object, "user", user.as_str());
            "talking"
        }
        Notice::Alerting { place, level } => {
            put_place(place, "with", object);
            put(object, "level", level.map_or("usual", Level::as_str));
            "alerting"
        }
        Notice::Disturbing { is_on } => {
            put(object, "disturbs", *is_on);
            "disturbing"
        }
        Notice::Attending { is_away } => {
            put(object, "state", if *is_away { "away" } else { "online" });
            "attending"
        }
        Notice::TalkingNoMore { user, current } => {
            put(object, "user", user.as_str());
            put(object, "current", current.as_ref().map(ChannelName::as_str));
            "talking_no_more"
        }
        Notice::Left { channel, current } => {
            put(object, "current", current.as_ref().map(ChannelName::as_str));
            channel_event("left", channel, object)
        }
        Notice::Created { channel } => channel_event("created", channel, object),
        Notice::ServerLost { reason } => reason_event("server_lost", reason, object),
        Notice::ServerBack { kept } => {
            put(object, "kept", *kept);
            "server_back"
        }
        Notice::Secured { endpoint, key } => {
            put(object, "endpoint", endpoint.to_string());
            put(object, "known", key.to_string());
            "secured"
        }
        Notice::Distrusted(found) => distrusted_event(found, object),
        Notice::Governed { what, channel } => {
            put(object, "act", what.as_str());
            if let Some(user) = what.user() {
                put(object, "user", user.as_str());
            }
            if let Some(channel) = channel {
                put(object, "channel", channel.as_str());
            }
            "governed"
        }
        Notice::BrokerLost { reason } => reason_event("broker_lost", reason, object),
        Notice::NotAdmitted => "not_admitted",
        Notice::BrokerBack => "broker_back",
        Notice::Missing { place, first, last } => {
            put_place(place, "with", object);
            put(object, "first", *first);
            put(object, "last", *last);
            "missing"
        }
        Notice::EpochChanged { place } => {
            put_place(place, "with", object);
            "epoch_changed"
        }
        Notice::Malformed { topic, reason } => {
            put(object, "topic", topic.as_str());
            reason_event("malformed", reason, object)
        }
        Notice::Kept { lines } => {
            put(object, "lines", *lines);
            "kept"
        }
        Notice::KeptBefore { lines } => {
            put(object, "lines", *lines);
            "kept_before"
        }
        Notice::KeptForLater { lines } => {
            put(object, "lines", *lines);
            "kept_for_later"
        }
        Notice::KeptDamaged { copy } => {
            put(object, "copy", copy.as_str());
            "kept_damaged"
        }
        Notice::KeptElsewhere => "kept_elsewhere",
        Notice::KeepsNothing { reason } => reason_event("keeps_nothing", reason, object),
        Notice::Away { channel, count, shown } => {
            if let Some(channel) = channel {
                put(object, "channel", channel.as_str());
            }
            put(object, "count", *count);
            put(object, "shown", *shown);
            "away"
        }
        Notice::HowToQuit => "how_to_quit",
    }
}

fn failure_event(failure: &Failure, object: &mut Map<String, Value>) -> &'static str {
    put(object, "code", failure.code.as_str());
    put(object, "reason", wording::reason(Language::English, &failure.reason));
    if let Some(hint) = &failure.hint {
        put(object, "hint", wording::hint(Language::English, hint));
    }
    let what = match &failure.what {
        Attempt::Line => "line",
        Attempt::Send { to, text, id, ambiguous } => {
            if let Some(to) = to {
                put_place(to, "to", object);
            }
            put(object, "text", text.as_str());
            put(object, "ambiguous", *ambiguous);
            put_position(*id, None, None, object);
            "send"
        }
        Attempt::Join(channel) => channel_event("join", channel, object),
        Attempt::Leave(channel) => {
            if let Some(channel) = channel {
                put(object, "channel", channel.as_str());
            }
            "leave"
        }
        Attempt::Create(channel) => channel_event("create", channel, object),
        Attempt::Users => "users",
        Attempt::Channels => "channels",
        Attempt::History | Attempt::Older(_) => "history",
        Attempt::Search => "search",
        Attempt::Act => "act",
        Attempt::Govern => "govern",
    };
    put(object, "what", what);
    "failed"
}

fn distrusted_event(found: &Distrust, object: &mut Map<String, Value>) -> &'static str {
    let (endpoint, known, now) = match found {
        Distrust::Changed { endpoint, known, found } => (endpoint, Some(known), Some(found)),
        Distrust::Opened { endpoint, known } => (endpoint, Some(known), None),
        Distrust::Secured { endpoint, found } => (endpoint, None, Some(found)),
    };
    put(object, "endpoint", endpoint.to_string());
    for (name, key) in [("known", known), ("now", now)] {
        if let Some(key) = key {
            put(object, name, key.to_string());
        }
    }
    reason_event("distrusted", found.brief(), object)
}

fn channel_event(
    event: &'static str,
    channel: &ChannelName,
    object: &mut Map<String, Value>,
) -> &'static str {
    put(object, "channel", channel.as_str());
    event
}

fn reason_event(event: &'static str, reason: &str, object: &mut Map<String, Value>) -> &'static str {
    put(object, "reason", reason);
    event
}

fn put_channels(channels: &[ChannelName], object: &mut Map<String, Value>) {
    put(object, "channels", channels.iter().map(ChannelName::as_str).collect::<Vec<_>>());
}

fn put_place(place: &Place, user_key: &str, object: &mut Map<String, Value>) {
    match place {
        Place::Channel(channel) => put(object, "channel", channel.as_str()),
        Place::Direct(user) => put(object, user_key, user.as_str()),
    }
}

fn put_time(time_ms: i64, object: &mut Map<String, Value>) {
    let time = Timestamp::from_millisecond(time_ms).unwrap_or(Timestamp::UNIX_EPOCH);
    put(object, "time", format!("{time:.3}"));
}

fn put_position(
    id: Option<MessageId>,
    seq: Option<u64>,
    epoch: Option<Epoch>,
    object: &mut Map<String, Value>,
) {
    if let Some(id) = id {
        put(object, "id", id.to_string());
    }
    if let Some(seq) = seq {
        put(object, "seq", seq);
    }
    if let Some(epoch) = epoch {
        put(object, "epoch", epoch.as_u64());
    }
}

fn put(object: &mut Map<String, Value>, key: &str, value: impl Into<Value>) {
    object.insert(key.to_owned(), value.into());
}
