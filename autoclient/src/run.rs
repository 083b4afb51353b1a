//! One run from beginning to end: connect, find channels, listen, talk, wait for stragglers, say what came of it.

use std::{
    fmt, io,
    sync::Arc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use recado_client::{
    ConnectError, RequestError, Session, SessionConfig, SessionEvent, SessionEvents,
    keys::{SecurityError, secure},
};
use recado_proto::{ChannelName, UserName};
use thiserror::Error;
use tokio::{
    sync::mpsc,
    time::{interval, timeout},
};
use tokio_util::sync::CancellationToken;

use crate::{
    audit::Audit,
    churn,
    conductor::{Conductor, Heard, What},
    config::{Config, PhaseConfig},
    cpu::{BusyTime, CpuTime},
    limits::{CLOSE_WAIT, EVENTS_MAX, PROGRESS_LINE_INTERVAL, SLOW_MESSAGES, SLOW_PAUSE, STEPS_AHEAD_MAX},
    output::say,
    pacer,
    prepare::prepare,
    readback::{self, Page},
    record::{Machine, Record},
    schedule::{Phase, Plan, Shape},
    stage::{Stage, Target},
    summary::{self, Ending, Times},
    tag,
};

/// Why a run could not begin.
#[derive(Debug, Error)]
pub enum Error {
    /// The configuration names no server.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The server is secured, and there is no way to it.
    #[error(transparent)]
    Security(#[from] SecurityError),
    /// The server is secured, and knows whoever has this key as one user.
    #[error("a secured server knows this device as one user: play with --users 1")]
    OneUser,
    /// Who that is cannot be asked.
    #[error("this device cannot log in")]
    Identify(#[source] RequestError),
    /// No server is there, or none that answers.
    #[error("no server answers at {server}; `recado up` starts one")]
    NoServer {
        /// Where it was sought.
        server: String,
    },
    /// A user was not let in.
    #[error("{user} cannot log in")]
    Login {
        /// Who.
        user: UserName,
        /// Why.
        source: RequestError,
    },
    /// The channels cannot be listed.
    #[error("cannot list the channels")]
    Channels(#[source] RequestError),
    /// A channel could not be created.
    #[error("cannot create the channel {channel}")]
    Create {
        /// Which.
        channel: ChannelName,
        /// Why.
        source: RequestError,
    },
    /// Where the topics stand cannot be asked.
    #[error("cannot read the history of the channels")]
    Heads(#[source] RequestError),
    /// The system has no thread to give.
    #[error("cannot start a thread")]
    Thread(#[source] io::Error),
    /// A channel could not be followed.
    #[error("cannot follow the channel {channel}")]
    Follow {
        /// Which.
        channel: ChannelName,
        /// Why.
        source: RequestError,
    },
}

/// How a run is ended before its time.
#[derive(Clone, Debug, Default)]
pub struct Stop {
    /// Ends the talking; what is under way is still waited for, and the audit is made.
    pub talking: CancellationToken,
    /// Ends the waiting and the audit too; the verdict then says that it is none.
    pub draining: CancellationToken,
}

/// Runs until the plan ends or it is stopped, writes the report to standard output, its last line the verdict, and returns all that was measured.
///
/// # Errors
/// The run could not begin: no server answers, or it refuses.
pub async fn run(mut config: Config, stop: Stop) -> Result<Record, Error> {
    let mut settings = SessionConfig::new(config.servers.clone(), config.brokers.clone());
    settings.repair = config.repair;
    settings.security = secure(&config.servers, &config.trust).await?;
    let is_secured = settings.is_secured();
    if is_secured && config.users.len() > 1 {
        return Err(Error::OneUser);
    }
    let connections = config.connections;
    let (sender, hearings) = mpsc::channel(EVENTS_MAX);
    let hurry = CancellationToken::new();
    let mut sessions = Vec::with_capacity(connections);
    for subscriber in 0..connections {
        let (session, events) = Session::connect(settings.clone())?;
        // Ends with its session.
        let is_slow = (config.listeners - config.slow..config.listeners).contains(&subscriber);
        let hurry = is_slow.then(|| hurry.clone());
        tokio::spawn(forward(subscriber, events, sender.clone(), hurry));
        sessions.push(session);
    }
    drop(sender);
    if is_secured && let Some(session) = sessions.first() {
        config.users = vec![session.identify().await.map_err(Error::Identify)?];
    }
    let prepared = tokio::select! {
        prepared = prepare(&config, &sessions) => Some(prepared?),
        () = stop.talking.cancelled() => None,
    };
    let started_ms = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let started_ms = u64::try_from(started_ms.as_millis()).unwrap_or(u64::MAX);
    let (channels, receivers) = prepared.unwrap_or_default();
    let direct = config.users.iter().take(receivers).cloned().enumerate();
    let stage = Arc::new(Stage {
        run: tag::Run::new(rand::random(), started_ms),
        users: config.users.clone(),
        channels: channels.len(),
        targets: channels
            .into_iter()
            .map(Target::Channel)
            .chain(direct.map(|(user, name)| Target::Direct { user, name }))
            .collect(),
        sessions,
        listeners: config.listeners,
        slow: config.slow,
    });
    let record = drive(&config, &stage, hearings, &hurry, &stop).await?;
    let closing = async {
        for session in stage.sessions.clone() {
            session.close().await;
        }
    };
    // A connection that does not close ends with the process.
    let _ = timeout(CLOSE_WAIT, closing).await;
    Ok(record)
}

/// Talks, drains, reads back and judges.
async fn drive(
    config: &Config,
    stage: &Arc<Stage>,
    hearings: mpsc::Receiver<Heard>,
    hurry: &CancellationToken,
    stop: &Stop,
) -> Result<Record, Error> {
    let mut audit = Audit::new(stage.cast());
    let heads = tokio::select! {
        heads = readback::heads(stage) => heads.map_err(Error::Heads)?,
        () = stop.talking.cancelled() => vec![0; stage.targets.len()],
    };
    for (target, seq) in heads.iter().enumerate() {
        audit.begins_after(target, *seq);
    }
    let mut conductor = Conductor::new(Arc::clone(stage), audit, hearings);
    let (begun, cpu, busy) = (Instant::now(), CpuTime::now(), BusyTime::now());
    let mut behind = Duration::ZERO;
    if !stop.talking.is_cancelled() {
        let names: Vec<&str> = stage.targets[..stage.channels].iter().map(Target::name).collect();
        say(format_args!("seed {}: {} in {}", config.seed, who(&config.users), List(&names)));
        let phases = phases(config, stage);
        let duration = Plan::ends_after(&phases);
        let (steps_to, steps) = mpsc::channel(STEPS_AHEAD_MAX);
        pacer::start(Plan::new(phases), begun, steps_to).map_err(Error::Thread)?;
        if let Some(interval) = config.churn {
            // Ends when it is told to hurry, as the talking ends.
            tokio::spawn(churn::run(Arc::clone(stage), interval, config.seed, hurry.clone()));
        }
        behind = conductor.talk(begun, steps, duration, &stop.talking).await;
    }
    hurry.cancel();
    let (load, cpu_cores, busy) = (begun.elapsed(), cpu.cores_since(), busy.share_since());
    conductor.drain(config.drain, &stop.draining).await;
    conductor.audit.end_answers();
    let unread = compare(stage, &mut conductor, heads, &stop.draining).await;
    conductor.take_what_came();
    conductor.audit.end_deliveries();
    let (audit, recorder, lag) = conductor.finish();
    let machine = Machine::here();
    let ending = Ending { unread, cpu_cores, busy, behind };
    let times = Times { load, elapsed: begun.elapsed() };
    Ok(summary::conclude(config, stage, audit, ending, (recorder, lag), machine, times))
}

/// The plan's phases.
fn phases(config: &Config, stage: &Stage) -> Vec<Phase> {
    let phase = |phase: &PhaseConfig| Phase {
        name: phase.name.clone(),
        shape: Shape {
            seed: config.seed,
            users: stage.users.len(),
            channels: stage.channels,
            pace: phase.pace.clone(),
            size: phase.size,
            direct: phase.direct,
            receivers: stage.targets.len() - stage.channels,
        },
        duration: phase.duration,
        messages: phase.messages,
        ramp: phase.ramp,
    };
    config.phases.iter().map(phase).collect()
}

/// Reads everything back and compares it with the books. Says why it could not, if so.
async fn compare(
    stage: &Arc<Stage>,
    conductor: &mut Conductor,
    heads: Vec<u64>,
    stop: &CancellationToken,
) -> Option<String> {
    if conductor.audit.total().attempted == 0 {
        return None;
    }
    let mut pages = readback::start(stage, heads);
    let mut ticks = interval(PROGRESS_LINE_INTERVAL);
    // The first tick is at once, when there is nothing to show.
    ticks.tick().await;
    let mut read = 0;
    loop {
        let page = tokio::select! {
            _ = ticks.tick() => {
                conductor.show_reading(read);
                continue;
            }
            page = pages.recv() => page,
            () = stop.cancelled() => return Some("the audit was stopped".to_owned()),
        };
        match page {
            Some(Page::Messages { target, messages }) => {
                read += messages.len() as u64;
                messages.iter().for_each(|message| conductor.audit.stored(target, message));
            }
            Some(Page::End { target }) => conductor.audit.read_back(target),
            Some(Page::Failed { target, error }) => {
                return Some(format!(
                    "the history of {} cannot be read: {error}",
                    stage.targets[target].name()
                ));
            }
            None => return None,
        }
    }
}

/// Hands on what a subscriber hears. What befalls its connections goes to the log. A slow one takes its time until it is told to hurry.
async fn forward(
    subscriber: usize,
    mut events: SessionEvents,
    to: mpsc::Sender<Heard>,
    hurry: Option<CancellationToken>,
) {
    let mut taken = 0;
    while let Some(event) = events.recv().await {
        taken += 1;
        if let Some(hurry) =
            hurry.as_ref().filter(|hurry| taken % SLOW_MESSAGES == 0 && !hurry.is_cancelled())
        {
            // Told to hurry or rested: either way it goes on.
            let _ = timeout(SLOW_PAUSE, hurry.cancelled()).await;
        }
        let what = match event {
            SessionEvent::Publication { publication, via, .. } => What::Publication { publication, via },
            SessionEvent::EpochChanged { topic, epoch } => {
                tracing::warn!(%topic, epoch = epoch.as_u64(), "the store was restored");
                What::Recounted { topic: topic.as_str().to_owned() }
            }
            SessionEvent::Joined { .. }
            | SessionEvent::Marked { .. }
            | SessionEvent::Sent { .. }
            | SessionEvent::Here(_)
            | SessionEvent::Typing { .. } => continue,
            SessionEvent::Missing { topic, first, last } => {
                tracing::warn!(%topic, first, last, "kept nowhere any more");
                continue;
            }
            SessionEvent::ServerLost { reason } => {
                tracing::warn!(subscriber, reason, "no server");
                continue;
            }
            SessionEvent::Distrusted(found) => {
                tracing::error!(subscriber, "{found}");
                continue;
            }
            SessionEvent::ServerBack => {
                tracing::info!(subscriber, "the server is back");
                continue;
            }
            SessionEvent::BrokerLost { reason } => {
                tracing::warn!(subscriber, reason, "no broker");
                continue;
            }
            SessionEvent::NotAdmitted => {
                tracing::warn!(subscriber, "the broker does not admit this key");
                continue;
            }
            SessionEvent::BrokerBack => {
                tracing::info!(subscriber, "the broker is back");
                continue;
            }
            SessionEvent::Malformed { topic, reason } => {
                tracing::debug!(topic, reason, "not a message");
                continue;
            }
        };
        if to.send(Heard { subscriber, at: Instant::now(), what }).await.is_err() {
            return;
        }
    }
}

pub(crate) fn who(users: &[UserName]) -> String {
    match users {
        [one] => one.to_string(),
        [first, .., last] => format!("{} users, {first} to {last}", users.len()),
        [] => "nobody".to_owned(),
    }
}

/// The first few of many, with commas.
pub(crate) struct List<'a, T>(pub(crate) &'a [T]);

impl<T: fmt::Display> fmt::Display for List<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN_MAX: usize = 10;
        for (number, item) in self.0.iter().take(SHOWN_MAX).enumerate() {
            write!(f, "{}{item}", if number > 0 { ", " } else { "" })?;
        }
        match self.0.len().saturating_sub(SHOWN_MAX) {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_short() {
        assert_eq!(List(&["geral", "tech"]).to_string(), "geral, tech");
        assert_eq!(List(&(0..12).collect::<Vec<_>>()).to_string(), "0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 2 more");
    }
}
