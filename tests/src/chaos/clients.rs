//! Those who talk and listen: sessions of the client library, as any program would use it.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use recado_client::{
    RequestError, SendOutcome, Session, SessionConfig, SessionEvent, SessionEvents, Topic, Via,
};
use recado_proto::{HistoryOf, MessageId, Place, Range};
use tokio::{
    sync::{Notify, watch},
    task::JoinSet,
    time::{sleep, timeout},
};

use crate::chat::{channel, user};

use super::{
    REST_WAIT,
    audit::{Audit, Way},
    stage::Stage,
};

const CHANNELS: [&str; 3] = ["geral", "tech", "random"];

/// Each listens to all channels and to what is sent to it.
const LISTENERS: [&str; 3] = ["ana", "bob", "caio"];

/// Sessions that talk.
const TALKERS: usize = 3;

/// Messages that each talker has under way at once.
const UNDER_WAY: usize = 4;

/// Between an answer and the next message, so that the machine is busy and not full.
const PAUSE: Duration = Duration::from_millis(4);

/// How long one attempt waits for its answer: rounds are short.
const ANSWER_WAIT: Duration = Duration::from_millis(700);

/// Pages of history that are read at once.
const PAGE_MESSAGES: u32 = 1_000;

/// What a round came to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tally {
    pub(super) acknowledged: u64,
    pub(super) heard: u64,
    pub(super) repaired: u64,
}

/// All sessions, and their books.
pub(super) struct Clients {
    talkers: Vec<Session>,
    listeners: Vec<Session>,
    books: Arc<Books>,
    talking: watch::Sender<bool>,
    lanes: JoinSet<u64>,
}

struct Books {
    audit: Mutex<Audit>,
    changed: Notify,
}

impl Books {
    fn audit(&self) -> MutexGuard<'_, Audit> {
        self.audit.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, note: impl FnOnce(&mut Audit)) {
        note(&mut self.audit());
        self.changed.notify_waiters();
    }

    async fn at_rest(&self) {
        loop {
            let changed = self.changed.notified();
            if self.audit().is_at_rest() {
                return;
            }
            changed.await;
        }
    }
}

/// Channels first, then the listeners' own topics.
fn topic_number(topic: &Topic) -> Option<usize> {
    let all = CHANNELS.iter().chain(&LISTENERS);
    all.clone().position(|name| *name == topic.as_str())
}

impl Clients {
    /// Connects, makes the channels and joins them. Nothing was sent before that.
    pub(super) async fn start(stage: &Stage) -> Result<Clients, String> {
        let channels = CHANNELS.iter().map(|name| ((*name).to_owned(), LISTENERS.len()));
        let direct = LISTENERS.iter().map(|name| ((*name).to_owned(), 1));
        let audit = Audit::new(&channels.chain(direct).collect::<Vec<_>>());
        let books = Arc::new(Books { audit: Mutex::new(audit), changed: Notify::new() });
        let connect = |brokers: &[&str]| {
            let parse = |endpoint: &str| endpoint.parse().map_err(|error| format!("{endpoint}: {error}"));
            let brokers = brokers.iter().map(|broker| parse(broker)).collect::<Result<_, _>>()?;
            let mut config = SessionConfig::new(vec![parse(stage.server())?], brokers);
            config.request_timeout = ANSWER_WAIT;
            Session::connect(config).map_err(|error| error.to_string())
        };
        let mut talkers = Vec::new();
        for number in 0..TALKERS {
            let (session, _) = connect(&[])?;
            let name = format!("talker{number}");
            session.login(&user(&name)).await.map_err(|error| format!("{name} cannot log in: {error}"))?;
            talkers.push(session);
        }
        for name in CHANNELS {
            talkers[0].create_channel(&channel(name)).await.map_err(|error| format!("{name}: {error}"))?;
        }
        let mut listeners = Vec::new();
        for (number, name) in LISTENERS.into_iter().enumerate() {
            let (session, events) = connect(&[stage.broker()])?;
            // Ends with its session.
            tokio::spawn(listen(number, events, Arc::clone(&books)));
            session.login(&user(name)).await.map_err(|error| format!("{name} cannot log in: {error}"))?;
            for joined in CHANNELS {
                let joining = session.subscribe_channel(&channel(joined), 0).await;
                joining.map_err(|error| format!("{name} cannot join {joined}: {error}"))?;
            }
            listeners.push(session);
        }
        Ok(Clients { talkers, listeners, books, talking: watch::Sender::new(false), lanes: JoinSet::new() })
    }

    /// Begins to talk, until the round is judged.
    pub(super) fn talk(&mut self) {
        self.talking.send_replace(true);
        for (number, talker) in self.talkers.iter().enumerate() {
            for lane in 0..UNDER_WAY {
                let (session, books) = (talker.clone(), Arc::clone(&self.books));
                let talking = self.talking.subscribe();
                self.lanes.spawn(talk(session, number * UNDER_WAY + lane, books, talking));
            }
        }
    }

    /// Nobody says anything more. What is under way is still sent until it is acknowledged.
    pub(super) fn fall_silent(&self) {
        self.talking.send_replace(false);
    }

    /// Ends the talking, waits until all is at rest, compares with the store, and says what is wrong.
    pub(super) async fn judge(&mut self) -> Result<Tally, Vec<String>> {
        self.fall_silent();
        let mut acknowledged = 0;
        let resting = async {
            while let Some(lane) = self.lanes.join_next().await {
                acknowledged += lane.expect("a lane neither panics nor is aborted");
            }
            self.books.at_rest().await;
        };
        if timeout(REST_WAIT, resting).await.is_err() {
            self.books.audit().note_losses();
        }
        for topic in 0..CHANNELS.len() + LISTENERS.len() {
            if let Err(problem) = self.compare(topic).await {
                self.books.audit().problem(problem);
            }
        }
        let (heard, repaired) = self.books.audit().close()?;
        Ok(Tally { acknowledged, heard, repaired })
    }

    /// Reads what the store has of a topic since the last time.
    async fn compare(&self, topic: usize) -> Result<(), String> {
        let of = match CHANNELS.get(topic) {
            Some(name) => HistoryOf::Channel(channel(name)),
            None => HistoryOf::Received,
        };
        let asker = &self.listeners[topic.saturating_sub(CHANNELS.len())];
        let mut asked_since = Instant::now();
        loop {
            let after = Range::After(Place::Seq(self.books.audit().compared(topic)));
            let page = match asker.history(of.clone(), after, PAGE_MESSAGES).await {
                // After many cuts in a row a connection waits for longer than a question is patient.
                Err(RequestError::Unanswered { .. }) if asked_since.elapsed() < REST_WAIT => continue,
                page => page,
            };
            asked_since = Instant::now();
            let page = page.map_err(|error| format!("the history of {of:?} cannot be read: {error}"))?;
            if page.messages.is_empty() {
                return Ok(());
            }
            self.books.audit().stored(topic, &page.messages);
        }
    }

    pub(super) async fn close(self) {
        for session in self.talkers.into_iter().chain(self.listeners) {
            session.close().await;
        }
    }
}

/// Sends one message after the other, each until it is acknowledged. How many.
async fn talk(session: Session, lane: usize, books: Arc<Books>, mut talking: watch::Receiver<bool>) -> u64 {
    let mut count = 0;
    while *talking.borrow_and_update() {
        let topic = (lane + count) % (CHANNELS.len() + LISTENERS.len());
        let (id, text) = (MessageId::new_v7(), format!("lane {lane}, message {count}"));
        books.note(|audit| audit.sends(topic, id, text.clone()));
        let seq = loop {
            let outcome = match CHANNELS.get(topic) {
                Some(name) => session.publish_with_id(&channel(name), text.clone(), id).await,
                None => {
                    let to = user(LISTENERS[topic - CHANNELS.len()]);
                    session.message_with_id(&to, text.clone(), id).await
                }
            };
            match outcome {
                SendOutcome::Acknowledged { seq, .. } => break seq,
                // Again under the same number, for as long as the round is patient.
                SendOutcome::Unanswered { .. } => {}
                SendOutcome::Refused { .. } | SendOutcome::Failed { .. } => {
                    books.note(|audit| audit.problem(format!("{id} could not be sent: {outcome:?}")));
                    return count as u64;
                }
            }
        };
        books.note(|audit| audit.acknowledged(topic, id, seq));
        count += 1;
        sleep(PAUSE).await;
    }
    count as u64
}

/// Notes all that a listener hears.
async fn listen(listener: usize, mut events: SessionEvents, books: Arc<Books>) {
    while let Some(event) = events.recv().await {
        match event {
            SessionEvent::Publication { topic, publication, via } => {
                let way = match via {
                    Via::Live => Way::Live,
                    Via::Backlog | Via::Repair => Way::FromHistory,
                };
                match topic_number(&topic) {
                    Some(number) if number < CHANNELS.len() => {
                        books.note(|audit| audit.heard(number, listener, &publication, way));
                    }
                    Some(number) if number == CHANNELS.len() + listener => {
                        books.note(|audit| audit.heard(number, 0, &publication, way));
                    }
                    Some(_) | None => {
                        books.note(|audit| {
                            audit.problem(format!("{listener} heard of {topic}, to which it does not listen"))
                        });
                    }
                }
            }
            SessionEvent::Missing { .. }
            | SessionEvent::EpochChanged { .. }
            | SessionEvent::Distrusted(_)
            | SessionEvent::NotAdmitted
            | SessionEvent::Malformed { .. } => {
                books.note(|audit| audit.problem(format!("listener {listener}: {event:?}")));
            }
            SessionEvent::Joined { .. }
            | SessionEvent::Marked { .. }
            | SessionEvent::Sent { .. }
            | SessionEvent::Here(_)
            | SessionEvent::Typing { .. }
            | SessionEvent::ServerLost { .. }
            | SessionEvent::ServerBack
            | SessionEvent::BrokerLost { .. }
            | SessionEvent::BrokerBack => {}
        }
    }
}
