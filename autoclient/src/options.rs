//! The options that make a load, on the command line and in a scenario.

use std::{ops::RangeInclusive, time::Duration};

use recado_client::duration;
use recado_proto::ChannelName;

use crate::{conditions::Conditions, profile::Profile, size::Size, units};

/// What makes a load. What is not given is as the next lower place has it: the scenario's phase, the scenario, the profile, the default.
#[derive(Clone, Debug, Default, PartialEq, clap::Args)]
pub struct Options {
    /// A load with a name; other options override what it says
    ///
    /// The users of a profile talk in conversations: these begin at random (Poisson), have two to five people each, and eight messages on average, two
    /// seconds apart on average. So messages come in bursts, and the rate holds on average.
    #[arg(long, value_name = "PROFILE", env = "RECADO_PROFILE", value_enum)]
    pub profile: Option<Profile>,

    /// How many users to simulate [default: 1, or the profile's]
    #[arg(long, value_name = "N", env = "RECADO_USERS")]
    pub users: Option<usize>,

    /// How many connections they share, each with server and broker [default: 8, or as many as there are users]
    #[arg(long, value_name = "N", env = "RECADO_CONNECTIONS")]
    pub connections: Option<usize>,

    /// How many of the connections subscribe to the channels; each hears every message [default: 4, or all]
    #[arg(long, value_name = "N", env = "RECADO_LISTENERS")]
    pub listeners: Option<usize>,

    /// Channels to talk in, separated by commas, or how many; created where missing [default: those that exist, or geral, tech and random]
    #[arg(long, value_name = "NAMES|N", env = "RECADO_CHANNELS", value_delimiter = ',', value_parser = ChannelName::parse)]
    pub channels: Vec<ChannelName>,

    /// Messages a second, in all, instead of ten and a pause; sent when they are due, whether earlier ones are answered or not
    #[arg(long, value_name = "MESSAGES_A_SECOND", env = "RECADO_RATE")]
    pub rate: Option<f64>,

    /// Pause of each user after ten messages, `5s` or a range [default: 5s..10s]
    #[arg(long, value_name = "DURATION", env = "RECADO_PAUSE", value_parser = units::duration_range)]
    pub pause: Option<RangeInclusive<Duration>>,

    /// Share of messages that go to another user of the run directly, as 0.1 or 10%
    #[arg(long, value_name = "SHARE", env = "RECADO_DIRECT", value_parser = units::share)]
    pub direct: Option<f64>,

    /// Length of each message: 128, 4KiB, any of 64..4KiB, or lognormal:MEDIAN,SIGMA [default: a phrase's own]
    #[arg(long, value_name = "SIZE", env = "RECADO_SIZE")]
    pub size: Option<Size>,

    /// How often a subscriber leaves a channel for a while and comes back to where it left: 10s, 6/min or 2/s
    #[arg(long, value_name = "INTERVAL|RATE", env = "RECADO_CHURN", value_parser = units::interval)]
    pub churn: Option<Duration>,

    /// How many subscribers take their messages slowly, fifty a second, while others talk: a number, or a share as 25%
    ///
    /// What they are owed is audited as everybody's, and its times do not count.
    #[arg(long, value_name = "N|SHARE", env = "RECADO_SLOW")]
    pub slow: Option<units::Part>,

    /// How long to send, as 500ms, 12s or 5m [default: until Ctrl-C]
    #[arg(long, value_name = "DURATION", env = "RECADO_DURATION", value_parser = duration::parse)]
    pub duration: Option<Duration>,

    /// How many messages to send in all [default: until Ctrl-C]
    #[arg(long, value_name = "N", env = "RECADO_MESSAGES")]
    pub messages: Option<u64>,

    /// For how long the rate rises from nothing to the whole
    #[arg(long, value_name = "DURATION", env = "RECADO_RAMP", value_parser = duration::parse)]
    pub ramp: Option<Duration>,

    /// Where all randomness comes from: the same seed, the same load [default: a random one]
    #[arg(long, value_name = "NUMBER", env = "RECADO_SEED")]
    pub seed: Option<u64>,

    /// How long the end waits while nothing arrives that is still owed [default: 30s, 3s with --no-repair]
    #[arg(long, value_name = "DURATION", env = "RECADO_DRAIN", value_parser = duration::parse)]
    pub drain: Option<Duration>,

    /// Do not fetch from history what was lost on its way, so that every loss counts
    #[arg(long, env = "RECADO_NO_REPAIR")]
    pub no_repair: bool,

    /// Judge deliveries alone: times do not matter, and a load client that was late itself makes no run INVALID
    #[arg(long, env = "RECADO_UNTIMED")]
    pub untimed: bool,

    /// Fail if one of these holds, as 'p99>20ms,lost>0'
    ///
    /// METRIC COMPARISON VALUE, separated by commas. Latencies: p50, p90, p95, p99, p99.9, p99.99 and max, end to end; ack.p99 from the intended send time to
    /// the reply, delivery.p99 from the reply to the delivery; with us, ms or s. Counts: attempted, acknowledged, stored, repaired, lost, repeated, ambiguous,
    /// refused, unsent, out_of_order, unknown, corrupt; also as a share, as ambiguous>0.1%. rate: acknowledged messages a second. lag: by how much the load
    /// client was late itself (p99). cpu: cores that it used. Comparisons: > >= < <=.
    #[arg(long, value_name = "CONDITIONS", env = "RECADO_FAIL_IF")]
    pub fail_if: Option<Conditions>,
}

impl Options {
    /// These, and where they say nothing, what the others say.
    pub fn or(self, lower: Options) -> Options {
        Options {
            profile: self.profile.or(lower.profile),
            users: self.users.or(lower.users),
            connections: self.connections.or(lower.connections),
            listeners: self.listeners.or(lower.listeners),
            channels: if self.channels.is_empty() { lower.channels } else { self.channels },
            // A profile's rate is meant where the profile is named.
            rate: self.rate.or(if self.profile.is_some() { None } else { lower.rate }),
            pause: self.pause.or(lower.pause),
            direct: self.direct.or(lower.direct),
            size: self.size.or(lower.size),
            churn: self.churn.or(lower.churn),
            slow: self.slow.or(lower.slow),
            duration: self.duration.or(lower.duration),
            messages: self.messages.or(lower.messages),
            ramp: self.ramp.or(lower.ramp),
            seed: self.seed.or(lower.seed),
            drain: self.drain.or(lower.drain),
            no_repair: self.no_repair || lower.no_repair,
            untimed: self.untimed || lower.untimed,
            fail_if: self.fail_if.or(lower.fail_if),
        }
    }
}
