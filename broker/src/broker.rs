//! The broker as a part: bind, ask where it listens, run until it is told to stop. Its work happens in threads of its own, one or
//! several, so that nothing on the way of a message takes a lock or waits for other parts of the process; its figures are told from
//! the caller's runtime.

use std::future::pending;
use std::io;
use std::sync::Arc;
use std::thread;

use std::time::Duration;

use recado_zmtp::Endpoint;
use thiserror::Error;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::counters::Counters;
use crate::neighbours::WorkerId;
use crate::shell::{Worker, Workers};
use crate::status::{Service, log_figures};

/// A broker that listens. Nothing is answered until it runs; dropped before that, it stops listening.
#[derive(Debug)]
pub struct Broker {
    publishers: Endpoint,
    subscribers: Endpoint,
    plain: Vec<Endpoint>,
    status: Option<Service>,
    figures_interval: Option<Duration>,
    counters: Arc<Counters>,
    go: Vec<oneshot::Sender<CancellationToken>>,
    ended: mpsc::UnboundedReceiver<Result<(), RunError>>,
}

/// Why the broker cannot listen.
#[derive(Debug, Error)]
pub enum BindError {
    /// One of the endpoints.
    #[error(transparent)]
    Endpoint(#[from] recado_zmtp::BindError),
    /// The system gave no thread, or nothing to wait for sockets with.
    #[error("the broker's threads cannot start: {0}")]
    Thread(#[from] io::Error),
}

/// Why the broker ended without being told to. Our fault.
#[derive(Debug, Error)]
pub enum RunError {
    /// A thread of it panicked.
    #[error("a thread of the broker died")]
    Died,
}

/// Says how a thread ended, when it has.
struct Ending {
    /// It has panicked, unless this is said.
    well: bool,
    sender: mpsc::UnboundedSender<Result<(), RunError>>,
}

impl Drop for Ending {
    fn drop(&mut self) {
        // Whoever waited may have lost interest.
        let _ = self.sender.send(if self.well { Ok(()) } else { Err(RunError::Died) });
    }
}

/// Where the first thread listens.
pub(crate) struct Bound {
    pub(crate) publishers: Endpoint,
    pub(crate) subscribers: Endpoint,
    pub(crate) plain: Vec<Endpoint>,
}

impl Broker {
    /// Listens on all endpoints. Must be called in a tokio runtime, which also is to run it.
    pub async fn bind(config: Config) -> Result<Broker, BindError> {
        let figures_interval = config.limits().figures_interval;
        let counters = Counters::of_workers(config.limits().workers);
        let workers = Arc::new(Workers::new(&counters, config.limits()));
        let (end, ended) = mpsc::unbounded_channel();
        let (mut go, mut reports) = (Vec::new(), Vec::new());
        for (number, counters) in (0u32..).zip(&counters) {
            let (report, reported) = oneshot::channel();
            let (start, started) = oneshot::channel();
            let worker = Worker {
                id: WorkerId(number),
                config: config.clone(),
                counters: Arc::clone(counters),
                workers: Arc::clone(&workers),
            };
            let ending = Ending { well: false, sender: end.clone() };
            thread::Builder::new().name(format!("recado-broker-{number}")).spawn(move || {
                let mut ending = ending;
                ending.well = worker.run(report, started);
            })?;
            go.push(start);
            reports.push(reported);
        }
        let died = || io::Error::other("one ended before it began");
        let mut bound = None;
        for report in reports {
            let report = report.await.map_err(|_| died())??;
            bound = bound.or(report);
        }
        let Bound { publishers, subscribers, plain } = bound.ok_or_else(died)?;
        let counters = Arc::clone(&counters[0]);
        let status = match config.status() {
            Some(endpoint) => {
                let (limits, counters) = (config.limits().clone(), Arc::clone(&counters));
                let keys = config.keys().map(|keys| (keys, Arc::clone(&workers)));
                Some(Service::bind(endpoint, &publishers, &subscribers, limits, counters, keys).await?)
            }
            None => None,
        };
        Ok(Broker { publishers, subscribers, plain, status, figures_interval, counters, go, ended })
    }

    /// Where publishers connect, with the real port.
    pub fn publishers_endpoint(&self) -> &Endpoint {
        &self.publishers
    }

    /// Where subscribers connect, with the real port.
    pub fn subscribers_endpoint(&self) -> &Endpoint {
        &self.subscribers
    }

    /// Where subscribers without a key connect, with the real ports, in the order in which they were given.
    pub fn plain_endpoints(&self) -> &[Endpoint] {
        &self.plain
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
    pub async fn run(mut self, shutdown: CancellationToken) -> Result<(), RunError> {
        let stop = shutdown.child_token();
        let _stop_when_dropped = stop.clone().drop_guard();
        let mut running = self.go.len();
        for go in self.go {
            go.send(stop.clone()).map_err(|_| RunError::Died)?;
        }
        let ended = async {
            while running > 0 {
                self.ended.recv().await.ok_or(RunError::Died)??;
                running -= 1;
            }
            Ok(())
        };
        let status = async {
            match self.status {
                Some(service) => service.serve().await,
                None => pending().await,
            }
        };
        tokio::select! {
            ended = ended => ended,
            never = status => match never {},
            never = log_figures(&self.counters, self.figures_interval) => match never {},
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc;

    use super::{Ending, RunError, thread};

    #[test]
    fn a_thread_that_panics_is_known_to_have_died() {
        let (sender, mut ended) = mpsc::unbounded_channel();
        for panics in [false, true] {
            let ending = Ending { well: false, sender: sender.clone() };
            let thread = thread::spawn(move || {
                let mut ending = ending;
                assert!(!panics, "as the test wants it");
                ending.well = true;
            });
            assert_eq!(thread.join().is_err(), panics);
            assert_eq!(matches!(ended.try_recv().unwrap(), Err(RunError::Died)), panics);
        }
    }
}
