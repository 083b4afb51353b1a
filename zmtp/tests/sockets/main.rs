//! The sockets over loopback: with each other, and with bare peers that send what they like.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod closing;
mod gatekeeper;
mod heartbeat;
mod hostile;
mod publisher_subscriber;
mod raw_peer;
mod reconnecting;
mod requests;
mod router_dealer;
mod secured;
mod standing_in;
mod transport;

use std::time::Duration;

use tokio::sync::broadcast;

use recado_zmtp::{
    Dealer, Endpoint, Framing, Message, Publisher, Router, SocketEvent, SocketEventKind, SocketOptions,
    Subscriber,
};

/// Far longer than anything here takes: what is waited for has failed to come.
const TOO_LONG: Duration = Duration::from_secs(60);

async fn soon<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(TOO_LONG, work).await.expect("it comes within a minute")
}

fn anywhere() -> Endpoint {
    "tcp://127.0.0.1:*".parse().unwrap()
}

async fn router(options: SocketOptions) -> Router {
    Router::bind(&anywhere(), options).await.unwrap()
}

fn dealer(router: &Router, framing: Framing) -> Dealer {
    Dealer::connect(&[router.local_endpoint().clone()], framing, SocketOptions::default())
}

async fn publisher(options: SocketOptions) -> (Publisher, Endpoint) {
    let publisher = Publisher::bind(&anywhere(), options).await.unwrap();
    let endpoint = publisher.local_endpoint().unwrap().clone();
    (publisher, endpoint)
}

fn subscriber(endpoint: &Endpoint, topics: &[&'static str]) -> Subscriber {
    let subscriber = Subscriber::connect(std::slice::from_ref(endpoint), SocketOptions::default());
    topics.iter().for_each(|topic| subscriber.subscribe(*topic));
    subscriber
}

fn message(frames: &[&str]) -> Message {
    Message::new(frames.iter().map(|frame| frame.as_bytes().to_vec().into()).collect())
}

/// The next event that `wanted` makes something of.
async fn event<T>(
    events: &mut broadcast::Receiver<SocketEvent>,
    wanted: impl Fn(SocketEventKind) -> Option<T>,
) -> T {
    soon(async {
        loop {
            match events.recv().await {
                Ok(event) => {
                    if let Some(found) = wanted(event.kind) {
                        return found;
                    }
                }
                Err(broadcast::error::RecvError::Lagged(_)) => {}
                Err(broadcast::error::RecvError::Closed) => panic!("the socket is gone"),
            }
        }
    })
    .await
}

/// Waits for a connection's end and gives the reason.
async fn disconnected(events: &mut broadcast::Receiver<SocketEvent>) -> String {
    event(events, |kind| match kind {
        SocketEventKind::Disconnected { reason, .. } => Some(reason),
        _ => None,
    })
    .await
}

/// Lets other tasks run until `condition` holds.
async fn until(mut condition: impl FnMut() -> bool) {
    soon(async {
        while !condition() {
            tokio::task::yield_now().await;
        }
    })
    .await;
}
