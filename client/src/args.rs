//! The command line of `recado client`, as clap reads it. What it comes to is [`crate::Config`].

use std::time::Duration;

use recado_proto::{ChannelName, UserName};
use recado_zmtp::Endpoint;

use crate::duration;
use crate::keys::DeviceArgs;
use crate::screen::{KeySetting, LevelSetting, NotifyBy, QuietHours};
use crate::view::colour::{ColourWhen, Theme};
use crate::view::times::Times;
use crate::view::wording::Language;

/// What `recado client` takes.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = EXAMPLES, after_long_help = concat_examples_and_events())]
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

    /// Broker to receive messages from; may be given more than once
    #[arg(
        long,
        value_name = "ENDPOINT",
        env = "RECADO_BROKER",
        value_delimiter = ',',
        default_value = "tcp://127.0.0.1:5558"
    )]
    pub broker: Vec<Endpoint>,

    /// Who you are; asked for on a terminal if it is not given
    #[arg(short, long, value_name = "NAME", env = "RECADO_USER", value_parser = UserName::parse)]
    pub user: Option<UserName>,

    /// With which key one comes, and which the server must have.
    #[command(flatten)]
    pub device: DeviceArgs,

    /// Channel to join at the start [default on a terminal: geral, if there is one]
    #[arg(short, long, value_name = "NAME", env = "RECADO_CHANNEL", value_parser = ChannelName::parse)]
    pub channel: Option<ChannelName>,

    /// Print one JSON object a line, and take no terminal's comforts
    #[arg(long, env = "RECADO_JSON")]
    pub json: bool,

    /// On a terminal: print one line after the other instead of taking the whole screen; for screen readers and simple terminals
    #[arg(long, env = "RECADO_PLAIN")]
    pub plain: bool,

    /// Go on listening when standard input has ended, until Ctrl-C or --duration
    #[arg(long, env = "RECADO_LISTEN")]
    pub listen: bool,

    /// How long to listen, as 500ms, 12s or 5m; then it ends. Implies --listen
    #[arg(long, value_name = "DURATION", env = "RECADO_DURATION", value_parser = duration::parse)]
    pub duration: Option<Duration>,

    /// Messages to show on joining a channel [default: 20 on a terminal, otherwise 0]
    #[arg(long, value_name = "N", env = "RECADO_BACKLOG", value_parser = clap::value_parser!(u32).range(0..=1000))]
    pub backlog: Option<u32>,

    /// Go on where the last run ended: send what had no answer, and print what came since; on a terminal always
    #[arg(long, env = "RECADO_RESUME")]
    pub resume: bool,

    /// What the chat speaks [default: what LC_ALL, LC_MESSAGES or LANG say on a terminal, otherwise en]
    #[arg(long, value_name = "LANGUAGE", env = "RECADO_LANGUAGE", ignore_case = true)]
    pub language: Option<Language>,

    /// When to use colours; NO_COLOR, CLICOLOR and TERM=dumb are respected
    #[arg(long, value_name = "WHEN", env = "RECADO_COLOR", default_value = "auto")]
    pub color: ColourWhen,

    /// Which colours, on the whole screen
    #[arg(long, value_name = "THEME", env = "RECADO_THEME", default_value = "any")]
    pub theme: Theme,

    /// How the whole screen shows when a message was written
    #[arg(long, value_name = "HOW", env = "RECADO_TIMES", default_value = "clock")]
    pub times: Times,

    /// Let clicks and the wheel do something on the whole screen; select text with Shift held then
    #[arg(long, env = "RECADO_MOUSE")]
    pub mouse: bool,

    /// Another key for something that the full screen does, as switcher=ctrl+g; F1 there shows all keys. May be given more than once
    #[arg(long, value_name = "ACTION=KEY", env = "RECADO_KEYS", value_delimiter = ',')]
    pub key: Vec<KeySetting>,

    /// How the full screen tells you of what you do not look at, beside the bell
    #[arg(long, value_name = "HOW", env = "RECADO_NOTIFY", default_value = "auto")]
    pub notify: NotifyBy,

    /// What of a conversation it tells you: #CHANNEL or @USER, = and all, mentions or none. May be given more than once
    #[arg(long, value_name = "CONVERSATION=LEVEL", env = "RECADO_ALERT", value_delimiter = ',')]
    pub alert: Vec<LevelSetting>,

    /// A word that counts as your name does; may be given more than once
    #[arg(long, value_name = "WORD", env = "RECADO_KEYWORD", value_delimiter = ',')]
    pub keyword: Vec<String>,

    /// When to make no sound and no notification, as 22:00-07:30
    #[arg(long, value_name = "FROM-TO", env = "RECADO_QUIET_HOURS")]
    pub quiet_hours: Option<QuietHours>,

    /// Make no sound and no notification at all
    #[arg(long, env = "RECADO_DO_NOT_DISTURB")]
    pub do_not_disturb: bool,

    /// Say to others neither that you are here nor that you are away, but always that you are not
    #[arg(long, env = "RECADO_NO_PRESENCE")]
    pub no_presence: bool,

    /// Do not say to others that you are typing
    #[arg(long, env = "RECADO_NO_TYPING")]
    pub no_typing: bool,

    /// How long one attempt of a request waits for its answer
    #[arg(long, value_name = "DURATION", env = "RECADO_REQUEST_TIMEOUT", default_value = "3s", value_parser = duration::parse)]
    pub request_timeout: Duration,

    /// How often a request is attempted in all
    #[arg(long, value_name = "N", env = "RECADO_ATTEMPTS", default_value_t = crate::limits::ATTEMPTS_MAX, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub attempts: u32,
}

const EXAMPLES: &str = "\
Examples:
  recado client                          chat on this terminal
  recado client --user ana --server tcp://host:5555 --broker tcp://host:5558
  echo 'the build is green' | recado client --user ci --channel geral
  echo '/msg ana lunch?' | recado client --user bob
  echo '/history 100' | recado client --user ana --channel geral
  recado client --user log --channel geral --json --listen </dev/null

Without a terminal each line of standard input is a message or a command, as
on a terminal (/help lists them). At the end of input it waits for what is
under way and ends: 0 if all went well, 1 if something failed, 2 if it was
used wrongly. Messages and lists go to standard output, everything else to
standard error.";

/// What `--json` writes, for the help.
pub(crate) const EVENTS: &str = "\
With --json everything goes to standard output, one object a line, each with
`event` and these keys; those in brackets may be missing, more may come:
  message   channel user text time [id seq epoch target style edited] earlier own
  direct    from to text time [id seq epoch target style edited] earlier own
  act       kind user text time channel or with [target id seq epoch] own
  topic     channel [text user time]
  sent      channel or to, id [seq epoch]: the server has your message
  failed    what code reason [hint channel to text id ambiguous]
  users     users
  channels  channels joined current
  who       online away: names, as /who lists them
  history   channel or with, count; its messages follow, then history_end
  search    words count partial behind; what was found follows:
  found     number snippet, and the keys of message or direct
  members   channel users private [owner], as /members lists them
  device    link: with what another device of yours joins
  jump      channel or with, id count; messages around it follow, then history_end
  welcome, joined, switched, talking, talking_no_more, left, created, backlog,
  server_lost, server_back, broker_lost, not_admitted, broker_back, secured,
  missing, epoch_changed, malformed, kept, help, mentions, away, kept_before,
  kept_for_later, kept_damaged, kept_elsewhere, keeps_nothing, attending, alerting,
  disturbing, governed, distrusted
`time` is RFC 3339 in UTC with milliseconds. docs/scripting.md has each key.";

fn concat_examples_and_events() -> String {
    format!("{EXAMPLES}\n\n{EVENTS}")
}
