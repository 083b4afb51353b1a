//! What the automated client does, once it is known to be possible.

use std::time::Duration;

use rand::{RngExt, seq::IndexedRandom};
use recado_client::Endpoint;
use recado_proto::{ChannelName, NameError, UserName};
use thiserror::Error;

use crate::{
    args::Args,
    limits::{
        CHANNELS_MAX, CONNECTIONS_DEFAULT, CONNECTIONS_MAX, DRAIN_WAIT, DRAIN_WAIT_UNREPAIRED, MESSAGES_MAX,
        RATE_MAX, SUBSCRIBERS_DEFAULT, TEXT_BYTES_MAX, TEXT_BYTES_MIN, USERS_MAX,
    },
    schedule::Pace,
};

/// What a user without a name is called, before a random number.
const FIRST_NAMES: &[&str] =
    &["ana", "bia", "caio", "davi", "elisa", "gil", "iris", "joao", "lia", "rui", "tom", "vera"];

/// A validated run.
#[derive(Clone, Debug)]
pub struct Config {
    /// Servers to send to; at least one.
    pub servers: Vec<Endpoint>,
    /// Brokers to listen at; at least one.
    pub brokers: Vec<Endpoint>,
    /// The simulated users; at least one, no two the same.
    pub users: Vec<UserName>,
    /// How many connections they share.
    pub connections: usize,
    /// How many of those subscribe to the channels.
    pub subscribers: usize,
    /// Channels to talk in; with none those that exist, or the usual three.
    pub channels: Vec<ChannelName>,
    /// When users talk.
    pub pace: Pace,
    /// The length of each message in bytes, if not a phrase's own.
    pub text_bytes: Option<usize>,
    /// Where all randomness of the load comes from.
    pub seed: u64,
    /// How long to send; for ever if not said.
    pub duration: Option<Duration>,
    /// How many messages to send; without end if not said.
    pub messages: Option<u64>,
    /// Whether what was lost on its way is fetched from history.
    pub repair: bool,
    /// How long the end waits while nothing arrives that is still owed.
    pub drain: Duration,
    /// The options that make this load, as they are given on a command line, each with a space behind it; without the seed.
    pub given: String,
}

/// Why a command line makes no run. The caller's to mend.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// No users, or too many.
    #[error("--users must be from 1 to {USERS_MAX}")]
    Users,
    /// No connections, or too many.
    #[error("--connections must be from 1 to {CONNECTIONS_MAX}")]
    Connections,
    /// No subscribers, or more than connections can be.
    #[error("--listeners must be from 1 to {CONNECTIONS_MAX}")]
    Subscribers,
    /// No messages, or more than can be told apart.
    #[error("--messages must be at most {MESSAGES_MAX}")]
    Messages,
    /// Too many channels.
    #[error("--channels takes {CHANNELS_MAX} names at most")]
    Channels,
    /// A rate that is none or cannot be kept.
    #[error("--rate must be above 0 and at most {RATE_MAX} messages a second")]
    Rate,
    /// A message too short to be told from others, or longer than the protocol allows.
    #[error("--size must be from {TEXT_BYTES_MIN} to {TEXT_BYTES_MAX} bytes")]
    Size,
    /// A name too long to number the users with.
    #[error("--user cannot be numbered: {0}")]
    User(#[from] NameError),
}

impl TryFrom<Args> for Config {
    type Error = ConfigError;

    fn try_from(args: Args) -> Result<Config, ConfigError> {
        if !(1..=USERS_MAX).contains(&args.users) {
            return Err(ConfigError::Users);
        }
        let counts = 1..=CONNECTIONS_MAX;
        if args.connections.is_some_and(|count| !counts.contains(&count)) {
            return Err(ConfigError::Connections);
        }
        if args.listeners.is_some_and(|count| !counts.contains(&count)) {
            return Err(ConfigError::Subscribers);
        }
        if args.messages.is_some_and(|count| count > MESSAGES_MAX) {
            return Err(ConfigError::Messages);
        }
        if args.channels.len() > CHANNELS_MAX {
            return Err(ConfigError::Channels);
        }
        if args.rate.is_some_and(|rate| !(rate > 0.0 && rate <= RATE_MAX)) {
            return Err(ConfigError::Rate);
        }
        if args.size.is_some_and(|bytes| !(TEXT_BYTES_MIN..=TEXT_BYTES_MAX).contains(&bytes)) {
            return Err(ConfigError::Size);
        }
        let given = given(&args);
        let drain = if args.no_repair { DRAIN_WAIT_UNREPAIRED } else { DRAIN_WAIT };
        let mut channels = args.channels;
        channels.sort();
        channels.dedup();
        Ok(Config {
            servers: args.server,
            brokers: args.broker,
            users: names(args.user, args.users)?,
            connections: args.connections.unwrap_or(CONNECTIONS_DEFAULT).min(args.users),
            subscribers: args.listeners.unwrap_or(SUBSCRIBERS_DEFAULT),
            channels,
            pace: args.rate.map_or(Pace::Bursts(args.pause), Pace::Rate),
            text_bytes: args.size,
            seed: args.seed.unwrap_or_else(rand::random),
            duration: args.duration,
            messages: args.messages,
            repair: !args.no_repair,
            drain: args.drain.unwrap_or(drain),
            given,
        })
    }
}

/// The users' names. A random one does not depend on the seed, so that two runs of one seed can share a server.
fn names(base: Option<UserName>, count: usize) -> Result<Vec<UserName>, NameError> {
    let base = match base {
        Some(base) => base,
        None => {
            let mut random = rand::rng();
            let first = FIRST_NAMES.choose(&mut random).copied().unwrap_or("ana");
            UserName::parse(&format!("{first}-{:05}", random.random_range(0..100_000)))?
        }
    };
    match count {
        1 => Ok(vec![base]),
        _ => (1..=count).map(|number| UserName::parse(&format!("{base}-{number}"))).collect(),
    }
}

/// What of a command line makes its load.
fn given(args: &Args) -> String {
    let mut line = String::new();
    let mut add = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            line += &format!("--{name} {} ", quoted(&value));
        }
    };
    let shown = |duration: Duration| format!("{}ms", duration.as_millis());
    let joined = |names: Vec<String>| (!names.is_empty()).then(|| names.join(","));
    add("server", joined(args.server.iter().map(ToString::to_string).collect()));
    add("broker", joined(args.broker.iter().map(ToString::to_string).collect()));
    add("user", args.user.as_ref().map(ToString::to_string));
    add("users", (args.users > 1).then(|| args.users.to_string()));
    add("connections", args.connections.map(|count| count.to_string()));
    add("listeners", args.listeners.map(|count| count.to_string()));
    add("channels", joined(args.channels.iter().map(ToString::to_string).collect()));
    add("rate", args.rate.map(|rate| rate.to_string()));
    add(
        "pause",
        args.rate.is_none().then(|| format!("{}..{}", shown(*args.pause.start()), shown(*args.pause.end()))),
    );
    add("duration", args.duration.map(shown));
    add("messages", args.messages.map(|count| count.to_string()));
    add("size", args.size.map(|bytes| bytes.to_string()));
    if args.no_repair {
        line += "--no-repair ";
    }
    line
}

/// A word as a shell reads it back.
fn quoted(word: &str) -> String {
    if !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || "_-./:,=%+@".contains(c)) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }

    fn config(line: &str) -> Result<Config, ConfigError> {
        Config::try_from(
            Line::try_parse_from(["autoclient"].into_iter().chain(line.split_whitespace())).unwrap().args,
        )
    }

    #[test]
    fn without_options_it_does_what_it_always_did() {
        let config = config("").unwrap();
        assert_eq!((config.users.len(), config.channels.len()), (1, 0));
        assert_eq!(config.pace, Pace::Bursts(Duration::from_secs(5)..=Duration::from_secs(10)));
        assert_eq!(
            (config.duration, config.messages, config.text_bytes, config.repair),
            (None, None, None, true)
        );
    }

    #[test]
    fn two_runs_have_different_users_and_loads() {
        let runs: Vec<_> = (0..20).map(|_| config("").unwrap()).collect();
        assert!(
            runs.iter().any(|run| run.users != runs[0].users)
                && runs.iter().any(|run| run.seed != runs[0].seed)
        );
    }

    #[test]
    fn several_users_are_numbered() {
        let names: Vec<_> =
            config("--user bot --users 3").unwrap().users.iter().map(ToString::to_string).collect();
        assert_eq!(names, ["bot-1", "bot-2", "bot-3"]);
    }

    #[test]
    fn what_cannot_be_done_is_refused_with_the_option_to_blame() {
        let long = "x".repeat(64);
        let cases = [
            ("--users 0", "--users"),
            ("--users 1000000", "--users"),
            ("--rate 0", "--rate"),
            ("--rate NaN", "--rate"),
            ("--size 3", "--size"),
            ("--size 16MB", "--size"),
            (&format!("--user {long} --users 2"), "--user"),
        ];
        for (line, blamed) in cases {
            let error = config(line).unwrap_err().to_string();
            assert!(error.starts_with(blamed), "{line}: {error}");
        }
    }

    #[test]
    fn a_channel_named_twice_is_one() {
        assert_eq!(config("--channels b,a,b").unwrap().channels.len(), 2);
    }
}
