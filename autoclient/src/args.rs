//! The command line of `recado autoclient`, as clap reads it. What it comes to is [`crate::Config`].

use std::{ops::RangeInclusive, time::Duration};

use recado_client::{Endpoint, duration};
use recado_proto::{ChannelName, UserName};

use crate::units;

/// What `recado autoclient` takes.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// Server to send requests to; may be given more than once
    #[arg(
        long,
        value_name = "ENDPOINT",
        env = "RECADO_SERVER",
        value_delimiter = ',',
        default_value = "tcp://127.0.0.1:5555"
    )]
    pub server: Vec<Endpoint>,

    /// Broker to listen at; may be given more than once
    #[arg(
        long,
        value_name = "ENDPOINT",
        env = "RECADO_BROKER",
        value_delimiter = ',',
        default_value = "tcp://127.0.0.1:5558"
    )]
    pub broker: Vec<Endpoint>,

    /// Name of the user; with --users the beginning of their names [default: a random one]
    #[arg(long, value_name = "NAME", env = "RECADO_USER", value_parser = UserName::parse)]
    pub user: Option<UserName>,

    /// How many users to simulate
    #[arg(long, value_name = "N", env = "RECADO_USERS", default_value_t = 1)]
    pub users: usize,

    /// How many connections they share, each a session with server and broker [default: 8, or as many as there are users]
    #[arg(long, value_name = "N", env = "RECADO_CONNECTIONS")]
    pub connections: Option<usize>,

    /// How many of the connections subscribe to the channels; each hears every message [default: 4]
    #[arg(long, value_name = "N", env = "RECADO_LISTENERS")]
    pub listeners: Option<usize>,

    /// Channels to talk in, separated by commas; created where missing [default: those that exist, or geral, tech and random]
    #[arg(long, value_name = "NAMES", env = "RECADO_CHANNELS", value_delimiter = ',', value_parser = ChannelName::parse)]
    pub channels: Vec<ChannelName>,

    /// Messages a second, in all, instead of ten and a pause
    #[arg(long, value_name = "MESSAGES_A_SECOND", env = "RECADO_RATE")]
    pub rate: Option<f64>,

    /// Pause of each user after ten messages, `5s` or a range
    #[arg(long, value_name = "DURATION", env = "RECADO_PAUSE", default_value = "5s..10s", value_parser = units::duration_range)]
    pub pause: RangeInclusive<Duration>,

    /// How long to send, as 500ms, 12s or 5m [default: until Ctrl-C]
    #[arg(long, value_name = "DURATION", env = "RECADO_DURATION", value_parser = duration::parse)]
    pub duration: Option<Duration>,

    /// How many messages to send in all [default: until Ctrl-C]
    #[arg(long, value_name = "N", env = "RECADO_MESSAGES")]
    pub messages: Option<u64>,

    /// Length of each message, as 128 or 4KiB [default: a phrase's own]
    #[arg(long, value_name = "SIZE", env = "RECADO_SIZE", value_parser = units::size)]
    pub size: Option<usize>,

    /// Where all randomness comes from: the same seed, the same load [default: a random one]
    #[arg(long, value_name = "NUMBER", env = "RECADO_SEED")]
    pub seed: Option<u64>,

    /// How long the end waits while nothing arrives that is still owed [default: 30s, 3s with --no-repair]
    #[arg(long, value_name = "DURATION", env = "RECADO_DRAIN", value_parser = duration::parse)]
    pub drain: Option<Duration>,

    /// Do not fetch from history what was lost on its way, so that every loss counts
    #[arg(long, env = "RECADO_NO_REPAIR")]
    pub no_repair: bool,
}
