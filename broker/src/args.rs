//! The command line's options for the broker, as they were written. [`Config`] is what they come to.

use std::path::PathBuf;

use clap::ValueEnum;
use recado_zmtp::curve::KeyPair;
use recado_zmtp::{Endpoint, NamedEndpoint};

use crate::config::{Config, ConfigError};
use crate::limits::{LAST_VALUE_SIZE, Limits, SlowSubscriber};
use crate::units::{Size, Span};

/// All options of `recado broker`.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// All but `--open`.
    #[command(flatten)]
    pub options: Options,

    /// Listen on addresses that other machines can reach, without encryption and without asking who connects
    #[arg(long, env = "RECADO_OPEN")]
    pub open: bool,

    /// Encrypt all, and let in only whose key is known
    #[arg(long, env = "RECADO_SECURE")]
    pub secure: bool,

    /// File with the key pair of this installation, for --secure; made if there is none [default: installation.key in recado's folder among the user's data]
    #[arg(long, value_name = "FILE", env = "RECADO_KEY")]
    pub key: Option<PathBuf>,
}

/// The options that have a meaning of their own beside other parts' options.
#[derive(Clone, Debug, clap::Args)]
#[group(id = "broker-options")]
pub struct Options {
    /// Where publishers connect (XSUB): tcp://HOST:PORT or ipc://PATH
    #[arg(long, value_name = "ENDPOINT", env = "RECADO_PUBLISHERS", default_value = "tcp://127.0.0.1:5557")]
    pub publishers: Endpoint,

    /// Where subscribers connect (XPUB)
    #[arg(long, value_name = "ENDPOINT", env = "RECADO_SUBSCRIBERS", default_value = "tcp://127.0.0.1:5558")]
    pub subscribers: Endpoint,

    /// Where a plain bot, a program without CURVE, subscribes as the user NAME, with --secure: NAME=ipc://PATH, or NAME=tcp://127.0.0.1:PORT
    /// if everybody on this machine may be NAME; may be given more than once
    #[arg(long, value_name = "NAME=ENDPOINT", env = "RECADO_PLAIN_SUBSCRIBERS", value_delimiter = ',')]
    pub plain_subscribers: Vec<NamedEndpoint>,

    /// Where the broker's figures can be asked for, as `recado status` does; without it nowhere
    #[arg(long, value_name = "ENDPOINT", env = "RECADO_STATUS")]
    pub status: Option<Endpoint>,

    /// Threads that forward; if not given, one up to three cores, then half as many as there are cores, eight at most
    #[arg(long, value_name = "N", env = "RECADO_BROKER_WORKERS", default_value_t = Limits::default().workers, hide_default_value = true)]
    pub broker_workers: usize,

    /// Largest publication forwarded; who sends a larger one is disconnected
    #[arg(long, value_name = "SIZE", env = "RECADO_PUBLICATION_MAX", default_value_t = Size(Limits::default().message_bytes_max))]
    pub publication_max: Size,

    /// Most frames of a publication; who sends more is disconnected
    #[arg(long, value_name = "N", env = "RECADO_PUBLICATION_FRAMES_MAX", default_value_t = Limits::default().message_frames_max)]
    pub publication_frames_max: usize,

    /// What all publications may hold that have begun and not ended, at least twice --publication-max; beyond it, who leaves much
    /// unfinished for longest is disconnected
    #[arg(long, value_name = "SIZE", env = "RECADO_UNFINISHED_MAX", default_value_t = Size(Limits::default().inbound_bytes_max))]
    pub unfinished_max: Size,

    /// What may wait for one subscriber; at this mark the newest messages are dropped until half is left
    #[arg(long, value_name = "SIZE", env = "RECADO_SUBSCRIBER_QUEUE", default_value_t = Size(Limits::default().queue_bytes_max))]
    pub subscriber_queue: Size,

    /// How many messages may wait for one subscriber, as ZMQ_SNDHWM
    #[arg(long, value_name = "MESSAGES", env = "RECADO_SUBSCRIBER_QUEUE_MESSAGES", default_value_t = Limits::default().queue_messages_max)]
    pub subscriber_queue_messages: u64,

    /// What may wait for all subscribers together; beyond it, each may have an even share of half
    #[arg(long, value_name = "SIZE", env = "RECADO_SUBSCRIBER_QUEUES", default_value_t = Size(Limits::default().queue_bytes_total_max))]
    pub subscriber_queues: Size,

    /// What happens to a subscriber at its mark
    #[arg(long, value_name = "WHAT", env = "RECADO_SLOW_SUBSCRIBER", value_enum, default_value_t = SlowSubscriberArg::Drop)]
    pub slow_subscriber: SlowSubscriberArg,

    /// Never read publishers more slowly for the sake of slow subscribers: these lose at their mark, as with libzmq
    #[arg(long, env = "RECADO_NEVER_WAIT")]
    pub never_wait: bool,

    /// Longest topic that can be subscribed to
    #[arg(long, value_name = "SIZE", env = "RECADO_TOPIC_MAX", default_value_t = Size(Limits::default().topic_bytes_max))]
    pub topic_max: Size,

    /// Subscriptions of one connection
    #[arg(long, value_name = "N", env = "RECADO_SUBSCRIPTIONS_MAX", default_value_t = Limits::default().subscriptions_max)]
    pub subscriptions_max: usize,

    /// What all subscriptions may hold; beyond it, who has most of them is disconnected
    #[arg(long, value_name = "SIZE", env = "RECADO_SUBSCRIPTIONS_SIZE", default_value_t = Size(Limits::default().subscription_bytes_total_max))]
    pub subscriptions_size: Size,

    /// A message that every subscriber gets first, whatever it subscribes to
    #[arg(long, value_name = "TEXT", env = "RECADO_WELCOME_MESSAGE")]
    pub welcome_message: Option<String>,

    /// Keep the newest message of each topic; a new subscriber first gets those that match. Publishers are told that all is wanted.
    /// The topic is the first of two frames or more
    #[arg(long, env = "RECADO_LAST_VALUE")]
    pub last_value: bool,

    /// What these messages may hold; the topics that had none for longest are forgotten first
    #[arg(long, value_name = "SIZE", env = "RECADO_LAST_VALUE_SIZE", default_value_t = Size(LAST_VALUE_SIZE))]
    pub last_value_size: Size,

    /// Connections of publishers and subscribers together
    #[arg(long, value_name = "N", env = "RECADO_BROKER_CONNECTIONS_MAX", default_value_t = Limits::default().connections_max)]
    pub broker_connections_max: usize,

    /// The same from one address
    #[arg(long, value_name = "N", env = "RECADO_BROKER_CONNECTIONS_PER_ADDRESS", default_value_t = Limits::default().connections_per_address_max)]
    pub broker_connections_per_address: usize,

    /// The same of one user, subscribers alone, where security is on
    #[arg(long, value_name = "N", env = "RECADO_BROKER_CONNECTIONS_PER_USER", default_value_t = Limits::default().connections_per_user_max)]
    pub broker_connections_per_user: usize,

    /// Handshakes under way, for publishers and for subscribers; one address may have an eighth of them
    #[arg(long, value_name = "N", env = "RECADO_BROKER_HANDSHAKES_MAX", default_value_t = Limits::default().handshakes_max)]
    pub broker_handshakes_max: usize,

    /// Time for a handshake
    #[arg(long, value_name = "DURATION", env = "RECADO_BROKER_HANDSHAKE_TIMEOUT", default_value_t = Span(Limits::default().handshake_timeout))]
    pub broker_handshake_timeout: Span,

    /// Time between PINGs to a peer, and for its answer; 0s sends none
    #[arg(long, value_name = "DURATION", env = "RECADO_BROKER_HEARTBEAT", default_value_t = Span(Limits::default().heartbeat_timeout))]
    pub broker_heartbeat: Span,

    /// At the end, time for writing what waits for subscribers
    #[arg(long, value_name = "DURATION", env = "RECADO_BROKER_LINGER", default_value_t = Span(Limits::default().linger))]
    pub broker_linger: Span,

    /// Time between log lines with the broker's figures, if they have changed; 0s writes none
    #[arg(long, value_name = "DURATION", env = "RECADO_FIGURES_INTERVAL", default_value_t = Span(Limits::default().figures_interval.unwrap_or_default()))]
    pub figures_interval: Span,
}

/// [`SlowSubscriber`] on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SlowSubscriberArg {
    /// Drop the newest messages, count them, go on
    Drop,
    /// Disconnect it
    Disconnect,
}

impl From<SlowSubscriberArg> for SlowSubscriber {
    fn from(arg: SlowSubscriberArg) -> SlowSubscriber {
        match arg {
            SlowSubscriberArg::Drop => SlowSubscriber::Drop,
            SlowSubscriberArg::Disconnect => SlowSubscriber::Disconnect,
        }
    }
}

impl TryFrom<Args> for Config {
    type Error = ConfigError;

    fn try_from(args: Args) -> Result<Config, ConfigError> {
        args.options.into_config(args.open, None)
    }
}

impl Options {
    /// The configuration that these options come to, `--open` given or not; with the installation's keys where security is on.
    pub fn into_config(self, open: bool, keys: Option<KeyPair>) -> Result<Config, ConfigError> {
        let heartbeat = self.broker_heartbeat.0;
        let figures = self.figures_interval.0;
        let defaults = Limits::default();
        let limits = Limits {
            workers: self.broker_workers,
            message_bytes_max: self.publication_max.0,
            message_frames_max: self.publication_frames_max,
            inbound_bytes_max: self.unfinished_max.0.max(self.publication_max.0.saturating_mul(2)),
            subscription_bytes_total_max: self.subscriptions_size.0,
            last_value_bytes_max: self.last_value.then_some(self.last_value_size.0),
            connections_per_address_max: self.broker_connections_per_address,
            connections_per_user_max: self.broker_connections_per_user,
            handshakes_max: self.broker_handshakes_max,
            handshake_timeout: self.broker_handshake_timeout.0,
            topic_bytes_max: self.topic_max.0,
            subscriptions_max: self.subscriptions_max,
            queue_messages_max: self.subscriber_queue_messages,
            queue_bytes_max: self.subscriber_queue.0,
            queue_bytes_total_max: self.subscriber_queues.0,
            slow_subscriber: self.slow_subscriber.into(),
            publishers_wait: !self.never_wait,
            connections_max: self.broker_connections_max,
            heartbeat_interval: (!heartbeat.is_zero()).then_some(heartbeat),
            heartbeat_timeout: if heartbeat.is_zero() { defaults.heartbeat_timeout } else { heartbeat },
            linger: self.broker_linger.0,
            figures_interval: (!figures.is_zero()).then_some(figures),
        };
        let mut config = match keys {
            Some(keys) => Config::secured(self.publishers, self.subscribers, keys, limits)?,
            None => Config::new(self.publishers, self.subscribers, open, limits)?,
        };
        config = config.with_plain(self.plain_subscribers)?;
        if let Some(text) = self.welcome_message {
            config = config.with_welcome(&text)?;
        }
        match self.status {
            Some(endpoint) => config.with_status(endpoint),
            None => Ok(config),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use recado_zmtp::curve::KeyPair;

    use super::{Args, Config, Limits, SlowSubscriber};

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        args: Args,
    }

    fn read(line: &str) -> Result<Args, String> {
        let words = std::iter::once("broker").chain(line.split_whitespace());
        Cli::try_parse_from(words).map(|cli| cli.args).map_err(|error| error.to_string())
    }

    fn config(line: &str) -> Result<Config, String> {
        Config::try_from(read(line)?).map_err(|error| error.to_string())
    }

    #[test]
    fn without_options_it_is_the_default() {
        let config = config("").unwrap();
        assert_eq!(config.publishers().to_string(), "tcp://127.0.0.1:5557");
        assert_eq!(config.subscribers().to_string(), "tcp://127.0.0.1:5558");
        assert_eq!(*config.limits(), Limits::default());
        assert_eq!(config.status(), None);
    }

    #[test]
    fn options_become_limits() {
        let line = "--subscriber-queue 2MiB --slow-subscriber disconnect --broker-heartbeat 0s --topic-max 100B \
             --last-value --welcome-message hello --never-wait --broker-workers 3 --broker-connections-per-user 9 --figures-interval 0s --status tcp://127.0.0.1:7001";
        let config = config(line).unwrap();
        let limits = config.limits();
        assert_eq!((limits.queue_bytes_max, limits.topic_bytes_max), (2 << 20, 100));
        assert_eq!(limits.last_value_bytes_max, Some(super::LAST_VALUE_SIZE));
        assert_eq!((limits.workers, limits.publishers_wait), (3, false));
        assert_eq!(limits.connections_per_user_max, 9);
        assert_eq!(&config.welcome()[..], b"\x00\x05hello");
        assert_eq!((limits.slow_subscriber, limits.heartbeat_interval), (SlowSubscriber::Disconnect, None));
        assert_eq!(limits.figures_interval, None);
        assert_eq!(config.status().unwrap().to_string(), "tcp://127.0.0.1:7001");
    }

    #[test]
    fn plain_listeners_are_for_secured_brokers_and_for_this_machine() {
        let secured = |line: &str| {
            let cli = Cli::try_parse_from(std::iter::once("broker").chain(line.split_whitespace()));
            let options = cli.map_err(|error| error.to_string())?.args.options;
            options.into_config(false, Some(KeyPair::generate())).map_err(|error| error.to_string())
        };
        let given =
            secured("--plain-subscribers ci=ipc://a,log=tcp://127.0.0.1:* --plain-subscribers ci=ipc://b");
        let names: Vec<_> = given.unwrap().plain().iter().map(|plain| plain.name.clone()).collect();
        assert_eq!(names, ["ci", "log", "ci"]);
        let check = |line: &str, part: &str| {
            let error = secured(line).unwrap_err();
            assert!(error.contains(part), "{line}: {error}");
        };
        check("--plain-subscribers ci=tcp://0.0.0.0:1", "whoever reached it would be ci");
        check("--plain-subscribers ipc://a", "names nobody");
        check("--plain-subscribers ci=ipc://a,log=ipc://a", "same endpoint");
        check("--plain-subscribers ci=tcp://127.0.0.1:5558", "same endpoint");
        check("--plain-subscribers ci=ipc://a --status ipc://a", "same endpoint");
        let many: Vec<_> = (0..17).map(|number| format!("ci=ipc://{number}")).collect();
        check(&format!("--plain-subscribers {}", many.join(",")), "at most 16");
        let error = config("--plain-subscribers ci=ipc://a").unwrap_err();
        assert!(error.contains("add --secure"), "{error}");
    }

    #[test]
    fn what_cannot_be_is_refused_with_a_sentence() {
        let check = |line: &str, part: &str| {
            let error = config(line).unwrap_err();
            assert!(error.contains(part), "{line}: {error}");
        };
        check("--publishers tcp://0.0.0.0:1", "--open");
        check("--subscribers tcp://*:1", "--open");
        check("--publishers tcp://127.0.0.1:7000 --subscribers tcp://127.0.0.1:7000", "same");
        check("--status tcp://*:1", "--open");
        check("--status tcp://127.0.0.1:5557", "same");
        check("--subscribers ipc://a --status ipc://a", "same");
        check("--publishers nonsense", "nonsense");
        check("--subscriber-queue 5", "a size is");
        check("--subscriber-queue 10B", "at least");
        check("--subscriptions-max 0", "at least");
        check("--publication-max 0B", "at least");
        check("--broker-workers 0", "at least 1");
        check("--broker-connections-per-user 0", "at least 1");
        check("--broker-workers 65", "at most 64");
        let secured = read("--last-value").unwrap().options.into_config(false, Some(KeyPair::generate()));
        assert!(secured.unwrap_err().to_string().contains("Leave --last-value out"));
        assert!(config("--publishers tcp://0.0.0.0:1 --open").is_ok());
        assert!(config("--publishers tcp://127.0.0.1:0 --subscribers tcp://127.0.0.1:0").is_ok());
        assert!(config("--publishers tcp://127.0.0.1:0 --status tcp://127.0.0.1:0").is_ok());
    }
}
