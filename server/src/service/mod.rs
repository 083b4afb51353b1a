//! The server at work: one task owns the ROUTER socket and moves requests and replies, one thread writes, a few read, and a
//! task for each broker publishes. No OK and no publication before its message is durable: only a turn makes either, and
//! only after its commit.

mod beacon;
mod callers;
mod clock;
mod company;
mod cursor;
mod desk;
pub(crate) mod doors;
mod envelope;
mod feed;
mod gatekeeper;
mod indexer;
mod lobby;
mod notices;
mod outage;
mod passwords;
mod plain;
mod questions;
mod queue;
mod readers;
mod recent;
mod reply;
mod requests;
mod searches;
pub mod simulation;
mod threads;
mod turns;
mod writer;

use std::fs;
use std::io;
use std::sync::Arc;

use recado_proto::{JoinCode, UserName};
use recado_zmtp::curve::{KeyPair, Security};
use recado_zmtp::{BindError, Endpoint, Router, SocketOptions};
use thiserror::Error;
use tokio::sync::mpsc::unbounded_channel;
use tokio::task::spawn_blocking;
use tokio_util::sync::CancellationToken;
use tracing::info;

use crate::access::{AccessAct, Actor, CodeHash};
use crate::config::Config;
use crate::limits::{REPLIES_BYTES_MAX, REQUESTS_UNDER_WAY_MAX};
use crate::quota::SharedQuota;
use crate::store::{Change, SqliteStore, Store, StoreError};
use desk::Desk;
use gatekeeper::Turnstile;
use threads::Threads;
pub(crate) use turns::unix_ms;

/// Why a server cannot start, or had to stop.
#[derive(Debug, Error)]
pub enum ServerError {
    /// It cannot listen.
    #[error("cannot listen for requests: {0}")]
    Bind(#[from] BindError),
    /// Its store cannot be opened, or failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A plain listener would let in whom it must not.
    #[error("a plain listener cannot let in as {user}: {why}")]
    Plain {
        /// As whom.
        user: UserName,
        /// Why not.
        why: String,
    },
    /// The system gave no thread.
    #[error("the system gave no thread: {0}")]
    Thread(io::Error),
    /// One of its threads ended in a panic, which is a bug.
    #[error("a thread of the server ended unexpectedly; what was answered OK is stored")]
    Panicked,
}

/// A server that listens, with its store open.
pub struct Server {
    router: Router,
    store: Box<dyn Store>,
    brokers: Vec<Endpoint>,
    keys: Option<KeyPair>,
    quota: Option<SharedQuota>,
    first_code: Option<JoinCode>,
}

impl Server {
    /// Opens the store and listens. Requests are answered once it [runs](Self::run).
    ///
    /// # Errors
    ///
    /// The store cannot be opened, or the endpoint is in use.
    pub async fn bind(config: Config) -> Result<Self, ServerError> {
        let Config { requests, brokers, store, store_is_default, keys, quota, plain } = config;
        let own_keys = keys.clone();
        let store = spawn_blocking(move || {
            if let (true, Some(folder)) = (store_is_default, store.parent()) {
                fs::create_dir_all(folder).map_err(|error| StoreError::from_io(folder, &error))?;
            }
            let mut store = SqliteStore::open(&store)?;
            let (first_code, plain) = match &own_keys {
                Some(keys) => {
                    store.compare_names();
                    (first_code(&mut store)?, plain::let_in(&mut store, keys, plain)?)
                }
                None => (None, Vec::new()),
            };
            Ok::<_, ServerError>((store, first_code, plain))
        });
        let (store, first_code, plain) = store.await.map_err(|_| ServerError::Panicked)??;
        info!(store = %store.path().display(), epoch = %store.epoch(), entries = %store.last_position(), "store open");
        let security = keys.clone().map_or(Security::Null, Security::CurveServer);
        let quota = quota.map(SharedQuota::from);
        let options = router_options(security);
        let mut router = match &quota {
            Some(quota) if keys.is_some() => {
                let turnstile = Turnstile { access: store.access(), quota: quota.clone() };
                Router::bind_with_gatekeeper(&requests, options, Arc::new(turnstile)).await?
            }
            Some(_) | None => Router::bind(&requests, options).await?,
        };
        info!(socket = "requests", endpoint = %router.local_endpoint(), is_secured = keys.is_some(), "listening");
        plain::listen(&mut router, plain).await?;
        Ok(Self { router, store: Box::new(store), brokers, keys, quota, first_code })
    }

    /// With what the first administrator joins, while there is none. It is shown once, to whoever started the server.
    pub fn first_code(&self) -> Option<&JoinCode> {
        self.first_code.as_ref()
    }

    /// Where it listens, with the port that the system chose.
    pub fn requests_endpoint(&self) -> &Endpoint {
        self.router.local_endpoint()
    }

    /// Serves until `shutdown` is cancelled: then what was received is finished, answered and published, and the store
    /// closed.
    ///
    /// # Errors
    ///
    /// The store failed. What was answered OK is stored, nothing else is promised, and the process has to end: only a new
    /// start knows what the disk holds.
    pub async fn run(self, shutdown: CancellationToken) -> Result<(), ServerError> {
        let (replies_in, replies) = unbounded_channel();
        let names = self.keys.as_ref().map(|_| self.store.reader()).transpose()?;
        let threads = Threads::start(self.store, &self.brokers, self.keys.as_ref(), replies_in)?;
        Desk::new(self.router, replies, threads, names, self.quota).run(&shutdown).await
    }
}

/// A code for the first administrator, if there is none yet. The one of an earlier start is worth nothing then.
fn first_code(store: &mut SqliteStore) -> Result<Option<JoinCode>, StoreError> {
    if store.access().read().has_administrator() {
        return Ok(None);
    }
    let code = JoinCode::from_random(rand::random());
    let act = AccessAct::FirstAdministrator { code: CodeHash::of(&code) };
    store.commit(vec![Change::Access { actor: Actor::System, act }], unix_ms())?;
    Ok(Some(code))
}

fn router_options(security: Security) -> SocketOptions {
    SocketOptions {
        security,
        // All that is under way may be one peer's.
        send_queue_messages_max: REQUESTS_UNDER_WAY_MAX,
        send_queue_bytes_max: REPLIES_BYTES_MAX,
        ..SocketOptions::default()
    }
}
