//! What the automated client does, once it is known to be possible.

use std::{fs, io, path::PathBuf, time::Duration};

use rand::{RngExt, seq::IndexedRandom};
use recado_client::{Endpoint, keys::Trust};
use recado_proto::{ChannelName, NameError, UserName};
use thiserror::Error;

use crate::{
    args::Args,
    conditions::Conditions,
    limits::{
        CHANNELS_MAX, CONNECTIONS_DEFAULT, CONNECTIONS_MAX, DRAIN_WAIT, DRAIN_WAIT_UNREPAIRED,
        LISTENERS_DEFAULT, MESSAGES_MAX, PAUSE_DEFAULT, PHASES_MAX, RATE_MAX, USERS_MAX,
    },
    options::Options,
    replay,
    scenario::{PhaseOptions, Scenario, ScenarioError},
    schedule::Pace,
    size::Size,
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
    /// This device's key, and which key the server must have.
    pub trust: Trust,
    /// The simulated users; at least one, no two the same.
    pub users: Vec<UserName>,
    /// How many connections they share.
    pub connections: usize,
    /// How many of those subscribe to the channels.
    pub listeners: usize,
    /// How many of those take their messages slowly.
    pub slow: usize,
    /// How often one of them leaves a channel for a while.
    pub churn: Option<Duration>,
    /// Channels to talk in; with none those that exist, or the usual three.
    pub channels: Vec<ChannelName>,
    /// The load, one phase at least.
    pub phases: Vec<PhaseConfig>,
    /// Where all randomness of the load comes from.
    pub seed: u64,
    /// Whether what was lost on its way is fetched from history.
    pub repair: bool,
    /// How long the end waits while nothing arrives that is still owed.
    pub drain: Duration,
    /// Whether it does not matter that the load client was late itself.
    pub untimed: bool,
    /// When the run fails although nothing is lost.
    pub fail_if: Conditions,
    /// The command line that plays the same load again.
    pub replay: String,
}

/// A validated part of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct PhaseConfig {
    /// What it is called.
    pub name: String,
    /// When users talk.
    pub pace: Pace,
    /// The length of each message.
    pub size: Size,
    /// The share of messages that go to another user directly.
    pub direct: f64,
    /// How long it takes; without that as long as its messages do.
    pub duration: Option<Duration>,
    /// How many messages it has at most; without that and a duration it never ends.
    pub messages: Option<u64>,
    /// For how long the rate rises.
    pub ramp: Duration,
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
    Listeners,
    /// More messages than can be told apart.
    #[error("--messages must be at most {MESSAGES_MAX}")]
    Messages,
    /// Too many channels.
    #[error("--channels takes {CHANNELS_MAX} at most")]
    Channels,
    /// No channels at all.
    #[error("--channels 0 leaves nowhere to talk")]
    NoChannels,
    /// A rate that is none or cannot be kept.
    #[error("--rate must be above 0 and at most {RATE_MAX} messages a second")]
    Rate,
    /// A phase that never ends before others.
    #[error("the phase {name} never ends: give it a duration, or a number of messages")]
    Endless {
        /// Which.
        name: String,
    },
    /// Too many phases.
    #[error("a scenario has {PHASES_MAX} phases at most")]
    Phases,
    /// Nobody to write to.
    #[error("--direct needs two users at least: give --users")]
    Direct,
    /// Whoever comes back could not be given what was said meanwhile.
    #[error("--churn needs repair: leave out --no-repair")]
    Churn,
    /// A name too long to number the users with.
    #[error("--user cannot be numbered: {0}")]
    User(#[from] NameError),
    /// The scenario cannot be read.
    #[error("cannot read the scenario {}", file.display())]
    Unreadable {
        /// Its file.
        file: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The scenario is none.
    #[error("{}, {source}", file.display())]
    Scenario {
        /// Its file.
        file: PathBuf,
        /// What is wrong, and where.
        source: ScenarioError,
    },
}

impl TryFrom<Args> for Config {
    type Error = ConfigError;

    fn try_from(args: Args) -> Result<Config, ConfigError> {
        let scenario = match &args.scenario {
            Some(file) => read(file)?,
            None => Scenario::default(),
        };
        let seed = args.options.seed.or(scenario.options.seed).unwrap_or_else(rand::random);
        let replay = replay::line(&args, seed);
        let given = args.options.clone();
        let common = args.options.or(scenario.options.clone());
        let users = common.users.or(common.profile.map(|profile| profile.users())).unwrap_or(1);
        if !(1..=USERS_MAX).contains(&users) {
            return Err(ConfigError::Users);
        }
        let bounded = |count: Option<usize>| count.is_none_or(|count| (1..=CONNECTIONS_MAX).contains(&count));
        if !bounded(common.connections) {
            return Err(ConfigError::Connections);
        }
        if !bounded(common.listeners) {
            return Err(ConfigError::Listeners);
        }
        if common.churn.is_some() && common.no_repair {
            return Err(ConfigError::Churn);
        }
        let phases = phases(&given, scenario, users)?;
        let connections = common.connections.unwrap_or(CONNECTIONS_DEFAULT).min(users);
        let listeners = common.listeners.unwrap_or(LISTENERS_DEFAULT).min(connections);
        let patience = if common.no_repair { DRAIN_WAIT_UNREPAIRED } else { DRAIN_WAIT };
        Ok(Config {
            servers: args.server,
            brokers: args.broker,
            trust: args.device.into(),
            users: names(args.user, users)?,
            connections,
            listeners,
            slow: common.slow.map_or(0, |part| part.of(listeners)),
            churn: common.churn,
            channels: channels(common.channels)?,
            phases,
            seed,
            repair: !common.no_repair,
            drain: common.drain.unwrap_or(patience),
            untimed: common.untimed,
            fail_if: common.fail_if.unwrap_or_default(),
            replay,
        })
    }
}

fn read(file: &PathBuf) -> Result<Scenario, ConfigError> {
    let text =
        fs::read_to_string(file).map_err(|source| ConfigError::Unreadable { file: file.clone(), source })?;
    Scenario::read(&text).map_err(|source| ConfigError::Scenario { file: file.clone(), source })
}

/// Each phase: what is given on the command line, then what the phase says, then what the scenario says.
fn phases(given: &Options, scenario: Scenario, users: usize) -> Result<Vec<PhaseConfig>, ConfigError> {
    let mut parts = scenario.phases;
    if parts.len() > PHASES_MAX {
        return Err(ConfigError::Phases);
    }
    if parts.is_empty() {
        parts.push(PhaseOptions::default());
    }
    let last = parts.len();
    let mut phases = Vec::with_capacity(last);
    for (number, part) in (1..).zip(parts) {
        let options = given.clone().or(part.options).or(scenario.options.clone());
        let name = part.name.unwrap_or_else(|| number.to_string());
        let phase = phase(name, options, users)?;
        if number < last && phase.duration.is_none() && phase.messages.is_none() {
            return Err(ConfigError::Endless { name: phase.name });
        }
        phases.push(phase);
    }
    Ok(phases)
}

fn phase(name: String, options: Options, users: usize) -> Result<PhaseConfig, ConfigError> {
    let rate = options.rate.or(options.profile.map(|profile| profile.rate(users)));
    if rate.is_some_and(|rate| !(rate > 0.0 && rate <= RATE_MAX)) {
        return Err(ConfigError::Rate);
    }
    if options.messages.is_some_and(|count| count > MESSAGES_MAX) {
        return Err(ConfigError::Messages);
    }
    let direct = options.direct.unwrap_or(0.0);
    if direct > 0.0 && users < 2 {
        return Err(ConfigError::Direct);
    }
    let pace = match (rate, options.profile) {
        (Some(rate), Some(_)) => Pace::Clusters(rate),
        (Some(rate), None) => Pace::Rate(rate),
        (None, _) => Pace::Bursts(options.pause.unwrap_or(PAUSE_DEFAULT)),
    };
    Ok(PhaseConfig {
        name,
        pace,
        size: options.size.unwrap_or_default(),
        direct,
        duration: options.duration,
        messages: options.messages,
        ramp: options.ramp.unwrap_or_default(),
    })
}

/// The channels' names; a number alone is so many.
fn channels(mut channels: Vec<ChannelName>) -> Result<Vec<ChannelName>, ConfigError> {
    if let [count] = &channels[..]
        && let Ok(count) = count.as_str().parse::<usize>()
    {
        if count == 0 {
            return Err(ConfigError::NoChannels);
        }
        let numbered =
            (1..=count.min(CHANNELS_MAX + 1)).map(|number| ChannelName::parse(&format!("load-{number}")));
        channels = numbered.collect::<Result<_, _>>()?;
    }
    if channels.len() > CHANNELS_MAX {
        return Err(ConfigError::Channels);
    }
    channels.sort();
    channels.dedup();
    Ok(channels)
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

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }

    fn args(line: &str) -> Args {
        Line::try_parse_from(["autoclient"].into_iter().chain(line.split_whitespace())).unwrap().args
    }

    fn config(line: &str) -> Result<Config, ConfigError> {
        Config::try_from(args(line))
    }

    /// What the command line makes of a scenario.
    fn with_scenario(line: &str, text: &str) -> Result<Config, ConfigError> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("load.toml");
        fs::write(&file, text).unwrap();
        Config::try_from(Args { scenario: Some(file), ..args(line) })
    }

    #[test]
    fn without_options_it_does_what_it_always_did() {
        let config = config("").unwrap();
        assert_eq!((config.users.len(), config.channels.len(), config.connections), (1, 0, 1));
        let [phase] = &config.phases[..] else { panic!("{:?}", config.phases) };
        assert_eq!(phase.pace, Pace::Bursts(Duration::from_secs(5)..=Duration::from_secs(10)));
        assert_eq!((phase.duration, phase.messages, phase.size), (None, None, Size::Phrase));
        assert!(config.repair);
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
    fn several_users_are_numbered_and_so_are_channels_of_a_number() {
        let config = config("--user bot --users 3 --channels 2").unwrap();
        let names: Vec<_> = config.users.iter().map(ToString::to_string).collect();
        assert_eq!(names, ["bot-1", "bot-2", "bot-3"]);
        let names: Vec<_> = config.channels.iter().map(ToString::to_string).collect();
        assert_eq!(names, ["load-1", "load-2"]);
    }

    #[test]
    fn a_profile_is_overridden_by_what_is_given() {
        let pace = |line| config(line).unwrap().phases[0].pace.clone();
        assert_eq!(pace("--profile moderate"), Pace::Clusters(50.0 * 2.0 / 60.0));
        assert_eq!(pace("--profile moderate --users 300"), Pace::Clusters(10.0));
        assert_eq!(pace("--profile moderate --rate 7"), Pace::Clusters(7.0));
        let flood = config("--profile flood").unwrap();
        assert_eq!((flood.users.len(), flood.connections, flood.listeners), (10_000, 8, 4));
    }

    #[test]
    fn the_command_line_wins_over_the_phase_and_the_phase_over_the_scenario() {
        let text = "rate = 5\nsize = 64\nusers = 4\n[[phase]]\nname = 'warm'\nduration = '1s'\n[[phase]]\nrate = 50\nprofile = 'busy'\n";
        let phases = with_scenario("", text).unwrap().phases;
        assert_eq!(
            (phases[0].name.as_str(), &phases[0].pace, phases[0].size),
            ("warm", &Pace::Rate(5.0), Size::Fixed(64))
        );
        assert_eq!((phases[1].name.as_str(), &phases[1].pace), ("2", &Pace::Clusters(50.0)));
        let config = with_scenario("--rate 9 --users 2 --duration 3s", text).unwrap();
        assert_eq!(config.users.len(), 2);
        assert_eq!(
            (&config.phases[0].pace, &config.phases[1].pace),
            (&Pace::Rate(9.0), &Pace::Clusters(9.0))
        );
        assert!(config.phases.iter().all(|phase| phase.duration == Some(Duration::from_secs(3))));
    }

    #[test]
    fn what_is_wrong_with_a_scenario_is_said_with_file_and_line() {
        let error = with_scenario("", "users = 4\nspeed = 3\n").unwrap_err().to_string();
        assert!(error.contains("load.toml, line 2: there is no `speed`"), "{error}");
        let error =
            with_scenario("", "rate = 3\n[[phase]]\nname = 'a'\n[[phase]]\n").unwrap_err().to_string();
        assert!(error.contains("the phase a never ends"), "{error}");
        assert!(config("--scenario /nowhere.toml").unwrap_err().to_string().contains("cannot read"));
    }

    #[test]
    fn what_cannot_be_done_is_refused_with_the_option_to_blame() {
        let long = "x".repeat(64);
        let cases = [
            ("--users 0", "--users"),
            ("--users 1000000", "--users"),
            ("--connections 65", "--connections"),
            ("--listeners 0", "--listeners"),
            ("--channels 1001", "--channels"),
            ("--channels 0", "--channels"),
            ("--rate 0", "--rate"),
            ("--rate NaN", "--rate"),
            ("--messages 9000000000000", "--messages"),
            ("--direct 10%", "--direct"),
            ("--churn 1s --no-repair", "--churn"),
            (&format!("--user {long} --users 2"), "--user"),
        ];
        for (line, blamed) in cases {
            let error = config(line).unwrap_err().to_string();
            assert!(error.starts_with(blamed), "{line}: {error}");
        }
        for line in
            ["--size 3", "--size 16MB", "--fail-if speed>1", "--direct 2", "--churn 0s", "--profile calm"]
        {
            assert!(Line::try_parse_from(["autoclient"].into_iter().chain(line.split_whitespace())).is_err());
        }
    }

    #[test]
    fn a_channel_named_twice_is_one() {
        assert_eq!(config("--channels b,a,b").unwrap().channels.len(), 2);
    }
}
