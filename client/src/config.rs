//! The client's validated configuration.

use std::env;
use std::io::{self, IsTerminal};
use std::time::Duration;

use recado_proto::{ChannelName, UserName};
use thiserror::Error;

use crate::args::Args;
use crate::keys::Trust;
use crate::screen::{Keys, KeysError, Manner, Wishes};
use crate::session::SessionConfig;
use crate::view::colour::ColourWhen;
use crate::view::wording::{self, Hosted, Language};

/// What the terminal client needs to know before it begins.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where to connect; the user in it is not set.
    pub session: SessionConfig,
    /// This device's key, and which key the server must have.
    pub trust: Trust,
    /// Who one is, if it was said.
    pub user: Option<UserName>,
    /// The channel to join at the start, if it was said.
    pub channel: Option<ChannelName>,
    /// JSON lines instead of text.
    pub json: bool,
    /// On a terminal: one line after the other, without taking the screen.
    pub plain: bool,
    /// Go on when standard input has ended.
    pub listen: bool,
    /// End after this.
    pub duration: Option<Duration>,
    /// What was started for this chat, to be said first where the screen is taken, as what was printed before is out of sight then.
    pub hosted: Option<Hosted>,
    /// Messages to show on joining, if it was said.
    pub backlog: Option<u32>,
    /// Without a terminal: go on where the last run ended.
    pub resume: bool,
    /// What the chat speaks, if it was said.
    pub language: Option<Language>,
    /// It is said that one is not here, whatever one does.
    pub no_presence: bool,
    /// It is not said that one is typing.
    pub no_typing: bool,
    /// When to use colours.
    pub colour: ColourWhen,
    /// How it is where the screen is taken.
    pub screen: Manner,
}

/// Why arguments that can be read make no sense together. The program answers with usage and exit code 2.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ConfigError {
    /// No server was named.
    #[error("name at least one server: --server tcp://HOST:5555")]
    NoServer,
    /// No broker was named.
    #[error("name at least one broker: --broker tcp://HOST:5558")]
    NoBroker,
    /// An attempt that has no time.
    #[error("--request-timeout cannot be zero")]
    NoTime,
    /// Keys that cannot be set together.
    #[error("--key: {0}")]
    Keys(KeysError),
}

impl Config {
    /// What the chat speaks: see [`Language::decide`].
    pub fn spoken(&self) -> Language {
        Language::decide(self.language, self.is_on_terminal(), |name| env::var(name).ok())
    }

    /// What to say of what was started for this chat, in its language.
    pub fn say_hosted(&self, hosted: Hosted) -> String {
        wording::hosted(self.spoken(), hosted)
    }

    /// What to say to who is the first user of it, and so looks after it.
    pub fn say_founded(&self, user: &UserName) -> String {
        wording::founded(self.spoken(), user)
    }

    /// Whether a person chats, at a terminal that is read and written.
    pub(crate) fn is_on_terminal(&self) -> bool {
        io::stdin().is_terminal() && io::stdout().is_terminal() && !self.json
    }
}

impl TryFrom<Args> for Config {
    type Error = ConfigError;

    fn try_from(args: Args) -> Result<Self, ConfigError> {
        if args.server.is_empty() {
            return Err(ConfigError::NoServer);
        }
        if args.broker.is_empty() {
            return Err(ConfigError::NoBroker);
        }
        if args.request_timeout.is_zero() {
            return Err(ConfigError::NoTime);
        }
        let mut session = SessionConfig::new(args.server, args.broker);
        session.request_timeout = args.request_timeout;
        session.attempts_max = args.attempts;
        Ok(Self {
            session,
            trust: args.device.into(),
            user: args.user,
            channel: args.channel,
            json: args.json,
            plain: args.plain,
            hosted: None,
            listen: args.listen || args.duration.is_some(),
            duration: args.duration,
            backlog: args.backlog,
            resume: args.resume,
            language: args.language,
            no_presence: args.no_presence,
            no_typing: args.no_typing,
            colour: args.color,
            screen: Manner {
                theme: args.theme,
                times: args.times,
                mouse: args.mouse,
                keys: Keys::new(&args.key).map_err(ConfigError::Keys)?,
                notify_by: args.notify,
                wishes: Wishes {
                    do_not_disturb: args.do_not_disturb,
                    quiet_hours: args.quiet_hours,
                    keywords: args.keyword,
                    levels: args.alert,
                },
            },
        })
    }
}
