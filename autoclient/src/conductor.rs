//! The loop of a run: hands out what is due, takes in answers and what is heard, and keeps the books of both.
//!
//! One task owns all of it, so that the books need no lock.

use std::{
    collections::{BTreeSet, VecDeque},
    iter::Peekable,
    time::Duration,
};

use recado_client::{RequestError, SendOutcome, Session, Via};
use recado_proto::{ChannelName, MessageId, Publication, UserName};
use tokio::{
    sync::mpsc,
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval, sleep_until},
};
use tokio_util::sync::CancellationToken;

use crate::{
    audit::{Audit, Verdict, Way},
    config::Config,
    limits::{ANSWERS_WAIT, LATE_MESSAGES_MAX, STRAGGLERS_WAIT, UNDER_WAY_MAX},
    output::Progress,
    schedule::{Pace, Schedule, Step},
};

/// A message that a listener received.
#[derive(Debug)]
pub(crate) struct Hearing {
    /// Which listener.
    pub(crate) listener: usize,
    /// The message.
    pub(crate) publication: Publication,
    /// Live or from history.
    pub(crate) via: Via,
}

/// One run under way.
pub(crate) struct Conductor {
    speakers: Vec<Speaker>,
    users: BTreeSet<UserName>,
    channels: Vec<ChannelName>,
    plan: Peekable<Box<dyn Iterator<Item = Step> + Send>>,
    duration: Option<Duration>,
    /// How many messages of one user may be under way.
    under_way_max: usize,
    /// How many messages wait with all speakers.
    late: usize,
    answers: JoinSet<(usize, SendOutcome)>,
    hearings: mpsc::Receiver<Hearing>,
    audit: Audit,
    begun: Instant,
    progress: Progress,
    has_said_why_refused: bool,
}

/// A simulated user.
struct Speaker {
    name: UserName,
    session: Session,
    under_way: usize,
    /// What is due and waits for earlier messages to be answered.
    late: VecDeque<Step>,
}

impl Conductor {
    /// A run in which nothing has been said. Users beyond the sessions share them.
    pub(crate) fn new(
        config: &Config,
        sessions: Vec<Session>,
        channels: Vec<ChannelName>,
        schedule: Schedule,
        hearings: mpsc::Receiver<Hearing>,
    ) -> Conductor {
        let listeners = sessions.len();
        let speaker = |(number, name): (usize, &UserName)| Speaker {
            name: name.clone(),
            session: sessions[number % listeners].clone(),
            under_way: 0,
            late: VecDeque::new(),
        };
        let speakers: Vec<_> = config.users.iter().enumerate().map(speaker).collect();
        let under_way_max = match config.pace {
            // People wait for one message to be there before they say the next.
            Pace::Bursts(_) => 1,
            Pace::Rate(_) => (UNDER_WAY_MAX / speakers.len().div_ceil(listeners)).max(1),
        };
        let plan: Box<dyn Iterator<Item = Step> + Send> = match config.messages {
            Some(count) => Box::new(schedule.take(usize::try_from(count).unwrap_or(usize::MAX))),
            None => Box::new(schedule),
        };
        Conductor {
            speakers,
            users: config.users.iter().cloned().collect(),
            channels,
            plan: plan.peekable(),
            duration: config.duration,
            under_way_max,
            late: 0,
            answers: JoinSet::new(),
            hearings,
            audit: Audit::new(listeners),
            begun: Instant::now(),
            progress: Progress::new(),
            has_said_why_refused: false,
        }
    }

    /// Talks to the end of the plan, waits for what is under way, and closes the books. Also says how long the talking took.
    pub(crate) async fn run(mut self, shutdown: &CancellationToken) -> (Verdict, Duration) {
        self.begun = Instant::now();
        self.talk(shutdown).await;
        let elapsed = self.begun.elapsed();
        self.await_answers().await;
        self.await_stragglers().await;
        self.progress.clear();
        (self.audit.close(), elapsed)
    }

    async fn talk(&mut self, shutdown: &CancellationToken) {
        let end = self.duration.map(|duration| self.begun + duration);
        let mut ticks = interval(self.progress.interval());
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        // The first tick is at once, when there is nothing to show.
        ticks.tick().await;
        loop {
            let next = self.plan.peek().map(|step| self.begun + step.due);
            if next.is_none() && self.late == 0 && self.answers.is_empty() {
                return;
            }
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = sleep_until(end.unwrap_or(self.begun)), if end.is_some() => return,
                () = sleep_until(next.unwrap_or(self.begun)), if next.is_some() && self.late < LATE_MESSAGES_MAX => self.hand_out(),
                Some(answer) = self.answers.join_next() => self.answered(answer.expect("sending does not panic")),
                Some(hearing) = self.hearings.recv() => self.heard(&hearing),
                _ = ticks.tick() => self.show(),
            }
        }
    }

    /// Gives the next step to its speaker, who says it at once or after what is under way.
    fn hand_out(&mut self) {
        let Some(step) = self.plan.next() else { return };
        let user = step.user;
        self.speakers[user].late.push_back(step);
        self.late += 1;
        self.speak(user);
    }

    fn speak(&mut self, user: usize) {
        let speaker = &mut self.speakers[user];
        while speaker.under_way < self.under_way_max {
            let Some(step) = speaker.late.pop_front() else { return };
            self.late -= 1;
            speaker.under_way += 1;
            let id = MessageId::new_v7();
            self.audit.attempted(id, step.number);
            let (session, name, channel) =
                (speaker.session.clone(), speaker.name.clone(), self.channels[step.channel].clone());
            self.answers
                .spawn(async move { (user, session.publish_as(&name, &channel, step.text, id).await) });
        }
    }

    fn answered(&mut self, (user, outcome): (usize, SendOutcome)) {
        self.speakers[user].under_way -= 1;
        self.enter(&outcome);
        self.speak(user);
    }

    /// Enters an answer into the books.
    fn enter(&mut self, outcome: &SendOutcome) {
        match outcome {
            SendOutcome::Acknowledged { id, .. } => self.audit.acknowledged(*id),
            SendOutcome::Refused { id, code, description } => {
                self.audit.refused(*id);
                if !self.has_said_why_refused {
                    self.has_said_why_refused = true;
                    tracing::warn!(
                        code = code.as_str(),
                        description,
                        "the server refuses messages; said once"
                    );
                }
            }
            SendOutcome::Unanswered { id, attempts: 0 } => self.audit.unsent(*id),
            SendOutcome::Unanswered { id, .. } => self.audit.ambiguous(*id),
            SendOutcome::Failed { id, error } => match error {
                RequestError::NotLoggedIn | RequestError::Busy | RequestError::TooManyTopics => {
                    self.audit.unsent(*id)
                }
                RequestError::Refused { .. }
                | RequestError::Unanswered { .. }
                | RequestError::Malformed { .. }
                | RequestError::Closed => self.audit.ambiguous(*id),
            },
        }
    }

    fn heard(&mut self, hearing: &Hearing) {
        let publication = &hearing.publication;
        if let Some(id) = publication.id.filter(|_| self.users.contains(publication.sender())) {
            let way = match hearing.via {
                Via::Live => Way::Live,
                Via::Backlog | Via::Repair => Way::Repair,
            };
            self.audit.heard(hearing.listener, id, way);
        }
    }

    fn show(&mut self) {
        let elapsed = self.begun.elapsed();
        let late = self.speakers.iter().filter_map(|speaker| speaker.late.front()).map(|step| step.due).min();
        let due = late.or_else(|| self.plan.peek().map(|step| step.due)).unwrap_or(elapsed);
        self.progress.show(elapsed, self.audit.tally(), self.audit.pending(), elapsed.saturating_sub(due));
    }

    /// Waits for the answers to what was sent; what is late stays unsaid.
    async fn await_answers(&mut self) {
        let deadline = Instant::now() + ANSWERS_WAIT;
        while !self.answers.is_empty() {
            tokio::select! {
                () = sleep_until(deadline) => return,
                Some(answer) = self.answers.join_next() => self.enter(&answer.expect("sending does not panic").1),
                Some(hearing) = self.hearings.recv() => self.heard(&hearing),
            }
        }
    }

    /// Waits until every acknowledged message is heard, or none has been for a while.
    async fn await_stragglers(&mut self) {
        let mut deadline = Instant::now() + STRAGGLERS_WAIT;
        while self.audit.pending() > 0 {
            let before = self.audit.pending();
            tokio::select! {
                () = sleep_until(deadline) => return,
                hearing = self.hearings.recv() => match hearing {
                    Some(hearing) => self.heard(&hearing),
                    None => return,
                },
            }
            if self.audit.pending() < before {
                deadline = Instant::now() + STRAGGLERS_WAIT;
            }
        }
    }
}
