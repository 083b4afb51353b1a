//! The broker as a part: bind, ask where it listens, run until it is told to stop. Its work happens in one thread of its own,
//! so that nothing on the way of a message takes a lock or waits for other parts of the process; its figures are told from the
//! caller's runtime.

use std::future::pending;
use std::io;
use std::sync::Arc;
use std::thread;

use std::time::Duration;

use recado_zmtp::Endpoint;
use thiserror::Error;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::counters::Counters;
use crate::shell;
use crate::status::{Service, log_figures};

/// A broker that listens. Nothing is answered until it runs; dropped before that, it stops listening.
#[derive(Debug)]
pub struct Broker {
    publishers: Endpoint,
    subscribers: Endpoint,
    status: Option<Service>,
    figures_interval: Option<Duration>,
    counters: Arc<Counters>,
    go: oneshot::Sender<CancellationToken>,
    ended: oneshot::Receiver<()>,
}

/// Why the broker cannot listen.
#[derive(Debug, Error)]
pub enum BindError {
    /// One of the endpoints.
    #[error(transparent)]
    Endpoint(#[from] recado_zmtp::BindError),
    /// The system gave no thread, or nothing to wait for sockets with.
    #[error("the broker's thread cannot start: {0}")]
    Thread(#[from] io::Error),
}

/// Why the broker ended without being told to. Our fault.
#[derive(Debug, Error)]
pub enum RunError {
    /// Its thread panicked.
    #[error("the broker's thread died")]
    Died,
}

/// What the thread reports when it listens.
pub(crate) struct Bound {
    pub(crate) publishers: Endpoint,
    pub(crate) subscribers: Endpoint,
}

impl Broker {
    /// Listens on all endpoints. Must be called in a tokio runtime, which also is to run it.
    pub async fn bind(config: Config) -> Result<Broker, BindError> {
        let counters = Arc::new(Counters::default());
        let figures_interval = config.limits().figures_interval;
        let limits = config.limits().clone();
        let status_endpoint = config.status().cloned();
        let (report, reported) = oneshot::channel();
        let (go, gone) = oneshot::channel();
        let (end, ended) = oneshot::channel();
        let shared = Arc::clone(&counters);
        thread::Builder::new().name("recado-broker".to_owned()).spawn(move || {
            shell::run(config, shared, report, gone);
            // Whoever waited may have lost interest.
            let _ = end.send(());
        })?;
        let died = || io::Error::other("it ended before it listened");
        let Bound { publishers, subscribers } = reported.await.map_err(|_| died())??;
        let status = match status_endpoint {
            Some(endpoint) => {
                let counters = Arc::clone(&counters);
                Some(Service::bind(&endpoint, &publishers, &subscribers, limits, counters).await?)
            }
            None => None,
        };
        Ok(Broker { publishers, subscribers, status, figures_interval, counters, go, ended })
    }

    /// Where publishers connect, with the real port.
    pub fn publishers_endpoint(&self) -> &Endpoint {
        &self.publishers
    }

    /// Where subscribers connect, with the real port.
    pub fn subscribers_endpoint(&self) -> &Endpoint {
        &self.subscribers
    }

    /// Where the status can be asked for, if anywhere, with the real port.
    pub fn status_endpoint(&self) -> Option<&Endpoint> {
        self.status.as_ref().map(Service::endpoint)
    }

    /// The running figures, readable at any time, also after the end.
    pub fn counters(&self) -> Arc<Counters> {
        Arc::clone(&self.counters)
    }

    /// Forwards until `shutdown` is cancelled; then accepts and reads no more, writes what waits for subscribers for as long as
    /// [`Limits::linger`](crate::Limits::linger) allows, and closes. Dropping the future has the same effect as cancelling.
    pub async fn run(self, shutdown: CancellationToken) -> Result<(), RunError> {
        let stop = shutdown.child_token();
        let _stop_when_dropped = stop.clone().drop_guard();
        self.go.send(stop).map_err(|_| RunError::Died)?;
        let status = async {
            match self.status {
                Some(service) => service.serve().await,
                None => pending().await,
            }
        };
        tokio::select! {
            ended = self.ended => ended.map_err(|_| RunError::Died),
            never = status => match never {},
            never = log_figures(&self.counters, self.figures_interval) => match never {},
        }
    }
}
