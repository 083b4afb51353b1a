//! The terminal client from its beginning to its end: choose a face, say who it is, log in, chat.

use std::env;
use std::io::{self, IsTerminal};

use recado_proto::{ChannelName, Device, UserName};
use tokio_util::sync::CancellationToken;

use crate::chat::item::{Item, Notice};
use crate::chat::{Answer, Chat, ChatConfig, Company, Reads, Says};
use crate::config::Config;
use crate::engine::{Ending, Engine, Face, Opening};
use crate::entry::{is_meant, refused};
use crate::error::Error;
use crate::kept::keeping::Keeping;
use crate::keys::{distrust, secure};
use crate::limits;
use crate::lines::LinesFace;
use crate::probe::{Presence, probe};
use crate::receiver::{Start, Topic, Via};
use crate::screen::{self, ScreenFace};
use crate::session::{RequestError, Session, SessionConfig, SessionEvent, SessionEvents};
use crate::terminal::TerminalFace;
use crate::view::colour::Palette;
use crate::view::wording::{self, Language};

/// The channel that a new chat begins with.
const USUAL_CHANNEL: &str = "geral";

/// Chats until the user leaves, input ends or `shutdown` is cancelled. On a terminal it edits lines, otherwise it reads and
/// writes plain or JSON lines; see [`crate::Args`].
pub async fn run(mut config: Config, shutdown: CancellationToken) -> Result<(), Error> {
    let language = config.spoken();
    // Before the terminal is taken: somebody may have to be asked whether a server is to be trusted.
    config.session.security = tokio::select! {
        security = secure(&config.session.servers, &config.trust) => security?,
        () = shutdown.cancelled() => return Ok(()),
    };
    let (session, events) = Session::connect(config.session.clone())?;
    if config.is_on_terminal() {
        let palette = Palette::decide(config.colour, true);
        if !config.plain && can_be_full() {
            let mut face = ScreenFace::new(palette, &config.screen, language).map_err(Error::Terminal)?;
            if let Some(hosted) = config.hosted {
                face.say(&wording::hosted(language, hosted));
            }
            return on_the_terminal(face, language, config, session, events, shutdown).await;
        }
        let face = TerminalFace::new(palette, language).map_err(Error::Terminal)?;
        on_the_terminal(face, language, config, session, events, shutdown).await
    } else {
        in_lines(language, config, session, events, shutdown).await
    }
}

/// Whether the terminal can do what the full screen needs.
fn can_be_full() -> bool {
    let is_capable = env::var("TERM").is_ok_and(|term| !term.is_empty() && term != "dumb");
    is_capable && screen::fits()
}

async fn on_the_terminal<F: Opening>(
    mut face: F,
    language: Language,
    config: Config,
    session: Session,
    mut events: SessionEvents,
    shutdown: CancellationToken,
) -> Result<(), Error> {
    let suggestion = env::var("USER").ok().and_then(|name| UserName::parse(&name).ok());
    let mut wanted = config.user.clone();
    if config.session.is_secured() {
        let owner = tokio::select! {
            owner = identify_patiently(&session, &mut events, &mut face, language, &config.session) => owner,
            () = shutdown.cancelled() => {
                face.finish().await;
                return Ok(());
            }
        };
        match owner.and_then(|owner| is_meant(config.user.as_ref(), owner)) {
            Ok(owner) => wanted = Some(owner),
            Err(error) => {
                face.finish().await;
                return Err(error);
            }
        }
    }
    let (user, early, keeping) = loop {
        let user = match wanted.take() {
            Some(user) => user,
            None => {
                let named = tokio::select! {
                    named = face.ask_name(suggestion.as_ref(), language) => named,
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
        let keeping = Keeping::open(&user, &config.session.servers);
        let start = keeping.direct_start(&user, limits::DIRECT_BACKLOG_MESSAGES);
        let logged_in = tokio::select! {
            logged_in = log_in_patiently(&session, &user, start, &mut events, &mut early, &mut face, (language, &config.session)) => logged_in,
            () = shutdown.cancelled() => {
                face.finish().await;
                return Ok(());
            }
        };
        match logged_in {
            Ok(()) => break (user, early, keeping),
            Err(error @ RequestError::Refused { .. })
                if config.user.is_none() && !config.session.is_secured() =>
            {
                face.complain(&wording::request_error(language, &error))
            }
            Err(error) => {
                face.finish().await;
                return Err(not_in(error));
            }
        }
    };
    face.begin().map_err(Error::Terminal)?;
    let mut chat = Chat::new(ChatConfig {
        user,
        backlog: config.backlog.unwrap_or(limits::BACKLOG_MESSAGES),
        patient: true,
        keeps: keeping.keeper.is_some(),
        unattended: false,
        reads: face.reads(),
        company: company(&config, true, face.reads() == Reads::WhatIsSeen),
    });
    let Keeping { keeper, mut kept, notices } = keeping;
    for notice in notices {
        face.show(&Item::Notice(notice)).await.map_err(Error::Terminal)?;
    }
    chat.listen_for(&config.screen.wishes.keywords);
    if keeper.is_some() {
        face.attend(std::mem::take(&mut kept.levels)).await.map_err(Error::Terminal)?;
        face.take_up(std::mem::take(&mut kept.drafts)).await.map_err(Error::Terminal)?;
    }
    let was_here = kept.was_here;
    chat.take_up(kept);
    let usual = ChannelName::parse(USUAL_CHANNEL).ok();
    tokio::select! {
        () = begin(&mut chat, &session, config.channel, usual, early, was_here) => {}
        () = shutdown.cancelled() => {
            face.finish().await;
            return Ok(());
        }
    }
    let ending = Ending { listen: false, duration: config.duration, patience: Some(limits::QUIT_PATIENCE) };
    // What failed was said, and the user has gone on since.
    Engine { session, events, chat, face, keeper, ending, shutdown }
        .run()
        .await
        .map(drop)
        .map_err(Error::Terminal)
}

async fn in_lines(
    language: Language,
    config: Config,
    session: Session,
    mut events: SessionEvents,
    shutdown: CancellationToken,
) -> Result<(), Error> {
    let user = match config.session.is_secured() {
        true => tokio::select! {
            owner = identify_in_lines(&session, &mut events, &config) => is_meant(config.user.as_ref(), owner?)?,
            () = shutdown.cancelled() => return Ok(()),
        },
        false => config.user.clone().ok_or(Error::NoUser)?,
    };
    let palette = Palette::decide(config.colour, io::stdout().is_terminal());
    let mut face = LinesFace::new(config.json, palette, language, user.clone()).map_err(Error::Terminal)?;
    let mut early = Vec::new();
    let keeping = match config.resume {
        true => Keeping::open(&user, &config.session.servers),
        false => Keeping::nothing(),
    };
    let start = keeping.direct_start(&user, 0);
    let logged_in = async {
        loop {
            let mut lost = None;
            match log_in(&session, &user, start, &mut events, &mut early, |reason| {
                lost = Some(reason.to_owned())
            })
            .await
            {
                // Whoever listens waits for the server to come, however long it takes.
                Err(RequestError::Unanswered { .. }) if config.listen => {
                    if let Some(reason) = lost {
                        let notice = Item::Notice(Notice::ServerLost { reason });
                        face.show(&notice).await.map_err(Error::Terminal)?;
                    }
                }
                Err(RequestError::Unanswered { .. }) => {
                    return Err(no_answer(&config.session).await);
                }
                Err(error) => return Err(not_in(error)),
                Ok(()) => return Ok(()),
            }
        }
    };
    tokio::select! {
        logged_in = logged_in => logged_in?,
        () = shutdown.cancelled() => return Ok(()),
    }
    let mut chat = Chat::new(ChatConfig {
        user,
        backlog: config.backlog.unwrap_or(0),
        patient: config.listen,
        keeps: keeping.keeper.is_some(),
        unattended: true,
        reads: Reads::Nothing,
        company: company(&config, false, false),
    });
    let Keeping { keeper, kept, notices } = keeping;
    for notice in notices {
        face.show(&Item::Notice(notice)).await.map_err(Error::Terminal)?;
    }
    chat.listen_for(&config.screen.wishes.keywords);
    let was_here = kept.was_here;
    chat.take_up(kept);
    tokio::select! {
        () = begin(&mut chat, &session, config.channel, None, early, was_here) => {}
        () = shutdown.cancelled() => return Ok(()),
    }
    let patience = config.listen.then_some(limits::QUIT_PATIENCE);
    let ending = Ending { listen: config.listen, duration: config.duration, patience };
    match (Engine { session, events, chat, face, keeper, ending, shutdown }).run().await {
        Ok(0) => Ok(()),
        Ok(failed) => Err(Error::SomeFailed(failed)),
        // Whoever read has read enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        Err(error) => Err(Error::Terminal(error)),
    }
}

/// What is said and heard of who is here. A script is here while it listens, as any program.
fn company(config: &Config, is_person: bool, hears: bool) -> Company {
    let says = match (config.no_presence, is_person) {
        (true, _) => Says::Offline,
        (false, true) => Says::Presence,
        (false, false) => Says::Nothing,
    };
    let [least, most] = limits::HERE_SAID_EVERY;
    let device = Device::from_random(rand::random());
    let every = rand::random_range(least..most);
    Company { device, says, says_typing: hears && !config.no_typing, hears, every }
}

/// Why nobody answered at the first of the servers.
pub(crate) async fn no_answer(config: &SessionConfig) -> Error {
    let endpoint = config.servers[0].clone();
    if let Some(found) = distrust(&endpoint, &config.security).await {
        return Error::Distrusted(Box::new(found));
    }
    match probe(&endpoint, &config.security, limits::PROBE_TIMEOUT).await {
        Presence::Nobody { reason } | Presence::Full { reason } => Error::NoServer { endpoint, reason },
        Presence::Other { reason } => Error::NotAServer { endpoint, reason },
        Presence::Recado => {
            Error::NoServer { endpoint, reason: "it is there now, but was not in time".to_owned() }
        }
    }
}

/// The first lists and the first channel, then what came while logging in.
async fn begin(
    chat: &mut Chat,
    session: &Session,
    wanted: Option<ChannelName>,
    usual: Option<ChannelName>,
    early: Vec<SessionEvent>,
    was_here: bool,
) {
    let marks = async {
        if chat.reads() == Reads::Nothing {
            return None;
        }
        let user = chat.whereabouts().user;
        Some(match session.hear_marks(&user).await {
            Ok(()) => session.marks(&user).await,
            Err(error) => Err(error),
        })
    };
    let (channels, users, marks) = tokio::join!(session.channels(), session.users(), marks);
    // What is shown next may have been read elsewhere.
    if let Some(marks) = marks {
        chat.on_answer(Answer::Marks(marks));
    }
    chat.on_answer(Answer::Users { quiet: true, result: users });
    match channels {
        Ok(channels) => chat.begin(&channels, wanted, usual),
        // Nothing is known, so that nothing is created.
        Err(_) => chat.begin(&[], wanted.or(usual), None),
    }
    chat.begin_company();
    let since = early.iter().filter(|event| is_direct_backlog(event)).count();
    if was_here && since > 0 {
        chat.on_direct_since(since);
    }
    for event in early {
        chat.on_event(event);
    }
}

fn is_direct_backlog(event: &SessionEvent) -> bool {
    matches!(event, SessionEvent::Publication { topic: Topic::Direct(_), via: Via::Backlog, .. })
}

/// Why the server does not let one in.
fn not_in(error: RequestError) -> Error {
    match refused(error) {
        Error::Request(error) => Error::Login(error),
        error => error,
    }
}

/// Who one is to a secured server, asked as often as it takes; says once what it is waiting for.
async fn identify_patiently(
    session: &Session,
    events: &mut SessionEvents,
    face: &mut impl Opening,
    language: Language,
    config: &SessionConfig,
) -> Result<UserName, Error> {
    loop {
        let says = |reason: &str| {
            face.say(&wording::no_server(language, &config.servers[0], reason));
            face.say(wording::still_trying(language));
        };
        match identify(session, events, says).await {
            Err(RequestError::Unanswered { .. }) => {}
            ended => return ended.map_err(not_in),
        }
    }
}

/// As [`identify_patiently`] for scripts, of which only those that listen wait for a server to come.
async fn identify_in_lines(
    session: &Session,
    events: &mut SessionEvents,
    config: &Config,
) -> Result<UserName, Error> {
    loop {
        match identify(session, events, |_| {}).await {
            Err(RequestError::Unanswered { .. }) if config.listen => {}
            Err(RequestError::Unanswered { .. }) => return Err(no_answer(&config.session).await),
            ended => return ended.map_err(not_in),
        }
    }
}

/// Asks who one is. Nothing is followed yet, so that no event is worth keeping; that no server is there is told to `lost`.
async fn identify(
    session: &Session,
    events: &mut SessionEvents,
    mut lost: impl FnMut(&str),
) -> Result<UserName, RequestError> {
    let identified = session.identify();
    tokio::pin!(identified);
    loop {
        tokio::select! {
            ended = &mut identified => return ended,
            Some(event) = events.recv() => {
                if let SessionEvent::ServerLost { reason } = event {
                    lost(&reason);
                }
            }
        }
    }
}

/// Logs in as often as it takes, and says once what it is waiting for.
async fn log_in_patiently(
    session: &Session,
    user: &UserName,
    start: Start,
    events: &mut SessionEvents,
    early: &mut Vec<SessionEvent>,
    face: &mut impl Opening,
    (language, config): (Language, &SessionConfig),
) -> Result<(), RequestError> {
    loop {
        let says = |reason: &str| {
            face.say(&wording::no_server(language, &config.servers[0], reason));
            face.say(wording::still_trying(language));
        };
        match log_in(session, user, start, events, early, says).await {
            Err(RequestError::Unanswered { .. }) => {}
            ended => return ended,
        }
    }
}

/// Logs in, keeping the events that come meanwhile. That no server is there is told to `lost` and not kept: there was none yet.
async fn log_in(
    session: &Session,
    user: &UserName,
    start: Start,
    events: &mut SessionEvents,
    early: &mut Vec<SessionEvent>,
    mut lost: impl FnMut(&str),
) -> Result<(), RequestError> {
    let login = session.login_from(user, start);
    tokio::pin!(login);
    loop {
        tokio::select! {
            ended = &mut login => {
                ended?;
                break;
            }
            Some(event) = events.recv() => match event {
                SessionEvent::ServerLost { reason } => lost(&reason),
                SessionEvent::ServerBack => {}
                event => early.push(event),
            },
        }
    }
    // What came before is on its way from the session's task still.
    let is_joined = |event: &SessionEvent| matches!(event, SessionEvent::Joined { topic: Topic::Direct(joined) } if joined == user);
    while !early.iter().any(is_joined)
        && let Some(event) = events.recv().await
    {
        early.push(event);
    }
    Ok(())
}
