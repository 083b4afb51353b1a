//! The threads and tasks behind the desk, and what they share with it.

use std::sync::Arc;
use std::thread::{Builder, JoinHandle};

use recado_zmtp::curve::{KeyPair, Security};
use recado_zmtp::{Endpoint, Message, Publisher, SocketOptions, SubscriptionListener};
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::oneshot;
use tokio::task::{JoinSet, spawn_blocking};

use super::ServerError;
use super::clock::Clock;
use super::feed::{Feed, FeedEnd, Published, Shared};
use super::indexer;
use super::lobby::{Doorkeeper, Lobby};
use super::notices::Notices;
use super::outage;
use super::passwords::{PasswordWork, Passwords};
use super::questions::{Question, Questions};
use super::queue::Queue;
use super::readers::{self, Read};
use super::recent::Recent;
use super::reply::Replies;
use super::searches::Searches;
use super::turns::Turns;
use super::writer::{Write, Writer};
use crate::limits::READERS;
use crate::store::{SearchParts, SharedAccess, Store, StoreError};

/// One writer, some readers, one who searches and one who follows for that, a feed for each broker.
pub(super) struct Threads {
    pub(super) turns: Arc<Turns>,
    pub(super) writes: Arc<Queue<Write>>,
    pub(super) reads: Arc<Queue<Read>>,
    pub(super) searches: Arc<Searches>,
    pub(super) passwords: Arc<Queue<PasswordWork>>,
    pub(super) access: Arc<SharedAccess>,
    pub(super) clock: Arc<Clock>,
    pub(super) recent: Arc<Recent>,
    pub(super) published: Arc<Published>,
    /// What the writer came to. Sent once its store is closed.
    pub(super) writer_end: oneshot::Receiver<Result<(), StoreError>>,
    /// They run until they are dropped.
    pub(super) feeds: JoinSet<FeedEnd>,
    pub(super) lobby: Arc<Lobby>,
    /// The task that tells feeds who came and went. It runs until it is dropped.
    pub(super) announcing: JoinSet<()>,
    /// One for each feed.
    questions: Vec<Arc<Questions>>,
    notices: Vec<Arc<Notices>>,
    readers: Vec<JoinHandle<()>>,
}

impl Threads {
    pub(super) fn start(
        store: Box<dyn Store>,
        brokers: &[Endpoint],
        keys: Option<&KeyPair>,
        replies: UnboundedSender<Replies>,
    ) -> Result<Self, ServerError> {
        let access = store.access();
        let clock = Arc::new(Clock::starting_at(store.marks().clock));
        let recent = Arc::new(Recent::new(store.last_position()));
        let published = Arc::new(Published::new(store.marks().published_through));
        let (writes, reads) = (Arc::new(Queue::new()), Arc::new(Queue::new()));
        let (mut feeds, mut announcing) = (JoinSet::new(), JoinSet::new());
        let mut questions = Vec::with_capacity(brokers.len());
        let mut notices = Vec::with_capacity(brokers.len());
        let lobby = Arc::new(Lobby::new(store.reader()?, Arc::clone(&clock)));
        for (feed, broker) in brokers.iter().enumerate() {
            // Brokers of one installation have the same keys.
            let security = keys.map_or(Security::Null, |keys| Security::CurveClient {
                keys: keys.clone(),
                server: keys.public(),
            });
            let options = SocketOptions { publish_filter: false, security, ..SocketOptions::default() };
            let doorkeeper = Arc::new(Doorkeeper::new(feed, Arc::clone(&lobby)));
            let listener: Arc<dyn SubscriptionListener> = Arc::clone(&doorkeeper) as _;
            let endpoints = std::slice::from_ref(broker);
            let publisher = Publisher::connect_with_listener(endpoints, options, listener);
            let shared = Shared {
                recent: Arc::clone(&recent),
                published: Arc::clone(&published),
                questions: Arc::default(),
                notices: Arc::default(),
                doorkeeper,
                access: Arc::clone(&access),
                clock: Arc::clone(&clock),
            };
            questions.push(Arc::clone(&shared.questions));
            notices.push(Arc::clone(&shared.notices));
            announcing.spawn(outage::watch(publisher.events(), keys.map(KeyPair::public)));
            feeds.spawn(Feed::new(publisher, shared, store.reader()?, store.epoch()).run());
        }
        announcing.spawn(Arc::clone(&lobby).run(notices.clone()));
        let mut running = Vec::with_capacity(READERS);
        for _ in 0..READERS {
            let (reader, reads, replies) = (store.reader()?, Arc::clone(&reads), replies.clone());
            let (clock, access) = (Arc::clone(&clock), Arc::clone(&access));
            running.push(spawn("recado-reader", move || {
                readers::run(reader, &reads, &replies, &clock, &access);
            })?);
        }
        let searches = Arc::new(Searches::new());
        if let Some(SearchParts { indexer, searcher }) = store.search()? {
            let (queue, replies, clock) = (Arc::clone(&searches), replies.clone(), Arc::clone(&clock));
            let access = Arc::clone(&access);
            running.push(spawn("recado-search", move || {
                stand_back();
                queue.answer(searcher, &replies, &clock, &access);
            })?);
            let follow = Arc::clone(&searches);
            running.push(spawn("recado-indexer", move || {
                stand_back();
                indexer::run(indexer, &follow);
            })?);
            searches.open();
        }
        let passwords = Arc::new(Queue::new());
        if keys.is_some() {
            let work = Passwords {
                waiting: Arc::clone(&passwords),
                writes: Arc::clone(&writes),
                replies: replies.clone(),
                clock: Arc::clone(&clock),
                access: Arc::clone(&access),
            };
            running.push(spawn("recado-passwords", move || {
                stand_back();
                work.run();
            })?);
        }
        let (ended, writer_end) = oneshot::channel();
        let turns = Turns::new(store, Arc::clone(&writes), Arc::clone(&published), Arc::clone(&clock));
        let turns = Arc::new(turns);
        let writer = Writer { turns: Arc::clone(&turns), queue: Arc::clone(&writes), replies };
        // Nobody waits for the end any more only when the server was dropped.
        spawn("recado-writer", move || drop(ended.send(writer.run())))?;
        Ok(Self {
            turns,
            writes,
            reads,
            searches,
            passwords,
            access,
            clock,
            recent,
            published,
            writer_end,
            feeds,
            lobby,
            announcing,
            questions,
            notices,
            readers: running,
        })
    }

    /// Has every feed answer a `sync` question.
    pub(super) fn ask(&self, question: Question) {
        let question = Arc::new(question);
        self.questions.iter().for_each(|questions| questions.ask(Arc::clone(&question)));
    }

    /// Has every feed tell whoever listens.
    pub(super) fn tell(&self, notice: &Message) {
        self.notices.iter().for_each(|notices| notices.push(notice.clone()));
    }

    /// Ends them all; the writer ends last, because it closes the store. Feeds must have come as far as they are to come.
    pub(super) async fn stop(mut self) -> Result<(), ServerError> {
        self.announcing.shutdown().await;
        self.feeds.shutdown().await;
        self.reads.close();
        self.searches.close();
        self.passwords.close();
        let readers = std::mem::take(&mut self.readers);
        let joined = spawn_blocking(|| readers.into_iter().map(JoinHandle::join).all(|end| end.is_ok()));
        let readers_ended_well = joined.await.unwrap_or(false);
        self.writes.close();
        (&mut self.writer_end).await.map_err(|_| ServerError::Panicked)??;
        if readers_ended_well { Ok(()) } else { Err(ServerError::Panicked) }
    }
}

/// What this thread does can wait for those who publish. Only Linux counts niceness by thread.
fn stand_back() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::setpriority_process(None, crate::limits::SEARCH_NICENESS) {
        tracing::debug!(%error, "searching has the priority of publishing");
    }
}

/// A server that is dropped in the middle leaves no thread behind.
impl Drop for Threads {
    fn drop(&mut self) {
        self.reads.close();
        self.searches.close();
        self.passwords.close();
        self.writes.close();
    }
}

fn spawn<T: Send + 'static>(
    name: &str,
    run: impl FnOnce() -> T + Send + 'static,
) -> Result<JoinHandle<T>, ServerError> {
    Builder::new().name(name.to_owned()).spawn(run).map_err(ServerError::Thread)
}
