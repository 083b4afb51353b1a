//! The I/O shell: sockets, tasks and the clock around the [`Hub`](crate::hub::Hub). One thread runs all of it: a task accepts on
//! each side, a task serves each connection, one task beats for all.

mod accept;
mod complaints;
mod end;
mod heartbeats;
mod publisher;
mod shared;
mod subscriber;

use std::rc::Rc;
use std::sync::Arc;

use recado_zmtp::transport::Listener;
use tokio::runtime::Builder;
use tokio::sync::oneshot;
use tokio::task::LocalSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::{debug, info};

use crate::broker::{BindError, Bound};
use crate::config::Config;
use crate::counters::Counters;
use accept::{Side, accept};
use shared::Shared;

/// Listens, reports where, and when told to go forwards until the token that came with it is cancelled.
pub(crate) fn run(
    config: Config,
    counters: Arc<Counters>,
    report: oneshot::Sender<Result<Bound, BindError>>,
    go: oneshot::Receiver<CancellationToken>,
) {
    let runtime = match Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            // Whoever binds may have lost interest; then nothing is left to do.
            let _ = report.send(Err(error.into()));
            return;
        }
    };
    let local = LocalSet::new();
    local.block_on(&runtime, async move {
        let (publishers, subscribers) = match listen(&config).await {
            Ok(listeners) => listeners,
            Err(error) => {
                let _ = report.send(Err(error.into()));
                return;
            }
        };
        let bound = Bound {
            publishers: publishers.local_endpoint().clone(),
            subscribers: subscribers.local_endpoint().clone(),
        };
        if report.send(Ok(bound)).is_err() {
            return;
        }
        // Dropped before it was run: nothing to do.
        if let Ok(stop) = go.await {
            forward(config, counters, publishers, subscribers, stop).await;
        }
    });
}

async fn listen(config: &Config) -> Result<(Listener, Listener), recado_zmtp::BindError> {
    let publishers = Listener::bind(config.publishers()).await?;
    let subscribers = Listener::bind(config.subscribers()).await?;
    Ok((publishers, subscribers))
}

async fn forward(
    config: Config,
    counters: Arc<Counters>,
    publishers: Listener,
    subscribers: Listener,
    stop: CancellationToken,
) {
    info!(socket = "publishers", endpoint = %publishers.local_endpoint(), "listening");
    info!(socket = "subscribers", endpoint = %subscribers.local_endpoint(), "listening");
    let linger = config.limits().linger;
    let shared = Rc::new(Shared::new(&config, Arc::clone(&counters), stop.clone()));
    for (side, listener) in [(Side::Publishers, publishers), (Side::Subscribers, subscribers)] {
        shared.tasks.spawn_local(accept(Rc::clone(&shared), side, listener));
    }
    shared.tasks.spawn_local(heartbeats::beat(Rc::clone(&shared)));
    stop.cancelled().await;
    shared.close();
    if timeout(linger, shared.tasks.wait()).await.is_err() {
        debug!(queued_bytes = counters.figures().queued_bytes, "subscribers did not take all in time");
        shared.hub.borrow_mut().give_up();
    }
    counters.figures().log("broker ends");
}
