//! What the subcommands for programs have in common: where the server is, who asks, and how what is found is written.

use std::io;
use std::time::Duration;

use jiff::Zoned;
use recado_proto::{Publication, UserName};
use recado_zmtp::Endpoint;
use thiserror::Error;
use tokio_util::sync::CancellationToken;

use crate::chat::item::{Item, Message, Place};
use crate::config::ConfigError;
use crate::duration;
use crate::entry::Entry;
use crate::error::Error;
use crate::keys::DeviceArgs;
use crate::lines::Output;
use crate::session::{Session, SessionConfig};
use crate::view::colour::{ColourWhen, Palette};
use crate::view::json;
use crate::view::plain::{PlainView, Stream};
use crate::view::wording::Language;

/// Where the server is, who asks, and how patiently.
#[derive(Clone, Debug, clap::Args)]
pub struct ServerArgs {
    /// Server to send requests to; may be given more than once
    #[arg(
        long,
        value_name = "ENDPOINT",
        env = "RECADO_SERVER",
        value_delimiter = ',',
        default_value = "tcp://127.0.0.1:5555"
    )]
    pub server: Vec<Endpoint>,

    /// Who you are
    #[arg(short, long, value_name = "NAME", env = "RECADO_USER", value_parser = UserName::parse)]
    pub user: Option<UserName>,

    /// With which key one comes, and which the server must have.
    #[command(flatten)]
    pub device: DeviceArgs,

    /// How long one attempt of a request waits for its answer
    #[arg(long, value_name = "DURATION", env = "RECADO_REQUEST_TIMEOUT", default_value = "3s", value_parser = duration::parse)]
    pub request_timeout: Duration,

    /// How often a request is attempted in all
    #[arg(long, value_name = "N", env = "RECADO_ATTEMPTS", default_value_t = crate::limits::ATTEMPTS_MAX, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub attempts: u32,
}

impl ServerArgs {
    /// How these arguments ask to come to a session.
    pub(crate) fn entry(self, brokers: Vec<Endpoint>) -> Result<Entry, ConfigError> {
        if self.server.is_empty() {
            return Err(ConfigError::NoServer);
        }
        if self.request_timeout.is_zero() {
            return Err(ConfigError::NoTime);
        }
        let mut session = SessionConfig::new(self.server, brokers);
        session.request_timeout = self.request_timeout;
        session.attempts_max = self.attempts;
        Ok(Entry { session, trust: self.device.into(), named: self.user })
    }
}

/// Why a subcommand cannot begin: bad usage, exit code 2.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ProgramError {
    /// The connection's arguments make no sense together.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// No text, where one is to be sent.
    #[error("there is nothing to send: write a text, or --stdin")]
    NoText,
}

/// Standard output and standard error, as text or as JSON lines.
pub(crate) struct Printer {
    output: Output,
    view: View,
}

enum View {
    Plain(PlainView),
    Json(Option<UserName>),
}

impl Printer {
    /// `user` is who asks, if that matters.
    pub(crate) fn new(json: bool, user: Option<&UserName>) -> Result<Self, Error> {
        let view = match json {
            true => View::Json(user.cloned()),
            false => {
                let palette = Palette::decide(ColourWhen::Never, false);
                View::Plain(PlainView::for_pipe(palette, Language::English, &Zoned::now()))
            }
        };
        Ok(Self { output: Output::spawn().map_err(Error::Terminal)?, view })
    }

    /// Shows the item. False when nobody reads any more.
    pub(crate) async fn show(&mut self, item: &Item) -> Result<bool, Error> {
        let (stream, lines) = match &mut self.view {
            View::Json(user) => (Stream::Output, json::render_for(item, user.as_ref())),
            View::Plain(view) => match view.render(item) {
                Some((_, lines)) if lines.is_empty() => return Ok(true),
                Some(rendered) => rendered,
                None => return Ok(true),
            },
        };
        self.write(stream, lines).await
    }

    /// As [`Printer::show`], as JSON on the stream that is named.
    pub(crate) async fn show_on(&mut self, stream: Stream, item: &Item) -> Result<bool, Error> {
        match &self.view {
            View::Json(user) => self.write(stream, json::render_for(item, user.as_ref())).await,
            View::Plain(_) => self.show(item).await,
        }
    }

    /// Waits until nothing can be written any more.
    pub(crate) async fn closed(&self) {
        self.output.closed().await;
    }

    /// Writes lines as they are. False when nobody reads any more.
    pub(crate) async fn write(&mut self, stream: Stream, lines: String) -> Result<bool, Error> {
        match self.output.write(stream, lines).await {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
            Err(error) => Err(Error::Terminal(error)),
        }
    }

    /// Whether it writes JSON.
    pub(crate) fn is_json(&self) -> bool {
        matches!(self.view, View::Json(_))
    }

    /// Waits until all is written, or nobody reads any more.
    pub(crate) async fn finish(self) -> Result<(), Error> {
        match self.output.finish().await {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Error::Terminal(error)),
            Ok(()) | Err(_) => Ok(()),
        }
    }
}

/// Has `print` print what it finds in a session of its own, until it has, or `shutdown` is cancelled; what was printed by then is
/// written either way.
pub(super) async fn printing(
    mut entry: Entry,
    json: bool,
    shutdown: CancellationToken,
    print: impl AsyncFnOnce(&Session, &UserName, &mut Printer) -> Result<(), Error>,
) -> Result<(), Error> {
    let come = async {
        let (session, events) = entry.connect_as_somebody().await?;
        let user = entry.introduce(&session).await?;
        Ok::<_, Error>((session, events, user))
    };
    let (session, _events, user) = tokio::select! {
        come = come => come?,
        () = shutdown.cancelled() => return Err(Error::Interrupted),
    };
    let mut printer = Printer::new(json, Some(&user))?;
    let printed = tokio::select! {
        printed = print(&session, &user, &mut printer) => printed,
        () = shutdown.cancelled() => Err(Error::Interrupted),
    };
    let written = printer.finish().await;
    printed.and(written)
}

/// When the server committed it, or else when it was sent, in Unix milliseconds.
pub(crate) fn time_ms(publication: &Publication) -> i64 {
    let seconds = publication.timestamp.as_seconds().saturating_mul(1_000);
    publication.time_ms.and_then(|ms| i64::try_from(ms).ok()).unwrap_or(seconds)
}

/// The message as both faces show it.
pub(crate) fn message(place: Place, publication: Publication, user: &UserName, earlier: bool) -> Item {
    let author = publication.sender().clone();
    Item::Message(Message {
        place,
        own: author == *user,
        author,
        time_ms: time_ms(&publication),
        text: publication.message,
        id: publication.id,
        seq: publication.seq,
        epoch: publication.epoch,
        earlier,
        current: false,
        manner: publication.manner,
        quoted: None,
        edited: publication.edited,
        acts: publication.acts,
    })
}
