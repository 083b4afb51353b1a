//! The terminal client from its beginning to its end: choose a face, say who it is, log in, chat.

use std::env;
use std::io::{self, IsTerminal};

use recado_proto::{ChannelName, UserName};
use tokio_util::sync::CancellationToken;

use crate::chat::{Chat, ChatConfig};
use crate::config::Config;
use crate::engine::{Ending, Engine, Face};
use crate::error::Error;
use crate::limits;
use crate::lines::LinesFace;
use crate::session::{RequestError, Session, SessionEvent, SessionEvents};
use crate::terminal::TerminalFace;
use crate::view::colour::Palette;

/// The channel that a new chat begins with.
const USUAL_CHANNEL: &str = "geral";

/// Chats until the user leaves, input ends or `shutdown` is cancelled. On a terminal it edits lines, otherwise it reads and
/// writes plain or JSON lines; see [`crate::Args`].
pub async fn run(config: Config, shutdown: CancellationToken) -> Result<(), Error> {
    let on_terminal = io::stdin().is_terminal() && io::stdout().is_terminal() && !config.json;
    let (session, events) = Session::connect(config.session.clone())?;
    if on_terminal {
        on_the_terminal(config, session, events, shutdown).await
    } else {
        in_lines(config, session, events, shutdown).await
    }
}

async fn on_the_terminal(
    config: Config,
    session: Session,
    mut events: SessionEvents,
    shutdown: CancellationToken,
) -> Result<(), Error> {
    let palette = Palette::decide(config.colour, true);
    let mut face = TerminalFace::new(palette).map_err(Error::Terminal)?;
    let suggestion = env::var("USER").ok().and_then(|name| UserName::parse(&name).ok());
    let mut wanted = config.user.clone();
    let (user, early) = loop {
        let user = match wanted.take() {
            Some(user) => user,
            None => {
                let named = tokio::select! {
                    named = face.ask_name(suggestion.as_ref()) => named,
                    () = shutdown.cancelled() => None,
                };
                let Some(user) = named else {
                    face.finish().await;
                    return Ok(());
                };
                user
            }
        };
        let mut early = Vec::new();
        let logged_in = tokio::select! {
            logged_in = log_in_patiently(&session, &user, &mut events, &mut early, &mut face, &config) => logged_in,
            () = shutdown.cancelled() => {
                face.finish().await;
                return Ok(());
            }
        };
        match logged_in {
            Ok(()) => break (user, early),
            Err(error @ RequestError::Refused { .. }) if config.user.is_none() => {
                face.complain(&error.to_string())
            }
            Err(error) => {
                face.finish().await;
                return Err(Error::Login(error));
            }
        }
    };
    let mut chat = Chat::new(ChatConfig {
        user,
        backlog: config.backlog.unwrap_or(limits::BACKLOG_MESSAGES),
        patient: true,
        unattended: false,
    });
    let usual = ChannelName::parse(USUAL_CHANNEL).ok();
    begin(&mut chat, &session, config.channel, usual, early).await;
    let ending = Ending { listen: false, duration: config.duration, patience: Some(limits::QUIT_PATIENCE) };
    // What failed was said, and the user has gone on since.
    Engine { session, events, chat, face, ending, shutdown }.run().await.map(drop).map_err(Error::Terminal)
}

async fn in_lines(
    config: Config,
    session: Session,
    mut events: SessionEvents,
    shutdown: CancellationToken,
) -> Result<(), Error> {
    let user = config.user.clone().ok_or(Error::NoUser)?;
    let mut early = Vec::new();
    let mut reason = "connected, but unanswered".to_owned();
    tokio::select! {
        logged_in = log_in(&session, &user, 0, &mut events, &mut early, |why| reason = why.to_owned()) => match logged_in {
            Ok(()) => {}
            Err(RequestError::Unanswered { .. }) => {
                let endpoint = config.session.servers[0].clone();
                return Err(Error::NoServer { endpoint, reason });
            }
            Err(error) => return Err(Error::Login(error)),
        },
        () = shutdown.cancelled() => return Ok(()),
    }
    let palette = Palette::decide(config.colour, io::stdout().is_terminal());
    let face = LinesFace::new(config.json, palette, user.clone()).map_err(Error::Terminal)?;
    let mut chat = Chat::new(ChatConfig {
        user,
        backlog: config.backlog.unwrap_or(0),
        patient: config.listen,
        unattended: true,
    });
    begin(&mut chat, &session, config.channel, None, early).await;
    let patience = config.listen.then_some(limits::QUIT_PATIENCE);
    let ending = Ending { listen: config.listen, duration: config.duration, patience };
    match (Engine { session, events, chat, face, ending, shutdown }).run().await {
        Ok(0) => Ok(()),
        Ok(failed) => Err(Error::SomeFailed(failed)),
        // Whoever read has read enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        Err(error) => Err(Error::Terminal(error)),
    }
}

/// The first lists and the first channel, then what came while logging in.
async fn begin(
    chat: &mut Chat,
    session: &Session,
    wanted: Option<ChannelName>,
    usual: Option<ChannelName>,
    early: Vec<SessionEvent>,
) {
    // Without the list the chat still works; it is asked for again soon.
    let channels = session.channels().await.unwrap_or_default();
    chat.begin(&channels, wanted, usual);
    for event in early {
        chat.on_event(event);
    }
}

/// Logs in as often as it takes, and says once what it is waiting for.
async fn log_in_patiently(
    session: &Session,
    user: &UserName,
    events: &mut SessionEvents,
    early: &mut Vec<SessionEvent>,
    face: &mut TerminalFace,
    config: &Config,
) -> Result<(), RequestError> {
    loop {
        let says = |reason: &str| {
            let endpoint = &config.session.servers[0];
            face.say(&format!(
                "No server answers at {endpoint} ({reason}). `recado up` starts one. Still trying; Ctrl-C leaves."
            ));
        };
        match log_in(session, user, limits::DIRECT_BACKLOG_MESSAGES, events, early, says).await {
            Err(RequestError::Unanswered { .. }) => {}
            ended => return ended,
        }
    }
}

/// Logs in, keeping the events that come meanwhile. A server that is lost is told to `lost` and not kept: there was none yet.
async fn log_in(
    session: &Session,
    user: &UserName,
    direct_backlog: u32,
    events: &mut SessionEvents,
    early: &mut Vec<SessionEvent>,
    mut lost: impl FnMut(&str),
) -> Result<(), RequestError> {
    let login = session.login_with_backlog(user, direct_backlog);
    tokio::pin!(login);
    loop {
        tokio::select! {
            ended = &mut login => return ended,
            Some(event) = events.recv() => match event {
                SessionEvent::ServerLost { reason } => lost(&reason),
                SessionEvent::ServerBack => {}
                event => early.push(event),
            },
        }
    }
}
