//! The loop of a run: hands on what is due, takes in answers and what is heard, and keeps the books of both.
//!
//! One task owns all of it, so that the books need no lock. In an open schedule no message waits for another's answer, up to
//! [`UNDER_WAY_MAX`] for each connection; beyond that it is held back, and its latency still counts from when it was intended. So a server that stalls
//! cannot hide it (coordinated omission; Gil Tene, and wrk2).

use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant},
};

use recado_client::{RequestError, SendOutcome, Via};
use recado_proto::Publication;
use tokio::{
    sync::mpsc,
    time::{MissedTickBehavior, interval, sleep_until},
};
use tokio_util::sync::CancellationToken;

use crate::{
    audit::{Audit, Hearing},
    cpu::CpuTime,
    lag::Lag,
    limits::{EVENTS_MAX, LATE_MESSAGES_MAX, PROGRESS_LINE_INTERVAL, UNDER_WAY_MAX},
    output::{Now, Progress},
    record::{Recorder, SecondCounts, Way},
    schedule::Step,
    stage::Stage,
};

/// Something that a subscriber's session said.
#[derive(Debug)]
pub(crate) struct Heard {
    pub(crate) subscriber: usize,
    pub(crate) at: Instant,
    pub(crate) what: What,
}

/// What it said.
#[derive(Debug)]
pub(crate) enum What {
    /// A message.
    Publication { publication: Publication, via: Via },
    /// A topic's places are counted anew.
    Recounted { topic: String },
}

/// How sending a message ended.
#[derive(Debug)]
struct Answer {
    number: u64,
    lane: usize,
    outcome: SendOutcome,
    at: Instant,
}

/// Messages that wait for one another: all of a connection, or all of a user who talks as people do.
#[derive(Debug)]
struct Lane {
    under_way: usize,
    under_way_max: usize,
    /// What is due and waits for earlier messages to be answered.
    late: VecDeque<Step>,
    /// When it last had no room.
    free_at_us: u64,
}

impl Lane {
    fn has_room(&self) -> bool {
        self.under_way < self.under_way_max
    }
}

/// One run under way.
pub(crate) struct Conductor {
    stage: Arc<Stage>,
    /// One for each connection, then one for each user.
    lanes: Vec<Lane>,
    /// How many messages wait in all lanes.
    late: usize,
    /// What was due before this came late because the plan had to wait.
    plan_waited_until_us: u64,
    answers: mpsc::Receiver<Answer>,
    answer_to: mpsc::Sender<Answer>,
    hearings: mpsc::Receiver<Heard>,
    pub(crate) audit: Audit,
    recorder: Recorder,
    pub(crate) lag: Lag,
    counts: SecondCounts,
    begun: Instant,
    cpu: CpuTime,
    progress: Progress,
    has_said_why_refused: bool,
}

impl Conductor {
    /// A run in which nothing has been said.
    pub(crate) fn new(stage: Arc<Stage>, audit: Audit, hearings: mpsc::Receiver<Heard>) -> Conductor {
        let lane = |under_way_max| Lane { under_way: 0, under_way_max, late: VecDeque::new(), free_at_us: 0 };
        let connections = stage.sessions.iter().map(|_| lane(UNDER_WAY_MAX));
        // People wait for one message to be there before they say the next.
        let users = stage.users.iter().map(|_| lane(1));
        let lanes = connections.chain(users).collect();
        // No more answers wait than there are messages under way, which the lanes bound.
        let (answer_to, answers) = mpsc::channel(EVENTS_MAX);
        Conductor {
            stage,
            lanes,
            late: 0,
            plan_waited_until_us: 0,
            answers,
            answer_to,
            hearings,
            audit,
            recorder: Recorder::default(),
            lag: Lag::default(),
            counts: SecondCounts::default(),
            begun: Instant::now(),
            cpu: CpuTime::now(),
            progress: Progress::new(None),
            has_said_why_refused: false,
        }
    }

    fn us(&self, at: Instant) -> u64 {
        u64::try_from(at.saturating_duration_since(self.begun).as_micros()).unwrap_or(u64::MAX)
    }

    /// Talks from `begun` to the end of the plan, or for so long, or until asked to stop. Says by how much the plan was behind when its time was over.
    pub(crate) async fn talk(
        &mut self,
        begun: Instant,
        mut steps: mpsc::Receiver<Vec<Step>>,
        duration: Option<Duration>,
        stop: &CancellationToken,
    ) -> Duration {
        self.begun = begun;
        let mut behind = Duration::ZERO;
        self.cpu = CpuTime::now();
        self.progress = Progress::new(duration);
        let end = duration.map(|duration| begun + duration);
        let mut ticks = interval(PROGRESS_LINE_INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        // The first tick is at once, when there is nothing to show.
        ticks.tick().await;
        let (mut plan_goes_on, mut answers, mut hearings) = (true, Vec::new(), Vec::new());
        while plan_goes_on || self.late > 0 || self.audit.in_flight() > 0 {
            let has_room = self.late < LATE_MESSAGES_MAX;
            if !has_room {
                self.plan_waited_until_us = self.us(Instant::now());
            }
            tokio::select! {
                () = stop.cancelled() => break,
                () = sleep_until(end.unwrap_or(begun).into()), if end.is_some() => {
                    behind = begun.elapsed().saturating_sub(self.first_late());
                    break;
                }
                batch = steps.recv(), if plan_goes_on && has_room => match batch {
                    Some(batch) => batch.into_iter().for_each(|step| self.hand_on(step)),
                    None => plan_goes_on = false,
                },
                _ = self.answers.recv_many(&mut answers, TURN_MAX) => {
                    answers.drain(..).for_each(|answer| self.answered(answer, true));
                }
                _ = self.hearings.recv_many(&mut hearings, TURN_MAX) => {
                    hearings.drain(..).for_each(|heard| self.heard(&heard));
                }
                _ = ticks.tick() => self.end_second(true),
            }
        }
        self.hold_back_the_rest();
        self.end_second(false);
        behind
    }

    /// When the first of what is held back was due; now, if nothing is.
    fn first_late(&self) -> Duration {
        let late = self.lanes.iter().filter_map(|lane| lane.late.front()).filter(|step| step.is_open);
        late.map(|step| step.due).min().unwrap_or_else(|| self.begun.elapsed())
    }

    /// Gives a step to its lane, which sends it at once or after what is under way.
    fn hand_on(&mut self, step: Step) {
        self.counts.planned += 1;
        let connection = self.stage.connection(step.user);
        let lane = if step.is_open { connection } else { self.stage.sessions.len() + step.user };
        self.late += 1;
        if self.lanes[lane].late.is_empty() && self.lanes[lane].has_room() {
            let due_us = u64::try_from(step.due.as_micros()).unwrap_or(u64::MAX);
            if step.is_open && due_us >= self.plan_waited_until_us {
                self.lag.sent(self.us(Instant::now()).saturating_sub(due_us));
            }
        }
        self.lanes[lane].late.push_back(step);
        self.send_what_may(lane);
    }

    fn send_what_may(&mut self, lane: usize) {
        while self.lanes[lane].has_room() {
            let Some(step) = self.lanes[lane].late.pop_front() else { return };
            self.late -= 1;
            self.lanes[lane].under_way += 1;
            self.send(step, lane);
        }
    }

    fn send(&mut self, step: Step, lane: usize) {
        let due_us = u64::try_from(step.due.as_micros()).unwrap_or(u64::MAX);
        // Whoever waits for an answer before the next message does not intend to send it earlier.
        let intended_us = if step.is_open { due_us } else { due_us.max(self.lanes[lane].free_at_us) };
        let Step { number, user, to, body, .. } = step;
        let target = self.stage.target(to);
        let sender = self.stage.users[user].as_str();
        let (text, checksum) = self.stage.run.text(body, number, self.stage.targets[target].name(), sender);
        self.audit.attempted(number, user, target, checksum, intended_us);
        self.counts.sent += 1;
        let id = self.stage.run.message_id(number, intended_us);
        let (stage, answer_to) = (Arc::clone(&self.stage), self.answer_to.clone());
        // Ends with its answer, which a session gives in bounded time.
        tokio::spawn(async move {
            let outcome = stage.send(user, target, text, id).await;
            let answer = Answer { number, lane, outcome, at: Instant::now() };
            // Nobody takes answers once the books are closed.
            let _ = answer_to.send(answer).await;
        });
    }

    fn answered(&mut self, answer: Answer, may_send: bool) {
        let Answer { number, lane, outcome, at } = answer;
        let at_us = self.us(at);
        self.lanes[lane].under_way -= 1;
        self.lanes[lane].free_at_us = at_us;
        self.enter(number, &outcome, at_us);
        if may_send {
            self.send_what_may(lane);
        }
    }

    /// Enters an answer into the books.
    fn enter(&mut self, number: u64, outcome: &SendOutcome, at_us: u64) {
        match outcome {
            SendOutcome::Acknowledged { seq, .. } => {
                self.counts.acknowledged += 1;
                if let Some(latency_us) = self.audit.acknowledged(number, *seq, at_us) {
                    self.recorder.acknowledged(latency_us);
                }
            }
            SendOutcome::Refused { code, description, .. } => {
                self.audit.refused(number, code);
                if !self.has_said_why_refused {
                    self.has_said_why_refused = true;
                    tracing::warn!(
                        code = code.as_str(),
                        description,
                        "the server refuses messages; said once"
                    );
                }
            }
            SendOutcome::Unanswered { attempts: 0, .. } => self.audit.unsent(number),
            SendOutcome::Unanswered { .. } => self.audit.ambiguous(number),
            SendOutcome::Failed { error, .. } => match error {
                RequestError::NotLoggedIn | RequestError::Busy | RequestError::TooManyTopics => {
                    self.audit.unsent(number)
                }
                RequestError::Refused { .. }
                | RequestError::Unanswered { .. }
                | RequestError::Malformed { .. }
                | RequestError::Distrusted(_)
                | RequestError::Closed => self.audit.ambiguous(number),
            },
        }
    }

    fn heard(&mut self, heard: &Heard) {
        let (publication, via) = match &heard.what {
            What::Publication { publication, via } => (publication, via),
            What::Recounted { topic } => return self.audit.recounted(heard.subscriber, topic),
        };
        let way = match via {
            Via::Live => Way::Live,
            Via::Backlog | Via::Repair => Way::Repair,
        };
        let Hearing::First { times_us } =
            self.audit.heard(heard.subscriber, publication, way, self.us(heard.at))
        else {
            return;
        };
        self.counts.delivered += 1;
        self.counts.delivered_by_repair += u64::from(way == Way::Repair);
        // Whoever was away, or takes its time, says nothing of how fast messages are.
        let counts = !matches!(via, Via::Backlog) && !self.stage.is_slow(heard.subscriber);
        if let Some((delivery_us, end_to_end_us)) = times_us.filter(|_| counts) {
            self.recorder.delivered(delivery_us, end_to_end_us, way);
        }
    }

    /// What was due and never sent, because the server did not answer in time: only in an open schedule is that a message less.
    fn hold_back_the_rest(&mut self) {
        for lane in &mut self.lanes {
            for step in lane.late.drain(..).filter(|step| step.is_open) {
                self.audit.held_back(step.user, self.stage.target(step.to));
            }
        }
        self.late = 0;
    }

    /// Ends a second of the timeline and shows it.
    pub(crate) fn end_second(&mut self, is_whole: bool) {
        let elapsed = self.begun.elapsed();
        let mut counts = std::mem::take(&mut self.counts);
        counts.in_flight = self.audit.in_flight() as u64;
        counts.pending = self.audit.pending();
        counts.cpu_cores = self.cpu.take_cores();
        counts.schedule_lag_us = self.lag.take_recent_max_us();
        let second = self.recorder.end_second(elapsed.as_secs_f64(), counts);
        if is_whole {
            self.progress.show(&Now { second: &second, total: self.audit.total(), late: self.late });
        }
    }

    /// Takes what arrives until there is nothing more of its kind to wait for, or nothing arrives for so long, or it is asked to stop.
    pub(crate) async fn drain(&mut self, patience: Duration, stop: &CancellationToken) {
        let mut ticks = interval(PROGRESS_LINE_INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        ticks.tick().await;
        let (mut answers, mut hearings) = (Vec::new(), Vec::new());
        let mut deadline = Instant::now() + patience;
        while self.audit.in_flight() > 0 || self.audit.pending() > 0 {
            let before = (self.audit.in_flight(), self.audit.pending());
            tokio::select! {
                () = stop.cancelled() => break,
                () = sleep_until(deadline.into()) => break,
                _ = self.answers.recv_many(&mut answers, TURN_MAX) => {
                    answers.drain(..).for_each(|answer| self.answered(answer, false));
                }
                count = self.hearings.recv_many(&mut hearings, TURN_MAX) => {
                    if count == 0 {
                        break;
                    }
                    hearings.drain(..).for_each(|heard| self.heard(&heard));
                }
                _ = ticks.tick() => self.end_second(true),
            }
            if (self.audit.in_flight(), self.audit.pending()) != before {
                deadline = Instant::now() + patience;
            }
        }
        self.end_second(false);
    }

    /// Takes what has come although nothing more was waited for: what is repeated then is repeated too.
    pub(crate) fn take_what_came(&mut self) {
        while let Ok(heard) = self.hearings.try_recv() {
            self.heard(&heard);
        }
    }

    /// Shows how far history was read back.
    pub(crate) fn show_reading(&mut self, read: u64) {
        self.progress.show_reading(read, self.audit.total().acknowledged);
    }

    /// The books, the timeline and what is known of the generator; nothing is taken in any more.
    pub(crate) fn finish(mut self) -> (Audit, Recorder, Lag) {
        self.progress.clear();
        (self.audit, self.recorder, self.lag)
    }
}

/// Answers, or deliveries, that are taken in one turn.
const TURN_MAX: usize = 512;
