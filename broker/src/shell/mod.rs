//! The I/O shell: sockets, tasks and the clock around the [`Hub`](crate::hub::Hub). A worker is a thread with a hub of its own: a task
//! serves each connection, one task beats for all, one does what other workers ask for. The first worker also accepts, a task for each
//! side.

mod accept;
mod asking;
mod complaints;
mod end;
mod heartbeats;
mod inbox;
mod lanes;
mod publisher;
mod shared;
mod subscriber;
mod workers;

use std::rc::Rc;
use std::sync::Arc;

use recado_zmtp::transport::{HandshakeGate, Listener};
use tokio::runtime::Builder;
use tokio::sync::oneshot;
use tokio::task::LocalSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::{debug, info};

use crate::broker::{BindError, Bound};
use crate::config::{Config, PlainSubscribers};
use crate::counters::Counters;
use crate::limits::PLAIN_HANDSHAKES_PART;
use crate::neighbours::WorkerId;
use accept::{Door, Side, accept};
use shared::Shared;
pub(crate) use workers::Workers;

/// One of the broker's threads, before it runs.
pub(crate) struct Worker {
    pub(crate) id: WorkerId,
    pub(crate) config: Config,
    pub(crate) counters: Arc<Counters>,
    pub(crate) workers: Arc<Workers>,
}

/// The sockets of both sides that listen, which the first worker has.
struct Listeners {
    publishers: Listener,
    subscribers: Listener,
    /// Those of [`Config::plain`], in their order.
    plain: Vec<Listener>,
}

impl Worker {
    /// Listens if it is the first, reports where, and when told to go forwards until the token that came with it is cancelled. False if
    /// something panicked without which it cannot go on.
    pub(crate) fn run(
        self,
        report: oneshot::Sender<Result<Option<Bound>, BindError>>,
        go: oneshot::Receiver<CancellationToken>,
    ) -> bool {
        let runtime = match Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => runtime,
            Err(error) => {
                // Whoever binds may have lost interest; then nothing is left to do.
                let _ = report.send(Err(error.into()));
                return true;
            }
        };
        let local = LocalSet::new();
        local.block_on(&runtime, async move {
            let listeners = match self.listen().await {
                Ok(listeners) => listeners,
                Err(error) => {
                    let _ = report.send(Err(error.into()));
                    return true;
                }
            };
            let bound = listeners.as_ref().map(|Listeners { publishers, subscribers, plain }| Bound {
                publishers: publishers.local_endpoint().clone(),
                subscribers: subscribers.local_endpoint().clone(),
                plain: plain.iter().map(|listener| listener.local_endpoint().clone()).collect(),
            });
            if report.send(Ok(bound)).is_err() {
                return true;
            }
            match go.await {
                Ok(stop) => self.forward(listeners, stop).await,
                // Dropped before it was run: nothing to do.
                Err(_) => true,
            }
        })
    }

    async fn listen(&self) -> Result<Option<Listeners>, recado_zmtp::BindError> {
        if self.id != WorkerId(0) {
            return Ok(None);
        }
        let publishers = Listener::bind(self.config.publishers()).await?;
        let subscribers = Listener::bind(self.config.subscribers()).await?;
        let mut plain = Vec::with_capacity(self.config.plain().len());
        for PlainSubscribers { endpoint, .. } in self.config.plain() {
            plain.push(Listener::bind_private(endpoint).await?);
        }
        Ok(Some(Listeners { publishers, subscribers, plain }))
    }

    async fn forward(self, listeners: Option<Listeners>, stop: CancellationToken) -> bool {
        let Worker { id, config, counters, workers } = self;
        let linger = config.limits().linger;
        let died = CancellationToken::new();
        let shared =
            Rc::new(Shared::new(&config, id, Arc::clone(&counters), Arc::clone(&workers), stop.clone()));
        if let Some(listeners) = listeners {
            for (door, listener) in listeners.into_doors(&config) {
                let accepting = accept(Rc::clone(&shared), door, listener);
                shared.tasks.spawn_local(needed(accepting, died.clone()));
            }
        }
        shared.tasks.spawn_local(needed(heartbeats::beat(Rc::clone(&shared)), died.clone()));
        if config.limits().workers > 1 || config.keys().is_some() {
            shared.tasks.spawn_local(needed(inbox::read_inbox(Rc::clone(&shared)), died.clone()));
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = died.cancelled() => return false,
        }
        shared.close();
        let written = async {
            workers.fed_out.cancelled().await;
            shared.wake_all();
            shared.tasks.wait().await;
        };
        if timeout(linger, written).await.is_err() {
            debug!(queued_bytes = counters.figures().queued_bytes, "subscribers did not take all in time");
            shared.hub.borrow_mut().give_up();
        }
        if workers.ended() {
            workers.counters.figures().log("broker ends");
        }
        true
    }
}

impl Listeners {
    /// Says where it listens.
    fn into_doors(self, config: &Config) -> Vec<(Door, Listener)> {
        let Listeners { publishers, subscribers, plain } = self;
        info!(socket = "publishers", endpoint = %publishers.local_endpoint(), "listening");
        info!(socket = "subscribers", endpoint = %subscribers.local_endpoint(), "listening");
        let handshakes_max = config.limits().of_worker().handshakes_max;
        let door = |side| Door { side, plain: None, gate: HandshakeGate::new(handshakes_max) };
        let mut doors = vec![(door(Side::Publishers), publishers), (door(Side::Subscribers), subscribers)];
        let gate = HandshakeGate::new(handshakes_max / PLAIN_HANDSHAKES_PART);
        for (PlainSubscribers { name, key, .. }, listener) in config.plain().iter().zip(plain) {
            let endpoint = listener.local_endpoint();
            info!(socket = "plain subscribers", %endpoint, user = name, %key, "listening: whoever reaches this is this user, if servers let it in");
            let door = Door { side: Side::Subscribers, plain: Some(*key), gate: gate.clone() };
            doors.push((door, listener));
        }
        doors
    }
}

/// A task that the worker cannot do without: if it panics, `died` is cancelled. (A connection's task takes only the connection along.)
async fn needed(task: impl Future<Output = ()>, died: CancellationToken) {
    let guard = died.drop_guard();
    task.await;
    guard.disarm();
}

#[cfg(test)]
mod tests {
    use super::{CancellationToken, LocalSet, needed};

    #[tokio::test]
    async fn a_panic_of_a_task_that_is_needed_is_noticed() {
        let local = LocalSet::new();
        for panics in [false, true] {
            let died = CancellationToken::new();
            let task = async move { assert!(!panics, "as the test wants it") };
            let done = local.run_until(local.spawn_local(needed(task, died.clone()))).await;
            assert_eq!((done.is_err(), died.is_cancelled()), (panics, panics));
        }
    }
}
